//! Whether what the maps hold is what extraction gives: all in one page.

use super::Transaction;
use crate::access::Access;
use crate::conformance::{Definitions, SearchParameters};
use crate::error::Error;
use crate::store::Method;
use crate::store::integrity::{Fault, Finding, Integrity, Page, reindex};

impl Integrity for Transaction<'_> {
    fn resources(&mut self) -> Result<u64, Error> {
        Ok(u64::try_from(self.state.resources.len()).unwrap_or(u64::MAX))
    }

    fn check(
        &mut self,
        _access: &Access,
        parameters: &SearchParameters,
        base: &str,
        _after: Option<i64>,
    ) -> Result<Page, Error> {
        let mut page = Page { resources: self.resources()?, ..Page::default() };
        for version in self.state.resources.iter().flat_map(|resource| &resource.versions) {
            page.versions += 1;
            let stored = &version.stored;
            let fault = match reindex(parameters, stored, base) {
                None => Fault::Body { version: stored.version },
                Some(today) if stored.method == Method::Delete || today.is_as(&version.indexed) => continue,
                Some(_) => Fault::Rows { table: "index", missing: 1, unexpected: 1 },
            };
            let type_ = Definitions::r4().type_name(stored.type_);
            page.findings.push(Finding { resource: format!("{type_}/{}", stored.id), fault });
        }
        Ok(page)
    }
}
