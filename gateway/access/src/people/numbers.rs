//! The numbers of people, and the keyed digests of them that the node keeps instead.
//!
//! There are some ten thousand million numbers of each kind, so a plain digest says the number to whoever tries them all: hours on
//! one machine. Under a key that is not in the database a stolen database, or a backup of it, says nothing.

use std::fmt;

use crypto::digest::hmac_sha256;
use schemas::directory::NumberKind;
use time::{Date, Month};
use zeroize::Zeroizing;

use super::PersonalNumbers;

/// The key of the digests. Another key finds nobody whom this one has registered.
#[derive(Clone)]
pub struct IdentityKey(Zeroizing<[u8; 32]>);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hexadecimal digits")]
pub struct NotAKey;

/// A number is not what it should be: which, and what is wrong. Never the number itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", .kind.map_or("numbers", NumberKind::as_str))]
pub struct WrongNumber {
    /// Which; none: there is no number at all.
    pub kind: Option<NumberKind>,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Digests of the numbers of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) rnokpp: Option<[u8; 32]>,
    pub(crate) unzr: Option<[u8; 32]>,
}

impl IdentityKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal digits, with or without an end of the line.
    ///
    /// # Errors
    /// [`NotAKey`].
    pub fn from_hex(text: &str) -> Result<Self, NotAKey> {
        let digits = text.trim_ascii_end().as_bytes();
        let mut bytes = Zeroizing::new([0; 32]);
        if digits.len() != 64 {
            return Err(NotAKey);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let high = digit(pair[0]).ok_or(NotAKey)?;
            *byte = high << 4 | digit(pair[1]).ok_or(NotAKey)?;
        }
        Ok(Self(bytes))
    }

    /// The digests of numbers as a certificate names them.
    pub(crate) fn digests(&self, numbers: &PersonalNumbers) -> Digests {
        let digest = |kind: NumberKind, number: &Option<String>| {
            let text = Zeroizing::new(format!("{}:{}", kind.as_str(), number.as_deref()?));
            Some(hmac_sha256(&*self.0, text.as_bytes()))
        };
        Digests { rnokpp: digest(NumberKind::Rnokpp, &numbers.rnokpp), unzr: digest(NumberKind::Unzr, &numbers.unzr) }
    }

    /// What the key makes of a text that is nobody's number: by it a wrong key is noticed.
    pub(super) fn check_value(&self) -> [u8; 32] {
        hmac_sha256(&*self.0, b"vuzol:identity-key-check")
    }
}

// Secret.
impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey")
    }
}

impl Digests {
    pub(crate) fn of(&self, kind: NumberKind) -> Option<&[u8; 32]> {
        match kind {
            NumberKind::Rnokpp => self.rnokpp.as_ref(),
            NumberKind::Unzr => self.unzr.as_ref(),
        }
    }

    /// Each that is there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NumberKind, &[u8; 32])> {
        NumberKind::ALL.into_iter().filter_map(|kind| Some((kind, self.of(kind)?)))
    }

    /// Which are there.
    pub(crate) fn kinds(&self) -> Vec<NumberKind> {
        self.iter().map(|(kind, _)| kind).collect()
    }

    /// They have a number in common: they are one person's.
    pub(crate) fn meet(&self, other: &Self) -> bool {
        self.iter().any(|(kind, digest)| other.of(kind) == Some(digest))
    }

    /// They have two numbers of one kind: they are not one person's, whatever they have in common.
    pub(crate) fn clash(&self, other: &Self) -> bool {
        self.iter().any(|(kind, digest)| other.of(kind).is_some_and(|number| number != digest))
    }
}

impl PersonalNumbers {
    /// Numbers as somebody wrote them down, checked for slips of the pen.
    ///
    /// # Errors
    /// [`WrongNumber`]: none is there, or one is not as it must be.
    pub fn checked(rnokpp: Option<&str>, unzr: Option<&str>) -> Result<Self, WrongNumber> {
        if rnokpp.is_none() && unzr.is_none() {
            return Err(WrongNumber { kind: None, reason: "at least one of rnokpp and unzr is needed" });
        }
        rnokpp.map_or(Ok(()), check_rnokpp).map_err(|reason| WrongNumber { kind: Some(NumberKind::Rnokpp), reason })?;
        unzr.map_or(Ok(()), check_unzr).map_err(|reason| WrongNumber { kind: Some(NumberKind::Unzr), reason })?;
        Ok(Self { rnokpp: rnokpp.map(str::to_owned), unzr: unzr.map(str::to_owned) })
    }
}

