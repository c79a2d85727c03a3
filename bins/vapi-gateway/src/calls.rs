//! The messages of one call, as the provider sends them: for calls to paste and for simulated ones.

use chrono::{DateTime, Datelike, Days, NaiveDateTime, SecondsFormat, Utc};
use scheduling::Calendar;
use serde_json::{Map, Value, json};
use tenant::{Organization, PhoneNumber, Route};
use uuid::Uuid;

/// How many days ahead a booking may be wished for, so that repeated runs rarely wish for the same time.
const DAYS_AHEAD: u64 = 42;
const MINUTES: u16 = 30;
const CALLER: &str = "+15552010142";
const CALLER_NAME: &str = "Ada Lovelace";
/// What a tool call's id looks like: as long as the models' own.
const TOOL_CALL_ID_DIGITS: usize = 24;

/// One call to one assistant, made up.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    id: Uuid,
    tool_call_id: String,
    assistant_id: String,
    organization_id: Option<Uuid>,
    account: Option<String>,
    number: Option<PhoneNumber>,
    wish: NaiveDateTime,
    started_at: DateTime<Utc>,
}

impl Call {
    /// A call to an organization's first assistant, which wishes for a time when the organization is open; `None` when
    /// it has no assistant.
    ///
    /// # Errors
    /// When the system has no randomness, or the organization is never open.
    pub(crate) fn to(organization: &Organization, now: DateTime<Utc>) -> anyhow::Result<Option<Self>> {
        let Some(assistant) = organization.assistants.first() else { return Ok(None) };
        let is_routed = |number: &&PhoneNumber| matches!(number.route, Some(Route::Assistant(_)));
        let numbers = &organization.phone_numbers;
        let number = numbers.iter().find(is_routed).or_else(|| numbers.first());
        let mut call = Self::new(&assistant.id, &organization.calendar(), now)?;
        call.organization_id = Some(organization.id);
        call.account.clone_from(&organization.vapi_org_id);
        call.number = number.cloned();
        Ok(Some(call))
    }

    /// A call to an assistant of which nothing else is known.
    ///
    /// # Errors
    /// When the system has no randomness, or the calendar is never open.
    pub(crate) fn new(assistant_id: &str, calendar: &Calendar, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let digits = Uuid::new_v4().simple().to_string();
        let digits: String = digits.chars().take(TOOL_CALL_ID_DIGITS).collect();
        Ok(Self {
            id: Uuid::new_v4(),
            tool_call_id: format!("call_{digits}"),
            assistant_id: assistant_id.to_owned(),
            organization_id: None,
            account: None,
            number: None,
            wish: wish(calendar, now)?,
            started_at: now,
        })
    }

    /// The id that the answer to [`Self::booking`] repeats.
    pub(crate) fn tool_call_id(&self) -> &str {
        &self.tool_call_id
    }

    /// The call's own id.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// The local time that the booking wishes for.
    pub(crate) fn wish(&self) -> NaiveDateTime {
        self.wish
    }

    /// The assistant that the number's route leads to.
    pub(crate) fn routed_assistant(&self) -> Option<&str> {
        match self.number.as_ref()?.route.as_ref()? {
            Route::Assistant(id) => Some(id),
            Route::Squad(_) | Route::Destination(_) => None,
        }
    }

    /// A `call.started`, without the wrapper: the form of relays.
    pub(crate) fn started(&self) -> Value {
        let mut call = json!({
            "id": self.id,
            "assistantId": self.assistant_id,
            "customer": { "number": CALLER },
        });
        if let (Some(call), Some(id)) = (call.as_object_mut(), self.organization_id) {
            call.insert("metadata".to_owned(), json!({ "org_id": id }));
        }
        json!({ "type": "call.started", "call": call })
    }

    /// An `assistant-request`: the call rings, and no assistant is known yet.
    pub(crate) fn assistant_request(&self, now: DateTime<Utc>) -> Value {
        let mut call = self.call("ringing");
        call.remove("assistantId");
        self.message("assistant-request", now, call, json!({}))
    }

    /// A `status-update` that the call is in progress.
    pub(crate) fn in_progress(&self, now: DateTime<Utc>) -> Value {
        self.message("status-update", now, self.call("in-progress"), json!({ "status": "in-progress" }))
    }

