//! What the terms of a channel mean for the documents that it carries.

use access::Permit;
use access::decide::{RegisterParticipant, SetChannel};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::ProblemCode;
use schemas::message::{MessageState, State};
use schemas::registry::{
    CertificateRegistration, CertificateUsage, Channel, ChannelPolicy, ParticipantRegistration, Reception,
};
use time::Duration;

use super::town::{Letter, NOON, Town, operator};

impl Town {
    /// The operator states terms for letters from A to B.
    pub(super) async fn letters_under(&self, policy: ChannelPolicy) {
        let recipient = self.b.mailbox.clone();
        let permit: Permit<SetChannel> = self.node.access.decide(&operator(), recipient.clone()).await.unwrap();
        let kinds = vec!["letter".parse().unwrap()];
        let channel = Channel { sender: self.a.edrpou, recipient, kinds, policy: Some(policy) };
        self.node.access.registry().set_channel(permit, channel).await.unwrap();
    }

    /// B says what it takes.
    async fn b_takes(&self, reception: Reception) {
        let permit: Permit<RegisterParticipant> = self.node.access.decide(&operator(), self.b.edrpou).await.unwrap();
        let der = STANDARD.encode(self.b.encryption.certificate.der());
        let registration = ParticipantRegistration {
            name: "Agency".to_owned(),
            mailboxes: vec![self.b.mailbox.name().to_owned()],
            certificates: vec![CertificateRegistration { usage: CertificateUsage::Encryption, der }],
            reception,
            ..ParticipantRegistration::default()
        };
        self.node.access.registry().register(permit, registration).await.unwrap();
    }

    /// Submits a letter of so many bytes.
    async fn sends_bytes(&self, count: usize) -> Result<(), ProblemCode> {
        let letter = Letter { key: format!("{count}-bytes"), ..self.letter(&vec![b'x'; count]) };
        self.submit(letter).await.map(drop).map_err(|refusal| refusal.code)
    }
}

#[tokio::test]
async fn a_document_is_no_larger_than_its_channel_carries_and_its_recipient_takes() {
    let town = Town::new().await;
    town.letters_under(ChannelPolicy { maximum_bytes: 1000, ..ChannelPolicy::default() }).await;
    assert_eq!(town.sends_bytes(1000).await, Ok(()));
    assert_eq!(town.sends_bytes(1001).await, Err(ProblemCode::TooLarge));
    town.b_takes(Reception { maximum_bytes: 500, ..Reception::default() }).await;
    assert_eq!(town.sends_bytes(500).await, Ok(()));
    assert_eq!(town.sends_bytes(501).await, Err(ProblemCode::TooLarge));
}

#[tokio::test]
async fn a_recipient_has_as_long_as_its_channel_says() {
    let town = Town::new().await;
    let usual = town.deliver(b"as usual", "usual").await;
    town.letters_under(ChannelPolicy { acknowledge_within_days: 2, ..ChannelPolicy::default() }).await;
    let short = town.deliver(b"in a hurry", "short").await;
    let summary = town.summary(&town.a, short.message_id).await;
    let Some(State::Consigned(term)) = summary.standing else { panic!("{:?}", summary.standing) };
    assert_eq!(term.until, NOON + Duration::days(2));
    town.time_passes(Duration::days(2));
    town.node.exchange.timer_round(10).await.unwrap();
    assert_eq!(town.summary(&town.a, short.message_id).await.state, MessageState::Expired);
    assert_eq!(town.summary(&town.a, usual.message_id).await.state, MessageState::Consigned);
}
