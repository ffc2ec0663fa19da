//! `signing/BAD_INPUTS.md`: every test that it names exists, and every code in it is one of ours.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{crates, root};

/// The sources of a crate, or the folders of its own tests.
struct Sources {
    files: Vec<(PathBuf, String)>,
}

impl Sources {
    fn of(folder: &Path) -> Self {
        let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                // What a crate has below it and is not its own: other crates, and what was built.
                if entry.is_dir() && !entry.join("Cargo.toml").exists() && !entry.ends_with("target") {
                    folders.push(entry);
                } else if entry.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&entry).expect("a source");
                    files.push((entry, text));
                }
            }
        }
        Self { files }
    }

    /// Whether there is a test of this path: in a file of its module, or in a module that stands inside the file of the one above.
    fn has_test(&self, folder: &Path, path: &str) -> bool {
        let Some((module, name)) = path.rsplit_once("::") else { return false };
        let steps: Vec<&str> = module.split("::").collect();
        let whole = folder.join(steps.join("/"));
        let above = folder.join(steps[..steps.len() - 1].join("/"));
        let inline = format!("mod {} {{", steps[steps.len() - 1]);
        let places = [whole.with_extension("rs"), whole.join("mod.rs")];
        let places_above = [above.with_extension("rs"), above.join("mod.rs")];
        self.files.iter().any(|(file, text)| {
            let is_place = places.contains(file) || (places_above.contains(file) && text.contains(&inline));
            is_place && is_test(text, name)
        })
    }
}

/// A function of this name under `#[test]`, whatever stands between.
fn is_test(text: &str, name: &str) -> bool {
    let head = format!("fn {name}()");
    let Some(at) = text.find(&head) else { return false };
    let before = text[..at].trim_end();
    before.rsplit("\n\n").next().is_some_and(|block| block.contains("#[test]"))
}

/// `NO_POE` as it stands among the variants of an enum.
fn camel_case(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        format!("{first}{}", rest.to_lowercase())
    };
    name.split('_').map(capital).collect()
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect()
}

/// What is wrong with a code, if anything.
fn fault(code: &str, sources: &[(PathBuf, String)]) -> Option<String> {
    let known = if let Some((kind, variant)) = code.split_once("::") {
        let heads = [format!("enum {kind} {{"), format!("struct {kind} {{")];
        sources.iter().any(|(_, text)| {
            let at = heads.iter().find_map(|head| text.find(head.as_str()));
            at.is_some_and(|at| words(text[at..].split("\n}").next().unwrap_or_default()).contains(variant))
        })
    } else if code.contains('.') {
        let literal = format!("\"{code}\"");
        let is_own = |file: &Path| !file.to_string_lossy().contains("tests");
        sources.iter().any(|(file, text)| is_own(file) && text.contains(&literal))
    } else {
        let variant = format!("    {},", camel_case(code));
        sources.iter().any(|(file, text)| file.ends_with("schemas/src/report.rs") && text.contains(&variant))
    };
    (!known).then(|| format!("{code}: no such code"))
}

/// The words in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_test_and_every_code_of_the_table_exists() {
    let table = std::fs::read_to_string(root().join("signing/BAD_INPUTS.md")).expect("the table");
    let crates = crates();
    let folder = |name: &str| {
        let (_, folder) = crates.iter().find(|(known, _)| known == name)?;
        let folder = root().join(folder);
        Some(if name == "tests" { folder } else { folder.join("src") })
    };
    let of = |name| Sources::of(&folder(name).expect("a crate"));
    let all = ["schemas", "crypto", "certs", "signing", "tests"].map(|name| (name, of(name)));
    let sources: Vec<_> = all.iter().flat_map(|(_, sources)| sources.files.clone()).collect();
    let mut faults = Vec::new();
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, what, codes, test] = cells[..] else { panic!("four cells: {line}") };
        rows += 1;
        let codes = quoted(codes);
        if codes.is_empty() {
            faults.push(format!("{what}: no code"));
        }
        faults.extend(codes.iter().filter_map(|code| fault(code, &sources)));
        let (name, path) = (test.split(' ').next().unwrap_or_default(), quoted(test));
        let found = all.iter().find(|(known, _)| *known == name).zip(path.first());
        let exists = found
            .is_some_and(|((name, sources), path)| folder(name).is_some_and(|folder| sources.has_test(&folder, path)));
        if !exists || path.len() != 1 {
            faults.push(format!("{test}: no such test"));
        }
    }
    assert!(rows > 100, "{rows} rows");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_name_that_is_not_there_is_noticed() {
    let folder = root().join("signing/src");
    let sources = Sources::of(&folder);
    assert!(sources.has_test(&folder, "validate::tests::attacks::algorithms_must_agree"));
    assert!(sources.has_test(&folder, "asic::zip::name::tests::twins_are_found"));
    for path in
        ["validate::tests::attacks::no_such", "validate::attacks::algorithms_must_agree", "algorithms_must_agree"]
    {
        assert!(!sources.has_test(&folder, path), "{path}");
    }
    // A helper is no test.
    assert!(!sources.has_test(&folder, "validate::tests::bad_inputs::somebody"));
    for code in ["signature.no_such", "ReadError::NoSuch", "NO_SUCH"] {
        assert!(fault(code, &sources.files).is_some(), "{code}");
    }
    assert_eq!(fault("timestamp.hash_index", &sources.files), None);
}
