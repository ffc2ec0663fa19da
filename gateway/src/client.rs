//! Typed client of the public API (mTLS), used by the command line, the demonstration and the tests.
use certs::certificate::Certificate;
use certs::dev::Identity;
use schemas::message::*;
use schemas::registry::*;
use schemas::{CaseId, Edrpou, EventId, LeaseToken, MailboxId, MessageId, Problem};
use bytes::Bytes;
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("refused: {} ({})", .0.code, .0.title)] Refused(Box<Problem>),
    #[error("cannot reach the node: {0}")] Transport(String),
    #[error("the node answered something unexpected: {0}")] Unexpected(String),
}
#[derive(Clone)]
pub struct Client { inner: () }
impl Client {
    /// `base`: https://host:port ; `roots`: anchors of the node's TLS certificate; `identity`: client certificate chain (leaf first) and PKCS#8 DER key.
    pub fn new(_base: &str, _roots: &[Certificate], _identity: Option<(&[Certificate], &[u8])>) -> Result<Self, ClientError> { todo!() }
    pub fn for_identity(_base: &str, _root: &Certificate, _issuing: &Certificate, _identity: &Identity) -> Result<Self, ClientError> { todo!() }
    pub async fn submit(&self, _idempotency_key: &str, _envelope: &Envelope, _signature: Vec<u8>, _document: Bytes) -> Result<(Receipt, /* replayed */ bool), ClientError> { todo!() }
    pub async fn list(&self, _mailbox: &MailboxId, _state: Option<MessageState>, _after: Option<MessageId>, _limit: Option<u32>) -> Result<MessagePage, ClientError> { todo!() }
    pub async fn lease(&self, _mailbox: &MailboxId, _request: &LeaseRequest) -> Result<Lease, ClientError> { todo!() }
    pub async fn message(&self, _message: MessageId) -> Result<MessageSummary, ClientError> { todo!() }
    pub async fn download(&self, _message: MessageId, _part: u8, _lease: LeaseToken) -> Result<Bytes, ClientError> { todo!() }
    pub async fn acknowledge(&self, _message: MessageId, _lease: LeaseToken, _signed: Vec<u8>) -> Result<AcknowledgementReceipt, ClientError> { todo!() }
    pub async fn case_events(&self, _case: CaseId) -> Result<CaseEvents, ClientError> { todo!() }
    pub async fn participants(&self) -> Result<Participants, ClientError> { todo!() }
    pub async fn register(&self, _edrpou: Edrpou, _registration: &ParticipantRegistration) -> Result<Participant, ClientError> { todo!() }
    pub async fn set_channel(&self, _channel: &Channel) -> Result<(), ClientError> { todo!() }
    pub async fn checkpoint(&self) -> Result<String, ClientError> { todo!() }
    /// Entry bytes and tlog-proof text.
    pub async fn proof(&self, _event: EventId) -> Result<schemas::message::LogProof, ClientError> { todo!() }
}
