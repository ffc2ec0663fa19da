//! Documents between participants: intake, delivery, mailboxes, and the evidence of every step.
//!
//! | module | what it holds | source |
//! |---|---|---|
//! | [`intake`] | a document arrives: hashed and sealed while it streams, validated, committed in one transaction | EN 319 522-1 A.1, A.2 |
//! | [`upload`] | a submission in several requests: announced, uploaded in ranges, sent | V.1, A.1, A.2 |
//! | `hold` | what waits for a fact about its signatures, and for how long | V.2, A.1, A.2 |
//! | [`delivery`] | queued messages go to their mailboxes | D.1 |
//! | [`mailbox`] | the recipient lists, leases, downloads, acknowledges; both parties read | E.1, C.3, C.4 |
//! | [`relay`] | messages that go to other nodes and come from there, and what both nodes state of them | B.1, B.2, B.3 |
//! | [`key_ring`] | wraps document keys for recipients without an encryption certificate | ARCHITECTURE, rule 3 |
//! | `document_key` | who can open a document: its recipient alone, or the node for one without a certificate | as above |
//! | [`scan`] | what a malware scanner is asked while a document streams through, and what becomes of the document | ISO/IEC 27001:2022 A.8.7 |
//! | [`screening`] | parts on their way past the scanner: what it is given of them, the marks that they carry on | as above |
//! | [`quarantine`] | what could not be delivered, and the two operators who have it delivered again | V.6 |
//! | [`state`] | where a message may go from where it stands, and the one piece of evidence of each step | EN 319 522-1, 6 |
//! | `edge` | the one way to take a step: state, evidence and audit row in one transaction | - |
//! | `timers` | what happens to messages although nobody does anything: reminders, expiry | C.5, D.4 |
//! | [`notices`] | who subscribed is told what happens, over webhooks | D.3, D.4 |
//! | [`evidence`] | what the node states, signed: JAdES B-B | ETSI TS 119 182-1, RFC 7515 |
//! | [`retention`] | classes, legal holds, disposal acts with two signatures, erasure | ISO/IEC 27001:2022 A.8.10 |
//! | [`export`] | a case taken away: everything that proves it in one signed container, and the check of it | EN 319 162-1 |
//!
//! Nothing here decides who may: every function takes a permit of `access`. Nothing here changes anything without its
//! audit row: every change goes through `audit::Ledger::transact`.

mod channel;
pub mod delivery;
mod document_key;
mod edge;
pub mod evidence;
pub mod export;
mod hold;
pub mod intake;
pub mod key_ring;
mod lately;
pub mod mailbox;
mod message;
mod metadata;
pub mod notices;
pub mod quarantine;
pub mod refusal;
pub mod relay;
pub mod retention;
pub mod scan;
pub mod screening;
pub mod service;
mod signature;
pub mod state;
mod sweep;
mod tables;
mod timers;
mod unseal;
pub mod upload;

pub use edge::Terms;
pub use refusal::Refusal;
pub use service::{Exchange, Parts};

#[cfg(test)]
mod tests;
