//! The context of a request's body.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The kind under which bare arguments stand in the inbox.
pub const DIRECT_KIND: &str = "tool-request";

/// A message's context beside its body.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Names the request in logs and rows.
    pub request_id: &'a str,
    /// When the message arrived.
    pub now: DateTime<Utc>,
    /// The tool that the route names, if it names one.
    pub tool: Option<&'a str>,
    /// True when the body is that tool's arguments and nothing else.
    pub is_direct: bool,
}

/// What the tool calls of one message may take.
#[derive(Clone, Copy)]
pub struct ToolBudget<'a> {
    /// How long the message has been waiting for its answer.
    pub waited: Duration,
    /// Takes a unit of the organization's allowance, and says whether there was one. The message's own is taken already,
    /// and serves its first call.
    pub take_unit: &'a (dyn Fn() -> bool + Sync),
}

impl ToolBudget<'_> {
    /// A message that has just arrived, of an organization without bounds.
    pub const UNBOUNDED: Self = Self { waited: Duration::ZERO, take_unit: &|| true };
}

impl fmt::Debug for ToolBudget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolBudget").field("waited", &self.waited).finish_non_exhaustive()
    }
}

/// A tool called with its arguments alone, without a message around them.
#[derive(Clone, Copy, Debug)]
pub struct DirectToolCall<'a> {
    /// The tool's name or alias.
    pub tool: &'a str,
    /// The body: one JSON object.
    pub arguments: &'a [u8],
    /// The same for a repetition of the call; effectful tools demand it.
    pub idempotency_key: Option<&'a str>,
    /// SHA-256 of what the sender signed; `None` where its credential signs nothing that makes a request its own. Tool and
    /// key stand beside the signed bytes: the first ones that come with them are those that count.
    pub signed_digest: Option<[u8; 32]>,
}
