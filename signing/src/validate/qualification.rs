//! Whether a signature or a time-stamp is a qualified one: what the trusted lists make of the certificate
//! ([`certs::qualified_status`], ETSI TS 119 615), and what validation made of the signature.
//!
//! A signature is qualified where it passed, its certificate was qualified both when it was issued and when the signature is known to
//! have existed, and its key was in a qualified device then (Regulation (EU) No 910/2014, 32 and 40; Law of Ukraine 2155-VIII, 18).

use certs::certificate::QcType;
use certs::path::VerifiedPath;
use certs::qualified_status::{Answer, Equivalent, StatusAt, StatusReason, of_certificate, of_timestamp};
use certs::trust_list::{Listed, Scheme, TrustList};
use crypto::digest::hex;
use schemas::report::{
    CertificateQualification, CertificateUsage, EquivalentQualification, Indication, LegalAnswer, LegalScheme,
    ListedService, Reason, SignatureClass, SignatureQualification, TimestampQualification,
};
use time::OffsetDateTime;

use super::Context;
use super::report::rfc3339;

/// Of a signature that came to `indication` and is known to have existed at `best`. `None` where there is no list.
pub(super) fn of_signature(
    path: Option<&VerifiedPath>,
    best: OffsetDateTime,
    indication: Indication,
    context: &Context<'_>,
) -> Option<SignatureQualification> {
    let services = context.trust.services();
    if services.lists().is_empty() {
        return None;
    }
    let status = path.and_then(|path| of_certificate(path.certificates(), services, best));
    let (would_be, mut reasons) = match &status {
        Some(status) => would_be(status.qualified(), status.usage(), status.device()),
        None => (SignatureClass::Indeterminate, vec![Ground::NoPath]),
    };
    let (signature, if_passed) = after(indication, would_be);
    reasons.extend(not_passed(indication));
    let service =
        status.as_ref().and_then(|status| status.at_time.services.first().or(status.at_issue.services.first()));
    reasons.extend(service.and_then(|service| overdue(service.list, context)));
    reasons.sort_by_key(|ground| ground.rank());
    Some(SignatureQualification {
        signature,
        if_passed,
        scheme: status.as_ref().and_then(|status| status.scheme).map(scheme),
        certificate_at_issue: status.as_ref().map(|status| certificate(&status.at_issue)),
        certificate_at_signing: status.as_ref().map(|status| certificate(&status.at_time)),
        service: service.map(listed),
        equivalent: status
            .as_ref()
            .and_then(|status| status.equivalent.as_ref())
            .map(|one| equivalent(one, indication, context)),
        reasons: reasons.into_iter().map(Ground::reason).collect(),
    })
}

/// Of a token of the time `at` that came to `indication`. `None` where there is no list.
pub(super) fn of_token(
    path: Option<&VerifiedPath>,
    at: OffsetDateTime,
    indication: Indication,
    context: &Context<'_>,
) -> Option<TimestampQualification> {
    let services = context.trust.services();
    if services.lists().is_empty() {
        return None;
    }
    let status = path.map(|path| of_timestamp(path.certificates(), services, at));
    let qualified = status.as_ref().map_or(Answer::Undecided, |status| status.qualified);
    let service = status.as_ref().and_then(|status| status.services.first());
    let no_path = status.is_none().then_some(Ground::NoPath).map(Ground::reason);
    let of_status = status.iter().flat_map(|status| &status.reasons).map(|reason| of_certs(*reason));
    let overdue = service.and_then(|service| overdue(service.list, context)).map(Ground::reason);
    let qualification = TimestampQualification {
        timestamp: answer(qualified),
        scheme: status.as_ref().and_then(|status| status.scheme).map(scheme),
        service: service.map(listed),
        reasons: no_path.into_iter().chain(of_status).chain(overdue).collect(),
    };
    Some(bounded(qualification, indication))
}

/// The same of a time-stamp, or a record of several, that came to `indication`.
pub(super) fn bounded(mut qualification: TimestampQualification, indication: Indication) -> TimestampQualification {
    let Some(ground) = not_passed(indication) else { return qualification };
    qualification.timestamp = match indication {
        Indication::TotalFailed => LegalAnswer::No,
        _ if qualification.timestamp == LegalAnswer::Yes => LegalAnswer::Indeterminate,
        _ => qualification.timestamp,
    };
    let reason = ground.reason();
    if !qualification.reasons.contains(&reason) {
        qualification.reasons.insert(0, reason);
    }
    qualification
}

