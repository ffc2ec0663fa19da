//! The portals of the node: who logs in there, and their sessions.
//!
//! | module | what it holds |
//! |---|---|
//! | [`crate::login`] | challenges, their answers, how often they are tried |
//! | [`crate::session`] | sessions: opened, found again, ended |
//!
//! There are two, for officials and for applicants, each with an origin of its own. What was begun at one is worth nothing at the other:
//! the portal stands in the challenge, in the session, and in the name of the cookie. This room knows no HTTP: what a request must carry
//! besides the session (its origin, the CSRF token) is for the door to ask.

use std::sync::Arc;
use std::time::Instant;

use audit::Ledger;
use certs::revocation::RevocationSource;
use certs::trust::{Purpose, TrustSource};
use schemas::access::Portal;
use schemas::{EventId, ProblemCode};
use signing::validate::Policy;
use storage::seen::SeenStore;
use storage::{Clock, StoreError, TxError};
use time::Duration;

use crate::decide::unreadable;
use crate::login::attempt::Attempts;
use crate::login::challenge::{Challenges, Place};
use crate::login::provider::Offered;
use crate::login::secret::{CodeKey, NodeSecret};
use crate::login::throttle::{LoginRates, Throttle};
use crate::people::Directory;
use crate::session::cache::Cache;
use crate::standing::Standings;

/// Bounds on sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request for so long, a session at the internal portal is over.
    pub idle_internal: Duration,
    /// The same at the external portal.
    pub idle_external: Duration,
    /// A session is over after so long, however much it is used.
    pub absolute: Duration,
    /// The same of one that an identity provider vouched for, if that is shorter: no revocation ends it.
    pub by_provider: Duration,
    /// Open sessions of one person at one portal; the oldest makes room for one more.
    pub open: u32,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle_internal: Duration::minutes(15),
            idle_external: Duration::minutes(30),
            absolute: Duration::hours(8),
            by_provider: Duration::hours(2),
            open: 5,
        }
    }
}

impl SessionLimits {
    pub(crate) fn idle(&self, portal: Portal) -> Duration {
        match portal {
            Portal::Internal => self.idle_internal,
            Portal::External => self.idle_external,
        }
    }
}

/// The origins of the portals, as browsers send them: `https://host` or `https://host:port`. None: there is no such portal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// Of officials.
    pub internal: Option<String>,
    /// Of applicants.
    pub external: Option<String>,
}

/// What portals are made of.
pub struct PortalParts {
    /// The database.
    pub ledger: Ledger,
    /// For the minute in which a session was last used.
    pub seen: SeenStore,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whom the node believes.
    pub trust: Arc<dyn TrustSource>,
    /// Who is revoked.
    pub revocation: Arc<dyn RevocationSource>,
    /// Whom the node knows.
    pub directory: Arc<dyn Directory>,
    /// The secret that the node's processes share.
    pub secret: NodeSecret,
    /// The node's name, which stands in challenges.
    pub node: String,
    /// Where the portals are.
    pub origins: Origins,
    /// Bounds on sessions.
    pub limits: SessionLimits,
    /// Bounds on logins.
    pub rates: LoginRates,
    /// Identity providers whose word opens sessions.
    pub providers: Vec<Offered>,
    /// Whether a first login at the external portal enters its person into the directory.
    pub enrols: bool,
}

/// Logins and sessions. Cheap to clone.
#[derive(Clone)]
pub struct Portals {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) ledger: Ledger,
    pub(crate) seen: SeenStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trust: Arc<dyn TrustSource>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) policy: Policy,
    pub(crate) signers: Standings,
    pub(crate) challenges: Challenges,
    /// Of CSRF tokens.
    pub(crate) csrf: CodeKey,
    pub(crate) throttle: Throttle,
    pub(crate) sessions: Cache,
    pub(crate) limits: SessionLimits,
    pub(crate) providers: Vec<Offered>,
    pub(crate) attempts: Attempts,
    /// Of people's names at providers.
    pub(crate) subjects: CodeKey,
    pub(crate) enrols: bool,
    node: String,
    origins: Origins,
}

/// Why somebody is not let in, or no further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct Refused {
    /// What the caller is told.
    pub code: ProblemCode,
    /// The audited event where the row is already written. The door writes it otherwise.
    pub recorded: Option<EventId>,
}

impl From<ProblemCode> for Refused {
    fn from(code: ProblemCode) -> Self {
        Self { code, recorded: None }
    }
}

/// Logged here: behind this line only the code is left.
impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        if error != StoreError::Overloaded {
            tracing::error!(%error, "sessions cannot be read or written");
        }
        unreadable(&error).into()
    }
}

impl From<TxError<Refused>> for Refused {
    fn from(error: TxError<Refused>) -> Self {
        match error {
            TxError::Refused(refused) => refused,
            TxError::Store(error) => error.into(),
        }
    }
}

impl Portals {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(parts: PortalParts) -> Self {
        let PortalParts { ledger, seen, clock, trust, revocation, directory, secret, .. } = parts;
        let PortalParts { node, origins, limits, rates, providers, enrols, .. } = parts;
        let trust_of = Arc::clone(&trust);
        let signers = Standings::new(Purpose::Signing, trust_of, revocation, Arc::clone(&clock)).watched();
        let (challenges, csrf) = (Challenges::new(&secret), secret.key("vuzol csrf token 1"));
        let (attempts, subjects) = (Attempts::new(&secret), secret.key("vuzol openid subject 1"));
        let (throttle, sessions) = (Throttle::new(&rates, Instant::now()), Cache::default());
        let policy = Policy::ua_qualified();
        let inner = Inner {
            ledger,
            seen,
            clock,
            trust,
            directory,
            policy,
            signers,
            challenges,
            csrf,
            throttle,
            sessions,
            limits,
            providers,
            attempts,
            subjects,
            enrols,
            node,
            origins,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The origin of a portal; none where there is no such portal.
    #[must_use]
    pub fn origin(&self, portal: Portal) -> Option<&str> {
        match portal {
            Portal::Internal => self.inner.origins.internal.as_deref(),
            Portal::External => self.inner.origins.external.as_deref(),
        }
    }

    /// Where a challenge of this portal is answered.
    ///
    /// # Errors
    /// `NotFound` where there is no such portal.
    pub(crate) fn place(&self, portal: Portal) -> Result<Place<'_>, Refused> {
        let origin = self.origin(portal).ok_or(ProblemCode::NotFound)?;
        Ok(Place { node: &self.inner.node, portal, origin })
    }
}
