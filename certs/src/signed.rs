//! Signatures over certificates, CRLs and OCSP answers: all are AlgorithmIdentifier + BIT STRING over the bytes before them.
use crate::asn1::{oid, read, tag};
use crypto::key::PublicKey;
use crypto::signature::{SignatureAlgorithm, VerifyError};

/// Verifies over `message` the signature in `bits`, the octets of the BIT STRING; `algorithm` is the DER of the AlgorithmIdentifier. For
/// DSTU 4145 the octets are an OCTET STRING around the value; the value alone does not verify here.
pub(crate) fn verify(key: &PublicKey, algorithm: &[u8], message: &[u8], bits: &[u8]) -> Result<(), VerifyError> {
    let algorithm = signature_algorithm(algorithm)?;
    let signature = algorithm.value_in_bit_string(bits).ok_or(VerifyError::Mismatch)?;
    key.verify(algorithm, message, signature)
}

fn signature_algorithm(der: &[u8]) -> Result<SignatureAlgorithm, VerifyError> {
    let unsupported = |_| VerifyError::UnsupportedAlgorithm;
    let mut identifier = read::sole_sequence("AlgorithmIdentifier", der).map_err(unsupported)?;
    let algorithm = identifier.expect(tag::OBJECT_IDENTIFIER).map_err(unsupported)?;
    let parameters = if identifier.is_empty() { None } else { Some(identifier.any().map_err(unsupported)?.raw()) };
    identifier.finish().map_err(unsupported)?;
    let name = oid::dotted(algorithm.content()).ok_or(VerifyError::UnsupportedAlgorithm)?;
    SignatureAlgorithm::from_algorithm_identifier(&name, parameters, None)
}
