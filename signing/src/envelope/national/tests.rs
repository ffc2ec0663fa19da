use certs::dev::{Family, Identity, Usage};
use crypto::dstu4145::Curve;
use crypto::key::KeyHandle as _;

use super::super::{open_key, seal_key};
use super::*;
use crate::testing::{P256, World};

const CONTENT: &[u8] = "Заява про видачу довідки, довша за один блок шифру".as_bytes();

fn keys<'k>(own: &'k Identity, originators: &'k [Certificate]) -> Keys<'k> {
    Keys { recipient: &own.certificate, private: &own.key, originators }
}

fn recipient(world: &World, curve: Curve) -> Identity {
    world.identity(KeyKind::Dstu4145(curve), Usage::Encryption)
}

#[test]
fn the_recipient_opens_and_nobody_else() {
    let world = World::of(Family::Dstu4145);
    for curve in [Curve::M257, Curve::M431] {
        let (own, other) = (recipient(&world, curve), recipient(&world, curve));
        for profile in [Profile::Gost, Profile::Kalyna] {
            for content in [CONTENT, &[], &[7], &CONTENT[..32]] {
                let envelope = seal(content, &own.certificate, profile).unwrap();
                let opened = open(&envelope, &own.certificate, &own.key, &[]).unwrap();
                assert_eq!(opened.as_bytes(), content, "{curve:?} {profile:?}");
                assert_eq!(format!("{opened:?}"), format!("Unauthenticated({} bytes)", content.len()));
                assert_ne!(seal(content, &own.certificate, profile).unwrap(), envelope);
                let stranger = open(&envelope, &other.certificate, &other.key, &[]).unwrap_err();
                assert_eq!(stranger, EnvelopeError::OtherRecipient);
                let wrong_key = open(&envelope, &own.certificate, &other.key, &[]).unwrap_err();
                assert_eq!(wrong_key, EnvelopeError::Forged);
            }
        }
    }
    let p256 = world.identity(P256, Usage::Encryption);
    assert_eq!(seal(CONTENT, &p256.certificate, Profile::Gost), Err(EnvelopeError::UnsupportedKey));
}

/// The wrapped key is protected by its code; the content is not, and its type says so.
#[test]
fn changed_and_cut_envelopes_open_only_where_the_content_was_touched() {
    let world = World::of(Family::Dstu4145);
    let own = recipient(&world, Curve::M257);
    for profile in [Profile::Gost, Profile::Kalyna] {
        let envelope = seal(CONTENT, &own.certificate, profile).unwrap();
        for length in (0..envelope.len()).step_by(3) {
            assert!(open(&envelope[..length], &own.certificate, &own.key, &[]).is_err());
        }
        assert_eq!(
            open(&[&envelope[..], &[0]].concat(), &own.certificate, &own.key, &[]).unwrap_err(),
            EnvelopeError::Malformed
        );
        let start = envelope.len() - CONTENT.len();
        for at in (0..start).step_by(3) {
            let mut changed = envelope.clone();
            changed[at] ^= 0x01;
            if let Ok(opened) = open(&changed, &own.certificate, &own.key, &[]) {
                // The parameters of the content, or what nobody reads.
                let parameters = at > start - 120;
                assert!(parameters || opened.as_bytes() == CONTENT, "{profile:?} byte {at}");
            }
        }
        let mut changed = envelope.clone();
        changed[start] ^= 0x20;
        let opened = open(&changed, &own.certificate, &own.key, &[]).unwrap();
        assert_eq!(opened.as_bytes()[0], CONTENT[0] ^ 0x20, "CFB is malleable");
    }
}

