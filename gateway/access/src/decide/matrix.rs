//! The golden matrix: `gateway/access/matrix.csv`, a line for each action and whoever may ask for it.
//!
//! It is made from the decisions of the shipped policies and compared with the file, so that a change of a policy is read as what it changes for
//! whom. `UPDATE_GOLDEN=1` writes the file anew.

use super::scene::{HERE, Scene, ask, peer, person, person_id, system, town};
use super::*;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/matrix.csv");

const HEAD: &str = "\
# Who may do what. `allow`, or the code of the refusal; `-` where it makes no difference whose it is.
# own: a thing of the participant 00000002, which all here are of or act for, or of the person who asks; it came to the participant, or is its
#   own submission; of break-glass access: that they opened it, to another's data. other: another thing of the same participant: what it
#   sent, what it has no channel for, what is another person's there; of read_people and read_break_glass: the node's; of look_at_copy: of an application that is closed and kept no more. foreign: of another participant, and another
#   person.
# `signed` have just signed once more. Made by a test (gateway/access/src/decide/matrix.rs), with UPDATE_GOLDEN=1.
action,who,own,other,foreign
";

/// Actions that are about the node, whatever stands around: one answer for all.
const OF_THE_NODE: &[&str] = &[
    "read_participants",
    "set_address",
    "resolve_address",
    "set_suspension",
    "check_delivery",
    "read_quarantine",
    "retry_message",
    "read_retention",
    "set_hold",
    "dispose_messages",
    "register_person",
    "import_directory",
    "end_sessions",
    "store_copy",
    "read_log",
    "search_audit",
    "export_audit",
    "read_alerts",
    "see_alert",
    "read_erasures",
    "erase_details",
    "read_trust",
    "set_trust",
    "read_peers",
    "set_peer",
];

/// An action may be asked in several ways; each is a row of its own.
type Variant = (&'static str, fn(&mut Scene));

fn variants(action: &str) -> &'static [Variant] {
    match action {
        "grant_role" | "revoke_role" => &[
            ("[authorised_representative]", |_| ()),
            ("[centre_administrator]", |scene| scene.grant.role = Role::CentreAdministrator),
            ("[head_of_agency]", |scene| scene.grant.role = Role::HeadOfAgency),
            ("[auditor]", |scene| {
                scene.grant.role = Role::Auditor;
                scene.grant.participant = None;
            }),
        ],
        "look_at_copy" => &[
            ("", |_| ()),
            ("[closed and kept]", |scene| (scene.look.open, scene.look.kept) = (false, true)),
            ("[not attached]", |scene| scene.look.attached = false),
            ("[without purpose]", |scene| scene.look.purpose = false),
        ],
        "open_break_glass" => &[
            ("", |_| ()),
            ("[one's own matter]", |scene| scene.glass.subject = person_id(1)),
            ("[who never applied there]", |scene| scene.glass.centre = None),
        ],
        "look_through_glass" => &[
            ("", |_| ()),
            ("[over]", |scene| scene.glass.open = false),
            ("[another copy]", |scene| scene.glass.covers = false),
        ],
        "review_break_glass" => &[("", |_| ()), ("[of one's own data]", |scene| scene.glass.subject = person_id(1))],
        _ => &[("", |_| ())],
    }
}

/// Whoever may ask.
fn cast(operator: Actor) -> Vec<(String, Actor)> {
    let mut cast = vec![
        ("participant's system".to_owned(), system(HERE)),
        ("operator's certificate".to_owned(), operator),
        ("peer".to_owned(), peer()),
        ("person without a role".to_owned(), person(&[], Some(HERE), true)),
    ];
    for role in Role::ALL {
        let acting_for = (!role.is_of_node()).then_some(HERE);
        cast.push((role.to_string(), person(&[*role], acting_for, false)));
        cast.push((format!("{role} signed"), person(&[*role], acting_for, true)));
    }
    cast
}

