//! Examples of what is sent and answered: least resources from the element tables, and fuller ones where it helps.
//!
//! They stand beside the schemas because readers and Swagger UI would otherwise make examples of their own by walking
//! schemas that refer to each other without end.

mod least;

use domain::conformance::Definitions;
use domain::conformance::registry::Level;
use domain::operation::Operation;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{Content, Ref, RefOr, Schema};

/// Fuller examples of the types that the documentation opens on.
const FULL: [(&str, &str); 3] = [
    ("Patient", include_str!("patient.json")),
    ("CarePlan", include_str!("careplan.json")),
    ("Consent", include_str!("consent.json")),
];

/// What a page of matches is called among the examples.
pub(crate) const SEARCHSET: &str = "Searchset";
/// A page of versions.
pub(crate) const HISTORY: &str = "History";
/// A bundle that is sent.
pub(crate) const TRANSACTION: &str = "Transaction";
/// Its answer.
pub(crate) const TRANSACTION_RESPONSE: &str = "TransactionResponse";
/// A JSON Patch.
pub(crate) const JSON_PATCH: &str = "JsonPatch";
/// A FHIRPath Patch.
pub(crate) const FHIRPATH_PATCH: &str = "FhirPathPatch";
/// What `$reindex` takes.
const REINDEX: &str = "Reindex";
/// What every error is.
pub(crate) const OUTCOME: &str = "OperationOutcome";

/// The examples that a document refers to.
#[derive(Default)]
pub(crate) struct Examples(BTreeSet<String>);

impl Examples {
    /// A body of this schema with the example of this name: a resource type or one of the names above.
    pub(crate) fn content(&mut self, schema: impl Into<RefOr<Schema>>, name: &str) -> Content {
        self.0.insert(name.to_owned());
        let mut content = Content::new(Some(schema));
        let reference = Ref::new(format!("#/components/examples/{name}"));
        content.examples.insert(name.to_owned(), RefOr::Ref(reference));
        content
    }

    /// All of them.
    pub(crate) fn finish(self) -> impl Iterator<Item = (String, Example)> {
        self.0.into_iter().map(|name| {
            let example = ExampleBuilder::new().value(Some(value(&name))).build();
            (name, example)
        })
    }
}

/// The example of what an operation takes.
pub(crate) const fn of_operation(operation: Operation, level: Level) -> &'static str {
    match (operation, level) {
        (Operation::Reindex, Level::System) => REINDEX,
        (Operation::Reindex, _) => "Parameters",
    }
}

/// The example of this name.
pub(crate) fn value(name: &str) -> Value {
    match name {
        SEARCHSET => json!({
            "resourceType": "Bundle", "type": "searchset", "total": 1,
            "link": [{ "relation": "self", "url": "http://127.0.0.1:8080/FHIR/R4/Patient?family=Okonkwo" }],
            "entry": [{
                "fullUrl": "http://127.0.0.1:8080/FHIR/R4/Patient/example",
                "resource": stored("Patient"),
                "search": { "mode": "match" },
            }],
        }),
        HISTORY => json!({
            "resourceType": "Bundle", "type": "history", "total": 1,
            "entry": [{
                "fullUrl": "http://127.0.0.1:8080/FHIR/R4/Patient/example",
                "resource": stored("Patient"),
                "request": { "method": "PUT", "url": "Patient/example" },
                "response": { "status": "200 OK", "etag": "W/\"2\"", "lastModified": "2026-01-31T09:30:00Z" },
            }],
        }),
        TRANSACTION => json!({
            "resourceType": "Bundle", "type": "transaction",
            "entry": [{
                "fullUrl": "urn:uuid:7d1c3f1e-3b0a-4d53-9a5b-0d7f1c7f6a11",
                "resource": value("Patient"),
                "request": { "method": "POST", "url": "Patient" },
            }],
        }),
        TRANSACTION_RESPONSE => json!({
            "resourceType": "Bundle", "type": "transaction-response",
            "entry": [{ "response": {
                "status": "201 Created", "location": "http://127.0.0.1:8080/FHIR/R4/Patient/example/_history/1",
                "etag": "W/\"1\"", "lastModified": "2026-01-31T09:30:00Z",
            } }],
        }),
        JSON_PATCH => json!([
            { "op": "test", "path": "/meta/versionId", "value": "2" },
            { "op": "add", "path": "/language", "value": "en-GB" },
        ]),
        FHIRPATH_PATCH => json!({
            "resourceType": "Parameters",
            "parameter": [{ "name": "operation", "part": [
                { "name": "type", "valueCode": "delete" },
                { "name": "path", "valueString": "language" },
            ] }],
        }),
        REINDEX => json!({
            "resourceType": "Parameters",
            "parameter": [{ "name": "type", "valueCode": "Patient" }],
        }),
        OUTCOME => json!({
            "resourceType": "OperationOutcome",
            "issue": [{
                "severity": "error", "code": "value",
                "details": { "coding": [{ "system": domain::error::DETAIL_SYSTEM, "code": "INVALID_VALUE" }] },
                "diagnostics": "'1970-13' is not a date.", "expression": ["Patient.birthDate"],
            }],
        }),
        name => full(name).unwrap_or_else(|| least(name)),
    }
}

fn full(name: &str) -> Option<Value> {
    let (_, text) = FULL.iter().find(|(full, _)| *full == name)?;
    serde_json::from_str(text).ok()
}

fn least(name: &str) -> Value {
    let mut least = Definitions::r4().shape_named(name).map_or(Value::Null, least::resource);
    if let (Some(members), Some(Value::Object(asked))) = (least.as_object_mut(), least::by_rules(name)) {
        members.extend(asked);
    }
    least
}

/// An example as a reader gets it: with its id and version.
fn stored(name: &str) -> Value {
    let mut resource = value(name);
    if let Some(members) = resource.as_object_mut() {
        members.insert("id".to_owned(), json!("example"));
        members.insert("meta".to_owned(), json!({ "versionId": "2", "lastUpdated": "2026-01-31T09:30:00Z" }));
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::conformance::Registry;
    use domain::conformance::validation::{ValidationSettings, validate};

    /// Every example is one that this server takes.
    #[test]
    fn every_example_is_valid() {
        let names = Registry::r4().types().iter().map(|type_| type_.name);
        let bundles = [SEARCHSET, HISTORY, TRANSACTION, TRANSACTION_RESPONSE, FHIRPATH_PATCH, REINDEX];
        let mut wrong = Vec::new();
        for name in names.chain(bundles) {
            let text = value(name).to_string();
            let json = domain::resource::json::Json::parse(text.as_bytes()).unwrap();
            if let Err(error) =
                validate(Definitions::r4(), &json, None, &ValidationSettings::default()).into_result()
            {
                wrong.push(format!("{name}: {error} {text}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
