//! Those of what an identity provider says: its description, its keys, its tokens.

use std::sync::LazyLock;

use access::openid::address::HttpsAddress;
use access::openid::claims::ClaimNames;
use access::openid::dev::{DevKey, description, key_set};
use access::openid::discovery::{Discovery, Stated};
use access::openid::json;
use access::openid::keys::{ProviderKeys, TokenAlgorithm};
use access::openid::token::{Expected, Rules};
use time::OffsetDateTime;
use time::macros::datetime;

use super::Target;

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "openid_token", seeds: token_seeds, run: openid_token },
    Target { name: "openid_keys", seeds: keys_seeds, run: openid_keys },
    Target { name: "openid_description", seeds: description_seeds, run: openid_description },
    Target { name: "openid_claims", seeds: claims_seeds, run: openid_claims },
];

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
const ISSUER: &str = "https://id.example/realm";

struct World {
    keys: Vec<DevKey>,
    read: ProviderKeys,
    tokens: Vec<String>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let algorithms = [TokenAlgorithm::Es256, TokenAlgorithm::Es384, TokenAlgorithm::EdDsa, TokenAlgorithm::Rs256];
    let keys = algorithms.map(|algorithm| DevKey::generate(algorithm.as_str(), algorithm).expect("a key"));
    let now = NOW.unix_timestamp();
    let claims = serde_json::json!({
        "iss": ISSUER, "sub": "1", "aud": "vuzol", "exp": now + 300, "iat": now, "nonce": "n", "drfocode": "0000000001",
    });
    let tokens = keys.iter().map(|key| key.token(&claims).expect("a token")).collect();
    let read = ProviderKeys::read(&key_set(&keys.iter().collect::<Vec<_>>())).expect("keys");
    World { keys: Vec::from(keys), read, tokens }
});

fn rules() -> Rules {
    Rules {
        issuer: ISSUER.to_owned(),
        client: "vuzol".to_owned(),
        algorithms: TokenAlgorithm::ALL.to_vec(),
        assurance: Vec::new(),
        max_age: None,
    }
}

/// Tokens under keys that are known: only what was signed is believed.
pub fn openid_token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let world = &*WORLD;
    let expected = Expected { nonce: "n", access_token: Some("a"), now: NOW };
    if let Ok(token) = rules().check(text, &world.read, &expected) {
        let (signed, _) = text.rsplit_once('.').expect("three parts");
        assert!(world.tokens.iter().any(|own| own.rsplit_once('.').is_some_and(|(own, _)| own == signed)));
        assert_eq!(token.subject(), "1");
    }
    let _ = rules().names_unknown_key(text, &world.read);
}

fn token_seeds() -> Vec<Vec<u8>> {
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.";
    WORLD.tokens.iter().map(|token| token.clone().into_bytes()).chain([none.into()]).collect()
}

/// Sets of keys: what is read is of a kind that is believed.
pub fn openid_keys(data: &[u8]) {
    if let Ok(keys) = ProviderKeys::read(data) {
        assert!((1..=64).contains(&keys.count()));
    }
}

fn keys_seeds() -> Vec<Vec<u8>> {
    let keys: Vec<&DevKey> = WORLD.keys.iter().collect();
    keys.iter().map(|key| key_set(&[key])).chain([key_set(&keys)]).collect()
}

/// Descriptions: whatever is in one, it leads to the hosts that were named.
pub fn openid_description(data: &[u8]) {
    let issuer = HttpsAddress::parse(ISSUER).expect("an address");
    let hosts = [issuer.authority().to_owned()].into();
    let stated = Stated { issuer, hosts, algorithms: vec![TokenAlgorithm::Es256] };
    if let Ok(read) = Discovery::read(data, &stated) {
        for address in [read.authorization(), read.token(), read.keys()].into_iter().chain(read.user_info()) {
            assert_eq!(address.authority(), "id.example:443");
            assert!(address.as_str().starts_with("https://id.example"));
        }
    }
    if let Some(address) = std::str::from_utf8(data).ok().and_then(HttpsAddress::parse) {
        assert!(address.as_str().starts_with("https://") && !address.authority().contains('@'));
    }
}

fn description_seeds() -> Vec<Vec<u8>> {
    let whole = description(ISSUER).to_string();
    vec![whole.into_bytes(), b"https://id.example:8443/a?b=c".to_vec(), b"https://[::1]:9/".to_vec()]
}

/// Claims: a number that is picked is one that stands there.
pub fn openid_claims(data: &[u8]) {
    let Ok(claims) = json::object(data, 4096) else { return };
    if let Ok((numbers, _)) = ClaimNames::default().pick(&claims) {
        let stands = |name: &str, number: &Option<String>| {
            number.as_deref().is_none_or(|number| claims.get(name).and_then(json::Json::text) == Some(number))
        };
        assert!(stands("drfocode", &numbers.rnokpp) && stands("unzr", &numbers.unzr));
    }
}

fn claims_seeds() -> Vec<Vec<u8>> {
    vec![
        br#"{"sub":"1","drfocode":"0000000001","edrpoucode":"00000001","unzr":"19900101-00001"}"#.to_vec(),
        br#"{"drfocode":"0000000001","edrpoucode":"0000000001","x":[{"y":[null,1.5,-7,true]}]}"#.to_vec(),
    ]
}
