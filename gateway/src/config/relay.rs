//! `[relay]`: other nodes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{KeyPairFiles, quoted};

/// Most peers: each has loops of its own. A country has some two dozen regions.
const PEERS: usize = 64;

/// How the node reaches other nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelayConfig {
    /// Key and certificate with which it logs in at other nodes (a TLS client certificate). Needed where there are peers, here or over the API.
    pub login: Option<KeyPairFiles>,
    /// Hours after which a message that cannot be relayed is given up (B.3), 1 to 720. Smaller: a weekend's outage loses messages.
    /// Larger: senders learn later that nothing arrives.
    pub give_up_hours: u16,
    /// Messages that travel to one peer at a time, 1 to 32. Larger: more memory and more of the line.
    pub at_once: u8,
    /// The other nodes that nobody changes over the API. They outweigh what operators state there.
    pub peers: Vec<PeerConfig>,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self { login: None, give_up_hours: 72, at_once: 4, peers: Vec::new() }
    }
}

/// Another node. Which participants are there, the registry says (`node` of a participant).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// Its `node.name`. Another name than that in its evidence: nothing of it is believed.
    pub name: String,
    /// Its public address: `https://host[:port]`.
    pub url: String,
    /// PEM certificates of the authorities that its TLS certificate leads to, or that certificate's issuer alone. Too many: others
    /// can stand in its place and see who writes to whom; they can open nothing.
    pub authorities: PathBuf,
    /// PEM certificate with which it logs in here. Another's: that one speaks in its name, as far as it can sign its evidence.
    pub login: PathBuf,
    /// PEM certificate that its evidence verifies under.
    pub evidence: PathBuf,
}

impl PeerConfig {
    pub(super) fn paths(&mut self) -> [&mut PathBuf; 3] {
        [&mut self.authorities, &mut self.login, &mut self.evidence]
    }

    /// An inline table.
    fn to_toml(&self) -> String {
        let path = |path: &Path| quoted(&path.display().to_string());
        format!(
            "{{ name = {}, url = {}, authorities = {}, login = {}, evidence = {} }}",
            quoted(&self.name),
            quoted(&self.url),
            path(&self.authorities),
            path(&self.login),
            path(&self.evidence),
        )
    }
}

impl RelayConfig {
    /// Keys with their values.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: &Path| quoted(&path.display().to_string());
        let login = |files: &KeyPairFiles| {
            format!("{{ certificate = {}, key = {} }}", path(&files.certificate), path(&files.key))
        };
        let peers: Vec<String> = self.peers.iter().map(PeerConfig::to_toml).collect();
        vec![
            ("login", self.login.as_ref().map(login)),
            ("give_up_hours", Some(self.give_up_hours.to_string())),
            ("at_once", Some(self.at_once.to_string())),
            ("peers", Some(format!("[{}]", peers.join(", ")))),
        ]
    }

    pub(super) fn check(&self, own: &str) -> Result<(), (&'static str, String)> {
        if !(1..=720).contains(&self.give_up_hours) {
            return Err(("relay.give_up_hours", "must be 1 to 720".to_owned()));
        }
        if !(1..=32).contains(&self.at_once) {
            return Err(("relay.at_once", "must be 1 to 32".to_owned()));
        }
        if self.peers.len() > PEERS {
            return Err(("relay.peers", format!("at most {PEERS}")));
        }
        if !self.peers.is_empty() && self.login.is_none() {
            return Err(("relay.login", "must be there, since there are peers".to_owned()));
        }
        let mut names = BTreeSet::from([own]);
        for peer in &self.peers {
            let name = &peer.name;
            let plain = (1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
            if !plain || !names.insert(name) {
                let problem =
                    format!("name {name:?} must be 1 to 128 visible ASCII characters without '+', of one node");
                return Err(("relay.peers", problem));
            }
            if !is_origin(&peer.url) {
                return Err(("relay.peers", format!("url {:?} is not of the form https://host[:port]", peer.url)));
            }
        }
        Ok(())
    }
}

fn is_origin(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        url.scheme() == "https" && url.has_host() && bare && url.username().is_empty() && url.password().is_none()
    })
}