/// What a signature is by another law. `indication` is its own.
fn equivalent(status: &Equivalent<'_>, indication: Indication, context: &Context<'_>) -> EquivalentQualification {
    let (would_be, mut grounds) = would_be(status.qualified(), status.usage(), status.device());
    let (signature, if_passed) = after(indication, would_be);
    grounds.extend(not_passed(indication));
    grounds.extend(overdue(status.list, context));
    grounds.sort_by_key(|ground| ground.rank());
    let recognised = (status.qualified() == Answer::Yes).then(|| recognised(status));
    EquivalentQualification {
        signature,
        if_passed,
        scheme: scheme(status.scheme),
        legal_identifier: status.legal_identifier.to_owned(),
        territory: status.list.territory.clone(),
        list_number: status.list.sequence_number,
        list_sha256: hex(&status.list.sha256),
        certificate_at_issue: certificate(&status.at_issue),
        certificate_at_signing: certificate(&status.at_time),
        reasons: recognised.into_iter().chain(grounds.into_iter().map(Ground::reason)).collect(),
    }
}

fn recognised(status: &Equivalent<'_>) -> Reason {
    let (law_en, law_uk) = match status.scheme {
        Scheme::Ukrainian => ("Law of Ukraine 2155-VIII", "Законом України 2155-VIII"),
        Scheme::European => ("Regulation (EU) No 910/2014", "Регламентом (ЄС) № 910/2014"),
    };
    let identifier = status.legal_identifier;
    Reason {
        code: "qualification.recognised".into(),
        text_en: format!("The certificate is recognised as equivalent to qualified under {law_en} by {identifier}."),
        text_uk: format!("Сертифікат визнано рівнозначним кваліфікованому за {law_uk} згідно з {identifier}."),
        clause: "ETSI TS 119 612, 5.3.13; Regulation (EU) No 910/2014, 14".into(),
    }
}

/// What a signature is that came to `indication`, and what it would be had it passed, where it may yet.
fn after(indication: Indication, would_be: SignatureClass) -> (SignatureClass, Option<SignatureClass>) {
    let signature = match indication {
        Indication::TotalPassed => would_be,
        Indication::TotalFailed => SignatureClass::NotQualified,
        Indication::Indeterminate if would_be == SignatureClass::NotQualified => would_be,
        Indication::Indeterminate => SignatureClass::Indeterminate,
    };
    (signature, (indication == Indication::Indeterminate && would_be != signature).then_some(would_be))
}

/// What a signature that passed is with such a certificate.
fn would_be(qualified: Answer, usage: Option<QcType>, device: Option<Answer>) -> (SignatureClass, Vec<Ground>) {
    use SignatureClass::{
        AdvancedSealOnQualifiedCertificate, AdvancedSignatureOnQualifiedCertificate, Indeterminate, NotQualified,
        QualifiedSeal, QualifiedSignature,
    };
    match (qualified, usage, device) {
        (Answer::No, ..) => (NotQualified, vec![Ground::CertificateNotQualified]),
        (_, Some(QcType::Website), _) => (NotQualified, vec![Ground::WebsiteCertificate]),
        (Answer::Undecided, ..) => (Indeterminate, vec![Ground::CertificateUndecided]),
        (_, None, _) => (Indeterminate, vec![Ground::UsageUndecided]),
        (_, _, None | Some(Answer::Undecided)) => (Indeterminate, vec![Ground::DeviceUndecided]),
        (_, Some(QcType::Signature), Some(Answer::Yes)) => (QualifiedSignature, Vec::new()),
        (_, Some(QcType::Seal), Some(Answer::Yes)) => (QualifiedSeal, Vec::new()),
        (_, Some(QcType::Signature), _) => (AdvancedSignatureOnQualifiedCertificate, vec![Ground::NoDevice]),
        (_, Some(QcType::Seal), _) => (AdvancedSealOnQualifiedCertificate, vec![Ground::NoDevice]),
    }
}

fn certificate(status: &StatusAt<'_>) -> CertificateQualification {
    CertificateQualification {
        time: rfc3339(status.at).unwrap_or_default(),
        qualified: answer(status.qualified),
        usage: status.usage.map(|usage| match usage {
            QcType::Signature => CertificateUsage::Signature,
            QcType::Seal => CertificateUsage::Seal,
            QcType::Website => CertificateUsage::Website,
        }),
        device: status.device.map(answer),
        reasons: status.reasons.iter().map(|reason| of_certs(*reason)).collect(),
    }
}

fn answer(answer: Answer) -> LegalAnswer {
    match answer {
        Answer::Yes => LegalAnswer::Yes,
        Answer::No => LegalAnswer::No,
        Answer::Undecided => LegalAnswer::Indeterminate,
    }
}

fn scheme(scheme: Scheme) -> LegalScheme {
    match scheme {
        Scheme::Ukrainian => LegalScheme::Ukraine,
        Scheme::European => LegalScheme::EuropeanUnion,
    }
}

