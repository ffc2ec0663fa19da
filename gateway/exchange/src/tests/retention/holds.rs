//! Legal holds: whatever erases, what is held stays.

use super::*;

#[tokio::test]
async fn a_hold_beats_an_act_that_was_made_before_it() {
    let town = Town::new().await;
    let receipts = town.accepted_letters(2).await;
    town.time_passes(Duration::days(2));
    let act = town.signed_act("1", "standard").await;
    let hold = town.node.holds(HoldSubject::Message(receipts[0].message_id)).await.unwrap();
    town.node.exchange.dispose_round(10).await.unwrap();
    let result = town.node.act(act).await.result;
    let left = LeftMessage { message_id: receipts[0].message_id, why: WhyLeft::Held };
    assert_eq!((result.done, result.erased, result.left), (2, 1, vec![left]));
    assert_eq!(town.state_of(receipts[0].message_id).await, MessageState::Accepted);
    assert_eq!(town.state_of(receipts[1].message_id).await, MessageState::Erased);

    // Both parties see that it is held, operators why; no act names it.
    for party in [&town.a, &town.b] {
        assert!(town.summary(party, receipts[0].message_id).await.retention.unwrap().on_hold);
    }
    assert_eq!(code(town.node.draws("2", "standard").await), ProblemCode::NothingDue);
    let page = town.node.exchange.holds(may::<ReadRetention>(&town.node).await, false, None, 10).await.unwrap();
    assert_eq!(page.holds, std::slice::from_ref(&hold));
    let lifted = town.node.lifts(hold.hold_id).await.unwrap();
    assert_eq!(code(town.node.lifts(hold.hold_id).await), ProblemCode::HoldLifted);
    let page = town.node.exchange.holds(may::<ReadRetention>(&town.node).await, true, None, 10).await.unwrap();
    assert_eq!(page.holds, [lifted]);
    town.signed_act("2", "standard").await;
    town.node.exchange.dispose_round(10).await.unwrap();
    assert_eq!(town.state_of(receipts[0].message_id).await, MessageState::Erased);
    let erased = HoldSubject::Message(receipts[0].message_id);
    assert_eq!(code(town.node.holds(erased).await), ProblemCode::NothingToHold);
    let audited = town.audited().await;
    for deed in ["hold.place", "hold.lift"] {
        assert!(audited.contains(&format!("{deed} done message:{}", receipts[0].message_id)), "{deed}");
    }
}

/// The fate of a message is told before the transaction of its erasure; a hold between the two is found inside it.
#[tokio::test]
async fn a_hold_between_the_look_and_the_commit_wins() {
    let town = Town::new().await;
    let receipt = town.accepted_letters(1).await.remove(0);
    let id = receipt.message_id;
    let message = town.node.ledger.reader().read("message", move |tx| tables::read_message(tx, id)).await.unwrap();
    let deed = Deed::of_node(audit::Action::EraseMessage, serde_json::json!({}));
    let edge = town.node.exchange.edge(&message.unwrap(), &Step::Erase, deed).unwrap();
    town.node.holds(HoldSubject::Case(receipt.case_id)).await.unwrap();
    let taken = town.node.ledger.transact("erase", move |tx| {
        let appended = edge::take(tx, &edge, None)?.ok_or(storage::StoreError::Conflict)?;
        Ok::<_, storage::StoreError>(appended.with(()))
    });
    assert!(matches!(taken.await, Err(TxError::Refused(storage::StoreError::Conflict))));
    assert_eq!(town.state_of(id).await, MessageState::Accepted);
    assert_eq!(town.content(id).await.0, 2);
}

/// Both at once, again and again: either the hold was first and everything is there, or it hears that it is too late.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hold_and_an_erasure_at_once_one_is_first() {
    let town = Town::new().await;
    let mut outcomes = [0, 0];
    for round in 0..12 {
        let receipt = town.accepted_letter(format!("letter {round}").as_bytes(), &format!("race-{round}")).await;
        town.time_passes(Duration::days(2));
        let act = town.signed_act(&format!("act {round}"), "standard").await;
        let subject = HoldSubject::Message(receipt.message_id);
        let (disposed, held) = tokio::join!(town.node.exchange.dispose_round(1), town.node.holds(subject));
        assert_eq!(disposed.unwrap(), 1);
        let result = town.node.act(act).await.result;
        match held {
            Ok(_) => {
                outcomes[0] += 1;
                assert_eq!(result.left.first().map(|left| left.why), Some(WhyLeft::Held));
                assert_eq!(town.content(receipt.message_id).await.0, 2);
            }
            Err(refusal) => {
                outcomes[1] += 1;
                assert_eq!(refusal.code, ProblemCode::NothingToHold);
                assert_eq!((result.erased, town.content(receipt.message_id).await.0), (1, 0));
            }
        }
    }
    assert_eq!(outcomes[0] + outcomes[1], 12);
}

