//! A webhook receiver in one file: the resolver behind a plain TCP socket, without a web framework or a database.
//!
//! Run it with `cargo run -p org-resolver --example embed`, and post a signed message to the address it prints.

use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use org_resolver::memory::MemoryDirectory;
use org_resolver::{
    Admission, CacheConfig, CachedKeys, CachedLookup, ChainConfig, Gate, GatePolicy, IdentifierKind,
    OrgHints, OrgId, Resolution, ResolverChain,
};
use signature::{Credential, CredentialId, KeyRing, Preset, SecretKey, SignedRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vapi_types::Envelope;

/// Larger requests are cut off; a real receiver takes its web framework's limits.
const MAX_REQUEST_BYTES: usize = 1 << 20;

#[expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let org: OrgId = "46cf2995-2bee-44e3-838b-24151486fe4e".parse()?;
    let directory = Arc::new(MemoryDirectory::new());
    let id = CredentialId::new(org.as_uuid());
    let secret = SecretKey::new("northgate-secret")?;
    let credential = Credential::new(id, "demo", Preset::XVapiSignature.scheme(), secret, None, None)?;
    directory.put_organization(org, vec![credential]);
    directory.map(IdentifierKind::AssistantId, "asst_sarah", org)?;

    let cache = CacheConfig::default();
    let lookup = Arc::new(CachedLookup::new(Arc::clone(&directory), cache));
    let keys = Arc::new(CachedKeys::new(directory, cache));
    let chain = ResolverChain::new(lookup, ChainConfig::default());
    let gate = Gate::new(keys, KeyRing::new(Vec::new()), GatePolicy::default());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("post signed messages to http://{}/", listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept().await?;
        let answer = match receive(&mut stream).await {
            Ok((headers, body)) => decide(&chain, &gate, &headers, &body, now()).await,
            Err(_) => "400 Bad Request",
        };
        println!("{answer}");
        stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
    }
}

/// The whole use of the resolver: hints, claim, proof.
async fn decide(
    chain: &ResolverChain,
    gate: &Gate,
    headers: &Vec<(String, String)>,
    body: &[u8],
    now: DateTime<Utc>,
) -> &'static str {
    let Ok(envelope) = Envelope::parse(body) else { return "400 Bad Request" };
    let hints = OrgHints::from_envelope(&envelope);
    let request = SignedRequest { method: "POST", url: None, headers, body };
    let claim = match chain.resolve(&hints, now).await {
        Ok(Resolution::Claimed(claim)) => claim,
        Ok(Resolution::Unresolved(_)) => return "400 Bad Request",
        Err(_) => return "503 Service Unavailable",
    };
    match gate.admit(*claim, &request, now).await {
        Ok(Admission::Admitted(_)) => "200 OK",
        Ok(Admission::Refused(_)) => "409 Conflict",
        Err(_) => "401 Unauthorized",
    }
}

/// Reads one request: its headers, and as many bytes of body as they announce.
async fn receive(stream: &mut TcpStream) -> io::Result<(Vec<(String, String)>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > MAX_REQUEST_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..head_end).unwrap_or_default()).into_owned();
    let headers: Vec<(String, String)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .filter(|length| *length <= MAX_REQUEST_BYTES)
        .ok_or(io::ErrorKind::InvalidData)?;
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    body.truncate(length);
    Ok((headers, body))
}

#[expect(clippy::disallowed_methods, reason = "a program is where the clock comes from")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
