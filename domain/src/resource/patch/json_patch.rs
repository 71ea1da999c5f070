//! JSON Patch (`RFC 6902`) over our own tree, which keeps decimals as written; also in the NHS's wrapper
//! `{"patches": […]}`.

use super::{MOST_OPERATIONS, check_depth, failed, malformed, prune, size};
use crate::error::Error;
use crate::resource::json::{Json, Object};
use rust_decimal::Decimal;

/// Most values that a patch may add by copying, so that copies of copies end.
const MOST_COPIED: usize = 100_000;

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    action: Action,
    path: Pointer,
}

#[derive(Debug, Clone)]
enum Action {
    Add(Json<'static>),
    Remove,
    Replace(Json<'static>),
    Move(Pointer),
    Copy(Pointer),
    Test(Json<'static>),
}

/// A JSON pointer (`RFC 6901`), unescaped.
type Pointer = Vec<String>;

/// Reads a patch: an array of operations, or an object with it as `patches`.
///
/// Errors: [`ErrorCode::InvalidStructure`](crate::ErrorCode::InvalidStructure).
pub(super) fn parse(document: &Json<'_>) -> Result<Vec<Operation>, Error> {
    let operations = match document {
        Json::Object(wrapper) => wrapper.get("patches").and_then(Json::as_array),
        other => other.as_array(),
    };
    let operations = operations.ok_or_else(|| malformed("it is an array of operations"))?;
    if operations.len() > MOST_OPERATIONS {
        return Err(malformed(&format!("it has more than {MOST_OPERATIONS} operations")));
    }
    let numbered = |(at, json)| operation(json).map_err(|what| malformed(&format!("operation {at}: {what}")));
    operations.iter().enumerate().map(numbered).collect()
}

fn operation(json: &Json<'_>) -> Result<Operation, String> {
    let text = |name: &str| {
        json.get(name).and_then(Json::as_str).ok_or_else(|| format!("it needs the string '{name}'"))
    };
    let value = || {
        let value = json.get("value").ok_or("it needs a 'value'; null is written")?;
        Ok::<_, String>(value.clone().into_owned())
    };
    let op = text("op")?;
    let path = pointer(text("path")?)?;
    let action = match op {
        "add" => Action::Add(value()?),
        "remove" => Action::Remove,
        "replace" => Action::Replace(value()?),
        "move" => Action::Move(pointer(text("from")?)?),
        "copy" => Action::Copy(pointer(text("from")?)?),
        "test" => Action::Test(value()?),
        other => return Err(format!("there is no operation '{other}'")),
    };
    if let Action::Move(from) = &action
        && path.len() > from.len()
        && path.starts_with(from)
    {
        return Err("nothing can be moved into itself".to_owned());
    }
    Ok(Operation { action, path })
}

fn pointer(text: &str) -> Result<Pointer, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rest =
        text.strip_prefix('/').ok_or_else(|| format!("the pointer '{text}' does not begin with '/'"))?;
    let unescaped = |token: &str| {
        let wrong = token.replace("~0", "").replace("~1", "").contains('~');
        if wrong {
            Err(format!("the pointer '{text}' has a '~' that is neither ~0 nor ~1"))
        } else {
            Ok(token.replace("~1", "/").replace("~0", "~"))
        }
    };
    rest.split('/').map(unescaped).collect()
}

/// Applies all operations, in order.
///
/// Errors: [`ErrorCode::PatchFailed`](crate::ErrorCode::PatchFailed) at the first that does not apply.
pub(super) fn apply(tree: &mut Json<'static>, operations: &[Operation]) -> Result<(), Error> {
    let mut copied = 0;
    for (at, operation) in operations.iter().enumerate() {
        one(tree, operation, &mut copied).map_err(|why| failed(format!("operation {at}: {why}")))?;
    }
    // Only removals leave something empty that the client did not write.
    if operations.iter().any(|operation| matches!(operation.action, Action::Remove | Action::Move(_))) {
        prune(tree);
    }
    check_depth(0, tree)
}

fn one(tree: &mut Json<'static>, operation: &Operation, copied: &mut usize) -> Result<(), String> {
    let path = &operation.path;
    match &operation.action {
        Action::Add(value) => add(tree, path, value.clone()),
        Action::Remove => remove(tree, path).map(drop),
        Action::Replace(value) => {
            check_depth(path.len(), value).map_err(|error| error.to_string())?;
            *at_mut(tree, path)? = value.clone();
            Ok(())
        }
        Action::Move(from) if from == path => at_mut(tree, path).map(drop),
        Action::Move(from) => {
            let value = remove(tree, from)?;
            add(tree, path, value)
        }
        Action::Copy(from) => {
            let value = at_mut(tree, from)?.clone();
            *copied += size(&value);
            if *copied > MOST_COPIED {
                return Err("it copies too much".to_owned());
            }
            add(tree, path, value)
        }
        Action::Test(value) => {
            let found = at_mut(tree, path)?;
            if equal(found, value) { Ok(()) } else { Err(format!("the value at {} is another", shown(path))) }
        }
    }
}

fn shown(path: &[String]) -> String {
    let escaped = path.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1")));
    format!("'{}'", escaped.collect::<String>())
}

fn missing(path: &[String]) -> String {
    format!("there is nothing at {}", shown(path))
}

/// A place in an array of `length` items. `0` or digits that do not begin with it.
fn place(token: &str, length: usize) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|b| b.is_ascii_digit()));
    token.parse().ok().filter(|at| plain && *at < length)
}

fn at_mut<'t>(tree: &'t mut Json<'static>, path: &[String]) -> Result<&'t mut Json<'static>, String> {
    let mut value = tree;
    for token in path {
        let below = match value {
            Json::Object(members) => members.get_mut(token),
            Json::Array(items) => place(token, items.len()).and_then(|at| items.get_mut(at)),
            _ => None,
        };
        value = below.ok_or_else(|| missing(path))?;
    }
    Ok(value)
}

fn add(tree: &mut Json<'static>, path: &[String], value: Json<'static>) -> Result<(), String> {
    check_depth(path.len(), &value).map_err(|error| error.to_string())?;
    let Some((last, before)) = path.split_last() else {
        *tree = value;
        return Ok(());
    };
    match at_mut(tree, before)? {
        Json::Object(members) => members.set(last.clone(), value),
        Json::Array(items) => {
            let at = if last == "-" { Some(items.len()) } else { place(last, items.len() + 1) };
            items.insert(at.ok_or_else(|| missing(path))?, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn remove(tree: &mut Json<'static>, path: &[String]) -> Result<Json<'static>, String> {
    let Some((last, before)) = path.split_last() else {
        return Err("the whole resource cannot be removed; delete it".to_owned());
    };
    let found = match at_mut(tree, before)? {
        Json::Object(members) => members.remove(last),
        Json::Array(items) => place(last, items.len()).map(|at| items.remove(at)),
        _ => None,
    };
    found.ok_or_else(|| missing(path))
}

/// Equality of `RFC 6902 §4.6`: members in any order, numbers by value.
fn equal(one: &Json<'_>, other: &Json<'_>) -> bool {
    let number = |text: &str| Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok();
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| Object::get(other, name).is_some_and(|twin| equal(value, twin)))
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Json::Number(one), Json::Number(other)) => {
            one == other || number(one).zip(number(other)).is_some_and(|(one, other)| one == other)
        }
        _ => one == other,
    }
}
