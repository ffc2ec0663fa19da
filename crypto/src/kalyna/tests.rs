//! Known answers, round trips, pieces against the whole, and the table-free cipher against the tables.

mod authenticated;

use proptest::prelude::*;

use super::*;
use crate::digest::{from_hex, hex};

fn bytes(text: &str) -> Vec<u8> {
    from_hex(text).unwrap()
}

fn cipher(block: usize, key: &str) -> Kalyna {
    let block = match block {
        128 => BlockSize::Bits128,
        256 => BlockSize::Bits256,
        _ => BlockSize::Bits512,
    };
    Kalyna::new(block, &bytes(key)).unwrap()
}

fn number(index: usize) -> u8 {
    index.to_le_bytes()[0]
}

/// Both directions of a mode against a published pair.
fn check(name: &str, work: impl Fn(&mut Vec<u8>, bool), plaintext: &str, ciphertext: &str) {
    let mut data = bytes(plaintext);
    work(&mut data, true);
    assert_eq!(hex(&data), ciphertext, "{name}");
    work(&mut data, false);
    assert_eq!(hex(&data), plaintext, "{name}");
}

/// li0ard/dstu `src/**.spec.ts` and BouncyCastle `DSTU7624Test` (the standard's annex).
#[test]
fn published_ecb_comes_out() {
    for (block, key, plaintext, ciphertext) in [
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "81bf1c7d779bac20e1c9ea39b4d2ad06",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f",
            "58ec3e091000158a1148f7166f334f14",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "f66e3d570ec92135aedae323dcbd2a8ca03963ec206a0d5a88385c24617fd92c",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
            "606990e9e6b7b67a4bd6d893d72268b78e02c83c3cd7e102fd2e74a8fdfe5dd9",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
            "4a26e31b811c356aa61dd6ca0596231a67ba8354aa47f3a13e1deec320eb56b895d0f417175bab662fd6f134bb15c86ccb906a26856efeb7c5bc6472940dd9d9",
        ),
    ] {
        let cipher = cipher(block, key);
        check(
            key,
            |data, encrypt| if encrypt { cipher.encrypt_ecb(data) } else { cipher.decrypt_ecb(data) }.unwrap(),
            plaintext,
            ciphertext,
        );
    }
}

