//! `admin peers`: two operators state another node, one withdraws it, and what was stated before is stated again.

use super::trusting::{Running, json};
use super::*;
use crate::config::KeyPairFiles;

#[test]
fn two_operators_state_another_node_and_one_takes_it_back() {
    let node = Running::with(|config, site| {
        let file = |name: &str| site.join("operator").join(name);
        config.relay.login = Some(KeyPairFiles { certificate: file("login.pem"), key: file("login.key") });
    });
    let agencies = std::path::PathBuf::from(node.file("agencies"));
    let agency = std::fs::read_dir(&agencies).unwrap().next().unwrap().unwrap().path();
    let (login, evidence) = (agency.join("login.pem").display().to_string(), node.file("node/evidence.pem"));
    let roots = node.file("anchors/root.pem");
    let line = |url: &'static str| {
        ["peers", "set", "poltava.example", "--url", url, "--authorities"].map(str::to_owned).into_iter().chain([
            roots.clone(),
            "--login".to_owned(),
            login.clone(),
            "--evidence".to_owned(),
            evidence.clone(),
        ])
    };
    let says = |operator: &str, url: &'static str, more: &[&str]| {
        let line: Vec<String> = line(url).chain(more.iter().map(|it| (*it).to_owned())).collect();
        node.operates_as(operator, &line.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let before = "https://vuzol.poltava.example";
    let proposed = says("login", before, &[]);
    assert!(proposed.err.contains("another operator must confirm"), "{}", proposed.err);
    assert!(says("login", before, &[]).err.contains("proposal.same_operator"));
    assert_eq!(json(&says("second", before, &[]))["version"], 1);

    // Changed, and the change undone.
    let after = "https://vuzol.poltava.example:8443";
    assert!(says("login", after, &["--replaces", "7"]).err.contains("peer.changed"));
    says("login", after, &[]);
    assert_eq!(json(&says("second", after, &[]))["version"], 2);
    let restore = ["peers", "restore", "poltava.example", "--version", "1"];
    assert!(node.operates(&restore).err.contains("proposed"));
    assert_eq!(json(&node.operates_as("second", &restore))["version"], 3);
    let told = json(&node.operates(&["peers", "list"]));
    assert_eq!(told["peers"][0]["identity"]["url"], before);

    assert_eq!(node.operates(&["peers", "withdraw", "poltava.example"]).code, exit::OK);
    let twice = node.operates(&["peers", "withdraw", "poltava.example"]);
    assert!(twice.code == exit::REFUSED && twice.err.contains("request.not_found"), "{}", twice.err);
    let history = json(&node.operates(&["peers", "history", "poltava.example"]));
    let versions: Vec<_> = history["versions"].as_array().unwrap().iter().map(|it| it["version"].clone()).collect();
    assert_eq!(versions, [4, 3, 2, 1]);
    let nothing = node.operates(&["peers", "restore", "poltava.example", "--version", "4"]);
    assert!(nothing.code == exit::REFUSED && nothing.err.contains("states nothing"), "{}", nothing.err);
    assert_eq!(node.operates(&["peers", "withdraw", "no/name"]).code, exit::USAGE);

    // Whose mailboxes are there.
    let at = ["participant", "set", "00000009", "--name", "Рада", "--mailbox", "office", "--at", "poltava.example"];
    assert_eq!(json(&node.operates(&at))["node"], "poltava.example");
    let told = json(&node.operates(&["peers", "list"]));
    assert_eq!(told["peers"][0]["participants"]["participants"], serde_json::json!(["00000009"]));
}
