//! What a malware scanner said of a part, as evidence and recipients read it.

use serde::{Deserialize, Serialize};

/// The mark of a part that a node with a scanner took in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartScan {
    /// What came of it.
    pub result: ScanResult,
    /// The node that had it scanned, or could not.
    pub node: String,
    /// Of what is infected: what was recognised, as the scanner's database calls it. Of what was not scanned: why, as a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What came of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScanResult {
    /// The scanner looked at all of it and knows nothing bad of it.
    Clean,
    /// Something was recognised in it. Stands in A.2 alone: such a part goes no further.
    Infected,
    /// It came encrypted, so that nobody but its recipient can look into it: not scanned.
    Encrypted,
    /// No verdict was reached, and the operator of the node accepts such parts.
    NotScanned,
}
