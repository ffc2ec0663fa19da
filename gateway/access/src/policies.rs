//! The policy set: parsed and validated once, asked for every request.

mod bundle;
mod files;
mod in_force;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicyId, PolicySet, PrincipalConstraint, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use schemas::ProblemCode;
use schemas::access::{Role, Roles};

use crate::actor::{Actor, Person};
use crate::decide::{ACTIONS, Denied};
use crate::describe::Description;
pub use bundle::{Bundle, BundleError, PolicyKeeper, SignedPolicies, distinct_persons};
pub use files::{PolicyFiles, UnreadableFiles};

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
    Copy,
    Application,
    BreakGlass,
}

impl Kind {
    fn type_name(self) -> &'static EntityTypeName {
        static NAMES: std::sync::LazyLock<[EntityTypeName; 12]> = std::sync::LazyLock::new(|| {
            [
                "Node",
                "Participant",
                "Operator",
                "Peer",
                "Person",
                "Role",
                "Mailbox",
                "Message",
                "Case",
                "Copy",
                "Application",
                "BreakGlass",
            ]
            .map(type_name)
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

/// Who can ask, in the order of [`Rules::asked_by`].
const PRINCIPALS: [Kind; 4] = [Kind::Participant, Kind::Operator, Kind::Peer, Kind::Person];

/// The policies, ready to be asked. Nothing in it changes after construction.
pub(crate) struct Policies {
    /// For requests in builds with assertions, see [`Self::request`].
    schema: Option<Schema>,
    authorizer: Authorizer,
    actions: HashMap<&'static str, Rules>,
    version: Arc<str>,
    count: usize,
}

/// What is asked about one action: Cedar evaluates every policy of a set, so each kind of principal has a set of its own with those policies
/// whose scopes can be meant.
struct Rules {
    action: EntityUid,
    asked_by: [PolicySet; PRINCIPALS.len()],
}

impl Policies {
    /// The policies that this binary carries.
    pub(crate) fn built_in(actions: &[&'static str]) -> Result<Self, PolicyError> {
        Self::new(&PolicyFiles::shipped(), actions)
    }

    /// Parses, names and validates. Strict: what might fail while it is evaluated is refused here, and a policy that speaks of an attribute,
    /// type or action which the schema does not have is a mistake, and would silently never apply.
    pub(crate) fn new(files: &PolicyFiles, actions: &[&'static str]) -> Result<Self, PolicyError> {
        let (schema, warnings) = Schema::from_cedarschema_str(files.schema())
            .map_err(|error| PolicyError::new("vuzol.cedarschema", error))?;
        if let Some(warning) = warnings.into_iter().next() {
            return Err(PolicyError::new("vuzol.cedarschema", warning));
        }
        if schema.action_groups().next().is_some() {
            return Err(PolicyError::new(
                "vuzol.cedarschema",
                "groups of actions, by which a policy could reach further than its scope says",
            ));
        }
        let set = named_policies(files)?;
        let verdict = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        if !verdict.validation_passed_without_warnings() {
            return Err(PolicyError::new("validation", verdict));
        }
        let actions = actions.iter().map(|name| Ok((*name, Rules::of(action(name, &schema)?, &set, &schema)?)));
        let actions = actions.collect::<Result<_, _>>()?;
        let schema = cfg!(debug_assertions).then_some(schema);
        let (authorizer, version, count) = (Authorizer::new(), files.version().into(), set.policies().count());
        Ok(Self { schema, authorizer, actions, version, count })
    }

    /// How many policies there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// SHA-256 of what was read, the first 16 hexadecimal digits.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.version
    }

    /// Decides one request. An error while a policy is evaluated denies: Cedar would skip the policy, and a skipped
    /// forbid is a permit.
    pub(crate) fn decide(&self, actor: &Actor, action: &str, description: Description) -> Result<(), Denied> {
        let refusal = description.refusal;
        let denied = |code, policies| Denied { code, policies, version: Arc::clone(&self.version) };
        let rules = self.actions.get(action);
        let asked = rules.and_then(|rules| Some((rules, self.request(actor, rules.action.clone(), description)?)));
        let Some((rules, (request, entities))) = asked else {
            tracing::error!(action, "an action that the policies cannot be asked about");
            return Err(denied(ProblemCode::Internal, Vec::new()));
        };
        let response = self.authorizer.is_authorized(&request, rules.asked_by(actor), &entities);
        let diagnostics = response.diagnostics();
        if let Some(error) = diagnostics.errors().next() {
            tracing::error!(action, %error, "a policy cannot be evaluated");
            return Err(denied(ProblemCode::Internal, Vec::new()));
        }
        if response.decision() == Decision::Allow {
            return Ok(());
        }
        let mut policies: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        policies.sort();
        Err(denied(refusal, policies))
    }

    /// The request and the entities that it needs, from typed values: building them from JSON costs ten decisions.
    ///
    /// That they fit the schema is code's doing, not the caller's: builds with assertions check it for every request, and the matrix of
    /// decisions makes one of each kind. What would not fit in other builds is an attribute that a policy does not find, and so a denial.
    fn request(&self, actor: &Actor, action: EntityUid, description: Description) -> Option<(Request, Entities)> {
        let Description { kind, name, attributes, context, .. } = description;
        let made = (|| {
            let (principal, below) = principal(actor)?;
            let resource = uid(kind, &name);
            // Without attributes there is nothing to be looked up: its name is in the request.
            let described = (!attributes.is_empty()).then(|| {
                let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                Entity::new(resource.clone(), attributes, HashSet::new()).map_err(|e| e.to_string())
            });
            let entities = below.into_iter().chain(described.transpose()?);
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

impl PolicyFiles {
    /// Checks them as a node does before it decides by them.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn check(&self) -> Result<(), PolicyError> {
        Policies::new(self, ACTIONS).map(drop)
    }
}

impl Rules {
    fn of(action: EntityUid, all: &PolicySet, schema: &Schema) -> Result<Self, PolicyError> {
        let mut asked_by = std::array::from_fn(|_| PolicySet::new());
        for (set, kind) in asked_by.iter_mut().zip(PRINCIPALS) {
            for policy in all.policies().filter(|policy| concerns(policy, &action) && can_mean(policy, kind, schema)) {
                set.add(policy.clone()).map_err(|error| PolicyError::new("of one action", error))?;
            }
        }
        Ok(Self { action, asked_by })
    }

    fn asked_by(&self, actor: &Actor) -> &PolicySet {
        let [participant, operator, peer, person] = &self.asked_by;
        match actor {
            Actor::Participant { .. } | Actor::Token { .. } => participant,
            Actor::Operator { .. } => operator,
            Actor::Peer { .. } => peer,
            Actor::Person(_) => person,
        }
    }
}

/// Who asks, and the entity that says what they are below, if they are below anything.
fn principal(actor: &Actor) -> Result<(EntityUid, Option<Entity>), String> {
    let entity = |of: EntityUid, attributes, above| {
        let made = Entity::new(of.clone(), attributes, above).map_err(|e| e.to_string());
        made.map(|entity| (of, Some(entity)))
    };
    match actor {
        Actor::Participant { edrpou, .. } | Actor::Token { edrpou, .. } => {
            Ok((uid(Kind::Participant, edrpou.as_str()), None))
        }
        Actor::Peer { name, .. } => Ok((uid(Kind::Peer, name), None)),
        Actor::Operator { .. } => {
            let role = uid(Kind::Role, Role::NodeOperator.as_str());
            entity(uid(Kind::Operator, &actor.pseudonym()), HashMap::new(), HashSet::from([role]))
        }
        Actor::Person(person) => {
            let (roles, acting_for) = standing(person);
            let roles = roles.iter().map(|role| uid(Kind::Role, role.as_str()));
            let acting_for = acting_for.map(|participant| uid(Kind::Participant, participant.as_str()));
            let facts = [("stepped_up", person.stepped_up), ("certified", person.certificate.is_some())];
            let facts = facts.map(|(name, fact)| (name.to_owned(), RestrictedExpression::new_bool(fact)));
            let of = uid(Kind::Person, &person.id.to_string());
            entity(of, HashMap::from(facts), roles.chain(acting_for).collect())
        }
    }
}

/// The roles that count, and the participant that they are within.
///
/// Whoever is at the external portal is an applicant and nothing else: what they are entrusted with inside stays there, so that neither a
/// session of the one portal is worth anything at the other, nor is an auditor kept from applying for a service like anybody. And a role
/// within a participant is none where nobody acts for one.
fn standing(person: &Person) -> (Roles, Option<schemas::Edrpou>) {
    if person.roles.contains(Role::Applicant) {
        return (Roles::NONE.with(Role::Applicant), None);
    }
    match person.acting_for {
        Some(_) => (person.roles, person.acting_for),
        None => (person.roles.iter().filter(|role| role.is_of_node()).collect(), None),
    }
}

fn named_policies(files: &PolicyFiles) -> Result<PolicySet, PolicyError> {
    let mut set = PolicySet::new();
    for (file, text) in files.policies() {
        let parsed: PolicySet = text.parse().map_err(|error| PolicyError::new(file, error))?;
        if parsed.templates().next().is_some() {
            return Err(PolicyError::new(file, "a template, which nothing would ever fill in"));
        }
        for policy in parsed.policies() {
            let name = policy.annotation("id").ok_or_else(|| PolicyError::new(file, "a policy without an @id"))?;
            let named = policy.new_id(PolicyId::new(name));
            set.add(named).map_err(|error| PolicyError::new(file, error))?;
        }
    }
    Ok(set)
}

/// Whether the scope has the action. The schema has no groups of actions, so a name in a scope is an action's own.
fn concerns(policy: &Policy, action: &EntityUid) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::In(actions) => actions.contains(action),
        ActionConstraint::Eq(named) => named == *action,
    }
}

/// Whether the scope can be true of a principal of this kind, by the types alone.
fn can_mean(policy: &Policy, kind: Kind, schema: &Schema) -> bool {
    let kind = kind.type_name();
    let is = |named: &EntityTypeName| named == kind;
    let is_below = |uid: &EntityUid| {
        is(uid.type_name())
            || schema.ancestors(kind).is_some_and(|mut above| above.any(|above| above == uid.type_name()))
    };
    match policy.principal_constraint() {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Is(named) => is(&named),
        PrincipalConstraint::Eq(uid) => is(uid.type_name()),
        PrincipalConstraint::In(uid) => is_below(&uid),
        PrincipalConstraint::IsIn(named, uid) => is(&named) && is_below(&uid),
    }
}

fn action(name: &str, schema: &Schema) -> Result<EntityUid, PolicyError> {
    let action = EntityUid::from_type_name_and_id(type_name("Action"), EntityId::new(name));
    let known = schema.actions().any(|known| *known == action);
    known.then_some(action).ok_or_else(|| PolicyError::new("vuzol.cedarschema", format!("no action {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Kind::Copy,
            Kind::Application,
            Kind::BreakGlass,
        ] {
            assert_eq!(kind.type_name().to_string(), format!("Vuzol::{kind:?}"));
        }
    }

    fn refused(policy: &str) -> String {
        let files = PolicyFiles::new(PolicyFiles::shipped().schema(), [("test.cedar", policy)]).unwrap();
        match Policies::new(&files, ACTIONS) {
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
        let error = refused(r#"@id("x") permit (principal in Vuzol::Role::"head_of_agencies", action, resource);"#);
        assert!(error.contains("head_of_agencies"), "{error}");
        let error = refused(r#"@id("x") permit (principal == ?principal, action, resource);"#);
        assert!(error.contains("template"), "{error}");
        let error = refused("permit (principal");
        assert!(error.starts_with("access policies: test.cedar"), "{error}");
    }

    #[test]
    fn the_schema_names_every_role_and_no_other() {
        let shipped = PolicyFiles::shipped();
        let (_, from) = shipped.schema().split_once("entity Role enum [").unwrap();
        let (names, _) = from.split_once(']').unwrap();
        let names: Vec<_> = names.split(',').map(|name| name.trim().trim_matches('"')).collect();
        assert_eq!(names, Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn a_set_for_a_kind_of_principal_leaves_out_only_what_cannot_be_meant() {
        let text = r#"
            @id("any") permit (principal, action, resource);
            @id("systems") permit (principal is Vuzol::Participant, action, resource);
            @id("role") permit (principal in Vuzol::Role::"auditor", action, resource);
            @id("people") permit (principal is Vuzol::Person in Vuzol::Role::"auditor", action, resource);
            @id("of") permit (principal in Vuzol::Participant::"00000001", action, resource);
            @id("one") permit (principal == Vuzol::Peer::"peer.example", action, resource);
        "#;
        let files = PolicyFiles::new(PolicyFiles::shipped().schema(), [("test.cedar", text)]).unwrap();
        let policies = Policies::new(&files, &["read_log"]).unwrap();
        let names = |set: &PolicySet| {
            let mut names: Vec<_> = set.policies().map(|policy| policy.id().to_string()).collect();
            names.sort();
            names.join(" ")
        };
        let found = policies.actions["read_log"].asked_by.each_ref().map(names);
        assert_eq!(found, ["any of systems", "any role", "any one", "any of people role"]);
    }
}
