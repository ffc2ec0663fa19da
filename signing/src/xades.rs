//! XML signatures: XML Signature 1.1 in the part that is safe, and XAdES, ETSI EN 319 132.
//!
//! | module | what it does |
//! |---|---|
//! | `structure`, `reference`, `transform` | a signature as it stands |
//! | `resolve`, `contents` | from a reference to what it covers |
//! | `verify` | which references hold, whether the value does; what was signed |
//! | `properties` | QualifyingProperties by their place |
//! | `facts` | what the properties say |
//! | `timestamp` | over what time-stamps stand |
//! | `level` | which level it has the form of |
//! | `fault` | what is wrong, in words |
//! | [`create`], [`augment`] | makes signatures, and makes them last |
//!
//! ```text
//! XmlSignature::read(node) -> check(document, signature, contents, budget) -> Checked -> verify(key) -> VerifiedSignature
//! ```
//!
//! Signature wrapping lives on the difference between what is verified and what is read. A [`VerifiedSignature`] gives the verified
//! nodes themselves, and SignedProperties only where a reference of the right type covers the very element that stands in the signature's own
//! ds:Object. An Id that two elements have leads nowhere. Nothing is fetched, no program of the document is run: see `transform` for
//! the expressions that are known, and `contents` for what a reference outside the file may mean.

pub mod augment;
mod contents;
pub mod create;
mod facts;
mod fault;
mod level;
mod properties;
mod reference;
mod resolve;
mod structure;
mod timestamp;
mod transform;
mod verify;

#[cfg(test)]
mod process_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use contents::{Contents, Files, NoContents};
pub use facts::{
    CertificateReference, DataObjectFormat, IssuerSerial, PolicyReference, SignedFacts, UnsignedValues,
    counter_signatures, unsigned_names,
};
pub use fault::Fault;
pub use level::{LevelGround, level};
pub use properties::UnverifiedProperties;
pub use reference::Reference;
pub use resolve::Covered;
pub use structure::{XmlSignature, references, signatures};
pub use timestamp::{Imprint, StampForm, StampProperty, imprint, stamps_contents, time_stamps};
pub use verify::{Checked, CheckedReference, SignedProperties, VerifiedSignature, check, manifest_references};

pub(crate) const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Namespaces of XAdES that hold QualifyingProperties.
const VERSIONS: [&str; 3] =
    ["http://uri.etsi.org/01903/v1.1.1#", "http://uri.etsi.org/01903/v1.2.2#", "http://uri.etsi.org/01903/v1.3.2#"];
/// The namespace of the properties that version 1.4.1 added.
const XADES_141: &str = "http://uri.etsi.org/01903/v1.4.1#";
