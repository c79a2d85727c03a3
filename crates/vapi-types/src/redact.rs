//! Takes secrets out of a body before it is stored.
//!
//! Members are found by their name wherever they stand, so a body whose form has drifted is cleaned as well.

mod names;
mod url;

use std::borrow::Cow;

use memchr::memchr;

use crate::scan::{string_end, value_end};
use crate::text::{Splice, unescape};
use names::{Sensitivity, sensitivity};

/// The text in the place of a secret.
pub const REDACTED: &str = "[redacted]";

const REPLACEMENT: &str = "\"[redacted]\"";

/// Replaces the value of every member with a secret's name by `"[redacted]"`.
///
/// Names are compared by their end, after unescaping, without regard to case, `-` and `_`. Strings, numbers, objects and
/// arrays are replaced; `null`, `true` and `false` hold no secret and stay. A string that is a URL loses its user, and the
/// values of tokens and signatures in its query, but for the recordings that the ledger files. JSON inside of strings is text
/// and is not searched. One pass, linear time, any nesting. Valid JSON stays valid; of other text the same members
/// are replaced as far as they can be told, and nothing fails. Borrowed when nothing had to change.
#[must_use]
pub fn redact(json: &str) -> Cow<'_, str> {
    let text = Text(json);
    let mut out = Splice::new(json);
    let mut at = 0;
    while let Some(quote) = text.find_quote(at) {
        let end = string_end(text.0.as_bytes(), quote);
        at = end;
        let colon = text.skip_space(end);
        if text.byte(colon) != Some(b':') {
            redact_url(text, quote, end, &mut out);
            continue;
        }
        let value = text.skip_space(colon + 1);
        at = value;
        match sensitivity(text.slice(quote + 1, end.saturating_sub(1))) {
            Sensitivity::None => {}
            Sensitivity::Map if text.byte(value) == Some(b'{') => at = redact_map(text, value, &mut out),
            Sensitivity::Tree if !matches!(text.byte(value), Some(b'{' | b'[')) => {}
            Sensitivity::Recording => {
                if text.byte(value) == Some(b'"') {
                    at = string_end(text.0.as_bytes(), value);
                }
            }
            Sensitivity::Map | Sensitivity::Tree | Sensitivity::Value => {
                at = redact_value(text, value, &mut out);
            }
        }
    }
    out.finish()
}

/// Replaces a string by the URL that it is without its secrets.
fn redact_url(text: Text<'_>, quote: usize, end: usize, out: &mut Splice<'_>) {
    let raw = text.slice(quote + 1, end.saturating_sub(1));
    if !url::may_be(raw.as_bytes()) {
        return;
    }
    if let Some(clean) = url::cleaned(&unescape(raw)) {
        // A string always serialises.
        out.replace(quote, end, &serde_json::to_string(&clean).unwrap_or_default());
    }
}

/// Replaces the value that starts at `start`; returns the offset behind it.
fn redact_value(text: Text<'_>, start: usize, out: &mut Splice<'_>) -> usize {
    let end = value_end(text.0.as_bytes(), start);
    if end > start && !matches!(text.slice(start, end), "null" | "true" | "false" | REPLACEMENT) {
        out.replace(start, end, REPLACEMENT);
    }
    end
}

/// Replaces all values of the object that starts at `open`; returns the offset behind it.
fn redact_map(text: Text<'_>, open: usize, out: &mut Splice<'_>) -> usize {
    let mut at = open + 1;
    loop {
        let key = text.skip_space(at);
        if text.byte(key) != Some(b'"') {
            return key;
        }
        let colon = text.skip_space(string_end(text.0.as_bytes(), key));
        if text.byte(colon) != Some(b':') {
            return colon;
        }
        at = redact_value(text, text.skip_space(colon + 1), out);
        at = text.skip_space(at);
        if text.byte(at) != Some(b',') {
            return at;
        }
        at += 1;
    }
}

/// Text that is probably JSON; every offset that is returned is at most its length.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn rest(self, from: usize) -> &'a [u8] {
        self.0.as_bytes().get(from..).unwrap_or_default()
    }

    fn byte(self, at: usize) -> Option<u8> {
        self.0.as_bytes().get(at).copied()
    }

    fn slice(self, start: usize, end: usize) -> &'a str {
        self.0.get(start..end).unwrap_or_default()
    }

    fn find_quote(self, from: usize) -> Option<usize> {
        // Between two members stand a few bytes; only long numbers and indentation are worth a search.
        let rest = self.rest(from);
        let near = rest.get(..8).unwrap_or(rest);
        let found = near.iter().position(|byte| *byte == b'"').or_else(|| memchr(b'"', rest));
        found.map(|found| from + found)
    }

    fn skip_space(self, from: usize) -> usize {
        let rest = self.rest(from);
        from + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
    }
}
