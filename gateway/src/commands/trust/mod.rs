//! `vuzol admin trust`: whom a node believes, in the folders that its configuration names, and over its API.
//!
//! What keeps the folders changes files, not the node: the node reads them within a minute (at once on SIGHUP), refuses a set
//! that is broken, and puts on record which certificates it believes since then, whoever changed the folders and by whatever
//! means.

mod bundle;
mod status;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::trust::StatementError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::revocation::Crl;
use clap::{Args, Subcommand, ValueEnum};
use crypto::digest::{hex, sha256};
use schemas::trust::{CertificateDigest, TrustPurpose, TrustStatement};
use storage::Clock as _;
use storage::clock::SystemClock;
use time::{Duration, OffsetDateTime};

use super::admin::{Connection, print_json, wait};
use super::files::{self, Existing, NewFile, Readers, unreadable};
use super::terminal::{Terminal, printable};
use super::{Failure, exit, keys};
use crate::config::{Config, TrustConfig};
use crate::outbound::{collect_lists, lists};
use bundle::Bundle;

/// Whom the node believes, and for what.
///
/// `list`, `add`, `remove`, `export` and `import` keep the folders on the node's machine. `read`, `status`, `state` and `withdraw` ask a
/// running node over its API, which keeps what operators state beside the folders, and above them.
#[derive(Debug, Subcommand)]
pub(super) enum TrustTask {
    /// Ask a running node whom it believes, who said so, and what is stale.
    Read {
        #[command(flatten)]
        node: Connection,
    },
    /// Ask a running node for its trusted lists, and explain each: whose, which issue, until when, what is wrong. Exit code 2 where
    /// something needs an eye.
    Status {
        #[command(flatten)]
        node: Connection,
    },
    /// State over the API what a certificate is believed for, whatever the folders say.
    State {
        /// SHA-256 of the certificate, 64 hexadecimal digits.
        sha256: CertificateDigest,
        /// For exactly this. Repeat for several; none: for nothing.
        #[arg(long)]
        purpose: Vec<Purpose>,
        /// The certificate, PEM or DER, where the node does not have it yet.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        node: Connection,
    },
    /// Take such a statement back over the API, so that the folders decide again.
    Withdraw {
        /// SHA-256 of the certificate, 64 hexadecimal digits.
        sha256: CertificateDigest,
        #[command(flatten)]
        node: Connection,
    },
    /// Take such a statement back in the node's database, where it keeps every operator from logging in. Recorded in the log.
    Forget {
        /// SHA-256 of the certificate, 64 hexadecimal digits.
        sha256: CertificateDigest,
        #[command(flatten)]
        node: Folders,
    },
    /// Print the anchors, intermediates and lists in the folders, and which are stale.
    List {
        #[command(flatten)]
        node: Folders,
    },
    /// Believe the certificates of a file.
    Add {
        /// One's own authority, PEM or DER.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// For what. Repeat for several.
        #[arg(long, required = true)]
        purpose: Vec<Purpose>,
        #[command(flatten)]
        node: Folders,
    },
    /// Believe a certificate no longer.
    Remove {
        /// SHA-256 of the certificate, 64 hexadecimal digits, as `list` prints it.
        sha256: String,
        /// For what. Repeat for several; none: for everything.
        #[arg(long)]
        purpose: Vec<Purpose>,
        #[command(flatten)]
        node: Folders,
    },
    /// Write anchors, intermediates and lists into one file, for a node without Internet. Prints its SHA-256.
    Export {
        /// The bundle.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Fetch the revocation lists that the certificates name, from `revocation.allowed_hosts`.
        #[arg(long)]
        fetch: bool,
        #[command(flatten)]
        node: Folders,
    },
    /// Put the certificates and lists of a bundle into the folders. Nothing is removed, no list is replaced by an older one.
    Import {
        /// The bundle.
        file: PathBuf,
        /// What `export` printed, told by another way than the bundle came: who makes a bundle decides whom this node believes.
        #[arg(long)]
        sha256: String,
        #[command(flatten)]
        node: Folders,
    },
}

#[derive(Debug, Args)]
pub(super) struct Folders {
    /// The node's vuzol.toml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What a certificate is believed for: a folder of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Purpose {
    /// Signatures and seals over documents.
    Signing,
    /// Client certificates.
    Login,
    /// Encryption certificates.
    Encryption,
    /// Time-stamp authorities.
    Timestamping,
    /// Completes paths, is not believed by itself.
    Intermediate,
}

