//! The line to an identity provider that speaks OpenID Connect: its description, its keys, the exchange of a code, its user-info.
//!
//! Every address comes from the operator, or from the description that lies at the issuer's own address, and then only at hosts that the
//! operator named; TLS with the authorities that the operator named for this provider; no redirects, bounded answers, a deadline
//! for each. Whether what comes back is believed is decided by [`access::openid`]; nothing of it is kept but description and keys.
//!
//! | what | how long it is used | asked anew before that |
//! |---|---|---|
//! | description, keys | an hour | keys, for a token that names a key which is not among them: not more often than every 30 seconds |
//!
//! After a failure nobody asks for five seconds. There is no older answer to fall back on: without the provider no code can be redeemed either,
//! and a key that it withdrew must not be believed because it is out of reach.

mod credential;
mod known;

use std::path::Path;
use std::sync::Arc;

use access::openid::address::HttpsAddress;
use access::openid::claims::ClaimNames;
use access::openid::discovery::Stated;
use access::openid::flow::escaped;
use access::openid::json::{self, Json, Object};
use access::openid::provider::{Answer, Asked, IdentityProvider, ProviderError, Returned, Vouched};
use access::openid::token::{Expected, IdToken, Rules};
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, Url};
use storage::Clock;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::address::Anywhere;
use super::breaker::Breakers;
use super::fetch::client;
use super::trusted_lists::fetch::read_roots;
use crate::config::ProviderConfig;
use credential::Credential;
use known::Known;

/// For one exchange with a provider, from the look-up of its name to the end of its answer.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(8);

/// For the connection.
const CONNECTING: std::time::Duration = std::time::Duration::from_secs(3);

/// Largest answer of the token and user-info endpoints. Real ones have 1 to 6 kB.
const ANSWER_BYTES: usize = 64 * 1024;

/// A provider.
pub(crate) struct OpenIdProvider {
    name: String,
    stated: Stated,
    rules: Rules,
    scopes: Vec<String>,
    claims: ClaimNames,
    asks_user_info: bool,
    credential: Credential,
    client: reqwest::Client,
    hosts: Breakers,
    known: tokio::sync::Mutex<Known>,
    clock: Arc<dyn Clock>,
}

impl OpenIdProvider {
    /// As configured. Asks nobody yet: a node starts without its providers.
    ///
    /// # Errors
    /// Which key of the configuration cannot be used, and why.
    pub(crate) fn open(config: &ProviderConfig, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Self::open_with(config, clock, DEADLINE)
    }

