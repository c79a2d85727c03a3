//! A certificate that is renewed while the gateway runs.

use std::fs::copy;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use server::TlsFiles;

use crate::support::{TestGateway, log};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// The certificate that a new connection is shown; it has to be one of the two.
fn shown(gateway: &TestGateway) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    for name in ["cert.pem", "next-cert.pem"] {
        roots.add(CertificateDer::from_pem_file(file(name)).unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("gateway.test").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    while client.is_handshaking() {
        client.complete_io(&mut stream).unwrap();
    }
    client.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
    let log = log();
    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    let put = |name: &str, to: &Path| copy(file(name), to).unwrap();
    put("cert.pem", &certificate);
    put("key.pem", &key);
    let mut reread = Arc::default();
    let gateway = TestGateway::start(|setup| {
        reread = Arc::clone(&setup.server.reread);
        setup.server.tls = Some(TlsFiles { certificate: certificate.clone(), key: key.clone() });
    });
    let [first, next] =
        ["cert.pem", "next-cert.pem"].map(|name| CertificateDer::from_pem_file(file(name)).unwrap());
    assert_eq!(shown(&gateway), first);

    // Half of a renewal: the key is still the old one.
    put("next-cert.pem", &certificate);
    let kept = || log.count(&["the certificate stays as it was"]);
    reread.notify_one();
    while kept() < 1 {
        std::thread::yield_now();
    }
    assert_eq!(shown(&gateway), first);
    put("next-key.pem", &key);
    reread.notify_one();
    while shown(&gateway) != next {}
    std::fs::write(&certificate, "no PEM").unwrap();
    reread.notify_one();
    while kept() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(shown(&gateway), next);
}
