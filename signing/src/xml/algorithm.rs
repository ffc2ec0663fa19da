//! Algorithms by the identifiers that XML uses for them: W3C XML Signature 1.1, XML Encryption 1.1; RFC 9231, 2.1 to 2.3.
//!
//! For the national algorithms no identifier is published in a standard. Those here are known from other projects, which name
//! examples of the Central Certification Authority and the state's application (Diia) as their source; no such container was at hand.
//! They are written only where a signature of DSTU 4145 is made, which has no others. A value of DSTU 4145 is taken for the bare halves, as in CMS.

use crypto::digest::DigestAlgorithm::{
    self, Gost34311, Kupyna256, Sha1, Sha3_224, Sha3_256, Sha3_384, Sha3_512, Sha224, Sha256, Sha384, Sha512,
};
use crypto::signature::SignatureAlgorithm;

const DIGESTS: &[(DigestAlgorithm, &str)] = &[
    (Sha1, "http://www.w3.org/2000/09/xmldsig#sha1"),
    (Sha224, "http://www.w3.org/2001/04/xmldsig-more#sha224"),
    (Sha256, "http://www.w3.org/2001/04/xmlenc#sha256"),
    (Sha384, "http://www.w3.org/2001/04/xmldsig-more#sha384"),
    (Sha512, "http://www.w3.org/2001/04/xmlenc#sha512"),
    (Sha3_224, "http://www.w3.org/2007/05/xmldsig-more#sha3-224"),
    (Sha3_256, "http://www.w3.org/2007/05/xmldsig-more#sha3-256"),
    (Sha3_384, "http://www.w3.org/2007/05/xmldsig-more#sha3-384"),
    (Sha3_512, "http://www.w3.org/2007/05/xmldsig-more#sha3-512"),
];

const NATIONAL_DIGESTS: &[(DigestAlgorithm, &str)] = &[
    (Kupyna256, "http://www.w3.org/2001/04/xmlenc#dstu7564-256"),
    (Gost34311, "http://www.w3.org/2001/04/xmlenc#gost34311"),
    (Gost34311, "http://www.w3.org/2001/04/xmldsig-more#gost34311"),
];

const SIGNATURES: &[(&str, SignatureAlgorithm)] = &[
    ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", SignatureAlgorithm::RsaPkcs1(Sha1)),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha224", SignatureAlgorithm::RsaPkcs1(Sha224)),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", SignatureAlgorithm::RsaPkcs1(Sha256)),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", SignatureAlgorithm::RsaPkcs1(Sha384)),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", SignatureAlgorithm::RsaPkcs1(Sha512)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1", pss(Sha1)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha224-rsa-MGF1", pss(Sha224)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", pss(Sha256)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1", pss(Sha384)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", pss(Sha512)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-224-rsa-MGF1", pss(Sha3_224)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-256-rsa-MGF1", pss(Sha3_256)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-384-rsa-MGF1", pss(Sha3_384)),
    ("http://www.w3.org/2007/05/xmldsig-more#sha3-512-rsa-MGF1", pss(Sha3_512)),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", SignatureAlgorithm::Ecdsa(Sha1)),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha224", SignatureAlgorithm::Ecdsa(Sha224)),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", SignatureAlgorithm::Ecdsa(Sha256)),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", SignatureAlgorithm::Ecdsa(Sha384)),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", SignatureAlgorithm::Ecdsa(Sha512)),
    ("http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-224", SignatureAlgorithm::Ecdsa(Sha3_224)),
    ("http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-256", SignatureAlgorithm::Ecdsa(Sha3_256)),
    ("http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-384", SignatureAlgorithm::Ecdsa(Sha3_384)),
    ("http://www.w3.org/2021/04/xmldsig-more#ecdsa-sha3-512", SignatureAlgorithm::Ecdsa(Sha3_512)),
    ("http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519", SignatureAlgorithm::Ed25519),
    ("http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448", SignatureAlgorithm::Ed448),
    ("http://www.w3.org/2001/04/xmldsig-more#dstu4145-gost34311", SignatureAlgorithm::Dstu4145(Gost34311)),
    ("http://www.w3.org/2001/04/xmldsig-more#dstu4145-dstu7564-256", SignatureAlgorithm::Dstu4145(Kupyna256)),
];

