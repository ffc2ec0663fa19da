//! Who comes in by the door of a portal: a session, or nobody; and only from the portal's own pages.
//!
//! At the door of the API a cookie means nothing; here a client certificate is not asked for, and a token means nothing. What may change
//! something (every method but GET and HEAD) must come from the portal's origin: `Origin` says so (RFC 6454, 7), `Sec-Fetch-Site`
//! (Fetch Metadata Request Headers), where it is sent, says `same-origin`, and `Vuzol-Csrf` carries the token of the session, which only a
//! page that could read the session knows. The cookie alone is no proof of that, although `SameSite=Strict` keeps other sites from having
//! it sent: a neighbouring host of the same site is not the portal.

use std::sync::Arc;

use access::login::LoggedIn;
use access::portal::{Portals, Refused};
use access::session::Entered;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use schemas::ProblemCode;
use schemas::access::Portal;

use super::Door;
use super::identity::{Connection, Entrance, Known};
use super::operations::{self, Operation};
use super::problem::Failure;

/// Carries the CSRF token.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("vuzol-csrf");

/// Fetch Metadata Request Headers, 2.3. `http` has no name for it.
pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who comes in.
pub(crate) enum Guest {
    /// Somebody who is logged in.
    Known(Arc<Known>),
    /// Somebody at a portal who is about to log in, and may do nothing else.
    Stranger,
}

/// Who asks for `operation` with these headers.
///
/// # Errors
/// `Session*`, or why the node could not decide.
pub(crate) async fn admit(
    door: &Door,
    portal: Portal,
    method: &Method,
    operation: Option<&Operation>,
    headers: &HeaderMap,
) -> Result<Guest, Failure> {
    let portals = door.portals()?;
    let is_safe = matches!(*method, Method::GET | Method::HEAD);
    if !is_safe && !is_of_portal(portals, portal, headers) {
        return Err(Failure::new(ProblemCode::SessionForeignOrigin));
    }
    // Who logs in anew may hold the cookie of a session that is over, or of another person at the same machine: it is looked at only
    // where the page speaks for that session, by its token.
    if operation.is_some_and(operations::is_for_strangers) && !headers.contains_key(CSRF) {
        return Ok(Guest::Stranger);
    }
    let cookie = cookie(portal, headers)?;
    let entered = portals.enter(portal, cookie).await.map_err(Failure::from)?;
    if !is_safe {
        let token = headers.get(CSRF).and_then(|token| token.to_str().ok()).unwrap_or_default();
        if !portals.is_csrf_token(entered.session(), token) {
            return Err(Failure::new(ProblemCode::SessionCsrfToken));
        }
    }
    Ok(Guest::Known(Arc::new(Known::with_session(entered, operation.map(|operation| operation.id)))))
}

fn is_of_portal(portals: &Portals, portal: Portal, headers: &HeaderMap) -> bool {
    let own = portals.origin(portal).map(str::as_bytes);
    let is = |name: &HeaderName, value: Option<&[u8]>| {
        let mut sent = headers.get_all(name).iter();
        sent.next().map(HeaderValue::as_bytes) == value && sent.next().is_none()
    };
    let is_same_origin = !headers.contains_key(SEC_FETCH_SITE) || is(&SEC_FETCH_SITE, Some(b"same-origin"));
    own.is_some() && is(&header::ORIGIN, own) && is_same_origin
}

/// The name of the session's cookie. With `__Host-` browsers take it from this host alone, over TLS, for every path (RFC 6265bis, 4.1.3.2).
fn cookie_name(portal: Portal) -> &'static str {
    match portal {
        Portal::Internal => "__Host-vuzol-internal",
        Portal::External => "__Host-vuzol-external",
    }
}

