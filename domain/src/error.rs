//! Every way a request can fail, and the one table that gives each its HTTP status, FHIR issue type and NHS code.
//!
//! The domain speaks of [`ErrorCode`]; HTTP answers and `Bundle.entry.response` read the same [`Row`] of [`TABLE`].

use crate::resource::json::write_string;

/// One kind of failure. Its status, issue type and advice stand in [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The body is not JSON (or has trailing data, or is too deep).
    MalformedBody,
    /// The body breaks R4's structure: unknown element, wrong type, wrong cardinality.
    InvalidStructure,
    /// A required element is missing.
    MissingElement,
    /// A value breaks the format or range of its type.
    InvalidValue,
    /// A code outside a required binding.
    InvalidCode,
    /// An R4 invariant or a business rule is broken.
    Invariant,
    /// An NHS number without ten digits or with a wrong check digit.
    InvalidNhsNumber,
    /// A parameter of the request is wrong.
    InvalidParameter,
    /// A header of the request is wrong.
    InvalidHeader,
    /// A search parameter this server does not know.
    UnknownParameter,
    /// A feature of the specification that this server does not do.
    NotSupported,
    /// The type is not an R4 resource type with an endpoint.
    UnknownType,
    /// No such interaction at this address.
    NotFoundRoute,
    /// The resource does not exist, or the caller may not know that it does.
    NotFound,
    /// The resource was deleted.
    Gone,
    /// The method is not offered at this address.
    MethodNotAllowed,
    /// No answer form that the caller accepts.
    NotAcceptable,
    /// The body's media type is not one that is read here.
    UnsupportedMediaType,
    /// `If-Match` names another version than the current one.
    VersionMismatch,
    /// A conditional URL selects several resources.
    MultipleMatches,
    /// A search in place of a reference selects none.
    NoMatch,
    /// A condition that would select everything.
    NotSelective,
    /// The request contradicts the state of the store.
    Conflict,
    /// The search parameter is known, but not every resource has been indexed under it yet.
    BeingIndexed,
    /// Two entries of a transaction change the same resource.
    DuplicateTarget,
    /// No token, or one that is not valid.
    Unauthenticated,
    /// The token does not allow this.
    Forbidden,
    /// The body or the page asked for is larger than the limit.
    TooLarge,
    /// The query of the address is longer than the limit.
    QueryTooLong,
    /// Too many requests from this caller.
    Throttled,
    /// The server has as much work as it can hold; try again.
    Busy,
    /// The work took longer than a request may.
    Timeout,
    /// The store has no room left.
    StoreFull,
    /// A fault of the server. The cause goes to the log, not to the caller.
    Internal,
}

/// One row of [`TABLE`].
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The failure this row describes.
    pub code: ErrorCode,
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
    ($($code:ident $status:literal $issue:literal $detail:literal $advice:literal;)*) => {
        /// Status, issue type, detail code and advice of every failure.
        pub const TABLE: &[Row] = &[$(Row { code: ErrorCode::$code, status: $status, issue_type: $issue, detail: $detail, advice: $advice }),*];
        impl ErrorCode {
            /// The row of [`TABLE`] for this failure.
            pub const fn row(self) -> Row {
                match self {
                    $(ErrorCode::$code => Row { code: ErrorCode::$code, status: $status, issue_type: $issue, detail: $detail, advice: $advice }),*
                }
            }
        }
    };
}

