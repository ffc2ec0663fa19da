//! Each rule by its table, and what a detector knows that was started in the middle.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::index::Term;

/// A Wednesday, ten in the morning in Kyiv.
const NOON: OffsetDateTime = datetime!(2026-11-25 8:00 UTC);

fn rules() -> Rules {
    Rules {
        bulk_looks: Some(Burst { count: 3, within: Duration::hours(1) }),
        hours: Some(Hours {
            days: [true, true, true, true, true, false, false],
            from: 7 * 60,
            to: 21 * 60,
            clock: WallClock::Kyiv,
        }),
        look_without_case: true,
        refusal_storm: Some(Burst { count: 4, within: Duration::minutes(5) }),
    }
}

fn term(kind: Kind, value: &str) -> Term {
    Term { kind, value: value.to_owned(), from_details: false }
}

fn entry(seq: u64, at: OffsetDateTime, terms: Vec<Term>) -> Indexed {
    Indexed { seq, at, terms, peer: None, erased: false }
}

fn look(seq: u64, minutes: i64, actor: &str, person: &str) -> Indexed {
    let terms = vec![
        term(Kind::Action, "copy.look"),
        term(Kind::Actor, actor),
        term(Kind::Object, "application:a"),
        term(Kind::Looked, person),
    ];
    entry(seq, NOON + Duration::minutes(minutes), terms)
}

fn refused(seq: u64, seconds: i64, actor: &str) -> Indexed {
    let terms = vec![term(Kind::Action, "request"), term(Kind::Actor, actor), term(Kind::Refusal, "refused")];
    entry(seq, NOON + Duration::seconds(seconds), terms)
}

/// Which rules found something, with whom and by which entries.
fn found(entries: &[Indexed]) -> Vec<(Rule, String, Vec<u64>)> {
    let mut detector = Detector::new(rules());
    let findings = entries.iter().flat_map(|entry| detector.judge(entry));
    findings.map(|finding| (finding.rule, finding.subject, finding.entries)).collect()
}

#[test]
fn many_people_within_an_hour_are_a_bulk_and_the_same_person_again_is_not() {
    let bulk = |entries: Vec<u64>| vec![(Rule::BulkLooks, "person:a".to_owned(), entries)];
    assert_eq!(found(&[look(1, 0, "person:a", "p"), look(2, 1, "person:a", "q")]), []);
    let three = [look(1, 0, "person:a", "p"), look(5, 1, "person:a", "q"), look(9, 59, "person:a", "r")];
    assert_eq!(found(&three), bulk(vec![1, 5, 9]));
    let again = [look(1, 0, "person:a", "p"), look(2, 1, "person:a", "p"), look(3, 2, "person:a", "p")];
    assert_eq!(found(&again), []);
    let slow = [look(1, 0, "person:a", "p"), look(2, 30, "person:a", "q"), look(3, 60, "person:a", "r")];
    assert_eq!(found(&slow), [], "the first is an hour ago");
    let two = [look(1, 0, "person:a", "p"), look(2, 1, "person:b", "q"), look(3, 2, "person:a", "r")];
    assert_eq!(found(&two), [], "of two actors");
    // What goes on at once is the same matter, and what goes on an hour later is another.
    let mut long: Vec<_> = (0..20_u8).map(|n| look(n.into(), n.into(), "person:a", &format!("p{n}"))).collect();
    assert_eq!(found(&long), bulk(vec![0, 1, 2]));
    long.extend((0..3_u8).map(|n| look(100 + u64::from(n), 62 + i64::from(n), "person:a", &format!("q{n}"))));
    assert_eq!(found(&long).len(), 2);
}

#[test]
fn looks_outside_of_the_hours_of_work_are_found_by_the_clock_on_the_wall() {
    let at = |at: OffsetDateTime| {
        let mut look = look(7, 0, "person:a", "p");
        look.at = at;
        found(&[look]).into_iter().map(|(rule, ..)| rule).collect::<Vec<_>>()
    };
    for (moment, outside) in [
        (datetime!(2026-11-25 4:59 UTC), true),
        (datetime!(2026-11-25 5:00 UTC), false),
        (datetime!(2026-11-25 18:59 UTC), false),
        (datetime!(2026-11-25 19:00 UTC), true),
        // Friday's evening in Greenwich is Saturday in Kyiv.
        (datetime!(2026-11-27 22:30 UTC), true),
        (datetime!(2026-11-28 10:00 UTC), true),
        (datetime!(2026-11-29 22:30 UTC), true),
        (datetime!(2026-11-30 8:00 UTC), false),
        // Seven in the morning is an hour earlier in Greenwich while it is summer: Fridays and Mondays around the switches.
        (datetime!(2026-03-27 4:30 UTC), true),
        (datetime!(2026-03-30 4:30 UTC), false),
        (datetime!(2026-10-23 4:30 UTC), false),
        (datetime!(2026-10-26 4:30 UTC), true),
        (datetime!(2026-07-01 18:30 UTC), true),
    ] {
        assert_eq!(at(moment), if outside { vec![Rule::OutOfHours] } else { vec![] }, "{moment}");
    }
    let mut list = look(1, 0, "person:a", "p");
    (list.at, list.terms[0].value) = (datetime!(2026-11-28 10:00 UTC), "audit.search".to_owned());
    assert_eq!(found(&[list]), [], "watching is done at any hour");
}

