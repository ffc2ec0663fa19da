//! Authorities that trusted lists recognise, and cease to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use certs::dev::lists;
use certs::trust::Purpose;
use certs::trust_list::{BelievedList, Scheme, ServiceStatus, ServiceType, Services};

/// A world whose root is believed by a list only: granted long ago, and since `withdrawn` not any more.
fn listed(withdrawn: Option<OffsetDateTime>) -> World {
    let mut world = World::new();
    let granted = (ServiceStatus::Granted, NOW - Duration::days(300));
    let states: Vec<_> = withdrawn.map(|at| (ServiceStatus::Withdrawn, at)).into_iter().chain([granted]).collect();
    let root = lists::service("Root", ServiceType::Root(Scheme::Ukrainian), world.pki.root(), &states);
    let list = Arc::new(lists::list("UA", NOW, vec![lists::provider("Provider", vec![root])]));
    let believed = BelievedList { list, purposes: vec![Purpose::Signing, Purpose::TimeStamping] };
    let services = Services::believed(&[believed], &BTreeSet::new());
    world.trust = TrustSnapshot::with_services(vec![], vec![], services, NOW);
    world
}

#[test]
fn a_listed_authority_is_an_anchor() {
    let world = listed(None);
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    assert_passed(&world.validate(&cms, &world.revocation(&signer.certificate, NOW)));
}

#[test]
fn after_it_was_withdrawn_a_signature_needs_a_proof_that_it_is_older() {
    let withdrawn = NOW - Duration::days(10);
    let world = listed(Some(withdrawn));
    let signer = world.signer();
    let cms = world.sign(Content::Attached(DOCUMENT), &signer);
    let outcome = world.validate(&cms, &world.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::NoCertificateChainFoundNoPoe, true, ProblemCode::SignerUntrusted);
    assert_eq!(outcome.report.signatures[0].reasons[0].code, "signature.authority_withdrawn");
    // The authority of the time-stamp was withdrawn as well: its word of an earlier time proves nothing now.
    let stamped = world.stamp(&cms, withdrawn - Duration::days(1));
    let outcome = world.validate(&stamped, &world.revocation(&signer.certificate, NOW));
    assert_refused(&outcome, SubIndication::NoCertificateChainFoundNoPoe, true, ProblemCode::SignerUntrusted);
}

/// The same with a time-stamp of somebody who is still believed.
#[test]
fn a_time_stamp_from_before_saves_it_with_answers_from_before() {
    let withdrawn = NOW - Duration::days(10);
    let (mut old, new) = (listed(Some(withdrawn)), World::new());
    let anchor = new.trust.anchors().to_vec();
    old.trust = TrustSnapshot::with_services(anchor, vec![], old.trust.services().clone(), NOW);
    let signer = old.signer();
    let bare = old.sign(Content::Attached(DOCUMENT), &signer);
    let judge = |cms: &[u8], answered: OffsetDateTime| {
        let mut revocation = old.revocation(&signer.certificate, answered);
        revocation.ocsp.extend(new.revocation(new.pki.tsa_certificate(), NOW).ocsp);
        old.validate(cms, &revocation)
    };
    let after = new.stamp(&bare, withdrawn + Duration::DAY);
    let outcome = judge(&after, NOW);
    assert_refused(&outcome, SubIndication::NoCertificateChainFoundNoPoe, true, ProblemCode::SignerUntrusted);
    // What the withdrawn authority answers today, or is said to have answered, says nothing.
    let before = new.stamp(&bare, withdrawn - Duration::DAY);
    for answered in [NOW, withdrawn - Duration::DAY] {
        let outcome = judge(&before, answered);
        let signature = &outcome.report.signatures[0];
        assert_eq!(signature.sub_indication, Some(SubIndication::RevocationOutOfBoundsNoPoe), "{signature:?}");
        assert_eq!(signature.best_time, "2026-11-12T12:00:00Z");
    }
}
