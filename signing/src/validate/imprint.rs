//! Over what a time-stamp of a CAdES signature stands: the imprint anew, and what it proves to have existed.

use std::borrow::Cow;
use std::cell::RefCell;

use crypto::digest::{Digest, DigestAlgorithm};
use schemas::report::TimestampKind;

use crate::asn1::{Element, Writer, oid, push_header, tag};
use crate::cms::{SignedData, SignerInfo};

use super::cause::Cause;
use super::cryptographic::Content;
use super::hash_index::{HashIndex, KnownHashes};
use super::proof::Object;
use super::token::{Form, Source, Token};

/// A signature that is stamped, and the file in which it stands.
pub(super) struct Stamped<'s, 'a> {
    pub(super) file: &'s SignedData<'a>,
    pub(super) signer: &'s SignerInfo<'a>,
    /// Every token of the signature, by what holds it, with its claimed time.
    pub(super) claimed: &'s [(Object, time::OffsetDateTime)],
    pub(super) hashes: &'s RefCell<KnownHashes>,
}

/// What an imprint is made of, one after another.
type Parts<'p> = Vec<Cow<'p, [u8]>>;

/// The imprint that `token` should have, and what it then proves.
///
/// # Errors
/// A cause where the imprint cannot be made.
pub(super) fn of<'s>(
    source: &Source<'_>,
    token: &Token<'s>,
    stamped: &Stamped<'s, '_>,
    content: &mut Content<'_>,
) -> Result<(Digest, Vec<Object>), Cause> {
    let algorithm = DigestAlgorithm::from_oid(&token.info.imprint_oid).ok_or(Cause::AlgorithmUnknown)?;
    let mut parts = Parts::new();
    let objects = match (source.kind, source.form) {
        (TimestampKind::Content, _) => {
            return Ok((content.found(algorithm)?, Vec::new()));
        }
        (TimestampKind::Signature, _) => {
            parts.push(stamped.signer.signature.into());
            vec![Object::Signature]
        }
        (TimestampKind::SignatureAndReferences, _) => {
            parts.push(stamped.signer.signature.into());
            let mut objects = vec![Object::Signature];
            objects.extend(stamped.attributes(oid::SIGNATURE_TIME_STAMP, &mut parts)?);
            objects.extend(stamped.references(&mut parts)?);
            objects
        }
        (TimestampKind::References, _) => stamped.references(&mut parts)?,
        (TimestampKind::Archive, Form::ArchiveV3) => stamped.archive_v3(token, content, algorithm, &mut parts)?,
        (TimestampKind::Archive, Form::ArchiveV2) => stamped.archive_v2(source, content, &mut parts)?,
        (TimestampKind::Archive | TimestampKind::Container | TimestampKind::EvidenceRecord, _) => {
            return Err(Cause::TimestampSuperseded);
        }
    };
    let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
    Ok((content.companion.digest(algorithm, &parts), objects))
}

impl<'s> Stamped<'s, '_> {
    /// Contents of every attribute of a type: type and values, without the header around them (EN 319 122-1, A.1.5).
    fn attributes(&self, oid: &[u8], parts: &mut Parts<'s>) -> Result<Vec<Object>, Cause> {
        let mut objects = Vec::new();
        for (place, (attribute, raw)) in
            self.signer.unsigned_attributes.iter().zip(&self.signer.unsigned_raw).enumerate()
        {
            if attribute.oid != oid {
                continue;
            }
            parts.push(Element::only(raw).map_err(|_| Cause::Malformed)?.content.into());
            objects.extend((0..attribute.values.len()).map(|number| Object::UnsignedValue(place, number)));
        }
        Ok(objects)
    }

    fn references(&self, parts: &mut Parts<'s>) -> Result<Vec<Object>, Cause> {
        let mut objects = self.attributes(oid::CERTIFICATE_REFERENCES, parts)?;
        objects.extend(self.attributes(oid::REVOCATION_REFERENCES, parts)?);
        Ok(objects)
    }

    /// EN 319 122-1, 5.5.3: the content's type, its digest, the SignerInfo up to the value, and the hash index.
    fn archive_v3(
        &self,
        token: &Token<'s>,
        content: &mut Content<'_>,
        algorithm: DigestAlgorithm,
        parts: &mut Parts<'s>,
    ) -> Result<Vec<Object>, Cause> {
        let index = HashIndex::of(token)?;
        parts.push(Writer::new().oid(self.file.content_type).into_bytes().into());
        parts.push(content.found(algorithm)?.as_bytes().to_vec().into());
        parts.push(self.signer.signed_part.into());
        parts.push(index.der.into());
        index.objects(self.file, self.signer, &mut self.hashes.borrow_mut(), &mut content.companion)
    }

    /// EN 319 122-1, A.2.4: the content as encoded (detached content cannot be hashed again from a digest), certificates,
    /// revocation data, and the SignerInfo with the unsigned attributes that were there before.
    fn archive_v2(
        &self,
        source: &Source<'_>,
        content: &Content<'_>,
        parts: &mut Parts<'s>,
    ) -> Result<Vec<Object>, Cause> {
        if !content.is_attached() {
            return Err(Cause::TimestampSuperseded);
        }
        let file = &self.file.parts;
        let fields = [file.encapsulated, file.certificates_field, file.revocation_field, self.signer.signed_part];
        parts.extend(fields.map(Cow::Borrowed));
        let mut objects = vec![Object::Signature];
        objects.extend((0..file.revocation.len()).map(Object::Revocation));
        let mut earlier = Vec::new();
        let attributes = self.signer.unsigned_attributes.iter().zip(&self.signer.unsigned_raw).enumerate();
        for (place, (attribute, raw)) in attributes {
            let values = (0..attribute.values.len()).map(|number| Object::UnsignedValue(place, number));
            if values.clone().all(|value| self.is_before(value, source.object)) {
                earlier.push(*raw);
                objects.extend(values);
            }
        }
        if !earlier.is_empty() {
            let mut header = Vec::new();
            push_header(&mut header, tag::context_constructed(1), earlier.iter().map(|raw| raw.len()).sum());
            parts.push(header.into());
            parts.extend(earlier.into_iter().map(Cow::Borrowed));
        }
        Ok(objects)
    }

    /// Whether `value` was there before the archive time-stamp that `archive` holds: all but other archive time-stamps
    /// that claim no earlier time.
    fn is_before(&self, value: Object, archive: Object) -> bool {
        let Object::UnsignedValue(place, _) = value else { return true };
        let is_archive = self.signer.unsigned_attributes.get(place).is_some_and(|attribute| {
            [oid::ARCHIVE_TIME_STAMP_V1, oid::ARCHIVE_TIME_STAMP_V2, oid::ARCHIVE_TIME_STAMP_V3]
                .contains(&attribute.oid)
        });
        let claimed = |object| self.claimed.iter().find(|(known, _)| *known == object).map(|(_, time)| *time);
        value != archive && (!is_archive || claimed(value) < claimed(archive))
    }
}
