//! The hash index of an archive time-stamp: which certificates, lists, answers and attributes it stands over.
//!
//! `ATSHashIndexV3 ::= SEQUENCE { hashIndAlgorithm, certificatesHashIndex SEQUENCE OF OCTET STRING, crlsHashIndex,
//! unsignedAttrValuesHashIndex }` (EN 319 122-1, 5.5.2). Version 1 (TS 101 733, 6.4.2) may leave the algorithm out, which
//! then is SHA-256, and hashes whole attributes; version 2 (A.2.5) hashes as version 1 does and always names the algorithm.

use std::collections::HashSet;

use crypto::digest::{Companion, Digest, DigestAlgorithm};

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

    /// What the index names in a file. `known` keeps the hashes for the next index over the same file, `beside` is hashed beside them.
    ///
    /// # Errors
    /// [`Cause::HashIndex`] if it names something that is not there.
    pub(super) fn objects(
        &self,
        file: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        known: &mut KnownHashes,
        beside: &mut Companion<'_>,
    ) -> Result<Vec<Object>, Cause> {
        let hashes = known.of(self.algorithm, self.by_value, file, signer, beside);
        let mut objects = vec![Object::Signature];
        let mut named = |index: &HashSet<&[u8]>, there: &[(Object, Digest)]| {
            let found: HashSet<&[u8]> = there
                .iter()
                .filter(|(_, hash)| index.contains(hash.as_bytes()))
                .inspect(|(object, _)| objects.push(*object))
                .map(|(_, hash)| hash.as_bytes())
                .collect();
            found.len() == index.len()
        };
        let complete = named(&self.certificates, &hashes.certificates)
            & named(&self.revocation, &hashes.revocation)
            & named(&self.unsigned, &hashes.unsigned);
        if complete { Ok(objects) } else { Err(Cause::HashIndex) }
    }
}

/// The hashes of what a file holds for one signature, each made once for all its archive time-stamps.
#[derive(Default)]
pub(super) struct KnownHashes {
    made: Vec<Hashes>,
}

struct Hashes {
    algorithm: DigestAlgorithm,
    by_value: bool,
    certificates: Vec<(Object, Digest)>,
    revocation: Vec<(Object, Digest)>,
    unsigned: Vec<(Object, Digest)>,
}

impl KnownHashes {
    fn of(
        &mut self,
        algorithm: DigestAlgorithm,
        by_value: bool,
        file: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        beside: &mut Companion<'_>,
    ) -> &Hashes {
        let same = |made: &Hashes| made.algorithm == algorithm && made.by_value == by_value;
        let place = self.made.iter().position(same).unwrap_or_else(|| {
            self.made.push(Hashes::make(algorithm, by_value, file, signer, beside));
            self.made.len() - 1
        });
        &self.made[place]
    }
}

impl Hashes {
    fn make(
        algorithm: DigestAlgorithm,
        by_value: bool,
        file: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        beside: &mut Companion<'_>,
    ) -> Self {
        let parts = &file.parts;
        let mut hash = |der: &[u8]| beside.digest(algorithm, &[der]);
        let certificates = parts.certificates.iter().map(|der| (Object::Certificates, hash(der))).collect();
        let revocation = parts.revocation.iter().enumerate();
        let revocation = revocation.map(|(place, der)| (Object::Revocation(place), hash(der))).collect();
        let unsigned = attribute_hashes(algorithm, by_value, signer, beside);
        Self { algorithm, by_value, certificates, revocation, unsigned }
    }
}

/// Version 3 hashes type and value of each value (EN 319 122-1, 5.5.2); the older ones each attribute as encoded.
fn attribute_hashes(
    algorithm: DigestAlgorithm,
    by_value: bool,
    signer: &SignerInfo<'_>,
    beside: &mut Companion<'_>,
) -> Vec<(Object, Digest)> {
    let mut hashes = Vec::new();
    for (place, (attribute, raw)) in signer.unsigned_attributes.iter().zip(&signer.unsigned_raw).enumerate() {
        let kind = Writer::new().oid(attribute.oid).into_bytes();
        let whole = (!by_value).then(|| beside.digest(algorithm, &[raw]));
        for (number, value) in attribute.values.iter().enumerate() {
            let hash = whole.unwrap_or_else(|| beside.digest(algorithm, &[&kind, value]));
            hashes.push((Object::UnsignedValue(place, number), hash));
        }
    }
    hashes
}

fn hashes(reader: Reader<'_>) -> Result<HashSet<&[u8]>, Asn1Error> {
    reader.clone().all(MOST_HASHES)?.iter().map(|hash| hash.expect(tag::OCTET_STRING)).collect()
}
