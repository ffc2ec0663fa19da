//! Whether an answer left something out or put something in: the entries that it covers, replayed.
//!
//! The caller feeds entries that it has verified against a checkpoint, and details that it has verified against the entries. What is compared are
//! numbers: that the entry shown with a hit is the logged one, its proof says.

use super::{Filter, Indexed};

/// How an answer differs from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    /// The answer left out an entry that matches.
    #[error("entry {0} matches and is not in the answer")]
    LeftOut(u64),
    /// The answer has an entry that does not match, or that it does not cover.
    #[error("entry {0} is in the answer and does not match")]
    PutIn(u64),
}

impl Lie {
    /// The entry.
    #[must_use]
    pub fn seq(self) -> u64 {
        match self {
            Self::LeftOut(seq) | Self::PutIn(seq) => seq,
        }
    }
}

/// A comparison under way.
#[derive(Debug)]
pub struct Replay<'a> {
    filter: &'a Filter,
    hits: std::iter::Peekable<std::slice::Iter<'a, u64>>,
    undecided: u64,
}

impl<'a> Replay<'a> {
    /// `hits`: the numbers that the answer has, as it has them.
    #[must_use]
    pub fn new(filter: &'a Filter, hits: &'a [u64]) -> Self {
        Self { filter, hits: hits.iter().peekable(), undecided: 0 }
    }

    /// The next of the entries that the answer covers, all of them in their order.
    ///
    /// # Errors
    /// The first entry by which the answer differs.
    pub fn entry(&mut self, entry: &Indexed) -> Result<(), Lie> {
        // Hits are in order: what is behind cannot come any more, and is none of what is covered.
        if let Some(behind) = self.hits.peek().filter(|hit| ***hit < entry.seq) {
            return Err(Lie::PutIn(**behind));
        }
        let claimed = self.hits.next_if(|hit| **hit == entry.seq).is_some();
        match (claimed, self.filter.matches(entry)) {
            (true, true) | (false, false) => {}
            (true, false) if self.filter.might_have_matched(entry) => {}
            (true, false) => return Err(Lie::PutIn(entry.seq)),
            (false, true) => return Err(Lie::LeftOut(entry.seq)),
        }
        if self.filter.might_have_matched(entry) {
            self.undecided += 1;
        }
        Ok(())
    }

    /// All that the answer covers was fed. Answers of how many entries nothing can be said, because their details are not there.
    ///
    /// # Errors
    /// A hit behind what is covered.
    pub fn finish(mut self) -> Result<u64, Lie> {
        match self.hits.next() {
            Some(seq) => Err(Lie::PutIn(*seq)),
            None => Ok(self.undecided),
        }
    }
}
