//! What must be refused at the portals: logins that are none, sessions that are over or of another page, deeds that want a fresh signature,
//! and what people keep.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::dev::{Identity, Profile, Usage};
use crypto::key::{Curve, KeyHandle, KeyKind, SoftwareKey};
use schemas::access::{Portal, Role};
use schemas::directory::{PersonRegistration, RoleGrant};
use schemas::limits::{APPLICATIONS_OF_PERSON, COPIES_OF_PERSON};
use schemas::session::Deed;
use serde_json::{Value, json};
use signing::cades::{Options, Signatory, prepare_parallel};
use tests::harness::people::fresh_number;
use tests::harness::{Agency, Answer, Ground, Page, Person, Region, Request};
use time::Duration;

use crate::case::{Case, case, play};

/// The number that stands in the certificate of the third operator.
const OPERATORS_NUMBER: &str = "operator/number";

/// Portals; and an operator whose certificate names a person.
fn portals(ground: &mut Ground) {
    ground.opens_portals();
    let (folder, number, now) = (ground.site.directory(), fresh_number(), ground.clock.now());
    let profile = Profile {
        common_name: "Third operator of the node".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: Some(number.clone()),
        usage: Usage::TlsClient,
        key: KeyKind::Ec(Curve::P256),
        not_before: now - Duration::days(1),
        not_after: now + Duration::days(10),
        dns_names: Vec::new(),
    };
    let identity = ground.site.pki().issue(profile).expect("a key and a certificate");
    let [certificate, key] = operator_files(folder.into());
    std::fs::write(&certificate, identity.certificate.to_pem()).expect("a file");
    std::fs::write(&key, identity.key.to_pkcs8_pem().expect("PEM").as_bytes()).expect("a file");
    std::fs::write(folder.join(OPERATORS_NUMBER), number).expect("a file");
    ground.config.access.operators.push(certificate);
}

fn operator_files(folder: PathBuf) -> [PathBuf; 2] {
    [folder.join("operator/third.pem"), folder.join("operator/third.key")]
}

fn third_operator(region: &Region) -> (Identity, String) {
    let folder = region.ground.site.directory();
    let read = |file: PathBuf| std::fs::read_to_string(file).expect("a file");
    let [certificate, key] = operator_files(folder.into()).map(read);
    let certificate = Certificate::from_pem(&certificate).expect("certificates").remove(0);
    let key = SoftwareKey::from_pkcs8_pem(&key).expect("a key");
    (Identity { certificate, key }, read(folder.join(OPERATORS_NUMBER)))
}

/// Somebody with a session at the portal of officials.
async fn head(region: &Region) -> (Person, Page) {
    let head = region.official(Role::HeadOfAgency, &region.a).await;
    let page = region.logs_in(Portal::Internal, &head).await;
    (head, page)
}

/// Somebody with a session at the portal of applicants.
async fn applicant(region: &Region) -> Page {
    let person = region.enters_person(None).await;
    region.logs_in(Portal::External, &person).await
}

async fn posts(page: &Page, target: &str, body: &Value) -> Answer {
    page.posts(target, body).await
}

/// A challenge that a head has answered, and at which page.
async fn answered(region: &Region) -> (Page, Value) {
    let (person, page) = (region.official(Role::HeadOfAgency, &region.a).await, region.page(Portal::Internal));
    let answer = region.answers_challenge(&page, None, &person.signer).await;
    (page, answer)
}

/// The same signature file with a second signature over the same text.
async fn by_two(region: &Region) -> Answer {
    let (page, mut answer) = answered(region).await;
    let second = region.enters_person(Some(&region.a)).await.signer;
    let chain = [second.certificate.clone(), region.ground.site.pki().issuing_ca().clone()];
    let (algorithm, signing_time) = (second.key.default_algorithm(), region.ground.clock.now());
    let first = STANDARD.decode(answer["signature"].as_str().expect("a signature")).expect("base64");
    let signatory = Signatory { chain: &chain, algorithm, signing_time };
    let prepared = prepare_parallel(&first, None, &signatory, &Options::default()).expect("a second signature");
    let value = second.key.sign(prepared.algorithm(), prepared.to_be_signed()).expect("a software key signs");
    answer["signature"] = json!(STANDARD.encode(prepared.complete(&value).expect("both")));
    posts(&page, "/v1/logins", &answer).await
}

