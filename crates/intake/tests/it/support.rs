//! An intake over a fresh SQLite store with two organizations, at an instant that stands still.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use intake::{Answer, Clock, Intake, IntakeOptions, Origin, Refusal, Request};
use storage::{DatabaseUrl, MasterKey, Sealer, Storage, StorageConfig};
use tempfile::TempDir;
use test_support::sign_x_vapi;

/// 2026-03-02 15:00:00 UTC.
const NOW_S: i64 = 1_772_463_600;
pub(crate) const NORTHGATE: &str = "46cf2995-2bee-44e3-838b-24151486fe4e";
const ORGANIZATIONS: &str = r#"
[[organizations]]
id = "46cf2995-2bee-44e3-838b-24151486fe4e"
slug = "northgate-dental"
name = "Northgate Dental"
timezone = "America/New_York"
region = "US"
assistants = [{ id = "assistant-a", name = "Sarah", role = "inbound" }]
credentials = [{ label = "own", preset = "x-vapi-signature", secret = "secret-a" }]
limits = { call_events = 3 }

[[organizations]]
slug = "clinica-sol"
name = "Clinica Sol"
timezone = "Europe/Madrid"
region = "ES"
primary_language = "es"
active = false
assistants = [{ id = "assistant-b", name = "Marta", role = "inbound" }]
credentials = [{ label = "own", preset = "x-vapi-signature", secret = "secret-b" }]
"#;

/// Time that moves when it is told to.
#[derive(Debug, Default)]
struct StillClock {
    elapsed_ms: AtomicU64,
}

impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(NOW_S, 0).unwrap() + TimeDelta::from_std(self.elapsed()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::SeqCst))
    }
}

pub(crate) struct Fixture {
    pub(crate) intake: Arc<Intake>,
    clock: Arc<StillClock>,
    _directory: TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An intake with other options than the default.
    pub(crate) async fn with(change: impl FnOnce(&mut IntakeOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("gateway.db").display());
        let config = StorageConfig::new(url.parse::<DatabaseUrl>().unwrap());
        Storage::migrate(&config).await.unwrap();
        let key = MasterKey::load_or_create(&directory.path().join("master.key")).unwrap();
        let storage = Storage::connect(config, Sealer::new(key)).await.unwrap();
        declare(&storage).await;
        let mut options = IntakeOptions::default();
        change(&mut options);
        let clock = Arc::new(StillClock::default());
        let intake = Arc::new(Intake::new(storage, options, Arc::<StillClock>::clone(&clock)));
        Self { intake, clock, _directory: directory }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.elapsed_ms.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Sends a body to the webhook, signed with a secret.
    pub(crate) async fn signed(&self, secret: &str, body: &str) -> Answer {
        let headers = sign_x_vapi(secret, self.clock.now().timestamp(), body.as_bytes());
        self.send(None, &headers, body).await
    }

    /// Sends a body to the webhook, or to the tool's own route.
    pub(crate) async fn send(&self, tool: Option<&str>, headers: &[(String, String)], body: &str) -> Answer {
        let origin = Origin { address: here(), is_https: true };
        let request =
            Request { request_id: "r1", origin, method: "POST", path: "/", headers: &headers, tool };
        self.intake.receive(&request, async { Ok(body) }).await
    }

    /// Sends a request whose body comes to this.
    pub(crate) async fn body(
        &self,
        is_https: bool,
        body: impl Future<Output = Result<Vec<u8>, Refusal>>,
    ) -> Answer {
        let headers: [(&str, &str); 0] = [];
        let origin = Origin { address: here(), is_https };
        let request =
            Request { request_id: "r1", origin, method: "POST", path: "/", headers: &headers, tool: None };
        self.intake.receive(&request, body).await
    }
}

async fn declare(storage: &Storage) {
    let no_variables = |_: &str| None;
    let source = manifest::Source::new(&no_variables, ".");
    let wanted = manifest::Manifest::from_toml(ORGANIZATIONS, &source).unwrap().organizations;
    let mut scope = storage.operator("tests", "a test needs organizations").await.unwrap();
    let stored = scope.organizations().await.unwrap();
    let plan = manifest::plan(&stored, &wanted, false).unwrap();
    operations::apply(&mut scope, &plan).await.unwrap();
    scope.commit().await.unwrap();
}

/// Where every message of these tests comes from.
pub(crate) fn here() -> IpAddr {
    [203, 0, 113, 9].into()
}

/// A call event of an assistant's call.
pub(crate) fn event(assistant: &str, call: &str) -> String {
    format!(r#"{{"type":"call.started","call":{{"id":"{call}","assistantId":"{assistant}"}}}}"#)
}
