//! Fuzz targets: a function for each parser of `crypto`, `certs`, `signing` and `access`, and of what identity providers say, fed with anything.
//! It must not panic, and what it accepts must hold together: what is
//! read is written again as it was, and nothing is accepted that nobody signed.
//!
//! They run in two ways. `cargo test -p tests --lib fuzz` spoils the seeds in a bounded, repeatable run (more of it with `FUZZ_ROUNDS`); where a
//! nightly compiler and `cargo fuzz` are at hand, `tests/fuzz` hands the same functions to libFuzzer, which sees what the code covers.
//!
//! | module | what it holds |
//! |---|---|
//! | [`targets`] | the functions, and where their seeds come from |
//! | [`certs`] | those of `certs` |
//! | [`access`] | those of `access`: tables, login texts, bundles of policies |
//! | [`audit`] | those of exported parts of a log, and of what its index is made from |
//! | [`asic`] | those of signed containers |
//! | [`lists`] | that of trusted lists |
//! | [`xml`] | those of XML and its signatures |
//! | [`openid`] | those of what an identity provider says |
//! | [`signing`] | those of `signing` |
//! | [`mutate`] | how bytes are spoilt |

pub mod access;
pub mod asic;
pub mod audit;
pub mod certs;
pub mod lists;
pub mod mutate;
pub mod openid;
pub mod signing;
pub mod targets;
pub mod xml;

use crate::chance::Chance;
use mutate::Mutator;

/// A parser under test.
pub struct Target {
    /// Its name, and that of its file in `tests/fuzz/fuzz_targets`.
    pub name: &'static str,
    /// Inputs that are accepted, or nearly.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Parses; panics where something does not hold.
    pub run: fn(&[u8]),
}

/// Runs the target on its seeds, on every cut of them, and on `rounds` spoilt copies. The same `seed` gives the same inputs.
///
/// # Panics
/// Where the target does; the input is printed then.
pub fn smoke(target: &Target, rounds: u64, seed: u64) {
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    for bytes in &seeds {
        watched(target, bytes);
        let step = (bytes.len() / CUTS).max(1);
        (0..bytes.len()).step_by(step).for_each(|end| watched(target, &bytes[..end]));
    }
    let mut mutator = Mutator::new(&seeds, Chance::new(seed));
    for _ in 0..rounds {
        watched(target, &mutator.next_input());
    }
}

/// Runs the target; prints the input where it panics.
#[allow(clippy::print_stderr, reason = "the input that a failing test has found")]
fn watched(target: &Target, input: &[u8]) {
    struct Watch<'a>(&'a Target, &'a [u8]);
    impl Drop for Watch<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{} fails on {}", self.0.name, crypto::digest::hex(self.1));
            }
        }
    }
    let _watch = Watch(target, input);
    (target.run)(input);
}

/// How many cuts of a seed are tried.
const CUTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs of each target. More are made by whoever sets `FUZZ_ROUNDS`.
    const ROUNDS: u64 = 400;

    #[test]
    fn every_target_stands_a_smoke_run() {
        let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
        for (seed, target) in (1..).zip(
            targets::ALL
                .iter()
                .chain(certs::ALL)
                .chain(asic::ALL)
                .chain(signing::ALL)
                .chain(xml::ALL)
                .chain(lists::ALL)
                .chain(openid::ALL)
                .chain(access::ALL)
                .chain(audit::ALL),
        ) {
            smoke(target, rounds, seed);
        }
    }

    #[test]
    fn every_target_has_its_harness() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
        let modules = [
            ("targets", targets::ALL),
            ("certs", certs::ALL),
            ("asic", asic::ALL),
            ("signing", signing::ALL),
            ("xml", xml::ALL),
            ("lists", lists::ALL),
            ("openid", openid::ALL),
            ("access", access::ALL),
            ("audit", audit::ALL),
        ];
        for (module, target) in modules.into_iter().flat_map(|(module, all)| all.iter().map(move |one| (module, one))) {
            let harness = std::fs::read_to_string(folder.join(format!("{}.rs", target.name))).unwrap_or_default();
            assert!(harness.contains(&format!("{module}::{}(data)", target.name)), "{} has no harness", target.name);
        }
    }

    /// A parser with a mistake in it: it believes a length.
    #[test]
    fn a_planted_mistake_is_found() {
        let planted = Target {
            name: "planted",
            seeds: || vec![vec![3, 1, 2, 3]],
            run: |data| {
                if let Some((length, rest)) = data.split_first() {
                    let _ = &rest[..usize::from(*length)];
                }
            },
        };
        assert!(std::panic::catch_unwind(|| smoke(&planted, 100, 1)).is_err());
    }
}
