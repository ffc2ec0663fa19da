//! Why a certificate or a time-stamp is qualified or not: each with its code, its words and its clause.

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// Why a certificate or a time-stamp is qualified or not. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum StatusReason { $($(#[$doc])* $name,)* }

        impl StatusReason {
            /// Every reason, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// The clause that it rests on.
            #[must_use]
            pub fn clause(self) -> &'static str { match self { $(Self::$name => $clause),* } }

            /// For a person, in English.
            #[must_use]
            pub fn text_en(self) -> &'static str { match self { $(Self::$name => $en),* } }

            /// For a person, in Ukrainian.
            #[must_use]
            pub fn text_uk(self) -> &'static str { match self { $(Self::$name => $uk),* } }
        }
    };
}

impl StatusReason {
    /// Whether it takes nothing away: what is said is worth knowing and no more.
    #[must_use]
    pub fn is_remark(self) -> bool {
        use StatusReason::{DeviceOverruled, QualifiedByList, QualifierUnknown, UsageOverruled};
        matches!(self, DeviceOverruled | QualifiedByList | QualifierUnknown | UsageOverruled)
    }
}

reasons! {
    /// No service on a list stands for the issuer.
    NotListed = "qualification.not_listed", "ETSI TS 119 615, 4.3 and 4.4",
        "No trusted list names the issuer as one that issues qualified certificates.",
        "Жоден довірчий список не називає видавця таким, що видає кваліфіковані сертифікати.";
    /// One does, but not at that time.
    NotListedThen = "qualification.not_listed_then", "ETSI TS 119 615, 4.3 and 4.4",
        "The service was not on the trusted list at that time.",
        "На той час послуги у довірчому списку не було.";
    /// The service was withdrawn, or never granted.
    NotGranted = "qualification.not_granted", "ETSI TS 119 615, 4.4; ETSI TS 119 612, 5.5.4",
        "The service did not have the status of a qualified one at that time.",
        "На той час послуга не мала статусу кваліфікованої.";
    /// The service is for other certificates.
    NotCovered = "qualification.not_covered", "ETSI TS 119 615, 4.4; ETSI TS 119 612, 5.5.9.4",
        "The service is not on the trusted list for certificates of this use.",
        "Послугу внесено до довірчого списку не для сертифікатів такого призначення.";
    /// Several services that say different things.
    ServicesDisagree = "qualification.services_disagree", "ETSI TS 119 615, 4.4 and 4.5",
        "Several services of the trusted lists stand for the issuer and say different things of the certificate.",
        "Видавцеві відповідає кілька послуг довірчих списків, і вони по-різному визначають сертифікат.";
    /// A critical extension of the service that is not understood.
    ExtensionUnknown = "qualification.extension_unknown", "ETSI TS 119 612, 5.5.9",
        "The trusted list says something critical of the service that is not understood here.",
        "Довірчий список містить критичне розширення послуги, яке тут не розпізнано.";
    /// `QCStatement` and `NotQualified` at once.
    QualifiersConflict = "qualification.qualifiers_conflict", "ETSI TS 119 615, 4.4; ETSI TS 119 612, 5.5.9.2.3",
        "The trusted list says of the certificate that it is qualified and that it is not.",
        "Довірчий список визначає сертифікат і як кваліфікований, і як некваліфікований.";
    /// A criterion decides, and nobody can tell whether it holds.
    CriteriaUndecided = "qualification.criteria_undecided", "ETSI TS 119 612, 5.5.9.2.2",
        "It cannot be told whether what the trusted list says of some certificates is about this one.",
        "Неможливо встановити, чи стосується цього сертифіката те, що довірчий список каже про деякі сертифікати.";
    /// `NotQualified`.
    NotQualifiedByList = "qualification.not_qualified_by_list", "ETSI TS 119 615, 4.4; ETSI TS 119 612, 5.5.9.2.3",
        "The trusted list says that the certificate is not qualified.",
        "Довірчий список визначає сертифікат як некваліфікований.";
    /// A remark: `QCStatement`, where the certificate does not say so.
    QualifiedByList = "qualification.qualified_by_list", "ETSI TS 119 615, 4.4; ETSI TS 119 612, 5.5.9.2.3",
        "The certificate does not state that it is qualified; the trusted list does.",
        "Сертифікат не містить відомостей, що він кваліфікований; їх містить довірчий список.";
    /// The certificate does not say that it is qualified.
    NotStated = "qualification.not_stated", "ETSI TS 119 615, 4.4; ETSI EN 319 412-5, 4.2.1",
        "The certificate does not state that it is qualified.",
        "Сертифікат не містить відомостей, що він кваліфікований.";
    /// It says so by another law.
    OtherLaw = "qualification.other_law", "ETSI EN 319 412-5, 4.2.4",
        "The certificate states that it is qualified by the law of another country.",
        "Сертифікат містить відомості, що він кваліфікований за законодавством іншої країни.";
    /// Several uses, or one that is not known.
    UsageUnclear = "qualification.usage_unclear", "ETSI TS 119 615, 4.4; ETSI EN 319 412-5, 4.2.3",
        "It is not clear whether the certificate is for signatures, seals or websites.",
        "Незрозуміло, чи призначено сертифікат для підписів, печаток або вебсайтів.";
    /// A remark: the list says another use than the certificate.
    UsageOverruled = "qualification.usage_overruled", "ETSI TS 119 615, 4.4; ETSI TS 119 612, 5.5.9.2.3",
        "The trusted list names another use of the certificate than the certificate itself; the list counts.",
        "Довірчий список називає інше призначення сертифіката, ніж сам сертифікат; вирішальним є список.";
    /// The list contradicts itself about the device.
    DeviceConflict = "qualification.device_conflict", "ETSI TS 119 615, 4.5; ETSI TS 119 612, 5.5.9.2.3",
        "The trusted list contradicts itself as to whether the key is in a qualified device.",
        "Довірчий список суперечить сам собі щодо того, чи зберігається ключ у кваліфікованому засобі.";
    /// A remark: the list says otherwise of the device than the certificate.
    DeviceOverruled = "qualification.device_overruled", "ETSI TS 119 615, 4.5; ETSI TS 119 612, 5.5.9.2.3",
        "The trusted list says otherwise of the qualified device than the certificate; the list counts.",
        "Довірчий список каже про кваліфікований засіб інше, ніж сертифікат; вирішальним є список.";
    /// A remark.
    QualifierUnknown = "qualification.qualifier_unknown", "ETSI TS 119 612, 5.5.9.2.3",
        "The trusted list says something of the certificate that is not known here; it was passed over.",
        "Довірчий список каже про сертифікат щось невідоме тут; це не враховано.";
    /// No service for qualified time-stamps stands for the authority.
    AuthorityNotListed = "qualification.authority_not_listed", "ETSI TS 119 615, 4.6",
        "No trusted list names the authority as one that makes qualified time-stamps.",
        "Жоден довірчий список не називає надавача таким, що формує кваліфіковані позначки часу.";
    /// The equivalence had not begun.
    AgreementNotEnacted = "qualification.agreement_not_enacted", "ETSI TS 119 612, 5.3.13; Regulation (EU) No 910/2014, 14",
        "The agreement on mutual recognition was not in force for this service yet.",
        "Угода про взаємне визнання щодо цієї послуги ще не діяла.";
    /// It had ended.
    AgreementRepealed = "qualification.agreement_repealed", "ETSI TS 119 612, 5.3.13; Regulation (EU) No 910/2014, 14",
        "The agreement on mutual recognition was no longer in force for this service.",
        "Угода про взаємне визнання щодо цієї послуги вже не діяла.";
    /// The type that the service had at that time has no equivalent.
    AgreementType = "qualification.agreement_type", "ETSI TS 119 612, 5.3.13; Regulation (EU) No 910/2014, 14",
        "The agreement on mutual recognition does not cover services of this type.",
        "Угода про взаємне визнання не поширюється на послуги такого типу.";
    /// The certificate does not say what the agreement takes for a statement of the other law.
    AgreementContent = "qualification.agreement_content", "ETSI TS 119 612, 5.3.13; ETSI EN 319 412-5, 4.2",
        "The certificate does not say what the agreement on mutual recognition asks of certificates.",
        "Сертифікат не містить того, чого угода про взаємне визнання вимагає від сертифікатів.";
    /// The list says something of the certificate for which the agreement has no equivalent.
    AgreementQualifier = "qualification.agreement_qualifier", "ETSI TS 119 612, 5.3.13 and 5.5.9.2.3",
        "The trusted list says something of the certificate for which the agreement on mutual recognition has no equivalent.",
        "Довірчий список каже про сертифікат те, чому угода про взаємне визнання не дає відповідника.";
    /// By its own law it is not qualified, or that cannot be told.
    NotByOwnLaw = "qualification.not_by_own_law", "ETSI TS 119 612, 5.3.13; Regulation (EU) No 910/2014, 14",
        "The certificate is not known to be qualified by the law of its own country.",
        "Не встановлено, що сертифікат кваліфікований за законодавством своєї країни.";
    /// A time-stamp from before there were qualified ones.
    BeforeRegulation = "qualification.before_regulation", "Regulation (EU) No 910/2014, 42 and 52",
        "The time-stamp is from before 1 July 2016, when the law did not know qualified time-stamps yet.",
        "Позначку часу створено до 1 липня 2016 року, коли закон ще не знав кваліфікованих позначок часу.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_reasons_speak_both_languages() {
        let codes: BTreeSet<_> = StatusReason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), StatusReason::ALL.len());
        for reason in StatusReason::ALL {
            let code = reason.code();
            assert!(code.starts_with("qualification.") && !reason.clause().is_empty(), "{code}");
            assert!(reason.text_en().is_ascii() && reason.text_en().ends_with('.'), "{code}");
            assert!(reason.text_uk().chars().any(|letter| ('а'..='я').contains(&letter)), "{code}");
        }
    }
}
