//! The machine that was measured on: figures without it mean nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::stats::median;

/// How often the disk is asked to keep something.
const SYNCS: usize = 100;

/// Fails if a directory is kept in memory only: a commit there waits for nothing.
///
/// # Errors
/// If it is.
pub(super) fn require_disk(directory: &Path) -> Result<()> {
    let kind = filesystem(directory)?;
    ensure!(
        !matches!(kind.as_str(), "tmpfs" | "ramfs"),
        "{} lies in memory ({kind}): set TMPDIR to a directory on a disk",
        directory.display()
    );
    Ok(())
}

/// Describes the machine, as names and values.
///
/// # Errors
/// If there is no /proc, or the disk refuses.
pub(super) fn describe(directory: &Path) -> Result<Vec<(String, String)>> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let (cpu, memory, kernel) =
        (read("/proc/cpuinfo")?, read("/proc/meminfo")?, read("/proc/sys/kernel/osrelease")?);
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let cores = thread::available_parallelism()?;
    let sync = sync_time(directory)?;
    Ok([
        ("processor", format!("{} × {}", cores, field(&cpu, "model name"))),
        ("memory", field(&memory, "MemTotal")),
        ("kernel", format!("Linux {}", kernel.trim())),
        ("file system", filesystem(directory)?),
        ("write and fdatasync of 8 KiB, median", format!("{} µs", sync.as_micros())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec())
}

/// Returns the kind of the file system that holds a directory.
fn filesystem(directory: &Path) -> Result<String> {
    let directory = directory.canonicalize()?;
    let mounts = fs::read_to_string("/proc/mounts").context("cannot read /proc/mounts")?;
    // Device, directory, kind. Of mounts on one another, the longest path holds the directory, and the last wins.
    let holding = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (point, kind) = (fields.nth(1)?, fields.next()?);
        directory.starts_with(point).then(|| (point.len(), kind.to_owned()))
    });
    holding.max_by_key(|(length, _)| *length).map(|(_, kind)| kind).context("the directory lies on no mount")
}

/// Measures how long the disk takes to keep one page, by the median.
fn sync_time(directory: &Path) -> Result<Duration> {
    let path = directory.join("sync-time");
    let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64());
    }
    fs::remove_file(&path)?;
    Ok(Duration::from_secs_f64(median(times).unwrap_or_default()))
}
