//! The lowest speed of a body.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures::{Stream, StreamExt};
use intake::Refusal;
use tokio::time::{Instant, timeout_at};

/// The lowest speed, in bytes a second.
const BYTES_PER_S: u32 = 64 * 1024;
/// A body may take so long before its speed counts.
const GRACE: Duration = Duration::from_secs(2);
/// The longest pause that bytes which came early can pay for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Reads a body's chunks as long as they come fast enough.
pub(crate) struct Pace<'a, S> {
    chunks: &'a mut S,
    /// The instant by which there has to be more.
    due: Instant,
    /// The instant by which there has to be all.
    end: Instant,
}

impl<'a, S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Pace<'a, S> {
    /// Begins now, and ends within `longest`.
    pub(crate) fn new(chunks: &'a mut S, longest: Duration) -> Self {
        let now = Instant::now();
        Self { chunks, due: now + GRACE, end: now + longest }
    }

    /// The next bytes; `None` at the end of the body.
    ///
    /// # Errors
    /// [`Refusal::RequestTimeout`] when they do not come in time, [`Refusal::Unreadable`] when the body breaks off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let next = timeout_at(self.due.min(self.end), self.chunks.next()).await;
        let chunk = next.map_err(|_elapsed| Refusal::RequestTimeout)?.transpose();
        let chunk = chunk.map_err(|_broken| Refusal::Unreadable)?;
        if let Some(chunk) = &chunk {
            let bytes = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            let worth = Duration::from_secs(1) * bytes / BYTES_PER_S;
            self.due = (self.due + worth).min(Instant::now() + LONGEST_PAUSE);
        }
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    const KIB: usize = 1024;

    /// When a body of chunks, each so many bytes after so many milliseconds, ended, and how.
    async fn read(chunks: Vec<(u64, usize)>, longest: Duration) -> (Duration, Result<usize, Refusal>) {
        let started = Instant::now();
        let chunks = stream::iter(chunks).then(|(wait_ms, bytes)| async move {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            Ok(Bytes::from(vec![0; bytes]))
        });
        let mut chunks = Box::pin(chunks);
        let mut pace = Pace::new(&mut chunks, longest);
        let mut bytes = 0;
        let ended = loop {
            match pace.next().await {
                Ok(Some(chunk)) => bytes += chunk.len(),
                Ok(None) => break Ok(bytes),
                Err(refusal) => break Err(refusal),
            }
        };
        // Timers are as fine as a millisecond.
        (Duration::from_millis(u64::try_from(started.elapsed().as_millis()).unwrap()), ended)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_lowest_speed_comes_whole() {
        let (took, ended) = read(vec![(1000, 64 * KIB); 40], MINUTE).await;
        assert_eq!((took.as_secs(), ended), (40, Ok(40 * 64 * KIB)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slower_one_ends() {
        // A byte a second is as stalled as none: two seconds.
        let (took, ended) = read(vec![(1000, 1); 40], MINUTE).await;
        assert_eq!((took.as_secs(), ended), (2, Err(Refusal::RequestTimeout)));
        // Half the speed lasts until the first two seconds are used up by what lacks.
        let (took, ended) = read(vec![(1000, 32 * KIB); 40], MINUTE).await;
        assert_eq!(ended, Err(Refusal::RequestTimeout));
        assert!((3..=4).contains(&took.as_secs()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_body_has_two_seconds() {
        assert_eq!(read(vec![(1900, 300)], MINUTE).await.1, Ok(300));
        assert_eq!(read(vec![(2100, 300)], MINUTE).await.1, Err(Refusal::RequestTimeout));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_came_early_pay_for_a_short_pause_and_no_long_one() {
        let all_but_one = 7 * KIB * KIB;
        assert!(read(vec![(0, all_but_one), (4_900, 1)], MINUTE).await.1.is_ok());
        let (took, ended) = read(vec![(0, all_but_one), (60_000, 1)], MINUTE).await;
        assert_eq!((took.as_secs(), ended), (5, Err(Refusal::RequestTimeout)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_body_has_an_end() {
        let (took, ended) = read(vec![(1000, 64 * KIB); 40], Duration::from_secs(10)).await;
        assert_eq!((took.as_secs(), ended), (10, Err(Refusal::RequestTimeout)));
    }
}
