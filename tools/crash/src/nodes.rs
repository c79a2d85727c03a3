//! `nodes`: two gateways on one PostgreSQL, each given the same messages in an order of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;

use super::dice::Dice;
use super::load::{Delivery, Load, Queue};
use super::outcome::Played;
use super::plan::{Message, Plan};
use super::site::Site;
use gateway_process::{self as gateway, Service};

/// How many gateways there are.
const NODES: usize = 2;

/// How many different messages both get.
const MESSAGES: usize = 10_000;

/// How many of a hundred are given to the same gateway a second time.
const DOUBLED: usize = 25;

/// How far a delivery may lie from its place in the other gateway's order: near enough to race.
const WINDOW: usize = 200;

/// Plays the scenario.
///
/// # Errors
/// If a gateway cannot be started, or a signal comes.
pub(crate) fn play(site: &mut Site, dice: &Dice) -> Result<Played> {
    let mut order = dice.fork(30);
    let services = [site.gateway(gateway::free_port()?)?, site.gateway(gateway::free_port()?)?];
    let ports: Vec<u16> = services.iter().map(Service::port).collect();
    let mut plan = Plan::new(dice, site.organizations.len());
    let deliveries = deliveries(&mut plan, &mut order);
    let sent = deliveries.len();
    let load = Load::new(&site.organizations, &ports, dice, Queue::of(deliveries));
    let ((), journal) = load.during(|_| Ok(()))?;
    for service in services {
        service.stop()?;
    }
    let notes = vec![format!("{NODES} gateways given {sent} deliveries")];
    Ok(Played::with_database(journal, notes))
}

/// Every message for every gateway, some twice; shuffled within windows, so that equals meet.
fn deliveries(plan: &mut Plan, order: &mut Dice) -> Vec<Delivery> {
    let mut messages: BTreeMap<(String, String), Arc<Message>> = BTreeMap::new();
    let mut deliveries = Vec::new();
    while messages.len() < MESSAGES {
        for message in plan.next() {
            // The two reports of a call are two messages with one row.
            let key = (message.marker.clone(), message.transcript());
            let is_new = messages.insert(key, Arc::clone(&message)).is_none();
            if is_new && messages.len() <= MESSAGES {
                for node in 0..NODES {
                    deliveries.push(Delivery::new(Arc::clone(&message), node));
                    if order.percent(DOUBLED) {
                        deliveries.push(Delivery::new(Arc::clone(&message), node));
                    }
                }
            }
        }
    }
    for window in deliveries.chunks_mut(WINDOW) {
        order.shuffle(window);
    }
    deliveries
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_message_goes_to_every_gateway_and_some_twice() {
        let (mut plan, mut order) = (Plan::new(&Dice::new(1), 4), Dice::new(2));
        let deliveries = deliveries(&mut plan, &mut order);
        let of_node = |node| -> BTreeSet<(String, String)> {
            let own = deliveries.iter().filter(|it| it.node == node);
            own.map(|it| (it.message.marker.clone(), it.message.transcript())).collect()
        };
        assert_eq!(of_node(0).len(), MESSAGES);
        assert_eq!(of_node(0), of_node(1));
        assert!(deliveries.len() > 2 * MESSAGES + 4_000, "{}", deliveries.len());
    }
}
