//! Once, and one end.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use schemas::ProblemCode;
use schemas::message::{MessageState, Receipt};
use schemas::registry::{Channel, ChannelPolicy};
use tests::harness::agency::{fresh_key, kind, statement};
use tests::harness::wire::read_answer;
use tests::harness::{Form, Region, Wire, pdf};
use time::Duration;
use tokio::io::AsyncWriteExt as _;

use crate::{codes, takes_everything};

/// Holodeck B2B #117: duplicates were detected, and delivered all the same.
///
/// Four letters, each repeated many times at once, some by senders that do not wait for an answer, and again while the recipient works.
#[tokio::test(flavor = "multi_thread")]
async fn duplicates_under_retry_storms_are_delivered_once() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let letters: Vec<_> = (0..4).map(|number| pdf(&format!("Once only, number {number}."))).collect();
    let signatures: Vec<_> = letters.iter().map(|letter| a.signs(letter)).collect();
    let again = |number: usize| {
        let submission = a.submits(letters[number].clone()).to(&b.mailbox());
        submission.with_key(&format!("storm-{number}")).signed_with(signatures[number].clone()).made()
    };
    let storm = |times: usize| join_all((0..4 * times).map(|number| again(number % 4)));

    let mut receipts: BTreeMap<usize, Receipt> = BTreeMap::new();
    let mut fresh = 0;
    for (number, answer) in storm(8).await.into_iter().enumerate() {
        let (receipt, replayed) = answer.expect("a receipt");
        fresh += usize::from(!replayed);
        let first = receipts.entry(number % 4).or_insert_with(|| receipt.clone());
        assert_eq!(*first, receipt, "a repeat brings the same receipt");
    }
    assert_eq!(fresh, 4, "each letter was new once");
    // Senders that go away before they are answered, and come back.
    let wire = region.wire(Some(a.login()));
    let envelope = serde_json::to_vec(&a.envelope(&b.mailbox())).expect("JSON");
    for number in 0..4 {
        let form = Form::submission(&envelope, &signatures[number], &letters[number]);
        let request = form.request(&format!("storm-{number}"));
        wire.sends_and_leaves(&request.to_bytes()).await.expect("a connection");
    }
    let lease = b.awaits(50).await.expect("a lease");
    let mut leased: Vec<_> = lease.messages.iter().map(|message| message.summary.message_id).collect();
    storm(4).await.into_iter().for_each(|answer| assert!(answer.expect("the receipt again").1));
    leased.sort_unstable();
    let mut acknowledged: Vec<_> = receipts.values().map(|receipt| receipt.message_id).collect();
    acknowledged.sort_unstable();
    assert_eq!(leased, acknowledged);

    region.time_passes(Duration::seconds(61));
    assert_eq!(takes_everything(b).await.len(), 4);
    storm(2).await.into_iter().for_each(|answer| assert!(answer.expect("the receipt again").1));
    region.time_passes(Duration::seconds(61));
    assert!(takes_everything(b).await.is_empty(), "nothing comes a second time");
    assert_eq!(region.store().messages().await, 4);
}

