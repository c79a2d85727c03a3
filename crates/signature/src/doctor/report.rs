//! Turns what the search found, or did not find, into findings.

use chrono::{DateTime, Utc};

use super::body::Rewriting;
use super::cause::Cause;
use super::search::{self, HmacMatch, SIGNATURE_HEADERS, StaticMatch, Treatment};
use crate::credential::{Check, Credential, HmacCheck};
use crate::header::{Found, Headers, MAX_HEADER_BYTES};
use crate::mismatch::Mismatch;
use crate::preset::Preset;
use crate::recipe::HmacRecipe;
use crate::scheme::Scheme;
use crate::timestamp;
use crate::verifier::SignedRequest;

/// A cause with its sentence.
pub(crate) type Note = (Cause, String);

/// A way in which the request proves the secret after all.
pub(crate) struct Explanation {
    /// In how many respects it differs from the credential.
    pub(crate) cost: usize,
    /// The differences; empty if only the credential's window is in the way.
    pub(crate) notes: Vec<Note>,
}

/// Looks for a way in which the request proves this credential's secret.
pub(crate) fn explain(
    credential: &Credential,
    request: &SignedRequest<'_>,
    now: DateTime<Utc>,
) -> Option<Explanation> {
    let secret = credential.secret();
    match &credential.check {
        Check::Hmac(check) => {
            if let Some(found) = search::find_hmac(&check.recipe, secret, request) {
                return Some(Explanation {
                    cost: found.cost,
                    notes: hmac_notes(check, &found, request, now),
                });
            }
            let found = search::find_static(None, secret, request.headers)?;
            let note = plain_secret(credential, &found);
            Some(Explanation { cost: 1, notes: vec![note] })
        }
        Check::Static(check) => {
            if let Some(found) = search::find_static(Some(check), secret, request.headers) {
                let notes = static_notes(&check.header, check.prefix.as_deref(), &found);
                return Some(Explanation { cost: notes.len(), notes });
            }
            let found = search::find_hmac(&HmacRecipe::default(), secret, request)?;
            let sentence = format!(
                "The request does not carry the secret itself but an HMAC made with it, in the header {}. Set the credential to {}.",
                found.recipe.signature_header,
                preset_of(&found.recipe)
                    .map_or("the scheme hmac".to_owned(), |preset| format!("the preset {preset}")),
            );
            let mut notes = vec![(Cause::WrongScheme { found: "hmac" }, sentence)];
            notes.extend(body_note(&found));
            Some(Explanation { cost: found.cost.saturating_add(1), notes })
        }
    }
}

/// Says what is missing or unreadable when no way was found, and why that may be.
pub(crate) fn unexplained(
    credential: &Credential,
    request: &SignedRequest<'_>,
    now: DateTime<Utc>,
) -> Vec<Note> {
    let headers = request.headers;
    let mut notes = Vec::new();
    match &credential.check {
        Check::Hmac(check) => {
            let recipe = &check.recipe;
            notes.extend(proof_note(&recipe.signature_header, headers));
            if let Some(name) = recipe.timestamp_header.as_deref().filter(|_| recipe.include_timestamp) {
                notes.extend(timestamp_note(name, headers, now));
            }
            if let Some(name) = recipe.message_id_header.as_deref().filter(|_| check.format.uses_message_id())
            {
                notes.extend(message_id_note(name, check, headers));
            }
            if check.format.uses_url() && request.url.is_none() {
                let sentence = "The recipe signs the public URL, and none is configured. Configure the URL exactly as the provider has it.";
                notes.push((Cause::MissingUrl, sentence.to_owned()));
            }
            if notes.is_empty() && check.verify(request, None) == Err(Mismatch::MalformedHeader) {
                let header = recipe.signature_header.clone();
                let sentence = format!(
                    "The header {header} is no {} signature in {} {}, and no other way to read it matches.",
                    recipe.algorithm,
                    recipe.encoding,
                    recipe
                        .prefix
                        .as_ref()
                        .map_or("without a prefix".to_owned(), |prefix| format!("after {prefix:?}")),
                );
                notes.push((Cause::MalformedHeader { header }, sentence));
            }
        }
        Check::Static(check) => notes.extend(proof_note(&check.header, headers)),
    }
    if notes.is_empty() {
        let sentence = "Everything is in its place, but the secret does not fit: no variation of body, header, encoding and secret that was tried matches. Most likely the sender uses another secret, or the body was changed on the way.";
        notes.push((Cause::NoMatch, sentence.to_owned()));
    }
    notes
}

