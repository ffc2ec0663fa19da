//! `sign` and `verify` on files.

use serde_json::Value;

use super::bench::{Bench, indefinite, name_of};
use super::*;
use certs::dev::Usage;
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyKind};
use signing::asic::create::{Part, extended};
use signing::cades::{Content, sign};
use time::OffsetDateTime;

fn json(seen: &Seen) -> Value {
    serde_json::from_str(&seen.out).unwrap_or_else(|error| panic!("{error}: {} {}", seen.out, seen.err))
}

fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort_unstable();
    keys
}

#[test]
fn what_is_signed_detached_verifies_with_its_content_and_the_anchors() {
    let bench = Bench::new();
    bench.write("letter.pdf", &vec![7; 300_000]);
    bench.sign("--output @letter.p7s @letter.pdf");
    let seen = bench.vuzol("verify --anchors @anchors --detached @letter.pdf @letter.p7s");
    assert_eq!(seen.code, exit::OK, "{}{}", seen.out, seen.err);
    assert!(seen.out.contains("TOTAL_PASSED") && seen.out.contains("99000001"), "{}", seen.out);
}

#[test]
fn the_json_report_has_the_fields_that_are_promised() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--output @letter.p7s @letter.pdf");
    let seen = bench.vuzol("verify --json --anchors @anchors --detached @letter.pdf @letter.p7s");
    let report = json(&seen);
    assert_eq!(keys(&report), ["digest", "format", "policy", "signatures", "trust", "unsigned_parts", "validated_at"]);
    let signature = &report["signatures"][0];
    let promised = "algorithm best_time chain format id indication intact level reasons signed_form signer signing_time sub_indication";
    assert_eq!(keys(signature).join(" "), promised);
    assert_eq!(keys(&signature["signer"]), ["edrpou", "rnokpp", "serial", "subject"]);
    assert_eq!(signature["indication"], "TOTAL_PASSED");
    assert_eq!(signature["level"], "CAdES-BASELINE-B");
    assert_eq!(signature["intact"], true);
    assert_eq!(signature["signer"]["edrpou"], "99000001");
    assert_eq!(report["digest"], crypto::digest::hex(&crypto::digest::sha256(&bench.read("letter.p7s"))));
}

/// A container with `letter.pdf` and `annex.pdf`, both signed.
pub(super) fn container(bench: &Bench) {
    let part = |name: &str, bytes: &[u8]| Part::of_bytes(name, None, bytes, DigestAlgorithm::Sha256).unwrap();
    let parts = [("letter.pdf", &b"letter"[..]), ("annex.pdf", b"annex")];
    let prepared = extended(parts.iter().map(|(name, bytes)| part(name, bytes)).collect()).unwrap();
    let signer = bench.issue("clerk", Usage::Signing, KeyKind::Ec(Curve::P256));
    bench.know("clerk", &signer.certificate);
    let chain = [signer.certificate.clone(), bench.pki.issuing_ca().clone()];
    let content = Content::Detached(prepared.to_sign(DigestAlgorithm::Sha256).unwrap());
    let cms = sign(content, &signer.key, signer.key.default_algorithm(), &chain, OffsetDateTime::now_utc()).unwrap();
    let whole = prepared.complete(&cms).unwrap().to_vec(&parts).unwrap();
    bench.write("letters.asice", &whole);
}

#[test]
fn a_container_is_valid_if_everything_in_it_is_signed() {
    let bench = Bench::new();
    container(&bench);
    let seen = bench.vuzol("verify --json --anchors @anchors @letters.asice");
    assert_eq!(seen.code, exit::OK, "{}{}", seen.out, seen.err);
    assert_eq!(json(&seen)["format"], "ASiC-E");
    assert_eq!(json(&seen)["signatures"][0]["signed_parts"], serde_json::json!(["annex.pdf", "letter.pdf"]));
    assert_eq!(
        bench.vuzol("verify --anchors @anchors --detached @letters.asice @letters.asice").code,
        exit::UNREADABLE
    );
    let mut cut = bench.read("letters.asice");
    cut.truncate(cut.len() - 10);
    bench.write("cut.asice", &cut);
    let seen = bench.vuzol("verify --anchors @anchors @cut.asice");
    assert_eq!(seen.code, exit::UNREADABLE);
    assert!(seen.err.contains("[container."), "{}", seen.err);
}

