//! Time-stamp validation, EN 319 102-1 5.4: a token is a signature of its own, validated as one, over the imprint.

use certs::certificate::Certificate;
use certs::path::Budget;
use certs::timestamp::TrustedTime;
use certs::trust::Purpose;
use crypto::digest::Digest;
use schemas::report::TimestampReport;
use time::OffsetDateTime;

use super::Context;
use super::basic::{self, Assessed, Grounds};
use super::cause::{Cause, Findings};
use super::cryptographic::Content;
use super::status::Known;
use super::token::{Source, Token};
use super::x509::Times;
use super::{qualification, report};

/// What a token came to.
pub(crate) struct Stamp {
    pub(super) report: TimestampReport,
    /// Only of a token that passed.
    pub(super) time: Option<TrustedTime>,
    pub(super) findings: Findings,
}

/// What helps to validate a token: certificates and answers of the whole signature.
#[derive(Clone, Copy)]
pub(super) struct Ground<'g> {
    pub(super) pool: &'g [Certificate],
    pub(super) known: &'g Known<'g>,
    /// The earliest time at which the token itself is known to have existed.
    pub(super) existed: OffsetDateTime,
}

/// Validates a token against the imprint that it should have; an `Err` says why there is none.
pub(super) fn validate(
    source: &Source<'_>,
    token: &Token<'_>,
    imprint: Result<Digest, Cause>,
    ground: Ground<'_>,
    context: &Context<'_>,
    budget: &mut Budget,
) -> Stamp {
    let Some(signer) = token.signed.signers.first() else { return unreadable(source) };
    let mut findings = Findings::default();
    let info = &token.info;
    match &imprint {
        Err(cause) => findings.add(*cause),
        Ok(own) if info.imprint_oid == own.algorithm().oid() && info.imprint == own.as_bytes() => {}
        Ok(_) => findings.add(Cause::ImprintDiffers),
    }
    let is_over = findings.is_empty();
    if info.gen_time > context.at {
        findings.add(Cause::TimestampInFuture);
    }
    let grounds = Grounds { pool: ground.pool, known: ground.known, purpose: Purpose::TimeStamping };
    let times = Times { at: context.at, best: ground.existed, made_after: None };
    let mut content = Content::new(token.signed.content, &[]);
    let content_type = Some(token.signed.content_type);
    let core = basic::check_signature(signer, content_type, ground.pool, &mut content, context.policy);
    let assessed = basic::check_trust(core, grounds, times, context, budget);
    let intact = is_over && assessed.form.is_some();
    findings.extend(&assessed.findings);
    let time = if findings.passed() { attest(&assessed, token, imprint) } else { None };
    // Nothing may pass without proving a time, whatever was or was not found above.
    if time.is_none() && findings.is_empty() {
        findings.add(Cause::SignatureWrong);
    }
    let mut report = report::of_token(source, Some(info.gen_time), intact, assessed.certificate.as_ref(), &findings);
    report.qualification = qualification::of_token(assessed.path.as_ref(), info.gen_time, report.indication, context);
    Stamp { report, time, findings }
}

fn attest(assessed: &Assessed, token: &Token<'_>, imprint: Result<Digest, Cause>) -> Option<TrustedTime> {
    TrustedTime::attest(assessed.path.as_ref()?, &token.info, &imprint.ok()?).ok()
}

/// What is said of a value that is no token.
pub(super) fn unreadable(source: &Source<'_>) -> Stamp {
    let mut findings = Findings::default();
    findings.add(Cause::Malformed);
    Stamp { report: report::of_token(source, None, false, None, &findings), time: None, findings }
}
