//! A gateway on a free port, and a client that sends exactly the bytes it is given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use intake::{Intake, IntakeOptions};
use server::{Clock, Gateway, ServerOptions};
use signature::{Credential, CredentialId, KeyRing, Preset, SecretKey};
use storage::{MasterKey, Sealer, Storage, StorageConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Time as the tests have it: it stands still until told otherwise.
#[derive(Debug, Default)]
pub(crate) struct StillClock {
    elapsed_ms: AtomicU64,
}

/// 2026-03-02 15:00:00 UTC.
pub(crate) const NOW_S: i64 = 1_772_463_600;

impl StillClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.elapsed_ms.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.elapsed()).unwrap();
        DateTime::from_timestamp(NOW_S, 0).unwrap() + elapsed
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::SeqCst))
    }
}

/// A running gateway; it stops when dropped.
pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<StillClock>,
    store: StorageConfig,
    key: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _directory: TempDir,
}

/// How a gateway of a test differs from the default.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) intake: IntakeOptions,
    pub(crate) server: ServerOptions,
}

impl TestGateway {
    /// Starts a gateway without organizations.
    pub(crate) fn new() -> Self {
        Self::start(|_| {})
    }

    /// Starts a gateway without organizations, with other options than the default.
    pub(crate) fn start(change: impl FnOnce(&mut Setup)) -> Self {
        Self::with_organizations("organizations = []", change)
    }

    /// Starts a gateway over a store with these organizations.
    pub(crate) fn with_organizations(organizations: &str, change: impl FnOnce(&mut Setup)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", directory.path().join("gateway.db").display());
        let store = StorageConfig::new(database.parse().unwrap());
        let mut setup = Setup::default();
        setup.server.workers = Some(1);
        change(&mut setup);
        let key = directory.path().join("master.key");
        let clock = Arc::new(StillClock::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn({
            let clock = Arc::clone(&clock);
            let organizations = organizations.to_owned();
            let (store, key) = (store.clone(), key.clone());
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async move {
                    let storage = open(&store, &key).await;
                    declare(&storage, &organizations).await;
                    let intake = Intake::new(storage.clone(), setup.intake, Arc::<StillClock>::clone(&clock));
                    let gateway = Gateway::new(intake, storage, setup.server, clock);
                    ready.send(()).unwrap();
                    let shutdown = async { stopped.await.unwrap_or_default() };
                    gateway.run(listener, shutdown).await.unwrap();
                });
            }
        });
        is_ready.recv().expect("the gateway starts");
        Self { address, clock, store, key, stop: Some(stop), thread: Some(thread), _directory: directory }
    }

    /// Declares organizations from outside, as another process does.
    pub(crate) fn apply(&self, organizations: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { declare(&open(&self.store, &self.key).await, organizations).await });
    }

    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Connection { stream, received: Vec::new() }
    }

    /// Posts a body with headers on a connection of its own.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut connection = self.connect();
        connection.send(&request("POST", path, headers, Some(body.len())));
        connection.send(body);
        connection.answer()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path)
    }

    pub(crate) fn send(&self, method: &str, path: &str) -> Answer {
        let mut connection = self.connect();
        connection.send(&request(method, path, &[], None));
        if method == "HEAD" { connection.head() } else { connection.answer() }
    }

    /// Tells the gateway to stop, and leaves it to its work.
    pub(crate) fn tell_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the gateway ends without a panic");
        }
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.tell_to_stop();
        if !std::thread::panicking() {
            self.wait();
        }
    }
}

/// The deployment's secret under both recipes that need no more than it.
pub(crate) fn shared_keys(secret: &str) -> KeyRing {
    let credentials = [Preset::XVapiSignature, Preset::XVapiSecret].map(|preset| {
        let (id, key) = (CredentialId::new(uuid::Uuid::nil()), SecretKey::new(secret).unwrap());
        Credential::new(id, "shared", preset.scheme(), key, None, None).unwrap()
    });
    KeyRing::new(credentials.into())
}

async fn open(store: &StorageConfig, key: &Path) -> Storage {
    Storage::migrate(store).await.unwrap();
    Storage::connect(store.clone(), Sealer::new(MasterKey::load_or_create(key).unwrap())).await.unwrap()
}

async fn declare(storage: &Storage, organizations: &str) {
    let no_variables = |_: &str| None;
    let source = manifest::Source::new(&no_variables, ".");
    let wanted = manifest::Manifest::from_toml(organizations, &source).unwrap().organizations;
    let mut scope = storage.operator("tests", "a test needs organizations").await.unwrap();
    let stored = scope.organizations().await.unwrap();
    let plan = manifest::plan(&stored, &wanted, false).unwrap();
    operations::apply(&mut scope, &plan).await.unwrap();
    scope.commit().await.unwrap();
}

/// The head of a request. Without a length there is no body, unless a header says otherwise.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], length: Option<usize>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: gateway.test\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        text.push_str(&format!("content-length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Sends bytes; a gateway that has answered already need not take them.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.received.len() < length {
            assert!(self.more(), "the connection ended within a body");
        }
        answer.body = self.received.drain(..length).collect();
        answer
    }

    /// The head alone, as an answer to HEAD is.
    pub(crate) fn head(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            assert!(self.more(), "the connection ended before an answer");
        };
        let head = String::from_utf8(self.received.drain(..end + 4).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Answer { status, headers, body: Vec::new() }
    }

    /// True when the other side closes without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.received.is_empty() && !self.more()
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).unwrap_or(0);
        self.received.extend_from_slice(&buffer[..read]);
        read > 0
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks status, code and the name of the request, and gives the body.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> serde_json::Value {
        let json = self.json();
        assert_eq!((self.status, json["code"].as_str()), (status, Some(code)), "{json}");
        let id = json["request_id"].as_str().unwrap();
        assert_eq!(self.header("x-request-id"), Some(id));
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(json["error"].as_str().is_some_and(|error| !error.is_empty()));
        json
    }
}

/// Everything that any gateway of this program logged, in JSON.
pub(crate) fn log() -> Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let sink = log.clone();
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || sink.clone())
            .init();
        log
    })
    .clone()
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The lines that name a request.
    pub(crate) fn lines_of(&self, request_id: &str) -> Vec<String> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| line.contains(request_id)).map(str::to_owned).collect()
    }

    /// How many lines hold all of these words.
    pub(crate) fn count(&self, words: &[&str]) -> usize {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
