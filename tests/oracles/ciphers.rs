//! GOST 28147 and Kalyna in the modes that others have too.

use crypto::gost28147::{Dke, Gost28147};
use crypto::kalyna::{BlockSize, Kalyna};
use dstu_core::hazmat::{kalyna_cbc, kalyna_cfb, kalyna_cmac, kalyna_ctr, kalyna_ecb, kalyna_kw, kalyna_ofb};
use magma::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use proptest::prelude::*;
use tests::peers::{Number1, words_turned};

proptest! {
    /// Cipher feedback over the peer's block cipher.
    #[test]
    fn gost_28147_in_cipher_feedback(key: [u8; 32], iv: [u8; 8], message in prop::collection::vec(any::<u8>(), 0..100)) {
        let cipher = Gost28147::new(&key, Dke::NUMBER_1).unwrap();
        let mut ours = message.clone();
        cipher.cfb(&iv).unwrap().encrypt(&mut ours);
        let peer = magma::Gost89::<Number1>::new(&words_turned(&key).into());
        let mut register: magma::cipher::Array<u8, _> = iv.into();
        let mut expected = message.clone();
        for block in expected.chunks_mut(8) {
            register.reverse();
            peer.encrypt_block(&mut register);
            register.reverse();
            block.iter_mut().zip(register.iter()).for_each(|(byte, mask)| *byte ^= mask);
            register[..block.len()].copy_from_slice(block);
        }
        prop_assert_eq!(&ours, &expected);
        cipher.cfb(&iv).unwrap().decrypt(&mut ours);
        prop_assert_eq!(ours, message);
    }
}

/// One size of Kalyna against dstu-core. `$blocks` is whole blocks, `$any` any bytes.
macro_rules! kalyna {
    ($name:ident, $size:expr, $block:literal, $key:literal, $ecb:ident, $cbc:ident, $ctr:ident, $ofb:ident, $cfb:ident, $cmac:ident, $kw:ident) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]

            #[test]
            fn $name(
                key in any::<[u8; $key]>(),
                iv in any::<[u8; $block]>(),
                blocks in 1_usize..6,
                length in 0_usize..200,
                seed: u64,
            ) {
                let cipher = Kalyna::new($size, &key).unwrap();
                let whole = tests::chance::Chance::new(seed).bytes(blocks * $block);
                let any = tests::chance::Chance::new(seed).bytes(length);

                let (mut ours, mut theirs) = (whole.clone(), whole.clone());
                cipher.encrypt_ecb(&mut ours).unwrap();
                kalyna_ecb::$ecb::new(&key).encrypt_in_place(&mut theirs).unwrap();
                prop_assert_eq!(&ours, &theirs, "ECB");
                cipher.decrypt_ecb(&mut ours).unwrap();
                prop_assert_eq!(&ours, &whole, "ECB back");

                let (mut ours, mut theirs) = (whole.clone(), whole.clone());
                cipher.encrypt_cbc(&iv, &mut ours).unwrap();
                kalyna_cbc::$cbc::new(&key, &iv).encrypt_in_place(&mut theirs).unwrap();
                prop_assert_eq!(&ours, &theirs, "CBC");
                kalyna_cbc::$cbc::new(&key, &iv).decrypt_in_place(&mut ours).unwrap();
                prop_assert_eq!(&ours, &whole, "CBC back");
                cipher.decrypt_cbc(&iv, &mut theirs).unwrap();
                prop_assert_eq!(&theirs, &whole, "CBC back");

                let (mut ours, mut theirs) = (any.clone(), any.clone());
                cipher.ctr(&iv).unwrap().apply(&mut ours);
                kalyna_ctr::$ctr::new(&key, &iv).apply_in_place(&mut theirs);
                prop_assert_eq!(&ours, &theirs, "CTR");

                let (mut ours, mut theirs) = (any.clone(), any.clone());
                cipher.ofb(&iv).unwrap().apply(&mut ours);
                kalyna_ofb::$ofb::new(&key, &iv).apply_in_place(&mut theirs);
                prop_assert_eq!(&ours, &theirs, "OFB");

                let (mut ours, mut theirs) = (whole.clone(), whole.clone());
                cipher.cfb(&iv).unwrap().encrypt(&mut ours).unwrap();
                kalyna_cfb::$cfb::new(&key, &iv, $block).unwrap().encrypt_in_place(&mut theirs).unwrap();
                prop_assert_eq!(&ours, &theirs, "CFB");
                kalyna_cfb::$cfb::new(&key, &iv, $block).unwrap().decrypt_in_place(&mut ours).unwrap();
                prop_assert_eq!(&ours, &whole, "CFB back");

                let mut cmac = cipher.cmac(16).unwrap();
                cmac.update(&any);
                prop_assert_eq!(
                    cmac.finish().ok(),
                    kalyna_cmac::$cmac::mac(&key, &any).ok().map(|code| code.to_vec()),
                    "CMAC"
                );

                let wrapped = cipher.wrap_key(&whole).unwrap();
                let mut theirs = vec![0; wrapped.len()];
                kalyna_kw::$kw::wrap(&key, &whole, &mut theirs).unwrap();
                prop_assert_eq!(&wrapped, &theirs, "KW");
                prop_assert_eq!(&cipher.unwrap_key(&theirs).unwrap()[..], &whole[..], "KW back");
            }
        }
    };
}

kalyna!(
    kalyna_128_128,
    BlockSize::Bits128,
    16,
    16,
    Kalyna128_128Ecb,
    Kalyna128_128Cbc,
    Kalyna128_128Ctr,
    Kalyna128_128Ofb,
    Kalyna128_128Cfb,
    Kalyna128_128Cmac,
    Kalyna128_128Kw
);
kalyna!(
    kalyna_128_256,
    BlockSize::Bits128,
    16,
    32,
    Kalyna128_256Ecb,
    Kalyna128_256Cbc,
    Kalyna128_256Ctr,
    Kalyna128_256Ofb,
    Kalyna128_256Cfb,
    Kalyna128_256Cmac,
    Kalyna128_256Kw
);
kalyna!(
    kalyna_256_256,
    BlockSize::Bits256,
    32,
    32,
    Kalyna256_256Ecb,
    Kalyna256_256Cbc,
    Kalyna256_256Ctr,
    Kalyna256_256Ofb,
    Kalyna256_256Cfb,
    Kalyna256_256Cmac,
    Kalyna256_256Kw
);
kalyna!(
    kalyna_256_512,
    BlockSize::Bits256,
    32,
    64,
    Kalyna256_512Ecb,
    Kalyna256_512Cbc,
    Kalyna256_512Ctr,
    Kalyna256_512Ofb,
    Kalyna256_512Cfb,
    Kalyna256_512Cmac,
    Kalyna256_512Kw
);
kalyna!(
    kalyna_512_512,
    BlockSize::Bits512,
    64,
    64,
    Kalyna512_512Ecb,
    Kalyna512_512Cbc,
    Kalyna512_512Ctr,
    Kalyna512_512Ofb,
    Kalyna512_512Cfb,
    Kalyna512_512Cmac,
    Kalyna512_512Kw
);
