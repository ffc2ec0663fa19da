//! A service, what it is known by, and what it was and is (5.5, 5.6).

use super::super::element::Element;
use super::super::error::ListError;
use super::super::identifier::{ServiceStatus, ServiceType};
use super::super::limits;
use super::super::model::{Identity, Names, Service, State};
use super::super::namespaces::LIST;
use super::fields::{self, Fields};
use super::{extensions, providers};

/// What is known of a service before it is read to the end: how it is called, and what was passed over.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) names: Names,
    pub(super) faults: Vec<ListError>,
}

pub(super) fn read<E: Element>(element: E, reading: &mut Reading) -> Result<Service, ListError> {
    let service = Fields::of(element, "TSPService")?;
    let information = Fields::of(service.required("ServiceInformation")?, "ServiceInformation")?;
    reading.names = providers::names_of(&information, "ServiceName")?;
    let identity = identity(information.required("ServiceDigitalIdentity")?, reading)?;
    let mut states = vec![state(&information, reading)?];
    if let Some(history) = service.optional("ServiceHistory")? {
        let former = fields::all_in(history, "ServiceHistory", "ServiceHistoryInstance", limits::STATES - 1)?;
        for instance in former {
            states.push(state(&Fields::of(instance, "ServiceHistoryInstance")?, reading)?);
        }
    }
    in_order(&mut states)?;
    Ok(Service { names: reading.names.clone(), identity, states })
}

/// History is put in order of time, newest first: each state says when it began, so that the order in which they were written adds
/// nothing, and lists get it wrong. Which one is the present state must be beyond doubt.
fn in_order(states: &mut [State]) -> Result<(), ListError> {
    let Some((present, former)) = states.split_first_mut() else { return Ok(()) };
    if former.iter().any(|state| state.since > present.since) {
        return Err(ListError::History);
    }
    former.sort_by_key(|state| std::cmp::Reverse(state.since));
    Ok(())
}

/// The same elements stand in the present state and in each of the history (5.6).
fn state<E: Element>(fields: &Fields<E>, reading: &mut Reading) -> Result<State, ListError> {
    let kind = fields::word(fields.required("ServiceTypeIdentifier")?, "ServiceTypeIdentifier")?;
    let status = fields::word(fields.required("ServiceStatus")?, "ServiceStatus")?;
    let since = fields::date(fields.required("StatusStartingTime")?, "StatusStartingTime")?;
    let mut state = State {
        kind: ServiceType::from_uri(&kind),
        type_identifier: kind,
        status: ServiceStatus::from_uri(&status),
        since,
        additional: Vec::new(),
        qualifications: Vec::new(),
        keeps_expired_since: None,
        is_beyond_us: false,
    };
    if let Some(list) = fields.optional("ServiceInformationExtensions")? {
        extensions::read(&mut state, list, &mut reading.faults)?;
    }
    Ok(state)
}

/// A certificate that cannot be read is passed over where another identifies the service.
fn identity<E: Element>(element: E, reading: &mut Reading) -> Result<Identity, ListError> {
    let ids = fields::all_in(element, "ServiceDigitalIdentity", "DigitalId", limits::CERTIFICATES)?;
    let mut identity = Identity::default();
    let (mut is_other, mut unreadable) = (false, Vec::new());
    for id in ids {
        for child in Fields::of(id, "DigitalId")?.children() {
            match child.name() {
                (Some(LIST), "X509Certificate") => match fields::certificate(*child) {
                    Ok(certificate) => identity.certificates.push(certificate),
                    Err(error) => unreadable.push(error),
                },
                (Some(LIST), "X509SubjectName") => {
                    identity.subject_names.push(fields::text(*child, "X509SubjectName")?);
                }
                (Some(LIST), "X509SKI") => identity.key_identifiers.push(fields::octets(*child, "X509SKI")?),
                // Services that have no key are known by something else, mostly an address (5.5.3).
                (Some(LIST), "Other") => is_other = true,
                _ => (),
            }
        }
    }
    let is_named = !identity.subject_names.is_empty() || !identity.key_identifiers.is_empty();
    if identity.certificates.is_empty() {
        if let Some(error) = unreadable.pop() {
            return Err(error);
        }
        if !is_named && !is_other {
            return Err(ListError::Identity);
        }
    }
    reading.faults.append(&mut unreadable);
    if differs(&identity) {
        reading.faults.push(ListError::IdentityDiffers);
    }
    Ok(identity)
}

/// 5.5.3: several certificates are of one key and one name.
fn differs(identity: &Identity) -> bool {
    let Some((first, others)) = identity.certificates.split_first() else { return false };
    others.iter().any(|other| other.spki_der() != first.spki_der() || other.subject_name() != first.subject_name())
}
