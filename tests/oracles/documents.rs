//! Files that we sign before BouncyCastle (`bcprov`, `bcpkix` and `bcutil` on the class path in `BOUNCY_CASTLE_JAR`), and spoilt ones: see
//! `Documents.java`. It knows no archive time-stamps of version 3: of these it reads the token; over what they stand is for DSS to say (`dss`).

use certs::dev::Family;
use crypto::digest::{DigestAlgorithm, digest, hex};
use crypto::dstu4145;
use crypto::gost28147::Dke;
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use signing::cades::Content;
use signing::cms::SignedData;

use crate::java;
use crate::workshop::{DOCUMENT, SHA256, Signer, Workshop, extended};

/// Whether the class path has more than the primitives.
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn ask(questions: &[String]) -> Option<Vec<String>> {
    let class_path = std::env::var("BOUNCY_CASTLE_JAR").unwrap_or_default();
    if !class_path.is_empty() && !class_path.contains("bcpkix") {
        println!("skipped: BOUNCY_CASTLE_JAR names no bcpkix");
        return None;
    }
    java::ask("BOUNCY_CASTLE_JAR", "Documents.java", questions)
}

fn question(cms: &[u8], content: Option<&[u8]>) -> String {
    let packed = Dke::NUMBER_1;
    let table: Vec<u8> = packed.packed().iter().flat_map(|pair| [pair >> 4, pair & 15]).collect();
    let content = content.map_or("-".to_owned(), hex);
    format!("cms {} {content} {}", hex(cms), hex(&table))
}

/// A file, the content beside it, and what BouncyCastle should say.
struct Case {
    name: String,
    question: String,
    answer: String,
}

/// The algorithms that a family's signers have.
fn signers(workshop: &Workshop, family: Family) -> Vec<Signer> {
    let rsa = KeyKind::Rsa { bits: 2048 };
    let m257 = KeyKind::Dstu4145(dstu4145::Curve::M257);
    let pss = SignatureAlgorithm::RsaPss { digest: SHA256, mgf_digest: SHA256, salt_len: 32 };
    let kinds = match family {
        Family::P256 => vec![
            (KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(SHA256)),
            (KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384)),
            (rsa, SignatureAlgorithm::RsaPkcs1(SHA256)),
            (rsa, pss),
            (KeyKind::Ed25519, SignatureAlgorithm::Ed25519),
        ],
        Family::Dstu4145 => vec![
            (m257, SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna256)),
            (m257, SignatureAlgorithm::Dstu4145(DigestAlgorithm::Gost34311)),
        ],
    };
    kinds.into_iter().map(|(kind, algorithm)| workshop.signer(kind, algorithm)).collect()
}

/// Every level of one signer, a second one beside it, and one over it.
fn cases_of(workshop: &Workshop, signer: &Signer) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, cms: &[u8], content: Option<&[u8]>, answer: String| {
        let name = format!("{name} of {:?}", signer.algorithm);
        cases.push(Case { name, question: question(cms, content), answer });
    };
    let b = workshop.sign(Content::Attached(DOCUMENT), signer);
    let algorithm = SignedData::read(&b).expect("a signature").signers[0].signature_algorithm.dotted();
    let good = format!("{algorithm}:good");
    add("level B", &b, None, good.clone());
    let hash = digest(signer.algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512), DOCUMENT);
    let detached = workshop.sign(Content::Detached(hash), signer);
    add("detached level B", &detached, Some(DOCUMENT), good.clone());
    let t = workshop.stamp(&b);
    add("level T", &t, None, format!("{good} stamp:good"));
    let lt = workshop.long_term(&t, &[signer]);
    add("level LT", &lt, None, format!("{good} stamp:good"));
    let lta = workshop.archive(&lt, None, 0);
    add("level LTA", &lta, None, format!("{good} stamp:good archive:good"));
    let twice = workshop.archive(&lta, None, 1);
    add("renewed level LTA", &twice, None, format!("{good} stamp:good archive:good archive:good"));
    let second = workshop.signer(KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(SHA256));
    let parallel = workshop.parallel(&b, &second);
    add("parallel signatures", &parallel, None, sorted(&[&good, "1.2.840.10045.4.3.2:good"]));
    let counter = workshop.counter(&b, &second);
    add("a counter-signature", &counter, None, format!("{good} counter:good"));

    // What is spoilt: content, signed attributes, value, and the imprint of the time-stamp.
    let spoil = |cms: &[u8], part: &[u8], at: usize| {
        let mut cms = cms.to_vec();
        let place = cms.windows(part.len()).position(|window| window == part).expect("the part") + at;
        cms[place] ^= 1;
        cms
    };
    add("changed content", &spoil(&b, DOCUMENT, 5), None, "refused".into());
    add("other content beside", &detached, Some(b"another document"), "refused".into());
    let signing_time = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
    // Past the identifier: SET and UTCTime, two octets each, and the seconds.
    add("another signing time", &spoil(&b, &signing_time, 9 + 4 + 11), None, "refused".into());
    let last = b.len() - 2;
    add("a changed value", &spoil(&b, &b, last), None, "refused".into());
    let other = workshop.stamp(&workshop.sign(Content::Attached(b"another document"), signer));
    let moved = move_stamp(&other, &b);
    add("a time-stamp of another signature", &moved, None, format!("{good} stamp:bad"));
    cases
}

