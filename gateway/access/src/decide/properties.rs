//! What holds of every decision, whoever asks for whatever: properties of the shipped policies, against generated actors and things.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use schemas::access::Roles;

use super::scene::{
    Glass, Looked, PARTICIPANTS, Scene, application, ask, case, copy, grant, message, person_id, relayed, submission,
    town,
};
use super::*;
use crate::policies::PolicyFiles;
use crate::town::{PEER, edrpou, mailbox};

/// Actions by which content is handed in, seen or taken over.
const CONTENT: &[&str] = &[
    "submit_document",
    "complete_submission",
    "list_submissions",
    "list_mailbox",
    "lease_messages",
    "read_message",
    "download_part",
    "acknowledge_message",
    "read_case",
    "export_case",
    "look_at_copy",
];

/// What else is a participant's business, and nobody's who does not act for it.
const BUSINESS: &[&str] = &[
    "check_delivery",
    "set_subscription",
    "read_subscription",
    "issue_token",
    "read_tokens",
    "revoke_token",
    "list_applications",
    "close_application",
];

const OF_APPLICANTS: &[&str] = &[
    "store_copy",
    "read_copy",
    "erase_copy",
    "read_own_file",
    "list_looks",
    "apply_for_service",
    "attach_copy",
    "withdraw_application",
    "read_application",
];

const DANGEROUS: &[&str] = &[
    "set_trust",
    "set_peer",
    "register_participant",
    "grant_role",
    "import_directory",
    "issue_token",
    "dispose_messages",
    "retry_message",
    "end_sessions",
    "register_person",
    "open_break_glass",
    "review_break_glass",
    "erase_details",
];

const BREAK_GLASS: &[&str] =
    &["open_break_glass", "look_through_glass", "end_break_glass", "review_break_glass", "read_break_glass"];

/// What is done with the log by those who watch.
const AUDIT: &[&str] = &["search_audit", "export_audit", "read_alerts", "see_alert", "read_erasures", "erase_details"];

fn code() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&PARTICIPANTS[..])
}

fn roles() -> impl Strategy<Value = Roles> {
    // Most people have one role or two.
    prop_oneof![
        3 => prop::sample::subsequence(Role::ALL, 0..=2),
        1 => prop::sample::subsequence(Role::ALL, 0..=Role::ALL.len()),
    ]
    .prop_map(|roles| roles.into_iter().collect())
}

fn actor() -> impl Strategy<Value = Actor> {
    let person = (1..4_u8, prop::option::of(code()), roles(), any::<bool>(), any::<bool>());
    prop_oneof![
        2 => code().prop_map(|code| Actor::Participant { edrpou: edrpou(code), certificate: [1; 32] }),
        1 => Just(Actor::Operator { certificate: [9; 32] }),
        1 => Just(Actor::Peer { name: PEER.into(), certificate: [7; 32] }),
        8 => person.prop_map(|(number, acting_for, roles, signed, stepped_up)| {
            let (id, acting_for) = (person_id(number), acting_for.map(edrpou));
            Actor::Person(Person { id, acting_for, roles, certificate: signed.then_some([2; 32]), stepped_up })
        }),
    ]
}

fn looked() -> impl Strategy<Value = Looked> {
    let facts = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (1..4_u8, code(), facts).prop_map(|(owner, centre, (attached, open, kept, purpose))| Looked {
        owner: person_id(owner),
        centre: edrpou(centre),
        attached,
        open,
        kept,
        purpose,
    })
}

fn glass() -> impl Strategy<Value = Glass> {
    let people = (1..4_u8, 1..4_u8, prop::option::of(code()), any::<bool>(), any::<bool>());
    people.prop_map(|(subject, opened_by, centre, open, covers)| Glass {
        subject: person_id(subject),
        opened_by: person_id(opened_by),
        centre: centre.map(edrpou),
        open,
        covers,
    })
}

fn scene() -> impl Strategy<Value = Scene> {
    let sent = (code(), code(), prop::sample::select(&["letter", "secret.report"][..]));
    let name = prop::sample::select(&["chancellery", "archive", "nothing"][..]);
    let things = (code(), name, prop::sample::subsequence(&PARTICIPANTS[..], 0..=3), prop::option::of(code()));
    let role = prop::sample::select(Role::ALL);
    let people = (1..4_u8, role, 1..4_u8, 1..4_u8, code());
    (sent, things, people, looked(), glass()).prop_map(|((sender, recipient, kind), things, people, look, glass)| {
        let (of, name, parties, listed) = things;
        let (granted, role, number, owner, centre) = people;
        Scene {
            submission: submission(sender, &format!("{recipient}.{name}"), kind),
            announced: message(sender, recipient),
            message: message(sender, recipient),
            relayed: relayed(sender, recipient),
            reported: message(recipient, sender),
            mailbox: mailbox(&format!("{of}.{name}")),
            case: case(&parties),
            participant: edrpou(of),
            people: listed.map(edrpou),
            grant: grant(granted, role, of),
            person: person_id(number),
            application: application(number, centre),
            copy: copy(owner),
            look,
            glass,
        }
    })
}

