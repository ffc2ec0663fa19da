//! Who is not let in.

use certs::dev::Usage;
use schemas::ProblemCode;
use tests::harness::{Answer, Region, Request, Wire};

use crate::case::{Case, case, check, play};

const ASKED: &str = "/v1/participants";

async fn ask_as(region: &Region, login: &certs::dev::Identity) -> Answer {
    region.wire(Some(login)).asks(&Request::get(ASKED)).await
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("no certificate", 401 ClientCertificateMissing, |r| r.wire(None).asks(&Request::get(ASKED)).await),
        case!("a certificate of another authority", 401 ClientCertificateUntrusted, |r| {
            let (authority, identity) = r.ground.foreign(&r.a, Usage::TlsClient);
            let address = r.ground.config.listen.public;
            Wire::new(r.ground.site.pki(), Some((&identity, &authority)), address).asks(&Request::get(ASKED)).await
        }),
        case!("an expired certificate", 401 ClientCertificateExpired, |r| {
            ask_as(r, &r.ground.issues_expired(&r.a, Usage::TlsClient)).await
        }),
        case!("a revoked certificate", 401 ClientCertificateRevoked, |r| {
            ask_as(r, &r.ground.issues_revoked(&r.a, Usage::TlsClient)).await
        }),
        case!("a certificate for signing documents", 401 ClientCertificateUntrusted, |r| ask_as(r, r.a.signer()).await),
        case!("a valid certificate that nobody registered", 401 ClientCertificateUnregistered, |r| {
            ask_as(r, r.stranger.login()).await
        }),
        case!("a token that nobody issued", 401 TokenRefused, |r| {
            let request = Request::get(ASKED).header("authorization", format!("Bearer vuzol_{}", "A".repeat(43)));
            r.wire(None).asks(&request).await
        }),
        case!("a token of another kind beside a good certificate", 401 TokenRefused, |r| {
            let request = Request::get(ASKED).header("authorization", "Basic dXNlcjpwYXNzd29yZA==");
            r.wire(Some(r.a.login())).asks(&request).await
        }),
        case!("a participant registers participants", 403 ActionForbidden, |r| {
            let body = serde_json::to_vec(&r.stranger.registration()).expect("JSON");
            let target = format!("/v1/participants/{}", r.stranger.edrpou());
            let request = Request::new("PUT", &target).body("application/json", body);
            r.wire(Some(r.a.login())).asks(&request).await
        }),
        case!("an operator talks the node out of its last anchor", 409 LastAnchor, |r| {
            let root = crypto::digest::hex(&r.ground.site.pki().root().fingerprint());
            let request = Request::new("PUT", &format!("/v1/trust/{root}"));
            let request = request.body("application/json", r#"{"purposes":[]}"#);
            r.wire(Some(r.ground.site.operator())).asks(&request).await
        }),
        case!("an operator leases a mailbox", 404 NotFound, |r| {
            let target = format!("/v1/mailboxes/{}/leases", r.b.mailbox());
            let request = Request::post(&target).body("application/json", r#"{"max_messages":1,"seconds":60}"#);
            r.wire(Some(r.ground.site.operator())).asks(&request).await
        }),
        case!("a participant lists another's mailbox", 404 NotFound, |r| {
            let target = format!("/v1/mailboxes/{}/messages", r.b.mailbox());
            r.wire(Some(r.a.login())).asks(&Request::get(&target)).await
        }),
        case!("a participant lists a mailbox that is not there", 404 NotFound, |r| {
            r.wire(Some(r.a.login())).asks(&Request::get("/v1/mailboxes/99999999.nobody/messages")).await
        }),
    ]
}

/// Beyond its bound a stranger is answered without a row in the log: see [`too_many_strangers_are_turned_away`].
pub(crate) fn flood() -> Case {
    case!("too many requests without a login", 429 TooManyAnonymousRequests, |r| {
        let wire = r.wire(None);
        for _ in 0..200 {
            let answer = wire.asks(&Request::get(ASKED)).await;
            if answer.status != 401 {
                return answer;
            }
        }
        panic!("200 requests without a login were all answered 401")
    })
}

/// The responder of the certificate's authority does not answer. On a region whose services have stopped.
pub(crate) fn status_unknown() -> Case {
    case!("a certificate whose status nobody knows", 503 ClientCertificateStatusUnknown, |r| {
        ask_as(r, &r.ground.issues(&r.a, Usage::TlsClient, |_| ())).await
    })
}

/// The caller may be somebody: it is told to come back, and gets no more of the log than any stranger.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_authoritys_word_nobody_new_comes_in() {
    let mut region = Region::start().await;
    assert_eq!(ask_as(&region, region.a.login()).await.status, 200);
    region.ground.services_stop();
    let case = status_unknown();
    let answer = (case.deed)(&region).await;
    check(&case, &answer);
    assert!(answer.header("retry-after").is_some(), "the caller is told when to come back");
    assert_eq!(region.book().await.refusals(ProblemCode::ClientCertificateStatusUnknown), 1);
    assert_eq!(ask_as(&region, region.a.login()).await.status, 200, "whose status is known stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_come_in_stays_outside() {
    let region = Region::start().await;
    play(&region, &cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_elses_mailbox_and_none_are_answered_alike() {
    let region = Region::start().await;
    let wire = region.wire(Some(region.a.login()));
    let mut answers = Vec::new();
    for mailbox in [region.b.mailbox().to_string(), "99999999.nobody".to_owned()] {
        let mut problem = wire.asks(&Request::get(&format!("/v1/mailboxes/{mailbox}/messages"))).await.problem();
        problem.instance.clear();
        answers.push(problem);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_strangers_are_turned_away() {
    let region = Region::start().await;
    let flood = flood();
    check(&flood, &(flood.deed)(&region).await);
    // Who has a login is not punished for it, and the log is not filled by who has none.
    assert_eq!(ask_as(&region, region.a.login()).await.status, 200);
    let written = region.book().await.refusals(ProblemCode::ClientCertificateMissing);
    assert!((1..200).contains(&written), "{written} rows");
}
