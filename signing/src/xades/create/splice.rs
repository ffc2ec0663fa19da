//! Pieces put into a document, whose other octets stay as they are.

use std::ops::Range;

use crate::xml::{Document, Node};

/// A piece of text in the place of another.
#[derive(Debug)]
pub(in crate::xades) struct Splice {
    /// In the text that was parsed.
    pub(in crate::xades) range: Range<usize>,
    pub(in crate::xades) piece: String,
}

impl Splice {
    /// `piece` as the last thing in `element`, whose end tag is made where it has none.
    pub(in crate::xades) fn at_end_of(document: &Document<'_>, element: Node<'_, '_>, piece: &str) -> Self {
        let range = element.range();
        let written = document.text().get(range.clone()).unwrap_or_default();
        if written.ends_with("/>") {
            let name = document.qualified_name(element);
            return Self { range: range.end - 2..range.end, piece: format!(">{piece}</{name}>") };
        }
        let at = range.start + written.rfind("</").unwrap_or(0);
        Self { range: at..at, piece: piece.to_owned() }
    }

    /// `piece` in place of everything in `element`. Its start tag stays.
    pub(in crate::xades) fn inside(document: &Document<'_>, element: Node<'_, '_>, piece: &str) -> Self {
        let mut splice = Self::at_end_of(document, element, piece);
        if let Some(first) = element.first_child() {
            splice.range.start = first.range().start;
        }
        splice
    }
}

/// The octets with the splices made. `octets` are those of which the text was read: where line ends were normalised, what stays keeps
/// those that it had. Splices lie apart.
pub(in crate::xades) fn apply(octets: &[u8], mut splices: Vec<Splice>) -> Vec<u8> {
    splices.sort_by_key(|splice| splice.range.start);
    let mut places = Places { octets, octet: 0, normal: 0 };
    let mut made = Vec::with_capacity(octets.len() + splices.iter().map(|splice| splice.piece.len()).sum::<usize>());
    let mut from = 0;
    for splice in splices {
        let start = places.find(splice.range.start);
        made.extend_from_slice(octets.get(from..start).unwrap_or_default());
        made.extend_from_slice(splice.piece.as_bytes());
        from = places.find(splice.range.end);
    }
    made.extend_from_slice(octets.get(from..).unwrap_or_default());
    made
}

/// Places in octets by their places in the normalised text (XML 1.0, 2.11: a carriage return and the line feed after it are one).
struct Places<'o> {
    octets: &'o [u8],
    octet: usize,
    normal: usize,
}

impl Places<'_> {
    /// Not before the last one that was looked for.
    fn find(&mut self, normal: usize) -> usize {
        while self.normal < normal {
            let is_pair = self.octets.get(self.octet..).is_some_and(|rest| rest.starts_with(b"\r\n"));
            self.octet += if is_pair { 2 } else { 1 };
            self.normal += 1;
        }
        self.octet
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Limits, Source};

    fn with(xml: &str, make: impl Fn(&Document<'_>) -> Vec<Splice>) -> String {
        let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
        let document = source.parse().unwrap();
        String::from_utf8(apply(xml.as_bytes(), make(&document))).unwrap()
    }

    #[test]
    fn what_is_put_in_stands_before_the_end_tag() {
        let end = |xml| with(xml, |document| vec![Splice::at_end_of(document, document.root_element(), "<x/>")]);
        assert_eq!(end("<a>b</a>"), "<a>b<x/></a>");
        assert_eq!(
            end("<p:a xmlns:p='u' b='/>'/> <!-- </p:a> -->"),
            "<p:a xmlns:p='u' b='/>'><x/></p:a> <!-- </p:a> -->"
        );
        assert_eq!(end("<a><a/></a\n>"), "<a><a/><x/></a\n>");
        assert_eq!(end("\u{feff}<a><b/><!-- </a> --></a>\n"), "\u{feff}<a><b/><!-- </a> --><x/></a>\n");
        assert_eq!(end("<a><![CDATA[</a>]]></a>"), "<a><![CDATA[</a>]]><x/></a>");
    }

    #[test]
    fn line_ends_around_stay_as_they_are() {
        let xml = "<?xml version='1.0'?>\r\n<a>\r\r\n<b>1</b>\r\n\n<c/>\r</a>\r\n";
        let made = with(xml, |document| {
            let child = |name| document.root().descendants().find(|node| node.has_tag_name(name)).unwrap();
            vec![
                Splice::at_end_of(document, document.root_element(), "<x/>"),
                Splice::inside(document, child("b"), "23"),
                Splice::inside(document, child("c"), "4"),
            ]
        });
        assert_eq!(made, "<?xml version='1.0'?>\r\n<a>\r\r\n<b>23</b>\r\n\n<c>4</c>\r<x/></a>\r\n");
    }
}
