//! The list of purposes of this node, and that one of them was stated.

use std::collections::BTreeMap;

use schemas::ProblemCode;
use schemas::limits::{PURPOSE_TEXT_CHARACTERS, PURPOSES};
use schemas::purpose::{Purpose, PurposeName};

/// What personal data may be looked at for. Closed: what is not on it is no purpose here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purposes {
    listed: BTreeMap<PurposeName, Purpose>,
}

/// A list that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusablePurposes {
    /// Nothing personal could ever be looked at.
    #[error("name one purpose at least, or leave the list out")]
    None,
    /// So many that nobody chooses.
    #[error("at most {PURPOSES} purposes")]
    TooMany,
    /// Two of one name.
    #[error("{0} is named twice")]
    Twice(PurposeName),
    /// The person whom it concerns is shown these texts.
    #[error("{0}: uk, en and legal_ground must have 1 to {PURPOSE_TEXT_CHARACTERS} characters")]
    Text(PurposeName),
}

/// A purpose of the list, stated for one look. Only [`Purposes::stated`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedPurpose {
    name: PurposeName,
    legal_ground: String,
}

impl StatedPurpose {
    /// The purpose.
    #[must_use]
    pub fn name(&self) -> &PurposeName {
        &self.name
    }

    /// The clause of the law that the list names for it.
    #[must_use]
    pub fn legal_ground(&self) -> &str {
        &self.legal_ground
    }
}

impl Purposes {
    /// The list of a node that is configured with none of its own.
    #[must_use]
    pub fn shipped() -> Self {
        Self { listed: SHIPPED.iter().filter_map(Shipped::purpose).map(|it| (it.name.clone(), it)).collect() }
    }

    /// A list.
    ///
    /// # Errors
    /// [`UnusablePurposes`].
    pub fn new(purposes: impl IntoIterator<Item = Purpose>) -> Result<Self, UnusablePurposes> {
        let mut listed = BTreeMap::new();
        for purpose in purposes {
            let name = purpose.name.clone();
            let texts = [&purpose.uk, &purpose.en, &purpose.legal_ground];
            let fits = |text: &&String| !text.trim().is_empty() && text.chars().count() <= PURPOSE_TEXT_CHARACTERS;
            if !texts.iter().all(fits) {
                return Err(UnusablePurposes::Text(name));
            }
            if listed.len() >= PURPOSES {
                return Err(UnusablePurposes::TooMany);
            }
            if listed.insert(name.clone(), purpose).is_some() {
                return Err(UnusablePurposes::Twice(name));
            }
        }
        if listed.is_empty() { Err(UnusablePurposes::None) } else { Ok(Self { listed }) }
    }

    /// What was stated, as the header `Vuzol-Purpose` brings it.
    ///
    /// # Errors
    /// `PurposeMissing` for nothing; `PurposeUnknown` for what is not on the list.
    pub fn stated(&self, text: Option<&str>) -> Result<StatedPurpose, ProblemCode> {
        let text = text.ok_or(ProblemCode::PurposeMissing)?;
        let name: PurposeName = text.parse().map_err(|_| ProblemCode::PurposeUnknown)?;
        let purpose = self.listed.get(&name).ok_or(ProblemCode::PurposeUnknown)?;
        Ok(StatedPurpose { name, legal_ground: purpose.legal_ground.clone() })
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Purpose> {
        self.listed.values()
    }
}

/// A purpose as it stands in this file.
struct Shipped {
    name: &'static str,
    uk: &'static str,
    en: &'static str,
    legal_ground: &'static str,
}

impl Shipped {
    fn purpose(&self) -> Option<Purpose> {
        let name = self.name.parse().ok()?;
        let [uk, en, legal_ground] = [self.uk, self.en, self.legal_ground].map(str::to_owned);
        Some(Purpose { name, uk, en, legal_ground })
    }
}

/// What a node without a list of its own lets data be looked at for.
///
/// The clauses are a proposal. Those of articles 8 and 11 of the Law on Personal Data Protection (2297-VI) were compared with its published text;
/// of the laws on administrative services (5203-VI) and on citizens' appeals (393/96-VR) the article is left open, since it was not. Operators must
/// have the list confirmed by their lawyers, and state their own in `[purposes]` where these say otherwise: the people whom the data is about
/// are shown these words as the ground on which it was looked at.
const SHIPPED: &[Shipped] = &[
    Shipped {
        name: "application.review",
        uk: "Розгляд заяви, до якої ви додали документ.",
        en: "Review of the application that you attached the document to.",
        legal_ground: "Закон України «Про адміністративні послуги»; Закон України «Про захист персональних даних», стаття 11, частина перша, пункт 2",
    },
    Shipped {
        name: "application.complaint",
        uk: "Розгляд скарги на рішення щодо вашої заяви.",
        en: "Handling of a complaint about the decision on your application.",
        legal_ground: "Закон України «Про звернення громадян»; Закон України «Про захист персональних даних», стаття 11, частина перша, пункт 2",
    },
    Shipped {
        name: "court.request",
        uk: "Виконання рішення або вимоги суду.",
        en: "Execution of a decision or a demand of a court.",
        legal_ground: "Закон України «Про захист персональних даних», стаття 11, частина перша, пункт 5",
    },
    Shipped {
        name: "subject.request",
        uk: "Відповідь на ваш запит про доступ до ваших персональних даних.",
        en: "Answer to your request for access to your personal data.",
        legal_ground: "Закон України «Про захист персональних даних», стаття 8, частина друга, пункт 3",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(name: &str) -> Purpose {
        let [uk, en, legal_ground] = ["Мета.", "A purpose.", "Law 1, Art. 2"].map(str::to_owned);
        Purpose { name: name.parse().unwrap(), uk, en, legal_ground }
    }

    #[test]
    fn only_what_is_listed_is_a_purpose() {
        let purposes = Purposes::new([purpose("review"), purpose("court")]).unwrap();
        let stated = purposes.stated(Some("court")).unwrap();
        assert_eq!((stated.name().as_str(), stated.legal_ground()), ("court", "Law 1, Art. 2"));
        assert_eq!(purposes.stated(None), Err(ProblemCode::PurposeMissing));
        for unknown in ["", "curiosity", "Court", "court ", "суд"] {
            assert_eq!(purposes.stated(Some(unknown)), Err(ProblemCode::PurposeUnknown), "{unknown}");
        }
    }

    #[test]
    fn the_shipped_list_is_whole_and_usable() {
        let shipped = Purposes::shipped();
        assert_eq!(shipped.iter().count(), SHIPPED.len());
        assert_eq!(Purposes::new(shipped.iter().cloned()), Ok(shipped));
    }

    #[test]
    fn a_list_that_cannot_be_used_is_refused() {
        assert_eq!(Purposes::new([]), Err(UnusablePurposes::None));
        let twice = UnusablePurposes::Twice("a".parse().unwrap());
        assert_eq!(Purposes::new([purpose("a"), purpose("a")]), Err(twice));
        let blank = Purpose { legal_ground: " ".to_owned(), ..purpose("a") };
        assert_eq!(Purposes::new([blank]), Err(UnusablePurposes::Text("a".parse().unwrap())));
        let long = Purpose { uk: "я".repeat(PURPOSE_TEXT_CHARACTERS + 1), ..purpose("a") };
        assert_eq!(Purposes::new([long]), Err(UnusablePurposes::Text("a".parse().unwrap())));
        let many = (0..=PURPOSES).map(|number| purpose(&format!("a{number}")));
        assert_eq!(Purposes::new(many), Err(UnusablePurposes::TooMany));
    }
}
