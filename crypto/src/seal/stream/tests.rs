use proptest::prelude::*;

use super::*;
use crate::digest::{hex, sha256};

fn key() -> DocumentKey {
    DocumentKey::from_bytes(std::array::from_fn(|index| u8::try_from(index).unwrap()))
}

fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251).to_le_bytes()[0]).collect()
}

fn open_in_pieces(context: &[u8], sealed: &[u8], piece: usize) -> Result<Vec<u8>, SealError> {
    let mut opener = Opener::new(&key(), context);
    let mut out = Vec::new();
    for part in sealed.chunks(piece) {
        opener.update(part, &mut out)?;
    }
    opener.finish(&mut out)?;
    Ok(out)
}

/// A fixed stream, so that no later version changes the format unseen. The salt is 32 bytes of 0x5a, the key 00 01 … 1f, the context
/// "context". Both values were computed outside this crate, with Python's hmac and the `cryptography` package.
#[test]
fn the_format_stays_as_it_is() {
    for provider in Provider::COMPILED {
        let mut chunks = ChunkCipher::with_provider(*provider, &key(), b"context", &[0x5a; 32]);
        let mut out = Vec::new();
        chunks.seal(b"Vuzol", true, &mut out).unwrap();
        assert_eq!(hex(&out), "072ac1ee62d1b88130112bdd132b0a26de752371f3", "{provider:?}");
    }
    let mut out = Vec::new();
    let mut sealer = Sealer::with_salt(&key(), b"context", &[0x5a; 32], &mut out);
    sealer.update(&plaintext(2 * CHUNK_BYTES + 1), &mut out).unwrap();
    sealer.finish(&mut out).unwrap();
    assert_eq!(out.len() as u64, sealed_size(2 * CHUNK_BYTES as u64 + 1));
    assert_eq!(hex(&out[..8]), "56555a4f4c530001");
    assert_eq!(hex(&sha256(&out)), "49de5cd80a17a78e761a2ae22284e7b875137689890de02d5310be4db9e50232");
}

/// The same chunk from the written description, with OpenSSL alone.
#[test]
fn the_written_format_is_the_real_one() {
    use openssl::symm::{Cipher, decrypt_aead};
    let sealed = seal(&key(), b"context", &plaintext(CHUNK_BYTES + 10));
    let (header, body) = sealed.split_at(40);
    assert_eq!(&header[..8], b"VUZOLS\x00\x01");
    let hmac = |key: &[u8], data: &[u8]| {
        let key = openssl::pkey::PKey::hmac(key).unwrap();
        openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key)
            .unwrap()
            .sign_oneshot_to_vec(data)
            .unwrap()
    };
    let extracted = hmac(&header[8..], key().expose());
    let stream_key = hmac(&extracted, &[b"VUZOLS\x00\x01".as_slice(), b"context", &[1]].concat());
    let (first, second) = body.split_at(CHUNK_BYTES + 16);
    let mut opened = Vec::new();
    for (chunk, nonce) in
        [(first, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), (second, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])]
    {
        let (ciphertext, tag) = chunk.split_at(chunk.len() - 16);
        opened.extend(decrypt_aead(Cipher::aes_256_gcm(), &stream_key, Some(&nonce), &[], ciphertext, tag).unwrap());
    }
    assert_eq!(opened, plaintext(CHUNK_BYTES + 10));
}

#[test]
fn every_length_around_the_chunk_comes_back() {
    let lengths =
        [0, 1, 15, 16, 4096, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7];
    for length in lengths {
        let sealed = seal(&key(), b"part 0", &plaintext(length));
        assert_eq!(sealed.len() as u64, sealed_size(length as u64), "{length}");
        assert_eq!(open(&key(), b"part 0", &sealed).unwrap(), plaintext(length), "{length}");
        for piece in [17, CHUNK_BYTES, CHUNK_BYTES + 16, usize::MAX] {
            assert_eq!(open_in_pieces(b"part 0", &sealed, piece).unwrap(), plaintext(length), "{length} in {piece}");
        }
    }
}

#[test]
fn a_stream_sealed_in_pieces_is_the_same_stream() {
    let whole = plaintext(2 * CHUNK_BYTES + 99);
    let mut at_once = Vec::new();
    let mut sealer = Sealer::with_salt(&key(), b"", &[1; 32], &mut at_once);
    sealer.update(&whole, &mut at_once).unwrap();
    sealer.finish(&mut at_once).unwrap();
    for piece in [1000, 4096, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1] {
        let mut out = Vec::new();
        let mut sealer = Sealer::with_salt(&key(), b"", &[1; 32], &mut out);
        for part in whole.chunks(piece) {
            sealer.update(part, &mut out).unwrap();
            assert!(sealer.pending.len() <= CHUNK_BYTES);
        }
        sealer.finish(&mut out).unwrap();
        assert_eq!(out, at_once, "{piece}");
    }
}

#[test]
fn a_cut_stream_does_not_open() {
    let sealed = seal(&key(), b"", &plaintext(2 * CHUNK_BYTES));
    let cuts = [0, 1, 7, 8, 39, 40, 41, 55, 56, 57, 40 + SEALED_CHUNK_BYTES - 1, 40 + SEALED_CHUNK_BYTES];
    for cut in cuts.into_iter().chain([sealed.len() - 16, sealed.len() - 1]) {
        assert_eq!(open(&key(), b"", &sealed[..cut]).unwrap_err(), SealError::Forged, "cut at {cut}");
        assert_eq!(open_in_pieces(b"", &sealed[..cut], 1000).unwrap_err(), SealError::Forged, "cut at {cut}");
    }
}

