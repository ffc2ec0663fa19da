use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::digest::{from_hex, hex};
use crate::key::{Curve, KeyKind, SoftwareKey};

/// Tiles as a server holds them: everything that was ever written, and what was asked for.
#[derive(Default)]
struct Store {
    tiles: BTreeMap<TileId, Vec<Hash>>,
    asked: RefCell<BTreeSet<TileId>>,
}

impl Store {
    fn write(&mut self, tiles: Vec<(TileId, Vec<u8>)>) {
        for (id, bytes) in tiles {
            let (hashes, rest) = bytes.as_chunks::<32>();
            assert!(rest.is_empty());
            assert_eq!(hashes.len(), usize::from(id.width));
            assert!((1..=256).contains(&id.width), "never an empty tile");
            let known = self.tiles.insert(id, hashes.to_vec());
            assert!(known.is_none(), "{id:?} was given out twice");
        }
    }
}

impl TileReader for Store {
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, LogError> {
        self.asked.borrow_mut().insert(TileId { level, index, width });
        let exact = self.tiles.get(&TileId { level, index, width });
        let full = || self.tiles.get(&TileId { level, index, width: 256 });
        exact.or_else(full).cloned().ok_or(LogError::MissingTile { level, index })
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// RFC 9162, 2.1.1, word for word.
fn reference_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            node_hash(&reference_root(&leaves[..k]), &reference_root(&leaves[k..]))
        }
    }
}

/// RFC 9162, 2.1.3.1, word for word.
fn reference_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut path, sibling) = if m < k {
        (reference_path(m, &leaves[..k]), reference_root(&leaves[k..]))
    } else {
        (reference_path(m - k, &leaves[k..]), reference_root(&leaves[..k]))
    };
    path.push(sibling);
    path
}

/// RFC 9162, 2.1.4.1, word for word.
fn reference_subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![reference_root(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut proof, sibling) = if m <= k {
        (reference_subproof(m, &leaves[..k], whole), reference_root(&leaves[k..]))
    } else {
        (reference_subproof(m - k, &leaves[k..], false), reference_root(&leaves[..k]))
    };
    proof.push(sibling);
    proof
}

/// Certificate Transparency's published test tree (RFC 6962 test data of the original C++ and Go implementations).
#[test]
fn roots_of_the_published_test_tree() {
    let entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    assert_eq!(hex(&Frontier::empty().root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut frontier = Frontier::empty();
    for (entry, root) in entries.iter().zip(roots) {
        frontier.append(leaf_hash(&from_hex(entry).unwrap()));
        assert_eq!(hex(&frontier.root()), root);
    }
}

#[test]
fn long_and_short_entries_hash_alike() {
    for length in [0, 1, 1023, 1024, 1025, 65535] {
        let entry = vec![7; length];
        assert_eq!(leaf_hash(&entry), crate::digest::sha256(&[&[0], entry.as_slice()].concat()), "{length}");
    }
}

#[test]
fn every_proof_of_every_small_tree() {
    const MAX: u64 = 70;
    let all = leaves(MAX);
    let mut store = Store::default();
    let mut frontier = Frontier::empty();
    let mut roots = vec![frontier.root()];
    for leaf in &all {
        frontier.append(*leaf);
        store.write(frontier.take_tiles());
        roots.push(frontier.root());
    }
    for size in 0..=MAX {
        let n = usize::try_from(size).unwrap();
        let root = roots[n];
        assert_eq!(root, reference_root(&all[..n]), "{size}");
        for index in 0..size {
            let m = usize::try_from(index).unwrap();
            let proof = inclusion_proof(index, size, &store).unwrap();
            assert_eq!(proof, reference_path(m, &all[..n]), "{index} in {size}");
            assert_eq!(verify_inclusion(&all[m], index, size, &root, &proof), Ok(()), "{index} in {size}");
            refuse_neighbours(&all[m], index, size, &root, &proof);
        }
        for old in 0..=size {
            let m = usize::try_from(old).unwrap();
            let proof = consistency_proof(old, size, &store).unwrap();
            if old > 0 {
                assert_eq!(proof, reference_subproof(m, &all[..n], true), "{old} to {size}");
            }
            assert_eq!(verify_consistency(old, &roots[m], size, &root, &proof), Ok(()), "{old} to {size}");
            refuse_changed_consistency(old, &roots[m], size, &root, &proof);
        }
    }
}

fn refuse_neighbours(leaf: &Hash, index: u64, size: u64, root: &Hash, proof: &[Hash]) {
    let refused = |leaf: &Hash, index: u64, size: u64, root: &Hash, proof: &[Hash]| {
        verify_inclusion(leaf, index, size, root, proof).is_err()
    };
    assert!(refused(&flip(leaf, 0), index, size, root, proof));
    assert!(refused(leaf, index, size, &flip(root, 255), proof));
    assert!(refused(leaf, index + 1, size, root, proof));
    assert!(refused(leaf, size, size, root, proof));
    assert!(refused(leaf, index, size, root, &[proof, &[*root]].concat()));
    if !proof.is_empty() {
        assert!(refused(leaf, index, size, root, &proof[1..]));
        assert!(refused(leaf, index, size, root, &proof[..proof.len() - 1]));
    }
    for position in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[position] = flip(&changed[position], 100);
        assert!(refused(leaf, index, size, root, &changed));
    }
}

fn refuse_changed_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, proof: &[Hash]) {
    let refused = |old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
        verify_consistency(old, old_root, new, new_root, proof).is_err()
    };
    assert!(refused(&flip(old_root, 3), new_root, proof));
    if old > 0 {
        assert!(refused(old_root, &flip(new_root, 3), proof));
    }
    assert!(refused(old_root, new_root, &[proof, &[*new_root]].concat()));
    assert!(verify_consistency(new + 1, new_root, new, new_root, proof).is_err());
    for position in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[position] = flip(&changed[position], 200);
        assert!(refused(old_root, new_root, &changed));
        changed.remove(position);
        assert!(refused(old_root, new_root, &changed));
    }
}

