//! Longer life for an XML signature: a time-stamp (level T), validation data (LT), archive time-stamps (LTA). ETSI EN 319 132-1, 5.3 to 5.5
//! and 6.3.
//!
//! | level | function |
//! |---|---|
//! | T | [`request_signature_timestamp`], then [`StampRequest::complete`] |
//! | LT | [`add_validation_data`] |
//! | LTA, and each renewal | [`request_archive_timestamp`], then [`StampRequest::complete`] |
//!
//! Properties are put at the end of UnsignedSignatureProperties; every other octet stays as it was, so that what is signed and stamped
//! does. Nothing here fetches or judges: tokens, certificates and answers come from the caller, who has validated the signature with
//! them. The imprints are those that validation computes, over the very document that is handed out.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use crypto::digest::{Digest, DigestAlgorithm, hex, sha256};

use crate::cades;
use crate::xml::canonical::Budget;
use crate::xml::{Document, Limits, Node, Source};

use super::contents::{Contents, NoContents};
use super::create::draft::refusal;
use super::create::splice::{Splice, apply};
use super::create::write::XADES;
use super::create::{CreateError, cover};
use super::facts::{UnsignedValues, child, unsigned_signature_properties};
use super::properties::UnverifiedProperties;
use super::structure::{XmlSignature, signatures};
use super::timestamp::{StampForm, imprint, time_stamps};
use super::{EXCLUSIVE, XADES_141, XMLDSIG};

/// The number of the signature with this identifier, as the report gives it ([`schemas::report::SignatureReport::id`]): its place
/// among those of the document, from 0. What is added to signatures leaves their numbers as they are.
///
/// # Errors
/// `Xml`; `Signature` where there is none.
pub fn signature_with_id(document: &[u8], id: &str) -> Result<usize, CreateError> {
    let source = Source::read(document, &Limits::DOCUMENT)?;
    let parsed = source.parse()?;
    let is_it = |node: &Node<'_, '_>| XmlSignature::read(*node).is_ok_and(|one| identifier(&one) == id);
    signatures(&parsed).iter().position(is_it).ok_or(CreateError::Signature)
}

/// How many signatures a document has, those of which nothing can be read among them. One that has just been made, as
/// [`super::create::sign`] makes it, is the last.
///
/// # Errors
/// `Xml`.
pub fn count(document: &[u8]) -> Result<usize, CreateError> {
    let source = Source::read(document, &Limits::DOCUMENT)?;
    let parsed = source.parse()?;
    Ok(signatures(&parsed).len())
}

/// `S-` and the first half of the SHA-256 of ds:SignatureValue: no two signatures share one.
pub(crate) fn identifier(signature: &XmlSignature<'_, '_>) -> String {
    format!("S-{}", hex(sha256(&signature.value).get(..16).unwrap_or_default()))
}

/// A time-stamp that is being asked for.
#[derive(Debug, Clone)]
pub struct StampRequest {
    /// The document with a property that lacks its token.
    document: Vec<u8>,
    signature: usize,
    imprint: Digest,
}

/// Begins a SignatureTimeStamp (level T; 5.3): over ds:SignatureValue.
///
/// # Errors
/// `Xml`; `Signature` where the document has no such signature; `Version`; `Covered` where another signature would no longer hold;
/// `TooMuchWork`.
pub fn request_signature_timestamp(
    document: &[u8],
    signature: usize,
    algorithm: DigestAlgorithm,
) -> Result<StampRequest, CreateError> {
    let property = format!(
        "<xades:SignatureTimeStamp xmlns:xades=\"{XADES}\">{}</xades:SignatureTimeStamp>",
        stamp_without_token()
    );
    request(document, signature, &property, StampForm::Signature, algorithm, &NoContents)
}

/// Begins an ArchiveTimeStamp (level LTA; 5.5.2.2) over everything that the document holds for one signature now. `contents`: what the
/// signature is over beside the document.
///
/// # Errors
/// As [`request_signature_timestamp`]; `ContentMissing`.
pub fn request_archive_timestamp(
    document: &[u8],
    signature: usize,
    algorithm: DigestAlgorithm,
    contents: &dyn Contents,
) -> Result<StampRequest, CreateError> {
    let property = format!(
        "<xades141:ArchiveTimeStamp xmlns:xades141=\"{XADES_141}\" xmlns:xades=\"{XADES}\">{}</xades141:ArchiveTimeStamp>",
        stamp_without_token()
    );
    request(document, signature, &property, StampForm::Archive, algorithm, contents)
}

