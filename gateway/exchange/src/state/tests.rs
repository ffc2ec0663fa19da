use std::collections::BTreeSet;

use time::macros::datetime;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);
const TERM: Term = Term { since: NOON, until: datetime!(2026-12-17 12:00 UTC), reminders: 0 };

fn steps() -> [Step; 21] {
    let text = |text: &str| text.to_owned();
    [
        Step::Announce { until: NOON },
        Step::Hold { missing: text("signature.status_unknown"), until: NOON },
        Step::Accept,
        Step::Reject { reason: text("signature.value_wrong") },
        Step::Route { peer: text("other.example") },
        Step::Attempt,
        Step::Delay { reason: text("relay.unreachable"), until: NOON },
        Step::Relay,
        Step::RelayRefusal { reason: text("access.channel_not_allowed") },
        Step::GiveUp { reason: text("relay.unreachable") },
        Step::Quarantine { reason: text("recipient.gone") },
        Step::Retry,
        Step::Consign { term: TERM },
        Step::Notify { reminders: 0 },
        Step::NotifyFailure { reminders: 0 },
        Step::HandOver,
        Step::AcceptContent,
        Step::RefuseContent { reason: text("not ours") },
        Step::Register { number: text("17/3"), date: text("2026-11-26") },
        Step::Expire,
        Step::Erase,
    ]
}

fn states() -> Vec<State> {
    // Whatever can be reached is reached within as many rounds as there are steps.
    let mut reached: Vec<State> = Vec::new();
    for _ in steps() {
        for before in std::iter::once(None).chain(reached.clone().iter().map(Some)) {
            for step in steps() {
                if let Ok(next) = apply(before, &step)
                    && !reached.iter().any(|state| state.name() == next.name())
                {
                    reached.push(next);
                }
            }
        }
    }
    reached
}

/// Every edge that there is; what is not in this table must be refused.
const EDGES: [&str; 42] = [
    "- V.1 announced",
    "- V.2 submitted",
    "- A.1 validated",
    "- A.2 rejected",
    "announced V.2 submitted",
    "announced A.1 validated",
    "announced A.2 rejected",
    "submitted A.1 validated",
    "submitted A.2 rejected",
    "validated V.3 queued",
    "validated D.1 consigned",
    "validated D.2 quarantined",
    "queued V.4 relaying",
    "queued B.3 relay_failed",
    "queued D.2 quarantined",
    "relaying V.5 retry_wait",
    "relaying B.1 relayed",
    "relaying B.2 relay_failed",
    "relaying B.3 relay_failed",
    "retry_wait V.4 relaying",
    "retry_wait B.3 relay_failed",
    "retry_wait D.2 quarantined",
    "relayed C.3 accepted",
    "relayed C.4 refused",
    "relayed C.5 expired",
    "quarantined V.6 validated",
    "consigned D.3 notified",
    "consigned D.4 consigned",
    "consigned E.1 handed_over",
    "consigned C.5 expired",
    "notified D.3 notified",
    "notified D.4 notified",
    "notified E.1 handed_over",
    "notified C.5 expired",
    "handed_over D.3 handed_over",
    "handed_over D.4 handed_over",
    "handed_over C.3 accepted",
    "handed_over C.4 refused",
    "handed_over C.5 expired",
    "accepted V.7 registered",
    "accepted, consigned, notified V.8 erased",
    "rejected, relay_failed, registered, refused, expired V.8 erased",
];

