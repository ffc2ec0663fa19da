//! KeyTransRecipientInfo: RSAES-OAEP with SHA-256, RFC 5652 6.2.1, RFC 3560, RFC 4055 4.1.

use certs::certificate::Certificate;
use crypto::key::{KeyError, KeyHandle, PublicKey};
use crypto::seal::DocumentKey;

use crate::asn1::{Element, Writer, oid, tag};
use crate::cms::AlgorithmIdentifier;

use super::{EnvelopeError, is_named, issuer_and_serial};

/// Encrypts the content key; returns the RecipientInfo.
pub(super) fn seal(
    content_key: &DocumentKey,
    public: &PublicKey,
    recipient: &Certificate,
) -> Result<Vec<u8>, EnvelopeError> {
    let encrypted = public.encrypt_rsa_oaep(content_key.expose()).map_err(|_| EnvelopeError::UnsupportedKey)?;
    let sha256 = || Writer::new().nest(tag::SEQUENCE, Writer::new().oid(oid::SHA256));
    let mask = Writer::new().nest(tag::SEQUENCE, Writer::new().oid(oid::MGF1).raw(&sha256().into_bytes()));
    let parameters = Writer::new().nest(tag::context_constructed(0), sha256()).nest(tag::context_constructed(1), mask);
    let algorithm = Writer::new().oid(oid::RSAES_OAEP).nest(tag::SEQUENCE, parameters);
    let info = Writer::new()
        .small_integer(0)
        .raw(&issuer_and_serial(recipient).into_bytes())
        .nest(tag::SEQUENCE, algorithm)
        .value(tag::OCTET_STRING, &encrypted);
    Ok(Writer::new().nest(tag::SEQUENCE, info).into_bytes())
}

/// Decrypts the content key; `None` if this RecipientInfo is for others.
pub(super) fn open(
    info: &Element<'_>,
    recipient: &Certificate,
    private: &dyn KeyHandle,
) -> Result<Option<DocumentKey>, EnvelopeError> {
    let mut reader = info.open(tag::SEQUENCE)?;
    let _version = reader.small_integer()?;
    let identifier = reader.any()?;
    let algorithm = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
    let encrypted = reader.expect(tag::OCTET_STRING)?;
    reader.end()?;
    let own = if identifier.tag == tag::context(0) {
        recipient.subject_key_identifier() == Some(identifier.content)
    } else {
        is_named(&identifier, recipient)?
    };
    if !own {
        return Ok(None);
    }
    check_parameters(&algorithm)?;
    let key = private.decrypt_rsa_oaep(encrypted).map_err(|error| match error {
        KeyError::OperationFailed => EnvelopeError::Forged,
        _ => EnvelopeError::UnsupportedKey,
    })?;
    let key: [u8; 32] = key.as_slice().try_into().map_err(|_| EnvelopeError::Malformed)?;
    Ok(Some(DocumentKey::from_bytes(key)))
}

/// RSAES-OAEP-params, RFC 4055 4.1: SHA-256 twice, and no label. PKCS #1 v1.5 is refused: it makes an oracle of us.
fn check_parameters(algorithm: &AlgorithmIdentifier<'_>) -> Result<(), EnvelopeError> {
    let parameters = algorithm.parameters.filter(|_| algorithm.oid == oid::RSAES_OAEP);
    let mut reader = Element::only(parameters.ok_or(EnvelopeError::Malformed)?)?.open(tag::SEQUENCE)?;
    let hash = identifier_in(reader.expect(tag::context_constructed(0))?)?;
    let mask = identifier_in(reader.expect(tag::context_constructed(1))?)?;
    if let Some(source) = reader.optional(tag::context_constructed(2))? {
        let source = identifier_in(source.content)?;
        if source.oid != oid::P_SPECIFIED || source.parameters != Some(&[tag::OCTET_STRING, 0]) {
            return Err(EnvelopeError::Malformed);
        }
    }
    reader.end()?;
    let mask_hash = identifier_in(mask.parameters.ok_or(EnvelopeError::Malformed)?)?;
    let fits = hash.oid == oid::SHA256 && mask.oid == oid::MGF1 && mask_hash.oid == oid::SHA256;
    if fits { Ok(()) } else { Err(EnvelopeError::Malformed) }
}

fn identifier_in(der: &[u8]) -> Result<AlgorithmIdentifier<'_>, EnvelopeError> {
    Ok(AlgorithmIdentifier::read(Element::only(der)?.open(tag::SEQUENCE)?)?)
}
