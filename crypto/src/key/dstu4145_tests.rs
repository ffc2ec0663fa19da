//! Keys of DSTU 4145 through the doors that all keys have.

use super::*;
use crate::asn1::{TAG_OCTET_STRING, TAG_SEQUENCE, element, unsigned_integer};
use crate::digest::digest;
use crate::dstu4145::{ByteOrder, Curve, CurveForm, Parameters, PrivateKey, PrivateKeyError};
use crate::signature::VerifyError;

const KIND: KeyKind = KeyKind::Dstu4145(Curve::M257);
const NATIONAL: [DigestAlgorithm; 4] =
    [DigestAlgorithm::Gost34311, DigestAlgorithm::Kupyna256, DigestAlgorithm::Kupyna384, DigestAlgorithm::Kupyna512];

fn pkcs8(parameters: &Parameters, d: &[u8]) -> Vec<u8> {
    let algorithm = spki::dstu4145_algorithm(parameters);
    element(TAG_SEQUENCE, &[&unsigned_integer(&[0]), &algorithm, &element(TAG_OCTET_STRING, &[d])])
}

fn every_form(curve: Curve) -> Vec<Parameters> {
    let mut forms = Vec::new();
    for byte_order in [ByteOrder::Little, ByteOrder::Big] {
        for form in [CurveForm::Named, CurveForm::Explicit] {
            for substitution in [None, Some([0x5a; 64])] {
                forms.push(Parameters { curve, byte_order, form, substitution });
            }
        }
    }
    forms
}

#[test]
fn generated_keys_sign_with_every_national_digest() {
    for curve in [Curve::M257, Curve::M307, Curve::M367, Curve::M431] {
        let key = SoftwareKey::generate(KeyKind::Dstu4145(curve)).unwrap();
        let public = PublicKey::from_spki_der(key.public_key().spki_der()).unwrap();
        assert_eq!((&public, public.kind()), (key.public_key(), KeyKind::Dstu4145(curve)));
        assert_eq!(public.subject_public_key().len(), 2 + curve.field_len());
        assert_eq!(public.subject_public_key()[..2], [TAG_OCTET_STRING, u8::try_from(curve.field_len()).unwrap()]);
        assert_eq!(public.dstu4145().unwrap().parameters, usual_parameters(curve));
        assert_eq!(key.default_algorithm(), SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna256));
        let algorithms = NATIONAL.map(SignatureAlgorithm::Dstu4145).into_iter();
        for algorithm in algorithms.chain([SignatureAlgorithm::Dstu4145BigEndian]) {
            let signature = key.sign(algorithm, b"message").unwrap();
            assert_eq!(signature.len(), 2 * curve.scalar_len());
            assert_eq!(public.verify(algorithm, b"message", &signature), Ok(()), "{algorithm:?}");
            assert_eq!(public.verify(algorithm, b"massage", &signature), Err(VerifyError::Mismatch));
            let hash = digest(algorithm.digest_algorithm().unwrap(), b"message");
            assert_eq!(public.verify_digest(algorithm, &hash, &signature), Ok(()));
            for bad in [&signature[1..], &[], &[0; 64], &[&[4, 64][..], &signature].concat()] {
                assert_eq!(public.verify(algorithm, b"message", bad), Err(VerifyError::Mismatch));
            }
        }
        let reversed: Vec<u8> =
            key.sign(SignatureAlgorithm::Dstu4145BigEndian, b"message").unwrap().into_iter().rev().collect();
        let little = SignatureAlgorithm::Dstu4145(DigestAlgorithm::Gost34311);
        assert_eq!(public.verify(little, b"message", &reversed), Ok(()));
    }
}

