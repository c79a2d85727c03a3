//! The log: what is written, how, and off the threads that answer.

mod format;
mod lines;

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use self::format::{Json, Text};
use self::lines::Lines;

/// How long the end of the program waits for a reader of the log that has stopped reading.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Writes what is left of the log when dropped: keep it until the end of the program.
#[derive(Debug)]
#[must_use = "the log stops when this is dropped"]
pub struct LogGuard {
    lines: Arc<Lines>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.lines.finish(LAST_PATIENCE);
    }
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The filter is no filter.
    #[error("log.filter (RUST_LOG) is no filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The program has a log already.
    #[error("the log is set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
    /// The system gives no thread to write it.
    #[error("the log has no thread")]
    Thread(#[from] io::Error),
}

/// Sets up the program's log on standard error. The filter is in the notation of `tracing`.
///
/// # Errors
/// [`TelemetryError`] when the filter cannot be read, there is a log already, or no thread can be started.
pub fn init(filter: &str, format: LogFormat) -> Result<LogGuard, TelemetryError> {
    let lines = Arc::new(Lines::default());
    subscriber(filter, format, Arc::clone(&lines))?.try_init()?;
    let writer = Arc::clone(&lines);
    thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_to(io::stderr()))?;
    Ok(LogGuard { lines })
}

fn subscriber(
    filter: &str,
    format: LogFormat,
    lines: Arc<Lines>,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, TelemetryError> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines).with_ansi(false);
    Ok(match format {
        LogFormat::Text => Box::new(builder.event_format(Text::new()).finish()),
        LogFormat::Json => Box::new(builder.event_format(Json).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// The lines of a log that is set up for what is done, and ends with it.
    fn written(filter: &str, format: LogFormat, work: impl FnOnce()) -> String {
        let lines = Arc::new(Lines::default());
        let subscriber = subscriber(filter, format, Arc::clone(&lines)).unwrap();
        let guard = LogGuard { lines: Arc::clone(&lines) };
        let writer = thread::spawn(move || {
            let mut written = Vec::new();
            lines.write_to(&mut written);
            written
        });
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let _until_the_end = guard;
            tracing::subscriber::with_default(subscriber, work);
        }));
        String::from_utf8(writer.join().unwrap()).unwrap()
    }

    fn told_and_untold() {
        tracing::info!(org_id = "a\nb", "told");
        tracing::debug!("untold");
    }

    #[test]
    fn a_line_is_a_line_in_both_formats() {
        let text = written("info", LogFormat::Text, told_and_untold);
        assert!(text.contains(r#"told org_id="a\nb""#) && text.lines().count() == 1, "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&written("info", LogFormat::Json, told_and_untold)).unwrap();
        assert_eq!((&json["message"], &json["org_id"]), (&"told".into(), &"a\nb".into()));
    }

    #[test]
    fn the_filter_decides() {
        assert_eq!(written("error", LogFormat::Text, told_and_untold), "");
        assert_eq!(written("server=debug", LogFormat::Text, told_and_untold).lines().count(), 2);
        let refused = subscriber("server=loud", LogFormat::Text, Arc::default());
        assert!(matches!(refused, Err(TelemetryError::Filter(_))));
    }

    #[test]
    fn a_panic_takes_no_line_with_it() {
        let text = written("info", LogFormat::Text, || {
            for number in 0..1000 {
                tracing::info!(number, "before");
            }
            panic!("on purpose");
        });
        assert_eq!(text.lines().count(), 1000);
    }
}
