//! Those outside who vouch for the log: witnesses in processes of their own that are killed and come back, a mirror that outlives its node, time-stamps.

use std::path::Path;
use std::process::Command;

use crypto::merkle::{Checkpoint, Policy};
use gateway::config::WitnessConfig;
use gateway::demo::services::DemoServices;
use serde_json::Value;
use tests::harness::ground::free_port;
use tests::harness::{Ground, Region, Request, WitnessProcess, pdf};
use time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_node");

/// So many witnesses, of which so many make a quorum; and what the node is told of them.
struct Witnesses {
    all: Vec<WitnessProcess>,
    quorum: usize,
}

impl Witnesses {
    fn lay(ground: &mut Ground, count: usize, quorum: usize) -> Self {
        let log = ground.log_verifier().vkey();
        let all: Vec<_> =
            (0..count).map(|number| WitnessProcess::lay(Path::new(PROGRAM), number, &log, None)).collect();
        let told = &mut ground.config.log.witnesses;
        told.list = all.iter().map(|one| WitnessConfig { url: one.url(), key: one.key().to_owned() }).collect();
        told.quorum = u16::try_from(quorum).expect("few");
        Self { all, quorum }
    }

    /// The policy of an auditor, who has the keys and knows no address.
    fn policy(&self) -> Policy {
        let mut text = String::new();
        for (number, one) in self.all.iter().enumerate() {
            text += &format!("witness w{number} {}\n", one.key());
        }
        let names: String = (0..self.all.len()).map(|number| format!(" w{number}")).collect();
        Policy::parse(format!("{text}group q {}{names}\nquorum q\n", self.quorum).as_bytes()).expect("a policy")
    }
}

/// The size of the witnessed head that a participant reads, and who cosigned it; judged by the auditor's policy.
async fn witnessed(region: &Region, policy: &Policy) -> (u64, usize) {
    let answer = region.wire(Some(region.a.login())).asks(&Request::get("/v1/log/checkpoint.witnessed")).await;
    if answer.status == 404 {
        return (0, 0);
    }
    assert_eq!(answer.status, 200);
    let note = String::from_utf8(answer.body.to_vec()).expect("text");
    let judged = policy.judge(&note, Some(&region.ground.log_verifier())).expect("a quorum");
    (judged.checkpoint().size, judged.cosignatures().len())
}

async fn published(region: &Region) -> u64 {
    let answer = region.wire(Some(region.a.login())).asks(&Request::get("/v1/log/checkpoint")).await;
    let note = String::from_utf8(answer.body.to_vec()).expect("text");
    Checkpoint::parse_text(region.ground.log_verifier().verify(&note).expect("a note")).expect("a checkpoint").size
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if done().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{what} did not come");
}

/// Waits until everything up to now is under a witnessed head.
async fn catches_up(region: &Region, policy: &Policy, cosignatures: usize) {
    let size = published(region).await;
    until("a witnessed head", async || {
        let (reached, count) = witnessed(region, policy).await;
        reached >= size && count >= cosignatures
    })
    .await;
}

async fn writes(region: &Region) {
    region.a.submits(pdf("Between two agencies.")).to(&region.b.mailbox()).await.expect("a receipt");
}

/// How often a deed is in the log.
async fn count(region: &Region, action: &str) -> usize {
    region.book().await.entries.iter().filter(|entry| entry.text("action") == action).count()
}

/// What the operator port says of those who vouch.
async fn vouched(region: &Region) -> Value {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(region.ground.config.listen.operator).await.expect("a door");
    let request = "GET /health/ready HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("headers");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["ready"], true, "witnesses that are down do not make the node unready: {body}");
    body["log"]["vouched"].clone()
}

