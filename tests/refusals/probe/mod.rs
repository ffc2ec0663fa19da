//! Every operation of the API, at every door, asked by everybody who may not: without a login, with one that is over, revoked or of
//! another door, in each wrong role, about things of others and things that are not there.
//!
//! What must be answered is derived, not observed: from the matrix of roles (`gateway/access/matrix.csv`) and the table of operations
//! ([`table`]), and kept in `probe.csv` beside this file, so that a change is read in review (`UPDATE_GOLDEN=1` writes it anew). The node
//! is then held against the file, request by request, and its log against the requests: so many refusals, and nothing else done.
//!
//! A new operation needs its line in [`table`]; without it these tests fail.
//!
//! | module | what it holds |
//! |---|---|
//! | [`table`] | the operations: what each is about, how it is asked for |
//! | [`expected`] | what is answered to whom: the derivation, and the file |
//! | [`who`] | whoever knocks, and at which door |
//! | [`scene`] | a region with one thing of each kind, of one's own and of others |

mod expected;
mod scene;
mod table;
mod who;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use schemas::ProblemCode;
use serde_json::Value;
use tests::harness::agency::fresh_key;
use tests::harness::{Answer, Book, Request};

use expected::{ALLOW, Line, OFFICER, Row};
use scene::{Scene, Thing, Things};
use table::{BEGINNINGS, OPERATIONS, Operation};
use who::{Door, Who};

/// Requests under way at a time.
const AT_ONCE: usize = 6;

/// The operations that the node itself describes: identifier, method, path.
async fn described(scene: &Scene) -> BTreeSet<(String, String, String)> {
    let region = &scene.region;
    let answer = region.wire(Some(region.a.login())).asks(&Request::get("/v1/openapi.json")).await;
    assert_eq!(answer.status, 200);
    let description: Value = answer.json();
    let paths = description["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("a path").iter();
        methods.filter_map(move |(method, operation)| {
            let id = operation["operationId"].as_str()?.to_owned();
            Some((id, method.to_uppercase(), path.clone()))
        })
    });
    operations.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_that_the_node_describes_is_in_the_table_and_no_other() {
    let scene = Scene::set().await;
    let described = described(&scene).await;
    assert!(described.len() > 70, "only {} operations are described", described.len());
    let ids: BTreeSet<&str> = described.iter().map(|(id, ..)| id.as_str()).collect();
    let probed: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
    assert_eq!(ids.difference(&probed).collect::<Vec<_>>(), Vec::<&&str>::new(), "described, and not probed");
    assert_eq!(probed.difference(&ids).collect::<Vec<_>>(), Vec::<&&str>::new(), "probed, and not described");
    // What is sent is the operation that is meant.
    for operation in OPERATIONS {
        let (_, method, path) = described.iter().find(|(id, ..)| id == operation.id).expect("just found");
        let request = (operation.request)(&scene, Thing::Own);
        assert!(request.is_for(method, path), "{}: {request:?} is not {method} {path}", operation.id);
    }
}

#[test]
fn the_file_says_what_the_matrix_and_the_table_say() {
    let derived = expected::derived();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        expected::write(&derived);
    }
    let kept = expected::kept();
    let gone: Vec<&Line> = kept.iter().filter(|line| !derived.contains(line)).collect();
    let new: Vec<&Line> = derived.iter().filter(|line| !kept.contains(line)).collect();
    assert!(
        derived == kept,
        "probe.csv differs.\nin the file: {gone:#?}\nnow: {new:#?}\nif that is meant: UPDATE_GOLDEN=1"
    );
}

