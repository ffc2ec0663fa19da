use super::crl::{DELTA, SOME_REASONS};
use super::*;
use crate::asn1::{oid, tag, write};
use crate::dev::forge::{Forge, NOW, list, raw_extension};
use crate::dev::{DevPki, Identity, Profile, Usage};
use crate::path::{self, Budget};
use crate::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyKind};
use time::Duration;

fn pki() -> DevPki {
    DevPki::new(NOW, Duration::days(30), "").unwrap()
}

fn issue(pki: &DevPki) -> Certificate {
    let profile = Profile {
        common_name: "leaf".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::days(2),
        not_after: NOW + Duration::days(2),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap().certificate
}

fn ask(pki: &DevPki, certificate: &Certificate, at: OffsetDateTime) -> OcspResponse {
    let request = ocsp_request(certificate, pki.issuing_ca(), None);
    OcspResponse::from_der(&pki.answer_ocsp(&request, at)).unwrap()
}

fn of_ocsp(ocsp: Vec<OcspResponse>) -> RevocationData {
    RevocationData { ocsp, crls: Vec::new() }
}

fn of_crl(der: &[u8]) -> RevocationData {
    RevocationData { ocsp: Vec::new(), crls: vec![Crl::from_der(der).unwrap()] }
}

fn tried(status: Status) -> Vec<RevocationError> {
    match status {
        Status::Unknown { tried } => tried,
        other => panic!("{other:?}"),
    }
}

#[test]
fn good_revoked_and_nothing_known() {
    let pki = pki();
    let certificate = issue(&pki);
    let before = ask(&pki, &certificate, NOW);
    let good = status(&certificate, pki.issuing_ca(), &of_ocsp(vec![before.clone()]), NOW);
    let next_update = Some(NOW + Duration::hours(1));
    assert_eq!(good, Status::Good { this_update: NOW, next_update, produced_at: NOW });
    pki.revoke(&certificate, NOW - Duration::hours(2), 1);
    let after = ask(&pki, &certificate, NOW);
    let revoked = Status::Revoked { at: NOW - Duration::hours(2), reason: Some(1), this_update: NOW };
    // Whatever stands beside it, and in whatever order.
    for answers in [vec![after.clone()], vec![before.clone(), after.clone()], vec![after, before]] {
        assert_eq!(status(&certificate, pki.issuing_ca(), &of_ocsp(answers), NOW), revoked);
    }
    let nothing = status(&certificate, pki.issuing_ca(), &RevocationData::default(), NOW);
    assert_eq!(nothing, Status::Unknown { tried: Vec::new() });
}

#[test]
fn a_revocation_outlives_later_answers_but_a_hold_does_not() {
    for (reason, survives) in [(1, true), (0, true), (6, false)] {
        let pki = pki();
        let certificate = issue(&pki);
        pki.revoke(&certificate, NOW - Duration::hours(2), reason);
        let crl = Crl::from_der(&pki.crl(NOW - Duration::hours(1)).unwrap()).unwrap();
        // A later answer that has not heard of it, by the authority itself.
        let forgetful = answer_by(pki.issuing(), &pki, &certificate, NOW);
        let data = RevocationData { ocsp: vec![forgetful], crls: vec![crl] };
        let status = status(&certificate, pki.issuing_ca(), &data, NOW);
        assert_eq!(matches!(status, Status::Revoked { .. }), survives, "reason {reason}: {status:?}");
    }
}

/// A good answer about `certificate` that `signer` signed.
fn answer_by(signer: &Identity, pki: &DevPki, certificate: &Certificate, at: OffsetDateTime) -> OcspResponse {
    answer_with(signer, pki, certificate, at, &[])
}

/// [`answer_by`] with singleExtensions.
fn answer_with(
    signer: &Identity,
    pki: &DevPki,
    certificate: &Certificate,
    at: OffsetDateTime,
    extensions: &[u8],
) -> OcspResponse {
    let request = ocsp_request(certificate, pki.issuing_ca(), None);
    let id = OcspRequest::read(&request).unwrap().ids[0].1.to_vec();
    signed_answer(&write::sequence(&[&id, &[0x80, 0], &write::generalized_time(at), extensions]), signer, at)
}

/// A good answer about the certificate of a CertID.
pub(super) fn answer_about(id: &[u8], signer: &Identity, at: OffsetDateTime) -> OcspResponse {
    signed_answer(&write::sequence(&[id, &[0x80, 0], &write::generalized_time(at)]), signer, at)
}

/// One SingleResponse, signed.
fn signed_answer(single: &[u8], signer: &Identity, at: OffsetDateTime) -> OcspResponse {
    let name = write::explicit(1, signer.certificate.subject_der());
    let data = write::sequence(&[&name, &write::generalized_time(at), &write::sequence(&[single])]);
    let certs = write::explicit(0, &write::sequence(&[signer.certificate.der()]));
    let basic = {
        use crypto::key::KeyHandle as _;
        let algorithm = signer.key.default_algorithm();
        let signature = write::bit_string(&signer.key.sign(algorithm, &data).unwrap());
        write::sequence(&[&data, &algorithm.to_algorithm_identifier(), &signature, &certs])
    };
    OcspResponse::from_basic_der(&basic).unwrap()
}

#[test]
fn only_the_issuer_and_its_delegates_answer() {
    let pki = pki();
    let certificate = issue(&pki);
    let verdict = |responder: Identity| {
        let answer = answer_by(&responder, &pki, &certificate, NOW);
        status(&certificate, pki.issuing_ca(), &of_ocsp(vec![answer]), NOW)
    };
    let delegate = || Forge::new("responder").extended_key_usage(false, &[oid::OCSP_SIGNING]);
    assert!(matches!(verdict(delegate().by(pki.issuing())), Status::Good { .. }));
    let refused = [RevocationError::ResponderNotAuthorised];
    let (past, later) = (NOW - Duration::days(9), NOW - Duration::days(8));
    let unknown = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
    for (name, responder) in [
        ("without the purpose", Forge::new("responder").by(pki.issuing())),
        ("expired when it answered", delegate().between(past, later).by(pki.issuing())),
        ("of its own making", delegate().root()),
        ("may not sign", delegate().key_usage(1 << 4).by(pki.issuing())),
        ("with an unknown critical extension", delegate().with(&unknown, true, &[5, 0]).by(pki.issuing())),
    ] {
        assert_eq!(tried(verdict(responder)), refused, "{name}");
    }
    // The name of the authority alone is no authority.
    let name = pki.issuing_ca().subject_der().to_vec();
    let impostor = Forge::named(name).extended_key_usage(false, &[oid::OCSP_SIGNING]).root();
    assert_eq!(tried(verdict(impostor)), [RevocationError::SignatureWrong]);
}

#[test]
fn answers_about_others_do_not_count() {
    let pki = pki();
    let (ours, other) = (issue(&pki), issue(&pki));
    let data = of_ocsp(vec![ask(&pki, &other, NOW)]);
    assert_eq!(tried(status(&ours, pki.issuing_ca(), &data, NOW)), [RevocationError::OtherCertificate]);
    let stranger = self::pki();
    let crl = of_crl(&stranger.crl(NOW).unwrap());
    assert_eq!(tried(status(&ours, pki.issuing_ca(), &crl, NOW)), [RevocationError::OtherCertificate]);
    let unknown = Forge::new("never recorded").by(pki.issuing()).certificate;
    let data = of_ocsp(vec![ask(&pki, &unknown, NOW)]);
    let reason = RevocationError::OutOfScope("the responder does not know the certificate");
    assert_eq!(tried(status(&unknown, pki.issuing_ca(), &data, NOW)), [reason]);
}

#[test]
fn nonces_and_refusals() {
    let pki = pki();
    let certificate = issue(&pki);
    let request = ocsp_request(&certificate, pki.issuing_ca(), Some(b"nonce"));
    let answer = OcspResponse::from_der(&pki.answer_ocsp(&request, NOW)).unwrap();
    assert_eq!(answer.check_nonce(b"nonce"), Ok(()));
    assert_eq!(answer.check_nonce(b"other"), Err(RevocationError::NonceMismatch));
    let without = ask(&pki, &certificate, NOW);
    assert_eq!(without.check_nonce(b"nonce"), Err(RevocationError::NonceMismatch));
    let refusal = OcspResponse::from_der(&pki.answer_ocsp(b"?", NOW));
    assert_eq!(refusal.unwrap_err(), RevocationError::ResponderStatus(1));
}

#[test]
fn an_issuer_is_not_taken_for_another_however_often_it_is_asked() {
    let (pki, other) = (pki(), pki());
    let certificate = issue(&pki);
    let issuers = [pki.issuing_ca(), pki.root(), other.issuing_ca()];
    for algorithm in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
        let request = ocsp_request_by(algorithm, &certificate, pki.issuing_ca(), None);
        let request = OcspRequest::read(&request).unwrap();
        let (id, _) = request.ids[0];
        for _ in 0..2 {
            assert_eq!(issuers.map(|issuer| id.is_of(issuer)), [true, false, false], "{algorithm:?}");
        }
    }
}

