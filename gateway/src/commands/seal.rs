//! `vuzol seal`: closes a file for one recipient.

use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use clap::Args;
use crypto::key::KeyKind;
use crypto::seal::{DocumentKey, Sealer};
use signing::envelope::national::Profile;
use signing::envelope::{self, Cipher};

use super::files::{self, Existing, NewFile, Readers, stream, unreadable};
use super::terminal::Terminal;
use super::{Failure, exit, keys, sealed_file};

/// Seals a file so that only the holder of the recipient's private key can open it.
///
/// The file gets a key of its own, which is wrapped to the recipient's certificate. Nobody else can open it, the one who
/// sealed it included. It is not a signature: anyone can seal.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol seal --recipient agency-b.pem --output letter.pdf.sealed letter.pdf
  vuzol seal --cms --recipient agency-b.pem --recipient agency-c.pem --output letter.pdf.p7m letter.pdf")]
pub(super) struct Arguments {
    /// The recipient's encryption certificate (PEM or DER). With --cms there may be up to 64.
    #[arg(long, value_name = "PEM", required = true)]
    recipient: Vec<PathBuf>,
    /// Write a CMS envelope, which other programs open too: AuthEnvelopedData (RFC 5083), for a key of DSTU 4145 EnvelopedData with
    /// GOST 28147. The latter does not protect its content from change: sign the document first.
    #[arg(long)]
    cms: bool,
    /// Where to write the sealed file.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the output where it exists.
    #[arg(long)]
    force: bool,
    /// What to seal.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let recipients = arguments.recipient.iter().map(|path| keys::certificate(path));
    let recipients = recipients.collect::<Result<Vec<_>, _>>()?;
    match (recipients.as_slice(), arguments.recipient.as_slice()) {
        (_, [.., path]) if arguments.cms => seal_cms(arguments, &recipients, path, terminal),
        ([recipient], [path]) => seal_file(arguments, recipient, path),
        (_, paths) => {
            let path = paths.last().unwrap_or(&arguments.file);
            Err(unreadable(path, "a sealed file has one recipient; --cms takes several"))
        }
    }
}

fn output(arguments: &Arguments) -> Result<NewFile, Failure> {
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    NewFile::create(&arguments.output, existing, Readers::AsUsual)
}

fn seal_file(arguments: &Arguments, recipient: &Certificate, path: &Path) -> Result<u8, Failure> {
    let key = DocumentKey::generate();
    let refused = |error: &dyn std::fmt::Display| unreadable(path, error);
    let envelope = envelope::seal_key(&key, recipient).map_err(|error| refused(&error))?;
    let header = sealed_file::Header::new(&envelope).ok_or_else(|| refused(&"its key envelope would be too long"))?;

    let mut output = output(arguments)?;
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

/// DER, as the length of a file is known.
fn seal_cms(
    arguments: &Arguments,
    recipients: &[Certificate],
    path: &Path,
    terminal: &mut Terminal<'_>,
) -> Result<u8, Failure> {
    let cipher = cipher_for(recipients);
    let of_content = |error| unreadable(&arguments.file, error);
    let length = files::open(&arguments.file)?.metadata().map_err(|error| unreadable(&arguments.file, error))?.len();
    let mut sealed = Vec::new();
    let recipients: Vec<&Certificate> = recipients.iter().collect();
    let sealer = envelope::Sealer::new(&recipients, cipher, Some(length), &mut sealed);
    let mut sealer = sealer.map_err(|error| unreadable(path, error))?;
    let mut output = output(arguments)?;
    stream(&arguments.file, |piece| {
        sealer.update(piece, &mut sealed).map_err(of_content)?;
        output.write(&sealed)?;
        sealed.clear();
        Ok(())
    })?;
    sealer.finish(&mut sealed).map_err(of_content)?;
    output.write(&sealed)?;
    output.commit()?;
    if cipher != Cipher::Aes256Gcm {
        terminal.note(terminal.language().choose(
            "the envelope does not protect its content from change; only a signature inside does",
            "конверт не захищає вміст від змін; це робить лише підпис у ньому",
        ));
    }
    Ok(exit::OK)
}

/// What every implementation in use opens with a key of the first recipient's kind. The others must go with it.
fn cipher_for(recipients: &[Certificate]) -> Cipher {
    match recipients.first().and_then(|first| first.public_key().ok()).map(crypto::key::PublicKey::kind) {
        Some(KeyKind::Dstu4145(_)) => Cipher::National(Profile::Gost),
        _ => Cipher::Aes256Gcm,
    }
}
