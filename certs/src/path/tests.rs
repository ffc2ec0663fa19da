use super::*;
use crate::asn1::{oid, tag, write};
use crate::dev::forge::{Forge, NOW};
use crate::dev::{DevPki, Identity, Profile, Usage};
use crate::trust::TrustAnchor;
use crypto::key::{Curve, KeyKind};
use time::Duration;

const EVERY: [Purpose; 5] =
    [Purpose::Signing, Purpose::TlsClient, Purpose::Encryption, Purpose::TimeStamping, Purpose::OcspSigning];

fn trusting(anchor: &Certificate) -> TrustSnapshot {
    let anchor = TrustAnchor { certificate: anchor.clone(), purposes: EVERY.to_vec() };
    TrustSnapshot::new(vec![anchor], Vec::new(), NOW)
}

fn find(
    leaf: &Certificate,
    pool: &[Certificate],
    anchor: &Certificate,
    purpose: Purpose,
) -> Result<VerifiedPath, PathError> {
    verify(leaf, pool, &trusting(anchor), purpose, NOW, &mut Budget::default())
}

fn pki() -> DevPki {
    DevPki::new(NOW, Duration::days(30), "").unwrap()
}

fn issue(pki: &DevPki, usage: Usage) -> Identity {
    let profile = Profile {
        common_name: "leaf".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::days(2),
        not_after: NOW + Duration::days(2),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap()
}

/// The error that names `certificate`, from the constructor of its variant.
macro_rules! about {
    ($variant:ident, $certificate:expr) => {
        PathError::$variant { subject: $certificate.subject() }
    };
}

#[test]
fn each_usage_serves_its_purposes_and_no_other() {
    let pki = pki();
    let pool = [pki.issuing_ca().clone()];
    let table = [
        (Usage::TlsServer, &[][..]),
        (Usage::TlsClient, &[Purpose::TlsClient]),
        (Usage::Signing, &[Purpose::Signing]),
        (Usage::Seal, &[Purpose::Signing]),
        (Usage::Encryption, &[Purpose::Encryption]),
        (Usage::TimeStamping, &[Purpose::TimeStamping]),
        (Usage::OcspResponder, &[Purpose::OcspSigning]),
    ];
    for (usage, serves) in table {
        let leaf = issue(&pki, usage).certificate;
        for purpose in EVERY {
            let found = find(&leaf, &pool, pki.root(), purpose);
            assert_eq!(found.is_ok(), serves.contains(&purpose), "{usage:?} for {purpose:?}: {found:?}");
        }
    }
}

#[test]
fn a_time_stamper_has_one_critical_purpose() {
    let root = Forge::authority("root").root();
    let both = Forge::new("leaf").extended_key_usage(true, &[oid::TIME_STAMPING, oid::CLIENT_AUTH]).by(&root);
    let not_critical = Forge::new("leaf").extended_key_usage(false, &[oid::TIME_STAMPING]).by(&root);
    for leaf in [both, not_critical] {
        let found = find(&leaf.certificate, &[], &root.certificate, Purpose::TimeStamping);
        assert_eq!(found.unwrap_err(), about!(ExtendedKeyUsage, leaf.certificate));
    }
}

#[test]
fn the_path_is_what_was_asked_for() {
    let pki = pki();
    let leaf = issue(&pki, Usage::Signing).certificate;
    let path = find(&leaf, &[pki.issuing_ca().clone()], pki.root(), Purpose::Signing).unwrap();
    assert_eq!(path.certificates(), [leaf.clone(), pki.issuing_ca().clone(), pki.root().clone()]);
    assert_eq!((path.leaf(), path.issuer(), path.anchor()), (&leaf, pki.issuing_ca(), pki.root()));
    assert_eq!((path.verified_at(), path.purpose()), (NOW, Purpose::Signing));
    assert_eq!(find(&leaf, &[], pki.root(), Purpose::Signing).unwrap_err(), PathError::NoPath);
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::TlsClient] };
    let trust = TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW);
    let found = verify(&leaf, &[], &trust, Purpose::Signing, NOW, &mut Budget::default());
    assert_eq!(found.unwrap_err(), PathError::NoPath, "trusted for something else");
}

