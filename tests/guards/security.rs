//! `SECURITY.md`: a statement is as good as the test behind it, so every test that it names exists.

use std::collections::BTreeSet;
use std::path::Path;

use super::{crates, root};

/// The names of all tests of the workspace.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, folder) in crates() {
        collect(&root().join(folder), &mut names);
    }
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() && !entry.ends_with("target") {
            collect(&entry, names);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            names.extend(tests_of(&std::fs::read_to_string(&entry).expect("a source")));
        }
    }
}

/// What stands under `#[test]` or `#[tokio::test]`, with or without other attributes between, and what is run on each back end.
fn tests_of(source: &str) -> Vec<String> {
    let after = |at: usize| {
        let (head, _) = source.get(at..)?.split_once("fn ").filter(|(head, _)| !head.contains('}'))?;
        let name = source.get(at + head.len() + 3..)?;
        Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    };
    let marks = ["#[test", "#[tokio::test"].iter().flat_map(|mark| source.match_indices(mark));
    let lists = source.split("on_each_back_end!(").skip(1).filter_map(|list| list.split_once(')'));
    let listed = lists.flat_map(|(list, _)| list.split(',')).map(|name| name.trim().to_owned());
    marks.filter_map(|(at, _)| after(at)).chain(listed.filter(|name| !name.is_empty())).collect()
}

/// Names in backticks that are of tests: small letters in words.
fn named(text: &str) -> BTreeSet<&str> {
    let is_name = |word: &&str| {
        word.matches('_').count() >= 2 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.split('`').skip(1).step_by(2).filter(is_name).collect()
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).expect("the threat model");
    let (named, tests) = (named(&text), tests());
    assert!(named.len() > 60, "{} tests are named", named.len());
    let missing: Vec<_> = named.into_iter().filter(|name| !tests.contains(*name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let source = "#[test]\nfn one_of_two() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn the_other_one() {}\n\nfn no_test_at_all() {}\n\non_each_back_end!(\n    on_either,\n);\n\nasync fn on_either() {}";
    assert_eq!(tests_of(source), ["one_of_two", "the_other_one", "on_either"]);
    assert_eq!(
        named("`one_of_two`, `Origin`, `no_such_test` and `vuzol_x`"),
        BTreeSet::from(["no_such_test", "one_of_two"])
    );
}
