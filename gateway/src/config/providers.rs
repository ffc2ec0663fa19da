//! Identity providers: `[[portals.providers]]`, or `providers = [{ ... }]` under `[portals]`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use access::openid::address::HttpsAddress;
use access::openid::keys::TokenAlgorithm;
use schemas::access::Portal;
use serde::{Deserialize, Serialize};

use super::quoted;

/// Most providers: each is a door.
const PROVIDERS: usize = 16;

/// Longest time since a person was authenticated that can be demanded, in seconds: a day.
const MAX_AGE: u32 = 86_400;

/// An identity provider that speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// What it is called in addresses, sessions and the log: 1 to 32 of a-z, 0-9 and `-`. Part of the address that the provider sends browsers
    /// back to: changed, it has to be registered there anew, and its sessions end.
    pub name: String,
    /// The portals whose people it may vouch for. Officials too, only where this says so.
    #[serde(default = "of_applicants")]
    pub portals: Vec<Portal>,
    /// Its issuer, character for character as it names itself; the description lies below it at `.well-known/openid-configuration`.
    pub issuer: String,
    /// Hosts beside the issuer's that its endpoints are at, `host` or `host:port`. An endpoint elsewhere is not asked.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// PEM certificates of the authorities that its TLS certificates lead to. Too many: others can stand in its place and say who somebody is.
    pub tls_roots: PathBuf,
    /// What the node is called there.
    pub client_id: String,
    /// File with the secret that the node shows there (`client_secret_basic`), readable by the node's user only.
    #[serde(default)]
    pub client_secret: Option<PathBuf>,
    /// Or the key that it signs with there (`private_key_jwt`): PKCS#8 PEM, readable by the node's user only.
    #[serde(default)]
    pub client_key: Option<PathBuf>,
    /// What that key is called there.
    #[serde(default)]
    pub client_key_id: Option<String>,
    /// Algorithms of its ID tokens that are believed.
    #[serde(default = "elliptic")]
    pub algorithms: Vec<TokenAlgorithm>,
    /// What is asked for; `openid` among it.
    #[serde(default = "openid_alone")]
    pub scopes: Vec<String>,
    /// Which claims carry numbers.
    #[serde(default)]
    pub claims: ClaimsConfig,
    /// Whether the claims are asked for at its user-info endpoint; otherwise they stand in the ID token.
    #[serde(default)]
    pub user_info: bool,
    /// Values of `acr` that are enough. Empty: however the provider knows its people, also by a password alone.
    #[serde(default)]
    pub assurance: Vec<String>,
    /// Seconds since the person was authenticated there, at most. Without it whoever sits down at a browser that is logged in there comes in
    /// here.
    #[serde(default)]
    pub max_age_seconds: Option<u32>,
}

/// Names of claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimsConfig {
    /// Of РНОКПП.
    pub rnokpp: String,
    /// Of УНЗР.
    pub unzr: String,
    /// Of the organisation's ЄДРПОУ.
    pub edrpou: String,
}

impl Default for ClaimsConfig {
    fn default() -> Self {
        let access::openid::claims::ClaimNames { rnokpp, unzr, edrpou } = Default::default();
        Self { rnokpp, unzr, edrpou }
    }
}

fn of_applicants() -> Vec<Portal> {
    vec![Portal::External]
}

fn elliptic() -> Vec<TokenAlgorithm> {
    vec![TokenAlgorithm::Es256]
}

fn openid_alone() -> Vec<String> {
    vec!["openid".to_owned()]
}