/// li0ard/dstu `src/**.spec.ts` and BouncyCastle `DSTU7624Test` (the standard's annex).
#[test]
fn published_cbc_comes_out() {
    for (block, key, iv, plaintext, ciphertext) in [
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "a73625d7be994e85469a9faabcedaab6dbc5f65dd77bb35e06bd7d1d8eafc8624d6cb31ce189c82b8979f2936de9bf14",
        ),
        (
            128,
            "0f0e0d0c0b0a09080706050403020100",
            "1f1e1d1c1b1a19181716151413121110",
            "88f2f048ba696170e3818915e0dbc0afa6f141febc2f817138da4aab2dbf9ce490a488c9c82ac83fb0a6c0eeb64cfd22",
            "4f4e4d4c4b4a494847464544434241403f3e3d3c3b3a393837363534333231302f2e2d2c2b2a29282726252423222120",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f",
            "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d8000",
            "13ea15843ad14c50bc03ecef1f43e398e4217752d3eb046ac393dacc5ca1d6fa0eb9fceb229362b4f1565527ee3d8433",
        ),
        (
            128,
            "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            "2f2e2d2c2b2a29282726252423222120",
            "bc8f026fc603ece05c24fde87542730999b381870882ac0535d4368c4babd81b884e96e853ee7e055262d9d204fbe212",
            "5f5e5d5c5b5a595857565554535251504f4e4d4c4b4a494847464544434241403f3e3d3c3b3a39383736353433323130",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
            "9cdfdaa75929e7c2a5cfc1bf16b42c5ae3886d0258e8c577dc01daf62d185fb999b9867736b87110f5f1bc7481912c593f48ff79e2afdfab9f704a277ec3e557b1b0a9f223dae6ed5af591c4f2d6fb22e48334f5e9b96b1a2ea5200f30a406ce",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
            "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf",
            "b8a2474578c2febf3f94703587bd5fdc3f4a4d2f43575b6144a1e1031fb3d1452b7fd52f5e3411461dac506869ff8d2faef4fee60379ae00b33aa3eaf911645af8091cd8a45d141d1fb150e5a01c1f26ff3dbd26ac4225ec7577b2ce57a5b0ff",
        ),
        (
            256,
            "3f3e3d3c3b3a393837363534333231302f2e2d2c2b2a292827262524232221201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            "5f5e5d5c5b5a595857565554535251504f4e4d4c4b4a49484746454443424140",
            "c69a59e10d00f087319b62288a57417c074ead07c732a87055f0a5ad2bb288105705c45e091a9a6726e9672dc7d8c76fc45c782bcfef7c39d94deb84b17035bc8651255a0d34373451b6e1a2c827db97566c9ff5506c5579f982a0efc5ba7c28",
            "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0afaeadacabaaa9a8a7a6a5a4a3a2a1a09f9e9d9c9b9a999897969594939291908f8e8d8c8b8a898887868584838281807f7e7d7c7b7a797877767574737271706f6e6d6c6b6a69686766656463626160",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
            "d4739b829ef901b24c1162ae4fdef897eda41fac7f5770cdc90e1d1cdf124e8d7831e06b4498a4b6f6ec815df2461dc99bb0449b0f09fcaa2c84090534bcc9329626fd74ef8f0a0bcb5765184629c3cbf53b0fb134f6d0421174b1c4e884d1cd1069a7ad19752dcebf655842e79b7858bde01390a760d85e88925bfe38b0fa57",
        ),
        (
            512,
            "3f3e3d3c3b3a393837363534333231302f2e2d2c2b2a292827262524232221201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            "7f7e7d7c7b7a797877767574737271706f6e6d6c6b6a696867666564636261605f5e5d5c5b5a595857565554535251504f4e4d4c4b4a49484746454443424140",
            "5d5b3e3de5baa70e0a0684d458856ce759c6018d0b3f087fc1dac101d380236dd934f2880b02d56a575bca35a0ce4b0d9ba1f4a39c16ca7d80d59956630f09e54ec91e32b6830fe08323ed393f8028d150bf03cad0629a5afeeff6e44257980618db2f32b7b2b65b96e8451f1090829d2fffc615cc1581e9221438dcead1fd12",
            "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0dfdedddcdbdad9d8d7d6d5d4d3d2d1d0cfcecdcccbcac9c8c7c6c5c4c3c2c1c0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0afaeadacabaaa9a8a7a6a5a4a3a2a1a09f9e9d9c9b9a999897969594939291908f8e8d8c8b8a89888786858483828180",
        ),
    ] {
        let cipher = cipher(block, key);
        let iv = bytes(iv);
        check(
            key,
            |data, encrypt| {
                if encrypt { cipher.encrypt_cbc(&iv, data) } else { cipher.decrypt_cbc(&iv, data) }.unwrap()
            },
            plaintext,
            ciphertext,
        );
    }
}

