//! What is wrong with an XML signature: each fault with its conclusion, its code, its clause and its words.
//!
//! Refusals of the whole text are [`crate::xml::XmlError`]. A code never changes its meaning.

use schemas::ProblemCode;
use schemas::report::{Indication, Reason, SubIndication};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $indication:ident / $sub:ident, $problem:ident, $clause:literal, $en:literal, $uk:literal;)*) => {
        /// A failed check.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// Every fault, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$name => $code),* } }

            /// What ETSI EN 319 102-1 concludes from it alone.
            #[must_use]
            pub fn conclusion(self) -> (Indication, SubIndication) {
                match self { $(Self::$name => (Indication::$indication, SubIndication::$sub)),* }
            }

            /// How a door refuses it.
            #[must_use]
            pub fn problem(self) -> ProblemCode { match self { $(Self::$name => ProblemCode::$problem),* } }

            /// For the report.
            #[must_use]
            pub fn reason(self) -> Reason {
                match self {
                    $(Self::$name => Reason { code: $code.into(), text_en: $en.into(), text_uk: $uk.into(), clause: $clause.into() }),*
                }
            }
        }
    };
}

faults! {
    // --- format
    /// Not what the schema of XML Signature says.
    Structure = "xades.structure", TotalFailed / FormatFailure, SignatureFormat, "XML Signature 1.1, 4; ETSI EN 319 132-1, 4",
        "The XML signature is malformed.",
        "XML-підпис має неправильну будову.";
    /// More references than the limit.
    TooManyReferences = "xades.too_many_references", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 102-1, 5.2.2",
        "The XML signature refers to too many things.",
        "XML-підпис має забагато посилань.";
    /// More transforms in one reference than the limit.
    TooManyTransforms = "xades.too_many_transforms", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 102-1, 5.2.2",
        "A reference of the XML signature has too many transforms.",
        "Посилання XML-підпису має забагато перетворень.";
    /// Canonical forms longer than the budget.
    TooMuchWork = "xades.too_much_work", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 102-1, 5.2.2",
        "What the XML signature refers to is too long when written out.",
        "Те, на що посилається XML-підпис, у розгорнутому вигляді задовге.";
    /// Several elements have the Id that a reference names.
    DuplicateId = "xades.duplicate_id", TotalFailed / FormatFailure, SignatureFormat, "XML Signature 1.1, 4.4.3.3; XML 1.0, 3.3.1",
        "A reference of the XML signature leads to several elements with one Id.",
        "Посилання XML-підпису веде до кількох елементів з однаковим Id.";
    /// QualifyingProperties repeated, elsewhere, or of another signature.
    PropertiesMisplaced = "xades.properties_misplaced", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 132-1, 4.3.2 and 4.4",
        "The properties of the XML signature are repeated, or belong to another signature.",
        "Властивості XML-підпису повторюються або належать іншому підпису.";
    /// No reference of the right type covers SignedProperties.
    PropertiesUnsigned = "xades.properties_unsigned", TotalFailed / FormatFailure, SignatureFormat, "ETSI EN 319 132-1, 4.4.2",
        "The properties that the XML signature presents as signed are not signed.",
        "Властивості, які XML-підпис подає як підписані, не підписано.";
    // --- references
    /// The reference of the type SignedProperties leads to something that does not stand where these belong.
    PropertiesWrapped = "xades.properties_wrapped", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "ETSI EN 319 132-1, 4.4.2",
        "The signed properties are not those that stand in the signature: they were moved or replaced.",
        "Підписані властивості не є тими, що стоять у підписі: їх переміщено або замінено.";
    /// Nothing has the Id.
    ReferenceMissing = "xades.reference_missing", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "XML Signature 1.1, 4.4.3.3; ETSI EN 319 102-1, 5.2.7",
        "A part of the document that the XML signature refers to is missing.",
        "Частини документа, на яку посилається XML-підпис, немає.";
    /// A content beside the file that was not given.
    ContentMissing = "xades.content_missing", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "ETSI EN 319 102-1, 5.2.7",
        "A document that the XML signature refers to was not given.",
        "Документ, на який посилається XML-підпис, не надано.";
    /// An address on a network or in a file system. Nothing is fetched.
    RemoteReference = "xades.remote_reference", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "XML Signature Best Practices, 2.1",
        "The XML signature refers to an address, which is not fetched.",
        "XML-підпис посилається на адресу, яку не запитують.";
    /// An XPointer beyond those that XML Signature demands.
    ReferenceForm = "xades.reference_form", Indeterminate / SignedDataNotFound, SignatureOverOtherContent, "XML Signature 1.1, 4.4.3.2",
        "A reference of the XML signature has a form that is not accepted.",
        "Посилання XML-підпису має форму, яка не приймається.";
    /// XSLT or another transform beyond the allow-list.
    TransformRefused = "xades.transform_refused", Indeterminate / SigConstraintsFailure, SignatureConstraints, "XML Signature 1.1, 6.6; XML Signature Best Practices, 2.1",
        "The XML signature uses a transform that is not accepted.",
        "XML-підпис використовує перетворення, яке не приймається.";
    /// An XPath expression beyond those that leave out signatures.
    XPathRefused = "xades.xpath_refused", Indeterminate / SigConstraintsFailure, SignatureConstraints, "XML Signature 1.1, 6.6.3; XML-Signature XPath Filter 2.0",
        "The XML signature selects what it covers by an expression that is not accepted.",
        "XML-підпис вибирає те, що охоплює, виразом, який не приймається.";
    /// A transform that cannot work on what it gets.
    TransformInput = "xades.transform_input", TotalFailed / FormatFailure, SignatureFormat, "XML Signature 1.1, 4.4.3.2",
        "A transform of the XML signature cannot be made of what comes before it.",
        "Перетворення XML-підпису неможливо виконати над тим, що йому передує.";
    /// A digest algorithm that is not known here.
    DigestUnknown = "xades.digest_unknown", Indeterminate / CryptoConstraintsFailure, SignatureWeakAlgorithm, "ETSI EN 319 102-1, 5.2.7 and 5.2.8",
        "The XML signature uses a digest algorithm that cannot be checked here.",
        "XML-підпис використовує алгоритм гешування, який тут неможливо перевірити.";
    /// The digest of what a reference leads to differs.
    ReferenceChanged = "xades.reference_changed", TotalFailed / HashFailure, SignatureOverOtherContent, "ETSI EN 319 102-1, 5.2.7; XML Signature 1.1, 3.2.1",
        "Something that the XML signature covers was changed.",
        "Те, що охоплює XML-підпис, змінено.";
    // --- value
    /// A canonicalization algorithm for SignedInfo that is not known here.
    CanonicalizationUnknown = "xades.canonicalization_unknown", Indeterminate / CryptoConstraintsFailure, SignatureWeakAlgorithm, "XML Signature 1.1, 4.4.1",
        "The XML signature uses a canonicalization that is not accepted.",
        "XML-підпис використовує канонізацію, яка не приймається.";
    /// A signature algorithm that is not known here.
    AlgorithmUnknown = "xades.algorithm_unknown", Indeterminate / CryptoConstraintsFailure, SignatureWeakAlgorithm, "ETSI EN 319 102-1, 5.2.7 and 5.2.8",
        "The XML signature uses an algorithm that cannot be checked here.",
        "XML-підпис використовує алгоритм, який тут неможливо перевірити.";
    /// A message authentication code in the place of a signature.
    AuthenticationCode = "xades.authentication_code", TotalFailed / SigCryptoFailure, SignatureValueWrong, "XML Signature 1.1, 6.3; CVE-2009-0217",
        "The file has a message authentication code, which is not a signature.",
        "Файл має код автентифікації, який не є підписом.";
    /// The value does not verify.
    ValueWrong = "xades.value_wrong", TotalFailed / SigCryptoFailure, SignatureValueWrong, "ETSI EN 319 102-1, 5.2.7",
        "The signature value does not verify under the signing certificate.",
        "Значення підпису не підтверджується сертифікатом підписувача.";
    /// Key and algorithm do not belong together.
    AlgorithmsDisagree = "xades.algorithms_disagree", TotalFailed / SigCryptoFailure, SignatureValueWrong, "XML Signature 1.1, 6.4",
        "The signature algorithm and the key of the XML signature do not belong together.",
        "Алгоритм підпису та ключ XML-підпису не узгоджуються між собою.";
    // --- counter-signatures
    /// Over something else than the value of the signature in which it stands.
    CounterSignatureElsewhere = "xades.counter_signature_elsewhere", TotalFailed / HashFailure, SignatureOverOtherContent, "ETSI EN 319 132-1, 5.2.7",
        "The counter-signature is not over the signature in which it stands.",
        "Контрпідпис стосується не того підпису, в якому він стоїть.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_speak_both_languages() {
        let codes: BTreeSet<_> = Fault::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), Fault::ALL.len());
        for fault in Fault::ALL {
            let reason = fault.reason();
            assert!(reason.code.starts_with("xades."), "{}", reason.code);
            assert!(reason.text_en.is_ascii() && reason.text_en.ends_with('.'), "{}", reason.code);
            assert!(reason.text_uk.chars().any(|c| ('а'..='я').contains(&c)), "{}", reason.code);
            assert!(!reason.clause.is_empty(), "{}", reason.code);
        }
    }
}
