//! One large document through a throw-away node, up and down: how fast, at what cost of its processor, in how much memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use schemas::message::LeaseRequest;
use serde::Serialize;
use storage::clock::SystemClock;

use super::party::Party;
use super::pool::{Pool, request};
use crate::harness::process::{cpu_seconds, peak_memory_mib};
use crate::harness::{Agency, Ground, NodeProcess};

/// The result, as printed with `--json`. The keys are documented in `load --help`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "documented once, in the help text of the program")]
pub struct Figures {
    pub large_mib: u32,
    pub up_s: f64,
    pub up_cpu_s: f64,
    pub up_mb_per_cpu_s: f64,
    pub down_s: f64,
    pub down_cpu_s: f64,
    pub down_mb_per_cpu_s: f64,
    pub rest_mib: f64,
    pub peak_mib: f64,
}

/// Submits `mebibytes` in one request, leases, downloads and opens them.
///
/// # Panics
/// Where the node refuses, what comes out is not what went in, or the process cannot be looked at (Linux only).
pub async fn drive(mebibytes: u32, folder: Option<PathBuf>) -> Figures {
    let program = std::env::current_exe().expect("the path of this program");
    let folder = folder.or_else(|| program.parent().map(Path::to_owned));
    let mut ground = Ground::lay(Arc::new(SystemClock), 2, folder.as_deref()).await;
    ground.settle();
    let node = NodeProcess::start(&program, &ground).await;
    let (operator, from, to) = (ground.operator(), ground.agency(0), ground.agency(1));
    ground.registers(&operator, &from).await;
    ground.registers(&operator, &to).await;
    ground.opens_channel(&operator, &from, &to.mailbox()).await;
    // Everything that a first document needs is loaded before the measurement.
    let party = Party::read(ground.site.directory(), to.edrpou());
    let pool = Pool::new(party.tls, "localhost", ground.config.listen.public.port(), 1);
    there_and_back(&from, &to, &pool, Bytes::from_static(b"small"), &node).await;
    let rest_mib = peak_memory_mib(node.id()).expect("the node's memory");

    let document: Bytes =
        (0..u64::from(mebibytes) << 17).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let megabytes = document.len() as f64 / 1e6;
    let [up, down] = there_and_back(&from, &to, &pool, document, &node).await;
    Figures {
        large_mib: mebibytes,
        up_s: up.wall,
        up_cpu_s: up.cpu,
        up_mb_per_cpu_s: megabytes / up.cpu,
        down_s: down.wall,
        down_cpu_s: down.cpu,
        down_mb_per_cpu_s: megabytes / down.cpu,
        rest_mib,
        peak_mib: peak_memory_mib(node.id()).expect("the node's memory"),
    }
}

/// Seconds.
struct Spent {
    wall: f64,
    cpu: f64,
}

/// Over `pool` the recipient downloads: the client of the product takes so much in ranges only.
async fn there_and_back(from: &Agency, to: &Agency, pool: &Pool, document: Bytes, node: &NodeProcess) -> [Spent; 2] {
    let cpu = || cpu_seconds(node.id()).expect("the node's processor time");
    // Signed beforehand: hashing is the client's.
    let signature = from.signs(&document);
    let (started, before) = (Instant::now(), cpu());
    let submission = from.submits(document.clone()).to(&to.mailbox()).signed_with(signature);
    let receipt = submission.await.expect("a receipt");
    let up = Spent { wall: started.elapsed().as_secs_f64(), cpu: cpu() - before };

    let wish = LeaseRequest { max_messages: 1, seconds: 3600, contents: false, wait_seconds: 10 };
    let lease = to.client.lease(&to.mailbox(), &wish).await.expect("a lease");
    let message = lease.messages.first().expect("what was submitted waits");
    assert_eq!(message.summary.message_id, receipt.message_id);
    let (started, before) = (Instant::now(), cpu());
    let target = format!("/v1/messages/{}/parts/0", receipt.message_id);
    let asked = request("GET", &target, &[("vuzol-lease", &*lease.token.to_string())], Bytes::new());
    let (status, sealed) = pool.ask(asked).await.expect("the sealed document");
    assert_eq!(status, http::StatusCode::OK);
    let down = Spent { wall: started.elapsed().as_secs_f64(), cpu: cpu() - before };
    let opened = to.unseals(message, 0, &sealed).expect("the document opens, and its digest is right");
    assert!(opened == document, "what came out is not what went in");
    to.accepts(lease.token, receipt.message_id, &opened).await.expect("an acknowledgement");
    [up, down]
}
