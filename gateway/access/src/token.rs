//! API tokens: a login of a participant's systems that is narrower than a certificate, and ends by itself.
//!
//! A token is `vuzol_` and 32 random octets in base64url, of which the node keeps the SHA-256. It names the actions that it may do,
//! among [`SCOPES`]; that it may do no other is decided where every permit is made ([`crate::Access::decide`]). What a token may do
//! at most is less than its participant may: handing in and acknowledging are done under a certificate, since their evidence names it.

mod rows;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit::{Action, EventDraft, Ledger, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::digest::sha256;
use schemas::session::{IssuedToken, TokenList, TokenRequest, TokenView};
use schemas::{Edrpou, ProblemCode, TokenId};
use storage::ids::FreshId;
use storage::{Clock, Tx};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::actor::Actor;
use crate::decide::{IssueToken, Permit, ReadTokens, RevokeToken};
use crate::portal::Refused;
use crate::registry::Registry;

/// What tokens can be issued for, by the names of actions.
pub const SCOPES: &[&str] = &[
    "list_submissions",
    "list_mailbox",
    "lease_messages",
    "set_subscription",
    "read_subscription",
    "read_message",
    "download_part",
    "read_case",
    "export_case",
    "read_participants",
    "resolve_address",
    "check_delivery",
    "read_log",
];

/// Tokens of one participant that are neither expired nor taken back.
const OPEN: usize = 100;

/// Longest name of a token, in characters.
const NAME: usize = 100;

/// Longest life.
const DAYS: u16 = 365;

/// How long a token is believed to stand as it was read: the longest that one which another process took back still serves.
const FRESH: Duration = Duration::seconds(3);

/// Tokens that are remembered.
const TOKENS: usize = 4096;

/// Begin of every token, by which scanners find one that lies where it should not.
const PREFIX: &str = "vuzol_";

/// The actions that a token may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<&'static str>);

impl Scopes {
    /// # Errors
    /// The first name that is not among [`SCOPES`].
    fn of(names: &[String]) -> Result<Self, &str> {
        let known = |name: &'_ String| SCOPES.iter().copied().find(|scope| scope == name);
        match names.iter().find(|name| known(name).is_none()) {
            Some(unknown) => Err(unknown),
            // In the order of the list, each once.
            None => Ok(Self(SCOPES.iter().copied().filter(|scope| names.iter().any(|name| name == scope)).collect())),
        }
    }

    /// Whether it may do the action of this name.
    #[must_use]
    pub fn allows(&self, action: &str) -> bool {
        self.0.contains(&action)
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|scope| (*scope).to_owned()).collect()
    }
}

/// The tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    inner: Arc<Inner>,
}

struct Inner {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    registry: Registry,
    known: Mutex<Known>,
}

/// By SHA-256, with the time of the reading.
type Known = HashMap<[u8; 32], (OffsetDateTime, Arc<Token>)>;

/// A token as it is stored.
struct Token {
    participant: Edrpou,
    scopes: Arc<Scopes>,
    view: TokenView,
}

impl Tokens {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(ledger: Ledger, clock: Arc<dyn Clock>, registry: Registry) -> Self {
        Self { inner: Arc::new(Inner { ledger, clock, registry, known: Mutex::default() }) }
    }

    /// Who logs in with this token.
    ///
    /// # Errors
    /// `TokenRefused`: unknown, expired, taken back, or of a participant whose mailboxes are elsewhere now.
    pub async fn identify(&self, token: &str) -> Result<Actor, Refused> {
        let sha256 = parse(token).ok_or(ProblemCode::TokenRefused)?;
        let now = self.inner.clock.now();
        let token = self.find(sha256, now).await?.ok_or(ProblemCode::TokenRefused)?;
        let is_open = token.view.revoked_at.is_none() && now < token.view.expires_at;
        if !is_open || self.inner.registry.home(token.participant).await?.is_some() {
            return Err(ProblemCode::TokenRefused.into());
        }
        let (edrpou, scopes) = (token.participant, Arc::clone(&token.scopes));
        Ok(Actor::Token { edrpou, token: token.view.token, sha256, scopes })
    }