fn stamp_without_token() -> String {
    format!(
        "<ds:CanonicalizationMethod xmlns:ds=\"{XMLDSIG}\" Algorithm=\"{EXCLUSIVE}\"/>\
         <xades:EncapsulatedTimeStamp></xades:EncapsulatedTimeStamp>"
    )
}

fn request(
    document: &[u8],
    signature: usize,
    property: &str,
    form: StampForm,
    algorithm: DigestAlgorithm,
    contents: &dyn Contents,
) -> Result<StampRequest, CreateError> {
    let document = with_properties(document, signature, property)?;
    let imprint = read(&document, signature, |parsed, chosen, properties| {
        let stamps = time_stamps(properties);
        // The last property is the one that was put in; a signature may have more time-stamps than are looked at.
        let last = unsigned_signature_properties(properties).last().copied();
        let stamp = stamps.iter().find(|stamp| Some(stamp.node) == last && stamp.form == form);
        let stamp = stamp.ok_or(CreateError::Signature)?;
        let mut budget = Budget::for_document(document.len());
        imprint(parsed, chosen, properties, stamp, algorithm, contents, &mut budget).map_err(refusal)
    })?;
    Ok(StampRequest { document, signature, imprint: imprint.digest })
}

impl StampRequest {
    /// What the authority is to stamp.
    #[must_use]
    pub fn imprint(&self) -> &Digest {
        &self.imprint
    }

    /// The document with the token. `token`: a ContentInfo, as [`certs::timestamp::token_of_response`] gives it. Whether it proves anything is for
    /// validation to say.
    ///
    /// # Errors
    /// `Timestamp` if it is no token, or one over something else.
    pub fn complete(self, token: &[u8]) -> Result<Vec<u8>, CreateError> {
        let token = cades::token(token).map_err(|_| CreateError::Timestamp)?;
        if !cades::is_over(&token, &self.imprint) {
            return Err(CreateError::Timestamp);
        }
        read(&self.document, self.signature, |parsed, _, properties| {
            let property = unsigned_signature_properties(properties).last().copied().ok_or(CreateError::Signature)?;
            let place = child(property, XADES, "EncapsulatedTimeStamp").ok_or(CreateError::Signature)?;
            Ok(apply(&self.document, vec![Splice::inside(parsed, place, &STANDARD.encode(token))]))
        })
    }
}

/// Adds validation data to a signature (level LT; 5.4 and 6.3): the certificates of the paths of signers, time-stamp authorities and
/// responders, and what tells their status. Those that it has already are passed over. They go into CertificateValues and
/// RevocationValues, of which there is one each; what comes later, for archive time-stamps, into TimeStampValidationData (5.5.1).
///
/// # Errors
/// As [`request_signature_timestamp`].
pub fn add_validation_data(
    document: &[u8],
    signature: usize,
    certificates: &[Certificate],
    revocation: &RevocationData,
) -> Result<Vec<u8>, CreateError> {
    let property = read(document, signature, |_, chosen, properties| {
        let mut known = Known::of(chosen, &UnsignedValues::read(properties));
        let certificates =
            known.values("EncapsulatedX509Certificate", certificates.iter().map(|one| one.der().to_vec()));
        let lists = known.values("EncapsulatedCRLValue", revocation.crls.iter().map(|list| list.der().to_vec()));
        let answers = revocation.ocsp.iter().map(|answer| cades::whole_response(answer.der()));
        let answers = known.values("EncapsulatedOCSPValue", answers);
        Ok(values(&certificates, &lists, &answers, is_first(properties)))
    })?;
    if property.is_empty() { Ok(document.to_vec()) } else { with_properties(document, signature, &property) }
}

/// Whether the properties for the signature's own validation data are still free: none of them is there, nor an archive time-stamp, which
/// only TimeStampValidationData may follow.
fn is_first(properties: &UnverifiedProperties<'_, '_>) -> bool {
    const LATER: [&str; 4] = ["CertificateValues", "RevocationValues", "TimeStampValidationData", "ArchiveTimeStamp"];
    let unsigned = unsigned_signature_properties(properties);
    !unsigned.iter().any(|property| LATER.contains(&property.tag_name().name()))
}

