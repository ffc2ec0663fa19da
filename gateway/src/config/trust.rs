//! The sections of whom the node believes: folders of anchors, and trusted lists.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemas::trust::TrustPurpose;
use serde::{Deserialize, Serialize};

use super::quoted;

/// Folders of PEM certificates (`*.pem`, `*.crt`, `*.cer`), one set of anchors for each purpose.
///
/// Read anew every minute and on SIGHUP. A set that cannot be read, or is empty, never replaces the one in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// Who may issue signers. Too many: documents of people whom no qualified provider vouches for are accepted.
    pub signing: PathBuf,
    /// Who may issue client certificates. Being issued is not enough: an operator registers each one.
    pub login: PathBuf,
    /// Who may issue encryption certificates. Too many: documents can be sealed to a key that is not the recipient's.
    pub encryption: PathBuf,
    /// Who may issue time-stamp authorities. May be an empty folder: then no time-stamp proves anything.
    pub timestamping: PathBuf,
    /// Certificates that complete paths when a signature does not bring them. Never trusted by themselves.
    #[serde(default)]
    pub intermediates: Option<PathBuf>,
    /// Revocation lists (`.crl`, DER) that an offline bundle brought: used beside what is fetched, believed as far as their
    /// signatures carry. Without it, and without Internet, no certificate has a status and nothing is accepted.
    #[serde(default)]
    pub lists: Option<PathBuf>,
}

/// Trusted lists (ETSI TS 119 612): signed by a country, they say who is supervised, and since when.
///
/// A list is fetched in the background and takes the place of the one in use only if its signature, number and dates say that it
/// follows. What is wrong with one never takes away what is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustedListsConfig {
    /// Folder that the node writes the lists in use to, so that it knows them, and their numbers, after a restart. Emptied, an older list
    /// can come back.
    pub folder: PathBuf,
    /// PEM certificates of authorities for TLS servers, for lists at `https` addresses: `/etc/ssl/certs/ca-certificates.crt` on Debian.
    /// Without it only `http` is asked. Lists are signed: a false server can withhold one, not forge it.
    pub tls_roots: Option<PathBuf>,
    /// Hours between two questions, 1 to 168. Larger: a withdrawn provider is believed so much longer.
    pub refresh_hours: u16,
    /// The lists. Empty: the folders of `trust` decide alone.
    pub lists: Vec<TrustedListConfig>,
}

impl Default for TrustedListsConfig {
    fn default() -> Self {
        Self { folder: "trusted-lists".into(), tls_roots: None, refresh_hours: 6, lists: Vec::new() }
    }
}

/// One list, or a list of lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedListConfig {
    /// What it is called in the status, alarms and the folder: 1 to 16 of A-Z, 0-9 and `-`.
    pub name: String,
    /// Its address, or the path of a file that somebody else brings up to date.
    pub location: String,
    /// Folder of PEM certificates that may sign it. Too many: whoever holds such a key decides whom the region believes.
    pub signers: PathBuf,
    /// Of a list of lists: territories to follow; none: all.
    #[serde(default)]
    pub territories: Vec<String>,
    /// What its services are believed for.
    #[serde(default = "default_purposes")]
    pub purposes: Vec<TrustPurpose>,
}

fn default_purposes() -> Vec<TrustPurpose> {
    vec![TrustPurpose::Signing, TrustPurpose::Timestamping]
}

impl TrustedListsConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !(1..=168).contains(&self.refresh_hours) {
            return Err(("trusted_lists.refresh_hours", "must be 1 to 168".to_owned()));
        }
        let mut names = BTreeSet::new();
        for list in &self.lists {
            let is_plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
            if !(1..=16).contains(&list.name.len()) || !list.name.bytes().all(is_plain) || !names.insert(&list.name) {
                let problem = format!("name {:?} must be 1 to 16 of A-Z, 0-9 and '-', and of one list only", list.name);
                return Err(("trusted_lists.lists", problem));
            }
            if list.location.starts_with("https:") && self.tls_roots.is_none() {
                let problem = format!("must be there, since the location of {} is https", list.name);
                return Err(("trusted_lists.tls_roots", problem));
            }
            if list.purposes.contains(&TrustPurpose::Intermediate) {
                let problem = format!("purposes of {}: a list is believed for something, or left out", list.name);
                return Err(("trusted_lists.lists", problem));
            }
        }
        Ok(())
    }
}

impl TrustedListConfig {
    /// Whether the location is an address; a path of a file otherwise.
    pub(crate) fn is_address(&self) -> bool {
        ["http:", "https:"].iter().any(|scheme| self.location.starts_with(scheme))
    }

    /// An inline table.
    pub(super) fn to_toml(&self) -> String {
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        format!(
            "{{ name = {}, location = {}, signers = {}, territories = {}, purposes = {} }}",
            quoted(&self.name),
            quoted(&self.location),
            quoted(&self.signers.display().to_string()),
            list(self.territories.iter().map(|territory| quoted(territory)).collect()),
            list(self.purposes.iter().map(|purpose| quoted(purpose.as_str())).collect()),
        )
    }
}
