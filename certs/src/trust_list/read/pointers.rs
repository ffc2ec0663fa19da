//! Pointers to other lists (5.3.13): a list of lists is made of them.

use super::super::element::Element;
use super::super::error::{FaultPlace, ListError};
use super::super::identifier::ListKind;
use super::super::limits;
use super::super::model::{Names, Pointer};
use super::super::namespaces::{ADDITIONAL, LIST, RECOGNITION};
use super::fields::{self, Fields};
use super::{Faults, providers, recognition, scheme};

pub(super) fn read<E: Element>(pointers: E, faults: &mut Faults) -> Result<Vec<Pointer>, ListError> {
    let all = fields::all_in(pointers, "PointersToOtherTSL", "OtherTSLPointer", limits::POINTERS)?;
    let mut read = Vec::with_capacity(all.len());
    for one in all {
        let mut place = String::new();
        match pointer(one, &mut place, faults) {
            Ok(pointer) => read.push(pointer),
            Err(error) => faults.tell(FaultPlace::Pointer(place), error, true)?,
        }
    }
    Ok(read)
}

fn pointer<E: Element>(element: E, place: &mut String, faults: &mut Faults) -> Result<Pointer, ListError> {
    let pointer = Fields::of(element, "OtherTSLPointer")?;
    let location = fields::word(pointer.required("TSLLocation")?, "TSLLocation")?;
    *place = providers::short(&location);
    let mut read = Pointer {
        location,
        kind: None,
        territory: None,
        media_type: None,
        operator: Names::default(),
        signers: Vec::new(),
        recognition: None,
    };
    if let Some(information) = pointer.optional("AdditionalInformation")? {
        let all = fields::all_in(information, "AdditionalInformation", "OtherInformation", limits::ADDRESSES)?;
        let mut recognised = None;
        for one in all {
            for what in Fields::of(one, "OtherInformation")?.children() {
                if what.name() == (Some(RECOGNITION), AGREEMENT) {
                    set(&mut recognised, (), AGREEMENT)?;
                    agreement(&mut read, *what, place, faults)?;
                } else {
                    take(&mut read, *what)?;
                }
            }
        }
    }
    if let Some(identities) = pointer.optional("ServiceDigitalIdentities")? {
        signers(&mut read, identities, place, faults)?;
    }
    Ok(read)
}

/// One of the things that a pointer says of the list. Each may be said once.
fn take<E: Element>(pointer: &mut Pointer, what: E) -> Result<(), ListError> {
    match what.name() {
        (Some(LIST), "TSLType") => {
            let kind = ListKind::from_uri(&fields::word(what, "TSLType")?);
            set(&mut pointer.kind, kind, "TSLType")
        }
        (Some(LIST), "SchemeTerritory") => {
            let territory = scheme::country(&fields::text(what, "SchemeTerritory")?)?;
            set(&mut pointer.territory, territory, "SchemeTerritory")
        }
        (Some(ADDITIONAL), "MimeType") => set(&mut pointer.media_type, fields::word(what, "MimeType")?, "MimeType"),
        (Some(LIST), "SchemeOperatorName") if !pointer.operator.0.is_empty() => {
            Err(ListError::Repeated("SchemeOperatorName"))
        }
        (Some(LIST), "SchemeOperatorName") => {
            pointer.operator = fields::names(what, "SchemeOperatorName", "Name")?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An agreement that cannot be used recognises nothing, and the list that is pointed to stays one.
fn agreement<E: Element>(pointer: &mut Pointer, element: E, place: &str, faults: &mut Faults) -> Result<(), ListError> {
    let told = match recognition::read(element) {
        Ok((read, told)) => {
            pointer.recognition = Some(read);
            told
        }
        Err(error) => vec![error],
    };
    for error in told {
        faults.tell(FaultPlace::Pointer(place.to_owned()), error, false)?;
    }
    Ok(())
}

const AGREEMENT: &str = "MutualRecognitionAgreementInformation";

fn set<T>(slot: &mut Option<T>, value: T, name: &'static str) -> Result<(), ListError> {
    if slot.replace(value).is_some() { Err(ListError::Repeated(name)) } else { Ok(()) }
}

/// Certificates of those who may sign. One that cannot be read signs nothing that could be verified, and the others still do.
fn signers<E: Element>(
    pointer: &mut Pointer,
    identities: E,
    place: &str,
    faults: &mut Faults,
) -> Result<(), ListError> {
    let all = fields::all_in(identities, "ServiceDigitalIdentities", "ServiceDigitalIdentity", limits::CERTIFICATES)?;
    for identity in all {
        for id in fields::all_in(identity, "ServiceDigitalIdentity", "DigitalId", limits::CERTIFICATES)? {
            let Some(found) = Fields::of(id, "DigitalId")?.optional("X509Certificate")? else { continue };
            if pointer.signers.len() >= limits::CERTIFICATES {
                return Err(ListError::TooMany("X509Certificate"));
            }
            match fields::certificate(found) {
                Ok(certificate) => pointer.signers.push(certificate),
                Err(error) => faults.tell(FaultPlace::Pointer(place.to_owned()), error, false)?,
            }
        }
    }
    Ok(())
}
