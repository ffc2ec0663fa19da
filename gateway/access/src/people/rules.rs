//! What holds of roles whatever the policies say: nothing here is configured, and nothing else decides it.

use schemas::access::Role::{
    self, Auditor, AuthorisedRepresentative, CentreAdministrator, HeadOfAgency, HeadOfCentre, NodeOperator,
    PostalOperator, RegisterOperator, SecurityOfficer,
};
use schemas::{Edrpou, ProblemCode};
use time::{Duration, OffsetDateTime};

use super::DirectoryError;
use super::rows::Assignment;
use crate::actor::Actor;

/// How long before now a role may be said to begin: whoever fills in a date means today.
const BACKDATED: Duration = Duration::hours(24);

/// Roles that no person has at the same time, each pair with its reason. The first is incompatible with each of the others.
pub(super) const INCOMPATIBLE: &[(Role, &[Role], &str)] = &[
    (
        NodeOperator,
        &[CentreAdministrator, HeadOfCentre, AuthorisedRepresentative, HeadOfAgency],
        "who runs the node reads no document",
    ),
    (NodeOperator, &[PostalOperator], "who runs the node sees nothing personal, and a postal operator sees addresses"),
    (NodeOperator, &[Auditor, SecurityOfficer], "nobody audits what they do themselves"),
    (
        Auditor,
        &[
            CentreAdministrator,
            HeadOfCentre,
            AuthorisedRepresentative,
            HeadOfAgency,
            PostalOperator,
            RegisterOperator,
            SecurityOfficer,
        ],
        "an auditor changes nothing, and all of these do",
    ),
    (
        SecurityOfficer,
        &[CentreAdministrator, HeadOfCentre, AuthorisedRepresentative, HeadOfAgency, PostalOperator],
        "who audits looks at personal data does not look",
    ),
];

/// Why nobody has both at the same time; None: somebody may.
pub(super) fn incompatible(one: Role, other: Role) -> Option<&'static str> {
    let said = |first: Role, second: Role| {
        INCOMPATIBLE.iter().find(|(role, others, _)| *role == first && others.contains(&second)).map(|row| row.2)
    };
    said(one, other).or_else(|| said(other, one))
}

/// Whether it takes two operators: who has such a role opens the way to others.
pub(super) fn takes_two(role: Role) -> bool {
    role.is_of_node() || matches!(role, HeadOfAgency | HeadOfCentre)
}

/// The role that a head entrusts within their participant.
fn entrusted_by(head: Role) -> Option<Role> {
    match head {
        HeadOfAgency => Some(AuthorisedRepresentative),
        HeadOfCentre => Some(CentreAdministrator),
        _ => None,
    }
}

/// Whether the actor can be one who gives or takes this role there at all: an operator, known by a certificate of the configuration or entrusted
/// with the role; or, of the roles that take one only, a head in whose name it is.
///
/// # Errors
/// `ActionForbidden`.
pub(super) fn check_giver(actor: &Actor, role: Role, participant: Option<Edrpou>) -> Result<(), DirectoryError> {
    let may = match actor {
        Actor::Operator { .. } => true,
        Actor::Person(person) => {
            let operates = person.roles.contains(NodeOperator) && !person.roles.contains(Role::Applicant);
            let head = person.roles.iter().any(|held| entrusted_by(held) == Some(role));
            operates || (head && participant.is_some() && person.acting_for == participant)
        }
        Actor::Participant { .. } | Actor::Token { .. } | Actor::Peer { .. } => false,
    };
    may.then_some(()).ok_or_else(|| DirectoryError::invalid(ProblemCode::ActionForbidden, "not theirs to entrust"))
}

/// Whether the role can be entrusted there.
///
/// # Errors
/// `RoleNotEntrusted`, `RoleScopeWrong`.
pub(super) fn check_scope(role: Role, participant: Option<Edrpou>) -> Result<(), DirectoryError> {
    if role == Role::Applicant {
        return Err(DirectoryError::invalid(ProblemCode::RoleNotEntrusted, role.as_str()));
    }
    if role.is_of_node() != participant.is_none() {
        let needs = if role.is_of_node() { "no participant" } else { "a participant" };
        return Err(DirectoryError::invalid(ProblemCode::RoleScopeWrong, format!("{role} is entrusted with {needs}")));
    }
    Ok(())
}

