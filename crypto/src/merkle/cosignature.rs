//! Cosignatures of witnesses (C2SP tlog-cosignature v1.0.1): Ed25519 with a time, signature type 0x04.
//!
//! A cosignature says: at this time, the largest tree of this log that I have seen, and found to continue all that I saw before, is this one. That
//! it is true is the business of whoever holds the key; here is the arithmetic. ML-DSA cosignatures (0x06) are not served, their lines ignored.

use super::note::{Note, is_key_name, key_id, line, split_vkey, vkey};
use super::{Checkpoint, LogError};
use crate::key::{KeyHandle, KeyKind, PublicKey, SoftwareKey};
use crate::signature::SignatureAlgorithm;

/// Makes cosignatures. One key for one cosigner: the message does not name him.
pub struct Cosigner {
    key: SoftwareKey,
    verifier: CosignatureVerifier,
}

impl Cosigner {
    /// A cosigner under `name`, which should be an address without a scheme.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `key` is not Ed25519, or `name` is no name of a key.
    pub fn new(name: &str, key: SoftwareKey) -> Result<Self, LogError> {
        let verifier = CosignatureVerifier::new(name, key.public_key().clone())?;
        Ok(Self { key, verifier })
    }

    /// The signature line, its newline included, over a checkpoint's note text, at `seconds` of POSIX time.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `text` is no checkpoint, or the time is 0 or beyond 2^63 - 1; [`LogError::BadSignature`] where the key's holder
    /// failed.
    pub fn cosign(&self, text: &str, seconds: u64) -> Result<String, LogError> {
        Checkpoint::parse_text(text)?;
        if !is_time(seconds) {
            return Err(LogError::Malformed("cosignature time"));
        }
        let message = message(text, seconds);
        let signature =
            self.key.sign(SignatureAlgorithm::Ed25519, message.as_bytes()).map_err(|_| LogError::BadSignature)?;
        let timed = [seconds.to_be_bytes().as_slice(), &signature].concat();
        Ok(line(&self.verifier.name, self.verifier.key_id, &timed))
    }

    /// The verifier of this cosigner's lines.
    pub fn verifier(&self) -> CosignatureVerifier {
        self.verifier.clone()
    }
}

/// Verifies cosignatures of one known witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignatureVerifier {
    name: String,
    key_id: [u8; 4],
    key: PublicKey,
}

impl CosignatureVerifier {
    fn new(name: &str, key: PublicKey) -> Result<Self, LogError> {
        if !is_key_name(name) {
            return Err(LogError::Malformed("key name"));
        }
        if key.kind() != KeyKind::Ed25519 {
            return Err(LogError::Malformed("note key"));
        }
        let key_id = key_id(name, &typed(&key));
        Ok(Self { name: name.to_owned(), key_id, key })
    }

    /// From a verifier key: `name+hex8(key id)+base64(0x04 ‖ 32-byte key)`.
    ///
    /// # Errors
    /// [`LogError::Malformed`] for anything else, another key type (that of a log's own key, 0x01, among them), and a key id that is not the key's.
    pub fn from_vkey(vkey: &str) -> Result<Self, LogError> {
        Self::parse_vkey(vkey).ok_or(LogError::Malformed("verifier key"))
    }

    fn parse_vkey(vkey: &str) -> Option<Self> {
        let (name, key_id, typed) = split_vkey(vkey)?;
        let raw = typed.strip_prefix(&[COSIGNATURE_TYPE])?;
        let verifier = Self::new(name, PublicKey::from_raw(KeyKind::Ed25519, raw).ok()?).ok()?;
        (verifier.key_id == key_id).then_some(verifier)
    }

    /// The verifier key, as [`CosignatureVerifier::from_vkey`] reads it.
    pub fn vkey(&self) -> String {
        vkey(&self.name, self.key_id, &typed(&self.key))
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The checkpoint of `note`, and the time of the witness's cosignature over it; of several the latest. Whether the log signed it is not looked at.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where `note` is no note over a checkpoint; [`LogError::NoKnownSignature`] without a line of this witness;
    /// [`LogError::BadSignature`] where any line of this witness does not verify.
    pub fn verify(&self, note: &str) -> Result<(Checkpoint, u64), LogError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse_text(note.text)?;
        let time = self.cosigned(&note)?.ok_or(LogError::NoKnownSignature)?;
        Ok((checkpoint, time))
    }

    /// This witness's latest line in `note`, its newline included, and its time: what is worth keeping of an answer that may hold lines of others.
    ///
    /// # Errors
    /// As [`CosignatureVerifier::verify`].
    pub fn alone(&self, note: &str) -> Result<(String, u64), LogError> {
        let note = Note::parse(note)?;
        Checkpoint::parse_text(note.text)?;
        let time = self.cosigned(&note)?.ok_or(LogError::NoKnownSignature)?;
        let mut latest = String::new();
        note.each_of(&self.name, self.key_id, |timed| {
            if timed.starts_with(&time.to_be_bytes()) {
                latest = line(&self.name, self.key_id, timed);
            }
            Ok(())
        })?;
        Ok((latest, time))
    }

    /// When this witness cosigned `note`; `None` where it did not.
    pub(super) fn cosigned(&self, note: &Note<'_>) -> Result<Option<u64>, LogError> {
        let mut latest = None;
        note.each_of(&self.name, self.key_id, |timed| {
            let (seconds, signature) = timed.split_first_chunk::<8>().ok_or(LogError::BadSignature)?;
            let seconds = u64::from_be_bytes(*seconds);
            if !is_time(seconds) {
                return Err(LogError::BadSignature);
            }
            self.key
                .verify(SignatureAlgorithm::Ed25519, message(note.text, seconds).as_bytes(), signature)
                .map_err(|_| LogError::BadSignature)?;
            latest = latest.max(Some(seconds));
            Ok(())
        })?;
        Ok(latest)
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }
}

/// tlog-cosignature, "Ed25519 signed message".
fn message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// "It MUST NOT exceed 2^63 - 1"; tlog-witness: "the timestamp must not be zero".
fn is_time(seconds: u64) -> bool {
    seconds != 0 && i64::try_from(seconds).is_ok()
}

fn typed(key: &PublicKey) -> Vec<u8> {
    [&[COSIGNATURE_TYPE], key.subject_public_key()].concat()
}

const COSIGNATURE_TYPE: u8 = 0x04;
