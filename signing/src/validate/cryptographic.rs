//! Cryptographic verification, EN 319 102-1 5.2.7: the digests of what was signed, and the signature value.

use certs::certificate::Certificate;
use crypto::digest::{Companion, Digest, DigestAlgorithm};
use crypto::key::{KeyError, KeyKind, PublicKey};
use crypto::signature::{SignatureAlgorithm, VerifyError};
use schemas::report::SignedForm;

use crate::asn1::{Element, Reader, Writer, tag};
use crate::cms::{MOST_ATTRIBUTES, SignerInfo};

use super::cause::{Cause, Findings};
use super::format::SignedAttributes;
use super::{Policy, Unsorted};

/// What was signed. Each digest is computed once for all signers.
pub(super) struct Content<'a> {
    attached: Option<&'a [u8]>,
    detached: &'a [Digest],
    computed: Vec<Digest>,
    /// What is hashed beside the content, and beside whatever time-stamps stand over.
    pub(super) companion: Companion<'a>,
}

/// A digest that is there or not.
enum Found {
    Digest(Digest),
    /// Attached and detached content differ.
    Contradiction,
    Nothing,
}

impl<'a> Content<'a> {
    pub(super) fn new(attached: Option<&'a [u8]>, detached: &'a [Digest]) -> Self {
        Self { attached, detached, computed: Vec::new(), companion: Companion::new(&[]) }
    }

    /// The same, where the file that holds the content has yet to be hashed itself.
    pub(super) fn beside(self, companion: Companion<'a>) -> Self {
        Self { companion, ..self }
    }

    pub(super) fn is_attached(&self) -> bool {
        self.attached.is_some()
    }

    /// The digest of the content for a time-stamp.
    ///
    /// # Errors
    /// A cause where there is none.
    pub(super) fn found(&mut self, algorithm: DigestAlgorithm) -> Result<Digest, Cause> {
        match self.digest(algorithm) {
            Found::Digest(digest) => Ok(digest),
            Found::Contradiction => Err(Cause::HashFailure),
            Found::Nothing => Err(Cause::DataNotFound),
        }
    }

    /// The digest of the content. Where it is both inside and given from outside, the two must be the same.
    fn digest(&mut self, algorithm: DigestAlgorithm) -> Found {
        let given = self.detached.iter().find(|digest| digest.algorithm() == algorithm).copied();
        let Some(content) = self.attached else {
            return given.map_or(Found::Nothing, Found::Digest);
        };
        let known = self.computed.iter().find(|digest| digest.algorithm() == algorithm).copied();
        let own = known.unwrap_or_else(|| {
            let own = self.companion.digest(algorithm, &[content]);
            self.computed.push(own);
            own
        });
        match given {
            Some(given) if given != own => Found::Contradiction,
            None if !self.detached.is_empty() => Found::Nothing,
            _ => Found::Digest(own),
        }
    }
}

/// The verified algorithm and form; only where everything holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verified {
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) form: SignedForm,
}

/// Checks digests, algorithms and value. Every failure is a finding; all of them are looked for, since the one that
/// proves most decides the verdict.
pub(super) fn verify(
    signer: &SignerInfo<'_>,
    attributes: &SignedAttributes<'_>,
    certificate: Option<&Certificate>,
    content: &mut Content<'_>,
    policy: &Policy,
    findings: &mut Findings,
) -> Option<Verified> {
    let digest_algorithm = DigestAlgorithm::from_oid(&signer.digest_algorithm.dotted());
    let found = digest_algorithm.map(|algorithm| content.digest(algorithm));
    let hash = check_digest(signer, attributes, found.as_ref(), findings);
    let protected = check_protection(signer, attributes, findings);
    let algorithm = signature_algorithm(signer, digest_algorithm, findings)?;
    let key = public_key(certificate?, findings)?;
    let Some(attributes_der) = signer.signed_attributes_der else {
        let form = verify_content(signer, algorithm, &key, content.attached, found.as_ref(), findings)?;
        return (hash && protected).then_some(Verified { algorithm, form });
    };
    let form = verify_attributes(attributes_der, signer.signature, algorithm, &key, policy, findings)?;
    (hash && protected && attributes.unambiguous).then_some(Verified { algorithm, form })
}

/// The content has the digest that was signed.
fn check_digest(
    signer: &SignerInfo<'_>,
    attributes: &SignedAttributes<'_>,
    found: Option<&Found>,
    findings: &mut Findings,
) -> bool {
    let cause = match (found, attributes.message_digest) {
        (None, _) => Cause::AlgorithmUnknown,
        (Some(Found::Nothing), _) => Cause::DataNotFound,
        (Some(Found::Contradiction), _) => Cause::HashFailure,
        (Some(Found::Digest(_)), None) if signer.signed_attributes_der.is_none() => return true,
        (Some(Found::Digest(own)), Some(signed)) if own.as_bytes() == signed => return true,
        (Some(Found::Digest(_)), Some(_)) => Cause::HashFailure,
        // Format checking has said so.
        (Some(Found::Digest(_)), None) => return false,
    };
    findings.add(cause);
    false
}

