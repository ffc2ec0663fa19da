use schemas::ProblemCode as P;
use schemas::access::{Role, Roles};
use schemas::{CaseId, PersonId};
use time::Duration;

use super::*;
use crate::actor::Person;
use crate::decide::{ACTIONS, CaseResource, ReadCase, ReadLog, SubmitDocument};
use crate::town::{PEER, Town, edrpou, mailbox, registration};

const AGENCY: &str = "00000001";
const OTHER: &str = "00000002";

async fn town() -> (Town, Tokens) {
    let town = Town::new();
    for agency in [AGENCY, OTHER] {
        town.register(agency, registration(&["chancellery"], Vec::new())).await.unwrap();
    }
    let tokens = other_process(&town);
    (town, tokens)
}

fn other_process(town: &Town) -> Tokens {
    Tokens::new(town.ledger.clone(), town.clock.clone(), town.registry().clone())
}

fn person(role: Role, stepped_up: bool) -> Actor {
    let (id, roles) = (PersonId::from_parts(1, [1; 10]), Roles::default().with(role));
    Actor::Person(Person { id, acting_for: Some(edrpou(AGENCY)), roles, certificate: Some([3; 32]), stepped_up })
}

fn request(scopes: &[&str], days: u16) -> TokenRequest {
    TokenRequest { name: "archive".to_owned(), scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(), days }
}

async fn issued(town: &Town, tokens: &Tokens, scopes: &[&str]) -> IssuedToken {
    let permit = town.access.decide::<IssueToken>(&person(Role::HeadOfAgency, true), edrpou(AGENCY)).await.unwrap();
    tokens.issue(permit, &request(scopes, 30)).await.unwrap()
}

async fn refused(tokens: &Tokens, secret: &str) -> ProblemCode {
    tokens.identify(secret).await.unwrap_err().code
}

#[tokio::test]
async fn a_token_may_do_what_it_was_issued_for_and_nothing_else() {
    let (town, tokens) = town().await;
    let token = issued(&town, &tokens, &["read_log", "read_case"]).await;
    let actor = tokens.identify(&token.secret).await.unwrap();
    assert_eq!(actor.pseudonym(), format!("participant:{AGENCY}/token:{}", token.view.token));
    assert_eq!(actor.participant(), Some(edrpou(AGENCY)));
    assert!(town.access.decide::<ReadLog>(&actor, ()).await.is_ok());
    // Within its scopes it is its participant: another's case is none of its.
    let case = |of: &str| CaseResource { case: CaseId::from_parts(1, [1; 10]), participants: vec![edrpou(of)] };
    assert!(town.access.decide::<ReadCase>(&actor, case(AGENCY)).await.is_ok());
    assert_eq!(town.access.decide::<ReadCase>(&actor, case(OTHER)).await.unwrap_err().code, P::NotFound);
    // Beyond them it is nobody, also where its participant is somebody.
    let denied = town.access.decide::<crate::decide::ListMailbox>(&actor, mailbox("00000001.chancellery")).await;
    let denied = denied.unwrap_err();
    assert_eq!((denied.code, &denied.policies[..]), (P::TokenScope, &["tokens.scope".to_owned()][..]));
    let letter = crate::decide::SubmissionResource {
        sender: edrpou(AGENCY),
        recipient: mailbox("00000002.chancellery"),
        kind: "letter".parse().unwrap(),
    };
    assert_eq!(town.access.decide::<SubmitDocument>(&actor, letter).await.unwrap_err().code, P::TokenScope);
}

