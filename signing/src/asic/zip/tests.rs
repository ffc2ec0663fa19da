#![allow(clippy::cast_possible_truncation, reason = "small archives")]

use crate::asic::testing::{Descriptor, Forge, Piece, deflated, end, stored, zip64_end};

use super::*;

const TEXT: &[u8] = "Заява про видачу довідки. Заява про видачу довідки. Заява про видачу довідки.".as_bytes();
/// Offsets in a local header.
const FLAGS: usize = 6;
const METHOD: usize = 8;
const CRC: usize = 14;
const COMPRESSED: usize = 18;
const SIZE: usize = 22;
const NAME: usize = 30;
/// Offsets in a central header.
const CENTRAL_DISK: usize = 34;
const CENTRAL_OFFSET: usize = 42;

fn pieces() -> Vec<Piece> {
    vec![stored("a.txt", TEXT), deflated("Довідка.txt", TEXT), stored("folder/", b"")]
}

/// Reads the archive and everything in it.
fn read_all(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ContainerError> {
    let archive = Archive::read(bytes, &Limits::default())?;
    let entries = archive.entries().iter();
    entries.map(|entry| Ok((entry.name().to_owned(), archive.content(entry, 1 << 24)?))).collect()
}

#[track_caller]
fn assert_refused(bytes: &[u8], error: ContainerError) {
    assert_eq!(read_all(bytes), Err(error));
}

#[test]
fn an_archive_is_read_with_its_content() {
    let forge = Forge::with_comment(&pieces(), b"a comment");
    let found = read_all(&forge.bytes).unwrap();
    assert_eq!(
        found,
        [("a.txt".into(), TEXT.to_vec()), ("Довідка.txt".into(), TEXT.to_vec()), ("folder/".into(), vec![])]
    );
    let archive = Archive::read(forge.bytes.as_slice(), &Limits::default()).unwrap();
    assert_eq!(archive.comment(), b"a comment");
    assert_eq!(archive.entries()[1].method(), Method::Deflated);
    assert!(archive.entries()[2].is_directory() && archive.entries()[0].is_first());
    assert_eq!(archive.digest().unwrap(), crypto::digest::sha256(&forge.bytes));
}

#[test]
fn large_content_streams_in_small_pieces() {
    let content: Vec<u8> = (0..3_000_000_u32).flat_map(|number| (number / 7).to_be_bytes()).collect();
    let forge = Forge::of(&[deflated("a", &content), stored("b", &content)]);
    let archive = Archive::read(forge.bytes.as_slice(), &Limits::default()).unwrap();
    for entry in archive.entries() {
        let (mut found, mut longest) = (Vec::new(), 0);
        archive
            .stream(entry, |piece| {
                longest = longest.max(piece.len());
                found.extend_from_slice(piece);
            })
            .unwrap();
        assert!(found == content && longest <= 64 * 1024);
        assert_eq!(archive.content(entry, 1000), Err(ContainerError::MetadataTooLarge));
    }
}

#[test]
fn every_beginning_of_an_archive_is_refused() {
    let forge = Forge::with_comment(&pieces(), b"comment");
    for length in 0..forge.bytes.len() {
        let error = read_all(&forge.bytes[..length]).expect_err("cut short");
        assert!(matches!(error, ContainerError::NotZip | ContainerError::CutShort), "{length}: {error:?}");
    }
}

#[test]
fn no_single_octet_can_be_changed_without_being_noticed_or_meaning_nothing() {
    let forge = Forge::of(&pieces());
    let truth = read_all(&forge.bytes).unwrap();
    for at in 0..forge.bytes.len() {
        for flip in [0x01, 0x20, 0xff] {
            let mut bytes = forge.bytes.clone();
            bytes[at] ^= flip;
            if let Ok(found) = read_all(&bytes) {
                assert_eq!(found, truth, "octet {at}");
            }
        }
    }
}

#[test]
fn files_that_are_no_archives_are_refused() {
    for bytes in [&b""[..], b"PK", b"PK\x03\x04", &[0; 100], b"<?xml version='1.0'?>"] {
        assert_refused(bytes, ContainerError::NotZip);
    }
    assert_eq!(read_all(&end(0, 0, 0, b"")), Ok(vec![]));
}

#[test]
fn duplicate_entries_are_refused() {
    assert_refused(&Forge::of(&[stored("a", b"1"), stored("a", b"2")]).bytes, ContainerError::DuplicateEntry);
    assert_refused(&Forge::of(&[stored("a/", b""), stored("a/", b"")]).bytes, ContainerError::DuplicateEntry);
}

#[test]
fn twins_of_case_and_encoding_are_refused() {
    for (one, other) in [("a.txt", "A.TXT"), ("ї.txt", "і\u{308}.txt"), ("META-INF/x", "meta-inf/X"), ("a", "a/b")] {
        assert_refused(&Forge::of(&[stored(one, b"1"), stored(other, b"2")]).bytes, ContainerError::TwinNames);
    }
}

#[test]
fn a_second_name_in_an_extra_field_is_refused() {
    let path = |name: &str| [&[1, 0, 0, 0, 0], name.as_bytes()].concat();
    let honest = stored("a.txt", TEXT).with_central_extra(0x7075, &path("a.txt"));
    assert!(read_all(&Forge::of(&[honest]).bytes).is_ok());
    let other = stored("a.txt", TEXT).with_central_extra(0x7075, &path("b.txt"));
    assert_refused(&Forge::of(&[other]).bytes, ContainerError::ExtraField);
    let local = stored("a.txt", TEXT).with_local_extra(0x7075, &path("b.txt"));
    assert_refused(&Forge::of(&[local]).bytes, ContainerError::ExtraField);
    let forge = Forge::of(&[stored("a", TEXT).with_central_extra(7, b"1234")]);
    let length_at = forge.central[0] + 46 + 1 + 2;
    assert_refused(&forge.patched(length_at, &[5]), ContainerError::ExtraField);
}

#[test]
fn paths_that_lead_out_are_refused() {
    for name in ["../a", "a/../../b", "/etc/passwd", "a\\b", "C:\\a", "a//b"] {
        assert_refused(&Forge::of(&[stored(name, b"x")]).bytes, ContainerError::PathTraversal);
    }
    assert_refused(&Forge::of(&[stored("a\0b", b"x")]).bytes, ContainerError::EntryName);
    let latin = stored("", b"x").with_raw_name(b"\xc4\xee\xe2.txt");
    assert_refused(&Forge::of(&[latin]).bytes, ContainerError::NameEncoding);
    assert_refused(&Forge::of(&[stored(&"a".repeat(1025), b"x")]).bytes, ContainerError::NameLength);
}

#[test]
fn local_and_central_header_must_agree() {
    let forge = || Forge::of(&pieces());
    let local = forge().local[1];
    for (at, octets) in
        [(NAME, &b"d"[..]), (METHOD, &[0]), (FLAGS + 1, &[0]), (CRC, &[0]), (COMPRESSED, &[0]), (SIZE, &[0]), (0, b"Q")]
    {
        assert_refused(&forge().patched(local + at, octets), ContainerError::HeadersDisagree);
    }
}

#[test]
fn data_outside_of_entries_is_refused() {
    let honest = Forge::of(&pieces());
    let before = [b"#!/bin/sh\n", honest.bytes.as_slice()].concat();
    assert_refused(&before, ContainerError::DataOutside);
    let after = [honest.bytes.as_slice(), b"more"].concat();
    assert_refused(&after, ContainerError::DataOutside);
    // Between two entries, and between the last one and the directory, with every offset right.
    for gap_before in [1, 2] {
        let mut forge = Forge { bytes: Vec::new(), local: Vec::new(), central: Vec::new(), end: 0 };
        let pieces = &pieces()[..2];
        for (index, piece) in pieces.iter().enumerate() {
            if index == gap_before {
                forge.bytes.extend(b"hidden");
            }
            let whole = Forge::of(std::slice::from_ref(piece));
            forge.local.push(forge.bytes.len());
            forge.bytes.extend(&whole.bytes[..whole.central[0]]);
        }
        if gap_before == 2 {
            forge.bytes.extend(b"hidden");
        }
        assert_refused(&forge.finish(pieces, b"").bytes, ContainerError::DataOutside);
    }
}

#[test]
fn a_prefix_with_corrected_offsets_is_refused() {
    let mut forge = Forge { bytes: b"MZ".to_vec(), local: vec![2], central: Vec::new(), end: 0 };
    let piece = stored("a", TEXT);
    let whole = Forge::of(std::slice::from_ref(&piece));
    forge.bytes.extend(&whole.bytes[..whole.central[0]]);
    assert_refused(&forge.finish(&[piece], b"").bytes, ContainerError::DataOutside);
}

#[test]
fn overlapping_entries_are_refused() {
    // Two central headers for one local one: the way of the bombs that need no recursion.
    let forge = Forge::of(&[stored("a", TEXT), stored("b", TEXT)]);
    let at = forge.central[1] + CENTRAL_OFFSET;
    assert_refused(&forge.patched(at, &0_u32.to_le_bytes()), ContainerError::Overlap);
    // A local header inside the content of another entry.
    let inner = Forge::of(&[stored("b", b"x")]);
    let carrier = stored("a", &inner.bytes[..inner.central[0]]);
    let mut forge = Forge::of(std::slice::from_ref(&carrier));
    forge.bytes.truncate(forge.central[0]);
    forge.central.clear();
    forge.local.push(31);
    assert_refused(&forge.finish(&[carrier, stored("b", b"x")], b"").bytes, ContainerError::Overlap);
}

#[test]
fn an_archive_inside_is_content_and_nothing_else() {
    let inner = Forge::of(&pieces()).bytes;
    let found = read_all(&Forge::of(&[stored("inner.zip", &inner)]).bytes).unwrap();
    assert_eq!(found, [("inner.zip".into(), inner)]);
}

#[test]
fn several_ends_are_refused() {
    // The comment is the end of another directory, which some readers find first.
    let other = end(0, 0, 0, b"");
    assert_refused(&Forge::with_comment(&pieces(), &other).bytes, ContainerError::AmbiguousEnd);
    let longer = [other.as_slice(), b"x"].concat();
    assert_refused(&Forge::with_comment(&pieces(), &longer).bytes, ContainerError::DataOutside);
}

#[test]
fn comments_are_bounded() {
    assert!(read_all(&Forge::with_comment(&pieces(), &[b'a'; 4096]).bytes).is_ok());
    assert_refused(&Forge::with_comment(&pieces(), &[b'a'; 4097]).bytes, ContainerError::Comment);
}

#[test]
fn a_damaged_directory_is_refused() {
    let forge = Forge::of(&pieces());
    let at = forge.central[0];
    assert_refused(&forge.patched(at, b"PX"), ContainerError::CentralDirectory);
    let forge = Forge::of(&pieces());
    let at = forge.end + 8;
    assert_refused(&forge.patched(at, &[2, 0, 2, 0]), ContainerError::CentralDirectory);
}

#[test]
fn data_descriptors_of_all_forms_are_read_and_compared() {
    for (signed, wide) in [(false, false), (true, false), (false, true), (true, true)] {
        let described = |piece: Piece| piece.with_descriptor(Descriptor { signed, wide });
        let pieces = [described(deflated("a", TEXT)), described(stored("b", TEXT)), stored("c", b"")];
        assert_eq!(read_all(&Forge::of(&pieces).bytes).unwrap().len(), 3);
        let forge = Forge::of(&pieces);
        let last = forge.local[1] - 1;
        assert_refused(&forge.patched(last, &[1]), ContainerError::DataDescriptor);
    }
    // Flagged and not there.
    let missing = Forge::of(&[stored("a", TEXT).with_flags(1 << 3), stored("b", TEXT)]);
    assert_refused(&missing.bytes, ContainerError::DataDescriptor);
}

#[test]
fn zip64_fields_that_tell_the_truth_are_read() {
    let size = TEXT.len() as u64;
    let both = [size.to_le_bytes(), size.to_le_bytes()].concat();
    let piece = stored("a", TEXT).with_local_extra(1, &both).with_central_extra(1, &both);
    let forge = Forge::of(std::slice::from_ref(&piece));
    let (local, central) = (forge.local[0], forge.central[0]);
    let mut bytes = forge.bytes;
    bytes[local + COMPRESSED..local + SIZE + 4].fill(0xff);
    bytes[central + 20..central + 28].fill(0xff);
    assert_eq!(read_all(&bytes).unwrap()[0].1, TEXT);
    // The local one may say the same twice; the central one may not.
    bytes[local + COMPRESSED..local + COMPRESSED + 4].copy_from_slice(&(size as u32).to_le_bytes());
    assert!(read_all(&bytes).is_ok());
    bytes[central + 20..central + 24].copy_from_slice(&(size as u32).to_le_bytes());
    assert_refused(&bytes, ContainerError::Zip64);
}

#[test]
fn zip64_lies_of_an_entry_are_refused() {
    let size = TEXT.len() as u64;
    let lie = [(size + 1).to_le_bytes(), size.to_le_bytes()].concat();
    let local = stored("a", TEXT).with_local_extra(1, &lie);
    assert_refused(&Forge::of(&[local]).bytes, ContainerError::Zip64);
    let central = stored("a", TEXT).with_central_extra(1, &lie);
    assert_refused(&Forge::of(&[central]).bytes, ContainerError::Zip64);
    let missing = Forge::of(&[stored("a", TEXT)]);
    let at = missing.central[0] + 24;
    assert_refused(&missing.patched(at, &[0xff; 4]), ContainerError::Zip64);
}

/// The archive with a ZIP64 end whose values are changed by `lie`, and an ordinary end made by `plain` of the true ones.
fn with_zip64_end(lie: (u64, u64, u64), plain: impl Fn(u16, u32, u32) -> Vec<u8>) -> Vec<u8> {
    let forge = Forge::of(&pieces());
    let (at, directory) = (forge.end, forge.central[0]);
    let (size, offset) = ((at - directory) as u64, directory as u64);
    let mut bytes = forge.bytes;
    bytes.truncate(at);
    bytes.extend(zip64_end(3 + lie.0, size + lie.1, offset + lie.2, at));
    bytes.extend(plain(3, size as u32, offset as u32));
    bytes
}

#[test]
fn zip64_lies_at_the_end_are_refused() {
    let in_zip64 = |_, _, _| end(u16::MAX, u32::MAX, u32::MAX, b"");
    assert!(read_all(&with_zip64_end((0, 0, 0), in_zip64)).is_ok());
    let same = |entries, size, offset| end(entries, size, offset, b"");
    assert!(read_all(&with_zip64_end((0, 0, 0), same)).is_ok());
    let other = |entries, size, offset: u32| end(entries, size, offset + 1, b"");
    assert_refused(&with_zip64_end((0, 0, 0), other), ContainerError::Zip64);
    assert_refused(&with_zip64_end((1, 0, 0), in_zip64), ContainerError::CentralDirectory);
    assert_refused(&with_zip64_end((0, 1, 0), in_zip64), ContainerError::CutShort);
    assert_refused(&with_zip64_end((0, 0, u64::MAX / 2), in_zip64), ContainerError::CutShort);
    assert_refused(&end(u16::MAX, 0, 0, b""), ContainerError::Zip64);
}

#[test]
fn encrypted_entries_are_refused() {
    for flag in [1, 1 << 6, 1 << 13] {
        assert_refused(&Forge::of(&[stored("a", TEXT).with_flags(flag)]).bytes, ContainerError::Encrypted);
    }
    assert_refused(&Forge::of(&[stored("a", TEXT).with_method(99)]).bytes, ContainerError::Encrypted);
    let extra = stored("a", TEXT).with_local_extra(0x9901, b"1234567");
    assert_refused(&Forge::of(&[extra]).bytes, ContainerError::Encrypted);
}

#[test]
fn other_compression_methods_are_refused() {
    for method in [1, 6, 9, 12, 14, 93, 95] {
        assert_refused(&Forge::of(&[stored("a", TEXT).with_method(method)]).bytes, ContainerError::CompressionMethod);
    }
    assert_refused(&Forge::of(&[stored("a", TEXT).with_flags(1 << 5)]).bytes, ContainerError::CompressionMethod);
}

#[test]
fn several_disks_are_refused() {
    for at in [4, 6, 8] {
        let forge = Forge::of(&pieces());
        let place = forge.end + at;
        assert_refused(&forge.patched(place, &[1]), ContainerError::SeveralDisks);
    }
    let forge = Forge::of(&pieces());
    let place = forge.central[0] + CENTRAL_DISK;
    assert_refused(&forge.patched(place, &[1]), ContainerError::SeveralDisks);
}

#[test]
fn links_and_devices_are_refused() {
    for mode in [0o120_777, 0o020_666, 0o010_644, 0o140_755] {
        assert_refused(&Forge::of(&[stored("a", b"/etc/passwd").with_mode(mode)]).bytes, ContainerError::SpecialFile);
    }
    assert!(read_all(&Forge::of(&[stored("a", TEXT).with_mode(0o100_644)]).bytes).is_ok());
}

#[test]
fn folders_with_content_are_refused() {
    assert_refused(&Forge::of(&[stored("a/", b"x")]).bytes, ContainerError::DirectoryContent);
    assert!(read_all(&Forge::of(&[deflated("a/", b"")]).bytes).is_ok());
}

#[test]
fn too_many_entries_are_refused() {
    let many =
        |count: usize| Forge::of(&(0..count).map(|number| stored(&format!("{number}"), b"")).collect::<Vec<_>>());
    assert!(read_all(&many(1000).bytes).is_ok());
    assert_refused(&many(1001).bytes, ContainerError::TooManyEntries);
}

#[test]
fn zip_bombs_are_refused_before_they_are_inflated() {
    let zeros = vec![0; 2 * 1024 * 1024];
    assert_refused(&Forge::of(&[deflated("bomb", &zeros)]).bytes, ContainerError::CompressionRatio);
    // Each below the threshold, all of them together far above.
    let small: Vec<Piece> = (0..20).map(|number| deflated(&format!("{number}"), &zeros[..1024 * 1024])).collect();
    assert!(read_all(&Forge::of(&small[..1]).bytes).is_ok());
    assert_refused(&Forge::of(&small).bytes, ContainerError::CompressionRatio);
    // Nobody's content is inflated before the headers are read: one that lies about a petabyte costs nothing.
    let huge = (1_u64 << 50).to_le_bytes();
    let forge = Forge::of(&[deflated("a", TEXT).with_central_extra(1, &huge)]);
    let at = forge.central[0] + 24;
    assert_refused(&forge.patched(at, &[0xff; 4]), ContainerError::CompressionRatio);
}

#[test]
fn the_budget_of_bytes_is_kept() {
    let forge = Forge::of(&[stored("a", TEXT), stored("b", TEXT)]);
    let within = |inflated| Archive::read(forge.bytes.as_slice(), &Limits { inflated, ..Limits::default() }).err();
    assert_eq!(within(2 * TEXT.len() as u64), None);
    assert_eq!(within(2 * TEXT.len() as u64 - 1), Some(ContainerError::TooLarge));
}

#[test]
fn content_that_is_not_what_the_headers_say_is_refused() {
    let size = TEXT.len() as u64;
    let good = deflated("a", TEXT);
    for piece in [
        good.clone().with_size(size + 1),
        good.clone().with_size(size - 1),
        good.clone().with_size(0),
        good.clone().with_data(good.data()[..good.data().len() - 1].to_vec()),
        good.clone().with_data([good.data(), b"x"].concat()),
        good.clone().with_data(vec![]),
        good.clone().with_data(b"\xff\xff\xff\xff".to_vec()),
        stored("a", TEXT).with_size(size - 1),
    ] {
        assert_refused(&Forge::of(&[piece]).bytes, ContainerError::DamagedEntry);
    }
    assert_refused(&Forge::of(&[good.with_crc(1)]).bytes, ContainerError::Checksum);
    assert_refused(&Forge::of(&[stored("a", TEXT).with_crc(1)]).bytes, ContainerError::Checksum);
}

#[test]
fn a_source_that_fails_is_not_an_empty_file() {
    struct Broken(u64);
    impl Source for Broken {
        fn size(&self) -> u64 {
            self.0
        }
        fn read_at(&self, _: u64, _: &mut [u8]) -> Result<(), SourceError> {
            Err(SourceError)
        }
    }
    assert_eq!(Archive::read(Broken(100), &Limits::default()).err(), Some(ContainerError::Source));
}
