//! Classes of retention: which the terms of a channel may name, and which they named when.
//!
//! A message has the class that its channel named at the moment of its acceptance. That is not written with each message: the
//! history of a channel's terms says the same, grows by a row only where an operator states another class, and costs the acceptance of a
//! document nothing. It is never changed, so what an operator states of a channel today shortens or lengthens nothing that was
//! accepted before. Closing a channel ends no class: a channel that is opened again states its terms anew.

use schemas::{Edrpou, MailboxId, ProblemCode, RetentionClass};
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::{Registry, RegistryError};

/// Channels name, or have named, a class that the configuration does not have: nobody could say how long their documents are kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("documents were accepted under the class {:?}, which is not there", .0.as_str())]
pub struct UnknownClass(pub RetentionClass);

impl Registry {
    /// Checks that every class that a channel names or has named is known.
    ///
    /// # Errors
    /// When the database cannot be read; inside, the first that is not.
    pub async fn check_classes(&self) -> Result<Result<(), UnknownClass>, StoreError> {
        let named = self.inner.ledger.reader().read("named_retention_classes", named).await?;
        let unknown = named.into_iter().find(|class| !self.inner.classes.contains(class));
        Ok(unknown.map_or(Ok(()), |class| Err(UnknownClass(class))))
    }

    pub(super) fn check_class(&self, class: &RetentionClass) -> Result<(), RegistryError> {
        if self.inner.classes.contains(class) {
            return Ok(());
        }
        let known: Vec<_> = self.inner.classes.iter().map(RetentionClass::as_str).collect();
        let detail = format!("retention: one of {}", known.join(", "));
        Err(RegistryError::invalid(ProblemCode::UnknownRetentionClass, detail))
    }
}

/// The class of what was accepted over a channel at a moment. One row by its key; for the transactions of those who keep documents.
///
/// # Errors
/// When the database cannot be read.
pub fn retention_class(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    mailbox: &MailboxId,
    accepted_at: OffsetDateTime,
) -> Result<RetentionClass, StoreError> {
    let sql = "-- retention_class
        SELECT class FROM channel_retention WHERE sender = $1 AND mailbox = $2 AND since <= $3 ORDER BY since DESC LIMIT 1";
    let mailbox = mailbox.to_string();
    let values = [sender.as_str().into(), (&mailbox).into(), accepted_at.into()];
    let found = tx.query_optional(sql, &values, |row| row.text(0))?;
    let corrupt = |_| StoreError::Corrupt("channel_retention.class");
    found.map_or_else(|| Ok(RetentionClass::default()), |class| class.parse().map_err(corrupt))
}

/// Puts down that from `at` on the channel names this class, where it named another before.
pub(super) fn remember(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    mailbox: &MailboxId,
    class: &RetentionClass,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    if retention_class(tx, sender, mailbox, at)? == *class {
        return Ok(());
    }
    // Two statements within a microsecond: the second holds.
    let sql = "-- remember_retention_class
        INSERT INTO channel_retention (sender, mailbox, since, class) VALUES ($1, $2, $3, $4)
        ON CONFLICT (sender, mailbox, since) DO UPDATE SET class = excluded.class";
    let mailbox = mailbox.to_string();
    let values = [sender.as_str().into(), (&mailbox).into(), at.into(), class.as_str().into()];
    tx.execute(sql, &values).map(drop)
}

fn named(tx: &mut Tx<'_>) -> Result<Vec<RetentionClass>, StoreError> {
    let sql = "-- named_retention_classes
        SELECT DISTINCT class FROM channel_retention ORDER BY class";
    let corrupt = |_| StoreError::Corrupt("channel_retention.class");
    tx.query(sql, &[], |row| row.text(0)?.parse().map_err(corrupt))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemas::registry::{Channel, ChannelPolicy};
    use time::Duration;

    use super::*;
    use crate::town::{NOON, Town, edrpou, mailbox, registration};

    async fn class_at(town: &Town, at: OffsetDateTime) -> String {
        let reader = town.ledger.reader();
        let to = mailbox("00000002.office");
        let class = reader.read("class", move |tx| retention_class(tx, edrpou("00000001"), &to, at)).await.unwrap();
        class.as_str().to_owned()
    }

    async fn names(town: &Town, class: Option<&str>, kinds: &[&str]) {
        let retention = |class: &str| ChannelPolicy { retention: class.parse().unwrap(), ..ChannelPolicy::default() };
        let (sender, recipient) = (edrpou("00000001"), mailbox("00000002.office"));
        let kinds = kinds.iter().map(|kind| kind.parse().unwrap()).collect();
        town.set_channel(Channel { sender, recipient, kinds, policy: class.map(retention) }).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_accepted_keeps_the_class_that_its_channel_named_then() {
        let town = Town::new();
        for code in ["00000001", "00000002"] {
            town.register(code, registration(&["office"], Vec::new())).await.unwrap();
        }
        let hour = Duration::hours(1);
        names(&town, None, &["letter"]).await;
        town.clock.advance(hour);
        names(&town, Some("permanent"), &["letter"]).await;
        town.clock.advance(hour);
        // The same again is no change, and a closed channel ends no class.
        names(&town, Some("permanent"), &["letter"]).await;
        names(&town, None, &[]).await;
        town.clock.advance(hour);
        names(&town, None, &["letter"]).await;
        let mut classes = Vec::new();
        for at in
            [NOON - hour, NOON, NOON + hour - Duration::MICROSECOND, NOON + hour, NOON + hour * 2, NOON + hour * 3]
        {
            classes.push(class_at(&town, at).await);
        }
        assert_eq!(classes, ["standard", "standard", "standard", "permanent", "permanent", "standard"]);
    }

    #[tokio::test]
    async fn a_class_that_documents_have_must_stay_known() {
        let town = Town::new();
        for code in ["00000001", "00000002"] {
            town.register(code, registration(&["office"], Vec::new())).await.unwrap();
        }
        names(&town, Some("permanent"), &["letter"]).await;
        town.clock.advance(Duration::hours(1));
        names(&town, None, &["letter"]).await;
        assert_eq!(town.registry().check_classes().await.unwrap(), Ok(()));
        let fewer = BTreeSet::from([RetentionClass::default()]);
        let fewer = Registry::with_classes(town.ledger.clone(), town.clock.clone(), fewer);
        assert_eq!(fewer.check_classes().await.unwrap(), Err(UnknownClass("permanent".parse().unwrap())));
    }
}
