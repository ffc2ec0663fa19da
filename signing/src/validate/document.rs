//! A signature file before and after validation.

use std::ops::Range;

use certs::certificate::Certificate;
use certs::timestamp::TrustedTime;
use crypto::digest::{Companion, Digest, DigestAlgorithm, hex, sha256};
use schemas::report::Report;

use crate::asn1::{Asn1Error, Layers, Limits, normalise};
use crate::cms::{MOST_CERTIFICATES, SignedData};

use super::cause::Findings;
use super::context::certificate_pool;
use super::format::SignedAttributes;
use super::identification;
use super::token;

/// Why a file is no signature that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is not CMS, or it breaks its rules.
    #[error("not a CMS SignedData: {0}")]
    Malformed(&'static str),
    /// It exceeds a budget.
    #[error("larger or deeper than the limits allow")]
    TooComplex,
    /// SignedData without signers, such as a bag of certificates.
    #[error("no signature")]
    NoSignature,
}

impl From<Asn1Error> for ReadError {
    fn from(error: Asn1Error) -> Self {
        match error {
            Asn1Error::Budget => Self::TooComplex,
            Asn1Error::Truncated => Self::Malformed("cut short"),
            Asn1Error::Length => Self::Malformed("malformed length"),
            Asn1Error::Tag => Self::Malformed("malformed tag"),
            Asn1Error::Unexpected => Self::Malformed("unexpected element"),
            Asn1Error::Trailing => Self::Malformed("trailing bytes"),
            Asn1Error::Value => Self::Malformed("malformed value"),
        }
    }
}

/// A parsed, unverified signature file.
pub struct UnverifiedDocument {
    /// The ContentInfo in DER. The only copy of the file, and of the content in it.
    der: Vec<u8>,
    /// SHA-256 of the file. `None`: the file is `der` as it is, and its digest is made when it is asked for.
    file_digest: Option<[u8; 32]>,
    content: Option<Range<usize>>,
    /// The content was inside, and is kept as digests only.
    streamed: bool,
    certificates: Vec<Certificate>,
    digest_algorithms: Vec<DigestAlgorithm>,
    signing_certificates: Vec<Option<Certificate>>,
    detached: Vec<Digest>,
    /// Since when the file is known to have existed.
    existence: Option<TrustedTime>,
}

impl std::fmt::Debug for UnverifiedDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnverifiedDocument").field("sha256", &self.digest_hex(self.companion())).finish_non_exhaustive()
    }
}

