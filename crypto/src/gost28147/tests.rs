//! Known answers, pieces against the whole, the table-free cipher against the tables, and `magma` as the oracle.

use magma::cipher::consts::U8;
use magma::cipher::{Array, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use proptest::prelude::*;

use super::*;
use crate::digest::{from_hex, hex};

fn bytes(text: &str) -> Vec<u8> {
    from_hex(text).unwrap()
}

/// The DKE of cryptonite's `utest_gost28147.c`.
fn other_dke() -> Dke {
    Dke::from_packed(&bytes(crate::gost34311::tests::OTHER_DKE)).unwrap()
}

const COUNT: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const EIGHT_WORDS: &str = "0100000002000000030000000400000005000000060000000700000008000000";

/// cryptonite `utest_gost28147.c`, gost89 `test-crypt.js`.
#[test]
fn published_ecb_comes_out() {
    let cases = [
        (
            other_dke(),
            "348724a4c1a67667153dde5933884250e3248c657d413b8c1c9ca09a56d968cf",
            "34c01533e37d1c56e9431604f57e37a18f90eb0333a33362",
            "863e78dd2d60d13ce38f0f691f68f7feb99bb76c3073142d",
        ),
        (Dke::NUMBER_1, COUNT, "0001020304050607f1f2f3f4f5f6f7f8", "e393a17df2b6de6f2086d8230c277432"),
    ];
    for (dke, key, plaintext, ciphertext) in cases {
        let cipher = Gost28147::new(&bytes(key), dke).unwrap();
        let mut data = bytes(plaintext);
        cipher.encrypt_ecb(&mut data).unwrap();
        assert_eq!(hex(&data), ciphertext);
        cipher.decrypt_ecb(&mut data).unwrap();
        assert_eq!(hex(&data), plaintext);
    }
}

/// cryptonite `utest_gost28147.c`.
#[test]
fn published_gamma_comes_out() {
    let cipher = Gost28147::new(&bytes(EIGHT_WORDS), other_dke()).unwrap();
    let mut data: Vec<u8> = (1..=64).collect();
    cipher.ctr(&bytes("0300000003000000")).unwrap().apply(&mut data);
    let expected = "da21005efbea34aa48d17ebf1c4f52a18eca42d3ff4b46f40bd18016490ddff6e446981c559778e4273350c755e2113dd8c2533450b2d481d004af84b8daa2cc";
    assert_eq!(hex(&data), expected);
}

/// cryptonite `utest_gost28147.c`, gost89 `test-crypt.js`.
#[test]
fn published_gamma_with_feedback_comes_out() {
    let cases = [
        (
            other_dke(),
            EIGHT_WORDS,
            "0300000003000000",
            "0102030405060708090a0b0c0d0e0f101112131415161718",
            "d1ce841aa50de523b0ab76646f0d1ee8ae02aa0c4e8eafb3",
        ),
        (
            Dke::NUMBER_1,
            COUNT,
            "f1f2f3f4f5f6f7f8",
            "0001020304050607f1f2f3f4f5f6f7f8",
            "2087da2008227235a919d76142e8ce65",
        ),
    ];
    for (dke, key, iv, plaintext, ciphertext) in cases {
        let cipher = Gost28147::new(&bytes(key), dke).unwrap();
        let mut data = bytes(plaintext);
        cipher.cfb(&bytes(iv)).unwrap().encrypt(&mut data);
        assert_eq!(hex(&data), ciphertext);
        cipher.cfb(&bytes(iv)).unwrap().decrypt(&mut data);
        assert_eq!(hex(&data), plaintext);
    }
}

/// cryptonite `utest_gost28147.c`.
#[test]
fn the_published_code_comes_out() {
    let mut mac = Gost28147::new(&bytes(EIGHT_WORDS), other_dke()).unwrap().mac();
    mac.update(&bytes("d1ce841aa50de523b0ab76646f0d1ee8ae02aa0c4e8eafb3"));
    assert_eq!(hex(&mac.finish()), "7e4a9667");
}

/// UAPKI `keywrap.c`; gost89 `test-util.js`.
#[test]
fn published_wraps_come_out_and_open() {
    let wraps = [
        (
            "01000000010000000100000001000000ffffffffffffffffffffffffffffffff",
            "f477da7aa6424a88",
            "01020304010203040102030401020304f1f2f3f4f5f6f7f8f1f2f3f4f5f6f7f8",
            "52a513f1b4172ca6b5f1b8a03ca9a4e0acb6e00e11e5e9bcdd446222eb97238dc3e4e24d2ec03e05a568ec51",
        ),
        (
            "9c6e6852023b46f499f25b9b0eb7027387fdd5650f5d638ee5f99eb8dc781fde",
            "09100509181c0515",
            "11080811020a0d0913040f020111190b04060c101d1c0a0911060e160b121419",
            "e90fe95628e715f4d6f3d1151ded367250f7006648ffffde574a4ea38250c1c5a0fdff11f36d9186d3b27c60",
        ),
    ];
    for (kek, iv, key, wrapped) in wraps {
        let (kek, iv) = (bytes(kek).try_into().unwrap(), bytes(iv).try_into().unwrap());
        let value = wrap_key(&kek, &Dke::NUMBER_1, &iv, &bytes(key).try_into().unwrap());
        assert_eq!(hex(&value), wrapped);
        assert_eq!(hex(&*unwrap_key(&kek, &Dke::NUMBER_1, &value).unwrap()), key);
    }
    let kek = bytes("1de57ae661b7e142727170dd5066d04bd63231d5a207778075d17a831e853902").try_into().unwrap();
    let wrapped = bytes("359a37cf972520b590ef109b7c454c991d95da782e30ac9fe917fbb52e9402a4d236fd030f49627ec63c2684");
    let key = unwrap_key(&kek, &Dke::NUMBER_1, &wrapped).unwrap();
    assert_eq!(hex(&*key), "11080811020a0d0913040f020111190b04060c101d1c0a0911060e160b121419");
}

#[test]
fn a_changed_or_cut_wrap_is_refused() {
    let kek = [7; 32];
    let wrapped = wrap_key(&kek, &Dke::NUMBER_1, &[1; 8], &[2; 32]);
    for index in 0..WRAPPED_BYTES {
        let mut changed = wrapped;
        changed[index] ^= 0x10;
        assert_eq!(unwrap_key(&kek, &Dke::NUMBER_1, &changed).unwrap_err(), CipherError::Forged, "{index}");
    }
    let another = unwrap_key(&[8; 32], &Dke::NUMBER_1, &wrapped);
    assert_eq!(another.unwrap_err(), CipherError::Forged);
    assert_eq!(unwrap_key(&kek, &other_dke(), &wrapped).unwrap_err(), CipherError::Forged);
    for length in [0, 43, 45] {
        let error = unwrap_key(&kek, &Dke::NUMBER_1, &vec![0; length]).unwrap_err();
        assert_eq!(error, CipherError::DataLength { length });
    }
}

/// BouncyCastle 1.82, `GCFBBlockCipher` over `GOST28147Engine`.
#[test]
fn the_key_changes_where_the_oracle_changes_it() {
    let cipher = Gost28147::new(&bytes(COUNT), Dke::NUMBER_1).unwrap();
    let plain: Vec<u8> = (0..2500_u32).map(|index| (7 * index).to_le_bytes()[0]).collect();
    for piece in [1, 7, 1000, 1024, 2500] {
        let mut data = plain.clone();
        let mut cfb = cipher.cfb_with_meshing(&bytes("f1f2f3f4f5f6f7f8"), KeyMeshing::CryptoPro).unwrap();
        data.chunks_mut(piece).for_each(|piece| cfb.encrypt(piece));
        for (offset, expected) in [
            (0, "2081d63610045e0328e1968281c63949"),
            (1016, "6216238f2c211ed5ac6e3c971963ef42f3a8828be9ac0d9949a4fd85d7bd9a0b"),
            (2040, "34f7ca408408266882b46241f8f336f43bbc22edbc7bb75c0941c35e140d0e82"),
            (2480, "28e7fd9fd8bcb108c19afc87c1e92174a313d448"),
        ] {
            assert_eq!(hex(&data[offset..offset + expected.len() / 2]), expected, "{piece}");
        }
        let mut cfb = cipher.cfb_with_meshing(&bytes("f1f2f3f4f5f6f7f8"), KeyMeshing::CryptoPro).unwrap();
        data.chunks_mut(piece).for_each(|piece| cfb.decrypt(piece));
        assert_eq!(data, plain);
    }
}

#[test]
fn wrong_lengths_are_refused() {
    for length in [0, 16, 31, 33] {
        let error = Gost28147::new(&vec![0; length], Dke::NUMBER_1).unwrap_err();
        assert_eq!(error, CipherError::KeyLength { length });
    }
    let cipher = Gost28147::new(&[1; 32], Dke::NUMBER_1).unwrap();
    assert_eq!(cipher.cfb(&[0; 7]).err(), Some(CipherError::IvLength { length: 7 }));
    assert_eq!(cipher.ctr(&[0; 16]).err(), Some(CipherError::IvLength { length: 16 }));
    assert_eq!(cipher.encrypt_ecb(&mut [0; 9]), Err(CipherError::DataLength { length: 9 }));
    assert_eq!(cipher.decrypt_ecb(&mut [0; 15]), Err(CipherError::DataLength { length: 15 }));
}

#[test]
fn every_split_gives_what_the_whole_gives() {
    let cipher = Gost28147::new(&bytes(COUNT), Dke::NUMBER_1).unwrap();
    let plain: Vec<u8> = (0..90).collect();
    let mut encrypted = plain.clone();
    cipher.cfb(&[9; 8]).unwrap().encrypt(&mut encrypted);
    let mut gamma = plain.clone();
    cipher.ctr(&[9; 8]).unwrap().apply(&mut gamma);
    let mut whole = cipher.mac();
    whole.update(&plain);
    let code = whole.finish();
    for first in 0..=plain.len() {
        for second in [first, (first + 1).min(90), (first + 13).min(90), 90] {
            let pieces = |data: &mut [u8], work: &mut dyn FnMut(&mut [u8])| {
                let (head, tail) = data.split_at_mut(first);
                let (middle, tail) = tail.split_at_mut(second - first);
                [head, middle, tail].into_iter().for_each(work);
            };
            let mut data = plain.clone();
            let mut cfb = cipher.cfb(&[9; 8]).unwrap();
            pieces(&mut data, &mut |piece| cfb.encrypt(piece));
            assert_eq!(data, encrypted, "{first} {second}");
            let mut cfb = cipher.cfb(&[9; 8]).unwrap();
            pieces(&mut data, &mut |piece| cfb.decrypt(piece));
            assert_eq!(data, plain, "{first} {second}");
            let mut ctr = cipher.ctr(&[9; 8]).unwrap();
            pieces(&mut data, &mut |piece| ctr.apply(piece));
            assert_eq!(data, gamma, "{first} {second}");
            let mut mac = cipher.mac();
            pieces(&mut plain.clone(), &mut |piece| mac.update(piece));
            assert_eq!(mac.finish(), code, "{first} {second}");
        }
    }
}

/// DKE No 1, row 1 first, for the oracle.
#[derive(Clone, Copy)]
enum Number1 {}

impl magma::Sbox for Number1 {
    const NAME: &'static str = "DKE No 1";
    const SBOX: [[u8; 16]; 8] = [
        [0xa, 0x9, 0xd, 0x6, 0xe, 0xb, 0x4, 0x5, 0xf, 0x1, 0x3, 0xc, 0x7, 0x0, 0x8, 0x2],
        [0x8, 0x0, 0xc, 0x4, 0x9, 0x6, 0x7, 0xb, 0x2, 0x3, 0x1, 0xf, 0x5, 0xe, 0xa, 0xd],
        [0xf, 0x6, 0x5, 0x8, 0xe, 0xb, 0xa, 0x4, 0xc, 0x0, 0x3, 0x7, 0x2, 0x9, 0x1, 0xd],
        [0x3, 0x8, 0xd, 0x9, 0x6, 0xb, 0xf, 0x0, 0x2, 0x5, 0xc, 0xa, 0x4, 0xe, 0x1, 0x7],
        [0xf, 0x8, 0xe, 0x9, 0x7, 0x2, 0x0, 0xd, 0xc, 0x6, 0x1, 0x5, 0xb, 0x4, 0x3, 0xa],
        [0x2, 0x8, 0x9, 0x7, 0x5, 0xf, 0x0, 0xb, 0xc, 0x1, 0xd, 0xe, 0xa, 0x3, 0x6, 0x4],
        [0x3, 0x8, 0xb, 0x5, 0x6, 0x4, 0xe, 0xa, 0x2, 0xc, 0x1, 0x7, 0x9, 0xf, 0xd, 0x0],
        [0x1, 0x2, 0x3, 0xe, 0x6, 0xd, 0xb, 0x8, 0xf, 0xa, 0xc, 0x5, 0x7, 0x9, 0x0, 0x4],
    ];
}

proptest! {
    /// `magma` reads key and block as big-endian words and the block with its high half first.
    #[test]
    fn the_oracle_agrees(key: [u8; 32], block: [u8; 8]) {
        let mut turned_key = key;
        turned_key.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        let oracle = magma::Gost89::<Number1>::new(&turned_key.into());
        let mut turned: Array<u8, U8> = block.into();
        turned.reverse();
        oracle.encrypt_block(&mut turned);
        turned.reverse();
        let cipher = Gost28147::new(&key, Dke::NUMBER_1).unwrap();
        let mut data = block;
        cipher.encrypt_ecb(&mut data).unwrap();
        prop_assert_eq!(data.as_slice(), turned.as_slice());
        turned.reverse();
        oracle.decrypt_block(&mut turned);
        turned.reverse();
        cipher.decrypt_ecb(&mut data).unwrap();
        prop_assert_eq!(data.as_slice(), turned.as_slice());
    }

}

proptest! {
    // One engine is slow by nature.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_engine_gives_the_same(key: [u8; 32], iv: [u8; 8], data: [u8; 600], cut in 0_usize..600) {
        for dke in [Dke::NUMBER_1, other_dke()] {
            let with = |engine| Gost28147 { key: key_words(&key), engine };
            let tables = with(Engine::Tables(dke.clone()));
            for other in [with(Engine::polynomials(&dke)), with(Engine::constant_time(&dke)), with(Engine::new(dke))] {
                let both = |work: &dyn Fn(&Gost28147, &mut [u8])| {
                    let (mut left, mut right) = (data, data);
                    work(&tables, &mut left[cut..]);
                    work(&other, &mut right[cut..]);
                    (left, right)
                };
                for (left, right) in [
                    both(&|cipher, data| cipher.cfb(&iv).unwrap().encrypt(data)),
                    both(&|cipher, data| cipher.cfb(&iv).unwrap().decrypt(data)),
                    both(&|cipher, data| cipher.ctr(&iv).unwrap().apply(data)),
                    both(&|cipher, data| cipher.encrypt_ecb(&mut data[..cut.min(600 - cut) / 8 * 8]).unwrap()),
                    both(&|cipher, data| cipher.decrypt_ecb(&mut data[..cut.min(600 - cut) / 8 * 8]).unwrap()),
                ] {
                    prop_assert_eq!(left, right);
                }
                let code = |cipher: &Gost28147| {
                    let mut mac = cipher.mac();
                    mac.update(&data[cut..]);
                    mac.finish()
                };
                prop_assert_eq!(code(&tables), code(&other));
            }
        }
    }
}
