//! The modes of Kalyna that protect against change, its sectors and short feedbacks, and Strumok, at every length: the standard's examples are
//! whole blocks only.

use crypto::kalyna::{BlockSize, CcmLengthField, Kalyna};
use crypto::strumok::Strumok;
use dstu_core::hazmat::{kalyna_ccm, kalyna_cfb, kalyna_gcm, kalyna_gmac, kalyna_xts, strumok};
use proptest::prelude::*;

/// One size of Kalyna against dstu-core, which fixes the length field and the tag of CCM by the size.
macro_rules! kalyna {
    ($name:ident, $size:expr, $block:literal, $key:literal, $gcm:ident, $gmac:ident, $xts:ident, $cfb:ident, $ccm:ident, $field:expr, $tag:literal) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]

            #[test]
            fn $name(
                key in any::<[u8; $key]>(),
                iv in any::<[u8; $block]>(),
                additional in prop::collection::vec(any::<u8>(), 0..180),
                message in prop::collection::vec(any::<u8>(), 1..200),
            ) {
                let cipher = Kalyna::new($size, &key).unwrap();

                let (mut ours, mut theirs) = (message.clone(), vec![0; message.len()]);
                let tag = cipher.seal_gcm(&iv, &additional, &mut ours, $block).unwrap();
                let peer = kalyna_gcm::$gcm::new(&key);
                let their_tag = peer.encrypt(&iv, &additional, &message, &mut theirs).unwrap();
                prop_assert_eq!(&ours, &theirs, "GCM");
                prop_assert_eq!(&tag[..], &their_tag[..], "GCM tag");
                let mut opened = vec![0; message.len()];
                peer.decrypt(&iv, &additional, &ours, &tag, &mut opened).unwrap();
                prop_assert_eq!(&opened, &message, "GCM back");
                cipher.open_gcm(&iv, &additional, &mut theirs, &their_tag).unwrap();
                prop_assert_eq!(&theirs, &message, "GCM back");

                let mut gmac = cipher.gmac($block).unwrap();
                gmac.update(&message);
                let code = kalyna_gmac::$gmac::mac(&key, &message).unwrap();
                prop_assert_eq!(&gmac.finish().unwrap()[..], &code[..], "GMAC");

                let sealed = cipher.seal_ccm($field, &iv, &additional, &message, $tag).unwrap();
                let mut theirs = message.clone();
                let tag = kalyna_ccm::$ccm::new(&key).seal_in_place(&iv, &additional, &mut theirs).unwrap();
                theirs.extend_from_slice(&tag);
                prop_assert_eq!(&sealed, &theirs, "CCM");
                let opened = cipher.open_ccm($field, &iv, &additional, &theirs, $tag).unwrap();
                prop_assert_eq!(&opened[..], &message[..], "CCM back");

                if message.len() >= $block {
                    let (mut ours, mut theirs) = (message.clone(), message.clone());
                    cipher.encrypt_xts(&iv, &mut ours).unwrap();
                    kalyna_xts::$xts::new(&key).encrypt_in_place(&iv, &mut theirs).unwrap();
                    prop_assert_eq!(&ours, &theirs, "XTS");
                    cipher.decrypt_xts(&iv, &mut theirs).unwrap();
                    prop_assert_eq!(&theirs, &message, "XTS back");
                }

                for feedback in [1, 8, 16, 32, 64].into_iter().filter(|feedback| *feedback <= $block) {
                    let (mut ours, mut theirs) = (message.clone(), message.clone());
                    cipher.cfb_with_feedback(&iv, feedback).unwrap().encrypt_last(&mut ours);
                    kalyna_cfb::$cfb::new(&key, &iv, feedback).unwrap().encrypt_in_place(&mut theirs).unwrap();
                    prop_assert_eq!(&ours, &theirs, "CFB, feedback of {} bytes", feedback);
                    cipher.cfb_with_feedback(&iv, feedback).unwrap().decrypt_last(&mut theirs);
                    prop_assert_eq!(&theirs, &message, "CFB back");
                }
            }
        }
    };
}

kalyna!(
    kalyna_128_128,
    BlockSize::Bits128,
    16,
    16,
    Kalyna128_128Gcm,
    Kalyna128_128Gmac,
    Kalyna128_128Xts,
    Kalyna128_128Cfb,
    Kalyna128_128Ccm,
    CcmLengthField::Four,
    16
);
kalyna!(
    kalyna_128_256,
    BlockSize::Bits128,
    16,
    32,
    Kalyna128_256Gcm,
    Kalyna128_256Gmac,
    Kalyna128_256Xts,
    Kalyna128_256Cfb,
    Kalyna128_256Ccm,
    CcmLengthField::Four,
    16
);
kalyna!(
    kalyna_256_256,
    BlockSize::Bits256,
    32,
    32,
    Kalyna256_256Gcm,
    Kalyna256_256Gmac,
    Kalyna256_256Xts,
    Kalyna256_256Cfb,
    Kalyna256_256Ccm,
    CcmLengthField::Four,
    16
);
kalyna!(
    kalyna_256_512,
    BlockSize::Bits256,
    32,
    64,
    Kalyna256_512Gcm,
    Kalyna256_512Gmac,
    Kalyna256_512Xts,
    Kalyna256_512Cfb,
    Kalyna256_512Ccm,
    CcmLengthField::Six,
    32
);
kalyna!(
    kalyna_512_512,
    BlockSize::Bits512,
    64,
    64,
    Kalyna512_512Gcm,
    Kalyna512_512Gmac,
    Kalyna512_512Xts,
    Kalyna512_512Cfb,
    Kalyna512_512Ccm,
    CcmLengthField::Eight,
    64
);

proptest! {
    #[test]
    fn strumok_with_either_key(key: [u8; 64], iv: [u8; 32], message in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut short = [0; 32];
        short.copy_from_slice(&key[..32]);
        let (mut ours, mut theirs) = (message.clone(), message.clone());
        Strumok::new(&short, &iv).unwrap().apply(&mut ours);
        strumok::Strumok256::new(&short, &iv).apply_keystream(&mut theirs);
        prop_assert_eq!(ours, theirs);
        let (mut ours, mut theirs) = (message.clone(), message);
        Strumok::new(&key, &iv).unwrap().apply(&mut ours);
        strumok::Strumok512::new(&key, &iv).apply_keystream(&mut theirs);
        prop_assert_eq!(ours, theirs);
    }
}
