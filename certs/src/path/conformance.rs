//! The public conformance suites for paths, run where the environment names their folder (`VUZOL_CORPORA`): NIST PKITS and
//! x509-limbo. Every row that disagrees is printed, and must be named here with the reason.
use super::{Budget, PathError, PolicyRequirements, PolicySet, search, validate, verify_with_policies};
use crate::certificate::Certificate;
use crate::revocation::{Crl, RevocationData, Status, path_status, status};
use crate::trust::{Purpose, TrustAnchor, TrustSnapshot};
use std::collections::BTreeSet;
use std::path::PathBuf;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

fn corpus(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("VUZOL_CORPORA").map(|folder| PathBuf::from(folder).join(name));
    if folder.is_none() {
        println!("skipped: VUZOL_CORPORA is not set");
    }
    folder
}

fn trust(anchors: Vec<Certificate>, purpose: Purpose, at: OffsetDateTime) -> TrustSnapshot {
    let anchor = |certificate| TrustAnchor { certificate, purposes: vec![purpose] };
    TrustSnapshot::new(anchors.into_iter().map(anchor).collect(), Vec::new(), at)
}

/// Prints the rows that disagree with the suite, and fails where they are not the ones that are known.
fn judge(suite: &str, rows: usize, disagreeing: &[(String, String)], known: &[(&str, &str)]) {
    println!("{suite}: {} of {rows} rows agree", rows - disagreeing.len());
    for (id, found) in disagreeing {
        let reason = known.iter().find(|(known, _)| known == id).map_or("NOT KNOWN", |(_, reason)| reason);
        println!("  {id}: {found} ({reason})");
    }
    let found: BTreeSet<&str> = disagreeing.iter().map(|(id, _)| id.as_str()).collect();
    let expected: BTreeSet<&str> = known.iter().map(|(id, _)| *id).collect();
    assert_eq!(found, expected, "{suite}: the rows that disagree are others than the known ones");
}

const INDIRECT: &str = "indirect lists are not used: the status is unknown";

const PKITS_KNOWN: [(&str, &str); 8] = [
    ("Section4ValidSeparateCertificateandCRLKeysTest19", "a key for lists only is not looked for beside the path"),
    ("Section5ValidBasicSelfIssuedNewWithOldTest4", "a key for lists only is not looked for beside the path"),
    ("Section14ValidonlySomeReasonsTest18", "lists of some reasons are not put together"),
    ("Section14ValidIDPwithindirectCRLTest22", INDIRECT),
    ("Section14ValidIDPwithindirectCRLTest24", INDIRECT),
    ("Section14ValidcRLIssuerTest30", INDIRECT),
    ("Section14ValidcRLIssuerTest33", INDIRECT),
    ("Section15ValiddeltaCRLTest5", "delta lists are not used: a hold that one lifts still counts"),
];

