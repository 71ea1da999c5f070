//! What the resources of a ward have and what they refer to, looked up once for all searches of the ward.

use super::value;
use super::ward::Resource;
use domain::conformance::definitions::SearchParameter;
use domain::conformance::{Definitions, SearchKind};
use domain::resource::json::Json;
use std::collections::BTreeMap;

/// A reference of one resource to another: by which parameter, and the place of the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) parameter: &'static SearchParameter,
    pub(super) place: usize,
}

/// Parameters and references by the place of a resource.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Parameters by which it has elements, kind by kind.
    has: Vec<Vec<Vec<&'static SearchParameter>>>,
    to: Vec<Vec<Link>>,
    from: Vec<Vec<Link>>,
}

impl Links {
    /// Of these resources; `place` finds one by its literal reference.
    pub(super) fn of(all: &[Resource], place: impl Fn(&str) -> Option<usize>) -> Links {
        let mut links = Links { has: Vec::new(), to: Vec::new(), from: vec![Vec::new(); all.len()] };
        for (at, resource) in all.iter().enumerate() {
            let (mut kinds, mut to) = (BTreeMap::new(), Vec::new());
            let definitions = Definitions::r4();
            let common = definitions.parameters_of("Resource");
            for parameter in definitions.parameters_of(resource.type_).iter().chain(common) {
                let elements = value::elements(&parameter.expression, resource.type_, &resource.tree);
                if elements.is_empty() {
                    continue;
                }
                let kind = format!("{:?}", parameter.kind);
                kinds.entry(kind).or_insert_with(Vec::new).push(parameter);
                if parameter.kind != SearchKind::Reference {
                    continue;
                }
                for element in elements {
                    let literal = element.get("reference").and_then(Json::as_str);
                    if let Some(target) = literal.and_then(&place) {
                        to.push(Link { parameter, place: target });
                        if let Some(from) = links.from.get_mut(target) {
                            from.push(Link { parameter, place: at });
                        }
                    }
                }
            }
            links.has.push(kinds.into_values().collect());
            links.to.push(to);
        }
        links
    }

    /// Parameters that a resource has elements of, kind by kind.
    pub(super) fn parameters(&self, place: usize) -> &[Vec<&'static SearchParameter>] {
        self.has.get(place).map_or(&[], Vec::as_slice)
    }

    /// What a resource refers to.
    pub(super) fn to(&self, place: usize) -> &[Link] {
        self.to.get(place).map_or(&[], Vec::as_slice)
    }

    /// What refers to a resource.
    pub(super) fn from(&self, place: usize) -> &[Link] {
        self.from.get(place).map_or(&[], Vec::as_slice)
    }
}
