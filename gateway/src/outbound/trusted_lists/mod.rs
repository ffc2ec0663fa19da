//! Trusted lists in use (ETSI TS 119 612): known from where they were kept at the start, refreshed in the background.
//!
//! The policy:
//!
//! - A list takes the place of the one in use only if it is signed by whom the operator or an authenticated list of lists named, has a
//!   higher number, is not issued in the future and not overdue (`signing::trust_list`). Anything else (a page of HTML, an older list, a
//!   broken signature, silence) leaves the one in use in force and is an alarm: in the log, in the metrics, in the status.
//! - A list in use that is past its NextUpdate stays in force and is an alarm. Whether a region stands still because a ministry is late is
//!   for people to decide; they can withdraw trust by a statement.
//! - Members of a list of lists are asked where it says, at public addresses only, or at hosts that the operator named.
//! - What is accepted is written to the folder before it is used, so that its number is known after a restart. The folder holds signed
//!   documents only: they are authenticated again when they are read.
//! - Requests never wait for any of this.

mod entry;
pub(super) mod fetch;
mod folder;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use certs::trust_list::{BelievedList, ListKind};
use schemas::trust::{TrustPurpose, TrustedListStatus};
use signing::trust_list::AuthenticatedList;
use storage::Clock;
use time::{Duration, OffsetDateTime};

use super::trust::{TrustProblem, anchors_for};
use crate::config::{TrustedListConfig, TrustedListsConfig};
use entry::Entry;
use fetch::ListFetcher;
use source::{Member, Question, members};

/// How long a list that could not be had is not asked for again.
const AGAIN: Duration = Duration::minutes(15);
/// How often a file is looked at.
const FILE: Duration = Duration::minutes(1);

/// A list in use, and what its services are believed for.
#[derive(Debug, Clone)]
pub(crate) struct InUse {
    pub(crate) list: AuthenticatedList,
    pub(crate) purposes: Vec<TrustPurpose>,
}

impl InUse {
    /// In the words of path validation.
    pub(crate) fn believed(&self) -> BelievedList {
        let purposes = self.purposes.iter().filter_map(|purpose| anchors_for(*purpose)).collect();
        BelievedList { list: self.list.list().clone(), purposes }
    }
}

/// Keeps the lists.
pub(crate) struct TrustedLists {
    config: TrustedListsConfig,
    fetcher: ListFetcher,
    clock: Arc<dyn Clock>,
    entries: Mutex<BTreeMap<String, Entry>>,
    /// One refresh at a time.
    turn: tokio::sync::Mutex<()>,
}

impl TrustedLists {
    /// Reads what was kept. What is not believed any more is an alarm, and no reason not to start.
    ///
    /// # Errors
    /// Where the TLS roots or the folder cannot be used.
    pub(crate) fn open(config: &TrustedListsConfig, clock: Arc<dyn Clock>) -> Result<Self, TrustProblem> {
        let operators = config.lists.iter().filter(|list| list.is_address()).map(|list| list.location.as_str());
        let fetcher = ListFetcher::new(config.tls_roots.as_deref(), operators).map_err(TrustProblem)?;
        if !config.lists.is_empty() {
            folder::create(&config.folder).map_err(TrustProblem)?;
        }
        let now = clock.now();
        let mut entries = BTreeMap::new();
        for list in &config.lists {
            let first = Entry::kept(&config.folder, &list.name, list, None, now);
            let inner = first.in_use().map(|held| members(list, held)).unwrap_or_default();
            for member in inner {
                let entry = Entry::kept(&config.folder, &member.key, list, Some(&member), now);
                entries.insert(member.key, entry);
            }
            entries.insert(list.name.clone(), first);
        }
        let (entries, turn) = (Mutex::new(entries), tokio::sync::Mutex::new(()));
        Ok(Self { config: config.clone(), fetcher, clock, entries, turn })
    }

    /// What is in use.
    pub(crate) fn in_use(&self) -> Vec<InUse> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.values().filter_map(Entry::believed).collect()
    }

    /// Each list in words, by name.
    pub(crate) fn status(&self) -> Vec<TrustedListStatus> {
        let (entries, now) = (self.entries.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now());
        entries.iter().map(|(name, entry)| entry.status(name, now)).collect()
    }

    /// Whether any list is configured.
    pub(crate) fn is_empty(&self) -> bool {
        self.config.lists.is_empty()
    }

    /// For what lists are configured.
    pub(crate) fn purposes(&self) -> BTreeSet<TrustPurpose> {
        self.config.lists.iter().flat_map(|list| list.purposes.iter().copied()).collect()
    }

    /// Asks for the lists that are due. Returns whether what is in use has changed.
    pub(crate) async fn refresh(&self) -> bool {
        let _turn = self.turn.lock().await;
        let mut changed = false;
        for list in &self.config.lists {
            changed |= self.ask(&list.name, list, None).await;
            let held = self.held(&list.name).filter(|held| held.list().kind == ListKind::Lists);
            let members = held.map(|held| members(list, &held)).unwrap_or_default();
            for member in &members {
                changed |= self.ask(&member.key, list, Some(member)).await;
            }
            changed |= self.forget_others(&list.name, &members);
        }
        changed
    }

    /// Asks for one list, if it is due. Returns whether it took the place of another.
    async fn ask(&self, name: &str, list: &TrustedListConfig, member: Option<&Member>) -> bool {
        let now = self.clock.now();
        if self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(name).is_some_and(|entry| entry.due_at > now)
        {
            return false;
        }
        let question = Question { folder: &self.config.folder, name, list, member, held: self.held(name), at: now };
        let answer = question.ask(&self.fetcher).await;
        let (pause, again) = if list.is_address() || member.is_some() {
            (Duration::hours(self.config.refresh_hours.into()), AGAIN)
        } else {
            (FILE, FILE)
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(name.to_owned()).or_insert_with(|| Entry::empty(list, member, now));
        entry.due_at = now + if answer.is_ok() { pause } else { again };
        entry.settle(name, list, member, answer, now)
    }

    fn held(&self, name: &str) -> Option<AuthenticatedList> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).and_then(|entry| entry.in_use().cloned())
    }

    /// Members that the list of lists does not name any more. Returns whether one was in use.
    fn forget_others(&self, name: &str, members: &[Member]) -> bool {
        let prefix = format!("{name}.");
        let is_gone = |key: &String| key.starts_with(&prefix) && !members.iter().any(|member| member.key == *key);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<String> = entries.keys().filter(|key| is_gone(key)).cloned().collect();
        let mut was_in_use = false;
        for key in gone {
            tracing::warn!(list = key, "a list of lists does not name this trusted list any more; it is not believed");
            was_in_use |= entries.remove(&key).is_some_and(|entry| entry.in_use().is_some());
        }
        was_in_use
    }
}

/// RFC 3339, for words.
fn told(time: OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests;
