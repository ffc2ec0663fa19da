//! The sending side: signs each document when it is due, or all before the first is, and submits it.

use std::sync::Arc;

use crypto::digest::{DigestAlgorithm, digest};
use http::StatusCode;
use schemas::MailboxId;
use schemas::message::{Envelope, MediaType};
use serde::Deserialize;
use signing::cades::{self, Content};
use time::OffsetDateTime;
use tokio_util::task::TaskTracker;

use super::Run;
use super::options::Options;
use super::party::Party;
use super::pool::{Pool, request};
use super::tally::Tally;
use crate::harness::Form;

/// A participant that sends to one mailbox.
pub struct Sender {
    party: Party,
    recipient: MailboxId,
    pool: Arc<Pool>,
}

#[derive(Deserialize)]
struct ReceiptHead {
    #[serde(rename = "message_id")]
    _message_id: String,
}

impl Sender {
    /// Of `party`, over `pool`.
    #[must_use]
    pub fn new(party: Party, recipient: MailboxId, pool: Arc<Pool>) -> Self {
        Self { party, recipient, pool }
    }

    /// Its connections.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn submit(&self, index: u64, size: usize, signature: Option<Vec<u8>>, tally: &Tally) {
        let document = tally.run().document(index, size);
        let signature = signature.unwrap_or_else(|| self.sign(&document));
        let body = Form::submission(&self.envelope(), &signature, &document).to_bytes();
        let key = format!("{}-{index}", tally.run_name());
        let headers = [("content-type", &*Form::media_type()), ("idempotency-key", &key)];
        match self.pool.ask(request("POST", "/v1/submissions", &headers, body)).await {
            Ok((StatusCode::CREATED, body)) => match serde_json::from_slice::<ReceiptHead>(&body) {
                Ok(_) => tally.receipt(index),
                Err(_) => tally.failure("receipt: not a receipt"),
            },
            Ok((status, body)) => tally.refusal("submit", status, &body),
            Err(error) => tally.failure(&format!("submit: {error}")),
        }
    }

    fn sign(&self, document: &[u8]) -> Vec<u8> {
        let signer = &self.party.signer;
        let content = Content::Detached(digest(DigestAlgorithm::Sha256, document));
        cades::sign(content, &signer.key, signer.key.default_algorithm(), &signer.chain, OffsetDateTime::now_utc())
            .expect("a software key signs")
    }

    fn envelope(&self) -> Vec<u8> {
        let envelope = Envelope {
            sender: self.party.edrpou,
            recipient: self.recipient.clone(),
            kind: "letter".parse().expect("a kind"),
            case_id: None,
            media_type: MediaType::try_from("application/octet-stream".to_owned()).expect("a media type"),
            metadata: None,
        };
        serde_json::to_vec(&envelope).expect("an envelope is JSON")
    }
}

/// Signatures of the documents of a run, in their order.
pub struct Prepared(Vec<Vec<u8>>);

impl Prepared {
    /// Signs what the options say, on as many threads as there are processors; nothing where they do not ask for it.
    ///
    /// # Panics
    /// Where a key does not sign.
    #[must_use]
    pub fn sign(senders: &[Arc<Sender>], run: Run, options: &Options) -> Self {
        let documents = if options.prepare { usize::try_from(count(options)).expect("they fit in memory") } else { 0 };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = documents.div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let sign = |first: usize| {
                let indices = first..(first + share).min(documents);
                let signed =
                    |index: usize| senders[index % senders.len()].sign(&run.document(index as u64, options.size));
                indices.map(signed).collect::<Vec<_>>()
            };
            let first = (0..documents).step_by(share);
            let parts: Vec<_> = first.map(|first| scope.spawn(move || sign(first))).collect();
            Self(parts.into_iter().flat_map(|part| part.join().expect("a software key signs")).collect())
        })
    }
}

/// Makes every submission when it is due, round the senders; returns the ones that are still under way. (A handle of each would keep what its
/// task had held until it is awaited: some kilobytes, for every submission of a run.)
pub async fn send_all(
    senders: &[Arc<Sender>],
    prepared: Prepared,
    tally: &Arc<Tally>,
    options: &Options,
) -> TaskTracker {
    let size = options.size;
    let submissions = TaskTracker::new();
    let mut signatures = prepared.0.into_iter();
    for (index, sender) in (0..count(options)).zip(senders.iter().cycle()) {
        tokio::time::sleep_until(tally.run().due(index)).await;
        let (sender, tally, signature) = (sender.clone(), tally.clone(), signatures.next());
        tally.sent();
        submissions.spawn(async move { sender.submit(index, size, signature, &tally).await });
    }
    submissions.close();
    submissions
}

fn count(options: &Options) -> u64 {
    u64::from(options.rate) * u64::from(options.seconds)
}
