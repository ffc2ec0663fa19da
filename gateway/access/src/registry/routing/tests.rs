use schemas::ProblemCode::{NotFound, UnknownRecipient};
use schemas::registry::{ChannelPolicy, SignatureLevel};
use schemas::{DocumentKind, MailboxId};

use super::*;
use crate::town::{Town, edrpou, mailbox, registration};

const OBLAST: &str = "UA05000000000010236";
const RAION: &str = "UA05020000000026686";
const HROMADA: &str = "UA05020030000031457";
const SETTLEMENT: &str = "UA05020030010063857";
const OTHER_SETTLEMENT: &str = "UA05060010010011111";

async fn town() -> Town {
    let town = Town::new();
    for code in ["00000001", "00000002"] {
        town.register(code, registration(&["office", "hromada", "raion"], Vec::new())).await.unwrap();
    }
    town
}

async fn resolved(town: &Town, service: &str, area: Option<&str>) -> Option<MailboxId> {
    town.registry().resolve(&service.parse().unwrap(), area.map(|area| area.parse().unwrap())).await.unwrap()
}

async fn removed(town: &Town, service: &str, area: Option<&str>) -> Result<(), RegistryError> {
    let service: ServiceName = service.parse().unwrap();
    let permit = town.access.decide::<SetAddress>(&town.operator(), service).await.unwrap();
    town.registry().remove_address(permit, area.map(|area| area.parse().unwrap())).await
}

