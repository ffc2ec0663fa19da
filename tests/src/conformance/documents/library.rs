//! A row judged by `signing` itself, without a trust anchor. The tests of `signing` read this file too.

use std::path::Path;

use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use crypto::digest::digest;
use signing::asic::{self, Container};
use signing::validate::{Context, Policy, UnverifiedDocument, validate, validate_xml};
use signing::xades::Files;
use time::OffsetDateTime;
use time::macros::datetime;

use super::row::{Row, Verdict};

/// Any time does: without an anchor it decides nothing that the corpora state.
const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

/// Judges the file of a row, whose paths are below `files`. Of several contents the one that most signatures are intact over counts.
///
/// # Errors
/// Why a file of the corpus cannot be read.
pub fn judge(files: &Path, row: &Row) -> Result<Verdict, String> {
    let read = |name: &str| {
        let path = files.join(name);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let bytes = read(&row.file)?;
    let contents = row.detached.iter().map(|name| read(name)).collect::<Result<Vec<_>, _>>()?;
    if is_xml(&bytes) {
        let name = |path: &'_ String| path.rsplit('/').next().unwrap_or_default().to_owned();
        let names: Vec<String> = row.detached.iter().map(name).collect();
        return Ok(examine_xml(&bytes, &names, &contents));
    }
    let alone = std::iter::once(None).take(usize::from(contents.is_empty()));
    let verdicts = alone.chain(contents.iter().map(Some)).map(|content| examine(&bytes, content.map(Vec::as_slice)));
    verdicts.max_by_key(intact).ok_or_else(|| "a row without a content to try".to_owned())
}

/// Contents go by their names in XML, so that all are given at once.
fn examine_xml(bytes: &[u8], names: &[String], contents: &[Vec<u8>]) -> Verdict {
    let trust = TrustSnapshot::new(Vec::new(), Vec::new(), NOW);
    let (revocation, policy) = (RevocationData::default(), Policy::default());
    let context = Context { trust: &trust, revocation: &revocation, at: NOW, policy: &policy };
    let files: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    match validate_xml(bytes, &Files(&files), &context) {
        Ok(outcome) => Verdict::Report(Box::new(outcome.report)),
        Err(error) => Verdict::Unreadable(format!("{error} [{}]", error.code())),
    }
}

/// As `vuzol verify` tells: markup, after a byte order mark and white space.
fn is_xml(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.iter().find(|octet| !octet.is_ascii_whitespace()) == Some(&b'<')
}

fn examine(bytes: &[u8], content: Option<&[u8]>) -> Verdict {
    let trust = TrustSnapshot::new(Vec::new(), Vec::new(), NOW);
    let (revocation, policy) = (RevocationData::default(), Policy::default());
    let context = Context { trust: &trust, revocation: &revocation, at: NOW, policy: &policy };
    if bytes.starts_with(ZIP) {
        let outcome = Container::read(bytes).map(|container| asic::validate(container, &context));
        return match outcome {
            Ok(outcome) => Verdict::Report(Box::new(outcome.report)),
            Err(error) => Verdict::Unreadable(format!("{error} [{}]", error.code())),
        };
    }
    let mut document = match UnverifiedDocument::parse(bytes) {
        Ok(document) => document,
        Err(error) => return Verdict::Unreadable(error.to_string()),
    };
    if let Some(content) = content {
        let digests = document.digest_algorithms().into_iter().map(|algorithm| digest(algorithm, content)).collect();
        document = document.with_detached(digests);
    }
    Verdict::Report(Box::new(validate(document, &context).report))
}

/// How a local file header begins (APPNOTE, 4.3.7).
const ZIP: &[u8] = b"PK\x03\x04";

fn intact(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Report(report) => report.signatures.iter().filter(|signature| signature.intact).count(),
        Verdict::Unreadable(_) | Verdict::Crashed(_) => 0,
    }
}
