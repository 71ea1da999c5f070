//! A custom search parameter as it is kept, and as it is searched by.

use crate::conformance::definitions::{Component, SearchParameter};
use crate::conformance::search_parameters::{CustomParameter, Readiness};
use crate::conformance::{Definitions, ParameterId, SearchKind};
use crate::error::Error;
use crate::id::Id;
use crate::index::computed;
use crate::store::ReadTx;
use crate::store::index::{Defined, Phase};
use serde::{Deserialize, Serialize};

/// What a SearchParameter says, as far as it matters for searching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    /// Its canonical URL.
    pub(crate) url: String,
    /// Its name in a URL.
    pub(crate) code: String,
    /// How it is searched, by FHIR's code.
    pub(crate) kind: String,
    /// FHIRPath of what it looks at.
    pub(crate) expression: String,
    /// The types it refers to, by name.
    pub(crate) targets: Vec<String>,
    /// One line about it.
    pub(crate) description: String,
    /// What a composite is made of: the code of a parameter of the same type and the way to it.
    pub(crate) components: Vec<(String, String)>,
}

impl Definition {
    /// Whether resources have the same rows under both.
    pub(crate) fn means_the_same(&self, other: &Definition) -> bool {
        let meant = |of: &Definition| {
            (of.kind.clone(), of.expression.clone(), of.targets.clone(), of.components.clone())
        };
        self.code == other.code && meant(self) == meant(other)
    }

    /// Whether its expressions are evaluated, as no walkers know them.
    pub(crate) fn is_evaluated(&self, base: &str) -> bool {
        let definitions = Definitions::r4();
        let Some(type_) = definitions.endpoint(base) else { return false };
        let components = self.components.iter().map(|(_, expression)| expression.as_str());
        !computed::is_walked(definitions, definitions.shape_of(type_), &self.expression, components)
    }

    /// As it is searched by, under its number.
    pub(crate) fn parameter(&self, number: u32, base: &'static str) -> Option<SearchParameter> {
        let definitions = Definitions::r4();
        let (kind, type_) = (SearchKind::of(&self.kind)?, definitions.endpoint(base)?);
        let component = |(code, expression): &(String, String)| {
            let parameter = definitions.parameter(type_, code)?.id;
            Some(Component { parameter, expression: expression.clone().into() })
        };
        Some(SearchParameter {
            id: ParameterId::custom(number, kind),
            base,
            code: self.code.clone().into(),
            kind,
            url: self.url.clone().into(),
            targets: self.targets.iter().filter_map(|name| definitions.endpoint(name)).collect(),
            expression: self.expression.clone().into(),
            description: self.description.clone().into(),
            components: self.components.iter().map(component).collect::<Option<_>>()?,
        })
    }
}

/// The code and canonical URL of a parameter as kept.
pub(crate) fn code_and_url(own: &Defined) -> Option<(String, String)> {
    let definition: Definition = serde_json::from_str(&own.definition).ok()?;
    Some((definition.code, definition.url))
}

/// The custom search parameters that are indexed, and how far.
pub(super) fn load(tx: &mut dyn ReadTx) -> Result<Vec<CustomParameter>, Error> {
    let mut found = Vec::new();
    for own in tx.defined()? {
        if own.phase == Phase::Leaving {
            continue;
        }
        let readiness = match own.phase {
            Phase::Ready => Readiness::Ready,
            _ => indexing(tx, &own)?,
        };
        let definition: Definition = serde_json::from_str(&own.definition).map_err(Error::internal)?;
        let definitions = Definitions::r4();
        let Some(type_) = definitions.endpoint(&own.base) else { continue };
        if let Some(parameter) = definition.parameter(own.number, definitions.type_name(type_)) {
            found.push(CustomParameter { type_, parameter, readiness });
        }
    }
    Ok(found)
}

fn indexing(tx: &mut dyn ReadTx, own: &Defined) -> Result<Readiness, Error> {
    let job = Id::parse(&own.job).ok().map(|id| tx.job(&id)).transpose()?.flatten();
    Ok(job.map_or(Readiness::Indexing { done: 0, total: 0 }, |job| Readiness::Indexing {
        done: job.done,
        total: job.total,
    }))
}
