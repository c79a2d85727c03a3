//! One thread for one connection. Its statements run in the order in which they were sent, and none is ever torn
//! apart: a request that gives up loses the answer, not the order. That order is what makes rolling back on drop safe.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::{self, ThreadId};

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::sync::oneshot;

use crate::error::StorageError;

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs one after the other. With its last clone it ends, after the jobs that were sent.
#[derive(Clone)]
pub(super) struct ConnectionThread {
    jobs: mpsc::Sender<Job>,
    /// None where the system had no thread.
    id: Option<ThreadId>,
}

impl ConnectionThread {
    pub(super) fn start() -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let started = thread::Builder::new().name("sqlite".to_owned()).spawn(move || {
            for job in queue {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
                    tracing::error!(panic = said(&*panic), "a statement panicked");
                }
            }
        });
        if let Err(error) = &started {
            // The queue is gone with the closure, so that every job is answered by a failure.
            tracing::error!(%error, "the system has no thread for a database connection");
        }
        Self { jobs, id: started.ok().map(|thread| thread.thread().id()) }
    }

    /// Runs work that waits for nothing but this thread as one job. It runs to its end though nobody waits for it.
    pub(super) async fn run<T: Send + 'static>(
        &mut self,
        work: impl Future<Output = Result<T, StorageError>> + Send + 'static,
    ) -> Result<T, StorageError> {
        // Its statements are answered at once, so that one poll is enough.
        let done = self.spawn_blocking(|| work.now_or_never()).await.map_err(StorageError::unavailable)?;
        done.unwrap_or_else(|| Err(StorageError::rejected("a job waited for more than its own thread")))
    }
}

impl SpawnBlocking for ConnectionThread {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        // A job's own statement belongs to the job, and waiting for it here would last for ever.
        if self.id == Some(thread::current().id()) {
            return ready(Ok(task())).boxed();
        }
        let (answer, answered) = oneshot::channel();
        // Sent now, not when the future is first polled: a rollback is sent by a `Drop`, which cannot wait.
        let sent = self.jobs.send(Box::new(move || {
            // The receiver may be gone.
            drop(answer.send(task()));
        }));
        async move {
            sent.map_err(|_cause| "the connection's thread is gone")?;
            Ok(answered.await?)
        }
        .boxed()
    }

    fn get_runtime() -> Self {
        Self::start()
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn jobs_run_in_order_though_nobody_waits() {
        let mut thread = ConnectionThread::start();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for number in 0..100 {
            let seen = Arc::clone(&seen);
            drop(thread.spawn_blocking(move || seen.lock().unwrap().push(number)));
        }
        thread.spawn_blocking(|| ()).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_panic_fails_its_own_job_only() {
        let mut thread = ConnectionThread::start();
        assert!(thread.spawn_blocking(|| panic!("on purpose")).await.is_err());
        assert_eq!(thread.spawn_blocking(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_job_runs_its_own_statements_before_the_next_job() {
        let mut thread = ConnectionThread::start();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (inner, own) = (thread.clone(), Arc::clone(&seen));
        let work = thread.run(async move {
            let mut inner = inner;
            for number in [1, 2] {
                let own = Arc::clone(&own);
                inner.spawn_blocking(move || own.lock().unwrap().push(number)).await.unwrap();
            }
            Ok(())
        });
        work.await.unwrap();
        let last = Arc::clone(&seen);
        thread.spawn_blocking(move || last.lock().unwrap().push(3)).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
        let waits = thread.run(std::future::pending::<Result<(), _>>()).await;
        assert!(waits.is_err());
    }
}
