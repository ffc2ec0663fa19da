//! The registry as it stood at one moment.

use std::collections::{BTreeMap, HashMap, HashSet};

use certs::certificate::Certificate;
use schemas::address::AreaLevels;
use schemas::registry::{ChannelPolicy, Encryption, EncryptionKey, Participant, Reception};
use schemas::routing::FunctionalAddress;
use schemas::{Addressee, AreaCode, DocumentKind, Edrpou, MailboxId, ServiceName};
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::encryption::key_of;
use super::rows::{self, ParticipantRow, Rows};
use super::search::folded;
use crate::kept::View;

/// Everything that lookups need. Immutable.
pub(crate) struct Snapshot {
    version: i64,
    participants: BTreeMap<Edrpou, Entry>,
    logins: HashMap<[u8; 32], Edrpou>,
    mailboxes: HashSet<MailboxId>,
    channels: HashMap<(Edrpou, MailboxId), HashMap<DocumentKind, ChannelPolicy>>,
    /// By service and levels; without levels: wherever nothing else is stated.
    addresses: HashMap<(ServiceName, Option<AreaLevels>), FunctionalAddress>,
    suspended: HashSet<Addressee>,
}

/// One participant.
pub(crate) struct Entry {
    pub(super) name: String,
    /// The name as searches compare it.
    pub(super) folded: String,
    pub(super) mailboxes: Vec<MailboxId>,
    pub(super) area: Option<AreaCode>,
    pub(super) reception: Reception,
    /// The peer at which its mailboxes are.
    node: Option<String>,
    pub(super) encryption: Option<Certificate>,
    key: Option<EncryptionKey>,
}

impl Entry {
    fn new(row: ParticipantRow) -> (Edrpou, Self) {
        let ParticipantRow { edrpou, name, area, reception, node } = row;
        let (folded, mailboxes) = (folded(&name), Vec::new());
        (edrpou, Self { name, folded, mailboxes, area, reception, node, encryption: None, key: None })
    }

    /// The encryption certificate, where it is in time and of a kind that this build knows.
    pub(super) fn encryption_at(&self, now: OffsetDateTime) -> Option<Encryption> {
        let certificate = self.encryption.as_ref()?;
        let in_time = certificate.not_before() <= now && now <= certificate.not_after();
        let encryption = |key| Encryption { key, not_after: certificate.not_after() };
        self.key.filter(|_| in_time).map(encryption)
    }

    /// The participant as others see it. Live status is for the caller to add.
    pub(super) fn view(&self, edrpou: Edrpou, now: OffsetDateTime) -> Participant {
        let encryption = self.encryption_at(now);
        Participant {
            edrpou,
            name: self.name.clone(),
            area: self.area,
            mailboxes: self.mailboxes.clone(),
            can_receive: encryption.is_some(),
            reception: self.reception.clone(),
            node: self.node.clone(),
            encryption,
            suspended: false,
            suspended_mailboxes: Vec::new(),
            last_seen_at: None,
        }
    }
}

impl View for Snapshot {
    type Rows = Rows;

    fn stored_version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        rows::version(tx)
    }

    fn read(tx: &mut Tx<'_>, _: OffsetDateTime) -> Result<Rows, StoreError> {
        rows::load(tx)
    }

    fn of_rows(rows: Rows) -> Result<Self, StoreError> {
        let mut participants: BTreeMap<_, _> = rows.participants.into_iter().map(Entry::new).collect();
        for mailbox in &rows.mailboxes {
            let owner = participants.get_mut(&mailbox.participant()).ok_or(StoreError::Corrupt("mailbox.owner"))?;
            owner.mailboxes.push(mailbox.clone());
        }
        for (edrpou, der) in rows.encryption {
            let owner = participants.get_mut(&edrpou).ok_or(StoreError::Corrupt("participant_certificate.owner"))?;
            let certificate = Certificate::from_der(&der);
            let certificate = certificate.map_err(|_| StoreError::Corrupt("participant_certificate.der"))?;
            owner.key = key_of(&certificate);
            owner.encryption = Some(certificate);
        }
        let mut channels: HashMap<_, HashMap<_, _>> = HashMap::new();
        for (sender, mailbox, kind, policy) in rows.channels {
            channels.entry((sender, mailbox)).or_default().insert(kind, policy);
        }
        let place = |address: &FunctionalAddress| (address.service.clone(), address.area.map(|area| area.levels()));
        Ok(Self {
            version: rows.version,
            participants,
            logins: rows.logins.into_iter().collect(),
            mailboxes: rows.mailboxes.into_iter().collect(),
            channels,
            addresses: rows.addresses.into_iter().map(|address| (place(&address), address)).collect(),
            suspended: rows.suspended.into_iter().collect(),
        })
    }

    fn version(&self) -> i64 {
        self.version
    }
}

impl Snapshot {
    /// All participants after this one, by code.
    pub(super) fn entries_after(&self, after: Option<Edrpou>) -> impl Iterator<Item = (&Edrpou, &Entry)> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.participants.range((from, std::ops::Bound::Unbounded))
    }

    pub(super) fn entry(&self, edrpou: Edrpou) -> Option<&Entry> {
        self.participants.get(&edrpou)
    }

    /// Whether the participant is one that this node knows.
    pub(crate) fn is_registered(&self, edrpou: Edrpou) -> bool {
        self.participants.contains_key(&edrpou)
    }

    pub(super) fn login_owner(&self, certificate: &[u8; 32]) -> Option<Edrpou> {
        self.logins.get(certificate).copied()
    }

    /// The peer at which the participant's mailboxes are; none: they are here, or it is not registered.
    pub(crate) fn home(&self, participant: Edrpou) -> Option<&str> {
        self.entry(participant)?.node.as_deref()
    }

    pub(crate) fn has_mailbox(&self, mailbox: &MailboxId) -> bool {
        self.mailboxes.contains(mailbox)
    }

    /// The terms of the channel; none where there is no channel for this kind.
    pub(crate) fn channel_policy(
        &self,
        sender: Edrpou,
        recipient: &MailboxId,
        kind: &DocumentKind,
    ) -> Option<&ChannelPolicy> {
        self.channels.get(&(sender, recipient.clone()))?.get(kind)
    }

    /// Whether the mailbox's owner takes documents of this kind. Of a mailbox that is not there nothing is known, so it does.
    pub(crate) fn takes(&self, recipient: &MailboxId, kind: &DocumentKind) -> bool {
        self.entry(recipient.participant()).is_none_or(|owner| owner.reception.takes(kind))
    }

    /// Whether an operator has suspended the mailbox or its owner.
    pub(crate) fn is_suspended(&self, mailbox: &MailboxId) -> bool {
        self.owner_is_suspended(mailbox.participant()) || self.mailbox_is_suspended(mailbox)
    }

    pub(super) fn owner_is_suspended(&self, participant: Edrpou) -> bool {
        self.suspended.contains(&Addressee::Participant(participant))
    }

    pub(super) fn mailbox_is_suspended(&self, mailbox: &MailboxId) -> bool {
        self.suspended.contains(&Addressee::Mailbox(mailbox.clone()))
    }

    /// Who performs the service in the area: stated for the area itself, else for the narrowest area that holds it, else for
    /// wherever nothing else is stated.
    pub(super) fn functional_address(
        &self,
        service: &ServiceName,
        area: Option<AreaCode>,
    ) -> Option<&FunctionalAddress> {
        let holding = std::iter::successors(area.map(|area| area.levels()), |levels| levels.wider());
        let places = holding.map(Some).chain([None]);
        places.into_iter().find_map(|levels| self.addresses.get(&(service.clone(), levels)))
    }
}
