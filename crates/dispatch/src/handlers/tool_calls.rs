//! Tool calls: answered in the provider's shape, every one, whatever becomes of each.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use org_resolver::VerifiedOrg;
use phrases::{Language, Phrase};
use serde_json::{Map, Value};
use storage::repo::{EventVerdict, NewToolResult, ToolAnswer};
use storage::{NewEvent, Record, StorageError};
use tokio::time::Instant;
use vapi_types::reply::{FunctionCallReply, ToolCallsReply, ToolResult};
use vapi_types::{MessageKind, Reply, ToolArguments, ToolCall};

use crate::context::{Context, DIRECT_KIND, DirectToolCall, ToolBudget};
use crate::incoming::text_of;
use crate::outcome::{DispatchError, Handled, Outcome, RefusalCode};
use crate::services::{Handling, Services, effects};
use crate::tools::{self, Caller, Invocation, RunKeys, ToolRun, inbox_key, signed_key};

/// How many calls of one message run. The others are answered with a sentence.
const MAX_RUNS: usize = 32;
/// How many of them run side by side.
const SIDE_BY_SIDE: usize = 8;
/// When a message is answered, whatever its calls have come to. Below the provider's own 20 seconds.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(18);
/// The longest that keeping the message may take before its tools run.
const INBOX_DEADLINE: Duration = Duration::from_secs(5);
/// The longest that any tool may take.
const TOOL_DEADLINE: Duration = Duration::from_secs(12);

/// Answers a message of tool calls: every call, in order, whatever becomes of each.
pub(crate) async fn answer(
    handling: Handling<'_>,
    context: &Context<'_>,
    budget: ToolBudget<'_>,
) -> Result<Handled, DispatchError> {
    let (ends, org) = (ends(budget), handling.org);
    let calls = handling.incoming.tool_calls();
    let runs = runs(handling, calls, context, budget);
    let only = match (calls, runs.as_slice()) {
        ([_], [Ok(only)]) => Some(only),
        _ => None,
    };
    let record = handling.incoming.record(org.via());
    let (effects, ran) = keep(handling.services, org, record, only).await?;
    let mut handled = Handled::reply(Reply::Empty, effects);
    let answers = match ran {
        Some(ran) => vec![ran.into()],
        None => {
            let answering = futures::stream::iter(&runs).map(|run| async move {
                match run {
                    Ok(invocation) => within_deadline(handling.services, org, invocation, ends).await,
                    Err(phrase) => Answered::error(org, phrase),
                }
            });
            // Boxed, because a closure over borrowed items would tie the work to one thread.
            answering.buffered(SIDE_BY_SIDE).boxed().collect::<Vec<Answered>>().await
        }
    };
    let mut results = Vec::with_capacity(calls.len());
    for (call, answered) in calls.iter().zip(answers) {
        handled.effects.extend(answered.effect);
        handled.error = handled.error.or(answered.error);
        results.push(match answered.answer {
            ToolAnswer::Result(text) => ToolResult::result(call, &text),
            ToolAnswer::Error(text) => ToolResult::error(call, &text),
        });
    }
    if let Some(others) = calls.get(MAX_RUNS..).filter(|others| !others.is_empty()) {
        handled.effects.push("too_many_calls");
        let sentence = said(org, &Phrase::TooManyAtOnce);
        results.extend(others.iter().map(|call| ToolResult::error(call, &sentence)));
    }
    handled.outcome = Outcome::Reply(match handling.incoming.envelope.kind() {
        MessageKind::FunctionCall => Reply::FunctionCall(
            results.first().map_or_else(|| FunctionCallReply::new(""), FunctionCallReply::from),
        ),
        _ => Reply::ToolCalls(ToolCallsReply::new(results)),
    });
    Ok(handled)
}

