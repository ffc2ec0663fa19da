//! Other nodes, as operators state and read them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::quarantine::Proposal;
use crate::trust::CertificateDigest;
use crate::{AreaCode, Edrpou};

/// Longest name of a node.
const NAME_BYTES: usize = 128;

/// The name of another node, as operators state it over the API: letters, digits, `.`, `-` and `_`, of which the first is a letter or a digit.
/// It is the name in that node's evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", example = "poltava.example")]
pub struct PeerName(String);

/// The text is no name of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a node is 1 to 128 letters, digits, dots, hyphens and underscores, and begins with a letter or a digit"
)]
pub struct InvalidPeerName;

impl PeerName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PeerName {
    type Err = InvalidPeerName;
    fn from_str(text: &str) -> Result<Self, InvalidPeerName> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for PeerName {
    type Error = InvalidPeerName;
    fn try_from(text: String) -> Result<Self, InvalidPeerName> {
        let begins = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        (begins && plain && text.len() <= NAME_BYTES).then_some(Self(text)).ok_or(InvalidPeerName)
    }
}

impl From<PeerName> for String {
    fn from(name: PeerName) -> Self {
        name.0
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What operators state of another node: where it is, and what it is known by. Certificates are DER in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerStatement {
    /// Its public address: `https://host[:port]`, the host in lower case.
    #[schema(max_length = 300)]
    pub url: String,
    /// The authorities that its TLS certificate leads to, and no others: 1 to 8.
    #[schema(min_items = 1, max_items = 8)]
    pub authorities: Vec<String>,
    /// The certificates that it logs in here with: 1 to 4. Two of them while it changes from one to the other.
    #[schema(min_items = 1, max_items = 4)]
    pub login: Vec<String>,
    /// The certificates that its evidence verifies under: 1 to 4. An old one stays as long as evidence signed with it may come.
    #[schema(min_items = 1, max_items = 4)]
    pub evidence: Vec<String>,
}

/// A statement, and what it takes the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerChange {
    /// The version of the peer that this takes the place of, withdrawn or not; 0: nobody ever stated it. Another version in force: 409.
    pub replaces: u32,
    /// What holds from now on.
    pub statement: PeerStatement,
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerSource {
    /// The configuration. It outweighs what operators state, and cannot be changed over the API.
    Configuration,
    /// Operators, over the API.
    Operators,
}

/// A certificate of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeerCertificate {
    /// Which.
    pub sha256: CertificateDigest,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// End of its validity, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
}

/// What a peer is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeerIdentity {
    /// Its public address.
    pub url: String,
    /// The authorities that its TLS certificate leads to.
    pub authorities: Vec<PeerCertificate>,
    /// What it logs in here with.
    pub login: Vec<PeerCertificate>,
    /// What its evidence verifies under.
    pub evidence: Vec<PeerCertificate>,
}

/// Who is at home at a peer, by the registry of participants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeerParticipants {
    /// How many.
    pub count: u32,
    /// The first hundred of them, by code.
    pub participants: Vec<Edrpou>,
    /// The areas that they serve, the first hundred.
    pub areas: Vec<AreaCode>,
}

/// How it goes between this node and a peer, whichever process carries it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeerTraffic {
    /// Messages that wait here for their way there.
    pub waiting: u32,
    /// Evidence that waits here for its way there.
    pub reports: u32,
    /// When evidence of that node last came here: of a message that arrived there, or that was brought here. RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub last_heard_at: Option<OffsetDateTime>,
    /// When a message that still waits failed last, RFC 3339 in UTC. Absent: none that waits has failed.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub failed_at: Option<OffsetDateTime>,
    /// Why: a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Another node, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Who says so.
    pub source: PeerSource,
    /// Whether messages go there and come from there. False: it was withdrawn, or the configuration has the same name and is what holds.
    pub in_force: bool,
    /// The version that was stated last; absent of the configuration's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// What it is known by; absent where it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<PeerIdentity>,
    /// Who is at home there.
    pub participants: PeerParticipants,
    /// How it goes.
    pub traffic: PeerTraffic,
}

/// All other nodes that this one knows, by name, and what is proposed of any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Peers {
    /// Them.
    pub peers: Vec<Peer>,
    /// What one operator has proposed and another may confirm, with the same statement.
    pub proposals: Vec<Proposal>,
}

/// What came of an operator's statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeerOutcome {
    /// The version that is in force by it. Absent: another operator must confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The proposal, where another operator must confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
}

/// One statement of a peer, or its withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeerVersion {
    /// Its number, from 1.
    pub version: u32,
    /// What was stated, whole: stated again it undoes what came after. Absent: the peer was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<PeerStatement>,
    /// When, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who stated or withdrew it, as in the log; of a statement, who confirmed it.
    pub by: String,
    /// Who proposed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_by: Option<String>,
}

/// What was stated of a peer, the newest first; the last hundred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeerHistory {
    /// Them.
    pub versions: Vec<PeerVersion>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_in_an_address_as_it_is() {
        for good in ["a", "poltava.example", "node-1_2.example", &"x".repeat(128)] {
            assert_eq!(good.parse::<PeerName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "-a", "a/b", "a b", "a%2Fb", "a+b", "вузол", "a\n", &"x".repeat(129)] {
            assert_eq!(bad.parse::<PeerName>(), Err(InvalidPeerName), "{bad}");
        }
        assert!(serde_json::from_str::<PeerName>("\"a/b\"").is_err());
    }

    #[test]
    fn what_is_stated_has_no_other_fields() {
        let json = r#"{"replaces":0,"statement":{"url":"https://a","authorities":[],"login":[],"evidence":[]}}"#;
        assert!(serde_json::from_str::<PeerChange>(json).is_ok());
        assert!(serde_json::from_str::<PeerChange>(&json.replace("\"url\"", "\"extra\":1,\"url\"")).is_err());
        assert!(serde_json::from_str::<PeerChange>(&json.replace(":0", ":-1")).is_err());
    }
}
