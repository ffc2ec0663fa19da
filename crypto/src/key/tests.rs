#[cfg(feature = "native")]
use openssl::bn::{BigNum, BigNumContext};
#[cfg(feature = "native")]
use openssl::ec::PointConversionForm;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use proptest::prelude::*;

use super::*;
use crate::digest::from_hex;

fn bytes(hex: &str) -> Vec<u8> {
    from_hex(hex).unwrap()
}

fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    use crate::asn1::{TAG_SEQUENCE, element, unsigned_integer};
    let raw = element(TAG_SEQUENCE, &[&unsigned_integer(modulus), &unsigned_integer(exponent)]);
    spki::encode(KeyKind::Rsa { bits: 0 }, &raw)
}

fn modulus(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] = u8::MAX >> (modulus.len() * 8 - bits);
    modulus
}

#[test]
fn rsa_bounds_have_their_own_refusals() {
    let read =
        |bits, exponent: &[u8]| PublicKey::from_spki_der(&rsa_spki(&modulus(bits), exponent)).map(|key| key.kind());
    for bits in [1024, 1025, 2048, 4096, 16384] {
        assert_eq!(read(bits, &[1, 0, 1]), Ok(KeyKind::Rsa { bits: u32::try_from(bits).unwrap() }));
    }
    for bits in [512, 1023, 16385, 65536] {
        assert_eq!(read(bits, &[1, 0, 1]), Err(KeyError::SizeOutOfBounds), "{bits}");
    }
    assert_eq!(read(2048, &[3]), Ok(KeyKind::Rsa { bits: 2048 }));
    assert_eq!(read(2048, &[0xff; 8]), Ok(KeyKind::Rsa { bits: 2048 }));
    for exponent in [&[][..], &[0], &[1], &[2], &[4], &[1, 0, 0], &[1, 0, 0, 0, 0, 0, 0, 0, 1]] {
        assert_eq!(read(2048, exponent), Err(KeyError::InvalidExponent), "{exponent:?}");
    }
    let mut even = modulus(2048);
    even[255] = 0xfe;
    assert_eq!(PublicKey::from_spki_der(&rsa_spki(&even, &[3])).unwrap_err(), KeyError::InvalidModulus);
}

#[cfg(feature = "native")]
#[test]
fn points_are_checked_on_every_curve() {
    for (curve, nid) in [
        (Curve::P256, Nid::X9_62_PRIME256V1),
        (Curve::P384, Nid::SECP384R1),
        (Curve::P521, Nid::SECP521R1),
        (Curve::BrainpoolP256r1, Nid::BRAINPOOL_P256R1),
        (Curve::BrainpoolP384r1, Nid::BRAINPOOL_P384R1),
        (Curve::BrainpoolP512r1, Nid::BRAINPOOL_P512R1),
    ] {
        let group = EcGroup::from_curve_name(nid).unwrap();
        let key = EcKey::generate(&group).unwrap();
        let spki = PKey::from_ec_key(key.clone()).unwrap().public_key_to_der().unwrap();
        let read = PublicKey::from_spki_der(&spki).unwrap();
        assert_eq!(read.kind(), KeyKind::Ec(curve));
        assert_eq!(read.spki_der(), spki);

        let mut context = BigNumContext::new().unwrap();
        let mut form = |form| key.public_key().to_bytes(&group, form, &mut context).unwrap();
        let compressed = spki::encode(KeyKind::Ec(curve), &form(PointConversionForm::COMPRESSED));
        assert_eq!(PublicKey::from_spki_der(&compressed).map(|key| key.kind()), Ok(KeyKind::Ec(curve)));
        let hybrid = spki::encode(KeyKind::Ec(curve), &form(PointConversionForm::HYBRID));
        assert_eq!(PublicKey::from_spki_der(&hybrid).unwrap_err(), KeyError::InvalidPoint);
        let mut off_curve = spki.clone();
        *off_curve.last_mut().unwrap() ^= 1;
        assert_eq!(PublicKey::from_spki_der(&off_curve).unwrap_err(), KeyError::InvalidPoint, "{curve:?}");
        for point in [&[0][..], &[], &[4], &vec![4; 1 + 2 * curve.field_len()], &vec![4; 2 * curve.field_len()]] {
            let spki = spki::encode(KeyKind::Ec(curve), point);
            assert_eq!(PublicKey::from_spki_der(&spki).unwrap_err(), KeyError::InvalidPoint, "{curve:?} {point:?}");
        }
    }
}