fn listed(listed: &Listed<'_>) -> ListedService {
    ListedService {
        provider: listed.provider.names.best().to_owned(),
        service: listed.service.names.best().to_owned(),
        territory: listed.list.territory.clone(),
        list_number: listed.list.sequence_number,
        list_sha256: hex(&listed.list.sha256),
    }
}

fn of_certs(reason: StatusReason) -> Reason {
    Reason {
        code: reason.code().into(),
        text_en: reason.text_en().into(),
        text_uk: reason.text_uk().into(),
        clause: reason.clause().into(),
    }
}

fn not_passed(indication: Indication) -> Option<Ground> {
    match indication {
        Indication::TotalPassed => None,
        Indication::TotalFailed => Some(Ground::Failed),
        Indication::Indeterminate => Some(Ground::NotPassed),
    }
}

/// TS 119 615, 4.2: a list that is past its next update still says what it says, and that is told.
fn overdue(list: &TrustList, context: &Context<'_>) -> Option<Ground> {
    list.next_update.is_none_or(|next| next < context.at).then_some(Ground::ListOverdue)
}

macro_rules! grounds {
    ($($name:ident = $code:literal, $rank:literal, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// Why a signature is no more than it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Ground { $($name,)* }

        impl Ground {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Lower is more important.
            fn rank(self) -> u8 { match self { $(Self::$name => $rank),* } }

            fn reason(self) -> Reason {
                match self {
                    $(Self::$name => Reason { code: $code.into(), text_en: $en.into(), text_uk: $uk.into(), clause: $clause.into() }),*
                }
            }
        }
    };
}

grounds! {
    Failed = "qualification.failed", 0, "Regulation (EU) No 910/2014, 32; Law of Ukraine 2155-VIII, 18",
        "It is not valid, and only what is valid is qualified.",
        "Чинність спростовано, а кваліфікованим є лише чинне.";
    NotPassed = "qualification.not_passed", 0, "Regulation (EU) No 910/2014, 32; Law of Ukraine 2155-VIII, 18",
        "It cannot be told whether it is valid; only what is valid is qualified.",
        "Чинність не встановлено, а кваліфікованим є лише чинне.";
    NoPath = "qualification.no_path", 1, "ETSI TS 119 615, 4.3",
        "No path from the certificate to a trusted authority was found, so no trusted list can be asked about it.",
        "Шляху від сертифіката до довіреного центру не знайдено, тому про нього не можна дізнатися з довірчих списків.";
    CertificateNotQualified = "qualification.certificate_not_qualified", 1, "ETSI TS 119 615, 4.4; Regulation (EU) No 910/2014, 32; Law of Ukraine 2155-VIII, 18",
        "The signing certificate was not a qualified one both when it was issued and when it was used.",
        "Сертифікат підписувача не був кваліфікованим і на час видачі, і на час використання.";
    CertificateUndecided = "qualification.certificate_undecided", 1, "ETSI TS 119 615, 4.4",
        "It cannot be told from the trusted lists whether the signing certificate was a qualified one.",
        "З довірчих списків неможливо встановити, чи був сертифікат підписувача кваліфікованим.";
    WebsiteCertificate = "qualification.website_certificate", 1, "ETSI TS 119 615, 4.4; Regulation (EU) No 910/2014, 45",
        "The signing certificate is one for websites.",
        "Сертифікат підписувача призначено для вебсайтів.";
    UsageUndecided = "qualification.usage_undecided", 1, "ETSI TS 119 615, 4.4",
        "It cannot be told whether the signing certificate is for signatures or for seals.",
        "Неможливо встановити, чи призначено сертифікат підписувача для підписів чи для печаток.";
    DeviceUndecided = "qualification.device_undecided", 1, "ETSI TS 119 615, 4.5",
        "It cannot be told whether the key was in a qualified device.",
        "Неможливо встановити, чи зберігався ключ у кваліфікованому засобі.";
    NoDevice = "qualification.no_device", 1, "ETSI TS 119 615, 4.5; Regulation (EU) No 910/2014, 3(12) and 3(27); Law of Ukraine 2155-VIII, 1",
        "Neither the certificate nor the trusted list says that the key is in a qualified device.",
        "Ні сертифікат, ні довірчий список не засвідчує, що ключ зберігається у кваліфікованому засобі.";
    ListOverdue = "qualification.list_overdue", 2, "ETSI TS 119 615, 4.2; ETSI TS 119 612, 5.3.15",
        "A newer issue of the trusted list should be there by the time of validation.",
        "На час перевірки вже мав бути новіший випуск довірчого списку.";
}

#[cfg(test)]
mod tests;
