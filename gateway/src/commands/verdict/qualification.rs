//! What a signature or a time-stamp is by law, as a person reads it.

use schemas::report::{
    CertificateQualification, EquivalentQualification, LegalAnswer, LegalScheme, ListedService, Reason, SignatureClass,
    SignatureQualification, TimestampQualification,
};

use super::super::terminal::Language;

/// One line: what it is, by whose law, who issued the certificate, and which list says so.
pub(super) fn line(qualification: &SignatureQualification, language: Language) -> String {
    let named = |class| format!("{}{}", class_name(class, language), law(qualification.scheme, class, language));
    let mut line = match qualification.if_passed {
        Some(class) => {
            let condition = language.choose("; if the signature is valid, it is: ", "; якщо підпис чинний, це: ");
            format!("{}{condition}{}", class_name(qualification.signature, language), named(class))
        }
        None => named(qualification.signature),
    };
    if let Some(service) = &qualification.service {
        line.push_str(", ");
        line.push_str(&issued_by(service, language));
    }
    line
}

/// A line of what it is by another law, where an agreement is about it.
pub(super) fn equivalent_line(qualification: &SignatureQualification, language: Language) -> Option<String> {
    let equivalent = qualification.equivalent.as_ref()?;
    let named = |class| format!("{}{}", class_name(class, language), law(Some(equivalent.scheme), class, language));
    let what = match equivalent.if_passed {
        Some(class) => {
            let condition = language.choose("; if the signature is valid, it is: ", "; якщо підпис чинний, це: ");
            format!("{}{condition}{}", class_name(equivalent.signature, language), named(class))
        }
        None => named(equivalent.signature),
    };
    let EquivalentQualification { legal_identifier, territory, list_number, .. } = equivalent;
    let by = match language {
        Language::English => format!("agreement {legal_identifier}, list {territory} No. {list_number}"),
        Language::Ukrainian => format!("угода {legal_identifier}, список {territory} № {list_number}"),
    };
    Some(format!("{what}, {by}"))
}

/// The reasons, each with whether it is said of the signature or of its certificate at a time.
pub(super) fn reasons<'q>(
    qualification: &'q SignatureQualification,
    language: Language,
) -> Vec<(&'static str, &'q Reason)> {
    let of = |certificate: &'q Option<CertificateQualification>| -> &'q [Reason] {
        certificate.as_ref().map(|certificate| certificate.reasons.as_slice()).unwrap_or_default()
    };
    let (at_issue, at_signing) = (of(&qualification.certificate_at_issue), of(&qualification.certificate_at_signing));
    let both = language.choose("certificate at issue and at signing: ", "сертифікат на час видачі й підписання: ");
    let issue = language.choose("certificate at issue: ", "сертифікат на час видачі: ");
    let signing = language.choose("certificate at signing: ", "сертифікат на час підписання: ");
    let own = qualification.reasons.iter().map(|reason| ("", reason));
    let at_issue_too = at_issue.iter().map(|reason| (if at_signing.contains(reason) { both } else { issue }, reason));
    let then = at_signing.iter().filter(|reason| !at_issue.contains(reason)).map(|reason| (signing, reason));
    let by_agreement = language.choose("by agreement: ", "за угодою: ");
    let of_other_law = qualification.equivalent.iter().flat_map(|equivalent| {
        let at_issue = &equivalent.certificate_at_issue.reasons;
        let at_signing = &equivalent.certificate_at_signing.reasons;
        let then = at_signing.iter().filter(|reason| !at_issue.contains(reason));
        equivalent.reasons.iter().chain(at_issue).chain(then).map(|reason| (by_agreement, reason))
    });
    own.chain(at_issue_too).chain(then).chain(of_other_law).collect()
}

