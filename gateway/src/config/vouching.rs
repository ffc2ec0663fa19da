//! `[log.witnesses]` and `[log.anchors]`: who vouches for the log.

use std::path::{Path, PathBuf};

use crypto::merkle::{CosignatureVerifier, Policy};
use serde::{Deserialize, Serialize};

use super::quoted;

/// Most witnesses: each is asked about every head. tlog-policy wants 32 to be supported.
const WITNESSES: usize = 64;

/// Bytes of a file of a policy.
const POLICY_BYTES: u64 = 1 << 20;

/// Who cosigns the log's checkpoints (C2SP tlog-witness), how often they are asked, and what happens when they do not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WitnessesConfig {
    /// A file of C2SP tlog-policy with the address of each witness, instead of `quorum` and `list`.
    pub policy: Option<PathBuf>,
    /// How many of the list must cosign a head before it is published as the witnessed one. 1: whoever holds that one key can vouch for a fork.
    /// All: one outage ends the progress.
    pub quorum: u16,
    /// The witnesses. Empty, and without a policy: nobody outside vouches for the log.
    pub list: Vec<WitnessConfig>,
    /// PEM certificates of authorities for TLS servers, where an address is `https`. Cosignatures are signed: a false server can withhold one, not forge it.
    pub tls_roots: Option<PathBuf>,
    /// Seconds between two questions to a witness, 1 to 3600. Larger: heads are witnessed later. Smaller: more work for the witnesses.
    pub interval_seconds: u16,
    /// Seconds for one question, 1 to 120. Smaller: slow witnesses count as down.
    pub timeout_seconds: u16,
    /// Minutes for which an event may be under no witnessed head before that is an alarm, 1 to 10080.
    pub alarm_minutes: u16,
    /// Hours after which the node refuses deeds (`node.log_unwitnessed`) until a quorum cosigns again, 1 to 8760. Without it, it never does.
    pub stop_after_hours: Option<u16>,
}

impl Default for WitnessesConfig {
    fn default() -> Self {
        Self {
            policy: None,
            quorum: 1,
            list: Vec::new(),
            tls_roots: None,
            interval_seconds: 1,
            timeout_seconds: 10,
            alarm_minutes: 15,
            stop_after_hours: None,
        }
    }
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Where it takes checkpoints: `/add-checkpoint` comes behind it.
    pub url: String,
    /// Its verifier key, as `vuzol witness show-key` prints it.
    pub key: String,
}

/// Time-stamps over the log's checkpoints (RFC 3161).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnchorsConfig {
    /// Address of the authority, plain HTTP as RFC 3161 has it. `trust.timestamping` must believe it. Without it nothing is time-stamped.
    pub authority: Option<String>,
    /// Minutes between two time-stamps, 1 to 1440. Larger: the time of an entry is bounded less tightly.
    pub minutes: u16,
    /// Minutes for which an event may be under no time-stamp before that is an alarm: more than `minutes`, 10080 at most.
    pub alarm_minutes: u16,
}

impl Default for AnchorsConfig {
    fn default() -> Self {
        Self { authority: None, minutes: 10, alarm_minutes: 60 }
    }
}

