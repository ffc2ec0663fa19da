//! From the configuration to portals: their secret, their bounds, their doors.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use access::login::secret::NodeSecret;
use access::people::Directory;
use access::portal::{Origins, PortalParts, Portals, SessionLimits};
use audit::Ledger;
use certs::revocation::RevocationSource;
use certs::trust::TrustSource;
use schemas::access::Portal;
use storage::Clock;
use storage::seen::SeenStore;
use time::Duration;
use tokio::net::TcpListener;

use crate::config::{Config, PortalsConfig};
use crate::wiring::{StartError, warn_if_others_may_read};

/// Longest file that is looked at as a secret.
const SECRET_BYTES: u64 = 256;

/// What portals share with the other rooms.
pub(crate) struct Shared {
    pub(crate) ledger: Ledger,
    pub(crate) seen: SeenStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trust: Arc<dyn TrustSource>,
    pub(crate) revocation: Arc<dyn RevocationSource>,
    pub(crate) directory: Arc<dyn Directory>,
}

/// The portals; none where the configuration has none.
pub(crate) fn open(config: &Config, shared: Shared) -> Result<Option<Portals>, StartError> {
    let portals = &config.portals;
    let Some(file) = portals.secret.as_deref().filter(|_| portals.each().next().is_some()) else { return Ok(None) };
    let Shared { ledger, seen, clock, trust, revocation, directory } = shared;
    let providers = crate::outbound::openid::open(&portals.providers, &clock).map_err(StartError)?;
    let origin = |portal: &Option<crate::config::PortalConfig>| portal.as_ref().map(|portal| portal.origin.clone());
    Ok(Some(Portals::new(PortalParts {
        ledger,
        seen,
        clock,
        trust,
        revocation,
        directory,
        secret: secret(file)?,
        node: config.node.name.clone(),
        origins: Origins { internal: origin(&portals.internal), external: origin(&portals.external) },
        limits: limits(portals),
        rates: config.limits.logins.rates(),
        providers,
        enrols: portals.enrol_applicants,
    })))
}

fn limits(portals: &PortalsConfig) -> SessionLimits {
    SessionLimits {
        idle_internal: Duration::minutes(portals.internal_idle_minutes.into()),
        idle_external: Duration::minutes(portals.external_idle_minutes.into()),
        absolute: Duration::hours(portals.session_hours.into()),
        by_provider: Duration::minutes(portals.provider_session_minutes.into()),
        open: portals.sessions_of_person,
    }
}

fn secret(file: &Path) -> Result<NodeSecret, StartError> {
    let wrong = |what: &dyn std::fmt::Display| StartError(format!("portals.secret {}: {what}", file.display()));
    warn_if_others_may_read("portals.secret", file).map_err(|error| wrong(&error))?;
    let length = std::fs::metadata(file).map_err(|error| wrong(&error))?.len();
    if length > SECRET_BYTES {
        return Err(wrong(&"longer than any secret"));
    }
    let text = std::fs::read_to_string(file).map(zeroize::Zeroizing::new).map_err(|error| wrong(&error))?;
    NodeSecret::from_hex(&text).map_err(|error| wrong(&error))
}

/// Listens for each portal that there is.
pub(crate) async fn bind(config: &PortalsConfig) -> Result<Vec<(Portal, TcpListener)>, StartError> {
    let mut bound = Vec::new();
    for (portal, at) in config.each() {
        let listener = TcpListener::bind(at.listen).await;
        let refused = |e| StartError(format!("portals.{}: cannot listen on {}: {e}", portal.as_str(), at.listen));
        bound.push((portal, listener.map_err(refused)?));
    }
    Ok(bound)
}

/// Where each is.
pub(crate) fn addresses(bound: &[(Portal, TcpListener)]) -> Result<Vec<(Portal, SocketAddr)>, StartError> {
    let address = |(portal, listener): &(Portal, TcpListener)| {
        let address = listener.local_addr().map_err(|e| StartError(format!("portals.{}: {e}", portal.as_str())))?;
        Ok((*portal, address))
    };
    bound.iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_small_file_of_hexadecimal_digits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            secret(&file).err().map(|error| error.0)
        };
        assert_eq!(read(&format!("{}\n", "0a".repeat(32))), None);
        for (text, told) in [("0a", "64 hexadecimal digits"), (&*"0".repeat(300), "longer than any secret")] {
            let error = read(text).unwrap();
            assert!(error.starts_with("portals.secret /") && error.contains(told), "{error}");
        }
    }
}
