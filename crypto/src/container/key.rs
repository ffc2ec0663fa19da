//! Private keys as containers hold them: PrivateKeyInfo (PKCS#8: RFC 5208, 5; RFC 5958, 2), in clear and encrypted.

use std::fmt;

use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::ber::{self, CONTEXT_0, CONTEXT_1, CONTEXT_1_PRIMITIVE, Fields, OCTET_STRING};
use super::derive::Budget;
use super::password::Password;
use super::scheme::{Algorithm, Scheme};
use super::{ContainerError, key6};
use crate::asn1;
use crate::dstu4145::{ByteOrder, Curve, CurveForm, Parameters};
use crate::gost28147::Dke;

/// A private key out of a container, or to be put into one: PKCS#8 in clear, zeroized on drop, silent Debug.
///
/// [`crate::key::SoftwareKey::from_pkcs8_der`] makes a handle of it.
#[derive(Clone)]
pub struct ContainedKey {
    pkcs8: Zeroizing<Vec<u8>>,
    algorithm: ObjectIdentifier,
    friendly_name: Option<String>,
    local_key_id: Option<Vec<u8>>,
}

impl ContainedKey {
    /// From DER of a PrivateKeyInfo, kept as it is. Its outer form is checked, the key within is not.
    ///
    /// # Errors
    /// [`ContainerError::Malformed`] where it is no PrivateKeyInfo.
    pub fn new(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, ContainerError> {
        let algorithm = PrivateKeyInfo::read(&pkcs8)?.algorithm.oid;
        Ok(Self { pkcs8, algorithm, friendly_name: None, local_key_id: None })
    }

    /// From a bare private key of DSTU 4145 over `curve`: `d` little-endian, [`Curve::scalar_len`] bytes. Such files say nothing of themselves,
    /// not even the curve; the PKCS#8 gets explicit parameters and DKE No 1.
    ///
    /// # Errors
    /// [`ContainerError::Malformed`] for another length.
    pub fn from_raw_dstu4145(curve: Curve, d: &[u8]) -> Result<Self, ContainerError> {
        if d.len() != curve.scalar_len() {
            return Err(ContainerError::malformed("private key"));
        }
        let substitution = Some(*Dke::NUMBER_1.packed());
        let parameters = Parameters { curve, byte_order: ByteOrder::Little, form: CurveForm::Explicit, substitution };
        Self::new(dstu4145_pkcs8(&parameters, d))
    }

    /// The same key under a name.
    #[must_use]
    pub fn with_friendly_name(mut self, name: Option<String>) -> Self {
        self.friendly_name = name;
        self
    }

    /// The same key with an identifier that its certificate shares.
    #[must_use]
    pub fn with_local_key_id(mut self, identifier: Option<Vec<u8>>) -> Self {
        self.local_key_id = identifier;
        self
    }

    /// DER of the PrivateKeyInfo.
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The dotted OID of the key's algorithm: `1.2.804.2.1.1.1.1.3.1.1` for DSTU 4145, little-endian.
    pub fn algorithm_oid(&self) -> String {
        self.algorithm.to_string()
    }

    /// friendlyName (RFC 2985, 5.5.1), or the alias of a JKS.
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// localKeyId (RFC 2985, 5.5.2): the certificate with the same one is the key's.
    pub fn local_key_id(&self) -> Option<&[u8]> {
        self.local_key_id.as_deref()
    }
}

impl fmt::Debug for ContainedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ContainedKey").field("algorithm", &self.algorithm_oid()).finish_non_exhaustive()
    }
}

/// `SEQUENCE { version INTEGER (0 | 1), AlgorithmIdentifier, privateKey OCTET STRING, [0] attributes OPTIONAL, [1] publicKey OPTIONAL }`.
pub(super) struct PrivateKeyInfo<'a> {
    pub(super) algorithm: Algorithm<'a>,
    pub(super) private_key: &'a [u8],
    /// The content of the SET OF Attribute.
    pub(super) attributes: Option<&'a [u8]>,
}

impl<'a> PrivateKeyInfo<'a> {
    pub(super) fn read(pkcs8: &'a [u8]) -> Result<Self, ContainerError> {
        let mut fields = Fields::of_sequence(pkcs8, "PrivateKeyInfo")?;
        if fields.small_integer()? > 1 {
            return Err(fields.error());
        }
        let algorithm = Algorithm::read(&mut fields)?;
        let private_key = fields.take(OCTET_STRING)?;
        let attributes = fields.optional(CONTEXT_0)?;
        if matches!(fields.peek(), Some(CONTEXT_1 | CONTEXT_1_PRIMITIVE)) {
            fields.next()?;
        }
        fields.finish()?;
        Ok(Self { algorithm, private_key, attributes })
    }
}

/// What came of an encrypted key.
pub(super) enum Opening {
    Opened(Zeroizing<Vec<u8>>),
    /// The content opened, the authentication code beside it does not match.
    Damaged,
    /// The password opens nothing.
    Refused,
}

/// `EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm, encryptedData OCTET STRING }` (RFC 5958, 3), and Key-6.dat, which has the
/// same form under an algorithm of its own.
pub(super) struct EncryptedPrivateKeyInfo<'a> {
    pub(super) algorithm: Algorithm<'a>,
    pub(super) data: &'a [u8],
}

impl<'a> EncryptedPrivateKeyInfo<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, ContainerError> {
        let mut fields = Fields::of_sequence(der, "EncryptedPrivateKeyInfo")?;
        let algorithm = Algorithm::read(&mut fields)?;
        let data = fields.take(OCTET_STRING)?;
        fields.finish()?;
        Ok(Self { algorithm, data })
    }

    pub(super) fn is_key6(&self) -> bool {
        self.algorithm.oid.to_string() == key6::ALGORITHM
    }

    pub(super) fn open(&self, password: &Password, budget: &mut Budget) -> Result<Opening, ContainerError> {
        if self.is_key6() {
            return key6::Key6::read(self)?.open(password, budget);
        }
        let accept = |pkcs8: Zeroizing<Vec<u8>>| PrivateKeyInfo::read(&pkcs8).is_ok().then_some(pkcs8);
        let opened = Scheme::read(&self.algorithm)?.open(password, self.data, budget, accept)?;
        Ok(opened.map_or(Opening::Refused, Opening::Opened))
    }
}

/// PKCS#8 of a DSTU 4145 key, `d` little-endian.
pub(super) fn dstu4145_pkcs8(parameters: &Parameters, d: &[u8]) -> Zeroizing<Vec<u8>> {
    let oid = object_identifier(parameters.algorithm_oid());
    let algorithm = asn1::element(ber::SEQUENCE, &[&oid, &parameters.to_der()]);
    let private_key = Zeroizing::new(asn1::element(OCTET_STRING, &[d]));
    Zeroizing::new(asn1::element(ber::SEQUENCE, &[&asn1::unsigned_integer(&[0]), &algorithm, &private_key]))
}

/// An OBJECT IDENTIFIER; empty for text that is none, which no caller writes.
pub(super) fn object_identifier(dotted: &str) -> Vec<u8> {
    ObjectIdentifier::new(dotted)
        .map(|oid| asn1::element(ber::OBJECT_IDENTIFIER, &[oid.as_bytes()]))
        .unwrap_or_default()
}
