//! KeyAgreeRecipientInfo: ephemeral-static ECDH, RFC 5753 3.1 and 7.

use certs::certificate::Certificate;
use crypto::key::{Cofactor, KeyHandle, KeyKind, PublicKey};
use crypto::seal::{DocumentKey, aes256_unwrap, aes256_wrap, x963_kdf_sha256};
use zeroize::Zeroizing;

use crate::asn1::{Element, Reader, Writer, oid, tag};
use crate::cms::AlgorithmIdentifier;

use super::{EnvelopeError, MOST_RECIPIENTS, is_named, issuer_and_serial};

/// Wraps the content key; returns the RecipientInfo.
pub(super) fn seal(
    content_key: &DocumentKey,
    public: &PublicKey,
    recipient: &Certificate,
) -> Result<Vec<u8>, EnvelopeError> {
    let (ephemeral, secret) = public.agree_ephemeral(Cofactor::Ignore).map_err(|_| EnvelopeError::UnsupportedKey)?;
    // RFC 3565, 2.3.2: the parameters of id-aes256-wrap are absent.
    let wrap = Writer::new().nest(tag::SEQUENCE, Writer::new().oid(oid::AES256_WRAP)).into_bytes();
    let wrapped = aes256_wrap(&key_encryption_key(&secret, &wrap, None), content_key.expose());

    // RFC 5753, 3.1.1: the curve is the recipient's, so the parameters are absent.
    let point = [&[0], ephemeral.subject_public_key()].concat();
    let originator_key =
        Writer::new().nest(tag::SEQUENCE, Writer::new().oid(oid::EC_PUBLIC_KEY)).value(tag::BIT_STRING, &point);
    let originator = Writer::new().nest(tag::context_constructed(1), originator_key);
    let agreement = Writer::new().oid(oid::ECDH_SHA256_KDF).raw(&wrap);
    let encrypted_key = issuer_and_serial(recipient).value(tag::OCTET_STRING, &wrapped);
    let info = Writer::new()
        .small_integer(3)
        .nest(tag::context_constructed(0), originator)
        .nest(tag::SEQUENCE, agreement)
        .nest(tag::SEQUENCE, Writer::new().nest(tag::SEQUENCE, encrypted_key));
    Ok(Writer::new().nest(tag::context_constructed(1), info).into_bytes())
}

/// Unwraps the content key; `None` if this RecipientInfo is for others.
pub(super) fn open(
    info: &Element<'_>,
    recipient: &Certificate,
    private: &dyn KeyHandle,
) -> Result<Option<DocumentKey>, EnvelopeError> {
    let mut reader = Reader::new(info.content);
    let version = reader.small_integer()?;
    let originator = Element::only(reader.expect(tag::context_constructed(0))?)?;
    let user_keying_material = match reader.optional(tag::context_constructed(1))? {
        Some(explicit) => Some(Element::only(explicit.content)?.expect(tag::OCTET_STRING)?),
        None => None,
    };
    let agreement = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
    let keys = reader.open(tag::SEQUENCE)?.all(MOST_RECIPIENTS)?;
    reader.end()?;
    let Some(wrapped) = own_key(&keys, recipient)? else { return Ok(None) };
    let wrap = agreement.parameters.filter(|_| version == 3 && agreement.oid == oid::ECDH_SHA256_KDF);
    let wrap = wrap.ok_or(EnvelopeError::Malformed)?;
    if AlgorithmIdentifier::read(Element::only(wrap)?.open(tag::SEQUENCE)?)?.oid != oid::AES256_WRAP {
        return Err(EnvelopeError::Malformed);
    }
    let peer = originator_key(&originator, recipient)?;
    let secret = private.agree(&peer, Cofactor::Ignore).map_err(|_| EnvelopeError::UnsupportedKey)?;
    let kek = key_encryption_key(&secret, wrap, user_keying_material);
    let key = aes256_unwrap(&kek, wrapped).map_err(|_| EnvelopeError::Forged)?;
    let key: [u8; 32] = key.as_slice().try_into().map_err(|_| EnvelopeError::Malformed)?;
    Ok(Some(DocumentKey::from_bytes(key)))
}

/// The encrypted key whose identifier, IssuerAndSerialNumber or `[0]` RecipientKeyIdentifier, is the recipient's.
pub(super) fn own_key<'a>(keys: &[Element<'a>], recipient: &Certificate) -> Result<Option<&'a [u8]>, EnvelopeError> {
    for key in keys {
        let mut reader = key.open(tag::SEQUENCE)?;
        let identifier = reader.any()?;
        let wrapped = reader.expect(tag::OCTET_STRING)?;
        reader.end()?;
        let own = if identifier.tag == tag::context_constructed(0) {
            let subject_key = Reader::new(identifier.content).expect(tag::OCTET_STRING)?;
            recipient.subject_key_identifier() == Some(subject_key)
        } else {
            is_named(&identifier, recipient)?
        };
        if own {
            return Ok(Some(wrapped));
        }
    }
    Ok(None)
}

/// OriginatorPublicKey (RFC 5753, 3.1.1) as a key on the recipient's curve; `crypto` checks that the point is on it.
fn originator_key(originator: &Element<'_>, recipient: &Certificate) -> Result<PublicKey, EnvelopeError> {
    let mut reader = originator.open(tag::context_constructed(1))?;
    let algorithm = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
    let point = reader.element(tag::BIT_STRING)?.raw;
    reader.end()?;
    let own = Element::only(recipient.spki_der())?.open(tag::SEQUENCE)?.element(tag::SEQUENCE)?;
    let own_algorithm = AlgorithmIdentifier::read(Reader::new(own.content))?;
    let named = algorithm.parameters.filter(|parameters| *parameters != [tag::NULL, 0]);
    if algorithm.oid != oid::EC_PUBLIC_KEY || named.is_some_and(|curve| own_algorithm.parameters != Some(curve)) {
        return Err(EnvelopeError::Malformed);
    }
    let spki = Writer::new().nest(tag::SEQUENCE, Writer::new().raw(own.raw).raw(point)).into_bytes();
    let key = PublicKey::from_spki_der(&spki).map_err(|_| EnvelopeError::Malformed)?;
    if matches!(key.kind(), KeyKind::Ec(_)) { Ok(key) } else { Err(EnvelopeError::UnsupportedKey) }
}

/// The key encryption key: X9.63 over ECC-CMS-SharedInfo, RFC 5753 7.2:
/// `SEQUENCE { keyInfo AlgorithmIdentifier, entityUInfo [0] EXPLICIT OCTET STRING OPTIONAL, suppPubInfo [2] EXPLICIT OCTET STRING }`,
/// the last being the length of the key in bits as 32 bits.
fn key_encryption_key(secret: &[u8], wrap: &[u8], user_keying_material: Option<&[u8]>) -> Zeroizing<[u8; 32]> {
    let mut info = Writer::new().raw(wrap);
    if let Some(material) = user_keying_material {
        info = info.nest(tag::context_constructed(0), Writer::new().value(tag::OCTET_STRING, material));
    }
    let length = Writer::new().value(tag::OCTET_STRING, &256u32.to_be_bytes());
    let shared_info = Writer::new().nest(tag::SEQUENCE, info.nest(tag::context_constructed(2), length)).into_bytes();
    let mut key = Zeroizing::new([0; 32]);
    x963_kdf_sha256(secret, &shared_info, key.as_mut_slice());
    key
}
