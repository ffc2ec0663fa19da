use certs::dev::{Identity, Usage};
use schemas::ProblemCode::{MalformedJson, NotFound, UnknownRecipient};
use schemas::registry::ParticipantQuery;

use time::Duration;

use super::*;
use crate::town::{Town, certificate, edrpou, mailbox, registration};
use schemas::registry::CertificateUsage::{Encryption, Login};

const AGENCY: &str = "00000001";
const OTHER: &str = "00000002";

fn kind(text: &str) -> DocumentKind {
    text.parse().unwrap()
}

fn told<T: std::fmt::Debug>(result: Result<T, RegistryError>) -> (ProblemCode, String) {
    match result.unwrap_err() {
        RegistryError::Invalid { code, detail } => (code, detail),
        RegistryError::Store(error) => panic!("{error}"),
    }
}

async fn owner(town: &Town, identity: &Identity) -> Option<Edrpou> {
    town.registry().login_owner(&identity.certificate.fingerprint()).await.unwrap()
}

#[tokio::test]
async fn what_an_operator_registers_is_found_at_once_and_on_record() {
    let town = Town::new();
    let (login, encryption) = (town.issue(AGENCY, Usage::TlsClient), town.issue(AGENCY, Usage::Encryption));
    assert_eq!(town.participants().await, []);
    let certificates = vec![certificate(Login, &login.certificate), certificate(Encryption, &encryption.certificate)];
    let registered = town.register(AGENCY, registration(&["chancellery", "archive"], certificates)).await.unwrap();
    assert_eq!(registered.mailboxes, [mailbox("00000001.archive"), mailbox("00000001.chancellery")]);
    assert!(registered.can_receive);
    let registry = town.registry();
    assert_eq!(town.participants().await, [registered]);
    assert_eq!(owner(&town, &login).await, Some(edrpou(AGENCY)));
    assert_eq!(owner(&town, &encryption).await, None, "an encryption certificate logs nobody in");
    assert!(registry.mailbox_exists(&mailbox("00000001.archive")).await.unwrap());
    let sealed_to = registry.encryption_certificate(edrpou(AGENCY)).await.unwrap().unwrap();
    assert_eq!(sealed_to.fingerprint(), encryption.certificate.fingerprint());
    let operator = town.operator().pseudonym();
    assert_eq!(town.audited().await, [format!("participant.register {operator} \"participant:00000001\"")]);
}

#[tokio::test]
async fn the_newest_registered_certificates_come_first() {
    let town = Town::new();
    let (old, new) = (town.issue(AGENCY, Usage::TlsClient), town.issue(OTHER, Usage::Encryption));
    town.register(AGENCY, registration(&[], vec![certificate(Login, &old.certificate)])).await.unwrap();
    town.clock.advance(Duration::minutes(1));
    town.register(OTHER, registration(&[], vec![certificate(Encryption, &new.certificate)])).await.unwrap();
    let (old, new) = (old.certificate, new.certificate);
    assert_eq!(town.registry().registered_certificates(9).await.unwrap(), [new.clone(), old]);
    assert_eq!(town.registry().registered_certificates(1).await.unwrap(), [new]);
}

#[tokio::test]
async fn a_registration_replaces_the_one_before() {
    let town = Town::new();
    let (old, new) = (town.issue(AGENCY, Usage::TlsClient), town.issue(AGENCY, Usage::TlsClient));
    town.register(OTHER, registration(&[], Vec::new())).await.unwrap();
    town.register(AGENCY, registration(&["archive"], vec![certificate(Login, &old.certificate)])).await.unwrap();
    town.channel(OTHER, "00000001.archive", &["letter"]).await.unwrap();
    town.register(AGENCY, registration(&["chancellery"], vec![certificate(Login, &new.certificate)])).await.unwrap();
    assert_eq!((owner(&town, &old).await, owner(&town, &new).await), (None, Some(edrpou(AGENCY))));
    let registry = town.registry();
    assert!(!registry.mailbox_exists(&mailbox("00000001.archive")).await.unwrap());
    // The mailbox comes back; the channel to it stays closed until an operator opens it again.
    town.register(AGENCY, registration(&["archive"], Vec::new())).await.unwrap();
    assert!(
        !registry.channel_allows(edrpou(OTHER), &mailbox("00000001.archive"), &kind("letter")).await.unwrap(),
        "a channel opened by itself"
    );
}

