//! The sources of a file: variables for secrets, and the directory of knowledge files.

use std::path::{Path, PathBuf};

/// Named variables, such as those of the environment.
pub trait Vars {
    /// The value of a variable, `None` when it is not set.
    fn get(&self, key: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Vars for F {
    fn get(&self, key: &str) -> Option<String> {
        self(key)
    }
}

/// Where the references of a file lead.
#[derive(Clone)]
pub struct Source<'a> {
    pub(crate) vars: &'a dyn Vars,
    pub(crate) base_dir: PathBuf,
}

impl<'a> Source<'a> {
    /// Secrets come from `vars`; knowledge patterns are relative to `base_dir`.
    #[must_use]
    pub fn new(vars: &'a dyn Vars, base_dir: impl AsRef<Path>) -> Self {
        Self { vars, base_dir: base_dir.as_ref().to_owned() }
    }
}
