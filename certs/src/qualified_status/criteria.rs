//! Which certificates a list speaks of: TS 119 612, 5.5.9.2.2.

use super::Answer;
use crate::asn1::oid;
use crate::certificate::Certificate;
use crate::name;
use crate::trust_list::{Criteria, Criterion, Match};

/// Whether `criteria` hold for `certificate`. Nobody can tell of one that is not known, nor of a list of none.
pub(super) fn hold(criteria: &Criteria, certificate: &Certificate) -> Answer {
    let each = || criteria.criteria.iter().map(|criterion| holds(criterion, certificate));
    match criteria.of {
        Match::All => all(each()),
        Match::Any => not(all(each().map(not))),
        Match::None => all(each().map(not)),
    }
}

fn holds(criterion: &Criterion, certificate: &Certificate) -> Answer {
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
        Criterion::Nested(criteria) => hold(criteria, certificate),
        Criterion::Unknown => Answer::Undecided,
    }
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
