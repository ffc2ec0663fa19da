//! Break-glass access.

use cedar_policy::RestrictedExpression;
use schemas::ProblemCode;
use schemas::access::Role;

use super::applicants::person;
use super::{Description, Facts, is_insider, participant};
use crate::actor::Actor;
use crate::consent::break_glass::{GlassResource, OpeningResource};
use crate::policies::Kind;

/// They may know of every access, and of everybody to whom one could be opened.
fn watches(actor: &Actor) -> bool {
    matches!(actor, Actor::Person(person) if person.roles.contains(Role::SecurityOfficer))
}

fn is(actor: &Actor, id: schemas::PersonId) -> bool {
    matches!(actor, Actor::Person(person) if person.id == id)
}

/// Who has nothing to do with it is not told whether there is such a person or application.
pub(crate) fn opening(actor: &Actor, resource: &OpeningResource, _facts: &Facts<'_>) -> Description {
    let OpeningResource { subject, centres, .. } = resource;
    let concerned = watches(actor) || centres.iter().any(|centre| is_insider(actor, *centre));
    let refusal = match concerned {
        false => ProblemCode::NotFound,
        true if is(actor, *subject) => ProblemCode::BreakGlassOwn,
        true => ProblemCode::ActionForbidden,
    };
    let centres = RestrictedExpression::new_set(centres.iter().copied().map(participant));
    Description {
        kind: Kind::Person,
        name: subject.to_string(),
        attributes: Vec::new(),
        context: vec![("centres", centres)],
        refusal,
    }
}

pub(crate) fn glass(actor: &Actor, resource: &GlassResource, _facts: &Facts<'_>) -> Description {
    let GlassResource { id, opened_by, subject, centre, .. } = resource;
    let mut attributes = vec![("opener", person(*opened_by)), ("subject", person(*subject))];
    attributes.extend(centre.map(|centre| ("centre", participant(centre))));
    let knows = watches(actor) || is(actor, *opened_by);
    Description {
        kind: Kind::BreakGlass,
        name: id.to_string(),
        attributes,
        context: Vec::new(),
        refusal: if knows { ProblemCode::ActionForbidden } else { ProblemCode::NotFound },
    }
}

pub(crate) fn reviewing(actor: &Actor, resource: &GlassResource, facts: &Facts<'_>) -> Description {
    let described = glass(actor, resource, facts);
    let own = is(actor, resource.opened_by) || is(actor, resource.subject);
    let refusal = if watches(actor) && own { ProblemCode::BreakGlassOwn } else { described.refusal };
    Description { refusal, ..described }
}

/// Only who opened it learns that it is over, or that a copy is not among what it opens.
pub(crate) fn looking_through(actor: &Actor, resource: &GlassResource, facts: &Facts<'_>) -> Description {
    let described = glass(actor, resource, facts);
    let refusal = match is(actor, resource.opened_by) {
        true if !resource.open => ProblemCode::BreakGlassOver,
        true if !resource.covers => ProblemCode::NotFound,
        _ => described.refusal,
    };
    let truth = RestrictedExpression::new_bool;
    Description {
        context: vec![("open", truth(resource.open)), ("covers", truth(resource.covers))],
        refusal,
        ..described
    }
}
