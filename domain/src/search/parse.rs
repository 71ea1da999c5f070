//! From the pairs of a search URL to a [`Query`], with a record of what was understood.

use super::chain::resource_type;
use super::control::{self, View};
use super::filter;
use super::include;
use super::limits::Limits;
use super::page::Seal;
use super::parameter::{criterion_of_types, invalid, unsupported};
use super::query::{Criterion, Query, Total};
use super::scope::SearchScope;
use super::size::check_values;
use crate::clock::Instant;
use crate::conformance::{SearchParameters, TypeId};
use crate::error::{Error, ErrorCode, Issue, Severity};
use crate::interaction::Parameters;
use crate::resource::subset::Subset;

/// What parsing needs to know besides the parameters.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What can be searched by.
    pub parameters: &'a SearchParameters,
    /// The server's FHIR base, without a slash at the end.
    pub base: &'a str,
    /// The time of the request.
    pub now: Instant,
    /// `Prefer: handling=lenient`: unknown parameters are ignored and reported.
    pub lenient: bool,
    /// What seals cursors.
    pub seal: Seal<'a>,
    /// How much the search may ask for.
    pub limits: &'a Limits,
}

/// A search that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What to run.
    pub query: Query,
    /// Whether `_type` named the types searched.
    pub named: bool,
    /// The parameters that were processed, for the `self` link and cursors; without `_cursor`.
    pub processed: Parameters,
    /// What was ignored, for an `outcome` entry.
    pub warnings: Vec<Issue>,
    /// Which part of each resource to answer with.
    pub subset: Subset,
}

/// Reads a search of a scope: a type, a compartment, or (`None`) every type.
///
/// Errors: [`ErrorCode::UnknownParameter`], [`ErrorCode::NotSupported`] and [`ErrorCode::InvalidParameter`], each naming
/// the parameter. With `lenient`, unknown and unsupported parameters become warnings; unsupported modifiers never.
pub fn parse(
    context: &Context<'_>,
    scope: impl Into<SearchScope>,
    parameters: &Parameters,
) -> Result<Parsed, Error> {
    let scope = scope.into();
    context.limits.check_parameters(parameters.len())?;
    // What the parameters mean depends on the types, wherever `_type` stands.
    let (types, named) = types(&scope, parameters)?;
    let query = empty(&scope, types, context.limits);
    let view = View::default();
    let mut run = Run { context, named, query, view, cursor: None, seen: Vec::new() };
    let mut parsed = Vec::with_capacity(parameters.len());
    let mut warnings = Vec::new();
    let mut values = 0;
    for (name, value) in parameters {
        let before = run.query.criteria.len();
        let outcome = run.pair(name, value);
        values = check_values(name, run.query.criteria.get(before..).unwrap_or_default(), values)?;
        match outcome {
            Ok(true) if name == "_count" => parsed.push((name.clone(), run.query.count.to_string())),
            Ok(true) => parsed.push((name.clone(), value.clone())),
            Ok(false) => {}
            Err(error) if context.lenient && is_ignorable(&error, name) => {
                warnings.extend(
                    error
                        .issues()
                        .iter()
                        .cloned()
                        .map(|issue| Issue { severity: Severity::Warning, ..issue }),
                );
            }
            Err(error) => return Err(error),
        }
    }
    let Run { mut query, named, view, cursor, .. } = run;
    if view.is_count() {
        query.count = 0;
    }
    if query.count == 0 {
        query.total = Total::Accurate;
    }
    let subset = view.subset(&query.types)?;
    if subset == Subset::Text && !query.includes.is_empty() {
        let message = "The parameter '_include': R4 has no '_summary=text' with '_include' or '_revinclude'; leave one out.";
        if !context.lenient {
            return Err(Error::new(ErrorCode::InvalidParameter, message));
        }
        query.includes.clear();
        parsed.retain(|(name, _)| !is_include(name));
        warnings.push(Issue::warning(ErrorCode::InvalidParameter, message));
    }
    if let Some(cursor) = cursor {
        let subject = super::page::search_subject(&scope, &parsed);
        let (at, backward) = context.seal.open_search(&cursor, &subject, query.sort.len(), context.now)?;
        (query.after, query.backward) = (Some(at), backward);
    }
    Ok(Parsed { query, named, processed: parsed, warnings, subset })
}

