//! Envelopes that stream by: ours, those of the openssl command line, and those that nobody should send.

use certs::dev::{Family, Identity, Usage};
use crypto::dstu4145;
use crypto::key::{Curve, KeyKind};
use crypto::seal::aes256_gcm_seal;

use super::national::Profile;
use super::*;
use crate::asn1::{Reader, oid};
use crate::cades::tests::{openssl, openssl_present, write_pem};
use crate::testing::{P256, World, served};

const CIPHERS: [Cipher; 3] = [Cipher::Aes256Gcm, Cipher::National(Profile::Gost), Cipher::National(Profile::Kalyna)];

/// A recipient for the cipher.
fn recipient(cipher: Cipher) -> Identity {
    match cipher {
        Cipher::Aes256Gcm => World::new().identity(P256, Usage::Encryption),
        Cipher::National(_) => {
            let kind = KeyKind::Dstu4145(dstu4145::Curve::M257);
            World::of(Family::Dstu4145).identity(kind, Usage::Encryption)
        }
    }
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

fn seal(to: &[&Certificate], cipher: Cipher, length: Option<u64>, content: &[u8], piece: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(to, cipher, length, &mut out).unwrap();
    content.chunks(piece).for_each(|piece| sealer.update(piece, &mut out).unwrap());
    sealer.finish(&mut out).unwrap();
    out
}

fn open_in(envelope: &[u8], own: &Identity, piece: usize) -> Result<(Vec<u8>, Option<Authenticated>), EnvelopeError> {
    let mut opener = Opener::new(&own.certificate, &own.key, &[]);
    let mut plaintext = Vec::new();
    for piece in envelope.chunks(piece) {
        let chunk = opener.update(piece)?;
        plaintext.extend_from_slice(chunk.as_bytes());
    }
    let opened = opener.finish()?;
    plaintext.extend_from_slice(opened.rest.as_bytes());
    Ok((plaintext, opened.authenticated))
}

fn open(envelope: &[u8], own: &Identity) -> Result<(Vec<u8>, Option<Authenticated>), EnvelopeError> {
    open_in(envelope, own, 4096)
}

#[test]
fn what_was_sealed_comes_out_whatever_the_pieces() {
    for cipher in CIPHERS {
        let own = recipient(cipher);
        for length in [0, 1, 31, 32, 33, 65_535, 65_536, 65_537, 200_000] {
            let content = text(length);
            for announced in [None, Some(length as u64)] {
                for (in_piece, out_piece) in [(7, 999), (65_536, 13), (1 << 20, 1 << 20)] {
                    let envelope = seal(&[&own.certificate], cipher, announced, &content, in_piece);
                    let (opened, proof) = open_in(&envelope, &own, out_piece).unwrap();
                    assert_eq!(opened, content, "{cipher:?} {length} {announced:?}");
                    let proven = proof.map(|proof| proof.plaintext_bytes());
                    assert_eq!(proven, (cipher == Cipher::Aes256Gcm).then_some(length as u64));
                }
            }
        }
        let short = seal(&[&own.certificate], cipher, None, b"short", 1);
        assert_eq!(open_in(&short, &own, 1).unwrap().0, b"short");
    }
}

#[test]
fn of_several_recipients_each_opens_alone() {
    let world = World::new();
    let kinds = [P256, KeyKind::Ec(Curve::P384), KeyKind::Rsa { bits: 2048 }];
    let own: Vec<Identity> =
        kinds.into_iter().filter(|kind| served(*kind)).map(|kind| world.identity(kind, Usage::Encryption)).collect();
    let certificates: Vec<&Certificate> = own.iter().map(|own| &own.certificate).collect();
    let content = text(100_000);
    for announced in [None, Some(100_000)] {
        let envelope = seal(&certificates, Cipher::Aes256Gcm, announced, &content, 10_000);
        for own in &own {
            let (opened, proof) = open(&envelope, own).unwrap();
            assert!(opened == content && proof.is_some());
        }
        let stranger = world.identity(P256, Usage::Encryption);
        assert_eq!(open(&envelope, &stranger).unwrap_err(), EnvelopeError::OtherRecipient);
    }
    let sealed = |to: &[&Certificate], cipher| Sealer::new(to, cipher, None, &mut Vec::new()).map(|_| ());
    assert_eq!(sealed(&[], Cipher::Aes256Gcm), Err(EnvelopeError::Recipients));
    assert_eq!(sealed(&[certificates[0]; 65], Cipher::Aes256Gcm), Err(EnvelopeError::Recipients));
    assert_eq!(sealed(&certificates, Cipher::National(Profile::Gost)), Err(EnvelopeError::UnsupportedKey));
    let national = recipient(Cipher::National(Profile::Gost));
    assert_eq!(sealed(&[certificates[0], &national.certificate], Cipher::Aes256Gcm), Ok(()), "side by side");
}

#[test]
fn a_length_that_was_announced_is_kept() {
    for cipher in CIPHERS {
        let own = recipient(cipher);
        let mut out = Vec::new();
        let mut sealer = Sealer::new(&[&own.certificate], cipher, Some(10), &mut out).unwrap();
        sealer.update(&[7; 9], &mut out).unwrap();
        assert_eq!(sealer.update(&[7; 2], &mut out), Err(EnvelopeError::Length));
        let mut sealer = Sealer::new(&[&own.certificate], cipher, Some(10), &mut out).unwrap();
        sealer.update(&[7; 9], &mut out).unwrap();
        assert_eq!(sealer.finish(&mut out), Err(EnvelopeError::Length));
        let endless = Sealer::new(&[&own.certificate], cipher, Some(u64::MAX), &mut out).map(|_| ());
        assert_eq!(endless, Err(EnvelopeError::TooLong));
    }
}

/// What is given out before the end may be anything; there is no proof of it.
#[test]
fn nothing_is_proven_before_the_end_or_after_a_change() {
    let own = recipient(Cipher::Aes256Gcm);
    let content = text(70_000);
    for announced in [None, Some(70_000)] {
        let envelope = seal(&[&own.certificate], Cipher::Aes256Gcm, announced, &content, 70_000);
        let mut changed = envelope.clone();
        changed[40_000] ^= 1;
        let mut opener = Opener::new(&own.certificate, &own.key, &[]);
        let given_out = opener.update(&changed).unwrap();
        assert_eq!(given_out.as_bytes().len(), content.len(), "a changed content is given out as well");
        assert_ne!(given_out.as_bytes(), content);
        assert_eq!(opener.finish().unwrap_err(), EnvelopeError::Forged);
        for cut in [envelope.len() - 1, envelope.len() - 7, envelope.len() - 20, 40_000, 600, 100, 2, 1, 0] {
            assert_eq!(open(&envelope[..cut], &own).unwrap_err(), EnvelopeError::Malformed, "{cut}");
        }
        let followed = [&envelope[..], &[0]].concat();
        assert_eq!(open(&followed, &own).unwrap_err(), EnvelopeError::Malformed);
    }
}

#[test]
fn a_changed_or_cut_envelope_proves_nothing_else() {
    for cipher in CIPHERS {
        let own = recipient(cipher);
        for announced in [None, Some(40)] {
            let envelope = seal(&[&own.certificate], cipher, announced, &text(40), 40);
            for length in 0..envelope.len() {
                assert!(open(&envelope[..length], &own).is_err(), "{cipher:?} cut to {length}");
            }
            for at in (0..envelope.len()).step_by(3) {
                let mut changed = envelope.clone();
                changed[at] ^= 1;
                if let Ok((opened, Some(_))) = open(&changed, &own) {
                    assert_eq!(opened, text(40), "{cipher:?} byte {at}");
                }
            }
        }
    }
}

/// After an error nothing more comes out.
#[test]
fn an_opener_that_has_failed_stays_so() {
    let own = recipient(Cipher::Aes256Gcm);
    let envelope = seal(&[&own.certificate], Cipher::Aes256Gcm, Some(40), &text(40), 40);
    let mut opener = Opener::new(&own.certificate, &own.key, &[]);
    assert_eq!(opener.update(b"no envelope").unwrap_err(), EnvelopeError::Malformed);
    assert_eq!(opener.update(&envelope).unwrap_err(), EnvelopeError::Malformed);
    assert_eq!(opener.finish().unwrap_err(), EnvelopeError::Malformed);
}

/// An envelope put together by hand around `content`, which stands as it is given.
fn forged(own: &Identity, content: &[u8], after: &[u8]) -> Vec<u8> {
    let key = [0x42; 32];
    let public = own.certificate.public_key().unwrap();
    let info = agreement::seal(&DocumentKey::from_bytes(key), public, &own.certificate).unwrap();
    let parameters = Writer::new().value(tag::OCTET_STRING, &NONCE).small_integer(16);
    let algorithm = Writer::new().oid(oid::AES256_GCM).nest(tag::SEQUENCE, parameters);
    let content = Writer::new().oid(oid::DATA).nest(tag::SEQUENCE, algorithm).raw(content);
    let enveloped = Writer::new().small_integer(0).value(tag::SET, &info).nest(tag::SEQUENCE, content).raw(after);
    let explicit = Writer::new().nest(tag::SEQUENCE, enveloped);
    let info = Writer::new().oid(oid::AUTH_ENVELOPED_DATA).nest(tag::context_constructed(0), explicit);
    Writer::new().nest(tag::SEQUENCE, info).into_bytes()
}

const NONCE: [u8; 12] = [7; 12];

fn sealed(aad: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (sealed, mac) = aes256_gcm_seal(&[0x42; 32], &NONCE, aad, &text(40));
    (sealed, Writer::new().value(tag::OCTET_STRING, &mac).into_bytes())
}

/// RFC 5083, 2.2: the tag is over the attributes with the tag of a SET, and they come after the content.
#[test]
fn authenticated_attributes_are_authenticated() {
    let own = recipient(Cipher::Aes256Gcm);
    let attribute = Writer::new().oid(oid::CONTENT_TYPE).nest(tag::SET, Writer::new().oid(oid::DATA));
    let attributes = Writer::new().nest(tag::SEQUENCE, attribute).into_bytes();
    let (sealed, mac) = sealed(&Writer::new().value(tag::SET, &attributes).into_bytes());
    let content = Writer::new().value(tag::context(0), &sealed).into_bytes();
    let with = |attributes: &[u8]| {
        let unauthenticated = Writer::new().value(tag::context_constructed(2), attributes).into_bytes();
        let authenticated = Writer::new().value(tag::context_constructed(1), attributes).into_bytes();
        forged(&own, &content, &[authenticated, mac.clone(), unauthenticated].concat())
    };
    let (opened, proof) = open(&with(&attributes), &own).unwrap();
    assert!(opened == text(40) && proof.is_some());
    let mut changed = attributes.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(open(&with(&changed), &own).unwrap_err(), EnvelopeError::Forged);
    assert_eq!(open(&forged(&own, &content, &mac), &own).unwrap_err(), EnvelopeError::Forged);
}

/// X.690, 8.7.3: a constructed octet string, each part of which may be constructed again.
#[test]
fn segments_are_joined_however_they_are_cut() {
    let own = recipient(Cipher::Aes256Gcm);
    let (sealed, mac) = sealed(&[]);
    let piece = |range: std::ops::Range<usize>| Writer::new().value(tag::OCTET_STRING, &sealed[range]).into_bytes();
    let empty = [0x04, 0x00];
    let inner = [&[0x24, 0x80][..], &piece(10..20), &empty, &[0x24, 0x00], &[0, 0]].concat();
    let long_length = [&[0x04, 0x84, 0, 0, 0, 20][..], &sealed[20..40]].concat();
    let segments = [&piece(0..10), &empty[..], &inner, &long_length].concat();
    let definite = Writer::new().value(tag::context_constructed(0), &segments).into_bytes();
    let indefinite = [&[0xa0, 0x80][..], &segments, &[0, 0]].concat();
    for content in [definite, indefinite] {
        for size in [1, 3, 1000] {
            let (opened, proof) = open_in(&forged(&own, &content, &mac), &own, size).unwrap();
            assert!(opened == text(40) && proof.is_some());
        }
    }
}

#[test]
fn contents_of_other_shapes_are_refused() {
    let own = recipient(Cipher::Aes256Gcm);
    let (sealed, mac) = sealed(&[]);
    let piece = Writer::new().value(tag::OCTET_STRING, &sealed).into_bytes();
    let nested = |depth: usize| {
        let opening = [0x24, 0x80].repeat(depth);
        [&[0xa0, 0x80][..], &opening, &piece, &[0, 0].repeat(depth), &[0, 0]].concat()
    };
    assert!(open(&forged(&own, &nested(2), &mac), &own).is_ok());
    let contents = [
        ("too deep", nested(10)),
        ("not there", Vec::new()),
        ("under another tag", Writer::new().value(tag::context(1), &sealed).into_bytes()),
        ("an octet string of its own", piece.clone()),
        ("a segment of another type", [&[0xa0, 0x80, 0x02, 0x01, 0x05][..], &piece, &[0, 0]].concat()),
        ("an indefinite primitive", [&[0x80, 0x80][..], &sealed, &[0, 0]].concat()),
        ("a mark in a definite length", Writer::new().value(0xa0, &[&piece[..], &[0, 0]].concat()).into_bytes()),
        ("longer than what holds it", [&[0x80, 0x84, 0xff, 0xff, 0xff, 0xff][..], &sealed].concat()),
        ("longer than 64 bits can say", [&[0x80, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 40][..], &sealed].concat()),
        ("a segment that leaves its string", [&[0xa0, 0x05, 0x04, 0x28][..], &sealed].concat()),
        ("no length at all", vec![0x80, 0xff]),
    ];
    for (what, content) in contents {
        assert_eq!(open(&forged(&own, &content, &mac), &own).unwrap_err(), EnvelopeError::Malformed, "{what}");
    }
    let content = Writer::new().value(tag::context(0), &sealed).into_bytes();
    let short_mac = Writer::new().value(tag::OCTET_STRING, &mac[2..14]).into_bytes();
    let no_mac = Vec::new();
    for after in [no_mac, short_mac, [&mac[..], &mac].concat(), [&mac[..], &[0, 0]].concat()] {
        assert_eq!(open(&forged(&own, &content, &after), &own).unwrap_err(), EnvelopeError::Malformed);
    }
    let zeros = Writer::new().value(tag::OCTET_STRING, &[0; 16]).into_bytes();
    assert_eq!(open(&forged(&own, &content, &zeros), &own).unwrap_err(), EnvelopeError::Forged);
}

/// What stands before and after the content is held, so it is bounded.
#[test]
fn heads_and_trailers_without_end_are_refused() {
    let own = recipient(Cipher::Aes256Gcm);
    let (sealed, mac) = sealed(&[]);
    let content = Writer::new().value(tag::context(0), &sealed).into_bytes();
    let attributes = Writer::new().value(tag::context_constructed(2), &vec![0; 100_000]).into_bytes();
    let long = forged(&own, &content, &[mac, attributes].concat());
    assert_eq!(open(&long, &own).unwrap_err(), EnvelopeError::Malformed);

    let envelope = seal(&[&own.certificate], Cipher::Aes256Gcm, None, b"content", 10);
    // ContentInfo, its type, [0], the envelope and its version; then recipients that never end.
    let set = envelope.iter().position(|octet| *octet == tag::SET).unwrap();
    let endless = [&envelope[..set], &[0x31, 0x80], &[0x30, 0x00].repeat(1 << 20)].concat();
    let mut opener = Opener::new(&own.certificate, &own.key, &[]);
    let taken = endless.chunks(4096).position(|piece| opener.update(piece).is_err()).unwrap();
    assert!(taken <= (1 << 20) / 4096, "{taken} pieces were taken");
    for deep in [[0x30, 0x80].repeat(1000), [0xa0, 0x80].repeat(1000)] {
        assert_eq!(open(&deep, &own).unwrap_err(), EnvelopeError::Malformed);
    }
}

/// A cipher that authenticates goes into AuthEnvelopedData, one that does not into EnvelopedData: nobody trades one for the other.
#[test]
fn a_content_under_the_other_type_is_refused() {
    for cipher in CIPHERS {
        let own = recipient(cipher);
        let envelope = seal(&[&own.certificate], cipher, None, &text(40), 40);
        let own_type = if cipher == Cipher::Aes256Gcm { oid::AUTH_ENVELOPED_DATA } else { oid::ENVELOPED_DATA };
        let other_type = if cipher == Cipher::Aes256Gcm { oid::ENVELOPED_DATA } else { oid::AUTH_ENVELOPED_DATA };
        let head = Writer::new().oid(own_type).into_bytes();
        assert_eq!(envelope[2..2 + head.len()], head);
        let other = [&envelope[..2], &Writer::new().oid(other_type).into_bytes(), &envelope[2 + head.len()..]].concat();
        assert_eq!(open(&other, &own).unwrap_err(), EnvelopeError::Malformed, "{cipher:?}");
        assert_eq!(Reader::new(&envelope[2..]).oid(), Ok(own_type));
    }
}

#[test]
fn openssl_opens_what_streams_by() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    for kind in [P256, KeyKind::Ec(Curve::P384), KeyKind::Rsa { bits: 2048 }] {
        if !served(kind) {
            continue;
        }
        let (own, other) = (world.identity(kind, Usage::Encryption), world.identity(P256, Usage::Encryption));
        write_pem(folder.path(), "recipient.pem", &[&own.certificate]);
        std::fs::write(folder.path().join("key.pem"), own.key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
        for length in [0, 200_000] {
            let content = text(length);
            for announced in [None, Some(length as u64)] {
                let to = [&other.certificate, &own.certificate];
                let envelope = seal(&to, Cipher::Aes256Gcm, announced, &content, 7_000);
                std::fs::write(folder.path().join("envelope"), envelope).unwrap();
                let decrypt = ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", "envelope"];
                let with = ["-recip", "recipient.pem", "-inkey", "key.pem"];
                let opened = openssl(folder.path(), &[&decrypt[..], &with].concat());
                assert_eq!(opened.as_deref(), Ok(&content[..]), "{kind:?} {length} {announced:?}");
            }
        }
    }
}

#[test]
fn we_open_what_openssl_streams() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let content = text(300_000);
    std::fs::write(folder.path().join("plain"), &content).unwrap();
    for kind in [P256, KeyKind::Ec(Curve::P384), KeyKind::Rsa { bits: 2048 }] {
        if !served(kind) {
            continue;
        }
        let own = world.identity(kind, Usage::Encryption);
        write_pem(folder.path(), "recipient.pem", &[&own.certificate]);
        let options: &[&str] = if matches!(kind, KeyKind::Rsa { .. }) {
            &["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256"]
        } else {
            &["-keyopt", "ecdh_kdf_md:sha256"]
        };
        for form in [&[][..], &["-stream"]] {
            let encrypt =
                ["cms", "-encrypt", "-binary", "-aes-256-gcm", "-aes256-wrap", "-outform", "DER", "-in", "plain"];
            let envelope =
                openssl(folder.path(), &[&encrypt[..], &["-recip", "recipient.pem"], options, form].concat());
            let envelope = envelope.unwrap_or_else(|why| panic!("{kind:?} {form:?}: {why}"));
            for piece in [11, 5_000, 1 << 20] {
                let (opened, proof) = open_in(&envelope, &own, piece).unwrap();
                assert!(opened == content && proof.is_some(), "{kind:?} {form:?}");
            }
        }
    }
}
