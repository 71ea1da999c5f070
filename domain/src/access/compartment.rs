//! What a patient's token reaches (`FHIR R4 compartmentdefinition-patient.html`): their compartment, and what is about nobody.

use super::{Clause, Reach, TypeSet};
use crate::conformance::{Definitions, TypeId};
use crate::index::Facet;
use crate::index::hash::resource_key;
use crate::search::kind::token::code_key;
use crate::search::query::{Criterion, SystemTest, Test};
use std::sync::OnceLock;

/// Types that are about no patient and that a record cannot be read without: who treated, where, with what, and what a
/// form, a plan or a code means. A patient's token reads and searches them where its scopes name them; it writes none.
/// Their instances must hold nothing about a patient.
pub const SHARED: [&str; 19] = [
    "ActivityDefinition",
    "CapabilityStatement",
    "CodeSystem",
    "CompartmentDefinition",
    "ConceptMap",
    "HealthcareService",
    "Location",
    "Medication",
    "MedicationKnowledge",
    "NamingSystem",
    "OperationDefinition",
    "Organization",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Questionnaire",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
];

/// Whether resources of `type_` can be in a patient's compartment.
pub fn has_members(type_: TypeId) -> bool {
    let definitions = Definitions::r4();
    definitions.type_name(type_) == "Patient" || !definitions.compartment("Patient", type_).is_empty()
}

/// The rows of `type_` in the compartment of `patient` alone; of a shared type all, if they are only read.
pub(super) fn reach(type_: TypeId, patient: &str, reads: bool) -> Reach {
    if has_members(type_) {
        let own = vec![resource_key("Patient", patient)];
        return Reach::Any(vec![Clause { patients: Some(own), criteria: Vec::new() }]);
    }
    match Definitions::r4().type_name(type_) {
        "Location" if reads => not_a_home(type_),
        name if reads && SHARED.contains(&name) => Reach::All,
        _ => Reach::None,
    }
}

/// The types by what [`reach`] makes of them when they are read: each set is treated alike.
pub(super) fn kinds() -> &'static [TypeSet] {
    static KINDS: OnceLock<Vec<TypeSet>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let mut kinds: Vec<(Reach, TypeSet)> = Vec::new();
        for type_ in Definitions::r4().endpoints() {
            let (reach, alone) = (reach(type_, "", true), std::iter::once(type_).collect());
            match kinds.iter_mut().find(|(known, _)| *known == reach) {
                Some((_, types)) => types.add(alone),
                None => kinds.push((reach, alone)),
            }
        }
        kinds.into_iter().map(|(_, types)| types).collect()
    })
}

/// Locations but for patients' homes (`v3-RoleCode` PTRES).
fn not_a_home(location: TypeId) -> Reach {
    let Some(parameter) = Definitions::r4().parameter(location, "type") else { return Reach::None };
    let home = Test::Token { system: SystemTest::Any, code: Some(code_key(None, "PTRES")) };
    let criterion =
        Criterion::Matches { parameter: parameter.id, facet: Facet::Value, tests: vec![home], negated: true };
    Reach::Any(vec![Clause { patients: None, criteria: vec![criterion] }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_in_no_compartment() {
        for name in SHARED {
            let type_ = Definitions::r4().endpoint(name).unwrap_or_else(|| panic!("{name}"));
            for compartment in ["Patient", "RelatedPerson"] {
                assert!(Definitions::r4().compartment(compartment, type_).is_empty(), "{name}");
            }
            assert!(matches!(reach(type_, "a", false), Reach::None), "{name}");
            assert!(!matches!(reach(type_, "a", true), Reach::None), "{name}");
        }
    }

    #[test]
    fn what_is_neither_shared_nor_in_a_compartment_is_out_of_reach() {
        for name in ["Binary", "Bundle", "Device", "Endpoint", "Library", "Slot", "Subscription", "Task"] {
            let type_ = Definitions::r4().endpoint(name).unwrap();
            assert!(matches!(reach(type_, "a", true), Reach::None), "{name}");
        }
    }
}
