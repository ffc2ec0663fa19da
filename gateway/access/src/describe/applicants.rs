//! What people keep at the node, and what they applied for.

use cedar_policy::RestrictedExpression;
use schemas::access::Role;
use schemas::{Edrpou, PersonId, ProblemCode};

use super::{Description, Facts, is_insider, participant, registered_participant, unless_insider};
use crate::actor::Actor;
use crate::consent::{ApplicationResource, AttachmentResource, CopyResource, LookResource};
use crate::policies::{Kind, uid};

pub(super) fn person(id: PersonId) -> RestrictedExpression {
    RestrictedExpression::new_entity_uid(uid(Kind::Person, &id.to_string()))
}

/// A copy is there for its owner alone.
pub(crate) fn copy(_actor: &Actor, resource: &CopyResource, _facts: &Facts<'_>) -> Description {
    Description {
        kind: Kind::Copy,
        name: resource.copy.to_string(),
        attributes: vec![("owner", person(resource.owner))],
        context: Vec::new(),
        refusal: ProblemCode::NotFound,
    }
}

/// Whether somebody has a file here is nobody else's to know; who asks for their own where there are none knows of whom they ask.
pub(crate) fn own_file(actor: &Actor, of: &PersonId, _facts: &Facts<'_>) -> Description {
    let own = matches!(actor, Actor::Person(person) if person.id == *of);
    Description {
        kind: Kind::Person,
        name: of.to_string(),
        attributes: Vec::new(),
        context: Vec::new(),
        refusal: if own { ProblemCode::ActionForbidden } else { ProblemCode::NotFound },
    }
}

pub(crate) fn applying(actor: &Actor, centre: &Edrpou, facts: &Facts<'_>) -> Description {
    let registered = facts.snapshot.is_registered(*centre);
    // Whoever could not apply anywhere is not told which centres there are.
    let applies = matches!(actor, Actor::Person(person) if person.roles.contains(Role::Applicant));
    Description {
        context: vec![("registered", RestrictedExpression::new_bool(registered))],
        refusal: if applies && !registered { ProblemCode::NotFound } else { ProblemCode::ActionForbidden },
        ..registered_participant(actor, centre, facts)
    }
}

pub(crate) fn application(actor: &Actor, resource: &ApplicationResource, _facts: &Facts<'_>) -> Description {
    let own = matches!(actor, Actor::Person(person) if person.id == resource.applicant);
    Description {
        kind: Kind::Application,
        name: resource.application.to_string(),
        attributes: vec![("applicant", person(resource.applicant)), ("centre", participant(resource.centre))],
        context: Vec::new(),
        refusal: if own { ProblemCode::ActionForbidden } else { unless_insider(actor, resource.centre) },
    }
}

/// Another's copy is none.
pub(crate) fn attaching(actor: &Actor, resource: &AttachmentResource, facts: &Facts<'_>) -> Description {
    let own = matches!(actor, Actor::Person(person) if person.id == resource.owner);
    let described = application(actor, &resource.application, facts);
    Description {
        context: vec![("owner", person(resource.owner))],
        refusal: if own { described.refusal } else { ProblemCode::NotFound },
        ..described
    }
}

/// Only the centre at which the copy is attached learns that there was something, and why it is closed to it now.
pub(crate) fn look(actor: &Actor, resource: &LookResource, _facts: &Facts<'_>) -> Description {
    let truth = RestrictedExpression::new_bool;
    let visible = resource.is_open() || resource.is_kept();
    let refusal = match is_insider(actor, resource.centre()) && resource.is_attached() {
        false => ProblemCode::NotFound,
        true if !visible => ProblemCode::ApplicationEnded,
        true if resource.purpose().is_none() => ProblemCode::PurposeMissing,
        true => ProblemCode::ActionForbidden,
    };
    Description {
        kind: Kind::Copy,
        name: resource.copy().to_string(),
        attributes: vec![("owner", person(resource.owner()))],
        context: vec![
            ("centre", participant(resource.centre())),
            ("attached", truth(resource.is_attached())),
            ("open", truth(resource.is_open())),
            ("kept", truth(resource.is_kept())),
            ("purpose", truth(resource.purpose().is_some())),
        ],
        refusal,
    }
}
