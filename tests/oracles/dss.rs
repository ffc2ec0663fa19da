//! The European reference implementation (DSS 6.4), where `DSS_CLASSPATH` names its classes and Java is at hand; elsewhere the tests say that they are
//! skipped. What we write it validates, and what it writes we do: see `Dss.java`. It goes by the trust anchor and what the files hold, nothing else.
//!
//! Too large for the checks before each change, so it is run by hand:
//!
//! ```text
//! mvn dependency:copy-dependencies -DoutputDirectory=jars     in a folder with a pom.xml that depends on eu.europa.ec.joinup.sd-dss: dss-cades,
//!                                                             dss-asic-cades, dss-asic-xades, dss-cms-object, dss-validation, dss-policy-jaxb, dss-token, dss-service,
//!                                                             dss-utils-google-guava, dss-crl-parser-x509crl, each 6.4
//! DSS_CLASSPATH='<the folder>/jars/*' cargo test -p tests --test oracles dss
//! ```

use certs::dev::{Family, Identity, Usage};
use crypto::container::{ContainedCertificate, ContainedKey, Container, Password, Protection};
use crypto::digest::{Digest, DigestAlgorithm, from_hex, hex};
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use schemas::report::{Report, SignatureReport, TimestampReport};
use serde::Serialize;
use signing::cades::Content;

use crate::java;
use crate::workshop::{DOCUMENT, OTHER, SHA256, Signer, Workshop, extended, simple};

const P256: KeyKind = KeyKind::Ec(Curve::P256);
const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(SHA256);

pub(crate) fn ask(questions: &[String]) -> Option<Vec<String>> {
    java::ask("DSS_CLASSPATH", "Dss.java", questions)
}

/// A file, the content beside it, and what both should say of it: for each signature level, indication, sub-indication, whether it is intact, how many
/// of its digests match, and its time-stamps.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) file: Vec<u8>,
    pub(crate) content: Option<&'static [u8]>,
    pub(crate) expected: &'static str,
}

