//! Who subscribed to what: stated by participants, held in memory as one immutable snapshot.
//!
//! A step asks the snapshot and nothing else. It is read anew after each change of this process, and looks once a second
//! whether another process changed it: what is stated there is told of a second later.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use access::Permit;
use access::decide::{ReadSubscription, SetSubscription};
use audit::{Action, Event, EventDraft, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{hex, sha256};
use crypto::seal::DocumentKey;
use schemas::limits::WEBHOOK_URL_CHARACTERS;
use schemas::notice::{NoticeEvent, Subscription, SubscriptionRequest, WebhookSecret};
use schemas::{Edrpou, MailboxId, ProblemCode};
use storage::{StoreError, Tx, TxError};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::NotPermitted;
use crate::key_ring::{KeyRing, KeyRingError};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables;

/// A subscription as its row tells it.
#[derive(Debug, Clone)]
pub(crate) struct Subscribed {
    pub(crate) url: String,
    /// The secret, wrapped by the key ring.
    pub(crate) secret: Vec<u8>,
    pub(crate) events: Vec<NoticeEvent>,
    pub(crate) stated_at: OffsetDateTime,
}

/// All subscriptions at one moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    version: i64,
    by_mailbox: HashMap<MailboxId, Subscribed>,
    of_participant: HashMap<Edrpou, Vec<MailboxId>>,
}

impl Snapshot {
    pub(crate) fn new(version: i64, rows: Vec<(MailboxId, Subscribed)>) -> Self {
        let mut of_participant: HashMap<_, Vec<_>> = HashMap::new();
        for (mailbox, _) in &rows {
            of_participant.entry(mailbox.participant()).or_default().push(mailbox.clone());
        }
        Self { version, by_mailbox: rows.into_iter().collect(), of_participant }
    }

    pub(crate) fn get(&self, mailbox: &MailboxId) -> Option<&Subscribed> {
        self.by_mailbox.get(mailbox)
    }

    /// The mailbox itself, where it subscribed to the event; else nothing.
    pub(super) fn of_mailbox(&self, mailbox: &MailboxId, event: NoticeEvent) -> Vec<MailboxId> {
        let subscribed = self.get(mailbox).is_some_and(|subscribed| subscribed.events.contains(&event));
        if subscribed { vec![mailbox.clone()] } else { Vec::new() }
    }

    /// Those of the participant's mailboxes that subscribed to the event: a message names its sender, and no mailbox of it.
    pub(super) fn of_participant(&self, participant: Edrpou, event: NoticeEvent) -> Vec<MailboxId> {
        let mailboxes = self.of_participant.get(&participant).into_iter().flatten();
        mailboxes.flat_map(|mailbox| self.of_mailbox(mailbox, event)).collect()
    }
}

/// The current snapshot.
#[derive(Default)]
pub(crate) struct Subscriptions(RwLock<Arc<Snapshot>>);

impl Subscriptions {
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A slow reader must not put back what a change has replaced meanwhile.
    fn keep(&self, snapshot: Snapshot) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if current.version <= snapshot.version {
            *current = Arc::new(snapshot);
        }
    }
}

impl Exchange {
    /// Looks whether subscriptions were changed, and reads them where they were.
    ///
    /// # Errors
    /// When the store fails; the last snapshot serves on.
    pub async fn refresh_subscriptions(&self) -> Result<(), StoreError> {
        let known = self.inner.subscriptions.current().version;
        let reader = self.inner.ledger.reader();
        if reader.read("subscription_version", tables::subscription_version).await? == known {
            return Ok(());
        }
        let (version, rows) = reader.read("load_subscriptions", tables::subscriptions).await?;
        self.inner.subscriptions.keep(Snapshot::new(version, rows));
        Ok(())
    }

