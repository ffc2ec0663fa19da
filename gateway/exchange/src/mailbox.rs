//! The recipient's side: list, lease, download, acknowledge; and what both sides may read.
use crate::refusal::Refusal;
use crate::service::Exchange;
use access::Permit;
use access::decide::*;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use schemas::message::*;
use schemas::{CaseId, LeaseToken, MessageId};
/// A part on its way out.
pub struct PartDownload { pub part: Part, /** the range that is sent, of the sealed bytes */ pub range: std::ops::Range<u64>, pub body: BoxStream<'static, Result<Bytes, storage::StoreError>> }
impl Exchange {
    /// Facts for the decision; None: no such message (404 for everyone).
    pub async fn message_resource(&self, _message: MessageId) -> Result<Option<MessageResource>, Refusal> { todo!() }
    pub async fn case_resource(&self, _case: CaseId) -> Result<Option<CaseResource>, Refusal> { todo!() }
    pub async fn list(&self, _permit: Permit<ListMailbox>, _state: Option<MessageState>, _after: Option<MessageId>, _limit: u32) -> Result<MessagePage, Refusal> { todo!() }
    pub async fn lease(&self, _permit: Permit<LeaseMessages>, _request: LeaseRequest) -> Result<Lease, Refusal> { todo!() }
    pub async fn read_message(&self, _permit: Permit<ReadMessage>) -> Result<MessageSummary, Refusal> { todo!() }
    /// First download under a lease of part 0 hands the message over (E.1); each download is audited before the first byte leaves.
    /// `range`: as parsed from the Range header (start, end exclusive, both optional).
    pub async fn download(&self, _permit: Permit<DownloadPart>, _part: u8, _lease: LeaseToken, _range: Option<(Option<u64>, Option<u64>)>) -> Result<PartDownload, Refusal> { todo!() }
    /// `signed`: attached CMS whose content is an `Acknowledgement`.
    pub async fn acknowledge(&self, _permit: Permit<AcknowledgeMessage>, _lease: LeaseToken, _signed: Vec<u8>) -> Result<AcknowledgementReceipt, Refusal> { todo!() }
    pub async fn case_events(&self, _permit: Permit<ReadCase>) -> Result<CaseEvents, Refusal> { todo!() }
}
