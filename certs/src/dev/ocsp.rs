//! The OCSP responder of the throw-away PKI (RFC 6960).
use super::authority::{extension, signed_with};
use super::{DevPki, Identity, Records};
use crate::asn1::{oid, tag, write};
use crate::revocation::{CertId, OcspRequest};
use crypto::digest::{self, DigestAlgorithm};
use time::{Duration, OffsetDateTime};

/// How long an answer is good.
const ANSWER_LIFE: Duration = Duration::hours(1);
const MALFORMED_REQUEST: u8 = 1;
const INTERNAL_ERROR: u8 = 2;

pub(super) fn answer(pki: &DevPki, request: &[u8], now: OffsetDateTime) -> Vec<u8> {
    let Ok(request) = OcspRequest::read(request) else {
        return refusal(MALFORMED_REQUEST);
    };
    // One signature answers for one issuer: that of the first question. Others' certificates are unknown to it.
    let for_root = request.ids.first().is_some_and(|(id, _)| id.is_of(pki.root()));
    let (issuer, responder) =
        if for_root { (pki.root(), pki.root.identity()) } else { (pki.issuing_ca(), &pki.responder) };
    let records = pki.records();
    let answers: Vec<u8> =
        request.ids.iter().flat_map(|(id, raw)| single(raw, &status(id, id.is_of(issuer), &records), now)).collect();
    drop(records);
    let nonce = request.nonce.map(|nonce| extension(&oid::OCSP_NONCE, false, nonce));
    basic(responder, &answers, nonce.as_deref(), now)
}

/// Status ::= CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL }
fn status(id: &CertId<&[u8]>, is_ours: bool, records: &Records) -> Vec<u8> {
    if !is_ours || !records.issued.contains(id.serial) {
        return write::element(tag::context(2), &[]);
    }
    let Some(revocation) = records.revoked.get(id.serial) else {
        return write::element(tag::context(0), &[]);
    };
    let reason = write::explicit(0, &write::element(tag::ENUMERATED, &[revocation.reason]));
    let reason = if revocation.reason == 0 { Vec::new() } else { reason };
    write::constructed(tag::constructed(1), &[&write::generalized_time(revocation.at), &reason])
}

fn single(id: &[u8], status: &[u8], now: OffsetDateTime) -> Vec<u8> {
    let next_update = write::explicit(0, &write::generalized_time(now + ANSWER_LIFE));
    write::sequence(&[id, status, &write::generalized_time(now), &next_update])
}

fn basic(responder: &Identity, answers: &[u8], nonce: Option<&[u8]>, now: OffsetDateTime) -> Vec<u8> {
    let key_hash = digest::digest(DigestAlgorithm::Sha1, responder.certificate.key_bits());
    let extensions = nonce.map(|nonce| write::explicit(1, &write::sequence(&[nonce])));
    let data = write::sequence(&[
        &write::explicit(2, &write::octet_string(key_hash.as_bytes())),
        &write::generalized_time(now),
        &write::element(tag::SEQUENCE, answers),
        &extensions.unwrap_or_default(),
    ]);
    let certificates = write::explicit(0, &write::sequence(&[responder.certificate.der()]));
    let Ok(basic) = signed_with(&data, &responder.key, &certificates) else {
        return refusal(INTERNAL_ERROR);
    };
    let bytes = write::sequence(&[&write::oid(&oid::OCSP_BASIC), &write::octet_string(&basic)]);
    write::sequence(&[&write::element(tag::ENUMERATED, &[0]), &write::explicit(0, &bytes)])
}

fn refusal(status: u8) -> Vec<u8> {
    write::sequence(&[&write::element(tag::ENUMERATED, &[status])])
}
