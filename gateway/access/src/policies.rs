//! The policy set: parsed and validated once, asked for every request.

use std::collections::{HashMap, HashSet};
use std::fmt;

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use schemas::ProblemCode;

use crate::actor::{Actor, Person};
use crate::decide::Denied;
use crate::describe::Description;

const SCHEMA: &str = include_str!("../policies/vuzol.cedarschema");
const POLICIES: [(&str, &str); 4] = [
    ("participants.cedar", include_str!("../policies/participants.cedar")),
    ("operators.cedar", include_str!("../policies/operators.cedar")),
    ("peers.cedar", include_str!("../policies/peers.cedar")),
    ("people.cedar", include_str!("../policies/people.cedar")),
];

/// The policies cannot be used, so the node must not start. Says which file and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("access policies: {0}")]
pub struct PolicyError(String);

impl PolicyError {
    fn new(place: &str, reason: impl fmt::Display) -> Self {
        Self(format!("{place}: {reason}"))
    }
}

/// The entity types of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Node,
    Participant,
    Operator,
    Peer,
    Person,
    Role,
    Mailbox,
    Message,
    Case,
}

impl Kind {
    fn type_name(self) -> &'static EntityTypeName {
        static NAMES: std::sync::LazyLock<[EntityTypeName; 9]> = std::sync::LazyLock::new(|| {
            ["Node", "Participant", "Operator", "Peer", "Person", "Role", "Mailbox", "Message", "Case"].map(type_name)
        });
        &NAMES[self as usize]
    }
}

#[allow(clippy::expect_used, reason = "called with the identifiers of this file only; `policies_are_sound` runs it")]
fn type_name(name: &str) -> EntityTypeName {
    format!("Vuzol::{name}").parse().expect("an identifier after a namespace is an entity type name")
}

/// An entity's identifier.
pub(crate) fn uid(kind: Kind, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.type_name().clone(), EntityId::new(id))
}

/// The policies, ready to be asked. Nothing in it changes after construction.
pub(crate) struct Policies {
    /// For requests in builds with assertions, see [`Self::request`].
    schema: Option<Schema>,
    authorizer: Authorizer,
    actions: HashMap<&'static str, Rules>,
}

/// One action with the policies that can apply to it. Cedar asks every policy of a set, whatever its scope, and puts its condition
/// together anew each time: of some thirty policies five are about one action, and the other twenty-five made up most of what a
/// decision cost.
struct Rules {
    action: EntityUid,
    set: PolicySet,
}