pub(super) fn run(task: &TrustTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let now = SystemClock.now();
    match task {
        TrustTask::List { node } => list(&node.load()?.trust, now, terminal),
        TrustTask::Add { file, purpose, node } => {
            let trust = node.load()?.trust;
            let certificates = keys::certificates(file)?;
            for purpose in purpose {
                add(&trust, *purpose, &certificates)?;
            }
            announce(&certificates, terminal)
        }
        TrustTask::Remove { sha256, purpose, node } => remove(&node.load()?.trust, sha256, purpose),
        TrustTask::Export { output, fetch, node } => export(&node.load()?, output, *fetch, now, terminal),
        TrustTask::Import { file, sha256, node } => import(&node.load()?.trust, file, sha256, terminal),
        TrustTask::Read { node } => print_json(&wait(node.client(terminal)?.trust())?, terminal),
        TrustTask::Status { node } => {
            let trust = wait(node.client(terminal)?.trust())?;
            terminal.print(&status::words(&trust, now, terminal.language()));
            Ok(status::code(&trust))
        }
        TrustTask::State { sha256, purpose, file, node } => {
            let der = file.as_deref().map(keys::certificate).transpose()?.map(|one| STANDARD.encode(one.der()));
            let statement = TrustStatement { purposes: purpose.iter().map(|one| one.of_api()).collect(), der };
            print_json(&wait(node.client(terminal)?.set_trust(*sha256, &statement))?, terminal)
        }
        TrustTask::Withdraw { sha256, node } => wait(node.client(terminal)?.withdraw_trust(*sha256)).map(|()| exit::OK),
        TrustTask::Forget { sha256, node } => forget(&node.load()?, *sha256),
    }
}

impl Folders {
    fn load(&self) -> Result<Config, Failure> {
        Config::load(&self.config).map_err(|error| Failure::Unreadable(error.to_string()))
    }
}

impl Purpose {
    const ALL: [Self; 5] = [Self::Signing, Self::Login, Self::Encryption, Self::Timestamping, Self::Intermediate];

    fn of_api(self) -> TrustPurpose {
        match self {
            Self::Signing => TrustPurpose::Signing,
            Self::Login => TrustPurpose::Login,
            Self::Encryption => TrustPurpose::Encryption,
            Self::Timestamping => TrustPurpose::Timestamping,
            Self::Intermediate => TrustPurpose::Intermediate,
        }
    }

    fn name(self) -> &'static str {
        self.of_api().as_str()
    }

    /// The folder; `None` where the configuration names none.
    fn folder(self, trust: &TrustConfig) -> Option<&Path> {
        match self {
            Self::Signing => Some(&trust.signing),
            Self::Login => Some(&trust.login),
            Self::Encryption => Some(&trust.encryption),
            Self::Timestamping => Some(&trust.timestamping),
            Self::Intermediate => trust.intermediates.as_deref(),
        }
    }

    /// Without a certificate in these the node does not start.
    fn is_needed(self) -> bool {
        matches!(self, Self::Signing | Self::Login | Self::Encryption)
    }
}

fn forget(config: &Config, sha256: CertificateDigest) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
    runtime.block_on(async {
        let statements = crate::wiring::statements(config, Arc::new(SystemClock));
        let statements = statements.map_err(|error| Failure::Unreadable(error.to_string()))?;
        match statements.withdraw_offline(sha256).await {
            Ok(()) => Ok(exit::OK),
            Err(StatementError::Invalid { detail, .. }) => Err(Failure::Refused(detail)),
            Err(StatementError::Store(error)) => Err(Failure::Unwritable(error.to_string())),
        }
    })
}

/// The certificates of a folder, by file.
fn certificates_in(folder: &Path) -> Result<Vec<(PathBuf, Vec<Certificate>)>, Failure> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.extension().and_then(|ending| ending.to_str()).is_some_and(|e| ["pem", "crt", "cer"].contains(&e)) {
            files.push(path);
        }
    }
    files.sort();
    files.into_iter().map(|path| keys::certificates(&path).map(|certificates| (path, certificates))).collect()
}

/// Certificates by SHA-256, with what they are believed for.
type Believed = BTreeMap<[u8; 32], (Certificate, Vec<Purpose>)>;

