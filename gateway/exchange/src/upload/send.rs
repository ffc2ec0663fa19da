//! An announced submission is sent: complete, judged, sealed to the recipient, accepted.

use access::Permit;
use access::decide::{CompleteSubmission, SubmissionResource, SubmitDocument};
use audit::{Action, EventDraft, Outcome};
use crypto::digest::hex;
use crypto::seal::DocumentKey;
use schemas::limits::ANNOUNCED_PARTS;
use schemas::message::{Envelope, Part, Receipt};
use schemas::problem::Blame;
use schemas::{CaseId, JobId, MessageId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, TxError};

use super::judge::Kept;
use super::{NotTaken, closed};
use crate::document_key::note_holder;
use crate::edge::{self, Deed, Edge};
use crate::intake::commit::Onward;
use crate::intake::commit::receipt;
use crate::intake::{Accepted, Taken, seal_context};
use crate::key_ring::KeyRing;
use crate::message::{Message, digests};
use crate::notices::Bells;
use crate::refusal::Refusal;
use crate::screening::Screened;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Announced, UploadPart, Whole};

/// The key of a message's document, wrapped for the recipient.
pub(crate) enum WrappedKey {
    /// Just now.
    Anew(Vec<u8>),
    /// Before: it stays as its row has it, where the ring may be turned at any time.
    InItsRow {
        /// The node holds it.
        by_the_ring: bool,
    },
}

/// A submission that was judged: what its acceptance writes.
pub(crate) struct Acceptance {
    pub(crate) message: Message,
    pub(crate) key: WrappedKey,
    /// Whose deed it is, as a pseudonym.
    pub(crate) actor: String,
}

impl Exchange {
    /// What the policies are asked of an announced submission before it is sent: the channel may have been closed meanwhile.
    ///
    /// # Errors
    /// `NotFound` where the message was not announced; otherwise when the store fails.
    pub async fn announced_resource(&self, message: MessageId) -> Result<SubmissionResource, Refusal> {
        let Message { sender, recipient, kind, .. } = self.announced(message).await?.message;
        Ok(SubmissionResource { sender, recipient, kind })
    }

    /// What became of a submission that was sent before, for a repeat of the request: asked before the policies are asked
    /// again, since a receipt stays a receipt.
    ///
    /// # Errors
    /// `SubmissionEnded` where it came to nothing, `NotFound` where the message was not announced; otherwise when the store
    /// fails.
    pub async fn sent_before(&self, permit: &Permit<CompleteSubmission>) -> Result<Option<Taken>, Refusal> {
        let id = permit.resource().message;
        let found = self.inner.ledger.reader().read("sent_before", move |tx| {
            let Some(announced) = tables::announced(tx, id)? else { return Ok(None) };
            Ok(Some(tables::outcome(tx, &announced)?))
        });
        let Some(outcome) = found.await?.ok_or(ProblemCode::NotFound)? else { return self.sent_and_held(permit).await };
        let receipt = outcome.map_err(tables::Ended::refusal)?;
        let draft = EventDraft {
            action: Action::SubmitDocument,
            actor: permit.actor().pseudonym(),
            object: super::object_of(id),
            outcome: Outcome::Done,
            details: serde_json::json!({ "replayed": true }),
        };
        self.inner.ledger.record(draft).await?;
        Ok(Some(Taken::Accepted(Accepted { receipt, replayed: true })))
    }

    /// Sends an announced submission. On return the node is responsible: message, evidence A.1 and D.1, audit rows; or the
    /// submission waits for a fact: V.2.
    ///
    /// # Errors
    /// `SubmissionIncomplete` while parts are missing; `AnnouncementLapsed`, `SubmissionSent`. What the sender did wrong ends the
    /// submission, with evidence A.2; what others have to mend does not: it may be sent again.
    pub async fn send(
        &self,
        permit: &Permit<CompleteSubmission>,
        submit: &Permit<SubmitDocument>,
    ) -> Result<Taken, Refusal> {
        let announced = self.open_announcement(permit.resource().message).await?;
        let message = &announced.message;
        let resource = submit.resource();
        if (message.sender, &message.recipient, &message.kind) != (resource.sender, &resource.recipient, &resource.kind)
        {
            tracing::error!("the door asked for a permit for another submission");
            return Err(ProblemCode::Internal.into());
        }
        let mut parts = complete(&announced)?;
        let result = self.judge_and_accept(permit, &announced, &mut parts).await;
        if let Err(missing) = &result
            && missing.waits
            && let Some(held) = self.hold_announced(permit, &announced, &parts, missing).await?
        {
            metrics::counter!("vuzol_submissions_total", "outcome" => "held").increment(1);
            return Ok(held);
        }
        let outcome = result.as_ref().map_or_else(|refusal| refusal.code.as_str(), |_| "accepted");
        metrics::counter!("vuzol_submissions_total", "outcome" => outcome).increment(1);
        match result {
            Ok(receipt) => Ok(Taken::Accepted(Accepted { receipt, replayed: false })),
            Err(refusal) if ends(&refusal) => Err(self.reject_sent(permit, &announced, parts, refusal).await?),
            Err(refusal) => Err(refusal),
        }
    }

