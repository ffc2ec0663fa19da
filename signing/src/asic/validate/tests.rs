use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::digest;
use schemas::report::SubIndication;

use crate::asic::create::extended;
use crate::asic::testing::{ASIC_E, ASIC_S, Documents, Forge, MANIFEST, SIGNATURE, Story, deflated, stored};
use crate::asic::{Container, ContainerError};
use crate::validate::Policy;

use super::*;

const LETTER: (&str, &[u8]) = ("лист.txt", "Прошу надати довідку.".as_bytes());
const ANNEX: (&str, &[u8]) = ("додатки/план.txt", b"a plan");
const DOCUMENTS: Documents<'_> = &[LETTER, ANNEX];

/// Indication, sub-indication, `intact` and the first code of the only signature.
#[track_caller]
fn verdict(outcome: &Outcome) -> (Indication, Option<SubIndication>, bool, &str) {
    let [signature] = outcome.report.signatures.as_slice() else { panic!("one signature: {:?}", outcome.report) };
    let code = signature.reasons.first().map_or("", |reason| reason.code.as_str());
    (signature.indication, signature.sub_indication, signature.intact, code)
}

#[track_caller]
fn assert_failed(outcome: &Outcome, sub: SubIndication, intact: bool, code: &str) {
    let (indication, found, whole, first) = verdict(outcome);
    assert_ne!(indication, Indication::TotalPassed);
    assert_eq!((found, whole, first), (Some(sub), intact, code), "{:?}", outcome.report);
    assert!(outcome.passed.is_none() && outcome.problem().is_some());
    assert_eq!(outcome.report.signatures[0].signed_form.is_some(), intact);
}

#[track_caller]
fn assert_passed(outcome: &Outcome) -> &ValidatedContainer {
    assert!(
        outcome.report.signatures.iter().all(|one| one.indication == Indication::TotalPassed),
        "{:?}",
        outcome.report
    );
    assert_eq!((outcome.problem(), outcome.report.unsigned_parts.as_slice()), (None, &[][..]));
    outcome.passed.as_ref().expect("a proof")
}

#[test]
fn an_extended_container_passes_and_names_what_was_signed() {
    let story = Story::new();
    let bytes = story.extended(DOCUMENTS);
    let outcome = story.validate(&bytes).unwrap();
    let passed = assert_passed(&outcome);
    assert_eq!(
        (outcome.report.format.as_str(), outcome.report.digest.clone()),
        ("ASiC-E", hex(&crypto::digest::sha256(&bytes)))
    );
    let names: Vec<&str> = passed.parts().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, [ANNEX.0, LETTER.0]);
    assert_eq!(passed.parts()[1].digests, [digest(DigestAlgorithm::Sha256, LETTER.1)]);
    assert_eq!(passed.signers()[0].der(), story.signer.certificate.der());
    assert_eq!(passed.report().signatures[0].level, "CAdES-BASELINE-B");
    assert_eq!(passed.report().signatures[0].signed_parts, [ANNEX.0, LETTER.0]);
    assert_eq!(
        (passed.report().validated_at.as_str(), passed.report().policy.as_str()),
        ("2026-11-23T12:00:00Z", "ua-qualified")
    );
}

#[test]
fn a_simple_container_passes() {
    let story = Story::new();
    let outcome = story.validate(&story.simple(LETTER.0, LETTER.1)).unwrap();
    let passed = assert_passed(&outcome);
    assert_eq!(passed.report().format, "ASiC-S");
    assert_eq!(passed.parts().len(), 1);
}

#[test]
fn a_container_without_a_mimetype_passes() {
    let story = Story::new();
    let pieces = story.pieces(DOCUMENTS);
    assert_passed(&story.validate(&Forge::of(&pieces[1..]).bytes).unwrap());
    let simple = [deflated("a", b"text"), stored("META-INF/signature.p7s", &story.sign_bytes(b"text"))];
    assert_passed(&story.validate(&Forge::of(&simple).bytes).unwrap());
}

#[test]
fn a_changed_document_breaks_the_signature_and_is_named() {
    let story = Story::new();
    let mut pieces = story.pieces(DOCUMENTS);
    pieces[2] = deflated(ANNEX.0, b"another plan");
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_failed(&outcome, SubIndication::HashFailure, false, "container.object_changed");
    assert_eq!(outcome.problem(), Some(ProblemCode::SignatureOverOtherContent));
    assert!(outcome.report.signatures[0].reasons[0].text_uk.contains(ANNEX.0));
    assert_eq!(outcome.report.signatures[0].signed_parts, [ANNEX.0, LETTER.0]);
}

