//! Known answers, pieces against the whole, and `kupyna` as the oracle.

use ::kupyna::Digest as _;
use proptest::prelude::*;

use super::engine::Engine;
use super::{Kmac, Kupyna, Width, hmac, kupyna, pbkdf2};
use crate::cipher::CipherError;
use crate::digest::{from_hex, hex};

/// 00, 01, .. FF, 00, ..
fn count(bytes: usize) -> Vec<u8> {
    (0..=255).cycle().take(bytes).collect()
}

fn hexed(text: &str) -> Vec<u8> {
    from_hex(text).unwrap()
}

fn digest(bits: usize, message: &[u8]) -> String {
    hex(&kupyna(Width::from_bits(bits).unwrap(), message))
}

/// Sources: li0ard/dstu `kupyna/index.spec.ts` (the standard's annex), BouncyCastle `DSTU7564Test`.
#[test]
fn published_digests_come_out() {
    assert_eq!(digest(48, &count(64)), "2f6631239875");
    assert_eq!(digest(256, &count(64)), "08f4ee6f1be6903b324c4e27990cb24ef69dd58dbe84813ee0a52f6631239875");
    assert_eq!(digest(256, &count(128)), "0a9474e645a7d25e255e9e89fff42ec7eb31349007059284f0b182e452bda882");
    assert_eq!(digest(256, &count(256)), "d305a32b963d149dc765f68594505d4077024f836c1bf03806e1624ce176c08f");
    assert_eq!(digest(256, &hexed("ff")), "ea7677ca4526555680441c117982ea14059ea6d0d7124d6ecdb3deec49e890f4");
    assert_eq!(digest(256, &count(95)), "1075c8b0cb910f116bda5fa1f19c29cf8ecc75caff7208ba2994b68fc56e8d16");
    assert_eq!(digest(256, &[]), "cd5101d1ccdf0d1d1f4ada56e888cd724ca1a0838a3521e7131d4fb78d0f5eb6");
    assert_eq!(
        digest(304, &count(128)),
        "0a8cada32b979635657f256b15d5fca4a174de029f0b1b4387c878fcc1c00e8705d783fd7ffe"
    );
    assert_eq!(
        digest(384, &count(95)),
        "d9021692d84e5175735654846ba751e6d0ed0fac36dfbc0841287dcb0b5584c75016c3decc2a6e47c50b2f3811e351b8"
    );
    assert_eq!(
        digest(512, &count(64)),
        "3813e2109118cdfb5a6d5e72f7208dccc80a2dfb3afdfb02f46992b5edbe536b3560dd1d7e29c6f53978af58b444e37ba685c0dd910533ba5d78efffc13de62a"
    );
    assert_eq!(
        digest(512, &count(128)),
        "76ed1ac28b1d0143013ffa87213b4090b356441263c13e03fa060a8cada32b979635657f256b15d5fca4a174de029f0b1b4387c878fcc1c00e8705d783fd7ffe"
    );
    assert_eq!(
        digest(512, &count(256)),
        "0dd03d7350c409cb3c29c25893a0724f6b133fa8b9eb90a64d1a8fa93b56556611eb187d715a956b107e3bfc76482298133a9ce8cbc0bd5e1436a5b197284f7e"
    );
    assert_eq!(
        digest(512, &hexed("ff")),
        "871b18cf754b72740307a97b449abeb32b64444cc0d5a4d65830ae5456837a72d8458f12c8f06c98c616abe11897f86263b5cb77c420fb375374bec52b6d0292"
    );
    assert_eq!(
        digest(512, &count(192)),
        "b189bfe987f682f5f167f0d7fa565330e126b6e592b1c55d44299064ef95b1a57f3c2d0ecf17869d1d199ebbd02e8857fb8add67a8c31f56cd82c016cf743121"
    );
    assert_eq!(
        digest(512, &[]),
        "656b2f4cd71462388b64a37043ea55dbe445d452aecd46c3298343314ef04019bcfa3f04265a9857f91be91fce197096187ceda78c9c1c021c294a0689198538"
    );
    assert_eq!(digest(256, &hexed("61")), "c51a1d639596fb613d86557314a150c40f8fff3de48bc93a3b03c161f4105ee4");
    assert_eq!(digest(256, &hexed("616263")), "0bd1b36109f1318411a0517315aa46b8839df06622a278676f5487996c9cfc04");
    assert_eq!(
        digest(
            256,
            &hexed(
                "61626364656667686263646566676869636465666768696a6465666768696a6b65666768696a6b6c666768696a6b6c6d6768696a6b6c6d6e68696a6b6c6d6e6f696a6b6c6d6e6f706a6b6c6d6e6f70716b6c6d6e6f7071726c6d6e6f707172736d6e6f70717273746e6f707172737475"
            )
        ),
        "02621dbb53f2c7001be64d7308ecb80d21ba7797c92e98d1efc240d41e4c414b"
    );
    assert_eq!(digest(256, &count(1023)), "6bfc5ec8c1f5963fbed89da115d86e9330634eca341dd42fd94a7007e4af7942");
    assert_eq!(digest(256, &count(52)), "8b6fe2ba77e684b2a1ac82232f4efc49f681cd18c82a0cfff530186a2fc642d2");
    assert_eq!(digest(256, &count(53)), "837f2b0cbe39a4defdfcb44272288d4091cab850161c70695d7831fc5f00e171");
    assert_eq!(digest(256, &count(54)), "21d423d5b8c7f18a0da42cdd95b36b66344125e2adc6edeab5899926442113bc");
    assert_eq!(digest(256, &count(55)), "0e7bf74464b81b3ae7d904170776d29f4b02a7227da578dd562d01027af7fd0e");
    assert_eq!(digest(256, &count(56)), "badea1f49cbcec94acec52b4c695acdddd786cca5a6763929f341a58c5134b3b");
    assert_eq!(digest(256, &count(57)), "a13b5f6f53ee043292ed65b66c1d49759be4d2fe0c2f6148f2416487965f7bde");
    assert_eq!(digest(256, &count(63)), "03a44a02c9ffafb43addb290bbcf3b8168f624e8cbd332dc6a9dc7df9d39cbc2");
    assert_eq!(digest(256, &count(65)), "a81c2fb92351f370050b7c36cd51736d5603a50ec1106cbd5fe1c9be2e5c77a6");
}

