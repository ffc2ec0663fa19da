//! `admin` on the directory of people of a running node.

use serde_json::json as value;

use super::trusting::{Running, json};
use super::*;

/// Numbers that are nobody's, with their control digits.
const NUMBERS: [&str; 3] = ["0000000017", "0000000023", "0000000030"];

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn two_operators_entrust_a_head_and_one_takes_it_back() {
    let node = Running::new();
    json(&node.operates(&["participant", "set", "00000001", "--name", "Агентство", "--mailbox", "office"]));
    let added = json(&node.operates(&["person", "add", "--name", "Шевченко Оксана", "--rnokpp", NUMBERS[0]]));
    let person = added["id"].as_str().unwrap();
    assert_eq!((&added["known_by"], &added["roles"]), (&value!(["rnokpp"]), &value!([])));
    let twice = node.operates(&["person", "add", "--name", "Шевченко Оксана", "--rnokpp", NUMBERS[0]]);
    assert!(twice.code == exit::REFUSED && twice.err.contains("person.already_registered"), "{}", twice.err);
    assert!(twice.err.contains(person), "{}", twice.err);
    let grant = ["grant", person, "head_of_agency", "--participant", "00000001"];
    let proposed = node.operates(&grant);
    assert!(proposed.err.contains("another operator must confirm"), "{}", proposed.err);
    let listed = json(&node.operates(&["people"]));
    assert_eq!(listed["people"][0]["proposals"][0]["id"], json(&proposed)["proposal"]["id"]);
    assert!(node.operates(&grant).err.contains("proposal.same_operator"));
    let granted = json(&node.operates_as("second", &grant));
    let role = &json(&node.operates(&["people", "--participant", "00000001"]))["people"][0]["roles"][0];
    assert_eq!((role, &role["grantor_ended"]), (&granted["assignment"], &value!(false)));
    let assignment = role["id"].as_str().unwrap();
    assert_eq!(node.operates(&["revoke", person, assignment]).code, exit::OK);
    assert!(node.operates(&["revoke", person, assignment]).err.contains("request.not_found"));
    assert_eq!(node.operates(&["person", "remove", person]).code, exit::OK);
    assert!(node.operates(&grant).err.contains("request.not_found"));
    for (line, code) in [
        (vec!["person", "add", "--name", "Без номера"], exit::USAGE),
        (vec!["grant", person, "king"], exit::USAGE),
        (vec!["person", "add", "--name", "А", "--rnokpp", "0000000018"], exit::REFUSED),
    ] {
        assert_eq!(node.operates(&line).code, code, "{line:?}");
    }
}

#[test]
fn files_are_imported_by_two_and_undone() {
    let node = Running::new();
    let folder = tempfile::tempdir().unwrap();
    let participants =
        written(&folder, "bodies.csv", "edrpou,name,mailboxes\r\n88000001,\"Рада, \"\"обласна\"\"\",office\r\n");
    let [one, two, _] = NUMBERS;
    let people = written(&folder, "people.csv", &format!("name,rnokpp\n\"Перша\",{one}\nДруга,{two}\n"));
    let roles = written(&folder, "roles.csv", &format!("rnokpp,role,participant\n{one},head_of_agency,88000001\n"));
    let files = ["import", "--participants", &participants, "--people", &people, "--roles", &roles];
    let wrong = written(&folder, "wrong.csv", &format!("name,rnokpp\nПерша,{one}\nДруга,0000000018\nТретя\n"));
    let refused = node.operates(&["import", "--people", &wrong]);
    assert_eq!(refused.code, exit::REFUSED);
    assert!(refused.err.contains(&format!("{wrong}:3: rnokpp: person.number_wrong")), "{}", refused.err);
    assert!(refused.err.contains(&format!("{wrong}:4: import.table_wrong")), "{}", refused.err);
    assert!(!refused.err.contains("0000000018"), "{}", refused.err);
    let dry = json(&node.operates(&[&files[..], &["--dry-run"]].concat()));
    assert_eq!((&dry["people"]["added"], &dry["import"]), (&value!(2), &value!(null)));
    assert_eq!(json(&node.operates(&["people"]))["people"], value!([]));
    let proposed = node.operates(&files);
    assert!(proposed.err.contains("with the same files"), "{}", proposed.err);
    let entered = json(&node.operates_as("second", &files));
    let import = entered["import"].as_str().unwrap();
    let again = json(&node.operates(&files));
    assert_eq!((&again["people"], &again["import"]), (&value!({ "added": 0, "unchanged": 2 }), &value!(null)));
    assert_eq!(json(&node.operates(&["people"]))["people"].as_array().unwrap().len(), 2);
    let undone = json(&node.operates(&["import", "--undo", import]));
    assert_eq!((&undone["roles_revoked"], &undone["people_removed"]), (&value!(1), &value!(2)));
    assert!(node.operates(&["import", "--undo", import]).err.contains("import.already_undone"));
    assert_eq!(node.operates(&["import", "--undo", import, "--dry-run"]).code, exit::USAGE);
    let latin = folder.path().join("latin.csv");
    std::fs::write(&latin, b"name,rnokpp\n\xcf\xe5\xf0,1\n").unwrap();
    let unreadable = node.operates(&["import", "--people", &latin.display().to_string()]);
    assert!(unreadable.code == exit::UNREADABLE && unreadable.err.contains("UTF-8"), "{}", unreadable.err);
}
