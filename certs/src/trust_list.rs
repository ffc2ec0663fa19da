//! Trusted lists, ETSI TS 119 612 V2.4.1 (versions 5 and 6): whose services a country supervises, of what status, and since when.
//!
//! | module | what it does |
//! |---|---|
//! | `element` | what a reader of lists must be able to do with XML |
//! | `model` | a list as it says it is |
//! | `recognition` | what an agreement with a third country makes equivalent |
//! | `services` | services by what they are known by |
//! | `read` | from elements to a list |
//! | `error`, [`limits`] | what refuses a list, what is told of it; bounds |
//! | `identifier` | types of services, statuses, and what national lists call them |
//!
//! Not here: XML and signatures. A list is a signed document; `signing` verifies it and hands on the verified element, through
//! [`Element`], so that the same parser reads what was verified, and this crate stays without one.
//! What a list says is its operator's word. Whether the operator may say so is for whoever authenticated it.
mod anchors;
mod element;
mod error;
mod identifier;
pub mod limits;
mod model;
pub(crate) mod namespaces;
mod read;
mod recognition;
mod services;

pub use anchors::{BelievedList, ListedAnchor, Period, Standing};
pub use element::Element;
pub use error::{FaultPlace, ListError, ListFault};
pub(crate) use identifier::KEY_USAGES;
pub use identifier::{ListKind, Scheme, ServiceStatus, ServiceType};
pub use model::{
    AdditionalService, Criteria, Criterion, Identity, Match, Names, Pointer, Provider, Qualification, Qualifier,
    Service, State, StatementContent, StatementCriterion, TrustList,
};
pub use recognition::{
    AgreementStatus, ContentContext, ContentEquivalence, Equivalence, Recognition, Sides, Terms, TypeOfService,
};
pub use services::{Listed, Services};
