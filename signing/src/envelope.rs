//! CMS AuthEnvelopedData (RFC 5083) around the key of one document, for one recipient.
//!
//! The content is the 32 bytes of the document key under AES-256-GCM (RFC 5084) with a key of its own; that key goes to
//! the recipient either by ephemeral-static ECDH (RFC 5753: dhSinglePass-stdDH-sha256kdf, AES-256 key wrap) or, for RSA
//! certificates, by RSAES-OAEP with SHA-256 (RFC 3560). Any CMS implementation that knows these can open it.
//!
//! `national` reads and makes EnvelopedData of the Ukrainian profiles around whole contents.
//!
//! Not here: the document, which `crypto::seal` seals as a stream; and whether the certificate may receive (`certs`).

mod agreement;
pub mod national;
mod transport;

use certs::certificate::Certificate;
use crypto::key::{KeyHandle, KeyKind};
use crypto::random;
use crypto::seal::{DocumentKey, aes256_gcm_open, aes256_gcm_seal};

use crate::asn1::{Asn1Error, Element, Layers, Limits, Reader, Writer, normalise, oid, tag};
use crate::cms::AlgorithmIdentifier;

/// Why an envelope was not made or not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not AuthEnvelopedData of the form above, or with algorithms other than these.
    #[error("malformed envelope")]
    Malformed,
    /// The recipient's key is neither elliptic-curve nor RSA, or cannot be used.
    #[error("the recipient's key cannot receive")]
    UnsupportedKey,
    /// No recipient of the envelope is this certificate.
    #[error("not addressed to this certificate")]
    OtherRecipient,
    /// The certificate of the originator, whose key the agreement needs, is not at hand.
    #[error("the originator's certificate is not at hand")]
    OriginatorUnknown,
    /// An integrity check failed.
    #[error("the envelope was changed or the key is wrong")]
    Forged,
}

impl From<Asn1Error> for EnvelopeError {
    fn from(_: Asn1Error) -> Self {
        Self::Malformed
    }
}

/// An envelope holds one small key; partners' implementations may name several recipients.
const LIMITS: Limits = Limits { bytes: 256 * 1024, depth: 24, elements: 8192 };
/// Recipients of one envelope.
const MOST_RECIPIENTS: usize = 64;
/// RFC 5084, 3.2: a nonce of 12 octets, and the full tag.
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Seals `key` to `recipient`. Returns a ContentInfo in DER.
///
/// # Errors
/// `UnsupportedKey` if the certificate's key is neither on a curve that `crypto` serves nor RSA of 2048 bits or more.
pub fn seal_key(key: &DocumentKey, recipient: &Certificate) -> Result<Vec<u8>, EnvelopeError> {
    let content_key = DocumentKey::generate();
    let public = recipient.public_key().map_err(|_| EnvelopeError::UnsupportedKey)?;
    let recipient_info = match public.kind() {
        KeyKind::Ec(_) => agreement::seal(&content_key, public, recipient)?,
        KeyKind::Rsa { .. } => transport::seal(&content_key, public, recipient)?,
        KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::Dstu4145(_) => return Err(EnvelopeError::UnsupportedKey),
    };
    let nonce = random::array::<NONCE_BYTES>();
    let (sealed, mac) = aes256_gcm_seal(content_key.expose(), &nonce, &[], key.expose());
    let parameters = Writer::new().value(tag::OCTET_STRING, &nonce).small_integer(16);
    let algorithm = Writer::new().oid(oid::AES256_GCM).nest(tag::SEQUENCE, parameters);
    let content = Writer::new().oid(oid::DATA).nest(tag::SEQUENCE, algorithm).value(tag::context(0), &sealed);
    let enveloped = Writer::new()
        .small_integer(0)
        .value(tag::SET, &recipient_info)
        .nest(tag::SEQUENCE, content)
        .value(tag::OCTET_STRING, &mac);
    let explicit = Writer::new().nest(tag::SEQUENCE, enveloped);
    let info = Writer::new().oid(oid::AUTH_ENVELOPED_DATA).nest(tag::context_constructed(0), explicit);
    Ok(Writer::new().nest(tag::SEQUENCE, info).into_bytes())
}

/// Opens what [`seal_key`], or a partner's implementation, sealed to `recipient`, whose private key is `private`.
///
/// # Errors
/// `Malformed` for anything but the form above around exactly 32 bytes; `OtherRecipient` if no recipient is this
/// certificate; `Forged` if an integrity check fails; `UnsupportedKey` if the key does no such operation.
pub fn open_key(
    envelope: &[u8],
    recipient: &Certificate,
    private: &dyn KeyHandle,
) -> Result<DocumentKey, EnvelopeError> {
    let (der, taken) = normalise(envelope, Layers::ALL, &LIMITS)?;
    if taken != envelope.len() {
        return Err(EnvelopeError::Malformed);
    }
    let envelope = Envelope::read(&der)?;
    let content_key = envelope.content_key(recipient, private)?;
    let key = aes256_gcm_open(content_key.expose(), envelope.nonce, &envelope.aad, &envelope.sealed, envelope.mac)
        .map_err(|_| EnvelopeError::Forged)?;
    let key: [u8; 32] = key.as_slice().try_into().map_err(|_| EnvelopeError::Malformed)?;
    Ok(DocumentKey::from_bytes(key))
}

