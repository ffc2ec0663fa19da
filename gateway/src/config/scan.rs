//! The sections of the key ring and of malware scanning.

use std::path::PathBuf;

use exchange::scan::Unavailable;
use serde::{Deserialize, Serialize};

/// How documents are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct SealConfig {
    /// Folder of the node's key ring (`vuzol keys create-ring`), for recipients without an encryption certificate. Without it,
    /// and on channels that do not allow it, nothing is accepted for them. Lost, nobody reads what was sealed for them: keep a copy, apart from the backup of the
    /// database.
    pub ring: Option<PathBuf>,
}

/// How documents are scanned for malware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScanConfig {
    /// Where clamd listens. Without it nothing is scanned. The documents go there in the clear: a socket of this machine, or a network that
    /// nobody else reads.
    pub clamd: Option<ClamdAddress>,
    /// What becomes of a document that was not scanned: `refuse`, or `mark`, which accepts it with a mark that says so. With
    /// `refuse` a clamd that is down stops the exchange; with `mark` malware passes meanwhile.
    pub unavailable: Unavailable,
    /// Larger documents are not sent to clamd, and count as not scanned. Above clamd's own StreamMaxLength or MaxFileSize it is
    /// those that count, and clamd says so only under `AlertExceedsMax yes`: otherwise it answers OK for what it did not look at.
    pub maximum_bytes: u64,
}

impl Default for ScanConfig {
    fn default() -> Self {
        Self { clamd: None, unavailable: Unavailable::Refuse, maximum_bytes: MAXIMUM_BYTES }
    }
}

impl ScanConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let most = schemas::limits::DOCUMENT_BYTES;
        if (1..=most).contains(&self.maximum_bytes) {
            Ok(())
        } else {
            Err(("scan.maximum_bytes", format!("must be 1 to {most}")))
        }
    }
}

/// Where clamd listens: `unix:/path` or `tcp:host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClamdAddress {
    /// A socket of this machine, by its absolute path.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

impl TryFrom<String> for ClamdAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (unix, tcp) = (text.strip_prefix("unix:"), text.strip_prefix("tcp:"));
        if let Some(path) = unix.map(PathBuf::from).filter(|path| path.is_absolute()) {
            return Ok(Self::Unix(path));
        }
        let has_port = |address: &&str| {
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            super::is_host(address) && port.is_some_and(|port| port != 0)
        };
        match tcp.filter(has_port) {
            Some(address) => Ok(Self::Tcp(address.to_owned())),
            None => Err(format!("{text:?} is neither unix:/absolute/path nor tcp:host:port")),
        }
    }
}

impl From<ClamdAddress> for String {
    fn from(address: ClamdAddress) -> Self {
        match address {
            ClamdAddress::Unix(path) => format!("unix:{}", path.display()),
            ClamdAddress::Tcp(address) => format!("tcp:{address}"),
        }
    }
}

/// StreamMaxLength and MaxFileSize as Debian sets them: 25M.
const MAXIMUM_BYTES: u64 = 25 * 1024 * 1024;
