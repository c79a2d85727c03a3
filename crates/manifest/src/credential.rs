//! Credentials: which recipe, which secret, which time.

use std::collections::HashSet;
use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use signature::{
    Credential, CredentialError, CredentialId, HmacRecipe, MAX_ACTIVE, Preset, Scheme, SecretKey,
};
use tenant::CredentialSpec;
use uuid::Uuid;

use crate::checker::Checker;
use crate::file::{FileCredential, Moment};

/// A secret of fewer characters is refused.
const MIN_SECRET: usize = 8;
/// A secret of fewer characters is warned of.
const LONG_SECRET: usize = 16;

impl Checker<'_> {
    pub(crate) fn credentials(&mut self, credentials: Vec<FileCredential>) -> Vec<CredentialSpec> {
        let mut labels = HashSet::new();
        let mut checked = Vec::new();
        for (index, credential) in credentials.into_iter().enumerate() {
            let place = format!("credentials[{index}]");
            let label = self.text(&format!("{place}.label"), &credential.label);
            if !labels.insert(label.clone()) {
                self.problem(format!("{place}.label"), format_args!("{label:?} is given twice"));
            }
            let not_before = self.instant(&format!("{place}.not_before"), credential.not_before.as_ref());
            let not_after = self.instant(&format!("{place}.not_after"), credential.not_after.as_ref());
            let secret = self.secret(&place, &credential);
            let scheme = self.scheme(&place, credential);
            if let (Some(from), Some(until)) = (not_before, not_after)
                && until <= from
            {
                self.problem(format!("{place}.not_after"), "it is not later than not_before");
            }
            let Some(scheme) = scheme else { continue };
            if let Some(error) = secret.as_ref().and_then(|secret| misfit(&scheme, secret)) {
                self.problem(format!("{place}.secret"), error);
            }
            checked.push(CredentialSpec { label, scheme, secret, not_before, not_after });
        }
        self.at_most_active(&checked);
        checked
    }

    fn secret(&mut self, place: &str, credential: &FileCredential) -> Option<SecretKey> {
        let (field, text) = match (&credential.secret, &credential.secret_env) {
            (None, None) => return None,
            (Some(_), Some(_)) => {
                self.problem(place, "it has both secret and secret_env");
                return None;
            }
            (Some(secret), None) => (format!("{place}.secret"), secret.0.clone()),
            (None, Some(name)) => {
                let field = format!("{place}.secret_env");
                let value = (self.source.vars)(name);
                let value = value.ok_or_else(|| format!("the variable {name} is not set"));
                let value = self.noted(&field, value)?;
                (field, value)
            }
        };
        let text = text.trim();
        match text.chars().count() {
            0 => {}
            length if length < MIN_SECRET => {
                self.problem(&field, format_args!("it has fewer than {MIN_SECRET} characters"));
                return None;
            }
            length if length < LONG_SECRET => {
                self.warning(
                    &field,
                    format_args!("it has fewer than {LONG_SECRET} characters, and may be guessed"),
                );
            }
            _ => {}
        }
        self.noted(&field, SecretKey::new(text))
    }

    fn scheme(&mut self, place: &str, mut credential: FileCredential) -> Option<Scheme> {
        let scheme = match (credential.preset.take(), credential.scheme.take()) {
            (Some(preset), None) => {
                let field = format!("{place}.preset");
                self.unused(place, &credential, &format!("the preset {preset}"));
                self.named::<Preset>(&field, &preset)?.scheme()
            }
            (None, Some(scheme)) => {
                let built = match scheme.as_str() {
                    "hmac" => self.hmac(place, &mut credential)?,
                    "bearer" => bearer(&mut credential),
                    "secret_header" => Scheme::SecretHeader {
                        header: credential.header.take().unwrap_or_else(|| "x-vapi-secret".to_owned()),
                    },
                    other => {
                        let reason = format!("{other:?} is none of hmac, bearer and secret_header");
                        self.problem(format!("{place}.scheme"), reason);
                        return None;
                    }
                };
                self.unused(place, &credential, &format!("the scheme {scheme}"));
                built
            }
            _ => {
                self.problem(place, "it needs either a preset or a scheme");
                return None;
            }
        };
        self.noted(place, scheme.validated())
    }

    fn hmac(&mut self, place: &str, credential: &mut FileCredential) -> Option<Scheme> {
        let default = HmacRecipe::default();
        let include_timestamp = credential.include_timestamp.take().unwrap_or(default.include_timestamp);
        let timestamp_header = credential.timestamp_header.take();
        let algorithm = self.optional(place, "algorithm", credential.algorithm.take(), default.algorithm);
        let encoding = self.optional(place, "encoding", credential.encoding.take(), default.encoding);
        let format =
            self.optional(place, "payload_format", credential.payload_format.take(), default.payload_format);
        Some(Scheme::Hmac(HmacRecipe {
            algorithm: algorithm?,
            encoding: encoding?,
            payload_format: format?,
            signature_header: credential.signature_header.take().unwrap_or(default.signature_header),
            timestamp_header: timestamp_header.or(default.timestamp_header.filter(|_| include_timestamp)),
            message_id_header: credential.message_id_header.take(),
            prefix: credential.prefix.take(),
            secret_is_base64: credential.secret_is_base64.take().unwrap_or(default.secret_is_base64),
            include_timestamp,
        }))
    }

    fn optional<T>(&mut self, place: &str, name: &str, text: Option<String>, default: T) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        text.map_or(Some(default), |text| self.named(&format!("{place}.{name}"), &text))
    }

    /// Notes every part of a recipe that nothing has taken.
    fn unused(&mut self, place: &str, credential: &FileCredential, what: &str) {
        macro_rules! left {
            ($($name:ident),*) => { [$((stringify!($name), credential.$name.is_some())),*] };
        }
        let recipe =
            left!(algorithm, signature_header, timestamp_header, message_id_header, prefix, encoding);
        let others = left!(secret_is_base64, include_timestamp, payload_format, header);
        for (name, _) in recipe.into_iter().chain(others).filter(|(_, is_left)| *is_left) {
            self.problem(format!("{place}.{name}"), format_args!("it does not go with {what}"));
        }
    }

    fn instant(&mut self, field: &str, moment: Option<&Moment>) -> Option<DateTime<Utc>> {
        let Moment(text) = moment?;
        // The parser's own text says less than an example does.
        let instant = DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.to_utc());
        self.noted(
            field,
            instant.ok_or_else(|| format!("{text:?} is not an instant such as 2027-01-31T00:00:00Z")),
        )
    }

    /// Notes when more credentials overlap than may count at one time.
    fn at_most_active(&mut self, credentials: &[CredentialSpec]) {
        // The number only rises where a credential begins, so those instants are all that need a count.
        let beginnings = credentials.iter().map(|credential| credential.not_before);
        let most = beginnings
            .map(|at| {
                credentials
                    .iter()
                    .filter(|other| {
                        other.not_before <= at && other.not_after.is_none_or(|until| Some(until) > at)
                    })
                    .count()
            })
            .max()
            .unwrap_or(0);
        if most > MAX_ACTIVE {
            let reason = format!("{most} of them count at one time, and at most {MAX_ACTIVE} may");
            self.problem("credentials", reason);
        }
    }
}

/// Why a scheme cannot take a secret, such as one that should be base64 and is not.
pub(crate) fn misfit(scheme: &Scheme, secret: &SecretKey) -> Option<CredentialError> {
    let id = CredentialId::new(Uuid::nil());
    Credential::new(id, "", scheme.clone(), secret.clone(), None, None).err()
}

/// The prefix is meant as a word: "Bearer" is "Bearer " on the wire, and an empty one is none.
fn bearer(credential: &mut FileCredential) -> Scheme {
    let Scheme::Bearer { header, prefix } = Scheme::bearer() else { return Scheme::bearer() };
    let prefix = match credential.prefix.take() {
        Some(word) if word.ends_with(|c: char| c.is_ascii_alphanumeric()) => Some(format!("{word} ")),
        Some(text) => Some(text),
        None => prefix,
    };
    Scheme::Bearer { header: credential.header.take().unwrap_or(header), prefix }
}
