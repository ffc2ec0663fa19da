//! The ID token (OpenID Connect Core 1.0, 2 and 3.1.3.7; RFC 7515, RFC 7519, RFC 8725): a JWS in compact form, and what must hold of its claims.
//!
//! Cheap refusals come before the signature, and nothing of a claim is looked at before it. Where this is narrower than the standard:
//!
//! - one audience: the client, and nobody beside it (Core, 3.1.3.7, 3 lets a client trust others);
//! - header members that bring or name a key (`jwk`, `jku`, `x5c`, `x5u`) refuse the token instead of being passed over (Core, 2: SHOULD NOT);
//! - times are whole seconds (RFC 7519, 2 allows fractions, which nobody sends);
//! - a token may have been issued ten minutes ago at most: it is redeemed in the moment in which it is issued.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::digest::digest;
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use super::json::{self, Json, Object};
use super::keys::{self, NoKey, ProviderKeys, TokenAlgorithm};

/// Longest token. Real ones have 1 to 3 kB.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// Longest header.
const HEADER_BYTES: usize = 2048;

/// Seconds by which the clocks of provider and node may differ.
pub const SKEW: i64 = 60;

/// Seconds since a token was issued.
const AGE: i64 = 600;

/// Longest name of a person at a provider (Core, 2: 255 ASCII characters).
const SUBJECT_BYTES: usize = 255;

/// Members of a header that bring a key, or say where one lies.
const KEYS_OF_ITS_OWN: [&str; 4] = ["jwk", "jku", "x5c", "x5u"];

/// Why an ID token is not believed. The order is that of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any that is read.
    #[error("too long")]
    TooLong,
    /// Not three parts in base64url, or not objects of JSON, or a name twice in one.
    #[error("not a JWS in compact form")]
    Malformed,
    /// `alg` is none of those that are believed of this provider; `none` and HS256 never are.
    #[error("an algorithm that is not believed of this provider")]
    Algorithm,
    /// `crit`, or `b64`: an extension that this node does not know (RFC 7515, 4.1.11).
    #[error("an extension that must be understood")]
    Critical,
    /// `typ` says that it is another kind of token (RFC 8725, 3.11).
    #[error("another kind of token")]
    Kind,
    /// The header brings a key, or says where one lies.
    #[error("a header that brings a key of its own")]
    BringsKey,
    /// The provider has no key of this name.
    #[error("an unknown key")]
    KeyUnknown,
    /// The key is not of the algorithm's kind.
    #[error("a key that does not go with the algorithm")]
    KeyKind,
    /// Several keys could be meant.
    #[error("several keys could be meant")]
    KeyAmbiguous,
    /// The value does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// A claim that must be there is missing, or of another type.
    #[error("a claim is missing or has another type")]
    Claims,
    /// `iss` is another.
    #[error("of another issuer")]
    Issuer,
    /// `aud` is not this client alone.
    #[error("for another client")]
    Audience,
    /// `azp` is another client.
    #[error("issued to another client")]
    AuthorisedParty,
    /// `exp` is over.
    #[error("expired")]
    Expired,
    /// `iat` or `nbf` is to come.
    #[error("of the future")]
    NotYet,
    /// `iat` is long ago.
    #[error("issued long ago")]
    Old,
    /// `nonce` is missing.
    #[error("without the nonce of a login")]
    NonceMissing,
    /// `nonce` is that of another login.
    #[error("of another login")]
    NonceOther,
    /// `auth_time` is missing where it was asked for, longer ago than allowed, or to come.
    #[error("the person was authenticated too long ago, or nobody says when")]
    AuthenticationAge,
    /// `acr` is none of those that are enough.
    #[error("the assurance is not enough")]
    Assurance,
    /// `at_hash` is of another access token.
    #[error("of another access token")]
    AccessToken,
}

impl TokenError {
    /// For the log and the metrics: the name of the variant, in small letters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::Kind => "kind",
            Self::BringsKey => "brings_key",
            Self::KeyUnknown => "key_unknown",
            Self::KeyKind => "key_kind",
            Self::KeyAmbiguous => "key_ambiguous",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::AuthorisedParty => "authorised_party",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Old => "old",
            Self::NonceMissing => "nonce_missing",
            Self::NonceOther => "nonce_other",
            Self::AuthenticationAge => "authentication_age",
            Self::Assurance => "assurance",
            Self::AccessToken => "access_token",
        }
    }
}

