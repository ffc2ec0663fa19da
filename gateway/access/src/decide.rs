//! Decisions: an actor, an action, a resource -> [`Permit`], by the policies in `gateway/access/policies`.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use certs::revocation::RevocationSource;
use certs::trust::{Purpose, TrustSource};
use schemas::access::Role;
use schemas::peer::PeerName;
use schemas::trust::CertificateDigest;
use schemas::{Addressee, CaseId, DocumentKind, Edrpou, MailboxId, MessageId, PersonId, ProblemCode, ServiceName};
use storage::{Clock, StoreError};

use crate::actor::{Actor, Person};
use crate::consent::break_glass::{GlassResource, OpeningResource};
use crate::consent::{ApplicationResource, AttachmentResource, CopyResource, LookResource};
use crate::describe::{self, Description, Facts};
use crate::peers::Peers;
use crate::policies::{Policies, PolicyError, PolicyFiles};
use crate::registry::Registry;
use crate::standing::Standings;

mod sealed {
    /// Actions are made in this crate only.
    pub trait Sealed {}
}

/// An action with what it is about. Sealed: a new action needs its line in `actions!`, its place in the policy schema and
/// its row in the role x action matrix.
pub trait Action: sealed::Sealed + Send + Sync + 'static {
    /// The name in policies and in [`ACTIONS`].
    const NAME: &'static str;
    /// What the action is about.
    type Resource: Clone + Send + Sync + 'static;
    /// The request in the words of the policies, and the code of its denial.
    #[doc(hidden)]
    fn describe(actor: &Actor, resource: &Self::Resource, facts: &Facts<'_>) -> Description;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident($resource:ty) = $text:literal as $describe:path;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $name;
            impl sealed::Sealed for $name {}
            impl Action for $name {
                const NAME: &'static str = $text;
                type Resource = $resource;
                fn describe(actor: &Actor, resource: &$resource, facts: &Facts<'_>) -> Description {
                    $describe(actor, resource, facts)
                }
            }
        )*
        /// Every action by name. The golden role x action matrix walks it.
        pub const ACTIONS: &[&str] = &[$($text),*];
    };
}

/// What a submission is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionResource {
    /// The sender that the envelope names.
    pub sender: Edrpou,
    /// The mailbox that it is to arrive in.
    pub recipient: MailboxId,
    /// The kind of document.
    pub kind: DocumentKind,
}

/// A message on its way from another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayResource {
    /// The message.
    pub message: MessageId,
    /// Who sent it.
    pub sender: Edrpou,
    /// The mailbox that it is to arrive in.
    pub recipient: MailboxId,
}

/// Who takes part in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageResource {
    /// The message.
    pub message: MessageId,
    /// Who sent it.
    pub sender: Edrpou,
    /// Where it goes.
    pub recipient: MailboxId,
}

/// A role, given or taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantResource {
    /// Whose.
    pub person: PersonId,
    /// Which.
    pub role: Role,
    /// Within which participant; none: for the node.
    pub participant: Option<Edrpou>,
}

/// Who takes part in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseResource {
    /// The case.
    pub case: CaseId,
    /// Its participants.
    pub participants: Vec<Edrpou>,
}

