//! Problems that operations answer, by what they have in common.

use schemas::ProblemCode;
use schemas::ProblemCode as P;

/// What any operation can answer.
pub(super) const COMMON: &[ProblemCode] = &[
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
    P::NoSpace,
    P::EvidenceUnavailable,
    P::Internal,
];
pub(super) const BODY: &[ProblemCode] = &[P::UnsupportedMediaType, P::TooLarge, P::TruncatedBody, P::RequestTimeout];
pub(super) const JSON: &[ProblemCode] = &[P::MalformedJson];
pub(super) const QUERY: &[ProblemCode] = &[P::MalformedQuery];
pub(super) const HEADERS: &[ProblemCode] = &[P::MissingHeader, P::MalformedHeader];
pub(super) const MESSAGE: &[ProblemCode] = &[P::MalformedId, P::NotFound];
pub(super) const FORBIDDEN: &[ProblemCode] = &[P::ActionForbidden];
/// Of what leaves evidence that names the certificate of a login.
pub(super) const CERTIFIED: &[ProblemCode] = &[P::SessionWithoutCertificate];
/// Of what takes a signature of just now from a person: the list is that of the policies.
pub(super) const DANGEROUS: &[ProblemCode] = &[P::ActionForbidden, P::StepUpRequired];
pub(super) const SIGNATURE: &[ProblemCode] = &[
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
pub(super) const SUBMISSION: &[ProblemCode] =
    &[P::MalformedMultipart, P::EmptyDocument, P::IdempotencyKeyReused, P::SubmissionEnded];
/// What is wrong with where a submission goes.
pub(super) const ADDRESSED: &[ProblemCode] = &[
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
pub(super) const METADATA: &[ProblemCode] = &[P::MetadataInvalid, P::MetadataSchemaUnknown, P::MetadataRequired];
/// What an announced submission answers that is announced no more.
pub(super) const CLOSED: &[ProblemCode] = &[P::SubmissionSent, P::SubmissionEnded];

/// Why a person is not entrusted with a role.
pub(super) const ROLES: &[ProblemCode] = &[
    P::RoleScopeWrong,
    P::RoleNotEntrusted,
    P::RoleDatesWrong,
    P::RoleOwn,
    P::RoleIncompatible,
    P::RoleHeld,
    P::RoleParticipantUnknown,
    P::SameOperator,
];

pub(super) const RELAYED: &[ProblemCode] = &[
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
pub(super) const CHALLENGE: &[ProblemCode] = &[
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
