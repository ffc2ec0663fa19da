//! Providers of trust services (5.4).

use super::super::element::Element;
use super::super::error::{FaultPlace, ListError};
use super::super::limits;
use super::super::model::{Names, Provider};
use super::fields::{self, Fields};
use super::{Faults, service};

pub(super) fn read<E: Element>(list: E, faults: &mut Faults) -> Result<Vec<Provider>, ListError> {
    let all = fields::all_in(list, "TrustServiceProviderList", "TrustServiceProvider", limits::PROVIDERS)?;
    let mut read = Vec::with_capacity(all.len());
    let mut room = limits::SERVICES;
    for element in all {
        let (provider, services) = match provider(element) {
            Ok(found) => found,
            Err(error) => {
                faults.tell(FaultPlace::Provider(String::new()), error, true)?;
                continue;
            }
        };
        room = room.checked_sub(services.len()).ok_or(ListError::TooMany("TSPService"))?;
        read.push(with_services(provider, services, faults)?);
    }
    Ok(read)
}

/// Names, and the elements of the services.
fn provider<E: Element>(element: E) -> Result<(Provider, Vec<E>), ListError> {
    let fields = Fields::of(element, "TrustServiceProvider")?;
    let information = Fields::of(fields.required("TSPInformation")?, "TSPInformation")?;
    let names = fields::names(information.required("TSPName")?, "TSPName", "Name")?;
    let trade_names = information.optional("TSPTradeName")?;
    let trade_names = trade_names.map(|names| fields::names(names, "TSPTradeName", "Name")).transpose()?;
    let services = fields::all_in(fields.required("TSPServices")?, "TSPServices", "TSPService", limits::SERVICES)?;
    Ok((Provider { names, trade_names: trade_names.unwrap_or_default(), services: Vec::new() }, services))
}

fn with_services<E: Element>(
    mut provider: Provider,
    services: Vec<E>,
    faults: &mut Faults,
) -> Result<Provider, ListError> {
    let name = short(provider.names.best());
    for element in services {
        let mut found = service::Reading::default();
        let outcome = service::read(element, &mut found);
        let place = FaultPlace::Service { provider: name.clone(), service: short(found.names.best()) };
        for error in found.faults {
            faults.tell(place.clone(), error, false)?;
        }
        match outcome {
            Ok(service) => provider.services.push(service),
            Err(error) => faults.tell(place, error, true)?,
        }
    }
    Ok(provider)
}

/// As much of a name as a fault carries.
pub(super) fn short(name: &str) -> String {
    name.chars().take(limits::FAULT_NAME).collect()
}

/// What a fault is told with is read before what may fail.
pub(super) fn names_of<E: Element>(fields: &Fields<E>, name: &'static str) -> Result<Names, ListError> {
    fields::names(fields.required(name)?, name, "Name")
}
