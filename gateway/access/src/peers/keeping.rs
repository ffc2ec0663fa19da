//! Entering a peer, changing it, withdrawing it, and what was stated of it before.

use audit::{Action, EventDraft, Outcome};
use schemas::ProblemCode;
use schemas::peer::{PeerHistory, PeerName, PeerOutcome};
use storage::{StoreError, TxError};
use time::OffsetDateTime;

use super::rows::{self, Latest, New};
use super::statement::Stated;
use super::{PEERS, Peers, Statements};
use crate::actor::Actor;
use crate::decide::{Access, Permit, ReadPeers, SetPeer};
use crate::proposals::{self, Proposed, SameOperator, Turn};
use crate::registry::RegistryError;

/// What is proposed here.
pub(super) const WHAT: &str = "set_peer";

/// How often an operator's word is weighed anew because another was faster.
const TRIES: u32 = 4;

/// Why a transaction did not commit.
enum NotDone {
    /// Another operator was faster.
    Overtaken,
    Failed(RegistryError),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<RegistryError> for NotDone {
    fn from(error: RegistryError) -> Self {
        Self::Failed(error)
    }
}

impl From<SameOperator> for NotDone {
    fn from(_: SameOperator) -> Self {
        Self::Failed(RegistryError::invalid(ProblemCode::SameOperator, "who proposed it cannot confirm it"))
    }
}

impl From<TxError<Self>> for NotDone {
    fn from(error: TxError<Self>) -> Self {
        match error {
            TxError::Refused(refused) => refused,
            TxError::Store(error) => error.into(),
        }
    }
}

fn invalid(detail: impl Into<String>) -> RegistryError {
    RegistryError::invalid(ProblemCode::MalformedJson, detail)
}

fn object(name: &str) -> String {
    format!("peer:{name}")
}

impl Access {
    /// An operator's word on what holds of another node: the first is a proposal; the same word of another within a day makes it hold. A word
    /// that holds already changes nothing, and is answered as it was.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`]: `PeerConfigured`; `PeerChanged` where `replaces` is not the last version; `SameOperator`; `MalformedJson` where
    /// it is this node's own name, a login certificate is somebody else's, or there are too many.
    pub async fn set_peer(
        &self,
        permit: Permit<SetPeer>,
        replaces: u32,
        stated: Stated,
    ) -> Result<PeerOutcome, RegistryError> {
        for login in stated.peer().logins() {
            if self.inner.operators.contains(&login) {
                return Err(invalid("login: the certificate of an operator of this node"));
            }
            if self.registry().login_owner(&login).await?.is_some() {
                return Err(invalid("login: the certificate of a participant"));
            }
        }
        self.peers().set(&permit, replaces, &stated).await
    }
}

impl Peers {
    pub(super) async fn set(
        &self,
        permit: &Permit<SetPeer>,
        replaces: u32,
        stated: &Stated,
    ) -> Result<PeerOutcome, RegistryError> {
        let statements = self.statements()?;
        self.check(statements, permit.resource(), stated)?;
        for _ in 0..TRIES {
            match statements.try_set(permit, replaces, stated, self.inner.configured.len()).await {
                Ok(outcome) => {
                    statements.kept.forget();
                    return Ok(outcome);
                }
                Err(NotDone::Overtaken) => {}
                Err(NotDone::Failed(error)) => return Err(error),
            }
        }
        Err(StoreError::Overloaded.into())
    }

    /// Takes a peer out of force: nothing goes there and nothing comes from there, until it is stated again. What waits for it stays. Of a
    /// name that the configuration has too, what operators stated is withdrawn.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`]: `PeerConfigured` where the configuration alone names it; `NotFound` where nothing is stated of it, or it is
    /// withdrawn.
    pub async fn withdraw(&self, permit: Permit<SetPeer>) -> Result<(), RegistryError> {
        let (statements, name) = (self.statements()?, permit.resource().clone());
        for _ in 0..TRIES {
            let asked = name.to_string();
            let reader = statements.ledger.reader();
            let latest = reader.read("peer_to_withdraw", move |tx| rows::latest(tx, &asked)).await?;
            let Some(latest) = latest.filter(|latest| latest.statement.is_some()) else {
                let configured = self.is_configured(name.as_str());
                let code = if configured { ProblemCode::PeerConfigured } else { ProblemCode::NotFound };
                return Err(RegistryError::invalid(code, "nothing that operators stated of it is in force"));
            };
            match statements.take_out(&latest, permit.actor().pseudonym()).await {
                Ok(()) => {
                    statements.kept.forget();
                    return Ok(());
                }
                Err(NotDone::Overtaken) => {}
                Err(NotDone::Failed(error)) => return Err(error),
            }
        }
        Err(StoreError::Overloaded.into())
    }

