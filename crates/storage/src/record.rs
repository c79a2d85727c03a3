//! A verified message as it is recorded: its row in the inbox, its pin, its place in the ledger, its caller's contact.
//!
//! A record is made where the message is read and written elsewhere, together with the records of other messages. So
//! it owns what it holds, and everything that costs time (compressing) is done when it is made.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use org_resolver::OrgId;
use serde_json::Value;
use tenant::phone;

use crate::body::pack;
use crate::ledger::CallUpdate;
use crate::narrow;
use crate::repo::contacts::NewContact;
use crate::repo::messages::EventVerdict;
use crate::text::clean;
use crate::trace;

/// A message for the inbox.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// The message's kind.
    pub kind: &'a str,
    /// The provider's id of its call.
    pub vapi_call_id: Option<&'a str>,
    /// The key that a second delivery shares; unique in the organization.
    pub dedupe_key: &'a str,
    /// How it was taken.
    pub verdict: EventVerdict,
    /// How its organization was found: a JSON document; packed here.
    pub trace: &'a str,
    /// The body, redacted; compressed here.
    pub body: &'a [u8],
    /// The request that brought it.
    pub request_id: &'a str,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
}

/// The caller, for the contacts.
#[derive(Clone, Debug)]
pub struct CallerUpdate {
    /// The number as it was sent; a national form counts in the organization's region. Other text makes no
    /// contact.
    pub number: String,
    /// Fills an empty name, never replaces one.
    pub name: Option<String>,
    /// Fills an empty address, never replaces one.
    pub email: Option<String>,
    /// Moves the latest call forward, never back.
    pub last_call_at: Option<DateTime<Utc>>,
}

/// One message to record.
#[derive(Clone, Debug)]
pub struct Record {
    pub(crate) event: EventRow,
    pub(crate) call_update: Option<Arc<CallUpdate>>,
    pub(crate) caller: Option<CallerUpdate>,
    pub(crate) alarm: Option<Value>,
    pub(crate) pins_call: bool,
    /// False for a message that the inbox has already.
    pub(crate) is_delivery: bool,
}

/// A row of the inbox, as both databases take it.
#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) kind: String,
    pub(crate) vapi_call_id: Option<String>,
    pub(crate) dedupe_key: String,
    pub(crate) verdict: EventVerdict,
    pub(crate) trace: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) body_bytes: i32,
    pub(crate) request_id: String,
    pub(crate) received_at: DateTime<Utc>,
}

/// The result of recording a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The message is new; false for a repeated delivery.
    pub is_new: bool,
    /// Another organization has pinned the same call: an alarm, not a refusal.
    pub is_contested: bool,
    /// The call's row in the ledger changed.
    pub ledger_changed: bool,
    /// The caller has a contact.
    pub has_contact: bool,
    /// The call is erased, so that nothing of the message's content was kept.
    pub is_erased: bool,
}

impl Record {
    /// The message for the inbox. Its call is pinned.
    pub fn new(event: &NewEvent<'_>) -> Self {
        Self {
            event: EventRow {
                kind: clean(event.kind).into_owned(),
                vapi_call_id: event.vapi_call_id.map(|id| clean(id).into_owned()),
                dedupe_key: clean(event.dedupe_key).into_owned(),
                verdict: event.verdict,
                trace: trace::pack(event.trace),
                body: pack(event.body),
                body_bytes: i32::try_from(event.body.len()).unwrap_or(i32::MAX),
                request_id: clean(event.request_id).into_owned(),
                received_at: event.received_at,
            },
            call_update: None,
            caller: None,
            alarm: None,
            pins_call: true,
            is_delivery: true,
        }
    }

    /// Takes the message into the ledger too. Without effect where the message has no call.
    #[must_use]
    pub fn with_call_update(mut self, update: CallUpdate) -> Self {
        let (update, fits) = update.cleaned();
        self.call_update = Some(Arc::new(update));
        self.drifted_unless(fits)
    }

    /// Finds or makes the caller's contact too, and ties the call to it.
    #[must_use]
    pub fn with_caller(mut self, mut caller: CallerUpdate) -> Self {
        let fits = narrow::instant(&mut caller.last_call_at);
        let is_number = narrow::is_number(&caller.number);
        self.caller = is_number.then_some(caller);
        self.drifted_unless(fits && is_number)
    }

    /// A message that says what no column holds is kept whole in the inbox, and marked as one to look at.
    fn drifted_unless(mut self, fits: bool) -> Self {
        if !fits && self.event.verdict == EventVerdict::Accepted {
            self.event.verdict = EventVerdict::Drifted;
        }
        self
    }

    /// Writes an alarm into the security log when another organization has pinned the same call.
    #[must_use]
    pub fn with_alarm(mut self, detail: Value) -> Self {
        self.alarm = Some(detail);
        self
    }

    /// Stores the message and nothing else: one that was refused says nothing about whose its call is.
    #[must_use]
    pub fn without_pin(mut self) -> Self {
        self.pins_call = false;
        self
    }

    /// Files what the message says and leaves the inbox as it is: the message is there already.
    #[must_use]
    pub fn without_delivery(mut self) -> Self {
        self.is_delivery = false;
        self
    }

    /// The call that is pinned.
    pub(crate) fn pinned_call(&self) -> Option<&str> {
        self.event.vapi_call_id.as_deref().filter(|_| self.pins_call)
    }

    /// The call whose row changes.
    pub(crate) fn ledger_call(&self) -> Option<&str> {
        self.call_update.as_ref().and(self.pinned_call())
    }

    /// The call whose report changes.
    pub(crate) fn reported_call(&self) -> Option<&str> {
        self.call_update.as_ref().filter(|update| update.report.is_some()).and(self.pinned_call())
    }

    /// True when the message erases its call.
    pub(crate) fn erases(&self) -> bool {
        self.ledger_call().is_some() && self.call_update.as_ref().is_some_and(|update| update.erases)
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.event.body.len() + self.event.trace.len()
    }
}

impl CallerUpdate {
    /// The number in its normal form, where it has one.
    pub(crate) fn phone(&self, region: Option<phone::Region>) -> Option<String> {
        phone::normalise(&self.number, None).or_else(|| phone::normalise(&self.number, Some(region?)))
    }

    /// The caller's data as known now, for the contact of the number in its normal form.
    pub fn contact<'a>(&'a self, phone: &'a str) -> NewContact<'a> {
        NewContact {
            phone: Some(phone),
            name: self.name.as_deref(),
            email: self.email.as_deref(),
            last_call_at: self.last_call_at,
        }
    }
}

/// A record with the organization whose it is. Made from a verified organization only, by the writer's door.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) org: OrgId,
    pub(crate) record: Arc<Record>,
}
