//! Refusals at the door: the one place where an inner error becomes an HTTP status (STYLE 26, 27).
//!
//! A handler returns a [`Failure`]. It travels as an extension of an empty response, because only the door
//! ([`super::pass`]) knows the request's number and writes the audit row that has to precede the answer.

use std::sync::Arc;

use access::Denied;
use access::consent::ConsentError;
use access::people::DirectoryError;
use access::registry::RegistryError;
use access::trust::StatementError;
use audit::log::LogFailure;
use axum::response::{IntoResponse, Response};
use exchange::Refusal;
use http::{HeaderValue, StatusCode, header};
use schemas::problem::Blame;
use schemas::{EventId, Problem, ProblemCode, RequestId};
use storage::StoreError;

/// The status of every code. No `_` arm: a new code does not compile until somebody decides.
///
/// 401: we do not know who you are. 403: you may know that it exists. 404: you may not. 409: the state of the thing
/// forbids it. 422: well formed, but not acceptable; nothing changes by repeating it. 503: repeat it later.
pub(crate) fn status(code: ProblemCode) -> StatusCode {
    use ProblemCode as P;
    match code {
        P::ClientCertificateMissing
        | P::ClientCertificateUntrusted
        | P::ClientCertificateExpired
        | P::ClientCertificateRevoked
        | P::ClientCertificateUnregistered
        | P::LoginRefused
        | P::SessionMissing
        | P::SessionEnded
        | P::TokenRefused => StatusCode::UNAUTHORIZED,
        P::SessionForeignOrigin
        | P::SessionCsrfToken
        | P::SessionOtherPerson
        | P::SessionWithoutCertificate
        | P::StepUpRequired
        | P::TokenScope
        | P::ActionForbidden
        | P::SenderNotYou
        | P::RoleOwn
        | P::BreakGlassOwn
        | P::ErasureOwn
        | P::ChannelNotAllowed => StatusCode::FORBIDDEN,
        P::NotFound => StatusCode::NOT_FOUND,
        P::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        P::MalformedId
        | P::MalformedQuery
        | P::MalformedJson
        | P::MalformedMultipart
        | P::TruncatedBody
        | P::RepeatedHeader
        | P::MalformedHeader
        | P::MissingHeader
        | P::PurposeMissing => StatusCode::BAD_REQUEST,
        P::RequestTimeout | P::AnnouncementLapsed => StatusCode::REQUEST_TIMEOUT,
        P::LeaseNotHeld
        | P::NotHandedOver
        | P::AlreadyFinal
        | P::SubmissionEnded
        | P::RecipientSuspended
        | P::RangeNotNext
        | P::RangeDiffers
        | P::SubmissionIncomplete
        | P::SubmissionSent
        | P::NotQuarantined
        | P::SameOperator
        | P::RelayConflict
        | P::RelayIncomplete
        | P::RelayTooEarly
        | P::NothingToHold
        | P::HoldLifted
        | P::NothingDue
        | P::DisposalNumberTaken
        | P::DisposalActClosed
        | P::DisposalSamePerson
        | P::PersonRegistered
        | P::RoleIncompatible
        | P::RoleHeld
        | P::ImportDiffers
        | P::ImportUndoneBefore
        | P::ChallengeAnswered
        | P::TooManyTokens
        | P::ApplicationEnded
        | P::ApplicationsFull
        | P::CopiesFull
        | P::CopyAttached
        | P::BreakGlassOpen
        | P::BreakGlassUnreviewed
        | P::BreakGlassOver
        | P::BreakGlassNotOver
        | P::BreakGlassReviewed
        | P::PeerConfigured
        | P::PeerChanged
        | P::AlertSeenBefore
        | P::ErasureNothing
        | P::ErasureHeld
        | P::ErasureTooMuch
        | P::LastAnchor => StatusCode::CONFLICT,
        P::KeyDestroyed => StatusCode::GONE,
        P::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        P::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        P::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        P::UnknownRecipient
        | P::RecipientCannotReceive
        | P::RecipientTakesOtherKinds
        | P::UnknownCase
        | P::MetadataInvalid
        | P::MetadataSchemaUnknown
        | P::MetadataRequired
        | P::EmptyDocument
        | P::ContentInfected
        | P::ContentNotScannable
        | P::PartsInconsistent
        | P::DigestMismatch
        | P::IdempotencyKeyReused
        | P::SignatureMissing
        | P::SignatureUnreadable
        | P::SignatureFormat
        | P::SignatureOverOtherContent
        | P::SignatureValueWrong
        | P::SignerUnidentified
        | P::SignerUntrusted
        | P::SignerRevoked
        | P::SignerSuspended
        | P::SignerExpired
        | P::SignatureConstraints
        | P::SignatureWeakAlgorithm
        | P::SignerNotOfSender
        | P::RelayEvidenceWrong
        | P::AcknowledgementMismatch
        | P::WebhookNotAllowed
        | P::UnknownRetentionClass
        | P::ChallengeInvalid
        | P::ChallengeExpired
        | P::LoginSeveralSigners
        | P::LoginNamesNoPerson
        | P::ProviderAttemptInvalid
        | P::ProviderRefused
        | P::ProviderAnswerWrong
        | P::PurposeUnknown
        | P::BreakGlassReason
        | P::BundleRefused
        | P::SignerNotOfCommission
        | P::PersonNumberWrong
        | P::PersonNumbersOfTwo
        | P::RoleScopeWrong
        | P::RoleNotEntrusted
        | P::RoleDatesWrong
        | P::RoleParticipantUnknown
        | P::ImportRefused
        | P::ImportTableWrong
        | P::ImportColumns
        | P::ImportValueWrong
        | P::ImportRowRepeated
        | P::ImportPersonUnknown
        | P::AuditFilterWrong
        | P::AuditRangeWrong
        | P::AlertRemarkWrong
        | P::ErasureGroundWrong
        | P::WebhooksNotOffered => StatusCode::UNPROCESSABLE_ENTITY,
        P::TooManyAnonymousRequests
        | P::LoginThrottled
        | P::TooManyWaiting
        | P::QuotaRequests
        | P::QuotaSession
        | P::QuotaConcurrent
        | P::QuotaBytes
        | P::QuotaHeld
        | P::QuotaAnnounced
        | P::QuotaMailboxFull => StatusCode::TOO_MANY_REQUESTS,
        P::ClientCertificateStatusUnknown
        | P::RecipientStatusUnknown
        | P::SignerStatusUnknown
        | P::ProviderUnavailable
        | P::ScannerUnavailable
        | P::KeyUnavailable
        | P::NotYetInLog
        | P::Overloaded
        | P::StorageUnavailable
        | P::NoSpace
        | P::LogUnwitnessed
        | P::EvidenceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        P::AnnouncementsNotTaken | P::PeopleNotKept | P::PeerWithoutLogin | P::ErasureNotSealed => {
            StatusCode::NOT_IMPLEMENTED
        }
        P::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Seconds after which a repeat makes sense, for every code that is answered with 429 or 503.
fn retry_after(code: ProblemCode) -> Option<HeaderValue> {
    use ProblemCode as P;
    match status(code) {
        // A responder that was down is asked again after some seconds, and rests longer each time.
        StatusCode::SERVICE_UNAVAILABLE
            if matches!(
                code,
                P::ClientCertificateStatusUnknown
                    | P::RecipientStatusUnknown
                    | P::SignerStatusUnknown
                    | P::ProviderUnavailable
                    | P::ScannerUnavailable
                    | P::KeyUnavailable
                    | P::NoSpace
                    | P::LogUnwitnessed
            ) =>
        {
            Some(HeaderValue::from_static("10"))
        }
        StatusCode::SERVICE_UNAVAILABLE => Some(HeaderValue::from_static("1")),
        // One that waits ends within half a minute, most often much sooner.
        StatusCode::TOO_MANY_REQUESTS if code == P::TooManyWaiting => Some(HeaderValue::from_static("5")),
        StatusCode::TOO_MANY_REQUESTS if matches!(code, P::QuotaRequests | P::QuotaSession | P::QuotaConcurrent) => {
            Some(HeaderValue::from_static("1"))
        }
        // The day ends at another time for each; an hour is a pause that is short enough for the last of them.
        StatusCode::TOO_MANY_REQUESTS if code == P::QuotaBytes => Some(HeaderValue::from_static("3600")),
        StatusCode::TOO_MANY_REQUESTS => Some(HeaderValue::from_static("60")),
        _ => None,
    }
}

/// A refusal on its way out. What the caller reads (`detail`) and what the operator reads (`cause`) are two fields.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Box<Circumstances>);

/// Everything that is known of a refusal.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// The stable code.
    pub(crate) code: ProblemCode,
    /// For the caller: never a secret, never personal data.
    pub(crate) detail: Option<String>,
    /// Evidence A.2.
    pub(crate) evidence: Option<String>,
    /// The audit row, where a room below has written it already.
    pub(crate) recorded: Option<EventId>,
    /// Ids of the policies that decided.
    pub(crate) policies: Vec<String>,
    /// The version of the policies that were asked; empty where none was.
    pub(crate) policy_version: Arc<str>,
    /// For the operator's log only.
    pub(crate) cause: Option<String>,
}

impl Failure {
    /// A refusal that needs no more words than its code.
    pub(crate) fn new(code: ProblemCode) -> Self {
        let (policies, policy_version) = (Vec::new(), Arc::default());
        let (detail, evidence, recorded, cause) = (None, None, None, None);
        Self(Box::new(Circumstances { code, detail, evidence, recorded, policies, policy_version, cause }))
    }

    /// Says what exactly, for the caller.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Says why, for the operator's log.
    pub(crate) fn cause(mut self, cause: impl ToString) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The audit row is there already.
    pub(crate) fn recorded(mut self, event: Option<EventId>) -> Self {
        self.0.recorded = event;
        self
    }

    /// Answers as if the thing did not exist: the caller may not know that it does (STYLE 30).
    pub(crate) fn hidden(mut self) -> Self {
        if self.0.code == ProblemCode::ActionForbidden {
            self.0.code = ProblemCode::NotFound;
        }
        self
    }

    /// The code.
    pub(crate) fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// What is known of it.
    pub(crate) fn circumstances(&self) -> &Circumstances {
        &self.0
    }

    /// The problem document (RFC 9457).
    pub(crate) fn answer(&self, request: RequestId) -> Response {
        let Circumstances { code, detail, evidence, .. } = &*self.0;
        let status = status(*code);
        let problem = Problem {
            kind: code.type_uri(),
            code: code.as_str().to_owned(),
            status: status.as_u16(),
            title: code.text_en().to_owned(),
            title_uk: code.text_uk().to_owned(),
            detail: detail.clone(),
            clause: code.clause().map(str::to_owned),
            instance: format!("urn:uuid:{request}"),
            evidence: evidence.clone(),
        };
        // A struct of texts and a number always serialises; an empty body would still carry the status.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = retry_after(*code) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// Media type of a problem.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A failure in transit: the door turns it into a problem.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status(self.code()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ProblemCode> for Failure {
    fn from(code: ProblemCode) -> Self {
        Self::new(code)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let mut failure = Self::new(refusal.code);
        failure.0.evidence = refusal.evidence;
        failure.0.recorded = refusal.recorded;
        // What is not the caller's fault is told to the operator: a database's words must not leave the node.
        match refusal.code.blame() {
            Blame::Caller | Blame::Peer => failure.0.detail = refusal.detail,
            Blame::Operator | Blame::Node => failure.0.cause = refusal.detail,
        }
        failure
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        let mut failure = Self::new(denied.code);
        failure.0.policies = denied.policies;
        failure.0.policy_version = denied.version;
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Overloaded => ProblemCode::Overloaded,
            StoreError::NoSpace => ProblemCode::NoSpace,
            StoreError::Database(_) | StoreError::Objects(_) | StoreError::Closed | StoreError::OutcomeUnknown => {
                ProblemCode::StorageUnavailable
            }
            StoreError::Conflict | StoreError::Corrupt(_) | StoreError::UnknownSchema { .. } => ProblemCode::Internal,
        };
        Self::new(code).cause(error)
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store(error) => error.into(),
            RegistryError::Invalid { code, detail } => Self::new(code).detail(detail),
        }
    }
}

