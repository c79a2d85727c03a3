//! The migrated database of which every test gets a clone.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use uuid::Uuid;

use super::leftovers::drop_database;
use super::{SERVER_URL, Server, sql};
use crate::process;
use crate::workspace::cargo;

/// Tells the tests the template's name.
pub(super) const VARIABLE: &str = "GATEWAY_TEST_TEMPLATE";

/// Tells black-box tests which program to start.
const BINARY: &str = "GATEWAY_TEST_BINARY";

/// A migrated template; on a server of somebody else's, dropped with the value.
pub(crate) struct Template {
    server_url: String,
    name: String,
    gateway: PathBuf,
    /// A server of ours goes with all its databases.
    drops: bool,
}

impl Template {
    /// Makes a database, migrates it as an operator would, and closes it to all but cloning.
    ///
    /// # Errors
    /// If the server refuses or the migration fails.
    pub(crate) fn create(server: &Server, gateway: &Path) -> Result<Self> {
        let name = format!("gateway_template_{}", Uuid::now_v7().simple());
        let server_url = server.url();
        sql::column(&server_url, &format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        // Owned from here on, so that a failed migration leaves no database behind.
        let drops = matches!(server, Server::Given(_));
        let template = Self { server_url, name, gateway: gateway.to_owned(), drops };

        // An empty directory: neither a `.env` nor a `gateway.toml` of the developer's takes part.
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        let mut migrate = Command::new(gateway);
        migrate.arg("migrate").current_dir(directory.path()).env("DATABASE_URL", template.url());
        for (variable, _) in
            std::env::vars_os().filter(|(it, _)| it.as_encoded_bytes().starts_with(b"GATEWAY_"))
        {
            migrate.env_remove(variable);
        }
        process::run(&mut migrate).context("cannot migrate the template database")?;

        // A connection to the template would keep it from being cloned.
        let close =
            format!("ALTER DATABASE \"{}\" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false", template.name);
        sql::column(&template.server_url, &close)?;
        Ok(template)
    }

    /// Returns the template's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Tells a test runner where the server, the template and the program are.
    pub(crate) fn announce(&self, command: &mut Command) {
        command.env(SERVER_URL, &self.server_url).env(VARIABLE, &self.name).env(BINARY, &self.gateway);
    }

    fn url(&self) -> String {
        with_database(&self.server_url, &self.name)
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        if self.drops
            && let Err(error) = drop_database(&self.server_url, &self.name)
        {
            eprintln!("xtask: the database {} is left over: {error:#}", self.name);
        }
    }
}

/// Returns the URL with another database name; host, login and options stay.
pub(super) fn with_database(url: &str, database: &str) -> String {
    let (address, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let host = address.find("://").map_or(0, |scheme| scheme + "://".len());
    let (_, rest) = address.split_at(host);
    let (server, _) = address.split_at(rest.find('/').map_or(address.len(), |path| host + path));
    format!("{server}/{database}{query}")
}

/// Builds a selection of the workspace and returns the path of the gateway's program in it.
///
/// # Errors
/// If it does not build, or holds no such program.
pub(crate) fn binary(selection: &[&str]) -> Result<PathBuf> {
    program("vapi-gateway", selection)
}

/// Builds a selection of the workspace and returns the path of one of its programs.
///
/// # Errors
/// If it does not build, or holds no such program.
pub(crate) fn program(name: &str, selection: &[&str]) -> Result<PathBuf> {
    let mut found = None;
    let mut build = cargo();
    build.arg("build").args(selection).arg("--message-format=json-render-diagnostics");
    process::run_lines(&mut build, |line| found = found.take().or_else(|| executable(name, line)))?;
    found.with_context(|| format!("cargo built no program {name}"))
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
    fn the_database_is_replaced_and_the_rest_stays() {
        for (url, expected) in [
            ("postgres://postgres@127.0.0.1:5499/postgres", "postgres://postgres@127.0.0.1:5499/x"),
            ("postgresql://u:p@h?application_name=a/b", "postgresql://u:p@h/x?application_name=a/b"),
            ("postgres://u@[::1]:5432/", "postgres://u@[::1]:5432/x"),
        ] {
            assert_eq!(with_database(url, "x"), expected);
        }
    }

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
