//! What is loaded: the Synthea Bundles, unpacked in memory, and as many relabelled copies of them as are wanted.

use crate::Failure;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;

/// What stands in a template wherever a copy's label goes. No Bundle holds it.
const LABEL: &str = "\u{2402}label\u{2403}";

/// Transaction Bundles and what is in them.
pub(crate) struct Data {
    /// The Bundles, cut where a copy's label goes.
    templates: Vec<Vec<String>>,
    /// The Patients in them.
    patients: Vec<Patient>,
    /// Resources in all of them.
    pub(crate) resources: u32,
    /// Bytes of those resources as compact JSON.
    pub(crate) compact: u64,
    /// An Observation of one of them, for the writes.
    pub(crate) observation: Value,
    /// LOINC codes of the Observations, each once.
    codes: BTreeSet<String>,
}

/// The ValueSet of [`Data::value_set`].
pub(crate) const VALUE_SET: &str = "http://binnacle.example/fhir/ValueSet/bench";

/// How many codes it has.
const CODES: usize = 200;

/// What a Patient is found by.
pub(crate) struct Patient {
    /// `system|value`.
    pub(crate) identifier: String,
    /// The family name.
    pub(crate) family: String,
}

impl Data {
    /// How many Bundles there are.
    pub(crate) fn bundles(&self) -> usize {
        self.templates.len()
    }

    /// A Bundle of a copy, as it is sent: the same resources with identifiers and family names of their own. Ids and the
    /// references by them are the server's, which gives each copy new ones. Copy 0 is as Synthea made it.
    pub(crate) fn bundle(&self, copy: usize, number: usize) -> Vec<u8> {
        self.templates.get(number).map(|parts| parts.join(&label(copy)).into_bytes()).unwrap_or_default()
    }

    /// A ValueSet of two hundred LOINC codes: those of the Observations, and others while those are too few.
    pub(crate) fn value_set(&self) -> Value {
        let others = (0..CODES).map(|number| format!("bench-{number}"));
        let concepts: Vec<Value> = self
            .codes
            .iter()
            .cloned()
            .chain(others)
            .take(CODES)
            .map(|code| serde_json::json!({ "code": code }))
            .collect();
        serde_json::json!({
            "resourceType": "ValueSet",
            "id": "bench",
            "url": VALUE_SET,
            "status": "active",
            "compose": { "include": [{ "system": "http://loinc.org", "concept": concepts }] },
        })
    }

    /// The Patients of a copy.
    pub(crate) fn patients(&self, copy: usize) -> impl Iterator<Item = Patient> {
        let label = label(copy);
        self.patients.iter().map(move |patient| Patient {
            identifier: patient.identifier.replace(LABEL, &label),
            family: patient.family.replace(LABEL, &label),
        })
    }
}

fn label(copy: usize) -> String {
    if copy == 0 { String::new() } else { format!("c{copy}x") }
}

/// Reads `synthea.tar.zst` in the folder `BINNACLE_SHARED_DATA`, `../shared/data` when it is not set.
pub(crate) fn read() -> Result<Data, Failure> {
    let folder = std::env::var_os("BINNACLE_SHARED_DATA").map(PathBuf::from);
    let path = folder.unwrap_or_else(|| PathBuf::from("../shared/data")).join("synthea.tar.zst");
    let failed = |error: std::io::Error| {
        format!("{} (BINNACLE_SHARED_DATA names its folder): {error}", path.display())
    };
    let file = std::fs::File::open(&path).map_err(failed)?;
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).map_err(failed)?);
    let mut named = Vec::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let name = entry.path().map_err(failed)?.into_owned();
        if name.extension().is_some_and(|extension| extension == "json") {
            let mut bundle = Vec::new();
            entry.read_to_end(&mut bundle).map_err(failed)?;
            named.push((name, bundle));
        }
    }
    named.sort();
    describe(named.into_iter().map(|(_, bundle)| bundle))
}

fn describe(bundles: impl Iterator<Item = Vec<u8>>) -> Result<Data, Failure> {
    let (mut resources, mut compact, mut observation) = (0, 0, None);
    let (mut templates, mut patients, mut codes) = (Vec::new(), Vec::new(), BTreeSet::new());
    for bundle in bundles {
        let mut bundle: Value = serde_json::from_slice(&bundle).map_err(|error| error.to_string())?;
        let entries =
            bundle.get_mut("entry").and_then(Value::as_array_mut).ok_or("a Bundle without entries")?;
        for resource in entries.iter_mut().filter_map(|entry| entry.get_mut("resource")) {
            resources += 1;
            compact += resource.to_string().len() as u64;
            let measured = resource.pointer("/valueQuantity/value").is_some();
            if observation.is_none() && measured {
                observation = Some(resource.clone());
            }
            let code = resource.pointer("/code/coding/0/code").and_then(Value::as_str);
            codes.extend(code.filter(|_| measured).map(str::to_owned));
            mark(resource);
            patients.extend(patient(resource));
        }
        templates.push(bundle.to_string().split(LABEL).map(str::to_owned).collect());
    }
    let observation = observation.ok_or("there is no Observation with a value")?;
    Ok(Data { templates, patients, resources, compact, observation, codes })
}

/// Marks where labels go: behind the value of each identifier, before each family name.
fn mark(resource: &mut Value) {
    let texts = |resource: &mut Value, list: &str, member: &str, write: &dyn Fn(&str) -> String| {
        let items = resource.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for text in items.filter_map(|item| item.get_mut(member)) {
            if let Some(marked) = text.as_str().map(write) {
                *text = Value::String(marked);
            }
        }
    };
    texts(resource, "identifier", "value", &|value| format!("{value}{LABEL}"));
    texts(resource, "name", "family", &|family| format!("{LABEL}{family}"));
}

fn patient(resource: &Value) -> Option<Patient> {
    let text = |path: &str| resource.pointer(path).and_then(Value::as_str);
    if text("/resourceType") != Some("Patient") {
        return None;
    }
    Some(Patient {
        identifier: format!("{}|{}", text("/identifier/0/system")?, text("/identifier/0/value")?),
        family: text("/name/0/family")?.to_owned(),
    })
}