fn flip(hash: &Hash, bit: usize) -> Hash {
    let mut changed = *hash;
    changed[bit / 8] ^= 1 << (bit % 8);
    changed
}

#[test]
fn every_flipped_bit_of_a_proof_is_refused() {
    let all = leaves(300);
    let mut store = Store::default();
    let mut frontier = Frontier::empty();
    all.iter().for_each(|leaf| frontier.append(*leaf));
    store.write(frontier.take_tiles());
    let root = frontier.root();
    let proof = inclusion_proof(255, 300, &store).unwrap();
    let consistency = consistency_proof(77, 300, &store).unwrap();
    let old_root = reference_root(&all[..77]);
    for bit in 0..256 {
        for position in 0..proof.len() {
            let mut changed = proof.clone();
            changed[position] = flip(&changed[position], bit);
            assert_eq!(verify_inclusion(&all[255], 255, 300, &root, &changed), Err(LogError::ProofMismatch));
        }
        for position in 0..consistency.len() {
            let mut changed = consistency.clone();
            changed[position] = flip(&changed[position], bit);
            assert_eq!(verify_consistency(77, &old_root, 300, &root, &changed), Err(LogError::ProofMismatch));
        }
    }
}

/// Sizes around the borders of tiles, with the tile counts that C2SP tlog-tiles names.
#[test]
fn large_trees_have_the_right_tiles_and_proofs() {
    const MAX: u64 = 70_000;
    let all = leaves(MAX);
    let mut store = Store::default();
    let mut frontier = Frontier::empty();
    let mut roots = BTreeMap::new();
    let sizes = [1, 255, 256, 257, 258, 511, 512, 513, 65_535, 65_536, 65_537, 69_999, 70_000];
    for (size, leaf) in (1..).zip(&all) {
        frontier.append(*leaf);
        if sizes.contains(&size) {
            store.write(frontier.take_tiles());
            assert!(frontier.take_tiles().is_empty(), "nothing changed");
            roots.insert(size, frontier.root());
        }
    }
    let widths = |level: u8| {
        let full = store.tiles.keys().filter(|id| id.level == level && id.width == 256).count();
        let last = store.tiles.keys().filter(|id| id.level == level).max().unwrap();
        (full, last.width)
    };
    // 70 000 = 273 * 256 + 112; 273 = 256 + 17; 1.
    assert_eq!([widths(0), widths(1), widths(2)], [(273, 112), (1, 17), (0, 1)]);
    assert_eq!(store.tiles.keys().map(|id| id.level).max(), Some(2));
    assert!(store.tiles.contains_key(&TileId { level: 1, index: 0, width: 1 }), "size 256 has level 1 .p/1");

    for (size, root) in &roots {
        let n = usize::try_from(*size).unwrap();
        assert_eq!(*root, reference_root(&all[..n]), "{size}");
        for index in [0, 1, 254, 255, 256, 257, 65_535, 65_536, size / 2, size - 1] {
            if index >= *size {
                continue;
            }
            let proof = inclusion_proof(index, *size, &store).unwrap();
            let leaf = &all[usize::try_from(index).unwrap()];
            assert_eq!(verify_inclusion(leaf, index, *size, root, &proof), Ok(()), "{index} in {size}");
            assert!(verify_inclusion(leaf, index ^ 1, *size, root, &proof).is_err());
        }
        for (old, old_root) in roots.range(..=size) {
            let proof = consistency_proof(*old, *size, &store).unwrap();
            assert_eq!(verify_consistency(*old, old_root, *size, root, &proof), Ok(()), "{old} to {size}");
        }
        let mut loaded = Frontier::load(*size, root, &store).unwrap();
        assert_eq!((loaded.size(), loaded.root()), (*size, *root));
        assert!(loaded.take_tiles().is_empty(), "nothing changed since it was stored");
        all[n..].iter().for_each(|leaf| loaded.append(*leaf));
        assert_eq!(loaded.root(), roots[&MAX], "grown from {size}");
        if *size < MAX {
            let grown: BTreeMap<_, _> = loaded.take_tiles().into_iter().collect();
            for (id, hashes) in store.tiles.iter().filter(|(id, _)| id.width == 256) {
                let before = (*size >> (8 * u32::from(id.level))) / 256;
                let again = grown.get(id).map(|bytes| bytes.as_chunks::<32>().0.to_vec());
                assert_eq!(again.as_ref(), (id.index >= before).then_some(hashes), "{id:?} grown from {size}");
            }
        }
    }
    for id in store.asked.borrow().iter() {
        let exists = roots.keys().any(|size| {
            let hashes =
                (size >> (8 * u32::from(id.level))) - id.index.min(size >> (8 * u32::from(id.level)) >> 8) * 256;
            hashes.min(256) == u64::from(id.width)
        });
        assert!(exists, "{id:?} belongs to no checkpoint");
    }
}

