//! The operations of the public API: what each is called, which deed the log records it as, and which problems it can
//! answer. The OpenAPI document, the audit row of a refusal and the metrics all read this one table; a test holds it
//! against the routes.

use std::time::Duration;

use audit::Action;
use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use schemas::ProblemCode;
use schemas::ProblemCode as P;

/// One operation.
pub(crate) struct Operation {
    /// `operationId` of the OpenAPI document and label of the metrics.
    pub(crate) id: &'static str,
    /// Method; GET answers HEAD too, unless the handler refuses.
    pub(crate) method: Method,
    /// Path as the router has it.
    pub(crate) path: &'static str,
    /// The deed that a refusal is recorded as.
    pub(crate) action: Action,
    /// Problems beyond [`COMMON`].
    problems: &'static [&'static [ProblemCode]],
}

impl Operation {
    /// All problems that it can answer, in the order of the table.
    pub(crate) fn problems(&self) -> impl Iterator<Item = ProblemCode> {
        std::iter::once(COMMON).chain(self.problems.iter().copied()).flatten().copied()
    }

    /// Whether the document lists the problem.
    pub(crate) fn may_answer(&self, code: ProblemCode) -> bool {
        self.problems().any(|listed| listed == code)
    }
}

/// What any operation can answer.
const COMMON: &[ProblemCode] = &[
    P::ClientCertificateMissing,
    P::ClientCertificateUntrusted,
    P::ClientCertificateExpired,
    P::ClientCertificateRevoked,
    P::ClientCertificateStatusUnknown,
    P::ClientCertificateUnregistered,
    P::TokenRefused,
    P::TokenScope,
    P::SessionMissing,
    P::SessionEnded,
    P::SessionForeignOrigin,
    P::SessionCsrfToken,
    P::SignerStatusUnknown,
    P::TooManyAnonymousRequests,
    P::QuotaRequests,
    P::QuotaSession,
    P::MethodNotAllowed,
    P::RepeatedHeader,
    P::Overloaded,
    P::StorageUnavailable,
    P::EvidenceUnavailable,
    P::Internal,
];
const BODY: &[ProblemCode] = &[P::UnsupportedMediaType, P::TooLarge, P::TruncatedBody, P::RequestTimeout];
const JSON: &[ProblemCode] = &[P::MalformedJson];
const QUERY: &[ProblemCode] = &[P::MalformedQuery];
const HEADERS: &[ProblemCode] = &[P::MissingHeader, P::MalformedHeader];
const MESSAGE: &[ProblemCode] = &[P::MalformedId, P::NotFound];
const FORBIDDEN: &[ProblemCode] = &[P::ActionForbidden];
/// Of what leaves evidence that names the certificate of a login.
const CERTIFIED: &[ProblemCode] = &[P::SessionWithoutCertificate];
/// Of what takes a signature of just now from a person: the list is that of the policies.
const DANGEROUS: &[ProblemCode] = &[P::ActionForbidden, P::StepUpRequired];
const SIGNATURE: &[ProblemCode] = &[
    P::SignatureMissing,
    P::SignatureUnreadable,
    P::SignatureFormat,
    P::SignatureOverOtherContent,
    P::SignatureValueWrong,
    P::SignerUnidentified,
    P::SignerUntrusted,
    P::SignerRevoked,
    P::SignerSuspended,
    P::SignerExpired,
    P::SignerStatusUnknown,
    P::SignatureConstraints,
    P::SignatureWeakAlgorithm,
    P::SignerNotOfSender,
    P::QuotaHeld,
];
const SUBMISSION: &[ProblemCode] =
    &[P::MalformedMultipart, P::EmptyDocument, P::IdempotencyKeyReused, P::SubmissionEnded];
/// What is wrong with where a submission goes.
const ADDRESSED: &[ProblemCode] = &[
    P::SenderNotYou,
    P::ChannelNotAllowed,
    P::UnknownRecipient,
    P::RecipientCannotReceive,
    P::RecipientStatusUnknown,
    P::RecipientSuspended,
    P::RecipientTakesOtherKinds,
    P::UnknownCase,
    P::QuotaConcurrent,
    P::QuotaBytes,
    P::QuotaMailboxFull,
];
/// What is wrong with the metadata in an envelope.
const METADATA: &[ProblemCode] = &[P::MetadataInvalid, P::MetadataSchemaUnknown, P::MetadataRequired];
/// What an announced submission answers that is announced no more.
const CLOSED: &[ProblemCode] = &[P::SubmissionSent, P::SubmissionEnded];

