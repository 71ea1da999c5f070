//! The search parameters of a scope (`SMART App Launch 2.2, scopes-and-launch-context, finer-grained resource constraints`):
//! `category=…|laboratory` as criteria that hold wherever the scope is used.

use super::limits::Limits;
use super::page::Seal;
use super::parameter::criterion;
use super::parse::Context;
use super::query::{Criterion, Test};
use crate::clock::Instant;
use crate::conformance::{SearchParameters, TypeId};

/// Parameters that one scope may have.
const MAX_PARAMETERS: usize = 10;

/// Reads the query of a scope for `type_` (`None` for `*`). `None` when it is not a search, or one that a rule cannot stand
/// on: only what one resource says of itself by tokens, URIs and text, neither chains nor times nor references.
pub fn parse(type_: Option<TypeId>, query: &str) -> Option<Vec<Criterion>> {
    // A scope means the same on every server at every time: R4's parameters alone.
    let context = Context {
        parameters: SearchParameters::r4(),
        base: "",
        now: Instant(0),
        lenient: false,
        seal: Seal { key: &[0; 32], caller: "" },
        limits: &Limits::DEFAULT,
    };
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    if !(1..=MAX_PARAMETERS).contains(&pairs.len()) {
        return None;
    }
    let criteria = pairs.iter().map(|(name, value)| criterion(&context, type_, name, value, 0).ok());
    criteria.map(|criterion| criterion.filter(stands_alone)).collect()
}

fn stands_alone(criterion: &Criterion) -> bool {
    let plain = |test: &Test| matches!(test, Test::Token { .. } | Test::Text { .. } | Test::Uri { .. });
    match criterion {
        Criterion::Id(_) => true,
        Criterion::Matches { tests, .. } => tests.iter().all(plain),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Definitions;

    #[test]
    fn only_what_a_resource_says_of_itself_is_a_constraint() {
        let observation = Definitions::r4().type_id("Observation");
        for (query, number) in [
            ("category=laboratory", 1),
            ("category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", 1),
            ("category=http%3A%2F%2Fx%7Claboratory,vital-signs&status=final", 2),
            ("_id=a,b", 1),
            ("_security:not=R&_tag=x|y&_profile=http://p", 3),
        ] {
            assert_eq!(parse(observation, query).map(|criteria| criteria.len()), Some(number), "{query}");
        }
        for query in [
            "",
            "category",
            "category=",
            "nothing=x",
            "subject=Patient/1",
            "patient.name=x",
            "_has:Provenance:target:agent=x",
            "date=gt2020",
            "_lastUpdated=gt2020",
            "value-quantity=1",
            "_count=1",
            "_sort=date",
            "_include=*",
            "_cursor=x",
            "_id=%20",
            "category:missing=true",
            &"status=final&".repeat(11),
        ] {
            assert_eq!(parse(observation, query), None, "{query}");
        }
        assert!(parse(None, "_tag=x|y").is_some() && parse(None, "category=x").is_none());
    }
}
