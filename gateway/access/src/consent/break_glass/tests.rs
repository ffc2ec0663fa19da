mod model;

use schemas::access::Role;
use schemas::break_glass::Finding;
use storage::TxError;

use super::*;
use crate::Person;
use crate::consent::tests::{
    CENTRE, OTHER_CENTRE, Square, Told, administrator, applicant, denied, person_id, there, told,
};
use crate::town::edrpou;

const REASON: &str = "The hospital asks for the person's papers.";

/// A square with break-glass accesses of an hour at most.
struct Hall {
    square: Square,
    glasses: BreakGlasses,
}

fn official(number: u8, role: Role, centre: Option<&str>) -> Actor {
    let (id, acting_for) = (person_id(number), centre.map(edrpou));
    let roles = [role].into_iter().collect();
    Actor::Person(Person { id, acting_for, roles, certificate: Some([number; 32]), stepped_up: true })
}

/// The person of number 4, who has signed just now.
fn head() -> Actor {
    official(4, Role::HeadOfCentre, Some(CENTRE))
}

/// The persons of the numbers 5 and 6.
fn officer(number: u8) -> Actor {
    official(number, Role::SecurityOfficer, None)
}

fn unsigned(actor: Actor) -> Actor {
    match actor {
        Actor::Person(person) => Actor::Person(Person { stepped_up: false, ..person }),
        other => other,
    }
}

fn application(application: schemas::ApplicationId) -> BrokenGlass {
    BrokenGlass::Application { application }
}

fn whole(number: u8) -> BrokenGlass {
    BrokenGlass::Person { person: person_id(number) }
}

fn stated(opens: BrokenGlass) -> BreakGlassRequest {
    BreakGlassRequest { opens, ground: Ground::VitalInterest, reason: REASON.to_owned(), minutes: None }
}

impl Hall {
    async fn new() -> Self {
        let square = Square::new().await;
        let glasses = BreakGlasses::new(square.town.ledger.clone(), square.town.clock.clone(), 60);
        Self { square, glasses }
    }

    async fn states(&self, actor: &Actor, request: BreakGlassRequest) -> Told<BreakGlass> {
        let facts = there(self.glasses.opening(request.opens).await)?;
        let permit = self.square.access().decide::<OpenBreakGlass>(actor, facts).await.map_err(denied)?;
        self.glasses.open(permit, request).await.map_err(told)
    }

    async fn opens(&self, actor: &Actor, opens: BrokenGlass) -> Told<BreakGlass> {
        self.states(actor, stated(opens)).await
    }

    async fn may_look(&self, actor: &Actor, id: BreakGlassId, copy: Option<CopyId>) -> Told<Permit<LookThroughGlass>> {
        let facts = there(self.glasses.access(id, copy).await)?;
        self.square.access().decide::<LookThroughGlass>(actor, facts).await.map_err(denied)
    }

    async fn looks(&self, actor: &Actor, id: BreakGlassId, copy: CopyId) -> Told<SealedCopy> {
        let permit = self.may_look(actor, id, Some(copy)).await?;
        self.glasses.look(permit).await.map_err(told)
    }

    async fn copies(&self, actor: &Actor, id: BreakGlassId) -> Told<Vec<CopyId>> {
        let permit = self.may_look(actor, id, None).await?;
        let opened = self.glasses.copies(permit).await.map_err(told)?;
        Ok(opened.copies.into_iter().map(|copy| copy.copy_id).collect())
    }

    async fn ends(&self, actor: &Actor, id: BreakGlassId) -> Told<BreakGlass> {
        let facts = there(self.glasses.access(id, None).await)?;
        let permit = self.square.access().decide::<EndBreakGlass>(actor, facts).await.map_err(denied)?;
        self.glasses.end(permit).await.map_err(told)
    }