/// Why a person is not entrusted with a role.
const ROLES: &[ProblemCode] = &[
    P::RoleScopeWrong,
    P::RoleNotEntrusted,
    P::RoleDatesWrong,
    P::RoleOwn,
    P::RoleIncompatible,
    P::RoleHeld,
    P::RoleParticipantUnknown,
    P::SameOperator,
];

const RELAYED: &[ProblemCode] = &[
    P::MalformedId,
    P::ActionForbidden,
    P::UnknownRecipient,
    P::ChannelNotAllowed,
    P::RecipientTakesOtherKinds,
    P::RecipientSuspended,
    P::UnknownCase,
    P::RelayEvidenceWrong,
    P::RelayConflict,
    P::RelayIncomplete,
];

/// What is wrong with the answer to a challenge.
const CHALLENGE: &[ProblemCode] = &[
    P::NotFound,
    P::ChallengeInvalid,
    P::ChallengeExpired,
    P::ChallengeAnswered,
    P::LoginSeveralSigners,
    P::LoginNamesNoPerson,
    P::LoginThrottled,
    P::SignatureMissing,
    P::SignatureUnreadable,
    P::SignatureFormat,
    P::SignatureOverOtherContent,
    P::SignatureValueWrong,
    P::SignerUnidentified,
    P::SignerUntrusted,
    P::SignerRevoked,
    P::SignerSuspended,
    P::SignerExpired,
    P::SignatureConstraints,
    P::SignatureWeakAlgorithm,
];

