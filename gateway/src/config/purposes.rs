//! The section of purposes.

use access::purpose::Purposes;
use schemas::purpose::Purpose;
use serde::{Deserialize, Serialize};

use super::quoted;

/// What personal data may be looked at for. Whoever looks states one of these, and whom it concerns is shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct PurposesConfig {
    /// The whole list. Empty: the one that the binary carries. One that is too general lets anybody look at anything with it.
    pub list: Vec<Purpose>,
}

impl PurposesConfig {
    /// The list, checked.
    pub(crate) fn purposes(&self) -> Result<Purposes, String> {
        if self.list.is_empty() {
            return Ok(Purposes::shipped());
        }
        Purposes::new(self.list.iter().cloned()).map_err(|error| error.to_string())
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        self.purposes().map(drop).map_err(|problem| ("purposes.list", problem))
    }

    /// Keys of the section with their values.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let purpose = |Purpose { name, uk, en, legal_ground }: &Purpose| {
            let [name, uk, en, ground] = [name.as_str(), uk, en, legal_ground].map(quoted);
            format!("{{ name = {name}, uk = {uk}, en = {en}, legal_ground = {ground} }}")
        };
        let list: Vec<_> = self.list.iter().map(purpose).collect();
        vec![("list", (!list.is_empty()).then(|| format!("[{}]", list.join(", "))))]
    }
}
