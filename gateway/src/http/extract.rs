//! From the request to types: ids, queries, headers, JSON. What does not fit never reaches a service.

use std::str::FromStr;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use base64::Engine as _;
use exchange::intake::IdempotencyKey;
use exchange::mailbox::Spoken;
use exchange::upload::ContentRange;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use schemas::{LeaseToken, ProblemCode};
use serde::de::DeserializeOwned;

use super::body;
use super::problem::Failure;

/// Headers of which there may be one. Two of them are two readings of one request: each side would pick its own.
const SINGLE: [HeaderName; 19] = [
    IDEMPOTENCY_KEY,
    LEASE,
    PURPOSE,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::HOST,
    header::RANGE,
    header::IF_RANGE,
    header::CONTENT_RANGE,
    CONTENT_DIGEST,
    REPR_DIGEST,
    header::AUTHORIZATION,
    header::EXPECT,
    header::DATE,
    header::ORIGIN,
    super::portals::CSRF,
    super::portals::SEC_FETCH_SITE,
];

/// What personal data is looked at for.
pub(crate) const PURPOSE: HeaderName = HeaderName::from_static("vuzol-purpose");

/// Names one submission, so that it can be repeated safely.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Digests of the content of a request (RFC 9530, 2).
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Digests of the whole of what a request brings a part of (RFC 9530, 3).
pub(crate) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// The lease under which a message is handled.
pub(crate) const LEASE: HeaderName = HeaderName::from_static("vuzol-lease");

/// Refuses a request that repeats a header of [`SINGLE`].
///
/// # Errors
/// `request.repeated_header`, with its name.
pub(crate) fn single_headers(headers: &HeaderMap) -> Result<(), Failure> {
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    match SINGLE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(Failure::new(ProblemCode::RepeatedHeader).detail(name.as_str())),
        None => Ok(()),
    }
}

/// Typed parts of the address.
pub(crate) struct Ids<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Ids<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(ids) =
            Path::from_request_parts(parts, state).await.map_err(|_| Failure::new(ProblemCode::MalformedId))?;
        Ok(Self(ids))
    }
}

/// The number of a part of a message: `0`, `1`; not `01`, which would be a second name of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct PartNumber(pub(crate) u8);

impl TryFrom<String> for PartNumber {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse().ok().filter(|number: &u8| number.to_string() == text).map(Self).ok_or("not the number of a part")
    }
}

/// The query. The type denies unknown fields; a repeated field is refused too.
pub(crate) struct Terms<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Terms<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(terms) =
            Query::from_request_parts(parts, state).await.map_err(|_| Failure::new(ProblemCode::MalformedQuery))?;
        Ok(Self(terms))
    }
}

/// A JSON body of at most so many bytes.
pub(crate) struct Json<T, const BYTES: usize = { schemas::limits::JSON_BYTES }>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync, const BYTES: usize> FromRequest<S> for Json<T, BYTES> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let (parts, content) = request.into_parts();
        media_type(&parts.headers, "application/json")?;
        let bytes = body::whole(&parts.headers, content, BYTES).await?;
        Ok(Self(json(&bytes)?))
    }
}

/// The `Idempotency-Key`, looked at before the body is.
pub(crate) struct Key(pub(crate) IdempotencyKey);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        idempotency_key(&parts.headers).map(Self)
    }
}

/// The purpose that was stated, if one was. Whether it is one is for `access` to say.
pub(crate) struct Stated(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Stated {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let value = parts.headers.get(PURPOSE).map(|value| value.to_str().map(str::to_owned));
        value.transpose().map(Self).map_err(|_| malformed(&PURPOSE))
    }
}

/// An acknowledgement: signed, or the plain word of a system that has logged in.
pub(crate) struct Acknowledged(pub(crate) Spoken);

impl<S: Send + Sync> FromRequest<S> for Acknowledged {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Failure> {
        let (parts, content) = request.into_parts();
        let plain = media_type(&parts.headers, "application/json").is_ok();
        if !plain {
            media_type(&parts.headers, "application/pkcs7-mime")?;
        }
        let bytes = body::whole(&parts.headers, content, schemas::limits::ACKNOWLEDGEMENT_BYTES).await?.into();
        Ok(Self(if plain { Spoken::BySystem(bytes) } else { Spoken::Signed(bytes) }))
    }
}

/// Reads JSON.
///
/// # Errors
/// `request.malformed_json`, with line and column; never with the value, which may be about a person.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "does not fit the schema",
            serde_json::error::Category::Eof => "ends too early",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is not JSON",
        };
        let place = format!("{what} at line {}, column {}", error.line(), error.column());
        Failure::new(ProblemCode::MalformedJson).detail(place)
    })
}

