//! Trusted lists as the Union publishes them, authenticated along the way that a node goes.
//!
//! `VUZOL_TRUST_LISTS` names a folder with a list of lists `EU.xml`, lists of countries under their territories (`AT.xml`), and former
//! issues `eu-lotl-pivot-NUMBER.xml`; without it the tests say that they are skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use certs::certificate::Certificate;
use certs::trust_list::ListKind;
use signing::trust_list::{AuthenticatedList, authenticate_along, authenticate_as_issued};
use signing::validate::suite::{TS_119_312, UKRAINIAN};
use signing::xades::{XmlSignature, signatures};
use signing::xml::{Limits, Source};

/// The folder that holds the list of lists, however deep.
fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("VUZOL_TRUST_LISTS") else {
        println!("skipped: VUZOL_TRUST_LISTS is not set");
        return None;
    };
    Some(find(Path::new(&folder)).expect("no EU.xml in the folder"))
}

fn find(folder: &Path) -> Option<PathBuf> {
    if folder.join("EU.xml").is_file() {
        return Some(folder.to_owned());
    }
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).find_map(|path| find(&path))
}

/// Who signed a list, by its own word: stands here for the Official Journal.
fn signer(octets: &[u8]) -> Certificate {
    let source = Source::read(octets, &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    let signature = XmlSignature::read(*signatures(&document).first().unwrap()).unwrap();
    Certificate::from_der(signature.certificates.first().unwrap()).unwrap()
}

#[test]
fn every_country_is_authenticated_by_the_list_of_lists() {
    let Some(folder) = folder() else { return };
    let union = std::fs::read(folder.join("EU.xml")).unwrap();
    let union = authenticate_as_issued(&union, &[signer(&union)], &UKRAINIAN).unwrap();
    assert_eq!(union.list().kind, ListKind::Lists);
    let (mut lists, mut octets, mut took): (Vec<AuthenticatedList>, usize, Duration) = Default::default();
    let mut missing = Vec::new();
    for pointer in union.list().pointers.iter().filter(|pointer| pointer.kind == Some(ListKind::Services)) {
        let territory = pointer.territory.clone().unwrap();
        let Ok(list) = std::fs::read(folder.join(format!("{territory}.xml"))) else {
            missing.push(territory);
            continue;
        };
        let began = Instant::now();
        let list_read = authenticate_as_issued(&list, &pointer.signers, &UKRAINIAN);
        took += began.elapsed();
        octets += list.len();
        let list = list_read.unwrap_or_else(|refused| panic!("{territory}: {refused}"));
        assert_eq!(list.list().territory, territory);
        assert!(list.list().sequence_number > 0 && !list.list().providers.is_empty(), "{territory}");
        lists.push(list);
    }
    println!("{} lists of {octets} octets in {took:?}; not in the folder: {missing:?}", lists.len());
    assert!(lists.len() >= 30, "{}", lists.len());
}

#[test]
fn pivots_lead_from_the_signers_of_old_to_those_of_today() {
    let Some(folder) = folder() else { return };
    let pivot = |number: u32| std::fs::read(folder.join(format!("eu-lotl-pivot-{number}.xml"))).unwrap();
    let way = [282, 300, 335].map(pivot).to_vec();
    let current = pivot(341);
    let published = [signer(&way[0])];
    for suite in [&UKRAINIAN, &TS_119_312] {
        let list = authenticate_along(&current, &published, &way, suite, None).unwrap();
        assert_eq!(list.list().sequence_number, 341);
    }
    // A step left out, or in another order, leads nowhere.
    assert!(authenticate_along(&current, &published, &[way[0].clone()], &UKRAINIAN, None).is_err());
    let turned: Vec<_> = way.iter().rev().cloned().collect();
    assert!(authenticate_along(&current, &published, &turned, &UKRAINIAN, None).is_err());
    // And the former publication, of 2016, begins with a key of 1024 bits, on which no suite relied any more.
    let former = std::fs::read(folder.join("tl_pivot_172_mp.xml")).unwrap();
    let refused = authenticate_as_issued(&former, &[signer(&former)], &UKRAINIAN).unwrap_err();
    assert_eq!(refused.code(), "trust_list.weak_algorithm");
    let later: Vec<_> =
        [191, 226, 247].map(|number| std::fs::read(folder.join(format!("tl_pivot_{number}_mp.xml"))).unwrap()).into();
    let union = std::fs::read(folder.join("EU.xml")).unwrap();
    let list = authenticate_along(&union, &[signer(&later[0])], &later, &UKRAINIAN, None).unwrap();
    assert_eq!(list.list().territory, "EU");
}
