//! The sources of a file: variables for secrets, and the directory of knowledge files.

use std::path::{Path, PathBuf};

/// Named variables, such as those of the environment: the value by the name, `None` when it is not set.
pub type Vars<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where the references of a file lead.
#[derive(Clone)]
pub struct Source<'a> {
    pub(crate) vars: &'a Vars<'a>,
    pub(crate) base_dir: PathBuf,
}

impl<'a> Source<'a> {
    /// Secrets come from `vars`; knowledge patterns are relative to `base_dir`.
    #[must_use]
    pub fn new(vars: &'a Vars<'a>, base_dir: impl AsRef<Path>) -> Self {
        Self { vars, base_dir: base_dir.as_ref().to_owned() }
    }
}
