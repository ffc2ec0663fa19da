//! The published vectors of the corpora (`VUZOL_CORPORA`, `ukrainian/vectors/dstu4145.json`): signatures with given nonces over curves and
//! base points of their own, signatures good and bad, keys, agreement.

use std::path::PathBuf;

use serde_json::Value;

use super::tests::sign_with;
use super::*;
use crate::digest::from_hex;
use crate::dstu4145::curve::Domain;
use crate::dstu4145::field::portable;
use crate::dstu4145::verify::Signature;

/// `None`, and a line that says so, where the corpora are not there.
fn vectors() -> Option<Value> {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return None;
    };
    let text = std::fs::read_to_string(corpora.join("ukrainian/vectors/dstu4145.json")).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn rows<'a>(vectors: &'a Value, kind: &str) -> &'a [Value] {
    let rows = vectors[kind].as_array().unwrap();
    assert!(!rows.is_empty());
    rows
}

/// An odd number of digits lacks a zero in front.
fn number(row: &Value, name: &str) -> Vec<u8> {
    let text = row[name].as_str().unwrap();
    from_hex(&if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() }).unwrap()
}

fn limbs(row: &Value, name: &str) -> Limbs {
    read_limbs(ByteOrder::Big, &number(row, name))
}

fn curve(row: &Value) -> Curve {
    let degree = row["m"].as_u64().unwrap();
    Curve::ALL.into_iter().find(|curve| curve.degree() as u64 == degree).unwrap()
}

/// The key with the coordinates of the row.
fn public_key(row: &Value) -> PublicKey {
    struct Lambda(Limbs, Limbs);
    impl Task for Lambda {
        type Output = Limbs;
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn run<F: Field>(self, field: F) -> Limbs {
            let (x, y) = (field.load(&self.0), field.load(&self.1));
            field.store(field.add(x, field.multiply(y, field.invert(x))))
        }
    }
    let (x, y) = (limbs(row, "qx"), limbs(row, "qy"));
    let curve = curve(row);
    let lambda = dispatch(curve.domain(), Lambda(x, y));
    let unchecked = PublicKey { curve, point: Affine { x, lambda } };
    let key = PublicKey::from_bytes(curve, ByteOrder::Big, &unchecked.to_bytes(ByteOrder::Big)).unwrap();
    assert_eq!(key, unchecked);
    key
}

/// The domain of a row that writes its own out, or a recommended one.
fn domain(row: &Value) -> &'static Domain {
    let Some(exponents) = row["polynomial"].as_array() else { return curve(row).domain() };
    let mut middle = [0; 3];
    for (place, exponent) in middle.iter_mut().zip(&exponents[1..exponents.len() - 1]) {
        *place = usize::try_from(exponent.as_u64().unwrap()).unwrap();
    }
    let order = limbs(row, "n");
    Box::leak(Box::new(Domain {
        degree: usize::try_from(row["m"].as_u64().unwrap()).unwrap(),
        middle,
        a: row["a"] == 1,
        b: limbs(row, "b"),
        order,
        order_bits: limbs::bit_length(&order),
        base_x: limbs(row, "gx"),
        base_y: limbs(row, "gy"),
        // What no signature asks for.
        ..Curve::M257.domain().clone()
    }))
}

#[test]
fn signatures_with_given_nonces_come_out_as_published() {
    struct Sign<'a> {
        row: &'a Value,
    }
    impl Task for Sign<'_> {
        type Output = Signature;
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn run<F: Field>(self, field: F) -> Signature {
            let order = Order::new(&field.domain().order);
            // Some are published above n, which neither a key nor a nonce may be.
            let reduced = |name| {
                let mut wide = vec![0; order.wide_len()];
                limbs::to_bytes(&limbs(self.row, name), &mut wide);
                *order.reduce(&wide).unwrap().limbs()
            };
            let (d, nonce) = (reduced("d"), reduced("ephemeral"));
            let hash = limbs::low_bits(&limbs(self.row, "hash_as_number"), field.domain().degree);
            sign_with(field, &order, &d, &nonce, &hash)
        }
    }
    let Some(vectors) = vectors() else { return };
    let mut signed = 0;
    for row in rows(&vectors, "sign").iter().filter(|row| row["basis"] == "polynomial") {
        let signature = portable::dispatch(domain(row), Sign { row });
        assert_eq!((signature.r, signature.s), (limbs(row, "r"), limbs(row, "s")), "{}", row["source"]);
        signed += 1;
    }
    assert_eq!(signed, 6);
}

#[test]
fn published_signatures_are_good_or_bad_as_they_say() {
    let Some(vectors) = vectors() else { return };
    for row in rows(&vectors, "verify") {
        let (r, s) = (number(row, "r"), number(row, "s"));
        let length = r.len().max(s.len());
        let padded = |half: &[u8]| [&vec![0; length - half.len()], half].concat();
        let signature = [padded(&s), padded(&r)].concat();
        let mut hash = number(row, "hash");
        let verdict = public_key(row).verify(ByteOrder::Big, &hash, &signature);
        assert_eq!(verdict.is_ok(), row["expected"] == "valid", "{row} {verdict:?}");
        hash[0] ^= 1;
        assert!(public_key(row).verify(ByteOrder::Big, &hash, &signature).is_err());
    }
}

#[test]
fn published_keys_and_secrets_come_out() {
    let Some(vectors) = vectors() else { return };
    let key = |row: &Value, name: &str| {
        let d = Order::of(curve(row)).scalar(&limbs(row, name)).unwrap();
        PrivateKey::new(curve(row), d)
    };
    for row in rows(&vectors, "keys") {
        let key = key(row, "d");
        assert_eq!(*key.public_key(), public_key(row));
        assert_eq!(key.public_key().to_bytes(ByteOrder::Little), number(row, "compressed_le"));
    }
    for row in rows(&vectors, "agreement") {
        let (ours, theirs) = (key(row, "d1"), key(row, "d2"));
        let cofactor = if row["cofactor"] == true { Cofactor::Multiply } else { Cofactor::Ignore };
        let secret = ours.agree(theirs.public_key(), cofactor).unwrap();
        assert_eq!(read_limbs(ByteOrder::Big, &secret), limbs(row, "zx"));
        assert_eq!(secret, theirs.agree(ours.public_key(), cofactor).unwrap());
    }
}
