//! From an actor and an interaction to the rows it may touch. What is not granted is refused before anything is looked for.

use super::actor::Actor;
use super::scope::{Context, Letter, Scope};
use super::{Access, Clause, Reach, TypeSet, compartment};
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::hash::resource_key;
use crate::interaction::write::Content;
use crate::resource::json::Json;

/// The rows of `types` (all types when empty) that `actor` may touch with `letter`; of many types perhaps those of others too.
pub fn access(actor: &Actor, letter: Letter, types: &[TypeId]) -> Access {
    if actor.open {
        return Access::everything();
    }
    let definitions = Definitions::r4();
    let scopes = Scope::parse_all(&actor.scope);
    let decide = |type_: TypeId| constrained(reach(actor, &scopes, type_, letter), &scopes, type_, letter);
    if (1..=FEW_TYPES).contains(&types.len()) {
        return Access::by_type(types.iter().map(|type_| (*type_, decide(*type_))));
    }
    if !is_read(letter) {
        return Access::by_type(definitions.endpoints().map(|type_| (type_, decide(type_))));
    }
    // Types that no scope names are read alike if compartments treat them alike: one of each kind speaks for the others.
    let named: TypeSet = scopes.iter().filter_map(|scope| scope.type_).collect();
    let alone = named.iter().map(|type_| (std::iter::once(type_).collect(), decide(type_)));
    let alike = compartment::kinds().iter().filter_map(|kind| {
        let others: TypeSet = kind.iter().filter(|type_| !named.contains(*type_)).collect();
        others.iter().next().map(|first| (others, decide(first)))
    });
    Access::by_group(alone.chain(alike))
}

/// Types that are decided one by one.
const FEW_TYPES: usize = 8;

