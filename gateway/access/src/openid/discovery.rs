//! The provider's description of itself (OpenID Connect Discovery 1.0, 3 and 4.3; RFC 8414), as far as it is used.

use std::collections::BTreeSet;

use super::address::HttpsAddress;
use super::json::{self, Json, Object};
use super::keys::TokenAlgorithm;

/// Longest description. Real ones have 2 to 6 kB.
pub const DISCOVERY_BYTES: usize = 64 * 1024;

/// What the operator stated of the provider, that the description is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The issuer: https, without query. Everything that the provider signs names it, character for character.
    pub issuer: HttpsAddress,
    /// `host:port` of the hosts that its endpoints may be at, the issuer's among them.
    pub hosts: BTreeSet<String>,
    /// The algorithms of ID tokens that are believed.
    pub algorithms: Vec<TokenAlgorithm>,
}

/// Why a description is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Not an object of JSON within the bounds, a name twice, or a member of another type than the standard's.
    #[error("the description cannot be read")]
    Unreadable,
    /// It names another issuer (Discovery, 4.3).
    #[error("the description is of another issuer")]
    OtherIssuer,
    /// An endpoint is missing that a login takes.
    #[error("the description lacks an endpoint")]
    EndpointMissing,
    /// An endpoint is not https, or at a host that the operator did not name.
    #[error("an endpoint is not https at a host that was named")]
    EndpointElsewhere,
    /// It does not serve the code flow, PKCE with S256, or any of the stated algorithms.
    #[error("the provider does not serve what a login here takes")]
    NotServed,
}

/// A description that fits what the operator stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    pub(super) issuer: String,
    authorization: HttpsAddress,
    token: HttpsAddress,
    keys: HttpsAddress,
    user_info: Option<HttpsAddress>,
    says_issuer: bool,
}

impl Stated {
    /// Where the description lies (Discovery, 4).
    #[must_use]
    pub fn description(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer.as_str().trim_end_matches('/'))
    }

    fn endpoint(&self, members: &Object, name: &str) -> Result<Option<HttpsAddress>, DiscoveryError> {
        let Some(value) = members.get(name) else { return Ok(None) };
        let address = value.text().ok_or(DiscoveryError::Unreadable)?;
        let address = HttpsAddress::parse(address).filter(|address| self.hosts.contains(address.authority()));
        address.map(Some).ok_or(DiscoveryError::EndpointElsewhere)
    }
}

impl Discovery {
    /// Reads a description.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    pub fn read(bytes: &[u8], stated: &Stated) -> Result<Self, DiscoveryError> {
        let members = json::object(bytes, DISCOVERY_BYTES).map_err(|_| DiscoveryError::Unreadable)?;
        let issuer = members.get("issuer").and_then(Json::text).ok_or(DiscoveryError::Unreadable)?;
        if issuer != stated.issuer.as_str() {
            return Err(DiscoveryError::OtherIssuer);
        }
        let needed = |name| stated.endpoint(&members, name)?.ok_or(DiscoveryError::EndpointMissing);
        let discovery = Self {
            issuer: issuer.to_owned(),
            authorization: needed("authorization_endpoint")?,
            token: needed("token_endpoint")?,
            keys: needed("jwks_uri")?,
            user_info: stated.endpoint(&members, "userinfo_endpoint")?,
            says_issuer: members.get("authorization_response_iss_parameter_supported") == Some(&Json::Bool(true)),
        };
        // The list of algorithms is required (Discovery, 3); the others may be absent and then say nothing (PKCE) or what every provider does.
        let algorithms = texts(&members, "id_token_signing_alg_values_supported")?.unwrap_or_default();
        let signs = stated.algorithms.iter().any(|algorithm| algorithms.contains(&algorithm.as_str()));
        let flows = texts(&members, "response_types_supported")?;
        let challenges = texts(&members, "code_challenge_methods_supported")?;
        let serves = signs
            && flows.is_none_or(|flows| flows.contains(&"code"))
            && challenges.is_none_or(|methods| methods.contains(&"S256"));
        serves.then_some(discovery).ok_or(DiscoveryError::NotServed)
    }

    /// Where the browser is sent.
    #[must_use]
    pub fn authorization(&self) -> &HttpsAddress {
        &self.authorization
    }

    /// Where codes are redeemed.
    #[must_use]
    pub fn token(&self) -> &HttpsAddress {
        &self.token
    }

    /// Where the keys lie.
    #[must_use]
    pub fn keys(&self) -> &HttpsAddress {
        &self.keys
    }

    /// Where claims are asked for, where the provider has such a place.
    #[must_use]
    pub fn user_info(&self) -> Option<&HttpsAddress> {
        self.user_info.as_ref()
    }

    /// Whether its answers through the browser name it (RFC 9207, 3).
    #[must_use]
    pub fn says_issuer(&self) -> bool {
        self.says_issuer
    }
}

fn texts<'a>(members: &'a Object, name: &str) -> Result<Option<Vec<&'a str>>, DiscoveryError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let items = value.list().ok_or(DiscoveryError::Unreadable)?;
    items.iter().map(Json::text).collect::<Option<_>>().map(Some).ok_or(DiscoveryError::Unreadable)
}
