//! A certificate that is revoked, or expires, ends what it opened: sessions of people within a minute, logins of systems once the
//! authority's last answer is over.

use certs::dev::{Identity, Usage};
use crypto::key::{Curve, KeyKind};
use schemas::access::{Portal, Role};
use schemas::registry::{CertificateRegistration, CertificateUsage};
use schemas::session::Deed;
use tests::harness::{Answer, Ground, Page, Person, Region, Request};
use time::Duration;

/// What is promised of sessions: so long after a revocation nothing that rests on the certificate goes on.
const MINUTE: Duration = Duration::seconds(60);

fn revokes(region: &Region, identity: &Identity) {
    region.ground.site.pki().revoke(&identity.certificate, region.ground.clock.now(), 1);
}

fn is_over(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.problem().code.as_str()), (401, code));
}

/// How many sessions ended with their certificate revoked, and how many with one that had expired; each has its row in the log.
async fn ends(region: &Region) -> (i64, i64) {
    let store = region.store();
    let revoked = "-- revoked\nSELECT count(*) FROM session WHERE end_reason = 'certificate_revoked'";
    let expired = "-- expired\nSELECT count(*) FROM session WHERE end_reason = 'certificate_not_reliable'";
    let ends = (store.count(revoked).await, store.count(expired).await);
    let entries = region.book().await.entries;
    let by_node =
        entries.iter().filter(|entry| (entry.text("action"), entry.text("actor")) == ("session.end", "node")).count();
    assert_eq!(i64::try_from(by_node).ok(), Some(ends.0 + ends.1));
    ends
}

async fn head(region: &Region) -> (Person, Page) {
    let head = region.official(Role::HeadOfAgency, &region.a).await;
    let page = region.logs_in(Portal::Internal, &head).await;
    (head, page)
}

/// The same person with another certificate.
fn second_certificate(region: &Region, person: &Person) -> Identity {
    region.ground.issues_to_person(&person.rnokpp, Some(region.a.edrpou()), KeyKind::Ec(Curve::P256))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_ends_its_live_sessions_at_both_portals_within_a_minute() {
    let region = Region::start_with(Ground::opens_portals).await;
    let (person, inside) = head(&region).await;
    let outside = region.logs_in(Portal::External, &person).await;
    // The same person with another certificate, which stays good.
    let other = Person { signer: second_certificate(&region, &person), rnokpp: person.rnokpp.clone(), ..person };
    let good = region.logs_in(Portal::Internal, &other).await;
    for page in [&inside, &outside, &good] {
        assert_eq!(page.gets("/v1/session").await.status, 200);
    }
    // The last word of the authority is half a minute old when the certificate is revoked.
    region.time_passes(Duration::seconds(30));
    assert_eq!(inside.gets("/v1/session").await.status, 200);
    revokes(&region, &person.signer);
    region.time_passes(MINUTE);
    for page in [&inside, &outside] {
        is_over(&page.gets("/v1/session").await, "session.ended");
    }
    assert_eq!(good.gets("/v1/session").await.status, 200, "another certificate of the same person");
    assert_eq!(ends(&region).await, (2, 0));
    // What has ended does not come back, whatever the authority says later.
    region.time_passes(MINUTE);
    is_over(&inside.gets("/v1/session").await, "session.ended");
    let again = region.tries_login(&region.page(Portal::Internal), &person.signer).await;
    assert_eq!((again.status, again.problem().code.as_str()), (422, "signature.revoked_signer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_does_not_outlive_its_certificate() {
    let region = Region::start_with(Ground::opens_portals).await;
    let person = region.official(Role::HeadOfAgency, &region.a).await;
    // Days pass until the certificate has ten minutes left.
    region.time_passes(Duration::days(20) - Duration::minutes(10));
    let page = region.logs_in(Portal::Internal, &person).await;
    for _ in 0..9 {
        region.time_passes(MINUTE);
        assert_eq!(page.gets("/v1/session").await.status, 200);
    }
    region.time_passes(MINUTE + MINUTE);
    is_over(&page.gets("/v1/session").await, "session.ended");
    assert_eq!(ends(&region).await, (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deed_is_not_confirmed_with_a_certificate_that_was_revoked_meanwhile() {
    let region = Region::start_with(Ground::opens_portals).await;
    let (person, page) = head(&region).await;
    let lost = second_certificate(&region, &person);
    region.confirms(&page, &person, Deed::RevokeToken).await;
    revokes(&region, &lost);
    region.time_passes(MINUTE);
    let refused = region.tries_to_confirm(&page, &lost, Deed::IssueToken).await;
    assert_eq!((refused.status, refused.problem().code.as_str()), (422, "signature.revoked_signer"));
    let target = format!("/v1/participants/{}/tokens", region.a.edrpou());
    let token = serde_json::json!({ "name": "archive", "scopes": ["read_participants"], "days": 30 });
    let refused = page.posts(&target, &token).await;
    assert_eq!(refused.problem().code, "access.step_up_required");
    // With the session's own certificate revoked there is neither a confirmation nor a session.
    revokes(&region, &person.signer);
    region.time_passes(MINUTE);
    is_over(&page.asks_for_challenge(Some(Deed::IssueToken)).await, "session.ended");
}

/// The answer is given before the log is asked: what was confirmed before the revocation serves nobody after it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_before_a_revocation_is_worth_nothing_after_it() {
    let region = Region::start_with(Ground::opens_portals).await;
    let (person, page) = head(&region).await;
    region.confirms(&page, &person, Deed::IssueToken).await;
    revokes(&region, &person.signer);
    region.time_passes(MINUTE);
    let target = format!("/v1/participants/{}/tokens", region.a.edrpou());
    let token = serde_json::json!({ "name": "archive", "scopes": ["read_participants"], "days": 30 });
    is_over(&page.posts(&target, &token).await, "session.ended");
    let store = region.store();
    assert_eq!(store.count("-- tokens\nSELECT count(*) FROM api_token").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_systems_certificate_opens_nothing_once_its_authority_says_so_and_once_it_expires() {
    let region = Region::start().await;
    let a = &region.a;
    let lost = region.ground.issues(a, Usage::TlsClient, |_| ());
    let short = region.ground.issues(a, Usage::TlsClient, |profile| {
        profile.not_after = region.ground.clock.now() + Duration::minutes(10);
    });
    let mut registration = a.registration();
    for identity in [&lost, &short] {
        let der = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, identity.certificate.der());
        registration.certificates.push(CertificateRegistration { usage: CertificateUsage::Login, der });
    }
    region.operator.register(a.edrpou(), &registration).await.expect("a registration");
    region.time_passes(Duration::seconds(2));
    let asks = async |identity: &Identity| region.wire(Some(identity)).asks(&Request::get("/v1/participants")).await;
    for identity in [&lost, &short] {
        assert_eq!(asks(identity).await.status, 200);
    }
    revokes(&region, &lost);
    region.time_passes(Duration::minutes(10));
    is_over(&asks(&short).await, "login.certificate_expired");
    // Of systems an answer of the authority is believed for as long as it says, here an hour: they are too many to be asked of each minute.
    region.time_passes(Duration::minutes(50) + MINUTE);
    is_over(&asks(&lost).await, "login.certificate_revoked");
    assert_eq!(asks(a.login()).await.status, 200);
}