#[tokio::test]
async fn the_hold_of_a_case_is_of_what_comes_later_too_and_two_holds_are_two() {
    let town = Town::new().await;
    let first = town.accepted_letter(b"first", "k1").await;
    let of_case = town.node.holds(HoldSubject::Case(first.case_id)).await.unwrap();
    let of_message = town.node.holds(HoldSubject::Message(first.message_id)).await.unwrap();
    let mut letter = Letter { key: "k2".to_owned(), ..town.letter(b"second") };
    letter.envelope.case_id = Some(first.case_id);
    let second = town.submit(letter).await.unwrap().receipt;
    let on_hold = async |message| town.summary(&town.a, message).await.retention.unwrap().on_hold;
    assert_eq!((on_hold(first.message_id).await, on_hold(second.message_id).await), (true, true));
    town.node.lifts(of_case.hold_id).await.unwrap();
    assert_eq!((on_hold(first.message_id).await, on_hold(second.message_id).await), (true, false));
    town.node.lifts(of_message.hold_id).await.unwrap();
    assert!(!on_hold(first.message_id).await);
}

/// What the log is asked to erase details of names things by these texts, and asks in the transaction of the erasure.
#[tokio::test]
async fn among_objects_of_the_log_what_is_held_by_itself_or_by_its_case_is_found() {
    let town = Town::new().await;
    let [of_message, of_case, free] = town.accepted_letters(3).await.try_into().unwrap();
    let hold = town.node.holds(HoldSubject::Message(of_message.message_id)).await.unwrap();
    let case_hold = town.node.holds(HoldSubject::Case(of_case.case_id)).await.unwrap();
    let among = async |objects: &[String]| {
        let objects = objects.to_vec();
        let found = town.node.writer.run_tx("test", move |tx| crate::retention::holds::held_among(tx, &objects));
        found.await.unwrap()
    };
    let message = |receipt: &Receipt| format!("message:{}", receipt.message_id);
    let case = |receipt: &Receipt| format!("case:{}", receipt.case_id);
    for held in [message(&of_message), message(&of_case), case(&of_case)] {
        assert_eq!(among(&[message(&free), held.clone()]).await, Some(held));
    }
    // The case of a message that is held by itself is not held; what is none of both, or has no number, is passed over.
    let passed = ["message:", "message:nonsense", "case:nonsense", "participant:00000001"].map(str::to_owned);
    let others = [message(&free), case(&free), case(&of_message)];
    assert_eq!(among(&[&passed[..], &others[..]].concat()).await, None);
    // A number is one of its kind: a message is not held because a case of that number is.
    let crossed = [format!("message:{}", of_case.case_id), format!("case:{}", of_message.message_id)];
    assert_eq!(among(&crossed).await, None);
    assert_eq!(among(&[]).await, None);
    let both = [case(&of_case), message(&of_message)];
    assert_eq!(among(&both).await.as_ref(), both.first(), "the first one");

    town.node.lifts(hold.hold_id).await.unwrap();
    assert_eq!(among(&both).await.as_ref(), both.first());
    town.node.lifts(case_hold.hold_id).await.unwrap();
    assert_eq!(among(&[&both[..], &[message(&of_case)]].concat()).await, None);
}

#[tokio::test]
async fn only_what_was_accepted_can_be_held_and_nothing_without_a_reason() {
    let town = Town::new().await;
    let nowhere = MessageId::from_parts(1, [1; 10]);
    assert_eq!(code(town.node.holds(HoldSubject::Message(nowhere)).await), ProblemCode::NotFound);
    let no_case = HoldSubject::Case(CaseId::from_parts(1, [1; 10]));
    assert_eq!(code(town.node.holds(no_case).await), ProblemCode::NotFound);
    assert_eq!(code(town.node.lifts(HoldId::from_parts(1, [1; 10])).await), ProblemCode::NotFound);
    let receipt = town.deliver(b"a letter", "k").await;
    let request = HoldRequest { subject: HoldSubject::Message(receipt.message_id), reason: " ".to_owned() };
    let refused = town.node.exchange.place_hold(may::<SetHold>(&town.node).await, request).await;
    assert_eq!(code(refused), ProblemCode::MalformedJson);
}

/// Whatever is written one day: the content of what is held cannot go.
#[tokio::test]
async fn no_statement_erases_what_is_held() {
    let town = Town::new().await;
    let receipts = town.accepted_letters(2).await;
    town.node.holds(HoldSubject::Message(receipts[0].message_id)).await.unwrap();
    town.node.holds(HoldSubject::Case(receipts[1].case_id)).await.unwrap();
    let statements = ["DELETE FROM part", "UPDATE message SET key_envelope = NULL", "DELETE FROM legal_hold"];
    for sql in statements {
        let done = town.node.writer.run_tx("test", move |tx| tx.execute(sql, &[]).map(drop)).await;
        assert!(done.is_err(), "{sql}");
    }
    for receipt in &receipts {
        assert_eq!((town.content(receipt.message_id).await.0, town.content(receipt.message_id).await.1), (2, true));
    }
}
