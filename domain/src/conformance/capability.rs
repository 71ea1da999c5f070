//! The CapabilityStatement (`FHIR R4 capabilitystatement.html`), made from the [`Registry`].

use super::definitions::SearchParameter;
use super::registry::{InteractionCode, Level, Registry, ResourceType};
use super::search_parameters::SearchParameters;
use crate::error::{Error, ErrorCode};
use crate::operation::Operation;
use serde_json::{Map, Value, json};

/// The security service of SMART App Launch.
const SMART_SERVICE: &str = "http://terminology.hl7.org/CodeSystem/restful-security-service";
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";

/// Where R4's CompartmentDefinitions have their canonical URLs.
const COMPARTMENT_DEFINITION: &str = "http://hl7.org/fhir/CompartmentDefinition";

/// When this release began to offer what the statement says.
pub const RELEASED: &str = "2026-11-25";

/// What of a CapabilityStatement depends on the installation.
#[derive(Debug, Clone, Copy)]
pub struct Installation<'a> {
    /// `{public_url}`, without a slash at the end.
    pub public_url: &'a str,
    /// The FHIR base, without a slash at the end.
    pub base: &'a str,
    /// When this installation began to offer this, as a FHIR dateTime.
    pub date: &'a str,
    /// Version of the software.
    pub version: &'a str,
    /// Whether tokens are asked for (not with `--open`).
    pub tokens: bool,
    /// Whether one conditional delete may delete several resources.
    pub deletes_several: bool,
}

/// Builds the CapabilityStatement. It does not change while the server runs: keep the bytes.
pub fn statement(registry: &Registry, own: &SearchParameters, installation: &Installation<'_>) -> Value {
    let mut rest = Map::new();
    rest.insert("mode".to_owned(), json!("server"));
    if installation.tokens {
        rest.insert("security".to_owned(), security(installation.public_url));
    }
    let resources: Vec<Value> =
        registry.types().iter().map(|type_| resource(registry, own, type_, installation)).collect();
    rest.insert("resource".to_owned(), json!(resources));
    rest.insert("interaction".to_owned(), json!(interactions(registry, &[Level::System])));
    let of_system = operations(registry, &[Level::System], None, installation.base);
    rest.insert("operation".to_owned(), json!(of_system));
    let mut common = parameters(registry.common_parameters());
    common.push(filter());
    rest.insert("searchParam".to_owned(), json!(common));
    let compartments = registry.types().iter().filter(|type_| type_.has_compartment());
    let definition = |type_: &ResourceType| format!("{COMPARTMENT_DEFINITION}/{}", type_.name.to_lowercase());
    rest.insert("compartment".to_owned(), json!(compartments.map(definition).collect::<Vec<_>>()));
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": installation.date,
        "kind": "instance",
        "software": { "name": "Binnacle", "version": installation.version },
        "implementation": { "description": "Binnacle FHIR R4 server", "url": installation.base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": crate::resource::patch::MEDIA_TYPES,
        "rest": [rest],
    })
}

/// Checks `mode` (`FHIR R4 http.html#capabilities`). This is no terminology server, so every mode has the same answer. Other
/// parameters are ignored, as tools add some of their own.
///
/// Errors: [`ErrorCode::InvalidParameter`].
pub(crate) fn check_mode(parameters: &[(String, String)]) -> Result<(), Error> {
    let known = |value: &str| matches!(value, "full" | "normative" | "terminology");
    match parameters.iter().find(|(name, value)| name == "mode" && !known(value)) {
        None => Ok(()),
        Some(_) => {
            let message = "'mode' is full, normative or terminology.";
            Err(Error::new(ErrorCode::InvalidParameter, message))
        }
    }
}

/// SMART's service and addresses (`SMART App Launch 2.2 conformance.html`, and the R4 extension older clients read).
fn security(public_url: &str) -> Value {
    let uri = |name: &str| json!({ "url": name, "valueUri": format!("{public_url}/oauth2/{name}") });
    json!({
        "extension": [{ "url": OAUTH_URIS, "extension": [uri("authorize"), uri("token"), uri("introspect"), uri("revoke")] }],
        "service": [{
            "coding": [{ "system": SMART_SERVICE, "code": "SMART-on-FHIR" }],
            "text": "OAuth2 with SMART on FHIR scopes",
        }],
    })
}

fn resource(
    registry: &Registry,
    own: &SearchParameters,
    type_: &ResourceType,
    installation: &Installation<'_>,
) -> Value {
    let codes = interactions(registry, &[Level::Instance, Level::Type]);
    let mut resource = json!({
        "type": type_.name,
        "interaction": codes,
        "versioning": "versioned-update",
        "readHistory": offers(registry, InteractionCode::Vread),
        "updateCreate": true,
        "conditionalCreate": takes(registry, InteractionCode::Create, "If-None-Exist"),
        "conditionalRead": conditional_read(registry),
        "conditionalUpdate": offers(registry, InteractionCode::ConditionalUpdate),
        "conditionalDelete": match offers(registry, InteractionCode::ConditionalDelete) {
            false => "not-supported",
            true if installation.deletes_several => "multiple",
            true => "single",
        },
    });
    let includes: Vec<String> = type_.includes().chain(own.includes(type_.id)).collect();
    if let Some(members) = resource.as_object_mut() {
        // Empty arrays are not allowed in FHIR JSON.
        if !includes.is_empty() {
            members.insert("searchInclude".to_owned(), json!(includes));
        }
        let reverse: Vec<String> =
            registry.reverse_includes(type_).chain(own.reverse_includes(type_.id)).collect();
        if !reverse.is_empty() {
            members.insert("searchRevInclude".to_owned(), json!(reverse));
        }
        let all: Vec<&SearchParameter> =
            type_.parameters.iter().copied().chain(own.ready_of(type_.id)).collect();
        if !all.is_empty() {
            members.insert("searchParam".to_owned(), json!(parameters(&all)));
        }
        let levels = [Level::Type, Level::Instance];
        let own = operations(registry, &levels, Some(type_.name), installation.base);
        if !own.is_empty() {
            members.insert("operation".to_owned(), json!(own));
        }
    }
    resource
}