/// Ten digits, of which the last is (−a₁+5a₂+7a₃+9a₄+4a₅+6a₆+10a₇+5a₈+7a₉) mod 11 mod 10, as the State Tax Service computes it.
fn check_rnokpp(text: &str) -> Result<(), &'static str> {
    const WEIGHTS: [i32; 9] = [-1, 5, 7, 9, 4, 6, 10, 5, 7];
    let digits: Option<Vec<i32>> = text.bytes().map(|b| b.is_ascii_digit().then(|| i32::from(b - b'0'))).collect();
    let digits = digits.filter(|digits| digits.len() == 10).ok_or("ten digits")?;
    let sum: i32 = WEIGHTS.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
    (sum.rem_euclid(11) % 10 == digits[9]).then_some(()).ok_or("the control digit is wrong")
}

/// A day of the calendar, a hyphen, five digits. The last of them is a control digit too; the regulation does not publish its rule, so
/// it is not checked.
fn check_unzr(text: &str) -> Result<(), &'static str> {
    const FORM: &str = "a date and five digits: YYYYMMDD-NNNNN";
    let (date, number) = text.split_once('-').ok_or(FORM)?;
    let plain = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(date, 8) || !plain(number, 5) {
        return Err(FORM);
    }
    let part = |range: std::ops::Range<usize>| date.get(range).and_then(|digits| digits.parse::<u16>().ok());
    let day = || {
        let small = |range| part(range).and_then(|number| u8::try_from(number).ok());
        let month = Month::try_from(small(4..6)?).ok()?;
        Date::from_calendar_date(i32::from(part(0..4)?), month, small(6..8)?).ok()
    };
    day().map(drop).ok_or("there is no such day")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_digit_finds_each_wrong_digit() {
        // Not of a person: a number that manuals of signature software use.
        let right = "3184710691";
        assert_eq!(check_rnokpp(right), Ok(()));
        // Remainders 0 and 10 share a control digit, so beside the right digit at most one more passes; of the last none.
        for place in 0..10 {
            let with = |digit: char| {
                let digits = right.chars().enumerate().map(|(at, own)| if at == place { digit } else { own });
                digits.collect::<String>()
            };
            let passing = ('0'..='9').filter(|digit| check_rnokpp(&with(*digit)).is_ok()).count();
            assert!(passing == 1 || (passing == 2 && place < 9), "{place}: {passing}");
        }
        for wrong in ["", "318471069", "31847106911", "318471069a", "٣184710691", "3184710692"] {
            assert!(check_rnokpp(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unzr_begins_with_a_day_of_the_calendar() {
        assert_eq!(check_unzr("20000229-00001"), Ok(()));
        for wrong in ["19000229-00001", "20001301-00001", "20000229-0001", "2000022900001", "20000229-0000a", "-"] {
            assert!(check_unzr(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_known_by_keyed_digests_of_their_kind() {
        let numbers = PersonalNumbers::checked(Some("3184710691"), None).unwrap();
        let (one, other) = (IdentityKey::new([1; 32]), IdentityKey::new([2; 32]));
        let digest = one.digests(&numbers).rnokpp.unwrap();
        // HMAC-SHA-256, computed with OpenSSL: `printf rnokpp:3184710691 | openssl dgst -sha256 -mac HMAC -macopt hexkey:01..01`.
        assert_eq!(crypto::digest::hex(&digest), RNOKPP_UNDER_ONES);
        assert_ne!(Some(digest), other.digests(&numbers).rnokpp);
        let as_unzr = PersonalNumbers { rnokpp: None, unzr: numbers.rnokpp.clone() };
        assert_ne!(Some(digest), one.digests(&as_unzr).unzr);
        assert_ne!(one.check_value(), other.check_value());
        assert!(PersonalNumbers::checked(None, None).is_err());
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        let key = IdentityKey::from_hex(&format!("{}\n", "01".repeat(32))).unwrap();
        assert_eq!(key.check_value(), IdentityKey::new([1; 32]).check_value());
        for wrong in ["", "01", &"0g".repeat(32), &"01".repeat(33), &format!(" {}", "01".repeat(32)), &"+1".repeat(32)]
        {
            assert_eq!(IdentityKey::from_hex(wrong).err(), Some(NotAKey), "{wrong}");
        }
    }

    const RNOKPP_UNDER_ONES: &str = "7607b90d2ad9a84e253ca8b5f51121f62fb23b664fb86df2be5feb444fd2ca72";
}
