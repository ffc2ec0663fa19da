//! NIST PKITS: paths, policies and revocation lists.

use std::collections::BTreeSet;
use std::path::Path;

use certs::certificate::Certificate;
use certs::path::{self, Budget, PolicyRequirements, PolicySet, Requirements, VerifiedPath};
use certs::revocation::{Crl, RevocationData, Status, path_status_with};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Outcome, PATHS, disagreement};

/// A row of `cases.csv`, in the order of its columns.
struct Row<'a> {
    id: &'a str,
    number: &'a str,
    certificates: Vec<Certificate>,
    crls: Vec<Crl>,
    policies: PolicyRequirements,
    at: OffsetDateTime,
    should_validate: bool,
    expected: PolicySet,
}

/// Runs every row of `cases.csv` in `folder`. A row is valid when a path is found, every certificate below the anchor is good
/// by a list that is current, and the policies are the expected ones.
///
/// # Errors
/// Why the folder cannot be read.
pub fn run(folder: &Path) -> Result<Outcome, String> {
    let table = folder.join("cases.csv");
    let table = std::fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let mut outcome = Outcome::new("pkits", PATHS);
    for line in table.lines().skip(1) {
        let row = read(line, folder)?;
        let verdict = judge(&row);
        let found = match &verdict {
            Ok(policies) if row.should_validate && is_compared(row.number) && *policies != row.expected => {
                Some(format!("policies {policies:?}, expected {:?}", row.expected))
            }
            _ => disagreement(verdict, row.should_validate),
        };
        outcome.count(row.id, found);
    }
    Ok(outcome)
}

fn read<'a>(line: &'a str, folder: &Path) -> Result<Row<'a>, String> {
    let columns: Vec<&str> = line.split(',').collect();
    let [id, number, _, certificates, lists, accepted, explicit, mapping, any, at, should_validate, expected] =
        columns[..]
    else {
        return Err(format!("a row of {} columns: {line}", columns.len()));
    };
    let file = |kind: &str, name: &str, suffix: &str| {
        let path = folder.join(kind).join(format!("{name}.{suffix}"));
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let certificate = |name| Certificate::from_der(&file("certs", name, "crt")?).map_err(|e| format!("{name}: {e}"));
    let list = |name| Crl::from_der(&file("crls", name, "crl")?).map_err(|e| format!("{name}: {e}"));
    let policies =
        |names: &str| -> BTreeSet<String> { names.split(' ').filter(|name| !name.is_empty()).map(policy).collect() };
    let accepted = policies(accepted);
    let expected = policies(expected);
    Ok(Row {
        id,
        number,
        certificates: certificates.split(';').map(certificate).collect::<Result<_, _>>()?,
        crls: lists.split(';').filter(|name| !name.is_empty()).map(list).collect::<Result<_, _>>()?,
        policies: PolicyRequirements {
            accepted: (!accepted.contains(ANY_POLICY)).then_some(accepted),
            explicit: explicit == "true",
            inhibit_mapping: mapping == "true",
            inhibit_any: any == "true",
        },
        at: OffsetDateTime::parse(at, &Rfc3339).map_err(|error| format!("{id}: {error}"))?,
        should_validate: should_validate == "true",
        expected: if expected.contains(ANY_POLICY) { PolicySet::Any } else { PolicySet::These(expected) },
    })
}

fn judge(row: &Row<'_>) -> Result<PolicySet, String> {
    let [anchor, pool @ .., leaf] = &row.certificates[..] else {
        return Err("a path of less than two certificates".to_owned());
    };
    let anchor = TrustAnchor { certificate: anchor.clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], Vec::new(), row.at);
    let requirements = Requirements { policies: row.policies.clone(), ..Requirements::default() };
    let budget = &mut Budget::default();
    let path = path::verify_with(leaf, pool, &trust, Purpose::Signing, row.at, &requirements, budget)
        .map_err(|failure| failure.to_string())?;
    revocation(row, &path, pool)?;
    Ok(path.policies().clone())
}

fn revocation(row: &Row<'_>, path: &VerifiedPath, pool: &[Certificate]) -> Result<(), String> {
    let data = RevocationData { ocsp: Vec::new(), crls: row.crls.clone() };
    let is_good = |status: &Status| match status {
        Status::Good { next_update, .. } => next_update.is_none_or(|next| row.at <= next),
        _ => false,
    };
    let statuses = path_status_with(path, &data, pool, row.at, &mut Budget::default());
    match statuses.into_iter().find(|status| !is_good(status)) {
        None => Ok(()),
        Some(status) => Err(format!("{status:?}")),
    }
}

/// Where a signature is wrong no policy set is computed.
fn is_compared(number: &str) -> bool {
    !["4.1.2", "4.1.3", "4.1.6"].contains(&number)
}

const ANY_POLICY: &str = "2.5.29.32.0";

/// Names of policies stand for the arc of NIST's test policies.
fn policy(name: &str) -> String {
    match name.strip_prefix("NIST-test-policy-") {
        Some(number) => format!("2.16.840.1.101.3.2.1.48.{number}"),
        None => ANY_POLICY.to_owned(),
    }
}
