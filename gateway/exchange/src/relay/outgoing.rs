//! A message on its way to the recipient's node.

use access::peers::Peer;
use audit::{Action, Outcome};
use bytes::{Bytes, BytesMut};
use crypto::digest::{DigestAlgorithm, Digester, from_hex, hex};
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::limits::RELAY_PIECE_BYTES;
use schemas::message::{Part, State};
use schemas::relay::{RelayOffer, RelayOutcome, SealedDigest};
use schemas::{MessageId, ProblemCode};
use storage::jobs::{self, Job};
use storage::{StoreError, TxError};
use time::Duration;

use super::{CarryError, Piece, RELAY, UNKNOWN_PEER, is_final, job_kind, named, pause, stated};
use crate::edge::{self, Deed, Edge, NoEdge};
use crate::message::Message;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Content, PeerEvidence, Travelling};

/// How long a relay may be silent before another process tries; prolonged with each piece.
const JOB_LEASE: Duration = Duration::minutes(3);

/// Why a try came to no end of its own: the job stays, and another round finds it.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the lease on the job was lost")]
    LeaseLost,
    #[error("the message is not where the job expects it")]
    Moved,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("evidence cannot be signed: {0}")]
    Signing(#[from] crypto::key::KeyError),
}

impl From<TxError<Failed>> for Failed {
    fn from(error: TxError<Failed>) -> Self {
        match error {
            TxError::Refused(failed) => failed,
            TxError::Store(error) => Self::Store(error),
        }
    }
}

impl From<NoEdge> for Failed {
    fn from(error: NoEdge) -> Self {
        match error {
            NoEdge::Wrong(_) => Self::Moved,
            NoEdge::Signing(error) => Self::Signing(error),
        }
    }
}

/// Why a transfer did not arrive.
enum NotCarried {
    ByPeer(CarryError),
    Here(Failed),
}

impl From<CarryError> for NotCarried {
    fn from(error: CarryError) -> Self {
        Self::ByPeer(error)
    }
}

impl<E: Into<Failed>> From<E> for NotCarried {
    fn from(error: E) -> Self {
        Self::Here(error.into())
    }
}

/// What becomes of the job with the step.
enum JobThen {
    Done,
    DueAt(time::OffsetDateTime),
}

impl Exchange {
    /// One round for one peer: leases up to `limit` due relays and carries them side by side. Returns how many were leased: less
    /// than `limit` means that nothing more is due, or that the peer rests.
    ///
    /// # Errors
    /// When jobs cannot be leased. A relay that fails is tried again later and holds up no other.
    pub async fn relay_round(&self, peer: &str, limit: u32) -> Result<usize, StoreError> {
        let (relay, now) = (&self.inner.relay, self.inner.clock.now());
        let Some(peer) = relay.peer(peer).await? else { return Ok(0) };
        if relay.carrier.rests(&peer, now) {
            return Ok(0);
        }
        let due = jobs::claim(&self.inner.jobs, &job_kind(peer.name()), limit, JOB_LEASE, now).await?;
        join_all(due.iter().map(|job| self.relay(&peer, job))).await;
        Ok(due.len())
    }

    /// One round for messages to nodes that are no peers, or no more: each has its attempt on record, with the reason,
    /// and is given up when its time is over, as if the node could not be reached. Returns how many there were; at most `limit` of each.
    ///
    /// # Errors
    /// When jobs cannot be found or leased.
    pub async fn unknown_peers_round(&self, limit: u32) -> Result<usize, StoreError> {
        let kinds = self.inner.ledger.reader().read("relay_kinds", |tx| jobs::kinds_from(tx, RELAY)).await?;
        let mut count = 0;
        for kind in &kinds {
            let Some(peer) = kind.strip_prefix(RELAY) else { continue };
            if self.inner.relay.peer(peer).await?.is_some() {
                continue;
            }
            let now = self.inner.clock.now();
            for job in jobs::claim(&self.inner.jobs, kind, limit, JOB_LEASE, now).await? {
                let outcome = self.find_nobody(peer, &job).await;
                self.relay_ended(peer, &job, outcome).await;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn find_nobody(&self, peer: &str, job: &Job) -> Result<&'static str, Failed> {
        let message = self.begun(job).await?;
        self.delay(peer, job, &message, CarryError::NoAnswer(UNKNOWN_PEER)).await
    }

    async fn relay(&self, peer: &Peer, job: &Job) {
        let outcome = self.try_relay(peer, job).await;
        self.relay_ended(peer.name(), job, outcome).await;
    }

    async fn relay_ended(&self, peer: &str, job: &Job, outcome: Result<&'static str, Failed>) {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(failed) => {
                tracing::warn!(job = %job.id, %peer, %failed, "a relay did not come to its end");
                let done = match failed {
                    Failed::LeaseLost => Ok(()),
                    Failed::Moved => self.close_relay(job).await,
                    Failed::Store(_) | Failed::Signing(_) => {
                        jobs::release(&self.inner.jobs, job, self.inner.clock.now() + pause(job.attempts)).await
                    }
                };
                if let Err(error) = done {
                    tracing::warn!(job = %job.id, %error, "a job cannot be given back");
                }
                "failed"
            }
        };
        metrics::counter!("vuzol_relays_total", "peer" => peer.to_owned(), "outcome" => outcome).increment(1);
    }

