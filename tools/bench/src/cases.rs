//! The cases measured.

mod isolation;
mod neighbours;
mod resolution;
mod sizes;

use anyhow::Result;
use serde::Serialize;

use super::Lab;
use super::compare::{Load, Series, compare};
use super::contender::{
    Contender, Handler, baseline, fill, gateway_on_partitions, gateway_on_postgres, gateway_on_sqlite,
    settings,
};
use super::store::{Store, Table};
use gateway_process::Service;

/// The rate of what is measured at a fixed rate.
const RATE: u32 = 200;

/// One question to the machine.
pub(super) struct Case {
    /// By which `--only` finds it.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// For readers, beyond the title.
    pub(super) note: &'static str,
    /// Whether the handlers of `bench/` take part.
    pub(super) has_baselines: bool,
    pub(super) run: fn(&Lab) -> Result<Outcome>,
}

/// The answer.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Outcome {
    /// Contenders; the first is what the ratios are made with.
    pub(super) series: Vec<Series>,
    /// Single figures.
    pub(super) facts: Vec<(String, String)>,
}

impl From<Vec<Series>> for Outcome {
    fn from(series: Vec<Series>) -> Self {
        Self { series, facts: vec![] }
    }
}

/// Every case, in the order of the report.
pub(super) const ALL: &[Case] = &[
    Case {
        name: "no-write-2kb",
        title: "2 KB, verified and answered without a write",
        note: "`voice-request`, which the gateway verifies and then answers with 501. The bare actix handler reads the \
               body and answers `{}`: it neither verifies, parses nor logs. Express and Fastify do the same work as the \
               gateway.",
        has_baselines: true,
        run: no_write,
    },
    Case {
        name: "durable-2kb-postgresql",
        title: "2 KB, durable on PostgreSQL",
        note: "`status-update`, five to a call, 20 organizations in turn; answered after COMMIT by everybody, and after \
               every round the stored messages are counted.",
        has_baselines: true,
        run: |lab| durable_on_postgres(lab, "durable_2kb", "status-update.lua"),
    },
    Case {
        name: "durable-2kb-sqlite",
        title: "2 KB, durable on SQLite",
        note: "The same messages; both with WAL and `synchronous = FULL`.",
        has_baselines: true,
        run: |lab| durable_on_sqlite(lab, "sqlite_2kb", "status-update.lua"),
    },
    Case {
        name: "durable-100kb-postgresql",
        title: "100 KB, durable on PostgreSQL",
        note: "`end-of-call-report` with transcript, messages, costs and analysis, each of a call of its own; counted as \
               above.",
        has_baselines: true,
        run: |lab| durable_on_postgres(lab, "durable_100kb", "report.lua"),
    },
    Case {
        name: "durable-100kb-sqlite",
        title: "100 KB, durable on SQLite",
        note: "The same reports.",
        has_baselines: true,
        run: |lab| durable_on_sqlite(lab, "sqlite_100kb", "report.lua"),
    },
    Case {
        name: "bookings",
        title: "Bookings by tool call, 200 a second",
        note: "20 connections, evenly paced; every booking is of a place that is free, and after every round the \
               appointments are counted.",
        has_baselines: false,
        run: bookings,
    },
    Case {
        name: "assistant-request",
        title: "`assistant-request`, 200 a second",
        note: "20 connections, evenly paced; the number's route names the assistant; the call is pinned and kept.",
        has_baselines: false,
        run: assistant_requests,
    },
    Case {
        name: "resolution",
        title: "Organizations: 100, 10,000, 100,000 and 1,000,000",
        note: "The first case's messages, each for an organization drawn by chance, after one pass over all of them; the \
               caches hold all of them, and their entries live for an hour here. All are signed with the deployment's \
               secret, and name the organization by its assistant alone. Each organization has four identifiers.",
        has_baselines: false,
        run: resolution::run,
    },
    Case {
        name: "nodes",
        title: "One node and two, on one PostgreSQL",
        note: "2 KB, durable; the connections are shared by the nodes, and each node has a load of its own.",
        has_baselines: false,
        run: nodes,
    },
    Case {
        name: "partitions",
        title: "Whole tables and partitioned ones: 2 KB, durable on PostgreSQL",
        note: "`status-update` as above, on a database made by `migrate`, and by `migrate --partitions` 16 and 64.",
        has_baselines: false,
        run: partitions,
    },
    Case {
        name: "isolation",
        title: "What isolation costs: 2 KB, durable on PostgreSQL",
        note: "`status-update` as above, with the policies of row-level security in force on every table, and with none at \
               all. The gateway does not start without them: here they are taken away while it runs.",
        has_baselines: false,
        run: isolation::messages,
    },
    Case {
        name: "isolation-bookings",
        title: "What isolation costs: bookings by tool call, 200 a second",
        note: "The same of bookings.",
        has_baselines: false,
        run: isolation::bookings,
    },
    Case {
        name: "neighbours",
        title: "One organization beside strangers and busy neighbours",
        note: "Nineteen quiet organizations, 50 `status-update` a second together, under the limits that are set by default; \
               all come from one address, as the provider's do. Every answer has to be 200. Offenders send 1,000 requests a \
               second (unowned ones 500, messages of 300 bookings 35, reports of 7 MiB 20). What those take of the processor is \
               counted with the quiet ones.",
        has_baselines: false,
        run: neighbours::run,
    },
    Case {
        name: "sizes",
        title: "Memory and start",
        note: "Readiness is asked for every millisecond, from the start of the process.",
        has_baselines: false,
        run: sizes::run,
    },
];

