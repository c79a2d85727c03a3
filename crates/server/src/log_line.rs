//! The one line of a message in the log.

use std::time::Duration;

use intake::Record;
use org_resolver::LookupStep;

/// Writes the line.
pub(crate) fn write(record: &Record, request_id: &str, status: u16, took: Duration) {
    // Thousandths of a millisecond are exact in a float for the next centuries.
    let duration_ms = u32::try_from(took.as_micros()).map_or(f64::INFINITY, f64::from) / 1000.0;
    let (verdict, step) = (record.verdict, record.step.map(LookupStep::as_str));
    match &record.verified {
        Some(verified) => tracing::info!(
            org_id = %verified.org,
            assistant_id = verified.assistant.as_deref(),
            call_id = verified.call.as_deref(),
            kind = &*verified.kind,
            step,
            verdict,
            effects = record.effects.join(","),
            status,
            duration_ms,
            request_id,
            "message"
        ),
        None => tracing::info!(
            verdict,
            step,
            identifier = record.identifier.as_deref(),
            claimed_org_id = record.claimed.map(display),
            address = display(record.address),
            status,
            duration_ms,
            request_id,
            "message"
        ),
    }
}
