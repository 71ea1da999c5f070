//! Parameters of requests: path segments, search and result parameters, headers.

use domain::conformance::definitions::SearchParameter;
use domain::conformance::registry::{
    Header, InteractionCode, Level, Registry, ResourceType, ResultParameter, ValueType,
};
use domain::conformance::{Definitions, SearchKind, SearchParameters};
use std::collections::BTreeMap;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Required, Schema};

/// The parameters that several operations share, by component name.
pub(crate) fn shared(registry: &Registry, levels: &[Level]) -> BTreeMap<String, Parameter> {
    let mut found = BTreeMap::new();
    for route in levels.iter().flat_map(|level| registry.routes_of(*level)) {
        let interaction = route.interaction;
        for (name, _) in SEGMENTS.iter().filter(|(name, _)| route.path.contains(&format!("{{{name}}}"))) {
            found.insert((*name).to_owned(), segment(name));
        }
        for header in registry.request_headers(interaction) {
            found.insert(header_component(interaction, header), request_header(header));
        }
        for parameter in registry.result_parameters(interaction) {
            found.insert(result_component(interaction, parameter), result(parameter));
        }
        for parameter in registry.general_parameters() {
            found.insert(parameter.name.to_owned(), result(parameter));
        }
        let criteria = interaction.searches() || interaction.is_conditional();
        for parameter in registry.common_parameters().iter().filter(|_| criteria) {
            found.insert(parameter.code.to_string(), search(parameter));
        }
    }
    found
}

/// Gives an operation its parameters.
pub(crate) fn apply(
    mut operation: OperationBuilder,
    registry: &Registry,
    custom: &SearchParameters,
    route: &domain::conformance::registry::Route,
    type_: Option<&ResourceType>,
) -> OperationBuilder {
    for (name, _) in SEGMENTS.iter().filter(|(name, _)| route.path.contains(&format!("{{{name}}}"))) {
        operation = operation.parameter_ref(reference(name));
    }
    if !route.form {
        let conditional = route.interaction.is_conditional();
        if route.interaction.searches() || conditional {
            let own = type_.filter(|_| route.interaction == InteractionCode::SearchType || conditional);
            for parameter in own.into_iter().flat_map(|type_| all_of(custom, type_)) {
                operation = operation.parameter(search(parameter));
            }
            for parameter in registry.common_parameters() {
                operation = operation.parameter_ref(reference(&parameter.code));
            }
        }
        for parameter in registry.result_parameters(route.interaction) {
            operation = operation.parameter_ref(reference(&result_component(route.interaction, parameter)));
        }
    }
    for parameter in registry.general_parameters() {
        operation = operation.parameter_ref(reference(parameter.name));
    }
    for header in registry.request_headers(route.interaction) {
        operation = operation.parameter_ref(reference(&header_component(route.interaction, header)));
    }
    operation
}

/// The search parameters of a type, R4's and those of administrators.
fn all_of<'a>(
    custom: &'a SearchParameters,
    type_: &'a ResourceType,
) -> impl Iterator<Item = &'a SearchParameter> {
    type_.parameters.iter().copied().chain(custom.ready_of(type_.id))
}

/// The body of `_search`: the same parameters as a form.
pub(crate) fn form(
    registry: &Registry,
    custom: &SearchParameters,
    interaction: InteractionCode,
    type_: Option<&ResourceType>,
) -> RefOr<Schema> {
    let mut form = ObjectBuilder::new().schema_type(Type::Object);
    let type_ = type_.filter(|_| interaction == InteractionCode::SearchType);
    let own = type_.into_iter().flat_map(|type_| all_of(custom, type_));
    for parameter in own.chain(registry.common_parameters().iter().copied()) {
        form = form.property(&*parameter.code, strings(Some(search_description(parameter))));
    }
    for parameter in registry.result_parameters(interaction) {
        form = form.property(parameter.name, value(parameter));
    }
    form.into()
}

/// Segments of paths and what they are.
const SEGMENTS: [(&str, &str); 4] = [
    ("id", "The logical id of the resource."),
    ("version", "The version of the resource."),
    ("job", "The id of the work, as `Content-Location` gave it."),
    ("member", "A resource type of the compartment, such as `Observation`."),
];

/// A name of a resource type.
const MEMBER: &str = "^[A-Z][A-Za-z]+$";

fn segment(name: &str) -> Parameter {
    let description = SEGMENTS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    let schema = match name {
        "id" | "job" => crate::schemas::primitive("id", None),
        "member" => ObjectBuilder::new().schema_type(Type::String).pattern(Some(MEMBER)),
        _ => crate::schemas::primitive("positiveInt", None),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn reference(component: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{component}"))
}

fn header_component(interaction: InteractionCode, header: &Header) -> String {
    // Prefer asks different things of searches and writes, If-None-Match of reads and updates.
    let of = match header.name {
        "Prefer" if interaction.searches() => "Search",
        "If-None-Match"
            if matches!(interaction, InteractionCode::Update | InteractionCode::ConditionalUpdate) =>
        {
            "Update"
        }
        _ => "",
    };
    format!("{of}{}", header.name)
}

fn result_component(interaction: InteractionCode, parameter: &ResultParameter) -> String {
    // `_count` asks different things of searches and histories.
    let of = match interaction {
        InteractionCode::Capabilities => "capabilities_",
        InteractionCode::ConditionalDelete => "delete",
        InteractionCode::Read | InteractionCode::Vread => "read",
        _ if interaction.tells_history() => "history",
        _ => "search",
    };
    format!("{of}{}", parameter.name)
}

fn request_header(header: &Header) -> Parameter {
    ParameterBuilder::new()
        .name(header.name)
        .parameter_in(ParameterIn::Header)
        .description(Some(header.description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn result(parameter: &ResultParameter) -> Parameter {
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .description(Some(parameter.description))
        .schema(Some(value(parameter)))
        .build()
}

fn value(parameter: &ResultParameter) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let one = match parameter.value {
        ValueType::Text => text,
        ValueType::Count => crate::schemas::primitive("unsignedInt", None),
        ValueType::Instant => crate::schemas::primitive("instant", None),
        ValueType::Code(codes) => text.enum_values(Some(codes.iter().copied())),
    };
    if parameter.repeats { ArrayBuilder::new().items(one).into() } else { one.into() }
}

/// A search parameter: text (prefixes, systems and commas stand in it), and repeatable, which means AND.
fn search(parameter: &SearchParameter) -> Parameter {
    ParameterBuilder::new()
        .name(&*parameter.code)
        .parameter_in(ParameterIn::Query)
        .description(Some(search_description(parameter)))
        .schema(Some(strings(None)))
        .build()
}

fn strings(description: Option<String>) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ArrayBuilder::new().items(text).description(description).into()
}

fn search_description(parameter: &SearchParameter) -> String {
    let mut text = format!("{} ({})", parameter.description, parameter.kind.code());
    let names: Vec<&str> =
        parameter.targets.iter().map(|target| Definitions::r4().type_name(*target)).collect();
    if parameter.kind == SearchKind::Reference && !names.is_empty() && names.len() <= 8 {
        text.push_str(&format!(" to {}", names.join(", ")));
    }
    text
}
