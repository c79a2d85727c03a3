//! The ways in which a body is changed between signing and receiving.

use std::borrow::Cow;

/// Deepest nesting that is rewritten; the gateway reads no deeper payload either.
const MAX_DEPTH: usize = 128;

/// How many times longer a rewritten body may become: an indent of a hundred levels on each number of
/// a megabyte would fill the memory.
const MAX_GROWTH: usize = 8;

/// One way to undo a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewriting {
    /// The body as it came.
    AsReceived,
    /// A line break was added at the end.
    WithoutNewline,
    /// The line break at the end was lost.
    WithNewline,
    /// JSON without white space.
    Compact,
    /// JSON without white space and without avoidable escapes, as JavaScript writes it.
    Unescaped,
    /// JSON with a space after each comma and colon, as Python writes it.
    Spaced,
    /// JSON with an indent of two spaces.
    Pretty,
}

impl Rewriting {
    /// Describes the body that was signed.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::AsReceived => "the body as it was received",
            Self::WithoutNewline => "the body without the line break at its end",
            Self::WithNewline => "the body with a line break at its end",
            Self::Compact => "the same JSON without white space",
            Self::Unescaped => "the same JSON without white space and with its escapes written out",
            Self::Spaced => "the same JSON with a space after each comma and colon",
            Self::Pretty => "the same JSON with an indent of two spaces",
        }
    }
}

/// Lists the bodies that may have been signed, the likeliest first, each only once.
pub(crate) fn candidates(body: &[u8]) -> Vec<(Rewriting, Cow<'_, [u8]>)> {
    let mut found = vec![(Rewriting::AsReceived, Cow::Borrowed(body))];
    let mut add = |rewriting, candidate: Option<Cow<'_, [u8]>>| {
        if let Some(candidate) = candidate
            && found.iter().all(|(_, known)| *known != candidate)
        {
            found.push((rewriting, Cow::Owned(candidate.into_owned())));
        }
    };
    let trimmed = body.strip_suffix(b"\n").map(|rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    add(Rewriting::WithoutNewline, trimmed.map(Cow::Borrowed));
    add(Rewriting::WithNewline, Some(Cow::Owned([body, b"\n"].concat())));
    for layout in [Rewriting::Compact, Rewriting::Unescaped, Rewriting::Spaced, Rewriting::Pretty] {
        add(layout, rewrite(body, layout).map(Cow::Owned));
    }
    found
}

/// Lays JSON out anew without parsing it: strings are copied (or unescaped), white space outside of
/// them is replaced. `None` if it is no JSON object or array, or too deep.
fn rewrite(body: &[u8], layout: Rewriting) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let limit = body.len().saturating_mul(MAX_GROWTH);
    let mut depth: usize = 0;
    let mut rest = body.trim_ascii();
    if !matches!(rest.first(), Some(b'{' | b'[')) {
        return None;
    }
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if out.len() > limit {
            return None;
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                let end = string_end(after)?;
                let (content, after) = after.split_at_checked(end)?;
                out.push(b'"');
                if layout == Rewriting::Unescaped {
                    unescape(content, &mut out);
                } else {
                    out.extend_from_slice(content);
                }
                out.push(b'"');
                rest = after.get(1..)?;
            }
            b'{' | b'[' => {
                out.push(byte);
                let inner = after.trim_ascii_start();
                if let Some((&close @ (b'}' | b']'), after)) = inner.split_first() {
                    out.push(close);
                    rest = after;
                } else {
                    depth = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH)?;
                    indent(&mut out, layout, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                indent(&mut out, layout, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                if layout == Rewriting::Spaced {
                    out.push(b' ');
                }
                indent(&mut out, layout, depth);
            }
            b':' => {
                out.push(byte);
                if matches!(layout, Rewriting::Spaced | Rewriting::Pretty) {
                    out.push(b' ');
                }
            }
            other => out.push(other),
        }
    }
    (depth == 0).then_some(out)
}

