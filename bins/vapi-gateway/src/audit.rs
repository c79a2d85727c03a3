//! Actor and reason of a command that works on everybody's data.

use clap::Args;

use crate::keys;

/// The entry of a command in the audit log.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The actor, for the audit log; the user at the keyboard when left out
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl AuditArgs {
    pub(crate) fn actor(&self) -> String {
        self.actor.clone().unwrap_or_else(keys::actor)
    }

    /// Why: the command, and what its user says of it.
    pub(crate) fn reason(&self, command: &str) -> String {
        match &self.reason {
            Some(reason) => format!("vapi-gateway {command}: {reason}"),
            None => format!("vapi-gateway {command}"),
        }
    }
}
