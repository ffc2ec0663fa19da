use super::*;
use crate::digest::{digest, from_hex};
use crate::key::{Curve, KeyHandle, SoftwareKey};

fn bytes(hex: &str) -> Vec<u8> {
    from_hex(hex).unwrap()
}

fn key(provider: Provider, spki_head: &str, raw: &str) -> PublicKey {
    PublicKey::read(provider, &bytes(&format!("{spki_head}{raw}"))).unwrap()
}

fn ecdsa_value(r: &str, s: &str) -> Vec<u8> {
    use crate::asn1::{TAG_SEQUENCE, element, unsigned_integer};
    element(TAG_SEQUENCE, &[&unsigned_integer(&bytes(r)), &unsigned_integer(&bytes(s))])
}

const P256_SPKI: &str = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
const P384_SPKI: &str = "3076301006072a8648ce3d020106052b8104002203620004";
const ED25519_SPKI: &str = "302a300506032b6570032100";

/// RFC 6979, A.2.5 and A.2.6: message "sample".
#[test]
fn ecdsa_of_rfc_6979_verifies() {
    let cases = [
        (
            P256_SPKI,
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
            DigestAlgorithm::Sha256,
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ),
        (
            P384_SPKI,
            "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
            DigestAlgorithm::Sha384,
            "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46",
            "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
        ),
    ];
    for provider in Provider::COMPILED {
        for (head, point, digest_algorithm, r, s) in cases {
            let key = key(*provider, head, point);
            let value = ecdsa_value(r, s);
            let algorithm = SignatureAlgorithm::Ecdsa(digest_algorithm);
            assert_eq!(key.verify_with(*provider, algorithm, b"sample", &value), Ok(()), "{provider:?}");
            assert_eq!(key.verify_with(*provider, algorithm, b"Sample", &value), Err(VerifyError::Mismatch));
            let digest = digest(digest_algorithm, b"sample");
            assert_eq!(key.verify_digest_with(*provider, algorithm, &digest, &value), Ok(()), "{provider:?}");
        }
    }
}

/// RFC 8032, 7.1 test 2 and 7.4 "Blank".
#[test]
fn eddsa_of_rfc_8032_verifies() {
    let signature = bytes(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    for provider in Provider::COMPILED {
        let key = key(*provider, ED25519_SPKI, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let verify = |message: &[u8]| key.verify_with(*provider, SignatureAlgorithm::Ed25519, message, &signature);
        assert_eq!(verify(&[0x72]), Ok(()), "{provider:?}");
        assert_eq!(verify(&[0x73]), Err(VerifyError::Mismatch), "{provider:?}");
    }
}

#[cfg(feature = "native")]
#[test]
fn ed448_of_rfc_8032_verifies() {
    let key = key(
        Provider::Native,
        "3043300506032b6571033a00",
        "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180",
    );
    let signature = bytes(
        "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e652600",
    );
    assert_eq!(key.verify(SignatureAlgorithm::Ed448, b"", &signature), Ok(()));
    assert_eq!(key.verify(SignatureAlgorithm::Ed448, b" ", &signature), Err(VerifyError::Mismatch));
}

#[test]
fn a_signature_of_another_kind_of_key_is_refused() {
    let key = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let signature = key.sign(algorithm, b"message").unwrap();
    let public = key.public_key();
    for foreign in [SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256), SignatureAlgorithm::Ed25519] {
        assert_eq!(public.verify(foreign, b"message", &signature), Err(VerifyError::KeyMismatch));
    }
    let other = digest(DigestAlgorithm::Sha384, b"message");
    assert_eq!(public.verify_digest(algorithm, &other, &signature), Err(VerifyError::Mismatch));
    let same = digest(DigestAlgorithm::Sha256, b"message");
    assert_eq!(
        public.verify_digest(SignatureAlgorithm::Ed25519, &same, &signature),
        Err(VerifyError::UnsupportedAlgorithm)
    );
}

#[test]
fn broken_signature_values_are_mismatches() {
    let key = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    // In the native provider aws-lc-rs serves the first and OpenSSL the second.
    for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha3_256].map(SignatureAlgorithm::Ecdsa) {
        let good = key.sign(algorithm, b"message").unwrap();
        let mut long_form = good.clone();
        long_form.insert(1, 0x81);
        let bad = [
            Vec::new(),
            good[..good.len() - 1].to_vec(),
            [good.as_slice(), &[0]].concat(),
            long_form,
            ecdsa_value("00", "00"),
            ecdsa_value("01", "00"),
            ecdsa_value(order, order),
            vec![0xff; 5000],
        ];
        for provider in Provider::COMPILED {
            let public = PublicKey::read(*provider, key.public_key().spki_der()).unwrap();
            assert_eq!(public.verify_with(*provider, algorithm, b"message", &good), Ok(()), "{provider:?}");
            for value in &bad {
                let verdict = public.verify_with(*provider, algorithm, b"message", value);
                assert_eq!(verdict, Err(VerifyError::Mismatch), "{provider:?} {value:02x?}");
            }
        }
    }
}

