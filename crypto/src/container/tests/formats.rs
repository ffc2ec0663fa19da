//! Round trips, known answers, and the corners of each format.

use super::*;
use crate::asn1::unsigned_integer;
use crate::container::ber::{BIT_STRING, BMP_STRING, CONTEXT_0, SET};
use crate::container::derive::{Prf, Purpose};
use crate::container::pkcs12::{CERTIFICATE_BAG, DATA, FRIENDLY_NAME, KEY_BAG, SAFE_CONTENTS_BAG, SHROUDED_KEY_BAG};
use crate::container::write::content_info;
use crate::dstu4145::{ByteOrder, Curve, CurveForm, Parameters as CurveParameters};
use crate::gost28147::{Dke, Gost28147};
use crate::key::{KeyHandle, KeyKind, SoftwareKey};

#[test]
fn what_is_written_is_read_again() {
    let identity = Identity::generate();
    let container = identity.container("Ключ №1");
    for parameters in [MODERN, NATIONAL] {
        let secret = password("слово 1");
        let read = Container::read(&parameters.pkcs12(&container, &secret).unwrap(), &secret).unwrap();
        assert_eq!((keys(&read), certificates(&read)), (keys(&container), certificates(&container)));
        assert_eq!(read.keys[0].friendly_name(), Some("Ключ №1"));
        assert_eq!(read.keys[0].local_key_id(), Some(&[1, 2, 3][..]));
        assert_eq!(read.certificates, container.certificates);

        let encrypted = parameters.encrypted_key(&container.keys[0], &secret).unwrap();
        assert_eq!(Format::detect(&encrypted), Ok(Format::EncryptedPkcs8));
        assert_eq!(keys(&Container::read(&encrypted, &secret).unwrap()), keys(&container));
    }
}

#[test]
fn the_public_writers_use_the_documented_figures() {
    let secret = password("secret");
    let key = signing_key();
    for (protection, iterations) in [(Protection::Modern, 600_000_u32), (Protection::National, 10_000)] {
        let count = unsigned_integer(&iterations.to_be_bytes());
        let has_count = |der: &[u8]| der.windows(count.len()).filter(|window| *window == count).count();
        let encrypted = key.to_encrypted_pkcs8_der(&secret, protection).unwrap();
        assert_eq!(has_count(&encrypted), 1, "{protection:?}");
        assert_eq!(keys(&Container::read(&encrypted, &secret).unwrap()), [key.pkcs8_der()]);
        let pfx = Container::new(vec![key.clone()], Vec::new()).to_pkcs12_der(&secret, protection).unwrap();
        assert_eq!(has_count(&pfx), 2, "{protection:?}");
        assert_eq!(keys(&Container::read(&pfx, &secret).unwrap()), [key.pkcs8_der()]);
    }
}

