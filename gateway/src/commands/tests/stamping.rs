//! `sign --tsa`: an authority that serves, one that is down, and those that must not be believed.

use std::sync::Arc;

use certs::dev::{DevPki, Usage};
use crypto::key::{Curve, KeyKind};
use serde_json::Value;
use storage::Clock;
use storage::clock::SystemClock;

use super::bench::Bench;
use super::*;
use crate::demo::services::DemoServices;

/// The services of a PKI on a loopback port, beside commands that have runtimes of their own.
pub(super) struct Served {
    pub(super) url: String,
    _services: DemoServices,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    pub(super) fn of(pki: DevPki) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let services = runtime.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            DemoServices::bind().await.unwrap().start(Arc::new(pki), clock)
        });
        Self { url: services.tsa_url(), _services: services, _runtime: runtime }
    }
}

pub(super) fn authority() -> DevPki {
    DevPki::new(SystemClock.now(), time::Duration::days(10), "").unwrap()
}

const SIGN: &str = "sign --key @signer.key --certificate @signer.pem --chain @issuing.pem --output @letter.p7s";

fn level(bench: &Bench) -> Value {
    let seen = bench.vuzol("verify --json --anchors @anchors --detached @letter.pdf @letter.p7s");
    let report: Value = serde_json::from_str(&seen.out).unwrap();
    report["signatures"][0]["level"].clone()
}

#[test]
fn a_time_stamp_makes_level_t() {
    let (bench, authority) = (Bench::new(), authority());
    bench.write("letter.pdf", b"letter");
    // The authority's root, and what is known of the certificates below it.
    std::fs::create_dir(bench.path("tsa")).unwrap();
    bench.write("tsa/root.pem", authority.root().to_pem().as_bytes());
    bench.write("tsa/issuing.crl", &authority.crl(SystemClock.now()).unwrap());
    bench.write("tsa/root.crl", &authority.root_crl(SystemClock.now()).unwrap());
    let served = Served::of(authority);
    let seen = bench.vuzol(&format!("{SIGN} --tsa {} --anchors @tsa @letter.pdf", served.url));
    assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""));
    assert_eq!(level(&bench), "CAdES-BASELINE-T");
    assert_eq!(bench.vuzol("verify --anchors @anchors --detached @letter.pdf @letter.p7s").code, exit::OK);
}

#[test]
fn a_signature_is_carried_to_the_archive() {
    let (bench, authority) = (Bench::new(), authority());
    bench.write("letter.pdf", b"letter");
    bench.sign("--output @letter.p7s @letter.pdf");
    bench.write("anchors/tsa-root.pem", authority.root().to_pem().as_bytes());
    bench.write("anchors/tsa-issuing.crl", &authority.crl(SystemClock.now()).unwrap());
    bench.write("anchors/tsa-root.crl", &authority.root_crl(SystemClock.now()).unwrap());
    let served = Served::of(authority);
    let with = format!("--tsa {} --anchors @anchors --detached @letter.pdf", served.url);
    for (level, reached) in [("t", "CAdES-BASELINE-T"), ("lt", "CAdES-BASELINE-LT"), ("lta", "CAdES-BASELINE-LTA")] {
        let seen = bench.vuzol(&format!("augment --level {level} {with} --output @{level}.p7s @letter.p7s"));
        assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""), "{level}");
        let seen = bench.vuzol(&format!("verify --json --anchors @anchors --detached @letter.pdf @{level}.p7s"));
        assert_eq!(seen.code, exit::OK, "{level}: {}", seen.out);
        let report: Value = serde_json::from_str(&seen.out).unwrap();
        assert_eq!(report["signatures"][0]["level"], reached);
    }
    // Renewed, without being stamped again over the value.
    let seen = bench.vuzol(&format!("augment --level lta {with} --output @again.p7s @lta.p7s"));
    assert_eq!(seen.code, exit::OK, "{}", seen.err);
    // What does not pass is not carried on.
    bench.write("other.pdf", b"another letter");
    let with = format!("--tsa {} --anchors @anchors --detached @other.pdf", served.url);
    let seen = bench.vuzol(&format!("augment --level t {with} --output @other.p7s @letter.p7s"));
    assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
    assert!(!bench.exists("other.p7s") && bench.leftovers().is_empty());
    let seen = bench.vuzol("augment --level t --anchors @anchors --detached @letter.pdf --output @x.p7s @letter.p7s");
    assert!(seen.code == exit::REFUSED && seen.err.contains("--tsa"), "{}", seen.err);
}

#[test]
fn who_does_not_say_whom_to_believe_is_told_that_nobody_checked() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    let served = Served::of(authority());
    let seen = bench.vuzol(&format!("{SIGN} --tsa {} @letter.pdf", served.url));
    assert_eq!(seen.code, exit::OK, "{}", seen.err);
    assert!(seen.err.contains("without knowing who its authority is"), "{}", seen.err);
    assert_eq!(level(&bench), "CAdES-BASELINE-T");
}

#[test]
fn an_authority_that_is_not_believed_stamps_nothing() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    let served = Served::of(authority());
    let seen = bench.vuzol(&format!("{SIGN} --tsa {} --anchors @anchors @letter.pdf", served.url));
    assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
    assert!(seen.err.contains("no time-stamp"), "{}", seen.err);
    assert!(!bench.exists("letter.p7s") && bench.leftovers().is_empty());
}

#[test]
fn without_the_authoritys_answer_nothing_is_written() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    for (url, code) in [
        ("http://127.0.0.1:1/", exit::UNREACHABLE),
        ("https://127.0.0.1:1/", exit::UNREACHABLE),
        ("http://localhost/tsa", exit::UNREACHABLE),
        ("tsa.example", exit::UNREADABLE),
        ("mailto:tsa@example", exit::UNREADABLE),
    ] {
        let seen = bench.vuzol(&format!("{SIGN} --tsa {url} @letter.pdf"));
        assert_eq!(seen.code, code, "{url}: {}", seen.err);
        assert!(!bench.exists("letter.p7s"), "{url}");
    }
    // The same services, but an address that answers 404.
    let served = Served::of(authority());
    let seen = bench.vuzol(&format!("{SIGN} --tsa {}x @letter.pdf", served.url));
    assert_eq!(seen.code, exit::UNREACHABLE, "{}", seen.err);
    assert!(!bench.exists("letter.p7s"));
}

#[test]
fn an_ordinary_key_is_no_authority() {
    let bench = Bench::new();
    let signer = bench.issue("impostor", Usage::Signing, KeyKind::Ec(Curve::P256));
    let imprint = crypto::digest::digest(crypto::digest::DigestAlgorithm::Sha256, b"value");
    let question = certs::timestamp::request(&imprint, None, true);
    let answer = bench.pki.answer_tsa_by(&signer, &question, SystemClock.now());
    let token = certs::timestamp::token_of_response(&answer).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal::new(&mut out, &mut err, Language::English);
    let at = SystemClock.now();
    let verdict = super::super::stamp::check(&token, &imprint, None, at, &mut terminal);
    assert!(matches!(verdict, Err(super::super::Failure::Refused(_))), "{verdict:?}");
}
