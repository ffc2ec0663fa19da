//! Key-6.dat of IIT, and the attributes in which IIT keeps a second key.
//!
//! ```text
//! Key6 ::= SEQUENCE { SEQUENCE { algorithm OBJECT IDENTIFIER (1.3.6.1.4.1.19398.1.1.1.2),
//!                                SEQUENCE { mac OCTET STRING (SIZE (4)), pad OCTET STRING (SIZE (0..7)) OPTIONAL } },
//!                     body OCTET STRING }
//! ```
//! The key is GOST 34.311 applied 10 000 times, first to the password; body and pad together are whole blocks of GOST 28147 in simple
//! substitution; the first octets, as many as the body has, are a PrivateKeyInfo; mac is its GOST 28147 code under the same key. The DKE
//! is No 1 throughout. There is no published specification: jkurwa and UAPKI agree on all of it.
//!
//! The agreement key of the same person stands in attributes of the PrivateKeyInfo, in Key-6.dat and in whatever other container IIT writes:
//! `….19398.1.1.2.2` has the parameters `SEQUENCE { curve, dke OCTET STRING, dke OCTET STRING OPTIONAL }`, explicit ones big-endian with the
//! exponents of a pentanomial falling; `….19398.1.1.2.3` is a BIT STRING whose first bit is the lowest bit of d.

use zeroize::Zeroizing;

use super::ContainerError;
use super::ber::{BIT_STRING, CONTEXT_0, Element, Fields, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET};
use super::derive::{self, Budget};
use super::key::{ContainedKey, EncryptedPrivateKeyInfo, Opening, PrivateKeyInfo, dstu4145_pkcs8, object_identifier};
use super::password::Password;
use super::scheme::read_oid;
use crate::dstu4145::{ByteOrder, Curve, CurveForm, Parameters};
use crate::gost28147::{Dke, Gost28147};
use crate::gost34311;

/// A Key-6.dat, read as far as its form goes.
pub(super) struct Key6<'a> {
    mac: &'a [u8],
    pad: &'a [u8],
    body: &'a [u8],
}

impl<'a> Key6<'a> {
    pub(super) fn read(info: &EncryptedPrivateKeyInfo<'a>) -> Result<Self, ContainerError> {
        let Some(Element { tag: SEQUENCE, content, .. }) = info.algorithm.parameters else {
            return Err(ContainerError::malformed(KEY6));
        };
        let mut parameters = Fields::new(content, KEY6);
        let mac = parameters.take(OCTET_STRING)?;
        let pad = parameters.optional(OCTET_STRING)?.unwrap_or_default();
        parameters.finish()?;
        let is_whole = (info.data.len() + pad.len()).is_multiple_of(BLOCK_BYTES);
        if mac.len() == MAC_BYTES && pad.len() < BLOCK_BYTES && is_whole && !info.data.is_empty() {
            Ok(Self { mac, pad, body: info.data })
        } else {
            Err(parameters.error())
        }
    }

    pub(super) fn open(&self, password: &Password, budget: &mut Budget) -> Result<Opening, ContainerError> {
        let mut answer = Opening::Refused;
        for form in password.octets() {
            budget.spend(ITERATIONS, gost34311::OUTPUT_BYTES, gost34311::OUTPUT_BYTES)?;
            match self.open_under(&cipher(&form)?)? {
                Opening::Opened(pkcs8) => return Ok(Opening::Opened(pkcs8)),
                Opening::Damaged => answer = Opening::Damaged,
                Opening::Refused => {}
            }
        }
        Ok(answer)
    }

    /// Structure and code are two checks: where only the code fails, the password was right.
    pub(super) fn open_under(&self, cipher: &Gost28147) -> Result<Opening, ContainerError> {
        let mut plaintext = Zeroizing::new([self.body, self.pad].concat());
        cipher.decrypt_ecb(&mut plaintext).map_err(|_| ContainerError::malformed(KEY6))?;
        plaintext.truncate(self.body.len());
        let mut mac = cipher.mac();
        mac.update(&plaintext);
        let matches = derive::equal(&mac.finish(), self.mac);
        match (PrivateKeyInfo::read(&plaintext), matches) {
            (Ok(_), true) => Ok(Opening::Opened(plaintext)),
            (Ok(_), false) => Ok(Opening::Damaged),
            // Under a wrong password once in four thousand million times.
            (Err(error), true) => Err(error),
            (Err(_), false) => Ok(Opening::Refused),
        }
    }
}

/// GOST 28147 under the key that Key-6.dat makes of a password.
pub(super) fn cipher(password: &[u8]) -> Result<Gost28147, ContainerError> {
    let mut key = Zeroizing::new(gost34311::gost34311(password));
    for _ in 1..ITERATIONS {
        *key = gost34311::gost34311(&*key);
    }
    Gost28147::new(&*key, Dke::NUMBER_1).map_err(|_| ContainerError::malformed(KEY6))
}

