//! What is stated of another node, checked.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use crypto::digest::{hex, sha256};
use crypto::key::{Curve, KeyKind};
use schemas::ProblemCode;
use schemas::peer::{PeerCertificate, PeerIdentity, PeerName, PeerStatement};

use crate::openid::address::HttpsAddress;
use crate::registry::{RegistryError, can_log_in};

/// Authorities of one peer.
const AUTHORITIES: usize = 8;

/// Certificates of one peer for one purpose: one, and others while it changes from one to the next.
const CERTIFICATES: usize = 4;

/// Longest address.
const URL_BYTES: usize = 300;

/// Another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    name: Arc<str>,
    url: String,
    authorities: Vec<Certificate>,
    logins: Vec<Certificate>,
    evidence: Vec<Certificate>,
}

impl Peer {
    /// A peer as the configuration names it. `login`: its certificate there; `evidence`: what its evidence verifies under.
    #[must_use]
    pub fn new(
        name: &str,
        url: &str,
        authorities: Vec<Certificate>,
        login: Vec<Certificate>,
        evidence: Vec<Certificate>,
    ) -> Self {
        Self { name: name.into(), url: url.to_owned(), authorities, logins: login, evidence }
    }

    /// What was stated, read: that it is well formed, and no more.
    pub(super) fn of_statement(name: &str, statement: &PeerStatement) -> Result<Self, String> {
        let PeerStatement { url, authorities, login, evidence } = statement;
        Ok(Self {
            name: name.into(),
            url: url.clone(),
            authorities: certificates("authorities", authorities)?,
            logins: certificates("login", login)?,
            evidence: certificates("evidence", evidence)?,
        })
    }

    /// Its name, as its evidence carries it.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its public address: `https://host[:port]`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What its TLS certificate leads to.
    #[must_use]
    pub fn authorities(&self) -> &[Certificate] {
        &self.authorities
    }

    /// What its evidence verifies under: one of these.
    #[must_use]
    pub fn evidence(&self) -> &[Certificate] {
        &self.evidence
    }

    /// SHA-256 of the certificates that it logs in here with.
    pub(super) fn logins(&self) -> Vec<[u8; 32]> {
        self.logins.iter().map(Certificate::fingerprint).collect()
    }

    /// As operators read it.
    pub(super) fn identity(&self) -> PeerIdentity {
        let shown = |certificates: &[Certificate]| certificates.iter().map(shown).collect();
        PeerIdentity {
            url: self.url.clone(),
            authorities: shown(&self.authorities),
            login: shown(&self.logins),
            evidence: shown(&self.evidence),
        }
    }
}

/// A statement that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    peer: Peer,
    json: String,
    sha256: [u8; 32],
}

impl Stated {
    /// Checks what is stated of a node, by itself.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] with `MalformedJson`: an address that is none; a certificate that does not parse, or cannot be for what it is
    /// stated for; none, too many, or the same one twice.
    pub fn check(name: &PeerName, statement: &PeerStatement) -> Result<Self, RegistryError> {
        let invalid = |detail: String| RegistryError::invalid(ProblemCode::MalformedJson, detail);
        if !is_origin(&statement.url) {
            return Err(invalid("url: of the form https://host[:port], the host in lower case".to_owned()));
        }
        let counts = [
            ("authorities", &statement.authorities, AUTHORITIES),
            ("login", &statement.login, CERTIFICATES),
            ("evidence", &statement.evidence, CERTIFICATES),
        ];
        for (what, stated, most) in counts {
            if !(1..=most).contains(&stated.len()) {
                return Err(invalid(format!("{what}: 1 to {most} certificates")));
            }
        }
        let peer = Peer::of_statement(name.as_str(), statement).map_err(invalid)?;
        check_each("authorities", &peer.authorities, is_authority).map_err(invalid)?;
        check_each("login", &peer.logins, is_login).map_err(invalid)?;
        check_each("evidence", &peer.evidence, signs_evidence).map_err(invalid)?;
        let json = serde_json::to_string(&canonical(&peer)).map_err(|error| invalid(error.to_string()))?;
        let sha256 = sha256(json.as_bytes());
        Ok(Self { peer, json, sha256 })
    }

