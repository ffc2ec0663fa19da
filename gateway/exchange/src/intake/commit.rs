//! What was read and judged becomes a message: staged, signed, committed.
//!
//! Objects are durable before the transaction, and named by nothing until it commits; everything that takes time (sealing
//! the key, signing evidence, making ids) is done before it as well.

use access::Permit;
use access::decide::SubmitDocument;
use audit::Action;
use crypto::digest::sha256;
use crypto::seal::{self, DocumentKey};
use schemas::limits::INLINE_PART_BYTES;
use schemas::message::{Envelope, Part, PartRole, Receipt};
use schemas::scan::PartScan;
use schemas::{CaseId, JobId, MessageId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, TxError};

use super::receive::Received;
use super::{Accepted, Submission, Taken, fingerprint, forgotten_before, length, part_key, seal_context};
use crate::delivery::JOB_KIND;
use crate::document_key::{SealTo, note_holder};
use crate::edge::{Deed, Edge};
use crate::key_ring::KeyRing;
use crate::message::{Message, digests};
use crate::notices::Bells;
use crate::refusal::Refusal;
use crate::relay;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Claim, Content, NewMessage, Route};

/// A document that was read, sealed and judged, before anything of it is kept.
pub(super) struct Sealed {
    pub(super) id: MessageId,
    pub(super) key: DocumentKey,
    pub(super) received: Received,
    pub(super) seal_to: SealTo,
    /// What the scanner said of the signature file, where there is one.
    pub(super) signature_scan: Option<PartScan>,
}

/// Parts that are durable, or on their way into their rows.
pub(super) struct Staged {
    pub(super) id: MessageId,
    pub(super) key_envelope: Vec<u8>,
    pub(super) parts: Vec<Part>,
    pub(super) document: Content,
    pub(super) signature: Content,
}

impl Staged {
    pub(super) fn object_keys(&self) -> Vec<String> {
        [&self.document, &self.signature].into_iter().filter_map(Content::object_key).collect()
    }
}

/// Why the transaction of an acceptance did not commit.
enum NotCommitted {
    KeyTaken,
    Store(StoreError),
}

impl From<StoreError> for NotCommitted {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// Keeps a document that was read, sealed and judged, and answers when that is durable.
    pub(super) async fn commit(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        sealed: Sealed,
    ) -> Result<Taken, Refusal> {
        let fingerprint = fingerprint(submission, &sealed.received.sha256)?;
        let staged = match self.stage(submission, sealed).await {
            Ok(staged) => staged,
            Err((refusal, keys)) => {
                self.unstage(&keys).await;
                return Err(refusal);
            }
        };
        let keys = staged.object_keys();
        let new = match self.prepare(permit, submission, staged, fingerprint).await {
            Ok(new) => new,
            Err(refusal) => {
                self.unstage(&keys).await;
                return Err(refusal);
            }
        };
        let (carried, bells) = (new.job.is_some(), Bells::of(&new.edges));
        let receipt = receipt(new.edges.first().ok_or(ProblemCode::Internal)?)?;
        let committed = self.inner.ledger.transact("accept_submission", move |tx| {
            let appended = tables::insert_message(tx, &new)?.ok_or(NotCommitted::KeyTaken)?;
            Ok::<_, NotCommitted>(appended.with(()))
        });
        match committed.await {
            Ok(()) => {
                if carried {
                    self.inner.arrived.notify_one();
                }
                self.rings(&bells);
                Ok(Taken::Accepted(Accepted { receipt, replayed: false }))
            }
            Err(TxError::Refused(NotCommitted::KeyTaken)) => {
                self.unstage(&keys).await;
                self.lost_race(permit, submission, &receipt).await
            }
            Err(TxError::Refused(NotCommitted::Store(error))) => {
                self.unstage(&keys).await;
                Err(error.into())
            }
            Err(TxError::Store(error)) => {
                // Any other failure may have come after the commit reached the disk. Then the objects are a message's;
                // if not, the sweep finds that no row names them.
                if matches!(error, StoreError::Overloaded | StoreError::NoSpace | StoreError::Closed) {
                    self.unstage(&keys).await;
                }
                Err(error.into())
            }
        }
    }

    /// Makes the sealed parts durable, or keeps them for the row where they are small.
    pub(super) async fn stage(
        &self,
        submission: &Submission,
        sealed: Sealed,
    ) -> Result<Staged, (Refusal, Vec<String>)> {
        let Sealed { id, key, received, seal_to, signature_scan } = sealed;
        let recipient = submission.envelope.recipient.participant();
        let key_envelope = match self.wrap_key(id, recipient, &key, &seal_to) {
            Ok(envelope) => envelope,
            Err(refusal) => {
                received.abort().await;
                return Err((refusal, Vec::new()));
            }
        };
        let document_part = received.part();
        let document = received.finish().await.map_err(|error| (error.into(), Vec::new()))?;
        let mut keys: Vec<String> = document.object_key().into_iter().collect();
        let bytes = seal::seal(&key, &seal_context(id, 1), &submission.signature);
        let signature_part = signature_part(submission, Some(&bytes), signature_scan);
        let signature = if bytes.len() <= INLINE_PART_BYTES {
            Content::Inline(bytes)
        } else {
            let object_key = part_key(id, 1);
            keys.push(object_key.clone());
            if let Err(error) = self.inner.objects.put_new(&object_key, bytes.into()).await {
                return Err((error.into(), keys));
            }
            Content::Object(object_key)
        };
        Ok(Staged { id, key_envelope, parts: vec![document_part, signature_part], document, signature })
    }

