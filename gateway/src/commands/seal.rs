//! `vuzol seal`: closes a file for one recipient.

use std::path::PathBuf;

use clap::Args;
use crypto::seal::{DocumentKey, Sealer};

use super::files::{Existing, NewFile, Readers, stream, unreadable};
use super::terminal::Terminal;
use super::{Failure, exit, keys, sealed_file};

/// Seals a file so that only the holder of the recipient's private key can open it.
///
/// The file gets a key of its own, which is wrapped to the recipient's certificate. Nobody else can open it, the one who
/// sealed it included. It is not a signature: anyone can seal.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vuzol seal --recipient agency-b.pem --output letter.pdf.sealed letter.pdf")]
pub(super) struct Arguments {
    /// The recipient's encryption certificate (PEM or DER).
    #[arg(long, value_name = "PEM")]
    recipient: PathBuf,
    /// Where to write the sealed file.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the output where it exists.
    #[arg(long)]
    force: bool,
    /// What to seal.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, _terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let recipient = keys::certificate(&arguments.recipient)?;
    let key = DocumentKey::generate();
    let refused = |error: &dyn std::fmt::Display| unreadable(&arguments.recipient, error);
    let envelope = signing::envelope::seal_key(&key, &recipient).map_err(|error| refused(&error))?;
    let header = sealed_file::Header::new(&envelope).ok_or_else(|| refused(&"its key envelope would be too long"))?;

    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let mut output = NewFile::create(&arguments.output, existing, Readers::AsUsual)?;
    output.write(header.as_bytes())?;
    let mut sealed = Vec::new();
    let mut sealer = Sealer::new(&key, &header.context(), &mut sealed);
    let too_long = |error| unreadable(&arguments.file, error);
    stream(&arguments.file, |piece| {
        sealer.update(piece, &mut sealed).map_err(too_long)?;
        output.write(&sealed)?;
        sealed.clear();
        Ok(())
    })?;
    sealer.finish(&mut sealed).map_err(too_long)?;
    output.write(&sealed)?;
    output.commit()?;
    Ok(exit::OK)
}