/// A row is valid when a path is found and every certificate below the anchor is good by a list that is current.
#[test]
fn pkits() {
    let Some(folder) = corpus("pkits") else { return };
    let table = std::fs::read_to_string(folder.join("cases.csv")).unwrap();
    let mut disagreeing = Vec::new();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    for row in &rows {
        let [id, _, _, certificates, lists, accepted, explicit, mapping, any, at, should_validate, expected] = row[..]
        else {
            panic!("a row of {} columns", row.len());
        };
        let read =
            |folder: PathBuf, name: &str, suffix: &str| std::fs::read(folder.join(format!("{name}.{suffix}"))).unwrap();
        let chain: Vec<_> = certificates
            .split(';')
            .map(|name| Certificate::from_der(&read(folder.join("certs"), name, "crt")).unwrap())
            .collect();
        let crls = lists.split(';').filter(|name| !name.is_empty());
        let crls = crls.map(|name| Crl::from_der(&read(folder.join("crls"), name, "crl")).unwrap()).collect();
        let data = RevocationData { ocsp: Vec::new(), crls };
        let at = OffsetDateTime::parse(at, &Rfc3339).unwrap();
        let accepted: BTreeSet<_> = accepted.split(' ').map(policy).collect();
        let requirements = PolicyRequirements {
            accepted: (!accepted.contains(ANY_POLICY)).then_some(accepted),
            explicit: explicit == "true",
            inhibit_mapping: mapping == "true",
            inhibit_any: any == "true",
        };
        let snapshot = trust(vec![chain[0].clone()], Purpose::Signing, at);
        let found = verify_with_policies(
            &chain[chain.len() - 1],
            &chain[1..chain.len() - 1],
            &snapshot,
            Purpose::Signing,
            at,
            &requirements,
            &mut Budget::default(),
        );
        let verdict = match &found {
            Err(error) => Err(error.to_string()),
            Ok(path) => {
                let statuses = path_status(path, &data, at);
                let bad = statuses.into_iter().find(|status| {
                    !matches!(status, Status::Good { next_update, .. } if next_update.is_none_or(|next| at <= next))
                });
                bad.map_or(Ok(path.policies()), |status| Err(format!("{status:?}")))
            }
        };
        let expected: BTreeSet<_> = expected.split(' ').filter(|name| !name.is_empty()).map(policy).collect();
        let expected = if expected.contains(ANY_POLICY) { PolicySet::Any } else { PolicySet::These(expected) };
        match (&verdict, should_validate == "true") {
            (Ok(policies), true) if **policies == expected => {}
            (Ok(policies), true) => {
                disagreeing.push((id.to_owned(), format!("policies {policies:?}, expected {expected:?}")))
            }
            (Err(_), false) => {}
            (Err(reason), true) => disagreeing.push((id.to_owned(), format!("refused: {reason}"))),
            (Ok(_), false) => disagreeing.push((id.to_owned(), "accepted".to_owned())),
        }
    }
    judge("PKITS", rows.len(), &disagreeing, &PKITS_KNOWN);
}

const ANY_POLICY: &str = "2.5.29.32.0";

fn policy(name: &str) -> String {
    match name.strip_prefix("NIST-test-policy-") {
        Some(number) => format!("2.16.840.1.101.3.2.1.48.{number}"),
        None => ANY_POLICY.to_owned(),
    }
}

const ISSUERS_DUTY: &str = "demanded of issuers, says nothing about whom to believe";
const HOST_NAME: &str = "host names are matched by the TLS library";
const WEB: &str = "a rule of the web's authorities for TLS servers";

const LIMBO_KNOWN: [(&str, &str); 28] = [
    ("rfc5280::aki::leaf-missing-aki", ISSUERS_DUTY),
    ("rfc5280::aki::intermediate-missing-aki", ISSUERS_DUTY),
    ("rfc5280::ski::intermediate-missing-ski", ISSUERS_DUTY),
    ("rfc5280::root-non-critical-basic-constraints", ISSUERS_DUTY),
    ("rfc5280::serial::negative", "PKITS 4.4.14 demands the opposite, and such certificates exist"),
    ("rfc5280::san::underscore-dns", "such host names exist"),
    ("rfc5280::san::ip-in-dns", HOST_NAME),
    ("webpki::aki::root-with-aki-missing-keyidentifier", WEB),
    ("webpki::aki::root-with-aki-authoritycertissuer", WEB),
    ("webpki::aki::root-with-aki-authoritycertserialnumber", WEB),
    ("webpki::aki::root-with-aki-all-fields", WEB),
    ("webpki::aki::root-with-aki-ski-mismatch", WEB),
    ("webpki::cn::ipv4-hex-mismatch", HOST_NAME),
    ("webpki::cn::ipv4-leading-zeros-mismatch", HOST_NAME),
    ("webpki::cn::ipv6-uncompressed-mismatch", HOST_NAME),
    ("webpki::cn::ipv6-non-rfc5952-mismatch", HOST_NAME),
    ("webpki::cn::punycode-not-in-san", HOST_NAME),
    ("webpki::cn::not-in-san", HOST_NAME),
    ("webpki::san::mismatch-subdomain-san", HOST_NAME),
    ("webpki::san::mismatch-apex-subdomain-san", HOST_NAME),
    ("webpki::san::public-suffix-wildcard-san", HOST_NAME),
    ("webpki::san::public-suffix-multi-label-wildcard-san", HOST_NAME),
    ("webpki::san::wildcard-embedded-leftmost-san", HOST_NAME),
    ("webpki::san::no-san", HOST_NAME),
    ("webpki::forbidden-dsa-leaf", WEB),
    ("webpki::forbidden-weak-rsa-key-in-root", "key sizes are the policy of the caller"),
    ("webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf", WEB),
    ("webpki::ee-basicconstraints-ca", WEB),
];

