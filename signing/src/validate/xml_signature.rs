//! An XML signature as the process of EN 319 102-1 sees it: ETSI EN 319 132-1.

use std::cell::RefCell;

use certs::certificate::Certificate;
use certs::trust::TrustSnapshot;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use schemas::report::SignedForm;
use time::OffsetDateTime;

use crate::cms::EmbeddedRevocation;
use crate::xades::{
    Contents, Fault, IssuerSerial, PolicyReference, SignedFacts, StampProperty, UnsignedValues, UnverifiedProperties,
    XmlSignature, check, counter_signatures, imprint, time_stamps,
};
use crate::xml::Document;
use crate::xml::canonical::Budget;

use super::Policy;
use super::basic::Core;
use super::cause::{Cause, Findings};
use super::context::revocation_of_tokens;
use super::cryptographic::Verified;
use super::proof::Object;
use super::signature::{LevelGround, Signature};
use super::status::Embedded;
use super::token::{Form, Source, Token};
use super::{signature_policy, xml_level};

/// Tokens of one property, and values in one, as objects of proofs.
const VALUES_OF_PROPERTY: usize = 8;

/// A signature of an XML document.
pub(super) struct XmlDocumentSignature<'x, 'd, 't> {
    document: &'d Document<'t>,
    pub(super) signature: &'x XmlSignature<'d, 't>,
    contents: &'x dyn Contents,
    budget: &'x RefCell<Budget>,
    /// What it must be over, if it is a counter-signature.
    countersigned: Option<&'x XmlSignature<'d, 't>>,
    pub(super) properties: Option<UnverifiedProperties<'d, 't>>,
    pub(super) facts: SignedFacts,
    pub(super) stamps: Vec<StampProperty<'d, 't>>,
    values: Vec<(usize, UnsignedValues)>,
}

impl<'x, 'd, 't> XmlDocumentSignature<'x, 'd, 't> {
    pub(super) fn new(
        document: &'d Document<'t>,
        signature: &'x XmlSignature<'d, 't>,
        contents: &'x dyn Contents,
        budget: &'x RefCell<Budget>,
        countersigned: Option<&'x XmlSignature<'d, 't>>,
    ) -> Self {
        // Misplaced properties are a fault of their own; nothing is read of them.
        let properties = UnverifiedProperties::of(signature).ok().flatten();
        let facts = properties.and_then(|found| Some(SignedFacts::read(found.signed?, found.namespace)));
        let stamps = properties.as_ref().map(time_stamps).unwrap_or_default();
        let values = properties.as_ref().map(UnsignedValues::by_place).unwrap_or_default();
        let facts = facts.unwrap_or_default();
        Self { document, signature, contents, budget, countersigned, properties, facts, stamps, values }
    }

    /// EN 319 132-1, 5.2.2: the certificate that the signed reference names. Without a reference the first in KeyInfo, so that it
    /// can still be told whether the value verifies.
    fn identify(&self, pool: &[Certificate], findings: &mut Findings) -> Option<Certificate> {
        let by_der = |der: &Vec<u8>| pool.iter().find(|certificate| certificate.der() == der.as_slice()).cloned();
        let Some(reference) = self.facts.certificates.first() else {
            let first = self.signature.certificates.iter().find_map(by_der);
            if first.is_none() {
                findings.add(Cause::SignerNotFound);
            }
            return first;
        };
        let Ok(wanted) = reference.digest else {
            findings.add(Cause::SignerReference);
            return self.signature.certificates.iter().find_map(by_der);
        };
        let is_meant = |one: &&Certificate| match wanted.algorithm() {
            DigestAlgorithm::Sha256 => one.fingerprint() == *wanted.as_bytes(),
            other => digest(other, one.der()) == wanted,
        };
        match pool.iter().find(is_meant) {
            Some(certificate) => {
                if let Some(IssuerSerial::Der(named)) = &reference.issuer_serial
                    && !named.as_deref().is_some_and(|named| names_issuer(named, certificate))
                {
                    findings.add(Cause::SignerReference);
                }
                Some(certificate.clone())
            }
            None => {
                let named = self.signature.certificates.iter().find_map(by_der);
                findings.add(if named.is_some() { Cause::SignerReference } else { Cause::SignerNotFound });
                named
            }
        }
    }

    fn check_policy(&self, policy: &Policy, findings: &mut Findings) {
        let Some(PolicyReference::Explicit { identifier, digest, is_transformed }) = &self.facts.policy else {
            if self.facts.policy.is_some() {
                signature_policy::check_implied(policy, findings);
            }
            return;
        };
        // The digest of a transformed document cannot be made anew: transforms of policies are not carried out.
        let digest = digest.ok().filter(|_| !is_transformed);
        signature_policy::check_named(identifier, digest.as_ref(), policy, findings);
    }
}

/// IssuerSerial of RFC 5035 in DER names the issuer and number of a certificate.
fn names_issuer(der: &[u8], certificate: &Certificate) -> bool {
    super::format::issuer_serial(der)
        .is_ok_and(|(issuer, serial)| super::identification::is_issued(certificate, issuer, serial))
}

