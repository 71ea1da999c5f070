//! The parameters that shape an answer and the headers of requests and answers, each with the interactions it serves.

use super::route::InteractionCode;

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// Text.
    Text,
    /// A whole number, zero or more.
    Count,
    /// An instant.
    Instant,
    /// One of these.
    Code(&'static [&'static str]),
}

/// A parameter that shapes the answer rather than choosing resources (`FHIR R4 search.html#return`).
#[derive(Debug, Clone, Copy)]
pub struct ResultParameter {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub value: ValueType,
    /// Whether it may come more than once.
    pub repeats: bool,
    /// One line about it.
    pub description: &'static str,
}

/// Result parameters of searches.
pub(super) const SEARCH: &[ResultParameter] = &[
    parameter("_count", ValueType::Count, "Most matches on a page. 0 asks for the total alone."),
    parameter(
        "_total",
        ValueType::Code(&["none", "estimate", "accurate"]),
        "Whether Bundle.total is given, and how exact it is.",
    ),
    SUMMARY,
    ELEMENTS,
    parameter(
        "_sort",
        ValueType::Text,
        "Comma-separated keys, `-` before a key for descending order: `_id`, `_lastUpdated` and parameters of every type but composite and special; of several types of resources those that all of them have. Resources without a value come last.",
    ),
    ResultParameter {
        name: "_filter",
        value: ValueType::Text,
        repeats: true,
        description: "A filter expression (FHIR R4 search_filter.html), like `code eq loinc|1234-5 and subject.name co \"pet\"`: `path operator value` joined by `and`, `or`, `not (…)` and parentheses, read from left to right.",
    },
    ResultParameter {
        name: "_include",
        value: ValueType::Text,
        repeats: true,
        description: "Also returns resources that the matches refer to: `Type:parameter` or `Type:parameter:Target`, `Type:*` or `*` for every reference. As `_include:iterate` also those that the returned ones refer to.",
    },
    ResultParameter {
        name: "_revinclude",
        value: ValueType::Text,
        repeats: true,
        description: "Also returns resources that refer to the matches: `Type:parameter` or `Type:parameter:Target`, `Type:*` or `*` for every reference. As `_revinclude:iterate` also those that refer to the returned ones.",
    },
];

const SUMMARY: ResultParameter = parameter(
    "_summary",
    ValueType::Code(&["true", "text", "data", "count", "false"]),
    "`true`: the summary elements of each resource; `text`: its narrative, `id`, `meta` and what is mandatory; `data`: all but the narrative; `count`: the total alone. Resources that are not whole have the tag SUBSETTED.",
);

const ELEMENTS: ResultParameter = parameter(
    "_elements",
    ValueType::Text,
    "Comma-separated elements of the root, also as `Type.element`: only they, what is mandatory and modifiers are in each resource, which has the tag SUBSETTED. Included resources stay whole unless their type is named.",
);

/// Parameters of reads (`FHIR R4 http.html#general`).
pub(super) const READ: &[ResultParameter] = &[PART_OF_ONE, ELEMENTS];

const PART_OF_ONE: ResultParameter = parameter(
    "_summary",
    ValueType::Code(&["true", "text", "data", "false"]),
    "`true`: the summary elements of the resource; `text`: its narrative, `id`, `meta` and what is mandatory; `data`: all but the narrative. A resource that is not whole has the tag SUBSETTED.",
);

/// The parameter of searches of more than one type (`FHIR R4 search.html`, "Search Contexts").
pub(super) const TYPES: &[ResultParameter] = &[parameter(
    "_type",
    ValueType::Text,
    "Only these resource types, comma-separated. The search may then use every parameter that all of them have.",
)];

const fn parameter(name: &'static str, value: ValueType, description: &'static str) -> ResultParameter {
    ResultParameter { name, value, repeats: false, description }
}

/// Parameters of the CapabilityStatement (`FHIR R4 http.html#capabilities`).
pub(super) const CAPABILITIES: &[ResultParameter] = &[
    parameter(
        "mode",
        ValueType::Code(&["full", "normative", "terminology"]),
        "`full` (the default) and `normative` answer with the CapabilityStatement; this server is no terminology server.",
    ),
    PART_OF_ONE,
    ELEMENTS,
];

/// Parameters of every request that has a body in its answer (`FHIR R4 http.html#general`).
pub(super) const GENERAL: &[ResultParameter] = &[
    parameter(
        "_format",
        ValueType::Text,
        "The form of the answer, before `Accept`: `json` or `application/fhir+json`.",
    ),
    parameter("_pretty", ValueType::Code(&["true", "false"]), "`true` indents the answer."),
];

/// Parameters of histories (`FHIR R4 http.html#history`).
pub(super) const HISTORY: &[ResultParameter] = &[
    parameter("_count", ValueType::Count, "Most versions on a page."),
    parameter("_since", ValueType::Instant, "Only versions made at or after this instant."),
    parameter(
        "_at",
        ValueType::Text,
        "Only versions that were current at some time in this date or instant.",
    ),
    parameter(
        "_list",
        ValueType::Text,
        "Only versions of what this List names; where it names a version, only that one.",
    ),
    SUMMARY,
    ELEMENTS,
];

/// Parameters of conditional deletes beside the criteria.
pub(super) const CONDITIONAL_DELETE: &[ResultParameter] = &[parameter(
    "_count",
    ValueType::Count,
    "Most resources to delete, where the server deletes several at all: 412, and none is deleted, if there are more.",
)];