/// Holodeck B2B #140: a message was reported as a failure, and delivered later.
///
/// A letter that its recipient refused and one whose term has passed stay what they are, for whoever holds an old lease, for whoever asks
/// anew, and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_failed_is_never_delivered_later() {
    let mut region = Region::start().await;
    let policy = Some(ChannelPolicy { acknowledge_within_days: 1, ..ChannelPolicy::default() });
    let (sender, recipient) = (region.a.edrpou(), region.b.mailbox());
    let channel = Channel { sender, recipient, kinds: vec![kind("letter")], policy };
    region.operator.set_channel(&channel).await.expect("a channel");
    let (refused, expired) = (pdf("Refused."), pdf("Too late."));
    let mut receipts = Vec::new();
    for letter in [&refused, &expired] {
        receipts.push(region.a.submits(letter.clone()).to(&region.b.mailbox()).await.expect("a receipt"));
    }
    let lease = region.b.awaits(10).await.expect("a lease");
    for message in &lease.messages {
        region.b.opens(&lease, message).await.expect("an opened letter");
    }
    region.b.refuses(lease.token, receipts[0].message_id, &refused, "not ours").await.expect("a refusal");
    region.time_passes(Duration::hours(25));
    // A node looks at what is due when it starts, and then from time to time.
    region.restarts().await;
    let ends = [(MessageState::Refused, "C.4"), (MessageState::Expired, "C.5")];
    for (receipt, (state, _)) in receipts.iter().zip(ends) {
        tests::harness::neighbours::awaits_state(&region.a, receipt.message_id, state).await;
    }
    for restarted in [false, true] {
        if restarted {
            region.restarts().await;
        }
        for (receipt, letter) in receipts.iter().zip([&refused, &expired]) {
            let late = region.b.accepts(lease.token, receipt.message_id, letter).await.expect_err("too late");
            assert_eq!(late.code(), Some(ProblemCode::AlreadyFinal.as_str()));
        }
        assert!(region.b.leases(10).await.expect("a lease").messages.is_empty());
    }
    for (receipt, (state, code)) in receipts.iter().zip(ends) {
        assert_eq!(region.a.client.message(receipt.message_id).await.expect("A's own message").state, state);
        let evidence = region.evidence(&region.a, receipt.case_id).await;
        assert_eq!(codes(&evidence).last(), Some(&code), "the end is the last that is stated");
    }
}

/// Holodeck B2B #128 and #90: a receipt, and right after it the report that there was none.
///
/// The recipient's two systems say opposite things at the same moment: one is heard, and evidence, state and log all say the same.
#[tokio::test(flavor = "multi_thread")]
async fn one_message_never_has_an_acceptance_and_a_refusal() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let letter = pdf("Accepted or refused?");
    let mut cases = BTreeMap::new();
    for _ in 0..12 {
        let receipt = a.submits(letter.clone()).to(&b.mailbox()).await.expect("a receipt");
        cases.insert(receipt.message_id, receipt.case_id);
    }
    let lease = b.awaits(50).await.expect("a lease");
    assert_eq!(lease.messages.len(), 12);
    for (turn, message) in lease.messages.iter().enumerate() {
        b.opens(&lease, message).await.expect("an opened letter");
        let id = message.summary.message_id;
        let says = async |reason| {
            let signed = b.states(&statement(id, &letter, reason));
            b.client.acknowledge(id, lease.token, signed).await
        };
        let (one, other) = if turn % 2 == 0 { (None, Some("no")) } else { (Some("no"), None) };
        let (one, other) = tokio::join!(says(one), says(other));
        let (heard, late) = match (one, other) {
            (Ok(heard), Err(late)) | (Err(late), Ok(heard)) => (heard, late),
            (one, other) => panic!("one of two opposites must be heard: {one:?}, {other:?}"),
        };
        assert_eq!(late.code(), Some(ProblemCode::AlreadyFinal.as_str()));
        let evidence = region.evidence(a, cases[&id]).await;
        let end = if heard.state == MessageState::Accepted { "C.3" } else { "C.4" };
        assert_eq!(codes(&evidence), ["A.1", "D.1", "E.1", end]);
        assert_eq!(a.client.message(id).await.expect("A's own message").state, heard.state);
    }
}

/// eFormidling #405: each retry of a recipient made another delivery receipt.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_acknowledgement_makes_no_second_receipt() {
    let region = Region::start().await;
    let b = &region.b;
    let receipt = region.a.submits(pdf("Acknowledged often.")).to(&b.mailbox()).await.expect("a receipt");
    let lease = b.awaits(10).await.expect("a lease");
    let opened = b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    // The same bytes, as a client repeats a request, and the same word signed anew, as a system does that has lost its memory.
    let signed = b.states(&statement(receipt.message_id, &opened.document, None));
    let anew = b.states(&statement(receipt.message_id, &opened.document, None));
    let says = |signed: &Vec<u8>| b.client.acknowledge(receipt.message_id, lease.token, signed.clone());
    let first = says(&signed).await.expect("an acceptance");
    for repeat in join_all((0..8).map(|_| says(&signed))).await {
        assert_eq!(repeat.expect("the same again"), first);
    }
    let late = says(&anew).await.expect_err("said anew, heard once");
    assert_eq!(late.code(), Some(ProblemCode::AlreadyFinal.as_str()));
    b.client.download(receipt.message_id, 0, lease.token).await.expect_err("what is settled is in nobody's hands");
    let evidence = region.evidence(&region.a, receipt.case_id).await;
    assert_eq!(codes(&evidence), ["A.1", "D.1", "E.1", "C.3"], "no second evidence of the same step");
}

