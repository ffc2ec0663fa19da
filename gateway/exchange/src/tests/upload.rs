//! A submission in several requests.

use access::Permit;
use access::decide::{CompleteSubmission, ReadMessage};
use bytes::Bytes;
use crypto::digest::{hex, sha256};
use futures_util::stream;
use schemas::announcement::{AnnouncedPart, Announcement, AnnouncementStatus, UploadedPart};
use schemas::evidence::EvidenceKind;
use schemas::limits::{ANNOUNCED_SUBMISSIONS, RANGE_BYTES};
use schemas::message::{MediaType, MessageState, PartRole, Receipt};
use schemas::{MessageId, ProblemCode};
use time::Duration;

use super::town::{Town, accepted, acknowledgement, bytes};
use crate::intake::{Accepted, IdempotencyKey, Taken};
use crate::refusal::Refusal;
use crate::upload::{ContentRange, NewAnnouncement, PartUpload};

#[allow(clippy::cast_possible_truncation, reason = "a quarter of a mebibyte")]
pub(super) const RANGE: usize = RANGE_BYTES as usize;

pub(super) fn part(number: u8, role: PartRole, of: Option<u8>, content: &[u8]) -> AnnouncedPart {
    let media_type = if of.is_none() { "application/pdf" } else { "application/pkcs7-signature" };
    let media_type = MediaType::try_from(media_type.to_owned()).unwrap();
    AnnouncedPart { number, role, of, media_type, size: content.len() as u64, sha256: None }
}

/// What A hands in to B: a document, an attachment, and their signatures.
struct Bundle {
    document: Vec<u8>,
    attachment: Vec<u8>,
    over_document: Vec<u8>,
    over_attachment: Vec<u8>,
}

impl Bundle {
    fn of(town: &Town, document: Vec<u8>, attachment: Vec<u8>) -> Self {
        let (over_document, over_attachment) =
            (town.signs(&town.a.signer, &document), town.signs(&town.a.signer, &attachment));
        Self { document, attachment, over_document, over_attachment }
    }

    /// A document of three ranges and a bit, an attachment that is small.
    fn large(town: &Town) -> Self {
        Self::of(town, bytes(3 * RANGE + 1234), b"attached".to_vec())
    }

    fn announced(&self) -> Vec<AnnouncedPart> {
        vec![
            part(2, PartRole::Document, None, &self.document),
            part(5, PartRole::Attachment, None, &self.attachment),
            part(6, PartRole::Signature, Some(2), &self.over_document),
            part(7, PartRole::Signature, Some(5), &self.over_attachment),
        ]
    }

    /// Everything but the document.
    async fn upload_rest(&self, town: &Town, message: MessageId) {
        for (number, content) in [(5, &self.attachment), (6, &self.over_document), (7, &self.over_attachment)] {
            town.puts(message, number, None, content).await.unwrap();
        }
    }
}

impl Town {
    pub(super) async fn announces(&self, key: &str, parts: Vec<AnnouncedPart>) -> Result<NewAnnouncement, Refusal> {
        let letter = self.letter(b"");
        let permit = self.node.permit_to_submit(&self.a.actor, &letter).await;
        let announcement = Announcement { envelope: letter.envelope, parts };
        self.node.exchange.announce(permit, announcement, IdempotencyKey::parse(key).unwrap()).await
    }

    async fn may_complete(&self, message: MessageId) -> Permit<CompleteSubmission> {
        self.node.permit::<CompleteSubmission>(&self.a, message).await
    }

    /// Uploads a range of `whole`, or all of it.
    pub(super) async fn puts(
        &self,
        message: MessageId,
        number: u8,
        range: Option<(usize, usize)>,
        whole: &[u8],
    ) -> Result<UploadedPart, Refusal> {
        let (start, end) = range.unwrap_or((0, whole.len()));
        let content = sha256(&whole[start..end]);
        let range = range.map(|_| ContentRange { start: start as u64, end: end as u64, total: whole.len() as u64 });
        let upload = PartUpload { range, content: Some(content), whole: None };
        self.puts_as(message, number, upload, &whole[start..end]).await
    }

