//! Requests spoilt at random, over TLS: the node answers every one with a refusal or closes the connection, never with a
//! 500, and goes on. Seeded, so that a failure can be repeated.

use std::time::Duration;

use futures_util::StreamExt as _;
use tests::chance::Chance;
use tests::harness::agency::fresh_key;
use tests::harness::{Answer, Form, Region, Request, Wire, pdf};

use crate::case::nothing_is_stored;

/// Requests that are spoilt. More are made by whoever sets `FUZZ_ROUNDS`.
const ROUNDS: u64 = 300;

/// One of the ways in which bytes get spoilt.
fn spoil(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len());
    match chance.below(7) {
        0 => bytes[at] ^= 1 << chance.below(8),
        1 => bytes[at] = b"\0\r\n\xff:;=\"-/ 0"[chance.below(12)],
        2 => {
            let length = chance.below(64).min(bytes.len() - at);
            bytes.drain(at..at + length);
        }
        3 => {
            let length = chance.below(64).min(bytes.len() - at);
            let copy = bytes[at..at + length].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => {
            let noise: Vec<u8> = (0..chance.below(32)).map(|_| chance.next().to_le_bytes()[0]).collect();
            bytes.splice(at..at, noise);
        }
        5 => {
            let other = chance.below(bytes.len());
            bytes.swap(at, other);
        }
        _ => bytes.truncate(at.max(1)),
    }
}

/// The answer to raw bytes, where one comes. What the node waits for never comes: after a moment we go away.
async fn attempt(wire: &Wire, raw: &[u8]) -> Option<Answer> {
    tokio::time::timeout(Duration::from_millis(500), wire.sends(raw)).await.ok()?.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn spoilt_requests_are_refused_and_the_node_goes_on() {
    let region = Region::start().await;
    let wire = region.wire(Some(region.a.login()));
    let envelope = serde_json::to_vec(&region.a.envelope(&region.b.mailbox())).expect("JSON");
    // The signature is over another document: however it is spoilt, it must not be accepted.
    let form = Form::submission(&envelope, &region.a.signs(b"another document"), &pdf("fuzz"));
    let lease = format!("/v1/mailboxes/{}/leases", region.a.mailbox());
    let requests = [
        form.request(&fresh_key()).to_bytes(),
        Request::post(&lease).body("application/json", r#"{"max_messages":1,"seconds":60}"#).to_bytes(),
        Request::get(&format!("/v1/mailboxes/{}/messages?limit=5", region.a.mailbox())).to_bytes(),
        Request::get("/v1/log/tile/entries/000.p/1").to_bytes(),
    ];
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let attempts = (1..=rounds).map(|seed| {
        let mut chance = Chance::new(seed);
        let mut raw = requests[chance.below(requests.len())].clone();
        for _ in 0..=chance.below(3) {
            spoil(&mut raw, &mut chance);
        }
        let wire = wire.clone();
        async move { (seed, attempt(&wire, &raw).await) }
    });
    let mut answers = futures_util::stream::iter(attempts).buffer_unordered(8);
    let mut answered = 0;
    while let Some((seed, answer)) = answers.next().await {
        let Some(answer) = answer else { continue };
        answered += 1;
        let body = String::from_utf8_lossy(&answer.body);
        assert!(answer.status < 500, "seed {seed}: {} {body}", answer.status);
        if answer.header("content-type") == Some("application/problem+json") {
            assert!(!answer.problem().title_uk.is_empty(), "seed {seed}");
        }
    }
    assert!(answered > rounds / 2, "only {answered} of {rounds} were answered at all");
    assert_eq!(wire.asks(&Request::get("/v1/participants")).await.status, 200, "the node goes on");
    nothing_is_stored(&region).await;
}
