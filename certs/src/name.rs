//! Distinguished names: their text (RFC 4514) and when two of them are the same (RFC 5280 7.1).
//!
//! Divergence: comparison folds case and white space of every string type, but applies no Unicode normalisation (RFC 4518
//! wants NFKC): two names that differ only in how an accent is composed are different names here.
use crate::asn1::{Malformed, Reader, oid, read, tag, text, write};

/// One attribute of a relative distinguished name.
pub(crate) struct Attribute<'a> {
    /// Index of the relative distinguished name that it belongs to, from the root of the directory.
    pub(crate) rdn: usize,
    /// OBJECT IDENTIFIER content octets.
    pub(crate) oid: &'a [u8],
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    /// The value with its tag and length.
    pub(crate) raw: &'a [u8],
}

/// The attributes of a Name in the order of the encoding.
pub(crate) fn attributes(name_der: &[u8]) -> Result<Vec<Attribute<'_>>, Malformed> {
    let mut rdns = read::sole_sequence("name", name_der)?;
    let mut attributes = Vec::new();
    let mut rdn = 0;
    while !rdns.is_empty() {
        let mut members = rdns.expect(tag::SET)?.reader("name");
        while !members.is_empty() {
            let mut attribute = members.sequence("name")?;
            let oid = attribute.expect(tag::OBJECT_IDENTIFIER)?.content();
            let value = attribute.any()?;
            attribute.finish()?;
            attributes.push(Attribute { rdn, oid, tag: value.tag(), value: value.content(), raw: value.raw() });
        }
        rdn += 1;
    }
    Ok(attributes)
}

/// Text of the DER of a Name, RFC 4514: the last relative distinguished name first. `None` where it is malformed.
///
/// Beyond what the RFC demands, control and bidirectional formatting characters are written as hexadecimal pairs, so that a
/// name cannot rearrange the line that it is shown in.
#[must_use]
pub fn rfc4514(name_der: &[u8]) -> Option<String> {
    let attributes = attributes(name_der).ok()?;
    let mut text = String::new();
    let mut end = attributes.len();
    while let Some(last) = end.checked_sub(1).and_then(|index| attributes.get(index)) {
        let members = attributes.get(..end)?.iter().rev().take_while(|attribute| attribute.rdn == last.rdn).count();
        let start = end - members;
        for (index, attribute) in attributes.get(start..end)?.iter().enumerate() {
            if !text.is_empty() {
                text.push(if index == 0 { ',' } else { '+' });
            }
            push_attribute(&mut text, attribute);
        }
        end = start;
    }
    Some(text)
}

/// Whether two Names in DER are the same by RFC 5280 7.1: attribute by attribute, case and runs of white space folded,
/// whatever string types encode them. A malformed name equals only its own octets.
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left == right || matches!((Canonical::of(left), Canonical::of(right)), (Some(left), Some(right)) if left == right)
}

/// A name in the form in which equal names are equal octets: one entry for each relative distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Canonical(Box<[Box<[u8]>]>);

