use super::*;

/// By another implementation: HMAC of Python's library, key wrap of the `openssl` command.
const ID: &str = "77a8a4014bb099b8c64aa47a23abf326";
const WRAPPED: &str = "56555a4f4c52000177a8a4014bb099b8c64aa47a23abf326a1baf5a905657f336b5db23a1c2b37b235915eea4d46b2fd3d90c6141dbe2fa70b01ed04e89bcbe5";
const MESSAGE: &str = "01938f6e3c007abc8def0123456789ab";

/// Bytes that count up from `first`.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|index| first + u8::try_from(index).unwrap())
}

fn ring_key() -> RingKey {
    RingKey::from_bytes(Zeroizing::new(counting(0)))
}

/// A token that is out of reach.
struct Unplugged(RingKeyId);

impl RingKeyHandle for Unplugged {
    fn id(&self) -> RingKeyId {
        self.0
    }

    fn hmac_sha256(&self, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, RingError> {
        Err(RingError::HolderFailed)
    }
}

#[test]
fn the_form_is_what_another_implementation_makes_of_it() {
    let (ring_key, message) = (ring_key(), from_hex(MESSAGE).unwrap());
    assert_eq!(ring_key.id().to_string(), ID);
    let wrapped = wrap(&ring_key, &message, &DocumentKey::from_bytes(counting(0xa0))).unwrap();
    assert_eq!(hex(&wrapped), WRAPPED);
    assert_eq!(named_key(&wrapped), RingKeyId::parse(ID));
    assert_eq!(unwrap(&ring_key, &message, &wrapped).unwrap().expose(), &counting(0xa0));
}

#[test]
fn a_key_opens_for_its_message_only() {
    let (ring_key, key) = (ring_key(), DocumentKey::generate());
    let wrapped = wrap(&ring_key, b"message 1", &key).unwrap();
    for other in [&b"message 2"[..], b"message", b"message 1\0", b""] {
        assert_eq!(unwrap(&ring_key, other, &wrapped).unwrap_err(), RingError::Forged);
    }
}

#[test]
fn nothing_that_was_changed_opens() {
    let ring_key = ring_key();
    let wrapped = wrap(&ring_key, b"message", &DocumentKey::generate()).unwrap();
    for bit in 0..wrapped.len() * 8 {
        let mut changed = wrapped.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0..8 => RingError::NotWrapped,
            8..24 => RingError::OtherKey(named_key(&changed).unwrap()),
            _ => RingError::Forged,
        };
        assert_eq!(unwrap(&ring_key, b"message", &changed).unwrap_err(), expected, "bit {bit}");
    }
    for length in 0..wrapped.len() {
        assert_eq!(unwrap(&ring_key, b"message", &wrapped[..length]).unwrap_err(), RingError::NotWrapped);
    }
    let longer = [&wrapped[..], &[0]].concat();
    assert_eq!(unwrap(&ring_key, b"message", &longer).unwrap_err(), RingError::NotWrapped);
    // What a CMS envelope begins with.
    assert_eq!(named_key(&[&[0x30, 0x82, 0x01, 0x00][..], &[0; 60]].concat()), None);
}

#[test]
fn another_ring_key_does_not_open_even_under_the_same_name() {
    let (ring_key, other) = (ring_key(), RingKey::generate());
    let wrapped = wrap(&ring_key, b"message", &DocumentKey::generate()).unwrap();
    assert_eq!(unwrap(&other, b"message", &wrapped).unwrap_err(), RingError::OtherKey(ring_key.id()));
    let mut relabelled = other.id().prefix().to_vec();
    relabelled.extend_from_slice(&wrapped[24..]);
    assert_eq!(unwrap(&other, b"message", &relabelled).unwrap_err(), RingError::Forged);
}

#[test]
fn a_token_that_fails_is_named() {
    let ring_key = ring_key();
    let wrapped = wrap(&ring_key, b"message", &DocumentKey::generate()).unwrap();
    let token = Unplugged(ring_key.id());
    assert_eq!(wrap(&token, b"message", &DocumentKey::generate()).unwrap_err(), RingError::HolderFailed);
    assert_eq!(unwrap(&token, b"message", &wrapped).unwrap_err(), RingError::HolderFailed);
}

#[test]
fn ids_have_one_spelling_and_keys_do_not_show_themselves() {
    let ring_key = ring_key();
    assert_eq!(RingKeyId::parse(ID), Some(ring_key.id()));
    for text in [ID.to_uppercase().as_str(), &ID[..30], "", "../../../../../../../../etc/pass"] {
        assert_eq!(RingKeyId::parse(text), None, "{text}");
    }
    assert_eq!(format!("{ring_key:?}"), "RingKey(..)");
    assert_ne!(RingKey::generate().id(), RingKey::generate().id());
}
