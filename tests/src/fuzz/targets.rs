//! The functions, one for each parser, and their seeds.

use std::sync::LazyLock;

use crypto::container::{ContainedKey, Container, Format, Password, Protection};
use crypto::digest::DigestAlgorithm;
use crypto::dstu4145::{
    self, ByteOrder, Curve, CurveForm, Parameters, PreparedKey, PrivateKey, SubjectPublicKey, Unverified, verify_batch,
    verify_with_new_key,
};
use crypto::gost28147::{self, Dke};
use crypto::kalyna::{self, BlockSize, Kalyna};
use crypto::key::{KeyHandle as _, KeyKind, PublicKey, SoftwareKey};
use crypto::merkle;
use crypto::seal::{self, DocumentKey};
use crypto::signature::SignatureAlgorithm;

use super::Target;
use crate::chance::Chance;
use crate::textbook::{Domain, Signed};

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "dstu4145_spki", seeds: dstu4145_spki_seeds, run: dstu4145_spki },
    Target { name: "dstu4145_parameters", seeds: dstu4145_parameters_seeds, run: dstu4145_parameters },
    Target { name: "dstu4145_point", seeds: dstu4145_point_seeds, run: dstu4145_point },
    Target { name: "dstu4145_signature", seeds: dstu4145_signature_seeds, run: dstu4145_signature },
    Target { name: "spki", seeds: spki_seeds, run: spki },
    Target { name: "pkcs8", seeds: pkcs8_seeds, run: pkcs8 },
    Target { name: "signature_algorithm", seeds: signature_algorithm_seeds, run: signature_algorithm },
    Target { name: "key_wraps", seeds: key_wraps_seeds, run: key_wraps },
    Target { name: "containers", seeds: containers_seeds, run: containers },
    Target { name: "log_texts", seeds: log_texts_seeds, run: log_texts },
    Target { name: "sealed", seeds: sealed_seeds, run: sealed },
];

/// All fifteen curves.
fn curves() -> impl Iterator<Item = Curve> {
    Curve::ALL.into_iter().chain(Curve::NORMAL)
}

const ORDERS: [ByteOrder; 2] = [ByteOrder::Little, ByteOrder::Big];

/// The curve and the order of bytes that the first byte of an input chooses, and the rest.
fn choose(data: &[u8]) -> Option<(Curve, ByteOrder, &[u8])> {
    let (first, rest) = data.split_first()?;
    let curve = curves().nth(usize::from(first >> 1) % 15)?;
    Some((curve, ORDERS[usize::from(first & 1)], rest))
}

/// The inverse of [`choose`] for the curve number `index`.
fn chosen(index: usize, order: ByteOrder, rest: &[u8]) -> Vec<u8> {
    let first = u8::try_from(2 * index).unwrap_or_default() | u8::from(order == ByteOrder::Big);
    [&[first], rest].concat()
}

/// A signature on each curve, made once.
static SIGNED: LazyLock<Vec<Signed>> =
    LazyLock::new(|| curves().flat_map(|curve| Domain::recommended(curve).signed(7, 1)).collect());

/// SubjectPublicKeyInfo of DSTU 4145: what is read is written again byte for byte.
pub fn dstu4145_spki(data: &[u8]) {
    if let Ok(read) = SubjectPublicKey::from_spki_der(data) {
        assert_eq!(read.to_spki_der(), data);
    }
}

fn dstu4145_spki_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (curve, signed) in curves().zip(SIGNED.iter()) {
        let key = dstu4145::PublicKey::from_bytes(curve, ByteOrder::Little, &signed.key).expect("a key");
        for (byte_order, form, substitution) in [
            (ByteOrder::Little, CurveForm::Explicit, Some(*Dke::NUMBER_1.packed())),
            (ByteOrder::Little, CurveForm::Named, None),
            (ByteOrder::Big, CurveForm::Explicit, None),
        ] {
            let parameters = Parameters { curve, byte_order, form, substitution };
            seeds.push(SubjectPublicKey { key, parameters }.to_spki_der());
        }
    }
    seeds
}

