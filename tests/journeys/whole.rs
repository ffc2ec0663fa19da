//! A letter from agency A to agency B, from the submission to the last proof.

use schemas::ProblemCode;
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::message::{MessageState, PartRole};
use schemas::report::Indication;
use tests::harness::{Region, Request, pdf};

fn kinds(evidence: &[EvidenceStatement]) -> Vec<EvidenceKind> {
    evidence.iter().map(|statement| statement.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_crosses_the_node_and_every_step_is_proven() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let letter = pdf("Please confirm the address.");

    let receipt = a.submits(letter.clone()).to(&b.mailbox()).await.expect("a receipt");
    assert_eq!(
        receipt.parts.iter().map(|part| part.role).collect::<Vec<_>>(),
        [PartRole::Document, PartRole::Signature]
    );
    assert_eq!(receipt.parts[0].size, letter.len() as u64);

    let lease = b.awaits(10).await.expect("a lease");
    let [message] = &lease.messages[..] else { panic!("{} messages", lease.messages.len()) };
    assert_eq!((message.summary.message_id, message.earlier_leases), (receipt.message_id, 0));
    assert_eq!((message.summary.sender, message.summary.state), (a.edrpou(), MessageState::Consigned));

    let opened = b.opens(&lease, message).await.expect("an opened letter");
    assert_eq!(opened.document, letter);
    let report = b.verifies(&opened);
    assert_eq!(report.signatures.len(), 1);
    assert_eq!(report.signatures[0].indication, Indication::TotalPassed, "{:?}", report.signatures[0].reasons);
    let signer = report.signatures[0].signer.as_ref().expect("a signer");
    assert_eq!(signer.edrpou.as_deref(), Some(a.edrpou().as_str()));

    let done = b.accepts(lease.token, receipt.message_id, &opened.document).await.expect("an acceptance");
    assert_eq!(done.state, MessageState::Accepted);
    assert_eq!(a.client.message(receipt.message_id).await.expect("A's own message").state, MessageState::Accepted);

    let evidence = region.evidence(a, receipt.case_id).await;
    assert_eq!(
        kinds(&evidence),
        [
            EvidenceKind::SubmissionAcceptance,
            EvidenceKind::ContentConsignment,
            EvidenceKind::ContentHandover,
            EvidenceKind::ConsignmentAcceptance,
        ]
    );
    for statement in &evidence {
        assert_eq!(statement.message_id, Some(receipt.message_id));
        assert_eq!(statement.parts, receipt.parts, "every piece of evidence names the digests of all parts");
        assert_eq!((statement.sender, &statement.recipient), (a.edrpou(), &b.mailbox()));
    }
    assert!(evidence[3].acknowledgement_sha256.is_some());
    assert_eq!(evidence, region.evidence(b, receipt.case_id).await, "both sides read the same evidence");

    // Nobody was told anything that is not in the log.
    let book = region.book().await;
    for event in evidence.iter().map(|statement| statement.event_id).chain([receipt.event_id, done.event_id]) {
        assert!(book.entry(event).is_some(), "{event} is not in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_refuses_and_the_sender_reads_why_it_did() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let receipt = a.submits(pdf("For somebody else.")).to(&b.mailbox()).await.expect("a receipt");
    let lease = b.awaits(10).await.expect("a lease");
    let opened = b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    let reason = "Not within our competence.";
    let done = b.refuses(lease.token, receipt.message_id, &opened.document, reason).await.expect("a refusal");
    assert_eq!(done.state, MessageState::Refused);
    let evidence = region.evidence(a, receipt.case_id).await;
    let last = evidence.last().expect("evidence");
    assert_eq!(last.kind, EvidenceKind::ConsignmentRejection);
    assert!(last.reason.is_some() && last.acknowledgement_sha256.is_some());
    // Final states absorb.
    let late = b.accepts(lease.token, receipt.message_id, &opened.document).await.expect_err("too late");
    assert_eq!(late.code(), Some(ProblemCode::AlreadyFinal.as_str()));
    assert_eq!(region.evidence(a, receipt.case_id).await, evidence);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_continues_the_case() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let question = a.submits(pdf("A question.")).to(&b.mailbox()).await.expect("a receipt");
    let answer = b.submits(pdf("An answer.")).to(&a.mailbox()).in_case(question.case_id).await.expect("a receipt");
    assert_eq!(answer.case_id, question.case_id);
    a.awaits(10).await.expect("the answer has arrived");
    let evidence = region.evidence(b, question.case_id).await;
    let of = |message| evidence.iter().filter(|statement| statement.message_id == Some(message)).count();
    assert!(of(question.message_id) >= 1 && of(answer.message_id) >= 2, "both messages are in the case");
    // C is no party: for it the case does not exist.
    let outsider = region.c.client.case_events(question.case_id).await.expect_err("not C's case");
    assert_eq!(outsider.code(), Some(ProblemCode::NotFound.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_recipient_gets_its_own_letter_and_cannot_open_the_others() {
    let region = Region::start().await;
    let (a, b, c) = (&region.a, &region.b, &region.c);
    let to_b = a.submits(pdf("For B.")).to(&b.mailbox()).await.expect("a receipt");
    let to_c = a.submits(pdf("For C.")).to(&c.mailbox()).await.expect("a receipt");
    assert_ne!(to_b.message_id, to_c.message_id);
    let (of_b, of_c) = (b.awaits(10).await.expect("a lease"), c.awaits(10).await.expect("a lease"));
    assert_eq!((of_b.messages.len(), of_c.messages.len()), (1, 1));
    assert_eq!(b.opens(&of_b, &of_b.messages[0]).await.expect("B's letter").document, pdf("For B."));
    assert_eq!(c.opens(&of_c, &of_c.messages[0]).await.expect("C's letter").document, pdf("For C."));
    // The sealed bytes of B's letter are of no use to C, even in its hands.
    let sealed = b.client.download(to_b.message_id, 0, of_b.token).await.expect("a download");
    assert!(c.unseals(&of_b.messages[0], 0, &sealed).is_err());
    assert!(!sealed.windows(6).any(|window| window == b"For B."), "what is downloaded is sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_downloaded_in_pieces() {
    let region = Region::start().await;
    let letter = pdf(&"A longer letter. ".repeat(300));
    let receipt = region.a.submits(letter.clone()).to(&region.b.mailbox()).await.expect("a receipt");
    let lease = region.b.awaits(10).await.expect("a lease");
    let wire = region.wire(Some(region.b.login()));
    let total = receipt.parts[0].sealed_size;
    let part = Request::get(&format!("/v1/messages/{}/parts/0", receipt.message_id)).header("vuzol-lease", lease.token);
    let mut sealed = Vec::new();
    while (sealed.len() as u64) < total {
        let (from, to) = (sealed.len() as u64, (sealed.len() as u64 + 1000).min(total));
        let answer = wire.asks(&part.clone().header("range", format!("bytes={from}-{}", to - 1))).await;
        assert_eq!(answer.status, 206);
        assert_eq!(answer.header("content-range"), Some(&*format!("bytes {from}-{}/{total}", to - 1)));
        sealed.extend_from_slice(&answer.body);
    }
    let whole = wire.asks(&part).await;
    assert_eq!((whole.status, whole.header("accept-ranges")), (200, Some("bytes")));
    assert_eq!(whole.body, sealed);
    assert_eq!(whole.header("etag"), Some(&*format!("\"{}\"", receipt.parts[0].sha256)));
    let tail = wire.asks(&part.clone().header("range", "bytes=-7")).await;
    assert_eq!(tail.body, sealed[sealed.len() - 7..]);
    assert_eq!(region.b.unseals(&lease.messages[0], 0, &sealed).expect("an opened letter"), letter);
    // One handover, however many pieces.
    let evidence = region.evidence(&region.a, receipt.case_id).await;
    assert_eq!(evidence.iter().filter(|statement| statement.kind == EvidenceKind::ContentHandover).count(), 1);
}
