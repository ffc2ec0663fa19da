//! What comes in, and what is said of it.

use schemas::ProblemCode;
use schemas::evidence::EvidenceKind;
use schemas::message::{MessagePage, MessageState, Receipt, State};
use serde_json::{Value, json};
use tests::harness::agency::fresh_key;
use tests::harness::{Region, Request, pdf};
use tokio::net::TcpListener;

use crate::submits;

/// Holodeck B2B #142: the duplicate of a message that had failed got a positive receipt.
///
/// One that the node rejected, and one that the recipient refused: the sender that repeats either learns how it ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_of_what_failed_gets_no_receipt() {
    let region = Region::start().await;
    let (letter, wrong) = (pdf("letter"), region.a.signs(&pdf("another letter")));
    let first = submits(&region, "rejected", &wrong, &letter).await;
    assert_eq!(first.problem().code, ProblemCode::SignatureOverOtherContent.as_str());

    let right = region.a.signs(&letter);
    let receipt: Receipt = submits(&region, "refused", &right, &letter).await.json();
    let lease = region.b.awaits(1).await.expect("a lease");
    region.b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    region.b.refuses(lease.token, receipt.message_id, &letter, "not ours").await.expect("a refusal");

    for (key, signature, end) in [
        ("rejected", &wrong, EvidenceKind::SubmissionRejection),
        ("refused", &right, EvidenceKind::ConsignmentRejection),
    ] {
        for _ in 0..3 {
            let answer = submits(&region, key, signature, &letter).await;
            assert_eq!((answer.status, answer.problem().code.as_str()), (409, "submission.already_ended"), "{key}");
            let evidence = answer.problem().evidence.expect("the evidence of the end");
            let certificate = region.ground.site.evidence_certificate();
            assert_eq!(exchange::evidence::verify(&evidence, certificate).expect("evidence").kind, end);
        }
    }
    assert!(region.b.leases(10).await.expect("a lease").messages.is_empty());
}

/// Holodeck B2B #85: errors stayed in the log of the gateway and never reached the business side.
///
/// What the node refuses is told in the answer, in two languages and with evidence, and stays readable; what the recipient refuses is told in
/// the sender's case, in the recipient's words.
#[tokio::test(flavor = "multi_thread")]
async fn every_failure_is_told_to_the_business() {
    let region = Region::start().await;
    let answer =
        submits(&region, "stranger", &region.a.signs_as(region.b.signer(), &pdf("letter")), &pdf("letter")).await;
    let problem = answer.problem();
    let code = ProblemCode::SignerNotOfSender;
    assert_eq!((problem.code.as_str(), problem.title.as_str()), (code.as_str(), code.text_en()));
    assert_eq!(problem.title_uk, code.text_uk());
    let certificate = region.ground.site.evidence_certificate();
    let statement =
        exchange::evidence::verify(&problem.evidence.expect("evidence A.2"), certificate).expect("evidence");
    assert_eq!((statement.kind, statement.reason.as_deref()), (EvidenceKind::SubmissionRejection, Some(code.as_str())));
    region.proves(&region.a, statement.event_id).await;

    let letter = pdf("letter");
    let receipt = region.a.submits(letter.clone()).to(&region.b.mailbox()).await.expect("a receipt");
    let lease = region.b.awaits(1).await.expect("a lease");
    region.b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    region.b.refuses(lease.token, receipt.message_id, &letter, "Не за належністю").await.expect("a refusal");
    let evidence = region.evidence(&region.a, receipt.case_id).await;
    let last = evidence.last().expect("evidence");
    assert_eq!((last.kind, last.reason.as_deref()), (EvidenceKind::ConsignmentRejection, Some("Не за належністю")));
    let standing = region.a.client.message(receipt.message_id).await.expect("A's own message").standing;
    assert_eq!(standing, Some(State::Refused { reason: "Не за належністю".to_owned() }));
}

/// phase4 #162: what should have been signed and encrypted was taken as it came.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_unsigned_is_accepted_and_nothing_unsealed_is_kept() {
    let region = Region::start().await;
    let secret = "the words of the document itself";
    let letter = pdf(secret);
    for (signature, code) in [
        (Vec::new(), ProblemCode::SignatureUnreadable),
        (b"no signature at all".to_vec(), ProblemCode::SignatureUnreadable),
        (region.a.signer().certificate.der().to_vec(), ProblemCode::SignatureUnreadable),
        (region.a.signs(b"something else"), ProblemCode::SignatureOverOtherContent),
    ] {
        let answer = submits(&region, &fresh_key(), &signature, &letter).await;
        assert_eq!((answer.status, answer.problem().code.as_str()), (422, code.as_str()));
    }
    assert_eq!(region.store().messages().await, 0);

    let receipt = region.a.submits(letter.clone()).to(&region.b.mailbox()).await.expect("a receipt");
    let lease = region.b.awaits(1).await.expect("a lease");
    let sealed = region.b.client.download(receipt.message_id, 0, lease.token).await.expect("a download");
    let database = &region.ground.config.storage.database;
    let folder = database.folder().expect("a folder");
    let kept: Vec<u8> = std::fs::read_dir(folder)
        .expect("the folder of the database")
        .filter_map(|entry| std::fs::read(entry.expect("an entry").path()).ok())
        .flatten()
        .collect();
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(&kept, receipt.evidence.as_bytes()), "the files of the database were read");
    assert!(holds(&kept, &sealed), "the sealed document lies there");
    assert!(!holds(&sealed, secret.as_bytes()) && !holds(&kept, secret.as_bytes()), "and nothing that can be read");
    assert_eq!(region.b.opens(&lease, &lease.messages[0]).await.expect("an opened letter").document, letter);
}