/// What `handling=lenient` may ignore: a parameter, but not a modifier or a value (`FHIR R4 search.html#errors`).
fn is_ignorable(error: &Error, name: &str) -> bool {
    match error.code() {
        // Without its filter a search would find what it was to leave out.
        _ if name == "_filter" => false,
        ErrorCode::UnknownParameter => true,
        ErrorCode::NotSupported => !name.contains(':'),
        _ => false,
    }
}

/// The types searched, empty for every type, and whether `_type` names them.
fn types(scope: &SearchScope, parameters: &Parameters) -> Result<(Vec<TypeId>, bool), Error> {
    let name = "_type";
    let Some((_, value)) = parameters.iter().find(|(given, _)| given == name && scope.type_().is_none())
    else {
        return Ok((scope.types(), false));
    };
    let mut types = Vec::new();
    for text in value.split(',') {
        let type_ = resource_type(name, text)?;
        if let Some(compartment) = scope.compartment()
            && !compartment.can_hold(type_)
        {
            return Err(invalid(name, compartment.never_holds(type_)));
        }
        if !types.contains(&type_) {
            types.push(type_);
        }
    }
    Ok((types, true))
}

fn empty(scope: &SearchScope, types: Vec<TypeId>, limits: &Limits) -> Query {
    Query {
        criteria: scope.compartment().map(|compartment| compartment.criterion(&types)).into_iter().collect(),
        types,
        sort: Vec::new(),
        count: limits.page,
        total: Total::Known,
        includes: Vec::new(),
        included: limits.included,
        after: None,
        backward: false,
    }
}

struct Run<'a> {
    context: &'a Context<'a>,
    /// Whether `_type` names the types searched.
    named: bool,
    query: Query,
    view: View,
    cursor: Option<String>,
    /// Control parameters met so far: each may stand once.
    seen: Vec<&'static str>,
}

impl Run<'_> {
    /// Reads one pair; `false` if it does not belong into links.
    fn pair(&mut self, name: &str, value: &str) -> Result<bool, Error> {
        match name {
            // HTTP's business.
            "_format" | "_pretty" => return Ok(true),
            "_cursor" => {
                self.once("_cursor")?;
                self.cursor = Some(value.to_owned());
                return Ok(false);
            }
            "_count" => {
                self.once("_count")?;
                self.query.count = self.context.limits.count(name, value)?;
            }
            "_total" => {
                self.once("_total")?;
                self.query.total = control::total(name, value)?;
            }
            "_summary" | "_elements" => {
                self.view.take(name, value)?;
            }
            "_sort" => {
                self.once("_sort")?;
                self.query.sort = control::sort(self.context, name, value, &self.query.types)?;
            }
            // Read before all others.
            "_type" if self.named => self.once("_type")?,
            _ if is_include(name) => {
                let found = include::parse(self.context, name, &self.query.types, value)?;
                self.query.includes.push(found);
                self.context.limits.check_includes(name, self.query.includes.len())?;
            }
            "_filter" => {
                let found = filter::parse(self.context, &self.query.types, value)?;
                self.query.criteria.extend(found);
            }
            "_contained" | "_containedType" | "_query" | "_score" => {
                return Err(unsupported(name, "it is not supported"));
            }
            _ => match criterion_of_types(self.context, &self.query.types, name, value)? {
                Criterion::All(criteria) => self.query.criteria.extend(criteria),
                criterion => self.query.criteria.push(criterion),
            },
        }
        Ok(true)
    }

    fn once(&mut self, name: &'static str) -> Result<(), Error> {
        if self.seen.contains(&name) {
            return Err(invalid(name, "it may be given once"));
        }
        self.seen.push(name);
        Ok(())
    }
}

