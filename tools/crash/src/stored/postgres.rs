//! Reads PostgreSQL as its superuser, whom no policy hides a row from.

use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::DateTime;
use tokio::runtime;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

use super::{Stored, StoredAppointment, StoredCall, StoredEvent, marker};

/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Reads everything.
///
/// # Errors
/// If the server does not answer, or the schema is not the expected one.
pub(crate) fn read(url: &str) -> Result<Stored> {
    let mut config: Config = url.parse().context("not a PostgreSQL URL")?;
    config.connect_timeout(CONNECT).application_name("tools");
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await.context("cannot connect to PostgreSQL")?;
        let serve = tokio::spawn(connection);
        let stored = rows(&client).await;
        drop(client);
        serve.await.context("the connection broke")?.ok();
        stored.context("cannot read what is stored")
    })
}

async fn rows(client: &Client) -> Result<Stored> {
    let mut stored = Stored::default();
    let events = "SELECT organization_id::text, kind, vapi_call_id, body FROM webhook_events";
    for row in client.query(events, &[]).await? {
        stored.events.push(StoredEvent {
            organization: id(row.try_get(0)?)?,
            kind: row.try_get(1)?,
            call: row.try_get(2)?,
            marker: marker(row.try_get(3)?),
        });
    }
    let calls = "SELECT organization_id::text, vapi_call_id, status, transcript \
         FROM call_logs LEFT JOIN call_reports USING (organization_id, vapi_call_id)";
    for row in client.query(calls, &[]).await? {
        stored.calls.push(StoredCall {
            organization: id(row.try_get(0)?)?,
            call: row.try_get(1)?,
            status: row.try_get(2)?,
            transcript: row.try_get(3)?,
        });
    }
    let appointments = "SELECT organization_id::text, vapi_call_id, tool_call_id, \
         extract(epoch FROM starts_at)::bigint, extract(epoch FROM ends_at)::bigint, resource_id::text, seat::bigint, \
         status FROM appointments";
    for row in client.query(appointments, &[]).await? {
        let time = |index: usize| -> Result<_> {
            let seconds = row.try_get(index)?;
            Ok(DateTime::from_timestamp(seconds, 0).context("no time of this age")?.naive_utc())
        };
        stored.appointments.push(StoredAppointment {
            organization: id(row.try_get(0)?)?,
            call: row.try_get(1)?,
            tool_call_id: row.try_get(2)?,
            starts_at: time(3)?,
            ends_at: time(4)?,
            resource: row.try_get(5)?,
            seat: row.try_get(6)?,
            status: row.try_get(7)?,
        });
    }
    Ok(stored)
}

fn id(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).context("an organization's id is no UUID")
}
