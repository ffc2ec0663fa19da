//! Agreements on mutual recognition: the usual terms, and elements of any.

use time::OffsetDateTime;

use super::{LIST, QUALIFICATION, RECOGNITION, XADES, criteria_of, date, in_english, text};
use crate::dev::tag::Tag;
use crate::trust_list::{
    AdditionalService, AgreementStatus, ContentContext, ContentEquivalence, Criteria, Criterion, Equivalence, Match,
    Qualifier, Recognition, Scheme, ServiceStatus, ServiceType, Sides, StatementContent, StatementCriterion, Terms,
    TypeOfService,
};

const COMPLIANCE: &str = "0.4.0.1862.1.1";
const DEVICE: &str = "0.4.0.1862.1.4";
const TYPE: &str = "0.4.0.1862.1.6";
const TYPE_SIGNATURE: &str = "0.4.0.1862.1.6.1";
const LEGISLATION: &str = "0.4.0.1862.1.7";

/// An agreement of the European Union with `country` on services of `identifier` for signatures, called `QCForESig`: qualified there are
/// certificates with QcCompliance that name the country. `history`: what it was and is, and since when, the present first.
#[must_use]
pub fn agreement(country: &str, identifier: &str, history: &[(AgreementStatus, OffsetDateTime)]) -> Recognition {
    let terms = history.iter().map(|(status, since)| Terms {
        status: *status,
        since: *since,
        types: Sides {
            pointing: vec![TypeOfService {
                identifier: ServiceType::QualifiedCertificates(Scheme::European).uri(),
                additional: Some(AdditionalService::Signatures),
            }],
            pointed: vec![TypeOfService { identifier: identifier.into(), additional: None }],
        },
        valid: Sides { pointing: vec![ServiceStatus::Granted], pointed: vec![ServiceStatus::Granted] },
        invalid: Sides { pointing: vec![ServiceStatus::Withdrawn], pointed: vec![ServiceStatus::Withdrawn] },
        contents: contents(country),
        qualifiers: vec![
            Sides { pointing: Qualifier::WithDevice, pointed: Qualifier::WithDevice },
            Sides { pointing: Qualifier::NotQualified, pointed: Qualifier::NotQualified },
        ],
    });
    Recognition {
        legislation: Sides { pointing: "urn:example:union".into(), pointed: format!("urn:example:{country}") },
        equivalences: vec![Equivalence { legal_identifier: "QCForESig".into(), terms: terms.collect() }],
    }
}

fn contents(country: &str) -> Vec<ContentEquivalence> {
    let bare = |identifier: &str| StatementCriterion { identifier: identifier.into(), says: None };
    let saying = |identifier: &str, says| StatementCriterion { identifier: identifier.into(), says: Some(says) };
    let set = |of, statements| Criteria { of, criteria: vec![Criterion::Statements(statements)] };
    let of_country = saying(LEGISLATION, StatementContent::Country(country.into()));
    let signature = || saying(TYPE, StatementContent::Type(TYPE_SIGNATURE.into()));
    let without_country = Criteria {
        of: Match::All,
        criteria: vec![
            Criterion::Nested(set(Match::All, vec![bare(COMPLIANCE)])),
            Criterion::Nested(set(Match::None, vec![bare(LEGISLATION)])),
        ],
    };
    let pair = |context, pointing, pointed| ContentEquivalence { context, declaration: Sides { pointing, pointed } };
    vec![
        pair(ContentContext::Compliance, without_country, set(Match::All, vec![bare(COMPLIANCE), of_country])),
        pair(ContentContext::Type, set(Match::All, vec![signature()]), set(Match::All, vec![signature()])),
        pair(ContentContext::Device, set(Match::All, vec![bare(DEVICE)]), set(Match::All, vec![bare(DEVICE)])),
    ]
}

pub(super) fn tag(recognition: &Recognition) -> Tag {
    of("MutualRecognitionAgreementInformation")
        .with_attribute("", "technicalType", "1")
        .with_attribute("", "version", "1")
        .with_attribute("", "MRADepth", "1")
        .with_attribute("", "pointingContractingPartyLegislation", &recognition.legislation.pointing)
        .with_attribute("", "pointedContractingPartyLegislation", &recognition.legislation.pointed)
        .with(recognition.equivalences.iter().map(equivalence))
}

