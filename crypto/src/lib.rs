//! Arithmetic and keys: digests, ciphers, signatures, keys behind handles, sealing, and the arithmetic of transparency logs.
//!
//! Owns every use of a cryptographic library: no other crate of the workspace calls one for documents, keys or logs
//! (TLS is the gateway's). Knows no certificate, does no I/O except reading the operating system's random bytes, reads no clock: a token
//! (feature `pkcs11`) is the exception to both, and the only thing here that may keep its caller waiting.
//! Which library serves which algorithm stands in one table, [`provider`].
//!
//! Features: `native` (default) and `portable`, at least one must be on; `pkcs11` adds keys in tokens (module `token`). With both, `native` serves and `portable` is compiled
//! and compared against it in the tests: switching `portable` on beside `native` changes no result.
//!
//! For `wasm32-unknown-unknown` the binary that embeds this crate must choose the random source of `getrandom` (feature `wasm_js`
//! and, where that version asks for it, `--cfg getrandom_backend="wasm_js"`); a library may not choose it for others.

#[cfg(not(any(feature = "native", feature = "portable")))]
compile_error!(
    "crypto needs an implementation: switch on the feature `native` (aws-lc-rs and OpenSSL) or `portable` (RustCrypto)"
);

#[cfg(any(feature = "native", feature = "portable"))]
mod asn1;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod cipher;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod container;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod digest;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod dstu4145;
#[cfg(any(feature = "native", feature = "portable"))]
mod dstu_tables;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod gost28147;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod gost34311;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod kalyna;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod key;
#[cfg(any(feature = "native", feature = "portable"))]
mod keyed;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod kupyna;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod merkle;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod provider;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod random;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod seal;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod signature;
#[cfg(any(feature = "native", feature = "portable"))]
pub mod strumok;
#[cfg(feature = "pkcs11")]
pub mod token;
