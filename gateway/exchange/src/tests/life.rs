//! The whole life of a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::evidence::EvidenceKind;
use schemas::message::{MessageState, PartRole, State};
use time::Duration;

use super::town::{Letter, Town, acknowledgement, bytes};

#[tokio::test]
async fn a_letter_is_accepted_consigned_handed_over_and_accepted_by_its_recipient() {
    let town = Town::new().await;
    let document = b"a letter".as_slice();

    let accepted = town.submit(town.letter(document)).await.unwrap();
    assert!(!accepted.replayed);
    let receipt = accepted.receipt;
    assert_eq!(
        receipt.parts.iter().map(|part| part.role).collect::<Vec<_>>(),
        [PartRole::Document, PartRole::Signature]
    );
    assert!(town.has_event(receipt.event_id).await);
    let summary = town.summary(&town.a, receipt.message_id).await;
    assert_eq!(summary.state, MessageState::Consigned, "accepted and consigned in one transaction");
    let term = summary.standing.and_then(|state| state.term()).unwrap();
    assert_eq!((term.until - term.since, term.reminders), (Duration::days(21), 0));
    assert_eq!(town.node.exchange.deliver_round(10).await.unwrap(), 0, "nothing is left for a carrier");

    town.time_passes(Duration::seconds(1));
    let lease = town.lease(&town.b).await;
    let [leased] = lease.messages.as_slice() else { panic!("one message") };
    assert_eq!((leased.summary.state, leased.earlier_leases), (MessageState::Consigned, 0));
    assert_eq!(leased.parts, receipt.parts);

    let sealed = town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    assert_eq!(sealed.len() as u64, receipt.parts[0].sealed_size);
    assert_eq!(town.b.opens(leased, 0, &sealed), document);
    let signature = town.download(&town.b, receipt.message_id, 1, lease.token).await.unwrap();
    assert!(signing::validate::UnverifiedDocument::parse(&town.b.opens(leased, 1, &signature)).is_ok());
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::HandedOver);

    town.time_passes(Duration::seconds(1));
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, document, None));
    let done = town.acknowledge(&town.b, receipt.message_id, lease.token, signed.clone()).await.unwrap();
    assert_eq!(done.state, MessageState::Accepted);
    assert!(town.lease(&town.b).await.messages.is_empty(), "what is done is not offered again");

    // Both parties read the same evidence: one piece for each step, naming the digest of every part.
    let evidence = town.evidence(&town.a, receipt.case_id).await;
    assert_eq!(evidence, town.evidence(&town.b, receipt.case_id).await);
    let kinds: Vec<_> = evidence.iter().map(|statement| statement.kind.code()).collect();
    assert_eq!(kinds, ["A.1", "D.1", "E.1", "C.3"]);
    for statement in &evidence {
        assert_eq!(statement.parts, receipt.parts);
        assert_eq!(statement.accepted_at, Some(receipt.accepted_at));
        assert!(town.has_event(statement.event_id).await);
    }
    let acknowledged = evidence.last().unwrap();
    assert_eq!(acknowledged.acknowledgement_sha256, Some(crypto::digest::hex(&crypto::digest::sha256(&signed))));
    assert_eq!(town.proves(&done.evidence), *acknowledged);
    assert_eq!(town.proves(&receipt.evidence), evidence[0]);
}

#[tokio::test]
async fn every_deed_is_on_record_before_it_is_answered() {
    let town = Town::new().await;
    let before = town.audited().await.len();
    let receipt = town.deliver(b"a letter", "k").await;
    let lease = town.lease(&town.b).await;
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    town.node.list(&town.b, None, None, 10).await;
    town.summary(&town.a, receipt.message_id).await;
    town.evidence(&town.a, receipt.case_id).await;
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", Some("not ours")));
    town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    let message = format!("message:{}", receipt.message_id);
    let mailbox = format!("mailbox:{}", town.b.mailbox);
    assert_eq!(
        town.audited().await[before..],
        [
            format!("document.submit done {message}"),
            format!("message.consign done {message}"),
            format!("mailbox.lease done {mailbox}"),
            format!("message.download done {message}"),
            format!("message.download done {message}"),
            format!("mailbox.list done {mailbox}"),
            format!("message.read done {message}"),
            format!("case.read done case:{}", receipt.case_id),
            format!("message.acknowledge done {message}"),
        ]
    );
}

#[tokio::test]
async fn a_recipient_refuses_and_the_sender_learns_why() {
    let town = Town::new().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let lease = town.lease(&town.b).await;
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    let reason = "Не належить до нашої компетенції.";
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", Some(reason)));
    let done = town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    assert_eq!(done.state, MessageState::Refused);
    let last = town.evidence(&town.a, receipt.case_id).await.pop().unwrap();
    assert_eq!((last.kind, last.reason.as_deref()), (EvidenceKind::ConsignmentRejection, Some(reason)));
}

