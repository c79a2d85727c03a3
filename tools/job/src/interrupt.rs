//! Ctrl-C, SIGTERM and SIGHUP: the running child is told to end, and the job then unwinds as after any failure.
//!
//! The handler cleans nothing up itself. It makes the job fail, so that success, failure and interruption all leave
//! by the same `Drop` implementations.

use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

static STATE: Mutex<State> = Mutex::new(State { requested: false, child: None });

struct State {
    requested: bool,
    /// The child that the job waits for; the leader of its own process group.
    child: Option<Pid>,
}

/// Starts to listen for the signals; a child that has not ended `grace` after one is killed.
///
/// # Errors
/// If the handler cannot be installed.
pub fn install(grace: Duration) -> Result<()> {
    ctrlc::set_handler(move || on_signal(grace)).context("cannot listen for Ctrl-C")
}

/// Says whether a signal has come.
pub fn requested() -> bool {
    state().requested
}

/// Fails once a signal has come.
///
/// # Errors
/// If a signal has come.
pub fn check() -> Result<()> {
    ensure!(!requested(), "interrupted");
    Ok(())
}

/// Starts a child and remembers it, unless a signal has come.
///
/// # Errors
/// If a signal has come, or what `spawn` returns.
pub fn watch(spawn: impl FnOnce() -> Result<Child>) -> Result<Child> {
    // Held across the start: a signal between start and note would miss the child.
    let mut state = state();
    ensure!(!state.requested, "interrupted");
    let child = spawn()?;
    state.child = Some(Pid::from_child(&child));
    Ok(child)
}

/// Waits a moment for the child; forgets it when it has ended.
///
/// # Errors
/// If the system cannot say whether the child has ended.
pub fn poll(child: &mut Child) -> Result<Option<std::process::ExitStatus>> {
    // Asking under the lock keeps the handler from signalling a process id that is already somebody else's.
    let mut state = state();
    let status = child.try_wait().context("cannot wait for a child process")?;
    if status.is_some() {
        state.child = None;
    }
    Ok(status)
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn on_signal(grace: Duration) {
    let mut state = state();
    state.requested = true;
    let Some(child) = state.child else { return };
    signal(child, Signal::TERM);
    thread::spawn(move || {
        thread::sleep(grace);
        let state = self::state();
        if state.child == Some(child) {
            signal(child, Signal::KILL);
        }
    });
}

fn signal(group: Pid, signal: Signal) {
    // The group may have ended in between, which is what was wanted.
    let _ = kill_process_group(group, signal);
}
