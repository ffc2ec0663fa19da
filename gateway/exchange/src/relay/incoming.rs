//! A message that another node brings.
//!
//! Offer and pieces are objects until the commit and nothing in the database: each piece is durable when it is answered, so a
//! broken link costs one piece. The commit puts the pieces together, checks the digests, and writes the message with its own
//! evidence (A.1, resting on that of the node that it came from, and D.1) in one transaction.

use access::Permit;
use access::decide::{RelayMessage, RelayResource};
use audit::{Action, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crypto::digest::{DigestAlgorithm, Digester, hex};
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::limits::{DOCUMENT_BYTES, INLINE_PART_BYTES, RELAY_PIECE_BYTES};
use schemas::message::{MessageState, Part};
use schemas::relay::{PartProgress, RelayOffer, RelayOutcome, RelayProgress};
use schemas::{CaseId, MessageId, ProblemCode};
use storage::{StoreError, TxError};
use time::{Duration, OffsetDateTime};

use super::outgoing::{digest_of, same_parts};
use super::{named, stated};
use crate::edge::Deed;
use crate::intake::{length, part_key};
use crate::key_ring::KeyRing;
use crate::message::{Message, digests};
use crate::metadata;
use crate::refusal::Refusal;
use crate::screening::any_infected;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Content, NewMessage, PeerEvidence, Route};

/// Prefix of what is on its way in.
const STAGED: &str = "relay/";

/// How long a transfer may stand still before it is removed: longer than the other node keeps trying.
const ABANDONED: Duration = Duration::days(7);

/// Sealing adds a header and a tag for each chunk; far below this.
const SEALED_BYTES: u64 = DOCUMENT_BYTES + DOCUMENT_BYTES / 64;

/// Parts of a message: document, signature, and room for attachments.
const PARTS: usize = 16;

/// An offer whose evidence is that of the node that brings it.
pub struct Offered {
    peer: String,
    message: MessageId,
    case: CaseId,
    offer: RelayOffer,
    key_envelope: Vec<u8>,
    statement: EvidenceStatement,
}

/// Bytes of a sealed part.
#[derive(Debug, Clone)]
pub struct Piece {
    pub(super) part: u8,
    pub(super) offset: u64,
    pub(super) total: u64,
    pub(super) bytes: Bytes,
}

impl Piece {
    /// Which part.
    #[must_use]
    pub fn part(&self) -> u8 {
        self.part
    }

    /// Where it begins in the part.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Size of the whole part.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Offered {
    /// What the decision is about.
    #[must_use]
    pub fn resource(&self) -> RelayResource {
        let EvidenceStatement { sender, recipient, .. } = &self.statement;
        RelayResource { message: self.message, sender: *sender, recipient: recipient.clone() }
    }

    fn parts(&self) -> &[Part] {
        &self.statement.parts
    }

    fn sealed_sha256(&self, part: u8) -> Option<[u8; 32]> {
        digest_of(&self.offer.sealed.iter().find(|sealed| sealed.number == part)?.sha256)
    }

    /// The message before its first step here.
    fn message(&self, now: OffsetDateTime) -> Option<Message> {
        let statement = &self.statement;
        Some(Message {
            id: self.message,
            case: Some(self.case),
            sender: statement.sender,
            sender_certificate: digest_of(&statement.sender_certificate)?,
            recipient: statement.recipient.clone(),
            kind: statement.document_kind.clone(),
            media_type: self.offer.media_type.clone(),
            state: None,
            steps: 0,
            accepted_at: None,
            changed_at: now,
            parts: statement.parts.clone(),
            metadata: self.offer.metadata.clone(),
        })
    }
}

fn wrong(detail: &'static str) -> Refusal {
    Refusal::with_detail(ProblemCode::RelayEvidenceWrong, detail)
}

