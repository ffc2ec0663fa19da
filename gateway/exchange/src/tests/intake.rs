//! Submissions that are refused, repeated, or meet each other.

use bytes::Bytes;
use certs::dev::{DevPki, Usage};
use futures_util::{StreamExt, stream};
use schemas::ProblemCode::{self, *};
use schemas::evidence::EvidenceKind;
use schemas::message::{MessageState, State};
use signing::cades::Content;
use time::Duration;

use super::town::{Letter, NOON, Town, acknowledgement, bytes, issue};
use crate::intake::IdempotencyKey;
use crate::refusal::Refusal;

const DOCUMENT: &[u8] = b"a letter";

/// Refused, on record, with evidence A.2 and a row to find it by; nothing of its content is left.
async fn refused(town: &Town, letter: Letter) -> ProblemCode {
    let (sender, before) = (letter.envelope.sender, town.rows().await);
    let refusal = town.submit(letter).await.unwrap_err();
    is_on_record(town, &refusal, sender).await;
    let [messages, parts, evidence, _, jobs] = town.rows().await;
    assert_eq!(
        [messages - 1, parts, evidence - 1, jobs],
        [before[0], before[1], before[2], before[4]],
        "{}",
        refusal.code
    );
    assert_eq!(town.objects().await, Vec::<String>::new(), "{}", refusal.code);
    refusal.code
}

async fn is_on_record(town: &Town, refusal: &Refusal, sender: schemas::Edrpou) {
    let statement = town.proves(refusal.evidence.as_ref().unwrap_or_else(|| panic!("no evidence: {refusal:?}")));
    assert_eq!(statement.kind, EvidenceKind::SubmissionRejection);
    assert_eq!(statement.reason.as_deref(), Some(refusal.code.as_str()));
    let last = town.audited().await.pop().unwrap();
    assert!(last.starts_with(&format!("document.submit {}", refusal.code)), "{last}");
    assert_eq!((statement.sender, statement.case_id, statement.accepted_at), (sender, None, None));
    let agency = [&town.a, &town.b, &town.c].into_iter().find(|agency| agency.edrpou == sender).unwrap();
    let found = town.sent(agency, Some(MessageState::Rejected)).await;
    let found = found.iter().find(|found| Some(found.message_id) == statement.message_id).unwrap();
    assert_eq!(found.standing, statement.state);
    assert_eq!(found.standing, Some(State::Rejected { reason: refusal.code.as_str().to_owned() }));
    assert_eq!(refusal.recorded, Some(statement.event_id));
    assert!(town.has_event(statement.event_id).await);
}

#[tokio::test]
async fn a_signature_that_cannot_be_believed_is_refused_with_its_reason() {
    let town = Town::new().await;
    // Each under a key of its own: a key serves one submission.
    let signed = |signature: Vec<u8>| {
        let key = crypto::digest::hex(&crypto::digest::sha256(&signature));
        Letter { signature, key, ..town.letter(DOCUMENT) }
    };
    let by = |signer: &certs::dev::Identity| signed(town.signs(signer, DOCUMENT));

    assert_eq!(refused(&town, signed(b"not a signature".to_vec())).await, SignatureUnreadable);
    assert_eq!(refused(&town, signed(town.cms(&town.a.signer, Content::Attached(DOCUMENT)))).await, SignatureFormat);
    assert_eq!(refused(&town, signed(town.signs(&town.a.signer, b"other"))).await, SignatureOverOtherContent);
    assert_eq!(refused(&town, by(&town.b.signer)).await, SignerNotOfSender);

    let mut spoilt = town.signs(&town.a.signer, DOCUMENT);
    *spoilt.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&town, signed(spoilt)).await, SignatureValueWrong);

    let expired = town.issue(&town.a, Usage::Signing, |profile| profile.not_after = NOON - Duration::hours(1));
    assert_eq!(refused(&town, by(&expired)).await, SignerExpired);

    let revoked = town.issue(&town.a, Usage::Signing, |_| ());
    town.pki.revoke(&revoked.certificate, NOON - Duration::hours(1), 1);
    assert_eq!(refused(&town, by(&revoked)).await, SignerRevoked);

    let others = DevPki::new(NOON, Duration::days(60), "http://ocsp.example/").unwrap();
    let foreign = issue(&others, Some(town.a.edrpou), Usage::Signing, |_| ());
    let chain = [foreign.certificate.clone(), others.issuing_ca().clone()];
    let content = Content::Detached(crypto::digest::digest(crypto::digest::DigestAlgorithm::Sha256, DOCUMENT));
    let untrusted = signing::cades::sign(content, &foreign.key, foreign.key.default_algorithm(), &chain, NOON).unwrap();
    assert_eq!(refused(&town, signed(untrusted)).await, SignerUntrusted);
}