#[test]
fn a_missing_document_is_signed_data_not_found() {
    let story = Story::new();
    let mut pieces = story.pieces(DOCUMENTS);
    pieces.remove(2);
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_failed(&outcome, SubIndication::SignedDataNotFound, false, "container.object_missing");
    assert_eq!(verdict(&outcome).0, Indication::Indeterminate);
    let signature = &outcome.report.signatures[0];
    assert!(signature.reasons[0].text_en.contains(ANNEX.0), "the name is decoded: {}", signature.reasons[0].text_en);
    assert_eq!(signature.signed_parts, [LETTER.0]);
}

#[test]
fn a_changed_document_outweighs_a_missing_one() {
    let story = Story::new();
    let mut pieces = story.pieces(DOCUMENTS);
    pieces[1] = deflated("x", b"");
    pieces[2] = deflated(ANNEX.0, b"another plan");
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_failed(&outcome, SubIndication::HashFailure, false, "container.object_changed");
    assert_eq!(outcome.report.signatures[0].reasons[1].code, "container.object_missing");
    assert_eq!(outcome.report.unsigned_parts, ["x"]);
}

#[test]
fn an_unsigned_extra_file_is_reported_and_nothing_is_proven() {
    let story = Story::new();
    for extra in ["extra.txt", "META-INF/extra.txt", "META-INF/ASiCManifest002.xml", "META-INF/timestamp.tst"] {
        let mut pieces = story.pieces(DOCUMENTS);
        let manifest = extended(vec![Story::part("x", b"")]).unwrap().manifest().unwrap().to_vec();
        let dangling = String::from_utf8(manifest).unwrap().replace("signature001", "signature002");
        pieces.push(deflated(extra, dangling.as_bytes()));
        let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
        assert_eq!(verdict(&outcome).0, Indication::TotalPassed, "{extra}");
        assert_eq!(outcome.report.unsigned_parts, [extra]);
        assert!(outcome.passed.is_none(), "{extra}");
        assert_eq!(outcome.problem(), Some(ProblemCode::SignatureConstraints));
    }
}

#[test]
fn a_forged_manifest_breaks_the_signature() {
    let story = Story::new();
    let mut pieces = story.pieces(DOCUMENTS);
    // Document and manifest fit each other; the signature is over the honest manifest.
    pieces[2] = deflated(ANNEX.0, b"another plan");
    let forged = extended(vec![Story::part(LETTER.0, LETTER.1), Story::part(ANNEX.0, b"another plan")]).unwrap();
    pieces[3] = deflated(MANIFEST, forged.manifest().unwrap());
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_failed(&outcome, SubIndication::HashFailure, false, "signature.hash_failure");
}

#[test]
fn two_manifests_for_one_signature_are_ambiguous_and_none_is_no_coverage() {
    let story = Story::new();
    let mut pieces = story.pieces(DOCUMENTS);
    let manifest = extended(vec![Story::part(LETTER.0, LETTER.1)]).unwrap();
    pieces.push(deflated("META-INF/ASiCManifest002.xml", manifest.manifest().unwrap()));
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_failed(&outcome, SubIndication::FormatFailure, false, "container.manifest_ambiguous");

    let mut pieces = story.pieces(DOCUMENTS);
    pieces.remove(3);
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_failed(&outcome, SubIndication::SignedDataNotFound, false, "container.manifest_missing");
    assert_eq!(outcome.report.unsigned_parts, [LETTER.0, ANNEX.0]);
}

#[test]
fn a_malformed_manifest_refuses_the_container() {
    let story = Story::new();
    for (content, error) in [("<x/>", ContainerError::Manifest), ("<!DOCTYPE x><x/>", ContainerError::ManifestDoctype)]
    {
        let mut pieces = story.pieces(DOCUMENTS);
        pieces[3] = stored(MANIFEST, content.as_bytes());
        assert_eq!(story.validate(&Forge::of(&pieces).bytes).err(), Some(error));
    }
}