    /// What is stated.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// As it is kept.
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// SHA-256 of what is kept: what a second operator confirms.
    pub(super) fn digest(&self) -> String {
        hex(&self.sha256)
    }

    /// What the audit entry says of it: fingerprints, not the certificates themselves.
    pub(super) fn audit_details(&self) -> serde_json::Value {
        let fingerprints = |certificates: &[Certificate]| -> Vec<String> {
            certificates.iter().map(|certificate| hex(&certificate.fingerprint())).collect()
        };
        let Peer { url, authorities, logins, evidence, .. } = &self.peer;
        serde_json::json!({
            "sha256": self.digest(),
            "url": url,
            "authorities": fingerprints(authorities),
            "login": fingerprints(logins),
            "evidence": fingerprints(evidence),
        })
    }
}

/// The statement with each certificate in its one spelling: what base64 wrote in two ways is one statement.
fn canonical(peer: &Peer) -> PeerStatement {
    let encoded = |certificates: &[Certificate]| certificates.iter().map(|one| STANDARD.encode(one.der())).collect();
    PeerStatement {
        url: peer.url.clone(),
        authorities: encoded(&peer.authorities),
        login: encoded(&peer.logins),
        evidence: encoded(&peer.evidence),
    }
}

fn certificates(what: &str, stated: &[String]) -> Result<Vec<Certificate>, String> {
    let read = |(number, text): (usize, &String)| {
        let wrong = |reason: &str| format!("{what}[{number}]: {reason}");
        let der = STANDARD.decode(text).map_err(|_| wrong("not base64"))?;
        Certificate::from_der(&der).map_err(|error| wrong(&error.to_string()))
    };
    stated.iter().enumerate().map(read).collect()
}

fn check_each(
    what: &str,
    certificates: &[Certificate],
    check: impl Fn(&Certificate) -> Result<(), &'static str>,
) -> Result<(), String> {
    for (number, certificate) in certificates.iter().enumerate() {
        check(certificate).map_err(|reason| format!("{what}[{number}]: {reason}"))?;
        let repeated = certificates.iter().take(number).any(|other| other.fingerprint() == certificate.fingerprint());
        if repeated {
            return Err(format!("{what}[{number}]: is repeated"));
        }
    }
    Ok(())
}

fn is_authority(certificate: &Certificate) -> Result<(), &'static str> {
    certificate.is_ca().then_some(()).ok_or("not a certificate of an authority")
}

fn is_login(certificate: &Certificate) -> Result<(), &'static str> {
    if certificate.is_ca() { Err("a certificate of an authority") } else { can_log_in(certificate) }
}

/// Evidence is signed with ES256 (`exchange::evidence`).
fn signs_evidence(certificate: &Certificate) -> Result<(), &'static str> {
    if certificate.is_ca() {
        return Err("a certificate of an authority");
    }
    let signs = certificate.key_usage().is_none_or(|bits| bits.digital_signature() || bits.content_commitment());
    if !signs {
        return Err("keyUsage allows neither digitalSignature nor contentCommitment");
    }
    let is_p256 = certificate.public_key().is_ok_and(|key| key.kind() == KeyKind::Ec(Curve::P256));
    is_p256.then_some(()).ok_or("evidence is signed with keys on P-256")
}

fn is_origin(url: &str) -> bool {
    let bare = url.strip_prefix("https://").is_some_and(|rest| !rest.contains(['/', '?']));
    bare && url.len() <= URL_BYTES && HttpsAddress::parse(url).is_some()
}

fn shown(certificate: &Certificate) -> PeerCertificate {
    PeerCertificate {
        sha256: certificate.fingerprint().into(),
        subject: certificate.subject(),
        not_after: certificate.not_after(),
    }
}
