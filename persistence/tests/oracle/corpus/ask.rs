//! One search: where it looks, its parameters, and who asks.

use super::super::world::BASE;
use super::pick::Pick;
use super::value;
use super::ward::{Resource, Ward};
use domain::Error;
use domain::access::Access;
use domain::access::actor::Actor;
use domain::access::decision;
use domain::access::scope::Letter;
use domain::clock::Instant;
use domain::conformance::definitions::SearchParameter;
use domain::conformance::{Definitions, SearchKind, SearchParameters};
use domain::id::Id;
use domain::resource::json::Json;
use domain::search::page::Seal;
use domain::search::query::Query;
use domain::search::{Compartment, Context, Limits, SearchScope, parse};

/// A search and its asker.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    scope: SearchScope,
    pairs: Vec<(String, String)>,
    asker: Option<Actor>,
}

/// Modifiers that are tried; those that a parameter does not take are refused and left out.
const MODIFIERS: [&str; 14] = [
    "",
    "",
    "",
    "",
    ":missing",
    ":not",
    ":exact",
    ":contains",
    ":text",
    ":of-type",
    ":identifier",
    ":above",
    ":below",
    ":Patient",
];

impl Ask {
    /// Any search of what is in the ward.
    pub(super) fn any(ward: &Ward, pick: &mut Pick) -> Ask {
        let resource = ward.any(pick, None).unwrap();
        let scope = scope(ward, resource, pick);
        let mut ask = Ask { scope, pairs: Vec::new(), asker: asker(ward, pick) };
        ask.add("_count", ["3", "7", "20", "20", "50", "100", "0"].get(pick.below(7)).unwrap());
        ask.add("_total", pick.text(&["accurate", "accurate", "none"]));
        if ask.scope.type_().is_none() && !pick.one_in(3) {
            let others = (0..pick.below(3)).filter_map(|_| ward.any(pick, None)).map(|other| other.type_);
            let others: Vec<&str> = std::iter::once(resource.type_).chain(others).collect();
            ask.add("_type", &others.join(","));
        }
        for _ in 0..pick.of(&[0, 1, 1, 1, 1, 2, 2, 3]).copied().unwrap_or(1) {
            // Of the resource itself, so that several parameters find it together; sometimes of another.
            let of = ward.any(pick, Some(resource.type_)).filter(|_| pick.one_in(4)).unwrap_or(resource);
            if let Some((name, value)) = criterion(ward, of, pick, 3) {
                ask.add(&name, &value);
            }
        }
        for _ in 0..pick.below(3) {
            ask.control(ward, resource, pick);
        }
        ask
    }

    /// Adds a pair if the search is one with it.
    fn add(&mut self, name: &str, value: &str) {
        self.pairs.push((name.to_owned(), value.to_owned()));
        if self.parse().is_err() {
            self.pairs.pop();
        }
    }

    fn control(&mut self, ward: &Ward, resource: &Resource, pick: &mut Pick) {
        let type_ = resource.type_;
        match pick.below(3) {
            0 => {
                let keys = (0..=pick.below(3)).filter_map(|_| {
                    let code = match pick.below(6) {
                        0 => "_lastUpdated",
                        1 => "_id",
                        _ => &pick.of(Definitions::r4().parameters_of(type_))?.code,
                    };
                    Some(format!("{}{code}", pick.text(&["", "-"])))
                });
                let keys: Vec<String> = keys.collect();
                self.add("_sort", &keys.join(","));
            }
            way => {
                let name = if way == 1 { "_include" } else { "_revinclude" };
                let name = format!("{name}{}", pick.text(&["", "", ":iterate"]));
                let source = if way == 1 { Some(resource) } else { ward.any(pick, None) };
                let Some(source) = source else { return };
                let code = reference_of(source, pick).map_or("*", |parameter| &parameter.code);
                let value = match pick.below(5) {
                    0 => "*".to_owned(),
                    1 => format!("{}:*", source.type_),
                    2 => format!("{}:{code}:{type_}", source.type_),
                    _ => format!("{}:{code}", source.type_),
                };
                self.add(&name, &value);
            }
        }
    }

    fn parse(&self) -> Result<Query, Error> {
        let context = Context {
            parameters: SearchParameters::r4(),
            limits: &Limits::DEFAULT,
            base: BASE,
            now: Instant(1_700_000_000_000_000),
            lenient: false,
            seal: Seal { key: &[0; 32], caller: "" },
        };
        parse(&context, self.scope.clone(), &self.pairs).map(|parsed| parsed.query)
    }

    /// The query of the first page.
    pub(super) fn query(&self) -> Query {
        self.parse().unwrap()
    }