    async fn puts_as(
        &self,
        message: MessageId,
        number: u8,
        upload: PartUpload,
        content: &[u8],
    ) -> Result<UploadedPart, Refusal> {
        let permit = self.may_complete(message).await;
        let pieces: Vec<_> = content.chunks(10_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        self.node.exchange.upload(&permit, number, upload, &mut stream::iter(pieces)).await
    }

    pub(super) async fn received(&self, message: MessageId) -> AnnouncementStatus {
        self.node.exchange.announcement(self.may_complete(message).await).await.unwrap()
    }

    pub(super) async fn sends(&self, message: MessageId) -> Result<Accepted, Refusal> {
        self.sends_on(message).await.map(accepted)
    }

    pub(super) async fn sends_on(&self, message: MessageId) -> Result<Taken, Refusal> {
        let permit = self.may_complete(message).await;
        if let Some(before) = self.node.exchange.sent_before(&permit).await? {
            return Ok(before);
        }
        let submit = self.node.permit_to_submit(&self.a.actor, &self.letter(b"")).await;
        self.node.exchange.send(&permit, &submit).await
    }

    /// B opens every part of the one message that waits, and they are what A handed in.
    async fn b_opens(&self, receipt: &Receipt, expected: &[(u8, &[u8])]) {
        let lease = self.lease(&self.b).await;
        let [leased] = lease.messages.as_slice() else { panic!("{} messages", lease.messages.len()) };
        assert_eq!(leased.parts, receipt.parts);
        for (number, content) in expected {
            let sealed = self.download(&self.b, receipt.message_id, *number, lease.token).await.unwrap();
            assert!(self.b.opens(leased, *number, &sealed) == *content, "part {number}");
        }
    }
}

fn code<T>(result: Result<T, Refusal>) -> ProblemCode {
    result.map(|_| "done").unwrap_err().code
}

#[tokio::test]
async fn a_submission_in_ranges_arrives_as_one_in_one_request_does() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let announced = town.announces("key", bundle.announced()).await.unwrap();
    let id = announced.status.message_id;
    assert_eq!(town.proves(&announced.status.evidence).kind, EvidenceKind::SubmissionAnnouncement);
    assert_eq!(announced.status.until, Some(super::town::NOON + Duration::hours(24)));
    // Nothing of it is the recipient's business yet.
    let read = town.node.permit::<ReadMessage>(&town.b, id).await;
    assert_eq!(code(town.node.exchange.read_message(read).await), ProblemCode::NotFound);
    assert!(town.lease(&town.b).await.messages.is_empty());
    assert!(
        town.node
            .access
            .decide::<CompleteSubmission>(
                &town.b.actor,
                town.node.exchange.message_resource(id).await.unwrap().unwrap(),
            )
            .await
            .is_err()
    );

    let document = &bundle.document;
    for (start, end) in [(0, RANGE), (RANGE, 3 * RANGE), (3 * RANGE, document.len())] {
        let answer = town.puts(id, 2, Some((start, end)), document).await.unwrap();
        assert_eq!(answer.received, end as u64);
        assert_eq!(town.received(id).await.parts[0], answer, "what is answered is durable");
    }
    bundle.upload_rest(&town, id).await;
    assert_eq!(town.received(id).await.parts[0].sha256, Some(hex(&sha256(document))));
    let accepted = town.sends(id).await.unwrap();
    let receipt = &accepted.receipt;
    let roles: Vec<_> = receipt.parts.iter().map(|part| (part.number, part.role, part.of)).collect();
    use PartRole::{Attachment, Document, Signature};
    assert_eq!(roles, [(2, Document, None), (5, Attachment, None), (6, Signature, Some(2)), (7, Signature, Some(5))]);
    assert_eq!(town.objects().await.len(), 1, "of the ranges nothing is left");
    let expected: [(u8, &[u8]); 4] =
        [(2, document), (5, &bundle.attachment), (6, &bundle.over_document), (7, &bundle.over_attachment)];
    town.b_opens(receipt, &expected).await;
    let kinds: Vec<_> = town.evidence(&town.a, receipt.case_id).await.iter().map(|e| e.kind.code()).collect();
    assert_eq!(kinds, ["V.1", "A.1", "D.1", "E.1"]);
    let again = town.sends(id).await.unwrap();
    assert!(again.replayed && again.receipt == *receipt, "a repeat brings the same receipt");
    assert_eq!(code(town.puts(id, 2, None, document).await), ProblemCode::SubmissionSent);
}