/// li0ard/dstu `src/**.spec.ts` and BouncyCastle `DSTU7624Test` (the standard's annex).
#[test]
fn published_ctr_comes_out() {
    for (block, key, iv, plaintext, ciphertext) in [
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748",
            "a90a6b9780abdfdff64d14f5439e88f266dc50edd341528dd5e698e2f000ce21f872daf9fe1811844a",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f",
            "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "9fe3921c0d2ec20161d1f80255e3746682b7b42d4c2e4975b6f632421e2e5cfc",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f",
            "5ee17c749b751c91635bc0cffd0ea12f4078695e9cc460aa28871f8dd3d479f58be1e390cdf34b934c320bd34855092f1fbe52f88546547921ec61ecab4e5e6086711ea79ddba33473e93005eecabf6e",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
            "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
            "de5d54b8abb189428f5e5ae27554c2dfb8353840d11275eafd97841a599b40b8c9c2fa992fd0e5398aa8637175873b5b739b302f7d008fdae0750f7f0833fec8efd851d8dbb62a93673ce7009fd2d96c",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
            "62460297673d5007c88fd7f14250d80f102475116f3bb113858debbe8c50eff4e2a2bc11b656efc0bf9d4647ba94b502f8af4627313ca3aaeacffc707ca72cd9a95b1cce08dc4dd4a8ea0765986103c21b7c0db0fbb602f279b1a00d5e4ffa18",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748",
            "8a355857d43e1e12ddc9ab7c07f9c350a4a946eddce74246bd9756c14db38e82d82da491af959c79bc225bd9acaf1428f15cb321e1eae2a3a6aa12c417949677d5f930367f40241b9c7c4e8d771a56b7eba1",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f101112131415161718191a1b1c1d1e1f101112131415161718191a1b1c1d1e1f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748",
            "7009ea4ff158689a5f607a807ba2ad3f9beccef21a8712d37d2712a0ca51e9e067d2e0f4c91658f48d42ae13e9e221223ccd065125a2ed0e5451c5083160dfd20e1820190913f1290c40f3e558378de6aabfeec64f505fdcd2888533b29c4fc4aee8201f3e60af781c6fc31d6445a797b776b55743c8ce5140990ac714b890ac7e2b7854d1576b3202149e615d7e01458bc8d8317c10c8268f99cf63a12f17035e5c5b29",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "b91a7b8790bbcfcfe65d04e5538e98e216ac209da33122fda596e8928070be51",
        ),
    ] {
        let cipher = cipher(block, key);
        check(key, |data, _| cipher.ctr(&bytes(iv)).unwrap().apply(data), plaintext, ciphertext);
    }
}

/// li0ard/dstu `src/**.spec.ts` and BouncyCastle `DSTU7624Test` (the standard's annex).
#[test]
fn published_ofb_comes_out() {
    for (block, key, iv, plaintext, ciphertext) in [
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "a19e3e5e53be8a07c9e0c01298ff832953205c661bd85a51f3a94113bc785cab634b36e89a8fdd16a12e4467f5cc5a26",
        ),
        (
            128,
            "0f0e0d0c0b0a09080706050403020100",
            "1f1e1d1c1b1a19181716151413121110",
            "649a1eaae160af20f5b3ef2f58d66c1178b82e00d26f30689c8ec22e8e86e9cbb0bd4ffee39eb13c2311276a906dd636",
            "4f4e4d4c4b4a494847464544434241403f3e3d3c3b3a393837363534333231302f2e2d2c2b2a29282726252423222120",
        ),
        (
            128,
            "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            "2f2e2d2c2b2a29282726252423222120",
            "1a66cfbfec00c6d52e39923e858dd64b214ab787798d3d5059a6b498ad66b34eac48c4074bec0d98c6",
            "5f5e5d5c5b5a595857565554535251504f4e4d4c4b4a494847464544434241403f3e3d3c3b3a393837",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f90",
            "b62f7f144a8c6772e693a96890f064c3f06831bf743f5b0dd061067f3d22877331aa6a99d939f05b7550e9402bd1615cc7b2d4a167e83ec0d8a894f92c72e176f3880b61c311d69ce1210c59184e818e19",
        ),
        (
            256,
            "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            "3f3e3d3c3b3a393837363534333231302f2e2d2c2b2a29282726252423222120",
            "7758a939dd6bd00caf9153e5a5d5a66129105ca1ea54a97c06fa4a40960a068f55e34f9339a14436216948f92fa2fb5286d3ab1e81543fc0018a0c4e8c493475f4d35dcfb0a7a5377f6669b857cdc978e4",
            "9f9e9d9c9b9a999897969594939291908f8e8d8c8b8a898887868584838281807f7e7d7c7b7a797877767574737271706f6e6d6c6b6a696867666564636261605f5e5d5c5b5a595857565554535251504f",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
            "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0",
            "0008f28a82d2d01d23bfb2f8bb4f06d8fe73ba4f48a2977585570ed3818323a668883c9dcff610cc7e3ea5c025fbbc5ca6520f8f11ca35ceb9b07031e6dbfabe39001e9a3cc0a24bbc565939592b4dedbd",
        ),
        (
            256,
            "3f3e3d3c3b3a393837363534333231302f2e2d2c2b2a292827262524232221201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            "5f5e5d5c5b5a595857565554535251504f4e4d4c4b4a49484746454443424140",
            "98e122708fdabb1b1a5765c396dc79d7573221ec486addabd1770b147a6dd00b5fbc4f1ec68c59775b7aaa4d43c4cce4f396d982df64d30b03ef6c3b997ba0ed940bbc590bd30d64b5ae207147d71086b5",
            "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0afaeadacabaaa9a8a7a6a5a4a3a2a1a09f9e9d9c9b9a999897969594939291908f8e8d8c8b8a898887868584838281807f7e7d7c7b7a797877767574737271706f",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0",
            "caa761980599b3ed2e945c41891bad95f72b11c73ed26536a6847458bc76c827357156b4b3fe0dc1877f5b9f17b866c37b21d89531db48007d05dec928b06766c014bb9080385edf0677e48a0a39b5e7489e28e82fffd1f84694f17296cb701656",
        ),
        (
            512,
            "3f3e3d3c3b3a393837363534333231302f2e2d2c2b2a292827262524232221201f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100",
            "7f7e7d7c7b7a797877767574737271706f6e6d6c6b6a696867666564636261605f5e5d5c5b5a595857565554535251504f4e4d4c4b4a49484746454443424140",
            "06c061a4a66dfc0910034b3cfbdc4206d8908241c56bf41c4103cfd6df322210b87f57eae9f9ad815e606a7d1e8e6bd7cb1ebfbdbcb085c2d06bf3cc1586cb2ee1d81d38437f425131321647e42f5de309d33f25b89de37124683e4b44824fc56d",
            "efeeedecebeae9e8e7e6e5e4e3e2e1e0dfdedddcdbdad9d8d7d6d5d4d3d2d1d0cfcecdcccbcac9c8c7c6c5c4c3c2c1c0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0afaeadacabaaa9a8a7a6a5a4a3a2a1a09f9e9d9c9b9a999897969594939291908f",
        ),
    ] {
        let cipher = cipher(block, key);
        check(key, |data, _| cipher.ofb(&bytes(iv)).unwrap().apply(data), plaintext, ciphertext);
    }
}

