//! PKCS#12 (RFC 7292, 4): PFX, AuthenticatedSafe, SafeContents and their bags.

mod mac;

use zeroize::Zeroizing;

use super::ber::{self, BMP_STRING, CONTEXT_0, CONTEXT_0_PRIMITIVE, Fields, OCTET_STRING, SEQUENCE, SET};
use super::derive::Budget;
use super::key::{ContainedKey, EncryptedPrivateKeyInfo, Opening};
use super::password::Password;
use super::scheme::{Algorithm, Scheme, read_oid};
use super::{ContainedCertificate, ContainerError, Findings, MAX_ENTRIES};

/// Reads a whole PFX: `SEQUENCE { version 3, authSafe ContentInfo, macData MacData OPTIONAL }`. Password integrity only.
pub(super) fn read(pfx: &[u8], password: &Password, key_password: &Password) -> Result<Findings, ContainerError> {
    let pfx = ber::to_der(pfx, "PFX")?;
    let mut fields = Fields::of_sequence(&pfx, "PFX")?;
    let version = fields.small_integer()?;
    if version != 3 {
        return Err(ContainerError::unknown(format_args!("PFX of version {version}")));
    }
    let safe = content(&mut fields)?;
    let mac_data = fields.optional(SEQUENCE)?;
    fields.finish()?;
    if safe.kind != DATA {
        return Err(ContainerError::unknown(safe.kind));
    }
    let octets = safe.octets()?;
    let mut reader = Reader { password, key_password, budget: Budget::new(), findings: Findings::default(), bags: 0 };
    if let Some(mac_data) = mac_data {
        let matches = mac::matches(mac_data, octets, password, &mut reader.budget)?;
        reader.findings.mac_matches = Some(matches);
    }
    match reader.authenticated_safe(octets) {
        Ok(()) => Ok(reader.findings),
        // What the structure says of itself stands whatever the password is; what it asks for is only worth telling its holder.
        Err(error @ (ContainerError::Malformed { .. } | ContainerError::TooComplex)) => Err(error),
        Err(_) if reader.findings.mac_matches == Some(false) => Ok(reader.findings),
        Err(error) => Err(error),
    }
}

struct Reader<'p> {
    password: &'p Password,
    key_password: &'p Password,
    budget: Budget,
    findings: Findings,
    bags: usize,
}