    async fn judge_and_accept(
        &self,
        permit: &Permit<CompleteSubmission>,
        announced: &Announced,
        parts: &mut [Part],
    ) -> Result<Receipt, Refusal> {
        let key = self.ring_key(announced)?;
        let id = announced.message.id;
        let kept = self.kept_parts(id, parts).await?;
        self.screen_unseen(&announced.message, parts, &key, &kept).await?;
        let message = Message { parts: parts.to_vec(), ..announced.message.clone() };
        self.judge_parts(id, message.sender, &key, &kept).await?;
        let key = WrappedKey::Anew(self.seal_to_recipient(&message, &key).await?);
        self.accept(Acceptance { message, key, actor: permit.actor().pseudonym() }).await
    }

    /// The parts with where they lie.
    pub(super) async fn kept_parts(&self, id: MessageId, parts: &[Part]) -> Result<Vec<Kept>, Refusal> {
        let contents = self.inner.ledger.reader().read("upload_contents", move |tx| tables::upload_contents(tx, id));
        let kept: Vec<Kept> =
            parts.iter().cloned().zip(contents.await?).map(|(part, (_, content))| Kept { part, content }).collect();
        if kept.len() == parts.len() { Ok(kept) } else { Err(StoreError::Corrupt("upload_part.content").into()) }
    }