/// Read from the file alone, so that nobody can bring about by `UPDATE_GOLDEN` what must never be.
#[test]
fn the_file_itself_lets_no_stranger_in_and_tells_nobody_what_exists() {
    let rows = expected::rows(&expected::kept());
    for (row, (status, code)) in &rows {
        let refused = code != ALLOW;
        assert!(!refused || ["401", "403", "404"].contains(&status.as_str()), "{row:?}: {status} {code}");
        let who = Who::named(row.door, &row.who);
        if who.is_stranger() {
            let open = row.door != Door::Api && BEGINNINGS.contains(&row.operation.as_str());
            assert!(status == "401" || (open && !refused), "{row:?}: {status} {code}");
        } else {
            assert_ne!(status, "401", "{row:?}: a refusal that says of somebody known that they are not");
        }
        // What is there and another's, and what is not there: whoever is refused the one is refused the other in the same words.
        if row.thing == Thing::Foreign && refused && !may_know(row) {
            let none = rows.get(&Row { thing: Thing::None, ..row.clone() });
            assert_eq!(none, Some(&(status.clone(), code.clone())), "{row:?} differs from what is not there");
        }
        // No keeper of the node has any content, and no role another's.
        let foreign = row.thing == Thing::Foreign && !refused;
        assert!(!foreign || !CONTENT.contains(&row.operation.as_str()), "{row:?}");
    }
    for operation in OPERATIONS {
        for door in Door::ALL {
            let of = |row: &&Row| row.operation == operation.id && row.door == door;
            let refused = rows.iter().filter(|(row, (_, code))| of(row) && code != ALLOW).count();
            let is_open = door != Door::Api && BEGINNINGS.contains(&operation.id);
            assert!(refused > 1 || is_open, "{} refuses hardly anybody at the door {door:?}", operation.id);
        }
        let signed = ProblemCode::StepUpRequired.as_str();
        let lets_in = |(row, (_, code)): (&Row, &(String, String))| {
            row.operation == operation.id && (code == ALLOW || code == signed)
        };
        assert!(rows.iter().any(lets_in), "{} is for nobody", operation.id);
    }
}

/// Security officers have the list of every break-glass access, and can open what they name: that it is there is no secret from them.
fn may_know(row: &Row) -> bool {
    const OF_THEIRS: &[&str] =
        &["open_break_glass", "end_break_glass", "review_break_glass", "list_opened_copies", "look_through_glass"];
    row.who == OFFICER && OF_THEIRS.contains(&row.operation.as_str())
}

/// Operations that bring somebody's documents, or what is known of them, to light.
const CONTENT: &[&str] = &[
    "list_mailbox",
    "lease_messages",
    "read_message",
    "download_part",
    "acknowledge_message",
    "read_case",
    "export_case",
    "read_announcement",
    "upload_part",
    "send_announcement",
    "withdraw_announcement",
    "read_copy",
    "look_at_copy",
    "read_application",
    "list_opened_copies",
    "look_through_glass",
];

/// One request, and what came of it.
struct Probed {
    row: Row,
    answer: Answer,
}

/// Asks for every operation as `who`, about every thing of which the file says that it is refused.
async fn probe(scene: &Scene, who: &Who, rows: &BTreeMap<Row, (String, String)>) -> Vec<Probed> {
    let asked = OPERATIONS.iter().flat_map(|operation| operation.things(who).map(move |thing| (operation, thing)));
    let refused = asked.filter_map(|(operation, thing)| {
        let row = Row { operation: operation.id.to_owned(), door: who.door, who: who.name.to_owned(), thing };
        let (_, code) = rows.get(&row).unwrap_or_else(|| panic!("{row:?} is not in probe.csv"));
        (code != ALLOW).then_some((operation, row))
    });
    let requests = refused.map(|(operation, row)| async move {
        // A session's requests are bounded by the clock: so each finds room.
        scene.region.time_passes(time::Duration::milliseconds(60));
        let answer = scene.asks(who, &(operation.request)(scene, row.thing)).await;
        Probed { row, answer }
    });
    futures_util::stream::iter(requests).buffer_unordered(AT_ONCE).collect().await
}

/// The problem without what is of this request alone.
fn told(answer: &Answer) -> Value {
    let mut problem: Value = answer.json();
    problem["instance"] = Value::Null;
    problem
}

