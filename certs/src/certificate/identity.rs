//! Where Ukrainian certificates put the codes of persons and organisations (ETSI EN 319 412-1 5.1.3 and 5.1.4, and the
//! national subject directory attributes).
use super::Certificate;
use crate::asn1::{Malformed, Reader, oid, tag, text};
use crate::name;
use const_oid::ObjectIdentifier;
use std::borrow::Cow;

pub(super) fn edrpou(certificate: &Certificate) -> Option<String> {
    code(certificate, &oid::ORGANISATION_IDENTIFIER, "NTRUA-", &oid::UA_EDRPOU, 8)
}

pub(super) fn rnokpp(certificate: &Certificate) -> Option<String> {
    code(certificate, &oid::SERIAL_NUMBER, "TINUA-", &oid::UA_RNOKPP, 10)
}

pub(super) fn unzr(certificate: &Certificate) -> Option<String> {
    let is_unzr = |text: &str| {
        text.len() == 14
            && text
                .bytes()
                .enumerate()
                .all(|(index, byte)| if index == 8 { byte == b'-' } else { byte.is_ascii_digit() })
    };
    let span = certificate.extensions().subject_directory_attributes?;
    let values = directory_values(span.of(certificate.der()), &oid::UA_UNZR).ok()?;
    sole(values.iter().map(AsRef::as_ref), is_unzr)
}

pub(super) fn common_name(certificate: &Certificate) -> Option<String> {
    let values = name::values(certificate.subject_der(), &oid::COMMON_NAME);
    let [value] = values.as_slice() else { return None };
    let words: Vec<_> =
        value.split(|c: char| c.is_whitespace() || c.is_control()).filter(|it| !it.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

pub(super) fn is_same_person(one: &Certificate, other: &Certificate) -> bool {
    let same = |of: fn(&Certificate) -> Option<String>| of(one).is_some_and(|number| Some(number) == of(other));
    same(rnokpp) || same(unzr) || one.subject_der() == other.subject_der() || one.spki_der() == other.spki_der()
}

fn code(
    certificate: &Certificate,
    attribute: &ObjectIdentifier,
    prefix: &str,
    directory_attribute: &ObjectIdentifier,
    digits: usize,
) -> Option<String> {
    let is_code = |text: &str| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let values = name::values(certificate.subject_der(), attribute);
    let prefixed: Vec<_> = values.iter().filter_map(|value| value.strip_prefix(prefix)).collect();
    if !prefixed.is_empty() {
        return sole(prefixed.into_iter(), is_code);
    }
    let span = certificate.extensions().subject_directory_attributes?;
    let values = directory_values(span.of(certificate.der()), directory_attribute).ok()?;
    sole(values.iter().map(AsRef::as_ref), is_code)
}

/// The one code that all `values` agree on. Two different codes in one certificate say that we do not know whose it is.
fn sole<'v>(mut values: impl Iterator<Item = &'v str>, is_code: impl Fn(&str) -> bool) -> Option<String> {
    let first = values.next()?.trim();
    (is_code(first) && values.all(|value| value.trim() == first)).then(|| first.to_owned())
}

/// SubjectDirectoryAttributes ::= SEQUENCE OF Attribute (RFC 5280 4.2.1.8): the text values of one type.
fn directory_values<'a>(extension: &'a [u8], wanted: &ObjectIdentifier) -> Result<Vec<Cow<'a, str>>, Malformed> {
    let mut attributes = Reader::new("subjectDirectoryAttributes", extension).sequence("subjectDirectoryAttributes")?;
    let mut found = Vec::new();
    while !attributes.is_empty() {
        let mut attribute = attributes.sequence("subjectDirectoryAttributes")?;
        let matches = attribute.expect(tag::OBJECT_IDENTIFIER)?.content() == wanted.as_bytes();
        let mut values = attribute.expect(tag::SET)?.reader("subjectDirectoryAttributes");
        while !values.is_empty() {
            let value = values.any()?;
            if let (true, Some(text)) = (matches, text::decode(value.tag(), value.content())) {
                found.push(text);
            }
        }
    }
    Ok(found)
}
