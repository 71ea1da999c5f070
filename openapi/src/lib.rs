//! OpenAPI 3.1 documents made from the [`Registry`] and R4's element tables: one of everything, and one for each
//! resource type that is complete in itself. This crate types no address and no search parameter of FHIR by hand.

mod answers;
mod example;
mod fhir;
mod parameters;
mod schemas;
mod security;
mod service;

use domain::conformance::registry::{Level, ResourceType};
use domain::conformance::{Registry, SearchParameters};
use example::Examples;
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
#[derive(Debug, Clone)]
pub enum Extent<'a> {
    /// Everything this server does.
    Everything,
    /// What is of no one type: the system interactions, the authorization server, the health of the process.
    Server,
    /// These resource types.
    Types(Vec<&'a ResourceType>),
}

/// How deep the schemas of a document go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As R4 has them.
    Full,
    /// For pages that show schemas by following every reference, which FHIR's extensions make endless: extensions and
    /// contained resources are objects without more, and the companions of primitives (`_birthDate`) are left out.
    Outline,
}

impl<'a> Extent<'a> {
    fn types(&self, registry: &'a Registry) -> Vec<&'a ResourceType> {
        match self {
            Extent::Everything => registry.types().iter().collect(),
            Extent::Server => Vec::new(),
            Extent::Types(types) => types.clone(),
        }
    }

    fn levels(&self) -> &'static [Level] {
        match self {
            Extent::Everything => &[Level::System, Level::Type, Level::Instance, Level::Compartment],
            Extent::Server => &[Level::System],
            Extent::Types(types) if types.iter().any(|type_| type_.has_compartment()) => {
                &[Level::Type, Level::Instance, Level::Compartment]
            }
            Extent::Types(_) => &[Level::Type, Level::Instance],
        }
    }

    fn title(&self) -> String {
        match self {
            Extent::Everything => "Binnacle".to_owned(),
            Extent::Server => "Binnacle: the server".to_owned(),
            Extent::Types(types) => {
                let names: Vec<&str> = types.iter().map(|type_| type_.name).collect();
                format!("Binnacle: {}", names.join(", "))
            }
        }
    }
}

/// Builds a document of what R4 has and of the search parameters of administrators in `own`. It changes with those alone:
/// keep its bytes.
pub fn build<'a>(
    registry: &'a Registry,
    own: &'a SearchParameters,
    installation: &Installation<'_>,
    extent: &Extent<'a>,
    depth: Depth,
) -> OpenApi {
    let mut schemas = Schemas::of(depth);
    let mut paths = PathsBuilder::new();
    let mut tags = Vec::new();
    let tokens = installation.tokens;
    let mut writer = fhir::Writer {
        registry,
        own,
        base_path: installation.base_path,
        tokens,
        asked: Default::default(),
        examples: Default::default(),
    };
    let types = extent.types(registry);
    match extent {
        _ if depth == Depth::Outline => schemas::any_object(&mut schemas, schemas::ANY_RESOURCE),
        Extent::Everything => schemas::any_resource(&mut schemas),
        Extent::Server => schemas::any_object(&mut schemas, schemas::ANY_RESOURCE),
        Extent::Types(_) => schemas::any_of(&mut schemas, &types),
    }
    if extent.levels().contains(&Level::System) {
        paths = service::paths(writer.system(paths, &mut schemas), registry, installation);
        tags.push(tag(
            fhir::SYSTEM_TAG,
            "The whole server: capabilities, bundles, history and search in all types",
        ));
        tags.extend(service::TAGS.iter().map(|(_, name, description)| tag(name, description)));
    }
    for type_ in types {
        paths = writer.resource_type(paths, &mut schemas, type_);
        tags.push(tag(type_.name, type_.short));
    }
    let mut components = components(registry, extent.levels(), schemas, writer.examples);
    for (name, scheme) in writer.asked.schemes(installation.public_url) {
        components = components.security_scheme(name, scheme);
    }
    OpenApiBuilder::new()
        .info(info(&extent.title(), installation))
        // One empty requirement: nothing is asked where an operation does not say so.
        .security(Some([Default::default()]))
        .servers(Some([ServerBuilder::new().url(installation.public_url).build()]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(tags))
        .build()
}

/// What operations share.
fn components(
    registry: &Registry,
    levels: &[Level],
    mut schemas: Schemas,
    mut examples: Examples,
) -> ComponentsBuilder {
    let mut components = ComponentsBuilder::new();
    for (name, parameter) in parameters::shared(registry, levels) {
        components = components.parameter(name, parameter);
    }
    for (name, header) in answers::headers(registry, levels) {
        components = components.header(name, header);
    }
    for (name, response) in answers::failures(&mut schemas, &mut examples) {
        components = components.response(name, response);
    }
    for (name, example) in examples.finish() {
        components = components.example(name, example);
    }
    for (name, schema) in schemas.finish() {
        components = components.schema(name, schema);
    }
    components
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
