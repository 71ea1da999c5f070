//! The OpenAPI documents and Swagger UI, all from the binary: nothing is loaded from elsewhere.

use crate::app::App;
use crate::fhir::response;
use crate::settings::Settings;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use domain::conformance::Registry;
use domain::{Error, ErrorCode};
use openapi::{Extent, Installation};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use utoipa_swagger_ui::{Config, Url};

/// What Swagger UI opens on.
const FIRST: [&str; 3] = ["Patient", "CarePlan", "Consent"];

/// Nothing from other hosts; Swagger UI writes styles into the page and has images as `data:`.
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// The documents that were asked for, built once; the whole one has no name.
#[derive(Default)]
pub(crate) struct Documents {
    built: Mutex<BTreeMap<String, web::Bytes>>,
}

impl Documents {
    fn get(&self, app: &App, name: &str) -> Result<web::Bytes, Error> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = built.get(name) {
            return Ok(bytes.clone());
        }
        let bytes = web::Bytes::from(bytes(&app.settings, !app.open, name)?);
        built.insert(name.to_owned(), bytes.clone());
        Ok(bytes)
    }
}

/// A document as it is served and as `binnacle openapi` prints it; the whole one has no name. `tokens`: whether they are
/// asked for.
///
/// Errors: [`ErrorCode::NotFoundRoute`] when `name` is no resource type.
pub(crate) fn bytes(settings: &Settings, tokens: bool, name: &str) -> Result<Vec<u8>, Error> {
    let registry = Registry::r4();
    let extent = if name.is_empty() {
        Extent::Everything
    } else {
        let missing = || Error::new(ErrorCode::NotFoundRoute, "There is no document of this resource type.");
        Extent::Type(registry.resource_type(name).ok_or_else(missing)?)
    };
    let installation = Installation {
        public_url: &settings.public_url,
        base_path: crate::routes::BASE,
        version: env!("CARGO_PKG_VERSION"),
        tokens,
    };
    let document = openapi::build(registry, &installation, extent);
    openapi::to_bytes(&document).map_err(|_| Error::internal("an OpenAPI document cannot be written"))
}

/// Mounts the documents and Swagger UI.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::Data::new(Documents::default()))
        .app_data(web::Data::from(Arc::new(swagger())))
        .route("/openapi.json", web::get().to(everything))
        .route("/openapi/{type}.json", web::get().to(one_type))
        .route("/docs", web::get().to(to_docs))
        .route("/docs/{file:.*}", web::get().to(file));
}

/// Swagger UI's settings: the documents to choose from.
fn swagger() -> Config<'static> {
    static ADDRESSES: OnceLock<Vec<(&'static str, String)>> = OnceLock::new();
    let addresses = ADDRESSES.get_or_init(|| {
        let others =
            Registry::r4().types().iter().map(|type_| type_.name).filter(|name| !FIRST.contains(name));
        let types = FIRST.into_iter().chain(others).map(|name| (name, format!("/openapi/{name}.json")));
        types.chain([("Everything (large)", "/openapi.json".to_owned())]).collect()
    });
    Config::new(addresses.iter().map(|(name, address)| Url::new(name, address)))
}

fn document(result: Result<web::Bytes, Error>) -> HttpResponse {
    match result {
        Ok(bytes) => HttpResponse::Ok().content_type("application/json").body(bytes),
        Err(error) => response::failure(&error),
    }
}

/// `GET /openapi.json`
async fn everything(app: web::Data<App>, documents: web::Data<Documents>) -> HttpResponse {
    document(documents.get(&app, ""))
}

/// `GET /openapi/{type}.json`
async fn one_type(
    app: web::Data<App>,
    documents: web::Data<Documents>,
    name: web::Path<String>,
) -> HttpResponse {
    document(documents.get(&app, &name))
}

/// `GET /docs`: Swagger UI's files are beside each other below `/docs/`.
async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((header::LOCATION, "/docs/")).finish()
}

/// `GET /docs/{file}`: a file of Swagger UI.
async fn file(config: web::Data<Config<'static>>, name: web::Path<String>) -> HttpResponse {
    match utoipa_swagger_ui::serve(&name, config.into_inner()) {
        Ok(Some(file)) => {
            let mut response = HttpResponse::Ok();
            response.content_type(file.content_type).insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
            if file.gzpipped {
                response.insert_header((header::CONTENT_ENCODING, "gzip"));
            }
            response.body(file.bytes.into_owned())
        }
        Ok(None) => response::failure(&Error::new(ErrorCode::NotFoundRoute, "There is no such file.")),
        Err(_) => response::failure(&Error::internal("a file of Swagger UI cannot be served")),
    }
}
