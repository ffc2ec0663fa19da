//! Agreements: what is read, and what of them is left out.
use super::*;
use crate::trust_list::namespaces::QUALIFICATION;
use crate::trust_list::{Equivalence, Sides, StatementContent, StatementCriterion, limits};

fn tag_of(recognition: Recognition) -> Tag {
    let mut pointer = lists::pointer("UA", "https://tl.example/ua.xml", vec![]);
    pointer.recognition = Some(recognition);
    lists::tag(&lists::list_of_lists("EU", NOW, vec![pointer]))
}

/// The agreement, and what was told of the list, after a change to one of two equivalences: that for seals is the second.
fn changed(change: impl Fn(&mut Tag)) -> (Option<Recognition>, Vec<ListError>) {
    let mut recognition = agreement();
    let seals = Equivalence { legal_identifier: "QCForESeal".into(), ..recognition.equivalences[0].clone() };
    recognition.equivalences.push(seals);
    let mut tag = tag_of(recognition);
    change(&mut tag);
    let mut list = read(&tag).unwrap();
    let is_told = |fault: &ListFault| {
        fault.place == FaultPlace::Pointer("https://tl.example/ua.xml".into()) && !fault.is_left_out
    };
    assert!(list.faults.iter().all(is_told), "{:?}", list.faults);
    (list.pointers.remove(0).recognition, list.faults.into_iter().map(|fault| fault.error).collect())
}

/// What is told where the changed equivalence alone is left out.
fn left_out(change: impl Fn(&mut Tag)) -> ListError {
    let (recognition, mut told) = changed(change);
    let kept: Vec<_> = recognition.unwrap().equivalences.into_iter().map(|one| one.legal_identifier).collect();
    assert_eq!((kept, told.len()), (vec!["QCForESeal".to_owned()], 1));
    told.remove(0)
}

/// What is told where nothing is recognised.
fn unused(change: impl Fn(&mut Tag)) -> ListError {
    let (recognition, mut told) = changed(change);
    assert_eq!((recognition, told.len()), (None, 1));
    told.remove(0)
}

#[test]
fn every_kind_of_terms_is_read_as_written() {
    let mut written = agreement();
    let terms = &mut written.equivalences[0].terms[0];
    terms.types.pointed[0].additional = Some(AdditionalService::Other("http://zz.example/for-seals".into()));
    terms.valid.pointed.push(ServiceStatus::Other("http://zz.example/granted".into()));
    terms.qualifiers.push(Sides { pointing: Qualifier::Unknown, pointed: Qualifier::ManagedOnBehalf });
    let statements = vec![
        StatementCriterion { identifier: "1.2.3".into(), says: None },
        StatementCriterion { identifier: "1.2.4".into(), says: Some(StatementContent::Country("ZZ".into())) },
        StatementCriterion { identifier: "1.2.5".into(), says: Some(StatementContent::Type("1.2.5.1".into())) },
    ];
    let nested = Criteria { of: Match::Any, criteria: vec![Criterion::Statements(statements)] };
    terms.contents[2].declaration.pointed.criteria = vec![Criterion::Nested(nested)];
    written.equivalences[0].terms[1].contents.clear();
    written.equivalences[0].terms[1].qualifiers.clear();
    let list = read(&tag_of(written.clone())).unwrap();
    assert_eq!((list.pointers[0].recognition.as_ref(), list.faults), (Some(&written), vec![]));
    let (both, told) = changed(|_| ());
    assert_eq!((both.unwrap().equivalences.len(), told), (2, vec![]));
}

#[test]
fn an_equivalence_that_lacks_a_part_or_says_it_twice_is_left_out() {
    for name in [
        "TrustServiceLegalIdentifier",
        "TrustServiceTSLTypeEquivalenceList",
        "TrustServiceTSLTypeListPointedParty",
        "ServiceTypeIdentifier",
        "TrustServiceEquivalenceStatus",
        "TrustServiceEquivalenceStatusStartingTime",
        "TrustServiceTSLStatusEquivalenceList",
        "TrustServiceTSLStatusInvalidEquivalence",
        "CertificateContentDeclarationPointedParty",
        "TrustServiceTSLQualificationExtensionName",
        "QualifierPointingParty",
    ] {
        assert_eq!(left_out(|tag| remove(tag, name)), ListError::Missing(name));
        assert_eq!(left_out(|tag| repeat(tag, name)), ListError::Repeated(name));
    }
    for name in ["CertificateContentReferencesEquivalenceList", "TrustServiceTSLQualificationExtensionEquivalenceList"]
    {
        assert_eq!(left_out(|tag| repeat(tag, name)), ListError::Repeated(name));
    }
}

