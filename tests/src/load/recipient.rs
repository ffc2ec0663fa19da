//! The receiving side: leases in batches, downloads both parts, opens them, checks the digests, acknowledges with a
//! signature.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crypto::digest::{DigestAlgorithm, digest};
use crypto::seal::{self, DocumentKey};
use gateway::demo::parties::part_context;
use http::StatusCode;
use schemas::message::{Lease, LeaseRequest, LeasedMessage};
use schemas::{LeaseToken, limits};
use signing::cades::{self, Content};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::options::Options;
use super::party::Party;
use super::pool::{Pool, request};
use super::tally::Tally;
use crate::harness::agency::statement;

/// Messages that one recipient works on at the same time: what it leases at once, so that a slow node is seen as slow and
/// not a slow recipient.
const HANDS: usize = limits::LEASE_MESSAGES as usize;

/// Seconds that the node may hold a lease back until something is there.
const WAIT: u32 = 10;

/// Tries of one step before the message is given up; a busy node may answer 503 meanwhile.
const TRIES: u32 = 5;

/// A participant that receives.
pub struct Recipient {
    party: Party,
    pool: Arc<Pool>,
}

/// The recipients at work.
pub struct AtWork(Vec<JoinHandle<()>>);

impl AtWork {
    /// Stops leasing.
    pub fn stop(self) {
        for worker in self.0 {
            worker.abort();
        }
    }
}

/// Sets all recipients to work.
#[must_use]
pub fn start(recipients: &[Arc<Recipient>], tally: &Arc<Tally>, options: &Options) -> AtWork {
    let poll = Duration::from_millis(options.poll);
    AtWork(recipients.iter().map(|r| tokio::spawn(r.clone().work(tally.clone(), poll))).collect())
}

impl Recipient {
    /// Of `party`, over `pool`.
    #[must_use]
    pub fn new(party: Party, pool: Arc<Pool>) -> Self {
        Self { party, pool }
    }

    /// Its connections.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn work(self: Arc<Self>, tally: Arc<Tally>, poll: Duration) {
        let hands = Arc::new(Semaphore::new(HANDS));
        loop {
            let free = u32::try_from(hands.available_permits()).unwrap_or_default().min(limits::LEASE_MESSAGES);
            let lease = if free == 0 { None } else { self.lease(free, &tally).await };
            let Some(lease) = lease.filter(|lease| !lease.messages.is_empty()) else {
                tokio::time::sleep(poll).await;
                continue;
            };
            for message in lease.messages {
                let hand = hands.clone().acquire_owned().await.expect("the semaphore is never closed");
                let (recipient, tally) = (self.clone(), tally.clone());
                tokio::spawn(async move {
                    if let Err(failure) = recipient.handle(lease.token, &message, &tally).await {
                        tally.failure(&failure);
                    }
                    drop(hand);
                });
            }
            tokio::time::sleep(poll).await;
        }
    }

    async fn lease(&self, most: u32, tally: &Tally) -> Option<Lease> {
        let wish =
            serde_json::to_vec(&LeaseRequest { max_messages: most, seconds: 600, contents: true, wait_seconds: WAIT })
                .expect("JSON");
        let target = format!("/v1/mailboxes/{}/leases", self.party.mailbox);
        match self.pool.ask(request("POST", &target, &[("content-type", "application/json")], wish)).await {
            Ok((StatusCode::CREATED, body)) => serde_json::from_slice(&body).ok(),
            Ok((status, body)) => {
                tally.refusal("lease", status, &body);
                None
            }
            Err(error) => {
                tally.failure(&format!("lease: {error}"));
                None
            }
        }
    }

    async fn handle(&self, lease: LeaseToken, message: &LeasedMessage, tally: &Tally) -> Result<(), String> {
        let envelope = STANDARD.decode(&message.key_envelope).map_err(|_| "key envelope: not base64")?;
        let encryption = &self.party.encryption;
        let key = signing::envelope::open_key(&envelope, encryption.leaf(), &encryption.key)
            .map_err(|e| format!("key envelope: {e}"))?;
        let (document, _signature) = if message.contents.is_empty() {
            tokio::try_join!(self.fetch(lease, message, 0, &key), self.fetch(lease, message, 1, &key))?
        } else {
            (inside(message, 0, &key)?, inside(message, 1, &key)?)
        };
        let Some(index) = tally.run().index(&document) else { return Ok(()) };
        tally.opened(index);
        let json = serde_json::to_vec(&statement(message.summary.message_id, &document, None)).expect("JSON");
        let signer = &self.party.signer;
        let algorithm = signer.key.default_algorithm();
        let signed =
            cades::sign(Content::Attached(&json), &signer.key, algorithm, &signer.chain, OffsetDateTime::now_utc())
                .map_err(|e| format!("acknowledge: {e}"))?;
        let target = format!("/v1/messages/{}/acknowledgement", message.summary.message_id);
        let headers = [("content-type", "application/pkcs7-mime"), ("vuzol-lease", &*lease.to_string())];
        self.insist("acknowledge", StatusCode::CREATED, "POST", &target, &headers, signed.into()).await?;
        tally.completed(index);
        Ok(())
    }

    async fn fetch(
        &self,
        lease: LeaseToken,
        message: &LeasedMessage,
        number: u8,
        key: &DocumentKey,
    ) -> Result<Vec<u8>, String> {
        let id = message.summary.message_id;
        let target = format!("/v1/messages/{id}/parts/{number}");
        let headers = [("vuzol-lease", &*lease.to_string())];
        let sealed = self.insist("download", StatusCode::OK, "GET", &target, &headers, Bytes::new()).await?;
        opened(message, number, key, &sealed)
    }

    async fn insist(
        &self,
        step: &str,
        expected: StatusCode,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Bytes, String> {
        let mut last = String::new();
        for attempt in 1..=TRIES {
            match self.pool.ask(request(method, target, headers, body.clone())).await {
                Ok((status, body)) if status == expected => return Ok(body),
                Ok((status, body)) => last = Tally::name_refusal(step, status, &body),
                Err(error) => last = format!("{step}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100) * attempt).await;
        }
        Err(last)
    }
}

/// A part that came with the lease.
fn inside(message: &LeasedMessage, number: u8, key: &DocumentKey) -> Result<Vec<u8>, String> {
    let part = message.contents.iter().find(|part| part.number == number);
    let sealed = part.ok_or_else(|| format!("part {number}: not in the lease"))?;
    let sealed = STANDARD.decode(&sealed.sealed).map_err(|_| format!("part {number}: not base64"))?;
    opened(message, number, key, &sealed)
}

fn opened(message: &LeasedMessage, number: u8, key: &DocumentKey, sealed: &[u8]) -> Result<Vec<u8>, String> {
    let context = part_context(message.summary.message_id, number);
    let opened = seal::open(key, &context, sealed).map_err(|e| format!("part {number}: {e}"))?;
    let announced = message.parts.iter().find(|part| part.number == number).map(|part| part.sha256.as_str());
    let matches = announced == Some(&digest(DigestAlgorithm::Sha256, &opened).to_hex());
    matches.then_some(opened).ok_or_else(|| format!("part {number}: digest differs"))
}
