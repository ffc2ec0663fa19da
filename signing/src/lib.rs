//! Documents and signatures: reading, making, validating.
//!
//! | module | what it does | source |
//! |---|---|---|
//! | [`asn1`] | bounded BER to DER, strict DER | X.690 |
//! | [`cms`] | SignedData as received | RFC 5652 |
//! | [`cades`] | makes CAdES signatures and carries them to level LTA | ETSI EN 319 122-1 |
//! | [`asic`] | signed containers with CAdES and XAdES, read and made | ETSI EN 319 162-1 |
//! | [`validate`] | may this signature be relied on? | ETSI EN 319 102-1 |
//! | [`trust_list`] | trusted lists as signed documents | ETSI TS 119 612 |
//! | [`xades`] | XML signatures: verifies them, makes XAdES and carries it to level LTA | XML Signature 1.1, ETSI EN 319 132-1 |
//! | [`xml`] | one XML parser, canonical forms | XML 1.0, Canonical XML |
//! | [`envelope`] | contents of any size for recipients, national ones too; a document key | RFC 5083, 5084, 5753; RFC 5652, 6 |
//!
//! Not here: whether a certificate is believed (`certs`), arithmetic (`crypto`), where trust and revocation data come
//! from (the services). Nothing here does I/O or reads a clock.

pub mod asic;
pub mod asn1;
pub mod cades;
pub mod cms;
pub mod envelope;
pub mod trust_list;
pub mod validate;
pub mod xades;
pub mod xml;

#[cfg(test)]
mod testing;
