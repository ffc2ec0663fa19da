//! Namespaces of lists (annexes B and C).

/// The namespace of lists.
pub(crate) const LIST: &str = "http://uri.etsi.org/02231/v2#";
/// Of what was added to it.
pub(crate) const ADDITIONAL: &str = "http://uri.etsi.org/02231/v2/additionaltypes#";
/// Of qualifications.
pub(crate) const QUALIFICATION: &str = "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#";
/// Of XAdES, whose object identifiers are used.
pub(crate) const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
/// Of agreements on mutual recognition.
pub(crate) const RECOGNITION: &str = "http://ec.europa.eu/tools/lotl/mra/schema/v2#";
/// Of `xml:lang`.
pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";