fn equivalence(equivalence: &Equivalence) -> Tag {
    let (present, former) = equivalence.terms.split_first().map_or((None, &[][..]), |(one, rest)| (Some(one), rest));
    let former = (!former.is_empty()).then(|| {
        let instances =
            former.iter().map(|terms| of("TrustServiceEquivalenceHistoryInstance").with(self::terms(terms)));
        of("TrustServiceEquivalenceHistory").with(instances)
    });
    of("TrustServiceEquivalenceInformation")
        .with([of("TrustServiceLegalIdentifier").with_text(&equivalence.legal_identifier)])
        .with(present.into_iter().flat_map(terms))
        .with(former)
}

fn terms(terms: &Terms) -> Vec<Tag> {
    let types = sides("TrustServiceTSLTypeEquivalenceList", "TrustServiceTSLTypeList", &terms.types, |name, types| {
        of(name).with(types.iter().map(type_of_service))
    });
    let statuses = |name: &str, both| {
        sides(name, "TrustServiceTSLStatusList", both, |name, statuses: &Vec<ServiceStatus>| {
            of(name).with(statuses.iter().map(|status| text("ServiceStatus", &status.uri())))
        })
    };
    let contents = (!terms.contents.is_empty())
        .then(|| of("CertificateContentReferencesEquivalenceList").with(terms.contents.iter().map(content)));
    let mut all = vec![
        types,
        of("TrustServiceEquivalenceStatus").with_text(&terms.status.uri()),
        of("TrustServiceEquivalenceStatusStartingTime").with_text(&date(terms.since)),
        of("TrustServiceTSLStatusEquivalenceList").with([
            statuses("TrustServiceTSLStatusValidEquivalence", &terms.valid),
            statuses("TrustServiceTSLStatusInvalidEquivalence", &terms.invalid),
        ]),
    ];
    all.extend(contents);
    all.extend((!terms.qualifiers.is_empty()).then(|| qualifiers(&terms.qualifiers)));
    all
}

fn type_of_service(one: &TypeOfService) -> Tag {
    let additional = one
        .additional
        .as_ref()
        .map(|additional| Tag::new(LIST, "AdditionalServiceInformation").with([in_english("URI", &additional.uri())]));
    of("TrustServiceTSLType").with([text("ServiceTypeIdentifier", &one.identifier)]).with(additional)
}

fn content(content: &ContentEquivalence) -> Tag {
    let declaration = |name: &str, criteria| {
        let tag = criteria_of(criteria);
        Tag { namespace: RECOGNITION.into(), name: name.into(), ..tag }
    };
    of("CertificateContentReferenceEquivalence").with([
        of("CertificateContentReferenceEquivalenceContext").with_text(&content.context.uri()),
        declaration("CertificateContentDeclarationPointingParty", &content.declaration.pointing),
        declaration("CertificateContentDeclarationPointedParty", &content.declaration.pointed),
    ])
}

fn qualifiers(all: &[Sides<Qualifier>]) -> Tag {
    let name = "Sie:Q".to_owned();
    let extension = "TrustServiceTSLQualificationExtensionName";
    let names = sides(extension, extension, &Sides { pointing: name.clone(), pointed: name }, |name, text| {
        of(name).with_text(text)
    });
    let pairs = all.iter().map(|pair| {
        sides("QualifierEquivalence", "Qualifier", pair, |name, one| of(name).with_attribute("", "uri", &one.uri()))
    });
    of("TrustServiceTSLQualificationExtensionEquivalenceList").with([names, of("QualifierEquivalenceList").with(pairs)])
}

/// Statements as a criterion.
pub(super) fn statements(all: &[StatementCriterion]) -> Tag {
    let identifier = |tag: Tag, dotted: &str| {
        let urn = format!("urn:oid:{dotted}");
        tag.with([Tag::new(XADES, "Identifier").with_attribute("", "Qualifier", "OIDAsURN").with_text(&urn)])
    };
    let one = |statement: &StatementCriterion| {
        let says = statement.says.as_ref().map(|says| {
            of("QcStatementInfo").with([match says {
                StatementContent::Type(dotted) => identifier(of("QcType"), dotted),
                StatementContent::Country(country) => of("QcCClegislation").with_text(country),
            }])
        });
        of("QcStatement").with([identifier(of("QcStatementId"), &statement.identifier)]).with(says)
    };
    Tag::new(QUALIFICATION, "otherCriteriaList").with([of("QcStatementSet").with(all.iter().map(one))])
}

fn sides<T>(name: &str, stem: &str, both: &Sides<T>, tag: impl Fn(&str, &T) -> Tag) -> Tag {
    of(name).with([
        tag(&format!("{stem}PointingParty"), &both.pointing),
        tag(&format!("{stem}PointedParty"), &both.pointed),
    ])
}

fn of(name: &str) -> Tag {
    Tag::new(RECOGNITION, name)
}
