//! GMAC, GCM, CCM and XTS, and CFB with a short feedback: known answers, refusals, and what a change does.

use super::*;

const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const IV_128: &str = "202122232425262728292a2b2c2d2e2f";

fn kalyna_128() -> Kalyna {
    cipher(128, KEY_256)
}

/// li0ard/dstu `gcm.spec.ts` (the standard's annex).
#[test]
fn published_gcm_comes_out() {
    let (iv, additional) = (bytes(IV_128), bytes("303132333435363738393a3b3c3d3e3f"));
    let mut data = bytes("505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f");
    let tag = kalyna_128().seal_gcm(&iv, &additional, &mut data, 16).unwrap();
    assert_eq!(hex(&data), "ff83f27c6d4ea26101b1986235831406a297940d6c0e695596d612623e0e7cdc");
    assert_eq!(hex(&tag), "3c474281afeae4fd6d61e995258747ab");
}

/// UAPKI `dstu7624_ccm_self_test`: neither the additional data nor the message are whole blocks.
#[test]
fn published_ccm_comes_out() {
    let (iv, additional) = (bytes(IV_128), bytes("303132333435363738393a3b"));
    let message = bytes("404142434445464748494a4b4c4d4e");
    let sealed = kalyna_128().seal_ccm(CcmLengthField::Four, &iv, &additional, &message, 16).unwrap();
    assert_eq!(hex(&sealed), "ef93e26c7d5eb27111a188722593043585df9998fe26308acba4fc0eb5f2c7");
    let opened = kalyna_128().open_ccm(CcmLengthField::Four, &iv, &additional, &sealed, 16).unwrap();
    assert_eq!(*opened, message);
}

/// UAPKI `dstu7624_xts_self_test`: partial last blocks.
#[test]
fn published_xts_comes_out() {
    for (key, iv, plaintext, ciphertext) in [
        (
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d",
            "48f3055ed2832222085005209c9d4d41b3e431b3fbaf31108c302669ee71",
        ),
        (
            KEY_256,
            IV_128,
            "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758",
            "830ac78a6f629cb4c7d5d156fd84955b470eefddee38b59f0d836b65635b0a63d0998ca1e0bc1ff135",
        ),
    ] {
        let (cipher, iv) = (cipher(128, key), bytes(iv));
        check(
            key,
            |data, encrypt| {
                if encrypt { cipher.encrypt_xts(&iv, data) } else { cipher.decrypt_xts(&iv, data) }.unwrap()
            },
            plaintext,
            ciphertext,
        );
    }
}

/// li0ard/dstu `cfb.spec.ts` (the standard's annex): a feedback of 64 bits.
#[test]
fn published_short_feedback_comes_out() {
    let cipher = cipher(128, "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100");
    let mode = || cipher.cfb_with_feedback(&bytes("2f2e2d2c2b2a29282726252423222120"), 8).unwrap();
    check(
        "feedback",
        |data, encrypt| if encrypt { mode().encrypt_last(data) } else { mode().decrypt_last(data) },
        "26319a368d85de43dd5fdb928d91a441493d8ce07b64797c8f9676c5921cd1ea743f5e2777c327ac58",
        "5f5e5d5c5b5a595857565554535251504f4e4d4c4b4a494847464544434241403f3e3d3c3b3a393837",
    );
}

#[test]
fn a_forged_tag_opens_nothing() {
    let (iv, additional) = ([7; 16], b"to whom");
    let mut data = *b"not a whole number of blocks";
    let tag = kalyna_128().seal_gcm(&iv, additional, &mut data, 12).unwrap();
    let sealed = data;
    for bit in 0..8 * tag.len() {
        let mut forged = tag.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(kalyna_128().open_gcm(&iv, additional, &mut data, &forged), Err(CipherError::Forged));
        assert_eq!(data, sealed, "the ciphertext stays");
    }
    assert_eq!(kalyna_128().open_gcm(&iv, b"to who", &mut data, &tag), Err(CipherError::Forged));
    data[3] ^= 1;
    assert_eq!(kalyna_128().open_gcm(&iv, additional, &mut data, &tag), Err(CipherError::Forged));
    data[3] ^= 1;
    kalyna_128().open_gcm(&iv, additional, &mut data, &tag).unwrap();
    assert_eq!(&data, b"not a whole number of blocks");
}

#[test]
fn a_changed_ccm_opens_nothing() {
    let field = CcmLengthField::Six;
    let sealed = kalyna_128().seal_ccm(field, &[7; 16], b"", b"message", 8).unwrap();
    assert_eq!(sealed.len(), 15);
    let open = |sealed: &[u8], additional: &[u8]| kalyna_128().open_ccm(field, &[7; 16], additional, sealed, 8);
    assert_eq!(*open(&sealed, b"").unwrap(), b"message");
    assert_eq!(open(&sealed, b"a").unwrap_err(), CipherError::Forged);
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 0x80;
        assert_eq!(open(&changed, b"").unwrap_err(), CipherError::Forged, "{index}");
    }
    assert_eq!(open(&sealed[..7], b"").unwrap_err(), CipherError::DataLength { length: 7 });
    assert_eq!(open(&sealed[..8], b"").unwrap_err(), CipherError::DataLength { length: 0 });
}

