//! Lines formatted by hand: to the byte as `tracing-subscriber` formats them, without the machinery of `fmt` and `serde`
//! for what nearly every field is.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{DefaultVisitor, Format, FormatEvent, FormatFields, Full, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, format};
use tracing_subscriber::registry::LookupSpan;

use crate::clock;

/// The time of a line, to the microsecond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp;

impl FormatTime for Stamp {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        thread_local! {
            /// The second of the last line, as text: it changes far less often than lines are written.
            static SECOND: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
        }
        let now = clock::now();
        SECOND.with_borrow_mut(|(second, text)| {
            if *second != now.timestamp() {
                *second = now.timestamp();
                text.clear();
                write!(text, "{}", now.format("%Y-%m-%dT%H:%M:%S"))?;
            }
            out.write_str(text)
        })?;
        write!(out, ".{:06}Z", now.timestamp_subsec_micros())
    }
}

/// Lines for people.
#[derive(Debug)]
pub(super) struct Text {
    /// For lines inside spans, which name them.
    inside_spans: Format<Full, Stamp>,
}

/// One JSON object a line.
#[derive(Debug)]
pub(super) struct Json;

impl Text {
    pub(super) fn new() -> Self {
        Self { inside_spans: format().with_ansi(false).with_timer(Stamp) }
    }
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // Spans are those of libraries, at their finest levels.
        if context.event_scope().is_some() {
            return self.inside_spans.format_event(context, out, event);
        }
        let metadata = event.metadata();
        Stamp.format_time(&mut out)?;
        out.write_str(match *metadata.level() {
            Level::TRACE => " TRACE ",
            Level::DEBUG => " DEBUG ",
            Level::INFO => "  INFO ",
            Level::WARN => "  WARN ",
            Level::ERROR => " ERROR ",
        })?;
        out.write_str(metadata.target())?;
        out.write_str(": ")?;
        let mut fields = TextFields { out: out.by_ref(), is_first: true, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        out.write_char('\n')
    }
}

struct TextFields<'a> {
    out: Writer<'a>,
    is_first: bool,
    written: fmt::Result,
}

impl TextFields<'_> {
    /// Leaves a field to the library.
    fn leave(&mut self, record: impl FnOnce(&mut DefaultVisitor<'_>)) {
        if self.written.is_ok() {
            let mut visitor = DefaultVisitor::new(self.out.by_ref(), self.is_first);
            record(&mut visitor);
            self.written = tracing_subscriber::field::VisitOutput::finish(visitor);
            self.is_first = false;
        }
    }

    fn text(&mut self, name: &str, value: &str) -> fmt::Result {
        if !self.is_first {
            self.out.write_char(' ')?;
        }
        self.is_first = false;
        for piece in [name, "=\"", value, "\""] {
            self.out.write_str(piece)?;
        }
        Ok(())
    }
}

impl Visit for TextFields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" || field.name().starts_with("r#") || !is_plain(value) {
            self.leave(|visitor| visitor.record_str(field, value));
        } else if self.written.is_ok() {
            self.written = self.text(field.name(), value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.leave(|visitor| visitor.record_error(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.leave(|visitor| visitor.record_debug(field, value));
    }
}

/// True when a text stands between quotes as it is, in JSON and in Rust's notation.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        out.write_str("{\"timestamp\":\"")?;
        Stamp.format_time(&mut out)?;
        out.write_str("\",\"level\":\"")?;
        out.write_str(metadata.level().as_str())?;
        out.write_char('"')?;
        let mut fields = JsonFields { out: out.by_ref(), written: Ok(()) };
        event.record(&mut fields);
        fields.entry("target", |out| quoted(out, metadata.target()));
        fields.written?;
        out.write_str("}\n")
    }
}

struct JsonFields<'a> {
    out: Writer<'a>,
    written: fmt::Result,
}

impl JsonFields<'_> {
    fn entry(&mut self, name: &str, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let write = || {
            self.out.write_char(',')?;
            quoted(&mut self.out, name)?;
            self.out.write_char(':')?;
            value(&mut self.out)
        };
        if self.written.is_ok() {
            self.written = write();
        }
    }
}

