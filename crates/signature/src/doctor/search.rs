//! Tries every plausible way in which the secret may prove this request, the likeliest first.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::body::{self, Rewriting};
use crate::algorithm::{Algorithm, Encoding};
use crate::credential::{StaticCheck, decode_secret};
use crate::header::{Found, Headers, MAX_HEADER_BYTES};
use crate::key::SecretKey;
use crate::mac::KeyedMac;
use crate::payload::{Parts, PayloadFormat};
use crate::recipe::HmacRecipe;
use crate::verifier::{SignedRequest, decode_signature};

/// Most bytes that are hashed for one credential; a body of 8 MiB still gets 64 trials.
const MAX_HASHED_BYTES: usize = 512 * 1024 * 1024;
/// A trial's cost besides the body, as bytes hashed, so that small bodies have a bound too.
const TRIAL_BYTES: usize = 256;
/// Most values of one signature header that are looked at.
const MAX_VALUES: usize = 16;

pub(crate) const SIGNATURE_HEADERS: [&str; 8] = [
    "x-signature",
    "x-vapi-signature",
    "webhook-signature",
    "svix-signature",
    "x-hub-signature-256",
    "x-hub-signature",
    "x-webhook-signature",
    "vapi-signature",
];
const TIMESTAMP_HEADERS: [&str; 5] =
    ["x-timestamp", "x-vapi-timestamp", "webhook-timestamp", "svix-timestamp", "x-webhook-timestamp"];
const MESSAGE_ID_HEADERS: [&str; 4] = ["webhook-id", "svix-id", "x-message-id", "x-webhook-id"];
const SECRET_HEADERS: [&str; 7] = [
    "x-vapi-secret",
    "authorization",
    "x-vapi-signature",
    "x-signature",
    "vapi-secret",
    "x-api-key",
    "x-webhook-secret",
];
const PREFIXES: [&str; 8] = ["sha256=", "sha512=", "sha1=", "v1,", "v1=", "v0=", "hmac-sha256=", "SHA256="];
const FORMATS: [&str; 9] = [
    "{timestamp}.{body}",
    "{body}",
    "{timestamp}{body}",
    "{timestamp}:{body}",
    "v0:{timestamp}:{body}",
    "{svix-id}.{timestamp}.{body}",
    "{body}.{timestamp}",
    "{body}{timestamp}",
    "{method}{url}{timestamp}{body}",
];

/// How the stored secret becomes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    Raw,
    Decoded,
    Trimmed,
}

/// A way to sign that gives the signature at hand.
#[derive(Debug, Clone)]
pub(crate) struct HmacMatch {
    /// The recipe that matches, to be compared with the one of the credential.
    pub(crate) recipe: HmacRecipe,
    pub(crate) treatment: Treatment,
    pub(crate) rewriting: Rewriting,
    /// The URL that was signed, if another one than was configured.
    pub(crate) url: Option<String>,
    /// In how many respects it differs from the credential.
    pub(crate) cost: usize,
}

/// A header that holds the secret itself.
#[derive(Debug, Clone)]
pub(crate) struct StaticMatch {
    pub(crate) header: String,
    pub(crate) prefix: Option<String>,
    pub(crate) is_trimmed: bool,
}

/// A signature found in a header, in one way to read it.
struct Reading {
    header: String,
    prefix: Option<String>,
    encoding: Encoding,
    algorithm: Algorithm,
    code: Vec<u8>,
    cost: usize,
}

/// A header name with the text under it, when the request has it once.
type Named<'a> = (String, &'a [u8]);

/// Which alternative of each respect is tried.
struct Trial<'a> {
    reading: &'a Reading,
    format: &'a PayloadFormat,
    timestamp: Option<&'a Named<'a>>,
    message_id: Option<&'a Named<'a>>,
    url: Option<&'a Cow<'a, str>>,
    key: &'a (Treatment, Zeroizing<Vec<u8>>),
    body: &'a (Rewriting, Cow<'a, [u8]>),
    cost: usize,
}

