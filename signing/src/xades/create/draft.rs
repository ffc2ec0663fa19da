//! A document with a signature that lacks its value: what is to be signed, and the document with the value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use crypto::key::{KeyError, PublicKey};
use crypto::signature::SignatureAlgorithm;

use crate::xades::contents::Contents;
use crate::xades::resolve::{self, Ground};
use crate::xades::verify::value_for_xml;
use crate::xades::{Fault, XMLDSIG, XmlSignature, check};
use crate::xml::canonical::{self, Budget, Selection};
use crate::xml::{Document, Limits, Node, Source, Target};

use super::CreateError;
use super::splice::{Splice, apply};
use super::write::digest_value;

/// A document that lacks one signature value.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    octets: Vec<u8>,
    /// Of the ds:Signature.
    id: String,
    algorithm: SignatureAlgorithm,
    key: PublicKey,
    to_be_signed: Vec<u8>,
}

impl Draft {
    /// Computes the digests of the signature `id` in `octets`, which stand empty there.
    pub(super) fn new(
        octets: &[u8],
        id: &str,
        by: DigestAlgorithm,
        contents: &dyn Contents,
        budget: &mut Budget,
    ) -> Result<Self, CreateError> {
        let source = Source::read(octets, &Limits::DOCUMENT)?;
        let document = source.parse()?;
        let signature = XmlSignature::read(element(&document, id)?).map_err(refusal)?;
        let ground = Ground::new(&document, signature.node.id(), contents);
        let mut splices = Vec::with_capacity(signature.references.len());
        for reference in &signature.references {
            let (_, digest) = resolve::digest(reference, &ground, by, budget).map_err(refusal)?;
            let place = reference.node.last_element_child().ok_or(CreateError::Signature)?;
            splices.push(Splice::inside(&document, place, &digest_value(&digest)));
        }
        Self::of(apply(octets, splices), id, budget)
    }

    /// Reads what [`Self::as_bytes`] gave.
    pub(crate) fn from_bytes(octets: &[u8]) -> Result<Self, CreateError> {
        let source = Source::read(octets, &Limits::DOCUMENT)?;
        let document = source.parse()?;
        let empty = |node: &Node<'_, '_>| node.has_tag_name((XMLDSIG, "SignatureValue")) && !node.has_children();
        let mut lacking = document.root().descendants().filter(empty);
        let (Some(value), None) = (lacking.next(), lacking.next()) else { return Err(CreateError::Signature) };
        let id = value.parent().and_then(|signature| signature.attribute("Id")).ok_or(CreateError::Signature)?;
        Self::of(octets.to_vec(), id, &mut Budget::for_document(octets.len()))
    }

    fn of(octets: Vec<u8>, id: &str, budget: &mut Budget) -> Result<Self, CreateError> {
        let source = Source::read(&octets, &Limits::DOCUMENT)?;
        let document = source.parse()?;
        let signature = XmlSignature::read(element(&document, id)?).map_err(refusal)?;
        let algorithm = signature.algorithm().map_err(|_| CreateError::Algorithm)?;
        let leaf = signature.certificates.first().and_then(|der| Certificate::from_der(der).ok());
        let key = leaf.as_ref().ok_or(CreateError::Certificate)?.public_key().map_err(CreateError::Key)?.clone();
        let method = signature.canonicalization.as_ref().map_err(|_| CreateError::Signature)?;
        let mut to_be_signed = Vec::new();
        let signed = Selection::element(signature.signed_info, true);
        canonical::write(&document, &signed, method, budget, &mut |piece| to_be_signed.extend_from_slice(piece))
            .map_err(|_| CreateError::TooMuchWork)?;
        drop(document);
        drop(source);
        Ok(Self { octets, id: id.to_owned(), algorithm, key, to_be_signed })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    pub(crate) fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    pub(crate) fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    pub(crate) fn digest(&self) -> Option<Digest> {
        self.algorithm.digest_algorithm().map(|algorithm| digest(algorithm, &self.to_be_signed))
    }

    /// Puts the value in, and verifies the signature as whoever receives it will: by the octets that are handed out.
    pub(crate) fn complete(self, value: &[u8], contents: &dyn Contents) -> Result<Vec<u8>, CreateError> {
        let value = value_for_xml(self.algorithm, &self.key, value).ok_or(CreateError::Value)?;
        let octets = {
            let source = Source::read(&self.octets, &Limits::DOCUMENT)?;
            let document = source.parse()?;
            let signature = XmlSignature::read(element(&document, &self.id)?).map_err(refusal)?;
            let splice = Splice::inside(&document, signature.value_node, &STANDARD.encode(value));
            apply(&self.octets, vec![splice])
        };
        let source = Source::read(&octets, &Limits::DOCUMENT)?;
        let document = source.parse()?;
        let signature = XmlSignature::read(element(&document, &self.id)?).map_err(refusal)?;
        let mut budget = Budget::for_document(octets.len());
        let checked = check(&document, &signature, contents, &mut budget);
        checked
            .verify(&self.key, &mut budget)
            .map_err(|faults| faults.first().map_or(CreateError::Value, |one| refusal(*one)))?;
        drop(document);
        drop(source);
        Ok(octets)
    }
}

/// The one element with this Id.
fn element<'d, 't>(document: &'d Document<'t>, id: &str) -> Result<Node<'d, 't>, CreateError> {
    match document.element_by_id(id) {
        Target::Element(element) => Ok(element),
        Target::Ambiguous => Err(CreateError::IdTaken),
        Target::Missing => Err(CreateError::Signature),
    }
}

/// What validation calls it, as a refusal.
pub(in crate::xades) fn refusal(fault: Fault) -> CreateError {
    match fault {
        Fault::TooMuchWork => CreateError::TooMuchWork,
        Fault::ContentMissing | Fault::RemoteReference | Fault::ReferenceMissing => CreateError::ContentMissing,
        Fault::ReferenceChanged | Fault::ValueWrong => CreateError::Value,
        Fault::AlgorithmsDisagree => CreateError::Key(KeyError::WrongOperation),
        Fault::AlgorithmUnknown | Fault::DigestUnknown | Fault::CanonicalizationUnknown => CreateError::Algorithm,
        Fault::DuplicateId => CreateError::IdTaken,
        _ => CreateError::Signature,
    }
}
