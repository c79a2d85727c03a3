//! The faults of PostgreSQL while the gateway lives on.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::check::{Fault, Finding};
use super::dice::Dice;
use super::load::{self, Load, Queue};
use super::outcome::Played;
use super::plan::Plan;
use super::site::Site;
use super::watch::Watch;
use gateway_process as gateway;
use pg::DurableServer;

/// How often PostgreSQL crashes, and its connections are cut.
const CRASHES: u32 = 6;
const CUTS: u32 = 60;

/// How long it stands still.
const STALL: Duration = Duration::from_secs(30);

/// How many senders wait at the same time: far more than there are connections to PostgreSQL, so that what the gateway
/// holds for them would show.
const SENDERS: u64 = 128;

/// The sizes at which files stop growing. The server's log is in files of 1 MiB: with the first it can still be
/// written, and each statement fails for itself; with the second it cannot, and the whole server gives up.
const FULL_BYTES: [u64; 2] = [1 << 20, 1 << 18];

/// How long the disk is full.
const FULL: Duration = Duration::from_secs(10);

/// How many messages must get through before and after each fault, and how soon.
const PROGRESS: u64 = 200;
const WITHIN: Duration = Duration::from_secs(45);

/// PostgreSQL crashes again and again, and is down for some moments each time.
///
/// # Errors
/// If it cannot be started again.
pub(crate) fn restart(site: &mut Site, dice: &Dice) -> Result<Played> {
    let mut moments = dice.fork(20);
    let mut server = site.server.take();
    let played = around(site, dice, |scene| {
        for _ in 0..CRASHES {
            load::wait(moments.between(500, 3_000))?;
            if let Some(server) = &mut server {
                server.crash();
                load::wait(moments.between(0, 3_000))?;
                server.start_again()?;
            }
            scene.recover()?;
        }
        scene.notes.push(format!("{CRASHES} crashes of PostgreSQL"));
        Ok(())
    });
    site.server = server;
    played
}

/// Every connection is cut, again and again.
///
/// # Errors
/// If PostgreSQL does not answer.
pub(crate) fn connections(site: &mut Site, dice: &Dice) -> Result<Played> {
    let mut moments = dice.fork(21);
    let url = site.url()?.to_owned();
    around(site, dice, |scene| {
        let mut cut = 0;
        for _ in 0..CUTS {
            load::wait(moments.between(50, 700))?;
            cut += DurableServer::cut_connections(&url)?;
        }
        scene.recover()?;
        scene.notes.push(format!("{CUTS} cuts of {cut} connections"));
        if cut == 0 {
            scene.findings.push(Finding::new(Fault::Wrong, "there was no connection to cut"));
        }
        Ok(())
    })
}

/// Every process of PostgreSQL stands still.
///
/// # Errors
/// If the system refuses.
pub(crate) fn stall(site: &mut Site, dice: &Dice) -> Result<Played> {
    let server = site.server.take();
    let played = around(site, dice, |scene| {
        let stalled = server.as_ref().map(DurableServer::stall).transpose()?;
        load::wait(STALL)?;
        drop(stalled);
        scene.recover()?;
        scene.notes.push(format!("PostgreSQL stalled for {} s", STALL.as_secs()));
        Ok(())
    });
    site.server = server;
    played
}

/// The ground of [`disk_full`].
///
/// # Errors
/// As [`Site::prepare`].
pub(crate) fn disk_full_site(program: &Path, dice: &Dice) -> Result<Site> {
    Site::on(program, Some(DurableServer::start_in_small_files()?), dice)
}

/// The tables can grow no more, and later the log cannot be written either; then there is room again.
///
/// # Errors
/// If the limit cannot be set.
pub(crate) fn disk_full(site: &mut Site, dice: &Dice) -> Result<Played> {
    let mut server = site.server.take();
    let played = around(site, dice, |scene| {
        let Some(server) = &mut server else { return Ok(()) };
        let mut given_up = 0;
        for bytes in FULL_BYTES {
            let refused = scene.refused();
            server.limit_files(Some(bytes))?;
            load::wait(FULL)?;
            server.limit_files(None)?;
            // Where the log itself could not be written, the server has given up, and whoever makes room starts it.
            given_up += u32::from(server.start_again()?);
            if scene.refused() == refused {
                scene
                    .findings
                    .push(Finding::new(Fault::Wrong, "the full disk refused nothing: it proves nothing"));
            }
            scene.recover()?;
        }
        let times = FULL_BYTES.len();
        scene.notes.push(format!(
            "disk full {times} times for {} s, PostgreSQL gave up {given_up} times",
            FULL.as_secs()
        ));
        Ok(())
    });
    site.server = server;
    played
}

/// A gateway under load, to which something happens.
struct Scene<'a> {
    load: &'a Load<'a>,
    watch: &'a Watch,
    notes: Vec<String>,
    findings: Vec<Finding>,
    slowest: Duration,
}

impl Scene<'_> {
    /// Waits until the gateway is ready and messages get through again.
    fn recover(&mut self) -> Result<()> {
        let mut took = self.watch.until_ready(&mut self.findings)?;
        match load::wait_for_progress(self.load, PROGRESS, WITHIN) {
            Ok(until) => took += until,
            Err(error) => {
                job::interrupt::check()?;
                self.findings.push(Finding::new(Fault::Wrong, format!("{error:#}")));
            }
        }
        self.slowest = self.slowest.max(took);
        Ok(())
    }

    fn refused(&self) -> u64 {
        self.load.refused()
    }
}

/// Starts a gateway, loads it, lets something happen, and sees to it that it is the same gateway afterwards.
fn around(site: &Site, dice: &Dice, happen: impl FnOnce(&mut Scene<'_>) -> Result<()>) -> Result<Played> {
    let service = site.gateway(gateway::free_port()?)?;
    let ports = [service.port()];
    let watch = Watch::start(&service);
    let plan = Plan::new(dice, site.organizations.len());
    let load = Load::new(&site.organizations, &ports, dice, Queue::endless(plan)).with_senders(SENDERS);
    let ((mut notes, mut findings), journal) = load.during(|load| {
        load::wait_for_progress(load, PROGRESS, WITHIN)?;
        let mut scene =
            Scene { load, watch: &watch, notes: Vec::new(), findings: Vec::new(), slowest: Duration::ZERO };
        happen(&mut scene)?;
        scene.notes.push(format!("recovered within {} ms", scene.slowest.as_millis()));
        Ok((scene.notes, scene.findings))
    })?;
    watch.end(&mut notes, &mut findings);
    service.stop()?;
    Ok(Played { journal, notes, findings })
}