#[test]
fn the_edges_are_exactly_these() {
    let mut expected = BTreeSet::new();
    for line in EDGES {
        let (from, to) = line.rsplit_once(' ').and_then(|(rest, to)| Some((rest.rsplit_once(' ')?, to))).unwrap();
        expected.extend(from.0.split(", ").map(|before| format!("{before} {} {to}", from.1)));
    }
    let mut found = BTreeSet::new();
    for before in std::iter::once(None).chain(states().iter().map(Some)) {
        for step in steps() {
            if let Ok(next) = apply(before, &step) {
                let before = before.map_or("-", |state| state.name().as_str());
                found.insert(format!("{before} {} {}", step.evidence().code(), next.name().as_str()));
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn every_state_can_be_reached_and_every_kind_of_evidence_is_some_steps() {
    let reached: BTreeSet<_> = states().iter().map(|state| state.name().as_str()).collect();
    assert_eq!(reached, MessageState::ALL.iter().map(|name| name.as_str()).collect());
    let kinds: BTreeSet<_> = steps().iter().map(|step| step.evidence().code()).collect();
    assert_eq!(kinds, EvidenceKind::ALL.iter().map(|kind| kind.code()).collect());
}

#[test]
fn final_states_absorb_all_but_erasure() {
    for state in states().iter().filter(|state| state.name().is_final()) {
        for step in steps().iter().filter(|step| **step != Step::Erase) {
            assert_eq!(apply(Some(state), step), Err(WrongStep::Final), "{state:?} {step:?}");
        }
    }
    assert_eq!(apply(Some(&State::Erased { before: MessageState::Expired }), &Step::Erase), Err(WrongStep::Final));
}

#[test]
fn a_wrong_step_says_whether_it_comes_too_early() {
    let wrong = |state: &State, step: &Step| apply(Some(state), step).unwrap_err();
    assert_eq!(wrong(&State::Consigned(TERM), &Step::AcceptContent), WrongStep::TooEarly);
    assert_eq!(wrong(&State::Validated, &Step::HandOver), WrongStep::TooEarly);
    assert_eq!(wrong(&State::HandedOver(TERM), &Step::Consign { term: TERM }), WrongStep::Behind);
    assert_eq!(wrong(&State::Accepted, &Step::AcceptContent), WrongStep::Behind);
    assert_eq!(wrong(&State::Relayed { peer: "p".to_owned() }, &Step::Consign { term: TERM }), WrongStep::Behind);
    assert_eq!(wrong(&State::Validated, &Step::Erase), WrongStep::TooEarly);
    assert_eq!(wrong(&State::HandedOver(TERM), &Step::Erase), WrongStep::TooEarly);
    let erased = State::Erased { before: MessageState::Consigned };
    assert_eq!(apply(Some(&State::Consigned(TERM)), &Step::Erase), Ok(erased), "its key was destroyed");
    assert_eq!(apply(None, &Step::HandOver), Err(WrongStep::TooEarly));
}

#[test]
fn evidence_replayed_gives_the_state_again_and_any_gap_is_found() {
    let way = [
        Step::Hold { missing: "signature.status_unknown".to_owned(), until: NOON },
        Step::Accept,
        Step::Consign { term: TERM },
        Step::NotifyFailure { reminders: 0 },
        Step::Notify { reminders: 1 },
        Step::HandOver,
        Step::Notify { reminders: 2 },
        Step::AcceptContent,
        Step::Register { number: "17/3".to_owned(), date: "2026-11-26".to_owned() },
        Step::Erase,
    ];
    let mut state = None;
    let mut story = Vec::new();
    for step in &way {
        state = Some(apply(state.as_ref(), step).unwrap());
        story.push((u32::try_from(story.len()).unwrap() + 1, step.evidence(), state.clone().unwrap()));
    }
    let told = |story: &[(u32, EvidenceKind, State)]| replay(story.iter().map(|(n, kind, state)| (*n, *kind, state)));
    assert_eq!(told(&story), Ok(state));
    assert_eq!(told(&[]), Ok(None));
    for (missing, step) in way.iter().enumerate().take(way.len() - 1) {
        let mut gap = story.clone();
        gap.remove(missing);
        let broken = Err(Broken { step: u32::try_from(missing).unwrap() + 1 });
        assert_eq!(told(&gap), broken, "{step:?}");
        // Numbered anew, so that the gap does not show by the numbers: what follows does not follow any more, unless the
        // step is one that a message may do without.
        gap.iter_mut().zip(1..).for_each(|(piece, number)| piece.0 = number);
        let optional = matches!(step, Step::Hold { .. } | Step::Notify { .. } | Step::NotifyFailure { .. });
        assert!(optional || told(&gap) == broken, "{step:?}");
    }
    let mut forged = story.clone();
    forged[8].2 = State::Refused { reason: "forged".to_owned() };
    assert_eq!(told(&forged), Err(Broken { step: 9 }));
}
