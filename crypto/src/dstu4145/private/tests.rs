use super::*;
use crate::digest::from_hex;
use crate::dstu4145::curve::Domain;
use crate::dstu4145::field::portable::Portable;
use crate::dstu4145::sign::{commitment, conclude};
use crate::dstu4145::verify::{Signature, hash_element};
use crate::dstu4145::{SignError, VerifyError, point};

const HASH: &str = "FF4722F5AEED76EB2E5373DF6D1680715BB92E3A8886E4AE9A0C917742C4C909";
const D_257: &str = "7D46E42B36B76F551426CAFCECDD2F2ED1D7EA072CF0811564BF2DA75105BA9C";
const D_431: &str =
    "3307AF47E9D37D53A9FCBF6D6E9E09340F580F903FE48A84BBF77B9794C0AC94F48ECB965F09CA0EF3FCB213B7185C5016109F288C6B";

fn bytes(hex: &str) -> Vec<u8> {
    from_hex(hex).unwrap()
}

fn known(curve: Curve) -> PrivateKey {
    let d = if curve == Curve::M257 { D_257 } else { D_431 };
    PrivateKey::from_bytes(curve, ByteOrder::Big, &bytes(d)).unwrap()
}

/// A signature over a domain of a test's own, with the nonce given.
pub(super) fn sign_with<F: Field>(field: F, order: &Order, d: &Limbs, nonce: &Limbs, hash: &Limbs) -> Signature {
    let (private, nonce) = (order.scalar(d).unwrap(), order.scalar(nonce).unwrap());
    let blinding = Blinding::random(field.domain());
    let point = ladder::multiply(field, order, &point::base(field), &nonce, &blinding);
    let r = commitment(field, hash, point.x);
    conclude(order, &order.multiplier(&private), &nonce, r).unwrap()
}

#[test]
fn known_keys_have_the_published_public_keys() {
    for (curve, public) in [
        (Curve::M257, "0B2B6F77CE03FC1A2F29C9FDF6BDB8C29D1A9C98DD1FE8054D60545CB5FA6B4601"),
        (
            Curve::M431,
            "E3278328DD3664A747D7A674B5FD2876B3DC4A5BFC8FA77AE394A334F28D152CC3E2F585F35200DF3AFD3D0A655FCC6AAB1CA7F98271",
        ),
    ] {
        assert_eq!(known(curve).public_key().to_bytes(ByteOrder::Little), bytes(public));
    }
}

/// li0ard/dstu, src/dstu4145/index.spec.ts, the second and the third; d reduced modulo n.
#[test]
fn published_nonces_lead_to_the_published_signatures() {
    struct WithNonce<'a> {
        key: &'a PrivateKey,
        nonce: Limbs,
    }
    impl Task for WithNonce<'_> {
        type Output = Signature;
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn run<F: Field>(self, field: F) -> Signature {
            let hash = hash_element(field.domain(), &bytes(HASH));
            let order = Order::of(field.domain().curve);
            sign_with(field, order, self.key.number.limbs(), &self.nonce, &hash)
        }
    }
    for (curve, nonce, signature) in [
        (
            Curve::M257,
            "29A585739F458AE951D39292F2171D7658AEB636D4A9A2F9AA6C4D04AED5BF61",
            "20BC112EEEBC2984241A716F66BB6598981CDF6B9B79429139DC52A3A494F74A\
             44CC2572C4FAF7250FFB02B132759F13947ED3534A6277EC398EC14DD779D053",
        ),
        (
            Curve::M431,
            "11192EA98A66020ED4ED319299F8FA0654F05C7313F9CB8BE5FC1972E0CD9ABB111EC61671BB4E5D812389C7D49BBEFEE36B180778EB",
            "4492F97FD176CE902871531A38F55B051AEA896FC4D88CF7F2BEEA611D5740993FB13AF081C2D54415DA000934F8E11FC15FE4477A16\
             89F1BF9BEA5452B9778659314BCA2B95CB0CCC94CD2031C597A494096AA3E5F5D1096980235EDDFD1AC452DE0BB405444EED95B97824",
        ),
    ] {
        let task = WithNonce { key: &known(curve), nonce: limbs::from_hex(nonce) };
        assert_eq!(dispatch(curve.domain(), task).to_bytes(curve, ByteOrder::Little), bytes(signature), "{curve:?}");
    }
}