/// li0ard/dstu `src/**.spec.ts` and BouncyCastle `DSTU7624Test` (the standard's annex).
#[test]
fn published_cfb_comes_out() {
    for (block, key, iv, plaintext, ciphertext) in [
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "a19e3e5e53be8a07c9e0c01298ff83291f8ee6212110be3fa5c72c88a082520b265570fe28680719d9b4465e169bc37a",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
            "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0",
            "0008f28a82d2d01d23bfb2f8bb4f06d8fe73ba4f48a2977585570ed3818323a6dbad3d9dd580d9d8f787ce55fab90735f6b2d6152d56c0c787e6f4b6a2f557df707a671d06aed196dd7d7e2320d8e45c4c",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
            "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0",
            "caa761980599b3ed2e945c41891bad95f72b11c73ed26536a6847458bc76c827357156b4b3fe0dc1877f5b9f17b866c37b21d89531db48007d05dec928b06766c67d6f3f4c2b82d7a836fad160905c1c7576243877dc3ade4aa057966e0023f069",
        ),
    ] {
        let cipher = cipher(block, key);
        check(
            key,
            |data, encrypt| {
                let cfb = cipher.cfb(&bytes(iv)).unwrap();
                if encrypt { cfb.encrypt_last(data) } else { cfb.decrypt_last(data) }
            },
            plaintext,
            ciphertext,
        );
    }
}

/// li0ard/dstu `src/**.spec.ts` and BouncyCastle `DSTU7624Test` (the standard's annex).
#[test]
fn published_cmac_comes_out() {
    for (block, key, message, code) in [
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "123b4eab8e63ecf3e645a99c1115e241",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d",
            "4cf52d7d5b0c47f05f6f5f5e73c3b508",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf",
            "7279fa6bc8ef7525b2b35260d00a1743",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "5df20d04735bab6d5351082da6ad8d41",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "7d0d5fd504115264ea173266f3267a89",
        ),
    ] {
        let cipher = cipher(block, key);
        let mac = |message: &[u8]| {
            let mut mac = cipher.cmac(code.len() / 2).unwrap();
            mac.update(message);
            mac
        };
        let message = bytes(message);
        assert_eq!(hex(&mac(&message).finish().unwrap()), code);
        assert_eq!(mac(&message).verify(&bytes(code)), Ok(()));
        assert_eq!(mac(&message[1..]).verify(&bytes(code)), Err(CipherError::Forged));
    }
}

