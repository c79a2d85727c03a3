//! Messages to send next, and again.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::plan::{Message, Plan};

/// No new message is sent while so many wait to be sent again: an outage must not make an endless backlog.
const BACKLOG: usize = 256;

/// How many of a hundred taken messages are sent again all the same.
const REPEATED: usize = 15;

/// The pause before a message is sent again, in milliseconds.
const PAUSE_MS: (u64, u64) = (50, 400);
/// The same for one that was taken.
const REPEAT_MS: (u64, u64) = (1, 2_000);

/// A message on its way to one of the gateways.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) message: Arc<Message>,
    /// The index of the gateway's port.
    pub(crate) node: usize,
    /// It was taken before.
    is_repeated: bool,
}

impl Delivery {
    pub(crate) fn new(message: Arc<Message>, node: usize) -> Self {
        Self { message, node, is_repeated: false }
    }
}

/// The next act of a sender.
#[derive(Debug)]
pub(crate) enum Next {
    Send(Delivery),
    Wait,
    Done,
}

/// The deliveries of a run.
#[derive(Debug)]
pub(crate) struct Queue {
    ready: VecDeque<Delivery>,
    later: BinaryHeap<Reverse<Later>>,
    /// How many of `later` were not taken yet.
    backlog: usize,
    under_way: usize,
    numbered: u64,
    /// Where new messages come from; none once the load ends.
    plan: Option<Plan>,
}

impl Queue {
    /// A queue that goes on until it is stopped.
    pub(crate) fn endless(plan: Plan) -> Self {
        Self { plan: Some(plan), ..Self::of(Vec::new()) }
    }

    /// A queue of these deliveries.
    pub(crate) fn of(deliveries: Vec<Delivery>) -> Self {
        Self {
            ready: deliveries.into(),
            later: BinaryHeap::new(),
            backlog: 0,
            under_way: 0,
            numbered: 0,
            plan: None,
        }
    }

    /// Lets nothing new in: what is there is still sent until it is taken.
    pub(crate) fn stop_planning(&mut self) {
        self.plan = None;
    }

    /// Hands out the next delivery.
    pub(crate) fn take(&mut self, now: Instant) -> Next {
        while self.later.peek().is_some_and(|Reverse(later)| later.at <= now) {
            if let Some(Reverse(later)) = self.later.pop() {
                self.backlog -= usize::from(!later.delivery.is_repeated);
                self.ready.push_back(later.delivery);
            }
        }
        if self.ready.is_empty()
            && self.backlog < BACKLOG
            && let Some(plan) = &mut self.plan
        {
            self.ready.extend(plan.next().into_iter().map(|message| Delivery::new(message, 0)));
        }
        if let Some(delivery) = self.ready.pop_front() {
            self.under_way += 1;
            return Next::Send(delivery);
        }
        let is_done = self.plan.is_none() && self.later.is_empty() && self.under_way == 0;
        if is_done { Next::Done } else { Next::Wait }
    }

    /// Takes a delivery back: again soon if it was not taken, and at times although it was.
    pub(crate) fn put_back(&mut self, delivery: Delivery, is_taken: bool, now: Instant, dice: &mut Dice) {
        self.under_way -= 1;
        let pause = match (is_taken, delivery.is_repeated) {
            (false, _) => dice.between(PAUSE_MS.0, PAUSE_MS.1),
            (true, false) if dice.percent(REPEATED) => dice.between(REPEAT_MS.0, REPEAT_MS.1),
            (true, _) => return,
        };
        let delivery = Delivery { is_repeated: is_taken || delivery.is_repeated, ..delivery };
        self.backlog += usize::from(!delivery.is_repeated);
        self.numbered += 1;
        self.later.push(Reverse(Later {
            at: now + pause.max(Duration::from_millis(1)),
            number: self.numbered,
            delivery,
        }));
    }
}

#[derive(Debug)]
struct Later {
    at: Instant,
    number: u64,
    delivery: Delivery,
}

impl Ord for Later {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Later {}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn deliveries(count: usize) -> Vec<Delivery> {
        let mut plan = Plan::new(&Dice::new(1), 1);
        let messages = std::iter::repeat_with(|| plan.next()).flatten();
        messages.take(count).map(|message| Delivery::new(message, 0)).collect()
    }

    #[test]
    fn what_is_not_taken_comes_again_until_it_is() {
        let (mut queue, mut dice, now) = (Queue::of(deliveries(1)), Dice::new(1), Instant::now());
        for round in 0..5 {
            let Next::Send(delivery) = queue.take(now + SOON * round) else { panic!("round {round}") };
            assert!(matches!(queue.take(now + SOON * round), Next::Wait), "it is still under way");
            queue.put_back(delivery, false, now + SOON * round, &mut dice);
            assert!(matches!(queue.take(now + SOON * round), Next::Wait), "not before its pause");
        }
    }

    #[test]
    fn some_of_what_was_taken_comes_once_more_and_then_there_is_an_end() {
        let (mut queue, mut dice, now) = (Queue::of(deliveries(1000)), Dice::new(1), Instant::now());
        let mut sent = 0;
        loop {
            match queue.take(now + SOON) {
                Next::Send(delivery) => {
                    sent += 1;
                    queue.put_back(delivery, true, now, &mut dice);
                }
                Next::Wait => panic!("nothing is under way"),
                Next::Done => break,
            }
        }
        assert!((1050..1300).contains(&sent), "{sent}");
    }

    #[test]
    fn an_outage_makes_no_endless_backlog() {
        let plan = Plan::new(&Dice::new(1), 1);
        let (mut queue, mut dice, now) = (Queue::endless(plan), Dice::new(1), Instant::now());
        let mut sent = 0;
        while let Next::Send(delivery) = queue.take(now) {
            sent += 1;
            assert!(sent < 10 * BACKLOG, "it goes on and on");
            queue.put_back(delivery, false, now, &mut dice);
        }
        queue.stop_planning();
        assert!(matches!(queue.take(now), Next::Wait));
    }
}
