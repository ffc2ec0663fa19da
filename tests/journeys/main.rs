//! Documents that cross the node, told as stories.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod delivery;
mod exported;
mod held;
mod large;
mod relay;
mod restart;
mod whole;
mod wire;
