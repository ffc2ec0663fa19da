//! Time-stamp validation, EN 319 102-1 5.4: a token is a signature of its own, validated as one, over the imprint.

use certs::path::Budget;
use certs::timestamp::{TrustedTime, TstInfo};
use certs::trust::Purpose;
use crypto::digest::{DigestAlgorithm, digest};

use crate::asn1::{Layers, Limits, normalise, oid};
use crate::cms::{SignedData, SignerInfo};

use super::Context;
use super::basic::{self, Subject};
use super::context::{certificate_pool, embedded_revocation};
use super::cryptographic::Content;
use super::x509::Times;

/// Signature time-stamps of one signer that are looked at. Each costs a chain and its revocation.
const MOST_TOKENS: usize = 8;

/// The earliest time that a signature-time-stamp of `stamped` proves, and whether any token had to be left aside.
pub(super) fn earliest(
    stamped: &Subject<'_>,
    context: &Context<'_>,
    budget: &mut Budget,
) -> (Option<TrustedTime>, bool) {
    let mut earliest: Option<TrustedTime> = None;
    let mut unusable = false;
    for token in tokens(stamped.signer) {
        match validate(token, stamped, context, budget) {
            Some(time) => earliest = Some(earliest.map_or(time, |known| known.min(time))),
            None => unusable = true,
        }
    }
    (earliest, unusable)
}

/// The signature time-stamps that are looked at.
pub(super) fn tokens<'s, 'a>(signer: &'s SignerInfo<'a>) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
    let stamps = signer.unsigned(oid::SIGNATURE_TIME_STAMP);
    stamps.flat_map(|attribute| attribute.values.iter().copied()).take(MOST_TOKENS)
}

/// Validates one token over the signature value of `stamped`; `None` if it proves nothing.
fn validate(token: &[u8], stamped: &Subject<'_>, context: &Context<'_>, budget: &mut Budget) -> Option<TrustedTime> {
    let (der, _) = normalise(token, Layers::SIGNED_DATA, &Limits::default()).ok()?;
    let signed = SignedData::read(&der).ok()?;
    // RFC 3161, 2.4.2: the content is a TSTInfo, and exactly one signature, the authority's, stands over it.
    let ([signer], oid::TST_INFO, Some(content)) = (signed.signers.as_slice(), signed.content_type, signed.content)
    else {
        return None;
    };
    let info = TstInfo::from_der(content).ok()?;
    let imprint = digest(DigestAlgorithm::from_oid(&info.imprint_oid)?, stamped.signer.signature);
    if info.gen_time > context.at {
        return None;
    }
    let mut certificates = certificate_pool(&signed);
    certificates.extend_from_slice(stamped.pool);
    let embedded = embedded_revocation(&signed);
    let joined = (!embedded.ocsp.is_empty() || !embedded.crls.is_empty()).then(|| stamped.known.joined(embedded));
    let subject = Subject {
        signer,
        content_type: signed.content_type,
        pool: &certificates,
        known: joined.as_ref().unwrap_or(stamped.known),
        purpose: Purpose::TimeStamping,
    };
    let core = basic::check_signature(&subject, &mut Content::new(Some(content), &[]), context.policy);
    let outcome = basic::check_trust(core, &subject, Times { at: context.at, best: context.at }, context, budget);
    if !outcome.findings.passed() {
        return None;
    }
    TrustedTime::attest(outcome.path.as_ref()?, &info, &imprint).ok()
}