impl Canonical {
    pub(crate) fn of(name_der: &[u8]) -> Option<Self> {
        let attributes = attributes(name_der).ok()?;
        let mut rdns = Vec::new();
        let mut rest = attributes.as_slice();
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|attribute| attribute.rdn == first.rdn).count();
            let (members, tail) = rest.split_at_checked(count)?;
            let mut encoded: Vec<Vec<u8>> = members.iter().map(canonical_attribute).collect();
            encoded.sort();
            rdns.push(encoded.concat().into_boxed_slice());
            rest = tail;
        }
        Some(Self(rdns.into_boxed_slice()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this name lies in the subtree of `base`: `base`'s relative distinguished names come first.
    pub(crate) fn is_within(&self, base: &Self) -> bool {
        self.0.starts_with(&base.0)
    }

    /// The name one relative distinguished name below this one (`nameRelativeToCRLIssuer`, RFC 5280 4.2.1.13).
    pub(crate) fn child(&self, rdn: &Self) -> Self {
        Self(self.0.iter().chain(rdn.0.iter()).cloned().collect())
    }
}

fn canonical_attribute(attribute: &Attribute<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(attribute.oid.len() + attribute.value.len() + 16);
    push_counted(&mut out, attribute.oid);
    match text::decode(attribute.tag, attribute.value) {
        Some(text) => {
            let mut folded = String::with_capacity(text.len());
            for word in text.split_whitespace() {
                if !folded.is_empty() {
                    folded.push(' ');
                }
                folded.extend(word.chars().flat_map(char::to_lowercase));
            }
            out.push(0);
            push_counted(&mut out, folded.as_bytes());
        }
        None => {
            out.push(1);
            push_counted(&mut out, attribute.raw);
        }
    }
    out
}

fn push_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&bytes.len().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn push_attribute(text: &mut String, attribute: &Attribute<'_>) {
    match (short_name(attribute.oid), text::decode(attribute.tag, attribute.value)) {
        (Some(name), Some(value)) => {
            text.push_str(name);
            text.push('=');
            push_escaped(text, &value);
        }
        (_, value) => {
            // RFC 4514 2.4: a type without a name is followed by the hexadecimal of its BER value. Where the value is
            // text, the text is of more use to the reader than its octets, so only other values are written so.
            text.push_str(&oid::dotted(attribute.oid).unwrap_or_else(|| String::from("?")));
            text.push('=');
            match value {
                Some(value) => push_escaped(text, &value),
                None => {
                    text.push('#');
                    text.push_str(&crypto::digest::hex(attribute.raw));
                }
            }
        }
    }
}

fn push_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                text.push('\\');
                text.push(character);
            }
            '#' | ' ' if index == 0 => {
                text.push('\\');
                text.push(character);
            }
            ' ' if index == last => text.push_str("\\ "),
            _ if character.is_control() || is_formatting(character) => {
                let mut buffer = [0; 4];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    text.push('\\');
                    text.push_str(&crypto::digest::hex(&[byte]));
                }
            }
            _ => text.push(character),
        }
    }
}

/// Characters that change the direction or the visibility of what follows.
fn is_formatting(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Attribute descriptors: RFC 4514 3 and RFC 4519, RFC 2985, ETSI EN 319 412-1.
const SHORT_NAMES: [(const_oid::ObjectIdentifier, &str); 20] = {
    const fn oid(text: &str) -> const_oid::ObjectIdentifier {
        const_oid::ObjectIdentifier::new_unwrap(text)
    }
    [
        (oid::COMMON_NAME, "CN"),
        (oid("2.5.4.4"), "sn"),
        (oid::SERIAL_NUMBER, "serialNumber"),
        (oid::COUNTRY, "C"),
        (oid("2.5.4.7"), "L"),
        (oid("2.5.4.8"), "ST"),
        (oid("2.5.4.9"), "STREET"),
        (oid::ORGANISATION, "O"),
        (oid("2.5.4.11"), "OU"),
        (oid("2.5.4.12"), "title"),
        (oid("2.5.4.13"), "description"),
        (oid("2.5.4.17"), "postalCode"),
        (oid("2.5.4.42"), "givenName"),
        (oid("2.5.4.43"), "initials"),
        (oid("2.5.4.46"), "dnQualifier"),
        (oid("2.5.4.65"), "pseudonym"),
        (oid::ORGANISATION_IDENTIFIER, "organizationIdentifier"),
        (oid::EMAIL_ADDRESS, "emailAddress"),
        (oid("0.9.2342.19200300.100.1.1"), "UID"),
        (oid("0.9.2342.19200300.100.1.25"), "DC"),
    ]
};

fn short_name(oid: &[u8]) -> Option<&'static str> {
    SHORT_NAMES.iter().find(|(known, _)| known.as_bytes() == oid).map(|(_, name)| *name)
}

/// The text values of the attributes of one type.
pub(crate) fn values<'a>(name_der: &'a [u8], oid: &const_oid::ObjectIdentifier) -> Vec<std::borrow::Cow<'a, str>> {
    let attributes = attributes(name_der).unwrap_or_default();
    let of_type = attributes.into_iter().filter(|attribute| attribute.oid == oid.as_bytes());
    of_type.filter_map(|attribute| text::decode(attribute.tag, attribute.value)).collect()
}

