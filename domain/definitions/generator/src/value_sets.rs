//! `value_sets.tsv`, `codes.tsv`: the value sets of required bindings and, where they can be enumerated, their codes.

use crate::Result;
use crate::elements::required_value_sets;
use crate::source::{list, read, text};
use crate::table::Table;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The members of a value set: (system, code).
type Codes = BTreeSet<(String, String)>;

/// `value_sets.tsv` (value set, number of codes or why it cannot be enumerated) and `codes.tsv` (value set, system, code).
pub(crate) fn tables(source: &Path, structures: &[Value]) -> Result<[Table; 2]> {
    let terminology = Terminology {
        value_sets: by_url(read(source, "ValueSet.ndjson")?),
        code_systems: by_url(read(source, "CodeSystem.ndjson")?),
    };
    let mut sets = Table::new("value_sets.tsv", &["valueSet", "codes", "notEnumerable"]);
    let mut codes = Table::new("codes.tsv", &["valueSet", "system", "code"]);
    for url in required_value_sets(structures) {
        match terminology.expand(url, &mut Vec::new()) {
            Ok(members) => {
                sets.row(&[url, &members.len().to_string()])?;
                for (system, code) in &members {
                    codes.row(&[url, system, code])?;
                }
            }
            Err(reason) => sets.row(&[url, "", &reason])?,
        }
    }
    Ok([sets, codes])
}

fn by_url(resources: Vec<Value>) -> BTreeMap<String, Value> {
    resources.into_iter().map(|resource| (text(&resource, "url").to_owned(), resource)).collect()
}

struct Terminology {
    value_sets: BTreeMap<String, Value>,
    code_systems: BTreeMap<String, Value>,
}

impl Terminology {
    /// Expands a value set (`FHIR R4 valueset.html#compositions`), or says why that cannot be done from the package alone.
    fn expand(&self, url: &str, open: &mut Vec<String>) -> std::result::Result<Codes, String> {
        let url = url.split('|').next().unwrap_or(url);
        if open.iter().any(|other| other == url) {
            return Err(format!("{url} includes itself"));
        }
        let value_set = self.value_sets.get(url).ok_or_else(|| format!("{url} is not in the package"))?;
        let compose = value_set.get("compose").ok_or_else(|| format!("{url} has no compose"))?;
        open.push(url.to_owned());
        let mut members = Codes::new();
        for include in list(compose, "include") {
            members.extend(self.part(include, open)?);
        }
        for exclude in list(compose, "exclude") {
            let excluded = self.part(exclude, open)?;
            members.retain(|member| !excluded.contains(member));
        }
        open.pop();
        Ok(members)
    }

    /// One `include` or `exclude`: the codes of its system, restricted to those in every value set it names.
    fn part(&self, part: &Value, open: &mut Vec<String>) -> std::result::Result<Codes, String> {
        let system = text(part, "system");
        if list(part, "filter").next().is_some() {
            return Err(format!("a filter over {system}"));
        }
        let mut members: Option<Codes> = None;
        if !system.is_empty() {
            let mut listed = list(part, "concept").peekable();
            members = Some(match listed.peek() {
                Some(_) => {
                    listed.map(|concept| (system.to_owned(), text(concept, "code").to_owned())).collect()
                }
                None => self.whole_system(system)?,
            });
        }
        for nested in list(part, "valueSet").filter_map(Value::as_str) {
            let nested = self.expand(nested, open)?;
            members = Some(match members {
                Some(members) => members.intersection(&nested).cloned().collect(),
                None => nested,
            });
        }
        members.ok_or_else(|| "an include without system and value set".to_owned())
    }

    fn whole_system(&self, system: &str) -> std::result::Result<Codes, String> {
        let code_system = self.code_systems.get(system).ok_or_else(|| format!("all of {system}"))?;
        if text(code_system, "content") != "complete" {
            return Err(format!("all of {system}, whose content is {}", text(code_system, "content")));
        }
        let mut codes = Codes::new();
        let mut open: Vec<&Value> = list(code_system, "concept").collect();
        while let Some(concept) = open.pop() {
            codes.insert((system.to_owned(), text(concept, "code").to_owned()));
            open.extend(list(concept, "concept"));
        }
        Ok(codes)
    }
}