/// Answers a body that holds a tool's arguments only.
pub(crate) async fn answer_direct(
    services: &Services,
    org: &VerifiedOrg,
    direct: DirectToolCall<'_>,
    context: &Context<'_>,
    budget: ToolBudget<'_>,
) -> Handled {
    let ends = ends(budget);
    let Ok(arguments) = serde_json::from_slice::<Map<String, Value>>(direct.arguments) else {
        return refused("the body must be a JSON object of arguments");
    };
    let key = direct.idempotency_key.filter(|key| !key.trim().is_empty());
    let Some(wanted) = services.tools.find(direct.tool) else {
        return spoken(&said(org, &unknown_tool(direct.tool)));
    };
    if wanted.is_effectful && key.is_none() {
        return refused("this tool changes data and needs the header x-idempotency-key");
    }
    let first = first_request(services, org, direct.signed_digest, wanted.name, key, context.now);
    let (tool, key) = match services.in_time(INBOX_DEADLINE, first).await {
        Ok((tool, key)) => (tool, Some(key).filter(|key| !key.is_empty())),
        Err(error) => return unavailable(org, error),
    };
    let key = key.as_deref();
    let Some(definition) = services.tools.find(&tool) else {
        return spoken(&said(org, &unknown_tool(&tool)));
    };
    let invocation = Invocation {
        definition,
        arguments: &arguments,
        caller: Caller { call_id: "", tool_call_id: key.unwrap_or_default(), now: context.now },
        keys: key.map(|key| RunKeys::direct(definition.name, key)).unwrap_or_default(),
    };
    let record = direct_record(
        org,
        &inbox_key(definition.name, key.unwrap_or(context.request_id)),
        &arguments,
        context,
    );
    let answered = match keep(services, org, record, Some(&invocation)).await {
        Ok((_, Some(ran))) => ran.into(),
        Ok((_, None)) => within_deadline(services, org, &invocation, ends).await,
        Err(error) => return unavailable(org, error),
    };
    let (ToolAnswer::Result(text) | ToolAnswer::Error(text)) = &answered.answer;
    Handled { effects: Vec::from_iter(answered.effect), error: answered.error, ..spoken(text) }
}

/// The tool and the idempotency key (empty without one) that signed bytes first ran under: neither is signed, and a request
/// that was captured must not run again under others.
async fn first_request(
    services: &Services,
    org: &VerifiedOrg,
    signed_digest: Option<[u8; 32]>,
    tool: &str,
    key: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(String, String), StorageError> {
    let key = key.unwrap_or_default();
    let Some(digest) = &signed_digest else { return Ok((tool.to_owned(), key.to_owned())) };
    let request = NewToolResult { key: signed_key(digest), vapi_call_id: "", tool_call_id: key, tool };
    let mut scope = services.storage.scope(org).await?;
    let first = scope.tool_results().first(&request, now).await?;
    scope.commit().await?;
    Ok(first)
}

/// Keeps a message, and has what ran with it already. It is kept before anything is done for it, or in one transaction
/// with that, so that no effect ever stands without its message.
async fn keep(
    services: &Services,
    org: &VerifiedOrg,
    record: Record,
    only: Option<&Invocation<'_>>,
) -> Result<(Vec<&'static str>, Option<ToolRun>), DispatchError> {
    let kept = tools::recorded(&services.storage, org, record, only);
    let (recorded, ran) = services.in_time(INBOX_DEADLINE, kept).await?;
    Ok((effects(&recorded), ran))
}

/// The bare arguments for the inbox.
fn direct_record(
    org: &VerifiedOrg,
    dedupe_key: &str,
    arguments: &Map<String, Value>,
    context: &Context<'_>,
) -> Record {
    let text = Value::Object(arguments.clone()).to_string();
    let body = vapi_types::redact(&text);
    Record::new(&NewEvent {
        kind: DIRECT_KIND,
        vapi_call_id: None,
        dedupe_key,
        verdict: EventVerdict::Accepted,
        trace: &text_of(org.trace()),
        body: body.as_bytes(),
        request_id: context.request_id,
        received_at: context.now,
    })
}

/// One call's answer, and what the log should know of it.
struct Answered {
    answer: ToolAnswer,
    effect: Option<&'static str>,
    error: Option<DispatchError>,
}

impl Answered {
    fn error(org: &VerifiedOrg, phrase: &Phrase<'_>) -> Self {
        let effect = (*phrase == Phrase::Busy).then_some(RefusalCode::RateLimited.as_str());
        Self { answer: ToolAnswer::Error(said(org, phrase)), effect, error: None }
    }
}

impl From<ToolRun> for Answered {
    fn from(ran: ToolRun) -> Self {
        Self { answer: ran.answer, effect: Some(ran.effect), error: None }
    }
}

/// When the message has to be answered.
fn ends(budget: ToolBudget<'_>) -> Instant {
    Instant::now() + MESSAGE_DEADLINE.saturating_sub(budget.waited)
}

/// The runs that the first calls ask for. Each takes a unit of the organization's allowance, of which the message has
/// brought the first.
fn runs<'a>(
    handling: Handling<'a>,
    calls: &'a [ToolCall],
    context: &Context<'a>,
    budget: ToolBudget<'_>,
) -> Vec<Result<Invocation<'a>, Phrase<'a>>> {
    let mut is_paid = true;
    let run = |call| {
        let invocation = invocation(handling, call, context)?;
        if std::mem::take(&mut is_paid) || (budget.take_unit)() { Ok(invocation) } else { Err(Phrase::Busy) }
    };
    calls.iter().take(MAX_RUNS).map(run).collect()
}