#[test]
fn pem_is_read_and_written() {
    let key = contained(&small_pkcs8());
    let plain = key.to_pkcs8_pem().unwrap();
    assert_eq!(Format::detect(plain.as_bytes()), Ok(Format::Pkcs8));
    assert_eq!(keys(&Container::read(plain.as_bytes(), &password("")).unwrap()), [small_pkcs8()]);
    let encrypted = key.to_encrypted_pkcs8_pem(&password("a"), Protection::National).unwrap();
    assert!(encrypted.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert_eq!(keys(&Container::read(encrypted.as_bytes(), &password("a")).unwrap()), [small_pkcs8()]);
}

#[test]
fn writing_refuses_what_reading_would_refuse() {
    let one = Container::new(vec![contained(&small_pkcs8())], Vec::new());
    let costly = Parameters { iterations: 10_000_001, ..MODERN };
    assert_eq!(costly.pkcs12(&one, &password("a")).unwrap_err(), ContainerError::TooManyIterations);
    let large = ContainedCertificate { der: vec![0x30; MAX_BYTES], friendly_name: None, local_key_id: None };
    let large = Container::new(Vec::new(), vec![large]);
    assert_eq!(MODERN.pkcs12(&large, &password("a")).unwrap_err(), ContainerError::TooLarge);
}

#[test]
fn jks_of_both_versions() {
    for version in [1, 2] {
        let store = jks_file(version, &small_pkcs8(), b"certificate", "store", "store");
        assert_eq!(Format::detect(&store), Ok(Format::Jks));
        let read = Container::read(&store, &password("store")).unwrap();
        assert_eq!(keys(&read), [small_pkcs8()]);
        assert_eq!(read.keys[0].friendly_name(), Some("mine"));
        assert_eq!(certificates(&read), [b"certificate", b"certificate"]);
        assert_eq!(read.certificates[0].friendly_name.as_deref(), Some("mine"));
        assert_eq!(read.certificates[1].friendly_name.as_deref(), Some("theirs"));
    }
    let store = jks_file(2, &small_pkcs8(), b"certificate", "store", "ключ");
    let read = Container::read_with_key_password(&store, &password("store"), &password("ключ")).unwrap();
    assert_eq!(keys(&read), [small_pkcs8()]);
}

/// gost89, test/test-util.js: "123123" hashed 10 000 times.
#[test]
fn key6_derives_the_published_key() {
    let expected = from_hex("3709d09a3574045a52ee9ac65d6277282e065abc597ab0330bd275446230b6a6").unwrap();
    let (mut ours, mut theirs) = ([7; 8], [7; 8]);
    key6::cipher(b"123123").unwrap().encrypt_ecb(&mut ours).unwrap();
    Gost28147::new(&expected, Dke::NUMBER_1).unwrap().encrypt_ecb(&mut theirs).unwrap();
    assert_eq!(ours, theirs);
}

/// gost89, test/test-util.js.
#[test]
fn pbkdf2_with_gost34311_derives_the_published_key() {
    let salt = from_hex("31a58dc1462981189cf6c701e276c7553a5ab5f6e36d8418e4aa40c930cf3876").unwrap();
    let prf = Prf::from_oid("1.2.804.2.1.1.1.1.1.2").unwrap();
    for (iterations, expected) in [
        (1, "b1d0fba9e976971b3f0eb3db1d574f972a862d68f67eadaa7ca9161b76f368da"),
        (10_000, "c4e7f788e60c731a2cfedd300af67bd2ee9458532a793e5280ae7f8c1e562e44"),
    ] {
        let key = derive::pbkdf2(prf, b"password", &salt, iterations, 32, &mut Budget::new()).unwrap();
        assert_eq!(*key, from_hex(expected).unwrap());
    }
}

/// OpenSSL's test/recipes/30-test_evp_data/evppbe_pkcs12.txt, which took them from PKCS#12's authors: SHA-1, password "smeg" and "queeg".
#[test]
fn pkcs12_derives_the_published_keys() {
    let smeg = from_hex("0073006d006500670000").unwrap();
    let queeg = from_hex("007100750065006500670000").unwrap();
    let cases = [
        (Purpose::Encryption, &smeg, "0a58cf64530d823f", 1, "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"),
        (Purpose::InitialisationVector, &smeg, "0a58cf64530d823f", 1, "79993dfe048d3b76"),
        (Purpose::Mac, &smeg, "3d83c0e4546ac140", 1, "8d967d88f6caa9d714800ab3d48051d63f73a312"),
        (Purpose::Encryption, &queeg, "05dec959acff72f7", 1000, "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4"),
        (Purpose::InitialisationVector, &queeg, "05dec959acff72f7", 1000, "11dedad7758d4860"),
        (Purpose::Mac, &queeg, "263216fcc2fab31c", 1000, "5ec4c7a80df652294c3925b6489a7ab857c83476"),
    ];
    for (purpose, password, salt, iterations, expected) in cases {
        let (salt, expected) = (from_hex(salt).unwrap(), from_hex(expected).unwrap());
        let length = expected.len();
        let mut budget = Budget::new();
        let key =
            derive::pkcs12(DigestAlgorithm::Sha1, purpose, password, &salt, iterations, length, &mut budget).unwrap();
        assert_eq!(*key, expected, "{purpose:?}");
    }
}

#[test]
fn hmac_agrees_with_the_modules_that_have_their_own() {
    for length in [0, 20, 32, 33, 64, 65, 200] {
        let key = vec![0x5a; length];
        let sha256 = derive::hmac(DigestAlgorithm::Sha256, &key, b"message");
        assert_eq!(sha256.as_bytes(), crate::digest::hmac_sha256(&key, b"message"));
        let gost = derive::hmac(DigestAlgorithm::Gost34311, &key, b"message");
        assert_eq!(gost.as_bytes(), crate::gost34311::hmac(&Dke::NUMBER_1, &key, b"message"));
        let kupyna = derive::hmac(DigestAlgorithm::Kupyna512, &key, b"message");
        assert_eq!(kupyna.as_bytes(), crate::kupyna::hmac(crate::kupyna::Width::BITS_512, &key, b"message"));
        for (digest, theirs) in [
            (DigestAlgorithm::Sha1, MessageDigest::sha1()),
            (DigestAlgorithm::Sha512, MessageDigest::sha512()),
            (DigestAlgorithm::Sha3_224, MessageDigest::sha3_224()),
        ] {
            let theirs = hmac_of_openssl(theirs, &key, b"message");
            if length > 0 && (digest != DigestAlgorithm::Sha3_224 || cfg!(feature = "native")) {
                assert_eq!(derive::hmac(digest, &key, b"message").as_bytes(), theirs, "{digest:?} {length}");
            }
        }
    }
}

fn hmac_of_openssl(digest: MessageDigest, key: &[u8], message: &[u8]) -> Vec<u8> {
    let Ok(key) = PKey::hmac(if key.is_empty() { &[0] } else { key }) else { return Vec::new() };
    openssl::sign::Signer::new(digest, &key).unwrap().sign_oneshot_to_vec(message).unwrap()
}

/// `Attribute ::= SEQUENCE { type, SET { value } }`.
fn attribute(oid: &str, value: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&object_identifier(oid), &element(SET, &[value])])
}

