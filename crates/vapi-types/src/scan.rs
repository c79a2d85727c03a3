//! A strict JSON reader over borrowed text that never builds a tree.
//!
//! One pass validates the syntax, bounds the nesting and hands out the members that a caller asks for. A
//! deserializer would read the same bytes, but it gives up on a lone surrogate or on `1e999`, hides duplicate
//! keys, and skips without a bound on the nesting.

mod offsets;

use std::borrow::Cow;

use offsets::plain_run;
pub(crate) use offsets::{string_end, value_end};

use crate::text;

/// The deepest nesting of objects and arrays that is read; the outermost object counts as one.
pub(crate) const MAX_DEPTH: u32 = 128;

/// Why the text was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanError {
    /// The text is not JSON; the offset is in bytes.
    Syntax(usize),
    /// Objects and arrays are nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// A string as it stands between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawText<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> RawText<'a> {
    /// The characters that the string stands for; what cannot be stored becomes U+FFFD.
    pub(crate) fn decode(self) -> Cow<'a, str> {
        if self.escaped { text::unescape(self.raw) } else { Cow::Borrowed(self.raw) }
    }
}

/// The kind of the value that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// An object.
    Object,
    /// An array.
    Array,
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true`, `false`, `null`, or no value at all.
    Other,
}

/// A cursor over JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    awkward: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, awkward: false }
    }

    /// Whether a string or number was passed that [`text::sanitise`] would change.
    pub(crate) fn awkward(&self) -> bool {
        self.awkward
    }

    /// The offset of what comes next, in bytes.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// The text that was read since an offset.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Looks at the value that comes next without reading it.
    pub(crate) fn next(&mut self) -> Next {
        self.skip_space();
        match self.peek() {
            Some(b'{') => Next::Object,
            Some(b'[') => Next::Array,
            Some(b'"') => Next::Text,
            Some(b'-' | b'0'..=b'9') => Next::Number,
            _ => Next::Other,
        }
    }

    /// Succeeds when only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), ScanError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.syntax()) }
    }

    /// Reads an object; `visit` must read or skip exactly one value at each key.
    pub(crate) fn object<F>(&mut self, mut visit: F) -> Result<(), ScanError>
    where
        F: FnMut(&mut Self, &str) -> Result<(), ScanError>,
    {
        self.container(b'{', b'}', |scanner| {
            let key = scanner.key()?;
            visit(scanner, &key.decode())
        })
    }

    /// Reads an array; `visit` must read or skip exactly one value each time.
    pub(crate) fn array<F>(&mut self, visit: F) -> Result<(), ScanError>
    where
        F: FnMut(&mut Self) -> Result<(), ScanError>,
    {
        self.container(b'[', b']', visit)
    }

    #[inline]
    fn container<F>(&mut self, open: u8, close: u8, mut visit: F) -> Result<(), ScanError>
    where
        F: FnMut(&mut Self) -> Result<(), ScanError>,
    {
        self.skip_space();
        self.expect(open)?;
        self.descend()?;
        self.skip_space();
        if !self.accept(close) {
            loop {
                visit(self)?;
                self.skip_space();
                if self.accept(close) {
                    break;
                }
                self.expect(b',')?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a string; the next value must be one.
    pub(crate) fn string(&mut self) -> Result<RawText<'a>, ScanError> {
        self.skip_space();
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = plain_run(self.text.as_bytes(), self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.syntax()),
            }
        }
        let raw = self.since(start);
        self.at += 1;
        Ok(RawText { raw, escaped })
    }

    /// Reads a number as it is written; the next value must be one.
    pub(crate) fn number(&mut self) -> Result<&'a str, ScanError> {
        self.skip_space();
        let start = self.at;
        self.accept(b'-');
        if !self.accept(b'0') {
            self.digits()?;
        }
        if self.accept(b'.') {
            self.digits()?;
        }
        let has_exponent = self.accept(b'e') || self.accept(b'E');
        if has_exponent {
            let _ = self.accept(b'+') || self.accept(b'-');
            self.digits()?;
        }
        let number = self.since(start);
        // Nearly every number is short and plain, and those are never awkward.
        if has_exponent || number.len() > text::MAX_PLAIN_NUMBER {
            self.awkward |= text::is_awkward_number(number);
        }
        Ok(number)
    }

    /// Returns the text of any value, in text that is known to be valid: only quotes and brackets are looked at.
    ///
    /// Of other text it may return any part, and it always ends.
    fn trusted(&mut self) -> &'a str {
        self.skip_space();
        let start = self.at;
        self.at = value_end(self.text.as_bytes(), start);
        self.since(start)
    }

    /// Passes over one value of any kind without recursion.
    pub(crate) fn skip(&mut self) -> Result<(), ScanError> {
        // One bit per open container, set for objects; MAX_DEPTH fits exactly.
        let mut open: u128 = 0;
        let base = self.depth;
        loop {
            match self.next() {
                Next::Object => {
                    self.at += 1;
                    self.descend()?;
                    open = (open << 1) | 1;
                    self.skip_space();
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                Next::Array => {
                    self.at += 1;
                    self.descend()?;
                    open <<= 1;
                    self.skip_space();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                Next::Text => {
                    self.string()?;
                }
                Next::Number => {
                    self.number()?;
                }
                Next::Other => self.literal()?,
            }
            // A value has ended: close what ends here, then go to the next one.
            loop {
                if self.depth == base {
                    return Ok(());
                }
                self.skip_space();
                let in_object = open & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if in_object {
                            self.skip_space();
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => {}
                    Some(b']') if !in_object => {}
                    _ => return Err(self.syntax()),
                }
                self.at += 1;
                self.depth -= 1;
                open >>= 1;
            }
        }
    }

    fn key(&mut self) -> Result<RawText<'a>, ScanError> {
        let key = self.string()?;
        self.skip_space();
        self.expect(b':')?;
        Ok(key)
    }

    fn literal(&mut self) -> Result<(), ScanError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let word = [&b"null"[..], b"true", b"false"].into_iter().find(|word| rest.starts_with(word));
        self.at += word.ok_or(self.syntax())?.len();
        Ok(())
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        match rest.first() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match text::unicode_escape(rest) {
                Some(text::UnicodeEscape::Char { length, .. }) => self.at += 1 + length,
                Some(text::UnicodeEscape::Unstorable) => {
                    self.awkward = true;
                    self.at += 6;
                }
                None => return Err(self.syntax()),
            },
            _ => return Err(self.syntax()),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ScanError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        if count == 0 { Err(self.syntax()) } else { Ok(()) }
    }

    fn descend(&mut self) -> Result<(), ScanError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(ScanError::TooDeep) } else { Ok(()) }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), ScanError> {
        if self.accept(byte) { Ok(()) } else { Err(self.syntax()) }
    }

    fn syntax(&self) -> ScanError {
        ScanError::Syntax(self.at)
    }
}

/// Visits the members of an object in valid JSON text; anything else has none.
pub(crate) fn members<'a>(json: &'a str, mut visit: impl FnMut(&str, &'a str)) {
    let mut scanner = Scanner::new(json);
    if scanner.next() == Next::Object {
        // The text was validated when the envelope was parsed; a fault would only end the walk early.
        let _ = scanner.object(|scanner, key| {
            visit(key, scanner.trusted());
            Ok(())
        });
    }
}

/// Visits the elements of an array in valid JSON text; anything else has none.
pub(crate) fn elements<'a>(json: &'a str, mut visit: impl FnMut(&'a str)) {
    let mut scanner = Scanner::new(json);
    if scanner.next() == Next::Array {
        // As above.
        let _ = scanner.array(|scanner| {
            visit(scanner.trusted());
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(json: &str) -> Result<(), ScanError> {
        let mut scanner = Scanner::new(json);
        scanner.skip()?;
        scanner.end()
    }

    #[test]
    fn reads_what_the_grammar_allows() {
        for json in
            ["0", "-0.5e+10", "[]", "{}", " [1 , {\"a\" : [ ] } , \"\\u00e9\\n\" ] ", "1e999", "\"\\ud800\""]
        {
            assert_eq!(accepted(json), Ok(()), "{json}");
        }
    }

    #[test]
    fn refuses_what_the_grammar_does_not() {
        for json in [
            "",
            " ",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "\"\\x\"",
            "\"a\nb\"",
            "\"",
            "nul",
            "nulll",
            "[1}",
            "{]",
            "[1 2]",
            "1 2",
            "\"\\u12g4\"",
            "NaN",
        ] {
            assert!(accepted(json).is_err(), "{json}");
        }
    }

    #[test]
    fn bounds_the_nesting() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(accepted(&nested(128)), Ok(()));
        assert_eq!(accepted(&nested(129)), Err(ScanError::TooDeep));
        assert_eq!(accepted(&"{\"a\":".repeat(5000)), Err(ScanError::TooDeep));
    }

    #[test]
    fn finds_the_end_of_a_string_at_every_offset() {
        for length in 0..40 {
            let json = format!("\"{}\"", "é".repeat(length));
            assert_eq!(Scanner::new(&json).string().map(|text| text.decode().chars().count()), Ok(length));
            let broken = format!("\"{}\u{1}\"", "x".repeat(length));
            assert_eq!(Scanner::new(&broken).string(), Err(ScanError::Syntax(length + 1)));
        }
    }

    #[test]
    fn trusted_values_end_where_checked_ones_do() {
        let mut values: Vec<String> =
            ["0", "-1.5e3", "true", "null", "{}", "[]", " [1 , {\"a}\" : [ \"]\" ] } , \"\\\\\" ] "]
                .map(Into::into)
                .into();
        for length in 0..80 {
            let plain = "x".repeat(length);
            values.extend([
                format!("\"{plain}\""),
                format!("\"{plain}\\\"{{\\\\\""),
                format!("{{\"{plain}\": [\"\\\"]{plain}\", 1, {{}}], \"{plain}\\\\\": null}}"),
            ]);
        }
        for value in values {
            for after in [",\"next\"", "]", "}", " "] {
                let text = format!("{value}{after}");
                let (mut checked, mut trusted) = (Scanner::new(&text), Scanner::new(&text));
                checked.skip().unwrap();
                assert_eq!(trusted.trusted(), value.trim(), "{text}");
                assert_eq!(trusted.offset(), checked.offset(), "{text}");
            }
        }
    }

    #[test]
    fn trust_in_broken_text_ends() {
        for text in ["", "{", "[\"", "\"\\", "{\"a\":", "[[[", "}", "\"é", "{\"é\\"] {
            let mut scanner = Scanner::new(text);
            scanner.trusted();
            assert!(scanner.offset() <= text.len(), "{text}");
            members(text, |_, _| ());
            elements(text, |_| ());
        }
    }
}