    async fn reviews(&self, actor: &Actor, id: BreakGlassId) -> Told<BreakGlass> {
        let facts = there(self.glasses.access(id, None).await)?;
        let permit = self.square.access().decide::<ReviewBreakGlass>(actor, facts).await.map_err(denied)?;
        let note = "The hospital has confirmed the demand.".to_owned();
        self.glasses.review(permit, ReviewRequest { finding: Finding::Justified, note }).await.map_err(told)
    }

    async fn listed(&self, actor: &Actor, centre: Option<&str>, all: bool) -> Told<Vec<BreakGlassId>> {
        let permit = self.square.access().decide::<ReadBreakGlass>(actor, centre.map(edrpou)).await.map_err(denied)?;
        let page = self.glasses.list(permit, all, None, PAGE_ITEMS).await.map_err(told)?;
        Ok(page.accesses.into_iter().map(|access| access.break_glass_id).collect())
    }

    fn waits(&self, minutes: i64) {
        self.square.town.clock.advance(Duration::minutes(minutes));
    }
}

#[tokio::test]
async fn an_access_shows_what_consent_keeps_and_its_owner_sees_who_opened_it_and_each_look() {
    let hall = Hall::new().await;
    let square = &hall.square;
    let (attached, other) = (square.store(1).await.unwrap(), square.store(1).await.unwrap());
    let applied = square.apply(1, CENTRE).await.unwrap();
    square.attach(1, applied, attached, true).await.unwrap();
    square.withdraw(1, applied).await.unwrap();
    assert_eq!(square.look(CENTRE, applied, attached).await, Err(ProblemCode::ApplicationEnded));

    let access = hall.opens(&head(), application(applied)).await.unwrap();
    assert_eq!((access.subject, access.centre, access.looks), (person_id(1), Some(edrpou(CENTRE)), 0));
    assert_eq!(access.ends_at - access.opened_at, Duration::minutes(60));
    let id = access.break_glass_id;
    assert_eq!(hall.copies(&head(), id).await, Ok(vec![attached]));
    assert_eq!(hall.looks(&head(), id, attached).await.unwrap().sealed, [1; 10]);
    assert_eq!(hall.looks(&head(), id, other).await, Err(ProblemCode::NotFound), "never attached");
    // The ordinary gate is closed as before, and nobody else looks under it.
    assert_eq!(square.look(CENTRE, applied, attached).await, Err(ProblemCode::ApplicationEnded));
    for (actor, code) in [
        // They are the person who opened it, in another role.
        (administrator(CENTRE), ProblemCode::ActionForbidden),
        (official(6, Role::HeadOfCentre, Some(CENTRE)), ProblemCode::NotFound),
        (officer(5), ProblemCode::ActionForbidden),
        (applicant(1), ProblemCode::NotFound),
        (official(4, Role::HeadOfCentre, Some(OTHER_CENTRE)), ProblemCode::ActionForbidden),
        (official(4, Role::CentreAdministrator, Some(CENTRE)), ProblemCode::ActionForbidden),
    ] {
        assert_eq!(hall.looks(&actor, id, attached).await, Err(code), "{actor:?}");
    }
    let mut looks = square.looks(1).await;
    looks.reverse();
    let named = |object: String| looks.iter().filter(|look| look.object == object).count();
    assert_eq!((looks.len(), named(format!("break_glass:{id}")), named(format!("copy:{attached}"))), (3, 2, 1));
    for look in &looks {
        assert_eq!((look.break_glass, look.acting_for), (Some(id), Some(edrpou(CENTRE))));
        assert_eq!((look.looked_by.clone(), look.purpose.as_str()), (head().pseudonym(), "break-glass.vital-interest"));
        assert!(look.legal_ground.contains("стаття 11"));
    }
    for (action, times) in
        [("break_glass.open", 1), ("break_glass.copies", 1), ("break_glass.look", 1), ("copy.look", 0)]
    {
        assert_eq!(square.audited(action).await, times, "{action}");
    }
    let seen = there(hall.glasses.access(id, None).await).unwrap();
    assert!(seen.open);
}

