//! Object identifiers that certificates, revocation answers and time-stamps name, and their dotted text.
use const_oid::ObjectIdentifier;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

pub(crate) const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
pub(crate) const SERIAL_NUMBER: ObjectIdentifier = oid("2.5.4.5");
pub(crate) const COUNTRY: ObjectIdentifier = oid("2.5.4.6");
pub(crate) const ORGANISATION: ObjectIdentifier = oid("2.5.4.10");
pub(crate) const ORGANISATION_IDENTIFIER: ObjectIdentifier = oid("2.5.4.97");
pub(crate) const EMAIL_ADDRESS: ObjectIdentifier = oid("1.2.840.113549.1.9.1");

pub(crate) const SUBJECT_DIRECTORY_ATTRIBUTES: ObjectIdentifier = oid("2.5.29.9");
pub(crate) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.14");
pub(crate) const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
pub(crate) const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
pub(crate) const ISSUER_ALT_NAME: ObjectIdentifier = oid("2.5.29.18");
pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
pub(crate) const CRL_NUMBER: ObjectIdentifier = oid("2.5.29.20");
pub(crate) const REASON_CODE: ObjectIdentifier = oid("2.5.29.21");
pub(crate) const INVALIDITY_DATE: ObjectIdentifier = oid("2.5.29.24");
pub(crate) const DELTA_CRL_INDICATOR: ObjectIdentifier = oid("2.5.29.27");
pub(crate) const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = oid("2.5.29.28");
pub(crate) const CERTIFICATE_ISSUER: ObjectIdentifier = oid("2.5.29.29");
pub(crate) const NAME_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.30");
pub(crate) const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
pub(crate) const CERTIFICATE_POLICIES: ObjectIdentifier = oid("2.5.29.32");
pub(crate) const ANY_POLICY: ObjectIdentifier = oid("2.5.29.32.0");
pub(crate) const POLICY_MAPPINGS: ObjectIdentifier = oid("2.5.29.33");
pub(crate) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.35");
pub(crate) const POLICY_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.36");
pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
pub(crate) const FRESHEST_CRL: ObjectIdentifier = oid("2.5.29.46");
pub(crate) const INHIBIT_ANY_POLICY: ObjectIdentifier = oid("2.5.29.54");
pub(crate) const EXPIRED_CERTS_ON_CRL: ObjectIdentifier = oid("2.5.29.60");
pub(crate) const AUTHORITY_INFORMATION_ACCESS: ObjectIdentifier = oid("1.3.6.1.5.5.7.1.1");
pub(crate) const SUBJECT_INFORMATION_ACCESS: ObjectIdentifier = oid("1.3.6.1.5.5.7.1.11");
pub(crate) const QC_STATEMENTS: ObjectIdentifier = oid("1.3.6.1.5.5.7.1.3");

pub(crate) const QC_SYNTAX_V2: ObjectIdentifier = oid("1.3.6.1.5.5.7.11.2");
pub(crate) const QC_COMPLIANCE: ObjectIdentifier = oid("0.4.0.1862.1.1");
pub(crate) const QC_LIMIT: ObjectIdentifier = oid("0.4.0.1862.1.2");
pub(crate) const QC_RETENTION: ObjectIdentifier = oid("0.4.0.1862.1.3");
pub(crate) const QC_SSCD: ObjectIdentifier = oid("0.4.0.1862.1.4");
pub(crate) const QC_DISCLOSURE: ObjectIdentifier = oid("0.4.0.1862.1.5");
pub(crate) const QC_TYPE: ObjectIdentifier = oid("0.4.0.1862.1.6");
pub(crate) const QC_TYPE_SIGNATURE: ObjectIdentifier = oid("0.4.0.1862.1.6.1");
pub(crate) const QC_TYPE_SEAL: ObjectIdentifier = oid("0.4.0.1862.1.6.2");
pub(crate) const QC_TYPE_WEBSITE: ObjectIdentifier = oid("0.4.0.1862.1.6.3");
pub(crate) const QC_LEGISLATION: ObjectIdentifier = oid("0.4.0.1862.1.7");

pub(crate) const ACCESS_OCSP: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1");
pub(crate) const ACCESS_ISSUERS: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.2");
pub(crate) const ACCESS_TIME_STAMPING: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.3");
pub(crate) const OCSP_BASIC: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.1");
pub(crate) const OCSP_NONCE: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.2");
pub(crate) const OCSP_ARCHIVE_CUTOFF: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.6");
pub(crate) const OCSP_NO_CHECK: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.5");

pub(crate) const ANY_PURPOSE: &str = "2.5.29.37.0";
pub(crate) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub(crate) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub(crate) const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
pub(crate) const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

pub(crate) const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
pub(crate) const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
pub(crate) const TST_INFO: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.4");
pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");

/// Purposes of the services of Ukrainian authorities: answers of their certificate look-up (CMP), and what stands in the
/// certificates of authorities and OCSP responders.
pub(crate) const IIT_CMP_SIGNING: &str = "1.3.6.1.4.1.19398.1.1.8.1";
pub(crate) const IIT_AUTHORITY_SERVICE: &str = "1.3.6.1.4.1.19398.1.1.8.31";

/// The national statement that a certificate is qualified, and the extended key usage of seals.
pub(crate) const UA_QUALIFIED: ObjectIdentifier = oid("1.2.804.2.1.1.1.2.1");
pub(crate) const UA_SEAL: &str = "1.2.804.2.1.1.1.3.9";

/// `subjectDirectoryAttributes` of Ukrainian certificates: the person's РНОКПП and УНЗР, and the organisation's ЄДРПОУ.
pub(crate) const UA_UNZR: ObjectIdentifier = oid("1.2.804.2.1.1.1.11.1.4.11.1");
pub(crate) const UA_RNOKPP: ObjectIdentifier = oid("1.2.804.2.1.1.1.11.1.4.1.1");
pub(crate) const UA_EDRPOU: ObjectIdentifier = oid("1.2.804.2.1.1.1.11.1.4.2.1");

/// Dotted text of OBJECT IDENTIFIER content octets; `None` where they are malformed or an arc exceeds 128 bits.
pub(crate) fn dotted(content: &[u8]) -> Option<String> {
    use std::fmt::Write as _;
    if content.last().is_none_or(|last| *last >= 0x80) {
        return None;
    }
    let mut text = String::with_capacity(content.len() * 3);
    let mut arc = 0_u128;
    for octet in content {
        arc = arc.checked_mul(128)? | u128::from(octet & 0x7f);
        if *octet >= 0x80 {
            continue;
        }
        if text.is_empty() {
            let root = (arc / 40).min(2);
            write!(text, "{root}.{}", arc - root * 40).ok()?;
        } else {
            write!(text, ".{arc}").ok()?;
        }
        arc = 0;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_text_round_trips_through_an_independent_encoder() {
        for text in ["2.5.29.15", "1.2.804.2.1.1.1.11.1.4.2.1", "1.3.6.1.5.5.7.48.1.2", "0.4.0.1862.1.1"] {
            assert_eq!(dotted(ObjectIdentifier::new(text).unwrap().as_bytes()).as_deref(), Some(text));
        }
        assert_eq!(dotted(&[]), None);
        assert_eq!(dotted(&[0x55, 0x80]), None, "cut inside an arc");
        assert_eq!(dotted(&[0xff; 40]), None);
    }
}
