//! Metadata beside a document: checked before it is read, shown to its recipient, named by evidence.

use schemas::ProblemCode;
use schemas::kinds::Metadata;
use schemas::message::MessageState;
use schemas::registry::ChannelPolicy;
use serde_json::json;

use super::town::{Letter, Town};
use crate::refusal::Refusal;

const LETTER: &str = "urn:vuzol:kind:letter:1";

fn metadata(schema: &str, content: serde_json::Value) -> Metadata {
    let serde_json::Value::Object(content) = content else { panic!("no object") };
    Metadata { schema: schema.to_owned(), content }
}

fn sound() -> Metadata {
    metadata(LETTER, json!({ "number": "17", "date": "2026-11-23" }))
}

impl Town {
    /// A letter with these metadata, under a key of their own.
    fn letter_with(&self, metadata: Option<Metadata>) -> Letter {
        let mut letter = self.letter(b"a letter");
        letter.key = crypto::digest::hex(&crypto::digest::sha256(format!("{metadata:?}").as_bytes()));
        letter.envelope.metadata = metadata;
        letter
    }

    async fn refuses(&self, metadata: Option<Metadata>) -> Refusal {
        let refusal = self.submit(self.letter_with(metadata)).await.unwrap_err();
        assert!(refusal.evidence.is_some(), "a refusal is stated");
        refusal
    }

    async fn letters_need(&self, schema: &str) {
        self.letters_under(ChannelPolicy { metadata_schema: Some(schema.to_owned()), ..ChannelPolicy::default() })
            .await;
    }
}

#[tokio::test]
async fn metadata_reach_the_recipient_and_every_piece_of_evidence() {
    let town = Town::new().await;
    let receipt = town.submit(town.letter_with(Some(sound()))).await.unwrap().receipt;
    let leased = town.lease_whole(&town.b).await.messages.remove(0);
    assert_eq!(leased.summary.metadata, Some(sound()));
    assert_eq!(town.summary(&town.b, receipt.message_id).await.metadata, Some(sound()));
    let octets = br#"{"schema":"urn:vuzol:kind:letter:1","content":{"date":"2026-11-23","number":"17"}}"#;
    let digest = Some(crypto::digest::hex(&crypto::digest::sha256(octets)));
    let evidence = town.evidence(&town.a, receipt.case_id).await;
    assert!(evidence.len() > 2 && evidence.iter().all(|piece| piece.metadata_sha256 == digest));

    let plain = town.submit(town.letter(b"without")).await.unwrap().receipt;
    let payload = plain.evidence.split('.').nth(1).unwrap();
    let payload = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
    assert!(!String::from_utf8(payload).unwrap().contains("metadata"), "as it was before there were any");
}

#[tokio::test]
async fn metadata_that_do_not_follow_their_schema_are_refused_with_the_place() {
    let town = Town::new().await;
    let refusal = town.refuses(Some(metadata(LETTER, json!({ "number": "", "date": "today" })))).await;
    assert_eq!(refusal.code, ProblemCode::MetadataInvalid);
    assert_eq!(refusal.detail.as_deref(), Some("/date: format, /number: minLength"));
    let large = metadata(LETTER, json!({ "number": "x".repeat(9000), "date": "2026-11-23" }));
    assert_eq!(town.refuses(Some(large)).await.code, ProblemCode::MetadataInvalid);
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(town.refuses(Some(metadata(LETTER, json!({ "x": deep })))).await.code, ProblemCode::MetadataInvalid);
    let elsewhere = metadata("https://example.com/letter.json", json!({}));
    assert_eq!(town.refuses(Some(elsewhere)).await.code, ProblemCode::MetadataSchemaUnknown);
    let found = town.sent(&town.a, Some(MessageState::Rejected)).await;
    assert_eq!(found.len(), 4);
}

#[tokio::test]
async fn a_channel_may_demand_metadata() {
    let town = Town::new().await;
    town.letters_need(LETTER).await;
    assert_eq!(town.refuses(None).await.code, ProblemCode::MetadataRequired);
    let reply =
        metadata("urn:vuzol:kind:reply:1", json!({ "outcome": "granted", "number": "1", "date": "2026-11-23" }));
    let refusal = town.refuses(Some(reply)).await;
    assert_eq!(refusal.code, ProblemCode::MetadataSchemaUnknown);
    assert_eq!(refusal.detail.as_deref(), Some("the channel demands urn:vuzol:kind:letter:1"));
    assert!(town.submit(town.letter_with(Some(sound()))).await.is_ok());
}

#[test]
fn a_channel_cannot_demand_what_nobody_knows() {
    let policy = |schema: &str| ChannelPolicy { metadata_schema: Some(schema.to_owned()), ..ChannelPolicy::default() };
    assert!(policy(LETTER).check().is_ok());
    assert!(policy("urn:vuzol:kind:letter:2").check().is_err());
}
