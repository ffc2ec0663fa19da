//! A validation report as a person reads it.

mod qualification;

use std::fmt::Write as _;
use std::path::Path;

use schemas::report::{
    Indication, MissingFact, MissingKind, Reason, Report, SignatureReport, SignedForm, SubIndication, TimestampKind,
    TimestampReport,
};

use super::terminal::{Language, printable};

/// The report as text, with the reasons in the reader's language.
pub(crate) fn readable(report: &Report, file: &Path, language: Language) -> String {
    // Writing to a String cannot fail, hence the ignored results.
    let mut text = String::new();
    let _ = writeln!(text, "{}: {}, SHA-256 {}", file.display(), report.format, report.digest);
    for (number, signature) in (1..).zip(&report.signatures) {
        let _ = writeln!(text, "\n{number}. {}", headline(signature, language));
        for (label, value) in facts(signature, language) {
            let _ = writeln!(text, "   {label:<14} {value}");
        }
        for reason in &signature.reasons {
            let _ = writeln!(text, "   - {}", sentence(reason, language));
        }
        for (of, reason) in signature.qualification.iter().flat_map(|one| qualification::reasons(one, language)) {
            let _ = writeln!(text, "   - {of}{}", sentence(reason, language));
        }
        timestamps(&signature.timestamps, language, &mut text);
        for missing in &signature.missing {
            let _ = writeln!(text, "   ? {}", lacking(missing, language));
        }
        for counter in &signature.counter_signatures {
            let over = language.choose("counter-signature", "підпис над підписом");
            let signer = counter.signer.as_ref().map_or("-", |signer| signer.subject.as_str());
            let class = counter.qualification.as_ref().map(|one| qualification::class_name(one.signature, language));
            let class = class.map(|class| format!(", {class}")).unwrap_or_default();
            let _ = writeln!(text, "   + {over}: {}, {signer}{class}", headline(counter, language));
        }
    }
    timestamps(&report.timestamps, language, &mut text);
    for part in &report.unsigned_parts {
        let _ = writeln!(text, "\n{}: {part}", language.choose("Not signed", "Не підписано"));
    }
    printable(&text)
}

/// One line for each time-stamp, and one for each reason against it.
fn timestamps(stamps: &[TimestampReport], language: Language, text: &mut String) {
    for stamp in stamps {
        let over = match stamp.kind {
            TimestampKind::Content => language.choose("over the content", "на вміст"),
            TimestampKind::Signature => language.choose("over the signature", "на підпис"),
            TimestampKind::SignatureAndReferences => {
                language.choose("over the signature and its references", "на підпис і посилання")
            }
            TimestampKind::References => language.choose("over the references", "на посилання"),
            TimestampKind::Archive => language.choose("archive", "архівна"),
            TimestampKind::Container => language.choose("over the container", "на контейнер"),
            TimestampKind::EvidenceRecord => language.choose("evidence record", "запис доказів"),
        };
        let label = language.choose("time-stamp", "позначка часу");
        let time = stamp.time.as_deref().unwrap_or("-");
        let sub = stamp.sub_indication.as_ref().map(|sub| format!(", {}", sub_name(sub))).unwrap_or_default();
        let law = stamp.qualification.as_ref().map(|one| qualification::of_timestamp(one, language));
        let law = law.unwrap_or_default();
        let _ = writeln!(text, "   * {label} {over}, {time}: {}{sub}{law}", name(&stamp.indication));
        let of_law = stamp.qualification.iter().flat_map(|one| &one.reasons);
        for reason in stamp.reasons.iter().chain(of_law) {
            let _ = writeln!(text, "     - {}", sentence(reason, language));
        }
    }
}

fn lacking(missing: &MissingFact, language: Language) -> String {
    let what = match missing.kind {
        MissingKind::Revocation => language.choose("a fresh answer is missing about", "бракує свіжої відповіді про"),
        MissingKind::Issuer => language.choose("the certificate is missing of", "бракує сертифіката"),
    };
    let where_from = missing.addresses.iter().fold(String::new(), |text, address| text + " <" + address + ">");
    format!("{what} {}{where_from}", missing.subject)
}

fn headline(signature: &SignatureReport, language: Language) -> String {
    let meaning = match signature.indication {
        Indication::TotalPassed => language.choose("the signature is valid", "підпис чинний"),
        Indication::TotalFailed => language.choose("the signature is NOT valid", "підпис НЕ чинний"),
        Indication::Indeterminate => {
            language.choose("it cannot be told whether the signature is valid", "встановити чинність підпису неможливо")
        }
    };
    let mut line = format!("{} ({meaning})", name(&signature.indication));
    if let Some(sub_indication) = &signature.sub_indication {
        let _ = write!(line, ", {}", sub_name(sub_indication));
    }
    line
}

