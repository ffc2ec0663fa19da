//! `seal` and `open` on files.

use super::bench::Bench;
use super::*;
use certs::dev::Usage;
use crypto::key::{Curve, KeyKind};

const OPEN: &str = "open --key @b.key --certificate @b.pem --output @out @sealed";

fn sealed_to(kind: KeyKind, document: &[u8]) -> Bench {
    let bench = Bench::new();
    bench.issue("b", Usage::Encryption, kind);
    bench.write("letter.pdf", document);
    let seen = bench.vuzol("seal --recipient @b.pem --output @sealed @letter.pdf");
    assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""));
    bench
}

#[test]
fn only_the_recipient_reads_what_was_sealed() {
    // Empty, within a chunk, exactly one chunk, several.
    for size in [0, 1000, crypto::seal::CHUNK_BYTES, 3 * crypto::seal::CHUNK_BYTES + 17] {
        let document: Vec<u8> = (0..=250).cycle().take(size).collect();
        let bench = sealed_to(KeyKind::Ec(Curve::P256), &document);
        if size > 100 {
            let sealed = bench.read("sealed");
            assert!(!sealed.windows(64).any(|window| window == &document[..64]), "{size}");
        }
        assert_eq!(bench.vuzol(OPEN).code, exit::OK, "{size}");
        assert!(bench.read("out") == document, "{size}");

        bench.issue("c", Usage::Encryption, KeyKind::Ec(Curve::P256));
        let seen = bench.vuzol("open --key @c.key --certificate @c.pem --output @stolen @sealed");
        assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
        assert!(!bench.exists("stolen"));
    }
}

#[test]
fn an_rsa_recipient_reads_it_too() {
    let bench = sealed_to(KeyKind::Rsa { bits: 2048 }, b"letter");
    assert_eq!(bench.vuzol(OPEN).code, exit::OK);
    assert_eq!(bench.read("out"), b"letter");
}

#[test]
fn a_changed_or_cut_file_opens_to_nothing() {
    let bench = sealed_to(KeyKind::Ec(Curve::P256), &vec![9; 2 * crypto::seal::CHUNK_BYTES + 5]);
    let sealed = bench.read("sealed");
    let refused = |changed: &[u8], what: &str| {
        bench.write("sealed", changed);
        let seen = bench.vuzol(OPEN);
        assert!(matches!(seen.code, exit::REFUSED | exit::UNREADABLE), "{what}: {} {}", seen.code, seen.err);
        assert_eq!(seen.err.lines().count(), 1, "{what}: {}", seen.err);
        assert!(!bench.exists("out") && bench.leftovers().is_empty(), "{what}");
    };
    let header = 12 + usize::try_from(u32::from_be_bytes(sealed[8..12].try_into().unwrap())).unwrap();
    let in_stream = (header..sealed.len()).step_by(9973);
    for position in (0..header).step_by(13).chain(in_stream).chain([sealed.len() - 1]) {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        refused(&changed, &format!("byte {position} changed"));
    }
    for length in [0, 7, 11, header - 1, header, header + 40, sealed.len() / 2, sealed.len() - 1] {
        refused(&sealed[..length], &format!("cut to {length}"));
    }
    refused(&[&sealed[..], b"x"].concat(), "a byte appended");
}

#[test]
fn an_existing_file_stays_unless_forced() {
    let bench = sealed_to(KeyKind::Ec(Curve::P256), b"letter");
    bench.write("out", b"precious");
    assert_eq!(bench.vuzol(OPEN).code, exit::UNWRITABLE);
    assert_eq!(bench.read("out"), b"precious");
    assert_eq!(bench.vuzol(&format!("{OPEN} --force")).code, exit::OK);
    assert_eq!(bench.read("out"), b"letter");
    assert_eq!(bench.vuzol("seal --recipient @b.pem --output @sealed @letter.pdf").code, exit::UNWRITABLE);
}

