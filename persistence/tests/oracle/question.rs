//! Questions: a search, written as its URL would be, and what the asker may see.

use super::control::{CONTROLS, ODD};
use super::fragment::FRAGMENTS;
use super::own;
use super::world::BASE;
use domain::Error;
use domain::access::actor::Actor;
use domain::access::decision::access;
use domain::access::scope::Letter;
use domain::access::{Access, Clause, Reach};
use domain::clock::Instant;
use domain::conformance::{Definitions, ParameterId, SearchKind};
use domain::id::Id;
use domain::index::hash::resource_key;
use domain::search::page::Seal;
use domain::search::query::Query;
use domain::search::{Compartment, Context, Limits, SearchScope, parse};
use proptest::prelude::*;

/// A search and its asker.
#[derive(Debug, Clone)]
pub(super) struct Question {
    type_: &'static str,
    /// The resource in whose compartment the search looks.
    compartment: Option<(&'static str, &'static str)>,
    url: String,
    asker: Asker,
}

/// What the asker may see.
#[derive(Debug, Clone, Copy)]
enum Asker {
    Everything,
    /// The compartment of Patient/a, and every Organization and ValueSet.
    Patient,
    /// Observations alone.
    Observations,
    /// Observations that are final, Patients that are male, RiskAssessments of a Patient that the asker may not see: a
    /// scope's constraints.
    Constrained,
    Nothing,
    /// An app of Patient/a, with what its token is decided to see.
    Token,
}

/// Compartments that searches look into: of resources that are in the worlds, and of one that never is.
const COMPARTMENTS: [(&str, &str); 5] =
    [("Patient", "a"), ("Patient", "b"), ("Practitioner", "a"), ("Encounter", "a"), ("Patient", "nobody")];

/// What stands in a search once.
const ONCE: [&str; 5] = ["_sort", "_summary", "_total", "_type", "_contained"];

/// Any question.
pub(super) fn question() -> impl Strategy<Value = Question> {
    let types = [
        "Patient",
        "Observation",
        "Organization",
        "RiskAssessment",
        "Provenance",
        "ValueSet",
        "CarePlan",
        "List",
        "Location",
        "PlanDefinition",
        "",
    ];
    let type_ = prop_oneof![1 => prop::sample::select(vec!["Patient", "Observation"]), 1 => prop::sample::select(types.to_vec())];
    let asker = prop_oneof![
        6 => Just(Asker::Everything),
        4 => Just(Asker::Patient),
        2 => Just(Asker::Observations),
        2 => Just(Asker::Constrained),
        1 => Just(Asker::Nothing),
    ];
    let compartment = prop_oneof![
        6 => Just(None),
        1 => prop::sample::select(COMPARTMENTS.to_vec()).prop_map(Some),
    ];
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let controls = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    let place = (type_, compartment);
    (place, picks, controls, 0_usize..6, asker).prop_map(
        |((type_, compartment), picks, controls, count, asker)| {
            let of = |pool: &'static [(&'static str, &'static str)]| -> Vec<&'static str> {
                pool.iter().filter(|(of, _)| *of == type_ || *of == "*").map(|(_, text)| *text).collect()
            };
            let mut parts: Vec<&str> = picks.iter().map(|pick| *pick.get(&of(FRAGMENTS))).collect();
            parts.extend(controls.iter().map(|pick| *pick.get(&of(CONTROLS))));
            parts.push("_total=accurate");
            let mut question = Question { type_, compartment, url: format!("_count={count}"), asker };
            for part in parts {
                let twice = |pair: &str| {
                    let once = ONCE.iter().find(|name| pair.starts_with(**name));
                    once.is_some_and(|name| question.url.contains(name))
                };
                if part.split('&').any(twice) {
                    continue;
                }
                let more = Question { url: format!("{}&{part}", question.url), ..question.clone() };
                // Not all parts go with the types and the compartment searched.
                if more.parse().is_ok() {
                    question = more;
                }
            }
            if question.parse().is_ok() { question } else { Question { compartment: None, ..question } }
        },
    )
}

/// A question with one value that nobody would write.
pub(super) fn odd() -> impl Strategy<Value = Question> {
    let parameter = prop::sample::select(ODD.to_vec());
    let value = prop_oneof![
        "\\PC{0,10}",
        "[%_!*'\"\\\\,|$:/. a]{1,8}",
        "(eq|ne|gt|lt|ge|le|sa|eb|ap)?[-+]?[0-9]{0,5}[-.:eE]?[0-9T:Z+.-]{0,12}",
        "(eq|ne|gt|lt|ge|le|sa|eb|ap)?-?[0-9]{1,3}(\\.[0-9]{1,40})?e-?[0-9]{1,3}(\\|\\|[a-z%]{1,3})?",
        "[A-Za-z]{1,9}/[A-Za-z0-9.-]{1,4}(/_history/.?)?",
        "https://x\\.example/FHIR/R4/(Patient|Observation)?/?[a-c]?",
    ];
    (parameter, value).prop_map(|((type_, name), value)| Question {
        type_,
        compartment: None,
        url: format!("{name}={}&_count=100&_total=accurate", value.replace('&', "")),
        asker: Asker::Everything,
    })
}