actions! {
    /// Hand in a document for a mailbox.
    SubmitDocument(SubmissionResource) = "submit_document" as describe::submission;
    /// Upload, read, send or give up a submission that one announced.
    CompleteSubmission(MessageResource) = "complete_submission" as describe::own_announcement;
    /// See what a participant handed in, and what became of it.
    ListSubmissions(Edrpou) = "list_submissions" as describe::own_submissions;
    /// See what lies in a mailbox.
    ListMailbox(MailboxId) = "list_mailbox" as describe::own_mailbox;
    /// Take messages of a mailbox for a while.
    LeaseMessages(MailboxId) = "lease_messages" as describe::own_mailbox;
    /// Say where notices of a mailbox are posted, or take it back.
    SetSubscription(MailboxId) = "set_subscription" as describe::own_mailbox;
    /// Read where they are posted, and what could not be.
    ReadSubscription(MailboxId) = "read_subscription" as describe::own_mailbox;
    /// Read how a message stands.
    ReadMessage(MessageResource) = "read_message" as describe::message;
    /// Fetch a sealed part of a message.
    DownloadPart(MessageResource) = "download_part" as describe::message;
    /// Accept or refuse a message.
    AcknowledgeMessage(MessageResource) = "acknowledge_message" as describe::message;
    /// Bring a message from another node.
    RelayMessage(RelayResource) = "relay_message" as describe::relayed;
    /// Say what became of a message at another node.
    RelayEvidence(MessageResource) = "relay_evidence" as describe::relayed_evidence;
    /// Read the events and the evidence of a case.
    ReadCase(CaseResource) = "read_case" as describe::case;
    /// Take a case away, with its evidence and proofs.
    ExportCase(CaseResource) = "export_case" as describe::case;
    /// Read who takes part in the exchange.
    ReadParticipants(()) = "read_participants" as describe::node;
    /// Enter a participant into the registry, or change its entry.
    RegisterParticipant(Edrpou) = "register_participant" as describe::registered_participant;
    /// Open, change or close a channel to a mailbox.
    SetChannel(MailboxId) = "set_channel" as describe::registered_mailbox;
    /// Say who performs a service in an area, or take it back.
    SetAddress(ServiceName) = "set_address" as describe::service;
    /// Read who performs a service in an area.
    ResolveAddress(()) = "resolve_address" as describe::node;
    /// Stop everybody from sending to a participant or a mailbox, or let them again.
    SetSuspension(Addressee) = "set_suspension" as describe::addressee;
    /// Ask whether a document could be sent.
    CheckDelivery(()) = "check_delivery" as describe::node;
    /// Read what does not go on by itself.
    ReadQuarantine(()) = "read_quarantine" as describe::node;
    /// Have a message in quarantine delivered again. Takes two who may.
    RetryMessage(MessageId) = "retry_message" as describe::quarantined;
    /// Read what is due for disposal, legal holds and disposal acts.
    ReadRetention(()) = "read_retention" as describe::node;
    /// Forbid that a message or a case is erased, or lift it.
    SetHold(()) = "set_hold" as describe::node;
    /// Have a disposal act drawn up, hand in its signatures, take it back. That it is carried out takes two members of the
    /// commission.
    DisposeMessages(()) = "dispose_messages" as describe::node;
    /// See the people of a participant, or of the node, and their roles.
    ReadPeople(Option<Edrpou>) = "read_people" as describe::people;
    /// Enter a person into the directory, or take them out of it.
    RegisterPerson(()) = "register_person" as describe::node;
    /// Entrust a role to a person.
    GrantRole(GrantResource) = "grant_role" as describe::grant;
    /// Take a role back from a person.
    RevokeRole(GrantResource) = "revoke_role" as describe::grant;
    /// Enter participants, people and roles in bulk.
    ImportDirectory(()) = "import_directory" as describe::node;
    /// Issue an API token to a participant's systems.
    IssueToken(Edrpou) = "issue_token" as describe::registered_participant;
    /// See which tokens a participant's systems have.
    ReadTokens(Edrpou) = "read_tokens" as describe::registered_participant;
    /// Take such a token back.
    RevokeToken(Edrpou) = "revoke_token" as describe::registered_participant;
    /// End all sessions of a person.
    EndSessions(()) = "end_sessions" as describe::node;
    /// Keep a copy of a document at the node.
    StoreCopy(()) = "store_copy" as describe::node;
    /// Read one's own copy.
    ReadCopy(CopyResource) = "read_copy" as describe::copy;
    /// Have one's own copy erased.
    EraseCopy(CopyResource) = "erase_copy" as describe::copy;
    /// See which copies one keeps, and what one applied for.
    ReadOwnFile(PersonId) = "read_own_file" as describe::own_file;
    /// See who looked at what is one's own, and why.
    ListLooks(PersonId) = "list_looks" as describe::own_file;
    /// Apply for a service of a centre.
    ApplyForService(Edrpou) = "apply_for_service" as describe::applying;
    /// Attach a copy to an application, or detach it.
    AttachCopy(AttachmentResource) = "attach_copy" as describe::attaching;
    /// Withdraw one's own application.
    WithdrawApplication(ApplicationResource) = "withdraw_application" as describe::application;
    /// Close an application: the centre has done what was applied for, or will not.
    CloseApplication(ApplicationResource) = "close_application" as describe::application;
    /// See an application and which copies are attached to it; not the copies.
    ReadApplication(ApplicationResource) = "read_application" as describe::application;
    /// See the applications that were made at a centre.
    ListApplications(Edrpou) = "list_applications" as describe::registered_participant;
    /// Look at a copy that is attached to an application.
    LookAtCopy(LookResource) = "look_at_copy" as describe::look;
    /// Open break-glass access to an application or to a person's copies.
    OpenBreakGlass(OpeningResource) = "open_break_glass" as describe::opening;
    /// See under such access which copies it opens, and look at one.
    LookThroughGlass(GlassResource) = "look_through_glass" as describe::looking_through;
    /// End such access before its time.
    EndBreakGlass(GlassResource) = "end_break_glass" as describe::glass;
    /// State whether it was right to open it.
    ReviewBreakGlass(GlassResource) = "review_break_glass" as describe::reviewing;
    /// See who opened such access, and why: of a centre, or of the node.
    ReadBreakGlass(Option<Edrpou>) = "read_break_glass" as describe::people;
    /// Read the transparency log and its proofs.
    ReadLog(()) = "read_log" as describe::node;
    /// Search the log, and see what its entries commit to.
    SearchAudit(()) = "search_audit" as describe::node;
    /// Take a part of the log away.
    ExportAudit(()) = "export_audit" as describe::node;
    /// See which erasures of what the log holds about somebody are proposed.
    ReadErasures(()) = "read_erasures" as describe::node;
    /// Have what the log holds about somebody erased. Takes two who may.
    EraseDetails(()) = "erase_details" as describe::node;
    /// See what rules found in the log.
    ReadAlerts(()) = "read_alerts" as describe::node;
    /// Say that one has seen an alert.
    SeeAlert(()) = "see_alert" as describe::node;
    /// Read whom the node believes.
    ReadTrust(()) = "read_trust" as describe::node;
    /// State what a certificate is believed for, or take a statement back.
    SetTrust(CertificateDigest) = "set_trust" as describe::certificate;
    /// Read which other nodes there are, and what was stated of them.
    ReadPeers(()) = "read_peers" as describe::node;
    /// State what holds of another node, which takes two who may, or withdraw it.
    SetPeer(PeerName) = "set_peer" as describe::peer;
}

