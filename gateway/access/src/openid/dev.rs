//! Keys and tokens of a provider of our own, for tests: honest ones, and whatever else a test wants signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::key::{Curve, KeyError, KeyHandle as _, KeyKind, PublicKey, SoftwareKey};
use crypto::signature::fixed;
use serde_json::{Value, json};

use super::keys::TokenAlgorithm;

/// A key of a provider.
pub struct DevKey {
    name: String,
    algorithm: TokenAlgorithm,
    key: SoftwareKey,
}

impl DevKey {
    /// A new key of this name, for this algorithm.
    ///
    /// # Errors
    /// What the key's maker says.
    pub fn generate(name: &str, algorithm: TokenAlgorithm) -> Result<Self, KeyError> {
        let kind = match algorithm {
            TokenAlgorithm::Es256 => KeyKind::Ec(Curve::P256),
            TokenAlgorithm::Es384 => KeyKind::Ec(Curve::P384),
            TokenAlgorithm::EdDsa => KeyKind::Ed25519,
            TokenAlgorithm::Ps256 | TokenAlgorithm::Rs256 => KeyKind::Rsa { bits: 2048 },
        };
        Ok(Self { name: name.to_owned(), algorithm, key: SoftwareKey::generate(kind)? })
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// The public half as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let text = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let public = self.key.public_key();
        let mut jwk = match (public.kind(), public.coordinates(), public.rsa_numbers()) {
            (KeyKind::Ec(curve), Some((x, y)), _) => {
                let name = if curve == Curve::P256 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": name, "x": text(x), "y": text(y) })
            }
            (_, _, Some((modulus, exponent))) => json!({ "kty": "RSA", "n": text(modulus), "e": text(exponent) }),
            _ => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(public.subject_public_key()) }),
        };
        jwk["kid"] = self.name.as_str().into();
        jwk["alg"] = self.algorithm.as_str().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The header that an honest provider writes.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm.as_str(), "kid": self.name, "typ": "JWT" })
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// What the key says.
    pub fn token(&self, claims: &Value) -> Result<String, KeyError> {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// A JWS over these two texts, whatever they say.
    ///
    /// # Errors
    /// What the key says.
    pub fn sign(&self, header: &str, payload: &str) -> Result<String, KeyError> {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let value = self.key.sign(self.algorithm.signature(), signed.as_bytes())?;
        let value = match self.key.public_key().kind() {
            KeyKind::Ec(curve) => fixed::to_fixed(curve, &value).ok_or(KeyError::OperationFailed)?,
            _ => value,
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(value)))
    }
}

/// A set of keys, as a provider publishes it.
#[must_use]
pub fn key_set(keys: &[&DevKey]) -> Vec<u8> {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string().into_bytes()
}

/// What a provider with this issuer says of itself.
#[must_use]
pub fn description(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/me"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": TokenAlgorithm::ALL.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}