/// Holds every answer against the file, and what is another's against what is not there.
fn check(probed: &[Probed], rows: &BTreeMap<Row, (String, String)>) -> Vec<String> {
    let mut wrong = Vec::new();
    for Probed { row, answer } in probed {
        let expected = &rows[row];
        let is = match answer.header("content-type") {
            Some("application/problem+json") => (answer.status.to_string(), answer.problem().code),
            _ => (answer.status.to_string(), String::from_utf8_lossy(&answer.body).into_owned()),
        };
        if is != *expected {
            wrong.push(format!("{row:?}: {is:?} instead of {expected:?}"));
        }
    }
    for foreign in probed.iter().filter(|probed| probed.row.thing == Thing::Foreign && !may_know(&probed.row)) {
        let none = Row { thing: Thing::None, ..foreign.row.clone() };
        let none = probed.iter().find(|probed| probed.row == none).expect("asked for what is not there too");
        if told(&foreign.answer) != told(&none.answer) {
            wrong.push(format!("{:?} tells what is there from what is not", foreign.row));
        }
    }
    wrong
}

/// The log between two readings: a refusal for each request, and nothing done but by the node itself.
fn check_log(before: &Book, after: &Book, probed: &[Probed]) {
    let since = &after.entries[before.entries.len()..];
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for Probed { answer, .. } in probed {
        *told.entry(answer.problem().code).or_default() += 1;
    }
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for entry in since {
        match entry.text("outcome") {
            "refused" => *written.entry(entry.text("reason").to_owned()).or_default() += 1,
            _ => assert_eq!(entry.text("actor"), "node", "something was done: {}", entry.json),
        }
    }
    assert_eq!(written, told, "rows of refusals, and refusals");
}

async fn everybody_is_refused(those: impl Fn(&Who) -> bool) {
    let (scene, rows) = (Scene::set().await, expected::rows(&expected::kept()));
    let before = scene.region.book().await;
    let mut probed = Vec::new();
    for who in who::all().iter().filter(|who| those(who)) {
        probed.extend(probe(&scene, who, &rows).await);
    }
    let wrong = check(&probed, &rows);
    assert!(wrong.is_empty(), "{} of {} are answered wrongly:\n{}", wrong.len(), probed.len(), wrong.join("\n"));
    check_log(&before, &scene.region.book().await, &probed);
}