/// The run that a call asks for, or the sentence that says why there is none.
fn invocation<'a>(
    handling: Handling<'a>,
    call: &'a ToolCall,
    context: &Context<'a>,
) -> Result<Invocation<'a>, Phrase<'a>> {
    // On a tool's own route the names in the message still win; the route's name serves calls without one.
    let name = if call.name.is_empty() { context.tool.unwrap_or_default() } else { call.name.as_str() };
    let definition = handling.services.tools.find(name).ok_or_else(|| unknown_tool(name))?;
    let ToolArguments::Object(arguments) = &call.arguments else {
        return Err(Phrase::ArgumentsUnreadable(bounded(name)));
    };
    let call_id = handling.incoming.call_id().unwrap_or_default();
    Ok(Invocation {
        definition,
        arguments,
        caller: Caller { call_id, tool_call_id: call.id.as_str(), now: context.now },
        keys: RunKeys::of_call(call_id, call, definition.name, arguments),
    })
}

/// Runs a tool; past its deadline, or the message's, the scope is dropped, so nothing of it is kept, and the caller is
/// told. A tool whose turn comes after the message's end does not start.
async fn within_deadline(
    services: &Services,
    org: &VerifiedOrg,
    invocation: &Invocation<'_>,
    ends: Instant,
) -> Answered {
    let left = ends.saturating_duration_since(Instant::now());
    let deadline = services.options.tool_deadline.min(TOOL_DEADLINE).min(left);
    match services.in_time(deadline, tools::once(&services.storage, org, invocation)).await {
        Ok(ran) => ran.into(),
        Err(error) => {
            let phrase = match error {
                DispatchError::Deadline(_) => Phrase::TooSlow,
                DispatchError::Storage(_) => RefusalCode::Unavailable.phrase(),
            };
            Answered { error: Some(error), ..Answered::error(org, &phrase) }
        }
    }
}

/// The sentence without the store, which may be what failed.
fn said(org: &VerifiedOrg, phrase: &Phrase<'_>) -> String {
    Language::of(org.language()).say(phrase)
}

fn unknown_tool(name: &str) -> Phrase<'_> {
    Phrase::NoSuchTool(bounded(name))
}

/// No more of a name than can be listened to.
fn bounded(name: &str) -> &str {
    name.char_indices().nth(80).map_or(name, |(end, _)| name.get(..end).unwrap_or_default())
}

fn refused(sentence: &'static str) -> Handled {
    let outcome = Outcome::Refused(RefusalCode::BadRequest(sentence));
    Handled { outcome, effects: Vec::new(), error: None }
}

fn unavailable(org: &VerifiedOrg, error: DispatchError) -> Handled {
    Handled { error: Some(error), ..spoken(&said(org, &RefusalCode::Unavailable.phrase())) }
}

/// The answer to bare arguments: one sentence.
pub(crate) fn spoken(text: &str) -> Handled {
    Handled::reply(Reply::FunctionCall(FunctionCallReply::new(text)), Vec::new())
}
