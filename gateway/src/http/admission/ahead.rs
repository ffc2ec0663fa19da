//! Submissions that are turned away ahead of everything else.
//!
//! While the gate's queue is full most of what arrives is refused, and what a refusal costs is missing to those that were let in: at three times what a
//! node can do there are two refusals for each document. So a small submission that the gate would refuse anyway is answered before it is routed, logged in
//! or traced. Only over a connection whose holder has logged in before: strangers learn nothing of how busy the node is, and are
//! counted as always. Like every `node.overloaded` it has no audit row (nothing was asked of the log), and counts in the metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::response::Response;
use http::{Method, Request};
use hyper::body::Incoming;
use schemas::{ProblemCode, RequestId};
use storage::Clock;
use storage::ids::FreshId;

use super::SMALL;
use super::gate::Gate;
use crate::http::body;
use crate::http::identity::{Connection, Entrance};
use crate::http::operations::{self, Meters};
use crate::http::pass;
use crate::http::problem::Failure;

/// Operation and address of what may be turned away.
const SUBMIT: (&str, &str) = ("submit_document", "/v1/submissions");

/// Looks at requests ahead of the routes.
pub(crate) struct Ahead {
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    meters: Meters,
    /// Of the operation among the meters.
    place: usize,
}

impl Ahead {
    pub(crate) fn new(gate: Arc<Gate>, clock: Arc<dyn Clock>) -> Self {
        let place = operations::find(&Method::POST, SUBMIT.1).map_or(usize::MAX, |(place, _)| place);
        Self { gate, clock, meters: Meters::new(), place }
    }

    /// Whether nothing more is to be done for this request than to refuse it.
    pub(crate) fn turns_away(&self, connection: &Connection, request: &Request<Incoming>) -> bool {
        request.method() == Method::POST
            && request.uri().path() == SUBMIT.1
            && connection.entrance() == Entrance::Api
            && connection.is_known()
            && body::announced(request.headers()).is_some_and(|bytes| bytes <= SMALL)
            && self.gate.turns_away()
    }

    /// The refusal, when the body is out of the way.
    pub(crate) async fn refuse(&self, request: Request<Incoming>) -> Response {
        let started = Instant::now();
        let id = RequestId::fresh(self.clock.now());
        body::discard(request.into_body()).await;
        let code = ProblemCode::Overloaded;
        metrics::counter!("vuzol_refusals_total", "route" => SUBMIT.0, "code" => code.as_str()).increment(1);
        tracing::debug!(request = %id, "turned away");
        let mut response = Failure::new(code).answer(id);
        pass::complete(&mut response, id);
        self.meters.finished(self.place, response.status(), started.elapsed());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_operation() {
        let (_, operation) = operations::find(&Method::POST, SUBMIT.1).unwrap();
        assert_eq!(operation.id, SUBMIT.0);
    }
}
