//! Third-country equivalence: what a list of lists makes of a certificate whose own law is another, by an agreement on mutual recognition
//! that it states beside its pointer to the list of that country (TS 119 612, 5.3.13; Regulation (EU) No 910/2014, 14).
//!
//! The service and the certificate are translated as the agreement says, and the translation is judged as any other of the pointing
//! law. What has no translation is worth nothing there, and what the own law denies no agreement gives.

use time::OffsetDateTime;

use super::candidates::{self, Candidate};
use super::criteria::{self, Stated};
use super::judge::{self, Judgement};
use super::statement::Statement;
use super::{Answer, CertificateStatus, StatusAt, StatusReason, best, together};
use crate::asn1::oid;
use crate::certificate::{Certificate, QcType};
use crate::trust_list::{
    AdditionalService, AgreementStatus, ContentContext, Criteria, Equivalence, ListKind, Listed, Pointer,
    Qualification, Qualifier, Scheme, ServiceStatus, ServiceType, Services, State, Terms, TrustList,
};

/// What a certificate is by a law that is not its own.
#[derive(Debug, Clone)]
pub struct Equivalent<'l> {
    /// By whose law.
    pub scheme: Scheme,
    /// The list of lists that states the agreement.
    pub list: &'l TrustList,
    /// What the agreement calls the service.
    pub legal_identifier: &'l str,
    /// When it was issued: at the start of its validity.
    pub at_issue: StatusAt<'l>,
    /// At the time that was asked for.
    pub at_time: StatusAt<'l>,
}

impl Equivalent<'_> {
    /// As [`CertificateStatus::qualified`].
    #[must_use]
    pub fn qualified(&self) -> Answer {
        self.at_time.qualified_since(&self.at_issue)
    }

    /// As [`CertificateStatus::usage`].
    #[must_use]
    pub fn usage(&self) -> Option<QcType> {
        self.at_time.usage_since(&self.at_issue)
    }

    /// As [`CertificateStatus::device`].
    #[must_use]
    pub fn device(&self) -> Option<Answer> {
        self.at_time.device
    }
}

/// An equivalence with where it stands.
#[derive(Clone, Copy)]
struct Agreed<'l> {
    scheme: Scheme,
    list: &'l TrustList,
    pointer: &'l Pointer,
    equivalence: &'l Equivalence,
}

/// What agreements make of the first certificate of `chain`, which is `own` by its own law. `None` where none is about its issuer. Of
/// several that make it qualified and differ in what for, none does.
pub(super) fn of<'s>(
    chain: &'s [Certificate],
    services: &'s Services,
    own: &CertificateStatus<'s>,
    at: OffsetDateTime,
) -> Option<Equivalent<'s>> {
    let certificate = chain.first()?;
    let all = agreed(services).filter(|agreed| own.scheme != Some(agreed.scheme)).filter_map(|agreed| {
        let candidates = agreed.candidates(chain, services);
        // Where no list of a law that is known here names the issuer, there is no word of its own law to hear.
        let status = |at, own| agreed.status_at(certificate, &candidates, at, own);
        (!candidates.is_empty()).then(|| Equivalent {
            scheme: agreed.scheme,
            list: agreed.list,
            legal_identifier: &agreed.equivalence.legal_identifier,
            at_issue: status(certificate.not_before(), own.scheme.map(|_| &own.at_issue)),
            at_time: status(at, own.scheme.map(|_| &own.at_time)),
        })
    });
    let all: Vec<_> = all.collect();
    let qualified: Vec<_> = all.iter().filter(|one| one.qualified() == Answer::Yes).collect();
    let differ = qualified
        .windows(2)
        .any(|pair| matches!(pair, [one, two] if (one.usage(), one.device()) != (two.usage(), two.device())));
    let mut best = best(all.into_iter(), Equivalent::qualified)?;
    if differ {
        best.at_time.hold_against(Answer::Undecided, StatusReason::ServicesDisagree);
    }
    Some(best)
}

/// Every equivalence that a list of lists states, in the order of the lists.
fn agreed(services: &Services) -> impl Iterator<Item = Agreed<'_>> {
    let lists = services.lists().iter().map(AsRef::as_ref).filter(|list| list.kind == ListKind::Lists);
    lists.filter_map(|list| Some((list, scheme_of(list)?))).flat_map(|(list, scheme)| {
        list.pointers.iter().flat_map(move |pointer| {
            let equivalences = pointer.recognition.iter().flat_map(|recognition| &recognition.equivalences);
            equivalences.map(move |equivalence| Agreed { scheme, list, pointer, equivalence })
        })
    })
}

/// The law by which the operator of a list of lists recognises: its own, and no other.
fn scheme_of(list: &TrustList) -> Option<Scheme> {
    match list.territory.as_str() {
        "EU" => Some(Scheme::European),
        "UA" => Some(Scheme::Ukrainian),
        _ => None,
    }
}