impl Question {
    /// A search of everything on one large page.
    pub(super) fn plain(type_: &str, url: &str) -> Question {
        let type_ = Definitions::r4().type_id(type_).map_or("", |type_| Definitions::r4().type_name(type_));
        let url = format!("{url}&_count=100&_total=accurate");
        Question { type_, compartment: None, url, asker: Asker::Everything }
    }

    /// The same search, on one page, by somebody who sees everything and by an app of Patient/a.
    pub(super) fn openly_and_by_token(&self) -> [Question; 2] {
        let whole = self.on_one_page();
        [Question { asker: Asker::Everything, ..whole.clone() }, Question { asker: Asker::Token, ..whole }]
    }

    /// Whether a reference is among what it is sorted by.
    pub(super) fn sorts_by_reference(&self) -> bool {
        let is_reference =
            |parameter: &ParameterId| Definitions::r4().kind_of(*parameter) == SearchKind::Reference;
        self.query().sort.iter().any(|sort| sort.by.parameters().iter().any(is_reference))
    }

    /// Whether a chain or `_has` looks at other resources than those found.
    pub(super) fn has_links(&self) -> bool {
        let filters = self.url.split('&').filter_map(|pair| pair.strip_prefix("_filter="));
        if filters.into_iter().any(|filter| filter.contains('.')) {
            return true;
        }
        let names = self.url.split('&').filter_map(|pair| pair.split('=').next());
        names.into_iter().any(|name| {
            name.contains('.')
                || ["_has", "_list", "_in"].iter().any(|link| name.starts_with(link))
                    && !name.starts_with("_include")
        })
    }

    /// The same search on one page.
    pub(super) fn on_one_page(&self) -> Question {
        let parts = self.url.split('&').filter(|part| !part.starts_with("_count="));
        let url = parts.chain(["_count=100"]).collect::<Vec<_>>().join("&");
        Question { url, ..self.clone() }
    }

    /// The parsed query of the first page.
    pub(super) fn query(&self) -> Query {
        self.parse().unwrap()
    }

    /// The parsed query, or why it is none.
    pub(super) fn parse(&self) -> Result<Query, Error> {
        let pairs = self.url.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let seal = Seal { key: &[0; 32], caller: "" };
        let parameters = own::parameters();
        let context = Context {
            parameters,
            base: BASE,
            now: Instant(0),
            lenient: false,
            seal,
            limits: &Limits::DEFAULT,
        };
        parse(&context, self.scope()?, &pairs).map(|parsed| parsed.query)
    }

    /// Where the search looks.
    fn scope(&self) -> Result<SearchScope, Error> {
        let type_ = Definitions::r4().type_id(self.type_);
        let Some((owner, id)) = self.compartment else { return Ok(SearchScope::from(type_)) };
        let compartment = Compartment::of(Definitions::r4().type_id(owner).unwrap(), Id::parse(id)?)?;
        match type_ {
            Some(type_) => SearchScope::of_compartment(compartment, type_),
            None => Ok(SearchScope::Compartment(compartment, None)),
        }
    }

    /// What the asker may see.
    pub(super) fn access(&self) -> Access {
        let type_id = |name: &str| Definitions::r4().type_id(name).unwrap();
        let clause = |patients, criteria| Reach::Any(vec![Clause { patients, criteria }]);
        match self.asker {
            Asker::Everything => Access::everything(),
            Asker::Nothing => Access::nothing(),
            Asker::Token => {
                let app = Actor {
                    client: Some("app".to_owned()),
                    fhir_user: None,
                    patient: Some(Id::parse("a").unwrap()),
                    scope: "patient/*.rs".to_owned(),
                    open: false,
                };
                access(&app, Letter::Search, &[])
            }
            Asker::Observations => Access::by_type([(type_id("Observation"), Reach::All)]),
            Asker::Patient => {
                let own = || clause(Some(vec![resource_key("Patient", "a")]), Vec::new());
                Access::by_type([
                    (type_id("Patient"), own()),
                    (type_id("Observation"), own()),
                    (type_id("RiskAssessment"), own()),
                    (type_id("Provenance"), own()),
                    (type_id("CarePlan"), own()),
                    (type_id("List"), own()),
                    (type_id("Organization"), Reach::All),
                    (type_id("Location"), Reach::All),
                    (type_id("ValueSet"), Reach::All),
                    (type_id("PlanDefinition"), Reach::All),
                ])
            }
            Asker::Constrained => {
                let criteria = |type_, url| Question::plain(type_, url).query().criteria;
                Access::by_type([
                    (type_id("Patient"), clause(None, criteria("Patient", "gender=male"))),
                    (type_id("Observation"), clause(None, criteria("Observation", "status=final"))),
                    (
                        type_id("RiskAssessment"),
                        clause(None, criteria("RiskAssessment", "patient.gender=female")),
                    ),
                ])
            }
        }
    }
}