impl Reader<'_> {
    /// `AuthenticatedSafe ::= SEQUENCE OF ContentInfo`, each in clear or encrypted under the password (RFC 7292, 4.1).
    fn authenticated_safe(&mut self, octets: &[u8]) -> Result<(), ContainerError> {
        let der = ber::to_der(octets, "AuthenticatedSafe")?;
        let mut safes = Fields::of_sequence(&der, "AuthenticatedSafe")?;
        while !safes.is_empty() {
            let safe = content(&mut safes)?;
            match safe.kind.as_str() {
                DATA => self.safe_contents(safe.octets()?, 0)?,
                ENCRYPTED_DATA => self.encrypted_data(safe.content)?,
                _ => return Err(ContainerError::unknown(safe.kind)),
            }
        }
        Ok(())
    }

    /// `EncryptedData ::= SEQUENCE { version, SEQUENCE { contentType, AlgorithmIdentifier, [0] IMPLICIT OCTET STRING } .. }` (RFC 5652, 8).
    fn encrypted_data(&mut self, content: &[u8]) -> Result<(), ContainerError> {
        let part = "EncryptedData";
        let mut fields = Fields::of_sequence(content, part)?;
        fields.small_integer()?;
        let mut info = fields.sequence(part)?;
        let kind = read_oid(&mut info)?.to_string();
        if kind != DATA {
            return Err(ContainerError::unknown(kind));
        }
        let scheme = Scheme::read(&Algorithm::read(&mut info)?)?;
        let encrypted = info.next()?;
        info.finish()?;
        let ciphertext = match encrypted.tag {
            CONTEXT_0_PRIMITIVE => encrypted.content.to_vec(),
            CONTEXT_0 => joined(encrypted.content, part)?,
            _ => return Err(info.error()),
        };
        let accept = |plaintext: Zeroizing<Vec<u8>>| is_safe_contents(&plaintext).then_some(plaintext);
        match scheme.open(self.password, &ciphertext, &mut self.budget, accept)? {
            Some(plaintext) => {
                self.findings.opened += 1;
                self.safe_contents(&plaintext, 0)
            }
            None => {
                self.findings.refused += 1;
                Ok(())
            }
        }
    }

    /// `SafeContents ::= SEQUENCE OF SafeBag` (RFC 7292, 4.2).
    fn safe_contents(&mut self, octets: &[u8], depth: usize) -> Result<(), ContainerError> {
        if depth > MAX_NESTING {
            return Err(ContainerError::TooComplex);
        }
        let der = ber::to_der(octets, SAFE_CONTENTS)?;
        let mut bags = Fields::of_sequence(&der, SAFE_CONTENTS)?;
        while !bags.is_empty() {
            self.bags += 1;
            if self.bags > MAX_ENTRIES {
                return Err(ContainerError::TooComplex);
            }
            let mut bag = bags.sequence("SafeBag")?;
            let kind = read_oid(&mut bag)?.to_string();
            let value = bag.take(CONTEXT_0)?;
            let attributes = bag.optional(SET)?;
            bag.finish()?;
            let names = Names::read(attributes.unwrap_or_default())?;
            match kind.as_str() {
                KEY_BAG => self.key(Zeroizing::new(value.to_vec()), names)?,
                SHROUDED_KEY_BAG => self.shrouded_key(value, names)?,
                CERTIFICATE_BAG => self.certificate(value, names)?,
                SAFE_CONTENTS_BAG => self.safe_contents(value, depth + 1)?,
                _ => self.findings.passed_over.push(kind),
            }
        }
        Ok(())
    }

    fn key(&mut self, pkcs8: Zeroizing<Vec<u8>>, names: Names) -> Result<(), ContainerError> {
        let key = ContainedKey::new(pkcs8)?.with_friendly_name(names.friendly).with_local_key_id(names.local_key_id);
        self.findings.keys.push(key);
        Ok(())
    }

    fn shrouded_key(&mut self, value: &[u8], names: Names) -> Result<(), ContainerError> {
        let info = EncryptedPrivateKeyInfo::read(value)?;
        let opening = match info.open(self.password, &mut self.budget)? {
            Opening::Refused if self.key_password.utf8() != self.password.utf8() => {
                info.open(self.key_password, &mut self.budget)?
            }
            Opening::Refused => Opening::Refused,
            opened => {
                self.findings.opened += 1;
                opened
            }
        };
        match opening {
            Opening::Opened(pkcs8) => self.key(pkcs8, names)?,
            Opening::Damaged => self.findings.damaged = true,
            Opening::Refused => self.findings.refused += 1,
        }
        Ok(())
    }

    /// `CertBag ::= SEQUENCE { certId, [0] EXPLICIT certValue }` (RFC 7292, 4.2.3); an SDSI certificate is passed over.
    fn certificate(&mut self, value: &[u8], names: Names) -> Result<(), ContainerError> {
        let mut fields = Fields::of_sequence(value, "CertBag")?;
        let kind = read_oid(&mut fields)?.to_string();
        let mut inner = Fields::new(fields.take(CONTEXT_0)?, "CertBag");
        fields.finish()?;
        if kind != X509_CERTIFICATE {
            self.findings.passed_over.push(kind);
            return Ok(());
        }
        let der = inner.take(OCTET_STRING)?.to_vec();
        inner.finish()?;
        let Names { friendly: friendly_name, local_key_id } = names;
        self.findings.certificates.push(ContainedCertificate { der, friendly_name, local_key_id });
        Ok(())
    }
}

/// A ContentInfo: `SEQUENCE { contentType, [0] EXPLICIT content }` (RFC 5652, 3).
struct Content<'a> {
    kind: String,
    content: &'a [u8],
}

