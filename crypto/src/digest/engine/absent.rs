//! No engine: this processor is none that we have written one for.
use super::chain::{Block, State};

/// There is none.
#[derive(Clone, Copy)]
pub(super) enum Engine {}

impl Engine {
    pub(super) fn detect() -> Option<Self> {
        None
    }

    pub(super) fn one(self, _: &mut State, _: &[Block]) {
        match self {}
    }

    pub(super) fn two(self, _: [&mut State; 2], _: [&[Block]; 2]) {
        match self {}
    }
}