impl Exchange {
    /// Reads an offer of a peer: its evidence verifies, is an acceptance (A.1), and speaks of this message.
    ///
    /// # Errors
    /// `ActionForbidden` for who is no peer, `RelayEvidenceWrong`; otherwise when it cannot be read who is one.
    pub async fn read_offer(&self, peer: &str, message: MessageId, offer: RelayOffer) -> Result<Offered, Refusal> {
        let peer = self.inner.relay.peer(peer).await?.ok_or(ProblemCode::ActionForbidden)?;
        let statement = stated(&peer, &offer.evidence).map_err(|error| {
            tracing::warn!(peer = %peer.name(), %message, %error, "evidence of a peer is not believed");
            wrong("the evidence does not verify")
        })?;
        if statement.kind != EvidenceKind::SubmissionAcceptance || statement.message_id != Some(message) {
            return Err(wrong("not an acceptance of this message"));
        }
        let case = statement.case_id.ok_or_else(|| wrong("case_id"))?;
        let named = |part: &Part| offer.sealed.iter().any(|sealed| sealed.number == part.number);
        let bounded = statement.parts.iter().all(|part| part.sealed_size <= SEALED_BYTES);
        if !(1..=PARTS).contains(&statement.parts.len())
            || statement.parts.len() != offer.sealed.len()
            || !statement.parts.iter().all(named)
            || !bounded
            || any_infected(&statement.parts)
        {
            return Err(wrong("parts"));
        }
        if offer.metadata.as_ref().map(metadata::digest) != statement.metadata_sha256 {
            return Err(wrong("metadata"));
        }
        let malformed = || Refusal::with_detail(ProblemCode::MalformedJson, "key_envelope");
        let key_envelope = STANDARD.decode(&offer.key_envelope).map_err(|_| malformed())?;
        if key_envelope.is_empty() || KeyRing::is_envelope(&key_envelope) {
            return Err(malformed());
        }
        Ok(Offered { peer: peer.name().to_string(), message, case, offer, key_envelope, statement })
    }

    /// The offer that a peer made before, read again.
    ///
    /// # Errors
    /// `RelayIncomplete` where there is none; otherwise as [`Self::read_offer`], and when the store fails.
    pub async fn offered(&self, peer: &str, message: MessageId) -> Result<Offered, Refusal> {
        let staged = self.inner.objects.read(&offer_key(peer, message)).await?;
        let staged = staged.ok_or_else(|| Refusal::with_detail(ProblemCode::RelayIncomplete, "nothing was offered"))?;
        let offer = serde_json::from_slice(&staged).map_err(|_| StoreError::Corrupt("a staged offer"))?;
        self.read_offer(peer, message, offer).await
    }

