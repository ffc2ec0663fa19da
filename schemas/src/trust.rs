//! Whom the node believes, as operators read and state it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// SHA-256 of a certificate's DER: 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct CertificateDigest([u8; 32]);

/// The text is not 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the SHA-256 of a certificate is 64 hexadecimal digits in lower case")]
pub struct InvalidDigest;

impl CertificateDigest {
    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for CertificateDigest {
    fn from(octets: [u8; 32]) -> Self {
        Self(octets)
    }
}

impl FromStr for CertificateDigest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let octets: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(high)? << 4 | digit(low)?),
                _ => None,
            })
            .collect();
        octets.and_then(|octets| octets.try_into().ok()).map(Self).ok_or(InvalidDigest)
    }
}

impl TryFrom<String> for CertificateDigest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<CertificateDigest> for String {
    fn from(digest: CertificateDigest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for CertificateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for CertificateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a certificate is believed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrustPurpose {
    /// It anchors signatures and seals over documents.
    Signing,
    /// It anchors client certificates.
    Login,
    /// It anchors encryption certificates.
    Encryption,
    /// It anchors time-stamp authorities.
    Timestamping,
    /// It completes paths and is not believed by itself.
    Intermediate,
}

impl TrustPurpose {
    /// All purposes.
    pub const ALL: [Self; 5] = [Self::Signing, Self::Login, Self::Encryption, Self::Timestamping, Self::Intermediate];

    /// The word on the wire, in the configuration, and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Login => "login",
            Self::Encryption => "encryption",
            Self::Timestamping => "timestamping",
            Self::Intermediate => "intermediate",
        }
    }

    /// The purpose of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// What an operator states of a certificate. It outweighs the folders of the configuration until it is withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustStatement {
    /// Believe it for exactly these; none: for nothing, wherever it lies.
    pub purposes: Vec<TrustPurpose>,
    /// The certificate: DER in base64. May be left out where the node has it already, and where it is believed for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub der: Option<String>,
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrustOrigin {
    /// It lies in a folder of the configuration.
    Folder,
    /// An operator stated it.
    Operator,
    /// The node fetched it from where a certificate below it says that it lies.
    Fetched,
}

/// A certificate that the node believes, or was told not to believe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrustedCertificate {
    /// Which.
    pub sha256: CertificateDigest,
    /// Its subject (RFC 4514); absent where the node was told of its SHA-256 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// End of its validity, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub not_after: Option<OffsetDateTime>,
    /// What for; none: for nothing.
    pub purposes: Vec<TrustPurpose>,
    /// Who said so.
    pub origin: TrustOrigin,
    /// It has expired. An anchor is believed all the same, since the one who keeps it vouches for it; what it issued expires
    /// by itself.
    pub stale: bool,
}

/// A revocation list of an offline bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeldList {
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// It only says what changed since a complete one.
    pub delta: bool,
    /// When it was made, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub this_update: OffsetDateTime,
    /// When the next one will be there at the latest, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub next_update: Option<OffsetDateTime>,
    /// The next one should be there by now.
    pub stale: bool,
}

/// A trusted list (ETSI TS 119 612) of the configuration, or a member of a list of lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrustedListStatus {
    /// What the configuration calls it; a member is `NAME.TERRITORY`.
    pub name: String,
    /// Where it is asked for.
    pub location: String,
    /// What its services are believed for.
    pub purposes: Vec<TrustPurpose>,
    /// Whose it is, ISO 3166-1 alpha-2, `EU`, `EL`. Absent, as all that follows, where none is in use yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub territory: Option<String>,
    /// Who issued it, in Ukrainian, else in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Its number, which never falls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<u64>,
    /// When it was issued, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub issued_at: Option<OffsetDateTime>,
    /// When the next one is due at the latest, RFC 3339 in UTC. Absent as well where the scheme has ended.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub next_update: Option<OffsetDateTime>,
    /// The next one should be there by now. The one in use stays in force.
    pub overdue: bool,
    /// Who signed it (RFC 4514).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// SHA-256 of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<CertificateDigest>,
    /// Providers in it.
    pub providers: u32,
    /// Services in it.
    pub services: u32,
    /// Services that issue qualified certificates now.
    pub qualified_authorities: u32,
    /// Services that issue qualified time-stamps now.
    pub qualified_timestamping: u32,
    /// When it was last asked for with success, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub checked_at: Option<OffsetDateTime>,
    /// Services that are anchors now, by what the list is believed for.
    #[serde(default)]
    pub anchors: u32,
    /// What is wrong in the list and did not refuse it, the first [`ListFlaw::MOST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<ListFlaw>,
    /// How many more flaws there are.
    #[serde(default)]
    pub further_flaws: u32,
    /// Why what was found last is not believed. What is in use stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<ListProblem>,
}

/// Something in a trusted list that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListFlaw {
    /// Where: an address, a provider, or a provider and its service.
    pub place: String,
    /// Whether that is left out because of it.
    pub left_out: bool,
    /// Stable code.
    pub code: String,
    /// In English.
    pub text_en: String,
    /// In Ukrainian.
    pub text_uk: String,
    /// The clause of the standard.
    pub clause: String,
}

impl ListFlaw {
    /// Most flaws that are told of one list.
    pub const MOST: usize = 20;
}

/// Why a trusted list is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListProblem {
    /// Stable code.
    pub code: String,
    /// In English.
    pub text_en: String,
    /// In Ukrainian.
    pub text_uk: String,
    /// The clause of the standard.
    pub clause: String,
    /// Since when something is wrong with it, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

/// Whom the node believes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trust {
    /// The set in use: SHA-256 over its entries.
    pub snapshot: CertificateDigest,
    /// Certificates, by SHA-256.
    pub certificates: Vec<TrustedCertificate>,
    /// Revocation lists of an offline bundle.
    pub lists: Vec<HeldList>,
    /// Trusted lists, by name.
    #[serde(default)]
    pub trusted_lists: Vec<TrustedListStatus>,
    /// Why the folders are not believed now. The set in use stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let text = "00ff".repeat(16);
        let digest: CertificateDigest = text.parse().unwrap();
        assert_eq!(digest.to_string(), text);
        let wrong =
            ["", "00", &"00FF".repeat(16), &"00ff".repeat(17), &"00f".repeat(21), &"ї".repeat(32), &"0g".repeat(32)];
        for wrong in wrong {
            assert_eq!(wrong.parse::<CertificateDigest>(), Err(InvalidDigest), "{wrong}");
        }
    }

    #[test]
    fn purposes_are_the_same_words_everywhere() {
        for purpose in TrustPurpose::ALL {
            assert_eq!(serde_json::to_value(purpose).unwrap(), purpose.as_str());
            assert_eq!(TrustPurpose::of_word(purpose.as_str()), Some(purpose));
        }
        assert_eq!(TrustPurpose::of_word("everything"), None);
    }
}
