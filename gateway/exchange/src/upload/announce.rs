//! The announcement: what will be handed in is checked before anything of it is sent.

use std::collections::{BTreeMap, BTreeSet};

use access::Permit;
use access::decide::SubmitDocument;
use audit::Action;
use crypto::digest::{from_hex, sha256};
use crypto::seal::DocumentKey;
use schemas::announcement::{AnnouncedPart, Announcement, AnnouncementStatus};
use schemas::limits::{ANNOUNCED_PARTS, ANNOUNCED_SUBMISSIONS, ANNOUNCEMENT_HOURS, SIGNATURE_BYTES};
use schemas::message::{MessageState, PartRole};
use schemas::{MessageId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, TxError};
use time::Duration;

use super::status;
use crate::edge::Deed;
use crate::intake::{IdempotencyKey, forgotten_before, length};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Claim, NewMessage, StoredReceipt};

/// A part with the digest that was stated of it.
type Stated = (AnnouncedPart, Option<[u8; 32]>);

/// The submission may be uploaded.
#[derive(Debug)]
pub struct NewAnnouncement {
    /// How it stands.
    pub status: AnnouncementStatus,
    /// The same was announced before; this is how it stands.
    pub replayed: bool,
}

/// Why an announcement was not kept.
enum NotAnnounced {
    /// The same one was first.
    Twin,
    /// The sender has as many open ones as may be.
    Full,
    Store(StoreError),
}

