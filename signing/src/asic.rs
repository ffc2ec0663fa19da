//! Associated Signature Containers, ETSI EN 319 162-1: ASiC-S and ASiC-E with CAdES and with XAdES, and OpenDocument files.
//!
//! | module | what it does |
//! |---|---|
//! | [`zip`] | reads an archive, if there is one way only to read it |
//! | `kind` | what each entry is for, and of what type the container is |
//! | [`manifest`] | ASiCManifest (A.4) |
//! | `uri` | references to entries |
//! | `container` | what refers to what, with the digests of all that is referred to |
//! | `xml_signatures` | what XML signatures refer to, and the entries as its contents |
//! | `hash_chain` | chains of digests through which X-Road signs and time-stamps many messages at once |
//! | `coverage` | what a signature or time-stamp covers, and what nothing covers |
//! | `validate`, `timestamps`, `judge` | the verdicts: the engine's, joined with the container's |
//! | [`create`] | makes containers |
//! | `error` | refusals and findings, in words |
//!
//! ```text
//! Container::read(bytes) -> Container -> validate(container, context) -> Outcome { report, passed }
//! ```
//!
//! A container is read once, from a slice or from whatever implements [`zip::Source`]; documents stream through the digests in constant
//! memory. What two programs could read in two ways is a [`ContainerError`]. What breaks a rule but leaves one reading only, such as a
//! mimetype entry that is not the first, fails the signatures with FORMAT_FAILURE, and the report still says whether they are intact.
//!
//! META-INF/manifest.xml is there for other programs; what it says is not relied on. Evidence records are recognised and not validated
//! yet. Archives inside containers are not opened.

mod container;
mod coverage;
pub mod create;
mod error;
mod hash_chain;
mod judge;
mod kind;
pub mod manifest;
#[cfg(test)]
mod testing;
mod timestamps;
pub(crate) mod uri;
mod validate;
mod xml_signatures;
pub mod zip;

pub use container::Container;
pub use error::ContainerError;
pub use kind::{ContainerType, Flavour};
pub use validate::{Outcome, SignedPart, ValidatedContainer, validate};
