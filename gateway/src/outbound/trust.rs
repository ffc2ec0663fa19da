//! Trust anchors from folders of PEM files, as dated snapshots.
//!
//! A set that cannot be read, holds something that is no certificate, or lacks anchors that a node cannot work without,
//! never replaces the one in use: somebody's unfinished copy must not turn a region's signatures invalid. The old set stays,
//! an alarm is logged, and `/health/ready` shows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use certs::certificate::Certificate;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot, TrustSource};
use storage::Clock;
use time::OffsetDateTime;

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
    checked: Mutex<Checked>,
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
        let now = clock.now();
        let current = ArcSwap::from_pointee(read(config, now)?);
        let checked = Mutex::new(Checked { at: now, problem: None });
        Ok(Self { config: config.clone(), clock, current, checked })
    }

    /// Reads the folders anew and takes the set into use if it is a good one and differs. Returns whether it did.
    ///
    /// # Errors
    /// [`TrustProblem`]; the set in use stays.
    pub fn reload(&self) -> Result<bool, TrustProblem> {
        let now = self.clock.now();
        let outcome = read(&self.config, now);
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

fn read(config: &TrustConfig, now: OffsetDateTime) -> Result<TrustSnapshot, TrustProblem> {
    let sets = [
        ("trust.signing", &config.signing, Purpose::Signing, true),
        ("trust.login", &config.login, Purpose::TlsClient, true),
        ("trust.encryption", &config.encryption, Purpose::Encryption, true),
        ("trust.timestamping", &config.timestamping, Purpose::TimeStamping, false),
    ];
    // One anchor may serve several purposes: its certificate lies in several folders.
    let mut anchors: BTreeMap<[u8; 32], TrustAnchor> = BTreeMap::new();
    for (key, folder, purpose, needed) in sets {
        let certificates = read_folder(key, folder)?;
        if certificates.is_empty() && needed {
            return Err(TrustProblem(format!("{key}: {} holds no certificate", folder.display())));
        }
        for certificate in certificates {
            let empty = TrustAnchor { certificate: certificate.clone(), purposes: Vec::new() };
            let anchor = anchors.entry(certificate.fingerprint()).or_insert(empty);
            if !anchor.purposes.contains(&purpose) {
                anchor.purposes.push(purpose);
            }
        }
    }
    let intermediates = match &config.intermediates {
        Some(folder) => read_folder("trust.intermediates", folder)?,
        None => Vec::new(),
    };
    if anchors.len() + intermediates.len() > CERTIFICATES {
        return Err(TrustProblem(format!("trust: more than {CERTIFICATES} certificates")));
    }
    Ok(TrustSnapshot::new(anchors.into_values().collect(), intermediates, now))
}

fn read_folder(key: &str, folder: &Path) -> Result<Vec<Certificate>, TrustProblem> {
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