#[test]
fn strangers_and_impostors_find_no_path() {
    let (ours, theirs) = (pki(), pki());
    let leaf = issue(&theirs, Usage::Signing).certificate;
    let pool = [theirs.issuing_ca().clone(), theirs.root().clone()];
    assert_eq!(find(&leaf, &pool, ours.root(), Purpose::Signing).unwrap_err(), PathError::NoPath);
    let impostor = Forge::authority("root").root();
    let leaf = Forge::new("leaf").by(&impostor).certificate;
    let real = Forge::authority("root").root();
    assert_eq!(find(&leaf, &[], &real.certificate, Purpose::Signing).unwrap_err(), about!(SignatureWrong, leaf));
    let alone = Forge::new("leaf").root().certificate;
    let pool = [alone.clone()];
    assert_eq!(find(&alone, &pool, &real.certificate, Purpose::Signing).unwrap_err(), PathError::NoPath);
}

#[test]
fn dates_hold_to_the_second_for_all_but_the_anchor() {
    let root = Forge::authority("root").between(NOW - Duration::days(9), NOW - Duration::days(8)).root();
    let (from, to) = (NOW - Duration::hours(1), NOW + Duration::hours(1));
    let leaf = Forge::new("leaf").between(from, to).by(&root).certificate;
    let trust = trusting(&root.certificate);
    let at = |at| verify(&leaf, &[], &trust, Purpose::Signing, at, &mut Budget::default()).map(|_| ());
    assert_eq!(at(from), Ok(()));
    assert_eq!(at(to + Duration::milliseconds(999)), Ok(()));
    assert_eq!(at(from - Duration::milliseconds(1)), Err(about!(NotYetValid, leaf)));
    assert_eq!(at(to + Duration::seconds(1)), Err(about!(Expired, leaf)));
    let old = Forge::authority("old").between(from, NOW - Duration::minutes(1)).by(&root);
    let below = Forge::new("below").by(&old).certificate;
    let pool = [old.certificate.clone()];
    let found = find(&below, &pool, &root.certificate, Purpose::Signing);
    assert_eq!(found.unwrap_err(), about!(Expired, old.certificate));
}

#[test]
fn a_leaf_that_is_an_anchor_is_believed_within_its_dates_and_usage() {
    let leaf = Forge::new("leaf").key_usage(1).root().certificate;
    let path = find(&leaf, &[], &leaf, Purpose::Signing).unwrap();
    assert_eq!((path.certificates().len(), path.issuer()), (1, &leaf));
    assert_eq!(find(&leaf, &[], &leaf, Purpose::Encryption).unwrap_err(), about!(KeyUsage, leaf));
    let old = Forge::new("leaf").between(NOW - Duration::days(2), NOW - Duration::days(1)).root().certificate;
    assert_eq!(find(&old, &[], &old, Purpose::Signing).unwrap_err(), about!(Expired, old));
}

/// What an intermediate may be, and what then becomes of the certificate below it.
#[test]
fn intermediates_must_be_authorities() {
    let root = Forge::authority("root").root();
    let judge = |forge: Forge| {
        let middle = forge.by(&root);
        let leaf = Forge::new("leaf").by(&middle).certificate;
        let pool = [middle.certificate.clone()];
        let found = find(&leaf, &pool, &root.certificate, Purpose::Signing);
        (found.map(|_| ()), middle.certificate)
    };
    let unknown = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1");
    let ca = [0x30, 3, 1, 1, 0xff];
    assert_eq!(judge(Forge::authority("m")).0, Ok(()));
    assert_eq!(judge(Forge::new("m").basic_constraints(&ca)).0, Ok(()), "without key usage");
    let (found, middle) = judge(Forge::new("m").key_usage(1 << 5));
    assert_eq!(found, Err(about!(NotCa, middle)));
    let (found, middle) = judge(Forge::new("m").basic_constraints(&ca).key_usage(1));
    assert_eq!(found, Err(about!(KeyUsage, middle)));
    let (found, middle) = judge(Forge::authority("m").with(&unknown, true, &[5, 0]));
    assert_eq!(found, Err(about!(UnknownCriticalExtension, middle)));
    assert_eq!(judge(Forge::authority("m").with(&unknown, false, &[5, 0])).0, Ok(()));
    let (found, middle) = judge(Forge::new("m").basic_constraints(&[0x30, 2, 1, 1]));
    assert_eq!(found, Err(about!(MalformedExtension, middle)));
}

