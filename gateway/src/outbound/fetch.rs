//! One bounded HTTP exchange with a host of the allow-list: no redirects, no proxy, no credentials, no private addresses behind
//! names, a deadline, a cap, and a rest for hosts that keep failing.
//!
//! Plain HTTP only. OCSP answers, CRLs, certificates and time-stamps are signed, so TLS would add nothing but a second set of
//! anchors and the circle that RFC 5280, section 8 warns of (to check the revocation service's certificate one would ask a
//! revocation service). What media type an answer claims is not looked at: a signature is over its bytes, and servers label
//! them at will.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use time::OffsetDateTime;

use super::address::PublicOnly;
use super::breaker::Breakers;

/// For one OCSP exchange.
const OCSP_DEADLINE: Duration = Duration::from_secs(3);
/// For one CRL.
const CRL_DEADLINE: Duration = Duration::from_secs(30);
/// Largest OCSP answer. Real ones have 1 to 6 kB.
const OCSP_BYTES: usize = 64 * 1024;
/// Largest CRL. Those of large providers have some 10 MB.
const CRL_BYTES: usize = 64 * 1024 * 1024;
/// For one time-stamp: an authority may wait for its module.
const TIMESTAMP_DEADLINE: Duration = Duration::from_secs(10);
/// Largest answer of a time-stamp authority. Real ones have 1 to 10 kB; some bring lists of their own.
const TIMESTAMP_BYTES: usize = 1024 * 1024;
/// For the certificates of an authority.
const CERTIFICATES_DEADLINE: Duration = Duration::from_secs(5);
/// Largest file of certificates. One has 1 to 2 kB, the bag of a whole nation some 500 kB.
const CERTIFICATES_BYTES: usize = 1024 * 1024;

/// Why a host gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Nothing was asked.
    #[error("the host is not on the allow-list")]
    NotAllowed,
    /// Refused, broken off, or silent until the deadline.
    #[error("no connection, or no answer in time")]
    Unreachable,
    /// A redirect is one of these: nobody is led elsewhere.
    #[error("an answer that is not 200")]
    Status,
    /// The rest of it was not read.
    #[error("an answer past the bound")]
    TooLarge,
    /// Nothing was asked.
    #[error("the host failed several times and is left alone for a while")]
    Resting,
}

/// What every client of the node is: public addresses behind names, no proxy, no redirects, nothing tried twice.
pub(super) fn client(tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .dns_resolver(Arc::new(PublicOnly))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .user_agent(concat!("vuzol/", env!("CARGO_PKG_VERSION")))
}

/// The client.
pub(crate) struct Fetcher {
    client: reqwest::Client,
    allowed: HashSet<String>,
    hosts: Breakers,
}

impl Fetcher {
    /// May ask `allowed` hosts (`host` or `host:port`) and no others.
    pub(crate) fn new(allowed: &[String]) -> Result<Self, String> {
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| e.to_string())?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = client(tls).connect_timeout(OCSP_DEADLINE).pool_max_idle_per_host(4).build();
        let client = client.map_err(|e| e.to_string())?;
        let allowed = allowed.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Self { client, allowed, hosts: Breakers::new() })
    }

    /// Whether the URL may be asked: `http`, no credentials, host (with its port, unless it is 80) on the list.
    pub(super) fn permitted(&self, url: &str) -> Result<Url, FetchError> {
        let url = Url::parse(url).map_err(|_| FetchError::NotAllowed)?;
        let host = url.host_str().map(str::to_ascii_lowercase).ok_or(FetchError::NotAllowed)?;
        let bare = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
        let port = url.port_or_known_default().unwrap_or(80);
        let listed = self.allowed.contains(&format!("{host}:{port}")) || (port == 80 && self.allowed.contains(&host));
        (bare && listed).then_some(url).ok_or(FetchError::NotAllowed)
    }

    /// Asks an OCSP responder (RFC 6960, appendix A.1: POST).
    pub(super) async fn ocsp(&self, url: Url, request: Vec<u8>, at: OffsetDateTime) -> Result<Vec<u8>, FetchError> {
        let exchange = self
            .client
            .post(url.clone())
            .header(http::header::CONTENT_TYPE, "application/ocsp-request")
            .header(http::header::ACCEPT, "application/ocsp-response")
            .timeout(OCSP_DEADLINE)
            .body(request);
        self.exchange(&url, exchange, OCSP_BYTES, at).await
    }

    /// Fetches a CRL.
    pub(super) async fn crl(&self, url: Url, at: OffsetDateTime) -> Result<Vec<u8>, FetchError> {
        let exchange = self.client.get(url.clone()).timeout(CRL_DEADLINE);
        self.exchange(&url, exchange, CRL_BYTES, at).await
    }

    /// Asks a time-stamp authority (RFC 3161, 3.4).
    pub(super) async fn timestamp(
        &self,
        url: Url,
        request: Vec<u8>,
        at: OffsetDateTime,
    ) -> Result<Vec<u8>, FetchError> {
        let exchange = self
            .client
            .post(url.clone())
            .header(http::header::CONTENT_TYPE, "application/timestamp-query")
            .header(http::header::ACCEPT, "application/timestamp-reply")
            .timeout(TIMESTAMP_DEADLINE)
            .body(request);
        self.exchange(&url, exchange, TIMESTAMP_BYTES, at).await
    }

    /// Fetches certificates of an authority (RFC 5280, 4.2.2.1).
    pub(super) async fn certificates(&self, url: Url, at: OffsetDateTime) -> Result<Vec<u8>, FetchError> {
        let exchange = self.client.get(url.clone()).timeout(CERTIFICATES_DEADLINE);
        self.exchange(&url, exchange, CERTIFICATES_BYTES, at).await
    }

    async fn exchange(
        &self,
        url: &Url,
        request: reqwest::RequestBuilder,
        limit: usize,
        at: OffsetDateTime,
    ) -> Result<Vec<u8>, FetchError> {
        let host = url.authority();
        if !self.hosts.permits(host, at) {
            return Err(FetchError::Resting);
        }
        let answer = read(request, limit).await;
        self.hosts.ended(host, at, answer.is_ok());
        answer
    }
}

pub(super) async fn read(request: reqwest::RequestBuilder, limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut answer = request.send().await.map_err(|_| FetchError::Unreachable)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(FetchError::Status);
    }
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|_| FetchError::Unreachable)? {
        if bytes.len() + piece.len() > limit {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_asked() {
        let allowed = ["ocsp.example".to_owned(), "127.0.0.1:8080".to_owned(), "Other.Example:80".to_owned()];
        let fetcher = Fetcher::new(&allowed).unwrap();
        for url in
            ["http://ocsp.example/x", "http://OCSP.example:80/", "http://127.0.0.1:8080/", "http://other.example/"]
        {
            assert!(fetcher.permitted(url).is_ok(), "{url}");
        }
        for url in [
            "https://ocsp.example/",
            "http://ocsp.example:8080/",
            "http://127.0.0.1/",
            "http://user@ocsp.example/",
            "http://ocsp.example.evil.example/",
            "http://ocsp.example@evil.example/",
            "file:///etc/passwd",
            "ldap://ocsp.example/",
            "//ocsp.example/",
        ] {
            assert_eq!(fetcher.permitted(url), Err(FetchError::NotAllowed), "{url}");
        }
    }
}