#[tokio::test]
async fn tokens_take_a_head_with_a_fresh_signature() {
    let (town, tokens) = town().await;
    let ask = async |actor: Actor, of: &str| {
        town.access.decide::<IssueToken>(&actor, edrpou(of)).await.err().map(|denied| denied.code)
    };
    assert_eq!(ask(person(Role::HeadOfAgency, true), AGENCY).await, None);
    assert_eq!(ask(person(Role::HeadOfCentre, true), AGENCY).await, None);
    assert_eq!(ask(person(Role::HeadOfAgency, false), AGENCY).await, Some(P::StepUpRequired));
    assert_eq!(ask(person(Role::HeadOfAgency, true), OTHER).await, Some(P::ActionForbidden));
    assert_eq!(ask(person(Role::AuthorisedRepresentative, true), AGENCY).await, Some(P::ActionForbidden));
    assert_eq!(ask(person(Role::NodeOperator, true), AGENCY).await, Some(P::ActionForbidden));
    let actor = tokens.identify(&issued(&town, &tokens, SCOPES).await.secret).await.unwrap();
    assert_eq!(ask(actor, AGENCY).await, Some(P::TokenScope), "a token makes no tokens");
    assert!(town.access.decide::<ReadTokens>(&person(Role::HeadOfAgency, false), edrpou(AGENCY)).await.is_ok());
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over_and_when_it_is_taken_back() {
    let (town, tokens) = town().await;
    let one = issued(&town, &tokens, &["read_log"]).await;
    town.clock.advance(Duration::seconds(1));
    let other = issued(&town, &tokens, &["read_log"]).await;
    let elsewhere = other_process(&town);
    assert!(elsewhere.identify(&one.secret).await.is_ok());
    let head = person(Role::HeadOfAgency, true);
    let revoke = async || town.access.decide::<RevokeToken>(&head, edrpou(AGENCY)).await.unwrap();
    tokens.revoke(revoke().await, one.view.token).await.unwrap();
    assert_eq!(refused(&tokens, &one.secret).await, P::TokenRefused);
    assert_eq!(tokens.revoke(revoke().await, one.view.token).await.unwrap_err().code, P::NotFound);
    town.clock.advance(FRESH);
    assert_eq!(refused(&elsewhere, &one.secret).await, P::TokenRefused, "another process learns of it");

    let permit = town.access.decide::<ReadTokens>(&head, edrpou(AGENCY)).await.unwrap();
    let list = tokens.list(permit).await.unwrap().tokens;
    assert_eq!(list.iter().map(|token| token.revoked_at.is_some()).collect::<Vec<_>>(), [false, true]);
    town.clock.set(other.view.expires_at - Duration::microseconds(1));
    assert!(tokens.identify(&other.secret).await.is_ok());
    town.clock.set(other.view.expires_at);
    assert_eq!(refused(&tokens, &other.secret).await, P::TokenRefused);
    let rows = town.audited().await;
    for deed in ["token.issue person:", "token.revoke person:", "token.list person:"] {
        assert!(rows.iter().any(|row| row.starts_with(deed)), "{deed}: {rows:?}");
    }
}

#[tokio::test]
async fn what_is_no_token_is_nobody() {
    let (town, tokens) = town().await;
    let token = issued(&town, &tokens, &["read_log"]).await;
    let octets = URL_SAFE_NO_PAD.decode(token.secret.strip_prefix(PREFIX).unwrap()).unwrap();
    let stored = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sha256(&octets)));
    let bare = token.secret[PREFIX.len()..].to_owned();
    for wrong in [stored, bare, format!("{}A", token.secret), PREFIX.to_owned(), String::new()] {
        assert_eq!(refused(&tokens, &wrong).await, P::TokenRefused, "{wrong}");
    }
    // Nor is one whose participant has moved to another node.
    let there = schemas::registry::ParticipantRegistration {
        node: Some(PEER.to_owned()),
        ..registration(&["chancellery"], Vec::new())
    };
    town.register(AGENCY, there).await.unwrap();
    assert_eq!(refused(&tokens, &token.secret).await, P::TokenRefused);
}

#[tokio::test]
async fn what_a_token_is_to_be_is_bounded() {
    let (town, tokens) = town().await;
    let head = person(Role::HeadOfAgency, true);
    let issue = async |request: TokenRequest| {
        let permit = town.access.decide::<IssueToken>(&head, edrpou(AGENCY)).await.unwrap();
        tokens.issue(permit, &request).await.err().map(|refused| refused.code)
    };
    let named = |name: &str| TokenRequest { name: name.to_owned(), ..request(&["read_log"], 1) };
    for wrong in [
        request(&[], 1),
        request(&["submit_document"], 1),
        request(&["read_log", "burn"], 1),
        request(&["read_log"], 0),
        request(&["read_log"], 366),
        named(""),
        named("a\nb"),
        named(&"x".repeat(101)),
    ] {
        assert_eq!(issue(wrong.clone()).await, Some(P::MalformedJson), "{wrong:?}");
    }
    for _ in 0..OPEN {
        assert_eq!(issue(request(&["read_log"], 1)).await, None);
    }
    assert_eq!(issue(request(&["read_log"], 1)).await, Some(P::TooManyTokens));
    town.clock.advance(Duration::days(1));
    assert_eq!(issue(request(&["read_log"], 1)).await, None, "what has expired makes room");
}

#[test]
fn scopes_are_actions_of_participants() {
    assert!(SCOPES.iter().all(|scope| ACTIONS.contains(scope)));
}