/// Sources: BouncyCastle `DSTU7564Test` (the standard's annex among them).
#[test]
fn published_codes_come_out() {
    assert_eq!(
        kmac(256, "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100", &count(1024)),
        "165382df70adcb040b17c1aced117d26d598b239ab631271a05f6d0f875ae9ea"
    );
    assert_eq!(
        kmac(256, "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100", &count(1023)),
        "ed45f163e694d990d2d835dca2f3f869a55a31396c8138161b190d5914d50686"
    );
    assert_eq!(
        kmac(256, "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100", &count(31)),
        "b60594d56fa79ba210314c72c2495087ccd0a99fc04acfe2a39ef669925d98ee"
    );
    assert_eq!(
        kmac(256, "08f4ee6f1be6903b324c4e27990cb24ef69dd58dbe84813ee0a52f6631239875", &hexed("0001020304050607")),
        "383a0b11989abf61b2cf3eb489351eb7c9aef70cf5a9d6dbd90f340ff151ba2d"
    );
    assert_eq!(
        kmac(
            384,
            "2f2e2d2c2b2a292827262524232221201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            &count(31)
        ),
        "bebfd8d730336f043abacb41829e79a4d320aeddd8d14024d5b805da70c396fa295c281a38b30ae728a304b3f5ae490e"
    );
    assert_eq!(
        kmac(
            512,
            "3f3e3d3c3b3a393837363534333231302f2e2d2c2b2a292827262524232221201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            &count(31)
        ),
        "f270043c06a5c37e65d9d791c5fbfb966e5ee709f8f54019c9a55b76ca40b70100579f269cec24e347a9d864614cf3abbf6610742e4db3bd2abc000387c49d24"
    );
}

