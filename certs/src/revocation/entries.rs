//! The entries of a revocation list.
//!
//! A list may have millions of them (60 MB in Estonia), so they are never decoded into objects: a look-up walks the bytes and
//! compares serial numbers, and later ones go by an index of little more than four bytes an entry.
use super::{RevocationError, Revoked};
use crate::asn1::{Element, Malformed, Reader, Span, oid, read, tag, time as asn1_time};
use crate::certificate::Extension;
use crate::certificate::general_name::GeneralName;
use crate::name::Canonical;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The content of revokedCertificates, a place in the bytes of the list.
pub(super) struct Entries {
    place: Span,
    /// Whether entries may be of other issuers than the list's (indirectCRL).
    indirect: bool,
    /// How many certificates were looked up.
    asked: AtomicU32,
    index: OnceLock<Result<Index, RevocationError>>,
}

/// Look-ups that walk: an index takes as long as three of them. Of a long list the second already does not.
const WALKS: u32 = 3;
const LONG: usize = 1 << 20;

/// Whose entry is looked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// INTEGER content octets.
    pub(super) serial: &'a [u8],
    /// The certificate's issuer.
    pub(super) issuer: &'a Canonical,
    /// The list's issuer, whose certificates are meant where an indirect list names no other (RFC 5280 5.3.3).
    pub(super) list_issuer: &'a Canonical,
}

impl Entries {
    pub(super) fn new(place: Span, indirect: bool) -> Self {
        Self { place, indirect, asked: AtomicU32::new(0), index: OnceLock::new() }
    }

    /// The entry of the certificate that is wanted in the list `der`. The first look-ups walk the list; a list that is asked
    /// again and again (one that a service keeps) gets an index, which a list out of a signature file is not worth.
    ///
    /// # Errors
    /// An entry, whosever it is, that we cannot read or do not understand.
    pub(super) fn find(&self, der: &[u8], wanted: Wanted<'_>) -> Result<Option<Revoked>, RevocationError> {
        let walks = if self.place.of(der).len() > LONG { 1 } else { WALKS };
        if self.asked.fetch_add(1, Ordering::Relaxed) >= walks {
            let index = self.index.get_or_init(|| Index::of(der, self)).as_ref().map_err(Clone::clone)?;
            return index.find(der, self.place, wanted);
        }
        let mut found = None;
        let mut is_ours = wanted.issuer == wanted.list_issuer;
        self.walk(der, |row| {
            if self.indirect
                && let Some(names) = row.details(true)?.issuer
            {
                is_ours = names_include(names, wanted.issuer)?;
            }
            if is_ours && found.is_none() && row.serial == wanted.serial {
                found = Some(row.offset);
            }
            Ok(())
        })?;
        found.map(|offset| Entry::at(der, self.place, offset)?.revoked()).transpose()
    }

    /// Shows every entry to `visit`, and refuses a list with an entry that we do not understand.
    fn walk<'a>(
        &self,
        der: &'a [u8],
        mut visit: impl FnMut(&Row<'a>) -> Result<(), RevocationError>,
    ) -> Result<(), RevocationError> {
        let mut reader = Reader::at("revokedCertificates", der, self.place);
        while !reader.is_empty() {
            let row = match Row::plain(reader.rest(), reader.offset()) {
                Some((row, length)) => {
                    reader.seek(row.offset + length);
                    row
                }
                None => Row::of(&Entry::read(&mut reader)?),
            };
            if row.may_be_critical() {
                row.details(self.indirect)?;
            }
            visit(&row)?;
        }
        Ok(())
    }

    /// # Errors
    /// As [`Self::find`].
    pub(super) fn count(&self, der: &[u8]) -> Result<usize, RevocationError> {
        let mut count = 0;
        self.walk(der, |_| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }
}

/// What a walk looks at of an entry.
struct Row<'a> {
    /// Where the entry begins in the list's bytes.
    offset: usize,
    /// INTEGER content octets.
    serial: &'a [u8],
    /// crlEntryExtensions with tag and length; empty: none.
    extensions: &'a [u8],
}

