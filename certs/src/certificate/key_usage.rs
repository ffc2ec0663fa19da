//! The key usage extension (RFC 5280 4.2.1.3).

/// The bits of the extension: bit 0 of the standard (`digitalSignature`) is the lowest bit here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// Bit 0: signatures other than on certificates and CRLs.
    #[must_use]
    pub fn digital_signature(self) -> bool {
        self.has(0)
    }

    /// Bit 1, once named nonRepudiation: signatures that commit to content.
    #[must_use]
    pub fn content_commitment(self) -> bool {
        self.has(1)
    }

    /// Bit 2: encrypting keys (RSA).
    #[must_use]
    pub fn key_encipherment(self) -> bool {
        self.has(2)
    }

    /// Bit 4: agreeing on keys (ECDH).
    #[must_use]
    pub fn key_agreement(self) -> bool {
        self.has(4)
    }

    /// Bit 5: signing certificates.
    #[must_use]
    pub fn key_cert_sign(self) -> bool {
        self.has(5)
    }

    /// Bit 6: signing CRLs.
    #[must_use]
    pub fn crl_sign(self) -> bool {
        self.has(6)
    }

    fn has(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }
}
