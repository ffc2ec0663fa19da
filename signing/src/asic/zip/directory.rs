//! The end of the archive and its central directory, APPNOTE 4.3.12 to 4.3.16.

use super::extra::Extra;
use super::fields::Fields;
use super::{ContainerError, Entry, Limits, Method, Source, name, read_vec};

const END: &[u8; 4] = b"PK\x05\x06";
const END_OCTETS: usize = 22;
const ZIP64_LOCATOR: &[u8; 4] = b"PK\x06\x07";
const ZIP64_LOCATOR_OCTETS: u64 = 20;
const ZIP64_END: &[u8; 4] = b"PK\x06\x06";
const ZIP64_END_OCTETS: u64 = 56;
const HEADER: &[u8; 4] = b"PK\x01\x02";

/// Octets of the archive's comment. Producers name themselves there; the format allows 65,535.
const LONGEST_COMMENT: usize = 4096;
/// Octets of the central directory: an ordinary entry has 46 and its name. It is held in memory.
const LONGEST_DIRECTORY: u64 = 2 * 1024 * 1024;

/// In a field of 16 or 32 bits: see the ZIP64 field.
const IN_ZIP64_16: u16 = u16::MAX;
const IN_ZIP64_32: u32 = u32::MAX;

/// Where the central directory lies.
pub(super) struct Directory {
    entries: u64,
    pub(super) offset: u64,
    size: u64,
    pub(super) comment: Vec<u8>,
}

/// What the end of the central directory says.
struct End {
    at: u64,
    entries: u16,
    size: u32,
    offset: u32,
    comment: Vec<u8>,
}

impl Directory {
    /// Finds the central directory; nothing may lie between it and the end of the file but what describes it.
    pub(super) fn find<S: Source>(source: &S) -> Result<Self, ContainerError> {
        let end = find_end(source)?;
        let plain = u64::from(end.offset).saturating_add(u64::from(end.size));
        let in_zip64 = end.entries == IN_ZIP64_16 || end.size == IN_ZIP64_32 || end.offset == IN_ZIP64_32;
        if !in_zip64 && plain == end.at {
            let (entries, offset, size) = (u64::from(end.entries), u64::from(end.offset), u64::from(end.size));
            return Ok(Self { entries, offset, size, comment: end.comment });
        }
        match find_zip64_end(source, &end)? {
            Some(directory) => Ok(directory),
            None if in_zip64 => Err(ContainerError::Zip64),
            None if plain < end.at => Err(ContainerError::DataOutside),
            None => Err(ContainerError::CutShort),
        }
    }

    /// The entries in the order of the directory. Their names are distinct and their sizes within the limits.
    pub(super) fn entries<S: Source>(&self, source: &S, limits: &Limits) -> Result<Vec<Entry>, ContainerError> {
        if self.entries > limits.entries || self.size > LONGEST_DIRECTORY {
            return Err(ContainerError::TooManyEntries);
        }
        let bytes = read_vec(source, self.offset, self.size)?;
        let mut fields = Fields::new(&bytes);
        let mut entries = Vec::new();
        while !fields.is_empty() {
            entries.push(read_header(&mut fields)?);
        }
        if u64::try_from(entries.len()) != Ok(self.entries) {
            return Err(ContainerError::CentralDirectory);
        }
        Ok(entries)
    }
}

/// The end of the central directory: the last one, whose comment ends with the file, and the only such one.
fn find_end<S: Source>(source: &S) -> Result<End, ContainerError> {
    let longest = (END_OCTETS + usize::from(u16::MAX)) as u64;
    let tail_at = source.size().saturating_sub(longest);
    let tail = read_vec(source, tail_at, source.size() - tail_at)?;
    let ends = tail.windows(END.len()).enumerate().filter(|(_, bytes)| bytes == END).map(|(at, _)| at);
    let reaches_end =
        |at: &usize| comment_length(&tail, *at).is_some_and(|length| at + END_OCTETS + length == tail.len());
    let at = ends.clone().next_back().ok_or(ContainerError::NotZip)?;
    if !reaches_end(&at) {
        let length = comment_length(&tail, at).ok_or(ContainerError::CutShort)?;
        let fault =
            if at + END_OCTETS + length < tail.len() { ContainerError::DataOutside } else { ContainerError::CutShort };
        return Err(fault);
    }
    if ends.filter(reaches_end).count() != 1 {
        return Err(ContainerError::AmbiguousEnd);
    }
    let mut fields = Fields::new(tail.get(at + END.len()..).unwrap_or_default());
    let (disk, disk_of_directory) = (fields.u16()?, fields.u16()?);
    let (entries_here, entries) = (fields.u16()?, fields.u16()?);
    let (size, offset, comment) = (fields.u32()?, fields.u32()?, fields.u16()?);
    if disk != 0 || disk_of_directory != 0 || entries_here != entries {
        return Err(ContainerError::SeveralDisks);
    }
    if usize::from(comment) > LONGEST_COMMENT {
        return Err(ContainerError::Comment);
    }
    let comment = fields.take(usize::from(comment))?.to_vec();
    Ok(End { at: tail_at + at as u64, entries, size, offset, comment })
}

fn comment_length(tail: &[u8], at: usize) -> Option<usize> {
    let field = tail.get(at..)?.get(END_OCTETS - 2..END_OCTETS)?;
    Some(usize::from(u16::from_le_bytes(field.try_into().ok()?)))
}

