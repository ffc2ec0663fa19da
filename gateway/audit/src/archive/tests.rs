//! Archives as third parties hold them: whole, of every part of a log, and with an octet changed.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use crypto::merkle::NoteVerifier;
use schemas::audit::AuditExport;

use super::*;
use crate::index::{Index, Opened};
use crate::log::tests::{Machine, Process};
use crate::verify::{Kept, Question};

struct Held {
    folder: tempfile::TempDir,
    key: NoteVerifier,
    process: Process,
    index: Index,
    _machine: Machine,
}

impl Held {
    async fn of(entries: usize) -> Self {
        let machine = Machine::new();
        let process = machine.start();
        process.record(entries).await;
        process.log.round().await.unwrap();
        let index = Index::new(process.writer.clone(), process.reader.clone());
        let (folder, key) = (tempfile::tempdir().unwrap(), process.log.verifier());
        Self { folder, key, process, index, _machine: machine }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("archive.zip")
    }

    async fn export(&self, first: u64, end: Option<u64>, details: bool) -> Vec<u8> {
        let asked = AuditExport { first, end, details };
        let mut export = Export::begin(&self.process.log, &self.index, asked).await.unwrap().unwrap();
        let mut octets = Vec::new();
        while let Some(piece) = export.next().await.unwrap() {
            octets.extend_from_slice(&piece);
        }
        octets
    }

    fn check(&self, octets: &[u8]) -> Result<(Checked, Vec<u64>), Fault> {
        fs::write(self.path(), octets).unwrap();
        let archive = Archive::open(fs::File::open(self.path()).unwrap())?;
        let checkpoint = Kept { name: String::new(), note: String::new() };
        let question = Question {
            log: &self.key,
            national: None,
            policy: None,
            checkpoint,
            kept: Vec::new(),
            anchors: Vec::new(),
        };
        let (mut seen, mut told) = (Vec::new(), Vec::new());
        let mut entry = |opened: &Opened| seen.push(opened.seq);
        let checked = check(&archive, &question, &mut |done, all| told.push((done, all)), &mut entry)?;
        assert!(told.is_sorted() && told.last().is_some_and(|(done, all)| done == all));
        Ok((checked, seen))
    }

