//! What is read is compared with what others wrote, and the other way round; containers are made on the fly.

mod corpus;
mod errors;
mod formats;
mod hostile;
mod java;
mod open_ssl;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509NameBuilder};
use zeroize::Zeroizing;

use super::ber::{OCTET_STRING, SEQUENCE};
use super::key::object_identifier;
use super::write::{Parameters, algorithm};
use super::*;
use crate::asn1::element;
use crate::digest::{DigestAlgorithm, digest, from_hex};

/// As [`Protection`] has them, but for the iterations.
const MODERN: Parameters = Parameters { protection: Protection::Modern, iterations: 3, salt_bytes: 16 };
const NATIONAL: Parameters = Parameters { protection: Protection::National, iterations: 3, salt_bytes: 32 };

/// A P-256 key and a certificate for it, as OpenSSL has them.
struct Identity {
    key: PKey<Private>,
    certificate: X509,
}

impl Identity {
    fn generate() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "test").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { key, certificate: builder.build() }
    }

    fn pkcs8(&self) -> Vec<u8> {
        self.key.private_key_to_pkcs8().unwrap()
    }

    fn pem(&self) -> Vec<u8> {
        [self.key.private_key_to_pem_pkcs8().unwrap(), self.certificate.to_pem().unwrap()].concat()
    }

    /// Key and certificate under the name `name` and a common identifier.
    fn container(&self, name: &str) -> Container {
        let identifier = Some(vec![1, 2, 3]);
        let key = contained(&self.pkcs8());
        let key = key.with_friendly_name(Some(name.to_owned())).with_local_key_id(identifier.clone());
        let certificate = ContainedCertificate {
            der: self.certificate.to_der().unwrap(),
            friendly_name: Some(name.to_owned()),
            local_key_id: identifier,
        };
        Container::new(vec![key], vec![certificate])
    }
}

fn contained(pkcs8: &[u8]) -> ContainedKey {
    ContainedKey::new(Zeroizing::new(pkcs8.to_vec())).unwrap()
}

/// PKCS#8 of Ed25519 with the seed of RFC 8032, 7.1, test 1: the smallest key that there is.
fn small_pkcs8() -> Vec<u8> {
    from_hex("302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        .unwrap()
}

/// PKCS#8 of a DSTU 4145 key over m = 257, from the published vector of the reference (li0ard/dstu, index.spec.ts #2), little-endian.
fn signing_key() -> ContainedKey {
    let mut d = from_hex("7d46e42b36b76f551426cafcecdd2f2ed1d7ea072cf0811564bf2da75105ba9c").unwrap();
    d.reverse();
    ContainedKey::from_raw_dstu4145(crate::dstu4145::Curve::M257, &d).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(text)
}

fn keys(container: &Container) -> Vec<Vec<u8>> {
    container.keys.iter().map(|key| key.pkcs8_der().to_vec()).collect()
}

fn certificates(container: &Container) -> Vec<Vec<u8>> {
    container.certificates.iter().map(|certificate| certificate.der.clone()).collect()
}

/// A Key-6.dat, written by the description of the format.
fn key6_file(pkcs8: &[u8], password: &str) -> Vec<u8> {
    let cipher = key6::cipher(password.as_bytes()).unwrap();
    let mut mac = cipher.mac();
    mac.update(pkcs8);
    let mut padded = pkcs8.to_vec();
    padded.resize(pkcs8.len().next_multiple_of(8), 0);
    cipher.encrypt_ecb(&mut padded).unwrap();
    let (body, pad) = padded.split_at(pkcs8.len());
    let parameters = element(SEQUENCE, &[&element(OCTET_STRING, &[&mac.finish()]), &element(OCTET_STRING, &[pad])]);
    let algorithm = element(SEQUENCE, &[&object_identifier(key6::ALGORITHM), &parameters]);
    element(SEQUENCE, &[&algorithm, &element(OCTET_STRING, &[body])])
}

/// A JKS of one key with its certificate, and of that certificate alone.
fn jks_file(version: u32, pkcs8: &[u8], certificate: &[u8], store_password: &str, key_password: &str) -> Vec<u8> {
    let sha1 = |parts: &[&[u8]]| digest(DigestAlgorithm::Sha1, &parts.concat()).as_bytes().to_vec();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
    let text = |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
    let key_password = wide(key_password);
    let salt = [9; 20];
    let mut stream = salt.to_vec();
    while stream.len() < pkcs8.len() + 20 {
        let next = sha1(&[&key_password, &stream[stream.len() - 20..]]);
        stream.extend(next);
    }
    let hidden: Vec<u8> = pkcs8.iter().zip(&stream[20..]).map(|(byte, mask)| byte ^ mask).collect();
    let protected = [&salt[..], &hidden, &sha1(&[&key_password, pkcs8])].concat();
    let algorithm = algorithm("1.3.6.1.4.1.42.2.17.1.1", &crate::asn1::NULL);
    let protected = element(SEQUENCE, &[&algorithm, &element(OCTET_STRING, &[&protected])]);
    let kind = if version == 2 { text("X.509") } else { Vec::new() };
    let certificate = [&kind[..], &length(certificate), certificate].concat();
    let date = [0; 8];
    let key_entry =
        [&[0, 0, 0, 1][..], &text("mine"), &date, &length(&protected), &protected, &[0, 0, 0, 1], &certificate]
            .concat();
    let certificate_entry = [&[0, 0, 0, 2][..], &text("theirs"), &date, &certificate].concat();
    let body =
        [&[0xfe, 0xed, 0xfe, 0xed][..], &version.to_be_bytes(), &[0, 0, 0, 2], &key_entry, &certificate_entry].concat();
    let code = sha1(&[&wide(store_password), b"Mighty Aphrodite", &body]);
    [body, code].concat()
}
