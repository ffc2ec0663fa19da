//! A session begins; a deed is confirmed. Either takes an answered challenge, which is remembered in the same transaction: a second
//! answer finds it there.

use std::sync::Arc;

use audit::{Action, Event, EventDraft, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::digest::{hex, sha256};
use schemas::access::Portal;
use schemas::session::Deed;
use schemas::{Edrpou, PersonId, ProblemCode, SessionId};
use storage::ids::FreshId;
use storage::{StoreError, Tx};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::end::Reason;
use super::{Entered, LoginBy, Session, rows};
use crate::login::{LoggedIn, Signed};
use crate::people::Entrusted;
use crate::portal::{Portals, Refused};

/// What opens a session: 32 random octets. Never stored, and always new: nobody can choose for another which session they get.
pub struct SessionSecret(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionSecret")
    }
}

impl SessionSecret {
    fn fresh() -> Self {
        Self(Zeroizing::new(crypto::random::array()))
    }

    /// Reads what a browser sent back; none where no session ever had this.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let octets = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        octets.as_slice().try_into().ok().map(|octets| Self(Zeroizing::new(octets)))
    }

    /// 43 characters of base64url, for the cookie.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        sha256(&*self.0)
    }
}

/// Whose session, where, with what.
pub(crate) struct Opening {
    pub(crate) portal: Portal,
    pub(crate) person: PersonId,
    pub(crate) acting_for: Option<Edrpou>,
    pub(crate) way: Way,
}

/// By what somebody came to a session: a challenge or an attempt, answered now, and who vouches for them.
pub(crate) struct Way {
    /// Remembered until it would have expired, so that it serves once.
    pub(crate) nonce: [u8; 32],
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) login: LoginBy,
}

impl Portals {
    /// Opens a session. Where its person has as many as they may, the oldest ends.
    ///
    /// # Errors
    /// `ChallengeAnswered`, `ProviderAttemptInvalid` of what served before.
    pub(crate) async fn open(&self, opening: Opening, entrusted: Entrusted) -> Result<LoggedIn, Refused> {
        let Opening { portal, person, acting_for, way: Way { nonce, expires_at, login } } = opening;
        let (now, limits) = (self.inner.clock.now(), self.inner.limits);
        let (details, lasts, served) = match &login {
            LoginBy::Certificate(chain) => {
                let details = serde_json::json!({
                    "portal": portal,
                    "acting_for": acting_for,
                    "certificate": chain.first().map(|certificate| hex(&certificate.fingerprint())),
                    "challenge": hex(&nonce),
                });
                (details, limits.absolute, ProblemCode::ChallengeAnswered)
            }
            LoginBy::Provider(login) => {
                let details = serde_json::json!({
                    "portal": portal,
                    "acting_for": acting_for,
                    "provider": login.provider,
                    "subject": hex(&login.subject),
                    "assurance": login.assurance,
                    "attempt": hex(&nonce),
                });
                (details, limits.absolute.min(limits.by_provider), ProblemCode::ProviderAttemptInvalid)
            }
        };
        let secret = SessionSecret::fresh();
        let session = Arc::new(Session {
            id: SessionId::fresh(now),
            secret_sha256: secret.sha256(),
            portal,
            person,
            acting_for,
            login,
            opened_at: now,
            ends_at: now + lasts,
            confirmed: None,
        });
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::Login,
            actor: format!("person:{person}"),
            object: Some(format!("session:{}", session.id)),
            outcome: Outcome::Done,
            details,
        });
        let (opened, chain, portals) = (Arc::clone(&session), rows::StoredChain::of(&session), self.clone());
        let done = self.inner.ledger.transact("log_in", move |tx| {
            once(rows::answered(tx, &nonce, expires_at, now), served)?;
            portals.make_room(tx, person, portal, now)?;
            rows::insert(tx, &opened, chain.as_ref())?;
            Ok::<_, Refused>(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        self.inner.sessions.forget_person(person);
        self.inner.sessions.keep(&session, now, now);
        Ok(LoggedIn { secret, entered: Entered { session, entrusted, at: now } })
    }

    /// An attempt came back and came to nothing: it is spent, with the row that says so.
    ///
    /// # Errors
    /// `ProviderAttemptInvalid` where it was spent before.
    pub(crate) async fn spend(&self, nonce: [u8; 32], expires_at: OffsetDateTime, event: Event) -> Result<(), Refused> {
        let now = self.inner.clock.now();
        let done = self.inner.ledger.transact("spend_attempt", move |tx| {
            once(rows::answered(tx, &nonce, expires_at, now), ProblemCode::ProviderAttemptInvalid)?;
            Ok::<_, Refused>(audit::append(tx, &event)?.with(()))
        });
        Ok(done.await?)
    }

    /// Ends the oldest sessions of a person where there is no room for one more, each with the event of its end. In the transaction of the login:
    /// a reading before it took a sixth of a login.
    fn make_room(
        &self,
        tx: &mut Tx<'_>,
        person: PersonId,
        portal: Portal,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let open = rows::open_of(tx, person, portal, now, now - self.inner.limits.idle(portal))?;
        let surplus = (open.len() + 1).saturating_sub(self.inner.limits.open as usize);
        for id in open.into_iter().take(surplus) {
            if rows::end(tx, id, now, Reason::Displaced.as_str())? {
                audit::append(tx, &self.end_event(id, Reason::Displaced, "node"))?;
            }
        }
        Ok(())
    }

    /// A fresh signature over a challenge that names the deed: the session may do it for a while.
    ///
    /// # Errors
    /// `ChallengeAnswered`, `SessionEnded`.
    pub(crate) async fn confirm(&self, entered: &Entered, deed: Deed, signed: &Signed) -> Result<Entered, Refused> {
        let (session, now) = (&entered.session, self.inner.clock.now());
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::StepUp,
            actor: format!("person:{}", session.person),
            object: Some(format!("session:{}", session.id)),
            outcome: Outcome::Done,
            details: serde_json::json!({
                "deed": deed,
                "certificate": hex(&signed.certificate().fingerprint()),
                "challenge": hex(signed.challenge.nonce()),
            }),
        });
        let (id, challenge) = (session.id, signed.challenge.clone());
        let done = self.inner.ledger.transact("step_up", move |tx| {
            once(rows::answered(tx, challenge.nonce(), challenge.expires_at(), now), ProblemCode::ChallengeAnswered)?;
            if !rows::confirm(tx, id, deed.as_str(), now)? {
                return Err(Refused::from(ProblemCode::SessionEnded));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        self.inner.sessions.forget(&session.secret_sha256);
        let session = Arc::new(Session { confirmed: Some((deed, now)), ..(**session).clone() });
        Ok(Entered { session, entrusted: entered.entrusted.clone(), at: now })
    }
}

/// A challenge is answered once, and an attempt comes back once.
fn once(answered: Result<(), StoreError>, served: ProblemCode) -> Result<(), Refused> {
    answered.map_err(|error| match error {
        StoreError::Conflict => served.into(),
        other => other.into(),
    })
}