#[test]
fn a_signature_file_that_is_none_does_not_hide_the_others() {
    let story = Story::new();
    let mut pieces = story.pieces(DOCUMENTS);
    pieces.push(stored("META-INF/signature002.p7s", b"not CMS"));
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    let [good, bad] = outcome.report.signatures.as_slice() else { panic!("two signatures") };
    assert_eq!((good.indication, bad.indication), (Indication::TotalPassed, Indication::TotalFailed));
    assert_eq!(bad.reasons[0].code, "container.signature_unreadable");
    assert_eq!(bad.id.len(), 34);
    assert_eq!((outcome.passed.is_none(), outcome.problem()), (true, Some(ProblemCode::SignatureFormat)));
}

#[test]
fn a_mimetype_that_is_not_first_stored_and_bare_fails_intact_signatures() {
    let story = Story::new();
    let check = |change: &dyn Fn(&mut Vec<crate::asic::testing::Piece>), code: &str| {
        let mut pieces = story.pieces(DOCUMENTS);
        change(&mut pieces);
        let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
        assert_failed(&outcome, SubIndication::FormatFailure, true, code);
    };
    check(&|pieces| pieces.rotate_left(1), "container.mimetype_late");
    check(&|pieces| pieces[0] = deflated("mimetype", ASIC_E), "container.mimetype_compressed");
    check(&|pieces| pieces[0] = stored("mimetype", ASIC_E).with_local_extra(7, b"x"), "container.mimetype_extra_field");
    check(&|pieces| pieces[0] = stored("mimetype", &[ASIC_E, b"\n"].concat()), "container.mimetype_content");
}

#[test]
fn two_signatures_cover_a_document_each() {
    let story = Story::new();
    let mut pieces = vec![stored("mimetype", ASIC_E)];
    for (number, (name, content)) in ["001", "002"].into_iter().zip(DOCUMENTS) {
        let manifest = extended(vec![Story::part(name, content)]).unwrap().manifest().unwrap().to_vec();
        let manifest = String::from_utf8(manifest).unwrap().replace("signature001", &format!("signature{number}"));
        pieces.push(deflated(name, content));
        pieces.push(deflated(&format!("META-INF/ASiCManifest{number}.xml"), manifest.as_bytes()));
        pieces.push(deflated(&format!("META-INF/signature{number}.p7s"), &story.sign_bytes(manifest.as_bytes())));
    }
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_eq!(assert_passed(&outcome).signers().len(), 2);
    // Signatures that change places are signatures over something else.
    let mut swapped = pieces.clone();
    swapped[3] = stored(SIGNATURE, &pieces[6].content());
    swapped[6] = stored("META-INF/signature002.p7s", &pieces[3].content());
    let outcome = story.validate(&Forge::of(&swapped).bytes).unwrap();
    assert!(outcome.report.signatures.iter().all(|one| one.sub_indication == Some(SubIndication::HashFailure)));
}

/// A container whose manifest is the honest one with `from` replaced by `to`, and signed so.
fn with_manifest(story: &Story, documents: Documents<'_>, from: &str, to: &str) -> Vec<u8> {
    let mut pieces = story.pieces(documents);
    let parts = documents.iter().map(|(name, content)| Story::part(name, content)).collect();
    let manifest = String::from_utf8(extended(parts).unwrap().manifest().unwrap().to_vec()).unwrap();
    assert!(manifest.contains(from), "{manifest}");
    let manifest = manifest.replace(from, to);
    let last = pieces.len() - 1;
    pieces[last - 1] = deflated(MANIFEST, manifest.as_bytes());
    pieces[last] = deflated(SIGNATURE, &story.sign_bytes(manifest.as_bytes()));
    Forge::of(&pieces).bytes
}

fn base64_of(algorithm: DigestAlgorithm, content: &[u8]) -> String {
    STANDARD.encode(digest(algorithm, content).as_bytes())
}

#[test]
fn a_weak_digest_in_the_manifest_is_a_matter_of_policy() {
    let story = Story::new();
    let sha256 = format!(
        "http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>{}",
        base64_of(DigestAlgorithm::Sha256, b"x")
    );
    let sha1 =
        format!("http://www.w3.org/2000/09/xmldsig#sha1\"/><ds:DigestValue>{}", base64_of(DigestAlgorithm::Sha1, b"x"));
    let bytes = with_manifest(&story, &[("a", b"x")], &sha256, &sha1);
    let outcome = story.validate(&bytes).unwrap();
    assert_failed(&outcome, SubIndication::CryptoConstraintsFailureNoPoe, true, "container.digest_weak");
    let policy = Policy { suite: crate::validate::suite::ANY, ..Policy::default() };
    assert_passed(&story.validate_with(&bytes, &policy).unwrap());
}

