//! From an actor and an interaction to the rows it may touch. What is not granted is refused before anything is looked for.

use super::actor::Actor;
use super::scope::{Context, Letter, Scope};
use super::{Access, Clause, Reach};
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::index::Indexed;
use crate::index::hash::resource_key;

/// The rows of `types` (all types when empty) that `actor` may touch with `letter`.
pub fn access(actor: &Actor, letter: Letter, types: &[TypeId]) -> Access {
    if actor.open {
        return Access::everything();
    }
    let definitions = Definitions::r4();
    let scopes = Scope::parse_all(&actor.scope);
    let reach =
        |type_: TypeId| (type_, constrained(reach(actor, &scopes, type_, letter), &scopes, type_, letter));
    if types.is_empty() {
        Access::by_type(definitions.endpoints().map(reach))
    } else {
        Access::by_type(types.iter().copied().map(reach))
    }
}

/// Like [`access`] for one type, refused when it covers nothing.
///
/// Errors: [`ErrorCode::Forbidden`].
pub fn require(actor: &Actor, letter: Letter, type_: TypeId) -> Result<Access, Error> {
    let access = access(actor, letter, &[type_]);
    match access.reach(type_) {
        Reach::None => Err(forbidden()),
        Reach::All | Reach::Any(_) => Ok(access),
    }
}

/// Whether `actor` may touch any row of `type_` with `letter`.
pub fn allows(actor: &Actor, letter: Letter, type_: TypeId) -> bool {
    require(actor, letter, type_).is_ok()
}

/// Whether a version with these compartments may be written under `access`: what a patient-scoped caller writes
/// must be in their compartment.
///
/// Errors: [`ErrorCode::Forbidden`].
pub fn check_write(access: &Access, type_: TypeId, indexed: &Indexed) -> Result<(), Error> {
    let covered = match access.reach(type_) {
        Reach::All => true,
        Reach::None => false,
        Reach::Any(clauses) => clauses.iter().any(|clause| {
            // Criteria of a clause are not evaluated on a body yet: such a clause permits no write.
            clause.criteria.is_empty()
                && clause.patients.as_ref().is_none_or(|own| {
                    !indexed.patients.is_empty() && indexed.patients.iter().all(|p| own.contains(p))
                })
        }),
    };
    if covered { Ok(()) } else { Err(forbidden()) }
}

fn forbidden() -> Error {
    Error::new(ErrorCode::Forbidden, "The access token does not allow this. Ask for a scope that covers it.")
}

/// `reach` held to the search parameters of the scopes that grant it, unless one of them has none.
fn constrained(reach: Reach, scopes: &[Scope], type_: TypeId, letter: Letter) -> Reach {
    let granting = || scopes.iter().filter(|scope| scope.grants(type_, letter));
    if granting().any(|scope| scope.criteria().is_empty()) {
        return reach;
    }
    let clauses = match reach {
        Reach::None => return Reach::None,
        Reach::All => vec![Clause { patients: None, criteria: Vec::new() }],
        Reach::Any(clauses) => clauses,
    };
    let narrowed = clauses.iter().flat_map(|clause| {
        granting().map(|scope| Clause {
            patients: clause.patients.clone(),
            criteria: [clause.criteria.as_slice(), scope.criteria()].concat(),
        })
    });
    Reach::Any(narrowed.collect())
}

/// What of `type_` the scopes let `actor` touch.
fn reach(actor: &Actor, scopes: &[Scope], type_: TypeId, letter: Letter) -> Reach {
    let granted =
        |context: Context| scopes.iter().any(|scope| scope.context == context && scope.grants(type_, letter));
    let contexts = [Context::Patient, Context::User, Context::System];
    // A token that mixes contexts is refused, not read as the widest (SECURITY §0).
    if contexts.iter().filter(|context| scopes.iter().any(|scope| scope.context == **context)).count() > 1 {
        return Reach::None;
    }
    let own_patient = actor.fhir_user.as_deref().and_then(|user| user.strip_prefix("Patient/"));
    if granted(Context::System) {
        return Reach::All;
    }
    // The server's own rules and its audit trail are not written by persons, whatever the wildcard.
    if letter_writes(letter) && SYSTEM_WRITES.contains(&Definitions::r4().type_name(type_)) {
        return Reach::None;
    }
    if granted(Context::Patient) {
        return actor.patient.as_ref().map_or(Reach::None, |patient| compartment(type_, patient.as_str()));
    }
    match (granted(Context::User), own_patient) {
        (false, _) => Reach::None,
        (true, Some(patient)) => compartment(type_, patient),
        (true, None) if is_professional(actor) => Reach::All,
        // A RelatedPerson or Person sees nothing by `user/` until proxies come from the record.
        (true, None) => Reach::None,
    }
}

