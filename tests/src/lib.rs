//! Proof: everything that shows that the house stands. Nothing here is part of the product.
//!
//! | where | what it shows |
//! |---|---|
//! | [`harness`] | the stage: an authority with its OCSP service, a node, agencies that act; a raw wire for what no honest client sends |
//! | [`conformance`] | published suites over the product's code, behind the `conformance` binary |
//! | [`bench`](mod@bench) | figures beside those of others who do the same, behind the `bench` binary |
//! | [`textbook`] | DSTU 4145 written a second time, bit by bit: signs for what is measured and compared |
//! | [`peers`], [`chance`] | what the peers must be told; chance that can be repeated |
//! | [`constant_time`] | whether the time of an operation tells its secret, behind the `constant_time` binary |
//! | [`fuzz`] | a function for each parser of `crypto`, `certs` and `signing`, run on spoilt seeds; `fuzz/` hands them to libFuzzer |
//! | [`load`] | the load generator behind the `load` binary: open loop, real TLS, really signed documents |
//! | `guards/` | the rules of ARCHITECTURE.md as tests: imports, fences, lints, every operation refuses strangers |
//! | `journeys/` | documents that cross the node, told as stories |
//! | `refusals/` | everything that must be refused: with which code, which audit row, and that nothing is stored |
//! | `durability/` | fifty `kill -9` under load: nothing acknowledged is lost, nothing is delivered twice |
//! | `oracles/` | national cryptography and signed files against others who implement them, both ways |
//! | `conformance/` | paths, and `signing` and `vuzol verify`, against published corpora |

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a stage that cannot be set up fails the test or the measurement that asked for it"
)]

pub mod bench;
pub mod chance;
pub mod conformance;
pub mod constant_time;
pub mod fuzz;
pub mod harness;
pub mod load;
pub mod peers;
pub mod textbook;
