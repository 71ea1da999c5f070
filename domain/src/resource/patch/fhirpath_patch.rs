//! FHIRPath Patch (`FHIR R4 fhirpatch.html`): Parameters with operations on what FHIRPath expressions select.

use super::{MOST_OPERATIONS, check_depth, failed, malformed, prune};
use crate::clock::Instant;
use crate::conformance::Definitions;
use crate::conformance::definitions::{Element, Shape};
use crate::error::Error;
use crate::fhirpath::{Collection, Context, Expression, Item, Node};
use crate::resource::json::{Json, Object};
use std::sync::Arc;

/// One operation.
#[derive(Debug, Clone)]
pub struct Operation {
    action: Action,
    path: Arc<Expression>,
}

#[derive(Debug, Clone)]
enum Action {
    Add(String, Value),
    Insert(usize, Value),
    Delete,
    Replace(Value),
    Move(usize, usize),
}

/// A value to put in.
#[derive(Debug, Clone)]
enum Value {
    /// `value[x]`: the type's name with a capital, the value, and a primitive's companion.
    Typed(String, Option<Json<'static>>, Option<Json<'static>>),
    /// Parts, each an element of what has no type of its own (`Patient.contact`).
    Parts(Vec<(String, Value)>),
}

/// Reads the Parameters.
///
/// Errors: [`ErrorCode::InvalidStructure`](crate::ErrorCode::InvalidStructure) for what is no patch;
/// [`ErrorCode::InvalidValue`](crate::ErrorCode::InvalidValue) for a path that is no FHIRPath.
pub(super) fn parse(parameters: &Json<'_>) -> Result<Vec<Operation>, Error> {
    if parameters.resource_type() != Some("Parameters") {
        return Err(malformed(
            "a FHIRPath Patch is a Parameters resource, a JSON Patch an array of operations",
        ));
    }
    let all = parameters.get("parameter").map(Json::each).unwrap_or_default();
    if all.len() > MOST_OPERATIONS {
        return Err(malformed(&format!("it has more than {MOST_OPERATIONS} operations")));
    }
    let read = |(at, json)| {
        let place = format!("Parameters.parameter[{at}]");
        operation(json).map_err(|error| error.at(place))
    };
    all.iter().enumerate().map(read).collect()
}

fn operation(json: &Json<'_>) -> Result<Operation, Error> {
    if json.get("name").and_then(Json::as_str) != Some("operation") {
        return Err(malformed("every parameter is called 'operation'"));
    }
    let parts = json.get("part").map(Json::each).unwrap_or_default();
    let part = |name: &str| {
        let found = parts.iter().find(|part| part.get("name").and_then(Json::as_str) == Some(name));
        found.ok_or_else(|| malformed(&format!("the operation needs the part '{name}'")))
    };
    let text = |name: &str, types: &[&str]| {
        let found = part(name)?;
        let found = types.iter().find_map(|type_| found.get(type_).and_then(Json::as_str));
        found.ok_or_else(|| malformed(&format!("the part '{name}' is a {}", types.join(" or "))))
    };
    let number = |name: &str| match part(name)?.get("valueInteger") {
        Some(Json::Number(text)) if text.parse::<usize>().is_ok() => Ok(text.parse().unwrap_or_default()),
        _ => Err(malformed(&format!("the part '{name}' is a valueInteger from 0 on"))),
    };
    let content = || value(part("value")?);
    let action = match text("type", &["valueCode", "valueString"])? {
        "add" => Action::Add(text("name", &["valueString", "valueCode", "valueId"])?.to_owned(), content()?),
        "insert" => Action::Insert(number("index")?, content()?),
        "delete" => Action::Delete,
        "replace" => Action::Replace(content()?),
        "move" => Action::Move(number("source")?, number("destination")?),
        other => return Err(malformed(&format!("there is no operation '{other}'"))),
    };
    let path = text("path", &["valueString"])?;
    let path = Expression::compile(path).map_err(|fault| fault.into_error(path))?;
    Ok(Operation { action, path: Arc::new(path) })
}