/// Every certificate once, with its purposes.
fn believed(trust: &TrustConfig) -> Result<Believed, Failure> {
    let mut believed = Believed::new();
    for purpose in Purpose::ALL {
        let Some(folder) = purpose.folder(trust) else { continue };
        for certificate in certificates_in(folder)?.into_iter().flat_map(|(_, certificates)| certificates) {
            let (_, purposes) =
                believed.entry(certificate.fingerprint()).or_insert_with(|| (certificate.clone(), Vec::new()));
            if !purposes.contains(&purpose) {
                purposes.push(purpose);
            }
        }
    }
    Ok(believed)
}

/// One line for each: SHA-256, purposes, end of validity or of freshness, name, and what is stale about it.
fn list(trust: &TrustConfig, now: OffsetDateTime, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    for (fingerprint, (certificate, purposes)) in believed(trust)? {
        let names: Vec<_> = purposes.iter().map(|purpose| purpose.name()).collect();
        let end = certificate.not_after();
        let stale = if end < now {
            "  EXPIRED"
        } else if end - now < SOON {
            "  expires soon"
        } else {
            ""
        };
        let subject = printable(&certificate.subject());
        terminal.print(&format!("{}  {}  {}  {subject}{stale}\n", hex(&fingerprint), names.join(","), end.date()));
    }
    for (_, list) in held_lists(trust)? {
        let issuer = printable(&certs::name::rfc4514(list.issuer_der()).unwrap_or_default());
        let kind = if list.is_delta() { "delta list" } else { "list" };
        let until = list.next_update().map_or_else(|| "-".to_owned(), |next| next.date().to_string());
        let stale = if list.next_update().is_some_and(|next| next < now) { "  OUT OF DATE" } else { "" };
        terminal.print(&format!("{}  {kind}  {until}  {issuer}{stale}\n", hex(&sha256(list.der()))));
    }
    Ok(exit::OK)
}

/// Anchors that expire within this time are named: a successor takes weeks to be distributed.
const SOON: Duration = Duration::days(30);

fn add(trust: &TrustConfig, purpose: Purpose, certificates: &[Certificate]) -> Result<(), Failure> {
    let folder = purpose
        .folder(trust)
        .ok_or_else(|| Failure::Unwritable(format!("{}: the configuration names no folder for it", purpose.name())))?;
    let known: Vec<_> = certificates_in(folder)?.into_iter().flat_map(|(_, certificates)| certificates).collect();
    for certificate in certificates.iter().filter(|certificate| !known.contains(certificate)) {
        let file = folder.join(format!("{}.pem", hex(&certificate.fingerprint())));
        write(&file, certificate.to_pem().as_bytes())?;
    }
    Ok(())
}

fn announce(certificates: &[Certificate], terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    for certificate in certificates {
        let name = printable(&certificate.subject());
        terminal.print(&format!("{}  {name}\n", hex(&certificate.fingerprint())));
    }
    Ok(exit::OK)
}

fn remove(trust: &TrustConfig, sha256: &str, purposes: &[Purpose]) -> Result<u8, Failure> {
    let is_wanted = |certificate: &Certificate| hex(&certificate.fingerprint()).eq_ignore_ascii_case(sha256);
    let purposes = if purposes.is_empty() { &Purpose::ALL[..] } else { purposes };
    let mut found = Vec::new();
    for purpose in purposes {
        let Some(folder) = purpose.folder(trust) else { continue };
        let files = certificates_in(folder)?;
        let stays = files.iter().flat_map(|(_, certificates)| certificates).any(|one| !is_wanted(one));
        let here = files.into_iter().filter(|(_, certificates)| certificates.iter().any(is_wanted));
        let here: Vec<_> = here.collect();
        if !here.is_empty() && !stays && purpose.is_needed() {
            let last = format!("it is the last anchor for {}; add its successor first", purpose.name());
            return Err(Failure::Refused(last));
        }
        found.extend(here);
    }
    if found.is_empty() {
        return Err(Failure::Refused(format!("no certificate with SHA-256 {sha256} is believed")));
    }
    // One folder may serve several purposes: its files come up more than once.
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    found.dedup_by(|(left, _), (right, _)| left == right);
    for (file, certificates) in found {
        let rest: String = certificates.iter().filter(|one| !is_wanted(one)).map(Certificate::to_pem).collect();
        if rest.is_empty() {
            std::fs::remove_file(&file).map_err(|error| Failure::Unwritable(format!("{}: {error}", file.display())))?;
        } else {
            write(&file, rest.as_bytes())?;
        }
    }
    Ok(exit::OK)
}