fn code_of(result: Result<(), RegistryError>) -> ProblemCode {
    match result.unwrap_err() {
        RegistryError::Invalid { code, .. } => code,
        RegistryError::Store(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_service_goes_to_the_narrowest_area_that_somebody_was_named_for() {
    let town = town().await;
    assert_eq!(resolved(&town, "subsidy", Some(SETTLEMENT)).await, None);
    let mut stated = Vec::new();
    for (area, name) in [
        (None, "00000002.office"),
        (Some(OBLAST), "00000001.office"),
        (Some(RAION), "00000001.raion"),
        (Some(HROMADA), "00000001.hromada"),
        (Some(SETTLEMENT), "00000002.hromada"),
    ] {
        town.address("subsidy", area, name).await.unwrap();
        stated.push((area, name));
        assert_eq!(resolved(&town, "subsidy", Some(SETTLEMENT)).await, Some(mailbox(name)), "{area:?}");
    }
    assert_eq!(
        resolved(&town, "subsidy", Some(HROMADA)).await,
        Some(mailbox("00000001.hromada")),
        "not what lies in it"
    );
    assert_eq!(resolved(&town, "subsidy", Some(OTHER_SETTLEMENT)).await, Some(mailbox("00000001.office")));
    assert_eq!(resolved(&town, "subsidy", None).await, Some(mailbox("00000002.office")));
    assert_eq!(resolved(&town, "pension", Some(SETTLEMENT)).await, None);
    // Taken back one by one, each gives way to the next wider one.
    while let Some((area, name)) = stated.pop() {
        assert_eq!(resolved(&town, "subsidy", Some(SETTLEMENT)).await, Some(mailbox(name)));
        removed(&town, "subsidy", area).await.unwrap();
    }
    assert_eq!(resolved(&town, "subsidy", Some(SETTLEMENT)).await, None);
    assert_eq!(code_of(removed(&town, "subsidy", None).await), NotFound);
}

#[tokio::test]
async fn one_place_has_one_address_whatever_makes_its_code_unique() {
    let town = town().await;
    town.address("subsidy", Some(HROMADA), "00000001.office").await.unwrap();
    town.address("subsidy", Some("UA05020030000099999"), "00000002.office").await.unwrap();
    assert_eq!(resolved(&town, "subsidy", Some(HROMADA)).await, Some(mailbox("00000002.office")));
}

#[tokio::test]
async fn an_address_leads_to_a_mailbox_that_is_there() {
    let town = town().await;
    assert_eq!(code_of(town.address("subsidy", None, "00000001.cellar").await), UnknownRecipient);
    town.address("subsidy", None, "00000001.office").await.unwrap();
    town.register("00000001", registration(&["hromada"], Vec::new())).await.unwrap();
    assert_eq!(resolved(&town, "subsidy", None).await, None, "the mailbox is gone, and its address with it");
}

#[tokio::test]
async fn what_an_operator_states_of_routing_is_on_record() {
    let town = town().await;
    let before = town.audited().await.len();
    town.address("subsidy", Some(HROMADA), "00000001.office").await.unwrap();
    removed(&town, "subsidy", Some(HROMADA)).await.unwrap();
    town.suspend("00000001.office", true).await.unwrap();
    town.suspend("00000001", true).await.unwrap();
    town.suspend("00000001", false).await.unwrap();
    assert_eq!(code_of(town.suspend("00000009", true).await), UnknownRecipient);
    let operator = town.operator().pseudonym();
    let expected = [
        ("address.set", "service:subsidy"),
        ("address.remove", "service:subsidy"),
        ("recipient.suspend", "mailbox:00000001.office"),
        ("recipient.suspend", "participant:00000001"),
        ("recipient.resume", "participant:00000001"),
    ];
    let expected = expected.map(|(action, object)| format!("{action} {operator} \"{object}\""));
    assert_eq!(town.audited().await[before..], expected);
}

#[tokio::test]
async fn a_suspension_outlives_a_new_registration_and_is_seen() {
    let town = town().await;
    town.suspend("00000001.office", true).await.unwrap();
    town.register("00000001", registration(&["office"], Vec::new())).await.unwrap();
    let view = town.registry().participant(edrpou("00000001")).await.unwrap().unwrap();
    assert_eq!((view.suspended, view.suspended_mailboxes), (false, vec![mailbox("00000001.office")]));
    town.suspend("00000001", true).await.unwrap();
    assert!(town.registry().participant(edrpou("00000001")).await.unwrap().unwrap().suspended);
}

#[tokio::test]
async fn a_channel_has_the_terms_that_were_stated_last() {
    let town = town().await;
    let (sender, recipient) = (edrpou("00000001"), mailbox("00000002.office"));
    let (letter, report): (DocumentKind, DocumentKind) = ("letter".parse().unwrap(), "report".parse().unwrap());
    let registry = town.registry();
    assert_eq!(registry.channel_policy(sender, &recipient, &letter).await.unwrap(), None);
    town.channel("00000001", "00000002.office", &["letter"]).await.unwrap();
    let usual = Some(ChannelPolicy::default());
    assert_eq!(registry.channel_policy(sender, &recipient, &letter).await.unwrap(), usual);
    let strict = ChannelPolicy {
        signature: SignatureLevel::Qualified,
        maximum_bytes: 1024,
        retention: "permanent".parse().unwrap(),
        hold_hours: 720,
        acknowledge_within_days: 1,
        sealed_by_sender: true,
        node_held_keys: true,
        metadata_schema: Some("urn:vuzol:kind:letter:1".to_owned()),
    };
    let channel = |policy: &ChannelPolicy| schemas::registry::Channel {
        sender,
        recipient: recipient.clone(),
        kinds: vec![letter.clone(), report.clone()],
        policy: Some(policy.clone()),
    };
    town.set_channel(channel(&strict)).await.unwrap();
    // Read from the database by another process, for each kind.
    let there = town.other_process();
    for kind in [&letter, &report] {
        let found = there.registry().channel_policy(sender, &recipient, kind).await.unwrap();
        assert_eq!(found.as_ref(), Some(&strict), "{kind}");
    }
    let endless = ChannelPolicy { hold_hours: 721, ..strict.clone() };
    assert_eq!(code_of(town.set_channel(channel(&endless)).await), ProblemCode::MalformedJson);
    let unknown = ChannelPolicy { retention: "forever".parse().unwrap(), ..strict.clone() };
    assert_eq!(code_of(town.set_channel(channel(&unknown)).await), ProblemCode::UnknownRetentionClass);
    assert_eq!(registry.channel_policy(sender, &recipient, &letter).await.unwrap(), Some(strict));
    town.channel("00000001", "00000002.office", &["letter"]).await.unwrap();
    assert_eq!(registry.channel_policy(sender, &recipient, &letter).await.unwrap(), usual);
    assert_eq!(registry.channel_policy(sender, &recipient, &report).await.unwrap(), None);
}
