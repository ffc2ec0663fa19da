//! Participants of a measurement: certificates and keys read from a folder.

use std::path::Path;
use std::sync::Arc;

use certs::certificate::Certificate;
use crypto::key::SoftwareKey;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};
use schemas::{Edrpou, MailboxId};

/// A certificate chain, leaf first, and its key.
pub struct KeyPair {
    /// Leaf first.
    pub chain: Vec<Certificate>,
    /// Key of the leaf.
    pub key: SoftwareKey,
}

/// A participant.
pub struct Party {
    /// Its code, which is the name of its folder.
    pub edrpou: Edrpou,
    /// Where it receives.
    pub mailbox: MailboxId,
    /// Signs.
    pub signer: KeyPair,
    /// Opens.
    pub encryption: KeyPair,
    /// TLS 1.3 with its client certificate.
    pub tls: Arc<ClientConfig>,
}

impl Party {
    /// Reads the keys of a participant from a site's folder: `anchors/root.pem` and
    /// `agencies/<edrpou>/{login,signing,encryption}.{pem,key}`.
    ///
    /// # Panics
    /// Where a file is missing or malformed: there is nothing to measure without it.
    #[must_use]
    pub fn read(folder: &Path, edrpou: Edrpou) -> Self {
        let own = folder.join("agencies").join(edrpou.as_str());
        let root = Certificate::from_pem(&read(&folder.join("anchors/root.pem"))).expect("the anchor");
        Self {
            edrpou,
            mailbox: format!("{edrpou}.chancellery").parse().expect("a code and a name"),
            signer: KeyPair::read(&own, "signing"),
            encryption: KeyPair::read(&own, "encryption"),
            tls: Arc::new(tls(&root, &KeyPair::read(&own, "login"))),
        }
    }
}

impl KeyPair {
    fn read(folder: &Path, name: &str) -> Self {
        let chain = Certificate::from_pem(&read(&folder.join(format!("{name}.pem")))).expect("a certificate chain");
        let key = SoftwareKey::from_pkcs8_pem(&read(&folder.join(format!("{name}.key")))).expect("a private key");
        Self { chain, key }
    }

    /// The certificate of the key.
    ///
    /// # Panics
    /// Where the file held no certificate.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        self.chain.first().expect("a certificate chain has a leaf")
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn tls(roots: &[Certificate], login: &KeyPair) -> ClientConfig {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.der().to_vec())).expect("a root certificate");
    }
    let chain = login.chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
    let key = login.key.to_pkcs8_der().expect("an exportable key").to_vec();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3 is there")
        .with_root_certificates(store)
        .with_client_auth_cert(chain, PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key)))
        .expect("a key that belongs to its certificate")
}
