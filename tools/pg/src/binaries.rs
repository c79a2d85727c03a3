//! Where the server's programs are. Distributions keep them off the path.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{OLDEST, SERVER_URL, install};

/// Directories whose children are one installed version each.
const VERSIONED: &[&str] = &[
    "/usr/lib/postgresql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/usr/local/lib/postgresql",
    "/Library/PostgreSQL",
    "/Applications/Postgres.app/Contents/Versions",
    "/opt/postgresql",
];

/// Directories that hold one version.
const PLAIN: &[&str] = &["/usr/pgsql/bin", "/usr/local/pgsql/bin", "/opt/homebrew/bin", "/usr/local/bin"];

/// The directory of a PostgreSQL installation's server programs.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// Prepares a call of one of the programs, without the settings of the user's own PostgreSQL.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.directory.join(program));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C");
        command
    }
}

/// Finds the server's programs; on Debian as root, installs them when there are none.
///
/// # Errors
/// If there are none and they cannot be installed; the text says what to install.
pub(super) fn find_or_install() -> Result<Binaries> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if install::possible() {
        install::run()?;
        if let Some(found) = find() {
            return Ok(found);
        }
    }
    bail!(
        "no PostgreSQL {OLDEST} or newer was found: install its server (Debian and Ubuntu: `apt-get install \
         postgresql`, macOS: `brew install postgresql`), or set {SERVER_URL} to a superuser's URL of a running one"
    )
}

fn find() -> Option<Binaries> {
    let directory =
        candidates().into_iter().find(|directory| version(directory).is_some_and(|it| it >= OLDEST))?;
    Some(Binaries { directory })
}

/// Lists where the programs may be, the user's own choice first, then the newest.
fn candidates() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        found.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    found.extend(VERSIONED.iter().flat_map(|parent| versions_below(Path::new(parent))));
    found.extend(PLAIN.iter().map(PathBuf::from));
    found
}

/// Lists the `bin` of every version below a directory, the newest first.
fn versions_below(parent: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((version_in_name(&entry.file_name())?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, path)| path).collect()
}

/// Reads the version in `15`, `postgresql@17` or `16.4`.
fn version_in_name(name: &OsStr) -> Option<u32> {
    let name = name.to_str()?;
    let number = name.strip_prefix("postgresql@").unwrap_or(name);
    number.split('.').next()?.parse().ok()
}

/// Asks a directory's server for its major version; `None` if it holds no complete server.
fn version(directory: &Path) -> Option<u32> {
    if !directory.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(directory.join("postgres")).arg("--version").output().ok()?;
    major_version(&String::from_utf8(output.stdout).ok()?)
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and `17beta1` too.
fn major_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("(PostgreSQL) ")?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_servers_print() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 17beta1", Some(17)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres (EnterpriseDB) 15.1", None),
            ("", None),
        ] {
            assert_eq!(major_version(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_newest_version_comes_first_and_by_number() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["9.6", "postgresql@16", "17", "common", "100"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let found = versions_below(parent.path());
        let expected = ["100", "17", "postgresql@16", "9.6"].map(|name| parent.path().join(name).join("bin"));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_directory_that_is_not_there_holds_no_version() {
        assert!(versions_below(Path::new("/no/such/directory")).is_empty());
        assert_eq!(version(Path::new("/no/such/directory")), None);
    }
}
