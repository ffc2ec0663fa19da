//! The entries of a revocation list.
//!
//! A list may have millions of them (60 MB in Estonia), so they are never decoded into objects: a look-up walks the bytes and
//! compares serial numbers, and later ones go by an index of eight bytes an entry.
use super::{RevocationError, Revoked};
use crate::asn1::{Element, Malformed, Reader, Span, oid, tag, time as asn1_time};
use crate::certificate::Extension;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The content of revokedCertificates, a place in the bytes of the list.
pub(super) struct Entries {
    place: Span,
    /// Whether a certificate was looked up before.
    was_walked: AtomicBool,
    index: OnceLock<Result<Index, RevocationError>>,
}

impl Entries {
    pub(super) fn new(place: Span) -> Self {
        Self { place, was_walked: AtomicBool::new(false), index: OnceLock::new() }
    }

    /// The entry of `serial` in the list `der`. The first look-up walks the list; a list that is asked again (one that a
    /// service keeps) gets an index, which a list out of a signature file is not worth.
    ///
    /// # Errors
    /// An entry, whosever it is, that we cannot read or do not understand.
    pub(super) fn find(&self, der: &[u8], serial: &[u8]) -> Result<Option<Revoked>, RevocationError> {
        if !self.was_walked.swap(true, Ordering::Relaxed) {
            let mut found = None;
            walk(der, self.place, |entry| {
                if found.is_none() && entry.serial.content() == serial {
                    found = Some(entry.revoked());
                }
            })?;
            return found.transpose();
        }
        let index = self.index.get_or_init(|| Index::of(der, self.place)).as_ref().map_err(Clone::clone)?;
        index.find(der, self.place, serial)
    }

    /// # Errors
    /// As [`Self::find`].
    pub(super) fn count(&self, der: &[u8]) -> Result<usize, RevocationError> {
        let mut count = 0;
        walk(der, self.place, |_| count += 1)?;
        Ok(count)
    }
}

/// Where the entries lie: digest of the serial number and offset in the list's bytes, sorted.
struct Index(Box<[(u32, u32)]>);

impl Index {
    fn of(der: &[u8], entries: Span) -> Result<Self, RevocationError> {
        let mut places = Vec::new();
        // Lists are smaller than CRL_BYTES, so offsets fit.
        walk(der, entries, |entry| {
            places.push((short_digest(entry.serial.content()), u32::try_from(entry.offset).unwrap_or(u32::MAX)));
        })?;
        places.sort_unstable();
        Ok(Self(places.into_boxed_slice()))
    }

    fn find(&self, der: &[u8], entries: Span, serial: &[u8]) -> Result<Option<Revoked>, RevocationError> {
        let wanted = short_digest(serial);
        let first = self.0.partition_point(|(digest, _)| *digest < wanted);
        for (_, offset) in self.0.iter().skip(first).take_while(|(digest, _)| *digest == wanted) {
            let mut reader = Reader::at("revokedCertificates", der, entries);
            reader.seek(usize::try_from(*offset).unwrap_or(usize::MAX));
            let entry = Entry::read(&mut reader)?;
            if entry.serial.content() == serial {
                return entry.revoked().map(Some);
            }
        }
        Ok(None)
    }
}

/// FNV-1a. Serial numbers are chosen by the authority whose list this is: it harms itself alone by collisions.
fn short_digest(serial: &[u8]) -> u32 {
    serial.iter().fold(0x811c_9dc5, |digest, octet| (digest ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

/// One revoked certificate, its reason unread.
struct Entry<'a> {
    /// Where it begins in the list's bytes.
    offset: usize,
    serial: Element<'a>,
    date: Element<'a>,
    /// crlEntryExtensions, where there are any.
    extensions: Reader<'a>,
}

impl<'a> Entry<'a> {
    /// RevokedCertificate ::= SEQUENCE { userCertificate, revocationDate, crlEntryExtensions OPTIONAL }
    fn read(entries: &mut Reader<'a>) -> Result<Self, Malformed> {
        let offset = entries.offset();
        let mut entry = entries.sequence("revokedCertificates")?;
        Ok(Self { offset, serial: entry.expect(tag::INTEGER)?, date: entry.any()?, extensions: entry })
    }

    fn revoked(&self) -> Result<Revoked, RevocationError> {
        let reason = if self.extensions.is_empty() { None } else { entry_reason(self.extensions)? };
        Ok(Revoked { at: asn1_time::read(&self.date)?, reason })
    }

    /// Whether BOOLEAN TRUE, which marks a critical extension, can be among the extensions at all. Reading every entry's
    /// extensions would take most of the time of a walk.
    fn may_be_critical(&self) -> bool {
        let marks = |pair: &[u8]| matches!(pair, [tag::BOOLEAN, 0x01 | 0x81..=0x84]);
        self.extensions.rest().windows(2).any(marks)
    }
}

/// Shows every entry to `visit`, and refuses a list with an entry that we do not understand.
fn walk<'a>(der: &'a [u8], entries: Span, mut visit: impl FnMut(&Entry<'a>)) -> Result<(), RevocationError> {
    let mut reader = Reader::at("revokedCertificates", der, entries);
    while !reader.is_empty() {
        let entry = Entry::read(&mut reader)?;
        if entry.may_be_critical() {
            entry_reason(entry.extensions)?;
        }
        visit(&entry);
    }
    Ok(())
}

/// The reason of an entry. A critical extension that we do not know forbids the whole list (RFC 5280 5.3).
fn entry_reason(mut entry: Reader<'_>) -> Result<Option<u8>, RevocationError> {
    let mut reason = None;
    let mut extensions = entry.sequence("crlEntryExtensions")?;
    while !extensions.is_empty() {
        let extension = Extension::read(&mut extensions)?;
        if extension.oid == oid::REASON_CODE.as_bytes() {
            let mut value = extension.value;
            let code = value.expect(tag::ENUMERATED)?.unsigned()?;
            reason = Some(u8::try_from(code).map_err(|_| RevocationError::Malformed("reasonCode"))?);
        } else if extension.critical && extension.oid != oid::INVALIDITY_DATE.as_bytes() {
            return Err(RevocationError::OutOfScope("an entry has an unknown critical extension"));
        }
    }
    Ok(reason)
}
