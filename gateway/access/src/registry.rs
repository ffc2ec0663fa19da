//! Participants, their certificates and channels; cached, refreshed on change.
use crate::decide::{Permit, RegisterParticipant, SetChannel};
use audit::Ledger;
use certs::certificate::Certificate;
use schemas::registry::{Channel, Participant, ParticipantRegistration};
use schemas::{Edrpou, MailboxId, ProblemCode};
use storage::{Clock, StoreError};
use std::sync::Arc;
#[derive(Clone)]
pub struct Registry { inner: () }
#[derive(Debug, thiserror::Error)]
pub enum RegistryError { #[error(transparent)] Store(#[from] StoreError), #[error("{code}: {detail}")] Invalid { code: ProblemCode, detail: String } }
impl Registry {
    pub fn new(_ledger: Ledger, _clock: Arc<dyn Clock>) -> Self { todo!() }
    pub async fn register(&self, _permit: Permit<RegisterParticipant>, _registration: ParticipantRegistration) -> Result<Participant, RegistryError> { todo!() }
    pub async fn set_channel(&self, _permit: Permit<SetChannel>, _channel: Channel) -> Result<(), RegistryError> { todo!() }
    pub async fn participants(&self) -> Result<Vec<Participant>, StoreError> { todo!() }
    pub async fn participant(&self, _edrpou: Edrpou) -> Result<Option<Participant>, StoreError> { todo!() }
    pub async fn login_owner(&self, _certificate: &[u8; 32]) -> Result<Option<Edrpou>, StoreError> { todo!() }
    pub async fn mailbox_exists(&self, _mailbox: &MailboxId) -> Result<bool, StoreError> { todo!() }
    /// The participant's current encryption certificate.
    pub async fn encryption_certificate(&self, _participant: Edrpou) -> Result<Option<Certificate>, StoreError> { todo!() }
    pub async fn channel_allows(&self, _sender: Edrpou, _recipient: &MailboxId, _kind: &schemas::DocumentKind) -> Result<bool, StoreError> { todo!() }
}
