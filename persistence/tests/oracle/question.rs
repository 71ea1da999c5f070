//! Questions: a search, written as its URL would be, and what the asker may see.

use super::world::BASE;
use domain::access::{Access, Clause, Reach};
use domain::clock::Instant;
use domain::conformance::Definitions;
use domain::index::hash::resource_key;
use domain::search::page::Seal;
use domain::search::query::Query;
use domain::search::{Context, parse};
use proptest::prelude::*;

/// Criteria that questions are put together from, with the type they belong to.
pub(super) const FRAGMENTS: &[(&str, &str)] = &[
    ("Patient", "_id=a,b,zz"),
    ("Patient", "_lastUpdated=gt1970-01-01T00:00:20Z"),
    ("Patient", "_lastUpdated=lt1970-01-01T00:00:20Z"),
    ("Patient", "_tag=urn:tag|t"),
    ("Patient", "_tag:not=t"),
    ("Patient", "_profile=http://p.example/one"),
    ("Patient", "_profile=http://p.example/one|2"),
    ("Patient", "_profile:below=http://p.example"),
    ("Patient", "gender=male"),
    ("Patient", "gender=http://hl7.org/fhir/administrative-gender|male,unknown"),
    ("Patient", "gender:not=male"),
    ("Patient", "gender:missing=true"),
    ("Patient", "gender:missing=false"),
    ("Patient", "birthdate=1970"),
    ("Patient", "birthdate=1970-05"),
    ("Patient", "birthdate=ne1970-05"),
    ("Patient", "birthdate=gt1970-05"),
    ("Patient", "birthdate=ge1970-05-17"),
    ("Patient", "birthdate=lt1970-05-17"),
    ("Patient", "birthdate=le1970-05-17"),
    ("Patient", "birthdate=sa1970"),
    ("Patient", "birthdate=eb2000"),
    ("Patient", "birthdate:missing=true"),
    ("Patient", "name=OG"),
    ("Patient", "name:exact=Óg"),
    ("Patient", "name:contains=kay"),
    ("Patient", r"name:contains=100%_"),
    ("Patient", "family=og,mc"),
    ("Patient", "name=ann&name=bea"),
    ("Patient", "identifier=1"),
    ("Patient", "identifier=|1"),
    ("Patient", "identifier=urn:s|1,urn:t|2"),
    ("Patient", "identifier=urn:s|"),
    ("Patient", "identifier:of-type=urn:y|MR|2"),
    ("Patient", "identifier:text=type"),
    ("Patient", "organization=Organization/a"),
    ("Patient", "organization=b"),
    ("Patient", "organization:missing=true"),
    ("Patient", "organization:identifier=urn:o|7"),
    ("Patient", "organization.name=leeds"),
    ("Patient", "organization.partof.active=true"),
    ("Patient", "link=Patient/b"),
    ("Patient", "_has:Observation:patient:code=x"),
    ("Patient", "_has:Observation:subject:status=final"),
    ("Patient", "_has:Observation:patient:_has:Observation:has-member:status=final"),
    ("Patient", "deceased=false&gender=female"),
    ("Observation", "code=x"),
    ("Observation", "code=urn:c|x"),
    ("Observation", "code=urn:d|"),
    ("Observation", "code=|X"),
    ("Observation", "code:not=x"),
    ("Observation", "code:text=echo"),
    ("Observation", "status=final"),
    ("Observation", "subject=Patient/a"),
    ("Observation", "subject=a"),
    ("Observation", "patient=b,c"),
    ("Observation", "subject=https://y.example/Patient/a"),
    ("Observation", "subject:Patient.gender=male"),
    ("Observation", "patient.identifier=urn:s|1"),
    ("Observation", "patient._id=a"),
    ("Observation", "patient.organization.name=leeds"),
    ("Observation", "subject:missing=true"),
    ("Observation", "date=2020-01"),
    ("Observation", "date=2020-01-15"),
    ("Observation", "date=gt2020-01-15"),
    ("Observation", "date=lt2020-01-15"),
    ("Observation", "date=ge2020-01-15T09:00:00Z"),
    ("Observation", "date=le2020-01-18"),
    ("Observation", "date=sa2020-01-12"),
    ("Observation", "date=eb2020-01-16"),
    ("Observation", "date=ne2020-01"),
    ("Observation", "date=ge2020-01-12&date=lt2020-01-17"),
    ("Observation", "value-quantity=5.4"),
    ("Observation", "value-quantity=5"),
    ("Observation", "value-quantity=gt5"),
    ("Observation", "value-quantity=le100||mmHg"),
    ("Observation", "value-quantity=100|http://unitsofmeasure.org|mm[Hg]"),
    ("Observation", "value-quantity=ap95"),
    ("Observation", "value-string=stra"),
    ("Observation", "value-concept=urn:v|v1"),
    ("Observation", "code-value-quantity=x$gt5"),
    ("Observation", "code-value-quantity=urn:c|x$5.4||mg"),
    ("Observation", "code-value-concept=x$v1"),
    ("Observation", "has-member=Observation/a"),
    ("Observation", "has-member.code=x"),
    ("Observation", "performer:Organization=a"),
    ("Observation", "_has:Observation:has-member:status=final"),
    ("Organization", "name=leeds"),
    ("Organization", "active=true"),
    ("Organization", "partof=b"),
    ("Organization", "_has:Patient:organization:gender=male"),
    ("Organization", "_has:Organization:partof:active=true"),
];

