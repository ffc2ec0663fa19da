//! The public API and the operator port: TLS, bounds, identity, routes, problems, the OpenAPI document.
//!
//! A request's way: `server` (connection, TLS by `tls`) -> `pass` (number, login, `admission`, bounds; afterwards the audit row and
//! the problem of a refusal) -> a handler (extract, decide, call one service function, wrap). One file for each resource:
//! `submissions`, `announcements`, `mailboxes`, `subscriptions`, `messages`, `cases`, `participants`, `people`, `directory`,
//! `routing`, `quarantine`, `copies`, `applications`, `looks`, `break_glass`, `relay`, `peers`, `trust`, `sessions`, `openid`, `tokens`, `log`, `audit`; `log_door` is the log without a login. Nothing here
//! decides anything
//! about documents.

mod activity;
pub(crate) mod admission;
pub(crate) mod announcements;
pub(crate) mod applications;
pub(crate) mod audit;
pub(crate) mod body;
pub(crate) mod break_glass;
pub(crate) mod cases;
pub(crate) mod copies;
pub(crate) mod directory;
pub(crate) mod disposal;
pub(crate) mod extract;
pub(crate) mod identity;
pub(crate) mod kinds;
pub(crate) mod log;
pub(crate) mod log_door;
pub(crate) mod looks;
pub(crate) mod mailboxes;
pub(crate) mod messages;
pub(crate) mod multipart;
pub(crate) mod openapi;
pub(crate) mod openid;
pub(crate) mod operations;
pub(crate) mod operator;
pub(crate) mod participants;
pub(crate) mod pass;
pub(crate) mod peers;
pub(crate) mod people;
mod places;
pub(crate) mod portals;
pub(crate) mod problem;
pub(crate) mod quarantine;
pub(crate) mod relay;
mod retention;
pub(crate) mod routing;
pub(crate) mod server;
pub(crate) mod sessions;
pub(crate) mod strangers;
pub(crate) mod submissions;
pub(crate) mod subscriptions;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod trust;

use std::sync::Arc;

use ::audit::{Ledger, Log};
use access::consent::Consent;
use access::consent::break_glass::BreakGlasses;
use access::decide::Action;
use access::erasures::Erasures;
use access::people::People;
use access::portal::Portals;
use access::purpose::Purposes;
use access::token::Tokens;
use access::watch::Watch;
use access::{Access, Actor, Permit};
use axum::Router;
use bytes::Bytes;
use exchange::Exchange;
use storage::Clock;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::outbound::TrustKeeper;
use crate::outbound::relay::RelayClient;

/// What the handlers call, and what the door keeps for itself.
pub(crate) struct Door {
    /// Documents between participants.
    pub(crate) exchange: Exchange,
    /// Who is it, what may they do.
    pub(crate) access: Access,
    /// Who people are and what they are entrusted with.
    pub(crate) people: People,
    /// Logins and sessions of people, where there are portals.
    pub(crate) portals: Option<Portals>,
    /// Tokens of participants' systems.
    pub(crate) tokens: Tokens,
    /// What people keep at the node, what they applied for, and who looked at it.
    pub(crate) consent: Consent,
    /// Who saw what consent keeps from them, and why.
    pub(crate) break_glasses: BreakGlasses,
    /// What personal data may be looked at for.
    pub(crate) purposes: Purposes,
    /// What those who watch do with the log.
    pub(crate) watch: Watch,
    /// What two of them have erased beside it.
    pub(crate) erasures: Erasures,
    /// Whom the node believes.
    pub(crate) trust: TrustKeeper,
    /// The way to other nodes, to see whether a new one could be reached.
    pub(crate) relay: Arc<RelayClient>,
    /// The transparency log, to read.
    pub(crate) log: Log,
    /// For the rows of refusals.
    pub(crate) ledger: Ledger,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Largest document.
    pub(crate) document_bytes: u64,
    /// Bound on the rows that strangers cause.
    pub(crate) strangers: strangers::Strangers,
    /// What is taken on, and from whom.
    pub(crate) admission: admission::Admission,
    /// Meters of the operations.
    pub(crate) meters: operations::Meters,
    /// The OpenAPI document, serialised once.
    pub(crate) openapi: Bytes,
}

impl Door {
    /// Logins and sessions.
    ///
    /// # Errors
    /// `request.not_found` where the node has no portal.
    pub(crate) fn portals(&self) -> Result<&Portals, problem::Failure> {
        self.portals.as_ref().ok_or_else(|| schemas::ProblemCode::NotFound.into())
    }

