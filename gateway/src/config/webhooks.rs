//! The section of notices.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How notices are posted to those who subscribed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// PEM file of the authorities that receivers' TLS certificates lead to, for example the system's. Without it, or without
    /// `seal.ring`, nobody can subscribe, and nothing is posted.
    pub tls_roots: Option<PathBuf>,
    /// Receivers inside the node's own network, `host:port`. Any other address there is refused: a participant must not make
    /// the node ask its neighbours.
    pub private_hosts: Vec<String>,
}