#[tokio::test]
async fn a_large_document_goes_through_the_object_store_and_comes_out_the_same() {
    let town = Town::new().await;
    let document = bytes(700_001);
    let receipt = town.deliver(&document, "k").await;
    assert_eq!(town.objects().await, [format!("parts/{}/0", receipt.message_id)]);
    let lease = town.lease(&town.b).await;
    let sealed = town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    assert_eq!(town.b.opens(&lease.messages[0], 0, &sealed), document);
    // In pieces, as a client does that was cut off.
    let mut pieces = Vec::new();
    for (start, end) in [(0, Some(100_000)), (100_000, Some(400_000)), (400_000, None)] {
        let range = Some((Some(start), end));
        pieces.extend(town.node.download(&town.b, receipt.message_id, 0, lease.token, range).await.unwrap());
    }
    assert_eq!(pieces, sealed);
}

#[tokio::test]
async fn documents_around_the_bound_between_row_and_object_come_out_the_same() {
    let town = Town::new().await;
    for size in [1, 65_000, 65_535, 65_536, 65_537, 131_072, 131_073] {
        let document = bytes(size);
        let key = format!("size-{size}");
        let receipt = town.deliver(&document, &key).await;
        let lease = town.lease(&town.b).await;
        let sealed = town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
        assert_eq!(sealed.len() as u64, crypto::seal::sealed_size(size as u64), "{size}");
        // The evidence names what is stored, too, whichever way it was stored.
        let names = |part: u8| receipt.parts[usize::from(part)].sealed_sha256.clone();
        let signature = town.download(&town.b, receipt.message_id, 1, lease.token).await.unwrap();
        for (part, bytes) in [(0, &sealed), (1, &signature)] {
            let digest = crypto::digest::hex(&crypto::digest::sha256(bytes));
            assert_eq!(names(part), Some(digest), "part {part} of {size}");
        }
        let inline = sealed.len() <= schemas::limits::INLINE_PART_BYTES;
        assert_eq!(town.objects().await.iter().any(|key| key.contains(&receipt.message_id.to_string())), !inline);
        assert_eq!(town.b.opens(&lease.messages[0], 0, &sealed), document, "{size}");
    }
}

#[tokio::test]
async fn an_answer_continues_the_case() {
    let town = Town::new().await;
    let first = town.deliver(b"a question", "k").await;
    let mut answer = Letter { key: "k2".to_owned(), ..town.letter(b"an answer") };
    answer.envelope.sender = town.b.edrpou;
    answer.envelope.recipient = town.a.mailbox.clone();
    answer.envelope.case_id = Some(first.case_id);
    answer.signature = town.signs(&town.b.signer, b"an answer");
    let second = town.submit(answer).await.unwrap().receipt;
    assert_eq!(second.case_id, first.case_id);
    let evidence = town.evidence(&town.a, first.case_id).await;
    let told: Vec<_> = evidence.iter().map(|e| (e.kind.code(), e.message_id.unwrap())).collect();
    let (first, second) = (first.message_id, second.message_id);
    assert_eq!(told, [("A.1", first), ("D.1", first), ("A.1", second), ("D.1", second)]);
}

#[tokio::test]
async fn a_delivery_whose_worker_died_is_done_by_the_next_and_once() {
    let town = Town::new().await;
    let receipt = town.submit_while_the_mailbox_is_gone(vec![town.letter(b"a letter")]).await.remove(0);
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::Validated);
    // The bell was rung by the submission.
    tokio::time::timeout(std::time::Duration::from_secs(5), town.node.exchange.work_arrived()).await.unwrap();
    town.the_mailbox_is_back().await;
    assert!(town.lease(&town.b).await.messages.is_empty(), "not before it is consigned");
    // A worker takes the job and is never heard of again.
    let now = storage::Clock::now(&*town.clock);
    let taken = storage::jobs::claim(&town.node.writer, "deliver", 1, Duration::seconds(60), now).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(town.node.exchange.deliver_round(10).await.unwrap(), 0, "the job is in other hands");
    town.time_passes(Duration::seconds(60));
    let another = town.another_process();
    assert_eq!(another.exchange.deliver_round(10).await.unwrap(), 1);
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::Consigned);
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1"]);
    assert_eq!(town.rows().await[4], 0, "no job is left");
}

#[tokio::test]
async fn many_workers_deliver_each_message_once() {
    let town = Town::new().await;
    let letter = |n: u32| Letter { key: format!("k{n}"), ..town.letter(format!("letter {n}").as_bytes()) };
    town.submit_while_the_mailbox_is_gone((0..20).map(letter).collect()).await;
    town.the_mailbox_is_back().await;
    let another = town.another_process();
    let (here, there) = (&town.node.exchange, &another.exchange);
    let rounds =
        tokio::join!(here.deliver_round(7), there.deliver_round(7), here.deliver_round(7), there.deliver_round(7));
    let delivered = [rounds.0, rounds.1, rounds.2, rounds.3].into_iter().map(Result::unwrap).sum::<usize>();
    assert_eq!(delivered, 20);
    let [messages, _, evidence, _, jobs] = town.rows().await;
    assert_eq!((messages, evidence, jobs), (20, 40, 0));
}

