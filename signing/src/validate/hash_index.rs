//! The hash index of an archive time-stamp: which certificates, lists, answers and attributes it stands over.
//!
//! `ATSHashIndexV3 ::= SEQUENCE { hashIndAlgorithm, certificatesHashIndex SEQUENCE OF OCTET STRING, crlsHashIndex,
//! unsignedAttrValuesHashIndex }` (EN 319 122-1, 5.5.2). Version 1 (TS 101 733, 6.4.2) may leave the algorithm out, which
//! then is SHA-256, and hashes whole attributes; version 2 (A.2.5) hashes as version 1 does and always names the algorithm.

use std::collections::HashSet;

use crypto::digest::{DigestAlgorithm, Digester, digest};

use crate::asn1::{Asn1Error, Element, Reader, Writer, oid, tag};
use crate::cms::{AlgorithmIdentifier, SignedData, SignerInfo};

use super::cause::Cause;
use super::proof::Object;
use super::token::Token;

/// Hashes in one list of an index. Certificates, lists and attribute values of a file are bounded by the same figure.
const MOST_HASHES: usize = 1024;

/// A hash index, read.
pub(super) struct HashIndex<'a> {
    /// As encoded: it is hashed itself.
    pub(super) der: &'a [u8],
    algorithm: DigestAlgorithm,
    certificates: HashSet<&'a [u8]>,
    revocation: HashSet<&'a [u8]>,
    unsigned: HashSet<&'a [u8]>,
    by_value: bool,
}

impl<'a> HashIndex<'a> {
    /// The one index among the unsigned attributes of the token's signer.
    ///
    /// # Errors
    /// [`Cause::HashIndex`] where there is none, more than one, or an unreadable one.
    pub(super) fn of(token: &Token<'a>) -> Result<Self, Cause> {
        let signer = token.signed.signers.first().ok_or(Cause::HashIndex)?;
        let kinds = [oid::HASH_INDEX_V3, oid::HASH_INDEX_V2, oid::HASH_INDEX];
        let mut found = signer.unsigned_attributes.iter().filter(|attribute| kinds.contains(&attribute.oid));
        let (Some(attribute), None) = (found.next(), found.next()) else { return Err(Cause::HashIndex) };
        let [der] = attribute.values.as_slice() else { return Err(Cause::HashIndex) };
        Self::read(der, attribute.oid == oid::HASH_INDEX_V3)
            .map_err(|_| Cause::HashIndex)?
            .ok_or(Cause::AlgorithmUnknown)
    }

    fn read(der: &'a [u8], by_value: bool) -> Result<Option<Self>, Asn1Error> {
        let mut reader = Element::only(der)?.open(tag::SEQUENCE)?;
        let first = reader.element(tag::SEQUENCE)?;
        // An algorithm begins with its identifier, a list of hashes with a hash or with nothing.
        let is_algorithm = Reader::new(first.content).peek() == Some(tag::OBJECT_IDENTIFIER);
        let (algorithm, certificates) = if is_algorithm {
            let named = AlgorithmIdentifier::read(Reader::new(first.content))?.dotted();
            (DigestAlgorithm::from_oid(&named), hashes(reader.open(tag::SEQUENCE)?)?)
        } else {
            (Some(DigestAlgorithm::Sha256), hashes(Reader::new(first.content))?)
        };
        let revocation = hashes(reader.open(tag::SEQUENCE)?)?;
        let unsigned = hashes(reader.open(tag::SEQUENCE)?)?;
        reader.end()?;
        Ok(algorithm.map(|algorithm| Self { der, algorithm, certificates, revocation, unsigned, by_value }))
    }

    /// What the index names in a file.
    ///
    /// # Errors
    /// [`Cause::HashIndex`] if it names something that is not there.
    pub(super) fn objects(&self, file: &SignedData<'_>, signer: &SignerInfo<'_>) -> Result<Vec<Object>, Cause> {
        let mut objects = vec![Object::Signature];
        let certificates = file.parts.certificates.iter().map(|der| digest(self.algorithm, der));
        let certificates = certificates.filter(|hash| self.certificates.contains(hash.as_bytes()));
        let known: HashSet<Vec<u8>> = certificates.map(|hash| hash.as_bytes().to_vec()).collect();
        let mut lists = HashSet::new();
        for (place, der) in file.parts.revocation.iter().enumerate() {
            let hash = digest(self.algorithm, der);
            if self.revocation.contains(hash.as_bytes()) {
                lists.insert(hash.as_bytes().to_vec());
                objects.push(Object::Revocation(place));
            }
        }
        let mut attributes = HashSet::new();
        for (object, hash) in self.attribute_hashes(signer) {
            if self.unsigned.contains(hash.as_slice()) {
                attributes.insert(hash);
                objects.push(object);
            }
        }
        let complete = known.len() == self.certificates.len()
            && lists.len() == self.revocation.len()
            && attributes.len() == self.unsigned.len();
        if complete { Ok(objects) } else { Err(Cause::HashIndex) }
    }

    /// Version 3 hashes type and value of each value (EN 319 122-1, 5.5.2); the older ones each attribute as encoded.
    fn attribute_hashes(&self, signer: &SignerInfo<'_>) -> Vec<(Object, Vec<u8>)> {
        let mut hashes = Vec::new();
        for (place, (attribute, raw)) in signer.unsigned_attributes.iter().zip(&signer.unsigned_raw).enumerate() {
            let kind = Writer::new().oid(attribute.oid).into_bytes();
            let whole = (!self.by_value).then(|| digest(self.algorithm, raw).as_bytes().to_vec());
            for (number, value) in attribute.values.iter().enumerate() {
                let hash = whole.clone().unwrap_or_else(|| {
                    let mut hasher = Digester::new(self.algorithm);
                    hasher.update(&kind);
                    hasher.update(value);
                    hasher.finish().as_bytes().to_vec()
                });
                hashes.push((Object::UnsignedValue(place, number), hash));
            }
        }
        hashes
    }
}

fn hashes(reader: Reader<'_>) -> Result<HashSet<&[u8]>, Asn1Error> {
    reader.clone().all(MOST_HASHES)?.iter().map(|hash| hash.expect(tag::OCTET_STRING)).collect()
}
