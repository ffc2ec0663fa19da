//! From verified elements to a list: annexes B and C of TS 119 612.
//!
//! | module | what it does |
//! |---|---|
//! | `fields` | children by name, values, bounds |
//! | `scheme` | 5.3 |
//! | `pointers` | 5.3.13 |
//! | `recognition` | agreements beside pointers |
//! | `providers` | 5.4 |
//! | `service` | 5.5, 5.6 |
//! | `extensions` | 5.5.9 |
//!
//! A scheme part that is wrong refuses the list, and so does more of anything than a bound. A service, a provider or a pointer that is
//! wrong is left out and told as a fault: one service must not take down a country. Elements that are not known are passed over.
mod extensions;
mod fields;
mod pointers;
mod providers;
mod recognition;
mod scheme;
mod service;

use super::element::Element;
use super::error::{FaultPlace, ListError, ListFault};
use super::limits;
use super::model::TrustList;
use super::namespaces::LIST;
use fields::Fields;

impl TrustList {
    /// Reads a list from its outermost element. `sha256` is that of the file. Whether anybody signed it is not looked at.
    ///
    /// # Errors
    /// [`ListError`] where it is not a list, its scheme part cannot be read in one way only, or a bound is passed.
    pub fn read(root: impl Element, sha256: [u8; 32]) -> Result<Self, ListError> {
        match (root.name(), root.attribute(None, "TSLTag")) {
            ((Some(LIST), "TrustServiceStatusList"), Some(TAG)) => (),
            ((Some(LIST), "TrustServiceStatusList"), Some(FORMER_TAG)) => return Err(ListError::Version),
            _ => return Err(ListError::NotAList),
        }
        let fields = Fields::of(root, "TrustServiceStatusList")?;
        let scheme = Fields::of(fields.required("SchemeInformation")?, "SchemeInformation")?;
        let mut faults = Faults::default();
        let mut list = scheme::read(&scheme, sha256)?;
        if let Some(pointers) = scheme.optional("PointersToOtherTSL")? {
            list.pointers = pointers::read(pointers, &mut faults)?;
        }
        if let Some(providers) = fields.optional("TrustServiceProviderList")? {
            list.providers = providers::read(providers, &mut faults)?;
        }
        list.faults = faults.told;
        Ok(list)
    }
}

/// 5.2.1: by this a list is known among other documents.
const TAG: &str = "http://uri.etsi.org/19612/TSLTag";

/// That of TS 102 231, up to version 4.
const FORMER_TAG: &str = "http://uri.etsi.org/02231/TSLTag";

/// What is wrong and does not refuse the list.
#[derive(Default)]
struct Faults {
    told: Vec<ListFault>,
}

impl Faults {
    fn tell(&mut self, place: FaultPlace, error: ListError, is_left_out: bool) -> Result<(), ListError> {
        if self.told.len() >= limits::FAULTS {
            return Err(ListError::TooMany("faults"));
        }
        self.told.push(ListFault { place, error, is_left_out });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