#[tokio::test]
async fn a_persons_copies_are_opened_where_they_applied_or_by_a_security_officer() {
    let hall = Hall::new().await;
    let copy = hall.square.store(1).await.unwrap();
    let foreign = hall.square.store(2).await.unwrap();
    assert_eq!(hall.opens(&head(), whole(1)).await, Err(ProblemCode::NotFound), "they never applied there");
    hall.square.apply(1, OTHER_CENTRE).await.unwrap();
    assert_eq!(hall.opens(&head(), whole(1)).await, Err(ProblemCode::NotFound));
    let access = hall.opens(&officer(5), whole(1)).await.unwrap();
    assert_eq!(access.centre, None);
    assert_eq!(hall.copies(&officer(5), access.break_glass_id).await, Ok(vec![copy]));
    assert!(hall.looks(&officer(5), access.break_glass_id, copy).await.is_ok());
    assert_eq!(hall.looks(&officer(5), access.break_glass_id, foreign).await, Err(ProblemCode::NotFound));
    hall.square.apply(1, CENTRE).await.unwrap();
    let access = hall.opens(&head(), whole(1)).await.unwrap();
    assert_eq!(access.centre, Some(edrpou(CENTRE)));
    // What is erased meanwhile is gone for this access too.
    hall.square.erase(1, copy).await.unwrap();
    assert_eq!(hall.looks(&head(), access.break_glass_id, copy).await, Err(ProblemCode::NotFound));
    assert_eq!(hall.copies(&head(), access.break_glass_id).await, Ok(Vec::new()));
}

#[tokio::test]
async fn nobody_opens_without_a_signature_a_reason_or_in_their_own_matter() {
    let hall = Hall::new().await;
    let applied = hall.square.apply(1, CENTRE).await.unwrap();
    let own = hall.square.apply(4, CENTRE).await.unwrap();
    let opens = application(applied);
    for (actor, opens, code) in [
        (unsigned(head()), opens, ProblemCode::StepUpRequired),
        (unsigned(officer(5)), opens, ProblemCode::StepUpRequired),
        (head(), application(own), ProblemCode::BreakGlassOwn),
        (head(), whole(4), ProblemCode::BreakGlassOwn),
        (officer(5), whole(5), ProblemCode::BreakGlassOwn),
        (administrator(CENTRE), opens, ProblemCode::ActionForbidden),
        (official(4, Role::HeadOfCentre, Some(OTHER_CENTRE)), opens, ProblemCode::NotFound),
        (official(4, Role::HeadOfAgency, Some(CENTRE)), opens, ProblemCode::ActionForbidden),
        (official(4, Role::NodeOperator, None), opens, ProblemCode::NotFound),
        (official(4, Role::Auditor, None), opens, ProblemCode::NotFound),
        (hall.square.town.operator(), opens, ProblemCode::NotFound),
        (applicant(2), opens, ProblemCode::NotFound),
        (head(), whole(9), ProblemCode::NotFound),
    ] {
        assert_eq!(hall.opens(&actor, opens).await, Err(code), "{actor:?}");
    }
    let long = "a".repeat(1001);
    for (reason, minutes) in [
        ("", None),
        ("because", None),
        ("  because            \n", None),
        ("The hospital\u{0} asks for the papers.", None),
        (&*long, None),
        (REASON, Some(0)),
        (REASON, Some(61)),
    ] {
        let request = BreakGlassRequest { reason: reason.to_owned(), minutes, ..stated(opens) };
        assert_eq!(hall.states(&head(), request).await, Err(ProblemCode::BreakGlassReason), "{reason:?} {minutes:?}");
    }
    // A permit for one thing opens no other.
    let facts = there(hall.glasses.opening(opens).await).unwrap();
    let permit = hall.square.access().decide::<OpenBreakGlass>(&head(), facts).await.unwrap();
    let swapped = hall.glasses.open(permit, stated(whole(1))).await;
    assert_eq!(swapped.map_err(told), Err(ProblemCode::BreakGlassReason));
    assert_eq!((hall.square.audited("break_glass.open").await, hall.square.looks(1).await.len()), (0, 0));
}

