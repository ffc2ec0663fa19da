//! Logins by an identity provider, without the provider: what it says is what a test has it say.

use std::sync::atomic::Ordering;

use schemas::ProblemCode as P;
use schemas::access::{Portal, Role};
use schemas::session::Deed;
use time::Duration;

use super::attempt::{LIFETIME, Target};
use super::provider::CameBack;
use super::throttle::{LoginRates, Rate};
use crate::actor::Actor;
use crate::office::{
    AGENCY, CLERK, HEAD, OTHER, Office, PEER, PROVIDER, STRANGER, Vouching, edrpou, heads, id_of, vouched,
};
use crate::openid::provider::{ProviderError, Vouched};
use crate::openid::token::TokenError;
use crate::portal::{Portals, Refused};

/// A browser that was sent away: its cookie, and the state that the provider was sent.
struct Away {
    cookie: String,
    state: String,
}

async fn sent(office: &Office, portal: Portal) -> Away {
    let sent = office.portals.send_to_provider(portal, PEER, PROVIDER, Target::default()).await.unwrap();
    // The stand-in answers with the state alone.
    Away { cookie: sent.attempt, state: sent.location }
}

impl Away {
    fn back(&self) -> CameBack {
        CameBack { state: Some(self.state.clone()), code: Some("code".to_owned()), ..CameBack::default() }
    }

    async fn returns(&self, portals: &Portals, back: CameBack) -> Result<super::LoggedIn, Refused> {
        portals
            .return_from_provider(Portal::Internal, PEER, PROVIDER, &self.cookie, back)
            .await
            .map(|(opened, _)| opened)
    }
}

/// The whole way, at the portal of officials.
async fn logs_in(office: &Office) -> Result<super::LoggedIn, P> {
    let away = sent(office, Portal::Internal).await;
    away.returns(&office.portals, away.back()).await.map_err(|refused| refused.code)
}

fn person(opened: &super::LoggedIn) -> crate::Person {
    let Actor::Person(person) = opened.entered.actor(None) else { panic!("a person logged in") };
    person
}

#[tokio::test]
async fn the_word_of_a_provider_opens_a_session_that_is_shorter_and_says_so() {
    let office = Office::new().await;
    let target = Target::parse("/cases?of=1").unwrap();
    let sent = office.portals.send_to_provider(Portal::Internal, PEER, PROVIDER, target.clone()).await.unwrap();
    let away = Away { cookie: sent.attempt, state: sent.location };
    let returned = office.portals.return_from_provider(Portal::Internal, PEER, PROVIDER, &away.cookie, away.back());
    let (opened, went_to) = returned.await.unwrap();
    assert_eq!(went_to, target);
    let who = person(&opened);
    assert_eq!((who.id, who.acting_for, who.certificate), (id_of(HEAD), Some(edrpou(AGENCY)), None));
    assert!(who.roles.iter().eq([Role::HeadOfAgency]) && !who.stepped_up);
    let view = office.portals.view(&opened.entered);
    assert_eq!((view.provider.as_deref(), view.ends_at - view.opened_at), (Some(PROVIDER), Duration::hours(2)));
    // As another process reads it, from the database.
    let cookie = opened.secret.to_text();
    let elsewhere = office.other_process("0a").enter(Portal::Internal, &cookie).await.unwrap();
    assert_eq!(elsewhere.actor(None), opened.entered.actor(None));
    assert_eq!(office.portals.view(&elsewhere), view);
    let rows = office.audited().await;
    let row = rows.iter().find(|row| row.starts_with("session.login person:")).unwrap();
    assert!(row.contains(PROVIDER) && row.contains("\"assurance\":\"high\""), "{row}");
    // The stand-in's name for a person is their number.
    assert!(rows.iter().all(|row| !row.contains(HEAD)), "no number of a person is in the log: {rows:?}");
    office.clock.advance(Duration::minutes(119));
    assert!(office.portals.enter(Portal::Internal, &cookie).await.is_err(), "it lapses like any other");
}

#[tokio::test]
async fn such_a_session_is_over_after_two_hours_however_much_it_is_used_and_with_its_provider() {
    let office = Office::new().await;
    let opened = logs_in(&office).await.unwrap();
    let cookie = opened.secret.to_text();
    for _ in 0..11 {
        office.clock.advance(Duration::minutes(10));
        assert!(office.enter(&cookie).await.is_ok());
    }
    let by_signature = office.session().await.0;
    office.clock.advance(Duration::minutes(10));
    assert_eq!(office.enter(&cookie).await.err(), Some(P::SessionEnded));
    assert!(office.enter(&by_signature).await.is_ok());

    let cookie = logs_in(&office).await.unwrap().secret.to_text();
    let without = office.without_providers();
    assert_eq!(without.enter(Portal::Internal, &cookie).await.err().map(|refused| refused.code), Some(P::SessionEnded));
    assert!(without.enter(Portal::Internal, &by_signature).await.is_ok());
    office.clock.advance(crate::session::cache::FRESH);
    assert_eq!(office.enter(&cookie).await.err(), Some(P::SessionEnded), "it does not come back");
    assert!(office.audited().await.iter().any(|row| row.contains("provider_withdrawn")));
}

