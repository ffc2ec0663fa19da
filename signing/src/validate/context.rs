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

/// The file's revocation data.
pub(super) fn embedded_revocation(signed: &SignedData<'_>) -> RevocationData {
    let mut data = RevocationData::default();
    for embedded in signed.revocation.iter().take(MOST_REVOCATION) {
        add(&mut data, embedded);
    }
    for embedded in signed.signers.iter().flat_map(revocation_values).take(MOST_REVOCATION) {
        add(&mut data, &embedded);
    }
    data
}

/// What `certs` cannot read is passed over.
fn add(data: &mut RevocationData, embedded: &EmbeddedRevocation<'_>) {
    match embedded {
        EmbeddedRevocation::Crl(der) => data.crls.extend(Crl::from_der(der)),
        EmbeddedRevocation::Ocsp(der) => data.ocsp.extend(OcspResponse::from_der(der)),
        EmbeddedRevocation::OcspBasic(der) => data.ocsp.extend(OcspResponse::from_basic_der(der)),
    }
}
