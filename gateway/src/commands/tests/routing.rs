//! `admin` on the registry of a running node: who is where, what they take, where a service goes, to whom nothing goes.

use super::trusting::{Running, json};
use super::*;

const HROMADA: &str = "UA05020030000031457";
const SETTLEMENT: &str = "UA05020030010063857";

#[test]
fn an_operator_states_where_documents_go_and_reads_it_back() {
    let node = Running::new();
    let registers = |code: &str, name: &str, rest: &[&str]| {
        let line = ["participant", "set", code, "--name", name, "--mailbox", "office"];
        json(&node.operates(&[&line, rest].concat()))
    };
    registers("00000001", "Обласна рада", &[]);
    let registered = registers(
        "00000002",
        "ЦНАП Прозорий офіс",
        &["--area", HROMADA, "--takes", "letter", "--takes", "report", "--maximum-bytes", "1000", "--webhook"],
    );
    assert_eq!(registered["reception"]["kinds"], serde_json::json!(["letter", "report"]));
    assert_eq!(registered["reception"]["delivery"], "webhook");
    let found = json(&node.operates(&["participant", "list", "--query", "прозорий ОФІС"]));
    assert_eq!(found["participants"], serde_json::json!([registered]));
    let found = json(&node.operates(&["participant", "list", "--capability", "pull"]));
    assert_eq!(found["participants"][0]["edrpou"], "00000001");
    assert_eq!(node.operates(&["participant", "list", "--capability", "fly"]).code, exit::USAGE);

    let channel = ["channel", "set", "--sender", "00000001", "--recipient", "00000002.office", "--kind", "letter"];
    assert_eq!(node.operates(&[&channel[..], &["--qualified", "--hold-hours", "720"]].concat()).code, exit::OK);
    let endless = node.operates(&[&channel[..], &["--hold-hours", "721"]].concat());
    assert!(endless.code == exit::REFUSED && endless.err.contains("hold_hours: 0 to 720"), "{}", endless.err);

    let address = |what: &str, area: &str, rest: &[&str]| {
        node.operates(&[&["address", what, "subsidy", "--area", area][..], rest].concat())
    };
    assert_eq!(address("set", HROMADA, &["--mailbox", "00000002.office"]).code, exit::OK);
    let resolved = json(&address("resolve", SETTLEMENT, &[]));
    assert_eq!((&resolved["mailbox"], &resolved["area"]), (&"00000002.office".into(), &HROMADA.into()));
    assert_eq!(address("remove", HROMADA, &[]).code, exit::OK);
    assert!(address("resolve", SETTLEMENT, &[]).err.contains("request.not_found"));

    let suspended = || json(&node.operates(&["participant", "list", "--query", "00000002"]))["participants"][0].clone();
    assert_eq!(node.operates(&["suspend", "00000002.office"]).code, exit::OK);
    assert_eq!(suspended()["suspended_mailboxes"], serde_json::json!(["00000002.office"]));
    assert_eq!(node.operates(&["resume", "00000002.office"]).code, exit::OK);
    assert_eq!(suspended(), registered);
    assert!(node.operates(&["suspend", "00000009"]).err.contains("submission.unknown_recipient"));
}
