//! A document arrives: hashed and sealed while it streams in, validated, committed in one transaction.
//!
//! Cheap refusals come first, before the document is read: another use of the idempotency key, a signature that cannot be
//! parsed or leads nowhere, a recipient that nothing can be sealed to, a case of others. Then the document streams through
//! once, in bounded memory whatever its size. What the answer depends on is durable before the answer leaves.
//!
//! A refusal after the permit leaves an audit row and evidence A.2, and nothing else: large parts are uploaded under a
//! name that becomes visible only after validation, and no row names them before the commit.

mod receive;
mod reject;

use access::Permit;
use access::decide::SubmitDocument;
use access::standing::NotReliable;
use audit::{Action, EventDraft, Outcome};
use bytes::Bytes;
use certs::certificate::Certificate;
use crypto::digest::{DigestAlgorithm, Digester, sha256};
use crypto::seal::{self, DocumentKey};
use futures_util::{Stream, StreamExt};
use schemas::limits::{
    DOCUMENT_BYTES, IDEMPOTENCY_HOURS, IDEMPOTENCY_KEY_CHARACTERS, INLINE_PART_BYTES, SIGNATURE_BYTES,
};
use schemas::message::{Envelope, MessageState, Part, PartRole, Receipt};
use schemas::{CaseId, Edrpou, EvidenceId, JobId, MessageId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, TxError};
use time::{Duration, OffsetDateTime};

use crate::delivery::JOB_KIND;
use crate::message::{Evidence, Message, Stated, digests, object};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature;
use crate::state::{Step, advance};
use crate::tables::{self, Content, NewMessage, StoredReceipt};
use receive::{Received, Receiving};
use reject::SoFar;

/// An `Idempotency-Key`: 1 to 64 visible ASCII characters, chosen by the sender, one for each submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a header's value; None where it is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let well_formed = visible && (1..=IDEMPOTENCY_KEY_CHARACTERS).contains(&text.len());
        well_formed.then(|| Self(text.to_owned()))
    }
}

/// What comes before the document.
pub struct Submission {
    /// Who, where to, what.
    pub envelope: Envelope,
    /// Detached CMS over the document.
    pub signature: Vec<u8>,
    /// The sender's number of this submission.
    pub idempotency_key: IdempotencyKey,
}

/// The node took responsibility.
#[derive(Debug)]
pub struct Accepted {
    /// What the sender keeps.
    pub receipt: Receipt,
    /// The same submission was accepted before; this is its receipt.
    pub replayed: bool,
}

/// How a body stream breaks: the code says whether it was cut, too large, or too slow.
pub type BodyError = ProblemCode;

