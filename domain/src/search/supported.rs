//! Which search parameters this server searches by: the one place that decides what the Registry may list and what a
//! search may ask.

use crate::conformance::definitions::SearchParameter;

/// Whether this parameter can be searched by: it has values, or looks at the words of a resource.
pub fn offered(parameter: &SearchParameter) -> bool {
    has_values(parameter) || matches!(&*parameter.code, "_text" | "_content")
}

/// Whether resources are indexed by this parameter's values: R4 says what it looks at. Of the special ones that is `near`
/// alone.
pub(super) fn has_values(parameter: &SearchParameter) -> bool {
    !parameter.expression.is_empty()
}

#[cfg(test)]
mod tests {
    use crate::clock::Instant;
    use crate::conformance::registry::Registry;
    use crate::conformance::{Definitions, SearchKind, SearchParameters};
    use crate::search::page::Seal;
    use crate::search::{Context, Limits, parse};
    use std::collections::BTreeSet;

    /// A value that a parameter of the kind takes: `2020` is a number, a date, a code, an id and a text.
    fn value(kind: SearchKind, components: usize) -> String {
        match kind {
            SearchKind::Composite => vec!["2020"; components].join("$"),
            SearchKind::Special => "20|20".to_owned(),
            _ => "2020".to_owned(),
        }
    }

    /// What is listed for a type is accepted, and nothing that is listed for others only.
    #[test]
    fn what_is_listed_is_what_is_accepted() {
        let (registry, definitions) = (Registry::r4(), Definitions::r4());
        let context = Context {
            parameters: SearchParameters::r4(),
            limits: &Limits::DEFAULT,
            base: "https://x.example",
            now: Instant(0),
            lenient: false,
            seal: Seal { key: &[0; 32], caller: "" },
        };
        let all: Vec<_> = definitions.parameters().iter().map(|one| (&*one.code, one)).collect();
        let mut values: Vec<(&str, String)> =
            all.iter().map(|(code, one)| (*code, value(one.kind, one.components.len()))).collect();
        values.sort();
        values.dedup();
        let mut checked = 0;
        for type_ in registry.types() {
            let own = type_.parameters.iter().chain(registry.common_parameters());
            let listed: BTreeSet<(&str, String)> =
                own.map(|one| (&*one.code, value(one.kind, one.components.len()))).collect();
            for (code, value) in &values {
                let pairs = vec![((*code).to_owned(), value.clone())];
                let accepted = parse(&context, Some(type_.id), &pairs);
                if listed.contains(&(*code, value.clone())) {
                    accepted.unwrap_or_else(|error| panic!("{}?{code}={value}: {error}", type_.name));
                    checked += 1;
                } else if !listed.iter().any(|(own, _)| own == code) {
                    assert!(accepted.is_err(), "{}?{code}={value} is not listed", type_.name);
                }
            }
        }
        assert!(checked > 2400, "{checked}");
    }
}