#[tokio::test]
async fn a_channel_allows_what_it_names_and_closes_when_it_names_nothing() {
    let town = Town::new();
    for code in [AGENCY, OTHER] {
        town.register(code, registration(&["chancellery"], Vec::new())).await.unwrap();
    }
    let to = mailbox("00000002.chancellery");
    let allows = async |name: &str| town.registry().channel_allows(edrpou(AGENCY), &to, &kind(name)).await.unwrap();
    assert!(!allows("letter").await);
    town.channel(AGENCY, "00000002.chancellery", &["letter", "order"]).await.unwrap();
    assert!(allows("letter").await && allows("order").await && !allows("report").await);
    town.channel(AGENCY, "00000002.chancellery", &["report"]).await.unwrap();
    assert!(!allows("letter").await && allows("report").await);
    town.channel(AGENCY, "00000002.chancellery", &[]).await.unwrap();
    assert!(!allows("report").await);
    let deeds: Vec<_> = town.audited().await.iter().filter_map(|e| e.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(deeds[2..], ["channel.set", "channel.set", "channel.remove"]);
}

#[tokio::test]
async fn a_channel_joins_those_who_are_there() {
    let town = Town::new();
    town.register(AGENCY, registration(&["chancellery"], Vec::new())).await.unwrap();
    assert_eq!(told(town.channel(AGENCY, "00000002.archive", &["letter"]).await).0, UnknownRecipient);
    assert_eq!(told(town.channel(OTHER, "00000001.chancellery", &["letter"]).await).0, NotFound);
}

#[tokio::test]
async fn a_registration_that_cannot_be_is_refused_whole() {
    let town = Town::new();
    let login = town.issue(AGENCY, Usage::TlsClient);
    let encryption = town.issue(AGENCY, Usage::Encryption);
    let login_of_other = town.issue(OTHER, Usage::TlsClient);
    let broken = schemas::registry::CertificateRegistration { usage: Login, der: "AAAA".to_owned() };
    let authority = town.responder.pki.issuing_ca();
    let second = town.issue(AGENCY, Usage::Encryption);
    for (what, certificates) in [
        ("malformed", vec![broken]),
        ("authority", vec![certificate(Login, authority)]),
        ("another organisation", vec![certificate(Login, &login_of_other.certificate)]),
        ("keyUsage", vec![certificate(Encryption, &login.certificate)]),
        ("keyUsage", vec![certificate(Login, &encryption.certificate)]),
        ("repeated", vec![certificate(Login, &login.certificate), certificate(Login, &login.certificate)]),
        (
            "one encryption certificate",
            vec![certificate(Encryption, &encryption.certificate), certificate(Encryption, &second.certificate)],
        ),
    ] {
        let (code, detail) = told(town.register(AGENCY, registration(&["chancellery"], certificates)).await);
        assert_eq!(code, MalformedJson);
        assert!(detail.contains(what), "{detail}");
    }
    for mailboxes in [&["Chancellery"][..], &["a", "a"], &[""], &["a.b"]] {
        assert_eq!(told(town.register(AGENCY, registration(mailboxes, Vec::new())).await).0, MalformedJson);
    }
    assert_eq!(town.participants().await, []);
    assert!(town.audited().await.is_empty(), "nothing was done, so there is nothing to record here");
}

#[tokio::test]
async fn a_login_certificate_is_one_participants_alone() {
    let town = Town::new();
    let shared = crate::town::issue(&town.responder.pki, None, Usage::TlsClient, town.clock.now() + Duration::days(1));
    let with = || registration(&[], vec![certificate(Login, &shared.certificate)]);
    town.register(AGENCY, with()).await.unwrap();
    let (code, detail) = told(town.register(OTHER, with()).await);
    assert_eq!(code, MalformedJson);
    assert!(detail.contains("another participant"), "{detail}");
    assert_eq!(owner(&town, &shared).await, Some(edrpou(AGENCY)));
    assert_eq!(town.registry().participant(edrpou(OTHER)).await.unwrap(), None);
    // The same participant may register it again.
    town.register(AGENCY, with()).await.unwrap();
}

#[tokio::test]
async fn a_change_by_another_process_is_seen_within_a_second() {
    let town = Town::new();
    let there = town.other_process();
    assert_eq!(there.registry().participants(&ParticipantQuery::default()).await.unwrap().participants, []);
    town.register(AGENCY, registration(&["chancellery"], Vec::new())).await.unwrap();
    assert!(!there.registry().mailbox_exists(&mailbox("00000001.chancellery")).await.unwrap(), "read from memory");
    town.clock.advance(Duration::seconds(1));
    assert!(there.registry().mailbox_exists(&mailbox("00000001.chancellery")).await.unwrap());
}

#[tokio::test]
async fn a_participant_whose_encryption_certificate_has_expired_cannot_receive() {
    let town = Town::new();
    let encryption = town.issue(AGENCY, Usage::Encryption);
    let certificates = vec![certificate(Encryption, &encryption.certificate)];
    assert!(town.register(AGENCY, registration(&[], certificates)).await.unwrap().can_receive);
    town.clock.set(encryption.certificate.not_after() + Duration::seconds(1));
    assert!(!town.registry().participant(edrpou(AGENCY)).await.unwrap().unwrap().can_receive);
}
