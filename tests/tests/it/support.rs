//! Shared by the scenarios.

use crate::harness::{Database, Deployment, Gateway, Organization, Response};
use serde_json::Value;

/// Runs each scenario, a function that takes a [`Database`], once on either kind of database.
macro_rules! on_both_databases {
    ($($scenario:ident),+ $(,)?) => {$(
        mod $scenario {
            use crate::harness::{Backend, Database};

            #[test]
            fn on_postgres() {
                if let Some(database) = Database::create(Backend::Postgres) {
                    super::$scenario(database);
                }
            }

            #[test]
            fn on_sqlite() {
                if let Some(database) = Database::create(Backend::Sqlite) {
                    super::$scenario(database);
                }
            }
        }
    )+};
}

/// Runs each scenario, a function that takes a [`Database`], on PostgreSQL: rows are read there with SQL.
macro_rules! on_postgres {
    ($($scenario:ident),+ $(,)?) => {$(
        mod $scenario {
            use crate::harness::{Backend, Database};

            #[test]
            fn on_postgres() {
                if let Some(database) = Database::create(Backend::Postgres) {
                    super::$scenario(database);
                }
            }
        }
    )+};
}

pub(crate) use {on_both_databases, on_postgres};

/// Two organizations side by side, each with a secret of its own, and a gateway that serves both.
pub(crate) struct World {
    // Dropped in this order: the program lets go of the database first.
    pub(crate) gateway: Gateway,
    pub(crate) deployment: Deployment,
    pub(crate) northgate: Organization,
    pub(crate) fontaneria: Organization,
}

impl World {
    pub(crate) fn new(database: Database) -> Self {
        Self::on(Deployment::new(database))
    }

    /// Declares both organizations on a deployment that has its settings already, and starts it.
    pub(crate) fn on(deployment: Deployment) -> Self {
        let (northgate, fontaneria) = (Organization::northgate(), Organization::fontaneria());
        deployment.apply(&[&northgate, &fontaneria]);
        let gateway = deployment.start();
        Self { gateway, deployment, northgate, fontaneria }
    }
}

/// Runs a command that prints JSON, one object a line; gives its exit code and what it printed.
pub(crate) fn told(deployment: &Deployment, arguments: &[&str]) -> (i32, Vec<Value>) {
    let output = deployment.attempt(arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")));
    let lines = lines.collect();
    let code = output.status.code().unwrap();
    assert!(matches!(code, 0 | 3), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    (code, lines)
}

/// The results of an answer to tool calls, whose form is checked: `toolCallId`, `name`, and one of `result` and
/// `error`, which are single lines.
pub(crate) fn results(answer: &Value) -> Vec<Value> {
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["results"], "{answer}");
    let results = answer["results"].as_array().unwrap().clone();
    for result in &results {
        let members = result.as_object().unwrap();
        assert!(result["toolCallId"].is_string() && result["name"].is_string(), "{result}");
        let texts: Vec<&str> =
            ["result", "error"].iter().filter_map(|key| members.get(*key)?.as_str()).collect();
        assert_eq!((texts.len(), members.len()), (1, 3), "{result}");
        assert!(texts.iter().all(|text| !text.is_empty() && !text.contains(['\n', '\r'])), "{result}");
    }
    results
}

/// The only result of an answer, which must not be an error.
pub(crate) fn only_result(answer: &Value) -> String {
    let results = results(answer);
    assert_eq!(results.len(), 1, "{answer}");
    results
        .first()
        .and_then(|result| result["result"].as_str())
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

/// The only result of an answer, which must be an error.
pub(crate) fn only_error(answer: &Value) -> String {
    let results = results(answer);
    assert_eq!(results.len(), 1, "{answer}");
    results
        .first()
        .and_then(|result| result["error"].as_str())
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

/// Status and stable code of a refusal.
pub(crate) fn refused(response: &Response) -> (u16, String) {
    (response.status, response.refusal())
}
