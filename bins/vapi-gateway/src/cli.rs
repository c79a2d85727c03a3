//! The program's command line.

use clap::{Parser, Subcommand};

use crate::commands::apply::ApplyArgs;
use crate::commands::explain::ExplainArgs;
use crate::commands::migrate::MigrateArgs;
use crate::commands::quarantine::QuarantineArgs;
use crate::commands::refusals::RefusalsArgs;
use crate::commands::replay::ReplayArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::simulate::SimulateArgs;
use crate::commands::verify::VerifyArgs;

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  failed: the sentence on standard error says why
  2  wrong usage
  3  the answer is no: no organization, a signature that does not match, a message that cannot be claimed or replayed

Settings:
  gateway.toml, .env, .env.local and the environment, the last one wins. The everyday ones:
  DATABASE_URL (SQLite in ./data without it), HOST, PORT (3001), BACKEND_URL, VAPI_WEBHOOK_SECRET,
  GATEWAY_MASTER_KEY (master.key beside the database without it), RUST_LOG.";

/// One webhook URL for the voice assistants of many organizations.
///
/// For every message the gateway finds the organization, proves the message with that organization's own
/// secret, does the work inside its data, and answers in the shape that Vapi accepts.
#[derive(Debug, Parser)]
#[command(name = "vapi-gateway", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// `serve` when left out.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The options of `serve`.
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the webhook (what runs without a command)
    Serve(ServeArgs),
    /// Bring the database to the form that this version needs
    Migrate(MigrateArgs),
    /// Make the database say what a file of organizations says
    Apply(ApplyArgs),
    /// Say whose messages these are, and why
    Explain(ExplainArgs),
    /// List, show, claim and drop the messages that nobody owned
    Quarantine(QuarantineArgs),
    /// Say which messages were refused, and why
    Refusals(RefusalsArgs),
    /// Take stored messages of an organization again, and show what that changes
    Replay(ReplayArgs),
    /// Send one signed booking call to a running gateway
    Simulate(SimulateArgs),
    /// Say why a request verifies, or why not
    Verify(VerifyArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_what_runs_without_a_command() {
        let cli = Cli::try_parse_from(["vapi-gateway", "--demo", "--port", "0"]).unwrap();
        assert!(cli.command.is_none() && cli.serve.demo);
        assert!(Cli::try_parse_from(["vapi-gateway", "--demo", "migrate"]).is_err());
    }
}
