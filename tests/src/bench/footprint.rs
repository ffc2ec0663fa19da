//! How much memory a task takes at its peak, its input included: `bench memory`.
//!
//! A process's memory says nothing of one task in it: what was freed before is used again unseen. So each task runs in a process
//! of its own, which has warmed up on a small input, notes what it holds, and then reads the input and does the task once. The
//! figure is the highest resident size from there on less what it held ([`memory`]). Linux only; elsewhere it fails and says so.
//!
//! | row | the task |
//! |---|---|
//! | `crl-60mb-first` | a list of 60 MB read, its signature verified, one certificate looked up |
//! | `crl-60mb-again` | the same, and one more look-up, which makes the index |
//! | `cross-certified-12`, `candidates-10000`, `constraints-5000` | sets made to exhaust, read and refused |

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use certs::certificate::Certificate;
use certs::dev::hostile::{self, HostileSet, LongList};
use certs::path::{self, Budget, PathError};
use certs::revocation::Crl;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use clap::Args;
use time::OffsetDateTime;
use time::macros::datetime;

use super::measure::{Figure, Unit};
use super::memory;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// What to measure, and how to say it.
#[derive(Debug, Clone, Args)]
pub struct Footprint {
    /// One JSON object a line instead of a table: {"name","by","peak_mib"}.
    #[arg(long)]
    pub json: bool,
    /// Only the rows whose names contain this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
    /// Does the task of one row on the input in a folder, and prints the peak in bytes: what the rows run.
    #[arg(long, value_names = ["ROW", "FOLDER"], num_args = 2, hide = true)]
    pub task: Option<Vec<String>>,
}

/// A task, its input, and a small input of the same kind.
struct Row {
    name: &'static str,
    input: fn() -> Input,
    small: fn() -> Input,
    task: fn(&Input),
}

/// Files of the input by name, in memory or still to be read.
enum Input {
    Set(HostileSet),
    List(Box<LongList>),
    Folder(PathBuf),
}

const ROWS: [Row; 5] = [
    Row { name: "crl-60mb-first", input: || list(60_000_000), small: || list(10_000), task: |input| look_up(input, 1) },
    Row { name: "crl-60mb-again", input: || list(60_000_000), small: || list(10_000), task: |input| look_up(input, 2) },
    Row { name: "cross-certified-12", input: || cross(12), small: || cross(2), task: refuse },
    Row { name: "candidates-10000", input: || candidates(10_000), small: || candidates(2), task: refuse },
    Row { name: "constraints-5000", input: || constraints(5_000, 1_000), small: || constraints(2, 2), task: refuse },
];

/// Measures the rows that are wanted and hands each peak to `report` as soon as it stands.
///
/// # Errors
/// Where a process or a file cannot be had, or the system does not tell.
///
/// # Panics
/// Where a task does not end as it must.
pub fn run(options: &Footprint, mut report: impl FnMut(&Figure)) -> io::Result<()> {
    let wanted =
        |row: &&Row| options.only.is_empty() || options.only.iter().any(|text| row.name.contains(text.as_str()));
    for row in ROWS.iter().filter(wanted) {
        let folder = tempfile::tempdir()?;
        (row.input)().write(folder.path())?;
        let output = Command::new(std::env::current_exe()?)
            // A huge page is counted whole as soon as a word of it is written: what the allocator rounds up is not what a task holds.
            .env("MIMALLOC_ALLOW_THP", "0")
            .args(["memory", "--task", row.name])
            .arg(folder.path())
            .stderr(std::process::Stdio::inherit())
            .output()?;
        let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let bytes: u32 = told.parse().map_err(|_| io::Error::other(format!("{}: no figure: {told:?}", row.name)))?;
        let peak = f64::from(bytes) / f64::from(1 << 20);
        report(&Figure { name: row.name, by: "vuzol", unit: Unit::Peak, best: peak, median: peak });
    }
    Ok(())
}

