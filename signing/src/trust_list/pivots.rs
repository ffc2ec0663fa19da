//! A list of lists announces who will sign the next ones. Issues that change the signers are kept under addresses of their own (pivots),
//! so that whoever knows the signers of old, published in the Official Journal, finds the way to those of today.

use certs::certificate::Certificate;
use certs::trust_list::{ListKind, TrustList};
use time::OffsetDateTime;

use crate::validate::suite::Suite;
use crate::xml::{Limits, Source};

use super::authenticate::{AuthenticatedList, authenticate, authenticate_as_issued};
use super::element::ListElement;
use super::refused::ListRefused;

/// Pivots of one publication; six were the most so far.
const MOST_PIVOTS: usize = 16;

/// What is not believed on the way, or at its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{cause}", self.place())]
pub struct PivotRefused {
    /// Which pivot, counted from the oldest, from 1; `None`: the list itself.
    pub pivot: Option<usize>,
    /// Why. Then nothing after it is believed either.
    pub cause: ListRefused,
}

impl PivotRefused {
    fn place(&self) -> String {
        self.pivot.map(|number| format!("Former issue {number} on the way: ")).unwrap_or_default()
    }
}

/// Whom a list of lists announces as its own signers: those of its pointer to itself (TS 119 615, 4.1.4).
#[must_use]
pub fn signers_announced(list_of_lists: &AuthenticatedList) -> &[Certificate] {
    let list = list_of_lists.list();
    let mut pointers = list.pointers.iter().filter(|pointer| pointer.kind == Some(ListKind::Lists));
    let own = pointers.find(|pointer| pointer.territory.as_deref().is_none_or(|territory| territory == list.territory));
    own.map_or(&[], |pointer| &pointer.signers)
}

/// Where a list of lists says that its pivots are, the oldest first. Nobody has authenticated it: the addresses are a stranger's text, and
/// what lies there is believed only along the way from the published signers.
///
/// # Errors
/// What cannot be read.
pub fn pivot_locations(octets: &[u8]) -> Result<Vec<String>, ListRefused> {
    let source = Source::read(octets, &Limits::DOCUMENT).map_err(ListRefused::Xml)?;
    let document = source.parse().map_err(ListRefused::Xml)?;
    let list = TrustList::read(ListElement(document.root_element()), [0; 32]).map_err(ListRefused::Content)?;
    let mut locations: Vec<String> = Vec::new();
    for location in list.information.into_iter().filter(|location| location.ends_with(".xml")) {
        if !locations.contains(&location) {
            locations.push(location);
        }
    }
    locations.reverse();
    Ok(locations)
}

/// Authenticates a list of lists by the way to its signers: from `published`, whom an operator took from the Official Journal, along
/// `pivots`, the oldest first. Without pivots it is [`super::authenticate`].
///
/// A pivot is an old issue: that its NextUpdate has passed and its signer's certificate has expired since says nothing against it, so that
/// each is judged as of the time when it was issued. Numbers grow along the way. A list that is its own last pivot is signed by those
/// whom the one before announced. `at` is as there; `None`: as of its own issue, for a list that was authenticated before.
///
/// # Errors
/// [`PivotRefused`] at the first that does not follow, and for too many of them.
pub fn authenticate_along(
    octets: &[u8],
    published: &[Certificate],
    pivots: &[Vec<u8>],
    suite: &Suite,
    at: Option<OffsetDateTime>,
) -> Result<AuthenticatedList, PivotRefused> {
    let (mut signers, mut last) = (published.to_vec(), 0);
    let former = pivots.iter().enumerate().filter(|(_, pivot)| pivot.as_slice() != octets);
    for (index, pivot) in former {
        let refused = |cause| PivotRefused { pivot: Some(index + 1), cause };
        if index >= MOST_PIVOTS {
            return Err(refused(ListRefused::AnotherList(format!("more than {MOST_PIVOTS} pivots"))));
        }
        let pivot = authenticate_as_issued(pivot, &signers, suite).map_err(refused)?;
        let list = pivot.list();
        if list.kind != ListKind::Lists {
            return Err(refused(ListRefused::AnotherList(list.territory.clone())));
        }
        if list.sequence_number <= last {
            return Err(refused(ListRefused::Older(list.sequence_number, last)));
        }
        last = list.sequence_number;
        signers = signers_announced(&pivot).to_vec();
    }
    let current = match at {
        Some(at) => authenticate(octets, &signers, suite, at),
        None => authenticate_as_issued(octets, &signers, suite),
    };
    let refused = |cause| PivotRefused { pivot: None, cause };
    let current = current.map_err(refused)?;
    let number = current.list().sequence_number;
    if number < last {
        return Err(refused(ListRefused::Older(number, last)));
    }
    Ok(current)
}
