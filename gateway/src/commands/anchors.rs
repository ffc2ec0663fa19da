//! A folder of trust: certificates that are believed, and revocation data that is at hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs::revocation::{Crl, OcspResponse, RevocationData};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use certs::trust_list::{BelievedList, Services, TrustList};
use time::OffsetDateTime;

use super::Failure;
use super::files::{read, unreadable};
use super::keys;

/// What an offline validation starts from.
pub(crate) struct Belief {
    pub(crate) trust: TrustSnapshot,
    pub(crate) revocation: RevocationData,
}

/// Reads a folder: every certificate in it (`.pem`, `.crt`, `.cer`, `.der`) is an anchor for signatures and time-stamps;
/// `.crl` and `.ocsp` files (DER) are revocation data, believed only as far as their own signatures carry. Other files are
/// left aside; one that cannot be read fails the whole, since a verdict without it could differ. Without a folder nothing
/// is believed.
pub(crate) fn load(folder: Option<&Path>, at: OffsetDateTime) -> Result<Belief, Failure> {
    load_with_lists(folder, Vec::new(), at)
}

/// As [`load`], with what trusted lists say.
pub(crate) fn load_with_lists(
    folder: Option<&Path>,
    lists: Vec<Arc<TrustList>>,
    at: OffsetDateTime,
) -> Result<Belief, Failure> {
    let (mut anchors, mut revocation) = (Vec::new(), RevocationData::default());
    for file in folder.map(files_of).transpose()?.unwrap_or_default() {
        let ending = file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("pem" | "crt" | "cer" | "der") => {
                for certificate in keys::certificates(&file)? {
                    anchors.push(TrustAnchor { certificate, purposes: vec![Purpose::Signing, Purpose::TimeStamping] });
                }
            }
            Some("crl") => {
                let list = Crl::from_der(&read(&file, CRL_BYTES)?).map_err(|error| unreadable(&file, error))?;
                revocation.crls.push(list);
            }
            Some("ocsp") => {
                let answer =
                    OcspResponse::from_der(&read(&file, OCSP_BYTES)?).map_err(|error| unreadable(&file, error))?;
                revocation.ocsp.push(answer);
            }
            _ => {}
        }
    }
    let believed = |list| BelievedList { list, purposes: vec![Purpose::Signing, Purpose::TimeStamping] };
    let lists: Vec<_> = lists.into_iter().map(believed).collect();
    let services = Services::believed(&lists, &BTreeSet::new());
    let trust = TrustSnapshot::with_services(anchors, Vec::new(), services, at);
    Ok(Belief { trust, revocation })
}

/// In the order of their names, so that the same folder always gives the same belief.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut files = Vec::new();
    for entry in entries.take(FILES_IN_FOLDER + 1) {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    if files.len() > FILES_IN_FOLDER {
        return Err(unreadable(folder, format!("holds more than {FILES_IN_FOLDER} files")));
    }
    files.sort();
    Ok(files)
}

/// The largest lists of public authorities take some 100 MB.
const CRL_BYTES: u64 = 256 * 1024 * 1024;
/// An answer for one certificate with its responder's certificate takes about 2 kB.
const OCSP_BYTES: u64 = 1024 * 1024;
/// More than every authority of Europe.
const FILES_IN_FOLDER: usize = 10_000;