    /// Issues a token to the permit's participant.
    ///
    /// # Errors
    /// `MalformedJson`: a name, a scope or a number of days out of bounds; `TooManyTokens`.
    pub async fn issue(&self, permit: Permit<IssueToken>, request: &TokenRequest) -> Result<IssuedToken, Refused> {
        let participant = *permit.resource();
        let scopes = Scopes::of(&request.scopes).map_err(|_| ProblemCode::MalformedJson)?;
        let is_named =
            (1..=NAME).contains(&request.name.chars().count()) && !request.name.chars().any(char::is_control);
        if !is_named || scopes.0.is_empty() || !(1..=DAYS).contains(&request.days) {
            return Err(ProblemCode::MalformedJson.into());
        }
        let now = self.inner.clock.now();
        let octets = Zeroizing::new(crypto::random::array::<32>());
        let (secret, digest) = (format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(octets.as_slice())), sha256(&*octets));
        let view = TokenView {
            token: TokenId::fresh(now),
            name: request.name.clone(),
            scopes: scopes.names(),
            issued_at: now,
            expires_at: now + Duration::days(request.days.into()),
            revoked_at: None,
        };
        let by = permit.actor().pseudonym();
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::IssueToken,
            actor: by.clone(),
            object: Some(format!("token:{}", view.token)),
            outcome: Outcome::Done,
            details: serde_json::json!({
                "participant": participant, "scopes": view.scopes, "days": request.days,
            }),
        });
        let stored = view.clone();
        let done = self.inner.ledger.transact("issue_token", move |tx| {
            if rows::open(tx, participant, now)? >= OPEN {
                return Err(Refused::from(ProblemCode::TooManyTokens));
            }
            rows::insert(tx, participant, &stored, &digest, &by)?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        Ok(IssuedToken { view, secret })
    }

    /// The participant's tokens, the newest first: those that are over too, as long as they are kept. On record.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn list(&self, permit: Permit<ReadTokens>) -> Result<TokenList, Refused> {
        let participant = *permit.resource();
        let tokens = self.inner.ledger.reader().read("list_tokens", move |tx| rows::list(tx, participant)).await?;
        let draft = EventDraft {
            action: Action::ReadTokens,
            actor: permit.actor().pseudonym(),
            object: Some(format!("participant:{participant}")),
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        };
        self.inner.ledger.record(draft).await?;
        Ok(TokenList { tokens })
    }

    /// Takes a token of the permit's participant back. Other processes heed it within seconds.
    ///
    /// # Errors
    /// `NotFound` where it has no such token that is not taken back already.
    pub async fn revoke(&self, permit: Permit<RevokeToken>, token: TokenId) -> Result<(), Refused> {
        let (participant, now, by) = (*permit.resource(), self.inner.clock.now(), permit.actor().pseudonym());
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::RevokeToken,
            actor: by.clone(),
            object: Some(format!("token:{token}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "participant": participant }),
        });
        let done = self.inner.ledger.transact("revoke_token", move |tx| {
            if !rows::revoke(tx, participant, token, &by, now)? {
                return Err(Refused::from(ProblemCode::NotFound));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        self.known().clear();
        Ok(())
    }

    async fn find(&self, sha256: [u8; 32], now: OffsetDateTime) -> Result<Option<Arc<Token>>, Refused> {
        let known = self.known().get(&sha256).cloned();
        if let Some((read_at, token)) = known
            && (Duration::ZERO..FRESH).contains(&(now - read_at))
        {
            return Ok(Some(token));
        }
        let read = move |tx: &mut Tx<'_>| rows::find(tx, &sha256);
        let found = self.inner.ledger.reader().read("find_token", read).await?.map(Arc::new);
        let mut known = self.known();
        if known.len() >= TOKENS {
            known.clear();
        }
        match &found {
            Some(token) => known.insert(sha256, (now, Arc::clone(token))),
            None => known.remove(&sha256),
        };
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SHA-256 of the octets of a token.
fn parse(token: &str) -> Option<[u8; 32]> {
    let octets = Zeroizing::new(URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?);
    (octets.len() == 32).then(|| sha256(&octets))
}

#[cfg(test)]
mod tests;