    /// What the asker may see.
    pub(super) fn access(&self) -> Access {
        self.asker
            .as_ref()
            .map_or_else(Access::everything, |actor| decision::access(actor, Letter::Search, &[]))
    }

    /// What the search is made of, to be counted.
    pub(super) fn forms(&self) -> Vec<String> {
        let scope = match &self.scope {
            SearchScope::System => "system",
            SearchScope::Type(_) => "type",
            SearchScope::Compartment(_, None) => "compartment *",
            SearchScope::Compartment(_, Some(_)) => "compartment",
        };
        let asker = match &self.asker {
            None => "anybody".to_owned(),
            Some(actor) => actor.scope.split(['/', '?']).next().unwrap_or_default().to_owned(),
        };
        let mut forms = vec![format!("in {scope}"), format!("by {asker}")];
        for (name, value) in &self.pairs {
            forms.push(match name.split_once(':').map_or((name.as_str(), ""), |(code, rest)| (code, rest)) {
                ("_has", rest) if rest.contains("_has") => "_has in _has".to_owned(),
                ("_has", rest) if rest.contains('.') => "_has and a chain".to_owned(),
                ("_has", _) => "_has".to_owned(),
                _ if name.contains('.') => format!("chain of {}", name.matches('.').count()),
                (code @ ("_include" | "_revinclude"), rest) => {
                    format!(
                        "{code}{} {}",
                        if rest.is_empty() { "" } else { ":iterate" },
                        if value.contains('*') { "*" } else { "" }
                    )
                }
                (code, "") if code.starts_with('_') => code.to_owned(),
                (code, "") => self.kind(code),
                (code, rest) => format!("{} :{rest}", self.kind(code)),
            });
        }
        forms
    }

    fn kind(&self, code: &str) -> String {
        let parameter = self.scope.type_().and_then(|type_| Definitions::r4().parameter(type_, code));
        parameter.map_or_else(|| "of several types".to_owned(), |parameter| format!("{:?}", parameter.kind))
    }
}

/// Where a search for what is like `resource` looks.
fn scope(ward: &Ward, resource: &Resource, pick: &mut Pick) -> SearchScope {
    let definitions = Definitions::r4();
    let type_ = definitions.type_id(resource.type_).unwrap();
    match pick.below(10) {
        0 | 1 => SearchScope::System,
        2 | 3 => {
            let owner =
                pick.text(&["Patient", "Patient", "Encounter", "Practitioner", "RelatedPerson", "Device"]);
            let owner = ward.any(pick, Some(owner)).map(|owner| (owner.type_, owner.id.clone()));
            let (owner, id) = owner.unwrap_or(("Patient", "nobody".to_owned()));
            let compartment =
                Compartment::of(definitions.type_id(owner).unwrap(), Id::parse(&id).unwrap()).unwrap();
            if pick.one_in(3) {
                return SearchScope::Compartment(compartment, None);
            }
            SearchScope::of_compartment(compartment, type_).unwrap_or(SearchScope::Type(type_))
        }
        _ => SearchScope::Type(type_),
    }
}

/// Anybody, the app of a patient of the ward, or a token with few or constrained scopes.
fn asker(ward: &Ward, pick: &mut Pick) -> Option<Actor> {
    let type_ = |pick: &mut Pick| ward.any(pick, None).map_or("Patient", |one| one.type_);
    let scope = match pick.below(8) {
        0..=3 => return None,
        4 | 5 => "patient/*.rs".to_owned(),
        6 => (0..4).map(|_| format!("system/{}.rs", type_(pick))).collect::<Vec<_>>().join(" "),
        _ => "user/Observation.rs?status=final user/Patient.rs?gender=female user/Condition.rs user/Organization.rs \
              user/Encounter.rs?status:not=planned user/Practitioner.rs user/MedicationRequest.rs"
            .to_owned(),
    };
    let patient = ward.any(pick, Some("Patient")).map_or("nobody", |patient| &patient.id);
    let patient = Id::parse(patient).ok().filter(|_| scope.starts_with("patient/"));
    let fhir_user = scope.starts_with("user/").then(|| "Practitioner/x".to_owned());
    Some(Actor { client: Some("app".to_owned()), fhir_user, patient, scope, open: false })
}

/// A reference parameter by which the resource refers to something.
fn reference_of(resource: &Resource, pick: &mut Pick) -> Option<&'static SearchParameter> {
    let refers = |parameter: &&SearchParameter| {
        parameter.kind == SearchKind::Reference
            && !value::elements(&parameter.expression, resource.type_, &resource.tree).is_empty()
    };
    let all: Vec<_> = Definitions::r4().parameters_of(resource.type_).iter().filter(refers).collect();
    pick.of(&all).copied()
}

