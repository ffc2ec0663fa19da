//! The rows of `bench signing`.
//!
//! | row | ours | peers |
//! |---|---|---|
//! | `cades-b-b-77kb` ... | a file read, every signature validated with the revocation data in it, the report written as JSON | OpenSSL: CMS read, CMS_verify without certificates |
//! | `xades-b-15kb` ... | the same of an XML file | xmlsec1, a process that verifies the file many times: references and value, no certificate |
//! | `trust-list-5mb` | a made-up trusted list authenticated and read | xmlsec1, a process that verifies the file five times |
//! | `trust-lists-30` | thirty lists of 5 MB and less, 38 MB together, from files to a snapshot with their services as anchors | – |
//! | `detached-1gib` | a gibibyte hashed in pieces of 64 KiB, the signature over it validated, the report written | the hash alone |
//! | `envelope-seal-aes-256-gcm` ... | 16 MiB in pieces of 64 KiB sealed to one recipient, or opened | the cipher alone; OpenSSL: CMS_encrypt and CMS_decrypt in memory |
//! | `detached-1gib-peak`, `envelope-1gib-peak` | what the whole process holds at most while it validates, or seals and opens, a gibibyte | – |
//! | `trust-lists-30-peak`, `trust-lists-30-of-5mb-peak` | the same while it loads the thirty lists and holds them, and where each of them has 5 MB | – |
//!
//! OpenSSL is asked for integrity alone (`CMS_NO_SIGNER_CERT_VERIFY`); ours builds and verifies paths, looks at revocation, judges time-stamps.
//! So that this work is done, the snapshot's anchors are the roots that the files carry, made before, and the time of validation is one when the
//! revocation data was fresh. Where a file carries no root, the certificates whose issuers it does not carry are anchors; of the 77 kB file
//! that is the signer's own.

mod detached;
mod documents;
mod envelopes;
mod lists;
mod xml;

use std::path::Path;

use super::measure::{Figure, Row, Unit};
use super::memory;

/// All rows, in the order in which they are measured; `documents` is looked at before the corpora.
#[must_use]
pub fn rows(documents: Option<&Path>) -> Vec<Row> {
    let mut rows = documents::rows(documents);
    rows.extend(xml::rows());
    rows.extend(lists::rows());
    rows.push(Row::new("detached-1gib", detached::contest));
    rows.extend(envelopes::rows());
    rows
}

/// A row of memory: its name, and what is done meanwhile.
pub type Peak = (&'static str, fn());

/// Rows of memory. They come first, while the process holds nothing else.
pub const PEAKS: [Peak; 4] = [
    ("detached-1gib-peak", detached::validate_streamed),
    ("envelope-1gib-peak", envelopes::stream_a_gibibyte),
    ("trust-lists-30-peak", lists::load_thirty),
    ("trust-lists-30-of-5mb-peak", lists::load_thirty_largest),
];

/// What the process holds at most meanwhile; `None` where the system does not tell.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
pub fn peak((name, work): Peak) -> Option<Figure> {
    if !memory::forget_peak() {
        return None;
    }
    work();
    let peak = memory::peak()? as f64 / f64::from(1 << 20);
    Some(Figure { name, by: "vuzol", unit: Unit::Peak, best: peak, median: peak })
}
