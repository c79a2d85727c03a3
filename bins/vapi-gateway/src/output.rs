//! Lines for the terminal, or for whoever reads the pipe.

use std::fmt::Arguments;
use std::io::{self, IsTerminal, Write};

/// Standard output is closed.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written")]
pub(crate) struct Closed(#[source] pub(crate) io::Error);

/// Writes one line on standard output, at once.
///
/// # Errors
/// [`Closed`] when nobody takes it: `println!` would panic there.
pub(crate) fn line(text: Arguments<'_>) -> Result<(), Closed> {
    let mut out = io::stdout().lock();
    out.write_fmt(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).map_err(Closed)
}

/// Writes a value as one line of JSON on standard output.
///
/// # Errors
/// When the value cannot be written as JSON, or nobody takes it.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string(value)?;
    Ok(line(format_args!("{text}"))?)
}

/// Writes one line on standard error.
pub(crate) fn complain(text: Arguments<'_>) {
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "vapi-gateway: {text}");
}

/// Says on standard error how far long work has come, where somebody watches: one line that is written over.
pub(crate) fn progress(done: usize, total: usize) {
    let mut out = io::stderr().lock();
    if !out.is_terminal() || total <= 1 {
        return;
    }
    let end = if done >= total { "\n" } else { "" };
    // When standard error is closed there is nobody left to tell.
    let _ = write!(out, "\r{done} of {total}{end}").and_then(|()| out.flush());
}

/// A text that somebody else wrote, without what could steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_printed() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{9b}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}");
        assert_eq!(plain("Fontanería"), "Fontanería");
    }
}