#[test]
fn a_policy_decides_and_an_unknown_one_is_refused() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    for policy in ["strict", "eu-baseline", "ua-qualified"] {
        let seen = bench.vuzol(&format!("verify --json --policy {policy} --anchors @anchors @letter.p7m"));
        assert_eq!((seen.code, &json(&seen)["policy"]), (exit::OK, &policy.into()));
    }
    assert_ne!(bench.vuzol("verify --policy lenient --anchors @anchors @letter.p7m").code, exit::OK);
}

#[test]
fn the_report_is_there_in_the_xml_of_etsi_too() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    let seen = bench.vuzol("verify --xml --anchors @anchors @letter.p7m");
    assert_eq!(seen.code, exit::OK);
    assert!(seen.out.contains("urn:etsi:019102:mainindication:total-passed"), "{}", seen.out);
}

#[test]
fn what_is_signed_attached_needs_no_other_file() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    assert_eq!(bench.vuzol("verify --anchors @anchors @letter.p7m").code, exit::OK);
    assert_eq!(bench.vuzol("verify --anchors @anchors --detached @letter.pdf @letter.p7m").code, exit::OK);
}

#[test]
fn every_kind_of_key_signs_what_verifies() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    for (name, kind) in
        [("p384", KeyKind::Ec(Curve::P384)), ("rsa", KeyKind::Rsa { bits: 2048 }), ("p521", KeyKind::Ec(Curve::P521))]
    {
        bench.issue(name, Usage::Signing, kind);
        let line = format!("sign --key @{name}.key --certificate @{name}.pem --output @{name}.p7s @letter.pdf");
        assert_eq!(bench.vuzol(&line).code, exit::OK, "{name}");
        let seen = bench.vuzol(&format!("verify --json --detached @letter.pdf @{name}.p7s"));
        assert_eq!(json(&seen)["signatures"][0]["intact"], true, "{name}");
    }
}

#[test]
fn indefinite_length_is_read_like_der() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    bench.write("streamed.p7m", &indefinite(&bench.read("letter.p7m")));
    assert_eq!(bench.vuzol("verify --anchors @anchors @streamed.p7m").code, exit::OK);
}

#[test]
fn without_anchors_nothing_is_known_and_nothing_is_broken() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    let seen = bench.vuzol("verify --json @letter.p7m");
    assert_eq!(seen.code, exit::UNDECIDED);
    let signature = &json(&seen)["signatures"][0];
    assert_eq!(signature["sub_indication"], "NO_CERTIFICATE_CHAIN_FOUND");
    assert_eq!(signature["intact"], true);
    assert!(!signature["reasons"].as_array().unwrap().is_empty());
}

#[test]
fn another_content_fails() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.write("other.pdf", b"lettes");
    bench.sign("--output @letter.p7s @letter.pdf");
    let seen = bench.vuzol("verify --json --anchors @anchors --detached @other.pdf @letter.p7s");
    assert_eq!(seen.code, exit::REFUSED);
    let signature = &json(&seen)["signatures"][0];
    assert_eq!(
        (&signature["indication"], &signature["sub_indication"]),
        (&"TOTAL_FAILED".into(), &"HASH_FAILURE".into())
    );
    assert_eq!(signature["intact"], false);
}

#[test]
fn of_several_contents_the_matching_one_is_taken() {
    let bench = Bench::new();
    for (name, content) in [("a", "one"), ("letter.pdf", "letter"), ("c", "three")] {
        bench.write(name, content.as_bytes());
    }
    bench.sign("--output @letter.p7s @letter.pdf");
    let seen =
        bench.vuzol("verify --json --anchors @anchors --detached @a --detached @letter.pdf --detached @c @letter.p7s");
    assert_eq!(seen.code, exit::OK, "{}", seen.out);
    let unsigned = [name_of(&bench.path("a")), name_of(&bench.path("c"))];
    assert_eq!(json(&seen)["unsigned_parts"], serde_json::json!(unsigned));
}

#[test]
fn a_file_beside_an_attached_signature_over_something_else_does_not_pass() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.write("other.pdf", b"another letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    let seen = bench.vuzol("verify --json --anchors @anchors --detached @other.pdf @letter.p7m");
    assert_eq!(seen.code, exit::REFUSED);
    assert!(seen.err.contains("none of the files"), "{}", seen.err);
    assert_eq!(json(&seen)["unsigned_parts"][0], name_of(&bench.path("other.pdf")));
}

