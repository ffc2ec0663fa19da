//! The whole life of a message.

use schemas::evidence::EvidenceKind;
use schemas::message::{MessageState, PartRole};
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
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::Queued);
    assert!(town.lease(&town.b).await.messages.is_empty(), "not before it is consigned");

    town.time_passes(Duration::seconds(1));
    // The bell was rung by the submission.
    tokio::time::timeout(std::time::Duration::from_secs(5), town.node.exchange.work_arrived()).await.unwrap();
    assert_eq!(town.node.exchange.deliver_round(10).await.unwrap(), 1);
    assert_eq!(town.node.exchange.deliver_round(10).await.unwrap(), 0);

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
    assert_eq!(told, [("A.1", first.message_id), ("D.1", first.message_id), ("A.1", second.message_id)]);
}

#[tokio::test]
async fn a_delivery_whose_worker_died_is_done_by_the_next_and_once() {
    let town = Town::new().await;
    let receipt = town.submit(town.letter(b"a letter")).await.unwrap().receipt;
    // A worker takes the job and is never heard of again.
    let now = storage::Clock::now(&*town.clock);
    let taken = storage::jobs::claim(&town.node.writer, "deliver", 1, Duration::seconds(60), now).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(town.node.exchange.deliver_round(10).await.unwrap(), 0, "the job is in other hands");
    town.time_passes(Duration::seconds(60));
    let another = town.another_process();
    assert_eq!(another.exchange.deliver_round(10).await.unwrap(), 1);
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::Consigned);
    let kinds: Vec<_> = town.evidence(&town.a, receipt.case_id).await.iter().map(|e| e.kind.code()).collect();
    assert_eq!(kinds, ["A.1", "D.1"]);
    assert_eq!(town.rows().await[4], 0, "no job is left");
}

#[tokio::test]
async fn many_workers_deliver_each_message_once() {
    let town = Town::new().await;
    for n in 0..20 {
        let letter = Letter { key: format!("k{n}"), ..town.letter(format!("letter {n}").as_bytes()) };
        town.submit(letter).await.unwrap();
    }
    let another = town.another_process();
    let (here, there) = (&town.node.exchange, &another.exchange);
    let rounds =
        tokio::join!(here.deliver_round(7), there.deliver_round(7), here.deliver_round(7), there.deliver_round(7));
    let delivered = [rounds.0, rounds.1, rounds.2, rounds.3].into_iter().map(Result::unwrap).sum::<usize>();
    assert_eq!(delivered, 20);
    let [messages, _, evidence, _, jobs] = town.rows().await;
    assert_eq!((messages, evidence, jobs), (20, 40, 0));
}
