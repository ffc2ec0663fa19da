//! The signatures of one XML file of a container: ETSI EN 319 162-1, 4.3.3.2 b and 4.4.3.2; OpenDocument 1.3 part 2, 4.

use certs::timestamp::TrustedTime;
use schemas::ProblemCode;
use schemas::report::SignatureReport;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::asic::container::Container;
use crate::asic::coverage::Coverage;
use crate::asic::error::Finding;
use crate::asic::judge::{join, severity};
use crate::asic::xml_signatures::{Entries, Part, XmlSignatureFile};
use crate::validate::{Context, XmlOutcome, validate_xml_since};
use crate::xml::XmlError;

use super::{Whole, unreadable};

/// What stands for a signature that cannot be read.
const NO_SIGNATURE: (&str, &str) = ("XMLDSig", "XML-NOT-ETSI");

/// `existence`: what a time-stamp of the container proves of the file.
pub(super) fn validate_file(
    container: &Container,
    signature: &XmlSignatureFile,
    entries: &Entries<'_>,
    existence: Option<TrustedTime>,
    context: &Context<'_>,
) -> Whole {
    let content = match &signature.content {
        Ok(content) if !content.signatures.is_empty() => content,
        Ok(_) => return unread(container, signature, None, context),
        Err(error) => return unread(container, signature, Some(*error), context),
    };
    let outcome = match validate_xml_since(&signature.octets, entries, existence, context) {
        Ok(outcome) => outcome,
        // The same octets were read before, so this does not happen; if it did, nothing passes.
        Err(error) => return unread(container, signature, Some(error), context),
    };
    let problem = outcome.problem().unwrap_or(ProblemCode::SignerUnidentified);
    let XmlOutcome { report, passed, .. } = outcome;
    let signers = passed.map(|passed| passed.signers().to_vec()).unwrap_or_default();
    let mut whole = Whole { signers, ..Whole::default() };
    // Of each signature found there is one report, in the order of the document.
    for (report, parts) in report.signatures.into_iter().zip(&content.signatures) {
        whole.add_signature(container, signature.file, report, parts, problem, context);
    }
    whole
}

impl Whole {
    fn add_signature(
        &mut self,
        container: &Container,
        file: usize,
        mut report: SignatureReport,
        parts: &[Part],
        engine_problem: ProblemCode,
        context: &Context<'_>,
    ) {
        let existed = OffsetDateTime::parse(&report.best_time, &Rfc3339).unwrap_or(context.at);
        let coverage = Coverage::of_xml(container, file, parts);
        let weak = coverage.weak_parts(container, parts, context.policy, existed);
        let leading = join(&mut report, &[coverage.findings.as_slice(), weak.as_slice()].concat());
        let severity = severity(report.indication);
        let problem = leading.map_or(engine_problem, Finding::problem);
        self.note((severity > 0).then_some((severity, problem)));
        report.signed_parts = coverage.parts().map(|file| container.name(file).to_owned()).collect();
        self.signatures.push(report);
    }
}

/// `error`: why the file is no XML that is read here.
fn unread(
    container: &Container,
    signature: &XmlSignatureFile,
    error: Option<XmlError>,
    context: &Context<'_>,
) -> Whole {
    let finding = Finding::SignatureUnreadable;
    let mut report = unreadable(container.files.get(signature.file), finding, NO_SIGNATURE, context);
    report.reasons.extend(error.map(XmlError::reason));
    let problem = Some((severity(report.indication), finding.problem()));
    Whole { signatures: vec![report], problem, ..Whole::default() }
}

#[cfg(test)]
mod tests;
