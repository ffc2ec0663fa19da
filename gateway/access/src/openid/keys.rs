//! A provider's keys: a JWK Set (RFC 7517), and the closed list of algorithms (RFC 7518, RFC 8037).

use std::collections::BTreeMap;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyKind, PublicKey};
use crypto::signature::{SignatureAlgorithm, fixed};

use super::json::{self, Json, Object};

/// Longest set of keys. Real ones have 1 to 10 kB; some bring certificates along.
pub const KEYS_BYTES: usize = 128 * 1024;

/// Keys of one set that are looked at. Providers have two to six.
const KEYS: usize = 64;

/// Smallest modulus (RFC 7518, 3.3).
const RSA_BITS: u32 = 2048;

/// Largest modulus: its verification is our work.
const LARGEST_RSA_BITS: u32 = 8192;

/// Longest name of a key.
pub(super) const NAME_BYTES: usize = 256;

macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Algorithms of ID tokens. `none` and codes under a shared secret (HS256 and the like) are no members.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum TokenAlgorithm { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl TokenAlgorithm {
            /// Every algorithm.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name in JOSE.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

algorithms! {
    /// ECDSA with P-256 and SHA-256.
    Es256 = "ES256";
    /// ECDSA with P-384 and SHA-384.
    Es384 = "ES384";
    /// Ed25519.
    EdDsa = "EdDSA";
    /// RSASSA-PSS with SHA-256.
    Ps256 = "PS256";
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 = "RS256";
}

/// The text names no algorithm of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an algorithm of ID tokens that is believed")]
pub struct UnknownAlgorithm;

impl FromStr for TokenAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

impl TokenAlgorithm {
    /// What it is to the crypto room.
    #[must_use]
    pub fn signature(self) -> SignatureAlgorithm {
        match self {
            Self::Es256 => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
            Self::Es384 => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384),
            Self::EdDsa => SignatureAlgorithm::Ed25519,
            Self::Ps256 => {
                let digest = DigestAlgorithm::Sha256;
                SignatureAlgorithm::RsaPss { digest, mgf_digest: digest, salt_len: 32 }
            }
            Self::Rs256 => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
        }
    }

    /// The digest of `at_hash` (Core, 3.1.3.6): that of the algorithm; Ed25519 has SHA-512 inside (RFC 8032, 5.1).
    pub(super) fn digest(self) -> DigestAlgorithm {
        match self {
            Self::Es256 | Self::Ps256 | Self::Rs256 => DigestAlgorithm::Sha256,
            Self::Es384 => DigestAlgorithm::Sha384,
            Self::EdDsa => DigestAlgorithm::Sha512,
        }
    }

    /// The algorithm goes with this kind of key and no other: the key decides, not the token (RFC 8725, 3.1).
    fn is_of(self, kind: KeyKind) -> bool {
        match self {
            Self::Es256 => kind == KeyKind::Ec(Curve::P256),
            Self::Es384 => kind == KeyKind::Ec(Curve::P384),
            Self::EdDsa => kind == KeyKind::Ed25519,
            Self::Ps256 | Self::Rs256 => matches!(kind, KeyKind::Rsa { .. }),
        }
    }

    fn curve(self) -> Option<Curve> {
        match self {
            Self::Es256 => Some(Curve::P256),
            Self::Es384 => Some(Curve::P384),
            Self::EdDsa | Self::Ps256 | Self::Rs256 => None,
        }
    }
}

/// Why a set of keys is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not a JWK Set within the bounds.
    #[error("the set of keys cannot be read")]
    Unreadable,
    /// None of its keys can verify anything here.
    #[error("the set has no key that is of use")]
    NoneOfUse,
}

/// Why no key of the set was taken for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// The set has none of the name.
    Unknown,
    /// One of the name is there, and is no key of the algorithm.
    OtherKind,
    /// Several could be meant.
    Ambiguous,
}

/// Keys of a provider that can verify a token.
#[derive(Debug, Clone)]
pub struct ProviderKeys(Vec<ProviderKey>);

#[derive(Debug, Clone)]
struct ProviderKey {
    name: Option<String>,
    /// Where the provider binds it to one.
    algorithm: Option<String>,
    key: PublicKey,
}

