//! Whether the store is well: asked once a second for everybody who wants to know.

use std::time::Duration;

use intake::error_chain;
use storage::{Storage, StorageError};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long an answer of the store is good.
const EVERY: Duration = Duration::from_secs(1);
/// A store that takes longer to answer is as good as none.
const PATIENCE: Duration = Duration::from_secs(3);

/// The store's last answer. Those who ask are told it, and none of them reaches the store.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// `None` until the store has answered for the first time.
    is_well: watch::Sender<Option<bool>>,
}

impl Health {
    /// Asks the store for as long as it is polled.
    pub(crate) async fn watch(&self, storage: &Storage) {
        loop {
            self.note(&match timeout(PATIENCE, storage.health()).await {
                Ok(answer) => answer,
                Err(elapsed) => Err(StorageError::Unavailable(elapsed.into())),
            });
            sleep(EVERY).await;
        }
    }

    /// Whether the store was well when it was asked last; waits for its first answer.
    pub(crate) async fn is_well(&self) -> bool {
        let mut answers = self.is_well.subscribe();
        answers.wait_for(Option::is_some).await.is_ok_and(|answer| *answer == Some(true))
    }

    /// Notes an answer, and logs it where it differs from the one before.
    fn note(&self, answer: &Result<(), StorageError>) {
        match (answer, self.is_well.send_replace(Some(answer.is_ok()))) {
            (Err(error), None | Some(true)) => {
                tracing::warn!(error = error_chain(error), "the store is not well");
            }
            (Ok(()), Some(false)) => tracing::info!("the store is well again"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn everybody_is_told_the_last_answer() {
        let health = Health::default();
        let mut early = Box::pin(join_all((0..100).map(|_| health.is_well())));
        assert_eq!((&mut early).now_or_never(), None);
        health.note(&Ok(()));
        assert!(early.await.into_iter().all(|is_well| is_well));
        for is_well in [false, false, true] {
            let answer = if is_well { Ok(()) } else { Err(StorageError::Unavailable("away".into())) };
            health.note(&answer);
            assert_eq!(health.is_well().now_or_never(), Some(is_well));
        }
    }
}
