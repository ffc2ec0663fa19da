use std::sync::atomic::Ordering;

use certs::dev::{Identity, Usage};
use crypto::key::KeyKind;
use schemas::registry::{CertificateUsage, Channel, ChannelPolicy, EncryptionKey, ParticipantRegistration, Reception};
use time::Duration;

use super::*;
use crate::actor::Actor;
use crate::town::{NOON, PEER, Town, certificate, edrpou, issue_with, mailbox, registration};

const SENDER: &str = "00000001";
const RECIPIENT: &str = "00000002";
const STRANGER: &str = "00000003";
const MAILBOX: &str = "00000002.office";
const NODE_BYTES: u64 = 1 << 20;

/// A sender with a channel for letters to a recipient that can receive; and a stranger without one.
async fn town() -> (Town, Identity) {
    let town = Town::new();
    let encryption = town.issue(RECIPIENT, Usage::Encryption);
    for code in [SENDER, STRANGER] {
        town.register(code, registration(&["office"], Vec::new())).await.unwrap();
    }
    receives(&town, Some(&encryption)).await;
    town.channel(SENDER, MAILBOX, &["letter"]).await.unwrap();
    (town, encryption)
}

async fn receives(town: &Town, encryption: Option<&Identity>) {
    let encryption = encryption.map(|identity| certificate(CertificateUsage::Encryption, &identity.certificate));
    town.register(RECIPIENT, registration(&["office"], encryption.into_iter().collect())).await.unwrap();
}

async fn asked(town: &Town, who: &str, recipient: &str, kind: &str, bytes: Option<u64>) -> Deliverability {
    asked_of(town, (who, recipient, kind), bytes, true).await
}

async fn asked_of(
    town: &Town,
    (who, recipient, kind): (&str, &str, &str),
    bytes: Option<u64>,
    has_ring: bool,
) -> Deliverability {
    let actor = Actor::Participant { edrpou: edrpou(who), certificate: [1; 32] };
    let permit = town.access.decide::<CheckDelivery>(&actor, ()).await.unwrap();
    let question = CapabilityQuery { recipient: mailbox(recipient), kind: kind.parse().unwrap(), bytes };
    town.access.check_delivery(&permit, &question, NODE_BYTES, has_ring).await.unwrap()
}

async fn reasons(town: &Town, bytes: Option<u64>) -> Vec<String> {
    let answer = asked(town, SENDER, MAILBOX, "letter", bytes).await;
    assert_eq!(answer.deliverable, answer.reasons.is_empty());
    answer.reasons
}

#[tokio::test]
async fn who_may_send_learns_the_terms_and_that_nothing_stands_in_the_way() {
    let (town, encryption) = town().await;
    let login = town.issue(RECIPIENT, Usage::TlsClient);
    let certificates = vec![
        certificate(CertificateUsage::Login, &login.certificate),
        certificate(CertificateUsage::Encryption, &encryption.certificate),
    ];
    town.register(RECIPIENT, registration(&["office"], certificates)).await.unwrap();
    town.access.identify(&town.chain(&login)).await.unwrap();
    let before = town.audited().await.len();
    let answer = asked(&town, SENDER, MAILBOX, "letter", Some(NODE_BYTES)).await;
    assert!(answer.deliverable, "{:?}", answer.reasons);
    assert_eq!((answer.policy, answer.maximum_bytes), (Some(ChannelPolicy::default()), Some(NODE_BYTES)));
    let sealed_to = answer.encryption.unwrap();
    assert_eq!((sealed_to.key, sealed_to.not_after), (EncryptionKey::Ecdh, encryption.certificate.not_after()));
    assert_eq!(answer.last_seen_at, Some(NOON));
    assert_eq!(town.audited().await.len(), before);
}

#[tokio::test]
async fn a_stranger_learns_what_a_submission_would_tell_and_nothing_else() {
    let (town, _) = town().await;
    let before = town.audited().await.len();
    for (who, recipient, kind, code) in [
        (STRANGER, MAILBOX, "letter", ProblemCode::ChannelNotAllowed),
        (SENDER, MAILBOX, "report", ProblemCode::ChannelNotAllowed),
        (STRANGER, "00000002.cellar", "letter", ProblemCode::UnknownRecipient),
        (STRANGER, "99999999.nobody", "letter", ProblemCode::UnknownRecipient),
    ] {
        let answer = asked(&town, who, recipient, kind, None).await;
        assert_eq!((answer.deliverable, answer.reasons), (false, vec![code.as_str().to_owned()]), "{recipient} {kind}");
        assert_eq!((answer.policy, answer.maximum_bytes), (None, None));
        assert_eq!((answer.encryption, answer.last_seen_at), (None, None));
    }
    // Nor does a stranger learn that the mailbox is suspended or sealed to nothing.
    let told = asked(&town, STRANGER, MAILBOX, "letter", None).await;
    town.suspend(MAILBOX, true).await.unwrap();
    receives(&town, None).await;
    assert_eq!(asked(&town, STRANGER, MAILBOX, "letter", None).await, told);
    // Whoever tries one mailbox after another is on record.
    let rows = town.audited().await.split_off(before);
    let asked = rows.iter().filter(|row| row.starts_with("delivery.check ")).count();
    assert_eq!(asked, 6, "{rows:?}");
    assert!(rows[0].contains("participant:00000003") && rows[0].contains(MAILBOX), "{rows:?}");
}

