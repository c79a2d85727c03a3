//! The organizations, in memory, and their keys.

use std::collections::HashMap;
use std::fs;

use actix_web::http::header::HeaderMap;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

/// One organization.
pub(crate) struct Organization {
    pub(crate) id: String,
    mac: Hmac<Sha256>,
}

/// Whose assistant it is.
pub(crate) struct Directory {
    by_assistant: HashMap<String, Organization>,
    sealer: XChaCha20Poly1305,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    assistant: String,
    secret: String,
}

impl Directory {
    /// Reads the list of organizations.
    ///
    /// # Errors
    /// If it cannot be read, or the key is none.
    pub(crate) fn read(file: &str, master_key: &str) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("cannot read {file}"))?;
        let entries: Vec<Entry> = serde_json::from_slice(&text)?;
        let mut by_assistant = HashMap::new();
        for Entry { id, assistant, secret } in entries {
            let mac = Hmac::new_from_slice(secret.as_bytes()).context("no key")?;
            by_assistant.insert(assistant, Organization { id, mac });
        }
        let key = STANDARD.decode(master_key).context("MASTER_KEY is not base64")?;
        let sealer = XChaCha20Poly1305::new_from_slice(&key).context("MASTER_KEY has not 32 bytes")?;
        Ok(Self { by_assistant, sealer })
    }

    /// Finds the organization and checks that it signed the body.
    pub(crate) fn verify(&self, assistant: &str, headers: &HeaderMap, body: &[u8]) -> Option<&Organization> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let organization = self.by_assistant.get(assistant)?;
        let timestamp = header("x-vapi-timestamp")?;
        let seconds: i64 = timestamp.parse().ok()?;
        if chrono::Utc::now().timestamp().abs_diff(seconds) > 300 {
            return None;
        }
        let signature = hex::decode(header("x-vapi-signature")?).ok()?;
        let mac = organization.mac.clone().chain_update(timestamp).chain_update(b".").chain_update(body);
        mac.verify_slice(&signature).ok()?;
        Some(organization)
    }

    /// Seals what may not lie open in a database.
    pub(crate) fn seal(&self, text: &str) -> Option<Vec<u8>> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).ok()?;
        let sealed = self.sealer.encrypt(&XNonce::from(nonce), text.as_bytes()).ok()?;
        Some([&nonce[..], &sealed].concat())
    }
}
