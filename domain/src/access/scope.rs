//! SMART scopes (`SMART App Launch 2.2, scopes-and-launch-context`), v1 and v2, as what they grant.

use crate::conformance::{Definitions, TypeId};
use crate::search::constraint;
use crate::search::query::Criterion;

/// Whose data a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// `patient/`: the patient in context.
    Patient,
    /// `user/`: what the person may see.
    User,
    /// `system/`: what the client may see by itself.
    System,
}

/// One letter of `cruds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    /// `c`
    Create,
    /// `r`: read, vread, history of an instance.
    Read,
    /// `u`: update, and create under a client's id.
    Update,
    /// `d`
    Delete,
    /// `s`: search, history of a type or the system.
    Search,
}

/// A clinical scope: `patient/Observation.rs`, `patient/Observation.rs?category=laboratory`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Whose data.
    pub context: Context,
    /// Of which type; `None` for `*`.
    pub type_: Option<TypeId>,
    letters: [bool; 5],
    constraint: Option<Constraint>,
}

/// The search parameters behind the `?` of a scope.
#[derive(Debug, Clone, PartialEq)]
struct Constraint {
    text: String,
    criteria: Vec<Criterion>,
}

const LETTERS: [(char, Letter); 5] = [
    ('c', Letter::Create),
    ('r', Letter::Read),
    ('u', Letter::Update),
    ('d', Letter::Delete),
    ('s', Letter::Search),
];

const READS: [bool; 5] = [false, true, false, false, false];
const SEARCHES: [bool; 5] = [false, false, false, false, true];
const READS_AND_SEARCHES: [bool; 5] = [false, true, false, false, true];

impl Scope {
    /// Parses one scope. `None` for one that grants nothing here: malformed, of another kind (`openid`), or constrained
    /// by what cannot be enforced ([`constraint::parse`]). A constrained scope reads and searches only: what a write
    /// would make of a resource is not held to criteria.
    pub fn parse(text: &str) -> Option<Scope> {
        let (text, query) = match text.split_once('?') {
            Some((text, query)) => (text, Some(query)),
            None => (text, None),
        };
        let (context, rest) = text.split_once('/')?;
        let context = match context {
            "patient" => Context::Patient,
            "user" => Context::User,
            "system" => Context::System,
            _ => return None,
        };
        let (name, letters) = rest.split_once('.')?;
        let type_ = match name {
            "*" => None,
            name => Some(Definitions::r4().endpoint(name)?),
        };
        let letters = match letters {
            "read" => "rs",
            "write" => "cud",
            "*" => "cruds",
            letters => letters,
        };
        let letters = granted(letters)?;
        let constraint = match query {
            Some(_) if letters != READS && letters != SEARCHES && letters != READS_AND_SEARCHES => {
                return None;
            }
            Some(query) => {
                Some(Constraint { text: query.to_owned(), criteria: constraint::parse(type_, query)? })
            }
            None => None,
        };
        Some(Scope { context, type_, letters, constraint })
    }

    /// What a resource must meet beside its type; empty when there is no constraint.
    pub fn criteria(&self) -> &[Criterion] {
        self.constraint.as_ref().map_or(&[], |constraint| &constraint.criteria)
    }

    /// Parses a space-separated list, dropping what grants nothing.
    pub fn parse_all(text: &str) -> Vec<Scope> {
        text.split(' ').filter_map(Scope::parse).collect()
    }

    /// Whether `registered` scopes of the same context together grant all that this one does.
    pub fn covered_by(&self, registered: &[Scope]) -> bool {
        LETTERS.iter().zip(self.letters).filter(|(_, asked)| *asked).all(|((_, letter), _)| {
            registered.iter().any(|own| {
                let constrained = own.constraint.as_ref().map(|constraint| &constraint.text);
                let own_constraint = self.constraint.as_ref().map(|constraint| &constraint.text);
                own.context == self.context
                    && (constrained.is_none() || constrained == own_constraint)
                    && match self.type_ {
                        Some(type_) => own.grants(type_, *letter),
                        None => own.type_.is_none() && own.has(*letter),
                    }
            })
        })
    }

    /// Whether it grants `letter` on `type_`.
    pub fn grants(&self, type_: TypeId, letter: Letter) -> bool {
        self.type_.is_none_or(|own| own == type_) && self.has(letter)
    }

    fn has(&self, letter: Letter) -> bool {
        LETTERS.iter().zip(self.letters).any(|((_, known), granted)| granted && *known == letter)
    }
}

/// The letters of `cruds` that are there, which must stand in that order, each once.
fn granted(letters: &str) -> Option<[bool; 5]> {
    let mut rest = letters;
    let granted = LETTERS.map(|(letter, _)| match rest.strip_prefix(letter) {
        Some(after) => {
            rest = after;
            true
        }
        None => false,
    });
    (rest.is_empty() && !letters.is_empty()).then_some(granted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_grant_what_they_say() {
        let observation = Definitions::r4().type_id("Observation").unwrap();
        let patient = Definitions::r4().type_id("Patient").unwrap();
        for (text, expected) in [
            ("patient/Observation.rs", "rs"),
            ("patient/*.cruds", "cruds"),
            ("user/Observation.read", "rs"),
            ("system/Observation.write", "cud"),
            ("system/*.*", "cruds"),
            ("patient/Observation.d", "d"),
        ] {
            let scope = Scope::parse(text).unwrap();
            for (letter, kind) in LETTERS {
                assert_eq!(scope.grants(observation, kind), expected.contains(letter), "{text} {letter}");
            }
            assert_eq!(
                scope.grants(patient, Letter::Delete),
                text.contains('*') && expected.contains('d'),
                "{text}"
            );
        }
    }

    #[test]
    fn a_registered_scope_covers_narrower_ones() {
        for (asked, registered, covered) in [
            ("patient/Observation.rs", "patient/*.cruds", true),
            ("patient/Observation.read", "patient/*.rs", true),
            ("patient/*.rs", "patient/*.r patient/*.s", true),
            ("patient/*.cruds", "patient/*.rs", false),
            ("patient/*.rs", "patient/Observation.rs", false),
            ("user/Observation.rs", "patient/*.cruds", false),
            ("system/*.rs", "", false),
            ("patient/Observation.rs?category=x", "patient/*.cruds", true),
            ("patient/Observation.r?category=x", "patient/Observation.rs?category=x", true),
            ("patient/Observation.rs?category=y", "patient/Observation.rs?category=x", false),
            ("patient/Observation.rs", "patient/Observation.rs?category=x", false),
            ("user/Observation.rs?category=x", "patient/*.cruds", false),
        ] {
            let covers = Scope::parse(asked).unwrap().covered_by(&Scope::parse_all(registered));
            assert_eq!(covers, covered, "{asked} by {registered}");
        }
    }

    #[test]
    fn what_is_malformed_grants_nothing() {
        for text in [
            "",
            "patient",
            "patient/",
            "patient/Observation",
            "patient/Observation.",
            "patient/Observation.sr",
            "patient/Observation.rr",
            "patient/Observation.rx",
            "patient/observation.rs",
            "Patient/Observation.rs",
            "patient/Observation.rs?",
            "patient/Observation.rs?nothing=x",
            "patient/Observation.rs?subject=Patient/1",
            "patient/Observation.cruds?category=x",
            "patient/Observation.c?category=x",
            "patient/*.rs?category=x",
            "patient/Parameters.rs",
            "patient/*.READ",
            "launch/patient",
            "openid",
            "patient/Observation.r.s",
            "other/Patient.rs",
        ] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }
}
