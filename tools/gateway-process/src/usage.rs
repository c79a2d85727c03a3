//! A process's use of the machine, as Linux keeps it in /proc.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// The kernel counts processor time in hundredths of a second on every platform that we run on (`getconf CLK_TCK`).
const TICK: Duration = Duration::from_millis(10);

/// Memory and processor time of one process, all its threads included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident now (VmRSS).
    pub rss_kib: u64,
    /// The most that was ever resident (VmHWM).
    pub peak_kib: u64,
    /// User and system time since its start.
    pub cpu: Duration,
}

/// Reads what a process takes.
///
/// # Errors
/// If there is no such process, or no /proc.
pub fn usage(pid: u32) -> Result<Usage> {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    };
    let (status, stat) = (read("status")?, read("stat")?);
    let own = times(&stat).with_context(|| format!("/proc/{pid}/stat has an unknown form"))?;
    Ok(Usage {
        rss_kib: kib(&status, "VmRSS:").context("no VmRSS")?,
        peak_kib: kib(&status, "VmHWM:").context("no VmHWM")?,
        cpu: own.own,
    })
}

/// Reads the processor time of a process, its living children and its children that have ended.
///
/// # Errors
/// If there is no such process, or no /proc.
pub fn cpu_of_tree(pid: u32) -> Result<Duration> {
    let root = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    let root = times(&root).context("its /proc entry has an unknown form")?;
    let mut sum = root.own + root.ended_children;
    for entry in fs::read_dir("/proc").context("there is no /proc")?.flatten() {
        let is_process = entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
        // A process that ends while we look has been counted or will be by its parent.
        let stat = is_process.then(|| fs::read_to_string(entry.path().join("stat")).ok()).flatten();
        if let Some(child) = stat.as_deref().and_then(times).filter(|times| times.parent == pid) {
            sum += child.own + child.ended_children;
        }
    }
    Ok(sum)
}

/// Reads the processor time of this process's children that have ended and been waited for.
///
/// # Errors
/// If there is no /proc.
pub fn cpu_of_ended_children() -> Result<Duration> {
    let own = fs::read_to_string("/proc/self/stat").context("there is no /proc")?;
    Ok(times(&own).context("/proc/self/stat has an unknown form")?.ended_children)
}

/// The fields of `/proc/<pid>/stat` that we use.
struct Times {
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

fn times(stat: &str) -> Option<Times> {
    // The program's name may hold spaces and brackets: count from the last bracket.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| -> Option<Duration> {
        let count: u32 = fields.get(index)?.parse().ok()?;
        Some(TICK * count)
    };
    // After the name: state, ppid, .., utime (12th), stime, cutime, cstime.
    Some(Times {
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(11)? + ticks(12)?,
        ended_children: ticks(13)? + ticks(14)?,
    })
}

fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        // The order is the one of proc(5): pid (comm) state ppid pgrp session tty tpgid flags 4 faults, then times.
        let stat = "42 (a b) c)) S 7 1 1 0 -1 4194560 1 2 3 4 150 50 20 5 20 0 9 0 1 2 3";
        let times = times(stat).unwrap();
        assert_eq!(times.parent, 7);
        assert_eq!(times.own, Duration::from_secs(2));
        assert_eq!(times.ended_children, Duration::from_millis(250));
        assert!(super::times("42 (short) S 7").is_none());
    }

    #[test]
    fn memory_is_read_in_kib() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((kib(status, "VmRSS:"), kib(status, "VmHWM:")), (Some(1024), Some(2048)));
        assert_eq!(kib("", "VmRSS:"), None);
    }

    #[test]
    fn this_process_has_memory_and_its_peak_is_no_less() {
        let own = usage(std::process::id()).unwrap();
        assert!(own.rss_kib > 0 && own.peak_kib >= own.rss_kib);
        assert!(cpu_of_tree(std::process::id()).unwrap() >= own.cpu);
    }
}
