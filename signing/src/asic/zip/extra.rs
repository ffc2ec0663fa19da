//! Extra fields, APPNOTE 4.5: only what changes how an entry is read is looked at.

use super::ContainerError;
use super::fields::Fields;

const ZIP64: u16 = 0x0001;
/// Info-ZIP: the name again, in UTF-8. A reader that heeds it would see another name.
const UNICODE_PATH: u16 = 0x7075;
const AES_ENCRYPTION: u16 = 0x9901;

/// What the extra fields of one header say.
#[derive(Default)]
pub(super) struct Extra<'a> {
    /// The content of the ZIP64 field.
    pub(super) zip64: Option<Fields<'a>>,
}

impl<'a> Extra<'a> {
    /// `name`: that of the header.
    pub(super) fn read(bytes: &'a [u8], name: &[u8]) -> Result<Self, ContainerError> {
        let mut found = Self::default();
        let mut fields = Fields::new(bytes);
        while !fields.is_empty() {
            let malformed = |_| ContainerError::ExtraField;
            let kind = fields.u16().map_err(malformed)?;
            let length = fields.u16().map_err(malformed)?;
            let content = fields.take(usize::from(length)).map_err(malformed)?;
            match kind {
                ZIP64 if found.zip64.is_some() => return Err(ContainerError::Zip64),
                ZIP64 => found.zip64 = Some(Fields::new(content)),
                // One octet of version, four of CRC-32 of the name in the header, then the name.
                UNICODE_PATH if content.get(5..) != Some(name) => return Err(ContainerError::ExtraField),
                AES_ENCRYPTION => return Err(ContainerError::Encrypted),
                _ => {}
            }
        }
        Ok(found)
    }
}