#[test]
fn curves_must_be_named_and_known() {
    let mut group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let public = key.public_key_to_der().unwrap();
    assert_eq!(PublicKey::from_spki_der(&public).unwrap_err(), KeyError::ExplicitCurveParameters);
    let private = key.private_key_to_pkcs8().unwrap();
    assert_eq!(SoftwareKey::from_pkcs8_der(&private).unwrap_err(), KeyError::ExplicitCurveParameters);

    let group = EcGroup::from_curve_name(Nid::SECP256K1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    assert_eq!(PublicKey::from_spki_der(&key.public_key_to_der().unwrap()).unwrap_err(), KeyError::UnsupportedCurve);
    assert_eq!(
        SoftwareKey::from_pkcs8_der(&key.private_key_to_pkcs8().unwrap()).unwrap_err(),
        KeyError::UnsupportedCurve
    );
}

#[test]
fn only_strict_der_is_a_key() {
    let good = SoftwareKey::generate(KeyKind::Ed25519).unwrap().public_key().spki_der().to_vec();
    assert_eq!(PublicKey::from_spki_der(&good).unwrap().spki_der(), good);
    let long_length = [&[0x30, 0x81, 0x2a], &good[2..]].concat();
    let trailing = [good.as_slice(), &[0]].concat();
    let null_parameters = bytes(&format!("302c300706032b65700500032100{}", "11".repeat(32)));
    let unused_bits = bytes(&format!("302a300506032b6570032101{}", "10".repeat(32)));
    let short_key = bytes(&format!("3029300506032b6570032000{}", "11".repeat(31)));
    for bad in [&long_length, &trailing, &null_parameters, &unused_bits, &short_key, &good[..20].to_vec(), &Vec::new()]
    {
        assert_eq!(PublicKey::from_spki_der(bad).unwrap_err(), KeyError::Malformed, "{bad:02x?}");
    }
    let x25519 = bytes(&format!("302a300506032b656e032100{}", "11".repeat(32)));
    assert_eq!(PublicKey::from_spki_der(&x25519).unwrap_err(), KeyError::UnsupportedAlgorithm);
}

#[cfg(feature = "native")]
#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    for kind in [
        KeyKind::Ec(Curve::P256),
        KeyKind::Ec(Curve::P384),
        KeyKind::Ec(Curve::P521),
        KeyKind::Ec(Curve::BrainpoolP256r1),
        KeyKind::Ec(Curve::BrainpoolP512r1),
        KeyKind::Ed25519,
        KeyKind::Ed448,
        KeyKind::Rsa { bits: 2048 },
    ] {
        let key = SoftwareKey::generate(kind).unwrap();
        assert_eq!(key.public_key().kind(), kind);
        let pem = key.to_pkcs8_pem().unwrap();
        let theirs = PKey::private_key_from_pem(pem.as_bytes()).unwrap();
        assert_eq!(theirs.public_key_to_der().unwrap(), key.public_key().spki_der(), "{kind:?}");
        let back = SoftwareKey::from_pkcs8_der(&theirs.private_key_to_pkcs8().unwrap()).unwrap();
        assert_eq!(back.public_key(), key.public_key(), "{kind:?}");
        let back = SoftwareKey::from_pkcs8_pem(&pem).unwrap();
        assert_eq!(*back.to_pkcs8_der().unwrap(), *key.to_pkcs8_der().unwrap());
        let signature = back.sign(back.default_algorithm(), b"message").unwrap();
        assert_eq!(key.public_key().verify(key.default_algorithm(), b"message", &signature), Ok(()), "{kind:?}");
    }
}