/// Explicit parameters as IIT has them in attributes: big-endian, the exponents of the pentanomial falling, two substitutions.
fn agreement_parameters(curve: Curve, dke: &[u8], key_dke: &[u8]) -> Vec<u8> {
    let parameters =
        CurveParameters { curve, byte_order: ByteOrder::Big, form: CurveForm::Explicit, substitution: None };
    let mut der = parameters.to_der();
    if curve.degree() == 431 {
        let rising = from_hex("3009020101020103020105").unwrap();
        let place = der.windows(rising.len()).position(|window| window == rising).unwrap();
        der[place..place + rising.len()].copy_from_slice(&from_hex("3009020105020103020101").unwrap());
    }
    let curve = Fields::of_sequence(&der, "").unwrap().next().unwrap().whole.to_vec();
    element(SEQUENCE, &[&curve, &element(OCTET_STRING, &[dke]), &element(OCTET_STRING, &[key_dke])])
}

/// The signing key with an agreement key over `curve` in its attributes, `d` little-endian.
fn with_agreement_key(parameters: &[u8], d: &[u8]) -> Vec<u8> {
    let signing = signing_key();
    let bits: Vec<u8> = d.iter().map(|byte| byte.reverse_bits()).collect();
    let attributes = [
        attribute("1.3.6.1.4.1.19398.1.1.2.1", &element(OCTET_STRING, &[&[1; 32]])),
        attribute(key6::AGREEMENT_PARAMETERS, parameters),
        attribute(key6::AGREEMENT_KEY, &element(BIT_STRING, &[&[0], &bits])),
    ];
    let fields = &signing.pkcs8_der()[3..];
    assert_eq!(fields[..3], [2, 1, 0]);
    element(SEQUENCE, &[fields, &element(CONTEXT_0, &[&attributes.concat()])])
}

#[test]
fn key6_holds_a_signing_and_an_agreement_key() {
    let mut key_dke = *Dke::NUMBER_1.packed();
    key_dke.rotate_left(8);
    for curve in [Curve::M257, Curve::M431] {
        let d: Vec<u8> = (1..).take(curve.field_len() - 1).collect();
        let parameters = agreement_parameters(curve, Dke::NUMBER_1.packed(), &key_dke);
        let pkcs8 = with_agreement_key(&parameters, &d);
        let file = key6_file(&pkcs8, "пароль");
        assert_eq!(Format::detect(&file), Ok(Format::Key6));
        let read = Container::read(&file, &password("пароль")).unwrap();
        assert_eq!(read.keys.len(), 2);
        assert_eq!(read.keys[0].pkcs8_der(), pkcs8);
        let second = PrivateKeyInfo::read(read.keys[1].pkcs8_der()).unwrap();
        assert_eq!(second.private_key.len(), curve.scalar_len());
        assert!(second.private_key.starts_with(&d));
        let handle = SoftwareKey::from_pkcs8_der(read.keys[1].pkcs8_der()).unwrap();
        assert_eq!(handle.public_key().kind(), KeyKind::Dstu4145(curve));
        let oid = second.algorithm.oid.to_string();
        assert_eq!(oid, "1.2.804.2.1.1.1.1.3.1.1");
        let parameters = CurveParameters::from_algorithm(&oid, second.algorithm.parameters.unwrap().whole).unwrap();
        assert_eq!(parameters.curve, curve);
        assert_eq!(parameters.form, CurveForm::Explicit);
        assert_eq!(parameters.substitution, Some(key_dke));
    }
}

