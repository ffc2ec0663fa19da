//! EnvelopedData (RFC 5652, 6) of the two national profiles: key agreement by DSTU 4145, content under GOST 28147 or Kalyna.
//!
//! | | key agreement | key wrap | content |
//! |---|---|---|---|
//! | [`Profile::Gost`] | cofactor DH, GOST 34.311 | GOST 28147 | GOST 28147-CFB |
//! | [`Profile::Kalyna`] | cofactor DH, Kupyna-256 | Kalyna-256/256 | Kalyna-256/256-CFB |
//!
//! Opened are also the two agreements without the cofactor, each wrap under each agreement, and AES-256 wrap. The originator is a key made for
//! the envelope, or one with a certificate: of the envelope, of the recipient, or given by the caller.
//!
//! The content is not authenticated: whoever can change the envelope can flip bits of it unseen. What comes out is therefore
//! [`Unauthenticated`], and is to be believed only for a signature inside. Here are contents in memory; those that stream by go through
//! [`Sealer`](super::Sealer) and [`Opener`]. Not here: envelopes without key agreement.

use certs::certificate::Certificate;
use crypto::dstu4145::derivation::{DerivationHash, KeyWrap, LeadingZeros, key_encryption_key};
use crypto::gost28147::{self, Dke};
use crypto::kalyna;
use crypto::key::{Cofactor, KeyHandle, KeyKind, PublicKey};
use crypto::random;
use crypto::seal::{DocumentKey, aes256_unwrap};
use zeroize::Zeroizing;

use crate::asn1::{Element, Reader, Writer, oid, tag};
use crate::cms::AlgorithmIdentifier;

use super::agreement::own_key;
use super::cipher::Cipher;
use super::opener::Opener;
use super::recipient::Keys;
use super::{EnvelopeError, MOST_RECIPIENTS, Unauthenticated, is_named, issuer_and_serial, open_whole, seal_whole};

/// A content that is opened in memory; what is larger streams by.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of keying material that are hashed: 64 in use, and some to spare.
const MOST_KEYING_MATERIAL: usize = 1024;

/// With what to seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// What every implementation in use opens.
    Gost,
    /// What has been in effect since 2026.
    Kalyna,
}

/// Seals `content`, which should be signed, to `recipient` with a key made for this envelope. Returns a ContentInfo in DER.
///
/// # Errors
/// `UnsupportedKey` where the certificate's key is none of DSTU 4145.
pub fn seal(content: &[u8], recipient: &Certificate, profile: Profile) -> Result<Vec<u8>, EnvelopeError> {
    seal_whole(content, recipient, Cipher::National(profile))
}

/// Opens what was sealed to `recipient`, whose private key is `private`. `originators`: certificates among which that of a static
/// originator may be found, beside those of the envelope and the recipient's own.
///
/// # Errors
/// `Malformed` for anything but EnvelopedData with the algorithms above, of 64 MiB at most; `OtherRecipient` if no recipient is this
/// certificate; `OriginatorUnknown` where the originator's certificate is not at hand; `Forged` where the key does not unwrap;
/// `UnsupportedKey` if the keys do not belong together.
pub fn open(
    envelope: &[u8],
    recipient: &Certificate,
    private: &dyn KeyHandle,
    originators: &[Certificate],
) -> Result<Unauthenticated, EnvelopeError> {
    if envelope.len() > MOST_BYTES {
        return Err(EnvelopeError::Malformed);
    }
    match open_whole(envelope, Opener::new(recipient, private, originators))? {
        (content, None) => Ok(Unauthenticated(content)),
        (_, Some(_)) => Err(EnvelopeError::Malformed),
    }
}

