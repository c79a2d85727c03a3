//! A booking in one statement, which is a transaction of its own.

use std::borrow::Cow;

use async_trait::async_trait;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::result::{Error, QueryResult};
use diesel::sql_types::{Array, Binary, Nullable, SmallInt, Text};
use org_resolver::OrgId;
use serde::Deserialize;
use uuid::Uuid;

use super::dialect::Conn;
use super::sql::run;
use super::sql::scope::Scope;
use crate::error::StorageError;
use crate::repo::{AppointmentId, Booked, Bookings, EffectId, KeyHash, NewBooking, ToolAnswer};
use crate::sql_types::{DbJson, DbTime, DbUuid, SqlJson, SqlTime, SqlUuid};
use crate::text::{clean, clean_json, clean_option, new_id};

/// Declares the statement: its parameters, in the order of the function's.
macro_rules! call {
    ($function:literal $name:ident<$life:lifetime> { $($field:ident: $kind:ty = $value:ty,)* }) => {
        pub(super) struct $name<$life> {
            $($field: $value,)*
        }

        impl QueryFragment<Pg> for $name<'_> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                let mut before = concat!("SELECT ", $function, "(");
                $(
                    out.push_sql(before);
                    out.push_bind_param::<$kind, _>(&self.$field)?;
                    before = ", ";
                )*
                let _ = before;
                out.push_sql(")");
                Ok(())
            }
        }

        impl Query for $name<'_> {
            type SqlType = SqlJson;
        }
    };
}

call! {
    "book_appointment"
    Book<'a> {
        organization: SqlUuid = DbUuid,
        moment: SqlTime = DbTime,
        call_key: Binary = &'a [u8],
        effect_key: Nullable<Binary> = Option<&'a [u8]>,
        call: Text = Cow<'a, str>,
        tool_call: Text = Cow<'a, str>,
        tool_name: Text = Cow<'a, str>,
        new_contact: SqlUuid = DbUuid,
        number: Nullable<Text> = Option<Cow<'a, str>>,
        caller_name: Nullable<Text> = Option<Cow<'a, str>>,
        caller_email: Nullable<Text> = Option<Cow<'a, str>>,
        last_call: Nullable<SqlTime> = Option<DbTime>,
        appointment: SqlUuid = DbUuid,
        service: Nullable<Text> = Option<Cow<'a, str>>,
        resources: Array<SqlUuid> = Vec<DbUuid>,
        seats: Array<SmallInt> = Vec<i16>,
        starts: SqlTime = DbTime,
        ends: SqlTime = DbTime,
        blocked: SqlTime = DbTime,
        success: SqlJson = DbJson,
    }
}

/// What the function gives.
#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
    Made,
    Before { answer: ToolAnswer, succeeded: bool, effect: Option<Uuid> },
    Fulfilled { answer: ToolAnswer, effect: Option<Uuid> },
    Taken,
}

#[async_trait]
impl Bookings for Scope {
    async fn book(&mut self, booking: &NewBooking<'_>) -> Result<Booked, StorageError> {
        let booked = book(self.tx.conn()?, self.org.into(), booking).await;
        self.tx.check(booked)?
    }
}

/// Books; the outer error is the database's.
pub(super) async fn book(
    conn: &mut Conn,
    org: OrgId,
    booking: &NewBooking<'_>,
) -> QueryResult<Result<Booked, StorageError>> {
    let statement = match Book::new(org, booking) {
        Ok(statement) => statement,
        Err(error) => return Ok(Err(error)),
    };
    let made = statement.appointment();
    let state: Vec<DbJson> = run::load(conn, statement).await?;
    Ok(read(state.into_iter().next().ok_or(Error::NotFound)?, booking.call.key, made))
}

impl<'a> Book<'a> {
    pub(super) fn new(org: OrgId, booking: &'a NewBooking<'_>) -> Result<Self, StorageError> {
        let NewBooking { call, contact, now, .. } = booking;
        let answer = serde_json::to_value(&booking.answer).map_err(StorageError::rejected)?;
        let (resources, seats): (Vec<_>, Vec<_>) =
            booking.places.iter().map(|(resource, seat)| (DbUuid(*resource), *seat)).unzip();
        Ok(Self {
            organization: DbUuid(org.as_uuid()),
            moment: DbTime(*now),
            call_key: &call.key.0,
            effect_key: booking.effect.as_ref().map(|key| key.0.as_slice()),
            call: clean(call.vapi_call_id),
            tool_call: clean(call.tool_call_id),
            tool_name: clean(call.tool),
            new_contact: DbUuid(new_id(*now)),
            number: clean_option(contact.phone),
            caller_name: clean_option(contact.name),
            caller_email: clean_option(contact.email),
            last_call: contact.last_call_at.map(DbTime),
            appointment: DbUuid(new_id(*now)),
            service: clean_option(booking.service),
            resources,
            seats,
            starts: DbTime(booking.starts_at),
            ends: DbTime(booking.ends_at),
            blocked: DbTime(booking.blocked_until),
            success: DbJson(clean_json(answer)),
        })
    }

    /// The appointment's id, should it be made.
    pub(super) fn appointment(&self) -> DbUuid {
        self.appointment
    }
}

/// Reads the answer for the tool call of this key; `made` is the appointment, if it is that.
pub(super) fn read(DbJson(state): DbJson, key: KeyHash, made: DbUuid) -> Result<Booked, StorageError> {
    let state = State::deserialize(state)
        .map_err(|_cause| StorageError::inconsistent("tool_results", "answer", &key))?;
    Ok(match state {
        State::Made => Booked::Made(AppointmentId(made.0)),
        State::Before { answer, succeeded, effect } => {
            Booked::Before { answer, succeeded, effect: effect.map(EffectId) }
        }
        State::Fulfilled { answer, effect } => Booked::Fulfilled { answer, effect: effect.map(EffectId) },
        State::Taken => Booked::Taken,
    })
}
