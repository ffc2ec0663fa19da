//! The report of a signature validation: what `vuzol verify --json` prints and the validation service answers.
//!
//! Indications and sub-indications carry the names of ETSI EN 319 102-1 (5.1.3, tables 5 and 6) verbatim.

mod qualification;
mod schema;

pub use qualification::{
    CertificateQualification, CertificateUsage, EquivalentQualification, LegalAnswer, LegalScheme, ListedService,
    SignatureClass, SignatureQualification, TimestampQualification,
};
pub use schema::json_schema;

use serde::{Deserialize, Serialize};

/// Everything found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// Format of the container: `CMS`, `XML`, `ASiC-S`, `ASiC-E`.
    pub format: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub digest: String,
    /// The time for which the verdict holds, RFC 3339.
    pub validated_at: String,
    /// By which policy: `strict`, `eu-baseline`, `ua-qualified`.
    pub policy: String,
    /// Identifier of the trust snapshot, in lower-case hexadecimal.
    pub trust: String,
    /// The signatures, in the order of the file.
    pub signatures: Vec<SignatureReport>,
    /// Time-stamps over the container or its parts, not over a signature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timestamps: Vec<TimestampReport>,
    /// Parts of the container that no signature covers.
    pub unsigned_parts: Vec<String>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureReport {
    /// `S-` and the first 32 hexadecimal digits of the SHA-256 of the signature's structure up to its value, in XML of the value: the
    /// same before and after time-stamps and validation data are added.
    pub id: String,
    /// `CAdES` or `CMS`, `XAdES` or `XMLDSig`.
    pub format: String,
    /// `CAdES-BASELINE-B`, `-T`, `-LT`, `-LTA`, `CAdES-BES`, `CMS-NOT-ETSI`, ...
    pub level: String,
    /// The value verifies under the signing certificate, and every reference is found and matches. Says nothing of trust.
    pub intact: bool,
    /// Over what the value verifies, where the signature is intact.
    pub signed_form: Option<SignedForm>,
    /// Name of the signature algorithm, where it is known.
    pub algorithm: Option<String>,
    /// Main indication.
    pub indication: Indication,
    /// Sub-indication, unless passed.
    pub sub_indication: Option<SubIndication>,
    /// Claimed by the signer, RFC 3339.
    pub signing_time: Option<String>,
    /// Proven: the earliest time at which the signature is known to have existed, RFC 3339; else the time of validation.
    pub best_time: String,
    /// Who signed, as far as the signing certificate was identified.
    pub signer: Option<Signer>,
    /// From the signing certificate to the anchor, with what is known of each; empty where no path was found.
    pub chain: Vec<CertificateReport>,
    /// Signature policy that the signer names: its object identifier, or `implied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_policy: Option<String>,
    /// Names of the parts of the container that the signature covers; empty where there is no container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_parts: Vec<String>,
    /// Time-stamps of this signature, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timestamps: Vec<TimestampReport>,
    /// Signatures over this signature's value. They have verdicts of their own and change nothing in this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub counter_signatures: Vec<SignatureReport>,
    /// What it is by law; absent where the node has no trusted list, or the signature cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<SignatureQualification>,
    /// What must be fetched for a better verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingFact>,
    /// Why it did not pass, most important first; remarks where it did.
    pub reasons: Vec<Reason>,
}

/// One time-stamp token or evidence record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TimestampReport {
    /// Stable within the file: `T-` and the first 32 hexadecimal digits of [`Self::sha256`].
    pub id: String,
    /// SHA-256 of the token or record as it stands in the file, in lower-case hexadecimal.
    pub sha256: String,
    /// Over what it stands.
    pub kind: TimestampKind,
    /// The imprint is that of what it should stand over, and the token's signature value verifies.
    pub intact: bool,
    /// Main indication.
    pub indication: Indication,
    /// Sub-indication, unless passed.
    pub sub_indication: Option<SubIndication>,
    /// The time in the token, RFC 3339.
    pub time: Option<String>,
    /// Who made it, as far as the certificate was identified.
    pub authority: Option<Signer>,
    /// Whether it is qualified; absent where the node has no trusted list, or the token cannot be read. Of an evidence record: its first
    /// time-stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualification: Option<TimestampQualification>,
    /// Why it did not pass, most important first.
    pub reasons: Vec<Reason>,
}

