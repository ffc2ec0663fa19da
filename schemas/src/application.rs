//! Applications of people for services, the copies of documents that they keep at the node, and who looked at these.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{DocumentKind, Edrpou, RetentionClass, ServiceName};
use crate::id::{ApplicationId, BreakGlassId, CopyId, LookId, PersonId};
use crate::purpose::PurposeName;

/// A copy of a document that a person keeps at the node. The node cannot open it: it is what the person's portal sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoredCopy {
    /// The copy.
    pub copy_id: CopyId,
    /// What kind of document it is of.
    pub kind: DocumentKind,
    /// SHA-256 of the sealed bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// How many sealed bytes there are.
    pub size: u64,
    /// When it was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub stored_at: OffsetDateTime,
}

/// What a person applies for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationRequest {
    /// The service centre that it is made at.
    pub centre: Edrpou,
    /// The service.
    pub service: ServiceName,
}

/// How an application stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ApplicationState {
    /// The centre works on it and sees what is attached.
    Open,
    /// The applicant withdrew it: the centre sees nothing of it any more.
    Withdrawn {
        /// When.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// The centre closed it.
    Closed {
        /// When.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        /// Its class of retention, which says how long the centre still sees what is attached.
        retention: RetentionClass,
    },
}

/// An application for a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Application {
    /// The application.
    pub application_id: ApplicationId,
    /// Who applies.
    pub applicant: PersonId,
    /// The service centre that it was made at.
    pub centre: Edrpou,
    /// The service.
    pub service: ServiceName,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub applied_at: OffsetDateTime,
    /// How it stands.
    #[serde(flatten)]
    pub state: ApplicationState,
    /// The copies that are attached to it.
    pub copies: Vec<CopyId>,
}

/// How a centre closes an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// The class of retention of what is attached. Absent: `standard`.
    #[serde(default)]
    pub retention: RetentionClass,
}

/// A look at a person's data, as the person is shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Look {
    /// The look.
    pub look_id: LookId,
    /// Who looked, as in the log.
    pub looked_by: String,
    /// The participant in whose name they looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<Edrpou>,
    /// What was looked at, as in the log: `copy:<id>`; `break_glass:<id>`: break-glass access was opened, or its copies were listed.
    pub object: String,
    /// What for.
    pub purpose: PurposeName,
    /// The clause of the law on which that was done.
    pub legal_ground: String,
    /// The break-glass access under which it was done, or which was opened then; absent: the centre could see it anyhow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlassId>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// One page of looks, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LookPage {
    /// The looks.
    pub looks: Vec<Look>,
    /// Given where there are more: the `before` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_before: Option<LookId>,
}

/// What a person keeps at the node and applied for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnFile {
    /// The copies, oldest first.
    pub copies: Vec<StoredCopy>,
    /// The applications, the newest first; at most a hundred.
    pub applications: Vec<Application>,
}

/// One page of the applications at a centre, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApplicationPage {
    /// The applications.
    pub applications: Vec<Application>,
    /// Given where there are more: the `after` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<ApplicationId>,
}
