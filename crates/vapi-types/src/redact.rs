//! Takes secrets out of a body before it is stored.
//!
//! Members are found by their name wherever they stand, so a body whose form has drifted is cleaned as well.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memchr;

use crate::scan::{string_end, value_end};
use crate::text::{Splice, unescape};

/// The text in the place of a secret.
pub const REDACTED: &str = "[redacted]";

const REPLACEMENT: &str = "\"[redacted]\"";

/// Names whose value is replaced, in lower case and without `-` and `_`, sorted for the search.
///
/// Every member of the published description that holds a secret or a capability, the names of older
/// descriptions, and the usual names of secrets in metadata and tools.
const SECRETS: [&str; 55] = [
    "accesskey",
    "accesskeyid",
    "accesstoken",
    "apikey",
    "apisecret",
    "apitoken",
    "appsecret",
    "authenticationartifact",
    "authkey",
    "authorization",
    "authpassword",
    "authsecret",
    "authtoken",
    "awsaccesskeyid",
    "awssecretaccesskey",
    "bearer",
    "bearertoken",
    "calltoken",
    "clientsecret",
    "controlurl",
    "cookie",
    "gcpkey",
    "hmacaccesskey",
    "hmacsecret",
    "idtoken",
    "jwt",
    "jwtsecret",
    "jwttoken",
    "listenurl",
    "ocpapimsubscriptionkey",
    "openaikey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "proxyauthorization",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "serversecret",
    "serverurlsecret",
    "sessiontoken",
    "setcookie",
    "signingkey",
    "signingsecret",
    "slackwebhookurl",
    "token",
    "twilioapikey",
    "twilioapisecret",
    "twilioauthtoken",
    "vonageapisecret",
    "vonageapplicationprivatekey",
    "webhooksecret",
    "xvapisecret",
];

/// Names whose value is replaced only when it is an object or an array; as text it is an id.
const SECRET_TREES: [&str; 2] = ["credential", "credentials"];

/// Names of objects whose values are all replaced, while their keys are kept.
const SECRET_MAPS: [&str; 2] = ["headers", "sipheaders"];

/// Longest name in the lists above, and the longest key that can be one of them with its separators.
const MAX_NAME: usize = 32;

/// The first letters of the names of each length, one bit for each letter. Nearly every key fails here.
static FIRST_LETTERS: LazyLock<[u32; MAX_NAME + 1]> = LazyLock::new(|| {
    let mut letters = [0; MAX_NAME + 1];
    for name in SECRETS.iter().chain(&SECRET_TREES).chain(&SECRET_MAPS) {
        if let Some(letters) = letters.get_mut(name.len()) {
            *letters |= letter_bit(name);
        }
    }
    letters
});

/// The bit of the first letter, in either case; zero for anything but a letter.
fn letter_bit(name: &str) -> u32 {
    match name.bytes().next() {
        Some(byte) if byte.is_ascii_alphabetic() => 1 << (byte.to_ascii_lowercase() - b'a'),
        _ => 0,
    }
}

/// Replaces the value of every member with a secret's name by `"[redacted]"`.
///
/// Names are compared after unescaping, without regard to case, `-` and `_`. Strings, numbers, objects and
/// arrays are replaced; `null`, `true` and `false` hold no secret and stay. JSON inside of strings is text and
/// is not searched. One pass, linear time, any nesting. Valid JSON stays valid; of other text the same members
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
            continue;
        }
        let value = text.skip_space(colon + 1);
        at = value;
        match sensitivity(text.slice(quote + 1, end.saturating_sub(1))) {
            Sensitivity::None => {}
            Sensitivity::Map if text.byte(value) == Some(b'{') => at = redact_map(text, value, &mut out),
            Sensitivity::Tree if !matches!(text.byte(value), Some(b'{' | b'[')) => {}
            Sensitivity::Map | Sensitivity::Tree | Sensitivity::Value => {
                at = redact_value(text, value, &mut out);
            }
        }
    }
    out.finish()
}

/// How a member of some name is treated.
enum Sensitivity {
    /// It is kept and searched.
    None,
    /// It is replaced.
    Value,
    /// It is replaced if it is an object or array.
    Tree,
    /// It is kept, and its own members are replaced.
    Map,
}

fn sensitivity(raw_key: &str) -> Sensitivity {
    // Six bytes for each character if all of them are escaped.
    if raw_key.len() > MAX_NAME * 6 {
        return Sensitivity::None;
    }
    // A key in its plain form has the length and first letter of a name, or it is none.
    let is_plain = !raw_key.bytes().any(|byte| matches!(byte, b'\\' | b'-' | b'_'));
    if is_plain && FIRST_LETTERS.get(raw_key.len()).is_none_or(|letters| letters & letter_bit(raw_key) == 0) {
        return Sensitivity::None;
    }
    let key = unescape(raw_key);
    let mut name = [0; MAX_NAME];
    let mut length = 0;
    for byte in key.bytes().filter(|byte| !matches!(byte, b'-' | b'_')) {
        let Some(slot) = name.get_mut(length) else { return Sensitivity::None };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let name = name.get(..length).unwrap_or_default();
    if SECRETS.binary_search_by(|secret| secret.as_bytes().cmp(name)).is_ok() {
        Sensitivity::Value
    } else if SECRET_TREES.iter().any(|tree| tree.as_bytes() == name) {
        Sensitivity::Tree
    } else if SECRET_MAPS.iter().any(|map| map.as_bytes() == name) {
        Sensitivity::Map
    } else {
        Sensitivity::None
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
