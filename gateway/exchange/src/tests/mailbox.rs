//! What a recipient may and may not do with its messages.

use std::collections::BTreeSet;

use certs::dev::Usage;
use schemas::ProblemCode::*;
use schemas::message::{Acknowledgement, AcknowledgementOutcome, MessageState, Registration, State};
use schemas::{LeaseToken, MessageId};
use signing::cades::Content;
use time::Duration;

use super::town::{NOON, Town, acknowledgement, bytes};

fn other_token() -> LeaseToken {
    LeaseToken::from_parts(1, [1; 10])
}

/// A letter that B has downloaded.
async fn handed_over(town: &Town, document: &[u8]) -> (MessageId, LeaseToken) {
    let receipt = town.deliver(document, "k").await;
    let lease = town.lease(&town.b).await;
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    (receipt.message_id, lease.token)
}

#[tokio::test]
async fn a_leased_message_is_offered_to_nobody_else_until_the_lease_ends() {
    let town = Town::new().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let first = town.node.lease(&town.b, 10, 60).await.unwrap();
    assert_eq!(first.expires_at, NOON + Duration::seconds(60));
    assert!(town.lease(&town.b).await.messages.is_empty());
    town.time_passes(Duration::seconds(59));
    assert!(town.download(&town.b, receipt.message_id, 1, first.token).await.is_ok());
    assert!(town.lease(&town.b).await.messages.is_empty());
    town.time_passes(Duration::seconds(1));
    let refusal = town.download(&town.b, receipt.message_id, 0, first.token).await.unwrap_err();
    assert_eq!(refusal.code, LeaseNotHeld);
    let second = town.lease(&town.b).await;
    assert_eq!(second.messages[0].earlier_leases, 1);
    assert_ne!(second.token, first.token);
    // Handed over and not acknowledged: it is offered again.
    town.download(&town.b, receipt.message_id, 0, second.token).await.unwrap();
    town.time_passes(Duration::seconds(60));
    let third = town.lease(&town.b).await;
    assert_eq!((third.messages[0].summary.state, third.messages[0].earlier_leases), (MessageState::HandedOver, 2));
}

