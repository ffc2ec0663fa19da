use certs::trust::TrustSnapshot;
use crypto::digest::sha256;
use schemas::report::{Indication, SubIndication};
use time::Duration;

use crate::asic::testing::chain::{
    Batch, CHAIN, RESULT, chain, data_reference, hash_value, result, step, step_octets, step_reference,
};
use crate::asic::testing::xml::{file_over, pieces, story};
use crate::asic::testing::{ASIC_E, Documents, Forge, Story, deflated, manifest_over, stored};
use crate::asic::{Outcome, validate};
use crate::testing::NOW;
use crate::validate::{Context, Policy};

use super::*;

const MESSAGE: (&str, &[u8]) = ("message.xml", b"<message/>");
const ATTACHMENT: (&str, &[u8]) = ("attachment1", b"attached");
const BOTH: Documents<'_> = &[MESSAGE, ATTACHMENT];
const SIGNATURES: &str = "META-INF/signatures.xml";
const STAMP: &str = "META-INF/timestamp.tst";
const STAMP_MANIFEST: &str = "META-INF/ASiCManifest.xml";
const STAMP_RESULT: &str = "ts-hashchainresult.xml";
const STAMP_CHAIN: &str = "ts-hashchain.xml";

/// A batch signature over `signed`, the result, beside the entries.
fn outcome(story: &Story, signed: &[u8], entries: Documents<'_>) -> Outcome {
    let signatures = file_over(story, &[(RESULT, signed)]);
    let mut all = entries.to_vec();
    all.push((RESULT, signed));
    story.validate(&Forge::of(&pieces(ASIC_E, &all, &[(SIGNATURES, &signatures)])).bytes).unwrap()
}

/// With the one chain file.
fn outcome_of(story: &Story, signed: &[u8], chain: &[u8]) -> Outcome {
    outcome(story, signed, &[MESSAGE, ATTACHMENT, (CHAIN, chain)])
}

#[track_caller]
fn assert_passed(outcome: &Outcome) {
    assert!(outcome.passed.is_some() && outcome.problem().is_none(), "{:#?}", outcome.report);
    assert_eq!(outcome.report.unsigned_parts, [""; 0]);
}

#[track_caller]
fn assert_failed(outcome: &Outcome, sub: SubIndication, code: &str) {
    let [signature] = outcome.report.signatures.as_slice() else { panic!("one signature: {:?}", outcome.report) };
    let first = signature.reasons.first().map_or("", |reason| reason.code.as_str());
    assert_eq!((signature.sub_indication, signature.intact, first), (Some(sub), false, code), "{:?}", outcome.report);
    assert!(outcome.passed.is_none() && outcome.problem().is_some());
}

/// Whatever the conclusion.
#[track_caller]
fn assert_failed_with(outcome: &Outcome, code: &str) {
    assert_eq!(outcome.report.signatures[0].reasons[0].code, code);
    assert!(outcome.passed.is_none());
}

#[test]
fn a_batch_signature_covers_what_its_chain_names() {
    let story = story();
    let batch = Batch::over(CHAIN, BOTH);
    let outcome = outcome_of(&story, &batch.result, &batch.chain);
    assert_passed(&outcome);
    assert_eq!(outcome.report.signatures[0].signed_parts, [RESULT, MESSAGE.0, ATTACHMENT.0]);
    let passed = outcome.passed.unwrap();
    let parts: Vec<_> = passed.parts().iter().map(|part| (part.name.as_str(), part.digests.as_slice())).collect();
    let of = |content| [digest(DigestAlgorithm::Sha256, content)];
    assert_eq!(parts, [(MESSAGE.0, &of(MESSAGE.1)[..]), (ATTACHMENT.0, &of(ATTACHMENT.1)[..])]);
}

#[test]
fn a_changed_message_is_named() {
    let story = story();
    let batch = Batch::over(CHAIN, &[(MESSAGE.0, b"<other/>"), ATTACHMENT]);
    let outcome = outcome_of(&story, &batch.result, &batch.chain);
    assert_failed(&outcome, SubIndication::HashFailure, "container.object_changed");
    assert!(outcome.report.signatures[0].reasons[0].text_en.contains(MESSAGE.0));
}

