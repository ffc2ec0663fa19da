//! A session ends before its time, or acts in another name from now on.

use std::sync::Arc;

use audit::{Action, Event, EventDraft, Outcome};
use schemas::access::{Portal, Role};
use schemas::{Edrpou, PersonId, ProblemCode, SessionId};

use super::{Entered, Session, rows};
use crate::actor::Actor;
use crate::decide::{EndSessions, Permit};
use crate::login::may_act_for;
use crate::portal::{Portals, Refused};

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Its person said so.
    Logout,
    /// Who keeps the directory said so.
    Operator,
    /// A security officer said so.
    SecurityOfficer,
    /// Its person has a newer one, and as many as they may.
    Displaced,
    /// Its person was taken out of the directory.
    PersonRemoved,
    /// Its certificate is revoked.
    CertificateRevoked,
    /// Its certificate has expired, or leads to no authority that is believed now.
    CertificateNotReliable,
    /// The configuration offers its provider no more.
    ProviderWithdrawn,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Operator => "operator",
            Self::SecurityOfficer => "security_officer",
            Self::Displaced => "displaced",
            Self::PersonRemoved => "person_removed",
            Self::CertificateRevoked => "certificate_revoked",
            Self::CertificateNotReliable => "certificate_not_reliable",
            Self::ProviderWithdrawn => "provider_withdrawn",
        }
    }
}

impl Portals {
    /// The person is done.
    ///
    /// # Errors
    /// `SessionEnded` where it was over already; where nothing can be stored.
    pub async fn log_out(&self, entered: &Entered) -> Result<(), Refused> {
        let by = format!("person:{}", entered.session.person);
        let ended = self.end(&entered.session, Reason::Logout, &by).await?;
        ended.then_some(()).ok_or_else(|| ProblemCode::SessionEnded.into())
    }

    /// Ends all sessions of a person, at both portals; answers how many. By an operator or a security officer, as the log says.
    ///
    /// # Errors
    /// Where nothing can be stored.
    pub async fn end_all(&self, permit: Permit<EndSessions>, person: PersonId) -> Result<u32, Refused> {
        let now = self.inner.clock.now();
        let all = self.inner.ledger.reader().read("sessions_of_person", move |tx| rows::all_of(tx, person)).await?;
        let (actor, reason) = (permit.actor().pseudonym(), reason_of(permit.actor()));
        let events: Vec<_> = all.iter().map(|id| (*id, self.end_event(*id, reason, &actor))).collect();
        let deed = self.inner.ledger.prepare(EventDraft {
            action: Action::EndSession,
            actor,
            object: Some(format!("person:{person}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "sessions": all }),
        });
        let done = self.inner.ledger.transact("end_sessions", move |tx| {
            let mut ended = 0;
            for (id, event) in &events {
                if rows::end(tx, *id, now, reason.as_str())? {
                    audit::append(tx, event)?;
                    ended += 1;
                }
            }
            Ok::<_, Refused>(audit::append(tx, &deed)?.with(ended))
        });
        let ended = done.await?;
        self.inner.sessions.forget_person(person);
        Ok(ended)
    }

    /// From now on the session acts in the name of another participant, or of nobody.
    ///
    /// # Errors
    /// `ActionForbidden` where its person may not; `SessionEnded`.
    pub async fn act_for(&self, entered: &Entered, participant: Option<Edrpou>) -> Result<Entered, Refused> {
        let session = &entered.session;
        let organisation = session.organisation();
        let may = participant.is_none_or(|participant| may_act_for(participant, organisation, &entered.entrusted));
        if !may || session.portal == Portal::External {
            return Err(ProblemCode::ActionForbidden.into());
        }
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::ActFor,
            actor: format!("person:{}", session.person),
            object: Some(format!("session:{}", session.id)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "acting_for": participant }),
        });
        let id = session.id;
        let done = self.inner.ledger.transact("act_for", move |tx| {
            if !rows::act_for(tx, id, participant)? {
                return Err(Refused::from(ProblemCode::SessionEnded));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        self.inner.sessions.forget(&session.secret_sha256);
        let session = Arc::new(Session { acting_for: participant, ..(**session).clone() });
        Ok(Entered { session, entrusted: entered.entrusted.clone(), at: entered.at })
    }

    /// Whether it was this call that ended it.
    pub(super) async fn end(&self, session: &Session, reason: Reason, by: &str) -> Result<bool, Refused> {
        let (id, now, event) = (session.id, self.inner.clock.now(), self.end_event(session.id, reason, by));
        let done = self.inner.ledger.transact("end_session", move |tx| {
            // Ended by another meanwhile: then its row in the log is there too, and nothing is to be written.
            if !rows::end(tx, id, now, reason.as_str())? {
                return Err(Refused::from(ProblemCode::SessionEnded));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        let done = done.await.map_err(Refused::from);
        self.inner.sessions.forget(&session.secret_sha256);
        match done {
            Ok(()) => Ok(true),
            Err(Refused { code: ProblemCode::SessionEnded, .. }) => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    pub(super) fn end_event(&self, session: SessionId, reason: Reason, by: &str) -> Event {
        self.inner.ledger.prepare(EventDraft {
            action: Action::EndSession,
            actor: by.to_owned(),
            object: Some(format!("session:{session}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "reason": reason.as_str() }),
        })
    }
}

fn reason_of(actor: &Actor) -> Reason {
    match actor {
        Actor::Person(person) if person.roles.contains(Role::SecurityOfficer) => Reason::SecurityOfficer,
        _ => Reason::Operator,
    }
}