/// The actor may do `A` to the resource. Only [`Access::decide`] makes one.
#[derive(Debug, Clone)]
pub struct Permit<A: Action> {
    actor: Actor,
    resource: A::Resource,
}

impl<A: Action> Permit<A> {
    /// Who may.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// To what.
    #[must_use]
    pub fn resource(&self) -> &A::Resource {
        &self.resource
    }
}

/// The action is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct Denied {
    /// What the caller is told.
    pub code: ProblemCode,
    /// `@id`s of the policies that forbade it, sorted; empty where no policy permits it.
    pub policies: Vec<String>,
    /// Which set of policies was asked, see [`PolicyFiles::version`](crate::PolicyFiles::version); empty where none was.
    pub version: Arc<str>,
}

/// Identifies and decides. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    registry: Registry,
    pub(crate) policies: ArcSwap<Policies>,
    pub(crate) logins: Standings,
    /// Encryption certificates, of which is asked before something is sent.
    pub(crate) recipients: Standings,
    pub(crate) operators: BTreeSet<[u8; 32]>,
    /// Other nodes.
    peers: Peers,
}

impl Access {
    /// `operators`: SHA-256 of the operators' login certificates (DER); `peers`: other nodes.
    ///
    /// # Errors
    /// [`PolicyError`] when the built-in policies do not parse or do not fit their schema. The node must not start then.
    pub fn new(
        registry: Registry,
        trust: Arc<dyn TrustSource>,
        revocation: Arc<dyn RevocationSource>,
        clock: Arc<dyn Clock>,
        operators: BTreeSet<[u8; 32]>,
        peers: Peers,
    ) -> Result<Self, PolicyError> {
        let policies = ArcSwap::from_pointee(Policies::built_in(ACTIONS)?);
        let standings =
            |purpose| Standings::new(purpose, Arc::clone(&trust), Arc::clone(&revocation), Arc::clone(&clock));
        let (logins, recipients) = (standings(Purpose::TlsClient), standings(Purpose::Encryption));
        Ok(Self { inner: Arc::new(Inner { registry, policies, logins, recipients, operators, peers }) })
    }

    /// Decides; that a channel is open and the recipient takes what it carries is part of [`SubmitDocument`]. Asks memory only, except that the registry is read
    /// again once a second.
    ///
    /// # Errors
    /// [`Denied`] with the code for the caller; `StorageUnavailable` or `Overloaded` when the registry cannot be read.
    pub async fn decide<A: Action>(&self, actor: &Actor, resource: A::Resource) -> Result<Permit<A>, Denied> {
        within_scopes(actor, A::NAME)?;
        let snapshot = self.inner.registry.snapshot().await.map_err(|error| Denied::unreadable(&error))?;
        let facts = Facts { snapshot: &snapshot };
        let policies = self.inner.policies.load();
        let asked = |actor: &Actor| policies.decide(actor, A::NAME, A::describe(actor, &resource, &facts));
        match asked(actor) {
            Ok(()) => {
                by_certificate(actor, A::NAME, policies.version())?;
                Ok(Permit { actor: actor.clone(), resource })
            }
            Err(denied) => Err(denied.unless_signed(actor, asked)),
        }
    }

