//! One transaction for every request on SQLite: one connection that writes, behind a lock, off the serving threads.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web;
use anyhow::{Context as _, Result};
use rusqlite::{Connection, TransactionBehavior, named_params};

use crate::record::Record;

const EVENT: &str =
    "INSERT INTO webhook_events (organization_id, id, kind, vapi_call_id, dedupe_key, verdict, trace, body,
       body_bytes, request_id, received_at)
     VALUES (:org, :id, :kind, :call, :key, 'accepted', :trace, :body, :bytes, :request, :at)
     ON CONFLICT (organization_id, dedupe_key) DO UPDATE SET deliveries = webhook_events.deliveries + 1";

const PIN: &str =
    "INSERT INTO call_pins (organization_id, vapi_call_id) VALUES (:org, :call) ON CONFLICT DO NOTHING";

const CONTACT: &str = "INSERT INTO contacts (organization_id, id, phone, name, last_call_at)
     VALUES (:org, :id, :phone, :name, :at)
     ON CONFLICT (organization_id, phone) DO UPDATE SET last_call_at = excluded.last_call_at,
       name = CASE WHEN contacts.name = '' THEN excluded.name ELSE contacts.name END
     RETURNING id";

const CALL: &str = "INSERT INTO call_logs (organization_id, vapi_call_id, call_type, status, status_rank,
       vapi_assistant_id, phone_number_id, customer_number, contact_id, started_at, ended_at, ended_reason,
       sealed_control_url)
     VALUES (:org, :call, :type, :status, :rank, :assistant, :number, :customer, :contact, :started, :ended, :reason, :sealed)
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
     VALUES (:org, :call, :duration, :cost, :transcript, :summary, :data, :success, :recording, :stereo)
     ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET
       duration_ms = coalesce(excluded.duration_ms, call_reports.duration_ms),
       cost = coalesce(excluded.cost, call_reports.cost),
       transcript = coalesce(excluded.transcript, call_reports.transcript),
       summary = coalesce(excluded.summary, call_reports.summary),
       structured_data = coalesce(excluded.structured_data, call_reports.structured_data),
       success_evaluation = coalesce(excluded.success_evaluation, call_reports.success_evaluation),
       recording_url = coalesce(excluded.recording_url, call_reports.recording_url),
       stereo_recording_url = coalesce(excluded.stereo_recording_url, call_reports.stereo_recording_url)";

/// The one connection that writes.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Mutex<Connection>>);

impl Writer {
    /// Opens the database with the gateway's pragmas.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn open(url: &str) -> Result<Self> {
        let path = url.strip_prefix("sqlite:").unwrap_or(url);
        let connection = Connection::open(path).with_context(|| format!("cannot open {path}"))?;
        connection.execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        )?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Keeps a message; returns after COMMIT.
    ///
    /// # Errors
    /// If the database refuses; the transaction is rolled back then.
    pub(crate) async fn keep(&self, record: Record) -> Result<()> {
        let connection = Arc::clone(&self.0);
        let kept = web::block(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            insert(&mut connection, &record)
        });
        kept.await.context("the thread is gone")?
    }
}

fn insert(connection: &mut Connection, r: &Record) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.prepare_cached(EVENT)?.execute(named_params! {
        ":org": r.organization, ":id": r.id, ":kind": r.kind, ":call": r.call, ":key": r.dedupe_key, ":trace": r.trace.as_bytes(),
        ":body": r.body, ":bytes": r.body_bytes, ":request": r.request_id, ":at": r.received_at,
    })?;
    transaction.prepare_cached(PIN)?.execute(named_params! { ":org": r.organization, ":call": r.call })?;
    let mut contact: Option<String> = None;
    if let Some(it) = &r.contact {
        contact = Some(transaction.prepare_cached(CONTACT)?.query_row(
            named_params! {
                ":org": r.organization, ":id": it.id, ":phone": it.phone, ":name": it.name, ":at": it.last_call_at,
            },
            |row| row.get(0),
        )?);
    }
    let l = &r.ledger;
    transaction.prepare_cached(CALL)?.execute(named_params! {
        ":org": r.organization, ":call": r.call, ":type": l.call_type, ":status": l.status, ":rank": l.rank,
        ":assistant": l.assistant, ":number": l.phone_number, ":customer": l.customer, ":contact": contact,
        ":started": l.started_at, ":ended": l.ended_at, ":reason": l.ended_reason, ":sealed": l.sealed_control_url,
    })?;
    if r.contact.is_some() {
        transaction.prepare_cached(REPORT)?.execute(named_params! {
            ":org": r.organization, ":call": r.call, ":duration": l.duration_ms, ":cost": l.cost,
            ":transcript": l.transcript, ":summary": l.summary, ":data": l.structured_data, ":success": l.success,
            ":recording": l.recording, ":stereo": l.stereo_recording,
        })?;
    }
    transaction.commit()?;
    Ok(())
}