#[test]
fn what_cannot_receive_is_no_recipient() {
    let bench = Bench::new();
    bench.write("letter.pdf", b"letter");
    assert_eq!(bench.vuzol("seal --recipient @letter.pdf --output @sealed @letter.pdf").code, exit::UNREADABLE);
    assert!(!bench.exists("sealed"));
}

#[test]
fn a_cms_envelope_is_opened_by_each_of_its_recipients() {
    for size in [0, 1000, 200_000] {
        let document: Vec<u8> = (0..=250).cycle().take(size).collect();
        let bench = Bench::new();
        bench.write("letter.pdf", &document);
        bench.issue("b", Usage::Encryption, KeyKind::Ec(Curve::P384));
        bench.issue("c", Usage::Encryption, KeyKind::Rsa { bits: 2048 });
        bench.issue("d", Usage::Encryption, KeyKind::Ec(Curve::P256));
        let several = "seal --recipient @b.pem --recipient @c.pem --output @sealed @letter.pdf";
        assert_eq!(bench.vuzol(several).code, exit::UNREADABLE, "a sealed file has one recipient");
        assert!(!bench.exists("sealed"));
        let seen = bench.vuzol(&several.replace("seal ", "seal --cms "));
        assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""));
        for name in ["b", "c"] {
            let seen =
                bench.vuzol(&format!("open --key @{name}.key --certificate @{name}.pem --output @{name}.out @sealed"));
            assert_eq!((seen.code, seen.err.as_str()), (exit::OK, ""));
            assert!(bench.read(&format!("{name}.out")) == document, "{size}");
        }
        let seen = bench.vuzol("open --key @d.key --certificate @d.pem --output @d.out @sealed");
        assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
        assert!(!bench.exists("d.out"));
    }
}

#[test]
fn a_changed_or_cut_cms_envelope_opens_to_nothing() {
    let bench = Bench::new();
    bench.issue("b", Usage::Encryption, KeyKind::Ec(Curve::P256));
    bench.write("letter.pdf", &vec![9; 150_000]);
    assert_eq!(bench.vuzol("seal --cms --recipient @b.pem --output @sealed @letter.pdf").code, exit::OK);
    let sealed = bench.read("sealed");
    let mut changed = sealed.clone();
    changed[100_000] ^= 1;
    for spoilt in [&changed[..], &sealed[..sealed.len() - 1], &sealed[..100_000], &sealed[..100], &sealed[..1]] {
        bench.write("sealed", spoilt);
        let seen = bench.vuzol(OPEN);
        assert!(matches!(seen.code, exit::REFUSED | exit::UNREADABLE), "{} {}", seen.code, seen.err);
        assert!(!bench.exists("out") && bench.leftovers().is_empty());
    }
}

#[test]
fn what_is_not_protected_from_change_opens_only_where_that_is_asked_for() {
    let bench = Bench::new();
    bench.issue("b", Usage::Encryption, KeyKind::Dstu4145(crypto::dstu4145::Curve::M257));
    bench.write("letter.pdf", b"letter");
    let seen = bench.vuzol("seal --cms --recipient @b.pem --output @sealed @letter.pdf");
    assert_eq!(seen.code, exit::OK);
    assert!(seen.err.contains("does not protect"), "{}", seen.err);
    let seen = bench.vuzol(OPEN);
    assert_eq!(seen.code, exit::REFUSED, "{}", seen.err);
    assert!(!bench.exists("out") && bench.leftovers().is_empty());
    assert_eq!(bench.vuzol(&OPEN.replace("open ", "open --unauthenticated ")).code, exit::OK);
    assert_eq!(bench.read("out"), b"letter");
}

#[cfg(unix)]
#[test]
fn an_opened_document_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bench = sealed_to(KeyKind::Ec(Curve::P256), b"letter");
    assert_eq!(bench.vuzol(OPEN).code, exit::OK);
    assert_eq!(bench.path("out").metadata().unwrap().permissions().mode() & 0o077, 0);
}
