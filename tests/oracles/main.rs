//! Ours against others who implement the same standards, both ways: what they make we accept or make alike, what we make they accept, and what
//! is spoilt all refuse.
//!
//! | module | oracle |
//! |---|---|
//! | [`signatures`] | structured-dstu4145 (fifteen curves), dstu-core (m = 163 and 257), the textbook of this crate |
//! | [`curves`] | the textbook: orders are prime, base points have them |
//! | [`hashes`] | RustCrypto's gost94 and kupyna, dstu-core |
//! | [`ciphers`] | RustCrypto's magma, dstu-core |
//! | [`authenticated`] | dstu-core |
//! | [`bouncy_castle`] | BouncyCastle, where Java is at hand: signatures on the ten curves, hashes, ciphers |
//! | [`documents`] | BouncyCastle: signed files of every level and algorithm |
//! | [`dss`], [`dss_xades`] | the European DSS, where its classes are at hand: signed files of every level, both ways |
//! | [`oidc_provider`] | oidc-provider (Node.js), where it is at hand: logins by way of it |
//! | [`soft_hsm`] | SoftHSM, where it is at hand: a node whose evidence key is in a token |
//! | [`soft_hsm_signer`] | the same: the process that signs checkpoints, with its Ed25519 key made in a token |
//! | [`transparency_log`] | Go's `x/mod/sumdb`, where Go is at hand: our log, whole and touched, and cosignatures |
//! | [`xmlsec`] | xmlsec1, where it is at hand: enveloped XML signatures of every algorithm |

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod authenticated;
mod bouncy_castle;
mod ciphers;
mod cosignatures;
mod curves;
mod documents;
mod dss;
mod dss_xades;
mod hashes;
mod java;
mod oidc_provider;
mod signatures;
mod soft_hsm;
mod soft_hsm_signer;
mod transparency_log;
mod workshop;
mod xades;
mod xmlsec;