/// A KeyAgreeRecipientInfo of a static originator, both parties named in one of the two ways.
fn recipient_info(sender: &Identity, own: &Identity, by_key: bool, agreement: &[u8], wrap: KeyWrap) -> Vec<u8> {
    let ukm = [0x5a; 64];
    let (hash, cofactor) = match agreement {
        oid::DSTU_COFACTOR_GOST => (DerivationHash::Gost34311, Cofactor::Multiply),
        oid::DSTU_STANDARD_GOST => (DerivationHash::Gost34311, Cofactor::Ignore),
        oid::DSTU_COFACTOR_KUPYNA => (DerivationHash::Kupyna256, Cofactor::Multiply),
        _ => (DerivationHash::Kupyna256, Cofactor::Ignore),
    };
    let secret = sender.key.agree(own.certificate.public_key().unwrap(), cofactor).unwrap();
    let kek = key_encryption_key(hash, hash.conventions()[0], &secret, wrap, Some(&ukm));
    let wrapped = match wrap {
        KeyWrap::Gost28147 => gost28147::wrap_key(&kek, &Dke::NUMBER_1, &[1; 8], &KEY).to_vec(),
        KeyWrap::Kalyna => kalyna::wrap_cms_key(&kek, &[1; 32], &KEY).to_vec(),
        KeyWrap::Aes256 => crypto::seal::aes256_wrap(&kek, &KEY).to_vec(),
    };
    let identifier = |certificate: &Certificate| certificate.subject_key_identifier().unwrap().to_vec();
    let (originator, name) = if by_key {
        let name = Writer::new().value(tag::OCTET_STRING, &identifier(&own.certificate));
        let originator = Writer::new().value(tag::context(0), &identifier(&sender.certificate));
        (originator, Writer::new().nest(tag::context_constructed(0), name))
    } else {
        (issuer_and_serial(&sender.certificate), issuer_and_serial(&own.certificate))
    };
    let key = Writer::new().nest(tag::SEQUENCE, name.value(tag::OCTET_STRING, &wrapped));
    let info = Writer::new()
        .small_integer(3)
        .nest(tag::context_constructed(0), originator)
        .nest(tag::context_constructed(1), Writer::new().value(tag::OCTET_STRING, &ukm))
        .nest(tag::SEQUENCE, Writer::new().oid(agreement).raw(wrap.identifier()))
        .nest(tag::SEQUENCE, key);
    Writer::new().nest(tag::context_constructed(1), info).into_bytes()
}

const KEY: [u8; 32] = [0x42; 32];

#[test]
fn every_agreement_and_wrap_opens_for_a_static_originator() {
    let world = World::of(Family::Dstu4145);
    let (sender, own) = (recipient(&world, Curve::M257), recipient(&world, Curve::M257));
    let larger = recipient(&world, Curve::M431);
    let p256 = world.identity(P256, Usage::Encryption);
    for by_key in [false, true] {
        for agreement in
            [oid::DSTU_COFACTOR_GOST, oid::DSTU_STANDARD_GOST, oid::DSTU_COFACTOR_KUPYNA, oid::DSTU_STANDARD_KUPYNA]
        {
            for wrap in [KeyWrap::Gost28147, KeyWrap::Kalyna, KeyWrap::Aes256] {
                let info = recipient_info(&sender, &own, by_key, agreement, wrap);
                let info = Element::only(&info).unwrap();
                let open = |known: &[Certificate]| {
                    let key = unwrap(&info, keys(&own, known), &[])?;
                    Ok(key.map(|key| *key.expose()))
                };
                let known = [larger.certificate.clone(), sender.certificate.clone()];
                assert_eq!(open(&known), Ok(Some(KEY)), "{agreement:02x?} {wrap:?}");
                assert_eq!(open(&known[..1]), Err(EnvelopeError::OriginatorUnknown));
                assert_eq!(open(&[]), Err(EnvelopeError::OriginatorUnknown));
                assert!(unwrap(&info, keys(&larger, &known), &[]).unwrap().is_none());
            }
        }
    }
    // Another agreement than the wrap was made under, and one that is not national.
    let info = recipient_info(&sender, &own, false, oid::DSTU_COFACTOR_GOST, KeyWrap::Gost28147);
    for (agreement, refusal) in [
        (oid::DSTU_STANDARD_GOST, EnvelopeError::Forged),
        (oid::DSTU_COFACTOR_KUPYNA, EnvelopeError::Forged),
        (oid::GOST_28147_CFB, EnvelopeError::Malformed),
    ] {
        let at = info.windows(10).position(|window| window == oid::DSTU_COFACTOR_GOST).unwrap();
        let mut changed = info.clone();
        if agreement.len() == 10 {
            changed[at..at + 10].copy_from_slice(agreement);
        } else {
            changed[at + 9] = 0x09;
        }
        let changed = Element::only(&changed).unwrap();
        let known = [sender.certificate.clone()];
        assert_eq!(unwrap(&changed, keys(&own, &known), &[]).unwrap_err(), refusal);
    }
    assert_eq!(table_of(p256.certificate.public_key().unwrap()).unwrap(), Dke::NUMBER_1);
}

/// What changes `find`, of which there is one, in an envelope.
fn with(envelope: &[u8], find: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let places: Vec<_> = envelope.windows(find.len()).enumerate().filter(|(_, window)| *window == find).collect();
    let [(at, _)] = places.as_slice() else { panic!("{} places", places.len()) };
    let mut changed = envelope.to_vec();
    change(&mut changed[*at..*at + find.len()]);
    changed
}