#[tokio::test]
async fn the_oldest_come_first_and_a_lease_takes_no_more_than_was_asked_for() {
    let town = Town::new().await;
    let mut sent = Vec::new();
    for n in 0..5 {
        sent.push(town.deliver(b"a letter", &format!("k{n}")).await.message_id);
        town.time_passes(Duration::milliseconds(2));
    }
    // One of them is handed over, and its lease has ended: it is as old as it is.
    let lease = town.node.lease(&town.b, 2, 1).await.unwrap();
    town.download(&town.b, sent[1], 0, lease.token).await.unwrap();
    town.time_passes(Duration::seconds(1));
    let taken =
        |lease: &schemas::message::Lease| lease.messages.iter().map(|m| m.summary.message_id).collect::<Vec<_>>();
    assert_eq!(taken(&town.node.lease(&town.b, 3, 60).await.unwrap()), sent[..3]);
    assert_eq!(taken(&town.node.lease(&town.b, 3, 60).await.unwrap()), sent[3..]);
    for (max_messages, seconds) in [(0, 60), (101, 60), (1, 0), (1, 3601)] {
        assert_eq!(town.node.lease(&town.b, max_messages, seconds).await.unwrap_err().code, MalformedJson);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_lease_at_once_never_get_the_same_message() {
    let town = Town::new().await;
    for n in 0..30 {
        town.deliver(b"a letter", &format!("k{n}")).await;
    }
    let another = town.another_process();
    let leases = futures_util::future::join_all((0..6).map(|n| {
        let node = if n % 2 == 0 { &town.node } else { &another };
        node.lease(&town.b, 7, 60)
    }));
    let mut all = Vec::new();
    for lease in leases.await {
        all.extend(lease.unwrap().messages.into_iter().map(|message| message.summary.message_id));
    }
    assert_eq!(all.len(), 30);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 30);
}

#[tokio::test]
async fn a_mailbox_is_listed_page_by_page_and_by_state() {
    let town = Town::new().await;
    let mut sent = Vec::new();
    for n in 0..7 {
        sent.push(town.deliver(b"a letter", &format!("k{n}")).await.message_id);
        town.time_passes(Duration::milliseconds(2));
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = town.node.list(&town.b, None, after, 3).await;
        listed.extend(page.messages.iter().map(|message| message.message_id));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, sent);
    let lease = town.node.lease(&town.b, 2, 60).await.unwrap();
    town.download(&town.b, sent[0], 0, lease.token).await.unwrap();
    let of_state = async |state| {
        let page = town.node.list(&town.b, Some(state), None, 100).await;
        page.messages.iter().map(|message| message.message_id).collect::<Vec<_>>()
    };
    assert_eq!(of_state(MessageState::HandedOver).await, sent[..1]);
    assert_eq!(of_state(MessageState::Consigned).await, sent[1..]);
    assert!(of_state(MessageState::Accepted).await.is_empty());
    assert!(town.node.list(&town.a, None, None, 100).await.messages.is_empty(), "the sender's own mailbox");
}

#[tokio::test]
async fn a_download_needs_the_lease_and_a_part_that_is_there() {
    let town = Town::new().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let unleased = town.download(&town.b, receipt.message_id, 0, other_token()).await.unwrap_err();
    assert_eq!(unleased.code, LeaseNotHeld);
    let lease = town.lease(&town.b).await;
    assert_eq!(town.download(&town.b, receipt.message_id, 0, other_token()).await.unwrap_err().code, LeaseNotHeld);
    assert_eq!(town.download(&town.b, receipt.message_id, 2, lease.token).await.unwrap_err().code, NotFound);
    let beyond = Some((Some(1_000_000), None));
    let refusal = town.node.download(&town.b, receipt.message_id, 0, lease.token, beyond).await.unwrap_err();
    assert_eq!(refusal.code, RangeNotSatisfiable);
    // None of that handed anything over, nor did the signature alone.
    town.download(&town.b, receipt.message_id, 1, lease.token).await.unwrap();
    assert_eq!(town.summary(&town.b, receipt.message_id).await.state, MessageState::Consigned);
}

#[tokio::test]
async fn an_object_that_is_gone_is_not_handed_over() {
    let town = Town::new().await;
    let receipt = town.deliver(&bytes(100_000), "k").await;
    town.node.objects.delete(&format!("parts/{}/0", receipt.message_id)).await.unwrap();
    let lease = town.lease(&town.b).await;
    let refusal = town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap_err();
    assert_eq!(refusal.code, StorageUnavailable);
    assert_eq!(town.summary(&town.b, receipt.message_id).await.state, MessageState::Consigned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn downloads_at_once_hand_over_once() {
    let town = Town::new().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let lease = town.lease(&town.b).await;
    let downloads = (0..6).map(|_| town.download(&town.b, receipt.message_id, 0, lease.token));
    let bodies: BTreeSet<_> = futures_util::future::join_all(downloads).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(bodies.len(), 1);
    let kinds: Vec<_> = town.evidence(&town.a, receipt.case_id).await.iter().map(|e| e.kind.code()).collect();
    assert_eq!(kinds, ["A.1", "D.1", "E.1"]);
}

#[tokio::test]
async fn a_message_is_acknowledged_after_it_was_handed_over_and_under_a_lease() {
    let town = Town::new().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let lease = town.lease(&town.b).await;
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", None));
    let early = town.acknowledge(&town.b, receipt.message_id, lease.token, signed.clone()).await.unwrap_err();
    assert_eq!(early.code, NotHandedOver);
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    let other = town.acknowledge(&town.b, receipt.message_id, other_token(), signed.clone()).await.unwrap_err();
    assert_eq!(other.code, LeaseNotHeld);
    town.time_passes(Duration::seconds(60));
    let late = town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap_err();
    assert_eq!(late.code, LeaseNotHeld);
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::HandedOver);
}

#[tokio::test]
async fn an_acknowledgement_that_is_not_the_recipients_own_word_changes_nothing() {
    let town = Town::new().await;
    let (message, lease) = handed_over(&town, b"a letter").await;
    let right = acknowledgement(message, b"a letter", None);
    let try_with = async |signed: Vec<u8>| {
        let refusal = town.acknowledge(&town.b, message, lease, signed).await.unwrap_err();
        assert_eq!(town.summary(&town.b, message).await.state, MessageState::HandedOver);
        refusal.code
    };
    let own = |content: &[u8]| town.cms(&town.b.signer, Content::Attached(content));

    assert_eq!(try_with(serde_json::to_vec(&right).unwrap()).await, SignatureUnreadable);
    assert_eq!(try_with(vec![0x30; 70_000]).await, TooLarge);
    assert_eq!(try_with(town.signs(&town.b.signer, b"a letter")).await, SignatureFormat);
    assert_eq!(try_with(own(b"{}")).await, MalformedJson);
    let padded = serde_json::to_string(&right).unwrap().replacen('{', r#"{"on_behalf_of":"me","#, 1);
    assert_eq!(try_with(own(padded.as_bytes())).await, MalformedJson);
    assert_eq!(try_with(town.states(&town.a.signer, &right)).await, SignerNotOfSender);

    let other_message = acknowledgement(MessageId::from_parts(1, [1; 10]), b"a letter", None);
    assert_eq!(try_with(town.states(&town.b.signer, &other_message)).await, AcknowledgementMismatch);
    let other_document = acknowledgement(message, b"another letter", None);
    assert_eq!(try_with(town.states(&town.b.signer, &other_document)).await, AcknowledgementMismatch);
    for reason in [None, Some(""), Some(" \n")] {
        let mut silent = right.clone();
        silent.outcome = AcknowledgementOutcome::Refused;
        silent.reason = reason.map(str::to_owned);
        assert_eq!(try_with(town.states(&town.b.signer, &silent)).await, AcknowledgementMismatch);
    }
    let endless = acknowledgement(message, b"a letter", Some(&"ї".repeat(2001)));
    assert_eq!(try_with(town.states(&town.b.signer, &endless)).await, AcknowledgementMismatch);

    let mut changed = town.states(&town.b.signer, &right);
    let word = changed.windows(8).position(|window| window == b"accepted").unwrap();
    changed[word..word + 8].copy_from_slice(b"acceptED");
    assert_eq!(try_with(changed).await, SignatureOverOtherContent);

    let revoked = town.issue(&town.b, Usage::Signing, |_| ());
    town.pki.revoke(&revoked.certificate, NOON, 1);
    assert_eq!(try_with(town.states(&revoked, &right)).await, SignerRevoked);

    assert!(town.acknowledge(&town.b, message, lease, town.states(&town.b.signer, &right)).await.is_ok());
}

#[tokio::test]
async fn a_final_state_absorbs_and_the_same_word_brings_the_same_answer() {
    let town = Town::new().await;
    let (message, lease) = handed_over(&town, b"a letter").await;
    let signed = town.states(&town.b.signer, &acknowledgement(message, b"a letter", None));
    let first = town.acknowledge(&town.b, message, lease, signed.clone()).await.unwrap();
    town.time_passes(Duration::hours(1));
    // The lease is long over, and nothing depends on it any more.
    assert_eq!(town.acknowledge(&town.b, message, lease, signed).await.unwrap(), first);
    let after = town.states(&town.b.signer, &acknowledgement(message, b"a letter", Some("too late")));
    assert_eq!(town.acknowledge(&town.b, message, lease, after).await.unwrap_err().code, AlreadyFinal);
    assert_eq!(town.download(&town.b, message, 0, lease).await.unwrap_err().code, AlreadyFinal);
    assert!(town.lease(&town.b).await.messages.is_empty());
    assert_eq!(town.summary(&town.a, message).await.state, MessageState::Accepted);
}

fn registered(message: MessageId, number: &str, date: &str) -> Acknowledgement {
    Acknowledgement {
        outcome: AcknowledgementOutcome::Registered,
        registration: Some(Registration { number: number.to_owned(), date: date.to_owned() }),
        ..acknowledgement(message, b"a letter", None)
    }
}

#[tokio::test]
async fn what_was_accepted_is_registered_once_and_without_a_lease() {
    let town = Town::new().await;
    let (message, lease) = handed_over(&town, b"a letter").await;
    let yes = town.states(&town.b.signer, &acknowledgement(message, b"a letter", None));
    town.acknowledge(&town.b, message, lease, yes.clone()).await.unwrap();
    town.time_passes(Duration::days(2));
    let entry = registered(message, "№ 17/3", "2026-11-25");
    let done = town.says(&town.b, &entry, None).await.unwrap();
    assert_eq!(done.state, MessageState::Registered);
    assert_eq!(town.says(&town.b, &entry, None).await.unwrap(), done, "the same word, the same answer");
    assert_eq!(town.acknowledge(&town.b, message, lease, yes).await.unwrap().state, MessageState::Accepted);
    let other = registered(message, "18", "2026-11-25");
    assert_eq!(town.says(&town.b, &other, None).await.unwrap_err().code, AlreadyFinal);
    let standing = town.summary(&town.a, message).await.standing;
    let (number, date) = ("№ 17/3".to_owned(), "2026-11-25".to_owned());
    assert_eq!(standing, Some(State::Registered { number, date }));
}

/// A receipt may come from a system that has no signature key: then the evidence says whose word it was.
#[tokio::test]
async fn a_system_registers_at_once_and_the_node_states_it_on_its_behalf() {
    let town = Town::new().await;
    let (message, lease) = handed_over(&town, b"a letter").await;
    let entry = registered(message, "17", "2026-11-25");
    assert_eq!(town.says(&town.b, &entry, None).await.unwrap_err().code, MissingHeader);
    assert_eq!(town.says(&town.b, &entry, Some(other_token())).await.unwrap_err().code, LeaseNotHeld);
    town.says(&town.b, &entry, Some(lease)).await.unwrap();
    let case = town.summary(&town.a, message).await.case_id.unwrap();
    let evidence = town.evidence(&town.a, case).await;
    let told: Vec<_> = evidence.iter().map(|piece| (piece.kind.code(), piece.on_behalf_of.is_some())).collect();
    assert_eq!(told, [("A.1", false), ("D.1", false), ("E.1", false), ("C.3", true), ("V.7", true)]);
    let login = crypto::digest::hex(&crypto::digest::sha256(town.b.edrpou.as_str().as_bytes()));
    assert_eq!(evidence[4].on_behalf_of.as_deref(), Some(login.as_str()));
}

#[tokio::test]
async fn a_registration_needs_a_number_and_a_day_of_the_calendar() {
    let town = Town::new().await;
    let (message, lease) = handed_over(&town, b"a letter").await;
    let long = "9".repeat(129);
    let day = "2026-11-25";
    for (number, date) in
        [("", day), (" 17", day), ("1\n7", day), (&long, day), ("17", "2026-02-30"), ("17", "25.11.2026")]
    {
        let wrong = town.says(&town.b, &registered(message, number, date), Some(lease)).await.unwrap_err();
        assert_eq!(wrong.code, AcknowledgementMismatch, "{number} {date}");
    }
    let without = Acknowledgement { registration: None, ..registered(message, "17", "2026-11-25") };
    assert_eq!(town.says(&town.b, &without, Some(lease)).await.unwrap_err().code, AcknowledgementMismatch);
    assert_eq!(town.summary(&town.a, message).await.state, MessageState::HandedOver);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_words_at_once_one_counts() {
    let town = Town::new().await;
    let (message, lease) = handed_over(&town, b"a letter").await;
    let yes = town.states(&town.b.signer, &acknowledgement(message, b"a letter", None));
    let no = town.states(&town.b.signer, &acknowledgement(message, b"a letter", Some("no")));
    let answers = futures_util::future::join_all(
        [&yes, &no, &yes, &no].map(|signed| town.acknowledge(&town.b, message, lease, signed.clone())),
    )
    .await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (2, 2), "both copies of the word that counts, and no other");
    let receipts: Vec<_> = done.into_iter().map(Result::unwrap).collect();
    assert_eq!(receipts[0], receipts[1]);
    assert!(refused.into_iter().all(|refused| refused.unwrap_err().code == AlreadyFinal));
    assert_eq!(town.rows().await[2], 4, "four pieces of evidence, one of them the end");
}

#[tokio::test]
async fn a_message_and_a_case_that_are_not_there_are_nobodys() {
    let town = Town::new().await;
    let exchange = &town.node.exchange;
    assert_eq!(exchange.message_resource(MessageId::from_parts(1, [1; 10])).await.unwrap(), None);
    assert_eq!(exchange.case_resource(schemas::CaseId::from_parts(1, [1; 10])).await.unwrap(), None);
}