#[tokio::test]
async fn the_recipient_accepts_what_was_uploaded_by_the_digest_of_its_document() {
    let town = Town::new().await;
    let bundle = Bundle::of(&town, b"the document".to_vec(), b"attached".to_vec());
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    town.puts(id, 2, None, &bundle.document).await.unwrap();
    bundle.upload_rest(&town, id).await;
    town.sends(id).await.unwrap();
    let lease = town.lease(&town.b).await;
    // The attachment alone hands the message over.
    town.download(&town.b, id, 5, lease.token).await.unwrap();
    assert_eq!(town.summary(&town.a, id).await.state, MessageState::HandedOver);
    let signed = town.states(&town.b.signer, &acknowledgement(id, &bundle.document, None));
    let receipt = town.acknowledge(&town.b, id, lease.token, signed).await.unwrap();
    assert_eq!(receipt.state, MessageState::Accepted);
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off_in_another_process() {
    let mut town = Town::new().await;
    let bundle = Bundle::large(&town);
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    let document = &bundle.document;
    town.puts(id, 2, Some((0, RANGE)), document).await.unwrap();
    // The connection breaks in the middle of the next range.
    let permit = town.may_complete(id).await;
    let mut broken =
        stream::iter([Ok(Bytes::copy_from_slice(&document[RANGE..2 * RANGE - 1])), Err(ProblemCode::TruncatedBody)]);
    let range = ContentRange { start: RANGE as u64, end: 2 * RANGE as u64, total: document.len() as u64 };
    let upload = PartUpload { range: Some(range), ..PartUpload::default() };
    let refused = town.node.exchange.upload(&permit, 2, upload, &mut broken).await;
    assert_eq!(code(refused), ProblemCode::TruncatedBody);
    assert_eq!(town.objects().await.len(), 1, "half a range leaves nothing");
    town.node = town.another_process();
    assert_eq!(town.received(id).await.parts[0].received, RANGE as u64, "what was answered is there");
    town.puts(id, 2, Some((RANGE, document.len())), document).await.unwrap();
    bundle.upload_rest(&town, id).await;
    let receipt = town.sends(id).await.unwrap().receipt;
    town.b_opens(&receipt, &[(2, document)]).await;
}

#[tokio::test]
async fn a_range_that_comes_again_is_known_by_its_digest() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    let document = &bundle.document;
    for _ in 0..2 {
        assert_eq!(town.puts(id, 2, Some((0, RANGE)), document).await.unwrap().received, RANGE as u64);
    }
    let mut other = document.clone();
    other[7] ^= 1;
    assert_eq!(code(town.puts(id, 2, Some((0, RANGE)), &other).await), ProblemCode::RangeDiffers);
    let half = RANGE + RANGE / 2;
    assert_eq!(code(town.puts(id, 2, Some((0, half)), document).await), ProblemCode::RangeNotNext, "an overlap");
    assert_eq!(code(town.puts(id, 2, Some((half, 3 * RANGE)), document).await), ProblemCode::RangeNotNext, "a gap");
    assert_eq!(code(town.puts(id, 2, Some((RANGE, RANGE + 10)), document).await), ProblemCode::RangeNotSatisfiable);
    let wrong_total = Some(ContentRange { start: RANGE as u64, end: 2 * RANGE as u64, total: 4 * RANGE as u64 });
    let upload = PartUpload { range: wrong_total, ..PartUpload::default() };
    let refused = town.puts_as(id, 2, upload, &document[RANGE..2 * RANGE]).await;
    assert_eq!(code(refused), ProblemCode::RangeNotSatisfiable);
    town.puts(id, 2, Some((RANGE, document.len())), document).await.unwrap();
    // Also once the ranges are joined.
    town.puts(id, 2, Some((0, RANGE)), document).await.unwrap();
    town.puts(id, 2, None, document).await.unwrap();
    assert_eq!(code(town.puts(id, 2, None, &other).await), ProblemCode::RangeDiffers);
    assert_eq!(town.objects().await.len(), 1);
}

#[tokio::test]
async fn the_same_range_twice_at_once_is_kept_once() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    let document = &bundle.document;
    let twins = (0..4).map(|_| town.puts(id, 2, Some((0, 2 * RANGE)), document));
    for answer in futures_util::future::join_all(twins).await {
        assert_eq!(answer.unwrap().received, 2 * RANGE as u64);
    }
    assert_eq!(town.objects().await.len(), 1);
    let twins = (0..4).map(|_| town.puts(id, 2, Some((2 * RANGE, document.len())), document));
    for answer in futures_util::future::join_all(twins).await {
        assert_eq!(answer.unwrap().received, document.len() as u64);
    }
    assert_eq!(town.objects().await.len(), 1);
    bundle.upload_rest(&town, id).await;
    let receipt = town.sends(id).await.unwrap().receipt;
    town.b_opens(&receipt, &[(2, document)]).await;
}