/// Asks DSS about each file, and compares: with what is expected, and with what we say.
pub(crate) fn agree(workshop: &Workshop, cases: &[Case]) {
    let (anchor, now) = (hex(workshop.pki.root().der()), milliseconds(workshop));
    let question = |case: &Case| {
        let content = case.content.map_or("-".to_owned(), hex);
        format!("validate {} {content} {anchor} {now}", hex(&case.file))
    };
    let questions: Vec<String> = cases.iter().map(question).collect();
    let Some(answers) = ask(&questions) else { return };
    let mut disagreements = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        let told: Vec<&str> = answer.split('|').map(|one| one.split(" #").next().unwrap_or_default()).collect();
        let ours = ours(&workshop.verdict(&case.file, case.content));
        if told.join("|") != case.expected || ours != without_counts(&told) {
            let (name, expected) = (case.name, case.expected);
            disagreements.push(format!("{name}: expected {expected}\n  DSS: {answer}\n  we: {}", ours.join("|")));
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

fn milliseconds(workshop: &Workshop) -> i64 {
    workshop.now.unix_timestamp() * 1000
}

/// An answer of DSS without the numbers of digests, which our report does not have.
fn without_counts(told: &[&str]) -> Vec<String> {
    let without = |one: &&str| one.split(' ').filter(|word| !word.contains('/')).collect::<Vec<_>>().join(" ");
    told.iter().map(without).collect()
}

/// Our report in the words of DSS.
fn ours(report: &Report) -> Vec<String> {
    let mut told = Vec::new();
    for signature in &report.signatures {
        tell(signature, "", &mut told);
    }
    told
}

fn tell(signature: &SignatureReport, prefix: &str, told: &mut Vec<String>) {
    let sub_indication = match signature.sub_indication.map(name).as_deref() {
        None => "-".to_owned(),
        // Nothing known of a revocation, and an algorithm that no suite ever had: see DIVERGENCES.md of `signing`.
        Some("TRY_LATER") => "CERTIFICATE_CHAIN_GENERAL_FAILURE".to_owned(),
        Some("CRYPTO_CONSTRAINTS_FAILURE") => "CRYPTO_CONSTRAINTS_FAILURE_NO_POE".to_owned(),
        Some(other) => other.to_owned(),
    };
    let intact = if signature.intact { "intact" } else { "broken" };
    let (level, indication) = (&signature.level, name(signature.indication));
    let mut line = format!("{prefix}{level} {indication} {sub_indication} {intact}");
    // DSS tells signature time-stamps before archive time-stamps.
    let mut stamps: Vec<String> = signature.timestamps.iter().map(stamp).collect();
    stamps.sort_by_key(|stamp| !stamp.contains("SIGNATURE"));
    line.extend(stamps);
    told.push(line);
    for counter in &signature.counter_signatures {
        tell(counter, "counter:", told);
    }
}

fn stamp(stamp: &TimestampReport) -> String {
    let indication = name(stamp.indication);
    let indication = indication.strip_prefix("TOTAL_").unwrap_or(&indication);
    format!(" {}_TIMESTAMP:{indication}:{}", name(stamp.kind), if stamp.intact { "intact" } else { "broken" })
}

/// The name of a value in the JSON of the report, which is that of the standard.
fn name(value: impl Serialize) -> String {
    serde_json::to_value(value).expect("JSON").as_str().expect("a name").to_owned()
}

const NOTHING_KNOWN: &str = "CAdES-BASELINE-B INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE intact 1/1";
const STAMPED_AND_NOTHING_KNOWN: &str = "CAdES-BASELINE-T INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE intact 1/1 SIGNATURE_TIMESTAMP:INDETERMINATE:intact";
const B: &str = "CAdES-BASELINE-B TOTAL_PASSED - intact 1/1";
const LT: &str = "CAdES-BASELINE-LT TOTAL_PASSED - intact 1/1 SIGNATURE_TIMESTAMP:PASSED:intact";
const LTA: &str =
    "CAdES-BASELINE-LTA TOTAL_PASSED - intact 1/1 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact";

pub(crate) fn case(name: &'static str, file: Vec<u8>, expected: &'static str) -> Case {
    Case { name, file, content: None, expected }
}

#[test]
fn every_level_comes_to_what_we_say() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(P256, ECDSA);
    let b = workshop.sign(Content::Attached(DOCUMENT), &signer);
    let t = workshop.stamp(&b);
    let lt = workshop.long_term(&t, &[&signer]);
    let lta = workshop.archive(&lt, None, 0);
    let twice = workshop.archive(&lta, None, 1);
    let over = crypto::digest::digest(SHA256, DOCUMENT);
    let detached = workshop.stamp(&workshop.sign(Content::Detached(over), &signer));
    let detached = workshop.archive(&workshop.long_term(&detached, &[&signer]), Some(over), 0);
    let beside = |name, content, expected| Case { name, file: detached.clone(), content: Some(content), expected };
    agree(
        &workshop,
        &[
            case("B, nothing known", b.clone(), NOTHING_KNOWN),
            case("B with answers", workshop.long_term(&b, &[&signer]), B),
            case(
                "T, nothing known",
                t,
                "CAdES-BASELINE-T INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE intact 1/1 SIGNATURE_TIMESTAMP:INDETERMINATE:intact",
            ),
            case("LT", lt, LT),
            case("LTA", lta, LTA),
            case(
                "LTA, renewed",
                twice,
                "CAdES-BASELINE-LTA TOTAL_PASSED - intact 1/1 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact",
            ),
            beside("detached LTA", DOCUMENT, LTA),
        ],
    );
}

#[test]
fn every_algorithm_passes() {
    let workshop = Workshop::of(Family::P256);
    let rsa = KeyKind::Rsa { bits: 3072 };
    let (sha384, sha512) = (DigestAlgorithm::Sha384, DigestAlgorithm::Sha512);
    let pss = |digest, salt_len| SignatureAlgorithm::RsaPss { digest, mgf_digest: digest, salt_len };
    let cases = [
        ("P-384", KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(sha384)),
        ("P-521", KeyKind::Ec(Curve::P521), SignatureAlgorithm::Ecdsa(sha512)),
        ("RSA", rsa, SignatureAlgorithm::RsaPkcs1(SHA256)),
        ("RSA-PSS", rsa, pss(SHA256, 32)),
        ("RSA-PSS, SHA-384", rsa, pss(sha384, 48)),
    ];
    let archived = |kind, algorithm| {
        let signer = workshop.signer(kind, algorithm);
        let cms = workshop.stamp(&workshop.sign(Content::Attached(DOCUMENT), &signer));
        workshop.archive(&workshop.long_term(&cms, &[&signer]), None, 0)
    };
    let mut cases = Vec::from(cases.map(|(name, kind, algorithm)| case(name, archived(kind, algorithm), LTA)));
    // Intact, and not relied on: it is not among the algorithms of TS 119 312. We say so by the policy eu-baseline.
    let edwards = archived(KeyKind::Ed25519, SignatureAlgorithm::Ed25519);
    let not_relied_on = "CAdES-BASELINE-LTA INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE_NO_POE intact 1/1 \
                         SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact";
    cases.push(case("Ed25519", edwards, not_relied_on));
    agree(&workshop, &cases);
}

#[test]
fn parallel_and_counter_signatures_come_to_what_we_say() {
    let workshop = Workshop::of(Family::P256);
    let (first, second) = (workshop.signer(P256, ECDSA), workshop.signer(P256, ECDSA));
    let b = workshop.sign(Content::Attached(DOCUMENT), &first);
    let parallel = workshop.long_term(&workshop.stamp(&workshop.parallel(&b, &second)), &[&first, &second]);
    let counter = workshop.long_term(&workshop.stamp(&workshop.counter(&b, &second)), &[&first, &second]);
    agree(
        &workshop,
        &[
            case(
                "parallel",
                parallel,
                "CAdES-BASELINE-LT TOTAL_PASSED - intact 1/1 SIGNATURE_TIMESTAMP:PASSED:intact|CAdES-BASELINE-LT TOTAL_PASSED - intact 1/1 SIGNATURE_TIMESTAMP:PASSED:intact",
            ),
            case(
                "counter",
                counter,
                "CAdES-BASELINE-LT TOTAL_PASSED - intact 1/1 SIGNATURE_TIMESTAMP:PASSED:intact|counter:CAdES-BASELINE-B TOTAL_PASSED - intact 1/1",
            ),
        ],
    );
}

#[test]
fn containers_come_to_what_we_say() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(P256, ECDSA);
    let lt = |cms: Vec<u8>, _: Digest| workshop.long_term(&workshop.stamp(&cms), &[&signer]);
    let lta = |cms: Vec<u8>, over: Digest| workshop.archive(&lt(cms, over), Some(over), 0);
    let b = |cms, _| cms;
    agree(
        &workshop,
        &[
            case("ASiC-S, B", workshop.container(simple(), &signer, b), NOTHING_KNOWN),
            case("ASiC-S, LT", workshop.container(simple(), &signer, lt), LT),
            case("ASiC-S, LTA", workshop.container(simple(), &signer, lta), LTA),
            // The manifest's digest in the signature, and the two of the documents in the manifest.
            case(
                "ASiC-E, B",
                workshop.container(extended(), &signer, b),
                "CAdES-BASELINE-B INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE intact 3/3",
            ),
            case(
                "ASiC-E, LT",
                workshop.container(extended(), &signer, lt),
                "CAdES-BASELINE-LT TOTAL_PASSED - intact 3/3 SIGNATURE_TIMESTAMP:PASSED:intact",
            ),
            case(
                "ASiC-E, LTA",
                workshop.container(extended(), &signer, lta),
                "CAdES-BASELINE-LTA TOTAL_PASSED - intact 3/3 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact",
            ),
        ],
    );
}

