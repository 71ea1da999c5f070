//! Questions: a search, written as its URL would be, and what the asker may see.

use super::world::BASE;
use domain::access::{Access, Clause, Reach};
use domain::clock::Instant;
use domain::conformance::Definitions;
use domain::index::hash::resource_key;
use domain::search::page::Seal;
use domain::search::query::{Position, Query};
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
    ("Patient", "name=ostergard"),
    ("Patient", "name=østergård-strauss,ÆG"),
    ("Patient", "family:contains=STRAU"),
    ("Patient", "given=οδυσσευς"),
    ("Patient", "family:missing=true"),
    ("Patient", "address=1 aero"),
    ("Patient", "address-city=arhus,leeds"),
    ("Patient", "address:contains=4d"),
    ("Patient", "telecom=a@x.example"),
    ("Patient", "phone=0113 1"),
    ("Patient", "phone:missing=false"),
    ("Patient", "deceased=true"),
    ("Patient", "deceased:not=true"),
    ("Patient", "death-date=2010-05-17T10:30:00.250Z"),
    ("Patient", "death-date=ge2010-05-17T11:30+01:00"),
    ("Patient", "death-date=2010-05-17T10:30:00.2Z"),
    ("Patient", "death-date=ap2010"),
    ("Patient", "birthdate=ap1970-05"),
    ("Patient", "birthdate=1970-05-17,2001"),
    ("Patient", "_security=|R"),
    ("Patient", "_security:not=urn:sec|V"),
    ("Patient", "_source=http://p.example/feed/7"),
    ("Patient", "_source:above=http://p.example/feed/7/8"),
    ("Patient", "_has:Provenance:target:recorded=2020-01-15T09:00:00Z"),
    ("Patient", "_has:RiskAssessment:subject:probability=gt0.5"),
    ("Patient", "_has:CarePlan:patient:date=sa2020-01-12"),
    ("Observation", "_has:Provenance:target:recorded:missing=false"),
    ("Observation", "value-quantity=5.45"),
    ("Observation", "value-quantity=-150"),
    ("Observation", "value-quantity=lt-1e2"),
    ("Observation", "value-quantity=ne5.4"),
    ("Observation", "value-quantity=sa5,eb-100"),
    ("Observation", "value-quantity:missing=true"),
    ("Observation", "combo-code-value-quantity=z$80"),
    ("Observation", "component-code-value-quantity=urn:c|x$le5"),
    ("Observation", "component-code-value-concept=z$|v1"),
    ("Observation", "combo-value-concept=v1"),
    ("Observation", "subject:Patient.name:exact=Ostergard"),
    ("Observation", "subject:Patient.birthdate=gt1970-05"),
    ("Observation", "subject=https://x.example/FHIR/R4/Patient/c"),
    ("Observation", "subject=Patient/c/_history/1"),
    ("Observation", "subject=Patient/c/_history/2,Patient/b"),
    ("Observation", "patient:missing=false"),
    ("RiskAssessment", "probability=0.5"),
    ("RiskAssessment", "probability=0.50"),
    ("RiskAssessment", "probability=12"),
    ("RiskAssessment", "probability=ne0.55"),
    ("RiskAssessment", "probability=gt0.5"),
    ("RiskAssessment", "probability=ge0.55"),
    ("RiskAssessment", "probability=lt0.5"),
    ("RiskAssessment", "probability=le0.25"),
    ("RiskAssessment", "probability=sa0.6"),
    ("RiskAssessment", "probability=eb0.55"),
    ("RiskAssessment", "probability=ap0.6"),
    ("RiskAssessment", "probability=5.5e-1,4"),
    ("RiskAssessment", "probability:missing=true"),
    ("RiskAssessment", "date=le2020-02-01"),
    ("RiskAssessment", "date=gt2020-02-01T00:30"),
    ("RiskAssessment", "patient.gender=male"),
    ("Provenance", "target=Observation/a"),
    ("Provenance", "target=Observation/a/_history/1"),
    ("Provenance", "target=Patient/a"),
    ("Provenance", "target:Patient=a"),
    ("Provenance", "target=urn:uuid:1"),
    ("Provenance", "recorded=2020-01-15T09:00:00.5Z"),
    ("Provenance", "recorded=gt2020-01-15T09:00:00.7Z"),
    ("Provenance", "target:Observation.status=final"),
    ("ValueSet", "url=http://v.example/sets/one"),
    ("ValueSet", "url:below=http://v.example/sets"),
    ("ValueSet", "url:below=http://v.example/sets/one"),
    ("ValueSet", "url:above=http://v.example/sets/one"),
    ("ValueSet", "url:missing=true"),
    ("ValueSet", "version=2,10"),
    ("ValueSet", "title=codes: 50%"),
    ("ValueSet", "title:exact=codes"),
    ("ValueSet", "title:contains=%"),
    ("CarePlan", "instantiates-canonical=http://x.example/PlanDefinition/a"),
    ("CarePlan", "instantiates-canonical=http://x.example/PlanDefinition/a|2"),
    ("CarePlan", "instantiates-canonical:missing=true"),
    ("CarePlan", "date=2020-01"),
    ("CarePlan", "date=ap2020-01-22"),
    ("CarePlan", "date=ge2020-01-25"),
    ("CarePlan", "patient.name=og"),
    ("", "_id=a,b"),
    ("", "_type=Patient,Organization"),
    ("", "_lastUpdated=ge1970-01-01T00:00:15Z"),
    ("", "_lastUpdated=ne1970-01-01T00:00:15Z"),
    ("", "_lastUpdated=sa1970-01-01T00:00:10Z,eb1970-01-01T00:00:05Z"),
    ("", "_tag=urn:tag|"),
    ("", "_profile:missing=true"),
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
    ("Organization", "name=FIRST"),
    ("Organization", "name=zoe's"),
    ("Organization", "partof:missing=false"),
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
    ("Patient", "_sort=family,-given"),
    ("Patient", "_sort=-name"),
    ("Patient", "_sort=-death-date,birthdate,-_id"),
    ("Patient", "_revinclude=Provenance:target"),
    ("Patient", "_revinclude=RiskAssessment:subject&_revinclude=CarePlan:patient"),
    ("Observation", "_sort=value-quantity"),
    ("Observation", "_sort=-value-quantity,date"),
    ("Observation", "_sort=value-string,-date"),
    ("RiskAssessment", "_sort=probability"),
    ("RiskAssessment", "_sort=-probability,-date"),
    ("RiskAssessment", "_include=RiskAssessment:patient"),
    ("Provenance", "_sort=-recorded"),
    ("Provenance", "_include=Provenance:target"),
    ("Provenance", "_include=Provenance:target:Patient"),
    ("ValueSet", "_sort=url"),
    ("ValueSet", "_sort=-title,url"),
    ("CarePlan", "_sort=-date"),
    ("CarePlan", "_include=CarePlan:subject"),
    ("", "_revinclude=Observation:subject"),
    ("", "_include=Patient:organization"),
    ("*", "_summary=count"),
    ("*", "_total=none"),
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
    /// The compartment of Patient/a, and every Organization and ValueSet.
    Patient,
    /// Observations alone.
    Observations,
    /// Observations that are final, Patients that are male, RiskAssessments of a Patient that the asker may not see: a
    /// scope's constraints.
    Constrained,
    Nothing,
}