#[test]
fn a_changed_step_does_not_lead_to_the_result() {
    let story = story();
    let (signed, other) = (Batch::over(CHAIN, BOTH), Batch::over(CHAIN, &[MESSAGE]));
    let changed = outcome_of(&story, &signed.result, &other.chain);
    assert_failed(&changed, SubIndication::HashFailure, "container.hash_chain_result");
    let swapped = Batch::over(CHAIN, &[ATTACHMENT, MESSAGE]);
    let swapped = outcome_of(&story, &signed.result, &swapped.chain);
    assert_failed(&swapped, SubIndication::HashFailure, "container.hash_chain_result");
    // One value of a step after the other: none may be changed, added or left out.
    let text = String::from_utf8(signed.chain).unwrap();
    let other = hash_value(&sha256(b"another message"));
    for changed in [text.replace(&other, ""), text.replace(&other, &format!("{other}{other}"))] {
        let outcome = outcome_of(&story, &signed.result, changed.as_bytes());
        assert_failed(&outcome, SubIndication::HashFailure, "container.hash_chain_result");
    }
}

#[test]
fn a_chain_over_another_message_leaves_this_one_unsigned() {
    let story = story();
    let batch = Batch::over(CHAIN, &[ATTACHMENT]);
    let outcome = outcome_of(&story, &batch.result, &batch.chain);
    assert_eq!(outcome.report.signatures[0].indication, Indication::TotalPassed);
    assert_eq!(outcome.report.unsigned_parts, [MESSAGE.0]);
    assert!(outcome.passed.is_none());
}

#[test]
fn a_message_that_the_chain_names_and_that_is_not_there_is_missing() {
    let story = story();
    let batch = Batch::over(CHAIN, BOTH);
    let outcome = outcome(&story, &batch.result, &[MESSAGE, (CHAIN, &batch.chain)]);
    assert_failed(&outcome, SubIndication::SignedDataNotFound, "container.object_missing");
    assert!(outcome.report.signatures[0].reasons[0].text_en.contains(ATTACHMENT.0));
}

#[test]
fn a_result_that_nobody_signed_and_its_chain_are_unsigned() {
    let story = story();
    let batch = Batch::over(CHAIN, &[ATTACHMENT]);
    let signatures = file_over(&story, &[MESSAGE]);
    let entries: Documents<'_> = &[MESSAGE, ATTACHMENT, (CHAIN, &batch.chain), (RESULT, &batch.result)];
    let bytes = Forge::of(&pieces(ASIC_E, entries, &[(SIGNATURES, &signatures)])).bytes;
    let outcome = story.validate(&bytes).unwrap();
    assert_eq!(outcome.report.unsigned_parts, [ATTACHMENT.0, CHAIN, RESULT]);
    assert_eq!(outcome.report.signatures[0].signed_parts, [MESSAGE.0]);
}

#[test]
fn a_result_of_another_chain_does_not_hold() {
    let story = story();
    let (own, foreign) = (Batch::over(CHAIN, BOTH), Batch::over("other.xml", &[MESSAGE]));
    // Its chain is not there.
    let outcome = outcome_of(&story, &foreign.result, &own.chain);
    assert_failed(&outcome, SubIndication::SignedDataNotFound, "container.object_missing");
    assert!(outcome.report.signatures[0].reasons[0].text_en.contains("other.xml"));
    // It is not the one that was signed.
    let signatures = file_over(&story, &[(RESULT, &own.result)]);
    let entries: Documents<'_> = &[MESSAGE, (RESULT, &foreign.result), ("other.xml", &foreign.chain)];
    let bytes = Forge::of(&pieces(ASIC_E, entries, &[(SIGNATURES, &signatures)])).bytes;
    assert_failed(&story.validate(&bytes).unwrap(), SubIndication::HashFailure, "container.object_changed");
}

