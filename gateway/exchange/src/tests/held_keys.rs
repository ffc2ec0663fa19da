//! Documents for recipients with a national key; and for one without an encryption certificate: under the node's ring, opened with the key that is handed over,
//! unreadable once the ring key is destroyed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::Usage;
use crypto::dstu4145::Curve;
use crypto::key::KeyKind;
use schemas::ProblemCode::{AlreadyFinal, KeyDestroyed, KeyUnavailable, RecipientCannotReceive};
use schemas::evidence::EvidenceKind;
use schemas::message::{Lease, LeasedMessage, MessageState, PartRole, Receipt, State};
use schemas::registry::ChannelPolicy;
use schemas::{LeaseToken, MessageId};
use time::Duration;

use super::town::{Letter, NOON, Town, acknowledgement, bytes};
use super::upload::part;
use crate::intake::Taken;
use crate::key_ring::custody::{REST, Underneath};
use crate::key_ring::{Custody, KeyRing};

/// A town whose node has a ring in a folder, B without a certificate, and a channel on which the node may hold keys.
async fn town() -> (Town, Custody) {
    let mut town = Town::new().await;
    let folder = town.folder().join("ring");
    let custody = Custody::create(&folder, town.node.ledger.clone(), town.clock.clone()).await.unwrap();
    town.node = town.a_process_under(Some(custody.ring()));
    town.register(&town.b, None).await;
    town.may_hold_keys(true).await;
    (town, custody)
}

impl Town {
    async fn may_hold_keys(&self, node_held_keys: bool) {
        let policy = Some(ChannelPolicy { node_held_keys, ..ChannelPolicy::default() });
        self.open_channel_under(&self.a, &self.b, &["letter"], policy).await;
    }

    /// B opens both parts of a leased message.
    async fn b_reads(&self, leased: &LeasedMessage, token: LeaseToken) -> Vec<u8> {
        let id = leased.summary.message_id;
        for number in [1, 0] {
            let sealed = self.download(&self.b, id, number, token).await.unwrap();
            let opened = self.b.opens(leased, number, &sealed);
            let part = leased.parts.iter().find(|part| part.number == number).unwrap();
            assert_eq!(crypto::digest::hex(&crypto::digest::sha256(&opened)), part.sha256);
            if number == 0 {
                return opened;
            }
        }
        unreachable!()
    }

    async fn refused(&self, letter: Letter) -> schemas::ProblemCode {
        self.submit(letter).await.unwrap_err().code
    }
}

fn only(lease: &Lease) -> &LeasedMessage {
    let [leased] = lease.messages.as_slice() else { panic!("{} messages", lease.messages.len()) };
    leased
}

/// Turns the ring and destroys its first key with what lies under it.
async fn destroy_first_key(town: &Town, custody: &Custody) {
    let first = custody.ring().current().unwrap();
    custody.rotate().await.unwrap();
    town.time_passes(REST);
    custody.destroy(first, Underneath::Erase).await.unwrap();
}

#[tokio::test]
async fn who_has_no_certificate_opens_with_the_key_that_the_node_hands_over() {
    let (town, _) = town().await;
    for (size, key) in [(2000, "small"), (300_000, "large")] {
        let document = bytes(size);
        let receipt = town.deliver(&document, key).await;
        let lease = town.lease(&town.b).await;
        let leased = only(&lease);
        assert_eq!((leased.key_envelope.as_str(), leased.unreadable.as_deref()), ("", None));
        assert_eq!(leased.document_key.as_ref().map(|key| STANDARD.decode(key).unwrap().len()), Some(32));
        assert!(town.b_reads(leased, lease.token).await == document);
        let evidence = town.evidence(&town.a, receipt.case_id).await;
        let kinds: Vec<_> = evidence.iter().map(|statement| statement.kind).collect();
        let expected =
            [EvidenceKind::SubmissionAcceptance, EvidenceKind::ContentConsignment, EvidenceKind::ContentHandover];
        assert_eq!(kinds, expected);
        assert!(evidence.iter().all(|statement| statement.parts == receipt.parts));
        let word = acknowledgement(receipt.message_id, &document, None);
        let signed = town.states(&town.b.signer, &word);
        town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    }
}

#[tokio::test]
async fn a_lease_with_contents_carries_all_that_is_needed() {
    let (town, _) = town().await;
    town.deliver(b"a letter", "k").await;
    let lease = town.lease_whole(&town.b).await;
    let leased = only(&lease);
    let sealed = STANDARD.decode(&leased.contents[0].sealed).unwrap();
    assert_eq!(town.b.opens(leased, 0, &sealed), b"a letter");
    assert_eq!(leased.summary.state, MessageState::HandedOver);
}

