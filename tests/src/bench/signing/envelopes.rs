//! Contents that are sealed and opened as they stream by.

use std::hint::black_box;
use std::sync::LazyLock;

use certs::dev::{DevPki, Family, Identity, Profile as Subject, Usage};
use crypto::dstu4145;
use crypto::gost28147::{Dke, Gost28147};
use crypto::kalyna::{BlockSize, Kalyna};
use crypto::key::{Curve, KeyKind};
use crypto::seal::{Aes256GcmOpener, Aes256GcmSealer};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::pkey::PKey;
use openssl::stack::Stack;
use openssl::symm;
use openssl::x509::X509;
use signing::envelope::national::Profile;
use signing::envelope::{Cipher, Opener, Sealer};
use time::Duration;
use time::macros::datetime;

use crate::bench::measure::{Contender, Contest, Row, Unit};
use crate::chance::Chance;

const CONTENT_BYTES: usize = 16 << 20;
const PIECE_BYTES: usize = 64 << 10;
const KEY: [u8; 32] = *b"0123456789abcdef0123456789ABCDEF";

pub(super) fn rows() -> Vec<Row> {
    let (gost, kalyna) = (Cipher::National(Profile::Gost), Cipher::National(Profile::Kalyna));
    vec![
        Row::new("envelope-seal-aes-256-gcm", seal_aes),
        Row::new("envelope-open-aes-256-gcm", open_aes),
        Row::new("envelope-seal-gost28147-cfb", move || {
            let alone = Gost28147::new(&KEY, Dke::NUMBER_1).expect("a key");
            seal(gost, alone_on_pieces(move || alone.cfb(&[7; 8]).expect("a vector"), |cfb, piece| cfb.encrypt(piece)))
        }),
        Row::new("envelope-open-gost28147-cfb", move || {
            let alone = Gost28147::new(&KEY, Dke::NUMBER_1).expect("a key");
            open(gost, alone_on_pieces(move || alone.cfb(&[7; 8]).expect("a vector"), |cfb, piece| cfb.decrypt(piece)))
        }),
        Row::new("envelope-seal-kalyna-256-cfb", move || {
            let alone = Kalyna::new(BlockSize::Bits256, &KEY).expect("a key");
            let cfb = move || alone.cfb(&[7; 32]).expect("a vector");
            seal(kalyna, alone_on_pieces(cfb, |cfb, piece| cfb.encrypt(piece).expect("whole blocks")))
        }),
        Row::new("envelope-open-kalyna-256-cfb", move || {
            let alone = Kalyna::new(BlockSize::Bits256, &KEY).expect("a key");
            let cfb = move || alone.cfb(&[7; 32]).expect("a vector");
            open(kalyna, alone_on_pieces(cfb, |cfb, piece| cfb.decrypt(piece).expect("whole blocks")))
        }),
    ]
}

static CONTENT: LazyLock<Vec<u8>> = LazyLock::new(|| Chance::new(2).bytes(CONTENT_BYTES));

fn recipient(cipher: Cipher) -> Identity {
    let (family, key) = match cipher {
        Cipher::Aes256Gcm => (Family::P256, KeyKind::Ec(Curve::P256)),
        Cipher::National(_) => (Family::Dstu4145, KeyKind::Dstu4145(dstu4145::Curve::M257)),
    };
    let now = datetime!(2026-11-23 12:00 UTC);
    let pki = DevPki::of(family, now - Duration::days(1), Duration::days(30), "http://ocsp.test/").expect("keys");
    let subject = Subject {
        common_name: "Recipient".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Encryption,
        key,
        not_before: now - Duration::hours(1),
        not_after: now + Duration::days(1),
        dns_names: Vec::new(),
    };
    pki.issue(subject).expect("a key")
}

/// Seals a content that comes in pieces; hands over what comes out of each.
fn sealed<'a>(own: &Identity, cipher: Cipher, pieces: impl Iterator<Item = &'a [u8]>, mut take: impl FnMut(&[u8])) {
    let mut out = Vec::with_capacity(2 * PIECE_BYTES);
    let mut sealer = Sealer::new(&[&own.certificate], cipher, None, &mut out).expect("a recipient");
    for piece in pieces {
        sealer.update(piece, &mut out).expect("not too long");
        take(&out);
        out.clear();
    }
    sealer.finish(&mut out).expect("no length was announced");
    take(&out);
}

/// Opens what comes in pieces; answers how much of it is plaintext, and whether that is proven.
fn opened<'a>(own: &Identity, pieces: impl Iterator<Item = &'a [u8]>) -> (usize, bool) {
    let mut opener = Opener::new(&own.certificate, &own.key, &[]);
    let mut length = 0;
    for piece in pieces {
        length += black_box(opener.update(piece).expect("an envelope")).as_bytes().len();
    }
    let opened = opener.finish().expect("an envelope");
    (length + opened.rest.as_bytes().len(), opened.authenticated.is_some())
}

