//! Which certificates a list speaks of: TS 119 612, 5.5.9.2.2.

use super::Answer;
use crate::asn1::oid;
use crate::certificate::{Certificate, QcType};
use crate::name;
use crate::trust_list::{Criteria, Criterion, Match, StatementContent, StatementCriterion};

/// What criteria are asked of.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Certificate(&'a Certificate),
    /// One of which nothing is known but its statements.
    Statements(&'a Stated),
}

/// Statements of a certificate, real or imagined.
#[derive(Debug, Clone, Default)]
pub(super) struct Stated {
    /// Which are there, dotted.
    pub(super) identifiers: Vec<String>,
    /// Those of QcType, dotted.
    pub(super) types: Vec<String>,
    /// Those of QcCClegislation.
    pub(super) countries: Vec<String>,
}

/// Whether `criteria` hold for `certificate`. Nobody can tell of one that is not known, nor of a list of none.
pub(super) fn hold(criteria: &Criteria, certificate: &Certificate) -> Answer {
    hold_for(criteria, Asked::Certificate(certificate))
}

/// Whether `criteria` hold for every certificate with these statements and no others, whatever else it is.
pub(super) fn hold_for_statements(criteria: &Criteria, stated: &Stated) -> Answer {
    hold_for(criteria, Asked::Statements(stated))
}

fn hold_for(criteria: &Criteria, asked: Asked<'_>) -> Answer {
    let each = || criteria.criteria.iter().map(|criterion| holds(criterion, asked));
    match criteria.of {
        Match::All => all(each()),
        Match::Any => not(all(each().map(not))),
        Match::None => all(each().map(not)),
    }
}

fn holds(criterion: &Criterion, asked: Asked<'_>) -> Answer {
    match (criterion, asked) {
        (Criterion::Nested(criteria), _) => hold_for(criteria, asked),
        (Criterion::Statements(statements), Asked::Statements(stated)) => stated.have(statements),
        (Criterion::Statements(statements), Asked::Certificate(certificate)) => {
            Stated::by(certificate).have(statements)
        }
        (Criterion::Unknown, _) | (_, Asked::Statements(_)) => Answer::Undecided,
        (_, Asked::Certificate(certificate)) => holds_of(criterion, certificate),
    }
}

/// Of criteria that ask the certificate itself.
fn holds_of(criterion: &Criterion, certificate: &Certificate) -> Answer {
    let each = |wanted: &[String], present: &[String]| {
        all(wanted.iter().map(|identifier| Answer::of(present.contains(identifier))))
    };
    match criterion {
        Criterion::KeyUsage(bits) => {
            let present = certificate.key_usage().map_or(0, |usage| usage.0);
            let is_set = |bit: u8| present.checked_shr(bit.into()).is_some_and(|shifted| shifted & 1 == 1);
            all(bits.iter().map(|(bit, wanted)| Answer::of(is_set(*bit) == *wanted)))
        }
        Criterion::Policies(policies) => each(policies, &certificate.policies()),
        Criterion::ExtendedKeyUsage(purposes) => each(purposes, certificate.extended_key_usage().unwrap_or_default()),
        Criterion::SubjectAttributes(attributes) => each(attributes, &subject_attributes(certificate)),
        Criterion::Statements(_) | Criterion::Nested(_) | Criterion::Unknown => Answer::Undecided,
    }
}

impl Stated {
    fn by(certificate: &Certificate) -> Self {
        let statements = certificate.qc_statements().unwrap_or_default();
        let known = [
            (statements.compliance, oid::QC_COMPLIANCE),
            (statements.national, oid::UA_QUALIFIED),
            (statements.on_device, oid::QC_SSCD),
            (!statements.types.is_empty() || !statements.other_types.is_empty(), oid::QC_TYPE),
            (!statements.countries.is_empty(), oid::QC_LEGISLATION),
            (statements.limit.is_some(), oid::QC_LIMIT),
            (statements.retention_years.is_some(), oid::QC_RETENTION),
            (!statements.disclosures.is_empty(), oid::QC_DISCLOSURE),
            (statements.semantics.is_some(), oid::QC_SYNTAX_V2),
        ];
        let known = known.into_iter().filter(|(is, _)| *is).map(|(_, identifier)| identifier.to_string());
        let types = statements.types.iter().map(|one| type_identifier(*one));
        Self {
            identifiers: known.chain(statements.others).collect(),
            types: types.chain(statements.other_types).collect(),
            countries: statements.countries,
        }
    }

    /// Whether each of `statements` is there.
    fn have(&self, statements: &[StatementCriterion]) -> Answer {
        let says = |says: &StatementContent| match says {
            StatementContent::Type(wanted) => self.types.contains(wanted),
            StatementContent::Country(wanted) => self.countries.iter().any(|one| one.eq_ignore_ascii_case(wanted)),
        };
        all(statements.iter().map(|statement| {
            let is_there = self.identifiers.contains(&statement.identifier);
            Answer::of(is_there && statement.says.as_ref().is_none_or(says))
        }))
    }
}

/// The identifier of a use in QcType, dotted.
pub(super) fn type_identifier(usage: QcType) -> String {
    let identifier = match usage {
        QcType::Signature => oid::QC_TYPE_SIGNATURE,
        QcType::Seal => oid::QC_TYPE_SEAL,
        QcType::Website => oid::QC_TYPE_WEBSITE,
    };
    identifier.to_string()
}

fn subject_attributes(certificate: &Certificate) -> Vec<String> {
    let attributes = name::attributes(certificate.subject_der()).unwrap_or_default();
    attributes.iter().filter_map(|attribute| oid::dotted(attribute.oid)).collect()
}

fn all(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.reduce(Answer::and).unwrap_or(Answer::Undecided)
}

fn not(answer: Answer) -> Answer {
    match answer {
        Answer::Yes => Answer::No,
        Answer::No => Answer::Yes,
        Answer::Undecided => Answer::Undecided,
    }
}
