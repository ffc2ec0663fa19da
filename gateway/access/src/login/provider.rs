//! A login by an identity provider: the browser is sent away, and comes back with what the provider is asked about.
//!
//! What came back is judged by what costs least: the cookie, then `state`, then the provider. Once both are right the attempt is spent, whatever
//! comes of it, and the log has a row: in the transaction that opens the session, or that records the refusal. Who has no access is told
//! so in the words of any other login, and only the log says why.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use audit::{Action, EventDraft, Outcome};
use crypto::digest::hex;
use schemas::access::Portal;
use schemas::{PersonId, ProblemCode};

use super::LoggedIn;
use super::attempt::{Attempt, Target};
use super::entitlement::{self, NoAccess};
use crate::openid::provider::{Asked, IdentityProvider, ProviderError, Returned, Vouched};
use crate::portal::{Portals, Refused};
use crate::session::open::{Opening, Way};
use crate::session::{LoginBy, ProviderLogin};

/// A provider, and where people may come from it.
#[derive(Clone)]
pub struct Offered {
    /// It.
    pub provider: Arc<dyn IdentityProvider>,
    /// The portals that let in whom it vouches for.
    pub portals: Vec<Portal>,
}

/// A browser that is sent away.
pub struct SentAway {
    /// Where to.
    pub location: String,
    /// What it keeps meanwhile: goes into a cookie, and nowhere else.
    pub attempt: String,
}

/// What a browser came back with (RFC 6749, 4.1.2; RFC 9207, 2).
#[derive(Clone, Default)]
pub struct CameBack {
    /// `state`.
    pub state: Option<String>,
    /// `code`.
    pub code: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `error`.
    pub error: Option<String>,
}

/// Longest code that is redeemed. Those of providers have 20 to 1,500 characters.
const CODE_BYTES: usize = 2048;

/// What a refusal's row says beside its code.
struct Why {
    code: ProblemCode,
    reason: &'static str,
    person: Option<PersonId>,
    subject: Option<[u8; 32]>,
}

impl Portals {
    /// Begins a login at a provider. Stores nothing.
    ///
    /// # Errors
    /// `LoginThrottled`; `NotFound` where the portal has no such provider; `ProviderUnavailable`.
    pub async fn send_to_provider(
        &self,
        portal: Portal,
        peer: IpAddr,
        name: &str,
        target: Target,
    ) -> Result<SentAway, Refused> {
        let provider = self.offered(portal, name)?;
        self.not_too_often(peer)?;
        let (place, now) = (self.place(portal)?, self.inner.clock.now());
        let (attempt, text) = self.inner.attempts.begin(&place, name, target, now);
        let location = provider.send(asked(&Self::redirect_uri(place.origin, name), &attempt)).await;
        let location = location.map_err(|error| Refused::from(code_of(error)))?;
        Ok(SentAway { location, attempt: text })
    }

    /// Opens a session for whom the provider vouches for. `cookie`: what the browser kept.
    ///
    /// # Errors
    /// `NotFound`, `LoginThrottled`, `Provider*`, `LoginNamesNoPerson`, `LoginRefused` as of any login.
    pub async fn return_from_provider(
        &self,
        portal: Portal,
        peer: IpAddr,
        name: &str,
        cookie: &str,
        back: CameBack,
    ) -> Result<(LoggedIn, Target), Refused> {
        let provider = self.offered(portal, name)?;
        self.not_too_often(peer)?;
        let (place, now) = (self.place(portal)?, self.inner.clock.now());
        let attempt = self.inner.attempts.open(cookie, &place, name, now);
        let attempt = attempt.filter(|attempt| back.state.as_ref().is_some_and(|state| attempt.is_of(state)));
        let attempt = attempt.ok_or(ProblemCode::ProviderAttemptInvalid)?;
        let redirect_uri = Self::redirect_uri(place.origin, name);
        let vouched = match returned(back) {
            Ok(returned) => provider.identify(asked(&redirect_uri, &attempt), &returned).await.map_err(Why::of),
            Err(why) => Err(why),
        };
        let opened = match vouched {
            Ok(vouched) => self.let_in(portal, name, &attempt, vouched).await?,
            Err(why) => Err(why),
        };
        match opened {
            Ok(opened) => Ok((opened, attempt.target().clone())),
            Err(why) => self.refuse(portal, name, &attempt, why).await,
        }
    }

