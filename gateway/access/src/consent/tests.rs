mod model;

use schemas::access::Role;

use super::*;
use crate::decide::{Denied, EraseCopy, ListLooks, ReadCopy, ReadOwnFile, StoreCopy, WithdrawApplication};
use crate::purpose::Purposes;
use crate::town::{Town, edrpou, registration};
use crate::{Access, Person};

pub(super) const CENTRE: &str = "00000001";
pub(super) const OTHER_CENTRE: &str = "00000002";

/// A town with two centres, and people of the numbers 1 to 6.
pub(super) struct Square {
    pub(super) town: Town,
    consent: Consent,
}

/// What somebody is told who may not, cannot, or asks for what is not there.
pub(super) type Told<T> = Result<T, ProblemCode>;

pub(super) fn person_id(number: u8) -> PersonId {
    PersonId::from_parts(1, [number; 10])
}

pub(super) fn applicant(number: u8) -> Actor {
    let roles = [Role::Applicant].into_iter().collect();
    Actor::Person(Person {
        id: person_id(number),
        acting_for: None,
        roles,
        certificate: Some([number; 32]),
        stepped_up: false,
    })
}

/// The person of number 4.
pub(super) fn administrator(centre: &str) -> Actor {
    let roles = [Role::CentreAdministrator].into_iter().collect();
    let (id, acting_for) = (person_id(4), Some(edrpou(centre)));
    Actor::Person(Person { id, acting_for, roles, certificate: Some([4; 32]), stepped_up: false })
}

pub(super) fn told(error: impl Into<ConsentError>) -> ProblemCode {
    match error.into() {
        ConsentError::Refused(code) => code,
        ConsentError::Store(error) => panic!("{error}"),
    }
}

pub(super) fn denied(denied: Denied) -> ProblemCode {
    denied.code
}

pub(super) fn there<T>(found: Result<Option<T>, StoreError>) -> Told<T> {
    found.unwrap().ok_or(ProblemCode::NotFound)
}

impl Square {
    pub(super) async fn new() -> Self {
        let town = Town::new();
        for centre in [CENTRE, OTHER_CENTRE] {
            town.register(centre, registration(&["office"], Vec::new())).await.unwrap();
        }
        for number in 1..=6 {
            town.person(person_id(number)).await;
        }
        let terms = [("standard", Some(30)), ("brief", Some(1)), ("permanent", None)];
        let terms = terms.map(|(class, days)| (class.parse().unwrap(), days)).into();
        let consent = Consent::new(town.ledger.clone(), town.clock.clone(), terms);
        Self { town, consent }
    }

    pub(super) fn access(&self) -> &Access {
        &self.town.access
    }

    pub(super) async fn store(&self, owner: u8) -> Told<CopyId> {
        let permit = self.access().decide::<StoreCopy>(&applicant(owner), ()).await.map_err(denied)?;
        let stored = self.consent.store(permit, "passport".parse().unwrap(), vec![owner; 10]).await;
        stored.map(|stored| stored.copy_id).map_err(told)
    }

    pub(super) async fn erase(&self, actor: u8, copy: CopyId) -> Told<()> {
        let facts = there(self.consent.copy(copy).await)?;
        let permit = self.access().decide::<EraseCopy>(&applicant(actor), facts).await.map_err(denied)?;
        self.consent.erase(permit).await.map_err(told)
    }

    pub(super) async fn apply(&self, actor: u8, centre: &str) -> Told<ApplicationId> {
        let permit =
            self.access().decide::<ApplyForService>(&applicant(actor), edrpou(centre)).await.map_err(denied)?;
        let applied = self.consent.apply(permit, "subsidy".parse().unwrap()).await;
        applied.map(|applied| applied.application_id).map_err(told)
    }

    pub(super) async fn attach(
        &self,
        actor: u8,
        application: ApplicationId,
        copy: CopyId,
        attached: bool,
    ) -> Told<Application> {
        let facts = there(self.consent.attachment(application, copy).await)?;
        let permit = self.access().decide::<AttachCopy>(&applicant(actor), facts).await.map_err(denied)?;
        let moved = if attached { self.consent.attach(permit).await } else { self.consent.detach(permit).await };
        moved.map_err(told)
    }

