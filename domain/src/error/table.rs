//! The one table of failures: what each means, its HTTP status, FHIR issue type and NHS code, and what to do about it.

/// One row of [`TABLE`].
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The failure this row describes.
    pub code: ErrorCode,
    /// What it means.
    pub meaning: &'static str,
    /// HTTP status.
    pub status: u16,
    /// `OperationOutcome.issue.code` (`FHIR R4 valueset-issue-type.html`).
    pub issue_type: &'static str,
    /// `OperationOutcome.issue.details.coding.code`.
    pub detail: &'static str,
    /// What the caller can do about it.
    pub advice: &'static str,
}

/// `details.coding.system` of [`Row::detail`] (NHS Spine error codes).
pub const DETAIL_SYSTEM: &str = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode";

macro_rules! table {
    ($($(#[doc = $doc:literal])+ $code:ident $status:literal $issue:literal $detail:literal $advice:literal;)*) => {
        /// One kind of failure. Its status, issue type and advice stand in [`TABLE`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[doc = $doc])+ $code,)* }

        /// What every failure means, its status, issue type, detail code and advice.
        pub const TABLE: &[Row] = &[$(ErrorCode::$code.row()),*];

        impl ErrorCode {
            /// The row of [`TABLE`] for this failure.
            pub const fn row(self) -> Row {
                match self {
                    $(ErrorCode::$code => Row {
                        code: ErrorCode::$code,
                        meaning: concat!($($doc),+),
                        status: $status,
                        issue_type: $issue,
                        detail: $detail,
                        advice: $advice,
                    }),*
                }
            }
        }
    };
}

table! {
    /// The request is not HTTP/1.1 as it should be: its first line, a header, or how it says where its body ends.
    MalformedRequest 400 "structure" "INVALID_REQUEST" "Send a request as RFC 9112 has it, with an address of at most 64 KiB.";
    /// The head of the request is longer than is read, or has too many headers.
    HeadTooLarge 431 "too-long" "TOO_LARGE" "Send fewer or shorter headers; send a search as a form to _search.";
    /// The body is not JSON (or has trailing data, or is too deep).
    MalformedBody 400 "structure" "INVALID_JSON" "Send one well-formed JSON document.";
    /// The body breaks R4's structure: unknown element, wrong type, wrong cardinality.
    InvalidStructure 400 "structure" "INVALID_STRUCTURE" "Send the elements that FHIR R4 defines for this type, each in the form it defines.";
    /// A required element is missing.
    MissingElement 400 "required" "MISSING_VALUE" "Send the missing element.";
    /// A value breaks the format or range of its type.
    InvalidValue 400 "value" "INVALID_VALUE" "Send a value in the format that FHIR R4 gives for this type.";
    /// A code outside a required binding.
    InvalidCode 400 "code-invalid" "INVALID_CODE" "Send one of the codes of the bound value set.";
    /// An R4 invariant or a business rule is broken.
    Invariant 422 "invariant" "INVARIANT_VIOLATED" "Change the resource so that the rule holds.";
    /// An operation of a patch does not apply to the resource.
    PatchFailed 422 "processing" "PATCH_FAILED" "Read the current version and send a patch that applies to it.";
    /// An NHS number without ten digits or with a wrong check digit.
    InvalidNhsNumber 422 "value" "INVALID_NHS_NUMBER" "Send the NHS number as ten digits with a right check digit.";
    /// A parameter of the request is wrong.
    InvalidParameter 400 "value" "INVALID_PARAMETER" "Correct the parameter named.";
    /// A header of the request is wrong.
    InvalidHeader 400 "value" "INVALID_HEADER" "Correct the header named.";
    /// A search parameter this server does not know.
    UnknownParameter 400 "not-supported" "UNKNOWN_PARAMETER" "Leave the parameter out, or send 'Prefer: handling=lenient' to have it ignored.";
    /// A feature of the specification that this server does not do.
    NotSupported 400 "not-supported" "NOT_SUPPORTED" "See the CapabilityStatement at /metadata for what is supported.";
    /// The type is not an R4 resource type with an endpoint.
    UnknownType 404 "not-supported" "UNKNOWN_RESOURCE_TYPE" "Use one of the resource types of FHIR R4; they are case-sensitive.";
    /// No such interaction at this address.
    NotFoundRoute 404 "not-found" "NO_RECORD_FOUND" "See the CapabilityStatement at /metadata for the addresses this server has.";
    /// The resource does not exist, or the caller may not know that it does.
    NotFound 404 "not-found" "RESOURCE_NOT_FOUND" "Check the type and the id.";
    /// The resource was deleted.
    Gone 410 "deleted" "RESOURCE_DELETED" "The resource was deleted; its history can still be read.";
    /// The method is not offered at this address.
    MethodNotAllowed 405 "not-supported" "METHOD_NOT_ALLOWED" "Use one of the methods in the Allow header.";
    /// No answer form that the caller accepts.
    NotAcceptable 406 "not-supported" "NOT_ACCEPTABLE" "Ask for application/fhir+json.";
    /// The body's media type is not one that is read here.
    UnsupportedMediaType 415 "not-supported" "UNSUPPORTED_MEDIA_TYPE" "Send application/fhir+json.";
    /// `If-Match` names another version than the current one.
    VersionMismatch 412 "conflict" "RESOURCE_VERSION_MISMATCH" "Read the current version, apply the change to it and send its ETag in If-Match.";
    /// A conditional URL selects several resources.
    MultipleMatches 412 "multiple-matches" "TOO_MANY_MATCHES" "Make the condition select at most one resource.";
    /// A search in place of a reference selects none.
    NoMatch 412 "not-found" "NO_MATCH" "Make the search select the resource that is meant, or create that in the same transaction.";
    /// A condition that would select everything.
    NotSelective 412 "required" "CONDITION_NOT_SELECTIVE" "Give the condition at least one search parameter.";
    /// The request contradicts the state of the store.
    Conflict 409 "conflict" "CONFLICT" "Read the current state and try again.";
    /// The search parameter is known, but not every resource has been indexed under it yet.
    BeingIndexed 400 "transient" "BEING_INDEXED" "Wait until the search parameter is in the CapabilityStatement at /metadata, then search again.";
    /// Two entries of a transaction change the same resource.
    DuplicateTarget 400 "duplicate" "DUPLICATE_TARGET" "Change each resource in one entry of the transaction only.";
    /// No token, or one that is not valid.
    Unauthenticated 401 "login" "ACCESS_DENIED" "Send a valid access token in the Authorization header.";
    /// The token does not allow this.
    Forbidden 403 "forbidden" "ACCESS_DENIED" "Ask for a token whose scope covers this interaction.";
    /// The body or the page asked for is larger than the limit.
    TooLarge 413 "too-long" "TOO_LARGE" "Send less in one request.";
    /// The query of the address is longer than the limit.
    QueryTooLong 414 "too-long" "TOO_LARGE" "Send the search as a form to _search.";
    /// Too many requests from this caller.
    Throttled 429 "throttled" "TOO_MANY_REQUESTS" "Wait for the time in Retry-After.";
    /// The server has as much work as it can hold; try again.
    Busy 503 "transient" "SERVICE_UNAVAILABLE" "Wait for the time in Retry-After, then send the same request again.";
    /// The request did not come within the time it may take.
    SlowBody 408 "timeout" "REQUEST_TIMEOUT" "Send the request at once, its body perhaps in smaller requests.";
    /// The work took longer than a request may.
    Timeout 504 "timeout" "TIMEOUT" "Ask for less, or try again later.";
    /// The store has no room left.
    StoreFull 507 "no-store" "SERVICE_UNAVAILABLE" "Tell the operator that the store is full.";
    /// A fault of the server. The cause goes to the log, not to the caller.
    Internal 500 "exception" "INTERNAL_SERVER_ERROR" "Try again; if it happens again, tell the operator the request id.";
}
