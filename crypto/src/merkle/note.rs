//! Signed notes (C2SP signed-note v1.0.0), Ed25519 signatures of type 0x01.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::LogError;
use super::national::{NationalSigner, NationalVerifier};
use crate::digest::{from_hex, hex, sha256};
use crate::key::{KeyError, KeyHandle, KeyKind, PublicKey};
use crate::signature::SignatureAlgorithm;

/// Signs notes with an Ed25519 key, and with a national one beside it where there is one.
pub struct NoteSigner {
    key: Box<dyn KeyHandle>,
    verifier: NoteVerifier,
    national: Option<NationalSigner>,
}

impl NoteSigner {
    /// A signer under `name`; for a log the name should be its origin.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `key` is not Ed25519, or `name` is empty or holds white space, `+` or a control character.
    pub fn new(name: &str, key: impl KeyHandle + 'static) -> Result<Self, LogError> {
        let verifier = NoteVerifier::new(name, key.public_key().clone())?;
        Ok(Self { key: Box::new(key), verifier, national: None })
    }

    /// The same signer, whose notes carry a second line, under the same name, by a key of DSTU 4145 (see [`NationalVerifier`]). Whoever does not know
    /// that kind of signature passes over the line.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `key` is not one that [`NationalVerifier`] describes.
    pub fn with_national(self, key: Box<dyn KeyHandle>) -> Result<Self, LogError> {
        let national = Some(NationalSigner::new(&self.verifier.name, key)?);
        Ok(Self { national, ..self })
    }

    /// The note: `text`, an empty line, and a signature line of each key.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `text` does not end with a newline or holds another control character; [`LogError::KeyUnavailable`] where a key is
    /// out of reach; [`LogError::BadSignature`] where a key's holder failed.
    pub fn sign(&self, text: &str) -> Result<String, LogError> {
        if !is_note_text(text) {
            return Err(LogError::Malformed("note text"));
        }
        let signature = self.key.sign(SignatureAlgorithm::Ed25519, text.as_bytes()).map_err(|error| match error {
            KeyError::Unavailable => LogError::KeyUnavailable,
            _ => LogError::BadSignature,
        })?;
        let mut note = format!("{text}\n{}", line(&self.verifier.name, self.verifier.key_id, &signature));
        if let Some(national) = &self.national {
            note.push_str(&national.line(text)?);
        }
        Ok(note)
    }

    /// Why the key cannot be used at present, where it is out of reach. For an operator.
    pub fn complaint(&self) -> Option<String> {
        self.key.complaint()
    }

    /// The verifier of this signer's notes.
    pub fn verifier(&self) -> NoteVerifier {
        self.verifier.clone()
    }

    /// The verifier of the second line, where there is one.
    pub fn national_verifier(&self) -> Option<NationalVerifier> {
        self.national.as_ref().map(NationalSigner::verifier)
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
        let key_id = key_id(name, &[&[ED25519_TYPE], key.subject_public_key()].concat());
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
        let (name, key_id, typed) = split_vkey(vkey)?;
        let (ED25519_TYPE, raw) = typed.split_first().map(|(kind, raw)| (*kind, raw))? else { return None };
        let verifier = Self::new(name, PublicKey::from_raw(KeyKind::Ed25519, raw).ok()?).ok()?;
        (verifier.key_id == key_id).then_some(verifier)
    }

    /// The verifier key, as [`NoteVerifier::from_vkey`] reads it.
    pub fn vkey(&self) -> String {
        vkey(&self.name, self.key_id, &[&[ED25519_TYPE], self.key.subject_public_key()].concat())
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
        let note = Note::parse(note)?;
        if self.signed(&note)? { Ok(note.text) } else { Err(LogError::NoKnownSignature) }
    }

    /// `note` with one signature line of this key and no others: what is worth keeping of a note that strangers may have added lines to.
    ///
    /// # Errors
    /// As [`NoteVerifier::verify`].
    pub fn alone(&self, note: &str) -> Result<String, LogError> {
        let note = Note::parse(note)?;
        if !self.signed(&note)? {
            return Err(LogError::NoKnownSignature);
        }
        let mut first = None;
        note.each_of(&self.name, self.key_id, |signature| {
            first.get_or_insert_with(|| line(&self.name, self.key_id, signature));
            Ok(())
        })?;
        Ok(format!("{}\n{}", note.text, first.unwrap_or_default()))
    }

