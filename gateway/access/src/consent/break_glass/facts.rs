//! The facts that decisions about break-glass access rest on. Made from the database only, so that no caller can claim one.

use schemas::break_glass::{BrokenGlass, Ground};
use schemas::{ApplicationId, BreakGlassId, CopyId, Edrpou, PersonId};

use crate::actor::Actor;

/// What somebody wants to open, whose that is, and where they applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningResource {
    pub(crate) opens: BrokenGlass,
    pub(crate) subject: PersonId,
    /// The centre of the application; of a person, each where they ever applied.
    pub(crate) centres: Vec<Edrpou>,
}

impl OpeningResource {
    /// The centre that learns of it.
    pub(super) fn told(&self, actor: &Actor) -> Option<Edrpou> {
        match self.opens {
            BrokenGlass::Application { .. } => self.centres.first().copied(),
            BrokenGlass::Person { .. } => actor.participant(),
        }
    }
}

/// A break-glass access as it stands, and the copy that is to be looked at under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlassResource {
    pub(crate) id: BreakGlassId,
    pub(crate) opened_by: PersonId,
    pub(crate) subject: PersonId,
    pub(crate) centre: Option<Edrpou>,
    pub(crate) copy: Option<CopyId>,
    /// The application that it opens; none: all copies of a person.
    pub(crate) application: Option<ApplicationId>,
    /// On what ground it was opened.
    pub(crate) ground: Ground,
    /// Neither ended nor over.
    pub(crate) open: bool,
    /// The copy is among what it opens; true where no copy is named.
    pub(crate) covers: bool,
}
