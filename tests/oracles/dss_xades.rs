//! The European reference implementation about XAdES, as in `dss`: enveloped and in ASiC-E, from B to LTA, both ways.

use certs::dev::{Family, Usage};
use crypto::digest::{DigestAlgorithm, from_hex, hex};
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use signing::xades::NoContents;
use signing::xades::augment::request_archive_timestamp;
use signing::xades::create::{Envelope, Options};

use crate::dss::{agree, ask, case, pkcs12};
use crate::workshop::{SHA256, Signer, Workshop};
use crate::xades::{Level, ORDER, container, enveloped, one_more, order, raised, with_answers};

const P256: KeyKind = KeyKind::Ec(Curve::P256);
const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(SHA256);

const NOTHING_KNOWN: &str = "XAdES-BASELINE-B INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE intact 2/2";
const STAMPED: &str = "XAdES-BASELINE-T INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE intact 2/2 SIGNATURE_TIMESTAMP:INDETERMINATE:intact";
const LT: &str = "XAdES-BASELINE-LT TOTAL_PASSED - intact 2/2 SIGNATURE_TIMESTAMP:PASSED:intact";
const LTA: &str =
    "XAdES-BASELINE-LTA TOTAL_PASSED - intact 2/2 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact";

#[test]
fn every_level_comes_to_what_we_say() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(P256, ECDSA);
    let of = |level| order(&workshop, &signer, level);
    agree(
        &workshop,
        &[
            case("B", of(Level::B), NOTHING_KNOWN),
            case("T", of(Level::T), STAMPED),
            case("LT", of(Level::Lt), LT),
            case("LTA", of(Level::Lta), LTA),
            case(
                "LTA, renewed",
                of(Level::Renewed),
                "XAdES-BASELINE-LTA TOTAL_PASSED - intact 2/2 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:PASSED:intact",
            ),
        ],
    );
}

#[test]
fn every_algorithm_passes() {
    let workshop = Workshop::of(Family::P256);
    let rsa = KeyKind::Rsa { bits: 3072 };
    let (sha384, sha512) = (DigestAlgorithm::Sha384, DigestAlgorithm::Sha512);
    let pss = |digest: DigestAlgorithm| SignatureAlgorithm::RsaPss {
        digest,
        mgf_digest: digest,
        salt_len: digest.output_len(),
    };
    let cases = [
        ("P-384", KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(sha384)),
        ("P-521", KeyKind::Ec(Curve::P521), SignatureAlgorithm::Ecdsa(sha512)),
        ("RSA", rsa, SignatureAlgorithm::RsaPkcs1(SHA256)),
        ("RSA-PSS", rsa, pss(SHA256)),
        ("RSA-PSS, SHA-512", rsa, pss(sha512)),
    ];
    let made = cases.map(|(name, kind, algorithm)| {
        case(name, order(&workshop, &workshop.signer(kind, algorithm), Level::Lta), LTA)
    });
    agree(&workshop, &made);
}

#[test]
fn several_signatures_come_to_what_we_say() {
    let workshop = Workshop::of(Family::P256);
    let (first, second) = (workshop.signer(P256, ECDSA), workshop.signer(P256, ECDSA));
    let beside = Options { envelope: Envelope::DocumentLessSignatures, ..Options::default() };
    let one = enveloped(&workshop, &first, ORDER, &beside);
    let mut two = enveloped(&workshop, &second, &one, &beside);
    for (number, signer) in [(0, &first), (1, &second)] {
        two = raised(&workshop, signer, &two, number, Level::Lta, &NoContents);
    }
    let contained = one_more(&workshop, &second, &container(&workshop, &first, Level::Lta), Level::Lta);
    agree(
        &workshop,
        &[
            case("two enveloped", two, leaked(format!("{LTA}|{LTA}"))),
            case("two in a container", contained, leaked(format!("{LTA}|{LTA}").replace("2/2", "3/3"))),
        ],
    );
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

#[test]
fn containers_come_to_what_we_say() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(P256, ECDSA);
    // The two documents, and the signed properties.
    let of = |name, level, expected: &str| {
        case(name, container(&workshop, &signer, level), leaked(expected.replace("2/2", "3/3")))
    };
    agree(
        &workshop,
        &[
            of("ASiC-E, B", Level::B, NOTHING_KNOWN),
            of("ASiC-E, T", Level::T, STAMPED),
            of("ASiC-E, LT", Level::Lt, LT),
            of("ASiC-E, LTA", Level::Lta, LTA),
        ],
    );
}

