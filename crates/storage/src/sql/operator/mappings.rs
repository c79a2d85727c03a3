//! Assistants, squads and numbers: what maps messages to organizations, in rows of the file and of hand-written SQL.

use std::collections::HashSet;

use diesel::prelude::*;
use tenant::phone::Region;
use tenant::{Assistant, PhoneNumber};
use uuid::Uuid;

use super::session::Operator;
use super::work::{Work, one_row, put, remove};
use crate::error::StorageError;
use crate::rows::ConfigurationRow;
use crate::schema::{agents, customer_configurations, phone_number_mapping, phone_numbers};
use crate::sql_types::DbUuid;
use crate::stored::{identifier, line, number};
use crate::text::{clean, clean_option};

impl Operator {
    pub(super) async fn put_assistant(
        &mut self,
        assistant: &Assistant,
        work: &Work<'_>,
    ) -> Result<(), StorageError> {
        let row = work.rows().and_then(|rows| {
            rows.agents
                .iter()
                .find(|row| identifier(&row.vapi_assistant_id).as_deref() == Some(assistant.id.as_str()))
        });
        let values = (
            agents::vapi_assistant_id.eq(clean(&assistant.id)),
            agents::name.eq(clean(&assistant.name)),
            agents::role.eq(clean(&assistant.role)),
            agents::is_active.eq(true),
        );
        put!(self, agents, work.org, row.map(|row| row.id), Uuid::new_v4(), values)
    }

    pub(super) async fn remove_assistant(
        &mut self,
        id: &str,
        work: &mut Work<'_>,
    ) -> Result<(), StorageError> {
        let Some(stored) = work.stored.as_deref_mut() else { return Ok(()) };
        for row in stored.rows.agents.iter().filter(|row| row.is_active) {
            if identifier(&row.vapi_assistant_id).as_deref() == Some(id) {
                remove!(self, agents, work.org, agents::id.eq(DbUuid(row.id)))?;
            }
        }
        let region = stored.organization.profile.region;
        let named = Released { assistant: Some(id), ..Released::default() };
        self.release(&mut stored.rows.configurations, region, &named).await
    }

    pub(super) async fn put_squad(&mut self, squad: &str, work: &Work<'_>) -> Result<(), StorageError> {
        // A row that is switched off is used again when it names nothing else: that may be off for a reason.
        let row = work.rows().and_then(|rows| {
            rows.configurations.iter().find(|row| {
                let is_it = row.vapi_squad_id.as_deref().and_then(identifier).as_deref() == Some(squad);
                is_it && row.vapi_assistant_id.is_none() && row.vapi_phone_number.is_none()
            })
        });
        let values = (
            customer_configurations::vapi_squad_id.eq(clean(squad)),
            customer_configurations::is_active.eq(true),
        );
        put!(self, customer_configurations, work.org, row.map(|row| row.id), Uuid::new_v4(), values)
    }

    pub(super) async fn remove_squad(
        &mut self,
        squad: &str,
        work: &mut Work<'_>,
    ) -> Result<(), StorageError> {
        let Some(stored) = work.stored.as_deref_mut() else { return Ok(()) };
        let region = stored.organization.profile.region;
        let named = Released { squad: Some(squad), ..Released::default() };
        self.release(&mut stored.rows.configurations, region, &named).await
    }

    pub(super) async fn put_number(
        &mut self,
        known: Option<&PhoneNumber>,
        entry: &PhoneNumber,
        work: &Work<'_>,
    ) -> Result<(), StorageError> {
        let row = match (work.stored.as_deref(), known) {
            // A number that only a mapping named gets a row of its own.
            (Some(stored), Some(known)) => {
                stored.numbers().find(|(number, _)| *number == known).and_then(|(_, row)| row)
            }
            (Some(stored), None) => {
                // Another operator may have made it by now, and one that was switched off is the same number still.
                let is_it = |number: &PhoneNumber| number.key() == entry.key();
                let region = stored.organization.profile.region;
                let known = stored.numbers().find_map(|(number, row)| row.filter(|_| is_it(number)));
                known.or_else(|| {
                    let mut off = stored.rows.numbers.iter().filter(|row| !row.is_active);
                    off.find(|row| number(row, region).is_ok_and(|row| is_it(&row))).map(|row| row.id)
                })
            }
            (None, _) => None,
        };
        let route =
            entry.route.as_ref().map(serde_json::to_value).transpose().map_err(StorageError::rejected)?;
        let values = (
            phone_numbers::provider_phone_id.eq(clean_option(entry.id.as_deref())),
            phone_numbers::number.eq(clean_option(entry.number.as_deref())),
            phone_numbers::sip_uri.eq(clean_option(entry.sip_uri.as_deref())),
            phone_numbers::label.eq(clean(&entry.label)),
            phone_numbers::route.eq(route),
            phone_numbers::fallback_assistant_id.eq(clean_option(entry.fallback_assistant.as_deref())),
            phone_numbers::is_active.eq(true),
        );
        put!(self, phone_numbers, work.org, row, Uuid::new_v4(), values)
    }