impl ProviderConfig {
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.tls_roots).chain(&mut self.client_secret).chain(&mut self.client_key)
    }

    /// What is wrong with it, if anything. `portals`: those that there are.
    fn problem(&self, portals: &[Portal]) -> Option<String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let visible = |text: &String| (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let scope = |text: &String| visible(text) && !text.contains(['"', '\\']);
        let host = |text: &String| {
            let address = HttpsAddress::parse(&format!("https://{text}"));
            address.is_some_and(|address| address.as_str().len() == text.len() + 8 && !text.contains(['/', '?']))
        };
        let claims = [&self.claims.rnokpp, &self.claims.unzr, &self.claims.edrpou];
        let problem = if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            "must be 1 to 32 of a-z, 0-9 and '-'"
        } else if self.portals.is_empty() || self.portals.iter().any(|portal| !portals.contains(portal)) {
            "portals: must name portals that there are"
        } else if HttpsAddress::parse(&self.issuer).is_none() || self.issuer.contains('?') {
            "issuer: must be an https address in lower case, without query and fragment"
        } else if !self.hosts.iter().all(host) {
            "hosts: must be host or host:port, in lower case (no scheme, no path)"
        } else if !visible(&self.client_id) {
            "client_id: must be 1 to 256 visible ASCII characters"
        } else if self.client_secret.is_some() == self.client_key.is_some() {
            "client_secret or client_key: one of the two, and not both"
        } else if self.client_key_id.as_ref().is_some_and(|id| !visible(id)) {
            "client_key_id: must be 1 to 256 visible ASCII characters"
        } else if self.algorithms.is_empty() {
            "algorithms: at least one"
        } else if !self.scopes.iter().all(scope) || !self.scopes.iter().any(|scope| scope == "openid") {
            "scopes: must have openid among them, and no spaces"
        } else if !claims.into_iter().all(visible) {
            "claims: must be names"
        } else if !self.assurance.iter().all(visible) {
            "assurance: must be values without spaces"
        } else if self.max_age_seconds.is_some_and(|seconds| seconds > MAX_AGE) {
            "max_age_seconds: at most 86400"
        } else {
            return None;
        };
        Some(format!("provider {:?}: {problem}", self.name))
    }

    /// An inline table.
    pub(super) fn to_toml(&self) -> String {
        let path = |path: &PathBuf| quoted(&path.display().to_string());
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        let texts = |texts: &[String]| list(texts.iter().map(|text| quoted(text)).collect());
        let ClaimsConfig { rnokpp, unzr, edrpou } = &self.claims;
        let claims = format!("{{ rnokpp = {}, unzr = {}, edrpou = {} }}", quoted(rnokpp), quoted(unzr), quoted(edrpou));
        let keys = [
            ("name", Some(quoted(&self.name))),
            ("portals", Some(list(self.portals.iter().map(|portal| quoted(portal.as_str())).collect()))),
            ("issuer", Some(quoted(&self.issuer))),
            ("hosts", Some(texts(&self.hosts))),
            ("tls_roots", Some(path(&self.tls_roots))),
            ("client_id", Some(quoted(&self.client_id))),
            ("client_secret", self.client_secret.as_ref().map(path)),
            ("client_key", self.client_key.as_ref().map(path)),
            ("client_key_id", self.client_key_id.as_deref().map(quoted)),
            ("algorithms", Some(list(self.algorithms.iter().map(|name| quoted(name.as_str())).collect()))),
            ("scopes", Some(texts(&self.scopes))),
            ("claims", Some(claims)),
            ("user_info", Some(self.user_info.to_string())),
            ("assurance", Some(texts(&self.assurance))),
            ("max_age_seconds", self.max_age_seconds.map(|seconds| seconds.to_string())),
        ];
        let keys: Vec<String> =
            keys.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}", value?))).collect();
        format!("{{ {} }}", keys.join(", "))
    }
}

/// Bounds on all of them.
pub(super) fn check(providers: &[ProviderConfig], portals: &[Portal]) -> Result<(), (&'static str, String)> {
    let wrong = |problem: String| Err(("portals.providers", problem));
    if providers.len() > PROVIDERS {
        return wrong(format!("at most {PROVIDERS}"));
    }
    let mut names = BTreeSet::new();
    for provider in providers {
        if let Some(problem) = provider.problem(portals) {
            return wrong(problem);
        }
        if !names.insert(&provider.name) {
            return wrong(format!("provider {:?}: named twice", provider.name));
        }
    }
    Ok(())
}