    fn refused(&self, octets: &[u8]) -> Fault {
        self.check(octets).map(|_| ()).expect_err("it is not what was exported")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_range_of_a_log_is_taken_away_and_proven() {
    for size in [1, 2, 255, 256, 257, 512, 700] {
        let held = Held::of(size).await;
        let size = size as u64;
        let ends = [1, 2, 255, 256, 257, 511, 512, 513, size];
        for end in ends.into_iter().filter(|end| *end <= size) {
            for first in [0, 1, 254, 255, 256, end - 1].into_iter().filter(|first| *first < end) {
                for details in [false, true] {
                    let archive = held.export(first, Some(end), details).await;
                    let (checked, seen) = held.check(&archive).unwrap();
                    assert_eq!(seen, (first..end).collect::<Vec<_>>(), "{first} to {end} of {size}");
                    let expected = if details { (end - first, 0) } else { (0, end - first) };
                    assert_eq!((checked.opened(), checked.missing()), expected);
                    assert_eq!(checked.checkpoint().size, size);
                }
            }
        }
    }
}

/// 65,537 entries and more have a third level of tiles; here its arithmetic alone.
#[test]
fn the_tiles_of_a_large_log_are_those_over_the_range_and_the_last_of_each_level() {
    let manifest =
        |size, first, end| Manifest { origin: String::new(), size, first, end, details: false, keys: Vec::new() };
    let paths = |manifest: &Manifest| manifest.tiles().iter().map(crypto::merkle::TileId::path).collect::<Vec<_>>();
    assert_eq!(
        paths(&manifest(70_000, 300, 600)),
        ["tile/0/001", "tile/0/002", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    );
    assert_eq!(paths(&manifest(256, 0, 1)), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(paths(&manifest(65_536, 65_535, 65_536)), ["tile/0/255", "tile/1/000", "tile/2/000.p/1"]);
    assert!(!manifest(70_000, 5, 5).is_range() && !manifest(5, 0, 6).is_range());
    assert!(!manifest(u64::MAX, u64::MAX - 1, u64::MAX).is_range() && !manifest(1 << 30, 0, 1 << 29).is_range());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_octet_that_is_changed_anywhere_is_found_out() {
    let held = Held::of(300).await;
    let archive = held.export(250, Some(262), true).await;
    held.check(&archive).unwrap();
    // Every octet of the frame's kind and a step through all the rest.
    for at in (0..archive.len()).filter(|at| at % 37 == 0 || *at < 400 || *at + 600 > archive.len()) {
        let mut changed = archive.clone();
        changed[at] ^= 1;
        let fault = held.refused(&changed);
        assert!(!fault.to_string().is_empty(), "{at}");
        assert!(matches!(fault, Fault::Broken(Broken::At(_))), "{at}: {fault}");
    }
    for length in (0..archive.len()).step_by(97) {
        held.refused(&archive[..length]);
    }
    let mut longer = archive.clone();
    longer.push(0);
    held.refused(&longer);
}

/// Somebody who knows the format changes a file and makes its checksum anew.
fn forged(archive: &[u8], name: &str, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let manifest_size = u32::from_le_bytes(archive[18..22].try_into().unwrap()) as usize;
    let manifest = Manifest::parse(&archive[zip::LOCAL_BYTES + 12..][..manifest_size]).unwrap();
    let (mut rest, mut forged, mut directory) = (archive, Vec::new(), zip::Directory::default());
    for file in manifest.plan() {
        let own = file.name();
        let (_, size) = zip::stated(rest).unwrap();
        let (header, content) = (zip::LOCAL_BYTES + own.len(), size as usize);
        let mut octets = rest[header..header + content].to_vec();
        rest = &rest[header + content..];
        if own == name {
            change(&mut octets);
        }
        let (crc, size) = (zip::crc(&octets), u32::try_from(octets.len()).unwrap());
        directory.add(&own, crc, size).unwrap();
        forged.extend(zip::local_header(&own, crc, size));
        forged.extend(octets);
    }
    forged.extend(directory.finish().unwrap());
    forged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_forger_changes_is_named() {
    let held = Held::of(600).await;
    let archive = held.export(250, Some(270), true).await;
    assert_eq!(forged(&archive, "nothing", |_| ()), archive);
    let place = |octets: &[u8], text: &str| {
        octets.windows(text.len()).position(|window| window == text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    };
    // An entry of the range, and one beside it in the same bundle.
    for (n, bundle) in [(257_u64, "tile/entries/001"), (300, "tile/entries/001"), (249, "tile/entries/000")] {
        let fault = held.refused(&forged(&archive, bundle, |octets| {
            let at = place(octets, &format!("message:{n}\""));
            octets[at] = b'M';
        }));
        assert_eq!((fault.code(), fault.entry()), ("entry", Some(n)));
    }
    let cut = held.refused(&forged(&archive, "tile/entries/001", |octets| octets.truncate(octets.len() - 1)));
    assert_eq!(cut.entry(), Some(511));
    let longer = held.refused(&forged(&archive, "tile/entries/001", |octets| octets.extend([0, 0])));
    assert_eq!(longer.entry(), Some(512));
    // Details: another text, another salt, those of another entry, a line that is no line.
    for text in ["\\\"number\\\":257", "\"salt\":\""] {
        let fault = held.refused(&forged(&archive, "details/000001.jsonl", |octets| {
            let line = place(octets, "\"seq\":257");
            let line = octets[..line].iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
            let at = line + place(&octets[line..], text) + text.len() - 1;
            let digit = &mut octets[at + usize::from(text.ends_with('"'))];
            *digit = if *digit == b'0' { b'1' } else { b'0' };
        }));
        assert_eq!((fault.code(), fault.entry()), ("details", Some(257)), "{text}: {fault}");
    }
    let moved = held.refused(&forged(&archive, "details/000001.jsonl", |octets| {
        let at = place(octets, "\"seq\":257");
        octets[at + 8] = b'6';
    }));
    assert!(moved.entry().is_some_and(|seq| (256..258).contains(&seq)), "{moved}");
    let line = held.refused(&forged(&archive, "details/000000.jsonl", |octets| octets[0] = b' '));
    assert_eq!(line.code(), "line");
    let outside = held.refused(&forged(&archive, "details/000000.jsonl", |octets| {
        let first = octets.clone();
        octets.extend(first);
    }));
    assert_eq!((outside.code(), outside.entry()), ("details", Some(250)));
    // A line that is left out is no lie that the tree could tell; it is counted.
    let (checked, _) = held
        .check(&forged(&archive, "details/000000.jsonl", |octets| {
            let end = octets.iter().position(|octet| *octet == b'\n').unwrap();
            octets.drain(..=end);
        }))
        .unwrap();
    assert_eq!((checked.opened(), checked.missing()), (19, 1));
    // Tiles, and the checkpoint.
    for (name, code) in [("tile/0/001", "tile"), ("tile/0/002.p/88", "edge"), ("tile/1/000.p/2", "edge")] {
        let fault = held.refused(&forged(&archive, name, |octets| octets[5] ^= 1));
        assert_eq!(fault.code(), code, "{name}: {fault}");
    }
    let other = held.refused(&forged(&archive, "checkpoint", |octets| {
        let at = place(octets, "\n600\n");
        octets[at + 3] = b'1';
    }));
    assert_eq!(other.code(), "checkpoint");
    let stranger = held.refused(&forged(&archive, "archive.json", |octets| {
        let at = place(octets, "\"origin\":\"vuzol") + 10;
        octets[at] = b'V';
    }));
    assert_eq!(stranger.code(), "manifest");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_and_another_log_prove_nothing() {
    let mut held = Held::of(10).await;
    let archive = held.export(0, None, false).await;
    let stranger = crypto::key::SoftwareKey::generate(crypto::key::KeyKind::Ed25519).unwrap();
    held.key = crypto::merkle::NoteSigner::new(held.key.name(), stranger).unwrap().verifier();
    assert_eq!(held.refused(&archive).code(), "checkpoint");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_that_the_log_does_not_have_are_refused() {
    let held = Held::of(10).await;
    for (first, end) in [(10, None), (0, Some(0)), (5, Some(4)), (0, Some(11)), (u64::MAX, Some(u64::MAX)), (11, None)]
    {
        let asked = AuditExport { first, end, details: true };
        assert!(Export::begin(&held.process.log, &held.index, asked).await.unwrap().is_err(), "{first} {end:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_archive_is_refused_whatever_it_is() {
    let held = Held::of(3).await;
    for octets in [&b""[..], b"PK", &[0; 100], b"PK\x03\x04 and so on, but nothing of it is true at all, never"] {
        assert!(matches!(held.refused(octets), Fault::Broken(Broken::At(_))));
    }
    // A size that the file does not have.
    let mut archive = held.export(0, None, false).await;
    archive[18..26].fill(0xff);
    held.refused(&archive);
    let mut file = fs::File::options().write(true).open(held.path()).unwrap();
    file.seek(SeekFrom::Start(1 << 20)).unwrap();
    file.write_all(b"x").unwrap();
    assert!(Archive::open(fs::File::open(held.path()).unwrap()).is_err());
}
