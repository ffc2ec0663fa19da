use ProblemCode::{
    ActionForbidden, ChannelNotAllowed, NotFound, RecipientSuspended, RecipientTakesOtherKinds, UnknownRecipient,
};
use schemas::ProblemCode;
use schemas::registry::{ParticipantRegistration, Reception};

use super::*;
use crate::town::{PEER, Town, edrpou, mailbox, registration};

const SENDER: &str = "00000001";
const RECIPIENT: &str = "00000002";
const STRANGER: &str = "00000003";

fn participant(code: &str) -> Actor {
    Actor::Participant { edrpou: edrpou(code), certificate: [1; 32] }
}

fn letter(kind: &str, recipient: &str) -> SubmissionResource {
    SubmissionResource { sender: edrpou(SENDER), recipient: mailbox(recipient), kind: kind.parse().unwrap() }
}

fn message() -> MessageResource {
    let (sender, recipient) = (edrpou(SENDER), mailbox("00000002.chancellery"));
    MessageResource { message: MessageId::from_parts(1, [1; 10]), sender, recipient }
}

fn relayed(sender: &str, recipient: &str) -> RelayResource {
    RelayResource { message: message().message, sender: edrpou(sender), recipient: mailbox(recipient) }
}

async fn town() -> Town {
    let town = Town::new();
    for code in [SENDER, RECIPIENT, STRANGER] {
        town.register(code, registration(&["chancellery"], Vec::new())).await.unwrap();
    }
    town.channel(SENDER, "00000002.chancellery", &["letter"]).await.unwrap();
    town
}

async fn at_peer(town: &Town, participant: &str) {
    let there = ParticipantRegistration { node: Some(PEER.to_owned()), ..registration(&["chancellery"], Vec::new()) };
    town.register(participant, there).await.unwrap();
}

async fn told<A: Action>(access: &Access, actor: &Actor, resource: A::Resource) -> Option<ProblemCode> {
    access.decide::<A>(actor, resource).await.err().map(|denied| denied.code)
}

#[tokio::test]
async fn a_refused_submission_says_why_and_which_policy_said_so() {
    let town = town().await;
    let sender = participant(SENDER);
    let mut refusals = Vec::new();
    for (kind, recipient) in [
        ("letter", "00000002.archive"),
        ("letter", "99999999.nobody"),
        ("letter", "00000003.chancellery"),
        ("secret.report", "00000002.chancellery"),
    ] {
        let denied = town.access.decide::<SubmitDocument>(&sender, letter(kind, recipient)).await.unwrap_err();
        refusals.push((denied.code, denied.policies.join(" ")));
    }
    let unknown = "participants.submit-over-open-channels participants.submit-to-registered-mailboxes";
    let closed = "participants.submit-over-open-channels";
    assert_eq!(
        refusals,
        [
            (UnknownRecipient, unknown.to_owned()),
            (UnknownRecipient, unknown.to_owned()),
            (ChannelNotAllowed, closed.to_owned()),
            (ChannelNotAllowed, closed.to_owned()),
        ]
    );
}

#[tokio::test]
async fn nothing_goes_to_who_is_suspended_and_only_who_has_a_channel_is_told() {
    let town = town().await;
    let ask = async |actor: &str, recipient: &str| {
        let resource = SubmissionResource { sender: edrpou(actor), ..letter("letter", recipient) };
        told::<SubmitDocument>(&town.access, &participant(actor), resource).await
    };
    for address in ["00000002.chancellery", RECIPIENT] {
        town.suspend(address, true).await.unwrap();
        assert_eq!(ask(SENDER, "00000002.chancellery").await, Some(RecipientSuspended), "{address}");
        assert_eq!(ask(STRANGER, "00000002.chancellery").await, Some(ChannelNotAllowed), "{address}");
        assert_eq!(ask(SENDER, "00000002.archive").await, Some(UnknownRecipient), "{address}");
        // What came before stays within reach.
        assert!(
            town.access.decide::<LeaseMessages>(&participant(RECIPIENT), mailbox("00000002.chancellery")).await.is_ok()
        );
        town.suspend(address, false).await.unwrap();
        assert_eq!(ask(SENDER, "00000002.chancellery").await, None, "{address}");
    }
}

