use certs::trust::TrustSnapshot;
use schemas::report::{Indication, SubIndication, TimestampKind, TimestampReport};
use time::Duration;

use crate::asic::Outcome;
use crate::asic::testing::{Documents, Forge, MANIFEST, Piece, SIGNATURE, Story, deflated, manifest_over, stored};
use crate::testing::{NOW, World};

const DOCUMENTS: Documents<'_> = &[("лист.txt", b"a letter"), ("план.txt", b"a plan")];
const ARCHIVE: &str = "META-INF/ASiCArchiveManifest001.xml";
const STAMP: &str = "META-INF/timestamp001.tst";

fn validate_pieces(story: &Story, pieces: &[Piece]) -> Outcome {
    story.validate(&Forge::of(pieces).bytes).unwrap()
}

#[track_caller]
fn verdict(outcome: &Outcome) -> (Indication, Option<SubIndication>, bool, &str) {
    let [stamp] = outcome.report.timestamps.as_slice() else { panic!("one time-stamp: {:?}", outcome.report) };
    assert_eq!(stamp.kind, TimestampKind::Container);
    let code = stamp.reasons.first().map_or("", |reason| reason.code.as_str());
    (stamp.indication, stamp.sub_indication, stamp.intact, code)
}

/// A signed container with its signature, manifest and documents under an archive manifest, and that under a time-stamp.
fn archived(story: &Story, documents: Documents<'_>) -> Vec<Piece> {
    let mut pieces = story.pieces(DOCUMENTS);
    let (manifest, signature) = (pieces[3].content(), pieces[4].content());
    let mut entries = documents.to_vec();
    entries.extend([(MANIFEST, manifest.as_slice()), (SIGNATURE, signature.as_slice())]);
    let archive = manifest_over(STAMP, &entries);
    pieces.push(deflated(ARCHIVE, &archive));
    pieces.push(stored(STAMP, &story.token(&archive, NOW - Duration::HOUR)));
    pieces
}

#[test]
fn a_time_stamp_over_an_archive_manifest_passes() {
    let story = Story::new();
    let outcome = validate_pieces(&story, &archived(&story, DOCUMENTS));
    assert_eq!(verdict(&outcome), (Indication::TotalPassed, None, true, ""));
    let stamp = &outcome.report.timestamps[0];
    assert_eq!(stamp.time.as_deref(), Some("2026-11-23T11:00:00Z"));
    assert!(stamp.authority.is_some() && outcome.passed.is_some());
}

#[test]
fn a_changed_object_of_an_archive_manifest_fails_the_time_stamp_and_not_the_signature() {
    let story = Story::new();
    let outcome = validate_pieces(&story, &archived(&story, &[DOCUMENTS[0], ("план.txt", b"an older plan")]));
    let failed = (Indication::TotalFailed, Some(SubIndication::HashFailure), false, "container.object_changed");
    assert_eq!(verdict(&outcome), failed);
    assert!(outcome.report.timestamps[0].reasons[0].text_en.contains("план.txt"));
    assert!(outcome.passed.is_some());
}

#[test]
fn a_time_stamp_over_something_else_fails() {
    let story = Story::new();
    let mut pieces = archived(&story, DOCUMENTS);
    pieces[6] = stored(STAMP, &story.token(b"something else", NOW));
    let outcome = validate_pieces(&story, &pieces);
    let (indication, sub, intact, _) = verdict(&outcome);
    assert_eq!((indication, sub, intact), (Indication::TotalFailed, Some(SubIndication::HashFailure), false));
    pieces[6] = stored(STAMP, b"no token");
    let outcome = validate_pieces(&story, &pieces);
    let (indication, sub, intact, _) = verdict(&outcome);
    assert_eq!((indication, sub, intact), (Indication::TotalFailed, Some(SubIndication::FormatFailure), false));
}

#[test]
fn a_time_stamp_without_a_manifest_is_over_nothing() {
    let story = Story::new();
    let mut pieces = archived(&story, DOCUMENTS);
    pieces.remove(5);
    let outcome = validate_pieces(&story, &pieces);
    let (indication, sub, intact, code) = verdict(&outcome);
    assert_eq!((indication, sub, intact), (Indication::Indeterminate, Some(SubIndication::SignedDataNotFound), false));
    assert_eq!(
        (code, outcome.report.unsigned_parts.as_slice()),
        ("container.manifest_missing", &[STAMP.to_owned()][..])
    );
}

