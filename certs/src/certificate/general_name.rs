//! GeneralName (RFC 5280 4.2.1.6).
use crate::asn1::{Malformed, Reader, tag};

/// One name, borrowed from the certificate. Text forms are IA5: anything beyond ASCII is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GeneralName<'a> {
    Email(&'a str),
    Dns(&'a str),
    /// DER of the Name.
    Directory(&'a [u8]),
    Uri(&'a str),
    /// Four or sixteen octets; in constraints twice as many.
    Ip(&'a [u8]),
    /// A form whose meaning we do not know, with its tag.
    Other(u8),
}

impl<'a> GeneralName<'a> {
    /// The next name of `reader`.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let element = reader.any()?;
        let ascii = || {
            let text = std::str::from_utf8(element.content()).ok().filter(|text| text.is_ascii());
            text.ok_or(Malformed("GeneralName"))
        };
        const EMAIL: u8 = tag::context(1);
        const DNS: u8 = tag::context(2);
        const DIRECTORY: u8 = tag::constructed(4);
        const URI: u8 = tag::context(6);
        const IP: u8 = tag::context(7);
        Ok(match element.tag() {
            EMAIL => Self::Email(ascii()?),
            DNS => Self::Dns(ascii()?),
            DIRECTORY => {
                let mut explicit = element.reader("directoryName");
                let name = explicit.expect(tag::SEQUENCE)?;
                explicit.finish()?;
                crate::name::attributes(name.raw())?;
                Self::Directory(name.raw())
            }
            URI => Self::Uri(ascii()?),
            IP => Self::Ip(element.content()),
            other if other & 0xc0 == 0x80 => Self::Other(other),
            _ => return Err(Malformed("GeneralName")),
        })
    }

    /// Every name of a GeneralNames SEQUENCE that is all of `bytes`.
    pub(crate) fn read_all(bytes: &'a [u8]) -> Result<Vec<Self>, Malformed> {
        Self::rest(crate::asn1::read::sole_sequence("GeneralNames", bytes)?)
    }

    /// Every name up to the end of `reader`; at least one (SIZE (1..MAX)).
    pub(crate) fn rest(mut reader: Reader<'a>) -> Result<Vec<Self>, Malformed> {
        let mut names = vec![Self::read(&mut reader)?];
        while !reader.is_empty() {
            names.push(Self::read(&mut reader)?);
        }
        Ok(names)
    }
}
