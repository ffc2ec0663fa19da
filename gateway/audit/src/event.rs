//! Audited events and their canonical entries (JCS: keys sorted, no floats).
use schemas::{EventId, ProblemCode};
use time::OffsetDateTime;
/// Stable names of deeds; the wire form is kebab/dotted, e.g. "document.submit".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action { Login, SubmitDocument, ConsignMessage, ListMailbox, LeaseMessages, DownloadPart, AcknowledgeMessage, ReadCase, ReadMessage, ReadParticipants, RegisterParticipant, SetChannel, RemoveChannel, ReadLog, NodeStarted, ObjectsSwept, ExpireMessage, Request }
impl Action { pub fn as_str(self) -> &'static str { todo!() } pub const ALL: &'static [Self] = &[]; }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome { Done, Refused(ProblemCode) }
/// What the caller says of an event.
#[derive(Debug, Clone)]
pub struct EventDraft { pub action: Action, /** pseudonymous: "participant:<edrpou>", "operator:<fingerprint16>", "anonymous", "node" */ pub actor: String, /** e.g. "message:<id>" */ pub object: Option<String>, pub outcome: Outcome, /** committed by salted hash, stored beside the tree, never in it */ pub details: serde_json::Value }
/// A complete event: id, time, per-boot counter, salt, canonical entry bytes. Built by Ledger::prepare before the transaction.
#[derive(Debug, Clone)]
pub struct Event { inner: () }
impl Event { pub fn id(&self) -> EventId { todo!() } pub fn at(&self) -> OffsetDateTime { todo!() } /** canonical bytes, the Merkle leaf's content */ pub fn entry(&self) -> &[u8] { todo!() } }
