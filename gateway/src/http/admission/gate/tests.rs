//! The gate before a simulated node, on a simulated clock.

use super::*;

const TICK: Duration = Duration::from_millis(1);

/// Submissions that the simulated node can complete a second.
const CAPACITY: f64 = 1000.0;

/// What a run came to.
#[derive(Debug, Default)]
struct Outcome {
    arrived: u64,
    completed: u64,
    refused: u64,
    longest_wait: Duration,
    longest_work: Duration,
}

/// A node that shares its processor among all that it works on: each millisecond brings [`CAPACITY`]/1000 submissions to an
/// end, whatever their number. Some of the processor is spent on refusals too.
struct Simulation {
    core: Core<u64>,
    start: Instant,
    now: Duration,
    /// When it began, and what is still to be done, in submissions.
    working: Vec<(Duration, f64)>,
    waiting: VecDeque<(u64, Duration, Duration)>,
    numbers: u64,
    outcome: Outcome,
}

impl Simulation {
    fn new() -> Self {
        let start = Instant::now();
        let (working, waiting, outcome) = (Vec::new(), VecDeque::new(), Outcome::default());
        Self { core: Core::new(MOST, start), start, now: Duration::ZERO, working, waiting, numbers: 0, outcome }
    }

    fn instant(&self) -> Instant {
        self.start + self.now
    }

    fn arrive(&mut self) {
        self.outcome.arrived += 1;
        let turned_away = self.core.turns_away(self.instant());
        let arrival = self.core.arrive(self.instant());
        assert_eq!(turned_away, matches!(arrival, Arrival::Refused), "who looks ahead sees what would become of it");
        match arrival {
            Arrival::Go => self.working.push((self.now, 1.0)),
            Arrival::Refused => self.outcome.refused += 1,
            Arrival::Wait(patience) => {
                self.numbers += 1;
                self.core.wait(self.numbers, self.instant());
                self.waiting.push_back((self.numbers, self.now, self.now + patience));
            }
        }
    }

    /// One millisecond, of which completing work takes `share`.
    fn tick(&mut self, share: f64) {
        self.now += TICK;
        let (now, before) = (self.now, self.waiting.len());
        self.waiting.retain(|(_, _, until)| *until > now);
        self.outcome.refused += (before - self.waiting.len()) as u64;
        let each = CAPACITY / 1000.0 * (1.0 - share) / self.working.len().max(1) as f64;
        self.working.iter_mut().for_each(|(_, left)| *left -= each);
        let (done, working): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.working).into_iter().partition(|(_, left)| *left <= 0.0);
        self.working = working;
        for (began, _) in done {
            let worked = self.now - began;
            self.outcome.completed += 1;
            self.outcome.longest_work = self.outcome.longest_work.max(worked);
            self.core.leave(Some(worked), self.instant());
        }
        while let Some(number) = self.core.next(|number| !self.waiting.iter().any(|(waits, ..)| waits == number)) {
            let at = self.waiting.iter().position(|(waits, ..)| *waits == number).unwrap();
            let (_, since, _) = self.waiting.remove(at).unwrap();
            self.outcome.longest_wait = self.outcome.longest_wait.max(self.now - since);
            self.working.push((self.now, 1.0));
        }
    }

    /// `rate` submissions a second for so many seconds.
    fn run(&mut self, rate: f64, seconds: u32) {
        let mut due = 0.0;
        for _ in 0..seconds * 1000 {
            due += rate / 1000.0;
            while due >= 1.0 {
                self.arrive();
                due -= 1.0;
            }
            self.tick(0.0);
        }
    }
}

#[test]
fn at_three_times_the_capacity_the_node_completes_what_it_can_and_nobody_waits_long() {
    let mut simulation = Simulation::new();
    simulation.run(3.0 * CAPACITY, 30);
    let outcome = &simulation.outcome;
    assert!(outcome.completed as f64 >= 0.9 * CAPACITY * 30.0, "{outcome:?}");
    assert!(outcome.longest_wait <= PATIENCE, "{outcome:?}");
    assert!(outcome.longest_work <= 2 * WORK, "{outcome:?}");
    assert!(outcome.refused as f64 >= 1.8 * CAPACITY * 30.0, "{outcome:?}");
}

