//! What happened, provably.
pub mod event;
pub mod ledger;
pub mod log;
pub use event::{Action, Event, EventDraft, Outcome};
pub use ledger::{Appended, Audited, Ledger, append};
pub use log::Log;
