//! The OpenAPI documents and Swagger UI, all from the binary: nothing is loaded from elsewhere.

use crate::app::App;
use crate::fhir::response;
use crate::settings::Settings;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY};
use actix_web::{HttpResponse, web};
use domain::conformance::{Registry, SearchParameters};
use domain::{Error, ErrorCode};
use openapi::{Depth, Extent, Installation};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use utoipa_swagger_ui::{Config, Url};

/// What the page opens on.
const FIRST: &str = "Patient,CarePlan,Consent";
/// The name of the part that is of no one type.
const SERVER: &str = "Server";

/// Nothing from other hosts; Swagger UI writes styles into the page and has images as `data:`.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page: Swagger UI's own without the parts it does not need, so that it opens sooner.
const PAGE: &str = include_str!("page.html");

/// Documents by whether they are whole and by name.
type Built = BTreeMap<(bool, String), web::Bytes>;

/// The documents that were asked for, built once for each generation of what can be searched by, by depth and name; the
/// whole one has no name.
#[derive(Default)]
pub(crate) struct Documents {
    built: Mutex<(i64, Built)>,
}

impl Documents {
    fn get(&self, app: &App, name: &str, depth: Depth) -> Result<web::Bytes, Error> {
        let key = (depth == Depth::Full, name.to_owned());
        let parameters = app.server.parameters();
        let mut kept = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != parameters.generation() {
            *kept = (parameters.generation(), BTreeMap::new());
        }
        let built = &mut kept.1;
        if let Some(bytes) = built.get(&key) {
            return Ok(bytes.clone());
        }
        let bytes = web::Bytes::from(bytes(&app.settings, &parameters, !app.open, name, depth)?);
        built.insert(key, bytes.clone());
        Ok(bytes)
    }
}

fn extent(name: &str) -> Result<Extent<'static>, Error> {
    let registry = Registry::r4();
    let missing = || Error::new(ErrorCode::NotFoundRoute, "There is no document of this resource type.");
    Ok(match name {
        "" => Extent::Everything,
        SERVER => Extent::Server,
        FIRST => Extent::Types(FIRST.split(',').filter_map(|name| registry.resource_type(name)).collect()),
        _ => Extent::Types(vec![registry.resource_type(name).ok_or_else(missing)?]),
    })
}

/// A document as it is served and as `binnacle openapi` prints it; the whole one has no name. `tokens`: whether they are
/// asked for.
///
/// Errors: [`ErrorCode::NotFoundRoute`] when `name` is no resource type.
pub(crate) fn bytes(
    settings: &Settings,
    parameters: &SearchParameters,
    tokens: bool,
    name: &str,
    depth: Depth,
) -> Result<Vec<u8>, Error> {
    let installation = Installation {
        public_url: &settings.public_url,
        base_path: crate::routes::BASE,
        version: env!("CARGO_PKG_VERSION"),
        tokens,
    };
    let document = openapi::build(Registry::r4(), parameters, &installation, &extent(name)?, depth);
    openapi::to_bytes(&document).map_err(|_| Error::internal("an OpenAPI document cannot be written"))
}

/// What the handlers share.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.app_data(web::Data::new(Documents::default()));
}

/// Swagger UI's settings: the documents to choose from, and no list of schemas, which would take a second to show.
fn swagger(public_url: &str) -> Config<'static> {
    static ADDRESSES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    let addresses = ADDRESSES.get_or_init(|| {
        let address = |name: &str| format!("/docs/{name}.json");
        let first = FIRST.split(',').chain([SERVER]);
        let others = Registry::r4().types().iter().map(|type_| type_.name);
        let others = others.filter(|name| !FIRST.split(',').any(|first| first == *name));
        let parts = first.chain(others).map(|name| (name.to_owned(), address(name)));
        let opening = (FIRST.replace(',', ", "), address(FIRST));
        [opening].into_iter().chain(parts).collect()
    });
    Config::new(addresses.iter().map(|(name, address)| Url::new(name, address)))
        .default_models_expand_depth(-1)
        .display_operation_id(true)
        .display_request_duration(true)
        .validator_url("none")
        .oauth2_redirect_url(format!("{public_url}/docs/oauth2-redirect.html"))
}

fn document(result: Result<web::Bytes, Error>) -> HttpResponse {
    match result {
        Ok(bytes) => HttpResponse::Ok().content_type("application/json").body(bytes),
        Err(error) => response::failure(&error),
    }
}

/// `GET /openapi.json`
pub(crate) async fn everything(app: web::Data<App>, documents: web::Data<Documents>) -> HttpResponse {
    document(documents.get(&app, "", Depth::Full))
}

/// `GET /openapi/{name}.json`
pub(crate) async fn part(
    app: web::Data<App>,
    documents: web::Data<Documents>,
    name: web::Path<String>,
) -> HttpResponse {
    document(documents.get(&app, &name, Depth::Full))
}

/// `GET /docs`
pub(crate) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE)
}

/// `GET /docs/{file}`: a file of Swagger UI, or a document as it shows it.
pub(crate) async fn file(
    app: web::Data<App>,
    documents: web::Data<Documents>,
    name: web::Path<String>,
) -> HttpResponse {
    if let Some(part) = name.strip_suffix(".json").filter(|part| !part.is_empty()) {
        return document(documents.get(&app, part, Depth::Outline));
    }
    let config = swagger(app.settings.public_url.trim_end_matches('/'));
    match utoipa_swagger_ui::serve(&name, Arc::new(config)) {
        Ok(Some(file)) => {
            let mut response = HttpResponse::Ok();
            response
                .content_type(file.content_type)
                .insert_header((CONTENT_SECURITY_POLICY, POLICY))
                .insert_header((CACHE_CONTROL, "public, max-age=3600"));
            if file.gzpipped {
                response.insert_header((CONTENT_ENCODING, "gzip"));
            }
            response.body(file.bytes.into_owned())
        }
        Ok(None) => response::failure(&Error::new(ErrorCode::NotFoundRoute, "There is no such file.")),
        Err(_) => response::failure(&Error::internal("a file of Swagger UI cannot be served")),
    }
}
