use super::*;
use crate::dev::DevPki;
use crate::dev::forge::NOW;
use crate::path::{self, Budget};
use crate::trust::{TrustAnchor, TrustSnapshot};

/// TSTInfo with everything that RFC 3161 allows in it.
fn full(gen_time: &str) -> Vec<u8> {
    write::sequence(&[
        &write::unsigned(&[1]),
        &write::element(tag::OBJECT_IDENTIFIER, &[0x2a, 3]),
        &write::sequence(&[&digest_algorithm(DigestAlgorithm::Sha256), &write::octet_string(&[7; 32])]),
        &write::unsigned(&[9]),
        &write::element(tag::GENERALIZED_TIME, gen_time.as_bytes()),
        &write::sequence(&[
            &write::unsigned(&[2]),
            &write::element(tag::context(0), &[1]),
            &write::element(tag::context(1), &[1, 0]),
        ]),
        &write::boolean(true),
        &write::unsigned(&[0xff, 1]),
        &write::explicit(0, &write::explicit(4, &write::sequence(&[]))),
    ])
}

#[test]
fn every_field_is_read() {
    let info = TstInfo::from_der(&full("20261123120000.5Z")).unwrap();
    assert_eq!(info.gen_time, NOW + Duration::milliseconds(500));
    assert_eq!((info.policy.as_str(), info.serial.as_slice()), ("1.2.3", &[9][..]));
    assert_eq!((info.imprint_oid.as_str(), info.imprint.len()), ("2.16.840.1.101.3.4.2.1", 32));
    let accuracy = Duration::seconds(2) + Duration::milliseconds(1) + Duration::microseconds(256);
    assert_eq!(info.accuracy, Some(accuracy));
    assert_eq!(info.nonce.as_deref(), Some(&[0, 0xff, 1][..]));
    assert_eq!(info.check_nonce(&[0xff, 1]), Ok(()));
    assert!(TstInfo::from_der(&full("no time")).is_err());
}

#[test]
fn time_is_attested_only_over_a_path_for_time_stamping() {
    let pki = DevPki::new(NOW, Duration::days(1), "").unwrap();
    let info = TstInfo::from_der(&full("20261123120000Z")).unwrap();
    let imprint = Digest::new(DigestAlgorithm::Sha256, &[7; 32]).unwrap();
    let purposes = vec![Purpose::TimeStamping, Purpose::OcspSigning];
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes };
    let trust = TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW);
    let path = |leaf, purpose| path::verify(leaf, &[], &trust, purpose, NOW, &mut Budget::default()).unwrap();
    let of_tsa = path(pki.tsa_certificate(), Purpose::TimeStamping);
    assert_eq!(TrustedTime::attest(&of_tsa, &info, &imprint).map(TrustedTime::at), Ok(NOW));
    let of_other = path(pki.ocsp_certificate(), Purpose::OcspSigning);
    assert_eq!(TrustedTime::attest(&of_other, &info, &imprint), Err(TimestampError::WrongPurpose));
    // The same octets under another algorithm are another imprint.
    let renamed = Digest::new(DigestAlgorithm::Sha3_256, &[7; 32]).unwrap();
    assert_eq!(TrustedTime::attest(&of_tsa, &info, &renamed), Err(TimestampError::ImprintMismatch));
}