#[tokio::test]
async fn a_signer_whose_status_nobody_knows_is_refused_for_now() {
    let town = Town::new().await;
    town.responder_is_in_reach(false);
    assert_eq!(refused(&town, town.letter(DOCUMENT)).await, SignerStatusUnknown);
    town.responder_is_in_reach(true);
    assert!(town.submit(town.letter(DOCUMENT)).await.is_ok());
}

#[tokio::test]
async fn a_refusal_states_what_was_read_of_the_document() {
    let town = Town::new().await;
    let letter = Letter { signature: town.signs(&town.a.signer, b"other"), ..town.letter(DOCUMENT) };
    let refusal = town.submit(letter).await.unwrap_err();
    let statement = town.proves(&refusal.evidence.unwrap());
    let read: Vec<_> = statement.parts.iter().map(|part| part.sha256.clone()).collect();
    assert_eq!(read, [crypto::digest::hex(&crypto::digest::sha256(DOCUMENT))]);
}

#[tokio::test]
async fn a_body_that_breaks_is_refused_whatever_its_size() {
    let town = Town::new().await;
    for size in [0, 10, 1_000_000] {
        for code in [TruncatedBody, TooLarge, RequestTimeout] {
            let mut letter = town.letter(&bytes(size));
            letter.chunks.push(Err(code));
            assert_eq!(refused(&town, letter).await, code, "{size}");
        }
    }
    let nothing = Letter { signature: town.signs(&town.a.signer, b""), chunks: Vec::new(), ..town.letter(b"x") };
    assert_eq!(refused(&town, nothing).await, EmptyDocument);
}

#[tokio::test]
async fn a_large_document_over_another_content_leaves_no_object() {
    let town = Town::new().await;
    let document = bytes(500_000);
    let letter = Letter { signature: town.signs(&town.a.signer, b"other"), ..town.letter(&document) };
    assert_eq!(refused(&town, letter).await, SignatureOverOtherContent);
}