/// li0ard/dstu `src/**.spec.ts` and BouncyCastle `DSTU7624Test` (the standard's annex).
#[test]
fn published_kw_comes_out() {
    for (block, key, plaintext, ciphertext) in [
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f",
            "1dc91dc6e52575f6dbed25adda95a1b6ad3e15056e489738972c199fb9ee2913",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
            "2d09a7c18e6a5a0816331ec27cea596903f77ec8d63f3bdb73299de7fd9f4558e05992b0b24b39e02ea496368e0841cc1e3fa44556a3048c5a6e9e335717d17d",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f",
            "be59d3c3c31b2685a8fa57cd000727f16af303f0d87bc2d7abd80dc2796bbc4cdbc4e0408943af4daf7de9084dc81bfef15fdcdd0df399983df69bf730d7ae2a199ca4f878e4723b7171dd4d1e8df59c0f25fa0c20946ba64f9037d724bb1d50b6c2bd9788b2af83ef6163087cd2d4488bc19f3a858d813e3a8947a529b6d65d",
        ),
        (
            256,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
            "599217eb2b5270ecef0bb716d70e251234a2451ce04fcfbaeea92022c581f19b7c9386bb7476b4ad721d40778f49062c3605f1e8fac9f3f3ac04e46e89e1844dbf4f18fa9303b288741abd71013cf208f31b4c76fbe342f89b1abfd97e830457555651b74d3ccdbf94cc5e5eec22821536a96f44c8bc4346b0271303e67fd313",
        ),
        (
            512,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf",
            "9618ae6065069d5054464040f17337d58beb51ae92391d740bdf7abb239709c46270832039ff045bcf7878e7da9c3b4cf89326ca8b4d29db8680eeae1b5a18463284713a323a69aebf33cfc4b11283c7c8041ffc97668edf727823411c9559816c108c11ec401643765527860d8da0ed7254792c21db775deb1d6971c924cc83eb626173d894694943b1828abde8f9495bceba9ac3a4a03592c085aa29cc9a0c65786e631a702d589b819c89e79eeff29c4ec312c8860bb68f02272ea770fb8d",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f",
            "101112131415161718191a1b1c1d1e1f20219000000000000000800000000000",
            "0ea983d6ce48484d51462c32cc61672210fcc44196abe635baf878fdb83e1a63114128585d49db355c5819fd38039169",
        ),
        (
            128,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464e8040000000000020",
            "37e3eecb91150c6fa04cfd19d6fc57b7168c9fa5c5ed18601c68ee4afd7301f8c8c51d7a0a5cd34f6fab0d8af11845cc1e4b16e0489fda1d76ba4efcfd161f76",
        ),
    ] {
        let cipher = cipher(block, key);
        let wrapped = cipher.wrap_key(&bytes(plaintext)).unwrap();
        assert_eq!(hex(&wrapped), ciphertext);
        assert_eq!(hex(&cipher.unwrap_key(&wrapped).unwrap()), plaintext);
        for index in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[index] ^= 1;
            assert_eq!(cipher.unwrap_key(&changed).unwrap_err(), CipherError::Forged, "{index}");
        }
    }
}

