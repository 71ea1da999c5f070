//! Prefixes of ordered values (`FHIR R4 search.html#prefix`).

use super::query::Prefix;

/// Splits a value into its prefix (`eq` if there is none) and the rest.
pub(super) fn split(text: &str) -> (Prefix, &str) {
    const PREFIXES: [(&str, Prefix); 9] = [
        ("eq", Prefix::Eq),
        ("ne", Prefix::Ne),
        ("gt", Prefix::Gt),
        ("lt", Prefix::Lt),
        ("ge", Prefix::Ge),
        ("le", Prefix::Le),
        ("sa", Prefix::Sa),
        ("eb", Prefix::Eb),
        ("ap", Prefix::Ap),
    ];
    let found =
        PREFIXES.iter().find_map(|(name, prefix)| text.strip_prefix(name).map(|rest| (*prefix, rest)));
    found.unwrap_or((Prefix::Eq, text))
}
