//! The outages of a server: it crashes, stands still, loses its connections, or finds the disk full.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{DurableServer, sql};
use job::process;

impl DurableServer {
    /// Ends the server as a crash would. Its data stay.
    pub fn crash(&mut self) {
        self.0.crash();
    }

    /// Starts the server again where it was, unless it runs; says whether it had ended.
    ///
    /// # Errors
    /// If it does not answer in time.
    pub fn start_again(&mut self) -> Result<bool> {
        self.0.start_again()
    }

    /// Ends every connection to a database but its own, and returns how many there were.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn cut_connections(url: &str) -> Result<usize> {
        let statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sql::column(url, statement).map(|ended| ended.len())
    }

    /// Stops every process of the server where it stands; the value lets them go on when it is dropped.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn stall(&self) -> Result<Stalled> {
        let mut stalled = Stalled(Vec::new());
        // The parent first: a stopped one makes no more children.
        for pid in self.processes()? {
            // A child may end between the look and the signal.
            if kill_process(pid, Signal::STOP).is_ok() {
                stalled.0.push(pid);
            }
        }
        for pid in self.processes()? {
            if !stalled.0.contains(&pid) && kill_process(pid, Signal::STOP).is_ok() {
                stalled.0.push(pid);
            }
        }
        ensure!(!stalled.0.is_empty(), "the server has no process to stall");
        Ok(stalled)
    }

    /// Lets no file of the server grow beyond a size, or any file to any size again.
    ///
    /// # Errors
    /// If `prlimit` (util-linux) is not there or may not do that.
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<()> {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let own = self.processes()?;
        let (server, children) = own.split_first().context("the server is gone")?;
        let set = |pid: &Pid| {
            // The soft limit alone, and as the server's own user: neither needs special rights.
            let mut prlimit = Command::new("prlimit");
            self.0.act_as_user(&mut prlimit);
            prlimit.arg("--pid").arg(pid.as_raw_nonzero().to_string()).arg(format!("--fsize={limit}:"));
            prlimit
        };
        process::output(&mut set(server)).context("cannot limit the size of the server's files")?;
        for child in children {
            // A child may be gone by now; its successor takes over the parent's limit.
            process::succeeds(&mut set(child));
        }
        Ok(())
    }

    /// Lists the server's processes, itself first.
    fn processes(&self) -> Result<Vec<Pid>> {
        let server = self.pid();
        let path = format!("/proc/{server}/task/{server}/children");
        let children = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let numbers = children.split_whitespace().map(str::to_owned);
        let all = std::iter::once(server.to_string()).chain(numbers);
        Ok(all.filter_map(|number| Pid::from_raw(number.parse().ok()?)).collect())
    }
}

/// A server that stands still; it goes on when the value is dropped.
pub struct Stalled(Vec<Pid>);

impl Drop for Stalled {
    fn drop(&mut self) {
        // The parent last, as it was the first: it finds its children awake.
        for pid in self.0.iter().rev() {
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}