#[tokio::test]
async fn a_channel_carries_only_what_its_recipient_takes() {
    let town = town().await;
    town.channel(SENDER, "00000002.chancellery", &["letter", "report"]).await.unwrap();
    let reception = Reception { kinds: vec!["report".parse().unwrap()], ..Reception::default() };
    let takes_reports = ParticipantRegistration { reception, ..registration(&["chancellery"], Vec::new()) };
    town.register(RECIPIENT, takes_reports).await.unwrap();
    let ask = async |kind: &str| {
        told::<SubmitDocument>(&town.access, &participant(SENDER), letter(kind, "00000002.chancellery")).await
    };
    assert_eq!((ask("letter").await, ask("report").await), (Some(RecipientTakesOtherKinds), None));
}

#[tokio::test]
async fn someone_elses_mailbox_looks_like_none() {
    let town = town().await;
    let sender = participant(SENDER);
    let mut answers = Vec::new();
    for other in ["00000002.chancellery", "00000002.archive", "99999999.nobody", "00000001.archive"] {
        answers.push(town.access.decide::<ListMailbox>(&sender, mailbox(other)).await.unwrap_err().code);
    }
    assert_eq!(answers, [NotFound; 4]);
    assert!(town.access.decide::<ListMailbox>(&sender, mailbox("00000001.chancellery")).await.is_ok());
}

#[tokio::test]
async fn a_permit_names_who_may_do_what() {
    let town = town().await;
    let permit = town.access.decide::<ReadMessage>(&participant(SENDER), message()).await.unwrap();
    assert_eq!(permit.actor(), &participant(SENDER));
    assert_eq!(permit.resource(), &message());
}

#[tokio::test]
async fn a_node_speaks_for_its_own_participants_and_brings_only_what_is_for_mailboxes_here() {
    let town = town().await;
    at_peer(&town, SENDER).await;
    let peer = Actor::Peer { name: PEER.into(), certificate: [7; 32] };
    let other = Actor::Peer { name: "other.example".into(), certificate: [8; 32] };
    let brings = async |actor: &Actor, sender: &str, recipient: &str| {
        told::<RelayMessage>(&town.access, actor, relayed(sender, recipient)).await
    };
    assert_eq!(brings(&peer, SENDER, "00000002.chancellery").await, None);
    assert_eq!(brings(&other, SENDER, "00000002.chancellery").await, Some(ActionForbidden));
    assert_eq!(brings(&peer, STRANGER, "00000002.chancellery").await, Some(ActionForbidden), "a participant of ours");
    assert_eq!(brings(&peer, SENDER, "00000002.archive").await, Some(UnknownRecipient));
    assert_eq!(brings(&peer, SENDER, "00000001.chancellery").await, Some(UnknownRecipient), "nothing passes through");
    let tells = async |actor: &Actor| told::<RelayEvidence>(&town.access, actor, message()).await;
    assert_eq!(tells(&peer).await, Some(NotFound), "the recipient is at this node");
    at_peer(&town, RECIPIENT).await;
    assert_eq!((tells(&peer).await, tells(&other).await), (None, Some(NotFound)));
}

#[tokio::test]
async fn a_participant_of_another_node_has_no_login_here() {
    let town = town().await;
    let login = crate::town::certificate(
        schemas::registry::CertificateUsage::Login,
        &town.issue(SENDER, certs::dev::Usage::TlsClient).certificate,
    );
    let there = ParticipantRegistration { node: Some(PEER.to_owned()), ..registration(&["chancellery"], vec![login]) };
    assert!(town.register(SENDER, there).await.is_err());
}
