//! JSON strings and numbers that stores and parsers choke on, and how they are made harmless.
//!
//! RFC 8259 allows lone surrogate escapes, `\u0000` and numbers of any size. PostgreSQL's `jsonb` and most
//! parsers do not. None of that may lose a message, so it is replaced, and everything else is kept.

use std::borrow::Cow;

use memchr::memchr2;

/// Longest number, in characters, that is left as a number.
///
/// The largest finite double has 309 digits; `jsonb` takes more, but no field of a message needs them.
const MAX_NUMBER_LENGTH: usize = 320;

/// Longest number, in characters, that is in range whatever its digits are, as long as it has no exponent.
pub(crate) const MAX_PLAIN_NUMBER: usize = 308;

/// Makes valid JSON storable as `jsonb` and readable by strict parsers.
///
/// Lone surrogate escapes and `\u0000` become `\ufffd`; a number that does not fit a double becomes a string
/// with the same characters. Borrowed when nothing had to change. Text that is not JSON is passed through as
/// far as these rules do not apply to it; nothing fails.
#[must_use]
pub fn sanitise(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut out = Splice::new(json);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = sanitise_string(bytes, at + 1, &mut out),
            b'-' | b'0'..=b'9' => {
                let start = at;
                while matches!(bytes.get(at), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                    at += 1;
                }
                let number = json.get(start..at).unwrap_or_default();
                if is_awkward_number(number) {
                    out.replace(start, at, &format!("\"{number}\""));
                }
            }
            _ => at += 1,
        }
    }
    out.finish()
}

/// Sanitises one string from behind its opening quote; returns the offset behind the closing one.
fn sanitise_string(bytes: &[u8], mut at: usize, out: &mut Splice<'_>) -> usize {
    while let Some(found) = memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        let rest = bytes.get(at + 1..).unwrap_or_default();
        at += match unicode_escape(rest) {
            Some(UnicodeEscape::Char { length, .. }) => 1 + length,
            Some(UnicodeEscape::Unstorable) => {
                out.replace(at, at + 6, "\\ufffd");
                6
            }
            // Two bytes also for `\u` without digits: the backslash must not escape what follows.
            None => 2,
        };
    }
    bytes.len()
}

/// Whether a number, as written in JSON, is out of a double's range or absurdly long.
pub(crate) fn is_awkward_number(number: &str) -> bool {
    let exponent = number.bytes().rposition(|byte| matches!(byte, b'e' | b'E'));
    number.len() > MAX_NUMBER_LENGTH
        || exponent.is_some_and(|at| {
            let digits = number.get(at + 1..).unwrap_or_default().trim_start_matches(['+', '-', '0']);
            digits.len() > 3 || number.parse::<f64>().is_ok_and(f64::is_infinite)
        })
        // Without an exponent only a very long number can leave the range.
        || (number.len() > MAX_PLAIN_NUMBER && number.parse::<f64>().is_ok_and(f64::is_infinite))
}

/// A `\u` escape, or a surrogate pair of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnicodeEscape {
    /// A character; `length` counts the bytes from the `u` on.
    Char { value: char, length: usize },
    /// A lone surrogate or U+0000, five bytes from the `u` on.
    Unstorable,
}

/// Reads an escape from its `u` on; `None` when there is none.
pub(crate) fn unicode_escape(from_u: &[u8]) -> Option<UnicodeEscape> {
    let high = hex4(from_u)?;
    if let Some(value) = char::from_u32(high) {
        let escape = UnicodeEscape::Char { value, length: 5 };
        return Some(if high == 0 { UnicodeEscape::Unstorable } else { escape });
    }
    let low = match from_u.get(5..) {
        Some([b'\\', rest @ ..]) => hex4(rest),
        _ => None,
    };
    let pair = match low {
        Some(low @ 0xdc00..=0xdfff) if high < 0xdc00 => {
            char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
        }
        _ => None,
    };
    Some(pair.map_or(UnicodeEscape::Unstorable, |value| UnicodeEscape::Char { value, length: 11 }))
}

fn hex4(from_u: &[u8]) -> Option<u32> {
    let (head, digits) = from_u.get(..5)?.split_first()?;
    if *head != b'u' {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

/// The characters that a string's inside stands for; the unstorable become U+FFFD.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    let bytes = raw.as_bytes();
    let mut out = Splice::new(raw);
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', bytes.get(at..).unwrap_or_default()) {
        let start = at + found;
        let rest = bytes.get(start + 1..).unwrap_or_default();
        let plain = match rest.first() {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'/') => '/',
            Some(b'"') => '"',
            _ => '\\',
        };
        let (value, length) = match unicode_escape(rest) {
            Some(UnicodeEscape::Char { value, length }) => (value, 1 + length),
            Some(UnicodeEscape::Unstorable) => (char::REPLACEMENT_CHARACTER, 6),
            None => (plain, 2),
        };
        at = start + length;
        out.replace(start, at, value.encode_utf8(&mut [0; 4]));
    }
    out.finish()
}

/// A text being copied with replacements, not copied at all while there are none.
pub(crate) struct Splice<'a> {
    source: &'a str,
    copied: usize,
    out: Option<String>,
}

impl<'a> Splice<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, copied: 0, out: None }
    }

    /// Replaces `start..end`; calls must come in ascending order.
    pub(crate) fn replace(&mut self, start: usize, end: usize, with: &str) {
        let out = self.out.get_or_insert_with(|| String::with_capacity(self.source.len()));
        out.push_str(self.source.get(self.copied..start).unwrap_or_default());
        out.push_str(with);
        self.copied = end;
    }

    pub(crate) fn finish(self) -> Cow<'a, str> {
        match self.out {
            None => Cow::Borrowed(self.source),
            Some(mut out) => {
                out.push_str(self.source.get(self.copied..).unwrap_or_default());
                Cow::Owned(out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_only_what_cannot_be_stored() {
        for (json, expected) in [
            (r#"{"a":"\ud800"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"\udc00\ud800x"}"#, r#"{"a":"\ufffd\ufffdx"}"#),
            (r#"{"a":"\ud83d\ude00 \uD83D\uDE00"}"#, r#"{"a":"\ud83d\ude00 \uD83D\uDE00"}"#),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, r#"{"a":"\ufffd\ud83d\ude00"}"#),
            (r#"{"a\u0000b":"\u0000"}"#, r#"{"a\ufffdb":"\ufffd"}"#),
            // An escaped backslash before `u` is no escape; three of them are.
            (r#"{"a":"\\ud800 \\\ud800 \\\\u0000"}"#, r#"{"a":"\\ud800 \\\ufffd \\\\u0000"}"#),
            (r#"[1e999,-1E+400,1e-5,1e308]"#, r#"["1e999","-1E+400",1e-5,1e308]"#),
            (r#"["1e999"]"#, r#"["1e999"]"#),
        ] {
            assert_eq!(sanitise(json), expected);
        }
    }

    #[test]
    fn leaves_broken_text_in_peace() {
        for text in ["", "\"", "\"\\", "\"\\u", "\"\\u12", "\"\\ud80\\", "é\\u0000", "{\"a\":"] {
            assert_eq!(sanitise(text), text);
        }
    }

    #[test]
    fn borrows_when_nothing_changes() {
        assert!(matches!(sanitise(r#"{"a":"b\n\u00e9","n":[1,2.5]}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn unescapes_as_json_says() {
        assert_eq!(unescape(r#"a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00"#), "a\"\\/\u{8}\u{c}\n\r\tA\u{1f600}");
        assert_eq!(unescape(r"x\ud800y\u0000"), "x\u{fffd}y\u{fffd}");
    }
}
