//! Break-glass access against a model of it: under any sequence of deeds and any passing of time, a look succeeds exactly while the model says
//! that the access is open, is its opener's, and opens that copy; what ended or is reviewed comes back under no sequence; and each look leaves
//! exactly one row for the owner.

use proptest::prelude::*;

use super::*;

/// What happens. Accesses are named by their place among those there are; a place beyond the last is none.
#[derive(Debug, Clone)]
enum Deed {
    Open { actor: usize, subject: u8, minutes: u16 },
    Look { actor: usize, access: usize, owner: u8 },
    End { actor: usize, access: usize },
    Review { actor: usize, access: usize },
    Wait { minutes: i64 },
}

/// Two heads of the centre, two security officers.
fn actor(place: usize) -> Actor {
    match place {
        0 => head(),
        1 => official(3, Role::HeadOfCentre, Some(CENTRE)),
        2 => officer(5),
        _ => officer(6),
    }
}

fn is_officer(place: usize) -> bool {
    place >= 2
}

struct Opened {
    id: BreakGlassId,
    by: usize,
    subject: u8,
    until: i64,
    ended: bool,
    reviewed: bool,
}

/// Minutes since the beginning are the model's time.
struct World {
    hall: Hall,
    copies: [CopyId; 2],
    opened: Vec<Opened>,
    now: i64,
    looks: [usize; 2],
}

impl World {
    async fn new() -> Self {
        let hall = Hall::new().await;
        let copies = [hall.square.store(1).await.unwrap(), hall.square.store(2).await.unwrap()];
        for owner in [1, 2] {
            hall.square.apply(owner, CENTRE).await.unwrap();
        }
        Self { hall, copies, opened: Vec::new(), now: 0, looks: [0; 2] }
    }

    fn is_open(&self, access: &Opened) -> bool {
        !access.ended && self.now < access.until
    }

    fn id(&self, access: usize) -> BreakGlassId {
        self.opened.get(access).map_or_else(|| BreakGlassId::from_parts(1, [9; 10]), |it| it.id)
    }

    async fn happens(&mut self, deed: &Deed) {
        match *deed {
            Deed::Open { actor: by, subject, minutes } => {
                let own = |it: &&Opened| it.by == by;
                let busy = self.opened.iter().filter(own).any(|it| self.is_open(it));
                let unreviewed = self.opened.iter().filter(own).filter(|it| !it.reviewed).count();
                let may = !busy && unreviewed < BREAK_GLASS_UNREVIEWED as usize && (1..=60).contains(&minutes);
                let request = BreakGlassRequest { minutes: Some(minutes), ..stated(whole(subject)) };
                let opened = self.hall.states(&actor(by), request).await;
                assert_eq!(opened.is_ok(), may, "{deed:?}: {opened:?}");
                if let Ok(access) = opened {
                    let (id, until) = (access.break_glass_id, self.now + i64::from(minutes));
                    self.opened.push(Opened { id, by, subject, until, ended: false, reviewed: false });
                    self.looks[usize::from(subject - 1)] += 1;
                }
            }
            Deed::Look { actor: by, access, owner } => {
                let sees = |it: &Opened| it.by == by && it.subject == owner && self.is_open(it);
                let may = self.opened.get(access).is_some_and(sees);
                let at = usize::from(owner - 1);
                let looked = self.hall.looks(&actor(by), self.id(access), self.copies[at]).await;
                assert_eq!(looked.is_ok(), may, "{deed:?}: {looked:?}");
                self.looks[at] += usize::from(may);
            }
            Deed::End { actor: by, access } => {
                let ends = |it: &Opened| (it.by == by || is_officer(by)) && self.is_open(it);
                let may = self.opened.get(access).is_some_and(ends);
                assert_eq!(self.hall.ends(&actor(by), self.id(access)).await.is_ok(), may, "{deed:?}");
                self.opened.iter_mut().skip(access).take(usize::from(may)).for_each(|it| it.ended = true);
            }
            Deed::Review { actor: by, access } => {
                let judges = |it: &Opened| is_officer(by) && it.by != by && !self.is_open(it) && !it.reviewed;
                let may = self.opened.get(access).is_some_and(judges);
                assert_eq!(self.hall.reviews(&actor(by), self.id(access)).await.is_ok(), may, "{deed:?}");
                self.opened.iter_mut().skip(access).take(usize::from(may)).for_each(|it| it.reviewed = true);
            }
            Deed::Wait { minutes } => {
                self.hall.waits(minutes);
                self.now += minutes;
            }
        }
    }

    /// Everybody looks through everything, and then what is written down is what was seen, and the list is what waits for a review.
    async fn ends_well(&mut self) {
        for access in 0..self.opened.len() {
            for by in 0..4 {
                for owner in 1..3 {
                    self.happens(&Deed::Look { actor: by, access, owner }).await;
                }
            }
        }
        for owner in 1..3_u8 {
            let written = self.hall.square.looks(owner).await.len();
            assert_eq!(written, self.looks[usize::from(owner - 1)].min(PAGE_ITEMS as usize));
        }
        let waits = self.opened.iter().filter(|it| !it.reviewed).count();
        assert_eq!(self.hall.listed(&officer(5), None, false).await.unwrap().len(), waits);
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    let (access, owner) = (0..6_usize, 1..3_u8);
    prop_oneof![
        3 => (0..4_usize, 1..3_u8, 0..70_u16).prop_map(|(actor, subject, minutes)| Deed::Open { actor, subject, minutes }),
        5 => (0..4_usize, access.clone(), owner).prop_map(|(actor, access, owner)| Deed::Look { actor, access, owner }),
        2 => (0..4_usize, access.clone()).prop_map(|(actor, access)| Deed::End { actor, access }),
        2 => (0..4_usize, access).prop_map(|(actor, access)| Deed::Review { actor, access }),
        3 => (1..40_i64).prop_map(|minutes| Deed::Wait { minutes }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_access_serves_exactly_while_the_model_says_so(deeds in proptest::collection::vec(deed(), 1..40)) {
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
