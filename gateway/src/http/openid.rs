//! There and back by way of an identity provider.
//!
//! Both are addresses that a browser is navigated to, so they answer GET, and with a redirect. What keeps others from using that:
//!
//! - `start` is followed from a page of the portal, or typed: a browser that says that another site sends it here is refused
//!   (`Sec-Fetch-Site`), so that no foreign page can replace the attempt under which a person is about to come back.
//! - `callback` is reached from the provider's site. The cookie of the attempt is therefore `SameSite=Lax`: with `Strict` the browser would not send it
//!   with this very navigation. It opens nothing by itself: it is answered once, together with a `state` that only the provider was sent.
//!   The cookie of the session that is opened is `Strict`, like any.

use std::sync::Arc;

use access::login::attempt::{LIFETIME, Target};
use access::login::provider::CameBack;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use schemas::ProblemCode;
use schemas::access::Portal;
use serde::Deserialize;

use super::Door;
use super::extract::{Ids, Terms};
use super::portals::{self, At, SEC_FETCH_SITE};
use super::problem::Failure;

/// Where to go afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartTerms {
    target: Option<String>,
}

/// What a provider sends along. It may send more (RFC 6749, 4.1.2: what is not known is passed over), and none of these twice.
#[derive(Deserialize)]
pub(crate) struct ReturnTerms {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Log in by an identity provider: the answer leads the browser there.
///
/// `target` is the path at the portal that is gone to afterwards; without it `/`. The attempt can be finished once, in this browser, within ten
/// minutes. HEAD is refused.
#[utoipa::path(
    get, path = "/v1/logins/openid/{provider}/start", operation_id = "begin_provider_login", tag = "sessions",
    params(("provider" = String, Path), ("target" = Option<String>, Query)),
    responses((status = 303, description = "To the provider"))
)]
pub(crate) async fn start(
    State(door): State<Arc<Door>>,
    at: At,
    method: Method,
    headers: HeaderMap,
    Ids(provider): Ids<String>,
    Terms(terms): Terms<StartTerms>,
) -> Result<Response, Failure> {
    only_get(&method)?;
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return Err(ProblemCode::SessionForeignOrigin.into());
    }
    let target = terms.target.as_deref().map(|target| Target::parse(target).ok_or(ProblemCode::MalformedQuery));
    let target = target.transpose()?.unwrap_or_default();
    let sent = door.portals()?.send_to_provider(at.portal, at.peer, &provider, target).await?;
    let kept = attempt_cookie(at.portal, &sent.attempt, LIFETIME.whole_seconds())?;
    let location = HeaderValue::try_from(sent.location);
    let location = location.map_err(|error| Failure::new(ProblemCode::Internal).cause(error))?;
    let headers = AppendHeaders([(header::SET_COOKIE, kept), (header::LOCATION, location), no_referrer()]);
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Come back from an identity provider: a session is opened, and the answer leads on to the target.
///
/// A problem is answered where none is. Either way the attempt is spent. HEAD is refused.
#[utoipa::path(
    get, path = "/v1/logins/openid/{provider}/callback", operation_id = "finish_provider_login", tag = "sessions",
    params(
        ("provider" = String, Path), ("state" = Option<String>, Query), ("code" = Option<String>, Query),
        ("iss" = Option<String>, Query), ("error" = Option<String>, Query)
    ),
    responses((status = 303, description = "A session is open: to the target"))
)]
pub(crate) async fn callback(
    State(door): State<Arc<Door>>,
    at: At,
    method: Method,
    headers: HeaderMap,
    Ids(provider): Ids<String>,
    Terms(terms): Terms<ReturnTerms>,
) -> Result<Response, Failure> {
    only_get(&method)?;
    let kept = portals::one_cookie(attempt_name(at.portal), &headers).ok().flatten().unwrap_or_default();
    let ReturnTerms { state, code, iss, error } = terms;
    let back = CameBack { state, code, issuer: iss, error };
    let portals = door.portals()?;
    let (opened, target) = portals.return_from_provider(at.portal, at.peer, &provider, kept, back).await?;
    let location = HeaderValue::from_str(target.as_str());
    let location = location.map_err(|error| Failure::new(ProblemCode::Internal).cause(error))?;
    let headers = AppendHeaders([
        (header::SET_COOKIE, portals::set_cookie(&opened)?),
        (header::SET_COOKIE, attempt_cookie(at.portal, "", 0)?),
        (header::LOCATION, location),
        no_referrer(),
    ]);
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Either changes something, which HEAD must not.
fn only_get(method: &Method) -> Result<(), Failure> {
    if method == Method::GET { Ok(()) } else { Err(ProblemCode::MethodNotAllowed.into()) }
}

/// The address of a callback has the code in it: the page that is gone to is not told where the browser comes from.
fn no_referrer() -> (header::HeaderName, HeaderValue) {
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
}

fn attempt_name(portal: Portal) -> &'static str {
    match portal {
        Portal::Internal => "__Host-vuzol-attempt-internal",
        Portal::External => "__Host-vuzol-attempt-external",
    }
}

fn attempt_cookie(portal: Portal, value: &str, seconds: i64) -> Result<HeaderValue, Failure> {
    let name = attempt_name(portal);
    let cookie = format!("{name}={value}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Lax");
    let mut cookie = HeaderValue::try_from(cookie).map_err(|error| Failure::new(ProblemCode::Internal).cause(error))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}
