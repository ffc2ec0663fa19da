//! Who people are and what they are entrusted with, as logins and sessions ask it.

use std::pin::Pin;

use schemas::access::Roles;
use schemas::{Edrpou, PersonId};
use storage::StoreError;

/// The numbers that a certificate names its holder by. At least one is there, or the certificate names no person.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalNumbers {
    /// РНОКПП: ten digits.
    pub rnokpp: Option<String>,
    /// УНЗР: a date and a number, `19900101-01234`.
    pub unzr: Option<String>,
}

// Personal: neither in a log nor in a failed assertion.
impl std::fmt::Debug for PersonalNumbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonalNumbers")
    }
}

/// What a person is entrusted with at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entrusted {
    /// Roles of the node.
    pub node: Roles,
    /// Roles within participants, each participant once.
    pub within: Vec<(Edrpou, Roles)>,
}

/// An answer of a [`Directory`].
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, StoreError>> + Send + 'a>>;

/// The people whom the node knows. Asked at each request of a session, so it answers from memory, at most a second old.
pub trait Directory: Send + Sync {
    /// The registered person whom these numbers name, all of them that are there; `None` where nobody is, or two are.
    fn identify<'a>(&'a self, numbers: &'a PersonalNumbers) -> Answer<'a, PersonId>;

    /// What a person is entrusted with now; `None` where they are not registered, or no more.
    fn entrusted(&self, person: PersonId) -> Answer<'_, Entrusted>;
}