impl From<DirectoryError> for Failure {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => error.into(),
            DirectoryError::Invalid { code, detail } => Self::new(code).detail(detail),
        }
    }
}

impl From<StatementError> for Failure {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Store(error) => error.into(),
            StatementError::Invalid { code, detail } => Self::new(code).detail(detail),
        }
    }
}

impl From<ConsentError> for Failure {
    fn from(error: ConsentError) -> Self {
        match error {
            ConsentError::Store(error) => error.into(),
            ConsentError::Refused(code) => Self::new(code),
        }
    }
}

impl From<LogFailure> for Failure {
    fn from(error: LogFailure) -> Self {
        match error {
            LogFailure::Store(error) => error.into(),
            other => Self::new(ProblemCode::Internal).cause(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_an_error_and_says_when_to_come_back() {
        for code in ProblemCode::ALL {
            let status = status(*code);
            assert!(status.is_client_error() || status.is_server_error(), "{code}");
            let waits = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].contains(&status);
            assert_eq!(retry_after(*code).is_some(), waits, "{code}");
        }
    }

    #[test]
    fn only_a_defect_of_ours_is_a_500() {
        let internal: Vec<_> =
            ProblemCode::ALL.iter().filter(|code| status(**code) == StatusCode::INTERNAL_SERVER_ERROR).collect();
        assert_eq!(internal, [&ProblemCode::Internal]);
    }

    #[test]
    fn who_is_to_blame_and_the_status_agree() {
        for code in ProblemCode::ALL.iter().filter(|code| code.blame() == Blame::Caller) {
            assert!(status(*code).is_client_error(), "{code}: {}", status(*code));
        }
        for code in ProblemCode::ALL.iter().filter(|code| code.as_str().starts_with("node.")) {
            assert!(status(*code).is_server_error(), "{code}");
        }
    }

    #[tokio::test]
    async fn nothing_of_a_storage_failure_reaches_the_caller() {
        let failure = Failure::from(StoreError::Database("disk I/O error at /var/secret".to_owned()));
        assert_eq!(failure.code(), ProblemCode::StorageUnavailable);
        let request = RequestId::from_parts(1, [7; 10]);
        let response = failure.answer(request);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 65_536).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (503, "node.storage_unavailable"));
        assert_eq!(problem.instance, format!("urn:uuid:{request}"));
        assert!(!problem.title_uk.is_empty());
        assert!(!String::from_utf8(body.to_vec()).unwrap().contains("secret"));
    }

    #[test]
    fn a_stranger_to_a_message_cannot_tell_it_from_none() {
        let (policies, version) = (vec!["x".to_owned()], Arc::default());
        let denied = Denied { code: ProblemCode::ActionForbidden, policies, version };
        assert_eq!(Failure::from(denied).hidden().code(), ProblemCode::NotFound);
    }
}
