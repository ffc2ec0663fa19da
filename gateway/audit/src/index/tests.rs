//! The index as officers ask it, as operators lose it, and as somebody changes it who owns the file.

use proptest::prelude::*;
use schemas::audit::AuditFilter;
use schemas::{PersonId, ProblemCode};
use serde_json::{Value, json};
use storage::{Reader, Writer};
use time::Duration;

use super::*;
use crate::event::{Action, EventDraft, Outcome};
use crate::log::tests::{Machine, Process};

fn person(number: u8) -> PersonId {
    PersonId::from_parts(1, [number; 10])
}

/// The n-th event of a varied day.
fn event(n: usize) -> EventDraft {
    let of = |n: usize| person(u8::try_from(n % 4).unwrap());
    let (action, object, details) = match n % 6 {
        0 => (
            Action::LookAtCopy,
            format!("copy:{n}"),
            json!({ "owner": of(n / 6), "centre": "00000002", "purpose": "application.review" }),
        ),
        1 => (
            Action::SubmitDocument,
            format!("message:{n}"),
            json!({ "case": format!("case-{}", n % 5), "recipient": "00000003.chancellery" }),
        ),
        2 => (Action::ReadOwnFile, format!("person:{}", of(n)), json!({ "copies": 1 })),
        3 => (Action::RegisterPerson, format!("person:{}", of(n)), Value::Null),
        4 => (Action::LookThroughGlass, format!("copy:{n}"), json!({ "break_glass": "b", "owner": of(n) })),
        _ => (
            Action::Request,
            format!("mailbox:0000000{}.archive", n % 3),
            json!({ "request": format!("r{n}"), "peer": "192.0.2.1" }),
        ),
    };
    let outcome = if n % 7 == 3 { Outcome::Refused(ProblemCode::ActionForbidden) } else { Outcome::Done };
    let actor =
        if n.is_multiple_of(2) { format!("person:{}", of(n / 2)) } else { "participant:00000001/token:t".to_owned() };
    EventDraft { action, actor, object: Some(object), outcome, details }
}

async fn filled(events: usize) -> (Machine, Process, Index) {
    let machine = Machine::new();
    let process = machine.start();
    for n in 0..events {
        process.ledger.record(event(n)).await.unwrap();
        machine.clock.advance(Duration::minutes(7));
    }
    process.log.round().await.unwrap();
    let index = Index::new(process.writer.clone(), process.reader.clone());
    while index.round().await.unwrap() {}
    (machine, process, index)
}

type Rows = (Vec<(i64, i64, i64)>, Vec<(i64, String, i64, i64)>);

async fn rows(reader: &Reader) -> Rows {
    let (entries, terms) = (
        "SELECT seq, at, high FROM audit_index ORDER BY seq",
        "SELECT kind, value, seq, from_details FROM audit_index_term ORDER BY kind, value, seq",
    );
    let read = move |tx: &mut storage::Tx<'_>| {
        let entries = tx.query(entries, &[], |row| Ok((row.integer(0)?, row.integer(1)?, row.integer(2)?)))?;
        let terms =
            tx.query(terms, &[], |row| Ok((row.integer(0)?, row.text(1)?, row.integer(2)?, row.integer(3)?)))?;
        Ok((entries, terms))
    };
    reader.read("rows", read).await.unwrap()
}

async fn all(index: &Index) -> Vec<Indexed> {
    index.rows(0, 1 << 40, 10_000).await.unwrap().iter().map(Opened::indexed).collect()
}

async fn execute(writer: &Writer, sql: &'static str) {
    let done = writer.run_tx::<_, StoreError, _>("test", move |tx| tx.execute(sql, &[]).map(drop));
    done.await.unwrap();
}

