//! The frame: ZIP (APPNOTE 6.3) with nothing optional. Every file is stored, its name is ASCII, its size stands before it, its date is the first that
//! there is, and no octet is left to choice: so that a reader compares the frame with the one that it would write.

/// What stands before a file's content: 4.3.7.
pub(super) fn local_header(name: &str, crc: u32, size: u32) -> Vec<u8> {
    let mut header = b"PK\x03\x04".to_vec();
    header.extend_from_slice(&common(name, crc, size));
    header.extend_from_slice(name.as_bytes());
    header
}

/// Octets of a local header without the name.
pub(super) const LOCAL_BYTES: usize = 30;

/// Checksum and size as a local header states them.
pub(super) fn stated(header: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
    Some((field(14)?, field(18)?))
}

/// The checksum.
pub(super) fn crc(content: &[u8]) -> u32 {
    crc32fast::hash(content)
}

/// The central directory, as it grows.
#[derive(Debug, Default)]
pub(super) struct Directory {
    records: Vec<u8>,
    files: u16,
    /// Octets of the archive so far.
    length: u32,
}

impl Directory {
    /// Adds the next file; where its content begins. None: the archive would be larger than the format without its extensions can say, 4 GiB and 65,535
    /// files.
    pub(super) fn add(&mut self, name: &str, crc: u32, size: u32) -> Option<u32> {
        let content = self.length.checked_add(u32::try_from(LOCAL_BYTES + name.len()).ok()?)?;
        let length = content.checked_add(size)?;
        self.files = self.files.checked_add(1).filter(|files| *files < u16::MAX)?;
        // 4.3.12: version made by, then as in the local header, then comment, disk, attributes, offset.
        self.records.extend_from_slice(b"PK\x01\x02\x14\x00");
        self.records.extend_from_slice(&common(name, crc, size));
        self.records.extend_from_slice(&[0; 10]);
        self.records.extend_from_slice(&self.length.to_le_bytes());
        self.records.extend_from_slice(name.as_bytes());
        self.length = length;
        Some(content)
    }

    /// What stands behind the last file: 4.3.12 and 4.3.16. None as of [`Self::add`].
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        let Self { mut records, files, length } = self;
        let size = u32::try_from(records.len()).ok()?;
        length.checked_add(size)?;
        records.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        records.extend_from_slice(&files.to_le_bytes());
        records.extend_from_slice(&files.to_le_bytes());
        records.extend_from_slice(&size.to_le_bytes());
        records.extend_from_slice(&length.to_le_bytes());
        records.extend_from_slice(&[0, 0]);
        Some(records)
    }
}

/// From the version on to the length of the extra field: the same in both headers.
fn common(name: &str, crc: u32, size: u32) -> [u8; 26] {
    let mut fields = [0; 26];
    // Version 2.0, no flags, stored, midnight, 1 January 1980.
    fields[..10].copy_from_slice(&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
    fields[10..14].copy_from_slice(&crc.to_le_bytes());
    fields[14..18].copy_from_slice(&size.to_le_bytes());
    fields[18..22].copy_from_slice(&size.to_le_bytes());
    // Names are the plan's: some thirty characters.
    fields[22..24].copy_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    fields
}
