//! Local headers, APPNOTE 4.3.6 to 4.3.9: each says what the central one says, and with their data they fill the archive up to the
//! central directory without gap or overlap.

use super::extra::Extra;
use super::fields::Fields;
use super::{ContainerError, Entry, FLAG_DESCRIPTOR, FLAGS_COMPARED, Source, read_vec};

const HEADER: &[u8; 4] = b"PK\x03\x04";
const HEADER_OCTETS: u64 = 30;
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
const IN_ZIP64: u32 = u32::MAX;

/// Checks the whole space before the central directory, and notes where each entry's data begins.
pub(super) fn check<S: Source>(source: &S, entries: &mut [Entry], directory: u64) -> Result<(), ContainerError> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries.get(*index).map(|entry| entry.header));
    let mut expected = 0;
    for (position, index) in order.iter().enumerate() {
        let next = order.get(position + 1).and_then(|next| entries.get(*next)).map_or(directory, |next| next.header);
        let Some(entry) = entries.get_mut(*index) else { continue };
        expect_at(entry.header, expected)?;
        expected = check_entry(source, entry, next)?;
    }
    expect_at(directory, expected)
}

fn expect_at(found: u64, expected: u64) -> Result<(), ContainerError> {
    match found.cmp(&expected) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(ContainerError::DataOutside),
        std::cmp::Ordering::Less => Err(ContainerError::Overlap),
    }
}

/// Checks one local header and what follows its data; gives the end of the entry. `next`: where the next structure begins.
fn check_entry<S: Source>(source: &S, entry: &mut Entry, next: u64) -> Result<u64, ContainerError> {
    let fixed = read_vec(source, entry.header, HEADER_OCTETS)?;
    let mut fields = Fields::new(&fixed);
    if fields.take(HEADER.len())? != HEADER {
        return Err(ContainerError::HeadersDisagree);
    }
    let (_needed, flags, method) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let (_time, _date, crc) = (fields.u16()?, fields.u16()?, fields.u32()?);
    let (compressed, size) = (fields.u32()?, fields.u32()?);
    let (name_length, extra_length) = (fields.u16()?, fields.u16()?);
    let variable_at = entry.header.saturating_add(HEADER_OCTETS);
    let variable = read_vec(source, variable_at, u64::from(name_length) + u64::from(extra_length))?;
    let mut rest = Fields::new(&variable);
    let name = rest.take(usize::from(name_length))?;
    let extra = Extra::read(rest.take(usize::from(extra_length))?, name)?;
    if name != entry.name.as_bytes()
        || flags & FLAGS_COMPARED != entry.flags & FLAGS_COMPARED
        || method != entry.method.number()
    {
        return Err(ContainerError::HeadersDisagree);
    }
    check_sizes(entry, crc, compressed, size, extra)?;
    entry.data = variable_at.saturating_add(variable.len() as u64);
    entry.local_extra = extra_length != 0;
    let data_end = entry.data.checked_add(entry.compressed).ok_or(ContainerError::CutShort)?;
    if flags & FLAG_DESCRIPTOR == 0 {
        return Ok(data_end);
    }
    let gap = next.checked_sub(data_end).ok_or(ContainerError::Overlap)?;
    check_descriptor(source, entry, data_end, gap)
}

/// The values of the local header are those of the central one. Where a data descriptor follows, they may be zero.
fn check_sizes(entry: &Entry, crc: u32, compressed: u32, size: u32, extra: Extra<'_>) -> Result<(), ContainerError> {
    let later = entry.flags & FLAG_DESCRIPTOR != 0;
    let same = |found: u64, expected: u64| found == expected || (later && found == 0);
    let (mut full_size, mut full_compressed) = (u64::from(size), u64::from(compressed));
    if let Some(mut zip64) = extra.zip64 {
        // APPNOTE, 4.5.3: in a local header both sizes stand there.
        let both = (zip64.u64(), zip64.u64());
        let (Ok(zip64_size), Ok(zip64_compressed), true) = (both.0, both.1, zip64.is_empty()) else {
            return Err(ContainerError::Zip64);
        };
        let honest = |plain: u32, full: u64| plain == IN_ZIP64 || u64::from(plain) == full || (later && plain == 0);
        if !honest(size, zip64_size) || !honest(compressed, zip64_compressed) {
            return Err(ContainerError::Zip64);
        }
        (full_size, full_compressed) = (zip64_size, zip64_compressed);
    }
    if same(u64::from(crc), u64::from(entry.crc))
        && same(full_size, entry.size)
        && same(full_compressed, entry.compressed)
    {
        return Ok(());
    }
    Err(ContainerError::HeadersDisagree)
}

/// Reads the data descriptor, of which there are four forms: with and without signature, with sizes of four or eight octets. Which
/// one it is the space up to the next structure tells.
fn check_descriptor<S: Source>(source: &S, entry: &Entry, at: u64, gap: u64) -> Result<u64, ContainerError> {
    let (signed, wide) = match gap {
        12 => (false, false),
        16 => (true, false),
        20 => (false, true),
        24 => (true, true),
        25.. => return Err(ContainerError::DataOutside),
        _ => return Err(ContainerError::DataDescriptor),
    };
    let bytes = read_vec(source, at, gap)?;
    let mut fields = Fields::new(&bytes);
    if signed && fields.take(DESCRIPTOR.len())? != DESCRIPTOR {
        return Err(ContainerError::DataDescriptor);
    }
    let crc = fields.u32()?;
    let mut number = || if wide { fields.u64() } else { fields.u32().map(u64::from) };
    let (compressed, size) = (number()?, number()?);
    if (crc, compressed, size) != (entry.crc, entry.compressed, entry.size) {
        return Err(ContainerError::DataDescriptor);
    }
    Ok(at.saturating_add(gap))
}
