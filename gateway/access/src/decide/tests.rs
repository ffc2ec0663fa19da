use ProblemCode::{
    ActionForbidden, ChannelNotAllowed, NotFound, RecipientSuspended, RecipientTakesOtherKinds, SenderNotYou,
    UnknownRecipient,
};
use schemas::ProblemCode;
use schemas::registry::{ParticipantRegistration, Reception};

use super::*;
use crate::town::{Town, edrpou, mailbox, registration};

const SENDER: &str = "00000001";
const RECIPIENT: &str = "00000002";
const STRANGER: &str = "00000003";

/// The golden matrix: for each action what the sender, the recipient, a stranger and an operator are told. The resource is
/// a letter from the sender to the recipient's mailbox, its case, or the recipient itself.
const MATRIX: &[(&str, [Option<ProblemCode>; 4])] = &[
    ("submit_document", [None, Some(SenderNotYou), Some(SenderNotYou), Some(ActionForbidden)]),
    ("complete_submission", [None, Some(NotFound), Some(NotFound), Some(NotFound)]),
    ("list_submissions", [Some(ActionForbidden), None, Some(ActionForbidden), Some(ActionForbidden)]),
    ("list_mailbox", [Some(NotFound), None, Some(NotFound), Some(NotFound)]),
    ("lease_messages", [Some(NotFound), None, Some(NotFound), Some(NotFound)]),
    ("set_subscription", [Some(NotFound), None, Some(NotFound), Some(NotFound)]),
    ("read_subscription", [Some(NotFound), None, Some(NotFound), Some(NotFound)]),
    ("read_message", [None, None, Some(NotFound), Some(NotFound)]),
    ("download_part", [Some(ActionForbidden), None, Some(NotFound), Some(NotFound)]),
    ("acknowledge_message", [Some(ActionForbidden), None, Some(NotFound), Some(NotFound)]),
    ("read_case", [None, None, Some(NotFound), Some(NotFound)]),
    ("export_case", [None, None, Some(NotFound), Some(NotFound)]),
    ("read_participants", [None, None, None, None]),
    ("register_participant", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
    ("set_channel", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
    ("set_address", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
    ("resolve_address", [None, None, None, None]),
    ("set_suspension", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
    ("check_delivery", [None, None, None, Some(ActionForbidden)]),
    ("read_quarantine", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
    ("retry_message", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
    ("read_log", [None, None, None, None]),
    ("read_trust", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
    ("set_trust", [Some(ActionForbidden), Some(ActionForbidden), Some(ActionForbidden), None]),
];

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

fn case() -> CaseResource {
    CaseResource { case: CaseId::from_parts(1, [1; 10]), participants: vec![edrpou(SENDER), edrpou(RECIPIENT)] }
}

async fn town() -> Town {
    let town = Town::new();
    for code in [SENDER, RECIPIENT, STRANGER] {
        town.register(code, registration(&["chancellery"], Vec::new())).await.unwrap();
    }
    town.channel(SENDER, "00000002.chancellery", &["letter"]).await.unwrap();
    town
}

async fn told<A: Action>(access: &Access, actor: &Actor, resource: A::Resource) -> Option<ProblemCode> {
    access.decide::<A>(actor, resource).await.err().map(|denied| denied.code)
}

async fn ask(access: &Access, actor: &Actor, action: &str) -> Option<ProblemCode> {
    let own = mailbox("00000002.chancellery");
    match action {
        "submit_document" => told::<SubmitDocument>(access, actor, letter("letter", "00000002.chancellery")).await,
        "complete_submission" => told::<CompleteSubmission>(access, actor, message()).await,
        "list_submissions" => told::<ListSubmissions>(access, actor, edrpou(RECIPIENT)).await,
        "list_mailbox" => told::<ListMailbox>(access, actor, own).await,
        "lease_messages" => told::<LeaseMessages>(access, actor, own).await,
        "set_subscription" => told::<SetSubscription>(access, actor, own).await,
        "read_subscription" => told::<ReadSubscription>(access, actor, own).await,
        "read_message" => told::<ReadMessage>(access, actor, message()).await,
        "download_part" => told::<DownloadPart>(access, actor, message()).await,
        "acknowledge_message" => told::<AcknowledgeMessage>(access, actor, message()).await,
        "read_case" => told::<ReadCase>(access, actor, case()).await,
        "export_case" => told::<ExportCase>(access, actor, case()).await,
        "read_participants" => told::<ReadParticipants>(access, actor, ()).await,
        "register_participant" => told::<RegisterParticipant>(access, actor, edrpou(RECIPIENT)).await,
        "set_channel" => told::<SetChannel>(access, actor, own).await,
        "set_address" => told::<SetAddress>(access, actor, "subsidy".parse().unwrap()).await,
        "resolve_address" => told::<ResolveAddress>(access, actor, ()).await,
        "set_suspension" => told::<SetSuspension>(access, actor, RECIPIENT.parse().unwrap()).await,
        "check_delivery" => told::<CheckDelivery>(access, actor, ()).await,
        "read_quarantine" => told::<ReadQuarantine>(access, actor, ()).await,
        "retry_message" => told::<RetryMessage>(access, actor, message().message).await,
        "read_log" => told::<ReadLog>(access, actor, ()).await,
        "read_trust" => told::<ReadTrust>(access, actor, ()).await,
        "set_trust" => told::<SetTrust>(access, actor, [1; 32].into()).await,
        other => panic!("the matrix cannot ask for {other}"),
    }
}

#[tokio::test]
async fn every_role_may_do_exactly_what_the_matrix_says() {
    let town = town().await;
    let roles = [participant(SENDER), participant(RECIPIENT), participant(STRANGER), town.operator()];
    for action in ACTIONS {
        let row = MATRIX.iter().find(|(name, _)| name == action).unwrap_or_else(|| panic!("{action} has no row"));
        let mut found = [None; 4];
        for (answer, actor) in found.iter_mut().zip(&roles) {
            *answer = ask(&town.access, actor, action).await;
        }
        assert_eq!(found, row.1, "{action}: sender, recipient, stranger, operator");
    }
    assert_eq!(MATRIX.len(), ACTIONS.len(), "a row without an action");
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
