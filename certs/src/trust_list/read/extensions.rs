//! What the list says of a service and of the certificates that it issues (5.5.9).

use super::super::element::Element;
use super::super::error::ListError;
use super::super::identifier::KEY_USAGES;
use super::super::limits;
use super::super::model::{
    AdditionalService, Criteria, Criterion, Match, Qualification, Qualifier, State, StatementContent,
    StatementCriterion,
};
use super::super::namespaces::{ADDITIONAL, LIST, QUALIFICATION, RECOGNITION, XADES};
use super::fields::{self, Fields};

/// Reads the extensions into `state`. One that is known and cannot be read counts as critical whatever it says of itself: to pass over
/// "not qualified" would make certificates better than their list does.
pub(super) fn read<E: Element>(state: &mut State, list: E, faults: &mut Vec<ListError>) -> Result<(), ListError> {
    let mut budget = Budget::new();
    for extension in fields::all_in(list, "ServiceInformationExtensions", "Extension", limits::EXTENSIONS)? {
        let is_critical = matches!(extension.attribute(None, "Critical").map(str::trim), Some("true" | "1"));
        let Some(children) = extension.children() else {
            state.is_beyond_us = true;
            faults.push(ListError::Extension("Extension"));
            continue;
        };
        for child in children.collect::<Vec<_>>() {
            match take(state, child, &mut budget) {
                Ok(true) => (),
                Ok(false) => state.is_beyond_us |= is_critical,
                Err(ListError::TooMany(what)) => return Err(ListError::TooMany(what)),
                Err(_) => {
                    state.is_beyond_us = true;
                    faults.push(ListError::Extension(known(child)));
                }
            }
        }
    }
    if budget.is_unclear {
        faults.push(ListError::Extension("Qualifications"));
    }
    Ok(())
}

/// What the criteria of one state may still cost, and whether one of them could not be read: nobody can tell then whether it holds.
pub(super) struct Budget {
    criteria: usize,
    is_unclear: bool,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { criteria: limits::CRITERIA, is_unclear: false }
    }

    fn spend(&mut self) -> Result<(), ListError> {
        self.criteria = self.criteria.checked_sub(1).ok_or(ListError::TooMany("criteria"))?;
        Ok(())
    }

    fn settle(&mut self, criterion: Result<Criterion, ListError>) -> Result<Criterion, ListError> {
        match criterion {
            Err(ListError::TooMany(what)) => Err(ListError::TooMany(what)),
            Err(_) => {
                self.is_unclear = true;
                Ok(Criterion::Unknown)
            }
            Ok(criterion) => Ok(criterion),
        }
    }
}

const EXPIRED: &str = "ExpiredCertsRevocationInfo";

/// The name of an extension that is known.
fn known<E: Element>(extension: E) -> &'static str {
    let names = ["Qualifications", "AdditionalServiceInformation", EXPIRED, "TakenOverBy"];
    names.into_iter().find(|name| *name == extension.name().1).unwrap_or("Extension")
}

/// Whether the extension is known.
fn take<E: Element>(state: &mut State, extension: E, budget: &mut Budget) -> Result<bool, ListError> {
    match extension.name() {
        (Some(QUALIFICATION), "Qualifications") => qualifications(state, extension, budget)?,
        (Some(LIST), "AdditionalServiceInformation") => {
            let fields = Fields::of(extension, "AdditionalServiceInformation")?;
            let uri = fields::word(fields.required("URI")?, "URI")?;
            state.additional.push(AdditionalService::from_uri(&uri));
        }
        (Some(LIST), EXPIRED) => state.keeps_expired_since = Some(fields::date(extension, EXPIRED)?),
        // Who carries on the service (5.5.9.3). It is listed there, and says nothing of these certificates.
        (Some(ADDITIONAL | LIST), "TakenOverBy") => (),
        _ => return Ok(false),
    }
    Ok(true)
}

