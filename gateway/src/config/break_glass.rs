//! The section of break-glass access.

use schemas::limits::BREAK_GLASS_MINUTES;
use serde::{Deserialize, Serialize};

/// How long somebody may see what consent keeps from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakGlassConfig {
    /// Minutes for which such access can be opened at most, and is where nobody says for how long: 5 to 480. Larger: who finds an unlocked
    /// screen finds the access open. Smaller: it is opened again and again, each time with a reason that says less.
    pub minutes: u16,
}

impl Default for BreakGlassConfig {
    fn default() -> Self {
        Self { minutes: 60 }
    }
}

impl BreakGlassConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if (5..=BREAK_GLASS_MINUTES).contains(&self.minutes) {
            return Ok(());
        }
        Err(("break_glass.minutes", format!("must be 5 to {BREAK_GLASS_MINUTES}")))
    }

    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("minutes", Some(self.minutes.to_string()))]
    }
}