/// UAPKI `keywrap.c`.
#[test]
fn the_published_wrap_comes_out_and_opens() {
    let kek: [u8; 32] = std::array::from_fn(number);
    let iv: [u8; 32] = std::array::from_fn(|index| number(index) + 32);
    let key: [u8; 32] = std::array::from_fn(|index| 31 - number(index));
    let wrapped = wrap_cms_key(&kek, &iv, &key);
    let expected = "7b74fcbf080464f81bf8eaf10621b624a4f053446128396cc2f529bd3e2078dad6bc0b4c5aaf47711d1be5cdc0d4849ec50dc4484f7cf393bc7f5f3e8a8728ca13ddaee30c297d6c82c8751e533a3e7591e7d400b89ae64237f692ec892333cd";
    assert_eq!(hex(&wrapped), expected);
    assert_eq!(*unwrap_cms_key(&kek, &wrapped).unwrap(), key);
    for index in 0..WRAPPED_BYTES {
        let mut changed = wrapped;
        changed[index] ^= 0x80;
        assert_eq!(unwrap_cms_key(&kek, &changed).unwrap_err(), CipherError::Forged, "{index}");
    }
    assert_eq!(unwrap_cms_key(&iv, &wrapped).unwrap_err(), CipherError::Forged);
    assert_eq!(unwrap_cms_key(&kek, &wrapped[1..]).unwrap_err(), CipherError::DataLength { length: 95 });
}

#[test]
fn wrong_lengths_are_refused() {
    for (block, length) in [
        (BlockSize::Bits128, 0),
        (BlockSize::Bits128, 64),
        (BlockSize::Bits256, 16),
        (BlockSize::Bits512, 32),
        (BlockSize::Bits512, 128),
    ] {
        assert_eq!(Kalyna::new(block, &vec![0; length]).unwrap_err(), CipherError::KeyLength { length });
    }
    let cipher = Kalyna::new(BlockSize::Bits256, &[1; 32]).unwrap();
    let iv = CipherError::IvLength { length: 16 };
    assert_eq!(cipher.ctr(&[0; 16]).err(), Some(iv));
    assert_eq!(cipher.cfb(&[0; 16]).err(), Some(iv));
    assert_eq!(cipher.ofb(&[0; 16]).err(), Some(iv));
    assert_eq!(cipher.encrypt_cbc(&[0; 16], &mut [0; 32]), Err(iv));
    assert_eq!(cipher.decrypt_cbc(&[0; 16], &mut [0; 32]), Err(iv));
    let data = CipherError::DataLength { length: 33 };
    assert_eq!(cipher.encrypt_ecb(&mut [0; 33]), Err(data));
    assert_eq!(cipher.decrypt_ecb(&mut [0; 33]), Err(data));
    assert_eq!(cipher.encrypt_cbc(&[0; 32], &mut [0; 33]), Err(data));
    assert_eq!(cipher.decrypt_cbc(&[0; 32], &mut [0; 33]), Err(data));
    assert_eq!(cipher.wrap_key(&[0; 33]), Err(data));
    assert_eq!(cipher.wrap_key(&[]), Err(CipherError::DataLength { length: 0 }));
    assert_eq!(cipher.wrap_key(&[0; 4128]), Err(CipherError::DataLength { length: 4128 }));
    assert_eq!(cipher.unwrap_key(&[0; 32]).unwrap_err(), CipherError::DataLength { length: 32 });
    assert_eq!(cipher.unwrap_key(&[0; 72]).unwrap_err(), CipherError::DataLength { length: 72 });
    for length in [0, 33] {
        assert_eq!(cipher.cmac(length).err(), Some(CipherError::TagLength { length }));
    }
    assert_eq!(cipher.cmac(16).unwrap().finish(), Err(CipherError::DataLength { length: 0 }));
}