/// RFC 6211, 3: the algorithms in the attribute are those of the SignerInfo.
fn check_protection(signer: &SignerInfo<'_>, attributes: &SignedAttributes<'_>, findings: &mut Findings) -> bool {
    let Some(protection) = &attributes.protection else { return true };
    let signature = protection.signature.as_ref();
    let holds = protection.digest.same_as(&signer.digest_algorithm)
        && signature.is_some_and(|algorithm| algorithm.same_as(&signer.signature_algorithm));
    if !holds {
        findings.add(Cause::AlgorithmProtection);
    }
    holds
}

/// The signature algorithm, which must use the digest that the SignerInfo names.
fn signature_algorithm(
    signer: &SignerInfo<'_>,
    digest: Option<DigestAlgorithm>,
    findings: &mut Findings,
) -> Option<SignatureAlgorithm> {
    let identifier = &signer.signature_algorithm;
    let algorithm = SignatureAlgorithm::from_algorithm_identifier(&identifier.dotted(), identifier.parameters, digest);
    let cause = match (algorithm, digest) {
        (Ok(algorithm), Some(digest)) if algorithm.digest_algorithm().is_none_or(|own| own == digest) => {
            return Some(algorithm);
        }
        (Ok(_), Some(_)) | (Err(VerifyError::KeyMismatch), _) => Cause::AlgorithmsDisagree,
        (Ok(_), None) | (Err(_), _) => Cause::AlgorithmUnknown,
    };
    findings.add(cause);
    None
}

fn public_key(certificate: &Certificate, findings: &mut Findings) -> Option<PublicKey> {
    match certificate.public_key() {
        Ok(key) => Some(key.clone()),
        Err(KeyError::SizeOutOfBounds) => {
            findings.add(Cause::WeakAlgorithm);
            None
        }
        Err(KeyError::Malformed) => {
            findings.add(Cause::SignatureWrong);
            None
        }
        Err(_) => {
            findings.add(Cause::AlgorithmUnknown);
            None
        }
    }
}

/// RFC 5652, 5.4: the value is over the DER encoding of the attributes with the tag of a SET.
fn verify_attributes(
    attributes: &[u8],
    signature: &[u8],
    algorithm: SignatureAlgorithm,
    key: &PublicKey,
    policy: &Policy,
    findings: &mut Findings,
) -> Option<SignedForm> {
    let (as_sent, sorted) = signed_forms(attributes)?;
    let (first, form) = match &sorted {
        Some(sorted) => (sorted, SignedForm::DerSorted),
        None => (&as_sent, SignedForm::Der),
    };
    let error = match key.verify(algorithm, first, signature) {
        Ok(()) => return Some(form),
        Err(error) => error,
    };
    let only_as_sent =
        error == VerifyError::Mismatch && sorted.is_some() && key.verify(algorithm, &as_sent, signature).is_ok();
    let tolerated = match policy.unsorted_signed_attributes {
        Unsorted::Refuse => false,
        Unsorted::OfNationalSigners => matches!(key.kind(), KeyKind::Dstu4145(_)),
        Unsorted::Accept => true,
    };
    if only_as_sent && tolerated {
        return Some(SignedForm::AsSent);
    }
    findings.add(if only_as_sent { Cause::AttributesUnsorted } else { cause_of(error) });
    None
}

fn cause_of(error: VerifyError) -> Cause {
    match error {
        VerifyError::Mismatch => Cause::SignatureWrong,
        VerifyError::KeyMismatch => Cause::AlgorithmsDisagree,
        VerifyError::UnsupportedAlgorithm => Cause::AlgorithmUnknown,
    }
}

/// The attributes with the tag of a SET: as sent, and sorted where that differs.
fn signed_forms(attributes: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let content = Element::only(attributes).ok()?.content;
    let as_sent = Writer::new().value(tag::SET, content).into_bytes();
    let members = Reader::new(content).all(MOST_ATTRIBUTES).ok()?;
    if are_sorted(&members) && members.iter().all(has_sorted_values) {
        return Some((as_sent, None));
    }
    let members: Vec<Vec<u8>> = members.iter().map(|member| sorted_values(member.raw)).collect();
    let sorted = Writer::new().set_of(tag::SET, members).into_bytes();
    let differs = sorted != as_sent;
    Some((as_sent, differs.then_some(sorted)))
}

