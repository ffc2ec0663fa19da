//! Stories of what could not be delivered.

use access::Actor;
use access::decide::{Permit, ReadQuarantine, RetryMessage};
use schemas::message::MessageState;
use schemas::notice::NoticeEvent;
use schemas::quarantine::{Quarantine, RetryOutcome};
use schemas::{MessageId, ProblemCode};
use time::Duration;

use super::notices::{round, subscribe};
use super::town::Town;

fn operator(number: u8) -> Actor {
    Actor::Operator { certificate: [number; 32] }
}

async fn retries(town: &Town, who: &Actor, message: MessageId) -> Result<RetryOutcome, ProblemCode> {
    let permit: Permit<RetryMessage> = town.node.access.decide(who, message).await.unwrap();
    town.node.exchange.retry_message(permit).await.map_err(|refusal| refusal.code)
}

async fn looks(town: &Town) -> Quarantine {
    let permit: Permit<ReadQuarantine> = town.node.access.decide(&operator(1), ()).await.unwrap();
    town.node.exchange.quarantined(permit, None, 100).await.unwrap()
}

/// A letter whose mailbox was gone for too long.
async fn stuck(town: &Town) -> schemas::message::Receipt {
    let receipt = town.submit_while_the_mailbox_is_gone(vec![town.letter(b"a letter")]).await.remove(0);
    while town.summary(&town.a, receipt.message_id).await.state == MessageState::Validated {
        town.node.exchange.deliver_round(10).await.unwrap();
        town.time_passes(Duration::minutes(5));
    }
    receipt
}

#[tokio::test]
async fn two_operators_have_a_message_delivered_again() {
    let town = Town::new().await;
    subscribe(&town.node, &town.a, &[NoticeEvent::Quarantined], None).await.unwrap();
    let receipt = stuck(&town).await;
    round(&town.node).await;
    let told = [(NoticeEvent::Quarantined, MessageState::Quarantined)];
    assert_eq!(town.receivers.told(&town.a.mailbox), told, "its sender is told");
    let found = looks(&town).await;
    assert_eq!((found.messages.len(), &found.messages[0].proposal), (1, &None));
    assert_eq!(found.messages[0].message.message_id, receipt.message_id);
    town.the_mailbox_is_back().await;

    let proposed = retries(&town, &operator(1), receipt.message_id).await.unwrap();
    assert_eq!(proposed.state, MessageState::Quarantined);
    assert_eq!(looks(&town).await.messages[0].proposal, proposed.proposal);
    let again = retries(&town, &operator(1), receipt.message_id).await;
    assert_eq!(again, Err(ProblemCode::SameOperator), "the same certificate twice");
    assert_eq!(town.node.exchange.deliver_round(10).await.unwrap(), 0, "one word moves nothing");
    let confirmed = retries(&town, &operator(2), receipt.message_id).await.unwrap();
    assert_eq!((confirmed.state, confirmed.proposal), (MessageState::Validated, None));
    assert_eq!(retries(&town, &operator(1), receipt.message_id).await, Err(ProblemCode::NotQuarantined));
    assert_eq!(town.node.exchange.deliver_round(10).await.unwrap(), 1);
    assert_eq!(town.lease(&town.b).await.messages.len(), 1);
    let kinds: Vec<_> = town.evidence(&town.a, receipt.case_id).await.iter().map(|said| said.kind.code()).collect();
    assert_eq!(kinds, ["A.1", "D.2", "V.6", "D.1"]);
    assert!(looks(&town).await.messages.is_empty());
}

#[tokio::test]
async fn a_proposal_lapses_after_a_day_and_the_next_word_is_a_first_one() {
    let town = Town::new().await;
    let receipt = stuck(&town).await;
    retries(&town, &operator(1), receipt.message_id).await.unwrap();
    town.time_passes(Duration::hours(24));
    assert_eq!(looks(&town).await.messages[0].proposal, None);
    let second = retries(&town, &operator(2), receipt.message_id).await.unwrap();
    assert!(second.proposal.is_some());
    let confirmed = retries(&town, &operator(1), receipt.message_id).await.unwrap();
    assert_eq!(confirmed.state, MessageState::Validated, "whoever proposed what lapsed may confirm the other's");
}

/// Both confirm at once: it is delivered again, once.
#[tokio::test]
async fn words_that_come_at_once_count_once() {
    let town = Town::new().await;
    let receipt = stuck(&town).await;
    let (one, two, three) = (operator(1), operator(2), operator(3));
    let at_once = tokio::join!(
        retries(&town, &one, receipt.message_id),
        retries(&town, &two, receipt.message_id),
        retries(&town, &three, receipt.message_id),
    );
    let outcomes = [at_once.0, at_once.1, at_once.2];
    let proposed = outcomes.iter().flatten().filter(|outcome| outcome.proposal.is_some()).count();
    let confirmed = outcomes.iter().flatten().filter(|outcome| outcome.proposal.is_none()).count();
    assert_eq!((proposed, confirmed), (1, 1), "{outcomes:?}");
    assert_eq!(town.rows().await[4], 1, "one job");
}
