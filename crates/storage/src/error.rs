//! Failures of the store.

use std::error::Error;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The database is out of reach, full or too busy; the same work may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The database refused the statement; the same work fails again.
    #[error("the database refused the statement")]
    Rejected(#[source] Box<dyn Error + Send + Sync>),
    /// A constraint stands against the write, such as an identifier's second owner.
    #[error("{reason}")]
    Conflict {
        /// The constraint's own sentence.
        reason: String,
    },
    /// A row is missing or makes no sense.
    #[error("corrupt data in {table}.{column}, row {row}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        row: String,
    },
    /// A sealed value cannot be opened with the keys at hand.
    #[error("a sealed value cannot be opened with the keys at hand")]
    Sealed,
    /// The configuration cannot work.
    #[error("{0}")]
    Configuration(String),
}

/// The families of failures, for whoever answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Try later.
    Transient,
    /// The request cannot be done as things stand.
    Conflict,
    /// A fault of ours.
    Internal,
}

impl StorageError {
    /// The same work may succeed later.
    pub(crate) fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// The same work fails again.
    pub(crate) fn rejected(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Rejected(cause.into())
    }

    /// The row is missing, or its column makes no sense.
    pub(crate) fn inconsistent(table: &'static str, column: &'static str, row: &impl ToString) -> Self {
        Self::Inconsistent { table, column, row: row.to_string() }
    }

    /// The failure's family.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) => ErrorKind::Transient,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Rejected(_) | Self::Inconsistent { .. } | Self::Sealed | Self::Configuration(_) => {
                ErrorKind::Internal
            }
        }
    }
}