/// DSTU 4145-2002, annex B.1: m = 163 with a base point of its own.
#[test]
fn annex_b_signs() {
    static ANNEX: std::sync::LazyLock<Domain> = std::sync::LazyLock::new(|| Domain {
        base_x: limbs::from_hex("072D867F93A93AC27DF9FF01AFFE74885C8C540420"),
        base_y: limbs::from_hex("00224A9C3947852B97C5599D5F4AB81122ADC3FD9B"),
        ..Curve::M163.domain().clone()
    });
    let field = Portable::<3>::new(&ANNEX).unwrap();
    let signature = sign_with(
        field,
        Order::of(Curve::M163),
        &limbs::from_hex("0183F60FDF7951FF47D67193F8D073790C1C9B5A3E"),
        &limbs::from_hex("01025E40BD97DB012B7A1D79DE8E12932D247F61C6"),
        &hash_element(&ANNEX, &bytes(HASH)),
    );
    assert_eq!(signature.r, limbs::from_hex("0274EA2C0CAA014A0D80A424F59ADE7A93068D08A7"));
    assert_eq!(signature.s, limbs::from_hex("02100D86957331832B8E8C230F5BD6A332B3615ACA"));
}

#[test]
fn signatures_on_every_curve_verify_and_no_two_are_alike() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        for order in [ByteOrder::Little, ByteOrder::Big] {
            // 64 bytes are longer than every field but the last.
            for length in [20, 32, 48, 64] {
                let hash: Vec<u8> = (1..=length).collect();
                let signature = key.sign(order, &hash).unwrap();
                assert_eq!(signature.len(), 2 * curve.scalar_len());
                assert_eq!(key.public_key().verify(order, &hash, &signature), Ok(()), "{curve:?} {length}");
                let mut other = hash.clone();
                other[3] ^= 1;
                assert_eq!(key.public_key().verify(order, &other, &signature), Err(VerifyError::Mismatch));
                assert_ne!(key.sign(order, &hash).unwrap(), signature, "a nonce was used twice");
            }
        }
        let read = PublicKey::from_bytes(curve, ByteOrder::Little, &key.public_key().to_bytes(ByteOrder::Little));
        assert_eq!(read.as_ref(), Ok(key.public_key()), "the point lies in the subgroup");
        assert_eq!(key.sign(ByteOrder::Little, &[0; 32]).map(|signature| signature.len()), Ok(2 * curve.scalar_len()));
        assert_eq!(key.sign(ByteOrder::Little, &[]), Err(SignError::EmptyHash));
    }
}

#[test]
fn the_same_entropy_gives_the_same_signature_and_other_entropy_another() {
    let key = known(Curve::M257);
    let sign = |entropy: u8| key.sign_hedged(ByteOrder::Little, &bytes(HASH), &[entropy; 32]).unwrap();
    assert_eq!(sign(0), sign(0));
    assert_ne!(sign(0), sign(1));
    assert_ne!(sign(0)[..32], sign(1)[..32]);
    assert_eq!(key.public_key().verify(ByteOrder::Little, &bytes(HASH), &sign(0)), Ok(()));
}

#[test]
fn a_nonce_that_leads_to_zero_is_given_up() {
    let order = Order::of(Curve::M257);
    let one = order.scalar(&limbs::ONE).unwrap();
    let last = limbs::subtract(&Curve::M257.domain().order, &limbs::ONE).0;
    assert_eq!(conclude(order, &order.multiplier(&one), &one, limbs::ZERO), None);
    // s = 1 + 1·(n − 1).
    assert_eq!(conclude(order, &order.multiplier(&one), &one, last), None);
    assert!(conclude(order, &order.multiplier(&one), &one, limbs::ONE).is_some());
}