fn logins() -> Vec<Case> {
    vec![
        case!("a login with a text of another place", 422 ChallengeInvalid, |r| {
            let (page, mut answer) = answered(r).await;
            answer["challenge"] = json!("ВХІД ДО ВУЗЛА");
            posts(&page, "/v1/logins", &answer).await
        }),
        case!("a login three minutes later", 422 ChallengeExpired, |r| {
            let (page, answer) = answered(r).await;
            r.time_passes(Duration::minutes(3));
            posts(&page, "/v1/logins", &answer).await
        }),
        case!("a login that was answered before", 409 ChallengeAnswered, |r| {
            let (page, answer) = answered(r).await;
            assert_eq!(posts(&page, "/v1/logins", &answer).await.status, 201);
            posts(&page, "/v1/logins", &answer).await
        }),
        case!("a login that two signed", 422 LoginSeveralSigners, |r| by_two(r).await),
        case!("a login by an agency's own certificate", 422 LoginNamesNoPerson, |r| {
            r.tries_login(&r.page(Portal::Internal), r.a.signer()).await
        }),
        case!("a login by somebody who is not in the directory", 401 LoginRefused, |r| {
            let stranger = r.ground.issues_to_person(&fresh_number(), Some(r.a.edrpou()), KeyKind::Ec(Curve::P256));
            r.tries_login(&r.page(Portal::Internal), &stranger).await
        }),
        case!("a login of officials by somebody with no role", 401 LoginRefused, |r| {
            let person = r.enters_person(Some(&r.a)).await;
            r.tries_login(&r.page(Portal::Internal), &person.signer).await
        }),
        case!("a login by a certificate that is revoked", 422 SignerRevoked, |r| {
            let person = r.official(Role::HeadOfAgency, &r.a).await;
            r.ground.site.pki().revoke(&person.signer.certificate, r.ground.clock.now() - Duration::hours(1), 1);
            r.tries_login(&r.page(Portal::Internal), &person.signer).await
        }),
    ]
}

/// The last of the cases: for a while the node takes no more logins with that certificate.
fn throttled() -> Case {
    case!("a login too many of one certificate", 429 LoginThrottled, |r| {
        let (person, page) = (r.official(Role::HeadOfAgency, &r.a).await, r.page(Portal::Internal));
        loop {
            let answer = r.tries_login(&page, &person.signer).await;
            if answer.status != 201 {
                return answer;
            }
        }
    })
}

fn sessions() -> Vec<Case> {
    vec![
        case!("a page without a session", 401 SessionMissing, |r| r.page(Portal::Internal).gets("/v1/session").await),
        case!("a session after the logout", 401 SessionEnded, |r| {
            let (_, page) = head(r).await;
            assert_eq!(page.does("DELETE", "/v1/session").await.status, 204);
            page.gets("/v1/session").await
        }),
        case!("a form of another origin", 403 SessionForeignOrigin, |r| {
            let (_, page) = head(r).await;
            let page = Page { origin: Some("https://elsewhere.example".to_owned()), ..page };
            posts(&page, "/v1/session/acting-for", &json!({ "acting_for": null })).await
        }),
        case!("a page that does not know its session", 403 SessionCsrfToken, |r| {
            let (_, page) = head(r).await;
            let page = Page { csrf: None, ..page };
            posts(&page, "/v1/session/acting-for", &json!({ "acting_for": null })).await
        }),
        case!("a deed that somebody else confirms", 403 SessionOtherPerson, |r| {
            let ((_, page), other) = (head(r).await, r.official(Role::HeadOfAgency, &r.a).await);
            r.tries_to_confirm(&page, &other.signer, Deed::IssueToken).await
        }),
        case!("a deed that nobody confirmed", 403 StepUpRequired, |r| {
            let (_, page) = head(r).await;
            token(r, &page, &["read_participants"]).await
        }),
        case!("a session that asks too often", 429 QuotaSession, |r| {
            let (_, page) = head(r).await;
            loop {
                let answer = page.gets("/v1/session").await;
                if answer.status != 200 {
                    return answer;
                }
            }
        }),
    ]
}

async fn token(region: &Region, page: &Page, scopes: &[&str]) -> Answer {
    // Each finds room in the session's bound.
    region.time_passes(Duration::milliseconds(100));
    let request = json!({ "name": "archive", "scopes": scopes, "days": 30 });
    posts(page, &format!("/v1/participants/{}/tokens", region.a.edrpou()), &request).await
}

