//! Refusals of the exchange.
use schemas::{EventId, ProblemCode};
#[derive(Debug, Clone)]
pub struct Refusal { pub code: ProblemCode, pub detail: Option<String>, /** evidence A.2 */ pub evidence: Option<String>, /** set where the audit row is already written; the door writes it otherwise */ pub recorded: Option<EventId> }