#[test]
fn time_stamps_of_documents_pass_and_sign_nothing() {
    let story = Story::new();
    let simple = [stored("a", b"text"), stored("META-INF/timestamp.tst", &story.token(b"text", NOW))];
    let manifest = manifest_over(STAMP, DOCUMENTS);
    let mut extended: Vec<Piece> = DOCUMENTS.iter().map(|(name, content)| deflated(name, content)).collect();
    extended.extend([stored(MANIFEST, &manifest), stored(STAMP, &story.token(&manifest, NOW))]);
    for (pieces, unsigned) in [(&simple[..], vec!["a"]), (&extended, vec!["лист.txt", "план.txt"])] {
        let outcome = validate_pieces(&story, pieces);
        assert_eq!(verdict(&outcome), (Indication::TotalPassed, None, true, ""));
        assert_eq!(outcome.report.unsigned_parts, unsigned);
        assert!(outcome.passed.is_none() && outcome.report.signatures.is_empty());
    }
}

#[test]
fn a_time_stamp_over_the_container_saves_a_signature_whose_certificate_was_revoked_later() {
    let story = Story::new();
    let mut pieces = archived(&story, DOCUMENTS);
    story.world.pki.revoke(&story.signer.certificate, NOW - Duration::minutes(30), 1);
    let revocation = story.world.revocation(&story.signer.certificate, NOW);
    let story = Story { revocation, ..story };
    let outcome = validate_pieces(&story, &pieces);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T11:00:00Z");
    // One that does not cover the signature proves nothing of it.
    let archive = manifest_over(STAMP, &DOCUMENTS[..1]);
    pieces[5] = stored(ARCHIVE, &archive);
    pieces[6] = stored(STAMP, &story.token(&archive, NOW - Duration::HOUR));
    let outcome = validate_pieces(&story, &pieces);
    assert_eq!(verdict(&outcome), (Indication::TotalPassed, None, true, ""));
    assert_eq!(outcome.report.signatures[0].sub_indication, Some(SubIndication::RevokedNoPoe));
    // Nor does one whose manifest does not fit the container, nor one that is over something else.
    let (manifest, signature) = (pieces[3].content(), pieces[4].content());
    let archive =
        manifest_over(STAMP, &[(MANIFEST, &manifest), (SIGNATURE, &signature), ("план.txt", b"an older plan")]);
    pieces[5] = stored(ARCHIVE, &archive);
    pieces[6] = stored(STAMP, &story.token(&archive, NOW - Duration::HOUR));
    let outcome = validate_pieces(&story, &pieces);
    assert_eq!(outcome.report.signatures[0].sub_indication, Some(SubIndication::RevokedNoPoe));
    pieces[6] = stored(STAMP, &story.token(b"something else", NOW - Duration::HOUR));
    let outcome = validate_pieces(&story, &pieces);
    assert_eq!(outcome.report.signatures[0].sub_indication, Some(SubIndication::RevokedNoPoe));
}

#[test]
fn a_later_time_stamp_saves_an_earlier_one_whose_authority_was_revoked_since() {
    let (story, other) = (Story::new(), Story::new());
    let mut pieces = archived(&story, DOCUMENTS);
    let archive = pieces[5].content();
    let inner = other.token(&archive, NOW - Duration::hours(3));
    pieces[6] = stored(STAMP, &inner);
    other.world.pki.revoke(other.world.pki.tsa_certificate(), NOW - Duration::HOUR, 1);
    let mut revocation = story.revocation.clone();
    revocation.ocsp.extend(other.world.revocation(&other.signer.certificate, NOW).ocsp);
    let anchors = [story.world.trust.anchors(), other.world.trust.anchors()].concat();
    let world = World { trust: TrustSnapshot::new(anchors, vec![], NOW), pki: story.world.pki };
    let story = Story { world, revocation, signer: story.signer };

    let outcome = validate_pieces(&story, &pieces);
    let (indication, sub, intact, _) = verdict(&outcome);
    assert_eq!((indication, sub, intact), (Indication::Indeterminate, Some(SubIndication::RevokedNoPoe), true));
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T12:00:00Z");

    let renewal = manifest_over("META-INF/timestamp002.tst", &[(STAMP, &inner), (ARCHIVE, &archive)]);
    pieces.push(deflated("META-INF/ASiCArchiveManifest002.xml", &renewal));
    pieces.push(stored("META-INF/timestamp002.tst", &story.token(&renewal, NOW - Duration::hours(2))));
    let outcome = validate_pieces(&story, &pieces);
    let passed = |stamp: &TimestampReport| stamp.indication == Indication::TotalPassed;
    assert!(outcome.report.timestamps.iter().all(passed), "{:?}", outcome.report.timestamps);
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T09:00:00Z");
}