/// KeyAgreeRecipientInfo with a key made for this envelope.
pub(super) fn recipient_info(
    content_key: &DocumentKey,
    public: &PublicKey,
    recipient: &Certificate,
    profile: Profile,
) -> Result<Vec<u8>, EnvelopeError> {
    let (hash, wrap, agreement) = match profile {
        Profile::Gost => (DerivationHash::Gost34311, KeyWrap::Gost28147, oid::DSTU_COFACTOR_GOST),
        Profile::Kalyna => (DerivationHash::Kupyna256, KeyWrap::Kalyna, oid::DSTU_COFACTOR_KUPYNA),
    };
    let (ephemeral, secret) = ephemeral_secret(public, hash)?;
    let kek = key_encryption_key(hash, hash.conventions()[0], &secret, wrap, None);
    let key = content_key.expose();
    let wrapped = match profile {
        Profile::Gost => gost28147::wrap_key(&kek, &table_of(public)?, &random::array(), key).to_vec(),
        Profile::Kalyna => kalyna::wrap_cms_key(&kek, &random::array(), key).to_vec(),
    };
    // OriginatorPublicKey has the fields of SubjectPublicKeyInfo under another tag.
    let originator_key = Element::only(ephemeral.spki_der())?.expect(tag::SEQUENCE)?;
    let originator = Writer::new().value(tag::context_constructed(1), originator_key);
    let agreement = Writer::new().oid(agreement).raw(wrap.identifier());
    let encrypted_key = issuer_and_serial(recipient).value(tag::OCTET_STRING, &wrapped);
    let info = Writer::new()
        .small_integer(3)
        .nest(tag::context_constructed(0), originator)
        .nest(tag::SEQUENCE, agreement)
        .nest(tag::SEQUENCE, Writer::new().nest(tag::SEQUENCE, encrypted_key));
    Ok(Writer::new().nest(tag::context_constructed(1), info).into_bytes())
}

/// KeyAgreeRecipientInfo, RFC 5652 6.2.2: the content key; `None` if this is for others.
pub(super) fn unwrap(
    info: &Element<'_>,
    keys: Keys<'_>,
    embedded: &[Certificate],
) -> Result<Option<DocumentKey>, EnvelopeError> {
    let Keys { recipient, private, originators } = keys;
    let mut reader = Reader::new(info.content);
    let version = reader.small_integer()?;
    let originator = Element::only(reader.expect(tag::context_constructed(0))?)?;
    let keying_material = match reader.optional(tag::context_constructed(1))? {
        Some(explicit) => Some(Element::only(explicit.content)?.expect(tag::OCTET_STRING)?),
        None => None,
    };
    let agreement = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
    let encrypted_keys = reader.open(tag::SEQUENCE)?.all(MOST_RECIPIENTS)?;
    reader.end()?;
    let Some(wrapped) = own_key(&encrypted_keys, recipient)? else { return Ok(None) };
    let (hash, cofactor) = match agreement.oid {
        oid::DSTU_COFACTOR_GOST => (DerivationHash::Gost34311, Cofactor::Multiply),
        oid::DSTU_STANDARD_GOST => (DerivationHash::Gost34311, Cofactor::Ignore),
        oid::DSTU_COFACTOR_KUPYNA => (DerivationHash::Kupyna256, Cofactor::Multiply),
        oid::DSTU_STANDARD_KUPYNA => (DerivationHash::Kupyna256, Cofactor::Ignore),
        _ => return Err(EnvelopeError::Malformed),
    };
    let wraps = [KeyWrap::Gost28147, KeyWrap::Kalyna, KeyWrap::Aes256];
    let wrap = wraps.into_iter().find(|wrap| agreement.parameters == Some(wrap.identifier()));
    let wrap = wrap.filter(|_| version == 3 && keying_material.is_none_or(|ukm| ukm.len() <= MOST_KEYING_MATERIAL));
    let wrap = wrap.ok_or(EnvelopeError::Malformed)?;
    let known = embedded.iter().chain(originators.iter().take(MOST_RECIPIENTS)).chain([recipient]);
    let peer = originator_key(&originator, recipient, known)?;
    // A point that is none of ours to agree with, a secret that is no point, a wrap that does not open: a forger learns nothing from which it was.
    let own_kind = private.public_key().kind();
    let secret = private.agree(&peer, cofactor).map_err(|_| match peer.kind() == own_kind {
        true => EnvelopeError::Forged,
        false => EnvelopeError::UnsupportedKey,
    })?;
    let dke = table_of(private.public_key())?;
    // Implementations differ in how many leading zeros of the secret they hash; the code of the wrap decides.
    let opened = hash.conventions().iter().find_map(|zeros| {
        let kek = key_encryption_key(hash, *zeros, &secret, wrap, keying_material);
        match wrap {
            KeyWrap::Gost28147 => gost28147::unwrap_key(&kek, &dke, wrapped).ok(),
            KeyWrap::Kalyna => kalyna::unwrap_cms_key(&kek, wrapped).ok(),
            KeyWrap::Aes256 => {
                let key = aes256_unwrap(&kek, wrapped).ok()?;
                key.as_slice().try_into().ok().map(Zeroizing::new)
            }
        }
    });
    opened.map(|key| Some(DocumentKey::from_bytes(*key))).ok_or(EnvelopeError::Forged)
}

