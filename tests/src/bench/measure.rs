//! How a row is measured.
//!
//! Every implementation first finds out how often it does its task in a round (`--milliseconds`), which also warms caches, branch predictors
//! and lazily built tables. Then come `--rounds` rounds, in each of them every implementation in turn, so that a slow phase of the machine
//! meets all alike. A round is timed by the processor time of the thread, where the system tells it (Unix; elsewhere by the clock on the wall).
//! The figure is that of the **fastest round**: interrupts, neighbours on the same core and falling clock rates only ever add time. The median
//! stands beside it in the table; where the two are far apart the machine was not quiet.

use std::time::Duration;

use super::options::Effort;

/// One task and all who do it.
pub struct Row {
    /// The name, as the JSON lines have it.
    pub name: &'static str,
    /// Prepares everything, checks everything, and returns who competes.
    pub make: Box<dyn FnOnce() -> Contest>,
}

impl Row {
    /// `make` runs when the row's turn comes.
    pub fn new(name: &'static str, make: impl FnOnce() -> Contest + 'static) -> Self {
        Self { name, make: Box::new(make) }
    }
}

/// Who competes, in what unit.
pub struct Contest {
    /// What the figures count.
    pub unit: Unit,
    /// Ours first.
    pub contenders: Vec<Contender>,
}

/// What figures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Operations a second.
    Operations,
    /// Mebibytes a second.
    Mebibytes,
    /// Mebibytes that the whole process holds at most: no rate, and the less the better.
    Peak,
    /// Microseconds of the median operation, and of the slowest in a hundred: no rate, and the less the better.
    Microseconds,
}

/// One implementation of a task.
pub struct Contender {
    /// `vuzol`, or the name of the peer.
    pub by: &'static str,
    /// How many units one step does.
    pub work: f64,
    /// Does the task; the number counts the steps up.
    pub step: Box<dyn FnMut(usize)>,
    /// What is read before and after a round.
    pub clock: fn() -> Duration,
}

impl Contender {
    /// One operation a step.
    pub fn operation(by: &'static str, step: impl FnMut(usize) + 'static) -> Self {
        Self { by, work: 1.0, step: Box::new(step), clock: processor_time }
    }

    /// So many operations a step, in a process that the step starts and waits for: a peer that is a program. Its own start is in the figure,
    /// so that a step must do many.
    pub fn process(by: &'static str, operations: u32, step: impl FnMut(usize) + 'static) -> Self {
        Self { by, work: operations.into(), step: Box::new(step), clock: processor_time_of_children }
    }

    /// So many bytes a step.
    #[allow(clippy::cast_precision_loss, reason = "a buffer is far below 2^52 bytes")]
    pub fn bytes(by: &'static str, bytes: usize, step: impl FnMut(usize) + 'static) -> Self {
        Self { by, work: bytes as f64 / f64::from(1 << 20), step: Box::new(step), clock: processor_time }
    }
}

/// What came out for one implementation.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The row.
    pub name: &'static str,
    /// The implementation.
    pub by: &'static str,
    /// The unit of the two rates.
    pub unit: Unit,
    /// Units a second of the fastest round; of a peak, the peak; of microseconds, those of the median.
    pub best: f64,
    /// Units a second of the median round; of microseconds, those of the slowest in a hundred.
    pub median: f64,
}

/// Measures a row.
pub fn measure(row: Row, effort: &Effort) -> Vec<Figure> {
    let Contest { unit, mut contenders } = (row.make)();
    let slice = Duration::from_millis(effort.milliseconds.into());
    let mut runs: Vec<Run> = contenders.iter_mut().map(|contender| Run::calibrate(contender, slice)).collect();
    for _ in 0..effort.rounds {
        for (run, contender) in runs.iter_mut().zip(&mut contenders) {
            let time = run.time(contender, run.steps);
            run.times.push(time);
        }
    }
    runs.into_iter().zip(&contenders).map(|(run, contender)| run.figure(row.name, contender, unit)).collect()
}