    /// Takes an offer, and answers how much of the message is there: everything, where it came before.
    ///
    /// # Errors
    /// `ChannelNotAllowed`, `RecipientTakesOtherKinds`, `UnknownCase` with evidence A.2, which a repeat brings again;
    /// `RecipientSuspended`, `RelayConflict`; otherwise when the store fails.
    pub async fn offer(&self, permit: Permit<RelayMessage>, offered: &Offered) -> Result<RelayProgress, Refusal> {
        check_permit(&permit, offered)?;
        if let Some(outcome) = self.answered(offered).await? {
            return Ok(RelayProgress { parts: Vec::new(), outcome: Some(outcome) });
        }
        if let Err(refusal) = self.may_come(offered).await {
            return Err(self.turn_away(&permit, offered, refusal).await);
        }
        let json = serde_json::to_vec(&offered.offer).map_err(|_| ProblemCode::Internal)?;
        match self.inner.objects.put_new(&offer_key(&offered.peer, offered.message), json.into()).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Err(ProblemCode::RelayConflict.into()),
            Err(error) => return Err(error.into()),
        }
        let mut parts = Vec::with_capacity(offered.parts().len());
        for part in offered.parts() {
            let received = self.received(offered, part).await?;
            parts.push(PartProgress { number: part.number, received });
        }
        Ok(RelayProgress { parts, outcome: None })
    }

    /// Keeps a piece. The same piece again changes nothing.
    ///
    /// # Errors
    /// `RangeNotSatisfiable` for bytes that are no piece of the part; otherwise when the store fails.
    pub async fn take_piece(
        &self,
        permit: Permit<RelayMessage>,
        offered: &Offered,
        piece: Piece,
    ) -> Result<(), Refusal> {
        check_permit(&permit, offered)?;
        let Piece { part, offset, total, bytes } = piece;
        let known = offered.parts().iter().find(|known| known.number == part).ok_or(ProblemCode::NotFound)?;
        let step = length(RELAY_PIECE_BYTES);
        let expected = step.min(known.sealed_size.saturating_sub(offset));
        if total != known.sealed_size || offset % step != 0 || expected == 0 || length(bytes.len()) != expected {
            return Err(ProblemCode::RangeNotSatisfiable.into());
        }
        // Replaced where it is there with other bytes: which ones are right, the digest of the whole tells.
        let key = piece_key(&offered.peer, offered.message, part, offset / step);
        Ok(self.inner.objects.put(&key, bytes).await?)
    }

    /// Takes the message over. A repeat brings the same answer.
    ///
    /// # Errors
    /// `RelayIncomplete` where a part is not there as it was offered; the rest as [`Self::offer`].
    pub async fn take_over(&self, permit: Permit<RelayMessage>, offered: &Offered) -> Result<RelayOutcome, Refusal> {
        check_permit(&permit, offered)?;
        if let Some(outcome) = self.answered(offered).await? {
            return Ok(outcome);
        }
        if let Err(refusal) = self.may_come(offered).await {
            return Err(self.turn_away(&permit, offered, refusal).await);
        }
        let mut contents = Vec::with_capacity(offered.parts().len());
        for part in offered.parts() {
            contents.push((part.number, self.put_together(offered, part).await?));
        }
        let new = self.arrived(&permit, offered, contents).await?;
        let last = new.edges.last().ok_or(ProblemCode::Internal)?;
        let outcome = RelayOutcome { state: last.evidence.state, evidence: last.evidence.jws.clone() };
        match self.insert_relayed("accept_relayed", offered, new).await {
            Ok(()) => {
                metrics::counter!("vuzol_relayed_in_total", "outcome" => "accepted").increment(1);
                self.unstage_relay(offered).await;
                Ok(outcome)
            }
            // Its twin was first: the answer is that one's.
            Err(StoreError::Conflict) => self.answered(offered).await?.ok_or_else(|| ProblemCode::RelayConflict.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// What this node answered before, if the message is here.
    async fn answered(&self, offered: &Offered) -> Result<Option<RelayOutcome>, Refusal> {
        let id = offered.message;
        let found = self.inner.ledger.reader().read("relayed_before", move |tx| {
            let Some(message) = tables::read_message(tx, id)? else { return Ok(None) };
            Ok(Some((message, tables::route(tx, id)?, tables::answer(tx, id)?)))
        });
        let Some((message, route, answer)) = found.await? else { return Ok(None) };
        let same = route.is_some_and(|route| route.inbound && route.peer == offered.peer)
            && message.sender == offered.statement.sender
            && message.recipient == offered.statement.recipient
            && same_parts(&message.parts, offered.parts());
        let answer = answer.filter(|_| same).ok_or(ProblemCode::RelayConflict)?;
        if answer.kind == EvidenceKind::SubmissionRejection {
            let reason = match &message.state {
                Some(schemas::message::State::Rejected { reason }) => reason.clone(),
                _ => String::new(),
            };
            let code = ProblemCode::ALL.iter().find(|code| code.as_str() == reason);
            let code = code.copied().unwrap_or(ProblemCode::ActionForbidden);
            let (evidence, recorded) = (Some(answer.jws), Some(answer.event));
            return Err(Refusal { evidence, recorded, ..Refusal::new(code) });
        }
        Ok(Some(RelayOutcome { state: MessageState::Consigned, evidence: answer.jws }))
    }

    /// The policy of the channel, and the case. Who brings it and that the mailbox is here was decided before.
    async fn may_come(&self, offered: &Offered) -> Result<(), Refusal> {
        let EvidenceStatement { sender, recipient, document_kind, .. } = &offered.statement;
        self.open_way(*sender, recipient, document_kind).await?;
        let parties = self.parties_of(offered.case).await?;
        let ours = [*sender, recipient.participant()];
        let continued = parties.is_none_or(|[one, other]| ours == [one, other] || ours == [other, one]);
        continued.then_some(()).ok_or_else(|| ProblemCode::UnknownCase.into())
    }

    async fn parties_of(&self, case: CaseId) -> Result<Option<[schemas::Edrpou; 2]>, StoreError> {
        self.inner.ledger.reader().read("case_parties", move |tx| tables::case_parties(tx, case)).await
    }

    /// Bytes of the part that are there from its beginning.
    async fn received(&self, offered: &Offered, part: &Part) -> Result<u64, StoreError> {
        let prefix = format!("{}/{}", folder(&offered.peer, offered.message), part.number);
        let mut received = 0_u64;
        for (place, (key, size, _)) in (0_u64..).zip(self.inner.objects.list(&prefix).await?) {
            if key != piece_key(&offered.peer, offered.message, part.number, place) {
                break;
            }
            received = received.saturating_add(size);
        }
        Ok(received.min(part.sealed_size))
    }

    /// The whole part, once it is what was offered.
    async fn put_together(&self, offered: &Offered, part: &Part) -> Result<Content, Refusal> {
        let incomplete = || Refusal::with_detail(ProblemCode::RelayIncomplete, format!("part {}", part.number));
        let pieces = part.sealed_size.div_ceil(length(RELAY_PIECE_BYTES));
        let small = part.sealed_size <= length(INLINE_PART_BYTES);
        let key = part_key(offered.message, part.number);
        let mut upload = if small { None } else { Some(self.inner.objects.upload(&key).await?) };
        let (mut digester, mut size, mut inline) = (Digester::new(DigestAlgorithm::Sha256), 0_u64, Vec::new());
        for place in 0..pieces {
            let piece = piece_key(&offered.peer, offered.message, part.number, place);
            let Some(bytes) = self.inner.objects.read(&piece).await? else { break };
            digester.update(&bytes);
            size = size.saturating_add(length(bytes.len()));
            match &mut upload {
                Some(upload) => upload.write(&bytes).await?,
                None => inline.extend_from_slice(&bytes),
            }
        }
        let right = size == part.sealed_size
            && offered.sealed_sha256(part.number).is_some_and(|sha256| digester.finish().as_bytes() == sha256);
        match upload {
            Some(upload) if right => {
                upload.finish().await?;
                Ok(Content::Object(key))
            }
            None if right => Ok(Content::Inline(inline)),
            upload => {
                if let Some(upload) = upload {
                    upload.abort().await;
                }
                if size == part.sealed_size {
                    // All of it is there, and it is something else: nothing of it can be kept.
                    self.forget_pieces(offered, part, pieces).await;
                }
                Err(incomplete())
            }
        }
    }

    async fn forget_pieces(&self, offered: &Offered, part: &Part, pieces: u64) {
        for place in 0..pieces {
            let key = piece_key(&offered.peer, offered.message, part.number, place);
            if let Err(error) = self.inner.objects.delete(&key).await {
                tracing::warn!(key, %error, "a piece stays for the sweep");
            }
        }
    }

    /// Everything that the transaction writes: A.1, resting on that of the other node, and D.1.
    async fn arrived(
        &self,
        permit: &Permit<RelayMessage>,
        offered: &Offered,
        contents: Vec<(u8, Content)>,
    ) -> Result<NewMessage, Refusal> {
        let mut message = offered.message(self.inner.clock.now()).ok_or_else(|| wrong("sender_certificate"))?;
        self.mark_relayed(&mut message.parts);
        let details = serde_json::json!({
            "case": offered.case, "recipient": &message.recipient, "kind": &message.kind, "parts": digests(&message.parts),
            "from": &offered.peer,
        });
        let deed = Deed {
            rests_on: Some(named(&offered.statement, &offered.offer.evidence)),
            ..Deed::of(Action::ReceiveRelayed, permit.actor().pseudonym(), details)
        };
        let accepted = self.edge(&message, &Step::Accept, deed)?;
        let consigned = self.consignment(&accepted.message).await?;
        Ok(NewMessage {
            edges: vec![accepted, consigned],
            opens_case: self.parties_of(offered.case).await?.is_none(),
            key_envelope: Some(offered.key_envelope.clone()),
            contents,
            claim: None,
            job: None,
            route: Some(Route { peer: offered.peer.clone(), inbound: true }),
            parts_json: serde_json::to_string(&message.parts).map_err(|_| ProblemCode::Internal)?,
        })
    }

    /// Puts a refusal on record, so that a repeat is refused as well; what the operator here can mend is not recorded so.
    async fn turn_away(&self, permit: &Permit<RelayMessage>, offered: &Offered, refusal: Refusal) -> Refusal {
        if !super::is_final(refusal.code.as_str()) {
            return refusal;
        }
        match self.record_turning_away(permit, offered, refusal).await {
            Ok(recorded) => recorded,
            Err(failure) => failure,
        }
    }

    async fn record_turning_away(
        &self,
        permit: &Permit<RelayMessage>,
        offered: &Offered,
        refusal: Refusal,
    ) -> Result<Refusal, Refusal> {
        let message = offered.message(self.inner.clock.now()).ok_or_else(|| wrong("sender_certificate"))?;
        let message = Message { case: None, ..message };
        let details =
            serde_json::json!({ "recipient": &message.recipient, "kind": &message.kind, "from": &offered.peer });
        let deed = Deed {
            outcome: Outcome::Refused(refusal.code),
            rests_on: Some(named(&offered.statement, &offered.offer.evidence)),
            ..Deed::of(Action::ReceiveRelayed, permit.actor().pseudonym(), details)
        };
        let edge = self.edge(&message, &Step::Reject { reason: refusal.code.as_str().to_owned() }, deed)?;
        let (evidence, recorded) = (Some(edge.evidence.jws.clone()), Some(edge.event.id()));
        let new = NewMessage {
            edges: vec![edge],
            opens_case: false,
            key_envelope: None,
            contents: Vec::new(),
            claim: None,
            job: None,
            route: Some(Route { peer: offered.peer.clone(), inbound: true }),
            parts_json: serde_json::to_string(&message.parts).map_err(|_| ProblemCode::Internal)?,
        };
        match self.insert_relayed("turn_away_relayed", offered, new).await {
            Ok(()) => Ok(Refusal { evidence, recorded, ..refusal }),
            Err(StoreError::Conflict) => Ok(self.answered(offered).await.err().unwrap_or(refusal)),
            Err(error) => Err(error.into()),
        }
    }

    async fn insert_relayed(&self, name: &'static str, offered: &Offered, new: NewMessage) -> Result<(), StoreError> {
        let evidence = PeerEvidence::of(&offered.statement, &offered.offer.evidence);
        let inserted = self.inner.ledger.transact(name, move |tx| {
            let appended = tables::insert_message(tx, &new)?.ok_or(StoreError::Conflict)?;
            if let (Some(evidence), Some(first)) = (&evidence, new.edges.first()) {
                tables::insert_peer_evidence(tx, evidence, &first.event)?;
            }
            Ok::<_, StoreError>(appended.with(()))
        });
        inserted.await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }

    /// What stays is removed by the sweep.
    async fn unstage_relay(&self, offered: &Offered) {
        let removed = async {
            for (key, ..) in self.inner.objects.list(&folder(&offered.peer, offered.message)).await? {
                self.inner.objects.delete(&key).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = removed.await {
            tracing::warn!(message = %offered.message, %error, "what a relay staged stays for the sweep");
        }
    }

    /// Objects of transfers that stood still for a week.
    pub(crate) async fn abandoned_relays(&self, now: OffsetDateTime, most: usize) -> Result<Vec<String>, StoreError> {
        let staged = self.inner.objects.list(STAGED).await?.into_iter();
        let old = staged.filter(|(_, _, modified)| now - *modified >= ABANDONED);
        Ok(old.take(most).map(|(key, ..)| key).collect())
    }
}

fn check_permit(permit: &Permit<RelayMessage>, offered: &Offered) -> Result<(), Refusal> {
    let peer = permit.actor().peer().is_some_and(|peer| **peer == *offered.peer);
    if peer && *permit.resource() == offered.resource() {
        return Ok(());
    }
    tracing::error!("the door asked for a permit for another message");
    Err(ProblemCode::Internal.into())
}

/// Where a message is staged. Of the peer's name the digest: it may hold any visible character.
fn folder(peer: &str, message: MessageId) -> String {
    let name = hex(&crypto::digest::sha256(peer.as_bytes()));
    format!("{STAGED}{}/{message}", name.get(..16).unwrap_or_default())
}

fn offer_key(peer: &str, message: MessageId) -> String {
    format!("{}/offer", folder(peer, message))
}

/// Names sort as the pieces lie.
fn piece_key(peer: &str, message: MessageId, part: u8, place: u64) -> String {
    format!("{}/{part}/{place:08}", folder(peer, message))
}