/// phase4 #223: a duplicate id brought the same error as everything else.
#[tokio::test(flavor = "multi_thread")]
async fn a_reused_key_has_a_code_and_words_of_its_own() {
    let region = Region::start().await;
    let (first, second) = (pdf("first"), pdf("second"));
    let signature = region.a.signs(&first);
    let receipt: Receipt = submits(&region, "key", &signature, &first).await.json();
    let other = submits(&region, "key", &region.a.signs(&second), &second).await;
    let problem = other.problem();
    let code = ProblemCode::IdempotencyKeyReused;
    assert_eq!((other.status, problem.code.as_str(), problem.kind), (422, code.as_str(), code.type_uri()));
    assert_eq!((problem.title.as_str(), problem.title_uk.as_str()), (code.text_en(), code.text_uk()));
    // A repeat is something else, and so is another's use of the same key.
    let repeat = submits(&region, "key", &signature, &first).await;
    assert_eq!((repeat.status, repeat.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(repeat.json::<Receipt>(), receipt);
    let of_b =
        region.b.submits(pdf("B's own")).to(&region.a.mailbox()).with_key("key").made().await.expect("a receipt");
    assert!(!of_b.1, "keys of two senders are two keys");
}

/// phase4 #17 and #36: receipts named attachments that were not there, and left out those that were.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_names_every_part_and_no_other() {
    let region = Region::start_with(tests::harness::Ground::makes_ring).await;
    let (document, attachment) = (pdf("letter"), pdf("attachment"));
    let contents = [document.to_vec(), region.a.signs(&document), attachment.to_vec(), region.a.signs(&attachment)];
    let part = |number: usize, role: &str, of: Option<u8>| {
        json!({ "number": number, "role": role, "of": of, "size": contents[number].len(),
            "media_type": if role == "signature" { "application/pkcs7-signature" } else { "application/pdf" } })
    };
    let announcement = json!({
        "envelope": region.a.envelope(&region.b.mailbox()),
        "parts": [part(0, "document", None), part(1, "signature", Some(0)),
            part(2, "attachment", None), part(3, "signature", Some(2))],
    });
    let wire = region.wire(Some(region.a.login()));
    let request = Request::post("/v1/announcements").header("idempotency-key", "attached");
    let announced = wire.asks(&request.body("application/json", announcement.to_string())).await;
    assert_eq!(announced.status, 201, "{}", String::from_utf8_lossy(&announced.body));
    let address = format!("/v1/announcements/{}", announced.json::<Value>()["message_id"].as_str().expect("a message"));
    let upload = |number: usize| {
        let request = Request::new("PUT", &format!("{address}/parts/{number}"));
        request.body("application/octet-stream", contents[number].clone())
    };
    for number in [0, 1, 2] {
        assert_eq!(wire.asks(&upload(number)).await.status, 200);
    }
    let early = wire.asks(&Request::post(&format!("{address}/send"))).await;
    assert_eq!(early.problem().code, ProblemCode::SubmissionIncomplete.as_str(), "a part is not there yet");
    assert_eq!(wire.asks(&upload(3)).await.status, 200);
    let receipt: Receipt = wire.asks(&Request::post(&format!("{address}/send"))).await.json();

    let digests: Vec<String> =
        contents.iter().map(|content| crypto::digest::hex(&crypto::digest::sha256(content))).collect();
    assert_eq!(receipt.parts.iter().map(|part| &part.sha256).collect::<Vec<_>>(), digests.iter().collect::<Vec<_>>());
    let lease = region.b.awaits(1).await.expect("a lease");
    let message = &lease.messages[0];
    assert_eq!(message.parts, receipt.parts);
    for (number, content) in (0..).zip(&contents) {
        let sealed = region.b.client.download(receipt.message_id, number, lease.token).await.expect("a download");
        let part = &receipt.parts[usize::from(number)];
        assert_eq!(part.sealed_sha256, Some(crypto::digest::hex(&crypto::digest::sha256(&sealed))));
        assert_eq!(&region.b.unseals(message, number, &sealed).expect("the part that was announced"), content);
    }
    region.b.client.download(receipt.message_id, 4, lease.token).await.expect_err("there is no fifth");
    region.b.accepts(lease.token, receipt.message_id, &document).await.expect("an acceptance");
    for statement in region.evidence(&region.a, receipt.case_id).await {
        if statement.kind.code() != "V.1" {
            assert_eq!(statement.parts, receipt.parts, "{}", statement.kind.code());
        }
    }
}

/// phase4-peppol-standalone #7: with 100 000 dumps a day nobody finds what was rejected, and why.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_submissions_are_found_with_their_reasons() {
    let region = Region::start().await;
    let letter = pdf("letter");
    let mut expected = Vec::new();
    for number in 0..9 {
        let (signature, code) = match number % 3 {
            0 => (b"noise".to_vec(), ProblemCode::SignatureUnreadable),
            1 => (region.a.signs(b"another"), ProblemCode::SignatureOverOtherContent),
            _ => (region.a.signs_as(region.b.signer(), &letter), ProblemCode::SignerNotOfSender),
        };
        assert_eq!(submits(&region, &fresh_key(), &signature, &letter).await.problem().code, code.as_str());
        expected.push(code.as_str().to_owned());
        // The order of a listing is that of the moments.
        region.time_passes(time::Duration::seconds(1));
        // Between them what was accepted, which must not be listed.
        region.a.submits(pdf(&format!("sound {number}"))).to(&region.b.mailbox()).await.expect("a receipt");
    }
    let (mut found, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = Request::get(&format!("/v1/submissions?state=rejected&limit=4{after}"));
        let page: MessagePage = region.wire(Some(region.a.login())).asks(&request).await.json();
        pages += 1;
        for message in &page.messages {
            let Some(State::Rejected { reason }) = &message.standing else { panic!("{:?}", message.standing) };
            assert_eq!((message.sender, &message.recipient), (region.a.edrpou(), &region.b.mailbox()));
            found.push(reason.clone());
        }
        let Some(next) = page.next_after else { break };
        after = format!("&after={next}");
    }
    assert_eq!((found, pages), (expected, 3));
    let at_b = region.b.client.list(&region.b.mailbox(), Some(MessageState::Rejected), None, None).await;
    assert!(at_b.expect("a page").messages.is_empty(), "what was not accepted is no affair of its recipient");
    let book = region.book().await;
    assert_eq!(book.refusals(ProblemCode::SignerNotOfSender), 3, "and each is in the log");
}

