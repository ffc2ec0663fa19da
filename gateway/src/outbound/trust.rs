//! Trust anchors from folders of PEM files, from trusted lists, from what operators stated, and from authorities that were fetched, as
//! dated snapshots.
//!
//! The folders come first, and are believed without end; services of trusted lists for as long as the lists say. What an operator
//! stated of a certificate outweighs both for that certificate. What was fetched only completes paths, and is left out where an
//! operator stated something of it.
//!
//! A set that cannot be read, holds something that is no certificate, or lacks anchors that a node cannot work without,
//! never replaces the one in use: somebody's unfinished copy must not turn a region's signatures invalid. The old set stays,
//! an alarm is logged, and `/health/ready` shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use access::trust::Statement;
use arc_swap::ArcSwap;
use certs::certificate::Certificate;
use certs::revocation::Crl;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot, TrustSource};
use certs::trust_list::Services;
use schemas::trust::{TrustOrigin, TrustPurpose};
use storage::Clock;
use time::OffsetDateTime;

use super::lists::ListFolder;
use super::trusted_lists::{InUse, TrustedLists};
use crate::config::TrustConfig;

/// Largest file of certificates. A national list as PEM has some 100 kB.
const FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Certificates in all folders.
const CERTIFICATES: usize = 10_000;

/// Why the folders are not believed: which one, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TrustProblem(pub String);

/// The anchors of the configured folders.
pub struct FolderTrust {
    config: TrustConfig,
    clock: Arc<dyn Clock>,
    current: ArcSwap<TrustSnapshot>,
    lists: ListFolder,
    beside: Mutex<Beside>,
    checked: Mutex<Checked>,
}

/// What is believed, or not, beside the folders.
#[derive(Clone, Default)]
struct Beside {
    stated: Vec<Statement>,
    fetched: Vec<Certificate>,
    listed: Vec<InUse>,
    /// For what trusted lists are configured, whether or not one is in use yet: such a folder may be empty.
    promised: BTreeSet<TrustPurpose>,
}

/// A certificate, what it is believed for, and who said so.
#[derive(Clone)]
pub(crate) struct Believed {
    pub(crate) certificate: Certificate,
    pub(crate) purposes: BTreeSet<TrustPurpose>,
    pub(crate) origin: TrustOrigin,
}

impl Believed {
    /// What is known of an anchor that is in use, while the folders cannot be read.
    pub(crate) fn in_use(anchor: &TrustAnchor) -> Self {
        let purposes = TrustPurpose::ALL.into_iter();
        let purposes =
            purposes.filter(|purpose| anchors_for(*purpose).is_some_and(|one| anchor.purposes.contains(&one)));
        Self { certificate: anchor.certificate.clone(), purposes: purposes.collect(), origin: TrustOrigin::Folder }
    }
}

/// How the last reading went.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    /// When the folders were last read without a fault.
    pub(crate) at: OffsetDateTime,
    /// What is wrong with them since.
    pub(crate) problem: Option<TrustProblem>,
}

impl FolderTrust {
    /// Reads the folders.
    ///
    /// # Errors
    /// [`TrustProblem`]: a node without anchors does not start.
    pub fn open(config: &TrustConfig, clock: Arc<dyn Clock>) -> Result<Self, TrustProblem> {
        Self::open_beside(config, None, clock)
    }

    /// Reads the folders, with trusted lists beside them.
    ///
    /// # Errors
    /// As [`Self::open`]; folders may be empty where a trusted list is configured for the purpose.
    pub(crate) fn open_beside(
        config: &TrustConfig,
        trusted_lists: Option<&TrustedLists>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TrustProblem> {
        let now = clock.now();
        let beside = trusted_lists.map(|lists| Beside {
            listed: lists.in_use(),
            promised: lists.purposes(),
            ..Beside::default()
        });
        let beside = beside.unwrap_or_default();
        let current = ArcSwap::from_pointee(snapshot(&believed(config, &beside)?, &beside, now)?);
        let lists = ListFolder::open(config.lists.as_deref())?;
        let checked = Mutex::new(Checked { at: now, problem: None });
        Ok(Self { config: config.clone(), clock, current, lists, beside: Mutex::new(beside), checked })
    }

    /// The trusted lists in use, from the next [`Self::reload`] on.
    pub(crate) fn list(&self, listed: Vec<InUse>) {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).listed = listed;
    }

