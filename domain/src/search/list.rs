//! Membership in a List, Group or CareTeam: `_list` (`FHIR R4 search.html#list`), and `_in` as R5 has it
//! (`FHIR R5 search.html#_in`). What a list holds is read in the same statement, and only if the caller may see the list.

use super::query::Criterion;
use crate::conformance::{ParameterId, TypeId};
use crate::id::Id;
use crate::index::Facet;
use crate::index::members::holders;

/// Reads `_list`: ids of Lists, or `List/id`.
///
/// Errors: why one of them names no List.
pub(super) fn list(values: &[String]) -> Result<Criterion, String> {
    let Some((_, source, parameter)) = holders().find(|(name, ..)| *name == "List") else {
        return Err("it is not supported".to_owned());
    };
    let one = |value: &String| {
        if value.starts_with('$') {
            return Err(format!(
                "'{value}' is a functional list, which this server does not keep; name a stored List by its id"
            ));
        }
        let id = value.strip_prefix("List/").unwrap_or(value);
        let id = Id::parse(id).map_err(|_| format!("'{value}' is not the id of a List"))?;
        // Every reference of the list, as R4 says.
        Ok(holder((source, parameter), Facet::Value, &id))
    };
    values.iter().map(one).collect::<Result<_, _>>().map(any)
}

/// Reads `_in`: `List/id`, `Group/id`, `CareTeam/id`, or an id of any of them.
///
/// Errors: why one of them names none.
pub(super) fn member_of(values: &[String]) -> Result<Criterion, String> {
    let mut found = Vec::new();
    for value in values {
        let (named, id) =
            value.split_once('/').map_or((None, value.as_str()), |(named, id)| (Some(named), id));
        let holders = holders().filter(|(name, ..)| named.is_none_or(|named| named == *name));
        let before = found.len();
        if let Ok(id) = Id::parse(id) {
            found.extend(
                holders.map(|(_, source, parameter)| holder((source, parameter), Facet::Active, &id)),
            );
        }
        if found.len() == before {
            return Err(format!("'{value}' is not the id of a List, Group or CareTeam, like 'Group/12'"));
        }
    }
    Ok(any(found))
}

fn any(mut criteria: Vec<Criterion>) -> Criterion {
    match criteria.pop() {
        Some(only) if criteria.is_empty() => only,
        last => Criterion::Any(criteria.into_iter().chain(last).collect()),
    }
}

/// That the resource with this id refers to the one searched.
fn holder((source, parameter): (TypeId, ParameterId), facet: Facet, id: &Id) -> Criterion {
    let criteria = vec![Criterion::Id(vec![id.clone()])];
    Criterion::Has { source, parameter, facet, criteria, urls: Vec::new() }
}
