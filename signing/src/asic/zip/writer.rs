//! Headers of archives that we write: stored entries, no extra fields but ZIP64 where a number needs it, one fixed date, so that the same
//! content gives the same archive.

/// Fields of 16 and 32 bits that say: see the ZIP64 field.
const IN_ZIP64_16: u16 = u16::MAX;
const IN_ZIP64_32: u32 = u32::MAX;
const ZIP64: u16 = 0x0001;

/// APPNOTE 4.4.3: version 2.0 for the ordinary, 4.5 for ZIP64.
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;
/// Flag bit 11: the name is in UTF-8.
const UTF8: u16 = 1 << 11;
/// 1980-01-01 00:00, the first moment that the format knows.
const DATE: u16 = (1 << 5) | 1;

/// A stored entry, whose content follows its local header.
#[derive(Debug, Clone)]
pub(in crate::asic) struct Planned {
    pub(in crate::asic) name: String,
    pub(in crate::asic) crc: u32,
    pub(in crate::asic) size: u64,
    /// Where the local header begins.
    pub(in crate::asic) offset: u64,
}

impl Planned {
    /// The local header, APPNOTE 4.3.7.
    pub(in crate::asic) fn local_header(&self) -> Vec<u8> {
        let zip64 = if is_wide(self.size) { vec![self.size; 2] } else { Vec::new() };
        let mut out = b"PK\x03\x04".to_vec();
        self.describe(&mut out, !zip64.is_empty(), zip64.len());
        out.extend(self.name.as_bytes());
        extend_zip64(&mut out, &zip64);
        out
    }

    /// Octets of the entry.
    pub(in crate::asic) fn whole_size(&self) -> u64 {
        self.size.saturating_add(self.local_header().len() as u64)
    }

    /// The central header, APPNOTE 4.3.12.
    fn central_header(&self) -> Vec<u8> {
        let mut zip64 = if is_wide(self.size) { vec![self.size; 2] } else { Vec::new() };
        zip64.extend(is_wide(self.offset).then_some(self.offset));
        let mut out = b"PK\x01\x02".to_vec();
        out.extend(version(!zip64.is_empty()).to_le_bytes());
        self.describe(&mut out, !zip64.is_empty(), zip64.len());
        // Comment, disk, internal and external attributes: none.
        out.extend([0; 10]);
        out.extend(narrow(self.offset).to_le_bytes());
        out.extend(self.name.as_bytes());
        extend_zip64(&mut out, &zip64);
        out
    }

    /// What local and central header have in common.
    fn describe(&self, out: &mut Vec<u8>, wide: bool, zip64_numbers: usize) {
        let flags = if self.name.is_ascii() { 0 } else { UTF8 };
        for number in [version(wide), flags, 0, 0, DATE] {
            out.extend(number.to_le_bytes());
        }
        for number in [self.crc, narrow(self.size), narrow(self.size)] {
            out.extend(number.to_le_bytes());
        }
        // Names are at most 1,024 octets long, and there are at most three numbers.
        let extra = if zip64_numbers == 0 { 0 } else { 4 + 8 * zip64_numbers };
        for length in [self.name.len(), extra] {
            out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        }
    }
}

/// Central directory and end, to stand at `offset`.
pub(in crate::asic) fn directory(entries: &[Planned], offset: u64) -> Vec<u8> {
    let mut out: Vec<u8> = entries.iter().flat_map(Planned::central_header).collect();
    let (count, size) = (entries.len() as u64, out.len() as u64);
    if is_wide(size) || is_wide(offset) || count >= u64::from(IN_ZIP64_16) {
        let at = offset.saturating_add(size);
        out.extend(b"PK\x06\x06");
        out.extend(44_u64.to_le_bytes());
        out.extend([VERSION_ZIP64.to_le_bytes(), VERSION_ZIP64.to_le_bytes()].concat());
        out.extend([0; 8]);
        [count, count, size, offset].iter().for_each(|number| out.extend(number.to_le_bytes()));
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(at.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    let count = u16::try_from(count).unwrap_or(IN_ZIP64_16);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend([narrow(size).to_le_bytes(), narrow(offset).to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

/// Whether a number needs the ZIP64 field; the largest that fits is taken for the mark.
fn is_wide(number: u64) -> bool {
    number >= u64::from(IN_ZIP64_32)
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_ZIP64_32)
}

fn version(wide: bool) -> u16 {
    if wide { VERSION_ZIP64 } else { VERSION }
}

fn extend_zip64(out: &mut Vec<u8>, numbers: &[u64]) {
    if !numbers.is_empty() {
        out.extend(ZIP64.to_le_bytes());
        out.extend(u16::try_from(8 * numbers.len()).unwrap_or(u16::MAX).to_le_bytes());
        numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Archive, Limits, Source, SourceError};
    use super::*;

    /// Headers at their places, and zeros where the content would be.
    struct Sparse(Vec<(u64, Vec<u8>)>);

    impl Source for Sparse {
        fn size(&self) -> u64 {
            self.0.iter().map(|(at, bytes)| at + bytes.len() as u64).max().unwrap_or(0)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
            for (at, octet) in (offset..).zip(buffer.iter_mut()) {
                let place = self.0.iter().find(|(start, bytes)| (*start..start + bytes.len() as u64).contains(&at));
                *octet = place.map_or(0, |(start, bytes)| bytes[usize::try_from(at - start).unwrap()]);
            }
            Ok(())
        }
    }

    #[test]
    fn archives_past_four_gigabytes_are_read_as_they_were_written() {
        const FIVE_GIB: u64 = 5 << 30;
        let mut entries = Vec::new();
        let (mut offset, mut pieces) = (0, Vec::new());
        for (name, size) in [("mimetype", 31), ("великий.bin", FIVE_GIB), ("b", 7), ("c", u64::from(u32::MAX))] {
            let planned = Planned { name: name.into(), crc: 0, size, offset };
            pieces.push((offset, planned.local_header()));
            offset += planned.whole_size();
            entries.push(planned);
        }
        pieces.push((offset, directory(&entries, offset)));
        let limits = Limits { inflated: 1 << 40, ..Limits::default() };
        let archive = Archive::read(Sparse(pieces), &limits).unwrap();
        let found: Vec<(&str, u64)> = archive.entries().iter().map(|entry| (entry.name(), entry.size())).collect();
        assert_eq!(found, [("mimetype", 31), ("великий.bin", FIVE_GIB), ("b", 7), ("c", u64::from(u32::MAX))]);
    }
}