/// Insists on a media type; parameters (charset, boundary, smime-type) may follow it.
///
/// # Errors
/// `request.unsupported_media_type`, also when there is none.
pub(crate) fn media_type(headers: &HeaderMap, expected: &str) -> Result<(), Failure> {
    let essence = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected));
    let encoded = headers.contains_key(header::CONTENT_ENCODING);
    if essence && !encoded {
        return Ok(());
    }
    Err(Failure::new(ProblemCode::UnsupportedMediaType).detail(format!("send {expected}, not compressed")))
}

/// The submission's key.
///
/// # Errors
/// `request.missing_header`, `request.malformed_header`.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<IdempotencyKey, Failure> {
    let text = required(headers, &IDEMPOTENCY_KEY)?;
    IdempotencyKey::parse(text).ok_or_else(|| malformed(&IDEMPOTENCY_KEY))
}

/// The lease token.
///
/// # Errors
/// `request.missing_header`, `request.malformed_header`.
pub(crate) fn lease_token(headers: &HeaderMap) -> Result<LeaseToken, Failure> {
    LeaseToken::from_str(required(headers, &LEASE)?).map_err(|_| malformed(&LEASE))
}

/// Start and exclusive end of a range, as the exchange takes them.
pub(crate) type ByteRange = (Option<u64>, Option<u64>);

/// A single byte range (RFC 9110, 14.1.2): `bytes=a-b`, `bytes=a-`, or `bytes=-n` (the last n bytes: no start, n).
///
/// Another unit is ignored, as the standard demands, and so is a range under a condition (`If-Range`): the whole part is
/// always a right answer. Several ranges are refused: we do less than the standard allows, and say so.
///
/// # Errors
/// `request.malformed_header`.
pub(crate) fn range(headers: &HeaderMap) -> Result<Option<ByteRange>, Failure> {
    let Some(value) = headers.get(header::RANGE) else { return Ok(None) };
    let text = value.to_str().map_err(|_| malformed(&header::RANGE))?;
    let Some(spec) = text.strip_prefix("bytes=") else { return Ok(None) };
    if headers.contains_key(header::IF_RANGE) {
        return Ok(None);
    }
    let (first, last) = spec.trim().split_once('-').ok_or_else(|| malformed(&header::RANGE))?;
    let number = |digits: &str| match digits {
        "" => Ok(None),
        _ if !digits.bytes().all(|b| b.is_ascii_digit()) => Err(malformed(&header::RANGE)),
        _ => digits.parse::<u64>().map(Some).map_err(|_| malformed(&header::RANGE)),
    };
    match (number(first)?, number(last)?) {
        (None, None) => Err(malformed(&header::RANGE)),
        (Some(first), Some(last)) if last < first => Err(malformed(&header::RANGE)),
        (Some(first), last) => Ok(Some((Some(first), last.map(|last| last.saturating_add(1))))),
        (None, suffix) => Ok(Some((None, suffix))),
    }
}

/// `Content-Range: bytes a-b/total` of a partial PUT (RFC 9110, 14.4 and 14.5). The total must be said: `*` tells nothing.
///
/// # Errors
/// `request.malformed_header`.
pub(crate) fn content_range(headers: &HeaderMap) -> Result<Option<ContentRange>, Failure> {
    let Some(value) = headers.get(header::CONTENT_RANGE) else { return Ok(None) };
    let wrong = || malformed(&header::CONTENT_RANGE);
    let text = value.to_str().map_err(|_| wrong())?;
    let (range, total) = text.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
    let (first, last) = range.split_once('-').ok_or_else(wrong)?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| plain).ok_or_else(wrong)
    };
    let (start, last, total) = (number(first)?, number(last)?, number(total)?);
    let end = last.checked_add(1).filter(|end| start < *end && *end <= total).ok_or_else(wrong)?;
    Ok(Some(ContentRange { start, end, total }))
}

/// The SHA-256 in `Content-Digest` or `Repr-Digest`: a dictionary of byte sequences (RFC 9530, 2; RFC 8941, 3.2). Digests by
/// other algorithms are passed over, as the standard allows (RFC 9530, 2); without SHA-256 there is none.
///
/// # Errors
/// `request.malformed_header` where the field is no such dictionary, or says SHA-256 twice.
pub(crate) fn sha256(headers: &HeaderMap, name: &HeaderName) -> Result<Option<[u8; 32]>, Failure> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| malformed(name))?;
    let mut found = None;
    for member in text.split(',') {
        let (algorithm, bytes) = member.trim().split_once('=').ok_or_else(|| malformed(name))?;
        let bytes = bytes.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(|| malformed(name))?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(bytes).map_err(|_| malformed(name))?;
        if algorithm != "sha-256" {
            continue;
        }
        let digest = bytes.try_into().map_err(|_| malformed(name))?;
        if found.replace(digest).is_some() {
            return Err(malformed(name));
        }
    }
    Ok(found)
}