    /// Decides about a thing that has to be looked up first. What is not there, and what the caller may not know of, are answered alike;
    /// which of the two a refusal is, `access` knows.
    ///
    /// # Errors
    /// `NotFound`; why it is denied; why it could not be looked up.
    pub(crate) async fn decide_on<A, E>(
        &self,
        actor: &Actor,
        found: impl Future<Output = Result<Option<A::Resource>, E>>,
    ) -> Result<Permit<A>, problem::Failure>
    where
        A: Action,
        problem::Failure: From<E>,
    {
        self.access.within_scopes::<A>(actor)?;
        let resource = found.await?.ok_or(schemas::ProblemCode::NotFound)?;
        Ok(self.access.decide::<A>(actor, resource).await?)
    }
}

/// Routes of the public API.
pub(crate) fn router(door: Arc<Door>) -> Router {
    let (routes, _) = described().split_for_parts();
    guarded(routes, door)
}

/// Routes behind the door: whatever they do, a request has a number, a login and, when it is refused, an audit row.
pub(crate) fn guarded(routes: Router<Arc<Door>>, door: Arc<Door>) -> Router {
    routes
        .layer(CatchPanicLayer::custom(pass::panicked))
        .layer(axum::middleware::from_fn_with_state(door.clone(), pass::pass))
        .with_state(door)
}

/// The routes with their description, from which the OpenAPI document is made.
fn described() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(submissions::submit, submissions::list))
        .routes(routes!(announcements::announce))
        .routes(routes!(announcements::read, announcements::withdraw))
        .routes(routes!(announcements::upload))
        .routes(routes!(announcements::send))
        .routes(routes!(mailboxes::list))
        .routes(routes!(mailboxes::lease))
        .routes(routes!(subscriptions::read, subscriptions::set, subscriptions::remove))
        .routes(routes!(messages::read))
        .routes(routes!(messages::download))
        .routes(routes!(messages::acknowledge))
        .routes(routes!(cases::events))
        .routes(routes!(cases::export))
        .routes(routes!(relay::offer))
        .routes(routes!(relay::part))
        .routes(routes!(relay::commit))
        .routes(routes!(relay::evidence))
        .routes(routes!(participants::list))
        .routes(routes!(participants::register))
        .routes(routes!(participants::set_channel))
        .routes(routes!(people::list, people::register))
        .routes(routes!(people::remove))
        .routes(routes!(people::grant))
        .routes(routes!(people::revoke))
        .routes(routes!(people::list_of_participant))
        .routes(routes!(directory::import))
        .routes(routes!(directory::undo))
        .routes(routes!(routing::resolve, routing::set, routing::remove))
        .routes(routes!(routing::suspend))
        .routes(routes!(routing::capabilities))
        .routes(routes!(quarantine::read))
        .routes(routes!(quarantine::retry))
        .routes(routes!(retention::due))
        .routes(routes!(retention::holds, retention::place))
        .routes(routes!(retention::lift))
        .routes(routes!(disposal::list, disposal::draw))
        .routes(routes!(disposal::read, disposal::withdraw))
        .routes(routes!(disposal::sign))
        .routes(routes!(copies::list, copies::store))
        .routes(routes!(copies::read, copies::erase))
        .routes(routes!(applications::list, applications::apply))
        .routes(routes!(applications::read))
        .routes(routes!(applications::withdraw))
        .routes(routes!(applications::close))
        .routes(routes!(applications::look, applications::attach, applications::detach))
        .routes(routes!(looks::list))
        .routes(routes!(break_glass::list, break_glass::open))
        .routes(routes!(break_glass::end))
        .routes(routes!(break_glass::review))
        .routes(routes!(break_glass::copies))
        .routes(routes!(break_glass::look))
        .routes(routes!(looks::purposes))
        .routes(routes!(trust::read))
        .routes(routes!(trust::set, trust::withdraw))
        .routes(routes!(peers::list))
        .routes(routes!(peers::set, peers::withdraw))
        .routes(routes!(peers::history))
        .routes(routes!(sessions::challenge))
        .routes(routes!(sessions::log_in))
        .routes(routes!(openid::start))
        .routes(routes!(openid::callback))
        .routes(routes!(sessions::read, sessions::log_out))
        .routes(routes!(sessions::act_for))
        .routes(routes!(sessions::step_up))
        .routes(routes!(sessions::end_all))
        .routes(routes!(tokens::list, tokens::issue))
        .routes(routes!(tokens::revoke))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::witnessed))
        .routes(routes!(log::anchor))
        .routes(routes!(log::tile))
        .routes(routes!(log::proof))
        .routes(routes!(audit::search))
        .routes(routes!(audit::export))
        .routes(routes!(audit::alerts))
        .routes(routes!(audit::see))
        .routes(routes!(audit::erasures, audit::erase))
        .routes(routes!(kinds::list))
        .routes(routes!(kinds::read))
        .routes(routes!(openapi::document))
}