#[tokio::test]
async fn who_has_no_access_is_told_so_in_the_same_words_and_the_log_says_why() {
    let office = Office::new().await;
    office.book.entrust(CLERK, None);
    let cases = [
        (vouched(STRANGER, Some(AGENCY)), "unknown_person"),
        (vouched(CLERK, Some(AGENCY)), "removed_person"),
        (vouched(HEAD, Some(OTHER)), "not_entrusted"),
    ];
    for (says, reason) in cases {
        office.vouching.says(Ok(says));
        let away = sent(&office, Portal::Internal).await;
        let refused = away.returns(&office.portals, away.back()).await.err().unwrap();
        assert_eq!((refused.code, refused.recorded.is_some()), (P::LoginRefused, true), "{reason}");
        let rows = office.audited().await;
        assert!(rows.last().unwrap().contains(reason), "{rows:?}");
        assert!(!rows.last().unwrap().contains(STRANGER) && !rows.last().unwrap().contains(CLERK));
        let again = away.returns(&office.portals, away.back()).await.err().unwrap();
        assert_eq!(again.code, P::ProviderAttemptInvalid, "a refusal spends the attempt too");
    }
    let nobody = Vouched { numbers: Vouching::no_numbers(), ..vouched(HEAD, None) };
    office.vouching.says(Ok(nobody));
    assert_eq!(logs_in(&office).await.err(), Some(P::LoginNamesNoPerson));
}

#[tokio::test]
async fn an_attempt_comes_back_once_in_whichever_process_and_to_its_own_portal() {
    let office = Office::new().await;
    let away = sent(&office, Portal::Internal).await;
    let external = sent(&office, Portal::External).await;
    for (cookie, state) in
        [(&external.cookie, &external.state), (&external.cookie, &away.state), (&away.cookie, &external.state)]
    {
        let misplaced = Away { cookie: cookie.clone(), state: state.clone() };
        let refused = misplaced.returns(&office.portals, misplaced.back()).await.err().unwrap();
        assert_eq!(refused.code, P::ProviderAttemptInvalid);
    }
    assert_eq!(office.vouching.asked.load(Ordering::SeqCst), 0, "nobody was asked for it");
    assert!(away.returns(&office.other_process("0a"), away.back()).await.is_ok());
    let again = away.returns(&office.portals, away.back()).await.err().unwrap();
    assert_eq!(again.code, P::ProviderAttemptInvalid);
    let foreign = sent(&office, Portal::Internal).await;
    let refused = foreign.returns(&office.other_process("0b"), foreign.back()).await.err().unwrap();
    assert_eq!(refused.code, P::ProviderAttemptInvalid, "another node's");
}

#[tokio::test]
async fn what_comes_back_without_its_state_late_or_half_is_no_login() {
    let office = Office::new().await;
    let away = sent(&office, Portal::Internal).await;
    let state = |state: Option<&str>| CameBack { state: state.map(str::to_owned), ..away.back() };
    for back in [state(None), state(Some("")), state(Some("guessed")), state(Some(&away.cookie))] {
        let refused = away.returns(&office.portals, back).await.err().unwrap();
        assert_eq!((refused.code, refused.recorded), (P::ProviderAttemptInvalid, None));
    }
    let no_cookie = Away { cookie: String::new(), state: away.state.clone() };
    assert_eq!(no_cookie.returns(&office.portals, away.back()).await.err().unwrap().code, P::ProviderAttemptInvalid);
    assert_eq!(office.vouching.asked.load(Ordering::SeqCst), 0);
    office.clock.advance(LIFETIME);
    assert_eq!(away.returns(&office.portals, away.back()).await.err().unwrap().code, P::ProviderAttemptInvalid);

    let told = |error: Option<&str>, code: Option<&str>| CameBack {
        error: error.map(str::to_owned),
        code: code.map(str::to_owned),
        ..CameBack::default()
    };
    for (back, code, reason) in [
        (told(Some("access_denied"), None), P::ProviderRefused, "declined"),
        (told(Some("access_denied"), Some("code")), P::ProviderRefused, "declined"),
        (told(Some("temporarily_unavailable"), None), P::ProviderUnavailable, "provider_error"),
        (told(None, None), P::ProviderAnswerWrong, "no_code"),
        (told(None, Some("")), P::ProviderAnswerWrong, "no_code"),
        (told(None, Some(&"c".repeat(3000))), P::ProviderAnswerWrong, "no_code"),
    ] {
        let away = sent(&office, Portal::Internal).await;
        let back = CameBack { state: Some(away.state.clone()), ..back };
        let refused = away.returns(&office.portals, back).await.err().unwrap();
        assert_eq!((refused.code, refused.recorded.is_some()), (code, true), "{reason}");
        assert!(office.audited().await.last().unwrap().contains(reason), "{reason}");
    }
    assert_eq!(office.vouching.asked.load(Ordering::SeqCst), 0, "nothing was asked of the provider for any of it");
}