impl Visit for JsonFields<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.entry(field.name(), |out| write!(out, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.entry(field.name(), |out| write!(out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.entry(field.name(), |out| write!(out, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.entry(field.name(), |out| {
            out.write_str(&serde_json::to_string(&value).map_err(|_unwritable| fmt::Error)?)
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.entry(field.name(), |out| quoted(out, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.entry(field.name(), |out| {
            out.write_char('"')?;
            write!(Escaped(out), "{value:?}")?;
            out.write_char('"')
        });
    }
}

fn quoted(out: &mut Writer<'_>, text: &str) -> fmt::Result {
    out.write_char('"')?;
    Escaped(out).write_str(text)?;
    out.write_char('"')
}

/// Writes texts as they stand between the quotes of JSON.
struct Escaped<'a, 'b>(&'a mut Writer<'b>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_plain(text) {
            return self.0.write_str(text);
        }
        let quoted = serde_json::to_string(text).map_err(|_unwritable| fmt::Error)?;
        self.0.write_str(quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&quoted))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use chrono::{DateTime, Utc};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Registry, fmt as library};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink {
        /// The text with a word for every time in it.
        fn timeless(&self) -> String {
            let bytes = self.0.lock().unwrap();
            let mut rest = std::str::from_utf8(&bytes).unwrap();
            let mut text = String::new();
            while let Some(character) = rest.chars().next() {
                let time = rest.get(.."2026-11-30T20:15:40.123456Z".len());
                match time.filter(|time| time.parse::<DateTime<Utc>>().is_ok()) {
                    Some(time) => {
                        text.push_str("TIME");
                        rest = &rest[time.len()..];
                    }
                    None => {
                        text.push(character);
                        rest = &rest[character.len_utf8()..];
                    }
                }
            }
            text
        }
    }

    const ODD: &[&str] = &[
        "",
        "plain",
        "46cf2995-2bee-44e3-838b-24151486fe4e",
        "two words",
        "\"quoted\" and 'quoted'",
        "back\\slash",
        "lines\r\n\tand tabs\0",
        "\u{1b}[31mred\u{1b}[0m \u{7} \u{8} \u{c} \u{7f}",
        "\u{80}\u{9f}\u{a0}",
        "grün, 緑, \u{1f7e2}, e\u{301}, \u{200b}, \u{feff}",
    ];

    #[derive(Debug, thiserror::Error)]
    #[error("outer {0:?}")]
    struct Outer(&'static str, #[source] io::Error);

    const LINES: usize = 3 * ODD.len() + 9 + 5;

    /// Lines with every kind of field.
    fn log() {
        for text in ODD {
            tracing::info!(text, shown = %text, debug = ?text, "{text}");
            tracing::warn!(text);
            tracing::error!(target: "else::where", none = None::<&str>, some = Some(*text), "message");
        }
        for number in [0.0, -0.0, 0.001, 12.5, 1e16, 1e-7, f64::MAX, f64::NAN, f64::NEG_INFINITY] {
            tracing::debug!(number, r#type = "raw", r#move = 1, "a message");
        }
        tracing::trace!(small = i64::MIN, large = u64::MAX, wide = u128::MAX, yes = true, no = false);
        let outer = Outer("a\"b", io::Error::other("in\u{1b}ner"));
        let (error, cause): (&(dyn Error + 'static), &(dyn Error + 'static)) = (&outer, &outer.1);
        tracing::info!(error, "failed");
        tracing::info!(error = cause);
        let span = tracing::info_span!("outer", id = 7);
        let _entered = span.enter();
        tracing::info!(inside = "a span", "message");
        tracing::info_span!("inner").in_scope(|| tracing::info!("deeper"));
    }

    #[test]
    fn text_is_what_the_library_makes_of_it() {
        let (ours, theirs) = (Sink::default(), Sink::default());
        let (to_ours, to_theirs) = (ours.clone(), theirs.clone());
        let registry = Registry::default()
            .with(
                library::layer()
                    .with_ansi(false)
                    .event_format(Text::new())
                    .with_writer(move || to_ours.clone()),
            )
            .with(library::layer().with_ansi(false).with_writer(move || to_theirs.clone()));
        tracing::subscriber::with_default(registry, log);
        assert_eq!(ours.timeless(), theirs.timeless());
        assert_eq!(ours.timeless().matches("TIME").count(), LINES);
    }

    #[test]
    fn json_is_what_the_library_makes_of_it() {
        let (ours, theirs) = (Sink::default(), Sink::default());
        let (to_ours, to_theirs) = (ours.clone(), theirs.clone());
        let json = library::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
        let registry = Registry::default()
            .with(library::layer().event_format(Json).with_writer(move || to_ours.clone()))
            .with(json.with_writer(move || to_theirs.clone()));
        tracing::subscriber::with_default(registry, log);
        assert_eq!(ours.timeless(), theirs.timeless());
        assert_eq!(ours.timeless().matches("TIME").count(), LINES);
    }
}