    fn open_with(
        config: &ProviderConfig,
        clock: Arc<dyn Clock>,
        deadline: std::time::Duration,
    ) -> Result<Self, String> {
        let wrong = |what: &dyn std::fmt::Display| format!("portals.providers: {}: {what}", config.name);
        let address =
            |text: &str| HttpsAddress::parse(text).ok_or_else(|| wrong(&format!("{text} is no https address")));
        let issuer = address(&config.issuer)?;
        let named = config.hosts.iter().map(|host| address(&format!("https://{host}")));
        let mut hosts: std::collections::BTreeSet<String> =
            named.map(|host| Ok(host?.authority().to_owned())).collect::<Result<_, String>>()?;
        hosts.insert(issuer.authority().to_owned());
        let roots = read_roots("portals.providers.tls_roots", &config.tls_roots)?;
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| wrong(&e))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Its hosts are the operator's word, one by one, and who answers there holds a certificate of the authorities named for it: like a peer,
        // a provider may be in a private network.
        let client = client(tls)
            .dns_resolver(Arc::new(Anywhere))
            .https_only(true)
            .connect_timeout(CONNECTING)
            .timeout(deadline)
            .pool_max_idle_per_host(2);
        let claims = config.claims.clone();
        Ok(Self {
            name: config.name.clone(),
            rules: Rules {
                issuer: config.issuer.clone(),
                client: config.client_id.clone(),
                algorithms: config.algorithms.clone(),
                assurance: config.assurance.clone(),
                max_age: config.max_age_seconds,
            },
            stated: Stated { issuer, hosts, algorithms: config.algorithms.clone() },
            scopes: config.scopes.clone(),
            claims: ClaimNames { rnokpp: claims.rnokpp, unzr: claims.unzr, edrpou: claims.edrpou },
            asks_user_info: config.user_info,
            credential: Credential::open(config)?,
            client: client.build().map_err(|e| wrong(&e))?,
            hosts: Breakers::new(),
            known: tokio::sync::Mutex::default(),
            clock,
        })
    }

    /// Redeems the code, and checks whom the provider then names.
    async fn redeem(&self, asked: &Asked<'_>, returned: &Returned) -> Result<Vouched, ProviderError> {
        let now = self.clock.now();
        let discovery = self.description(now).await?;
        self.rules.is_of_issuer(&discovery, returned)?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &returned.code),
            ("redirect_uri", asked.redirect_uri),
            ("code_verifier", asked.verifier),
        ];
        let request = self.client.post(self.permitted(discovery.token())?);
        let request = self.credential.show(request, &fields, &self.rules, now)?;
        let tokens = Tokens::read(self.exchange(discovery.token(), request, ANSWER_BYTES, now).await?)?;
        let mut keys = self.keys(&discovery, now, false).await?;
        if self.rules.names_unknown_key(&tokens.id_token, &keys) {
            keys = self.keys(&discovery, now, true).await?;
        }
        let expected = Expected { nonce: asked.nonce, access_token: Some(&tokens.access_token), now };
        let token = self.rules.check(&tokens.id_token, &keys, &expected)?;
        let asked_for = if self.asks_user_info {
            let endpoint = discovery.user_info().ok_or(ProviderError::Malformed)?;
            Some(self.user_info(endpoint, &tokens, &token, now).await?)
        } else {
            None
        };
        let (numbers, organisation) =
            self.claims.pick(asked_for.as_ref().unwrap_or(token.claims())).map_err(|_| ProviderError::Claims)?;
        let assurance = token.assurance().map(str::to_owned);
        Ok(Vouched { subject: token.subject().to_owned(), numbers, organisation, assurance })
    }

    /// Core, 5.3.2: what is said of another than the token's person is not used.
    async fn user_info(
        &self,
        endpoint: &HttpsAddress,
        tokens: &Tokens,
        token: &IdToken,
        now: OffsetDateTime,
    ) -> Result<Object, ProviderError> {
        let mut bearer = http::HeaderValue::try_from(format!("Bearer {}", tokens.access_token.as_str()))
            .map_err(|_| ProviderError::Malformed)?;
        bearer.set_sensitive(true);
        let request = self.client.get(self.permitted(endpoint)?).header(http::header::AUTHORIZATION, bearer);
        let (status, answer) = self.exchange(endpoint, request, ANSWER_BYTES, now).await?;
        if status != StatusCode::OK {
            return Err(ProviderError::Malformed);
        }
        let claims = json::object(&answer, ANSWER_BYTES).map_err(|_| ProviderError::Malformed)?;
        let is_same = claims.get("sub").and_then(Json::text) == Some(token.subject());
        is_same.then_some(claims).ok_or(ProviderError::OtherSubject)
    }

    /// The address as the client takes it. Both readers must find the same host in it.
    fn permitted(&self, address: &HttpsAddress) -> Result<Url, ProviderError> {
        let url = Url::parse(address.as_str()).map_err(|_| ProviderError::Malformed)?;
        let host = url.host_str().zip(url.port_or_known_default()).map(|(host, port)| format!("{host}:{port}"));
        let is_same = url.scheme() == "https" && host.as_deref() == Some(address.authority());
        (is_same && self.stated.hosts.contains(address.authority())).then_some(url).ok_or(ProviderError::Malformed)
    }

    /// One exchange: whatever status the provider answers by itself shows that it is there, but for 5xx.
    async fn exchange(
        &self,
        address: &HttpsAddress,
        request: RequestBuilder,
        most: usize,
        at: OffsetDateTime,
    ) -> Result<(StatusCode, Zeroizing<Vec<u8>>), ProviderError> {
        let host = address.authority();
        if !self.hosts.permits(host, at) {
            return Err(ProviderError::Unavailable);
        }
        let answer = read(request.header(ACCEPT, "application/json"), most).await;
        self.hosts.ended(host, at, !matches!(answer, Err(ProviderError::Unavailable)));
        answer
    }
}