    /// Whether the actor's token serves the action at all; whoever has no token passes.
    ///
    /// To be asked before what the action is about is looked up: [`Self::decide`] asks it too, but only of what was found, and then the
    /// refusal would tell what exists from what does not.
    ///
    /// # Errors
    /// [`Denied`] with `TokenScope`.
    pub fn within_scopes<A: Action>(&self, actor: &Actor) -> Result<(), Denied> {
        within_scopes(actor, A::NAME)
    }

    /// Decides by other policies from now on; the next decision is the first. Those that cannot be used change nothing.
    ///
    /// What puts them there is responsible for knowing whose they are, and for the record of it.
    ///
    /// # Errors
    /// [`PolicyError`]: they do not parse, do not fit their schema, or their schema lacks an action.
    pub fn adopt_policies(&self, files: &PolicyFiles) -> Result<(), PolicyError> {
        self.inner.policies.store(Arc::new(Policies::new(files, ACTIONS)?));
        Ok(())
    }

    /// Which policies decide now, see [`PolicyFiles::version`].
    #[must_use]
    pub fn policy_version(&self) -> Arc<str> {
        Arc::clone(self.inner.policies.load().version())
    }

    /// Other nodes.
    #[must_use]
    pub fn peers(&self) -> &Peers {
        &self.inner.peers
    }

    /// Who takes part.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }
}

/// A token may do what it was issued for, and what the policies let its participant do of that. Here, where every permit is made.
fn within_scopes(actor: &Actor, action: &str) -> Result<(), Denied> {
    match actor {
        Actor::Token { scopes, .. } if !scopes.allows(action) => {
            let policies = vec!["tokens.scope".to_owned()];
            Err(Denied { code: ProblemCode::TokenScope, policies, version: Arc::default() })
        }
        _ => Ok(()),
    }
}

/// The evidence of these names the certificate of the login (`token::SCOPES` leaves them out for the same reason).
const NAMES_A_CERTIFICATE: [&str; 2] = ["submit_document", "acknowledge_message"];

/// Who came by way of an identity provider has shown no certificate that evidence could name. Asked after the policies: who may not do it
/// anyway is not told to come back with a certificate.
fn by_certificate(actor: &Actor, action: &str, version: &Arc<str>) -> Result<(), Denied> {
    match actor {
        Actor::Person(Person { certificate: None, .. }) if NAMES_A_CERTIFICATE.contains(&action) => {
            let (code, policies) = (ProblemCode::SessionWithoutCertificate, Vec::new());
            Err(Denied { code, policies, version: Arc::clone(version) })
        }
        _ => Ok(()),
    }
}

impl Denied {
    fn unreadable(error: &StoreError) -> Self {
        tracing::error!(%error, "the registry cannot be read");
        Self { code: unreadable(error), policies: Vec::new(), version: Arc::default() }
    }

    /// Where a signature of just now is all that is missing, the code says so, and a portal knows what to ask for.
    fn unless_signed(self, actor: &Actor, asked: impl Fn(&Actor) -> Result<(), Self>) -> Self {
        match actor {
            Actor::Person(person) if !person.stepped_up => {
                let signed = Actor::Person(Person { stepped_up: true, ..person.clone() });
                let code = if asked(&signed).is_ok() { ProblemCode::StepUpRequired } else { self.code };
                Self { code, ..self }
            }
            _ => self,
        }
    }
}

/// What a caller is told when the registry cannot be read.
pub(crate) fn unreadable(error: &StoreError) -> ProblemCode {
    match error {
        StoreError::Overloaded => ProblemCode::Overloaded,
        StoreError::Corrupt(_) | StoreError::Conflict => ProblemCode::Internal,
        StoreError::NoSpace => ProblemCode::NoSpace,
        StoreError::Database(_)
        | StoreError::UnknownSchema { .. }
        | StoreError::Objects(_)
        | StoreError::Closed
        | StoreError::OutcomeUnknown => ProblemCode::StorageUnavailable,
    }
}

#[cfg(test)]
mod matrix;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