impl<'l> Agreed<'l> {
    fn candidates(&self, chain: &'l [Certificate], services: &'l Services) -> Vec<Candidate<'l>> {
        let pointed = || self.equivalence.terms.iter().flat_map(|terms| &terms.types.pointed);
        let is_named = |state: &State| pointed().any(|one| one.is_of(state));
        candidates::of_recognised(chain, services, is_named, |listed: &Listed<'_>| {
            listed.list.kind == ListKind::Services
                && self.pointer.kind != Some(ListKind::Lists)
                && self.pointer.territory.as_deref() == Some(listed.list.territory.as_str())
        })
    }

    fn status_at(
        &self,
        certificate: &Certificate,
        candidates: &[Candidate<'l>],
        at: OffsetDateTime,
        own: Option<&StatusAt<'_>>,
    ) -> StatusAt<'l> {
        let terms = match self.equivalence.at(at) {
            None => return StatusAt::nowhere(at, StatusReason::AgreementNotEnacted),
            Some(terms) if terms.status == AgreementStatus::Repealed => {
                return StatusAt::nowhere(at, StatusReason::AgreementRepealed);
            }
            Some(terms) => terms,
        };
        let in_force: Vec<_> = candidates.iter().filter_map(|one| Some((one.listed, one.recognised_at(at)?))).collect();
        if in_force.is_empty() {
            return StatusAt::nowhere(at, StatusReason::NotListedThen);
        }
        let judged = in_force.into_iter().filter_map(|(listed, state)| {
            let translated = translated(state, terms, self.scheme)?;
            Some((listed, judged(certificate, &translated, terms, self.scheme, at)))
        });
        let judged: Vec<_> = judged.collect();
        if judged.is_empty() {
            return StatusAt::nowhere(at, StatusReason::AgreementType);
        }
        let mut status = together(judged, at);
        if let Some(own) = own.filter(|own| own.qualified != Answer::Yes) {
            status.hold_against(own.qualified, StatusReason::NotByOwnLaw);
        }
        status
    }
}

/// `state` as the pointing law would write it; `None` where its type has no equivalent.
fn translated(state: &State, terms: &Terms, scheme: Scheme) -> Option<State> {
    let issuing = ServiceType::QualifiedCertificates(scheme);
    let is_named = state.kind != issuing && terms.types.pointed.iter().any(|one| one.is_of(state));
    let types = || terms.types.pointing.iter().filter(|one| ServiceType::from_uri(&one.identifier) == issuing);
    let first = types().next().filter(|_| is_named)?;
    // A type that is equivalent whatever it is for says nothing of what it is for.
    let additional: Vec<AdditionalService> = types().filter_map(|one| one.additional.clone()).collect();
    let is_valid = terms.valid.pointed.contains(&state.status)
        && !terms.invalid.pointed.contains(&state.status)
        && terms.valid.pointing.contains(&ServiceStatus::Granted);
    let qualifications = state.qualifications.iter().map(|one| Qualification {
        qualifiers: one.qualifiers.iter().map(|qualifier| qualifier_of(*qualifier, terms)).collect(),
        criteria: one.criteria.clone(),
    });
    Some(State {
        kind: issuing,
        type_identifier: first.identifier.clone(),
        status: if is_valid { ServiceStatus::Granted } else { ServiceStatus::Withdrawn },
        since: state.since,
        additional,
        qualifications: qualifications.collect(),
        keeps_expired_since: None,
        is_beyond_us: state.is_beyond_us,
    })
}

/// Its only equivalent, else one that nobody knows.
fn qualifier_of(qualifier: Qualifier, terms: &Terms) -> Qualifier {
    let mut known = terms.qualifiers.iter().filter(|pair| pair.pointed == qualifier && qualifier != Qualifier::Unknown);
    let first = known.next().map_or(Qualifier::Unknown, |pair| pair.pointing);
    if known.all(|pair| pair.pointing == first) { first } else { Qualifier::Unknown }
}