#[tokio::test]
async fn content_that_is_not_what_was_stated_is_not_kept() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let mut parts = bundle.announced();
    parts[0].sha256 = Some(hex(&sha256(&bundle.document)));
    let id = town.announces("key", parts).await.unwrap().status.message_id;
    let document = &bundle.document;
    let mut other = document.clone();
    other[RANGE + 1] ^= 1;
    let wrong = PartUpload { content: Some([0; 32]), ..PartUpload::default() };
    assert_eq!(code(town.puts_as(id, 5, wrong, &bundle.attachment).await), ProblemCode::DigestMismatch);
    let wrong = PartUpload { whole: Some([0; 32]), ..PartUpload::default() };
    assert_eq!(code(town.puts_as(id, 2, wrong, document).await), ProblemCode::DigestMismatch);
    assert_eq!(code(town.puts(id, 2, None, &other).await), ProblemCode::DigestMismatch);
    let short = PartUpload::default();
    assert_eq!(code(town.puts_as(id, 5, short, &bundle.attachment[1..]).await), ProblemCode::TruncatedBody);
    let long = [&bundle.attachment[..], b"x"].concat();
    assert_eq!(code(town.puts_as(id, 5, PartUpload::default(), &long).await), ProblemCode::TooLarge);
    assert_eq!(town.objects().await, Vec::<String>::new());
    // Only the whole shows that one range was another: the part begins anew.
    town.puts(id, 2, Some((0, 2 * RANGE)), &other).await.unwrap();
    assert_eq!(code(town.puts(id, 2, Some((2 * RANGE, document.len())), &other).await), ProblemCode::DigestMismatch);
    assert_eq!(town.received(id).await.parts[0].received, 0);
    assert_eq!(town.objects().await, Vec::<String>::new());
    town.puts(id, 2, None, document).await.unwrap();
    bundle.upload_rest(&town, id).await;
    town.sends(id).await.unwrap();
}

#[tokio::test]
async fn what_is_not_complete_is_not_sent_and_what_is_signed_wrongly_ends() {
    let town = Town::new().await;
    let mut bundle = Bundle::large(&town);
    bundle.over_attachment = town.signs(&town.c.signer, &bundle.attachment);
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    town.puts(id, 2, Some((0, RANGE)), &bundle.document).await.unwrap();
    let refused = town.sends(id).await.unwrap_err();
    assert_eq!((refused.code, &refused.evidence), (ProblemCode::SubmissionIncomplete, &None));
    town.puts(id, 2, Some((RANGE, bundle.document.len())), &bundle.document).await.unwrap();
    bundle.upload_rest(&town, id).await;
    let refused = town.sends(id).await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::SignerNotOfSender, "the attachment is signed by C");
    let statement = town.proves(&refused.evidence.unwrap());
    assert_eq!(statement.kind, EvidenceKind::SubmissionRejection);
    assert_eq!(statement.parts.len(), 4, "the evidence names what was refused");
    assert!(town.has_event(refused.recorded.unwrap()).await);
    assert_eq!(town.objects().await, Vec::<String>::new(), "nothing of it stays");
    assert_eq!(code(town.sends(id).await), ProblemCode::SubmissionEnded);
    assert_eq!(code(town.announces("key", bundle.announced()).await), ProblemCode::SubmissionEnded);
}

#[tokio::test]
async fn a_document_that_was_changed_after_it_was_signed_is_refused() {
    let town = Town::new().await;
    let mut bundle = Bundle::large(&town);
    bundle.document[100] ^= 1;
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    town.puts(id, 2, None, &bundle.document).await.unwrap();
    bundle.upload_rest(&town, id).await;
    assert_eq!(code(town.sends(id).await), ProblemCode::SignatureOverOtherContent);
}

#[tokio::test]
async fn what_others_have_to_mend_does_not_end_a_submission() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    town.puts(id, 2, None, &bundle.document).await.unwrap();
    bundle.upload_rest(&town, id).await;
    town.responder_is_in_reach(false);
    let refused = town.sends(id).await.unwrap_err();
    assert_eq!((refused.code, refused.evidence), (ProblemCode::SignerStatusUnknown, None));
    town.responder_is_in_reach(true);
    let receipt = town.sends(id).await.unwrap().receipt;
    town.b_opens(&receipt, &[(2, &bundle.document)]).await;
}

#[tokio::test]
async fn an_announcement_that_is_given_up_leaves_nothing() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    town.puts(id, 2, Some((0, RANGE)), &bundle.document).await.unwrap();
    let end = town.node.exchange.withdraw(town.may_complete(id).await).await.unwrap();
    let statement = town.proves(&end.evidence);
    assert_eq!((statement.kind, end.state), (EvidenceKind::SubmissionRejection, MessageState::Rejected));
    assert_eq!(statement.reason.as_deref(), Some("submission.withdrawn"));
    assert_eq!(town.objects().await, Vec::<String>::new());
    assert!(town.received(id).await.parts.is_empty());
    let refused = town.puts(id, 2, Some((RANGE, 2 * RANGE)), &bundle.document).await.unwrap_err();
    assert_eq!((refused.code, refused.evidence), (ProblemCode::SubmissionEnded, Some(end.evidence)));
    assert_eq!(code(town.node.exchange.withdraw(town.may_complete(id).await).await), ProblemCode::SubmissionEnded);
}

