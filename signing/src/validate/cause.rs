//! Why a signature did not pass: each cause with its conclusion, its code, its clause and its words.
//!
//! Codes that [`ProblemCode`] knows too are the same strings. A code never changes its meaning.

use schemas::ProblemCode;
use schemas::report::{Indication, Reason, SubIndication};

use crate::xades::Fault;

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $indication:ident / $sub:ident, $problem:ident, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// A failed check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Cause { $($(#[$doc])* $name,)* }

        impl Cause {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Stable code.
            #[cfg(test)]
            pub(crate) fn code(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// What ETSI EN 319 102-1 concludes from it alone.
            pub(crate) fn conclusion(self) -> (Indication, SubIndication) {
                match self { $(Self::$name => (Indication::$indication, SubIndication::$sub)),* }
            }

            /// How a door refuses it.
            pub(crate) fn problem(self) -> ProblemCode { match self { $(Self::$name => ProblemCode::$problem),* } }

            /// For the report.
            pub(crate) fn reason(self) -> Reason {
                match self {
                    $(Self::$name => Reason { code: $code.into(), text_en: $en.into(), text_uk: $uk.into(), clause: $clause.into() }),*
                }
            }
        }
    };
}

causes! {
    // --- format checking
    Malformed = "signature.format_failure", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 102-1, 5.2.2; RFC 5652, 5",
        "The signature does not conform to its format.",
        "Підпис не відповідає своєму формату.";
    AttributeMissing = "signature.attribute_missing", TotalFailed / FormatFailure, SignatureFormat, "RFC 5652, 11.1 and 11.2",
        "The signed attributes lack content-type or message-digest.",
        "Серед підписаних атрибутів бракує content-type або message-digest.";
    AttributeRepeated = "signature.attribute_repeated", TotalFailed / FormatFailure, SignatureFormat, "RFC 5652, 11; ETSI EN 319 122-1, 5",
        "A signed attribute that may stand once is repeated or has several values.",
        "Підписаний атрибут, який має бути один, повторено, або він має кілька значень.";
    ContentTypeDiffers = "signature.content_type", TotalFailed / FormatFailure, SignatureFormat, "RFC 5652, 11.1",
        "The signed content type is not the type of the content.",
        "Підписаний тип вмісту не збігається з типом вмісту.";
    AmbiguousContent = "signature.ambiguous_content", TotalFailed / FormatFailure, SignatureFormat, "RFC 5652, 5.4",
        "The signed content has the form of signed attributes, so it cannot be told what the signer signed.",
        "Підписаний вміст має вигляд підписаних атрибутів, тому неможливо сказати, що саме підписано.";
    // --- cryptographic verification
    HashFailure = "signature.hash_failure", TotalFailed / HashFailure, SignatureOverOtherContent, "ETSI EN 319 102-1, 5.2.7",
        "The signature is over other content: the document was changed, or it is another document.",
        "Підпис стосується іншого вмісту: документ змінено, або це інший документ.";
    SignatureWrong = "signature.crypto_failure", TotalFailed / SigCryptoFailure, SignatureValueWrong, "ETSI EN 319 102-1, 5.2.7",
        "The signature value does not verify under the signing certificate.",
        "Значення підпису не підтверджується сертифікатом підписувача.";
    AttributesUnsorted = "signature.attributes_unsorted", TotalFailed / SigCryptoFailure, SignatureValueWrong, "RFC 5652, 5.4",
        "The signature value verifies only over the signed attributes as sent, which are not in DER order.",
        "Значення підпису підтверджується лише для атрибутів у надісланому порядку, який не є порядком DER.";
    AlgorithmsDisagree = "signature.algorithms_disagree", TotalFailed / SigCryptoFailure, SignatureValueWrong, "RFC 5652, 5.3; RFC 5754, 3",
        "The digest algorithm, the signature algorithm and the key of the signature do not belong together.",
        "Алгоритм гешування, алгоритм підпису та ключ підпису не узгоджуються між собою.";
    AlgorithmProtection = "signature.algorithm_protection", TotalFailed / SigCryptoFailure, SignatureValueWrong, "RFC 6211, 3",
        "The algorithms that the signer protected are not those of the signature.",
        "Алгоритми, які захистив підписувач, відрізняються від алгоритмів підпису.";
    DataNotFound = "signature.signed_data_not_found", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "ETSI EN 319 102-1, 5.2.7",
        "The signature is detached, and the signed document was not given.",
        "Підпис відокремлений, а підписаний документ не надано.";
    AlgorithmUnknown = "signature.algorithm_unknown", Indeterminate / CryptoConstraintsFailure, SignatureWeakAlgorithm, "ETSI EN 319 102-1, 5.2.7 and 5.2.8",
        "The signature uses an algorithm or a key that cannot be checked here.",
        "Підпис використовує алгоритм або ключ, які тут неможливо перевірити.";
    // --- identification of the signing certificate
    SignerNotFound = "signature.no_signing_certificate", Indeterminate / NoSigningCertificateFound, SignerUnidentified, "ETSI EN 319 102-1, 5.2.3",
        "The signing certificate cannot be identified.",
        "Сертифікат підписувача неможливо визначити.";
    SignerReference = "signature.signing_certificate_reference", Indeterminate / NoSigningCertificateFound, SignerUnidentified, "ETSI EN 319 102-1, 5.2.3.4; RFC 5035, 5",
        "The signed reference to the signing certificate matches no certificate, or another one than the signer's.",
        "Підписане посилання на сертифікат підписувача не відповідає жодному сертифікату або вказує на інший.";
    // --- X.509 certificate validation
    Untrusted = "signature.untrusted_signer", Indeterminate / NoCertificateChainFound, SignerUntrusted, "ETSI EN 319 102-1, 5.2.6",
        "The signing certificate does not lead to an authority that this node trusts.",
        "Сертифікат підписувача не веде до центру сертифікації, якому довіряє вузол.";
    ChainBroken = "signature.chain_broken", Indeterminate / CertificateChainGeneralFailure, SignerUntrusted, "ETSI EN 319 102-1, 5.2.6; RFC 5280, 6.1.3",
        "A certificate between the signer and the trusted authority cannot be verified.",
        "Сертифікат між підписувачем і довіреним центром неможливо перевірити.";
    ChainConstraints = "signature.chain_constraints", Indeterminate / ChainConstraintsFailure, SignerUntrusted, "ETSI EN 319 102-1, 5.2.6; RFC 5280, 6.1",
        "The certificates from the signer to the trusted authority are not allowed to be used for this.",
        "Сертифікати від підписувача до довіреного центру не дозволено так використовувати.";
    Expired = "signature.expired_signer", Indeterminate / OutOfBoundsNoPoe, SignerExpired, "ETSI EN 319 102-1, 5.3.4",
        "The signing certificate is outside its validity period, and nothing proves an earlier signing time.",
        "Строк дії сертифіката підписувача не почався або закінчився, а раніший час підписання не доведено.";
    AnchorEnded = "signature.authority_withdrawn", Indeterminate / NoCertificateChainFoundNoPoe, SignerUntrusted, "ETSI EN 319 102-1, 5.2.6; TS 119 612, 5.5.4",
        "A trusted list ceased to recognise the authority of the signing certificate, and nothing proves that the signature is older.",
        "Довірчий список більше не визнає центр, що видав сертифікат підписувача, і не доведено, що підпис зроблено раніше.";
    AnchorEndedForGood = "signature.authority_withdrawn_before", Indeterminate / NoCertificateChainFound, SignerUntrusted, "ETSI EN 319 102-1, 5.2.6; TS 119 612, 5.5.4",
        "The signature was made after a trusted list had ceased to recognise the authority of the signing certificate.",
        "Підпис зроблено після того, як довірчий список припинив визнавати центр, що видав сертифікат підписувача.";
    NotYetValid = "signature.not_yet_valid", TotalFailed / NotYetValid, SignerExpired, "ETSI EN 319 102-1, 5.5.4",
        "The signature existed before the signing certificate was issued.",
        "Підпис існував до видачі сертифіката підписувача.";
    Revoked = "signature.revoked_signer", Indeterminate / RevokedNoPoe, SignerRevoked, "ETSI EN 319 102-1, 5.3.4",
        "The signing certificate is revoked.",
        "Сертифікат підписувача скасовано.";
    RevokedForGood = "signature.revoked_before", TotalFailed / Revoked, SignerRevoked, "ETSI EN 319 102-1, 5.3.4",
        "The signature was made after the signing certificate was revoked.",
        "Підпис зроблено після скасування сертифіката підписувача.";
    ExpiredForGood = "signature.expired_before", TotalFailed / Expired, SignerExpired, "ETSI EN 319 102-1, 5.3.4",
        "The signature was made after the signing certificate had expired.",
        "Підпис зроблено після закінчення строку дії сертифіката підписувача.";
    RevocationUnproven = "signature.revocation_unproven", Indeterminate / RevocationOutOfBoundsNoPoe, SignerStatusUnknown, "ETSI EN 319 102-1, 5.6.2.2",
        "What tells the status of a certificate is signed by an authority whose certificate has ended, and nothing proves that it existed before.",
        "Відомості про статус сертифіката підписано центром, сертифікат якого вже закінчився, і не доведено, що вони існували раніше.";
    RevokedAuthority = "signature.revoked_authority", Indeterminate / RevokedCaNoPoe, SignerRevoked, "ETSI EN 319 102-1, 5.3.4",
        "The certificate of an authority above the signer is revoked.",
        "Сертифікат центру, що стоїть над підписувачем, скасовано.";
    OnHold = "signature.signer_on_hold", Indeterminate / TryLater, SignerSuspended, "ETSI EN 319 102-1, 5.2.6; RFC 5280, 5.3.1",
        "The signing certificate is suspended.",
        "Дію сертифіката підписувача призупинено.";
    StatusUnknown = "signature.status_unknown", Indeterminate / TryLater, SignerStatusUnknown, "ETSI EN 319 102-1, 5.2.5",
        "The status of the signing certificate cannot be established now. Try again later.",
        "Статус сертифіката підписувача зараз неможливо встановити. Спробуйте пізніше.";
    StatusStale = "signature.status_stale", Indeterminate / TryLater, SignerStatusUnknown, "ETSI EN 319 102-1, 5.2.5",
        "What is known about the status of the signing certificate is too old. Try again later.",
        "Відомості про статус сертифіката підписувача застарілі. Спробуйте пізніше.";
    // --- signature acceptance
    AttributesRequired = "signature.signed_attributes_required", Indeterminate / SigConstraintsFailure, SignatureConstraints, "ETSI EN 319 102-1, 5.2.8; ETSI EN 319 122-1, 5.1",
        "The signature has no signed attributes.",
        "Підпис не має підписаних атрибутів.";
    ReferenceRequired = "signature.signing_certificate_required", Indeterminate / SigConstraintsFailure, SignatureConstraints, "ETSI EN 319 102-1, 5.2.8; ETSI EN 319 122-1, 5.2.2",
        "The signature has no signed reference to the signing certificate.",
        "Підпис не має підписаного посилання на сертифікат підписувача.";
    WeakAlgorithm = "signature.weak_algorithm", Indeterminate / CryptoConstraintsFailureNoPoe, SignatureWeakAlgorithm, "ETSI EN 319 102-1, 5.2.8; TS 119 312",
        "The signature uses an algorithm or key size that is no longer accepted.",
        "Підпис використовує алгоритм або довжину ключа, які вже не приймаються.";
    AlgorithmExcluded = "signature.algorithm_excluded", Indeterminate / CryptoConstraintsFailure, SignatureWeakAlgorithm, "ETSI EN 319 102-1, 5.2.8; TS 119 312",
        "The signature uses an algorithm or key size that the policy does not have.",
        "Підпис використовує алгоритм або довжину ключа, яких немає в політиці перевірки.";
    SignaturePolicyUnknown = "signature.policy_unknown", Indeterminate / SignaturePolicyNotAvailable, SignatureConstraints, "ETSI EN 319 102-1, 5.2.4",
        "The signer names a signature policy that is not among those of this node.",
        "Підписувач указав політику підпису, якої немає серед відомих вузлові.";
    SignaturePolicyDiffers = "signature.policy_differs", Indeterminate / PolicyProcessingError, SignatureConstraints, "ETSI EN 319 102-1, 5.2.4; EN 319 122-1, 5.2.9",
        "The policy document is not the one that the signer names.",
        "Документ політики підпису не є тим, на який посилається підписувач.";
    // --- time-stamps
    ImprintDiffers = "timestamp.imprint_differs", TotalFailed / HashFailure, SignatureConstraints, "ETSI EN 319 102-1, 5.4; RFC 3161, 2.4.2",
        "The time-stamp is over something else.",
        "Позначка часу стосується інших даних.";
    HashIndex = "timestamp.hash_index", TotalFailed / FormatFailure, SignatureConstraints, "ETSI EN 319 122-1, 5.5.2",
        "The hash index of the archive time-stamp is missing, unreadable, or names something that is not there.",
        "Індексу гешів архівної позначки часу немає, його неможливо прочитати або він називає те, чого немає.";
    TimestampInFuture = "timestamp.in_future", Indeterminate / TimestampOrderFailure, SignatureConstraints, "ETSI EN 319 102-1, 5.4",
        "The time-stamp is from after the time of validation.",
        "Позначка часу пізніша за час перевірки.";
    TimestampSuperseded = "timestamp.not_verified", Indeterminate / NoPoe, SignatureConstraints, "ETSI EN 319 122-1, A.2; ETSI EN 319 102-1, 5.6",
        "The time-stamp is of a form that is recognised and not verified here.",
        "Позначка часу має форму, яку розпізнано, але тут не перевіряють.";
    TimestampOrder = "signature.timestamp_order", Indeterminate / TimestampOrderFailure, SignatureConstraints, "ETSI EN 319 102-1, 5.5.4",
        "The time-stamps of the signature contradict each other in time.",
        "Позначки часу підпису суперечать одна одній у часі.";
    TimestampUnusable = "signature.timestamp_unusable", Indeterminate / NoPoe, SignatureConstraints, "ETSI EN 319 102-1, 5.4 and 5.5.4",
        "A time-stamp of the signature cannot be relied on, so it proves no earlier signing time.",
        "На позначку часу підпису неможливо покластися, тому вона не доводить ранішого часу підписання.";
}