#[test]
fn an_equivalence_that_says_what_is_not_known_is_left_out() {
    for (name, text) in [
        ("TrustServiceEquivalenceStatus", "http://ec.europa.eu/tools/lotl/mra/withdrawn"),
        ("TrustServiceEquivalenceStatus", "enacted"),
        ("CertificateContentReferenceEquivalenceContext", "http://ec.europa.eu/tools/lotl/mra/QcPSD2"),
    ] {
        assert_eq!(left_out(|tag| set(tag, name, text)), ListError::Recognition(name));
    }
    let date = "TrustServiceEquivalenceStatusStartingTime";
    assert_eq!(left_out(|tag| set(tag, date, "2026-11-26T08:00:00")), ListError::Date(date));
    assert_eq!(
        left_out(|tag| set(tag, "TrustServiceTSLQualificationExtensionNamePointedParty", "Other:Q")),
        ListError::Recognition("TrustServiceTSLQualificationExtensionName")
    );
    let unknown = ListError::Recognition("unknown element");
    for name in [
        "TrustServiceEquivalenceInformation",
        "TrustServiceTSLTypeEquivalenceList",
        "TrustServiceTSLTypeListPointingParty",
        "TrustServiceTSLStatusValidEquivalence",
        "CertificateContentReferenceEquivalence",
        "QualifierEquivalence",
        "TrustServiceEquivalenceHistoryInstance",
    ] {
        let add = |tag: &mut Tag| tag.find(name).unwrap().children.push(Tag::new("urn:example", "Condition"));
        assert_eq!(left_out(add), unknown, "{name}");
    }
    let add = |tag: &mut Tag, name: &str| tag.find(name).unwrap().children.push(Tag::new("urn:example", "Condition"));
    assert_eq!(left_out(|tag| add(tag, "TrustServiceTSLType")), ListError::Recognition("TrustServiceTSLType"));
    let pointed = "CertificateContentDeclarationPointedParty";
    assert_eq!(left_out(|tag| add(tag, pointed)), ListError::Recognition(pointed));
    for name in ["QcStatement", "QcStatementInfo"] {
        let pointing = "CertificateContentDeclarationPointingParty";
        let first = if name == "QcStatement" { pointing } else { pointed };
        assert_eq!(left_out(|tag| add(tag, name)), ListError::Recognition(first), "{name}");
    }
}

#[test]
fn terms_of_which_none_is_the_newest_are_left_out() {
    let starting = "TrustServiceEquivalenceStatusStartingTime";
    for date in ["2016-06-30T22:00:00Z", "2016-06-30T21:59:59Z"] {
        assert_eq!(left_out(|tag| set(tag, starting, date)), ListError::Recognition(starting), "{date}");
    }
}

#[test]
fn an_agreement_of_another_form_or_without_end_is_not_used_and_the_pointer_stays() {
    let attribute = |name: &'static str, value: Option<&'static str>| {
        unused(move |tag| {
            let attributes = &mut tag.find("MutualRecognitionAgreementInformation").unwrap().attributes;
            attributes.retain(|(_, known, _)| known != name);
            attributes.extend(value.map(|value| (String::new(), name.to_owned(), value.to_owned())));
        })
    };
    for name in ["technicalType", "version", "MRADepth"] {
        assert_eq!(attribute(name, None), ListError::Missing(name));
        assert_eq!(attribute(name, Some("0")), ListError::Recognition(name));
    }
    assert_eq!(attribute("version", Some("2")), ListError::Recognition("version"));
    let law = "pointedContractingPartyLegislation";
    assert_eq!(attribute(law, None), ListError::Missing(law));
    assert_eq!(attribute(law, Some(" ")), ListError::Value(law));
    let many = |parent: &'static str, child: &'static str, number: usize| {
        unused(move |tag| {
            let parent = tag.find(parent).unwrap();
            let one = parent.find(child).unwrap().clone();
            parent.children.extend(vec![one; number]);
        })
    };
    for (parent, child) in [
        ("MutualRecognitionAgreementInformation", "TrustServiceEquivalenceInformation"),
        ("TrustServiceTSLTypeListPointingParty", "TrustServiceTSLType"),
        ("TrustServiceTSLStatusListPointedParty", "ServiceStatus"),
        ("CertificateContentReferencesEquivalenceList", "CertificateContentReferenceEquivalence"),
    ] {
        assert_eq!(many(parent, child, limits::EQUIVALENCES), ListError::TooMany(child));
    }
    let instance = "TrustServiceEquivalenceHistoryInstance";
    assert_eq!(many("TrustServiceEquivalenceHistory", instance, limits::STATES), ListError::TooMany(instance));
    let pair = "QualifierEquivalence";
    assert_eq!(many("QualifierEquivalenceList", pair, limits::QUALIFICATIONS), ListError::TooMany(pair));
    let deep = unused(|tag| {
        let declaration = tag.find("CertificateContentDeclarationPointedParty").unwrap();
        for _ in 0..limits::CRITERIA_DEPTH {
            let inner = Tag { name: "CriteriaList".into(), namespace: QUALIFICATION.into(), ..declaration.clone() };
            declaration.children = vec![inner];
        }
    });
    assert_eq!(deep, ListError::TooMany("CriteriaList"));
}

#[test]
fn a_pointer_with_two_agreements_is_left_out() {
    for broken in [false, true] {
        let mut tag = tag_of(agreement());
        if broken {
            tag.find("MutualRecognitionAgreementInformation").unwrap().attributes.clear();
        }
        let information = tag.parent_of("MutualRecognitionAgreementInformation").unwrap().clone();
        tag.find("AdditionalInformation").unwrap().children.push(information);
        let list = read(&tag).unwrap();
        let fault = list.faults.last().unwrap();
        let repeated = ListError::Repeated("MutualRecognitionAgreementInformation");
        assert_eq!((list.pointers.len(), &fault.error, fault.is_left_out), (0, &repeated, true), "{broken}");
    }
}
