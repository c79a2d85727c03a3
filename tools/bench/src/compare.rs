//! Rounds: everybody in turn under the same load, and what it took.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;

use super::contender::Contender;
use super::stats::median;
use super::wrk::{Answers, Shot, shoot};
use super::{Lab, Plan};
use gateway_process::{Service, Usage, cpu_of_ended_children, cpu_of_tree, tail};
use job::interrupt;

/// The connections of the look at the answers that comes before the rounds.
const INSPECTED: usize = 8;

/// How long that look takes; it warms the contenders up too.
const INSPECTION: u64 = 2;

/// The same for every contender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) script: &'static str,
    pub(super) connections: usize,
    pub(super) threads: usize,
    /// Requests a second, where they are paced.
    pub(super) rate: Option<u32>,
    pub(super) settings: &'static [(&'static str, &'static str)],
}

impl Load {
    /// As much as the contender takes.
    pub(super) fn full(plan: Plan, script: &'static str) -> Self {
        Self { script, connections: plan.connections, threads: 2, rate: None, settings: &[] }
    }

    /// So many requests a second, whatever the contender could take.
    pub(super) fn paced(script: &'static str, rate: u32) -> Self {
        Self { script, connections: 20, threads: 1, rate: Some(rate), settings: &[] }
    }

    /// With something more that the script is told.
    pub(super) fn with(mut self, settings: &'static [(&'static str, &'static str)]) -> Self {
        self.settings = settings;
        self
    }
}

/// One contender's round.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Round {
    pub(super) requests: u64,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    /// Of the contender's own processes, for one request.
    pub(super) cpu_us: f64,
    /// Of PostgreSQL with all its processes, for one request.
    pub(super) postgres_cpu_us: f64,
    /// Of the load, for one request: what it took from the contender on a machine that both share.
    pub(super) load_cpu_us: f64,
    pub(super) rss_mib: f64,
    pub(super) peak_mib: f64,
    pub(super) unexpected: u64,
}

/// All rounds of one contender.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) expected_status: u16,
    pub(super) rounds: Vec<Round>,
    /// The median of the first contender's requests per second by this one's, round by round; `None` where the load
    /// is paced, and says nothing of the contender.
    pub(super) ratio: Option<f64>,
    /// The same of the processor time for one request: this one's by the first's.
    pub(super) cpu_ratio: f64,
}

impl Series {
    /// Returns the median of one figure over the rounds.
    pub(super) fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure)).unwrap_or_default()
    }
}

/// Looks at everybody's answers, then runs the rounds.
///
/// # Errors
/// If anybody answers otherwise than expected, keeps another number of rows than it acknowledged, or ends.
pub(super) fn compare(lab: &Lab, load: Load, contenders: &mut [Contender]) -> Result<Vec<Series>> {
    for contender in contenders.iter_mut() {
        inspect(lab, load, contender).with_context(|| format!("{} answers wrongly", contender.name))?;
    }
    let mut all: Vec<Vec<Round>> = vec![Vec::new(); contenders.len()];
    for number in 1..=lab.plan.rounds {
        for (contender, rounds) in contenders.iter_mut().zip(&mut all) {
            let round = round(lab, load, contender)
                .with_context(|| format!("{} failed in round {number}", contender.name))?;
            println!(
                "   round {number}, {}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, {:.0} µs of processor a request",
                contender.name, round.per_second, round.p50_ms, round.p99_ms, round.cpu_us
            );
            rounds.push(round);
        }
    }
    let first = all.first().cloned().unwrap_or_default();
    let ratio = |rounds: &[Round], of: fn(&Round, &Round) -> f64| {
        median(first.iter().zip(rounds).map(|(first, this)| of(first, this))).unwrap_or_default()
    };
    Ok(contenders
        .iter()
        .zip(all)
        .map(|(contender, rounds)| Series {
            name: contender.name.clone(),
            expected_status: contender.expected.0,
            ratio: load
                .rate
                .is_none()
                .then(|| ratio(&rounds, |first, this| first.per_second / this.per_second)),
            cpu_ratio: ratio(&rounds, |first, this| this.cpu_us / first.cpu_us),
            rounds,
        })
        .collect())
}

/// Sends a little and looks at every status and at one body.
fn inspect(lab: &Lab, load: Load, contender: &mut Contender) -> Result<()> {
    let (status, text) = contender.expected;
    for service in 0..contender.services.len() {
        let connections = INSPECTED.min(load.connections);
        let answers = fire(lab, load, contender, Some(service), connections, INSPECTION)?;
        for answers in answers {
            let others: Vec<_> =
                answers.statuses.iter().filter(|(it, _)| **it != status.to_string()).collect();
            ensure!(
                others.is_empty() && !answers.statuses.is_empty() && answers.sample.contains(text),
                "instead of {status} and {text:?} it answered {:?}, {:?}\n{}",
                answers.statuses,
                answers.sample,
                logs(contender)
            );
        }
    }
    Ok(())
}