#[tokio::test]
async fn an_access_is_over_at_its_time_or_when_it_is_ended_and_serves_no_more() {
    let hall = Hall::new().await;
    let copy = hall.square.store(1).await.unwrap();
    let applied = hall.square.apply(1, CENTRE).await.unwrap();
    hall.square.attach(1, applied, copy, true).await.unwrap();
    let request = BreakGlassRequest { minutes: Some(10), ..stated(application(applied)) };
    let id = hall.states(&head(), request).await.unwrap().break_glass_id;
    hall.waits(9);
    assert!(hall.looks(&head(), id, copy).await.is_ok());
    let (late, listing) = (hall.may_look(&head(), id, Some(copy)).await, hall.may_look(&head(), id, None).await);
    hall.waits(1);
    assert_eq!(hall.looks(&head(), id, copy).await, Err(ProblemCode::BreakGlassOver));
    assert_eq!(hall.copies(&head(), id).await, Err(ProblemCode::BreakGlassOver));
    // Permitted in time, and too late: it is asked again where the bytes are read.
    assert_eq!(hall.glasses.look(late.unwrap()).await.map_err(told), Err(ProblemCode::BreakGlassOver));
    assert_eq!(hall.glasses.copies(listing.unwrap()).await.map_err(told), Err(ProblemCode::BreakGlassOver));
    assert_eq!(hall.ends(&head(), id).await, Err(ProblemCode::BreakGlassOver));

    for ends in [head(), officer(5)] {
        let id = hall.opens(&head(), application(applied)).await.unwrap().break_glass_id;
        let permit = hall.may_look(&head(), id, Some(copy)).await.unwrap();
        assert_eq!(hall.ends(&official(6, Role::HeadOfCentre, Some(CENTRE)), id).await, Err(ProblemCode::NotFound));
        let ended = hall.ends(&ends, id).await.unwrap();
        assert!(ended.ended_at.is_some());
        assert_eq!(hall.glasses.look(permit).await.map_err(told), Err(ProblemCode::BreakGlassOver));
        assert_eq!(hall.looks(&head(), id, copy).await, Err(ProblemCode::BreakGlassOver));
        assert_eq!(hall.ends(&ends, id).await, Err(ProblemCode::BreakGlassOver));
        hall.waits(1);
    }
    assert_eq!((hall.square.audited("break_glass.look").await, hall.square.audited("break_glass.end").await), (1, 2));
}

