//! Which verdicts wait: those from which nothing is missing but a fact that arrives by itself.
//!
//! ETSI EN 319 102-1 V1.4.1, table 6, for what is INDETERMINATE:
//!
//! | sub-indication | waits | why |
//! |---|---|---|
//! | TRY_LATER | yes | "additional revocation information that will be available at a later point of time": the next list, a responder that is in reach again |
//! | TRY_LATER of a suspended certificate | no | the fact is known: while it is suspended a certificate has lost its validity (Regulation (EU) 910/2014, Art. 28(5)), and a release does not reach back to a signature made meanwhile |
//! | REVOCATION_OUT_OF_BOUNDS_NO_POE | yes | what tells the status is signed under a certificate that has ended; the next answer is signed under another one |
//! | NO_CERTIFICATE_CHAIN_FOUND | where an issuer is unknown | certificates of authorities are collected and stated by operators; where the chain ends at a root that nobody trusts nothing is on its way |
//! | NO_CERTIFICATE_CHAIN_FOUND_NO_POE, REVOKED_NO_POE, REVOKED_CA_NO_POE, OUT_OF_BOUNDS_NO_POE, CRYPTO_CONSTRAINTS_FAILURE_NO_POE, NO_POE | no | the facts are known; what is missing is a proof of an earlier time, which only the sender can add, and that is another submission |
//! | CRYPTO_CONSTRAINTS_FAILURE | no | an algorithm does not become stronger |
//! | SIG_CONSTRAINTS_FAILURE, CHAIN_CONSTRAINTS_FAILURE, CERTIFICATE_CHAIN_GENERAL_FAILURE, TIMESTAMP_ORDER_FAILURE | no | what is there contradicts the rules |
//! | NO_SIGNING_CERTIFICATE_FOUND, SIGNED_DATA_NOT_FOUND | no | the sender left it out |
//! | SIGNATURE_POLICY_NOT_AVAILABLE, POLICY_PROCESSING_ERROR | no | an operator's setting, which nobody knows to be coming |
//!
//! TOTAL-FAILED never waits. A signature waits only if every reason that it has is one that waits, and if its value holds: the
//! most important reason alone would let a weak algorithm wait behind a status that is unknown. And a document waits
//! only if each of its signatures has passed or waits.

use schemas::report::{Indication, MissingKind, Report, SignatureReport, SubIndication};

/// Codes of the reasons that may stand in a verdict that waits, as `signing::validate` writes them.
const WAITED_FOR: [&str; 3] = ["signature.status_unknown", "signature.status_stale", "signature.revocation_unproven"];

/// Waits where an issuer is unknown.
const NO_CHAIN: &str = "signature.untrusted_signer";

/// A time-stamp that proves nothing is a remark in any verdict.
const REMARK: &str = "signature.timestamp_unusable";

/// Whether nothing but facts that may still arrive keeps these signatures from passing.
pub(crate) fn may_arrive(report: &Report) -> bool {
    let mut open = report.signatures.iter().filter(|signature| signature.indication != Indication::TotalPassed);
    let first = open.next();
    first.is_some_and(waits) && open.all(waits)
}

