//! Choices at random that come again with the same seed.

use tests::storm::Random;

/// A generator.
pub(super) struct Pick(Random);

impl Pick {
    pub(super) fn new(seed: u64) -> Pick {
        Pick(Random(seed))
    }

    /// A number below `end`, 0 if that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.below(end)
    }

    /// Whether one of `times` comes up.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(super) fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let place = self.below(all.len());
        all.get(place)
    }

    /// One of these texts.
    pub(super) fn text(&mut self, all: &[&'static str]) -> &'static str {
        self.of(all).copied().unwrap_or_default()
    }
}