/// The value of the session's cookie. HTTP/2 may send cookies in several fields (RFC 9113, 8.2.3). Two of the name are none: the node does
/// not choose between them.
///
/// # Errors
/// `SessionMissing` where there is none, `SessionEnded` where there are two.
fn cookie(portal: Portal, headers: &HeaderMap) -> Result<&str, Failure> {
    let value = one_cookie(cookie_name(portal), headers).map_err(|TwoCookies| ProblemCode::SessionEnded)?;
    value.ok_or_else(|| Failure::new(ProblemCode::SessionMissing))
}

/// A request with two cookies of one name.
pub(crate) struct TwoCookies;

/// The value of the one cookie of this name.
///
/// # Errors
/// [`TwoCookies`].
pub(crate) fn one_cookie<'h>(name: &str, headers: &'h HeaderMap) -> Result<Option<&'h str>, TwoCookies> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(TwoCookies),
        (value, None) => Ok(value),
    }
}

/// The cookie of a session that was opened. Without an age it ends with the browser, if the node does not end it before.
pub(crate) fn set_cookie(opened: &LoggedIn) -> Result<HeaderValue, Failure> {
    let value = opened.secret.to_text();
    let name = cookie_name(opened.entered.session().portal());
    let mut cookie = attributes(format!("{name}={}", value.as_str()))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Takes it back.
pub(crate) fn clear_cookie(entered: &Entered) -> Result<HeaderValue, Failure> {
    attributes(format!("{}=; Max-Age=0", cookie_name(entered.session().portal())))
}

fn attributes(cookie: String) -> Result<HeaderValue, Failure> {
    let cookie = format!("{cookie}; Path=/; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::try_from(cookie).map_err(|error| Failure::new(ProblemCode::Internal).cause(error))
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code).recorded(refused.recorded)
    }
}

/// The portal that a request came in by; to others the operation is not there.
pub(crate) struct At {
    /// Which.
    pub(crate) portal: Portal,
    /// From where.
    pub(crate) peer: std::net::IpAddr,
    /// The session, where there is one.
    pub(crate) entered: Option<Entered>,
}

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let connection = parts.extensions.get::<Arc<Connection>>();
        let connection =
            connection.ok_or_else(|| Failure::new(ProblemCode::Internal).cause("a request without a connection"))?;
        let Entrance::Portal(portal) = connection.entrance() else { return Err(ProblemCode::NotFound.into()) };
        let known = parts.extensions.get::<Arc<Known>>();
        let entered = known.and_then(|known| known.session.clone());
        Ok(Self { portal, peer: connection.peer().ip(), entered })
    }
}

/// A request of somebody with a session.
pub(crate) struct InSession {
    /// From where.
    pub(crate) peer: std::net::IpAddr,
    /// The session.
    pub(crate) entered: Entered,
}

impl<S: Send + Sync> FromRequestParts<S> for InSession {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let At { peer, entered, .. } = At::from_request_parts(parts, state).await?;
        let entered = entered.ok_or(ProblemCode::SessionMissing)?;
        Ok(Self { peer, entered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (header::COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    #[test]
    fn the_cookie_of_the_portal_is_found_and_no_other() {
        let read = |portal, cookies: &[&str]| cookie(portal, &with(cookies)).map(str::to_owned).map_err(|f| f.code());
        let both = ["a=b; __Host-vuzol-internal=one", "__Host-vuzol-external=two"];
        assert_eq!(read(Portal::Internal, &both), Ok("one".to_owned()));
        assert_eq!(read(Portal::External, &both), Ok("two".to_owned()));
        for none in [&["__Host-vuzol-external=two"][..], &[], &["vuzol-internal=one"], &["X__Host-vuzol-internal=one"]]
        {
            assert_eq!(read(Portal::Internal, none), Err(ProblemCode::SessionMissing), "{none:?}");
        }
        let twice = ["__Host-vuzol-internal=one; __Host-vuzol-internal=two"];
        assert_eq!(read(Portal::Internal, &twice), Err(ProblemCode::SessionEnded));
    }
}
