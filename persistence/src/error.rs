//! Database failures as the domain's errors. SQL and values never reach the caller or the log.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::{Error, ErrorCode};

/// Seconds after which a client may try again.
const RETRY_AFTER: u32 = 2;

/// A busy store.
pub(crate) fn busy(why: &'static str) -> Error {
    let mut error = Error::new(ErrorCode::Busy, why);
    error.retry_after = Some(RETRY_AFTER);
    error
}

/// What PostgreSQL's client library says when the server is gone, in the words that it does not translate by default.
const GONE: [&str; 8] = [
    "server closed the connection",
    "no connection to the server",
    "terminating connection",
    "connection to server",
    "could not connect",
    "could not receive data",
    "could not send data",
    "the database system is",
];

/// Whether the connection is of no more use.
pub(crate) fn is_lost(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
        | DieselError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _) => true,
        DieselError::DatabaseError(_, information) => {
            GONE.iter().any(|words| information.message().contains(words))
        }
        _ => false,
    }
}

/// What a failed statement means to the caller.
pub(crate) fn store_error(error: DieselError) -> Error {
    if is_lost(&error) {
        return busy(
            "The connection to the database was lost. A write may have been done: read before you repeat it.",
        );
    }
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::new(
            ErrorCode::Conflict,
            "Another request wrote the same resource at the same time. Try again.",
        ),
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => {
            busy("The database could not complete the request.")
        }
        DieselError::DatabaseError(kind, information) => {
            let message = information.message();
            if message.contains("database or disk is full") || message.contains("No space left") {
                return Error::new(ErrorCode::StoreFull, "The store has no room left.");
            }
            if message.contains("disk I/O error") {
                return busy("The database cannot use its disk.");
            }
            if message.contains("out of shared memory") {
                return busy("The database has no room for so many locks. Write less in one request.");
            }
            if message.contains("database is locked") || message.contains("deadlock detected") {
                return busy("The database is busy.");
            }
            // A message can quote values; its kind cannot.
            tracing::error!(?kind, "database error");
            Error::internal("a database statement failed")
        }
        other => {
            tracing::error!(kind = %std::any::type_name_of_val(&other), "database error");
            Error::internal("a database statement failed")
        }
    }
}