    /// Whether `note` is signed by this key.
    ///
    /// # Errors
    /// [`LogError::BadSignature`] where any line of this key does not verify.
    pub(super) fn signed(&self, note: &Note<'_>) -> Result<bool, LogError> {
        note.each_of(&self.name, self.key_id, |signature| {
            self.key
                .verify(SignatureAlgorithm::Ed25519, note.text.as_bytes(), signature)
                .map_err(|_| LogError::BadSignature)
        })
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// A note that was read and not yet believed: nobody has looked at a signature.
pub(super) struct Note<'n> {
    /// What is signed, its final newline included.
    pub(super) text: &'n str,
    lines: Vec<SignatureLine<'n>>,
}

struct SignatureLine<'n> {
    name: &'n str,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl<'n> Note<'n> {
    /// # Errors
    /// [`LogError::Malformed`] where it is no note, or has more signatures than anybody needs.
    pub(super) fn parse(note: &'n str) -> Result<Self, LogError> {
        let (text, signatures) = split_note(note).ok_or(LogError::Malformed("note"))?;
        let mut lines = Vec::new();
        for line in signatures.lines() {
            if lines.len() >= MAX_SIGNATURES {
                return Err(LogError::Malformed("note"));
            }
            lines.push(signature_line(line).ok_or(LogError::Malformed("note signature"))?);
        }
        Ok(Self { text, lines })
    }

    /// Whether there is a line of that key, after `check` looked at the signature of each.
    ///
    /// # Errors
    /// The first of `check`.
    pub(super) fn each_of(
        &self,
        name: &str,
        key_id: [u8; 4],
        mut check: impl FnMut(&[u8]) -> Result<(), LogError>,
    ) -> Result<bool, LogError> {
        let mut found = false;
        for line in self.lines.iter().filter(|line| line.name == name && line.key_id == key_id) {
            check(&line.signature)?;
            found = true;
        }
        Ok(found)
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

/// `— <name> <base64>`, where the blob holds more than a key id.
fn signature_line(line: &str) -> Option<SignatureLine<'_>> {
    let (name, encoded) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let blob = STANDARD.decode(encoded).ok()?;
    let (key_id, signature) = blob.split_first_chunk::<4>()?;
    (is_key_name(name) && !signature.is_empty()).then(|| SignatureLine {
        name,
        key_id: *key_id,
        signature: signature.to_vec(),
    })
}

/// A signature line, its newline included.
pub(super) fn line(name: &str, key_id: [u8; 4], signature: &[u8]) -> String {
    format!("{SIGNATURE_PREFIX}{name} {}\n", STANDARD.encode([key_id.as_slice(), signature].concat()))
}

/// The parts of a verifier key, `name+hex8(key id)+base64(type ‖ key)`; type and key are one.
pub(super) fn split_vkey(text: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let mut parts = text.splitn(3, '+');
    let (name, key_id, typed) = (parts.next()?, from_hex(parts.next()?)?, STANDARD.decode(parts.next()?).ok()?);
    Some((name, key_id.try_into().ok()?, typed))
}

pub(super) fn vkey(name: &str, key_id: [u8; 4], typed: &[u8]) -> String {
    format!("{name}+{}+{}", hex(&key_id), STANDARD.encode(typed))
}

pub(super) fn is_note_text(text: &str) -> bool {
    text.ends_with('\n') && text.bytes().all(|byte| byte >= 0x20 || byte == b'\n')
}

pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|character| character.is_whitespace() || character < ' ' || character == '+')
}

/// `SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]`; `typed` is type and key.
pub(super) fn key_id(name: &str, typed: &[u8]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", typed].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

const ED25519_TYPE: u8 = 0x01;
/// U+2014 and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";
/// signed-note asks for at least 16; Go's reference reads 100.
const MAX_SIGNATURES: usize = 100;
/// A checkpoint with a hundred ML-DSA signatures has some 330 kB.
const MAX_NOTE_BYTES: usize = 1 << 20;