impl WitnessesConfig {
    /// Whether anybody is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.policy.is_none() && self.list.is_empty()
    }

    /// By which policy; none where nobody is asked.
    ///
    /// # Errors
    /// What is wrong with the file or the list.
    pub(crate) fn policy(&self) -> Result<Option<Policy>, String> {
        let text = match &self.policy {
            Some(file) => read_policy(file)?,
            None if self.list.is_empty() => return Ok(None),
            None => self.listed().into_bytes(),
        };
        Policy::parse(&text).map(Some).map_err(|error| error.to_string())
    }

    /// The list as a policy.
    fn listed(&self) -> String {
        let named = |(number, witness): (usize, &WitnessConfig)| {
            (format!("witness w{number} {} {}\n", witness.key, witness.url), format!(" w{number}"))
        };
        let (lines, names): (String, String) = self.list.iter().enumerate().map(named).unzip();
        format!("{lines}group quorum {}{names}\nquorum quorum\n", self.quorum)
    }

    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.policy.iter_mut().chain(&mut self.tls_roots)
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.policy.is_some() && !self.list.is_empty() {
            return Err(("log.witnesses.policy", "stands instead of the list, not beside it".to_owned()));
        }
        if self.list.len() > WITNESSES {
            return Err(("log.witnesses.list", format!("at most {WITNESSES}")));
        }
        for witness in &self.list {
            CosignatureVerifier::from_vkey(&witness.key).map_err(|_| {
                ("log.witnesses.list", format!("key {:?} is not the verifier key of a witness", witness.key))
            })?;
            if !is_prefix(&witness.url) {
                let problem = format!("url {:?} is not of the form http[s]://host[:port][/path]", witness.url);
                return Err(("log.witnesses.list", problem));
            }
            if witness.url.starts_with("https:") && self.tls_roots.is_none() {
                return Err(("log.witnesses.tls_roots", format!("must be there, since {} is https", witness.url)));
            }
        }
        if !self.list.is_empty() && !(1..=self.list.len()).contains(&usize::from(self.quorum)) {
            return Err(("log.witnesses.quorum", format!("must be 1 to {}, as many as are listed", self.list.len())));
        }
        if !self.list.is_empty() {
            self.policy().map_err(|error| ("log.witnesses.list", format!("as a policy: {error}")))?;
        }
        let bounds = [
            ("log.witnesses.interval_seconds", self.interval_seconds, 3600),
            ("log.witnesses.timeout_seconds", self.timeout_seconds, 120),
            ("log.witnesses.alarm_minutes", self.alarm_minutes, 10_080),
            ("log.witnesses.stop_after_hours", self.stop_after_hours.unwrap_or(1), 8760),
        ];
        for (key, value, most) in bounds {
            if !(1..=most).contains(&value) {
                return Err((key, format!("must be 1 to {most}")));
            }
        }
        if self.stop_after_hours.is_some() && self.is_empty() {
            return Err(("log.witnesses.stop_after_hours", "would stop a node for good that asks nobody".to_owned()));
        }
        Ok(())
    }

    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: &Path| quoted(&path.display().to_string());
        let list =
            |witness: &WitnessConfig| format!("{{ url = {}, key = {} }}", quoted(&witness.url), quoted(&witness.key));
        let list: Vec<String> = self.list.iter().map(list).collect();
        vec![
            ("policy", self.policy.as_deref().map(path)),
            ("quorum", Some(self.quorum.to_string())),
            ("list", Some(format!("[{}]", list.join(", ")))),
            ("tls_roots", self.tls_roots.as_deref().map(path)),
            ("interval_seconds", Some(self.interval_seconds.to_string())),
            ("timeout_seconds", Some(self.timeout_seconds.to_string())),
            ("alarm_minutes", Some(self.alarm_minutes.to_string())),
            ("stop_after_hours", self.stop_after_hours.map(|hours| hours.to_string())),
        ]
    }
}

impl AnchorsConfig {
    /// `host:port` of the authority.
    pub(crate) fn host(&self) -> Option<String> {
        let url = reqwest::Url::parse(self.authority.as_deref()?).ok()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some(authority) = &self.authority
            && !(authority.starts_with("http:") && is_prefix(authority))
        {
            let problem = format!("{authority:?} is not of the form http://host[:port][/path]");
            return Err(("log.anchors.authority", problem));
        }
        if !(1..=1440).contains(&self.minutes) {
            return Err(("log.anchors.minutes", "must be 1 to 1440".to_owned()));
        }
        if !(self.minutes.saturating_add(1)..=10_080).contains(&self.alarm_minutes) {
            return Err(("log.anchors.alarm_minutes", "must be more than minutes, and 10080 at most".to_owned()));
        }
        Ok(())
    }

    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("authority", self.authority.as_deref().map(quoted)),
            ("minutes", Some(self.minutes.to_string())),
            ("alarm_minutes", Some(self.alarm_minutes.to_string())),
        ]
    }
}

fn read_policy(file: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut text = Vec::new();
    let opened = std::fs::File::open(file).and_then(|file| file.take(POLICY_BYTES + 1).read_to_end(&mut text));
    opened.map_err(|error| error.to_string())?;
    Ok(text)
}

/// An address that something comes behind: no white space (a policy parts words by it), no credentials, no query.
pub(crate) fn is_prefix(text: &str) -> bool {
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    plain
        && reqwest::Url::parse(text).is_ok_and(|url| {
            let bare = url.query().is_none() && url.fragment().is_none();
            let nobody = url.username().is_empty() && url.password().is_none();
            matches!(url.scheme(), "http" | "https") && url.has_host() && bare && nobody
        })
}
