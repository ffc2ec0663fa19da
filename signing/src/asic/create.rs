//! Creation of containers: ASiC-S and ASiC-E with one CAdES signature file, ETSI EN 319 162-1, 4.3 and 4.4; in [`xades`], ASiC-E with XAdES.
//!
//! ```text
//! Measure -> Part -> simple | extended -> Prepared { to_sign } -> signature made elsewhere -> complete -> Completed -> write
//! ```
//!
//! Documents stream by twice: once to be measured, once to be written; memory does not grow with them. What is written holds the documents
//! stored, sorted by name, with one fixed date: the same documents and signature give the same octets.

mod opened;
pub mod xades;

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{Digest, DigestAlgorithm, Digester, digest};
use schemas::limits::SIGNATURE_BYTES;

use crate::asn1::{Layers, Limits, Reader, normalise, oid, tag};
use crate::cms::{SignedData, SignerInfo};

use super::error::ContainerError;
use super::kind::{ContainerType, Kind};
use super::uri;
use super::zip::{MOST_ENTRIES, Planned, check_names, directory};
use crate::xml::algorithm;

const MIMETYPE: &str = "mimetype";
const MANIFEST: &str = "META-INF/ASiCManifest001.xml";
/// 4.3.3.2: in ASiC-S the name is fixed.
const SIMPLE_SIGNATURE: &str = "META-INF/signature.p7s";
const EXTENDED_SIGNATURE: &str = "META-INF/signature001.p7s";

/// Why no container was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A name that no reader should accept, or two of them that are the same or twins.
    #[error("a document's name cannot stand in a container: {0}")]
    Name(ContainerError),
    /// A name that belongs to the container itself.
    #[error("a document's name is reserved for the container")]
    ReservedName,
    /// Not `type/subtype`.
    #[error("malformed media type")]
    MediaType,
    /// No documents, or more than a container may hold.
    #[error("a container holds between 1 and 990 documents")]
    Count,
    /// SHA-1, or an algorithm for which XML has no identifier.
    #[error("the digest algorithm cannot stand in a manifest")]
    Algorithm,
    /// Not a detached CAdES signature over what was prepared, or too large.
    #[error("not a detached signature over what was prepared")]
    Signature,
}

/// Why a container was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The document could not be read, or the container not written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The document is not the one that was measured. What was written so far is of no use.
    #[error("the content of {0:?} has changed since it was measured")]
    Changed(String),
}

/// Takes the measure of a document while it streams by.
pub struct Measure {
    digester: Digester,
    crc: crc32fast::Hasher,
    size: u64,
}

/// The measure of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    digest: Digest,
    crc: u32,
    size: u64,
}

impl Measure {
    /// Of nothing yet.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self { digester: Digester::new(algorithm), crc: crc32fast::Hasher::new(), size: 0 }
    }

    /// Takes in the next octets.
    pub fn update(&mut self, bytes: &[u8]) {
        self.digester.update(bytes);
        self.crc.update(bytes);
        self.size = self.size.saturating_add(bytes.len() as u64);
    }

    /// The measure of everything taken in.
    #[must_use]
    pub fn finish(self) -> Measured {
        Measured { digest: self.digester.finish(), crc: self.crc.finalize(), size: self.size }
    }
}

/// A document to be put in.
#[derive(Debug, Clone)]
pub struct Part {
    name: String,
    media_type: Option<String>,
    measured: Measured,
}

impl Part {
    /// `name`: a relative path outside META-INF. `media_type`: `type/subtype`, without parameters.
    ///
    /// # Errors
    /// `Name`, `ReservedName`, `MediaType`.
    pub fn new(name: &str, media_type: Option<&str>, measured: Measured) -> Result<Self, CreateError> {
        check_names([name].into_iter()).map_err(CreateError::Name)?;
        let folder = name.split('/').next().unwrap_or_default();
        if Kind::of(name) != Kind::Payload
            || folder.eq_ignore_ascii_case("META-INF")
            || name.eq_ignore_ascii_case(MIMETYPE)
        {
            return Err(CreateError::ReservedName);
        }
        if media_type.is_some_and(|media_type| !is_media_type(media_type)) {
            return Err(CreateError::MediaType);
        }
        Ok(Self { name: name.to_owned(), media_type: media_type.map(str::to_owned), measured })
    }

    /// A document that is in memory.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_bytes(
        name: &str,
        media_type: Option<&str>,
        content: &[u8],
        algorithm: DigestAlgorithm,
    ) -> Result<Self, CreateError> {
        let mut measure = Measure::new(algorithm);
        measure.update(content);
        Self::new(name, media_type, measure.finish())
    }
}