/// OriginatorIdentifierOrKey, RFC 5652 6.2.2.
fn originator_key<'c>(
    originator: &Element<'_>,
    recipient: &Certificate,
    known: impl Iterator<Item = &'c Certificate>,
) -> Result<PublicKey, EnvelopeError> {
    let mut named = None;
    for certificate in known {
        let is_it = match originator.tag {
            tag::SEQUENCE => is_named(originator, certificate)?,
            identifier if identifier == tag::context(0) => {
                certificate.subject_key_identifier() == Some(originator.content)
            }
            _ => false,
        };
        if is_it {
            named = Some(certificate);
            break;
        }
    }
    let key = match named {
        Some(certificate) => certificate.public_key().cloned().map_err(|_| EnvelopeError::UnsupportedKey)?,
        None if originator.tag == tag::context_constructed(1) => ephemeral_key(originator, recipient)?,
        None => return Err(EnvelopeError::OriginatorUnknown),
    };
    if matches!(key.kind(), KeyKind::Dstu4145(_)) { Ok(key) } else { Err(EnvelopeError::UnsupportedKey) }
}

/// OriginatorPublicKey: with parameters a key of its own, without them one on the recipient's curve.
fn ephemeral_key(originator: &Element<'_>, recipient: &Certificate) -> Result<PublicKey, EnvelopeError> {
    let mut reader = originator.open(tag::context_constructed(1))?;
    let own_algorithm = reader.element(tag::SEQUENCE)?;
    let point = reader.element(tag::BIT_STRING)?.raw;
    reader.end()?;
    let algorithm = AlgorithmIdentifier::read(Reader::new(own_algorithm.content))?;
    let inherited = Element::only(recipient.spki_der())?.open(tag::SEQUENCE)?.element(tag::SEQUENCE)?;
    let is_inherited = algorithm.parameters.is_none_or(|parameters| parameters == [tag::NULL, 0]);
    let identifier = if is_inherited { inherited.raw } else { own_algorithm.raw };
    if is_inherited && AlgorithmIdentifier::read(Reader::new(inherited.content))?.oid != algorithm.oid {
        return Err(EnvelopeError::Malformed);
    }
    let spki = Writer::new().nest(tag::SEQUENCE, Writer::new().raw(identifier).raw(point)).into_bytes();
    PublicKey::from_spki_der(&spki).map_err(|_| EnvelopeError::Forged)
}

/// A key for this envelope and its secret, for which all conventions about leading zeros agree.
fn ephemeral_secret(
    public: &PublicKey,
    hash: DerivationHash,
) -> Result<(PublicKey, Zeroizing<Vec<u8>>), EnvelopeError> {
    if !matches!(public.kind(), KeyKind::Dstu4145(_)) {
        return Err(EnvelopeError::UnsupportedKey);
    }
    loop {
        let drawn = public.agree_ephemeral(Cofactor::Multiply).map_err(|_| EnvelopeError::UnsupportedKey)?;
        // Fails once in 2^16 draws.
        if LeadingZeros::agree(hash, &drawn.1) {
            return Ok(drawn);
        }
    }
}

/// The substitution table under which keys are wrapped for this key.
fn table_of(public: &PublicKey) -> Result<Dke, EnvelopeError> {
    let table = public.dstu4145().and_then(|key| key.parameters.substitution);
    table.map_or(Ok(Dke::NUMBER_1), |table| Dke::from_packed(&table).map_err(|_| EnvelopeError::UnsupportedKey))
}

#[cfg(test)]
mod tests;
