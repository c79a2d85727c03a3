//! The files beside a program.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::SettingsError;

/// The names and values of one file.
type Pairs = Vec<(String, String)>;

/// The assignments of `.env` and `.env.local` in a directory, the file that wins last; a file that is not there has none.
///
/// # Errors
/// [`SettingsError`] when a file cannot be read or holds a line that is no assignment. The line at fault is not shown, for
/// it may hold a secret.
pub fn env_files(directory: &Path) -> Result<[(&'static str, Pairs); 2], SettingsError> {
    let [under, over] = [".env", ".env.local"];
    Ok([(under, pairs(directory.join(under))?), (over, pairs(directory.join(over))?)])
}

fn pairs(path: PathBuf) -> Result<Pairs, SettingsError> {
    let text = read(&path)?.unwrap_or_default();
    let pairs = dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>();
    pairs.map_err(|_quotes_the_line| SettingsError::NotEnv { path })
}

/// The text of a file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, SettingsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(SettingsError::Unreadable { path: path.to_owned(), cause }),
    }
}
