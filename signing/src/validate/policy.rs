//! Acceptance policies as values: what is demanded of a signature, beyond what the standards leave no choice in.
//!
//! | policy | algorithms | signed attributes | for |
//! |---|---|---|---|
//! | [`Policy::strict`] | European and national | in DER only | whoever wants no concession to any producer |
//! | [`Policy::eu_baseline`] | ETSI TS 119 312 | in DER only | documents that must hold in the Union |
//! | [`Policy::ua_qualified`] | European and national | in DER; of DSTU 4145 signers also as sent | the default: what Ukrainian agencies exchange |
//!
//! All demand signed attributes with a signing-certificate reference (EN 319 122-1, 5.1), and revocation data that is fresh
//! by its own nextUpdate. A policy with other fields is made by changing one of these, and should then bear another name.

use time::Duration;

use super::suite::{self, Suite};

/// Acceptance policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Stands in the report.
    pub name: &'static str,
    /// Oldest acceptable thisUpdate of a revocation answer relative to validation time; None: nextUpdate decides.
    pub revocation_freshness: Option<Duration>,
    /// Require signing-certificate(-v2).
    pub require_signing_certificate_attribute: bool,
    /// Require signed attributes at all.
    pub require_signed_attributes: bool,
    /// Algorithms and key sizes, and until when they are relied on.
    pub suite: Suite,
    /// Tolerate signedAttrs that only verify as sent (not DER-sorted).
    pub unsorted_signed_attributes: Unsorted,
    /// What is made of the signature policy that a signer names.
    pub signature_policies: SignaturePolicies,
}

/// Whose signed attributes may verify as they were sent and not in DER, which RFC 5652, 5.4 demands. The report says where they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsorted {
    /// Nobody's.
    Refuse,
    /// Those of signers with DSTU 4145: producers in use in Ukraine sign them so, their time-stamp authorities among them.
    OfNationalSigners,
    /// Everybody's.
    Accept,
}

/// What is made of the signature policy that a signer names (signature-policy-identifier, EN 319 122-1, 5.2.9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SignaturePolicies {
    /// It is reported and not processed. A policy document that the signature carries must still be the one that it names.
    #[default]
    Reported,
    /// It must be one of these, with the digest that the signer names; a signature without one is accepted.
    Known(Vec<KnownSignaturePolicy>),
}

/// A signature policy whose document is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSignaturePolicy {
    /// Object identifier, dotted.
    pub oid: String,
    /// The policy document, over which the signer's digest must be.
    pub document: Vec<u8>,
}

impl Policy {
    /// What the standards say, without a concession to any producer.
    #[must_use]
    pub fn strict() -> Self {
        Self { name: "strict", unsorted_signed_attributes: Unsorted::Refuse, ..Self::ua_qualified() }
    }

    /// Baseline signatures with the algorithms of ETSI TS 119 312.
    #[must_use]
    pub fn eu_baseline() -> Self {
        Self { name: "eu-baseline", suite: suite::TS_119_312, ..Self::strict() }
    }

    /// European and national algorithms; signed attributes of DSTU 4145 signers as they were sent.
    #[must_use]
    pub fn ua_qualified() -> Self {
        Self {
            name: "ua-qualified",
            revocation_freshness: None,
            require_signing_certificate_attribute: true,
            require_signed_attributes: true,
            suite: suite::UKRAINIAN,
            unsorted_signed_attributes: Unsorted::OfNationalSigners,
            signature_policies: SignaturePolicies::Reported,
        }
    }

    /// The policy of that name; see the table of this module.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::strict(), Self::eu_baseline(), Self::ua_qualified()].into_iter().find(|policy| policy.name == name)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::ua_qualified()
    }
}