struct Run {
    /// Steps of one round.
    steps: usize,
    /// Steps so far.
    done: usize,
    times: Vec<Duration>,
}

impl Run {
    /// Doubles the steps until they take a good part of `slice`, then sets them so that they take all of it.
    fn calibrate(contender: &mut Contender, slice: Duration) -> Self {
        let mut run = Self { steps: 1, done: 0, times: Vec::new() };
        loop {
            let time = run.time(contender, run.steps);
            if time >= slice / 3 || run.steps >= 1 << 30 {
                let ratio = slice.as_secs_f64() / time.as_secs_f64().max(1e-9);
                run.steps = scaled(run.steps, ratio).max(1);
                return run;
            }
            run.steps *= 2;
        }
    }

    fn time(&mut self, contender: &mut Contender, steps: usize) -> Duration {
        let before = (contender.clock)();
        for step in self.done..self.done + steps {
            (contender.step)(step);
        }
        self.done += steps;
        (contender.clock)().saturating_sub(before)
    }

    #[allow(clippy::cast_precision_loss, reason = "steps stay far below 2^52")]
    fn figure(mut self, name: &'static str, contender: &Contender, unit: Unit) -> Figure {
        self.times.sort_unstable();
        let work = contender.work * self.steps as f64;
        let rate = |time: Option<&Duration>| work / time.map_or(f64::NAN, |time| time.as_secs_f64().max(1e-9));
        let (best, median) = (rate(self.times.first()), rate(self.times.get(self.times.len() / 2)));
        Figure { name, by: contender.by, unit, best, median }
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "steps stay far below 2^52, and are not negative"
)]
fn scaled(steps: usize, ratio: f64) -> usize {
    (steps as f64 * ratio) as usize
}

/// What this thread has used of a processor.
#[cfg(unix)]
#[must_use]
pub fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// What the clock on the wall says, where no better is known.
#[cfg(not(unix))]
#[must_use]
pub fn processor_time() -> Duration {
    on_the_wall()
}

/// What all threads of this process have used of a processor.
#[cfg(unix)]
#[must_use]
pub fn processor_time_of_process() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// What the clock on the wall says, where no better is known.
#[cfg(not(unix))]
#[must_use]
pub fn processor_time_of_process() -> Duration {
    on_the_wall()
}

/// What processes that this one started and waited for have used of a processor, in hundredths of a second (proc(5), `cutime` and `cstime`
/// of `/proc/self/stat`); the clock on the wall where the system does not tell.
#[must_use]
pub fn processor_time_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program stands in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: Vec<u64> = fields.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system] => Duration::from_millis((user + system) * 10),
        _ => on_the_wall(),
    }
}

fn on_the_wall() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_count_up_and_rates_follow_the_work() {
        fn contest() -> Contest {
            let mut expected = 0;
            let first = Contender::operation("a", move |step| {
                assert_eq!(step, expected);
                expected += 1;
                std::hint::black_box((0..100).fold(step, |sum, value| std::hint::black_box(sum ^ value)));
            });
            let twice = Contender { work: 2.0, ..Contender::operation("b", |_| ()) };
            Contest { unit: Unit::Operations, contenders: vec![first, twice] }
        }
        let effort = Effort { json: false, rounds: 3, milliseconds: 1, only: Vec::new() };
        let figures = measure(Row::new("row", contest), &effort);
        assert_eq!(figures.iter().map(|figure| figure.by).collect::<Vec<_>>(), ["a", "b"]);
        assert!(figures.iter().all(|figure| figure.best >= figure.median && figure.median > 0.0), "{figures:?}");
    }

    #[test]
    fn a_figure_is_of_the_fastest_round() {
        let times = [30, 10, 20].map(Duration::from_millis).to_vec();
        let contender = Contender { work: 2.0, ..Contender::operation("a", |_| ()) };
        let figure = Run { steps: 5, done: 0, times }.figure("row", &contender, Unit::Operations);
        assert!((figure.best - 1000.0).abs() < 1e-6 && (figure.median - 500.0).abs() < 1e-6, "{figure:?}");
    }
}
