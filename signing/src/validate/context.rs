//! Validation context initialisation, EN 319 102-1 5.2.4: what a signature file itself brings to its validation.
//!
//! Everything embedded is untrusted until checked: certificates only help to find a path, lists and answers are
//! verified by `certs` like those from outside.

use std::borrow::Cow;

use certs::certificate::Certificate;
use certs::revocation::{Crl, OcspResponse, RevocationData};

use crate::cms::{
    EmbeddedRevocation, MOST_CERTIFICATES, MOST_REVOCATION, SignedData, certificate_values, revocation_values,
};

/// Every certificate of the file, each once, in its order. What `certs` cannot read is passed over.
pub(super) fn certificate_pool(signed: &SignedData<'_>) -> Vec<Certificate> {
    let values = signed.signers.iter().flat_map(certificate_values);
    let embedded = signed.certificates.iter().map(|der| Cow::Borrowed(*der)).chain(values.map(Cow::Owned));
    let mut pool: Vec<Certificate> = Vec::new();
    for der in embedded.take(MOST_CERTIFICATES) {
        if pool.iter().any(|known| known.der() == der.as_ref()) {
            continue;
        }
        if let Ok(certificate) = Certificate::from_der(&der) {
            pool.push(certificate);
        }
    }
    pool
}

/// The caller's revocation data joined with the file's.
pub(super) fn revocation_pool<'c>(signed: &SignedData<'_>, given: &'c RevocationData) -> Cow<'c, RevocationData> {
    let mut joined = Cow::Borrowed(given);
    for embedded in signed.revocation.iter().take(MOST_REVOCATION) {
        join(&mut joined, embedded);
    }
    for embedded in signed.signers.iter().flat_map(revocation_values).take(MOST_REVOCATION) {
        join(&mut joined, &embedded);
    }
    joined
}

/// What `certs` cannot read is passed over.
fn join(joined: &mut Cow<'_, RevocationData>, embedded: &EmbeddedRevocation<'_>) {
    match embedded {
        EmbeddedRevocation::Crl(der) => {
            if let Ok(crl) = Crl::from_der(der) {
                joined.to_mut().crls.push(crl);
            }
        }
        EmbeddedRevocation::Ocsp(der) => {
            if let Ok(answer) = OcspResponse::from_der(der) {
                joined.to_mut().ocsp.push(answer);
            }
        }
        EmbeddedRevocation::OcspBasic(der) => {
            if let Ok(answer) = OcspResponse::from_basic_der(der) {
                joined.to_mut().ocsp.push(answer);
            }
        }
    }
}
