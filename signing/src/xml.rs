//! XML 1.0 with namespaces: one way in, and one canonical way out. For manifests, signatures and lists alike.
//!
//! | module | what it does | source |
//! |---|---|---|
//! | `source` | octets to a text that is read in one way only | XML 1.0, 2.8, 2.11, 4.3.3 |
//! | `document` | the tree, the index of Ids, names as written | Namespaces in XML 1.0 |
//! | [`read`] | values of elements, strictly | |
//! | [`canonical`] | canonical forms of subtrees, streaming | Canonical XML 1.0 and 1.1, Exclusive XML Canonicalization 1.0 |
//! | [`algorithm`] | identifiers of algorithms | XML Signature 1.1, RFC 9231 |
//! | `limits`, `error` | budgets; refusals, in words | |
//!
//! ```text
//! Source::read(octets, limits) -> Source -> parse() -> Document -> canonical::write(document, selection, method, budget, sink)
//! ```
//!
//! This is a room of its own, and not part of `xades`, since a second parser anywhere would be an attack: a signature would be
//! verified over one document and another one read. Whoever reads XML comes in here.
//!
//! Not here: document types (refused), entities, validation against schemas, and everything that fetches.

pub mod algorithm;
pub mod canonical;
mod document;
mod error;
mod limits;
pub mod read;
mod source;

pub use document::{Document, Target, XML};
pub use error::XmlError;
pub use limits::Limits;
pub use roxmltree::{Node, NodeId};
pub use source::Source;