#[test]
fn looks_without_a_case_are_found_once_an_hour() {
    let bare = |seq, minutes| {
        let mut look = look(seq, minutes, "person:a", "p");
        look.terms.remove(2);
        look
    };
    let expected = |seq| (Rule::LookWithoutCase, "person:a".to_owned(), vec![seq]);
    assert_eq!(found(&[bare(1, 0), bare(2, 59), bare(3, 60)]), [expected(1), expected(3)]);
    let mut of_case = bare(4, 0);
    of_case.terms.push(term(Kind::Case, "k"));
    assert_eq!(found(&[of_case]), []);
    let mut many = bare(5, 0);
    many.terms.push(term(Kind::Looked, "q"));
    assert_eq!(found(&[many]), [], "a page of a list is no look at anybody's papers");
}

#[test]
fn storms_are_of_one_actor_or_of_one_address() {
    let storm = |subject: &str, entries: Vec<u64>| (Rule::RefusalStorm, subject.to_owned(), entries);
    let four: Vec<_> = (0..4).map(|n| refused(n, 60 * i64::try_from(n).unwrap(), "participant:00000001")).collect();
    assert_eq!(found(&four), [storm("participant:00000001", vec![0, 1, 2, 3])]);
    let slow: Vec<_> = (0..20).map(|n| refused(n, 100 * i64::try_from(n).unwrap(), "participant:00000001")).collect();
    assert_eq!(found(&slow), []);
    let mut strangers: Vec<_> = (0..8).map(|n| refused(n, 0, "anonymous")).collect();
    for (n, stranger) in strangers.iter_mut().enumerate() {
        stranger.peer = Some(format!("192.0.2.{}", n % 2));
    }
    assert_eq!(
        found(&strangers),
        [storm("address:192.0.2.0", vec![0, 2, 4, 6]), storm("address:192.0.2.1", vec![1, 3, 5, 7])]
    );
    assert_eq!(found(&(0..9).map(|n| refused(n, 0, "node")).collect::<Vec<_>>()), []);
    let without_address: Vec<_> = (0..9).map(|n| refused(n, 0, "anonymous")).collect();
    assert_eq!(found(&without_address), [], "nobody can be named");
}

#[test]
fn rules_that_are_off_find_nothing() {
    let off = Rules { bulk_looks: None, hours: None, look_without_case: false, refusal_storm: None };
    let mut detector = Detector::new(off);
    for n in 0..50 {
        let mut look = look(n, 0, "person:a", &n.to_string());
        look.terms.remove(2);
        look.at = datetime!(2026-11-28 1:00 UTC);
        assert_eq!(detector.judge(&look), []);
        assert_eq!(detector.judge(&refused(n, 0, "person:a")), []);
    }
}

#[test]
fn a_finding_explains_itself_in_two_languages() {
    let mut detector = Detector::new(rules());
    let mut entries = vec![look(1, 0, "person:a", "p"), look(2, 1, "person:a", "q"), look(3, 2, "person:a", "r")];
    entries.extend((4..8).map(|n| refused(n, 0, "person:a")));
    let mut night = look(9, 0, "person:b", "p");
    (night.at, night.terms[2].value) = (datetime!(2026-11-28 1:05 UTC), "x".to_owned());
    entries.push(night);
    let texts: Vec<_> =
        entries.iter().flat_map(|entry| detector.judge(entry)).map(|finding| finding.texts().0).collect();
    assert_eq!(
        texts,
        [
            "person:a looked at what is of 3 different people within 60 minutes.",
            "4 requests of person:a were refused within 5 minutes.",
            "person:b looked at what is a person's at 03:05, outside of the hours of work.",
            "person:b looked at what is a person's without naming a case or an application.",
        ]
    );
}

fn stream() -> impl Strategy<Value = Vec<Indexed>> {
    let event = (0..4_u8, 0..8_u8, any::<bool>(), any::<bool>(), -3..40_i64);
    prop::collection::vec(event, 1..120).prop_map(|events| {
        let mut minute = 0;
        let entries = (0..).zip(events).map(|(seq, (actor, person, is_look, with_case, step))| {
            minute += step;
            let actor = format!("person:{actor}");
            if is_look {
                let mut look = look(seq, minute, &actor, &format!("p{person}"));
                if !with_case {
                    look.terms.remove(2);
                }
                look
            } else {
                refused(seq, minute * 20, &actor)
            }
        });
        entries.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Stopped and started anew anywhere, as `alert` does it: from the findings that are kept, and the entries of the longest window.
    #[test]
    fn a_detector_that_is_started_anew_finds_what_one_finds_that_never_stopped(
        entries in stream(),
        stops in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut whole = Detector::new(rules());
        let expected: Vec<Finding> = entries.iter().flat_map(|entry| whole.judge(entry)).collect();
        let mut stops: Vec<usize> = stops.iter().map(|stop| stop.index(entries.len())).collect();
        stops.sort_unstable();
        let (mut found, mut detector): (Vec<Finding>, _) = (Vec::new(), Detector::new(rules()));
        let mut clock = OffsetDateTime::UNIX_EPOCH;
        let clocks: Vec<_> = entries.iter().map(|entry| { clock = clock.max(entry.at); clock }).collect();
        for (place, entry) in entries.iter().enumerate() {
            if stops.contains(&place) && place > 0 {
                detector = Detector::new(rules());
                for finding in &found {
                    detector.remember(finding.rule, finding.subject.clone(), finding.clock);
                }
                let since = clocks[place - 1] - rules().window();
                let first = clocks.iter().position(|clock| *clock > since).unwrap_or(place).min(place);
                entries[first..place].iter().for_each(|entry| detector.recall(entry));
            }
            found.extend(detector.judge(entry));
        }
        prop_assert_eq!(found, expected);
    }
}