fn waits(signature: &SignatureReport) -> bool {
    use SubIndication as Sub;
    let issuer = signature.missing.iter().any(|fact| fact.kind == MissingKind::Issuer);
    let concluded = match signature.sub_indication {
        Some(Sub::TryLater | Sub::RevocationOutOfBoundsNoPoe) => true,
        Some(Sub::NoCertificateChainFound) => issuer,
        _ => false,
    };
    let known = |code: &str| WAITED_FOR.contains(&code) || code == REMARK || (code == NO_CHAIN && issuer);
    signature.indication == Indication::Indeterminate
        && signature.intact
        && concluded
        && signature.reasons.iter().all(|reason| known(&reason.code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::report::{MissingFact, Reason};

    fn verdict(indication: Indication, sub_indication: Option<SubIndication>, reasons: &[&str]) -> SignatureReport {
        let reason = |code: &&str| Reason {
            code: (*code).to_owned(),
            text_en: String::new(),
            text_uk: String::new(),
            clause: String::new(),
        };
        SignatureReport {
            id: "S-1".to_owned(),
            format: "CAdES".to_owned(),
            level: "CAdES-BASELINE-B".to_owned(),
            intact: true,
            signed_form: None,
            algorithm: None,
            indication,
            sub_indication,
            signing_time: None,
            best_time: String::new(),
            signer: None,
            chain: Vec::new(),
            signature_policy: None,
            signed_parts: Vec::new(),
            timestamps: Vec::new(),
            counter_signatures: Vec::new(),
            qualification: None,
            missing: Vec::new(),
            reasons: reasons.iter().map(reason).collect(),
        }
    }

    fn indeterminate(sub_indication: SubIndication, reasons: &[&str]) -> SignatureReport {
        verdict(Indication::Indeterminate, Some(sub_indication), reasons)
    }

    fn told(signatures: &[SignatureReport]) -> bool {
        may_arrive(&Report {
            format: "CMS".to_owned(),
            digest: String::new(),
            validated_at: String::new(),
            policy: "strict".to_owned(),
            trust: String::new(),
            signatures: signatures.to_vec(),
            timestamps: Vec::new(),
            unsigned_parts: Vec::new(),
        })
    }

    #[test]
    fn a_status_that_is_not_known_yet_is_waited_for_and_nothing_beside_it() {
        use SubIndication as Sub;
        let waiting = indeterminate(Sub::TryLater, &["signature.status_unknown"]);
        let passed = verdict(Indication::TotalPassed, None, &[]);
        assert!(told(std::slice::from_ref(&waiting)));
        assert!(told(&[passed.clone(), waiting.clone()]));
        assert!(told(&[indeterminate(Sub::TryLater, &["signature.status_stale", REMARK])]));
        assert!(!told(&[]), "what has no signature waits for none");
        assert!(!told(&[passed]), "what has passed does not wait");
        let weak = ["signature.status_unknown", "signature.weak_algorithm"];
        assert!(!told(&[indeterminate(Sub::TryLater, &weak)]), "a weak algorithm behind an unknown status");
        assert!(!told(&[indeterminate(Sub::TryLater, &["signature.signer_on_hold"])]), "a suspended certificate");
        let spoilt = SignatureReport { intact: false, ..waiting.clone() };
        assert!(!told(&[spoilt]));
        let failed = verdict(Indication::TotalFailed, Some(Sub::HashFailure), &["signature.hash_failure"]);
        assert!(!told(&[waiting, failed]), "one that failed for good beside one that waits");
    }

    #[test]
    fn an_issuer_is_waited_for_where_it_is_unknown_and_not_where_it_is_not_trusted() {
        let untrusted = indeterminate(SubIndication::NoCertificateChainFound, &[NO_CHAIN]);
        assert!(!told(std::slice::from_ref(&untrusted)));
        let kind = MissingKind::Issuer;
        let fact = MissingFact { kind, sha256: String::new(), subject: String::new(), addresses: Vec::new() };
        assert!(told(&[SignatureReport { missing: vec![fact], ..untrusted }]));
    }

    #[test]
    fn what_no_fact_can_mend_does_not_wait() {
        use SubIndication as Sub;
        let never = [
            Sub::RevokedNoPoe,
            Sub::RevokedCaNoPoe,
            Sub::OutOfBoundsNoPoe,
            Sub::OutOfBoundsNotRevoked,
            Sub::CryptoConstraintsFailure,
            Sub::CryptoConstraintsFailureNoPoe,
            Sub::SigConstraintsFailure,
            Sub::ChainConstraintsFailure,
            Sub::CertificateChainGeneralFailure,
            Sub::NoCertificateChainFoundNoPoe,
            Sub::NoSigningCertificateFound,
            Sub::SignedDataNotFound,
            Sub::SignaturePolicyNotAvailable,
            Sub::PolicyProcessingError,
            Sub::TimestampOrderFailure,
            Sub::NoPoe,
        ];
        for sub in never {
            assert!(!told(&[indeterminate(sub, &["signature.status_unknown"])]), "{sub:?}");
        }
    }
}