    pub(super) async fn withdraw(&self, actor: u8, application: ApplicationId) -> Told<Application> {
        let facts = there(self.consent.application(application).await)?;
        let permit = self.access().decide::<WithdrawApplication>(&applicant(actor), facts).await.map_err(denied)?;
        self.consent.withdraw(permit).await.map_err(told)
    }

    async fn read(&self, actor: &Actor, application: ApplicationId) -> Told<Application> {
        let facts = there(self.consent.application(application).await)?;
        let permit = self.access().decide::<ReadApplication>(actor, facts).await.map_err(denied)?;
        self.consent.read_application(permit).await.map_err(told)
    }

    async fn close(&self, centre: &str, application: ApplicationId, class: &str) -> Told<Application> {
        let facts = there(self.consent.application(application).await)?;
        let permit = self.access().decide::<CloseApplication>(&administrator(centre), facts).await.map_err(denied)?;
        self.consent.close(permit, Closing { retention: class.parse().unwrap() }).await.map_err(told)
    }

    async fn may_look(
        &self,
        centre: &str,
        application: ApplicationId,
        copy: CopyId,
        purpose: Option<&str>,
    ) -> Told<Permit<LookAtCopy>> {
        let stated = purpose.map(|purpose| Purposes::shipped().stated(Some(purpose)).unwrap());
        let facts = there(self.consent.facts_of_look(application, copy, stated).await)?;
        self.access().decide::<LookAtCopy>(&administrator(centre), facts).await.map_err(denied)
    }

    pub(super) async fn look(&self, centre: &str, application: ApplicationId, copy: CopyId) -> Told<SealedCopy> {
        let permit = self.may_look(centre, application, copy, Some("application.review")).await?;
        self.consent.look(permit).await.map_err(told)
    }

    pub(super) async fn looks(&self, of: u8) -> Vec<Look> {
        let permit = self.access().decide::<ListLooks>(&applicant(of), person_id(of)).await.unwrap();
        self.consent.looks(permit, None, PAGE_ITEMS).await.unwrap().looks
    }

    pub(super) async fn audited(&self, action: &str) -> usize {
        self.town.audited().await.iter().filter(|entry| entry.starts_with(&format!("{action} "))).count()
    }
}

#[tokio::test]
async fn a_centre_sees_what_is_attached_and_its_owner_sees_every_look() {
    let square = Square::new().await;
    let (shown, kept_back) = (square.store(1).await.unwrap(), square.store(1).await.unwrap());
    let application = square.apply(1, CENTRE).await.unwrap();
    assert_eq!(square.look(CENTRE, application, shown).await, Err(ProblemCode::NotFound), "nothing is attached yet");
    let with = square.attach(1, application, shown, true).await.unwrap();
    assert_eq!(with.copies, [shown]);
    let seen = square.look(CENTRE, application, shown).await.unwrap();
    assert_eq!((seen.sealed, seen.copy.copy_id, seen.copy.size), (vec![1; 10], shown, 10));
    assert_eq!(square.look(CENTRE, application, kept_back).await, Err(ProblemCode::NotFound));
    assert_eq!(square.look(OTHER_CENTRE, application, shown).await, Err(ProblemCode::NotFound));
    let looks = square.looks(1).await;
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(look.looked_by, administrator(CENTRE).pseudonym());
    assert_eq!((look.acting_for, look.object.as_str()), (Some(edrpou(CENTRE)), format!("copy:{shown}").as_str()));
    assert_eq!(look.purpose.as_str(), "application.review");
    assert!(look.legal_ground.contains("стаття 11"), "{}", look.legal_ground);
    assert_eq!(square.audited("copy.look").await, 1);
    assert_eq!(square.looks(2).await, [], "of nobody else");
    let others = square.access().decide::<ListLooks>(&applicant(2), person_id(1)).await.unwrap_err();
    assert_eq!(others.code, ProblemCode::NotFound);
}

