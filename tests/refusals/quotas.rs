//! Participants past a quota.

use gateway::config::ParticipantLimits;
use schemas::ProblemCode;
use tests::harness::{Answer, Form, Region, Request, pdf};

use crate::case::{Case, case, check};

const ASKED: &str = "/v1/participants";

/// A region whose participants may use what the change says.
async fn region(change: impl FnOnce(&mut ParticipantLimits)) -> Region {
    Region::start_with(|ground| change(&mut ground.config.limits.participant)).await
}

fn submission(region: &Region, key: &str) -> Request {
    let document = pdf("letter");
    let envelope = serde_json::to_vec(&region.a.envelope(&region.b.mailbox())).expect("JSON");
    Form::submission(&envelope, &region.a.signs(&document), &document).request(key)
}

/// On a region where a participant may ask three times at once.
pub(crate) fn requests() -> Case {
    case!("more requests than a participant may make", 429 QuotaRequests, |r| {
        let wire = r.wire(Some(r.a.login()));
        for _ in 0..50 {
            let answer = wire.asks(&Request::get(ASKED)).await;
            if answer.status != 200 {
                return answer;
            }
        }
        panic!("50 requests at once were all answered 200")
    })
}

/// On a region where a participant may upload a thousand bytes a day.
pub(crate) fn bytes() -> Case {
    case!("more bytes than a participant may upload in a day", 429 QuotaBytes, |r| {
        r.wire(Some(r.a.login())).asks(&submission(r, "large")).await
    })
}

/// On a region where one submission of a participant may be under way.
pub(crate) fn concurrent() -> Case {
    case!("more submissions at once than a participant may make", 429 QuotaConcurrent, |r| {
        let wire = r.wire(Some(r.a.login()));
        let unfinished = submission(r, "unfinished").declaring(1_000_000);
        // It may come while the other one is just being refused: then it comes again.
        let first = async {
            loop {
                let answer = wire.asks(&unfinished).await;
                if answer.status != 429 {
                    return answer;
                }
            }
        };
        let second = async {
            // Until the first one has come in, this one is refused for what it is.
            loop {
                let answer = wire.asks(&Request::post("/v1/submissions")).await;
                if answer.status == 429 {
                    return answer;
                }
            }
        };
        tokio::pin!(first, second);
        tokio::select! {
            answer = &mut second => answer,
            answer = &mut first => panic!("an unfinished submission was answered: {}", answer.status),
        }
    })
}

/// On a region where one message may wait in a mailbox.
pub(crate) fn full() -> Case {
    case!("a submission for a full mailbox", 429 QuotaMailboxFull, |r| {
        r.a.submits(pdf("first")).to(&r.b.mailbox()).await.expect("a receipt");
        // The node counts a mailbox once a second.
        let mut answer: Option<Answer> = None;
        for attempt in 0..50 {
            let next = r.wire(Some(r.a.login())).asks(&submission(r, &format!("more-{attempt}"))).await;
            let is_over = next.status != 201;
            answer = Some(next);
            if is_over {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        answer.expect("an answer")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_so_and_fills_no_log() {
    let region = region(|limits| (limits.requests_per_second, limits.burst) = (1, 3)).await;
    let case = requests();
    let answer = (case.deed)(&region).await;
    check(&case, &answer);
    assert!(answer.header("retry-after").is_some(), "the caller is told when to come back");
    let wire = region.wire(Some(region.a.login()));
    for _ in 0..20 {
        wire.asks(&Request::get(ASKED)).await;
    }
    assert_eq!(
        region.wire(Some(region.b.login())).asks(&Request::get(ASKED)).await.status,
        200,
        "others do not suffer"
    );
    assert_eq!(region.book().await.refusals(ProblemCode::QuotaRequests), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_uploads_too_much_is_told_so() {
    let region = region(|limits| limits.bytes_per_day = 1000).await;
    let case = bytes();
    check(&case, &(case.deed)(&region).await);
    crate::case::nothing_is_stored(&region).await;
    assert_eq!(region.book().await.refusals(ProblemCode::QuotaBytes), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_submits_too_much_at_once_is_told_so() {
    let region = region(|limits| limits.concurrent_submissions = 1).await;
    let case = concurrent();
    check(&case, &(case.deed)(&region).await);
    assert_eq!(region.book().await.refusals(ProblemCode::QuotaConcurrent), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_takes_no_more_than_it_holds_until_something_leaves() {
    let region = region(|limits| limits.mailbox_messages = 1).await;
    let case = full();
    check(&case, &(case.deed)(&region).await);
    let waiting = region.store().messages().await;
    for _ in 0..waiting {
        let lease = region.b.awaits(1).await.expect("a lease");
        let message = lease.messages.first().expect("a message");
        let opened = region.b.opens(&lease, message).await.expect("a document");
        region.b.accepts(lease.token, message.summary.message_id, &opened.document).await.expect("a receipt");
    }
    let answer = async {
        for attempt in 0..50 {
            let answer =
                region.wire(Some(region.a.login())).asks(&submission(&region, &format!("after-{attempt}"))).await;
            if answer.status == 201 {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        false
    };
    assert!(answer.await, "there is room again");
}
