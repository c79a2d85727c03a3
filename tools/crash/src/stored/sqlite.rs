//! Reads the file of SQLite.

use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveDateTime};
use rusqlite::{Connection, OpenFlags, Row};
use uuid::Uuid;

use super::{Stored, StoredAppointment, StoredCall, StoredEvent, marker};

/// Reads everything.
///
/// # Errors
/// If the file cannot be read, or the schema is not the expected one.
pub(crate) fn read(file: &Path) -> Result<Stored> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_context(|| format!("cannot open {}", file.display()))?;
    let damage: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    anyhow::ensure!(damage == "ok", "the database is damaged: {damage}");
    Ok(Stored {
        events: all(
            &connection,
            "SELECT organization_id, kind, vapi_call_id, body FROM webhook_events",
            |row| {
                Ok(StoredEvent {
                    organization: id(row)?,
                    kind: row.get(1)?,
                    call: row.get(2)?,
                    marker: marker(row.get_ref(3)?.as_blob()?),
                })
            },
        )?,
        calls: all(
            &connection,
            "SELECT organization_id, vapi_call_id, status, transcript \
             FROM call_logs LEFT JOIN call_reports USING (organization_id, vapi_call_id)",
            |row| {
                Ok(StoredCall {
                    organization: id(row)?,
                    call: row.get(1)?,
                    status: row.get(2)?,
                    transcript: row.get(3)?,
                })
            },
        )?,
        appointments: all(
            &connection,
            "SELECT organization_id, vapi_call_id, tool_call_id, starts_at, ends_at, resource_id, seat, status \
             FROM appointments",
            |row| {
                Ok(StoredAppointment {
                    organization: id(row)?,
                    call: row.get(1)?,
                    tool_call_id: row.get(2)?,
                    starts_at: time(row, 3)?,
                    ends_at: time(row, 4)?,
                    resource: row.get(5)?,
                    seat: row.get(6)?,
                    status: row.get(7)?,
                })
            },
        )?,
    })
}

fn all<T>(connection: &Connection, query: &str, read: impl Fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn id(row: &Row<'_>) -> Result<Uuid> {
    let text: String = row.get(0)?;
    Uuid::parse_str(&text).context("an organization's id is no UUID")
}

fn time(row: &Row<'_>, column: usize) -> Result<NaiveDateTime> {
    let text: String = row.get(column)?;
    Ok(DateTime::parse_from_rfc3339(&text).with_context(|| format!("{text:?} is no time"))?.naive_utc())
}
