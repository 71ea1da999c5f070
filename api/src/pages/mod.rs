//! The server-rendered pages: login, approval, the demo app's code, faults. No script runs on them, and no other site frames them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use minijinja::{Environment, context};
use serde::Serialize;
use std::sync::LazyLock;

/// What the login page shows.
#[derive(Serialize)]
pub(crate) struct Login {
    /// Where the form goes.
    pub(crate) action: String,
    /// Proves that the form came from here.
    pub(crate) csrf: String,
    /// The app that asks.
    pub(crate) app: String,
    /// What was wrong with the last try.
    pub(crate) error: Option<String>,
}

/// What the approval page shows.
#[derive(Serialize)]
pub(crate) struct Approval {
    /// Where the form goes.
    pub(crate) action: String,
    /// Proves that the form came from here.
    pub(crate) csrf: String,
    /// The app that asks.
    pub(crate) app: String,
    /// Who is logged in.
    pub(crate) user: String,
    /// What the app may then do.
    pub(crate) scopes: Vec<String>,
    /// The patients to choose from; none when there is no choice.
    pub(crate) patients: Vec<String>,
    /// Where the answer goes.
    pub(crate) redirect_uri: String,
}

/// What the demo app's page shows.
#[derive(Serialize)]
pub(crate) struct Callback {
    /// The code to paste.
    pub(crate) code: Option<String>,
    /// Why there is none.
    pub(crate) error: Option<String>,
}

/// Template names end in `.html`, which turns escaping on.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    let templates = [
        ("page.html", include_str!("templates/page.html")),
        ("login.html", include_str!("templates/login.html")),
        ("approval.html", include_str!("templates/approval.html")),
        ("callback.html", include_str!("templates/callback.html")),
        ("fault.html", include_str!("templates/fault.html")),
    ];
    for (name, source) in templates {
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(name, %error, "a page's template is wrong");
        }
    }
    environment
});

/// The login form.
pub(crate) fn login(page: &Login, status: StatusCode) -> HttpResponse {
    render("login.html", page, status, "'self'")
}

/// The approval form.
pub(crate) fn approval(page: &Approval) -> HttpResponse {
    // Browsers hold a form's redirects to this directive too.
    let target = form_target(&page.redirect_uri);
    render("approval.html", page, StatusCode::OK, &format!("'self' {target}"))
}

/// The code that the demo app was given.
pub(crate) fn callback(page: &Callback) -> HttpResponse {
    render("callback.html", page, StatusCode::OK, "'none'")
}

/// Something is wrong that cannot be told to the app.
pub(crate) fn fault(text: &str) -> HttpResponse {
    render("fault.html", &context! { text }, StatusCode::BAD_REQUEST, "'none'")
}

/// The stylesheet of the pages.
pub(crate) async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=3600"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .content_type("text/css; charset=utf-8")
        .body(include_str!("templates/pages.css"))
}

fn render(name: &str, page: &impl Serialize, status: StatusCode, form_action: &str) -> HttpResponse {
    let html =
        TEMPLATES.get_template(name).and_then(|template| template.render(minijinja::value::Serde(page)));
    let html = match html {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(name, %error, "a page could not be made");
            return HttpResponse::InternalServerError().finish();
        }
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    HttpResponse::build(status)
        .insert_header(("Content-Security-Policy", policy))
        .insert_header(("X-Frame-Options", "DENY"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("Cache-Control", "no-store"))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

/// The source expression that covers a redirect URI.
fn form_target(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    let host = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let host_is_plain =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
    match scheme {
        "http" | "https" if host_is_plain => format!("{scheme}://{host}"),
        _ => format!("{scheme}:"),
    }
}