/// Every operation, in the order of the document.
pub(crate) static OPERATIONS: &[Operation] = &[
    Operation {
        id: "submit_document",
        method: Method::POST,
        path: "/v1/submissions",
        action: Action::SubmitDocument,
        problems: &[HEADERS, BODY, JSON, FORBIDDEN, CERTIFIED, SUBMISSION, ADDRESSED, METADATA, SIGNATURE],
    },
    Operation {
        id: "list_submissions",
        method: Method::GET,
        path: "/v1/submissions",
        action: Action::ListSubmissions,
        problems: &[FORBIDDEN, &[P::MalformedQuery]],
    },
    Operation {
        id: "announce_submission",
        method: Method::POST,
        path: "/v1/announcements",
        action: Action::AnnounceSubmission,
        problems: &[
            HEADERS,
            BODY,
            JSON,
            FORBIDDEN,
            CERTIFIED,
            ADDRESSED,
            METADATA,
            &[
                P::EmptyDocument,
                P::PartsInconsistent,
                P::IdempotencyKeyReused,
                P::SubmissionEnded,
                P::AnnouncementsNotTaken,
            ],
        ],
    },
    Operation {
        id: "read_announcement",
        method: Method::GET,
        path: "/v1/announcements/{message}",
        action: Action::ReadAnnouncement,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "withdraw_announcement",
        method: Method::DELETE,
        path: "/v1/announcements/{message}",
        action: Action::WithdrawSubmission,
        problems: &[MESSAGE, FORBIDDEN, CLOSED],
    },
    Operation {
        id: "upload_part",
        method: Method::PUT,
        path: "/v1/announcements/{message}/parts/{part}",
        action: Action::UploadPart,
        problems: &[
            MESSAGE,
            FORBIDDEN,
            HEADERS,
            BODY,
            CLOSED,
            &[
                P::EmptyDocument,
                P::AnnouncementLapsed,
                P::AnnouncementsNotTaken,
                P::RangeNotSatisfiable,
                P::RangeNotNext,
                P::RangeDiffers,
                P::DigestMismatch,
            ],
        ],
    },
    Operation {
        id: "send_announcement",
        method: Method::POST,
        path: "/v1/announcements/{message}/send",
        action: Action::SubmitDocument,
        problems: &[
            MESSAGE,
            FORBIDDEN,
            ADDRESSED,
            CLOSED,
            SIGNATURE,
            &[P::AnnouncementLapsed, P::AnnouncementsNotTaken, P::SubmissionIncomplete, P::TooLarge],
        ],
    },
    Operation {
        id: "list_mailbox",
        method: Method::GET,
        path: "/v1/mailboxes/{mailbox}/messages",
        action: Action::ListMailbox,
        problems: &[MESSAGE, FORBIDDEN, QUERY],
    },
    Operation {
        id: "lease_messages",
        method: Method::POST,
        path: "/v1/mailboxes/{mailbox}/leases",
        action: Action::LeaseMessages,
        problems: &[MESSAGE, FORBIDDEN, BODY, JSON, &[P::TooManyWaiting]],
    },
    Operation {
        id: "read_subscription",
        method: Method::GET,
        path: "/v1/subscriptions/{mailbox}",
        action: Action::ReadSubscription,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "set_subscription",
        method: Method::PUT,
        path: "/v1/subscriptions/{mailbox}",
        action: Action::SetSubscription,
        problems: &[MESSAGE, FORBIDDEN, BODY, JSON, &[P::WebhookNotAllowed, P::WebhooksNotOffered]],
    },
    Operation {
        id: "remove_subscription",
        method: Method::DELETE,
        path: "/v1/subscriptions/{mailbox}",
        action: Action::RemoveSubscription,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "read_message",
        method: Method::GET,
        path: "/v1/messages/{message}",
        action: Action::ReadMessage,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "download_part",
        method: Method::GET,
        path: "/v1/messages/{message}/parts/{part}",
        action: Action::DownloadPart,
        problems: &[MESSAGE, FORBIDDEN, HEADERS, &[P::LeaseNotHeld, P::AlreadyFinal, P::RangeNotSatisfiable]],
    },
    Operation {
        id: "acknowledge_message",
        method: Method::POST,
        path: "/v1/messages/{message}/acknowledgement",
        action: Action::AcknowledgeMessage,
        problems: &[
            CERTIFIED,
            MESSAGE,
            FORBIDDEN,
            HEADERS,
            BODY,
            JSON,
            SIGNATURE,
            &[P::LeaseNotHeld, P::NotHandedOver, P::AlreadyFinal, P::AcknowledgementMismatch],
        ],
    },
    Operation {
        id: "read_case",
        method: Method::GET,
        path: "/v1/cases/{case}/events",
        action: Action::ReadCase,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "export_case",
        method: Method::GET,
        path: "/v1/cases/{case}/export",
        action: Action::ExportCase,
        problems: &[MESSAGE, FORBIDDEN, QUERY, &[P::TooLarge]],
    },
    Operation {
        id: "offer_message",
        method: Method::PUT,
        path: "/v1/relay/messages/{message}",
        action: Action::ReceiveRelayed,
        problems: &[BODY, JSON, RELAYED],
    },
    Operation {
        id: "bring_part",
        method: Method::PUT,
        path: "/v1/relay/messages/{message}/parts/{part}",
        action: Action::ReceiveRelayed,
        problems: &[BODY, HEADERS, RELAYED, &[P::NotFound, P::RangeNotSatisfiable]],
    },
    Operation {
        id: "commit_message",
        method: Method::POST,
        path: "/v1/relay/messages/{message}/commit",
        action: Action::ReceiveRelayed,
        problems: &[RELAYED],
    },
    Operation {
        id: "report_evidence",
        method: Method::POST,
        path: "/v1/relay/evidence",
        action: Action::HearPeer,
        problems: &[BODY, JSON, FORBIDDEN, &[P::NotFound, P::RelayEvidenceWrong, P::RelayTooEarly]],
    },
    Operation {
        id: "read_participants",
        method: Method::GET,
        path: "/v1/participants",
        action: Action::ReadParticipants,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "register_participant",
        method: Method::PUT,
        path: "/v1/participants/{edrpou}",
        action: Action::RegisterParticipant,
        problems: &[&[P::MalformedId], BODY, JSON, DANGEROUS],
    },
    Operation {
        id: "set_channel",
        method: Method::PUT,
        path: "/v1/channels",
        action: Action::SetChannel,
        problems: &[BODY, JSON, FORBIDDEN, &[P::UnknownRecipient, P::NotFound, P::UnknownRetentionClass]],
    },
    Operation {
        id: "read_people",
        method: Method::GET,
        path: "/v1/people",
        action: Action::ReadPeople,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "register_person",
        method: Method::POST,
        path: "/v1/people",
        action: Action::RegisterPerson,
        problems: &[
            BODY,
            JSON,
            DANGEROUS,
            &[P::PersonNumberWrong, P::PersonRegistered, P::PersonNumbersOfTwo, P::PeopleNotKept],
        ],
    },
    Operation {
        id: "remove_person",
        method: Method::DELETE,
        path: "/v1/people/{person}",
        action: Action::RemovePerson,
        problems: &[MESSAGE, DANGEROUS],
    },
    Operation {
        id: "grant_role",
        method: Method::POST,
        path: "/v1/people/{person}/roles",
        action: Action::GrantRole,
        problems: &[MESSAGE, BODY, JSON, DANGEROUS, ROLES],
    },
    Operation {
        id: "revoke_role",
        method: Method::DELETE,
        path: "/v1/people/{person}/roles/{assignment}",
        action: Action::RevokeRole,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "read_people_of_participant",
        method: Method::GET,
        path: "/v1/participants/{edrpou}/people",
        action: Action::ReadPeople,
        problems: &[&[P::MalformedId], FORBIDDEN, QUERY],
    },
    Operation {
        id: "import_directory",
        method: Method::POST,
        path: "/v1/directory/import",
        action: Action::ImportDirectory,
        problems: &[BODY, JSON, DANGEROUS, &[P::ImportRefused, P::SameOperator, P::PeopleNotKept]],
    },
    Operation {
        id: "undo_import",
        method: Method::POST,
        path: "/v1/directory/import/{import}/undo",
        action: Action::UndoImport,
        problems: &[MESSAGE, DANGEROUS, &[P::ImportUndoneBefore]],
    },
    Operation {
        id: "resolve_address",
        method: Method::GET,
        path: "/v1/addresses",
        action: Action::ResolveAddress,
        problems: &[FORBIDDEN, QUERY, &[P::NotFound]],
    },
    Operation {
        id: "set_address",
        method: Method::PUT,
        path: "/v1/addresses",
        action: Action::SetAddress,
        problems: &[BODY, JSON, FORBIDDEN, &[P::UnknownRecipient]],
    },
    Operation {
        id: "remove_address",
        method: Method::DELETE,
        path: "/v1/addresses",
        action: Action::RemoveAddress,
        problems: &[FORBIDDEN, QUERY, &[P::NotFound]],
    },
    Operation {
        id: "set_suspension",
        method: Method::PUT,
        path: "/v1/suspensions",
        action: Action::SuspendRecipient,
        problems: &[BODY, JSON, FORBIDDEN, &[P::UnknownRecipient]],
    },
    Operation {
        id: "check_delivery",
        method: Method::GET,
        path: "/v1/capabilities",
        action: Action::CheckDelivery,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "read_quarantine",
        method: Method::GET,
        path: "/v1/quarantine",
        action: Action::ReadQuarantine,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "retry_message",
        method: Method::POST,
        path: "/v1/quarantine/{message}/retry",
        action: Action::RetryMessage,
        problems: &[MESSAGE, DANGEROUS, &[P::NotQuarantined, P::SameOperator]],
    },
    Operation {
        id: "read_due",
        method: Method::GET,
        path: "/v1/retention/due",
        action: Action::ReadRetention,
        problems: &[FORBIDDEN, QUERY, &[P::UnknownRetentionClass]],
    },
    Operation {
        id: "read_holds",
        method: Method::GET,
        path: "/v1/holds",
        action: Action::ReadRetention,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "place_hold",
        method: Method::POST,
        path: "/v1/holds",
        action: Action::PlaceHold,
        problems: &[BODY, JSON, FORBIDDEN, &[P::NotFound, P::NothingToHold]],
    },
    Operation {
        id: "lift_hold",
        method: Method::POST,
        path: "/v1/holds/{hold}/lift",
        action: Action::LiftHold,
        problems: &[MESSAGE, BODY, JSON, FORBIDDEN, &[P::HoldLifted]],
    },
    Operation {
        id: "draw_disposal_act",
        method: Method::POST,
        path: "/v1/disposal-acts",
        action: Action::DrawDisposalAct,
        problems: &[BODY, JSON, DANGEROUS, &[P::UnknownRetentionClass, P::NothingDue, P::DisposalNumberTaken]],
    },
    Operation {
        id: "read_disposal_acts",
        method: Method::GET,
        path: "/v1/disposal-acts",
        action: Action::ReadRetention,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "read_disposal_act",
        method: Method::GET,
        path: "/v1/disposal-acts/{act}",
        action: Action::ReadRetention,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "sign_disposal_act",
        method: Method::POST,
        path: "/v1/disposal-acts/{act}/signatures",
        action: Action::SignDisposalAct,
        problems: &[
            MESSAGE,
            BODY,
            DANGEROUS,
            SIGNATURE,
            &[P::SignerNotOfCommission, P::DisposalSamePerson, P::DisposalActClosed],
        ],
    },
    Operation {
        id: "withdraw_disposal_act",
        method: Method::DELETE,
        path: "/v1/disposal-acts/{act}",
        action: Action::WithdrawDisposalAct,
        problems: &[MESSAGE, DANGEROUS, &[P::DisposalActClosed]],
    },
    Operation {
        id: "store_copy",
        method: Method::POST,
        path: "/v1/copies",
        action: Action::StoreCopy,
        problems: &[BODY, QUERY, FORBIDDEN, &[P::EmptyDocument, P::CopiesFull]],
    },
    Operation {
        id: "read_own_file",
        method: Method::GET,
        path: "/v1/copies",
        action: Action::ReadOwnFile,
        problems: &[FORBIDDEN, &[P::NotFound]],
    },
    Operation {
        id: "read_copy",
        method: Method::GET,
        path: "/v1/copies/{copy}",
        action: Action::ReadCopy,
        problems: &[MESSAGE],
    },
    Operation {
        id: "erase_copy",
        method: Method::DELETE,
        path: "/v1/copies/{copy}",
        action: Action::EraseCopy,
        problems: &[MESSAGE, &[P::CopyAttached]],
    },
    Operation {
        id: "apply_for_service",
        method: Method::POST,
        path: "/v1/applications",
        action: Action::ApplyForService,
        problems: &[BODY, JSON, FORBIDDEN, &[P::NotFound, P::ApplicationsFull]],
    },
    Operation {
        id: "list_applications",
        method: Method::GET,
        path: "/v1/applications",
        action: Action::ReadApplication,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "read_application",
        method: Method::GET,
        path: "/v1/applications/{application}",
        action: Action::ReadApplication,
        problems: &[MESSAGE, FORBIDDEN],
    },
    Operation {
        id: "withdraw_application",
        method: Method::POST,
        path: "/v1/applications/{application}/withdraw",
        action: Action::WithdrawApplication,
        problems: &[MESSAGE, FORBIDDEN, &[P::ApplicationEnded]],
    },
    Operation {
        id: "close_application",
        method: Method::POST,
        path: "/v1/applications/{application}/close",
        action: Action::CloseApplication,
        problems: &[MESSAGE, BODY, JSON, FORBIDDEN, &[P::ApplicationEnded, P::UnknownRetentionClass]],
    },
    Operation {
        id: "attach_copy",
        method: Method::PUT,
        path: "/v1/applications/{application}/copies/{copy}",
        action: Action::AttachCopy,
        problems: &[MESSAGE, FORBIDDEN, &[P::ApplicationEnded, P::CopiesFull]],
    },
    Operation {
        id: "detach_copy",
        method: Method::DELETE,
        path: "/v1/applications/{application}/copies/{copy}",
        action: Action::DetachCopy,
        problems: &[MESSAGE, FORBIDDEN, &[P::ApplicationEnded]],
    },
    Operation {
        id: "look_at_copy",
        method: Method::GET,
        path: "/v1/applications/{application}/copies/{copy}",
        action: Action::LookAtCopy,
        problems: &[
            MESSAGE,
            FORBIDDEN,
            &[P::MalformedHeader, P::PurposeMissing, P::PurposeUnknown, P::ApplicationEnded],
        ],
    },
    Operation {
        id: "list_looks",
        method: Method::GET,
        path: "/v1/looks",
        action: Action::ListLooks,
        problems: &[FORBIDDEN, QUERY, &[P::NotFound]],
    },
    Operation {
        id: "open_break_glass",
        method: Method::POST,
        path: "/v1/break-glass",
        action: Action::OpenBreakGlass,
        problems: &[
            BODY,
            JSON,
            DANGEROUS,
            &[P::NotFound, P::BreakGlassOwn, P::BreakGlassReason, P::BreakGlassOpen, P::BreakGlassUnreviewed],
        ],
    },
    Operation {
        id: "read_break_glass",
        method: Method::GET,
        path: "/v1/break-glass",
        action: Action::ReadBreakGlass,
        problems: &[FORBIDDEN, QUERY],
    },
    Operation {
        id: "end_break_glass",
        method: Method::POST,
        path: "/v1/break-glass/{access}/end",
        action: Action::EndBreakGlass,
        problems: &[MESSAGE, FORBIDDEN, &[P::BreakGlassOver]],
    },
    Operation {
        id: "review_break_glass",
        method: Method::POST,
        path: "/v1/break-glass/{access}/review",
        action: Action::ReviewBreakGlass,
        problems: &[
            MESSAGE,
            BODY,
            JSON,
            DANGEROUS,
            &[P::BreakGlassOwn, P::BreakGlassReason, P::BreakGlassNotOver, P::BreakGlassReviewed],
        ],
    },
    Operation {
        id: "list_opened_copies",
        method: Method::GET,
        path: "/v1/break-glass/{access}/copies",
        action: Action::ListOpenedCopies,
        problems: &[MESSAGE, FORBIDDEN, &[P::BreakGlassOver]],
    },
    Operation {
        id: "look_through_glass",
        method: Method::GET,
        path: "/v1/break-glass/{access}/copies/{copy}",
        action: Action::LookThroughGlass,
        problems: &[MESSAGE, FORBIDDEN, &[P::BreakGlassOver]],
    },
    Operation {
        id: "list_purposes",
        method: Method::GET,
        path: "/v1/purposes",
        action: Action::Request,
        problems: &[],
    },
    Operation {
        id: "read_trust",
        method: Method::GET,
        path: "/v1/trust",
        action: Action::ReadTrust,
        problems: &[FORBIDDEN],
    },
    Operation {
        id: "set_trust",
        method: Method::PUT,
        path: "/v1/trust/{sha256}",
        action: Action::SetTrust,
        problems: &[&[P::MalformedId], BODY, JSON, DANGEROUS, &[P::LastAnchor]],
    },
    Operation {
        id: "withdraw_trust",
        method: Method::DELETE,
        path: "/v1/trust/{sha256}",
        action: Action::WithdrawTrust,
        problems: &[MESSAGE, DANGEROUS, &[P::LastAnchor]],
    },
    Operation {
        id: "request_challenge",
        method: Method::POST,
        path: "/v1/logins/challenges",
        action: Action::RequestChallenge,
        problems: &[BODY, JSON, &[P::NotFound, P::LoginThrottled]],
    },
    Operation {
        id: "log_in",
        method: Method::POST,
        path: "/v1/logins",
        action: Action::Login,
        problems: &[BODY, JSON, CHALLENGE, &[P::LoginRefused]],
    },
    Operation {
        id: "begin_provider_login",
        method: Method::GET,
        path: "/v1/logins/openid/{provider}/start",
        action: Action::Login,
        problems: &[&[
            P::MalformedId,
            P::MalformedQuery,
            P::NotFound,
            P::LoginThrottled,
            P::ProviderUnavailable,
            P::ProviderAnswerWrong,
        ]],
    },
    Operation {
        id: "finish_provider_login",
        method: Method::GET,
        path: "/v1/logins/openid/{provider}/callback",
        action: Action::Login,
        problems: &[&[
            P::MalformedId,
            P::MalformedQuery,
            P::NotFound,
            P::LoginThrottled,
            P::ProviderAttemptInvalid,
            P::ProviderRefused,
            P::ProviderAnswerWrong,
            P::ProviderUnavailable,
            P::LoginNamesNoPerson,
            P::LoginRefused,
        ]],
    },
    Operation {
        id: "read_session",
        method: Method::GET,
        path: "/v1/session",
        action: Action::ReadSession,
        problems: &[&[P::NotFound]],
    },
    Operation {
        id: "log_out",
        method: Method::DELETE,
        path: "/v1/session",
        action: Action::EndSession,
        problems: &[&[P::NotFound]],
    },
    Operation {
        id: "act_for",
        method: Method::POST,
        path: "/v1/session/acting-for",
        action: Action::ActFor,
        problems: &[BODY, JSON, FORBIDDEN, &[P::NotFound]],
    },
    Operation {
        id: "step_up",
        method: Method::POST,
        path: "/v1/session/step-up",
        action: Action::StepUp,
        problems: &[BODY, JSON, CHALLENGE, &[P::SessionOtherPerson]],
    },
    Operation {
        id: "end_sessions",
        method: Method::POST,
        path: "/v1/people/{person}/sessions/end",
        action: Action::EndSession,
        problems: &[MESSAGE, DANGEROUS],
    },
    Operation {
        id: "issue_token",
        method: Method::POST,
        path: "/v1/participants/{edrpou}/tokens",
        action: Action::IssueToken,
        problems: &[&[P::MalformedId], BODY, JSON, FORBIDDEN, &[P::StepUpRequired, P::TooManyTokens]],
    },
    Operation {
        id: "read_tokens",
        method: Method::GET,
        path: "/v1/participants/{edrpou}/tokens",
        action: Action::ReadTokens,
        problems: &[&[P::MalformedId], FORBIDDEN],
    },
    Operation {
        id: "revoke_token",
        method: Method::DELETE,
        path: "/v1/participants/{edrpou}/tokens/{token}",
        action: Action::RevokeToken,
        problems: &[MESSAGE, FORBIDDEN, &[P::StepUpRequired]],
    },
    Operation {
        id: "read_checkpoint",
        method: Method::GET,
        path: "/v1/log/checkpoint",
        action: Action::ReadLog,
        problems: &[FORBIDDEN, &[P::NotYetInLog]],
    },
    Operation {
        id: "read_tile",
        method: Method::GET,
        path: "/v1/log/tile/{*path}",
        action: Action::ReadLog,
        problems: &[FORBIDDEN, &[P::NotFound]],
    },
    Operation {
        id: "read_proof",
        method: Method::GET,
        path: "/v1/log/proofs/{event}",
        action: Action::ReadLog,
        problems: &[MESSAGE, FORBIDDEN, &[P::NotYetInLog]],
    },
    Operation { id: "list_schemas", method: Method::GET, path: "/v1/schemas", action: Action::Request, problems: &[] },
    Operation {
        id: "read_schema",
        method: Method::GET,
        path: "/v1/schemas/{kind}/{version}",
        action: Action::Request,
        problems: &[MESSAGE],
    },
    Operation {
        id: "read_openapi",
        method: Method::GET,
        path: "/v1/openapi.json",
        action: Action::Request,
        problems: &[],
    },
];