/// What a signature is, in few words.
pub(super) fn class_name(class: SignatureClass, language: Language) -> &'static str {
    let (english, ukrainian) = match class {
        SignatureClass::QualifiedSignature => ("Qualified electronic signature", "Кваліфікований електронний підпис"),
        SignatureClass::QualifiedSeal => ("Qualified electronic seal", "Кваліфікована електронна печатка"),
        SignatureClass::AdvancedSignatureOnQualifiedCertificate => (
            "Advanced electronic signature on a qualified certificate",
            "Удосконалений електронний підпис, що базується на кваліфікованому сертифікаті",
        ),
        SignatureClass::AdvancedSealOnQualifiedCertificate => (
            "Advanced electronic seal on a qualified certificate",
            "Удосконалена електронна печатка, що базується на кваліфікованому сертифікаті",
        ),
        SignatureClass::NotQualified => ("Not qualified", "Не кваліфікований"),
        SignatureClass::Indeterminate => {
            ("It cannot be told whether it is qualified", "Чи кваліфікований, встановити неможливо")
        }
    };
    match language {
        Language::English => english,
        Language::Ukrainian => ukrainian,
    }
}

/// What to add to the line of a time-stamp.
pub(super) fn of_timestamp(qualification: &TimestampQualification, language: Language) -> String {
    let scheme = qualification.scheme.map(|scheme| format!(" ({})", law_name(scheme, language))).unwrap_or_default();
    match qualification.timestamp {
        LegalAnswer::Yes => format!(", {}{scheme}", language.choose("qualified", "кваліфікована")),
        LegalAnswer::No => format!(", {}", language.choose("not qualified", "не кваліфікована")),
        LegalAnswer::Indeterminate => {
            let unknown = language
                .choose(", it cannot be told whether it is qualified", ", чи кваліфікована, встановити неможливо");
            unknown.to_owned()
        }
    }
}

/// The law by which a signature is what it is; nothing where it is nothing by law.
fn law(scheme: Option<LegalScheme>, class: SignatureClass, language: Language) -> String {
    match (scheme, class) {
        (None, _) | (_, SignatureClass::NotQualified | SignatureClass::Indeterminate) => String::new(),
        (Some(scheme), _) => format!(" ({})", law_name(scheme, language)),
    }
}

fn law_name(scheme: LegalScheme, language: Language) -> &'static str {
    match scheme {
        LegalScheme::Ukraine => language.choose("Law of Ukraine 2155-VIII", "Закон 2155-VIII"),
        LegalScheme::EuropeanUnion => language.choose("Regulation (EU) No 910/2014", "Регламент (ЄС) № 910/2014"),
    }
}