#[tokio::test]
async fn a_look_that_may_not_be_says_why_only_to_the_centre_that_it_concerns() {
    let square = Square::new().await;
    let copy = square.store(1).await.unwrap();
    let application = square.apply(1, CENTRE).await.unwrap();
    square.attach(1, application, copy, true).await.unwrap();
    let code = async |centre: &str, purpose| square.may_look(centre, application, copy, purpose).await.err();
    let review = Some("application.review");
    assert_eq!(code(CENTRE, None).await, Some(ProblemCode::PurposeMissing));
    assert_eq!(code(OTHER_CENTRE, None).await, Some(ProblemCode::NotFound));
    square.close(CENTRE, application, "brief").await.unwrap();
    assert_eq!(code(CENTRE, review).await, None, "its class keeps it for a day");
    square.town.clock.advance(Duration::DAY);
    assert_eq!(code(CENTRE, review).await, Some(ProblemCode::ApplicationEnded));
    assert_eq!(code(OTHER_CENTRE, review).await, Some(ProblemCode::NotFound));
    assert_eq!(square.looks(1).await, [], "nobody looked");
}

#[tokio::test]
async fn a_withdrawal_is_not_overtaken_by_a_look_that_was_permitted_before_it() {
    let square = Square::new().await;
    let copy = square.store(1).await.unwrap();
    for (detached, code) in [(false, ProblemCode::ApplicationEnded), (true, ProblemCode::NotFound)] {
        let application = square.apply(1, CENTRE).await.unwrap();
        square.attach(1, application, copy, true).await.unwrap();
        let permit = square.may_look(CENTRE, application, copy, Some("application.review")).await.unwrap();
        if detached {
            square.attach(1, application, copy, false).await.unwrap();
        } else {
            square.withdraw(1, application).await.unwrap();
        }
        assert_eq!(square.consent.look(permit).await.map_err(told), Err(code));
    }
    assert_eq!((square.looks(1).await.len(), square.audited("copy.look").await), (0, 0));
}

#[tokio::test]
async fn an_application_ends_once_and_is_then_as_it_is() {
    let square = Square::new().await;
    let copy = square.store(1).await.unwrap();
    let (closed, withdrawn) = (square.apply(1, CENTRE).await.unwrap(), square.apply(1, CENTRE).await.unwrap());
    assert_eq!(square.close(CENTRE, closed, "unknown").await, Err(ProblemCode::UnknownRetentionClass));
    assert_eq!(square.close(OTHER_CENTRE, closed, "brief").await, Err(ProblemCode::NotFound));
    assert_eq!(square.withdraw(2, withdrawn).await, Err(ProblemCode::NotFound));
    square.close(CENTRE, closed, "brief").await.unwrap();
    square.withdraw(1, withdrawn).await.unwrap();
    for application in [closed, withdrawn] {
        assert_eq!(square.close(CENTRE, application, "brief").await, Err(ProblemCode::ApplicationEnded));
        assert_eq!(square.withdraw(1, application).await, Err(ProblemCode::ApplicationEnded));
        assert_eq!(square.attach(1, application, copy, true).await, Err(ProblemCode::ApplicationEnded));
    }
    // What was withdrawn is there for its applicant alone, in lists and by its number.
    assert_eq!(square.read(&administrator(CENTRE), withdrawn).await, Err(ProblemCode::NotFound));
    assert!(square.read(&applicant(1), withdrawn).await.is_ok());
    assert!(square.read(&administrator(CENTRE), closed).await.is_ok());
    let permit = square.access().decide::<ListApplications>(&administrator(CENTRE), edrpou(CENTRE)).await.unwrap();
    let listed = square.consent.applications(permit, None, PAGE_ITEMS).await.unwrap().applications;
    assert_eq!(listed.iter().map(|listed| listed.application_id).collect::<Vec<_>>(), [closed]);
    let permit = square.access().decide::<ReadOwnFile>(&applicant(1), person_id(1)).await.unwrap();
    let file = square.consent.own_file(permit).await.unwrap();
    assert_eq!((file.copies.len(), file.applications.len()), (1, 2));
    assert_eq!(square.apply(1, "00000009").await, Err(ProblemCode::NotFound), "no such centre");
}