#[test]
fn private_keys_read_and_write_in_both_orders_and_as_iit_pads_them() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let written = key.to_bytes(order);
            assert_eq!(written.len(), curve.scalar_len());
            let read = PrivateKey::from_bytes(curve, order, &written).unwrap();
            assert_eq!(*read.to_bytes(order), *written);
            assert_eq!(read.public_key(), key.public_key());
        }
        let longest = 4 * curve.degree().div_ceil(32);
        let mut padded = key.to_bytes(ByteOrder::Little).to_vec();
        padded.resize(longest, 0);
        let read = |bytes: &[u8]| PrivateKey::from_bytes(curve, ByteOrder::Little, bytes).map(|key| *key.public_key());
        assert_eq!(read(&padded), Ok(*key.public_key()));
        padded.reverse();
        let reversed = PrivateKey::from_bytes(curve, ByteOrder::Big, &padded).unwrap();
        assert_eq!(reversed.public_key(), key.public_key());
    }
    assert_eq!((4 * 257usize.div_ceil(32), 4 * 431usize.div_ceil(32)), (36, 56));
}

#[test]
fn refused_private_keys_each_have_their_own_error() {
    for curve in Curve::ALL {
        let read = |bytes: &[u8]| PrivateKey::from_bytes(curve, ByteOrder::Little, bytes).map(|_| ()).unwrap_err();
        let length = curve.scalar_len();
        let longest = 4 * curve.degree().div_ceil(32);
        for bad in [0, 1, length - 1, longest + 1, 200] {
            assert_eq!(read(&vec![1; bad]), PrivateKeyError::Length, "{curve:?} {bad}");
        }
        assert_eq!(read(&vec![0; length]), PrivateKeyError::Zero);
        assert_eq!(read(&vec![0; longest]), PrivateKeyError::Zero);
        let mut order = vec![0; longest];
        limbs::to_bytes(&curve.domain().order, &mut order);
        assert_eq!(read(&order), PrivateKeyError::Range);
        assert_eq!(read(&vec![0xff; longest]), PrivateKeyError::Range);
        order[0] -= 1;
        assert!(PrivateKey::from_bytes(curve, ByteOrder::Little, &order).is_ok(), "n − 1 is the largest key");
    }
    // As published, before its reduction modulo n.
    let unreduced = bytes("77FD46E42B36B76F551426CAFCECDD2F2ED1D7EA072CF0811564BF2DA75105BA9C");
    let refusal = PrivateKey::from_bytes(Curve::M257, ByteOrder::Big, &unreduced).map(|_| ()).unwrap_err();
    assert_eq!(refusal, PrivateKeyError::Range);
}

#[test]
fn two_parties_agree_with_and_without_the_cofactor() {
    for curve in Curve::ALL {
        let (ours, theirs) = (PrivateKey::generate(curve).unwrap(), PrivateKey::generate(curve).unwrap());
        let mut secrets = Vec::new();
        for cofactor in [Cofactor::Multiply, Cofactor::Ignore] {
            let secret = ours.agree(theirs.public_key(), cofactor).unwrap();
            assert_eq!(secret.len(), curve.field_len());
            assert_eq!(secret, theirs.agree(ours.public_key(), cofactor).unwrap(), "{curve:?}");
            secrets.push(secret);
        }
        assert_ne!(secrets[0], secrets[1]);
    }
    let other = PrivateKey::generate(Curve::M431).unwrap();
    let refusal = known(Curve::M257).agree(other.public_key(), Cofactor::Multiply);
    assert_eq!(refusal, Err(AgreementError::Curve));
}

/// privat-it/cryptonite, utest_dstu4145.c, dstu4145_keys_test and dstu4145_dh_test.
#[test]
fn cryptonite_agrees() {
    let key = |d: &str| PrivateKey::from_bytes(Curve::M257, ByteOrder::Big, &bytes(d)).unwrap();
    let first = key("0914FC7DF0CDB440DB56882800BDCDC34E0464F18381281695ABEAEED1F95448");
    let second = key("08232371F0CDB440DB56882800BDCDC34E0464F1838128067889677856564312");
    let compressed = bytes("01799B65A6D2D1CECD08B044D599EECFAB8412F599F52CA38DDB431BBA38E66C00");
    assert_eq!(first.public_key().to_bytes(ByteOrder::Little), compressed);
    let secret = bytes("0137BB4F699297E9558ED3E8638C2FEA239B80B363AC1132EE3B1B2286045E1685");
    for (ours, theirs) in [(&first, &second), (&second, &first)] {
        assert_eq!(*ours.agree(theirs.public_key(), Cofactor::Multiply).unwrap(), secret);
    }
}

#[test]
fn debug_says_the_curve_and_no_more() {
    assert_eq!(format!("{:?}", known(Curve::M257)), "PrivateKey { curve: M257, .. }");
}