/// Whether members of a SET OF stand in DER order (X.690, 11.6).
fn are_sorted(members: &[Element<'_>]) -> bool {
    members.is_sorted_by(|one, next| one.raw <= next.raw)
}

/// Whether an attribute is one, and its values are in DER order.
fn has_sorted_values(attribute: &Element<'_>) -> bool {
    let values = || {
        let mut reader = attribute.open(tag::SEQUENCE).ok()?;
        reader.oid().ok()?;
        let values = reader.open(tag::SET).ok()?.all(MOST_ATTRIBUTES).ok()?;
        reader.end().ok().map(|()| values)
    };
    values().is_some_and(|values| are_sorted(&values))
}

/// An attribute whose values, a SET OF too, are in DER order.
fn sorted_values(attribute: &[u8]) -> Vec<u8> {
    let sorted = || {
        let mut reader = Element::only(attribute).ok()?.open(tag::SEQUENCE).ok()?;
        let kind = reader.any().ok()?.raw;
        let values = reader.open(tag::SET).ok()?.all(MOST_ATTRIBUTES).ok()?;
        let values = values.iter().map(|value| value.raw.to_vec()).collect();
        Some(Writer::new().nest(tag::SEQUENCE, Writer::new().raw(kind).set_of(tag::SET, values)).into_bytes())
    };
    sorted().unwrap_or_else(|| attribute.to_vec())
}

/// A signature without signed attributes is over the content itself.
fn verify_content(
    signer: &SignerInfo<'_>,
    algorithm: SignatureAlgorithm,
    key: &PublicKey,
    attached: Option<&[u8]>,
    found: Option<&Found>,
    findings: &mut Findings,
) -> Option<SignedForm> {
    let Some(Found::Digest(digest)) = found else { return None };
    // The value of a signature with signed attributes is one over a SET; handing that SET in as the content of a
    // signature without attributes must not make a second, valid signature out of it.
    if attached.is_some_and(looks_like_attributes) {
        findings.add(Cause::AmbiguousContent);
        return None;
    }
    let result = match (algorithm.digest_algorithm(), attached) {
        (Some(_), _) => key.verify_digest(algorithm, digest, signer.signature),
        (None, Some(content)) => key.verify(algorithm, content, signer.signature),
        // EdDSA hashes the message twice: a digest computed while streaming does not help.
        (None, None) => Err(VerifyError::UnsupportedAlgorithm),
    };
    result.map_err(|error| findings.add(cause_of(error))).ok().map(|()| SignedForm::Content)
}

fn looks_like_attributes(content: &[u8]) -> bool {
    let Ok(set) = Element::only(content) else { return false };
    set.tag == tag::SET
        && Reader::new(set.content).all(MOST_ATTRIBUTES).is_ok_and(|members| {
            !members.is_empty()
                && members.iter().all(|member| {
                    member
                        .open(tag::SEQUENCE)
                        .and_then(|mut reader| {
                            reader.oid()?;
                            reader.expect(tag::SET)
                        })
                        .is_ok()
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(number: u8, values: &[&[u8]]) -> Vec<u8> {
        let values = values.iter().fold(Writer::new(), |writer, value| writer.value(tag::OCTET_STRING, value));
        Writer::new().nest(tag::SEQUENCE, Writer::new().oid(&[0x2a, number]).nest(tag::SET, values)).into_bytes()
    }

    #[test]
    fn both_forms_of_unsorted_attributes_are_kept() {
        let (low, high) = (attribute(1, &[b"x"]), attribute(2, &[b"x"]));
        let set = |members: &[&[u8]], tag| Writer::new().value(tag, &members.concat()).into_bytes();
        let (as_sent, sorted) = signed_forms(&set(&[&high, &low], 0xa0)).unwrap();
        assert_eq!(as_sent, set(&[&high, &low], tag::SET));
        assert_eq!(sorted, Some(set(&[&low, &high], tag::SET)));
        assert_eq!(signed_forms(&set(&[&low, &high], 0xa0)).unwrap().1, None);
        let values_unsorted = attribute(1, &[b"b", b"a"]);
        assert_eq!(
            signed_forms(&set(&[&values_unsorted], 0xa0)).unwrap().1,
            Some(set(&[&attribute(1, &[b"a", b"b"])], tag::SET))
        );
    }

    #[test]
    fn attributes_in_the_place_of_content_are_recognised() {
        let set = Writer::new().value(tag::SET, &attribute(1, &[b"x"])).into_bytes();
        assert!(looks_like_attributes(&set));
        assert!(!looks_like_attributes(b"1 is the first digit"));
        assert!(!looks_like_attributes(&[tag::SET, 0]));
    }
}