#[test]
fn keys_and_algorithms_of_other_families_do_not_mix() {
    let key = SoftwareKey::generate(KIND).unwrap();
    let p256 = SoftwareKey::generate(KeyKind::Ec(super::Curve::P256)).unwrap();
    let dstu = SignatureAlgorithm::Dstu4145(DigestAlgorithm::Gost34311);
    let ecdsa = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let foreign_digest = SignatureAlgorithm::Dstu4145(DigestAlgorithm::Sha256);
    for algorithm in [ecdsa, foreign_digest, SignatureAlgorithm::Ed25519] {
        assert_eq!(key.sign(algorithm, b"message"), Err(KeyError::WrongOperation), "{algorithm:?}");
        assert_eq!(key.public_key().verify(algorithm, b"message", &[1; 64]), Err(VerifyError::KeyMismatch));
    }
    assert_eq!(p256.sign(dstu, b"message"), Err(KeyError::WrongOperation));
    assert_eq!(p256.public_key().verify(dstu, b"message", &[1; 64]), Err(VerifyError::KeyMismatch));
    assert_eq!(key.decrypt_rsa_oaep(&[0; 256]).unwrap_err(), KeyError::WrongOperation);
    assert_eq!(key.public_key().encrypt_rsa_oaep(&[0; 16]).unwrap_err(), KeyError::WrongOperation);
    assert_eq!(key.agree(p256.public_key(), Cofactor::Multiply).unwrap_err(), KeyError::WrongOperation);
    assert_eq!(p256.agree(key.public_key(), Cofactor::Multiply).unwrap_err(), KeyError::WrongOperation);
    let larger = SoftwareKey::generate(KeyKind::Dstu4145(Curve::M431)).unwrap();
    assert_eq!(key.agree(larger.public_key(), Cofactor::Multiply).unwrap_err(), KeyError::WrongOperation);
}

#[test]
fn every_form_of_parameters_is_kept() {
    for curve in [Curve::M257, Curve::M431] {
        let private = PrivateKey::generate(curve).unwrap();
        for parameters in every_form(curve) {
            let der = pkcs8(&parameters, &private.to_bytes(parameters.byte_order));
            let key = SoftwareKey::from_pkcs8_der(&der).unwrap();
            assert_eq!(*key.to_pkcs8_der().unwrap(), der);
            let public = *key.public_key().dstu4145().unwrap();
            assert_eq!(public, SubjectPublicKey { key: *private.public_key(), parameters });
            assert_eq!(key.public_key().spki_der(), public.to_spki_der());
            let other = SoftwareKey::from_dstu4145(&private, &parameters).unwrap();
            assert_eq!(*other.to_pkcs8_der().unwrap(), der);
            let again = SoftwareKey::from_pkcs8_pem(&key.to_pkcs8_pem().unwrap()).unwrap();
            assert_eq!(again.public_key(), key.public_key());
            let signature = key.sign(key.default_algorithm(), b"message").unwrap();
            assert_eq!(again.public_key().verify(key.default_algorithm(), b"message", &signature), Ok(()));
            let (ephemeral, secret) = key.public_key().agree_ephemeral(Cofactor::Multiply).unwrap();
            assert_eq!(ephemeral.dstu4145().unwrap().parameters, parameters);
            assert_eq!(secret, key.agree(&ephemeral, Cofactor::Multiply).unwrap());
            assert_ne!(secret, key.agree(&ephemeral, Cofactor::Ignore).unwrap());
        }
    }
    let parameters = usual_parameters(Curve::M431);
    let refusal = SoftwareKey::from_dstu4145(&PrivateKey::generate(Curve::M257).unwrap(), &parameters).unwrap_err();
    assert_eq!(refusal, KeyError::WrongOperation);
}

#[test]
fn refused_keys_say_why() {
    let parameters = usual_parameters(Curve::M257);
    let read = |d: &[u8]| SoftwareKey::from_pkcs8_der(&pkcs8(&parameters, d)).map(|_| ()).unwrap_err();
    assert_eq!(read(&[0; 32]), KeyError::InvalidScalar);
    assert_eq!(read(&[0xff; 32]), KeyError::InvalidScalar);
    assert_eq!(read(&[1; 31]), KeyError::Malformed);
    assert_eq!(read(&[1; 37]), KeyError::Malformed);
    // As IIT writes it.
    assert!(SoftwareKey::from_pkcs8_der(&pkcs8(&parameters, &[[1; 32].as_slice(), &[0; 4]].concat())).is_ok());

    for curve in [Curve::M163, Curve::M233] {
        assert_eq!(SoftwareKey::generate(KeyKind::Dstu4145(curve)).unwrap_err(), KeyError::SizeOutOfBounds);
        let small = PrivateKey::generate(curve).unwrap();
        let der = pkcs8(&usual_parameters(curve), &small.to_bytes(ByteOrder::Little));
        assert_eq!(SoftwareKey::from_pkcs8_der(&der).unwrap_err(), KeyError::SizeOutOfBounds);
        // What was signed with it can still be verified.
        let public = SubjectPublicKey { key: *small.public_key(), parameters: usual_parameters(curve) }.to_spki_der();
        assert_eq!(PublicKey::from_spki_der(&public).unwrap().kind(), KeyKind::Dstu4145(curve));
    }

    let good = SoftwareKey::generate(KIND).unwrap().public_key().spki_der().to_vec();
    let read = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut spki = good.clone();
        change(&mut spki);
        PublicKey::from_spki_der(&spki).map(|_| ()).unwrap_err()
    };
    // A spare bit of the point; the last octet of the base point; a curve that is not written out as it should be.
    assert_eq!(read(&|spki| *spki.last_mut().unwrap() |= 0x80), KeyError::InvalidPoint);
    let base = good.windows(2).position(|window| window == [0xb6, 0x0f]).unwrap();
    assert_eq!(read(&|spki| spki[base] ^= 1), KeyError::UnsupportedCurve);
    assert_eq!(read(&|spki| spki.push(0)), KeyError::Malformed);
    assert_eq!(read(&|spki| spki.truncate(100)), KeyError::Malformed);
}