#[test]
fn a_store_that_lies_or_lacks_is_noticed() {
    let mut store = Store::default();
    let mut frontier = Frontier::empty();
    leaves(600).into_iter().for_each(|leaf| frontier.append(leaf));
    store.write(frontier.take_tiles());
    let root = frontier.root();
    let edge = TileId { level: 0, index: 2, width: 88 };
    let hashes = store.tiles.get(&edge).cloned().unwrap();

    store.tiles.get_mut(&edge).unwrap()[5][0] ^= 1;
    assert_eq!(Frontier::load(600, &root, &store).unwrap_err(), LogError::ProofMismatch);
    let proof = inclusion_proof(590, 600, &store).unwrap();
    assert!(verify_inclusion(&leaf_hash(&590u64.to_be_bytes()), 590, 600, &root, &proof).is_err());

    store.tiles.insert(edge, hashes[..87].to_vec());
    let missing = LogError::MissingTile { level: 0, index: 2 };
    assert_eq!(Frontier::load(600, &root, &store).unwrap_err(), missing);
    assert_eq!(inclusion_proof(590, 600, &store).unwrap_err(), missing);
    store.tiles.remove(&edge);
    assert_eq!(Frontier::load(600, &root, &store).unwrap_err(), missing);

    // Where the log has grown the full tile serves for the partial one.
    store.tiles.insert(TileId { width: 256, ..edge }, [hashes, vec![[0; 32]; 168]].concat());
    assert_eq!(Frontier::load(600, &root, &store).unwrap().root(), root);
    assert_eq!(inclusion_proof(600, 600, &store).unwrap_err(), LogError::OutOfRange);
    assert_eq!(consistency_proof(601, 600, &store).unwrap_err(), LogError::OutOfRange);
    assert_eq!(Frontier::load(u64::MAX, &root, &store).unwrap_err(), LogError::OutOfRange);
}

