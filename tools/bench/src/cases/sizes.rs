//! The gateway's needs on a small machine: memory, idle and full, and the time until it serves.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Outcome, filled_sqlite};
use crate::compare::{Load, compare, exact};
use crate::contender::{directory, gateway_on_postgres, gateway_on_sqlite, settings};
use crate::stats::median;
use crate::store::{Store, Table};
use crate::{Lab, Plan};
use gateway_process::Service;

/// How many callers are connected at once, each with a report of 100 KB.
const CONNECTIONS: usize = 256;

/// Runs the case.
///
/// # Errors
/// If a gateway does not start, or answers otherwise than expected.
pub(super) fn run(lab: &Lab) -> Result<Outcome> {
    let mut facts = Vec::new();
    let mut fresh = Vec::new();
    let mut again = Vec::new();
    let mut idle = Vec::new();
    for number in 0..lab.plan.rounds {
        // A directory of its own each time: the first start makes the database.
        let directory = directory(lab, &format!("start_{number}"))?;
        let store = Store::sqlite(&directory);
        for times in [&mut fresh, &mut again] {
            let service = Service::gateway(&lab.tools.gateway, &directory, &settings(&store))?;
            times.push(service.ready_after());
            idle.push(exact(service.usage()?.rss_kib) / 1024.0);
            service.stop()?;
        }
    }
    facts.push(("ready on SQLite, first start with the whole migration".to_owned(), milliseconds(&fresh)?));
    facts.push(("ready on SQLite, every later start".to_owned(), milliseconds(&again)?));
    facts.push(("resident when idle, SQLite".to_owned(), mebibytes(median(idle).context("no start")?)));

    let (directory, store) = filled_sqlite(lab, "idle_filled")?;
    let service = Service::gateway(&lab.tools.gateway, &directory, &settings(&store))?;
    let filled = exact(service.usage()?.rss_kib) / 1024.0;
    facts.push(("resident when idle, SQLite with 20 organizations".to_owned(), mebibytes(filled)));
    service.stop()?;

    let on_postgres = gateway_on_postgres(lab, "sizes")?;
    let usage = on_postgres.services.first().context("no gateway")?.usage()?;
    facts.push(("resident when idle, PostgreSQL".to_owned(), mebibytes(exact(usage.rss_kib) / 1024.0)));

    let plan = Plan { connections: CONNECTIONS, ..lab.plan };
    let mut contenders = [
        gateway_on_sqlite(lab, "sizes_sqlite")?.named("SQLite").grows(Table::Messages),
        on_postgres.named("PostgreSQL").grows(Table::Messages),
    ];
    for series in compare(lab, Load::full(plan, "report.lua"), &mut contenders)? {
        let peak = series.rounds.iter().map(|round| round.peak_mib).fold(0.0, f64::max);
        facts.push((
            format!("most resident ever, {CONNECTIONS} connections with 100 KB reports, {}", series.name),
            format!("{} at {:.0} reports/s", mebibytes(peak), series.median(|round| round.per_second)),
        ));
    }
    Ok(Outcome { series: vec![], facts })
}

fn milliseconds(times: &[Duration]) -> Result<String> {
    let middle = median(times.iter().map(Duration::as_secs_f64)).context("no start")?;
    let longest = times.iter().max().context("no start")?;
    Ok(format!("{:.0} ms (longest {} ms)", middle * 1000.0, longest.as_millis()))
}

fn mebibytes(size: f64) -> String {
    format!("{size:.1} MiB")
}