async fn read(request: RequestBuilder, most: usize) -> Result<(StatusCode, Zeroizing<Vec<u8>>), ProviderError> {
    let mut answer = request.send().await.map_err(|_| ProviderError::Unavailable)?;
    let status = answer.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(ProviderError::Unavailable);
    }
    // Tokens are in it.
    let mut octets = Zeroizing::new(Vec::new());
    while let Some(piece) = answer.chunk().await.map_err(|_| ProviderError::Unavailable)? {
        if octets.len() + piece.len() > most {
            return Err(ProviderError::Malformed);
        }
        octets.extend_from_slice(&piece);
    }
    Ok((status, octets))
}

/// What a code is redeemed for (RFC 6749, 5.1; Core, 3.1.3.3).
struct Tokens {
    access_token: Zeroizing<String>,
    id_token: Zeroizing<String>,
}

impl Tokens {
    fn read((status, answer): (StatusCode, Zeroizing<Vec<u8>>)) -> Result<Self, ProviderError> {
        let members = json::object(&answer, ANSWER_BYTES).map_err(|_| ProviderError::Malformed)?;
        let text = |name: &str| members.get(name).and_then(Json::text);
        match (status, text("error")) {
            (StatusCode::OK, None) => {}
            (StatusCode::BAD_REQUEST, Some("invalid_grant")) => return Err(ProviderError::CodeRefused),
            // RFC 6749, 5.2: it does not know this node, or not its credential. The operator has to act.
            (_, Some("invalid_client" | "unauthorized_client")) => {
                tracing::error!("an identity provider does not take the node's credential");
                return Err(ProviderError::Unavailable);
            }
            _ => return Err(ProviderError::Malformed),
        }
        let is_bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer"));
        let tokens = text("access_token").zip(text("id_token")).filter(|_| is_bearer);
        let (access_token, id_token) = tokens.ok_or(ProviderError::Malformed)?;
        Ok(Self { access_token: access_token.to_owned().into(), id_token: id_token.to_owned().into() })
    }
}

impl IdentityProvider for OpenIdProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, asked: Asked<'a>) -> Answer<'a, String> {
        Box::pin(async move {
            let discovery = self.counted(self.description(self.clock.now()).await)?;
            Ok(self.rules.authorization_request(&discovery, &self.scopes, &asked))
        })
    }

    fn identify<'a>(&'a self, asked: Asked<'a>, returned: &'a Returned) -> Answer<'a, Vouched> {
        Box::pin(async move { self.counted(self.redeem(&asked, returned).await) })
    }
}

impl OpenIdProvider {
    /// What went wrong, for the operator: a reason, and nothing of what was answered.
    fn counted<T>(&self, outcome: Result<T, ProviderError>) -> Result<T, ProviderError> {
        outcome.inspect_err(|error| {
            let (provider, reason) = (self.name.clone(), error.as_str());
            tracing::info!(provider, reason, "a login at an identity provider came to nothing");
            metrics::counter!("vuzol_provider_failures_total", "provider" => provider, "reason" => reason).increment(1);
        })
    }
}

/// A form (RFC 6749, appendix B).
fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.join("&"))
}

/// Providers as configured, for the portals.
///
/// # Errors
/// As [`OpenIdProvider::open`].
pub(crate) fn open(
    configs: &[ProviderConfig],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<access::login::provider::Offered>, String> {
    let offered = |config: &ProviderConfig| {
        let provider = Arc::new(OpenIdProvider::open(config, clock.clone())?);
        Ok(access::login::provider::Offered { provider, portals: config.portals.clone() })
    };
    configs.iter().map(offered).collect()
}

/// Whether others than the node's user may read a secret is said once, when it is read.
fn read_secret(key: &str, file: &Path) -> Result<Zeroizing<String>, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("{key} {}: {what}", file.display());
    crate::wiring::warn_if_others_may_read(key, file).map_err(|e| wrong(&e))?;
    let length = std::fs::metadata(file).map_err(|e| wrong(&e))?.len();
    if length > SECRET_BYTES {
        return Err(wrong(&"longer than any secret"));
    }
    std::fs::read_to_string(file).map(Zeroizing::new).map_err(|e| wrong(&e))
}

/// Longest file that is looked at as a secret or a key.
const SECRET_BYTES: u64 = 16 * 1024;

#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod tests;
