//! Why nothing was signed, or nothing added, in words.

use crypto::key::KeyError;
use schemas::report::Reason;

use crate::xml::XmlError;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// Why nothing was signed, or nothing added. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        pub enum CreateError {
            /// The document is none that is read here, or would not be one with the signature in it.
            #[error(transparent)]
            Xml(#[from] XmlError),
            /// The key refused or failed.
            #[error(transparent)]
            Key(#[from] KeyError),
            $($(#[$doc])* #[error($en)] $name,)*
        }

        impl CreateError {
            /// Every refusal of its own, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What to tell whoever asked.
            #[must_use]
            pub fn reason(self) -> Reason {
                let (code, text_en, text_uk, clause) = match self {
                    Self::Xml(error) => return error.reason(),
                    Self::Key(_) => (
                        "xades_create.key",
                        "The key did not sign.",
                        "Ключ не створив підпису.",
                        "XML Signature 1.1, 3.1.2",
                    ),
                    $(Self::$name => ($code, $en, $uk, $clause),)*
                };
                Reason { code: code.into(), text_en: text_en.into(), text_uk: text_uk.into(), clause: clause.into() }
            }
        }
    };
}

refusals! {
    /// No certificate was given, or the first is not the key's.
    Certificate = "xades_create.certificate", "ETSI EN 319 132-1, 6.3",
        "The first certificate is not the key's.",
        "Перший сертифікат не належить ключу.";
    /// XML has no identifier for the algorithm, or the algorithm is too weak to be written.
    Algorithm = "xades_create.algorithm", "XML Signature 1.1, 6.1; RFC 9231, 2",
        "XML signatures cannot be made with this algorithm.",
        "XML-підпис неможливо створити за цим алгоритмом.";
    /// A time that XML cannot write.
    SigningTime = "xades_create.signing_time", "ETSI EN 319 132-1, 5.2.1",
        "The signing time cannot be written.",
        "Час підписання неможливо записати.";
    /// Not `type/subtype`.
    MediaType = "xades_create.media_type", "ETSI EN 319 132-1, 5.2.4; RFC 6838, 4.2",
        "The media type of what is signed is malformed.",
        "Тип даних, що підписуються, записано неправильно.";
    /// An Id that the signature would have is another element's.
    IdTaken = "xades_create.id_taken", "XML 1.0, 3.3.1; XML Signature 1.1, 4.4.3.3",
        "The document has an Id already that the signature would have.",
        "Документ уже має Id, який мав би підпис.";
    /// A signature that is there already covers the place: it would no longer hold.
    Covered = "xades_create.covered", "XML Signature 1.1, 6.6.4; ETSI EN 319 132-1, 4.3",
        "A signature in the document covers the place where something is to be added, and would no longer hold.",
        "Підпис у документі охоплює місце, куди треба додати дані, і перестав би бути чинним.";
    /// The document holds no such signature, or one that is malformed.
    Signature = "xades_create.signature", "XML Signature 1.1, 4; ETSI EN 319 132-1, 4",
        "The document does not hold such a signature.",
        "Документ не має такого підпису.";
    /// Properties of a version before 1.3.2, or none.
    Version = "xades_create.version", "ETSI EN 319 132-1, 4.3 and 6.1",
        "The signature has no properties of the version 1.3.2, so that nothing can be added to them.",
        "Підпис не має властивостей версії 1.3.2, тож до них неможливо нічого додати.";
    /// The value does not verify under the certificate's key, or what is signed has changed since it was prepared.
    Value = "xades_create.value", "XML Signature 1.1, 3.2",
        "The signature value is not the key's, or what is signed has changed.",
        "Значення підпису створено іншим ключем, або те, що підписується, змінилося.";
    /// What the signature is over was not given.
    ContentMissing = "xades_create.content_missing", "ETSI EN 319 132-1, 5.5.2.2",
        "A document that the signature is over was not given.",
        "Документ, якого стосується підпис, не надано.";
    /// Not a token, or one over something else.
    Timestamp = "xades_create.timestamp", "ETSI EN 319 132-1, 5.3 and 5.5.2; RFC 3161, 2.4.2",
        "The time-stamp token is malformed, or over something else.",
        "Позначка часу має неправильну будову або стосується чогось іншого.";
    /// Canonical forms longer than the budget.
    TooMuchWork = "xades_create.too_much_work", "ETSI EN 319 102-1, 5.2.2",
        "What is to be signed is too long when written out.",
        "Те, що підписується, у розгорнутому вигляді задовге.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_speak_both_languages() {
        let mut all = CreateError::ALL.to_vec();
        all.push(CreateError::Key(KeyError::Malformed));
        let codes: BTreeSet<_> = all.iter().map(|error| error.reason().code).collect();
        assert_eq!(codes.len(), all.len());
        for error in all {
            let reason = error.reason();
            assert!(reason.code.starts_with("xades_create."), "{}", reason.code);
            assert!(reason.text_en.is_ascii() && reason.text_en.ends_with('.'), "{}", reason.code);
            assert!(reason.text_uk.chars().any(|c| ('а'..='я').contains(&c)), "{}", reason.code);
            assert!(!reason.clause.is_empty(), "{}", reason.code);
        }
        assert_eq!(CreateError::Xml(XmlError::Doctype).reason().code, "xml.doctype");
    }
}
