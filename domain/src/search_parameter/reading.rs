//! From a SearchParameter resource to what it defines, or why it defines nothing that can be searched by
//! (`FHIR R4 searchparameter.html`).

use super::definition::Definition;
use crate::conformance::{Definitions, SearchKind, TypeId};
use crate::error::{Error, ErrorCode, Issue};
use crate::index::computed;
use crate::index::path::{Walker, compile};
use crate::resource::json::{Json, Object};

/// Bytes of an expression.
const LONGEST: usize = 4000;

/// Components of a composite: as many as an index row has columns for.
const COMPONENTS: std::ops::RangeInclusive<usize> = 2..=3;

/// What a SearchParameter defines for each of its types: nothing unless it is active, and nothing if it is one of R4's own
/// or restates one.
///
/// Errors: [`ErrorCode::Invariant`] (422) with every reason why it cannot be searched by.
pub(crate) fn read(resource: &Json<'_>) -> Result<Vec<(TypeId, Definition)>, Error> {
    let Some(own) = resource.as_object() else { return Ok(Vec::new()) };
    if own.str("status") != Some("active") || is_r4(own) {
        return Ok(Vec::new());
    }
    let mut reading = Reading { own, faults: Vec::new() };
    let defined = reading.all();
    Error::of(reading.faults).map_or(Ok(defined), Err)
}

/// Whether it is R4's, by its canonical URL, or says that it is derived from one of R4's with the same code.
fn is_r4(own: &Object<'_>) -> bool {
    let urls = [own.str("url"), own.str("derivedFrom")];
    let canonical = |url: &str| url.split('|').next().unwrap_or_default().to_owned();
    let urls: Vec<String> = urls.into_iter().flatten().map(canonical).collect();
    let mut all = Definitions::r4().parameters().iter();
    all.any(|r4| urls.contains(&r4.url.to_string()) && own.str("code") == Some(&*r4.code))
}

struct Reading<'r> {
    own: &'r Object<'r>,
    faults: Vec<Issue>,
}

