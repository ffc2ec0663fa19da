//! What happened, provably.
//!
//! A transparency log in the format of C2SP tlog-tiles (RFC 6962 tree), coupled to the transactions of the acts that it
//! records: an act's entry is written in the transaction of the act ([`ledger`]), gets its number from one sequencer,
//! and comes under a signed checkpoint within a fraction of a second ([`log`]). Nothing personal is in an entry; what is
//! personal lies beside the tree under a salted commitment ([`event`]), sealed ([`payload`]), and can be erased without breaking a proof.
//!
//! This room records and proves. It does not decide who may read the log (`access`), and it does not speak HTTP.
//!
//! Checkpoints can be signed by a process of its own, which believes nobody ([`signer`]).
//! Officers search it by an index that nobody has to believe ([`mod@index`]), and take parts of it away ([`archive`]).
//! Rules look at what is logged ([`detect`]) and raise alerts ([`alert`]).
//!
//! Others vouch for it: witnesses cosign its checkpoints ([`quorum`]), time-stamp authorities say that they were there ([`anchors`]). Anybody can check the
//! whole of it, offline, from its tiles and checkpoints ([`verify`](mod@verify)). For the logs of others one can be a witness ([`witness`]: the rules of
//! C2SP tlog-witness, without HTTP), and keep a copy ([`mirror`]).
//!
//! What the log does not do yet: ML-DSA checkpoint signatures. The tree arithmetic is `crypto::merkle`.

mod alarm;
pub mod alert;
pub mod anchors;
pub mod archive;
pub mod detect;
pub mod event;
pub mod index;
pub mod ledger;
pub mod log;
pub mod mirror;
pub mod payload;
pub mod quorum;
#[cfg(unix)]
pub mod signer;
pub mod verify;
pub mod witness;

pub use alert::Alerts;
pub use event::{Action, Event, EventDraft, Outcome};
pub use index::Index;
pub use ledger::{Appended, Audited, Ledger, append};
pub use log::Log;
pub use payload::PayloadKeys;
pub use witness::Witness;
