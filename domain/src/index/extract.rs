//! From a resource to its index rows and Patient compartments, by walkers compiled once for each type.

use super::computed::{self, Computed};
use super::path::{Step, Walker, compile, walk};
use super::{Facet, IndexEntry, IndexValue, Indexed, Part, contained, members, url, value_set, words};
use crate::conformance::definitions::{SearchParameter, Shape};
use crate::conformance::{Definitions, ParameterId, SearchKind, SearchParameters, TypeId};
use crate::index::hash::resource_key;
use crate::resource::json::Json;
use crate::search::kind::{
    Values, composite, date, number, quantity, reference, special, string, token, uri,
};
use std::collections::HashSet;
use std::sync::OnceLock;

/// Rows of one parameter up to which doubles are found by comparing each with each.
const FEW: usize = 64;

/// What one type's resources are searched for, ready to walk.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Branches by the member of the resource where they begin, so that an absent member is looked up once.
    groups: Vec<(String, Vec<Branch>)>,
    /// Branches that begin at the resource itself.
    whole: Vec<Branch>,
    /// The parameters whose expressions no walker knows.
    computed: Vec<Computed>,
}

/// One branch of one parameter's expression, after its first member.
#[derive(Debug)]
struct Branch {
    parameter: ParameterId,
    kind: SearchKind,
    walker: Walker,
    /// Whether what it refers to has the resource in its Patient compartment.
    patient: bool,
    components: Vec<(SearchKind, Vec<Walker>)>,
}

/// Index rows and Patient compartments of a resource (`FHIR R4 search.html`, `compartmentdefinition.html`).
///
/// `base` is this server's FHIR base: absolute references below it are local. Never fails: what is not as R4 says is not
/// found by it.
pub fn extract(parameters: &SearchParameters, type_: TypeId, resource: &Json<'_>, base: &str) -> Indexed {
    let definitions = parameters.definitions();
    let mut indexed = Indexed { generation: parameters.generation(), ..Indexed::default() };
    let mut budget = computed::Budget::default();
    let mut run =
        Run { resource, base, values: Vec::new(), entries: &mut indexed.entries, budget: &mut budget };
    let patients = &mut indexed.patients;
    run.plan(plan(definitions, type_), patients);
    if let Some(plan) = parameters.plan(type_) {
        run.plan(plan, patients);
    }
    if definitions.type_name(type_) == "Patient"
        && let Some(id) = resource.get("id").and_then(Json::as_str)
    {
        patients.push(resource_key("Patient", id));
    }
    if definitions.type_name(type_) == "ValueSet" {
        value_set::index(resource, &mut indexed.entries);
    }
    url::index(type_, resource, &mut indexed.entries);
    members::index(definitions.type_name(type_), resource, base, &mut indexed.entries);
    words::index(definitions, definitions.shape_of(type_), resource, &mut indexed.entries);
    for (number, inner) in contained::each(resource) {
        let Some(name) = inner.resource_type() else { continue };
        let Some(type_) = definitions.type_id(name) else { continue };
        let entries = of_contained(parameters, (type_, inner), base, &mut budget);
        contained::index((number, name), inner, entries, &mut indexed.entries);
    }
    patients.sort_unstable();
    patients.dedup();
    indexed
}

/// The rows of a contained resource, as if it were one of its own. What it refers to does not put its container into a
/// compartment.
fn of_contained(
    parameters: &SearchParameters,
    (type_, resource): (TypeId, &Json<'_>),
    base: &str,
    budget: &mut computed::Budget,
) -> Vec<IndexEntry> {
    let definitions = parameters.definitions();
    let (mut entries, mut patients) = (Vec::new(), Vec::new());
    let mut run = Run { resource, base, values: Vec::new(), entries: &mut entries, budget };
    run.plan(plan(definitions, type_), &mut patients);
    if let Some(plan) = parameters.plan(type_) {
        run.plan(plan, &mut patients);
    }
    words::index(definitions, definitions.shape_of(type_), resource, &mut entries);
    entries
}

/// The types of the elements that `parameter` of `type_` looks at, each with the code system that it implies.
pub(crate) fn elements(
    parameters: &SearchParameters,
    type_: TypeId,
    parameter: ParameterId,
) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let plan = plan_with(parameters, type_, parameter);
    let walked = plan.branches(parameter).map(|branch| (branch.walker.type_, branch.walker.system));
    let computed = plan.computed.iter().filter(move |computed| computed.parameter == parameter);
    walked.chain(computed.flat_map(Computed::elements))
}

/// Whether `parameter` of `type_` looks at canonicals or URIs, which are indexed by their text.
pub(crate) fn looks_at_canonicals(
    parameters: &SearchParameters,
    type_: TypeId,
    parameter: ParameterId,
) -> bool {
    elements(parameters, type_, parameter).any(|(type_, _)| matches!(type_, "canonical" | "uri" | "url"))
}

