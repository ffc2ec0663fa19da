//! Signed notes (C2SP signed-note v1.0.0), Ed25519 signatures of type 0x01.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::LogError;
use crate::digest::{from_hex, hex, sha256};
use crate::key::{KeyHandle, KeyKind, PublicKey, SoftwareKey};
use crate::signature::SignatureAlgorithm;

/// Signs notes with an Ed25519 key.
pub struct NoteSigner {
    key: SoftwareKey,
    verifier: NoteVerifier,
}

impl NoteSigner {
    /// A signer under `name`; for a log the name should be its origin.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `key` is not Ed25519, or `name` is empty or holds white space, `+` or a control character.
    pub fn new(name: &str, key: SoftwareKey) -> Result<Self, LogError> {
        let verifier = NoteVerifier::new(name, key.public_key().clone())?;
        Ok(Self { key, verifier })
    }

    /// The note: `text`, an empty line, and one signature line.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `text` does not end with a newline or holds another control character; [`LogError::BadSignature`] where the
    /// key's holder failed.
    pub fn sign(&self, text: &str) -> Result<String, LogError> {
        if !is_note_text(text) {
            return Err(LogError::Malformed("note text"));
        }
        let signature =
            self.key.sign(SignatureAlgorithm::Ed25519, text.as_bytes()).map_err(|_| LogError::BadSignature)?;
        let blob = [self.verifier.key_id.as_slice(), &signature].concat();
        Ok(format!("{text}\n{SIGNATURE_PREFIX}{} {}\n", self.verifier.name, STANDARD.encode(blob)))
    }

    /// The verifier of this signer's notes.
    pub fn verifier(&self) -> NoteVerifier {
        self.verifier.clone()
    }
}

/// Verifies notes of one known key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    key_id: [u8; 4],
    key: PublicKey,
}

impl NoteVerifier {
    fn new(name: &str, key: PublicKey) -> Result<Self, LogError> {
        if !is_key_name(name) {
            return Err(LogError::Malformed("key name"));
        }
        if key.kind() != KeyKind::Ed25519 {
            return Err(LogError::Malformed("note key"));
        }
        let key_id = key_id(name, key.subject_public_key());
        Ok(Self { name: name.to_owned(), key_id, key })
    }

    /// From a verifier key: `name+hex8(key id)+base64(0x01 ‖ 32-byte key)`.
    ///
    /// # Errors
    /// [`LogError::Malformed`] for anything else, another key type, and a key id that is not the key's.
    pub fn from_vkey(vkey: &str) -> Result<Self, LogError> {
        Self::parse_vkey(vkey).ok_or(LogError::Malformed("verifier key"))
    }

    fn parse_vkey(vkey: &str) -> Option<Self> {
        let mut parts = vkey.splitn(3, '+');
        let (name, key_id, key) = (parts.next()?, from_hex(parts.next()?)?, STANDARD.decode(parts.next()?).ok()?);
        let (ED25519_TYPE, raw) = key.split_first().map(|(kind, raw)| (*kind, raw))? else { return None };
        let verifier = Self::new(name, PublicKey::from_raw(KeyKind::Ed25519, raw).ok()?).ok()?;
        (verifier.key_id.as_slice() == key_id).then_some(verifier)
    }

    /// The verifier key, as [`NoteVerifier::from_vkey`] reads it.
    pub fn vkey(&self) -> String {
        let typed = [&[ED25519_TYPE], self.key.subject_public_key()].concat();
        format!("{}+{}+{}", self.name, hex(&self.key_id), STANDARD.encode(typed))
    }

    /// The name of the key; of a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The signed text of `note`, its final newline included. Signature lines of other keys are ignored.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `note` is no note; [`LogError::NoKnownSignature`] without a line of this key; [`LogError::BadSignature`] where any line
    /// of this key does not verify.
    pub fn verify<'n>(&self, note: &'n str) -> Result<&'n str, LogError> {
        let (text, signatures) = split_note(note).ok_or(LogError::Malformed("note"))?;
        let mut verified = false;
        for (number, line) in signatures.lines().enumerate() {
            let (name, blob) = signature_line(line).ok_or(LogError::Malformed("note signature"))?;
            if number >= MAX_SIGNATURES {
                return Err(LogError::Malformed("note"));
            }
            let Some((key_id, signature)) = blob.split_first_chunk::<4>() else {
                return Err(LogError::Malformed("note signature"));
            };
            if name != self.name || *key_id != self.key_id {
                continue;
            }
            self.key
                .verify(SignatureAlgorithm::Ed25519, text.as_bytes(), signature)
                .map_err(|_| LogError::BadSignature)?;
            verified = true;
        }
        if verified { Ok(text) } else { Err(LogError::NoKnownSignature) }
    }
}

/// Text with its final newline, and the signature lines. The last empty line parts them: signature lines are never empty.
fn split_note(note: &str) -> Option<(&str, &str)> {
    if note.len() > MAX_NOTE_BYTES || !is_note_text(note) {
        return None;
    }
    let end = note.rfind("\n\n")? + 1;
    let (text, rest) = note.split_at(end);
    let signatures = rest.strip_prefix('\n')?;
    if signatures.is_empty() { None } else { Some((text, signatures)) }
}

/// `— <name> <base64>`: name and decoded blob, which holds more than a key id.
fn signature_line(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, encoded) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let blob = STANDARD.decode(encoded).ok()?;
    (is_key_name(name) && blob.len() > 4).then_some((name, blob))
}

fn is_note_text(text: &str) -> bool {
    text.ends_with('\n') && text.bytes().all(|byte| byte >= 0x20 || byte == b'\n')
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|character| character.is_whitespace() || character < ' ' || character == '+')
}

/// `SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]`.
fn key_id(name: &str, key: &[u8]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[ED25519_TYPE], key].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

const ED25519_TYPE: u8 = 0x01;
/// U+2014 and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";
/// signed-note asks for at least 16; Go's reference reads 100.
const MAX_SIGNATURES: usize = 100;
/// A checkpoint with a hundred ML-DSA signatures has some 330 kB.
const MAX_NOTE_BYTES: usize = 1 << 20;