/// Over what a time-stamp stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TimestampKind {
    /// The content, made before the signature.
    Content,
    /// The signature value.
    Signature,
    /// The signature, its time-stamps and its references to validation data (CAdES-C-Timestamp).
    SignatureAndReferences,
    /// The references to validation data alone.
    References,
    /// Everything that proves the signature.
    Archive,
    /// A document or manifest in a container.
    Container,
    /// An evidence record (RFC 4998).
    EvidenceRecord,
}

/// A certificate of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CertificateReport {
    /// Distinguished name, RFC 4514.
    pub subject: String,
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    pub sha256: String,
    /// What is known of its revocation.
    pub status: CertificateStatus,
    /// When that was known (thisUpdate), RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_at: Option<String>,
    /// Since when it is revoked, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// What is known of a certificate's revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CertificateStatus {
    /// Believed without proof: the trust snapshot holds it.
    Anchor,
    /// Not revoked.
    Good,
    /// Revoked or suspended.
    Revoked,
    /// Nothing usable is known.
    Unknown,
    /// Not asked, as the verdict does not depend on it.
    NotAsked,
}

/// A fact that is missing for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MissingFact {
    /// Which kind.
    pub kind: MissingKind,
    /// SHA-256 of the certificate that it is about, in lower-case hexadecimal.
    pub sha256: String,
    /// Subject of that certificate, RFC 4514; of an issuer that is missing, its name.
    pub subject: String,
    /// Where the certificate says that it can be had. Nobody has checked these addresses.
    pub addresses: Vec<String>,
}

/// Kinds of missing facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MissingKind {
    /// A fresh answer about the revocation of a certificate.
    Revocation,
    /// The certificate of the issuer.
    Issuer,
}

/// Over which form of the signed attributes a value verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignedForm {
    /// DER, as RFC 5652, 5.4 says, and so they were sent.
    Der,
    /// DER, though they were sent in another order.
    DerSorted,
    /// The order in which they were sent, which is not DER.
    AsSent,
    /// There are no signed attributes; the content is signed itself.
    Content,
    /// The canonical form of SignedInfo, in XML.
    Canonical,
}

/// The signing certificate's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Signer {
    /// Distinguished name, RFC 4514.
    pub subject: String,
    /// Serial number of the certificate, in lower-case hexadecimal.
    pub serial: String,
    /// ЄДРПОУ of the organisation, where the certificate carries it.
    pub edrpou: Option<String>,
    /// РНОКПП of the person, where the certificate carries it.
    pub rnokpp: Option<String>,
}

/// Why a signature did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// Stable code.
    pub code: String,
    /// For a person, in English.
    pub text_en: String,
    /// For a person, in Ukrainian.
    pub text_uk: String,
    /// Clause of the standard.
    pub clause: String,
}

/// Main indication, ETSI EN 319 102-1 table 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Indication {
    /// All checks passed.
    TotalPassed,
    /// A check failed for good.
    TotalFailed,
    /// It cannot be told from what is known.
    Indeterminate,
}

/// Sub-indication, ETSI EN 319 102-1 table 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the standard's own names")]
pub enum SubIndication {
    FormatFailure,
    HashFailure,
    SigCryptoFailure,
    Revoked,
    Expired,
    NotYetValid,
    SigConstraintsFailure,
    ChainConstraintsFailure,
    CertificateChainGeneralFailure,
    CryptoConstraintsFailure,
    PolicyProcessingError,
    SignaturePolicyNotAvailable,
    TimestampOrderFailure,
    NoSigningCertificateFound,
    NoCertificateChainFound,
    NoCertificateChainFoundNoPoe,
    RevokedNoPoe,
    RevokedCaNoPoe,
    OutOfBoundsNotRevoked,
    OutOfBoundsNoPoe,
    RevocationOutOfBoundsNoPoe,
    CryptoConstraintsFailureNoPoe,
    NoPoe,
    TryLater,
    SignedDataNotFound,
}
