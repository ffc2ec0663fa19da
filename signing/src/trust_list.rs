//! Trusted lists as signed documents, ETSI TS 119 612: the way from octets to what `certs` reads.

mod element;

pub use element::ListElement;
