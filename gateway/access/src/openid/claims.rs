//! Which claim carries which number of a person.

use schemas::Edrpou;

use super::json::{Json, Object};
use crate::people::PersonalNumbers;

/// Longest number: УНЗР has fourteen characters.
const NUMBER_BYTES: usize = 32;

/// Names of claims. Names of people are not among them: the directory has those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// Of РНОКПП.
    pub rnokpp: String,
    /// Of УНЗР.
    pub unzr: String,
    /// Of the organisation's ЄДРПОУ.
    pub edrpou: String,
}

/// Those of id.gov.ua, as far as it has them.
impl Default for ClaimNames {
    fn default() -> Self {
        Self { rnokpp: "drfocode".to_owned(), unzr: "unzr".to_owned(), edrpou: "edrpoucode".to_owned() }
    }
}

/// A claim is there and is no number of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a claim that carries a number is of another form")]
pub struct MalformedClaim;

impl ClaimNames {
    /// The numbers that the claims name, and the organisation. An empty text is no number. An entrepreneur's own number where an organisation's
    /// should be names no organisation.
    ///
    /// # Errors
    /// [`MalformedClaim`]: what cannot be read might be the number that would have said another person.
    pub fn pick(&self, claims: &Object) -> Result<(PersonalNumbers, Option<Edrpou>), MalformedClaim> {
        let number = |name: &str| match claims.get(name) {
            None | Some(Json::Other) => Ok(None),
            Some(Json::Text(text)) if text.is_empty() => Ok(None),
            Some(Json::Text(text)) if text.len() <= NUMBER_BYTES && text.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Some(text.clone()))
            }
            Some(_) => Err(MalformedClaim),
        };
        let numbers = PersonalNumbers { rnokpp: number(&self.rnokpp)?, unzr: number(&self.unzr)? };
        let organisation = number(&self.edrpou)?.filter(|code| numbers.rnokpp.as_ref() != Some(code));
        let organisation = organisation.map(|code| code.parse().map_err(|_| MalformedClaim)).transpose()?;
        Ok((numbers, organisation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openid::json::object;

    #[allow(clippy::type_complexity, reason = "three texts of a test")]
    fn picked(text: &str) -> Result<(Option<String>, Option<String>, Option<String>), MalformedClaim> {
        let (numbers, organisation) = ClaimNames::default().pick(&object(text.as_bytes(), 1000).unwrap())?;
        Ok((numbers.rnokpp, numbers.unzr, organisation.map(|edrpou| edrpou.to_string())))
    }

    #[test]
    fn numbers_are_read_from_the_claims_that_the_operator_named() {
        let of = |text: &str| Some(text.to_owned());
        assert_eq!(
            picked(r#"{"drfocode":"0000000001","edrpoucode":"00000001","unzr":"19900101-00001"}"#),
            Ok((of("0000000001"), of("19900101-00001"), of("00000001")))
        );
        assert_eq!(picked(r#"{"sub":"x","drfocode":"","edrpoucode":null}"#), Ok((None, None, None)));
        assert_eq!(
            picked(r#"{"drfocode":"0000000001","edrpoucode":"0000000001"}"#),
            Ok((of("0000000001"), None, None)),
            "an entrepreneur is no organisation"
        );
        let names = ClaimNames { rnokpp: "tax_number".to_owned(), ..ClaimNames::default() };
        let claims = object(br#"{"drfocode":"0000000001","tax_number":"0000000002"}"#, 1000).unwrap();
        assert_eq!(names.pick(&claims).unwrap().0.rnokpp, of("0000000002"));
    }

    #[test]
    fn what_is_no_number_refuses_the_login() {
        for text in [
            r#"{"drfocode":1}"#,
            r#"{"drfocode":["0000000001"]}"#,
            r#"{"drfocode":"0000000001 "}"#,
            r#"{"drfocode":"0000000001","edrpoucode":"1"}"#,
            r#"{"drfocode":"000000000100000000000000000000000"}"#,
            r#"{"drfocode":"0000000001","unzr":{}}"#,
        ] {
            assert_eq!(picked(text), Err(MalformedClaim), "{text}");
        }
    }
}