#[test]
fn moved_repeated_and_appended_chunks_do_not_open() {
    let sealed = seal(&key(), b"", &plaintext(4 * CHUNK_BYTES));
    let (header, body) = sealed.split_at(HEADER_BYTES);
    let chunks: Vec<&[u8]> = body.chunks(SEALED_CHUNK_BYTES).collect();
    let orders: [&[usize]; 6] = [&[1, 0, 2, 3], &[0, 1, 3], &[0, 1, 2, 2, 3], &[3], &[0, 1, 2], &[0, 1, 2, 3, 3]];
    for order in orders {
        let mut changed = header.to_vec();
        order.iter().for_each(|chunk| changed.extend_from_slice(chunks[*chunk]));
        assert_eq!(open(&key(), b"", &changed).unwrap_err(), SealError::Forged, "{order:?}");
    }
    for tail in [&[0u8][..], &[0; 16], &sealed[sealed.len() - 16..]] {
        let appended = [&sealed, tail].concat();
        assert_eq!(open(&key(), b"", &appended).unwrap_err(), SealError::Forged);
    }
}

#[test]
fn another_key_context_or_stream_does_not_open() {
    let sealed = seal(&key(), b"message 1, part 0", b"plaintext");
    assert_eq!(open(&key(), b"message 1, part 1", &sealed).unwrap_err(), SealError::Forged);
    assert_eq!(open(&DocumentKey::generate(), b"message 1, part 0", &sealed).unwrap_err(), SealError::Forged);
    let other = seal(&key(), b"message 1, part 0", b"plaintext");
    assert_ne!(sealed, other, "each stream has its own salt");
    let spliced = [&sealed[..HEADER_BYTES], &other[HEADER_BYTES..]].concat();
    assert_eq!(open(&key(), b"message 1, part 0", &spliced).unwrap_err(), SealError::Forged);
}

#[test]
fn what_is_not_a_stream_says_so() {
    for stranger in [
        &b"%PDF-1.7 and more than forty bytes of something"[..],
        b"%",
        b"VUZOLS\x00\x02-version-two-is-not-known-to-us----",
    ] {
        assert_eq!(open(&key(), b"", stranger).unwrap_err(), SealError::NotSealed);
        let mut opener = Opener::new(&key(), b"");
        assert_eq!(opener.update(stranger, &mut Vec::new()).unwrap_err(), SealError::NotSealed);
    }
}

#[test]
fn an_empty_last_chunk_after_others_is_refused() {
    let mut sealed = Vec::new();
    let mut chunks = Sealer::with_salt(&key(), b"", &[0; 32], &mut sealed).chunks;
    chunks.seal(&plaintext(CHUNK_BYTES), false, &mut sealed).unwrap();
    chunks.seal(&[], true, &mut sealed).unwrap();
    assert_eq!(open(&key(), b"", &sealed).unwrap_err(), SealError::Forged);
    assert_eq!(open_in_pieces(b"", &sealed, 4096).unwrap_err(), SealError::Forged);
}

#[test]
fn nothing_comes_out_after_an_error() {
    let mut sealed = seal(&key(), b"", &plaintext(3 * CHUNK_BYTES));
    sealed[HEADER_BYTES + SEALED_CHUNK_BYTES] ^= 1;
    let mut opener = Opener::new(&key(), b"");
    let mut out = Vec::new();
    assert_eq!(opener.update(&sealed, &mut out).unwrap_err(), SealError::Forged);
    assert_eq!(out, plaintext(CHUNK_BYTES), "the first chunk was authentic");
    assert_eq!(opener.update(&sealed[HEADER_BYTES..], &mut out).unwrap_err(), SealError::Forged);
    assert_eq!(opener.finish(&mut out).unwrap_err(), SealError::Forged);
    assert_eq!(out.len(), CHUNK_BYTES);
}

#[test]
fn the_chunk_counter_does_not_wrap() {
    let mut out = Vec::new();
    let mut sealer = Sealer::with_salt(&key(), b"", &[0; 32], &mut out);
    sealer.chunks.next = Some(u32::MAX);
    sealer.update(&plaintext(CHUNK_BYTES + 1), &mut out).unwrap();
    assert_eq!(sealer.finish(&mut out).unwrap_err(), SealError::TooLong);
    assert_eq!(sealed_size(u64::MAX), u64::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flipped_bit_is_noticed(length in 0usize..300, position in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut sealed = seal(&key(), b"context", &plaintext(length));
        let position = position.index(sealed.len());
        sealed[position] ^= 1 << bit;
        let expected = if position < MAGIC.len() { SealError::NotSealed } else { SealError::Forged };
        prop_assert_eq!(open(&key(), b"context", &sealed).unwrap_err(), expected);
    }

    #[test]
    fn strangers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1usize..64) {
        prop_assert!(open(&key(), b"", &bytes).is_err());
        prop_assert!(open_in_pieces(b"", &bytes, piece).is_err());
    }
}

#[test]
fn digests_of_both_sides_are_those_of_the_whole_however_it_comes() {
    for length in [0, 1, 63, 4096, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 77] {
        let plain = plaintext(length);
        for piece in [1000, 16 * 1024, CHUNK_BYTES, 5 * CHUNK_BYTES] {
            // What was there before is not of the stream.
            let mut out = b"before".to_vec();
            let mut sealer = DigestingSealer::new(&key(), b"context", &mut out);
            plain.chunks(piece).for_each(|piece| sealer.update(piece, &mut out).unwrap());
            let digests = sealer.finish(&mut out).unwrap();
            let sealed = out.split_off(b"before".len());
            assert_eq!(digests, SealDigests { plain: sha256(&plain), sealed: sha256(&sealed) }, "{length}, {piece}");
            assert!(open(&key(), b"context", &sealed).unwrap() == plain, "{length}, {piece}");
        }
    }
}