/// The ZIP64 end of the central directory, where its locator stands before `end`. Both must say the same.
fn find_zip64_end<S: Source>(source: &S, end: &End) -> Result<Option<Directory>, ContainerError> {
    let Some(locator_at) = end.at.checked_sub(ZIP64_LOCATOR_OCTETS) else { return Ok(None) };
    let locator = read_vec(source, locator_at, ZIP64_LOCATOR_OCTETS)?;
    let mut fields = Fields::new(&locator);
    if fields.take(ZIP64_LOCATOR.len())? != ZIP64_LOCATOR {
        return Ok(None);
    }
    let (disk, at, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
    if disk != 0 || disks > 1 {
        return Err(ContainerError::SeveralDisks);
    }
    // No extensible data: the structure lies right before its locator.
    if at.checked_add(ZIP64_END_OCTETS) != Some(locator_at) {
        return Err(ContainerError::Zip64);
    }
    let structure = read_vec(source, at, ZIP64_END_OCTETS)?;
    let mut fields = Fields::new(&structure);
    if fields.take(ZIP64_END.len())? != ZIP64_END || fields.u64()? != ZIP64_END_OCTETS - 12 {
        return Err(ContainerError::Zip64);
    }
    let (_made_by, _needed) = (fields.u16()?, fields.u16()?);
    let (disk, disk_of_directory, entries_here) = (fields.u32()?, fields.u32()?, fields.u64()?);
    let (entries, size, offset) = (fields.u64()?, fields.u64()?, fields.u64()?);
    if disk != 0 || disk_of_directory != 0 || entries_here != entries {
        return Err(ContainerError::SeveralDisks);
    }
    let honest = (end.entries == IN_ZIP64_16 || u64::from(end.entries) == entries)
        && (end.size == IN_ZIP64_32 || u64::from(end.size) == size)
        && (end.offset == IN_ZIP64_32 || u64::from(end.offset) == offset);
    if !honest {
        return Err(ContainerError::Zip64);
    }
    match offset.checked_add(size) {
        Some(directory_end) if directory_end == at => {
            Ok(Some(Directory { entries, offset, size, comment: end.comment.clone() }))
        }
        Some(directory_end) if directory_end < at => Err(ContainerError::DataOutside),
        _ => Err(ContainerError::CutShort),
    }
}

/// One central header.
fn read_header(fields: &mut Fields<'_>) -> Result<Entry, ContainerError> {
    if fields.take(HEADER.len())? != HEADER {
        return Err(ContainerError::CentralDirectory);
    }
    let (made_by, _needed, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?, fields.u16()?);
    let (_time, _date, crc) = (fields.u16()?, fields.u16()?, fields.u32()?);
    let (compressed, size) = (fields.u32()?, fields.u32()?);
    let (name_length, extra_length, comment_length) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let (disk, _internal, external, offset) = (fields.u16()?, fields.u16()?, fields.u32()?, fields.u32()?);
    let raw_name = fields.take(usize::from(name_length))?;
    let extra = Extra::read(fields.take(usize::from(extra_length))?, raw_name)?;
    let _comment = fields.take(usize::from(comment_length))?;
    let (size, compressed, offset) = resolve_zip64(extra, size, compressed, offset, disk)?;
    check_kind(made_by, external)?;
    let entry = Entry {
        name: name::read(raw_name)?.to_owned(),
        method: Method::read(method, flags)?,
        flags,
        crc,
        compressed,
        size,
        header: offset,
        data: offset,
        local_extra: false,
    };
    // A folder has no content; some writers deflate nothing, which takes two octets.
    if entry.is_directory() && (size != 0 || compressed > 2) {
        return Err(ContainerError::DirectoryContent);
    }
    if entry.method == Method::Stored && size != compressed {
        return Err(ContainerError::DamagedEntry);
    }
    Ok(entry)
}

/// APPNOTE, 4.5.3: the ZIP64 field holds exactly those values that do not stand in the header.
fn resolve_zip64(
    extra: Extra<'_>,
    size: u32,
    compressed: u32,
    offset: u32,
    disk: u16,
) -> Result<(u64, u64, u64), ContainerError> {
    let mut zip64 = extra.zip64.unwrap_or_else(|| Fields::new(&[]));
    let mut resolve = |value: u32| match value {
        IN_ZIP64_32 => zip64.u64().map_err(|_| ContainerError::Zip64),
        value => Ok(u64::from(value)),
    };
    let resolved = (resolve(size)?, resolve(compressed)?, resolve(offset)?);
    let disk = if disk == IN_ZIP64_16 { zip64.u32().map_err(|_| ContainerError::Zip64)? } else { u32::from(disk) };
    if disk != 0 {
        return Err(ContainerError::SeveralDisks);
    }
    if zip64.is_empty() { Ok(resolved) } else { Err(ContainerError::Zip64) }
}

/// Regular files and directories only. The high half of the external attributes is the mode where a Unix wrote them.
fn check_kind(made_by: u16, external: u32) -> Result<(), ContainerError> {
    const UNIX: u16 = 3;
    const MACOS: u16 = 19;
    const KIND: u32 = 0o170_000;
    let kind = (external >> 16) & KIND;
    if matches!(made_by >> 8, UNIX | MACOS) && !matches!(kind, 0 | 0o100_000 | 0o040_000) {
        return Err(ContainerError::SpecialFile);
    }
    Ok(())
}
