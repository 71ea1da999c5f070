//! Choosing, projecting, combining, ordering and going down (`FHIRPath N1 §Filtering`, `§Subsetting`, `§Combining`,
//! `§Tree navigation`).

use super::Invocation;
use crate::fhirpath::comparison::order;
use crate::fhirpath::evaluation::{Evaluation, boolean, single};
use crate::fhirpath::expression::Expr;
use crate::fhirpath::fault::Fault;
use crate::fhirpath::item::{Collection, Item, truth};
use std::cmp::Ordering;

pub(super) fn where_<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(criteria) = call.argument(0) else { return Ok(Vec::new()) };
    let mut kept = Vec::new();
    for (at, item) in call.input.into_iter().enumerate() {
        if boolean(&work.evaluate(criteria, &call.scope.at(&item, at))?)? == Some(true) {
            kept.push(item);
        }
    }
    Ok(kept)
}

pub(super) fn select<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(projection) = call.argument(0) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for (at, item) in call.input.iter().enumerate() {
        out.extend(work.evaluate(projection, &call.scope.at(item, at))?);
    }
    Ok(out)
}

/// Goes on from what the projection gives until nothing new comes; the budget ends what would never end.
pub(super) fn repeat<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(projection) = call.argument(0) else { return Ok(Vec::new()) };
    let mut out: Collection<'a> = Vec::new();
    let mut next = call.input;
    while !next.is_empty() {
        let mut found = Vec::new();
        for (at, item) in next.iter().enumerate() {
            for item in work.evaluate(projection, &call.scope.at(item, at))? {
                if !known(work, &out, &item)? {
                    out.push(item.clone());
                    found.push(item);
                }
            }
        }
        next = found;
    }
    Ok(out)
}

/// Whether this very element, or a value equal to this one, is among `items`. Elements are told apart by their place,
/// so that two with the same content are both kept.
fn known<'a>(work: &mut Evaluation<'_, 'a>, items: &[Item<'a>], item: &Item<'a>) -> Result<bool, Fault> {
    let Item::Node(node) = item else { return work.contains(items, item) };
    work.spend(items.len() / 16 + 1)?;
    Ok(items.iter().any(|other| match other {
        Item::Node(other) => match (node.json, other.json) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            _ => matches!((node.companion, other.companion), (Some(one), Some(other)) if std::ptr::eq(one, other)),
        },
        _ => false,
    }))
}

pub(super) fn of_type<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let Some(type_) = &call.call.type_ else { return Ok(Vec::new()) };
    Ok(call.input.into_iter().filter(|item| item.casts_to(type_)).collect())
}

pub(super) fn is<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let item = single(&call.input)?;
    Ok(item.zip(call.call.type_.as_ref()).map(|(item, type_)| truth(item.is(type_))).unwrap_or_default())
}

pub(super) fn as_<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    match &call.call.type_ {
        Some(type_) => work.cast(call.input, type_),
        None => Ok(Vec::new()),
    }
}

pub(super) fn single_<'a>(
    _: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    single(&call.input)?;
    Ok(call.input)
}

pub(super) fn skip<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let number = call.integer(work, 0)?.unwrap_or(0);
    Ok(call.input.into_iter().skip(usize::try_from(number).unwrap_or(0)).collect())
}

pub(super) fn take<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let number = call.integer(work, 0)?.unwrap_or(0);
    Ok(call.input.into_iter().take(usize::try_from(number).unwrap_or(0)).collect())
}

pub(super) fn intersect<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let other = call.given(work, 0)?;
    let mut both = Vec::new();
    for item in call.input {
        if work.contains(&other, &item)? {
            both.push(item);
        }
    }
    work.distinct(both)
}

pub(super) fn exclude<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let other = call.given(work, 0)?;
    let mut kept = Vec::new();
    for item in call.input {
        if !work.contains(&other, &item)? {
            kept.push(item);
        }
    }
    Ok(kept)
}

pub(super) fn combine<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let other = call.given(work, 0)?;
    let mut all = call.input;
    all.extend(other);
    Ok(all)
}

pub(super) fn union<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let all = combine(work, call)?;
    work.distinct(all)
}

pub(super) fn children<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let mut out = Vec::new();
    for item in &call.input {
        if let Item::Node(node) = item {
            node.children(&mut out);
            work.spend(1)?;
        }
    }
    Ok(out)
}

pub(super) fn descendants<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let mut all = Vec::new();
    let mut next = call.input;
    while !next.is_empty() {
        let mut found = Vec::new();
        for item in &next {
            if let Item::Node(node) = item {
                node.children(&mut found);
            }
        }
        work.spend(found.len())?;
        all.extend(found.iter().cloned());
        next = found;
    }
    Ok(all)
}

/// Orders by the items themselves or by keys; a key that begins with `-` orders the other way. What has no key comes
/// after what has one.
pub(super) fn sort<'a>(
    work: &mut Evaluation<'_, 'a>,
    call: Invocation<'_, '_, 'a>,
) -> Result<Collection<'a>, Fault> {
    let mut rows: Vec<(Vec<Option<Item<'a>>>, Item<'a>)> = Vec::with_capacity(call.input.len());
    let keys = &call.call.arguments;
    for (at, item) in call.input.iter().enumerate() {
        let mut row = Vec::with_capacity(keys.len());
        for key in keys {
            let key = if let Expr::Negative(key) = key { key } else { key };
            row.push(single(&work.evaluate(key, &call.scope.at(item, at))?)?.cloned());
        }
        if keys.is_empty() {
            row.push(Some(item.clone()));
        }
        rows.push((row, item.clone()));
    }
    work.spend(rows.len().saturating_mul(8))?;
    let mut fault = None;
    rows.sort_by(|(one, _), (other, _)| {
        for (at, (one, other)) in one.iter().zip(other).enumerate() {
            let found = match (one, other) {
                (Some(one), Some(other)) => order(one, other).unwrap_or_else(|refused| {
                    fault = Some(refused);
                    None
                }),
                (one, other) => Some(one.is_none().cmp(&other.is_none())),
            };
            let found = found.unwrap_or(Ordering::Equal);
            let found = if matches!(keys.get(at), Some(Expr::Negative(_))) { found.reverse() } else { found };
            if found.is_ne() {
                return found;
            }
        }
        Ordering::Equal
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(rows.into_iter().map(|(_, item)| item).collect()),
    }
}
