//! Joins what is said of a container with what the engine says of a signature or time-stamp in it.

use schemas::report::{Indication, Reason, SignatureReport, SubIndication, TimestampReport};

use super::container::Located;
use super::error::Finding;

/// What of a report the container's findings may change.
pub(super) trait Judged {
    /// Conclusions and reasons.
    fn verdict(&mut self) -> (&mut Indication, &mut Option<SubIndication>, &mut Vec<Reason>);

    /// Something that it refers to is not found, or does not match.
    fn break_reference(&mut self);
}

impl Judged for SignatureReport {
    fn verdict(&mut self) -> (&mut Indication, &mut Option<SubIndication>, &mut Vec<Reason>) {
        (&mut self.indication, &mut self.sub_indication, &mut self.reasons)
    }

    fn break_reference(&mut self) {
        self.intact = false;
        self.signed_form = None;
    }
}

impl Judged for TimestampReport {
    fn verdict(&mut self) -> (&mut Indication, &mut Option<SubIndication>, &mut Vec<Reason>) {
        (&mut self.indication, &mut self.sub_indication, &mut self.reasons)
    }

    fn break_reference(&mut self) {
        self.intact = false;
    }
}

/// Puts the findings into a report. What fails for good comes before what cannot be told; of equals, what is said of the container
/// comes first, so that a clerk reads which file was changed. Gives the finding that leads, if one of the container's does.
pub(super) fn join(report: &mut impl Judged, findings: &[Located]) -> Option<Finding> {
    let mut findings: Vec<&Located> = findings.iter().collect();
    findings.sort_by_key(|(finding, _)| std::cmp::Reverse(severity(finding.conclusion().0)));
    let (first, _) = findings.first()?;
    if findings.iter().any(|(finding, _)| breaks_reference(*finding)) {
        report.break_reference();
    }
    let (conclusion, sub_conclusion) = first.conclusion();
    let said = findings.iter().map(|(finding, about)| finding.reason(about));
    let (indication, sub_indication, reasons) = report.verdict();
    if severity(*indication) > severity(conclusion) {
        reasons.extend(said);
        return None;
    }
    (*indication, *sub_indication) = (conclusion, Some(sub_conclusion));
    *reasons = said.chain(std::mem::take(reasons)).collect();
    Some(*first)
}

/// How bad a verdict is.
pub(super) fn severity(indication: Indication) -> u8 {
    match indication {
        Indication::TotalPassed => 0,
        Indication::Indeterminate => 1,
        Indication::TotalFailed => 2,
    }
}

/// Whether a signature is not intact because of it.
fn breaks_reference(finding: Finding) -> bool {
    match finding {
        Finding::ManifestMissing
        | Finding::ManifestAmbiguous
        | Finding::ObjectMissing
        | Finding::ObjectAmbiguous
        | Finding::ObjectChanged
        | Finding::HashChain
        | Finding::HashChainLimits
        | Finding::HashChainResult
        | Finding::DigestUnknown
        | Finding::SignatureUnreadable => true,
        Finding::MimetypeLate
        | Finding::MimetypeCompressed
        | Finding::MimetypeExtraField
        | Finding::MimetypeContent
        | Finding::SeveralSignatureFiles
        | Finding::DocumentCount
        | Finding::DigestWeak => false,
    }
}
