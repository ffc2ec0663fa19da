//! The session of a request.

use std::sync::Arc;

use audit::{Action, EventDraft, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::ProblemCode;
use schemas::access::Portal;
use time::OffsetDateTime;

use super::cache::TooOften;
use super::end::Reason;
use super::open::SessionSecret;
use super::{Entered, LoginBy, Session, rows};
use crate::portal::{Portals, Refused};
use crate::standing::NotReliable;

impl Portals {
    /// The open session of this portal that the cookie's value opens. Asks memory, and every few seconds the session's row; once a minute
    /// whether its certificate is revoked.
    ///
    /// # Errors
    /// `QuotaSession` where it asks too often. `SessionEnded`: over, lapsed, of the other portal, or never there; the certificate is revoked or expired, or the person was taken
    /// out of the directory: then the session ends here. `SignerStatusUnknown` while nobody says whether the certificate is
    /// revoked; the session stays.
    pub async fn enter(&self, portal: Portal, cookie: &str) -> Result<Entered, Refused> {
        let secret = SessionSecret::parse(cookie).ok_or(ProblemCode::SessionEnded)?.sha256();
        let now = self.inner.clock.now();
        let (session, seen_at) = self.find(&secret, now).await?.ok_or(ProblemCode::SessionEnded)?;
        if session.portal != portal {
            return Err(ProblemCode::SessionEnded.into());
        }
        if now >= session.ends_at || now - seen_at >= self.inner.limits.idle(portal) {
            self.inner.sessions.forget(&secret);
            return Err(ProblemCode::SessionEnded.into());
        }
        self.counted(&session, now).await?;
        self.still_reliable(&session).await?;
        let entrusted = self.inner.directory.entrusted(session.person).await?;
        let Some(entrusted) = entrusted else { return self.is_over(&session, Reason::PersonRemoved).await };
        self.saw(&session, now).await;
        Ok(Entered { session, entrusted, at: now })
    }

    /// To be sent back with every request that may change something: only a page that could read the session knows it.
    pub(super) fn csrf_token(&self, session: &Session) -> String {
        URL_SAFE_NO_PAD.encode(self.inner.csrf.code(&csrf_subject(session)))
    }

    /// Whether the token is the session's.
    #[must_use]
    pub fn is_csrf_token(&self, session: &Session, token: &str) -> bool {
        let token = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        self.inner.csrf.holds(&csrf_subject(session), &token)
    }

    /// The session as it stands, and when it was last used.
    async fn find(
        &self,
        secret: &[u8; 32],
        now: OffsetDateTime,
    ) -> Result<Option<(Arc<Session>, OffsetDateTime)>, Refused> {
        let recalled = self.inner.sessions.recall(secret, now);
        let known = match recalled {
            Some(recalled) if recalled.is_fresh => return Ok(Some((recalled.session, recalled.seen_at))),
            other => other.map(|recalled| recalled.session),
        };
        let secret_of = *secret;
        let read = move |tx: &mut storage::Tx<'_>| rows::open(tx, &secret_of, known.as_deref(), now);
        let Some((session, seen_at)) = self.inner.ledger.reader().read("load_session", read).await? else {
            self.inner.sessions.forget(secret);
            return Ok(None);
        };
        let session = Arc::new(session);
        let seen_at = self.inner.sessions.keep(&session, seen_at, now);
        Ok(Some((session, seen_at)))
    }

    /// Bounds what one session asks for. The log has a row a minute of it, or whoever asks too often would fill it.
    async fn counted(&self, session: &Session, now: OffsetDateTime) -> Result<(), Refused> {
        let secret = &session.secret_sha256;
        let Err(TooOften { recorded }) = self.inner.sessions.request(secret, now) else { return Ok(()) };
        let code = ProblemCode::QuotaSession;
        if recorded.is_some() {
            return Err(Refused { code, recorded });
        }
        let draft = EventDraft {
            action: Action::Request,
            actor: format!("person:{}", session.person),
            object: Some(format!("session:{}", session.id)),
            outcome: Outcome::Refused(code),
            details: serde_json::Value::Null,
        };
        let event = self.inner.ledger.record(draft).await?;
        self.inner.sessions.recorded(secret, event, now);
        Err(Refused { code, recorded: Some(event) })
    }

    async fn still_reliable(&self, session: &Session) -> Result<(), Refused> {
        let chain = match &session.login {
            LoginBy::Certificate(chain) => chain,
            LoginBy::Provider(login) if self.offers(session.portal, &login.provider) => return Ok(()),
            LoginBy::Provider(_) => return self.is_over(session, Reason::ProviderWithdrawn).await,
        };
        let Some((leaf, pool)) = chain.split_first() else { return Err(ProblemCode::SessionEnded.into()) };
        if self.inner.signers.recall(leaf.der()).is_some() {
            return Ok(());
        }
        let reason = match self.inner.signers.check(leaf, pool).await {
            Ok(_) => return Ok(()),
            Err(NotReliable::StatusUnknown(unknown)) => {
                let tried = NotReliable::StatusUnknown(unknown).explain();
                tracing::warn!(session = %session.id, tried, "whether a session's certificate is revoked is not known");
                return Err(ProblemCode::SignerStatusUnknown.into());
            }
            Err(NotReliable::Revoked) => Reason::CertificateRevoked,
            Err(NotReliable::NoPath(_) | NotReliable::OutsideValidity(_)) => Reason::CertificateNotReliable,
        };
        self.is_over(session, reason).await
    }

    /// Ends the session, and says that it is over.
    async fn is_over<T>(&self, session: &Session, reason: Reason) -> Result<T, Refused> {
        self.end(session, reason, "node").await?;
        Err(ProblemCode::SessionEnded.into())
    }

    /// Nothing hangs on one writing: the next minute brings another.
    async fn saw(&self, session: &Session, now: OffsetDateTime) {
        if self.inner.sessions.saw(&session.secret_sha256, now)
            && let Err(error) = self.inner.seen.saw_session(session.id, now).await
        {
            tracing::warn!(%error, "when a session was last used is not written");
        }
    }
}

/// Name and secret: neither a session that was given the same name nor another of the same person has the token.
fn csrf_subject(session: &Session) -> [u8; 48] {
    let mut subject = [0; 48];
    let (name, secret) = subject.split_at_mut(16);
    name.copy_from_slice(session.id.as_bytes());
    secret.copy_from_slice(&session.secret_sha256);
    subject
}
