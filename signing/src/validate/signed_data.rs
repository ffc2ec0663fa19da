//! A SignerInfo of CMS as the process sees it.

use std::cell::RefCell;

use certs::certificate::Certificate;
use certs::trust::TrustSnapshot;
use crypto::digest::{Digest, digest};
use time::OffsetDateTime;

use crate::asn1::{Element, Layers, Limits, normalise, oid};
use crate::cms::{SignedData, SignerInfo};

use super::basic::{self, Core};
use super::cause::{Cause, Findings};
use super::context::revocation_of_signature;
use super::cryptographic::Content;
use super::evidence_record;
use super::format::SignedAttributes;
use super::hash_index::KnownHashes;
use super::imprint::{self, Stamped};
use super::level;
use super::proof::Object;
use super::signature::{JudgeRecord, LevelGround, Signature};
use super::signature_policy;
use super::status::Embedded;
use super::timestamp::Stamp;
use super::token::{self, Source, Token};
use super::{Policy, report};

/// A signer of a file.
pub(super) struct SignedDataSignature<'c, 'd> {
    file: &'c SignedData<'c>,
    signer: &'c SignerInfo<'c>,
    /// `None`: a counter-signature.
    content_type: Option<&'c [u8]>,
    content: &'c RefCell<Content<'d>>,
    hashes: RefCell<KnownHashes>,
}

impl<'c, 'd> SignedDataSignature<'c, 'd> {
    pub(super) fn new(
        file: &'c SignedData<'c>,
        signer: &'c SignerInfo<'c>,
        content_type: Option<&'c [u8]>,
        content: &'c RefCell<Content<'d>>,
    ) -> Self {
        Self { file, signer, content_type, content, hashes: RefCell::default() }
    }

    fn attributes(&self) -> SignedAttributes<'c> {
        SignedAttributes::read(self.signer, self.content_type, &mut Findings::default())
    }
}

impl Signature for SignedDataSignature<'_, '_> {
    fn id(&self) -> String {
        report::signature_id(self.signer)
    }

    fn tokens(&self) -> Vec<Source<'_>> {
        token::sources(self.signer)
    }

    fn revocation(&self, tokens: &[(Object, &Token<'_>)], trust: &TrustSnapshot) -> Embedded {
        revocation_of_signature(self.signer, tokens, trust)
    }

    fn check(&self, pool: &[Certificate], policy: &Policy) -> Core {
        basic::check_signature(self.signer, self.content_type, pool, &mut self.content.borrow_mut(), policy)
    }

    fn imprint(
        &self,
        source: &Source<'_>,
        token: &Token<'_>,
        claimed: &[(Object, OffsetDateTime)],
    ) -> Result<(Digest, Vec<Object>), Cause> {
        let stamped = Stamped { file: self.file, signer: self.signer, claimed, hashes: &self.hashes };
        imprint::of(source, token, &stamped, &mut self.content.borrow_mut())
    }

    fn records(&self, judge: &mut JudgeRecord<'_>) -> Vec<(Object, Stamp)> {
        let mut judged = Vec::new();
        for (place, number) in evidence_record::places(self.signer) {
            let Some(attribute) = self.signer.unsigned_attributes.get(place) else { continue };
            let Some(record) = attribute.values.get(number) else { continue };
            let is_external = attribute.oid == oid::EVIDENCE_RECORD_EXTERNAL;
            let holder = Object::UnsignedValue(place, number);
            let files = evidence_record::files_before(self.file, self.signer, (place, number));
            let mut stamps = files.iter().map(|file| {
                let mut objects = |algorithm| {
                    let mut objects = vec![digest(algorithm, file)];
                    if is_external {
                        objects.push(self.content.borrow_mut().found(algorithm)?);
                    }
                    Ok(objects)
                };
                judge(record, &mut objects, holder)
            });
            let stamp = match stamps.next() {
                Some(stamp) if !stamp.report.intact => stamps.find(|other| other.report.intact).or(Some(stamp)),
                first => first,
            };
            judged.extend(stamp.map(|stamp| (holder, stamp)));
        }
        judged
    }

    fn objects(&self) -> Vec<Object> {
        let mut objects = vec![Object::Signature];
        objects.extend((0..self.file.parts.revocation.len()).map(Object::Revocation));
        for (place, attribute) in self.signer.unsigned_attributes.iter().enumerate() {
            objects.extend((0..attribute.values.len()).map(|number| Object::UnsignedValue(place, number)));
        }
        objects
    }

    fn level(&self, ground: &LevelGround<'_>) -> (&'static str, &'static str) {
        level::of(self.file, self.signer, &self.attributes(), self.content_type.is_none(), ground)
    }

    fn signature_policy(&self) -> Option<String> {
        self.attributes().policy.as_ref().map(signature_policy::name)
    }

    /// RFC 5652, 11.4: each value of the attribute is a SignerInfo over the signature value.
    fn counter_signatures(&self, visit: &mut dyn FnMut(&dyn Signature, Object)) {
        let attributes = self.signer.unsigned_attributes.iter().enumerate();
        for (place, attribute) in attributes.filter(|(_, attribute)| attribute.oid == oid::COUNTER_SIGNATURE) {
            for (number, value) in attribute.values.iter().enumerate() {
                let Ok((der, _)) = normalise(value, Layers::ALL, &Limits::default()) else { continue };
                let Ok(signer) = Element::only(&der).and_then(|element| SignerInfo::read(&element)) else { continue };
                let content = RefCell::new(Content::new(Some(self.signer.signature), &[]));
                let counter = SignedDataSignature::new(self.file, &signer, None, &content);
                visit(&counter, Object::UnsignedValue(place, number));
            }
        }
    }
}