/// Whether who has no session may ask for it at a portal: the operations by which one comes to a session. At the door of the API nobody
/// may ask for anything without a login.
pub(crate) fn is_for_strangers(operation: &Operation) -> bool {
    matches!(operation.id, "request_challenge" | "log_in" | "begin_provider_login" | "finish_provider_login")
}

/// The operation that a route serves, with its place in the table.
pub(crate) fn find(method: &Method, path: &str) -> Option<(usize, &'static Operation)> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    OPERATIONS.iter().enumerate().find(|(_, operation)| operation.path == path && operation.method == *method)
}

/// The meters of each operation, looked up once and not for each request.
pub(crate) struct Meters(Vec<(Counter, Histogram)>);

impl Meters {
    /// Meters of every operation.
    pub(crate) fn new() -> Self {
        let meter = |operation: &Operation| {
            let done = metrics::counter!("vuzol_requests_done_total", "route" => operation.id);
            (done, metrics::histogram!("vuzol_request_seconds", "route" => operation.id))
        };
        Self(OPERATIONS.iter().map(meter).collect())
    }

    /// A request of the operation at `index` was answered.
    pub(crate) fn finished(&self, index: usize, status: StatusCode, took: Duration) {
        let Some((done, seconds)) = self.0.get(index) else { return };
        if status.is_success() {
            done.increment(1);
        }
        seconds.record(took.as_secs_f64());
    }
}
