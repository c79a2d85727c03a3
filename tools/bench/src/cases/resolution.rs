//! Whether finding an organization costs more where there are more of them.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::Outcome;
use crate::compare::{Load, compare, exact};
use crate::contender::{Contender, directory, serve, settings};
use crate::store::Store;
use crate::wrk::{Shot, shoot};
use crate::{Lab, fixture};
use gateway_process as gateway;
use job::interrupt;

/// How many organizations there are; the first is what the others are compared with.
const COUNTS: [usize; 4] = [100, 10_000, 100_000, 1_000_000];

/// How many organizations are added at once.
const PART: usize = 50_000;

/// The connections and the length of one part of the pass over all organizations.
const CONNECTIONS: usize = 16;
const SECONDS: u64 = 2;

/// More than any of the caches has to hold here.
const HELD: &str = "2000000";

/// More parts than any machine needs.
const PARTS: usize = 400;

/// Runs the case.
///
/// # Errors
/// If a gateway does not start, or answers otherwise than expected.
pub(super) fn run(lab: &Lab) -> Result<Outcome> {
    let (mut contenders, mut facts) = (Vec::new(), Vec::new());
    for count in COUNTS {
        let (contender, of_count) = begin(lab, count)?;
        contenders.push(contender);
        facts.extend(
            of_count.into_iter().map(|(name, value)| (format!("{count} organizations: {name}"), value)),
        );
    }
    let load = Load::full(lab.plan, "voice-request.lua").with(&[("PICK", "random")]);
    Ok(Outcome { series: compare(lab, load, &mut contenders)?, facts })
}

/// A gateway with so many organizations, all of which it has seen; and what it took to get there.
fn begin(lab: &Lab, count: usize) -> Result<(Contender, Vec<(&'static str, String)>)> {
    let name = format!("resolution_{count}");
    let (directory, store) = (directory(lab, &name)?, Store::postgres(lab, &name)?);
    gateway::migrate(&lab.tools.gateway, &directory, &settings(&store), None)?;
    let mut facts = Vec::new();
    let started = Instant::now();
    // In parts, each its own transaction, so that Ctrl-C is heard in between.
    for first in (0..count).step_by(PART) {
        interrupt::check()?;
        let numbers = first..count.min(first + PART);
        pg::query(&store.url(), &fixture::seed(numbers)).context("cannot add the organizations")?;
    }
    facts.push(("added by SQL", seconds(started)));
    pg::query(&store.url(), "ANALYZE")?;
    let started = Instant::now();
    let file = fixture::declare(&directory, count..count + 1)?;
    gateway::apply(&lab.tools.gateway, &directory, &settings(&store), &file)?;
    facts.push(("`apply` of one more", seconds(started)));

    // A cache that is warm stays warm for the run, which is longer than the safety net of a minute.
    let mut settings = settings(&store);
    settings.push(("GATEWAY__RESOLVER__CACHE_TTL_MS".to_owned(), "3600000".to_owned()));
    for cache in ["CACHE_HITS", "CACHE_ORGANIZATIONS"] {
        settings.push((format!("GATEWAY__RESOLVER__{cache}"), HELD.to_owned()));
    }
    let mut contender = serve(lab, &directory, store, &settings)?.answers(501, "not_supported");
    contender.name = format!("{count} organizations");
    contender.settings = vec![
        ("ORGANIZATIONS", count.to_string()),
        ("SHARED_SECRET", fixture::SHARED_SECRET.to_owned()),
        ("ASSISTANT_ONLY", "1".to_owned()),
    ];
    let service = contender.services.first().context("no gateway")?;
    facts.push(("ready after the start", format!("{} ms", service.ready_after().as_millis())));
    facts.push(("resident then", format!("{:.1} MiB", exact(service.usage()?.rss_kib) / 1024.0)));
    let started = Instant::now();
    sweep(lab, &contender, count)?;
    facts.push(("each asked for once, by 16 connections", seconds(started)));
    Ok((contender, facts))
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}

/// Asks for every organization once, in turn.
fn sweep(lab: &Lab, contender: &Contender, count: usize) -> Result<()> {
    let (count, mut seen) = (u64::try_from(count)?, 0);
    let port = contender.services.first().context("no gateway")?.port();
    for _ in 0..PARTS {
        let mut settings = contender.settings.clone();
        settings.extend([("PICK", "sweep".to_owned()), ("OFFSET", seen.to_string())]);
        let shot = Shot {
            script: "voice-request.lua",
            port,
            connections: CONNECTIONS,
            threads: 1,
            seconds: SECONDS,
            settings,
            inspects: false,
        };
        for answers in shoot(&lab.tools.wrk, &[shot])? {
            ensure!(answers.requests > 0 && answers.broken == 0, "the pass over all failed: {answers:?}");
            seen += answers.requests;
        }
        if seen >= count {
            return Ok(());
        }
    }
    anyhow::bail!("{seen} of {count} organizations were asked for, and time is up")
}