#[test]
fn parameters_that_the_modes_do_not_define_are_refused() {
    let cipher = kalyna_128();
    for length in [0, 7, 17] {
        let error = CipherError::TagLength { length };
        assert_eq!(cipher.gmac(length).err(), Some(error));
        assert_eq!(cipher.seal_gcm(&[0; 16], b"", &mut [1], length), Err(error));
        assert_eq!(cipher.open_gcm(&[0; 16], b"", &mut [1], &vec![0; length]), Err(error));
        assert_eq!(cipher.seal_ccm(CcmLengthField::Four, &[0; 16], b"", &[1], length), Err(error));
    }
    let error = CipherError::TagLength { length: 12 };
    assert_eq!(cipher.seal_ccm(CcmLengthField::Four, &[0; 16], b"", &[1], 12), Err(error));
    let nothing = CipherError::DataLength { length: 0 };
    assert_eq!(cipher.gmac(16).unwrap().finish(), Err(nothing));
    assert_eq!(cipher.seal_gcm(&[0; 16], b"", &mut [], 16), Err(nothing));
    assert_eq!(cipher.open_gcm(&[0; 16], b"", &mut [], &[0; 16]), Err(nothing));
    assert_eq!(cipher.seal_ccm(CcmLengthField::Four, &[0; 16], b"a", &[], 16), Err(nothing));
    let iv = CipherError::IvLength { length: 12 };
    assert_eq!(cipher.seal_gcm(&[0; 12], b"", &mut [1], 16), Err(iv));
    assert_eq!(cipher.seal_ccm(CcmLengthField::Four, &[0; 12], b"", &[1], 16), Err(iv));
    assert_eq!(cipher.encrypt_xts(&[0; 12], &mut [0; 16]), Err(iv));
    assert_eq!(cipher.encrypt_xts(&[0; 16], &mut [0; 15]), Err(CipherError::DataLength { length: 15 }));
    assert_eq!(cipher.decrypt_xts(&[0; 16], &mut [0; 15]), Err(CipherError::DataLength { length: 15 }));
    for feedback in [0, 2, 32] {
        let error = CipherError::FeedbackLength { length: feedback };
        assert_eq!(cipher.cfb_with_feedback(&[0; 16], feedback).err(), Some(error));
    }
    let mut short = cipher.cfb_with_feedback(&[0; 16], 8).unwrap();
    assert_eq!(short.encrypt(&mut [0; 12]), Err(CipherError::DataLength { length: 12 }));
}

proptest! {
    #[test]
    fn what_was_sealed_opens(key: [u8; 64], iv: [u8; 64], data: [u8; 150], length in 64_usize..150, cut in 0_usize..64) {
        for (size, key) in
            [(BlockSize::Bits128, &key[..16]), (BlockSize::Bits256, &key[..]), (BlockSize::Bits512, &key[..])]
        {
            let (cipher, iv) = (Kalyna::new(size, key).unwrap(), &iv[..size.bytes()]);
            let (additional, message) = (&data[..cut], &data[cut..length]);
            let mut copy = message.to_vec();
            let tag = cipher.seal_gcm(iv, additional, &mut copy, 16).unwrap();
            cipher.open_gcm(iv, additional, &mut copy, &tag).unwrap();
            prop_assert_eq!(copy.as_slice(), message);
            let sealed = cipher.seal_ccm(CcmLengthField::Eight, iv, additional, message, 8).unwrap();
            let opened = cipher.open_ccm(CcmLengthField::Eight, iv, additional, &sealed, 8).unwrap();
            prop_assert_eq!(opened.as_slice(), message);
            let mut sector = data[..length].to_vec();
            cipher.encrypt_xts(iv, &mut sector).unwrap();
            cipher.decrypt_xts(iv, &mut sector).unwrap();
            prop_assert_eq!(sector.as_slice(), &data[..length]);
            for feedback in [1, 8, 16] {
                let mut short = data[..length].to_vec();
                cipher.cfb_with_feedback(iv, feedback).unwrap().encrypt_last(&mut short);
                cipher.cfb_with_feedback(iv, feedback).unwrap().decrypt_last(&mut short);
                prop_assert_eq!(short.as_slice(), &data[..length]);
            }
            let mut whole = cipher.gmac(8).unwrap();
            whole.update(&data);
            let mut pieces = cipher.gmac(8).unwrap();
            [&data[..cut], &data[cut..length], &data[length..]].into_iter().for_each(|piece| pieces.update(piece));
            prop_assert_eq!(whole.finish(), pieces.finish());
        }
    }
}