#[test]
fn private_keys_are_refused_as_they_deserve() {
    assert_eq!(SoftwareKey::generate(KeyKind::Rsa { bits: 1024 }).unwrap_err(), KeyError::SizeOutOfBounds);
    let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap().private_key_to_pkcs8().unwrap();
    assert_eq!(SoftwareKey::from_pkcs8_der(&small).unwrap_err(), KeyError::SizeOutOfBounds);
    let key = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    let der = key.to_pkcs8_der().unwrap();
    for cut in [0, 1, 10, der.len() - 1] {
        assert!(SoftwareKey::from_pkcs8_der(&der[..cut]).is_err());
    }
    let pem = key.to_pkcs8_pem().unwrap();
    assert_eq!(
        SoftwareKey::from_pkcs8_pem(&pem.replace("PRIVATE KEY", "EC PRIVATE KEY")).unwrap_err(),
        KeyError::Malformed
    );
    // The public point inside belongs to another key.
    let other = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    let mut mixed = der.to_vec();
    let point = other.public_key().subject_public_key();
    let at = mixed.len() - point.len();
    assert_eq!(mixed[at..], *key.public_key().subject_public_key());
    mixed[at..].copy_from_slice(point);
    assert_eq!(SoftwareKey::from_pkcs8_der(&mixed).unwrap_err(), KeyError::Malformed);
}

#[test]
fn a_private_key_does_not_show_itself() {
    let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
    assert_eq!(format!("{key:?}"), "SoftwareKey { kind: Ed25519, .. }");
}

#[cfg(feature = "native")]
#[test]
fn both_sides_agree_on_the_secret() {
    for curve in Curve::ALL {
        let ours = SoftwareKey::generate(KeyKind::Ec(curve)).unwrap();
        let theirs = SoftwareKey::generate(KeyKind::Ec(curve)).unwrap();
        let secret = ours.agree(theirs.public_key(), Cofactor::Ignore).unwrap();
        assert_eq!(secret.len(), curve.field_len());
        assert_eq!(*secret, *theirs.agree(ours.public_key(), Cofactor::Ignore).unwrap(), "{curve:?}");
        let (ephemeral, secret) = ours.public_key().agree_ephemeral(Cofactor::Ignore).unwrap();
        assert_eq!(*secret, *ours.agree(&ephemeral, Cofactor::Ignore).unwrap(), "{curve:?}");

        let private = PKey::private_key_from_pkcs8(&ours.to_pkcs8_der().unwrap()).unwrap();
        let public = PKey::public_key_from_der(theirs.public_key().spki_der()).unwrap();
        let mut oracle = openssl::derive::Deriver::new(&private).unwrap();
        oracle.set_peer(&public).unwrap();
        assert_eq!(
            *ours.agree(theirs.public_key(), Cofactor::Ignore).unwrap(),
            oracle.derive_to_vec().unwrap(),
            "{curve:?}"
        );
    }
    let p256 = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    let brainpool = SoftwareKey::generate(KeyKind::Ec(Curve::BrainpoolP256r1)).unwrap();
    assert_eq!(p256.agree(brainpool.public_key(), Cofactor::Ignore).unwrap_err(), KeyError::WrongOperation);
}

#[cfg(feature = "native")]
#[test]
fn oaep_opens_only_for_its_key() {
    let key = SoftwareKey::generate(KeyKind::Rsa { bits: 2048 }).unwrap();
    let other = SoftwareKey::generate(KeyKind::Rsa { bits: 2048 }).unwrap();
    let ciphertext = key.public_key().encrypt_rsa_oaep(&[7; 32]).unwrap();
    assert_eq!(*key.decrypt_rsa_oaep(&ciphertext).unwrap(), [7; 32]);
    assert_eq!(other.decrypt_rsa_oaep(&ciphertext).unwrap_err(), KeyError::OperationFailed);
    assert_eq!(key.decrypt_rsa_oaep(&ciphertext[1..]).unwrap_err(), KeyError::OperationFailed);
    assert_eq!(key.public_key().encrypt_rsa_oaep(&[7; 300]).unwrap_err(), KeyError::OperationFailed);
    let p256 = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    assert_eq!(p256.decrypt_rsa_oaep(&ciphertext).unwrap_err(), KeyError::WrongOperation);
    assert_eq!(p256.public_key().encrypt_rsa_oaep(&[7; 32]).unwrap_err(), KeyError::WrongOperation);

    let theirs = PKey::private_key_from_pkcs8(&key.to_pkcs8_der().unwrap()).unwrap();
    let mut decrypter = openssl::encrypt::Decrypter::new(&theirs).unwrap();
    decrypter.set_rsa_padding(openssl::rsa::Padding::PKCS1_OAEP).unwrap();
    decrypter.set_rsa_oaep_md(openssl::hash::MessageDigest::sha256()).unwrap();
    decrypter.set_rsa_mgf1_md(openssl::hash::MessageDigest::sha256()).unwrap();
    let mut plaintext = vec![0; decrypter.decrypt_len(&ciphertext).unwrap()];
    let length = decrypter.decrypt(&ciphertext, &mut plaintext).unwrap();
    assert_eq!(plaintext[..length], [7; 32]);
}

