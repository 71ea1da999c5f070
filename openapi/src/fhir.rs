//! The operations below the FHIR base, from the Registry's routes.

use crate::example::{self, Examples};
use crate::schemas::Schemas;
use crate::security::Asked;
use crate::{answers, parameters};
use domain::conformance::SearchParameters;
use domain::conformance::registry::{InteractionCode, Level, Method, Registry, ResourceType, Route};
use domain::operation::Operation;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Content, RefOr, Required, Schema};

/// The media type of FHIR JSON.
pub(crate) const FHIR_JSON: &str = "application/fhir+json";
/// The media type of JSON Patch.
const JSON_PATCH: &str = "application/json-patch+json";
/// The media type of `_search`.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// The tag of operations of no one type.
pub(crate) const SYSTEM_TAG: &str = "System";

/// Writes the operations of the Registry.
pub(crate) struct Writer<'a> {
    pub(crate) registry: &'a Registry,
    /// The search parameters that are not R4's.
    pub(crate) own: &'a SearchParameters,
    pub(crate) base_path: &'a str,
    /// Whether tokens are asked for.
    pub(crate) tokens: bool,
    /// The scopes that the operations ask for.
    pub(crate) asked: Asked,
    /// The examples that the operations show.
    pub(crate) examples: Examples,
}

impl Writer<'_> {
    /// The operations of no one type.
    pub(crate) fn system(&mut self, mut paths: PathsBuilder, schemas: &mut Schemas) -> PathsBuilder {
        for route in self.registry.routes_of(Level::System) {
            paths = self.route(paths, schemas, route, None);
        }
        paths
    }

    /// The operations of one type.
    pub(crate) fn resource_type(
        &mut self,
        mut paths: PathsBuilder,
        schemas: &mut Schemas,
        type_: &ResourceType,
    ) -> PathsBuilder {
        for level in [Level::Type, Level::Instance, Level::Compartment] {
            if level == Level::Compartment && !type_.has_compartment() {
                continue;
            }
            for route in self.registry.routes_of(level).filter(|route| route.is_for(type_.name)) {
                paths = self.route(paths, schemas, route, Some(type_));
            }
        }
        paths
    }

    fn route(
        &mut self,
        paths: PathsBuilder,
        schemas: &mut Schemas,
        route: &Route,
        type_: Option<&ResourceType>,
    ) -> PathsBuilder {
        let name = type_.map_or(SYSTEM_TAG, |type_| type_.name);
        let mut operation = OperationBuilder::new()
            .tag(name)
            .operation_id(Some(operation_id(route, type_)))
            .summary(Some(summary(route, type_)));
        if self.tokens {
            operation = operation.securities(Some(self.asked.of(route.interaction, type_)));
        }
        operation = parameters::apply(operation, self.registry, self.own, route, type_);
        if route.form {
            let form = parameters::form(self.registry, self.own, route.interaction, type_);
            operation = operation.request_body(Some(body(FORM, Content::new(Some(form)))));
        } else if matches!(route.interaction, InteractionCode::Patch | InteractionCode::ConditionalPatch) {
            operation = operation.request_body(Some(self.patch_body(schemas)));
        } else if let Some(schema) = body_schema(route.interaction, schemas, type_) {
            operation = operation.request_body(Some(self.resource_body(route.interaction, schema, type_)));
        }
        operation = answers::apply(operation, self, schemas, route, type_);
        let path = format!("{}{}", self.base_path, route.path.replace("{type}", name));
        paths.path(path, PathItem::new(http(route.method), operation.build()))
    }
}

impl Writer<'_> {
    /// A resource as body. An operation may come without.
    fn resource_body(
        &mut self,
        interaction: InteractionCode,
        schema: RefOr<Schema>,
        type_: Option<&ResourceType>,
    ) -> RequestBody {
        let (required, example) = match interaction {
            InteractionCode::Operation(operation, level) => {
                (Required::False, example::of_operation(operation, level))
            }
            _ => (Required::True, type_.map_or(example::TRANSACTION, |type_| type_.name)),
        };
        let content = self.examples.content(schema, example);
        let body = RequestBodyBuilder::new().required(Some(required)).content(FHIR_JSON, content);
        match interaction {
            InteractionCode::Operation(operation, level) => {
                body.description(Some(takes(operation, level))).build()
            }
            _ => body.build(),
        }
    }

    /// The body of a patch: a document of either kind.
    fn patch_body(&mut self, schemas: &mut Schemas) -> RequestBody {
        let parameters = self.examples.content(schemas.named("Parameters"), example::FHIRPATH_PATCH);
        let operations = self.examples.content(json_patch(), example::JSON_PATCH);
        RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content(JSON_PATCH, operations)
            .content(FHIR_JSON, parameters)
            .build()
    }
}

/// The schema of `RFC 6902`.
fn json_patch() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let operations = ["add", "remove", "replace", "move", "copy", "test"];
    let operation = ObjectBuilder::new()
        .property("op", text().enum_values(Some(operations)))
        .property("path", text())
        .property("from", text())
        .property("value", ObjectBuilder::new().schema_type(SchemaType::AnyValue))
        .required("op")
        .required("path");
    ArrayBuilder::new().items(operation).build().into()
}