impl Policies {
    /// The policies of this build.
    pub(crate) fn built_in(actions: &[&'static str]) -> Result<Self, PolicyError> {
        Self::new(SCHEMA, &POLICIES, actions)
    }

    /// Parses, names each policy by its `@id`, and validates strictly: a policy that speaks of an attribute, type or
    /// action which the schema does not have is a mistake, and would silently never apply.
    fn new(schema: &str, policies: &[(&str, &str)], actions: &[&'static str]) -> Result<Self, PolicyError> {
        let (schema, warnings) =
            Schema::from_cedarschema_str(schema).map_err(|error| PolicyError::new("vuzol.cedarschema", error))?;
        if let Some(warning) = warnings.into_iter().next() {
            return Err(PolicyError::new("vuzol.cedarschema", warning));
        }
        if schema.action_groups().next().is_some() {
            return Err(PolicyError::new(
                "vuzol.cedarschema",
                "groups of actions, by which a policy could reach further than its scope says",
            ));
        }
        let set = named_policies(policies)?;
        let verdict = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if !verdict.validation_passed_without_warnings() {
            return Err(PolicyError::new("validation", verdict));
        }
        let actions = actions.iter().map(|name| Ok((*name, rules(action(name, &schema)?, &set)?)));
        let actions = actions.collect::<Result<_, _>>()?;
        let schema = cfg!(debug_assertions).then_some(schema);
        Ok(Self { schema, authorizer: Authorizer::new(), actions })
    }

    /// Decides one request. An error while a policy is evaluated denies: Cedar would skip the policy, and a skipped
    /// forbid is a permit.
    pub(crate) fn decide(&self, actor: &Actor, action: &str, description: Description) -> Result<(), Denied> {
        let refusal = description.refusal;
        let rules = self.actions.get(action);
        let asked = rules.and_then(|rules| Some((rules, self.request(actor, rules.action.clone(), description)?)));
        let Some((Rules { set, .. }, (request, entities))) = asked else {
            tracing::error!(action, "an action that the policies cannot be asked about");
            return Err(Denied { code: ProblemCode::Internal, policies: Vec::new() });
        };
        let response = self.authorizer.is_authorized(&request, set, &entities);
        let diagnostics = response.diagnostics();
        if let Some(error) = diagnostics.errors().next() {
            tracing::error!(action, %error, "a policy cannot be evaluated");
            return Err(Denied { code: ProblemCode::Internal, policies: Vec::new() });
        }
        if response.decision() == Decision::Allow {
            return Ok(());
        }
        let mut policies: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        policies.sort();
        Err(Denied { code: refusal, policies })
    }

    /// The request and the one entity that it needs, from typed values: building them from JSON costs ten decisions.
    ///
    /// That they fit the schema is code's doing, not the caller's: builds with assertions check it for every request, and the matrix of
    /// decisions makes one of each kind. What would not fit in other builds is an attribute that a policy does not find, and so a denial.
    fn request(&self, actor: &Actor, action: EntityUid, description: Description) -> Option<(Request, Entities)> {
        let principal = match actor {
            Actor::Participant { edrpou, .. } | Actor::Token { edrpou, .. } => uid(Kind::Participant, edrpou.as_str()),
            Actor::Peer { name, .. } => uid(Kind::Peer, name),
            Actor::Operator { .. } => uid(Kind::Operator, &actor.pseudonym()),
            Actor::Person(person) => uid(Kind::Person, &person.id.to_string()),
        };
        let Description { kind, name, attributes, context, .. } = description;
        let resource = uid(kind, &name);
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let made = (|| {
            let entity = Entity::new(resource.clone(), attributes, HashSet::new()).map_err(|e| e.to_string())?;
            let person = match actor {
                Actor::Person(person) => Some(person_entity(person, principal.clone())?),
                Actor::Participant { .. } | Actor::Token { .. } | Actor::Peer { .. } | Actor::Operator { .. } => None,
            };
            let entities = person.into_iter().chain([entity]);
            let entities = Entities::from_entities(entities, self.schema.as_ref()).map_err(|e| e.to_string())?;
            let context = Context::from_pairs(context.into_iter().map(|(name, value)| (name.to_owned(), value)))
                .map_err(|e| e.to_string())?;
            let request = Request::new(principal, action, resource, context, self.schema.as_ref());
            let request = request.map_err(|e| e.to_string())?;
            Ok::<_, String>((request, entities))
        })();
        made.inspect_err(|error| tracing::error!(error, "a request does not fit the policy schema")).ok()
    }
}

/// A person: below each of their roles, with the participant in whose name they act.
fn person_entity(person: &Person, uid_of: EntityUid) -> Result<Entity, String> {
    let roles = person.roles.iter().map(|role| uid(Kind::Role, role.as_str())).collect();
    let acting_for = person.acting_for.map(|participant| {
        let participant = uid(Kind::Participant, participant.as_str());
        ("acting_for".to_owned(), RestrictedExpression::new_entity_uid(participant))
    });
    let stepped_up = ("stepped_up".to_owned(), RestrictedExpression::new_bool(person.stepped_up));
    let attributes = acting_for.into_iter().chain([stepped_up]).collect();
    Entity::new(uid_of, attributes, roles).map_err(|e| e.to_string())
}

fn named_policies(files: &[(&str, &str)]) -> Result<PolicySet, PolicyError> {
    let mut set = PolicySet::new();
    for (file, text) in files {
        let parsed: PolicySet = text.parse().map_err(|error| PolicyError::new(file, error))?;
        for policy in parsed.policies() {
            let name = policy.annotation("id").ok_or_else(|| PolicyError::new(file, "a policy without an @id"))?;
            let named = policy.new_id(PolicyId::new(name));
            set.add(named).map_err(|error| PolicyError::new(file, error))?;
        }
    }
    Ok(set)
}

/// The policies whose scope has the action. The schema has no groups of actions, so a name in a scope is an action's own.
fn rules(action: EntityUid, all: &PolicySet) -> Result<Rules, PolicyError> {
    let concerns = |constraint| match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::In(actions) => actions.contains(&action),
        ActionConstraint::Eq(named) => named == action,
    };
    let of_it = all.policies().filter(|policy| concerns(policy.action_constraint())).cloned();
    let set = PolicySet::from_policies(of_it).map_err(|error| PolicyError::new("of one action", error))?;
    Ok(Rules { action, set })
}

fn action(name: &str, schema: &Schema) -> Result<EntityUid, PolicyError> {
    let action = EntityUid::from_type_name_and_id(type_name("Action"), EntityId::new(name));
    let known = schema.actions().any(|known| *known == action);
    known.then_some(action).ok_or_else(|| PolicyError::new("vuzol.cedarschema", format!("no action {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::ACTIONS;

    #[test]
    fn policies_are_sound() {
        Policies::built_in(ACTIONS).unwrap();
        for kind in [
            Kind::Node,
            Kind::Participant,
            Kind::Operator,
            Kind::Peer,
            Kind::Person,
            Kind::Role,
            Kind::Mailbox,
            Kind::Message,
            Kind::Case,
        ] {
            assert_eq!(kind.type_name().to_string(), format!("Vuzol::{kind:?}"));
        }
    }

    fn refused(policy: &str) -> String {
        match Policies::new(SCHEMA, &[("test.cedar", policy)], ACTIONS) {
            Ok(_) => panic!("accepted: {policy}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_wrong_policy_set_is_refused_at_the_start() {
        let error = refused(r#"permit (principal, action, resource);"#);
        assert!(error.contains("without an @id"), "{error}");
        let error = refused(r#"@id("x") permit (principal, action, resource) when { resource.colour == "red" };"#);
        assert!(error.contains("colour"), "{error}");
        let error = refused(r#"@id("x") permit (principal, action == Vuzol::Action::"burn", resource);"#);
        assert!(error.contains("burn"), "{error}");
        let error =
            refused(r#"@id("x") forbid (principal, action, resource); @id("x") forbid (principal, action, resource);"#);
        assert!(error.contains('x'), "{error}");
        let error = refused("permit (principal");
        assert!(error.starts_with("access policies: test.cedar"), "{error}");
    }
}