fn round(lab: &Lab, load: Load, contender: &mut Contender) -> Result<Round> {
    interrupt::check()?;
    let rows = |contender: &Contender| match (&contender.store, contender.grows) {
        (Some(store), Some(table)) => store.count(table).map(Some),
        _ => Ok(None),
    };
    if let Some(store) = &contender.store {
        store.settle()?;
    }
    let rows_before = rows(contender)?;
    let (before, postgres, own) =
        (usage(contender)?, cpu_of_tree(lab.postgres.pid())?, cpu_of_ended_children()?);
    let connections = load.connections / contender.services.len().max(1);
    let port = contender.services.first().map(Service::port);
    let at_work = contender.offender.zip(port).map(|(offender, port)| offender.begin(port));
    let answers = fire(lab, load, contender, None, connections, lab.plan.seconds)?;
    drop(at_work);
    let (after, postgres, own) = (
        usage(contender)?,
        cpu_of_tree(lab.postgres.pid())?.saturating_sub(postgres),
        cpu_of_ended_children()?.saturating_sub(own),
    );
    let requests: u64 = answers.iter().map(|it| it.requests).sum();
    let unexpected = unexpected(contender.expected.0, &answers);
    if requests == 0 || unexpected > 0 || answers.iter().any(|it| it.broken > 0) {
        bail!("{unexpected} of {requests} answers were wrong: {answers:?}\n{}", logs(contender));
    }
    if let (Some(before), Some(after)) = (rows_before, rows(contender)?) {
        // Requests that wrk left open in this round or in the one before may be kept without being counted.
        let (kept, open) = (after.saturating_sub(before), 2 * u64::try_from(load.connections)?);
        ensure!(
            (requests..=requests + open).contains(&kept),
            "{requests} messages were acknowledged, and {kept} are kept"
        );
    }
    let slowest = |figure: fn(&Answers) -> f64| answers.iter().map(figure).fold(0.0, f64::max) / 1000.0;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / exact(requests);
    Ok(Round {
        requests,
        per_second: answers.iter().map(Answers::per_second).sum(),
        p50_ms: slowest(|it| it.p50_us),
        p99_ms: slowest(|it| it.p99_us),
        max_ms: slowest(|it| it.max_us),
        cpu_us: each(after.cpu.saturating_sub(before.cpu)),
        postgres_cpu_us: each(postgres),
        load_cpu_us: each(own),
        rss_mib: exact(after.rss_kib) / 1024.0,
        peak_mib: exact(after.peak_kib) / 1024.0,
        unexpected,
    })
}

/// Shoots at all of a contender's services, or at one to look at its answers.
fn fire(
    lab: &Lab,
    load: Load,
    contender: &mut Contender,
    inspected: Option<usize>,
    connections: usize,
    seconds: u64,
) -> Result<Vec<Answers>> {
    let mut settings = contender.settings.clone();
    settings.push(("OFFSET", contender.sent.to_string()));
    settings.extend(load.rate.map(|rate| ("RATE", rate.to_string())));
    settings.extend(load.settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let shots: Vec<Shot<'_>> = contender
        .services
        .iter()
        .enumerate()
        .filter(|(place, _)| inspected.is_none_or(|only| only == *place))
        .map(|(_, service)| Shot {
            script: load.script,
            port: service.port(),
            connections,
            threads: load.threads.min(connections),
            seconds,
            settings: settings.clone(),
            inspects: inspected.is_some(),
        })
        .collect();
    let answers = shoot(&lab.tools.wrk, &shots)?;
    let open = u64::try_from(connections)?;
    contender.sent += answers.iter().map(|it| it.requests + open).sum::<u64>();
    Ok(answers)
}

/// Counts the answers on the wrong side of 400; the look before the rounds has seen the statuses themselves.
fn unexpected(expected: u16, answers: &[Answers]) -> u64 {
    let count = |it: &Answers| if expected < 400 { it.over_399 } else { it.requests - it.over_399 };
    answers.iter().map(count).sum()
}

/// Adds up what all processes of a contender take.
fn usage(contender: &Contender) -> Result<Usage> {
    let mut sum = Usage::default();
    for service in &contender.services {
        let usage = service.usage()?;
        sum.rss_kib += usage.rss_kib;
        sum.peak_kib += usage.peak_kib;
        sum.cpu += usage.cpu;
    }
    Ok(sum)
}

fn logs(contender: &Contender) -> String {
    contender.services.iter().map(|service| tail(service.log())).collect::<Vec<_>>().join("\n")
}

/// The number as a float, exactly: counts of a run lie far below 2^52.
#[expect(clippy::as_conversions, reason = "there is no lossless conversion for the range that counts have")]
pub(super) fn exact(count: u64) -> f64 {
    count as f64
}
