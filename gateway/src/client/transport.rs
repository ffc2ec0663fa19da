//! How the client connects: TLS 1.3 only, given roots only, its own certificate, bounded waits.

use std::sync::Arc;
use std::time::Duration;

use certs::certificate::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::ClientError;

/// TLS for one identity. The provider is named here, so no process-wide default is needed and none can weaken it.
pub(super) fn tls_configuration(
    roots: &[Certificate],
    identity: Option<(&[Certificate], &[u8])>,
) -> Result<ClientConfig, ClientError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(to_rustls(root)).map_err(unusable)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unusable)?
        .with_root_certificates(store);
    let mut configuration = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
            builder.with_client_auth_cert(chain.iter().map(to_rustls).collect(), key).map_err(unusable)?
        }
    };
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

pub(super) fn http_client(tls: ClientConfig) -> Result<reqwest::Client, ClientError> {
    builder(tls).https_only(true).build().map_err(unusable)
}

/// A client for services that speak plain HTTP because their answers are signed. It trusts no TLS root.
pub(crate) fn plain_http_client() -> Result<reqwest::Client, ClientError> {
    builder(tls_configuration(&[], None)?).build().map_err(unusable)
}

fn builder(tls: ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .user_agent(concat!("vuzol/", env!("CARGO_PKG_VERSION")))
}

/// `https://host[:port]` without path, query or credentials, which would silently be lost.
pub(super) fn origin(base: &str) -> Result<String, ClientError> {
    let refused = || ClientError::Configuration(format!("{base} is not of the form https://host:port"));
    let url = reqwest::Url::parse(base).map_err(|_| refused())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (url.scheme() == "https" && url.has_host() && bare)
        .then(|| base.trim_end_matches('/').to_owned())
        .ok_or_else(refused)
}

fn to_rustls(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.der().to_vec())
}

fn unusable(error: impl std::fmt::Display) -> ClientError {
    ClientError::Configuration(error.to_string())
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Below the node's own idle limit, so that the client is the one who closes and no request meets a dying connection.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_https_origin_is_accepted() {
        for accepted in ["https://localhost:8443", "https://node.example/", "https://127.0.0.1:1"] {
            assert_eq!(origin(accepted).unwrap(), accepted.trim_end_matches('/'));
        }
        for refused in
            ["", "localhost:8443", "http://localhost", "https://localhost/v1", "https://a:b@localhost", "https://"]
        {
            assert!(matches!(origin(refused), Err(ClientError::Configuration(_))), "{refused}");
        }
    }
}
