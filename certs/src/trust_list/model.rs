//! A list as it says it is: clauses 5.3 (scheme), 5.4 (providers), 5.5 (services), 5.6 (history).

use time::OffsetDateTime;

use super::error::ListFault;
use super::identifier::{ListKind, ServiceStatus, ServiceType};
use super::recognition::Recognition;
use crate::certificate::Certificate;

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustList {
    /// SHA-256 of the file that it was read from.
    pub sha256: [u8; 32],
    /// Version of the form: 5 or 6 (5.3.1).
    pub version: u8,
    /// Grows with each issue (5.3.2).
    pub sequence_number: u64,
    /// A country's list, or a list of lists (5.3.3).
    pub kind: ListKind,
    /// Who issues it (5.3.4).
    pub operator: Names,
    /// What the scheme is called (5.3.6).
    pub scheme: Names,
    /// Country, ISO 3166-1 alpha-2 with the Union's exceptions `EU`, `EL`, `UK` (5.3.10).
    pub territory: String,
    /// 5.3.14.
    pub issued_at: OffsetDateTime,
    /// When the next one is due at the latest; `None`: the scheme has ended and there will be none (5.3.15).
    pub next_update: Option<OffsetDateTime>,
    /// Other lists (5.3.13).
    pub pointers: Vec<Pointer>,
    /// Addresses under which the list, and news of it, can be had (5.3.16, 5.3.7). In a list of lists the former issues with
    /// changes of signers (pivots) are among the latter.
    pub distribution_points: Vec<String>,
    /// SchemeInformationURI (5.3.7), every language.
    pub information: Vec<String>,
    /// 5.4.
    pub providers: Vec<Provider>,
    /// What is wrong in the list and did not refuse it.
    pub faults: Vec<ListFault>,
}

/// The same in several languages: ISO 639-1 and text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(pub Vec<(String, String)>);

impl Names {
    /// In Ukrainian, else English, else whatever comes first; empty where there is none.
    #[must_use]
    pub fn best(&self) -> &str {
        let of = |language: &str| self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(language));
        of("uk").or_else(|| of("en")).or(self.0.first()).map_or("", |(_, text)| text)
    }
}

/// A pointer to another list: where it is, and whose certificates sign it (5.3.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// Where it is. A text of the list, not yet an address that anyone asks.
    pub location: String,
    /// What it points to.
    pub kind: Option<ListKind>,
    /// Whose.
    pub territory: Option<String>,
    /// `application/vnd.etsi.tsl+xml` for the form that programs read.
    pub media_type: Option<String>,
    /// Who issues it.
    pub operator: Names,
    /// Who may sign it.
    pub signers: Vec<Certificate>,
    /// The terms of a mutual recognition agreement with the third country whose list it is. `None` too where the whole of them cannot
    /// be used; that is told.
    pub recognition: Option<Recognition>,
}

/// A provider of trust services (5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What it is called.
    pub names: Names,
    /// What it trades as: among others its number in an official register, such as `VATEE-12345678`.
    pub trade_names: Names,
    /// What it offers.
    pub services: Vec<Service>,
}

/// One service (5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub names: Names,
    /// By what it is known.
    pub identity: Identity,
    /// What it was and is: the present state first, then the history, newest first. At least one. Of two that begin at once the first
    /// counts.
    pub states: Vec<State>,
}

/// By what a service is known (5.5.3): certificates of one key, or a name and key identifier where it has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Certificates. Several: they are of the same key and name.
    pub certificates: Vec<Certificate>,
    /// RFC 4514 texts as they stand in the list.
    pub subject_names: Vec<String>,
    /// Subject key identifiers.
    pub key_identifiers: Vec<Vec<u8>>,
}

/// A period of a service, from `since` until the next newer state begins (5.5.4, 5.5.5, 5.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What it does.
    pub kind: ServiceType,
    /// The same as it was written: an agreement on recognition may tell apart what is one type by its law.
    pub type_identifier: String,
    /// Its status.
    pub status: ServiceStatus,
    /// Since when.
    pub since: OffsetDateTime,
    /// What it does it for (5.5.9.4).
    pub additional: Vec<AdditionalService>,
    /// What the list says of its certificates (5.5.9.2).
    pub qualifications: Vec<Qualification>,
    /// Revocation of expired certificates is published since (5.5.9.1).
    pub keeps_expired_since: Option<OffsetDateTime>,
    /// Whether a critical extension is there that is not understood: then the service is not used (5.5.9).
    pub is_beyond_us: bool,
}

/// AdditionalServiceInformation (5.5.9.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdditionalService {
    /// `ForeSignatures`: certificates for signatures.
    Signatures,
    /// `ForeSeals`: for seals.
    Seals,
    /// `ForWebSiteAuthentication`: for websites.
    Websites,
    /// `RootCA-QC`: the service is a root under which issuing authorities stand.
    Root,
    /// Any other.
    Other(String),
}

/// What the list says of certificates that fulfil criteria (5.5.9.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualification {
    /// What it says of them.
    pub qualifiers: Vec<Qualifier>,
    /// Which ones.
    pub criteria: Criteria,
}

/// A qualifier (5.5.9.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// `QCStatement`: qualified, whatever the certificate says.
    Qualified,
    /// `NotQualified`.
    NotQualified,
    /// `QCForESig`.
    ForSignatures,
    /// `QCForESeal`.
    ForSeals,
    /// `QCForWSA`.
    ForWebsites,
    /// `QCWithQSCD`: the key is in a qualified device.
    WithDevice,
    /// `QCNoQSCD`.
    NoDevice,
    /// `QCQSCDStatusAsInCert`: as the certificate says.
    DeviceAsInCertificate,
    /// `QCQSCDManagedOnBehalf`: in a device that somebody manages for the signer.
    ManagedOnBehalf,
    /// `QCWithSSCD` of the directive.
    WithFormerDevice,
    /// `QCNoSSCD`.
    NoFormerDevice,
    /// `QCSSCDStatusAsInCert`.
    FormerDeviceAsInCertificate,
    /// `QCForLegalPerson`.
    LegalPerson,
    /// One that is not known.
    Unknown,
}

/// A list of criteria (5.5.9.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criteria {
    /// How many must hold.
    pub of: Match,
    /// Of these.
    pub criteria: Vec<Criterion>,
}

/// How many criteria must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// `all`.
    All,
    /// `atLeastOne`.
    Any,
    /// `none`.
    None,
}

/// One criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Criterion {
    /// Each bit of keyUsage has the value that is asked: bit number of RFC 5280, 4.2.1.3, and value.
    KeyUsage(Vec<(u8, bool)>),
    /// The certificate has each of these policies, dotted.
    Policies(Vec<String>),
    /// The certificate has each of these extended key usages, dotted.
    ExtendedKeyUsage(Vec<String>),
    /// The subject has each of these attributes, dotted.
    SubjectAttributes(Vec<String>),
    /// The certificate has each of these statements (of the schema for mutual recognition).
    Statements(Vec<StatementCriterion>),
    /// Criteria in criteria.
    Nested(Criteria),
    /// One that is not known: nobody can tell whether it holds.
    Unknown,
}

/// A statement of EN 319 412-5 that a certificate must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementCriterion {
    /// Which, dotted.
    pub identifier: String,
    /// What it must say; `None`: whatever it says.
    pub says: Option<StatementContent>,
}

/// What a statement must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementContent {
    /// QcType: this one, dotted, among those named.
    Type(String),
    /// QcCClegislation: this country among those named, ISO 3166-1 alpha-2.
    Country(String),
}
