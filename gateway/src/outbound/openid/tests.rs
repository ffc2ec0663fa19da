//! The line to a provider that is honest, and to those that are not.

use access::openid::dev::{DevKey, description};
use access::openid::keys::{KEYS_BYTES, TokenAlgorithm};
use access::openid::token::TokenError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::key::{Curve, KeyKind, SoftwareKey};
use serde_json::{Value, json};
use storage::clock::ManualClock;
use time::Duration;

use super::known::{AGAIN, FRESH, PAUSE};
use super::stage::{Stage, json_answer, pairs};
use super::*;
use crate::outbound::liar::{Liar, http};

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);
const ASKED: Asked<'static> =
    Asked { redirect_uri: "https://office.example/cb", state: "state", nonce: "nonce", verifier: "verifier" };

/// A provider, and the node's line to it.
struct Line {
    stage: Stage,
    clock: Arc<ManualClock>,
    provider: OpenIdProvider,
}

impl Line {
    async fn new() -> Self {
        Self::with(|_, _| ()).await
    }

    async fn with(change: impl FnOnce(&Stage, &mut ProviderConfig)) -> Self {
        // TLS asks the machine's clock, tokens ask this one.
        let clock = Arc::new(ManualClock::new(storage::clock::SystemClock.now()));
        let stage = Stage::start(clock.clone()).await;
        let mut config = stage.config();
        change(&stage, &mut config);
        let deadline = std::time::Duration::from_millis(500);
        let provider = OpenIdProvider::open_with(&config, clock.clone(), deadline).unwrap();
        Self { stage, clock, provider }
    }

    /// A person consents; what is sent back.
    async fn returned(&self) -> Returned {
        let location = self.provider.send(ASKED).await.unwrap();
        let back = pairs(self.stage.consents(&location).split_once('?').unwrap().1);
        assert_eq!(back["state"], "state");
        Returned { code: back["code"].clone(), issuer: back.get("iss").cloned() }
    }

    async fn logs_in(&self) -> Result<Vouched, ProviderError> {
        let returned = self.returned().await;
        self.provider.identify(ASKED, &returned).await
    }
}

#[tokio::test]
async fn an_honest_provider_vouches_for_a_person() {
    let line = Line::new().await;
    let vouched = line.logs_in().await.unwrap();
    assert_eq!((vouched.subject.as_str(), vouched.numbers.rnokpp.as_deref()), ("person-1", Some("0000000001")));
    assert_eq!((vouched.organisation, vouched.assurance), (None, None));
    assert!(line.logs_in().await.is_ok());
    let asked = ["/.well-known/openid-configuration", "/keys", "/token", "/me"].map(|path| line.stage.asked(path));
    assert_eq!(asked, [1, 1, 2, 0], "description and keys are asked for once");
    line.clock.advance(FRESH);
    assert!(line.logs_in().await.is_ok());
    assert_eq!((line.stage.asked("/.well-known/openid-configuration"), line.stage.asked("/keys")), (2, 2));
}