fn filter(stated: &Value) -> Filter {
    Filter::of(&serde_json::from_value(stated.clone()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_made_again_is_the_index_that_was() {
    let (machine, process, index) = filled(300).await;
    let before = rows(&process.reader).await;
    assert_eq!(before.0.len(), 300);
    index.reindex(&process.ledger).await.unwrap();
    process.log.round().await.unwrap();
    // Its half-way states too are resumed, by another process.
    assert!(index.round().await.unwrap());
    let other = machine.start();
    let other = Index::new(other.writer, other.reader);
    let meanwhile = other.search(&Filter::default(), 0, 300, 10).await.unwrap();
    assert_eq!((meanwhile.end, meanwhile.next), (0, Some(0)), "nothing is covered meanwhile, and the answer says so");
    while other.round().await.unwrap() || index.round().await.unwrap() {}
    let after = rows(&process.reader).await;
    assert_eq!(after.0[..300], before.0[..]);
    let without_last = |rows: &Rows| rows.1.iter().filter(|row| row.2 < 300).cloned().collect::<Vec<_>>();
    assert_eq!(without_last(&after), before.1);
    let last = index.opened(vec![300]).await.unwrap().remove(0);
    assert_eq!(last.indexed().value(Kind::Action), Some("audit.reindex"), "that it was made again is on record");
    assert_eq!(index.progress().await.unwrap(), (301, 301));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fillers_beside_each_other_write_each_entry_once() {
    let (_machine, process, index) = filled(5).await;
    process.record(700).await;
    process.log.round().await.unwrap();
    let fillers: Vec<_> = (0..4)
        .map(|_| {
            let index = index.clone();
            tokio::spawn(async move { while index.round().await.unwrap() {} })
        })
        .collect();
    for filler in fillers {
        filler.await.unwrap();
    }
    while index.round().await.unwrap() {}
    let rows = rows(&process.reader).await;
    assert_eq!(rows.0.iter().map(|row| row.0).collect::<Vec<_>>(), (0..705).collect::<Vec<_>>());
}

/// Every filter of these days agrees with what the entries say, page by page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_is_what_matches_and_pages_leave_nothing_out() {
    let (_machine, _process, index) = filled(120).await;
    let entries = all(&index).await;
    let at = |n: usize| entries[n].at.format(&time::format_description::well_known::Rfc3339).unwrap();
    let filters = [
        json!({}),
        json!({ "person": person(1) }),
        json!({ "looked_at": person(2) }),
        json!({ "looked_at": person(2), "result": "done" }),
        json!({ "participant": "00000002" }),
        json!({ "participant": "00000001", "result": "refused" }),
        json!({ "result": "access.forbidden", "action": "request" }),
        json!({ "result": "done", "actor": format!("person:{}", person(0)) }),
        json!({ "purpose": "application.review", "from": at(20), "to": at(90) }),
        json!({ "from": at(50), "to": at(50) }),
        json!({ "from": at(119) }),
        json!({ "to": at(1) }),
        json!({ "object": "message:7" }),
        json!({ "correlation": "r5" }),
        json!({ "correlation": "b", "person": person(0) }),
        json!({ "object": "message:nowhere" }),
    ];
    for stated in &filters {
        let filter = filter(stated);
        let expected: Vec<u64> = entries.iter().filter(|entry| filter.matches(entry)).map(|entry| entry.seq).collect();
        for limit in [1, 3, 100] {
            let (mut found, mut next, mut covered) = (Vec::new(), Some(0), 0);
            while let Some(first) = next {
                let page = index.search(&filter, first, 120, limit).await.unwrap();
                assert!(
                    page.first >= covered && page.end >= page.first && page.hits.len() <= limit as usize,
                    "{stated}"
                );
                assert!(page.hits.iter().all(|hit| (page.first..page.end).contains(hit)), "{stated}");
                covered = page.end;
                found.extend(page.hits);
                next = page.next;
            }
            assert_eq!(found, expected, "{stated}, {limit} a page");
        }
    }
    let looks = filter(&json!({ "looked_at": person(2) }));
    let page = index.search(&looks, 0, 1 << 40, 100).await.unwrap();
    assert!(!page.hits.is_empty());
    for hit in page.hits {
        let entry = &entries[usize::try_from(hit).unwrap()];
        assert!(is_look(entry.value(Kind::Action).unwrap()) && !entry.is_refused());
        assert_ne!(entry.value(Kind::Actor), Some(format!("person:{}", person(2)).as_str()), "their own is no look");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_lies_is_found_out_by_replay_and_the_entry_is_named() {
    let (_machine, process, index) = filled(60).await;
    let entries = all(&index).await;
    let filter = filter(&json!({ "action": "copy.look" }));
    let replayed = async || {
        let page = index.search(&filter, 0, 1 << 40, 100).await.unwrap();
        let mut replay = Replay::new(&filter, &page.hits);
        let fed: Result<(), Lie> = entries
            .iter()
            .filter(|entry| (page.first..page.end).contains(&entry.seq))
            .try_for_each(|e| replay.entry(e));
        fed.and_then(|()| replay.finish())
    };
    assert_eq!(replayed().await, Ok(0));
    // A row is removed, one is added, and one is changed to another entry.
    execute(&process.writer, "DELETE FROM audit_index_term WHERE kind = 1 AND seq = 12").await;
    assert_eq!(replayed().await, Err(Lie::LeftOut(12)));
    execute(&process.writer, "INSERT INTO audit_index_term VALUES (1, 'copy.look', 12, 0)").await;
    execute(&process.writer, "INSERT INTO audit_index_term VALUES (1, 'copy.look', 7, 0)").await;
    assert_eq!(replayed().await, Err(Lie::PutIn(7)));
    execute(&process.writer, "DELETE FROM audit_index_term WHERE kind = 1 AND seq = 7 AND value = 'copy.look'").await;
    execute(
        &process.writer,
        "UPDATE audit_index_term SET seq = 31 WHERE kind = 1 AND value = 'copy.look' AND seq = 30",
    )
    .await;
    assert_eq!(replayed().await, Err(Lie::LeftOut(30)));
    execute(
        &process.writer,
        "UPDATE audit_index_term SET seq = 30 WHERE kind = 1 AND value = 'copy.look' AND seq = 31",
    )
    .await;
    assert_eq!(replayed().await, Ok(0));
    // Made anew it tells the truth whatever was done to it.
    execute(&process.writer, "DELETE FROM audit_index_term WHERE seq > 20").await;
    assert!(replayed().await.is_err());
    index.reindex(&process.ledger).await.unwrap();
    while index.round().await.unwrap() {}
    assert_eq!(replayed().await, Ok(0));
}

#[test]
fn hits_outside_of_what_is_covered_are_no_answer() {
    let filter = Filter::default();
    let entry = |seq| Indexed::of(seq, br#"{"action":"request"}"#, None);
    for (hits, lie) in [
        (&[4, 5, 6][..], Lie::PutIn(4)),
        (&[5, 6, 7], Lie::PutIn(7)),
        (&[5], Lie::LeftOut(6)),
        (&[6, 5], Lie::LeftOut(5)),
        (&[5, 5, 6], Lie::PutIn(5)),
    ] {
        let mut replay = Replay::new(&filter, hits);
        let fed = [5, 6].into_iter().try_for_each(|seq| replay.entry(&entry(seq)));
        assert_eq!(fed.and_then(|()| replay.finish()), Err(lie), "{hits:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_leaves_the_index_and_does_not_come_back() {
    let (_machine, process, index) = filled(30).await;
    let looked = filter(&json!({ "looked_at": person(2) }));
    let found = async || index.search(&looked, 0, 1 << 40, 100).await.unwrap().hits;
    let before = found().await;
    assert_eq!(before, [2, 14, 22, 26]);
    execute(
        &process.writer,
        "DELETE FROM audit_payload WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 22)",
    )
    .await;
    assert_eq!(found().await, [2, 14, 26]);
    let erased = index.opened(vec![22]).await.unwrap().remove(0);
    assert!(erased.is_erased() && erased.details.is_none());
    assert_eq!(erased.indexed().value(Kind::Action), Some("break_glass.look"), "what the entry says stays");
    let before = rows(&process.reader).await;
    index.reindex(&process.ledger).await.unwrap();
    while index.round().await.unwrap() {}
    assert_eq!(rows(&process.reader).await, before);
    // Of such an entry nobody can say that it would not have matched.
    let mut replay = Replay::new(&looked, &[2, 14, 26]);
    for entry in all(&index).await {
        replay.entry(&entry).unwrap();
    }
    assert_eq!(replay.finish(), Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_goes_back_loses_nothing() {
    let (machine, process, index) = filled(10).await;
    machine.clock.advance(Duration::minutes(-30));
    process.ledger.record(event(0)).await.unwrap();
    machine.clock.advance(Duration::hours(5));
    process.ledger.record(event(1)).await.unwrap();
    process.log.round().await.unwrap();
    while index.round().await.unwrap() {}
    let entries = all(&index).await;
    let at = |n: usize| entries[n].at;
    assert!(at(10) < at(9));
    for (from, to) in [(at(5), at(8)), (at(10), at(9)), (at(9), at(11)), (at(0), at(1))] {
        let filter = Filter::of(&AuditFilter { from: Some(from), to: Some(to), ..AuditFilter::default() }).unwrap();
        let page = index.search(&filter, 0, 1 << 40, 100).await.unwrap();
        let expected: Vec<u64> = entries.iter().filter(|entry| (from..to).contains(&entry.at)).map(|e| e.seq).collect();
        assert_eq!(page.hits, expected);
    }
}

#[test]
fn filters_that_no_entry_could_match_are_refused() {
    let of = |stated: Value| Filter::of(&serde_json::from_value(stated).unwrap());
    for stated in [
        json!({ "action": "copy.steal" }),
        json!({ "result": "perhaps" }),
        json!({ "object": "" }),
        json!({ "object": "x".repeat(257) }),
        json!({ "actor": "node\u{0}" }),
        json!({ "correlation": "a\nb" }),
        json!({ "from": "2026-11-27T00:00:00Z", "to": "2026-11-26T00:00:00Z" }),
    ] {
        assert!(of(stated.clone()).is_err(), "{stated}");
    }
    for stated in
        ["{\"action\":1}", "{\"person\":\"3184710691\"}", "{\"nobody\":true}", "{\"from\":\"yesterday\"}", "7"]
    {
        assert!(serde_json::from_str::<AuditFilter>(stated).is_err(), "{stated}");
    }
    // What looks like SQL is a name like any other.
    assert!(of(json!({ "object": "message:1' OR '1'='1" })).is_ok());
}

#[test]
fn an_entry_is_found_by_what_it_says() {
    let look = br#"{"action":"copy.look","actor":"person:a","at":"2026-11-23T15:19:00.000001Z","commit":"00","object":"copy:c","outcome":"done"}"#;
    let details = r#"{"owner":"p","centre":"00000002","application":"x","purpose":"application.review","case":"k","peer":"192.0.2.1"}"#;
    let term = |kind, value: &str, from_details| Term { kind, value: value.to_owned(), from_details };
    let indexed = Indexed::of(7, look, Some(details));
    assert_eq!(
        indexed.terms,
        [
            term(Kind::Action, "copy.look", false),
            term(Kind::Actor, "person:a", false),
            term(Kind::Object, "copy:c", false),
            term(Kind::Person, "p", true),
            term(Kind::Participant, "00000002", true),
            term(Kind::Object, "application:x", true),
            term(Kind::Purpose, "application.review", true),
            term(Kind::Case, "k", true),
            term(Kind::Looked, "p", true),
        ]
    );
    assert_eq!((indexed.peer.as_deref(), indexed.erased), (Some("192.0.2.1"), false));
    assert!(Indexed::of(7, look, None).erased);
    // One's own, and what was refused, is no look.
    let own = br#"{"action":"file.read","actor":"person:p","object":"person:p","outcome":"done"}"#;
    assert_eq!(Indexed::of(0, own, None).value(Kind::Looked), None);
    let refused = br#"{"action":"copy.look","actor":"person:a","outcome":"refused","reason":"request.not_found"}"#;
    let refused = Indexed::of(0, refused, Some(r#"{"owner":"p"}"#));
    assert_eq!(refused.value(Kind::Looked), None);
    assert_eq!(refused.values(Kind::Refusal).collect::<Vec<_>>(), ["refused", "request.not_found"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_details_say_an_entry_has_few_terms_each_once(
        values in prop::collection::vec(("[a-z_]{1,12}|owner|applicants|messages|opens|case", "\\PC{0,300}"), 0..40),
        many in prop::collection::vec("[a-z0-9]{1,20}", 0..600),
    ) {
        let mut details: serde_json::Map<String, Value> = values.into_iter().map(|(key, value)| (key, value.into())).collect();
        details.insert("applicants".to_owned(), many.into());
        let entry = br#"{"action":"copy.look","actor":"person:a","object":"copy:c","outcome":"done"}"#;
        let indexed = Indexed::of(0, entry, Some(&Value::Object(details).to_string()));
        prop_assert!(indexed.terms.len() <= term::TERMS);
        let mut known: Vec<_> = indexed.terms.iter().map(|term| (term.kind, &term.value)).collect();
        known.sort();
        known.dedup();
        prop_assert_eq!(known.len(), indexed.terms.len());
        prop_assert!(indexed.terms.iter().all(|term| term.value.len() <= 256));
    }
}
