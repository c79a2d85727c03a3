//! The workspace as cargo describes it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::process;

/// The output of `cargo metadata`, as far as the jobs need it.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// Every package of the graph.
    pub packages: Vec<Package>,
    /// The ids of our own packages.
    pub workspace_members: Vec<String>,
    /// Where cargo builds.
    pub target_directory: PathBuf,
}

/// One package of the dependency graph.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Cargo's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The oldest compiler that it states.
    pub rust_version: Option<String>,
    /// Its dependencies.
    pub dependencies: Vec<Dependency>,
    /// The registries that it may go to; `None` is any of them.
    pub publish: Option<Vec<String>>,
    /// Its features.
    pub features: BTreeMap<String, Vec<String>>,
}

/// One line of a package's dependency tables.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// `None` for ordinary dependencies, else `dev` or `build`.
    pub kind: Option<String>,
}

impl Package {
    /// Whether it may be published.
    pub fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }
}

impl Metadata {
    /// Asks cargo.
    ///
    /// # Errors
    /// If cargo fails or answers in an unknown form.
    pub fn read() -> Result<Self> {
        let text = process::output(cargo().args(["metadata", "--format-version", "1", "--all-features"]))?;
        serde_json::from_str(&text).context("cannot read what `cargo metadata` printed")
    }

    /// Lists the workspace's own packages.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}

/// Returns the workspace's top directory.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own)
}

/// Prepares a call of the cargo that runs this program, in the workspace's top directory.
pub fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Prepares a call of a program that may call cargo, in the workspace's top directory.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    // Cargo's variables for this package would be taken for settings by build scripts that ask for them, and make
    // the same build by hand and by a job two builds.
    let own = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    for (name, _) in std::env::vars_os() {
        if own.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            command.env_remove(name);
        }
    }
    command
}

/// Builds a selection of the workspace and returns the path of one of its programs.
///
/// # Errors
/// If it does not build, or holds no such program.
pub fn program(name: &str, selection: &[&str]) -> Result<PathBuf> {
    let [program] = programs([name], selection)?;
    Ok(program)
}

/// Builds a selection of the workspace and returns the paths of some of its programs.
///
/// # Errors
/// If it does not build, or holds no such program.
pub fn programs<const N: usize>(names: [&str; N], selection: &[&str]) -> Result<[PathBuf; N]> {
    let mut found = names.map(|_| PathBuf::new());
    let mut build = cargo();
    build.arg("build").args(selection).arg("--message-format=json-render-diagnostics");
    process::run_lines(&mut build, |line| {
        for (name, path) in names.iter().zip(&mut found) {
            if let Some(program) = executable(name, line) {
                *path = program;
            }
        }
    })?;
    for (name, path) in names.iter().zip(&found) {
        ensure!(path.is_file(), "cargo built no program {name}");
    }
    Ok(found)
}

/// Reads the program's path in one of cargo's messages, if it is about the program and not about its tests.
fn executable(name: &str, message: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Artifact {
        target: Target,
        profile: Profile,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
        kind: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Profile {
        test: bool,
    }
    let artifact: Artifact = serde_json::from_str(message).ok()?;
    let is_program = artifact.target.name == name && artifact.target.kind == ["bin"];
    artifact.executable.filter(|_| is_program && !artifact.profile.test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_told_from_its_tests() {
        let message = |kind: &str, test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","target":{{"name":"vapi-gateway","kind":["{kind}"]}},
                    "profile":{{"test":{test}}},"executable":"/t/vapi-gateway","fresh":true}}"#
            )
        };
        assert_eq!(
            executable("vapi-gateway", &message("bin", false)),
            Some(PathBuf::from("/t/vapi-gateway"))
        );
        for other in
            [message("bin", true), message("test", false), r#"{"reason":"build-finished"}"#.to_owned()]
        {
            assert_eq!(executable("vapi-gateway", &other), None, "{other}");
        }
    }
}
