//! Documents <-> signatures.
pub mod asn1;
pub mod cades;
pub mod cms;
pub mod envelope;
pub mod validate;
