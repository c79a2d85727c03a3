//! TLS without a proxy in front: the certificate and its key, read at the start and whenever the program is told to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use intake::error_chain;
use rustls::ServerConfig as TlsConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::options::TlsFiles;

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds no PEM of the right kind.
    #[error("{} cannot be read as PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: pem::Error,
    },
    /// The certificate and the key do not go together.
    #[error("the certificate and the key cannot be used")]
    Unusable(#[from] rustls::Error),
}

/// The certificate that new connections are shown.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    shown: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the certificate and its key.
    pub(crate) fn read(files: TlsFiles) -> Result<Self, TlsError> {
        let shown = RwLock::new(Arc::new(certified_key(&files)?));
        Ok(Self { files, shown })
    }

    /// Reads the files anew. What was read before stays where they cannot be used.
    pub(crate) fn read_again(&self) {
        match certified_key(&self.files) {
            Ok(read) => {
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::error!(error = error_chain(&error), "the certificate stays as it was"),
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The certificate in the form that the listener takes.
pub(crate) fn server_config(certificate: Arc<Certificate>) -> Result<TlsConfig, TlsError> {
    let tls = TlsConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    Ok(tls)
}

fn certified_key(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let TlsFiles { certificate, key } = files;
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(at(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(at(key))?;
    Ok(CertifiedKey::from_der(chain, key, &default_provider())?)
}

fn at(path: &Path) -> impl FnOnce(pem::Error) -> TlsError {
    move |cause| TlsError::Pem { path: path.to_owned(), cause }
}