/// What the actor was told of every action.
struct Told {
    actor: Actor,
    scene: Scene,
    answers: BTreeMap<&'static str, Result<(), Denied>>,
}

impl Told {
    fn person(&self) -> Option<&Person> {
        match &self.actor {
            Actor::Person(person) => Some(person),
            Actor::Participant { .. } | Actor::Token { .. } | Actor::Peer { .. } | Actor::Operator { .. } => None,
        }
    }

    fn has(&self, role: Role) -> bool {
        self.person().is_some_and(|person| person.roles.contains(role))
    }

    fn allowed(&self) -> impl Iterator<Item = &'static str> {
        self.answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(action, _)| *action)
    }

    fn may(&self, action: &str) -> bool {
        self.answers[action].is_ok()
    }
}

/// Holds a property against many actors who each ask for everything.
fn holds(property: impl Fn(&Told) -> TestCaseResult) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let town = runtime.block_on(town());
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let tried = TestRunner::new(config).run(&(actor(), scene()), |(actor, scene)| {
        let answers = runtime.block_on(async {
            let mut answers = BTreeMap::new();
            for action in ACTIONS {
                answers.insert(*action, ask(&town.access, &actor, action, &scene).await);
            }
            answers
        });
        property(&Told { actor, scene, answers })
    });
    tried.unwrap();
}

#[test]
fn whoever_keeps_the_node_or_watches_over_it_reaches_no_content() {
    holds(|told| {
        let keeper = matches!(told.actor, Actor::Operator { .. })
            || [Role::NodeOperator, Role::SecurityOfficer, Role::Auditor].iter().any(|role| told.has(*role));
        for action in CONTENT.iter().filter(|_| keeper) {
            prop_assert!(!told.may(action), "{action}: {:?}", told.actor);
        }
        Ok(())
    });
}

#[test]
fn an_auditor_and_a_security_officer_change_nothing() {
    holds(|told| {
        let inside = !told.has(Role::Applicant);
        if inside && told.has(Role::Auditor) {
            let reads =
                ["read_log", "read_break_glass", "search_audit", "export_audit", "read_alerts", "read_erasures"];
            prop_assert!(told.allowed().all(|action| reads.contains(&action)), "{:?}", told.actor);
        }
        if inside && told.has(Role::SecurityOfficer) {
            let reads = ["read_log", "read_retention", "end_sessions"];
            let may = |action| [&reads[..], BREAK_GLASS, AUDIT].concat().contains(&action);
            prop_assert!(told.allowed().all(may), "{:?}", told.actor);
        }
        Ok(())
    });
}

#[test]
fn nothing_of_a_participant_is_anybodys_who_does_not_act_for_it() {
    holds(|told| {
        let Told { scene, actor, .. } = told;
        let parties = [scene.message.sender, scene.message.recipient.participant()];
        let here = actor.participant();
        let of = |participant: Edrpou| here == Some(participant);
        for action in told.allowed().filter(|action| CONTENT.contains(action) || BUSINESS.contains(action)) {
            let theirs = match action {
                "submit_document" => of(scene.submission.sender),
                "complete_submission" => of(scene.announced.sender),
                "list_submissions" | "issue_token" | "read_tokens" | "revoke_token" | "list_applications" => {
                    of(scene.participant)
                }
                "list_mailbox" | "lease_messages" | "set_subscription" | "read_subscription" => {
                    of(scene.mailbox.participant())
                }
                "read_message" => parties.into_iter().any(of),
                "download_part" | "acknowledge_message" => of(scene.message.recipient.participant()),
                "read_case" | "export_case" => scene.case.participants.iter().any(|participant| of(*participant)),
                "look_at_copy" => of(scene.look.centre),
                "close_application" => of(scene.application.centre),
                "check_delivery" => here.is_some(),
                other => return Err(TestCaseError::fail(format!("whose is {other}?"))),
            };
            prop_assert!(theirs, "{action}: {actor:?}");
        }
        Ok(())
    });
}