fn kmac(bits: usize, key: &str, message: &[u8]) -> String {
    let width = Width::from_bits(bits).unwrap();
    let mut mac = Kmac::new(width, &hexed(key)).unwrap();
    let (left, right) = message.split_at(message.len() / 3);
    mac.update(left);
    mac.update(right);
    let code = mac.finish();
    let mut again = Kmac::new(width, &hexed(key)).unwrap();
    again.update(message);
    assert_eq!(again.verify(&code), Ok(()));
    let mut forged = Kmac::new(width, &hexed(key)).unwrap();
    forged.update(message);
    assert_eq!(forged.verify(&code[1..]), Err(CipherError::Forged));
    hex(&code)
}

/// HMAC against its definition, spelled out over the digest.
#[test]
fn hmac_pads_its_key_to_a_block() {
    for width in [Width::BITS_256, Width::BITS_384, Width::BITS_512] {
        for key_bytes in [0, 20, 64, 65, 128, 129] {
            let key = count(key_bytes);
            let mut block = if key.len() > width.block_len() { kupyna(width, &key) } else { key.clone() };
            block.resize(width.block_len(), 0);
            let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
            let inner = kupyna(width, &[pad(0x36), b"message".to_vec()].concat());
            assert_eq!(hmac(width, &key, b"message"), kupyna(width, &[pad(0x5c), inner].concat()), "{key_bytes}");
        }
    }
}

/// PBKDF2 against its definition, spelled out over [`hmac`].
#[test]
fn pbkdf2_is_the_sum_of_chained_codes() {
    for width in [Width::BITS_256, Width::BITS_384, Width::BITS_512] {
        let mut key = [0; 100];
        pbkdf2(width, b"password", b"salt", 3, &mut key);
        let mut expected = Vec::new();
        for block in 1..=4_u32 {
            let mut value = hmac(width, b"password", &[b"salt".as_slice(), &block.to_be_bytes()].concat());
            let mut sum = value.clone();
            for _ in 0..2 {
                value = hmac(width, b"password", &value);
                sum.iter_mut().zip(&value).for_each(|(sum, byte)| *sum ^= byte);
            }
            expected.extend(sum);
        }
        assert_eq!(key, expected[..100]);
    }
}

#[test]
fn every_split_gives_the_digest_of_the_whole() {
    let message = count(270);
    for width in [Width::BITS_256, Width::BITS_512] {
        for end in [0, 1, 51, 52, 63, 64, 115, 116, 117, 127, 128, 129, 192, 269, 270] {
            let whole = kupyna(width, &message[..end]);
            for split in 0..=end {
                let mut hash = Kupyna::new(width);
                hash.update(&message[..split]);
                hash.update(&message[split..end]);
                assert_eq!(hash.finish(), whole, "{split} of {end}");
            }
        }
    }
}

#[test]
fn widths_that_the_standard_does_not_define_are_refused() {
    for bits in [0, 7, 12, 260, 520, 1 << 20] {
        assert_eq!(Width::from_bits(bits), None, "{bits}");
    }
    let narrow = Width::from_bits(128).unwrap();
    assert_eq!(Kmac::new(narrow, &[0; 16]).unwrap_err(), CipherError::TagLength { length: 16 });
    assert_eq!(Kmac::new(Width::BITS_384, &[0; 32]).unwrap_err(), CipherError::KeyLength { length: 32 });
}

proptest! {
    #[test]
    fn the_oracle_agrees(message in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(kupyna(Width::BITS_256, &message), ::kupyna::Kupyna256::digest(&message).to_vec());
        prop_assert_eq!(kupyna(Width::BITS_384, &message), ::kupyna::Kupyna384::digest(&message).to_vec());
        prop_assert_eq!(kupyna(Width::BITS_512, &message), ::kupyna::Kupyna512::digest(&message).to_vec());
    }

}

proptest! {
    // One engine is slow by nature.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_engine_gives_the_same(message: [u8; 700], cut in 0_usize..700, bits in 1_usize..=64) {
        let width = Width::from_bits(8 * bits).unwrap();
        let with = |engine| {
            let mut hash = Kupyna::with_engine(width, engine);
            hash.update(&message[cut..]);
            hash.finish()
        };
        let tables = with(Engine::Tables);
        prop_assert_eq!(&with(Engine::Masked), &tables);
        prop_assert_eq!(&with(Engine::new()), &tables);
        prop_assert_eq!(&with(Engine::constant_time()), &tables);
    }
}