#[test]
fn questions_may_name_the_certificate_by_any_digest() {
    let pki = pki();
    let certificate = issue(&pki);
    for algorithm in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha512]
        .into_iter()
        .chain([DigestAlgorithm::Gost34311, DigestAlgorithm::Kupyna256])
    {
        let request = ocsp_request_by(algorithm, &certificate, pki.issuing_ca(), None);
        let answer = OcspResponse::from_der(&pki.answer_ocsp(&request, NOW)).unwrap();
        let fact = answer.fact(&certificate, pki.issuing_ca()).unwrap();
        assert_eq!((fact.revoked, fact.this_update), (None, NOW), "{algorithm:?}");
        assert_eq!(answer.responder(), Some(pki.ocsp_certificate()));
        assert!(pki.ocsp_certificate().ocsp_no_check());
    }
}

#[test]
fn an_archive_keeps_expired_certificates_since_its_cutoff() {
    let pki = pki();
    let (from, to) = (NOW - Duration::days(9), NOW - Duration::days(8));
    let expired = Forge::new("expired").between(from, to).by(pki.issuing()).certificate;
    let verdict = |since: Option<OffsetDateTime>| {
        let cutoff =
            since.map(|since| raw_extension(&oid::OCSP_ARCHIVE_CUTOFF, false, &write::generalized_time(since)));
        let extensions = cutoff.map(|cutoff| write::explicit(1, &write::sequence(&[&cutoff]))).unwrap_or_default();
        let answer = answer_with(pki.issuing(), &pki, &expired, NOW, &extensions);
        status(&expired, pki.issuing_ca(), &of_ocsp(vec![answer]), NOW)
    };
    assert_eq!(tried(verdict(None)), [RevocationError::OutOfScope(EXPIRED_BEFORE)]);
    assert_eq!(tried(verdict(Some(NOW))), [RevocationError::OutOfScope(EXPIRED_BEFORE)]);
    assert!(matches!(verdict(Some(from)), Status::Good { .. }));
}