impl<'a> Row<'a> {
    /// The entry at the beginning of `rest`, where all its lengths are of one octet, as they are in nearly every entry of
    /// every list; and its own length. `None`: it is left to the reader, which knows what is wrong with it, if anything.
    fn plain(rest: &'a [u8], offset: usize) -> Option<(Self, usize)> {
        let [tag::SEQUENCE, length @ ..0x80, body @ ..] = rest else { return None };
        let body = body.get(..usize::from(*length))?;
        let [tag::INTEGER, serial_length @ ..0x80, body @ ..] = body else { return None };
        let (serial, body) = body.split_at_checked(usize::from(*serial_length))?;
        let [_, date_length @ ..0x80, body @ ..] = body else { return None };
        let extensions = body.get(usize::from(*date_length)..)?;
        Some((Self { offset, serial, extensions }, 2 + usize::from(*length)))
    }

    fn of(entry: &Entry<'a>) -> Self {
        Self { offset: entry.offset, serial: entry.serial.content(), extensions: entry.extensions.rest() }
    }

    fn details(&self, indirect: bool) -> Result<Details<'a>, RevocationError> {
        if self.extensions.is_empty() {
            return Ok(Details { reason: None, issuer: None });
        }
        Details::read(Reader::new("revokedCertificates", self.extensions), indirect)
    }

    /// Whether BOOLEAN TRUE, which marks a critical extension, can be among the extensions at all. Reading every entry's
    /// extensions would take most of the time of a walk.
    fn may_be_critical(&self) -> bool {
        let marks = |pair: &[u8]| matches!(pair, [tag::BOOLEAN, 0x01 | 0x81..=0x84]);
        match self.extensions {
            [] => false,
            // A reason and nothing else.
            [head @ .., _] if head == REASON_ALONE => false,
            others => others.windows(2).any(marks),
        }
    }
}

/// DER of crlEntryExtensions that hold a reasonCode alone, up to its value.
const REASON_ALONE: [u8; 13] = [0x30, 12, 0x30, 10, 0x06, 3, 0x55, 0x1d, 0x15, 0x04, 3, 0x0a, 1];

#[cfg(test)]
impl Entries {
    pub(super) fn index_bytes(&self) -> usize {
        let index = self.index.get().and_then(|index| index.as_ref().ok());
        index.map_or(0, |index| 4 * (index.starts.len() + index.offsets.len() + index.changes.len()))
    }
}

/// Where the entries lie, in buckets by a digest of the serial number, and where the issuer changes.
struct Index {
    /// For each bucket where its entries begin in `offsets`, and at last where they all end.
    starts: Box<[u32]>,
    /// Offsets in the list's bytes. Lists are smaller than CRL_BYTES, so they fit.
    offsets: Box<[u32]>,
    /// Offsets of the entries that carry a certificateIssuer, ascending.
    changes: Box<[u32]>,
}

/// Entries in a bucket, about: their serial numbers are compared one by one.
const BUCKET: usize = 16;

/// Bytes of an entry, about; what it is guessed wrong by only makes buckets larger or smaller.
const ENTRY_BYTES: usize = 48;

impl Index {
    /// Two walks: one counts the entries of each bucket, the other puts them there.
    fn of(der: &[u8], entries: &Entries) -> Result<Self, RevocationError> {
        let buckets = (entries.place.of(der).len() / (ENTRY_BYTES * BUCKET)).max(1);
        let mut starts = vec![0_u32; buckets + 1];
        let mut changes = Vec::new();
        entries.walk(der, |row| {
            if let Some(count) = starts.get_mut(bucket(row.serial, buckets) + 1) {
                *count += 1;
            }
            if entries.indirect && row.details(true)?.issuer.is_some() {
                changes.push(short(row.offset));
            }
            Ok(())
        })?;
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut offsets = vec![0_u32; usize::try_from(sum).unwrap_or(0)];
        let mut next = starts.clone();
        entries.walk(der, |row| {
            if let Some(place) = next.get_mut(bucket(row.serial, buckets)) {
                if let Some(offset) = usize::try_from(*place).ok().and_then(|place| offsets.get_mut(place)) {
                    *offset = short(row.offset);
                }
                *place += 1;
            }
            Ok(())
        })?;
        Ok(Self { starts: starts.into(), offsets: offsets.into(), changes: changes.into() })
    }

