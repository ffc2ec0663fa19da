//! Time-stamps over a container: over the document of ASiC-S, over a manifest of ASiC-E, or over an archive manifest of either
//! (ETSI EN 319 162-1, 4.3.3.2, 4.4.3.2 and 5).

use certs::certificate::Certificate;
use schemas::report::TimestampReport;

use crate::cms::MOST_CERTIFICATES;
use crate::validate::{self as engine, Context};

use super::container::{Container, TimestampFile};
use super::coverage::Coverage;
use super::judge::join;

/// Validates each time-stamp, in the order of the archive. Their tokens may be helped by certificates of the signatures.
pub(super) fn validate(container: &Container, context: &Context<'_>) -> Vec<TimestampReport> {
    let certificates: Vec<Certificate> = container.certificates().take(MOST_CERTIFICATES).cloned().collect();
    container.timestamps.iter().map(|timestamp| validate_one(container, timestamp, &certificates, context)).collect()
}

fn validate_one(
    container: &Container,
    timestamp: &TimestampFile,
    certificates: &[Certificate],
    context: &Context<'_>,
) -> TimestampReport {
    let coverage = Coverage::of_timestamp(container, timestamp.file);
    let digest = |algorithm| coverage.digests.iter().find(|digest| digest.algorithm() == algorithm).copied();
    let (mut report, time) = engine::timestamp_over(&timestamp.token, &digest, certificates, context);
    let existed = time.map_or(context.at, |time| time.at());
    let weak = coverage.weak_digests(container, context.policy, existed);
    join(&mut report, &[coverage.findings.as_slice(), weak.as_slice()].concat());
    report
}

#[cfg(test)]
mod tests;