/// A failed check of any format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Cause(Cause),
    Xml(Fault),
}

impl Finding {
    pub(crate) fn conclusion(self) -> (Indication, SubIndication) {
        match self {
            Self::Cause(cause) => cause.conclusion(),
            Self::Xml(fault) => fault.conclusion(),
        }
    }

    pub(crate) fn problem(self) -> ProblemCode {
        match self {
            Self::Cause(cause) => cause.problem(),
            Self::Xml(fault) => fault.problem(),
        }
    }

    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Cause(cause) => cause.reason(),
            Self::Xml(fault) => fault.reason(),
        }
    }
}

impl From<Cause> for Finding {
    fn from(cause: Cause) -> Self {
        Self::Cause(cause)
    }
}

impl From<Fault> for Finding {
    fn from(fault: Fault) -> Self {
        Self::Xml(fault)
    }
}

/// A time-stamp that proves nothing is a remark: the signature is then judged at the time of validation (EN 319 102-1, 5.5.4).
const REMARK: Finding = Finding::Cause(Cause::TimestampUnusable);

/// The failed checks of one signature, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    found: Vec<Finding>,
}

impl Findings {
    pub(crate) fn add(&mut self, finding: impl Into<Finding>) {
        let finding = finding.into();
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }

    pub(crate) fn extend(&mut self, others: &Self) {
        others.found.iter().for_each(|finding| self.add(*finding));
    }

