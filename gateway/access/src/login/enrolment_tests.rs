//! Enrolment of citizens by their first login, through the portals and into the directory itself.

use std::sync::Arc;

use certs::dev::{Identity, Usage};
use schemas::access::{Portal, Role};
use schemas::session::LoginRequest;
use schemas::{PersonId, ProblemCode as P};
use signing::cades::Content;

use crate::actor::Actor;
use crate::login::LoggedIn;
use crate::login::throttle::{LoginRates, Rate};
use crate::office::{AGENCY, CLERK, HEAD, Office, PEER, STRANGER, edrpou, issue};
use crate::people::{Directory as _, IdentityKey, Operators, People, PersonalNumbers};
use crate::portal::Portals;

/// An office whose portals ask the directory of the database.
struct Town {
    office: Office,
    people: Arc<People>,
    portals: Portals,
}

impl Town {
    async fn new() -> Self {
        Self::of(LoginRates::default(), true).await
    }

    async fn of(rates: LoginRates, enrols: bool) -> Self {
        let office = Office::new().await;
        let people = people(&office);
        let portals = office.among(people.clone(), rates, enrols);
        Self { office, people, portals }
    }

    fn answers(&self, portal: Portal, signer: &Identity) -> LoginRequest {
        self.office.answer_at(portal, signer)
    }

    async fn log_in(&self, portal: Portal, signer: &Identity) -> Result<PersonId, P> {
        let request = self.answers(portal, signer);
        self.portals.log_in(portal, PEER, &request).await.map(|it| person_of(&it)).map_err(|refused| refused.code)
    }

    async fn knows(&self, rnokpp: &str) -> Option<PersonId> {
        let numbers = PersonalNumbers { rnokpp: Some(rnokpp.to_owned()), unzr: None };
        self.people.identify(&numbers).await.unwrap()
    }

    /// Rows of the log that say that a person was entered.
    async fn entered(&self) -> Vec<String> {
        self.office.audited().await.into_iter().filter(|row| row.starts_with("person.register")).collect()
    }
}

fn people(office: &Office) -> Arc<People> {
    let key = Some(IdentityKey::new([7; 32]));
    Arc::new(People::new(office.ledger.clone(), office.clock.clone(), key, Operators::default()))
}

fn person_of(opened: &LoggedIn) -> PersonId {
    opened.entered.session().person()
}

#[tokio::test]
async fn a_citizens_first_login_enters_them_and_the_next_finds_them() {
    let town = Town::new().await;
    let citizen = town.office.issue(Some(STRANGER), None);
    let request = town.answers(Portal::External, &citizen);
    let opened = town.portals.log_in(Portal::External, PEER, &request).await.unwrap();
    let Actor::Person(person) = opened.entered.actor(None) else { panic!("a person logged in") };
    assert!(person.roles.iter().eq([Role::Applicant]) && person.acting_for.is_none());
    assert_eq!(town.knows(STRANGER).await, Some(person.id));
    let entered = town.entered().await;
    let [row] = entered.as_slice() else { panic!("{entered:?}") };
    assert!(row.contains(&format!("person:{} person:{} done", person.id, person.id)), "{row}");
    assert!(row.contains("\"enrolled\":true") && !row.contains(STRANGER), "{row}");
    assert_eq!(town.log_in(Portal::External, &citizen).await, Ok(person.id));
    // Another certificate of the same number is the same person.
    assert_eq!(town.log_in(Portal::External, &town.office.issue(Some(STRANGER), None)).await, Ok(person.id));
    assert_eq!(town.entered().await.len(), 1);
    // Nothing more is kept than what registration keeps: the name in the certificate and a digest.
    let id = person.id;
    let kept = town.office.ledger.reader().read("kept", move |tx| {
        let sql = "-- kept\n SELECT p.name, COUNT(i.digest) FROM person p JOIN person_identity i ON i.person_id = p.id WHERE p.id = $1 GROUP BY p.name";
        tx.query_optional(sql, &[id.as_bytes().into()], |row| Ok((row.text(0)?, row.integer(1)?)))
    });
    assert_eq!(kept.await.unwrap(), Some(("Test".to_owned(), 1)));
}