#[tokio::test]
async fn a_sender_that_goes_away_leaves_nothing() {
    let town = Town::new().await;
    let document = Bytes::from(bytes(300_000));
    let letter = town.letter(&document);
    let silent = stream::iter([Ok(document)]).chain(stream::pending());
    let submission = town.node.submit_stream(&town.a, letter, silent);
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), submission).await;
    assert!(waited.is_err(), "the stream never ends");
    assert_eq!(town.rows().await, [0; 5]);
    assert_eq!(town.objects().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_sealed_to_a_key_that_is_not_in_good_standing() {
    let town = Town::new().await;
    town.register(&town.b, None).await;
    assert_eq!(refused(&town, town.letter(DOCUMENT)).await, RecipientCannotReceive);

    let expired = town.issue(&town.b, Usage::Encryption, |profile| profile.not_after = NOON - Duration::hours(1));
    town.register(&town.b, Some(&expired.certificate)).await;
    assert_eq!(refused(&town, town.letter(DOCUMENT)).await, RecipientCannotReceive);

    let revoked = town.issue(&town.b, Usage::Encryption, |_| ());
    town.pki.revoke(&revoked.certificate, NOON, 1);
    town.register(&town.b, Some(&revoked.certificate)).await;
    assert_eq!(refused(&town, town.letter(DOCUMENT)).await, RecipientCannotReceive);

    let others = DevPki::new(NOON, Duration::days(60), "").unwrap();
    let foreign = issue(&others, Some(town.b.edrpou), Usage::Encryption, |_| ());
    town.register(&town.b, Some(&foreign.certificate)).await;
    assert_eq!(refused(&town, town.letter(DOCUMENT)).await, RecipientCannotReceive);

    town.register(&town.b, Some(&town.b.encryption.certificate)).await;
    assert!(town.submit(town.letter(DOCUMENT)).await.is_ok());
}

/// The sender may try again later: neither its document nor the recipient's key is known to be bad.
#[tokio::test]
async fn nothing_is_sealed_to_a_key_whose_status_nobody_knows() {
    let town = Town::new().await;
    let new = town.issue(&town.b, Usage::Encryption, |_| ());
    town.responder_is_silent_about(&new.certificate);
    town.register(&town.b, Some(&new.certificate)).await;
    assert_eq!(refused(&town, town.letter(DOCUMENT)).await, RecipientStatusUnknown);
    town.register(&town.b, Some(&town.b.encryption.certificate)).await;
    assert!(town.submit(town.letter(DOCUMENT)).await.is_ok());
}

#[tokio::test]
async fn a_case_of_others_looks_like_none() {
    let town = Town::new().await;
    let ours = town.submit(town.letter(DOCUMENT)).await.unwrap().receipt;
    town.open_channel(&town.c, &town.b, &["letter"]).await;
    for case in [ours.case_id, "01938f6e-3c00-7abc-8def-0123456789ab".parse().unwrap()] {
        let mut letter = Letter { key: "k2".to_owned(), ..town.letter(DOCUMENT) };
        letter.envelope.sender = town.c.edrpou;
        letter.envelope.case_id = Some(case);
        letter.signature = town.signs(&town.c.signer, DOCUMENT);
        assert_eq!(refused(&town, letter).await, UnknownCase);
    }
}

#[tokio::test]
async fn the_same_submission_brings_the_same_receipt_and_no_second_message() {
    let town = Town::new().await;
    let document = bytes(200_000);
    let letter = town.letter(&document);
    let first = town.submit(letter.clone()).await.unwrap();
    town.time_passes(Duration::hours(1));
    let second = town.submit(letter).await.unwrap();
    assert!(!first.replayed && second.replayed);
    assert_eq!(first.receipt, second.receipt);
    assert_eq!(town.rows().await, [1, 2, 2, 1, 0]);
    assert_eq!(town.objects().await.len(), 1);
}

#[tokio::test]
async fn a_replay_is_recognised_after_the_signer_was_revoked() {
    let town = Town::new().await;
    let letter = town.letter(DOCUMENT);
    let first = town.submit(letter.clone()).await.unwrap().receipt;
    town.pki.revoke(&town.a.signer.certificate, NOON, 1);
    town.register(&town.b, None).await;
    let again = town.submit(letter.clone()).await.unwrap();
    assert_eq!((again.replayed, again.receipt), (true, first));
    // Under a new key it is a new submission, and that one is refused.
    assert!(town.submit(Letter { key: "another".to_owned(), ..letter }).await.is_err());
}

#[tokio::test]
async fn a_key_serves_one_submission_only() {
    let town = Town::new().await;
    let letter = town.letter(DOCUMENT);
    let first = town.submit(letter.clone()).await.unwrap().receipt;
    let other_document = town.letter(b"another letter");
    let mut other_envelope = letter.clone();
    other_envelope.envelope.media_type = String::from("text/plain").try_into().unwrap();
    let other_signature = Letter { signature: town.signs(&town.a.signer, DOCUMENT), ..letter.clone() };
    let mut cut_short = letter.clone();
    cut_short.chunks = vec![Ok(Bytes::from_static(b"a lett"))];
    for other in [other_document, other_envelope, other_signature, cut_short] {
        let refusal = town.submit(other).await.unwrap_err();
        assert_eq!(refusal.code, IdempotencyKeyReused);
        is_on_record(&town, &refusal, town.a.edrpou).await;
    }
    assert_eq!(town.submit(letter.clone()).await.unwrap().receipt, first);

    // Another sender's key is another key.
    let mut of_b = letter.clone();
    of_b.envelope.sender = town.b.edrpou;
    of_b.envelope.recipient = town.a.mailbox.clone();
    of_b.signature = town.signs(&town.b.signer, DOCUMENT);
    assert!(!town.submit(of_b).await.unwrap().replayed);
}

/// Complaint: a duplicate of a failed message got a positive receipt.
#[tokio::test]
async fn a_duplicate_of_a_rejected_submission_never_gets_a_receipt() {
    let town = Town::new().await;
    let wrong = Letter { signature: town.signs(&town.b.signer, DOCUMENT), ..town.letter(DOCUMENT) };
    let first = town.submit(wrong.clone()).await.unwrap_err();
    assert_eq!(first.code, SignerNotOfSender);
    // The same under the same key, also when it would pass by now: the same end, with the same evidence.
    let again = town.submit(wrong.clone()).await.unwrap_err();
    assert_eq!((again.code, &again.evidence), (SubmissionEnded, &first.evidence));
    assert_eq!(town.rows().await, [1, 0, 1, 1, 0], "no second rejection of one submission");
    // Another under that key is another's.
    assert_eq!(town.submit(town.letter(DOCUMENT)).await.unwrap_err().code, IdempotencyKeyReused);
    // What is right is handed in under a key of its own.
    let right = Letter { key: "another".to_owned(), ..town.letter(DOCUMENT) };
    assert!(!town.submit(right).await.unwrap().replayed);
}

#[tokio::test]
async fn a_duplicate_of_a_refused_message_hears_that_it_was_refused() {
    let town = Town::new().await;
    let letter = town.letter(DOCUMENT);
    let receipt = town.submit(letter.clone()).await.unwrap().receipt;
    let lease = town.lease_whole(&town.b).await;
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, DOCUMENT, Some("not ours")));
    let refused = town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    let again = town.submit(letter).await.unwrap_err();
    assert_eq!((again.code, again.evidence), (SubmissionEnded, Some(refused.evidence)));
    assert_eq!(again.detail, Some(format!("{}: refused", receipt.message_id)));
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_week() {
    let town = Town::new().await;
    let first = town.submit(town.letter(DOCUMENT)).await.unwrap().receipt;
    town.time_passes(Duration::days(7));
    let letter = town.letter(DOCUMENT);
    assert_eq!(town.submit(letter).await.unwrap_err().code, IdempotencyKeyReused, "signed anew, so another submission");
    town.time_passes(Duration::microseconds(1));
    let second = town.submit(town.letter(DOCUMENT)).await.unwrap();
    assert!(!second.replayed);
    assert_ne!(second.receipt.message_id, first.message_id);
    // And the sweep takes what nobody asks for again.
    town.time_passes(Duration::days(8));
    town.node.exchange.sweep().await.unwrap();
    assert_eq!(town.rows().await[3], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn submissions_that_arrive_at_once_under_one_key_are_one() {
    let town = Town::new().await;
    for size in [100, 150_000] {
        let letter = Letter { key: format!("size-{size}"), ..town.letter(&bytes(size)) };
        let all = futures_util::future::join_all((0..8).map(|_| town.submit(letter.clone()))).await;
        let accepted: Vec<_> = all.into_iter().map(Result::unwrap).collect();
        assert_eq!(accepted.iter().filter(|accepted| !accepted.replayed).count(), 1);
        assert!(accepted.iter().all(|other| other.receipt == accepted[0].receipt));
    }
    assert_eq!(town.rows().await[0], 2);
    assert_eq!(town.objects().await.len(), 1, "the losers' objects are gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_submissions_at_once_under_one_key_the_other_is_refused() {
    let town = Town::new().await;
    let (one, other) = (town.letter(&bytes(90_000)), town.letter(&bytes(90_001)));
    let (one, other) = tokio::join!(town.submit(one), town.submit(other));
    let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(lost.unwrap_err().code, IdempotencyKeyReused);
    assert_eq!(town.objects().await, [format!("parts/{}/0", won.unwrap().receipt.message_id)]);
    assert_eq!(town.rows().await, [2, 2, 3, 1, 0], "a message, and the row of a rejection");
}

#[tokio::test]
async fn the_sweep_takes_what_no_message_names_and_nothing_else() {
    let town = Town::new().await;
    let kept = town.deliver(&bytes(100_000), "k").await;
    let orphan = "parts/01938f6e-3c00-7abc-8def-0123456789ab/0";
    town.node.objects.put_new(orphan, Bytes::from_static(b"left by a node that died")).await.unwrap();
    town.node.objects.put_new("parts/somebody-elses", Bytes::from_static(b"not ours")).await.unwrap();
    let written = time::OffsetDateTime::now_utc();
    town.clock.set(written + Duration::minutes(59));
    assert_eq!(town.node.exchange.sweep().await.unwrap(), 0, "an upload may still be about to be named");
    assert_eq!(town.objects().await.len(), 3);
    town.clock.set(written + Duration::minutes(61));
    assert_eq!(town.node.exchange.sweep().await.unwrap(), 1);
    assert_eq!(town.objects().await, [format!("parts/{}/0", kept.message_id), "parts/somebody-elses".to_owned()]);
    assert!(town.audited().await.pop().unwrap().starts_with("objects.sweep done"));
}

/// Where the database is elsewhere the reserve lies in the folder of the objects, and is older than any of them.
#[tokio::test]
async fn the_sweep_leaves_the_reserve_of_the_disk() {
    let town = Town::new().await;
    let bounds = storage::space::Bounds { low_water: 1, reserve: 4096 };
    let space = storage::space::Space::watch(&[&town.folder().join("objects")], bounds).unwrap();
    town.clock.set(time::OffsetDateTime::now_utc() + Duration::days(365));
    assert_eq!(town.node.exchange.sweep().await.unwrap(), 0);
    assert!(space.standing().reserve);
}

#[test]
fn idempotency_keys_are_visible_ascii() {
    for good in ["a", "7f0c-\"~!", &"k".repeat(64)] {
        assert!(IdempotencyKey::parse(good).is_some(), "{good}");
    }
    for wrong in ["", " ", "a b", "ключ", "a\n", &"k".repeat(65)] {
        assert!(IdempotencyKey::parse(wrong).is_none(), "{wrong:?}");
    }
}
