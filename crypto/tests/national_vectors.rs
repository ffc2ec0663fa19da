//! Every row of the published vectors of the national hashes and ciphers. They are not in this repository: `VUZOL_CORPORA` names the folder
//! that holds `ukrainian/vectors/`; without it each test says that it is skipped.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::path::PathBuf;

use crypto::gost28147::{Dke, Gost28147, unwrap_key, wrap_key};
use crypto::gost34311::{self, Gost34311};
use crypto::kalyna::{BlockSize, CcmLengthField, CipherError, Kalyna};
use crypto::kupyna::{Kmac, Width, kupyna};
use crypto::strumok::Strumok;
use serde_json::Value;

/// `None` where the corpora are not at hand.
fn vectors(name: &str) -> Option<Value> {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return None;
    };
    let text = std::fs::read_to_string(corpora.join("ukrainian/vectors").join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn bytes(row: &Value, field: &str) -> Vec<u8> {
    from_hex(row[field].as_str().unwrap_or_else(|| panic!("no {field} in {row}")))
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap()).collect()
}

fn number(row: &Value, field: &str) -> usize {
    row[field].as_u64().unwrap().try_into().unwrap()
}

/// The pieces in which a row wants its message fed, or the whole.
fn parts(row: &Value, field: &str) -> Vec<Vec<u8>> {
    match row["parts"].as_array() {
        Some(parts) => parts.iter().map(|part| from_hex(part.as_str().unwrap())).collect(),
        None => vec![bytes(row, field)],
    }
}

#[test]
fn kalyna_gives_every_published_value() {
    let Some(all) = vectors("kalyna.json") else { return };
    assert!(rows(&all).len() >= 73);
    for row in rows(&all) {
        let block = match number(row, "block") {
            128 => BlockSize::Bits128,
            256 => BlockSize::Bits256,
            512 => BlockSize::Bits512,
            other => panic!("blocks of {other} bits"),
        };
        for cipher in
            [Kalyna::new(block, &bytes(row, "key")).unwrap(), Kalyna::constant_time(block, &bytes(row, "key")).unwrap()]
        {
            check_kalyna(row, &cipher);
        }
    }
}

fn check_kalyna(row: &Value, cipher: &Kalyna) {
    match row["mode"].as_str().unwrap() {
        "ecb" => both_ways(row, |data| cipher.encrypt_ecb(data), |data| cipher.decrypt_ecb(data)),
        "cbc" => {
            let iv = bytes(row, "iv");
            both_ways(row, |data| cipher.encrypt_cbc(&iv, data), |data| cipher.decrypt_cbc(&iv, data));
        }
        "xts" => {
            let iv = bytes(row, "iv");
            both_ways(row, |data| cipher.encrypt_xts(&iv, data), |data| cipher.decrypt_xts(&iv, data));
        }
        "ctr" => {
            let apply = |data: &mut [u8]| cipher.ctr(&bytes(row, "iv")).map(|mut mode| mode.apply(data));
            both_ways(row, apply, apply);
        }
        "ofb" => {
            let apply = |data: &mut [u8]| cipher.ofb(&bytes(row, "iv")).map(|mut mode| mode.apply(data));
            both_ways(row, apply, apply);
        }
        "cfb" => {
            let mode = || cipher.cfb_with_feedback(&bytes(row, "iv"), number(row, "q") / 8);
            both_ways(
                row,
                |data| mode().map(|mode| mode.encrypt_last(data)),
                |data| mode().map(|mode| mode.decrypt_last(data)),
            );
        }
        "kw" => check_key_wrap(row, cipher),
        "cmac" => {
            let (message, mac) = (bytes(row, "message"), bytes(row, "mac"));
            let mut code = cipher.cmac(mac.len()).unwrap();
            code.update(&message);
            code.verify(&mac).unwrap_or_else(|error| panic!("{error}: {row}"));
        }
        "gmac" => check_gmac(row, cipher),
        "gcm" => check_gcm(row, cipher),
        "ccm" => check_ccm(row, cipher),
        other => panic!("mode {other}"),
    }
}

fn both_ways(
    row: &Value,
    encrypt: impl Fn(&mut [u8]) -> Result<(), CipherError>,
    decrypt: impl Fn(&mut [u8]) -> Result<(), CipherError>,
) {
    let (plaintext, ciphertext) = (bytes(row, "plaintext"), bytes(row, "ciphertext"));
    let mut data = plaintext.clone();
    encrypt(&mut data).unwrap_or_else(|error| panic!("{error}: {row}"));
    assert_eq!(data, ciphertext, "{row}");
    decrypt(&mut data).unwrap();
    assert_eq!(data, plaintext, "{row}");
}

