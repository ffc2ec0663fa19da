//! Agreements on mutual recognition beside pointers (5.3.13, and the schema of the European Commission for them).
//!
//! What is agreed makes certificates of another law qualified, so nothing of it is guessed: an equivalence in which anything is not
//! known, missing or said twice is left out whole.

use super::super::element::Element;
use super::super::error::ListError;
use super::super::identifier::ServiceStatus;
use super::super::limits;
use super::super::model::{AdditionalService, Criteria, Criterion, Qualifier};
use super::super::namespaces::{LIST, RECOGNITION};
use super::super::recognition::{
    AgreementStatus, ContentContext, ContentEquivalence, Equivalence, Recognition, Sides, Terms, TypeOfService,
};
use super::extensions::{self, Budget};
use super::fields::{self, Fields};

/// The agreement, and what is wrong in it.
///
/// # Errors
/// Where the whole of it is not used: another form, or more than a bound.
pub(super) fn read<E: Element>(element: E) -> Result<(Recognition, Vec<ListError>), ListError> {
    let attribute = |name| element.attribute(None, name).map(str::trim).ok_or(ListError::Missing(name));
    // Forms other than this are not known to mean the same by the same words.
    for name in ["technicalType", "version"] {
        if attribute(name)? != "1" {
            return Err(ListError::Recognition(name));
        }
    }
    // How many lists on from here recognition reaches. One is all that is used.
    if attribute("MRADepth")?.parse::<u32>().map_or(true, |depth| depth == 0) {
        return Err(ListError::Recognition("MRADepth"));
    }
    let law = |name| match attribute(name)? {
        "" => Err(ListError::Value(name)),
        law if law.len() > limits::TEXT => Err(ListError::TooLong(name)),
        law => Ok(law.to_owned()),
    };
    let legislation = Sides {
        pointing: law("pointingContractingPartyLegislation")?,
        pointed: law("pointedContractingPartyLegislation")?,
    };
    let fields = Fields::of(element, "MutualRecognitionAgreementInformation")?;
    known(&fields, &["TrustServiceEquivalenceInformation"])?;
    bounded(&fields, limits::EQUIVALENCES, "TrustServiceEquivalenceInformation")?;
    let (mut equivalences, mut faults) = (Vec::new(), Vec::new());
    let mut budget = Budget::new();
    for one in fields.children() {
        match equivalence(*one, &mut budget) {
            Ok(equivalence) => equivalences.push(equivalence),
            Err(ListError::TooMany(what)) => return Err(ListError::TooMany(what)),
            Err(error) => faults.push(error),
        }
    }
    Ok((Recognition { legislation, equivalences }, faults))
}

const TERMS: [&str; 6] = [
    "TrustServiceTSLTypeEquivalenceList",
    "TrustServiceEquivalenceStatus",
    "TrustServiceEquivalenceStatusStartingTime",
    "TrustServiceTSLStatusEquivalenceList",
    "CertificateContentReferencesEquivalenceList",
    "TrustServiceTSLQualificationExtensionEquivalenceList",
];

fn equivalence<E: Element>(element: E, budget: &mut Budget) -> Result<Equivalence, ListError> {
    let fields = Fields::of(element, "TrustServiceEquivalenceInformation")?;
    let more = ["TrustServiceLegalIdentifier", "TrustServiceEquivalenceHistory"];
    known(&fields, &[TERMS.as_slice(), &more].concat())?;
    let legal_identifier =
        fields::word(required(&fields, "TrustServiceLegalIdentifier")?, "TrustServiceLegalIdentifier")?;
    let mut all = vec![terms(&fields, budget)?];
    let is_history = |child: &&E| child.name().1 == "TrustServiceEquivalenceHistory";
    for history in fields.children().iter().filter(is_history) {
        let history = Fields::of(*history, "TrustServiceEquivalenceHistory")?;
        known(&history, &["TrustServiceEquivalenceHistoryInstance"])?;
        for instance in history.children() {
            if all.len() >= limits::STATES {
                return Err(ListError::TooMany("TrustServiceEquivalenceHistoryInstance"));
            }
            let instance = Fields::of(*instance, "TrustServiceEquivalenceHistoryInstance")?;
            known(&instance, &TERMS)?;
            all.push(terms(&instance, budget)?);
        }
    }
    in_order(&mut all)?;
    Ok(Equivalence { legal_identifier, terms: all })
}