#[test]
fn steps_that_do_not_count_leave_their_file_unsigned() {
    let story = story();
    let batch = Batch::over(CHAIN, BOTH);
    let more = format!("{}</h:HashChain>", step("STEP9", &[data_reference("/extra.txt", b"extra")]));
    let chain = String::from_utf8(batch.chain).unwrap().replace("</h:HashChain>", &more);
    let entries: Documents<'_> = &[MESSAGE, ATTACHMENT, (CHAIN, chain.as_bytes()), ("extra.txt", b"extra")];
    let outcome = outcome(&story, &batch.result, entries);
    assert_eq!(outcome.report.signatures[0].indication, Indication::TotalPassed);
    assert_eq!(outcome.report.unsigned_parts, [CHAIN, "extra.txt"]);
}

#[test]
fn steps_may_stand_in_other_files() {
    let story = story();
    let inner = step_octets(&[sha256(MESSAGE.1)]);
    let outer = step_octets(&[sha256(&inner), sha256(ATTACHMENT.1)]);
    let values = [step_reference("/inner.xml#S"), data_reference("/attachment1", ATTACHMENT.1)];
    let outer_chain = chain(&[step("T", &values)]);
    let inner_chain = chain(&[step("S", &[data_reference("/message.xml", MESSAGE.1)])]);
    let signed = result("/sig-hashchain.xml#T", &outer);
    let entries: Documents<'_> = &[MESSAGE, ATTACHMENT, (CHAIN, &outer_chain), ("inner.xml", &inner_chain)];
    assert_passed(&outcome(&story, &signed, entries));
    let entries: Documents<'_> = &[MESSAGE, ATTACHMENT, (CHAIN, &outer_chain)];
    let outcome = outcome(&story, &signed, entries);
    assert_failed(&outcome, SubIndication::SignedDataNotFound, "container.object_missing");
}

#[test]
fn a_cycle_leads_nowhere() {
    let story = story();
    let itself = chain(&[step("STEP0", &[step_reference("#STEP0")])]);
    let ring = chain(&[step("STEP0", &[step_reference("#STEP1")]), step("STEP1", &[step_reference("#STEP0")])]);
    let across = chain(&[step("STEP0", &[step_reference("/sig-hashchain.xml#STEP0")])]);
    for chain in [itself, ring, across] {
        let outcome = outcome_of(&story, &result("/sig-hashchain.xml#STEP0", b""), &chain);
        assert_failed(&outcome, SubIndication::FormatFailure, "container.hash_chain");
    }
}

#[test]
fn what_is_not_formed_as_a_chain_is_a_format_failure() {
    let story = story();
    let hash = [hash_value(&[1; 32])];
    let short = hash[0].replace(&hash[0][30..40], "");
    let no_default = String::from_utf8(chain(&[step("STEP0", &hash)])).unwrap();
    let default = no_default.find("<h:Default").unwrap()..no_default.find("<h:HashStep").unwrap();
    let no_default = format!("{}{}", &no_default[..default.start], &no_default[default.end..]);
    let transforms = hash[0].replace("<DigestValue>", "<Transforms/><DigestValue>");
    let chains = [
        b"no XML".to_vec(),
        b"<h:HashChain xmlns:h='http://cyber.ee/hashchain'/>".to_vec(),
        b"<!DOCTYPE x><x/>".to_vec(),
        chain(&[]),
        chain(&[step("STEP1", &hash)]),
        chain(&[step("STEP0", &hash), step("STEP0", &hash)]),
        chain(&[step("STEP0", &[short])]),
        chain(&[step("STEP0", &[transforms])]),
        chain(&[step("STEP0", &["<h:Other/>".to_owned()])]),
        chain(&[step("STEP0", &["text".to_owned()])]),
        chain(&[step("STEP0", &[step_reference("STEP1")])]),
        chain(&[step("STEP0", &[step_reference("#")])]),
        no_default.into_bytes(),
    ];
    let signed = result("/sig-hashchain.xml#STEP0", &step_octets(&[[1; 32]]));
    for chain in chains {
        let outcome = outcome_of(&story, &signed, &chain);
        assert_failed(&outcome, SubIndication::FormatFailure, "container.hash_chain");
    }
    let uri = String::from_utf8(signed.clone()).unwrap().replace("#STEP0", "");
    let value = String::from_utf8(signed).unwrap().replace("<DigestValue>", "<DigestValue>AAAA");
    for result in [uri, value] {
        let chain = chain(&[step("STEP0", &hash)]);
        let outcome = outcome_of(&story, result.as_bytes(), &chain);
        assert_failed(&outcome, SubIndication::FormatFailure, "container.hash_chain");
    }
}

