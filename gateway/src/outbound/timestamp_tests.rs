//! A time-stamp authority that serves, one that is down, and those that lie.

use super::*;

use certs::dev::{DevPki, Profile, Usage};
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::{Curve, KeyKind};
use signing::validate::{Context, Policy, TimestampRefused};
use storage::clock::ManualClock;

use crate::demo::services::DemoServices;
use crate::outbound::liar::{Liar, http};

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

fn pki() -> Arc<DevPki> {
    Arc::new(DevPki::new(NOW, Duration::days(30), "http://ocsp.invalid/").unwrap())
}

fn imprint() -> Digest {
    digest(DigestAlgorithm::Sha256, b"signature value")
}

/// What a client that may ask the liar gets.
async fn asked(liar: &Liar) -> Result<Vec<u8>, StampError> {
    let client = TimestampClient::new(std::slice::from_ref(&liar.host)).unwrap();
    client.stamp(&liar.url("tsa"), &imprint(), NOW).await
}

/// An authority that answers with 200 and what `answer` makes of the question.
async fn authority(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Liar {
    Liar::answering(move |question| http("200 OK", "content-type: application/timestamp-reply\r\n", &answer(question)))
        .await
}

/// Whether validation believes the token.
fn believed(token: &[u8], pki: &DevPki) -> Result<OffsetDateTime, TimestampRefused> {
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::TimeStamping] };
    let trust = TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW);
    let token = UnverifiedTimestamp::read(token).unwrap();
    let signer = token.signing_certificate().unwrap();
    let mut revocation = RevocationData::default();
    for (subject, issuer) in [(signer, pki.issuing_ca()), (pki.issuing_ca(), pki.root())] {
        let answer = pki.answer_ocsp(&ocsp_request(subject, issuer, None), NOW);
        revocation.ocsp.push(OcspResponse::from_der(&answer).unwrap());
    }
    let policy = Policy::default();
    let context = Context { trust: &trust, revocation: &revocation, at: NOW, policy: &policy };
    token.validate(&imprint(), &context).map(|time| time.at())
}

#[tokio::test]
async fn an_authority_that_serves_gives_a_token_that_validation_believes() {
    let bound = DemoServices::bind().await.unwrap();
    let (pki, host) = (pki(), bound.address().to_string());
    let services = bound.start(pki.clone(), Arc::new(ManualClock::new(NOW)));
    let client = TimestampClient::new(&[host]).unwrap();
    let token = client.stamp(&services.tsa_url(), &imprint(), NOW).await.unwrap();
    assert_eq!(believed(&token, &pki), Ok(NOW));
    let again = client.stamp(&services.tsa_url(), &imprint(), NOW).await.unwrap();
    assert_ne!(token, again, "each question has its own nonce and gets its own token");
    assert!(believed(&token, &DevPki::new(NOW, Duration::days(30), "").unwrap()).is_err(), "a stranger's root");
}

#[tokio::test]
async fn a_host_that_is_not_on_the_list_is_never_asked() {
    let liar = Liar::saying(|_| Vec::new()).await;
    let client = TimestampClient::new(&["tsa.example".to_owned()]).unwrap();
    let refused = client.stamp(&liar.url("tsa"), &imprint(), NOW).await;
    assert_eq!(refused, Err(StampError::NoAnswer(FetchError::NotAllowed)));
    assert_eq!(liar.asked(), 0);
    assert_eq!(
        client.stamp("https://tsa.example/", &imprint(), NOW).await,
        Err(StampError::NoAnswer(FetchError::NotAllowed))
    );
}

#[tokio::test]
async fn an_authority_that_is_down_gives_nothing() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let client = TimestampClient::new(std::slice::from_ref(&host)).unwrap();
    let refused = client.stamp(&format!("http://{host}/tsa"), &imprint(), NOW).await;
    assert_eq!(refused, Err(StampError::NoAnswer(FetchError::Unreachable)));
    for (answer, why) in [
        (http("500 Internal Server Error", "", b""), FetchError::Status),
        (http("503 Service Unavailable", "retry-after: 1\r\n", b""), FetchError::Status),
        (http("200 OK", "", &vec![0x30; 1024 * 1024 + 1]), FetchError::TooLarge),
        (Vec::new(), FetchError::Unreachable),
        (b"220 mail.example ESMTP\r\n".to_vec(), FetchError::Unreachable),
    ] {
        let liar = Liar::saying(move |_| answer.clone()).await;
        assert_eq!(asked(&liar).await, Err(StampError::NoAnswer(why)));
        assert_eq!(liar.asked(), 1, "nothing is repeated");
    }
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_says_nothing_is_given_up() {
    let silent = Liar::silent().await;
    let before = tokio::time::Instant::now();
    assert_eq!(asked(&silent).await, Err(StampError::NoAnswer(FetchError::Unreachable)));
    assert!(before.elapsed() <= std::time::Duration::from_secs(11), "{:?}", before.elapsed());
}

