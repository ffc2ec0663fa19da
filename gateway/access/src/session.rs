//! Sessions of people at the portals. They are kept by the node: what a browser holds is 32 random octets, of which the node keeps the
//! SHA-256.
//!
//! | module | what it holds |
//! |---|---|
//! | [`open`] | a session begins, with an answered challenge or a provider's word; a deed is confirmed |
//! | `find` | the session of a request: lookups, limits, whether its certificate and its person are still good |
//! | `end` | a session ends before its time; in whose name it acts |
//! | `cache`, `rows` | what is remembered, what is stored |
//!
//! A session ends by logout, by an operator, by a newer one of the same person where there are too many, once its person is taken out of
//! the directory, and once its certificate is revoked or expired, or the provider that vouched for it is offered no more. It lapses when it was not used for a while, and after some hours in any
//! case. Every process of the node knows within seconds what another one ended.

pub(crate) mod cache;
mod end;
mod find;
pub mod open;
mod rows;

use std::sync::Arc;

use certs::certificate::Certificate;
use schemas::access::{Portal, Role, Roles};
use schemas::session::{Confirmation, Deed, Engagement, SessionView};
use schemas::{Edrpou, PersonId, SessionId};
use time::{Duration, OffsetDateTime};

use crate::actor::{Actor, Person};
use crate::login::may_act_for;
use crate::people::Entrusted;
use crate::portal::Portals;

/// How long a confirmation serves the deed that it names.
pub const CONFIRMED: Duration = Duration::minutes(5);

/// A session as it is stored. It was open when it was read.
#[derive(Debug, Clone)]
pub struct Session {
    id: SessionId,
    secret_sha256: [u8; 32],
    portal: Portal,
    person: PersonId,
    acting_for: Option<Edrpou>,
    login: LoginBy,
    opened_at: OffsetDateTime,
    ends_at: OffsetDateTime,
    confirmed: Option<(Deed, OffsetDateTime)>,
}

/// Who vouched for the person when the session was opened.
#[derive(Debug, Clone)]
pub(crate) enum LoginBy {
    /// The signer's certificate and those above it, without the anchor. Its revocation ends the session.
    Certificate(Arc<[Certificate]>),
    /// An identity provider. Nobody takes its word back, so such a session is shorter.
    Provider(Arc<ProviderLogin>),
}

/// What is kept of a provider's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderLogin {
    pub(crate) provider: String,
    /// A code of the person's name there, under a key of the node: the name may be one of their numbers.
    pub(crate) subject: [u8; 32],
    pub(crate) organisation: Option<Edrpou>,
    pub(crate) assurance: Option<String>,
}

impl Session {
    /// Its name in the log.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// At which portal.
    #[must_use]
    pub fn portal(&self) -> Portal {
        self.portal
    }

    /// Whose.
    #[must_use]
    pub fn person(&self) -> PersonId {
        self.person
    }

    fn certificate(&self) -> Option<&Certificate> {
        match &self.login {
            LoginBy::Certificate(chain) => chain.first(),
            LoginBy::Provider(_) => None,
        }
    }

    fn provider(&self) -> Option<&ProviderLogin> {
        match &self.login {
            LoginBy::Certificate(_) => None,
            LoginBy::Provider(login) => Some(login),
        }
    }

    /// The organisation that the certificate, or the provider, names.
    fn organisation(&self) -> Option<Edrpou> {
        match &self.login {
            LoginBy::Certificate(chain) => chain.first()?.edrpou()?.parse().ok(),
            LoginBy::Provider(login) => login.organisation,
        }
    }

    /// What is confirmed at `now`, and until when.
    fn confirmation(&self, now: OffsetDateTime) -> Option<Confirmation> {
        let (deed, at) = self.confirmed?;
        let until = at + CONFIRMED;
        (at..until).contains(&now).then_some(Confirmation { deed, until })
    }
}

/// A session that a request came in with, found good just now, with what its person is entrusted with.
#[derive(Debug, Clone)]
pub struct Entered {
    session: Arc<Session>,
    entrusted: Entrusted,
    at: OffsetDateTime,
}

impl Entered {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Who acts, for an operation of the API: what was confirmed counts for the operation of its name alone.
    #[must_use]
    pub fn actor(&self, operation: Option<&str>) -> Actor {
        let confirmed = self.session.confirmation(self.at).map(|confirmation| confirmation.deed.as_str());
        Actor::Person(Person {
            id: self.session.person,
            acting_for: self.acting_for(),
            roles: self.roles(),
            certificate: self.session.certificate().map(Certificate::fingerprint),
            stepped_up: confirmed.is_some() && confirmed == operation,
        })
    }

    /// Whom the session acts for, while its person is entrusted with a role there.
    fn acting_for(&self) -> Option<Edrpou> {
        let organisation = self.session.organisation();
        self.session.acting_for.filter(|edrpou| may_act_for(*edrpou, organisation, &self.entrusted))
    }

    /// At the portal of applicants everybody is one, and nothing else.
    fn roles(&self) -> Roles {
        if self.session.portal == Portal::External {
            return Roles::default().with(Role::Applicant);
        }
        let acting_for = self.acting_for();
        let within = self.entrusted.within.iter().filter(|(participant, _)| Some(*participant) == acting_for);
        self.entrusted.node.iter().chain(within.flat_map(|(_, roles)| roles.iter())).collect()
    }

    fn engagements(&self) -> Vec<Engagement> {
        if self.session.portal == Portal::External {
            return Vec::new();
        }
        let organisation = self.session.organisation();
        let within = self.entrusted.within.iter();
        within
            .filter(|(participant, _)| may_act_for(*participant, organisation, &self.entrusted))
            .map(|(participant, roles)| Engagement { participant: *participant, roles: roles.iter().collect() })
            .collect()
    }
}

impl Portals {
    /// A session as its person sees it.
    #[must_use]
    pub fn view(&self, entered: &Entered) -> SessionView {
        let session = &*entered.session;
        let idle = self.inner.limits.idle(session.portal);
        SessionView {
            session: session.id,
            portal: session.portal,
            person: session.person,
            acting_for: entered.acting_for(),
            roles: entered.roles().iter().collect(),
            engagements: entered.engagements(),
            provider: session.provider().map(|login| login.provider.clone()),
            opened_at: session.opened_at,
            ends_at: session.ends_at,
            idle_seconds: idle.whole_seconds().unsigned_abs(),
            confirmed: session.confirmation(entered.at),
            csrf_token: self.csrf_token(session),
        }
    }
}

#[cfg(test)]
mod tests;
