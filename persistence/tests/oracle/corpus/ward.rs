//! Wards: some hundred published resources that refer to each other, small enough to be looked through by memory.

use super::super::world::BASE;
use super::dress::{dress, made};
use super::links::Links;
use super::pick::Pick;
use domain::conformance::Definitions;
use domain::id::Id;
use domain::resource::json::Json;
use std::collections::{BTreeMap, BTreeSet};
use tests::published::json_files;

/// A resource: its type, its id and its JSON.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) type_: &'static str,
    pub(super) id: String,
    pub(super) tree: Json<'static>,
}

/// Published resources: HL7's examples, and Synthea's records, each with what belongs to it.
pub(super) struct Published {
    examples: Collection,
    records: Vec<Collection>,
}

/// Resources that refer to each other, and where each is.
struct Collection {
    all: Vec<Resource>,
    /// Places in `all`, by `Type/id`.
    names: BTreeMap<String, usize>,
}

impl Collection {
    fn of(all: Vec<Resource>) -> Collection {
        let names = all.iter().enumerate().map(|(place, one)| (format!("{}/{}", one.type_, one.id), place));
        Collection { names: names.collect(), all }
    }

    /// Some at random, and what these refer to.
    fn some(&self, count: usize, pick: &mut Pick) -> Vec<&Resource> {
        let mut chosen: Vec<&Resource> = (0..count).filter_map(|_| pick.of(&self.all)).collect();
        let mut literals = Vec::new();
        chosen.iter().for_each(|one| references(&one.tree, &mut literals));
        let targets = literals.into_iter().filter_map(|name| self.all.get(*self.names.get(name)?));
        chosen.extend(targets.take(count));
        chosen
    }
}

/// The literal references anywhere in a resource.
fn references<'j>(node: &'j Json<'_>, found: &mut Vec<&'j str>) {
    match node {
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        Json::Object(object) => {
            found.extend(object.str("reference"));
            object.iter().for_each(|(_, value)| references(value, found));
        }
        _ => {}
    }
}

/// Resources of examples and of a record in one ward, without those they refer to.
const EXAMPLES: usize = 110;
const OF_RECORD: usize = 130;

/// All that is published; `None` where there are no data.
pub(super) fn published() -> Option<Published> {
    let examples = json_files("r4-examples.tar.zst")?;
    let examples = examples.values().filter_map(|text| resource(Json::parse(text).ok()?.into_owned()));
    let records = json_files("synthea.tar.zst")?;
    Some(Published {
        examples: Collection::of(examples.collect()),
        records: records.values().filter_map(|text| record(text)).map(Collection::of).collect(),
    })
}

/// A resource of a type that has an endpoint, with an id.
pub(super) fn resource(tree: Json<'static>) -> Option<Resource> {
    let definitions = Definitions::r4();
    let type_ = definitions.type_name(definitions.endpoint(tree.resource_type()?)?);
    let id = tree.get("id").and_then(Json::as_str)?.to_owned();
    Id::parse(&id).ok()?;
    Some(Resource { type_, id, tree })
}

/// The resources of a Bundle whose links are `urn:uuid`s of its entries, as links to the resources.
fn record(text: &[u8]) -> Option<Vec<Resource>> {
    let mut text = String::from_utf8(text.to_vec()).ok()?;
    let mut links: BTreeMap<String, String> = BTreeMap::new();
    for entry in Json::parse(text.as_bytes()).ok()?.get("entry")?.each() {
        let resource = entry.get("resource")?;
        let (type_, id) = (resource.resource_type()?, resource.get("id").and_then(Json::as_str)?);
        links.insert(entry.get("fullUrl").and_then(Json::as_str)?.to_owned(), format!("{type_}/{id}"));
    }
    let mut rewritten = String::with_capacity(text.len());
    while let Some(at) = text.find("\"urn:uuid:") {
        let rest = text.split_off(at);
        rewritten.push_str(&text);
        let end = rest.get(1..).and_then(|rest| rest.find('"')).map_or(rest.len(), |end| end + 2);
        let (link, after) = rest.split_at(end);
        let target = links.get(link.trim_matches('"'));
        rewritten.push_str(&target.map_or_else(|| link.to_owned(), |target| format!("\"{target}\"")));
        text = after.to_owned();
    }
    rewritten.push_str(&text);
    let tree = Json::parse(rewritten.as_bytes()).ok()?.into_owned();
    let entries = tree.get("entry")?.each().iter();
    Some(entries.filter_map(|entry| resource(entry.get("resource")?.clone())).collect())
}

/// Some of what is published.
pub(super) struct Ward {
    pub(super) all: Vec<Resource>,
    /// Places in `all`, by type.
    types: BTreeMap<&'static str, Vec<usize>>,
    /// What they have and refer to.
    pub(super) links: Links,
}

impl Ward {
    /// A record's first resources, which the others refer to, some of the others, some examples, and what is made of them.
    pub(super) fn of(published: &Published, pick: &mut Pick) -> Ward {
        let mut chosen: Vec<&Resource> = Vec::new();
        if let Some(record) = pick.of(&published.records) {
            chosen.extend(record.all.iter().take(10));
            chosen.extend(record.some(OF_RECORD, pick));
        }
        chosen.extend(published.examples.some(EXAMPLES, pick));
        let mut seen = BTreeSet::new();
        chosen.retain(|one| seen.insert((one.type_, one.id.as_str())));
        let dressed =
            chosen.into_iter().map(|one| Resource { tree: dress(one.tree.clone(), pick), ..one.clone() });
        let mut all: Vec<Resource> = dressed.collect();
        all.extend(made(&all, pick));
        let mut types: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
        let mut names = BTreeMap::new();
        for (place, one) in all.iter().enumerate() {
            types.entry(one.type_).or_default().push(place);
            names.insert(format!("{}/{}", one.type_, one.id), place);
        }
        let place = |literal: &str| {
            let local = literal.strip_prefix(BASE).unwrap_or(literal).trim_start_matches('/');
            names.get(local.split("/_history/").next()?).copied()
        };
        let links = Links::of(&all, place);
        Ward { all, types, links }
    }

    /// The place of a resource, of a type if one is named.
    pub(super) fn any(&self, pick: &mut Pick, type_: Option<&str>) -> Option<usize> {
        match type_ {
            None if pick.one_in(2) => Some(pick.below(self.all.len())),
            // Types come up alike, however many resources they have.
            None => {
                let types: Vec<&Vec<usize>> = self.types.values().collect();
                pick.of(&types).and_then(|of_type| pick.of(of_type)).copied()
            }
            Some(type_) => pick.of(self.types.get(type_)?).copied(),
        }
    }

    /// The resource at a place.
    pub(super) fn at(&self, place: usize) -> &Resource {
        self.all.get(place).unwrap()
    }

    /// Type, id and JSON of all.
    pub(super) fn resources(&self) -> Vec<(&'static str, String, Vec<u8>)> {
        self.all.iter().map(|one| (one.type_, one.id.clone(), one.tree.to_vec())).collect()
    }
}