#[test]
fn agreement_keys_come_out_of_every_format() {
    let curve = Curve::M431;
    let d: Vec<u8> = (1..=54).collect();
    let named = element(SEQUENCE, &[&object_identifier(curve.oid())]);
    let pkcs8 = with_agreement_key(&named, &d);
    let secret = password("a");
    let container = Container::new(vec![contained(&pkcs8)], Vec::new());
    let pfx = NATIONAL.pkcs12(&container, &secret).unwrap();
    let encrypted = NATIONAL.encrypted_key(&container.keys[0], &secret).unwrap();
    let jks = jks_file(2, &pkcs8, b"certificate", "a", "a");
    for file in [&pkcs8, &pfx, &encrypted, &jks] {
        let read = Container::read(file, &secret).unwrap();
        assert_eq!(read.keys.len(), 2, "{:?}", Format::detect(file));
        assert_eq!(PrivateKeyInfo::read(read.keys[1].pkcs8_der()).unwrap().private_key, d);
    }
    // Written out with both keys it does not multiply.
    let read = Container::read(&pfx, &secret).unwrap();
    let again = Container::read(&NATIONAL.pkcs12(&read, &secret).unwrap(), &secret).unwrap();
    assert_eq!(keys(&again), keys(&read));
}

#[test]
fn attributes_without_a_key_are_no_error_and_broken_ones_are() {
    let curve = element(SEQUENCE, &[&object_identifier(Curve::M257.oid())]);
    let read = |parameters: &[u8], d: &[u8]| Container::read(&with_agreement_key(parameters, d), &password(""));
    assert_eq!(read(&curve, &[]).unwrap().keys.len(), 1);
    // Out of range it is a key that no handle takes.
    let large = read(&curve, &[0xff; 40]).unwrap();
    assert!(SoftwareKey::from_pkcs8_der(large.keys[1].pkcs8_der()).is_err());
    let foreign = element(SEQUENCE, &[&object_identifier("1.2.3.4")]);
    assert!(matches!(read(&foreign, &[1]), Err(ContainerError::UnknownScheme { .. })));
    let mut shifted = agreement_parameters(Curve::M257, &[0; 64], &[0; 64]);
    // One octet of the base point: no recommended curve.
    let place = shifted.len() - 2 * 66 - 1;
    shifted[place] ^= 1;
    assert!(matches!(read(&shifted, &[1]), Err(ContainerError::UnknownScheme { .. })));
    let short = element(SEQUENCE, &[&object_identifier(Curve::M257.oid()), &element(OCTET_STRING, &[&[0; 63]])]);
    assert!(matches!(read(&short, &[1]), Err(ContainerError::Malformed { .. })));
}

#[test]
fn raw_keys_get_the_parameters_of_their_curve() {
    let key = signing_key();
    let info = PrivateKeyInfo::read(key.pkcs8_der()).unwrap();
    let parameters = info.algorithm.parameters.unwrap().whole;
    let parameters = CurveParameters::from_algorithm(&key.algorithm_oid(), parameters).unwrap();
    assert_eq!(parameters.curve.degree(), 257);
    assert_eq!(parameters.substitution.as_ref(), Some(Dke::NUMBER_1.packed()));
    for refused in [&[][..], &[1; 31], &[1; 33]] {
        assert!(ContainedKey::from_raw_dstu4145(Curve::M257, refused).is_err());
    }
}

fn safe_bag(kind: &str, value: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&object_identifier(kind), &element(CONTEXT_0, &[value])])
}