fn qualifications<E: Element>(state: &mut State, extension: E, budget: &mut Budget) -> Result<(), ListError> {
    for child in Fields::of(extension, "Qualifications")?.children() {
        if child.name() != (Some(QUALIFICATION), "QualificationElement") {
            return Err(ListError::Value("Qualifications"));
        }
        if state.qualifications.len() >= limits::QUALIFICATIONS {
            return Err(ListError::TooMany("QualificationElement"));
        }
        state.qualifications.push(qualification(*child, budget)?);
    }
    Ok(())
}

fn qualification<E: Element>(element: E, budget: &mut Budget) -> Result<Qualification, ListError> {
    let fields = Fields::of(element, "QualificationElement")?;
    let missing = ListError::Missing;
    let qualifiers = fields.optional_of(QUALIFICATION, "Qualifiers")?.ok_or(missing("Qualifiers"))?;
    let list = fields.optional_of(QUALIFICATION, "CriteriaList")?.ok_or(missing("CriteriaList"))?;
    let qualifiers = Fields::of(qualifiers, "Qualifiers")?;
    let mut read = Vec::with_capacity(qualifiers.children().len());
    for qualifier in qualifiers.children() {
        if read.len() >= limits::QUALIFICATIONS {
            return Err(ListError::TooMany("Qualifier"));
        }
        let uri = qualifier.attribute(None, "uri").ok_or(missing("Qualifier"))?;
        read.push(Qualifier::from_uri(uri));
    }
    Ok(Qualification { qualifiers: read, criteria: criteria(list, limits::CRITERIA_DEPTH, budget)? })
}

/// `depth` more lists may stand in each other.
pub(super) fn criteria<E: Element>(element: E, depth: usize, budget: &mut Budget) -> Result<Criteria, ListError> {
    let of = match element.attribute(None, "assert").map(str::trim) {
        Some("all") => Match::All,
        Some("atLeastOne") => Match::Any,
        Some("none") => Match::None,
        _ => return Err(ListError::Value("CriteriaList")),
    };
    let depth = depth.checked_sub(1).ok_or(ListError::TooMany("CriteriaList"))?;
    let mut criteria = Vec::new();
    for child in Fields::of(element, "CriteriaList")?.children() {
        add(&mut criteria, *child, depth, budget)?;
    }
    Ok(Criteria { of, criteria })
}

/// Adds what `element` asks. Other criteria stand in an element around them.
fn add<E: Element>(
    criteria: &mut Vec<Criterion>,
    element: E,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), ListError> {
    budget.spend()?;
    let criterion = match element.name() {
        (Some(QUALIFICATION), "Description") => return Ok(()),
        (Some(QUALIFICATION), "otherCriteriaList") => {
            let depth = depth.checked_sub(1).ok_or(ListError::TooMany("CriteriaList"))?;
            for child in Fields::of(element, "otherCriteriaList")?.children() {
                add(criteria, *child, depth, budget)?;
            }
            return Ok(());
        }
        (Some(QUALIFICATION), "CriteriaList") => Criterion::Nested(self::criteria(element, depth, budget)?),
        _ => budget.settle(criterion(element))?,
    };
    criteria.push(criterion);
    Ok(())
}

/// What asks of the certificate itself.
fn criterion<E: Element>(element: E) -> Result<Criterion, ListError> {
    Ok(match element.name() {
        (Some(QUALIFICATION), "KeyUsage") => Criterion::KeyUsage(key_usage(element)?),
        (Some(QUALIFICATION), "PolicySet") => {
            Criterion::Policies(identifiers(element, QUALIFICATION, "PolicyIdentifier")?)
        }
        (Some(ADDITIONAL), "ExtendedKeyUsage") => {
            Criterion::ExtendedKeyUsage(identifiers(element, ADDITIONAL, "KeyPurposeId")?)
        }
        (Some(ADDITIONAL), "CertSubjectDNAttribute") => {
            Criterion::SubjectAttributes(identifiers(element, ADDITIONAL, "AttributeOID")?)
        }
        (Some(RECOGNITION), "QcStatementSet") => Criterion::Statements(statements(element)?),
        _ => Criterion::Unknown,
    })
}

