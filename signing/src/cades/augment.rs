//! Longer life for a signature: a time-stamp (level T), validation data (LT), archive time-stamps (LTA). EN 319 122-1, 5.5 and 6.3.
//!
//! Nothing here fetches or judges: tokens, certificates and answers come from the caller, who has validated the signature with
//! them. What is added changes nothing that is signed or stamped.

use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::timestamp::TstInfo;
use crypto::digest::{Digest, DigestAlgorithm, Digester, digest};

use crate::asn1::{Writer, oid, tag};
use crate::cms::{SignedData, SignerInfo};
use crate::validate::signature_id;

use super::SignError;
use super::assemble::{edit, token, with_unsigned};
use super::attributes::digest_identifier;

/// The number of the signature with this identifier, as the report gives it ([`schemas::report::SignatureReport::id`]). Numbers are of one
/// file: SignerInfos are sorted (X.690, 11.6), so that whatever is added to one of several may give all of them others. Identifiers stay.
///
/// # Errors
/// `Signature` if `cms` is not SignedData with such a signature; `Superseded`.
pub fn signer_with_id(cms: &[u8], id: &str) -> Result<usize, SignError> {
    edit(cms, 0, |_, signed, _| {
        signed.signers.iter().position(|signer| signature_id(signer) == id).ok_or(SignError::Signature)
    })
}

/// Digest of a signature value, to be time-stamped (EN 319 122-1, 5.3). `signer`: which signature of the file, from 0; see
/// [`signer_with_id`] where there are several.
///
/// # Errors
/// `Signature` if `cms` is not SignedData with such a signer.
pub fn signature_imprint(cms: &[u8], signer: usize, algorithm: DigestAlgorithm) -> Result<Digest, SignError> {
    edit(cms, signer, |_, _, chosen| Ok(digest(algorithm, chosen.signature)))
}

/// Adds a signature-time-stamp (level T). `stamp`: a ContentInfo, as [`certs::timestamp::token_of_response`] gives it. Whether it
/// proves anything is for validation to say.
///
/// # Errors
/// As [`signature_imprint`]; `Superseded`; `Timestamp` if `stamp` is no SignedData.
pub fn add_signature_timestamp(cms: &[u8], signer: usize, stamp: &[u8]) -> Result<Vec<u8>, SignError> {
    let stamp = token(stamp)?;
    edit(cms, signer, |mut assembly, _, chosen| {
        if let Some(slot) = assembly.signers.get_mut(signer) {
            *slot = with_unsigned(chosen, oid::SIGNATURE_TIME_STAMP, &stamp);
        }
        Ok(assembly.into_der())
    })
}

/// Adds validation data to the file (level LT; EN 319 122-1, 5.4.2 and 6.3): the certificates of the paths of signers, time-stamp
/// authorities and responders, and what tells their status.
///
/// # Errors
/// `Signature`, `Superseded`.
pub fn add_validation_data(
    cms: &[u8],
    certificates: &[Certificate],
    revocation: &RevocationData,
) -> Result<Vec<u8>, SignError> {
    edit(cms, 0, |mut assembly, _, _| {
        certificates.iter().for_each(|certificate| assembly.add_certificate(certificate.der()));
        revocation.crls.iter().for_each(|list| assembly.add_list(list.der()));
        for answer in &revocation.ocsp {
            assembly.add_ocsp(&whole_response(answer.der()));
        }
        Ok(assembly.into_der())
    })
}

/// OCSPResponse of status successful around a BasicOCSPResponse, as CAdES attributes hold it; others as they are.
pub(crate) fn whole_response(der: &[u8]) -> Vec<u8> {
    let is_whole = crate::asn1::Element::only(der)
        .and_then(|response| response.open(tag::SEQUENCE))
        .is_ok_and(|reader| reader.peek() == Some(tag::ENUMERATED));
    if is_whole {
        return der.to_vec();
    }
    let typed = Writer::new().oid(oid::OCSP_BASIC).value(tag::OCTET_STRING, der);
    let bytes = Writer::new().nest(tag::context_constructed(0), Writer::new().nest(tag::SEQUENCE, typed));
    let response = Writer::new().value(tag::ENUMERATED, &[0]).raw(&bytes.into_bytes());
    Writer::new().nest(tag::SEQUENCE, response).into_bytes()
}