    fn find(&self, der: &[u8], place: Span, wanted: Wanted<'_>) -> Result<Option<Revoked>, RevocationError> {
        let bucket = bucket(wanted.serial, self.starts.len().saturating_sub(1));
        let bound = |index: usize| self.starts.get(index).and_then(|start| usize::try_from(*start).ok()).unwrap_or(0);
        for offset in self.offsets.get(bound(bucket)..bound(bucket + 1)).unwrap_or_default() {
            let entry = Entry::at(der, place, usize::try_from(*offset).unwrap_or(usize::MAX))?;
            if entry.serial.content() == wanted.serial && self.is_of(der, place, *offset, wanted)? {
                return entry.revoked().map(Some);
            }
        }
        Ok(None)
    }

    /// Whether the entry at `offset` is of a certificate of the wanted issuer: the last certificateIssuer before it says so.
    fn is_of(&self, der: &[u8], place: Span, offset: u32, wanted: Wanted<'_>) -> Result<bool, RevocationError> {
        let after = self.changes.partition_point(|change| *change <= offset);
        let Some(change) = after.checked_sub(1).and_then(|index| self.changes.get(index)) else {
            return Ok(wanted.issuer == wanted.list_issuer);
        };
        let change = Entry::at(der, place, usize::try_from(*change).unwrap_or(usize::MAX))?;
        match Details::read(change.extensions, true)?.issuer {
            Some(names) => names_include(names, wanted.issuer),
            None => Ok(false),
        }
    }
}

fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// FNV-1a. Serial numbers are chosen by the authority whose list this is: it harms itself alone by collisions.
fn bucket(serial: &[u8], buckets: usize) -> usize {
    let digest = serial
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, octet| (digest ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3));
    // The high half, which FNV mixes best, scaled to the number of buckets.
    let scaled = (digest >> 32).wrapping_mul(u64::try_from(buckets).unwrap_or(0)) >> 32;
    usize::try_from(scaled).unwrap_or(0)
}

/// One revoked certificate, its extensions unread.
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

    /// The entry at an offset that a walk told.
    fn at(der: &'a [u8], place: Span, offset: usize) -> Result<Self, Malformed> {
        let mut reader = Reader::at("revokedCertificates", der, place);
        reader.seek(offset);
        Self::read(&mut reader)
    }

    fn revoked(&self) -> Result<Revoked, RevocationError> {
        let reason = if self.extensions.is_empty() { None } else { Details::read(self.extensions, true)?.reason };
        Ok(Revoked { at: asn1_time::read(&self.date)?, reason })
    }
}

/// What the extensions of an entry say.
struct Details<'a> {
    reason: Option<u8>,
    /// certificateIssuer: GeneralNames.
    issuer: Option<&'a [u8]>,
}

impl<'a> Details<'a> {
    /// A critical extension that we do not know forbids the whole list (RFC 5280 5.3); certificateIssuer has a meaning in
    /// indirect lists only.
    fn read(mut entry: Reader<'a>, indirect: bool) -> Result<Self, RevocationError> {
        let mut details = Self { reason: None, issuer: None };
        let mut extensions = entry.sequence("crlEntryExtensions")?;
        while !extensions.is_empty() {
            let extension = Extension::read(&mut extensions)?;
            if extension.oid == oid::REASON_CODE.as_bytes() {
                let mut value = extension.value;
                let code = value.expect(tag::ENUMERATED)?.unsigned()?;
                details.reason = Some(u8::try_from(code).map_err(|_| RevocationError::Malformed("reasonCode"))?);
            } else if indirect && extension.oid == oid::CERTIFICATE_ISSUER.as_bytes() {
                details.issuer = Some(extension.value.rest());
            } else if extension.critical && extension.oid != oid::INVALIDITY_DATE.as_bytes() {
                return Err(RevocationError::OutOfScope("an entry has an unknown critical extension"));
            }
        }
        Ok(details)
    }
}

/// Whether GeneralNames hold the directory name `issuer`.
fn names_include(names: &[u8], issuer: &Canonical) -> Result<bool, RevocationError> {
    let names = GeneralName::rest(read::sole_sequence("certificateIssuer", names)?)?;
    Ok(names.into_iter().any(|name| match name {
        GeneralName::Directory(name) => Canonical::of(name).as_ref() == Some(issuer),
        _ => false,
    }))
}
