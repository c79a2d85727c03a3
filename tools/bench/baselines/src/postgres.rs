//! One transaction for every request on PostgreSQL: a pool of ten, prepared statements, one after the other.

use anyhow::{Context as _, Result};
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::record::Record;

/// As many connections as the gateway has.
const CONNECTIONS: usize = 10;

const EVENT: &str = "INSERT INTO webhook_events (organization_id, id, kind, vapi_call_id, dedupe_key, verdict, trace, body,
       body_bytes, request_id, received_at)
     VALUES ($1::text::uuid, $2::text::uuid, $3, $4, $5, 'accepted', convert_to($6, 'UTF8'), $7, $8, $9, $10::text::timestamptz)
     ON CONFLICT (organization_id, dedupe_key) DO UPDATE SET deliveries = webhook_events.deliveries + 1";

const PIN: &str = "INSERT INTO call_pins (organization_id, vapi_call_id) VALUES ($1::text::uuid, $2)
     ON CONFLICT DO NOTHING";

const CONTACT: &str = "INSERT INTO contacts (organization_id, id, phone, name, last_call_at)
     VALUES ($1::text::uuid, $2::text::uuid, $3, $4, $5::text::timestamptz)
     ON CONFLICT (organization_id, phone) DO UPDATE SET last_call_at = excluded.last_call_at,
       name = CASE WHEN contacts.name = '' THEN excluded.name ELSE contacts.name END
     RETURNING id::text";

const CALL: &str = "INSERT INTO call_logs (organization_id, vapi_call_id, call_type, status, status_rank,
       vapi_assistant_id, phone_number_id, customer_number, contact_id, started_at, ended_at, ended_reason,
       sealed_control_url)
     VALUES ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9::text::uuid, $10::text::timestamptz,
       $11::text::timestamptz, $12, $13)
     ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET
       status = excluded.status, status_rank = excluded.status_rank,
       contact_id = coalesce(excluded.contact_id, call_logs.contact_id),
       started_at = coalesce(excluded.started_at, call_logs.started_at),
       ended_at = coalesce(excluded.ended_at, call_logs.ended_at),
       ended_reason = coalesce(excluded.ended_reason, call_logs.ended_reason),
       sealed_control_url = excluded.sealed_control_url
     WHERE call_logs.status_rank < excluded.status_rank";

const REPORT: &str =
    "INSERT INTO call_reports (organization_id, vapi_call_id, duration_ms, cost, transcript, summary,
       structured_data, success_evaluation, recording_url, stereo_recording_url)
     VALUES ($1::text::uuid, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10)
     ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET
       duration_ms = coalesce(excluded.duration_ms, call_reports.duration_ms),
       cost = coalesce(excluded.cost, call_reports.cost),
       transcript = coalesce(excluded.transcript, call_reports.transcript),
       summary = coalesce(excluded.summary, call_reports.summary),
       structured_data = coalesce(excluded.structured_data, call_reports.structured_data),
       success_evaluation = coalesce(excluded.success_evaluation, call_reports.success_evaluation),
       recording_url = coalesce(excluded.recording_url, call_reports.recording_url),
       stereo_recording_url = coalesce(excluded.stereo_recording_url, call_reports.stereo_recording_url)";

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
    report: Statement,
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
        let report = client.prepare(REPORT).await?;
        Ok(Connection { client, event, pin, contact, call, report })
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
    let Connection { client, event, pin, contact, call, report } = &mut *connection;
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
                &l.sealed_control_url,
            ],
        )
        .await?;
    if r.contact.is_some() {
        transaction
            .execute(
                &*report,
                &[
                    &r.organization,
                    &r.call,
                    &l.duration_ms,
                    &l.cost,
                    &l.transcript,
                    &l.summary,
                    &l.structured_data,
                    &l.success,
                    &l.recording,
                    &l.stereo_recording,
                ],
            )
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}
