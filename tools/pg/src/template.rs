//! The migrated database of which every test gets a clone.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use uuid::Uuid;

use super::leftovers::drop_database;
use super::{Server, sql};
use job::process;

/// How the big tables of a template are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// Each is one table.
    Whole,
    /// Each has parts, over which the tests' organizations are spread.
    Partitioned,
}

impl Tables {
    /// The variable that tells the tests the template's name.
    fn variable(self) -> &'static str {
        match self {
            Self::Whole => "GATEWAY_TEST_TEMPLATE",
            Self::Partitioned => "GATEWAY_TEST_PARTITIONED_TEMPLATE",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Whole => &["migrate"],
            Self::Partitioned => &["migrate", "--partitions", "5"],
        }
    }
}

/// Tells black-box tests which program to start.
const BINARY: &str = "GATEWAY_TEST_BINARY";

/// A migrated template; on a server of somebody else's, dropped with the value.
pub struct Template {
    server_url: String,
    name: String,
    gateway: PathBuf,
    tables: Tables,
    /// A server of ours goes with all its databases.
    drops: bool,
}

impl Template {
    /// Makes a database, migrates it as an operator would, and closes it to all but cloning.
    ///
    /// # Errors
    /// If the server refuses or the migration fails.
    pub fn create(server: &Server, gateway: &Path, tables: Tables) -> Result<Self> {
        let name = format!("gateway_template_{}", Uuid::now_v7().simple());
        let server_url = server.url();
        sql::column(&server_url, &format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        // Owned from here on, so that a failed migration leaves no database behind.
        let drops = matches!(server, Server::Given(_));
        let template = Self { server_url, name, gateway: gateway.to_owned(), tables, drops };

        // An empty directory: neither a `.env` nor a `gateway.toml` of the developer's takes part.
        let directory = tempfile::tempdir().context("cannot make a directory")?;
        let mut migrate = Command::new(gateway);
        migrate.args(tables.arguments()).current_dir(directory.path()).env("DATABASE_URL", template.url());
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

    /// Returns the variables that tell the tests where the template and the program are.
    pub fn variables(&self) -> [(&'static str, OsString); 2] {
        [(self.tables.variable(), self.name.clone().into()), (BINARY, self.gateway.clone().into())]
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
            eprintln!("pg: the database {} is left over: {error:#}", self.name);
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
}