/// What the pointing law makes of a service in the translated `state`.
fn judged(certificate: &Certificate, state: &State, terms: &Terms, scheme: Scheme, at: OffsetDateTime) -> Judgement {
    let content = Content { certificate, terms, scheme };
    let (compliance, (usage, is_use_clear)) = (content.compliance(), content.usage());
    let statement = Statement {
        // Whether that is beyond doubt is held against it below.
        qualified: compliance != Answer::No,
        usage,
        device: content.device() == Answer::Yes,
        other_law: false,
    };
    let mut judgement = judge::judge(certificate, &statement, scheme, state, at);
    // Said of the translation, these would be said of the certificate.
    judgement.reasons.retain(|reason| !matches!(reason, StatusReason::NotStated | StatusReason::UsageUnclear));
    // That it is qualified and what for are in the certificate, by the agreement, whatever else the list says of it.
    let is_equivalent = compliance.and(match (usage, is_use_clear) {
        (Some(_), _) => Answer::Yes,
        (None, true) => Answer::No,
        (None, false) => Answer::Undecided,
    });
    if is_equivalent != Answer::Yes {
        judgement.hold_against(is_equivalent, StatusReason::AgreementContent);
    }
    // What the list says of the certificate and the agreement has no word for may be that it is not qualified.
    if judgement.reasons.contains(&StatusReason::QualifierUnknown) {
        judgement.reasons.retain(|reason| *reason != StatusReason::QualifierUnknown);
        judgement.hold_against(Answer::Undecided, StatusReason::AgreementQualifier);
    }
    judgement
}

/// What a certificate says of itself, in the words of the pointing law.
struct Content<'a> {
    certificate: &'a Certificate,
    terms: &'a Terms,
    scheme: Scheme,
}

impl<'a> Content<'a> {
    /// What the pointing party declares in its certificates where this one declares what the pointed party does, with whether it does.
    fn declared(&self, context: ContentContext) -> impl Iterator<Item = (&'a Criteria, Answer)> {
        let certificate = self.certificate;
        let contents = self.terms.contents.iter().filter(move |one| one.context == context);
        contents.map(move |one| (&one.declaration.pointing, criteria::hold(&one.declaration.pointed, certificate)))
    }

    /// Whether it says that it is qualified.
    fn compliance(&self) -> Answer {
        let says = |criteria: &Criteria| qualified_by(self.scheme).iter().any(|stated| means(criteria, stated));
        any(self.declared(ContentContext::Compliance).filter(|(criteria, _)| says(criteria)).map(|(_, answer)| answer))
    }

    /// What it says that it is for, and whether that is beyond doubt. A declaration that fits several uses names none.
    fn usage(&self) -> (Option<QcType>, bool) {
        let use_of = |criteria: &Criteria| {
            let fits = |usage: &QcType| criteria::hold_for_statements(criteria, &with_type(*usage)) == Answer::Yes;
            let mut fitting = [QcType::Signature, QcType::Seal, QcType::Website].into_iter().filter(fits);
            fitting.next().filter(|_| fitting.next().is_none())
        };
        let declared: Vec<_> = self.declared(ContentContext::Type).filter(|(_, is)| *is != Answer::No).collect();
        let is_clear = declared.iter().all(|(_, is)| *is == Answer::Yes);
        let mut uses = declared.iter().map(|(criteria, _)| use_of(criteria));
        let first = uses.next().flatten().filter(|_| is_clear);
        (first.filter(|first| uses.all(|other| other == Some(*first))), is_clear)
    }

    /// Whether it says that its key is in a qualified device.
    fn device(&self) -> Answer {
        let stated = Stated { identifiers: vec![oid::QC_SSCD.to_string()], ..Stated::default() };
        let declared = self.declared(ContentContext::Device).filter(|(criteria, _)| means(criteria, &stated));
        any(declared.map(|(_, answer)| answer))
    }
}

/// Whether a declaration is made by these statements, and not without them.
fn means(criteria: &Criteria, stated: &Stated) -> bool {
    criteria::hold_for_statements(criteria, stated) == Answer::Yes
        && criteria::hold_for_statements(criteria, &Stated::default()) == Answer::No
}

/// The ways in which a certificate says that it is qualified by the law of `scheme`.
fn qualified_by(scheme: Scheme) -> Vec<Stated> {
    let stated = |identifiers: &[String], countries: &[&str]| Stated {
        identifiers: identifiers.to_vec(),
        countries: countries.iter().map(|&country| country.to_owned()).collect(),
        ..Stated::default()
    };
    let compliance = oid::QC_COMPLIANCE.to_string();
    match scheme {
        Scheme::European => vec![stated(&[compliance], &[])],
        Scheme::Ukrainian => vec![
            stated(&[oid::UA_QUALIFIED.to_string()], &[]),
            stated(&[compliance, oid::QC_LEGISLATION.to_string()], &["UA"]),
        ],
    }
}

fn with_type(usage: QcType) -> Stated {
    let identifiers = [oid::QC_COMPLIANCE, oid::QC_TYPE].map(|one| one.to_string()).to_vec();
    Stated { identifiers, types: vec![criteria::type_identifier(usage)], ..Stated::default() }
}

/// Whether one holds. None is no.
fn any(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.fold(Answer::No, |known, next| match (known, next) {
        (Answer::Yes, _) | (_, Answer::Yes) => Answer::Yes,
        (Answer::No, Answer::No) => Answer::No,
        _ => Answer::Undecided,
    })
}
