//! The ValueSets that a search names.

use super::State;
use crate::access::Access;
use crate::conformance::{Definitions, ParameterId, TypeId};
use crate::error::Error;
use crate::index::value_set::Why;
use crate::index::{Facet, IndexValue};
use crate::search::query::Query;
use crate::search::set::{Name, names_any, resolve};
use std::borrow::Cow;

impl State {
    /// The query with its ValueSets found.
    pub(super) fn with_sets<'q>(&self, access: &Access, query: &'q Query) -> Result<Cow<'q, Query>, Error> {
        if !names_any(query) {
            return Ok(Cow::Borrowed(query));
        }
        let mut query = query.clone();
        resolve(&mut query, 0, |name| Ok(self.value_set(access, name)))?;
        Ok(Cow::Owned(query))
    }

    /// The ValueSet at the literal reference, or else the one with the URL that was updated last.
    fn value_set(&self, access: &Access, name: &Name) -> Option<(i64, Why)> {
        let definitions = Definitions::r4();
        let type_ = definitions.type_id("ValueSet")?;
        let literal = name.key.and_then(|key| self.find(key));
        let row = literal
            .and_then(|resource| self.visible(access, resource))
            .map(|version| version.stored.row)
            .or_else(|| self.by_url(access, type_, name))?;
        let why = self.members(row).find_map(|member| match member {
            IndexValue::Token { code: 0, system, .. } => Some(Why::of(*system)),
            _ => None,
        });
        Some((row, why.unwrap_or(Why::Nothing)))
    }

    fn by_url(&self, access: &Access, type_: TypeId, name: &Name) -> Option<i64> {
        let parameter = |code| Definitions::r4().parameter(type_, code).map(|parameter| parameter.id);
        let (url, version): (ParameterId, ParameterId) = (parameter("url")?, parameter("version")?);
        let visible = self.resources.iter().filter_map(|resource| self.visible(access, resource));
        let named = visible.filter(|set| {
            let same = |value: &IndexValue| matches!(value, IndexValue::Uri { value, .. } if *value == name.url);
            let is = |value: &IndexValue| matches!(value, IndexValue::Token { code, .. } if Some(*code) == name.version);
            set.stored.type_ == type_
                && set.values(url, Facet::Value).any(same)
                && (name.version.is_none() || set.values(version, Facet::Value).any(is))
        });
        named.max_by_key(|set| (set.stored.updated, set.stored.row)).map(|set| set.stored.row)
    }
}