/// Does the task of a row in this process; gives the peak in bytes.
///
/// # Errors
/// Where the input cannot be read, or the system does not tell.
///
/// # Panics
/// Where the task does not end as it must.
pub fn task(name: &str, folder: &Path) -> io::Result<u64> {
    let row = ROWS.iter().find(|row| row.name == name).ok_or_else(|| io::Error::other("there is no such row"))?;
    (row.task)(&(row.small)());
    // Set back, the peak is what the process holds now.
    let before = if memory::forget_peak() { memory::peak() } else { None };
    (row.task)(&Input::Folder(folder.to_owned()));
    let held = memory::peak().zip(before).map(|(peak, before)| peak.saturating_sub(before));
    held.ok_or_else(|| io::Error::other("the system does not tell what a process holds"))
}

fn list(bytes: usize) -> Input {
    Input::List(Box::new(hostile::long_list(bytes, NOW).expect("keys")))
}

fn cross(count: usize) -> Input {
    Input::Set(hostile::cross_certified(count, NOW).expect("keys"))
}

fn candidates(count: usize) -> Input {
    Input::Set(hostile::candidate_issuers(count, NOW).expect("keys"))
}

fn constraints(constraints: usize, names: usize) -> Input {
    Input::Set(hostile::name_constraints(constraints, names, NOW).expect("keys"))
}

fn look_up(input: &Input, times: usize) {
    let (list, leaf, issuer) = input.list();
    let crl = Crl::from_vec(list).expect("a list");
    for _ in 0..times {
        assert!(crl.fact(&leaf, &issuer).expect("a fact").revoked.is_some());
    }
}

fn refuse(input: &Input) {
    let (leaf, pool, anchor) = input.set();
    let anchor = TrustAnchor { certificate: anchor, purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], Vec::new(), NOW);
    let verdict = path::verify(&leaf, &pool, &trust, Purpose::Signing, NOW, &mut Budget::default());
    let is_small = pool.len() < 100 && matches!(input, Input::Set(_));
    assert!(is_small || verdict.map(drop) == Err(PathError::BudgetExceeded));
}

fn read(der: &[u8]) -> Certificate {
    Certificate::from_der(der).expect("a certificate")
}

impl Input {
    fn write(&self, folder: &Path) -> io::Result<()> {
        let file = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes);
        match self {
            Self::List(long) => {
                file("list", &long.list)?;
                file("leaf", long.leaf.der())?;
                file("issuer", long.issuer.der())
            }
            Self::Set(HostileSet { leaf, pool, anchor }) => {
                file("leaf", leaf.der())?;
                file("anchor", anchor.der())?;
                let pem: String = pool.iter().map(Certificate::to_pem).collect();
                file("pool", pem.as_bytes())
            }
            Self::Folder(_) => Ok(()),
        }
    }

    fn file(folder: &Path, name: &str) -> Vec<u8> {
        std::fs::read(folder.join(name)).expect("a file of the input")
    }

    fn list(&self) -> (Vec<u8>, Certificate, Certificate) {
        match self {
            Self::List(long) => (long.list.clone(), long.leaf.clone(), long.issuer.clone()),
            Self::Folder(folder) => {
                let of = |name| read(&Self::file(folder, name));
                (Self::file(folder, "list"), of("leaf"), of("issuer"))
            }
            Self::Set(_) => panic!("the input is no list"),
        }
    }

    fn set(&self) -> (Certificate, Vec<Certificate>, Certificate) {
        match self {
            Self::Set(HostileSet { leaf, pool, anchor }) => (leaf.clone(), pool.clone(), anchor.clone()),
            Self::Folder(folder) => {
                let pem = String::from_utf8(Self::file(folder, "pool")).expect("text");
                let pool = if pem.is_empty() { Vec::new() } else { Certificate::from_pem(&pem).expect("certificates") };
                (read(&Self::file(folder, "leaf")), pool, read(&Self::file(folder, "anchor")))
            }
            Self::List(_) => panic!("the input is no set"),
        }
    }
}
