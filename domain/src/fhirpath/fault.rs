//! Why an expression cannot be read or evaluated.

use crate::error::{Error, ErrorCode};

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The text is not a FHIRPath expression.
    Syntax,
    /// It names a function, type or element that there is not.
    Semantic,
    /// It asks for something that has no answer over this input: a list where one item is needed, `'a' < 1`.
    Execution,
    /// It asks for something this engine does not do.
    Unsupported,
    /// It asks for more work than one evaluation may take.
    Limit,
}

/// Why an expression cannot be read or evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// A sentence without its full stop.
    pub message: String,
    /// The character of the expression at which it was met, from 1; known of syntax faults.
    pub position: Option<usize>,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, message: impl Into<String>) -> Fault {
        Fault { kind, message: message.into(), position: None }
    }

    pub(super) fn semantic(message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Semantic, message)
    }

    pub(super) fn execution(message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Execution, message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Unsupported, message)
    }

    pub(super) fn limit() -> Fault {
        Fault::new(FaultKind::Limit, "the expression takes more work than one evaluation may")
    }

    /// The fault as the answer to a request that sent `expression`.
    pub fn into_error(self, expression: &str) -> Error {
        let code = match self.kind {
            FaultKind::Unsupported => ErrorCode::NotSupported,
            _ => ErrorCode::InvalidValue,
        };
        let shown: String = expression.chars().take(200).collect();
        Error::new(code, format!("The FHIRPath expression '{shown}' cannot be used: {self}."))
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.position {
            Some(position) => write!(f, "{} (at character {position})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Fault {}
