//! A small HTTP client: it sends exactly what it is told to, also what no client would.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer that takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, sent on a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A `GET`.
    #[must_use]
    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A `POST` of these bytes.
    #[must_use]
    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new("POST", path) }
    }

    /// Adds a header; one that is there already is sent twice.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds headers.
    #[must_use]
    pub(crate) fn headers(mut self, headers: impl IntoIterator<Item = (String, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// Sends the request and reads the answer.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn send(&self, address: SocketAddr) -> Response {
        let mut bytes = self.head(&format!("content-length: {}\r\n", self.body.len()));
        bytes.extend_from_slice(&self.body);
        exchange(address, &bytes)
    }

    /// Sends the request and waits for nothing: dropping the connection is leaving.
    ///
    /// # Panics
    /// If nothing listens there.
    #[must_use]
    pub(crate) fn begin(&self, address: SocketAddr) -> TcpStream {
        let mut bytes = self.head(&format!("content-length: {}\r\n", self.body.len()));
        bytes.extend_from_slice(&self.body);
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&bytes).unwrap();
        stream
    }

    /// Sends the request with its body in chunks, so that its length is not told beforehand.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn send_in_chunks(&self, address: SocketAddr, chunk_bytes: usize) -> Response {
        let mut bytes = self.head("transfer-encoding: chunked\r\n");
        for chunk in self.body.chunks(chunk_bytes) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        exchange(address, &bytes)
    }

    /// Sends the request without its last byte, and waits for the answer all the same.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn send_stalled(&self, address: SocketAddr) -> Response {
        exchange(address, &self.stalled())
    }

    /// Sends the request without its last byte, and waits for nothing.
    ///
    /// # Panics
    /// If nothing listens there.
    #[must_use]
    pub(crate) fn begin_stalled(&self, address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        // A server that refuses the request by its head may not read on.
        let _ = stream.write_all(&self.stalled());
        stream
    }

    fn stalled(&self) -> Vec<u8> {
        let mut bytes = self.head(&format!("content-length: {}\r\n", self.body.len() + 1));
        bytes.extend_from_slice(&self.body);
        bytes
    }

    fn head(&self, framing: &str) -> Vec<u8> {
        let Self { method, path, .. } = self;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: gateway.test\r\nconnection: close\r\n{framing}");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// Sends bytes on a new connection and reads one answer.
///
/// # Panics
/// If no complete answer comes.
#[must_use]
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> Response {
    try_exchange(address, bytes).unwrap_or_else(|reason| panic!("no answer from {address}: {reason}"))
}

/// Like [`exchange`], with the failure as a sentence.
pub(crate) fn try_exchange(address: SocketAddr, bytes: &[u8]) -> Result<Response, String> {
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    // A server may answer and close before it has read everything: the answer counts, not the broken pipe.
    let written = stream.write_all(bytes);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = stream.shutdown(Shutdown::Both);
    Response::parse(&answer)
        .ok_or_else(|| format!("{} bytes of an answer (written: {written:?}, read: {read:?})", answer.len()))
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// The status.
    pub(crate) status: u16,
    /// The headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, rest) = bytes.split_at(end);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = rest.split_at(4).1.to_vec();
        let response = Self { status, headers, body };
        match response.header("content-length") {
            Some(length) if length.parse() != Ok(response.body.len()) => None,
            _ => Some(response),
        }
    }

    /// The value of a header.
    #[must_use]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: answer {} is no JSON: {:?}", self.status, self.text()))
    }

    /// The id that the gateway gave the request.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub(crate) fn request_id(&self) -> String {
        match self.header("x-request-id") {
            Some(id) if !id.is_empty() => id.to_owned(),
            _ => panic!("an answer without x-request-id: {self:?}"),
        }
    }

    /// The stable code of a refusal, whose form is checked.
    ///
    /// # Panics
    /// If the answer is no refusal in the gateway's form.
    #[must_use]
    pub(crate) fn refusal(&self) -> String {
        let body = self.json();
        assert!(self.status >= 400, "no refusal: {} {body}", self.status);
        assert_eq!(self.header("content-type"), Some("application/json"), "{body}");
        assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
        assert_eq!(body["request_id"].as_str(), Some(self.request_id().as_str()), "{body}");
        body["code"].as_str().unwrap_or_else(|| panic!("a refusal without a code: {body}")).to_owned()
    }
}