impl From<StoreError> for NotAnnounced {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// Announces a submission. On return it is durable, with evidence V.1; nothing is promised but the room for it.
    ///
    /// The same announcement under the same key brings the same message again.
    ///
    /// # Errors
    /// `AnnouncementsNotTaken` without a key ring; `PartsInconsistent`, `TooLarge`, `EmptyDocument`; `IdempotencyKeyReused`,
    /// `SubmissionEnded`; `QuotaAnnounced`; what can be told of the recipient and the case already; otherwise when the store fails.
    pub async fn announce(
        &self,
        permit: Permit<SubmitDocument>,
        announcement: Announcement,
        key: IdempotencyKey,
    ) -> Result<NewAnnouncement, Refusal> {
        let envelope = &announcement.envelope;
        let resource = permit.resource();
        if (envelope.sender, &envelope.recipient, &envelope.kind)
            != (resource.sender, &resource.recipient, &resource.kind)
        {
            tracing::error!("the door asked for a permit for another envelope");
            return Err(ProblemCode::Internal.into());
        }
        let fingerprint = fingerprint(&announcement)?;
        if let Some(earlier) = self.earlier(envelope.sender, &key).await? {
            return self.announced_before(&fingerprint, earlier).await;
        }
        let parts = check(&announcement.parts, self.most_bytes(envelope).await?)?;
        self.seal_to(envelope).await?;
        self.check_case(envelope).await?;
        let new = self.new_announcement(&permit, &announcement, &key, fingerprint)?;
        let (id, sender) = (new.edges.first().ok_or(ProblemCode::Internal)?.message.id, envelope.sender);
        let committed = self.inner.ledger.transact("announce_submission", move |tx| {
            let appended = tables::insert_message(tx, &new)?.ok_or(NotAnnounced::Twin)?;
            tables::insert_upload_parts(tx, id, &parts)?;
            if tables::count_open(tx, sender, MessageState::Announced, ANNOUNCED_SUBMISSIONS)? > ANNOUNCED_SUBMISSIONS {
                return Err(NotAnnounced::Full);
            }
            Ok(appended.with(()))
        });
        match committed.await {
            Ok(()) => Ok(NewAnnouncement { status: status(&self.announced(id).await?), replayed: false }),
            Err(TxError::Refused(NotAnnounced::Full)) => Err(ProblemCode::QuotaAnnounced.into()),
            Err(TxError::Refused(NotAnnounced::Twin)) => {
                let earlier = self.earlier(announcement.envelope.sender, &key).await?;
                let earlier = earlier.ok_or(StoreError::Corrupt("submission_key"))?;
                self.announced_before(&fingerprint, earlier).await
            }
            Err(TxError::Refused(NotAnnounced::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }

    async fn announced_before(
        &self,
        fingerprint: &[u8; 32],
        earlier: StoredReceipt,
    ) -> Result<NewAnnouncement, Refusal> {
        if earlier.fingerprint != *fingerprint {
            return Err(ProblemCode::IdempotencyKeyReused.into());
        }
        let id = match earlier.outcome {
            Ok(receipt) => receipt.message_id,
            Err(ended) if matches!(ended.state, MessageState::Announced | MessageState::Submitted) => ended.message,
            Err(ended) => return Err(ended.refusal()),
        };
        Ok(NewAnnouncement { status: status(&self.announced(id).await?), replayed: true })
    }

    fn new_announcement(
        &self,
        permit: &Permit<SubmitDocument>,
        announcement: &Announcement,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
    ) -> Result<NewMessage, Refusal> {
        let ring = self.inner.ring.as_ref().ok_or(ProblemCode::AnnouncementsNotTaken)?;
        let envelope = announcement.envelope.clone();
        let now = self.inner.clock.now();
        let id = MessageId::fresh(now);
        let key_envelope = ring.wrap(id, &DocumentKey::generate())?;
        let hours = i64::try_from(ANNOUNCEMENT_HOURS).unwrap_or(i64::MAX);
        let sizes: Vec<_> = announcement.parts.iter().map(|part| (part.number, part.role, part.size)).collect();
        let details = serde_json::json!({
            "recipient": &envelope.recipient,
            "kind": &envelope.kind,
            "parts": sizes,
        });
        let message = Message {
            id,
            case: envelope.case_id,
            sender: envelope.sender,
            sender_certificate: *permit.actor().certificate().ok_or(ProblemCode::SessionWithoutCertificate)?,
            recipient: envelope.recipient,
            kind: envelope.kind,
            media_type: envelope.media_type,
            state: None,
            steps: 0,
            accepted_at: None,
            changed_at: now,
            parts: Vec::new(),
            metadata: envelope.metadata,
        };
        let deed = Deed::of(Action::AnnounceSubmission, permit.actor().pseudonym(), details);
        let edge = self.edge(&message, &Step::Announce { until: now + Duration::hours(hours) }, deed)?;
        Ok(NewMessage {
            edges: vec![edge],
            opens_case: false,
            key_envelope: Some(key_envelope),
            contents: Vec::new(),
            claim: Some(Claim { key: key.0.clone(), fingerprint, forgotten_before: forgotten_before(now) }),
            job: None,
            route: None,
            parts_json: "[]".to_owned(),
        })
    }
}

/// What makes two announcements the same.
fn fingerprint(announcement: &Announcement) -> Result<[u8; 32], Refusal> {
    Ok(sha256(&serde_json::to_vec(announcement).map_err(|_| ProblemCode::Internal)?))
}

/// Whether the parts make a submission, as far as that can be told before they are here. `most`: the largest document that
/// the channel carries.
fn check(parts: &[AnnouncedPart], most: u64) -> Result<Vec<Stated>, Refusal> {
    let wrong = |detail: String| Refusal::with_detail(ProblemCode::PartsInconsistent, detail);
    if parts.len() > ANNOUNCED_PARTS {
        return Err(wrong(format!("at most {ANNOUNCED_PARTS} parts")));
    }
    let mut roles = BTreeMap::new();
    for part in parts {
        if usize::from(part.number) >= ANNOUNCED_PARTS || roles.insert(part.number, part.role).is_some() {
            return Err(wrong(format!("part {}: numbers are 0 to 99, each once", part.number)));
        }
        if part.of.is_some() != (part.role == PartRole::Signature) {
            return Err(wrong(format!("part {}: `of` belongs to signatures, and to each", part.number)));
        }
        let bound = if part.role == PartRole::Signature { length(SIGNATURE_BYTES) } else { most };
        match part.size {
            0 => return Err(Refusal::with_detail(ProblemCode::EmptyDocument, format!("part {}", part.number))),
            size if size > bound => {
                let detail = format!("part {}: at most {bound} bytes", part.number);
                return Err(Refusal::with_detail(ProblemCode::TooLarge, detail));
            }
            _ => {}
        }
    }
    let signed: BTreeSet<u8> = parts.iter().filter_map(|part| part.of).collect();
    let contents: BTreeSet<u8> =
        roles.iter().filter(|(_, role)| **role != PartRole::Signature).map(|(number, _)| *number).collect();
    if let Some(number) = signed.difference(&contents).next() {
        return Err(wrong(format!("part {number} is signed, and is no document or attachment")));
    }
    if let Some(number) = contents.difference(&signed).next() {
        return Err(wrong(format!("part {number} has no signature")));
    }
    if !roles.values().any(|role| *role == PartRole::Document) {
        return Err(wrong("there is no document".to_owned()));
    }
    parts.iter().map(|part| Ok((part.clone(), stated(part).ok_or_else(|| wrong(SHA256.to_owned()))?))).collect()
}

/// The stated digest; None where it is none.
fn stated(part: &AnnouncedPart) -> Option<Option<[u8; 32]>> {
    match &part.sha256 {
        None => Some(None),
        Some(text) if text.bytes().any(|byte| byte.is_ascii_uppercase()) => None,
        Some(text) => from_hex(text)?.try_into().ok().map(Some),
    }
}

const SHA256: &str = "sha256 is 64 lower-case hexadecimal digits";

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::message::MediaType;

    fn part(number: u8, role: PartRole, of: Option<u8>) -> AnnouncedPart {
        let media_type = MediaType::try_from("application/pdf".to_owned()).unwrap();
        AnnouncedPart { number, role, of, media_type, size: 10, sha256: None }
    }

    fn told(parts: &[AnnouncedPart]) -> Result<(), (ProblemCode, Option<String>)> {
        check(parts, 100).map(drop).map_err(|refusal| (refusal.code, refusal.detail))
    }

    #[test]
    fn parts_that_make_no_submission_are_refused_before_they_are_sent() {
        use PartRole::{Attachment, Document, Signature};
        let sound = [part(3, Document, None), part(7, Attachment, None), part(0, Signature, Some(3))];
        let sound = [&sound[..], &[part(1, Signature, Some(7))]].concat();
        assert_eq!(told(&sound), Ok(()));
        let wrong = [
            vec![],
            vec![part(0, Document, None)],
            vec![part(0, Document, None), part(0, Signature, Some(0))],
            vec![part(0, Document, None), part(1, Signature, None)],
            vec![part(0, Document, Some(0)), part(1, Signature, Some(0))],
            vec![part(0, Document, None), part(1, Signature, Some(0)), part(2, Signature, Some(1))],
            vec![part(0, Attachment, None), part(1, Signature, Some(0))],
            vec![part(100, Document, None), part(1, Signature, Some(100))],
            [&sound[..], &[part(8, Attachment, None)]].concat(),
        ];
        for parts in wrong {
            let refused = told(&parts).map_err(|(code, _)| code);
            assert_eq!(refused, Err(ProblemCode::PartsInconsistent), "{parts:?}");
        }
    }

    #[test]
    fn sizes_and_digests_are_bounded() {
        let with = |change: &dyn Fn(&mut AnnouncedPart)| {
            let mut document = part(0, PartRole::Document, None);
            change(&mut document);
            told(&[document, part(1, PartRole::Signature, Some(0))]).map_err(|(code, _)| code)
        };
        assert_eq!(with(&|part| part.size = 100), Ok(()));
        assert_eq!(with(&|part| part.size = 101), Err(ProblemCode::TooLarge));
        assert_eq!(with(&|part| part.size = 0), Err(ProblemCode::EmptyDocument));
        assert_eq!(with(&|part| part.sha256 = Some("ab".repeat(32))), Ok(()));
        for digest in ["AB".repeat(32), "ab".repeat(31), "zz".repeat(32)] {
            assert_eq!(with(&|part| part.sha256 = Some(digest.clone())), Err(ProblemCode::PartsInconsistent));
        }
    }
}