#[test]
fn path_length_counts_intermediates_that_are_not_self_issued() {
    let root = Forge::authority("root").root();
    let top = Forge::new("top").basic_constraints(&[0x30, 6, 1, 1, 0xff, 2, 1, 0]).by(&root);
    let renewed = Forge::authority("top").by(&top);
    let below = Forge::authority("below").by(&renewed);
    let pool = [&top, &renewed, &below].map(|identity| identity.certificate.clone());
    let fits = Forge::new("leaf").by(&renewed).certificate;
    assert_eq!(find(&fits, &pool, &root.certificate, Purpose::Signing).unwrap().certificates().len(), 4);
    let too_long = Forge::new("leaf").by(&below).certificate;
    assert_eq!(find(&too_long, &pool, &root.certificate, Purpose::Signing).unwrap_err(), PathError::PathLength);
}

#[test]
fn a_constraint_that_cannot_be_judged_refuses() {
    let constraint = |base: &[u8]| {
        let subtrees = write::constructed(tag::constructed(1), &[&write::sequence(&[base])]);
        write::sequence(&[&subtrees])
    };
    // registeredID, in the constraint and among the names.
    let form = write::element(tag::context(8), &[0x2a, 3]);
    let root = Forge::authority("root").with(&oid::NAME_CONSTRAINTS, true, &constraint(&form)).root();
    let without = Forge::new("leaf").by(&root).certificate;
    assert!(find(&without, &[], &root.certificate, Purpose::Signing).is_ok());
    let with = Forge::new("leaf").with(&oid::SUBJECT_ALT_NAME, false, &write::sequence(&[&form])).by(&root).certificate;
    let found = find(&with, &[], &root.certificate, Purpose::Signing);
    assert_eq!(found.unwrap_err(), about!(NameConstraint, with));
}

#[test]
fn the_best_of_several_paths_counts_and_else_the_most_specific_failure() {
    let root = Forge::authority("root").root();
    let middle = Forge::authority("middle").by(&root);
    let (past, later) = (NOW - Duration::days(5), NOW - Duration::days(4));
    let expired = Forge::authority("middle").between(past, later).cross(&root, &middle);
    let no_ca = Forge::new("middle").cross(&root, &middle);
    let leaf = Forge::new("leaf").by(&middle).certificate;
    let found = |pool: &[Certificate]| find(&leaf, pool, &root.certificate, Purpose::Signing).map(|_| ());
    assert_eq!(found(&[expired.clone(), no_ca.clone(), middle.certificate.clone()]), Ok(()));
    assert_eq!(found(&[expired.clone(), no_ca.clone()]), Err(about!(NotCa, no_ca)));
    assert_eq!(found(&[no_ca.clone(), expired.clone()]), Err(about!(NotCa, no_ca)));
    assert_eq!(found(std::slice::from_ref(&expired)), Err(about!(Expired, expired)));
}