fn pfx_without_mac(bags: &[u8]) -> Vec<u8> {
    let data = content_info(DATA, &element(OCTET_STRING, &[&element(SEQUENCE, &[bags])]));
    let safe = element(OCTET_STRING, &[&element(SEQUENCE, &[&data])]);
    element(SEQUENCE, &[&unsigned_integer(&[3]), &content_info(DATA, &safe)])
}

#[test]
fn keys_in_clear_nested_bags_and_unknown_bags() {
    let key = safe_bag(KEY_BAG, &small_pkcs8());
    let nested =
        safe_bag(SAFE_CONTENTS_BAG, &element(SEQUENCE, &[&safe_bag(SAFE_CONTENTS_BAG, &element(SEQUENCE, &[&key]))]));
    let vendor = safe_bag("1.3.6.1.4.1.19398.1.1.9", &small_pkcs8());
    let named = element(SET, &[&attribute(FRIENDLY_NAME, &element(BMP_STRING, &[&[0x04, 0x16, 0xd8]]))]);
    let odd = element(SEQUENCE, &[&object_identifier(KEY_BAG), &element(CONTEXT_0, &[&small_pkcs8()]), &named]);
    let read = Container::read(&pfx_without_mac(&[nested, vendor, odd].concat()), &password("any")).unwrap();
    assert_eq!(keys(&read), [small_pkcs8(), small_pkcs8()]);
    assert_eq!(read.keys[1].friendly_name(), Some("Ж\u{fffd}"));
    assert_eq!(read.passed_over, ["1.3.6.1.4.1.19398.1.1.9"]);
    let mut deep = key;
    for _ in 0..20 {
        deep = safe_bag(SAFE_CONTENTS_BAG, &element(SEQUENCE, &[&deep]));
    }
    assert_eq!(Container::read(&pfx_without_mac(&deep), &password("")).unwrap_err(), ContainerError::TooComplex);
}

/// Indefinite lengths throughout, octet strings in pieces of five octets; what lies in octet strings of PKCS#12's layers likewise.
fn indefinite(der: &[u8]) -> Vec<u8> {
    let mut fields = Fields::new(der, "");
    let mut out = Vec::new();
    while !fields.is_empty() {
        let field = fields.next().unwrap();
        match field.tag {
            OCTET_STRING if field.content.len() > 5 => {
                let pieces: Vec<u8> =
                    field.content.chunks(5).flat_map(|piece| element(OCTET_STRING, &[piece])).collect();
                out.extend([&[0x24, 0x80][..], &pieces, &[0, 0]].concat());
            }
            // [0] IMPLICIT OCTET STRING of EncryptedContentInfo.
            0x80 => {
                let pieces: Vec<u8> =
                    field.content.chunks(5).flat_map(|piece| element(OCTET_STRING, &[piece])).collect();
                out.extend([&[0xa0, 0x80][..], &pieces, &[0, 0]].concat());
            }
            tag if tag & 0x20 != 0 => out.extend([&[tag, 0x80][..], &indefinite(field.content), &[0, 0]].concat()),
            _ => out.extend_from_slice(field.whole),
        }
    }
    out
}

#[test]
fn ber_is_read_on_every_layer() {
    let identity = Identity::generate();
    let container = identity.container("name");
    let secret = password("a");
    let pfx = MODERN.pkcs12(&container, &secret).unwrap();
    // The outermost layer, with the code still over the octets within.
    let read = Container::read(&indefinite(&pfx), &secret).unwrap();
    assert_eq!((keys(&read), certificates(&read)), (keys(&container), certificates(&container)));
    // All layers; the code would have to be computed anew, so it is left out.
    let mut fields = Fields::of_sequence(&pfx, "").unwrap();
    fields.next().unwrap();
    let mut info = fields.sequence("").unwrap();
    info.next().unwrap();
    let safe = Fields::new(info.take(CONTEXT_0).unwrap(), "").take(OCTET_STRING).unwrap();
    let mut safes = Vec::new();
    let mut fields = Fields::of_sequence(safe, "").unwrap();
    while !fields.is_empty() {
        let whole = fields.next().unwrap().whole;
        let mut info = Fields::of_sequence(whole, "").unwrap();
        info.next().unwrap();
        let content = info.take(CONTEXT_0).unwrap();
        if content[0] == OCTET_STRING {
            let bags = indefinite(Fields::new(content, "").take(OCTET_STRING).unwrap());
            safes.extend(content_info(DATA, &element(OCTET_STRING, &[&bags])));
        } else {
            safes.extend_from_slice(whole);
        }
    }
    let safe = indefinite(&element(SEQUENCE, &[&safes]));
    let pfx = element(SEQUENCE, &[&unsigned_integer(&[3]), &content_info(DATA, &element(OCTET_STRING, &[&safe]))]);
    let read = Container::read(&indefinite(&pfx), &secret).unwrap();
    assert_eq!((keys(&read), certificates(&read)), (keys(&container), certificates(&container)));
}

