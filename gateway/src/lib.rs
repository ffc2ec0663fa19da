//! The door: HTTP, wiring, outbound client, workers, commands.
//!
//! The only crate that knows of HTTP, TLS, configuration files and signals. Rules live in the rooms below; what stands here
//! turns requests into calls of one service function each, and refusals into problems.
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | `vuzol.toml`, every key and what breaks when it is wrong |
//! | [`wiring`] | the only place that joins rooms: a running [`wiring::Node`] |
//! | [`http`] | TLS, limits, identity, routes, problems, the OpenAPI document |
//! | [`outbound`] | the hardened client that asks OCSP responders; trust anchors from folders |
//! | `policies` | the signed bundle of policies, as a file |
//! | [`workers`] | delivery, rounds of the log, sweeping; supervision |
//! | [`telemetry`] | log lines and metrics |
//! | [`client`] | the typed client of the public API |
//! | [`commands`] | the command line |
//! | [`portals`] | thin clients for people |
//! | [`witness`] | a witness for the logs of others, as a service of its own |

pub mod client;
pub mod commands;
pub mod config;
pub mod demo;
mod evidence_key;
pub mod http;
mod identity_key;
pub mod outbound;
mod payload_key;
mod people_doors;
mod policies;
pub mod portals;
pub mod telemetry;
mod token_key;
pub mod wiring;
pub mod witness;
pub mod workers;
