//! Rows of hashes and ciphers, over one buffer that fits into the second cache.

use std::hint::black_box;

use crypto::gost28147::{Dke, Gost28147};
use crypto::gost34311::gost34311 as hash_gost34311;
use crypto::kalyna::{BlockSize, Kalyna};
use crypto::kupyna::{Width, kupyna};
use dstu_core::hazmat::kalyna_ctr::Kalyna256_256Ctr;
use gost94::Digest as _;
use magma::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use structured_dstu4145::{gost, hash};

use crate::bench::measure::{Contender, Contest, Unit};
use crate::chance::Chance;
use crate::peers::{self, Number1};

const BUFFER: usize = 64 << 10;
const KEY: [u8; 32] = *b"0123456789abcdef0123456789ABCDEF";

pub(super) fn gost34311() -> Contest {
    let dke: &'static gost::Dke = Box::leak(Box::new(gost::Dke::new(&gost::DEFAULT_DKE).unwrap()));
    let ours = |data: &[u8]| hash_gost34311(data).to_vec();
    contest(vec![
        hash("vuzol", ours, ours),
        hash("gost94", |data| gost94::Gost94UA::digest(data).to_vec(), ours),
        hash("structured-dstu4145", |data| structured(hash::Hash::Gost34311(dke), data), ours),
    ])
}

pub(super) fn kupyna_256() -> Contest {
    let ours = |data: &[u8]| kupyna(Width::BITS_256, data);
    contest(vec![
        hash("vuzol", ours, ours),
        hash("kupyna", |data| ::kupyna::Kupyna256::digest(data).to_vec(), ours),
        hash("dstu-core", |data| dstu_core::hazmat::kupyna::Kupyna256::digest(data).to_vec(), ours),
    ])
}

pub(super) fn gost28147_cfb() -> Contest {
    let iv = [7; 8];
    let cipher = Gost28147::new(&KEY, Dke::NUMBER_1).unwrap();
    let ours = move |data: &mut [u8]| cipher.cfb(&iv).unwrap().encrypt(data);
    let cipher = magma::Gost89::<Number1>::new(&peers::words_turned(&KEY).into());
    let peer = move |data: &mut [u8]| {
        // The register as the two halves that `magma` takes, the high one first.
        let mut register: magma::cipher::Array<u8, _> = iv.into();
        for block in data.chunks_exact_mut(8) {
            register.reverse();
            cipher.encrypt_block(&mut register);
            register.reverse();
            for (byte, mask) in block.iter_mut().zip(register.iter_mut()) {
                *byte ^= *mask;
                *mask = *byte;
            }
        }
    };
    ciphers(vec![("vuzol", Box::new(ours)), ("magma", Box::new(peer))])
}

pub(super) fn kalyna_256_ctr() -> Contest {
    let iv = [9; 32];
    let cipher = Kalyna::new(BlockSize::Bits256, &KEY).unwrap();
    let ours = move |data: &mut [u8]| cipher.ctr(&iv).unwrap().apply(data);
    let peer = move |data: &mut [u8]| Kalyna256_256Ctr::new(&KEY, &iv).apply_in_place(data);
    ciphers(vec![("vuzol", Box::new(ours)), ("dstu-core", Box::new(peer))])
}

fn structured(identity: hash::Hash<'_>, data: &[u8]) -> Vec<u8> {
    let mut state = hash::State::new(identity).unwrap();
    state.update(data).unwrap();
    state.finalize().as_ref().to_vec()
}

/// A contender that hashes the buffer; first it must agree with `ours` on messages of many lengths.
fn hash(by: &'static str, hash: impl Fn(&[u8]) -> Vec<u8> + 'static, ours: impl Fn(&[u8]) -> Vec<u8>) -> Contender {
    let data = Chance::new(1).bytes(BUFFER);
    for length in [1, 31, 32, 33, 63, 64, 65, 127, 128, 1000, BUFFER] {
        assert_eq!(hash(&data[..length]), ours(&data[..length]), "{by} hashes {length} bytes to something else");
    }
    Contender::bytes(by, BUFFER, move |_| {
        black_box(hash(black_box(&data)));
    })
}

type Cipher = Box<dyn Fn(&mut [u8])>;

/// Contenders that encrypt the buffer in place; first all must make the same of it.
fn ciphers(ciphers: Vec<(&'static str, Cipher)>) -> Contest {
    let data = Chance::new(2).bytes(BUFFER);
    let encrypted = |cipher: &Cipher| {
        let mut data = data.clone();
        cipher(&mut data);
        data
    };
    let expected = ciphers.first().map(|(_, ours)| encrypted(ours));
    let mut contenders = Vec::new();
    for (by, cipher) in ciphers {
        let mut data = encrypted(&cipher);
        assert!(expected.as_ref() == Some(&data), "{by} encrypts to something else");
        contenders.push(Contender::bytes(by, BUFFER, move |_| {
            cipher(black_box(&mut data));
        }));
    }
    contest(contenders)
}

fn contest(contenders: Vec<Contender>) -> Contest {
    Contest { unit: Unit::Mebibytes, contenders }
}