table! {
    MalformedBody 400 "structure" "INVALID_JSON" "Send one well-formed JSON document.";
    InvalidStructure 400 "structure" "INVALID_STRUCTURE" "Send the elements that FHIR R4 defines for this type, each in the form it defines.";
    MissingElement 400 "required" "MISSING_VALUE" "Send the missing element.";
    InvalidValue 400 "value" "INVALID_VALUE" "Send a value in the format that FHIR R4 gives for this type.";
    InvalidCode 400 "code-invalid" "INVALID_CODE" "Send one of the codes of the bound value set.";
    Invariant 422 "invariant" "INVARIANT_VIOLATED" "Change the resource so that the rule holds.";
    InvalidNhsNumber 422 "value" "INVALID_NHS_NUMBER" "Send the NHS number as ten digits with a right check digit.";
    InvalidParameter 400 "value" "INVALID_PARAMETER" "Correct the parameter named.";
    InvalidHeader 400 "value" "INVALID_HEADER" "Correct the header named.";
    UnknownParameter 400 "not-supported" "UNKNOWN_PARAMETER" "Leave the parameter out, or send 'Prefer: handling=lenient' to have it ignored.";
    NotSupported 400 "not-supported" "NOT_SUPPORTED" "See the CapabilityStatement at /metadata for what is supported.";
    UnknownType 404 "not-supported" "UNKNOWN_RESOURCE_TYPE" "Use one of the resource types of FHIR R4; they are case-sensitive.";
    NotFoundRoute 404 "not-found" "NO_RECORD_FOUND" "See the CapabilityStatement at /metadata for the addresses this server has.";
    NotFound 404 "not-found" "RESOURCE_NOT_FOUND" "Check the type and the id.";
    Gone 410 "deleted" "RESOURCE_DELETED" "The resource was deleted; its history can still be read.";
    MethodNotAllowed 405 "not-supported" "METHOD_NOT_ALLOWED" "Use one of the methods in the Allow header.";
    NotAcceptable 406 "not-supported" "NOT_ACCEPTABLE" "Ask for application/fhir+json.";
    UnsupportedMediaType 415 "not-supported" "UNSUPPORTED_MEDIA_TYPE" "Send application/fhir+json.";
    VersionMismatch 412 "conflict" "RESOURCE_VERSION_MISMATCH" "Read the current version, apply the change to it and send its ETag in If-Match.";
    MultipleMatches 412 "multiple-matches" "TOO_MANY_MATCHES" "Make the condition select at most one resource.";
    NoMatch 412 "not-found" "NO_MATCH" "Make the search select the resource that is meant, or create that in the same transaction.";
    NotSelective 412 "required" "CONDITION_NOT_SELECTIVE" "Give the condition at least one search parameter.";
    Conflict 409 "conflict" "CONFLICT" "Read the current state and try again.";
    BeingIndexed 409 "transient" "BEING_INDEXED" "Wait until the search parameter is in the CapabilityStatement at /metadata, then search again.";
    DuplicateTarget 400 "duplicate" "DUPLICATE_TARGET" "Change each resource in one entry of the transaction only.";
    Unauthenticated 401 "login" "ACCESS_DENIED" "Send a valid access token in the Authorization header.";
    Forbidden 403 "forbidden" "ACCESS_DENIED" "Ask for a token whose scope covers this interaction.";
    TooLarge 413 "too-long" "TOO_LARGE" "Send less in one request.";
    QueryTooLong 414 "too-long" "TOO_LARGE" "Send the search as a form to _search.";
    Throttled 429 "throttled" "TOO_MANY_REQUESTS" "Wait for the time in Retry-After.";
    Busy 503 "transient" "SERVICE_UNAVAILABLE" "Wait for the time in Retry-After, then send the same request again.";
    Timeout 504 "timeout" "TIMEOUT" "Ask for less, or try again later.";
    StoreFull 507 "no-store" "SERVICE_UNAVAILABLE" "Tell the operator that the store is full.";
    Internal 500 "exception" "INTERNAL_SERVER_ERROR" "Try again; if it happens again, tell the operator the request id.";
}

/// `OperationOutcome.issue.severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The interaction failed.
    Error,
    /// It went on, but the caller should know.
    Warning,
    /// For information.
    Information,
}

impl Severity {
    const fn code(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }
}

/// One `OperationOutcome.issue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// What is wrong, as a row of [`TABLE`].
    pub code: ErrorCode,
    /// How bad it is.
    pub severity: Severity,
    /// A sentence for the caller: what is wrong and what to do.
    pub diagnostics: String,
    /// FHIRPath of the fault, for example `Patient.name[0].family`.
    pub expression: Option<String>,
}

impl Issue {
    /// An issue of severity error without a place.
    pub fn error(code: ErrorCode, diagnostics: impl Into<String>) -> Issue {
        Issue { code, severity: Severity::Error, diagnostics: diagnostics.into(), expression: None }
    }

    /// An issue of severity warning without a place.
    pub fn warning(code: ErrorCode, diagnostics: impl Into<String>) -> Issue {
        Issue { severity: Severity::Warning, ..Issue::error(code, diagnostics) }
    }