#[tokio::test]
async fn an_announcement_lapses_after_a_day_and_the_sweep_takes_what_it_left_and_nothing_else() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let lapsing = town.announces("first", bundle.announced()).await.unwrap().status.message_id;
    town.puts(lapsing, 2, Some((0, RANGE)), &bundle.document).await.unwrap();
    // Files carry the time of the machine; the town's clock is set after it.
    town.clock.set(time::OffsetDateTime::now_utc() + Duration::hours(2));
    assert_eq!(town.node.exchange.timer_round(10).await.unwrap(), 1, "more than a day has passed");
    let living = town.announces("second", bundle.announced()).await.unwrap().status.message_id;
    town.puts(living, 2, Some((0, RANGE)), &bundle.document).await.unwrap();
    town.puts(living, 5, None, &bundle.attachment).await.unwrap();
    let summary = town.summary(&town.a, lapsing).await;
    assert_eq!(summary.state, MessageState::Rejected);
    town.time_passes(Duration::hours(2));
    assert_eq!(town.node.exchange.sweep().await.unwrap(), 1);
    let left = town.objects().await;
    assert!(left.len() == 1 && left[0].contains(&living.to_string()), "{left:?}");
    town.puts(living, 2, Some((RANGE, bundle.document.len())), &bundle.document).await.unwrap();
}

#[tokio::test]
async fn after_its_term_nothing_is_taken_even_before_the_timer_has_looked() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let id = town.announces("key", bundle.announced()).await.unwrap().status.message_id;
    town.time_passes(Duration::hours(24));
    assert_eq!(code(town.puts(id, 2, None, &bundle.document).await), ProblemCode::AnnouncementLapsed);
    assert_eq!(code(town.sends(id).await), ProblemCode::AnnouncementLapsed);
}

#[tokio::test]
async fn the_same_announcement_again_is_the_same_message() {
    let town = Town::new().await;
    let bundle = Bundle::large(&town);
    let first = town.announces("key", bundle.announced()).await.unwrap();
    town.puts(first.status.message_id, 2, Some((0, RANGE)), &bundle.document).await.unwrap();
    let again = town.announces("key", bundle.announced()).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(again.status.message_id, first.status.message_id);
    assert_eq!(again.status.parts[0].received, RANGE as u64);
    let other = Bundle::of(&town, b"other".to_vec(), b"attached".to_vec());
    assert_eq!(code(town.announces("key", other.announced()).await), ProblemCode::IdempotencyKeyReused);
    assert_eq!(
        code(town.submit(super::town::Letter { key: "key".to_owned(), ..town.letter(b"a letter") }).await),
        ProblemCode::IdempotencyKeyReused
    );
}

#[tokio::test]
async fn a_sender_has_only_so_many_announcements_open() {
    let town = Town::new().await;
    let bundle = Bundle::of(&town, b"a letter".to_vec(), b"attached".to_vec());
    let first = town.announces("first", bundle.announced()).await.unwrap().status.message_id;
    let more = i64::try_from(ANNOUNCED_SUBMISSIONS).unwrap() - 1;
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO message (id, case_id, sender, sender_certificate, recipient, kind, media_type, state, standing, steps,
            accepted_at, changed_at, due_at, parts, key_envelope)
        SELECT randomblob(16), case_id, sender, sender_certificate, recipient, kind, media_type, state, standing, steps,
            accepted_at, changed_at, due_at, parts, key_envelope FROM n, message";
    let copied = town.node.writer.run_tx("test", move |tx| tx.execute(sql, &[more.into()]));
    assert_eq!(copied.await.unwrap(), ANNOUNCED_SUBMISSIONS - 1);

    assert_eq!(code(town.announces("next", bundle.announced()).await), ProblemCode::QuotaAnnounced);
    assert!(town.announces("first", bundle.announced()).await.unwrap().replayed, "what is open is answered as before");
    town.submit(town.letter(b"at once")).await.unwrap();
    town.node.exchange.withdraw(town.may_complete(first).await).await.unwrap();
    let next = town.announces("next", bundle.announced()).await.unwrap();
    assert!(!next.replayed, "nothing was kept of what was refused");
}
