//! `sign`, `augment` and `verify` with XAdES: in XML files and in containers.

use serde_json::Value;
use storage::Clock;
use storage::clock::SystemClock;

use super::bench::Bench;
use super::stamping::{Served, authority};
use super::*;

const ORDER: &[u8] = "<?xml version=\"1.0\"?>\r\n<order><sum>10 грн</sum></order>\r\n".as_bytes();
const SIGN: &str = "sign --key @signer.key --certificate @signer.pem --chain @issuing.pem";

fn report(bench: &Bench, name: &str) -> Value {
    let seen = bench.vuzol(&format!("verify --json --anchors @anchors @{name}"));
    assert_eq!(seen.code, exit::OK, "{name}: {}{}", seen.out, seen.err);
    serde_json::from_str(&seen.out).unwrap()
}

fn levels(report: &Value) -> Vec<&str> {
    report["signatures"].as_array().unwrap().iter().map(|one| one["level"].as_str().unwrap()).collect()
}

/// An authority that the bench believes, serving.
fn served(bench: &Bench) -> Served {
    let authority = authority();
    bench.write("anchors/tsa-root.pem", authority.root().to_pem().as_bytes());
    bench.write("anchors/tsa-issuing.crl", &authority.crl(SystemClock.now()).unwrap());
    bench.write("anchors/tsa-root.crl", &authority.root_crl(SystemClock.now()).unwrap());
    Served::of(authority)
}

#[test]
fn an_xml_file_carries_its_signature_to_the_archive() {
    let bench = Bench::new();
    bench.write("order.xml", ORDER);
    bench.sign("--format xades --output @signed.xml @order.xml");
    assert_eq!(levels(&report(&bench, "signed.xml")), ["XAdES-BASELINE-B"]);
    let signed = String::from_utf8(bench.read("signed.xml")).unwrap();
    assert!(signed.starts_with("<?xml version=\"1.0\"?>\r\n<order><sum>") && signed.ends_with("</order>\r\n"));
    let served = served(&bench);
    let with = format!("--tsa {} --anchors @anchors", served.url);
    for (level, reached) in [("t", "XAdES-BASELINE-T"), ("lt", "XAdES-BASELINE-LT"), ("lta", "XAdES-BASELINE-LTA")] {
        let seen = bench.vuzol(&format!("augment --level {level} {with} --output @{level}.xml @signed.xml"));
        assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""), "{level}");
        assert_eq!(levels(&report(&bench, &format!("{level}.xml"))), [reached]);
    }
    let seen = bench.vuzol(&format!("augment --level lta {with} --output @again.xml @lta.xml"));
    assert_eq!(seen.code, exit::OK, "{}", seen.err);
    assert_eq!(report(&bench, "again.xml")["signatures"][0]["timestamps"].as_array().unwrap().len(), 3);
    // What does not pass is not carried on.
    bench.write("changed.xml", signed.replace("10", "99").as_bytes());
    let seen = bench.vuzol(&format!("augment --level t {with} --output @other.xml @changed.xml"));
    assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
    let seen = bench.vuzol(&format!("augment --level t {with} --output @other.xml @order.xml"));
    assert_eq!(seen.code, exit::UNREADABLE, "{}", seen.err);
    assert!(!bench.exists("other.xml") && bench.leftovers().is_empty());
}

#[test]
fn several_sign_an_xml_file_where_each_leaves_the_others_out() {
    let bench = Bench::new();
    bench.write("order.xml", ORDER);
    let served = served(&bench);
    let stamped = format!("--tsa {} --anchors @anchors", served.url);
    for (from, to) in [("order", "one"), ("one", "two")] {
        let seen = bench.vuzol(&format!("{SIGN} --format xades --parallel {stamped} --output @{to}.xml @{from}.xml"));
        assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""));
    }
    assert_eq!(levels(&report(&bench, "two.xml")), ["XAdES-BASELINE-T"; 2]);
    bench.sign("--format xades --output @closed.xml @two.xml");
    assert_eq!(levels(&report(&bench, "closed.xml")).len(), 3);
    let seen = bench.vuzol(&format!("{SIGN} --format xades --parallel --output @four.xml @closed.xml"));
    assert!(seen.code == exit::REFUSED && seen.err.contains("xades_create.covered"), "{}", seen.err);
    assert!(!bench.exists("four.xml"));
}

#[test]
fn a_container_is_made_signed_again_and_carried_to_the_archive() {
    let bench = Bench::new();
    bench.write("letter.pdf", &[7; 300_000]);
    let served = served(&bench);
    let with = format!("--tsa {} --anchors @anchors", served.url);
    bench.sign("--format asice --output @one.asice @letter.pdf");
    assert_eq!(levels(&report(&bench, "one.asice")), ["XAdES-BASELINE-B"]);
    let seen = bench.vuzol(&format!("{SIGN} --format asice {with} --output @two.asice @one.asice"));
    assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""));
    assert_eq!(levels(&report(&bench, "two.asice")), ["XAdES-BASELINE-B", "XAdES-BASELINE-T"]);
    let seen = bench.vuzol(&format!("augment --level lta {with} --output @kept.asice @two.asice"));
    assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""));
    let report = report(&bench, "kept.asice");
    assert_eq!(levels(&report), ["XAdES-BASELINE-LTA"; 2]);
    assert_eq!(report["signatures"][1]["signed_parts"], serde_json::json!(["letter.pdf"]));
}

#[test]
fn a_container_that_is_signed_in_another_way_is_not_signed_with_xades() {
    let bench = Bench::new();
    verifying::container(&bench);
    let seen = bench.vuzol(&format!("{SIGN} --format asice --output @out.asice @letters.asice"));
    assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
    let seen = bench.vuzol("augment --level t --anchors @anchors --output @out.asice @letters.asice");
    assert_eq!(seen.code, exit::UNREADABLE, "{}", seen.err);
    assert!(!bench.exists("out.asice"));
    // An archive that is no container is a file like any other.
    bench.write("archive.zip", b"PK\x03\x04, and so on");
    bench.sign("--format asice --output @archive.asice @archive.zip");
    assert_eq!(report(&bench, "archive.asice")["signatures"][0]["signed_parts"], serde_json::json!(["archive.zip"]));
}

#[test]
fn what_is_no_xml_or_asks_for_what_does_not_go_together_is_said_in_one_line() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    bench.write("typed.xml", b"<!DOCTYPE order><order/>");
    for (line, code, text) in [
        ("--format xades @letter.pdf", exit::UNREADABLE, "xml.malformed"),
        ("--format xades @typed.xml", exit::UNREADABLE, "xml.doctype"),
        ("--format xades --attached @typed.xml", exit::REFUSED, "--attached"),
        ("--format asice --parallel @letter.pdf", exit::REFUSED, "--parallel"),
    ] {
        let seen = bench.vuzol(&format!("{SIGN} --output @out {line}"));
        assert_eq!((seen.code, seen.err.lines().count()), (code, 1), "{line}: {}", seen.err);
        assert!(seen.err.contains(text), "{line}: {}", seen.err);
        assert!(!bench.exists("out"));
    }
}
