//! The section of policies.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::quoted;

/// Who may do what, where it is not what the binary carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoliciesConfig {
    /// A signed bundle (`vuzol admin policies bundle`); its signature lies beside it, with `.p7s` after the name. Read anew every minute. One that
    /// cannot be used never replaces the policies in force; at the start it keeps the node from starting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<PathBuf>,
    /// PEM certificates whose signature puts a bundle in force. Whoever holds such a key decides who may do what.
    pub signers: Vec<PathBuf>,
    /// How many of them must have signed a bundle, each another person: 1 or 2. With 1 whoever holds one key decides alone.
    pub signatures: u8,
}

impl Default for PoliciesConfig {
    fn default() -> Self {
        Self { bundle: None, signers: Vec::new(), signatures: 1 }
    }
}

impl PoliciesConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.bundle.is_some() && self.signers.is_empty() {
            return Err(("policies.signers", "must name a certificate, since there is a bundle".to_owned()));
        }
        if !(1..=2).contains(&self.signatures) {
            return Err(("policies.signatures", "must be 1 or 2".to_owned()));
        }
        if self.bundle.is_some() && self.signers.len() < usize::from(self.signatures) {
            return Err(("policies.signers", format!("must name {} certificates at least", self.signatures)));
        }
        Ok(())
    }

    /// Keys of the section with their values.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let signers: Vec<_> = self.signers.iter().map(|file| quoted(&file.display().to_string())).collect();
        vec![
            ("bundle", self.bundle.as_ref().map(|file| quoted(&file.display().to_string()))),
            ("signers", Some(format!("[{}]", signers.join(", ")))),
            ("signatures", Some(self.signatures.to_string())),
        ]
    }
}