/// RFC 6838, 4.2: restricted names on both sides of a slash.
pub(crate) fn is_media_type(text: &str) -> bool {
    let restricted = |name: &str| {
        (1..=127).contains(&name.len())
            && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&octet))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| restricted(kind) && restricted(subtype))
}

/// A container that waits for its signature.
#[derive(Debug)]
pub struct Prepared {
    kind: ContainerType,
    parts: Vec<Part>,
    manifest: Option<Vec<u8>>,
}

/// Prepares ASiC-S: the signature is over the document.
///
/// # Errors
/// `Name` if the document is to lie in a folder.
pub fn simple(part: Part) -> Result<Prepared, CreateError> {
    if part.name.contains('/') {
        return Err(CreateError::Name(ContainerError::DataObjects));
    }
    Ok(Prepared { kind: ContainerType::Simple, parts: vec![part], manifest: None })
}

/// Prepares ASiC-E: the signature is over a manifest with the digests of the documents.
///
/// # Errors
/// `Count`, `Name` for twins, `Algorithm`.
pub fn extended(mut parts: Vec<Part>) -> Result<Prepared, CreateError> {
    // Some room for what later augmentation adds.
    let most = usize::try_from(MOST_ENTRIES - 10).unwrap_or(usize::MAX);
    if parts.is_empty() || parts.len() > most {
        return Err(CreateError::Count);
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    check_names(parts.iter().map(|part| part.name.as_str())).map_err(CreateError::Name)?;
    let manifest = write_manifest(&parts)?;
    Ok(Prepared { kind: ContainerType::Extended, parts, manifest: Some(manifest.into_bytes()) })
}

/// ASiCManifest, EN 319 162-1 A.4. Everything that varies is ASCII without markup: references are percent-encoded.
fn write_manifest(parts: &[Part]) -> Result<String, CreateError> {
    let mut xml = String::from(concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?>"#,
        "\n",
        r#"<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">"#,
    ));
    // Writing to a string does not fail.
    let _ = write!(xml, r#"<asic:SigReference URI="{EXTENDED_SIGNATURE}" MimeType="application/pkcs7-signature"/>"#);
    for part in parts {
        let digest = &part.measured.digest;
        let identifier =
            algorithm::digest_to_uri(digest.algorithm()).filter(|_| digest.algorithm() != DigestAlgorithm::Sha1);
        let identifier = identifier.ok_or(CreateError::Algorithm)?;
        let media_type =
            part.media_type.as_ref().map(|media_type| format!(r#" MimeType="{}""#, media_type.replace('&', "&amp;")));
        let _ = write!(
            xml,
            r#"<asic:DataObjectReference URI="{}"{}><ds:DigestMethod Algorithm="{identifier}"/><ds:DigestValue>{}</ds:DigestValue></asic:DataObjectReference>"#,
            uri::encode(&part.name),
            media_type.unwrap_or_default(),
            STANDARD.encode(digest.as_bytes()),
        );
    }
    xml.push_str("</asic:ASiCManifest>\n");
    Ok(xml)
}

impl Prepared {
    /// The digest that the signature is to be over, as detached content. `None` for ASiC-S in another algorithm than that in which the document
    /// was measured.
    #[must_use]
    pub fn to_sign(&self, algorithm: DigestAlgorithm) -> Option<Digest> {
        match (&self.manifest, self.parts.as_slice()) {
            (Some(manifest), _) => Some(digest(algorithm, manifest)),
            (None, [part]) => Some(part.measured.digest).filter(|digest| digest.algorithm() == algorithm),
            (None, _) => None,
        }
    }

    /// The manifest of ASiC-E.
    #[must_use]
    pub fn manifest(&self) -> Option<&[u8]> {
        self.manifest.as_deref()
    }

    /// Puts the signature in: CAdES in DER or BER, detached, each of its signers over what [`Self::to_sign`] gave.
    ///
    /// # Errors
    /// `Signature`.
    pub fn complete(self, cms: &[u8]) -> Result<Completed, CreateError> {
        if cms.len() > SIGNATURE_BYTES || !self.is_signed_by(cms) {
            return Err(CreateError::Signature);
        }
        let mut contents = vec![(MIMETYPE, Content::Memory(self.kind.mime_type().into()))];
        contents.extend(self.parts.iter().map(|part| (part.name.as_str(), Content::Part(part.measured.clone()))));
        let signature = if self.kind == ContainerType::Simple { SIMPLE_SIGNATURE } else { EXTENDED_SIGNATURE };
        contents.extend(self.manifest.clone().map(|manifest| (MANIFEST, Content::Memory(manifest))));
        contents.push((signature, Content::Memory(cms.to_vec())));
        Ok(Completed::plan(contents))
    }

    fn is_signed_by(&self, cms: &[u8]) -> bool {
        let Ok((der, _)) = normalise(cms, Layers::SIGNED_DATA, &Limits::default()) else { return false };
        let Ok(signed) = SignedData::read(&der) else { return false };
        let is_over = |signer: &SignerInfo<'_>| {
            let algorithm = DigestAlgorithm::from_oid(&signer.digest_algorithm.dotted());
            let expected = algorithm.and_then(|algorithm| self.to_sign(algorithm));
            expected.is_some_and(|expected| message_digest(signer) == Some(expected.as_bytes()))
        };
        signed.content.is_none() && !signed.signers.is_empty() && signed.signers.iter().all(is_over)
    }
}

/// The one value of the one message-digest attribute.
fn message_digest<'a>(signer: &SignerInfo<'a>) -> Option<&'a [u8]> {
    let mut attributes = signer.signed(oid::MESSAGE_DIGEST);
    let (attribute, None) = (attributes.next()?, attributes.next()) else { return None };
    let [value] = attribute.values.as_slice() else { return None };
    Reader::new(value).expect(tag::OCTET_STRING).ok()
}