#[tokio::test]
async fn an_access_waits_in_the_list_until_another_person_has_reviewed_it_once() {
    let hall = Hall::new().await;
    let applied = hall.square.apply(1, CENTRE).await.unwrap();
    let first = hall.opens(&officer(5), application(applied)).await.unwrap().break_glass_id;
    hall.waits(1);
    let second = hall.opens(&head(), application(applied)).await.unwrap().break_glass_id;
    assert_eq!(hall.reviews(&officer(6), first).await, Err(ProblemCode::BreakGlassNotOver));
    hall.ends(&officer(5), first).await.unwrap();
    assert_eq!(hall.reviews(&unsigned(officer(6)), first).await, Err(ProblemCode::StepUpRequired));
    assert_eq!(hall.reviews(&officer(5), first).await, Err(ProblemCode::BreakGlassOwn), "who opened it");
    assert_eq!(hall.reviews(&head(), first).await, Err(ProblemCode::NotFound));
    let auditor = official(6, Role::Auditor, None);
    assert_eq!(hall.reviews(&auditor, first).await, Err(ProblemCode::NotFound), "an auditor changes nothing");
    for watcher in [officer(5), auditor.clone()] {
        assert_eq!(hall.listed(&watcher, None, false).await, Ok(vec![second, first]));
    }
    assert_eq!(hall.listed(&head(), Some(CENTRE), false).await, Ok(vec![second, first]), "the centre is told");
    let foreign = official(4, Role::HeadOfCentre, Some(OTHER_CENTRE));
    assert_eq!(hall.listed(&foreign, Some(OTHER_CENTRE), true).await, Ok(Vec::new()));
    for (actor, centre) in
        [(foreign, Some(CENTRE)), (administrator(CENTRE), Some(CENTRE)), (hall.square.town.operator(), None)]
    {
        assert_eq!(hall.listed(&actor, centre, true).await, Err(ProblemCode::ActionForbidden), "{actor:?}");
    }
    let reviewed = hall.reviews(&officer(6), first).await.unwrap();
    assert_eq!(
        reviewed.review.map(|it| (it.finding, it.reviewed_by)),
        Some((Finding::Justified, officer(6).pseudonym()))
    );
    assert_eq!(hall.reviews(&officer(6), first).await, Err(ProblemCode::BreakGlassReviewed));
    assert_eq!(hall.listed(&auditor, None, false).await, Ok(vec![second]));
    assert_eq!(hall.listed(&auditor, None, true).await, Ok(vec![second, first]));
    // Whose data it was judges it as little.
    let of_officer = hall.square.apply(6, CENTRE).await.unwrap();
    let third = hall.opens(&officer(5), application(of_officer)).await.unwrap().break_glass_id;
    hall.ends(&officer(5), third).await.unwrap();
    assert_eq!(hall.reviews(&officer(6), third).await, Err(ProblemCode::BreakGlassOwn));
    assert_eq!(hall.square.audited("break_glass.review").await, 1);
}

#[tokio::test]
async fn one_person_has_one_open_and_too_many_unreviewed_open_no_more() {
    let hall = Hall::new().await;
    let (one, other) = (hall.square.apply(1, CENTRE).await.unwrap(), hall.square.apply(2, CENTRE).await.unwrap());
    let mut id = hall.opens(&head(), application(one)).await.unwrap().break_glass_id;
    // A confirmation serves for five minutes: within them it opens no second thing beside the first.
    assert_eq!(hall.opens(&head(), application(other)).await, Err(ProblemCode::BreakGlassOpen));
    assert!(hall.opens(&officer(5), application(other)).await.is_ok(), "another person's is not counted");
    for _ in 1..BREAK_GLASS_UNREVIEWED {
        hall.ends(&head(), id).await.unwrap();
        id = hall.opens(&head(), application(other)).await.unwrap().break_glass_id;
    }
    hall.waits(60);
    assert_eq!(hall.opens(&head(), application(one)).await, Err(ProblemCode::BreakGlassUnreviewed));
    hall.reviews(&officer(6), id).await.unwrap();
    assert!(hall.opens(&head(), application(one)).await.is_ok());
}

#[tokio::test]
async fn an_access_is_neither_changed_nor_deleted_and_its_time_does_not_grow() {
    let hall = Hall::new().await;
    let applied = hall.square.apply(1, CENTRE).await.unwrap();
    let id = hall.opens(&head(), application(applied)).await.unwrap().break_glass_id;
    hall.ends(&head(), id).await.unwrap();
    for sql in [
        "-- forge\n UPDATE break_glass SET ends_at = ends_at + 1",
        "-- forge\n UPDATE break_glass SET ended_at = NULL, ended_by = NULL",
        "-- forge\n UPDATE break_glass SET reason = 'another'",
        "-- forge\n UPDATE break_glass SET application = NULL",
        "-- forge\n DELETE FROM break_glass",
    ] {
        let draft = EventDraft {
            action: Action::Request,
            actor: "node".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        };
        let event = hall.square.town.ledger.prepare(draft);
        let forged = hall.square.town.ledger.transact("forge", move |tx| {
            tx.execute(sql, &[])?;
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(()))
        });
        let refused = forged.await.err();
        let told = matches!(&refused, Some(TxError::Refused(StoreError::Database(it))) if it.contains("break-glass"));
        assert!(told, "{sql}: {refused:?}");
    }
}