/// RFC 9231, 2.3.10: one digest for all, and a salt of its length.
const fn pss(digest: DigestAlgorithm) -> SignatureAlgorithm {
    SignatureAlgorithm::RsaPss { digest, mgf_digest: digest, salt_len: digest.output_len() }
}

/// The digest algorithm of an identifier.
#[must_use]
pub fn digest_from_uri(uri: &str) -> Option<DigestAlgorithm> {
    known_digest(uri).map(|(algorithm, _)| algorithm)
}

/// The digest algorithm of an identifier, and the identifier as it is known here.
pub(crate) fn known_digest(uri: &str) -> Option<(DigestAlgorithm, &'static str)> {
    DIGESTS.iter().chain(NATIONAL_DIGESTS).find(|(_, identifier)| *identifier == uri).copied()
}

/// The identifier of a digest algorithm, where a standard has one.
#[must_use]
pub fn digest_to_uri(algorithm: DigestAlgorithm) -> Option<&'static str> {
    DIGESTS.iter().find(|(known, _)| *known == algorithm).map(|(_, identifier)| *identifier)
}

/// The same with the national algorithms, which no standard identifies.
#[must_use]
pub fn any_digest_to_uri(algorithm: DigestAlgorithm) -> Option<&'static str> {
    let national = NATIONAL_DIGESTS.iter().find(|(known, _)| *known == algorithm).map(|(_, identifier)| *identifier);
    digest_to_uri(algorithm).or(national)
}

/// The identifier of a signature algorithm that may be written: none with SHA-1 or SHA-224, and RSASSA-PSS only with one digest for all and a
/// salt of its length, as the identifiers say.
#[must_use]
pub fn signature_to_uri(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    if matches!(algorithm.digest_algorithm(), Some(Sha1 | Sha224 | Sha3_224)) {
        return None;
    }
    SIGNATURES.iter().find(|(_, known)| *known == algorithm).map(|(identifier, _)| *identifier)
}

/// The signature algorithm of an identifier that says everything by itself. Message authentication codes are none: who checks one
/// could have made it. Nor is DSA.
#[must_use]
pub fn signature_from_uri(uri: &str) -> Option<SignatureAlgorithm> {
    SIGNATURES.iter().find(|(identifier, _)| *identifier == uri).map(|(_, algorithm)| *algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn identifiers_lead_back_to_their_algorithms() {
        for (algorithm, uri) in DIGESTS {
            assert_eq!(digest_from_uri(uri), Some(*algorithm));
            assert_eq!(digest_to_uri(*algorithm), Some(*uri));
        }
        assert_eq!(digest_from_uri("http://www.w3.org/2001/04/xmlenc#dstu7564-256"), Some(Kupyna256));
        assert_eq!(digest_to_uri(Kupyna256), None);
        for algorithm in [Kupyna256, Gost34311] {
            assert_eq!(any_digest_to_uri(algorithm).and_then(digest_from_uri), Some(algorithm));
        }
        assert_eq!(digest_from_uri("http://www.w3.org/2001/04/xmldsig-more#md5"), None);
    }

    #[test]
    fn each_signature_identifier_means_one_algorithm() {
        let uris: BTreeSet<&str> = SIGNATURES.iter().map(|(uri, _)| *uri).collect();
        assert_eq!(uris.len(), SIGNATURES.len());
        for (uri, algorithm) in SIGNATURES {
            assert!(signature_to_uri(*algorithm).is_none_or(|written| written == *uri), "{uri}");
        }
        assert_eq!(signature_to_uri(SignatureAlgorithm::RsaPkcs1(Sha1)), None);
        let salted = SignatureAlgorithm::RsaPss { digest: Sha256, mgf_digest: Sha256, salt_len: 20 };
        assert_eq!(signature_to_uri(salted), None);
        for mac in ["http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"]
        {
            assert_eq!(signature_from_uri(mac), None);
        }
    }
}