/// The types of resources that `parameter` of `type_` can find references to, empty for any: those that the parameter
/// names, that its elements may refer to and that its conditions let through.
pub(crate) fn targets(
    parameters: &SearchParameters,
    type_: TypeId,
    parameter: &SearchParameter,
) -> Vec<TypeId> {
    let definitions = parameters.definitions();
    let branches: Vec<&Branch> = plan_with(parameters, type_, parameter.id).branches(parameter.id).collect();
    let permits = |branch: &Branch, name: &str| {
        let free = branch.walker.targets.is_empty() || branch.walker.targets.contains(&"Resource");
        let conditions = &mut branch.walker.steps.iter();
        (free || branch.walker.targets.contains(&name))
            && conditions.all(|step| !matches!(step, Step::Resolves(only) if *only != name))
    };
    let named =
        |target: &TypeId| branches.iter().any(|branch| permits(branch, definitions.type_name(*target)));
    let found: Vec<TypeId> = parameter.targets.iter().copied().filter(named).collect();
    if found.is_empty() { parameter.targets.clone() } else { found }
}

/// Of a type that has none.
static NOTHING: Plan = Plan { groups: Vec::new(), whole: Vec::new(), computed: Vec::new() };

/// The plan of `type_` that has the branches of `parameter`.
fn plan_with(parameters: &SearchParameters, type_: TypeId, parameter: ParameterId) -> &Plan {
    match parameter.as_custom() {
        Some(_) => parameters.plan(type_).unwrap_or(&NOTHING),
        None => plan(parameters.definitions(), type_),
    }
}