/// The same octets but for one bit of the `number`th occurrence of `part`.
fn spoilt(file: &[u8], part: &[u8], number: usize, at: usize) -> Vec<u8> {
    let places: Vec<usize> = (0..file.len() - part.len()).filter(|place| file[*place..].starts_with(part)).collect();
    let mut file = file.to_vec();
    file[places[number] + at] ^= 1;
    file
}

/// CRC-32 as of a ZIP archive (APPNOTE 4.4.7).
fn crc(octets: &[u8]) -> [u8; 4] {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let crc = octets.iter().fold(u32::MAX, |crc, octet| (0..8).fold(crc ^ u32::from(*octet), |crc, _| step(crc)));
    (!crc).to_le_bytes()
}

/// A container with other content in the place of a document, and the checksums that go with it.
fn exchanged(container: &[u8], document: &[u8], other: &[u8]) -> Vec<u8> {
    assert_eq!(document.len(), other.len());
    let mut container = container.to_vec();
    for (from, to) in [(document, other), (&crc(document), &crc(other))] {
        let places = 0..container.len() - from.len();
        let places: Vec<usize> = places.filter(|place| container[*place..].starts_with(from)).collect();
        // The document once, its checksum in both headers.
        assert_eq!(places.len(), if from.len() == 4 { 2 } else { 1 }, "{from:?}");
        places.into_iter().for_each(|place| container[place..place + to.len()].copy_from_slice(to));
    }
    container
}

#[test]
fn what_is_changed_fails_for_both() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(P256, ECDSA);
    let b = workshop.sign(Content::Attached(DOCUMENT), &signer);
    let value = b[b.len() - 20..].to_vec();
    let lta = workshop.archive(&workshop.long_term(&workshop.stamp(&b), &[&signer]), None, 0);
    let lt = |cms: Vec<u8>, _: Digest| workshop.long_term(&workshop.stamp(&cms), &[&signer]);
    let container = workshop.container(extended(), &signer, lt);
    agree(
        &workshop,
        &[
            case(
                "content",
                spoilt(&lta, DOCUMENT, 0, 5),
                "CAdES-BASELINE-LTA TOTAL_FAILED HASH_FAILURE broken 0/1 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:FAILED:broken",
            ),
            case(
                "value",
                spoilt(&lta, &value, 0, 5),
                "CAdES-BASELINE-LTA TOTAL_FAILED SIG_CRYPTO_FAILURE broken 1/1 SIGNATURE_TIMESTAMP:FAILED:broken ARCHIVE_TIMESTAMP:FAILED:broken",
            ),
            case(
                "a document of a container",
                exchanged(&container, OTHER, b"an enclosurE"),
                "CAdES-BASELINE-LT TOTAL_FAILED HASH_FAILURE broken 2/3 SIGNATURE_TIMESTAMP:PASSED:intact",
            ),
        ],
    );
}