impl Signature for XmlDocumentSignature<'_, '_, '_> {
    fn id(&self) -> String {
        crate::xades::augment::identifier(self.signature)
    }

    fn certificates(&self) -> Vec<&[u8]> {
        let values = self.values.iter().flat_map(|(_, values)| &values.certificates);
        self.signature.certificates.iter().chain(values).map(Vec::as_slice).collect()
    }

    fn tokens(&self) -> Vec<Source<'_>> {
        let sources = self.stamps.iter().flat_map(|stamp| {
            stamp.tokens.iter().enumerate().map(move |(number, token)| {
                let object = stamp.place.map_or(Object::Signature, |place| Object::UnsignedValue(place, number));
                Source::new(stamp.kind(), Form::Plain, object, token)
            })
        });
        sources.collect()
    }

    fn revocation(&self, tokens: &[(Object, &Token<'_>)], trust: &TrustSnapshot) -> Embedded {
        let mut embedded = Embedded::default();
        for (place, values) in &self.values {
            let object = Object::UnsignedValue(*place, 0);
            for list in &values.lists {
                embedded.add(object, &EmbeddedRevocation::Crl(list.into()), trust);
            }
            for answer in &values.answers {
                embedded.add(object, &EmbeddedRevocation::Ocsp(answer.into()), trust);
            }
        }
        embedded.and(revocation_of_tokens(tokens, trust))
    }

    fn check(&self, pool: &[Certificate], policy: &Policy) -> Core {
        let mut findings = Findings::default();
        let mut budget = self.budget.borrow_mut();
        let checked = check(self.document, self.signature, self.contents, &mut budget);
        self.facts.faults.iter().for_each(|fault| findings.add(*fault));
        let certificate = self.identify(pool, &mut findings);
        let key = certificate.as_ref().and_then(|certificate| certificate.public_key().ok());
        let digests = checked.digest_algorithms();
        let verified = match key {
            None => {
                checked.faults().into_iter().for_each(|fault| findings.add(fault));
                if certificate.is_some() {
                    findings.add(Cause::AlgorithmUnknown);
                }
                None
            }
            Some(key) => match checked.verify(key, &mut budget) {
                Ok(verified) if self.countersigned.is_some_and(|other| !verified.countersigns(other)) => {
                    findings.add(Fault::CounterSignatureElsewhere);
                    None
                }
                Ok(verified) => Some(Verified { algorithm: verified.algorithm(), form: SignedForm::Canonical }),
                Err(faults) => {
                    faults.into_iter().for_each(|fault| findings.add(fault));
                    None
                }
            },
        };
        if policy.require_signed_attributes && self.properties.is_none_or(|found| found.signed.is_none()) {
            findings.add(Cause::AttributesRequired);
        }
        if policy.require_signing_certificate_attribute && self.facts.certificates.is_empty() {
            findings.add(Cause::ReferenceRequired);
        }
        self.check_policy(policy, &mut findings);
        // A format that is wrong makes nothing intact.
        let verified = verified.filter(|_| self.facts.faults.is_empty());
        Core { findings, certificate, signing_time: self.facts.signing_time, verified, digests }
    }

    fn imprint(
        &self,
        source: &Source<'_>,
        token: &Token<'_>,
        _claimed: &[(Object, OffsetDateTime)],
    ) -> Result<(Digest, Vec<Object>), Cause> {
        let algorithm = DigestAlgorithm::from_oid(&token.info.imprint_oid).ok_or(Cause::AlgorithmUnknown)?;
        let is_its =
            |stamp: &&StampProperty<'_, '_>| stamp.tokens.iter().any(|one| std::ptr::eq(one.as_slice(), source.value));
        let (Some(stamp), Some(properties)) = (self.stamps.iter().find(is_its), &self.properties) else {
            return Err(Cause::Malformed);
        };
        let mut budget = self.budget.borrow_mut();
        let made = imprint(self.document, self.signature, properties, stamp, algorithm, self.contents, &mut budget);
        let made = made.map_err(|fault| match fault {
            Fault::ContentMissing | Fault::ReferenceMissing | Fault::RemoteReference => Cause::DataNotFound,
            Fault::DigestUnknown => Cause::AlgorithmUnknown,
            _ => Cause::TimestampSuperseded,
        })?;
        let mut objects: Vec<Object> = made.signature.then_some(Object::Signature).into_iter().collect();
        objects.extend(made.properties.iter().flat_map(|place| values_of(*place)));
        Ok((made.digest, objects))
    }

    fn objects(&self) -> Vec<Object> {
        let places = self.stamps.iter().filter_map(|stamp| stamp.place);
        let places = places.chain(self.values.iter().map(|(place, _)| *place));
        std::iter::once(Object::Signature).chain(places.flat_map(values_of)).collect()
    }

    fn level(&self, ground: &LevelGround<'_>) -> (&'static str, &'static str) {
        xml_level::of(self, ground)
    }

    fn signature_policy(&self) -> Option<String> {
        self.facts.policy.as_ref().map(|policy| match policy {
            PolicyReference::Implied => "implied".to_owned(),
            PolicyReference::Explicit { identifier, .. } => {
                identifier.strip_prefix("urn:oid:").unwrap_or(identifier).to_owned()
            }
        })
    }

    fn signed_parts(&self) -> Vec<String> {
        let outside = self.signature.references.iter().filter_map(|reference| reference.uri);
        outside.filter(|uri| !uri.is_empty() && !uri.starts_with('#')).map(str::to_owned).collect()
    }

    fn counter_signatures(&self, visit: &mut dyn FnMut(&dyn Signature, Object)) {
        for node in self.properties.iter().flat_map(counter_signatures) {
            // One that cannot be read has no value of which anything could be said.
            let Ok(signature) = XmlSignature::read(node) else { continue };
            let counter =
                XmlDocumentSignature::new(self.document, &signature, self.contents, self.budget, Some(self.signature));
            visit(&counter, Object::Elsewhere);
        }
    }
}

fn values_of(place: usize) -> impl Iterator<Item = Object> {
    (0..VALUES_OF_PROPERTY).map(move |number| Object::UnsignedValue(place, number))
}