fn plan(definitions: &'static Definitions, type_: TypeId) -> &'static Plan {
    static PLANS: OnceLock<Vec<OnceLock<Plan>>> = OnceLock::new();
    let plans = PLANS.get_or_init(|| definitions.types().map(|_| OnceLock::new()).collect());
    plans
        .get(usize::from(type_.0))
        .map_or(&NOTHING, |plan| plan.get_or_init(|| Plan::compile(definitions, type_)))
}

impl Plan {
    fn branches(&self, parameter: ParameterId) -> impl Iterator<Item = &Branch> {
        let all = self.groups.iter().flat_map(|(_, branches)| branches).chain(&self.whole);
        all.filter(move |branch| branch.parameter == parameter)
    }

    fn compile(definitions: &'static Definitions, type_: TypeId) -> Plan {
        let mut plan = Plan { groups: Vec::new(), whole: Vec::new(), computed: Vec::new() };
        // A Patient is in its own compartment alone: a link says that two records may be one person's, not that the one
        // may see the other (docs/decisions/0070).
        let is_patient = definitions.type_name(type_) == "Patient";
        let compartment = if is_patient { &[] } else { definitions.compartment("Patient", type_) };
        let shape = definitions.shape_of(type_);
        let bases = [definitions.type_name(type_), "DomainResource", "Resource"];
        for parameter in bases.into_iter().flat_map(|base| definitions.parameters_of(base)) {
            // `_id` and `_lastUpdated` are columns of the resource, not index rows.
            if parameter.expression.is_empty() || matches!(&*parameter.code, "_id" | "_lastUpdated") {
                continue;
            }
            // A test compiles every expression; what could not be compiled would not be found.
            plan.add_all(definitions, shape, parameter, compartment.contains(&parameter.id));
        }
        plan
    }

    /// The plan of the parameters of `type_` that are not R4's. Their expressions were compiled when they were stored.
    pub(crate) fn custom(parameters: &SearchParameters, type_: TypeId) -> Plan {
        let mut plan = Plan { groups: Vec::new(), whole: Vec::new(), computed: Vec::new() };
        let definitions = parameters.definitions();
        for own in parameters.custom_of(type_) {
            let shape = definitions.shape_of(type_);
            let components = own.parameter.components.iter().map(|component| &*component.expression);
            if !computed::is_walked(definitions, shape, &own.parameter.expression, components) {
                plan.computed.extend(Computed::new(definitions, shape, &own.parameter));
                continue;
            }
            plan.add_all(definitions, shape, &own.parameter, false);
        }
        plan
    }

    /// Adds every branch of a parameter's expression. `patient`: what it refers to has the resource in its compartment.
    fn add_all(
        &mut self,
        definitions: &'static Definitions,
        shape: &'static Shape,
        parameter: &SearchParameter,
        patient: bool,
    ) {
        for walker in compile(definitions, shape, &parameter.expression).unwrap_or_default() {
            let components = parameter.components.iter().map(|component| {
                let walkers = walker.shape.map(|shape| compile(definitions, shape, &component.expression));
                (definitions.kind_of(component.parameter), walkers.and_then(Result::ok).unwrap_or_default())
            });
            self.add(Branch {
                parameter: parameter.id,
                kind: parameter.kind,
                components: components.collect(),
                patient,
                walker,
            });
        }
    }

    fn add(&mut self, mut branch: Branch) {
        let nth = matches!(branch.walker.steps.get(1), Some(Step::Nth(_)));
        let first = match branch.walker.steps.first() {
            Some(Step::Member(name)) if !branch.walker.truth && !nth => name.clone(),
            _ => {
                self.whole.push(branch);
                return;
            }
        };
        branch.walker.steps.remove(0);
        match self.groups.iter_mut().find(|(name, _)| *name == first) {
            Some((_, branches)) => branches.push(branch),
            None => self.groups.push((first, vec![branch])),
        }
    }
}

struct Run<'a, 'j> {
    /// The resource walked: `%resource`.
    resource: &'a Json<'j>,
    base: &'a str,
    values: Values,
    entries: &'a mut Vec<IndexEntry>,
    /// What expressions may still cost.
    budget: &'a mut computed::Budget,
}

impl Run<'_, '_> {
    fn plan(&mut self, plan: &Plan, patients: &mut Vec<i64>) {
        let resource = self.resource;
        for (member, branches) in &plan.groups {
            let Some(value) = resource.get(member) else { continue };
            for branch in branches {
                for element in value.each() {
                    self.branch(branch, element, patients);
                }
                self.keep(branch.parameter);
            }
        }
        for branch in &plan.whole {
            if branch.walker.truth {
                self.truth(&branch.walker);
            } else {
                self.branch(branch, resource, patients);
            }
            self.keep(branch.parameter);
        }
        for computed in &plan.computed {
            computed.index((resource, self.base), self.budget, &mut self.values);
            self.keep(computed.parameter);
        }
    }

    fn branch(&mut self, branch: &Branch, from: &Json<'_>, patients: &mut Vec<i64>) {
        let (resource, base) = (self.resource, self.base);
        let values = &mut self.values;
        walk(&branch.walker.steps, from, resource, &mut |element| {
            if branch.patient
                && let Some(key) = reference::local_patient(element, base)
            {
                patients.push(key);
            }
            if branch.kind == SearchKind::Composite {
                let components: Vec<Values> = branch
                    .components
                    .iter()
                    .map(|(kind, walkers)| component(*kind, walkers, element, resource, base))
                    .collect();
                composite::index(&components, values);
            } else {
                index(branch.kind, branch.walker.found(), element, base, values);
            }
        });
    }

    /// `x.exists() and x != false`: true or false for every resource. A choice has a branch for each type; the branch of
    /// the Boolean one speaks for all.
    fn truth(&mut self, walker: &Walker) {
        let Some(Step::Member(name)) = walker.steps.first() else { return };
        if walker.type_ != "boolean" {
            return;
        }
        let stem = name.strip_suffix("Boolean").unwrap_or(name);
        let is = |(member, value): (&str, &Json<'_>)| member.starts_with(stem) && *value != Json::Bool(false);
        let holds = self.resource.as_object().is_some_and(|object| object.iter().any(is));
        self.values.push((Facet::Value, token::simple(if holds { "true" } else { "false" })));
    }

    /// Turns the values gathered for a parameter into rows, each once.
    fn keep(&mut self, parameter: ParameterId) {
        if self.values.is_empty() {
            return;
        }
        // Rows of this parameter stand together unless its branches begin at different members.
        let from =
            self.entries.iter().position(|entry| entry.parameter == parameter).unwrap_or(self.entries.len());
        let mut seen: HashSet<String> = HashSet::new();
        for (facet, value) in self.values.drain(..) {
            let entry = IndexEntry { parameter, facet, part: Part::Itself, value };
            let earlier = self.entries.get(from..).unwrap_or_default();
            let double = if earlier.len() > FEW {
                if seen.is_empty() {
                    seen.extend(earlier.iter().map(|earlier| format!("{earlier:?}")));
                }
                !seen.insert(format!("{entry:?}"))
            } else {
                // NaN differs from itself; the text does not.
                earlier.iter().any(|earlier| *earlier == entry || is_same_quantity(earlier, &entry))
            };
            if !double {
                self.entries.push(entry);
            }
        }
    }
}

/// Equality of quantities, whose canonical bounds may be NaN.
fn is_same_quantity(a: &IndexEntry, b: &IndexEntry) -> bool {
    matches!((&a.value, &b.value), (IndexValue::Quantity(_), IndexValue::Quantity(_)))
        && a.parameter == b.parameter
        && format!("{a:?}") == format!("{b:?}")
}

fn component(
    kind: SearchKind,
    walkers: &[Walker],
    element: &Json<'_>,
    resource: &Json<'_>,
    base: &str,
) -> Values {
    let mut values = Values::new();
    for walker in walkers {
        let start = if walker.from_resource { resource } else { element };
        walk(&walker.steps, start, resource, &mut |found| {
            index(kind, walker.found(), found, base, &mut values);
        });
    }
    values
}

/// Indexes an element of a type, with the code system that is implied for a `code`.
pub(super) fn index(
    kind: SearchKind,
    (type_, system): (&str, Option<&str>),
    element: &Json<'_>,
    base: &str,
    out: &mut Values,
) {
    match kind {
        SearchKind::Token => token::index(element, type_, system, out),
        SearchKind::String => string::index(element, type_, out),
        SearchKind::Reference => reference::index(element, type_, base, out),
        SearchKind::Date => date::index(element, type_, out),
        SearchKind::Number => number::index(element, type_, out),
        SearchKind::Quantity => quantity::index(element, type_, out),
        SearchKind::Uri => uri::index(element, type_, out),
        SearchKind::Special => special::index(element, out),
        // Components of composites are never composites.
        SearchKind::Composite => {}
    }
}

/// What walkers find and what FHIRPath gives, of the expressions that both know.
#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const BASE: &str = "https://x.example/FHIR/R4";

    fn rows(plan: &Plan, resource: &Json<'_>) -> BTreeSet<String> {
        let mut entries = Vec::new();
        let mut budget = computed::Budget::default();
        let run =
            &mut Run { resource, base: BASE, values: Vec::new(), entries: &mut entries, budget: &mut budget };
        run.plan(plan, &mut Vec::new());
        entries.iter().map(|entry| format!("{:?} {:?}", entry.facet, entry.value)).collect()
    }

    /// A parameter: its code, as walked and as evaluated, or why it is not evaluated.
    type BothWays = (String, Plan, Result<Plan, String>);

    /// Each base parameter of a type.
    fn both_ways(type_: TypeId) -> Vec<BothWays> {
        let definitions = Definitions::r4();
        let shape = definitions.shape_of(type_);
        let bases = [shape.name, "DomainResource", "Resource"];
        let all = bases.into_iter().flat_map(|base| definitions.parameters_of(base));
        let expressed = all.filter(|parameter| !parameter.expression.is_empty());
        expressed
            .filter(|parameter| parameter.kind != SearchKind::Special)
            .map(|parameter| {
                let nothing = || Plan { groups: Vec::new(), whole: Vec::new(), computed: Vec::new() };
                let mut walked = nothing();
                walked.add_all(definitions, shape, parameter, false);
                let read = computed::read(definitions, shape.name, &parameter.expression);
                let evaluated = read.map_err(|fault| fault.to_string()).map(|_| Plan {
                    computed: Computed::new(definitions, shape, parameter).into_iter().collect(),
                    ..nothing()
                });
                (format!("{}.{}", shape.name, parameter.code), walked, evaluated)
            })
            .collect()
    }

    /// A resource, and those in it if it is a Bundle.
    fn all_in(text: &[u8]) -> impl Iterator<Item = Json<'_>> {
        let whole = Json::parse(text).ok();
        let entries = whole.iter().flat_map(|whole| whole.get("entry").map(Json::each).unwrap_or_default());
        let within: Vec<Json<'_>> = entries.filter_map(|entry| entry.get("resource").cloned()).collect();
        whole.into_iter().chain(within)
    }

    #[test]
    fn evaluation_finds_what_walkers_find() {
        let Some(files) = ::tests::published::json_files("r4-examples.tar.zst") else { return };
        let mut known: BTreeMap<TypeId, Vec<BothWays>> = BTreeMap::new();
        let (mut wrong, mut compared) = (BTreeMap::new(), BTreeMap::<String, usize>::new());
        let mut resources = 0;
        for (path, resource) in files.iter().flat_map(|(path, text)| all_in(text).map(move |one| (path, one)))
        {
            let name = resource.resource_type().unwrap_or_default();
            let Some(type_) = Definitions::r4().endpoint(name) else { continue };
            resources += 1;
            for (code, walked, evaluated) in known.entry(type_).or_insert_with(|| both_ways(type_)) {
                let evaluated = match evaluated {
                    Ok(evaluated) => rows(evaluated, &resource),
                    Err(reason) => {
                        wrong.insert(code.clone(), reason.clone());
                        continue;
                    }
                };
                let walked = rows(walked, &resource);
                *compared.entry(code.clone()).or_default() += walked.len();
                if walked != evaluated {
                    wrong.insert(code.clone(), format!("{path}: {walked:?} but {evaluated:?}"));
                }
            }
        }
        let with_rows = compared.values().filter(|rows| **rows > 0).count();
        assert!(
            resources > 600 && with_rows > 1100,
            "{resources} resources, {with_rows} parameters with rows"
        );
        assert!(wrong.is_empty(), "{} parameters: {wrong:#?}", wrong.len());
    }
}
