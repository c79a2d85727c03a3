//! TLS to PostgreSQL, as the URL asks for it.
//!
//! `sslmode=require`, `verify-ca` and `verify-full` all encrypt and verify the server's certificate and name. The first
//! two are stricter here than in libpq, because an encrypted connection to nobody in particular protects nothing.
//! Without `sslmode`, and for `disable`, `allow` and `prefer`, the connection is in the clear.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::StorageError;

/// A URL's wishes about TLS, and the URL without them: the driver knows neither all modes nor a file of roots.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) url: String,
    pub(super) is_encrypted: bool,
    /// A PEM file with the certificates to trust, instead of the public authorities.
    roots: Option<String>,
}

impl Wishes {
    pub(super) fn read(url: &str) -> Result<Self, StorageError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut is_encrypted, mut roots, mut rest) = (false, None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => is_encrypted = encrypts(mode)?,
                Some(("sslrootcert", path)) => roots = Some(path.replace("%2F", "/").replace("%2f", "/")),
                _ => rest.push(parameter),
            }
        }
        let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        Ok(Self { url, is_encrypted, roots })
    }

    /// The maker of connections, where they are to be encrypted.
    pub(super) fn connector(&self) -> Result<Option<MakeRustlsConnect>, StorageError> {
        if !self.is_encrypted {
            return Ok(None);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| StorageError::Configuration(format!("TLS cannot be used: {error}")))?
            .with_root_certificates(self.trusted()?)
            .with_no_client_auth();
        Ok(Some(MakeRustlsConnect::new(config)))
    }

    fn trusted(&self) -> Result<RootCertStore, StorageError> {
        let Some(path) = &self.roots else {
            return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
        };
        let refused = |error: &dyn std::fmt::Display| {
            StorageError::Configuration(format!("sslrootcert {path} cannot be used: {error}"))
        };
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refused(&error))? {
            let certificate = certificate.map_err(|error| refused(&error))?;
            store.add(certificate).map_err(|error| refused(&error))?;
        }
        if store.is_empty() { Err(refused(&"it holds no certificate")) } else { Ok(store) }
    }
}

fn encrypts(mode: &str) -> Result<bool, StorageError> {
    match mode {
        "require" | "verify-ca" | "verify-full" => Ok(true),
        "disable" | "allow" | "prefer" => Ok(false),
        _ => Err(StorageError::Configuration(format!("sslmode={mode} is not known"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_taken_out_of_the_url() {
        let read = |url| Wishes::read(url).unwrap();
        let plain = read("postgres://u:p@h/d");
        assert_eq!((plain.url.as_str(), plain.is_encrypted), ("postgres://u:p@h/d", false));
        let strict =
            read("postgres://u@h/d?connect_timeout=3&sslmode=verify-full&sslrootcert=%2Fca.pem&options=x");
        assert_eq!(strict.url, "postgres://u@h/d?connect_timeout=3&options=x");
        assert_eq!((strict.is_encrypted, strict.roots.as_deref()), (true, Some("/ca.pem")));
        assert!(read("postgres://h/d?sslmode=require").is_encrypted);
        assert!(!read("postgres://h/d?sslmode=prefer").is_encrypted);
        assert!(Wishes::read("postgres://h/d?sslmode=verify-ful").is_err());
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let wishes = Wishes::read("postgres://h/d?sslmode=require&sslrootcert=/nowhere/ca.pem").unwrap();
        assert!(wishes.connector().is_err());
        assert!(Wishes::read("postgres://h/d?sslmode=require").unwrap().connector().unwrap().is_some());
    }
}
