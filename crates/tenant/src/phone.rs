//! Numbers in one form: `+` and digits, or a SIP URI in lower case.
//!
//! The rules are those of `migrations/README.md`, which the database triggers follow too; both are held against
//! `tests/phone_examples.json`.

mod regions;

use std::fmt;
use std::str::FromStr;

/// Most characters of a number or SIP URI: as many as of any identifier, and as an entry of an index holds.
pub const MAX_CHARS: usize = 512;

/// How national numbers are written in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    code: &'static str,
    calling_code: &'static str,
    trunk_prefix: &'static str,
    international_prefix: &'static str,
}

impl Region {
    /// The two-letter code, upper case.
    pub const fn code(self) -> &'static str {
        self.code
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// Not a region with a numbering plan.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no region with a numbering plan")]
pub struct UnknownRegion(Box<str>);

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.trim().to_ascii_uppercase();
        regions::REGIONS
            .iter()
            .find(|(code, ..)| *code == wanted)
            .map(|&(code, calling_code, trunk_prefix, international_prefix)| Self {
                code,
                calling_code,
                trunk_prefix,
                international_prefix,
            })
            .ok_or_else(|| UnknownRegion(text.into()))
    }
}

/// Normalises a number or SIP URI; `None` when it is neither, or longer than [`MAX_CHARS`].
///
/// Without a region only `+` forms and SIP URIs are taken. Reserved and sample numbers are taken like any other:
/// `+` and 7 to 15 digits is the whole test.
pub fn normalise(raw: &str, region: Option<Region>) -> Option<String> {
    let raw = raw.trim();
    if raw.chars().nth(MAX_CHARS).is_some() {
        return None;
    }
    if is_sip_uri(raw) {
        let uri = raw.to_ascii_lowercase();
        return (!uri.chars().any(char::is_whitespace) && uri.contains(|c| c != ':' && c != 's'))
            .then_some(uri);
    }
    let bare: String = raw.chars().filter(|c| !is_separator(*c)).collect();
    let number = if bare.starts_with('+') { bare } else { format!("+{}", international(&bare, region?)?) };
    let digits = number.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(number)
}

/// Digits with the calling code, of a number written without `+`.
fn international(bare: &str, region: Region) -> Option<String> {
    if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(digits) = strip(bare, region.international_prefix) {
        return Some(digits.to_owned());
    }
    if region.calling_code == "1" {
        // North America: area code and number, with or without the 1 that is trunk prefix and calling code at once.
        let national = if bare.len() == 11 { bare.strip_prefix('1')? } else { bare };
        return (national.len() == 10).then(|| format!("1{national}"));
    }
    let national = strip(bare, region.trunk_prefix).unwrap_or(bare);
    Some(format!("{}{national}", region.calling_code))
}

/// The rest after a prefix, where there is a prefix and a rest.
fn strip<'a>(digits: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return None;
    }
    digits.strip_prefix(prefix).filter(|rest| !rest.is_empty())
}

fn is_sip_uri(text: &str) -> bool {
    ["sip:", "sips:"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            && text.len() > scheme.len()
    })
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '-' | '\u{2010}'..='\u{2015}' | '(' | ')' | '[' | ']' | '.' | '/')
}