/// Looks for a way to sign that differs from `recipe` as little as possible; `None` if none is found.
pub(crate) fn find_hmac(
    recipe: &HmacRecipe,
    secret: &SecretKey,
    request: &SignedRequest<'_>,
) -> Option<HmacMatch> {
    let readings = readings(recipe, request.headers);
    let formats = formats(recipe);
    let timestamps = present(request.headers, recipe.timestamp_header.as_deref(), &TIMESTAMP_HEADERS);
    let message_ids = present(request.headers, recipe.message_id_header.as_deref(), &MESSAGE_ID_HEADERS);
    let urls = urls(request.url);
    let keys = keys(recipe.secret_is_base64, secret);
    let bodies = body::candidates(request.body);

    let mut trials = Vec::new();
    for reading in &readings {
        for (format_cost, format) in formats.iter().enumerate().map(|(at, format)| (at.min(1), format)) {
            for (timestamp, timestamp_cost) in
                choices(&timestamps, format.uses_timestamp(), recipe.timestamp_header.as_deref())
            {
                for (message_id, id_cost) in
                    choices(&message_ids, format.uses_message_id(), recipe.message_id_header.as_deref())
                {
                    for (url_cost, url) in used(&urls, format.uses_url()) {
                        for (key_at, key) in keys.iter().enumerate() {
                            for (body_at, body) in bodies.iter().enumerate() {
                                let cost = reading.cost
                                    + format_cost
                                    + timestamp_cost
                                    + id_cost
                                    + url_cost
                                    + key_at.min(1)
                                    + body_at.min(1);
                                trials.push(Trial {
                                    reading,
                                    format,
                                    timestamp,
                                    message_id,
                                    url,
                                    key,
                                    body,
                                    cost,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    trials.sort_by_key(|trial| trial.cost);

    let mut hashed: usize = 0;
    for trial in trials {
        hashed = hashed.saturating_add(trial.body.1.len()).saturating_add(TRIAL_BYTES);
        if hashed > MAX_HASHED_BYTES {
            return None;
        }
        if trial.matches(request) {
            return Some(trial.into_match(recipe, request));
        }
    }
    None
}

impl Trial<'_> {
    fn matches(&self, request: &SignedRequest<'_>) -> bool {
        let Ok(mut mac) = KeyedMac::new(self.reading.algorithm, &self.key.1) else { return false };
        let parts = Parts {
            timestamp: self.timestamp.map(|(_, text)| *text).unwrap_or_default(),
            message_id: self.message_id.map(|(_, text)| *text).unwrap_or_default(),
            method: request.method,
            url: self.url.map(AsRef::as_ref).unwrap_or_default(),
            body: &self.body.1,
        };
        self.format.feed(|bytes| mac.update(bytes), &parts);
        mac.matches(&self.reading.code)
    }

    fn into_match(self, recipe: &HmacRecipe, request: &SignedRequest<'_>) -> HmacMatch {
        let header = |found: Option<&Named<'_>>, own: &Option<String>| {
            found.map(|(name, _)| name.clone()).or_else(|| own.clone())
        };
        let is_stamped = self.format.uses_timestamp();
        let is_as_asked = *self.format == recipe.effective_format();
        let url = self.url.map(AsRef::as_ref).filter(|url| request.url != Some(*url)).map(str::to_owned);
        HmacMatch {
            recipe: HmacRecipe {
                algorithm: self.reading.algorithm,
                signature_header: self.reading.header.clone(),
                timestamp_header: header(self.timestamp, &recipe.timestamp_header),
                message_id_header: header(self.message_id, &recipe.message_id_header),
                prefix: self.reading.prefix.clone(),
                encoding: self.reading.encoding,
                secret_is_base64: self.key.0 == Treatment::Decoded,
                include_timestamp: if is_as_asked { recipe.include_timestamp } else { is_stamped },
                payload_format: if is_as_asked { recipe.payload_format.clone() } else { self.format.clone() },
            },
            treatment: self.key.0,
            rewriting: self.body.0,
            url,
            cost: self.cost,
        }
    }
}

/// Looks for the secret itself in a header; `own` is where the credential expects it, if it does.
pub(crate) fn find_static(
    own: Option<&StaticCheck>,
    secret: &SecretKey,
    headers: &dyn Headers,
) -> Option<StaticMatch> {
    let trimmed = secret.expose().trim_ascii();
    let own_prefix = own.and_then(|check| check.prefix.as_deref());
    for (header, value) in present(headers, own.map(|check| check.header.as_str()), &SECRET_HEADERS) {
        let word = value.iter().position(|byte| *byte == b' ').and_then(|at| value.get(..=at));
        let word = word.and_then(|word| std::str::from_utf8(word).ok());
        for prefix in [own_prefix, None, word] {
            for (is_trimmed, secret) in [(false, secret.expose()), (true, trimmed)] {
                let check = StaticCheck::new(header.clone(), prefix.map(str::to_owned), secret);
                if !secret.is_empty() && check.matches(value) {
                    return Some(StaticMatch { header, prefix: check.prefix, is_trimmed });
                }
            }
        }
    }
    None
}

/// Reads a header that is there once and not too long.
pub(crate) fn value<'a>(headers: &'a dyn Headers, name: &str) -> Option<&'a [u8]> {
    match headers.find(name) {
        Found::One(value) if value.len() <= MAX_HEADER_BYTES => Some(value),
        _ => None,
    }
}

/// Lists the headers that the request has: the expected one first, then the known ones.
fn present<'a>(headers: &'a dyn Headers, own: Option<&str>, known: &[&str]) -> Vec<Named<'a>> {
    let names = distinct(own.into_iter().chain(known.iter().copied()));
    names.into_iter().filter_map(|name| Some((name.to_owned(), value(headers, name)?))).collect()
}

/// Reads each signature header in every way that gives a code of the right length.
fn readings(recipe: &HmacRecipe, headers: &dyn Headers) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    for (header, value) in present(headers, Some(&recipe.signature_header), &SIGNATURE_HEADERS) {
        let Ok(text) = std::str::from_utf8(value) else { continue };
        for text in text.split(' ').filter(|text| !text.is_empty()).take(MAX_VALUES) {
            for prefix in prefixes(recipe.prefix.as_deref(), text) {
                let Some(encoded) = text.strip_prefix(prefix) else { continue };
                let prefix = Some(prefix).filter(|prefix| !prefix.is_empty()).map(str::to_owned);
                for encoding in Encoding::ALL {
                    for algorithm in Algorithm::ALL {
                        let Some(code) = decode_signature(encoded, encoding, algorithm) else { continue };
                        let cost = usize::from(header != recipe.signature_header)
                            + usize::from(prefix != recipe.prefix)
                            + usize::from(encoding != recipe.encoding)
                            + usize::from(algorithm != recipe.algorithm);
                        let (header, prefix) = (header.clone(), prefix.clone());
                        readings.push(Reading { header, prefix, encoding, algorithm, code, cost });
                    }
                }
            }
        }
    }
    readings
}

/// Lists the prefixes that `text` may start with, the expected one (also in another case) first.
fn prefixes<'a>(own: Option<&'a str>, text: &'a str) -> Vec<&'a str> {
    let as_sent = own.and_then(|own| text.get(..own.len()).filter(|start| start.eq_ignore_ascii_case(own)));
    distinct(own.into_iter().chain(as_sent).chain([""]).chain(PREFIXES))
}

/// Keeps the first of equals.
fn distinct<T: PartialEq>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

fn formats(recipe: &HmacRecipe) -> Vec<PayloadFormat> {
    let known = FORMATS.iter().filter_map(|text| PayloadFormat::parse(text).ok());
    distinct(std::iter::once(recipe.effective_format()).chain(known))
}

/// Lists what may stand for a placeholder, with what each choice costs; a single empty choice where
/// the format has no such placeholder, and none at all where it has one and the request has nothing.
fn choices<'a>(
    found: &'a [Named<'a>],
    is_used: bool,
    own: Option<&'a str>,
) -> Vec<(Option<&'a Named<'a>>, usize)> {
    if !is_used {
        return vec![(None, 0)];
    }
    found.iter().map(|named| (Some(named), usize::from(Some(named.0.as_str()) != own))).collect()
}