/// A message that cannot be delivered is never silently stuck: the sender has evidence of it, and nothing is lost.
#[tokio::test]
async fn what_cannot_be_delivered_goes_into_quarantine_and_the_sender_learns_why() {
    let town = Town::new().await;
    let receipt = town.submit_while_the_mailbox_is_gone(vec![town.letter(b"a letter")]).await.remove(0);
    let mut tries = 0;
    while town.rows().await[4] == 1 {
        town.time_passes(Duration::minutes(5));
        tries += town.node.exchange.deliver_round(10).await.unwrap();
        assert!(tries < 100, "tried for ever");
    }
    assert_eq!(tries, 36);
    let standing = town.summary(&town.a, receipt.message_id).await.standing;
    assert_eq!(standing, Some(State::Quarantined { reason: "submission.unknown_recipient".to_owned() }));
    let last = town.evidence(&town.a, receipt.case_id).await.pop().unwrap();
    assert_eq!((last.kind.code(), last.reason.as_deref()), ("D.2", Some("submission.unknown_recipient")));
    assert_eq!(town.sent(&town.a, Some(MessageState::Quarantined)).await.len(), 1);
    assert_eq!(town.rows().await[1], 2, "its parts are still there");
}

#[tokio::test]
async fn a_message_that_nobody_accepts_is_reminded_of_and_expires() {
    let town = Town::new().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let lease = town.node.lease(&town.b, 1, 60).await.unwrap();
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    assert_eq!(town.node.exchange.timer_round(10).await.unwrap(), 0);
    let mut days = Vec::new();
    for day in 1..=30 {
        town.time_passes(Duration::days(1));
        if town.node.exchange.timer_round(10).await.unwrap() > 0 {
            days.push(day);
        }
        assert_eq!(town.node.exchange.timer_round(10).await.unwrap(), 0, "once a day is enough");
    }
    assert_eq!(days, [3, 9, 14, 21]);
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "E.1", "D.4", "D.4", "D.4", "C.5"]);
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::Expired);
    assert!(town.lease(&town.b).await.messages.is_empty(), "what has expired is not offered again");
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", None));
    let late = town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap_err();
    assert_eq!(late.code, schemas::ProblemCode::AlreadyFinal);
}

#[tokio::test]
async fn small_messages_come_whole_with_the_lease_and_are_handed_over_by_it() {
    let town = Town::new().await;
    let small = town.deliver(b"a letter", "small").await;
    town.time_passes(Duration::milliseconds(2));
    let large = town.deliver(&bytes(100_000), "large").await;
    let before = town.audited().await.len();
    let lease = town.lease_whole(&town.b).await;
    let [first, second] = lease.messages.as_slice() else { panic!("two messages") };
    let contents: Vec<_> = first.contents.iter().map(|part| STANDARD.decode(&part.sealed).unwrap()).collect();
    assert_eq!(town.b.opens(first, 0, &contents[0]), b"a letter");
    assert!(signing::validate::UnverifiedDocument::parse(&town.b.opens(first, 1, &contents[1])).is_ok());
    assert_eq!(first.summary.state, MessageState::HandedOver);
    assert_eq!((second.contents.len(), second.summary.state), (0, MessageState::Consigned), "too large for an answer");
    assert_eq!(
        town.audited().await[before..],
        [
            format!("mailbox.lease done mailbox:{}", town.b.mailbox),
            format!("message.download done message:{}", small.message_id),
        ]
    );
    assert_eq!(kinds(&town, small.case_id).await, ["A.1", "D.1", "E.1"]);
    assert_eq!(kinds(&town, large.case_id).await, ["A.1", "D.1"]);
    // The answer was lost: the same again when the lease has run out, and no second handover.
    town.time_passes(Duration::seconds(60));
    let again = town.lease_whole(&town.b).await;
    assert_eq!(again.messages[0].contents, first.contents);
    assert_eq!(kinds(&town, small.case_id).await, ["A.1", "D.1", "E.1"]);
    let signed = town.states(&town.b.signer, &acknowledgement(small.message_id, b"a letter", None));
    town.acknowledge(&town.b, small.message_id, again.token, signed).await.unwrap();
    assert_eq!(kinds(&town, small.case_id).await, ["A.1", "D.1", "E.1", "C.3"]);
}

#[tokio::test]
async fn the_evidence_of_a_message_replayed_gives_its_state() {
    let town = Town::new().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let lease = town.lease_whole(&town.b).await;
    town.time_passes(Duration::days(3));
    town.node.exchange.timer_round(10).await.unwrap();
    let lease = if lease.expires_at > storage::Clock::now(&*town.clock) { lease } else { town.lease(&town.b).await };
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", Some("not ours")));
    town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    let evidence = town.evidence(&town.a, receipt.case_id).await;
    let steps: Vec<_> = evidence.iter().map(|statement| statement.step.unwrap()).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5]);
    let story = evidence.iter().map(|piece| (piece.step.unwrap(), piece.kind, piece.state.as_ref().unwrap()));
    let standing = town.summary(&town.a, receipt.message_id).await.standing;
    assert_eq!(crate::state::replay(story), Ok(standing));
}

async fn kinds(town: &Town, case: schemas::CaseId) -> Vec<&'static str> {
    town.evidence(&town.a, case).await.iter().map(|statement| statement.kind.code()).collect()
}
