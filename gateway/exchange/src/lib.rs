//! Documents between participants: intake, routing, delivery, evidence, retention, notices.
pub mod delivery;
pub mod evidence;
pub mod intake;
pub mod mailbox;
pub mod refusal;
pub mod service;
pub use refusal::Refusal;
pub use service::{Exchange, Parts};