fn value(part: &Json<'_>) -> Result<Value, Error> {
    let members = part.as_object().ok_or_else(|| malformed("a part is an object"))?;
    let typed = members.iter().find_map(|(name, _)| {
        let type_ = name.strip_prefix('_').unwrap_or(name).strip_prefix("value")?;
        type_.starts_with(|c: char| c.is_ascii_uppercase()).then(|| type_.to_owned())
    });
    if let Some(type_) = typed {
        let member = |name: String| members.get(&name).cloned().map(Json::into_owned);
        let (json, companion) = (member(format!("value{type_}")), member(format!("_value{type_}")));
        return Ok(Value::Typed(type_, json, companion));
    }
    let parts = part.get("part").map(Json::each).unwrap_or_default();
    let named = |part: &Json<'_>| {
        let name = part.get("name").and_then(Json::as_str).ok_or_else(|| malformed("a part has a name"))?;
        Ok((name.to_owned(), value(part)?))
    };
    match parts {
        [] => Err(malformed("the part 'value' has a value[x] or parts")),
        parts => parts.iter().map(named).collect::<Result<_, _>>().map(Value::Parts),
    }
}

/// Applies all operations, in order.
///
/// Errors: [`ErrorCode::PatchFailed`](crate::ErrorCode::PatchFailed) at the first that does not apply.
pub(super) fn apply(tree: &mut Json<'static>, operations: &[Operation], now: Instant) -> Result<(), Error> {
    for (at, operation) in operations.iter().enumerate() {
        let shown: String = operation.path.text().chars().take(200).collect();
        let placed = |error: Error| error.at(format!("Parameters.parameter[{at}]"));
        let change = plan(tree, operation, now).map_err(placed)?;
        if let Some((owner, change)) = change {
            let target = object_at(tree, &owner).ok_or_else(|| failed(format!("'{shown}' is not there")))?;
            perform(target, change).map_err(|why| placed(failed(format!("'{shown}': {why}"))))?;
            check_depth(0, tree)?;
        }
    }
    prune(tree);
    Ok(())
}

/// The way from the root to an object: members, and places in their arrays.
type Way = Vec<(String, Option<usize>)>;

/// What is done to an object.
enum Change {
    /// The element's value and companion are added: behind others of a list, or as its only one.
    Add { member: String, list: bool, put: Put },
    /// They are put into a list.
    Insert { member: String, at: usize, put: Put },
    /// They take the place of the one that is there.
    Replace { old: String, place: Option<usize>, member: String, put: Put },
    /// One is taken out.
    Remove { member: String, place: Option<usize> },
    /// One is moved within its list.
    Move { member: String, from: usize, to: usize },
}

/// A value and a primitive's companion.
type Put = (Option<Json<'static>>, Option<Json<'static>>);

/// Finds what an operation changes; `None` for a delete of what is not there.
fn plan(tree: &Json<'static>, operation: &Operation, now: Instant) -> Result<Option<(Way, Change)>, Error> {
    let text = operation.path.text();
    let refused = |fault: crate::fhirpath::Fault| fault.into_error(text);
    let root = Node::resource(tree).ok_or_else(|| failed("it is no resource"))?;
    let context = Context::of(tree, now);
    let select = || operation.path.evaluate(&context, Item::Node(root)).map_err(refused);
    let place = |node: &Node<'_>| {
        locate(tree, root.shape, node)
            .ok_or_else(|| failed(format!("'{text}' selects nothing of the resource")))
    };
    let listed = || -> Result<(Way, &'static Element, Node<'_>), Error> {
        let owners = operation.path.owners(&context, Item::Node(root)).map_err(refused)?;
        let (owners, name) =
            owners.ok_or_else(|| failed(format!("'{text}' does not end with the name of a list")))?;
        let owner = only(owners, text)?.ok_or_else(|| failed(format!("'{text}' has nothing to stand in")))?;
        let element = owner.shape.element(name).filter(|element| element.list && !element.choice);
        let element = element.ok_or_else(|| failed(format!("'{text}' is no list")))?;
        Ok((place(&owner)?.way(), element, owner))
    };
    let change = match &operation.action {
        Action::Add(name, value) => {
            let owner = only(select()?, text)?.ok_or_else(|| failed(format!("'{text}' selects nothing")))?;
            let (member, list, put) = made(owner.shape, name, value)?;
            (place(&owner)?.way(), Change::Add { member, list, put })
        }
        Action::Insert(at, value) => {
            let (way, element, owner) = listed()?;
            let (member, _, put) = made(owner.shape, element.name, value)?;
            (way, Change::Insert { member, at: *at, put })
        }
        Action::Move(from, to) => {
            let (way, element, _) = listed()?;
            (way, Change::Move { member: element.name.to_owned(), from: *from, to: *to })
        }
        Action::Delete => match only(select()?, text)? {
            None => return Ok(None),
            Some(node) => {
                let Place { owner, member, index, .. } = place(&node)?;
                (owner, Change::Remove { member, place: index })
            }
        },
        Action::Replace(value) => {
            let node = only(select()?, text)?.ok_or_else(|| failed(format!("'{text}' selects nothing")))?;
            let Place { owner, member: old, index, shape } = place(&node)?;
            let element = shape.and_then(|shape| Some((shape, shape.member(&old)?.0)));
            let (shape, element) =
                element.ok_or_else(|| failed("the whole resource is replaced by an update"))?;
            let (member, _, put) = made(shape, element.name, value)?;
            (owner, Change::Replace { old, place: index, member, put })
        }
    };
    Ok(Some(change))
}