/// A parameter that may find `resource`, with its value; chains take up to `links` more.
fn criterion(ward: &Ward, resource: &Resource, pick: &mut Pick, links: usize) -> Option<(String, String)> {
    let linked = match pick.below(8) {
        0..=2 if links > 0 => chain(ward, resource, pick, links - 1),
        3 | 4 if links > 0 => has(ward, resource, pick, links - 1),
        _ => None,
    };
    linked.or_else(|| (0..20).find_map(|_| own(ward, resource, pick)))
}

fn chain(ward: &Ward, resource: &Resource, pick: &mut Pick, links: usize) -> Option<(String, String)> {
    let parameter = reference_of(resource, pick)?;
    let elements = value::elements(&parameter.expression, resource.type_, &resource.tree);
    let literal = pick.of(&elements)?.get("reference").and_then(Json::as_str)?;
    let target = ward.target(literal)?;
    let (rest, value) = criterion(ward, target, pick, links)?;
    let typed = if pick.one_in(3) { String::new() } else { format!(":{}", target.type_) };
    Some((format!("{}{typed}.{rest}", parameter.code), value))
}

fn has(ward: &Ward, resource: &Resource, pick: &mut Pick, links: usize) -> Option<(String, String)> {
    let name = format!("{}/{}", resource.type_, resource.id);
    for _ in 0..30 {
        let source = ward.any(pick, None)?;
        let Some(parameter) = reference_of(source, pick) else { continue };
        let elements = value::elements(&parameter.expression, source.type_, &source.tree);
        let to_this = |element: &&Json<'_>| element.get("reference").and_then(Json::as_str) == Some(&name);
        if elements.iter().any(to_this) || pick.one_in(60) {
            let (rest, value) = criterion(ward, source, pick, links)?;
            return Some((format!("_has:{}:{}:{rest}", source.type_, parameter.code), value));
        }
    }
    None
}

/// A parameter of the resource itself.
fn own(ward: &Ward, resource: &Resource, pick: &mut Pick) -> Option<(String, String)> {
    let definitions = Definitions::r4();
    if pick.one_in(12) {
        return Some(match pick.below(3) {
            0 => ("_id".to_owned(), resource.id.clone()),
            1 => (
                "_lastUpdated".to_owned(),
                format!("{}2023-11-14T22:13:2", pick.text(&["ge", "lt", "sa", "ne"])) + "0Z",
            ),
            _ => {
                let word = value::of(SearchKind::String, &resource.tree, pick)?;
                (pick.text(&["_text", "_content"]).to_owned(), word)
            }
        });
    }
    let base = if pick.one_in(10) { "Resource" } else { resource.type_ };
    let parameter = pick.of(definitions.parameters_of(base))?;
    let modifier = pick.text(&MODIFIERS);
    if modifier == ":missing" {
        return Some((format!("{}:missing", parameter.code), pick.text(&["true", "false"]).to_owned()));
    }
    let mut found = vec![one(resource, parameter, modifier, pick)?];
    while pick.one_in(4) {
        // Of others too: any of the values may be met.
        let other = ward.any(pick, Some(resource.type_))?;
        found.extend(one(other, parameter, modifier, pick));
    }
    Some((format!("{}{modifier}", parameter.code), found.join(",")))
}

fn one(resource: &Resource, parameter: &SearchParameter, modifier: &str, pick: &mut Pick) -> Option<String> {
    let elements = value::elements(&parameter.expression, resource.type_, &resource.tree);
    let element = *pick.of(&elements)?;
    match modifier {
        ":text" => return value::of(SearchKind::String, element, pick),
        ":identifier" => return value::of(SearchKind::Token, element.get("identifier")?, pick),
        ":of-type" => {
            let coding = element.get("type")?.get("coding")?.each().first()?;
            let part = |node: &Json<'_>, name| node.get(name).and_then(Json::as_str).map(value::escape);
            return Some(format!(
                "{}|{}|{}",
                part(coding, "system")?,
                part(coding, "code")?,
                part(element, "value")?
            ));
        }
        _ => {}
    }
    if parameter.kind != SearchKind::Composite {
        return value::of(parameter.kind, element, pick);
    }
    let parts = parameter.components.iter().map(|component| {
        let inner = value::elements(&component.expression, "", element);
        let kind = Definitions::r4().parameter_of(component.parameter).kind;
        value::of(kind, pick.of(&inner)?, pick)
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("$"))
}
