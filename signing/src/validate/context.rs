//! Validation context initialisation, EN 319 102-1 5.2.4: what a signature file itself brings to its validation.
//!
//! Everything embedded is untrusted until checked: certificates only help to find a path, lists and answers are
//! verified by `certs` like those from outside.

use std::borrow::Cow;

use certs::certificate::Certificate;
use certs::revocation::{Crl, OcspResponse, RevocationError};
use certs::trust::TrustSnapshot;

use crate::cms::{
    EmbeddedRevocation, MOST_CERTIFICATES, MOST_REVOCATION, SignedData, SignerInfo, certificate_values,
    revocation_values,
};

use super::proof::Object;
use super::status::Embedded;
use super::token::Token;

/// Every certificate of the file, each once, in its order. What `certs` cannot read is passed over.
pub(super) fn certificate_pool(signed: &SignedData<'_>) -> Vec<Certificate> {
    let mut pool = Vec::new();
    add_certificates(signed, None, &mut pool);
    pool
}

/// Adds the certificates of a file or a token to those that are there. What the snapshot remembers is not read again.
pub(super) fn add_certificates(signed: &SignedData<'_>, trust: Option<&TrustSnapshot>, pool: &mut Vec<Certificate>) {
    let values = signed.signers.iter().flat_map(certificate_values);
    let embedded = signed.certificates.iter().map(|der| Cow::Borrowed(*der)).chain(values.map(Cow::Owned));
    for der in embedded.take(MOST_CERTIFICATES) {
        // Few, and mostly of different lengths: comparing costs less than hashing them.
        if pool.iter().any(|known| known.der() == der.as_ref()) {
            continue;
        }
        let known = trust.and_then(|trust| trust.recall(&der));
        pool.extend(known.or_else(|| Certificate::from_der(&der).ok()));
    }
}

/// Adds certificates in DER to those that are there.
pub(super) fn add_der(certificates: &[&[u8]], trust: &TrustSnapshot, pool: &mut Vec<Certificate>) {
    for der in certificates.iter().take(MOST_CERTIFICATES) {
        if !pool.iter().any(|known| known.der() == *der) {
            pool.extend(trust.recall(der).or_else(|| Certificate::from_der(der).ok()));
        }
    }
}

/// The revocation data of the file itself, each with the object that holds it. Where several signed, one may bring what serves the
/// others.
pub(super) fn revocation_of_file(file: &SignedData<'_>, trust: &TrustSnapshot) -> Embedded {
    let mut embedded = Embedded::default();
    for (place, choice) in file.parts.revocation.iter().enumerate() {
        if let Some(one) = EmbeddedRevocation::read(choice) {
            embedded.add(Object::Revocation(place), &one, trust);
        }
    }
    if file.signers.len() > 1 {
        for (_, one) in file.signers.iter().flat_map(revocation_values).take(MOST_REVOCATION) {
            embedded.add(Object::Elsewhere, &one, trust);
        }
    }
    embedded
}

/// The revocation data that one signature brings besides: the signer's own, and that of its time-stamps.
pub(super) fn revocation_of_signature(
    signer: &SignerInfo<'_>,
    tokens: &[(Object, &Token<'_>)],
    trust: &TrustSnapshot,
) -> Embedded {
    let mut embedded = Embedded::default();
    for ((place, number), one) in revocation_values(signer) {
        embedded.add(Object::UnsignedValue(place, number), &one, trust);
    }
    embedded.and(revocation_of_tokens(tokens, trust))
}

/// The revocation data within time-stamp tokens, held by what holds each token.
pub(super) fn revocation_of_tokens(tokens: &[(Object, &Token<'_>)], trust: &TrustSnapshot) -> Embedded {
    let mut embedded = Embedded::default();
    for (object, token) in tokens {
        let own = token.signed.signers.iter().flat_map(revocation_values).map(|(_, one)| one);
        for one in token.signed.revocation.iter().cloned().chain(own).take(MOST_REVOCATION) {
            embedded.add(*object, &one, trust);
        }
    }
    embedded
}

impl Embedded {
    /// What `certs` cannot read is passed over.
    pub(super) fn add(&mut self, object: Object, one: &EmbeddedRevocation<'_>, trust: &TrustSnapshot) {
        let recall = |der: &[u8]| trust.recall(der);
        let answer = |der: &[u8], read: &dyn Fn() -> Result<OcspResponse, RevocationError>| {
            trust.recall_answer(der).or_else(|| read().ok()).map(|answer| (object, answer))
        };
        match one {
            EmbeddedRevocation::Crl(der) => {
                let list = trust.recall_list(der).or_else(|| Crl::from_der(der).ok());
                self.crls.extend(list.map(|list| (object, list)));
            }
            EmbeddedRevocation::Ocsp(der) => self.ocsp.extend(answer(der, &|| OcspResponse::read(der, &recall))),
            EmbeddedRevocation::OcspBasic(der) => {
                self.ocsp.extend(answer(der, &|| OcspResponse::read_basic(der, &recall)));
            }
        }
    }
}
