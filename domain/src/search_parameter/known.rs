//! The search parameters that this process knows, exchanged whole when it learns of others.

use crate::conformance::SearchParameters;
use std::sync::{Arc, PoisonError, RwLock};

/// What a process knows.
pub(crate) struct Known {
    parameters: RwLock<Arc<SearchParameters>>,
}

impl Known {
    /// R4's parameters, until the store is asked.
    pub(crate) fn new() -> Known {
        Known { parameters: RwLock::new(Arc::new(SearchParameters::new(0, Vec::new()))) }
    }

    /// What is known now.
    pub(crate) fn parameters(&self) -> Arc<SearchParameters> {
        Arc::clone(&self.parameters.read().unwrap_or_else(PoisonError::into_inner))
    }
}
