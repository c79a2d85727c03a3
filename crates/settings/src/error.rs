//! Why settings cannot be used.

use std::path::PathBuf;

/// Settings that cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A file is there and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A `.env` file holds a line that is no assignment.
    #[error("{} holds a line that is no assignment", path.display())]
    NotEnv {
        /// The file.
        path: PathBuf,
    },
    /// There is no such setting.
    #[error("{key} in {origin} is no setting of the gateway")]
    UnknownKey {
        /// The setting as it was written.
        key: String,
        /// The file, or `the environment`.
        origin: String,
    },
    /// A file or a value has the wrong form.
    #[error("the configuration cannot be read")]
    Value(#[from] config::ConfigError),
    /// Settings that cannot be together, or one that is missing.
    #[error("{0}")]
    Invalid(&'static str),
}
