//! The client of a mirror: the log that an agency's operator named, no redirects, no proxy, deadlines. What is read is verified by who reads it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::address::Anywhere;
use super::fetch::client;
use super::trusted_lists::fetch::read_roots;

const CONNECT: Duration = Duration::from_secs(5);

/// For one bundle.
const DEADLINE: Duration = Duration::from_secs(60);

/// A client that believes servers whose certificates lead to one of these roots.
pub(crate) fn client_of(roots: Option<&Path>) -> Result<reqwest::Client, String> {
    let roots = roots.map(|file| read_roots("logs.tls_roots", file)).transpose()?;
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots.unwrap_or_else(rustls::RootCertStore::empty))
        .with_no_client_auth();
    let client = client(tls).dns_resolver(Arc::new(Anywhere)).connect_timeout(CONNECT).timeout(DEADLINE);
    client.pool_max_idle_per_host(1).pool_idle_timeout(Duration::from_secs(20)).build().map_err(|e| e.to_string())
}
