//! `audit verify`, over a log in a folder.

use std::path::PathBuf;

use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, Cosigner, Frontier, NoteSigner, TileId, entry_bundle, leaf_hash};

use super::*;

const ORIGIN: &str = "vuzol.test/log";

struct Copy {
    folder: tempfile::TempDir,
    signer: NoteSigner,
    roots: Vec<[u8; 32]>,
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(KeyKind::Ed25519).unwrap()
}

impl Copy {
    fn of(size: u64) -> Self {
        let signer = NoteSigner::new(ORIGIN, key()).unwrap();
        let copy = Self { folder: tempfile::tempdir().unwrap(), signer, roots: Vec::new() };
        let entries: Vec<_> = (0..size).map(|number| format!(r#"{{"n":{number},"v":1}}"#).into_bytes()).collect();
        let mut frontier = Frontier::empty();
        let mut roots = vec![frontier.root()];
        for entry in &entries {
            frontier.append(leaf_hash(entry));
            roots.push(frontier.root());
        }
        for (tile, bytes) in frontier.take_tiles() {
            copy.write(&format!("log/{}", tile.path()), &bytes);
        }
        for (index, bundle) in (0..).zip(entries.chunks(256)) {
            let tile = TileId { level: 0, index, width: u16::try_from(bundle.len()).unwrap() };
            let bytes = entry_bundle(bundle.iter().map(Vec::as_slice)).unwrap();
            copy.write(&format!("log/{}", tile.entries_path()), &bytes);
        }
        let copy = Self { roots, ..copy };
        copy.write("log/checkpoint", copy.note(size).as_bytes());
        copy
    }

    fn note(&self, size: u64) -> String {
        let root = self.roots[usize::try_from(size).unwrap()];
        self.signer.sign(&Checkpoint { origin: ORIGIN.to_owned(), size, root }.text()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn verify(&self, more: &[&str]) -> Seen {
        let (folder, key) = (self.folder.path().display().to_string(), self.signer.verifier().vkey());
        vuzol(&[&["audit", "verify", "--folder", &folder, "--key", &key], more].concat())
    }
}

#[test]
fn a_whole_log_is_said_to_be_whole() {
    let copy = Copy::of(300);
    let seen = copy.verify(&[]);
    assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""), "{}", seen.out);
    assert!(seen.out.starts_with("vuzol.test/log\nWHOLE: 300 entries, 3 tiles, root "), "{}", seen.out);
    let (first, second) =
        (copy.write("1.note", copy.note(1).as_bytes()), copy.write("2.note", copy.note(256).as_bytes()));
    let seen = copy.verify(&["--checkpoint", &first, "--checkpoint", &second, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&seen.out).unwrap();
    assert_eq!((&report["whole"], &report["size"], &report["kept"]), (&true.into(), &300.into(), &2.into()));
}

#[test]
fn what_is_wrong_is_one_line_and_a_code() {
    let copy = Copy::of(300);
    let bundle = std::fs::read(copy.path("log/tile/entries/001.p/44")).unwrap();
    let mut changed = bundle.clone();
    changed[bundle.len() - 3] ^= 1;
    copy.write("log/tile/entries/001.p/44", &changed);
    let seen = copy.verify(&[]);
    assert_eq!(seen.code, exit::REFUSED);
    let line = "WRONG entry: entry 299 (in tile/entries/001.p/44) is not what was logged under this number\n";
    assert_eq!(seen.out, line);
    let report: serde_json::Value = serde_json::from_str(&copy.verify(&["--json"]).out).unwrap();
    assert_eq!((&report["code"], &report["first_entry"]), (&"entry".into(), &299.into()));
    copy.write("log/tile/entries/001.p/44", &bundle);

    let longer = Copy { roots: [copy.roots.clone(), vec![[7; 32]]].concat(), ..copy };
    let held = longer.write("held.note", longer.note(301).as_bytes());
    let seen = longer.verify(&["--checkpoint", &held]);
    assert!(seen.code == exit::REFUSED && seen.out.starts_with("WRONG cut_off: "), "{}", seen.out);
    let edited = longer.write("log/checkpoint", longer.note(300).replace("\n300\n", "\n299\n").as_bytes());
    let seen = longer.verify(&[]);
    assert!(seen.code == exit::REFUSED && seen.out.starts_with("WRONG checkpoint: "), "{}", seen.out);
    std::fs::remove_file(edited).unwrap();
    let seen = longer.verify(&[]);
    assert_eq!((seen.code, seen.err.lines().count()), (exit::UNREADABLE, 1), "{}", seen.err);
}

#[test]
fn a_policy_is_asked_for_cosignatures() {
    let copy = Copy::of(9);
    let witness = Cosigner::new("w.example/1", key()).unwrap();
    let policy = format!("witness w {}\nquorum w\n", witness.verifier().vkey());
    let policy = copy.write("policy", policy.as_bytes());
    let seen = copy.verify(&["--policy", &policy]);
    assert!(seen.code == exit::REFUSED && seen.out.contains("no quorum"), "{}", seen.out);
    let note = copy.note(9);
    let text = &note[..note.rfind("\n\n").unwrap() + 1];
    let line = witness.cosign(text, 1_679_315_147).unwrap();
    copy.write("log/checkpoint", (note.clone() + &line).as_bytes());
    let seen = copy.verify(&["--policy", &policy]);
    assert_eq!(seen.code, exit::OK, "{}", seen.out);
    assert!(seen.out.contains("Cosigned by w at 2023-03-20T12:25:47Z\n"), "{}", seen.out);
    let bad = copy.write("policy", b"quorum nobody\n");
    let seen = copy.verify(&["--policy", &bad]);
    assert!(seen.code == exit::UNREADABLE && seen.err.contains("line 1"), "{}", seen.err);
    assert_eq!(copy.verify(&["--key", "rubbish"]).code, exit::USAGE);
    assert_eq!(vuzol(&["audit", "verify", "--folder", "x"]).code, exit::USAGE);
}
