//! The messages of one call, as the provider sends them: for calls to paste and for simulated ones.

use chrono::{DateTime, Datelike, Days, NaiveDateTime, Utc};
use scheduling::Calendar;
use serde_json::{Value, json};
use tenant::{Organization, PhoneNumber, Route};
use uuid::Uuid;
use vapi_types::CallStatus;
use vapi_types::sample::{self, CALLER, CALLER_NAME, PhoneCall};

/// How many days ahead a booking may be wished for, so that repeated runs rarely wish for the same time.
const DAYS_AHEAD: u64 = 42;
const MINUTES: u16 = 30;
/// The digits of a tool call's id: as many as the models' own have.
const TOOL_CALL_ID_DIGITS: usize = 24;

/// One call to one assistant, made up.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The call's own id.
    pub(crate) id: Uuid,
    /// The id that the answer to [`Self::booking`] repeats.
    pub(crate) tool_call_id: String,
    /// The assistant that the number's route leads to.
    pub(crate) routed_assistant: Option<String>,
    /// The local time that the booking wishes for.
    pub(crate) wish: NaiveDateTime,
    sample: PhoneCall,
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
        let routed = |number: &PhoneNumber| match &number.route {
            Some(Route::Assistant(id)) => Some(id.clone()),
            _ => None,
        };
        let numbers = &organization.phone_numbers;
        let number = numbers.iter().find(|number| routed(number).is_some()).or_else(|| numbers.first());
        let mut made = Self::new(&assistant.id, &organization.calendar(), now)?;
        let PhoneCall { call, common, .. } = &mut made.sample;
        call.metadata = Some(json!({ "org_id": organization.id }));
        call.account_id = organization.vapi_org_id.as_deref().map(Into::into);
        if let Some(number) = number {
            call.phone_number_id = number.id.as_deref().map(Into::into);
            let own = common.phone_number.get_or_insert_default();
            own.id.clone_from(&call.phone_number_id);
            own.number.clone_from(&number.number);
            made.routed_assistant = routed(number);
        }
        Ok(Some(made))
    }

    /// A call to an assistant of which nothing else is known.
    ///
    /// # Errors
    /// When the system has no randomness, or the calendar is never open.
    pub(crate) fn new(assistant_id: &str, calendar: &Calendar, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let digits = Uuid::new_v4().simple().to_string();
        let digits: String = digits.chars().take(TOOL_CALL_ID_DIGITS).collect();
        let id = Uuid::new_v4();
        let mut sample = PhoneCall::inbound(id.to_string(), assistant_id);
        sample.call.created_at = Some(now);
        let mut customer = sample::customer(CALLER);
        customer.name = Some(CALLER_NAME.to_owned());
        sample.common.customer = Some(customer);
        Ok(Self {
            id,
            sample,
            tool_call_id: format!("call_{digits}"),
            routed_assistant: None,
            wish: wish(calendar, now)?,
            started_at: now,
        })
    }

    /// A `call.started`, without the wrapper: the form of relays.
    pub(crate) fn started(&self) -> Value {
        self.sample.started()
    }

    /// An `assistant-request`: the call rings, and no assistant is known yet.
    pub(crate) fn assistant_request(&self, now: DateTime<Utc>) -> Value {
        self.at(CallStatus::Ringing, now).assistant_request()
    }

    /// A `status-update` that the call is in progress.
    pub(crate) fn in_progress(&self, now: DateTime<Utc>) -> Value {
        self.at(CallStatus::InProgress, now).status_update(CallStatus::InProgress)
    }

    /// A `tool-calls` message that books the wished time.
    pub(crate) fn booking(&self, tool_call_id: &str, now: DateTime<Utc>) -> Value {
        let time = self.wish.format("%H:%M").to_string();
        let mut arguments = sample::booking(self.wish.date(), &time, CALLER_NAME, CALLER);
        arguments.insert("duration".to_owned(), MINUTES.into());
        let entry = sample::tool_call(tool_call_id, "bookAppointment", arguments);
        self.at(CallStatus::InProgress, now).tool_calls(&[entry])
    }

    /// The `end-of-call-report`.
    pub(crate) fn report(&self, now: DateTime<Utc>) -> Value {
        let transcript = "AI: How can I help you?\nUser: I would like an appointment.";
        let summary = format!("{CALLER_NAME} asked for an appointment.");
        let report = sample::report(self.started_at, now, transcript, &summary);
        self.at(CallStatus::Ended, now).end_of_call_report(report)
    }

    /// The call as its messages have it at one time of its life.
    fn at(&self, status: CallStatus, now: DateTime<Utc>) -> PhoneCall {
        let mut sample = self.sample.clone();
        sample.call.status = Some(status);
        sample.common.timestamp = Some(now);
        sample
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