/// phoss-ap #68: 400 a second for some seconds, then collapse and many duplicates.
///
/// Many more submissions at once than the node works on: what is over the bound is refused at once, with the time of the next try, and tried
/// again under its key until it is taken. Every letter arrives, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_shed_and_what_was_acknowledged_arrives_once() {
    const LETTERS: usize = 96;
    let region = Region::start_with(|ground| {
        ground.config.limits.submissions = Some(8);
        // The gate is what is tried here, not the quota of one participant.
        ground.config.limits.participant.concurrent_submissions = 1000;
    })
    .await;
    let wire = region.wire(Some(region.a.login()));
    let envelope = serde_json::to_vec(&region.a.envelope(&region.b.mailbox())).expect("JSON");
    let requests: Vec<Vec<u8>> = (0..LETTERS)
        .map(|number| {
            let letter = pdf(&format!("Letter {number}."));
            Form::submission(&envelope, &region.a.signs(&letter), &letter).request(&fresh_key()).to_bytes()
        })
        .collect();
    // Every line is open before the first request goes out, so that they all come at once. Over the first half somebody has logged in: from there a
    // submission is turned away ahead of the routes. The others come last, since strangers are not waited for long.
    let known = join_all((0..LETTERS / 2).map(async |_| {
        let mut line = wire.connect().await.expect("a line");
        let request = b"GET /v1/submissions HTTP/1.1\r\nhost: localhost\r\n\r\n";
        line.write_all(request).await.and(line.flush().await).expect("a request goes out");
        assert_eq!(read_answer(&mut line).await.expect("an answer").status, 200);
        line
    }))
    .await;
    let strange = join_all((LETTERS / 2..LETTERS).map(async |_| wire.connect().await.expect("a line"))).await;
    let lines = known.into_iter().chain(strange);
    let first = join_all(lines.zip(&requests).map(async |(mut line, request)| {
        line.write_all(request).await.and(line.flush().await).expect("a request goes out");
        read_answer(&mut line).await.expect("an answer")
    }))
    .await;
    let shed = first.iter().filter(|answer| answer.status != 201).count();
    assert!((1..LETTERS).contains(&shed), "{shed} of {LETTERS} were shed");
    for answer in first.iter().filter(|answer| answer.status != 201) {
        assert_eq!((answer.status, answer.problem().code.as_str()), (503, "node.overloaded"));
        let pause = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
        assert!(pause.is_some_and(|seconds| seconds > 0), "the sender is told when to come back");
        assert!(answer.problem().evidence.is_none(), "nothing is stated of what the node had no time for");
        let number = answer.header("vuzol-request-id").expect("every answer has a number");
        assert_eq!(answer.problem().instance, format!("urn:uuid:{number}"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let known = first[..LETTERS / 2].iter().filter(|answer| answer.status != 201).count();
    assert!(known > 0 && known < shed, "both kinds of lines were turned away: {known} of {shed}");
    let unanswered = requests.iter().zip(&first).filter(|(_, answer)| answer.status != 201);
    let retried = join_all(unanswered.map(|(request, _)| until_taken(&wire, request))).await;
    let taken = first.iter().filter(|answer| answer.status == 201).map(|answer| answer.json::<Receipt>());
    let taken: std::collections::BTreeSet<_> = taken.chain(retried).map(|receipt| receipt.message_id).collect();
    assert_eq!(taken.len(), LETTERS);

    let mut documents = takes_everything(&region.b).await;
    assert_eq!(documents.len(), LETTERS, "every letter, and none twice");
    documents.sort_unstable();
    documents.dedup();
    assert_eq!(documents.len(), LETTERS);
}

/// Repeats a submission until the node takes it.
async fn until_taken(wire: &Wire, request: &[u8]) -> Receipt {
    for _ in 0..200 {
        let answer = wire.sends(request).await.expect("an answer");
        if answer.status == 201 {
            return answer.json();
        }
        assert_eq!(answer.status, 503);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the node did not recover from the storm");
}
