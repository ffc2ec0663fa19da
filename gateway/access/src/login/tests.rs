use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{DevPki, Family, Usage};
use schemas::ProblemCode as P;
use schemas::access::{Portal, Role};
use schemas::session::{Deed, LoginRequest};
use signing::cades::{Content, Options, Signatory, prepare_parallel};
use time::Duration;

use super::throttle::{LoginRates, Rate};
use crate::actor::Actor;
use crate::office::{AGENCY, CLERK, HEAD, OTHER, Office, PEER, STRANGER, detached, edrpou, heads, id_of, issue, sign};
use crate::people::Entrusted;
use crate::town::NOON;

/// The text with another signature file.
fn with(request: &LoginRequest, signature: &[u8]) -> LoginRequest {
    LoginRequest { signature: STANDARD.encode(signature), ..request.clone() }
}

#[tokio::test]
async fn a_signed_challenge_opens_a_session_whatever_the_keys_are() {
    for family in [Family::P256, Family::Dstu4145] {
        let office = Office::of(family, LoginRates::default()).await;
        let head = office.head();
        let request = office.answer(&head);
        let apart = office.answer(&head);
        let apart = with(&apart, &office.sign(&head, detached(&head, &apart.challenge)));
        for request in [request, apart] {
            let opened = office.log_in(&request).await.unwrap();
            let Actor::Person(person) = opened.entered.actor(None) else { panic!("a person logged in") };
            assert_eq!((person.id, person.acting_for), (id_of(HEAD), Some(edrpou(AGENCY))), "{family:?}");
            assert!(person.roles.iter().eq([Role::HeadOfAgency]) && !person.stepped_up);
            assert_eq!(person.certificate, Some(head.certificate.fingerprint()));
            assert_eq!(
                office.enter(&opened.secret.to_text()).await.unwrap().session().id(),
                opened.entered.session().id()
            );
        }
        let rows = office.audited().await;
        assert_eq!(rows.iter().filter(|row| row.starts_with("session.login person:")).count(), 2, "{rows:?}");
        assert!(rows.iter().all(|row| !row.contains(HEAD)), "no number of a person is in the log: {rows:?}");
    }
}

#[tokio::test]
async fn an_answer_counts_once_in_whichever_process() {
    let office = Office::new().await;
    let request = office.answer(&office.head());
    office.log_in(&request).await.unwrap();
    assert_eq!(office.refused(&request).await, P::ChallengeAnswered);
    // Another signature over the same text is another answer to the same challenge.
    let again = with(&request, &office.sign(&office.head(), Content::Attached(request.challenge.as_bytes())));
    let elsewhere = office.other_process("0a");
    let refused = elsewhere.log_in(Portal::Internal, PEER, &again).await.err().unwrap();
    assert_eq!(refused.code, P::ChallengeAnswered);
}

#[tokio::test]
async fn answers_that_are_late_misplaced_or_altered_are_refused_before_any_signature_is_looked_at() {
    let office = Office::new().await;
    // Nothing that could be verified: the text alone decides.
    let unsigned = |request: LoginRequest| LoginRequest { signature: String::new(), ..request };
    let request = unsigned(office.answer(&office.head()));
    assert_eq!(office.refused(&request).await, P::SignatureUnreadable, "the text itself is good");
    let altered = LoginRequest { challenge: request.challenge.replace("вхід", "вихід"), ..request.clone() };
    assert_eq!(office.refused(&altered).await, P::ChallengeInvalid);
    let external = office.portals.log_in(Portal::External, PEER, &request).await.err().unwrap();
    assert_eq!(external.code, P::ChallengeInvalid);
    let other_node = office.other_process("0b").log_in(Portal::Internal, PEER, &request).await.err().unwrap();
    assert_eq!(other_node.code, P::ChallengeInvalid);
    office.clock.advance(Duration::minutes(2));
    assert_eq!(office.refused(&request).await, P::ChallengeExpired);
}