    /// The same issue at the FHIRPath `expression`.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Issue {
        self.expression = Some(expression.into());
        self
    }
}

/// A failed interaction: one issue or more, the first of which gives the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    issues: Vec<Issue>,
    /// Seconds after which a repeat may succeed (`Retry-After`), for [`ErrorCode::Busy`] and [`ErrorCode::Throttled`].
    pub retry_after: Option<u32>,
}

impl Error {
    /// An error of one issue.
    pub fn new(code: ErrorCode, diagnostics: impl Into<String>) -> Error {
        Error::from(Issue::error(code, diagnostics))
    }

    /// An error of several issues; `None` when there are none of severity error.
    ///
    /// Issues that give the lowest status come first: a body that breaks the structure (400) is told before
    /// rules it breaks (422).
    pub fn of(mut issues: Vec<Issue>) -> Option<Error> {
        issues.iter().any(|issue| issue.severity == Severity::Error).then(|| {
            issues.sort_by_key(|issue| (issue.severity != Severity::Error, issue.code.row().status));
            Error { issues, retry_after: None }
        })
    }

    /// An internal error. The cause is logged here; the caller only learns that there was one.
    pub fn internal(cause: impl std::fmt::Display) -> Error {
        tracing::error!(%cause, "internal error");
        Error::new(ErrorCode::Internal, "The server could not complete the request.")
    }

    /// The same error with its (first) fault at the FHIRPath `expression`.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Error {
        if let Some(first) = self.issues.first_mut() {
            first.expression = Some(expression.into());
        }
        self
    }

    /// The same error with every fault's path put below `prefix` (`Bundle.entry[3].resource`).
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Error {
        for issue in &mut self.issues {
            issue.expression = Some(match issue.expression.take() {
                // `Patient.name` of an entry's resource stands at `Bundle.entry[0].resource.name`.
                Some(inner) if inner.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    match inner.find(['.', '[']) {
                        Some(at) => format!("{prefix}{}", inner.get(at..).unwrap_or_default()),
                        None => prefix.to_owned(),
                    }
                }
                Some(inner) => format!("{prefix}.{inner}"),
                None => prefix.to_owned(),
            });
        }
        self
    }

    /// The kind of the first issue.
    pub fn code(&self) -> ErrorCode {
        self.issues.first().map_or(ErrorCode::Internal, |issue| issue.code)
    }

    /// HTTP status, from [`TABLE`].
    pub fn status(&self) -> u16 {
        self.code().row().status
    }

    /// The issues, to join them with others.
    pub fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    /// The issues, most telling first.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// This error as an OperationOutcome in JSON.
    pub fn to_outcome(&self) -> Vec<u8> {
        outcome(&self.issues)
    }
}

impl From<Issue> for Error {
    fn from(issue: Issue) -> Error {
        Error { issues: vec![issue], retry_after: None }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.issues.first() {
            Some(issue) => write!(f, "{}: {}", issue.code.row().detail, issue.diagnostics),
            None => f.write_str("error without an issue"),
        }
    }
}

impl std::error::Error for Error {}

/// An OperationOutcome of `issues` in JSON (`FHIR R4 operationoutcome.html`). No issue at all becomes one "All OK".
pub fn outcome(issues: &[Issue]) -> Vec<u8> {
    if issues.is_empty() {
        return information("All OK");
    }
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(br#"{"resourceType":"OperationOutcome","issue":["#);
    for (n, issue) in issues.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        let row = issue.code.row();
        let head = format!(
            r#"{{"severity":"{}","code":"{}","details":{{"coding":[{{"system":"{DETAIL_SYSTEM}","code":"{}"}}]}},"diagnostics":"#,
            issue.severity.code(),
            row.issue_type,
            row.detail
        );
        out.extend_from_slice(head.as_bytes());
        write_string(&issue.diagnostics, &mut out);
        if let Some(expression) = &issue.expression {
            out.extend_from_slice(br#","expression":["#);
            write_string(expression, &mut out);
            out.push(b']');
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

/// An OperationOutcome that tells of no fault.
pub fn information(diagnostics: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(br#"{"resourceType":"OperationOutcome","issue":[{"severity":"information","#);
    out.extend_from_slice(br#""code":"informational","diagnostics":"#);
    write_string(diagnostics, &mut out);
    out.extend_from_slice(b"}]}");
    out
}
