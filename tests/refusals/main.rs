//! Everything that must be refused, over the wire: with which status and code, in two languages, with a row in the
//! transparency log, and with nothing stored. Never a 500, never a panic.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod announcements;
mod applicants;
mod case;
mod coverage;
mod fuzz;
mod handmade;
mod logins;
mod messages;
mod people;
mod probe;
mod quotas;
mod requests;
mod retention;
mod routing;
mod scanning;
mod sessions;
mod signatures;
mod submissions;
mod subscriptions;
