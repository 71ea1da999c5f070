//! Parameters that shape the result and not the match: `_count`, `_sort`, `_total`, `_summary`
//! (`FHIR R4 search.html#Result-parameters`).

use super::parameter::{find, invalid, unsupported};
use super::parse::Context;
use super::query::{Query, Sort, SortBy, Total};
use crate::conformance::{SearchKind, TypeId};
use crate::error::Error;

/// Matches on a page when the caller does not say.
pub const DEFAULT_COUNT: usize = 20;

/// Most matches on a page; who asks for more gets this many.
pub const MAX_COUNT: usize = 1000;

/// Most sort keys.
pub const MAX_SORT: usize = 4;

/// Reads `_count`.
pub(super) fn count(name: &str, value: &str) -> Result<usize, Error> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(invalid(name, "it is a whole number, 0 or more"));
    }
    // What is too long for a number is more than the most.
    Ok(value.parse().unwrap_or(MAX_COUNT).min(MAX_COUNT))
}

/// Reads `_total`.
pub(super) fn total(name: &str, value: &str) -> Result<Total, Error> {
    match value {
        "none" => Ok(Total::None),
        "estimate" => Ok(Total::Estimate),
        "accurate" => Ok(Total::Accurate),
        _ => Err(invalid(name, "it is 'none', 'estimate' or 'accurate'")),
    }
}

/// Reads `_summary` into `query`: `count` gives the total alone.
pub(super) fn summary(name: &str, value: &str, query: &mut Query) -> Result<(), Error> {
    match value {
        "count" => {
            query.count = 0;
            query.total = Total::Accurate;
            Ok(())
        }
        "false" => Ok(()),
        "true" | "text" | "data" => {
            Err(unsupported(name, format!("'{value}' is not supported; 'count' and 'false' are")))
        }
        _ => Err(invalid(name, "it is 'true', 'text', 'data', 'count' or 'false'")),
    }
}

/// Reads `_sort`: by `_id`, `_lastUpdated` and the parameters whose index rows keep an order. Tokens and references are
/// indexed by keys, which have none.
pub(super) fn sort(
    context: &Context<'_>,
    name: &str,
    value: &str,
    type_: Option<TypeId>,
) -> Result<Vec<Sort>, Error> {
    let keys: Vec<&str> = value.split(',').collect();
    if keys.len() > MAX_SORT {
        return Err(invalid(name, format!("it may have {MAX_SORT} keys")));
    }
    let key = |text: &&str| {
        let (code, descending) = text.strip_prefix('-').map_or((*text, false), |code| (code, true));
        let by = match code {
            "" => {
                return Err(invalid(name, "name the parameters to sort by, '-' before one for the reverse"));
            }
            "_id" => SortBy::Id,
            "_lastUpdated" => SortBy::LastUpdated,
            code => {
                let parameter = find(context, type_, code, name)?;
                if !is_ordered(parameter.kind) {
                    let reason = format!(
                        "sorting by '{code}' is not supported; dates, strings, numbers, quantities and uris are"
                    );
                    return Err(unsupported(name, reason));
                }
                SortBy::Parameter(parameter.id)
            }
        };
        Ok(Sort { by, descending })
    };
    keys.iter().map(key).collect()
}

/// Whether the index rows of a kind keep the order of their values.
const fn is_ordered(kind: SearchKind) -> bool {
    matches!(
        kind,
        SearchKind::Date | SearchKind::String | SearchKind::Number | SearchKind::Quantity | SearchKind::Uri
    )
}
