//! The import table and the fences around dependencies, from `cargo metadata` and `cargo tree`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::{metadata, root};

/// Who may import whom: the table of ARCHITECTURE.md. No other edge, so no circle.
const IMPORTS: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("crypto", &[]),
    ("certs", &["crypto"]),
    ("storage", &["schemas", "crypto"]),
    ("signing", &["certs", "crypto", "schemas"]),
    ("audit", &["schemas", "crypto", "storage"]),
    ("access", &["schemas", "crypto", "certs", "signing", "storage", "audit"]),
    ("exchange", &["schemas", "crypto", "certs", "signing", "storage", "access", "audit"]),
    ("registers", &["schemas", "crypto", "certs", "signing", "storage", "access", "audit"]),
    ("gateway", ALL_BELOW),
    (
        "tests",
        &["schemas", "crypto", "certs", "signing", "storage", "access", "audit", "exchange", "registers", "gateway"],
    ),
];

const ALL_BELOW: &[&str] =
    &["schemas", "crypto", "certs", "signing", "storage", "access", "audit", "exchange", "registers"];

/// Dependencies that only some crates may name.
const FENCES: &[(&str, &[&str])] = &[
    ("openssl", &["crypto", "tests"]),
    ("cryptoki", &["crypto"]),
    ("axum", &["gateway", "tests"]),
    ("hyper", &["gateway", "tests"]),
    ("rustls", &["gateway", "tests"]),
    ("tokio-rustls", &["gateway", "tests"]),
    ("reqwest", &["gateway", "tests"]),
    ("sqlx", &["storage"]),
    ("rusqlite", &["storage"]),
    ("object_store", &["storage"]),
];

/// Edges of dev-dependencies that the tables above would forbid, each with its reason.
const DEV_EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("certs", "openssl", "the oracle against which certificates, OCSP answers and paths are checked"),
    ("signing", "openssl", "the oracle against which signatures and envelopes are checked"),
];

/// Crates that must not be compiled into anything of ours, with the reason.
const BANNED_EVERYWHERE: &[(&str, &str)] =
    &[("ring", "one provider of cryptography: aws-lc-rs"), ("native-tls", "one TLS stack: rustls")];

/// Crates that must not be compiled into what is released for the node.
const BANNED_IN_RELEASE: &[(&str, &str)] =
    &[("rsa", "RUSTSEC-2023-0071 has no patched version; the portable provider alone uses it, to verify")];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    development: bool,
}

impl Edge {
    fn new(from: &str, to: &str, development: bool) -> Self {
        Self { from: from.to_owned(), to: to.to_owned(), development }
    }
}

/// What the tables forbid among these edges.
fn forbidden(edges: &[Edge]) -> Vec<String> {
    let imports: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    let fences: BTreeMap<&str, &[&str]> = FENCES.iter().copied().collect();
    let mut found = Vec::new();
    for Edge { from, to, development } in edges {
        let excepted = DEV_EXCEPTIONS.iter().any(|(f, t, _)| *development && f == from && t == to);
        let Some(allowed) = imports.get(from.as_str()) else {
            found.push(format!("crate {from} is not in the import table"));
            continue;
        };
        let inside = imports.contains_key(to.as_str());
        if inside && !allowed.contains(&to.as_str()) && !excepted {
            found.push(format!("{from} must not import {to}"));
        }
        if fences.get(to.as_str()).is_some_and(|crates| !crates.contains(&from.as_str())) && !excepted {
            found.push(format!("{to} is fenced off from {from}"));
        }
    }
    found
}

/// The banned crates among those that are compiled.
fn banned(compiled: &BTreeSet<String>, bans: &[(&str, &str)]) -> Vec<String> {
    let hit = |(name, reason): &&(&str, &str)| compiled.contains(*name).then(|| format!("{name}: {reason}"));
    bans.iter().filter_map(|ban| hit(&ban)).collect()
}

/// The names of all crates that cargo's feature resolver compiles for this machine.
fn compiled(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--offline", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo prints text");
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn nobody_imports_what_the_table_does_not_allow() {
    let edges: Vec<Edge> = metadata()
        .packages
        .iter()
        .flat_map(|package| {
            package.dependencies.iter().map(|dependency| {
                let development = dependency.kind == cargo_metadata::DependencyKind::Development;
                Edge::new(package.name.as_str(), &dependency.name, development)
            })
        })
        .collect();
    assert!(edges.contains(&Edge::new("gateway", "exchange", false)), "the edges were not read");
    assert_eq!(forbidden(&edges), Vec::<String>::new());
}

#[test]
fn a_planted_edge_is_found() {
    for (from, to, development) in [
        ("exchange", "registers", false),
        ("schemas", "crypto", true),
        ("storage", "audit", false),
        ("exchange", "gateway", false),
        ("signing", "openssl", false),
        ("exchange", "rusqlite", false),
        ("audit", "rustls", true),
        ("newcomer", "schemas", false),
    ] {
        assert_eq!(forbidden(&[Edge::new(from, to, development)]).len(), 1, "{from} -> {to}");
    }
    for (from, to, development) in
        [("gateway", "exchange", false), ("crypto", "openssl", false), ("signing", "openssl", true)]
    {
        assert_eq!(forbidden(&[Edge::new(from, to, development)]), Vec::<String>::new(), "{from} -> {to}");
    }
}

#[test]
fn what_is_banned_is_compiled_nowhere() {
    let everything = compiled(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(everything.contains("aws-lc-rs") && everything.contains("gateway"), "the graph was not read");
    assert_eq!(banned(&everything, BANNED_EVERYWHERE), Vec::<String>::new());
    let released = compiled(&["--package", "gateway", "--edges", "normal,build"]);
    assert!(released.contains("rustls"), "the graph was not read");
    assert_eq!(banned(&released, BANNED_IN_RELEASE), Vec::<String>::new());
}

#[test]
fn a_planted_ban_is_found() {
    let compiled = BTreeSet::from(["ring".to_owned(), "ring-compat".to_owned(), "rustls".to_owned()]);
    assert_eq!(banned(&compiled, BANNED_EVERYWHERE).len(), 1);
    assert!(banned(&compiled, BANNED_IN_RELEASE).is_empty());
}
