//! For the tests of decisions: who may ask, one thing of each kind that actions are about, and how an action is asked about them.

use schemas::access::{Role, Roles};
use schemas::application::ApplicationState;
use schemas::break_glass::{BrokenGlass, Ground};
use schemas::registry::ParticipantRegistration;
use schemas::{ApplicationId, BreakGlassId, CopyId};

use super::*;
use crate::consent::LookFacts;
use crate::purpose::Purposes;
use crate::town::{PEER, Town, edrpou, mailbox, registration};

/// The participant whose people and systems ask.
pub(super) const HERE: &str = "00000002";
/// One that it has to do with: a channel for letters leads from each to the other.
pub(super) const THERE: &str = "00000001";
/// One that it has nothing to do with.
pub(super) const ELSEWHERE: &str = "00000003";
/// One whose mailboxes are at another node.
pub(super) const AWAY: &str = "00000004";

pub(super) const PARTICIPANTS: [&str; 4] = [HERE, THERE, ELSEWHERE, AWAY];

/// A town with these participants, each with two mailboxes.
pub(super) async fn town() -> Town {
    let town = Town::new();
    for code in PARTICIPANTS {
        let here = registration(&["chancellery", "archive"], Vec::new());
        let node = (code == AWAY).then(|| PEER.to_owned());
        town.register(code, ParticipantRegistration { node, ..here }).await.unwrap();
    }
    town.channel(HERE, "00000001.chancellery", &["letter"]).await.unwrap();
    town.channel(THERE, "00000002.chancellery", &["letter"]).await.unwrap();
    town
}

pub(super) fn person_id(number: u8) -> PersonId {
    PersonId::from_parts(1, [number; 10])
}

pub(super) fn system(code: &str) -> Actor {
    Actor::Participant { edrpou: edrpou(code), certificate: [1; 32] }
}

pub(super) fn peer() -> Actor {
    Actor::Peer { name: PEER.into(), certificate: [7; 32] }
}

/// The person of number 1.
pub(super) fn person(roles: &[Role], acting_for: Option<&str>, stepped_up: bool) -> Actor {
    let roles: Roles = roles.iter().copied().collect();
    Actor::Person(Person {
        id: person_id(1),
        acting_for: acting_for.map(edrpou),
        roles,
        certificate: Some([2; 32]),
        stepped_up,
    })
}

/// One thing of each kind.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) submission: SubmissionResource,
    pub(super) announced: MessageResource,
    pub(super) message: MessageResource,
    pub(super) relayed: RelayResource,
    pub(super) reported: MessageResource,
    pub(super) mailbox: MailboxId,
    pub(super) case: CaseResource,
    pub(super) participant: Edrpou,
    pub(super) people: Option<Edrpou>,
    pub(super) grant: GrantResource,
    pub(super) person: PersonId,
    pub(super) application: ApplicationResource,
    pub(super) copy: CopyResource,
    pub(super) look: Looked,
    pub(super) glass: Glass,
}

/// What a look rests on.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    pub(super) owner: PersonId,
    pub(super) centre: Edrpou,
    pub(super) attached: bool,
    pub(super) open: bool,
    pub(super) kept: bool,
    pub(super) purpose: bool,
}

/// A break-glass access, or what one is to be opened to.
#[derive(Debug, Clone)]
pub(super) struct Glass {
    pub(super) subject: PersonId,
    pub(super) opened_by: PersonId,
    pub(super) centre: Option<Edrpou>,
    pub(super) open: bool,
    pub(super) covers: bool,
}

pub(super) fn message(sender: &str, recipient: &str) -> MessageResource {
    let (sender, recipient) = (edrpou(sender), mailbox(&format!("{recipient}.chancellery")));
    MessageResource { message: MessageId::from_parts(1, [1; 10]), sender, recipient }
}

pub(super) fn relayed(sender: &str, recipient: &str) -> RelayResource {
    let MessageResource { message, sender, recipient } = message(sender, recipient);
    RelayResource { message, sender, recipient }
}

pub(super) fn submission(sender: &str, recipient: &str, kind: &str) -> SubmissionResource {
    SubmissionResource { sender: edrpou(sender), recipient: mailbox(recipient), kind: kind.parse().unwrap() }
}

pub(super) fn case(participants: &[&str]) -> CaseResource {
    CaseResource {
        case: CaseId::from_parts(1, [1; 10]),
        participants: participants.iter().map(|c| edrpou(c)).collect(),
    }
}

pub(super) fn application(applicant: u8, centre: &str) -> ApplicationResource {
    let application = ApplicationId::from_parts(1, [1; 10]);
    ApplicationResource { application, applicant: person_id(applicant), centre: edrpou(centre) }
}

pub(super) fn copy(owner: u8) -> CopyResource {
    CopyResource { copy: CopyId::from_parts(1, [1; 10]), owner: person_id(owner) }
}

pub(super) fn grant(person: u8, role: Role, participant: &str) -> GrantResource {
    GrantResource { person: person_id(person), role, participant: Some(edrpou(participant)) }
}