/// Servers are judged with a rule of their own, since the product leaves TLS servers to the TLS library.
fn server(leaf: &Certificate) -> Result<(), PathError> {
    let fits = leaf.extended_key_usage().is_none_or(|list| list.iter().any(|purpose| purpose == "1.3.6.1.5.5.7.3.1"));
    if fits { Ok(()) } else { Err(PathError::ExtendedKeyUsage { subject: leaf.subject() }) }
}

#[test]
fn limbo() {
    let Some(folder) = corpus("path-limbo") else { return };
    let text = std::fs::read_to_string(folder.join("limbo.json")).unwrap();
    let suite: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases = suite["testcases"].as_array().unwrap();
    let mut disagreeing = Vec::new();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let verdict = limbo_case(case);
        match (&verdict, case["expected_result"] == "SUCCESS") {
            (Ok(()), true) | (Err(_), false) => {}
            (Err(reason), true) => disagreeing.push((id.to_owned(), format!("refused: {reason}"))),
            (Ok(()), false) => disagreeing.push((id.to_owned(), "accepted".to_owned())),
        }
    }
    judge("x509-limbo", cases.len(), &disagreeing, &LIMBO_KNOWN);
}

fn limbo_case(case: &serde_json::Value) -> Result<(), String> {
    let pem = |value: &serde_json::Value| {
        let certificates = Certificate::from_pem(value.as_str().unwrap());
        certificates.map(|mut list| list.remove(0)).map_err(|error| error.to_string())
    };
    let all = |list: &serde_json::Value| list.as_array().unwrap().iter().map(pem).collect::<Result<Vec<_>, _>>();
    let leaf = pem(&case["peer_certificate"])?;
    let (anchors, pool) = (all(&case["trusted_certs"])?, all(&case["untrusted_intermediates"])?);
    let at = case["validation_time"].as_str().map(|text| OffsetDateTime::parse(text, &Rfc3339).unwrap());
    let at = at.unwrap_or(datetime!(2026-11-23 12:00 UTC));
    let is_server = case["validation_kind"] == "SERVER";
    let mut budget = Budget::default();
    if let Some(depth) = case["max_chain_depth"].as_u64() {
        // The suite does not count self-issued intermediates; no case has more than one.
        budget.path_length = u32::try_from(depth).unwrap() + 3;
    }
    let purpose = Purpose::TlsClient;
    let snapshot = trust(anchors, purpose, at);
    let usage: &dyn Fn(&Certificate) -> Result<(), PathError> =
        if is_server { &server } else { &|leaf| super::usage::check(leaf, purpose) };
    let demands = validate::Demands { at, policies: &PolicyRequirements::default(), usage };
    let (path, _) =
        search::search(&leaf, &pool, &snapshot, purpose, &demands, &mut budget).map_err(|error| error.to_string())?;
    let data = RevocationData { ocsp: Vec::new(), crls: crls(&case["crls"])? };
    if data.crls.is_empty() {
        return Ok(());
    }
    for (child, issuer) in path.iter().zip(path.iter().skip(1)) {
        let status = status(child, issuer, &data, at);
        if !matches!(status, Status::Good { .. }) {
            return Err(format!("{status:?}"));
        }
    }
    Ok(())
}

fn crls(list: &serde_json::Value) -> Result<Vec<Crl>, String> {
    let Some(list) = list.as_array() else { return Ok(Vec::new()) };
    let der = |value: &serde_json::Value| {
        use base64::Engine as _;
        let body: String = value.as_str().unwrap().lines().filter(|line| !line.starts_with('-')).collect();
        base64::engine::general_purpose::STANDARD.decode(body).unwrap()
    };
    list.iter().map(|crl| Crl::from_der(&der(crl)).map_err(|error| error.to_string())).collect()
}