fn export(
    config: &Config,
    output: &Path,
    fetch: bool,
    now: OffsetDateTime,
    terminal: &mut Terminal<'_>,
) -> Result<u8, Failure> {
    let believed = believed(&config.trust)?;
    let mut bundle = Bundle::default();
    for purpose in Purpose::ALL {
        let of_purpose = believed.values().filter(|(_, purposes)| purposes.contains(&purpose));
        bundle.certificates.extend(of_purpose.map(|(certificate, _)| (purpose.name().to_owned(), certificate.clone())));
    }
    bundle.lists = held_lists(&config.trust)?.into_iter().map(|(_, list)| list).collect();
    if fetch {
        let certificates: Vec<_> = believed.into_values().map(|(certificate, _)| certificate).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
        let fetched = runtime.block_on(collect_lists(&config.revocation.allowed_hosts, &certificates, now));
        let (lists, missing) = fetched.map_err(Failure::Unreachable)?;
        missing.iter().for_each(|why| terminal.note(&format!("not in the bundle: {}", printable(why))));
        bundle.lists.extend(lists);
    }
    let text = bundle.to_text();
    let mut file = NewFile::create(output, Existing::Keep, Readers::AsUsual)?;
    file.write(text.as_bytes())?;
    file.commit()?;
    terminal.print(&format!("{}\n", hex(&sha256(text.as_bytes()))));
    Ok(exit::OK)
}

fn import(trust: &TrustConfig, file: &Path, expected: &str, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let bytes = files::read(file, BUNDLE_BYTES)?;
    if !hex(&sha256(&bytes)).eq_ignore_ascii_case(expected) {
        return Err(Failure::Refused(format!("{}: another bundle: its SHA-256 differs", file.display())));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| unreadable(file, error))?;
    let bundle = Bundle::of_text(text).map_err(|error| unreadable(file, error))?;
    let mut by_purpose: BTreeMap<Purpose, Vec<Certificate>> = BTreeMap::new();
    for (name, certificate) in bundle.certificates {
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.name() == name);
        let purpose = purpose.ok_or_else(|| unreadable(file, format!("an unknown purpose {name:?}")))?;
        by_purpose.entry(purpose).or_default().push(certificate);
    }
    // Nothing is changed before all is known to have a place.
    let unplaced = by_purpose.keys().find(|purpose| purpose.folder(trust).is_none());
    if let Some(purpose) = unplaced {
        return Err(Failure::Unwritable(format!("{}: the configuration names no folder for it", purpose.name())));
    }
    if trust.lists.is_none() && !bundle.lists.is_empty() {
        return Err(Failure::Unwritable("trust.lists: the configuration names no folder for it".to_owned()));
    }
    for (purpose, certificates) in by_purpose {
        add(trust, purpose, &certificates)?;
    }
    for list in bundle.lists {
        keep_list(trust, &list, terminal)?;
    }
    Ok(exit::OK)
}

/// Puts a list in the place of the older one of the same issuer and kind.
fn keep_list(trust: &TrustConfig, list: &Crl, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let Some(folder) = &trust.lists else { return Ok(()) };
    let kind = if list.is_delta() { "-delta" } else { "" };
    let scope = hex(&sha256(&[list.issuer_der(), list.scope_der()].concat()));
    let file = folder.join(format!("{scope}{kind}.crl"));
    let held = held_lists(trust)?.into_iter().find(|(path, _)| *path == file);
    if held.is_some_and(|(_, held)| held.this_update() >= list.this_update()) {
        terminal.note(&format!("{}: the list there is not older, it stays", file.display()));
        return Ok(());
    }
    write(&file, list.der())
}

fn held_lists(trust: &TrustConfig) -> Result<Vec<(PathBuf, Crl)>, Failure> {
    let Some(folder) = &trust.lists else { return Ok(Vec::new()) };
    let paths = lists::files(folder).map_err(|problem| Failure::Unreadable(problem.0))?;
    let read = |path: PathBuf| {
        let bytes = files::read(&path, LIST_BYTES)?;
        let list = Crl::from_vec(bytes).map_err(|error| unreadable(&path, error))?;
        Ok((path, list))
    };
    paths.into_iter().map(read).collect()
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut new = NewFile::create(file, Existing::Replace, Readers::AsUsual)?;
    new.write(bytes)?;
    new.commit()
}

/// Every list of a nation, in base64.
const BUNDLE_BYTES: u64 = 1024 * 1024 * 1024;
const LIST_BYTES: u64 = 128 * 1024 * 1024;

#[cfg(test)]
mod tests;