/// A name of one relative distinguished name, from a SET of attributes under whatever tag.
pub(crate) fn of_rdn(relative: &[u8]) -> Option<Canonical> {
    let mut reader = Reader::new("name", relative);
    let members = reader.any().ok()?;
    reader.finish().ok()?;
    Canonical::of(&write::sequence(&[&write::element(tag::SET, members.content())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(rdns: &[&[(&const_oid::ObjectIdentifier, u8, &[u8])]]) -> Vec<u8> {
        let rdns = rdns.iter().map(|rdn| {
            let members =
                rdn.iter().map(|(oid, tag, value)| write::sequence(&[&write::oid(oid), &write::element(*tag, value)]));
            write::set_of(members.collect())
        });
        write::element(tag::SEQUENCE, &rdns.collect::<Vec<_>>().concat())
    }

    #[test]
    fn text_is_escaped_and_runs_from_leaf_to_root() {
        let der = name(&[
            &[(&oid::COUNTRY, tag::PRINTABLE_STRING, b"UA")],
            &[(&oid::ORGANISATION, tag::UTF8_STRING, "ТОВ \"Вузол\", Луцьк".as_bytes())],
            &[(&oid::COMMON_NAME, tag::UTF8_STRING, b" #1 "), (&oid::SERIAL_NUMBER, tag::PRINTABLE_STRING, b"7")],
        ]);
        assert_eq!(rfc4514(&der).unwrap(), "serialNumber=7+CN=\\ #1\\ ,O=ТОВ \\\"Вузол\\\"\\, Луцьк,C=UA");
        let spoof = name(&[&[(&oid::COMMON_NAME, tag::UTF8_STRING, "a\u{202e}b\n".as_bytes())]]);
        assert_eq!(rfc4514(&spoof).unwrap(), "CN=a\\e2\\80\\aeb\\0a");
        let unknown = const_oid::ObjectIdentifier::new_unwrap("1.2.3");
        assert_eq!(rfc4514(&name(&[&[(&unknown, tag::BOOLEAN, &[255])]])).unwrap(), "1.2.3=#0101ff");
        assert_eq!(rfc4514(&[0x30, 0]).unwrap(), "");
        assert_eq!(rfc4514(&[0x30, 1]), None);
    }

    #[test]
    fn case_space_and_string_type_do_not_make_names_differ() {
        let left = name(&[&[(&oid::COMMON_NAME, tag::PRINTABLE_STRING, b"Good  CA ")]]);
        let right = name(&[&[(&oid::COMMON_NAME, tag::UTF8_STRING, b"good ca")]]);
        let bmp = name(&[&[(&oid::COMMON_NAME, tag::BMP_STRING, b"\0g\0o\0o\0d\0 \0c\0a")]]);
        assert!(same(&left, &right) && same(&left, &bmp));
        assert!(!same(&left, &name(&[&[(&oid::ORGANISATION, tag::UTF8_STRING, b"good ca")]])));
        assert!(!same(&left, &name(&[&[(&oid::COMMON_NAME, tag::UTF8_STRING, b"goodca")]])));
    }

    #[test]
    fn subtrees_end_at_whole_relative_names() {
        let base = Canonical::of(&name(&[&[(&oid::ORGANISATION, tag::UTF8_STRING, b"A")]])).unwrap();
        let below =
            name(&[&[(&oid::ORGANISATION, tag::UTF8_STRING, b"a")], &[(&oid::COMMON_NAME, tag::UTF8_STRING, b"x")]]);
        let beside =
            name(&[&[(&oid::ORGANISATION, tag::UTF8_STRING, b"a"), (&oid::COMMON_NAME, tag::UTF8_STRING, b"x")]]);
        assert!(Canonical::of(&below).unwrap().is_within(&base));
        assert!(!Canonical::of(&beside).unwrap().is_within(&base));
    }
}
