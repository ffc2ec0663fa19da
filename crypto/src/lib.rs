//! Arithmetic and keys. Knows no certificate, does no I/O, reads no clock.
pub mod digest;
pub mod key;
pub mod merkle;
pub mod provider;
pub mod random;
pub mod seal;
pub mod signature;