/// The one element that is selected.
fn only<'a>(items: Collection<'a>, text: &str) -> Result<Option<Node<'a>>, Error> {
    match items.as_slice() {
        [] => Ok(None),
        [Item::Node(node)] => Ok(Some(*node)),
        [_] => Err(failed(format!("'{text}' gives a value, not an element of the resource"))),
        several => {
            Err(failed(format!("'{text}' selects {} elements; an operation changes one", several.len())))
        }
    }
}

/// Where an element stands: the object that has it, the member there, and the place in its array.
struct Place {
    owner: Way,
    member: String,
    index: Option<usize>,
    /// The type of the object; none for the resource itself, which stands in none.
    shape: Option<&'static Shape>,
}

impl Place {
    /// The way to the element itself.
    fn way(self) -> Way {
        let mut way = self.owner;
        if self.shape.is_some() {
            way.push((self.member, self.index));
        }
        way
    }
}

/// Finds an element by the place of its JSON in memory.
fn locate(tree: &Json<'_>, shape: &'static Shape, node: &Node<'_>) -> Option<Place> {
    let is =
        |json: &Json<'_>| [node.json, node.companion].into_iter().flatten().any(|its| same_place(its, json));
    if is(tree) {
        return Some(Place { owner: Vec::new(), member: String::new(), index: None, shape: None });
    }
    for (name, value) in tree.as_object()?.iter() {
        let Some((_, type_, key)) = shape.member(name) else { continue };
        let within = Definitions::r4().shape(type_.shape);
        for (at, item) in value.each().iter().enumerate() {
            let index = matches!(value, Json::Array(_)).then_some(at);
            let member = name.strip_prefix('_').filter(|_| key.companion).unwrap_or(name).to_owned();
            if is(item) {
                return Some(Place { owner: Vec::new(), member, index, shape: Some(shape) });
            }
            let resource = item.resource_type().and_then(|name| Definitions::r4().shape_named(name));
            let within = resource.filter(|_| type_.code == "Resource").unwrap_or(within);
            if let Some(mut found) = locate(item, within, node) {
                found.owner.insert(0, (name.to_owned(), index));
                return Some(found);
            }
        }
    }
    None
}

fn same_place(one: &Json<'_>, other: &Json<'_>) -> bool {
    std::ptr::from_ref(one).cast::<u8>() == std::ptr::from_ref(other).cast::<u8>()
}

/// The member that the element `name` of `shape` is as this value, whether it is a list, and the value.
fn made(shape: &'static Shape, name: &str, value: &Value) -> Result<(String, bool, Put), Error> {
    let unknown = || failed(format!("{} has no element '{name}' of this type", shape.name));
    let suffix = match value {
        Value::Typed(type_, ..) => type_.as_str(),
        Value::Parts(_) => "",
    };
    let member = match shape.element(name) {
        Some(element) if element.choice => format!("{name}{suffix}"),
        _ => name.to_owned(),
    };
    let (element, type_, key) =
        shape.member(&member).filter(|(.., key)| !key.companion).ok_or_else(unknown)?;
    debug_assert!(!key.companion);
    let put = match value {
        Value::Typed(_, json, companion) => (json.clone(), companion.clone()),
        Value::Parts(parts) => {
            let within = Definitions::r4().shape(type_.shape);
            let mut object = Object::new();
            for (name, value) in parts {
                let (member, list, put) = made(within, name, value)?;
                perform(&mut object, Change::Add { member, list, put }).map_err(failed)?;
            }
            (Some(Json::Object(object)), None)
        }
    };
    Ok((member, element.list, put))
}

