//! One search: where it looks, its parameters, and who asks.

use super::super::world::BASE;
use super::criterion::criterion;
use super::pick::Pick;
use super::ward::{Resource, Ward};
use domain::Error;
use domain::access::Access;
use domain::access::actor::Actor;
use domain::access::decision;
use domain::access::scope::Letter;
use domain::clock::Instant;
use domain::conformance::{Definitions, SearchParameters};
use domain::id::Id;
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

/// How many references a criterion goes over, as often as it stands here.
const LINKS: [usize; 14] = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 5];

/// How often a criterion is made anew when the search is none with it.
const TRIES: usize = 8;

impl Ask {
    /// Any search of what is in the ward.
    pub(super) fn any(ward: &Ward, pick: &mut Pick) -> Ask {
        let wanted = pick.one_in(25).then_some("Location");
        let place = ward.any(pick, wanted).or_else(|| ward.any(pick, None)).unwrap();
        let scope = scope(ward, place, pick);
        let mut ask = Ask { scope, pairs: Vec::new(), asker: asker(ward, place, pick) };
        ask.add(
            "_count",
            if pick.one_in(30) { "0" } else { pick.text(&["3", "7", "20", "20", "50", "100"]) },
        );
        ask.add("_total", pick.text(&["accurate", "accurate", "none"]));
        let type_ = ward.at(place).type_;
        if ask.scope.type_().is_none() && !pick.one_in(3) {
            let others =
                (0..pick.below(3)).filter_map(|_| ward.any(pick, None)).map(|other| ward.at(other).type_);
            let others: Vec<&str> = std::iter::once(type_).chain(others).collect();
            ask.add("_type", &others.join(","));
        }
        for _ in 0..pick.of(&[0, 1, 1, 1, 1, 1, 1, 2, 2, 3]).copied().unwrap_or(1) {
            // Of the resource itself, so that several parameters find it together; sometimes of another.
            let of = ward.any(pick, Some(type_)).filter(|_| pick.one_in(6)).unwrap_or(place);
            let links = pick.of(&LINKS).copied().unwrap_or_default();
            let mut tries = (0..TRIES).filter_map(|_| criterion(ward, of, pick, links));
            let _ = tries.find(|(name, value)| ask.add(name, value));
        }
        for _ in 0..pick.below(3) {
            ask.control(ward, place, pick);
        }
        ask
    }

    /// Adds a pair if the search is one with it, and says whether it is.
    fn add(&mut self, name: &str, value: &str) -> bool {
        self.pairs.push((name.to_owned(), value.to_owned()));
        let fits = self.parse().is_ok();
        if !fits {
            self.pairs.pop();
        }
        fits
    }

    fn control(&mut self, ward: &Ward, place: usize, pick: &mut Pick) {
        let Resource { type_, .. } = ward.at(place);
        if pick.one_in(3) {
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
            return;
        }
        let forward = pick.one_in(2);
        let links = if forward { ward.links.to(place) } else { ward.links.from(place) };
        let link = pick.of(links);
        let source = match (forward, link) {
            (false, Some(link)) => ward.at(link.place).type_,
            (true, _) => type_,
            _ => return,
        };
        let code = link.map_or("*", |link| &link.parameter.code);
        let value = match pick.below(5) {
            0 => "*".to_owned(),
            1 => format!("{source}:*"),
            2 if !forward => format!("{source}:{code}:{type_}"),
            _ => format!("{source}:{code}"),
        };
        let name = if forward { "_include" } else { "_revinclude" };
        self.add(&format!("{name}{}", pick.text(&["", "", ":iterate"])), &value);
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
            let (code, rest) = name.split_once(':').unwrap_or((name, ""));
            let (chained, reverse) = (name.matches('.').count(), name.matches("_has:").count());
            if chained + reverse > 0 {
                forms.push(match (chained, reverse) {
                    (links, 0) => format!("chain of {links}"),
                    (0, links) => format!("_has of {links}"),
                    (chained, reverse) => format!("chain and _has, {} links", chained + reverse),
                });
                let last = name.rsplit(['.', ':']).next().unwrap_or_default();
                forms.push(format!(
                    "at the end of links: {}",
                    if last.starts_with('_') { last } else { "its own" }
                ));
                continue;
            }
            forms.push(match (code, rest) {
                ("_include" | "_revinclude", rest) => {
                    let iterates = if rest.is_empty() { "" } else { ":iterate" };
                    let all = if value.contains('*') { " *" } else { "" };
                    format!("{code}{iterates}{all}")
                }
                ("_filter", _) if value.contains('[') => "_filter with a path's own".to_owned(),
                ("_type", _) => format!("_type of {}", value.split(',').count()),
                (code, "") if code.starts_with('_') => code.to_owned(),
                (code, rest) => {
                    let typed = rest.starts_with(char::is_uppercase);
                    let modifier = if typed { "Type" } else { rest };
                    let colon = if rest.is_empty() { "" } else { " :" };
                    format!("{}{colon}{modifier}", self.kind(code))
                }
            });
        }
        forms.sort();
        forms.dedup();
        forms
    }

    fn kind(&self, code: &str) -> String {
        let parameter = self.scope.type_().and_then(|type_| Definitions::r4().parameter(type_, code));
        parameter.map_or_else(|| "of several types".to_owned(), |parameter| format!("{:?}", parameter.kind))
    }
}