impl UnverifiedDocument {
    /// Parses BER or DER CMS SignedData (ContentInfo). Zero bytes after it are padding and are passed over.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadError> {
        Self::read(bytes, None)
    }

    /// Of a file that streamed by: `bytes` is what was kept of it, `digests` are those of the content that was inside.
    pub(super) fn streamed(bytes: &[u8], file: &Digest, digests: Vec<Digest>) -> Result<Self, ReadError> {
        let mut file_digest = [0; 32];
        file_digest.copy_from_slice(file.as_bytes().get(..32).ok_or(ReadError::Malformed("digest"))?);
        let mut document = Self::read(bytes, Some(file_digest))?;
        document.streamed = true;
        document.detached = digests;
        Ok(document)
    }

    fn read(bytes: &[u8], file_digest: Option<[u8; 32]>) -> Result<Self, ReadError> {
        let (der, taken) = normalise(bytes, Layers::SIGNED_DATA, &Limits::default())?;
        if bytes.get(taken..).is_none_or(|rest| rest.iter().any(|byte| *byte != 0)) {
            return Err(ReadError::Malformed("trailing bytes"));
        }
        let signed = SignedData::read(&der)?;
        if signed.signers.is_empty() {
            return Err(ReadError::NoSignature);
        }
        let certificates = certificate_pool(&signed);
        let digest_algorithms = digest_algorithms(&signed);
        let signing_certificates = identify_all(&signed, &certificates);
        // Nothing was changed, so that the octets that are kept are the file's.
        let is_file = std::ptr::eq(der.as_ref(), bytes);
        let file_digest = file_digest.or_else(|| (!is_file).then(|| sha256(bytes)));
        Ok(Self {
            content: signed.content.and_then(|content| range_in(&der, content)),
            streamed: false,
            file_digest,
            certificates,
            digest_algorithms,
            signing_certificates,
            detached: Vec::new(),
            existence: None,
            der: der.into_owned(),
        })
    }

    /// Whether the content is inside.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.content.is_some() || self.streamed
    }

    /// The content, where attached and kept (see [`super::DocumentStream`]). Unverified!
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.der.get(self.content.clone()?)
    }

    /// Digest algorithms that the signers use, and where the content is not inside those of their time-stamps too; the caller
    /// computes these over detached content while it streams.
    #[must_use]
    pub fn digest_algorithms(&self) -> Vec<DigestAlgorithm> {
        self.digest_algorithms.clone()
    }

    /// For each signer the identified signing certificate (by reference, unverified), so that the caller can fetch
    /// revocation data.
    #[must_use]
    pub fn signing_certificates(&self) -> Vec<Option<Certificate>> {
        self.signing_certificates.clone()
    }

    /// Every certificate in the file. Unverified!
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Gives the digests of one detached content (one per algorithm). If the file has content inside as well, the two
    /// must be the same.
    #[must_use]
    pub fn with_detached(mut self, digests: Vec<Digest>) -> Self {
        if !self.streamed {
            self.detached = digests;
        } else if digests
            .iter()
            .any(|given| self.detached.iter().any(|own| own.algorithm() == given.algorithm() && own != given))
        {
            // Contradicting contents: neither is what was signed.
            self.detached.clear();
        }
        self
    }

    /// Gives a time at which the file, as it is, is known to have existed: by a time-stamp over the container that it lies in.
    #[must_use]
    pub fn with_existence(mut self, time: Option<TrustedTime>) -> Self {
        self.existence = time;
        self
    }

    /// Gives further certificates among which signers and issuers may be found; those of the file come first. Unverified, like those.
    #[must_use]
    pub fn with_certificates(mut self, certificates: &[Certificate]) -> Self {
        let known = self.certificates.len();
        for certificate in certificates.iter().take(MOST_CERTIFICATES) {
            if !self.certificates.contains(certificate) {
                self.certificates.push(certificate.clone());
            }
        }
        if self.certificates.len() > known
            && let Ok(signed) = SignedData::read(&self.der)
        {
            self.signing_certificates = identify_all(&signed, &self.certificates);
        }
        self
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn detached(&self) -> &[Digest] {
        &self.detached
    }

    pub(super) fn existence(&self) -> Option<TrustedTime> {
        self.existence
    }

    /// The file, for its digest to be made beside others.
    pub(super) fn companion(&self) -> Companion<'_> {
        Companion::new(if self.file_digest.is_none() { &self.der } else { &[] })
    }

    /// SHA-256 of the file; `companion` is that of [`Self::companion`].
    pub(super) fn digest_hex(&self, companion: Companion<'_>) -> String {
        hex(&self.file_digest.unwrap_or_else(|| companion.finish()))
    }
}

/// Each once.
fn digest_algorithms(signed: &SignedData<'_>) -> Vec<DigestAlgorithm> {
    let mut algorithms = Vec::new();
    let mut add = |algorithm| {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    };
    for signer in &signed.signers {
        DigestAlgorithm::from_oid(&signer.digest_algorithm.dotted()).into_iter().for_each(&mut add);
        // Of content that is inside any digest can be made later.
        if signed.content.is_none() {
            token::content_digests(signer).into_iter().for_each(&mut add);
        }
    }
    algorithms
}

/// For each signer the certificate in `pool` that is referred to.
fn identify_all(signed: &SignedData<'_>, pool: &[Certificate]) -> Vec<Option<Certificate>> {
    let identify = |signer| {
        let mut unheeded = Findings::default();
        let attributes = SignedAttributes::read(signer, Some(signed.content_type), &mut unheeded);
        identification::identify(signer, &attributes, pool, &mut unheeded)
    };
    signed.signers.iter().map(identify).collect()
}

/// Where `part`, a slice of `whole`, lies in it.
fn range_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}

/// Every signature reached TOTAL_PASSED. Only `validate` makes one.
pub struct ValidatedDocument {
    report: Report,
    signers: Vec<Certificate>,
    document: UnverifiedDocument,
}

impl std::fmt::Debug for ValidatedDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ValidatedDocument").field("sha256", &self.report.digest).finish_non_exhaustive()
    }
}

impl ValidatedDocument {
    pub(super) fn new(report: Report, signers: Vec<Certificate>, document: UnverifiedDocument) -> Self {
        Self { report, signers, document }
    }

    /// The report, every signature of which is TOTAL_PASSED.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The verified signing certificates, one for each signature, in the order of the file.
    #[must_use]
    pub fn signers(&self) -> &[Certificate] {
        &self.signers
    }

    /// The verified content, where attached.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.document.content()
    }
}
