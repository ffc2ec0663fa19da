//! RecipientInfos, RFC 5652 6.2: the content key for each recipient, and the one that is ours.

use certs::certificate::Certificate;
use crypto::key::{KeyHandle, KeyKind};
use crypto::seal::DocumentKey;

use crate::asn1::{Element, tag};

use super::cipher::Cipher;
use super::national::Profile;
use super::{EnvelopeError, agreement, national, transport};

/// Who opens.
#[derive(Clone, Copy)]
pub(super) struct Keys<'k> {
    pub(super) recipient: &'k Certificate,
    pub(super) private: &'k dyn KeyHandle,
    /// Certificates among which that of a static originator may be found.
    pub(super) originators: &'k [Certificate],
}

/// The RecipientInfo that takes the content key to `recipient`.
pub(super) fn seal(
    content_key: &DocumentKey,
    recipient: &Certificate,
    cipher: Cipher,
) -> Result<Vec<u8>, EnvelopeError> {
    let public = recipient.public_key().map_err(|_| EnvelopeError::UnsupportedKey)?;
    match (cipher, public.kind()) {
        (Cipher::Aes256Gcm, KeyKind::Ec(_)) => agreement::seal(content_key, public, recipient),
        (Cipher::Aes256Gcm, KeyKind::Rsa { .. }) => transport::seal(content_key, public, recipient),
        (Cipher::National(profile), KeyKind::Dstu4145(_)) => {
            national::recipient_info(content_key, public, recipient, profile)
        }
        (Cipher::Aes256Gcm, KeyKind::Dstu4145(_)) => {
            national::recipient_info(content_key, public, recipient, Profile::Kalyna)
        }
        (_, KeyKind::Ec(_) | KeyKind::Rsa { .. } | KeyKind::Ed25519 | KeyKind::Ed448) => {
            Err(EnvelopeError::UnsupportedKey)
        }
    }
}

/// The content key from the RecipientInfo that is for `keys`. `embedded`: the certificates of the envelope.
pub(super) fn open(
    infos: &[Element<'_>],
    keys: Keys<'_>,
    embedded: &[Certificate],
) -> Result<DocumentKey, EnvelopeError> {
    let national = matches!(keys.private.public_key().kind(), KeyKind::Dstu4145(_));
    for info in infos {
        let found = match info.tag {
            tag::SEQUENCE if !national => transport::open(info, keys.recipient, keys.private)?,
            kari if kari == tag::context_constructed(1) => match national {
                true => national::unwrap(info, keys, embedded)?,
                false => agreement::open(info, keys.recipient, keys.private)?,
            },
            // Key encryption keys, passwords, and what came later: nobody's certificate.
            _ => None,
        };
        if let Some(key) = found {
            return Ok(key);
        }
    }
    Err(EnvelopeError::OtherRecipient)
}
