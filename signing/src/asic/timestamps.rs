//! Time-stamps over a container: over the document of ASiC-S, over a manifest of ASiC-E, or over an archive manifest of either
//! (ETSI EN 319 162-1, 4.3.3.2, 4.4.3.2 and 5).

use std::cmp::Reverse;

use certs::certificate::Certificate;
use certs::timestamp::TrustedTime;
use schemas::report::{Indication, TimestampReport};

use crate::cms::MOST_CERTIFICATES;
use crate::validate::{self as engine, Context};

use super::container::{Container, TimestampFile};
use super::coverage::Coverage;
use super::judge::join;

/// The time-stamps of a container after validation.
pub(super) struct Timestamps {
    /// In the order of the archive.
    pub(super) reports: Vec<TimestampReport>,
    /// Entries that time-stamps cover which passed.
    proven: Vec<(usize, TrustedTime)>,
}

impl Timestamps {
    /// Validates each time-stamp, the latest first, so that an archive manifest's proves for those under it that they existed while their
    /// authorities were to be believed (EN 319 102-1, 5.6). Their tokens may be helped by certificates of the signatures.
    pub(super) fn validate(container: &Container, context: &Context<'_>) -> Self {
        let certificates: Vec<Certificate> = container.certificates().take(MOST_CERTIFICATES).cloned().collect();
        let mut order: Vec<(usize, &TimestampFile)> = container.timestamps.iter().enumerate().collect();
        order.sort_by_key(|(_, timestamp)| Reverse(timestamp.claimed));
        let mut found = Self { reports: Vec::new(), proven: Vec::new() };
        let mut reports = Vec::with_capacity(order.len());
        for (place, timestamp) in order {
            reports.push((place, found.validate_one(container, timestamp, &certificates, context)));
        }
        reports.sort_by_key(|(place, _)| *place);
        found.reports = reports.into_iter().map(|(_, report)| report).collect();
        found
    }

    /// The earliest time at which an entry is known to have existed.
    pub(super) fn existence(&self, file: usize) -> Option<TrustedTime> {
        let times = self.proven.iter().filter(|(covered, _)| *covered == file).map(|(_, time)| *time);
        times.reduce(TrustedTime::min)
    }

    fn validate_one(
        &mut self,
        container: &Container,
        timestamp: &TimestampFile,
        certificates: &[Certificate],
        context: &Context<'_>,
    ) -> TimestampReport {
        let coverage = Coverage::of_timestamp(container, timestamp);
        let digest = |algorithm| coverage.digests.iter().find(|digest| digest.algorithm() == algorithm).copied();
        let existed = self.existence(timestamp.file);
        let (mut report, time) = engine::timestamp_over(&timestamp.token, &digest, certificates, existed, context);
        let weak_at = existed.map_or(context.at, |time| time.at().min(context.at));
        let weak = coverage.weak_digests(container, context.policy, weak_at);
        join(&mut report, &[coverage.findings.as_slice(), weak.as_slice()].concat());
        if let Some(time) = time
            && report.indication == Indication::TotalPassed
        {
            self.proven.extend(coverage.files.iter().map(|file| (*file, time)));
        }
        report
    }
}

#[cfg(test)]
mod tests;