fn issued_by(service: &ListedService, language: Language) -> String {
    let ListedService { provider, service, territory, list_number, .. } = service;
    match language {
        Language::English => format!("provider {provider}, service {service}, list {territory} No. {list_number}"),
        Language::Ukrainian => format!("надавач {provider}, послуга {service}, список {territory} № {list_number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qualification(signature: SignatureClass) -> SignatureQualification {
        let reason = |code: &str| Reason {
            code: code.into(),
            text_en: "Reason.".into(),
            text_uk: "Причина.".into(),
            clause: "4.4".into(),
        };
        let certificate = |codes: &[&str]| CertificateQualification {
            time: "2026-11-23T11:00:00Z".into(),
            qualified: LegalAnswer::Yes,
            usage: None,
            device: None,
            reasons: codes.iter().map(|code| reason(code)).collect(),
        };
        SignatureQualification {
            signature,
            if_passed: None,
            scheme: Some(LegalScheme::Ukraine),
            certificate_at_issue: Some(certificate(&["both", "issue"])),
            certificate_at_signing: Some(certificate(&["signing", "both"])),
            service: Some(ListedService {
                provider: "КНЕДП".into(),
                service: "Видача".into(),
                territory: "UA".into(),
                list_number: 77,
                list_sha256: "00".repeat(32),
            }),
            equivalent: None,
            reasons: vec![reason("own")],
        }
    }

    #[test]
    fn a_line_says_what_by_whose_law_by_whom_and_by_which_list() {
        let qualified = qualification(SignatureClass::QualifiedSignature);
        assert_eq!(
            line(&qualified, Language::Ukrainian),
            "Кваліфікований електронний підпис (Закон 2155-VIII), надавач КНЕДП, послуга Видача, список UA № 77"
        );
        let european =
            SignatureQualification { scheme: Some(LegalScheme::EuropeanUnion), service: None, ..qualified.clone() };
        assert_eq!(line(&european, Language::English), "Qualified electronic signature (Regulation (EU) No 910/2014)");
        let unknown = SignatureQualification {
            signature: SignatureClass::Indeterminate,
            if_passed: Some(SignatureClass::QualifiedSeal),
            service: None,
            ..qualified
        };
        assert_eq!(
            line(&unknown, Language::English),
            "It cannot be told whether it is qualified; if the signature is valid, it is: Qualified electronic seal \
             (Law of Ukraine 2155-VIII)"
        );
        let not = SignatureQualification { service: None, ..qualification(SignatureClass::NotQualified) };
        assert_eq!(line(&not, Language::Ukrainian), "Не кваліфікований");
    }

    #[test]
    fn each_reason_is_said_once_and_of_its_time() {
        let qualification = qualification(SignatureClass::NotQualified);
        let said = reasons(&qualification, Language::English);
        let said: Vec<_> = said.iter().map(|(of, reason)| (*of, reason.code.as_str())).collect();
        let expected = [
            ("", "own"),
            ("certificate at issue and at signing: ", "both"),
            ("certificate at issue: ", "issue"),
            ("certificate at signing: ", "signing"),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn what_an_agreement_makes_of_it_is_a_line_of_its_own() {
        let mut qualification = qualification(SignatureClass::QualifiedSignature);
        assert_eq!(equivalent_line(&qualification, Language::English), None);
        let certificate = |place: usize| {
            let own = [&qualification.certificate_at_issue, &qualification.certificate_at_signing];
            own[place].clone().unwrap()
        };
        qualification.equivalent = Some(EquivalentQualification {
            signature: SignatureClass::Indeterminate,
            if_passed: Some(SignatureClass::QualifiedSignature),
            scheme: LegalScheme::EuropeanUnion,
            legal_identifier: "QCForESig".into(),
            territory: "EU".into(),
            list_number: 5,
            list_sha256: "00".repeat(32),
            certificate_at_issue: certificate(0),
            certificate_at_signing: certificate(1),
            reasons: Vec::new(),
        });
        assert_eq!(
            equivalent_line(&qualification, Language::English).unwrap(),
            "It cannot be told whether it is qualified; if the signature is valid, it is: Qualified electronic signature \
             (Regulation (EU) No 910/2014), agreement QCForESig, list EU No. 5"
        );
        let ukrainian = equivalent_line(&qualification, Language::Ukrainian).unwrap();
        assert!(ukrainian.ends_with("(Регламент (ЄС) № 910/2014), угода QCForESig, список EU № 5"), "{ukrainian}");
        let said = reasons(&qualification, Language::English);
        let by_agreement = said.iter().filter(|(of, _)| *of == "by agreement: ").map(|(_, one)| one.code.as_str());
        assert_eq!(by_agreement.collect::<Vec<_>>(), ["both", "issue", "signing"]);
    }

    #[test]
    fn a_time_stamp_is_named_by_its_law() {
        let of = |timestamp| TimestampQualification {
            timestamp,
            scheme: Some(LegalScheme::Ukraine),
            service: None,
            reasons: Vec::new(),
        };
        assert_eq!(of_timestamp(&of(LegalAnswer::Yes), Language::Ukrainian), ", кваліфікована (Закон 2155-VIII)");
        assert_eq!(of_timestamp(&of(LegalAnswer::No), Language::English), ", not qualified");
        assert!(of_timestamp(&of(LegalAnswer::Indeterminate), Language::English).contains("cannot be told"));
    }
}