    /// Everything that the transaction writes: ids, evidence, audit entries. Signing and hashing end here.
    async fn prepare(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        staged: Staged,
        fingerprint: [u8; 32],
    ) -> Result<NewMessage, Refusal> {
        let Staged { id, key_envelope, parts, document, signature } = staged;
        let Envelope { sender, recipient, kind, case_id, media_type, metadata } = submission.envelope.clone();
        let now = self.inner.clock.now();
        let case = case_id.unwrap_or_else(|| CaseId::fresh(now));
        let parts_json = serde_json::to_string(&parts).map_err(|_| ProblemCode::Internal)?;
        let mut details = serde_json::json!({
            "case": case,
            "recipient": &recipient,
            "kind": &kind,
            "parts": digests(&parts),
        });
        note_holder(&mut details, KeyRing::is_envelope(&key_envelope));
        let message = Message {
            id,
            case: Some(case),
            sender,
            sender_certificate: *permit.actor().certificate().ok_or(ProblemCode::SessionWithoutCertificate)?,
            recipient,
            kind,
            media_type,
            state: None,
            steps: 0,
            accepted_at: None,
            changed_at: now,
            parts,
            metadata,
        };
        let deed = Deed::of(Action::SubmitDocument, permit.actor().pseudonym(), details);
        let mut edges = vec![self.edge(&message, &Step::Accept, deed)?];
        let accepted = edges.last().map(|edge| edge.message.clone()).ok_or(ProblemCode::Internal)?;
        let onward = self.onward(&accepted).await?;
        edges.extend(onward.edge);
        Ok(NewMessage {
            edges,
            opens_case: case_id.is_none(),
            key_envelope: Some(key_envelope),
            contents: vec![(0, document), (1, signature)],
            claim: Some(Claim {
                key: submission.idempotency_key.0.clone(),
                fingerprint,
                forgotten_before: forgotten_before(now),
            }),
            job: onward.carrier.map(|kind| (JobId::fresh(now), kind)),
            route: onward.route,
            parts_json,
        })
    }

    /// What comes after the acceptance, in the same transaction: into the mailbox, on to another node, or to a carrier.
    pub(crate) async fn onward(&self, accepted: &Message) -> Result<Onward, Refusal> {
        let recipient = &accepted.recipient;
        if let Some(peer) = self.inner.registry.home(recipient.participant()).await? {
            // Refused before the document was read; a registry that changes in between is as rare as it is harmless.
            let peer = self.inner.relay.peer(&peer).await?.ok_or(ProblemCode::RecipientCannotReceive)?;
            let name = peer.name().to_string();
            let details = serde_json::json!({ "peer": &name });
            let step = Step::Route { peer: name.clone() };
            let edge = self.edge(accepted, &step, Deed::of_node(Action::RelayMessage, details))?;
            let carrier = Some(relay::job_kind(&name));
            return Ok(Onward { edge: Some(edge), carrier, route: Some(Route { peer: name, inbound: false }) });
        }
        // A mailbox of this node needs no carrier: what is accepted lies in it.
        if self.inner.registry.mailbox_exists(recipient).await? {
            return Ok(Onward { edge: Some(self.consignment(accepted).await?), carrier: None, route: None });
        }
        Ok(Onward { edge: None, carrier: Some(JOB_KIND.to_owned()), route: None })
    }

    /// Removes objects that no row will ever name. What cannot be removed now, the sweep removes later.
    pub(crate) async fn unstage(&self, keys: &[String]) {
        for key in keys {
            if let Err(error) = self.inner.objects.delete(key).await {
                tracing::warn!(key, %error, "a staged object stays for the sweep");
            }
        }
    }
}

/// What evidence says of the signature file. `sealed`: none, where it is refused and was never sealed.
pub(super) fn signature_part(submission: &Submission, sealed: Option<&[u8]>, scan: Option<PartScan>) -> Part {
    let digest = |bytes: &[u8]| crypto::digest::hex(&sha256(bytes));
    Part {
        number: 1,
        role: PartRole::Signature,
        of: None,
        media_type: None,
        sha256: digest(&submission.signature),
        size: length(submission.signature.len()),
        sealed_size: sealed.map_or(0, |sealed| length(sealed.len())),
        sealed_sha256: sealed.map(digest),
        scan,
    }
}

/// Where an accepted message goes.
pub(crate) struct Onward {
    pub(crate) edge: Option<Edge>,
    /// The kind of the job that takes it there.
    pub(crate) carrier: Option<String>,
    pub(crate) route: Option<Route>,
}

/// What the sender keeps of the edge of the acceptance.
pub(crate) fn receipt(accepted: &Edge) -> Result<Receipt, Refusal> {
    let message = &accepted.message;
    let (case_id, accepted_at) = message.case.zip(message.accepted_at).ok_or(ProblemCode::Internal)?;
    Ok(Receipt {
        message_id: message.id,
        case_id,
        accepted_at,
        parts: message.parts.clone(),
        event_id: accepted.evidence.event,
        evidence: accepted.evidence.jws.clone(),
    })
}