fn deeds() -> Vec<Case> {
    vec![
        case!("a token beyond what it was issued for", 403 TokenScope, |r| {
            let (person, page) = head(r).await;
            r.confirms(&page, &person, Deed::IssueToken).await;
            let issued: Value = token(r, &page, &["read_participants"]).await.json();
            let bearer = format!("Bearer {}", issued["secret"].as_str().expect("a secret"));
            let request = Request::get(&format!("/v1/mailboxes/{}/messages", r.a.mailbox()));
            r.wire(None).asks(&request.header("authorization", bearer)).await
        }),
        case!("a hundred tokens and one", 409 TooManyTokens, |r| {
            let (person, page) = head(r).await;
            r.confirms(&page, &person, Deed::IssueToken).await;
            loop {
                let answer = token(r, &page, &["read_participants"]).await;
                if answer.status != 201 {
                    return answer;
                }
            }
        }),
        case!("an operator who entrusts themselves", 403 RoleOwn, |r| {
            let (operator, number) = third_operator(r);
            let own = PersonRegistration { name: "Особа".to_owned(), rnokpp: Some(number), unzr: None };
            let own = r.operator.register_person(&own).await.expect("a person").id;
            let grant =
                RoleGrant { role: Role::RegisterOperator, participant: None, valid_from: None, valid_until: None };
            let body = serde_json::to_string(&grant).expect("JSON");
            let request = Request::post(&format!("/v1/people/{own}/roles")).body("application/json", body);
            r.wire(Some(&operator)).asks(&request).await
        }),
    ]
}

async fn store(region: &Region, page: &Page) -> Answer {
    region.time_passes(Duration::milliseconds(100));
    page.asks(&Request::post("/v1/copies?kind=passport").body("application/octet-stream", "sealed")).await
}

async fn apply(region: &Region, page: &Page, centre: &Agency) -> Answer {
    region.time_passes(Duration::milliseconds(100));
    posts(page, "/v1/applications", &json!({ "centre": centre.edrpou(), "service": "subsidy" })).await
}

fn id(answer: &Answer, field: &str) -> String {
    answer.json::<Value>()[field].as_str().expect("an id").to_owned()
}

/// The page of an applicant with an application at A, and the addresses of the application and of the copy that is attached to it.
async fn applied(region: &Region) -> (Page, String, String) {
    let page = applicant(region).await;
    let copy = id(&store(region, &page).await, "copy_id");
    let application = format!("/v1/applications/{}", id(&apply(region, &page, &region.a).await, "application_id"));
    let attached = format!("{application}/copies/{copy}");
    assert_eq!(page.does("PUT", &attached).await.status, 200);
    (page, application, attached)
}

fn files() -> Vec<Case> {
    vec![
        case!("a look that says not what for", 400 PurposeMissing, |r| {
            let (_, _, attached) = applied(r).await;
            let administrator = r.official(Role::CentreAdministrator, &r.a).await;
            r.logs_in(Portal::Internal, &administrator).await.gets(&attached).await
        }),
        case!("withdrawing what was withdrawn", 409 ApplicationEnded, |r| {
            let (page, application, _) = applied(r).await;
            let withdraw = format!("{application}/withdraw");
            assert_eq!(page.does("POST", &withdraw).await.status, 200);
            page.does("POST", &withdraw).await
        }),
        case!("a copy that a centre may still see", 409 CopyAttached, |r| {
            let (page, _, attached) = applied(r).await;
            let copy = attached.rsplit('/').next().expect("a copy");
            page.does("DELETE", &format!("/v1/copies/{copy}")).await
        }),
        case!("a hundred applications and one", 409 ApplicationsFull, |r| {
            let page = applicant(r).await;
            for _ in 0..APPLICATIONS_OF_PERSON {
                assert_eq!(apply(r, &page, &r.a).await.status, 201);
            }
            apply(r, &page, &r.a).await
        }),
        case!("a hundred copies and one", 409 CopiesFull, |r| {
            let page = applicant(r).await;
            for _ in 0..COPIES_OF_PERSON {
                assert_eq!(store(r, &page).await.status, 201);
            }
            store(r, &page).await
        }),
    ]
}

/// On a region whose node has portals.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = sessions();
    cases.extend(deeds());
    cases.extend(files());
    cases.extend(logins());
    cases.push(throttled());
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_at_the_portals_is_refused() {
    let region = Region::start_with(portals).await;
    play(&region, &cases()).await;
}
