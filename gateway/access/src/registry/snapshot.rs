//! The registry as it stood at one moment.

use std::collections::{BTreeMap, HashMap, HashSet};

use certs::certificate::Certificate;
use schemas::registry::Participant;
use schemas::{DocumentKind, Edrpou, MailboxId};
use storage::StoreError;
use time::OffsetDateTime;

use super::rows::Rows;

/// Everything that lookups need. Immutable.
pub(crate) struct Snapshot {
    version: i64,
    participants: BTreeMap<Edrpou, Entry>,
    logins: HashMap<[u8; 32], Edrpou>,
    mailboxes: HashSet<MailboxId>,
    channels: HashMap<(Edrpou, MailboxId), HashSet<DocumentKind>>,
}

/// One participant.
pub(crate) struct Entry {
    name: String,
    mailboxes: Vec<MailboxId>,
    pub(super) encryption: Option<Certificate>,
}

impl Entry {
    /// The participant as others see it.
    pub(super) fn view(&self, edrpou: Edrpou, now: OffsetDateTime) -> Participant {
        let usable = |c: &Certificate| c.not_before() <= now && now <= c.not_after();
        Participant {
            edrpou,
            name: self.name.clone(),
            mailboxes: self.mailboxes.clone(),
            can_receive: self.encryption.as_ref().is_some_and(usable),
        }
    }
}

impl Snapshot {
    pub(super) fn from_rows(rows: Rows) -> Result<Self, StoreError> {
        let entry = |name| Entry { name, mailboxes: Vec::new(), encryption: None };
        let mut participants: BTreeMap<_, _> =
            rows.participants.into_iter().map(|(edrpou, name)| (edrpou, entry(name))).collect();
        for mailbox in &rows.mailboxes {
            let owner = participants.get_mut(&mailbox.participant()).ok_or(StoreError::Corrupt("mailbox.owner"))?;
            owner.mailboxes.push(mailbox.clone());
        }
        for (edrpou, der) in rows.encryption {
            let owner = participants.get_mut(&edrpou).ok_or(StoreError::Corrupt("participant_certificate.owner"))?;
            let certificate = Certificate::from_der(&der);
            owner.encryption = Some(certificate.map_err(|_| StoreError::Corrupt("participant_certificate.der"))?);
        }
        let mut channels: HashMap<_, HashSet<_>> = HashMap::new();
        for (sender, mailbox, kind) in rows.channels {
            channels.entry((sender, mailbox)).or_default().insert(kind);
        }
        let (logins, mailboxes) = (rows.logins.into_iter().collect(), rows.mailboxes.into_iter().collect());
        Ok(Self { version: rows.version, participants, logins, mailboxes, channels })
    }

    pub(super) fn version(&self) -> i64 {
        self.version
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&Edrpou, &Entry)> {
        self.participants.iter()
    }

    pub(super) fn entry(&self, edrpou: Edrpou) -> Option<&Entry> {
        self.participants.get(&edrpou)
    }

    pub(super) fn login_owner(&self, certificate: &[u8; 32]) -> Option<Edrpou> {
        self.logins.get(certificate).copied()
    }

    pub(crate) fn has_mailbox(&self, mailbox: &MailboxId) -> bool {
        self.mailboxes.contains(mailbox)
    }

    pub(crate) fn channel_allows(&self, sender: Edrpou, recipient: &MailboxId, kind: &DocumentKind) -> bool {
        self.channels.get(&(sender, recipient.clone())).is_some_and(|kinds| kinds.contains(kind))
    }
}
