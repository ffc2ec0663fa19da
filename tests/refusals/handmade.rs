//! CMS SignedData (RFC 5652) written by hand, for what our own signer refuses to make.

use certs::certificate::Certificate;
use certs::dev::Identity;
use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::KeyHandle as _;
use crypto::signature::SignatureAlgorithm;

const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const CONTENT_TYPE: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
const MESSAGE_DIGEST: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
const SIGNING_CERTIFICATE_V2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f";
const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";

/// A file without any signature in it.
pub(crate) fn without_signers() -> Vec<u8> {
    signed_data(&[], &[], &[])
}

/// A detached signature right over the document, without signed attributes (RFC 5652, 5.4, allows that).
pub(crate) fn without_attributes(signer: &Identity, document: &[u8]) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let value = signer.key.sign(algorithm, document).expect("a software key signs");
    let info = signer_info(&signer.certificate, SHA256, &[], algorithm, &value);
    signed_data(&digest_identifier(SHA256), signer.certificate.der(), &info)
}

/// A detached CAdES signature whose digests are SHA-1.
pub(crate) fn with_sha1(signer: &Identity, document: &[u8]) -> Vec<u8> {
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha1);
    let certificate = digest(DigestAlgorithm::Sha256, signer.certificate.der());
    let reference = sequence(&sequence(&sequence(&element(0x04, certificate.as_bytes()))));
    let mut attributes = [
        attribute(CONTENT_TYPE, &element(0x06, DATA)),
        attribute(MESSAGE_DIGEST, &element(0x04, digest(DigestAlgorithm::Sha1, document).as_bytes())),
        attribute(SIGNING_CERTIFICATE_V2, &reference),
    ];
    // DER: the elements of a SET OF in ascending order.
    attributes.sort();
    let attributes = attributes.concat();
    let value = signer.key.sign(algorithm, &element(0x31, &attributes)).expect("a software key signs");
    let info = signer_info(&signer.certificate, SHA1, &element(0xa0, &attributes), algorithm, &value);
    signed_data(&digest_identifier(SHA1), signer.certificate.der(), &info)
}

fn signed_data(digests: &[u8], certificate: &[u8], signers: &[u8]) -> Vec<u8> {
    let certificates = if certificate.is_empty() { Vec::new() } else { element(0xa0, certificate) };
    let encapsulated = sequence(&element(0x06, DATA));
    let body = [element(0x02, &[1]), element(0x31, digests), encapsulated, certificates, element(0x31, signers)];
    sequence(&[element(0x06, SIGNED_DATA), element(0xa0, &sequence(&body.concat()))].concat())
}

fn signer_info(
    certificate: &Certificate,
    digest: &[u8],
    attributes: &[u8],
    algorithm: SignatureAlgorithm,
    value: &[u8],
) -> Vec<u8> {
    let issuer_and_serial = [certificate.issuer_der().to_vec(), element(0x02, certificate.serial())].concat();
    let parts = [
        element(0x02, &[1]),
        sequence(&issuer_and_serial),
        digest_identifier(digest),
        attributes.to_vec(),
        algorithm.to_algorithm_identifier(),
        element(0x04, value),
    ];
    sequence(&parts.concat())
}

fn digest_identifier(oid: &[u8]) -> Vec<u8> {
    sequence(&element(0x06, oid))
}

fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[element(0x06, oid), element(0x31, value)].concat())
}

fn sequence(content: &[u8]) -> Vec<u8> {
    element(0x30, content)
}

/// One element of DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let length = match content.len() {
        0..0x80 => vec![low],
        0x80..0x100 => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), content].concat()
}