    pub(super) async fn remove_number(
        &mut self,
        number: &PhoneNumber,
        work: &mut Work<'_>,
    ) -> Result<(), StorageError> {
        let Some(stored) = work.stored.as_deref_mut() else { return Ok(()) };
        let row = stored.numbers().find(|(known, _)| *known == number).and_then(|it| it.1);
        if let Some(row) = row {
            remove!(self, phone_numbers, work.org, phone_numbers::id.eq(DbUuid(row)))?;
        }
        // A name that another of its numbers has stays in hand-written rows.
        let others = stored.numbers().filter(|(known, _)| *known != number);
        let others: HashSet<&str> = others.flat_map(|(known, _)| known.names()).collect();
        let gone: HashSet<String> =
            number.names().filter(|name| !others.contains(name)).map(str::to_owned).collect();
        let region = stored.organization.profile.region;
        for row in stored.rows.mappings.iter().filter(|row| row.is_active) {
            let number = line(Some(&row.inbound_phone_number), region);
            let id = row.vapi_phone_number_id.as_deref().and_then(identifier);
            if number.is_some_and(|number| gone.contains(&number)) {
                remove!(self, phone_number_mapping, work.org, phone_number_mapping::id.eq(DbUuid(row.id)))?;
            } else if id.is_some_and(|id| gone.contains(&id)) {
                let own = phone_number_mapping::table
                    .filter(phone_number_mapping::organization_id.eq(work.org))
                    .filter(phone_number_mapping::id.eq(DbUuid(row.id)));
                let unnamed = phone_number_mapping::vapi_phone_number_id.eq(None::<String>);
                let written = self.tx.execute(diesel::update(own).set(unnamed)).await;
                one_row("phone_number_mapping", written)?;
            }
        }
        let named = Released { lines: Some(&gone), ..Released::default() };
        self.release(&mut stored.rows.configurations, region, &named).await
    }

    /// Takes identifiers out of hand-written rows; a row goes with its last one. The change is noted in `rows` too,
    /// so that the next change of the same plan finds them as they are now.
    async fn release(
        &mut self,
        rows: &mut [ConfigurationRow],
        region: Region,
        named: &Released<'_>,
    ) -> Result<(), StorageError> {
        for row in rows.iter_mut().filter(|row| row.is_active) {
            let assistant = row.vapi_assistant_id.as_deref().and_then(identifier);
            let squad = row.vapi_squad_id.as_deref().and_then(identifier);
            let number = line(row.vapi_phone_number.as_deref(), region);
            let is_gone = [
                assistant.is_some() && assistant.as_deref() == named.assistant,
                squad.is_some() && squad.as_deref() == named.squad,
                number.zip(named.lines).is_some_and(|(number, gone)| gone.contains(&number)),
            ];
            if is_gone == [false; 3] {
                continue;
            }
            let columns = [&mut row.vapi_assistant_id, &mut row.vapi_squad_id, &mut row.vapi_phone_number];
            for (column, is_gone) in columns.into_iter().zip(is_gone) {
                if is_gone {
                    *column = None;
                }
            }
            let left = [&row.vapi_assistant_id, &row.vapi_squad_id, &row.vapi_phone_number];
            if left.into_iter().all(|column| column.as_deref().and_then(identifier).is_none()) {
                let id = customer_configurations::id.eq(DbUuid(row.id));
                remove!(self, customer_configurations, DbUuid(row.organization_id), id)?;
                continue;
            }
            let values = (
                customer_configurations::vapi_assistant_id.eq(row.vapi_assistant_id.as_deref()),
                customer_configurations::vapi_squad_id.eq(row.vapi_squad_id.as_deref()),
                customer_configurations::vapi_phone_number.eq(row.vapi_phone_number.as_deref()),
            );
            put!(self, customer_configurations, DbUuid(row.organization_id), Some(row.id), row.id, values)?;
        }
        Ok(())
    }
}

/// Identifiers that hand-written rows give up.
#[derive(Default)]
struct Released<'a> {
    assistant: Option<&'a str>,
    squad: Option<&'a str>,
    lines: Option<&'a HashSet<String>>,
}
