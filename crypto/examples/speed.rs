//! Speed of the national hashes and ciphers on one core, in MiB/s: `cargo run --release -p crypto --example speed`.
//!
//! Each figure is the best of many short runs, so that a busy machine spoils few of them.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for the eyes of its caller")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use crypto::gost28147::{Dke, Gost28147};
use crypto::gost34311::gost34311;
use crypto::kalyna::{BlockSize, CcmLengthField, Kalyna};
use crypto::kupyna::{Width, kupyna};
use crypto::strumok::Strumok;

fn main() {
    let mut data = vec![0xa5; RUN_BYTES];
    measure("gost34311", || {
        black_box(gost34311(black_box(&data)));
    });
    for (name, width) in [("kupyna-256", Width::BITS_256), ("kupyna-512", Width::BITS_512)] {
        measure(name, || {
            black_box(kupyna(width, black_box(&data)));
        });
    }
    let gost = Gost28147::new(&[7; 32], Dke::NUMBER_1).expect("32 bytes");
    let mut cfb = gost.cfb(&[1; 8]).expect("8 bytes");
    measure("gost28147-cfb encrypt", || cfb.encrypt(black_box(&mut data)));
    measure("gost28147-cfb decrypt", || cfb.decrypt(black_box(&mut data)));
    let mut ctr = gost.ctr(&[1; 8]).expect("8 bytes");
    measure("gost28147-ctr", || ctr.apply(black_box(&mut data)));
    let mut mac = gost.mac();
    measure("gost28147-mac", || mac.update(black_box(&data)));
    for (name, block) in [
        ("kalyna-128-ctr", BlockSize::Bits128),
        ("kalyna-256-ctr", BlockSize::Bits256),
        ("kalyna-512-ctr", BlockSize::Bits512),
    ] {
        let iv = vec![1; block.bytes()];
        let cipher = Kalyna::new(block, &vec![7; block.bytes()]).expect("as long as a block");
        let mut ctr = cipher.ctr(&iv).expect("as long as a block");
        measure(name, || ctr.apply(black_box(&mut data)));
    }
    let cipher = Kalyna::new(BlockSize::Bits256, &[7; 32]).expect("32 bytes");
    let mut cfb = cipher.cfb(&[1; 32]).expect("32 bytes");
    measure("kalyna-256-cfb encrypt", || cfb.encrypt(black_box(&mut data)).expect("whole blocks"));
    measure("kalyna-256-cfb decrypt", || cfb.decrypt(black_box(&mut data)).expect("whole blocks"));
    let iv = [1; 32];
    measure("kalyna-256-gcm", || {
        black_box(cipher.seal_gcm(&iv, b"", black_box(&mut data), 16).expect("a block and a tag"));
    });
    measure("kalyna-256-ccm", || {
        let sealed = cipher.seal_ccm(CcmLengthField::Four, &iv, b"", black_box(&data), 16);
        black_box(sealed.expect("a block and a tag"));
    });
    measure("kalyna-256-xts", || cipher.encrypt_xts(&iv, black_box(&mut data)).expect("a block"));
    for (name, key) in [("strumok-256", &[7; 64][..32]), ("strumok-512", &[7; 64])] {
        let mut strumok = Strumok::new(key, &iv).expect("32 or 64 bytes");
        measure(name, || strumok.apply(black_box(&mut data)));
    }
}

/// Prints the best of the runs that fit into half a second, three at least.
fn measure(name: &str, mut work: impl FnMut()) {
    let (mut best, mut spent, mut runs) = (Duration::MAX, Duration::ZERO, 0);
    while runs < 3 || spent < Duration::from_millis(500) {
        let start = Instant::now();
        work();
        let run = start.elapsed();
        best = best.min(run);
        spent += run;
        runs += 1;
    }
    println!("{name:28} {:8.1} MiB/s", 1.0 / (RUNS_IN_A_MEBIBYTE * best.as_secs_f64()));
}

const RUN_BYTES: usize = 1 << 16;
const RUNS_IN_A_MEBIBYTE: f64 = 16.0;