/// A PFX around `safe` whose code OpenSSL computes: PBKDF2 and HMAC of RFC 9579.
fn pbmac1(safe: &[u8], secret: &str, digest: MessageDigest, prf: &str, key_len: Option<u8>) -> Vec<u8> {
    let mut key = vec![0; usize::from(key_len.unwrap_or(32))];
    openssl::pkcs5::pbkdf2_hmac(secret.as_bytes(), b"salt", 5, digest, &mut key).unwrap();
    let code = hmac_of_openssl(digest, &key, safe);
    let prf = algorithm(prf, &crate::asn1::NULL);
    let length = key_len.map(|length| unsigned_integer(&[length])).unwrap_or_default();
    let kdf = element(SEQUENCE, &[&element(OCTET_STRING, &[b"salt"]), &unsigned_integer(&[5]), &length, &prf]);
    let kdf = algorithm("1.2.840.113549.1.5.12", &kdf);
    let mac = algorithm("1.2.840.113549.1.5.14", &element(SEQUENCE, &[&kdf, &prf]));
    let info = element(SEQUENCE, &[&mac, &element(OCTET_STRING, &[&code])]);
    let mac_data = element(SEQUENCE, &[&info, &element(OCTET_STRING, &[b"NOT USED"]), &unsigned_integer(&[1])]);
    let content = content_info(DATA, &element(OCTET_STRING, &[safe]));
    element(SEQUENCE, &[&unsigned_integer(&[3]), &content, &mac_data])
}

#[test]
fn pbmac1_is_read() {
    let bags = element(SEQUENCE, &[&safe_bag(KEY_BAG, &small_pkcs8())]);
    let safe = element(SEQUENCE, &[&content_info(DATA, &element(OCTET_STRING, &[&bags]))]);
    for (digest, prf) in [
        (MessageDigest::sha256(), "1.2.840.113549.2.9"),
        (MessageDigest::sha512(), "1.2.840.113549.2.11"),
        (MessageDigest::sha1(), "1.2.840.113549.2.7"),
    ] {
        let pfx = pbmac1(&safe, "пароль", digest, prf, Some(32));
        assert_eq!(keys(&Container::read(&pfx, &password("пароль")).unwrap()), [small_pkcs8()]);
        assert_eq!(Container::read(&pfx, &password("other")).unwrap_err(), ContainerError::WrongPassword);
    }
    // RFC 9579, 5: keyLength must be there.
    let pfx = pbmac1(&safe, "a", MessageDigest::sha256(), "1.2.840.113549.2.9", None);
    assert!(matches!(Container::read(&pfx, &password("a")), Err(ContainerError::Malformed { .. })));
}

/// Kupyna-256 in MacData means DSTU 7564's own code to UAPKI.
#[test]
fn codes_of_kupyna_itself() {
    use crate::kupyna::{Kmac, Width};
    let pfx = pfx_with_code("1.2.804.2.1.1.1.1.2.2.1", DigestAlgorithm::Kupyna256, b"\0p\0w\0\0");
    let mut fields = Fields::of_sequence(&pfx, "").unwrap();
    fields.next().unwrap();
    let mut info = fields.sequence("").unwrap();
    info.next().unwrap();
    let safe = Fields::new(info.take(CONTEXT_0).unwrap(), "").take(OCTET_STRING).unwrap();
    let budget = &mut Budget::new();
    let key = derive::pkcs12(DigestAlgorithm::Kupyna256, Purpose::Mac, b"\0p\0w\0\0", b"salt", 2, 32, budget).unwrap();
    let mut mac = Kmac::new(Width::BITS_256, &key).unwrap();
    mac.update(safe);
    let (own, usual) = (mac.finish(), derive::hmac(DigestAlgorithm::Kupyna256, &key, safe));
    let place = pfx.windows(32).position(|window| window == usual.as_bytes()).unwrap();
    let changed = [&pfx[..place], &own, &pfx[place + 32..]].concat();
    assert_eq!(keys(&Container::read(&changed, &password("pw")).unwrap()), [small_pkcs8()]);
    assert_eq!(Container::read(&changed, &password("wp")).unwrap_err(), ContainerError::WrongPassword);
}

