use std::sync::atomic::Ordering;

use certs::dev::Family;
use crypto::digest::sha256;
use schemas::ProblemCode as P;
use schemas::access::{Portal, Role, Roles};
use schemas::session::Deed;
use time::Duration;

use super::CONFIRMED;
use super::cache::FRESH;
use crate::actor::{Actor, Person};
use crate::decide::{EndSessions, Permit};
use crate::login::throttle::{LoginRates, Rate};
use crate::office::{AGENCY, CLERK, HEAD, OTHER, Office, PEER, edrpou, heads, id_of};
use crate::people::Entrusted;

fn stepped_up(entered: &super::Entered, operation: &str) -> bool {
    matches!(entered.actor(Some(operation)), Actor::Person(person) if person.stepped_up)
}

/// Whether the node's processes, each asked for itself, know the session.
async fn ended_everywhere(office: &Office, cookie: &str) -> bool {
    let here = office.enter(cookie).await.err();
    let there = office.other_process("0a").enter(Portal::Internal, cookie).await.err().map(|refused| refused.code);
    here == Some(P::SessionEnded) && there == Some(P::SessionEnded)
}

#[tokio::test]
async fn what_opens_a_session_is_new_each_time_and_never_stored() {
    let office = Office::new().await;
    let (cookie, entered) = office.session().await;
    let (second, _) = office.session().await;
    assert_ne!(cookie, second);
    assert_eq!(cookie.len(), 43);
    let secret = super::open::SessionSecret::parse(&cookie).unwrap();
    let stored = office
        .ledger
        .reader()
        .read("test", |tx| tx.query("-- test\nSELECT secret_sha256 FROM session", &[], |row| row.blob(0)));
    let stored = stored.await.unwrap();
    assert!(stored.contains(&secret.sha256().to_vec()) && stored.len() == 2);
    // Whoever holds the database holds no session, and nobody can bring a secret of their own choice.
    for wrong in [base64url(&secret.sha256()), base64url(&sha256(b"chosen")), String::new(), format!("{cookie}=")] {
        assert_eq!(office.enter(&wrong).await.err(), Some(P::SessionEnded), "{wrong}");
    }
    assert_eq!(office.enter(&cookie).await.unwrap().session().id(), entered.session().id());
}

fn base64url(octets: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, octets)
}

#[tokio::test]
async fn a_session_of_one_portal_is_none_at_the_other() {
    let office = Office::new().await;
    let (internal, _) = office.session().await;
    let request = office.answer_at(Portal::External, &office.head());
    let external = office.portals.log_in(Portal::External, PEER, &request).await.unwrap().secret.to_text();
    for (portal, cookie) in [(Portal::External, internal.as_str()), (Portal::Internal, external.as_str())] {
        assert_eq!(office.portals.enter(portal, cookie).await.err().unwrap().code, P::SessionEnded);
    }
    assert!(office.enter(&internal).await.is_ok(), "trying it there does not end it here");
}

#[tokio::test]
async fn a_session_lapses_when_nobody_uses_it_and_after_eight_hours_in_any_case() {
    let office = Office::new().await;
    let (cookie, _) = office.session().await;
    for _ in 0..3 {
        office.clock.advance(Duration::minutes(14));
        assert!(office.enter(&cookie).await.is_ok());
    }
    office.clock.advance(Duration::minutes(15));
    assert!(ended_everywhere(&office, &cookie).await);

    let (cookie, entered) = office.session().await;
    while office.clock_now() + Duration::minutes(10) < entered.session.ends_at {
        office.clock.advance(Duration::minutes(10));
        assert!(office.enter(&cookie).await.is_ok());
    }
    assert_eq!(entered.session.ends_at - entered.session.opened_at, Duration::hours(8));
    office.clock.set(entered.session.ends_at - Duration::seconds(1));
    assert!(office.enter(&cookie).await.is_ok());
    office.clock.set(entered.session.ends_at);
    assert!(ended_everywhere(&office, &cookie).await);
}

#[tokio::test]
async fn use_in_one_process_keeps_a_session_alive_in_the_others() {
    let office = Office::new().await;
    let (cookie, _) = office.session().await;
    office.clock.advance(Duration::minutes(10));
    assert!(office.enter(&cookie).await.is_ok());
    office.clock.advance(Duration::minutes(10));
    assert!(office.other_process("0a").enter(Portal::Internal, &cookie).await.is_ok());
}