/// Whether a letter changes nothing.
const fn is_read(letter: Letter) -> bool {
    matches!(letter, Letter::Read | Letter::Search)
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

/// Like [`require`], refused when it does not cover every resource of the type.
///
/// Errors: [`ErrorCode::Forbidden`].
pub(crate) fn require_all(actor: &Actor, letter: Letter, type_: TypeId) -> Result<Access, Error> {
    let access = require(actor, letter, type_)?;
    if *access.reach(type_) == Reach::All { Ok(access) } else { Err(forbidden()) }
}

/// Refuses when `access` covers nothing at all.
///
/// Errors: [`ErrorCode::Forbidden`].
pub(crate) fn any(access: &Access) -> Result<(), Error> {
    match access.groups().map(|mut groups| groups.next()) {
        Some(None) => Err(forbidden()),
        Some(Some(_)) | None => Ok(()),
    }
}

/// Refuses when `access` covers nothing of any of `types`.
///
/// Errors: [`ErrorCode::Forbidden`].
pub(crate) fn one_of(access: &Access, types: &[TypeId]) -> Result<(), Error> {
    let reached = types.iter().any(|type_| *access.reach(*type_) != Reach::None);
    if reached { Ok(()) } else { Err(forbidden()) }
}

/// Whether `actor` may touch any row of `type_` with `letter`.
pub fn allows(actor: &Actor, letter: Letter, type_: TypeId) -> bool {
    require(actor, letter, type_).is_ok()
}

/// Whether a resource may be written under `access`: what a patient-scoped caller writes is in their compartment, in
/// nobody else's, and leaves no doubt about it.
///
/// Errors: [`ErrorCode::Forbidden`].
pub fn check_write(access: &Access, type_: TypeId, content: &Content) -> Result<(), Error> {
    let patients = &content.indexed.patients;
    // Criteria of a clause are not evaluated on a body yet: such a clause permits no write.
    let covers = |clause: &Clause| {
        let own = |own: &Vec<i64>| {
            !content.obscure && !patients.is_empty() && patients.iter().all(|patient| own.contains(patient))
        };
        clause.criteria.is_empty() && clause.patients.as_ref().is_none_or(own)
    };
    match access.reach(type_) {
        Reach::All => Ok(()),
        Reach::None => Err(forbidden()),
        Reach::Any(clauses) if clauses.iter().any(covers) => Ok(()),
        Reach::Any(_) => Err(Error::new(
            ErrorCode::Forbidden,
            "The access token lets you write about its patient alone. Name that patient, and nobody else, by a \
             reference of the form 'Patient/id' without an identifier.",
        )),
    }
}

/// Whether the caller may choose the id of a new resource (`FHIR R4 http.html#upsert`). Who does not see every resource of
/// the type would learn from the refusal of an id that somebody else has it; the id of one's own Patient is no secret.
pub fn may_choose_id(access: &Access, type_: TypeId, id: &Id) -> bool {
    let name = Definitions::r4().type_name(type_);
    match access.reach(type_) {
        Reach::All => true,
        Reach::None => false,
        Reach::Any(clauses) => {
            let own = resource_key(name, id.as_str());
            name == "Patient"
                && clauses.iter().any(|clause| clause.patients.iter().flatten().any(|p| *p == own))
        }
    }
}

/// Whether a Patient stays who they are: a patient-scoped caller changes neither identifiers nor links, which say that
/// a record is somebody's. `stored` is empty where there is no version before.
///
/// Errors: [`ErrorCode::Forbidden`].
pub fn check_identity(access: &Access, type_: TypeId, stored: &[u8], new: &[u8]) -> Result<(), Error> {
    if *access.reach(type_) == Reach::All || Definitions::r4().type_name(type_) != "Patient" {
        return Ok(());
    }
    let parse = |body| if <[u8]>::is_empty(body) { Ok(Json::Null) } else { Json::parse(body) };
    let (stored, new) = (parse(stored)?, parse(new)?);
    for member in ["identifier", "link"] {
        if stored.get(member) != new.get(member) {
            let message =
                format!("The access token does not allow to change Patient.{member}. Send it as it was.");
            return Err(Error::new(ErrorCode::Forbidden, message).at(format!("Patient.{member}")));
        }
    }
    Ok(())
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
    let reads = is_read(letter);
    if !reads && SYSTEM_WRITES.contains(&Definitions::r4().type_name(type_)) {
        return Reach::None;
    }
    if granted(Context::Patient) {
        return actor
            .patient
            .as_ref()
            .map_or(Reach::None, |patient| compartment::reach(type_, patient.as_str(), reads));
    }
    match (granted(Context::User), own_patient) {
        (false, _) => Reach::None,
        (true, Some(patient)) => compartment::reach(type_, patient, reads),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Indexed;
    use crate::resource::body::Body;

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

    /// A resource in the compartments of `patients`.
    fn content(name: &str, patients: &[i64], obscure: bool) -> Content {
        let tree = Json::parse(format!(r#"{{"resourceType":"{name}"}}"#).as_bytes()).unwrap().into_owned();
        let body = Body::new(tree.as_object().unwrap(), &Id::parse("x").unwrap());
        let indexed = Indexed { patients: patients.to_vec(), ..Indexed::default() };
        Content { body, indexed, obscure, warnings: vec![], provisional: false }
    }

    /// The groups of all types say what is decided for each of them.
    #[test]
    fn many_types_are_decided_as_each_is() {
        for (scope, patient, user) in [
            ("patient/*.rs", Some("a"), None),
            ("patient/*.rs patient/Observation.rs?code=x patient/Organization.r", Some("a"), None),
            ("patient/Observation.rs?code=x patient/Location.s patient/Device.s", Some("a"), None),
            ("patient/Location.s?type=x patient/*.r", Some("a"), None),
            ("user/*.rs", None, Some("Patient/b")),
            ("user/*.cruds", None, Some("Practitioner/b")),
            ("user/Patient.s user/Observation.rs?code=x", None, Some("Practitioner/b")),
            ("system/*.rs", None, None),
            ("system/*.rs patient/*.rs", Some("a"), None),
            ("", None, None),
        ] {
            let app = actor(scope, patient, user);
            for letter in [Letter::Read, Letter::Search, Letter::Update, Letter::Delete] {
                let all = access(&app, letter, &[]);
                for type_ in Definitions::r4().endpoints() {
                    let name = Definitions::r4().type_name(type_);
                    assert_eq!(
                        all.reach(type_),
                        access(&app, letter, &[type_]).reach(type_),
                        "{scope} {name}"
                    );
                }
                assert_eq!(all.reach(type_id("Parameters")), &Reach::None);
            }
        }
    }

    #[test]
    fn a_patient_stays_who_they_are() {
        let access = |scope| access(&actor(scope, Some("a"), None), Letter::Update, &[type_id("Patient")]);
        let may = |scope, old: &str, new: &str| {
            check_identity(&access(scope), type_id("Patient"), old.as_bytes(), new.as_bytes()).is_ok()
        };
        let (one, two) = (r#"{"identifier":[{"value":"1"}]}"#, r#"{"identifier":[{"value":"2"}]}"#);
        let linked =
            r#"{"identifier":[{"value":"1"}],"link":[{"other":{"reference":"Patient/b"},"type":"refer"}]}"#;
        assert!(may("patient/*.cruds", one, r#"{"active":true,"identifier":[{"value":"1"}]}"#));
        for (old, new) in [(one, two), (one, "{}"), ("{}", one), ("", one), (one, linked), (linked, one)] {
            assert!(!may("patient/*.cruds", old, new), "{old} {new}");
        }
        assert!(may("patient/*.cruds", "", "{}") && may("patient/*.cruds", linked, linked));
        assert!(may("system/*.cruds", one, two));
    }

    #[test]
    fn only_who_sees_all_chooses_ids() {
        let may = |scope, patient, type_, id| {
            let type_ = type_id(type_);
            let access = access(&actor(scope, patient, None), Letter::Update, &[type_]);
            may_choose_id(&access, type_, &Id::parse(id).unwrap())
        };
        assert!(may("system/*.cruds", None, "Observation", "x"));
        assert!(may("patient/*.cruds", Some("a"), "Patient", "a"));
        assert!(!may("patient/*.cruds", Some("a"), "Patient", "b"));
        assert!(!may("patient/*.cruds", Some("a"), "Observation", "a"));
        assert!(!may("system/*.rs", None, "Observation", "x"));
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
            let may = |patients: &[i64], obscure| {
                check_write(&access, type_id(name), &content(name, patients, obscure)).is_ok()
            };
            assert!(may(&[own], false) && !may(&[own], true));
            assert!(!may(&[], false) && !may(&[own, own + 1], false) && !may(&[own + 1], false));
        }
        for name in ["Organization", "StructureDefinition", "Medication"] {
            assert!(allows(&app, Letter::Read, type_id(name)), "{name}");
            assert!(!allows(&app, Letter::Create, type_id(name)), "{name}");
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
