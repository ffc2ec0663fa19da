//! Disks that are full: file systems in memory of a few megabytes, which only root may mount, and a whole node whose mark is above what any disk has.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use gateway::client::ClientError;
use schemas::ProblemCode;
use tests::harness::{Region, pdf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::book::{Book, Places};

/// A file system of its own; unmounted when dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// None, and said so, where nobody may mount one.
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    fn of(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("skipped: no file system can be mounted here");
            return None;
        }
        Some(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Takes all room but so much.
    fn fill(&self, leave: u64) -> PathBuf {
        let filler = self.path("filler");
        let free = free_bytes(self.folder.path());
        let bytes = usize::try_from(free.saturating_sub(leave)).unwrap();
        // Whoever writes meanwhile takes some of it.
        let _ = std::fs::write(&filler, vec![1; bytes]);
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

/// By df, which asks the same as the node.
fn free_bytes(folder: &Path) -> u64 {
    let out = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output().unwrap().stdout;
    String::from_utf8(out).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
}

const LOAD: [&str; 8] = ["--lanes", "8", "--count", "60", "--bytes", "2000", "--seconds", "4"];

/// Everything on a disk that fills up, then room again.
async fn fills_up(disk: &Disk, places: Places, leave: u64) {
    let mut book = Book::at(places);
    book.run(&[], &["--lanes", "2", "--count", "10"]);
    let child = book.command(&[], &["--lanes", "8", "--count", "100000", "--bytes", "2000", "--seconds", "4"]).spawn();
    let said = book.listen(child.unwrap(), |acknowledged, _| {
        if acknowledged == 50 {
            disk.fill(leave);
        }
    });
    assert!(!said.refused.is_empty() || !said.failed.is_empty(), "{leave} bytes were enough");
    assert_eq!(said.halted, None);
    book.verify_as_it_lies();
    std::fs::remove_file(disk.path("filler")).unwrap();
    let said = book.run(&[], &["--lanes", "4", "--count", "25"]);
    assert_eq!((said.acknowledged, said.halted), (100, None), "with room it goes on");
    book.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_database_and_its_log() {
    for leave in [0, 300_000] {
        let Some(disk) = Disk::of(24) else { return };
        let places = Places { database: Some(disk.path("vuzol.db")), ..Places::default() };
        fills_up(&disk, places, leave).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_tiles_and_stages() {
    for leave in [0, 50_000, 200_000] {
        let Some(disk) = Disk::of(24) else { return };
        let places = Places { objects: Some(disk.path("objects")), ..Places::default() };
        fills_up(&disk, places, leave).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_signers_memory() {
    let Some(disk) = Disk::of(4) else { return };
    let places = Places { state: Some(disk.path("signer.state")), ..Places::default() };
    fills_up(&disk, places, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_mark_deeds_are_refused_and_the_log_finishes_in_the_reserve() {
    let Some(disk) = Disk::of(48) else { return };
    let places =
        Places { database: Some(disk.path("vuzol.db")), objects: Some(disk.path("objects")), ..Places::default() };
    let mut book = Book::at(places);
    let bounds = ["--space", "8000000", "4000000"];
    // Killed under load: some of what it acknowledged is not under a checkpoint yet.
    let child = book.command(&[], &[&LOAD[..], &bounds].concat()).spawn().unwrap();
    let said = book.listen(child, |acknowledged, child| {
        if acknowledged == 400 {
            child.kill().unwrap();
        }
    });
    assert!(said.refused.is_empty(), "with room nothing is refused");
    assert!(disk.path("vuzol.reserve").exists());
    // Somebody else fills the disk to the last byte: the reserve is what is left to finish in.
    let filler = disk.fill(0);
    let said = book.run(&[], &[&LOAD[..], &bounds].concat());
    assert_eq!(said.acknowledged, 0);
    assert!(said.refused.iter().all(|why| why == "the disk is full"), "{said:?}");
    assert_eq!((said.failed, said.halted), (Vec::new(), None), "nothing is half done");
    assert!(!disk.path("vuzol.reserve").exists());
    book.verify_as_it_lies();
    let note = std::fs::read_to_string(disk.path("objects/log/checkpoint")).unwrap();
    let published: usize = note.lines().nth(1).unwrap().parse().unwrap();
    assert!(published >= book.acknowledged.len(), "all that was acknowledged is published");
    book.settle().await;
    std::fs::remove_file(filler).unwrap();
    let said = book.run(&[], &[&LOAD[..], &bounds].concat());
    assert!(said.acknowledged > 400, "it is taken in again: {said:?}");
    assert!(disk.path("vuzol.reserve").exists());
    book.settle().await;
}

/// No disk has so much room.
const MORE_THAN_ANY_DISK: u32 = 1_048_576;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_disk_is_nearly_full_takes_nothing_new_and_shows_its_log() {
    let mut region = Region::start().await;
    let usual = region.ground.config.storage.low_water_megabytes;
    let submit = async |region: &Region| {
        let document = pdf("Meanwhile.");
        region.a.submits(document).to(&region.b.mailbox()).with_key("meanwhile").made().await
    };
    let (receipt, _) = region.a.submits(pdf("Before.")).to(&region.b.mailbox()).made().await.expect("a receipt");
    let before = region.book().await;

    region.ground.config.storage.low_water_megabytes = MORE_THAN_ANY_DISK;
    region.restarts().await;
    assert!(is_refused_for_space(submit(&region).await.map(drop)));
    assert!(is_refused_for_space(region.b.leases(1).await.map(drop)));
    // The log is read, proofs are made, and what was recorded before is in it.
    region.proves(&region.a, receipt.event_id).await;
    let meanwhile = region.book().await;
    assert!(meanwhile.continues(&before.checkpoint));
    assert_eq!(meanwhile.refusals(ProblemCode::NoSpace), 0);
    let health = health(region.ground.config.listen.operator).await;
    assert!(health.contains("503 ") && health.contains("\"accepts\":false"), "{health}");

    region.ground.config.storage.low_water_megabytes = usual;
    region.restarts().await;
    assert!(!submit(&region).await.expect("a receipt").1, "nothing of the refused one was kept");
    assert!(region.book().await.continues(&meanwhile.checkpoint));
}

fn is_refused_for_space(answer: Result<(), ClientError>) -> bool {
    matches!(answer, Err(ClientError::Refused(problem)) if problem.code == ProblemCode::NoSpace.as_str() && problem.status == 503)
}

/// The answer of the operator port, as it comes.
async fn health(operator: SocketAddr) -> String {
    let mut stream = TcpStream::connect(operator).await.unwrap();
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
