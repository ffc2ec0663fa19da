//! Envelopes of ours, and envelopes of the openssl command line.

use certs::dev::{Identity, Usage};
use crypto::key::{Curve, KeyKind};

use super::*;
use crate::cades::tests::{openssl, openssl_present, write_pem};
use crate::testing::{P256, World, served};

const KINDS: [KeyKind; 3] = [P256, KeyKind::Ec(Curve::P384), KeyKind::Rsa { bits: 2048 }];

fn recipient(world: &World, kind: KeyKind) -> Identity {
    world.identity(kind, Usage::Encryption)
}

#[test]
fn the_recipient_opens_and_nobody_else() {
    let world = World::new();
    let key = DocumentKey::generate();
    for kind in KINDS {
        if !served(kind) {
            continue;
        }
        let (own, other) = (recipient(&world, kind), recipient(&world, kind));
        let envelope = seal_key(&key, &own.certificate).unwrap();
        assert_eq!(open_key(&envelope, &own.certificate, &own.key).unwrap().expose(), key.expose());
        let stranger = open_key(&envelope, &other.certificate, &other.key).unwrap_err();
        assert_eq!(stranger, EnvelopeError::OtherRecipient);
        assert!(open_key(&envelope, &own.certificate, &other.key).is_err());
        assert_ne!(seal_key(&key, &own.certificate).unwrap(), envelope);
    }
    let signer = world.identity(KeyKind::Ed25519, Usage::Signing);
    assert_eq!(seal_key(&key, &signer.certificate), Err(EnvelopeError::UnsupportedKey));
}

#[test]
fn a_changed_or_cut_envelope_gives_no_other_key() {
    let world = World::new();
    let key = DocumentKey::generate();
    for kind in KINDS {
        if !served(kind) {
            continue;
        }
        let own = recipient(&world, kind);
        let envelope = seal_key(&key, &own.certificate).unwrap();
        for length in 0..envelope.len() {
            assert!(open_key(&envelope[..length], &own.certificate, &own.key).is_err());
        }
        let step = if matches!(kind, KeyKind::Rsa { .. }) { 7 } else { 1 };
        for at in (0..envelope.len()).step_by(step) {
            let mut changed = envelope.clone();
            changed[at] ^= 0x01;
            if let Ok(opened) = open_key(&changed, &own.certificate, &own.key) {
                assert_eq!(opened.expose(), key.expose(), "byte {at}");
            }
        }
        assert!(open_key(&[&envelope[..], &[0]].concat(), &own.certificate, &own.key).is_err());
    }
}

#[test]
fn openssl_opens_ours() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        if !served(kind) {
            continue;
        }
        let own = recipient(&world, kind);
        let key = DocumentKey::generate();
        write_pem(folder.path(), "recipient.pem", &[&own.certificate]);
        std::fs::write(folder.path().join("key.pem"), own.key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
        std::fs::write(folder.path().join("envelope"), seal_key(&key, &own.certificate).unwrap()).unwrap();
        let decrypt = [
            "cms",
            "-decrypt",
            "-binary",
            "-inform",
            "DER",
            "-in",
            "envelope",
            "-recip",
            "recipient.pem",
            "-inkey",
            "key.pem",
        ];
        assert_eq!(openssl(folder.path(), &decrypt).as_deref(), Ok(&key.expose()[..]), "{kind:?}");
    }
}

#[test]
fn we_open_what_openssl_seals() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let key = DocumentKey::generate();
    std::fs::write(folder.path().join("plain"), key.expose()).unwrap();
    for kind in KINDS {
        if !served(kind) {
            continue;
        }
        let own = recipient(&world, kind);
        write_pem(folder.path(), "recipient.pem", &[&own.certificate]);
        let options: &[&str] = if matches!(kind, KeyKind::Rsa { .. }) {
            &["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256"]
        } else {
            &["-keyopt", "ecdh_kdf_md:sha256"]
        };
        for form in [&[][..], &["-stream"], &["-keyid"]] {
            let encrypt = [
                "cms",
                "-encrypt",
                "-binary",
                "-aes-256-gcm",
                "-aes256-wrap",
                "-outform",
                "DER",
                "-in",
                "plain",
                "-recip",
                "recipient.pem",
            ];
            let envelope = openssl(folder.path(), &[&encrypt[..], options, form].concat());
            let envelope = envelope.unwrap_or_else(|why| panic!("{kind:?} {form:?}: {why}"));
            let opened = open_key(&envelope, &own.certificate, &own.key);
            assert_eq!(opened.map(|opened| *opened.expose()), Ok(*key.expose()), "{kind:?} {form:?}");
        }
    }
}
