//! The operations below the FHIR base, from the Registry's routes.

use crate::parameters;
use crate::schemas::{ANY_RESOURCE, Schemas};
use domain::conformance::registry::{InteractionCode, Level, Method, Registry, ResourceType, Route};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Required, Response, ResponseBuilder, Schema};

/// The media type of FHIR JSON.
const FHIR_JSON: &str = "application/fhir+json";
/// The media type of `_search`.
const FORM: &str = "application/x-www-form-urlencoded";
/// The tag of operations of no one type.
pub(crate) const SYSTEM_TAG: &str = "System";

/// The errors every client should be ready for, by component name, status and meaning.
const ERRORS: [(&str, &str, &str); 9] = [
    ("BadRequest", "400", "The request cannot be read or asks for what this server does not do."),
    ("Unauthorized", "401", "No token, or one that is not valid."),
    ("Forbidden", "403", "The token does not allow this."),
    ("NotFound", "404", "There is no such resource."),
    ("Gone", "410", "The resource was deleted."),
    ("PreconditionFailed", "412", "`If-Match` names a version that is not current."),
    ("Unprocessable", "422", "The resource breaks a rule."),
    ("TooManyRequests", "429", "Too many requests; `Retry-After` says when to come back."),
    ("Unavailable", "503", "The server is busy; `Retry-After` says when to come back."),
];

/// The error responses as components.
pub(crate) fn error_responses(schemas: &mut Schemas) -> Vec<(&'static str, Response)> {
    let outcome = schemas.named("OperationOutcome");
    let response = |text: &str| {
        ResponseBuilder::new().description(text).content(FHIR_JSON, Content::new(Some(outcome.clone())))
    };
    ERRORS.iter().map(|(name, _, text)| (*name, response(text).build())).collect()
}

/// Writes the operations of the Registry.
pub(crate) struct Writer<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) base_path: &'a str,
}

impl Writer<'_> {
    /// The operations of no one type.
    pub(crate) fn system(&self, mut paths: PathsBuilder, schemas: &mut Schemas) -> PathsBuilder {
        for route in self.registry.routes_of(Level::System) {
            paths = self.route(paths, schemas, route, None);
        }
        paths
    }

    /// The operations of one type.
    pub(crate) fn resource_type(
        &self,
        mut paths: PathsBuilder,
        schemas: &mut Schemas,
        type_: &ResourceType,
    ) -> PathsBuilder {
        for level in [Level::Type, Level::Instance] {
            for route in self.registry.routes_of(level) {
                paths = self.route(paths, schemas, route, Some(type_));
            }
        }
        paths
    }

    fn route(
        &self,
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
        operation = parameters::apply(operation, self.registry, route, type_);
        if route.form {
            let form = parameters::form(self.registry, route.interaction, type_);
            operation = operation.request_body(Some(body(FORM, form)));
        } else if let Some(schema) = body_schema(route.interaction, schemas, type_) {
            operation = operation.request_body(Some(body(FHIR_JSON, schema)));
        }
        operation = self.answers(operation, schemas, route, type_);
        let path = format!("{}{}", self.base_path, route.path.replace("{type}", name));
        paths.path(path, PathItem::new(http(route.method), operation.build()))
    }

    fn answers(
        &self,
        mut operation: OperationBuilder,
        schemas: &mut Schemas,
        route: &Route,
        type_: Option<&ResourceType>,
    ) -> OperationBuilder {
        let answer = answer_schema(route.interaction, schemas, type_);
        for (status, description) in successes(route.interaction) {
            let mut response = ResponseBuilder::new().description(*description);
            if let Some(schema) = answer.clone().filter(|_| !matches!(*status, "204" | "304")) {
                response = response.content(FHIR_JSON, Content::new(Some(schema)));
            }
            for header in self.registry.answer_headers(route.interaction) {
                let text = ObjectBuilder::new().schema_type(Type::String);
                let header_ = HeaderBuilder::new().schema(Some(text)).description(Some(header.description));
                response = response.header(header.name, header_.build());
            }
            operation = operation.response(*status, response.build());
        }
        for (name, status, _) in ERRORS.iter().filter(|(_, status, _)| may_fail(route.interaction, status)) {
            operation = operation.response(*status, Ref::from_response_name(*name));
        }
        operation
    }
}

const fn http(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Delete => HttpMethod::Delete,
    }
}