/// A PFX of one key in clear whose code is made with a password in the given form, under the digest OID `oid`.
fn pfx_with_code(oid: &str, digest: DigestAlgorithm, form: &[u8]) -> Vec<u8> {
    let bags = element(SEQUENCE, &[&safe_bag(KEY_BAG, &small_pkcs8())]);
    let safe = element(SEQUENCE, &[&content_info(DATA, &element(OCTET_STRING, &[&bags]))]);
    let length = digest.output_len();
    let key = derive::pkcs12(digest, Purpose::Mac, form, b"salt", 2, length, &mut Budget::new()).unwrap();
    let code = derive::hmac(digest, &key, &safe);
    let info = element(SEQUENCE, &[&algorithm(oid, &crate::asn1::NULL), &element(OCTET_STRING, &[code.as_bytes()])]);
    let mac_data = element(SEQUENCE, &[&info, &element(OCTET_STRING, &[b"salt"]), &unsigned_integer(&[2])]);
    let content = content_info(DATA, &element(OCTET_STRING, &[&safe]));
    element(SEQUENCE, &[&unsigned_integer(&[3]), &content, &mac_data])
}

#[test]
fn codes_of_every_digest_and_both_wide_forms() {
    let digests = [
        ("1.3.14.3.2.26", DigestAlgorithm::Sha1),
        ("2.16.840.1.101.3.4.2.4", DigestAlgorithm::Sha224),
        ("2.16.840.1.101.3.4.2.1", DigestAlgorithm::Sha256),
        ("2.16.840.1.101.3.4.2.2", DigestAlgorithm::Sha384),
        ("2.16.840.1.101.3.4.2.3", DigestAlgorithm::Sha512),
        ("1.2.804.2.1.1.1.1.2.1", DigestAlgorithm::Gost34311),
        ("1.32.113549.1.7.1.524545", DigestAlgorithm::Gost34311),
        ("1.2.804.2.1.1.1.1.2.2.1", DigestAlgorithm::Kupyna256),
    ];
    for (oid, digest) in digests {
        for form in [&b"\0p\0w\0\0"[..], b"\0p\0w"] {
            let pfx = pfx_with_code(oid, digest, form);
            assert_eq!(keys(&Container::read(&pfx, &password("pw")).unwrap()), [small_pkcs8()], "{oid}");
        }
    }
    // windows-1251 of «ї», each octet widened.
    let pfx = pfx_with_code("1.3.14.3.2.26", DigestAlgorithm::Sha1, &[0, 0xbf, 0, 0]);
    assert_eq!(keys(&Container::read(&pfx, &password("ї")).unwrap()), [small_pkcs8()]);
    let md5 = pfx_with_code("1.2.840.113549.2.5", DigestAlgorithm::Sha1, b"\0p\0w\0\0");
    let unknown = ContainerError::UnknownScheme { scheme: "1.2.840.113549.2.5".to_owned() };
    assert_eq!(Container::read(&md5, &password("pw")).unwrap_err(), unknown);
}

#[test]
fn a_bag_may_have_a_password_of_its_own() {
    let shrouded = MODERN.encrypted_key(&contained(&small_pkcs8()), &password("key")).unwrap();
    let pfx = pfx_without_mac(&safe_bag(SHROUDED_KEY_BAG, &shrouded));
    let read = Container::read_with_key_password(&pfx, &password("store"), &password("key")).unwrap();
    assert_eq!(keys(&read), [small_pkcs8()]);
    assert_eq!(Container::read(&pfx, &password("store")).unwrap_err(), ContainerError::WrongPassword);
}