/// As the history of services, save that no two may begin at once: one may be in force and the other not.
fn in_order(all: &mut [Terms]) -> Result<(), ListError> {
    let Some((present, former)) = all.split_first_mut() else { return Ok(()) };
    former.sort_by_key(|terms| std::cmp::Reverse(terms.since));
    let mut newer = present.since;
    for terms in former {
        if terms.since >= newer {
            return Err(ListError::Recognition("TrustServiceEquivalenceStatusStartingTime"));
        }
        newer = terms.since;
    }
    Ok(())
}

fn terms<E: Element>(fields: &Fields<E>, budget: &mut Budget) -> Result<Terms, ListError> {
    let [types, status, since, statuses, contents, qualifiers] = TERMS;
    let word = fields::word(required(fields, status)?, status)?;
    let contents = match fields.optional_of(RECOGNITION, contents)? {
        Some(list) => contents_of(list, budget)?,
        None => Vec::new(),
    };
    let qualifiers = match fields.optional_of(RECOGNITION, qualifiers)? {
        Some(list) => qualifiers_of(list)?,
        None => Vec::new(),
    };
    let (valid, invalid) = statuses_of(required(fields, statuses)?)?;
    Ok(Terms {
        status: AgreementStatus::from_uri(&word).ok_or(ListError::Recognition(status))?,
        since: fields::date(required(fields, since)?, since)?,
        types: types_of(required(fields, types)?)?,
        valid,
        invalid,
        contents,
        qualifiers,
    })
}

fn types_of<E: Element>(element: E) -> Result<Sides<Vec<TypeOfService>>, ListError> {
    let names = ["TrustServiceTSLTypeListPointingParty", "TrustServiceTSLTypeListPointedParty"];
    sides(element, "TrustServiceTSLTypeEquivalenceList", names, |list, name| {
        let list = Fields::of(list, name)?;
        known(&list, &["TrustServiceTSLType"])?;
        bounded(&list, limits::EQUIVALENCES, "TrustServiceTSLType")?;
        list.children().iter().map(|one| type_of(*one)).collect()
    })
}

fn type_of<E: Element>(element: E) -> Result<TypeOfService, ListError> {
    let fields = Fields::of(element, "TrustServiceTSLType")?;
    let names = ["ServiceTypeIdentifier", "AdditionalServiceInformation"];
    if fields.children().iter().any(|child| child.name().0 != Some(LIST) || !names.contains(&child.name().1)) {
        return Err(ListError::Recognition("TrustServiceTSLType"));
    }
    let identifier = fields::word(fields.required("ServiceTypeIdentifier")?, "ServiceTypeIdentifier")?;
    let additional = fields.optional("AdditionalServiceInformation")?.map(|additional| {
        let additional = Fields::of(additional, "AdditionalServiceInformation")?;
        Ok(AdditionalService::from_uri(&fields::word(additional.required("URI")?, "URI")?))
    });
    Ok(TypeOfService { identifier, additional: additional.transpose()? })
}

type Statuses = Sides<Vec<ServiceStatus>>;

fn statuses_of<E: Element>(element: E) -> Result<(Statuses, Statuses), ListError> {
    let lists = ["TrustServiceTSLStatusListPointingParty", "TrustServiceTSLStatusListPointedParty"];
    let names = ["TrustServiceTSLStatusValidEquivalence", "TrustServiceTSLStatusInvalidEquivalence"];
    let both = sides(element, "TrustServiceTSLStatusEquivalenceList", names, |both, name| {
        sides(both, name, lists, |list, name| {
            let list = Fields::of(list, name)?;
            let read = list.all("ServiceStatus", limits::EQUIVALENCES)?;
            if read.len() != list.children().len() {
                return Err(ListError::Recognition(name));
            }
            let statuses = read.into_iter().map(|status| fields::word(status, "ServiceStatus"));
            statuses.map(|status| Ok(ServiceStatus::from_uri(&status?))).collect()
        })
    })?;
    Ok((both.pointing, both.pointed))
}

