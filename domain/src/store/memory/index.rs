//! Under what the maps are indexed, and how they are indexed anew.

use super::Transaction;
use crate::access::Access;
use crate::clock::Instant;
use crate::conformance::TypeId;
use crate::error::Error;
use crate::store::Stored;
use crate::store::index::{Defined, IndexRead, IndexState, IndexWrite, Reindexed, Walk};

impl Transaction<'_> {
    /// The current versions of a type.
    fn current_of(&self, type_: TypeId) -> impl Iterator<Item = &Stored> {
        let newest = self.state.resources.iter().filter_map(|resource| resource.versions.last());
        newest.map(|version| &version.stored).filter(move |stored| stored.type_ == type_)
    }
}

impl IndexRead for Transaction<'_> {
    fn index_state(&mut self) -> Result<IndexState, Error> {
        Ok(self.state.index)
    }

    fn defined(&mut self) -> Result<Vec<Defined>, Error> {
        Ok(self.state.defined.clone())
    }

    fn count_of(&mut self, type_: TypeId) -> Result<u64, Error> {
        Ok(u64::try_from(self.current_of(type_).count()).unwrap_or(u64::MAX))
    }

    fn last_written(&mut self, type_: TypeId) -> Result<Option<Instant>, Error> {
        Ok(self.current_of(type_).map(|stored| stored.updated).max())
    }

    fn walk(&mut self, _access: &Access, walk: &Walk) -> Result<Vec<Stored>, Error> {
        let place = |stored: &Stored| (stored.updated, stored.row);
        let next = self.current_of(walk.type_).filter(|stored| place(stored) > walk.after);
        let mut next: Vec<Stored> = next.filter(|stored| stored.updated <= walk.until).cloned().collect();
        next.sort_by_key(place);
        next.truncate(walk.count);
        Ok(next)
    }

    fn differing(&mut self, mut resources: Vec<Reindexed>) -> Result<Vec<Reindexed>, Error> {
        resources.retain(|one| {
            let resource =
                usize::try_from(one.stored.row - 1).ok().and_then(|at| self.state.resources.get(at));
            let newest = resource.and_then(|resource| resource.versions.last());
            newest.is_some_and(|newest| newest.indexed.entries != one.indexed.entries)
        });
        Ok(resources)
    }

    fn settled(&mut self, _seconds: u32) -> Result<bool, Error> {
        Ok(true)
    }
}

impl IndexWrite for Transaction<'_> {
    fn next_generation(&mut self) -> Result<i64, Error> {
        self.state.index.generation += 1;
        Ok(self.state.index.generation)
    }

    fn set_formats(&mut self, format: i64, wanted: i64) -> Result<(), Error> {
        (self.state.index.format, self.state.index.wanted) = (format, wanted);
        Ok(())
    }

    fn define(&mut self, defined: &Defined) -> Result<(), Error> {
        self.undefine(defined.number)?;
        self.state.defined.push(defined.clone());
        Ok(())
    }

    fn undefine(&mut self, number: u32) -> Result<(), Error> {
        self.state.defined.retain(|own| own.number != number);
        Ok(())
    }

    fn rewrite(&mut self, resources: &[Reindexed]) -> Result<(), Error> {
        for Reindexed { stored, indexed } in resources {
            let place = usize::try_from(stored.row - 1).ok();
            let resource = place.and_then(|at| self.state.resources.get_mut(at));
            let newest = resource.and_then(|resource| resource.versions.last_mut());
            if let Some(newest) = newest.filter(|newest| newest.stored.version == stored.version) {
                newest.indexed.entries.clone_from(&indexed.entries);
            }
        }
        Ok(())
    }

    fn forget(&mut self, number: u32, most: usize) -> Result<usize, Error> {
        let of = |id: crate::conformance::ParameterId| id.as_custom().is_some_and(|(own, _)| own == number);
        let newest = self.state.resources.iter_mut().filter_map(|resource| resource.versions.last_mut());
        let having = newest.filter(|v| v.indexed.entries.iter().any(|entry| of(entry.parameter)));
        let mut count = 0;
        for version in having.take(most) {
            version.indexed.entries.retain(|entry| !of(entry.parameter));
            count += 1;
        }
        Ok(count)
    }
}