/// What a token of a provider is held against, whichever login it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The issuer, character for character.
    pub issuer: String,
    /// This node at the provider.
    pub client: String,
    /// The algorithms that are believed.
    pub algorithms: Vec<TokenAlgorithm>,
    /// Values of `acr` that are enough; empty: whatever the provider does.
    pub assurance: Vec<String>,
    /// Seconds since the person was authenticated; none: whenever that was.
    pub max_age: Option<u32>,
}

/// What one login expects.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The nonce that was sent along.
    pub nonce: &'a str,
    /// The access token that came beside it.
    pub access_token: Option<&'a str>,
    /// Now.
    pub now: OffsetDateTime,
}

/// The claims of a token that holds. Made by [`Rules::check`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct IdToken {
    subject: String,
    assurance: Option<String>,
    claims: Object,
}

// Numbers and names of a person are in it.
impl std::fmt::Debug for IdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdToken")
    }
}

impl IdToken {
    /// The person's name at the provider.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `acr`.
    #[must_use]
    pub fn assurance(&self) -> Option<&str> {
        self.assurance.as_deref()
    }

    /// All claims.
    #[must_use]
    pub fn claims(&self) -> &Object {
        &self.claims
    }
}

impl Rules {
    /// Whether a token names a key that is not among these, unverified: for who may have to fetch the keys anew. Not where it is no token that could
    /// be believed.
    #[must_use]
    pub fn names_unknown_key(&self, token: &str, keys: &ProviderKeys) -> bool {
        let header =
            Unverified::read(token).and_then(|token| self.header(&token).map(|header| (header.key, header.algorithm)));
        header.is_ok_and(|(name, algorithm)| matches!(keys.find(name.as_deref(), algorithm), Err(NoKey::Unknown)))
    }

    /// Checks a token.
    ///
    /// # Errors
    /// [`TokenError`], the first that applies.
    pub fn check(&self, token: &str, keys: &ProviderKeys, expected: &Expected<'_>) -> Result<IdToken, TokenError> {
        let unverified = Unverified::read(token)?;
        let Header { algorithm, key } = self.header(&unverified)?;
        let key = keys.find(key.as_deref(), algorithm).map_err(|why| match why {
            NoKey::Unknown => TokenError::KeyUnknown,
            NoKey::OtherKind => TokenError::KeyKind,
            NoKey::Ambiguous => TokenError::KeyAmbiguous,
        })?;
        let value = decoded(unverified.value)?;
        if !keys::verifies(key, algorithm, unverified.signed.as_bytes(), &value) {
            return Err(TokenError::Signature);
        }
        let claims = json::object(&decoded(unverified.payload)?, TOKEN_BYTES).map_err(|_| TokenError::Malformed)?;
        self.claims(claims, algorithm, expected)
    }

