//! Object identifiers as contents octets: compared as slices, never parsed on the way in.

use std::fmt::Write as _;

/// Dotted text of an object identifier's contents octets; `None` if they are malformed or an arc exceeds 64 bits.
pub(crate) fn dotted(content: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(32);
    let mut arc = 0u64;
    let mut first = true;
    if content.last()? & 0x80 != 0 {
        return None;
    }
    for byte in content {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        if first {
            let root = (arc / 40).min(2);
            write!(text, "{root}.{}", arc - root * 40).ok()?;
            first = false;
        } else {
            write!(text, ".{arc}").ok()?;
        }
        arc = 0;
    }
    Some(text)
}

/// Contents octets of a dotted object identifier; `None` if the text is none.
pub(crate) fn contents(dotted: &str) -> Option<Vec<u8>> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse::<u64>().ok());
    let root = arcs.next()??;
    let first = root.checked_mul(40)?.checked_add(arcs.next()??)?;
    let mut contents = Vec::with_capacity(12);
    for arc in std::iter::once(Some(first)).chain(arcs) {
        let arc = arc?;
        let septets = (1..10).find(|count| arc >> (7 * count) == 0).unwrap_or(10);
        for septet in (0..septets).rev() {
            let more = if septet == 0 { 0 } else { 0x80 };
            contents.push(u8::try_from((arc >> (7 * septet)) & 0x7f).ok()? | more);
        }
    }
    Some(contents)
}