impl Reading<'_> {
    fn fault(&mut self, member: &str, reason: impl std::fmt::Display) {
        let message = format!("This search parameter cannot be searched by: {reason}.");
        self.faults.push(Issue::error(ErrorCode::Invariant, message).at(format!("SearchParameter.{member}")));
    }

    fn texts(&self, member: &str) -> Vec<String> {
        let all = self.own.get(member).map(Json::each).unwrap_or_default();
        all.iter().filter_map(Json::as_str).map(str::to_owned).collect()
    }

    fn all(&mut self) -> Vec<(TypeId, Definition)> {
        let code = self.own.str("code").unwrap_or_default().to_owned();
        let named = code.starts_with(|first: char| first.is_ascii_alphabetic())
            && code.len() <= 64
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !named {
            self.fault("code", "a code is a letter and then letters, digits and '-', 64 at most");
        }
        let kind = self.own.str("type").and_then(SearchKind::of);
        let Some(kind) = kind.filter(|kind| *kind != SearchKind::Special) else {
            self.fault("type", "its type is not one that expressions can be searched by");
            return Vec::new();
        };
        let expression = self.own.str("expression").unwrap_or_default().trim().to_owned();
        if expression.is_empty() || expression.len() > LONGEST {
            self.fault("expression", format!("it needs an expression, of {LONGEST} bytes at most"));
            return Vec::new();
        }
        let targets = self.targets(kind);
        let bases = self.texts("base");
        let mut defined = Vec::new();
        for (place, base) in bases.iter().enumerate() {
            let Some(type_) = self.base(place, base, &code) else { continue };
            let expression = of_type(&expression, base, &bases);
            let Some(found) = self.found(type_, kind, &expression) else { continue };
            let components = self.components(type_, kind, &found);
            let mut targets = targets.clone();
            if targets.is_empty() && kind == SearchKind::Reference {
                targets = found.targets();
            }
            let (url, description) =
                (self.own.str("url").unwrap_or_default(), self.own.str("description").unwrap_or_default());
            defined.push((
                type_,
                Definition {
                    url: url.to_owned(),
                    code: code.clone(),
                    kind: kind.code().to_owned(),
                    expression,
                    targets,
                    description: description.to_owned(),
                    components,
                },
            ));
        }
        defined
    }

    fn base(&mut self, place: usize, base: &str, code: &str) -> Option<TypeId> {
        let definitions = Definitions::r4();
        let member = format!("base[{place}]");
        let Some(type_) = definitions.endpoint(base) else {
            self.fault(&member, format!("'{base}' is no resource type of FHIR R4; name the types it is for"));
            return None;
        };
        if let Some(r4) = definitions.parameter(type_, code) {
            let reason = format!("{base} has a search parameter '{code}' in FHIR R4 ({})", r4.url);
            self.fault("code", reason);
            return None;
        }
        Some(type_)
    }

    fn targets(&mut self, kind: SearchKind) -> Vec<String> {
        let targets = self.texts("target");
        for (place, target) in targets.iter().enumerate() {
            if Definitions::r4().endpoint(target).is_none() {
                let reason = format!("'{target}' is no resource type of FHIR R4");
                self.fault(&format!("target[{place}]"), reason);
            }
        }
        if kind == SearchKind::Reference { targets } else { Vec::new() }
    }

    /// The one place where an expression is found to be one that resources can be indexed by: a walker's or FHIRPath.
    fn found(&mut self, type_: TypeId, kind: SearchKind, expression: &str) -> Option<Found> {
        let definitions = Definitions::r4();
        let shape = definitions.shape_of(type_);
        let components = self.own.get("component").map(Json::each).unwrap_or_default().iter();
        let components =
            components.filter_map(|component| component.get("expression").and_then(Json::as_str));
        let found = if computed::is_walked(definitions, shape, expression, components) {
            compile(definitions, shape, expression).map(Found::Walked)
        } else {
            let read = computed::read(definitions, shape.name, expression);
            read.map(|(_, finds)| Found::Computed(finds)).map_err(|fault| fault.to_string())
        };
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                let name = shape.name;
                self.fault("expression", format!("the expression is not understood for {name}: {reason}"));
                return None;
            }
        };
        if found.is_indexed(kind) {
            return Some(found);
        }
        let reason =
            format!("the expression finds {}, which no {} is made of", found.types().join(", "), kind.code());
        self.fault("expression", reason);
        None
    }

    fn components(&mut self, type_: TypeId, kind: SearchKind, from: &Found) -> Vec<(String, String)> {
        if kind != SearchKind::Composite {
            return Vec::new();
        }
        let definitions = Definitions::r4();
        let name = definitions.type_name(type_);
        let all = self.own.get("component").map(Json::each).unwrap_or_default();
        if !COMPONENTS.contains(&all.len()) {
            self.fault("component", "a composite has two or three components");
        }
        let mut components = Vec::new();
        for (place, component) in all.iter().enumerate() {
            let text = |member| component.get(member).and_then(Json::as_str).unwrap_or_default();
            let url = text("definition").split('|').next().unwrap_or_default();
            let is_it = |own: &&crate::conformance::definitions::SearchParameter| own.url == url;
            let found = definitions.parameters_of(name).iter().find(is_it);
            let simple = |kind| !matches!(kind, SearchKind::Composite | SearchKind::Special);
            let Some(found) = found.filter(|found| simple(found.kind)) else {
                let reason = format!("'{url}' is no search parameter of {name} in FHIR R4 that it could be");
                self.fault(&format!("component[{place}].definition"), reason);
                continue;
            };
            let expression = text("expression");
            let compiles = from.leads_to(found.kind, expression);
            if !compiles {
                let reason = format!("'{expression}' finds no {} from where it starts", found.kind.code());
                self.fault(&format!("component[{place}].expression"), reason);
            }
            components.push((found.code.to_string(), expression.to_owned()));
        }
        components
    }
}

/// What an expression finds.
enum Found {
    /// By walkers.
    Walked(Vec<Walker>),
    /// By evaluation.
    Computed(computed::Finds),
}

