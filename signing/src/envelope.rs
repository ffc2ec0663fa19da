//! CMS envelopes: AuthEnvelopedData (RFC 5083) and EnvelopedData (RFC 5652, 6) around contents of any size, which stream by in memory that does
//! not grow with them; and [`seal_key`], [`open_key`] around the key of one document.
//!
//! | [`Cipher`] | content | the content key goes to the recipient by |
//! |---|---|---|
//! | `Aes256Gcm` | AES-256-GCM (RFC 5084) | ephemeral-static ECDH (RFC 5753: dhSinglePass-stdDH-sha256kdf, AES-256 key wrap); for RSA RSAES-OAEP with SHA-256 (RFC 3560) |
//! | `Aes256Gcm` | AES-256-GCM | for DSTU 4145: agreement with the cofactor, Kupyna-256, Kalyna-256/256 wrap, as in [`national::Profile::Kalyna`] |
//! | `National` | GOST 28147-CFB, Kalyna-256/256-CFB | agreement of DSTU 4145 keys, see [`national`] |
//!
//! **A document key for a key of DSTU 4145.** Key agreement and key wrap are those of the national profile, with the names under which UAPKI
//! and the libraries of IIT know them, so that the private key may lie wherever such keys lie. The 32 bytes inside are under AES-256-GCM, and not
//! under a national cipher: nothing else here proves that they are what was sealed, and who opens the document has to know AES-256-GCM for it anyhow.
//!
//! Any CMS implementation that knows these can open what [`Sealer`] writes; [`Opener`] reads DER and BER. What it gives out is [`Unauthenticated`]
//! until [`Authenticated`] says otherwise. No profile in force says how Kalyna-GCM stands in AuthEnvelopedData, so it is not here.
//!
//! Not here: the sealed stream of our own, which authenticates chunk by chunk (`crypto::seal`), and whether the certificate may receive (`certs`).

mod agreement;
mod cipher;
mod frames;
pub mod national;
mod opener;
mod recipient;
mod sealer;
mod segments;
mod transport;

use certs::certificate::Certificate;
use crypto::key::KeyHandle;
use crypto::seal::DocumentKey;
use zeroize::Zeroizing;

use crate::asn1::{Asn1Error, Element, Writer, tag};

pub use cipher::Cipher;
pub use opener::{Authenticated, Opened, Opener};
pub use sealer::Sealer;

/// Why an envelope was not made or not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not an envelope of the forms above, or with algorithms other than these.
    #[error("malformed envelope")]
    Malformed,
    /// The key does not go with the cipher, or cannot be used.
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
    /// To be sealed to nobody, or to more than 64.
    #[error("an envelope has from 1 to 64 recipients")]
    Recipients,
    /// The content that was to be sealed has not the length that was announced.
    #[error("the content has not the announced length")]
    Length,
    /// The content is longer than its cipher takes.
    #[error("the content is longer than its cipher allows")]
    TooLong,
}

impl From<Asn1Error> for EnvelopeError {
    fn from(_: Asn1Error) -> Self {
        Self::Malformed
    }
}

/// Recipients of one envelope.
const MOST_RECIPIENTS: usize = 64;
/// An envelope of a document key; partners' implementations may name several recipients.
const KEY_ENVELOPE_BYTES: usize = 256 * 1024;

/// Decrypted, and not proven to be what was encrypted. Overwritten when dropped.
pub struct Unauthenticated(Zeroizing<Vec<u8>>);

impl Unauthenticated {
    /// The octets, for who keeps them apart until they are proven.
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

/// Seals `content` as one piece. Returns a ContentInfo in DER.
fn seal_whole(content: &[u8], recipient: &Certificate, cipher: Cipher) -> Result<Vec<u8>, EnvelopeError> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(&[recipient], cipher, Some(content.len() as u64), &mut out)?;
    sealer.update(content, &mut out)?;
    sealer.finish(&mut out)?;
    Ok(out)
}

/// Opens an envelope that is there as a whole.
fn open_whole(
    envelope: &[u8],
    mut opener: Opener<'_>,
) -> Result<(Zeroizing<Vec<u8>>, Option<Authenticated>), EnvelopeError> {
    let first = opener.update(envelope)?;
    let Opened { rest, authenticated } = opener.finish()?;
    let mut content = Zeroizing::new(Vec::with_capacity(first.0.len() + rest.0.len()));
    content.extend_from_slice(first.as_bytes());
    content.extend_from_slice(rest.as_bytes());
    Ok((content, authenticated))
}

/// Seals `key` to `recipient`. Returns a ContentInfo in DER.
///
/// # Errors
/// `UnsupportedKey` if the certificate's key is neither on a curve that `crypto` serves, DSTU 4145 of 257 bits or more among them, nor RSA of 2048
/// bits or more.
pub fn seal_key(key: &DocumentKey, recipient: &Certificate) -> Result<Vec<u8>, EnvelopeError> {
    seal_whole(key.expose(), recipient, Cipher::Aes256Gcm)
}

/// Opens what [`seal_key`], or a partner's implementation, sealed to `recipient`, whose private key is `private`.
///
/// # Errors
/// `Malformed` for anything but AuthEnvelopedData around exactly 32 bytes; `OtherRecipient` if no recipient is this
/// certificate; `Forged` if an integrity check fails; `UnsupportedKey` if the key does no such operation.
pub fn open_key(
    envelope: &[u8],
    recipient: &Certificate,
    private: &dyn KeyHandle,
) -> Result<DocumentKey, EnvelopeError> {
    if envelope.len() > KEY_ENVELOPE_BYTES {
        return Err(EnvelopeError::Malformed);
    }
    let (key, authenticated) = open_whole(envelope, Opener::new(recipient, private, &[]))?;
    let _proof: Authenticated = authenticated.ok_or(EnvelopeError::Malformed)?;
    let key: [u8; 32] = key.as_slice().try_into().map_err(|_| EnvelopeError::Malformed)?;
    Ok(DocumentKey::from_bytes(key))
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
mod stream_tests;
#[cfg(test)]
mod tests;
