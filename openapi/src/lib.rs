//! OpenAPI 3.1 documents made from the [`Registry`] and R4's element tables: one of everything, and one for each
//! resource type that is complete in itself. This crate types no address and no search parameter of FHIR by hand.

mod fhir;
mod parameters;
mod schemas;
mod security;
mod service;

use domain::conformance::Registry;
use domain::conformance::registry::{Level, ResourceType};
use schemas::Schemas;
use utoipa::openapi::path::PathsBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder,
};

/// What of a document depends on the installation.
#[derive(Debug, Clone, Copy)]
pub struct Installation<'a> {
    /// `{public_url}`, without a slash at the end.
    pub public_url: &'a str,
    /// Path of the FHIR base below it (`/FHIR/R4`).
    pub base_path: &'a str,
    /// Version of the software.
    pub version: &'a str,
    /// Whether tokens are asked for (not with `--open`).
    pub tokens: bool,
}

/// How much a document says.
#[derive(Debug, Clone, Copy)]
pub enum Extent<'a> {
    /// Everything this server does.
    Everything,
    /// One resource type.
    Type(&'a ResourceType),
}

/// Builds a document. It does not change while the server runs: keep its bytes.
pub fn build(registry: &Registry, installation: &Installation<'_>, extent: Extent<'_>) -> OpenApi {
    let mut schemas = Schemas::default();
    let mut paths = PathsBuilder::new();
    let mut tags = Vec::new();
    let writer = fhir::Writer { registry, base_path: installation.base_path };
    let title = match extent {
        Extent::Everything => {
            schemas::any_resource(&mut schemas);
            paths = writer.system(paths, &mut schemas);
            for type_ in registry.types() {
                paths = writer.resource_type(paths, &mut schemas, type_);
            }
            paths = service::paths(paths, installation);
            tags.push(tag(
                fhir::SYSTEM_TAG,
                "The whole server: capabilities, bundles, history and search in all types",
            ));
            tags.extend(service::TAGS.iter().map(|(name, description)| tag(name, description)));
            tags.extend(registry.types().iter().map(|type_| tag(type_.name, type_.short)));
            "Binnacle".to_owned()
        }
        Extent::Type(type_) => {
            schemas::any_object(&mut schemas);
            paths = writer.resource_type(paths, &mut schemas, type_);
            tags.push(tag(type_.name, type_.short));
            format!("Binnacle: {}", type_.name)
        }
    };
    let levels: &[Level] = match extent {
        Extent::Everything => &[Level::System, Level::Type, Level::Instance],
        Extent::Type(_) => &[Level::Type, Level::Instance],
    };
    let mut components = ComponentsBuilder::new();
    for (name, parameter) in parameters::shared(registry, levels) {
        components = components.parameter(name, parameter);
    }
    for (name, response) in fhir::error_responses(&mut schemas) {
        components = components.response(name, response);
    }
    for (name, schema) in schemas.finish() {
        components = components.schema(name, schema);
    }
    let mut document = OpenApiBuilder::new().info(info(&title, installation));
    if installation.tokens {
        for (name, scheme) in security::schemes(installation.public_url) {
            components = components.security_scheme(name, scheme);
        }
        document = document.security(Some(security::required()));
    } else {
        // One empty requirement: nothing is asked.
        document = document.security(Some([Default::default()]));
    }
    let server = ServerBuilder::new().url(installation.public_url).build();
    document
        .servers(Some([server]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(tags))
        .build()
}

/// The bytes of a document.
///
/// Errors: none that the types here can give; serde_json's signature has one.
pub fn to_bytes(document: &OpenApi) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(document)
}

fn info(title: &str, installation: &Installation<'_>) -> utoipa::openapi::Info {
    let license =
        LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    InfoBuilder::new()
        .title(title)
        .version(installation.version)
        .description(Some("FHIR R4 (4.0.1) with SMART on FHIR. Every error is an OperationOutcome."))
        .license(Some(license))
        .build()
}

fn tag(name: &str, description: &str) -> utoipa::openapi::Tag {
    TagBuilder::new().name(name).description(Some(description)).build()
}