pub(crate) const fn http(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

fn body(media_type: &str, content: Content) -> RequestBody {
    RequestBodyBuilder::new().required(Some(Required::True)).content(media_type, content).build()
}

fn body_schema(
    interaction: InteractionCode,
    schemas: &mut Schemas,
    type_: Option<&ResourceType>,
) -> Option<RefOr<Schema>> {
    let schema = match (interaction, type_) {
        (
            InteractionCode::Create | InteractionCode::Update | InteractionCode::ConditionalUpdate,
            Some(type_),
        ) => schemas.named(type_.name),
        (InteractionCode::Bundle, _) => schemas.named("Bundle"),
        (InteractionCode::Operation(..), _) => schemas.named("Parameters"),
        _ => return None,
    };
    Some(schema.into())
}

/// `readPatient`, `searchPatient`, `searchPatientByPost`, `capabilities`.
fn operation_id(route: &Route, type_: Option<&ResourceType>) -> String {
    let verb = match route.interaction {
        InteractionCode::Operation(operation, level) => operation_verb(operation, level),
        interaction => verb(interaction).to_owned(),
    };
    let by = if route.form { "ByPost" } else { "" };
    format!("{verb}{}{by}", type_.map_or("", |type_| type_.name))
}

/// What an operation takes in its body.
fn takes(operation: Operation, level: Level) -> String {
    let mut text = "A Parameters resource".to_owned();
    for takes in operation.takes_at(level) {
        text.push_str(&format!("\n\n- `{}` ({}): {}", takes.name, takes.type_, takes.description));
    }
    text
}

/// Verb and level, as no other operation has them.
fn operation_verb(operation: Operation, level: Level) -> String {
    let of = match level {
        Level::System => "System",
        Level::Type => "Type",
        Level::Instance | Level::Compartment => "",
    };
    format!("{}{of}", operation.code())
}

const fn verb(interaction: InteractionCode) -> &'static str {
    match interaction {
        InteractionCode::Capabilities => "capabilities",
        InteractionCode::Bundle => "bundle",
        InteractionCode::HistorySystem => "historyOfSystem",
        InteractionCode::SearchSystem => "searchSystem",
        InteractionCode::Create => "create",
        InteractionCode::SearchType => "search",
        InteractionCode::SearchCompartment => "searchAllIn",
        InteractionCode::SearchCompartmentType => "searchIn",
        InteractionCode::HistoryType => "historyOfType",
        InteractionCode::Read => "read",
        InteractionCode::Vread => "vread",
        InteractionCode::Update => "update",
        InteractionCode::Delete => "delete",
        InteractionCode::HistoryInstance => "historyOf",
        InteractionCode::ConditionalUpdate => "conditionalUpdate",
        InteractionCode::Patch => "patch",
        InteractionCode::ConditionalPatch => "conditionalPatch",
        InteractionCode::ConditionalDelete => "conditionalDelete",
        InteractionCode::Operation(operation, _) => operation.code(),
        InteractionCode::JobStatus => "jobStatus",
        InteractionCode::CancelJob => "cancelJob",
    }
}

fn summary(route: &Route, type_: Option<&ResourceType>) -> String {
    let name = type_.map_or("", |type_| type_.name);
    let text = match route.interaction {
        InteractionCode::Capabilities => "What this server can do".to_owned(),
        InteractionCode::Bundle => "Perform a batch or a transaction".to_owned(),
        InteractionCode::HistorySystem => "All versions of all resources, latest first".to_owned(),
        InteractionCode::SearchSystem => "Search in all types".to_owned(),
        InteractionCode::Create => format!("Create a {name}; the server chooses its id"),
        InteractionCode::SearchType => format!("Search {name}"),
        InteractionCode::SearchCompartmentType => {
            format!("Search one type in a {name}'s compartment, also by the parameters of that type")
        }
        InteractionCode::SearchCompartment => format!("Search all types in a {name}'s compartment"),
        InteractionCode::HistoryType => format!("All versions of every {name}, latest first"),
        InteractionCode::Read => format!("Read a {name}"),
        InteractionCode::Vread => format!("Read one version of a {name}"),
        InteractionCode::Update => format!("Update a {name}, or create it with this id"),
        InteractionCode::Delete => format!("Delete a {name}; its history stays"),
        InteractionCode::ConditionalUpdate => {
            format!("Update the {name} that a search finds, or create it if there is none")
        }
        InteractionCode::Patch => format!("Change parts of a {name}"),
        InteractionCode::ConditionalPatch => format!("Change parts of the {name} that a search finds"),
        InteractionCode::ConditionalDelete => format!("Delete the {name} that a search finds"),
        InteractionCode::HistoryInstance => format!("All versions of a {name}, latest first"),
        InteractionCode::Operation(operation, Level::System) => operation.summary().to_owned(),
        InteractionCode::Operation(operation, Level::Instance) => {
            format!("{}: those that one {name} is about", operation.summary())
        }
        InteractionCode::Operation(operation, _) => format!("{}: those of {name}", operation.summary()),
        InteractionCode::JobStatus => "How far work in the background is".to_owned(),
        InteractionCode::CancelJob => "Cancel work in the background".to_owned(),
    };
    if route.form { format!("{text}, parameters in the body") } else { text }
}
