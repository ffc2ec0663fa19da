//! ETSI TS 119 612, 5.7: one enveloped XAdES signature over the whole list, by a certificate that was announced beforehand.

use std::sync::Arc;

use certs::certificate::Certificate;
use certs::trust_list::TrustList;
use crypto::digest::{DigestAlgorithm, digest, sha256};
use schemas::report::Indication;
use time::OffsetDateTime;

use crate::validate::suite::Suite;
use crate::xades::{Checked, Fault, NoContents, SignedFacts, XmlSignature, check, signatures};
use crate::xml::canonical::Budget;
use crate::xml::{Limits, Source};

use super::element::ListElement;
use super::refused::ListRefused;

/// Namespace of lists.
const TSL: &str = "http://uri.etsi.org/02231/v2#";

/// A list whose signature verified under a certificate that may sign it. Only [`authenticate`] makes one.
#[derive(Debug, Clone)]
pub struct AuthenticatedList {
    list: Arc<TrustList>,
    signer: Certificate,
}

impl AuthenticatedList {
    /// What it says. Shared, not copied.
    #[must_use]
    pub fn list(&self) -> &Arc<TrustList> {
        &self.list
    }

    /// Who signed it.
    #[must_use]
    pub fn signer(&self) -> &Certificate {
        &self.signer
    }
}

/// Authenticates `octets` as a list signed by one of `signers`, whose certificate is valid at `at` and whose algorithms `suite` relies on
/// then.
///
/// The validity period of the signer's certificate is looked at, its issuer is not: the announcement vouches for the certificate
/// (TS 119 612, 5.7.1).
///
/// # Errors
/// [`ListRefused`]: what is not a list, is not signed as a whole, or by somebody else.
pub fn authenticate(
    octets: &[u8],
    signers: &[Certificate],
    suite: &Suite,
    at: OffsetDateTime,
) -> Result<AuthenticatedList, ListRefused> {
    let (list, digests) = verify(octets, signers)?;
    judge(&list.signer, &digests, suite, at)?;
    Ok(list)
}

/// The same as of the time when the list says that it was issued: for former issues, and for one that was authenticated before.
///
/// # Errors
/// As [`authenticate`].
pub fn authenticate_as_issued(
    octets: &[u8],
    signers: &[Certificate],
    suite: &Suite,
) -> Result<AuthenticatedList, ListRefused> {
    let (list, digests) = verify(octets, signers)?;
    judge(&list.signer, &digests, suite, list.list.issued_at)?;
    Ok(list)
}

/// The list, and the digests that its signature rests on.
fn verify(octets: &[u8], signers: &[Certificate]) -> Result<(AuthenticatedList, Vec<DigestAlgorithm>), ListRefused> {
    let source = Source::read(octets, &Limits::DOCUMENT).map_err(ListRefused::Xml)?;
    let document = source.parse().map_err(ListRefused::Xml)?;
    if !document.root_element().has_tag_name((TSL, "TrustServiceStatusList")) {
        return Err(ListRefused::NotAList);
    }
    let nodes = signatures(&document);
    let node = match nodes.as_slice() {
        [] => return Err(ListRefused::Unsigned),
        [only] if only.parent() == Some(document.root_element()) => *only,
        [_] => return Err(ListRefused::NotTheWhole),
        _ => return Err(ListRefused::SeveralSignatures),
    };
    let signature = XmlSignature::read(node).map_err(ListRefused::Signature)?;
    let mut budget = Budget::for_document(document.text().len());
    let checked = check(&document, &signature, &NoContents, &mut budget);
    let signer = signer_of(&checked, &signature, signers)?;
    let key = signer.public_key().map_err(|_| ListRefused::WeakAlgorithm)?;
    let mut digests = checked.digest_algorithms();
    let verified = checked.verify(key, &mut budget).map_err(worst)?;
    digests.extend(verified.algorithm().digest_algorithm());
    let whole = verified.document_element().ok_or(ListRefused::NotTheWhole)?;
    let list = TrustList::read(ListElement(whole), sha256(octets)).map_err(ListRefused::Content)?;
    Ok((AuthenticatedList { list: Arc::new(list), signer: signer.clone() }, digests))
}

/// What fails for good comes first.
fn worst(faults: Vec<Fault>) -> ListRefused {
    let failed = faults.iter().find(|fault| fault.conclusion().0 == Indication::TotalFailed);
    failed.or(faults.first()).map_or(ListRefused::NotTheWhole, |fault| ListRefused::Signature(*fault))
}

/// The certificate of `signers` that the signed properties refer to (TS 119 612, 5.7.1), whose digest nobody can forge; what KeyInfo
/// brings is looked at only to tell a stranger from a mistake.
fn signer_of<'c>(
    checked: &Checked<'_, '_, '_>,
    signature: &XmlSignature<'_, '_>,
    signers: &'c [Certificate],
) -> Result<&'c Certificate, ListRefused> {
    let signed = checked.unverified_properties().and_then(|found| Some((found.signed?, found.namespace)));
    let (signed, namespace) = signed.ok_or(ListRefused::NoSigningCertificate)?;
    let facts = SignedFacts::read(signed, namespace);
    let reference = facts.certificates.first().ok_or(ListRefused::NoSigningCertificate)?;
    let wanted = reference.digest.map_err(ListRefused::Signature)?;
    let is_meant = |der: &[u8]| digest(wanted.algorithm(), der) == wanted;
    signers.iter().find(|signer| is_meant(signer.der())).ok_or_else(|| {
        let brought = signature.certificates.iter().find(|der| is_meant(der));
        let name = brought.and_then(|der| Certificate::from_der(der).ok()).map(|certificate| certificate.subject());
        ListRefused::Stranger(name)
    })
}

/// Whether certificate, key and digests are relied on at `at`.
fn judge(
    signer: &Certificate,
    digests: &[DigestAlgorithm],
    suite: &Suite,
    at: OffsetDateTime,
) -> Result<(), ListRefused> {
    if at < signer.not_before() || at > signer.not_after() {
        return Err(ListRefused::SignerExpired(signer.not_after()));
    }
    let is_key_good = signer.public_key().is_ok_and(|key| suite.key(key.kind()).covers(at));
    let are_digests_good = digests.iter().all(|digest| suite.digest(*digest).covers(at));
    (is_key_good && are_digests_good).then_some(()).ok_or(ListRefused::WeakAlgorithm)
}