#[test]
fn what_is_changed_fails_for_both() {
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(P256, ECDSA);
    let lta = String::from_utf8(order(&workshop, &signer, Level::Lta)).expect("text");
    let changed = |from: &str, to: &str| {
        assert!(lta.contains(from), "{from}");
        lta.replace(from, to).into_bytes()
    };
    agree(
        &workshop,
        &[
            case(
                "content",
                changed("10 &lt;", "99 &lt;"),
                "XAdES-BASELINE-LTA TOTAL_FAILED HASH_FAILURE broken 1/2 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:FAILED:broken",
            ),
            case(
                "signed properties",
                changed("application/xml", "application/xmk"),
                "XAdES-BASELINE-LTA TOTAL_FAILED HASH_FAILURE broken 1/2 SIGNATURE_TIMESTAMP:PASSED:intact ARCHIVE_TIMESTAMP:FAILED:broken",
            ),
        ],
    );
}

/// The enveloped ones are then raised by us, and what DSS stamped is stamped again.
#[test]
fn what_dss_signs_we_accept_and_make_last() {
    let workshop = Workshop::of(Family::P256);
    let authority = Signer::new(workshop.identity(P256, Usage::TimeStamping), ECDSA);
    let password = "password";
    let (mut questions, mut names) = (Vec::new(), Vec::new());
    for (kind, algorithm) in [(P256, ECDSA), (KeyKind::Rsa { bits: 2048 }, SignatureAlgorithm::RsaPkcs1(SHA256))] {
        let signer = workshop.signer(kind, algorithm);
        let list = |items: &[Vec<u8>]| items.iter().map(|item| hex(item)).collect::<Vec<_>>().join(",");
        let answers = list(&workshop.answers(&[&signer, &authority]));
        let issuing = hex(workshop.pki.issuing_ca().der());
        let [own, stamping] = [&signer, &authority].map(|one| hex(&pkcs12(&workshop, &one.identity, password)));
        let (root, content) = (hex(workshop.pki.root().der()), hex(ORDER));
        let time = workshop.beginning().unix_timestamp() * 1000;
        for (level, expected) in [
            ("XAdES_BASELINE_B", NOTHING_KNOWN),
            ("XAdES_BASELINE_T", STAMPED),
            ("XAdES_BASELINE_LT", LT),
            ("XAdES_BASELINE_LTA", LTA),
        ] {
            for packaging in ["ENVELOPED", "ASIC_E"] {
                questions.push(format!(
                    "sign {level} {own} {stamping} {password} {content} {root} {packaging} {answers} {issuing} {time}"
                ));
                names.push((level, packaging, expected));
            }
        }
    }
    let Some(files) = ask(&questions) else { return };
    let mut cases = Vec::new();
    for ((name, packaging, expected), file) in names.into_iter().zip(files) {
        let file = from_hex(&file).unwrap_or_else(|| panic!("{name}: {file}"));
        if packaging == "ENVELOPED" && name == "XAdES_BASELINE_LT" {
            cases.push(case("LT of DSS, archived by us", archived(&workshop, &file), LTA));
        }
        if packaging == "ENVELOPED" && name == "XAdES_BASELINE_LTA" {
            let renewed = leaked(format!("{LTA} ARCHIVE_TIMESTAMP:PASSED:intact"));
            cases.push(case("LTA of DSS, renewed by us", archived(&workshop, &file), renewed));
        }
        cases.push(case(name, file, expected));
    }
    agree(&workshop, &cases);
}

/// What is known of our authority goes into TimeStampValidationData, before the time-stamp.
fn archived(workshop: &Workshop, document: &[u8]) -> Vec<u8> {
    let document = with_answers(workshop, &[], document, 0);
    let request = request_archive_timestamp(&document, 0, SHA256, &NoContents).expect("an imprint");
    let token = workshop.token(request.imprint(), workshop.minute(6));
    request.complete(&token).expect("a token")
}
