//! Documents that cross the node, and the people who work at it, told as stories.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agency;
mod centre;
mod database;
mod delivery;
mod exported;
mod held;
mod keepers;
mod large;
mod peers;
mod relay;
mod restart;
mod revocation;
mod story;
mod whole;
mod wire;
mod witnesses;