fn facts(signature: &SignatureReport, language: Language) -> Vec<(&'static str, String)> {
    let intact = if signature.intact {
        language.choose("yes: value and digests match", "так: значення й дайджести збігаються")
    } else {
        language.choose("NO", "НІ")
    };
    let label = |english, ukrainian| match language {
        Language::English => english,
        Language::Ukrainian => ukrainian,
    };
    let mut facts =
        vec![(label("level", "рівень"), signature.level.clone()), (label("intact", "цілісність"), intact.to_owned())];
    let by_law = signature.qualification.as_ref().map(|one| qualification::line(one, language));
    facts.extend(by_law.map(|line| (label("by law", "за законом"), line)));
    let by_agreement = signature.qualification.as_ref().and_then(|one| qualification::equivalent_line(one, language));
    facts.extend(by_agreement.map(|line| (label("by agreement", "за угодою"), line)));
    if signature.signed_form == Some(SignedForm::AsSent) {
        let order = language.choose(
            "attributes verify as sent, not in DER order",
            "атрибути підтверджено як надіслано, не в порядку DER",
        );
        facts.push((label("signed form", "форма підпису"), order.to_owned()));
    }
    if let Some(signer) = &signature.signer {
        facts.push((label("signer", "підписувач"), signer.subject.clone()));
        facts.push((label("serial", "серійний №"), signer.serial.clone()));
        facts.extend(signer.edrpou.iter().map(|code| ("ЄДРПОУ", code.clone())));
        facts.extend(signer.rnokpp.iter().map(|code| ("РНОКПП", code.clone())));
    }
    facts.extend(signature.signing_time.iter().map(|time| (label("claimed time", "заявлений час"), time.clone())));
    facts.extend(signature.algorithm.iter().map(|name| (label("algorithm", "алгоритм"), name.clone())));
    facts.extend(signature.signature_policy.iter().map(|oid| (label("policy", "політика"), oid.clone())));
    if !signature.signed_parts.is_empty() {
        facts.push((label("covers", "охоплює"), signature.signed_parts.join(", ")));
    }
    facts.push((label("existed by", "існував на"), signature.best_time.clone()));
    facts
}

fn sentence(reason: &Reason, language: Language) -> String {
    format!("{} [{}; {}]", language.choose(&reason.text_en, &reason.text_uk), reason.code, reason.clause)
}

/// The standard's own names, as in JSON.
fn name(indication: &Indication) -> String {
    serde_name(indication)
}

fn sub_name(sub_indication: &SubIndication) -> String {
    serde_name(sub_indication)
}

fn serde_name(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::report::{SignatureClass, SignatureQualification, Signer};

    fn report() -> Report {
        Report {
            format: "CMS".into(),
            digest: "ab".repeat(32),
            validated_at: "2026-11-23T11:00:00Z".into(),
            policy: "ua-qualified".into(),
            trust: "cd".repeat(32),
            timestamps: Vec::new(),
            signatures: vec![SignatureReport {
                id: "S-1".into(),
                format: "CAdES".into(),
                level: "CAdES-BASELINE-B".into(),
                intact: false,
                signed_form: None,
                algorithm: None,
                chain: Vec::new(),
                signature_policy: None,
                signed_parts: Vec::new(),
                timestamps: Vec::new(),
                counter_signatures: Vec::new(),
                qualification: None,
                missing: Vec::new(),
                indication: Indication::TotalFailed,
                sub_indication: Some(SubIndication::HashFailure),
                signing_time: Some("2026-11-23T10:00:00Z".into()),
                best_time: "2026-11-23T11:00:00Z".into(),
                signer: Some(Signer {
                    subject: "CN=\u{1b}[1mИван".into(),
                    serial: "0a".into(),
                    edrpou: Some("99000001".into()),
                    rnokpp: None,
                }),
                reasons: vec![Reason {
                    code: "hash_failure".into(),
                    text_en: "The document was changed.".into(),
                    text_uk: "Документ змінено.".into(),
                    clause: "5.2.7".into(),
                }],
            }],
            unsigned_parts: vec!["other.pdf".into()],
        }
    }

    #[test]
    fn a_person_reads_verdict_reason_and_signer() {
        let text = readable(&report(), Path::new("a.p7s"), Language::English);
        for part in [
            "NOT valid",
            "HASH_FAILURE",
            "The document was changed. [hash_failure; 5.2.7]",
            "99000001",
            "Not signed: other.pdf",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_person_reads_what_a_signature_is_by_law_and_why() {
        let mut report = report();
        let reason = report.signatures[0].reasons[0].clone();
        report.signatures[0].qualification = Some(SignatureQualification {
            signature: SignatureClass::NotQualified,
            if_passed: None,
            scheme: None,
            certificate_at_issue: None,
            certificate_at_signing: None,
            service: None,
            equivalent: None,
            reasons: vec![Reason { text_en: "It failed.".into(), code: "qualification.failed".into(), ..reason }],
        });
        let text = readable(&report, Path::new("a.p7s"), Language::English);
        assert!(text.contains("by law         Not qualified\n"), "{text}");
        assert!(text.contains("- It failed. [qualification.failed; 5.2.7]"), "{text}");
    }

    #[test]
    fn a_ukrainian_reads_ukrainian() {
        let text = readable(&report(), Path::new("a.p7s"), Language::Ukrainian);
        assert!(text.contains("Документ змінено.") && text.contains("НЕ чинний") && !text.contains("The document"));
    }
}