#[tokio::test]
async fn what_is_wrong_at_the_provider_is_told_and_on_record() {
    let office = Office::new().await;
    for (error, code) in [
        (ProviderError::Unavailable, P::ProviderUnavailable),
        (ProviderError::CodeRefused, P::ProviderRefused),
        (ProviderError::MixUp, P::ProviderAnswerWrong),
        (ProviderError::Malformed, P::ProviderAnswerWrong),
        (ProviderError::Token(TokenError::NonceOther), P::ProviderAnswerWrong),
        (ProviderError::OtherSubject, P::ProviderAnswerWrong),
        (ProviderError::Claims, P::ProviderAnswerWrong),
    ] {
        office.vouching.says(Err(error));
        assert_eq!(logs_in(&office).await.err(), Some(code), "{error}");
        let rows = office.audited().await;
        assert!(rows.last().unwrap().contains(error.as_str()), "{rows:?}");
    }
    let unknown = office.portals.send_to_provider(Portal::Internal, PEER, "nobody", Target::default()).await;
    assert_eq!(unknown.err().unwrap().code, P::NotFound);
}

#[tokio::test]
async fn logins_of_one_person_at_a_provider_and_of_one_address_are_bounded() {
    let many = Rate { burst: 1000.0, per_second: 0.0 };
    let few = Rate { burst: 2.0, per_second: 0.0 };
    let family = certs::dev::Family::P256;
    let office =
        Office::of(family, LoginRates { address: many, certificate: few, participant: many, enrolment: many }).await;
    for expected in [None, None, Some(P::LoginThrottled)] {
        assert_eq!(logs_in(&office).await.err(), expected);
    }
    let office =
        Office::of(family, LoginRates { address: few, certificate: many, participant: many, enrolment: many }).await;
    assert!(logs_in(&office).await.is_ok(), "there and back");
    let sent = office.portals.send_to_provider(Portal::Internal, PEER, PROVIDER, Target::default()).await;
    assert_eq!(sent.err().unwrap().code, P::LoginThrottled);
}

#[tokio::test]
async fn a_deed_is_confirmed_by_a_signature_of_the_same_person_and_of_no_other() {
    let office = Office::new().await;
    office.book.entrust(CLERK, Some(heads(AGENCY)));
    let opened = logs_in(&office).await.unwrap();
    let entered = opened.entered;
    let by_clerk = office.confirmation(&entered, Deed::IssueToken, &office.issue(Some(CLERK), Some(AGENCY)));
    assert_eq!(office.step_up(&entered, &by_clerk).await.unwrap_err().code, P::SessionOtherPerson);
    let by_head = office.confirmation(&entered, Deed::IssueToken, &office.head());
    let confirmed = office.step_up(&entered, &by_head).await.unwrap();
    let Actor::Person(person) = confirmed.actor(Some("issue_token")) else { panic!("a person") };
    assert!(person.stepped_up && person.certificate.is_none(), "a signature of now makes no certificate of the login");
}

#[tokio::test]
async fn the_organisation_that_the_provider_names_is_the_only_one_that_is_acted_for() {
    let office = Office::new().await;
    let both = crate::people::Entrusted {
        within: [heads(AGENCY).within, heads(OTHER).within].concat(),
        ..crate::people::Entrusted::default()
    };
    office.book.entrust(HEAD, Some(both));
    let of_agency = logs_in(&office).await.unwrap();
    assert_eq!(
        office.portals.act_for(&of_agency.entered, Some(edrpou(OTHER))).await.unwrap_err().code,
        P::ActionForbidden
    );
    office.vouching.says(Ok(vouched(HEAD, None)));
    let of_nobody = logs_in(&office).await.unwrap();
    assert_eq!(person(&of_nobody).acting_for, None);
    assert!(office.portals.act_for(&of_nobody.entered, Some(edrpou(OTHER))).await.is_ok());
}