/// The properties that hold these values, `is_first` or in TimeStampValidationData; empty where there is nothing to hold.
fn values(certificates: &str, lists: &str, answers: &str, is_first: bool) -> String {
    let namespace = if is_first { format!(" xmlns:xades=\"{XADES}\"") } else { String::new() };
    let wrap = |name: &str, attributes: &str, content: String| {
        if content.is_empty() { content } else { format!("<xades:{name}{attributes}>{content}</xades:{name}>") }
    };
    let lists = wrap("CRLValues", "", lists.to_owned());
    let answers = wrap("OCSPValues", "", answers.to_owned());
    let certificates = wrap("CertificateValues", &namespace, certificates.to_owned());
    let both = certificates + &wrap("RevocationValues", &namespace, lists + &answers);
    if is_first || both.is_empty() {
        return both;
    }
    format!(
        "<xades141:TimeStampValidationData xmlns:xades141=\"{XADES_141}\" xmlns:xades=\"{XADES}\">{both}</xades141:TimeStampValidationData>"
    )
}

/// Values that the signature has.
struct Known(BTreeSet<Vec<u8>>);

impl Known {
    fn of(signature: &XmlSignature<'_, '_>, values: &UnsignedValues) -> Self {
        let all = [&signature.certificates, &values.certificates, &values.lists, &values.answers];
        Self(all.into_iter().flatten().cloned().collect())
    }

    /// Those that are new, each as an element.
    fn values(&mut self, name: &str, values: impl Iterator<Item = Vec<u8>>) -> String {
        values.fold(String::new(), |written, value| {
            let text = STANDARD.encode(&value);
            if self.0.insert(value) { written + &format!("<xades:{name}>{text}</xades:{name}>") } else { written }
        })
    }
}

/// Reads one signature of a document, with properties to which something can be added.
fn read<T>(
    document: &[u8],
    signature: usize,
    action: impl FnOnce(&Document<'_>, &XmlSignature<'_, '_>, &UnverifiedProperties<'_, '_>) -> Result<T, CreateError>,
) -> Result<T, CreateError> {
    let source = Source::read(document, &Limits::DOCUMENT)?;
    let parsed = source.parse()?;
    let node = signatures(&parsed).get(signature).copied().ok_or(CreateError::Signature)?;
    let chosen = XmlSignature::read(node).map_err(refusal)?;
    let properties = UnverifiedProperties::of(&chosen).map_err(refusal)?.ok_or(CreateError::Version)?;
    if properties.namespace != XADES {
        return Err(CreateError::Version);
    }
    action(&parsed, &chosen, &properties)
}

/// Adds unsigned signature properties after those that are there.
fn with_properties(document: &[u8], signature: usize, written: &str) -> Result<Vec<u8>, CreateError> {
    let made = read(document, signature, |parsed, chosen, properties| {
        let splice = match (group(properties), properties.unsigned) {
            (Some(group), _) => Splice::at_end_of(parsed, group, written),
            // The schema has them before those of data objects.
            (None, Some(unsigned)) => match unsigned.first_element_child() {
                Some(first) => Splice { range: first.range().start..first.range().start, piece: in_group(written) },
                None => Splice::at_end_of(parsed, unsigned, &in_group(written)),
            },
            (None, None) => {
                let holder = chosen.objects.iter().flat_map(Node::children);
                let mut holder = holder.filter(|node| node.has_tag_name((XADES, "QualifyingProperties")));
                let holder = holder.next().ok_or(CreateError::Version)?;
                let properties = format!(
                    "<xades:UnsignedProperties xmlns:xades=\"{XADES}\">{}</xades:UnsignedProperties>",
                    in_group(written)
                );
                Splice::at_end_of(parsed, holder, &properties)
            }
        };
        Ok(apply(document, vec![splice]))
    })?;
    read(&made, signature, |parsed, chosen, properties| {
        let last = unsigned_signature_properties(properties).last().copied().ok_or(CreateError::Signature)?;
        // Whatever holds the signature may be stamped as it is.
        let is_nested = chosen.node.ancestors().skip(1).any(|above| above.has_tag_name((XMLDSIG, "Signature")));
        if is_nested {
            return Err(CreateError::Covered);
        }
        cover::check(parsed, last, None, &mut Budget::for_document(made.len()))
    })?;
    Ok(made)
}

fn group<'d, 't>(properties: &UnverifiedProperties<'d, 't>) -> Option<Node<'d, 't>> {
    child(properties.unsigned?, XADES, "UnsignedSignatureProperties")
}

fn in_group(written: &str) -> String {
    format!("<xades:UnsignedSignatureProperties xmlns:xades=\"{XADES}\">{written}</xades:UnsignedSignatureProperties>")
}

#[cfg(test)]
mod tests;
