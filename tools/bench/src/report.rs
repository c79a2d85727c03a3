//! The figures as Markdown for people and as JSON for everything else.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use super::cases::{Case, Outcome};
use super::compare::Series;
use super::{Lab, Plan, machine, wrk};

/// Begins the block that `--write` replaces.
const BEGIN: &str = "<!-- bench: begin (cargo xtask bench --write) -->";
const END: &str = "<!-- bench: end -->";

/// Everything that a run found.
#[derive(Serialize)]
pub(super) struct Report {
    machine: Vec<(String, String)>,
    rounds: usize,
    seconds: u64,
    connections: usize,
    cases: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    title: &'static str,
    note: &'static str,
    outcome: Outcome,
}

impl Report {
    /// Begins a report with the machine and the versions.
    ///
    /// # Errors
    /// If one of them cannot be found out.
    pub(super) fn new(lab: &Lab, plan: Plan) -> Result<Self> {
        let mut machine = machine::describe(lab.postgres.directory())?;
        let mut ask = |name: &str, question: &str| -> Result<()> {
            let answer = pg::query(&lab.postgres.url(), question)?;
            machine.push((name.to_owned(), answer.first().cloned().unwrap_or_default()));
            Ok(())
        };
        ask("PostgreSQL", "SHOW server_version")?;
        ask("fsync", "SHOW fsync")?;
        ask("synchronous_commit", "SHOW synchronous_commit")?;
        machine.extend(lab.tools.versions()?);
        machine.push(("load".to_owned(), wrk::version()?));
        Ok(Self {
            machine,
            rounds: plan.rounds,
            seconds: plan.seconds,
            connections: plan.connections,
            cases: vec![],
        })
    }

    /// Adds what a case found.
    pub(super) fn add(&mut self, case: &Case, outcome: Outcome) {
        self.cases.push(Entry { name: case.name, title: case.title, note: case.note, outcome });
    }

    /// Writes the report as Markdown.
    pub(super) fn markdown(&self) -> String {
        let facts: Vec<String> =
            self.machine.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut text = format!(
            "Machine: {}.\n\n{} rounds of {} s, interleaved; {} connections where nothing else is said; load and \
             servers share the machine. Figures are medians over the rounds; a ratio is the median of the ratios of \
             each round.\n",
            facts.join("; "),
            self.rounds,
            self.seconds,
            self.connections
        );
        for case in &self.cases {
            // Writing to a string does not fail.
            let _ = write!(text, "\n### {}\n\n{}\n\n", case.title, case.note);
            let Outcome { series, facts } = &case.outcome;
            if !series.is_empty() {
                comparison(&mut text, series);
            }
            if !(series.is_empty() || facts.is_empty()) {
                text.push('\n');
            }
            if !facts.is_empty() {
                text.push_str("| what | measured |\n| --- | --- |\n");
            }
            for (name, value) in facts {
                let _ = writeln!(text, "| {name} | {value} |");
            }
        }
        text
    }
}

fn comparison(text: &mut String, all: &[Series]) {
    let first = all.first().map_or("the first", |series| series.name.as_str());
    let _ = writeln!(
        text,
        "| | requests/s | {first} is so many times as fast | p50 ms | p99 ms | CPU µs a request | of {first}'s CPU | \
         PostgreSQL's CPU µs | load's CPU µs | resident MiB | most MiB | other than the expected status |\n\
         | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"
    );
    for series in all {
        let of = |figure: fn(&super::compare::Round) -> f64| series.median(figure);
        let unexpected: u64 = series.rounds.iter().map(|round| round.unexpected).sum();
        let _ = writeln!(
            text,
            "| {} | {:.0} | {} | {:.2} | {:.2} | {:.0} | {:.2} | {:.0} | {:.0} | {:.1} | {:.1} | {} of {} |",
            series.name,
            of(|round| round.per_second),
            series.ratio.map_or_else(|| "paced".to_owned(), |ratio| format!("{ratio:.2}")),
            of(|round| round.p50_ms),
            of(|round| round.p99_ms),
            of(|round| round.cpu_us),
            series.cpu_ratio,
            of(|round| round.postgres_cpu_us),
            of(|round| round.load_cpu_us),
            of(|round| round.rss_mib),
            series.rounds.iter().map(|round| round.peak_mib).fold(0.0, f64::max),
            unexpected,
            series.rounds.iter().map(|round| round.requests).sum::<u64>(),
        );
    }
}

/// Fails if a file has no block to replace.
///
/// # Errors
/// If it has none, or cannot be read.
pub(super) fn require_block(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    replaced(&text, "").with_context(|| format!("in {}", file.display())).map(drop)
}

/// Replaces the block of a file and leaves the rest.
///
/// # Errors
/// If it has no block, or cannot be written.
pub(super) fn replace_block(file: &Path, block: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    fs::write(file, replaced(&text, block)?).with_context(|| format!("cannot write {}", file.display()))
}

fn replaced(text: &str, block: &str) -> Result<String> {
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
    match parts {
        Some((before, after)) if !after.contains(BEGIN) => {
            Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", block.trim()))
        }
        _ => bail!("there is not one block between {BEGIN} and {END}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Round;

    #[test]
    fn only_the_block_is_replaced() {
        let text = format!("# Speed\n\nprose\n\n{BEGIN}\nold\n{END}\n\nmore prose\n");
        let once = replaced(&text, "new\n").unwrap();
        assert_eq!(once, format!("# Speed\n\nprose\n\n{BEGIN}\n\nnew\n\n{END}\n\nmore prose\n"));
        assert_eq!(replaced(&once, "new").unwrap(), once);
        for without in ["# Speed", BEGIN, &format!("{END}{BEGIN}"), &format!("{text}{text}")] {
            assert!(replaced(without, "new").is_err(), "{without}");
        }
    }

    #[test]
    fn a_row_has_medians_and_the_sum_of_what_went_wrong() {
        let round =
            |per_second, unexpected| Round { per_second, unexpected, requests: 10, ..Round::default() };
        let series = Series {
            name: "gateway".to_owned(),
            expected_status: 200,
            rounds: vec![round(1.0, 0), round(90.0, 2), round(3.0, 1)],
            ratio: Some(1.0),
            cpu_ratio: 1.0,
        };
        let mut text = String::new();
        comparison(&mut text, &[series]);
        let row: Vec<&str> = text.lines().last().unwrap().split(" | ").collect();
        assert_eq!((row[0], row[1]), ("| gateway", "3"));
        assert_eq!(row[11], "3 of 30 |");
        assert!(text.lines().all(|line| line.matches(" |").count() == row.len()));
    }
}