    async fn try_relay(&self, peer: &Peer, job: &Job) -> Result<&'static str, Failed> {
        let message = self.begun(job).await?;
        match self.transfer(peer, job, &message).await {
            Ok((outcome, statement)) => {
                let details = serde_json::json!({ "peer": &**peer.name() });
                let deed = Deed {
                    rests_on: Some(named(&statement, &outcome.evidence)),
                    ..Deed::of_node(Action::RelayMessage, details)
                };
                let edge = self.edge(&message, &Step::Relay, deed)?;
                let evidence = PeerEvidence::of(&statement, &outcome.evidence);
                self.end_relay(job, JobThen::Done, edge, evidence).await?;
                Ok("relayed")
            }
            Err(NotCarried::Here(failed)) => Err(failed),
            Err(NotCarried::ByPeer(CarryError::Refused { code, evidence })) if is_final(&code) => {
                self.refused_there(peer, job, &message, code, evidence).await?;
                Ok("refused")
            }
            Err(NotCarried::ByPeer(error)) => self.delay(peer.name(), job, &message, error).await,
        }
    }

    /// The job's message, with the attempt on record.
    async fn begun(&self, job: &Job) -> Result<Message, Failed> {
        let message = self.relayed_message(job).await?;
        match &message.state {
            Some(State::Queued { .. } | State::RetryWait { .. }) => self.begin(&message).await,
            // Another process began and fell silent: this goes on where it stopped.
            Some(State::Relaying { .. }) => Ok(message),
            _ => Err(Failed::Moved),
        }
    }

    async fn relayed_message(&self, job: &Job) -> Result<Message, Failed> {
        let id = MessageId::from_bytes(&job.subject).map_err(|_| StoreError::Corrupt("jobs.subject"))?;
        let reader = self.inner.ledger.reader();
        let message = reader.read("read_message", move |tx| tables::read_message(tx, id)).await?;
        message.ok_or(Failed::Store(StoreError::Corrupt("jobs.subject")))
    }

    /// V.4: the attempt is on record before the first byte leaves.
    async fn begin(&self, message: &Message) -> Result<Message, Failed> {
        let details = serde_json::json!({ "state": message.standing() });
        let edge = self.edge(message, &Step::Attempt, Deed::of_node(Action::RelayMessage, details))?;
        let after = edge.message.clone();
        let begun = self.inner.ledger.transact("begin_relay", move |tx| {
            let appended = edge::take(tx, &edge, None)?.ok_or(Failed::Moved)?;
            Ok::<_, Failed>(appended.with(()))
        });
        begun.await?;
        Ok(after)
    }

    /// B.2, with the peer's evidence where it gave any.
    async fn refused_there(
        &self,
        peer: &Peer,
        job: &Job,
        message: &Message,
        code: String,
        evidence: Option<String>,
    ) -> Result<(), Failed> {
        // A refusal whose evidence is not the peer's is a refusal all the same: it came over the peer's connection.
        let evidence = evidence.and_then(|jws| {
            let statement = stated(peer, &jws).ok()?;
            (speaks_of(&statement, message) && statement.kind == EvidenceKind::SubmissionRejection)
                .then_some((statement, jws))
        });
        let details = serde_json::json!({ "peer": &**peer.name(), "reason": &code });
        let rests_on = evidence.as_ref().map(|(statement, jws)| named(statement, jws));
        let deed = Deed { outcome: Outcome::Done, rests_on, ..Deed::of_node(Action::RelayMessage, details) };
        let edge = self.edge(message, &Step::RelayRefusal { reason: code }, deed)?;
        let evidence = evidence.and_then(|(statement, jws)| PeerEvidence::of(&statement, &jws));
        self.end_relay(job, JobThen::Done, edge, evidence).await
    }

    /// V.5, or B.3 where the time is over.
    async fn delay(&self, peer: &str, job: &Job, message: &Message, error: CarryError) -> Result<&'static str, Failed> {
        let reason = match error {
            CarryError::NoAnswer(code) => code.to_owned(),
            CarryError::Refused { code, .. } => code,
        };
        let now = self.inner.clock.now();
        let over = message.accepted_at.is_none_or(|accepted| now - accepted >= self.inner.relay.give_up);
        let attempt = match &message.state {
            Some(State::Relaying { attempt, .. }) => *attempt,
            _ => job.attempts,
        };
        let until = now + pause(attempt);
        let (step, then, outcome) = if over {
            (Step::GiveUp { reason: reason.clone() }, JobThen::Done, "given_up")
        } else {
            (Step::Delay { reason: reason.clone(), until }, JobThen::DueAt(until), "delayed")
        };
        let details = serde_json::json!({ "peer": peer, "reason": reason, "attempt": attempt });
        let edge = self.edge(message, &step, Deed::of_node(Action::RelayMessage, details))?;
        self.end_relay(job, then, edge, None).await?;
        Ok(outcome)
    }

    /// The step, the peer's evidence and what becomes of the job, in one transaction.
    async fn end_relay(
        &self,
        job: &Job,
        then: JobThen,
        edge: Edge,
        evidence: Option<PeerEvidence>,
    ) -> Result<(), Failed> {
        let job = job.clone();
        let taken = self.inner.ledger.transact("end_relay", move |tx| {
            let held = match then {
                JobThen::Done => jobs::complete(tx, &job)?,
                JobThen::DueAt(at) => jobs::postpone(tx, &job, at)?,
            };
            if !held {
                return Err(Failed::LeaseLost);
            }
            let appended = edge::take(tx, &edge, None)?.ok_or(Failed::Moved)?;
            if let Some(evidence) = &evidence {
                // It may have come as a report before the answer did.
                tables::insert_peer_evidence(tx, evidence, &edge.event)?;
            }
            Ok::<_, Failed>(appended.with(()))
        });
        Ok(taken.await?)
    }

    async fn close_relay(&self, job: &Job) -> Result<(), StoreError> {
        let job = job.clone();
        let closed = self.inner.jobs.run_tx("close_job", move |tx| jobs::complete(tx, &job));
        closed.await.map(drop).map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }

    /// Offers the message, sends what is missing of its parts, and has it taken over. The answer is the peer's evidence of this
    /// message, verified.
    async fn transfer(
        &self,
        peer: &Peer,
        job: &Job,
        message: &Message,
    ) -> Result<(RelayOutcome, EvidenceStatement), NotCarried> {
        let carrier = &self.inner.relay.carrier;
        let id = message.id;
        let found = self.inner.ledger.reader().read("travelling", move |tx| tables::travelling(tx, id)).await?;
        let Travelling { key_envelope, evidence, contents } = found.ok_or(StoreError::Corrupt("message"))?;
        let key_envelope = key_envelope.ok_or(StoreError::Corrupt("message.key_envelope"))?;
        let mut sealed = Vec::with_capacity(contents.len());
        for (number, content) in &contents {
            sealed.push(SealedDigest { number: *number, sha256: self.digest(message, *number, content).await? });
        }
        self.prolong(job).await?;
        let offer = RelayOffer {
            media_type: message.media_type.clone(),
            key_envelope: base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key_envelope),
            sealed,
            evidence,
            metadata: message.metadata.clone(),
        };
        let progress = carrier.offer(peer.name(), id, &offer).await?;
        let outcome = match progress.outcome {
            Some(outcome) => outcome,
            None => {
                for (number, content) in &contents {
                    let received = progress.parts.iter().find(|part| part.number == *number);
                    let received = received.map_or(0, |part| part.received);
                    self.send_part(peer, job, message, (*number, content, received)).await?;
                }
                carrier.commit(peer.name(), id).await?
            }
        };
        let statement = stated(peer, &outcome.evidence)
            .ok()
            .filter(|statement| speaks_of(statement, message) && statement.kind == EvidenceKind::ContentConsignment);
        // What is no evidence of this message proves nothing to the sender, whatever the peer says beside it.
        let statement = statement.ok_or(CarryError::NoAnswer(ProblemCode::RelayEvidenceWrong.as_str()))?;
        Ok((outcome, statement))
    }

    /// Sends a sealed part from where the peer has it, in pieces.
    async fn send_part(
        &self,
        peer: &Peer,
        job: &Job,
        message: &Message,
        (number, content, received): (u8, &Content, u64),
    ) -> Result<(), NotCarried> {
        let total = sealed_size(message, number)?;
        let step = u64::try_from(RELAY_PIECE_BYTES).unwrap_or(u64::MAX);
        let mut offset = received.min(total) / step * step;
        if received >= total {
            return Ok(());
        }
        let mut held = self.inner.clock.now();
        while offset < total {
            let end = offset.saturating_add(step).min(total);
            let bytes = self.sealed_bytes(content, offset, end).await?;
            let piece = Piece::new(number, offset, total, bytes);
            self.inner.relay.carrier.piece(peer.name(), message.id, piece).await?;
            offset = end;
            if self.inner.clock.now() - held >= JOB_LEASE / 4 {
                self.prolong(job).await?;
                held = self.inner.clock.now();
            }
        }
        Ok(())
    }

    async fn prolong(&self, job: &Job) -> Result<(), Failed> {
        let until = self.inner.clock.now() + JOB_LEASE;
        let held = jobs::prolong(&self.inner.jobs, job, until).await?;
        held.then_some(()).ok_or(Failed::LeaseLost)
    }

    async fn digest(&self, message: &Message, number: u8, content: &Content) -> Result<String, Failed> {
        let mut digester = Digester::new(DigestAlgorithm::Sha256);
        match content {
            Content::Inline(bytes) => digester.update(bytes),
            Content::Object(key) => {
                let mut pieces = self.inner.objects.read_range(key, 0..sealed_size(message, number)?).await?;
                while let Some(piece) = pieces.next().await {
                    digester.update(&piece?);
                }
            }
        }
        Ok(hex(digester.finish().as_bytes()))
    }

    async fn sealed_bytes(&self, content: &Content, start: u64, end: u64) -> Result<Bytes, Failed> {
        match content {
            Content::Inline(bytes) => {
                let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                let found = bytes.get(index(start)..index(end)).ok_or(StoreError::Corrupt("part.content"))?;
                Ok(Bytes::copy_from_slice(found))
            }
            Content::Object(key) => {
                let pieces = self.inner.objects.read_range(key, start..end).await?;
                let bytes = pieces.try_fold(BytesMut::new(), async |mut all, piece| {
                    all.extend_from_slice(&piece);
                    Ok(all)
                });
                Ok(bytes.await?.freeze())
            }
        }
    }
}

fn sealed_size(message: &Message, number: u8) -> Result<u64, StoreError> {
    let part = message.parts.iter().find(|part| part.number == number);
    part.map(|part| part.sealed_size).ok_or(StoreError::Corrupt("message.parts"))
}

/// Whether a statement is of this message: its number, its parties and the digests of its parts.
pub(super) fn speaks_of(statement: &EvidenceStatement, message: &Message) -> bool {
    statement.message_id == Some(message.id)
        && statement.sender == message.sender
        && statement.recipient == message.recipient
        && statement.document_kind == message.kind
        && same_parts(&statement.parts, &message.parts)
}

/// Whether two nodes name the same parts.
pub(super) fn same_parts(one: &[Part], other: &[Part]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_of_the_same_bytes(other))
}

/// A digest from its hexadecimal form.
pub(super) fn digest_of(text: &str) -> Option<[u8; 32]> {
    from_hex(text)?.try_into().ok()
}