fn object_at<'t>(
    tree: &'t mut Json<'static>,
    way: &[(String, Option<usize>)],
) -> Option<&'t mut Object<'static>> {
    let mut value = tree;
    for (member, index) in way {
        let below = value.as_object_mut()?.get_mut(member)?;
        value = match (index, below) {
            (Some(at), Json::Array(items)) => items.get_mut(*at)?,
            (_, single) => single,
        };
    }
    value.as_object_mut()
}

fn perform(target: &mut Object<'static>, change: Change) -> Result<(), String> {
    match change {
        Change::Add { member, list, put } => {
            let there = target.get(&member).is_some() || target.get(&format!("_{member}")).is_some();
            if list {
                let at = length(target, &member);
                insert(target, &member, at, put);
            } else if there {
                return Err(format!("there is a '{member}' already; replace it"));
            } else {
                set(target, &member, put);
            }
        }
        Change::Insert { member, at, put } => {
            let length = length(target, &member);
            if at > length {
                return Err(format!("the list has {length} elements; the index is at most that"));
            }
            insert(target, &member, at, put);
        }
        Change::Replace { old, place: Some(at), member, put } => {
            take(target, &old, at);
            insert(target, &member, at, put);
        }
        Change::Replace { old, place: None, member, put } => {
            if old != member {
                target.remove(&old);
            }
            target.remove(&format!("_{old}"));
            if put.0.is_none() {
                target.remove(&member);
            }
            set(target, &member, put);
        }
        Change::Remove { member, place: Some(at) } => drop(take(target, &member, at)),
        Change::Remove { member, place: None } => {
            target.remove(&member);
            target.remove(&format!("_{member}"));
        }
        Change::Move { member, from, to } => {
            let length = length(target, &member);
            if from >= length || to >= length {
                return Err(format!(
                    "the list has {length} elements; source and destination are less than that"
                ));
            }
            let put = take(target, &member, from);
            insert(target, &member, to, put);
        }
    }
    Ok(())
}

fn set(target: &mut Object<'static>, member: &str, (json, companion): Put) {
    if let Some(json) = json {
        target.set(member.to_owned(), json);
    }
    if let Some(companion) = companion {
        target.set(format!("_{member}"), companion);
    }
}

fn items<'t>(target: &'t mut Object<'static>, member: &str) -> Option<&'t mut Vec<Json<'static>>> {
    match target.get_mut(member) {
        Some(Json::Array(items)) => Some(items),
        _ => None,
    }
}

/// How many items a list has, of values and companions.
fn length(target: &Object<'static>, member: &str) -> usize {
    let of = |name: &str| target.get(name).and_then(Json::as_array).map_or(0, <[_]>::len);
    of(member).max(of(&format!("_{member}")))
}

/// Puts a value and its companion into the arrays of a list, which keep step.
fn insert(target: &mut Object<'static>, member: &str, at: usize, (json, companion): Put) {
    let length = length(target, member);
    for (name, value) in [(member.to_owned(), json), (format!("_{member}"), companion)] {
        if target.get(&name).is_none() {
            if value.is_none() {
                continue;
            }
            target.set(name.clone(), Json::Array(Vec::new()));
        }
        if let Some(items) = items(target, &name) {
            items.resize(length.max(items.len()), Json::Null);
            items.insert(at.min(items.len()), value.unwrap_or(Json::Null));
        }
    }
}

/// Takes a value and its companion out of the arrays of a list.
fn take(target: &mut Object<'static>, member: &str, at: usize) -> Put {
    let mut out = |name: &str| {
        let items = items(target, name).filter(|items| at < items.len())?;
        let item = items.remove(at);
        (item != Json::Null).then_some(item)
    };
    let put = (out(member), out(&format!("_{member}")));
    for name in [member.to_owned(), format!("_{member}")] {
        if items(target, &name).is_some_and(|items| items.iter().all(|item| *item == Json::Null)) {
            target.remove(&name);
        }
    }
    put
}