#[cfg(feature = "native")]
#[test]
fn old_and_odd_rsa_keys_still_verify() {
    let algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1);
    let wide = BigNum::from_dec_str("18446744073709551557").unwrap();
    for rsa in [Rsa::generate(1024).unwrap(), Rsa::generate_with_e(2048, &wide).unwrap()] {
        let private = PKey::from_rsa(rsa).unwrap();
        let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha1(), &private).unwrap();
        let signature = signer.sign_oneshot_to_vec(b"message").unwrap();
        let key = PublicKey::from_spki_der(&private.public_key_to_der().unwrap()).unwrap();
        assert_eq!(key.verify(algorithm, b"message", &signature), Ok(()));
        assert!(key.verify(algorithm, b"massage", &signature).is_err());
        assert!(key.verify(algorithm, b"message", &[&[0], signature.as_slice()].concat()).is_err());
    }
}

/// A key whose own AlgorithmIdentifier is id-RSASSA-PSS verifies PSS, and only within its parameters (RFC 4055, 3.3).
#[cfg(feature = "native")]
#[test]
fn pss_keys_keep_to_pss() {
    let key = SoftwareKey::generate(KeyKind::Rsa { bits: 2048 }).unwrap();
    let pss = |salt_len| SignatureAlgorithm::RsaPss {
        digest: DigestAlgorithm::Sha256,
        mgf_digest: DigestAlgorithm::Sha256,
        salt_len,
    };
    let with_algorithm = |algorithm: &[u8]| {
        use crate::asn1::{TAG_BIT_STRING, TAG_SEQUENCE, element};
        let bits = element(TAG_BIT_STRING, &[&[0], key.public_key().subject_public_key()]);
        PublicKey::from_spki_der(&element(TAG_SEQUENCE, &[algorithm, &bits])).unwrap()
    };
    let any = with_algorithm(&bytes("300b06092a864886f70d01010a"));
    let bound = with_algorithm(&pss(32).to_algorithm_identifier());
    let sign = |algorithm| key.sign(algorithm, b"message").unwrap();
    let pkcs1 = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    for public in [&any, &bound] {
        use crate::signature::VerifyError;
        assert_eq!(public.kind(), KeyKind::Rsa { bits: 2048 });
        assert_eq!(public.verify(pss(32), b"message", &sign(pss(32))), Ok(()));
        assert_eq!(public.verify(pkcs1, b"message", &sign(pkcs1)), Err(VerifyError::KeyMismatch));
        assert_eq!(public.encrypt_rsa_oaep(b"key").unwrap_err(), KeyError::WrongOperation);
    }
    assert_eq!(any.verify(pss(20), b"message", &sign(pss(20))), Ok(()));
    assert!(bound.verify(pss(20), b"message", &sign(pss(20))).is_err());
    assert_eq!(bound.verify(pss(40), b"message", &sign(pss(40))), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn strangers_keys_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = PublicKey::from_spki_der(&bytes);
        let _ = SoftwareKey::from_pkcs8_der(&bytes);
    }

    #[test]
    fn changed_keys_never_panic(position in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut spki = spki::encode(KeyKind::Ec(Curve::P256), &[4; 65]);
        let position = position.index(spki.len());
        spki[position] = value;
        prop_assert!(PublicKey::from_spki_der(&spki).is_err());
    }
}