#[test]
fn whoever_is_at_the_external_portal_is_an_applicant_and_nothing_else() {
    holds(|told| {
        let Some(person) = told.person() else { return Ok(()) };
        for action in told.allowed().filter(|_| told.has(Role::Applicant)) {
            prop_assert!(OF_APPLICANTS.contains(&action), "{action}");
            let own = match action {
                "store_copy" | "apply_for_service" => true,
                "read_copy" | "erase_copy" => told.scene.copy.owner == person.id,
                "read_own_file" | "list_looks" => told.scene.person == person.id,
                "attach_copy" => [told.scene.application.applicant, told.scene.copy.owner] == [person.id; 2],
                _ => told.scene.application.applicant == person.id,
            };
            prop_assert!(own, "{action} of somebody else");
        }
        // And what is an applicant's nobody does inside, but for what a centre sees.
        for action in told.allowed().filter(|action| !told.has(Role::Applicant) && OF_APPLICANTS.contains(action)) {
            prop_assert_eq!(action, "read_application");
        }
        Ok(())
    });
}

#[test]
fn a_copy_is_seen_exactly_as_the_gate_says() {
    holds(|told| {
        let Looked { centre, attached, open, kept, purpose, .. } = told.scene.look;
        let keeper = [Role::NodeOperator, Role::SecurityOfficer, Role::Auditor, Role::Applicant];
        let administrator = told.has(Role::CentreAdministrator) && !keeper.iter().any(|role| told.has(*role));
        let expected =
            administrator && told.actor.participant() == Some(centre) && attached && (open || kept) && purpose;
        prop_assert_eq!(told.may("look_at_copy"), expected, "{:?}", told.scene.look);
        Ok(())
    });
}

#[test]
fn break_glass_is_opened_by_heads_and_security_officers_with_a_signature_and_never_in_their_own_matter() {
    holds(|told| {
        let opens = told.may("open_break_glass");
        let Some(person) = told.person() else {
            prop_assert!(!opens);
            return Ok(());
        };
        let Glass { subject, centre, .. } = told.scene.glass;
        let [operator, auditor, applicant] =
            [Role::NodeOperator, Role::Auditor, Role::Applicant].map(|it| told.has(it));
        let officer = told.has(Role::SecurityOfficer);
        let head = told.has(Role::HeadOfCentre) && centre.is_some() && person.acting_for == centre;
        let may = (officer || head) && !operator && !auditor && !applicant;
        prop_assert_eq!(opens, may && person.stepped_up && person.id != subject);
        Ok(())
    });
}

#[test]
fn break_glass_shows_to_who_opened_it_what_it_opens_while_it_is_open_and_is_nothing_to_a_node_operator() {
    holds(|told| {
        let Some(person) = told.person() else {
            prop_assert!(!told.allowed().any(|action| BREAK_GLASS.contains(&action)));
            return Ok(());
        };
        let Glass { subject, opened_by, centre, open, covers } = told.scene.glass;
        if told.has(Role::NodeOperator) || told.has(Role::Applicant) {
            prop_assert!(!told.allowed().any(|action| BREAK_GLASS.contains(&action)), "{person:?}");
        }
        if told.may("look_through_glass") {
            prop_assert!(open && covers && person.id == opened_by);
            let heads = told.has(Role::HeadOfCentre) && person.acting_for == centre;
            prop_assert!(told.has(Role::SecurityOfficer) || heads);
        }
        if told.may("end_break_glass") {
            prop_assert!(told.has(Role::SecurityOfficer) || person.id == opened_by);
        }
        if told.may("review_break_glass") {
            prop_assert!(told.has(Role::SecurityOfficer) && ![opened_by, subject].contains(&person.id));
        }
        Ok(())
    });
}

#[test]
fn the_log_is_searched_by_those_who_watch_and_never_by_those_who_keep_the_node() {
    holds(|told| {
        let [officer, auditor, operator, applicant] =
            [Role::SecurityOfficer, Role::Auditor, Role::NodeOperator, Role::Applicant].map(|role| told.has(role));
        let watches = (officer || auditor) && !operator && !applicant;
        for action in AUDIT {
            let is_read = !["see_alert", "erase_details"].contains(action);
            let signed = *action != "erase_details" || told.person().is_some_and(|person| person.stepped_up);
            let may = watches && signed && (is_read || (officer && !auditor));
            prop_assert_eq!(told.may(action), may, "{}: {:?}", action, told.actor);
        }
        Ok(())
    });
}

