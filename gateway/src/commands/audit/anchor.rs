//! Time-stamps over checkpoints, as files of a log.

use std::path::{Path, PathBuf};

use audit::verify::{AnchorFault, Anchors, Stamped};
use certs::revocation::RevocationData;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{Digest, DigestAlgorithm, sha256};
use signing::validate::{Context, Policy, UnverifiedTimestamp};
use storage::Clock as _;
use storage::clock::SystemClock;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::Failure;
use super::super::anchors::{self, Belief};
use super::super::files::{read, unreadable};
use super::super::terminal::{Language, printable};

/// A time-stamp every minute for a century has fewer.
const FILES: usize = 1 << 20;

/// A token with its name, size of the checkpoint, and what it says.
pub(super) struct Token {
    name: String,
    size: u64,
    bytes: Vec<u8>,
    at: OffsetDateTime,
    imprint: [u8; 32],
}

/// Every `<size>.tsr` of a folder; none where there is no folder.
pub(super) fn read_all(folder: &Path) -> Result<Vec<Token>, Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut files: Vec<(u64, PathBuf)> = Vec::new();
    for entry in entries.take(FILES) {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".tsr"));
        if let Some(size) = name.and_then(|name| name.parse().ok()) {
            files.push((size, path));
        }
    }
    files.sort();
    files.into_iter().map(|(size, path)| Token::read(size, &path)).collect()
}

impl Token {
    fn read(size: u64, path: &Path) -> Result<Self, Failure> {
        let bytes = read(path, audit::anchors::TOKEN_BYTES as u64)?;
        let token = UnverifiedTimestamp::read(&bytes).map_err(|error| unreadable(path, error))?;
        let info = token.info();
        let sha256 = info.imprint_oid == DigestAlgorithm::Sha256.oid();
        let imprint = <[u8; 32]>::try_from(info.imprint.as_slice()).ok().filter(|_| sha256);
        let imprint = imprint.ok_or_else(|| unreadable(path, "is not over a SHA-256"))?;
        let at = info.gen_time;
        let name = format!("{size}.tsr");
        Ok(Self { name, size, bytes, at, imprint })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn stamped(&self) -> Stamped {
        Stamped { name: self.name.clone(), size: self.size, imprint: self.imprint, digest: sha256(&self.bytes) }
    }

    /// Whether its signature verifies; with a folder, whether its signer is one of the authorities there, now or at the time of the token: a certificate
    /// that has expired since was good then. The inner error says why not.
    pub(super) fn check(&self, believed: Option<&Path>) -> Result<Result<(), String>, Failure> {
        let token = match UnverifiedTimestamp::read(&self.bytes) {
            Ok(token) => token,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let now = self.at.max(SystemClock.now());
        match believed {
            Some(_) if self.check_at(&token, believed, now)?.is_ok() => Ok(Ok(())),
            _ => self.check_at(&token, believed, self.at),
        }
    }

    fn check_at(
        &self,
        token: &UnverifiedTimestamp<'_>,
        believed: Option<&Path>,
        at: OffsetDateTime,
    ) -> Result<Result<(), String>, Failure> {
        let belief = match (believed, token.signing_certificate()) {
            (Some(folder), _) => anchors::load(Some(folder), at)?,
            (None, Some(own)) => {
                let anchor = TrustAnchor { certificate: own.clone(), purposes: vec![Purpose::TimeStamping] };
                let trust = TrustSnapshot::new(vec![anchor], Vec::new(), at);
                Belief { trust, revocation: RevocationData::default() }
            }
            (None, None) => return Ok(Err("it does not bring its authority's certificate".to_owned())),
        };
        let policy = Policy::default();
        let context = Context { trust: &belief.trust, revocation: &belief.revocation, at, policy: &policy };
        let Some(imprint) = Digest::new(DigestAlgorithm::Sha256, &self.imprint) else {
            return Ok(Err("it is not over a SHA-256".to_owned()));
        };
        Ok(token.validate(&imprint, &context).map(drop).map_err(|error| error.to_string()))
    }
}

/// Lines for people.
pub(super) fn shown(anchors: &Anchors, tokens: &[Token], language: Language) -> String {
    if anchors.named == 0 && tokens.is_empty() {
        return String::new();
    }
    let (named, fit, unnamed) = (anchors.named, anchors.fit.len(), anchors.unnamed.len());
    let mut text = match language {
        Language::English => {
            format!("Time-stamps: the log names {named}, at hand and right {fit}, at hand and not named {unnamed}\n")
        }
        Language::Ukrainian => format!(
            "Позначки часу: журнал називає {named}, наявних і правильних {fit}, наявних і не названих {unnamed}\n"
        ),
    };
    if let Some(last) = last(anchors, tokens) {
        let (size, at) = (last.size, rfc3339(last.at));
        text.push_str(&match language {
            Language::English => format!("The first {size} entries were there at {at}\n"),
            Language::Ukrainian => format!("Перші {size} записів існували {at}\n"),
        });
    }
    text
}

pub(super) fn shown_json(anchors: &Anchors, tokens: &[Token]) -> serde_json::Value {
    let last = last(anchors, tokens).map(|last| serde_json::json!({ "size": last.size, "time": rfc3339(last.at) }));
    serde_json::json!({ "named": anchors.named, "fit": anchors.fit, "unnamed": anchors.unnamed, "last": last })
}

/// A token that proves nothing.
pub(super) fn wrong(name: &str, why: &str, language: Language) -> String {
    printable(&match language {
        Language::English => format!("WRONG anchor: the time-stamp {name} does not hold: {why}\n"),
        Language::Ukrainian => format!("ПОМИЛКА anchor: позначка часу {name} не дійсна: {why}\n"),
    })
}

pub(super) fn wrong_json(name: &str, why: &str) -> String {
    let detail = format!("the time-stamp {name} does not hold: {why}");
    let report = serde_json::json!({ "whole": false, "code": "anchor", "first_entry": null, "detail": detail });
    format!("{report}\n")
}

pub(super) fn ukrainian(fault: AnchorFault) -> String {
    match fault {
        AnchorFault::Beyond(size) => format!("засвідчує {size} записів, більше, ніж є в журналі"),
        AnchorFault::Imprint(size) => format!("не над контрольною точкою з {size} записів"),
        AnchorFault::Replaced(index) => format!("не та, яку називає запис {index}"),
    }
}

fn last<'t>(anchors: &Anchors, tokens: &'t [Token]) -> Option<&'t Token> {
    let size = anchors.fit.last()?;
    tokens.iter().find(|token| token.size == *size)
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.unix_timestamp().to_string())
}
