//! Why a file cannot be used.

use std::fmt;
use std::path::PathBuf;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The text is not TOML or JSON, or has a key or type that the form does not know.
    ///
    /// The message never quotes the text, because a secret may stand on that line.
    #[error("line {line}, column {column}: {message}")]
    Form {
        /// Line in the text, from 1.
        line: usize,
        /// Column in the line, from 1, in characters for TOML and bytes for JSON.
        column: usize,
        /// The mistake there.
        message: String,
    },
    /// The form is right, and what it says is not; every mistake is listed.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

/// Places a TOML error in its text, leaving out the line that the parser would quote.
pub(crate) fn toml_form(text: &str, error: &toml::de::Error) -> ManifestError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ManifestError::Form { line, column, message: error.message().to_owned() }
}

/// Places a JSON error.
pub(crate) fn json_form(error: &serde_json::Error) -> ManifestError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let message = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text).to_owned();
    ManifestError::Form { line, column, message }
}

/// One mistake. It never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The organization's slug, or its place in the file when it has none.
    pub organization: String,
    /// The path of the field within the organization, such as `phone_numbers[0].number`.
    pub field: String,
    /// The mistake.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "organization {}, {}: {}", self.organization, self.field, self.reason)
    }
}

pub(crate) fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
