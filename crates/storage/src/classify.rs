//! Sorts the databases' failures into those that pass, those that a constraint raised, and the rest.

use diesel::result::{DatabaseErrorKind, Error};

use crate::error::{ErrorKind, StorageError};

/// Texts of servers and SQLite when the same work may succeed later. The driver keeps the code of a failure to itself
/// where it knows no kind for it, so the text decides: every connection sets the server's messages to English, or is
/// refused. A failure on a connection that is closed is transient anyway.
const TRANSIENT: [&str; 20] = [
    "terminating connection",
    "the database system is",
    "statement timeout",
    "lock timeout",
    "idle-in-transaction timeout",
    "canceling statement due to user request",
    "deadlock detected",
    "too many clients",
    "remaining connection slots",
    "no space left on device",
    "file too large",
    "out of memory",
    "out of shared memory",
    "database is locked",
    "database table is locked",
    "database schema is locked",
    "disk i/o error",
    "database or disk is full",
    "unable to open database file",
    "cannot execute",
];

/// The sentence of a trigger of the migrations, which stands behind its code: `GW001: …`.
fn raised(message: &str) -> Option<&str> {
    let (code, sentence) = message.split_once(": ")?;
    let number = code.strip_prefix("GW")?;
    (number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(sentence)
}

impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        let Error::DatabaseError(kind, information) = &error else {
            return Self::rejected(error);
        };
        let message = information.message();
        if let Some(sentence) = raised(message) {
            return Self::Conflict { reason: sentence.to_owned() };
        }
        match kind {
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction => Self::unavailable(error),
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ExclusionViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::RestrictViolation
            | DatabaseErrorKind::CheckViolation => Self::Conflict { reason: message.to_owned() },
            _ if says(message, &TRANSIENT) => Self::unavailable(error),
            _ => Self::rejected(error),
        }
    }
}

/// Whether a failure lies in the session, so that the same work may go on in another one: the connection is gone, or the
/// session is of a time when the server took no writes, or of a server that still takes none.
pub(crate) fn needs_new_session(error: &Error) -> bool {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        ) => true,
        Error::DatabaseError(_, information) => {
            says(information.message(), &["terminating connection", "the database system is"])
        }
        _ => false,
    }
}

/// Whether a failure comes of what another transaction does at the moment: the same work may go through when it is over.
pub(crate) fn is_held_up(error: &StorageError) -> bool {
    match error {
        StorageError::Unavailable(cause) => {
            says(&cause.to_string(), &["lock timeout", "statement timeout", "deadlock detected"])
        }
        _ => false,
    }
}

/// Whether a failure of a transaction may lie in what it wanted to write: then parts of it may succeed. Where the
/// database is away or full, every part fails alike.
pub(crate) fn is_about_rows(error: &StorageError) -> bool {
    match error {
        StorageError::Unavailable(_) => is_held_up(error),
        StorageError::Configuration(_) => false,
        StorageError::Rejected(_)
        | StorageError::Conflict { .. }
        | StorageError::Inconsistent { .. }
        | StorageError::Sealed => true,
    }
}

/// An error with everything that caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn says(message: &str, texts: &[&str]) -> bool {
    let message = message.to_lowercase();
    texts.iter().any(|text| message.contains(text))
}

impl StorageError {
    /// The same failure for another who waited for the same work.
    pub(crate) fn again(&self) -> Self {
        match (self, self.kind()) {
            (Self::Inconsistent { table, column, row }, _) => {
                Self::Inconsistent { table, column, row: row.clone() }
            }
            (_, ErrorKind::Transient) => Self::unavailable(chain(self)),
            (_, ErrorKind::Conflict | ErrorKind::Internal) => Self::rejected(chain(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn failure(kind: DatabaseErrorKind, message: &str) -> StorageError {
        Error::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn passing_failures_are_transient() {
        for message in [
            "terminating connection due to administrator command",
            "canceling statement due to statement timeout",
            "could not extend file \"base/16384/2619\": No space left on device",
            "sorry, too many clients already",
            "database is locked",
            "database or disk is full",
            "disk I/O error",
        ] {
            assert_eq!(
                failure(DatabaseErrorKind::Unknown, message).kind(),
                ErrorKind::Transient,
                "{message}"
            );
        }
        assert_eq!(failure(DatabaseErrorKind::SerializationFailure, "").kind(), ErrorKind::Transient);
        assert_eq!(
            failure(DatabaseErrorKind::UnableToSendCommand, "connection closed").kind(),
            ErrorKind::Transient
        );
    }

    #[test]
    fn constraints_keep_their_sentence() {
        let error = failure(
            DatabaseErrorKind::UniqueViolation,
            "GW001: assistant_id \"asst_x\" already belongs to somebody",
        );
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.to_string(), "assistant_id \"asst_x\" already belongs to somebody");
        // SQLite's triggers have no code of their own.
        assert_eq!(
            failure(DatabaseErrorKind::Unknown, "GW006: appointments_no_double_booking").kind(),
            ErrorKind::Conflict
        );
        for other in ["GW06: x", "GW00x: y", "no GW001: z", "GW001"] {
            assert_eq!(failure(DatabaseErrorKind::Unknown, other).kind(), ErrorKind::Internal, "{other}");
        }
    }

    #[test]
    fn everything_else_is_ours() {
        assert_eq!(
            failure(DatabaseErrorKind::Unknown, "column \"x\" does not exist").kind(),
            ErrorKind::Internal
        );
        assert_eq!(failure(DatabaseErrorKind::NotNullViolation, "null value").kind(), ErrorKind::Internal);
    }
}