fn contents_of<E: Element>(element: E, budget: &mut Budget) -> Result<Vec<ContentEquivalence>, ListError> {
    const CONTEXT: &str = "CertificateContentReferenceEquivalenceContext";
    let names = ["CertificateContentDeclarationPointingParty", "CertificateContentDeclarationPointedParty"];
    let list = Fields::of(element, "CertificateContentReferencesEquivalenceList")?;
    known(&list, &["CertificateContentReferenceEquivalence"])?;
    bounded(&list, limits::EQUIVALENCES, "CertificateContentReferenceEquivalence")?;
    let one = |element: &E| {
        let fields = Fields::of(*element, "CertificateContentReferenceEquivalence")?;
        let [pointing, pointed] = names;
        known(&fields, &[CONTEXT, pointing, pointed])?;
        let context = fields::word(required(&fields, CONTEXT)?, CONTEXT)?;
        let context = ContentContext::from_uri(&context).ok_or(ListError::Recognition(CONTEXT))?;
        let mut declaration = |name| {
            let criteria = extensions::criteria(required(&fields, name)?, limits::CRITERIA_DEPTH, budget)?;
            if is_known(&criteria) { Ok(criteria) } else { Err(ListError::Recognition(name)) }
        };
        let declaration = Sides { pointing: declaration(pointing)?, pointed: declaration(pointed)? };
        Ok(ContentEquivalence { context, declaration })
    };
    list.children().iter().map(one).collect()
}

fn is_known(criteria: &Criteria) -> bool {
    criteria.criteria.iter().all(|criterion| match criterion {
        Criterion::Unknown => false,
        Criterion::Nested(criteria) => is_known(criteria),
        _ => true,
    })
}

fn qualifiers_of<E: Element>(element: E) -> Result<Vec<Sides<Qualifier>>, ListError> {
    const NAME: &str = "TrustServiceTSLQualificationExtensionName";
    const LIST_NAME: &str = "QualifierEquivalenceList";
    let extension = Fields::of(element, "TrustServiceTSLQualificationExtensionEquivalenceList")?;
    known(&extension, &[NAME, LIST_NAME])?;
    let names = [
        "TrustServiceTSLQualificationExtensionNamePointingParty",
        "TrustServiceTSLQualificationExtensionNamePointedParty",
    ];
    let names = sides(required(&extension, NAME)?, NAME, names, |text, name| fields::word(text, name))?;
    let is_qualifications = |name: &String| name.eq_ignore_ascii_case(QUALIFICATIONS);
    if !is_qualifications(&names.pointing) || !is_qualifications(&names.pointed) {
        return Err(ListError::Recognition(NAME));
    }
    let mut read = Vec::new();
    for list in extension.children().iter().filter(|child| child.name().1 == LIST_NAME) {
        let list = Fields::of(*list, LIST_NAME)?;
        known(&list, &["QualifierEquivalence"])?;
        for pair in list.children() {
            if read.len() >= limits::QUALIFICATIONS {
                return Err(ListError::TooMany("QualifierEquivalence"));
            }
            let names = ["QualifierPointingParty", "QualifierPointedParty"];
            read.push(sides(*pair, "QualifierEquivalence", names, |qualifier, name| {
                let uri = qualifier.attribute(None, "uri").ok_or(ListError::Missing(name))?;
                Ok(Qualifier::from_uri(uri))
            })?);
        }
    }
    Ok(read)
}

/// The extension of TS 119 612, 5.5.9.2, as agreements call it.
const QUALIFICATIONS: &str = "Sie:Q";

/// Two elements in `element`, the pointing party's name first, and nothing else.
fn sides<E: Element, T>(
    element: E,
    of: &'static str,
    names: [&'static str; 2],
    read: impl Fn(E, &'static str) -> Result<T, ListError>,
) -> Result<Sides<T>, ListError> {
    let fields = Fields::of(element, of)?;
    known(&fields, &names)?;
    let [pointing, pointed] = names;
    Ok(Sides {
        pointing: read(required(&fields, pointing)?, pointing)?,
        pointed: read(required(&fields, pointed)?, pointed)?,
    })
}

fn required<E: Element>(fields: &Fields<E>, name: &'static str) -> Result<E, ListError> {
    fields.optional_of(RECOGNITION, name)?.ok_or(ListError::Missing(name))
}

/// Whether all children are of the agreement's namespace and have one of these names: what is not known may be a condition.
fn known<E: Element>(fields: &Fields<E>, names: &[&str]) -> Result<(), ListError> {
    let is_known = |child: &E| child.name().0 == Some(RECOGNITION) && names.contains(&child.name().1);
    if fields.children().iter().all(is_known) { Ok(()) } else { Err(ListError::Recognition("unknown element")) }
}

fn bounded<E: Element>(fields: &Fields<E>, most: usize, name: &'static str) -> Result<(), ListError> {
    if fields.children().len() > most { Err(ListError::TooMany(name)) } else { Ok(()) }
}
