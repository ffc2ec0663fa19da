//! Messages: how they stand, their sealed parts, their acknowledgement. To anybody but its two parties a message does not
//! exist.

use std::sync::Arc;

use access::Permit;
use access::decide::{AcknowledgeMessage, Action, DownloadPart, MessageResource, ReadMessage};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use exchange::mailbox::PartDownload;
use futures_util::TryStreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use schemas::message::{Acknowledgement, AcknowledgementReceipt, MessageSummary};
use schemas::{MessageId, ProblemCode};

use super::Door;
use super::extract::{self, Acknowledged, Ids, PartNumber};
use super::identity::Caller;
use super::problem::Failure;

/// Read how a message stands.
#[utoipa::path(
    get, path = "/v1/messages/{message}", operation_id = "read_message", tag = "messages",
    params(("message" = MessageId, Path)),
    responses((status = 200, body = MessageSummary, description = "The message"))
)]
pub(crate) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
) -> Result<Json<MessageSummary>, Failure> {
    let permit = permit::<ReadMessage>(&door, &caller, message).await?;
    Ok(Json(door.exchange.read_message(permit).await?))
}

/// Download a sealed part under a lease.
///
/// The bytes are sealed: the lease's `key_envelope` holds the key, or its `document_key` is the key. The first download of the document hands
/// the message over (evidence E.1). HEAD is refused: it would hand over nothing, or pretend to.
#[utoipa::path(
    get, path = "/v1/messages/{message}/parts/{part}", operation_id = "download_part", tag = "messages",
    params(("message" = MessageId, Path), ("part" = u8, Path, description = "0: the document, 1: its signature"),
        ("Vuzol-Lease" = String, Header, description = "Token of the lease"),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=0-1023`")),
    responses(
        (status = 200, content_type = "application/octet-stream", body = [u8], description = "The sealed part",
            headers(("ETag" = String, description = "SHA-256 of the part before sealing"))),
        (status = 206, content_type = "application/octet-stream", body = [u8], description = "The range of it",
            headers(("Content-Range" = String, description = "Which bytes of how many"))))
)]
pub(crate) async fn download(
    State(door): State<Arc<Door>>,
    caller: Caller,
    method: Method,
    Ids((message, PartNumber(part))): Ids<(MessageId, PartNumber)>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if method == Method::HEAD {
        return Err(Failure::new(ProblemCode::MethodNotAllowed));
    }
    let (lease, range) = (extract::lease_token(&headers)?, extract::range(&headers)?);
    let permit = permit::<DownloadPart>(&door, &caller, message).await?;
    let download = door.exchange.download(permit, part, lease, range).await?;
    Ok(sealed(download, range.is_some()))
}

/// Accept, refuse or register a message.
///
/// Signed by the recipient (CMS), or the plain word of a system of the recipient's: then the node states it on that system's
/// behalf. A registration after the acceptance needs no lease.
#[utoipa::path(
    post, path = "/v1/messages/{message}/acknowledgement", operation_id = "acknowledge_message", tag = "messages",
    params(("message" = MessageId, Path),
        ("Vuzol-Lease" = Option<String>, Header, description = "Token of the lease; not needed to register what was accepted")),
    request_body(
        content((Acknowledgement = "application/json"), (String = "application/pkcs7-mime")),
        description = "The JSON of an Acknowledgement, or CMS SignedData with it inside"),
    responses((status = 201, body = AcknowledgementReceipt, description = "Recorded: evidence C.3, C.4 or V.7"))
)]
pub(crate) async fn acknowledge(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
    headers: HeaderMap,
    Acknowledged(spoken): Acknowledged,
) -> Result<(StatusCode, Json<AcknowledgementReceipt>), Failure> {
    let lease = headers.contains_key(extract::LEASE).then(|| extract::lease_token(&headers)).transpose()?;
    let permit = permit::<AcknowledgeMessage>(&door, &caller, message).await?;
    Ok((StatusCode::CREATED, Json(door.exchange.acknowledge(permit, lease, spoken).await?)))
}

async fn permit<A>(door: &Door, caller: &Caller, message: MessageId) -> Result<Permit<A>, Failure>
where
    A: Action<Resource = MessageResource>,
{
    door.decide_on::<A, _>(&caller.actor, door.exchange.message_resource(message)).await
}

fn sealed(download: PartDownload, ranged: bool) -> Response {
    let PartDownload { part, range, body } = download;
    let body = body.inspect_err(|error| tracing::error!(cause = %error, "a download broke off"));
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end.saturating_sub(range.start)));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", part.sha256)) {
        headers.insert(header::ETAG, tag);
    }
    if ranged {
        // The exchange refuses a range that holds no byte, so the last one exists.
        let shown = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), part.sealed_size);
        if let Ok(shown) = HeaderValue::try_from(shown) {
            headers.insert(header::CONTENT_RANGE, shown);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::StreamExt;
    use schemas::message::{Part, PartRole};

    fn download(range: std::ops::Range<u64>) -> PartDownload {
        let part = Part {
            number: 0,
            role: PartRole::Document,
            of: None,
            media_type: None,
            sha256: "ab".repeat(32),
            size: 5,
            sealed_size: 100,
            sealed_sha256: None,
            scan: None,
        };
        PartDownload { part, range, body: futures_util::stream::iter([Ok(Bytes::from_static(b"x"))]).boxed() }
    }

    #[test]
    fn a_range_names_its_bytes_and_the_whole() {
        let response = sealed(download(10..20), true);
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(response.headers()[header::CONTENT_RANGE], "bytes 10-19/100");
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "10");
    }

    #[test]
    fn a_whole_part_has_a_tag_and_no_range() {
        let response = sealed(download(0..100), false);
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key(header::CONTENT_RANGE));
        assert_eq!(response.headers()[header::ETAG], format!("\"{}\"", "ab".repeat(32)));
    }
}
