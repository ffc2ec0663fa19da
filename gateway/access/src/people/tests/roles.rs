//! Who entrusts whom with what, for how long, and who has to agree.

use ProblemCode::{
    ActionForbidden, NotFound, RoleHeld, RoleIncompatible, RoleOwn, RoleParticipantUnknown, SameOperator,
};
use certs::dev::{Profile, Usage};
use schemas::ProblemCode;
use schemas::access::Role;
use schemas::directory::GrantOutcome;
use time::{Duration, OffsetDateTime};

use super::{AGENCY, Hall, OTHER, code, key, operator, rnokpp};
use crate::actor::{Actor, Person};
use crate::people::entrusting::Term;
use crate::people::{DirectoryError, Operators};
use crate::town::{NOON, Town, edrpou};
use schemas::PersonId;

fn official(id: PersonId, role: Role, acting_for: Option<&str>) -> Actor {
    let roles = [role].into_iter().collect();
    let acting_for = acting_for.map(edrpou);
    Actor::Person(Person { id, acting_for, roles, certificate: Some([3; 32]), stepped_up: true })
}

/// Who entrusts what. Columns in the order of `Role::ALL`: within the giver's own participant and another, or for the node. `1` at once,
/// `2` takes another operator, `-` not at all.
const GIVERS: &[(&str, [&str; 10])] = &[
    ("operator", ["11", "22", "11", "22", "11", "2", "2", "2", "2", "-"]),
    ("participant", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("peer", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("centre_administrator", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("head_of_centre", ["1-", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("authorised_representative", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("head_of_agency", ["--", "--", "1-", "--", "--", "-", "-", "-", "-", "-"]),
    ("postal_operator", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("security_officer", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("auditor", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("register_operator", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
    ("node_operator", ["11", "22", "11", "22", "11", "2", "2", "2", "2", "-"]),
    ("applicant", ["--", "--", "--", "--", "--", "-", "-", "-", "-", "-"]),
];

fn giver(name: &str) -> Actor {
    let id = PersonId::from_parts(1, [9; 10]);
    match name {
        "operator" => operator(1),
        "participant" => Actor::Participant { edrpou: edrpou(AGENCY), certificate: [4; 32] },
        "peer" => Actor::Peer { name: crate::town::PEER.into(), certificate: [7; 32] },
        role => official(id, role.parse().unwrap(), Some(AGENCY)),
    }
}

#[tokio::test]
async fn each_entrusts_what_the_matrix_says_and_nothing_else() {
    let hall = Hall::open().await;
    let mut number = 0;
    for (name, row) in GIVERS {
        let giver = giver(name);
        for (role, expected) in Role::ALL.iter().zip(row) {
            let scopes = if role.is_of_node() { vec![None] } else { vec![Some(AGENCY), Some(OTHER)] };
            let mut found = String::new();
            for scope in scopes {
                number += 1;
                let person = hall.person(number).await;
                found.push(match hall.grants(&giver, person, (*role, scope), Term::default()).await {
                    Ok(GrantOutcome { assignment: Some(_), proposal: None }) => '1',
                    Ok(GrantOutcome { assignment: None, proposal: Some(_) }) => '2',
                    Ok(outcome) => panic!("{outcome:?}"),
                    Err(DirectoryError::Invalid { .. }) => '-',
                    Err(error) => panic!("{error}"),
                });
                let roles = hall.entrusted(person).await.unwrap();
                assert_eq!(roles == (vec![], vec![]), found.ends_with(['2', '-']), "{name}: {role} {scope:?}");
            }
            assert_eq!(found, *expected, "{name}: {role}");
        }
    }
    assert_eq!(GIVERS.len(), 3 + Role::ALL.len());
}

#[tokio::test]
async fn a_head_is_entrusted_by_two_operators_within_a_day() {
    let hall = Hall::open().await;
    let person = hall.person(1).await;
    let head = (Role::HeadOfAgency, Some(AGENCY));
    let says = async |number: u8, term: Term| hall.grants(&operator(number), person, head, term).await;
    let proposal = says(1, Term::default()).await.unwrap().proposal.unwrap();
    assert_eq!(proposal.what, "grant_role");
    assert_eq!(hall.listed(None).await[0].proposals, [proposal]);
    assert_eq!(code(says(1, Term::default()).await), SameOperator);
    // Another term is another role, and not what was proposed.
    let until = Term { from: None, until: Some(NOON + Duration::days(30)) };
    assert!(says(2, until).await.unwrap().proposal.is_some());
    assert_eq!(hall.entrusted(person).await, Some((vec![], vec![])));
    // A day later nothing is left of it.
    hall.town.clock.advance(Duration::hours(24));
    assert_eq!(hall.listed(None).await[0].proposals, []);
    assert!(says(2, Term::default()).await.unwrap().proposal.is_some());
    let entrusted = says(3, Term::default()).await.unwrap().assignment.unwrap();
    assert_eq!((entrusted.role, entrusted.granted_by.as_str()), (Role::HeadOfAgency, "operator:0303030303030303"));
    let roles = vec![(AGENCY.to_owned(), vec![Role::HeadOfAgency])];
    assert_eq!(hall.entrusted(person).await, Some((vec![], roles)));
    assert_eq!(code(says(1, Term::default()).await), RoleHeld);
    // One operator is enough to take it back.
    hall.revokes(&operator(2), person, entrusted.id).await.unwrap();
    assert_eq!(hall.entrusted(person).await, Some((vec![], vec![])));
    assert_eq!(code(hall.revokes(&operator(2), person, entrusted.id).await), NotFound);
}

/// An operator's certificate that names a person.
fn named(town: &Town, rnokpp: Option<String>) -> certs::certificate::Certificate {
    let pki = &town.responder.pki;
    let profile = Profile {
        common_name: "Operator".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp,
        usage: Usage::TlsClient,
        key: pki.root().public_key().unwrap().kind(),
        not_before: NOON - Duration::days(1),
        not_after: NOON + Duration::days(10),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap().certificate
}

#[tokio::test]
async fn two_logins_of_one_operator_are_one_and_nobody_entrusts_themselves() {
    let mut logins = Vec::new();
    let hall = Hall::with(|town| {
        let certificates = [Some(1), Some(1), Some(2), None].map(|number| named(town, number.map(rnokpp)));
        logins.extend(certificates.iter().map(|it| Actor::Operator { certificate: it.fingerprint() }));
        Operators::new(Some(&key()), &certificates)
    })
    .await;
    let [first, again, second, unnamed] = &logins[..] else { panic!("four logins") };
    let (operator, person) = (hall.person(1).await, hall.person(3).await);
    let head = (Role::HeadOfCentre, Some(AGENCY));
    assert!(hall.grants(first, person, head, Term::default()).await.unwrap().proposal.is_some());
    assert_eq!(code(hall.grants(again, person, head, Term::default()).await), SameOperator);
    assert!(hall.grants(second, person, head, Term::default()).await.unwrap().assignment.is_some());
    // The policies know operators by their certificates only; that this one is the person themselves is found here.
    for own in [first, again] {
        assert_eq!(code(hall.grants(own, operator, (Role::RegisterOperator, None), Term::default()).await), RoleOwn);
    }
    // Another may entrust them, but with nothing that an operator must not be.
    for (role, within) in [(Role::Auditor, None), (Role::AuthorisedRepresentative, Some(AGENCY))] {
        assert_eq!(code(hall.grants(unnamed, operator, (role, within), Term::default()).await), RoleIncompatible);
    }
    assert!(hall.grants(unnamed, operator, (Role::RegisterOperator, None), Term::default()).await.is_ok());
}

/// The role of an operator is worth what a certificate of the configuration is, and no human being is two operators by having both.
#[tokio::test]
async fn an_operator_by_role_entrusts_together_with_another_and_never_with_themselves() {
    let mut logins = Vec::new();
    let hall = Hall::with(|town| {
        let certificates = [1, 2].map(|number| named(town, Some(rnokpp(number))));
        logins.extend(certificates.iter().map(|it| Actor::Operator { certificate: it.fingerprint() }));
        Operators::new(Some(&key()), &certificates)
    })
    .await;
    let [certified, other] = &logins[..] else { panic!("two logins") };
    let (own, third, person) = (hall.person(1).await, hall.person(3).await, hall.person(4).await);
    let by_role = |id| official(id, Role::NodeOperator, None);
    let (head, auditor) = ((Role::HeadOfCentre, Some(AGENCY)), (Role::Auditor, None));
    let says = async |actor: &Actor, wish| hall.grants(actor, person, wish, Term::default()).await;
    assert!(says(certified, head).await.unwrap().proposal.is_some());
    assert_eq!(code(says(&by_role(own), head).await), SameOperator, "the same human being in a session");
    let given = says(&by_role(third), head).await.unwrap().assignment.unwrap();
    assert_eq!((given.granted_by, given.grantor_ended), (format!("person:{third}"), true), "the role is none of hers");
    let audits = hall.person(5).await;
    let says = async |actor: &Actor| hall.grants(actor, audits, auditor, Term::default()).await;
    assert!(says(&by_role(own)).await.unwrap().proposal.is_some());
    for same in [certified, &by_role(own)] {
        assert_eq!(code(says(same).await), SameOperator, "{same:?}");
    }
    assert!(says(other).await.unwrap().assignment.is_some());
    hall.given(third, Role::NodeOperator, None).await;
    let listed = hall.listed(None).await.into_iter().find(|entry| entry.id == person).unwrap();
    assert!(!listed.roles[0].grantor_ended, "she has the role now");
    hall.revokes(&by_role(third), person, given.id).await.unwrap();
    assert_eq!(hall.entrusted(person).await, Some((vec![], vec![])));
    assert_eq!(code(hall.grants(&by_role(third), third, auditor, Term::default()).await), ActionForbidden, "by policy");
}

#[tokio::test]
async fn roles_are_separated_whoever_gives_them() {
    let hall = Hall::open().await;
    let person = hall.person(1).await;
    hall.given(person, Role::NodeOperator, None).await;
    let refused = [
        (Role::Auditor, None),
        (Role::SecurityOfficer, None),
        (Role::CentreAdministrator, Some(AGENCY)),
        (Role::HeadOfAgency, Some(OTHER)),
    ];
    for wish in refused {
        assert_eq!(code(hall.grants(&operator(1), person, wish, Term::default()).await), RoleIncompatible, "{wish:?}");
    }
    let head = official(PersonId::from_parts(1, [9; 10]), Role::HeadOfAgency, Some(AGENCY));
    let wish = (Role::AuthorisedRepresentative, Some(AGENCY));
    assert_eq!(code(hall.grants(&head, person, wish, Term::default()).await), RoleIncompatible);
    let gone = (Role::AuthorisedRepresentative, Some("00000009"));
    assert_eq!(code(hall.grants(&operator(1), person, gone, Term::default()).await), RoleParticipantUnknown);
    let nobody = PersonId::from_parts(1, [1; 10]);
    assert_eq!(code(hall.grants(&operator(1), nobody, wish, Term::default()).await), NotFound);
}

#[tokio::test]
async fn a_role_holds_from_and_until() {
    let hall = Hall::open().await;
    let person = hall.person(1).await;
    let hours = |hours: i64| Some(NOON + Duration::hours(hours));
    let wish = (Role::AuthorisedRepresentative, Some(AGENCY));
    let term = Term { from: hours(2), until: hours(4) };
    hall.grants(&operator(1), person, wish, term).await.unwrap();
    let holds = async || !hall.entrusted(person).await.unwrap().1.is_empty();
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(holds().await);
        hall.town.clock.advance(Duration::hours(1));
    }
    assert_eq!(held, [false, false, true, true, false]);
}

#[tokio::test]
async fn a_role_outlives_its_grantor_and_says_so() {
    let hall = Hall::open().await;
    let (head, clerk) = (hall.person(1).await, hall.person(2).await);
    let heads = hall.given(head, Role::HeadOfAgency, Some(AGENCY)).await;
    let acting = official(head, Role::HeadOfAgency, Some(AGENCY));
    let wish = (Role::AuthorisedRepresentative, Some(AGENCY));
    let given = hall.grants(&acting, clerk, wish, Term::default()).await.unwrap().assignment.unwrap();
    assert_eq!((given.granted_by.clone(), given.grantor_ended), (format!("person:{head}"), false));
    assert_eq!(code(hall.grants(&acting, head, wish, Term::default()).await), ActionForbidden, "by policy");
    hall.revokes(&operator(1), head, heads.id).await.unwrap();
    let of_clerk = hall.listed(Some(AGENCY)).await.into_iter().find(|entry| entry.id == clerk).unwrap();
    assert_eq!((of_clerk.roles.len(), of_clerk.roles[0].grantor_ended), (1, true));
    assert_eq!(hall.entrusted(clerk).await.unwrap().1.len(), 1, "an agency does not lose its people with its head");
    // Of what a person does elsewhere a participant is shown nothing.
    hall.given(clerk, Role::AuthorisedRepresentative, Some(OTHER)).await;
    let of_clerk = hall.listed(Some(AGENCY)).await.into_iter().find(|entry| entry.id == clerk).unwrap();
    assert_eq!(of_clerk.roles.iter().map(|role| role.participant).collect::<Vec<_>>(), [Some(edrpou(AGENCY))]);
}

/// So that what the tests rely on is in one place: microseconds are what the database keeps.
#[tokio::test]
async fn what_is_answered_is_what_is_kept() {
    let hall = Hall::open().await;
    let person = hall.person(1).await;
    let term = Term { from: Some(NOON + Duration::nanoseconds(1_500)), until: None };
    let wish = (Role::AuthorisedRepresentative, Some(AGENCY));
    let given = hall.grants(&operator(1), person, wish, term).await.unwrap().assignment.unwrap();
    assert_eq!(given.valid_from, NOON + Duration::MICROSECOND);
    let moment: OffsetDateTime = hall.listed(None).await[0].roles[0].valid_from;
    assert_eq!(moment, given.valid_from);
}
