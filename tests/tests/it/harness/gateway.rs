//! The running gateway.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use test_support::{Headers, sign_x_vapi};

use super::clock::unix_seconds;
use super::deployment::Deployment;
use super::http::{Request, Response, try_exchange};
use super::log::Log;
use super::organization::Organization;
use super::port::Port;
use super::wait::eventually;

/// The webhook of all organizations.
pub(crate) const WEBHOOK: &str = "/api/webhooks/vapi";
/// The same under its other spelling.
pub(crate) const WEBHOOK_TOO: &str = "/api/vapi/webhook";
/// The tools' routes, without the tool's name.
pub(crate) const TOOLS: &str = "/api/vapi/tools/";

/// Start and stop are waited for, never timed; this ends a hopeless wait.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway in a process of its own, killed when dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    child: Child,
    address: SocketAddr,
    log: Log,
    _port: Port,
}

/// How a gateway ended.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// Everything that it wrote.
    pub(crate) log: String,
}

impl Gateway {
    pub(crate) fn launch(deployment: &Deployment) -> Self {
        let port = Port::claim();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number));
        let (child, log) = deployment.serve(port.number);
        Self { child, address, log, _port: port }
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub(crate) fn wait_until_ready(&mut self) {
        eventually("the gateway is ready", PATIENCE, || self.is_ready().then_some(()));
    }

    fn is_ready(&mut self) -> bool {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the gateway ended by itself: {status}");
        }
        let ask = b"GET /health/ready HTTP/1.1\r\nhost: gateway.test\r\nconnection: close\r\n\r\n";
        try_exchange(self.address, ask).is_ok_and(|answer| answer.status == 200)
    }

    /// Where it listens.
    #[must_use]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its output.
    #[must_use]
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Sends a request.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn request(&self, request: &Request) -> Response {
        request.send(self.address)
    }

    /// Gets a path.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn get(&self, path: &str) -> Response {
        self.request(&Request::get(path))
    }

    /// Sends bytes with headers to a path.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn post(&self, path: &str, headers: Headers, body: impl Into<Vec<u8>>) -> Response {
        let request = Request::post(path, body).header("content-type", "application/json").headers(headers);
        self.request(&request)
    }

    /// Sends a message to the webhook, signed now with a secret by the `x-vapi-signature` recipe.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn send_with(&self, secret: &str, message: &Value) -> Response {
        self.send_bytes_with(secret, message.to_string().as_bytes())
    }

    /// Like [`Gateway::send_with`], with a body that is not to be touched.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn send_bytes_with(&self, secret: &str, body: &[u8]) -> Response {
        self.post(WEBHOOK, sign_x_vapi(secret, unix_seconds(0), body), body)
    }

    /// Sends a message to the webhook, signed with the organization's own secret.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub(crate) fn send(&self, organization: &Organization, message: &Value) -> Response {
        self.send_with(&organization.secret, message)
    }

    /// Like [`Gateway::send`], and the answer must be 200.
    ///
    /// # Panics
    /// If it is not.
    #[must_use]
    pub(crate) fn answer(&self, organization: &Organization, message: &Value) -> Value {
        let response = self.send(organization, message);
        assert_eq!(response.status, 200, "{} to {message}", response.text());
        assert_eq!(response.header("content-type"), Some("application/json"));
        response.json()
    }

    /// The effects that the log tells of an answered request.
    ///
    /// # Panics
    /// If the log does not tell of it.
    #[must_use]
    pub(crate) fn effects(&self, response: &Response) -> Vec<String> {
        let line = self.log.of_request(&response.request_id());
        let effects = line["effects"].as_str().unwrap_or_default();
        effects.split(',').filter(|effect| !effect.is_empty()).map(str::to_owned).collect()
    }

    /// Tells it to stop, as an operator does, and waits for its end.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub(crate) fn stop(mut self) -> Stopped {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let status = eventually("the gateway stops", PATIENCE, || self.child.try_wait().unwrap());
        Stopped { status, log: self.log.text() }
    }

    /// Tells it to read its settings again.
    ///
    /// # Panics
    /// If it is gone.
    pub(crate) fn hang_up(&self) {
        kill_process(self.pid(), Signal::HUP).unwrap();
    }

    /// Ends it without a chance to tidy up, as a power cut does.
    ///
    /// # Panics
    /// If it cannot be ended.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// True as long as its process lives.
    ///
    /// # Panics
    /// If the system does not tell.
    #[must_use]
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            report(&self.log.tail());
        }
    }
}

#[expect(clippy::print_stderr, reason = "the log of a failed test is shown with the failure")]
fn report(log: &str) {
    eprintln!("--- the gateway's log ends with\n{log}\n---");
}
