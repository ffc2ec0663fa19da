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
//! [`Unauthenticated`], and is to be believed only for a signature inside. Not here: envelopes without key agreement, and streaming.

use certs::certificate::Certificate;
use crypto::dstu4145::derivation::{DerivationHash, KeyWrap, LeadingZeros, key_encryption_key};
use crypto::gost28147::{self, Dke, Gost28147};
use crypto::kalyna::{self, BlockSize, Kalyna};
use crypto::key::{Cofactor, KeyHandle, KeyKind, PublicKey};
use crypto::random;
use crypto::seal::aes256_unwrap;
use zeroize::Zeroizing;

use crate::asn1::{Element, Layers, Limits, Reader, Writer, normalise, oid, tag};
use crate::cms::AlgorithmIdentifier;

use super::agreement::own_key;
use super::{EnvelopeError, MOST_RECIPIENTS, is_named, issuer_and_serial};

/// Content of an envelope in memory; what is larger travels as a sealed stream. Elements: segments of 4 kB, and some recipients.
const LIMITS: Limits = Limits { bytes: 64 * 1024 * 1024, depth: 24, elements: 1 << 15 };
/// Segments of the content.
const MOST_SEGMENTS: usize = 1 << 15;
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

/// Decrypted, and not proven to be what was encrypted. Overwritten when dropped.
pub struct Unauthenticated(Zeroizing<Vec<u8>>);

impl Unauthenticated {
    /// The octets, for a reader that checks the signature inside.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Size only.
impl std::fmt::Debug for Unauthenticated {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Unauthenticated({} bytes)", self.0.len())
    }
}

/// Seals `content`, which should be signed, to `recipient` with a key made for this envelope. Returns a ContentInfo in DER.
///
/// # Errors
/// `UnsupportedKey` where the certificate's key is none of DSTU 4145.
pub fn seal(content: &[u8], recipient: &Certificate, profile: Profile) -> Result<Vec<u8>, EnvelopeError> {
    let public = recipient.public_key().map_err(|_| EnvelopeError::UnsupportedKey)?;
    let (hash, wrap, agreement) = match profile {
        Profile::Gost => (DerivationHash::Gost34311, KeyWrap::Gost28147, oid::DSTU_COFACTOR_GOST),
        Profile::Kalyna => (DerivationHash::Kupyna256, KeyWrap::Kalyna, oid::DSTU_COFACTOR_KUPYNA),
    };
    let (ephemeral, secret) = ephemeral_secret(public, hash)?;
    let kek = key_encryption_key(hash, hash.conventions()[0], &secret, wrap, None);
    let key = Zeroizing::new(random::array::<32>());
    let (wrapped, algorithm, sealed) = match profile {
        Profile::Gost => {
            let wrapped = gost28147::wrap_key(&kek, &table_of(public)?, &random::array(), &key).to_vec();
            let iv = random::array::<8>();
            let mut sealed = content.to_vec();
            gost_cfb(&key, Dke::NUMBER_1, &iv)?.encrypt(&mut sealed);
            let parameters =
                Writer::new().value(tag::OCTET_STRING, &iv).value(tag::OCTET_STRING, Dke::NUMBER_1.packed());
            (wrapped, Writer::new().oid(oid::GOST_28147_CFB).nest(tag::SEQUENCE, parameters), sealed)
        }
        Profile::Kalyna => {
            let wrapped = kalyna::wrap_cms_key(&kek, &random::array(), &key).to_vec();
            let iv = random::array::<32>();
            let mut sealed = content.to_vec();
            kalyna_cfb(&key, &iv)?.encrypt_last(&mut sealed);
            let parameters = Writer::new().value(tag::OCTET_STRING, &iv);
            (wrapped, Writer::new().oid(oid::KALYNA_256_CFB).nest(tag::SEQUENCE, parameters), sealed)
        }
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
    let content = Writer::new().oid(oid::DATA).nest(tag::SEQUENCE, algorithm).value(tag::context(0), &sealed);
    let enveloped = Writer::new()
        .small_integer(2)
        .nest(tag::SET, Writer::new().nest(tag::context_constructed(1), info))
        .nest(tag::SEQUENCE, content);
    let explicit = Writer::new().nest(tag::SEQUENCE, enveloped);
    let info = Writer::new().oid(oid::ENVELOPED_DATA).nest(tag::context_constructed(0), explicit);
    Ok(Writer::new().nest(tag::SEQUENCE, info).into_bytes())
}

/// Opens what was sealed to `recipient`, whose private key is `private`. `originators`: certificates among which that of a static
/// originator may be found, beside those of the envelope and the recipient's own.
///
/// # Errors
/// `Malformed` for anything but EnvelopedData with the algorithms above; `OtherRecipient` if no recipient is this certificate;
/// `OriginatorUnknown` where the originator's certificate is not at hand; `Forged` where the key does not unwrap; `UnsupportedKey` if the
/// keys do not belong together.
pub fn open(
    envelope: &[u8],
    recipient: &Certificate,
    private: &dyn KeyHandle,
    originators: &[Certificate],
) -> Result<Unauthenticated, EnvelopeError> {
    let (der, taken) = normalise(envelope, Layers::ALL, &LIMITS)?;
    if taken != envelope.len() {
        return Err(EnvelopeError::Malformed);
    }
    let envelope = Envelope::read(&der)?;
    let mut known = envelope.certificates.clone();
    known.extend(originators.iter().take(MOST_RECIPIENTS).cloned());
    known.push(recipient.clone());
    for info in envelope.recipients.iter().filter(|info| info.tag == tag::context_constructed(1)) {
        if let Some(key) = unwrap(info, recipient, private, &known)? {
            return envelope.content.decrypt(&key).map(Unauthenticated);
        }
    }
    Err(EnvelopeError::OtherRecipient)
}

/// EnvelopedData, RFC 5652 6.1.
struct Envelope<'a> {
    certificates: Vec<Certificate>,
    recipients: Vec<Element<'a>>,
    content: Content<'a>,
}