#[tokio::test]
async fn everything_that_stands_in_the_way_is_told_at_once() {
    let (town, encryption) = town().await;
    receives(&town, None).await;
    assert_eq!(reasons(&town, None).await, ["submission.recipient_cannot_receive"]);
    town.suspend(RECIPIENT, true).await.unwrap();
    assert_eq!(
        reasons(&town, Some(NODE_BYTES + 1)).await,
        ["recipient.suspended", "submission.recipient_cannot_receive", "request.too_large"]
    );
    town.suspend(RECIPIENT, false).await.unwrap();
    receives(&town, Some(&encryption)).await;
    assert_eq!(reasons(&town, Some(0)).await, ["submission.empty_document"]);
    town.clock.set(encryption.certificate.not_after() + Duration::seconds(1));
    assert_eq!(reasons(&town, None).await, ["submission.recipient_cannot_receive"]);
}

#[tokio::test]
async fn a_revoked_certificate_and_one_of_which_nobody_knows_are_told_apart() {
    let (town, _) = town().await;
    let revoked = town.issue(RECIPIENT, Usage::Encryption);
    town.responder.pki.revoke(&revoked.certificate, NOON - Duration::hours(1), 1);
    receives(&town, Some(&revoked)).await;
    assert_eq!(reasons(&town, None).await, ["submission.recipient_cannot_receive"]);
    let new = town.issue(RECIPIENT, Usage::Encryption);
    receives(&town, Some(&new)).await;
    town.responder.in_reach.store(false, Ordering::SeqCst);
    assert_eq!(reasons(&town, None).await, ["submission.recipient_status_unknown"]);
}

#[tokio::test]
async fn the_smallest_of_the_bounds_counts() {
    let (town, encryption) = town().await;
    let (sender, recipient) = (edrpou(SENDER), mailbox(MAILBOX));
    let policy = Some(ChannelPolicy { maximum_bytes: 2000, ..ChannelPolicy::default() });
    let kinds = vec!["letter".parse().unwrap()];
    town.set_channel(Channel { sender, recipient, kinds, policy }).await.unwrap();
    assert_eq!(reasons(&town, Some(2000)).await, Vec::<String>::new());
    assert_eq!(reasons(&town, Some(2001)).await, ["request.too_large"]);
    let reception = Reception { maximum_bytes: 1000, ..Reception::default() };
    let certificates = vec![certificate(CertificateUsage::Encryption, &encryption.certificate)];
    let registered = ParticipantRegistration { reception, ..registration(&["office"], certificates) };
    town.register(RECIPIENT, registered).await.unwrap();
    assert_eq!(asked(&town, SENDER, MAILBOX, "letter", None).await.maximum_bytes, Some(1000));
    assert_eq!(reasons(&town, Some(1001)).await, ["request.too_large"]);
}

#[tokio::test]
async fn keys_of_each_kind_can_be_sealed_to() {
    let (town, _) = town().await;
    for (key, shown, sealable) in [
        (KeyKind::Rsa { bits: 2048 }, EncryptionKey::Rsa, true),
        (KeyKind::Dstu4145(crypto::dstu4145::Curve::M257), EncryptionKey::Dstu, true),
        (KeyKind::Dstu4145(crypto::dstu4145::Curve::M431), EncryptionKey::Dstu, true),
    ] {
        let identity = issue_with(&town.responder.pki, RECIPIENT, key);
        receives(&town, Some(&identity)).await;
        let answer = asked(&town, SENDER, MAILBOX, "letter", None).await;
        assert_eq!(answer.encryption.map(|encryption| encryption.key), Some(shown));
        assert_eq!(answer.deliverable, sealable, "{shown:?}: {:?}", answer.reasons);
        let seen = town.registry().participant(edrpou(RECIPIENT)).await.unwrap().unwrap();
        assert_eq!(seen.can_receive, sealable, "{shown:?}");
    }
}

#[tokio::test]
async fn who_has_no_certificate_is_reached_through_the_nodes_ring_where_the_channel_allows_it() {
    let (town, encryption) = town().await;
    assert_eq!(asked(&town, SENDER, MAILBOX, "letter", None).await.sealing, Some(Sealing::Certificate));
    receives(&town, None).await;
    let answer = asked(&town, SENDER, MAILBOX, "letter", None).await;
    assert_eq!((answer.deliverable, answer.sealing), (false, None), "not without the channel's leave");
    let (sender, recipient, kinds) = (edrpou(SENDER), mailbox(MAILBOX), vec!["letter".parse().unwrap()]);
    let policy = Some(ChannelPolicy { node_held_keys: true, ..ChannelPolicy::default() });
    town.set_channel(Channel { sender, recipient, kinds, policy }).await.unwrap();
    let answer = asked(&town, SENDER, MAILBOX, "letter", None).await;
    assert_eq!((answer.deliverable, answer.sealing), (true, Some(Sealing::NodeRing)));
    let answer = asked_of(&town, (SENDER, MAILBOX, "letter"), None, false).await;
    assert_eq!((answer.deliverable, answer.sealing), (false, None), "nor without a ring");
    receives(&town, Some(&encryption)).await;
    assert_eq!(asked(&town, SENDER, MAILBOX, "letter", None).await.sealing, Some(Sealing::Certificate));
}

#[tokio::test]
async fn nothing_goes_to_a_node_that_is_no_peer() {
    let (town, encryption) = town().await;
    let moves_to = async |node: &str| {
        let certificates = vec![certificate(CertificateUsage::Encryption, &encryption.certificate)];
        let there = ParticipantRegistration { node: Some(node.to_owned()), ..registration(&["office"], certificates) };
        town.register(RECIPIENT, there).await.unwrap();
    };
    moves_to(PEER).await;
    assert_eq!(reasons(&town, None).await, Vec::<String>::new());
    moves_to("nobody.example").await;
    assert_eq!(reasons(&town, None).await, [ProblemCode::RecipientCannotReceive.as_str()]);
    assert_eq!(asked(&town, SENDER, MAILBOX, "letter", None).await.sealing, None);
}
