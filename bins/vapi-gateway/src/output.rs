//! Lines for the terminal, or for whoever reads the pipe.

use std::fmt::Arguments;
use std::io::{self, Write};

/// Standard output cannot be written.
#[derive(Debug)]
pub(crate) struct Closed(pub(crate) io::Error);

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("standard output cannot be written")
    }
}

impl std::error::Error for Closed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

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
