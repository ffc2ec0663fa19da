//! `vuzol admin policies`: signed bundles of policies. Asks no node.

use std::path::{Path, PathBuf};

use access::{Bundle, PolicyFiles, SignedPolicies};
use clap::Subcommand;
use schemas::limits::SIGNATURE_BYTES;
use time::OffsetDateTime;

use super::print_json;
use crate::commands::files::{Existing, NewFile, Readers, read, unreadable};
use crate::commands::terminal::Terminal;
use crate::commands::{Failure, exit, keys};
use crate::policies::signature_of;

/// Policies of the node: who may do what.
#[derive(Debug, Subcommand)]
pub(super) enum PoliciesTask {
    /// Make a bundle of a folder: vuzol.cedarschema and *.cedar, checked strictly. Sign the file afterwards: `vuzol sign`.
    Bundle {
        /// The folder. Without one: the policies that this binary carries.
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Its number: higher than that of the bundle in force.
        #[arg(long)]
        number: u64,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check a bundle and its signature as a node does before it puts it in force.
    Check {
        /// The bundle; its signature lies beside it, with .p7s after the name.
        file: PathBuf,
        /// Who may sign it: what policies.signers of the node names. Repeat for several.
        #[arg(long, value_name = "FILE", required = true)]
        signer: Vec<PathBuf>,
        /// How many persons of them must have signed: what policies.signatures of the node says.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
        signatures: u8,
    },
}

/// Largest text or bundle.
const BYTES: u64 = 8 << 20;

pub(super) fn run(task: &PoliciesTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match task {
        PoliciesTask::Bundle { folder, number, out } => {
            let files = folder.as_deref().map_or_else(|| Ok(PolicyFiles::shipped()), of_folder)?;
            files.check().map_err(|error| Failure::Refused(error.to_string()))?;
            let policies = files.policies().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
            let bundle = Bundle { number: *number, schema: files.schema().to_owned(), policies };
            let bytes = serde_json::to_vec(&bundle).map_err(|error| Failure::Unwritable(error.to_string()))?;
            let mut file = NewFile::create(out, Existing::Keep, Readers::AsUsual)?;
            file.write(&bytes)?;
            file.commit()?;
            terminal.note(&format!("version {}", files.version()));
            Ok(exit::OK)
        }
        PoliciesTask::Check { file, signer, signatures } => {
            let signers = signer.iter().map(|file| keys::certificate(file)).collect::<Result<Vec<_>, _>>()?;
            let bundle = read(file, BYTES)?;
            let signature = read(&signature_of(file), SIGNATURE_BYTES as u64)?;
            let checked = SignedPolicies::verify(
                &bundle,
                &signature,
                &signers,
                usize::from(*signatures),
                OffsetDateTime::now_utc(),
            );
            let checked = checked.map_err(|error| Failure::Refused(error.to_string()))?;
            let (number, version, policies) = (checked.number(), checked.version(), checked.count());
            print_json(&serde_json::json!({ "number": number, "version": version, "policies": policies }), terminal)
        }
    }
}

/// The schema and the policies of a folder.
fn of_folder(folder: &Path) -> Result<PolicyFiles, Failure> {
    let text = |path: &Path| {
        let bytes = read(path, BYTES)?;
        String::from_utf8(bytes).map_err(|error| unreadable(path, error))
    };
    let mut policies = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".cedar") {
            policies.push((name, text(&path)?));
        }
    }
    let schema = text(&folder.join("vuzol.cedarschema"))?;
    let policies = policies.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    PolicyFiles::new(&schema, policies).map_err(|error| unreadable(folder, error))
}