#[tokio::test]
async fn a_signature_over_anything_else_is_no_login() {
    let office = Office::new().await;
    let head = office.head();
    let request = office.answer(&head);
    for content in [Content::Attached(b"a letter"), detached(&head, "a letter"), Content::Attached(b"")] {
        assert_eq!(office.refused(&with(&request, &office.sign(&head, content))).await, P::SignatureOverOtherContent);
    }
    // Of another login: its text is another.
    let earlier = office.answer(&head);
    let swapped = LoginRequest { challenge: request.challenge.clone(), ..earlier };
    assert_eq!(office.refused(&swapped).await, P::SignatureOverOtherContent);
    // With another's certificate beside it.
    let mut forged = office.sign(&head, Content::Attached(request.challenge.as_bytes()));
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(office.refused(&with(&request, &forged)).await, P::SignatureValueWrong);
    assert_eq!(office.refused(&with(&request, b"no signature")).await, P::SignatureUnreadable);
}

#[tokio::test]
async fn two_signers_log_nobody_in() {
    let office = Office::new().await;
    let (head, clerk) = (office.head(), office.issue(Some(CLERK), Some(AGENCY)));
    let request = office.answer(&head);
    let first = STANDARD.decode(&request.signature).unwrap();
    let chain = [clerk.certificate.clone(), office.responder.pki.issuing_ca().clone()];
    let signatory = Signatory { chain: &chain, algorithm: clerk.key.default_algorithm(), signing_time: NOON };
    let prepared = prepare_parallel(&first, None, &signatory, &Options::default()).unwrap();
    let value = crypto::key::KeyHandle::sign(&clerk.key, prepared.algorithm(), prepared.to_be_signed()).unwrap();
    let both = prepared.complete(&value).unwrap();
    assert_eq!(office.refused(&with(&request, &both)).await, P::LoginSeveralSigners);
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_logs_nobody_in() {
    let office = Office::new().await;
    let revoked = office.head();
    office.responder.pki.revoke(&revoked.certificate, NOON - Duration::hours(1), 1);
    assert_eq!(office.refused(&office.answer(&revoked)).await, P::SignerRevoked);

    let others = DevPki::new(NOON, Duration::days(30), "http://ocsp.example/").unwrap();
    let foreign = issue(&others, Usage::Signing, Some(HEAD), Some(AGENCY));
    let request = office.answer(&office.head());
    let forged = sign(&others, &foreign, Content::Attached(request.challenge.as_bytes()));
    assert_eq!(office.refused(&with(&request, &forged)).await, P::SignerUntrusted);

    office.responder.in_reach.store(false, Ordering::SeqCst);
    assert_eq!(office.refused(&office.answer(&office.head())).await, P::SignerStatusUnknown);
    office.responder.in_reach.store(true, Ordering::SeqCst);
    let late = office.answer(&office.head());
    assert!(office.log_in(&late).await.is_ok());
    office.clock.advance(Duration::days(10) + Duration::seconds(1));
    assert_eq!(office.refused(&office.answer(&office.head())).await, P::SignerExpired);
}

#[tokio::test]
async fn a_certificate_of_an_organisation_names_no_person() {
    let office = Office::new().await;
    // A seal is an organisation's, whatever numbers of a person stand in it.
    for (usage, number) in [(Usage::Seal, None), (Usage::Seal, Some(HEAD)), (Usage::Signing, None)] {
        let signer = issue(&office.responder.pki, usage, number, Some(AGENCY));
        assert_eq!(office.refused(&office.answer(&signer)).await, P::LoginNamesNoPerson, "{usage:?}");
    }
}

#[tokio::test]
async fn who_has_no_access_is_not_told_why_and_the_log_is() {
    let office = Office::new().await;
    office.book.entrust(CLERK, None);
    let signers = [
        (office.issue(Some(STRANGER), Some(AGENCY)), "unknown_person"),
        (office.issue(Some(CLERK), Some(AGENCY)), "removed_person"),
        (office.issue(Some(HEAD), Some(OTHER)), "not_entrusted"),
    ];
    for (signer, reason) in signers {
        let request = office.answer(&signer);
        let refused = office.portals.log_in(Portal::Internal, PEER, &request).await.err().unwrap();
        assert_eq!((refused.code, refused.recorded.is_some()), (P::LoginRefused, true), "{reason}");
        let rows = office.audited().await;
        assert!(rows.last().unwrap().contains(reason), "{rows:?}");
    }
    let asked = LoginRequest { acting_for: Some(edrpou(OTHER)), ..office.answer(&office.issue(Some(HEAD), None)) };
    assert_eq!(office.refused(&asked).await, P::LoginRefused);
}

#[tokio::test]
async fn the_portal_of_applicants_knows_applicants_only() {
    let office = Office::new().await;
    let request = office.answer_at(Portal::External, &office.head());
    let opened = office.portals.log_in(Portal::External, PEER, &request).await.unwrap();
    let Actor::Person(person) = opened.entered.actor(None) else { panic!("a person logged in") };
    assert!(person.roles.iter().eq([Role::Applicant]), "{:?}", person.roles);
    assert_eq!(person.acting_for, None);
    assert!(office.portals.view(&opened.entered).engagements.is_empty());
}

#[tokio::test]
async fn a_login_and_a_confirmation_do_not_stand_for_each_other() {
    let office = Office::new().await;
    let (_, entered) = office.session().await;
    let confirmation = office.confirmation(&entered, Deed::IssueToken, &office.head());
    let as_login =
        LoginRequest { challenge: confirmation.challenge, signature: confirmation.signature, acting_for: None };
    assert_eq!(office.refused(&as_login).await, P::ChallengeInvalid);
    let LoginRequest { challenge, signature, .. } = office.answer(&office.head());
    let as_confirmation = schemas::session::StepUpRequest { challenge, signature };
    assert_eq!(office.step_up(&entered, &as_confirmation).await.unwrap_err().code, P::ChallengeInvalid);
}

#[tokio::test]
async fn logins_of_one_certificate_and_of_one_address_are_bounded() {
    let many = Rate { burst: 1000.0, per_second: 0.0 };
    let few = Rate { burst: 2.0, per_second: 0.0 };
    let office =
        Office::of(Family::P256, LoginRates { address: many, certificate: few, participant: many, enrolment: many })
            .await;
    let head = office.head();
    // Answers that do not hold cost the certificate's holder nothing.
    for _ in 0..5 {
        let request = office.answer(&head);
        let wrong = with(&request, &office.sign(&head, Content::Attached(b"a letter")));
        assert_eq!(office.refused(&wrong).await, P::SignatureOverOtherContent);
    }
    for expected in [None, None, Some(P::LoginThrottled)] {
        assert_eq!(office.log_in(&office.answer(&head)).await.err(), expected);
    }
    assert!(office.log_in(&office.answer(&office.head())).await.is_ok(), "another certificate is not punished for it");

    let office =
        Office::of(Family::P256, LoginRates { address: few, certificate: many, participant: many, enrolment: many })
            .await;
    let request = office.answer(&office.head());
    assert!(office.log_in(&request).await.is_ok(), "a challenge and an answer");
    assert_eq!(office.refused(&request).await, P::LoginThrottled);
    assert_eq!(office.portals.challenge(Portal::Internal, PEER, None).unwrap_err().code, P::LoginThrottled);
    let other = "192.0.2.2".parse().unwrap();
    assert!(office.portals.challenge(Portal::Internal, other, None).is_ok());
}

#[tokio::test]
async fn a_person_has_five_sessions_and_the_oldest_makes_room() {
    let office = Office::new().await;
    let head = office.head();
    let mut cookies = Vec::new();
    for _ in 0..6 {
        cookies.push(office.session_of(&head).await.0);
        office.clock.advance(Duration::seconds(1));
    }
    assert_eq!(office.enter(&cookies[0]).await.err(), Some(P::SessionEnded));
    for cookie in &cookies[1..] {
        assert!(office.enter(cookie).await.is_ok());
    }
    let rows = office.audited().await;
    assert_eq!(rows.iter().filter(|row| row.contains("displaced")).count(), 1, "{rows:?}");
    // Those at the other portal are counted apart, and another person's are not counted.
    office.portals.log_in(Portal::External, PEER, &office.answer_at(Portal::External, &head)).await.unwrap();
    office.book.entrust(CLERK, Some(heads(AGENCY)));
    office.session_of(&office.issue(Some(CLERK), Some(AGENCY))).await;
    assert!(office.enter(&cookies[1]).await.is_ok());
}

#[tokio::test]
async fn a_role_of_the_node_needs_no_participant() {
    let office = Office::new().await;
    office.book.entrust(CLERK, Some(Entrusted { node: [Role::Auditor].into_iter().collect(), within: Vec::new() }));
    let (_, entered) = office.session_of(&office.issue(Some(CLERK), None)).await;
    let Actor::Person(person) = entered.actor(None) else { panic!("a person logged in") };
    assert!(person.roles.iter().eq([Role::Auditor]) && person.acting_for.is_none());
}