impl<'a> Envelope<'a> {
    fn read(der: &'a [u8]) -> Result<Self, EnvelopeError> {
        let mut info = Element::only(der)?.open(tag::SEQUENCE)?;
        if info.oid()? != oid::ENVELOPED_DATA {
            return Err(EnvelopeError::Malformed);
        }
        let mut reader = Element::only(info.expect(tag::context_constructed(0))?)?.open(tag::SEQUENCE)?;
        info.end()?;
        // 2, or 3 with what we pass over.
        if !(2..=3).contains(&reader.small_integer()?) {
            return Err(EnvelopeError::Malformed);
        }
        let certificates = match reader.optional(tag::context_constructed(0))? {
            Some(info) => originator_certificates(Reader::new(info.content))?,
            None => Vec::new(),
        };
        let recipients = reader.open(tag::SET)?.all(MOST_RECIPIENTS)?;
        let content = Content::read(reader.open(tag::SEQUENCE)?)?;
        let _unprotected = reader.optional(tag::context_constructed(1))?;
        reader.end()?;
        Ok(Self { certificates, recipients, content })
    }
}

/// OriginatorInfo ::= SEQUENCE { certs [0] IMPLICIT CertificateSet OPTIONAL, crls [1] IMPLICIT RevocationInfoChoices OPTIONAL }. What `certs`
/// cannot read is passed over.
fn originator_certificates(mut info: Reader<'_>) -> Result<Vec<Certificate>, EnvelopeError> {
    let Some(set) = info.optional(tag::context_constructed(0))? else { return Ok(Vec::new()) };
    let certificates = Reader::new(set.content).all(MOST_RECIPIENTS)?;
    Ok(certificates.iter().filter_map(|element| Certificate::from_der(element.raw).ok()).collect())
}

/// EncryptedContentInfo, RFC 5652 6.1.
struct Content<'a> {
    cipher: Cipher<'a>,
    sealed: Vec<u8>,
}

