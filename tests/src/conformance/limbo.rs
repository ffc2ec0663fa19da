//! x509-limbo (C2SP): path validation of TLS peers, in the suite's own JSON.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::path::{self, Budget, IssuerRules, Requirements, ServerName, VerifiedPath};
use certs::revocation::{Crl, RevocationData, Status, path_status};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Outcome, PATHS, disagreement};

#[derive(Deserialize)]
struct Suite {
    testcases: Vec<Case>,
}

/// A case, as far as we look at it (`limbo-schema.json`).
#[derive(Deserialize)]
struct Case {
    id: String,
    validation_kind: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<PeerName>,
    max_chain_depth: Option<u32>,
    #[serde(default)]
    crls: Vec<String>,
}

#[derive(Deserialize)]
struct PeerName {
    kind: String,
    value: String,
}

/// Runs every case of the suite at `file`.
///
/// # Errors
/// Why the file cannot be read.
pub fn run(file: &Path) -> Result<Outcome, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let suite: Suite = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut outcome = Outcome::new("limbo", PATHS);
    for case in &suite.testcases {
        outcome.count(&case.id, disagreement(judge(case), case.expected_result == "SUCCESS"));
    }
    Ok(outcome)
}

fn judge(case: &Case) -> Result<(), String> {
    let leaf = certificate(&case.peer_certificate)?;
    let anchors = case.trusted_certs.iter().map(|pem| certificate(pem)).collect::<Result<Vec<_>, _>>()?;
    let pool = case.untrusted_intermediates.iter().map(|pem| certificate(pem)).collect::<Result<Vec<_>, _>>()?;
    let at = match &case.validation_time {
        Some(text) => OffsetDateTime::parse(text, &Rfc3339).map_err(|error| error.to_string())?,
        None => OffsetDateTime::now_utc(),
    };
    let purpose = if case.validation_kind == "SERVER" { Purpose::TlsServer } else { Purpose::TlsClient };
    let anchors = anchors.into_iter().map(|certificate| TrustAnchor { certificate, purposes: vec![purpose] });
    let trust = TrustSnapshot::new(anchors.collect(), Vec::new(), at);
    let requirements = Requirements {
        intermediates: case.max_chain_depth,
        rules: rules(&case.id),
        server: server(case)?,
        ..Requirements::default()
    };
    let path = path::verify_with(&leaf, &pool, &trust, purpose, at, &requirements, &mut Budget::default());
    revocation(case, &path.map_err(|failure| failure.to_string())?, at)
}

/// The groups `webpki` and `online` follow the Baseline Requirements, the others RFC 5280.
fn rules(id: &str) -> IssuerRules {
    match id.split("::").next() {
        Some("webpki" | "online") => IssuerRules::Web,
        _ => IssuerRules::Rfc5280,
    }
}

/// Servers are asked for by name; clients are named by what verifies them.
fn server(case: &Case) -> Result<Option<ServerName>, String> {
    match &case.expected_peer_name {
        Some(name) if case.validation_kind == "SERVER" && matches!(name.kind.as_str(), "DNS" | "IP") => {
            ServerName::parse(&name.value).map(Some).ok_or_else(|| format!("no server name: {}", name.value))
        }
        _ => Ok(None),
    }
}

/// Where a case brings lists, every certificate below the anchor must be good by them.
fn revocation(case: &Case, path: &VerifiedPath, at: OffsetDateTime) -> Result<(), String> {
    if case.crls.is_empty() {
        return Ok(());
    }
    let crls = case.crls.iter().map(|pem| list(pem)).collect::<Result<Vec<_>, _>>()?;
    for crl in &crls {
        crl.check_issuer_rules().map_err(|error| error.to_string())?;
    }
    let data = RevocationData { ocsp: Vec::new(), crls };
    match path_status(path, &data, at).into_iter().find(|status| !matches!(status, Status::Good { .. })) {
        None => Ok(()),
        Some(status) => Err(format!("{status:?}")),
    }
}

fn certificate(pem: &str) -> Result<Certificate, String> {
    let mut found = Certificate::from_pem(pem).map_err(|error| error.to_string())?;
    found.pop().filter(|_| found.is_empty()).ok_or_else(|| "not one certificate".to_owned())
}

fn list(pem: &str) -> Result<Crl, String> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).map_err(|error| error.to_string())?;
    Crl::from_der(&der).map_err(|error| error.to_string())
}