    /// A `tool-calls` message that books the wished time.
    pub(crate) fn booking(&self, now: DateTime<Utc>) -> Value {
        let list = json!([{
            "id": self.tool_call_id,
            "type": "function",
            "function": { "name": "bookAppointment", "arguments": {
                "appointmentDate": self.wish.format("%Y-%m-%d").to_string(),
                "appointmentTime": self.wish.format("%H:%M").to_string(),
                "patientName": CALLER_NAME,
                "patientPhone": CALLER,
                "duration": MINUTES,
            } },
        }]);
        self.message("tool-calls", now, self.call("in-progress"), json!({ "toolCallList": list }))
    }

    /// The `end-of-call-report`.
    pub(crate) fn report(&self, now: DateTime<Utc>) -> Value {
        let sentence = format!("{CALLER_NAME} asked for an appointment.");
        self.message(
            "end-of-call-report",
            now,
            self.call("ended"),
            json!({
                "endedReason": "customer-ended-call",
                "startedAt": timestamp(self.started_at),
                "endedAt": timestamp(now),
                "cost": 0.05,
                "analysis": { "summary": sentence, "successEvaluation": "true" },
                "artifact": { "transcript": "AI: How can I help you?\nUser: I would like an appointment." },
            }),
        )
    }

    fn call(&self, status: &str) -> Map<String, Value> {
        let mut call = Map::new();
        call.insert("id".to_owned(), json!(self.id));
        call.insert("type".to_owned(), json!("inboundPhoneCall"));
        call.insert("status".to_owned(), json!(status));
        call.insert("createdAt".to_owned(), json!(timestamp(self.started_at)));
        call.insert("assistantId".to_owned(), json!(self.assistant_id));
        if let Some(account) = &self.account {
            call.insert("orgId".to_owned(), json!(account));
        }
        if let Some(id) = self.number.as_ref().and_then(|number| number.id.as_ref()) {
            call.insert("phoneNumberId".to_owned(), json!(id));
        }
        if let Some(id) = self.organization_id {
            call.insert("metadata".to_owned(), json!({ "org_id": id }));
        }
        call
    }

    fn message(&self, kind: &str, now: DateTime<Utc>, call: Map<String, Value>, own: Value) -> Value {
        let mut message = match own {
            Value::Object(own) => own,
            _ => Map::new(),
        };
        message.insert("type".to_owned(), json!(kind));
        message.insert("timestamp".to_owned(), json!(now.timestamp_millis()));
        message.insert("call".to_owned(), Value::Object(call));
        message.insert("customer".to_owned(), json!({ "number": CALLER, "name": CALLER_NAME }));
        if let Some(PhoneNumber { id, number, .. }) = &self.number {
            let mut own = Map::new();
            own.extend(id.iter().map(|id| ("id".to_owned(), json!(id))));
            own.extend(number.iter().map(|number| ("number".to_owned(), json!(number))));
            message.insert("phoneNumber".to_owned(), Value::Object(own));
        }
        json!({ "message": message })
    }
}

/// A time to wish for: any free start on a weekday of the next weeks, where the organization opens on weekdays.
fn wish(calendar: &Calendar, now: DateTime<Utc>) -> anyhow::Result<NaiveDateTime> {
    let today = calendar.today(now);
    let days = (1..=DAYS_AHEAD).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
    let starts: Vec<NaiveDateTime> = days
        .flat_map(|date| scheduling::free_slots(calendar, date, MINUTES, None, &[], now, usize::MAX))
        .map(|slot| slot.local)
        .collect();
    let is_weekday = |start: &NaiveDateTime| start.weekday().number_from_monday() <= 5;
    let mut wishes: Vec<NaiveDateTime> = starts.iter().copied().filter(is_weekday).collect();
    if wishes.is_empty() {
        wishes = starts;
    }
    let number = usize::try_from(getrandom::u32()?)?;
    let wish = number.checked_rem(wishes.len()).and_then(|index| wishes.get(index));
    wish.copied().ok_or_else(|| {
        anyhow::anyhow!("the organization is not open for {MINUTES} minutes in the next weeks")
    })
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