#[tokio::test]
async fn a_revoked_certificate_ends_its_sessions_within_a_minute() {
    let office = Office::new().await;
    let (head, second) = (office.head(), office.head());
    let (cookie, entered) = office.session_of(&head).await;
    let (other, _) = office.session_of(&second).await;
    assert!(office.enter(&cookie).await.is_ok() && office.enter(&other).await.is_ok());
    office.responder.pki.revoke(&head.certificate, office.clock_now(), 1);
    office.clock.advance(Duration::minutes(1));
    assert!(ended_everywhere(&office, &cookie).await);
    assert!(office.enter(&other).await.is_ok(), "of the same person, with another certificate");
    let rows = office.audited().await;
    let ends: Vec<_> = rows.iter().filter(|row| row.contains("certificate_revoked")).collect();
    assert_eq!(ends.len(), 1, "{rows:?}");
    assert!(ends[0].contains(&format!("node session:{}", entered.session().id())), "{ends:?}");
}

#[tokio::test]
async fn while_nobody_says_whether_a_certificate_is_revoked_its_sessions_rest() {
    let office = Office::new().await;
    let (cookie, _) = office.session().await;
    assert!(office.enter(&cookie).await.is_ok());
    office.responder.in_reach.store(false, Ordering::SeqCst);
    office.clock.advance(Duration::minutes(1));
    assert_eq!(office.enter(&cookie).await.err(), Some(P::SignerStatusUnknown));
    office.responder.in_reach.store(true, Ordering::SeqCst);
    assert!(office.enter(&cookie).await.is_ok());
}

#[tokio::test]
async fn who_is_taken_out_of_the_directory_has_no_session_and_who_loses_a_role_loses_it_at_once() {
    let office = Office::new().await;
    let (cookie, _) = office.session().await;
    office.book.entrust(HEAD, Some(Entrusted::default()));
    let Actor::Person(person) = office.enter(&cookie).await.unwrap().actor(None) else { panic!("a person") };
    assert_eq!((person.acting_for, person.roles), (None, Roles::default()));
    office.book.entrust(HEAD, None);
    assert_eq!(office.enter(&cookie).await.err(), Some(P::SessionEnded));
    office.book.entrust(HEAD, Some(heads(AGENCY)));
    assert!(ended_everywhere(&office, &cookie).await, "it does not come back");
    assert!(office.audited().await.iter().any(|row| row.contains("person_removed")));
}

#[tokio::test]
async fn a_session_ends_by_logout_and_by_who_keeps_the_directory() {
    let office = Office::new().await;
    let (cookie, entered) = office.session().await;
    let (other, _) = office.session().await;
    office.portals.log_out(&entered).await.unwrap();
    assert!(ended_everywhere(&office, &cookie).await);
    assert!(office.enter(&other).await.is_ok());
    assert_eq!(office.portals.log_out(&entered).await.unwrap_err().code, P::SessionEnded);

    let elsewhere = office.other_process("0a");
    assert!(elsewhere.enter(Portal::Internal, &other).await.is_ok());
    let operator = Actor::Operator { certificate: [9; 32] };
    let permit = async || -> Permit<EndSessions> { office.access().decide(&operator, ()).await.unwrap() };
    assert_eq!(office.portals.end_all(permit().await, id_of(HEAD)).await, Ok(1));
    assert_eq!(office.portals.end_all(permit().await, id_of(HEAD)).await, Ok(0));
    assert_eq!(office.enter(&other).await.err(), Some(P::SessionEnded));
    // The other process learns of it within seconds.
    office.clock.advance(FRESH);
    assert_eq!(elsewhere.enter(Portal::Internal, &other).await.err().unwrap().code, P::SessionEnded);
    let rows = office.audited().await;
    let by_operator =
        rows.iter().filter(|row| row.starts_with("session.end operator:0909") && row.contains("\"operator\""));
    assert_eq!(by_operator.count(), 1, "{rows:?}");
}