#[test]
fn tile_paths_are_those_of_the_standard() {
    let path = |level, index, width| TileId { level, index, width }.path();
    assert_eq!(path(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(path(1, 0, 17), "tile/1/000.p/17");
    assert_eq!(path(7, 999, 256), "tile/7/999");
    assert_eq!(path(0, 1000, 1), "tile/0/x001/000.p/1");
    assert_eq!(TileId { level: 3, index: 273, width: 112 }.entries_path(), "tile/entries/273.p/112");
    for (index, width) in [(0, 256), (0, 1), (999, 255), (1000, 256), (1_234_067, 3), (u64::MAX, 256)] {
        let path = TileId { level: 0, index, width }.entries_path();
        assert_eq!(TileId::parse_index(path.strip_prefix("tile/entries/").unwrap()), Some((index, width)));
    }
    let refused = [
        "",
        "0",
        "00",
        "0000",
        "x000/000",
        "000.p/0",
        "000.p/256",
        "000.p/01",
        "000.p/",
        "000.p",
        "x1/000",
        "x001/",
        "001/000",
        "/000",
        "000/",
        "x001/x000",
        "+01",
        "000.p/+1",
        "x018/x446/x744/x073/x709/x551/616",
        "x999/x999/x999/x999/x999/x999/x999/999",
        "٠٠٠",
    ];
    for text in refused {
        assert_eq!(TileId::parse_index(text), None, "{text}");
    }
}

#[test]
fn entry_bundles_come_back() {
    let entries: [&[u8]; 4] = [b"", b"a", &[0; 300], &[0xff; 65535]];
    let bundle = entry_bundle(entries.into_iter()).unwrap();
    assert_eq!(bundle[..5], [0, 0, 0, 1, b'a']);
    assert_eq!(parse_entry_bundle(&bundle).unwrap(), entries.map(<[u8]>::to_vec));
    assert_eq!(entry_bundle([&[0; 65536][..]].into_iter()), None);
    assert_eq!(entry_bundle(std::iter::repeat_n(&b"x"[..], 257)), None);
    for bad in [&bundle[..bundle.len() - 1], &[0], &[0, 1], &[0; 2 * 257]] {
        assert_eq!(parse_entry_bundle(bad).unwrap_err(), LogError::Malformed("entry bundle"));
    }
}

/// The example of C2SP signed-note.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_published_note_verifies() {
    let verifier = NoteVerifier::from_vkey(VKEY).unwrap();
    assert_eq!(verifier.vkey(), VKEY);
    assert_eq!(verifier.name(), "example.com/foo");
    assert_eq!(verifier.verify(NOTE), Ok("This is an example message.\n"));
    assert_eq!(verifier.verify(&NOTE.replace("example message", "Example message")), Err(LogError::BadSignature));
    assert_eq!(verifier.verify(&NOTE.replace("foo Uw", "bar Uw")), Err(LogError::NoKnownSignature));
    assert_eq!(verifier.verify(&NOTE.replace("foo Uw2Q", "foo Uw2R")), Err(LogError::NoKnownSignature));
}

#[test]
fn verifier_keys_are_strict() {
    let refused = [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/fox+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U",
        "example.com/foo+530d903a+BekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ];
    for vkey in refused {
        assert_eq!(NoteVerifier::from_vkey(vkey).unwrap_err(), LogError::Malformed("verifier key"), "{vkey}");
    }
}

fn signer(name: &str) -> NoteSigner {
    NoteSigner::new(name, SoftwareKey::generate(KeyKind::Ed25519).unwrap()).unwrap()
}

fn last_line(note: &str) -> &str {
    note.trim_end().rsplit('\n').next().unwrap()
}

#[test]
fn other_signatures_are_ignored_and_a_false_one_spoils_the_note() {
    let ours = signer("vuzol.example/log");
    let note = ours.sign("text\n\nwith an empty line\n").unwrap();
    let verifier = NoteVerifier::from_vkey(&ours.verifier().vkey()).unwrap();
    assert_eq!(verifier.verify(&note), Ok("text\n\nwith an empty line\n"));

    let mut many = note.clone();
    for number in 0..20 {
        let other = signer(&format!("witness.example/{number}")).sign("text\n\nwith an empty line\n").unwrap();
        many.push_str(last_line(&other));
        many.push('\n');
    }
    assert_eq!(verifier.verify(&many), Ok("text\n\nwith an empty line\n"));

    let false_line = ours.sign("another text\n").unwrap();
    let spoilt = format!("{note}{}\n", last_line(&false_line));
    assert_eq!(verifier.verify(&spoilt), Err(LogError::BadSignature));
    let crowd = format!("{note}{}", "— x.example AAAAAAA=\n".repeat(100));
    assert_eq!(verifier.verify(&crowd), Err(LogError::Malformed("note")));
}

#[test]
fn note_text_is_strict() {
    let ours = signer("vuzol.example/log");
    for text in ["", "no newline", "tab\t\n", "return\r\n", "nul\0\n"] {
        assert_eq!(ours.sign(text).unwrap_err(), LogError::Malformed("note text"), "{text:?}");
    }
    let note = ours.sign("text\n").unwrap();
    let verifier = ours.verifier();
    let bad = [
        String::new(),
        "\n".to_owned(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        note.trim_end().to_owned(),
        note.replace("text", "te\txt"),
        note.replace('\n', "\r\n"),
        note.replace("— ", "- "),
        note.replace("— ", "—  "),
        format!("{note}\n"),
        format!("{note}rubbish\n"),
        format!("{note}— name\n"),
        format!("{note}— name not-base64\n"),
        format!("{note}— name AAAA\n"),
        format!("{note}— na+me AAAAAAA=\n"),
    ];
    for note in bad {
        let error = verifier.verify(&note).unwrap_err();
        assert!(matches!(error, LogError::Malformed(_)), "{note:?}: {error:?}");
    }
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb", "a\0b"] {
        let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
        assert_eq!(NoteSigner::new(name, key).err(), Some(LogError::Malformed("key name")), "{name:?}");
    }
    let key = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    assert_eq!(NoteSigner::new("name", key).err(), Some(LogError::Malformed("note key")));
}

#[test]
fn checkpoints_are_strict() {
    let checkpoint = Checkpoint { origin: "vuzol.example/log".to_owned(), size: 70_000, root: [7; 32] };
    let text = checkpoint.text();
    assert_eq!(text, "vuzol.example/log\n70000\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n");
    assert_eq!(Checkpoint::parse_text(&text), Ok(checkpoint.clone()));
    assert_eq!(Checkpoint::parse_text(&format!("{text}extension\n")), Ok(checkpoint.clone()));
    let bad = [
        String::new(),
        text.trim_end().to_owned(),
        text.replace("70000", "070000"),
        text.replace("70000", "+70000"),
        text.replace("70000", ""),
        text.replace("70000", "18446744073709551616"),
        text.replace("70000", "-1"),
        text.replace("Bwc=", "Bwd="),
        text.replace("Bwc=", "Bwc"),
        text.replace("Bwc=", ""),
        text.replace("vuzol.example/log", ""),
        format!("{text}\n"),
        format!("{text}extension\n\n"),
    ];
    for text in bad {
        assert_eq!(Checkpoint::parse_text(&text), Err(LogError::Malformed("checkpoint")), "{text:?}");
    }
}

fn receipt(signer: &NoteSigner, origin: &str) -> TlogProof {
    let mut store = Store::default();
    let mut frontier = Frontier::empty();
    leaves(300).into_iter().for_each(|leaf| frontier.append(leaf));
    store.write(frontier.take_tiles());
    let checkpoint = Checkpoint { origin: origin.to_owned(), size: 300, root: frontier.root() };
    TlogProof {
        index: 257,
        hashes: inclusion_proof(257, 300, &store).unwrap(),
        checkpoint: signer.sign(&checkpoint.text()).unwrap(),
    }
}

#[test]
fn receipts_are_checked_to_the_end() {
    let signer = signer("vuzol.example/log");
    let proof = receipt(&signer, "vuzol.example/log");
    let text = proof.to_text();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 257\n"));
    assert_eq!(TlogProof::parse(&text), Ok(proof.clone()));
    let with_extra = text.replacen("\nindex", "\nextra AAEC\nindex", 1);
    assert_eq!(TlogProof::parse(&with_extra), Ok(proof.clone()));

    let entry = 257u64.to_be_bytes();
    let verifier = signer.verifier();
    assert_eq!(proof.verify(&entry, &verifier).unwrap().size, 300);
    assert_eq!(proof.verify(b"another entry", &verifier), Err(LogError::ProofMismatch));
    let moved = TlogProof { index: 256, ..proof.clone() };
    assert_eq!(moved.verify(&entry, &verifier), Err(LogError::ProofMismatch));
    let far = TlogProof { index: 300, ..proof.clone() };
    assert_eq!(far.verify(&entry, &verifier), Err(LogError::OutOfRange));
    let resized = TlogProof { checkpoint: proof.checkpoint.replace("\n300\n", "\n301\n"), ..proof.clone() };
    assert_eq!(resized.verify(&entry, &verifier), Err(LogError::BadSignature));
    let stranger = self::signer("vuzol.example/log");
    assert_eq!(proof.verify(&entry, &stranger.verifier()), Err(LogError::NoKnownSignature));
    let elsewhere = receipt(&signer, "other.example/log");
    assert_eq!(elsewhere.verify(&entry, &verifier), Err(LogError::WrongOrigin));

    let bad = [
        String::new(),
        text.replace("@v1", "@v2"),
        text.replace("index 257", "index 0257"),
        text.replace("index 257\n", ""),
        text.replacen("\n\n", "\n", 1),
        with_extra.replace("AAEC", "AAE"),
        text.replacen(
            "\nindex 257\n",
            &format!("\nindex 257\n{}", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n".repeat(64)),
            1,
        ),
        text.split_once("\n\n").unwrap().0.to_owned() + "\n\n",
    ];
    for text in bad {
        assert!(TlogProof::parse(&text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn strangers_texts_never_panic(text in "\\PC{0,120}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let verifier = NoteVerifier::from_vkey(VKEY).unwrap();
        let _ = verifier.verify(&text);
        let _ = NoteVerifier::from_vkey(&text);
        let _ = Checkpoint::parse_text(&text);
        let _ = TlogProof::parse(&text);
        let _ = TileId::parse_index(&text);
        let _ = parse_entry_bundle(&bytes);
    }

    #[test]
    fn strangers_proofs_never_verify(
        index in any::<u64>(),
        size in any::<u64>(),
        proof in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        prop_assert!(verify_inclusion(&[1; 32], index, size, &[2; 32], &proof).is_err());
        prop_assert!(verify_consistency(index, &[1; 32], size, &[2; 32], &proof).is_err());
    }

    /// However the leaves come in, and wherever the process restarts, the tiles are the same.
    #[test]
    fn restarts_change_nothing(steps in prop::collection::vec(1usize..400, 1..8)) {
        let total: usize = steps.iter().sum();
        let all = leaves(total as u64);
        let mut store = Store::default();
        let mut frontier = Frontier::empty();
        let mut done = 0;
        for step in steps {
            all[done..done + step].iter().for_each(|leaf| frontier.append(*leaf));
            done += step;
            store.write(frontier.take_tiles());
            frontier = Frontier::load(done as u64, &frontier.root(), &store).unwrap();
        }
        prop_assert_eq!(frontier.root(), reference_root(&all));
        for index in [0, total / 2, total - 1] {
            let proof = inclusion_proof(index as u64, total as u64, &store).unwrap();
            prop_assert_eq!(verify_inclusion(&all[index], index as u64, total as u64, &frontier.root(), &proof), Ok(()));
        }
    }
}
