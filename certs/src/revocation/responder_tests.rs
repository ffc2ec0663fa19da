//! Delegated OCSP responders that may be revoked themselves (RFC 6960 4.2.2.2.1).
use super::*;
use crate::asn1::{oid, tag, write};
use crate::dev::Identity;
use crate::dev::forge::{Forge, NOW, list_at, raw_extension};
use time::Duration;

const HOUR: Duration = Duration::hours(1);

struct World {
    issuer: Identity,
    leaf: Certificate,
    responder: Identity,
}

impl World {
    fn new(no_check: bool) -> Self {
        let issuer = Forge::authority("issuer").root();
        let leaf = Forge::new("leaf").by(&issuer).certificate;
        let responder = Forge::new("responder").extended_key_usage(false, &[oid::OCSP_SIGNING]);
        let responder = if no_check { responder.with(&oid::OCSP_NO_CHECK, false, &[0x05, 0x00]) } else { responder };
        let responder = responder.by(&issuer);
        Self { issuer, leaf, responder }
    }

    /// The responder's word that the leaf is good.
    fn answer(&self) -> OcspResponse {
        let request = ocsp_request(&self.leaf, &self.issuer.certificate, None);
        let id = OcspRequest::read(&request).unwrap().ids[0].1.to_vec();
        tests::answer_about(&id, &self.responder, NOW)
    }

    /// A list of the issuer that was made at `at` and names the responder with the reason, or nobody.
    fn list(&self, at: OffsetDateTime, reason: Option<u8>) -> Crl {
        let serial = self.responder.certificate.serial();
        let code = |reason| raw_extension(&oid::REASON_CODE, false, &write::element(tag::ENUMERATED, &[reason]));
        let extensions: Vec<Vec<u8>> = reason.into_iter().map(code).collect();
        let entries: Vec<(&[u8], &[Vec<u8>])> = reason.iter().map(|_| (serial, extensions.as_slice())).collect();
        Crl::from_der(&list_at(at, &self.issuer, &entries, &[])).unwrap()
    }

    /// What is known where the list stands beside the responder's answer. The list does not speak of the leaf, so that the
    /// answer alone does.
    fn status(&self, crls: Vec<Crl>, responders: Responders, at: OffsetDateTime) -> Status {
        let data = RevocationData { ocsp: vec![self.answer()], crls };
        status_with(&self.leaf, &self.issuer.certificate, &data, responders, at)
    }
}

fn left_aside(status: Status) -> Vec<RevocationError> {
    match status {
        Status::Unknown { tried } => tried,
        other => panic!("{other:?}"),
    }
}

/// The errors of the OCSP answer, among a list of another scope that speaks of responders only.
fn why(world: &World, list: &Crl, responders: Responders) -> Result<(), RevocationError> {
    let data = RevocationData { ocsp: vec![world.answer()], crls: vec![list.clone()] };
    let mut budget = Budget::default();
    let mut inquiry = Inquiry::new(&[], &data, &[], NOW, &mut budget).demanding(responders);
    inquiry.check_delegate(Some(&world.responder.certificate), &world.issuer.certificate, &[], NOW)
}

#[test]
fn a_responder_that_its_authority_took_back_is_not_believed() {
    let world = World::new(false);
    for reason in [0, 1, 2, 4, 5, 6] {
        let list = world.list(NOW, Some(reason));
        assert_eq!(why(&world, &list, Responders::NotRevoked), Err(RevocationError::ResponderRevoked), "{reason}");
    }
    // And so nothing is left of its answer; what the list says of the leaf itself remains.
    let data = RevocationData { ocsp: vec![world.answer()], crls: vec![world.list(NOW - HOUR, Some(1))] };
    match status(&world.leaf, &world.issuer.certificate, &data, NOW) {
        Status::Good { this_update, .. } => assert_eq!(this_update, NOW - HOUR, "the list's word, not the responder's"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_check_means_that_nobody_asks() {
    let world = World::new(true);
    let list = world.list(NOW, Some(1));
    assert_eq!(why(&world, &list, Responders::KnownGood), Ok(()));
}

#[test]
fn where_no_list_speaks_of_it_the_policy_decides() {
    let world = World::new(false);
    assert!(matches!(world.status(Vec::new(), Responders::NotRevoked, NOW), Status::Good { .. }));
    let unknown = RevocationError::OutOfScope("no current list says that its responder is not revoked");
    assert_eq!(left_aside(world.status(Vec::new(), Responders::KnownGood, NOW)), std::slice::from_ref(&unknown));
    assert_eq!(why(&world, &world.list(NOW, None), Responders::KnownGood), Ok(()));
    let old = world.list(NOW - Duration::days(2), None);
    assert_eq!(why(&world, &old, Responders::KnownGood), Err(unknown), "a list that is out of date");
    assert_eq!(why(&world, &old, Responders::NotRevoked), Ok(()));
    // A stranger's list of the same name.
    let other = World::new(false);
    assert_eq!(why(&world, &other.list(NOW, Some(1)), Responders::NotRevoked), Ok(()));
}

#[test]
fn an_answer_from_before_a_harmless_revocation_counts() {
    let world = World::new(false);
    let before = NOW - HOUR;
    for (reason, believed) in [(4, true), (5, true), (3, true), (0, false), (1, false), (2, false), (6, false)] {
        let data = RevocationData { ocsp: Vec::new(), crls: vec![world.list(NOW, Some(reason))] };
        let mut budget = Budget::default();
        let mut inquiry = Inquiry::new(&[], &data, &[], NOW, &mut budget);
        // The list says that it was revoked at NOW.
        let verdict =
            inquiry.check_delegate(Some(&world.responder.certificate), &world.issuer.certificate, &[], before);
        assert_eq!(verdict.is_ok(), believed, "{reason}");
    }
}

/// Its own answer, and that of a second responder about it, are no lists: they are not asked.
#[test]
fn no_responder_speaks_for_itself() {
    let world = World::new(false);
    let request = ocsp_request(&world.responder.certificate, &world.issuer.certificate, None);
    let id = OcspRequest::read(&request).unwrap().ids[0].1.to_vec();
    let of_itself = tests::answer_about(&id, &world.responder, NOW);
    let data = RevocationData { ocsp: vec![world.answer(), of_itself], crls: Vec::new() };
    let verdict = status_with(&world.leaf, &world.issuer.certificate, &data, Responders::KnownGood, NOW);
    assert_eq!(left_aside(verdict).len(), 2);
}
