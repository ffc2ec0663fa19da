//! Whether a signature or a time-stamp is qualified, by ETSI TS 119 615 and the trusted lists at hand.

use serde::{Deserialize, Serialize};

use super::Reason;

/// What a signature is by law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureQualification {
    /// What it is.
    pub signature: SignatureClass,
    /// What it would be, were its own indication TOTAL_PASSED; where that is INDETERMINATE and the certificate does not rule it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_passed: Option<SignatureClass>,
    /// By whose law; absent where no list names the issuer of the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<LegalScheme>,
    /// The signing certificate when it was issued; absent where no path from it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_at_issue: Option<CertificateQualification>,
    /// The signing certificate at the earliest time at which the signature is known to have existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_at_signing: Option<CertificateQualification>,
    /// The service that issued the certificate, as a trusted list has it. Of several, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ListedService>,
    /// What it is by another law, where an agreement on mutual recognition is about the service (ETSI TS 119 612, 5.3.13). It takes
    /// nothing from what is said above, and adds nothing to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equivalent: Option<EquivalentQualification>,
    /// Why the signature is no more than it is, and remarks. What is said of the certificate stands with the certificate.
    pub reasons: Vec<Reason>,
}

/// What a signature is by a law that is not that of its certificate, by an agreement on mutual recognition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EquivalentQualification {
    /// What it is equivalent to.
    pub signature: SignatureClass,
    /// What it would be, were its own indication TOTAL_PASSED; where that is INDETERMINATE and the certificate does not rule it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_passed: Option<SignatureClass>,
    /// By whose law.
    pub scheme: LegalScheme,
    /// What the agreement calls the trust service.
    pub legal_identifier: String,
    /// Whose list of lists states the agreement: `EU`, or ISO 3166-1 alpha-2.
    pub territory: String,
    /// The number of the list of lists.
    pub list_number: u64,
    /// SHA-256 of its file, in lower-case hexadecimal.
    pub list_sha256: String,
    /// The certificate by that law when it was issued.
    pub certificate_at_issue: CertificateQualification,
    /// The certificate by that law at the earliest time at which the signature is known to have existed.
    pub certificate_at_signing: CertificateQualification,
    /// That it is recognised, or why it is no more than it is. What is said of the certificate stands with the certificate.
    pub reasons: Vec<Reason>,
}

/// What a signature is by law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignatureClass {
    /// A qualified electronic signature.
    QualifiedSignature,
    /// A qualified electronic seal.
    QualifiedSeal,
    /// An advanced electronic signature on a qualified certificate, whose key is not in a qualified device.
    AdvancedSignatureOnQualifiedCertificate,
    /// An advanced electronic seal on a qualified certificate, whose key is not in a qualified device.
    AdvancedSealOnQualifiedCertificate,
    /// None of these.
    NotQualified,
    /// It cannot be told.
    Indeterminate,
}

/// By whose law something is qualified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LegalScheme {
    /// Law of Ukraine 2155-VIII.
    Ukraine,
    /// Regulation (EU) No 910/2014, and Directive 1999/93/EC before it.
    EuropeanUnion,
}

/// What the trusted lists make of a certificate at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CertificateQualification {
    /// When, RFC 3339.
    pub time: String,
    /// Whether it was a qualified certificate.
    pub qualified: LegalAnswer,
    /// What for; absent where that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<CertificateUsage>,
    /// Whether its key was in a qualified device; absent where it was no qualified certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<LegalAnswer>,
    /// Why not, most important first, and remarks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// The answer to a question that a trusted list may leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LegalAnswer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It cannot be told.
    Indeterminate,
}

/// What a qualified certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CertificateUsage {
    /// Electronic signatures.
    Signature,
    /// Electronic seals.
    Seal,
    /// Websites.
    Website,
}

/// A service as a trusted list has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListedService {
    /// Who offers it, in Ukrainian, else in English.
    pub provider: String,
    /// What it is called, in Ukrainian, else in English.
    pub service: String,
    /// Whose list: ISO 3166-1 alpha-2, `EU`, `EL`.
    pub territory: String,
    /// The number of the list.
    pub list_number: u64,
    /// SHA-256 of the list's file, in lower-case hexadecimal.
    pub list_sha256: String,
}

/// Whether a time-stamp is a qualified one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TimestampQualification {
    /// Whether it is.
    pub timestamp: LegalAnswer,
    /// By whose law; absent where no list names the authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<LegalScheme>,
    /// The service that made it, as a trusted list has it. Of several, the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ListedService>,
    /// Why not, most important first, and remarks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}
