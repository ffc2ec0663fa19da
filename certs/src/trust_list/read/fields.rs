//! Children of an element by name, and values: what two programs could read in two ways is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::element::Element;
use super::super::error::ListError;
use super::super::limits;
use super::super::model::Names;
use super::super::namespaces::{LIST, XML};
use crate::certificate::Certificate;

/// The elements in an element.
pub(super) struct Fields<E> {
    children: Vec<E>,
}

impl<E: Element> Fields<E> {
    /// Of `element`, which is called `name`.
    pub(super) fn of(element: E, name: &'static str) -> Result<Self, ListError> {
        let children = element.children().ok_or(ListError::Mixed(name))?.collect();
        Ok(Self { children })
    }

    /// The one of the list's namespace that has this name.
    pub(super) fn optional(&self, name: &'static str) -> Result<Option<E>, ListError> {
        self.optional_of(LIST, name)
    }

    /// As [`Self::optional`], of another namespace.
    pub(super) fn optional_of(&self, namespace: &str, name: &'static str) -> Result<Option<E>, ListError> {
        let mut found = self.children.iter().filter(|child| child.name() == (Some(namespace), name));
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(ListError::Repeated(name)),
            (found, None) => Ok(found.copied()),
        }
    }

    /// As [`Self::optional`], where it must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<E, ListError> {
        self.optional(name)?.ok_or(ListError::Missing(name))
    }

    /// All of the list's namespace that have this name, `most` at most.
    pub(super) fn all(&self, name: &'static str, most: usize) -> Result<Vec<E>, ListError> {
        let found: Vec<E> = self.children.iter().filter(|child| child.name() == (Some(LIST), name)).copied().collect();
        if found.len() > most { Err(ListError::TooMany(name)) } else { Ok(found) }
    }

    /// All of them.
    pub(super) fn children(&self) -> &[E] {
        &self.children
    }
}

/// The elements called `name` in `element`, which is called `of`.
pub(super) fn all_in<E: Element>(
    element: E,
    of: &'static str,
    name: &'static str,
    most: usize,
) -> Result<Vec<E>, ListError> {
    Fields::of(element, of)?.all(name, most)
}

/// A text without the white space around it: lists break addresses over lines.
pub(super) fn text<E: Element>(element: E, name: &'static str) -> Result<String, ListError> {
    let text = element.text().ok_or(ListError::Mixed(name))?.trim();
    if text.len() > limits::TEXT { Err(ListError::TooLong(name)) } else { Ok(text.to_owned()) }
}

/// A text that is not empty.
pub(super) fn word<E: Element>(element: E, name: &'static str) -> Result<String, ListError> {
    let text = text(element, name)?;
    if text.is_empty() { Err(ListError::Value(name)) } else { Ok(text) }
}

/// 5.1.2 asks for UTC. Another zone is as clear, and lists have it; none is not.
pub(super) fn date<E: Element>(element: E, name: &'static str) -> Result<OffsetDateTime, ListError> {
    let date = OffsetDateTime::parse(&text(element, name)?, &Rfc3339).map_err(|_| ListError::Date(name))?;
    date.checked_to_offset(time::UtcOffset::UTC).ok_or(ListError::Date(name))
}

/// Names in several languages (5.1.4), which stand in `element` as elements called `entry`.
pub(super) fn names<E: Element>(element: E, of: &'static str, entry: &'static str) -> Result<Names, ListError> {
    let names = all_in(element, of, entry, limits::NAMES)?.into_iter().map(|name| {
        let language = name.attribute(Some(XML), "lang").unwrap_or_default();
        if language.len() > limits::TEXT {
            return Err(ListError::TooLong(entry));
        }
        Ok((language.to_owned(), text(name, entry)?))
    });
    Ok(Names(names.collect::<Result<_, _>>()?))
}

/// Addresses, which stand in `element`.
pub(super) fn addresses<E: Element>(element: E, of: &'static str) -> Result<Vec<String>, ListError> {
    all_in(element, of, "URI", limits::ADDRESSES)?.into_iter().map(|uri| text(uri, "URI")).collect()
}

/// Base64 with white space in it.
pub(super) fn octets<E: Element>(element: E, name: &'static str) -> Result<Vec<u8>, ListError> {
    let text = element.text().ok_or(ListError::Mixed(name))?;
    let is_space = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\n' | b'\r');
    let dense: Vec<u8> = text.bytes().filter(|octet| !is_space(octet)).collect();
    STANDARD.decode(dense).map_err(|_| ListError::Value(name))
}

/// A certificate in base64.
pub(super) fn certificate<E: Element>(element: E) -> Result<Certificate, ListError> {
    Certificate::from_der(&octets(element, "X509Certificate")?).map_err(ListError::Certificate)
}