fn hmac_notes(
    check: &HmacCheck,
    found: &HmacMatch,
    request: &SignedRequest<'_>,
    now: DateTime<Utc>,
) -> Vec<Note> {
    let own = &check.recipe;
    let seen = &found.recipe;
    let mut notes = Vec::new();
    notes.extend(body_note(found));
    let preset = preset_of(seen).filter(|_| seen.signature_header != own.signature_header);
    if let Some(preset) = preset {
        let sentence = format!(
            "The signature is in the header {}, made as the preset {preset} says; the credential expects {}. Set the credential to that preset, or the sender to the credential's recipe.",
            seen.signature_header, own.signature_header,
        );
        notes.push((Cause::WrongHeader { found: seen.signature_header.clone() }, sentence));
    } else {
        notes.extend(recipe_notes(check, seen));
    }
    let is_preset_secret = preset.is_some() && matches!(found.treatment, Treatment::Raw | Treatment::Decoded);
    if !is_preset_secret {
        notes.extend(secret_note(own, found.treatment));
    }
    if let Some(url) = &found.url {
        let sentence =
            format!("The signature is made for the URL {url:?}. Configure the public URL like that.");
        notes.push((Cause::WrongUrl { found: url.clone() }, sentence));
    }
    // A timestamp that is not signed still has to be there and fresh when the credential asks for it.
    let is_format_settled = seen.effective_format() == check.format;
    let stamp = if seen.effective_format().uses_timestamp() || (is_format_settled && seen.include_timestamp) {
        seen.timestamp_header.as_deref()
    } else {
        None
    };
    notes.extend(stamp.and_then(|name| timestamp_note(name, request.headers, now)));
    notes
}

fn body_note(found: &HmacMatch) -> Option<Note> {
    let what = found.rewriting.describe();
    match found.rewriting {
        Rewriting::AsReceived => None,
        Rewriting::WithoutNewline | Rewriting::WithNewline => {
            let sentence = format!(
                "The signature is made over {what}. Hand over the exact bytes: a proxy, an editor or `curl -d @file` changed the end."
            );
            Some((Cause::TrailingNewline, sentence))
        }
        Rewriting::Compact | Rewriting::Unescaped | Rewriting::Spaced | Rewriting::Pretty => {
            let sentence = format!(
                "The signature is made over {what}. Something between the sender and the gateway parsed the body and wrote it again; it must pass the bytes on as they are."
            );
            Some((Cause::BodyReserialised, sentence))
        }
    }
}

fn recipe_notes(check: &HmacCheck, seen: &HmacRecipe) -> Vec<Note> {
    let own = &check.recipe;
    let mut notes = Vec::new();
    let format = seen.effective_format();
    if seen.signature_header != own.signature_header {
        notes.push(header_note("signature", &own.signature_header, &seen.signature_header));
    }
    if let Some(name) = seen.timestamp_header.as_deref().filter(|_| format.uses_timestamp())
        && own.timestamp_header.as_deref() != Some(name)
    {
        notes.push(header_note("timestamp", own.timestamp_header.as_deref().unwrap_or("none"), name));
    }
    if let Some(name) = seen.message_id_header.as_deref().filter(|_| format.uses_message_id())
        && own.message_id_header.as_deref() != Some(name)
    {
        notes.push(header_note("message id", own.message_id_header.as_deref().unwrap_or("none"), name));
    }
    notes.extend(prefix_note("signature", own.prefix.as_deref(), seen.prefix.as_deref()));
    if seen.encoding != own.encoding {
        let sentence = format!(
            "The signature is written in {}; the credential expects {}.",
            seen.encoding, own.encoding
        );
        notes.push((Cause::WrongEncoding { found: seen.encoding }, sentence));
    }
    if seen.algorithm != own.algorithm {
        let sentence = format!(
            "The signature is made with {}; the credential expects {}.",
            seen.algorithm, own.algorithm
        );
        notes.push((Cause::WrongAlgorithm { found: seen.algorithm }, sentence));
    }
    if format != check.format {
        let hint = if format.uses_timestamp() { "" } else { " and include_timestamp to false" };
        let sentence = format!(
            "What is signed is {format}; the credential expects {}. Set its payload_format{hint} accordingly.",
            check.format,
        );
        notes.push((Cause::WrongPayloadFormat { found: format }, sentence));
    }
    notes
}

fn header_note(what: &str, own: &str, seen: &str) -> Note {
    let sentence = format!("The {what} is in the header {seen}; the credential expects {own}.");
    (Cause::WrongHeader { found: seen.to_owned() }, sentence)
}

fn prefix_note(what: &str, own: Option<&str>, seen: Option<&str>) -> Option<Note> {
    let name = |prefix: Option<&str>| prefix.map_or("no prefix".to_owned(), |text| format!("{text:?}"));
    let (expected, found) = (name(own), name(seen));
    let sentence =
        format!("The {what} matches, but it comes with {found} where the credential expects {expected}.");
    (own != seen).then(|| (Cause::WrongPrefix { found: seen.map(str::to_owned) }, sentence))
}

fn secret_note(own: &HmacRecipe, treatment: Treatment) -> Option<Note> {
    let (cause, sentence) = match (own.secret_is_base64, treatment) {
        (false, Treatment::Raw) | (true, Treatment::Decoded) => return None,
        (false, Treatment::Decoded) => (
            Cause::SecretIsBase64 { should_decode: true },
            "The sender decodes the secret from base64 and uses the bytes as key. Set secret_is_base64 to true.",
        ),
        (true, Treatment::Raw) => (
            Cause::SecretIsBase64 { should_decode: false },
            "The sender uses the secret as text, without decoding it. Set secret_is_base64 to false.",
        ),
        (_, Treatment::Trimmed) => (
            Cause::SecretWhitespace,
            "The stored secret has white space around it that the sender does not have. Store it again without.",
        ),
    };
    Some((cause, sentence.to_owned()))
}

