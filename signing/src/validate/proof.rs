//! Proofs of existence, EN 319 102-1 5.6.2.3: what is known to have existed when, by time-stamps that were validated.
//!
//! Only a [`TrustedTime`] makes a proof, so nothing that a file merely claims can move a verdict into the past.

use certs::timestamp::TrustedTime;
use time::OffsetDateTime;

/// What a proof is about, within one signature of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// The signature value.
    Signature,
    /// The certificates in SignedData. Nothing depends on which of them existed when.
    Certificates,
    /// RevocationInfoChoice in SignedData, by its place.
    Revocation(usize),
    /// A value of an unsigned attribute, by the places of attribute and value, with everything in it.
    UnsignedValue(usize, usize),
    /// Something in another signature of the file, of which nothing is proven here.
    Elsewhere,
}

/// The earliest time proven for each object.
#[derive(Debug, Clone)]
pub(super) struct Proofs {
    /// Everything exists at the time of validation (5.6.2.3.3).
    at: OffsetDateTime,
    /// Since when the whole file is known to have existed.
    whole: OffsetDateTime,
    proven: Vec<(Object, OffsetDateTime)>,
}

impl Proofs {
    pub(super) fn new(at: OffsetDateTime) -> Self {
        Self { at, whole: at, proven: Vec::new() }
    }

    /// The earliest time at which `object` is known to have existed.
    pub(super) fn existed(&self, object: Object) -> OffsetDateTime {
        let times = self.proven.iter().filter(|(known, _)| *known == object).map(|(_, time)| *time);
        times.min().map_or(self.whole, |time| time.min(self.whole))
    }

    pub(super) fn add(&mut self, objects: &[Object], time: TrustedTime) {
        self.add_at(objects, time.at());
    }

    /// For the file with everything in it.
    pub(super) fn add_whole(&mut self, time: TrustedTime) {
        self.whole = self.whole.min(time.at());
    }

    /// What is proven of the whole file holds for each signature in it.
    pub(super) fn share_whole(&mut self, of: &Self) {
        self.whole = of.whole;
    }

    /// For what stands within something that is itself proven: a counter-signature within its attribute.
    pub(super) fn inherit(&mut self, object: Object, from: &Self, outer: Object) {
        let time = from.existed(outer);
        if time < from.at {
            self.add_at(&[object], time);
        }
    }

    fn add_at(&mut self, objects: &[Object], time: OffsetDateTime) {
        self.proven.extend(objects.iter().map(|object| (*object, time)));
    }
}
