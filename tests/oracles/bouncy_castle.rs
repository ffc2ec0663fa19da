//! BouncyCastle's primitives, where `BOUNCY_CASTLE_JAR` names its library (`bcprov-jdk18on`; a class path may name more) and a Java development kit
//! is at hand; elsewhere the tests say that they are skipped. One process answers all questions of a test: see `BouncyCastle.java`.

use std::fmt::Write as _;

use crypto::digest::{from_hex, hex};
use crypto::dstu4145::{ByteOrder, Curve, PrivateKey, PublicKey};
use crypto::gost28147::{Dke, Gost28147};
use crypto::gost34311::gost34311;
use crypto::kalyna::{BlockSize, Kalyna};
use crypto::kupyna::{Kmac, Width, kupyna};
use tests::chance::Chance;

/// The answers to `questions`, one each; `None` where there is nobody to ask.
fn ask(questions: &[String]) -> Option<Vec<String>> {
    crate::java::ask("BOUNCY_CASTLE_JAR", "BouncyCastle.java", questions)
}

/// Asks all questions and compares each answer with what we say.
fn agree(questions: Vec<(String, String)>) {
    let (questions, ours): (Vec<String>, Vec<String>) = questions.into_iter().unzip();
    let Some(answers) = ask(&questions) else { return };
    for ((question, ours), answer) in questions.iter().zip(ours).zip(answers) {
        assert_eq!(ours, answer, "{question}");
    }
}

fn word(octets: &[u8]) -> String {
    if octets.is_empty() { "-".to_owned() } else { hex(octets) }
}

fn turned(octets: &[u8]) -> Vec<u8> {
    octets.iter().rev().copied().collect()
}

/// The number in `length` bytes, least significant first.
fn number(text: &str, length: usize) -> Vec<u8> {
    let digits = format!("{text:0>width$}", width = 2 * length);
    turned(&from_hex(&digits).expect("a number"))
}

#[test]
fn what_it_signs_we_accept() {
    let mut chance = Chance::new(145);
    let mut cases = Vec::new();
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).expect("a key");
        let private = turned(&key.to_bytes(ByteOrder::Little));
        for _ in 0..4 {
            let hash = chance.bytes(32);
            cases.push((
                curve,
                *key.public_key(),
                format!("sign {} {} {}", curve.oid(), hex(&private), hex(&hash)),
                hash,
            ));
        }
    }
    let questions: Vec<String> = cases.iter().map(|(_, _, question, _)| question.clone()).collect();
    for ((curve, key, _, hash), answer) in cases.iter().zip(ask(&questions).into_iter().flatten()) {
        let (r, s) = answer.split_once(' ').unwrap_or_else(|| panic!("{curve:?}: {answer}"));
        let half = curve.scalar_len();
        let signature = [number(r, half), number(s, half)].concat();
        assert_eq!(key.verify(ByteOrder::Little, hash, &signature), Ok(()), "{curve:?}");
        let mut spoilt = signature;
        let bit = chance.below(8 * spoilt.len());
        spoilt[bit / 8] ^= 1 << (bit % 8);
        assert!(key.verify(ByteOrder::Little, hash, &spoilt).is_err(), "{curve:?}");
    }
}

#[test]
fn what_we_sign_it_accepts_and_spoilt_it_refuses() {
    let mut chance = Chance::new(146);
    let mut questions = Vec::new();
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).expect("a key");
        let compressed = key.public_key().to_bytes(ByteOrder::Big);
        let private = turned(&key.to_bytes(ByteOrder::Little));
        questions.push((format!("public {} {}", curve.oid(), hex(&private)), hex(&compressed)));
        for length in [32, 48, 64] {
            let hash = chance.bytes(length);
            let signature = key.sign(ByteOrder::Little, &hash).expect("a signature");
            let mut spoilt = signature.clone();
            spoilt[chance.below(curve.scalar_len())] ^= 1;
            for (signature, verdict) in [(signature, true), (spoilt, false)] {
                let (r, s) = signature.split_at(curve.scalar_len());
                let mut question = format!("verify {} {} {}", curve.oid(), hex(&compressed), hex(&hash));
                write!(question, " {} {}", hex(&turned(r)), hex(&turned(s))).expect("a String takes all");
                questions.push((question, verdict.to_string()));
            }
        }
    }
    agree(questions);
}