/// The key in IIT's attributes of `key`, named as `key` is; `None` where there is none.
pub(super) fn agreement_key(key: &ContainedKey) -> Result<Option<ContainedKey>, ContainerError> {
    let Some(attributes) = PrivateKeyInfo::read(key.pkcs8_der())?.attributes else { return Ok(None) };
    let mut fields = Fields::new(attributes, ATTRIBUTES);
    let (mut parameters, mut bits) = (None, None);
    while !fields.is_empty() {
        let mut attribute = fields.sequence(ATTRIBUTES)?;
        let oid = read_oid(&mut attribute)?.to_string();
        let mut values = Fields::new(attribute.take(SET)?, ATTRIBUTES);
        attribute.finish()?;
        match oid.as_str() {
            AGREEMENT_PARAMETERS => parameters = Some(values.take(SEQUENCE)?),
            AGREEMENT_KEY => bits = Some(values.take(BIT_STRING)?),
            _ => {}
        }
    }
    match (parameters, bits.map(from_bits).transpose()?) {
        (Some(parameters), Some(d)) if !d.is_empty() => {
            let parameters = agreement_parameters(parameters)?;
            // High bits that are zero may be left out of a BIT STRING, or be there in plenty; an OCTET STRING has the length of the order.
            let significant = d.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
            let mut whole = Zeroizing::new(vec![0; parameters.curve.scalar_len().max(significant)]);
            whole[..significant].copy_from_slice(&d[..significant]);
            let pkcs8 = dstu4145_pkcs8(&parameters, &whole);
            Ok(Some(ContainedKey::new(pkcs8)?.with_friendly_name(key.friendly_name().map(str::to_owned))))
        }
        _ => Ok(None),
    }
}

/// Little-endian octets of a BIT STRING whose first bit is the lowest.
fn from_bits(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, ContainerError> {
    let error = ContainerError::malformed(ATTRIBUTES);
    let (unused, octets) = content.split_first().ok_or(error.clone())?;
    match (octets.last(), *unused) {
        (None, 0) => {}
        (Some(last), unused @ 0..8) if last.trailing_zeros() >= u32::from(unused) => {}
        _ => return Err(error),
    }
    Ok(Zeroizing::new(octets.iter().map(|octet| octet.reverse_bits()).collect()))
}

/// The second DKE, where there is one, is that of the key encryption.
fn agreement_parameters(content: &[u8]) -> Result<Parameters, ContainerError> {
    let mut fields = Fields::new(content, AGREEMENT);
    let given = fields.next()?;
    let first = fields.optional(OCTET_STRING)?;
    let second = fields.optional(OCTET_STRING)?;
    fields.finish()?;
    let substitution = match second.or(first) {
        Some(packed) => Some(packed.try_into().map_err(|_| fields.error())?),
        None => None,
    };
    let (form, curve) = match given.tag {
        OBJECT_IDENTIFIER => {
            let named = Curve::ALL.into_iter().find(|curve| object_identifier(curve.oid()) == given.whole);
            (CurveForm::Named, named)
        }
        SEQUENCE => (CurveForm::Explicit, recommended_curve(given.content)?),
        _ => return Err(fields.error()),
    };
    let curve = curve.ok_or_else(|| ContainerError::unknown("a curve that DSTU 4145 does not recommend"))?;
    Ok(Parameters { curve, byte_order: ByteOrder::Little, form, substitution })
}

/// The recommended curve whose numbers these are, in either order of bytes.
fn recommended_curve(content: &[u8]) -> Result<Option<Curve>, ContainerError> {
    let given = BinaryCurve::read(content)?;
    for curve in Curve::ALL {
        for byte_order in [ByteOrder::Big, ByteOrder::Little] {
            let standard = Parameters { curve, byte_order, form: CurveForm::Explicit, substitution: None }.to_der();
            let mut fields = Fields::of_sequence(&standard, AGREEMENT)?;
            if BinaryCurve::read(fields.take(SEQUENCE)?)? == given {
                return Ok(Some(curve));
            }
        }
    }
    Ok(None)
}

/// `ECBinary` of DSTU 4145, as far as it tells curves apart.
#[derive(PartialEq, Eq)]
struct BinaryCurve<'a> {
    degree: u32,
    /// Rising, whatever the order in which they came.
    exponents: Vec<u32>,
    a: u32,
    b: &'a [u8],
    order: &'a [u8],
    base_point: &'a [u8],
}

impl<'a> BinaryCurve<'a> {
    fn read(content: &'a [u8]) -> Result<Self, ContainerError> {
        let mut fields = Fields::new(content, AGREEMENT);
        fields.optional(CONTEXT_0)?;
        let mut field = fields.sequence(AGREEMENT)?;
        let degree = field.small_integer()?;
        let mut exponents = Vec::new();
        if field.peek() == Some(INTEGER) {
            exponents.push(field.small_integer()?);
        } else {
            let mut pentanomial = field.sequence(AGREEMENT)?;
            for _ in 0..3 {
                exponents.push(pentanomial.small_integer()?);
            }
            pentanomial.finish()?;
        }
        field.finish()?;
        exponents.sort_unstable();
        let a = fields.small_integer()?;
        let b = fields.take(OCTET_STRING)?;
        let order = fields.take(INTEGER)?;
        let base_point = fields.take(OCTET_STRING)?;
        fields.finish()?;
        Ok(Self { degree, exponents, a, b, order, base_point })
    }
}

const KEY6: &str = "Key-6.dat";
const ATTRIBUTES: &str = "attributes of the private key";
const AGREEMENT: &str = "parameters of the agreement key";
/// The algorithm that Key-6.dat names.
pub(super) const ALGORITHM: &str = "1.3.6.1.4.1.19398.1.1.1.2";
pub(super) const AGREEMENT_PARAMETERS: &str = "1.3.6.1.4.1.19398.1.1.2.2";
pub(super) const AGREEMENT_KEY: &str = "1.3.6.1.4.1.19398.1.1.2.3";
/// Part of the format, not of the file.
const ITERATIONS: u32 = 10_000;
const BLOCK_BYTES: usize = 8;
const MAC_BYTES: usize = 4;