impl ProviderKeys {
    /// Reads a set. Keys of unknown kinds, for other uses, too small, malformed, or published with their private half are passed over
    /// (RFC 7517, 5).
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn read(bytes: &[u8]) -> Result<Self, KeysError> {
        let members = json::object(bytes, KEYS_BYTES).map_err(|_| KeysError::Unreadable)?;
        let keys = members.get("keys").and_then(Json::list).ok_or(KeysError::Unreadable)?;
        if keys.len() > KEYS {
            return Err(KeysError::Unreadable);
        }
        let of_use = keys.iter().filter_map(|key| if let Json::Object(key) = key { read(key) } else { None });
        let of_use: Vec<_> = of_use.collect();
        if of_use.is_empty() { Err(KeysError::NoneOfUse) } else { Ok(Self(of_use)) }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The one key of this name that goes with the algorithm; where the token names none, the one key of the set that does.
    pub(super) fn find(&self, name: Option<&str>, algorithm: TokenAlgorithm) -> Result<&PublicKey, NoKey> {
        let named = || self.0.iter().filter(|key| name.is_none() || key.name.as_deref() == name);
        let goes = |key: &&ProviderKey| {
            algorithm.is_of(key.key.kind()) && key.algorithm.as_deref().is_none_or(|bound| bound == algorithm.as_str())
        };
        let mut found = named().filter(goes);
        match (found.next(), found.next()) {
            (Some(key), None) => Ok(&key.key),
            (Some(_), Some(_)) => Err(NoKey::Ambiguous),
            (None, _) if named().next().is_some() => Err(NoKey::OtherKind),
            (None, _) => Err(NoKey::Unknown),
        }
    }
}

/// Whether the value of a JWS verifies (RFC 7515, 5.2; RFC 7518, 3.4: r || s).
pub(super) fn verifies(key: &PublicKey, algorithm: TokenAlgorithm, message: &[u8], value: &[u8]) -> bool {
    let signature = algorithm.signature();
    match algorithm.curve() {
        Some(curve) => fixed::to_der(curve, value).is_some_and(|der| key.verify(signature, message, &der).is_ok()),
        None => key.verify(signature, message, value).is_ok(),
    }
}

/// One JWK, where it is of use.
fn read(members: &BTreeMap<String, Json>) -> Option<ProviderKey> {
    let text =
        |name: &str| members.get(name).map(|value| value.text()).map_or(Ok(None), |text| text.map(Some).ok_or(()));
    let for_signatures = text("use").ok()?.is_none_or(|used| used == "sig");
    let verifies = match members.get("key_ops") {
        None => true,
        Some(operations) => operations.list()?.iter().any(|operation| operation.text() == Some("verify")),
    };
    // Whose private half everybody can read, proves nothing.
    let is_private = ["d", "p", "q", "k"].iter().any(|name| members.contains_key(*name));
    if !for_signatures || !verifies || is_private {
        return None;
    }
    let name = text("kid").ok()?.map(str::to_owned);
    if name.as_ref().is_some_and(|name| name.len() > NAME_BYTES) {
        return None;
    }
    let algorithm = text("alg").ok()?.map(str::to_owned);
    public_key(members).map(|key| ProviderKey { name, algorithm, key })
}

fn public_key(members: &Object) -> Option<PublicKey> {
    let number = |name: &str| URL_SAFE_NO_PAD.decode(members.get(name)?.text()?).ok();
    let kind = members.get("kty")?.text()?;
    match (kind, members.get("crv").and_then(Json::text)) {
        ("RSA", _) => {
            let key = PublicKey::from_rsa_numbers(&number("n")?, &number("e")?).ok()?;
            let is_sound = matches!(key.kind(), KeyKind::Rsa { bits } if (RSA_BITS..=LARGEST_RSA_BITS).contains(&bits));
            is_sound.then_some(key)
        }
        ("EC", Some("P-256")) => PublicKey::from_coordinates(Curve::P256, &number("x")?, &number("y")?).ok(),
        ("EC", Some("P-384")) => PublicKey::from_coordinates(Curve::P384, &number("x")?, &number("y")?).ok(),
        ("OKP", Some("Ed25519")) => PublicKey::from_ed25519(&number("x")?).ok(),
        _ => None,
    }
}
