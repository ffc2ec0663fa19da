//! Digest algorithms by the identifiers that XML uses for them: W3C XML Signature 1.1 and XML Encryption 1.1; RFC 9231, 2.1.
//!
//! For GOST 34.311 and Kupyna no identifier is published that producers agree on; a manifest that uses one cannot be checked.

use crypto::digest::DigestAlgorithm;

const IDENTIFIERS: &[(DigestAlgorithm, &str)] = &[
    (DigestAlgorithm::Sha1, "http://www.w3.org/2000/09/xmldsig#sha1"),
    (DigestAlgorithm::Sha224, "http://www.w3.org/2001/04/xmldsig-more#sha224"),
    (DigestAlgorithm::Sha256, "http://www.w3.org/2001/04/xmlenc#sha256"),
    (DigestAlgorithm::Sha384, "http://www.w3.org/2001/04/xmldsig-more#sha384"),
    (DigestAlgorithm::Sha512, "http://www.w3.org/2001/04/xmlenc#sha512"),
    (DigestAlgorithm::Sha3_224, "http://www.w3.org/2007/05/xmldsig-more#sha3-224"),
    (DigestAlgorithm::Sha3_256, "http://www.w3.org/2007/05/xmldsig-more#sha3-256"),
    (DigestAlgorithm::Sha3_384, "http://www.w3.org/2007/05/xmldsig-more#sha3-384"),
    (DigestAlgorithm::Sha3_512, "http://www.w3.org/2007/05/xmldsig-more#sha3-512"),
];

/// The algorithm of an identifier.
pub(super) fn from_uri(uri: &str) -> Option<DigestAlgorithm> {
    IDENTIFIERS.iter().find(|(_, identifier)| *identifier == uri).map(|(algorithm, _)| *algorithm)
}

/// The identifier of an algorithm, where there is one.
pub(super) fn to_uri(algorithm: DigestAlgorithm) -> Option<&'static str> {
    IDENTIFIERS.iter().find(|(known, _)| *known == algorithm).map(|(_, identifier)| *identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_lead_back_to_their_algorithms() {
        for (algorithm, uri) in IDENTIFIERS {
            assert_eq!(from_uri(uri), Some(*algorithm));
            assert_eq!(to_uri(*algorithm), Some(*uri));
        }
        assert_eq!(to_uri(DigestAlgorithm::Kupyna256), None);
        assert_eq!(from_uri("http://www.w3.org/2001/04/xmldsig-more#md5"), None);
    }
}
