//! Somebody who does as much as one can beside the load that is measured: a stranger, or another organization.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::fixture;

/// How the offender offends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Offender {
    /// Messages of assistants that nobody declared.
    Strangers,
    /// Messages of the first organization, signed with another secret.
    OldSecret,
    /// Messages that the deployment's secret proves and that belong to no organization.
    Unowned,
    /// Bodies of 8 MiB that come slowly and never end.
    StalledBodies,
    /// Questions whether the gateway is well.
    Health,
    /// Messages of 300 bookings each, of the first organization.
    ManyTools,
    /// Reports of 7 MiB, of the first organization.
    LargeReports,
}

/// An offender at work; rests when dropped.
pub(super) struct AtWork {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that gave up early has offended as much as it could.
            let _ = thread.join();
        }
    }
}

impl Offender {
    pub(super) const ALL: [Self; 7] = [
        Self::Strangers,
        Self::OldSecret,
        Self::Unowned,
        Self::StalledBodies,
        Self::Health,
        Self::ManyTools,
        Self::LargeReports,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Strangers => "beside strangers",
            Self::OldSecret => "beside an old secret",
            Self::Unowned => "beside unowned messages",
            Self::StalledBodies => "beside stalled bodies",
            Self::Health => "beside questions of health",
            Self::ManyTools => "beside messages of 300 bookings",
            Self::LargeReports => "beside large reports",
        }
    }

    const fn connections(self) -> usize {
        match self {
            Self::Strangers | Self::OldSecret | Self::LargeReports => 16,
            Self::Unowned | Self::Health => 100,
            Self::StalledBodies => 64,
            Self::ManyTools => 40,
        }
    }

    /// Requests a second of all connections together: many times what an organization's calls come to, and less than what would
    /// keep the machine busy by itself, since the load and the gateway share it.
    const fn a_second(self) -> u32 {
        match self {
            Self::Strangers | Self::OldSecret | Self::Health => 1000,
            Self::Unowned => 500,
            Self::StalledBodies => 5,
            Self::ManyTools => 35,
            Self::LargeReports => 20,
        }
    }

    /// Begins on the gateway at a port of this machine.
    pub(super) fn begin(self, port: u16) -> AtWork {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let threads = (0..self.connections()).map(|_| {
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // A connection that is closed is opened again: an offender does not take a hint.
                    let _ = self.offend(address, &stop, &sent);
                }
            })
        });
        let threads = threads.collect();
        AtWork { stop, threads }
    }

    fn offend(self, address: SocketAddr, stop: &AtomicBool, sent: &AtomicU64) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        if let Self::StalledBodies = self {
            stream.write_all(
                b"POST /api/webhooks/vapi HTTP/1.1\r\nhost: x\r\ncontent-length: 8388608\r\n\r\n",
            )?;
            stream.write_all(&vec![b'x'; 4_000_000])?;
            while !stop.load(Ordering::Relaxed) {
                stream.write_all(&[b'x'; 20_000])?;
                thread::sleep(Duration::from_millis(200));
            }
            return Ok(());
        }
        let each =
            Duration::from_secs(1) * u32::try_from(self.connections()).unwrap_or(u32::MAX) / self.a_second();
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            next += each;
            thread::sleep(next.saturating_duration_since(Instant::now()));
            stream.write_all(&self.request(sent.fetch_add(1, Ordering::Relaxed)))?;
            read_answer(&mut stream)?;
        }
        Ok(())
    }

    fn request(self, nth: u64) -> Vec<u8> {
        let call = format!("offence-{nth}-{}", seconds());
        let status = |assistant: &str| {
            json!({"message": {"type": "status-update", "status": "ringing",
                               "call": {"id": call, "assistantId": assistant}}})
        };
        let own = fixture::assistant(0);
        let (body, secret) = match self {
            Self::Health | Self::StalledBodies => {
                return b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();
            }
            Self::Strangers => (status(&format!("made-up-{nth}")), "a guess".to_owned()),
            Self::OldSecret => (status(&own), "the secret of last year".to_owned()),
            Self::Unowned => (status(&format!("unowned-{}", nth % 7)), fixture::SHARED_SECRET.to_owned()),
            Self::ManyTools => {
                let calls: Vec<_> = (0..300_u64)
                    .map(|place| {
                        let minute = (nth * 7 + place) % 1440;
                        json!({"id": format!("t{place}"), "name": "bookAppointment", "arguments": {
                            "appointmentDate": format!("2027-04-{:02}", 1 + place % 28),
                            "appointmentTime": format!("{:02}:{:02}", minute / 60, minute % 60),
                            "patientName": "Ann", "patientPhone": "+15552010155"}})
                    })
                    .collect();
                let message = json!({"type": "tool-calls", "toolCallList": calls,
                                     "call": {"id": call, "assistantId": own}});
                (json!({"message": message}), fixture::secret(0))
            }
            Self::LargeReports => {
                let message = json!({"type": "end-of-call-report", "endedReason": "x",
                                     "call": {"id": call, "assistantId": own},
                                     "artifact": {"transcript": noise(nth, 7 << 20)}});
                (json!({"message": message}), fixture::secret(0))
            }
        };
        signed(body.to_string().as_bytes(), &secret)
    }
}

/// Letters that do not compress well, without a generator that would cost more than the request.
fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + u8::try_from(state % 26).unwrap_or_default())
    });
    letters.take(length).collect()
}

fn seconds() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the provider's clock, which the load plays, is the machine's"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A signed POST of the recipe that the run's organizations use.
fn signed(body: &[u8], secret: &str) -> Vec<u8> {
    let at = seconds();
    let signature = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mut mac| {
        mac.update(format!("{at}.").as_bytes());
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    });
    let mut request = format!(
        "POST /api/webhooks/vapi HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         x-vapi-timestamp: {at}\r\nx-vapi-signature: {}\r\n\r\n",
        body.len(),
        signature.unwrap_or_default()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Reads one answer with a declared length, and throws it away.
fn read_answer(stream: &mut TcpStream) -> std::io::Result<()> {
    let (mut answer, mut piece) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend(piece.iter().take(count));
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(answer.get(..head).unwrap_or_default()).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or_default();
        if answer.len() >= head + 4 + length {
            return Ok(());
        }
    }
}
