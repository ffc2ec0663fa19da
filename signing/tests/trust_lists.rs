//! Trusted lists as countries publish them.
//!
//! `VUZOL_TRUST_LISTS` names a folder whose XML files are read, however deep; without it the test says that it is skipped. Files are
//! told by their names: what is called broken must be refused with the code that is named here, and each other list must be read.
//! Signatures are not looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use certs::trust_list::TrustList;
use crypto::digest;
use signing::trust_list::ListElement;
use signing::xml::{Limits, Source};

/// Parts of names, and the code that files with it are refused with.
const REFUSED: &[(&str, &str)] = &[
    ("_empty.xml", "xml.malformed"),
    ("not-conform", "xml.malformed"),
    ("not-parsable", "xml.malformed"),
    ("not-parseable", "xml.malformed"),
    ("CZ_not-compliant", "trust_list.element_missing"),
    ("no-tl-version", "trust_list.element_missing"),
    ("tl-empty", "trust_list.element_missing"),
    ("tsl-pe.xml", "trust_list.version"),
    ("peru-lotl.xml", "trust_list.version"),
    ("de-tl.xml", "trust_list.version"),
    ("tl-ecdsa-brainpool.xml", "trust_list.version"),
];

#[test]
fn published_lists_are_read() {
    let Some(folder) = std::env::var_os("VUZOL_TRUST_LISTS") else {
        println!("skipped: VUZOL_TRUST_LISTS is not set");
        return;
    };
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files);
    files.sort();
    let mut figures = Figures::default();
    let wrong: Vec<String> = files.iter().filter_map(|file| check(file, &mut figures)).collect();
    println!("{figures:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(figures.lists > 0, "no list in {}", folder.display());
}

#[derive(Debug, Default)]
struct Figures {
    lists: usize,
    refused: BTreeMap<String, usize>,
    pointers: usize,
    providers: usize,
    services: usize,
    states: usize,
    certificates: usize,
    beyond_us: usize,
    unknown_statuses: BTreeMap<String, usize>,
    faults: BTreeMap<String, usize>,
    time: Duration,
    longest: Duration,
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if is_list(&path) {
            files.push(path);
        }
    }
}

/// Other XML lies beside lists.
fn is_list(path: &Path) -> bool {
    let octets = std::fs::read(path).unwrap();
    let begins = String::from_utf8_lossy(octets.get(..4096).unwrap_or(&octets)).contains("TrustServiceStatusList");
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    begins || (octets.is_empty() && name.ends_with("_empty.xml"))
}

/// What went otherwise than the name of the file says.
fn check(path: &Path, figures: &mut Figures) -> Option<String> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let octets = std::fs::read(path).unwrap();
    let started = Instant::now();
    let outcome = read(&octets);
    let took = started.elapsed();
    figures.time += took;
    figures.longest = figures.longest.max(took);
    let expected = REFUSED.iter().find(|(part, _)| name.contains(part)).map(|(_, code)| *code);
    match (outcome, expected) {
        (Ok(list), None) => {
            count(&name, &list, figures);
            None
        }
        (Err(code), Some(expected)) if code == expected => {
            *figures.refused.entry(code).or_default() += 1;
            None
        }
        (outcome, expected) => {
            Some(format!("{name}: {:?}, not {expected:?}", outcome.map(|list| list.sequence_number)))
        }
    }
}

fn read(octets: &[u8]) -> Result<TrustList, String> {
    let source = Source::read(octets, &Limits::DOCUMENT).map_err(|error| error.code().to_owned())?;
    let document = source.parse().map_err(|error| error.code().to_owned())?;
    let root = ListElement::unverified(document.root_element());
    TrustList::read(root, digest::sha256(octets)).map_err(|error| error.code().to_owned())
}

fn count(name: &str, list: &TrustList, figures: &mut Figures) {
    let services: Vec<_> = list.providers.iter().flat_map(|provider| &provider.services).collect();
    figures.lists += 1;
    figures.pointers += list.pointers.len();
    figures.providers += list.providers.len();
    figures.services += services.len();
    for service in services {
        figures.certificates += service.identity.certificates.len();
        figures.states += service.states.len();
        for state in &service.states {
            figures.beyond_us += usize::from(state.is_beyond_us);
            if let certs::trust_list::ServiceStatus::Other(status) = &state.status {
                *figures.unknown_statuses.entry(status.clone()).or_default() += 1;
            }
        }
    }
    for fault in &list.faults {
        println!("{name}: {fault:?}");
        *figures.faults.entry(format!("{} left out {}", fault.error.code(), fault.is_left_out)).or_default() += 1;
    }
}
