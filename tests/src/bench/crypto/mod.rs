//! The rows of `bench crypto`.
//!
//! | row | ours | peers |
//! |---|---|---|
//! | `dstu4145-257-verify-new-key`, `-431-` | key decompressed, its subgroup checked, signature verified, each time another key | structured-dstu4145: the same; dstu-core (257): the same without decompression |
//! | `dstu4145-257-verify-prepared`, `-431-` | signature verified under one of 64 keys whose tables were made before | structured-dstu4145 with the key read before |
//! | `dstu4145-257-verify-batch` | as new-key, 512 signatures of 512 keys in one call; each counts | structured-dstu4145: one after another |
//! | `dstu4145-257-sign` | signature with its hedged nonce, constant time | dstu-core: with a nonce that is given, and in time that varies |
//! | `gost34311`, `kupyna-256` | hash of 64 KiB | RustCrypto's gost94 and kupyna, structured-dstu4145, dstu-core |
//! | `gost28147-cfb`, `kalyna-256-ctr` | encryption of 64 KiB, the key expanded before | RustCrypto's magma under a CFB written here, dstu-core |
//! | `ecdsa-p256-verify` | – | for scale: aws-lc |

mod bulk;
mod signatures;

use super::measure::Row;

/// All rows, in the order in which they are measured.
#[must_use]
pub fn rows() -> Vec<Row> {
    vec![
        Row::new("dstu4145-257-verify-new-key", signatures::new_key_257),
        Row::new("dstu4145-431-verify-new-key", signatures::new_key_431),
        Row::new("dstu4145-257-verify-prepared", signatures::prepared_257),
        Row::new("dstu4145-431-verify-prepared", signatures::prepared_431),
        Row::new("dstu4145-257-verify-batch", signatures::batch_257),
        Row::new("dstu4145-257-sign", signatures::sign_257),
        Row::new("ecdsa-p256-verify", signatures::p256),
        Row::new("gost34311", bulk::gost34311),
        Row::new("kupyna-256", bulk::kupyna_256),
        Row::new("gost28147-cfb", bulk::gost28147_cfb),
        Row::new("kalyna-256-ctr", bulk::kalyna_256_ctr),
    ]
}