impl Scene {
    /// Things of the participant that asks, and of the person who does.
    pub(super) fn own() -> Self {
        let look = Looked {
            owner: person_id(1),
            centre: edrpou(HERE),
            attached: true,
            open: true,
            kept: false,
            purpose: true,
        };
        Self {
            submission: submission(HERE, "00000001.chancellery", "letter"),
            announced: message(HERE, THERE),
            message: message(THERE, HERE),
            relayed: relayed(AWAY, HERE),
            reported: message(HERE, AWAY),
            mailbox: mailbox("00000002.chancellery"),
            case: case(&[HERE, THERE]),
            participant: edrpou(HERE),
            people: Some(edrpou(HERE)),
            grant: grant(1, Role::AuthorisedRepresentative, HERE),
            person: person_id(1),
            application: application(1, HERE),
            copy: copy(1),
            look,
            // One's own access is to somebody else's data.
            glass: Glass {
                subject: person_id(3),
                opened_by: person_id(1),
                centre: Some(edrpou(HERE)),
                open: true,
                covers: true,
            },
        }
    }

    /// Others of the same participant: what it sent, what it has no channel for, what is somebody else's there.
    pub(super) fn other() -> Self {
        let own = Self::own();
        let look = Looked { owner: person_id(2), open: false, ..own.look };
        Self {
            submission: submission(HERE, "00000001.chancellery", "secret.report"),
            announced: message(THERE, HERE),
            message: message(HERE, THERE),
            relayed: relayed(AWAY, AWAY),
            reported: message(AWAY, HERE),
            mailbox: mailbox("00000002.archive"),
            case: case(&[ELSEWHERE, HERE]),
            people: None,
            grant: grant(2, Role::AuthorisedRepresentative, HERE),
            person: person_id(2),
            application: application(2, HERE),
            copy: copy(2),
            look,
            glass: Glass { opened_by: person_id(2), ..own.glass },
            ..own
        }
    }

    /// Things of another participant and of another person.
    pub(super) fn foreign() -> Self {
        let other = Self::other();
        let look = Looked { owner: person_id(2), centre: edrpou(THERE), open: true, ..other.look };
        Self {
            submission: submission(THERE, "00000002.chancellery", "letter"),
            announced: message(THERE, ELSEWHERE),
            message: message(THERE, ELSEWHERE),
            relayed: relayed(THERE, HERE),
            reported: message(THERE, HERE),
            mailbox: mailbox("00000001.chancellery"),
            case: case(&[THERE, ELSEWHERE]),
            participant: edrpou(THERE),
            people: Some(edrpou(THERE)),
            grant: grant(2, Role::AuthorisedRepresentative, THERE),
            application: application(2, THERE),
            look,
            glass: Glass { centre: Some(edrpou(THERE)), ..other.glass },
            ..other
        }
    }

    fn attachment(&self) -> AttachmentResource {
        let CopyResource { copy, owner } = self.copy;
        AttachmentResource { application: self.application.clone(), copy, owner }
    }

    fn opening(&self) -> OpeningResource {
        let (opens, subject) = (BrokenGlass::Person { person: self.glass.subject }, self.glass.subject);
        OpeningResource { opens, subject, centres: self.glass.centre.into_iter().collect() }
    }

    fn glass(&self) -> GlassResource {
        let Glass { subject, opened_by, centre, open, covers } = self.glass.clone();
        let (id, copy) = (BreakGlassId::from_parts(1, [1; 10]), Some(self.copy.copy));
        let (application, ground) = (None, Ground::Incident);
        GlassResource { id, opened_by, subject, centre, copy, application, ground, open, covers }
    }

    fn look(&self) -> LookResource {
        let Looked { owner, centre, attached, open, kept, purpose } = self.look.clone();
        let (copy, application) = (self.copy.copy, self.application.application);
        let facts = LookFacts { copy, owner, application, centre, attached, state: ApplicationState::Open };
        let stated = || Purposes::shipped().stated(Some("application.review")).unwrap();
        LookResource::new(facts, open, kept, purpose.then(stated))
    }
}

async fn told<A: Action>(access: &Access, actor: &Actor, resource: A::Resource) -> Result<(), Denied> {
    access.decide::<A>(actor, resource).await.map(drop)
}