/// Where the content of an entry comes from.
#[derive(Debug, Clone)]
enum Content {
    Memory(Vec<u8>),
    Part(Measured),
}

/// A signed container, ready to be written.
#[derive(Debug)]
pub struct Completed {
    entries: Vec<(Planned, Content)>,
    /// Central directory and end.
    directory: Vec<u8>,
    size: u64,
}

impl Completed {
    fn plan(contents: Vec<(&str, Content)>) -> Self {
        let mut entries = Vec::with_capacity(contents.len());
        let mut offset = 0_u64;
        for (name, content) in contents {
            let (crc, size) = match &content {
                Content::Memory(bytes) => (crc32fast::hash(bytes), bytes.len() as u64),
                Content::Part(measured) => (measured.crc, measured.size),
            };
            let planned = Planned { name: name.to_owned(), crc, size, offset };
            offset = offset.saturating_add(planned.whole_size());
            entries.push((planned, content));
        }
        let planned: Vec<Planned> = entries.iter().map(|(planned, _)| planned.clone()).collect();
        let directory = directory(&planned, offset);
        let size = offset.saturating_add(directory.len() as u64);
        Self { entries, directory, size }
    }

    /// Octets of the container.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes the container. `open` gives the content of a document by its name; it is compared with what was measured.
    ///
    /// # Errors
    /// `Io`; `Changed` where a document is not the one that was measured.
    pub fn write<R: Read>(
        &self,
        out: &mut impl Write,
        mut open: impl FnMut(&str) -> io::Result<R>,
    ) -> Result<(), WriteError> {
        for (planned, content) in &self.entries {
            out.write_all(&planned.local_header())?;
            match content {
                Content::Memory(bytes) => out.write_all(bytes)?,
                Content::Part(measured) => {
                    let mut source = open(&planned.name)?;
                    if copy(&mut source, out, measured)? != *measured {
                        return Err(WriteError::Changed(planned.name.clone()));
                    }
                }
            }
        }
        out.write_all(&self.directory)?;
        Ok(())
    }

    /// Writes the container into memory; `contents` gives each document by its name.
    ///
    /// # Errors
    /// As [`Self::write`]; `NotFound` for a document that is not given.
    pub fn to_vec(&self, contents: &[(&str, &[u8])]) -> Result<Vec<u8>, WriteError> {
        let mut out = Vec::new();
        self.write(&mut out, |name| {
            let found = contents.iter().find(|(known, _)| *known == name);
            found.map(|(_, content)| *content).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        })?;
        Ok(out)
    }
}

/// Copies the content, no more of it than was measured, and one octet to see that there is no more.
fn copy(source: &mut impl Read, out: &mut impl Write, expected: &Measured) -> io::Result<Measured> {
    let mut measure = Measure::new(expected.digest.algorithm());
    let mut source = source.take(expected.size.saturating_add(1));
    let mut buffer = vec![0; BUFFER_OCTETS];
    loop {
        let length = match source.read(&mut buffer) {
            Ok(0) => return Ok(measure.finish()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let piece = buffer.get(..length).unwrap_or_default();
        measure.update(piece);
        out.write_all(piece)?;
    }
}

/// Octets copied at once.
const BUFFER_OCTETS: usize = 64 * 1024;

#[cfg(test)]
mod tests;
