//! What a certificate may be used for: key usage and extended key usage of the leaf, by purpose.
use super::PathError;
use crate::asn1::oid;
use crate::certificate::{Certificate, KeyUsage};
use crate::trust::Purpose;

/// Purposes of machines. A certificate that is for nothing else does not sign documents: what its key signs is chosen by
/// whoever talks to the machine.
const MACHINE_PURPOSES: [&str; 6] = [
    oid::SERVER_AUTH,
    oid::CLIENT_AUTH,
    oid::TIME_STAMPING,
    oid::OCSP_SIGNING,
    oid::IIT_CMP_SIGNING,
    oid::IIT_AUTHORITY_SERVICE,
];

pub(super) fn check(leaf: &Certificate, purpose: Purpose) -> Result<(), PathError> {
    let signs = |usage: KeyUsage| usage.digital_signature() || usage.content_commitment();
    let key_usage_fits = match purpose {
        Purpose::Signing | Purpose::TimeStamping => leaf.key_usage().is_none_or(signs),
        // RFC 8446 4.4.2.2: the key must be allowed to sign if key usage is there.
        Purpose::TlsClient | Purpose::OcspSigning => leaf.key_usage().is_none_or(KeyUsage::digital_signature),
        // Which bit a handshake needs hangs on its key exchange, which the TLS library knows.
        Purpose::TlsServer => true,
        // A document sealed to the wrong key cannot be unsealed: what is not said is not assumed.
        Purpose::Encryption => leaf.key_usage().is_some_and(|usage| usage.key_agreement() || usage.key_encipherment()),
    };
    if !key_usage_fits {
        return Err(PathError::KeyUsage { subject: leaf.subject() });
    }
    let has = |wanted: &str| leaf.extended_key_usage().is_some_and(|list| list.iter().any(|purpose| purpose == wanted));
    let extended_fits = match purpose {
        Purpose::Signing => leaf
            .extended_key_usage()
            .is_none_or(|list| list.iter().any(|purpose| !MACHINE_PURPOSES.contains(&purpose.as_str()))),
        Purpose::TlsClient => has(oid::CLIENT_AUTH),
        // RFC 5280 4.2.1.12: without the extension the key may serve anything.
        Purpose::TlsServer => leaf.extended_key_usage().is_none() || has(oid::SERVER_AUTH) || has(oid::ANY_PURPOSE),
        Purpose::Encryption => true,
        // RFC 3161 2.3: exactly one purpose, and critical.
        Purpose::TimeStamping => {
            leaf.extensions().extended_key_usage_critical
                && leaf.extended_key_usage().is_some_and(|list| list.len() == 1)
                && has(oid::TIME_STAMPING)
        }
        Purpose::OcspSigning => has(oid::OCSP_SIGNING),
    };
    if extended_fits { Ok(()) } else { Err(PathError::ExtendedKeyUsage { subject: leaf.subject() }) }
}
