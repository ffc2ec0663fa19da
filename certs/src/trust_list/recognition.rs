//! The terms of a mutual recognition agreement, as a list of lists states them beside its pointer to the list of a third country
//! (TS 119 612, 5.3.13; schema `http://ec.europa.eu/tools/lotl/mra/schema/v2#`).
//!
//! Two parties: the pointing one, by whose law something is recognised, and the pointed one, whose list it is.

use time::OffsetDateTime;

use super::identifier::{ServiceStatus, same};
use super::model::{AdditionalService, Criteria, Qualifier, State};

/// An agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognition {
    /// Names of the law of either party, addresses.
    pub legislation: Sides<String>,
    /// What is equivalent to what. One that could not be read to the end, or in which something is not known, is left out and told.
    pub equivalences: Vec<Equivalence>,
}

/// The same thing of either party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides<T> {
    /// Of the party that recognises.
    pub pointing: T,
    /// Of the party that is recognised.
    pub pointed: T,
}

/// One kind of trust service that is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivalence {
    /// What the agreement calls it.
    pub legal_identifier: String,
    /// What was agreed and is: the present terms first, then the history, newest first. At least one.
    pub terms: Vec<Terms>,
}

/// What is agreed from `since` until newer terms begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Whether it is in force.
    pub status: AgreementStatus,
    /// Since when.
    pub since: OffsetDateTime,
    /// Services of any of the pointed types are taken for services of the pointing types.
    pub types: Sides<Vec<TypeOfService>>,
    /// Statuses of the pointed party that count as one of the pointing party under which a service is qualified.
    pub valid: Sides<Vec<ServiceStatus>>,
    /// The same of those under which it is not.
    pub invalid: Sides<Vec<ServiceStatus>>,
    /// What in certificates means the same.
    pub contents: Vec<ContentEquivalence>,
    /// Qualifiers that mean the same. [`Qualifier::Unknown`] stands for any that is not known, and is equivalent to nothing.
    pub qualifiers: Vec<Sides<Qualifier>>,
}

/// Whether terms are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgreementStatus {
    /// `enacted`.
    Enacted,
    /// `repealed`.
    Repealed,
}

/// A type of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeOfService {
    /// As it was written: [`super::ServiceType`] holds types for one that an agreement may tell apart.
    pub identifier: String,
    /// What it is for; `None`: whatever it is for.
    pub additional: Option<AdditionalService>,
}

/// What certificates of either party must say to say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentEquivalence {
    /// What it is that they say.
    pub context: ContentContext,
    /// How.
    pub declaration: Sides<Criteria>,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentContext {
    /// `QcCompliance`: that it is qualified.
    Compliance,
    /// `QcType`: what for.
    Type,
    /// `QcQSCD`: that its key is in a qualified device.
    Device,
}

impl Equivalence {
    /// The terms at a time; `None`: there were none yet.
    #[must_use]
    pub fn at(&self, at: OffsetDateTime) -> Option<&Terms> {
        self.terms.iter().find(|terms| terms.since <= at)
    }
}

impl TypeOfService {
    /// Whether a service in `state` is of this type.
    #[must_use]
    pub fn is_of(&self, state: &State) -> bool {
        let is_for = self.additional.as_ref().is_none_or(|additional| state.additional.contains(additional));
        same(&self.identifier, &state.type_identifier) && is_for
    }
}

/// Whose identifiers these are.
const AGREEMENT: &str = "http://ec.europa.eu/tools/lotl/mra/";
const STATUSES: [(&str, AgreementStatus); 2] =
    [("enacted", AgreementStatus::Enacted), ("repealed", AgreementStatus::Repealed)];
const CONTEXTS: [(&str, ContentContext); 3] = [
    ("QcCompliance", ContentContext::Compliance),
    ("QcType", ContentContext::Type),
    ("QcQSCD", ContentContext::Device),
];

impl AgreementStatus {
    /// Of an identifier; `None` where it is not known.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        known(&STATUSES, uri)
    }

    /// The identifier.
    #[must_use]
    pub fn uri(self) -> String {
        uri(&STATUSES, self)
    }
}

impl ContentContext {
    /// Of an identifier; `None` where it is not known.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        known(&CONTEXTS, uri)
    }

    /// The identifier.
    #[must_use]
    pub fn uri(self) -> String {
        uri(&CONTEXTS, self)
    }
}

fn known<T: Copy>(all: &[(&str, T)], uri: &str) -> Option<T> {
    all.iter().find(|(word, _)| same(uri, &format!("{AGREEMENT}{word}"))).map(|(_, what)| *what)
}

fn uri<T: PartialEq>(all: &[(&str, T)], what: T) -> String {
    let word = all.iter().find(|(_, one)| *one == what).map_or("", |(word, _)| *word);
    format!("{AGREEMENT}{word}")
}
