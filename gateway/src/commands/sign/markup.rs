//! `vuzol sign` with XAdES: in the XML file itself, or in a container around any file.

use std::path::Path;

use crypto::digest::{Digest, DigestAlgorithm};
use crypto::key::{KeyHandle, SoftwareKey};
use signing::asic::create::Part;
use signing::asic::create::xades::{Opened, Prepared, SignError, digest_algorithm, prepare};
use signing::cades::Signatory;
use signing::xades::augment::request_signature_timestamp;
use signing::xades::create::{CreateError, Envelope, Options, sign};
use signing::xml::Limits;

use crate::commands::Failure;
use crate::commands::files::{read, unreadable};

/// Asks for a token over this; `None` where none is wanted.
pub(super) type Stamp<'s> = Option<&'s mut dyn FnMut(&Digest) -> Result<Vec<u8>, Failure>>;

/// The document with a signature in it, over all of it, or over all but its signatures.
pub(super) fn enveloped(
    file: &Path,
    key: &SoftwareKey,
    signatory: &Signatory<'_>,
    is_parallel: bool,
    stamp: Stamp<'_>,
) -> Result<Vec<u8>, Failure> {
    let document = read(file, Limits::DOCUMENT.octets as u64)?;
    let envelope = if is_parallel { Envelope::DocumentLessSignatures } else { Envelope::Document };
    let options = Options { envelope, ..Options::default() };
    let signed = sign(&document, key, signatory, &options).map_err(|error| match error {
        CreateError::Xml(error) => unreadable(file, format!("{error} [{}]", error.code())),
        other => refused(other),
    })?;
    let Some(stamp) = stamp else { return Ok(signed) };
    // The new signature is the last child of the outermost element.
    let count = signing::xades::augment::count(&signed).map_err(refused)?;
    stamped(&signed, count.saturating_sub(1), signatory, stamp)
}

/// A container around the file; where the file is one with XAdES signatures, the same with one more. What is no container that is read here
/// is a file like any other.
pub(super) fn contained(
    file: &Path,
    key: &SoftwareKey,
    signatory: &Signatory<'_>,
    stamp: Stamp<'_>,
) -> Result<Vec<u8>, Failure> {
    let bytes = read(file, super::ATTACHED_BYTES)?;
    let (prepared, documents): (Prepared, Vec<(String, Vec<u8>)>) = match Opened::read(&bytes) {
        Ok(opened) => (opened.prepare(signatory).map_err(not_signed)?, Vec::new()),
        // Signed in another way: nobody means a container around it.
        Err(error @ SignError::Kind) => return Err(not_signed(error)),
        Err(_) => {
            let name = file.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| unreadable(file, "has no name that a container can hold"))?.to_owned();
            let part = Part::of_bytes(&name, None, &bytes, digest_algorithm(signatory));
            let part = part.map_err(|error| Failure::Refused(format!("cannot sign: {error}")))?;
            (prepare(vec![part], signatory).map_err(not_signed)?, vec![(name, bytes)])
        }
    };
    let value = key.sign(prepared.algorithm(), prepared.to_be_signed());
    let value = value.map_err(|error| Failure::Refused(format!("cannot sign: {error}")))?;
    let name = prepared.name().to_owned();
    let contents: Vec<(&str, &[u8])> =
        documents.iter().map(|(name, octets)| (name.as_str(), octets.as_slice())).collect();
    let completed = prepared.complete(&value).map_err(not_signed)?;
    let container = completed.to_vec(&contents).map_err(|error| Failure::Refused(format!("cannot sign: {error}")))?;
    let Some(stamp) = stamp else { return Ok(container) };
    let opened = Opened::read(&container).map_err(not_signed)?;
    let signature = opened.signature_file(&name).unwrap_or_default();
    let signature = stamped(signature, 0, signatory, stamp)?;
    opened.with_signature_file(&name, &signature).map_err(not_signed)
}

fn stamped(
    document: &[u8],
    number: usize,
    signatory: &Signatory<'_>,
    stamp: &mut dyn FnMut(&Digest) -> Result<Vec<u8>, Failure>,
) -> Result<Vec<u8>, Failure> {
    // As for CAdES.
    let by = signatory.algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512);
    let request = request_signature_timestamp(document, number, by).map_err(refused)?;
    let token = stamp(request.imprint())?;
    request.complete(&token).map_err(refused)
}

fn refused(error: CreateError) -> Failure {
    Failure::Refused(format!("cannot sign: {error} [{}]", error.reason().code))
}

fn not_signed(error: SignError) -> Failure {
    match error {
        SignError::Signature(error) => refused(error),
        other => Failure::Refused(format!("cannot sign: {other}")),
    }
}