/// The value of cryptonite over three blocks is that of its own defect: its `gmac_update` adds the first block twice and never comes to the
/// last.
fn check_gmac(row: &Value, cipher: &Kalyna) {
    let (mut message, mac, block) = (bytes(row, "message"), bytes(row, "mac"), cipher.block_len());
    if row["source"].as_str().unwrap().contains("dstu7624_gmac_16_16") {
        message.copy_within(..2 * block, block);
    }
    let mut code = cipher.gmac(mac.len()).unwrap();
    message.chunks(7).for_each(|piece| code.update(piece));
    code.verify(&mac).unwrap_or_else(|error| panic!("{error}: {row}"));
}

fn check_key_wrap(row: &Value, cipher: &Kalyna) {
    let (key, wrapped) = (bytes(row, "plaintext"), bytes(row, "wrapped"));
    if key.len() % cipher.block_len() == 0 {
        assert_eq!(cipher.wrap_key(&key).unwrap(), wrapped, "{row}");
        assert_eq!(*cipher.unwrap_key(&wrapped).unwrap(), key, "{row}");
    } else {
        assert_eq!(cipher.wrap_partial_key(&key).unwrap(), wrapped, "{row}");
        assert_eq!(*cipher.unwrap_partial_key(&wrapped).unwrap(), key, "{row}");
    }
}

fn check_gcm(row: &Value, cipher: &Kalyna) {
    let (iv, additional, tag) = (bytes(row, "iv"), bytes(row, "aad"), bytes(row, "tag"));
    let (plaintext, ciphertext) = (bytes(row, "plaintext"), bytes(row, "ciphertext"));
    let mut data = plaintext.clone();
    assert_eq!(cipher.seal_gcm(&iv, &additional, &mut data, number(row, "tag_bits") / 8).unwrap(), tag, "{row}");
    assert_eq!(data, ciphertext, "{row}");
    let mut forged = tag.clone();
    forged[0] ^= 1;
    assert_eq!(cipher.open_gcm(&iv, &additional, &mut data, &forged), Err(CipherError::Forged));
    assert_eq!(data, ciphertext, "nothing is decrypted");
    cipher.open_gcm(&iv, &additional, &mut data, &tag).unwrap();
    assert_eq!(data, plaintext, "{row}");
}

fn check_ccm(row: &Value, cipher: &Kalyna) {
    let field = match (number(row, "n_max") - 3) / 8 + 1 {
        4 => CcmLengthField::Four,
        6 => CcmLengthField::Six,
        8 => CcmLengthField::Eight,
        other => panic!("{other} bytes for the length"),
    };
    let (iv, additional, plaintext) = (bytes(row, "iv"), bytes(row, "aad"), bytes(row, "plaintext"));
    let tag_bytes = number(row, "tag_bits") / 8;
    let mut sealed = cipher.seal_ccm(field, &iv, &additional, &plaintext, tag_bytes).unwrap();
    assert_eq!(sealed, bytes(row, "ciphertext"), "{row}");
    assert_eq!(*cipher.open_ccm(field, &iv, &additional, &sealed, tag_bytes).unwrap(), plaintext, "{row}");
    sealed[0] ^= 1;
    let forged = cipher.open_ccm(field, &iv, &additional, &sealed, tag_bytes);
    assert_eq!(forged.unwrap_err(), CipherError::Forged);
}

#[test]
fn kupyna_gives_every_published_value() {
    let Some(all) = vectors("kupyna.json") else { return };
    assert!(rows(&all["hash"]).len() >= 27 && rows(&all["kmac"]).len() >= 7);
    for row in rows(&all["hash"]) {
        let width = Width::from_bits(number(row, "bits")).unwrap();
        assert_eq!(kupyna(width, &bytes(row, "message")), bytes(row, "digest"), "{row}");
    }
    for row in rows(&all["kmac"]) {
        let (width, key) = (Width::from_bits(number(row, "bits")).unwrap(), bytes(row, "key"));
        let Ok(mut mac) = Kmac::new(width, &key) else {
            // Only cryptonite takes a key that is not as long as the code.
            assert!(key.len() == 20 && row["source"].as_str().unwrap().contains("cryptonite"), "{row}");
            continue;
        };
        mac.update(&bytes(row, "message"));
        mac.verify(&bytes(row, "mac")).unwrap_or_else(|error| panic!("{error}: {row}"));
    }
}

