//! From octets to a text that is parsed in one way only.
//!
//! What the parser is lenient about, or would do at a cost that the text's author chooses, is settled here, before it: encoding and
//! version, line ends, and what stands in start tags.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::document::Document;
use super::error::XmlError;
use super::limits::{LONGEST_NAME, Limits};

/// White space, XML 1.0 2.3.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A text with its line ends normalised, ready to be parsed. Unverified.
#[derive(Debug, Clone)]
pub struct Source<'b> {
    text: Cow<'b, str>,
    limits: Limits,
}

impl<'b> Source<'b> {
    /// Takes octets for XML 1.0 in UTF-8.
    ///
    /// # Errors
    /// `TooLarge`, `Encoding`, `Version`, `TooManyAttributes`, `TooManyNamespaces`; `Malformed` for namespace declarations that
    /// readers treat differently.
    pub fn read(octets: &'b [u8], limits: &Limits) -> Result<Self, XmlError> {
        if octets.len() > limits.octets {
            return Err(XmlError::TooLarge);
        }
        let text = std::str::from_utf8(octets).map_err(|_| XmlError::Encoding)?;
        check_declaration(text.strip_prefix('\u{feff}').unwrap_or(text))?;
        let text = normalise_line_ends(text);
        check_start_tags(&text, limits)?;
        Ok(Self { text, limits: *limits })
    }

    /// The text, with its line ends normalised.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Builds the tree.
    ///
    /// # Errors
    /// `Malformed`, `Doctype`, `TooManyNodes`, `TooDeep`.
    pub fn parse(&self) -> Result<Document<'_>, XmlError> {
        Document::parse(&self.text, &self.limits)
    }
}

/// XML 1.0, 2.11: line ends become line feeds before anything else is looked at. Doing it here spares the parser, which misses a
/// carriage return beside a character reference.
fn normalise_line_ends(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    let mut normal = String::with_capacity(text.len());
    let mut pieces = text.split('\r');
    normal.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        normal.push('\n');
        normal.push_str(piece.strip_prefix('\n').unwrap_or(piece));
    }
    Cow::Owned(normal)
}

/// XML 1.0, 2.8 and 4.3.3: whoever heeds the declaration must see the same characters as we do.
fn check_declaration(text: &str) -> Result<(), XmlError> {
    let Some((declaration, _)) = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) else {
        return Ok(());
    };
    if !declaration.starts_with(SPACE) {
        return Ok(());
    }
    for (name, value) in attributes(declaration) {
        match name {
            "version" if value != "1.0" => return Err(XmlError::Version),
            "encoding" if !value.eq_ignore_ascii_case("UTF-8") => return Err(XmlError::Encoding),
            _ => {}
        }
    }
    Ok(())
}

/// Bounds attributes and namespace declarations. `<` cannot stand in an attribute (XML 1.0, 3.1), so there is at most one start
/// tag between two of them; what looks like one in a comment or in character data only spends the budget.
fn check_start_tags(text: &str, limits: &Limits) -> Result<(), XmlError> {
    let mut declarations = 0;
    let mut prefixes = BTreeSet::new();
    for piece in text.split('<').skip(1) {
        let end = piece.find(|c| SPACE.contains(&c) || c == '>' || c == '/').unwrap_or(piece.len());
        if piece.starts_with(['!', '?', '/']) {
            continue;
        }
        let (name, rest) = piece.split_at(end);
        if name.len() > LONGEST_NAME {
            return Err(XmlError::TooManyAttributes);
        }
        let (mut number, mut has_default) = (0, false);
        for (name, value) in attributes(rest) {
            number += 1;
            if number > limits.attributes || name.len() > LONGEST_NAME {
                return Err(XmlError::TooManyAttributes);
            }
            let prefix = match name.strip_prefix("xmlns") {
                Some("") if !has_default => {
                    has_default = true;
                    ""
                }
                Some("") => return Err(XmlError::Malformed),
                Some(prefix) if prefix.starts_with(':') && !value.is_empty() => prefix,
                Some(prefix) if prefix.starts_with(':') => return Err(XmlError::Malformed),
                // The parser takes the local name alone for a declaration.
                _ if name.ends_with(":xmlns") => return Err(XmlError::Malformed),
                _ => continue,
            };
            declarations += 1;
            if declarations > limits.declarations || (prefixes.insert(prefix) && prefixes.len() > limits.prefixes) {
                return Err(XmlError::TooManyNamespaces);
            }
        }
    }
    Ok(())
}