#[tokio::test]
async fn a_copy_is_erased_once_no_centre_sees_it_and_the_looks_at_it_stay() {
    let square = Square::new().await;
    let copy = square.store(1).await.unwrap();
    let application = square.apply(1, CENTRE).await.unwrap();
    square.attach(1, application, copy, true).await.unwrap();
    square.look(CENTRE, application, copy).await.unwrap();
    assert_eq!(square.erase(1, copy).await, Err(ProblemCode::CopyAttached));
    square.close(CENTRE, application, "brief").await.unwrap();
    assert_eq!(square.erase(1, copy).await, Err(ProblemCode::CopyAttached), "kept for a day");
    square.town.clock.advance(Duration::DAY);
    assert_eq!(square.erase(2, copy).await, Err(ProblemCode::NotFound));
    let facts = square.consent.copy(copy).await.unwrap().unwrap();
    let permit = square.access().decide::<ReadCopy>(&applicant(1), facts).await.unwrap();
    assert_eq!(square.consent.read_copy(permit.clone()).await.unwrap().sealed, [1; 10]);
    square.erase(1, copy).await.unwrap();
    assert_eq!(square.consent.read_copy(permit).await.map_err(told), Err(ProblemCode::NotFound));
    let bytes =
        square.town.ledger.reader().read("bytes", |tx| {
            tx.query("-- bytes\n SELECT length(sealed) FROM stored_copy", &[], |row| row.integer(0))
        });
    assert_eq!(bytes.await.unwrap(), [0]);
    assert_eq!(square.looks(1).await.len(), 1);
}

#[tokio::test]
async fn what_one_person_keeps_is_bounded() {
    let square = Square::new().await;
    for _ in 0..schemas::limits::COPIES_OF_PERSON {
        square.store(1).await.unwrap();
    }
    assert_eq!(square.store(1).await, Err(ProblemCode::CopiesFull));
    let mut last = square.apply(1, CENTRE).await.unwrap();
    for _ in 1..APPLICATIONS_OF_PERSON {
        last = square.apply(1, CENTRE).await.unwrap();
    }
    assert_eq!(square.apply(1, CENTRE).await, Err(ProblemCode::ApplicationsFull));
    square.withdraw(1, last).await.unwrap();
    assert!(square.apply(1, CENTRE).await.is_ok());
    let permit = square.access().decide::<StoreCopy>(&applicant(2), ()).await.unwrap();
    let (kind, large) = ("passport".parse().unwrap(), vec![0; schemas::limits::COPY_BYTES + 1]);
    assert_eq!(square.consent.store(permit.clone(), kind, large).await.map_err(told), Err(ProblemCode::TooLarge));
    let empty = square.consent.store(permit, "passport".parse().unwrap(), Vec::new()).await;
    assert_eq!(empty.map_err(told), Err(ProblemCode::EmptyDocument));
}

#[tokio::test]
async fn a_look_is_neither_changed_nor_deleted() {
    let square = Square::new().await;
    let copy = square.store(1).await.unwrap();
    let application = square.apply(1, CENTRE).await.unwrap();
    square.attach(1, application, copy, true).await.unwrap();
    square.look(CENTRE, application, copy).await.unwrap();
    for sql in ["-- forge\n UPDATE look SET purpose = 'other'", "-- forge\n DELETE FROM look"] {
        let draft = EventDraft {
            action: Action::Request,
            actor: "node".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        };
        let event = square.town.ledger.prepare(draft);
        let forged = square.town.ledger.transact("forge", move |tx| {
            tx.execute(sql, &[])?;
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(()))
        });
        assert!(matches!(forged.await, Err(TxError::Refused(StoreError::Database(error))) if error.contains("look")));
    }
    assert_eq!(square.looks(1).await.len(), 1);
}