    /// The session of somebody whom the provider vouches for; inside, why there is none.
    async fn let_in(
        &self,
        portal: Portal,
        name: &str,
        attempt: &Attempt,
        vouched: Vouched,
    ) -> Result<Result<LoggedIn, Why>, Refused> {
        let Vouched { subject, numbers, organisation, assurance } = vouched;
        let subject = self.inner.subjects.code(format!("{name}\n{subject}").as_bytes());
        let because = |code, reason, person| Why { code, reason, person, subject: Some(subject) };
        if numbers.rnokpp.is_none() && numbers.unzr.is_none() {
            return Ok(Err(because(ProblemCode::LoginNamesNoPerson, "no_number", None)));
        }
        if !self.inner.throttle.signer(subject, organisation, Instant::now()) {
            return Ok(Err(because(ProblemCode::LoginThrottled, "throttled", None)));
        }
        let no_access = |why: NoAccess, person| Ok(Err(because(ProblemCode::LoginRefused, why.as_str(), person)));
        let Some(person) = self.inner.directory.identify(&numbers).await? else {
            return no_access(NoAccess::Unknown, None);
        };
        let Some(entrusted) = self.inner.directory.entrusted(person).await? else {
            return no_access(NoAccess::Removed, Some(person));
        };
        let acting_for = match entitlement::acting_for(portal, organisation, None, &entrusted) {
            Ok(acting_for) => acting_for,
            Err(why) => return no_access(why, Some(person)),
        };
        let login = ProviderLogin { provider: name.to_owned(), subject, organisation, assurance };
        let way =
            Way { nonce: *attempt.seed(), expires_at: attempt.expires_at(), login: LoginBy::Provider(Arc::new(login)) };
        self.open(Opening { portal, person, acting_for, way }, entrusted).await.map(Ok)
    }

    /// Spends the attempt and records the refusal, both or neither.
    async fn refuse<T>(&self, portal: Portal, name: &str, attempt: &Attempt, why: Why) -> Result<T, Refused> {
        let Why { code, reason, person, subject } = why;
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::Login,
            actor: person.map_or_else(|| "anonymous".to_owned(), |person| format!("person:{person}")),
            object: None,
            outcome: Outcome::Refused(code),
            details: serde_json::json!({
                "portal": portal,
                "provider": name,
                "reason": reason,
                "subject": subject.map(|subject| hex(&subject)),
                "attempt": hex(attempt.seed()),
            }),
        });
        let recorded = Some(event.id());
        self.spend(*attempt.seed(), attempt.expires_at(), event).await?;
        Err(Refused { code, recorded })
    }

    fn offered(&self, portal: Portal, name: &str) -> Result<&dyn IdentityProvider, Refused> {
        let offered = self.inner.providers.iter().find(|offered| offered.provider.name() == name);
        let offered = offered.filter(|offered| offered.portals.contains(&portal)).ok_or(ProblemCode::NotFound)?;
        Ok(&*offered.provider)
    }

    /// Whether the portal still lets in whom this provider vouched for.
    pub(crate) fn offers(&self, portal: Portal, name: &str) -> bool {
        self.offered(portal, name).is_ok()
    }

    /// One for each portal and provider, never made of anything that a browser sent: it is what the provider has registered, and an answer that
    /// comes to it is of no other provider (RFC 9700, 4.4.2).
    fn redirect_uri(origin: &str, name: &str) -> String {
        format!("{origin}/v1/logins/openid/{name}/callback")
    }
}

fn asked<'a>(redirect_uri: &'a str, attempt: &'a Attempt) -> Asked<'a> {
    Asked { redirect_uri, state: attempt.state(), nonce: attempt.nonce(), verifier: attempt.verifier() }
}

/// What is to be asked about, or why there is nothing (RFC 6749, 4.1.2.1).
fn returned(back: CameBack) -> Result<Returned, Why> {
    let because = |code, reason| Why { code, reason, person: None, subject: None };
    match (back.error.as_deref(), back.code) {
        (Some("temporarily_unavailable" | "server_error"), _) => {
            Err(because(ProblemCode::ProviderUnavailable, "provider_error"))
        }
        (Some(_), _) => Err(because(ProblemCode::ProviderRefused, "declined")),
        (None, Some(code)) if (1..=CODE_BYTES).contains(&code.len()) => Ok(Returned { code, issuer: back.issuer }),
        (None, _) => Err(because(ProblemCode::ProviderAnswerWrong, "no_code")),
    }
}

impl Why {
    fn of(error: ProviderError) -> Self {
        Self { code: code_of(error), reason: error.as_str(), person: None, subject: None }
    }
}

fn code_of(error: ProviderError) -> ProblemCode {
    match error {
        ProviderError::Unavailable => ProblemCode::ProviderUnavailable,
        ProviderError::CodeRefused => ProblemCode::ProviderRefused,
        ProviderError::MixUp
        | ProviderError::Malformed
        | ProviderError::Token(_)
        | ProviderError::OtherSubject
        | ProviderError::Claims => ProblemCode::ProviderAnswerWrong,
    }
}
