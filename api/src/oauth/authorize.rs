//! `/oauth2/authorize` and its two forms: who are you, and may this app.

use super::{Authority, pairs};
use crate::app::App;
use crate::fhir::response;
use crate::guard::limit;
use crate::pages::{self, Approval, Callback, Login};
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER,
};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::authorization::authorize::{self, AuthorizeRequest, Fault};
use domain::authorization::user::{self, User};
use domain::authorization::{login, parameter, same};
use domain::{Error, ErrorCode};
use std::time::Duration;

/// Longest form taken, in bytes.
const LIMIT: usize = 64 << 10;

type Pairs = Vec<(String, String)>;

/// `GET`: the login form, or the approval form when there is a session.
pub(crate) async fn show(http: HttpRequest, app: web::Data<App>) -> HttpResponse {
    answered(shown(&http, &app).await)
}

/// `POST` (SMART `authorize-post`): the same by another method, so that there is one way on from here.
pub(crate) async fn by_post(http: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    match form(&http, payload, &app).await {
        Ok(_) if !http.query_string().is_empty() => {
            answered(Err(Error::new(ErrorCode::InvalidParameter, "Send the parameters in the body alone.")))
        }
        Ok((text, _)) => see_other(&format!("/oauth2/authorize?{text}")),
        Err(error) => answered(Err(error)),
    }
}

/// The login form, sent.
pub(crate) async fn login(http: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    answered(logged_in(&http, payload, &app).await)
}

/// The approval form, sent.
pub(crate) async fn approve(http: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    answered(approved(&http, payload, &app).await)
}

/// `serve --demo`: where the demo app is called back, to show the code that the person then pastes.
pub(crate) async fn demo_callback(http: HttpRequest, app: web::Data<App>) -> HttpResponse {
    if !app.demo {
        return response::failure(&Error::new(ErrorCode::NotFoundRoute, "There is nothing at this address."));
    }
    let pairs = pairs(http.query_string()).unwrap_or_default();
    let value = |name: &str| parameter(&pairs, name).ok().flatten().map(str::to_owned);
    pages::callback(&Callback { code: value("code"), error: value("error_description").or(value("error")) })
}

fn answered(outcome: Result<HttpResponse, Error>) -> HttpResponse {
    outcome.unwrap_or_else(|error| response::failure(&error))
}

/// `303`, which never repeats a form (`RFC 9700 §4.12`).
fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}

async fn form(http: &HttpRequest, payload: web::Payload, app: &App) -> Result<(String, Pairs), Error> {
    let within = Duration::from_secs(app.settings.body_timeout);
    let bad = || Error::new(ErrorCode::MalformedBody, "Send application/x-www-form-urlencoded.");
    let kind = http.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(bad());
    }
    let body = limit::body(http.headers(), payload, LIMIT, within).await?;
    let text = std::str::from_utf8(&body).map_err(|_| bad())?;
    // The text goes into a Location header: only what a form can hold.
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(bad());
    }
    Ok((text.to_owned(), pairs(text).ok_or_else(bad)?))
}

/// The request judged, and who is logged in.
async fn state(
    http: &HttpRequest,
    app: &App,
) -> Result<Result<(AuthorizeRequest, Option<User>), HttpResponse>, Error> {
    let Some(query) = pairs(http.query_string()) else {
        return Ok(Err(pages::fault("The address is not complete.")));
    };
    let cookie = http.cookie(&app.authority.cookie("session")).map(|cookie| cookie.value().to_owned());
    let server = app.authority.server.clone();
    let read = app.worker.read(move |tx| {
        let user = match &cookie {
            Some(cookie) => login::session(&server, tx, cookie)?,
            None => None,
        };
        Ok((authorize::check(&server, tx, &query)?, user))
    });
    Ok(match read.await? {
        (Ok(request), user) => Ok((request, user)),
        (Err(Fault::Page(text)), _) => Err(pages::fault(&text)),
        (Err(Fault::Redirect(address)), _) => Err(see_other(&address)),
    })
}

async fn shown(http: &HttpRequest, app: &App) -> Result<HttpResponse, Error> {
    let (request, user) = match state(http, app).await? {
        Ok(state) => state,
        Err(response) => return Ok(response),
    };
    let Some(user) = user else {
        return Ok(login_page(http, app, &request, None, StatusCode::OK));
    };
    let session = http.cookie(&app.authority.cookie("session"));
    let patients = user.patients();
    Ok(pages::approval(&Approval {
        action: format!("/oauth2/approve?{}", http.query_string()),
        csrf: login::csrf(session.as_ref().map_or("", |cookie| cookie.value())),
        app: request.client.name.clone().unwrap_or_else(|| request.client.id.clone()),
        user: user.username.clone(),
        scopes: request.scopes.clone(),
        patients: if request.needs_patient() && patients.len() > 1 {
            patients.iter().map(|id| id.as_str().to_owned()).collect()
        } else {
            Vec::new()
        },
        redirect_uri: request.redirect_uri.clone(),
    }))
}

