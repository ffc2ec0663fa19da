//! What other nodes bring: messages for mailboxes here, and what became of messages that went there.

use std::sync::Arc;

use access::decide::{RelayEvidence, RelayMessage};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use exchange::relay::Piece;
use http::{HeaderMap, StatusCode, header};
use schemas::limits::RELAY_PIECE_BYTES;
use schemas::relay::{RelayOffer, RelayOutcome, RelayProgress, RelayedEvidence};
use schemas::{MessageId, ProblemCode};

use super::Door;
use super::body;
use super::extract::{self, Ids, PartNumber};
use super::identity::Caller;
use super::problem::Failure;

fn peer(caller: &Caller) -> Result<Arc<str>, ProblemCode> {
    caller.actor.peer().cloned().ok_or(ProblemCode::ActionForbidden)
}

/// Offer a message to the recipient's node, and learn how much of it is there.
///
/// A repeat brings what is there by then, and once the message was taken over the same evidence each time.
#[utoipa::path(
    put, path = "/v1/relay/messages/{message}", operation_id = "offer_message", tag = "relay",
    params(("message" = MessageId, Path)), request_body = RelayOffer,
    responses((status = 200, body = RelayProgress, description = "What is there"))
)]
pub(crate) async fn offer(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
    extract::Json(offer): extract::Json<RelayOffer>,
) -> Result<Json<RelayProgress>, Failure> {
    let offered = door.exchange.read_offer(&peer(&caller)?, message, offer).await?;
    let permit = door.access.decide::<RelayMessage>(&caller.actor, offered.resource()).await?;
    Ok(Json(door.exchange.offer(permit, &offered).await?))
}

/// Bring bytes of a sealed part: pieces of 1 MiB, of which the last may be shorter.
#[utoipa::path(
    put, path = "/v1/relay/messages/{message}/parts/{part}", operation_id = "bring_part", tag = "relay",
    params(
        ("message" = MessageId, Path),
        ("part" = u8, Path),
        ("Content-Range" = String, Header, description = "`bytes first-last/total`, first a multiple of 1048576"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "Kept"))
)]
pub(crate) async fn part(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids((message, PartNumber(part))): Ids<(MessageId, PartNumber)>,
    headers: HeaderMap,
    content: Body,
) -> Result<StatusCode, Failure> {
    let peer = peer(&caller)?;
    extract::media_type(&headers, "application/octet-stream")?;
    let (first, last, total) = content_range(&headers)?;
    let offered = door.exchange.offered(&peer, message).await?;
    let permit = door.access.decide::<RelayMessage>(&caller.actor, offered.resource()).await?;
    let bytes = body::whole(&headers, content, RELAY_PIECE_BYTES).await?;
    if bytes.len() as u64 != (last - first).saturating_add(1) {
        return Err(Failure::new(ProblemCode::MalformedHeader).detail(header::CONTENT_RANGE.as_str()));
    }
    door.exchange.take_piece(permit, &offered, Piece::new(part, first, total, bytes)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have a message taken over that was brought completely.
#[utoipa::path(
    post, path = "/v1/relay/messages/{message}/commit", operation_id = "commit_message", tag = "relay",
    params(("message" = MessageId, Path)),
    responses((status = 200, body = RelayOutcome, description = "It lies in the recipient's mailbox"))
)]
pub(crate) async fn commit(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
) -> Result<Json<RelayOutcome>, Failure> {
    let offered = door.exchange.offered(&peer(&caller)?, message).await?;
    let permit = door.access.decide::<RelayMessage>(&caller.actor, offered.resource()).await?;
    Ok(Json(door.exchange.take_over(permit, &offered).await?))
}

/// Tell the node that a message came from what became of it. The same evidence again changes nothing.
#[utoipa::path(
    post, path = "/v1/relay/evidence", operation_id = "report_evidence", tag = "relay", request_body = RelayedEvidence,
    responses((status = 204, description = "Kept"))
)]
pub(crate) async fn evidence(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(told): extract::Json<RelayedEvidence>,
) -> Result<StatusCode, Failure> {
    let reported = door.exchange.read_report(&peer(&caller)?, &told.evidence).await?;
    let permit = door.access.decide::<RelayEvidence>(&caller.actor, reported.resource()).await?;
    door.exchange.hear(permit, reported).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `bytes first-last/total` (RFC 9110, 14.4), with a total.
fn content_range(headers: &HeaderMap) -> Result<(u64, u64, u64), Failure> {
    let name = header::CONTENT_RANGE;
    let value = headers.get(&name).ok_or_else(|| Failure::new(ProblemCode::MissingHeader).detail(name.as_str()))?;
    let read = || {
        let (range, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
        let (first, last, total) = (number(first)?, number(last)?, number(total)?);
        (first <= last && last < total).then_some((first, last, total))
    };
    read().ok_or_else(|| Failure::new(ProblemCode::MalformedHeader).detail(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_says_where_the_bytes_belong() {
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, text.parse().unwrap())]);
            content_range(&headers).map_err(|failure| failure.code())
        };
        assert_eq!(read("bytes 0-9/10"), Ok((0, 9, 10)));
        assert_eq!(read("bytes 5-5/6"), Ok((5, 5, 6)));
        for wrong in
            ["bytes 0-9/*", "bytes */10", "bytes 9-0/10", "bytes 0-10/10", "0-9/10", "bytes +0-9/10", "bytes 0-/1"]
        {
            assert_eq!(read(wrong), Err(ProblemCode::MalformedHeader), "{wrong}");
        }
        assert_eq!(content_range(&HeaderMap::new()).unwrap_err().code(), ProblemCode::MissingHeader);
    }
}