/// The substitution that a row names, from the tables of the hash's vectors.
fn substitution(row: &Value) -> Dke {
    if row["sbox"] == "dke-1" {
        return Dke::NUMBER_1;
    }
    let all = vectors("gost34311.json").unwrap();
    let values: Vec<u8> = rows(&all["sboxes"]["gost-sbox-11"]["rows"])
        .iter()
        .flat_map(|row| rows(row).iter().map(|value| value.as_u64().unwrap().try_into().unwrap()).collect::<Vec<u8>>())
        .collect();
    Dke::from_packed(&values.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<_>>()).unwrap()
}

#[test]
fn gost_34311_gives_every_published_value() {
    let Some(all) = vectors("gost34311.json") else { return };
    assert!(rows(&all["vectors"]).len() >= 10);
    for row in rows(&all["vectors"]) {
        let start = bytes(row, "iv").try_into().unwrap();
        let mut hash = Gost34311::with_starting_value(substitution(row), &start);
        parts(row, "message").iter().for_each(|part| hash.update(part));
        assert_eq!(hash.finish().as_slice(), bytes(row, "digest"), "{row}");
    }
}

#[test]
fn gost_28147_gives_every_published_value() {
    let Some(all) = vectors("gost28147.json") else { return };
    assert!(rows(&all["cipher"]).len() >= 8 && rows(&all["keywrap"]).len() >= 2 && rows(&all["kdf"]).len() >= 4);
    for row in rows(&all["cipher"]) {
        let (key, dke) = (bytes(row, "key"), substitution(row));
        for cipher in [Gost28147::constant_time(&key, &dke).unwrap(), Gost28147::new(&key, dke).unwrap()] {
            check_gost_28147(row, &cipher);
        }
    }
    for row in rows(&all["keywrap"]) {
        let kek = bytes(row, "kek").try_into().unwrap();
        let (key, wrapped) = (bytes(row, "cek"), bytes(row, "wrapped"));
        if row["operation"] == "wrap" {
            let iv = bytes(row, "iv").try_into().unwrap();
            let value = wrap_key(&kek, &Dke::NUMBER_1, &iv, key.as_slice().try_into().unwrap());
            assert_eq!(value.as_slice(), wrapped, "{row}");
        }
        assert_eq!(unwrap_key(&kek, &Dke::NUMBER_1, &wrapped).unwrap().as_slice(), key, "{row}");
    }
    for row in rows(&all["kdf"]) {
        let (password, iterations) = (row["password"].as_str().unwrap().as_bytes(), number(row, "iterations"));
        let mut key = [0; 32];
        if row["function"] == "pbkdf2-hmac-gost34311" {
            let iterations = iterations.try_into().unwrap();
            gost34311::pbkdf2(&Dke::NUMBER_1, password, &bytes(row, "salt"), iterations, &mut key);
        } else {
            key = gost34311::gost34311(password);
            (1..iterations).for_each(|_| key = gost34311::gost34311(&key));
        }
        assert_eq!(key.as_slice(), bytes(row, "key"), "{row}");
    }
}

fn check_gost_28147(row: &Value, cipher: &Gost28147) {
    match row["mode"].as_str().unwrap() {
        "ecb" => both_ways(row, |data| cipher.encrypt_ecb(data), |data| cipher.decrypt_ecb(data)),
        "cfb" => {
            let mode = || cipher.cfb(&bytes(row, "iv"));
            both_ways(
                row,
                |data| mode().map(|mut mode| mode.encrypt(data)),
                |data| mode().map(|mut mode| mode.decrypt(data)),
            );
        }
        "ctr" => {
            let mut mode = cipher.ctr(&bytes(row, "iv")).unwrap();
            let mut pieces = parts(row, "plaintext");
            pieces.iter_mut().for_each(|piece| mode.apply(piece));
            assert_eq!(pieces.concat(), bytes(row, "ciphertext"), "{row}");
        }
        "mac" => {
            let mut mac = cipher.mac();
            mac.update(&bytes(row, "message"));
            assert_eq!(mac.finish().as_slice(), bytes(row, "mac"), "{row}");
        }
        other => panic!("mode {other}"),
    }
}

/// All words are printed as numbers; key, vector and stream have them little-endian.
#[test]
fn strumok_gives_every_published_value() {
    let Some(all) = vectors("strumok.json") else { return };
    assert!(rows(&all).len() >= 8);
    for row in rows(&all) {
        let as_bytes = |mut words: Vec<u8>| {
            words.chunks_mut(8).for_each(<[u8]>::reverse);
            words
        };
        let words = rows(&row["keystream_words"]).iter().map(|word| word.as_str().unwrap());
        let expected = as_bytes(words.flat_map(from_hex).collect());
        let mut stream = vec![0; expected.len()];
        Strumok::new(&as_bytes(bytes(row, "key")), &as_bytes(bytes(row, "iv"))).unwrap().apply(&mut stream);
        assert_eq!(stream, expected, "{row}");
    }
}
