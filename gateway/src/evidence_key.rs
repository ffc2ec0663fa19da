//! The key of the evidence: from a file or from a token, with its certificate, seen to belong together before anything is signed.

use std::sync::Arc;

use certs::certificate::Certificate;
use crypto::key::{Curve, KeyHandle, KeyKind, PublicKey};
use crypto::token::TokenKey;
use exchange::evidence::EvidenceSigner;
use storage::Clock;

use crate::config::{Config, KeySource};
use crate::token_key;
use crate::wiring::{StartError, read_certificates, read_key};

/// Where the configuration says which key it is.
const KEY: &str = "evidence.key";

/// Key and certificate of the evidence belong together, are P-256, and are valid now: evidence that nobody can verify is worse
/// than a node that does not start.
pub(crate) fn evidence_signer(config: &Config, clock: &dyn Clock) -> Result<EvidenceSigner, StartError> {
    let file = &config.evidence.certificate;
    let wrong = |what: &str| StartError(format!("evidence.certificate {}: {what}", file.display()));
    let mut chain = read_certificates("evidence.certificate", file)?.into_iter();
    let certificate = chain.next().ok_or_else(|| wrong("no CERTIFICATE in it"))?;
    let public = certificate.public_key().map_err(|_| wrong("its key cannot be read"))?;
    if public.kind() != KeyKind::Ec(Curve::P256) {
        return Err(wrong("evidence is signed with ES256: a P-256 key is needed"));
    }
    if !(certificate.not_before()..=certificate.not_after()).contains(&clock.now()) {
        return Err(wrong("is outside its validity period"));
    }
    let key = key(&config.evidence.key, public, &certificate).map_err(|error| match error {
        NoKey::Start(error) => error,
        NoKey::Other => wrong("belongs to another key than evidence.key"),
    })?;
    let signer = EvidenceSigner::new(key, certificate, &config.node.name).with_issuers(chain);
    signer.prove().map_err(|error| StartError(format!("{KEY}: {error}")))?;
    Ok(signer)
}

enum NoKey {
    /// It cannot be had.
    Start(StartError),
    /// It is not the certificate's.
    Other,
}

fn key(source: &KeySource, public: &PublicKey, certificate: &Certificate) -> Result<Arc<dyn KeyHandle>, NoKey> {
    match source {
        KeySource::File(file) => {
            let key = read_key(KEY, file).map_err(NoKey::Start)?;
            if key.public_key().spki_der() != certificate.spki_der() {
                return Err(NoKey::Other);
            }
            Ok(Arc::new(key))
        }
        KeySource::Token(token) => {
            let opened = TokenKey::open(token_key::place(token, KEY), public.clone());
            let unusable = |error| NoKey::Start(StartError(token_key::unusable(token, KEY, &error)));
            opened.map(|key| Arc::new(key) as Arc<dyn KeyHandle>).map_err(unusable)
        }
    }
}