    /// Parts that came while this node had no scanner are scanned now that it has one.
    async fn screen_unseen(
        &self,
        message: &Message,
        parts: &mut [Part],
        key: &DocumentKey,
        kept: &[Kept],
    ) -> Result<(), Refusal> {
        if self.inner.screening.is_none() {
            return Ok(());
        }
        let envelope = envelope_of(message);
        for (part, Kept { content, .. }) in parts.iter_mut().zip(kept).filter(|(part, _)| part.scan.is_none()) {
            let Some(mut screen) = self.screen(&envelope, part.role).await? else { return Ok(()) };
            let context = seal_context(message.id, part.number);
            let mut unsealed = self.unseal(key, &context, content.clone(), part.sealed_size).await?;
            while let Some(piece) = unsealed.next().await? {
                screen.feed(&piece).await;
            }
            let Screened { mark, refusal } = screen.finish().await;
            part.scan = Some(mark);
            if let Some(refusal) = refusal {
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// The key, wrapped for the recipient as its certificate, or the lack of one, is now.
    pub(crate) async fn seal_to_recipient(&self, message: &Message, key: &DocumentKey) -> Result<Vec<u8>, Refusal> {
        let envelope = envelope_of(message);
        let (recipient, to) = (message.recipient.participant(), self.seal_to(&envelope).await?);
        self.check_seal_to(recipient, &to).await?;
        self.wrap_key(message.id, recipient, key, &to)
    }

    /// The steps Accept and what comes next, in one transaction in which the upload becomes the message.
    pub(crate) async fn accept(&self, acceptance: Acceptance) -> Result<Receipt, Refusal> {
        let Acceptance { message, key, actor } = acceptance;
        let now = self.inner.clock.now();
        let opens_case = message.case.is_none();
        let message = Message { case: Some(message.case.unwrap_or_else(|| CaseId::fresh(now))), ..message };
        let mut details = serde_json::json!({
            "case": message.case,
            "recipient": &message.recipient,
            "kind": &message.kind,
            "parts": digests(&message.parts),
        });
        let (by_the_ring, key_envelope) = match key {
            WrappedKey::Anew(envelope) => (KeyRing::is_envelope(&envelope), Some(envelope)),
            WrappedKey::InItsRow { by_the_ring } => (by_the_ring, None),
        };
        note_holder(&mut details, by_the_ring);
        let accepted = self.edge(&message, &Step::Accept, Deed::of(Action::SubmitDocument, actor, details))?;
        let receipt = receipt(&accepted)?;
        let Onward { edge: next, carrier, route } = self.onward(&accepted.message).await?;
        let (carried, job) = (carrier.is_some(), JobId::fresh(now));
        let parts_json = serde_json::to_string(&message.parts).map_err(|_| ProblemCode::Internal)?;
        let id = message.id;
        let bells = Bells::of(std::iter::once(&accepted).chain(next.as_ref()));
        let committed = self.inner.ledger.transact("accept_announced", move |tx| {
            if opens_case {
                tables::insert_case(tx, &accepted.message)?;
            }
            let superseded = tables::superseded_objects(tx, id)?;
            tables::adopt_upload(tx, &accepted.message, &parts_json, key_envelope.as_deref())?;
            let mut appended = edge::take(tx, &accepted, None)?.ok_or(NotTaken::Moved)?;
            if let Some(next) = &next {
                appended = edge::take(tx, next, None)?.ok_or(NotTaken::Moved)?;
            }
            if let Some(route) = &route {
                tables::insert_route(tx, id, route)?;
            }
            if let Some(kind) = &carrier {
                storage::jobs::enqueue(tx, job, kind, id.as_bytes(), accepted.message.changed_at)?;
            }
            Ok::<_, NotTaken>(appended.with(superseded))
        });
        match committed.await {
            Ok(superseded) => {
                self.unstage(&superseded).await;
                if carried {
                    self.inner.arrived.notify_one();
                }
                self.rings(&bells);
                Ok(receipt)
            }
            Err(TxError::Refused(NotTaken::Moved)) => self.receipt_of_twin(id).await,
            Err(TxError::Refused(NotTaken::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }

    /// It was sent by two requests at once: both get the one receipt.
    async fn receipt_of_twin(&self, id: MessageId) -> Result<Receipt, Refusal> {
        let found = self.inner.ledger.reader().read("sent_before", move |tx| {
            let Some(message) = tables::read_message(tx, id)? else { return Ok(None) };
            tables::outcome_of(tx, &message)
        });
        match found.await? {
            Some(outcome) => outcome.map_err(tables::Ended::refusal),
            None => Err(ProblemCode::Overloaded.into()),
        }
    }

    /// What the sender did wrong ends the submission.
    pub(super) async fn reject_sent(
        &self,
        permit: &Permit<CompleteSubmission>,
        announced: &Announced,
        parts: Vec<Part>,
        refusal: Refusal,
    ) -> Result<Refusal, Refusal> {
        let message = Message { parts, ..announced.message.clone() };
        let details = serde_json::json!({
            "recipient": &message.recipient, "kind": &message.kind, "parts": digests(&message.parts),
        });
        let deed = Deed {
            outcome: Outcome::Refused(refusal.code),
            ..Deed::of(Action::SubmitDocument, permit.actor().pseudonym(), details)
        };
        let edge: Edge = self.edge(&message, &Step::Reject { reason: refusal.code.as_str().to_owned() }, deed)?;
        let (evidence, recorded) = (Some(edge.evidence.jws.clone()), Some(edge.event.id()));
        self.reject_announced(message.id, edge).await?;
        Ok(Refusal { evidence, recorded, ..refusal })
    }
}

/// What the sender announced.
pub(super) fn envelope_of(message: &Message) -> Envelope {
    Envelope {
        sender: message.sender,
        recipient: message.recipient.clone(),
        kind: message.kind.clone(),
        case_id: message.case,
        media_type: message.media_type.clone(),
        // Settled at the announcement.
        metadata: None,
    }
}

/// Whether nothing but another submission can mend it.
pub(super) fn ends(refusal: &Refusal) -> bool {
    refusal.code.blame() == Blame::Caller && refusal.evidence.is_none() && refusal.code != ProblemCode::SubmissionSent
}

/// The parts as evidence names them, once all of them are here.
fn complete(announced: &Announced) -> Result<Vec<Part>, Refusal> {
    let missing: Vec<String> = announced
        .parts
        .iter()
        .filter(|part| part.finished.is_none())
        .map(|part| format!("part {}: {} of {} bytes", part.number, part.received, part.size))
        .take(ANNOUNCED_PARTS)
        .collect();
    if announced.parts.is_empty() {
        return Err(closed(announced));
    }
    if !missing.is_empty() {
        return Err(Refusal::with_detail(ProblemCode::SubmissionIncomplete, missing.join(", ")));
    }
    Ok(announced.parts.iter().filter_map(described).collect())
}

fn described(part: &UploadPart) -> Option<Part> {
    let Whole { sha256, sealed_size, sealed_sha256 } = part.finished?;
    Some(Part {
        number: part.number,
        role: part.role,
        of: part.of,
        media_type: Some(part.media_type.clone()),
        sha256: hex(&sha256),
        size: part.size,
        sealed_size,
        sealed_sha256: Some(hex(&sealed_sha256)),
        scan: part.scan.clone(),
    })
}
