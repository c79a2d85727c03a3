//! The settings and variables of the working directory and of the process.

use std::collections::BTreeMap;
use std::path::Path;

use settings::{ProcessVars, Settings, Vars, env_files};

/// Where settings are read from, and what relative paths mean.
const DIRECTORY: &str = ".";

/// The configuration of the working directory.
///
/// # Errors
/// When a file or a setting cannot be used; the message names it.
pub(crate) fn settings() -> anyhow::Result<Settings> {
    Ok(Settings::load(Path::new(DIRECTORY), &ProcessVars)?)
}

/// Every variable that a file of organizations may name: `.env`, `.env.local`, and above them the process's own.
///
/// # Errors
/// When a `.env` file is there and cannot be read. The line at fault is not shown, for it may hold a secret.
pub(crate) fn variables() -> anyhow::Result<BTreeMap<String, String>> {
    let files = env_files(Path::new(DIRECTORY))?;
    let mut variables: BTreeMap<_, _> = files.into_iter().flat_map(|(_, pairs)| pairs).collect();
    variables.extend(ProcessVars.iter());
    Ok(variables)
}
