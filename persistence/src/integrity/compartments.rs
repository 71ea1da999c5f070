//! The compartment rows that a resource's versions ought to have given, folded from the first to the current one.

use std::collections::BTreeMap;

/// Since which version each patient's compartment holds the resource, and the spans that ended.
#[derive(Default)]
pub(super) struct Compartments {
    open: BTreeMap<i64, i64>,
    ended: Vec<(i64, i64, i64)>,
}

impl Compartments {
    /// The version `version` is in the compartments of `patients`. A deletion is not told: it changes nothing.
    pub(super) fn version(&mut self, version: i64, patients: &[i64]) {
        let gone: Vec<i64> =
            self.open.keys().copied().filter(|patient| !patients.contains(patient)).collect();
        for patient in gone {
            if let Some(since) = self.open.remove(&patient) {
                self.ended.push((patient, since, version - 1));
            }
        }
        for patient in patients {
            self.open.entry(*patient).or_insert(version);
        }
    }

    /// Patient, since, until; a span that has not ended is until the greatest number.
    pub(super) fn spans(self) -> impl Iterator<Item = (i64, i64, i64)> {
        let open = self.open.into_iter().map(|(patient, since)| (patient, since, i64::MAX));
        self.ended.into_iter().chain(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_end_when_a_version_leaves_and_begin_when_one_comes() {
        let mut compartments = Compartments::default();
        compartments.version(1, &[7]);
        compartments.version(2, &[7, 8]);
        compartments.version(4, &[8]);
        compartments.version(5, &[7, 8]);
        let spans: Vec<_> = compartments.spans().collect();
        assert_eq!(spans, [(7, 1, 3), (7, 5, i64::MAX), (8, 2, i64::MAX)]);
    }
}