/// Names and values, as they stand, of what follows the name in a start tag. Ends where the tag does, or where it is malformed.
fn attributes(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(SPACE);
        let (name, after) = rest.split_at(rest.find(['=', '>', '"', '\''])?);
        let after = after.strip_prefix('=')?.trim_start_matches(SPACE);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after.get(1..)?.split_once(quote)?;
        rest = after;
        Some((name.trim_end_matches(SPACE), value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<XmlError> {
        let limits = Limits { attributes: 4, declarations: 6, prefixes: 3, ..Limits::MANIFEST };
        Source::read(text.as_bytes(), &limits).err()
    }

    #[test]
    fn line_ends_become_line_feeds() {
        let normal = |text| Source::read(text, &Limits::MANIFEST).unwrap().text().to_owned();
        assert_eq!(normal(b"<a>\r\n\r\r\n&#13;\r</a>"), "<a>\n\n\n&#13;\n</a>");
        assert_eq!(normal(b"\r<a/>\r"), "\n<a/>\n");
    }

    #[test]
    fn other_encodings_and_versions_are_refused() {
        assert_eq!(refusal("<?xml version='1.0' encoding='utf-8'?><a/>"), None);
        assert_eq!(refusal("\u{feff}<?xml version = \"1.0\" encoding = \"UTF-8\" standalone='yes'?><a/>"), None);
        assert_eq!(refusal("<?xml version='1.0' encoding='ISO-8859-5'?><a/>"), Some(XmlError::Encoding));
        assert_eq!(refusal("<?xml version='1.0'\tencoding\n=\n'UTF-16'?><a/>"), Some(XmlError::Encoding));
        assert_eq!(refusal("<?xml version='1.1'?><a/>"), Some(XmlError::Version));
        let wide: Vec<u8> = "\u{feff}<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Source::read(&wide, &Limits::MANIFEST).err(), Some(XmlError::Encoding));
    }

    #[test]
    fn start_tags_spend_the_budgets() {
        assert_eq!(refusal("<a b='1' c='2' d='3' e='=\"=\"='>f=\"g\" f=\"g\" f=\"g\"</a>"), None);
        assert_eq!(refusal("<a b='1' c='2' d='>' e='4' f='5'/>"), Some(XmlError::TooManyAttributes));
        assert_eq!(refusal(&format!("<{}/>", "n".repeat(2000))), Some(XmlError::TooManyAttributes));
        assert_eq!(refusal("<a xmlns:p='1'><b xmlns:q='1' xmlns='2'/><c xmlns:q='3'/></a>"), None);
        assert_eq!(refusal("<a xmlns:p='1' xmlns:q='1' xmlns:r='2' xmlns:s='3'/>"), Some(XmlError::TooManyNamespaces));
        let many = "<b xmlns='1'/>".repeat(7);
        assert_eq!(refusal(&format!("<a>{many}</a>")), Some(XmlError::TooManyNamespaces));
    }

    #[test]
    fn declarations_that_readers_disagree_about_are_refused() {
        for text in ["<a xmlns='1' xmlns='1'/>", "<a xmlns:p='1' p:xmlns='2'/>", "<a xmlns:p=''/>"] {
            assert_eq!(refusal(text), Some(XmlError::Malformed), "{text}");
        }
        assert_eq!(refusal("<a xmlnsx='1' xmlns=''/>"), None);
    }
}
