//! Fetches lists: HTTP and HTTPS, no redirects, no credentials, bounded, public addresses or those that the operator named.
//!
//! A list is signed, and TLS adds that nobody on the way sees or withholds it; so its authorities are the system's, not the region's.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::super::address::is_public;
use super::super::fetch::{FetchError, client, read};

/// Largest list. The largest of Europe have 5 MB.
pub(super) const LIST_BYTES: usize = 32 * 1024 * 1024;
/// For one list.
const DEADLINE: Duration = Duration::from_secs(60);
const CONNECTING: Duration = Duration::from_secs(5);

/// The client.
pub(super) struct ListFetcher {
    client: reqwest::Client,
    /// `host:port` of the addresses that the operator named.
    named: BTreeSet<String>,
}

impl ListFetcher {
    /// Trusts servers whose certificates lead to one of `roots`; `operators`: addresses of the configuration.
    pub(super) fn new<'a>(roots: Option<&Path>, operators: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(
                roots
                    .map(|file| read_roots("trusted_lists.tls_roots", file))
                    .transpose()?
                    .unwrap_or_else(rustls::RootCertStore::empty),
            )
            .with_no_client_auth();
        let client = client(tls).connect_timeout(CONNECTING).timeout(DEADLINE).pool_max_idle_per_host(0).build();
        let client = client.map_err(|e| e.to_string())?;
        let named = operators.filter_map(|location| Url::parse(location).ok()).filter_map(|url| host_of(&url));
        Ok(Self { client, named: named.collect() })
    }

    /// Fetches what lies at `location`.
    pub(super) async fn list(&self, location: &str) -> Result<Vec<u8>, FetchError> {
        let url = self.permitted(location)?;
        read(self.client.get(url), LIST_BYTES).await
    }

    /// An address of a list may be anywhere in the world, but not in the node's own network, unless the operator named the host.
    fn permitted(&self, location: &str) -> Result<Url, FetchError> {
        let url = Url::parse(location).map_err(|_| FetchError::NotAllowed)?;
        let bare = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        // A name is looked up by a resolver that gives public addresses only.
        let address = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_anywhere = url.host_str().is_some_and(|host| address(host).map_or(true, is_public));
        let is_named = host_of(&url).is_some_and(|host| self.named.contains(&host));
        (bare && (is_anywhere || is_named)).then_some(url).ok_or(FetchError::NotAllowed)
    }
}

fn host_of(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The authorities in a PEM file that the configuration names by this key.
pub(in crate::outbound) fn read_roots(key: &str, file: &Path) -> Result<rustls::RootCertStore, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("{key} {}: {what}", file.display());
    let mut roots = rustls::RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| wrong(&e))?;
    let certificates: Result<Vec<_>, _> = certificates.collect();
    roots.add_parsable_certificates(certificates.map_err(|e| wrong(&e))?);
    if roots.is_empty() {
        return Err(wrong(&"holds no certificate"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_lists_do_not_lead_into_the_own_network() {
        let fetcher = ListFetcher::new(None, ["http://127.0.0.1:8080/lotl.xml"].into_iter()).unwrap();
        for location in ["https://lists.example/ua.xml", "http://8.8.8.8/", "http://127.0.0.1:8080/other.xml"] {
            assert!(fetcher.permitted(location).is_ok(), "{location}");
        }
        for location in [
            "http://127.0.0.1/",
            "http://127.0.0.1:8081/",
            "http://[::1]/",
            "https://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "ftp://lists.example/",
            "https://user:word@lists.example/",
            "ua.xml",
        ] {
            assert_eq!(fetcher.permitted(location), Err(FetchError::NotAllowed), "{location}");
        }
    }

    #[test]
    fn a_file_without_roots_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roots.pem");
        std::fs::write(&file, "nothing").unwrap();
        let problem = ListFetcher::new(Some(&file), std::iter::empty()).err().unwrap();
        assert!(problem.contains("tls_roots") && problem.contains("no certificate"), "{problem}");
    }
}