/// Parameters under one of the four algorithms, which the first byte chooses.
pub fn dstu4145_parameters(data: &[u8]) {
    let Some((first, der)) = data.split_first() else { return };
    let oid = ALGORITHMS[usize::from(*first) % ALGORITHMS.len()];
    if let Ok(read) = Parameters::from_algorithm(oid, der) {
        assert_eq!((read.to_der().as_slice(), read.algorithm_oid()), (der, oid));
    }
}

const ALGORITHMS: [&str; 4] = [
    "1.2.804.2.1.1.1.1.3.1.1",
    "1.2.804.2.1.1.1.1.3.1.1.1.1",
    "1.2.804.2.1.1.1.1.3.1.2",
    "1.2.804.2.1.1.1.1.3.1.2.1.1",
];

fn dstu4145_parameters_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for curve in curves() {
        for byte_order in ORDERS {
            for form in [CurveForm::Named, CurveForm::Explicit] {
                let parameters = Parameters { curve, byte_order, form, substitution: Some([0x5a; 64]) };
                let index = ALGORITHMS.iter().position(|oid| *oid == parameters.algorithm_oid()).unwrap_or_default();
                seeds.push([&[u8::try_from(index).unwrap_or_default()], parameters.to_der().as_slice()].concat());
            }
        }
    }
    seeds
}

/// Compressed points: the encoding is unique.
pub fn dstu4145_point(data: &[u8]) {
    let Some((curve, order, bytes)) = choose(data) else { return };
    if let Ok(key) = dstu4145::PublicKey::from_bytes(curve, order, bytes) {
        assert_eq!((key.to_bytes(order).as_slice(), key.curve()), (bytes, curve));
    }
}

fn dstu4145_point_seeds() -> Vec<Vec<u8>> {
    SIGNED.iter().enumerate().map(|(index, signed)| chosen(index, ByteOrder::Little, &signed.key)).collect()
}

/// Signatures under a key that is known: the four ways to verify agree, and only the signature that was made is accepted.
pub fn dstu4145_signature(data: &[u8]) {
    let Some((curve, order, signature)) = choose(data) else { return };
    let Some(signed) = curves().position(|other| other == curve).and_then(|index| SIGNED.get(index)) else { return };
    let turned = |bytes: &[u8]| match order {
        ByteOrder::Little => bytes.to_vec(),
        ByteOrder::Big => bytes.iter().rev().copied().collect(),
    };
    let one_go = verify_with_new_key(curve, order, &turned(&signed.key), &signed.hash, signature);
    let key = dstu4145::PublicKey::from_bytes(curve, order, &turned(&signed.key)).expect("a key");
    let apart = key.verify(order, &signed.hash, signature);
    assert_eq!(one_go, apart.map_err(Into::into));
    assert_eq!(PreparedKey::new(&key).verify(order, &signed.hash, signature), apart);
    let item = Unverified { key: &turned(&signed.key), hash: &signed.hash, signature };
    assert!(verify_batch(curve, order, &[item; 4]).iter().all(|verdict| *verdict == one_go));
    assert_eq!(apart.is_ok(), signature == turned(&signed.signature));
}

fn dstu4145_signature_seeds() -> Vec<Vec<u8>> {
    SIGNED.iter().enumerate().map(|(index, signed)| chosen(index, ByteOrder::Little, &signed.signature)).collect()
}

/// SubjectPublicKeyInfo of any algorithm: it is kept as it came, and verifies no signature that nobody made.
pub fn spki(data: &[u8]) {
    if let Ok(key) = PublicKey::from_spki_der(data) {
        assert_eq!(key.spki_der(), data);
        for algorithm in [
            SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
            SignatureAlgorithm::Ed25519,
        ] {
            assert!(key.verify(algorithm, b"a message", &[0x30, 6, 2, 1, 1, 2, 1, 1]).is_err());
        }
    }
}

