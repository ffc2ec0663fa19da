use super::*;

/// The message "abc": FIPS 180-4 examples (NIST CSRC), FIPS 202 examples.
const ABC: [(DigestAlgorithm, &str); 9] = [
    (DigestAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    (DigestAlgorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
    (DigestAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        DigestAlgorithm::Sha384,
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ),
    (
        DigestAlgorithm::Sha512,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    (DigestAlgorithm::Sha3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
    (DigestAlgorithm::Sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
    (
        DigestAlgorithm::Sha3_384,
        "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
    ),
    (
        DigestAlgorithm::Sha3_512,
        "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
    ),
];

/// Bytes that do not repeat.
pub(in crate::digest) fn message(length: usize, seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let octet = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(octet).collect()
}

#[test]
fn every_provider_gives_the_published_digests() {
    for provider in Provider::COMPILED {
        for (algorithm, expected) in ABC {
            assert_eq!(digest_with(*provider, algorithm, b"abc").to_hex(), expected, "{provider:?} {algorithm:?}");
        }
    }
    assert_eq!(hex(&sha256(b"abc")), ABC[2].1);
}

#[test]
fn pieces_give_the_same_digest_as_the_whole() {
    let message: Vec<u8> = (0..1000u32).map(|number| number.to_le_bytes()[0]).collect();
    for provider in Provider::COMPILED {
        for algorithm in DigestAlgorithm::ALL {
            let mut context = DigestContext::new(*provider, algorithm);
            message.chunks(77).for_each(|piece| context.update(piece));
            let pieces = Digest { algorithm, bytes: context.finish() };
            assert_eq!(pieces, digest(algorithm, &message), "{provider:?} {algorithm:?}");
        }
    }
}

#[test]
fn hmac_agrees_with_rfc_4231() {
    let cases: [(&[u8], &[u8], &str); 3] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ];
    for provider in Provider::COMPILED {
        for (key, message, expected) in cases {
            let (left, right) = message.split_at(3);
            assert_eq!(hex(&hmac_sha256_parts(*provider, key, &[left, right])), expected, "{provider:?}");
        }
    }
    assert_eq!(hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")), cases[1].2);
}

#[test]
fn oids_and_lengths_hang_together() {
    for algorithm in DigestAlgorithm::ALL {
        assert_eq!(DigestAlgorithm::from_oid(algorithm.oid()), Some(algorithm));
        assert_eq!(digest(algorithm, b"").as_bytes().len(), algorithm.output_len());
        assert!(Digest::new(algorithm, &vec![0; algorithm.output_len() - 1]).is_none());
        assert!(Digest::new(algorithm, &vec![0; algorithm.output_len() + 1]).is_none());
    }
    assert_eq!(DigestAlgorithm::from_oid("1.2.840.113549.2.5"), None, "MD5 is not served");
}

#[test]
fn hexadecimal_is_strict() {
    assert_eq!(from_hex("00ffAb").unwrap(), [0, 0xff, 0xab]);
    assert_eq!(hex(&[0, 0xff, 0xab]), "00ffab");
    for bad in ["0", "0g", "0x00", " 00", "00 ", "é0"] {
        assert_eq!(from_hex(bad), None, "{bad}");
    }
}

/// The wiring only: the modules have the known answers. UAPKI `digest.json` and li0ard/dstu `kupyna/index.spec.ts`.
#[test]
fn national_digests_are_served_by_oid() {
    let cases: [(&str, &[u8], &str); 4] = [
        (
            "1.2.804.2.1.1.1.1.2.1",
            b"The quick brown fox jumps over the lazy dog",
            "0f1355130b4a820a1e4e3f6474f6bdecc718a4a73345595edc1c1809832b2333",
        ),
        ("1.2.804.2.1.1.1.1.2.2.1", b"", "cd5101d1ccdf0d1d1f4ada56e888cd724ca1a0838a3521e7131d4fb78d0f5eb6"),
        (
            "1.2.804.2.1.1.1.1.2.2.2",
            &COUNT,
            "d9021692d84e5175735654846ba751e6d0ed0fac36dfbc0841287dcb0b5584c75016c3decc2a6e47c50b2f3811e351b8",
        ),
        (
            "1.2.804.2.1.1.1.1.2.2.3",
            b"",
            "656b2f4cd71462388b64a37043ea55dbe445d452aecd46c3298343314ef04019bcfa3f04265a9857f91be91fce197096187ceda78c9c1c021c294a0689198538",
        ),
    ];
    for (oid, message, expected) in cases {
        assert_eq!(digest(DigestAlgorithm::from_oid(oid).unwrap(), message).to_hex(), expected, "{oid}");
    }
}

/// 00, 01, .. 5E.
const COUNT: [u8; 95] = {
    let mut bytes = [0; 95];
    let mut index = 0;
    while index < 95 {
        bytes[index] = index.to_le_bytes()[0];
        index += 1;
    }
    bytes
};
