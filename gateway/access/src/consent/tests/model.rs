//! The gate against a model of it: under any sequence of deeds and any passing of time, a look succeeds exactly when the model says so, and
//! leaves exactly one row for the owner and one entry in the log.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::town::NOON;

/// What happens. Copies and applications are named by their place among those there are; a place beyond the last is nobody's.
#[derive(Debug, Clone)]
enum Deed {
    Store { owner: u8 },
    Erase { actor: u8, copy: usize },
    Apply { actor: u8, centre: usize },
    Attach { actor: u8, application: usize, copy: usize },
    Detach { actor: u8, application: usize, copy: usize },
    Withdraw { actor: u8, application: usize },
    Close { centre: usize, application: usize, class: usize },
    Look { centre: usize, application: usize, copy: usize, purpose: bool },
    Wait { hours: i64 },
}

const CENTRES: [&str; 2] = [CENTRE, OTHER_CENTRE];
const CLASSES: [(&str, Option<i64>); 3] = [("standard", Some(30)), ("brief", Some(1)), ("permanent", None)];

fn deed() -> impl Strategy<Value = Deed> {
    let (actor, centre, place) = (1..3_u8, 0..2_usize, 0..4_usize);
    prop_oneof![
        2 => actor.clone().prop_map(|owner| Deed::Store { owner }),
        1 => (actor.clone(), place.clone()).prop_map(|(actor, copy)| Deed::Erase { actor, copy }),
        3 => (actor.clone(), centre.clone()).prop_map(|(actor, centre)| Deed::Apply { actor, centre }),
        6 => (actor.clone(), place.clone(), place.clone())
            .prop_map(|(actor, application, copy)| Deed::Attach { actor, application, copy }),
        2 => (actor.clone(), place.clone(), place.clone())
            .prop_map(|(actor, application, copy)| Deed::Detach { actor, application, copy }),
        1 => (actor, place.clone()).prop_map(|(actor, application)| Deed::Withdraw { actor, application }),
        2 => (centre.clone(), place.clone(), 0..3_usize)
            .prop_map(|(centre, application, class)| Deed::Close { centre, application, class }),
        8 => (centre, place.clone(), place, prop::bool::weighted(0.9))
            .prop_map(|(centre, application, copy, purpose)| Deed::Look { centre, application, copy, purpose }),
        2 => prop_oneof![Just(1_i64), Just(23), Just(24), Just(24 * 29), Just(24 * 31)].prop_map(|hours| Deed::Wait { hours }),
    ]
}

struct KeptCopy {
    id: CopyId,
    owner: u8,
    erased: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Stands {
    Open,
    Withdrawn,
    Closed { until: Option<OffsetDateTime> },
}

struct Made {
    id: ApplicationId,
    applicant: u8,
    centre: usize,
    attached: BTreeSet<usize>,
    stands: Stands,
}

struct World {
    square: Square,
    now: OffsetDateTime,
    copies: Vec<KeptCopy>,
    applications: Vec<Made>,
    /// Whose each look was.
    looks: Vec<u8>,
}

impl World {
    async fn new() -> Self {
        let square = Square::new().await;
        Self { square, now: NOON, copies: Vec::new(), applications: Vec::new(), looks: Vec::new() }
    }

    /// Whether a centre sees what is attached to an application.
    fn visible(&self, application: &Made) -> bool {
        match application.stands {
            Stands::Open => true,
            Stands::Withdrawn => false,
            Stands::Closed { until } => until.is_none_or(|until| self.now < until),
        }
    }

    fn sees(&self, centre: usize, application: usize, copy: usize) -> bool {
        let (Some(made), Some(kept)) = (self.applications.get(application), self.copies.get(copy)) else {
            return false;
        };
        made.centre == centre && made.attached.contains(&copy) && !kept.erased && self.visible(made)
    }

    /// Identifiers; for a place that nobody has, one that nobody has.
    fn ids(&self, application: usize, copy: usize) -> (ApplicationId, CopyId) {
        let application = self.applications.get(application).map(|made| made.id);
        let copy = self.copies.get(copy).map(|kept| kept.id);
        (application.unwrap_or(ApplicationId::from_parts(7, [7; 10])), copy.unwrap_or(CopyId::from_parts(7, [7; 10])))
    }

    /// Whether the person may move the copy in and out of the application.
    fn moves(&self, actor: u8, application: usize, copy: usize) -> bool {
        let (Some(made), Some(kept)) = (self.applications.get(application), self.copies.get(copy)) else {
            return false;
        };
        made.applicant == actor && kept.owner == actor && !kept.erased && made.stands == Stands::Open
    }