/// AuthEnvelopedData, RFC 5083 2.1.
struct Envelope<'a> {
    recipients: Vec<Element<'a>>,
    nonce: &'a [u8; NONCE_BYTES],
    sealed: Vec<u8>,
    /// DER of the authenticated attributes with the tag of a SET; empty where there are none.
    aad: Vec<u8>,
    mac: &'a [u8; TAG_BYTES],
}

impl<'a> Envelope<'a> {
    fn read(der: &'a [u8]) -> Result<Self, EnvelopeError> {
        let mut info = Element::only(der)?.open(tag::SEQUENCE)?;
        if info.oid()? != oid::AUTH_ENVELOPED_DATA {
            return Err(EnvelopeError::Malformed);
        }
        let mut reader = Element::only(info.expect(tag::context_constructed(0))?)?.open(tag::SEQUENCE)?;
        info.end()?;
        let version = reader.small_integer()?;
        let _originator_info = reader.optional(tag::context_constructed(0))?;
        let recipients = reader.open(tag::SET)?.all(MOST_RECIPIENTS)?;
        let (nonce, sealed) = encrypted_content(reader.open(tag::SEQUENCE)?)?;
        let attributes = reader.optional(tag::context_constructed(1))?;
        let mac = reader.expect(tag::OCTET_STRING)?;
        let _unauthenticated = reader.optional(tag::context_constructed(2))?;
        reader.end()?;
        if version != 0 {
            return Err(EnvelopeError::Malformed);
        }
        let aad = attributes.map(|set| Writer::new().value(tag::SET, set.content).into_bytes());
        let mac = mac.try_into().map_err(|_| EnvelopeError::Malformed)?;
        Ok(Self { recipients, nonce, sealed, aad: aad.unwrap_or_default(), mac })
    }

    fn content_key(&self, recipient: &Certificate, private: &dyn KeyHandle) -> Result<DocumentKey, EnvelopeError> {
        for info in &self.recipients {
            let found = match info.tag {
                tag::SEQUENCE => transport::open(info, recipient, private)?,
                kari if kari == tag::context_constructed(1) => agreement::open(info, recipient, private)?,
                // Key encryption keys, passwords, and what came later: nobody's certificate.
                _ => None,
            };
            if let Some(key) = found {
                return Ok(key);
            }
        }
        Err(EnvelopeError::OtherRecipient)
    }
}

/// EncryptedContentInfo (RFC 5652, 6.1) with AES-256-GCM parameters (RFC 5084, 3.2).
fn encrypted_content(mut reader: Reader<'_>) -> Result<(&[u8; NONCE_BYTES], Vec<u8>), EnvelopeError> {
    let _content_type = reader.oid()?;
    let algorithm = AlgorithmIdentifier::read(reader.open(tag::SEQUENCE)?)?;
    if algorithm.oid != oid::AES256_GCM {
        return Err(EnvelopeError::Malformed);
    }
    let parameters = algorithm.parameters.ok_or(EnvelopeError::Malformed)?;
    let mut parameters = Element::only(parameters)?.open(tag::SEQUENCE)?;
    let nonce = parameters.expect(tag::OCTET_STRING)?.try_into().map_err(|_| EnvelopeError::Malformed)?;
    // aes-ICVlen defaults to 12; only the full tag is taken.
    if usize::from(parameters.small_integer()?) != TAG_BYTES {
        return Err(EnvelopeError::Malformed);
    }
    parameters.end()?;
    let content = reader.any()?;
    reader.end()?;
    let sealed = match content.tag {
        primitive if primitive == tag::context(0) => content.content.to_vec(),
        // BER: the implicit octet string in segments.
        constructed if constructed == tag::context_constructed(0) => {
            let segments = Reader::new(content.content).all(MOST_RECIPIENTS)?;
            segments.iter().map(|segment| segment.expect(tag::OCTET_STRING)).collect::<Result<Vec<_>, _>>()?.concat()
        }
        _ => return Err(EnvelopeError::Malformed),
    };
    Ok((nonce, sealed))
}

/// IssuerAndSerialNumber of the recipient.
fn issuer_and_serial(certificate: &Certificate) -> Writer {
    let pair = Writer::new().raw(certificate.issuer_der()).value(tag::INTEGER, certificate.serial());
    Writer::new().nest(tag::SEQUENCE, pair)
}

/// Whether an IssuerAndSerialNumber names this certificate.
fn is_named(pair: &Element<'_>, certificate: &Certificate) -> Result<bool, EnvelopeError> {
    let mut reader = pair.open(tag::SEQUENCE)?;
    let issuer = reader.element(tag::SEQUENCE)?.raw;
    let serial = reader.expect(tag::INTEGER)?;
    reader.end()?;
    Ok(issuer == certificate.issuer_der() && serial == certificate.serial())
}

#[cfg(test)]
mod tests;
