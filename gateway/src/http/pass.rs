//! What happens to every request at the public port, whatever it asks for: a number, a login, bounds, the audit row of a
//! refusal, the problem, the metrics.
//!
//! The order is the rule: a refusal is recorded **before** it is answered (ARCHITECTURE, rule 2). If the row cannot be
//! written, the answer is 503: the caller learns nothing that is not recorded. Some refusals have no row and are counted
//! only: those of strangers past their bound (see [`super::strangers`]), those of participants past a quota but one a minute
//! (see [`super::admission::quota`]), and `node.overloaded`, `node.storage_unavailable` and `node.no_space`, which say that nothing more can be
//! done or written.

use std::sync::Arc;
use std::time::Instant;

use audit::{EventDraft, Outcome};
use axum::body::Body;
use axum::extract::{Extension, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use http_body::Body as _;
use schemas::problem::Blame;
use schemas::{ProblemCode, RequestId};
use storage::ids::FreshId;
use tracing::Instrument;

use super::Door;
use super::admission::BodyMeter;
use super::admission::quota::is_quota;
use super::body::{self, GuardedBody};
use super::extract;
use super::identity::{Connection, Entrance, Known, is_stranger};
use super::operations::{self, Operation};
use super::portals::{self, Guest};
use super::problem::Failure;
use super::tokens;

/// The request's number, on every answer and in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("vuzol-request-id");

/// How much of an address an audit row keeps: more than any of ours has, less than a stranger could send.
const TARGET_CHARACTERS: usize = 200;

/// Lets a request through, or answers why not.
pub(crate) async fn pass(
    State(door): State<Arc<Door>>,
    Extension(connection): Extension<Arc<Connection>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let operation = path.and_then(|path| operations::find(request.method(), path));
    let route = operation.map_or("none", |(_, operation)| operation.id);
    let visit = Visit {
        id: RequestId::fresh(door.clock.now()),
        door,
        connection,
        operation: operation.map(|(_, operation)| operation),
        target: request.uri().clone(),
    };
    let span = tracing::info_span!("request", id = %visit.id, route, actor = tracing::field::Empty);
    let response = visit.answer(request, next, started).instrument(span).await;
    if let Some((index, _)) = operation {
        visit.door.meters.finished(index, response.status(), started.elapsed());
    }
    response
}

/// What every answer has.
pub(crate) fn complete(response: &mut Response, request: RequestId) {
    if let Ok(id) = HeaderValue::try_from(request.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// One request on its way through the door.
struct Visit {
    id: RequestId,
    door: Arc<Door>,
    connection: Arc<Connection>,
    operation: Option<&'static Operation>,
    target: Uri,
}

impl Visit {
    async fn answer(&self, mut request: Request, next: Next, started: Instant) -> Response {
        let admitted = self.log_in(request.method(), request.headers()).await.and_then(|guest| {
            if let Guest::Known(known) = &guest {
                tracing::Span::current().record("actor", known.pseudonym.as_str());
            }
            extract::single_headers(request.headers()).map(|()| guest)
        });
        let meter = Arc::new(BodyMeter::default());
        let remainder = (!request.body().is_end_stream()).then(|| {
            let (guarded, remainder) = GuardedBody::new(std::mem::take(request.body_mut()), meter.clone());
            *request.body_mut() = Body::new(guarded);
            remainder
        });
        let (known, mut response) = match admitted {
            Ok(Guest::Known(known)) => {
                request.extensions_mut().insert(known.clone());
                let response = self.let_in(&known, request, next, &meter).await;
                (Some(known), response)
            }
            // An operation of the login, which counts how often it is asked.
            Ok(Guest::Stranger) => (None, next.run(request).await),
            Err(failure) => {
                drop(request);
                (None, axum::response::IntoResponse::into_response(failure))
            }
        };
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            if let Some(remainder) = &remainder {
                body::drain(remainder).await;
            }
            response = self.refuse(known.as_deref(), response).await;
        }
        complete(&mut response, self.id);
        tracing::debug!(status = response.status().as_u16(), milliseconds = started.elapsed().as_millis(), "answered");
        response
    }

    /// Who asks. First of all, whatever is asked for: only a portal has operations for strangers, and knows which.
    async fn log_in(&self, method: &Method, headers: &HeaderMap) -> Result<Guest, Failure> {
        match self.connection.entrance() {
            Entrance::Api => {
                let login = match tokens::bearer(headers) {
                    None => self.connection.login(&self.door.access, self.door.clock.now()).await.map_err(Failure::new),
                    // Beside a certificate too: it says less than the certificate does, and who sends it wants that.
                    Some(token) => self.door.tokens.identify(token).await.map(Known::by_login).map_err(Failure::from),
                };
                if login.is_ok() {
                    self.connection.mark_known();
                }
                login.map(Guest::Known)
            }
            Entrance::Portal(portal) => {
                let guest = portals::admit(&self.door, portal, method, self.operation, headers).await?;
                if matches!(guest, Guest::Known(_)) {
                    self.connection.mark_known();
                }
                Ok(guest)
            }
        }
    }

    /// Runs the handler if there is room, within what the caller may use.
    async fn let_in(&self, known: &Known, request: Request, next: Next, meter: &BodyMeter) -> Response {
        // Before a byte of the body: a document that cannot be recorded would only take more of the room.
        if request.method() != Method::GET && !self.door.ledger.has_room() {
            return axum::response::IntoResponse::into_response(Failure::new(ProblemCode::NoSpace));
        }
        let admission = &self.door.admission;
        match admission.admit(&known.actor, self.operation, request.headers(), &meter.received).await {
            Ok(admitted) => {
                let response = next.run(request).await;
                // What is refused early takes no time, and says nothing of how long the work takes.
                if response.status().is_success() {
                    admitted.finished(meter.waiting());
                }
                response
            }
            Err(code) => {
                drop(request);
                axum::response::IntoResponse::into_response(Failure::new(code))
            }
        }
    }

    /// Records the refusal, logs it once, and answers the problem.
    async fn refuse(&self, known: Option<&Known>, response: Response) -> Response {
        let failure =
            response.extensions().get::<Failure>().cloned().unwrap_or_else(|| of_framework(response.status()));
        let failure = match self.record(known, &failure).await {
            Ok(()) => failure,
            Err(instead) => instead,
        };
        let code = failure.code();
        if is_stranger(code) || code == ProblemCode::TooManyAnonymousRequests {
            self.connection.dismiss();
        }
        self.log(known, &failure);
        let route = self.operation.map_or("none", |operation| operation.id);
        metrics::counter!("vuzol_refusals_total", "route" => route, "code" => code.as_str()).increment(1);
        let mut answer = failure.answer(self.id);
        if let Some(allow) = response.headers().get(header::ALLOW) {
            answer.headers_mut().insert(header::ALLOW, allow.clone());
        }
        answer
    }

    /// Writes the audit row of a refusal, unless a room below has.
    async fn record(&self, known: Option<&Known>, failure: &Failure) -> Result<(), Failure> {
        let circumstances = failure.circumstances();
        let code = circumstances.code;
        if circumstances.recorded.is_some() || is_unrecordable(code) {
            return Ok(());
        }
        let peer = self.connection.peer().ip();
        // At a portal strangers get further than a login, and whatever they are told costs a row.
        let is_stranger = is_stranger(code) || (known.is_none() && self.connection.entrance() != Entrance::Api);
        if is_stranger && !self.door.strangers.admit(peer, Instant::now()) {
            return Err(Failure::new(ProblemCode::TooManyAnonymousRequests));
        }
        let unrecorded = match known.and_then(|known| known.actor.participant()).filter(|_| is_quota(code)) {
            Some(participant) => match self.door.admission.quotas.row(participant, code, Instant::now()) {
                Some(unrecorded) => Some(unrecorded),
                None => return Ok(()),
            },
            None => None,
        };
        let target: String = self.target.path().chars().take(TARGET_CHARACTERS).collect();
        let mut details =
            serde_json::json!({ "request": self.id, "target": target, "policies": circumstances.policies });
        if !circumstances.policy_version.is_empty() {
            details["policy_version"] = circumstances.policy_version.as_ref().into();
        }
        if let Some(unrecorded) = unrecorded {
            details["unrecorded_before"] = unrecorded.into();
        }
        if known.is_none() {
            let certificate = self.connection.leaf().map(|der| crypto::digest::hex(&crypto::digest::sha256(der)));
            details["peer"] = peer.to_string().into();
            details["certificate"] = certificate.into();
        }
        let draft = EventDraft {
            action: self.operation.map_or(audit::Action::Request, |operation| operation.action),
            actor: known.map_or_else(|| "anonymous".to_owned(), |known| known.pseudonym.clone()),
            object: None,
            outcome: Outcome::Refused(code),
            details,
        };
        self.door.ledger.record(draft).await.map(drop).map_err(Failure::from)
    }

    /// One line for each refusal, with the same names everywhere. What callers do wrong is not the operator's alarm.
    fn log(&self, known: Option<&Known>, failure: &Failure) {
        let circumstances = failure.circumstances();
        let (code, cause) = (circumstances.code.as_str(), circumstances.cause.as_deref().unwrap_or_default());
        match circumstances.code.blame() {
            Blame::Caller if known.is_none() => tracing::debug!(code, "refused"),
            Blame::Caller | Blame::Peer => tracing::info!(code, "refused"),
            // The gate says how many, once in a while: a line each would cost more than the refusal.
            Blame::Operator if circumstances.code == ProblemCode::Overloaded && cause.is_empty() => {
                tracing::debug!(code, "refused");
            }
            Blame::Operator => tracing::warn!(code, cause, "refused"),
            Blame::Node if circumstances.code == ProblemCode::NotYetInLog => tracing::debug!(code, "refused"),
            Blame::Node => tracing::error!(code, cause, "failed"),
        }
        let declared = self.operation.is_none_or(|operation| operation.may_answer(circumstances.code));
        if !declared {
            tracing::warn!(code, "a problem that the OpenAPI document does not list for this operation");
        }
    }
}

/// What says that nothing more can be written.
fn is_unrecordable(code: ProblemCode) -> bool {
    matches!(code, ProblemCode::Overloaded | ProblemCode::StorageUnavailable | ProblemCode::NoSpace)
}

/// What the framework refused by itself: no such route, not this method.
fn of_framework(status: StatusCode) -> Failure {
    match status {
        StatusCode::NOT_FOUND => Failure::new(ProblemCode::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Failure::new(ProblemCode::MethodNotAllowed),
        other => Failure::new(ProblemCode::Internal).cause(format!("the framework answered {other}")),
    }
}

/// A panic in a handler: the request fails, the process goes on.
pub(crate) fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    metrics::counter!("vuzol_panics_total").increment(1);
    let failure =
        Failure::new(ProblemCode::Internal).cause(format!("panic: {}", message.unwrap_or("without a message")));
    axum::response::IntoResponse::into_response(failure)
}