#[test]
fn a_digest_that_cannot_be_checked_proves_nothing() {
    let story = Story::new();
    let bytes = with_manifest(&story, &[("a", b"x")], "xmlenc#sha256", "xmlenc#ripemd160");
    let outcome = story.validate(&bytes).unwrap();
    assert_failed(&outcome, SubIndication::CryptoConstraintsFailure, false, "container.digest_unknown");
}

#[test]
fn references_are_read_as_they_stand_and_decoded_but_never_as_two_files() {
    let story = Story::new();
    // Some producers do not encode.
    assert_passed(&story.validate(&with_manifest(&story, &[("a b", b"x")], "a%20b", "a b")).unwrap());
    let both: Documents<'_> = &[("a b", b"x"), ("a%20b", b"y")];
    let outcome = story.validate(&with_manifest(&story, both, "a%2520b", "other")).unwrap();
    assert_failed(&outcome, SubIndication::FormatFailure, false, "container.object_ambiguous");
}

#[test]
fn a_simple_container_holds_one_document_and_one_signature() {
    let story = Story::new();
    let signature = story.sign_bytes(b"x");
    let simple = |documents: &[&str], signatures: &[&str]| {
        let mut pieces = vec![stored("mimetype", ASIC_S)];
        pieces.extend(documents.iter().map(|name| stored(name, b"x")));
        pieces.extend(signatures.iter().map(|name| stored(name, &signature)));
        story.validate(&Forge::of(&pieces).bytes)
    };
    let one: &[&str] = &["META-INF/signature.p7s"];
    assert_passed(&simple(&["a"], one).unwrap());
    for documents in [&["a", "b"][..], &["folder/a"], &[]] {
        assert_eq!(simple(documents, one).err(), Some(ContainerError::DataObjects));
    }
    let outcome = simple(&["a"], &["META-INF/signature.p7s", "META-INF/signature2.p7s"]).unwrap();
    let codes = outcome.report.signatures.iter().map(|one| one.reasons[0].code.as_str());
    assert!(codes.eq(["container.several_signature_files"; 2]));
    assert!(outcome.passed.is_none());
}

#[test]
fn a_changed_document_breaks_a_simple_container() {
    let story = Story::new();
    let pieces = [stored("a", b"y"), stored("META-INF/signature.p7s", &story.sign_bytes(b"x"))];
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert_failed(&outcome, SubIndication::HashFailure, false, "signature.hash_failure");
}

#[test]
fn time_stamps_alone_sign_nothing() {
    let story = Story::new();
    let pieces = [stored("a", b"x"), stored("META-INF/timestamp.tst", b"?")];
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    assert!(outcome.passed.is_none() && outcome.report.signatures.is_empty());
    assert_eq!(outcome.report.unsigned_parts, ["a"]);
    assert_eq!(outcome.problem(), Some(ProblemCode::SignatureUnreadable));
}

#[test]
fn signatures_are_counted_and_weighed_before_they_are_read() {
    let many: Vec<_> = (0..33).map(|number| stored(&format!("META-INF/signature{number}.p7s"), b"")).collect();
    let error = |pieces: &[_]| Container::read(Forge::of(pieces).bytes.as_slice()).err();
    assert_eq!(error(&many), Some(ContainerError::TooManySignatures));
    let large = [stored("a", b""), stored("META-INF/signature.p7s", &vec![0; schemas::limits::SIGNATURE_BYTES + 1])];
    assert_eq!(error(&large), Some(ContainerError::MetadataTooLarge));
    let mimetype = [stored("mimetype", &[b'a'; 300]), stored("META-INF/signature.p7s", b"")];
    assert_eq!(error(&mimetype), Some(ContainerError::MetadataTooLarge));
}

#[test]
fn a_document_that_nobody_refers_to_is_read_all_the_same() {
    let story = Story::new();
    let mut pieces = story.pieces(DOCUMENTS);
    pieces.push(stored("extra", b"x").with_crc(1));
    assert_eq!(story.validate(&Forge::of(&pieces).bytes).err(), Some(ContainerError::Checksum));
}
