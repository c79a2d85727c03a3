//! Waiting for a database that starts at the same time.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable, Sleeper};
use server::Clock;
use storage::{ErrorKind, StorageError};

const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Asks until the database answers, for the last time when a minute by `clock` is over, with pauses that `sleeper` takes.
///
/// # Errors
/// The database's own answer, or the last reason why there was none.
pub(super) async fn until_answered<T>(
    name: &str,
    clock: &dyn Clock,
    sleeper: impl Sleeper,
    ask: impl AsyncFn() -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    let started = clock.elapsed();
    let pauses = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times();
    let within_patience = |_: &StorageError, pause: Option<Duration>| {
        let left = PATIENCE.saturating_sub(clock.elapsed().saturating_sub(started));
        pause.filter(|_| !left.is_zero()).map(|pause| pause.min(left))
    };
    (|| ask())
        .retry(pauses)
        .sleep(sleeper)
        .when(|error: &StorageError| error.kind() == ErrorKind::Transient)
        .adjust(within_patience)
        .notify(|error, _pause| {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            tracing::warn!(database = name, cause, "the database does not answer yet");
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use chrono::{DateTime, Utc};

    use super::*;

    /// Time that passes only while somebody sleeps.
    #[derive(Debug, Default)]
    struct SleptTime(Mutex<Duration>);

    impl SleptTime {
        fn sleeper(self: &Arc<Self>) -> impl Sleeper + Clone + use<> {
            let time = Arc::clone(self);
            move |pause| {
                *time.0.lock().unwrap() += pause;
                std::future::ready(())
            }
        }
    }

    impl Clock for SleptTime {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }

        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    fn unavailable() -> StorageError {
        StorageError::Unavailable("refused".into())
    }

    #[tokio::test]
    async fn a_database_that_comes_up_is_used() {
        let time = Arc::new(SleptTime::default());
        let asked = AtomicU32::new(0);
        let ask = async || {
            if asked.fetch_add(1, Ordering::Relaxed) < 5 { Err(unavailable()) } else { Ok("here") }
        };
        let answer = until_answered("db", &*time, time.sleeper(), ask).await;
        assert_eq!(answer.unwrap(), "here");
        // 250, 500, 1000, 2000 and 4000 ms.
        assert_eq!(time.elapsed(), Duration::from_millis(7_750));
    }

    #[tokio::test]
    async fn patience_ends_after_a_minute_and_refusals_end_it_at_once() {
        let time = Arc::new(SleptTime::default());
        let never = until_answered("db", &*time, time.sleeper(), async || Err::<(), _>(unavailable())).await;
        assert!(matches!(never, Err(StorageError::Unavailable(_))));
        assert_eq!(time.elapsed(), Duration::from_secs(60));

        let asked = AtomicU32::new(0);
        let refuse = async || {
            asked.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(StorageError::Configuration("no such role".to_owned()))
        };
        assert!(until_answered("db", &*time, time.sleeper(), refuse).await.is_err());
        assert_eq!(asked.into_inner(), 1);
    }
}
