//! The facts that decisions about copies and applications rest on. Made from the database only, so that no caller can claim one.

use schemas::application::Application;
use schemas::{ApplicationId, CopyId, Edrpou, PersonId};

use super::rows::LookFacts;
use crate::purpose::StatedPurpose;

/// A copy and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyResource {
    pub(crate) copy: CopyId,
    pub(crate) owner: PersonId,
}

/// An application, who made it, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationResource {
    pub(crate) application: ApplicationId,
    pub(crate) applicant: PersonId,
    pub(crate) centre: Edrpou,
}

impl ApplicationResource {
    pub(super) fn of(application: &Application) -> Self {
        let Application { application_id, applicant, centre, .. } = application;
        Self { application: *application_id, applicant: *applicant, centre: *centre }
    }
}

/// A copy that is to be attached to an application, or detached from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentResource {
    pub(crate) application: ApplicationResource,
    pub(crate) copy: CopyId,
    pub(crate) owner: PersonId,
}

/// A copy that somebody wants to look at because of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookResource {
    facts: LookFacts,
    open: bool,
    kept: bool,
    purpose: Option<StatedPurpose>,
}

impl LookResource {
    pub(crate) fn new(facts: LookFacts, open: bool, kept: bool, purpose: Option<StatedPurpose>) -> Self {
        Self { facts, open, kept, purpose }
    }

    /// The copy.
    #[must_use]
    pub fn copy(&self) -> CopyId {
        self.facts.copy
    }

    /// The application.
    #[must_use]
    pub fn application(&self) -> ApplicationId {
        self.facts.application
    }

    /// Whose the copy is.
    pub(crate) fn owner(&self) -> PersonId {
        self.facts.owner
    }

    /// Where the application was made.
    pub(crate) fn centre(&self) -> Edrpou {
        self.facts.centre
    }

    /// The copy is attached to the application, and both are one person's.
    pub(crate) fn is_attached(&self) -> bool {
        self.facts.attached
    }

    /// The application is neither withdrawn nor closed.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// It is closed, and its class of retention not over.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// What was stated.
    pub(crate) fn purpose(&self) -> Option<&StatedPurpose> {
        self.purpose.as_ref()
    }
}
