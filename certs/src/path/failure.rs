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
    /// A listed service is not believed any more: its last period ended before (EN 319 102-1, 5.2.6.1, sunset).
    #[error("authority not believed any more: {subject}")]
    AnchorEnded {
        /// RFC 4514 text of the anchor's subject.
        subject: String,
        /// When it ended.
        at: time::OffsetDateTime,
    },
    /// A listed service is not believed yet (EN 319 102-1, 5.2.6.1, sunrise).
    #[error("authority not believed yet: {subject}")]
    AnchorNotYet {
        /// RFC 4514 text of the anchor's subject.
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
    /// A stable name without anybody's name, for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPath => "no_path",
            Self::BudgetExceeded => "budget_exceeded",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Expired { .. } => "expired",
            Self::AnchorEnded { .. } => "anchor_ended",
            Self::AnchorNotYet { .. } => "anchor_not_yet",
            Self::SignatureWrong { .. } => "signature_wrong",
            Self::UnsupportedAlgorithm { .. } => "unsupported_algorithm",
            Self::NotCa { .. } => "not_an_authority",
            Self::PathLength => "path_length",
            Self::NameConstraint { .. } => "name_constraint",
            Self::KeyUsage { .. } => "key_usage",
            Self::ExtendedKeyUsage { .. } => "extended_key_usage",
            Self::UnknownCriticalExtension { .. } => "unknown_critical_extension",
            Self::MalformedExtension { .. } => "malformed_extension",
            Self::IssuerRule { .. } => "issuer_rule",
            Self::ServerName => "server_name",
            Self::Policy => "policy",
        }
    }

    /// How specific the failure is; of several the highest is reported. Whatever is found on a path that leads to an anchor
    /// outranks what kept a path from leading there; among those, dates come lowest, since they pass by themselves.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::NoPath => 0,
            Self::SignatureWrong { .. } => 1,
            Self::UnsupportedAlgorithm { .. } => 2,
            Self::AnchorNotYet { .. } => 3,
            Self::AnchorEnded { .. } => 4,
            Self::NotYetValid { .. } => 5,
            Self::Expired { .. } => 6,
            Self::MalformedExtension { .. } => 7,
            Self::UnknownCriticalExtension { .. } => 8,
            Self::NotCa { .. } => 9,
            Self::PathLength => 10,
            Self::Policy => 11,
            Self::NameConstraint { .. } => 12,
            Self::KeyUsage { .. } => 13,
            Self::ExtendedKeyUsage { .. } => 14,
            Self::IssuerRule { .. } => 15,
            Self::ServerName => 16,
            Self::BudgetExceeded => 17,
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
    /// What was tried, for an operator's log: each candidate path with why it was given up. Authorities stand with their names;
    /// the first certificate, which may be a person's, with eight octets of its SHA-256 only; one of which nobody knows the
    /// issuer, with the issuer's name. Control characters are left out, and so is what is past some kilobytes.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut told: Vec<String> = self.tried.iter().map(Attempt::explain).collect();
        if self.left_out > 0 {
            told.push(format!("and {} more", self.left_out));
        }
        if told.is_empty() {
            told.push(self.reason.code().to_owned());
        }
        let told = told.join("; ");
        told.chars().filter(|character| !character.is_control()).take(MOST_TOLD).collect()
    }

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

impl Attempt {
    fn explain(&self) -> String {
        let mut told = String::new();
        for (index, certificate) in self.certificates.iter().enumerate() {
            if index == 0 {
                let prefix: String =
                    certificate.fingerprint().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
                told.push_str(&prefix);
            } else {
                told.push_str(" <- ");
                told.push_str(&certificate.subject());
            }
        }
        if self.reason == PathError::NoPath
            && let Some(last) = self.certificates.last()
        {
            told.push_str(" <- unknown ");
            told.push_str(&last.issuer());
        }
        format!("{told}: {}", self.reason.code())
    }
}

/// Characters of an explanation.
const MOST_TOLD: usize = 4096;

impl From<Failure> for PathError {
    fn from(failure: Failure) -> Self {
        failure.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::forge::{Forge, NOW};
    use crate::path::{self, Budget, Requirements};
    use crate::trust::{Purpose, TrustAnchor, TrustSnapshot};

    fn failure(leaf: &Certificate, pool: &[Certificate], anchor: &Certificate) -> Failure {
        let anchor = TrustAnchor { certificate: anchor.clone(), purposes: vec![Purpose::TlsClient] };
        let trust = TrustSnapshot::new(vec![anchor], vec![], NOW);
        let (requirements, mut budget) = (Requirements::default(), Budget::default());
        path::verify_with(leaf, pool, &trust, Purpose::TlsClient, NOW, &requirements, &mut budget).unwrap_err()
    }

    #[test]
    fn an_explanation_names_authorities_and_never_the_one_who_asked() {
        let root = Forge::authority("Root").root();
        let issuing = Forge::authority("Issuing").by(&root);
        let person = Forge::new("Petrenko").by(&issuing).certificate;
        let known = failure(&person, std::slice::from_ref(&issuing.certificate), &root.certificate).explain();
        let (above, top) = (issuing.certificate.subject(), root.certificate.subject());
        assert!(known.ends_with(&format!(" <- {above} <- {top}: extended_key_usage")), "{known}");
        let unknown = failure(&person, &[], &root.certificate).explain();
        assert!(unknown.ends_with(&format!(" <- unknown {above}: no_path")), "{unknown}");
        for told in [known, unknown] {
            let fingerprint: String = person.fingerprint().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            assert!(told.starts_with(&fingerprint) && !told.contains("Petrenko"), "{told}");
        }
    }

    #[test]
    fn an_explanation_is_bounded() {
        let long = "x".repeat(2000);
        let root = Forge::authority("Root").root();
        let issuing: Vec<_> = (0..10).map(|_| Forge::authority(&long).root()).collect();
        let person = Forge::new("person").by(&issuing[0]).certificate;
        let pool: Vec<_> = issuing.into_iter().map(|one| one.certificate).collect();
        assert!(failure(&person, &pool, &root.certificate).explain().chars().count() <= MOST_TOLD);
    }
}