    /// States where notices of a mailbox are posted, in place of what was stated before. What waits is tried at once.
    ///
    /// # Errors
    /// `WebhookNotAllowed`; `WebhooksNotOffered` where the node posts nothing, or has no key ring to keep the secret with;
    /// `MalformedJson` where the secret is not 32 bytes, or no event is named; otherwise when the store fails.
    pub async fn subscribe(
        &self,
        permit: Permit<SetSubscription>,
        request: SubscriptionRequest,
    ) -> Result<Subscription, Refusal> {
        let mailbox = permit.resource().clone();
        let SubscriptionRequest { url, secret, events } = request;
        let events: Vec<_> = events.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        if events.is_empty() {
            return Err(Refusal::with_detail(ProblemCode::MalformedJson, "events: at least one"));
        }
        self.check_address(&url)?;
        let (key, shown) = secret_of(secret)?;
        let ring = self.inner.ring.as_ref();
        let ring = ring.ok_or_else(|| Refusal::with_detail(ProblemCode::WebhooksNotOffered, "seal.ring"))?;
        let sealed = wrap(ring, &mailbox, &key).map_err(ring_failed)?;
        let names: Vec<_> = events.iter().map(|event| event.as_str()).collect();
        let details = serde_json::json!({ "url_sha256": hex(&sha256(url.as_bytes())), "events": names });
        let event = self.stated(Action::SetSubscription, permit.actor().pseudonym(), &mailbox, details);
        let stated = Subscribed { url, secret: sealed, events, stated_at: event.at() };
        let (row, place) = (stated.clone(), mailbox.clone());
        self.change_subscriptions("set_subscription", event, move |tx| tables::put_subscription(tx, &place, &row))
            .await?;
        self.inner.noticed.notify_one();
        let answer = self.shown(&mailbox, &stated).await?;
        Ok(Subscription { secret: shown, ..answer })
    }

    /// Takes the statement back. What waits is posted no more; dead letters go.
    ///
    /// # Errors
    /// `NotFound` where there is none; otherwise when the store fails.
    pub async fn unsubscribe(&self, permit: Permit<SetSubscription>) -> Result<(), Refusal> {
        let mailbox = permit.resource().clone();
        self.refresh_subscriptions().await?;
        if self.inner.subscriptions.current().get(&mailbox).is_none() {
            return Err(ProblemCode::NotFound.into());
        }
        let details = serde_json::Value::Null;
        let event = self.stated(Action::RemoveSubscription, permit.actor().pseudonym(), &mailbox, details);
        self.change_subscriptions("remove_subscription", event, move |tx| tables::delete_subscription(tx, &mailbox))
            .await?;
        // The courier finds that nobody subscribes any more, and states what must be stated.
        self.inner.noticed.notify_one();
        Ok(())
    }

    /// Where notices of a mailbox are posted, what waits, and what could not be posted.
    ///
    /// # Errors
    /// `NotFound` where nobody subscribed; otherwise when the store fails.
    pub async fn subscription(&self, permit: Permit<ReadSubscription>) -> Result<Subscription, Refusal> {
        let mailbox = permit.resource().clone();
        self.refresh_subscriptions().await?;
        let snapshot = self.inner.subscriptions.current();
        let stated = snapshot.get(&mailbox).ok_or(ProblemCode::NotFound)?;
        let answer = self.shown(&mailbox, stated).await?;
        let object = Some(format!("mailbox:{mailbox}"));
        let details = serde_json::json!({ "dead_letters": answer.dead_letters.len() });
        self.record_read(Action::ReadSubscription, permit.actor().pseudonym(), object, details).await?;
        Ok(answer)
    }

