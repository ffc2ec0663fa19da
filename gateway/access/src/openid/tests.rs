use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::digest::hmac_sha256;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::address::HttpsAddress;
use super::dev::{DevKey, description, key_set};
use super::discovery::{DISCOVERY_BYTES, Discovery, DiscoveryError as D, Stated};
use super::keys::{KEYS_BYTES, KeysError, ProviderKeys, TokenAlgorithm as A};
use super::provider::{Asked, ProviderError, Returned};
use super::token::{Expected, IdToken, Rules, TOKEN_BYTES, TokenError as E};

const NOON: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);
const ISSUER: &str = "https://id.example/realm";
const CLIENT: &str = "vuzol";
const NONCE: &str = "nonce-of-this-login";
const ACCESS_TOKEN: &str = "access-token-beside-it";

fn rules() -> Rules {
    Rules {
        issuer: ISSUER.to_owned(),
        client: CLIENT.to_owned(),
        algorithms: A::ALL.to_vec(),
        assurance: Vec::new(),
        max_age: None,
    }
}

fn claims() -> Value {
    let now = NOON.unix_timestamp();
    json!({
        "iss": ISSUER, "sub": "person-1", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": NONCE,
        "drfocode": "0000000001",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn key(algorithm: A) -> DevKey {
    DevKey::generate("k1", algorithm).unwrap()
}

fn keys(of: &[&DevKey]) -> ProviderKeys {
    ProviderKeys::read(&key_set(of)).unwrap()
}

const EXPECTED: Expected<'static> = Expected { nonce: NONCE, access_token: Some(ACCESS_TOKEN), now: NOON };

/// A provider with one key, and rules for it.
struct Provider {
    key: DevKey,
    keys: ProviderKeys,
}

impl Provider {
    fn new() -> Self {
        let key = key(A::Es256);
        Self { keys: keys(&[&key]), key }
    }

    fn check(&self, rules: &Rules, token: &str) -> Result<IdToken, E> {
        rules.check(token, &self.keys, &EXPECTED)
    }

    /// What is told of a token with these claims.
    fn told(&self, claims: &Value) -> Option<E> {
        self.check(&rules(), &self.key.token(claims).unwrap()).err()
    }

    /// The same of a header.
    fn told_of_header(&self, header: &str) -> Option<E> {
        self.check(&rules(), &self.key.sign(header, &claims().to_string()).unwrap()).err()
    }
}

#[test]
fn a_token_of_every_algorithm_holds_under_its_own_key_and_no_other() {
    let all: Vec<_> = A::ALL.iter().map(|algorithm| (*algorithm, key(*algorithm))).collect();
    for (algorithm, own) in &all {
        let token = own.token(&claims()).unwrap();
        let found = rules().check(&token, &keys(&[own]), &EXPECTED).unwrap();
        assert_eq!((found.subject(), found.assurance()), ("person-1", None), "{algorithm:?}");
        let other = DevKey::generate("k1", *algorithm).unwrap();
        assert_eq!(rules().check(&token, &keys(&[&other]), &EXPECTED), Err(E::Signature), "{algorithm:?}");
        for (kind, foreign) in all.iter().filter(|(kind, _)| kind != algorithm) {
            let told = rules().check(&token, &keys(&[foreign]), &EXPECTED);
            assert_eq!(told, Err(E::KeyKind), "{algorithm:?} under a key for {kind:?}");
        }
        let believed = Rules { algorithms: A::ALL.iter().copied().filter(|a| a != algorithm).collect(), ..rules() };
        assert_eq!(believed.check(&token, &keys(&[own]), &EXPECTED), Err(E::Algorithm), "{algorithm:?}");
    }
}

#[test]
fn no_octet_of_a_token_can_be_changed() {
    let provider = Provider::new();
    let token = provider.key.token(&claims()).unwrap();
    assert!(provider.check(&rules(), &token).is_ok());
    for place in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(provider.check(&rules(), &altered).is_err(), "octet {place}");
    }
    for end in 0..token.len() {
        assert!(provider.check(&rules(), &token[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn algorithms_that_prove_nothing_are_refused() {
    let provider = Provider::new();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let payload = part(&claims().to_string());
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = part(&json!({ "alg": none, "kid": "k1" }).to_string());
        for value in ["", "AA"] {
            let told = provider.check(&rules(), &format!("{header}.{payload}.{value}")).err();
            assert_eq!(told, Some(E::Algorithm), "{none:?}");
        }
    }
    // The public key as the secret of a code: in each form in which somebody might have it.
    let public = provider.key.public_key();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", part("x"));
    let jwk = provider.key.jwk().to_string();
    for secret in [public.spki_der(), public.subject_public_key(), pem.as_bytes(), jwk.as_bytes()] {
        let header = part(&json!({ "alg": "HS256", "kid": "k1" }).to_string());
        let signed = format!("{header}.{payload}");
        let value = URL_SAFE_NO_PAD.encode(hmac_sha256(secret, signed.as_bytes()));
        assert_eq!(provider.check(&rules(), &format!("{signed}.{value}")).err(), Some(E::Algorithm));
    }
    for other in ["HS512", "RS1", "ES256K", "es256", "RS512", "ES512"] {
        assert_eq!(provider.told_of_header(&json!({ "alg": other }).to_string()), Some(E::Algorithm), "{other}");
    }
    // A value of zeros, which careless verification of ECDSA takes for anything (CVE-2022-21449).
    let token = provider.key.token(&claims()).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    assert_eq!(provider.check(&rules(), &format!("{signed}.{zeros}")).err(), Some(E::Signature));
}

#[test]
fn a_header_says_what_is_known_and_brings_no_key() {
    let provider = Provider::new();
    let header = |name: &str, value: Value| {
        let mut header = provider.key.header();
        header[name] = value;
        header.to_string()
    };
    let own = DevKey::generate("k1", A::Es256).unwrap();
    for (header, told) in [
        (header("crit", json!(["exp"])), E::Critical),
        (header("crit", json!([])), E::Critical),
        (header("b64", json!(false)), E::Critical),
        (header("typ", json!("at+jwt")), E::Kind),
        (header("typ", json!("logout+jwt")), E::Kind),
        (header("cty", json!("JWT")), E::Kind),
        (header("typ", json!(1)), E::Malformed),
        (header("jwk", own.jwk()), E::BringsKey),
        (header("jku", json!("https://evil.example/keys")), E::BringsKey),
        (header("x5u", json!("https://evil.example/c")), E::BringsKey),
        (header("x5c", json!(["AA"])), E::BringsKey),
        (header("kid", json!("k2")), E::KeyUnknown),
        (header("kid", json!("../../dev/null")), E::KeyUnknown),
        (header("kid", json!("' OR 1=1 --")), E::KeyUnknown),
        (header("kid", json!("k".repeat(257))), E::Malformed),
        (header("kid", json!(["k1"])), E::Malformed),
        (r#"{"alg":"ES256","alg":"ES256","kid":"k1"}"#.to_owned(), E::Malformed),
        (r#"{"alg":"none","alg":"ES256","kid":"k1"}"#.to_owned(), E::Malformed),
        (r#"{"kid":"k1"}"#.to_owned(), E::Malformed),
        (r#"["ES256"]"#.to_owned(), E::Malformed),
        (String::new(), E::Malformed),
    ] {
        assert_eq!(provider.told_of_header(&header), Some(told), "{header}");
    }
    for typ in ["JWT", "jwt"] {
        assert_eq!(provider.told_of_header(&header("typ", json!(typ))), None);
    }
    assert_eq!(provider.told_of_header(r#"{"alg":"ES256"}"#), None, "the one key that there is");
    // A key that the token brings does not count, whoever signed with it.
    let brought = json!({ "alg": "ES256", "jwk": own.jwk() }).to_string();
    assert_eq!(provider.check(&rules(), &own.sign(&brought, &claims().to_string()).unwrap()).err(), Some(E::BringsKey));
}

#[test]
fn a_token_is_of_this_issuer_for_this_client_and_for_nobody_beside_it() {
    let provider = Provider::new();
    for (claims, told) in [
        (with("iss", json!("https://id.example/realm/")), E::Issuer),
        (with("iss", json!("https://id.example")), E::Issuer),
        (with("iss", json!("https://evil.example/realm")), E::Issuer),
        (with("iss", json!([ISSUER])), E::Claims),
        (without("iss"), E::Claims),
        (with("aud", json!("another")), E::Audience),
        (with("aud", json!("Vuzol")), E::Audience),
        (with("aud", json!([])), E::Audience),
        (with("aud", json!([CLIENT, "another"])), E::Audience),
        (with("aud", json!(["another", CLIENT])), E::Audience),
        (with("aud", json!([CLIENT, CLIENT])), E::Audience),
        (with("aud", json!([[CLIENT]])), E::Audience),
        (with("aud", json!({ "vuzol": true })), E::Claims),
        (without("aud"), E::Claims),
        (with("azp", json!("another")), E::AuthorisedParty),
        (with("azp", json!([CLIENT])), E::Claims),
        (with("sub", json!("")), E::Claims),
        (with("sub", json!(1)), E::Claims),
        (with("sub", json!("a".repeat(256))), E::Claims),
        (with("sub", json!("особа")), E::Claims),
        (without("sub"), E::Claims),
    ] {
        assert_eq!(provider.told(&claims), Some(told), "{claims}");
    }
    assert_eq!(provider.told(&with("aud", json!([CLIENT]))), None);
    assert_eq!(provider.told(&with("azp", json!(CLIENT))), None);
}

#[test]
fn a_token_is_of_now() {
    let (provider, now) = (Provider::new(), NOON.unix_timestamp());
    for (claims, told) in [
        (with("exp", json!(now - 60)), Some(E::Expired)),
        (with("exp", json!(now - 59)), None),
        (with("exp", json!(0)), Some(E::Expired)),
        (with("exp", json!(i64::MIN)), Some(E::Expired)),
        (with("exp", json!(i64::MAX)), None),
        (with("exp", json!((now + 300).to_string())), Some(E::Claims)),
        (with("exp", json!(1e18)), Some(E::Claims)),
        (without("exp"), Some(E::Claims)),
        (with("iat", json!(now + 60)), None),
        (with("iat", json!(now + 61)), Some(E::NotYet)),
        (with("iat", json!(i64::MAX)), Some(E::NotYet)),
        (with("iat", json!(now - 660)), None),
        (with("iat", json!(now - 661)), Some(E::Old)),
        (with("iat", json!(i64::MIN)), Some(E::Old)),
        (without("iat"), Some(E::Claims)),
        (with("nbf", json!(now + 60)), None),
        (with("nbf", json!(now + 61)), Some(E::NotYet)),
        (with("nbf", json!("soon")), Some(E::Claims)),
        (with("auth_time", json!(now + 61)), Some(E::AuthenticationAge)),
        (with("auth_time", json!(now - 100_000)), None),
    ] {
        assert_eq!(provider.told(&claims), told, "{claims}");
    }
}

#[test]
fn a_token_is_of_this_login() {
    let provider = Provider::new();
    for (claims, told) in [
        (without("nonce"), E::NonceMissing),
        (with("nonce", json!("nonce-of-another-login")), E::NonceOther),
        (with("nonce", json!("")), E::NonceOther),
        (with("nonce", json!("nonce-of-this-logi")), E::NonceOther),
        (with("nonce", json!([NONCE])), E::Claims),
        (with("nonce", Value::Null), E::Claims),
    ] {
        assert_eq!(provider.told(&claims), Some(told), "{claims}");
    }
}

#[test]
fn how_and_when_the_person_was_authenticated_is_held_to_what_was_asked() {
    let (provider, now) = (Provider::new(), NOON.unix_timestamp());
    let told = |rules: &Rules, claims: &Value| provider.check(rules, &provider.key.token(claims).unwrap()).err();
    let strict = Rules { assurance: vec!["high".to_owned(), "substantial".to_owned()], ..rules() };
    for (claims, expected) in [
        (with("acr", json!("high")), None),
        (with("acr", json!("substantial")), None),
        (with("acr", json!("low")), Some(E::Assurance)),
        (with("acr", json!("HIGH")), Some(E::Assurance)),
        (with("acr", json!("high substantial")), Some(E::Assurance)),
        (with("acr", json!(["high"])), Some(E::Claims)),
        (claims(), Some(E::Assurance)),
    ] {
        assert_eq!(told(&strict, &claims), expected, "{claims}");
    }
    let fresh = Rules { max_age: Some(300), ..rules() };
    for (claims, expected) in [
        (with("auth_time", json!(now - 360)), None),
        (with("auth_time", json!(now - 361)), Some(E::AuthenticationAge)),
        (with("auth_time", json!(i64::MIN)), Some(E::AuthenticationAge)),
        (with("auth_time", json!("now")), Some(E::Claims)),
        (claims(), Some(E::AuthenticationAge)),
    ] {
        assert_eq!(told(&fresh, &claims), expected, "{claims}");
    }
}

#[test]
fn a_digest_of_the_access_token_is_that_of_the_one_that_came() {
    for algorithm in [A::Es256, A::Es384, A::EdDsa] {
        let own = key(algorithm);
        let hash = |token: &str| {
            let digest = crypto::digest::digest(algorithm.digest(), token.as_bytes());
            URL_SAFE_NO_PAD.encode(&digest.as_bytes()[..digest.as_bytes().len() / 2])
        };
        let told = |hash: Value, access_token| {
            let token = own.token(&with("at_hash", hash)).unwrap();
            rules().check(&token, &keys(&[&own]), &Expected { access_token, ..EXPECTED }).err()
        };
        assert_eq!(told(json!(hash(ACCESS_TOKEN)), Some(ACCESS_TOKEN)), None, "{algorithm:?}");
        for (hash, access_token) in [
            (json!(hash("another")), Some(ACCESS_TOKEN)),
            (json!(hash(ACCESS_TOKEN)), Some("another")),
            (json!(hash(ACCESS_TOKEN)), None),
            (json!(""), Some(ACCESS_TOKEN)),
            (json!(&hash(ACCESS_TOKEN)[..8]), Some(ACCESS_TOKEN)),
        ] {
            assert_eq!(told(hash.clone(), access_token), Some(E::AccessToken), "{algorithm:?} {hash}");
        }
    }
}

#[test]
fn claims_stand_once_and_a_token_is_bounded() {
    let provider = Provider::new();
    let told = |payload: &str| {
        let token = provider.key.sign(&provider.key.header().to_string(), payload).unwrap();
        provider.check(&rules(), &token).err()
    };
    let text = claims().to_string();
    for twice in
        [r#""sub":"person-2","#, r#""iss":"https://evil.example","#, r#""drfocode":"0000000002","#, r#""x":1,"x":1,"#]
    {
        assert_eq!(told(&text.replacen('{', &format!("{{{twice}"), 1)), Some(E::Malformed), "{twice}");
    }
    for payload in ["", "null", "[]", "{", &format!("{text} "), &format!("{text}x"), "\u{feff}{}"] {
        let expected = if payload == format!("{text} ") { None } else { Some(E::Malformed) };
        assert_eq!(told(payload), expected, "{payload}");
    }
    let deep = text.replacen('{', &format!("{{\"x\":{}1{},", "[".repeat(50), "]".repeat(50)), 1);
    assert_eq!(told(&deep), Some(E::Malformed));
    assert_eq!(provider.told(&with("x", json!("y".repeat(TOKEN_BYTES)))), Some(E::TooLong));
    let token = provider.key.token(&claims()).unwrap();
    for altered in [
        format!("{token}="),
        format!("{token}.AA"),
        format!("{token}.AA.AA"),
        token.replace('.', ". "),
        token.replacen('.', "", 1),
        format!(".{token}"),
        token.replace('-', "+").replace('_', "/") + "!",
    ] {
        assert!(matches!(provider.check(&rules(), &altered), Err(E::Malformed)), "{altered}");
    }
}

#[test]
fn the_key_that_is_meant_is_found_or_none_is() {
    let (one, two) = (DevKey::generate("k1", A::Es256).unwrap(), DevKey::generate("k2", A::Es256).unwrap());
    let (same, rsa) = (DevKey::generate("k1", A::Es256).unwrap(), DevKey::generate("k1", A::Rs256).unwrap());
    let check = |token: &str, of: &[&DevKey]| rules().check(token, &keys(of), &EXPECTED).map(|_| ());
    let token = two.token(&claims()).unwrap();
    assert_eq!(check(&token, &[&one, &two]), Ok(()));
    assert_eq!(check(&token, &[&one]), Err(E::KeyUnknown));
    assert_eq!(check(&one.token(&claims()).unwrap(), &[&one, &rsa]), Ok(()), "one name, two kinds");
    assert_eq!(check(&one.token(&claims()).unwrap(), &[&one, &same]), Err(E::KeyAmbiguous));
    let nameless = one.sign(r#"{"alg":"ES256"}"#, &claims().to_string()).unwrap();
    assert_eq!(check(&nameless, &[&one, &rsa]), Ok(()));
    assert_eq!(check(&nameless, &[&one, &two]), Err(E::KeyAmbiguous));
    let unknown = |token: &str, of: &[&DevKey]| rules().names_unknown_key(token, &keys(of));
    assert!(unknown(&token, &[&one]) && !unknown(&token, &[&one, &two]));
    assert!(
        !unknown("nonsense", &[&one]) && !unknown(&two.sign(r#"{"alg":"HS256","kid":"k9"}"#, "{}").unwrap(), &[&one])
    );
}

#[test]
fn keys_that_are_of_no_use_are_passed_over_and_a_set_is_bounded() {
    let own = key(A::Es256);
    let count = |set: Value| ProviderKeys::read(set.to_string().as_bytes()).map(|keys| keys.count());
    let beside = |members: Value| {
        let mut jwk = own.jwk();
        members.as_object().unwrap().iter().for_each(|(name, value)| jwk[name] = value.clone());
        count(json!({ "keys": [jwk] }))
    };
    assert_eq!(beside(json!({})), Ok(1));
    assert_eq!(beside(json!({ "key_ops": ["verify"], "unknown": { "x": [1] } })), Ok(1));
    let other = key(A::Es256).jwk();
    for useless in [
        json!({ "use": "enc" }),
        json!({ "use": 1 }),
        json!({ "key_ops": ["sign"] }),
        json!({ "key_ops": "verify" }),
        json!({ "d": "AA" }),
        json!({ "kty": "oct", "k": "AA" }),
        json!({ "kty": "EC2" }),
        json!({ "kty": 1 }),
        json!({ "crv": "P-521" }),
        json!({ "crv": "secp256k1" }),
        json!({ "x": "AA" }),
        json!({ "x": other["x"] }),
        json!({ "y": format!("{}=", own.jwk()["y"].as_str().unwrap()) }),
        json!({ "kid": "k".repeat(300) }),
    ] {
        assert_eq!(beside(useless.clone()), Err(KeysError::NoneOfUse), "{useless}");
    }
    let rsa = key(A::Rs256).jwk();
    assert_eq!(count(json!({ "keys": [rsa.clone()] })), Ok(1));
    let small = URL_SAFE_NO_PAD.encode([0xff; 128]);
    for (name, value) in [("n", small.as_str()), ("e", "AQ"), ("e", ""), ("n", "")] {
        let mut weak = rsa.clone();
        weak[name] = value.into();
        assert_eq!(count(json!({ "keys": [weak.clone(), own.jwk()] })), Ok(1), "{name} {value}");
        assert_eq!(count(json!({ "keys": [weak] })), Err(KeysError::NoneOfUse));
    }
    assert_eq!(count(json!({ "keys": [1, null, "x", [], {}, own.jwk()] })), Ok(1));
    assert_eq!(count(json!({ "keys": vec![own.jwk(); 64] })), Ok(64));
    for set in [json!({ "keys": vec![own.jwk(); 65] }), json!({ "keys": {} }), json!({}), json!([])] {
        assert_eq!(count(set), Err(KeysError::Unreadable));
    }
    let long = json!({ "keys": [own.jwk()], "x": "y".repeat(KEYS_BYTES) });
    assert_eq!(count(long), Err(KeysError::Unreadable));
}

fn stated() -> Stated {
    let issuer = HttpsAddress::parse(ISSUER).unwrap();
    let hosts = [issuer.authority().to_owned(), "keys.example:8443".to_owned()].into();
    Stated { issuer, hosts, algorithms: vec![A::Es256] }
}

#[test]
fn a_description_is_of_the_issuer_and_leads_nowhere_else() {
    let read = |name: &str, value: Value| {
        let mut text = description(ISSUER);
        match value {
            Value::Null => drop(text.as_object_mut().unwrap().remove(name)),
            value => text[name] = value,
        }
        Discovery::read(text.to_string().as_bytes(), &stated()).err()
    };
    assert_eq!(read("", Value::Null), None);
    for (name, value, told) in [
        ("issuer", json!("https://id.example/realm/"), D::OtherIssuer),
        ("issuer", json!("https://evil.example"), D::OtherIssuer),
        ("issuer", Value::Null, D::Unreadable),
        ("token_endpoint", Value::Null, D::EndpointMissing),
        ("jwks_uri", Value::Null, D::EndpointMissing),
        ("authorization_endpoint", Value::Null, D::EndpointMissing),
        ("token_endpoint", json!("https://evil.example/token"), D::EndpointElsewhere),
        ("token_endpoint", json!("http://id.example/token"), D::EndpointElsewhere),
        ("token_endpoint", json!("https://id.example:8443/token"), D::EndpointElsewhere),
        ("token_endpoint", json!("https://id.example@evil.example/"), D::EndpointElsewhere),
        ("jwks_uri", json!("https://169.254.169.254/latest"), D::EndpointElsewhere),
        ("jwks_uri", json!("file:///etc/passwd"), D::EndpointElsewhere),
        ("userinfo_endpoint", json!("https://evil.example/me"), D::EndpointElsewhere),
        ("authorization_endpoint", json!("javascript:alert(1)"), D::EndpointElsewhere),
        ("authorization_endpoint", json!(["https://id.example/"]), D::Unreadable),
        ("response_types_supported", json!(["id_token"]), D::NotServed),
        ("response_types_supported", json!("code"), D::Unreadable),
        ("code_challenge_methods_supported", json!(["plain"]), D::NotServed),
        ("id_token_signing_alg_values_supported", json!(["RS256", "HS256", "none"]), D::NotServed),
        ("id_token_signing_alg_values_supported", Value::Null, D::NotServed),
    ] {
        assert_eq!(read(name, value.clone()), Some(told), "{name} {value}");
    }
    assert_eq!(read("jwks_uri", json!("https://keys.example:8443/keys")), None, "a host that the operator named");
    assert_eq!(read("code_challenge_methods_supported", Value::Null), None);
    assert_eq!(read("userinfo_endpoint", Value::Null), None);
    assert_eq!(read("x", json!("y".repeat(DISCOVERY_BYTES))), Some(D::Unreadable));
    let twice = description(ISSUER).to_string().replacen('{', &format!("{{\"issuer\":\"{ISSUER}\","), 1);
    assert_eq!(Discovery::read(twice.as_bytes(), &stated()), Err(D::Unreadable));
    assert_eq!(stated().description(), "https://id.example/realm/.well-known/openid-configuration");
}

#[test]
fn a_request_carries_what_binds_the_answer_and_no_secret() {
    let discovery = Discovery::read(description(ISSUER).to_string().as_bytes(), &stated()).unwrap();
    let redirect_uri = "https://office.example/v1/logins/openid/gov/callback";
    let asked = Asked { redirect_uri, state: "s", nonce: "n", verifier: "verifier" };
    let strict = Rules { assurance: vec!["high".to_owned(), "substantial".to_owned()], max_age: Some(300), ..rules() };
    let scopes = ["openid".to_owned(), "profile".to_owned()];
    let address = strict.authorization_request(&discovery, &scopes, &asked);
    assert_eq!(
        address,
        "https://id.example/realm/authorize?response_type=code&client_id=vuzol\
         &redirect_uri=https%3A%2F%2Foffice.example%2Fv1%2Flogins%2Fopenid%2Fgov%2Fcallback&scope=openid%20profile&state=s&nonce=n\
         &code_challenge=iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ&code_challenge_method=S256\
         &acr_values=high%20substantial&max_age=300"
    );
    assert!(!address.contains("verifier"));
    assert!(!rules().authorization_request(&discovery, &scopes, &asked).contains("acr_values"));
}

#[test]
fn the_answer_of_another_provider_is_none() {
    let read = |says: bool| {
        let mut text = description(ISSUER);
        text["authorization_response_iss_parameter_supported"] = says.into();
        Discovery::read(text.to_string().as_bytes(), &stated()).unwrap()
    };
    let told = |says, issuer: Option<&str>| {
        let returned = Returned { code: "c".to_owned(), issuer: issuer.map(str::to_owned) };
        rules().is_of_issuer(&read(says), &returned)
    };
    assert_eq!(told(true, Some(ISSUER)), Ok(()));
    assert_eq!(told(false, Some(ISSUER)), Ok(()));
    assert_eq!(told(false, None), Ok(()));
    assert_eq!(told(true, None), Err(ProviderError::MixUp), "one that always names itself");
    for other in ["https://evil.example", "https://id.example/realm/", ""] {
        assert_eq!(told(false, Some(other)), Err(ProviderError::MixUp), "{other}");
    }
}