/// Whether an interaction takes a header.
fn takes(registry: &Registry, interaction: InteractionCode, name: &str) -> bool {
    registry.request_headers(interaction).iter().any(|header| header.name == name)
}

/// `valueset-conditional-read-status`.
fn conditional_read(registry: &Registry) -> &'static str {
    let takes = |name| takes(registry, InteractionCode::Read, name);
    match (takes("If-Modified-Since"), takes("If-None-Match")) {
        (true, true) => "full-support",
        (true, false) => "modified-since",
        (false, true) => "not-match",
        (false, false) => "not-supported",
    }
}

fn offers(registry: &Registry, interaction: InteractionCode) -> bool {
    registry.routes().iter().any(|route| route.interaction == interaction)
}

fn interactions(registry: &Registry, levels: &[Level]) -> Vec<Value> {
    let of = levels.iter().flat_map(|level| registry.routes_of(*level));
    let mut codes: Vec<&str> = of.flat_map(|route| route.interaction.codes()).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().map(|code| json!({ "code": code })).collect()
}

/// The operations of some levels, each once.
fn operations(registry: &Registry, levels: &[Level], type_: Option<&str>, base: &str) -> Vec<Value> {
    let of = levels.iter().flat_map(|level| registry.operations_of(*level, type_));
    let operations: std::collections::BTreeSet<_> = of.collect();
    let named =
        |operation: Operation| json!({ "name": operation.code(), "definition": operation.definition(base) });
    operations.into_iter().map(named).collect()
}

/// `_filter`, which looks at no element of its own (`FHIR R4 search_filter.html`).
fn filter() -> Value {
    json!({
        "name": "_filter",
        "definition": "http://hl7.org/fhir/SearchParameter/filter",
        "type": "special",
        "documentation": "A filter expression over the other search parameters. The operators ss and sb are not supported: they need a terminology server.",
    })
}

fn parameters(parameters: &[&SearchParameter]) -> Vec<Value> {
    let member = |parameter: &&SearchParameter| {
        let mut member =
            json!({ "name": parameter.code, "definition": parameter.url, "type": parameter.kind.code() });
        if let Some(members) = member.as_object_mut().filter(|_| !parameter.description.is_empty()) {
            members.insert("documentation".to_owned(), json!(parameter.description));
        }
        member
    };
    parameters.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(tokens: bool) -> Value {
        let installation = Installation {
            public_url: "https://example.org",
            base: "https://example.org/FHIR/R4",
            date: "2026-11-25",
            version: "0.1.0",
            tokens,
            deletes_several: false,
        };
        statement(Registry::r4(), SearchParameters::r4(), &installation)
    }

    /// It passes the check that every resource passes, and the second gate.
    #[test]
    fn is_valid_r4() {
        use crate::conformance::Definitions;
        use crate::conformance::validation::{ValidationSettings, validate};
        for tokens in [true, false] {
            let text = serde_json::to_vec(&built(tokens)).unwrap();
            let json = crate::resource::json::Json::parse(&text).unwrap();
            let type_ = Definitions::r4().type_id("CapabilityStatement");
            let report = validate(Definitions::r4(), &json, type_, &ValidationSettings::default());
            assert!(report.faults.is_empty() && report.warnings.is_empty(), "{report:?}");
            model::from_json(&text).unwrap();
        }
    }

    #[test]
    fn says_what_may_be_included_both_ways() {
        let statement = built(true);
        let resources = statement["rest"][0]["resource"].as_array().unwrap();
        let patient = resources.iter().find(|resource| resource["type"] == "Patient").unwrap();
        let includes = |name: &str| patient[name].as_array().unwrap().clone();
        assert!(includes("searchInclude").contains(&json!("Patient:general-practitioner")));
        assert!(includes("searchRevInclude").contains(&json!("CarePlan:patient")));
        assert!(!includes("searchRevInclude").contains(&json!("Patient:general-practitioner")));
    }

    #[test]
    fn asks_for_tokens_only_where_they_are_asked() {
        assert!(built(true).pointer("/rest/0/security/service/0").is_some());
        assert!(built(false).pointer("/rest/0/security").is_none());
    }

    #[test]
    fn lists_each_interaction_once() {
        let statement = built(true);
        for path in ["/rest/0/interaction", "/rest/0/resource/0/interaction"] {
            let codes: Vec<&str> = statement
                .pointer(path)
                .unwrap()
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["code"].as_str().unwrap())
                .collect();
            let mut once = codes.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(codes.len(), once.len(), "{codes:?}");
        }
    }
}