// A node writes 600 refusals of strangers down at once, and 120 of one address: not all are asked of one.

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_certificate_or_a_bad_one_is_refused_every_operation() {
    everybody_is_refused(|who| who.door == Door::Api && who.is_stranger() && !who.has_token()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_over_is_refused_every_operation() {
    everybody_is_refused(|who| who.door == Door::Api && who.is_stranger() && who.has_token()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_session_at_the_internal_portal_is_refused_every_operation() {
    everybody_is_refused(|who| who.door == Door::Internal && who.is_stranger() && !who.had_a_session()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_one_at_the_internal_portal_that_is_over_or_of_elsewhere_is_refused_every_operation() {
    everybody_is_refused(|who| who.door == Door::Internal && who.is_stranger() && who.had_a_session()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_session_at_the_external_portal_is_refused_every_operation() {
    everybody_is_refused(|who| who.door == Door::External && who.is_stranger() && !who.had_a_session()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_one_at_the_external_portal_that_is_over_or_of_elsewhere_is_refused_every_operation() {
    everybody_is_refused(|who| who.door == Door::External && who.is_stranger() && who.had_a_session()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_elsewhere_or_without_the_sessions_token_is_refused() {
    everybody_is_refused(Who::is_forged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_role_is_refused_every_operation() {
    everybody_is_refused(Who::is_known).await;
}

/// One's own thing with another's beside it: whoever may do the one is not told whether there is the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_thing_of_ones_own_does_not_tell_of_anothers_beside_it() {
    let scene = Scene::set().await;
    let (own, foreign, none) = (scene.of(Thing::Own), scene.of(Thing::Foreign), scene.of(Thing::None));
    let head = Who::named(Door::Internal, "head_of_agency");
    let applicant = Who::named(Door::External, "applicant");
    let operator = Who::named(Door::Api, "operator's certificate");
    let system = Who::named(Door::Api, "participant's system");
    let token = |of: &Things| format!("/v1/participants/{}/tokens/{}", own.participant, of.token);
    let role = |of: &Things| format!("/v1/people/{}/roles/{}", own.person, of.assignment);
    let copy = |of: &Things| format!("/v1/applications/{}/copies/{}", own.application, of.copy);
    let application = |of: &Things| format!("/v1/applications/{}/copies/{}", of.application, own.copy);
    let announces = |of: &Things| {
        let mut announcement = scene.announcement_of(Thing::Own);
        announcement["envelope"]["case_id"] = of.case.as_str().into();
        let request = Request::post("/v1/announcements").header("idempotency-key", fresh_key());
        request.body("application/json", announcement.to_string())
    };
    let pairs = [
        (&head, Request::new("DELETE", &token(foreign)), Request::new("DELETE", &token(none)), 404),
        (&operator, Request::new("DELETE", &role(foreign)), Request::new("DELETE", &role(none)), 404),
        (&applicant, Request::new("PUT", &copy(foreign)), Request::new("PUT", &copy(none)), 404),
        (&applicant, Request::new("DELETE", &copy(foreign)), Request::new("DELETE", &copy(none)), 404),
        (&applicant, Request::new("PUT", &application(foreign)), Request::new("PUT", &application(none)), 404),
        (&system, announces(foreign), announces(none), 422),
    ];
    for (who, anothers, nobodys, status) in pairs {
        let (anothers, nobodys) = (scene.asks(who, &anothers).await, scene.asks(who, &nobodys).await);
        assert_eq!(anothers.status, status, "{}: {}", who.name, String::from_utf8_lossy(&anothers.body));
        assert_eq!(told(&anothers), told(&nobodys), "{}", who.name);
    }
}

/// What the control answers with 404 although the right role asks, and why.
const NOT_THERE: &[(&str, &str)] = &[
    ("read_subscription", "this node posts no notices, so there is none"),
    ("remove_subscription", "this node posts no notices, so there is none"),
    ("begin_provider_login", "this node has no identity provider: tests/oracles has one"),
    ("finish_provider_login", "this node has no identity provider: tests/oracles has one"),
    ("read_witnessed_checkpoint", "this node asks no witness: tests/journeys has some"),
    ("read_anchor", "this node asks no time-stamp authority: tests/journeys has one"),
    ("see_alert", "no alert has this number: gateway/src/audit_tests.rs has one"),
    ("erase_details", "this node seals no details: gateway/src/erasure_tests.rs has one that does"),
];

/// The control: nothing above could fail if the node refused everything.
#[tokio::test(flavor = "multi_thread")]
async fn the_right_role_gets_through_to_every_operation() {
    let (scene, rows) = (Scene::set().await, expected::rows(&expected::kept()));
    let everybody = who::all();
    let (mut reached, mut wrong) = (BTreeSet::new(), Vec::new());
    let mut operations: Vec<&Operation> = OPERATIONS.iter().collect();
    operations.sort_by_key(|operation| operation.ends_something());
    for operation in operations {
        for who in &everybody {
            let row =
                Row { operation: operation.id.to_owned(), door: who.door, who: who.name.to_owned(), thing: Thing::Own };
            let Some((_, code)) = rows.get(&row) else { continue };
            let signs = code == ProblemCode::StepUpRequired.as_str();
            if code != ALLOW && !signs {
                continue;
            }
            if signs {
                scene.confirms(who, operation.id).await;
            }
            let answer = scene.asks(who, &(operation.request)(&scene, Thing::Own)).await;
            let body = String::from_utf8_lossy(&answer.body);
            let refused = [401, 403].contains(&answer.status);
            if refused || answer.status == 500 {
                wrong.push(format!("{row:?}: {} {body}", answer.status));
            }
            if answer.status != 404 && answer.status < 500 {
                reached.insert(operation.id);
            }
            scene.region.time_passes(time::Duration::milliseconds(100));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let not: Vec<&str> = OPERATIONS.iter().map(|operation| operation.id).filter(|id| !reached.contains(id)).collect();
    assert_eq!(not, NOT_THERE.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "operations that nobody reaches");
}
