//! What is tested, a line for each.

use crypto::dstu4145::{ByteOrder, Cofactor, Curve, PrivateKey};
use crypto::gost28147::{self, Dke};
use crypto::kalyna::{self, BlockSize, Kalyna};
use crypto::kupyna::{Kmac, Width};

use super::{Class, Target};
use crate::chance::Chance;

/// Every target, the sown leaks first.
#[must_use]
pub fn all() -> Vec<Target> {
    vec![
        Target::new("sown: comparison that ends early", compared, |(left, right)| left == right).that_leaks(),
        Target::new("sown: work for each set bit", weighted, square_and_multiply).that_leaks(),
        Target::new("GOST 28147 wrap, key-encryption key", gost_kek, |(kek, key)| {
            gost28147::wrap_key(kek, &Dke::NUMBER_1, &IV_8, key)
        }),
        Target::new("GOST 28147 wrap, content key", gost_key, |(kek, key)| {
            gost28147::wrap_key(kek, &Dke::NUMBER_1, &IV_8, key)
        }),
        Target::new("GOST 28147 unwrap", gost_wrapped, |(kek, wrapped)| {
            gost28147::unwrap_key(kek, &Dke::NUMBER_1, wrapped)
        }),
        Target::new("Kalyna wrap (CMS), key-encryption key", gost_kek, |(kek, key)| {
            kalyna::wrap_cms_key(kek, &IV_32, key)
        }),
        Target::new("Kalyna wrap (CMS), content key", gost_key, |(kek, key)| kalyna::wrap_cms_key(kek, &IV_32, key)),
        Target::new("Kalyna unwrap (CMS)", kalyna_wrapped, |(kek, wrapped)| kalyna::unwrap_cms_key(kek, wrapped)),
        Target::new("DSTU 4145 sign, m = 257", |class, chance| signer(Curve::M257, class, chance), sign),
        Target::new("DSTU 4145 sign, m = 431", |class, chance| signer(Curve::M431, class, chance), sign),
        Target::new(
            "DSTU 4145 sign, m = 163 (the portable engine)",
            |class, chance| signer(Curve::M163, class, chance),
            sign,
        ),
        Target::new("DSTU 4145 agree, m = 257", |class, chance| signer(Curve::M257, class, chance), agree),
        Target::new("DSTU 4145 agree, m = 431", |class, chance| signer(Curve::M431, class, chance), agree),
        Target::new("Kupyna KMAC, comparison of codes", kmac_code, |(kmac, code)| {
            kmac.take().map(|kmac| kmac.verify(code))
        }),
        Target::new("Kalyna CMAC, comparison of codes", cmac_code, |(cmac, code)| {
            cmac.take().map(|cmac| cmac.verify(code))
        }),
    ]
}

/// A secret, and a guess of it that is right in the fixed class.
fn compared(class: Class, chance: &mut Chance) -> (Vec<u8>, Vec<u8>) {
    (Class::Fixed.secret(chance, 4096), class.secret(chance, 4096))
}

/// An exponent with one bit set, or many.
fn weighted(class: Class, chance: &mut Chance) -> u64 {
    let own = chance.next();
    if class == Class::Fixed { 1 } else { own }
}

/// 3^exponent mod 2^64, as nobody should compute it with a secret.
fn square_and_multiply(exponent: &mut u64) -> u64 {
    let mut power = 1_u64;
    for bit in (0..64).rev() {
        power = std::hint::black_box(power.wrapping_mul(power));
        if *exponent >> bit & 1 == 1 {
            for _ in 0..4 {
                power = std::hint::black_box(power.wrapping_mul(3));
            }
        }
    }
    power
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

/// A key-encryption key by class, and a key that does not matter.
fn gost_kek(class: Class, chance: &mut Chance) -> ([u8; 32], [u8; 32]) {
    (array(&class.secret(chance, 32)), array(&chance.bytes(32)))
}

/// A key-encryption key that does not matter, and a key by class.
fn gost_key(class: Class, chance: &mut Chance) -> ([u8; 32], [u8; 32]) {
    (array(&chance.bytes(32)), array(&class.secret(chance, 32)))
}

fn gost_wrapped(class: Class, chance: &mut Chance) -> ([u8; 32], Vec<u8>) {
    let (kek, key) = gost_kek(class, chance);
    (kek, gost28147::wrap_key(&kek, &Dke::NUMBER_1, &IV_8, &key).to_vec())
}

fn kalyna_wrapped(class: Class, chance: &mut Chance) -> ([u8; 32], Vec<u8>) {
    let (kek, key) = gost_kek(class, chance);
    (kek, kalyna::wrap_cms_key(&kek, &IV_32, &key).to_vec())
}

/// A private key by class, and a hash that does not matter.
fn signer(curve: Curve, class: Class, chance: &mut Chance) -> (PrivateKey, [u8; 32]) {
    // The top byte of a number below n may be no more than 1 on some curves.
    let mut number = class.secret(chance, curve.scalar_len());
    number.iter_mut().last().into_iter().for_each(|top| *top = 0);
    let key = PrivateKey::from_bytes(curve, ByteOrder::Little, &number).expect("a number below the order");
    (key, array(&chance.bytes(32)))
}

fn sign((key, hash): &mut (PrivateKey, [u8; 32])) -> usize {
    key.sign(ByteOrder::Little, hash).map_or(0, |signature| signature.len())
}

/// With its own public key: any point of the curve will do.
fn agree((key, _): &mut (PrivateKey, [u8; 32])) -> usize {
    key.agree(key.public_key(), Cofactor::Multiply).map_or(0, |secret| secret.len())
}

/// A code that is wrong in its last byte, or in all of them.
fn spoilt<const N: usize>(class: Class, chance: &mut Chance, code: &[u8]) -> [u8; N] {
    let mut last = array::<N>(code);
    last[N - 1] ^= 1;
    let all = array::<N>(&chance.bytes(N));
    // Byte by byte, so that both classes touch the same memory.
    std::array::from_fn(|index| if class == Class::Fixed { last[index] } else { all[index] })
}

fn kmac_code(class: Class, chance: &mut Chance) -> (Option<Kmac>, [u8; 64]) {
    let kmac = || Kmac::new(Width::BITS_512, &[7; 64]).expect("a key of the right length");
    (Some(kmac()), spoilt(class, chance, &kmac().finish()))
}

fn cmac_code(class: Class, chance: &mut Chance) -> (Option<kalyna::Cmac>, [u8; 32]) {
    let cmac = || {
        let cipher = Kalyna::new(BlockSize::Bits256, &[7; 32]).expect("a key of the right length");
        let mut cmac = cipher.cmac(32).expect("a length up to a block");
        cmac.update(b"a message");
        cmac
    };
    (Some(cmac()), spoilt(class, chance, &cmac().finish().expect("a message")))
}

const IV_8: [u8; 8] = [5; 8];
const IV_32: [u8; 32] = [5; 32];