enum Cipher<'a> {
    Gost { iv: &'a [u8], dke: Dke },
    Kalyna { iv: &'a [u8] },
}

impl<'a> Content<'a> {
    fn read(mut reader: Reader<'a>) -> Result<Self, EnvelopeError> {
        let _content_type = reader.oid()?;
        let algorithm = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
        let parameters = algorithm.parameters.ok_or(EnvelopeError::Malformed)?;
        let mut parameters = Element::only(parameters)?.open(tag::SEQUENCE)?;
        let iv = parameters.expect(tag::OCTET_STRING)?;
        let cipher = match algorithm.oid {
            oid::GOST_28147_CFB => {
                let dke = parameters.optional(tag::OCTET_STRING)?.map_or(Ok(Dke::NUMBER_1), |table| {
                    Dke::from_packed(table.content).map_err(|_| EnvelopeError::Malformed)
                })?;
                Cipher::Gost { iv: gost_vector(iv)?, dke }
            }
            oid::KALYNA_256_CFB => Cipher::Kalyna { iv },
            _ => return Err(EnvelopeError::Malformed),
        };
        parameters.end()?;
        let content = reader.any()?;
        reader.end()?;
        let sealed = match content.tag {
            primitive if primitive == tag::context(0) => content.content.to_vec(),
            constructed if constructed == tag::context_constructed(0) => {
                let segments = Reader::new(content.content).all(MOST_SEGMENTS)?;
                let octets = segments.iter().map(|segment| segment.expect(tag::OCTET_STRING));
                octets.collect::<Result<Vec<_>, _>>()?.concat()
            }
            _ => return Err(EnvelopeError::Malformed),
        };
        Ok(Self { cipher, sealed })
    }

    fn decrypt(self, key: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let mut content = Zeroizing::new(self.sealed);
        match self.cipher {
            Cipher::Gost { iv, dke } => gost_cfb(key, dke, iv)?.decrypt(&mut content),
            Cipher::Kalyna { iv } => kalyna_cfb(key, iv)?.decrypt_last(&mut content),
        }
        Ok(content)
    }
}

/// The synchronisation message has 8 bytes. One producer (jkurwa) writes 32, of which the first 8 count.
fn gost_vector(iv: &[u8]) -> Result<&[u8], EnvelopeError> {
    match iv.len() {
        8 => Ok(iv),
        32 => Ok(&iv[..8]),
        _ => Err(EnvelopeError::Malformed),
    }
}

fn gost_cfb(key: &[u8; 32], dke: Dke, iv: &[u8]) -> Result<gost28147::Cfb, EnvelopeError> {
    Gost28147::new(key, dke).and_then(|cipher| cipher.cfb(iv)).map_err(|_| EnvelopeError::Malformed)
}

fn kalyna_cfb(key: &[u8; 32], iv: &[u8]) -> Result<kalyna::Cfb, EnvelopeError> {
    Kalyna::new(BlockSize::Bits256, key).and_then(|cipher| cipher.cfb(iv)).map_err(|_| EnvelopeError::Malformed)
}

/// KeyAgreeRecipientInfo, RFC 5652 6.2.2: the content key; `None` if this is for others.
fn unwrap(
    info: &Element<'_>,
    recipient: &Certificate,
    private: &dyn KeyHandle,
    known: &[Certificate],
) -> Result<Option<Zeroizing<[u8; 32]>>, EnvelopeError> {
    let mut reader = Reader::new(info.content);
    let version = reader.small_integer()?;
    let originator = Element::only(reader.expect(tag::context_constructed(0))?)?;
    let keying_material = match reader.optional(tag::context_constructed(1))? {
        Some(explicit) => Some(Element::only(explicit.content)?.expect(tag::OCTET_STRING)?),
        None => None,
    };
    let agreement = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
    let keys = reader.open(tag::SEQUENCE)?.all(MOST_RECIPIENTS)?;
    reader.end()?;
    let Some(wrapped) = own_key(&keys, recipient)? else { return Ok(None) };
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
    let peer = originator_key(&originator, recipient, known)?;
    let secret = private.agree(&peer, cofactor).map_err(|_| EnvelopeError::UnsupportedKey)?;
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
    opened.map(Some).ok_or(EnvelopeError::Forged)
}

/// OriginatorIdentifierOrKey, RFC 5652 6.2.2.
fn originator_key(
    originator: &Element<'_>,
    recipient: &Certificate,
    known: &[Certificate],
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
    PublicKey::from_spki_der(&spki).map_err(|_| EnvelopeError::Malformed)
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