#[test]
fn a_digest_that_is_not_known_here_proves_nothing() {
    let story = story();
    let batch = Batch::over(CHAIN, BOTH);
    let other = String::from_utf8(batch.chain).unwrap().replace("xmlenc#sha256", "xmlenc#ripemd160");
    let outcome = outcome_of(&story, &batch.result, other.as_bytes());
    assert_failed(&outcome, SubIndication::CryptoConstraintsFailure, "container.digest_unknown");
}

#[test]
fn steps_values_depth_and_files_are_bounded() {
    let story = story();
    let hash = |number: usize| hash_value(&sha256(&number.to_be_bytes()));
    let references = |range: std::ops::Range<usize>| -> Vec<String> {
        range.map(|number| step_reference(&format!("#S{number}"))).collect()
    };
    let wide = |leaves: usize| {
        let mut steps = vec![step("STEP0", &references(0..leaves))];
        steps.extend((0..leaves).map(|number| step(&format!("S{number}"), &[hash(number)])));
        chain(&steps)
    };
    let deep = |length: usize| {
        let mut steps = vec![step("STEP0", &references(0..1))];
        steps.extend((0..length).map(|number| step(&format!("S{number}"), &references(number + 1..number + 2))));
        steps.push(step(&format!("S{length}"), &[hash(0)]));
        chain(&steps)
    };
    let many = |values: usize, next: &[String]| {
        chain(&[step("STEP0", &[(0..values).map(hash).collect(), next.to_vec()].concat())])
    };
    let signed = result("/sig-hashchain.xml#STEP0", b"");
    for (chain, code) in [
        (wide(MOST_STEPS - 1), "container.hash_chain_result"),
        (wide(MOST_STEPS), "container.hash_chain_limits"),
        (deep(DEEPEST - 2), "container.hash_chain_result"),
        (deep(DEEPEST - 1), "container.hash_chain_limits"),
        (many(7_000, &[]), "container.hash_chain_limits"),
    ] {
        assert_failed_with(&outcome_of(&story, &signed, &chain), code);
    }
    let next = [step_reference("/more.xml#STEP0")];
    for (more, code) in [(4_999, "container.hash_chain_result"), (5_000, "container.hash_chain_limits")] {
        let entries: Documents<'_> = &[(CHAIN, &many(5_000, &next)), ("more.xml", &many(more, &[]))];
        assert_failed_with(&outcome(&story, &signed, entries), code);
    }
    let names: Vec<String> = (0..=MOST_FILES).map(|number| format!("c{number}.xml")).collect();
    let next = |number: usize| chain(&[step("S", &[step_reference(&format!("/c{}.xml#S", number + 1))])]);
    let files: Vec<Vec<u8>> = (0..=MOST_FILES).map(next).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(files.iter().map(Vec::as_slice)).collect();
    let outcome = outcome(&story, &result("/c0.xml#S", b""), &entries);
    assert_failed(&outcome, SubIndication::FormatFailure, "container.hash_chain_limits");
}

#[test]
fn steps_that_are_named_again_and_again_are_hashed_once() {
    let story = story();
    let doubled = |number: usize| {
        let next = step_reference(&format!("#S{}", number + 1));
        step(&format!("S{number}"), &[next.clone(), next])
    };
    let mut steps: Vec<String> = (0..DEEPEST - 1).map(doubled).collect();
    steps.push(step(&format!("S{}", DEEPEST - 1), &[hash_value(&[1; 32])]));
    let outcome = outcome_of(&story, &result("/sig-hashchain.xml#S0", b""), &chain(&steps));
    assert_failed(&outcome, SubIndication::HashFailure, "container.hash_chain_result");
}

#[test]
fn a_document_that_is_named_like_a_result_is_a_document() {
    let story = story();
    for content in [&b"no XML"[..], b"<HashChainResult/>"] {
        let outcome = outcome(&story, content, &[]);
        assert_passed(&outcome);
        assert_eq!(outcome.report.signatures[0].signed_parts, [RESULT]);
    }
}

