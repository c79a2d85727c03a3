//! The organizations of a run: the file that makes them, and the secret that each signs with.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use super::dice::Dice;

/// How many organizations share a run: enough that a row of the wrong one would show.
const ORGANIZATIONS: usize = 4;

/// One organization.
#[derive(Clone, Debug)]
pub(crate) struct Organization {
    pub(crate) id: Uuid,
    pub(crate) assistant: Uuid,
    secret: String,
}

impl Organization {
    /// Makes one up.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        Self { id: dice.uuid(), assistant: dice.uuid(), secret: dice.uuid().simple().to_string() }
    }

    /// Signs a body as the provider does by default: hex HMAC-SHA256 of `{timestamp}.{body}`.
    pub(crate) fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        // Every length of key is taken, so there is nothing to fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()) else {
            return String::new();
        };
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }
}

/// Makes up the organizations of a run.
pub(crate) fn organizations(dice: &Dice) -> Vec<Organization> {
    let mut dice = dice.fork(1);
    (0..ORGANIZATIONS).map(|_| Organization::new(&mut dice)).collect()
}

/// Writes the file that `apply` reads.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(organizations: &[Organization], directory: &Path) -> Result<PathBuf> {
    let mut text = String::new();
    for (number, organization) in organizations.iter().enumerate() {
        let Organization { id, assistant, secret } = organization;
        // Open around the clock, in a zone without clock changes: every booking of the plan can be placed.
        write!(
            text,
            "[[organizations]]\nid = \"{id}\"\nslug = \"crash-{number}\"\nname = \"Crash {number}\"\n\
             timezone = \"UTC\"\nregion = \"US\"\nprimary_language = \"en\"\n\
             assistants = [{{ id = \"{assistant}\", name = \"Sarah\", role = \"inbound\" }}]\n\
             credentials = [{{ label = \"own\", preset = \"vapi-hmac\", secret = \"{secret}\" }}]\n\n"
        )?;
    }
    let path = directory.join("organizations.toml");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_openssl_computes() {
        let organization =
            Organization { id: Uuid::nil(), assistant: Uuid::nil(), secret: "secret".to_owned() };
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            organization.sign("1700000000", br#"{"a":1}"#),
            "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
        );
    }
}
