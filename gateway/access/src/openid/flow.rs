//! What is asked of the browser, and what comes back with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::digest::sha256;

use super::discovery::Discovery;
use super::provider::{Asked, ProviderError, Returned};
use super::token::Rules;

impl Rules {
    /// The address of an authorization request (Core, 3.1.2.1; RFC 7636, 4.3). The code is asked for in the query, which is how it comes back to a
    /// page of ours; the verifier itself does not travel with the browser.
    #[must_use]
    pub fn authorization_request(&self, discovery: &Discovery, scopes: &[String], asked: &Asked<'_>) -> String {
        let endpoint = discovery.authorization();
        let mut address = endpoint.as_str().to_owned();
        let mut separator = if endpoint.has_query() { '&' } else { '?' };
        let (scopes, assurance) = (scopes.join(" "), self.assurance.join(" "));
        let (challenge, max_age) = (challenge(asked.verifier), self.max_age.map(|seconds| seconds.to_string()));
        let pairs = [
            ("response_type", Some("code")),
            ("client_id", Some(self.client.as_str())),
            ("redirect_uri", Some(asked.redirect_uri)),
            ("scope", Some(scopes.as_str())),
            ("state", Some(asked.state)),
            ("nonce", Some(asked.nonce)),
            ("code_challenge", Some(challenge.as_str())),
            ("code_challenge_method", Some("S256")),
            ("acr_values", Some(assurance.as_str()).filter(|values| !values.is_empty())),
            ("max_age", max_age.as_deref()),
        ];
        for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            address.push(separator);
            address.push_str(name);
            address.push('=');
            address.push_str(&escaped(value));
            separator = '&';
        }
        address
    }

    /// Whether the answer is this provider's (RFC 9207, 2.4): one that names an issuer names this one, and where the provider says that it always
    /// does, one that names none is none of its.
    ///
    /// # Errors
    /// [`ProviderError::MixUp`].
    pub fn is_of_issuer(&self, discovery: &Discovery, returned: &Returned) -> Result<(), ProviderError> {
        let is_own = match &returned.issuer {
            Some(issuer) => *issuer == self.issuer && *issuer == discovery.issuer,
            None => !discovery.says_issuer(),
        };
        is_own.then_some(()).ok_or(ProviderError::MixUp)
    }
}

/// RFC 7636, 4.2: S256.
#[must_use]
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))
}

/// Percent-encoding of everything but unreserved characters (RFC 3986, 2.3), which serves in a query, in a form, and before the colon of HTTP
/// Basic (RFC 6749, 2.3.1).
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(octet));
        } else {
            escaped.push_str(&format!("%{octet:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn what_has_a_meaning_in_a_query_is_written_out() {
        assert_eq!(escaped("a b&c=d+e/é~"), "a%20b%26c%3Dd%2Be%2F%C3%A9~");
    }
}