/// Kupyna's code as the function of PBKDF2 and Kalyna-256-CBC, as UAPKI defines them; written here from that definition.
#[test]
fn kupyna_and_kalyna_under_pbes2() {
    use crate::kalyna::{BlockSize, Kalyna};
    use crate::kupyna::{Kmac, Width};
    let mut password_key = [0; 32];
    password_key[..2].copy_from_slice(b"pw");
    let code = |message: &[u8]| {
        let mut mac = Kmac::new(Width::BITS_256, &password_key).unwrap();
        mac.update(message);
        mac.finish()
    };
    let first = code(b"salt\0\0\0\x01");
    let second = code(&first);
    let key: Vec<u8> = first.iter().zip(second).map(|(first, second)| first ^ second).collect();
    let mut ciphertext = small_pkcs8();
    let missing = 32 - ciphertext.len() % 32;
    ciphertext.resize(ciphertext.len() + missing, u8::try_from(missing).unwrap());
    Kalyna::new(BlockSize::Bits256, &key).unwrap().encrypt_cbc(&[8; 32], &mut ciphertext).unwrap();
    let prf = algorithm("1.2.804.2.1.1.1.1.2.2.4", &crate::asn1::NULL);
    let kdf = element(SEQUENCE, &[&element(OCTET_STRING, &[b"salt"]), &unsigned_integer(&[2]), &prf]);
    let kdf = algorithm("1.2.840.113549.1.5.12", &kdf);
    let iv = element(SEQUENCE, &[&element(OCTET_STRING, &[&[8; 32]])]);
    let cipher = algorithm("1.2.804.2.1.1.1.1.1.3.5.2", &iv);
    let scheme = algorithm("1.2.840.113549.1.5.13", &element(SEQUENCE, &[&kdf, &cipher]));
    let file = element(SEQUENCE, &[&scheme, &element(OCTET_STRING, &[&ciphertext])]);
    assert_eq!(keys(&Container::read(&file, &password("pw")).unwrap()), [small_pkcs8()]);
    assert_eq!(Container::read(&file, &password("pw!")).unwrap_err(), ContainerError::WrongPassword);
}

/// Passwords in windows-1251 open what was encrypted under their octets.
#[test]
fn windows_passwords_open_pbes2_and_key6() {
    let octets = [0xef, 0xe0, 0xf0, 0xee, 0xeb, 0xfc]; // «пароль»
    // The derivation takes octets; Latin-1 text stands for them nowhere else.
    let cipher = key6::cipher(&octets).unwrap();
    let mut body = small_pkcs8();
    let mut mac = cipher.mac();
    mac.update(&body);
    cipher.encrypt_ecb(&mut body).unwrap();
    let parameters = element(SEQUENCE, &[&element(OCTET_STRING, &[&mac.finish()])]);
    let algorithm = element(SEQUENCE, &[&object_identifier(key6::ALGORITHM), &parameters]);
    let file = element(SEQUENCE, &[&algorithm, &element(OCTET_STRING, &[&body])]);
    assert_eq!(keys(&Container::read(&file, &password("пароль")).unwrap()), [small_pkcs8()]);
}

#[test]
fn certificates_of_other_kinds_are_passed_over() {
    let sdsi = element(
        SEQUENCE,
        &[&object_identifier("1.2.840.113549.1.9.22.2"), &element(CONTEXT_0, &[&element(0x16, &[b"sdsi"])])],
    );
    let read = Container::read(&pfx_without_mac(&safe_bag(CERTIFICATE_BAG, &sdsi)), &password("")).unwrap();
    assert_eq!((read.certificates.len(), &read.passed_over[..]), (0, &["1.2.840.113549.1.9.22.2".to_owned()][..]));
}

#[test]
fn a_trust_store_of_certificates_alone_opens() {
    let container = Identity::generate().container("name");
    let alone = Container::new(Vec::new(), container.certificates.clone());
    let read = Container::read(&MODERN.pkcs12(&alone, &password("a")).unwrap(), &password("a")).unwrap();
    assert_eq!((read.keys.len(), read.certificates), (0, alone.certificates));
}

#[test]
fn debug_shows_no_key() {
    let container = Container::new(vec![contained(&small_pkcs8())], Vec::new());
    let text = format!("{container:?}");
    assert!(text.contains("1.3.101.112") && !text.contains("157"), "{text}");
}