    async fn happens(&mut self, deed: &Deed) {
        match *deed {
            Deed::Store { owner } => {
                let id = self.square.store(owner).await.unwrap();
                self.copies.push(KeptCopy { id, owner, erased: false });
            }
            Deed::Erase { actor, copy } => {
                let seen = |made: &Made| made.attached.contains(&copy) && self.visible(made);
                let free = !self.applications.iter().any(seen);
                let expected = free && self.copies.get(copy).is_some_and(|kept| kept.owner == actor && !kept.erased);
                assert_eq!(self.square.erase(actor, self.ids(0, copy).1).await.is_ok(), expected, "{deed:?}");
                self.copies.iter_mut().skip(copy).take(usize::from(expected)).for_each(|kept| kept.erased = true);
            }
            Deed::Apply { actor, centre } => {
                let id = self.square.apply(actor, CENTRES[centre]).await.unwrap();
                let (attached, stands) = (BTreeSet::new(), Stands::Open);
                self.applications.push(Made { id, applicant: actor, centre, attached, stands });
            }
            Deed::Attach { actor, application, copy } => self.moved(actor, application, copy, true).await,
            Deed::Detach { actor, application, copy } => self.moved(actor, application, copy, false).await,
            Deed::Withdraw { actor, application } => {
                let may = |made: &Made| made.applicant == actor && made.stands == Stands::Open;
                let expected = self.applications.get(application).is_some_and(may);
                let done = self.square.withdraw(actor, self.ids(application, 0).0).await;
                assert_eq!(done.is_ok(), expected, "{deed:?}");
                self.ends(application, expected, Stands::Withdrawn);
            }
            Deed::Close { centre, application, class } => {
                let may = |made: &Made| made.centre == centre && made.stands == Stands::Open;
                let expected = self.applications.get(application).is_some_and(may);
                let (class, days) = CLASSES[class];
                let done = self.square.close(CENTRES[centre], self.ids(application, 0).0, class).await;
                assert_eq!(done.is_ok(), expected, "{deed:?}");
                let until = days.map(|days| self.now + Duration::days(days));
                self.ends(application, expected, Stands::Closed { until });
            }
            Deed::Look { centre, application, copy, purpose } => self.looks(centre, application, copy, purpose).await,
            Deed::Wait { hours } => {
                self.square.town.clock.advance(Duration::hours(hours));
                self.now += Duration::hours(hours);
            }
        }
    }

    fn ends(&mut self, application: usize, ends: bool, stands: Stands) {
        self.applications.iter_mut().skip(application).take(usize::from(ends)).for_each(|made| made.stands = stands);
    }

    async fn moved(&mut self, actor: u8, application: usize, copy: usize, attached: bool) {
        let expected = self.moves(actor, application, copy);
        let (id, copy_id) = self.ids(application, copy);
        let moved = self.square.attach(actor, id, copy_id, attached).await;
        assert_eq!(moved.is_ok(), expected, "{actor} moves {copy} of {application}: {attached}");
        if expected && attached {
            self.applications[application].attached.insert(copy);
        } else if expected {
            self.applications[application].attached.remove(&copy);
        }
    }

    async fn looks(&mut self, centre: usize, application: usize, copy: usize, purpose: bool) {
        let expected = self.sees(centre, application, copy) && purpose;
        let (id, copy_id) = self.ids(application, copy);
        let stated = purpose.then_some("application.review");
        let looked = match self.square.may_look(CENTRES[centre], id, copy_id, stated).await {
            Ok(permit) => self.square.consent.look(permit).await.map_err(told),
            Err(code) => Err(code),
        };
        assert_eq!(looked.is_ok(), expected, "{centre} looks at {copy} of {application}: {looked:?}");
        if let Ok(seen) = looked {
            let owner = self.copies[copy].owner;
            assert_eq!(seen.sealed, vec![owner; 10]);
            self.looks.push(owner);
        }
    }

    /// Everybody looks at everything, and then what is written down is what was seen.
    async fn ends_well(&mut self) {
        for application in 0..self.applications.len() {
            for copy in 0..self.copies.len() {
                for centre in 0..CENTRES.len() {
                    self.looks(centre, application, copy, true).await;
                }
            }
        }
        for owner in 1..3 {
            let expected = self.looks.iter().filter(|of| **of == owner).count();
            assert_eq!(self.square.looks(owner).await.len(), expected.min(PAGE_ITEMS as usize), "looks at {owner}'s");
        }
        assert_eq!(self.square.audited("copy.look").await, self.looks.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_look_succeeds_exactly_when_the_model_says_so(deeds in proptest::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for deed in &deeds {
                world.happens(deed).await;
            }
            world.ends_well().await;
        });
    }
}
