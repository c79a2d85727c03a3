//! The rows that a message can touch, as they are now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use storage::repo::{After, Call, CallReport, Contact, ContactId, EventId, StoredMessage};
use storage::{OrgScope, StorageError};

/// How many messages of a call are read at once.
const PAGE: i64 = 500;

/// One row's fields. When a row was last written is left out: it says nothing of what the row holds.
pub(super) type Fields = BTreeMap<&'static str, Value>;

/// Fields of a row under their own names.
macro_rules! fields {
    ($row:expr, $($field:ident),*) => {
        Fields::from([$((stringify!($field), json!($row.$field))),*])
    };
}

/// Rows by table and by what each is known by.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) rows: BTreeMap<(&'static str, String), Fields>,
}

/// Which rows are looked at.
#[derive(Debug, Default)]
pub(super) struct Scene {
    /// The calls of the messages.
    pub(super) calls: BTreeSet<String>,
    /// The callers' numbers, normalised.
    pub(super) phones: BTreeSet<String>,
    /// The messages by id.
    pub(super) messages: Vec<EventId>,
    /// A message by its dedupe key: one that may not be there yet.
    pub(super) key: Option<String>,
    /// Every message of the calls: for a message that erases them.
    pub(super) is_whole: bool,
}

impl Scene {
    /// Reads the rows as this scope sees them.
    pub(super) async fn look(&self, scope: &mut OrgScope) -> Result<Snapshot, StorageError> {
        let mut snapshot = Snapshot::default();
        let mut contacts = BTreeSet::new();
        for call_id in &self.calls {
            if let Some(call) = scope.calls().get(call_id).await? {
                contacts.extend(call.contact_id);
                snapshot.put("call_logs", call_id, call_fields(&call));
            }
            if let Some(report) = scope.calls().report(call_id).await? {
                snapshot.put("call_reports", call_id, report_fields(&report));
            }
            if scope.inbox().is_pinned(call_id).await? {
                snapshot.put("call_pins", call_id, Fields::new());
            }
            let alarms = scope.inbox().alarms(call_id).await?;
            if alarms > 0 {
                snapshot.put("security_log", call_id, Fields::from([("entries", json!(alarms))]));
            }
            if self.is_whole {
                for message in messages_of(scope, call_id).await? {
                    snapshot.put_message(&message);
                }
            }
        }
        for phone in &self.phones {
            if let Some(contact) = scope.contacts().find_by_phone(phone).await? {
                snapshot.put_contact(&contact);
            }
        }
        for id in contacts {
            if let Some(contact) = scope.contacts().get(ContactId(id)).await? {
                snapshot.put_contact(&contact);
            }
        }
        for id in &self.messages {
            if let Some(message) = scope.inbox().get(*id).await? {
                snapshot.put_message(&message);
            }
        }
        if let Some(key) = &self.key
            && let Some(message) = scope.inbox().find_by_key(key).await?
        {
            snapshot.put_message(&message);
        }
        Ok(snapshot)
    }
}

impl Snapshot {
    fn put(&mut self, table: &'static str, row: &str, fields: Fields) {
        self.rows.insert((table, row.to_owned()), fields);
    }

    fn put_message(&mut self, message: &StoredMessage) {
        let mut fields = fields!(message, kind, vapi_call_id, body_bytes, received_at, deliveries);
        fields.insert("verdict", json!(message.verdict.as_str()));
        self.put("webhook_events", &message.dedupe_key, fields);
    }

    fn put_contact(&mut self, contact: &Contact) {
        let row = contact.phone.clone().unwrap_or_else(|| contact.id.0.to_string());
        let fields = fields!(contact, name, phone, email, language, do_not_call, last_call_at);
        self.put("contacts", &row, fields);
    }
}

/// Every message of a call, in the order of their arrival.
pub(super) async fn messages_of(
    scope: &mut OrgScope,
    call_id: &str,
) -> Result<Vec<StoredMessage>, StorageError> {
    let mut messages: Vec<StoredMessage> = Vec::new();
    loop {
        let after: Option<After> = messages.last().map(StoredMessage::place);
        let page = scope.inbox().list(call_id, after, PAGE).await?;
        if page.is_empty() {
            return Ok(messages);
        }
        messages.extend(page);
    }
}

fn call_fields(call: &Call) -> Fields {
    let mut fields = fields!(call, call_type, status, status_rank, vapi_assistant_id, phone_number_id);
    fields.extend(fields!(call, customer_number, contact_id, metadata, started_at, ended_at, ended_reason));
    // The URL lets its holder speak in the call, so that it is shown to nobody.
    fields.insert("control_url", json!(call.control_url.as_ref().map(|_| "(sealed)")));
    fields
}

fn report_fields(report: &CallReport) -> Fields {
    let mut fields = fields!(report, duration_ms, cost, transcript, summary, structured_data);
    fields.extend(fields!(report, success_evaluation, recording_url, stereo_recording_url));
    fields
}
