//! What operations answer: their successes, and every way they can fail, from the one table of errors.

use crate::example::{self, Examples};
use crate::fhir::{FHIR_JSON, Writer};
use crate::schemas::{ANY_RESOURCE, Schemas};
use domain::conformance::registry::{Header, InteractionCode, Level, Registry, ResourceType, Route};
use domain::error::{DETAIL_SYSTEM, TABLE};
use std::collections::BTreeMap;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder, Schema};

/// The failures of one status as a response: its component name, status and meaning.
struct Failure {
    name: &'static str,
    status: u16,
    meaning: &'static str,
    headers: &'static [&'static str],
}

macro_rules! failures {
    ($($name:ident $status:literal [$($header:literal),*] $meaning:literal;)*) => {
        &[$(Failure { name: stringify!($name), status: $status, meaning: $meaning, headers: &[$($header),*] }),*]
    };
}

const FAILURES: &[Failure] = failures! {
    BadRequest 400 [] "The request cannot be read, or asks for what this server does not do.";
    Unauthorized 401 ["WWW-Authenticate"] "No token, or one that is not valid.";
    Forbidden 403 [] "The token does not allow this.";
    NotFound 404 [] "There is no such resource, or none that the caller may know of.";
    NotAcceptable 406 [] "The answer has no form that the caller accepts.";
    RequestTimeout 408 [] "The request did not come in time.";
    Conflict 409 [] "The request contradicts the state of the store.";
    Gone 410 [] "The resource was deleted.";
    PreconditionFailed 412 [] "`If-Match` names a version that is not current, or a condition selects several resources or has no criteria.";
    ContentTooLarge 413 [] "The body is larger than the limit.";
    UriTooLong 414 [] "The query of the address is longer than the limit.";
    UnsupportedMediaType 415 [] "The body is of a media type that is not read here.";
    Unprocessable 422 [] "The resource breaks a rule.";
    TooManyRequests 429 ["Retry-After"] "Too many requests from this caller.";
    HeadTooLarge 431 [] "The head of the request is longer than is read here.";
    Internal 500 [] "A fault of the server.";
    Unavailable 503 ["Retry-After"] "The server has as much work as it can hold.";
    Timeout 504 [] "The work took longer than a request may.";
    InsufficientStorage 507 [] "The store has no room left.";
};

/// A header of every answer.
pub(crate) const REQUEST_ID: &str = "X-Request-ID";

/// Headers that only failures have.
const OF_FAILURES: [Header; 2] = [
    Header { name: "WWW-Authenticate", description: "How to authenticate (`RFC 6750 §3`)." },
    Header { name: "Retry-After", description: "Seconds after which a repeat may succeed." },
];

/// The failures as components: an OperationOutcome each, with the codes its issues may have.
pub(crate) fn failures(schemas: &mut Schemas, examples: &mut Examples) -> Vec<(&'static str, Response)> {
    let outcome = schemas.named("OperationOutcome");
    let mut response = |failure: &Failure| {
        let content = examples.content(outcome.clone(), example::OUTCOME);
        let response = ResponseBuilder::new().description(description(failure)).content(FHIR_JSON, content);
        let headers = failure.headers.iter().copied().chain([REQUEST_ID]);
        (failure.name, with_headers(response.build(), headers))
    };
    FAILURES.iter().map(&mut response).collect()
}

/// The headers of the answers at these levels as components.
pub(crate) fn headers(
    registry: &Registry,
    levels: &[Level],
) -> BTreeMap<&'static str, utoipa::openapi::Header> {
    let routes = levels.iter().flat_map(|level| registry.routes_of(*level));
    let of_successes = routes.flat_map(|route| registry.answer_headers(route.interaction));
    let component = |header: &Header| {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let component = HeaderBuilder::new().schema(Some(text)).description(Some(header.description));
        (header.name, component.build())
    };
    of_successes.chain(&OF_FAILURES).map(component).collect()
}

/// A response with headers that are components.
pub(crate) fn with_headers(mut response: Response, names: impl Iterator<Item = &'static str>) -> Response {
    for name in names {
        let reference = Ref::new(format!("#/components/headers/{name}"));
        response.headers.insert(name.to_owned(), RefOr::Ref(reference));
    }
    response
}

/// What a status means, and what the codes in `issue.details` say to do.
fn description(failure: &Failure) -> String {
    let mut text = format!("{} Codes of `{DETAIL_SYSTEM}`:\n", failure.meaning);
    for row in TABLE.iter().filter(|row| row.status == failure.status) {
        text.push_str(&format!("\n- `{}` ({}): {}", row.detail, row.issue_type, row.advice));
    }
    text
}

/// Gives an operation its answers.
pub(crate) fn apply(
    mut operation: OperationBuilder,
    writer: &mut Writer<'_>,
    schemas: &mut Schemas,
    route: &Route,
    type_: Option<&ResourceType>,
) -> OperationBuilder {
    let interaction = route.interaction;
    for (status, description) in successes(interaction) {
        let mut response = ResponseBuilder::new().description(*description);
        if let Some(schema) = schema(interaction, status, schemas, type_) {
            let content = writer.examples.content(schema, shown(interaction, type_));
            response = response.content(FHIR_JSON, content);
        }
        // A resource that was there already is not located again; work in the background is.
        let located = |name: &&str| !name.ends_with("Location") || ["201", "202"].contains(status);
        let headers = writer.registry.answer_headers(interaction).iter();
        let response = with_headers(response.build(), headers.map(|header| header.name).filter(located));
        operation = operation.response(*status, response);
    }
    for failure in FAILURES.iter().filter(|failure| may_fail(route, failure.status)) {
        operation = operation.response(failure.status.to_string(), Ref::from_response_name(failure.name));
    }
    operation
}

