//! The second signature line of our checkpoints: DSTU 4145 under signature type 0xff of C2SP signed-note.
//!
//! ```text
//! type ‖ key  = 0xff ‖ "vuzol/signed-note/dstu4145-kupyna256/v1\n" ‖ SubjectPublicKeyInfo (DER)
//! key id      = SHA-256(name ‖ 0x0A ‖ type ‖ key)[:4]
//! vkey        = name+hex8(key id)+base64(type ‖ key)
//! signature   = DSTU 4145-2002 with Kupyna-256 over the note text, r ‖ s, each half little-endian
//! line        = "— " ‖ name ‖ " " ‖ base64(key id ‖ signature)
//! ```
//!
//! signed-note keeps 0xff for types that it has not assigned, and recommends a long identifier behind it. Others do not know the key, and so must
//! ignore the line; what they verify is the Ed25519 line before it, over the same text.

use super::LogError;
use super::note::{Note, is_key_name, key_id, line, split_vkey, vkey};
use crate::digest::DigestAlgorithm;
use crate::dstu4145::ByteOrder;
use crate::key::{KeyHandle, PublicKey};
use crate::signature::SignatureAlgorithm;

/// Makes such lines. The key may be in a token.
pub(super) struct NationalSigner {
    key: Box<dyn KeyHandle>,
    verifier: NationalVerifier,
}

impl NationalSigner {
    pub(super) fn new(name: &str, key: Box<dyn KeyHandle>) -> Result<Self, LogError> {
        let verifier = NationalVerifier::new(name, key.public_key().clone())?;
        Ok(Self { key, verifier })
    }

    pub(super) fn line(&self, text: &str) -> Result<String, LogError> {
        let signature = self.key.sign(ALGORITHM, text.as_bytes()).map_err(|_| LogError::BadSignature)?;
        Ok(line(&self.verifier.name, self.verifier.key_id, &signature))
    }

    pub(super) fn verifier(&self) -> NationalVerifier {
        self.verifier.clone()
    }
}

/// Verifies signature lines by a key of DSTU 4145 (little-endian, polynomial basis). The form of its verifier key:
///
/// ```text
/// name+hex8(key id)+base64(0xff ‖ "vuzol/signed-note/dstu4145-kupyna256/v1\n" ‖ SubjectPublicKeyInfo)
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalVerifier {
    name: String,
    key_id: [u8; 4],
    key: PublicKey,
}

impl NationalVerifier {
    fn new(name: &str, key: PublicKey) -> Result<Self, LogError> {
        if !is_key_name(name) {
            return Err(LogError::Malformed("key name"));
        }
        let little = key.dstu4145().is_some_and(|key| key.parameters.byte_order == ByteOrder::Little);
        if !little || !ALGORITHM.belongs_to(key.kind()) {
            return Err(LogError::Malformed("note key"));
        }
        let key_id = key_id(name, &typed(&key));
        Ok(Self { name: name.to_owned(), key_id, key })
    }

    /// From a verifier key.
    ///
    /// # Errors
    /// [`LogError::Malformed`] for anything else, another key type, and a key id that is not the key's.
    pub fn from_vkey(vkey: &str) -> Result<Self, LogError> {
        Self::parse_vkey(vkey).ok_or(LogError::Malformed("verifier key"))
    }

    fn parse_vkey(vkey: &str) -> Option<Self> {
        let (name, key_id, typed) = split_vkey(vkey)?;
        let spki = typed.strip_prefix(&[PRIVATE_TYPE])?.strip_prefix(IDENTIFIER)?;
        let verifier = Self::new(name, PublicKey::from_spki_der(spki).ok()?).ok()?;
        (verifier.key_id == key_id).then_some(verifier)
    }

    /// The verifier key, as [`NationalVerifier::from_vkey`] reads it.
    pub fn vkey(&self) -> String {
        vkey(&self.name, self.key_id, &typed(&self.key))
    }

    /// The name of the key; of a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The signed text of `note`, its final newline included. Signature lines of other keys are ignored.
    ///
    /// # Errors
    /// As [`NoteVerifier::verify`](super::NoteVerifier::verify).
    pub fn verify<'n>(&self, note: &'n str) -> Result<&'n str, LogError> {
        let note = Note::parse(note)?;
        let check = |signature: &[u8]| {
            self.key.verify(ALGORITHM, note.text.as_bytes(), signature).map_err(|_| LogError::BadSignature)
        };
        let signed = note.each_of(&self.name, self.key_id, check)?;
        if signed { Ok(note.text) } else { Err(LogError::NoKnownSignature) }
    }
}

fn typed(key: &PublicKey) -> Vec<u8> {
    [&[PRIVATE_TYPE], IDENTIFIER, key.spki_der()].concat()
}

const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna256);
const PRIVATE_TYPE: u8 = 0xff;
const IDENTIFIER: &[u8] = b"vuzol/signed-note/dstu4145-kupyna256/v1\n";