/// RFC 5652, 4: id-data, 1.2.840.113549.1.7.1.
pub(crate) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// RFC 5652, 5.1: id-signedData, 1.2.840.113549.1.7.2.
pub(crate) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// RFC 5652, 6.1: id-envelopedData, 1.2.840.113549.1.7.3.
pub(crate) const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
/// DSTU ISO/IEC 15946-3 with the cofactor, KDF by GOST 34.311, 1.2.804.2.1.1.1.1.3.4.
pub(crate) const DSTU_COFACTOR_GOST: &[u8] = &[0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x04];
/// The same without the cofactor, 1.2.804.2.1.1.1.1.3.5.
pub(crate) const DSTU_STANDARD_GOST: &[u8] = &[0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x05];
/// With the cofactor, KDF by Kupyna-256, 1.2.804.2.1.1.1.1.3.7.
pub(crate) const DSTU_COFACTOR_KUPYNA: &[u8] = &[0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x07];
/// The same without the cofactor, 1.2.804.2.1.1.1.1.3.8.
pub(crate) const DSTU_STANDARD_KUPYNA: &[u8] = &[0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x03, 0x08];
/// GOST 28147-CFB, 1.2.804.2.1.1.1.1.1.1.3.
pub(crate) const GOST_28147_CFB: &[u8] = &[0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x03];
/// Kalyna-256/256-CFB, 1.2.804.2.1.1.1.1.1.3.3.2.
pub(crate) const KALYNA_256_CFB: &[u8] = &[0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x01, 0x03, 0x03, 0x02];
/// RFC 5083, 2.1: id-ct-authEnvelopedData, 1.2.840.113549.1.9.16.1.23.
pub(crate) const AUTH_ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17];
/// RFC 3161, 2.4.2: id-ct-TSTInfo, 1.2.840.113549.1.9.16.1.4.
pub(crate) const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// RFC 5652, 11.1: id-contentType, 1.2.840.113549.1.9.3.
pub(crate) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// RFC 5652, 11.2: id-messageDigest, 1.2.840.113549.1.9.4.
pub(crate) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// RFC 5652, 11.3: id-signingTime, 1.2.840.113549.1.9.5.
pub(crate) const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
/// RFC 6211, 2: id-aa-CMSAlgorithmProtection, 1.2.840.113549.1.9.52.
pub(crate) const ALGORITHM_PROTECTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x34];
/// RFC 2634, 5.4: id-aa-signingCertificate, 1.2.840.113549.1.9.16.2.12.
pub(crate) const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0c];
/// RFC 5035, 3: id-aa-signingCertificateV2, 1.2.840.113549.1.9.16.2.47.
pub(crate) const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
/// EN 319 122-1, 5.2.9: id-aa-ets-sigPolicyId, 1.2.840.113549.1.9.16.2.15.
pub(crate) const SIGNATURE_POLICY: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0f];
/// EN 319 122-1, 5.2.5: id-aa-ets-signerLocation, 1.2.840.113549.1.9.16.2.17.
pub(crate) const SIGNER_LOCATION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x11];
/// RFC 2634, 2.9: id-aa-contentHint, 1.2.840.113549.1.9.16.2.4.
pub(crate) const CONTENT_HINTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x04];
/// EN 319 122-1, 5.2.6: id-aa-ets-signerAttr, 1.2.840.113549.1.9.16.2.18.
pub(crate) const SIGNER_ATTRIBUTES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x12];
/// EN 319 122-1, 5.2.6: id-aa-ets-signerAttrV2, 0.4.0.19122.1.1.
pub(crate) const SIGNER_ATTRIBUTES_V2: &[u8] = &[0x04, 0x00, 0x81, 0x95, 0x32, 0x01, 0x01];
/// EN 319 122-1, 5.2.4: id-aa-ets-mimeType, 0.4.0.1733.2.1.
pub(crate) const MIME_TYPE: &[u8] = &[0x04, 0x00, 0x8d, 0x45, 0x02, 0x01];
/// EN 319 122-1, 5.3: id-aa-signatureTimeStampToken, 1.2.840.113549.1.9.16.2.14.
pub(crate) const SIGNATURE_TIME_STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0e];
/// EN 319 122-1, A.1.1: id-aa-ets-certificateRefs, 1.2.840.113549.1.9.16.2.21.
pub(crate) const CERTIFICATE_REFERENCES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x15];
/// EN 319 122-1, A.1.2: id-aa-ets-revocationRefs, 1.2.840.113549.1.9.16.2.22.
pub(crate) const REVOCATION_REFERENCES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x16];
/// EN 319 122-1, A.1.1.2: id-aa-ets-certValues, 1.2.840.113549.1.9.16.2.23.
pub(crate) const CERTIFICATE_VALUES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x17];
/// EN 319 122-1, A.1.2.2: id-aa-ets-revocationValues, 1.2.840.113549.1.9.16.2.24.
pub(crate) const REVOCATION_VALUES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x18];
/// EN 319 122-1, A.1.5.2: id-aa-ets-escTimeStamp, 1.2.840.113549.1.9.16.2.25.
pub(crate) const CADES_C_TIME_STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x19];
/// EN 319 122-1, A.1.5.1: id-aa-ets-certCRLTimestamp, 1.2.840.113549.1.9.16.2.26.
pub(crate) const REFERENCES_TIME_STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x1a];
/// ETSI TS 101 733, 6.4.1: id-aa-ets-archiveTimestamp, 1.2.840.113549.1.9.16.2.27.
pub(crate) const ARCHIVE_TIME_STAMP_V1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x1b];
/// EN 319 122-1, A.2.4: id-aa-ets-archiveTimestampV2, 1.2.840.113549.1.9.16.2.48.
pub(crate) const ARCHIVE_TIME_STAMP_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x30];
/// EN 319 122-1, 5.5.3: id-aa-ets-archiveTimestampV3, 0.4.0.1733.2.4.
pub(crate) const ARCHIVE_TIME_STAMP_V3: &[u8] = &[0x04, 0x00, 0x8d, 0x45, 0x02, 0x04];
/// EN 319 122-1, 5.5.2: id-aa-ATSHashIndex-v3, 0.4.0.19122.1.5.
pub(crate) const HASH_INDEX_V3: &[u8] = &[0x04, 0x00, 0x81, 0x95, 0x32, 0x01, 0x05];
/// ETSI TS 101 733, 6.4.2: id-aa-ATSHashIndex, 0.4.0.1733.2.5.
pub(crate) const HASH_INDEX: &[u8] = &[0x04, 0x00, 0x8d, 0x45, 0x02, 0x05];
/// EN 319 122-1, A.2.5: id-aa-ATSHashIndex-v2, 0.4.0.19122.1.4.
pub(crate) const HASH_INDEX_V2: &[u8] = &[0x04, 0x00, 0x81, 0x95, 0x32, 0x01, 0x04];
/// EN 319 122-1, 5.2.8: id-aa-ets-contentTimestamp, 1.2.840.113549.1.9.16.2.20.
pub(crate) const CONTENT_TIME_STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x14];
/// EN 319 122-1, 5.2.10: id-aa-ets-sigPolicyStore, 0.4.0.19122.1.3.
pub(crate) const SIGNATURE_POLICY_STORE: &[u8] = &[0x04, 0x00, 0x81, 0x95, 0x32, 0x01, 0x03];
/// RFC 5652, 11.4: id-countersignature, 1.2.840.113549.1.9.6.
pub(crate) const COUNTER_SIGNATURE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x06];
/// RFC 4998, A: id-aa-er-internal, 1.2.840.113549.1.9.16.2.49.
pub(crate) const EVIDENCE_RECORD_INTERNAL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x31];
/// RFC 4998, A: id-aa-er-external, 1.2.840.113549.1.9.16.2.50.
pub(crate) const EVIDENCE_RECORD_EXTERNAL: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x32];
/// RFC 5940, 2: id-ri-ocsp-response, 1.3.6.1.5.5.7.16.2.
pub(crate) const OCSP_RESPONSE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x10, 0x02];
/// RFC 6960, 4.2.1: id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
pub(crate) const OCSP_BASIC: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
/// RFC 5480, 2.1.1: id-ecPublicKey, 1.2.840.10045.2.1.
pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// RFC 5753, 7.1.4: dhSinglePass-stdDH-sha256kdf-scheme, 1.3.132.1.11.1.
pub(crate) const ECDH_SHA256_KDF: &[u8] = &[0x2b, 0x81, 0x04, 0x01, 0x0b, 0x01];
/// RFC 3565, 2.3.2: id-aes256-wrap, 2.16.840.1.101.3.4.1.45.
pub(crate) const AES256_WRAP: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d];
/// RFC 5084, 3.2: id-aes256-GCM, 2.16.840.1.101.3.4.1.46.
pub(crate) const AES256_GCM: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e];
/// RFC 4055, 4: id-RSAES-OAEP, 1.2.840.113549.1.1.7.
pub(crate) const RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
/// RFC 4055, 2.2: id-mgf1, 1.2.840.113549.1.1.8.
pub(crate) const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// RFC 4055, 4.1: id-pSpecified, 1.2.840.113549.1.1.9.
pub(crate) const P_SPECIFIED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x09];
/// RFC 5754, 2: id-sha256, 2.16.840.1.101.3.4.2.1.
pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_text_of_known_identifiers() {
        for (oid, text) in [
            (SIGNED_DATA, "1.2.840.113549.1.7.2"),
            (SHA256, "2.16.840.1.101.3.4.2.1"),
            (ARCHIVE_TIME_STAMP_V3, "0.4.0.1733.2.4"),
            (HASH_INDEX_V3, "0.4.0.19122.1.5"),
            (HASH_INDEX_V2, "0.4.0.19122.1.4"),
            (HASH_INDEX, "0.4.0.1733.2.5"),
            (CONTENT_TIME_STAMP, "1.2.840.113549.1.9.16.2.20"),
            (SIGNATURE_POLICY_STORE, "0.4.0.19122.1.3"),
            (COUNTER_SIGNATURE, "1.2.840.113549.1.9.6"),
            (ECDH_SHA256_KDF, "1.3.132.1.11.1"),
            (ENVELOPED_DATA, "1.2.840.113549.1.7.3"),
            (DSTU_COFACTOR_GOST, "1.2.804.2.1.1.1.1.3.4"),
            (DSTU_STANDARD_GOST, "1.2.804.2.1.1.1.1.3.5"),
            (DSTU_COFACTOR_KUPYNA, "1.2.804.2.1.1.1.1.3.7"),
            (DSTU_STANDARD_KUPYNA, "1.2.804.2.1.1.1.1.3.8"),
            (GOST_28147_CFB, "1.2.804.2.1.1.1.1.1.1.3"),
            (KALYNA_256_CFB, "1.2.804.2.1.1.1.1.1.3.3.2"),
            (&[0x88, 0x37], "2.999"),
        ] {
            assert_eq!(dotted(oid).as_deref(), Some(text));
            assert_eq!(contents(text).as_deref(), Some(oid));
        }
        assert_eq!(contents(""), None);
        assert_eq!(contents("1.two.3"), None);
        assert_eq!(dotted(&[]), None);
        assert_eq!(dotted(&[0x2a, 0x86]), None);
        assert_eq!(dotted(&[0xff; 12]), None);
    }
}