/// An archive time-stamp that is being asked for.
#[derive(Debug, Clone)]
pub struct ArchiveRequest {
    cms: Vec<u8>,
    signer: usize,
    imprint: Digest,
    index: Vec<u8>,
}

/// Begins an archive-time-stamp-v3 (level LTA) over everything that the file holds for one signature now. `content`: the
/// digest of detached content, made with `algorithm`.
///
/// # Errors
/// `Signature`, `Superseded`, `ContentMissing`, `DigestMismatch`.
pub fn request_archive_timestamp(
    cms: &[u8],
    signer: usize,
    algorithm: DigestAlgorithm,
    content: Option<Digest>,
) -> Result<ArchiveRequest, SignError> {
    edit(cms, signer, |_, signed, chosen| {
        let content = match (signed.content, content) {
            (Some(bytes), _) => digest(algorithm, bytes),
            (None, Some(content)) if content.algorithm() == algorithm => content,
            (None, Some(_)) => return Err(SignError::DigestMismatch),
            (None, None) => return Err(SignError::ContentMissing),
        };
        let index = hash_index(signed, chosen, algorithm)?;
        let mut hasher = Digester::new(algorithm);
        hasher.update(&Writer::new().oid(signed.content_type).into_bytes());
        hasher.update(content.as_bytes());
        hasher.update(chosen.signed_part);
        hasher.update(&index);
        Ok(ArchiveRequest { cms: cms.to_vec(), signer, imprint: hasher.finish(), index })
    })
}

impl ArchiveRequest {
    /// What the authority is to stamp.
    #[must_use]
    pub fn imprint(&self) -> &Digest {
        &self.imprint
    }

    /// The file with the token, which gets the hash index as an unsigned attribute of its own.
    ///
    /// # Errors
    /// `Timestamp` if it is no token, or one over something else.
    pub fn complete(self, stamp: &[u8]) -> Result<Vec<u8>, SignError> {
        let stamp = token(stamp)?;
        if !is_over(&stamp, &self.imprint) {
            return Err(SignError::Timestamp);
        }
        let stamp = edit(&stamp, 0, |mut assembly, _, authority| {
            if let Some(slot) = assembly.signers.get_mut(0) {
                *slot = with_unsigned(authority, oid::HASH_INDEX_V3, &self.index);
            }
            Ok(assembly.into_der())
        })?;
        edit(&self.cms, self.signer, |mut assembly, _, chosen| {
            if let Some(slot) = assembly.signers.get_mut(self.signer) {
                *slot = with_unsigned(chosen, oid::ARCHIVE_TIME_STAMP_V3, &stamp);
            }
            Ok(assembly.into_der())
        })
    }
}

/// Whether a token says that it is over `imprint`.
pub(crate) fn is_over(token: &[u8], imprint: &Digest) -> bool {
    let info = SignedData::read(token).ok().and_then(|signed| TstInfo::from_der(signed.content?).ok());
    info.is_some_and(|info| info.imprint_oid == imprint.algorithm().oid() && info.imprint == imprint.as_bytes())
}

/// ATSHashIndexV3 over everything there is (EN 319 122-1, 5.5.2).
fn hash_index(
    signed: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    algorithm: DigestAlgorithm,
) -> Result<Vec<u8>, SignError> {
    let hashes = |parts: &mut dyn Iterator<Item = Vec<u8>>| {
        parts.fold(Writer::new(), |list, part| list.value(tag::OCTET_STRING, digest(algorithm, &part).as_bytes()))
    };
    let certificates = hashes(&mut signed.parts.certificates.iter().map(|part| part.to_vec()));
    let revocation = hashes(&mut signed.parts.revocation.iter().map(|part| part.to_vec()));
    let values = signer.unsigned_attributes.iter().flat_map(|attribute| {
        let kind = Writer::new().oid(attribute.oid).into_bytes();
        attribute.values.iter().map(move |value| [&kind, *value].concat())
    });
    let unsigned = hashes(&mut values.into_iter());
    let index = Writer::new()
        .raw(&digest_identifier(algorithm)?)
        .nest(tag::SEQUENCE, certificates)
        .nest(tag::SEQUENCE, revocation)
        .nest(tag::SEQUENCE, unsigned);
    Ok(Writer::new().nest(tag::SEQUENCE, index).into_bytes())
}
