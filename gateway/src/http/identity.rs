//! Who is on the other end: the door that a connection came in by, its client certificate, and the login that it came to.
//!
//! At the door of the API a connection is somebody's. At the door of a portal each request is ([`super::portals`]).
//!
//! A login is decided by [`access::Access::identify`] when the connection's first request arrives, not in the handshake,
//! so that a wrong certificate gets a problem that says what is wrong. It is decided again when it is older than
//! [`LOGIN_AGE`]: a certificate revoked, or a participant removed, loses a connection that is already open. A peer that is withdrawn loses it
//! with its next request.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use access::session::Entered;
use access::{Access, Actor};
use axum::extract::FromRequestParts;
use http::request::Parts;
use schemas::ProblemCode;
use schemas::access::Portal;
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use super::activity::Activity;
use super::problem::Failure;

/// How long a login is believed on an open connection. `Access` remembers its verdict for another minute; asking it again
/// costs a lookup.
const LOGIN_AGE: Duration = Duration::seconds(10);

/// How long a refused login is remembered: one connection cannot make the node build the same path over and over.
const REFUSAL_AGE: Duration = Duration::seconds(1);

/// By which door a connection came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// Systems and operators, by client certificate.
    Api,
    /// People, by session.
    Portal(Portal),
}

/// A connection, shared by its requests.
pub(crate) struct Connection {
    entrance: Entrance,
    peer: SocketAddr,
    chain: Vec<Vec<u8>>,
    login: Mutex<Option<Login>>,
    known: AtomicBool,
    dismissed: Notify,
    activity: Activity,
}

#[derive(Clone)]
struct Login {
    at: OffsetDateTime,
    outcome: Result<Arc<Known>, ProblemCode>,
}

/// Somebody who is logged in.
#[derive(Debug)]
pub(crate) struct Known {
    /// Who.
    pub(crate) actor: Actor,
    /// The actor's name in audit entries and logs, made once.
    pub(crate) pseudonym: String,
    /// The session, of a person.
    pub(crate) session: Option<Entered>,
}

impl Known {
    /// Somebody who logged in with a certificate or a token.
    pub(crate) fn by_login(actor: Actor) -> Arc<Self> {
        Arc::new(Self { pseudonym: actor.pseudonym(), actor, session: None })
    }

    /// Somebody with a session, for one operation.
    pub(crate) fn with_session(entered: Entered, operation: Option<&str>) -> Self {
        let actor = entered.actor(operation);
        Self { pseudonym: actor.pseudonym(), actor, session: Some(entered) }
    }
}

impl Connection {
    /// A connection whose handshake proved possession of the key of `chain` (DER, leaf first; empty: none presented).
    pub(crate) fn new(entrance: Entrance, peer: SocketAddr, chain: Vec<Vec<u8>>) -> Self {
        let (login, known, dismissed) = (Mutex::new(None), AtomicBool::new(false), Notify::new());
        Self { entrance, peer, chain, login, known, dismissed, activity: Activity::new() }
    }

    /// By which door it came in.
    pub(crate) fn entrance(&self) -> Entrance {
        self.entrance
    }

    /// The other end's address.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The certificate that was presented.
    pub(crate) fn leaf(&self) -> Option<&[u8]> {
        self.chain.first().map(Vec::as_slice)
    }

    /// Whether somebody ever logged in here. Connections of strangers are closed soon.
    pub(crate) fn is_known(&self) -> bool {
        self.known.load(Ordering::Relaxed)
    }

    /// Somebody logged in here.
    pub(crate) fn mark_known(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    /// Asks the connection to end after the answers that are under way.
    pub(crate) fn dismiss(&self) {
        self.dismissed.notify_one();
    }

    /// Resolves when [`Self::dismiss`] was called.
    pub(crate) async fn dismissed(&self) {
        self.dismissed.notified().await;
    }

    /// What goes over it, and when.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Who is logged in on this connection.
    ///
    /// # Errors
    /// A `login.*` code, or why the node could not decide.
    pub(crate) async fn login(&self, access: &Access, now: OffsetDateTime) -> Result<Arc<Known>, ProblemCode> {
        if self.chain.is_empty() {
            return Err(ProblemCode::ClientCertificateMissing);
        }
        match self.remembered(now) {
            Some(Err(refused)) => return Err(refused),
            Some(Ok(known)) if access.still_is(&known.actor).await? => return Ok(known),
            Some(Ok(_)) | None => {}
        }
        let outcome = access.identify(&self.chain).await.map(Known::by_login);
        let login = Login { at: now, outcome: outcome.clone() };
        *self.login.lock().unwrap_or_else(PoisonError::into_inner) = Some(login);
        outcome
    }

    fn remembered(&self, now: OffsetDateTime) -> Option<Result<Arc<Known>, ProblemCode>> {
        let login = self.login.lock().unwrap_or_else(PoisonError::into_inner);
        let login = login.as_ref()?;
        let limit = if login.outcome.is_ok() { LOGIN_AGE } else { REFUSAL_AGE };
        // A clock that was set back must not prolong a login.
        (Duration::ZERO..limit).contains(&(now - login.at)).then(|| login.outcome.clone())
    }
}

/// Whether a refusal says that we do not know who asks (as opposed to that the node failed). A certificate of which we do not
/// know now whether it is revoked makes nobody known either, though its answer is 503.
pub(crate) fn is_stranger(code: ProblemCode) -> bool {
    code == ProblemCode::ClientCertificateStatusUnknown
        || super::problem::status(code) == http::StatusCode::UNAUTHORIZED
}

/// The caller of a handler: the door has let it in.
pub(crate) struct Caller(Arc<Known>);

impl Deref for Caller {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let known = parts.extensions.get::<Arc<Known>>().cloned();
        known.map(Self).ok_or_else(|| Failure::new(ProblemCode::Internal).cause("a route that the door does not guard"))
    }
}