impl Found {
    /// Whether a search of a kind finds what it finds.
    fn is_indexed(&self, kind: SearchKind) -> bool {
        match self {
            Found::Walked(walkers) => walkers
                .iter()
                .any(|walker| indexes(kind, walker.type_) || (kind == SearchKind::Token && walker.truth)),
            Found::Computed(finds) => {
                finds.is_empty() || finds.iter().any(|(shape, _)| indexes(kind, shape.name))
            }
        }
    }

    fn types(&self) -> Vec<&'static str> {
        let mut types: Vec<&str> = match self {
            Found::Walked(walkers) => walkers.iter().map(|walker| walker.type_).collect(),
            Found::Computed(finds) => finds.iter().map(|(shape, _)| shape.name).collect(),
        };
        types.dedup();
        types
    }

    /// The types that the references it finds may point to; none for any.
    fn targets(&self) -> Vec<String> {
        match self {
            Found::Walked(walkers) => {
                let all = walkers.iter().flat_map(|walker| walker.targets);
                all.filter(|name| **name != "Resource").map(|name| (*name).to_owned()).collect()
            }
            Found::Computed(_) => Vec::new(),
        }
    }

    /// Whether an expression of a component finds what is of a kind, from what is found here.
    fn leads_to(&self, kind: SearchKind, expression: &str) -> bool {
        let definitions = Definitions::r4();
        match self {
            Found::Walked(walkers) => walkers.iter().filter_map(|walker| walker.shape).any(|shape| {
                compile(definitions, shape, expression)
                    .is_ok_and(|walkers| walkers.iter().any(|walker| indexes(kind, walker.type_)))
            }),
            Found::Computed(finds) => {
                let from = |name: &str| match computed::read(definitions, name, expression) {
                    Ok((_, finds)) => Found::Computed(finds).is_indexed(kind),
                    Err(_) => false,
                };
                if finds.is_empty() {
                    from("Element")
                } else {
                    finds.iter().any(|(shape, _)| from(shape.name))
                }
            }
        }
    }
}

/// The branches of an expression that are about the type `base`, where it is for several types.
fn of_type(expression: &str, base: &str, bases: &[String]) -> String {
    let (mut depth, mut quoted, mut branches) = (0_i32, false, vec![String::new()]);
    for c in expression.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if c == '|' && depth == 0 && !quoted {
            branches.push(String::new());
        } else if let Some(branch) = branches.last_mut() {
            branch.push(c);
        }
    }
    let other = |branch: &&String| {
        let first = branch.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        let first = first.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        first != base && bases.iter().any(|other| other == first)
    };
    let own: Vec<&str> =
        branches.iter().filter(|branch| !other(branch)).map(|branch| branch.trim()).collect();
    if own.is_empty() { expression.to_owned() } else { own.join(" | ") }
}

/// Whether a search of a kind finds elements of a type.
fn indexes(kind: SearchKind, type_: &str) -> bool {
    match kind {
        SearchKind::Number => {
            matches!(type_, "integer" | "decimal" | "positiveInt" | "unsignedInt" | "Range")
                || matches!(type_, "Quantity" | "Age" | "Duration")
        }
        SearchKind::Date => matches!(type_, "date" | "dateTime" | "instant" | "Period" | "Timing"),
        SearchKind::String => {
            matches!(type_, "string" | "markdown" | "code" | "id" | "HumanName" | "Address")
                || matches!(type_, "CodeableConcept" | "Coding" | "Annotation")
        }
        SearchKind::Token => {
            matches!(type_, "boolean" | "code" | "id" | "string" | "uri" | "oid" | "uuid")
                || matches!(type_, "Coding" | "CodeableConcept" | "Identifier" | "ContactPoint")
        }
        SearchKind::Reference => matches!(type_, "Reference" | "canonical" | "uri" | "url"),
        SearchKind::Quantity => {
            matches!(type_, "Quantity" | "Money" | "Range" | "SampledData" | "Age" | "Duration" | "Count")
                || matches!(type_, "Distance" | "SimpleQuantity" | "MoneyQuantity")
        }
        SearchKind::Uri => matches!(type_, "uri" | "url" | "canonical" | "oid" | "uuid"),
        SearchKind::Composite => true,
        SearchKind::Special => false,
    }
}
