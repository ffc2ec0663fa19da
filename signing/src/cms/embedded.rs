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
    /// RevocationInfoChoice. Unknown formats are passed over.
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

/// Values of an unsigned attribute, brought to DER; those that cannot be are passed over.
fn values<'s, 'a: 's>(
    signer: &'s SignerInfo<'a>,
    oid: &'s [u8],
    layers: Layers,
) -> impl Iterator<Item = Cow<'a, [u8]>> + 's {
    signer
        .unsigned(oid)
        .flat_map(|attribute| attribute.values.iter().copied())
        .filter_map(move |value| normalise(value, layers, &Limits::default()).ok().map(|(der, _)| der))
}

/// Certificates of certificate-values: CertificateValues ::= SEQUENCE OF Certificate.
#[must_use]
pub fn certificate_values(signer: &SignerInfo<'_>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for value in values(signer, oid::CERTIFICATE_VALUES, Layers::CERTIFICATE_VALUES) {
        let Ok(mut reader) = Element::only(&value).and_then(|element| element.open(tag::SEQUENCE)) else { continue };
        while let (true, Ok(certificate)) = (found.len() < MOST_CERTIFICATES, reader.element(tag::SEQUENCE)) {
            found.push(certificate.raw.to_vec());
        }
    }
    found
}

/// Lists and answers of revocation-values:
/// `SEQUENCE { [0] SEQUENCE OF CertificateList, [1] SEQUENCE OF BasicOCSPResponse, [2] OtherRevVals }`, all optional.
#[must_use]
pub fn revocation_values(signer: &SignerInfo<'_>) -> Vec<EmbeddedRevocation<'static>> {
    let mut found = Vec::new();
    for value in values(signer, oid::REVOCATION_VALUES, Layers::REVOCATION_VALUES) {
        let Ok(mut reader) = Element::only(&value).and_then(|element| element.open(tag::SEQUENCE)) else { continue };
        while let Ok(part) = reader.any() {
            let Ok(mut list) = Element::only(part.content).and_then(|element| element.open(tag::SEQUENCE)) else {
                continue;
            };
            collect(&mut list, part.tag, &mut found);
        }
    }
    found
}

fn collect(list: &mut Reader<'_>, part: u8, found: &mut Vec<EmbeddedRevocation<'static>>) {
    while let (true, Ok(one)) = (found.len() < MOST_REVOCATION, list.element(tag::SEQUENCE)) {
        if part == tag::context_constructed(0) {
            found.push(EmbeddedRevocation::Crl(Cow::Owned(one.raw.to_vec())));
        } else if part == tag::context_constructed(1) {
            found.push(EmbeddedRevocation::OcspBasic(Cow::Owned(one.raw.to_vec())));
        }
    }
}