    /// Most important first: what fails for good before what cannot be told, else the order of the checks. The block
    /// that proves that the bytes are wrong outranks the one that does not know the signer (EN 319 102-1, 5.3.4).
    pub(crate) fn ranked(&self) -> Vec<Finding> {
        let rank = |finding: &Finding| match finding.conclusion().0 {
            Indication::TotalFailed => 0,
            _ if *finding == REMARK => 2,
            _ => 1,
        };
        let mut found = self.found.clone();
        found.sort_by_key(rank);
        found
    }

    /// Whether anything but a remark was found.
    pub(crate) fn passed(&self) -> bool {
        self.found.iter().all(|finding| *finding == REMARK)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_speak_both_languages() {
        let codes: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        assert_eq!(codes.len(), Cause::ALL.len());
        for cause in Cause::ALL {
            let reason = cause.reason();
            assert!(reason.code.starts_with("signature.") || reason.code.starts_with("timestamp."), "{}", reason.code);
            assert!(reason.text_en.is_ascii() && reason.text_en.ends_with('.'), "{}", reason.code);
            assert!(reason.text_uk.chars().any(|c| ('а'..='я').contains(&c)), "{}", reason.code);
            assert!(!reason.clause.is_empty(), "{}", reason.code);
        }
    }

    #[test]
    fn a_code_that_the_doors_know_too_means_the_same() {
        for cause in Cause::ALL {
            if let Some(problem) = ProblemCode::ALL.iter().find(|problem| problem.as_str() == cause.code()) {
                assert_eq!(cause.problem(), *problem);
                assert_eq!(cause.reason().text_en, problem.text_en());
                assert_eq!(cause.reason().text_uk, problem.text_uk());
            }
        }
    }

    #[test]
    fn a_proof_of_forgery_outranks_an_unknown_signer() {
        let mut findings = Findings::default();
        for cause in [Cause::TimestampUnusable, Cause::Untrusted, Cause::HashFailure] {
            findings.add(cause);
        }
        let ranked = [Cause::HashFailure, Cause::Untrusted, Cause::TimestampUnusable].map(Finding::Cause);
        assert_eq!(findings.ranked(), ranked);
        assert!(!findings.passed());
    }
}
