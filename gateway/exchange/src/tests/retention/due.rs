//! What is due, of which class, and what is said of it.

use super::*;

#[tokio::test]
async fn the_class_is_that_of_the_channel_at_the_acceptance() {
    let town = Town::new().await;
    town.channel_class("permanent").await;
    let permanent = town.accepted_letter(b"1", "k1").await;
    town.time_passes(Duration::minutes(1));
    town.channel_class("brief").await;
    let brief = town.accepted_letter(b"2", "k2").await;
    town.time_passes(Duration::minutes(1));
    town.open_channel(&town.a, &town.b, &["letter"]).await;
    let standard = town.accepted_letter(b"3", "k3").await;
    let told = async |receipt: &Receipt| {
        let retention = town.summary(&town.a, receipt.message_id).await.retention.unwrap();
        (retention.class.as_str().to_owned(), retention.disposable_from.is_some())
    };
    assert_eq!(told(&permanent).await, ("permanent".to_owned(), false));
    assert_eq!(told(&brief).await, ("brief".to_owned(), true));
    assert_eq!(told(&standard).await, ("standard".to_owned(), true));
    town.time_passes(Duration::days(1) + Duration::minutes(1));
    assert_eq!(town.node.all_due().await, [brief.message_id]);
    town.time_passes(Duration::days(1));
    assert_eq!(town.node.all_due().await, [brief.message_id, standard.message_id]);
    let of = |class: &str| DueQuery { class: Some(class.parse().unwrap()), limit: 10, ..DueQuery::default() };
    let ids = |page: DuePage| page.messages.into_iter().map(|due| due.message_id).collect::<Vec<_>>();
    assert_eq!(ids(town.node.due(of("brief")).await.unwrap()), [brief.message_id]);
    assert_eq!(ids(town.node.due(of("permanent")).await.unwrap()), []);
    assert_eq!(code(town.node.due(of("forever")).await), ProblemCode::UnknownRetentionClass);
    assert_eq!(code(town.node.draws("1", "permanent").await), ProblemCode::NothingDue);
    assert_eq!(code(town.node.draws("1", "forever").await), ProblemCode::UnknownRetentionClass);
}

/// A letter from somebody to somebody, refused by its recipient.
async fn refused(town: &Town, from: &Agency, to: &Agency, n: u8) -> Receipt {
    let document = [n; 8];
    let mut letter = Letter { key: format!("refused-{n}"), ..town.letter(&document) };
    letter.envelope.sender = from.edrpou;
    letter.envelope.recipient = to.mailbox.clone();
    letter.signature = town.signs(&from.signer, &document);
    let receipt = town.submit(letter).await.unwrap().receipt;
    let lease = town.lease_whole(to).await;
    let word = acknowledgement(receipt.message_id, &document, Some("not ours"));
    town.says(to, &word, Some(lease.token)).await.unwrap();
    receipt
}

#[tokio::test]
async fn what_is_due_is_listed_page_by_page_of_whom_one_asks() {
    let town = Town::new().await;
    let (mut to_a, mut to_b) = (Vec::new(), Vec::new());
    for n in 0..3 {
        town.time_passes(Duration::milliseconds(2));
        to_b.push(refused(&town, &town.a, &town.b, n).await.message_id);
        to_a.push(refused(&town, &town.b, &town.a, n + 10).await.message_id);
    }
    let waits = town.deliver(b"waits", "waits").await.message_id;
    town.time_passes(Duration::days(3));
    let held = town.node.holds(HoldSubject::Message(to_b[1])).await.unwrap();
    let all: Vec<_> = to_a.iter().chain(&to_b).copied().collect();
    assert_eq!(town.node.all_due().await, all);
    assert!(!all.contains(&waits), "what has no outcome is not due");
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = town.node.due(DueQuery { after, limit: 2, ..DueQuery::default() }).await.unwrap();
        assert!(page.messages.len() <= 2);
        paged.extend(page.messages);
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged.iter().map(|due| due.message_id).collect::<Vec<_>>(), all);
    let on_hold: Vec<_> = paged.iter().filter(|due| due.on_hold).map(|due| due.message_id).collect();
    assert_eq!(on_hold, [to_b[1]]);
    assert!(!serde_json::to_string(&paged).unwrap().contains("not ours"), "nothing of what anybody said");
    let of_b = DueQuery { participant: Some(town.b.edrpou), limit: 100, ..DueQuery::default() };
    let of_b = town.node.due(of_b).await.unwrap();
    assert_eq!(of_b.messages.iter().map(|due| due.message_id).collect::<Vec<_>>(), to_b);
    let nowhere = DueQuery { after: Some(MessageId::from_parts(1, [1; 10])), limit: 1, ..DueQuery::default() };
    assert_eq!(code(town.node.due(nowhere).await), ProblemCode::MalformedQuery);

    let request = ActRequest { participant: Some(town.b.edrpou), most: Some(1), ..request() };
    let act = town.node.exchange.draw_act(may::<DisposeMessages>(&town.node).await, request).await.unwrap();
    assert_eq!(act.messages, 1);
    town.node.lifts(held.hold_id).await.unwrap();
}

/// What a recipient said in its own words is gone from the row, and stays in the evidence that is signed.
#[tokio::test]
async fn the_reason_of_a_refusal_goes_from_the_row_and_stays_in_its_evidence() {
    let town = Town::new().await;
    let receipt = refused(&town, &town.a, &town.b, 1).await;
    town.time_passes(Duration::days(2));
    town.signed_act("1", "standard").await;
    town.node.exchange.dispose_round(1).await.unwrap();
    let summary = town.summary(&town.a, receipt.message_id).await;
    assert_eq!(summary.standing, Some(State::Erased { before: MessageState::Refused }));
    let evidence = town.evidence(&town.a, receipt.case_id).await;
    let refusal = evidence.iter().find(|piece| piece.kind == EvidenceKind::ConsignmentRejection).unwrap();
    assert_eq!(refusal.reason.as_deref(), Some("not ours"));
}
