//! What the two nodes of a document state of it, compared.

use schemas::evidence::EvidenceStatement;

use super::country::{Country, Sent};
use super::lines::NAMES;

/// Evidence of both nodes is there, verifies, replays to the state that the message has, and each end names the other's.
pub(crate) async fn compare(country: &Country<'_>, sent: &Sent) {
    let [own, theirs] = read(country, sent, sent.from).await;
    let ends: Vec<_> = codes(&own).into_iter().filter(|code| !code.starts_with("V.")).collect();
    assert_eq!(ends, ["A.1", "B.1", "C.3"], "{:?}", codes(&own));
    assert_eq!(codes(&theirs), ["D.1", "E.1", "C.3"]);
    let standing =
        country.agencies[sent.from].client.message(sent.receipt.message_id).await.expect("a message").standing;
    replays(&own);
    assert_eq!(own.last().and_then(|last| last.state.clone()), standing);

    let [there, of_sender] = read(country, sent, sent.to).await;
    assert_eq!((codes(&there), codes(&of_sender)), (vec!["A.1", "D.1", "E.1", "C.3"], vec!["A.1"]));
    replays(&there);
    let rests = |statement: &EvidenceStatement| statement.rests_on.as_ref().map(|other| other.evidence_id);
    assert_eq!(rests(&there[0]), Some(of_sender[0].evidence_id), "the other node took over what this one had accepted");
    let named = |code: &str| own.iter().find(|statement| statement.kind.code() == code).and_then(rests);
    assert_eq!((named("B.1"), named("C.3")), (Some(theirs[0].evidence_id), Some(theirs[2].evidence_id)));
}

/// Steps without a gap and without a repeat, each with its state.
fn replays(statements: &[EvidenceStatement]) {
    let steps: Vec<_> = statements.iter().map(|statement| statement.step).collect();
    let expected: Vec<_> = (1..=u32::try_from(statements.len()).expect("few")).map(Some).collect();
    assert_eq!(steps, expected, "{:?}", codes(statements));
    assert!(statements.iter().all(|statement| statement.state.is_some()));
}

fn codes(statements: &[EvidenceStatement]) -> Vec<&'static str> {
    statements.iter().map(|statement| statement.kind.code()).collect()
}

/// What the agency at `reader` reads at its node: that node's own evidence, and the other's.
async fn read(country: &Country<'_>, sent: &Sent, reader: usize) -> [Vec<EvidenceStatement>; 2] {
    let other = if reader == sent.from { sent.to } else { sent.from };
    let mut found = [Vec::new(), Vec::new()];
    // What the other node told last may still be on its way in.
    let events =
        country.agencies[reader].client.case_events(sent.receipt.case_id).await.expect("one's own case").events;
    for event in events {
        let node = if event.node.is_some() { other } else { reader };
        let statement = exchange::evidence::verify(&event.evidence, &country.evidence[node]).expect("evidence");
        assert_eq!((statement.node.as_str(), statement.message_id), (NAMES[node], Some(sent.receipt.message_id)));
        assert_eq!(statement.parts, sent.receipt.parts);
        found[usize::from(event.node.is_some())].push(statement);
    }
    found
}
