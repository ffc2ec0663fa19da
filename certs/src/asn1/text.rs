//! Character strings of directory attributes.
use super::tag;
use std::borrow::Cow;

/// The text of a string element; `None` where the tag is no string type or the octets are not of its alphabet.
///
/// T.61 is read as Latin-1, which is what its issuers meant. PrintableString and its kin are read as UTF-8, because
/// certificates put Cyrillic there.
pub(crate) fn decode(tag: u8, content: &[u8]) -> Option<Cow<'_, str>> {
    match tag {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::NUMERIC_STRING | tag::VISIBLE_STRING => {
            std::str::from_utf8(content).ok().map(Cow::Borrowed)
        }
        tag::TELETEX_STRING => Some(Cow::Owned(content.iter().map(|byte| char::from(*byte)).collect())),
        tag::BMP_STRING => {
            let (units, rest) = content.as_chunks::<2>();
            let text = char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit))).collect::<Result<_, _>>();
            text.ok().filter(|_| rest.is_empty()).map(Cow::Owned)
        }
        tag::UNIVERSAL_STRING => {
            let (units, rest) = content.as_chunks::<4>();
            let text = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect::<Option<_>>();
            text.filter(|_| rest.is_empty()).map(Cow::Owned)
        }
        _ => None,
    }
}