/// The example of a success.
fn shown(interaction: InteractionCode, type_: Option<&ResourceType>) -> &'static str {
    match interaction {
        InteractionCode::Capabilities => "CapabilityStatement",
        InteractionCode::Delete
        | InteractionCode::ConditionalDelete
        | InteractionCode::Operation(..)
        | InteractionCode::JobStatus
        | InteractionCode::CancelJob => example::OUTCOME,
        InteractionCode::Bundle => example::TRANSACTION_RESPONSE,
        _ if interaction.searches() => example::SEARCHSET,
        _ if interaction.tells_history() => example::HISTORY,
        _ => type_.map_or(example::OUTCOME, |type_| type_.name),
    }
}

/// The body of a success; some have none.
fn schema(
    interaction: InteractionCode,
    status: &str,
    schemas: &mut Schemas,
    type_: Option<&ResourceType>,
) -> Option<RefOr<Schema>> {
    let schema = match interaction {
        _ if matches!(status, "204" | "304") => return None,
        InteractionCode::Delete
        | InteractionCode::ConditionalDelete
        | InteractionCode::Operation(..)
        | InteractionCode::JobStatus
        | InteractionCode::CancelJob => schemas.named("OperationOutcome"),
        InteractionCode::Capabilities => schemas.named("CapabilityStatement"),
        InteractionCode::Read
        | InteractionCode::Vread
        | InteractionCode::Create
        | InteractionCode::Update
        | InteractionCode::ConditionalUpdate
        | InteractionCode::Patch
        | InteractionCode::ConditionalPatch => {
            type_.map_or_else(|| Ref::from_schema_name(ANY_RESOURCE), |type_| schemas.named(type_.name))
        }
        InteractionCode::Bundle
        | InteractionCode::HistorySystem
        | InteractionCode::SearchSystem
        | InteractionCode::SearchType
        | InteractionCode::SearchCompartment
        | InteractionCode::SearchCompartmentType
        | InteractionCode::HistoryType
        | InteractionCode::HistoryInstance => schemas.named("Bundle"),
    };
    Some(schema.into())
}

const fn successes(interaction: InteractionCode) -> &'static [(&'static str, &'static str)] {
    match interaction {
        InteractionCode::Capabilities => &[("200", "The CapabilityStatement.")],
        InteractionCode::Operation(..) => {
            &[("202", "It is done in the background: `Content-Location` tells how far it is.")]
        }
        InteractionCode::JobStatus => &[("200", "It is done."), ("202", "It is not done yet.")],
        InteractionCode::CancelJob => &[("202", "It is cancelled, or was over already.")],
        InteractionCode::Bundle => &[("200", "One answer for each entry, in order.")],
        InteractionCode::Create => &[
            ("200", "`If-None-Exist` finds this resource: nothing was made."),
            ("201", "The resource was made. `Prefer` chooses what stands in the body."),
        ],
        InteractionCode::Update | InteractionCode::ConditionalUpdate => &[
            ("200", "The resource as it is now. `Prefer` chooses what stands in the body."),
            ("201", "The resource was made. `Prefer` chooses what stands in the body."),
        ],
        InteractionCode::Patch | InteractionCode::ConditionalPatch => {
            &[("200", "The resource as it is now. `Prefer` chooses what stands in the body.")]
        }
        InteractionCode::Delete | InteractionCode::ConditionalDelete => &[
            ("200", "The resource is no longer there; with `Prefer: return=OperationOutcome`."),
            ("204", "The resource is no longer there."),
        ],
        InteractionCode::Read | InteractionCode::Vread => {
            &[("200", "The resource."), ("304", "The version you have is current.")]
        }
        InteractionCode::HistorySystem
        | InteractionCode::SearchSystem
        | InteractionCode::SearchType
        | InteractionCode::SearchCompartment
        | InteractionCode::SearchCompartmentType
        | InteractionCode::HistoryType
        | InteractionCode::HistoryInstance => &[("200", "A page of resources.")],
    }
}

/// Whether a request to this route can fail with this status.
fn may_fail(route: &Route, status: u16) -> bool {
    let interaction = route.interaction;
    let bundle = interaction == InteractionCode::Bundle;
    let sends = matches!(
        interaction,
        InteractionCode::Create
            | InteractionCode::Update
            | InteractionCode::ConditionalUpdate
            | InteractionCode::Patch
            | InteractionCode::ConditionalPatch
            | InteractionCode::Operation(..)
    ) || bundle;
    let changes = matches!(
        interaction,
        InteractionCode::Create | InteractionCode::Update | InteractionCode::Patch | InteractionCode::Delete
    ) || interaction.is_conditional()
        || bundle;
    match status {
        401 | 403 => interaction != InteractionCode::Capabilities,
        404 => {
            matches!(interaction.level(), Level::Instance | Level::Compartment)
                || interaction.is_conditional()
                || matches!(interaction, InteractionCode::JobStatus | InteractionCode::CancelJob)
                || bundle
        }
        409 | 412 => changes,
        410 => {
            matches!(interaction, InteractionCode::Read | InteractionCode::Vread | InteractionCode::Patch)
                || matches!(interaction, InteractionCode::Operation(_, Level::Instance))
                || bundle
        }
        408 | 413 | 415 => sends || route.form,
        422 => sends,
        507 => sends || changes,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 405 is what a method that is in no document gets.
    #[test]
    fn every_status_of_the_table_is_described() {
        for row in TABLE.iter().filter(|row| row.status != 405) {
            assert!(FAILURES.iter().any(|failure| failure.status == row.status), "{}", row.detail);
        }
        assert!(FAILURES.iter().all(|failure| TABLE.iter().any(|row| row.status == failure.status)));
    }
}