/// A header of a request or an answer.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub description: &'static str,
}

const PREFER_RETURN: Header = Header {
    name: "Prefer",
    description: "`return=minimal`, `return=representation` (the default) or `return=OperationOutcome`.",
};
const PREFER_HANDLING: Header = Header {
    name: "Prefer",
    description: "`handling=lenient` ignores unknown search parameters and reports them; `handling=strict` (the default) refuses them.",
};
const IF_MATCH: Header = Header {
    name: "If-Match",
    description: "The version that must be current, as `W/\"3\"`; otherwise the answer is 412 and nothing changes.",
};
const IF_NONE_EXIST: Header = Header {
    name: "If-None-Exist",
    description: "A search of the type, as `identifier=system|value`: nothing is made if it finds one resource, which is the answer then (200); 412 if it finds several.",
};
const X_PROVENANCE: Header = Header {
    name: "X-Provenance",
    description: "A Provenance in JSON, without target: it is stored with what is written, which becomes its target.",
};
const IF_NONE_MATCH_UPDATE: Header = Header {
    name: "If-None-Match",
    description: "`*` makes the resource and never updates it: 412 if it is there.",
};
const IF_NONE_MATCH: Header = Header {
    name: "If-None-Match",
    description: "The version you have, as `W/\"3\"`; the answer is 304 if it is current.",
};
const IF_MODIFIED_SINCE: Header = Header {
    name: "If-Modified-Since",
    description: "The `Last-Modified` of the version you have; the answer is 304 if none is newer.",
};
const REQUEST_ID: Header = Header {
    name: "X-Request-ID",
    description: "A name for this request that comes back in the answer and stands in the log.",
};
const ETAG: Header = Header { name: "ETag", description: "The version of the resource, as `W/\"3\"`." };
const LAST_MODIFIED: Header = Header { name: "Last-Modified", description: "When this version was made." };
const PROGRESS: Header = Header {
    name: "X-Progress",
    description: "How far the work is, for people to read (`FHIR R4 async.html`).",
};
const RETRY_AFTER: Header =
    Header { name: "Retry-After", description: "Seconds after which a repeat may succeed, or tell more." };
const EXPIRES: Header = Header { name: "Expires", description: "Until when this is told." };
const STATUS_LOCATION: Header = Header {
    name: "Content-Location",
    description: "The address of what was made, or at which its progress is told.",
};
const LOCATION: Header =
    Header { name: "Location", description: "The address of the version that was made." };
const CONTENT_LOCATION: Header = STATUS_LOCATION;

/// Headers that a request may have.
pub(super) const fn request_headers(interaction: InteractionCode) -> &'static [Header] {
    match interaction {
        InteractionCode::Bundle => &[PREFER_RETURN, X_PROVENANCE, REQUEST_ID],
        InteractionCode::Create => &[IF_NONE_EXIST, PREFER_RETURN, X_PROVENANCE, REQUEST_ID],
        InteractionCode::Update | InteractionCode::ConditionalUpdate => {
            &[IF_MATCH, IF_NONE_MATCH_UPDATE, PREFER_RETURN, X_PROVENANCE, REQUEST_ID]
        }
        InteractionCode::Patch
        | InteractionCode::ConditionalPatch
        | InteractionCode::Delete
        | InteractionCode::ConditionalDelete => &[IF_MATCH, PREFER_RETURN, X_PROVENANCE, REQUEST_ID],
        InteractionCode::SearchSystem
        | InteractionCode::SearchType
        | InteractionCode::SearchCompartment
        | InteractionCode::SearchCompartmentType => &[PREFER_HANDLING, REQUEST_ID],
        InteractionCode::Read | InteractionCode::Vread => &[IF_NONE_MATCH, IF_MODIFIED_SINCE, REQUEST_ID],
        InteractionCode::Capabilities
        | InteractionCode::HistorySystem
        | InteractionCode::HistoryType
        | InteractionCode::HistoryInstance
        | InteractionCode::Operation(..)
        | InteractionCode::JobStatus
        | InteractionCode::CancelJob => &[REQUEST_ID],
    }
}

/// Headers of an answer that succeeded.
pub(super) const fn answer_headers(interaction: InteractionCode) -> &'static [Header] {
    match interaction {
        InteractionCode::Create | InteractionCode::Update | InteractionCode::ConditionalUpdate => {
            &[LOCATION, CONTENT_LOCATION, ETAG, LAST_MODIFIED, REQUEST_ID]
        }
        InteractionCode::Read
        | InteractionCode::Vread
        | InteractionCode::Patch
        | InteractionCode::ConditionalPatch
        | InteractionCode::Delete => &[ETAG, LAST_MODIFIED, REQUEST_ID],
        InteractionCode::Operation(..) => &[STATUS_LOCATION, REQUEST_ID],
        InteractionCode::JobStatus => &[PROGRESS, RETRY_AFTER, EXPIRES, REQUEST_ID],
        InteractionCode::Capabilities
        | InteractionCode::CancelJob
        | InteractionCode::ConditionalDelete
        | InteractionCode::Bundle
        | InteractionCode::SearchSystem
        | InteractionCode::SearchType
        | InteractionCode::SearchCompartment
        | InteractionCode::SearchCompartmentType
        | InteractionCode::HistorySystem
        | InteractionCode::HistoryType
        | InteractionCode::HistoryInstance => &[REQUEST_ID],
    }
}
