//! What is loaded: the Synthea Bundles, unpacked in memory.

use crate::Failure;
use serde_json::Value;
use std::io::Read;
use std::path::PathBuf;

/// Transaction Bundles and what is in them.
pub(crate) struct Data {
    /// The Bundles as they are sent.
    pub(crate) bundles: Vec<Vec<u8>>,
    /// Resources in all of them.
    pub(crate) resources: u32,
    /// Bytes of those resources as compact JSON.
    pub(crate) compact: u64,
    /// An Observation of one of them, for the writes.
    pub(crate) observation: Value,
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
    describe(named.into_iter().map(|(_, bundle)| bundle).collect())
}

fn describe(bundles: Vec<Vec<u8>>) -> Result<Data, Failure> {
    let (mut resources, mut compact, mut observation) = (0, 0, None);
    for bundle in &bundles {
        let bundle: Value = serde_json::from_slice(bundle).map_err(|error| error.to_string())?;
        let entries = bundle.get("entry").and_then(Value::as_array).ok_or("a Bundle without entries")?;
        for resource in entries.iter().filter_map(|entry| entry.get("resource")) {
            resources += 1;
            compact += resource.to_string().len() as u64;
            let measured = resource.pointer("/valueQuantity/value").is_some();
            if observation.is_none() && measured {
                observation = Some(resource.clone());
            }
        }
    }
    let observation = observation.ok_or("there is no Observation with a value")?;
    Ok(Data { bundles, resources, compact, observation })
}