    /// What was stated of a peer, the newest first. The reading leaves an audit row.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] with `NotFound` where nobody ever stated anything of it.
    pub async fn history(&self, permit: Permit<ReadPeers>, name: PeerName) -> Result<PeerHistory, RegistryError> {
        let (statements, asked) = (self.statements()?, name.to_string());
        let versions = statements.ledger.reader().read("peer_history", move |tx| rows::history(tx, &asked)).await?;
        if versions.is_empty() {
            return Err(RegistryError::invalid(ProblemCode::NotFound, "nobody ever stated anything of it"));
        }
        statements.record_reading(permit.actor().pseudonym(), Some(object(name.as_str()))).await?;
        Ok(PeerHistory { versions })
    }

    pub(super) fn statements(&self) -> Result<&Statements, RegistryError> {
        self.inner.stated.as_ref().ok_or_else(|| StoreError::Closed.into())
    }

    /// What does not change while the node runs.
    fn check(&self, statements: &Statements, name: &PeerName, stated: &Stated) -> Result<(), RegistryError> {
        if name.as_str() != &**stated.peer().name() {
            return Err(invalid("the statement is of another node than the one that was asked for"));
        }
        if name.as_str() == statements.own {
            return Err(invalid("the name of this node itself"));
        }
        if self.is_configured(name.as_str()) {
            return Err(RegistryError::invalid(ProblemCode::PeerConfigured, "change it in [[relay.peers]]"));
        }
        if stated.peer().logins().iter().any(|login| self.inner.logins.contains_key(login)) {
            return Err(invalid("login: the certificate of a peer that the configuration names"));
        }
        Ok(())
    }
}

/// What the tables say before a word counts.
struct Found {
    latest: Option<Latest>,
    /// Of the logins: the first that is another peer's.
    taken: Option<String>,
    counts: (u32, u32),
    proposal: Option<Proposed>,
    /// Whether it is their own who gives their word now.
    own: bool,
}

impl Statements {
    async fn found(&self, name: &str, stated: &Stated, subject: &str, giver: &Actor) -> Result<Found, StoreError> {
        let (name, subject, logins) = (name.to_owned(), subject.to_owned(), stated.peer().logins());
        let (operators, giver, now) = (self.operators.clone(), giver.clone(), self.clock.now());
        let read = self.ledger.reader().read("peer_to_set", move |tx| {
            let mut taken = None;
            for login in &logins {
                let owner = rows::login_owner(tx, login)?.filter(|owner| *owner != name);
                taken = taken.or(owner);
            }
            let (latest, counts) = (rows::latest(tx, &name)?, rows::counts(tx)?);
            let proposal = proposals::find(tx, WHAT, &subject)?.filter(|proposed| now < proposed.until);
            let own = match &proposal {
                Some(proposed) => operators.are_one_human(tx, &proposed.proposed_by, &giver)?,
                None => false,
            };
            Ok(Found { latest, taken, counts, proposal, own })
        });
        read.await
    }

    async fn try_set(
        &self,
        permit: &Permit<SetPeer>,
        replaces: u32,
        stated: &Stated,
        configured: usize,
    ) -> Result<PeerOutcome, NotDone> {
        let (name, giver, now) = (permit.resource().as_str(), permit.actor(), self.clock.now());
        let subject = format!("{name} {replaces} {}", stated.digest());
        let found = self.found(name, stated, &subject, giver).await?;
        let last = found.latest.as_ref().map_or(0, |latest| latest.version);
        let next = replaces.checked_add(1).ok_or_else(|| changed(last))?;
        let holds = found.latest.as_ref().is_some_and(|it| it.statement.as_deref() == Some(stated.json()));
        if holds && last == next {
            self.record_repeat(giver.pseudonym(), name, next).await?;
            return Ok(PeerOutcome { version: Some(next), proposal: None });
        }
        if last != replaces {
            return Err(changed(last).into());
        }
        check_room(&found, configured)?;
        if found.own {
            return Err(SameOperator.into());
        }
        match proposals::turn(found.proposal, WHAT, &subject, giver, now)? {
            Turn::Propose(new) => self.propose(giver.pseudonym(), name, stated, new).await,
            Turn::Confirm(confirmed) => {
                self.confirm(giver.pseudonym(), name, (replaces, next), stated, confirmed).await
            }
        }
    }

