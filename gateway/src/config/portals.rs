//! The section of the portals.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemas::access::Portal;
use serde::{Deserialize, Serialize};

use super::{ProviderConfig, providers, quoted};

/// Where people log in, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortalsConfig {
    /// File of 64 hexadecimal digits, readable by the node's user only: codes of challenges and CSRF tokens come from it. The same in all
    /// processes of the node, or what one issued another refuses; another one for each node. Replaced, whoever is about to log in begins anew.
    /// Needed where there is a portal.
    pub secret: Option<PathBuf>,
    /// Of officials. Without it there is none.
    pub internal: Option<PortalConfig>,
    /// Of applicants. Without it there is none.
    pub external: Option<PortalConfig>,
    /// Minutes without a request after which a session of an official is over, 1 to 480. Larger: who finds an unlocked screen finds an
    /// open session.
    pub internal_idle_minutes: u16,
    /// The same of an applicant.
    pub external_idle_minutes: u16,
    /// Hours after which any session is over, 1 to 24.
    pub session_hours: u16,
    /// Open sessions of one person at one portal, 1 to 100; one more ends the oldest.
    pub sessions_of_person: u32,
    /// Minutes after which a session is over that an identity provider vouched for, 5 to 1440, and not after session_hours: no revocation of a
    /// certificate ends it.
    pub provider_session_minutes: u16,
    /// Identity providers. Each is one more who can say who somebody is. Empty: people log in with their signatures alone.
    pub providers: Vec<ProviderConfig>,
    /// Whoever logs in at the external portal for the first time, with a qualified certificate of a natural person, is entered into the
    /// directory by that. `false`: only whom operators have entered log in there.
    pub enrol_applicants: bool,
}

/// One portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalConfig {
    /// Its address as browsers show it: `https://host` or `https://host:port`, in lower case. Stands in what people sign. Wrong: nobody
    /// can log in.
    pub origin: String,
    /// Where the node listens for it: TLS 1.3, without client certificates. Behind a proxy all people come from one address, and share
    /// its bound on logins.
    pub listen: SocketAddr,
}

impl Default for PortalsConfig {
    fn default() -> Self {
        Self {
            secret: None,
            internal: None,
            external: None,
            internal_idle_minutes: 15,
            external_idle_minutes: 30,
            session_hours: 8,
            sessions_of_person: 5,
            provider_session_minutes: 120,
            providers: Vec::new(),
            enrol_applicants: true,
        }
    }
}

impl PortalsConfig {
    /// The portals that there are.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Portal, &PortalConfig)> {
        let both = [(Portal::Internal, &self.internal), (Portal::External, &self.external)];
        both.into_iter().filter_map(|(portal, config)| Some((portal, config.as_ref()?)))
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let key = |portal| match portal {
            Portal::Internal => "portals.internal",
            Portal::External => "portals.external",
        };
        for (portal, PortalConfig { origin, .. }) in self.each() {
            if self.secret.is_none() {
                return Err(("portals.secret", "must be there, since there is a portal".to_owned()));
            }
            if host_of(origin).is_none() {
                let problem = "must be https://host or https://host:port, in lower case, and nothing more";
                return Err((key(portal), format!("origin {origin:?} {problem}")));
            }
        }
        if let (Some(internal), Some(external)) = (&self.internal, &self.external) {
            // Browsers send cookies to all ports of a host.
            if host_of(&internal.origin) == host_of(&external.origin) {
                return Err(("portals.external", "must have another host than portals.internal".to_owned()));
            }
            if internal.listen == external.listen && internal.listen.port() != 0 {
                return Err(("portals.external", "must not listen where portals.internal does".to_owned()));
            }
        }
        for (key, value, bounds) in [
            ("portals.internal_idle_minutes", u32::from(self.internal_idle_minutes), 1..=480),
            ("portals.external_idle_minutes", u32::from(self.external_idle_minutes), 1..=480),
            ("portals.session_hours", u32::from(self.session_hours), 1..=24),
            ("portals.sessions_of_person", self.sessions_of_person, 1..=100),
            ("portals.provider_session_minutes", u32::from(self.provider_session_minutes), 5..=1440),
        ] {
            if !bounds.contains(&value) {
                return Err((key, format!("must be {} to {}", bounds.start(), bounds.end())));
            }
        }
        let portals: Vec<Portal> = self.each().map(|(portal, _)| portal).collect();
        providers::check(&self.providers, &portals)
    }

    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let portal = |portal: &Option<PortalConfig>| {
            let PortalConfig { origin, listen } = portal.as_ref()?;
            Some(format!("{{ origin = {}, listen = {} }}", quoted(origin), quoted(&listen.to_string())))
        };
        let providers: Vec<String> = self.providers.iter().map(ProviderConfig::to_toml).collect();
        vec![
            ("secret", self.secret.as_ref().map(|file| quoted(&file.display().to_string()))),
            ("internal", portal(&self.internal)),
            ("external", portal(&self.external)),
            ("internal_idle_minutes", Some(self.internal_idle_minutes.to_string())),
            ("external_idle_minutes", Some(self.external_idle_minutes.to_string())),
            ("session_hours", Some(self.session_hours.to_string())),
            ("sessions_of_person", Some(self.sessions_of_person.to_string())),
            ("provider_session_minutes", Some(self.provider_session_minutes.to_string())),
            ("providers", Some(format!("[{}]", providers.join(", ")))),
            ("enrol_applicants", Some(self.enrol_applicants.to_string())),
        ]
    }
}

/// The host of an origin that is written as browsers write it (RFC 6454, 6.2).
fn host_of(origin: &str) -> Option<String> {
    let url = reqwest::Url::parse(origin).ok().filter(|url| url.scheme() == "https")?;
    (url.origin().ascii_serialization() == origin).then(|| url.host_str().map(str::to_owned))?
}