#[tokio::test]
async fn an_announced_submission_ends_under_the_ring_too() {
    let (town, _) = town().await;
    let document = bytes(70_000);
    let signature = town.signs(&town.a.signer, &document);
    let parts = vec![part(0, PartRole::Document, None, &document), part(1, PartRole::Signature, Some(0), &signature)];
    let message = town.announces("key", parts).await.unwrap().status.message_id;
    town.puts(message, 0, None, &document).await.unwrap();
    town.puts(message, 1, None, &signature).await.unwrap();
    town.sends(message).await.unwrap();
    let lease = town.lease(&town.b).await;
    assert!(town.b_reads(only(&lease), lease.token).await == document);
}

#[tokio::test]
async fn what_waits_for_a_fact_may_lie_under_the_ring_and_follows_it() {
    let (town, custody) = town().await;
    let policy = ChannelPolicy { node_held_keys: true, hold_hours: 240, ..ChannelPolicy::default() };
    town.letters_under(policy).await;
    let (signer, letter) = town.unknown(b"a letter");
    let message = town.is_held(&letter).await.message_id;
    let document = bytes(70_000);
    let signature = town.signs(&signer, &document);
    let parts = vec![part(0, PartRole::Document, None, &document), part(1, PartRole::Signature, Some(0), &signature)];
    let announced = town.announces("key", parts).await.unwrap().status.message_id;
    town.puts(announced, 0, None, &document).await.unwrap();
    town.puts(announced, 1, None, &signature).await.unwrap();
    assert!(matches!(town.sends_on(announced).await.unwrap(), Taken::Held { replayed: false, .. }));

    // A look puts what it is judged by under the new key of the ring; the first one goes.
    let first = custody.ring().current().unwrap();
    custody.rotate().await.unwrap();
    custody.rewrap(None).await.unwrap();
    town.time_passes(REST);
    town.looks().await;
    custody.destroy(first, Underneath::Keep).await.unwrap();

    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(Duration::hours(1));
    town.looks().await;
    let lease = town.lease(&town.b).await;
    for (id, content) in [(message, b"a letter".as_slice()), (announced, &document)] {
        let leased = lease.messages.iter().find(|leased| leased.summary.message_id == id).unwrap();
        assert!(town.b_reads(leased, lease.token).await == content);
    }
}

#[tokio::test]
async fn without_the_channels_leave_or_a_ring_nothing_is_held() {
    let (mut town, custody) = town().await;
    town.may_hold_keys(false).await;
    assert_eq!(town.refused(town.letter(b"a letter")).await, RecipientCannotReceive);
    town.may_hold_keys(true).await;
    // A certificate that is no longer good is no leave to read.
    let expired = town.issue(&town.b, Usage::Encryption, |profile| profile.not_after = NOON - Duration::hours(1));
    town.register(&town.b, Some(&expired.certificate)).await;
    assert_eq!(town.refused(Letter { key: "2".to_owned(), ..town.letter(b"a letter") }).await, RecipientCannotReceive);
    town.register(&town.b, Some(&town.b.encryption.certificate)).await;
    town.deliver(b"a letter", "3").await;
    let lease = town.lease(&town.b).await;
    assert!(only(&lease).document_key.is_none(), "who has a certificate is sealed to");
    town.register(&town.b, None).await;
    town.node = town.a_process_under(None);
    assert_eq!(town.refused(Letter { key: "4".to_owned(), ..town.letter(b"a letter") }).await, RecipientCannotReceive);
    town.node = town.a_process_under(Some(custody.ring()));
    town.submit(Letter { key: "5".to_owned(), ..town.letter(b"a letter") }).await.unwrap();
}

#[tokio::test]
async fn what_is_wrapped_anew_opens_as_before() {
    let (town, custody) = town().await;
    town.deliver(b"a letter", "k").await;
    let first = custody.ring().current().unwrap();
    custody.rotate().await.unwrap();
    assert_eq!(custody.rewrap(None).await.unwrap().changed, 1);
    town.time_passes(REST);
    custody.destroy(first, Underneath::Keep).await.unwrap();
    let lease = town.lease(&town.b).await;
    assert_eq!(town.b_reads(only(&lease), lease.token).await, b"a letter");
}

/// Who has a certificate for a key of DSTU 4145 needs no ring: the document key is sealed to it.
#[tokio::test]
async fn a_key_of_dstu_4145_opens_what_was_sealed_to_it() {
    let mut town = Town::new().await;
    for curve in [Curve::M257, Curve::M431] {
        let own = town.issue(&town.b, Usage::Encryption, |profile| profile.key = KeyKind::Dstu4145(curve));
        town.register(&town.b, Some(&own.certificate)).await;
        town.b.encryption = own;
        let document = format!("sealed to {curve:?}");
        town.deliver(document.as_bytes(), &document.replace(' ', "-")).await;
        let lease = town.lease(&town.b).await;
        assert!(only(&lease).document_key.is_none());
        assert_eq!(town.b_reads(only(&lease), lease.token).await, document.as_bytes());
    }
}