fn used<'a>(urls: &'a [Cow<'a, str>], is_used: bool) -> Vec<(usize, Option<&'a Cow<'a, str>>)> {
    if !is_used {
        return vec![(0, None)];
    }
    urls.iter().enumerate().map(|(at, url)| (at.min(1), Some(url))).collect()
}

/// Lists the spellings of the configured URL that a sender may have signed.
fn urls(url: Option<&str>) -> Vec<Cow<'_, str>> {
    let Some(url) = url else { return Vec::new() };
    let slashed = match url.strip_suffix('/') {
        Some(rest) => Cow::Borrowed(rest),
        None => Cow::Owned(format!("{url}/")),
    };
    let plain = url.split(['?', '#']).next().unwrap_or(url);
    let path_of = |url: &'_ str| {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/").to_owned()
    };
    let paths = [url, plain].map(|url| Cow::Owned(path_of(url)));
    distinct([Cow::Borrowed(url), slashed, Cow::Borrowed(plain)].into_iter().chain(paths))
}

fn keys(is_base64: bool, secret: &SecretKey) -> Vec<(Treatment, Zeroizing<Vec<u8>>)> {
    let raw = secret.expose();
    let as_text = Some((Treatment::Raw, Zeroizing::new(raw.to_vec())));
    let decoded = decode_secret(raw).or_else(|_| decode_secret(raw.trim_ascii())).ok();
    let decoded = decoded.map(|key| (Treatment::Decoded, key));
    let trimmed = raw.trim_ascii();
    let trimmed = (trimmed != raw && !trimmed.is_empty())
        .then(|| (Treatment::Trimmed, Zeroizing::new(trimmed.to_vec())));
    let ordered = if is_base64 { [decoded, as_text, trimmed] } else { [as_text, trimmed, decoded] };
    ordered.into_iter().flatten().collect()
}