#[test]
fn nobody_entrusts_themselves_and_heads_entrust_only_below_them() {
    holds(|told| {
        let Some(person) = told.person().filter(|_| told.may("grant_role")) else { return Ok(()) };
        let grant = &told.scene.grant;
        prop_assert_ne!(grant.person, person.id);
        if !told.has(Role::NodeOperator) {
            prop_assert_eq!(person.acting_for, grant.participant);
            let below = match grant.role {
                Role::AuthorisedRepresentative => Role::HeadOfAgency,
                Role::CentreAdministrator => Role::HeadOfCentre,
                other => return Err(TestCaseError::fail(format!("a head entrusts {other}"))),
            };
            prop_assert!(told.has(below));
        }
        Ok(())
    });
}

#[test]
fn dangerous_deeds_of_people_take_a_signature_and_a_signature_is_asked_for_only_where_it_helps() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let town = runtime.block_on(town());
    holds(|told| {
        let Some(person) = told.person() else { return Ok(()) };
        for (action, answer) in &told.answers {
            let dangerous = DANGEROUS.contains(action);
            prop_assert!(!dangerous || answer.is_err() || person.stepped_up, "{action}");
            let asked_for = answer.as_ref().is_err_and(|denied| denied.code == ProblemCode::StepUpRequired);
            let signed = Actor::Person(Person { stepped_up: true, ..person.clone() });
            let helps = runtime.block_on(ask(&town.access, &signed, action, &told.scene)).is_ok();
            prop_assert_eq!(asked_for, dangerous && !person.stepped_up && helps, "{}", action);
        }
        Ok(())
    });
}

#[test]
fn what_leaves_evidence_of_a_login_takes_a_certificate_and_nothing_else_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let town = runtime.block_on(town());
    holds(|told| {
        let Some(person) = told.person() else { return Ok(()) };
        for (action, answer) in &told.answers {
            let named = ["submit_document", "acknowledge_message"].contains(action);
            let is_asked_for =
                answer.as_ref().is_err_and(|denied| denied.code == ProblemCode::SessionWithoutCertificate);
            let signed = Actor::Person(Person { certificate: Some([2; 32]), ..person.clone() });
            let helps = runtime.block_on(ask(&town.access, &signed, action, &told.scene)).is_ok();
            prop_assert_eq!(is_asked_for, named && person.certificate.is_none() && helps, "{}", action);
            prop_assert_eq!(answer.is_ok(), helps && !is_asked_for, "{}", action);
        }
        Ok(())
    });
}

#[test]
fn a_denial_has_a_code_the_version_of_the_policies_and_the_names_of_forbids() {
    let shipped = PolicyFiles::shipped();
    let version = shipped.version();
    let forbids: BTreeSet<String> = shipped.policies().flat_map(|(_, text)| forbids_of(text)).collect();
    assert!(forbids.len() >= 15, "{forbids:?}");
    holds(|told| {
        for (action, denied) in
            told.answers.iter().filter_map(|(action, answer)| Some((action, answer.as_ref().err()?)))
        {
            prop_assert_ne!(denied.code, ProblemCode::Internal, "{}", action);
            prop_assert_eq!(&*denied.version, version.as_str());
            prop_assert!(denied.policies.is_sorted());
            prop_assert!(denied.policies.iter().all(|policy| forbids.contains(policy)), "{:?}", denied.policies);
        }
        // Some of which it is known that a forbid must have applied.
        let expected = [
            (told.scene.case.participants.is_empty(), "read_case", "participants.cases-are-their-parties"),
            (!told.scene.look.attached, "look_at_copy", "applicants.copies-are-seen-where-they-are-attached"),
            (told.has(Role::Auditor) && !told.has(Role::Applicant), "read_trust", "people.auditors-change-nothing"),
        ];
        for (_, action, policy) in expected.into_iter().filter(|(applies, ..)| *applies) {
            let named =
                told.answers[action].as_ref().is_err_and(|denied| denied.policies.iter().any(|id| id == policy));
            prop_assert!(named, "{action}: {policy} is not named");
        }
        Ok(())
    });
}

/// The names of the forbids of a file, read without Cedar.
fn forbids_of(text: &str) -> Vec<String> {
    let named = text.split("@id(\"").skip(1).filter_map(|rest| rest.split_once("\")"));
    named.filter(|(_, policy)| policy.trim_start().starts_with("forbid")).map(|(name, _)| name.to_owned()).collect()
}
