//! A SignedData taken apart, changed, and put together again: everything that is signed stays byte for byte as it was.

use crate::asn1::{Layers, Limits, Reader, Writer, normalise, oid, tag};
use crate::cms::{SignedData, SignerInfo};

use super::SignError;

/// The parts of a SignedData, each as encoded.
pub(super) struct Assembly {
    version: u8,
    digest_algorithms: Vec<Vec<u8>>,
    encapsulated: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    revocation: Vec<Vec<u8>>,
    pub(super) signers: Vec<Vec<u8>>,
}

impl Assembly {
    /// Of a new file around id-data; `attached` is the content, where it is to be inside.
    pub(super) fn new(attached: Option<&[u8]>) -> Self {
        let content = Writer::new().oid(oid::DATA);
        let content = match attached {
            Some(bytes) => content.nest(tag::context_constructed(0), Writer::new().value(tag::OCTET_STRING, bytes)),
            None => content,
        };
        Self {
            version: 1,
            digest_algorithms: Vec::new(),
            encapsulated: Writer::new().nest(tag::SEQUENCE, content).into_bytes(),
            certificates: Vec::new(),
            revocation: Vec::new(),
            signers: Vec::new(),
        }
    }

    pub(super) fn of(signed: &SignedData<'_>) -> Self {
        let owned = |parts: &[&[u8]]| parts.iter().map(|part| part.to_vec()).collect();
        Self {
            // RFC 5652 knows none above 5.
            version: signed.parts.version.min(5),
            digest_algorithms: owned(&signed.parts.digest_algorithms),
            encapsulated: signed.parts.encapsulated.to_vec(),
            certificates: owned(&signed.parts.certificates),
            revocation: owned(&signed.parts.revocation),
            signers: owned(&signed.signers_raw),
        }
    }

    pub(super) fn add_digest_algorithm(&mut self, identifier: Vec<u8>) {
        add(&mut self.digest_algorithms, identifier);
    }

    pub(super) fn add_certificate(&mut self, der: &[u8]) {
        add(&mut self.certificates, der.to_vec());
    }

    pub(super) fn add_list(&mut self, der: &[u8]) {
        add(&mut self.revocation, der.to_vec());
    }

    /// RFC 5940, 2: an OCSPResponse is another format of revocation data, which needs version 5 (RFC 5652, 5.1).
    pub(super) fn add_ocsp(&mut self, response: &[u8]) {
        let other = Writer::new().oid(oid::OCSP_RESPONSE).raw(response);
        add(&mut self.revocation, Writer::new().nest(tag::context_constructed(1), other).into_bytes());
        self.version = self.version.max(5);
    }

    /// ContentInfo, in DER.
    pub(super) fn into_der(self) -> Vec<u8> {
        let mut data =
            Writer::new().small_integer(self.version).set_of(tag::SET, self.digest_algorithms).raw(&self.encapsulated);
        if !self.certificates.is_empty() {
            data = data.set_of(tag::context_constructed(0), self.certificates);
        }
        if !self.revocation.is_empty() {
            data = data.set_of(tag::context_constructed(1), self.revocation);
        }
        let explicit = Writer::new().nest(tag::SEQUENCE, data.set_of(tag::SET, self.signers));
        let info = Writer::new().oid(oid::SIGNED_DATA).nest(tag::context_constructed(0), explicit);
        Writer::new().nest(tag::SEQUENCE, info).into_bytes()
    }
}

fn add(set: &mut Vec<Vec<u8>>, member: Vec<u8>) {
    if !set.contains(&member) {
        set.push(member);
    }
}

/// A SignerInfo with one more unsigned attribute. A type may stand several times (EN 319 122-1, 5.3), so that what is there
/// already, and may be stamped, stays as it is.
pub(super) fn with_unsigned(signer: &SignerInfo<'_>, oid: &[u8], value: &[u8]) -> Vec<u8> {
    let mut attributes: Vec<Vec<u8>> = signer.unsigned_raw.iter().map(|raw| raw.to_vec()).collect();
    let attribute = Writer::new().oid(oid).nest(tag::SET, Writer::new().raw(value));
    attributes.push(Writer::new().nest(tag::SEQUENCE, attribute).into_bytes());
    let whole = Writer::new().raw(signer.signed_part).set_of(tag::context_constructed(1), attributes);
    Writer::new().nest(tag::SEQUENCE, whole).into_bytes()
}

/// Reads a signature file to be changed, and hands out its parts and one of its signers.
///
/// # Errors
/// `Signature` where it is no SignedData, or has no such signer; `Superseded` where an archive time-stamp of the old forms
/// stands over the file as it is encoded.
pub(super) fn edit<T>(
    cms: &[u8],
    signer: usize,
    action: impl FnOnce(Assembly, &SignedData<'_>, &SignerInfo<'_>) -> Result<T, SignError>,
) -> Result<T, SignError> {
    let (der, _) = normalise(cms, Layers::SIGNED_DATA, &Limits::default()).map_err(|_| SignError::Signature)?;
    let signed = SignedData::read(&der).map_err(|_| SignError::Signature)?;
    let old = [oid::ARCHIVE_TIME_STAMP_V1, oid::ARCHIVE_TIME_STAMP_V2];
    if signed.signers.iter().any(|one| old.iter().any(|oid| one.unsigned(oid).next().is_some())) {
        return Err(SignError::Superseded);
    }
    let chosen = signed.signers.get(signer).ok_or(SignError::Signature)?;
    action(Assembly::of(&signed), &signed, chosen)
}

/// A token as it is put into an attribute: in DER, and a SignedData.
///
/// # Errors
/// `Timestamp` where it is not.
pub(crate) fn token(token: &[u8]) -> Result<Vec<u8>, SignError> {
    let (der, _) = normalise(token, Layers::ALL, &Limits::default()).map_err(|_| SignError::Timestamp)?;
    SignedData::read(&der).map_err(|_| SignError::Timestamp)?;
    Ok(der.into_owned())
}

/// Contents of the one element that `der` is.
pub(super) fn contents(der: &[u8], tag: u8) -> Result<&[u8], SignError> {
    Reader::new(der).expect(tag).map_err(|_| SignError::Encoding)
}