impl Exchange {
    /// Takes a submission in. On return it is durable: message, evidence A.1, audit row and delivery job.
    ///
    /// The same submission under the same key brings the same receipt again, also where the signer was revoked since; it
    /// is read to its end, since only its digest says that it is the same.
    ///
    /// # Errors
    /// [`Refusal`] with the code, evidence A.2 and the audited event; without them where the node itself failed.
    pub async fn intake<S>(
        &self,
        permit: Permit<SubmitDocument>,
        submission: Submission,
        mut document: S,
    ) -> Result<Accepted, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let mut so_far = SoFar::default();
        match self.take_in(&permit, &submission, &mut document, &mut so_far).await {
            Ok(accepted) => {
                let outcome = if accepted.replayed { "replayed" } else { "accepted" };
                metrics::counter!("vuzol_submissions_total", "outcome" => outcome).increment(1);
                Ok(accepted)
            }
            Err(refusal) => {
                metrics::counter!("vuzol_submissions_total", "outcome" => refusal.code.as_str()).increment(1);
                Err(self.reject(&permit, &submission, refusal, so_far).await)
            }
        }
    }

    async fn take_in<S>(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        document: &mut S,
        so_far: &mut SoFar,
    ) -> Result<Accepted, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        let envelope = &submission.envelope;
        let resource = permit.resource();
        if (envelope.sender, &envelope.recipient, &envelope.kind)
            != (resource.sender, &resource.recipient, &resource.kind)
        {
            tracing::error!("the door asked for a permit for another envelope");
            return Err(ProblemCode::Internal.into());
        }
        if submission.signature.len() > SIGNATURE_BYTES {
            return Err(ProblemCode::TooLarge.into());
        }
        if let Some(earlier) = self.earlier(submission).await? {
            let digest = read_only(document).await?;
            return self.replay(permit, submission, &digest, earlier).await;
        }
        let signature = signature::read(&submission.signature)?;
        if signature.is_attached() {
            let detail = "the signature carries its content; a detached one is needed";
            return Err(Refusal::with_detail(ProblemCode::SignatureFormat, detail));
        }
        let encryption = self.encryption_certificate(envelope).await?;
        self.check_case(envelope).await?;
        let revocation = self.revocation_of_signers(&signature).await?;

        let id = MessageId::fresh(self.inner.clock.now());
        let key = DocumentKey::generate();
        let mut receiving = Receiving::new(&self.inner.objects, id, &key, &signature.digest_algorithms());
        let received = match receiving.read(document).await {
            Ok(()) => receiving.close().await?,
            Err(refusal) => {
                receiving.abort().await;
                return Err(refusal);
            }
        };
        so_far.document = Some(received.part());
        let at = self.inner.clock.now();
        let judged = self
            .judge(signature.with_detached(received.digests.clone()), &revocation, at)
            .and_then(|validated| signature::signed_for(&validated, envelope.sender));
        let judged = match judged {
            Ok(()) => self.check_encryption(envelope.recipient.participant(), &encryption).await,
            refused => refused,
        };
        if let Err(refusal) = judged {
            received.abort().await;
            return Err(refusal);
        }
        self.commit(permit, submission, Sealed { id, key, received, encryption }).await
    }

    /// What was accepted under this key before.
    async fn earlier(&self, submission: &Submission) -> Result<Option<StoredReceipt>, Refusal> {
        let (sender, key) = (submission.envelope.sender, submission.idempotency_key.0.clone());
        let forgotten_before = forgotten_before(self.inner.clock.now());
        let reader = self.inner.ledger.reader();
        Ok(reader.read("stored_receipt", move |tx| tables::stored_receipt(tx, sender, &key, forgotten_before)).await?)
    }

    async fn replay(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        document: &[u8; 32],
        earlier: StoredReceipt,
    ) -> Result<Accepted, Refusal> {
        if earlier.fingerprint != fingerprint(submission, document)? {
            return Err(ProblemCode::IdempotencyKeyReused.into());
        }
        let receipt = earlier.receipt;
        self.inner
            .ledger
            .record(EventDraft {
                action: Action::SubmitDocument,
                actor: permit.actor().pseudonym(),
                object: Some(object(receipt.message_id)),
                outcome: Outcome::Done,
                details: serde_json::json!({ "replayed": true }),
            })
            .await?;
        Ok(Accepted { receipt, replayed: true })
    }

    /// The recipient's encryption certificate, as far as that can be told without asking anyone outside: it is there, in
    /// time, and leads to an anchor.
    async fn encryption_certificate(&self, envelope: &Envelope) -> Result<Certificate, Refusal> {
        let recipient = envelope.recipient.participant();
        let certificate = self.inner.registry.encryption_certificate(recipient).await?;
        let certificate = certificate.ok_or(ProblemCode::RecipientCannotReceive)?;
        self.inner.encryption.path(&certificate, &[]).map_err(|reason| cannot_receive(recipient, &reason))?;
        Ok(certificate)
    }

    /// Nothing is sealed to a key that is reported lost, nor to one of which nobody knows.
    async fn check_encryption(&self, recipient: Edrpou, certificate: &Certificate) -> Result<(), Refusal> {
        let checked = self.inner.encryption.check(certificate, &[]).await;
        checked.map(drop).map_err(|reason| cannot_receive(recipient, &reason))
    }

    /// A case that goes on must be one between the same two participants. Whether it exists at all is nobody else's affair.
    async fn check_case(&self, envelope: &Envelope) -> Result<(), Refusal> {
        let Some(case) = envelope.case_id else { return Ok(()) };
        let parties = self.inner.ledger.reader().read("case_parties", move |tx| tables::case_parties(tx, case)).await?;
        let [sender, recipient] = [envelope.sender, envelope.recipient.participant()];
        let ours = parties
            .is_some_and(|[one, other]| (one, other) == (sender, recipient) || (one, other) == (recipient, sender));
        ours.then_some(()).ok_or_else(|| ProblemCode::UnknownCase.into())
    }

    async fn commit(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        sealed: Sealed,
    ) -> Result<Accepted, Refusal> {
        let fingerprint = fingerprint(submission, &sealed.received.sha256)?;
        let staged = match self.stage(submission, sealed).await {
            Ok(staged) => staged,
            Err((refusal, keys)) => {
                self.unstage(&keys).await;
                return Err(refusal);
            }
        };
        let keys = staged.object_keys();
        let new = match self.prepare(permit, submission, staged, fingerprint) {
            Ok(new) => new,
            Err(refusal) => {
                self.unstage(&keys).await;
                return Err(refusal);
            }
        };
        let receipt = Receipt {
            message_id: new.message.id,
            case_id: new.message.case,
            accepted_at: new.message.accepted_at,
            parts: new.message.parts.clone(),
            event_id: new.evidence.event,
            evidence: new.evidence.jws.clone(),
        };
        let committed = self.inner.ledger.transact("accept_submission", move |tx| {
            let appended = tables::insert_message(tx, &new, JOB_KIND)?.ok_or(NotCommitted::KeyTaken)?;
            Ok::<_, NotCommitted>(appended.with(()))
        });
        match committed.await {
            Ok(()) => {
                self.inner.arrived.notify_one();
                Ok(Accepted { receipt, replayed: false })
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
                if matches!(error, StoreError::Overloaded | StoreError::Closed) {
                    self.unstage(&keys).await;
                }
                Err(error.into())
            }
        }
    }

    /// Another submission took the key while this one streamed: it is this one's twin, or the key was used for two.
    async fn lost_race(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        unsent: &Receipt,
    ) -> Result<Accepted, Refusal> {
        let earlier = self.earlier(submission).await?;
        let earlier = earlier.ok_or(StoreError::Corrupt("submission_key"))?;
        let document = unsent.parts.first().and_then(|part| crypto::digest::from_hex(&part.sha256));
        let document = document.and_then(|digest| digest.try_into().ok()).ok_or(ProblemCode::Internal)?;
        self.replay(permit, submission, &document, earlier).await
    }

    /// Makes the sealed parts durable, or keeps them for the row where they are small.
    async fn stage(&self, submission: &Submission, sealed: Sealed) -> Result<Staged, (Refusal, Vec<String>)> {
        let Sealed { id, key, received, encryption } = sealed;
        let envelope = signing::envelope::seal_key(&key, &encryption);
        let key_envelope = match envelope {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::warn!(recipient = %submission.envelope.recipient, %error, "a key cannot be sealed");
                received.abort().await;
                return Err((ProblemCode::RecipientCannotReceive.into(), Vec::new()));
            }
        };
        let document_part = received.part();
        let document = received.finish().await.map_err(|error| (error.into(), Vec::new()))?;
        let mut keys: Vec<String> = document.object_key().into_iter().collect();
        let bytes = seal::seal(&key, &seal_context(id, 1), &submission.signature);
        let signature_part = Part {
            number: 1,
            role: PartRole::Signature,
            sha256: crypto::digest::hex(&sha256(&submission.signature)),
            size: length(submission.signature.len()),
            sealed_size: length(bytes.len()),
        };
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

    /// Everything that the transaction writes: ids, evidence, audit entry. Signing and hashing end here.
    fn prepare(
        &self,
        permit: &Permit<SubmitDocument>,
        submission: &Submission,
        staged: Staged,
        fingerprint: [u8; 32],
    ) -> Result<NewMessage, Refusal> {
        let Staged { id, key_envelope, parts, document, signature } = staged;
        let Envelope { sender, recipient, kind, case_id, media_type } = submission.envelope.clone();
        let now = self.inner.clock.now();
        let case = case_id.unwrap_or_else(|| CaseId::fresh(now));
        let evidence_id = EvidenceId::fresh(now);
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::SubmitDocument,
            actor: permit.actor().pseudonym(),
            object: Some(object(id)),
            outcome: Outcome::Done,
            details: serde_json::json!({
                "case": case,
                "recipient": &recipient,
                "kind": &kind,
                "parts": digests(&parts),
                "evidence": evidence_id,
            }),
        });
        let at = event.at();
        let state = advance(MessageState::Submitted, Step::Accept).map_err(|_| ProblemCode::Internal)?;
        let sender_certificate = *permit.actor().certificate();
        let parts_json = serde_json::to_string(&parts).map_err(|_| ProblemCode::Internal)?;
        let message = Message {
            id,
            case,
            sender,
            sender_certificate,
            recipient,
            kind,
            media_type,
            state,
            accepted_at: at,
            changed_at: at,
            parts,
        };
        let kind = Step::Accept.evidence();
        let node = self.inner.signer.node();
        let statement = message.statement(Stated { id: evidence_id, kind, node, at, event: event.id() });
        let jws = self.inner.signer.sign(&statement)?;
        let evidence = Evidence { id: evidence_id, message: id, kind, state, at, event: event.id(), jws };
        Ok(NewMessage {
            message,
            opens_case: case_id.is_none(),
            key_envelope,
            document,
            signature,
            idempotency_key: submission.idempotency_key.0.clone(),
            fingerprint,
            evidence,
            event,
            job: JobId::fresh(now),
            forgotten_before: forgotten_before(now),
            parts_json,
        })
    }

    /// Removes objects that no row will ever name. What cannot be removed now, the sweep removes later.
    async fn unstage(&self, keys: &[String]) {
        for key in keys {
            if let Err(error) = self.inner.objects.delete(key).await {
                tracing::warn!(key, %error, "a staged object stays for the sweep");
            }
        }
    }
}

