//! One transaction for every request on PostgreSQL: a pool of ten, prepared statements, one after the other.

use anyhow::{Context as _, Result};
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::record::Record;

/// As many connections as the gateway has.
const CONNECTIONS: usize = 10;

const EVENT: &str = "INSERT INTO webhook_events (organization_id, id, kind, vapi_call_id, dedupe_key, verdict, trace, body,
       body_bytes, request_id, received_at)
     VALUES ($1::text::uuid, $2::text::uuid, $3, $4, $5, 'accepted', $6::text::jsonb, $7, $8, $9, $10::text::timestamptz)
     ON CONFLICT (organization_id, dedupe_key) DO UPDATE SET deliveries = webhook_events.deliveries + 1";

const PIN: &str = "INSERT INTO call_pins (organization_id, vapi_call_id) VALUES ($1::text::uuid, $2)
     ON CONFLICT DO NOTHING";

const CONTACT: &str = "INSERT INTO contacts (organization_id, id, phone, name, last_call_at)
     VALUES ($1::text::uuid, $2::text::uuid, $3, $4, $5::text::timestamptz)
     ON CONFLICT (organization_id, phone) DO UPDATE SET last_call_at = excluded.last_call_at,
       name = CASE WHEN contacts.name = '' THEN excluded.name ELSE contacts.name END
     RETURNING id::text";

const CALL: &str = "INSERT INTO call_logs (organization_id, id, vapi_call_id, call_type, status, status_rank,
       vapi_assistant_id, phone_number_id, customer_number, contact_id, started_at, ended_at, ended_reason, duration_ms,
       cost, transcript, summary, structured_data, success_evaluation, recording_url, stereo_recording_url,
       sealed_control_url, sealing_key_id)
     VALUES ($1::text::uuid, $2::text::uuid, $3, $4, $5, $6, $7, $8, $9, $10::text::uuid, $11::text::timestamptz,
       $12::text::timestamptz, $13, $14, $15, $16, $17, $18::text::jsonb, $19, $20, $21, $22,
       CASE WHEN $22::bytea IS NOT NULL THEN 'bench' END)
     ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET
       status = excluded.status, status_rank = excluded.status_rank,
       contact_id = coalesce(excluded.contact_id, call_logs.contact_id),
       started_at = coalesce(excluded.started_at, call_logs.started_at),
       ended_at = coalesce(excluded.ended_at, call_logs.ended_at),
       ended_reason = coalesce(excluded.ended_reason, call_logs.ended_reason),
       duration_ms = coalesce(excluded.duration_ms, call_logs.duration_ms),
       cost = coalesce(excluded.cost, call_logs.cost),
       transcript = coalesce(excluded.transcript, call_logs.transcript),
       summary = coalesce(excluded.summary, call_logs.summary),
       structured_data = coalesce(excluded.structured_data, call_logs.structured_data),
       success_evaluation = coalesce(excluded.success_evaluation, call_logs.success_evaluation),
       recording_url = coalesce(excluded.recording_url, call_logs.recording_url),
       stereo_recording_url = coalesce(excluded.stereo_recording_url, call_logs.stereo_recording_url),
       sealed_control_url = excluded.sealed_control_url, sealing_key_id = excluded.sealing_key_id
     WHERE call_logs.status_rank < excluded.status_rank";

/// The connections.
pub(crate) type Pool = managed::Pool<Manager>;

/// Makes connections that know their statements.
pub(crate) struct Manager(Config);

/// A connection.
pub(crate) struct Connection {
    client: Client,
    event: Statement,
    pin: Statement,
    contact: Statement,
    call: Statement,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let (client, connection) = self.0.connect(NoTls).await?;
        tokio::spawn(connection);
        let event = client.prepare(EVENT).await?;
        let pin = client.prepare(PIN).await?;
        let contact = client.prepare(CONTACT).await?;
        let call = client.prepare(CALL).await?;
        Ok(Connection { client, event, pin, contact, call })
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Self::Error> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        Ok(())
    }
}

/// Makes the pool.
///
/// # Errors
/// If the URL is none.
pub(crate) fn pool(url: &str) -> Result<Pool> {
    let manager = Manager(url.parse().context("DATABASE_URL is no PostgreSQL URL")?);
    Pool::builder(manager).max_size(CONNECTIONS).build().context("cannot make a pool")
}

/// Keeps a message; returns after COMMIT.
///
/// # Errors
/// If the database refuses; the transaction is rolled back then.
pub(crate) async fn keep(pool: &Pool, record: &Record) -> Result<()> {
    let mut connection = pool.get().await.context("no connection")?;
    let Connection { client, event, pin, contact, call } = &mut *connection;
    let transaction = client.transaction().await?;
    let r = record;
    transaction
        .execute(
            &*event,
            &[
                &r.organization,
                &r.id,
                &r.kind,
                &r.call,
                &r.dedupe_key,
                &r.trace,
                &r.body,
                &r.body_bytes,
                &r.request_id,
                &r.received_at,
            ],
        )
        .await?;
    transaction.execute(&*pin, &[&r.organization, &r.call]).await?;
    let mut contact_id: Option<String> = None;
    if let Some(it) = &r.contact {
        let row = transaction
            .query_one(&*contact, &[&r.organization, &it.id, &it.phone, &it.name, &it.last_call_at])
            .await?;
        contact_id = Some(row.try_get(0)?);
    }
    let l = &r.ledger;
    transaction
        .execute(
            &*call,
            &[
                &r.organization,
                &l.id,
                &r.call,
                &l.call_type,
                &l.status,
                &l.rank,
                &l.assistant,
                &l.phone_number,
                &l.customer,
                &contact_id,
                &l.started_at,
                &l.ended_at,
                &l.ended_reason,
                &l.duration_ms,
                &l.cost,
                &l.transcript,
                &l.summary,
                &l.structured_data,
                &l.success,
                &l.recording,
                &l.stereo_recording,
                &l.sealed_control_url,
            ],
        )
        .await?;
    transaction.commit().await?;
    Ok(())
}