#[test]
fn the_responder_may_be_another_one() {
    let pki = pki();
    let certificate = issue(&pki);
    let responder = Forge::new("new").extended_key_usage(false, &[oid::OCSP_SIGNING]).by(pki.issuing());
    let pki = pki.answer_as(responder);
    let data = of_ocsp(vec![ask(&pki, &certificate, NOW)]);
    assert!(matches!(status(&certificate, pki.issuing_ca(), &data, NOW), Status::Good { .. }));
}

#[test]
fn every_certificate_below_the_anchor_has_its_status() {
    let pki = pki();
    let certificate = issue(&pki);
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW);
    let path = path::verify(&certificate, &[], &trust, Purpose::Signing, NOW, &mut Budget::default()).unwrap();
    pki.revoke(pki.issuing_ca(), NOW - Duration::days(1), 2);
    let of_issuing = ocsp_request(pki.issuing_ca(), pki.root(), None);
    let mut data = of_crl(&pki.crl(NOW).unwrap());
    data.ocsp.push(OcspResponse::from_der(&pki.answer_ocsp(&of_issuing, NOW)).unwrap());
    let statuses = path_status(&path, &data, NOW);
    assert!(matches!(statuses[..], [Status::Good { .. }, Status::Revoked { reason: Some(2), .. }]), "{statuses:?}");
    data = of_crl(&pki.root_crl(NOW).unwrap());
    let statuses = path_status(&path, &data, NOW);
    assert!(matches!(statuses[..], [Status::Unknown { .. }, Status::Revoked { .. }]), "{statuses:?}");
}

