//! Nothing acknowledged is lost and nothing is delivered twice, although the node is killed fifty times under load.
//!
//! Senders and recipients go on through the kills as real ones would: what was not answered is repeated under the same
//! idempotency key, what was leased is worked off under the same lease. At the end the node is left in peace, everything
//! drains, and the books are compared: what the senders were told, what the recipients got, what the node says of itself,
//! what its log holds, and every checkpoint that was ever seen.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod actors;
mod books;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use storage::clock::SystemClock;
use tests::harness::{Ground, NodeProcess};

use actors::Play;

/// How often the node is killed. `DURABILITY_KILLS` asks for more.
const KILLS: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_under_load_lose_nothing_and_repeat_nothing() {
    let mut ground = Ground::lay(Arc::new(SystemClock), 4, None).await;
    ground.settle();
    let program = Path::new(env!("CARGO_BIN_EXE_node"));
    let mut node = NodeProcess::start(program, &ground).await;
    let play = Play::begin(&ground).await;

    let kills = std::env::var("DURABILITY_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    for kill in 0..kills {
        // Different every time and the same in every run: between 100 and 500 ms of life.
        let life = Duration::from_millis(100 + kill.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 400);
        tokio::time::sleep(life).await;
        node.kill();
        books::verify_as_it_lies(&ground);
        node = NodeProcess::start(program, &ground).await;
    }
    let outcome = play.end().await;
    assert!(outcome.receipts.len() as u64 > kills * 2, "only {} documents were acknowledged", outcome.receipts.len());
    let logged = books::compare(&ground, &outcome).await;
    println!(
        "{kills} kills: {} documents acknowledged and delivered once, {logged} events in the log, {} checkpoints seen",
        outcome.receipts.len(),
        outcome.checkpoints.len(),
    );
    drop(node);
}
