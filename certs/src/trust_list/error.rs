//! Why a list, or a part of it, is not read: each with its code, its words and its clause.

use crate::certificate::CertificateError;

macro_rules! list_errors {
    ($($(#[$doc:meta])* $name:ident $(($of:ty))? = $code:literal, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// What is wrong with a list or a part of it. Codes are stable. Where a name is with it, it is that of the element.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum ListError { $($(#[$doc])* #[error($en)] $name $(($of))?,)* }

        impl ListError {
            /// Every code, in the order of this file.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// The stable code.
            #[must_use]
            pub fn code(&self) -> &'static str { match self { $(list_errors!(@pattern $name $(($of))?) => $code),* } }

            /// The clause that asks for more.
            #[must_use]
            pub fn clause(&self) -> &'static str { match self { $(list_errors!(@pattern $name $(($of))?) => $clause),* } }

            /// The same as its text, in Ukrainian.
            #[must_use]
            pub fn text_uk(&self) -> &'static str { match self { $(list_errors!(@pattern $name $(($of))?) => $uk),* } }
        }
    };
    (@pattern $name:ident ($of:ty)) => { Self::$name(_) };
    (@pattern $name:ident) => { Self::$name };
}

list_errors! {
    /// The outermost element is not that of a list, or does not carry the mark of one.
    NotAList = "trust_list.not_a_list", "ETSI TS 119 612, 5.2.1 and annex B",
        "The file is not a trusted list.",
        "Файл не є довірчим списком.";
    /// Neither version 5 nor 6.
    Version = "trust_list.version", "ETSI TS 119 612, 5.3.1",
        "The trusted list is of a version that is not known; 5 and 6 are.",
        "Довірчий список має невідому версію; відомі версії 5 та 6.";
    /// Not a positive integer.
    SequenceNumber = "trust_list.sequence_number", "ETSI TS 119 612, 5.3.2",
        "The sequence number of the trusted list is not a positive integer.",
        "Порядковий номер довірчого списку не є додатним цілим числом.";
    /// An element that must be there is not.
    Missing(&'static str) = "trust_list.element_missing", "ETSI TS 119 612, annex C",
        "The element {0} is missing.",
        "Немає обов’язкового елемента.";
    /// An element stands twice where it may stand once: two readers could see two lists.
    Repeated(&'static str) = "trust_list.element_repeated", "ETSI TS 119 612, annex C",
        "The element {0} is repeated.",
        "Елемент повторюється.";
    /// Text between the elements of an element that has elements only, or the other way round.
    Mixed(&'static str) = "trust_list.element_mixed", "ETSI TS 119 612, annex C",
        "Text and elements are mixed in {0}.",
        "Текст перемішано з елементами.";
    /// A value that cannot be read.
    Value(&'static str) = "trust_list.value", "ETSI TS 119 612, annex C",
        "The value of {0} cannot be read.",
        "Значення елемента неможливо прочитати.";
    /// No date and time, or one without a time zone.
    Date(&'static str) = "trust_list.date", "ETSI TS 119 612, 5.1.2",
        "The value of {0} is not a date and time with its time zone.",
        "Значення елемента не є датою та часом із часовим поясом.";
    /// More of something than a bound.
    TooMany(&'static str) = "trust_list.too_many", "ETSI EN 319 102-1, 5.2.2",
        "There are more than accepted of {0}.",
        "Елементів більше, ніж приймається.";
    /// A text that is longer than a bound.
    TooLong(&'static str) = "trust_list.too_long", "ETSI EN 319 102-1, 5.2.2",
        "The text of {0} is longer than accepted.",
        "Текст елемента довший, ніж приймається.";
    /// A certificate that is none.
    Certificate(CertificateError) = "trust_list.certificate", "ETSI TS 119 612, 5.5.3",
        "A certificate cannot be read: {0}.",
        "Сертифікат неможливо прочитати.";
    /// A service that nothing identifies.
    Identity = "trust_list.identity", "ETSI TS 119 612, 5.5.3",
        "Nothing says by what the service is known.",
        "Не вказано, за чим упізнати послугу.";
    /// The certificates of one service are of several keys or names.
    IdentityDiffers = "trust_list.identity_differs", "ETSI TS 119 612, 5.5.3",
        "The certificates of the service are of different keys or names.",
        "Сертифікати послуги мають різні ключі або імена.";
    /// A former state is said to be younger than the present one.
    History = "trust_list.history", "ETSI TS 119 612, 5.5.5 and 5.6.5",
        "A former state of the service begins after the present one.",
        "Попередній стан послуги починається пізніше за теперішній.";
    /// What the list says of the service's certificates cannot be read.
    Extension(&'static str) = "trust_list.extension", "ETSI TS 119 612, 5.5.9",
        "The extension {0} of the service cannot be read.",
        "Розширення послуги неможливо прочитати.";
    /// What an agreement on mutual recognition says is not known or contradicts itself: what it is said of is not recognised.
    Recognition(&'static str) = "trust_list.recognition", "ETSI TS 119 612, 5.3.13",
        "The agreement on mutual recognition says something that is not understood here ({0}).",
        "Угода про взаємне визнання містить щось, чого тут не розпізнано.";
}

/// Something in a list that is not as it should be, and that is no reason to refuse the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFault {
    /// Where.
    pub place: FaultPlace,
    /// What.
    pub error: ListError,
    /// Whether what `place` names is left out. Where it is not, the part that is wrong is: a certificate beside others, an extension.
    pub is_left_out: bool,
}

/// Where a fault is. Names as [`super::Names::best`] gives them, cut to [`super::limits::FAULT_NAME`] characters; empty where they could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultPlace {
    /// A pointer, by its address.
    Pointer(String),
    /// A provider.
    Provider(String),
    /// A service.
    Service {
        /// Of whom.
        provider: String,
        /// Which.
        service: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_errors_speak_both_languages() {
        let codes: BTreeSet<_> = ListError::CODES.iter().collect();
        assert_eq!(codes.len(), ListError::CODES.len());
        let error = ListError::Missing("TSLType");
        assert_eq!(error.to_string(), "The element TSLType is missing.");
        assert!(error.code().starts_with("trust_list.") && error.clause().starts_with("ETSI"));
        assert!(error.text_uk().chars().any(|letter| ('а'..='я').contains(&letter)));
    }
}