/// Kinds of keys whose making is cheap.
const KINDS: [KeyKind; 4] = [
    KeyKind::Ec(crypto::key::Curve::P256),
    KeyKind::Ec(crypto::key::Curve::P384),
    KeyKind::Ec(crypto::key::Curve::BrainpoolP256r1),
    KeyKind::Ed25519,
];

fn keys() -> impl Iterator<Item = SoftwareKey> {
    KINDS.into_iter().map(|kind| SoftwareKey::generate(kind).expect("a key"))
}

fn spki_seeds() -> Vec<Vec<u8>> {
    keys().map(|key| key.public_key().spki_der().to_vec()).chain(dstu4145_spki_seeds()).collect()
}

/// Private keys, as DER and, where the input is text, as PEM: what is read signs, or says why not.
pub fn pkcs8(data: &[u8]) {
    let pem = std::str::from_utf8(data).ok().and_then(|text| SoftwareKey::from_pkcs8_pem(text).ok());
    for key in SoftwareKey::from_pkcs8_der(data).into_iter().chain(pem) {
        let algorithm = key.default_algorithm();
        if let Ok(signature) = key.sign(algorithm, b"a message") {
            assert_eq!(key.public_key().verify(algorithm, b"a message", &signature), Ok(()));
        }
        let written = key.to_pkcs8_der().expect("a software key can be written");
        let again = SoftwareKey::from_pkcs8_der(&written).expect("what we wrote");
        assert_eq!(again.public_key(), key.public_key());
    }
}

fn pkcs8_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for key in keys() {
        seeds.push(key.to_pkcs8_der().expect("DER").to_vec());
        seeds.push(key.to_pkcs8_pem().expect("PEM").as_bytes().to_vec());
    }
    seeds
}

/// Algorithm identifiers: the first line is the OID, the rest the DER of the parameters, where there is any.
pub fn signature_algorithm(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let oid = parts.next().and_then(|oid| std::str::from_utf8(oid).ok()).unwrap_or_default();
    let parameters = parts.next();
    for digest in [None, Some(DigestAlgorithm::Sha256)] {
        if let Ok(algorithm) = SignatureAlgorithm::from_algorithm_identifier(oid, parameters, digest) {
            assert!(!algorithm.name().is_empty() && !algorithm.to_algorithm_identifier().is_empty());
        }
    }
}

fn signature_algorithm_seeds() -> Vec<Vec<u8>> {
    let oids = [
        "1.2.840.113549.1.1.11",
        "1.2.840.113549.1.1.1",
        "1.2.840.113549.1.1.10",
        "1.2.840.10045.4.3.2",
        "1.2.840.10045.2.1",
        "1.3.101.112",
        "1.2.804.2.1.1.1.1.3.1.1",
        "1.2.804.2.1.1.1.1.3.6.1",
    ];
    let pss = SignatureAlgorithm::RsaPss {
        digest: DigestAlgorithm::Sha256,
        mgf_digest: DigestAlgorithm::Sha256,
        salt_len: 32,
    };
    // The parameters of PSS follow its OID: SEQUENCE header of two bytes, OID of eleven.
    let parameters = pss.to_algorithm_identifier().split_off(13);
    let mut seeds = vec![[b"1.2.840.113549.1.1.10\n", parameters.as_slice()].concat()];
    for oid in oids {
        seeds.push(oid.as_bytes().to_vec());
        seeds.push([oid.as_bytes(), b"\n\x05\x00"].concat());
    }
    seeds
}

const KEK: [u8; 32] = [0x42; 32];
const WRAPPED: [u8; 32] = [0x24; 32];

