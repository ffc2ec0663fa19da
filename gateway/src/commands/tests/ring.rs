//! `keys`, over the files of a site whose node does not run.

use storage::Clock;
use storage::clock::SystemClock;
use storage::store::migrate;

use super::*;
use crate::demo::site::Site;

struct Machine {
    folder: tempfile::TempDir,
    config: String,
}

impl Machine {
    /// A configured node with a database, and a folder for its ring that is not there yet.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::create(&folder.path().join("site"), SystemClock.now(), "http://127.0.0.1:1/", 1).unwrap();
        let database = &site.config().storage.database;
        std::fs::create_dir_all(database.folder().unwrap()).unwrap();
        migrate(&database.store()).unwrap();
        let config = site.config_file();
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, text.replace("[seal]\n", "[seal]\nring = \"ring\"\n")).unwrap();
        Self { config: config.display().to_string(), folder }
    }

    fn keys(&self, line: &[&str]) -> Seen {
        vuzol(&[&["keys"], line, &["--config", &self.config]].concat())
    }

    fn ring(&self) -> std::path::PathBuf {
        self.folder.path().join("site/ring")
    }
}

#[test]
fn a_ring_is_made_turned_and_listed() {
    let machine = Machine::new();
    let none = machine.keys(&["rotate-ring"]);
    assert!(none.code == exit::UNREADABLE && none.err.contains("No such file"), "{}", none.err);
    let made = machine.keys(&["create-ring"]);
    assert_eq!(made.code, exit::OK, "{}", made.err);
    assert!(made.err.contains("Keep a copy"), "{}", made.err);
    let again = machine.keys(&["create-ring"]);
    assert!(again.code == exit::REFUSED && again.err.contains("rotate it"), "{}", again.err);
    let rotated = machine.keys(&["rotate-ring"]);
    assert_eq!(rotated.code, exit::OK, "{}", rotated.err);
    let (first, second) = (made.out.trim(), rotated.out.trim());
    let listed = machine.keys(&["list-ring"]).out;
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines[0].starts_with(first) && lines[0].contains("older") && lines[0].ends_with("0 messages"), "{listed}");
    assert!(lines[1].starts_with(second) && lines[1].contains("current"), "{listed}");
    assert_eq!(machine.keys(&["rewrap-ring"]).out, "wrapped anew: 0\n");
}

#[test]
fn a_key_is_not_destroyed_in_haste() {
    let machine = Machine::new();
    let first = machine.keys(&["create-ring"]).out.trim().to_owned();
    let current = machine.keys(&["destroy-ring", &first, "--erase-messages"]);
    assert!(current.code == exit::REFUSED && current.err.contains("is the current one"), "{}", current.err);
    machine.keys(&["rotate-ring"]);
    let soon = machine.keys(&["destroy-ring", &first, "--erase-messages"]);
    assert!(soon.code == exit::REFUSED && soon.err.contains("a short while ago"), "{}", soon.err);
    assert!(machine.ring().join(format!("{first}.key")).exists());
}

#[test]
fn a_configuration_without_a_ring_says_so() {
    let machine = Machine::new();
    let text = std::fs::read_to_string(&machine.config).unwrap();
    std::fs::write(&machine.config, text.replace("ring = \"ring\"\n", "")).unwrap();
    let seen = machine.keys(&["create-ring"]);
    assert!(seen.code == exit::UNREADABLE && seen.err.contains("seal.ring"), "{}", seen.err);
}
