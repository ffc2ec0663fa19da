use ProblemCode::{NotFound, PersonNumberWrong, PersonNumbersOfTwo, PersonRegistered};
use schemas::access::Role;
use schemas::directory::{GrantOutcome, PersonRegistration, RoleAssignment};
use schemas::{AssignmentId, ProblemCode};
use time::Duration;

use super::entrusting::Term;
use super::*;
use crate::actor::Actor;
use crate::decide::{GrantResource, GrantRole, Permit, ReadPeople, RegisterPerson, RevokeRole};
use crate::town::{Town, edrpou, registration};

mod roles;

pub(super) const AGENCY: &str = "00000001";
pub(super) const OTHER: &str = "00000002";

/// A town with two participants and its directory.
pub(super) struct Hall {
    pub(super) town: Town,
    pub(super) people: People,
}

/// A РНОКПП that is nobody's, with its control digit.
pub(super) fn rnokpp(number: u32) -> String {
    let weights = [-1, 5, 7, 9, 4, 6, 10, 5, 7];
    let digits = format!("{number:09}");
    let sum: i32 = digits.bytes().zip(weights).map(|(digit, weight)| i32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", sum.rem_euclid(11) % 10)
}

pub(super) fn key() -> IdentityKey {
    IdentityKey::new([7; 32])
}

pub(super) fn operator(number: u8) -> Actor {
    Actor::Operator { certificate: [number; 32] }
}

pub(super) fn code<T: std::fmt::Debug>(result: Result<T, DirectoryError>) -> ProblemCode {
    match result.unwrap_err() {
        DirectoryError::Invalid { code, .. } => code,
        DirectoryError::Store(error) => panic!("{error}"),
    }
}

impl Hall {
    pub(super) async fn open() -> Self {
        Self::with(|_| Operators::default()).await
    }

    pub(super) async fn with(operators: impl FnOnce(&Town) -> Operators) -> Self {
        let town = Town::new();
        for code in [AGENCY, OTHER] {
            town.register(code, registration(&[], Vec::new())).await.unwrap();
        }
        let operators = operators(&town);
        let people = People::new(town.ledger.clone(), town.clock.clone(), Some(key()), operators);
        Self { town, people }
    }

    async fn permit(&self) -> Permit<RegisterPerson> {
        self.town.access.decide(&operator(1), ()).await.unwrap()
    }

    async fn registers(
        &self,
        name: &str,
        rnokpp: Option<String>,
        unzr: Option<&str>,
    ) -> Result<PersonId, DirectoryError> {
        let unzr = unzr.map(str::to_owned);
        let registration = PersonRegistration { name: name.to_owned(), rnokpp, unzr };
        self.people.register(self.permit().await, registration).await.map(|entry| entry.id)
    }

    pub(super) async fn person(&self, number: u32) -> PersonId {
        self.registers("Особа", Some(rnokpp(number)), None).await.unwrap()
    }

    async fn identified(&self, rnokpp: Option<String>, unzr: Option<&str>) -> Option<PersonId> {
        let numbers = PersonalNumbers { rnokpp, unzr: unzr.map(str::to_owned) };
        self.people.identify(&numbers).await.unwrap()
    }

    pub(super) async fn entrusted(&self, person: PersonId) -> Option<(Vec<Role>, Vec<(String, Vec<Role>)>)> {
        let Entrusted { node, within } = self.people.entrusted(person).await.unwrap()?;
        let within = within.into_iter().map(|(edrpou, roles)| (edrpou.to_string(), roles.iter().collect()));
        Some((node.iter().collect(), within.collect()))
    }

    /// What an actor's word that a person have a role comes to. The policies are asked first.
    pub(super) async fn grants(
        &self,
        actor: &Actor,
        person: PersonId,
        (role, participant): (Role, Option<&str>),
        term: Term,
    ) -> Result<GrantOutcome, DirectoryError> {
        let resource = GrantResource { person, role, participant: participant.map(edrpou) };
        let permit: Permit<GrantRole> = match self.town.access.decide(actor, resource).await {
            Ok(permit) => permit,
            Err(denied) => return Err(DirectoryError::invalid(denied.code, "by policy")),
        };
        self.people.grant(permit, term).await
    }

    /// The same, by two operators where it takes two.
    pub(super) async fn given(&self, person: PersonId, role: Role, participant: Option<&str>) -> RoleAssignment {
        let mut outcome = self.grants(&operator(1), person, (role, participant), Term::default()).await.unwrap();
        if outcome.proposal.is_some() {
            outcome = self.grants(&operator(2), person, (role, participant), Term::default()).await.unwrap();
        }
        outcome.assignment.unwrap()
    }

    pub(super) async fn revokes(
        &self,
        actor: &Actor,
        person: PersonId,
        id: AssignmentId,
    ) -> Result<(), DirectoryError> {
        let resource = self.people.assignment(person, id).await.unwrap().ok_or_else(DirectoryError::nobody)?;
        let permit: Permit<RevokeRole> = match self.town.access.decide(actor, resource).await {
            Ok(permit) => permit,
            Err(denied) => return Err(DirectoryError::invalid(denied.code, "by policy")),
        };
        self.people.revoke(permit, id).await
    }

    async fn removes(&self, person: PersonId) -> Result<(), DirectoryError> {
        self.people.remove(self.permit().await, person).await
    }

    pub(super) async fn listed(&self, participant: Option<&str>) -> Vec<schemas::directory::PersonEntry> {
        let permit: Permit<ReadPeople> = self.town.access.decide(&operator(1), participant.map(edrpou)).await.unwrap();
        self.people.list(permit, None, 100).await.unwrap().people
    }
}

#[tokio::test]
async fn a_person_is_known_by_each_of_their_numbers() {
    let hall = Hall::open().await;
    let both = hall.registers("Одна", Some(rnokpp(1)), Some("19900101-00001")).await.unwrap();
    let one = hall.registers("Друга", Some(rnokpp(2)), None).await.unwrap();
    assert_eq!(hall.identified(Some(rnokpp(1)), None).await, Some(both));
    assert_eq!(hall.identified(None, Some("19900101-00001")).await, Some(both));
    assert_eq!(hall.identified(Some(rnokpp(1)), Some("19900101-00001")).await, Some(both));
    // A number that the node does not know takes nothing away; one of somebody else, or another of the same kind, does.
    assert_eq!(hall.identified(Some(rnokpp(2)), Some("19900101-00002")).await, Some(one));
    assert_eq!(hall.identified(Some(rnokpp(2)), Some("19900101-00001")).await, None);
    assert_eq!(hall.identified(Some(rnokpp(3)), Some("19900101-00001")).await, None);
    assert_eq!(hall.identified(Some(rnokpp(3)), None).await, None);
    assert_eq!(hall.entrusted(both).await, Some((vec![], vec![])));
    assert_eq!(hall.entrusted(PersonId::from_parts(1, [1; 10])).await, None);
}

#[tokio::test]
async fn who_has_a_role_is_known_by_the_same_numbers_and_when_it_is_gone_too() {
    use Role::AuthorisedRepresentative;
    const ONE: &str = "19900101-00001";
    const TWO: &str = "19900101-00002";
    let hall = Hall::open().await;
    let (one, two) = (hall.registers("Одна", Some(rnokpp(1)), Some(ONE)).await.unwrap(), hall.person(2).await);
    let who = async || {
        let mut known = Vec::new();
        for (number, unzr) in
            [(1, None), (1, Some(ONE)), (1, Some(TWO)), (2, None), (2, Some(ONE)), (2, Some(TWO)), (3, Some(ONE))]
        {
            known.push(hall.identified(Some(rnokpp(number)), unzr).await);
        }
        known
    };
    let expected = [Some(one), Some(one), None, Some(two), None, Some(two), None];
    assert_eq!(who().await, expected);
    let role = hall.given(one, AuthorisedRepresentative, Some(AGENCY)).await;
    assert_eq!(who().await, expected, "one has a role");
    hall.given(two, AuthorisedRepresentative, Some(OTHER)).await;
    assert_eq!(who().await, expected, "both have roles");
    hall.revokes(&operator(1), one, role.id).await.unwrap();
    assert_eq!(who().await, expected, "one has a role no more");
    hall.removes(two).await.unwrap();
    assert_eq!(who().await, [Some(one), Some(one), None, None, None, None, None], "one was taken out");
}

#[tokio::test]
async fn nobody_is_registered_twice_and_nobody_is_two() {
    let hall = Hall::open().await;
    let first = hall.registers("Одна", Some(rnokpp(1)), None).await.unwrap();
    hall.registers("Друга", None, Some("19900101-00002")).await.unwrap();
    assert_eq!(code(hall.registers("Одна", Some(rnokpp(1)), None).await), PersonRegistered);
    assert_eq!(code(hall.registers("Одна", Some(rnokpp(1)), Some("19900101-00002")).await), PersonNumbersOfTwo);
    assert_eq!(code(hall.registers("Одна", Some("1234567890".to_owned()), None).await), PersonNumberWrong);
    assert_eq!(code(hall.registers("Одна", None, None).await), PersonNumberWrong);
    assert_eq!(code(hall.registers(" Одна", Some(rnokpp(3)), None).await), ProblemCode::MalformedJson);
    // Removed and registered again: the same person, with a number more and no role.
    hall.given(first, Role::AuthorisedRepresentative, Some(AGENCY)).await;
    hall.removes(first).await.unwrap();
    assert_eq!((hall.identified(Some(rnokpp(1)), None).await, hall.entrusted(first).await), (None, None));
    assert_eq!(code(hall.removes(first).await), NotFound);
    let again = hall.registers("Одна Інша", Some(rnokpp(1)), Some("19900101-00003")).await.unwrap();
    assert_eq!((again, hall.entrusted(again).await), (first, Some((vec![], vec![]))));
    assert_eq!(hall.identified(None, Some("19900101-00003")).await, Some(first));
    let listed = hall.listed(None).await;
    let entry = listed.iter().find(|entry| entry.id == first).unwrap();
    assert_eq!((listed.len(), entry.name.as_str(), entry.removed_at), (2, "Одна Інша", None));
    assert!(entry.roles[0].revoked_at.is_some(), "the role that was lost stays in the record");
}

#[tokio::test]
async fn another_process_sees_a_role_end_within_a_second() {
    let hall = Hall::open().await;
    let person = hall.person(1).await;
    let there = People::new(hall.town.other_ledger(), hall.town.clock.clone(), Some(key()), Operators::default());
    let given = hall.given(person, Role::AuthorisedRepresentative, Some(AGENCY)).await;
    assert_eq!(there.entrusted(person).await.unwrap().unwrap().within.len(), 1);
    hall.revokes(&operator(1), person, given.id).await.unwrap();
    assert_eq!(there.entrusted(person).await.unwrap().unwrap().within.len(), 1, "from memory");
    hall.town.clock.advance(Duration::seconds(1));
    assert_eq!(there.entrusted(person).await.unwrap().unwrap().within, []);
}

#[tokio::test]
async fn a_key_under_which_nobody_would_be_found_is_noticed() {
    let hall = Hall::open().await;
    let with = |key: Option<IdentityKey>| {
        People::new(hall.town.ledger.clone(), hall.town.clock.clone(), key, Operators::default())
    };
    let other = || Some(IdentityKey::new([8; 32]));
    for key in [None, other()] {
        assert_eq!(with(key).check_key().await.unwrap(), Ok(()), "nobody is registered yet");
    }
    hall.person(1).await;
    assert_eq!(hall.people.check_key().await.unwrap(), Ok(()));
    assert_eq!(with(None).check_key().await.unwrap(), Err(WrongKey::Missing));
    assert_eq!(with(other()).check_key().await.unwrap(), Err(WrongKey::Other));
    for (key, number) in [(None, 2), (other(), 3)] {
        let registration =
            PersonRegistration { name: "Особа".to_owned(), rnokpp: Some(rnokpp(number)), unzr: None };
        assert_eq!(code(with(key).register(hall.permit().await, registration).await), ProblemCode::PeopleNotKept);
    }
}

#[tokio::test]
async fn each_deed_is_on_record_and_names_nobody() {
    let hall = Hall::open().await;
    let before = hall.town.audited().await.len();
    let person = hall.registers("Незвичайне Ім'я", Some(rnokpp(1)), None).await.unwrap();
    let given = hall.given(person, Role::HeadOfAgency, Some(AGENCY)).await;
    hall.revokes(&operator(1), person, given.id).await.unwrap();
    hall.given(person, Role::CentreAdministrator, Some(AGENCY)).await;
    hall.removes(person).await.unwrap();
    hall.listed(None).await;
    let audited = hall.town.audited().await.split_off(before);
    let actions: Vec<_> = audited.iter().filter_map(|entry| entry.split(' ').next()).collect();
    let expected = [
        "person.register",
        "role.propose",
        "role.grant",
        "role.revoke",
        "role.grant",
        "role.revoke",
        "person.remove",
        "person.list",
    ];
    assert_eq!(actions, expected);
    assert!(audited[..7].iter().all(|entry| entry.contains(&format!("person:{person}"))), "{audited:?}");
    let sql = "-- payloads
        SELECT details FROM audit_payload";
    let payloads = hall.town.ledger.reader().read("payloads", move |tx| tx.query(sql, &[], |row| row.text(0)));
    let payloads = payloads.await.unwrap().join("\n");
    assert!(payloads.contains("known_by") && !payloads.contains("Незвичайне") && !payloads.contains(&rnokpp(1)));
}

#[tokio::test]
async fn the_database_alone_tells_no_number() {
    let hall = Hall::open().await;
    hall.person(1).await;
    let sql = "-- digests
        SELECT digest FROM person_identity";
    let digests = hall.town.ledger.reader().read("digests", move |tx| tx.query(sql, &[], |row| row.blob(0)));
    let digests = digests.await.unwrap();
    let plain = crypto::digest::sha256(format!("rnokpp:{}", rnokpp(1)).as_bytes());
    assert_eq!(digests.len(), 1);
    assert!(digests[0] != plain && digests[0] != crypto::digest::sha256(rnokpp(1).as_bytes()));
}
