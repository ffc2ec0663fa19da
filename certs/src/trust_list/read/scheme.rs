//! Who issues the list, which it is, and when the next one is due (5.3).

use super::super::element::Element;
use super::super::error::ListError;
use super::super::identifier::ListKind;
use super::super::model::TrustList;
use super::fields::{self, Fields};

/// The scheme, without pointers and providers.
pub(super) fn read<E: Element>(scheme: &Fields<E>, sha256: [u8; 32]) -> Result<TrustList, ListError> {
    let version = version(scheme)?;
    let operator = fields::names(scheme.required("SchemeOperatorName")?, "SchemeOperatorName", "Name")?;
    if operator.0.is_empty() {
        return Err(ListError::Value("SchemeOperatorName"));
    }
    let names = scheme.optional("SchemeName")?.map(|names| fields::names(names, "SchemeName", "Name"));
    let information = scheme.optional("SchemeInformationURI")?;
    let information = information.map(|uris| fields::addresses(uris, "SchemeInformationURI"));
    let points = scheme.optional("DistributionPoints")?.map(|uris| fields::addresses(uris, "DistributionPoints"));
    Ok(TrustList {
        sha256,
        version,
        sequence_number: sequence_number(scheme)?,
        kind: ListKind::from_uri(&fields::word(scheme.required("TSLType")?, "TSLType")?),
        operator,
        scheme: names.transpose()?.unwrap_or_default(),
        territory: territory(scheme)?,
        issued_at: fields::date(scheme.required("ListIssueDateTime")?, "ListIssueDateTime")?,
        next_update: next_update(scheme)?,
        pointers: Vec::new(),
        distribution_points: points.transpose()?.unwrap_or_default(),
        information: information.transpose()?.unwrap_or_default(),
        providers: Vec::new(),
        faults: Vec::new(),
    })
}

fn version<E: Element>(scheme: &Fields<E>) -> Result<u8, ListError> {
    match fields::text(scheme.required("TSLVersionIdentifier")?, "TSLVersionIdentifier")?.as_str() {
        "5" => Ok(5),
        "6" => Ok(6),
        _ => Err(ListError::Version),
    }
}

/// Digits only: what else an integer of XML Schema may be written as, no list has.
fn sequence_number<E: Element>(scheme: &Fields<E>) -> Result<u64, ListError> {
    let text = fields::text(scheme.required("TSLSequenceNumber")?, "TSLSequenceNumber")?;
    let is_digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let number = text.parse().ok().filter(|number| *number > 0 && is_digits);
    number.ok_or(ListError::SequenceNumber)
}

fn territory<E: Element>(scheme: &Fields<E>) -> Result<String, ListError> {
    country(&fields::text(scheme.required("SchemeTerritory")?, "SchemeTerritory")?)
}

/// Two letters (5.1.5), in capitals whatever they came in.
pub(super) fn country(text: &str) -> Result<String, ListError> {
    if text.len() != 2 || !text.bytes().all(|octet| octet.is_ascii_alphabetic()) {
        return Err(ListError::Value("SchemeTerritory"));
    }
    Ok(text.to_ascii_uppercase())
}

/// An element without a date closes the list (5.3.15).
fn next_update<E: Element>(scheme: &Fields<E>) -> Result<Option<time::OffsetDateTime>, ListError> {
    let next = Fields::of(scheme.required("NextUpdate")?, "NextUpdate")?;
    next.optional("dateTime")?.map(|date| fields::date(date, "NextUpdate")).transpose()
}
