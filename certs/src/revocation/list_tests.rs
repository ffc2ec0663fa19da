//! Lists that change, complete and speak for each other (RFC 5280 6.3.3); and very long ones.
use super::crl::{DELTA, SOME_REASONS};
use super::*;
use crate::asn1::{oid, tag, write};
use crate::dev::Identity;
use crate::dev::forge::{Forge, NOW, list, list_at, raw_extension};
use crate::dev::hostile;
use crate::path;
use crate::trust::{Purpose, TrustAnchor, TrustSnapshot};
use time::Duration;

fn number(value: u8) -> Vec<u8> {
    raw_extension(&oid::CRL_NUMBER, false, &[2, 1, value])
}

fn base(value: u8) -> Vec<u8> {
    raw_extension(&oid::DELTA_CRL_INDICATOR, true, &[2, 1, value])
}

fn reason(code: u8) -> Vec<u8> {
    raw_extension(&oid::REASON_CODE, false, &[0x0a, 1, code])
}

/// IssuingDistributionPoint with the given fields.
fn scope(fields: &[&[u8]]) -> Vec<u8> {
    raw_extension(&oid::ISSUING_DISTRIBUTION_POINT, true, &write::sequence(fields))
}

fn data(lists: &[&[u8]]) -> RevocationData {
    let crls = lists.iter().map(|der| Crl::from_der(der).unwrap()).collect();
    RevocationData { ocsp: Vec::new(), crls }
}

fn tried(status: Status) -> Vec<RevocationError> {
    match status {
        Status::Unknown { tried } => tried,
        other => panic!("{other:?}"),
    }
}

struct World {
    issuer: Identity,
    leaf: Certificate,
}

impl World {
    fn new() -> Self {
        let issuer = Forge::authority("issuer").root();
        let leaf = Forge::new("leaf").by(&issuer).certificate;
        Self { issuer, leaf }
    }

    fn list(&self, hours: i64, entry: Option<u8>, extensions: &[Vec<u8>]) -> Vec<u8> {
        let reasons = entry.map(|code| vec![reason(code)]);
        let entries: Vec<(&[u8], &[Vec<u8>])> =
            reasons.iter().map(|reasons| (self.leaf.serial(), reasons.as_slice())).collect();
        list_at(NOW + Duration::hours(hours), &self.issuer, &entries, extensions)
    }

    fn status(&self, lists: &[&[u8]]) -> Status {
        status(&self.leaf, &self.issuer.certificate, &data(lists), NOW)
    }
}

#[test]
fn a_delta_list_changes_the_complete_one_that_it_fits() {
    let world = World::new();
    let complete = world.list(-2, None, &[number(5)]);
    let held = world.list(-2, Some(6), &[number(5)]);
    let revoking = world.list(0, Some(1), &[number(7), base(5)]);
    let lifting = world.list(0, Some(8), &[number(7), base(4)]);
    let silent = world.list(0, None, &[number(7), base(5)]);
    for order in [[&complete, &revoking], [&revoking, &complete]] {
        let found = world.status(&order.map(Vec::as_slice));
        assert_eq!(found, Status::Revoked { at: NOW, reason: Some(1), this_update: NOW });
    }
    let good = Status::Good { this_update: NOW, next_update: Some(NOW + Duration::hours(1)), produced_at: NOW };
    assert_eq!(world.status(&[&held, &lifting]), good, "a hold is lifted");
    assert!(matches!(world.status(&[&held, &silent]), Status::Revoked { reason: Some(6), .. }), "a hold stays");
    assert_eq!(world.status(&[&complete, &silent]), good, "and both are as fresh as the younger");
    let compromised = world.list(-2, Some(1), &[number(5)]);
    assert!(matches!(world.status(&[&compromised, &lifting]), Status::Revoked { .. }), "only a hold can be lifted");
}

#[test]
fn a_delta_list_that_fits_nothing_says_nothing() {
    let world = World::new();
    let complete = world.list(-2, None, &[number(5)]);
    let users = scope(&[&write::element(tag::context(1), &[0xff])]);
    for (why, delta) in [
        ("its base is younger", world.list(0, Some(1), &[number(7), base(6)])),
        ("it is older", world.list(0, Some(1), &[number(5), base(3)])),
        ("it has another scope", world.list(0, Some(1), &[number(7), base(5), users])),
        ("it has no number", world.list(0, Some(1), &[base(5)])),
        ("another key signed it", {
            let entries: [(&[u8], &[Vec<u8>]); 1] = [(world.leaf.serial(), &[])];
            list(&Forge::authority("issuer").root(), &entries, &[number(7), base(5)])
        }),
    ] {
        let found = world.status(&[&complete, &delta]);
        assert!(matches!(found, Status::Good { .. }), "{why}: {found:?}");
        assert_eq!(tried(world.status(&[&delta])), [RevocationError::OutOfScope(DELTA)], "{why}");
    }
}