/// Where a search for what is like the resource at `place` looks.
fn scope(ward: &Ward, place: usize, pick: &mut Pick) -> SearchScope {
    let definitions = Definitions::r4();
    let type_ = definitions.type_id(ward.at(place).type_).unwrap();
    match pick.below(10) {
        0 | 1 => SearchScope::System,
        2 | 3 => {
            // One whose record it may be in.
            let owners: Vec<&Resource> =
                ward.links.to(place).iter().map(|link| ward.at(link.place)).collect();
            let owns = |one: &&Resource| definitions.compartments().contains(&one.type_);
            let owners: Vec<&Resource> = owners.into_iter().filter(owns).collect();
            let owner = pick.of(&owners).copied();
            let owner = owner.unwrap_or_else(|| ward.at(ward.any(pick, Some("Patient")).unwrap()));
            let owner_type = definitions.type_id(owner.type_).unwrap();
            let compartment = Compartment::of(owner_type, Id::parse(&owner.id).unwrap()).unwrap();
            if pick.one_in(3) {
                return SearchScope::Compartment(compartment, None);
            }
            SearchScope::of_compartment(compartment, type_).unwrap_or(SearchScope::Type(type_))
        }
        _ => SearchScope::Type(type_),
    }
}

/// Anybody, the app of a patient (mostly of that whose resource is looked for), or a token with few or constrained scopes.
fn asker(ward: &Ward, place: usize, pick: &mut Pick) -> Option<Actor> {
    let type_ = |pick: &mut Pick| ward.any(pick, None).map_or("Patient", |one| ward.at(one).type_);
    let scope = match pick.below(10) {
        0..=5 => return None,
        7 | 8 => "patient/*.rs".to_owned(),
        6 => {
            // Mostly of the type that is looked for, and of others around it.
            let links = ward.links.to(place).iter().chain(ward.links.from(place));
            let around = links.filter(|_| !pick.one_in(4)).map(|link| ward.at(link.place).type_);
            let mut types: Vec<&str> = around.chain([ward.at(place).type_]).collect();
            types.extend((0..4).map(|_| type_(pick)));
            types.sort_unstable();
            types.dedup();
            types.iter().map(|type_| format!("system/{type_}.rs")).collect::<Vec<_>>().join(" ")
        }
        _ => "user/Observation.rs?status=final user/Patient.rs?gender=female user/Condition.rs user/Organization.rs \
              user/Encounter.rs?status:not=planned user/Practitioner.rs user/MedicationRequest.rs user/ValueSet.rs"
            .to_owned()
            + &format!(" user/{}.rs", ward.at(place).type_),
    };
    let theirs = ward.links.to(place).iter().map(|link| link.place).chain([place]);
    let theirs = theirs.map(|place| ward.at(place)).find(|one| one.type_ == "Patient");
    let other = ward.any(pick, Some("Patient")).map(|place| ward.at(place)).filter(|_| pick.one_in(5));
    let patient = other.or(theirs).map_or("nobody", |patient| &patient.id);
    let patient = Id::parse(patient).ok().filter(|_| scope.starts_with("patient/"));
    let fhir_user = scope.starts_with("user/").then(|| "Practitioner/x".to_owned());
    Some(Actor { client: Some("app".to_owned()), fhir_user, patient, scope, open: false })
}
