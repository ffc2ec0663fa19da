//! The door: HTTP, wiring, outbound client, workers, commands.
pub mod client;
pub mod commands;
pub mod config;
pub mod demo;
pub mod http;
pub mod outbound;
pub mod wiring;
pub mod workers;