/// One message whose key is gone, and one that anybody can read.
async fn half_destroyed() -> (Town, Custody, Receipt) {
    let (town, custody) = town().await;
    let gone = town.deliver(b"gone", "gone").await;
    destroy_first_key(&town, &custody).await;
    town.deliver(b"here", "here").await;
    (town, custody, gone)
}

#[tokio::test]
async fn a_message_whose_key_was_destroyed_says_so_and_holds_up_no_other() {
    let (town, _, gone) = half_destroyed().await;
    let lease = town.lease_whole(&town.b).await;
    let [unreadable, readable] = lease.messages.as_slice() else { panic!("{} messages", lease.messages.len()) };
    assert_eq!(unreadable.unreadable.as_deref(), Some("message.key_destroyed"));
    assert_eq!((unreadable.key_envelope.as_str(), &unreadable.document_key), ("", &None));
    assert!(unreadable.contents.is_empty() && !readable.contents.is_empty());
    assert_eq!(unreadable.summary.state, MessageState::Consigned, "no handover of what nobody can open");
    for number in [0, 1] {
        let refusal = town.download(&town.b, gone.message_id, number, lease.token).await.unwrap_err();
        assert_eq!(refusal.code, KeyDestroyed);
    }
    assert_eq!(town.summary(&town.b, gone.message_id).await.state, MessageState::Consigned);
}

#[tokio::test]
async fn the_timer_states_the_end_of_a_message_whose_key_was_destroyed() {
    let (town, _, gone) = half_destroyed().await;
    assert_eq!(town.node.exchange.timer_round(10).await.unwrap(), 0);
    let summary = town.summary(&town.b, gone.message_id).await;
    assert_eq!(summary.standing, Some(State::Erased { before: MessageState::Consigned }));
    let evidence = town.evidence(&town.a, gone.case_id).await;
    assert_eq!(evidence.last().unwrap().kind, EvidenceKind::ContentErasure);
    let row = format!("message.erase done message:{}", gone.message_id);
    assert!(town.audited().await.contains(&row));
    let lease = town.lease(&town.b).await;
    assert_ne!(only(&lease).summary.message_id, gone.message_id, "it is offered no more");
    let refusal = town.download(&town.b, gone.message_id, 0, lease.token).await.unwrap_err();
    assert_eq!(refusal.code, KeyDestroyed);
    assert_eq!(town.node.exchange.timer_round(10).await.unwrap(), 0, "once");
}

#[tokio::test]
async fn who_has_fetched_a_message_may_still_answer_when_its_key_is_gone() {
    let (town, custody) = town().await;
    let receipt = town.deliver(b"a letter", "k").await;
    let lease = town.lease(&town.b).await;
    assert_eq!(town.b_reads(only(&lease), lease.token).await, b"a letter");
    destroy_first_key(&town, &custody).await;
    town.node.exchange.timer_round(10).await.unwrap();
    let lease = town.lease(&town.b).await;
    assert_eq!(only(&lease).unreadable.as_deref(), Some("message.key_destroyed"), "it cannot be fetched again");
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", None));
    town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    let again = town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap_err();
    assert_eq!(again.code, AlreadyFinal);
}

#[tokio::test]
async fn a_ring_that_cannot_be_used_takes_nothing_with_it() {
    let (mut town, custody) = town().await;
    let held: MessageId = town.deliver(b"held", "held").await.message_id;
    // The key is not destroyed by anybody's word: its file is gone, and comes back.
    let file = town.folder().join("ring").join(format!("{}.key", custody.ring().current().unwrap()));
    assert!(file.exists(), "{file:?}");
    town.node = town.a_process_under(None);
    for code in [KeyUnavailable, KeyUnavailable] {
        let lease = town.node.lease(&town.b, 1, 60).await.unwrap();
        assert_eq!(only(&lease).unreadable.as_deref(), Some(code.as_str()));
        assert_eq!(town.download(&town.b, held, 0, lease.token).await.unwrap_err().code, code);
        town.time_passes(Duration::seconds(60));
    }
    assert_eq!(town.node.exchange.timer_round(10).await.unwrap(), 0, "nothing is final");
    town.node = town.a_process_under(Some(&KeyRing::open(&town.folder().join("ring")).unwrap()));
    let lease = town.lease(&town.b).await;
    assert_eq!(town.b_reads(only(&lease), lease.token).await, b"held");
}
