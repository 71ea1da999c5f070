//! Parameters that refer by canonical URL: what they refer to has the URL, and the version where one is written, whatever
//! its id (`FHIR R4 references.html#canonical`).

use super::parse::Context;
use crate::conformance::definitions::SearchParameter;
use crate::conformance::{Definitions, ParameterId, TypeId};
use crate::index::extract::looks_at_canonicals;
use crate::index::url;

/// The parameters whose rows have the URLs that `parameter` of a resource of `source` may refer to, of `targets` (of any
/// type when empty); none where it does not look at canonicals.
pub(super) fn urls(
    context: &Context<'_>,
    source: Option<TypeId>,
    parameter: &SearchParameter,
    targets: &[TypeId],
) -> Vec<ParameterId> {
    let definitions = Definitions::r4();
    let source = source.or_else(|| definitions.type_id(parameter.base));
    if !source.is_some_and(|source| looks_at_canonicals(context.parameters, source, parameter.id)) {
        return Vec::new();
    }
    if targets.is_empty() {
        return definitions.endpoints().filter_map(url::parameter).collect();
    }
    targets.iter().copied().filter_map(url::parameter).collect()
}