/// Whether the time for which it is to be entrusted is one.
///
/// # Errors
/// `RoleDatesWrong`.
pub(super) fn check_dates(
    from: OffsetDateTime,
    until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<(), DirectoryError> {
    let wrong = |what: &str| Err(DirectoryError::invalid(ProblemCode::RoleDatesWrong, what));
    if from < now - BACKDATED {
        return wrong("valid_from is more than a day ago");
    }
    match until {
        Some(until) if until <= from => wrong("valid_until is not after valid_from"),
        Some(until) if until <= now => wrong("valid_until is over"),
        _ => Ok(()),
    }
}

/// Whether the person may have the role beside those that they have or will have. `operates`: they hold a login of a node operator.
///
/// # Errors
/// `RoleHeld`, `RoleIncompatible`.
pub(super) fn check_together(new: &Assignment, open: &[Assignment], operates: bool) -> Result<(), DirectoryError> {
    for held in open.iter().filter(|held| overlap(held, new)) {
        if (held.role, held.participant) == (new.role, new.participant) {
            return Err(DirectoryError::invalid(ProblemCode::RoleHeld, format!("assignment {}", held.id)));
        }
        if let Some(reason) = incompatible(held.role, new.role) {
            return Err(clash(held.role, new.role, reason));
        }
    }
    match incompatible(NodeOperator, new.role).filter(|_| operates) {
        Some(reason) => Err(clash(NodeOperator, new.role, reason)),
        None => Ok(()),
    }
}

fn clash(one: Role, other: Role, reason: &str) -> DirectoryError {
    DirectoryError::invalid(ProblemCode::RoleIncompatible, format!("{one} and {other}: {reason}"))
}

/// Whether there is a moment at which both hold.
fn overlap(one: &Assignment, other: &Assignment) -> bool {
    let before = |a: &Assignment, b: &Assignment| a.valid_until.is_some_and(|until| until <= b.valid_from);
    !before(one, other) && !before(other, one)
}

#[cfg(test)]
mod tests {
    use schemas::{AssignmentId, PersonId};

    use super::*;
    use crate::town::{NOON, edrpou};

    fn held(role: Role, from: i64, until: Option<i64>) -> Assignment {
        let day = |day: i64| NOON + Duration::days(day);
        Assignment {
            id: AssignmentId::from_parts(1, [1; 10]),
            person: PersonId::from_parts(1, [1; 10]),
            role,
            participant: (!role.is_of_node()).then(|| edrpou("00000001")),
            valid_from: day(from),
            valid_until: until.map(day),
            granted_by: String::new(),
            granted_at: NOON,
            revoked: None,
        }
    }

    fn code(result: Result<(), DirectoryError>) -> Option<ProblemCode> {
        result.err().map(|error| match error {
            DirectoryError::Invalid { code, .. } => code,
            DirectoryError::Store(error) => panic!("{error}"),
        })
    }

    /// Which roles nobody has together, as a lower triangle in the order of `Role::ALL`: `x` incompatible.
    const TOGETHER: [&str; 10] = [
        ".          ", // centre_administrator
        "..         ", // head_of_centre
        "...        ", // authorised_representative
        "....       ", // head_of_agency
        ".....      ", // postal_operator
        "xxxxx.     ", // security_officer
        "xxxxxx.    ", // auditor
        "......x.   ", // register_operator
        "xxxxxxx..  ", // node_operator
        ".......... ", // applicant
    ];

    #[test]
    fn separation_of_duties_is_as_the_table_says() {
        for (i, one) in Role::ALL.iter().enumerate() {
            for (j, other) in Role::ALL.iter().enumerate() {
                let (row, column) = if i >= j { (i, j) } else { (j, i) };
                let expected = TOGETHER[row].as_bytes()[column] == b'x';
                assert_eq!(incompatible(*one, *other).is_some(), expected, "{one} and {other}");
                let told = code(check_together(&held(*other, 0, None), &[held(*one, 0, None)], false));
                let expected = if i == j {
                    Some(ProblemCode::RoleHeld)
                } else {
                    expected.then_some(ProblemCode::RoleIncompatible)
                };
                assert_eq!(told, expected, "{one} and {other}");
            }
        }
    }

    #[test]
    fn what_is_not_at_the_same_time_is_compatible() {
        let auditor = |from, until| held(Auditor, from, until);
        let operator = [held(NodeOperator, 0, Some(10))];
        assert_eq!(code(check_together(&auditor(10, None), &operator, false)), None);
        assert_eq!(code(check_together(&auditor(-5, Some(0)), &operator, false)), None);
        for (from, until) in [(9, None), (-5, Some(1)), (3, Some(4)), (-5, None)] {
            let told = code(check_together(&auditor(from, until), &operator, false));
            assert_eq!(told, Some(ProblemCode::RoleIncompatible), "{from} {until:?}");
        }
        // Whoever holds an operator's login is one, whatever the directory says.
        assert_eq!(code(check_together(&auditor(10, None), &[], true)), Some(ProblemCode::RoleIncompatible));
        assert_eq!(code(check_together(&held(RegisterOperator, 0, None), &[], true)), None);
    }

    #[test]
    fn a_role_is_of_the_node_or_within_a_participant() {
        for role in Role::ALL {
            let (within, of_node) = (check_scope(*role, Some(edrpou("00000001"))), check_scope(*role, None));
            let expected = match role {
                Role::Applicant => (Some(ProblemCode::RoleNotEntrusted), Some(ProblemCode::RoleNotEntrusted)),
                _ if role.is_of_node() => (Some(ProblemCode::RoleScopeWrong), None),
                _ => (None, Some(ProblemCode::RoleScopeWrong)),
            };
            assert_eq!((code(within), code(of_node)), expected, "{role}");
        }
    }

    #[test]
    fn a_role_has_a_time_that_is_not_over() {
        let check = |from: i64, until: Option<i64>| {
            let hour = |hour: i64| NOON + Duration::hours(hour);
            code(check_dates(hour(from), until.map(hour), NOON))
        };
        for (from, until) in [(0, None), (-24, None), (0, Some(1)), (100, Some(101)), (-12, Some(12))] {
            assert_eq!(check(from, until), None, "{from} {until:?}");
        }
        for (from, until) in [(-25, None), (0, Some(0)), (5, Some(4)), (-12, Some(0)), (-12, Some(-1))] {
            assert_eq!(check(from, until), Some(ProblemCode::RoleDatesWrong), "{from} {until:?}");
        }
    }
}