fn statements<E: Element>(element: E) -> Result<Vec<StatementCriterion>, ListError> {
    let fields = Fields::of(element, "QcStatementSet")?;
    if fields.children().len() > limits::QUALIFICATIONS {
        return Err(ListError::TooMany("QcStatement"));
    }
    let statements = fields.children().iter().map(|child| {
        let statement = Fields::of(*child, "QcStatement")?;
        let is_known = |child: &&E| ["QcStatementId", "QcStatementInfo"].contains(&child.name().1);
        if child.name() != (Some(RECOGNITION), "QcStatement") || !statement.children().iter().all(|one| is_known(&one))
        {
            return Err(ListError::Value("QcStatement"));
        }
        let identifier = statement.optional_of(RECOGNITION, "QcStatementId")?;
        let says = statement.optional_of(RECOGNITION, "QcStatementInfo")?;
        Ok(StatementCriterion {
            identifier: identifier_in(identifier.ok_or(ListError::Missing("QcStatementId"))?, "QcStatementId")?,
            says: says.map(content).transpose()?,
        })
    });
    statements.collect()
}

fn content<E: Element>(element: E) -> Result<StatementContent, ListError> {
    let fields = Fields::of(element, "QcStatementInfo")?;
    let [one] = fields.children() else { return Err(ListError::Value("QcStatementInfo")) };
    match one.name() {
        (Some(RECOGNITION), "QcType") => Ok(StatementContent::Type(identifier_in(*one, "QcType")?)),
        (Some(RECOGNITION), "QcCClegislation") => Ok(StatementContent::Country(fields::word(*one, "QcCClegislation")?)),
        _ => Err(ListError::Value("QcStatementInfo")),
    }
}

fn key_usage<E: Element>(element: E) -> Result<Vec<(u8, bool)>, ListError> {
    let fields = Fields::of(element, "KeyUsage")?;
    if fields.children().len() > KEY_USAGES.len() {
        return Err(ListError::TooMany("KeyUsageBit"));
    }
    let bits = fields.children().iter().map(|bit| {
        let name = bit.attribute(None, "name").unwrap_or_default();
        let number =
            (0..).zip(KEY_USAGES).find(|(_, usage)| usage.eq_ignore_ascii_case(name)).map(|(number, _)| number);
        let value = match bit.text().map(str::trim) {
            Some("true" | "1") => Some(true),
            Some("false" | "0") => Some(false),
            _ => None,
        };
        number.zip(value).ok_or(ListError::Value("KeyUsageBit"))
    });
    bits.collect()
}

/// Dotted object identifiers, each in an element called `name`: as they are, or as URN (XAdES, `OIDAsURN`).
fn identifiers<E: Element>(element: E, namespace: &str, name: &'static str) -> Result<Vec<String>, ListError> {
    let fields = Fields::of(element, name)?;
    if fields.children().len() > limits::QUALIFICATIONS {
        return Err(ListError::TooMany(name));
    }
    let identifiers = fields.children().iter().map(|child| {
        if child.name() != (Some(namespace), name) {
            return Err(ListError::Value(name));
        }
        identifier_in(*child, name)
    });
    identifiers.collect()
}

fn identifier_in<E: Element>(element: E, name: &'static str) -> Result<String, ListError> {
    let identifier = Fields::of(element, name)?.optional_of(XADES, "Identifier")?;
    let text = fields::word(identifier.ok_or(ListError::Missing("Identifier"))?, "Identifier")?;
    dotted(&text).ok_or(ListError::Value("Identifier"))
}

fn dotted(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let dotted = lower.strip_prefix("urn:").unwrap_or(&lower);
    let dotted = dotted.strip_prefix("oid:").unwrap_or(dotted).trim();
    let is_arc = |arc: &str| !arc.is_empty() && arc.bytes().all(|octet| octet.is_ascii_digit());
    dotted.split('.').all(is_arc).then(|| dotted.to_owned())
}