#[tokio::test]
async fn two_first_logins_at_once_are_one_person() {
    let town = Town::new().await;
    let other_process = town.office.among(people(&town.office), LoginRates::default(), true);
    let citizen = town.office.issue(Some(STRANGER), None);
    let requests: Vec<_> = (0..4).map(|_| town.answers(Portal::External, &citizen)).collect();
    let log_in = |portals: Portals, request: LoginRequest| {
        tokio::spawn(async move { portals.log_in(Portal::External, PEER, &request).await })
    };
    let processes = [&town.portals, &other_process];
    let logins = requests.into_iter().enumerate().map(|(at, request)| log_in(processes[at % 2].clone(), request));
    let mut persons = Vec::new();
    for login in logins.collect::<Vec<_>>() {
        match login.await.unwrap() {
            Ok(opened) => persons.push(person_of(&opened)),
            // Sessions of one person are opened one after another: who is told so tries again.
            Err(refused) => assert_eq!(refused.code, P::Overloaded),
        }
    }
    let known = town.knows(STRANGER).await;
    assert!(known.is_some() && !persons.is_empty());
    assert!(persons.iter().all(|person| Some(*person) == known), "{persons:?} {known:?}");
    assert_eq!(town.entered().await.len(), 1);
}

/// The directory itself, without the portals' order of things.
#[tokio::test]
async fn enrolling_somebody_twice_answers_one_person() {
    let town = Town::new().await;
    let citizen = crate::people::Citizen {
        numbers: PersonalNumbers { rnokpp: Some(STRANGER.to_owned()), unzr: Some("19900101-00001".to_owned()) },
        name: "  ".to_owned(),
        certificate: [1; 32],
    };
    assert_eq!(town.people.enrol(&citizen).await.unwrap(), None, "a name that says nothing");
    let long = crate::people::Citizen { name: "я".repeat(1000), ..citizen };
    let (one, other) = tokio::join!(town.people.enrol(&long), town.people.enrol(&long));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.is_some() && one == other);
    // By either number they are who they are; with one of somebody else's, nobody.
    assert_eq!(town.knows(STRANGER).await, one);
    let other_number = PersonalNumbers { rnokpp: Some(HEAD.to_owned()), unzr: Some("19900101-00001".to_owned()) };
    let clashing = crate::people::Citizen { numbers: other_number, ..long };
    assert_eq!(town.people.enrol(&clashing).await.unwrap(), None);
    assert_eq!((town.knows(HEAD).await, town.entered().await.len()), (None, 1));
}

#[tokio::test]
async fn an_official_who_logs_in_as_a_citizen_becomes_nobody_else() {
    let town = Town::new().await;
    let as_citizen = town.office.issue(Some(CLERK), None);
    let id = town.log_in(Portal::External, &as_citizen).await.unwrap();
    // Known as an applicant, they are entrusted with something inside; with the certificate of their office they are the same.
    let grant = "-- test
        INSERT INTO role_assignment (id, person_id, role, participant, valid_from, granted_by, granted_at)
        VALUES ($1, $1, 'head_of_agency', $2, 0, 'test', 0)";
    let draft = audit::EventDraft {
        action: audit::Action::Request,
        actor: "test".to_owned(),
        object: None,
        outcome: audit::Outcome::Done,
        details: serde_json::Value::Null,
    };
    let event = town.office.ledger.prepare(draft);
    let granted = town.office.ledger.transact("test", move |tx| {
        tx.execute(grant, &[id.as_bytes().into(), AGENCY.into()])?;
        Ok::<_, storage::StoreError>(audit::append(tx, &event)?.with(()))
    });
    granted.await.unwrap();
    let fresh = town.office.among(people(&town.office), LoginRates::default(), true);
    let official = town.office.issue(Some(CLERK), Some(AGENCY));
    for (portal, role) in [(Portal::Internal, Role::HeadOfAgency), (Portal::External, Role::Applicant)] {
        let opened = fresh.log_in(portal, PEER, &town.answers(portal, &official)).await.unwrap();
        let Actor::Person(person) = opened.entered.actor(None) else { panic!("a person logged in") };
        assert_eq!(person.id, id);
        assert!(person.roles.iter().eq([role]), "{:?}", person.roles);
    }
    assert_eq!(town.entered().await.len(), 1);
}

