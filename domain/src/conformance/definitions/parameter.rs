//! Search parameters: `search_parameters.tsv` and the components of the composite ones, `search_components.tsv`.

use super::table::rows;
use crate::conformance::{ParameterId, SearchKind, TypeId};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::ops::Range;

const PARAMETERS: &str = include_str!("../../../definitions/search_parameters.tsv");
const COMPONENTS: &str = include_str!("../../../definitions/search_components.tsv");

/// A search parameter of one base type (`FHIR R4 searchparameter.html`).
#[derive(Debug, Clone, PartialEq)]
pub struct SearchParameter {
    /// Its number.
    pub id: ParameterId,
    /// The type it is defined on: a resource type, `Resource` or `DomainResource`.
    pub base: &'static str,
    /// Its name in a URL.
    pub code: Cow<'static, str>,
    /// How it is searched.
    pub kind: SearchKind,
    /// Its canonical URL.
    pub url: Cow<'static, str>,
    /// The resource types a reference may point to; empty for any.
    pub targets: Vec<TypeId>,
    /// FHIRPath of what it looks at; empty where R4 gives none.
    pub expression: Cow<'static, str>,
    /// One line about it.
    pub description: Cow<'static, str>,
    /// What a composite is made of.
    pub components: Vec<Component>,
}

/// One component of a composite parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The parameter of the same base whose kind the component has.
    pub parameter: ParameterId,
    /// FHIRPath from the composite's element to the component.
    pub expression: Cow<'static, str>,
}

/// All search parameters.
pub(super) struct Parameters {
    all: Vec<SearchParameter>,
    bases: FxHashMap<&'static str, Range<usize>>,
}

impl Parameters {
    pub(super) fn load(types: &FxHashMap<&'static str, TypeId>) -> Parameters {
        let mut all: Vec<SearchParameter> = Vec::with_capacity(1800);
        for (mut row, number) in rows(PARAMETERS).zip(0..) {
            let (base, code) = (row.next(), row.next());
            let kind = SearchKind::of(row.next()).unwrap_or(SearchKind::Special);
            let (url, _comparators) = (row.next(), row.next());
            let targets = row.list().filter_map(|name| types.get(name).copied()).collect();
            let (expression, description) = (row.next(), row.next());
            let id = ParameterId(number);
            let components = Vec::new();
            all.push(SearchParameter {
                id,
                base,
                code: Cow::Borrowed(code),
                kind,
                url: Cow::Borrowed(url),
                targets,
                expression: Cow::Borrowed(expression),
                description: Cow::Borrowed(description),
                components,
            });
        }
        all.sort_by(|a, b| (a.base, &a.code).cmp(&(b.base, &b.code)));
        let mut bases: FxHashMap<&'static str, Range<usize>> = FxHashMap::default();
        for (at, (parameter, number)) in all.iter_mut().zip(0..).enumerate() {
            parameter.id = ParameterId(number);
            bases.entry(parameter.base).or_insert(at..at).end = at + 1;
        }
        let mut parameters = Parameters { all, bases };
        parameters.load_components();
        parameters
    }

    fn load_components(&mut self) {
        for mut row in rows(COMPONENTS) {
            let (base, code, component, expression) = (row.next(), row.next(), row.next(), row.next());
            let Some(parameter) = self.find(base, component).map(|found| found.id) else { continue };
            if let Some(at) = self.place(base, code)
                && let Some(composite) = self.all.get_mut(at)
            {
                composite.components.push(Component { parameter, expression: Cow::Borrowed(expression) });
            }
        }
    }

    fn place(&self, base: &str, code: &str) -> Option<usize> {
        let range = self.bases.get(base)?.clone();
        let start = range.start;
        self.all
            .get(range)?
            .binary_search_by(|parameter| (*parameter.code).cmp(code))
            .ok()
            .map(|at| start + at)
    }

    pub(super) fn find(&self, base: &str, code: &str) -> Option<&SearchParameter> {
        self.place(base, code).and_then(|at| self.all.get(at))
    }

    pub(super) fn get(&self, id: ParameterId) -> &SearchParameter {
        static NONE: SearchParameter = SearchParameter {
            id: ParameterId(u32::MAX),
            base: "",
            code: Cow::Borrowed(""),
            kind: SearchKind::Special,
            url: Cow::Borrowed(""),
            targets: Vec::new(),
            expression: Cow::Borrowed(""),
            description: Cow::Borrowed(""),
            components: Vec::new(),
        };
        usize::try_from(id.0).ok().and_then(|at| self.all.get(at)).unwrap_or(&NONE)
    }

    pub(super) fn of_base(&self, base: &str) -> &[SearchParameter] {
        self.bases.get(base).and_then(|range| self.all.get(range.clone())).unwrap_or_default()
    }

    pub(super) fn all(&self) -> &[SearchParameter] {
        &self.all
    }
}
