//! Compartments: which parameters put a resource into one (`FHIR R4 compartmentdefinition.html`).

use super::parameter::Parameters;
use super::table::rows;
use crate::conformance::{ParameterId, TypeId};
use rustc_hash::FxHashMap;

const COMPARTMENTS: &str = include_str!("../../../definitions/compartments.tsv");

/// The rows of every compartment.
pub(super) struct Compartments {
    rows: FxHashMap<(&'static str, TypeId), Vec<ParameterId>>,
}

impl Compartments {
    pub(super) fn load(types: &FxHashMap<&'static str, TypeId>, parameters: &Parameters) -> Compartments {
        let mut found = FxHashMap::default();
        for mut row in rows(COMPARTMENTS) {
            let (compartment, name) = (row.next(), row.next());
            let Some(type_) = types.get(name).copied() else { continue };
            let ids = row
                .list()
                .filter_map(|code| parameters.find(name, code))
                .map(|parameter| parameter.id)
                .collect();
            found.insert((compartment, type_), ids);
        }
        Compartments { rows: found }
    }

    pub(super) fn parameters(&self, compartment: &str, type_: TypeId) -> &[ParameterId] {
        let key = COMPARTMENT_NAMES.iter().find(|name| **name == compartment).map(|name| (*name, type_));
        key.and_then(|key| self.rows.get(&key)).map_or(&[], Vec::as_slice)
    }
}

/// R4's compartments.
pub(super) const COMPARTMENT_NAMES: [&str; 5] =
    ["Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"];