/// Lists what `--only` can find.
pub(super) fn names() -> String {
    ALL.iter().map(|case| case.name).collect::<Vec<_>>().join(", ")
}

fn no_write(lab: &Lab) -> Result<Outcome> {
    let refusal = "not_supported";
    let mut contenders = [
        gateway_on_postgres(lab, "no_write")?.answers(501, refusal),
        baseline(lab, "no_write", Handler::BareActix)?.answers(200, "{}"),
        baseline(lab, "no_write", Handler::Express)?.answers(501, refusal),
        baseline(lab, "no_write", Handler::Fastify)?.answers(501, refusal),
    ];
    compare(lab, Load::full(lab.plan, "voice-request.lua"), &mut contenders).map(Outcome::from)
}

fn durable_on_postgres(lab: &Lab, case: &str, script: &'static str) -> Result<Outcome> {
    let mut contenders = [
        gateway_on_postgres(lab, case)?.grows(Table::Messages),
        baseline(lab, case, Handler::ExpressPg)?.grows(Table::Messages),
        baseline(lab, case, Handler::RustPg)?.grows(Table::Messages),
    ];
    compare(lab, Load::full(lab.plan, script), &mut contenders).map(Outcome::from)
}

fn durable_on_sqlite(lab: &Lab, case: &str, script: &'static str) -> Result<Outcome> {
    let mut contenders = [
        gateway_on_sqlite(lab, case)?.grows(Table::Messages),
        baseline(lab, case, Handler::RustSqlite)?.grows(Table::Messages),
    ];
    compare(lab, Load::full(lab.plan, script), &mut contenders).map(Outcome::from)
}

fn bookings(lab: &Lab) -> Result<Outcome> {
    let load = Load::paced("booking.lua", RATE);
    let mut contenders = [
        gateway_on_postgres(lab, "bookings")?.named("gateway on PostgreSQL").answers(200, "toolCallId"),
        gateway_on_sqlite(lab, "bookings_sqlite")?.named("gateway on SQLite").answers(200, "toolCallId"),
    ]
    .map(|contender| contender.grows(Table::Appointments));
    compare(lab, load, &mut contenders).map(Outcome::from)
}

fn assistant_requests(lab: &Lab) -> Result<Outcome> {
    let load = Load::paced("assistant-request.lua", RATE);
    let mut contenders = [
        gateway_on_postgres(lab, "requests")?.named("gateway on PostgreSQL").answers(200, "assistantId"),
        gateway_on_sqlite(lab, "requests_sqlite")?.named("gateway on SQLite").answers(200, "assistantId"),
    ]
    .map(|contender| contender.grows(Table::Messages));
    compare(lab, load, &mut contenders).map(Outcome::from)
}

fn nodes(lab: &Lab) -> Result<Outcome> {
    let one = gateway_on_postgres(lab, "one_node")?.named("one node");
    let mut two: Contender = gateway_on_postgres(lab, "two_nodes")?.named("two nodes");
    let directory = super::contender::directory(lab, "two_nodes_second")?;
    if let Some(store) = &two.store {
        two.services.push(Service::gateway(&lab.tools.gateway, &directory, &settings(store))?);
    }
    let mut contenders = [one.grows(Table::Messages), two.grows(Table::Messages)];
    compare(lab, Load::full(lab.plan, "status-update.lua"), &mut contenders).map(Outcome::from)
}

fn partitions(lab: &Lab) -> Result<Outcome> {
    let mut contenders = [
        gateway_on_postgres(lab, "partitions")?.named("whole"),
        gateway_on_partitions(lab, "partitions", 16)?,
        gateway_on_partitions(lab, "partitions", 64)?,
    ]
    .map(|contender| contender.grows(Table::Messages));
    compare(lab, Load::full(lab.plan, "status-update.lua"), &mut contenders).map(Outcome::from)
}

/// A new SQLite file with the run's organizations, in a directory of its own.
fn filled_sqlite(lab: &Lab, name: &str) -> Result<(std::path::PathBuf, Store)> {
    let directory = super::contender::directory(lab, name)?;
    let store = Store::sqlite(&directory);
    fill(lab, &directory, &store)?;
    Ok((directory, store))
}
