//! Certificates and revocation data that a signature carries: in SignedData.crls (RFC 5652 10.2.1, RFC 5940) and in the
//! unsigned attributes certificate-values and revocation-values (EN 319 122-1, A.1.1.2 and A.1.2.2).

use std::borrow::Cow;

use crate::asn1::{Element, Layers, Limits, Reader, normalise, oid, tag};

use super::{MOST_CERTIFICATES, MOST_REVOCATION, SignerInfo};

/// One list or answer, unverified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbeddedRevocation<'a> {
    /// CertificateList.
    Crl(Cow<'a, [u8]>),
    /// OCSPResponse.
    Ocsp(Cow<'a, [u8]>),
    /// BasicOCSPResponse, as CAdES embeds it.
    OcspBasic(Cow<'a, [u8]>),
}

impl<'a> EmbeddedRevocation<'a> {
    /// Reads one RevocationInfoChoice; `None` for a format that is not known.
    #[must_use]
    pub fn read(choice: &'a [u8]) -> Option<Self> {
        Self::of_set_member(&Element::only(choice).ok()?)
    }

    pub(super) fn of_set_member(member: &Element<'a>) -> Option<Self> {
        if member.tag == tag::SEQUENCE {
            return Some(Self::Crl(Cow::Borrowed(member.raw)));
        }
        let mut other = member.open(tag::context_constructed(1)).ok()?;
        let format = other.oid().ok()?;
        let info = other.any().ok()?;
        match format {
            oid::OCSP_RESPONSE => Some(Self::Ocsp(Cow::Borrowed(info.raw))),
            oid::OCSP_BASIC => Some(Self::OcspBasic(Cow::Borrowed(info.raw))),
            _ => None,
        }
    }
}

/// Values of an unsigned attribute, brought to DER, with the places of attribute and value; those that cannot be are passed over.
fn values<'s, 'a: 's>(
    signer: &'s SignerInfo<'a>,
    oid: &'s [u8],
    layers: Layers,
) -> impl Iterator<Item = ((usize, usize), Cow<'a, [u8]>)> + 's {
    let attributes = signer.unsigned_attributes.iter().enumerate().filter(move |(_, attribute)| attribute.oid == oid);
    let values = attributes.flat_map(|(place, attribute)| {
        attribute.values.iter().enumerate().map(move |(number, value)| ((place, number), *value))
    });
    values.filter_map(move |(place, value)| {
        normalise(value, layers, &Limits::default()).ok().map(|(der, _)| (place, der))
    })
}

/// Certificates of certificate-values: CertificateValues ::= SEQUENCE OF Certificate.
#[must_use]
pub fn certificate_values(signer: &SignerInfo<'_>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (_, value) in values(signer, oid::CERTIFICATE_VALUES, Layers::CERTIFICATE_VALUES) {
        let Ok(mut reader) = Element::only(&value).and_then(|element| element.open(tag::SEQUENCE)) else { continue };
        while let (true, Ok(certificate)) = (found.len() < MOST_CERTIFICATES, reader.element(tag::SEQUENCE)) {
            found.push(certificate.raw.to_vec());
        }
    }
    found
}

/// Lists and answers of revocation-values:
/// `SEQUENCE { [0] SEQUENCE OF CertificateList, [1] SEQUENCE OF BasicOCSPResponse, [2] OtherRevVals }`, all optional. Each with
/// the places of the attribute and of the value that hold it.
#[must_use]
pub fn revocation_values(signer: &SignerInfo<'_>) -> Vec<((usize, usize), EmbeddedRevocation<'static>)> {
    let mut found = Vec::new();
    for (place, value) in values(signer, oid::REVOCATION_VALUES, Layers::REVOCATION_VALUES) {
        let Ok(mut reader) = Element::only(&value).and_then(|element| element.open(tag::SEQUENCE)) else { continue };
        while let Ok(part) = reader.any() {
            let Ok(mut list) = Element::only(part.content).and_then(|element| element.open(tag::SEQUENCE)) else {
                continue;
            };
            collect(&mut list, part.tag, place, &mut found);
        }
    }
    found
}

fn collect(
    list: &mut Reader<'_>,
    part: u8,
    place: (usize, usize),
    found: &mut Vec<((usize, usize), EmbeddedRevocation<'static>)>,
) {
    while let (true, Ok(one)) = (found.len() < MOST_REVOCATION, list.element(tag::SEQUENCE)) {
        if part == tag::context_constructed(0) {
            found.push((place, EmbeddedRevocation::Crl(Cow::Owned(one.raw.to_vec()))));
        } else if part == tag::context_constructed(1) {
            found.push((place, EmbeddedRevocation::OcspBasic(Cow::Owned(one.raw.to_vec()))));
        }
    }
}
