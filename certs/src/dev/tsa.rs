//! The time-stamp authority of the throw-away PKI (RFC 3161, with the signing-certificate-v2 of RFC 5816).
use super::authority::serial;
use super::{DevPki, Identity};
use crate::asn1::{oid, tag, write};
use crate::certificate::Certificate;
use crate::timestamp::{TimestampRequest, digest_algorithm};
use const_oid::ObjectIdentifier;
use crypto::digest::{self, DigestAlgorithm};
use crypto::key::{KeyError, KeyHandle};
use time::OffsetDateTime;

/// The only policy: of the enterprise number for examples (RFC 5612).
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.3161");
const POLICY_TEXT: &str = "1.3.6.1.4.1.32473.3161";

/// PKIFailureInfo bits (RFC 3161 2.4.2).
const BAD_ALGORITHM: u32 = 0;
const BAD_DATA_FORMAT: u32 = 5;
const UNACCEPTED_POLICY: u32 = 15;
const UNACCEPTED_EXTENSION: u32 = 16;
const SYSTEM_FAILURE: u32 = 25;

pub(super) fn answer(pki: &DevPki, signer: &Identity, request: &[u8], now: OffsetDateTime) -> Vec<u8> {
    let Ok(request) = TimestampRequest::read(request) else {
        return rejection(BAD_DATA_FORMAT);
    };
    let Some(algorithm) = DigestAlgorithm::from_oid(&request.imprint_oid) else {
        return rejection(BAD_ALGORITHM);
    };
    if request.imprint.len() != algorithm.output_len() {
        return rejection(BAD_DATA_FORMAT);
    }
    if request.policy.as_deref().is_some_and(|policy| policy != POLICY_TEXT) {
        return rejection(UNACCEPTED_POLICY);
    }
    if request.has_extensions {
        return rejection(UNACCEPTED_EXTENSION);
    }
    let info = tst_info(&request, algorithm, now);
    let enclosed: &[&Certificate] =
        if request.wants_certificate { &[&signer.certificate, pki.issuing_ca()] } else { &[] };
    match token(signer, &info, enclosed) {
        Ok(token) => write::sequence(&[&write::sequence(&[&write::unsigned(&[0])]), &token]),
        Err(_) => rejection(SYSTEM_FAILURE),
    }
}

fn tst_info(request: &TimestampRequest<'_>, algorithm: DigestAlgorithm, now: OffsetDateTime) -> Vec<u8> {
    let imprint = write::sequence(&[&digest_algorithm(algorithm), &write::octet_string(&request.imprint)]);
    let one_second = write::sequence(&[&write::unsigned(&[1])]);
    write::sequence(&[
        &write::unsigned(&[1]),
        &write::oid(&POLICY),
        &imprint,
        &write::unsigned(&serial()),
        &write::generalized_time(now),
        &one_second,
        &request.nonce.map(|nonce| write::element(tag::INTEGER, nonce)).unwrap_or_default(),
    ])
}

/// ContentInfo { id-signedData, SignedData } over `info` (RFC 5652 5.1), one signer.
fn token(signer: &Identity, info: &[u8], enclosed: &[&Certificate]) -> Result<Vec<u8>, KeyError> {
    let algorithm = signer.key.default_algorithm();
    let hash = algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha256);
    let digest_algorithm = digest_algorithm(hash);
    let attributes = signed_attributes(&signer.certificate, info, hash);
    let signature = signer.key.sign(algorithm, &attributes)?;
    let signer_info = write::sequence(&[
        &write::unsigned(&[1]),
        &issuer_and_serial(&signer.certificate),
        &digest_algorithm,
        &implicit(0, &attributes),
        &algorithm.to_algorithm_identifier(),
        &write::octet_string(&signature),
    ]);
    let content = write::explicit(0, &write::octet_string(info));
    let certificates = write::set_of(enclosed.iter().map(|certificate| certificate.der().to_vec()).collect());
    let signed_data = write::sequence(&[
        &write::unsigned(&[3]),
        &write::set_of(vec![digest_algorithm.clone()]),
        &write::sequence(&[&write::oid(&oid::TST_INFO), &content]),
        &if enclosed.is_empty() { Vec::new() } else { implicit(0, &certificates) },
        &write::set_of(vec![signer_info]),
    ]);
    Ok(write::sequence(&[&write::oid(&oid::SIGNED_DATA), &write::explicit(0, &signed_data)]))
}

/// The attributes as they are signed: a SET.
fn signed_attributes(signer: &Certificate, info: &[u8], hash: DigestAlgorithm) -> Vec<u8> {
    let attribute =
        |oid: &ObjectIdentifier, value: Vec<u8>| write::sequence(&[&write::oid(oid), &write::set_of(vec![value])]);
    // ESSCertIDv2 without algorithm means SHA-256 (RFC 5035 4).
    let ess = write::sequence(&[&write::octet_string(&signer.fingerprint())]);
    write::set_of(vec![
        attribute(&oid::CONTENT_TYPE, write::oid(&oid::TST_INFO)),
        attribute(&oid::MESSAGE_DIGEST, write::octet_string(digest::digest(hash, info).as_bytes())),
        attribute(&oid::SIGNING_CERTIFICATE_V2, write::sequence(&[&write::sequence(&[&ess])])),
    ])
}

fn issuer_and_serial(certificate: &Certificate) -> Vec<u8> {
    write::sequence(&[certificate.issuer_der(), &write::element(tag::INTEGER, certificate.serial())])
}

/// `[number] IMPLICIT`: the element with another tag.
fn implicit(number: u8, element: &[u8]) -> Vec<u8> {
    match element.split_first() {
        Some((_, rest)) => [&[tag::constructed(number)], rest].concat(),
        None => Vec::new(),
    }
}

/// TimeStampResp with status rejection (2) and a reason.
fn rejection(failure: u32) -> Vec<u8> {
    let octets = usize::try_from(failure / 8).unwrap_or(0);
    let mut bits = vec![0; octets];
    bits.push(0x80_u8 >> (failure % 8));
    let unused = u8::try_from(7 - failure % 8).unwrap_or(0);
    let failure = write::element(tag::BIT_STRING, &[&[unused], bits.as_slice()].concat());
    write::sequence(&[&write::sequence(&[&write::unsigned(&[2]), &failure])])
}