    async fn propose(&self, by: String, name: &str, stated: &Stated, new: Proposed) -> Result<PeerOutcome, NotDone> {
        let event = self.ledger.prepare(EventDraft {
            action: Action::ProposePeer,
            actor: by,
            object: Some(object(name)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "proposal": new.id, "stated": stated.audit_details() }),
        });
        let proposal = Some(new.shown());
        let done = self.ledger.transact("propose_peer", move |tx| {
            if !proposals::write(tx, &new)? {
                return Err(NotDone::Overtaken);
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        Ok(PeerOutcome { version: None, proposal })
    }

    /// The version, the proposal's end and the audit row: one transaction.
    async fn confirm(
        &self,
        by: String,
        name: &str,
        (replaces, next): (u32, u32),
        stated: &Stated,
        confirmed: Proposed,
    ) -> Result<PeerOutcome, NotDone> {
        let proposed_by = confirmed.shown().proposed_by;
        let event = self.ledger.prepare(EventDraft {
            action: Action::SetPeer,
            actor: by.clone(),
            object: Some(object(name)),
            outcome: Outcome::Done,
            details: serde_json::json!({
                "version": next,
                "stated": stated.audit_details(),
                "proposal": confirmed.id,
                "proposed_by": &proposed_by,
            }),
        });
        let (name, statement, proposed_by) = (name.to_owned(), Some(stated.json().to_owned()), Some(proposed_by));
        let (new, logins) = (New { name, version: next, statement, by, proposed_by }, stated.peer().logins());
        let done = self.ledger.transact("set_peer", move |tx| {
            let last = rows::latest(tx, &new.name)?.map_or(0, |latest| latest.version);
            if last != replaces || !proposals::end(tx, &confirmed)? {
                return Err(NotDone::Overtaken);
            }
            rows::insert(tx, &new, &logins, event.at()).map_err(|error| match error {
                // The version is free: it was looked at in this transaction.
                StoreError::Conflict => invalid("login: the certificate of another peer").into(),
                error => NotDone::from(error),
            })?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        Ok(PeerOutcome { version: Some(next), proposal: None })
    }

    async fn take_out(&self, latest: &Latest, by: String) -> Result<(), NotDone> {
        let last = latest.version;
        let next = last.checked_add(1).ok_or(StoreError::Corrupt("peer_version.version"))?;
        let event = self.ledger.prepare(EventDraft {
            action: Action::WithdrawPeer,
            actor: by.clone(),
            object: Some(object(&latest.name)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "version": next }),
        });
        let new = New { name: latest.name.clone(), version: next, statement: None, by, proposed_by: None };
        let done = self.ledger.transact("withdraw_peer", move |tx| {
            if rows::latest(tx, &new.name)?.is_none_or(|latest| latest.version != last) {
                return Err(NotDone::Overtaken);
            }
            rows::insert(tx, &new, &[], event.at())?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        Ok(done.await?)
    }

    async fn record_repeat(&self, actor: String, name: &str, version: u32) -> Result<(), StoreError> {
        let details = serde_json::json!({ "version": version, "replayed": true });
        let (action, object) = (Action::SetPeer, Some(object(name)));
        let draft = EventDraft { action, actor, object, outcome: Outcome::Done, details };
        self.ledger.record(draft).await.map(drop)
    }

    pub(super) async fn record_reading(&self, actor: String, object: Option<String>) -> Result<(), StoreError> {
        let details = serde_json::Value::Null;
        let draft = EventDraft { action: Action::ReadPeers, actor, object, outcome: Outcome::Done, details };
        self.ledger.record(draft).await.map(drop)
    }

    /// What can be confirmed now.
    pub(super) async fn proposed(&self, now: OffsetDateTime) -> Result<Vec<Proposed>, StoreError> {
        let most = u32::try_from(PEERS).unwrap_or(u32::MAX);
        self.ledger.reader().read("proposed_peers", move |tx| proposals::open_about(tx, WHAT, "", now, most)).await
    }
}

fn changed(last: u32) -> RegistryError {
    RegistryError::invalid(ProblemCode::PeerChanged, format!("the last version is {last}"))
}

/// A login is one peer's, and there is room for one more peer.
fn check_room(found: &Found, configured: usize) -> Result<(), RegistryError> {
    if found.taken.is_some() {
        return Err(invalid("login: the certificate of another peer"));
    }
    let (names, in_force) = found.counts;
    let is_new = found.latest.as_ref().is_none_or(|latest| latest.statement.is_none());
    let full = usize::try_from(in_force).unwrap_or(usize::MAX).saturating_add(configured) >= PEERS;
    if is_new && (full || (found.latest.is_none() && names >= rows::NAMES)) {
        return Err(invalid(format!("at most {PEERS} peers")));
    }
    Ok(())
}
