//! ASiC-E with XAdES signatures, ETSI EN 319 162-1, 4.4.3: each in a file of its own, over all documents by their names.
//!
//! ```text
//! Measure -> Part -> prepare -> Prepared { to_be_signed } -> value made elsewhere -> complete -> Completed -> write
//! Opened::read(container) -> prepare (one more signature)
//!                         -> signature_file, contents -> xades::augment -> with_signature_file
//! ```

use crypto::digest::{Digest, DigestAlgorithm};
use crypto::signature::SignatureAlgorithm;
use schemas::limits::SIGNATURE_BYTES;

use crate::asic::error::ContainerError;
use crate::asic::kind::ContainerType;
use crate::asic::uri;
use crate::asic::zip::{MOST_ENTRIES, check_names};
use crate::cades::Signatory;
use crate::xades::Contents;
use crate::xades::create::{self as xades, Draft};

use super::{Completed, Content, CreateError, MIMETYPE, Part};

pub use super::opened::Opened;

const MANIFEST: &str = "META-INF/manifest.xml";
/// 4.4.3.2: `asic:XAdESSignatures` around the signatures of a file.
const AROUND: (&str, &str) = (
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<asic:XAdESSignatures xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\">",
    "</asic:XAdESSignatures>\n",
);
/// Of documents about whose type nothing is known.
pub(super) const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Why a container was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The documents cannot stand in a container.
    #[error(transparent)]
    Documents(#[from] CreateError),
    /// The signature cannot be made.
    #[error(transparent)]
    Signature(#[from] xades::CreateError),
    /// What is to be changed is no container, or would not be one afterwards.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// Not ASiC-E with XAdES, or no such signature file in it.
    #[error("not a container with such XAdES signatures")]
    Kind,
}

/// A container that waits for a signature value.
#[derive(Debug)]
pub struct Prepared {
    draft: Draft,
    parts: Vec<Part>,
    /// Everything but the signature, in order.
    entries: Vec<(String, Content)>,
    /// The name of the signature file.
    name: String,
}

/// The digest algorithm in which documents are to be measured.
#[must_use]
pub fn digest_algorithm(signatory: &Signatory<'_>) -> DigestAlgorithm {
    xades::digest_algorithm(signatory)
}

/// Prepares a new container.
///
/// # Errors
/// `Documents` with `Count`, `Name` for twins; `Signature`, with `ContentMissing` for a document that was measured in another algorithm than
/// [`digest_algorithm`] tells.
pub fn prepare(mut parts: Vec<Part>, signatory: &Signatory<'_>) -> Result<Prepared, SignError> {
    // Some room for what is added later.
    let most = usize::try_from(MOST_ENTRIES - 10).unwrap_or(usize::MAX);
    if parts.is_empty() || parts.len() > most {
        return Err(CreateError::Count.into());
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    check_names(parts.iter().map(|part| part.name.as_str())).map_err(CreateError::Name)?;
    let mut entries = vec![(MIMETYPE.to_owned(), Content::Memory(ContainerType::Extended.mime_type().into()))];
    entries.extend(parts.iter().map(|part| (part.name.clone(), Content::Part(part.measured.clone()))));
    entries.push((MANIFEST.to_owned(), Content::Memory(manifest(&parts).into_bytes())));
    Prepared::new(parts, entries, "META-INF/signatures0.xml".to_owned(), signatory)
}

/// META-INF/manifest.xml, OpenDocument 1.2 part 3, 3: what is in the container, for programs that go by it. It is not signed.
fn manifest(parts: &[Part]) -> String {
    let entry = |path: &str, media_type: &str| {
        format!(
            "<manifest:file-entry manifest:full-path=\"{}\" manifest:media-type=\"{}\"/>",
            escape(path),
            escape(media_type)
        )
    };
    let root = entry("/", ContainerType::Extended.mime_type());
    let entries = parts.iter().fold(root, |written, part| written + &entry(&part.name, media_type(part)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<manifest:manifest \
         xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" manifest:version=\"1.2\">{entries}</manifest:manifest>\n"
    )
}

/// Names hold no control characters.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn media_type(part: &Part) -> &str {
    part.media_type.as_deref().unwrap_or(UNKNOWN_TYPE)
}

impl Prepared {
    pub(super) fn new(
        parts: Vec<Part>,
        entries: Vec<(String, Content)>,
        name: String,
        signatory: &Signatory<'_>,
    ) -> Result<Self, SignError> {
        let targets: Vec<(String, String)> =
            parts.iter().map(|part| (uri::encode(&part.name), media_type(part).to_owned())).collect();
        let draft = xades::prepare_detached(AROUND, &targets, signatory, &Measures(&parts))?;
        Ok(Self { draft, parts, entries, name })
    }

    /// The name of the signature file that the container will have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is to be signed: ds:SignedInfo in its canonical form.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        self.draft.to_be_signed()
    }

    /// With what.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.draft.algorithm()
    }

    /// The digest to be signed, for tokens that take one; `None` for EdDSA.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.draft.digest()
    }

    /// The container with the value in it, after the whole signature was verified; values as for [`crate::xades::create::Prepared::complete`].
    ///
    /// # Errors
    /// `Signature` with `Value` where it does not verify under the certificate's key.
    pub fn complete(mut self, value: &[u8]) -> Result<Completed, SignError> {
        let signature = self.draft.complete(value, &Measures(&self.parts))?;
        if signature.len() > SIGNATURE_BYTES {
            return Err(ContainerError::MetadataTooLarge.into());
        }
        self.entries.push((self.name, Content::Memory(signature)));
        Ok(Completed::plan(self.entries.iter().map(|(name, content)| (name.as_str(), content.clone())).collect()))
    }
}

/// Documents by their digests, which were taken while they streamed by.
struct Measures<'p>(&'p [Part]);

impl Contents for Measures<'_> {
    fn digest(&self, uri: Option<&str>, algorithm: DigestAlgorithm) -> Option<Digest> {
        let name = uri::decode(uri?)?;
        let part = self.0.iter().find(|part| part.name == name)?;
        Some(part.measured.digest).filter(|digest| digest.algorithm() == algorithm)
    }

    fn octets(&self, _: Option<&str>) -> Option<&[u8]> {
        None
    }
}

#[cfg(test)]
mod tests;
