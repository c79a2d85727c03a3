//! Shared by every request: built once, by [`build`](crate::build).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use intake::{Clock, Intake};
use ipnet::IpNet;
use tokio::sync::Notify;
use uuid::{NoContext, Timestamp, Uuid};

use crate::body::BodyReader;
use crate::health::Health;

/// The shared parts.
pub(crate) struct AppState {
    pub(crate) intake: Intake,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Health,
    pub(crate) bodies: BodyReader,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How organizations are found, in words.
    pub(crate) identification_methods: Vec<&'static str>,
    pub(crate) running: Running,
}

impl AppState {
    /// A name for one request: sorts by time, and is ours alone.
    pub(crate) fn new_request_id(&self) -> String {
        let now = self.clock.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let timestamp = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
        Uuid::new_v7(timestamp).simple().to_string()
    }
}

/// The requests that are being worked on, and whether new ones are still welcome.
#[derive(Debug, Default)]
pub(crate) struct Running {
    requests: AtomicUsize,
    stopping: AtomicBool,
    ended: Notify,
}

/// Ends a request's part in [`Running`] when dropped, also when its client went away.
pub(crate) struct RunningRequest<'a>(&'a Running);

impl Running {
    /// Counts a request in.
    pub(crate) fn begin(&self) -> RunningRequest<'_> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        RunningRequest(self)
    }

    /// True once the process was told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Says that the process is told to stop.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Waits until no request is worked on, at most so long.
    pub(crate) async fn idle(&self, patience: Duration) {
        let waiting = async {
            loop {
                let ended = self.ended.notified();
                if self.requests.load(Ordering::SeqCst) == 0 {
                    break;
                }
                ended.await;
            }
        };
        // Whether all ended or time ran out, the listener is closed next.
        let _ = tokio::time::timeout(patience, waiting).await;
    }
}

impl Drop for RunningRequest<'_> {
    fn drop(&mut self) {
        if self.0.requests.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Kept for a waiter that is just about to wait.
            self.0.ended.notify_one();
        }
    }
}