/// A document that was read, sealed and judged, before anything of it is kept.
struct Sealed {
    id: MessageId,
    key: DocumentKey,
    received: Received,
    encryption: Certificate,
}

/// Parts that are durable, or on their way into their rows.
struct Staged {
    id: MessageId,
    key_envelope: Vec<u8>,
    parts: Vec<Part>,
    document: Content,
    signature: Content,
}

impl Staged {
    fn object_keys(&self) -> Vec<String> {
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

fn cannot_receive(recipient: Edrpou, reason: &NotReliable) -> Refusal {
    tracing::warn!(%recipient, %reason, "nothing can be sealed to the recipient");
    let detail = match reason {
        NotReliable::OutsideValidity => "the encryption certificate is outside its validity period",
        NotReliable::NoPath(_) => "the encryption certificate is not trusted",
        NotReliable::Revoked => "the encryption certificate is revoked",
        NotReliable::StatusUnknown => "the status of the encryption certificate is unknown",
    };
    Refusal::with_detail(ProblemCode::RecipientCannotReceive, detail)
}

/// Reads a replay to its end, keeping nothing.
async fn read_only<S>(document: &mut S) -> Result<[u8; 32], Refusal>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
{
    let mut digester = Digester::new(DigestAlgorithm::Sha256);
    let mut size = 0_u64;
    while let Some(chunk) = document.next().await {
        let chunk = chunk?;
        size = size.saturating_add(length(chunk.len()));
        if size > DOCUMENT_BYTES {
            return Err(ProblemCode::TooLarge.into());
        }
        digester.update(&chunk);
    }
    digester.finish().as_bytes().try_into().map_err(|_| ProblemCode::Internal.into())
}

/// What makes two submissions the same: envelope, signature, document. Each is hashed by itself, so that no byte can move
/// from one into another.
fn fingerprint(submission: &Submission, document: &[u8; 32]) -> Result<[u8; 32], Refusal> {
    let envelope = serde_json::to_vec(&submission.envelope).map_err(|_| ProblemCode::Internal)?;
    Ok(sha256(&[sha256(&envelope), sha256(&submission.signature), *document].concat()))
}

fn forgotten_before(now: OffsetDateTime) -> OffsetDateTime {
    now - Duration::hours(i64::try_from(IDEMPOTENCY_HOURS).unwrap_or(i64::MAX))
}

/// What a sealed part is bound to: the message and the part's number.
fn seal_context(message: MessageId, part: u8) -> [u8; 17] {
    let mut context = [0; 17];
    let (id, number) = context.split_at_mut(16);
    id.copy_from_slice(message.as_bytes());
    number.copy_from_slice(&[part]);
    context
}

/// Where a part lies in the object store.
fn part_key(message: MessageId, part: u8) -> String {
    format!("{PARTS}{message}/{part}")
}

/// Prefix of the objects of this crate.
pub(crate) const PARTS: &str = "parts/";

/// The message and number in a part's key.
pub(crate) fn parse_part_key(key: &str) -> Option<(MessageId, u8)> {
    let (message, part) = key.strip_prefix(PARTS)?.split_once('/')?;
    Some((message.parse().ok()?, part.parse().ok()?))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
