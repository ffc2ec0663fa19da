//! The texts of which a policy set is made: a schema and named files.

use std::collections::BTreeMap;

use crypto::digest::{hex, sha256};

/// Largest schema or file, and all of them together, in bytes. Those that are shipped have 25,000; parsing takes time and memory.
const TEXT_BYTES: usize = 1 << 20;

/// Files of one set.
const FILES: usize = 64;

/// A schema and policies in the language of Cedar, not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFiles {
    schema: String,
    policies: BTreeMap<String, String>,
}

/// Texts that are not looked at at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableFiles {
    /// Too much of them.
    #[error("more than {TEXT_BYTES} bytes or {FILES} files of policies")]
    TooLarge,
    /// Two of one name: which of them holds?
    #[error("two files of policies have one name")]
    NamedTwice,
}

impl PolicyFiles {
    /// Those that this binary carries: `gateway/access/policies`.
    #[must_use]
    pub fn shipped() -> Self {
        let policies = [
            ("applicants.cedar", include_str!("../../policies/applicants.cedar")),
            ("audit.cedar", include_str!("../../policies/audit.cedar")),
            ("break_glass.cedar", include_str!("../../policies/break_glass.cedar")),
            ("operators.cedar", include_str!("../../policies/operators.cedar")),
            ("participants.cedar", include_str!("../../policies/participants.cedar")),
            ("peers.cedar", include_str!("../../policies/peers.cedar")),
            ("people.cedar", include_str!("../../policies/people.cedar")),
        ];
        let policies = policies.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        Self { schema: include_str!("../../policies/vuzol.cedarschema").to_owned(), policies }
    }

    /// A schema, and policies by the names of their files.
    ///
    /// # Errors
    /// [`UnreadableFiles`].
    pub fn new<'a>(
        schema: &str,
        policies: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, UnreadableFiles> {
        let mut files = Self { schema: schema.to_owned(), policies: BTreeMap::new() };
        let mut bytes = schema.len();
        for (name, text) in policies {
            bytes = bytes.saturating_add(name.len()).saturating_add(text.len());
            if bytes > TEXT_BYTES || files.policies.len() >= FILES {
                return Err(UnreadableFiles::TooLarge);
            }
            if files.policies.insert(name.to_owned(), text.to_owned()).is_some() {
                return Err(UnreadableFiles::NamedTwice);
            }
        }
        Ok(files)
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The policies with the names of their files, in the order of these.
    pub fn policies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.policies.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// SHA-256 over all texts and names, each after its length in eight bytes, so that nothing can be moved from one to the other.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut all = Vec::new();
        let texts = self.policies().flat_map(|(name, text)| [name, text]);
        for text in std::iter::once(self.schema()).chain(texts) {
            all.extend_from_slice(&(text.len() as u64).to_be_bytes());
            all.extend_from_slice(text.as_bytes());
        }
        sha256(&all)
    }

    /// What decisions by these policies are marked with: the first 16 hexadecimal digits of the digest.
    #[must_use]
    pub fn version(&self) -> String {
        hex(&self.digest()).chars().take(16).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_changes_with_every_text_and_with_its_place() {
        let of =
            |schema: &str, files: &[(&str, &str)]| PolicyFiles::new(schema, files.iter().copied()).unwrap().version();
        let versions = [
            of("s", &[("a", "x"), ("b", "y")]),
            of("s", &[("a", "xb"), ("y", "")]),
            of("sa", &[("a", "x"), ("b", "y")]),
            of("s", &[("a", "x")]),
            of("s", &[("a", "y"), ("b", "x")]),
        ];
        for (place, version) in versions.iter().enumerate() {
            assert_eq!(version.len(), 16);
            assert!(!versions[..place].contains(version), "{place}");
        }
        assert_eq!(versions[0], of("s", &[("b", "y"), ("a", "x")]), "the order in which files are read means nothing");
    }

    #[test]
    fn what_is_too_much_or_ambiguous_is_not_looked_at() {
        let large = "x".repeat(TEXT_BYTES);
        assert_eq!(PolicyFiles::new("s", [("a", large.as_str())]), Err(UnreadableFiles::TooLarge));
        assert_eq!(PolicyFiles::new("s", [("a", "x"), ("a", "x")]), Err(UnreadableFiles::NamedTwice));
        let names: Vec<String> = (0..=FILES).map(|number| number.to_string()).collect();
        assert_eq!(PolicyFiles::new("s", names.iter().map(|name| (name.as_str(), ""))), Err(UnreadableFiles::TooLarge));
    }
}
