//! The database's content, read past the gateway.

mod postgres;
mod sqlite;

use chrono::NaiveDateTime;
use serde_json::Value;
use uuid::Uuid;

pub(crate) use postgres::read as read_postgres;
pub(crate) use sqlite::read as read_sqlite;

use super::wire::RECORDINGS;

/// The rows that matter.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) calls: Vec<StoredCall>,
    pub(crate) appointments: Vec<StoredAppointment>,
}

/// A row of `webhook_events`.
#[derive(Clone, Debug)]
pub(crate) struct StoredEvent {
    pub(crate) organization: Uuid,
    pub(crate) kind: String,
    pub(crate) call: Option<String>,
    /// Which message it is, as its body says; the gateway's own key is what is under test.
    pub(crate) marker: Option<String>,
}

/// A row of `call_logs`.
#[derive(Clone, Debug)]
pub(crate) struct StoredCall {
    pub(crate) organization: Uuid,
    pub(crate) call: String,
    pub(crate) status: String,
    pub(crate) transcript: Option<String>,
}

/// A row of `appointments`.
#[derive(Clone, Debug)]
pub(crate) struct StoredAppointment {
    pub(crate) organization: Uuid,
    pub(crate) call: Option<String>,
    pub(crate) tool_call_id: Option<String>,
    /// In UTC, which is the organizations' zone.
    pub(crate) starts_at: NaiveDateTime,
    pub(crate) ends_at: NaiveDateTime,
    pub(crate) resource: String,
    pub(crate) seat: i64,
    pub(crate) status: String,
}

/// Reads which message a stored body is: the path of its recording's address says so.
fn marker(packed: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(&unpacked(packed)?).ok()?;
    let address = body.pointer("/message/artifact/recordingUrl")?.as_str()?;
    let (marker, _) = address.strip_prefix(RECORDINGS)?.split_once(".wav")?;
    Some(marker.to_owned())
}

/// A stored body. Its length is in front, and the highest bit of that says zstd instead of LZ4.
fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let (length, frame) = packed.split_first_chunk()?;
    let length = u32::from_le_bytes(*length);
    if length & ZSTD == 0 {
        return lz4_flex::block::decompress_size_prepended(packed).ok();
    }
    zstd::bulk::decompress(frame, usize::try_from(length & !ZSTD).ok()?).ok()
}

const ZSTD: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_which_message_it_is() {
        let body =
            br#"{"message":{"artifact":{"recordingUrl":"https://recordings.example/c-status-1.wav?X=2"}}}"#;
        let packed = lz4_flex::block::compress_prepend_size(body);
        assert_eq!(marker(&packed).as_deref(), Some("c-status-1"));
        assert_eq!(marker(&lz4_flex::block::compress_prepend_size(b"{}")), None);
        assert_eq!(marker(b"x"), None);
        let frame = zstd::bulk::compress(body, 1).unwrap();
        let length = u32::try_from(body.len()).unwrap() | ZSTD;
        assert_eq!(marker(&[&length.to_le_bytes()[..], &frame].concat()).as_deref(), Some("c-status-1"));
    }
}