#[test]
fn every_split_gives_what_the_whole_gives() {
    for (block, key) in [(BlockSize::Bits128, 16), (BlockSize::Bits256, 64), (BlockSize::Bits512, 64)] {
        let cipher = Kalyna::new(block, &vec![3; key]).unwrap();
        let iv = vec![0xff; block.bytes()];
        let plain: Vec<u8> = (0..200).collect();
        let (mut ctr, mut ofb, mut cfb) = (plain.clone(), plain.clone(), plain.clone());
        cipher.ctr(&iv).unwrap().apply(&mut ctr);
        cipher.ofb(&iv).unwrap().apply(&mut ofb);
        cipher.cfb(&iv).unwrap().encrypt_last(&mut cfb);
        let mut whole = cipher.cmac(16).unwrap();
        whole.update(&plain);
        let code = whole.finish().unwrap();
        for split in 0..=plain.len() {
            let pieces = |mut data: Vec<u8>, work: &mut dyn FnMut(&mut [u8])| {
                let (head, tail) = data.split_at_mut(split);
                work(head);
                work(tail);
                data
            };
            let mut state = cipher.ctr(&iv).unwrap();
            assert_eq!(pieces(plain.clone(), &mut |piece| state.apply(piece)), ctr);
            let mut state = cipher.ofb(&iv).unwrap();
            assert_eq!(pieces(plain.clone(), &mut |piece| state.apply(piece)), ofb);
            if split % block.bytes() == 0 {
                let mut data = plain.clone();
                let mut state = cipher.cfb(&iv).unwrap();
                state.encrypt(&mut data[..split]).unwrap();
                state.encrypt_last(&mut data[split..]);
                assert_eq!(data, cfb);
                let mut state = cipher.cfb(&iv).unwrap();
                state.decrypt(&mut data[..split]).unwrap();
                state.decrypt_last(&mut data[split..]);
                assert_eq!(data, plain);
            } else {
                let error = CipherError::DataLength { length: split };
                assert_eq!(cipher.cfb(&iv).unwrap().encrypt(&mut vec![0; split]), Err(error));
                assert_eq!(cipher.cfb(&iv).unwrap().decrypt(&mut vec![0; split]), Err(error));
            }
            let mut state = cipher.cmac(16).unwrap();
            pieces(plain.clone(), &mut |piece| state.update(piece));
            assert_eq!(state.finish().unwrap(), code);
        }
    }
}

proptest! {
    // One engine is slow by nature.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_engine_gives_the_same(key: [u64; 8], data: [[u8; 64]; 12], blocks in 0_usize..=12) {
        engines_agree::<2>(&key[..2], &data[..blocks])?;
        engines_agree::<2>(&key[..4], &data[..blocks])?;
        engines_agree::<4>(&key[..4], &data[..blocks])?;
        engines_agree::<4>(&key, &data[..blocks])?;
        engines_agree::<8>(&key, &data[..blocks])?;
    }
}

proptest! {
    #[test]
    fn what_was_encrypted_decrypts(key: [u8; 32], data: [u8; 64], iv: [u8; 32]) {
        for (block, key) in [
            (BlockSize::Bits128, &key[..16]),
            (BlockSize::Bits128, &key[..]),
            (BlockSize::Bits256, &key[..]),
            (BlockSize::Bits256, &data[..]),
            (BlockSize::Bits512, &data[..]),
        ] {
            let cipher = Kalyna::new(block, key).unwrap();
            let mut copy = data;
            cipher.encrypt_ecb(&mut copy).unwrap();
            prop_assert_ne!(copy, data);
            cipher.decrypt_ecb(&mut copy).unwrap();
            prop_assert_eq!(copy, data);
            let wrapped = cipher.wrap_key(&data).unwrap();
            prop_assert_eq!(&*cipher.unwrap_key(&wrapped).unwrap(), &data[..]);
            if let Some(iv) = iv.get(..block.bytes()) {
                cipher.encrypt_cbc(iv, &mut copy).unwrap();
                cipher.decrypt_cbc(iv, &mut copy).unwrap();
                prop_assert_eq!(copy, data);
            }
        }
    }
}

fn engines_agree<const N: usize>(key: &[u64], data: &[[u8; 64]]) -> Result<(), TestCaseError> {
    let tables = Block::<N>::with_tables(key);
    for other in [Block::<N>::masked(key), Block::constant_time(key), Block::new(key)] {
        let (mut left, mut right) = (data.as_flattened().to_vec(), data.as_flattened().to_vec());
        tables.encrypt_each(&mut left);
        other.encrypt_each(&mut right);
        prop_assert_eq!(&left, &right);
        modes::each_block(&mut left, |state| tables.encrypt(state));
        modes::each_block(&mut right, |state| other.encrypt(state));
        prop_assert_eq!(&left, &right);
        tables.decrypt_each(&mut left);
        other.decrypt_each(&mut right);
        prop_assert_eq!(&left, &right);
        modes::each_block(&mut left, |state| tables.decrypt(state));
        modes::each_block(&mut right, |state| other.decrypt(state));
        prop_assert_eq!(left.as_slice(), data.as_flattened());
        prop_assert_eq!(&left, &right);
    }
    Ok(())
}