#[test]
fn a_changed_signature_value_fails_or_cannot_be_read() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    let signed = bench.read("letter.p7m");
    // The signature value is the last field of a CMS without unsigned attributes.
    let mut changed = signed.clone();
    *changed.last_mut().unwrap() ^= 1;
    bench.write("changed.p7m", &changed);
    let seen = bench.vuzol("verify --json --anchors @anchors @changed.p7m");
    assert_eq!(seen.code, exit::REFUSED, "{}", seen.out);
    assert_eq!(json(&seen)["signatures"][0]["intact"], false);
    // From the content on two octets only announce, and no digest covers them (RFC 5652, 5.1 and 5.3): the tag around the
    // content, which PKCS #7 left open, and the version of the SignerInfo, behind two headers of four octets and its own two.
    let end = |part: &[u8]| part.len() + signed.windows(part.len()).position(|window| window == part).unwrap();
    let content = end(b"letter") - b"letter".len();
    let version = end(bench.pki.issuing_ca().der()).max(end(&bench.signer_der())) + 10;
    for position in (content - 2..signed.len()).filter(|position| ![content - 2, version].contains(position)) {
        let mut changed = signed.clone();
        changed[position] ^= 0x10;
        bench.write("changed.p7m", &changed);
        let code = bench.vuzol("verify --anchors @anchors @changed.p7m").code;
        assert!((exit::REFUSED..=exit::UNREADABLE).contains(&code), "byte {position}: {code}");
    }
}

#[test]
fn a_revoked_signer_does_not_pass() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    let former = bench.issue("former", Usage::Signing, KeyKind::Ec(Curve::P256));
    bench.revoke(&former, "former");
    let line =
        "sign --key @former.key --certificate @former.pem --chain @issuing.pem --attached --output @x.p7m @letter.pdf";
    assert_eq!(bench.vuzol(line).code, exit::OK);
    let seen = bench.vuzol("verify --json --anchors @anchors @x.p7m");
    assert!(matches!(seen.code, exit::REFUSED | exit::UNDECIDED), "{}", seen.out);
    let named = json(&seen)["signatures"][0]["sub_indication"].as_str().unwrap().to_owned();
    assert!(named.starts_with("REVOKED"), "{named}");
}

#[test]
fn before_the_certificate_began_it_was_not_valid() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.sign("--attached --output @letter.p7m @letter.pdf");
    let seen = bench.vuzol("verify --json --anchors @anchors --at 2020-01-01T00:00:00+02:00 @letter.p7m");
    assert_ne!(seen.code, exit::OK, "{}", seen.out);
    assert_eq!(json(&seen)["signatures"][0]["intact"], true);
}

#[test]
fn what_is_no_signature_is_said_in_one_line() {
    let bench = Bench::new();
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("garbage", b"%PDF-1.7 not a signature"),
        ("cut", b"\x30\x82\xff\xff\x06"),
        ("deep", &[0x30; 5000]),
    ] {
        bench.write(name, bytes);
        let seen = bench.vuzol(&format!("verify --json @{name}"));
        assert_eq!(
            (seen.code, seen.out.as_str(), seen.err.lines().count()),
            (exit::UNREADABLE, "", 1),
            "{name}: {}",
            seen.err
        );
    }
    assert_eq!(bench.vuzol("verify @absent").code, exit::UNREADABLE);
    bench.write("letter.pdf", b"letter");
    bench.sign("--output @letter.p7s @letter.pdf");
    assert_eq!(bench.vuzol("verify --detached @absent @letter.p7s").code, exit::UNREADABLE);
    assert_eq!(bench.vuzol("verify --anchors @absent @letter.p7s").code, exit::UNREADABLE);
    bench.write("anchors/broken.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let seen = bench.vuzol("verify --anchors @anchors --detached @letter.pdf @letter.p7s");
    assert!(seen.code == exit::UNREADABLE && seen.err.contains("broken.pem"), "{}", seen.err);
}

#[test]
fn a_key_that_is_not_the_certificates_signs_nothing() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.issue("other", Usage::Signing, KeyKind::Ec(Curve::P256));
    let seen = bench.vuzol("sign --key @other.key --certificate @signer.pem --output @letter.p7s @letter.pdf");
    assert_eq!(seen.code, exit::UNREADABLE);
    assert!(!bench.exists("letter.p7s"));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_remarked() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    std::fs::set_permissions(bench.path("signer.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let seen = bench.vuzol("sign --key @signer.key --certificate @signer.pem --output @letter.p7s @letter.pdf");
    assert_eq!(seen.code, exit::OK);
    assert!(seen.err.contains("can be read by others"), "{}", seen.err);
}
