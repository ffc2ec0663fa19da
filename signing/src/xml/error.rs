//! Why a text is not read as XML: each refusal with its code, its clause and its words.

use schemas::report::Reason;

macro_rules! xml_errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// Why a text is refused. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum XmlError { $($(#[$doc])* #[error($en)] $name,)* }

        impl XmlError {
            /// Every refusal, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// For a report.
            #[must_use]
            pub fn reason(self) -> Reason {
                match self {
                    $(Self::$name => Reason { code: $code.into(), text_en: $en.into(), text_uk: $uk.into(), clause: $clause.into() }),*
                }
            }
        }
    };
}

xml_errors! {
    /// Not well-formed, or well-formed in the eyes of some readers only.
    Malformed = "xml.malformed", "XML 1.0, 2.1; Namespaces in XML 1.0, 7",
        "The file is not well-formed XML.",
        "Файл не є правильно побудованим XML.";
    /// Another encoding than UTF-8, in fact or by declaration.
    Encoding = "xml.encoding", "XML 1.0, 4.3.3",
        "The XML file is not in UTF-8.",
        "XML-файл записано не в UTF-8.";
    /// Another version than 1.0: line ends and characters mean other things there.
    Version = "xml.version", "XML 1.0, 2.8",
        "The XML file is of another version than 1.0.",
        "XML-файл має іншу версію, ніж 1.0.";
    /// A document type declaration.
    Doctype = "xml.doctype", "ETSI EN 319 132-1, 4.2; XML 1.0, 2.8",
        "The XML file has a document type declaration, which is not accepted.",
        "XML-файл має оголошення типу документа, яке не приймається.";
    /// More octets than the limit.
    TooLarge = "xml.too_large", "ETSI EN 319 102-1, 5.2.2",
        "The XML file is too large.",
        "XML-файл завеликий.";
    /// More nodes than the limit.
    TooManyNodes = "xml.too_many_nodes", "ETSI EN 319 102-1, 5.2.2",
        "The XML file has too many elements.",
        "XML-файл містить забагато елементів.";
    /// Elements inside elements past the limit.
    TooDeep = "xml.too_deep", "ETSI EN 319 102-1, 5.2.2",
        "The elements of the XML file are nested too deeply.",
        "Елементи XML-файлу вкладено надто глибоко.";
    /// More attributes on one element than the limit, or names longer than it.
    TooManyAttributes = "xml.too_many_attributes", "ETSI EN 319 102-1, 5.2.2",
        "An element of the XML file has too many attributes, or a name that is too long.",
        "Елемент XML-файлу має забагато атрибутів або задовгу назву.";
    /// More namespace declarations or prefixes than the limits.
    TooManyNamespaces = "xml.too_many_namespaces", "ETSI EN 319 102-1, 5.2.2",
        "The XML file declares too many namespaces.",
        "XML-файл оголошує забагато просторів назв.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_speak_both_languages() {
        let codes: BTreeSet<_> = XmlError::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), XmlError::ALL.len());
        for error in XmlError::ALL {
            let reason = error.reason();
            assert!(reason.code.starts_with("xml."), "{}", reason.code);
            assert!(reason.text_en.is_ascii() && reason.text_en.ends_with('.'), "{}", reason.code);
            assert!(reason.text_uk.chars().any(|c| ('а'..='я').contains(&c)), "{}", reason.code);
            assert!(!reason.clause.is_empty(), "{}", reason.code);
        }
    }
}
