//! What the policies see of a request, and which code a denial of it carries.
//!
//! Policies say yes or no. Which of "not found" and "forbidden" a refusal is, is decided here by the facts: what the actor
//! may not know of must look like what does not exist.

mod applicants;
mod break_glass;

use cedar_policy::RestrictedExpression;
use schemas::access::{Role, Roles};
use schemas::peer::PeerName;
use schemas::trust::CertificateDigest;
use schemas::{Addressee, Edrpou, MailboxId, MessageId, ProblemCode, ServiceName};

use crate::actor::Actor;
use crate::decide::{CaseResource, GrantResource, MessageResource, RelayResource, SubmissionResource};
use crate::policies::{Kind, uid};
use crate::registry::Snapshot;
pub(crate) use applicants::{application, applying, attaching, copy, look, own_file};
pub(crate) use break_glass::{glass, looking_through, opening, reviewing};

/// What the registry says while one request is decided. Made only by [`crate::Access`].
pub struct Facts<'a> {
    pub(crate) snapshot: &'a Snapshot,
}

/// A request in the words of the policies. Opaque outside this crate.
pub struct Description {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) attributes: Vec<(&'static str, RestrictedExpression)>,
    pub(crate) context: Vec<(&'static str, RestrictedExpression)>,
    /// What a denial is called.
    pub(crate) refusal: ProblemCode,
}

fn participant(edrpou: Edrpou) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid(Kind::Participant, edrpou.as_str()))
}

/// Whether the actor is the participant's own: its systems, and people with a role that sees its business. They may know that a thing of it
/// exists, whatever they may do to it.
fn is_insider(actor: &Actor, of: Edrpou) -> bool {
    const INSIDE: Roles = Roles::NONE
        .with(Role::CentreAdministrator)
        .with(Role::HeadOfCentre)
        .with(Role::AuthorisedRepresentative)
        .with(Role::HeadOfAgency);
    let inside = match actor {
        Actor::Participant { .. } | Actor::Token { .. } => true,
        Actor::Person(person) => person.roles.intersects(INSIDE),
        Actor::Peer { .. } | Actor::Operator { .. } => false,
    };
    inside && actor.participant() == Some(of)
}

/// What is told to somebody who may not do something to a thing of `owner`.
fn unless_insider(actor: &Actor, owner: Edrpou) -> ProblemCode {
    if is_insider(actor, owner) { ProblemCode::ActionForbidden } else { ProblemCode::NotFound }
}

fn mailbox_attributes(mailbox: &MailboxId, facts: &Facts<'_>) -> Vec<(&'static str, RestrictedExpression)> {
    vec![
        ("owner", participant(mailbox.participant())),
        ("exists", RestrictedExpression::new_bool(facts.snapshot.has_mailbox(mailbox))),
        ("suspended", RestrictedExpression::new_bool(facts.snapshot.is_suspended(mailbox))),
    ]
}

pub(crate) fn submission(actor: &Actor, resource: &SubmissionResource, facts: &Facts<'_>) -> Description {
    let SubmissionResource { sender, recipient, kind } = resource;
    let channel = facts.snapshot.channel_policy(*sender, recipient, kind).is_some();
    let taken = facts.snapshot.takes(recipient, kind);
    // Only who has a channel learns how the mailbox at its end stands.
    let refusal = match actor.participant() {
        None => ProblemCode::ActionForbidden,
        Some(edrpou) if edrpou != *sender => ProblemCode::SenderNotYou,
        Some(edrpou) if !is_insider(actor, edrpou) => ProblemCode::ActionForbidden,
        Some(_) if !facts.snapshot.has_mailbox(recipient) => ProblemCode::UnknownRecipient,
        Some(_) if !channel => ProblemCode::ChannelNotAllowed,
        Some(_) if !taken => ProblemCode::RecipientTakesOtherKinds,
        Some(_) if facts.snapshot.is_suspended(recipient) => ProblemCode::RecipientSuspended,
        Some(_) => ProblemCode::ActionForbidden,
    };
    Description {
        kind: Kind::Mailbox,
        name: recipient.to_string(),
        attributes: mailbox_attributes(recipient, facts),
        context: vec![
            ("sender", participant(*sender)),
            ("channel", RestrictedExpression::new_bool(channel)),
            ("taken", RestrictedExpression::new_bool(taken)),
        ],
        refusal,
    }
}

pub(crate) fn own_mailbox(actor: &Actor, mailbox: &MailboxId, facts: &Facts<'_>) -> Description {
    let exists = facts.snapshot.has_mailbox(mailbox);
    Description {
        kind: Kind::Mailbox,
        name: mailbox.to_string(),
        attributes: mailbox_attributes(mailbox, facts),
        context: Vec::new(),
        refusal: if exists { unless_insider(actor, mailbox.participant()) } else { ProblemCode::NotFound },
    }
}

pub(crate) fn registered_mailbox(actor: &Actor, mailbox: &MailboxId, facts: &Facts<'_>) -> Description {
    Description { refusal: ProblemCode::ActionForbidden, ..own_mailbox(actor, mailbox, facts) }
}