/// EN 319 122-1, 5.5.2: the index holds the hashes of what is there, and no others. DSS passes over those that match nothing; for us the archive
/// time-stamp is then a forgery (DIVERGENCES.md of `signing`). The signature itself does not need it.
#[test]
fn a_hash_index_that_names_what_is_not_there_is_a_known_difference() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(P256, ECDSA);
    let cms = workshop.stamp(&workshop.sign(Content::Attached(DOCUMENT), &signer));
    let lta = workshop.archive(&workshop.long_term(&cms, &[&signer]), None, 0);
    let root = workshop.pki.root().der();
    let changed = spoilt(&lta, root, 0, root.len() - 1);
    let ours = ours(&workshop.verdict(&changed, None));
    let without = LTA.replace(" 1/1", "");
    assert_eq!(ours, [without.replace("ARCHIVE_TIMESTAMP:PASSED:intact", "ARCHIVE_TIMESTAMP:FAILED:broken")]);
    let (anchor, now) = (hex(root), milliseconds(&workshop));
    let Some(answers) = ask(&[format!("validate {} - {anchor} {now}", hex(&changed))]) else { return };
    assert!(answers[0].starts_with(LTA), "{}", answers[0]);
}

/// A PKCS#12 with the key under the name "signer".
pub(crate) fn pkcs12(workshop: &Workshop, identity: &Identity, password: &str) -> Vec<u8> {
    let (name, key_id) = (Some("signer".to_owned()), Some(vec![1]));
    let key = ContainedKey::new(identity.key.to_pkcs8_der().expect("a key")).expect("a key");
    let key = key.with_friendly_name(name.clone()).with_local_key_id(key_id.clone());
    let own =
        ContainedCertificate { der: identity.certificate.der().to_vec(), friendly_name: name, local_key_id: key_id };
    let authority = |certificate: &certs::certificate::Certificate| ContainedCertificate {
        der: certificate.der().to_vec(),
        friendly_name: None,
        local_key_id: None,
    };
    let certificates = vec![own, authority(workshop.pki.issuing_ca()), authority(workshop.pki.root())];
    let container = Container::new(vec![key], certificates);
    container.to_pkcs12_der(&Password::new(password), Protection::Modern).expect("a PKCS#12")
}

#[test]
fn what_dss_signs_we_accept() {
    let workshop = Workshop::of(Family::P256);
    let authority = workshop.identity(P256, Usage::TimeStamping);
    let authority = Signer::new(authority, ECDSA);
    let password = "password";
    let mut questions = Vec::new();
    let mut names = Vec::new();
    for (kind, algorithm) in [(P256, ECDSA), (KeyKind::Rsa { bits: 2048 }, SignatureAlgorithm::RsaPkcs1(SHA256))] {
        let signer = workshop.signer(kind, algorithm);
        let list = |items: &[Vec<u8>]| items.iter().map(|item| hex(item)).collect::<Vec<_>>().join(",");
        let answers = list(&workshop.answers(&[&signer, &authority]));
        let issuing = hex(workshop.pki.issuing_ca().der());
        let [own, stamping] = [&signer, &authority].map(|one| hex(&pkcs12(&workshop, &one.identity, password)));
        let (root, content) = (hex(workshop.pki.root().der()), hex(DOCUMENT));
        let time = workshop.beginning().unix_timestamp() * 1000;
        for (level, expected) in [
            ("CAdES_BASELINE_B", NOTHING_KNOWN),
            ("CAdES_BASELINE_T", STAMPED_AND_NOTHING_KNOWN),
            ("CAdES_BASELINE_LT", LT),
            ("CAdES_BASELINE_LTA", LTA),
        ] {
            for (packaging, content_beside) in [("ENVELOPING", None), ("DETACHED", Some(DOCUMENT))] {
                questions.push(format!(
                    "sign {level} {own} {stamping} {password} {content} {root} {packaging} {answers} {issuing} {time}"
                ));
                names.push((level, content_beside, expected));
            }
        }
    }
    let Some(files) = ask(&questions) else { return };
    let cases = names.into_iter().zip(files).map(|((name, content, expected), file)| {
        let file = from_hex(&file).unwrap_or_else(|| panic!("{name}: {file}"));
        Case { name, file, content, expected }
    });
    agree(&workshop, &cases.collect::<Vec<_>>());
}
