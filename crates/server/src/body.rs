//! Reads the raw bytes of a body within bounds: size, time, and bytes held by the whole process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures::StreamExt;
use intake::Refusal;

/// A body that is refused is read on and thrown away up to this many times the limit, so that its sender comes to read the
/// refusal instead of a broken connection.
const DRAIN_FACTOR: usize = 4;
/// Room that is made for a body before any of it arrived: a sender's word is worth no more.
const FIRST_ROOM: usize = 64 * 1024;

/// The bounds of a body.
#[derive(Clone, Debug)]
pub(crate) struct BodyReader {
    max_bytes: usize,
    timeout: Duration,
    budget: Arc<Budget>,
}

/// Bytes of bodies that the process holds.
#[derive(Debug)]
struct Budget {
    held: AtomicUsize,
    most: usize,
}

/// Bytes taken from the budget, given back when dropped.
#[derive(Debug)]
struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

/// A body, and with it its share of the budget.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl BodyReader {
    /// A reader of bodies up to `max_bytes`, each within `timeout`, all together within `budget_bytes`.
    pub(crate) fn new(max_bytes: usize, timeout: Duration, budget_bytes: usize) -> Self {
        let budget = Arc::new(Budget { held: AtomicUsize::new(0), most: budget_bytes });
        Self { max_bytes, timeout, budget }
    }

    /// Reads a whole body.
    ///
    /// # Errors
    /// [`Refusal`] for an encoded, overlong, stalled or broken body, or when the process holds too many already.
    pub(crate) async fn read(&self, headers: &HeaderMap, payload: &mut Payload) -> Result<Body, Refusal> {
        let declared = declared_length(headers);
        let reading = async {
            if is_encoded(headers) {
                return Err(Refusal::UnsupportedEncoding);
            }
            if declared.is_some_and(|bytes| bytes > self.max_bytes) {
                return Err(Refusal::PayloadTooLarge);
            }
            self.collect(payload, declared.unwrap_or(0)).await
        };
        // One limit for the whole body: a byte now and then is as stalled as none.
        let read = tokio::time::timeout(self.timeout, reading).await.unwrap_or(Err(Refusal::RequestTimeout));
        // Of a body that stalls or breaks off there is no more to read.
        if let Err(Refusal::UnsupportedEncoding | Refusal::PayloadTooLarge | Refusal::Unavailable) = read {
            self.drain(payload).await;
        }
        read
    }

    async fn collect(&self, payload: &mut Payload, declared: usize) -> Result<Body, Refusal> {
        let mut share = Share { budget: Arc::clone(&self.budget), bytes: 0 };
        let Some(first) = payload.next().await else {
            return Ok(Body { bytes: Bytes::new(), _share: share });
        };
        let first = first.map_err(|_broken| Refusal::Unreadable)?;
        share.grow(first.len())?;
        let Some(second) = payload.next().await else {
            // The usual case: the body came in one piece and needs no copy.
            return if first.len() > self.max_bytes {
                Err(Refusal::PayloadTooLarge)
            } else {
                Ok(Body { bytes: first, _share: share })
            };
        };
        let mut bytes = BytesMut::with_capacity(declared.clamp(first.len(), FIRST_ROOM.max(first.len())));
        bytes.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            let chunk = chunk.map_err(|_broken| Refusal::Unreadable)?;
            if bytes.len().saturating_add(chunk.len()) > self.max_bytes {
                return Err(Refusal::PayloadTooLarge);
            }
            share.grow(chunk.len())?;
            bytes.extend_from_slice(&chunk);
            next = payload.next().await;
        }
        Ok(Body { bytes: bytes.freeze(), _share: share })
    }

    /// Reads on without keeping anything, within bounds, for a request that is refused with or without its body.
    pub(crate) async fn drain(&self, payload: &mut Payload) {
        let mut left = self.max_bytes.saturating_mul(DRAIN_FACTOR);
        let draining = async {
            while let Some(Ok(chunk)) = payload.next().await {
                match left.checked_sub(chunk.len()) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        };
        // Whether it ended or ran out of time, the answer is the same.
        let _ = tokio::time::timeout(self.timeout, draining).await;
    }
}

impl Share {
    fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let before = self.budget.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before.saturating_add(bytes) > self.budget.most { Err(Refusal::Unavailable) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// True when any content encoding is named that changes the bytes.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).any(|value| {
        let text = value.to_str().unwrap_or("unreadable").trim();
        !(text.is_empty() || text.eq_ignore_ascii_case("identity"))
    })
}

/// The declared length; one beyond what a number holds is as large as can be.
fn declared_length(headers: &HeaderMap) -> Option<usize> {
    let text = headers.get(CONTENT_LENGTH)?.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(usize::MAX))
}
