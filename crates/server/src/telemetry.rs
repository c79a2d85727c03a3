//! The log: what is written, how, and off the threads that answer.

use std::io;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// Lines that wait for the writer. When they do not fit, lines are dropped and answers are not held up.
const BUFFERED_LINES: usize = 65_536;

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
    _worker: WorkerGuard,
    filter: FilterHandle,
}

type FilterHandle = reload::Handle<EnvFilter, Registry>;

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
    /// The log takes no other filter any more.
    #[error("the log's filter cannot be changed")]
    Unchangeable(#[from] reload::Error),
}

impl LogGuard {
    /// Writes the lines of another filter from now on.
    ///
    /// # Errors
    /// [`TelemetryError::Filter`] when it is no filter: the one before stays.
    pub fn set_filter(&self, filter: &str) -> Result<(), TelemetryError> {
        Ok(self.filter.reload(EnvFilter::try_new(filter)?)?)
    }
}

/// Sets up the program's log on standard error. The filter is in the notation of `tracing`.
///
/// # Errors
/// [`TelemetryError`] when the filter cannot be read or there is a log already.
pub fn init(filter: &str, format: LogFormat) -> Result<LogGuard, TelemetryError> {
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(BUFFERED_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(io::stderr());
    let (subscriber, filter) = subscriber(filter, format, writer)?;
    subscriber.try_init()?;
    Ok(LogGuard { _worker: worker, filter })
}

fn subscriber(
    filter: &str,
    format: LogFormat,
    writer: NonBlocking,
) -> Result<(Box<dyn tracing::Subscriber + Send + Sync>, FilterHandle), TelemetryError> {
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(filter)?);
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    Ok((Box::new(tracing_subscriber::registry().with(filter).with(lines)), handle))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(filter: &str, format: LogFormat) -> String {
        let sink = Sink::default();
        let (writer, worker) = NonBlockingBuilder::default().finish(sink.clone());
        tracing::subscriber::with_default(subscriber(filter, format, writer).unwrap().0, || {
            tracing::info!(org_id = "a\nb", "told");
            tracing::debug!("untold");
        });
        drop(worker);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_a_line_in_both_formats() {
        let text = written("info", LogFormat::Text);
        assert!(text.contains(r#"told org_id="a\nb""#) && text.lines().count() == 1, "{text}");
        let json: serde_json::Value = serde_json::from_str(&written("info", LogFormat::Json)).unwrap();
        assert_eq!((&json["message"], &json["org_id"]), (&"told".into(), &"a\nb".into()));
    }

    #[test]
    fn the_filter_decides() {
        assert_eq!(written("error", LogFormat::Text), "");
        assert_eq!(written("server=debug", LogFormat::Text).lines().count(), 2);
        let (writer, _worker) = NonBlockingBuilder::default().finish(io::sink());
        assert!(matches!(subscriber("server=loud", LogFormat::Text, writer), Err(TelemetryError::Filter(_))));
    }
}
