//! Wards: some hundred published resources that refer to each other, small enough to be looked through by memory.

use super::super::world::BASE;
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
    examples: Vec<Resource>,
    records: Vec<Vec<Resource>>,
}

/// Resources of examples and of a record in one ward.
const EXAMPLES: usize = 150;
const OF_RECORD: usize = 150;

/// All that is published; `None` where there are no data.
pub(super) fn published() -> Option<Published> {
    let examples = json_files("r4-examples.tar.zst")?;
    let examples = examples.values().filter_map(|text| resource(Json::parse(text).ok()?.into_owned()));
    let records = json_files("synthea.tar.zst")?;
    Some(Published {
        examples: examples.collect(),
        records: records.values().filter_map(|text| record(text)).collect(),
    })
}

fn resource(tree: Json<'static>) -> Option<Resource> {
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
    /// Places in `all`, by `Type/id`.
    names: BTreeMap<String, usize>,
}

impl Ward {
    /// A record's first resources, which the others refer to, some of the others, and some examples.
    pub(super) fn of(published: &Published, pick: &mut Pick) -> Ward {
        let mut chosen: Vec<&Resource> = Vec::new();
        if let Some(record) = pick.of(&published.records) {
            chosen.extend(record.iter().take(40));
            chosen.extend((0..OF_RECORD).filter_map(|_| pick.of(record)));
        }
        chosen.extend((0..EXAMPLES).filter_map(|_| pick.of(&published.examples)));
        let mut ward = Ward { all: Vec::new(), types: BTreeMap::new(), names: BTreeMap::new() };
        let mut seen = BTreeSet::new();
        for resource in chosen {
            let name = format!("{}/{}", resource.type_, resource.id);
            if seen.insert(name.clone()) {
                ward.types.entry(resource.type_).or_default().push(ward.all.len());
                ward.names.insert(name, ward.all.len());
                ward.all.push(resource.clone());
            }
        }
        ward
    }

    /// A resource, of a type if one is named.
    pub(super) fn any(&self, pick: &mut Pick, type_: Option<&str>) -> Option<&Resource> {
        match type_ {
            None if pick.one_in(2) => pick.of(&self.all),
            // Types come up alike, however many resources they have.
            None => {
                let types: Vec<&Vec<usize>> = self.types.values().collect();
                let place = *pick.of(&types)?.first()?;
                let of_type = self.types.get(self.all.get(place)?.type_)?;
                pick.of(of_type).and_then(|place| self.all.get(*place))
            }
            Some(type_) => pick.of(self.types.get(type_)?).and_then(|place| self.all.get(*place)),
        }
    }

    /// The resource that a literal reference is to.
    pub(super) fn target(&self, reference: &str) -> Option<&Resource> {
        let reference = reference.strip_prefix(BASE).unwrap_or(reference).trim_start_matches('/');
        let name = reference.split("/_history/").next()?;
        self.names.get(name).and_then(|place| self.all.get(*place))
    }

    /// Type, id and JSON of all.
    pub(super) fn resources(&self) -> Vec<(&'static str, String, Vec<u8>)> {
        self.all.iter().map(|one| (one.type_, one.id.clone(), one.tree.to_vec())).collect()
    }
}