fn body(media_type: &str, schema: RefOr<Schema>) -> RequestBody {
    RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content(media_type, Content::new(Some(schema)))
        .build()
}

fn body_schema(
    interaction: InteractionCode,
    schemas: &mut Schemas,
    type_: Option<&ResourceType>,
) -> Option<RefOr<Schema>> {
    let schema = match (interaction, type_) {
        (InteractionCode::Create | InteractionCode::Update, Some(type_)) => schemas.named(type_.name),
        (InteractionCode::Bundle, _) => schemas.named("Bundle"),
        _ => return None,
    };
    Some(schema.into())
}

fn answer_schema(
    interaction: InteractionCode,
    schemas: &mut Schemas,
    type_: Option<&ResourceType>,
) -> Option<RefOr<Schema>> {
    let schema = match interaction {
        InteractionCode::Delete => return None,
        InteractionCode::Capabilities => schemas.named("CapabilityStatement"),
        InteractionCode::Read
        | InteractionCode::Vread
        | InteractionCode::Create
        | InteractionCode::Update => {
            type_.map_or_else(|| Ref::from_schema_name(ANY_RESOURCE), |type_| schemas.named(type_.name))
        }
        InteractionCode::Bundle
        | InteractionCode::HistorySystem
        | InteractionCode::SearchSystem
        | InteractionCode::SearchType
        | InteractionCode::HistoryType
        | InteractionCode::HistoryInstance => schemas.named("Bundle"),
    };
    Some(schema.into())
}

const fn successes(interaction: InteractionCode) -> &'static [(&'static str, &'static str)] {
    match interaction {
        InteractionCode::Capabilities => &[("200", "The CapabilityStatement.")],
        InteractionCode::Bundle => &[("200", "One answer for each entry, in order.")],
        InteractionCode::Create => &[("201", "The resource was made.")],
        InteractionCode::Update => {
            &[("200", "The resource as it is now."), ("201", "The resource was made.")]
        }
        InteractionCode::Delete => &[("204", "The resource is no longer there.")],
        InteractionCode::Read | InteractionCode::Vread => {
            &[("200", "The resource."), ("304", "The version you have is current.")]
        }
        InteractionCode::HistorySystem
        | InteractionCode::SearchSystem
        | InteractionCode::SearchType
        | InteractionCode::HistoryType
        | InteractionCode::HistoryInstance => &[("200", "A page of resources.")],
    }
}

fn may_fail(interaction: InteractionCode, status: &str) -> bool {
    let instance = interaction.level() == Level::Instance;
    match status {
        "404" => instance,
        "410" => matches!(interaction, InteractionCode::Read | InteractionCode::Vread),
        "412" => matches!(interaction, InteractionCode::Update | InteractionCode::Delete),
        "422" => {
            matches!(interaction, InteractionCode::Create | InteractionCode::Update | InteractionCode::Bundle)
        }
        "401" | "403" => interaction != InteractionCode::Capabilities,
        _ => true,
    }
}

/// `readPatient`, `searchPatient`, `searchPatientByPost`, `capabilities`.
fn operation_id(route: &Route, type_: Option<&ResourceType>) -> String {
    let verb = verb(route.interaction);
    let by = if route.form { "ByPost" } else { "" };
    format!("{verb}{}{by}", type_.map_or("", |type_| type_.name))
}

const fn verb(interaction: InteractionCode) -> &'static str {
    match interaction {
        InteractionCode::Capabilities => "capabilities",
        InteractionCode::Bundle => "bundle",
        InteractionCode::HistorySystem => "historyOfSystem",
        InteractionCode::SearchSystem => "searchSystem",
        InteractionCode::Create => "create",
        InteractionCode::SearchType => "search",
        InteractionCode::HistoryType => "historyOfType",
        InteractionCode::Read => "read",
        InteractionCode::Vread => "vread",
        InteractionCode::Update => "update",
        InteractionCode::Delete => "delete",
        InteractionCode::HistoryInstance => "historyOf",
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
        InteractionCode::HistoryType => format!("All versions of every {name}, latest first"),
        InteractionCode::Read => format!("Read a {name}"),
        InteractionCode::Vread => format!("Read one version of a {name}"),
        InteractionCode::Update => format!("Update a {name}, or create it with this id"),
        InteractionCode::Delete => format!("Delete a {name}; its history stays"),
        InteractionCode::HistoryInstance => format!("All versions of a {name}, latest first"),
    };
    if route.form { format!("{text}, parameters in the body") } else { text }
}