/// phase4 #318: documents with a DTD, external entities and entities of entities.
///
/// XML comes to the node as a signature and as a trusted list. Neither is read past its document type, and the address that it names is
/// not asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_type_is_refused_and_nothing_is_fetched_for_it() {
    let trap = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let address = trap.local_addr().expect("an address");
    let external = format!(
        r#"<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "http://{address}/x">]><Signature xmlns="http://www.w3.org/2000/09/xmldsig#">&x;</Signature>"#
    );
    let mut laughs = r#"<?xml version="1.0"?><!DOCTYPE l [<!ENTITY e0 "ha">"#.to_owned();
    for level in 1..40 {
        laughs += &format!(r#"<!ENTITY e{level} "&e{};&e{};">"#, level - 1, level - 1);
    }
    laughs += r#"]><TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">&e39;</TrustServiceStatusList>"#;

    let list = laughs.clone();
    let region = Region::start_with(move |ground| {
        let folder = ground.site.directory();
        std::fs::write(folder.join("list.xml"), &list).expect("a file");
        ground.config.trusted_lists.folder = folder.join("lists");
        ground.config.trusted_lists.lists = vec![gateway::config::TrustedListConfig {
            name: "UA".to_owned(),
            location: folder.join("list.xml").display().to_string(),
            signers: folder.join("anchors"),
            territories: Vec::new(),
            purposes: vec![schemas::trust::TrustPurpose::Signing],
        }];
    })
    .await;
    for xml in [&external, &laughs] {
        let answer = submits(&region, &fresh_key(), xml.as_bytes(), &pdf("letter")).await;
        assert_eq!((answer.status, answer.problem().code.as_str()), (422, "signature.unreadable"));
    }
    let mut problem = None;
    for _ in 0..200 {
        let trust = region.operator.trust().await.expect("whom the node believes");
        problem = trust.trusted_lists.first().and_then(|list| list.problem.clone());
        if problem.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(problem.expect("the list is not taken").code, "xml.doctype");
    let asked = tokio::time::timeout(std::time::Duration::from_millis(500), trap.accept()).await;
    assert!(asked.is_err(), "the address inside the document was asked");
}
