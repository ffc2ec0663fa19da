//! Identification of the signing certificate, EN 319 102-1 5.2.3.

use certs::certificate::Certificate;
use certs::name;
use crypto::digest::{DigestAlgorithm, digest};

use crate::cms::{SignerIdentifier, SignerInfo};

use super::cause::{Cause, Findings};
use super::format::{CertificateReference, SignedAttributes};

/// Finds the signing certificate in `pool`.
///
/// The signed reference decides (5.2.3.4); the signer identifier, which is not signed, must agree with it. Where the
/// reference is missing or matches nothing, the certificate that the identifier names is returned, so that it can still
/// be told whether the value verifies; a mismatch is then a finding.
pub(super) fn identify(
    signer: &SignerInfo<'_>,
    attributes: &SignedAttributes<'_>,
    pool: &[Certificate],
    findings: &mut Findings,
) -> Option<Certificate> {
    let named = pool.iter().find(|certificate| names(&signer.identifier, certificate));
    let Some(reference) = &attributes.certificate else {
        if named.is_none() {
            findings.add(Cause::SignerNotFound);
        }
        return named.cloned();
    };
    // Mostly the one that the identifier names: then no other need be hashed.
    let by_name = named.filter(|certificate| refers_to(reference, certificate));
    let referenced = by_name.or_else(|| pool.iter().find(|certificate| refers_to(reference, certificate)));
    match (referenced, named) {
        (Some(certificate), _) if agrees(&signer.identifier, certificate) => Some(certificate.clone()),
        (None, None) => {
            findings.add(Cause::SignerNotFound);
            None
        }
        (_, named) => {
            findings.add(Cause::SignerReference);
            named.cloned()
        }
    }
}

/// RFC 5652, 5.3: the identifier names this certificate.
fn names(identifier: &SignerIdentifier<'_>, certificate: &Certificate) -> bool {
    match *identifier {
        SignerIdentifier::IssuerAndSerial { issuer, serial } => is_issued(certificate, issuer, serial),
        SignerIdentifier::SubjectKey(key) => certificate.subject_key_identifier() == Some(key),
    }
}

/// The identifier does not contradict a certificate that the signed digest has chosen. The extension with the key
/// identifier may be missing: then the digest alone decides.
fn agrees(identifier: &SignerIdentifier<'_>, certificate: &Certificate) -> bool {
    match *identifier {
        SignerIdentifier::SubjectKey(key) => certificate.subject_key_identifier().is_none_or(|own| own == key),
        SignerIdentifier::IssuerAndSerial { .. } => names(identifier, certificate),
    }
}

/// Names are compared as RFC 5280, 7.1 says: producers encode the same name with other string types.
pub(super) fn is_issued(certificate: &Certificate, issuer: &[u8], serial: &[u8]) -> bool {
    same_integer(serial, certificate.serial()) && name::same(issuer, certificate.issuer_der())
}

/// RFC 5035, 4: the digest is the certificate's, and issuer and serial number, if given, are too.
fn refers_to(reference: &CertificateReference<'_>, certificate: &Certificate) -> bool {
    let algorithm = match (&reference.algorithm, reference.version_2) {
        (Some(identifier), _) => DigestAlgorithm::from_oid(&identifier.dotted()),
        (None, true) => Some(DigestAlgorithm::Sha256),
        (None, false) => Some(DigestAlgorithm::Sha1),
    };
    let Some(algorithm) = algorithm else { return false };
    let is_same = match algorithm {
        // Kept with the certificate.
        DigestAlgorithm::Sha256 => certificate.fingerprint() == *reference.digest,
        other => digest(other, certificate.der()).as_bytes() == reference.digest,
    };
    if !is_same {
        return false;
    }
    reference.issuer_serial.is_none_or(|(issuer, serial)| is_issued(certificate, issuer, serial))
}

/// INTEGER contents, compared as numbers: some producers drop or add a leading zero.
fn same_integer(a: &[u8], b: &[u8]) -> bool {
    fn significant(mut octets: &[u8]) -> &[u8] {
        while let [0, rest @ ..] = octets {
            octets = rest;
        }
        octets
    }
    a == b || (!a.is_empty() && significant(a) == significant(b))
}

#[cfg(test)]
mod tests {
    use super::same_integer;

    #[test]
    fn serial_numbers_are_numbers() {
        assert!(same_integer(&[0, 0x9a], &[0x9a]));
        assert!(same_integer(&[0], &[0, 0]));
        assert!(!same_integer(&[1], &[1, 0]));
        assert!(!same_integer(&[], &[0]));
    }
}