/// Lists that anybody can add neither hide what an honest one says nor make it worthless.
#[test]
fn false_lists_hide_nothing() {
    let world = World::new();
    let forged = list(&Forge::authority("issuer").root(), &[], &[number(9), base(1)]);
    let false_complete = list(&Forge::authority("issuer").root(), &[], &[number(1)]);
    for (entry, is_good) in [(None, true), (Some(1), false)] {
        let honest = world.list(0, entry, &[number(1)]);
        let mut lists: Vec<&[u8]> = vec![&forged; 150];
        lists.extend([false_complete.as_slice(); 150]);
        lists.push(&honest);
        assert_eq!(matches!(world.status(&lists), Status::Good { .. }), is_good);
        assert_eq!(matches!(world.status(&lists), Status::Revoked { .. }), !is_good);
    }
}

#[test]
fn lists_of_some_reasons_speak_together() {
    let world = World::new();
    // keyCompromise and cACompromise (bits 1 and 2); the other six.
    let some = scope(&[&write::element(tag::context(3), &[0x05, 0x60])]);
    let others = scope(&[&write::element(tag::context(3), &[0x07, 0x1f, 0x80])]);
    let first = world.list(-1, None, std::slice::from_ref(&some));
    let second = world.list(0, None, std::slice::from_ref(&others));
    let good = world.status(&[&first, &second]);
    let before = NOW - Duration::hours(1);
    assert_eq!(good, Status::Good { this_update: before, next_update: Some(NOW), produced_at: before });
    for alone in [&first, &second] {
        assert_eq!(tried(world.status(&[alone])), [RevocationError::OutOfScope(SOME_REASONS)]);
    }
    let revoked = world.list(0, Some(4), &[others]);
    for lists in [vec![&revoked], vec![&first, &revoked], vec![&revoked, &first]] {
        let lists: Vec<&[u8]> = lists.into_iter().map(Vec::as_slice).collect();
        assert!(matches!(world.status(&lists), Status::Revoked { reason: Some(4), .. }));
    }
}

/// A root, an authority below it, a leaf whose lists somebody else signs, and that one's certificate.
struct Indirect {
    root: Identity,
    issuer: Identity,
    signer: Identity,
    leaf: Certificate,
}

impl Indirect {
    fn new(signer: Forge) -> Self {
        let root = Forge::authority("root").root();
        let issuer = Forge::authority("issuer").by(&root);
        let signer = signer.by(&root);
        let leaf = Forge::new("leaf").with(&oid::CRL_DISTRIBUTION_POINTS, false, &Self::point(&signer));
        Self { leaf: leaf.by(&issuer).certificate, root, issuer, signer }
    }

    /// CRLDistributionPoints with `signer` as cRLIssuer.
    fn point(signer: &Identity) -> Vec<u8> {
        let name = write::explicit(4, signer.certificate.subject_der());
        write::sequence(&[&write::sequence(&[&write::explicit(2, &name)])])
    }

    fn statuses(&self, lists: &[&[u8]], helpers: &[Certificate]) -> Vec<Status> {
        let anchor = TrustAnchor { certificate: self.root.certificate.clone(), purposes: vec![Purpose::Signing] };
        let trust = TrustSnapshot::new(vec![anchor], vec![self.issuer.certificate.clone()], NOW);
        let mut budget = Budget::default();
        let path = path::verify(&self.leaf, &[], &trust, Purpose::Signing, NOW, &mut budget).unwrap();
        path_status_with(&path, &data(lists), helpers, NOW, &mut budget)
    }

    fn helpers(&self) -> [Certificate; 1] {
        [self.signer.certificate.clone()]
    }

    /// The signer's list: a certificate of its own with the leaf's number, then the entries of the leaf's issuer.
    fn list(&self, entries: &[&[u8]]) -> Vec<u8> {
        let indirect = scope(&[&write::element(tag::context(4), &[0xff])]);
        let names = write::sequence(&[&write::explicit(4, self.issuer.certificate.subject_der())]);
        let of_issuer = [raw_extension(&oid::CERTIFICATE_ISSUER, true, &names)];
        let mut list_entries: Vec<(&[u8], &[Vec<u8>])> = vec![(self.leaf.serial(), &[])];
        list_entries.push((&[0x7f], &of_issuer));
        list_entries.extend(entries.iter().map(|serial| (*serial, &[][..])));
        list(&self.signer, &list_entries, &[indirect])
    }

    fn root_list(&self, revoked: &[&Certificate]) -> Vec<u8> {
        let entries: Vec<(&[u8], &[Vec<u8>])> = revoked.iter().map(|one| (one.serial(), &[][..])).collect();
        list(&self.root, &entries, &[])
    }
}