    /// Wraps secrets anew that do not lie under the ring's current key, so that an older one can be destroyed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rewrap_secrets(&self) -> Result<(), StoreError> {
        let Some(ring) = &self.inner.ring else { return Ok(()) };
        let snapshot = self.inner.subscriptions.current();
        for (mailbox, subscribed) in &snapshot.by_mailbox {
            let anew = match ring.rewrap_in(&context(mailbox), &subscribed.secret) {
                Ok(None) => continue,
                Ok(Some(anew)) => anew,
                Err(error) => {
                    tracing::error!(%mailbox, code = error.code(), "the secret of a subscription does not open");
                    continue;
                }
            };
            let details = serde_json::json!({ "subscription": mailbox });
            let event = self.stated(Action::RingRewrapped, "node".to_owned(), mailbox, details);
            let (mailbox, old) = (mailbox.clone(), subscribed.secret.clone());
            self.change_subscriptions("rewrap_secret", event, move |tx| {
                tables::replace_secret(tx, &mailbox, &old, &anew)
            })
            .await?;
        }
        Ok(())
    }

    /// The secret, for a signature.
    pub(super) fn secret(&self, mailbox: &MailboxId, sealed: &[u8]) -> Option<DocumentKey> {
        let ring = self.inner.ring.as_ref()?;
        let opened = ring.unwrap_in(&context(mailbox), sealed);
        opened.map_err(|error| tracing::error!(%mailbox, code = error.code(), %error, "a secret does not open")).ok()
    }

    fn check_address(&self, url: &str) -> Result<(), Refusal> {
        if url.len() > WEBHOOK_URL_CHARACTERS {
            return Err(Refusal::with_detail(ProblemCode::WebhookNotAllowed, "the address is too long"));
        }
        self.inner.poster.permitted(url).map_err(|error| match error {
            NotPermitted::NotOffered => ProblemCode::WebhooksNotOffered.into(),
            NotPermitted::Address(why) => Refusal::with_detail(ProblemCode::WebhookNotAllowed, why),
        })
    }

    fn stated(&self, action: Action, actor: String, mailbox: &MailboxId, details: serde_json::Value) -> Event {
        let object = Some(format!("mailbox:{mailbox}"));
        self.inner.ledger.prepare(EventDraft { action, actor, object, outcome: Outcome::Done, details })
    }

    async fn change_subscriptions<F>(&self, name: &'static str, event: Event, mut f: F) -> Result<(), StoreError>
    where
        F: FnMut(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        let changed = self.inner.ledger.transact(name, move |tx| {
            f(tx)?;
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(()))
        });
        changed.await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })?;
        self.refresh_subscriptions().await
    }

    async fn shown(&self, mailbox: &MailboxId, stated: &Subscribed) -> Result<Subscription, StoreError> {
        let place = mailbox.clone();
        let reader = self.inner.ledger.reader();
        let (waiting, dead_letters) = reader.read("notices_of", move |tx| tables::notices_of(tx, &place)).await?;
        Ok(Subscription {
            mailbox: mailbox.clone(),
            url: stated.url.clone(),
            events: stated.events.clone(),
            stated_at: stated.stated_at,
            secret: None,
            waiting,
            dead_letters,
        })
    }
}

/// The secret that was brought, or a new one with its text for the answer.
fn secret_of(brought: Option<WebhookSecret>) -> Result<(DocumentKey, Option<WebhookSecret>), Refusal> {
    let Some(brought) = brought else {
        let key = DocumentKey::generate();
        let shown = WebhookSecret::new(STANDARD.encode(key.expose()));
        return Ok((key, Some(shown)));
    };
    let wrong = || Refusal::with_detail(ProblemCode::MalformedJson, "secret: 32 bytes in base64");
    let bytes = Zeroizing::new(STANDARD.decode(brought.expose()).map_err(|_| wrong())?);
    let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
    Ok((DocumentKey::from_bytes(bytes), None))
}

fn wrap(ring: &KeyRing, mailbox: &MailboxId, key: &DocumentKey) -> Result<Vec<u8>, KeyRingError> {
    ring.wrap_in(&context(mailbox), key)
}

/// What a wrapped secret is bound to: never the sixteen bytes of a message.
fn context(mailbox: &MailboxId) -> Vec<u8> {
    format!("webhook secret of {mailbox}").into_bytes()
}

fn ring_failed(error: KeyRingError) -> Refusal {
    tracing::error!(code = error.code(), %error, "a secret cannot be wrapped");
    ProblemCode::Internal.into()
}
