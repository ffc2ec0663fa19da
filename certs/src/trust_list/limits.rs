//! Bounds of one list. Real ones are measured: the largest of 2025 list 60 providers and 451 services, of at most eight states each;
//! the list of lists points 47 times; the longest text has a thousand characters. Each bound leaves room for ten times as much.

/// Providers of a list.
pub const PROVIDERS: usize = 1_000;
/// Services of a list.
pub const SERVICES: usize = 10_000;
/// States of one service, the present one among them.
pub const STATES: usize = 100;
/// Pointers of a list.
pub const POINTERS: usize = 500;
/// Certificates of one service, or of one pointer.
pub const CERTIFICATES: usize = 100;
/// Names in one element: the Union has 24 languages, and providers have several names in one.
pub const NAMES: usize = 250;
/// Addresses in one element.
pub const ADDRESSES: usize = 500;
/// Octets of one name or address.
pub const TEXT: usize = 8 * 1024;
/// Extensions of one state.
pub const EXTENSIONS: usize = 100;
/// Qualifications of one state; real ones have twelve. Each is asked of each certificate that the service issued.
pub const QUALIFICATIONS: usize = 250;
/// Criteria of one state, nested ones counted.
pub const CRITERIA: usize = 2_000;
/// Criteria in criteria. Real ones reach three.
pub const CRITERIA_DEPTH: usize = 8;
/// Equivalences of one agreement on recognition, and types, statuses and contents of one equivalence. There are some six kinds of
/// qualified service, and the published examples name one.
pub const EQUIVALENCES: usize = 100;
/// Faults that are told: a list with more is none.
pub const FAULTS: usize = 1_000;
/// Characters of a name in a fault.
pub const FAULT_NAME: usize = 120;
