//! Every way a request can fail, and the one table that gives each its HTTP status, FHIR issue type and NHS code.
//!
//! The domain speaks of [`ErrorCode`]; HTTP answers and `Bundle.entry.response` read the same [`Row`] of [`TABLE`].

pub mod catalogue;
mod table;

pub use table::{DETAIL_SYSTEM, ErrorCode, Row, TABLE};

use crate::resource::json::write_string;

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
