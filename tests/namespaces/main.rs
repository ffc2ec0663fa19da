//! Three nodes in three network namespaces, with lines between them that are cut and mended.
//!
//! Every node is a process of its own with interfaces of its own; between each two there is one line, which is the only way. While documents are
//! under way lines are taken down at either end, or lose packets, by chance from a fixed seed. Then all is mended, everything drains, and the
//! books of senders, recipients and nodes are compared.
//!
//! Namespaces need Linux, root, and iproute2. Where they are missing the test says that it is skipped; `.ci/run` says so too.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod books;
mod country;
mod lines;

use std::time::{Duration, Instant};

use schemas::message::MessageState;
use tests::chance::Chance;
use tests::harness::neighbours::awaits_state;

use country::{Country, Sent};
use lines::Lines;

const SEED: u64 = 20_261_126;

/// For how long lines are cut.
const STORM: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_whose_lines_are_cut_deliver_every_document_once() {
    let Some(lines) = Lines::lay() else { return };
    let began = Instant::now();
    let mut country = Country::settle(&lines).await;
    let mut chance = Chance::new(SEED);
    let mut sent = Vec::new();
    let storm = async {
        let (mut chance, end, mut cuts) = (Chance::new(SEED + 1), Instant::now() + STORM, 0);
        while Instant::now() < end {
            lines.harms_one(&mut chance).await;
            cuts += 1;
        }
        cuts
    };
    let senders = async {
        for number in 0..9 {
            for way in [(0, 1), (0, 2), (1, 2)] {
                let size = [4_000, 40_000, 2_500_000][number % 3] + chance.below(1000);
                sent.push(country.sends(way, chance.bytes(size)).await);
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
    };
    let (cuts, ()) = tokio::join!(storm, senders);
    lines.mends_all();
    for document in &sent {
        country.arrives(document).await;
    }
    let drained = began.elapsed();

    // One node dies. What goes to it waits; what goes elsewhere does not notice.
    country.kills(2);
    let stuck = country.sends((0, 2), b"to a node that is dead".to_vec()).await;
    let meanwhile: Vec<Sent> = {
        let mut meanwhile = Vec::new();
        for number in 0..5 {
            meanwhile.push(country.sends((0, 1), format!("meanwhile {number}").into_bytes()).await);
        }
        meanwhile
    };
    let moment = Instant::now();
    for document in &meanwhile {
        country.arrives(document).await;
    }
    assert!(moment.elapsed() < Duration::from_secs(5), "a dead node delayed others by {:?}", moment.elapsed());
    let state = country.agencies[0].client.message(stuck.receipt.message_id).await.expect("one's own message").state;
    assert!(![MessageState::Relayed, MessageState::RelayFailed].contains(&state), "{state:?}");
    country.revives(2).await;
    country.arrives(&stuck).await;
    sent.push(stuck);
    sent.extend(meanwhile);

    country.recipients_take_everything(&sent).await;
    for document in &sent {
        awaits_state(&country.agencies[document.from], document.receipt.message_id, MessageState::Accepted).await;
        books::compare(&country, document).await;
    }
    println!(
        "{} documents over three lines that were cut {cuts} times: drained after {drained:?}, all after {:?}",
        sent.len(),
        began.elapsed()
    );
}