/// AuthEnvelopedData around a document key, whose content key goes by the national agreement.
#[test]
fn a_document_key_is_sealed_to_a_national_key_and_opens_for_nobody_else() {
    let world = World::of(Family::Dstu4145);
    let key = DocumentKey::generate();
    for curve in [Curve::M257, Curve::M431] {
        let (own, other) = (recipient(&world, curve), recipient(&world, curve));
        let envelope = seal_key(&key, &own.certificate).unwrap();
        assert_eq!(open_key(&envelope, &own.certificate, &own.key).unwrap().expose(), key.expose());
        assert_ne!(seal_key(&key, &own.certificate).unwrap(), envelope, "another ephemeral key and another nonce");
        let stranger = open_key(&envelope, &other.certificate, &other.key).unwrap_err();
        assert_eq!(stranger, EnvelopeError::OtherRecipient);
        let wrong_key = open_key(&envelope, &own.certificate, &other.key).unwrap_err();
        assert_eq!(wrong_key, EnvelopeError::Forged);
        // What the library of a partner looks for: AuthEnvelopedData, the agreement, the wrap, AES-256-GCM.
        for name in [oid::AUTH_ENVELOPED_DATA, oid::DSTU_COFACTOR_KUPYNA, oid::AES256_GCM] {
            assert!(envelope.windows(name.len()).any(|window| window == name), "{name:02x?}");
        }
        let wrap = KeyWrap::Kalyna.identifier();
        assert!(envelope.windows(wrap.len()).any(|window| window == wrap));
    }
}

#[test]
fn a_changed_or_cut_envelope_of_a_document_key_gives_no_other_key() {
    let world = World::of(Family::Dstu4145);
    let key = DocumentKey::generate();
    let own = recipient(&world, Curve::M257);
    let envelope = seal_key(&key, &own.certificate).unwrap();
    for length in (0..envelope.len()).step_by(3) {
        assert!(open_key(&envelope[..length], &own.certificate, &own.key).is_err());
    }
    assert!(open_key(&[&envelope[..], &[0]].concat(), &own.certificate, &own.key).is_err());
    for at in 0..envelope.len() {
        let mut changed = envelope.clone();
        changed[at] ^= 0x01;
        if let Ok(opened) = open_key(&changed, &own.certificate, &own.key) {
            assert_eq!(opened.expose(), key.expose(), "byte {at}");
        }
    }
}

/// Whatever of the way of the key was changed, the answer is the same.
#[test]
fn a_changed_point_wrap_or_keying_material_is_one_error() {
    let world = World::of(Family::Dstu4145);
    let (sender, own) = (recipient(&world, Curve::M257), recipient(&world, Curve::M257));
    let key = DocumentKey::generate();
    let envelope = seal_key(&key, &own.certificate).unwrap();
    // The ephemeral point: an OCTET STRING of 33 bytes in a BIT STRING. Half of all values are no point; others lie outside of the subgroup.
    let begin = [3, 36, 0, 4, 33];
    let at = envelope.windows(begin.len()).position(|window| window == begin).unwrap() + begin.len();
    for byte in 0..33 {
        for bit in [0x01, 0x80] {
            let mut changed = envelope.clone();
            changed[at + byte] ^= bit;
            let opened = open_key(&changed, &own.certificate, &own.key).map(|opened| *opened.expose());
            // The bit that tells a point from its negative: both have the x from which the secret is made.
            let expected = if (byte, bit) == (0, 0x01) { Ok(*key.expose()) } else { Err(EnvelopeError::Forged) };
            assert_eq!(opened, expected, "byte {byte} of the point");
        }
    }
    // The point of order 2, whose multiples tell a bit of the private key: (0, sqrt(b)).
    let mut small = envelope.clone();
    small[at..at + 33].fill(0);
    assert_eq!(open_key(&small, &own.certificate, &own.key).unwrap_err(), EnvelopeError::Forged);
    let (begin, mut changed) = ([4, 96], envelope.clone());
    let at = envelope.windows(2).position(|window| window == begin).unwrap() + 2;
    for byte in 0..96 {
        changed[at + byte] ^= 0x10;
        assert_eq!(open_key(&changed, &own.certificate, &own.key).unwrap_err(), EnvelopeError::Forged, "{byte}");
        changed[at + byte] ^= 0x10;
    }
    let info = recipient_info(&sender, &own, false, oid::DSTU_COFACTOR_KUPYNA, KeyWrap::Kalyna);
    let known = [sender.certificate.clone()];
    let refused = |info: &[u8]| unwrap(&Element::only(info).unwrap(), keys(&own, &known), &[]).unwrap_err();
    for at in [0, 31, 63] {
        let changed = with(&info, &[0x5a; 64], |material| material[at] ^= 1);
        assert_eq!(refused(&changed), EnvelopeError::Forged, "byte {at} of the keying material");
    }
}
