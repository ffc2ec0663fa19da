//! Types of lists and services, and statuses: clauses 5.3.3, 5.5.1, 5.5.4 and annex D; the national ones by the identifiers of the
//! central certification authority of Ukraine.

/// Whose scheme a name belongs to: the same word means qualified by another law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// The European Union, Regulation 910/2014.
    European,
    /// Ukraine, Law 2155-VIII.
    Ukrainian,
}

/// What a list lists (5.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// A country's services.
    Services,
    /// Other lists.
    Lists,
    /// Another type, as it was written.
    Other(String),
}

/// What a service does (5.5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServiceType {
    /// `CA/QC`, `National-CA/QC`: issues qualified certificates.
    QualifiedCertificates(Scheme),
    /// `NationalRootCA-QC`: the root above them.
    Root(Scheme),
    /// `TSA/QTST`, `National-TSA/QTST`: qualified time-stamps.
    QualifiedTimestamps(Scheme),
    /// `Certstatus/OCSP/QC`, `National-Certstatus/OCSP`: answers about qualified certificates.
    OcspForQualified(Scheme),
    /// `Certstatus/CRL/QC`.
    CrlForQualified(Scheme),
    /// `CA/PKC`: other certificates.
    OtherCertificates,
    /// `TSA`, `TSA/TSS-QC`, `TSA/TSS-AdESQCandQES`: time-stamps that are not qualified.
    OtherTimestamps,
    /// `Certstatus/OCSP`.
    OtherOcsp,
    /// Another type, as it was written.
    Other(String),
}

/// The status of a service (5.5.4, D.5.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServiceStatus {
    /// `granted`.
    Granted,
    /// `withdrawn`.
    Withdrawn,
    /// `recognisedatnationallevel`: of services that are not qualified.
    Recognised,
    /// `deprecatedatnationallevel`.
    Deprecated,
    /// `undersupervision`, before July 2016: counts as granted.
    UnderSupervision,
    /// `supervisionincessation`: counts as granted.
    SupervisionInCessation,
    /// `supervisionceased`.
    SupervisionCeased,
    /// `supervisionrevoked`.
    SupervisionRevoked,
    /// `accredited`: counts as granted.
    Accredited,
    /// `accreditationceased`.
    AccreditationCeased,
    /// `accreditationrevoked`.
    AccreditationRevoked,
    /// `setbynationallaw`: of services that are not qualified.
    SetByNationalLaw,
    /// `deprecatedbynationallaw`.
    DeprecatedByNationalLaw,
    /// Another, as it was written.
    Other(String),
}

impl ServiceStatus {
    /// Whether certificates and time-stamps of such a service were qualified: `granted`, and before 1 July 2016 what stood in its place
    /// (TS 119 615, 4.4.4).
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        matches!(self, Self::Granted | Self::UnderSupervision | Self::SupervisionInCessation | Self::Accredited)
    }
}
