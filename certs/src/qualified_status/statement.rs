//! What a certificate says of itself, by the law of a scheme at the time when it was issued.

use super::REGULATION_IN_FORCE;
use crate::certificate::{Certificate, QcType};
use crate::trust_list::Scheme;

/// What a certificate says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement {
    /// That it was issued as qualified by the law of the scheme.
    pub(super) qualified: bool,
    /// For what; `None` where it says several things or none that is known.
    pub(super) usage: Option<QcType>,
    /// That its key is in a qualified device.
    pub(super) device: bool,
    /// That it is qualified by the law of other countries.
    pub(super) other_law: bool,
}

/// EN 319 411-2 and TS 101 456 before it: QCP public, and QCP public with a device.
const QCP: &str = "0.4.0.1456.1.2";
const QCP_PLUS: &str = "0.4.0.1456.1.1";

impl Statement {
    pub(super) fn of(certificate: &Certificate, scheme: Scheme) -> Self {
        let statements = certificate.qc_statements().unwrap_or_default();
        let policies = certificate.policies();
        let has = |policy: &str| policies.iter().any(|known| known == policy);
        let is_former = is_former(certificate, scheme);
        let (of_union, of_ukraine) = (
            statements.countries.is_empty(),
            statements.countries.iter().any(|country| country.eq_ignore_ascii_case("UA")),
        );
        let is_claimed = statements.compliance || is_former && (has(QCP) || has(QCP_PLUS));
        let (qualified, other_law) = match scheme {
            // No country: the Union (EN 319 412-5, 4.2.1 and 4.2.4).
            Scheme::European => (is_claimed && of_union, is_claimed && !of_union),
            Scheme::Ukrainian => {
                let qualified = statements.national || statements.compliance && of_ukraine;
                (qualified, statements.compliance && !qualified)
            }
        };
        // The directive knew certificates for signatures only.
        let usage = if is_former { Some(QcType::Signature) } else { usage(certificate, scheme) };
        Self { qualified, usage, device: statements.on_device || is_former && has(QCP_PLUS), other_law }
    }
}

/// Whether the certificate was issued under the directive.
pub(super) fn is_former(certificate: &Certificate, scheme: Scheme) -> bool {
    scheme == Scheme::European && certificate.not_before() < REGULATION_IN_FORCE
}

fn usage(certificate: &Certificate, scheme: Scheme) -> Option<QcType> {
    let statements = certificate.qc_statements().unwrap_or_default();
    match (statements.types.as_slice(), statements.other_types.is_empty()) {
        ([first, rest @ ..], _) => rest.iter().all(|other| other == first).then_some(*first),
        ([], false) => None,
        // The national seal has an extended key usage of its own.
        ([], true) if scheme == Scheme::Ukrainian && certificate.is_seal() => Some(QcType::Seal),
        ([], true) => Some(QcType::Signature),
    }
}
