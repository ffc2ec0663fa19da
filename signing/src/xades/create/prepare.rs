//! Enveloped signatures in two steps, so that the key may sit on a token or in a browser: what is to be signed, then the value.

use crypto::digest::{Digest, DigestAlgorithm, Digester, hex};
use crypto::signature::SignatureAlgorithm;

use crate::cades::Signatory;
use crate::xades::contents::{Contents, NoContents};
use crate::xml::canonical::Budget;
use crate::xml::{Limits, Source, Target as Found};

use super::draft::Draft;
use super::splice::{Splice, apply};
use super::write::{self, Over, Target, digest_algorithm};
use super::{CreateError, Envelope, Options, cover};

/// A document that lacks one signature value. Between the steps it can be kept or sent as bytes: it holds nothing secret, and whoever
/// changes it gets a document whose value does not verify, which [`Prepared::complete`] refuses.
#[derive(Debug, Clone)]
pub struct Prepared(Draft);

/// A signature over the whole of an XML document, as the last child of its outermost element. The octets around it stay as they are, but
/// that an outermost element without an end tag gets one.
///
/// # Errors
/// `Xml` where the document is none that is read here; `Certificate`, `Algorithm`, `SigningTime`, `MediaType` for arguments that do not fit;
/// `IdTaken`; `Covered` where a signature that is there already would no longer hold; `TooMuchWork`.
pub fn prepare(document: &[u8], signatory: &Signatory<'_>, options: &Options<'_>) -> Result<Prepared, CreateError> {
    let over = match options.envelope {
        Envelope::Document => Over::Document,
        Envelope::DocumentLessSignatures => Over::DocumentLessSignatures,
    };
    let targets = [Target { over, media_type: options.media_type }];
    let id = id_of(document, signatory)?;
    let signature = write::signature(&id, signatory, &targets)?;
    let octets = {
        let source = Source::read(document, &Limits::DOCUMENT)?;
        let parsed = source.parse()?;
        if write::ids(&id, targets.len()).iter().any(|id| parsed.element_by_id(id) != Found::Missing) {
            return Err(CreateError::IdTaken);
        }
        apply(document, vec![Splice::at_end_of(&parsed, parsed.root_element(), &signature)])
    };
    let mut budget = Budget::for_document(octets.len());
    refuse_if_covered(&octets, &id, &mut budget)?;
    Draft::new(&octets, &id, digest_algorithm(signatory), &NoContents, &mut budget).map(Prepared)
}

fn refuse_if_covered(octets: &[u8], id: &str, budget: &mut Budget) -> Result<(), CreateError> {
    let source = Source::read(octets, &Limits::DOCUMENT)?;
    let document = source.parse()?;
    let Found::Element(signature) = document.element_by_id(id) else { return Err(CreateError::IdTaken) };
    // Inside another signature nothing may be added but what the schema has there.
    if document.root_element().has_tag_name((crate::xades::XMLDSIG, "Signature")) {
        return Err(CreateError::Covered);
    }
    cover::check(&document, signature, Some(signature), budget)
}

/// A signature over contents beside it, in a document of its own: the outermost element is `around`, whose start and end tags are given.
pub(crate) fn prepare_detached(
    around: (&str, &str),
    targets: &[(String, String)],
    signatory: &Signatory<'_>,
    contents: &dyn Contents,
) -> Result<Draft, CreateError> {
    let seed: String =
        targets.iter().fold(String::new(), |seed, (uri, media_type)| seed + uri + "\n" + media_type + "\n");
    let by = digest_algorithm(signatory);
    let mut named = seed.into_bytes();
    for (uri, _) in targets {
        let digest = contents.digest(Some(uri), by).ok_or(CreateError::ContentMissing)?;
        named.extend_from_slice(digest.as_bytes());
    }
    let id = id_of(&named, signatory)?;
    let targets: Vec<_> =
        targets.iter().map(|(uri, media_type)| Target { over: Over::Content(uri), media_type }).collect();
    let octets = format!("{}{}{}", around.0, write::signature(&id, signatory, &targets)?, around.1);
    let mut budget = Budget::for_document(octets.len());
    Draft::new(octets.as_bytes(), &id, by, contents, &mut budget)
}

/// An Id that nobody else has by chance, and the same for the same document, signer and time. Begins with a letter (XML 1.0, 3.3.1).
fn id_of(document: &[u8], signatory: &Signatory<'_>) -> Result<String, CreateError> {
    let leaf = signatory.chain.first().ok_or(CreateError::Certificate)?;
    let mut digester = Digester::new(DigestAlgorithm::Sha256);
    digester.update(document);
    digester.update(leaf.der());
    digester.update(&signatory.signing_time.unix_timestamp().to_be_bytes());
    Ok(format!("xades-{}", hex(digester.finish().as_bytes().get(..16).unwrap_or_default())))
}

impl Prepared {
    /// Reads what [`Self::as_bytes`] gave.
    ///
    /// # Errors
    /// `Xml`; `Signature` where no signature, or more than one, lacks its value; `Certificate`, `Algorithm`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CreateError> {
        Draft::from_bytes(bytes).map(Self)
    }

    /// The document with an empty value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What is to be signed: ds:SignedInfo in its canonical form.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        self.0.to_be_signed()
    }

    /// With what.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }

    /// The digest to be signed, for tokens that take one; `None` for EdDSA, which hashes twice.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.0.digest()
    }

    /// The document with its value, after the whole signature was verified. ECDSA values are DER `Ecdsa-Sig-Value`, those of DSTU 4145 the bare
    /// halves.
    ///
    /// # Errors
    /// `Value` where it does not verify under the certificate's key, or the document has changed.
    pub fn complete(self, value: &[u8]) -> Result<Vec<u8>, CreateError> {
        self.0.complete(value, &NoContents)
    }
}
