//! Ed25519 in a token: its public half is read from the token, since no certificate has it (PKCS#11 3.0, current mechanisms, 2.3: `CKK_EC_EDWARDS`,
//! `CKM_EDDSA`).
//!
//! The point is 32 octets (RFC 8032, 5.1.5). PKCS#11 3.0 has them in `CKA_EC_POINT` wrapped into an OCTET STRING, later texts as they are, and modules follow
//! either: both are read, which the length tells apart. That point and private key belong together is found out as with any key, by a signature.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::{TokenError, TokenPlace, load, login, slot};
use crate::key::{KeyKind, PublicKey};

/// `id-Ed25519` (RFC 8410, 3), as DER: what `CKA_EC_PARAMS` says.
const ED25519_OID: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// The other way to say it: `curveName PrintableString`.
const ED25519_NAME: &[u8] = b"\x13\x0cedwards25519";

/// The public half of the key with this label.
pub(super) fn public_key(session: &Session, label: &str) -> Result<PublicKey, TokenError> {
    let wanted = [
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::EC_EDWARDS),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let found = session.find_objects(&wanted)?;
    let [object] = found[..] else { return Err(TokenError::PublicKeys(found.len(), label.to_owned())) };
    let mut point = None;
    for attribute in session.get_attributes(object, &[AttributeType::EcParams, AttributeType::EcPoint])? {
        match attribute {
            Attribute::EcParams(curve) if curve != ED25519_OID && curve != ED25519_NAME => {
                return Err(TokenError::PublicKey("of another curve than Ed25519"));
            }
            Attribute::EcPoint(encoded) => point = Some(encoded),
            _ => {}
        }
    }
    let point = point.ok_or(TokenError::PublicKey("without a point"))?;
    let raw = raw(&point).ok_or(TokenError::PublicKey("whose point is not of 32 octets"))?;
    PublicKey::from_raw(KeyKind::Ed25519, raw).map_err(|_| TokenError::PublicKey("whose point is none of the curve"))
}

/// The 32 octets of a point, wrapped or not.
fn raw(point: &[u8]) -> Option<&[u8]> {
    let raw = match point {
        [0x04, 32, raw @ ..] if raw.len() == 32 => raw,
        raw => raw,
    };
    (raw.len() == 32).then_some(raw)
}

/// Makes an Ed25519 key in the token, which never leaves it, and tells its public half. There is no object of that label yet.
///
/// # Errors
/// [`TokenError`]; `Taken` where there is.
pub fn make_ed25519(place: &TokenPlace) -> Result<PublicKey, TokenError> {
    let (module, _) = load(&place.module)?;
    let session = module.open_rw_session(slot(&module, &place.token)?)?;
    login(&session, place)?;
    let label = || Attribute::Label(place.key.as_bytes().to_vec());
    if !session.find_objects(&[label()])?.is_empty() {
        return Err(TokenError::Taken(place.key.clone()));
    }
    let id = || Attribute::Id(place.key.as_bytes().to_vec());
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::EcParams(ED25519_OID.to_vec()),
        label(),
        id(),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        label(),
        id(),
    ];
    let (public, private) = session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private)?;
    if let Err(error) = stays(&session, private) {
        // What could be taken away is not what was asked for; nobody shall find it under this label.
        session.destroy_object(private)?;
        session.destroy_object(public)?;
        return Err(error);
    }
    public_key(&session, &place.key)
}

/// Whether the token itself says that the key never was, and never will be, anywhere else.
fn stays(session: &Session, private: ObjectHandle) -> Result<(), TokenError> {
    let asked = [
        AttributeType::Sensitive,
        AttributeType::AlwaysSensitive,
        AttributeType::Extractable,
        AttributeType::NeverExtractable,
    ];
    let told = session.get_attributes(private, &asked)?;
    let wanted = [
        Attribute::Sensitive(true),
        Attribute::AlwaysSensitive(true),
        Attribute::Extractable(false),
        Attribute::NeverExtractable(true),
    ];
    let stays = wanted.iter().all(|wanted| told.contains(wanted));
    stays.then_some(()).ok_or_else(|| TokenError::Failed("it made a key that can be taken out of it".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_wrapped_and_as_it_is() {
        let point = [7; 32];
        let wrapped = [&[0x04, 32][..], &point].concat();
        assert_eq!((raw(&point), raw(&wrapped)), (Some(&point[..]), Some(&point[..])));
        // One that begins as if it were wrapped is not.
        let mut like_wrapped = [9; 32];
        (like_wrapped[0], like_wrapped[1]) = (0x04, 32);
        assert_eq!(raw(&like_wrapped), Some(&like_wrapped[..]));
        for wrong in [&[][..], &point[1..], &wrapped[..33], &[&wrapped[..], &[0]].concat(), &[4, 31, 1], &[7; 57]] {
            assert_eq!(raw(wrong), None, "{wrong:?}");
        }
        assert_eq!(raw(&[&[0x03, 32][..], &point].concat()), None, "another tag");
    }
}
