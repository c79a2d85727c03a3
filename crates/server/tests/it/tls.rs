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

fn gateway() -> TestGateway {
    TestGateway::start(|setup| {
        setup.server.tls = Some(TlsFiles { certificate: file("cert.pem"), key: file("key.pem") });
    })
}

/// A connection whose client offers these protocols.
fn connect(gateway: &TestGateway, protocols: &[&str]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("cert.pem")).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("gateway.test").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(client, TcpStream::connect(gateway.address).unwrap())
}

#[test]
fn tls_is_served_without_a_proxy() {
    let gateway = gateway();
    let mut stream = connect(&gateway, &[]);
    stream.write_all(&request("POST", "/api/webhooks/vapi", &[("connection", "close")], Some(2))).unwrap();
    stream.write_all(b"{}").unwrap();
    let mut answer = String::new();
    // The end of the answer is what matters, not how the connection ends.
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("\"code\":\"unresolved_organization\""), "{answer}");
}

/// HTTP/2 would let one connection hold as many streams and headers as it likes.
#[test]
fn http_2_is_not_spoken() {
    let gateway = gateway();
    let mut stream = connect(&gateway, &["h2", "http/1.1"]);
    stream.write_all(&request("GET", "/health/live", &[("connection", "close")], None)).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));

    let mut only = connect(&gateway, &["h2"]);
    assert!(only.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_err());
    let plain = TestGateway::new();
    let mut plain = plain.connect();
    plain.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(plain.answer().status, 400);
}
