//! Trusted lists given on the command line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs::certificate::Certificate;
use certs::trust_list::{ListKind, TrustList};
use clap::Args;
use signing::trust_list::{AuthenticatedList, ListRefused, authenticate_as_issued};
use signing::validate::suite;

use super::Failure;
use super::files::{read, unreadable};
use super::keys;

/// Which lists, and who may sign them.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ListArguments {
    /// A trusted list (ETSI TS 119 612): its services are believed as it says, and the report says what is qualified. Repeat for
    /// several; a list of lists vouches for the others.
    #[arg(long = "trusted-list", value_name = "FILE", requires = "list_signers")]
    lists: Vec<PathBuf>,
    /// A folder of certificates (.pem, .crt, .cer, .der) that may sign the lists.
    #[arg(long, value_name = "DIR", requires = "lists")]
    list_signers: Option<PathBuf>,
}

/// Largest list.
const LIST_BYTES: u64 = 32 * 1024 * 1024;

impl ListArguments {
    /// The lists, each authenticated by the certificates of the folder or by a list of lists among them. That one is old, or overdue, is for
    /// the one who gave it to know: a signature of the past may be looked at with the list of its time.
    ///
    /// # Errors
    /// Where a file cannot be read, or a list is not believed.
    pub(super) fn load(&self) -> Result<Vec<Arc<TrustList>>, Failure> {
        let Some(folder) = &self.list_signers else { return Ok(Vec::new()) };
        let mut signers = certificates(folder)?;
        let files: Vec<(&Path, Vec<u8>)> = self
            .lists
            .iter()
            .map(|file| Ok((file.as_path(), read(file, LIST_BYTES)?)))
            .collect::<Result<_, Failure>>()?;
        let (mut believed, mut strangers) = (Vec::new(), Vec::new());
        for (file, octets) in &files {
            match authenticate_as_issued(octets, &signers, &suite::UKRAINIAN) {
                Ok(list) => believed.push(list),
                Err(ListRefused::Stranger(_)) => strangers.push((file, octets)),
                Err(refused) => return Err(not_believed(file, &refused)),
            }
        }
        signers = believed.iter().flat_map(announced).collect();
        for (file, octets) in strangers {
            let list = authenticate_as_issued(octets, &signers, &suite::UKRAINIAN);
            believed.push(list.map_err(|refused| not_believed(file, &refused))?);
        }
        Ok(believed.into_iter().map(|list| list.list().clone()).collect())
    }
}

/// Whom a list of lists announces for the lists that it points to.
fn announced(list: &AuthenticatedList) -> Vec<Certificate> {
    let pointers = list.list().pointers.iter().filter(|_| list.list().kind == ListKind::Lists);
    pointers.flat_map(|pointer| pointer.signers.iter().cloned()).collect()
}

fn not_believed(file: &Path, refused: &ListRefused) -> Failure {
    unreadable(file, format!("{refused} [{}; {}]", refused.code(), refused.reason().clause))
}

fn certificates(folder: &Path) -> Result<Vec<Certificate>, Failure> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        if matches!(ending.as_deref(), Some("pem" | "crt" | "cer" | "der")) {
            files.push(path);
        }
    }
    files.sort();
    let read: Vec<Vec<Certificate>> = files.iter().map(|file| keys::certificates(file)).collect::<Result<_, _>>()?;
    Ok(read.into_iter().flatten().collect())
}