fn every_algorithm() -> Vec<SignatureAlgorithm> {
    let mut all = vec![SignatureAlgorithm::Ed25519, SignatureAlgorithm::Ed448];
    for digest in DigestAlgorithm::ALL {
        all.push(SignatureAlgorithm::RsaPkcs1(digest));
        all.push(SignatureAlgorithm::Ecdsa(digest));
        for mgf_digest in DigestAlgorithm::ALL {
            for salt_len in [0, 20, 32, 64, 300] {
                all.push(SignatureAlgorithm::RsaPss { digest, mgf_digest, salt_len });
            }
        }
    }
    all
}

/// National digests have no OID with RSA or ECDSA: the SignerInfo names them.
fn named_apart(algorithm: SignatureAlgorithm) -> Option<DigestAlgorithm> {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) | SignatureAlgorithm::Ecdsa(digest) if digest.is_national() => {
            Some(digest)
        }
        _ => None,
    }
}

#[test]
fn identifiers_come_back() {
    for algorithm in every_algorithm() {
        let der = algorithm.to_algorithm_identifier();
        let raw = asn1::read_all(&der, asn1::RawAlgorithm::read).unwrap();
        let named = named_apart(algorithm);
        let back = SignatureAlgorithm::from_algorithm_identifier(&raw.oid.to_string(), raw.parameters, named);
        assert_eq!(back, Ok(algorithm));
    }
}

/// RFC 4055, 3.1: `rSASSA-PSS-SHA256-Identifier`, with the trailer written out as some encoders do.
#[test]
fn pss_parameters_are_read_with_their_defaults() {
    let read = |parameters: &str| {
        SignatureAlgorithm::from_algorithm_identifier("1.2.840.113549.1.1.10", Some(&bytes(parameters)), None)
    };
    let defaults =
        SignatureAlgorithm::RsaPss { digest: DigestAlgorithm::Sha1, mgf_digest: DigestAlgorithm::Sha1, salt_len: 20 };
    assert_eq!(read("3000"), Ok(defaults));
    let sha256 =
        "a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120";
    let expected = SignatureAlgorithm::RsaPss {
        digest: DigestAlgorithm::Sha256,
        mgf_digest: DigestAlgorithm::Sha256,
        salt_len: 32,
    };
    assert_eq!(read(&format!("3034{sha256}")), Ok(expected));
    assert_eq!(read(&format!("3039{sha256}a303020101")), Ok(expected));
    assert_eq!(expected.to_algorithm_identifier(), bytes(&format!("304106092a864886f70d01010a3034{sha256}")));
    let refused = [
        format!("3039{sha256}a303020102"),
        format!("3034{}", sha256.replace("06092a864886f70d010108", "06092a864886f70d010109")),
        format!("3034{}", sha256.replace("a203020120", "a2030201ff")),
        "3003a30101".to_owned(),
        "0500".to_owned(),
        String::new(),
    ];
    for parameters in refused {
        assert_eq!(read(&parameters), Err(VerifyError::UnsupportedAlgorithm), "{parameters}");
    }
    let absent = SignatureAlgorithm::from_algorithm_identifier("1.2.840.113549.1.1.10", None, None);
    assert_eq!(absent, Err(VerifyError::UnsupportedAlgorithm));
}

#[test]
fn key_oids_need_the_digest_of_the_signer_info() {
    let read = SignatureAlgorithm::from_algorithm_identifier;
    let null = Some(&[5u8, 0][..]);
    let sha512 = Some(DigestAlgorithm::Sha512);
    assert_eq!(read("1.2.840.113549.1.1.1", null, sha512), Ok(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512)));
    assert_eq!(read("1.2.840.10045.2.1", None, sha512), Ok(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512)));
    let curve = bytes("06082a8648ce3d030107");
    assert_eq!(read("1.2.840.10045.2.1", Some(&curve), sha512), Ok(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512)));
    for oid in ["1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.2.840.113549.1.1.4", "1.2.3", "", "not an oid"] {
        assert_eq!(read(oid, null, None), Err(VerifyError::UnsupportedAlgorithm), "{oid}");
    }
    let junk = Some(&[4u8, 0][..]);
    for oid in ["1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", "1.3.101.112", "1.2.840.113549.1.1.1"] {
        assert_eq!(read(oid, junk, sha512), Err(VerifyError::UnsupportedAlgorithm), "{oid}");
    }
    assert_eq!(read("1.3.101.112", null, None), Err(VerifyError::UnsupportedAlgorithm), "RFC 8410, 3");
}

