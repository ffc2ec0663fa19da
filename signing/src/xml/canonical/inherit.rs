//! Attributes of the prefix `xml` that an element keeps when it is written without the elements around it.
//!
//! Canonical XML 1.0, 2.4: the nearest of each name. Canonical XML 1.1, 2.4: xml:lang and xml:space as before; xml:id and unknown ones
//! are no longer inherited; the values of xml:base are joined.

use std::borrow::Cow;

use roxmltree::Node;

use super::super::document::XML;
use super::Form;

/// What the element at the top inherits.
pub(super) struct Inherited<'x> {
    /// Qualified names and values.
    attributes: Vec<(String, Cow<'x, str>)>,
    /// The element's own xml:base gives way.
    replaces_base: bool,
}

impl<'x> Inherited<'x> {
    pub(super) fn of(apex: Node<'x, '_>, form: Form) -> Self {
        let mut inherited = Self { attributes: Vec::new(), replaces_base: false };
        if form == Form::Exclusive || !apex.is_element() {
            return inherited;
        }
        for ancestor in apex.ancestors().skip(1) {
            for attribute in ancestor.attributes().filter(|attribute| attribute.namespace() == Some(XML)) {
                let local = attribute.name();
                let passes = form == Form::Inclusive || matches!(local, "lang" | "space");
                let known = |(name, _): &(String, _)| name.strip_prefix("xml:") == Some(local);
                if passes && !apex.has_attribute((XML, local)) && !inherited.attributes.iter().any(known) {
                    inherited.attributes.push((format!("xml:{local}"), Cow::Borrowed(attribute.value())));
                }
            }
        }
        if form == Form::Inclusive11 {
            inherited.join_base(apex);
        }
        inherited
    }

    /// Whether the element's own attribute of this local name, in the namespace of `xml`, is not written.
    pub(super) fn replaces(&self, local: &str) -> bool {
        self.replaces_base && local == "base"
    }

    /// Qualified name, local name and value of each.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.attributes.iter().map(|(name, value)| {
            let local = name.strip_prefix("xml:").unwrap_or(name);
            (name.as_str(), local, value.as_ref())
        })
    }

    fn join_base(&mut self, apex: Node<'x, '_>) {
        let base = |node: Node<'x, '_>| node.attribute((XML, "base"));
        let mut above: Vec<&str> = apex.ancestors().skip(1).filter_map(base).collect();
        above.reverse();
        let Some((first, others)) = above.split_first() else { return };
        let mut joined = (*first).to_owned();
        for reference in others.iter().copied().chain(base(apex)) {
            joined = join(&joined, reference);
        }
        self.replaces_base = true;
        if !joined.is_empty() {
            self.attributes.push(("xml:base".to_owned(), Cow::Owned(joined)));
        }
    }
}

/// The parts of a URI reference, RFC 3986 appendix B.
struct Parts<'u> {
    scheme: Option<&'u str>,
    authority: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> Parts<'u> {
    /// Fragments are left aside: a base has none.
    fn of(reference: &'u str) -> Self {
        let rest = reference.split_once('#').map_or(reference, |(rest, _)| rest);
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, after)) if !scheme.is_empty() && !scheme.contains(['/', '?']) => (Some(scheme), after),
            _ => (None, rest),
        };
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = match rest.strip_prefix("//") {
            Some(after) => {
                let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query }
    }
}

/// Canonical XML 1.1, 2.4: RFC 3986, 5.2 with a base that may be relative itself.
fn join(base: &str, reference: &str) -> String {
    let (base, reference) = (Parts::of(base), Parts::of(reference));
    let (scheme, authority, path, query) = if reference.scheme.is_some() {
        (reference.scheme, reference.authority, reference.path.to_owned(), reference.query)
    } else if reference.authority.is_some() {
        (base.scheme, reference.authority, reference.path.to_owned(), reference.query)
    } else if reference.path.is_empty() {
        (base.scheme, base.authority, base.path.to_owned(), reference.query.or(base.query))
    } else if reference.path.starts_with('/') {
        (base.scheme, base.authority, reference.path.to_owned(), reference.query)
    } else {
        let directory = base.path.rfind('/').and_then(|at| base.path.get(..=at));
        let directory = directory.unwrap_or(if base.authority.is_some() { "/" } else { "" });
        (base.scheme, base.authority, format!("{directory}{}", reference.path), reference.query)
    };
    let scheme = scheme.map_or(String::new(), |scheme| format!("{scheme}:"));
    let authority = authority.map_or(String::new(), |authority| format!("//{authority}"));
    let query = query.map_or(String::new(), |query| format!("?{query}"));
    format!("{scheme}{authority}{}{query}", remove_dots(&path))
}

/// RFC 3986, 5.2.4, but that leading `..` of a relative path stay, as Canonical XML 1.1 says.
fn remove_dots(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').collect();
    let mut is_directory = false;
    for segment in segments {
        is_directory = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if is_absolute => {}
            other => kept.push(other),
        }
    }
    let mut normal = String::from(if is_absolute { "/" } else { "" });
    normal.push_str(&kept.join("/"));
    if is_directory && !kept.is_empty() {
        normal.push('/');
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn bases_are_joined() {
        for (base, reference, joined) in [
            ("http://a/b/c", "d", "http://a/b/d"),
            ("http://a/b/c", "../d/", "http://a/d/"),
            ("http://a/b/c", "/d", "http://a/d"),
            ("http://a", "d", "http://a/d"),
            ("http://a/b", "//e/f", "http://e/f"),
            ("http://a/b?q", "", "http://a/b?q"),
            ("http://a/b", "urn:x", "urn:x"),
            ("b/c/", "../../../d", "../d"),
            ("../b", "..", "../../"),
            ("b/c", "./d//e", "b/d/e"),
        ] {
            assert_eq!(join(base, reference), joined, "{base} {reference}");
        }
    }
}