    /// What the header says, as far as it may say it.
    fn header(&self, token: &Unverified<'_>) -> Result<Header, TokenError> {
        let members = json::object(&decoded(token.header)?, HEADER_BYTES).map_err(|_| TokenError::Malformed)?;
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(value) => value.text().map(Some).ok_or(TokenError::Malformed),
        };
        let algorithm = text("alg")?.ok_or(TokenError::Malformed)?.parse().map_err(|_| TokenError::Algorithm)?;
        if !self.algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm);
        }
        if members.contains_key("crit") || members.contains_key("b64") {
            return Err(TokenError::Critical);
        }
        if text("typ")?.is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT")) || members.contains_key("cty") {
            return Err(TokenError::Kind);
        }
        if KEYS_OF_ITS_OWN.iter().any(|name| members.contains_key(*name)) {
            return Err(TokenError::BringsKey);
        }
        let key = text("kid")?.map(str::to_owned);
        if key.as_ref().is_some_and(|name| name.len() > keys::NAME_BYTES) {
            return Err(TokenError::Malformed);
        }
        Ok(Header { algorithm, key })
    }

    /// Core, 3.1.3.7, 2 to 13.
    fn claims(
        &self,
        claims: Object,
        algorithm: TokenAlgorithm,
        expected: &Expected<'_>,
    ) -> Result<IdToken, TokenError> {
        let text = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.text().map(Some).ok_or(TokenError::Claims),
        };
        if text("iss")?.ok_or(TokenError::Claims)? != self.issuer {
            return Err(TokenError::Issuer);
        }
        let is_for_us = match claims.get("aud").ok_or(TokenError::Claims)? {
            Json::Text(audience) => *audience == self.client,
            Json::List(audiences) => matches!(&audiences[..], [Json::Text(audience)] if *audience == self.client),
            _ => return Err(TokenError::Claims),
        };
        if !is_for_us {
            return Err(TokenError::Audience);
        }
        if text("azp")?.is_some_and(|party| party != self.client) {
            return Err(TokenError::AuthorisedParty);
        }
        self.times(&claims, expected.now)?;
        let nonce = text("nonce")?.ok_or(TokenError::NonceMissing)?;
        if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
            return Err(TokenError::NonceOther);
        }
        let assurance = text("acr")?.map(str::to_owned);
        let is_enough = |assurance: &String| self.assurance.contains(assurance);
        if !self.assurance.is_empty() && !assurance.as_ref().is_some_and(is_enough) {
            return Err(TokenError::Assurance);
        }
        if let Some(hash) = text("at_hash")? {
            let own =
                expected.access_token.map(|token| half_digest(algorithm, token)).ok_or(TokenError::AccessToken)?;
            if !bool::from(own.as_bytes().ct_eq(hash.as_bytes())) {
                return Err(TokenError::AccessToken);
            }
        }
        let subject = text("sub")?.filter(|subject| is_subject(subject)).ok_or(TokenError::Claims)?.to_owned();
        Ok(IdToken { subject, assurance, claims })
    }

    fn times(&self, claims: &Object, now: OffsetDateTime) -> Result<(), TokenError> {
        let number = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(value) => value.number().map(Some).ok_or(TokenError::Claims),
        };
        let now = now.unix_timestamp();
        // Saturating: the numbers are a stranger's.
        let until = number("exp")?.ok_or(TokenError::Claims)?;
        let issued = number("iat")?.ok_or(TokenError::Claims)?;
        if now >= until.saturating_add(SKEW) {
            return Err(TokenError::Expired);
        }
        if issued > now + SKEW || number("nbf")?.is_some_and(|from| from > now + SKEW) {
            return Err(TokenError::NotYet);
        }
        if now.saturating_sub(issued) > AGE + SKEW {
            return Err(TokenError::Old);
        }
        let authenticated = number("auth_time")?;
        let is_of_the_future = authenticated.is_some_and(|at| at > now + SKEW);
        let is_too_old = self
            .max_age
            .is_some_and(|most| authenticated.is_none_or(|at| now.saturating_sub(at) > i64::from(most) + SKEW));
        if is_of_the_future || is_too_old { Err(TokenError::AuthenticationAge) } else { Ok(()) }
    }
}

/// Three parts that nobody has checked.
struct Unverified<'a> {
    signed: &'a str,
    header: &'a str,
    payload: &'a str,
    value: &'a str,
}

struct Header {
    algorithm: TokenAlgorithm,
    key: Option<String>,
}

impl<'a> Unverified<'a> {
    fn read(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signed, value) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        Ok(Self { signed, header, payload, value })
    }
}

/// Strict base64url: no padding, no second spelling of the last character.
fn decoded(text: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)
}

/// Core, 3.1.3.6: the left half of the digest, in base64url.
fn half_digest(algorithm: TokenAlgorithm, access_token: &str) -> String {
    let digest = digest(algorithm.digest(), access_token.as_bytes());
    let octets = digest.as_bytes();
    URL_SAFE_NO_PAD.encode(&octets[..octets.len() / 2])
}

fn is_subject(subject: &str) -> bool {
    (1..=SUBJECT_BYTES).contains(&subject.len()) && subject.is_ascii()
}
