//! Why a list is not believed: each refusal with its code, its clause and its words, for the operator.

use certs::trust_list::ListError;
use schemas::report::Reason;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::xades::Fault;
use crate::xml::XmlError;

/// Why a list is not believed. The one in force stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListRefused {
    /// Not read as XML: cut short, a page of HTML, a document type.
    Xml(XmlError),
    /// XML, and no trusted list.
    NotAList,
    /// Nobody signed it.
    Unsigned,
    /// More than one signature: which of them is meant?
    SeveralSignatures,
    /// The signature is elsewhere than directly in the list, or does not cover all of it.
    NotTheWhole,
    /// The signature does not say by which certificate it was made.
    NoSigningCertificate,
    /// By a certificate that nobody announced; its subject, if the list brings it.
    Stranger(Option<String>),
    /// The signer's certificate is outside of its validity period, which ends at this time.
    SignerExpired(OffsetDateTime),
    /// An algorithm or key that is not relied on any more, or is not known.
    WeakAlgorithm,
    /// The signature is malformed, or does not hold.
    Signature(Fault),
    /// Authentic, and not what TS 119 612 says.
    Content(ListError),
    /// An older one than the one in force: numbers of it and of the one in force.
    Older(u64, u64),
    /// Another one with the same number.
    SameNumber(u64),
    /// Of another territory or type than expected.
    AnotherList(String),
    /// Issued in the future.
    NotYet(OffsetDateTime),
    /// It should have been replaced at this time.
    Expired(OffsetDateTime),
    /// The scheme has ended, says the list.
    Ended,
}

impl ListRefused {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Xml(error) => error.code(),
            Self::NotAList => "trust_list.not_a_list",
            Self::Unsigned => "trust_list.unsigned",
            Self::SeveralSignatures => "trust_list.several_signatures",
            Self::NotTheWhole => "trust_list.not_the_whole",
            Self::NoSigningCertificate => "trust_list.no_signing_certificate",
            Self::Stranger(_) => "trust_list.stranger",
            Self::SignerExpired(_) => "trust_list.signer_expired",
            Self::WeakAlgorithm => "trust_list.weak_algorithm",
            Self::Signature(fault) => fault.code(),
            Self::Content(error) => error.code(),
            Self::Older(..) => "trust_list.older",
            Self::SameNumber(_) => "trust_list.same_number",
            Self::AnotherList(_) => "trust_list.another_list",
            Self::NotYet(_) => "trust_list.not_yet",
            Self::Expired(_) => "trust_list.expired",
            Self::Ended => "trust_list.ended",
        }
    }

    /// For the operator.
    #[must_use]
    pub fn reason(&self) -> Reason {
        let (text_en, text_uk, clause): (String, String, &str) = match self {
            Self::Xml(error) => return error.reason(),
            Self::Signature(fault) => return fault.reason(),
            Self::Content(error) => (error.to_string(), error.text_uk().into(), error.clause()),
            Self::NotAList => both("This is not a trusted list.", "Це не довірчий список.", "ETSI TS 119 612, 5.2"),
            Self::Unsigned => {
                both("The trusted list is not signed.", "Довірчий список не підписано.", "ETSI TS 119 612, 5.7.1")
            }
            Self::SeveralSignatures => both(
                "The trusted list has several signatures.",
                "Довірчий список має кілька підписів.",
                "ETSI TS 119 612, 5.7.1",
            ),
            Self::NotTheWhole => both(
                "The signature of the trusted list does not cover all of it.",
                "Підпис довірчого списку охоплює його не повністю.",
                "ETSI TS 119 612, B.6",
            ),
            Self::NoSigningCertificate => both(
                "The signature of the trusted list does not say by which certificate it was made.",
                "Підпис довірчого списку не вказує сертифікат підписувача.",
                "ETSI TS 119 612, 5.7.1; ETSI EN 319 132-1, 5.2.2",
            ),
            Self::Stranger(name) => {
                let name = name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
                (
                    format!("The trusted list is signed by a certificate that nobody announced{name}."),
                    format!("Довірчий список підписано сертифікатом, про який не оголошено{name}."),
                    "ETSI TS 119 615, 4.2.4",
                )
            }
            Self::SignerExpired(end) => (
                format!("The certificate that signed the trusted list is not valid now; it ends {}.", day(*end)),
                format!("Сертифікат, яким підписано довірчий список, зараз не чинний; строк до {}.", day(*end)),
                "ETSI TS 119 612, 5.7.1",
            ),
            Self::WeakAlgorithm => both(
                "The trusted list is signed with an algorithm or key that is not relied on.",
                "Довірчий список підписано алгоритмом або ключем, на який не можна покладатися.",
                "ETSI TS 119 612, 5.7.1; ETSI TS 119 312",
            ),
            Self::Older(number, held) => (
                format!("Trusted list no. {number} is older than no. {held}, which is in force."),
                format!("Довірчий список № {number} старіший за чинний № {held}."),
                "ETSI TS 119 612, 5.3.2",
            ),
            Self::SameNumber(number) => (
                format!("Another trusted list than the one in force has its number, {number}."),
                format!("Інший довірчий список має той самий номер, що й чинний, {number}."),
                "ETSI TS 119 612, 5.3.2",
            ),
            Self::AnotherList(what) => (
                format!("The trusted list is another one than expected: {what}."),
                format!("Довірчий список не той, на який чекали: {what}."),
                "ETSI TS 119 615, 4.2.4",
            ),
            Self::NotYet(issued) => (
                format!("The trusted list says that it was issued in the future, {}.", day(*issued)),
                format!("Довірчий список нібито видано в майбутньому, {}.", day(*issued)),
                "ETSI TS 119 612, 5.3.14",
            ),
            Self::Expired(due) => (
                format!("The trusted list should have been replaced by {}.", day(*due)),
                format!("Довірчий список мали замінити до {}.", day(*due)),
                "ETSI TS 119 612, 5.3.15",
            ),
            Self::Ended => both(
                "The trusted list says that its scheme has ended.",
                "За довірчим списком, його схему припинено.",
                "ETSI TS 119 612, 5.3.15",
            ),
        };
        Reason { code: self.code().into(), text_en, text_uk, clause: clause.into() }
    }
}

impl std::fmt::Display for ListRefused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.reason().text_en)
    }
}

impl std::error::Error for ListRefused {}

fn both(text_en: &str, text_uk: &str, clause: &'static str) -> (String, String, &'static str) {
    (text_en.into(), text_uk.into(), clause)
}

fn day(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
