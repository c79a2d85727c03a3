//! Lines on their way out: gathered for a moment, and written together by a thread of their own.

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long lines gather: writing many at once takes the system little longer than writing one.
const GATHERED_FOR: Duration = Duration::from_millis(20);

/// Bytes that are written without waiting for more.
const ENOUGH: usize = 256 << 10;

/// The most bytes that wait while others are written. Lines beyond them are dropped and counted, answers are not held up.
const MOST: usize = 8 << 20;

/// Room that is kept for the next lines; more of it goes back to the system.
const KEPT_ROOM: usize = 1 << 20;

/// The lines that wait, and their writer's part in it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    state: Mutex<State>,
    /// Told when lines are there to be written, and when the last one is.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that found no room, since that was last said.
    dropped: u64,
    is_ending: bool,
    has_ended: bool,
}

impl State {
    fn is_due(&self) -> bool {
        self.is_ending || self.waiting.len() >= ENOUGH
    }
}

impl Lines {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole at any point where a panic could leave it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        let before = state.waiting.len();
        if before.saturating_add(line.len()) > MOST {
            state.dropped = state.dropped.saturating_add(1);
            return;
        }
        state.waiting.extend_from_slice(line);
        // The writer sleeps while nothing is there, and does not have to be woken for every line.
        let is_news = before == 0 || (before < ENOUGH && state.is_due());
        drop(state);
        if is_news {
            self.changed.notify_all();
        }
    }

    /// Writes what comes, until [`finish`](Self::finish) and the last line before it.
    pub(super) fn write_to(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        while let Some(dropped) = self.take(&mut lines) {
            // There is nobody to tell that the log cannot be written.
            let _ = out.write_all(&lines).and_then(|()| out.flush());
            if dropped > 0 {
                tracing::warn!(
                    lines = dropped,
                    "log lines were dropped: they came faster than they are taken"
                );
            }
        }
        self.state().has_ended = true;
        self.changed.notify_all();
    }

    /// Waits for lines and exchanges them for those that are written, with the number of those that found no room.
    /// `None` when no more will come.
    fn take(&self, lines: &mut Vec<u8>) -> Option<u64> {
        lines.clear();
        lines.shrink_to(KEPT_ROOM);
        let is_empty = |state: &mut State| state.waiting.is_empty() && !state.is_ending;
        let state = self.changed.wait_while(self.state(), is_empty).unwrap_or_else(PoisonError::into_inner);
        let gathered = self.changed.wait_timeout_while(state, GATHERED_FOR, |state| !state.is_due());
        let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut state.waiting, lines);
        let dropped = mem::take(&mut state.dropped);
        if lines.is_empty() && dropped == 0 { None } else { Some(dropped) }
    }

    /// Has the writer end after the last line, and waits for that, at most so long.
    pub(super) fn finish(&self, patience: Duration) {
        let mut state = self.state();
        state.is_ending = true;
        self.changed.notify_all();
        let ended = self.changed.wait_timeout_while(state, patience, |state| !state.has_ended);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
