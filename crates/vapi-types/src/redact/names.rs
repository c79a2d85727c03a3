//! Which members hold a secret, by their names.

use std::sync::LazyLock;

use crate::text::unescape;

/// How a member of some name is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sensitivity {
    /// It is kept and searched.
    None,
    /// It is replaced.
    Value,
    /// It is replaced if it is an object or array; as text it is an id.
    Tree,
    /// It is kept, and its own members are replaced.
    Map,
    /// It is kept as it came, with everything that its URL carries.
    Recording,
}

/// Ends of the names of secrets and capabilities, in lower case and without `-` and `_`.
///
/// They are the words that the published description ends the names of its own with, those of older descriptions, and the
/// usual ones in metadata and in tools. `key` alone is no such word: contexts, caches and insights have keys.
const SECRETS: [&str; 38] = [
    "accesskey",
    "accesskeyid",
    "accountkey",
    "apikey",
    "apikeys",
    "authenticationartifact",
    "authenticationsession",
    "authkey",
    "authorization",
    "bearer",
    "connectionstring",
    "controlurl",
    "cookie",
    "cookies",
    "encryptionkey",
    "functionkey",
    "gcpkey",
    // Whoever knows the URL of a webhook may post to it: its path is the secret.
    "hookuri",
    "hookurl",
    "jwt",
    "licensekey",
    "listenurl",
    "masterkey",
    "openaikey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "privatekeypem",
    "pwd",
    "secret",
    "secretkey",
    "secrets",
    "sharedkey",
    "signedurl",
    "signingkey",
    "subscriptionkey",
    "token",
];

/// Ends of names whose value is replaced only when it is an object or an array; as text it is an id.
const TREES: [&str; 2] = ["credential", "credentials"];

/// Ends of the names of objects whose values are all replaced, while their keys are kept.
const MAPS: [&str; 1] = ["headers"];

/// The recordings that the ledger files: a replay of the stored body has to say the same of them.
const RECORDINGS: [&str; 4] = ["combinedurl", "recordingurl", "stereorecordingurl", "stereourl"];

/// Links that need no authentication: `presignedMonoUrl` and its like.
const PRESIGNED: (&str, &str) = ("presigned", "url");

/// Longest end that is looked at; longer than any in the lists above.
const MAX_END: usize = 32;

/// The last two letters of all those ends, a word for the last one with a bit for the one before it. Most keys fail here.
static LAST_LETTERS: LazyLock<[u32; 26]> = LazyLock::new(|| {
    let mut letters = [0; 26];
    let ends = [&SECRETS[..], &TREES, &MAPS, &RECORDINGS, &[PRESIGNED.1]].concat();
    for (last, before) in ends.iter().filter_map(|end| last_letters(end)) {
        if let Some(word) = letters.get_mut(last) {
            *word |= 1 << before;
        }
    }
    letters
});

/// The places in the alphabet of the last letter and the one before it, `-` and `_` aside.
fn last_letters(name: &str) -> Option<(usize, u8)> {
    let mut letters = name.bytes().rev().filter(|byte| !is_separator(*byte));
    let mut place = || {
        let letter = letters.next()?.to_ascii_lowercase();
        letter.is_ascii_lowercase().then(|| letter - b'a')
    };
    let last = place()?;
    Some((usize::from(last), place()?))
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
}

/// How the member with this name is treated, as the name stands between its quotes.
pub(super) fn sensitivity(raw_name: &str) -> Sensitivity {
    let name = if raw_name.contains('\\') { unescape(raw_name) } else { raw_name.into() };
    let is_possible = last_letters(&name).is_some_and(|(last, before)| {
        LAST_LETTERS.get(last).is_some_and(|letters| letters & (1 << before) != 0)
    });
    if !is_possible {
        return Sensitivity::None;
    }
    let mut buffer = [0; MAX_END];
    let mut start = MAX_END;
    let mut letters = name.bytes().rev().filter(|byte| !is_separator(*byte));
    for (slot, byte) in buffer.iter_mut().rev().zip(&mut letters) {
        *slot = byte.to_ascii_lowercase();
        start -= 1;
    }
    let is_whole = letters.next().is_none();
    let name = buffer.get(start..).unwrap_or_default();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end.as_bytes()));
    let (first, last) = PRESIGNED;
    if is_whole && RECORDINGS.iter().any(|recording| recording.as_bytes() == name) {
        Sensitivity::Recording
    } else if ends(&SECRETS) || name.starts_with(first.as_bytes()) && ends(&[last]) {
        Sensitivity::Value
    } else if ends(&TREES) {
        Sensitivity::Tree
    } else if ends(&MAPS) {
        Sensitivity::Map
    } else {
        Sensitivity::None
    }
}

/// Names of parts of a URL's query that are secrets beside those of members.
const QUERY_SECRETS: [&str; 7] = ["auth", "code", "credential", "hmac", "key", "sig", "signature"];

/// True for the name of a part of a URL's query whose value is a secret.
pub(super) fn is_secret_in_query(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(|letter| !matches!(letter, '-' | '_'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    // `X-Amz-Signature`, `X-Goog-Credential`, `subscription-key`; a `country_code` is none.
    let is_end = |end: &str| name == end || end != "code" && name.ends_with(end);
    SECRETS.iter().any(|end| name.ends_with(end)) || QUERY_SECRETS.into_iter().any(is_end)
}