/// Every OID of DSTU 4145 that a signature may carry, without its arc, and what it means.
#[test]
fn dstu_4145_has_its_oids_in_both_directions() {
    use crate::dstu4145::{ByteOrder, Curve, CurveForm, Parameters};
    use DigestAlgorithm::{Gost34311, Kupyna256, Kupyna384, Kupyna512};
    let read = |oid: &str, parameters: Option<&[u8]>| {
        let oid = format!("1.2.804.2.1.1.1.1.3.{oid}");
        SignatureAlgorithm::from_algorithm_identifier(&oid, parameters, None)
    };
    for (oid, algorithm, written) in [
        ("1.1", SignatureAlgorithm::Dstu4145(Gost34311), true),
        ("1.1.1.1", SignatureAlgorithm::Dstu4145BigEndian, true),
        ("1.2", SignatureAlgorithm::Dstu4145Normal(ByteOrder::Little), true),
        ("1.2.1.1", SignatureAlgorithm::Dstu4145Normal(ByteOrder::Big), true),
        ("6.1", SignatureAlgorithm::Dstu4145(Kupyna256), false),
        ("6.1.1", SignatureAlgorithm::Dstu4145(Kupyna256), true),
        ("6.2", SignatureAlgorithm::Dstu4145(Kupyna384), false),
        ("6.2.1", SignatureAlgorithm::Dstu4145(Kupyna384), true),
        ("6.3", SignatureAlgorithm::Dstu4145(Kupyna512), false),
        ("6.3.1", SignatureAlgorithm::Dstu4145(Kupyna512), true),
    ] {
        assert_eq!(read(oid, None), Ok(algorithm));
        assert_eq!(read(oid, Some(&asn1::NULL)), Ok(algorithm));
        assert_eq!(read(oid, Some(&[0x30, 0])), Err(VerifyError::UnsupportedAlgorithm));
        let der = algorithm.to_algorithm_identifier();
        let last = u8::try_from(oid.split('.').next_back().unwrap().parse::<u32>().unwrap()).unwrap();
        let arcs = oid.split('.').count();
        assert_eq!(usize::from(der[3]) == 9 + arcs && der.last() == Some(&last), written, "{oid} {der:02x?}");
    }
    for oid in ["1.3", "1.2.1", "1.1.1", "6", "6.4", "6.1.2", "6.1.1.1"] {
        assert_eq!(read(oid, None), Err(VerifyError::UnsupportedAlgorithm), "{oid}");
    }
    // Parameters of the key repeated: as the OID says, whichever curve they name; of the other byte order they are none.
    for byte_order in [ByteOrder::Little, ByteOrder::Big] {
        let form = CurveForm::Explicit;
        let parameters = Parameters { curve: Curve::M257, byte_order, form, substitution: Some([7; 64]) }.to_der();
        let of_its_order = |algorithm, wanted| {
            if byte_order == wanted { Ok(algorithm) } else { Err(VerifyError::UnsupportedAlgorithm) }
        };
        let little = of_its_order(SignatureAlgorithm::Dstu4145(Gost34311), ByteOrder::Little);
        let big = of_its_order(SignatureAlgorithm::Dstu4145BigEndian, ByteOrder::Big);
        assert_eq!((read("1.1", Some(&parameters)), read("1.1.1.1", Some(&parameters))), (little, big));
        assert_eq!(read("6.1.1", Some(&parameters)), Err(VerifyError::UnsupportedAlgorithm));
    }
}

#[test]
fn in_a_bit_string_dstu_4145_stands_inside_an_octet_string() {
    let algorithm = SignatureAlgorithm::Dstu4145(DigestAlgorithm::Gost34311);
    let wrapped = algorithm.value_to_bit_string(vec![7; 64]);
    assert_eq!(wrapped[..2], [4, 64]);
    assert_eq!(algorithm.value_in_bit_string(&wrapped), Some(&[7; 64][..]));
    for bad in [&wrapped[2..], &wrapped[..65], &[&wrapped[..], &[0]].concat(), &[]] {
        assert_eq!(algorithm.value_in_bit_string(bad), None, "{bad:02x?}");
    }
    let other = SignatureAlgorithm::Ed25519;
    assert_eq!(other.value_in_bit_string(&[7; 64]), Some(&[7; 64][..]));
    assert_eq!(other.value_to_bit_string(vec![7; 64]), [7; 64]);
}