fn required<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, Failure> {
    let value = headers.get(name).ok_or_else(|| Failure::new(ProblemCode::MissingHeader).detail(name.as_str()))?;
    value.to_str().map_err(|_| malformed(name))
}

fn malformed(name: &HeaderName) -> Failure {
    Failure::new(ProblemCode::MalformedHeader).detail(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn ranges() {
        let read = |text: &str| range(&with(header::RANGE, text)).map_err(|f| f.code());
        assert_eq!(read("bytes=0-99"), Ok(Some((Some(0), Some(100)))));
        assert_eq!(read("bytes=5-"), Ok(Some((Some(5), None))));
        assert_eq!(read("bytes=-5"), Ok(Some((None, Some(5)))));
        assert_eq!(read("bytes=0-18446744073709551615"), Ok(Some((Some(0), Some(u64::MAX)))));
        assert_eq!(read("lines=1-2"), Ok(None));
        for wrong in ["bytes=", "bytes=-", "bytes=2-1", "bytes=0-1,3-4", "bytes=+1-2", "bytes=99999999999999999999-"] {
            assert_eq!(read(wrong), Err(ProblemCode::MalformedHeader), "{wrong}");
        }
        let mut conditional = with(header::RANGE, "bytes=0-1");
        conditional.insert(header::IF_RANGE, HeaderValue::from_static("\"x\""));
        assert_eq!(range(&conditional).map_err(|f| f.code()), Ok(None));
    }

    #[test]
    fn content_ranges() {
        let read = |text: &str| content_range(&with(header::CONTENT_RANGE, text)).map_err(|f| f.code());
        assert_eq!(read("bytes 0-99/100"), Ok(Some(ContentRange { start: 0, end: 100, total: 100 })));
        assert_eq!(read("bytes 5-5/100"), Ok(Some(ContentRange { start: 5, end: 6, total: 100 })));
        let wrong =
            ["bytes */100", "bytes 0-99/*", "bytes 5-4/100", "bytes 0-100/100", "bytes=0-1/2", "0-1/2", "bytes +0-1/2"];
        for wrong in wrong {
            assert_eq!(read(wrong), Err(ProblemCode::MalformedHeader), "{wrong}");
        }
    }

    #[test]
    fn digests_of_content() {
        let zeros = format!("sha-256=:{}:", base64::engine::general_purpose::STANDARD.encode([0; 32]));
        let read = |text: &str| sha256(&with(CONTENT_DIGEST, text), &CONTENT_DIGEST).map_err(|f| f.code());
        assert_eq!(read(&zeros), Ok(Some([0; 32])));
        assert_eq!(read(&format!("sha-512=:AAAA:, {zeros}")), Ok(Some([0; 32])));
        assert_eq!(read("sha-512=:AAAA:"), Ok(None));
        for wrong in ["sha-256", "sha-256=AAAA", "sha-256=:AAAA:", "sha-256=:!:", &format!("{zeros},{zeros}"), ""] {
            assert_eq!(read(wrong), Err(ProblemCode::MalformedHeader), "{wrong}");
        }
    }

    #[test]
    fn a_repeated_header_is_refused_and_named() {
        let mut headers = with(IDEMPOTENCY_KEY, "a");
        headers.append(header::ACCEPT, HeaderValue::from_static("a/b"));
        headers.append(header::ACCEPT, HeaderValue::from_static("c/d"));
        assert!(single_headers(&headers).is_ok());
        headers.append(IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        let failure = single_headers(&headers).unwrap_err();
        assert_eq!(failure.code(), ProblemCode::RepeatedHeader);
        assert_eq!(failure.circumstances().detail.as_deref(), Some("idempotency-key"));
    }

    #[test]
    fn media_types_are_insisted_on() {
        for accepted in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(media_type(&with(header::CONTENT_TYPE, accepted), "application/json").is_ok(), "{accepted}");
        }
        for refused in ["text/plain", "application/jsonx", "application/xml; a=application/json"] {
            assert!(media_type(&with(header::CONTENT_TYPE, refused), "application/json").is_err(), "{refused}");
        }
        assert!(media_type(&HeaderMap::new(), "application/json").is_err());
        let mut compressed = with(header::CONTENT_TYPE, "application/json");
        compressed.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(media_type(&compressed, "application/json").is_err());
    }

    #[test]
    fn a_part_has_one_name() {
        assert_eq!(PartNumber::try_from("1".to_owned()), Ok(PartNumber(1)));
        for wrong in ["01", "+1", "256", "-0", "", "a"] {
            assert!(PartNumber::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn malformed_json_is_told_without_its_content() {
        let failure = json::<schemas::message::LeaseRequest>(b"{\"max_messages\": \"Shevchenko\"}").unwrap_err();
        let detail = failure.circumstances().detail.clone().unwrap();
        assert!(detail.contains("line 1") && !detail.contains("Shevchenko"), "{detail}");
    }
}
