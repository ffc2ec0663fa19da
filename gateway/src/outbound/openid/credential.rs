//! By what the node shows the provider that it is the client: a secret (RFC 6749, 2.3.1), or a signature (RFC 7523, 2.2; Core, 9).

use access::openid::flow::escaped;
use access::openid::keys::TokenAlgorithm;
use access::openid::provider::ProviderError;
use access::openid::token::Rules;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto::key::{Curve, KeyHandle as _, KeyKind, SoftwareKey};
use crypto::signature::fixed;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use reqwest::RequestBuilder;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{form, read_secret};
use crate::config::ProviderConfig;

/// Seconds for which an assertion serves.
const ASSERTION_SECONDS: i64 = 60;

/// RFC 7523, 2.2.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// One of the two.
pub(super) enum Credential {
    /// `client_secret_basic`.
    Secret(HeaderValue),
    /// `private_key_jwt`.
    Key { key: Box<SoftwareKey>, algorithm: TokenAlgorithm, curve: Option<Curve>, id: Option<String> },
}

impl Credential {
    /// Reads the file that the configuration names.
    ///
    /// # Errors
    /// Which, and what is wrong with it.
    pub(super) fn open(config: &ProviderConfig) -> Result<Self, String> {
        if let Some(file) = &config.client_secret {
            let key = "portals.providers.client_secret";
            let text = read_secret(key, file)?;
            let secret = text.trim();
            if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
                return Err(format!("{key} {}: a line of visible ASCII characters is needed", file.display()));
            }
            let pair = Zeroizing::new(format!("{}:{}", escaped(&config.client_id), escaped(secret)));
            let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            let mut value = HeaderValue::from_str(&value).map_err(|_| format!("{key}: too long"))?;
            value.set_sensitive(true);
            return Ok(Self::Secret(value));
        }
        let key = "portals.providers.client_key";
        let file = config.client_key.as_ref().ok_or_else(|| format!("{key}: missing"))?;
        let wrong = |what: &dyn std::fmt::Display| format!("{key} {}: {what}", file.display());
        let pem = read_secret(key, file)?;
        let key = SoftwareKey::from_pkcs8_pem(&pem).map_err(|e| wrong(&format!("not a PKCS#8 PRIVATE KEY: {e}")))?;
        let (algorithm, curve) = match key.public_key().kind() {
            KeyKind::Ec(Curve::P256) => (TokenAlgorithm::Es256, Some(Curve::P256)),
            KeyKind::Ec(Curve::P384) => (TokenAlgorithm::Es384, Some(Curve::P384)),
            KeyKind::Ed25519 => (TokenAlgorithm::EdDsa, None),
            KeyKind::Rsa { .. } => (TokenAlgorithm::Ps256, None),
            _ => return Err(wrong(&"a key on P-256 or P-384, of Ed25519 or RSA is needed")),
        };
        Ok(Self::Key { key: Box::new(key), algorithm, curve, id: config.client_key_id.clone() })
    }

    /// The form, shown to be this client's.
    pub(super) fn show(
        &self,
        request: RequestBuilder,
        fields: &[(&str, &str)],
        rules: &Rules,
        now: OffsetDateTime,
    ) -> Result<RequestBuilder, ProviderError> {
        match self {
            Self::Secret(value) => Ok(form(request.header(AUTHORIZATION, value), fields)),
            Self::Key { .. } => {
                let assertion = self.assertion(rules, now).ok_or(ProviderError::Unavailable)?;
                let own = [
                    ("client_id", rules.client.as_str()),
                    ("client_assertion_type", ASSERTION),
                    ("client_assertion", &assertion),
                ];
                Ok(form(request, &[fields, &own].concat()))
            }
        }
    }

    /// For the issuer alone: an assertion for an endpoint could be carried to another provider that names the same one.
    fn assertion(&self, rules: &Rules, now: OffsetDateTime) -> Option<Zeroizing<String>> {
        let Self::Key { key, algorithm, curve, id } = self else { return None };
        let mut header = serde_json::json!({ "alg": algorithm.as_str(), "typ": "JWT" });
        if let Some(id) = id {
            header["kid"] = id.as_str().into();
        }
        let issued = now.unix_timestamp();
        let claims = serde_json::json!({
            "iss": rules.client,
            "sub": rules.client,
            "aud": rules.issuer,
            "jti": URL_SAFE_NO_PAD.encode(crypto::random::array::<16>()),
            "iat": issued,
            "exp": issued + ASSERTION_SECONDS,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let value = key.sign(algorithm.signature(), signed.as_bytes());
        let value =
            value.inspect_err(|error| tracing::error!(%error, "an assertion for a provider is not signed")).ok()?;
        let value = match curve {
            Some(curve) => fixed::to_fixed(*curve, &value)?,
            None => value,
        };
        Some(Zeroizing::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(value))))
    }
}