fn is_include(name: &str) -> bool {
    matches!(name.split(':').next(), Some("_include" | "_revinclude"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Definitions;
    use crate::search::query::{SortBy, Test};

    fn run(type_: &str, query: &str, lenient: bool) -> Result<Parsed, Error> {
        let pairs: Parameters = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let seal = Seal { key: &[1; 32], caller: "" };
        let parameters = SearchParameters::r4();
        let context = Context {
            parameters,
            base: "https://x.example/FHIR/R4",
            now: Instant(0),
            lenient,
            seal,
            limits: &Limits::DEFAULT,
        };
        parse(&context, Definitions::r4().type_id(type_), &pairs)
    }

    #[test]
    fn good_searches_are_understood() {
        for (type_, query) in [
            ("Patient", "name=a,b&name=c&birthdate=ge1970&_sort=-birthdate,_id&_count=5"),
            ("Patient", "identifier=http://x|1,|2,3&gender:not=male&name:exact=A&name:contains=b"),
            (
                "Patient",
                "_id=a,b&_lastUpdated=gt2020-01-01T00:00:00Z&_tag=x|y&_profile=http://p&_security=s|&_source=u",
            ),
            ("Patient", "_has:Observation:patient:code=x&general-practitioner.name=x"),
            (
                "Patient",
                "birthdate:missing=true&identifier:of-type=s|c|v&_format=json&_pretty=true&_total=estimate",
            ),
            (
                "Observation",
                "subject=Patient/a&patient=a&subject:Patient=b&subject:Patient.name=x&code-value-quantity=x|y$gt5|s|c",
            ),
            (
                "Observation",
                "value-quantity=5.4||mg&patient.identifier=a|b&code:text=blood&_include=Observation:patient&_revinclude=Provenance:target",
            ),
            (
                "Observation",
                "subject=https://x.example/FHIR/R4/Patient/a&_include=Observation:subject:Patient&_include=*",
            ),
            ("Observation", r"value-string=a\,b,c\\d&subject:identifier=a|b&date=ap2020"),
            ("CarePlan", "instantiates-canonical=http://x|1&_summary=count"),
            (
                "MedicationRequest",
                "_include=MedicationRequest:subject&_include:iterate=Patient:link&_revinclude:iterate=Provenance:target",
            ),
            ("ValueSet", "url:below=http://x&version=1"),
            ("Patient", "gender:in=http://x|1,ValueSet/a&gender:not-in=https://x.example/FHIR/R4/ValueSet/a"),
            ("Patient", "_text=(bone OR liver) and metastases&_content=a,b&_list=1,List/2&_in=Group/1,2"),
            ("Patient", "_id:not=a&_id:missing=false&_lastUpdated:missing=true&_sort=gender,-link"),
            ("CarePlan", "instantiates-canonical:below=http://x|1&instantiates-canonical:above=http://x"),
            ("DocumentReference", "contenttype:below=text/xml"),
            ("", "_id=a&_type=Patient,Observation&_lastUpdated=2020"),
        ] {
            run(type_, query, false).unwrap_or_else(|error| panic!("{type_}?{query}: {error}"));
        }
    }

    #[test]
    fn bad_searches_are_refused_with_the_parameters_name() {
        use ErrorCode::{InvalidParameter, NotSupported, UnknownParameter};
        for (type_, query, code) in [
            ("Patient", "nmae=a", UnknownParameter),
            ("Patient", "subject=a", UnknownParameter),
            ("", "name=a", UnknownParameter),
            ("Patient", "name:fuzzy=a", NotSupported),
            ("Patient", "name:not=a", NotSupported),
            ("Patient", "_id:exact=a", NotSupported),
            ("Patient", "gender:above=male", NotSupported),
            ("Condition", "code:below=http://snomed.info/sct|1", NotSupported),
            ("Patient", "link:below=a", NotSupported),
            ("Patient", "_text:missing=true", NotSupported),
            ("Observation", "_sort=code-value-quantity", NotSupported),
            ("Patient", "_elements=potato", InvalidParameter),
            ("Patient", "_summary=some", InvalidParameter),
            ("Patient", "_summary=true&_elements=id", InvalidParameter),
            ("Patient", "_summary=text&_include=Patient:link", InvalidParameter),
            ("Patient", "_contained=true", NotSupported),
            ("Patient", "_include:recurse=Patient:link", NotSupported),
            ("Patient", "birthdate=yesterday", InvalidParameter),
            ("Patient", "birthdate=2020-02-30", InvalidParameter),
            ("Patient", "birthdate=xx2020", InvalidParameter),
            ("Patient", "name=", InvalidParameter),
            ("Patient", "name=a,,b", InvalidParameter),
            ("Patient", "name=a\0b", InvalidParameter),
            ("Patient", "_profile:below=\u{1}", InvalidParameter),
            ("Patient", "identifier=a|b|c", InvalidParameter),
            ("Patient", "identifier=|", InvalidParameter),
            ("Patient", "telecom=phone|1", InvalidParameter),
            ("Patient", "active=|true", InvalidParameter),
            ("Patient", r"name=a\b", InvalidParameter),
            ("Patient", "identifier:of-type=|c|v", InvalidParameter),
            ("Patient", "identifier:of-type=s|c", InvalidParameter),
            ("Patient", "gender:in=male", InvalidParameter),
            ("Patient", "_text=(a", InvalidParameter),
            ("Patient", "_content=\"a b\"", InvalidParameter),
            ("Patient", "_list=$current-problems", InvalidParameter),
            ("Patient", "_in=Patient/a", InvalidParameter),
            ("Observation", "subject:Medication=a", InvalidParameter),
            ("CarePlan", "instantiates-canonical:identifier=a", InvalidParameter),
            ("CarePlan", "instantiates-canonical:below=a", InvalidParameter),
            ("Patient", "birthdate:missing=maybe", InvalidParameter),
            ("Patient", "_count=-1", InvalidParameter),
            ("Patient", "_count=a", InvalidParameter),
            ("Patient", "_count=1&_count=2", InvalidParameter),
            ("Patient", "_total=all", InvalidParameter),
            ("Patient", "_cursor=AAAA", InvalidParameter),
            ("Patient", "_include=Patient", InvalidParameter),
            ("Patient", "_include=Observation:subject", InvalidParameter),
            ("Patient", "_include=Patient:name", InvalidParameter),
            ("Patient", "_include=Patient:link:Device", InvalidParameter),
            ("Patient", "_has:Observation:patient=x", InvalidParameter),
            ("Patient", "_has:Observation:code:code=x", InvalidParameter),
            ("Patient", "name.family=x", InvalidParameter),
            ("Observation", "patient=Group/a", InvalidParameter),
            ("Observation", "subject=Foo/a", InvalidParameter),
            ("Observation", "subject:Practitioner.name=x", InvalidParameter),
            ("Observation", "code-value-quantity=x", InvalidParameter),
            ("Observation", "value-quantity=5|mg", InvalidParameter),
            ("Observation", "value-quantity=many", InvalidParameter),
            (
                "Patient",
                "link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.name=x",
                InvalidParameter,
            ),
        ] {
            let error = run(type_, query, false).expect_err(query);
            assert_eq!(error.code(), code, "{query}: {error}");
            let name = query.rsplit('&').next().unwrap().split(['=', '.']).next().unwrap();
            assert!(error.to_string().contains(name), "{query}: {error}");
        }
        let many = vec!["a"; 501].join(",");
        assert_eq!(run("Patient", &format!("name={many}"), false).unwrap_err().code(), InvalidParameter);
    }

    #[test]
    fn lenient_ignores_parameters_but_never_modifiers_or_values() {
        let parsed = run("Patient", "nmae=a&name=b&_contained=true", true).unwrap();
        assert_eq!(parsed.processed, [("name".to_owned(), "b".to_owned())]);
        assert_eq!(parsed.warnings.len(), 2);
        assert!(parsed.warnings.iter().all(|issue| issue.severity == Severity::Warning));
        assert!(run("Patient", "name:fuzzy=a", true).is_err());
        assert!(run("Patient", "birthdate=x", true).is_err());
    }

    #[test]
    fn repeats_are_and_and_commas_are_or() {
        let parsed = run("Patient", r"name=a,b\,c&name=d&_count=5000&_sort=-_lastUpdated", false).unwrap();
        let tests = |at: usize| match &parsed.query.criteria[at] {
            Criterion::Matches { tests, .. } => tests.len(),
            _ => 0,
        };
        assert_eq!((parsed.query.criteria.len(), tests(0), tests(1)), (2, 2, 1));
        assert_eq!(parsed.query.count, 1000);
        assert!(
            matches!(parsed.query.sort.as_slice(), [key] if key.descending && key.by == SortBy::LastUpdated)
        );
    }

    #[test]
    fn a_local_reference_is_one_key_in_every_spelling() {
        let key = |query: &str| match run("Observation", query, false).unwrap().query.criteria.pop() {
            Some(Criterion::Matches { mut tests, .. }) => match tests.pop() {
                Some(Test::Reference { targets, .. }) => targets,
                _ => vec![],
            },
            _ => vec![],
        };
        let one = key("patient=a");
        assert_eq!(one.len(), 1);
        for query in ["patient=Patient/a", "subject:Patient=a", "subject=https://x.example/FHIR/R4/Patient/a"]
        {
            assert_eq!(key(query), one, "{query}");
        }
        assert!(key("subject=a").len() > 1 && key("subject=a").contains(&one[0]));
    }
}
