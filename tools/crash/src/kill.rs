//! `kill`: the gateway ends as in a power cut, at random moments, and is started again at once.

use std::time::Duration;

use anyhow::Result;

use super::dice::Dice;
use super::load::{self, Load, Queue};
use super::outcome::Played;
use super::plan::Plan;
use super::site::Site;
use gateway_process::{self as gateway, Service};

/// How long the gateway serves between two ends, in milliseconds.
const LIFE_MS: (u64, u64) = (20, 1_500);

/// How many messages must get through before the first end: a gateway that takes nothing proves nothing.
const WARM: u64 = 200;
const WARM_WITHIN: Duration = Duration::from_secs(30);

/// How soon the next message must get through.
const NEXT_WITHIN: Duration = Duration::from_secs(30);

/// Plays the scenario.
///
/// # Errors
/// If the gateway cannot be started again, or a signal comes.
pub(crate) fn play(site: &mut Site, dice: &Dice, kills: u32) -> Result<Played> {
    let port = gateway::free_port()?;
    let mut moments = dice.fork(10);
    let mut service = site.gateway(port)?;
    let mut slowest = Duration::ZERO;
    let plan = Plan::new(dice, site.organizations.len());
    let ports = [port];
    let load = Load::new(&site.organizations, &ports, dice, Queue::endless(plan));
    let (service, journal) = load.during(|load| {
        load::wait_for_progress(load, WARM, WARM_WITHIN)?;
        for kill in 0..kills {
            load::wait(moments.between(LIFE_MS.0, LIFE_MS.1))?;
            // Every second end follows an acknowledgement at once: that is when a promise made too early shows.
            if kill % 2 == 1 {
                load::wait_for_next(load, NEXT_WITHIN)?;
            }
            service.kill()?;
            service = site.gateway(port)?;
            slowest = slowest.max(service.ready_after());
        }
        Ok::<Service, anyhow::Error>(service)
    })?;
    service.stop()?;
    let notes = vec![format!("{kills} kills"), format!("ready again within {} ms", slowest.as_millis())];
    Ok(Played::with_database(journal, notes))
}