/// Every compressed point means the same to both, or is refused by both.
#[test]
fn keys_are_read_alike() {
    let mut chance = Chance::new(147);
    let mut questions = Vec::new();
    for curve in Curve::ALL {
        for _ in 0..20 {
            let mut compressed = chance.bytes(curve.field_len());
            // No bits beyond the field: BouncyCastle reduces such numbers.
            let spare = 8 * compressed.len() - curve.degree();
            compressed[0] &= 0xff >> spare;
            let read = PublicKey::from_bytes(curve, ByteOrder::Big, &compressed);
            // Under a key that is read, r = s = 1 is a signature of nothing.
            let verdict = if read.is_ok() { "false" } else { "refused" };
            let question = format!("verify {} {} {} 1 1", curve.oid(), hex(&compressed), hex(&[7; 32]));
            questions.push((question, verdict.to_owned()));
        }
    }
    agree(questions);
}

/// The values of DKE No 1, one a byte, the row of the lowest bits first.
fn table() -> String {
    let packed = Dke::NUMBER_1;
    hex(&packed.packed().iter().flat_map(|pair| [pair >> 4, pair & 15]).collect::<Vec<_>>())
}

#[test]
fn hashes_and_codes_are_the_same() {
    let mut chance = Chance::new(148);
    let mut questions = Vec::new();
    for length in [0, 1, 31, 32, 33, 64, 127, 128, 129, 500] {
        let message = chance.bytes(length);
        for (bits, width) in [(256, Width::BITS_256), (384, Width::BITS_384), (512, Width::BITS_512)] {
            questions.push((format!("kupyna {bits} {}", word(&message)), hex(&kupyna(width, &message))));
            let key = chance.bytes(bits / 8);
            let mut code = Kmac::new(width, &key).expect("a key");
            code.update(&message);
            questions.push((format!("kmac {bits} {} {}", hex(&key), word(&message)), hex(&code.finish())));
        }
        // Of nothing it hashes nothing, where the Ukrainian implementations hash a block of zeros.
        if length > 0 {
            questions.push((format!("gost34311 {} {}", table(), word(&message)), hex(&gost34311(&message))));
        }
    }
    agree(questions);
}

#[test]
fn ciphers_are_the_same() {
    let mut chance = Chance::new(149);
    let mut questions = Vec::new();
    for length in [1, 8, 31, 32, 100, 333] {
        let (key, iv, message) = (chance.bytes(32), chance.bytes(8), chance.bytes(length));
        let mut data = message.clone();
        Gost28147::new(&key, Dke::NUMBER_1).unwrap().cfb(&iv).unwrap().encrypt(&mut data);
        let question = format!("gost28147-cfb {} {} {} {}", table(), hex(&key), hex(&iv), hex(&message));
        questions.push((question, hex(&data)));
        let sizes = [
            (BlockSize::Bits128, 16),
            (BlockSize::Bits128, 32),
            (BlockSize::Bits256, 32),
            (BlockSize::Bits256, 64),
            (BlockSize::Bits512, 64),
        ];
        for (size, key_bytes) in sizes {
            let (block, key) = (size.bytes(), chance.bytes(key_bytes));
            let cipher = Kalyna::new(size, &key).unwrap();
            let (bits, key) = (8 * block, hex(&key));
            let iv = chance.bytes(block);
            let mut data = iv.clone();
            cipher.encrypt_ecb(&mut data).unwrap();
            questions.push((format!("kalyna-ecb {bits} {key} {}", hex(&iv)), hex(&data)));
            let mut data = message.clone();
            cipher.ctr(&iv).unwrap().apply(&mut data);
            questions.push((format!("kalyna-ctr {bits} {key} {} {}", hex(&iv), hex(&message)), hex(&data)));
            // BouncyCastle's code is of whole blocks only.
            let whole = chance.bytes(3 * block);
            let mut code = cipher.cmac(block).unwrap();
            code.update(&whole);
            questions.push((format!("kalyna-cmac {bits} {bits} {key} {}", hex(&whole)), hex(&code.finish().unwrap())));
        }
    }
    agree(questions);
}
