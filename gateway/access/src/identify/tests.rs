use std::sync::atomic::Ordering;

use certs::dev::{DevPki, Identity, Usage};
use schemas::ProblemCode::{
    ClientCertificateExpired, ClientCertificateMissing, ClientCertificateRevoked, ClientCertificateStatusUnknown,
    ClientCertificateUnregistered, ClientCertificateUntrusted,
};
use schemas::registry::CertificateUsage;
use time::Duration;

use crate::actor::Actor;
use crate::town::{NOON, Town, certificate, edrpou, issue, registration};

const AGENCY: &str = "00000001";

async fn registered(town: &Town) -> Identity {
    let login = town.issue(AGENCY, Usage::TlsClient);
    let certificates = vec![certificate(CertificateUsage::Login, &login.certificate)];
    town.register(AGENCY, registration(&["chancellery"], certificates)).await.unwrap();
    login
}

#[tokio::test]
async fn a_registered_certificate_says_who_is_asking() {
    let town = Town::new();
    let login = registered(&town).await;
    let certificate = login.certificate.fingerprint();
    let expected = Actor::Participant { edrpou: edrpou(AGENCY), certificate };
    assert_eq!(town.access.identify(&town.chain(&login)).await, Ok(expected));
    assert_eq!(town.access.identify(&town.chain(&town.operator)).await, Ok(town.operator()));
}

#[tokio::test]
async fn who_shows_no_good_certificate_is_nobody() {
    let town = Town::new();
    registered(&town).await;
    let refused = async |chain: Vec<Vec<u8>>| town.access.identify(&chain).await.unwrap_err();
    assert_eq!(refused(Vec::new()).await, ClientCertificateMissing);
    assert_eq!(refused(vec![b"no certificate".to_vec()]).await, ClientCertificateUntrusted);

    let unregistered = town.issue(AGENCY, Usage::TlsClient);
    assert_eq!(refused(town.chain(&unregistered)).await, ClientCertificateUnregistered);
    let signer = town.issue(AGENCY, Usage::Signing);
    assert_eq!(refused(town.chain(&signer)).await, ClientCertificateUntrusted);
    let expired = issue(&town.responder.pki, Some(AGENCY), Usage::TlsClient, NOON - Duration::seconds(1));
    assert_eq!(refused(town.chain(&expired)).await, ClientCertificateExpired);
    let revoked = town.issue(AGENCY, Usage::TlsClient);
    town.responder.pki.revoke(&revoked.certificate, NOON - Duration::hours(1), 1);
    assert_eq!(refused(town.chain(&revoked)).await, ClientCertificateRevoked);

    let others = DevPki::new(NOON, Duration::days(30), "http://ocsp.example/").unwrap();
    let foreign = issue(&others, Some(AGENCY), Usage::TlsClient, NOON + Duration::days(1));
    let chain = vec![foreign.certificate.der().to_vec(), others.issuing_ca().der().to_vec()];
    assert_eq!(refused(chain).await, ClientCertificateUntrusted);
}

#[tokio::test]
async fn a_login_whose_status_nobody_knows_is_refused() {
    let town = Town::new();
    let login = registered(&town).await;
    town.responder.in_reach.store(false, Ordering::SeqCst);
    assert_eq!(town.access.identify(&town.chain(&login)).await, Err(ClientCertificateStatusUnknown));
    town.responder.in_reach.store(true, Ordering::SeqCst);
    assert!(town.access.identify(&town.chain(&login)).await.is_ok());
    // Remembered: a pause of the responder throws nobody out for a minute, and then it does.
    town.responder.in_reach.store(false, Ordering::SeqCst);
    town.clock.advance(Duration::seconds(59));
    assert!(town.access.identify(&town.chain(&login)).await.is_ok());
    town.clock.advance(Duration::seconds(1));
    assert_eq!(town.access.identify(&town.chain(&login)).await, Err(ClientCertificateStatusUnknown));
}

#[tokio::test]
async fn a_revocation_is_heeded_within_a_minute() {
    let town = Town::new();
    let login = registered(&town).await;
    assert!(town.access.identify(&town.chain(&login)).await.is_ok());
    town.responder.pki.revoke(&login.certificate, NOON, 1);
    town.clock.advance(Duration::seconds(60));
    assert_eq!(town.access.identify(&town.chain(&login)).await, Err(ClientCertificateRevoked));
}

#[tokio::test]
async fn what_is_remembered_never_outlives_the_certificate() {
    let town = Town::new();
    let short = issue(&town.responder.pki, Some(AGENCY), Usage::TlsClient, NOON + Duration::seconds(10));
    let certificates = vec![certificate(CertificateUsage::Login, &short.certificate)];
    town.register(AGENCY, registration(&[], certificates)).await.unwrap();
    assert!(town.access.identify(&town.chain(&short)).await.is_ok());
    town.clock.advance(Duration::seconds(11));
    assert_eq!(town.access.identify(&town.chain(&short)).await, Err(ClientCertificateExpired));
}

#[tokio::test]
async fn a_certificate_that_is_no_longer_registered_is_out_at_once() {
    let town = Town::new();
    let login = registered(&town).await;
    assert!(town.access.identify(&town.chain(&login)).await.is_ok());
    town.register(AGENCY, registration(&["chancellery"], Vec::new())).await.unwrap();
    assert_eq!(town.access.identify(&town.chain(&login)).await, Err(ClientCertificateUnregistered));
}

#[tokio::test]
async fn one_caller_renews_a_verdict_before_it_is_over_and_the_others_go_on() {
    let town = Town::new();
    let login = registered(&town).await;
    let identify = || async { town.access.identify(&town.chain(&login)).await };
    assert!(identify().await.is_ok());
    town.clock.advance(Duration::seconds(20));
    town.responder.pki.revoke(&login.certificate, NOON, 1);
    assert!(identify().await.is_ok(), "nobody asks yet");
    town.clock.advance(Duration::seconds(35));
    assert_eq!(identify().await, Err(ClientCertificateRevoked), "who renews it hears of the revocation");
    town.responder.in_reach.store(false, Ordering::SeqCst);
    assert_eq!(
        identify().await,
        Err(ClientCertificateStatusUnknown),
        "and after that nobody goes on with what was known"
    );
}
