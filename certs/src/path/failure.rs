//! Why there is no path: the most specific failure over all candidate paths, and what was tried.
use crate::certificate::Certificate;

/// Why there is no path. The most specific failure over all candidate paths is reported, by [`PathError::rank`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No chain of certificates leads to an anchor of the purpose.
    #[error("no path to a trust anchor")]
    NoPath,
    /// The search was cut short: hostile or absurd input.
    #[error("the search exceeded its budget")]
    BudgetExceeded,
    /// Before notBefore.
    #[error("certificate not yet valid: {subject}")]
    NotYetValid {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// After notAfter.
    #[error("certificate expired: {subject}")]
    Expired {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// The issuer's key did not make the signature.
    #[error("certificate signature wrong: {subject}")]
    SignatureWrong {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// [`crypto`] does not know the algorithm of the signature or of the issuer's key.
    #[error("algorithm not supported: {subject}")]
    UnsupportedAlgorithm {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// A certificate issues another without being an authority (RFC 5280 6.1.4 k).
    #[error("not a CA: {subject}")]
    NotCa {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// More intermediates than pathLenConstraint allows (RFC 5280 6.1.4 l).
    #[error("path length constraint")]
    PathLength,
    /// A name outside the permitted or inside the excluded subtrees, or a constraint that cannot be judged.
    #[error("name constraint: {subject}")]
    NameConstraint {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// Key usage does not allow what the certificate is used for.
    #[error("key usage: {subject}")]
    KeyUsage {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// Extended key usage does not allow the purpose.
    #[error("extended key usage: {subject}")]
    ExtendedKeyUsage {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// A critical extension that we do not process (RFC 5280 4.2).
    #[error("unknown critical extension: {subject}")]
    UnknownCriticalExtension {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// An extension that must be processed cannot be read.
    #[error("extension cannot be read: {subject}")]
    MalformedExtension {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
    },
    /// A rule for issuers that the caller asked for ([`super::IssuerRules`]) is broken.
    #[error("{rule}: {subject}")]
    IssuerRule {
        /// RFC 4514 text of the certificate's subject.
        subject: String,
        /// What the rule demands, with its clause.
        rule: &'static str,
    },
    /// The certificate does not name the server that the caller asked for.
    #[error("the certificate names other servers")]
    ServerName,
    /// An authority or the caller requires a certificate policy, and none is valid for the path (RFC 5280 6.1.5 g).
    #[error("no valid certificate policy where one is required")]
    Policy,
}

impl PathError {
    /// How specific the failure is; of several the highest is reported. Whatever is found on a path that leads to an anchor
    /// outranks what kept a path from leading there; among those, dates come lowest, since they pass by themselves.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::NoPath => 0,
            Self::SignatureWrong { .. } => 1,
            Self::UnsupportedAlgorithm { .. } => 2,
            Self::NotYetValid { .. } => 3,
            Self::Expired { .. } => 4,
            Self::MalformedExtension { .. } => 5,
            Self::UnknownCriticalExtension { .. } => 6,
            Self::NotCa { .. } => 7,
            Self::PathLength => 8,
            Self::Policy => 9,
            Self::NameConstraint { .. } => 10,
            Self::KeyUsage { .. } => 11,
            Self::ExtendedKeyUsage { .. } => 12,
            Self::IssuerRule { .. } => 13,
            Self::ServerName => 14,
            Self::BudgetExceeded => 15,
        }
    }
}

/// No path, with what was tried on the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// The most specific failure.
    pub reason: PathError,
    /// The candidate paths that failed, most specific failure first, at most [`MOST_TRIED`].
    pub tried: Vec<Attempt>,
    /// How many more failed.
    pub left_out: usize,
}

/// A path as far as it was built, and why it was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Leaf first. With [`PathError::NoPath`] nobody is known who has the name and key of the last one's issuer.
    pub certificates: Vec<Certificate>,
    /// Why it was given up.
    pub reason: PathError,
}

/// Most attempts that a [`Failure`] tells. A reader wants a few; a hostile pool has as many as the budget allows.
pub const MOST_TRIED: usize = 16;

impl Failure {
    pub(super) fn new() -> Self {
        Self { reason: PathError::NoPath, tried: Vec::new(), left_out: 0 }
    }

    /// Remembers a candidate path that failed. The first of several equally specific failures is the one reported.
    pub(super) fn add<'c>(&mut self, certificates: impl Iterator<Item = &'c Certificate>, reason: PathError) {
        let rank = reason.rank();
        let place = self.tried.partition_point(|attempt| attempt.reason.rank() >= rank);
        if place >= MOST_TRIED {
            self.left_out += 1;
            return;
        }
        self.tried.insert(place, Attempt { certificates: certificates.cloned().collect(), reason });
        if self.tried.len() > MOST_TRIED {
            self.tried.pop();
            self.left_out += 1;
        }
    }

    /// With the most specific failure as the reason.
    pub(super) fn closed(mut self) -> Self {
        if let Some(first) = self.tried.first() {
            self.reason = first.reason.clone();
        }
        self
    }

    /// The search was cut short.
    pub(super) fn exceeded(mut self) -> Self {
        self.reason = PathError::BudgetExceeded;
        self
    }
}

impl From<Failure> for PathError {
    fn from(failure: Failure) -> Self {
        failure.reason
    }
}
