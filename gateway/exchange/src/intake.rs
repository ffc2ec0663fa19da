//! A document arrives: hashed and sealed while it streams in, validated, committed in one transaction.
use crate::refusal::Refusal;
use crate::service::Exchange;
use access::Permit;
use access::decide::SubmitDocument;
use bytes::Bytes;
use futures_util::Stream;
use schemas::ProblemCode;
use schemas::message::{Envelope, Receipt};
/// 1 to 64 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);
impl IdempotencyKey { pub fn parse(_text: &str) -> Option<Self> { todo!() } }
pub struct Submission { pub envelope: Envelope, /** detached CMS */ pub signature: Vec<u8>, pub idempotency_key: IdempotencyKey }
pub struct Accepted { pub receipt: Receipt, /** the same submission was accepted before */ pub replayed: bool }
/// How a body stream breaks: the code says whether it was cut, too large, or too slow.
pub type BodyError = ProblemCode;
impl Exchange {
    pub async fn intake<S>(&self, _permit: Permit<SubmitDocument>, _submission: Submission, _document: S) -> Result<Accepted, Refusal>
    where S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin { todo!() }
}