#[test]
fn a_weak_digest_in_a_chain_is_a_matter_of_policy() {
    let story = story();
    let step0 =
        step("STEP0", &[data_reference("/message.xml", MESSAGE.1), data_reference("/attachment1", ATTACHMENT.1)]);
    let octets = step_octets(&[sha256(MESSAGE.1), sha256(ATTACHMENT.1)]);
    let weak = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        digest(DigestAlgorithm::Sha1, &octets).as_bytes(),
    );
    let signed = format!(
        r#"<h:HashChainResult URI="/sig-hashchain.xml#STEP0" xmlns="http://www.w3.org/2000/09/xmldsig#" xmlns:h="http://cyber.ee/hashchain"><DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/><DigestValue>{weak}</DigestValue></h:HashChainResult>"#
    );
    let outcome = outcome_of(&story, signed.as_bytes(), &chain(&[step0]));
    let [signature] = outcome.report.signatures.as_slice() else { panic!("one: {:?}", outcome.report) };
    assert_eq!(signature.reasons[0].code, "container.digest_weak");
    assert!(signature.intact && outcome.passed.is_none());
}

/// A container with a message, its signature, and a batch time-stamp.
fn stamped(story: &Story, over: &[u8]) -> Vec<u8> {
    let signatures = file_over(story, &[MESSAGE]);
    let batch = Batch::over(STAMP_CHAIN, &[(SIGNATURES, &signatures)]);
    let token = story.token(if over.is_empty() { &batch.result } else { over }, NOW - Duration::HOUR);
    let manifest = manifest_over(STAMP, &[(STAMP_RESULT, &batch.result)]);
    let mut pieces = pieces(
        ASIC_E,
        &[MESSAGE, (STAMP_RESULT, &batch.result), (STAMP_CHAIN, &batch.chain)],
        &[(SIGNATURES, &signatures), (STAMP_MANIFEST, &manifest)],
    );
    pieces.push(stored(STAMP, &token));
    Forge::of(&pieces).bytes
}

#[test]
fn a_batch_time_stamp_proves_that_the_signature_existed() {
    let story = story();
    let outcome = story.validate(&stamped(&story, b"")).unwrap();
    assert_passed(&outcome);
    let [stamp] = outcome.report.timestamps.as_slice() else { panic!("one: {:?}", outcome.report) };
    assert_eq!((stamp.indication, stamp.intact), (Indication::TotalPassed, true));
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T11:00:00Z");
}

#[test]
fn a_batch_time_stamp_over_something_else_proves_nothing() {
    let story = story();
    let outcome = story.validate(&stamped(&story, b"something else")).unwrap();
    assert!(!outcome.report.timestamps[0].intact);
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T12:00:00Z");
}

#[test]
fn a_batch_time_stamp_of_another_signature_proves_nothing_of_this_one() {
    let story = story();
    let signatures = file_over(&story, &[MESSAGE]);
    let batch = Batch::over(STAMP_CHAIN, &[(SIGNATURES, b"<other/>")]);
    let manifest = manifest_over(STAMP, &[(STAMP_RESULT, &batch.result)]);
    let mut pieces = pieces(
        ASIC_E,
        &[MESSAGE, (STAMP_RESULT, &batch.result), (STAMP_CHAIN, &batch.chain)],
        &[(SIGNATURES, &signatures), (STAMP_MANIFEST, &manifest)],
    );
    pieces.push(deflated(STAMP, &story.token(&batch.result, NOW - Duration::HOUR)));
    let outcome = story.validate(&Forge::of(&pieces).bytes).unwrap();
    let stamp = &outcome.report.timestamps[0];
    assert_eq!((stamp.intact, stamp.reasons[0].code.as_str()), (false, "container.object_changed"));
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T12:00:00Z");
}

#[test]
fn a_batch_time_stamp_of_nobody_known_proves_nothing() {
    let story = story();
    let container = crate::asic::Container::read(stamped(&story, b"").as_slice()).unwrap();
    let trust = TrustSnapshot::new(vec![], vec![], NOW);
    let context = Context { trust: &trust, revocation: &story.revocation, at: NOW, policy: &Policy::default() };
    let outcome = validate(container, &context);
    assert_eq!(outcome.report.timestamps[0].indication, Indication::Indeterminate);
    assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T12:00:00Z");
}
