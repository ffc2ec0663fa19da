//! Whom the node believes: operators read it, and state what a certificate is believed for.

use std::sync::Arc;

use access::decide::{ReadTrust, SetTrust};
use audit::{Action, EventDraft, Outcome};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::trust::{CertificateDigest, Trust, TrustStatement, TrustedCertificate};

use super::Door;
use super::extract::{self, Ids};
use super::identity::Caller;
use super::problem::Failure;

/// Read whom the node believes, for what, who said so, and what is stale.
#[utoipa::path(
    get, path = "/v1/trust", operation_id = "read_trust", tag = "trust",
    responses((status = 200, body = Trust, description = "Certificates by SHA-256, and revocation lists of a bundle"))
)]
pub(crate) async fn read(State(door): State<Arc<Door>>, caller: Caller) -> Result<Json<Trust>, Failure> {
    let _permit = door.access.decide::<ReadTrust>(&caller.actor, ()).await?;
    let trust = door.trust.read().await?;
    let (action, actor, outcome) = (Action::ReadTrust, caller.pseudonym.clone(), Outcome::Done);
    door.ledger.record(EventDraft { action, actor, object: None, outcome, details: serde_json::Value::Null }).await?;
    Ok(Json(trust))
}

/// State what a certificate is believed for, whatever the folders of the configuration say; for nothing, to leave it at once.
#[utoipa::path(
    put, path = "/v1/trust/{sha256}", operation_id = "set_trust", tag = "trust",
    params(("sha256" = CertificateDigest, Path)), request_body = TrustStatement,
    responses((status = 200, body = TrustedCertificate, description = "What is believed of it now"))
)]
pub(crate) async fn set(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(sha256): Ids<CertificateDigest>,
    extract::Json(statement): extract::Json<TrustStatement>,
) -> Result<Json<TrustedCertificate>, Failure> {
    let permit = door.access.decide::<SetTrust>(&caller.actor, sha256).await?;
    Ok(Json(door.trust.state(permit, &statement).await?))
}

/// Take a statement back: the folders of the configuration decide again.
#[utoipa::path(
    delete, path = "/v1/trust/{sha256}", operation_id = "withdraw_trust", tag = "trust",
    params(("sha256" = CertificateDigest, Path)),
    responses((status = 204, description = "Taken back"))
)]
pub(crate) async fn withdraw(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(sha256): Ids<CertificateDigest>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<SetTrust>(&caller.actor, sha256).await?;
    door.trust.withdraw(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}
