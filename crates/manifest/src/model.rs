//! The declarations of a valid file.

use std::path::Path;

use tenant::Organization;

use crate::check::check;
use crate::error::{ManifestError, Problem, json_form, toml_form};
use crate::file::File;
use crate::source::{Source, Vars};

/// The organizations of one file.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// In the order of the file.
    pub organizations: Vec<Organization>,
    /// What is taken and had better be otherwise, such as a short secret.
    pub warnings: Vec<Problem>,
}

impl Manifest {
    /// Reads the TOML form.
    ///
    /// # Errors
    /// [`ManifestError::Form`] when the text does not have the form, [`ManifestError::Invalid`] with every mistake else.
    pub fn from_toml(text: &str, source: &Source<'_>) -> Result<Self, ManifestError> {
        let file: File = toml::from_str(text).map_err(|error| toml_form(text, &error))?;
        Self::checked(file, source)
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ManifestError::Form`] when the text does not have the form, [`ManifestError::Invalid`] with every mistake else.
    pub fn from_json(text: &str, source: &Source<'_>) -> Result<Self, ManifestError> {
        let file: File = serde_json::from_str(text).map_err(|error| json_form(&error))?;
        Self::checked(file, source)
    }

    fn checked(file: File, source: &Source<'_>) -> Result<Self, ManifestError> {
        let (organizations, warnings) = check(file, source)?;
        Ok(Self { organizations, warnings })
    }

    /// Reads a file: JSON when its name ends in `.json`, else TOML; knowledge patterns are relative to its directory.
    ///
    /// # Errors
    /// [`ManifestError::Read`] when the file cannot be read, else as for its form.
    pub fn load(path: &Path, vars: &Vars<'_>) -> Result<Self, ManifestError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
        let source = Source::new(vars, path.parent().unwrap_or(Path::new("")));
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            Self::from_json(&text, &source)
        } else {
            Self::from_toml(&text, &source)
        }
    }
}
