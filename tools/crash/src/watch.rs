//! Looks at the gateway's process while everything around it fails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::check::{Fault, Finding};
use super::load;
use gateway_process::{self as gateway, Service};
use std::sync::Arc;

/// The most memory that the gateway may hold, whatever happens.
const MOST_KIB: u64 = 300 * 1024;

/// How often its memory is read.
const SAMPLE: Duration = Duration::from_millis(100);

/// How long it may take to be ready again once the database is.
const READY_AGAIN: Duration = Duration::from_secs(15);

/// Reads the memory of a process again and again.
pub(crate) struct Watch {
    pid: u32,
    port: u16,
    is_over: Arc<AtomicBool>,
    sampler: JoinHandle<u64>,
}

impl Watch {
    /// Starts to look.
    pub(crate) fn start(service: &Service) -> Self {
        let (pid, port) = (service.pid(), service.port());
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let sampler = thread::spawn(move || {
            let mut most = 0;
            while !stop.load(Ordering::Relaxed) {
                most = most.max(gateway::usage(pid).map_or(0, |usage| usage.rss_kib));
                thread::sleep(SAMPLE);
            }
            most
        });
        Self { pid, port, is_over, sampler }
    }

    /// Waits until the gateway says that it can serve, and says how long that took.
    ///
    /// # Errors
    /// If a signal comes.
    pub(crate) fn until_ready(&self, findings: &mut Vec<Finding>) -> Result<Duration> {
        let started = Instant::now();
        while !gateway::is_ready(self.port) {
            if started.elapsed() > READY_AGAIN {
                let text =
                    format!("the gateway is not ready {} s after the database is", READY_AGAIN.as_secs());
                findings.push(Finding::new(Fault::Wrong, text));
                break;
            }
            load::wait(Duration::from_millis(10))?;
        }
        Ok(started.elapsed())
    }

    /// Stops looking; reports a process that has ended or grown too much.
    pub(crate) fn end(self, notes: &mut Vec<String>, findings: &mut Vec<Finding>) {
        self.is_over.store(true, Ordering::Relaxed);
        // A process that has ended has no memory, also while nobody has waited for it.
        if gateway::usage(self.pid).is_err() {
            findings.push(Finding::new(Fault::Wrong, "the gateway did not live through it"));
        }
        let most = self.sampler.join().unwrap_or(0);
        notes.push(format!("at most {} MiB resident", most / 1024));
        if most > MOST_KIB {
            findings.push(Finding::new(Fault::Wrong, format!("the gateway grew to {} MiB", most / 1024)));
        }
    }
}