fn static_notes(own_header: &str, own_prefix: Option<&str>, found: &StaticMatch) -> Vec<Note> {
    let mut notes = Vec::new();
    if found.header != own_header {
        notes.push(header_note("secret", own_header, &found.header));
    }
    notes.extend(prefix_note("secret", own_prefix, found.prefix.as_deref()));
    if found.is_trimmed {
        notes.extend(secret_note(&HmacRecipe::default(), Treatment::Trimmed));
    }
    notes
}

fn plain_secret(credential: &Credential, found: &StaticMatch) -> Note {
    let kind = if found.prefix.is_some() { "bearer" } else { "secret_header" };
    let sentence = format!(
        "The request is not signed: the header {} holds the secret itself. Set the credential {:?} to the scheme {kind}, or the sender to HMAC.",
        found.header,
        credential.label(),
    );
    (Cause::WrongScheme { found: kind }, sentence)
}

/// Names the preset that a recipe is, if it is one.
fn preset_of(recipe: &HmacRecipe) -> Option<Preset> {
    let mut plain = recipe.clone();
    if !plain.payload_format.uses_message_id() {
        plain.message_id_header = None;
    }
    let scheme = Scheme::Hmac(plain);
    Preset::ALL.into_iter().find(|preset| preset.scheme() == scheme)
}

fn proof_note(header: &str, headers: &dyn Headers) -> Option<Note> {
    match headers.find(header) {
        Found::None => {
            let others: Vec<_> =
                SIGNATURE_HEADERS.into_iter().filter(|name| headers.find(name) != Found::None).collect();
            let hint = if others.is_empty() {
                "The request has no other header of the kind either: most likely the sender has no credential set.".to_owned()
            } else {
                format!("The request has {} instead, but that does not match the secret.", others.join(", "))
            };
            let cause = Cause::MissingSignatureHeader { header: header.to_owned() };
            Some((cause, format!("The header {header} is missing. {hint}")))
        }
        found => damage_note(header, found),
    }
}

fn timestamp_note(header: &str, headers: &dyn Headers, now: DateTime<Utc>) -> Option<Note> {
    let header_name = header.to_owned();
    let text = match headers.find(header) {
        Found::None => {
            let sentence = format!(
                "The header {header} is missing. If the sender sends no timestamp, set include_timestamp to false."
            );
            return Some((Cause::MissingTimestampHeader { header: header_name }, sentence));
        }
        Found::One(text) if !text.is_empty() && text.len() <= MAX_HEADER_BYTES => text,
        found => return damage_note(header, found),
    };
    let Some(instant) = timestamp::parse(text) else {
        let sentence = format!(
            "The header {header} is no timestamp: epoch seconds, milliseconds or microseconds, or ISO 8601 with an offset."
        );
        return Some((Cause::UnreadableTimestamp { header: header_name }, sentence));
    };
    if timestamp::is_fresh(instant, now) {
        return None;
    }
    let seconds = instant.signed_duration_since(now).num_seconds();
    let direction = if seconds < 0 { "behind" } else { "ahead of" };
    let sentence = format!(
        "The timestamp is {} s {direction} our clock; {} s are allowed. Set the clocks right, or send the request again instead of an old recording.",
        seconds.unsigned_abs(),
        timestamp::TOLERANCE.num_seconds(),
    );
    Some((Cause::ClockSkew { seconds }, sentence))
}

fn message_id_note(header: &str, check: &HmacCheck, headers: &dyn Headers) -> Option<Note> {
    match headers.find(header) {
        Found::None => {
            let cause = Cause::MissingMessageIdHeader { header: header.to_owned() };
            Some((cause, format!("The header {header} is missing, and the recipe signs it.")))
        }
        Found::One(id) if !id.iter().all(u8::is_ascii_graphic) || !check.format.is_unambiguous(id) => {
            let cause = Cause::MalformedHeader { header: header.to_owned() };
            let sentence = format!(
                "The message id in the header {header} holds white space or the separator that follows it, so what is signed would be ambiguous."
            );
            Some((cause, sentence))
        }
        found => damage_note(header, found),
    }
}

fn damage_note(header: &str, found: Found<'_>) -> Option<Note> {
    let name = header.to_owned();
    match found {
        Found::Many => {
            let sentence = format!(
                "The header {header} is there more than once; a proxy or a static header adds it again."
            );
            Some((Cause::RepeatedHeader { header: name }, sentence))
        }
        Found::One(value) if value.is_empty() || value.len() > MAX_HEADER_BYTES => {
            let sentence = format!("The header {header} is empty or longer than {MAX_HEADER_BYTES} bytes.");
            Some((Cause::MalformedHeader { header: name }, sentence))
        }
        Found::One(_) | Found::None => None,
    }
}
