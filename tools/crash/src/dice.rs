//! Chance that can be repeated: everything a run decides by chance comes from its seed.

use std::time::Duration;

/// A stream of numbers that its seed determines (SplitMix64, as published by Steele, Lea and Flood in 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Another stream, which the name tells from its sisters.
    pub(crate) fn fork(&self, name: u64) -> Self {
        let mut fork = Self { state: self.state ^ name.wrapping_mul(0xd134_2543_de82_ef95) };
        fork.number();
        fork
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        let number = self.number().checked_rem(bound).unwrap_or(0);
        usize::try_from(number).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// A length of time from the first (inclusive) to the last (exclusive).
    pub(crate) fn between(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        let span = usize::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(usize::MAX);
        let chosen = u64::try_from(self.below(span)).unwrap_or(0);
        Duration::from_millis(from_ms.saturating_add(chosen))
    }

    /// An id in the form of a UUID.
    pub(crate) fn uuid(&mut self) -> uuid::Uuid {
        uuid::Uuid::from_u64_pair(self.number(), self.number())
    }

    /// Puts items into an order by chance.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // The first outputs for the seed 1234567, as the reference implementation in C prints them.
        let mut dice = Dice::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([dice.number(), dice.number(), dice.number()], expected);
    }

    #[test]
    fn a_seed_repeats_itself_and_forks_differ() {
        let draw = |mut dice: Dice| (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>();
        assert_eq!(draw(Dice::new(7).fork(1)), draw(Dice::new(7).fork(1)));
        assert_ne!(draw(Dice::new(7).fork(1)), draw(Dice::new(7).fork(2)));
    }

    #[test]
    fn shuffling_loses_nothing() {
        let mut items: Vec<u32> = (0..100).collect();
        Dice::new(3).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
