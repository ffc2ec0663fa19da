//! What the processes of a node alone know, kept in a file outside the database: keys of authentication codes come from it.

use crypto::digest::{from_hex, hmac_sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("64 hexadecimal digits are needed (32 random octets)")]
pub struct InvalidSecret;

/// Thirty-two random octets, the same in every process of the node. Who has them makes challenges and CSRF tokens that the node
/// takes for its own; without a person's key that opens no session.
pub struct NodeSecret(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for NodeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeSecret")
    }
}

impl NodeSecret {
    /// Reads 64 hexadecimal digits; white space around them is passed over.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn from_hex(text: &str) -> Result<Self, InvalidSecret> {
        let octets = Zeroizing::new(from_hex(text.trim()).ok_or(InvalidSecret)?);
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(octets.get(..32).filter(|_| octets.len() == 32).ok_or(InvalidSecret)?);
        Ok(Self(secret))
    }

    /// A key for one use: HMAC-SHA-256 of its name under the secret, which is HKDF-Expand (RFC 5869, 2.3) of one block.
    pub(crate) fn key(&self, purpose: &str) -> CodeKey {
        let label = [purpose.as_bytes(), &[1]].concat();
        CodeKey(Zeroizing::new(hmac_sha256(&*self.0, &label)))
    }
}

/// Makes and checks codes of one use.
pub(crate) struct CodeKey(Zeroizing<[u8; 32]>);

impl CodeKey {
    /// HMAC-SHA-256.
    pub(crate) fn code(&self, bytes: &[u8]) -> [u8; 32] {
        hmac_sha256(&*self.0, bytes)
    }

    /// Whether `code` is that of `bytes`, in a time that does not tell where they differ.
    pub(crate) fn holds(&self, bytes: &[u8], code: &[u8]) -> bool {
        bool::from(self.code(bytes).as_slice().ct_eq(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_secrets_and_other_uses_make_other_codes() {
        let (one, other) = (NodeSecret::from_hex(&"0a".repeat(32)), NodeSecret::from_hex(&"0b".repeat(32)));
        let (one, other) = (one.unwrap(), other.unwrap());
        let code = one.key("a").code(b"text");
        assert!(one.key("a").holds(b"text", &code));
        assert!(!one.key("b").holds(b"text", &code) && !other.key("a").holds(b"text", &code));
        assert!(!one.key("a").holds(b"texT", &code) && !one.key("a").holds(b"text", &code[..31]));
    }

    #[test]
    fn a_secret_is_exactly_thirty_two_octets() {
        assert!(NodeSecret::from_hex(&format!("{}\n", "Ab".repeat(32))).is_ok());
        for wrong in ["", "ab", &"ab".repeat(31), &"ab".repeat(33), &"xy".repeat(32)] {
            assert_eq!(NodeSecret::from_hex(wrong).err(), Some(InvalidSecret), "{wrong}");
        }
        assert_eq!(format!("{:?}", NodeSecret::from_hex(&"ab".repeat(32)).unwrap()), "NodeSecret");
    }
}
