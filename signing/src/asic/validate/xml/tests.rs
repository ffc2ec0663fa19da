use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use crypto::digest::{DigestAlgorithm, digest};
use schemas::report::{Indication, SubIndication};

use crate::asic::testing::xml::{file_over, part, pieces, signature, signature_with, story, wrapped};
use crate::asic::testing::{ASIC_E, ASIC_S, Documents, Forge, Piece, Story, deflated};
use crate::asic::{Container, ContainerError, Outcome};
use crate::xades::testing::reference;

use super::*;

const LETTER: (&str, &[u8]) = ("лист.txt", "Прошу надати довідку.".as_bytes());
const ANNEX: (&str, &[u8]) = ("план.txt", b"a plan");
const BOTH: Documents<'_> = &[LETTER, ANNEX];
const FIRST: &str = "META-INF/signatures001.xml";
const SECOND: &str = "META-INF/signatures002.xml";
const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const LISTING: &[u8] = br#"<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><m:file-entry m:full-path="/"/></m:manifest>"#;

fn validated(story: &Story, pieces: &[Piece]) -> Outcome {
    story.validate(&Forge::of(pieces).bytes).unwrap()
}

#[track_caller]
fn assert_failed(outcome: &Outcome, sub: SubIndication, intact: bool, code: &str) {
    let [signature] = outcome.report.signatures.as_slice() else { panic!("one signature: {:?}", outcome.report) };
    let first = signature.reasons.first().map_or("", |reason| reason.code.as_str());
    assert_ne!(signature.indication, Indication::TotalPassed);
    assert_eq!((signature.sub_indication, signature.intact, first), (Some(sub), intact, code), "{:?}", outcome.report);
    assert!(outcome.passed.is_none() && outcome.problem().is_some());
}

#[track_caller]
fn assert_passed(outcome: &Outcome) {
    assert!(outcome.passed.is_some() && outcome.problem().is_none(), "{:#?}", outcome.report);
}

/// Every signature is worth its TOTAL_PASSED, but something is covered by none.
#[track_caller]
fn assert_unsigned(outcome: &Outcome, parts: &[&str]) {
    let passed = |one: &SignatureReport| one.indication == Indication::TotalPassed;
    assert!(outcome.report.signatures.iter().all(passed), "{:#?}", outcome.report);
    assert_eq!(outcome.report.unsigned_parts, parts);
    assert_eq!((outcome.passed.is_none(), outcome.problem()), (true, Some(ProblemCode::SignatureConstraints)));
}

#[test]
fn a_signed_container_passes_and_names_what_was_signed() {
    let story = story();
    let mut pieces = pieces(ASIC_E, BOTH, &[(FIRST, &file_over(&story, BOTH))]);
    pieces.push(deflated("META-INF/manifest.xml", LISTING));
    let outcome = validated(&story, &pieces);
    assert_passed(&outcome);
    let passed = outcome.passed.unwrap();
    let report = &outcome.report.signatures[0];
    assert_eq!((outcome.report.format.as_str(), report.level.as_str()), ("ASiC-E", "XAdES-BASELINE-B"));
    assert_eq!(report.signed_parts, [LETTER.0, ANNEX.0]);
    assert_eq!(passed.signers()[0].der(), story.signer.certificate.der());
    assert_eq!(passed.parts()[1].digests, [digest(DigestAlgorithm::Sha256, ANNEX.1)]);
}