#[test]
fn an_indirect_list_speaks_of_the_issuers_that_it_names() {
    let world = Indirect::new(Forge::new("signer").key_usage(1 << 6));
    let (silent, revoking) = (world.list(&[]), world.list(&[world.leaf.serial()]));
    let root = world.root_list(&[]);
    let leaf = |lists: &[&[u8]], helpers: &[Certificate]| world.statuses(lists, helpers).remove(0);
    let silent_data = data(&[&silent]);
    for _ in 0..3 {
        // At the first look-up by walking, then by the index.
        let good = leaf(&[&silent, &root], &world.helpers());
        assert!(matches!(good, Status::Good { .. }), "{good:?}");
        let signer = &world.signer.certificate;
        assert!(silent_data.crls[0].find(&world.leaf).unwrap().is_none());
        assert!(silent_data.crls[0].check_signer(signer).is_ok());
        assert!(matches!(leaf(&[&revoking, &root], &world.helpers()), Status::Revoked { .. }));
    }
    let unknown = tried(leaf(&[&silent, &root], &[]));
    assert!(unknown.contains(&RevocationError::OtherCertificate), "without its signer's certificate: {unknown:?}");
}

#[test]
fn a_list_is_worth_what_its_signer_is() {
    let refused = |world: &Indirect, root: &[u8]| {
        let silent = world.list(&[]);
        tried(world.statuses(&[&silent, root], &world.helpers()).remove(0))
    };
    let world = Indirect::new(Forge::new("signer").key_usage(1 << 6));
    let revoked = world.root_list(&[&world.signer.certificate]);
    assert!(refused(&world, &revoked).contains(&RevocationError::ResponderNotAuthorised), "revoked itself");
    let elsewhere = list(&Forge::authority("elsewhere").root(), &[], &[]);
    assert!(refused(&world, &elsewhere).contains(&RevocationError::ResponderNotAuthorised), "of unknown status");
    let other_use = Indirect::new(Forge::new("signer").key_usage(1));
    let root = other_use.root_list(&[]);
    assert!(refused(&other_use, &root).contains(&RevocationError::ResponderNotAuthorised), "not for lists");
    let late = Forge::new("signer").between(NOW - Duration::days(9), NOW - Duration::days(8));
    let late = Indirect::new(late);
    let root = late.root_list(&[]);
    assert!(refused(&late, &root).contains(&RevocationError::ResponderNotAuthorised), "expired");
}

/// Silence of a list that was made after the certificate expired means nothing, unless it says that it keeps such ones.
#[test]
fn expired_certificates_leave_the_lists() {
    let issuer = Forge::authority("issuer").root();
    let (from, to) = (NOW - Duration::days(3), NOW - Duration::days(1));
    let leaf = Forge::new("leaf").between(from, to).by(&issuer).certificate;
    let judge = |der: &[u8]| status(&leaf, &issuer.certificate, &data(&[der]), NOW);
    assert_eq!(tried(judge(&list(&issuer, &[], &[]))), [RevocationError::OutOfScope(EXPIRED_BEFORE)]);
    assert!(matches!(judge(&list(&issuer, &[(leaf.serial(), &[])], &[])), Status::Revoked { .. }));
    let since = write::generalized_time(from);
    let keeps = [raw_extension(&oid::EXPIRED_CERTS_ON_CRL, false, &since)];
    assert!(matches!(judge(&list(&issuer, &[], &keeps)), Status::Good { .. }));
    let since = [raw_extension(&oid::EXPIRED_CERTS_ON_CRL, false, &write::generalized_time(NOW))];
    assert_eq!(tried(judge(&list(&issuer, &[], &since))), [RevocationError::OutOfScope(EXPIRED_BEFORE)]);
    let in_time = list_at(to - Duration::hours(2), &issuer, &[], &[]);
    assert!(matches!(judge(&in_time), Status::Good { .. }));
}

/// Sixty megabytes, made on the fly: every look-up finds the last entry, and the index takes little more than four bytes for
/// each entry. `bench certs` prints the times.
#[test]
fn a_list_of_sixty_megabytes_is_walked_and_not_decoded() {
    let hostile::LongList { list, leaf, issuer, entries } = hostile::long_list(60_000_000, NOW).unwrap();
    let crl = Crl::from_vec(list).unwrap();
    assert!(crl.der().len() >= 60_000_000);
    for _ in 0..3 {
        let fact = crl.fact(&leaf, &issuer).unwrap();
        assert_eq!(fact.revoked, Some(Revoked { at: NOW, reason: Some(4) }));
    }
    let index = crl.index_bytes();
    assert!(index < entries * 9 / 2, "{index} bytes for {entries} entries");
    assert!(crl.der().len() + index < 64 << 20);
}