/// Wrapped keys and substitution tables. What unwraps was wrapped here: no chance finds another.
pub fn key_wraps(data: &[u8]) {
    if let Ok(key) = gost28147::unwrap_key(&KEK, &Dke::NUMBER_1, data) {
        // The check has 32 bits: a chance is small, not nothing.
        assert_eq!(*key, WRAPPED);
    }
    if let Ok(key) = kalyna::unwrap_cms_key(&KEK, data) {
        assert_eq!(*key, WRAPPED);
    }
    if let Ok(key) = Kalyna::new(BlockSize::Bits256, &KEK).expect("a key").unwrap_key(data) {
        assert_eq!(key.as_slice(), WRAPPED);
    }
    if let Ok(table) = Dke::from_packed(data) {
        assert_eq!(table.packed().as_slice(), data);
    }
}

fn key_wraps_seeds() -> Vec<Vec<u8>> {
    vec![
        gost28147::wrap_key(&KEK, &Dke::NUMBER_1, &[1; 8], &WRAPPED).to_vec(),
        kalyna::wrap_cms_key(&KEK, &[1; 32], &WRAPPED).to_vec(),
        Kalyna::new(BlockSize::Bits256, &KEK).expect("a key").wrap_key(&WRAPPED).expect("a block"),
        Dke::NUMBER_1.packed().to_vec(),
    ]
}

/// Key containers of every format: what opens holds keys that are read again from what we write.
pub fn containers(data: &[u8]) {
    let password = Password::new("password");
    if let Ok(container) = Container::read(data, &password) {
        assert!(container.keys.len() <= 2048, "{} keys", container.keys.len());
        for key in &container.keys {
            let again = Container::read_pkcs8(key.pkcs8_der()).map(|container| container.keys.len());
            assert!(again.is_ok_and(|keys| keys >= 1));
        }
    }
    // Whatever opens it, the format is seen without the password.
    if let Ok(format) = Format::detect(data) {
        let opened = match format {
            Format::Pkcs8 => Container::read_pkcs8(data),
            Format::EncryptedPkcs8 | Format::Key6 => Container::read_encrypted_pkcs8(data, &password),
            Format::Pkcs12 => Container::read_pkcs12(data, &password, &password),
            Format::Jks => Container::read_jks(data, &password, &password),
        };
        assert_eq!(opened.is_ok(), Container::read(data, &password).is_ok());
    }
}

/// Keys in clear, under few iterations (the national 10 000 take a while each time), and the heads of the other formats.
fn containers_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = pkcs8_seeds();
    let national = PrivateKey::generate(Curve::M257).expect("a key");
    let number = national.to_bytes(ByteOrder::Little);
    let key = ContainedKey::from_raw_dstu4145(Curve::M257, &number).expect("a key");
    seeds.push(key.pkcs8_der().to_vec());
    let password = Password::new("password");
    let written = Container::new(vec![key.clone()], Vec::new()).to_pkcs12_der(&password, Protection::National);
    let mut pkcs12 = written.expect("a container");
    // Other than the password's: refused at the code, after 10 000 iterations; kept for its structure, with the count cut down to 16.
    let count: [u8; 4] = [0x02, 0x02, 0x27, 0x10];
    while let Some(at) = pkcs12.windows(count.len()).position(|window| window == count) {
        pkcs12[at..at + 4].copy_from_slice(&[0x02, 0x02, 0x00, 0x80]);
    }
    seeds.push(pkcs12);
    // Sun's magic number and version, one private key, an alias, a date, and nothing where its bytes should be.
    seeds.push([&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, b'k'][..], &[0; 12]].concat());
    seeds
}

