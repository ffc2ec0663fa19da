//! The section of retention.

use std::collections::BTreeMap;
use std::path::PathBuf;

use exchange::retention::{Keep, Retention};
use schemas::RetentionClass;
use serde::{Deserialize, Serialize};

use super::quoted;

/// How long the content of messages is kept, and who may dispose of it.
///
/// Each class is a section `[retention.classes.<name>]` with either `days` or `permanent = true`. Channels name one of them; the class
/// `standard` is that of channels that name none, and must be there. A class that documents were accepted under must stay there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// PEM certificates with which the members of the commission sign disposal acts: two persons at least. Empty: nothing can be
    /// disposed of. Another's among them: that one can have documents erased, together with one more.
    pub commission: Vec<PathBuf>,
    /// The classes by name: 1 to 48 lower-case letters, digits, dots or hyphens.
    pub classes: BTreeMap<String, ClassConfig>,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let permanent = ClassConfig { days: None, permanent: true };
        let classes = BTreeMap::from([(RetentionClass::default().as_str().to_owned(), permanent)]);
        Self { commission: Vec::new(), classes }
    }
}

/// What a class means: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ClassConfig {
    /// Days after the last step of a message, 1 to 36525. Too few: what the law wants kept can be disposed of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Kept for ever.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub permanent: bool,
}

impl RetentionConfig {
    /// The classes, checked.
    pub(crate) fn classes(&self) -> Result<BTreeMap<RetentionClass, Keep>, String> {
        let class = |(name, class): (&String, &ClassConfig)| {
            let parsed: RetentionClass = name.parse().map_err(|error| format!("classes.{name}: {error}"))?;
            let keep = match (class.days, class.permanent) {
                (Some(days), false) => Keep::Days(days),
                (None, true) => Keep::Permanent,
                _ => return Err(format!("classes.{name}: either days, or permanent = true")),
            };
            Ok((parsed, keep))
        };
        self.classes.iter().map(class).collect()
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let checked = self
            .classes()
            .and_then(|classes| Retention::new(classes, Vec::new()).map(drop).map_err(|error| error.to_string()));
        checked.map_err(|problem| ("retention", problem))
    }

    /// Keys of the section with their values.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let files: Vec<_> = self.commission.iter().map(|file| quoted(&file.display().to_string())).collect();
        vec![("commission", Some(format!("[{}]", files.join(", "))))]
    }

    /// A section for each class.
    pub(super) fn classes_to_toml(&self) -> String {
        let class = |(name, class): (&String, &ClassConfig)| {
            let days = class.days.map(|days| format!("days = {days}\n")).unwrap_or_default();
            let permanent = if class.permanent { "permanent = true\n" } else { "" };
            format!("[retention.classes.{name}]\n{days}{permanent}")
        };
        self.classes.iter().map(class).collect()
    }
}
