//! Leftovers of a run that was killed before it could clean up.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};

use super::cluster::{DATA, LOCK, PREFIX};
use super::sql;

/// How long a server may take to end.
const ENDED: Duration = Duration::from_secs(10);

/// Databases that this long after their making nobody uses are left over; a run takes minutes.
const AGE: &str = "6 hours";

/// Stops the servers and removes the directories of clusters without an owner.
pub(super) fn sweep_clusters() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            sweep_cluster(&entry.path());
        }
    }
}

fn sweep_cluster(directory: &Path) {
    // A directory of another user is left alone, whatever its name.
    let is_ours =
        fs::symlink_metadata(directory).is_ok_and(|it| it.is_dir() && it.uid() == geteuid().as_raw());
    let Some(lock) = is_ours.then(|| File::open(directory.join(LOCK)).ok()).flatten() else { return };
    match lock.try_lock() {
        Ok(()) => {}
        // Another run is using it at this moment, or the file system cannot say.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return,
    }
    stop_server(&directory.join(DATA));
    match fs::remove_dir_all(directory) {
        Ok(()) => println!("removed what an earlier run left in {}", directory.display()),
        Err(error) => eprintln!("pg: cannot remove {}: {error}", directory.display()),
    }
}

/// Stops the server that still works on a directory, if there is one.
fn stop_server(data: &Path) {
    let Some(pid) = fs::read_to_string(data.join("postmaster.pid")).ok().and_then(|text| first_pid(&text))
    else {
        return;
    };
    // A process id is used again after a while: only a process that was started on this directory is the server.
    if !command_line(pid).is_some_and(|line| line.contains(&*data.to_string_lossy())) {
        return;
    }
    let deadline = Instant::now() + ENDED;
    let _ = kill_process(pid, Signal::QUIT);
    while test_kill_process(pid).is_ok() {
        if Instant::now() > deadline {
            let _ = kill_process(pid, Signal::KILL);
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn first_pid(postmaster: &str) -> Option<Pid> {
    Pid::from_raw(postmaster.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)?)
}

/// Returns how a process was started: from /proc, or where there is none from `ps`.
fn command_line(pid: Pid) -> Option<String> {
    let pid = pid.as_raw_nonzero().to_string();
    let raw = fs::read(Path::new("/proc").join(&pid).join("cmdline")).ok();
    let raw =
        raw.or_else(|| Some(Command::new("ps").args(["-o", "command=", "-p", &pid]).output().ok()?.stdout))?;
    Some(String::from_utf8_lossy(&raw).replace('\0', " "))
}

/// Drops the databases that earlier runs left on a server of somebody else's.
///
/// # Errors
/// If the server does not answer.
pub(super) fn sweep_databases(url: &str) -> Result<()> {
    // The names end in a version 7 UUID, whose first twelve digits are its milliseconds since 1970.
    let stale = format!(
        "SELECT datname FROM pg_database d
         WHERE datname ~ '^(t|gateway_template)_[0-9a-f]{{32}}$'
           AND left(right(datname, 32), 12)
               < lpad(to_hex((extract(epoch FROM now() - interval '{AGE}') * 1000)::bigint), 12, '0')
           AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
    );
    for name in sql::column(url, &stale)? {
        println!("dropping the database {name}, which an earlier run left");
        drop_database(url, &name)?;
    }
    Ok(())
}

/// Drops a database, also a template.
///
/// # Errors
/// If the server does not answer or refuses.
pub(super) fn drop_database(url: &str, name: &str) -> Result<()> {
    sql::column(url, &format!("ALTER DATABASE \"{name}\" WITH IS_TEMPLATE false"))?;
    sql::column(url, &format!("DROP DATABASE \"{name}\" WITH (FORCE)"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_id_is_a_process_and_not_a_group() {
        assert_eq!(first_pid("4242\n/tmp/x/data\n"), Pid::from_raw(4242));
        for text in ["", "x", "-1\n", "0\n", "1\n"] {
            assert_eq!(first_pid(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_directory_whose_owner_lives_stays_and_an_orphan_goes() {
        let parent = tempfile::tempdir().unwrap();
        let (used, orphan, foreign) =
            (parent.path().join("a"), parent.path().join("b"), parent.path().join("c"));
        for directory in [&used, &orphan, &foreign] {
            fs::create_dir_all(directory.join(DATA)).unwrap();
        }
        let lock = File::create(used.join(LOCK)).unwrap();
        lock.lock().unwrap();
        File::create(orphan.join(LOCK)).unwrap();

        for directory in [&used, &orphan, &foreign] {
            sweep_cluster(directory);
        }
        assert!(used.exists() && foreign.exists());
        assert!(!orphan.exists());
    }

    #[test]
    fn a_stale_process_id_of_another_program_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        fs::write(data.path().join("postmaster.pid"), format!("{}\n", sleeper.id())).unwrap();
        stop_server(data.path());
        assert!(sleeper.try_wait().unwrap().is_none());
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
}