#[tokio::test]
async fn the_node_shows_a_signature_where_it_has_a_key_there() {
    let key = SoftwareKey::generate(KeyKind::Ec(Curve::P384)).unwrap();
    let pem = key.to_pkcs8_pem().unwrap();
    let line = Line::with(|stage, config| {
        config.client_secret = None;
        config.client_key = Some(stage.file("key.pem", &pem));
        config.client_key_id = Some("own".to_owned());
    })
    .await;
    let (issuer, now) = (line.stage.issuer.clone(), line.clock.now());
    let seen = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = seen.clone();
    line.stage.spoils(move |question| {
        let assertion = question.form.get("client_assertion")?;
        let mut parts = assertion.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
        let (header, claims): (Value, Value) =
            (serde_json::from_slice(&parts.next()?).unwrap(), serde_json::from_slice(&parts.next()?).unwrap());
        assert_eq!((&header["alg"], &header["kid"]), (&json!("ES384"), &json!("own")));
        assert_eq!(
            (&claims["iss"], &claims["sub"], &claims["aud"]),
            (&json!("vuzol"), &json!("vuzol"), &json!(issuer))
        );
        assert_eq!(claims["exp"].as_i64().unwrap() - now.unix_timestamp(), 60);
        let signed = assertion.rsplit_once('.').unwrap().0;
        let value = crypto::signature::fixed::to_der(Curve::P384, &parts.next()?).unwrap();
        let es384 = TokenAlgorithm::Es384.signature();
        crypto::key::KeyHandle::public_key(&key).verify(es384, signed.as_bytes(), &value).unwrap();
        assert!(question.authorization.is_none());
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        None
    });
    assert!(line.logs_in().await.is_ok());
    assert_eq!(seen.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn claims_of_the_user_info_endpoint_are_those_of_the_same_person() {
    let line = Line::with(|_, config| config.user_info = true).await;
    line.stage.says(|claims| drop(claims.as_object_mut().unwrap().remove("drfocode")));
    assert_eq!(line.logs_in().await.unwrap().numbers.rnokpp.as_deref(), Some("0000000001"));
    for (answer, told) in [
        (json_answer("200 OK", &json!({ "sub": "person-2", "drfocode": "0000000001" })), ProviderError::OtherSubject),
        (json_answer("200 OK", &json!({ "drfocode": "0000000001" })), ProviderError::OtherSubject),
        (json_answer("200 OK", &json!({ "sub": "person-1", "drfocode": 1 })), ProviderError::Claims),
        (json_answer("403 Forbidden", &json!({})), ProviderError::Malformed),
        (http("200 OK", "content-type: application/jwt\r\n", b"eyJ.eyJ.AA"), ProviderError::Malformed),
        (json_answer("200 OK", &json!({ "sub": "person-1", "x": "y".repeat(70_000) })), ProviderError::Malformed),
    ] {
        line.stage.spoils(move |question| (question.path == "/me").then(|| Some(answer.clone())));
        assert_eq!(line.logs_in().await, Err(told));
    }
}

#[tokio::test]
async fn a_code_serves_once_and_only_with_what_it_was_asked_with() {
    let line = Line::new().await;
    let returned = line.returned().await;
    assert!(line.provider.identify(ASKED, &returned).await.is_ok());
    assert_eq!(line.provider.identify(ASKED, &returned).await, Err(ProviderError::CodeRefused));
    for other in [Asked { verifier: "another", ..ASKED }, Asked { redirect_uri: "https://cabinet.example/cb", ..ASKED }]
    {
        let returned = line.returned().await;
        assert_eq!(line.provider.identify(other, &returned).await, Err(ProviderError::CodeRefused));
    }
    let returned = line.returned().await;
    let other = Asked { nonce: "another", ..ASKED };
    assert_eq!(line.provider.identify(other, &returned).await, Err(TokenError::NonceOther.into()));
}

#[tokio::test]
async fn the_answer_of_another_provider_is_not_redeemed() {
    let line = Line::new().await;
    for issuer in [Some("https://evil.example".to_owned()), Some(String::new()), None] {
        let returned = Returned { issuer, ..line.returned().await };
        assert_eq!(line.provider.identify(ASKED, &returned).await, Err(ProviderError::MixUp));
    }
    assert_eq!(line.stage.asked("/token"), 0, "the code was shown to nobody");
}

#[tokio::test]
async fn another_key_is_found_and_names_that_are_made_up_make_nobody_ask() {
    let line = Line::new().await;
    assert!(line.logs_in().await.is_ok());
    line.clock.advance(AGAIN);
    line.stage.changes_key("k2");
    assert!(line.logs_in().await.is_ok(), "the provider changed its key");
    assert_eq!(line.stage.asked("/keys"), 2);
    // A token under a key that nobody publishes, again and again.
    let (issuer, made_up) = (line.stage.issuer.clone(), DevKey::generate("k9", TokenAlgorithm::Es256).unwrap());
    let now = line.clock.now().unix_timestamp();
    let claims = json!({ "iss": issuer, "sub": "x", "aud": "vuzol", "exp": now + 900, "iat": now, "nonce": "nonce" });
    let tokens = json!({ "access_token": "a", "token_type": "bearer", "id_token": made_up.token(&claims).unwrap() });
    line.stage.spoils(move |question| (question.path == "/token").then(|| Some(json_answer("200 OK", &tokens))));
    for _ in 0..5 {
        assert_eq!(line.logs_in().await, Err(TokenError::KeyUnknown.into()));
    }
    assert_eq!(line.stage.asked("/keys"), 2, "keys were asked for just now");
    line.clock.advance(AGAIN);
    for _ in 0..5 {
        assert_eq!(line.logs_in().await, Err(TokenError::KeyUnknown.into()));
    }
    assert_eq!(line.stage.asked("/keys"), 3);
    line.stage.behaves();
    assert!(line.logs_in().await.is_ok());
}

#[tokio::test]
async fn what_is_withdrawn_is_not_believed_for_longer_than_an_hour() {
    let line = Line::new().await;
    assert!(line.logs_in().await.is_ok());
    line.clock.advance(FRESH);
    let returned = line.returned().await;
    line.stage.spoils(|question| (question.path == "/keys").then(|| Some(http("500 No", "", b""))));
    assert_eq!(line.provider.identify(ASKED, &returned).await, Err(ProviderError::Unavailable));
}

/// What is answered at a path, and what is made of it.
type Spoilt = (&'static str, Option<Vec<u8>>, ProviderError);

#[tokio::test]
async fn a_provider_that_lies_is_not_believed_and_nobody_is_led_elsewhere() {
    let elsewhere = Liar::saying(|_| http("200 OK", "", b"{}")).await;
    let led = || http("302 Found", &format!("location: {}\r\n", elsewhere.url("x")), b"");
    let huge = |bytes: usize| http("200 OK", "", format!("{{\"x\":\"{}\"}}", "y".repeat(bytes)).as_bytes());
    let tokens = |value: Value| Some(json_answer("200 OK", &value));
    let (malformed, unavailable) = (ProviderError::Malformed, ProviderError::Unavailable);
    let cases: Vec<Spoilt> = vec![
        ("/token", Some(led()), malformed),
        ("/keys", Some(led()), malformed),
        ("/token", Some(huge(70_000)), malformed),
        ("/keys", Some(huge(KEYS_BYTES)), malformed),
        ("/token", None, unavailable),
        ("/keys", None, unavailable),
        ("/token", Some(Vec::new()), unavailable),
        ("/token", Some(http("500 No", "", b"{}")), unavailable),
        ("/token", Some(http("429 Later", "", b"{}")), unavailable),
        ("/token", Some(http("200 OK", "", b"<html>")), malformed),
        ("/token", Some(json_answer("401 No", &json!({ "error": "invalid_client" }))), unavailable),
        ("/token", Some(json_answer("400 No", &json!({ "error": "invalid_request" }))), malformed),
        ("/token", Some(json_answer("201 Created", &json!({}))), malformed),
        ("/token", tokens(json!({ "access_token": "a", "id_token": "x" })), malformed),
        ("/token", tokens(json!({ "access_token": "a", "token_type": "mac", "id_token": "x" })), malformed),
        ("/token", tokens(json!({ "access_token": "a", "token_type": "Bearer" })), malformed),
        ("/token", tokens(json!({ "token_type": "Bearer", "id_token": "x" })), malformed),
        (
            "/token",
            tokens(json!({ "access_token": "a", "token_type": "Bearer", "id_token": "x" })),
            TokenError::Malformed.into(),
        ),
        ("/keys", Some(json_answer("200 OK", &json!({ "keys": [] }))), malformed),
        ("/keys", Some(http("200 OK", "", b"not json")), malformed),
    ];
    for (path, reply, told) in cases {
        let line = Line::new().await;
        let returned = line.returned().await;
        let shown = reply.as_ref().map(|reply| String::from_utf8_lossy(&reply[..reply.len().min(60)]).into_owned());
        line.stage.spoils(move |question| (question.path == path).then(|| reply.clone()));
        assert_eq!(line.provider.identify(ASKED, &returned).await, Err(told), "{path} {shown:?}");
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn a_description_that_is_not_the_issuers_sends_nobody_anywhere() {
    let line = Line::new().await;
    let issuer = line.stage.issuer.clone();
    let with = |name: &str, value: Value| {
        let mut text = description(&issuer);
        text[name] = value;
        json_answer("200 OK", &text)
    };
    for answer in [
        with("issuer", json!("https://evil.example")),
        with("token_endpoint", json!("https://evil.example/token")),
        with("authorization_endpoint", json!("http://localhost/authorize")),
        with("code_challenge_methods_supported", json!(["plain"])),
        http("302 Found", "location: https://evil.example/\r\n", b""),
        http("404 Not Found", "", b"{}"),
        http("200 OK", "", b"[]"),
    ] {
        line.stage.spoils(move |_| Some(Some(answer.clone())));
        assert_eq!(line.provider.send(ASKED).await, Err(ProviderError::Malformed));
        let asked = line.stage.asked("/.well-known/openid-configuration");
        assert_eq!(line.provider.send(ASKED).await, Err(ProviderError::Malformed), "for a while it is not asked again");
        assert_eq!(line.stage.asked("/.well-known/openid-configuration"), asked);
        line.clock.advance(PAUSE);
    }
    line.stage.behaves();
    assert!(line.provider.send(ASKED).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_is_down_rests_and_is_found_again() {
    let line = Line::new().await;
    line.stage.spoils(|_| Some(Some(Vec::new())));
    let path = "/.well-known/openid-configuration";
    let mut asked = Vec::new();
    for _ in 0..5 {
        assert_eq!(line.provider.send(ASKED).await, Err(ProviderError::Unavailable));
        asked.push(line.stage.asked(path));
        line.clock.advance(PAUSE);
    }
    assert_eq!(asked[..3], [1, 2, 3]);
    assert_eq!(asked[3], 3, "left alone after three failures");
    line.stage.behaves();
    line.clock.advance(Duration::minutes(5));
    assert!(line.provider.send(ASKED).await.is_ok());
}

#[tokio::test]
async fn who_answers_in_its_place_needs_a_certificate_of_its_authorities() {
    let other = Line::new().await;
    let line = Line::with(|_, config| config.tls_roots = other.stage.config().tls_roots).await;
    assert_eq!(line.provider.send(ASKED).await, Err(ProviderError::Unavailable));
    assert_eq!(line.stage.asked("/.well-known/openid-configuration"), 0);
}

#[tokio::test]
async fn claims_that_do_not_fit_refuse_the_login() {
    let line = Line::with(|_, config| config.assurance = vec!["high".to_owned()]).await;
    for (name, value, told) in [
        ("acr", json!("low"), TokenError::Assurance.into()),
        ("aud", json!("another"), TokenError::Audience.into()),
        ("iss", json!("https://evil.example"), TokenError::Issuer.into()),
        ("drfocode", json!({}), ProviderError::Claims),
    ] {
        line.stage.says(move |claims| {
            claims["acr"] = "high".into();
            claims[name] = value.clone();
        });
        assert_eq!(line.logs_in().await, Err(told), "{name}");
    }
    line.stage.says(|claims| claims["acr"] = "high".into());
    assert_eq!(line.logs_in().await.unwrap().assurance.as_deref(), Some("high"));
}

#[tokio::test]
async fn a_secret_that_cannot_be_one_is_named_and_never_shown() {
    let clock = Arc::new(ManualClock::new(NOW));
    let stage = Stage::start(clock.clone()).await;
    let opened = |config: &ProviderConfig| OpenIdProvider::open(config, clock.clone()).err();
    assert_eq!(opened(&stage.config()), None);
    for text in ["", "\n", "two\nlines", &"x".repeat(20_000)] {
        let config = ProviderConfig { client_secret: Some(stage.file("wrong", text)), ..stage.config() };
        let error = opened(&config).unwrap();
        assert!(error.contains("client_secret") && !error.contains("lines"), "{error}");
    }
    let key = stage.file("key", "not a key");
    let config = ProviderConfig { client_secret: None, client_key: Some(key), ..stage.config() };
    assert!(opened(&config).unwrap().contains("client_key"));
    let config = ProviderConfig { tls_roots: stage.file("roots", "nothing"), ..stage.config() };
    assert!(opened(&config).unwrap().contains("tls_roots"));
}
