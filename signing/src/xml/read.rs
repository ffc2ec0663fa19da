//! Reading elements strictly: what two programs could see in two ways is nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

/// The elements in an element; between them there is white space, comments and instructions only. `None` where there is text.
pub fn elements<'d, 't>(node: Node<'d, 't>) -> Option<Vec<Node<'d, 't>>> {
    let text = |child: &Node<'_, '_>| child.is_text() && !child.text().unwrap_or_default().trim().is_empty();
    if node.children().any(|child| text(&child)) {
        return None;
    }
    Some(node.children().filter(Node::is_element).collect())
}

/// The text of an element in one piece: a reader that takes the text before a comment for the whole must not see another value.
/// `None` where there is anything but text.
#[must_use]
pub fn text<'d>(node: Node<'d, '_>) -> Option<&'d str> {
    let mut children = node.children();
    match (children.next(), children.next()) {
        (None, _) => Some(""),
        (Some(only), None) if only.is_text() => only.text(),
        _ => None,
    }
}

/// The octets of an element that holds base64.
#[must_use]
pub fn base64(node: Node<'_, '_>) -> Option<Vec<u8>> {
    decode_base64(text(node)?)
}

/// The octets of base64 with white space in it.
#[must_use]
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let is_space = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\n' | b'\r');
    let dense: Vec<u8> = text.bytes().filter(|octet| !is_space(octet)).collect();
    STANDARD.decode(dense).ok()
}

/// An attribute without a namespace that is there and not empty.
#[must_use]
pub fn attribute<'d>(node: Node<'d, '_>, name: &str) -> Option<&'d str> {
    node.attribute(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Source};
    use super::*;

    fn with<T>(xml: &str, read: impl Fn(Node<'_, '_>) -> T) -> T {
        let source = Source::read(xml.as_bytes(), &Limits::MANIFEST).unwrap();
        let document = source.parse().unwrap();
        read(document.root_element())
    }

    #[test]
    fn text_is_in_one_piece() {
        let value = |xml| with(xml, |node| text(node).map(str::to_owned));
        assert_eq!(value("<a/>"), Some(String::new()));
        assert_eq!(value("<a>b&amp;<![CDATA[c]]></a>"), Some("b&c".into()));
        assert_eq!(value("<a>b<!-- -->c</a>"), None);
        assert_eq!(value("<a><b/></a>"), None);
    }

    #[test]
    fn base64_may_be_broken_into_lines_and_nothing_else() {
        let value = |xml| with(xml, base64);
        assert_eq!(value("<a> AQ\n I=\t</a>"), Some(vec![1, 2]));
        for xml in ["<a>AQI</a>", "<a>AQJ=</a>", "<a>AQI=AQI=</a>", "<a>A-_=</a>", "<a>AQI=<!-- --></a>"] {
            assert_eq!(value(xml), None, "{xml}");
        }
    }

    #[test]
    fn text_between_elements_is_refused() {
        let names = |xml| with(xml, |node| elements(node).map(|all| all.len()));
        assert_eq!(names("<a> <b/><!-- x --><?y?><c/></a>"), Some(2));
        assert_eq!(names("<a>x<b/></a>"), None);
    }
}
