//! Durable state without rules.
pub mod clock;
pub mod ids;
pub mod jobs;
pub mod objects;
pub mod store;
pub use clock::Clock;
pub use store::{Reader, Row, StoreError, Tx, TxError, Value, Writer};
