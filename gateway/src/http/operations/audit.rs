//! Searches of the log, exports, alerts, erasures.

use audit::Action;
use http::Method;
use schemas::ProblemCode as P;

use super::Operation;
use super::codes::{BODY, DANGEROUS, FORBIDDEN, JSON, MESSAGE, QUERY};

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        id: "search_audit",
        method: Method::POST,
        path: "/v1/audit/searches",
        action: Action::SearchAudit,
        problems: &[
            BODY,
            JSON,
            FORBIDDEN,
            &[P::NotFound, P::AuditFilterWrong, P::PersonNumberWrong, P::PeopleNotKept, P::NotYetInLog],
        ],
    },
    Operation {
        id: "export_audit",
        method: Method::POST,
        path: "/v1/audit/exports",
        action: Action::ExportAudit,
        problems: &[BODY, JSON, FORBIDDEN, &[P::AuditRangeWrong]],
    },
    Operation {
        id: "read_alerts",
        method: Method::GET,
        path: "/v1/alerts",
        action: Action::ReadAlerts,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "see_alert",
        method: Method::POST,
        path: "/v1/alerts/{alert}/seen",
        action: Action::SeeAlert,
        problems: &[MESSAGE, BODY, JSON, FORBIDDEN, &[P::AlertRemarkWrong, P::AlertSeenBefore]],
    },
    Operation {
        id: "read_erasures",
        method: Method::GET,
        path: "/v1/audit/erasures",
        action: Action::ReadErasures,
        problems: &[FORBIDDEN],
    },
    Operation {
        id: "erase_details",
        method: Method::POST,
        path: "/v1/audit/erasures",
        action: Action::EraseDetails,
        problems: &[
            BODY,
            JSON,
            DANGEROUS,
            &[
                P::ErasureGroundWrong,
                P::ErasureOwn,
                P::ErasureNothing,
                P::ErasureHeld,
                P::ErasureTooMuch,
                P::ErasureNotSealed,
                P::SameOperator,
                P::NotYetInLog,
            ],
        ],
    },
];