    /// What operators state, from the next [`Self::reload`] on.
    pub(crate) fn state(&self, stated: Vec<Statement>) {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).stated = stated;
    }

    /// What was fetched, from the next [`Self::reload`] on.
    pub(crate) fn complete_with(&self, fetched: Vec<Certificate>) {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).fetched = fetched;
    }

    /// What was fetched.
    pub(crate) fn fetched(&self) -> Vec<Certificate> {
        self.beside().fetched
    }

    /// A certificate of a listed service.
    pub(crate) fn listed(&self, sha256: &[u8; 32]) -> Option<Certificate> {
        let beside = self.beside();
        let services = beside.listed.iter().flat_map(|listed| &listed.list.list().providers);
        let mut certificates =
            services.flat_map(|provider| &provider.services).flat_map(|one| &one.identity.certificates);
        certificates.find(|certificate| certificate.fingerprint() == *sha256).cloned()
    }

    /// What operators state.
    pub(crate) fn stated(&self) -> Vec<Statement> {
        self.beside().stated
    }

    /// Every certificate with who said what of it, as the folders are now.
    ///
    /// # Errors
    /// [`TrustProblem`]; the set in use stays.
    pub(crate) fn believed(&self) -> Result<Vec<Believed>, TrustProblem> {
        Ok(believed(&self.config, &self.beside())?.into_values().collect())
    }

    /// Whether the node would still have every anchor that it needs if operators stated this.
    ///
    /// # Errors
    /// [`TrustProblem`], as [`Self::reload`] would.
    pub(crate) fn would_hold(&self, stated: Vec<Statement>) -> Result<(), TrustProblem> {
        let beside = Beside { stated, ..self.beside() };
        snapshot(&believed(&self.config, &beside)?, &beside, self.clock.now()).map(drop)
    }

    fn beside(&self) -> Beside {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The revocation lists of the folder of the configuration; believed as far as their signatures carry.
    pub(crate) fn lists(&self) -> Vec<Crl> {
        self.lists.lists()
    }

    /// Reads the folders anew and takes the set into use if it is a good one and differs. Returns whether it did.
    ///
    /// # Errors
    /// [`TrustProblem`]; the set in use stays.
    pub fn reload(&self) -> Result<bool, TrustProblem> {
        let now = self.clock.now();
        let beside = self.beside();
        let believed = || believed(&self.config, &beside);
        let outcome = self.lists.refresh().and_then(|()| believed());
        let outcome = outcome.and_then(|believed| snapshot(&believed, &beside, now));
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(snapshot) => {
                *checked = Checked { at: now, problem: None };
                let changed = snapshot.id() != self.current.load().id();
                if changed {
                    self.current.store(Arc::new(snapshot));
                }
                Ok(changed)
            }
            Err(problem) => {
                checked.problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    /// How the last reading went.
    pub(crate) fn checked(&self) -> Checked {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl TrustSource for FolderTrust {
    fn current(&self) -> Arc<TrustSnapshot> {
        self.current.load_full()
    }
}

/// What distinguishes two snapshots, for the audit log: certificates by SHA-256, with the purposes that they gained or lost as
/// anchors; an intermediate has none; and the trusted lists in use after it.
pub(crate) fn difference(before: &TrustSnapshot, after: &TrustSnapshot) -> serde_json::Value {
    let lists = lists_of(after);
    let (before, after) = (entries(before), entries(after));
    let only = |these: &BTreeSet<(String, String)>, those: &BTreeSet<(String, String)>| -> Vec<serde_json::Value> {
        let differing = these.difference(those);
        differing.map(|(certificate, purpose)| serde_json::json!({"sha256": certificate, "purpose": purpose})).collect()
    };
    serde_json::json!({
        "added": only(&after, &before),
        "removed": only(&before, &after),
        "trusted_lists": lists,
    })
}

/// The trusted lists of a snapshot: whose, which number, SHA-256.
fn lists_of(snapshot: &TrustSnapshot) -> Vec<serde_json::Value> {
    let lists = snapshot.services().lists().iter().map(|list| {
        let sha256 = crypto::digest::hex(&list.sha256);
        serde_json::json!({"territory": list.territory, "number": list.sequence_number, "sha256": sha256})
    });
    lists.collect()
}

fn entries(snapshot: &TrustSnapshot) -> BTreeSet<(String, String)> {
    let name = |certificate: &Certificate| crypto::digest::hex(&certificate.fingerprint());
    let anchors = snapshot.anchors().iter().flat_map(|anchor| {
        anchor
            .purposes
            .iter()
            .map(move |purpose| (name(&anchor.certificate), format!("{purpose:?}").to_ascii_lowercase()))
    });
    let intermediates = snapshot.intermediates().iter().map(|one| (name(one), "intermediate".to_owned()));
    anchors.chain(intermediates).collect()
}

/// Every certificate once.
fn believed(config: &TrustConfig, beside: &Beside) -> Result<BTreeMap<[u8; 32], Believed>, TrustProblem> {
    let folders = [
        ("trust.signing", Some(&config.signing), TrustPurpose::Signing),
        ("trust.login", Some(&config.login), TrustPurpose::Login),
        ("trust.encryption", Some(&config.encryption), TrustPurpose::Encryption),
        ("trust.timestamping", Some(&config.timestamping), TrustPurpose::Timestamping),
        ("trust.intermediates", config.intermediates.as_ref(), TrustPurpose::Intermediate),
    ];
    let mut all: BTreeMap<[u8; 32], Believed> = BTreeMap::new();
    for (key, folder, purpose) in folders {
        let Some(folder) = folder else { continue };
        let certificates = read_folder(key, folder)?;
        if certificates.is_empty() && NEEDED.contains(&purpose) && !beside.promised.contains(&purpose) {
            return Err(TrustProblem(format!("{key}: {} holds no certificate", folder.display())));
        }
        for certificate in certificates {
            let empty = || Believed {
                certificate: certificate.clone(),
                purposes: BTreeSet::new(),
                origin: TrustOrigin::Folder,
            };
            // One certificate may serve several purposes: it lies in several folders.
            all.entry(certificate.fingerprint()).or_insert_with(empty).purposes.insert(purpose);
        }
    }
    for certificate in &beside.fetched {
        let helps = || Believed {
            certificate: certificate.clone(),
            purposes: BTreeSet::from([TrustPurpose::Intermediate]),
            origin: TrustOrigin::Fetched,
        };
        all.entry(certificate.fingerprint()).or_insert_with(helps);
    }
    for statement in &beside.stated {
        let sha256 = *statement.sha256().as_bytes();
        let there = all.remove(&sha256).map(|believed| believed.certificate);
        if let Some(certificate) = statement.certificate().cloned().or(there) {
            let purposes = statement.purposes().iter().copied().collect();
            all.insert(sha256, Believed { certificate, purposes, origin: TrustOrigin::Operator });
        }
    }
    if all.len() > CERTIFICATES {
        return Err(TrustProblem(format!("trust: more than {CERTIFICATES} certificates")));
    }
    Ok(all)
}

/// The set in the words of path validation.
fn snapshot(
    believed: &BTreeMap<[u8; 32], Believed>,
    beside: &Beside,
    now: OffsetDateTime,
) -> Result<TrustSnapshot, TrustProblem> {
    let is_there = |purpose: &TrustPurpose| {
        beside.promised.contains(purpose) || believed.values().any(|one| one.purposes.contains(purpose))
    };
    if let Some(missing) = NEEDED.into_iter().find(|purpose| !is_there(purpose)) {
        return Err(TrustProblem(format!("trust.{}: what operators state leaves no anchor", missing.as_str())));
    }
    let (mut anchors, mut intermediates) = (Vec::new(), Vec::new());
    for Believed { certificate, purposes, .. } in believed.values() {
        let anchored: Vec<Purpose> = purposes.iter().filter_map(|purpose| anchors_for(*purpose)).collect();
        if !anchored.is_empty() {
            anchors.push(TrustAnchor { certificate: certificate.clone(), purposes: anchored });
        }
        if purposes.contains(&TrustPurpose::Intermediate) {
            intermediates.push(certificate.clone());
        }
    }
    let lists: Vec<_> = beside.listed.iter().map(InUse::believed).collect();
    // Of these an operator decided: what is believed of them is among the others, or nothing is.
    let decided = beside.stated.iter().map(|statement| *statement.sha256().as_bytes()).collect();
    let services = Services::believed(&lists, &decided);
    Ok(TrustSnapshot::with_services(anchors, intermediates, services, now))
}

/// Without an anchor for each of these the node does not start.
const NEEDED: [TrustPurpose; 3] = [TrustPurpose::Signing, TrustPurpose::Login, TrustPurpose::Encryption];

pub(super) fn anchors_for(purpose: TrustPurpose) -> Option<Purpose> {
    match purpose {
        TrustPurpose::Signing => Some(Purpose::Signing),
        TrustPurpose::Login => Some(Purpose::TlsClient),
        TrustPurpose::Encryption => Some(Purpose::Encryption),
        TrustPurpose::Timestamping => Some(Purpose::TimeStamping),
        TrustPurpose::Intermediate => None,
    }
}

pub(super) fn read_folder(key: &str, folder: &Path) -> Result<Vec<Certificate>, TrustProblem> {
    let unreadable = |e: std::io::Error| TrustProblem(format!("{key}: cannot read {}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    files.retain(|file| file.extension().and_then(|e| e.to_str()).is_some_and(|e| ["pem", "crt", "cer"].contains(&e)));
    files.sort();
    let certificates: Vec<Vec<Certificate>> =
        files.iter().map(|file| read_file(key, file)).collect::<Result<_, _>>()?;
    Ok(certificates.into_iter().flatten().collect())
}

fn read_file(key: &str, file: &Path) -> Result<Vec<Certificate>, TrustProblem> {
    let wrong = |what: String| TrustProblem(format!("{key}: {}: {what}", file.display()));
    let size = std::fs::metadata(file).map_err(|e| wrong(e.to_string()))?.len();
    if size > FILE_BYTES {
        return Err(wrong(format!("larger than {FILE_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|e| wrong(format!("not a PEM file: {e}")))?;
    match Certificate::from_pem(&text) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(wrong("no CERTIFICATE in it".to_owned())),
        Err(e) => Err(wrong(e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use certs::dev::DevPki;
    use storage::clock::ManualClock;
    use time::Duration;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

    struct Folders {
        directory: tempfile::TempDir,
        clock: Arc<ManualClock>,
        config: TrustConfig,
    }

    impl Folders {
        /// Four folders with one root in each.
        fn new(root: &Certificate) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let folder = |name: &str| directory.path().join(name);
            let (signing, login, encryption) = (folder("signing"), folder("login"), folder("encryption"));
            let config = TrustConfig {
                signing,
                login,
                encryption,
                timestamping: folder("timestamping"),
                intermediates: None,
                lists: None,
            };
            for folder in [&config.signing, &config.login, &config.encryption, &config.timestamping] {
                std::fs::create_dir(folder).unwrap();
                std::fs::write(folder.join("root.pem"), root.to_pem()).unwrap();
            }
            Self { directory, clock: Arc::new(ManualClock::new(NOW)), config }
        }

        fn open(&self) -> Result<FolderTrust, TrustProblem> {
            FolderTrust::open(&self.config, self.clock.clone())
        }
    }

    fn root() -> Certificate {
        DevPki::new(NOW, Duration::days(30), "http://127.0.0.1:1/").unwrap().root().clone()
    }

    #[test]
    fn one_certificate_in_several_folders_is_one_anchor() {
        let trust = Folders::new(&root()).open().unwrap();
        let snapshot = trust.current();
        assert_eq!(snapshot.anchors().len(), 1);
        assert_eq!(snapshot.anchors()[0].purposes.len(), 4);
    }

    #[test]
    fn a_node_without_anchors_does_not_start() {
        let folders = Folders::new(&root());
        std::fs::remove_file(folders.config.login.join("root.pem")).unwrap();
        let problem = folders.open().err().unwrap();
        assert!(problem.0.contains("trust.login") && problem.0.contains("no certificate"), "{problem}");
        std::fs::remove_dir(&folders.config.login).unwrap();
        assert!(folders.open().err().unwrap().0.contains("trust.login"));
    }

    #[test]
    fn time_stamp_anchors_may_be_missing() {
        let folders = Folders::new(&root());
        std::fs::remove_file(folders.config.timestamping.join("root.pem")).unwrap();
        assert!(folders.open().is_ok());
    }

    #[test]
    fn a_change_is_told_by_certificate_and_purpose() {
        let (first, second) = (root(), root());
        let anchor = |certificate: &Certificate, purposes: &[Purpose]| TrustAnchor {
            certificate: certificate.clone(),
            purposes: purposes.to_vec(),
        };
        let before = TrustSnapshot::new(vec![anchor(&first, &[Purpose::Signing])], vec![], NOW);
        let both = [Purpose::Signing, Purpose::TlsClient];
        let after = TrustSnapshot::new(vec![anchor(&first, &both)], vec![second.clone()], NOW);
        let told = difference(&before, &after);
        let entry = |certificate: &Certificate, purpose: &str| serde_json::json!({"sha256": crypto::digest::hex(&certificate.fingerprint()), "purpose": purpose});
        let added = told["added"].as_array().unwrap();
        assert_eq!(added.len(), 2);
        assert!(added.contains(&entry(&first, "tlsclient")) && added.contains(&entry(&second, "intermediate")));
        assert_eq!(told["removed"], serde_json::json!([]));
        assert_eq!(difference(&after, &before)["added"], serde_json::json!([]));
    }

    #[test]
    fn lists_of_a_bundle_are_held_until_their_files_change() {
        let mut folders = Folders::new(&root());
        let pki = DevPki::new(NOW, Duration::days(30), "").unwrap();
        let lists = folders.directory.path().join("lists");
        std::fs::create_dir(&lists).unwrap();
        std::fs::write(lists.join("issuing.crl"), pki.crl(NOW).unwrap()).unwrap();
        std::fs::write(lists.join("readme.txt"), "not a list").unwrap();
        folders.config.lists = Some(lists.clone());
        let trust = folders.open().unwrap();
        assert_eq!(trust.lists().len(), 1);
        std::fs::write(lists.join("broken.crl"), "half a list").unwrap();
        assert!(trust.reload().unwrap_err().0.contains("broken.crl"));
        assert_eq!(trust.lists().len(), 1, "what is in use stays");
        std::fs::remove_file(lists.join("broken.crl")).unwrap();
        std::fs::write(lists.join("root.crl"), pki.root_crl(NOW).unwrap()).unwrap();
        trust.reload().unwrap();
        assert_eq!(trust.lists().len(), 2);
        std::fs::remove_file(lists.join("issuing.crl")).unwrap();
        trust.reload().unwrap();
        assert_eq!(trust.lists().len(), 1);
    }

    #[test]
    fn a_broken_or_empty_set_never_replaces_the_one_in_use() {
        let folders = Folders::new(&root());
        let trust = folders.open().unwrap();
        let before = trust.current().id();
        folders.clock.advance(Duration::minutes(1));
        let broken = folders.config.signing.join("second.pem");
        for content in ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", "half a file"] {
            std::fs::write(&broken, content).unwrap();
            let problem = trust.reload().unwrap_err();
            assert!(problem.0.contains("second.pem"), "{problem}");
            assert_eq!(trust.current().id(), before);
            assert_eq!(trust.checked().problem, Some(problem));
            assert_eq!(trust.checked().at, NOW);
        }
        std::fs::write(&broken, root().to_pem()).unwrap();
        assert_eq!(trust.reload(), Ok(true));
        assert_ne!(trust.current().id(), before);
        assert_eq!(trust.checked().problem, None);
        assert_eq!(trust.reload(), Ok(false), "the same set again is no change");
        drop(folders.directory);
        assert!(trust.reload().is_err(), "the folders are gone");
        assert_eq!(trust.current().anchors().len(), 2);
    }
}