fn login_page(
    http: &HttpRequest,
    app: &App,
    request: &AuthorizeRequest,
    error: Option<&str>,
    status: StatusCode,
) -> HttpResponse {
    let authority = &app.authority;
    let name = authority.cookie("login");
    let cookie = http.cookie(&name).map(|cookie| cookie.value().to_owned());
    let value = cookie.unwrap_or_else(|| authority.server.secret());
    let mut response = pages::login(
        &Login {
            action: format!("/oauth2/login?{}", http.query_string()),
            csrf: login::csrf(&value),
            app: request.client.name.clone().unwrap_or_else(|| request.client.id.clone()),
            error: error.map(str::to_owned),
        },
        status,
    );
    // A cookie that cannot be set leaves a form that cannot be sent; nothing else is lost.
    let _ = response.add_cookie(&authority.cookie_of(name, value));
    response
}

/// Whether the form carries the token that belongs to the cookie `which`.
fn has_csrf(http: &HttpRequest, app: &App, which: &str, form: &Pairs) -> bool {
    match (http.cookie(&app.authority.cookie(which)), parameter(form, "csrf")) {
        (Some(cookie), Ok(Some(given))) => same(&login::csrf(cookie.value()), given),
        _ => false,
    }
}

async fn logged_in(http: &HttpRequest, payload: web::Payload, app: &App) -> Result<HttpResponse, Error> {
    let (_, form) = form(http, payload, app).await?;
    let (request, _) = match state(http, app).await? {
        Ok(state) => state,
        Err(response) => return Ok(response),
    };
    if !has_csrf(http, app, "login", &form) {
        let text = "The form was open for too long, or cookies are off. Try again.";
        return Ok(login_page(http, app, &request, Some(text), StatusCode::FORBIDDEN));
    }
    let field = |name: &str| parameter(&form, name).ok().flatten().unwrap_or_default().to_owned();
    let (username, password) = (field("username"), field("password"));
    let address = http.peer_addr().map(|address| address.ip().to_string()).unwrap_or_default();
    let (server, limits) = (app.authority.server.clone(), app.authority.limits);
    let attempt = app.worker.write(move |tx| login::begin(&server, tx, &username, &address, limits)).await?;
    let Some(attempt) = attempt else {
        let text = "There were too many failed logins. Wait 15 minutes, then try again.";
        let mut page = login_page(http, app, &request, Some(text), StatusCode::TOO_MANY_REQUESTS);
        page.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("900"));
        return Ok(page);
    };
    let stored = attempt.password.clone();
    let right = app.authority.passwords.run(move || Ok(user::verify(stored.as_deref(), &password))).await?;
    if !right {
        let text = "The user name or the password is wrong.";
        return Ok(login_page(http, app, &request, Some(text), StatusCode::FORBIDDEN));
    }
    let server = app.authority.server.clone();
    let value = app.worker.write(move |tx| login::succeed(&server, tx, &attempt)).await?;
    let mut response = see_other(&format!("/oauth2/authorize?{}", http.query_string()));
    let cookie = app.authority.cookie_of(app.authority.cookie("session"), value);
    response.add_cookie(&cookie).map_err(Error::internal)?;
    Ok(response)
}

async fn approved(http: &HttpRequest, payload: web::Payload, app: &App) -> Result<HttpResponse, Error> {
    let (_, form) = form(http, payload, app).await?;
    let (request, user) = match state(http, app).await? {
        Ok((request, Some(user))) => (request, user),
        Ok((request, None)) => {
            let text = "You have been logged out. Log in again.";
            return Ok(login_page(http, app, &request, Some(text), StatusCode::FORBIDDEN));
        }
        Err(response) => return Ok(response),
    };
    if !has_csrf(http, app, "session", &form) {
        return Ok(pages::fault(
            "The form does not belong to this login. Go back to the app and start again.",
        ));
    }
    if parameter(&form, "decision") != Ok(Some("allow")) {
        return Ok(see_other(&authorize::deny(&app.authority.server, &request)));
    }
    let session = http.cookie(&app.authority.cookie("session"));
    let session = session.map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let patient = parameter(&form, "patient").ok().flatten().map(str::to_owned);
    let server = app.authority.server.clone();
    let address = app
        .worker
        .write(move |tx| authorize::approve(&server, tx, &request, (&user, &session), patient.as_deref()))
        .await?;
    Ok(see_other(&address))
}

impl Authority {
    /// The name of a cookie: on https bound to this host.
    fn cookie(&self, name: &str) -> String {
        if self.secure { format!("__Host-binnacle_{name}") } else { format!("binnacle_{name}") }
    }

    /// A cookie as all of ours are.
    fn cookie_of(&self, name: String, value: String) -> Cookie<'static> {
        Cookie::build(name, value)
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .finish()
    }
}
