//! Durable state without rules.
//!
//! This room keeps bytes and rows and gives them back. It knows what a transaction, a lease and an object are; it knows
//! nothing of messages, roles or evidence, and decides nothing about them.
//!
//! | module | what it owns |
//! |---|---|
//! | [`store`] | the interface: one [`Writer`] that commits groups, many [`Reader`]s, [`Tx`], [`Row`], [`Value`] |
//! | `writer`, `reader` | the storage threads behind it |
//! | `sqlite` | connections of the embedded back end: what is set, what is checked, what its errors mean |
//! | `postgres` | connections of the grown back end, likewise |
//! | [`mod@migrate`] | the schema and its version |
//! | [`jobs`] | deferred work under leases |
//! | [`objects`] | large immutable objects |
//! | [`fetched`] | a bounded cache of what was fetched from outside |
//! | [`seen`] | when somebody was last seen |
//! | [`space`] | room on the disk: the low-water mark and the reserve |
//! | [`clock`], [`ids`] | the time and fresh identifiers |
//!
//! With the feature `throwaway`, for tests and benches: databases of both kinds that end with the process.
//!
//! Fences: rusqlite, sqlx and `object_store` are named in this crate only.

pub mod clock;
pub mod fetched;
pub mod ids;
pub mod jobs;
pub mod migrate;
pub mod objects;
mod postgres;
mod reader;
pub mod seen;
pub mod space;
mod sqlite;
pub mod store;
#[cfg(any(test, feature = "throwaway"))]
pub mod throwaway;
mod writer;

pub use clock::Clock;
pub use space::Space;
pub use store::{Reader, Row, StoreError, Tx, TxError, Value, Writer};