/// What else a question may have, with the type it belongs to.
const CONTROLS: &[(&str, &str)] = &[
    ("Patient", "_sort=birthdate"),
    ("Patient", "_sort=-birthdate,_id"),
    ("Patient", "_include=Patient:organization"),
    ("Patient", "_include=Patient:link:Patient"),
    ("Patient", "_include=*"),
    ("Patient", "_revinclude=Observation:subject"),
    ("Patient", "_revinclude=Observation:patient&_include=Patient:organization"),
    ("Observation", "_sort=date"),
    ("Observation", "_sort=-date"),
    ("Observation", "_sort=-date,-_lastUpdated"),
    ("Observation", "_include=Observation:subject"),
    ("Observation", "_include=Observation:performer:Organization"),
    ("Observation", "_include=Observation:*"),
    ("Observation", "_revinclude=Observation:has-member"),
    ("Organization", "_revinclude=Patient:organization:Organization"),
    ("Organization", "_include=Organization:partof"),
    ("*", "_sort=_id"),
    ("*", "_sort=-_lastUpdated"),
    ("*", "_sort=_lastUpdated,-_id"),
];

/// A search and its asker.
#[derive(Debug, Clone)]
pub(super) struct Question {
    type_: &'static str,
    url: String,
    asker: Asker,
}

/// What the asker may see.
#[derive(Debug, Clone, Copy)]
enum Asker {
    Everything,
    /// The compartment of Patient/a, and every Organization.
    Patient,
    /// Observations alone.
    Observations,
    /// Observations that are final, Patients that are male: a scope's constraints.
    Constrained,
    Nothing,
}

/// Any question.
pub(super) fn question() -> impl Strategy<Value = Question> {
    let type_ = prop::sample::select(vec!["Patient", "Observation", "Observation", "Organization"]);
    let asker = prop_oneof![
        6 => Just(Asker::Everything),
        4 => Just(Asker::Patient),
        2 => Just(Asker::Observations),
        2 => Just(Asker::Constrained),
        1 => Just(Asker::Nothing),
    ];
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    let controls = prop::collection::vec(any::<prop::sample::Index>(), 0..2);
    (type_, picks, controls, 0_usize..6, asker).prop_map(|(type_, picks, controls, count, asker)| {
        let of = |pool: &'static [(&'static str, &'static str)]| -> Vec<&'static str> {
            pool.iter().filter(|(of, _)| *of == type_ || *of == "*").map(|(_, text)| *text).collect()
        };
        let mut parts: Vec<String> = Vec::new();
        parts.extend(picks.iter().map(|pick| (*pick.get(&of(FRAGMENTS))).to_owned()));
        parts.extend(controls.iter().map(|pick| (*pick.get(&of(CONTROLS))).to_owned()));
        parts.push(format!("_count={count}&_total=accurate"));
        Question { type_, url: parts.join("&"), asker }
    })
}

impl Question {
    /// A search of everything on one large page.
    pub(super) fn plain(type_: &str, url: &str) -> Question {
        let type_ = Definitions::r4().type_name(Definitions::r4().type_id(type_).unwrap());
        Question { type_, url: format!("{url}&_count=100&_total=accurate"), asker: Asker::Everything }
    }

    /// The parsed query of the first page.
    pub(super) fn query(&self) -> Query {
        let pairs = self.url.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let seal = Seal { key: &[0; 32], caller: "" };
        let context = Context { base: BASE, now: Instant(0), lenient: false, seal };
        parse(&context, Definitions::r4().type_id(self.type_), &pairs).unwrap().query
    }

    /// What the asker may see.
    pub(super) fn access(&self) -> Access {
        let type_id = |name: &str| Definitions::r4().type_id(name).unwrap();
        let clause = |patients, criteria| Reach::Any(vec![Clause { patients, criteria }]);
        match self.asker {
            Asker::Everything => Access::everything(),
            Asker::Nothing => Access::nothing(),
            Asker::Observations => Access::by_type([(type_id("Observation"), Reach::All)]),
            Asker::Patient => {
                let own = || clause(Some(vec![resource_key("Patient", "a")]), Vec::new());
                Access::by_type([
                    (type_id("Patient"), own()),
                    (type_id("Observation"), own()),
                    (type_id("Organization"), Reach::All),
                ])
            }
            Asker::Constrained => {
                let criteria = |type_, url| Question::plain(type_, url).query().criteria;
                Access::by_type([
                    (type_id("Patient"), clause(None, criteria("Patient", "gender=male"))),
                    (type_id("Observation"), clause(None, criteria("Observation", "status=final"))),
                ])
            }
        }
    }
}