#[test]
fn a_failure_tells_what_was_tried() {
    let (root, elsewhere) = (Forge::authority("root").root(), Forge::authority("elsewhere").root());
    let middle = Forge::authority("middle").by(&root);
    let no_ca = Forge::new("middle").cross(&root, &middle);
    let stray = Forge::authority("middle").cross(&elsewhere, &middle);
    let leaf = Forge::new("leaf").by(&middle).certificate;
    let pool = [no_ca.clone(), stray.clone()];
    let (trust, requirements) = (trusting(&root.certificate), Requirements::default());
    let failure = verify_with(&leaf, &pool, &trust, Purpose::Signing, NOW, &requirements, &mut Budget::default());
    let refused = Attempt {
        certificates: vec![leaf.clone(), no_ca.clone(), root.certificate.clone()],
        reason: about!(NotCa, no_ca),
    };
    let lost = Attempt { certificates: vec![leaf, stray], reason: PathError::NoPath };
    let expected = Failure { reason: about!(NotCa, no_ca), tried: vec![refused, lost], left_out: 0 };
    assert_eq!(failure.unwrap_err(), expected);
}

#[test]
fn the_anchor_has_dates_where_rules_for_issuers_are_asked_for() {
    let (past, later) = (NOW - Duration::days(9), NOW - Duration::days(8));
    let root = Forge::authority("root").between(past, later).root();
    let leaf = Forge::new("leaf").by(&root).certificate;
    let judge = |rules| {
        let requirements = Requirements { rules, ..Requirements::default() };
        let trust = trusting(&root.certificate);
        let found = verify_with(&leaf, &[], &trust, Purpose::Signing, NOW, &requirements, &mut Budget::default());
        found.map(|_| ()).map_err(|failure| failure.reason)
    };
    assert_eq!(judge(IssuerRules::Path), Ok(()));
    assert_eq!(judge(IssuerRules::Rfc5280), Err(about!(Expired, root.certificate)));
}

#[test]
fn a_chain_longer_than_the_budget_is_given_up() {
    let root = Forge::authority("root").root();
    let mut pool = Vec::new();
    let mut issuer = Forge::authority("0").by(&root);
    for number in 1..7 {
        pool.push(issuer.certificate.clone());
        issuer = Forge::authority(&number.to_string()).by(&issuer);
    }
    pool.push(issuer.certificate.clone());
    let leaf = Forge::new("leaf").by(&issuer).certificate;
    let found = find(&leaf, &pool, &root.certificate, Purpose::Signing);
    assert_eq!(found.unwrap_err(), PathError::BudgetExceeded);
    let mut wider = Budget { path_length: 9, ..Budget::default() };
    let path = verify(&leaf, &pool, &trusting(&root.certificate), Purpose::Signing, NOW, &mut wider).unwrap();
    assert_eq!(path.certificates().len(), 9);
}

/// An authority that requires a policy is obeyed, and the policies that hold are told.
#[test]
fn policies_are_required_and_told() {
    let policy = const_oid::ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.2.2");
    let policies = write::sequence(&[&write::sequence(&[&write::oid(&policy)])]);
    let require = write::sequence(&[&write::element(tag::context(0), &[0])]);
    let root = Forge::authority("root").root();
    let middle = Forge::authority("middle")
        .with(&oid::CERTIFICATE_POLICIES, false, &policies)
        .with(&oid::POLICY_CONSTRAINTS, true, &require)
        .by(&root);
    let pool = [middle.certificate.clone()];
    let with = Forge::new("leaf").with(&oid::CERTIFICATE_POLICIES, false, &policies).by(&middle).certificate;
    let path = find(&with, &pool, &root.certificate, Purpose::Signing).unwrap();
    assert_eq!(path.policies(), &PolicySet::These([policy.to_string()].into()));
    let without = Forge::new("leaf").by(&middle).certificate;
    assert_eq!(find(&without, &pool, &root.certificate, Purpose::Signing).unwrap_err(), PathError::Policy);
    let policies =
        PolicyRequirements { accepted: Some(["1.2.3".to_owned()].into()), explicit: true, ..Default::default() };
    let wanted = Requirements { policies, ..Default::default() };
    let trust = trusting(&root.certificate);
    let found = verify_with(&with, &pool, &trust, Purpose::Signing, NOW, &wanted, &mut Budget::default());
    assert_eq!(found.unwrap_err().reason, PathError::Policy);
}