#[tokio::test]
async fn whoever_is_no_citizen_at_the_external_portal_is_not_entered() {
    let town = Town::new().await;
    let pki = &town.office.responder.pki;
    let seals = [issue(pki, Usage::Seal, Some(STRANGER), Some(AGENCY)), issue(pki, Usage::Seal, None, Some(AGENCY))];
    for certificate in seals.iter().chain([&town.office.issue(None, Some(AGENCY)), &town.office.issue(None, None)]) {
        assert_eq!(town.log_in(Portal::External, certificate).await, Err(P::LoginNamesNoPerson));
    }
    let citizen = town.office.issue(Some(STRANGER), None);
    assert_eq!(town.log_in(Portal::Internal, &citizen).await, Err(P::LoginRefused));
    let for_another = LoginRequest { acting_for: Some(edrpou(AGENCY)), ..town.answers(Portal::External, &citizen) };
    let refused = town.portals.log_in(Portal::External, PEER, &for_another).await.err().unwrap();
    assert_eq!(refused.code, P::LoginRefused);
    let closed = Town::of(LoginRates::default(), false).await;
    let unknown = closed.office.issue(Some(STRANGER), None);
    assert_eq!(closed.log_in(Portal::External, &unknown).await, Err(P::LoginRefused));
    assert_eq!((town.entered().await.len(), closed.entered().await.len()), (0, 0));
    assert_eq!(town.knows(STRANGER).await, None);
}

#[tokio::test]
async fn a_signature_that_does_not_hold_tells_nothing_of_who_is_known() {
    let town = Town::new().await;
    let known = town.office.issue(Some(CLERK), None);
    town.log_in(Portal::External, &known).await.unwrap();
    let unknown = town.office.issue(Some(STRANGER), None);
    let mut told = Vec::new();
    for signer in [&known, &unknown] {
        for content in [Content::Attached(b"a letter"), Content::Attached(b"")] {
            let signature = town.office.sign(signer, content);
            let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature);
            let request = LoginRequest { signature, ..town.answers(Portal::External, signer) };
            told.push(town.portals.log_in(Portal::External, PEER, &request).await.err().map(|refused| refused.code));
        }
    }
    assert_eq!(told, [Some(P::SignatureOverOtherContent); 4]);
    town.office.responder.pki.revoke(&unknown.certificate, crate::town::NOON - time::Duration::HOUR, 1);
    assert_eq!(town.log_in(Portal::External, &unknown).await, Err(P::SignerRevoked));
    assert_eq!((town.knows(STRANGER).await, town.entered().await.len()), (None, 1));
}

#[tokio::test]
async fn who_was_taken_out_stays_out_and_enrolments_of_one_address_are_bounded() {
    let one = Rate { burst: 1.0, per_second: 0.0 };
    let town = Town::of(LoginRates { enrolment: one, ..LoginRates::default() }, true).await;
    let first = town.office.issue(Some(CLERK), None);
    let id = town.log_in(Portal::External, &first).await.unwrap();
    assert_eq!(town.log_in(Portal::External, &town.office.issue(Some(STRANGER), None)).await, Err(P::LoginThrottled));
    assert_eq!(town.log_in(Portal::External, &first).await, Ok(id), "who is known is not bounded by it");
    let request = town.answers(Portal::External, &town.office.issue(Some(STRANGER), None));
    let elsewhere = "192.0.2.77".parse().unwrap();
    assert!(town.portals.log_in(Portal::External, elsewhere, &request).await.is_ok());

    let permit = town.office.access().decide(&Actor::Operator { certificate: [9; 32] }, ()).await.unwrap();
    town.people.remove(permit, id).await.unwrap();
    let request = town.answers(Portal::External, &first);
    let refused = town.portals.log_in(Portal::External, "192.0.2.78".parse().unwrap(), &request).await.err().unwrap();
    assert_eq!(refused.code, P::LoginRefused);
    assert_eq!(town.knows(CLERK).await, None);
}
