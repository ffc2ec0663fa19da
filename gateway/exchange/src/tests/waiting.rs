//! Stories of recipients that wait for mail.

use std::time::Duration;

use access::decide::{LeaseMessages, Permit};
use schemas::ProblemCode;
use schemas::message::{Lease, LeaseRequest};
use tokio::time::{Instant, timeout};

use super::town::{Agency, Node, Town};
use crate::refusal::Refusal;

async fn waits(node: &Node, agency: &Agency, wait_seconds: u32) -> Result<Lease, Refusal> {
    let permit: Permit<LeaseMessages> = node.access.decide(&agency.actor, agency.mailbox.clone()).await.unwrap();
    node.exchange.lease(permit, LeaseRequest { max_messages: 10, seconds: 60, contents: true, wait_seconds }).await
}

/// A test that hangs would fail by this.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn mail_that_comes_while_its_recipient_waits_is_leased_to_it() {
    let town = Town::new().await;
    let sending = async {
        tokio::task::yield_now().await;
        town.submit(town.letter(b"a letter")).await.unwrap().receipt
    };
    let (lease, receipt) = tokio::join!(timeout(PATIENCE, waits(&town.node, &town.b, 30)), sending);
    let lease = lease.unwrap().unwrap();
    let [leased] = lease.messages.as_slice() else { panic!("one message") };
    assert_eq!((leased.summary.message_id, leased.contents.len()), (receipt.message_id, 2));
}

#[tokio::test]
async fn mail_of_another_process_is_found_and_so_is_what_a_lease_gives_back() {
    let town = Town::new().await;
    let another = town.another_process();
    let sending = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        town.submit(town.letter(b"a letter")).await.unwrap();
    };
    let (lease, ()) = tokio::join!(timeout(PATIENCE, waits(&another, &town.b, 30)), sending);
    assert_eq!(lease.unwrap().unwrap().messages.len(), 1);
    let expiring = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        town.time_passes(time::Duration::minutes(2));
    };
    let (lease, ()) = tokio::join!(timeout(PATIENCE, waits(&another, &town.b, 30)), expiring);
    assert_eq!(lease.unwrap().unwrap().messages[0].earlier_leases, 1);
}

#[tokio::test]
async fn nothing_comes_and_the_answer_is_empty_and_costs_no_record() {
    let town = Town::new().await;
    let before = town.audited().await.len();
    let started = Instant::now();
    assert!(waits(&town.node, &town.b, 1).await.unwrap().messages.is_empty());
    assert!(started.elapsed() >= Duration::from_secs(1), "it waited");
    assert_eq!(town.audited().await.len(), before);
    let refusal = waits(&town.node, &town.b, 31).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::MalformedJson);
}

#[tokio::test]
async fn four_may_wait_and_who_goes_away_gives_back_its_place() {
    let town = Town::new().await;
    let mut four: Vec<_> = (0..4).map(|_| Box::pin(waits(&town.node, &town.b, 30))).collect();
    for waiting in &mut four {
        // Far enough that it has its place.
        assert!(timeout(Duration::from_millis(200), waiting).await.is_err());
    }
    let refusal = waits(&town.node, &town.b, 30).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::TooManyWaiting);
    assert!(waits(&town.node, &town.b, 0).await.is_ok(), "who does not wait is answered");
    assert!(waits(&town.node, &town.a, 1).await.is_ok(), "others are not concerned");
    drop(four.pop());
    assert!(waits(&town.node, &town.b, 1).await.is_ok());
    // The letter goes to one of them, once; the others wait on.
    town.submit(town.letter(b"a letter")).await.unwrap();
    let mut got = 0;
    for waiting in four {
        if let Ok(lease) = timeout(Duration::from_secs(2), waiting).await {
            got += lease.unwrap().messages.len();
        }
    }
    assert_eq!(got, 1);
}

#[tokio::test]
async fn a_node_that_stops_holds_nobody_back() {
    let town = Town::new().await;
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        town.node.exchange.end_waiting();
    };
    let (lease, ()) = tokio::join!(timeout(Duration::from_secs(20), waits(&town.node, &town.b, 30)), stopping);
    assert!(lease.unwrap().unwrap().messages.is_empty());
}
