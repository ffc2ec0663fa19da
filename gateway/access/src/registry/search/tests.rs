use certs::dev::Usage;
use schemas::registry::{CertificateUsage, DeliveryMode, ParticipantRegistration, Reception};

use super::*;
use crate::town::{Town, certificate, registration};

const OBLAST: &str = "UA05000000000010236";
const HROMADA: &str = "UA05020030000031457";
const OTHER_OBLAST: &str = "UA46000000000026241";

/// A chancellery of an oblast, a centre of a hromada in it, a school elsewhere.
async fn town() -> Town {
    let town = Town::new();
    for (code, name, area) in [
        ("00032684", "Вінницька обласна рада", Some(OBLAST)),
        ("00032685", "ЦНАП «Прозорий офіс» Кам\u{2019}янської громади", Some(HROMADA)),
        ("12345678", "Школа № 12", None),
    ] {
        let area = area.map(|area| area.parse().unwrap());
        let registration =
            ParticipantRegistration { name: name.to_owned(), area, ..registration(&["office"], Vec::new()) };
        town.register(code, registration).await.unwrap();
    }
    town
}

async fn found(town: &Town, query: ParticipantQuery) -> Vec<String> {
    let page = town.registry().participants(&query).await.unwrap();
    page.participants.iter().map(|participant| participant.edrpou.to_string()).collect()
}

async fn named(town: &Town, text: &str) -> Vec<String> {
    found(town, ParticipantQuery { query: Some(text.to_owned()), ..ParticipantQuery::default() }).await
}

async fn capable(town: &Town, capability: &str) -> Vec<String> {
    let capability = Some(capability.parse().unwrap());
    found(town, ParticipantQuery { capability, ..ParticipantQuery::default() }).await
}

#[tokio::test]
async fn a_participant_is_found_by_the_beginning_of_its_code_or_a_part_of_its_name() {
    let town = town().await;
    assert_eq!(named(&town, "0003268").await, ["00032684", "00032685"]);
    assert_eq!(named(&town, "32684").await, Vec::<String>::new(), "zeros are a part of the code");
    assert_eq!(named(&town, "ОБЛАСНА").await, ["00032684"]);
    assert_eq!(named(&town, " прозорий ОФІС").await, ["00032685"]);
    assert_eq!(named(&town, "№ 12").await, ["12345678"]);
    // Whichever apostrophe the keyboard has.
    for apostrophe in ["'", "\u{2019}", "\u{2bc}"] {
        assert_eq!(named(&town, &format!("КАМ{apostrophe}ЯН")).await, ["00032685"], "{apostrophe}");
    }
}

#[tokio::test]
async fn an_area_finds_who_serves_a_part_of_it() {
    let town = town().await;
    let there = async |area: &str| {
        found(&town, ParticipantQuery { area: Some(area.parse().unwrap()), ..ParticipantQuery::default() }).await
    };
    assert_eq!(there(OBLAST).await, ["00032684", "00032685"]);
    assert_eq!(there(HROMADA).await, ["00032685"]);
    assert_eq!(there(OTHER_OBLAST).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_says_where_the_next_one_begins() {
    let town = town().await;
    let mut query = ParticipantQuery { limit: Some(2), ..ParticipantQuery::default() };
    let first = town.registry().participants(&query).await.unwrap();
    assert_eq!((first.participants.len(), first.next_after), (2, Some("00032685".parse().unwrap())));
    query.after = first.next_after;
    let last = town.registry().participants(&query).await.unwrap();
    assert_eq!((last.participants.len(), last.next_after), (1, None));
    // A page that happens to be full is not followed by an empty one.
    query = ParticipantQuery { limit: Some(3), ..ParticipantQuery::default() };
    assert_eq!(town.registry().participants(&query).await.unwrap().next_after, None);
}

#[tokio::test]
async fn a_participant_is_found_by_what_it_can_do() {
    let town = Town::new();
    let (able, mute) = ("00000001", "00000002");
    let encryption = town.issue(able, Usage::Encryption);
    let reception =
        Reception { kinds: vec!["report".parse().unwrap()], delivery: DeliveryMode::Webhook, ..Reception::default() };
    let certificates = vec![certificate(CertificateUsage::Encryption, &encryption.certificate)];
    let registered = ParticipantRegistration { reception, ..registration(&["office"], certificates) };
    town.register(able, registered).await.unwrap();
    town.register(mute, registration(&["office"], Vec::new())).await.unwrap();
    for capability in ["receive", "ecdh", "webhook"] {
        assert_eq!(capable(&town, capability).await, [able], "{capability}");
    }
    assert_eq!(capable(&town, "pull").await, [mute]);
    assert_eq!(capable(&town, "kind:report").await, [able, mute]);
    assert_eq!(capable(&town, "kind:letter").await, [mute]);
    assert_eq!(capable(&town, "dstu").await, Vec::<String>::new());
    town.suspend(able, true).await.unwrap();
    assert_eq!(capable(&town, "receive").await, Vec::<String>::new());
    town.clock.set(encryption.certificate.not_after() + time::Duration::seconds(1));
    assert_eq!(capable(&town, "ecdh").await, Vec::<String>::new(), "a certificate out of time seals nothing");
}
