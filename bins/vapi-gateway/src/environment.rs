//! The settings and variables of the working directory and of the process.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use server::{Config, ProcessVars, Vars};

/// Where settings are read from, and what relative paths mean.
const DIRECTORY: &str = ".";

/// The configuration of the working directory.
///
/// # Errors
/// When a file or a setting cannot be used; the message names it.
pub(crate) fn config() -> anyhow::Result<Config> {
    Ok(Config::load(Path::new(DIRECTORY), &ProcessVars)?)
}

/// Every variable that a file of organizations may name: `.env`, `.env.local`, and above them the process's own.
///
/// # Errors
/// When a `.env` file is there and cannot be read. The line at fault is not shown, for it may hold a secret.
pub(crate) fn variables() -> anyhow::Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for name in [".env", ".env.local"] {
        match std::fs::read(Path::new(DIRECTORY).join(name)) {
            Ok(text) => {
                for pair in dotenvy::from_read_iter(text.as_slice()) {
                    let (key, value) =
                        pair.ok().with_context(|| format!("{name} holds a line that is no assignment"))?;
                    variables.insert(key, value);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
        }
    }
    variables.extend(ProcessVars.iter());
    Ok(variables)
}