#[tokio::test]
async fn an_authority_that_fails_again_and_again_is_left_alone_for_a_while() {
    let liar = Liar::saying(|_| http("500 Internal Server Error", "", b"")).await;
    let client = TimestampClient::new(std::slice::from_ref(&liar.host)).unwrap();
    let ask = async |seconds: i64| client.stamp(&liar.url("tsa"), &imprint(), NOW + Duration::seconds(seconds)).await;
    for second in 0..3 {
        assert_eq!(ask(second).await, Err(StampError::NoAnswer(FetchError::Status)));
    }
    assert_eq!(ask(4).await, Err(StampError::NoAnswer(FetchError::Resting)));
    assert_eq!(liar.asked(), 3);
    assert_eq!(ask(60).await, Err(StampError::NoAnswer(FetchError::Status)), "and then tried again");
    assert_eq!(liar.asked(), 4);
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let elsewhere = Liar::saying(|_| http("200 OK", "", b"")).await;
    let target = elsewhere.host.clone();
    let liar =
        Liar::saying(move |_| http("307 Temporary Redirect", &format!("location: http://{target}/\r\n"), b"")).await;
    let client = TimestampClient::new(&[liar.host.clone(), elsewhere.host.clone()]).unwrap();
    let refused = client.stamp(&liar.url("tsa"), &imprint(), NOW).await;
    assert_eq!(refused, Err(StampError::NoAnswer(FetchError::Status)));
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_refusal_is_told_with_its_status() {
    let pki = pki();
    // A question that the authority cannot read.
    let liar = authority(move |_| pki.answer_tsa(b"no question", NOW)).await;
    assert_eq!(asked(&liar).await, Err(StampError::Refused(2)));
}

#[tokio::test]
async fn nonsense_is_no_time_stamp() {
    let (pki, waiting) = (pki(), [0x30, 5, 0x30, 3, 2, 1, 3]);
    let certificate = pki.root().der().to_vec();
    let granted = |token: &[u8]| [&[0x30, 0x82, 0, 0][..], &[0x30, 3, 2, 1, 0], token].concat();
    let mut bag = granted(&certificate);
    let length = u16::try_from(bag.len() - 4).unwrap().to_be_bytes();
    bag[2..4].copy_from_slice(&length);
    for (nonsense, expected) in [
        (b"<html>Welcome to the hotel's network</html>".to_vec(), "Unreadable"),
        (Vec::new(), "Unreadable"),
        (vec![0x30; 70_000], "Unreadable"),
        (vec![0x30, 5, 0x30, 3, 2, 1, 0], "Unreadable"),
        (waiting.to_vec(), "Refused(3)"),
        (bag, "Unreadable"),
    ] {
        let liar = authority(move |_| nonsense.clone()).await;
        let told = format!("{:?}", asked(&liar).await.unwrap_err());
        assert!(told.starts_with(expected), "{told}");
    }
}

/// Honest answers to other questions: replays.
#[tokio::test]
async fn an_answer_to_another_question_does_not_count() {
    let pki = pki();
    let of = |change: fn(&mut Vec<u8>)| {
        let pki = pki.clone();
        move |question: &[u8]| {
            let mut question = question.to_vec();
            change(&mut question);
            pki.answer_tsa(&question, NOW)
        }
    };
    // The question ends with the nonce and, in three octets, the wish for a certificate.
    let other_nonce = authority(of(|question| {
        let last = question.len() - 4;
        question[last] ^= 1;
    }))
    .await;
    assert_eq!(asked(&other_nonce).await, Err(StampError::OtherQuestion));
    let other_imprint = authority(of(|question| {
        let at = question.windows(32).position(|window| window == imprint().as_bytes()).unwrap();
        question[at] ^= 1;
    }))
    .await;
    assert_eq!(asked(&other_imprint).await, Err(StampError::OtherImprint));
    let without = pki.clone();
    let no_nonce = authority(move |_| without.answer_tsa(&request(&imprint(), None, true), NOW)).await;
    assert_eq!(asked(&no_nonce).await, Err(StampError::OtherQuestion));
}

#[tokio::test]
async fn an_authority_whose_clock_is_wrong_proves_nothing() {
    let pki = pki();
    for (off, well) in [(-4, true), (4, true), (-6, false), (6, false), (60 * 24 * 29, false)] {
        let pki = pki.clone();
        let off = Duration::minutes(off);
        let liar = authority(move |question| pki.answer_tsa(question, NOW + off)).await;
        let told = asked(&liar).await.map(drop);
        assert_eq!(told, if well { Ok(()) } else { Err(StampError::Untimely(NOW + off)) }, "{off}");
    }
}

#[tokio::test]
async fn an_answer_under_another_label_is_judged_by_its_bytes() {
    let honest = pki();
    let pki = honest.clone();
    let liar = Liar::answering(move |question| {
        http("200 OK", "content-type: text/html\r\n", &honest.answer_tsa(question, NOW))
    })
    .await;
    assert_eq!(believed(&asked(&liar).await.unwrap(), &pki), Ok(NOW));
}

/// Such a token answers the question, and validation does not believe it.
#[tokio::test]
async fn a_token_by_a_key_that_is_not_for_time_stamps_is_refused_by_validation() {
    let pki = pki();
    for usage in [Usage::Signing, Usage::TlsServer] {
        let impostor = Profile {
            common_name: "Impostor".to_owned(),
            organisation: None,
            edrpou: None,
            rnokpp: None,
            usage,
            key: KeyKind::Ec(Curve::P256),
            not_before: NOW - Duration::hours(1),
            not_after: NOW + Duration::days(1),
            dns_names: Vec::new(),
        };
        let (impostor, by) = (pki.issue(impostor).unwrap(), pki.clone());
        let liar = authority(move |question| by.answer_tsa_by(&impostor, question, NOW)).await;
        let token = asked(&liar).await.unwrap();
        assert!(matches!(believed(&token, &pki), Err(TimestampRefused(_))), "{usage:?}");
    }
}

#[tokio::test]
async fn a_changed_token_is_refused_by_validation() {
    let honest = pki();
    let pki = honest.clone();
    let liar = authority(move |question| {
        let mut answer = honest.answer_tsa(question, NOW);
        // The signature value comes last.
        if let Some(last) = answer.last_mut() {
            *last ^= 1;
        }
        answer
    })
    .await;
    let token = asked(&liar).await.unwrap();
    assert!(matches!(believed(&token, &pki), Err(TimestampRefused(_))));
}