fn envelope(own: &Identity, cipher: Cipher) -> Vec<u8> {
    let mut whole = Vec::new();
    sealed(own, cipher, CONTENT.chunks(PIECE_BYTES), |out| whole.extend_from_slice(out));
    whole
}

fn sealing(cipher: Cipher) -> Contender {
    let own = recipient(cipher);
    Contender::bytes("vuzol", CONTENT_BYTES, move |_| {
        sealed(&own, cipher, CONTENT.chunks(PIECE_BYTES), |out| {
            black_box(out);
        });
    })
}

fn opening(cipher: Cipher) -> Contender {
    let own = recipient(cipher);
    let envelope = envelope(&own, cipher);
    Contender::bytes("vuzol", CONTENT_BYTES, move |_| {
        let (length, proven) = opened(&own, envelope.chunks(PIECE_BYTES));
        assert_eq!((length, proven), (CONTENT_BYTES, cipher == Cipher::Aes256Gcm));
    })
}

fn seal(cipher: Cipher, alone: Contender) -> Contest {
    Contest { unit: Unit::Mebibytes, contenders: vec![sealing(cipher), alone] }
}

fn open(cipher: Cipher, alone: Contender) -> Contest {
    Contest { unit: Unit::Mebibytes, contenders: vec![opening(cipher), alone] }
}

/// The cipher on the same pieces, without an envelope.
fn alone_on_pieces<C>(start: impl Fn() -> C + 'static, work: impl Fn(&mut C, &mut [u8]) + 'static) -> Contender {
    let mut buffer = CONTENT[..PIECE_BYTES].to_vec();
    Contender::bytes("cipher-alone", CONTENT_BYTES, move |_| {
        let mut cipher = start();
        (0..CONTENT_BYTES / PIECE_BYTES).for_each(|_| work(&mut cipher, &mut buffer));
    })
}

fn seal_aes() -> Contest {
    let cipher = || Aes256GcmSealer::new(&KEY, &[7; 12]);
    let mut contest =
        seal(Cipher::Aes256Gcm, alone_on_pieces(cipher, |cipher, piece| cipher.update(piece).expect("not too long")));
    let own = recipient(Cipher::Aes256Gcm);
    let mut to = Stack::new().expect("memory");
    to.push(X509::from_der(own.certificate.der()).expect("a certificate")).expect("memory");
    contest.contenders.push(Contender::bytes("openssl-cms", CONTENT_BYTES, move |_| {
        let options = CMSOptions::BINARY;
        let cms = CmsContentInfo::encrypt(&to, &CONTENT, symm::Cipher::aes_256_gcm(), options).expect("an envelope");
        black_box(cms.to_der().expect("DER"));
    }));
    contest
}

fn open_aes() -> Contest {
    let cipher = || Aes256GcmOpener::new(&KEY, &[7; 12]);
    let mut contest =
        open(Cipher::Aes256Gcm, alone_on_pieces(cipher, |cipher, piece| cipher.update(piece).expect("not too long")));
    let own = recipient(Cipher::Aes256Gcm);
    let key = PKey::private_key_from_pkcs8(&own.key.to_pkcs8_der().expect("a software key")).expect("a key");
    let certificate = X509::from_der(own.certificate.der()).expect("a certificate");
    let envelope = envelope(&own, Cipher::Aes256Gcm);
    contest.contenders.push(Contender::bytes("openssl-cms", CONTENT_BYTES, move |_| {
        let cms = CmsContentInfo::from_der(&envelope).expect("CMS");
        assert_eq!(cms.decrypt(&key, &certificate).expect("an envelope").len(), CONTENT_BYTES);
    }));
    contest
}

/// A gibibyte sealed, and opened as it comes.
pub(super) fn stream_a_gibibyte() {
    let own = recipient(Cipher::Aes256Gcm);
    let piece = Chance::new(1).bytes(PIECE_BYTES);
    let mut opener = Opener::new(&own.certificate, &own.key, &[]);
    let mut length = 0;
    sealed(&own, Cipher::Aes256Gcm, std::iter::repeat_n(piece.as_slice(), (1 << 30) / PIECE_BYTES), |out| {
        length += opener.update(out).expect("an envelope").as_bytes().len();
    });
    let opened = opener.finish().expect("an envelope");
    let proof = opened.authenticated.expect("a proof");
    assert_eq!((length as u64, proof.plaintext_bytes()), (1 << 30, 1 << 30));
}
