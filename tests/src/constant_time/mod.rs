//! Does the time of an operation tell its secret? A test in the manner of dudect (Reparaz, Balasch and Verbauwhede, "Dude, is my code constant
//! time?", 2017), behind the `constant_time` binary and the tests below.
//!
//! An operation is timed many times over inputs of two classes in random order: always the same secret, or each time another. If the two sets of
//! times have different means (Welch's t-test, also after the slowest times are cropped), time depends on the secret. A large t proves a leak; a
//! small one proves nothing, and says how many measurements did not suffice to show one. What a neighbour sees in the cache is not seen here.
//!
//! | module | what it holds |
//! |---|---|
//! | [`clock`] | cycles, where the processor counts them |
//! | [`welch`] | the statistic |
//! | [`targets`] | what is tested: a line for each operation; two leaks, sown to see that they are found |

pub mod clock;
pub mod targets;
pub mod welch;

use crate::chance::Chance;

/// Whether a measurement gets the fixed secret or one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same every time.
    Fixed,
    /// Another every time.
    Random,
}

impl Class {
    /// A secret of `length` bytes.
    pub fn secret(self, chance: &mut Chance, length: usize) -> Vec<u8> {
        let own = chance.bytes(length);
        match self {
            Self::Fixed => FIXED.iter().copied().cycle().take(length).collect(),
            Self::Random => own,
        }
    }
}

/// An operation under test.
pub struct Target {
    /// What it is.
    pub name: &'static str,
    /// Whether its time does depend on the secret: then the test must find that.
    pub leaks: bool,
    /// Measures one batch.
    batch: Batch,
}

type Batch = Box<dyn FnMut(&mut Chance, &mut Samples)>;

/// Times, by class.
#[derive(Debug, Default)]
pub struct Samples {
    fixed: Vec<f64>,
    random: Vec<f64>,
}

impl Target {
    /// `input` makes what one measurement needs, before the clock starts; `operation` is what is measured. Both classes must make it alike: where
    /// only the one allocates, or the one leaves its bytes in a nearer cache, that is what will be found.
    pub fn new<I: 'static, O>(
        name: &'static str,
        input: impl Fn(Class, &mut Chance) -> I + 'static,
        operation: impl Fn(&mut I) -> O + 'static,
    ) -> Self {
        let batch = move |chance: &mut Chance, samples: &mut Samples| {
            let mut inputs: Vec<(Class, I)> = (0..BATCH)
                .map(|_| {
                    let class = if chance.next() >> 63 == 0 { Class::Fixed } else { Class::Random };
                    (class, input(class, chance))
                })
                .collect();
            for (class, input) in &mut inputs {
                let cycles = clock::cycles(|| operation(std::hint::black_box(input)));
                match class {
                    Class::Fixed => samples.fixed.push(cycles),
                    Class::Random => samples.random.push(cycles),
                }
            }
        };
        Self { name, leaks: false, batch: Box::new(batch) }
    }

    /// The same, known to leak.
    #[must_use]
    pub fn that_leaks(self) -> Self {
        Self { leaks: true, ..self }
    }

    /// The largest |t| over `measurements` measurements.
    pub fn measure(&mut self, measurements: usize, chance: &mut Chance) -> f64 {
        // The first batch warms up.
        (self.batch)(chance, &mut Samples::default());
        let mut samples = Samples::default();
        while samples.fixed.len() + samples.random.len() < measurements {
            (self.batch)(chance, &mut samples);
        }
        welch::largest(&samples.fixed, &samples.random)
    }

    /// Whether time tells the secret: |t| is above [`THRESHOLD`] in each of up to [`ATTEMPTS`] attempts. One that is not ends it: noise comes
    /// and goes, a leak stays. Returns the last |t| too.
    pub fn tells(&mut self, measurements: usize, chance: &mut Chance) -> (bool, f64) {
        let mut last = 0.0;
        for _ in 0..ATTEMPTS {
            last = self.measure(measurements, chance);
            if last <= THRESHOLD {
                return (false, last);
            }
        }
        (true, last)
    }
}

/// dudect suspects a leak from 4.5 on and is certain from 10 on; on a machine with neighbours only the second is of use.
pub const THRESHOLD: f64 = 10.0;
/// How often a leak must show itself to be believed.
pub const ATTEMPTS: usize = 3;
/// Inputs that are made before any of them is used.
const BATCH: usize = 250;
/// The fixed secret: neither all zeros nor all ones, as these could be special.
const FIXED: [u8; 8] = [0x3c, 0xa5, 0x0f, 0x96, 0xc3, 0x5a, 0xf0, 0x69];

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounded: a few seconds.
    const MEASUREMENTS: usize = 8_000;

    #[test]
    fn sown_leaks_are_found_and_the_code_has_none() {
        let mut chance = Chance::new(2017);
        let mut sown = 0;
        for mut target in targets::all() {
            let (tells, t) = target.tells(MEASUREMENTS, &mut chance);
            assert_eq!(tells, target.leaks, "{}: |t| = {t:.1}", target.name);
            sown += usize::from(target.leaks);
        }
        assert!(sown >= 2);
    }
}
