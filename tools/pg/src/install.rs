//! On Debian as root: the distribution's PostgreSQL, without the cluster that its package would start.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::process::geteuid;

use job::process;

/// The package reads it before it makes its own cluster.
const SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";

/// Says whether this machine lets us install: Debian or a relative, as root.
pub(super) fn possible() -> bool {
    geteuid().is_root() && Path::new("/usr/bin/apt-get").exists()
}

/// Installs the server.
///
/// # Errors
/// If the package manager fails.
pub(super) fn run() -> Result<()> {
    println!("PostgreSQL is not installed: installing the distribution's package");
    process::run(apt_get().args(["update", "-qq"]))?;
    // The common part comes first: it brings the settings file, which the server's own package obeys.
    process::run(apt_get().args(["install", "-y", "-qq", "--no-install-recommends", "postgresql-common"]))?;
    let _settings = WithoutCluster::set(Path::new(SETTINGS))?;
    process::run(apt_get().args(["install", "-y", "-qq", "--no-install-recommends", "postgresql"]))
}

/// Installs the sources of locales.
///
/// # Errors
/// If the package manager fails.
pub(super) fn locales() -> Result<()> {
    println!("no sources of locales are installed: installing the distribution's package");
    process::run(apt_get().args(["update", "-qq"]))?;
    process::run(apt_get().args(["install", "-y", "-qq", "--no-install-recommends", "locales"]))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// The settings file with the package's own cluster switched off; dropped, it is as it was.
struct WithoutCluster<'a> {
    path: &'a Path,
    original: Option<String>,
}

impl<'a> WithoutCluster<'a> {
    fn set(path: &'a Path) -> Result<Self> {
        let original = fs::read_to_string(path).ok();
        let changed = without_cluster(original.as_deref().unwrap_or_default());
        fs::write(path, changed).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, original })
    }
}

impl Drop for WithoutCluster<'_> {
    fn drop(&mut self) {
        let restored = match &self.original {
            Some(text) => fs::write(self.path, text),
            None => fs::remove_file(self.path),
        };
        if let Err(error) = restored {
            eprintln!("pg: cannot restore {}: {error}", self.path.display());
        }
    }
}

/// Returns the settings with the package's own cluster switched off, whatever they said before.
fn without_cluster(settings: &str) -> String {
    let others = settings.lines().filter(|line| !line.trim_start().starts_with("create_main_cluster"));
    others.chain(["create_main_cluster = false", ""]).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_is_set_once_and_the_rest_stays() {
        let shipped = "# a comment\n#create_main_cluster = true\nssl = on\n";
        assert_eq!(
            without_cluster(shipped),
            "# a comment\n#create_main_cluster = true\nssl = on\ncreate_main_cluster = false\n"
        );
        assert_eq!(
            without_cluster("create_main_cluster = true\nssl = on"),
            "ssl = on\ncreate_main_cluster = false\n"
        );
    }

    #[test]
    fn the_file_is_as_it_was_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("createcluster.conf");
        drop(WithoutCluster::set(&path).unwrap());
        assert!(!path.exists());

        fs::write(&path, "ssl = on\n").unwrap();
        let guard = WithoutCluster::set(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "ssl = on\ncreate_main_cluster = false\n");
        drop(guard);
        assert_eq!(fs::read_to_string(&path).unwrap(), "ssl = on\n");
    }
}