/// Whether the person is a professional: only they see more than one record by `user/`.
fn is_professional(actor: &Actor) -> bool {
    let type_ = actor.fhir_user.as_deref().and_then(|user| user.split_once('/')).map(|(type_, _)| type_);
    matches!(type_, Some("Practitioner" | "PractitionerRole"))
}

/// Types that only a `system/` scope may write.
const SYSTEM_WRITES: [&str; 9] = [
    "AuditEvent",
    "CapabilityStatement",
    "CodeSystem",
    "CompartmentDefinition",
    "OperationDefinition",
    "SearchParameter",
    "StructureDefinition",
    "Subscription",
    "ValueSet",
];

const fn letter_writes(letter: Letter) -> bool {
    matches!(letter, Letter::Create | Letter::Update | Letter::Delete)
}

/// The rows of `type_` in a patient's compartment; none of a type that is in no patient's.
fn compartment(type_: TypeId, patient: &str) -> Reach {
    let definitions = Definitions::r4();
    let is_patient = definitions.type_name(type_) == "Patient";
    if !is_patient && definitions.compartment("Patient", type_).is_empty() {
        return Reach::None;
    }
    Reach::Any(vec![Clause { patients: Some(vec![resource_key("Patient", patient)]), criteria: Vec::new() }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    fn actor(scope: &str, patient: Option<&str>, fhir_user: Option<&str>) -> Actor {
        Actor {
            client: Some("app".into()),
            fhir_user: fhir_user.map(str::to_owned),
            patient: patient.map(|id| Id::parse(id).unwrap()),
            scope: scope.into(),
            open: false,
        }
    }

    fn type_id(name: &str) -> TypeId {
        Definitions::r4().type_id(name).unwrap()
    }

    #[test]
    fn a_patient_token_reaches_its_compartment_only() {
        let app = actor("patient/*.cruds", Some("a"), Some("Patient/a"));
        let own = resource_key("Patient", "a");
        for name in ["Patient", "Observation", "CarePlan", "Consent"] {
            let access = require(&app, Letter::Read, type_id(name)).unwrap();
            assert_eq!(
                access.reach(type_id(name)),
                &Reach::Any(vec![Clause { patients: Some(vec![own]), criteria: vec![] }])
            );
            let indexed = |patients: Vec<i64>| Indexed { entries: vec![], patients };
            assert!(check_write(&access, type_id(name), &indexed(vec![own])).is_ok());
            assert!(check_write(&access, type_id(name), &indexed(vec![])).is_err());
            assert!(check_write(&access, type_id(name), &indexed(vec![own, own + 1])).is_err());
        }
        for name in ["Organization", "StructureDefinition", "Medication"] {
            assert!(!allows(&app, Letter::Read, type_id(name)), "{name}");
        }
    }

    #[test]
    fn what_is_not_granted_is_refused() {
        let patient = type_id("Patient");
        for (scope, context, user) in [
            ("", None, None),
            ("patient/*.cruds", None, None),
            ("user/*.cruds", None, None),
            ("patient/*.rs system/*.rs", Some("a"), None),
            ("patient/Observation.rs", Some("a"), None),
            ("patient/Patient.s", Some("a"), None),
        ] {
            assert!(!allows(&actor(scope, context, user), Letter::Read, patient), "{scope}");
        }
        for user in ["RelatedPerson/x", "Person/x", "Organization/x", "Practitioner", ""] {
            assert!(!allows(&actor("user/*.cruds", None, Some(user)), Letter::Read, patient), "{user}");
        }
        assert!(allows(&actor("system/Patient.r", None, None), Letter::Read, patient));
        assert!(allows(&actor("user/Patient.r", None, Some("Practitioner/x")), Letter::Read, patient));
        let own = require(&actor("user/Patient.r", None, Some("Patient/x")), Letter::Read, patient).unwrap();
        assert!(matches!(own.reach(patient), Reach::Any(_)));
    }

    #[test]
    fn some_types_are_written_by_systems_only() {
        for name in SYSTEM_WRITES {
            let type_ = type_id(name);
            assert!(!allows(&actor("patient/*.cruds", Some("a"), None), Letter::Create, type_), "{name}");
            assert!(!allows(&actor("user/*.cruds", None, Some("Practitioner/x")), Letter::Update, type_));
            assert!(allows(&actor("user/*.cruds", None, Some("Practitioner/x")), Letter::Read, type_));
            assert!(allows(&actor("system/*.cruds", None, None), Letter::Delete, type_), "{name}");
        }
    }
}
