//! `admin retention` on a running node.

use super::trusting::{Running, json};
use super::*;

const NOWHERE: &str = "01938f6e-3c00-7abc-8def-0123456789ab";

#[test]
fn an_operator_reads_what_is_due_and_is_refused_what_cannot_be() {
    let node = Running::new();
    let retention = |line: &[&str]| node.operates(&[&["retention"], line].concat());
    assert_eq!(json(&retention(&["due", "--class", "standard"]))["messages"], serde_json::json!([]));
    assert!(retention(&["due", "--class", "letters"]).err.contains("retention.unknown_class"));
    assert_eq!(retention(&["due", "--class", "Letters"]).code, exit::USAGE);

    let hold = |subject: &[&str]| retention(&[&["hold", "--reason", "ruling 757/1/26"], subject].concat());
    assert!(hold(&["--message", NOWHERE]).err.contains("request.not_found"));
    for wrong in [&[][..], &["--message", NOWHERE, "--case", NOWHERE]] {
        assert_eq!(hold(wrong).code, exit::USAGE, "{wrong:?}");
    }
    assert!(retention(&["lift", NOWHERE, "--reason", "over"]).err.contains("request.not_found"));
    assert_eq!(json(&retention(&["holds", "--lifted"]))["holds"], serde_json::json!([]));

    let draw = ["act", "draw", "--number", "1", "--date", "2026-11-26", "--class", "standard", "--ground", "article 6"];
    let members = ["--member", "Перша|архіваріус|згодна", "--member", "Друга | голова | згодна"];
    let drawn = retention(&[&draw[..], &members].concat());
    assert!(drawn.code == exit::REFUSED && drawn.err.contains("disposal.nothing_due"), "{}", drawn.err);
    assert!(retention(&[&draw[..], &members[..2]].concat()).err.contains("2 to 16 members"));
    assert_eq!(retention(&[&draw[..], &["--member", "nobody"]].concat()).code, exit::USAGE);
    assert_eq!(json(&retention(&["act", "list"]))["acts"], serde_json::json!([]));
    for line in [&["act", "show", NOWHERE][..], &["act", "withdraw", NOWHERE]] {
        assert!(retention(line).err.contains("request.not_found"), "{line:?}");
    }
    assert_eq!(retention(&["act", "sign", NOWHERE, "--signature", "/nowhere"]).code, exit::UNREADABLE);
}
