//! UTCTime and GeneralizedTime.
use super::{Element, Malformed, tag};
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// The time in an element of either type.
///
/// RFC 5280 4.1.2.5 wants seconds and `Z`; certificates of the nineties leave seconds out or give an offset, and
/// time-stamps give fractions (RFC 3161 2.4.2), so these are read too. Fractions finer than a nanosecond are cut.
pub(crate) fn read(element: &Element<'_>) -> Result<OffsetDateTime, Malformed> {
    parse(element.tag(), element.content()).ok_or(Malformed("time"))
}

/// Whether the next element is a time.
pub(crate) fn is_time(tag: Option<u8>) -> bool {
    matches!(tag, Some(tag::UTC_TIME | tag::GENERALIZED_TIME))
}

fn parse(tag: u8, text: &[u8]) -> Option<OffsetDateTime> {
    let (year, rest) = match tag {
        tag::UTC_TIME => {
            let (year, rest) = digits(text, 2)?;
            // RFC 5280 4.1.2.5.1: 50 to 99 is 19YY, 00 to 49 is 20YY.
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        }
        tag::GENERALIZED_TIME => digits(text, 4)?,
        _ => return None,
    };
    let (month, rest) = digits(rest, 2)?;
    let (day, rest) = digits(rest, 2)?;
    let (hour, rest) = digits(rest, 2)?;
    let (minute, rest) = digits(rest, 2)?;
    let (second, rest) = digits(rest, 2).unwrap_or((0, rest));
    let (nanosecond, rest) = if tag == tag::GENERALIZED_TIME { fraction(rest)? } else { (0, rest) };
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let time = Time::from_hms_nano(
        u8::try_from(hour).ok()?,
        u8::try_from(minute).ok()?,
        u8::try_from(second).ok()?,
        nanosecond,
    )
    .ok()?;
    let local = PrimitiveDateTime::new(date, time).assume_utc();
    local.checked_sub(offset(rest)?)
}

fn digits(text: &[u8], count: usize) -> Option<(i32, &[u8])> {
    let (head, rest) = text.split_at_checked(count)?;
    let mut value = 0;
    for byte in head {
        value = value * 10 + i32::from(byte.checked_sub(b'0').filter(|digit| *digit <= 9)?);
    }
    Some((value, rest))
}

fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some((b'.' | b',', digits)) = text.split_first() else {
        return Some((0, text));
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = digits.split_at_checked(count)?;
    if fraction.is_empty() {
        return None;
    }
    let padded = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Some((padded.fold(0, |value, digit| value * 10 + u32::from(digit - b'0')), rest))
}

fn offset(text: &[u8]) -> Option<Duration> {
    let (sign, rest) = match text.split_first()? {
        (b'Z', []) => return Some(Duration::ZERO),
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest, 2)?;
    (rest.is_empty() && hours < 24 && minutes < 60).then(|| Duration::minutes(sign * i64::from(hours * 60 + minutes)))
}

/// The type and text that RFC 5280 4.1.2.5 prescribes for `at`: UTCTime up to 2049, GeneralizedTime after; no fractions.
pub(crate) fn certificate_time(at: OffsetDateTime) -> (u8, String) {
    let utc = at.to_offset(UtcOffset::UTC);
    if (1950..2050).contains(&utc.year()) {
        (tag::UTC_TIME, format!("{:02}{}", utc.year() % 100, month_to_second(utc)))
    } else {
        (tag::GENERALIZED_TIME, generalized(at))
    }
}

/// GeneralizedTime text without fractions.
pub(crate) fn generalized(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    format!("{:04}{}", utc.year(), month_to_second(utc))
}

fn month_to_second(utc: OffsetDateTime) -> String {
    format!("{:02}{:02}{:02}{:02}{:02}Z", u8::from(utc.month()), utc.day(), utc.hour(), utc.minute(), utc.second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn reads_the_forms_that_certificates_and_time_stamps_use() {
        let utc = |text: &str| parse(tag::UTC_TIME, text.as_bytes());
        let general = |text: &str| parse(tag::GENERALIZED_TIME, text.as_bytes());
        assert_eq!(utc("261123151959Z"), Some(datetime!(2026-11-23 15:19:59 UTC)));
        assert_eq!(utc("500101000000Z"), Some(datetime!(1950-01-01 00:00 UTC)));
        assert_eq!(utc("9601020304Z"), Some(datetime!(1996-01-02 03:04 UTC)));
        assert_eq!(utc("9601020304+0200"), Some(datetime!(1996-01-02 01:04 UTC)));
        assert_eq!(general("20261123151959.25Z"), Some(datetime!(2026-11-23 15:19:59.25 UTC)));
        assert_eq!(general("99991231235959Z"), Some(datetime!(9999-12-31 23:59:59 UTC)));
        for bad in [
            "",
            "261123151959",
            "261323151959Z",
            "261123251959Z",
            "2611231519-9Z",
            "261123151959ZZ",
            "26112315195\u{e9}Z",
        ] {
            assert_eq!(utc(bad), None, "{bad}");
        }
        assert_eq!(general("20261123151959.Z"), None);
        assert_eq!(general("00000000000000Z"), None);
    }

    #[test]
    fn writes_what_it_reads() {
        for at in [datetime!(1999-12-31 23:59:59 UTC), datetime!(2049-01-01 0:00 UTC), datetime!(2050-01-01 0:00 UTC)] {
            let (tag, text) = certificate_time(at);
            assert_eq!(parse(tag, text.as_bytes()), Some(at));
            assert_eq!(tag == tag::UTC_TIME, at.year() < 2050);
        }
    }
}
