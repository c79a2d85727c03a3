//! TLS without a proxy in front.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use server::TlsFiles;

use crate::support::{TestGateway, request};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

#[test]
fn tls_is_served_without_a_proxy() {
    let gateway = TestGateway::start(|setup| {
        setup.server.tls = Some(TlsFiles { certificate: file("cert.pem"), key: file("key.pem") });
    });
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("cert.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("gateway.test").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(gateway.address).unwrap());
    stream.write_all(&request("POST", "/api/webhooks/vapi", &[("connection", "close")], Some(2))).unwrap();
    stream.write_all(b"{}").unwrap();
    let mut answer = String::new();
    // The end of the answer is what matters, not how the connection ends.
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("\"code\":\"unresolved_organization\""), "{answer}");
}
