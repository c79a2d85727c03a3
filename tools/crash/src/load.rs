//! The senders: threads that deliver the plan's messages, again and again until each is taken.
//!
//! Delivery is at least once, as the provider's is: what was refused, cut off or not answered is sent again, and a
//! share of what was taken is sent again too, because an acknowledgement can be lost on its way.

mod queue;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use chrono::Utc;

use super::dice::Dice;
use super::fleet::Organization;
use super::journal::Journal;
use super::wire::{self, PATIENCE, Verdict};
use job::interrupt;
pub(crate) use queue::{Delivery, Queue};

/// How many senders there are, unless a scenario has more.
const SENDERS: u64 = 16;

/// How long a sender waits when there is nothing to send yet.
const IDLE: Duration = Duration::from_millis(5);

/// How soon an acknowledgement is noticed by who waits for that moment.
const MOMENT: Duration = Duration::from_micros(50);

/// How long nothing at all may be taken once the load has ended, before what is left is given up.
const DRAINED: Duration = Duration::from_secs(60);

/// One run's load.
pub(crate) struct Load<'a> {
    organizations: &'a [Organization],
    /// The ports of the gateways, by which deliveries name their target.
    ports: &'a [u16],
    dice: Dice,
    senders: u64,
    queue: Mutex<Queue>,
    journal: Mutex<Journal>,
    is_over: AtomicBool,
}

impl<'a> Load<'a> {
    /// A load that the queue describes.
    pub(crate) fn new(
        organizations: &'a [Organization],
        ports: &'a [u16],
        dice: &Dice,
        queue: Queue,
    ) -> Self {
        Self {
            organizations,
            ports,
            dice: dice.fork(3),
            senders: SENDERS,
            queue: Mutex::new(queue),
            journal: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Sends from so many threads at the same time.
    pub(crate) fn with_senders(self, senders: u64) -> Self {
        Self { senders, ..self }
    }

    /// Does something while the senders send, lets them get the rest taken, and returns what they saw.
    ///
    /// # Errors
    /// The closure's own; if the senders cannot be started, or a signal comes.
    pub(crate) fn during<T>(self, meanwhile: impl FnOnce(&Self) -> Result<T>) -> Result<(T, Journal)> {
        let outcome = thread::scope(|scope| {
            let senders: Vec<_> = (0..self.senders)
                .map(|number| {
                    let load = &self;
                    scope.spawn(move || load.send_all(load.dice.fork(number)))
                })
                .collect();
            let outcome = meanwhile(&self);
            self.queue().stop_planning();
            let mut progress = (self.acknowledged(), Instant::now());
            while senders.iter().any(|sender| !sender.is_finished()) {
                let acknowledged = self.acknowledged();
                if acknowledged != progress.0 {
                    progress = (acknowledged, Instant::now());
                }
                if outcome.is_err() || interrupt::requested() || progress.1.elapsed() > DRAINED {
                    self.is_over.store(true, Ordering::Relaxed);
                }
                thread::sleep(IDLE);
            }
            for sender in senders {
                sender.join().map_err(|_cause| anyhow!("a sender panicked"))?;
            }
            outcome
        });
        interrupt::check()?;
        let journal = self.journal.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((outcome?, journal))
    }

    /// How many messages have been taken so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.journal().counts.acknowledged
    }

    /// How many deliveries have been refused so far.
    pub(crate) fn refused(&self) -> u64 {
        self.journal().counts.refused
    }

    fn send_all(&self, mut dice: Dice) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        while !self.is_over.load(Ordering::Relaxed) {
            let next = self.queue().take(Instant::now());
            match next {
                queue::Next::Send(delivery) => {
                    let is_taken = self.send(&agent, &delivery, &mut dice);
                    self.queue().put_back(delivery, is_taken, Instant::now(), &mut dice);
                }
                queue::Next::Wait => thread::sleep(IDLE),
                queue::Next::Done => break,
            }
        }
    }

    /// Sends one delivery; false when it has to be sent again.
    fn send(&self, agent: &ureq::Agent, delivery: &Delivery, dice: &mut Dice) -> bool {
        let message = &delivery.message;
        let Some(organization) = self.organizations.get(message.organization) else { return true };
        let Some(port) = self.ports.get(delivery.node) else { return true };
        let body = wire::body(message, organization, dice.number());
        self.journal().sending(message);
        let answer = post(agent, *port, organization, &body);
        let mut journal = self.journal();
        match answer {
            Ok((status, text)) => match wire::judge(message, status, &text) {
                Verdict::Acknowledged(answer) => {
                    journal.acknowledged(message, answer);
                    return true;
                }
                Verdict::Refused => journal.counts.refused += 1,
                Verdict::Unproven => journal.counts.unproven += 1,
                Verdict::Wrong(text) => journal.wrong(text),
            },
            Err(Unanswered::Overdue) => journal.overdue(message),
            Err(Unanswered::CutOff) => journal.counts.unanswered += 1,
        }
        false
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Load<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").field("ports", &self.ports).finish_non_exhaustive()
    }
}

/// Why there is no answer.
enum Unanswered {
    /// The connection was refused or closed.
    CutOff,
    /// Neither came in time.
    Overdue,
}

fn post(
    agent: &ureq::Agent,
    port: u16,
    organization: &Organization,
    body: &[u8],
) -> Result<(u16, String), Unanswered> {
    let timestamp = Utc::now().timestamp().to_string();
    let ask = || -> Result<(u16, String), ureq::Error> {
        let mut response = agent
            .post(format!("http://127.0.0.1:{port}/api/webhooks/vapi"))
            .header("content-type", "application/json")
            .header("x-timestamp", &timestamp)
            .header("x-signature", organization.sign(&timestamp, body))
            .send(body)?;
        let status = response.status().as_u16();
        Ok((status, response.body_mut().read_to_string()?))
    };
    ask().map_err(|error| match error {
        ureq::Error::Timeout(_) => Unanswered::Overdue,
        _ => Unanswered::CutOff,
    })
}

/// Waits while the load goes on.
///
/// # Errors
/// If a signal comes.
pub(crate) fn wait(length: Duration) -> Result<()> {
    let until = Instant::now() + length;
    while Instant::now() < until {
        interrupt::check()?;
        thread::sleep(IDLE.min(until.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

/// Waits until the senders have had so many more messages taken.
///
/// # Errors
/// If that does not happen in time, or a signal comes.
pub(crate) fn wait_for_progress(load: &Load<'_>, more: u64, within: Duration) -> Result<Duration> {
    wait_for(load, more, within, IDLE)
}

/// Waits until the next message is taken, and returns at that very moment.
///
/// # Errors
/// As [`wait_for_progress`].
pub(crate) fn wait_for_next(load: &Load<'_>, within: Duration) -> Result<Duration> {
    wait_for(load, 1, within, MOMENT)
}

fn wait_for(load: &Load<'_>, more: u64, within: Duration, pause: Duration) -> Result<Duration> {
    let (started, wanted) = (Instant::now(), load.acknowledged() + more);
    while load.acknowledged() < wanted {
        ensure!(
            started.elapsed() <= within,
            "fewer than {more} messages were taken in {} s",
            within.as_secs()
        );
        wait(pause)?;
    }
    Ok(started.elapsed())
}
