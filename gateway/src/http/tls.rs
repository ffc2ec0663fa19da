//! TLS at the public port: version 1.3 only, h2 and HTTP/1.1, client certificates, no resumption.
//!
//! **The handshake proves possession, nothing more.** [`ProofOfPossession`] asks for a client certificate, verifies that the
//! client holds its key (RFC 8446, 4.4.3), and believes nothing of it. Whether the certificate is trusted, valid, registered
//! and not revoked is decided by `access::identify`, for three reasons: a client that is refused in the handshake sees "connection
//! closed" and nobody can tell it why, while here it reads a problem with a code; path validation and revocation are ours
//! (`certs`), the same for logins as for signatures, and not a second opinion of a TLS library; and a login can be taken
//! away from a connection that is already open. Before a login a connection can do nothing: every route asks for it first.
//!
//! Certificates with keys that TLS 1.3 has no signature scheme for (DSTU 4145) cannot prove possession here; their handshake
//! fails.
//!
//! No session tickets: a resumed session would skip the proof and bring the identity of an earlier day.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use crate::config::KeyPairFiles;

/// The server's side of the handshake.
///
/// # Errors
/// A sentence that names the file that cannot be used.
pub(crate) fn server_config(files: &KeyPairFiles) -> Result<Arc<ServerConfig>, String> {
    let (chain, key) = chain_and_key("tls", files)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(ProofOfPossession(provider.signature_verification_algorithms));
    from_parts(provider, verifier, chain, key)
        .map(Arc::new)
        .map_err(|e| format!("tls.key {} and tls.certificate do not serve TLS together: {e}", files.key.display()))
}

/// TLS of all doors, from one pair of files, replaced when these change.
#[derive(Clone)]
pub(crate) struct Served {
    files: KeyPairFiles,
    /// Of the API: client certificates are asked for.
    pub(crate) api: Arc<ArcSwap<ServerConfig>>,
    /// Of the portals: they are not.
    pub(crate) portals: Arc<ArcSwap<ServerConfig>>,
}

impl Served {
    /// # Errors
    /// As [`server_config`].
    pub(crate) fn open(files: &KeyPairFiles) -> Result<Self, String> {
        let (api, portals) = (ArcSwap::new(server_config(files)?), ArcSwap::new(portal_config(files)?));
        Ok(Self { files: files.clone(), api: Arc::new(api), portals: Arc::new(portals) })
    }

    /// Reads the files anew.
    ///
    /// # Errors
    /// As [`server_config`]; then what is in use stays.
    pub(crate) fn reload(&self) -> Result<(), String> {
        let (api, portals) = (server_config(&self.files)?, portal_config(&self.files)?);
        self.api.store(api);
        self.portals.store(portals);
        Ok(())
    }
}

/// The server's side of the handshake at a portal. A browser that was asked for a client certificate would ask the person for one.
///
/// # Errors
/// As [`server_config`].
fn portal_config(files: &KeyPairFiles) -> Result<Arc<ServerConfig>, String> {
    let (chain, key) = chain_and_key("tls", files)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let config = builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let config = config
        .map_err(|e| format!("tls.key {} and tls.certificate do not serve TLS together: {e}", files.key.display()))?;
    Ok(Arc::new(as_served(config)))
}

/// The same, for a door where nobody is asked who they are.
///
/// # Errors
/// As [`server_config`].
pub(crate) fn without_client_certificates(files: &KeyPairFiles) -> Result<Arc<ServerConfig>, String> {
    portal_config(files)
}

/// Certificates, leaf first, and the key of the leaf; `section` names them in errors.
///
/// # Errors
/// A sentence that names the file that cannot be used.
pub(crate) fn chain_and_key(
    section: &str,
    files: &KeyPairFiles,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("{section}.certificate {}: {e}", files.certificate.display()))?;
    if chain.is_empty() {
        return Err(format!("{section}.certificate {}: no CERTIFICATE in it", files.certificate.display()));
    }
    let key = PrivatePkcs8KeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|e| format!("{section}.key {}: not a PKCS#8 PRIVATE KEY ({e})", files.key.display()))?;
    Ok((chain, PrivateKeyDer::Pkcs8(key)))
}

fn from_parts(
    provider: Arc<CryptoProvider>,
    verifier: Arc<ProofOfPossession>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, Error> {
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    Ok(as_served(config))
}

/// What is the same at every door.
fn as_served(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))
}

/// Verifies the handshake's signature under whatever certificate the client shows; see the module.
struct ProofOfPossession(WebPkiSupportedAlgorithms);

impl fmt::Debug for ProofOfPossession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofOfPossession")
    }
}

impl ClientCertVerifier for ProofOfPossession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
