//! Which handler answers at which address: the Registry's services, then everything below the FHIR base, whose
//! addresses are read by `domain::interaction::address`. Nothing is mounted elsewhere.

use crate::fhir::{self, response};
use crate::guard::trace::Speaker;
use crate::{docs, oauth, operations};
use actix_web::guard::{self, GuardContext};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Route, web};
use domain::conformance::registry::{Method, Registry, Service, ServiceRoute};
use domain::{Error, ErrorCode};

/// The path of the FHIR base.
pub(crate) const BASE: &str = "/FHIR/R4";

/// Mounts everything the server answers.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    // actix tries them in this order, and a pattern is a regular expression: a FHIR address, which is compared with fixed
    // texts alone, comes before them.
    mount(config, |route| !route.path.contains('{'));
    config.service(web::scope(BASE).default_service(web::to(fhir::handle)));
    mount(config, |route| route.path.contains('{'));
    config.configure(docs::configure).default_service(web::to(nothing_here));
}

/// Mounts the services that `wanted` picks, each path once with all its methods.
fn mount(config: &mut web::ServiceConfig, wanted: fn(&ServiceRoute) -> bool) {
    let services = Registry::r4().services();
    for (at, first) in services.iter().enumerate().filter(|(_, route)| wanted(route)) {
        let of_path = |route: &&ServiceRoute| route.full_path(BASE) == first.full_path(BASE);
        if services.iter().take(at).any(|route| of_path(&route)) {
            continue;
        }
        let mut resource = web::resource(pattern(first));
        for route in services.iter().filter(of_path) {
            resource = resource.route(handler(route.service).guard(guard::fn_guard(takes(route.method))));
        }
        let methods: Vec<Method> = services.iter().filter(of_path).map(|route| route.method).collect();
        config.service(
            resource.default_service(web::to(move |http: HttpRequest| other_method(http, allow(&methods)))),
        );
    }
}

/// The handler of a service. A new service has no place to be forgotten: the match is exhaustive.
fn handler(service: Service) -> Route {
    match service {
        Service::Authorize => web::to(oauth::authorize::show),
        Service::AuthorizeByPost => web::to(oauth::authorize::by_post),
        Service::Login => web::to(oauth::authorize::login),
        Service::Approve => web::to(oauth::authorize::approve),
        Service::DemoCallback => web::to(oauth::authorize::demo_callback),
        Service::PagesStyle => web::to(crate::pages::style),
        Service::Token => web::to(oauth::token::token),
        Service::Revoke => web::to(oauth::token::revoke),
        Service::Introspect => web::to(oauth::token::introspect),
        Service::Userinfo | Service::UserinfoByPost => web::to(oauth::userinfo::userinfo),
        Service::Jwks => web::to(oauth::discovery::jwks),
        Service::AuthorizationServerMetadata | Service::OpenIdConfiguration => {
            web::to(oauth::discovery::metadata)
        }
        Service::SmartConfiguration => web::to(oauth::discovery::smart_configuration),
        Service::OpenApi => web::to(docs::everything),
        Service::OpenApiOfPart => web::to(docs::part),
        Service::Docs => web::to(docs::page),
        Service::DocsFile => web::to(docs::file),
        Service::Live => web::to(operations::live),
        Service::Ready => web::to(operations::ready),
        Service::Metrics => web::to(operations::metrics),
    }
}

/// A service's path as actix writes it: the documentation page also answers with a slash behind it.
fn pattern(route: &ServiceRoute) -> Vec<String> {
    let path = route.full_path(BASE);
    match route.service {
        Service::Docs => vec![format!("{path}/"), path],
        _ => vec![path],
    }
}

/// Whether a request is of a method; GET lets HEAD in, and the body stays behind.
fn takes(method: Method) -> impl Fn(&GuardContext<'_>) -> bool {
    move |context| {
        let asked = context.head().method.as_str();
        asked == method.name() || (asked == "HEAD" && method == Method::Get)
    }
}

/// What `Allow` says of these methods.
fn allow(methods: &[Method]) -> String {
    let head = methods.contains(&Method::Get).then_some("HEAD");
    methods.iter().map(|method| method.name()).chain(head).collect::<Vec<_>>().join(", ")
}

/// A method that this address does not take.
async fn other_method(http: HttpRequest, allow: String) -> HttpResponse {
    if *http.method() == actix_web::http::Method::OPTIONS {
        return response::options(allow);
    }
    let message = format!("This address takes {allow}.");
    let mut response = Speaker::of(http.path()).failure(&Error::new(ErrorCode::MethodNotAllowed, message));
    if let Ok(allow) = allow.try_into() {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// An address that this server does not have.
async fn nothing_here(_request: HttpRequest) -> HttpResponse {
    response::failure(&Error::new(ErrorCode::NotFoundRoute, "There is nothing at this address."))
}
