//! Decisions: Cedar policies (gateway/access/policies/*.cedar) -> Permit<Action>.
use crate::actor::Actor;
use crate::registry::Registry;
use certs::revocation::RevocationSource;
use certs::trust::TrustSource;
use schemas::{CaseId, DocumentKind, Edrpou, MailboxId, MessageId, ProblemCode};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::Clock;
/// An action with what it is about.
pub trait Action: Send + Sync + 'static { const NAME: &'static str; type Resource: Clone + Send + Sync + 'static; }
macro_rules! actions { ($($(#[$d:meta])* $name:ident($res:ty) = $text:literal;)*) => {$( $(#[$d])* #[derive(Debug)] pub struct $name; impl Action for $name { const NAME: &'static str = $text; type Resource = $res; } )*
    /// Every action by name (the golden role x action matrix walks it).
    pub const ACTIONS: &[&str] = &[$($text),*]; } }
/// What a submission is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionResource { pub sender: Edrpou, pub recipient: MailboxId, pub kind: DocumentKind }
/// Who takes part in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageResource { pub message: MessageId, pub sender: Edrpou, pub recipient: MailboxId }
/// Who takes part in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResource { pub case: CaseId, pub participants: Vec<Edrpou> }
actions! {
    SubmitDocument(SubmissionResource) = "submit_document";
    ListMailbox(MailboxId) = "list_mailbox";
    LeaseMessages(MailboxId) = "lease_messages";
    ReadMessage(MessageResource) = "read_message";
    DownloadPart(MessageResource) = "download_part";
    AcknowledgeMessage(MessageResource) = "acknowledge_message";
    ReadCase(CaseResource) = "read_case";
    ReadParticipants(()) = "read_participants";
    RegisterParticipant(Edrpou) = "register_participant";
    SetChannel(MailboxId) = "set_channel";
    ReadLog(()) = "read_log";
}
/// May do A to the resource. Only `Access::decide` makes one.
#[derive(Debug, Clone)]
pub struct Permit<A: Action> { _actor: Actor, _resource: A::Resource }
impl<A: Action> Permit<A> { pub fn actor(&self) -> &Actor { &self._actor } pub fn resource(&self) -> &A::Resource { &self._resource } }
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct Denied { pub code: ProblemCode, /** ids of the policies that decided */ pub policies: Vec<String> }
/// What Cedar sees of a resource.
pub trait Describe<A: Action> { }
#[derive(Clone)]
pub struct Access { inner: () }
impl Access {
    pub fn new(_registry: Registry, _trust: Arc<dyn TrustSource>, _revocation: Arc<dyn RevocationSource>, _clock: Arc<dyn Clock>, _operators: BTreeSet<[u8; 32]>) -> Self { todo!() }
    /// Identifies the owner of a TLS client certificate chain (DER, leaf first; empty = none presented): path, validity, revocation, registration.
    pub async fn identify(&self, _chain: &[Vec<u8>]) -> Result<Actor, ProblemCode> { todo!() }
    /// Decides; the channel check of SubmitDocument is part of it.
    pub async fn decide<A: Action>(&self, _actor: &Actor, _resource: A::Resource) -> Result<Permit<A>, Denied> { todo!() }
    pub fn registry(&self) -> &Registry { todo!() }
}