#[test]
fn a_private_key_does_not_show_itself() {
    let key = SoftwareKey::generate(KIND).unwrap();
    assert_eq!(format!("{key:?}"), "SoftwareKey { kind: Dstu4145(M257), .. }");
}

/// Old documents are verified with them; nothing new is made.
#[test]
fn keys_in_optimal_normal_basis_verify_and_do_nothing_else() {
    // Base points are keys: those of d = n − 1.
    let bases = [
        (Curve::Normal173, "0A3B8B8D704089B24318CAA51917CB6E424B4E6DEA56"),
        (
            Curve::Normal431,
            "2020182CFCD7C724157B363D4ABFD4C16251773C595D4E5C88572FA9D5EBB58142326448C08D3EE3E17E40B835D3090DCFBA7C5ADEA6",
        ),
    ];
    for (curve, base) in bases {
        let point = crate::digest::from_hex(base).unwrap();
        let key = dstu4145::PublicKey::from_bytes(curve, ByteOrder::Big, &point).unwrap();
        let parameters =
            Parameters { curve, byte_order: ByteOrder::Little, form: CurveForm::Explicit, substitution: None };
        let public = PublicKey::from_spki_der(&SubjectPublicKey { key, parameters }.to_spki_der()).unwrap();
        assert_eq!(public.kind(), KeyKind::Dstu4145(curve));
        let signature = vec![1; 2 * curve.scalar_len()];
        for (algorithm, refusal) in [
            (SignatureAlgorithm::Dstu4145Normal(ByteOrder::Little), VerifyError::Mismatch),
            (SignatureAlgorithm::Dstu4145Normal(ByteOrder::Big), VerifyError::Mismatch),
            (SignatureAlgorithm::Dstu4145(DigestAlgorithm::Gost34311), VerifyError::KeyMismatch),
            (SignatureAlgorithm::Dstu4145BigEndian, VerifyError::KeyMismatch),
        ] {
            assert_eq!(public.verify(algorithm, b"message", &signature), Err(refusal), "{curve:?} {algorithm:?}");
        }
        assert_eq!(public.agree_ephemeral(Cofactor::Multiply).unwrap_err(), KeyError::UnsupportedAlgorithm);
        let refusal = SoftwareKey::generate(KeyKind::Dstu4145(curve)).unwrap_err();
        let small = curve.degree() < 257;
        assert_eq!(refusal, if small { KeyError::SizeOutOfBounds } else { KeyError::UnsupportedAlgorithm });
        assert_eq!(PrivateKey::generate(curve).unwrap_err(), PrivateKeyError::NormalBasis);
        let number = vec![1; curve.scalar_len()];
        let refusal = PrivateKey::from_bytes(curve, ByteOrder::Little, &number).unwrap_err();
        assert_eq!(refusal, PrivateKeyError::NormalBasis);
    }
    let key = SoftwareKey::generate(KeyKind::Dstu4145(Curve::M257)).unwrap();
    let algorithm = SignatureAlgorithm::Dstu4145Normal(ByteOrder::Little);
    assert_eq!(key.sign(algorithm, b"message").unwrap_err(), KeyError::WrongOperation);
    assert_eq!(key.public_key().verify(algorithm, b"message", &[1; 64]), Err(VerifyError::KeyMismatch));
}