#[tokio::test]
async fn a_security_officer_ends_sessions_with_a_signature_and_the_log_says_who() {
    let office = Office::new().await;
    let (cookie, _) = office.session().await;
    let officer = |stepped_up| {
        let (id, roles) = (id_of(CLERK), [Role::SecurityOfficer].into_iter().collect());
        Actor::Person(Person { id, acting_for: None, roles, certificate: Some([3; 32]), stepped_up })
    };
    let unsigned = office.access().decide::<EndSessions>(&officer(false), ()).await;
    assert_eq!(unsigned.unwrap_err().code, P::StepUpRequired);
    let permit: Permit<EndSessions> = office.access().decide(&officer(true), ()).await.unwrap();
    assert_eq!(office.portals.end_all(permit, id_of(HEAD)).await, Ok(1));
    assert_eq!(office.enter(&cookie).await.err(), Some(P::SessionEnded));
    let (rows, by) = (office.audited().await, format!("session.end person:{}", id_of(CLERK)));
    assert!(rows.iter().any(|row| row.starts_with(&by) && row.contains("\"security_officer\"")), "{rows:?}");
}

#[tokio::test]
async fn a_session_acts_only_for_whom_its_person_may() {
    let office = Office::new().await;
    let both = Entrusted { within: [heads(AGENCY).within, heads(OTHER).within].concat(), ..Entrusted::default() };
    office.book.entrust(HEAD, Some(both));
    let (cookie, entered) = office.session_of(&office.issue(Some(HEAD), None)).await;
    let view = office.portals.view(&entered);
    assert_eq!((view.acting_for, view.roles.len(), view.engagements.len()), (None, 0, 2));
    office.portals.act_for(&entered, Some(edrpou(OTHER))).await.unwrap();
    let entered = office.enter(&cookie).await.unwrap();
    let view = office.portals.view(&entered);
    assert_eq!((view.acting_for, &view.roles[..]), (Some(edrpou(OTHER)), &[Role::HeadOfAgency][..]));
    let refused = office.portals.act_for(&entered, Some(edrpou("00000003"))).await.unwrap_err();
    assert_eq!(refused.code, P::ActionForbidden);
    // With a certificate of one organisation nobody acts for another.
    let (_, of_agency) = office.session().await;
    assert_eq!(office.portals.act_for(&of_agency, Some(edrpou(OTHER))).await.unwrap_err().code, P::ActionForbidden);
    assert!(office.audited().await.iter().any(|row| row.starts_with("session.act_for") && row.contains(OTHER)));
}

#[tokio::test]
async fn a_confirmation_serves_the_deed_that_it_names_for_five_minutes() {
    let office = Office::new().await;
    let (cookie, entered) = office.session().await;
    assert!(!stepped_up(&entered, "issue_token"));
    let request = office.confirmation(&entered, Deed::IssueToken, &office.head());
    let confirmed = office.step_up(&entered, &request).await.unwrap();
    let found = office.enter(&cookie).await.unwrap();
    for entered in [&confirmed, &found] {
        assert!(stepped_up(entered, "issue_token"));
        assert!(
            !stepped_up(entered, "revoke_token") && !matches!(entered.actor(None), Actor::Person(p) if p.stepped_up)
        );
    }
    assert_eq!(office.step_up(&entered, &request).await.unwrap_err().code, P::ChallengeAnswered);
    office.clock.advance(CONFIRMED - Duration::microseconds(1));
    assert!(stepped_up(&office.enter(&cookie).await.unwrap(), "issue_token"));
    office.clock.advance(Duration::microseconds(1));
    assert!(!stepped_up(&office.enter(&cookie).await.unwrap(), "issue_token"));
    assert!(office.audited().await.iter().any(|row| row.starts_with("session.step_up") && row.contains("issue_token")));
}

#[tokio::test]
async fn nobody_confirms_for_another_person_or_another_session() {
    let office = Office::new().await;
    let (_, entered) = office.session().await;
    let (_, second) = office.session().await;
    office.book.entrust(CLERK, Some(heads(AGENCY)));
    let clerk = office.issue(Some(CLERK), Some(AGENCY));
    let by_clerk = office.confirmation(&entered, Deed::GrantRole, &clerk);
    assert_eq!(office.step_up(&entered, &by_clerk).await.unwrap_err().code, P::SessionOtherPerson);
    let for_second = office.confirmation(&second, Deed::GrantRole, &office.head());
    assert_eq!(office.step_up(&entered, &for_second).await.unwrap_err().code, P::ChallengeInvalid);
}

