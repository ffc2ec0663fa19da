//! What every crate's manifest says: the workspace's lints, and versions in one place only.

use super::{crates, root};

fn manifest(text: &str) -> toml::Table {
    text.parse().expect("a manifest is TOML")
}

fn inherits_lints(manifest: &toml::Table) -> bool {
    manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
}

/// Dependencies that do not take their version from the workspace.
fn own_versions(manifest: &toml::Table) -> Vec<&str> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flatten()
        .filter(|(_, spec)| spec.get("workspace").and_then(toml::Value::as_bool) != Some(true))
        .map(|(name, _)| name.as_str())
        .collect()
}

#[test]
fn every_crate_inherits_the_workspaces_lints_and_versions() {
    let crates = crates();
    assert!(crates.len() >= 11, "{crates:?}");
    for (name, folder) in crates {
        let text = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let manifest = manifest(&text);
        assert!(inherits_lints(&manifest), "{name} does not inherit the workspace's lints");
        assert_eq!(own_versions(&manifest), Vec::<&str>::new(), "{name} has versions of its own");
    }
}

#[test]
fn a_planted_exception_is_found() {
    let planted = manifest("[lints]\nrust.unsafe_code = 'allow'\n[dependencies]\na.workspace = true\nb = '1'");
    assert!(!inherits_lints(&planted));
    assert_eq!(own_versions(&planted), ["b"]);
}