/// IssuingDistributionPoint with the given fields.
fn scope(fields: &[u8]) -> Vec<u8> {
    raw_extension(&oid::ISSUING_DISTRIBUTION_POINT, true, &write::sequence(&[fields]))
}

fn uri_point(uri: &str) -> Vec<u8> {
    let names = write::explicit(0, &write::element(tag::context(6), uri.as_bytes()));
    write::explicit(0, &names)
}

#[test]
fn lists_count_only_within_their_scope() {
    let issuer = Forge::authority("issuer").root();
    let points = write::sequence(&[&write::sequence(&[&uri_point("http://crl.test/1")])]);
    let leaf = Forge::new("leaf").with(&oid::CRL_DISTRIBUTION_POINTS, false, &points).by(&issuer).certificate;
    let plain = Forge::new("plain").by(&issuer).certificate;
    let verdict = |certificate: &Certificate, extensions: &[Vec<u8>]| {
        status(certificate, &issuer.certificate, &of_crl(&list(&issuer, &[], extensions)), NOW)
    };
    let flag = |number: u8| write::element(tag::context(number), &[0xff]);
    let is_good = |status: Status| matches!(status, Status::Good { .. });
    let number = raw_extension(&oid::CRL_NUMBER, true, &[2, 1, 1]);
    assert!(is_good(verdict(&leaf, std::slice::from_ref(&number))));
    assert!(is_good(verdict(&leaf, &[scope(&uri_point("http://crl.test/1"))])));
    assert!(is_good(verdict(&leaf, &[scope(&flag(1))])), "users only");
    assert!(!is_good(verdict(&plain, &[scope(&uri_point("http://crl.test/1"))])), "it names no point");
    let unknown = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
    for (extension, reason) in [
        (scope(&uri_point("http://crl.test/2")), "it is of another distribution point"),
        (scope(&flag(2)), "it lists certificates of authorities only"),
        (scope(&write::element(tag::context(3), &[1, 0x40])), SOME_REASONS),
        (scope(&flag(5)), "it lists attribute certificates only"),
        (raw_extension(&oid::DELTA_CRL_INDICATOR, true, &[2, 1, 1]), DELTA),
        (raw_extension(&unknown, true, &[5, 0]), "it has an unknown critical extension"),
    ] {
        assert_eq!(tried(verdict(&leaf, &[extension])), [RevocationError::OutOfScope(reason)]);
    }
    let of_authority =
        status(&issuer.certificate, &issuer.certificate, &of_crl(&list(&issuer, &[], &[scope(&flag(1))])), NOW);
    assert_eq!(tried(of_authority), [RevocationError::OutOfScope("it lists certificates of users only")]);
}

#[test]
fn entries_that_we_do_not_understand_forbid_the_list() {
    let issuer = Forge::authority("issuer").root();
    let leaf = Forge::new("leaf").by(&issuer).certificate;
    let unknown = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
    let strange = [raw_extension(&unknown, true, &[5, 0])];
    let reason = RevocationError::OutOfScope("an entry has an unknown critical extension");
    for serial in [&[7], leaf.serial()] {
        let crl = of_crl(&list(&issuer, &[(leaf.serial(), &[]), (serial, &strange)], &[]));
        for _ in 0..3 {
            let reasons = tried(status(&leaf, &issuer.certificate, &crl, NOW));
            assert_eq!(reasons.first(), Some(&reason));
        }
    }
}

#[test]
fn a_list_needs_a_key_that_may_sign_lists() {
    let issuer = Forge::new("issuer").basic_constraints(&[0x30, 3, 1, 1, 0xff]).key_usage(1 << 5).root();
    let leaf = Forge::new("leaf").by(&issuer).certificate;
    let crl = of_crl(&list(&issuer, &[], &[]));
    assert_eq!(tried(status(&leaf, &issuer.certificate, &crl, NOW)), [RevocationError::ResponderNotAuthorised]);
    let impostor = Forge::authority("issuer").root();
    let crl = of_crl(&list(&impostor, &[], &[]));
    let real = Forge::authority("issuer").root();
    let leaf = Forge::new("leaf").by(&real).certificate;
    assert_eq!(tried(status(&leaf, &real.certificate, &crl, NOW)), [RevocationError::SignatureWrong]);
}