/// Asks whether the actor may do this to the thing that it is about.
pub(super) async fn ask(access: &Access, actor: &Actor, action: &str, scene: &Scene) -> Result<(), Denied> {
    let Scene { mailbox, participant, grant, person, application, copy, .. } = scene.clone();
    match action {
        "submit_document" => told::<SubmitDocument>(access, actor, scene.submission.clone()).await,
        "complete_submission" => told::<CompleteSubmission>(access, actor, scene.announced.clone()).await,
        "list_submissions" => told::<ListSubmissions>(access, actor, participant).await,
        "list_mailbox" => told::<ListMailbox>(access, actor, mailbox).await,
        "lease_messages" => told::<LeaseMessages>(access, actor, mailbox).await,
        "set_subscription" => told::<SetSubscription>(access, actor, mailbox).await,
        "read_subscription" => told::<ReadSubscription>(access, actor, mailbox).await,
        "read_message" => told::<ReadMessage>(access, actor, scene.message.clone()).await,
        "download_part" => told::<DownloadPart>(access, actor, scene.message.clone()).await,
        "acknowledge_message" => told::<AcknowledgeMessage>(access, actor, scene.message.clone()).await,
        "relay_message" => told::<RelayMessage>(access, actor, scene.relayed.clone()).await,
        "relay_evidence" => told::<RelayEvidence>(access, actor, scene.reported.clone()).await,
        "read_case" => told::<ReadCase>(access, actor, scene.case.clone()).await,
        "export_case" => told::<ExportCase>(access, actor, scene.case.clone()).await,
        "read_participants" => told::<ReadParticipants>(access, actor, ()).await,
        "register_participant" => told::<RegisterParticipant>(access, actor, participant).await,
        "set_channel" => told::<SetChannel>(access, actor, mailbox).await,
        "set_address" => told::<SetAddress>(access, actor, "subsidy".parse().unwrap()).await,
        "resolve_address" => told::<ResolveAddress>(access, actor, ()).await,
        "set_suspension" => told::<SetSuspension>(access, actor, HERE.parse().unwrap()).await,
        "check_delivery" => told::<CheckDelivery>(access, actor, ()).await,
        "read_quarantine" => told::<ReadQuarantine>(access, actor, ()).await,
        "retry_message" => told::<RetryMessage>(access, actor, scene.message.message).await,
        "read_retention" => told::<ReadRetention>(access, actor, ()).await,
        "set_hold" => told::<SetHold>(access, actor, ()).await,
        "dispose_messages" => told::<DisposeMessages>(access, actor, ()).await,
        "read_people" => told::<ReadPeople>(access, actor, scene.people).await,
        "register_person" => told::<RegisterPerson>(access, actor, ()).await,
        "grant_role" => told::<GrantRole>(access, actor, grant).await,
        "revoke_role" => told::<RevokeRole>(access, actor, grant).await,
        "import_directory" => told::<ImportDirectory>(access, actor, ()).await,
        "issue_token" => told::<IssueToken>(access, actor, participant).await,
        "read_tokens" => told::<ReadTokens>(access, actor, participant).await,
        "revoke_token" => told::<RevokeToken>(access, actor, participant).await,
        "end_sessions" => told::<EndSessions>(access, actor, ()).await,
        "store_copy" => told::<StoreCopy>(access, actor, ()).await,
        "read_copy" => told::<ReadCopy>(access, actor, copy).await,
        "erase_copy" => told::<EraseCopy>(access, actor, copy).await,
        "read_own_file" => told::<ReadOwnFile>(access, actor, person).await,
        "list_looks" => told::<ListLooks>(access, actor, person).await,
        "apply_for_service" => told::<ApplyForService>(access, actor, participant).await,
        "attach_copy" => told::<AttachCopy>(access, actor, scene.attachment()).await,
        "withdraw_application" => told::<WithdrawApplication>(access, actor, application).await,
        "close_application" => told::<CloseApplication>(access, actor, application).await,
        "read_application" => told::<ReadApplication>(access, actor, application).await,
        "list_applications" => told::<ListApplications>(access, actor, participant).await,
        "look_at_copy" => told::<LookAtCopy>(access, actor, scene.look()).await,
        "open_break_glass" => told::<OpenBreakGlass>(access, actor, scene.opening()).await,
        "look_through_glass" => told::<LookThroughGlass>(access, actor, scene.glass()).await,
        "end_break_glass" => told::<EndBreakGlass>(access, actor, scene.glass()).await,
        "review_break_glass" => told::<ReviewBreakGlass>(access, actor, scene.glass()).await,
        "read_break_glass" => told::<ReadBreakGlass>(access, actor, scene.people).await,
        "read_log" => told::<ReadLog>(access, actor, ()).await,
        "search_audit" => told::<SearchAudit>(access, actor, ()).await,
        "export_audit" => told::<ExportAudit>(access, actor, ()).await,
        "read_alerts" => told::<ReadAlerts>(access, actor, ()).await,
        "see_alert" => told::<SeeAlert>(access, actor, ()).await,
        "read_erasures" => told::<ReadErasures>(access, actor, ()).await,
        "erase_details" => told::<EraseDetails>(access, actor, ()).await,
        "read_trust" => told::<ReadTrust>(access, actor, ()).await,
        "set_trust" => told::<SetTrust>(access, actor, [1; 32].into()).await,
        "read_peers" => told::<ReadPeers>(access, actor, ()).await,
        "set_peer" => told::<SetPeer>(access, actor, PEER.parse().unwrap()).await,
        other => panic!("the tests of decisions cannot ask for {other}"),
    }
}