/// The time-stamp of one file put into another.
fn move_stamp(from: &[u8], to: &[u8]) -> Vec<u8> {
    let signed = SignedData::read(from).expect("a signature");
    // 1.2.840.113549.1.9.16.2.14
    let signature_time_stamp = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0e];
    let token = signed.signers[0].unsigned(&signature_time_stamp).next().expect("a time-stamp");
    signing::cades::add_signature_timestamp(to, 0, token.values[0]).expect("a file")
}

/// SignerInfos are a SET: DER has them sorted, and BouncyCastle tells them in that order.
fn sorted(answers: &[&str]) -> String {
    let mut answers = answers.to_vec();
    answers.sort_unstable();
    answers.join("|")
}

/// An answer as it is compared: signatures sorted, refusals without their reasons.
fn told(answer: &str) -> String {
    let first = answer.split('|').collect::<Vec<_>>();
    let is_bad = |signature: &&str| signature.split(' ').next().is_some_and(|value| value.ends_with(":bad"));
    if answer.starts_with("refused") || first.iter().any(is_bad) { "refused".into() } else { sorted(&first) }
}

#[test]
fn what_we_sign_bouncy_castle_accepts_and_spoilt_it_refuses() {
    for family in [Family::P256, Family::Dstu4145] {
        let workshop = Workshop::of(family);
        let signers = signers(&workshop, family);
        let cases: Vec<Case> = signers.iter().flat_map(|signer| cases_of(&workshop, signer)).collect();
        let questions: Vec<String> = cases.iter().map(|case| case.question.clone()).collect();
        let Some(answers) = ask(&questions) else { return };
        for (case, answer) in cases.iter().zip(answers) {
            assert_eq!(told(&answer), case.answer, "{}: {answer}", case.name);
        }
    }
}

#[test]
fn the_signature_of_a_container_is_over_its_manifest() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(SHA256));
    let made = std::cell::RefCell::new(Vec::new());
    let keep = |cms: Vec<u8>, _| {
        made.replace(cms.clone());
        cms
    };
    let container = workshop.container(extended(), &signer, keep);
    let end = b"</asic:ASiCManifest>\n";
    let start = b"<?xml version";
    let at = |part: &[u8]| container.windows(part.len()).position(|window| window == part).expect("a manifest");
    let manifest = &container[at(start)..at(end) + end.len()];
    let mut changed = manifest.to_vec();
    changed[300] ^= 1;
    let cms = made.into_inner();
    let questions = [question(&cms, Some(manifest)), question(&cms, Some(&changed))];
    let Some(answers) = ask(&questions) else { return };
    assert_eq!(answers[0], "1.2.840.10045.4.3.2:good");
    assert_eq!(told(&answers[1]), "refused");
}
