//! FHIR over HTTP: a request becomes a `domain::interaction::Request`, its answer an HTTP response.

pub(crate) mod negotiation;
pub(crate) mod request;
pub(crate) mod response;

use crate::app::App;
use crate::guard;
use crate::guard::limit::{self, Coding};
use crate::guard::trace::BodyRead;
use crate::jobs;
use crate::operations::metrics::Label;
use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use domain::access::actor::Actor;
use domain::interaction::address::Address;
use domain::interaction::{Answer, Interaction};
use domain::{Error, ErrorCode};
use std::sync::Arc;
use std::time::Duration;

/// Every request at or below the FHIR base.
pub(crate) async fn handle(http: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    let limit = Duration::from_secs(app.settings.request_timeout);
    let mut label = Label(0);
    if *http.method() == Method::OPTIONS
        && let Some(allow) = request::allow(http.path())
    {
        return response::options(allow);
    }
    let answered = tokio::time::timeout(limit, answer(&http, payload, &app, &mut label)).await;
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let mut response = response::failure(&error);
            response::advise(&mut response, &error, http.path(), &app.settings);
            response::blame_token(&mut response, http.headers());
            response
        }
        Err(_) => response::failure(&Error::new(
            ErrorCode::Timeout,
            "The request took longer than a request may. A write may have been done: read before you repeat it.",
        )),
    };
    response.extensions_mut().insert(label);
    response
}

async fn answer(
    http: &HttpRequest,
    payload: web::Payload,
    app: &web::Data<App>,
    label: &mut Label,
) -> Result<HttpResponse, Error> {
    let address = request::address(http, app.settings.query_length)?;
    *label = Label::of(request::label(&address, http.method()));
    let actor = match address {
        // The CapabilityStatement is for everyone (`FHIR R4 http.html#capabilities`).
        Address::Metadata => Arc::new(Actor { open: false, ..Actor::open() }),
        _ => guard::actor(app, http).await?,
    };
    app.rates.check_actor(&actor)?;
    let form = request::form_of(http, &address)?;
    let view = negotiation::View::of(http.headers(), http.query_string())?;
    let request = if request::has_body(http.method()) {
        let coding = Coding::of(http.headers())?;
        let within = Duration::from_secs(app.settings.body_timeout);
        let bytes = limit::body(http.headers(), payload, app.settings.body_limit, within).await?;
        http.extensions_mut().insert(BodyRead);
        Body { bytes, coding, form }
    } else {
        Body { bytes: web::Bytes::new(), coding: Coding::Identity, form: false }
    };
    let answer = perform(http, app, actor, address, request).await?;
    Ok(response::success(answer, view, &app.settings))
}

/// A body as sent, and how it is to be read.
struct Body {
    bytes: web::Bytes,
    coding: Coding,
    form: bool,
}

/// Prepares the request and performs it in a transaction.
async fn perform(
    http: &HttpRequest,
    app: &web::Data<App>,
    caller: Arc<Actor>,
    address: Address,
    body: Body,
) -> Result<Answer, Error> {
    let headers = request::Conditions::of(http.headers())?;
    let parameters = request::parameters(http.query_string());
    let method = http.method().clone();
    let sent_as = request::media_type(http.headers());
    let limit = app.settings.body_limit;
    let server = Arc::clone(&app.server);
    let preparing = {
        let (server, caller) = (Arc::clone(&server), Arc::clone(&caller));
        move || {
            let (bytes, parameters) =
                request::read_body(&body.bytes, body.coding, body.form, parameters, limit)?;
            let mut interaction = address.interaction(method.as_str(), parameters, bytes)?;
            if let Interaction::Patch(_, _, media_type, _)
            | Interaction::ConditionalPatch(_, _, media_type, _) = &mut interaction
            {
                *media_type = sent_as;
            }
            server.prepare(&caller, headers.with(interaction))
        }
    };
    let prepared =
        if request::has_body(http.method()) { app.preparation.run(preparing).await? } else { preparing()? };
    if prepared.writes() {
        let learning = prepared.defines_parameters().then(|| Arc::clone(&server));
        let answer = app.worker.write(move |tx| server.perform_write(tx, &caller, &prepared)).await?;
        if let Some(server) = learning {
            // Who defined a parameter finds this process knowing of it.
            let followed = app.worker.read(move |tx| jobs::follow(&server, tx)).await?;
            app.jobs.see(followed);
        }
        Ok(answer)
    } else {
        app.worker.read(move |tx| server.perform_read(tx, &caller, &prepared)).await
    }
}