#[test]
fn certificates_and_signers_are_told_before_anything_is_verified() {
    let story = story();
    let (first, second) =
        (file_over(&story, BOTH), wrapped(r#"<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>"#));
    let bytes = Forge::of(&pieces(ASIC_E, BOTH, &[(FIRST, &first), (SECOND, &second)])).bytes;
    let container = Container::read(bytes.as_slice()).unwrap();
    let own: Vec<_> = container.certificates().map(|one| one.der().to_vec()).collect();
    let chain: Vec<_> = story.world.chain(&story.signer).iter().map(|one| one.der().to_vec()).collect();
    assert_eq!(own, chain);
    let signers: Vec<_> =
        container.signing_certificates().into_iter().map(|one| one.map(|one| one.der().to_vec())).collect();
    assert_eq!(signers, [Some(story.signer.certificate.der().to_vec()), None]);
}

#[test]
fn a_signer_that_a_reference_names_is_not_another_one() {
    let story = story();
    let other = story.world.identity(crypto::key::KeyKind::Ed25519, certs::dev::Usage::Signing);
    let signature = signature(&story, &part(LETTER.0), &[LETTER]);
    let own = STANDARD.encode(story.signer.certificate.der());
    // The other's certificate comes first, and then stands alone.
    let both = signature.replacen(
        "<ds:X509Certificate>",
        &format!(
            "<ds:X509Certificate>{}</ds:X509Certificate><ds:X509Certificate>",
            STANDARD.encode(other.certificate.der())
        ),
        1,
    );
    let alone = signature.replace(&own, &STANDARD.encode(other.certificate.der()));
    for (xml, expected) in [(both, Some(story.signer.certificate.der())), (alone, None)] {
        let bytes = Forge::of(&pieces(ASIC_E, &[LETTER], &[(FIRST, &wrapped(&xml))])).bytes;
        let signers = Container::read(bytes.as_slice()).unwrap().signing_certificates();
        assert_eq!(signers[0].as_ref().map(Certificate::der), expected);
    }
}

#[test]
fn a_simple_container_passes() {
    let story = story();
    let signatures = file_over(&story, &[LETTER]);
    let outcome = validated(&story, &pieces(ASIC_S, &[LETTER], &[("META-INF/signatures.xml", &signatures)]));
    assert_passed(&outcome);
    assert_eq!(outcome.report.format, "ASiC-S");
}

#[test]
fn a_changed_document_breaks_the_signature_and_is_named() {
    let story = story();
    let changed: Documents<'_> = &[LETTER, (ANNEX.0, b"another plan")];
    let outcome = validated(&story, &pieces(ASIC_E, changed, &[(FIRST, &file_over(&story, BOTH))]));
    assert_failed(&outcome, SubIndication::HashFailure, false, "container.object_changed");
    assert_eq!(outcome.problem(), Some(ProblemCode::SignatureOverOtherContent));
    assert!(outcome.report.signatures[0].reasons[0].text_en.contains(ANNEX.0));
}

#[test]
fn a_document_that_was_taken_away_or_renamed_is_missing() {
    let story = story();
    let signatures = file_over(&story, BOTH);
    let outcome = validated(&story, &pieces(ASIC_E, &[LETTER], &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::SignedDataNotFound, false, "container.object_missing");
    assert_eq!(outcome.report.signatures[0].signed_parts, [LETTER.0]);
    let renamed: Documents<'_> = &[LETTER, ("plan.txt", ANNEX.1)];
    let outcome = validated(&story, &pieces(ASIC_E, renamed, &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::SignedDataNotFound, false, "container.object_missing");
    assert_eq!(outcome.report.unsigned_parts, ["plan.txt"]);
}

#[test]
fn an_added_file_is_reported_and_nothing_is_proven() {
    let story = story();
    let signatures = file_over(&story, BOTH);
    for extra in ["extra.txt", "META-INF/extra.txt", "META-INF/manifest.xml", "META-INF/timestamp.tst"] {
        let mut pieces = pieces(ASIC_E, BOTH, &[(FIRST, &signatures)]);
        pieces.push(deflated(extra, b"<x/>"));
        assert_unsigned(&validated(&story, &pieces), &[extra]);
    }
}

#[test]
fn a_twin_is_never_taken_for_the_document() {
    let story = story();
    let references = reference("URI=\"a%20b\"", &[]);
    let signatures = wrapped(&signature(&story, &references, &[("a b", b"x")]));
    assert_passed(&validated(&story, &pieces(ASIC_E, &[("a b", b"x")], &[(FIRST, &signatures)])));
    // Both are what the reference says: one as it stands, the other after decoding.
    let outcome = validated(&story, &pieces(ASIC_E, &[("a b", b"x"), ("a%20b", b"y")], &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::FormatFailure, false, "container.object_ambiguous");
    let twins = pieces(ASIC_E, &[("a b", b"x"), ("A b", b"y")], &[(FIRST, &signatures)]);
    assert_eq!(story.validate(&Forge::of(&twins).bytes).err(), Some(ContainerError::TwinNames));
}

#[test]
fn only_entries_are_meant_and_the_root_is_the_container() {
    let story = story();
    let over = |uri: &str| {
        let signatures = wrapped(&signature(&story, &reference(uri, &[]), &[("a", b"x")]));
        validated(&story, &pieces(ASIC_E, &[("a", b"x")], &[(FIRST, &signatures)]))
    };
    assert_passed(&over("URI=\"/a\""));
    for uri in ["./a", "//host/a", "http://host/a", "../a", "/etc/passwd", "a?x", "a#b"] {
        let outcome = over(&format!("URI=\"{uri}\""));
        assert_failed(&outcome, SubIndication::SignedDataNotFound, false, "container.object_missing");
        assert_eq!(outcome.report.unsigned_parts, ["a"], "{uri}");
    }
    // Without a URI it would be for the reader to know what is meant.
    let outcome = over("");
    assert_failed(&outcome, SubIndication::SignedDataNotFound, false, "xades.content_missing");
    assert_eq!(outcome.report.unsigned_parts, ["a"]);
}

#[test]
fn two_signature_files_count_each() {
    let story = story();
    let signatures = file_over(&story, BOTH);
    let outcome = validated(&story, &pieces(ASIC_E, BOTH, &[(FIRST, &signatures), (SECOND, &signatures)]));
    assert_passed(&outcome);
    assert_eq!(outcome.passed.unwrap().signers().len(), 2);
    let changed = String::from_utf8(signatures.clone()).unwrap().replace("T11:00:00Z", "T10:00:00Z");
    let outcome = validated(&story, &pieces(ASIC_E, BOTH, &[(FIRST, &signatures), (SECOND, changed.as_bytes())]));
    let verdicts: Vec<_> = outcome.report.signatures.iter().map(|one| (one.indication, one.intact)).collect();
    assert_eq!(verdicts, [(Indication::TotalPassed, true), (Indication::TotalFailed, false)]);
    assert!(outcome.passed.is_none());
}

#[test]
fn a_simple_container_has_one_signature_file() {
    let story = story();
    let signatures = file_over(&story, &[LETTER]);
    let outcome = validated(&story, &pieces(ASIC_S, &[LETTER], &[(FIRST, &signatures), (SECOND, &signatures)]));
    let codes = outcome.report.signatures.iter().map(|one| one.reasons[0].code.as_str());
    assert!(codes.eq(["container.several_signature_files"; 2]));
    assert!(outcome.passed.is_none());
}

#[test]
fn a_signature_over_a_subset_leaves_the_rest_unsigned() {
    let story = story();
    let (over_letter, over_annex) = (file_over(&story, &[LETTER]), file_over(&story, &[ANNEX]));
    let outcome = validated(&story, &pieces(ASIC_E, BOTH, &[(FIRST, &over_letter)]));
    assert_unsigned(&outcome, &[ANNEX.0]);
    assert_eq!(outcome.report.signatures[0].signed_parts, [LETTER.0]);
    let outcome = validated(&story, &pieces(ASIC_E, BOTH, &[(FIRST, &over_letter), (SECOND, &over_annex)]));
    assert_passed(&outcome);
    assert_eq!(outcome.report.signatures[1].signed_parts, [ANNEX.0]);
}

#[test]
fn a_signature_may_be_over_another_signature_file() {
    let story = story();
    let first = file_over(&story, &[LETTER]);
    let over_first = file_over(&story, &[(FIRST, &first), LETTER]);
    assert_passed(&validated(&story, &pieces(ASIC_E, &[LETTER], &[(FIRST, &first), (SECOND, &over_first)])));
    let other = file_over(&story, &[LETTER, ("x", b"")]);
    let outcome = validated(&story, &pieces(ASIC_E, &[LETTER], &[(FIRST, &other), (SECOND, &over_first)]));
    assert_eq!(outcome.report.signatures[1].reasons[0].code, "container.object_changed");
}

#[test]
fn what_is_canonicalized_is_kept_and_its_own_digest_told() {
    let story = story();
    let document: (&str, &[u8]) = ("a.xml", b"<a  b='1'/>");
    let signatures = wrapped(&signature(&story, &reference("URI=\"a.xml\"", &[C14N]), &[document]));
    let outcome = validated(&story, &pieces(ASIC_E, &[document], &[(FIRST, &signatures)]));
    assert_passed(&outcome);
    assert_eq!(outcome.passed.unwrap().parts()[0].digests, [digest(DigestAlgorithm::Sha256, document.1)]);
    let outcome = validated(&story, &pieces(ASIC_E, &[("a.xml", b"<a b='2'/>")], &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::HashFailure, false, "xades.reference_changed");
    let outcome = validated(&story, &pieces(ASIC_E, &[("a.xml", b"no XML")], &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::FormatFailure, false, "xades.transform_input");
}

#[test]
fn a_weak_digest_is_a_matter_of_policy() {
    let story = story();
    let sha1 = part("a").replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    let signatures = wrapped(&signature(&story, &sha1, &[("a", b"x")]));
    let outcome = validated(&story, &pieces(ASIC_E, &[("a", b"x")], &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::CryptoConstraintsFailureNoPoe, true, "container.digest_weak");
}

#[test]
fn a_container_holds_as_many_documents_as_its_type_says() {
    let story = story();
    let outcome = validated(&story, &pieces(ASIC_S, BOTH, &[(FIRST, &file_over(&story, BOTH))]));
    assert_failed(&outcome, SubIndication::FormatFailure, true, "container.document_count");
    let alone = wrapped(&signature(&story, "", &[]));
    let outcome = validated(&story, &pieces(ASIC_E, &[], &[(FIRST, &alone)]));
    assert_failed(&outcome, SubIndication::FormatFailure, true, "container.document_count");
}

#[test]
fn a_file_that_holds_no_signature_does_not_hide_the_others() {
    let story = story();
    let good = file_over(&story, &[LETTER]);
    for (bad, error) in
        [(&b"<x/>"[..], None), (b"<!DOCTYPE x><x/>", Some(XmlError::Doctype)), (b"<x>", Some(XmlError::Malformed))]
    {
        let outcome = validated(&story, &pieces(ASIC_E, &[LETTER], &[(FIRST, &good), (SECOND, bad)]));
        let [first, unread] = outcome.report.signatures.as_slice() else { panic!("two: {:?}", outcome.report) };
        assert_eq!((first.indication, unread.indication), (Indication::TotalPassed, Indication::TotalFailed));
        let codes = unread.reasons.iter().map(|reason| reason.code.as_str());
        assert!(codes.eq(std::iter::once("container.signature_unreadable").chain(error.map(XmlError::code))));
        assert_eq!((outcome.passed.is_none(), outcome.problem()), (true, Some(ProblemCode::SignatureFormat)));
    }
}

#[test]
fn signatures_are_counted_over_all_files() {
    let many = wrapped(&r#"<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>"#.repeat(17));
    let pieces = pieces(ASIC_E, &[LETTER], &[(FIRST, &many), (SECOND, &many)]);
    let error = Container::read(Forge::of(&pieces).bytes.as_slice()).err();
    assert_eq!(error, Some(ContainerError::TooManySignatures));
}

#[test]
fn an_open_document_is_signed_with_its_type_and_its_manifest() {
    let story = story();
    let mimetype: (&str, &[u8]) = ("mimetype", b"application/vnd.oasis.opendocument.text");
    let (content, manifest): ((&str, &[u8]), _) = (("content.xml", b"<x/>"), ("META-INF/manifest.xml", LISTING));
    let file = "META-INF/documentsignatures.xml";
    let whole = file_over(&story, &[mimetype, content, manifest]);
    let outcome = validated(&story, &pieces(mimetype.1, &[content, manifest], &[(file, &whole)]));
    assert_passed(&outcome);
    assert_eq!(outcome.report.format, "OpenDocument");
    let partly = file_over(&story, &[content]);
    let outcome = validated(&story, &pieces(mimetype.1, &[content, manifest], &[(file, &partly)]));
    assert_unsigned(&outcome, &["mimetype", "META-INF/manifest.xml"]);
}

/// A signature over a ds:Manifest in a ds:Object of its own, and through it over `listed`.
fn through_manifest(story: &Story, kind: &str, listed: &str, documents: Documents<'_>) -> Vec<u8> {
    let manifest = format!("<ds:Object><ds:Manifest Id=\"list\">{listed}</ds:Manifest></ds:Object>");
    let to_list = reference(&format!("URI=\"#list\"{kind}"), &["http://www.w3.org/2001/10/xml-exc-c14n#"]);
    wrapped(&signature_with(story, &to_list, &manifest, documents))
}

#[test]
fn a_manifest_covers_what_it_lists() {
    let story = story();
    let kind = " Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"";
    let listed = format!("{}{}", part(LETTER.0), part(ANNEX.0));
    let signatures = through_manifest(&story, kind, &listed, BOTH);
    let outcome = validated(&story, &pieces(ASIC_E, BOTH, &[(FIRST, &signatures)]));
    assert_passed(&outcome);
    assert_eq!(outcome.report.signatures[0].signed_parts, [LETTER.0, ANNEX.0]);
    // Without the Type it is a part of the document like any other.
    let untyped = through_manifest(&story, "", &listed, BOTH);
    assert_unsigned(&validated(&story, &pieces(ASIC_E, BOTH, &[(FIRST, &untyped)])), &[LETTER.0, ANNEX.0]);
    // One that lists less covers less.
    let less = through_manifest(&story, kind, &part(LETTER.0), BOTH);
    assert_unsigned(&validated(&story, &pieces(ASIC_E, BOTH, &[(FIRST, &less)])), &[ANNEX.0]);
}

#[test]
fn a_changed_document_of_a_manifest_breaks_the_signature() {
    let story = story();
    let kind = " Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"";
    let signatures = through_manifest(&story, kind, &format!("{}{}", part(LETTER.0), part(ANNEX.0)), BOTH);
    let changed: Documents<'_> = &[LETTER, (ANNEX.0, b"another plan")];
    let outcome = validated(&story, &pieces(ASIC_E, changed, &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::HashFailure, false, "container.object_changed");
    let outcome = validated(&story, &pieces(ASIC_E, &[LETTER], &[(FIRST, &signatures)]));
    assert_failed(&outcome, SubIndication::SignedDataNotFound, false, "container.object_missing");
}