fn indent(out: &mut Vec<u8>, layout: Rewriting, depth: usize) {
    if layout == Rewriting::Pretty {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b"  ", depth).flatten());
    }
}

/// Finds the quote that ends a string whose content starts at the first byte.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let ends = !escaped && *byte == b'"';
        escaped = !escaped && *byte == b'\\';
        ends
    })
}

/// Writes out `\/` and those `\u` escapes that JavaScript does not write; keeps all others.
fn unescape(content: &[u8], out: &mut Vec<u8>) {
    let mut rest = content;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match after.split_first() {
            Some((b'/', after)) => {
                out.push(b'/');
                rest = after;
            }
            Some((b'u', digits)) => match code_point(digits) {
                Some((letter, after)) => {
                    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = after;
                }
                None => out.push(byte),
            },
            Some((other, after)) => {
                out.extend_from_slice(&[byte, *other]);
                rest = after;
            }
            None => out.push(byte),
        }
    }
}

/// Reads the four digits of a `\u` escape, or a pair of surrogates; `None` for what stays escaped.
fn code_point(digits: &[u8]) -> Option<(char, &[u8])> {
    let (first, after) = unit(digits)?;
    if let Some(letter) = char::from_u32(first) {
        return (!letter.is_control() && letter != '"' && letter != '\\').then_some((letter, after));
    }
    let (second, after) = unit(after.strip_prefix(b"\\u")?)?;
    let units = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let letter = char::decode_utf16(units).next()?.ok()?;
    Some((letter, after))
}

fn unit(digits: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = digits.split_at_checked(4)?;
    let text =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((u32::from_str_radix(text, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Python: `json.dumps` with the separators and the indent of the name.
    const SPACED: &str = r#"{"a": [1, -2.50, {"b c": "x, y: {z}"}, []], "q": "say \"hi\" \\", "e": {}}"#;
    const COMPACT: &str = r#"{"a":[1,-2.50,{"b c":"x, y: {z}"},[]],"q":"say \"hi\" \\","e":{}}"#;
    const PRETTY: &str = "{\n  \"a\": [\n    1,\n    -2.50,\n    {\n      \"b c\": \"x, y: {z}\"\n    },\n    []\n  ],\n  \"q\": \"say \\\"hi\\\" \\\\\",\n  \"e\": {}\n}";

    #[test]
    fn each_layout_becomes_each_other() {
        for from in [SPACED, COMPACT, PRETTY] {
            let to = |layout| String::from_utf8(rewrite(from.as_bytes(), layout).unwrap()).unwrap();
            assert_eq!(to(Rewriting::Compact), COMPACT);
            assert_eq!(to(Rewriting::Spaced), SPACED);
            assert_eq!(to(Rewriting::Pretty), PRETTY);
        }
    }

    #[test]
    fn escapes_are_written_out_where_javascript_would() {
        let body = br#"{"a":"\u00e9\/\ud83d\ude00\n\u0001\u0022\\u0041\ud800"}"#;
        let out = rewrite(body, Rewriting::Unescaped).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"a\":\"é/😀\\n\\u0001\\u0022\\\\u0041\\ud800\"}");
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        let deep = [b"[".repeat(200), b"1".to_vec(), b"]".repeat(200)].concat();
        let wide = [b"[".repeat(120), b"1,".repeat(500), b"1".to_vec(), b"]".repeat(120)].concat();
        for body in ["", "null", "a=b", "{\"a", "{", "[}]"]
            .map(str::as_bytes)
            .into_iter()
            .chain([deep.as_slice(), &wide])
        {
            assert_eq!(rewrite(body, Rewriting::Pretty), None, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn no_candidate_is_listed_twice() {
        let bodies = candidates(COMPACT.as_bytes());
        let kinds: Vec<_> = bodies.iter().map(|(rewriting, _)| *rewriting).collect();
        assert_eq!(
            kinds,
            [Rewriting::AsReceived, Rewriting::WithNewline, Rewriting::Spaced, Rewriting::Pretty]
        );
    }
}