pub(crate) fn message(actor: &Actor, resource: &MessageResource, _facts: &Facts<'_>) -> Description {
    let (sender, recipient) = (resource.sender, resource.recipient.participant());
    let party = is_insider(actor, sender) || is_insider(actor, recipient);
    Description {
        kind: Kind::Message,
        name: resource.message.to_string(),
        attributes: vec![("sender", participant(sender)), ("recipient", participant(recipient))],
        context: Vec::new(),
        refusal: if party { ProblemCode::ActionForbidden } else { ProblemCode::NotFound },
    }
}

/// What was announced is its sender's alone: to the recipient it does not exist yet.
pub(crate) fn own_announcement(actor: &Actor, resource: &MessageResource, facts: &Facts<'_>) -> Description {
    Description { refusal: unless_insider(actor, resource.sender), ..message(actor, resource, facts) }
}

/// Whether the participant is one of the node that asks.
fn homed(actor: &Actor, participant: Edrpou, facts: &Facts<'_>) -> bool {
    actor.peer().is_some_and(|peer| facts.snapshot.home(participant) == Some(&**peer))
}

/// A peer is told nothing of mailboxes but whether it may bring something there.
pub(crate) fn relayed(actor: &Actor, resource: &RelayResource, facts: &Facts<'_>) -> Description {
    let RelayResource { sender, recipient, .. } = resource;
    let homed = homed(actor, *sender, facts);
    let here = facts.snapshot.home(recipient.participant()).is_none();
    Description {
        kind: Kind::Mailbox,
        name: recipient.to_string(),
        attributes: mailbox_attributes(recipient, facts),
        context: vec![("homed", RestrictedExpression::new_bool(homed)), ("here", RestrictedExpression::new_bool(here))],
        refusal: if homed { ProblemCode::UnknownRecipient } else { ProblemCode::ActionForbidden },
    }
}

pub(crate) fn relayed_evidence(actor: &Actor, resource: &MessageResource, facts: &Facts<'_>) -> Description {
    let homed = homed(actor, resource.recipient.participant(), facts);
    Description {
        context: vec![("homed", RestrictedExpression::new_bool(homed))],
        refusal: ProblemCode::NotFound,
        ..message(actor, resource, facts)
    }
}

pub(crate) fn case(actor: &Actor, resource: &CaseResource, _facts: &Facts<'_>) -> Description {
    let party = resource.participants.iter().any(|participant| is_insider(actor, *participant));
    let participants = RestrictedExpression::new_set(resource.participants.iter().copied().map(participant));
    Description {
        kind: Kind::Case,
        name: resource.case.to_string(),
        attributes: vec![("participants", participants)],
        context: Vec::new(),
        refusal: if party { ProblemCode::ActionForbidden } else { ProblemCode::NotFound },
    }
}

pub(crate) fn registered_participant(_actor: &Actor, edrpou: &Edrpou, _facts: &Facts<'_>) -> Description {
    Description {
        kind: Kind::Participant,
        name: edrpou.to_string(),
        attributes: Vec::new(),
        context: Vec::new(),
        refusal: ProblemCode::ActionForbidden,
    }
}

pub(crate) fn own_submissions(_actor: &Actor, edrpou: &Edrpou, facts: &Facts<'_>) -> Description {
    registered_participant(_actor, edrpou, facts)
}

/// Who performs a service concerns everyone alike, whichever service it is.
pub(crate) fn service(actor: &Actor, _service: &ServiceName, facts: &Facts<'_>) -> Description {
    node(actor, &(), facts)
}

/// So does to whom nothing can be sent.
pub(crate) fn addressee(actor: &Actor, _address: &Addressee, facts: &Facts<'_>) -> Description {
    node(actor, &(), facts)
}

/// What is in quarantine is the node's affair, whichever message it is.
pub(crate) fn quarantined(actor: &Actor, _message: &MessageId, facts: &Facts<'_>) -> Description {
    node(actor, &(), facts)
}

/// Whom the node believes concerns everyone alike, whichever certificate it is about.
pub(crate) fn certificate(actor: &Actor, _sha256: &CertificateDigest, facts: &Facts<'_>) -> Description {
    node(actor, &(), facts)
}

/// So does to whom documents leave the region, whichever node it is.
pub(crate) fn peer(actor: &Actor, _name: &PeerName, facts: &Facts<'_>) -> Description {
    node(actor, &(), facts)
}

/// A participant, or the node where none is named.
pub(crate) fn people(actor: &Actor, participant: &Option<Edrpou>, facts: &Facts<'_>) -> Description {
    match participant {
        Some(edrpou) => registered_participant(actor, edrpou, facts),
        None => node(actor, &(), facts),
    }
}

/// `own`: who acts is who gets or loses the role.
pub(crate) fn grant(actor: &Actor, resource: &GrantResource, facts: &Facts<'_>) -> Description {
    let own = matches!(actor, Actor::Person(person) if person.id == resource.person);
    let role = RestrictedExpression::new_entity_uid(uid(Kind::Role, resource.role.as_str()));
    Description {
        context: vec![("role", role), ("own", RestrictedExpression::new_bool(own))],
        ..people(actor, &resource.participant, facts)
    }
}

pub(crate) fn node(_actor: &Actor, _resource: &(), _facts: &Facts<'_>) -> Description {
    Description {
        kind: Kind::Node,
        name: "this".to_owned(),
        attributes: Vec::new(),
        context: Vec::new(),
        refusal: ProblemCode::ActionForbidden,
    }
}
