//! Reads the raw bytes of a body within bounds: size, speed, and bytes held by the whole process.

mod budget;
mod pace;

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, Payload};
use intake::{Refusal, network_of};

use budget::{Budget, SMALL_BYTES, Share};
use pace::Pace;

/// A body that is refused is read on and thrown away up to this many times the limit, so that its sender comes to read the
/// refusal instead of a broken connection.
const DRAIN_FACTOR: usize = 4;
/// A body that is larger than this is kept in segments of this size while it comes.
const SEGMENT_BYTES: usize = 256 * 1024;

/// The bounds of a body.
#[derive(Clone, Debug)]
pub(crate) struct BodyReader {
    max_bytes: usize,
    timeout: Duration,
    budget: Arc<Budget>,
}

/// A body, and with it its share of the budget.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Bytes,
    _share: Share,
}

/// A body that comes in pieces.
struct Pieces {
    /// Segments that are full.
    full: Vec<Vec<u8>>,
    /// What comes now goes here.
    last: Vec<u8>,
    share: Share,
    /// The most bytes that it may have.
    most: usize,
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl BodyReader {
    /// A reader of bodies up to `max_bytes`, each within `timeout`, all together within `budget_bytes`.
    pub(crate) fn new(max_bytes: usize, timeout: Duration, budget_bytes: usize) -> Self {
        Self { max_bytes, timeout, budget: Arc::new(Budget::new(budget_bytes, max_bytes)) }
    }

    /// Reads a whole body that comes from an address.
    ///
    /// # Errors
    /// [`Refusal`] for an encoded, overlong, slow or broken body, or when the process holds too many already, of this
    /// address or in all.
    pub(crate) async fn read(
        &self,
        address: IpAddr,
        headers: &HeaderMap,
        payload: &mut Payload,
    ) -> Result<Body, Refusal> {
        let read = self.collect(address, headers, payload).await;
        // Of a body that stalls or breaks off there is no more to read.
        if let Err(Refusal::UnsupportedEncoding | Refusal::PayloadTooLarge | Refusal::Unavailable) = read {
            self.drain(payload).await;
        }
        read
    }

    async fn collect(
        &self,
        address: IpAddr,
        headers: &HeaderMap,
        payload: &mut Payload,
    ) -> Result<Body, Refusal> {
        let declared = declared_length(headers);
        if is_encoded(headers) {
            return Err(Refusal::UnsupportedEncoding);
        }
        if declared.is_some_and(|bytes| bytes > self.max_bytes) {
            return Err(Refusal::PayloadTooLarge);
        }
        let mut share = Share::new(&self.budget, network_of(address));
        // A body that is let in has its room to the end; its memory is taken as it comes.
        share.grow_to(declared.unwrap_or_default())?;
        let mut chunks = Pace::new(payload, self.timeout);
        let first = chunks.next().await?.unwrap_or_default();
        let mut next = chunks.next().await?;
        if next.is_none() && first.len() <= self.max_bytes {
            // The usual case: the body came in one piece and needs no copy.
            share.grow_to(first.len())?;
            return Ok(Body { bytes: first, _share: share });
        }
        let most = declared.unwrap_or(self.max_bytes);
        let mut pieces = Pieces { full: Vec::new(), last: Vec::new(), share, most };
        pieces.add(&first)?;
        while let Some(chunk) = next {
            pieces.add(&chunk)?;
            next = chunks.next().await?;
        }
        Ok(pieces.whole())
    }

    /// Reads on without keeping anything, within bounds, for a request that is refused with or without its body.
    pub(crate) async fn drain(&self, payload: &mut Payload) {
        let mut left = self.max_bytes.saturating_mul(DRAIN_FACTOR);
        let mut chunks = Pace::new(payload, self.timeout);
        // Whether it ended, broke off or ran out of time, the answer is the same.
        while let Ok(Some(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    }
}

impl Pieces {
    /// Adds a piece. The share grows ahead of the memory. What outgrows a segment is not moved any more until it is whole:
    /// half of the memory would be rooms that it has left.
    fn add(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        let before = self.full.iter().map(Vec::len).sum::<usize>();
        let length = before.saturating_add(self.last.len()).saturating_add(piece.len());
        if length > self.most {
            return Err(Refusal::PayloadTooLarge);
        }
        if self.last.len() + piece.len() > self.last.capacity() {
            let is_segment = self.last.capacity() >= SEGMENT_BYTES;
            let (before, held) =
                if is_segment { (before + self.last.len(), 0) } else { (before, self.last.len()) };
            let doubled = if is_segment { SEGMENT_BYTES } else { self.last.capacity().saturating_mul(2) };
            let room =
                doubled.clamp(SMALL_BYTES, SEGMENT_BYTES).min(self.most - before).max(held + piece.len());
            self.share.grow_to(before + room)?;
            if is_segment {
                self.full.push(mem::replace(&mut self.last, Vec::with_capacity(room)));
            } else {
                self.last.reserve_exact(room - held);
            }
        }
        self.last.extend_from_slice(piece);
        Ok(())
    }

    fn whole(self) -> Body {
        let Self { full, last, share, .. } = self;
        if full.is_empty() {
            return Body { bytes: last.into(), _share: share };
        }
        let mut bytes = Vec::with_capacity(full.iter().map(Vec::len).sum::<usize>() + last.len());
        // Each segment's room is free again before the next one is copied.
        for segment in full.into_iter().chain([last]) {
            bytes.extend_from_slice(&segment);
        }
        Body { bytes: bytes.into(), _share: share }
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
