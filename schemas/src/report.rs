//! The report of a signature validation: what `vuzol verify --json` prints and the validation service answers.
//!
//! Indications and sub-indications carry the names of ETSI EN 319 102-1 (5.1.3, tables 5 and 6) verbatim.

use serde::{Deserialize, Serialize};

/// Everything found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// Format of the container: `CMS`, ...
    pub format: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub digest: String,
    /// The signatures, in the order of the file.
    pub signatures: Vec<SignatureReport>,
    /// Parts of the container that no signature covers.
    pub unsigned_parts: Vec<String>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureReport {
    /// Stable within the file: `S-` and the first 32 hexadecimal digits of the SHA-256 of the signature's structure.
    pub id: String,
    /// `CAdES` or `CMS`.
    pub format: String,
    /// `CAdES-BASELINE-B`, `-T`, `-LT`, `-LTA`, `CAdES-BES`, `CMS-NOT-ETSI`, ...
    pub level: String,
    /// The value verifies under the signing certificate, and every reference is found and matches. Says nothing of trust.
    pub intact: bool,
    /// Over what the value verifies, where the signature is intact.
    pub signed_form: Option<SignedForm>,
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
    /// Why it did not pass, most important first.
    pub reasons: Vec<Reason>,
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
