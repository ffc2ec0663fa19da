//! May this certificate be believed at time T?
//!
//! This crate owns X.509 certificates and what is said about them: path building and validation (RFC 5280 section 6, RFC 9618),
//! revocation (CRL of RFC 5280 section 5, OCSP of RFC 6960), the structures of time-stamps (RFC 3161), trust as a dated
//! snapshot, and a throw-away PKI for demonstrations and tests. It does not own arithmetic ([`crypto`]), signed documents
//! (`signing`), or retrieval: it does no I/O and reads no clock, so that the same code runs in the official's browser.
//!
//! Everything here reports facts; whether a fact suffices (how fresh an answer must be, which algorithms are still good) is
//! decided by the caller.
mod asn1;
pub mod certificate;
pub mod dev;
pub mod name;
pub mod path;
pub mod qualified_status;
pub mod revocation;
mod signed;
pub mod timestamp;
pub mod trust;
pub mod trust_list;