async fn row(access: &Access, actor: &Actor, action: &str, change: fn(&mut Scene)) -> String {
    let scenes = [Scene::own(), Scene::other(), Scene::foreign()];
    let mut answers = Vec::new();
    for (place, mut scene) in scenes.into_iter().enumerate() {
        if place > 0 && OF_THE_NODE.contains(&action) {
            answers.push("-");
            continue;
        }
        change(&mut scene);
        answers.push(ask(access, actor, action, &scene).await.map_or_else(|denied| denied.code.as_str(), |()| "allow"));
    }
    answers.join(",")
}

#[tokio::test]
async fn every_role_may_do_exactly_what_the_matrix_says() {
    let town = town().await;
    let mut matrix = HEAD.to_owned();
    for action in ACTIONS {
        for (variant, change) in variants(action) {
            let mut before = String::new();
            for (who, actor) in cast(town.operator()) {
                let row = row(&town.access, &actor, action, *change).await;
                // A signature changes little: only where it does has it a line.
                if !who.ends_with(" signed") || row != before {
                    matrix.push_str(&format!("{action}{variant},{who},{row}\n"));
                }
                before = row;
            }
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(GOLDEN, &matrix).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    let (made, kept): (Vec<_>, Vec<_>) = (matrix.lines().collect(), golden.lines().collect());
    let gone: Vec<_> = kept.iter().filter(|line| !made.contains(line)).collect();
    let new: Vec<_> = made.iter().filter(|line| !kept.contains(line)).collect();
    assert!(
        made == kept,
        "matrix.csv differs.\nin the file: {gone:#?}\nnow: {new:#?}\nif that is meant: UPDATE_GOLDEN=1"
    );
}

/// Read from the file, so that nobody can bring about by UPDATE_GOLDEN what must never be.
#[test]
fn the_file_itself_gives_no_keeper_any_content_and_nobody_a_foreign_thing() {
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    let rows = golden.lines().filter(|line| !line.starts_with('#')).skip(1);
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split(',').collect()).collect();
    let actions: BTreeSet<&str> = rows.iter().map(|row| row[0].split('[').next().unwrap_or_default()).collect();
    assert_eq!(actions, ACTIONS.iter().copied().collect(), "an action without a row, or a row without an action");
    let content = ["submit_document", "lease_messages", "download_part", "acknowledge_message", "read_message"];
    let content = [&content[..], &["read_case", "export_case", "list_mailbox", "look_at_copy"]].concat();
    let glass = ["open_break_glass", "look_through_glass", "end_break_glass", "review_break_glass"];
    for row in &rows {
        let [action, who, own, other, foreign] = row.as_slice() else { panic!("{row:?}") };
        let action = action.split('[').next().unwrap_or_default();
        let keeper = ["operator", "node_operator", "auditor", "security_officer", "postal", "register", "applicant"];
        if content.contains(&action) {
            let keeps = keeper.iter().any(|keeper| who.starts_with(keeper));
            assert!(!keeps || ![own, other, foreign].contains(&&"allow"), "{row:?}");
            assert_ne!(*foreign, "allow", "{row:?}");
        }
        // What is done on the node is read by those who watch over it, and by nobody else.
        if ["search_audit", "export_audit", "read_alerts", "see_alert", "read_erasures"].contains(&action)
            && *own == "allow"
        {
            assert!(who.starts_with("auditor") || who.starts_with("security_officer"), "{row:?}");
        }
        // What cannot be taken back takes a signature, of the one role.
        if action == "erase_details" && *own == "allow" {
            assert_eq!(*who, "security_officer signed", "{row:?}");
        }
        // Break-glass access is of two roles alone, and never opened without a signature.
        if glass.contains(&action) && [own, other, foreign].contains(&&"allow") {
            assert!(who.starts_with("head_of_centre") || who.starts_with("security_officer"), "{row:?}");
            assert!(action != "open_break_glass" || who.ends_with(" signed"), "{row:?}");
        }
    }
}