#[test]
fn in_a_backlog_nobody_waits_longer_than_the_short_patience() {
    let mut simulation = Simulation::new();
    simulation.run(3.0 * CAPACITY, 5);
    simulation.outcome.longest_wait = Duration::ZERO;
    simulation.run(3.0 * CAPACITY, 20);
    assert!(simulation.outcome.longest_wait <= SHORT, "{:?}", simulation.outcome);
}

#[test]
fn below_its_capacity_the_node_refuses_nobody() {
    let mut simulation = Simulation::new();
    simulation.run(0.9 * CAPACITY, 30);
    assert_eq!(simulation.outcome.refused, 0);
    // A burst of a hundred at once, each second.
    for _ in 0..10 {
        (0..100).for_each(|_| simulation.arrive());
        simulation.run(0.5 * CAPACITY, 1);
    }
    assert_eq!(simulation.outcome.refused, 0, "{:?}", simulation.outcome);
}

#[test]
fn after_a_storm_the_node_is_as_before() {
    let mut simulation = Simulation::new();
    simulation.run(5.0 * CAPACITY, 10);
    simulation.run(0.1 * CAPACITY, 2);
    let refused = simulation.outcome.refused;
    simulation.run(0.8 * CAPACITY, 20);
    assert_eq!(simulation.outcome.refused, refused);
}

#[test]
fn when_the_work_takes_too_long_less_is_taken_on_and_later_more_again() {
    let now = Instant::now();
    let mut core: Core<()> = Core::new(MOST, now);
    let mut at = now;
    let mut round = |core: &mut Core<()>, worked: Duration| {
        while matches!(core.arrive(at), Arrival::Go) {}
        at += WINDOW;
        (0..core.working).for_each(|_| core.leave(Some(worked), at));
        core.window = Window::new(at);
    };
    let slow = |core: &mut Core<()>| {
        while matches!(core.arrive(now), Arrival::Go) {}
        core.leave(Some(WORK * 2), now + WINDOW * 1000);
        core.window = Window::new(now);
    };
    (0..100).for_each(|_| slow(&mut core));
    assert_eq!(core.limit, LEAST);
    core.working = 0;
    (0..50).for_each(|_| round(&mut core, WORK / 2));
    assert!(core.limit > LEAST);
}

#[test]
fn what_was_accepted_goes_first_but_never_shuts_the_gate() {
    let now = Instant::now();
    let mut core: Core<()> = Core::new(MOST, now);
    let taken_on = |core: &mut Core<()>| {
        let before = core.working;
        while matches!(core.arrive(now), Arrival::Go) {}
        core.working - before
    };
    core.completing = FIRST / 2;
    assert_eq!(taken_on(&mut core), FIRST / 2);
    core.working = 0;
    core.completing = 10 * FIRST;
    assert_eq!(taken_on(&mut core), FIRST / 4);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_the_turn_of_one_that_ends_and_whoever_went_away_takes_none() {
    let gate = Arc::new(Gate::new(LEAST));
    let mut turns = Vec::new();
    for _ in 0..LEAST {
        turns.push(gate.enter().await.unwrap());
    }
    let (gone, waits) = (gate.enter(), gate.enter());
    let gone = tokio::time::timeout(Duration::from_millis(1), gone).await;
    assert!(gone.is_err());
    let waits = tokio::spawn({
        let gate = gate.clone();
        drop(waits);
        async move { gate.enter().await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(turns.pop());
    assert!(waits.await.unwrap());
    assert_eq!(gate.core().working, LEAST - 1, "the turn that was given is free again");
    drop(turns);
    assert_eq!(gate.core().working, 0);
}

#[tokio::test(start_paused = true)]
async fn whose_turn_does_not_come_is_told_so() {
    let gate = Arc::new(Gate::new(LEAST));
    let mut turns = Vec::new();
    for _ in 0..LEAST {
        turns.push(gate.enter().await.unwrap());
    }
    assert_eq!(gate.enter().await.err(), Some(ProblemCode::Overloaded));
}

#[tokio::test(start_paused = true)]
async fn large_submissions_keep_no_place_of_small_ones() {
    let gate = Arc::new(Gate::new(LEAST));
    let mut large = Vec::new();
    for _ in 0..LARGE {
        large.push(gate.enter_large().await.unwrap());
    }
    assert_eq!(gate.enter_large().await.err(), Some(ProblemCode::Overloaded));
    assert!(gate.enter().await.is_ok());
    drop(large.pop());
    assert!(gate.enter_large().await.is_ok());
}