/// What stands in a search once.
const ONCE: [&str; 4] = ["_sort", "_summary", "_total", "_type"];

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
    let picks = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let controls = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    (type_, picks, controls, 0_usize..6, asker).prop_map(|(type_, picks, controls, count, asker)| {
        let of = |pool: &'static [(&'static str, &'static str)]| -> Vec<&'static str> {
            pool.iter().filter(|(of, _)| *of == type_ || *of == "*").map(|(_, text)| *text).collect()
        };
        let mut parts: Vec<&str> = picks.iter().map(|pick| *pick.get(&of(FRAGMENTS))).collect();
        parts.extend(controls.iter().map(|pick| *pick.get(&of(CONTROLS))));
        parts.push("_total=accurate");
        let mut kept: Vec<&str> = Vec::new();
        for part in parts.iter().flat_map(|part| part.split('&')) {
            let once = ONCE.iter().find(|name| part.starts_with(**name));
            if once.is_none_or(|name| !kept.iter().any(|earlier| earlier.starts_with(name))) {
                kept.push(part);
            }
        }
        Question { type_, url: format!("{}&_count={count}", kept.join("&")), asker }
    })
}

impl Question {
    /// A search of everything on one large page.
    pub(super) fn plain(type_: &str, url: &str) -> Question {
        let type_ = Definitions::r4().type_id(type_).map_or("", |type_| Definitions::r4().type_name(type_));
        Question { type_, url: format!("{url}&_count=100&_total=accurate"), asker: Asker::Everything }
    }

    /// The same search on one page.
    pub(super) fn on_one_page(&self) -> Question {
        let parts = self.url.split('&').filter(|part| !part.starts_with("_count="));
        let url = parts.chain(["_count=100"]).collect::<Vec<_>>().join("&");
        Question { url, ..self.clone() }
    }

    /// The parsed query of the first page.
    pub(super) fn query(&self) -> Query {
        let pairs = self.url.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let seal = Seal { key: &[0; 32], caller: "" };
        let context = Context { base: BASE, now: Instant(0), lenient: false, seal };
        parse(&context, Definitions::r4().type_id(self.type_), &pairs).unwrap().query
    }

    /// A position as it comes back out of a cursor.
    pub(super) fn sealed(&self, position: Position) -> Position {
        let seal = Seal { key: &[0; 32], caller: "" };
        let cursor = seal.search(&position, &self.url, Instant(0));
        seal.open_search(&cursor, &self.url, position.values.len(), Instant(0)).unwrap()
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
                    (type_id("RiskAssessment"), own()),
                    (type_id("Provenance"), own()),
                    (type_id("CarePlan"), own()),
                    (type_id("Organization"), Reach::All),
                    (type_id("ValueSet"), Reach::All),
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