/// `vuzol audit verify` of a folder.
fn audited(folder: &Path, region: &Region, more: &[&str]) -> (bool, Value) {
    let key = region.ground.log_verifier().vkey();
    let mut command = Command::new(PROGRAM);
    command.args(["audit", "verify", "--json", "--key", &key, "--folder"]).arg(folder).args(more);
    let output = command.output().expect("the command");
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), report)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_witnesses_vouch_while_one_is_killed_and_an_outage_of_all_stops_nothing() {
    let mut witnesses = None;
    let region = Region::start_with(|ground| witnesses = Some(Witnesses::lay(ground, 3, 2))).await;
    let mut witnesses = witnesses.expect("laid");
    let policy = witnesses.policy();
    assert_eq!(witnessed(&region, &policy).await, (0, 0), "nobody has vouched yet");
    for witness in &mut witnesses.all {
        witness.start().await;
    }
    catches_up(&region, &policy, 3).await;

    // One is killed: two are a quorum.
    witnesses.all[0].kill();
    writes(&region).await;
    catches_up(&region, &policy, 2).await;

    // Two are killed: none is, and the exchange goes on.
    witnesses.all[1].kill();
    writes(&region).await;
    let stands = witnessed(&region, &policy).await;
    region.time_passes(Duration::minutes(16));
    writes(&region).await;
    until("the alarm", async || count(&region, "witness.degraded").await == 1).await;
    assert_eq!(witnessed(&region, &policy).await, stands, "no quorum, no head");
    let seen = vouched(&region).await;
    assert!(seen["unwitnessed_seconds"].as_f64().expect("an age") > 900.0, "{seen}");
    assert_eq!((&seen["refuses_deeds"], &seen["witnessed"]), (&Value::from(false), &Value::from(stands.0)));

    // They come back with what they remember, and cosign what came meanwhile.
    witnesses.all[0].start().await;
    witnesses.all[1].start().await;
    catches_up(&region, &policy, 2).await;
    until("the all-clear", async || count(&region, "witness.restored").await == 1).await;
    writes(&region).await;
    catches_up(&region, &policy, 3).await;
    assert_eq!(count(&region, "witness.degraded").await, 1);
    assert_eq!(count(&region, "witness.conflict").await, 0);
    // A log of which somebody has the witnessed head cannot be cut short.
    let folder = region.ground.config.storage.objects.join("log");
    let note = folder.join("checkpoint.witnessed");
    let (whole, report) = audited(&folder, &region, &["--checkpoint", note.to_str().expect("a path")]);
    assert!(whole && report["kept"] == 1, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operators_want_it_deeds_are_refused_after_hours_without_a_quorum() {
    let mut witnesses = None;
    let region = Region::start_with(|ground| {
        witnesses = Some(Witnesses::lay(ground, 1, 1));
        ground.config.log.witnesses.stop_after_hours = Some(2);
    })
    .await;
    let mut witnesses = witnesses.expect("laid");
    let policy = witnesses.policy();
    writes(&region).await;
    region.time_passes(Duration::hours(1));
    writes(&region).await;
    region.time_passes(Duration::minutes(61));
    let submits = async || {
        let submitted = region.a.submits(pdf("Too late.")).to(&region.b.mailbox()).await;
        submitted.err().map(|error| error.to_string())
    };
    until("the stop", async || submits().await.is_some()).await;
    assert!(submits().await.expect("a refusal").contains("node.log_unwitnessed"));
    assert_eq!(vouched(&region).await["refuses_deeds"], true);
    // Reading is no deed, and operators have their hands free.
    assert!(published(&region).await > 0);
    region.ground.registers(&region.operator, &region.b).await;
    witnesses.all[0].start().await;
    catches_up(&region, &policy, 1).await;
    until("the end of it", async || submits().await.is_none()).await;
    assert_eq!(vouched(&region).await["refuses_deeds"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_is_a_whole_log_when_its_node_is_gone() {
    let mut laid = None;
    let mut region = Region::start_with(|ground| {
        let log = ground.log_verifier().vkey();
        let door = free_port();
        ground.config.log.public = Some(door);
        ground.config.log.anchors.authority = Some(ground.tsa_url());
        let roots = ground.site.directory().join("anchors/root.pem");
        let monitor = format!("https://localhost:{}", door.port());
        let witness = WitnessProcess::lay(Path::new(PROGRAM), 7, &log, Some((&monitor, &roots)));
        let told = WitnessConfig { url: witness.url(), key: witness.key().to_owned() };
        ground.config.log.witnesses.list = vec![told];
        laid = Some(witness);
    })
    .await;
    let mut witness = laid.expect("laid");
    witness.start().await;
    for _ in 0..3 {
        writes(&region).await;
    }
    until("a time-stamp", async || count(&region, "log.anchor").await > 0).await;
    let (size, origin) = (published(&region).await, region.ground.log_verifier().name().to_owned());
    let checkpoint = format!("/mirror/{}/checkpoint", crypto::digest::hex(&crypto::digest::sha256(origin.as_bytes())));
    let log = region.ground.log_verifier();
    let mirrored = async || {
        let (status, note) = witness.gets(&checkpoint).await;
        if status != 200 {
            return 0;
        }
        let note = String::from_utf8(note).expect("text");
        Checkpoint::parse_text(log.verify(&note).expect("a note")).expect("a checkpoint").size
    };
    until("the mirror", async || mirrored().await >= size).await;
    region.stops().await;
    std::fs::remove_dir_all(&region.ground.config.storage.objects).expect("the node's objects");

    let (whole, report) = audited(&witness.mirror(&origin), &region, &[]);
    assert!(whole && report["size"].as_u64() >= Some(size), "{report}");
    assert!(report["anchors"]["fit"].as_array().is_some_and(|fit| !fit.is_empty()), "{report}");
    let (status, bundle) =
        witness.gets(&format!("{}/tile/entries/000.p/1", checkpoint.trim_end_matches("/checkpoint"))).await;
    assert!(status == 404 || !bundle.is_empty());
    assert_eq!(witness.gets("/mirror/00/checkpoint").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_time_stamped_and_an_auditor_holds_the_log_to_it() {
    let bound = DemoServices::bind().await.expect("a free port");
    let mut authority = None;
    let mut region = Region::start_with(|ground| {
        let services = bound.start(ground.site.pki().clone(), ground.clock.clone());
        ground.config.log.anchors.authority = Some(services.tsa_url());
        authority = Some(services);
    })
    .await;
    writes(&region).await;
    until("a time-stamp", async || count(&region, "log.anchor").await == 1).await;
    region.time_passes(Duration::minutes(11));
    writes(&region).await;
    until("another", async || count(&region, "log.anchor").await == 2).await;
    let book = region.book().await;
    let named: Vec<_> = book.entries.iter().filter(|entry| entry.text("action") == "log.anchor").collect();
    let size: u64 = named[1].text("object").split(':').nth(1).and_then(|size| size.parse().ok()).expect("a size");
    let wire = region.wire(Some(region.a.login()));
    let token = wire.asks(&Request::get(&format!("/v1/log/anchors/{size}.tsr"))).await;
    assert_eq!((token.status, token.header("content-type")), (200, Some("application/timestamp-reply")));
    let digest = crypto::digest::hex(&crypto::digest::sha256(&token.body));
    assert!(named[1].text("object").ends_with(&digest), "the entry names the token");
    assert_eq!(wire.asks(&Request::get("/v1/log/anchors/0.tsr")).await.status, 404);

    // The authority goes away: an alarm, and the exchange goes on.
    drop(authority.take());
    region.time_passes(Duration::minutes(2));
    writes(&region).await;
    region.time_passes(Duration::minutes(61));
    until("the alarm", async || count(&region, "anchor.degraded").await == 1).await;
    assert!(vouched(&region).await["unanchored_seconds"].as_f64().expect("an age") > 3600.0);
    region.stops().await;

    let folder = region.ground.config.storage.objects.join("log");
    let (whole, report) = audited(&folder, &region, &[]);
    assert!(whole, "{report}");
    assert_eq!((&report["anchors"]["named"], &report["anchors"]["last"]["size"]), (&2.into(), &size.into()));
    // One time-stamp in the place of another: it is over another checkpoint. One that was touched: it does not hold.
    let files: Vec<_> =
        std::fs::read_dir(folder.join("anchors")).expect("a folder").map(|file| file.expect("a file").path()).collect();
    let (first, second) = (std::fs::read(&files[0]).expect("a token"), std::fs::read(&files[1]).expect("a token"));
    std::fs::write(&files[0], &second).expect("a file");
    let (whole, report) = audited(&folder, &region, &[]);
    assert!(!whole && report["code"] == "anchor", "{report}");
    let mut touched = first.clone();
    let last = touched.len() - 1;
    touched[last] ^= 1;
    std::fs::write(&files[0], touched).expect("a file");
    let (whole, report) = audited(&folder, &region, &[]);
    assert!(!whole && report["code"] == "anchor", "{report}");
    std::fs::write(&files[0], first).expect("a file");
    assert!(audited(&folder, &region, &[]).0);
}
