//! The operations of the public API: what each is called, which deed the log records it as, and which problems it can
//! answer. The OpenAPI document, the audit row of a refusal and the metrics all read this one table; a test holds it
//! against the routes.

mod audit;
mod codes;
mod directory;
mod documents;
mod people;

use std::time::Duration;

use ::audit::Action;
use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use schemas::ProblemCode;

use codes::COMMON;

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
        let stopped = self.is_stopped().then_some(ProblemCode::LogUnwitnessed);
        std::iter::once(COMMON).chain(self.problems.iter().copied()).flatten().copied().chain(stopped)
    }

    /// Whether it is refused while nobody outside vouches for the log and the operators want that: what changes anything, but for logging in and out.
    pub(crate) fn is_stopped(&self) -> bool {
        let of_login = ["/v1/logins", "/v1/session"].iter().any(|prefix| self.path.starts_with(prefix));
        self.method != Method::GET && !of_login
    }

    /// Whether the document lists the problem.
    pub(crate) fn may_answer(&self, code: ProblemCode) -> bool {
        self.problems().any(|listed| listed == code)
    }
}

/// Every operation, in the order of the document.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    [documents::OPERATIONS, directory::OPERATIONS, people::OPERATIONS, audit::OPERATIONS].into_iter().flatten()
}

/// Whether who has no session may ask for it at a portal: the operations by which one comes to a session. At the door of the API nobody
/// may ask for anything without a login.
pub(crate) fn is_for_strangers(operation: &Operation) -> bool {
    matches!(operation.id, "request_challenge" | "log_in" | "begin_provider_login" | "finish_provider_login")
}

/// The operation that a route serves, with its place in the table.
pub(crate) fn find(method: &Method, path: &str) -> Option<(usize, &'static Operation)> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    all().enumerate().find(|(_, operation)| operation.path == path && operation.method == *method)
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
        Self(all().map(meter).collect())
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
