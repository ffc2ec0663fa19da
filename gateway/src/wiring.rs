//! The only place that joins rooms.
use crate::config::Config;
use std::net::SocketAddr;
use std::sync::Arc;
use storage::Clock;
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);
/// What runs in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duties { /** door and workers */ All, Door, Workers }
/// A running node. Port 0 in the configuration picks a free port.
pub struct Node { inner: () }
impl Node {
    /// Opens storage (migrating an absent or older database when `migrate`), trust, keys; binds; serves.
    pub async fn start(_config: Config, _clock: Arc<dyn Clock>, _duties: Duties, _migrate: bool) -> Result<Self, StartError> { todo!() }
    pub fn public_address(&self) -> SocketAddr { todo!() }
    pub fn operator_address(&self) -> SocketAddr { todo!() }
    /// C2SP vkey of the log.
    pub fn log_verifier_key(&self) -> String { todo!() }
    /// Graceful: stops accepting, finishes requests (bounded), stops workers.
    pub async fn stop(self) { todo!() }
}
/// The log's verifier key of a configuration, without starting (for `vuzol admin log-key`).
pub fn log_verifier_key(_config: &Config) -> Result<String, StartError> { todo!() }