/// Texts and bundles of a transparency log: checkpoints, proofs, verifier keys, policies, requests to a witness, indices of tiles, entries.
pub fn log_texts(data: &[u8]) {
    if let Ok(entries) = merkle::parse_entry_bundle(data) {
        let written = merkle::entry_bundle(entries.iter().map(Vec::as_slice)).expect("entries that were read");
        assert_eq!(written, data);
    }
    if audit::verify::canonical(data).is_ok() {
        let parsed: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_slice(data).expect("JSON");
        assert_eq!(serde_json::to_vec(&parsed).expect("JSON"), data, "one spelling");
    }
    if let Ok(request) = audit::witness::AddCheckpoint::parse(data) {
        assert!(request.proof.len() <= 63 && request.note.starts_with(&request.checkpoint.text()));
    }
    if let Ok(policy) = merkle::Policy::parse(data) {
        assert!(policy.judge("", None).is_err());
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(verifier) = merkle::CosignatureVerifier::from_vkey(text) {
        assert_eq!(merkle::CosignatureVerifier::from_vkey(&verifier.vkey()).as_ref(), Ok(&verifier));
    }
    if let Ok(verifier) = merkle::NationalVerifier::from_vkey(text) {
        assert_eq!(merkle::NationalVerifier::from_vkey(&verifier.vkey()).as_ref(), Ok(&verifier));
    }
    if let Ok(checkpoint) = merkle::Checkpoint::parse_text(text) {
        assert!(text.starts_with(&checkpoint.text()));
    }
    if let Ok(proof) = merkle::TlogProof::parse(text) {
        assert_eq!(merkle::TlogProof::parse(&proof.to_text()).as_ref(), Ok(&proof));
    }
    if let Ok(verifier) = merkle::NoteVerifier::from_vkey(text) {
        assert_eq!(merkle::NoteVerifier::from_vkey(&verifier.vkey()).as_ref(), Ok(&verifier));
        assert!(verifier.verify(text).is_err());
    }
    if let Some((index, width)) = merkle::TileId::parse_index(text) {
        let path = merkle::TileId { level: 0, index, width }.path();
        assert_eq!(path.strip_prefix("tile/0/"), Some(text));
    }
}

fn log_texts_seeds() -> Vec<Vec<u8>> {
    let key = SoftwareKey::generate(KeyKind::Ed25519).expect("a key");
    let checkpoint = merkle::Checkpoint { origin: "log.example/1".to_owned(), size: 5, root: [7; 32] };
    let signer = merkle::NoteSigner::new("log.example/1", key).expect("a signer");
    let note = signer.sign(&checkpoint.text()).expect("a note");
    let proof = merkle::TlogProof { index: 3, hashes: vec![[1; 32], [2; 32]], checkpoint: note.clone() };
    let kind = KeyKind::Dstu4145(Curve::M257);
    let national = merkle::NoteSigner::new("log.example/1", SoftwareKey::generate(KeyKind::Ed25519).expect("a key"));
    let national = national.expect("a signer").with_national(Box::new(SoftwareKey::generate(kind).expect("a key")));
    let witness = merkle::Cosigner::new("w.example/1", SoftwareKey::generate(KeyKind::Ed25519).expect("a key"));
    let witness = witness.expect("a witness").verifier().vkey();
    let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let policy = format!("log {}\nwitness w {witness} u\ngroup g any w\nquorum g\n", signer.verifier().vkey());
    vec![
        national.expect("a signer").national_verifier().expect("a second key").vkey().into_bytes(),
        witness.into_bytes(),
        policy.into_bytes(),
        format!("old 3\n{hash}\n{hash}\n\n{note}").into_bytes(),
        br#"{"action":"node.start","n":7,"object":"\u0007\"","v":1}"#.to_vec(),
        checkpoint.text().into_bytes(),
        note.into_bytes(),
        proof.to_text().into_bytes(),
        signer.verifier().vkey().into_bytes(),
        b"x001/x234/067.p/17".to_vec(),
        b"000".to_vec(),
        merkle::entry_bundle([&b"first"[..], b"", b"third"].into_iter()).expect("a bundle"),
    ]
}

/// Sealed streams: only what was sealed opens.
pub fn sealed(data: &[u8]) {
    if let Ok(plaintext) = seal::open(&DocumentKey::from_bytes(KEK), b"context", data) {
        assert!(plaintext == Chance::new(9).bytes(plaintext.len()));
    }
}

fn sealed_seeds() -> Vec<Vec<u8>> {
    let key = DocumentKey::from_bytes(KEK);
    [0, 1, 100].map(|length| seal::seal(&key, b"context", &Chance::new(9).bytes(length))).to_vec()
}