#[tokio::test]
async fn a_session_asks_only_so_often_and_fills_no_log() {
    let office = Office::new().await;
    let ((cookie, _), (other, _)) = (office.session().await, office.session().await);
    let asks = async |times: usize| {
        let mut refused = 0;
        for _ in 0..times {
            match office.enter(&cookie).await {
                Ok(_) => {}
                Err(P::QuotaSession) => refused += 1,
                Err(code) => panic!("{code}"),
            }
        }
        refused
    };
    let rows = async || {
        let sql = "-- test\nSELECT count(*) FROM audit_outbox";
        office
            .ledger
            .reader()
            .read("test", move |tx| tx.query_optional(sql, &[], |row| row.integer(0)))
            .await
            .unwrap()
            .unwrap()
    };
    let before = rows().await;
    assert_eq!(asks(230).await, 30);
    assert_eq!(rows().await, before + 1, "of thirty refusals one is written down");
    assert!(office.enter(&other).await.is_ok(), "another session is not punished for it");
    // Its row was read again meanwhile: that gives nothing back.
    office.clock.advance(FRESH);
    assert_eq!(asks(100).await, 40);
    office.clock.advance(Duration::minutes(1));
    assert_eq!(asks(201).await, 1);
    assert_eq!(rows().await, before + 2);
}

#[tokio::test]
async fn a_csrf_token_is_its_sessions() {
    let office = Office::new().await;
    let ((_, one), (_, other)) = (office.session().await, office.session().await);
    let token = office.portals.view(&one).csrf_token;
    assert!(office.portals.is_csrf_token(one.session(), &token));
    assert!(office.other_process("0a").is_csrf_token(one.session(), &token), "whichever process is asked");
    assert!(!office.portals.is_csrf_token(other.session(), &token));
    assert!(!office.other_process("0b").is_csrf_token(one.session(), &token));
    for wrong in ["", "x", &token[1..]] {
        assert!(!office.portals.is_csrf_token(one.session(), wrong), "{wrong}");
    }
}

#[tokio::test]
async fn the_certificates_of_a_signer_are_kept_once_and_as_long_as_a_session_needs_them() {
    let ample = Rate { burst: 1e9, per_second: 1e9 };
    let rates = LoginRates { address: ample, certificate: ample, participant: ample, ..LoginRates::default() };
    let office = Office::of(Family::P256, rates).await;
    let chains = async || {
        let count = |tx: &mut storage::Tx<'_>| {
            tx.query_optional("-- test\nSELECT count(*) FROM session_chain", &[], |row| row.integer(0))
        };
        office.ledger.reader().read("test", count).await.unwrap().unwrap()
    };
    let (head, renewed) = (office.head(), office.head());
    let (first, _) = office.session_of(&head).await;
    office.clock.advance(Duration::minutes(10));
    let (second, _) = office.session_of(&head).await;
    assert_eq!(chains().await, 1);
    for cookie in [&first, &second] {
        assert!(office.other_process("0a").enter(Portal::Internal, cookie).await.is_ok(), "read from the database");
    }

    // As releases before wrote them.
    let store = storage::throwaway::store_in(office.folder.path());
    let (writer, _reader) = storage::store::open(&store).unwrap();
    let inline = writer.run_tx::<_, storage::StoreError, _>("test", |tx| {
        let sql = "-- test
            UPDATE session SET certificate = (SELECT certificates FROM session_chain)";
        tx.execute(sql, &[])?;
        tx.execute("-- test\nDELETE FROM session_chain", &[])
    });
    assert_eq!(inline.await.unwrap(), 1);
    assert!(office.other_process("0a").enter(Portal::Internal, &first).await.is_ok());

    let (_, entered) = office.session_of(&head).await;
    office.clock.set(entered.session.ends_at - Duration::seconds(1));
    for _ in 0..100 {
        office.session_of(&renewed).await;
    }
    assert_eq!(chains().await, 2, "nothing is swept that a session may need");
    office.clock.advance(Duration::hours(25));
    let mut logins = 0;
    while chains().await > 1 {
        office.session_of(&renewed).await;
        logins += 1;
        assert!(logins < 1000, "never swept");
    }
}