impl<'a> Content<'a> {
    /// The OCTET STRING that content of type data is.
    fn octets(&self) -> Result<&'a [u8], ContainerError> {
        let mut inner = Fields::new(self.content, CONTENT_INFO);
        let octets = inner.take(OCTET_STRING)?;
        inner.finish()?;
        Ok(octets)
    }
}

fn content<'a>(fields: &mut Fields<'a>) -> Result<Content<'a>, ContainerError> {
    let mut info = fields.sequence(CONTENT_INFO)?;
    let kind = read_oid(&mut info)?.to_string();
    let content = info.take(CONTEXT_0)?;
    info.finish()?;
    Ok(Content { kind, content })
}

/// The attributes of a bag that are read: friendlyName and localKeyId (RFC 2985, 5.5).
#[derive(Default)]
struct Names {
    friendly: Option<String>,
    local_key_id: Option<Vec<u8>>,
}

impl Names {
    fn read(attributes: &[u8]) -> Result<Self, ContainerError> {
        let part = "attributes of a bag";
        let mut names = Self::default();
        let mut fields = Fields::new(attributes, part);
        while !fields.is_empty() {
            let mut attribute = fields.sequence(part)?;
            let kind = read_oid(&mut attribute)?.to_string();
            let mut values = Fields::new(attribute.take(SET)?, part);
            attribute.finish()?;
            match kind.as_str() {
                FRIENDLY_NAME if !values.is_empty() => {
                    let units = values.take(BMP_STRING)?.chunks(2).map(|unit| {
                        let [high, low] = unit.try_into().unwrap_or([0xff, 0xfd]);
                        u16::from_be_bytes([high, low])
                    });
                    let text = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
                    names.friendly = Some(text.collect());
                }
                LOCAL_KEY_ID if !values.is_empty() => {
                    names.local_key_id = Some(values.take(OCTET_STRING)?.to_vec());
                }
                _ => {}
            }
        }
        Ok(names)
    }
}

/// True for a plaintext that has the form of SafeContents throughout: chance does not produce one.
fn is_safe_contents(plaintext: &[u8]) -> bool {
    let check = || {
        let der = ber::to_der(plaintext, SAFE_CONTENTS)?;
        let mut bags = Fields::of_sequence(&der, SAFE_CONTENTS)?;
        while !bags.is_empty() {
            let mut bag = bags.sequence(SAFE_CONTENTS)?;
            read_oid(&mut bag)?;
            bag.take(CONTEXT_0)?;
        }
        Ok::<_, ContainerError>(())
    };
    check().is_ok()
}

/// The contents of an octet string in pieces whose tag is implicit.
fn joined(content: &[u8], part: &'static str) -> Result<Vec<u8>, ContainerError> {
    let mut pieces = Fields::new(content, part);
    let mut whole = Vec::with_capacity(content.len());
    while !pieces.is_empty() {
        whole.extend_from_slice(pieces.take(OCTET_STRING)?);
    }
    Ok(whole)
}

const CONTENT_INFO: &str = "ContentInfo";
const SAFE_CONTENTS: &str = "SafeContents";
/// Of bags within bags. Nobody nests at all.
const MAX_NESTING: usize = 8;
pub(super) const DATA: &str = "1.2.840.113549.1.7.1";
pub(super) const ENCRYPTED_DATA: &str = "1.2.840.113549.1.7.6";
pub(super) const KEY_BAG: &str = "1.2.840.113549.1.12.10.1.1";
pub(super) const SHROUDED_KEY_BAG: &str = "1.2.840.113549.1.12.10.1.2";
pub(super) const CERTIFICATE_BAG: &str = "1.2.840.113549.1.12.10.1.3";
pub(super) const SAFE_CONTENTS_BAG: &str = "1.2.840.113549.1.12.10.1.6";
pub(super) const X509_CERTIFICATE: &str = "1.2.840.113549.1.9.22.1";
pub(super) const FRIENDLY_NAME: &str = "1.2.840.113549.1.9.20";
pub(super) const LOCAL_KEY_ID: &str = "1.2.840.113549.1.9.21";
