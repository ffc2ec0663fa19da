//! The clock on the wall where people work: Kyiv's, or one that never changes.
//!
//! Kyiv's rule is that of Directive 2000/84/EC and of the Cabinet of Ministers' resolution 509 of 13 May 1996: an hour forward on the last Sunday of March,
//! back on the last Sunday of October, both at 01:00 UTC. It is computed, and knows no other year's rule than today's: what is judged are entries of
//! now, and an image without a time-zone database judges them as one with it does. Should the law give it up, a fixed offset is stated.

use std::fmt;
use std::str::FromStr;

use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

/// A clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallClock {
    /// UTC+2, and UTC+3 in summer.
    Kyiv,
    /// Always so far from UTC.
    Fixed(UtcOffset),
}

/// It is neither `Europe/Kyiv` nor an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither \"Europe/Kyiv\" nor an offset of at most 14 hours, as \"+02:00\"")]
pub struct UnknownClock;

/// No clock on earth is further from UTC.
const FURTHEST: Duration = Duration::hours(14);

impl WallClock {
    /// What it shows at a time.
    #[must_use]
    pub fn show(self, at: OffsetDateTime) -> OffsetDateTime {
        at.to_offset(self.offset(at))
    }

    /// So many minutes before UTC.
    ///
    /// # Errors
    /// [`UnknownClock`] beyond 14 hours.
    pub fn fixed(minutes: i16) -> Result<Self, UnknownClock> {
        let offset = UtcOffset::from_whole_seconds(i32::from(minutes) * 60).map_err(|_| UnknownClock)?;
        let near = Duration::minutes(minutes.into()).abs() <= FURTHEST;
        near.then_some(Self::Fixed(offset)).ok_or(UnknownClock)
    }

    fn offset(self, at: OffsetDateTime) -> UtcOffset {
        match self {
            Self::Kyiv if is_summer(at) => KYIV_SUMMER,
            Self::Kyiv => KYIV_WINTER,
            Self::Fixed(offset) => offset,
        }
    }
}

impl FromStr for WallClock {
    type Err = UnknownClock;

    /// `Europe/Kyiv`, `+02:00`, `-05:30`.
    fn from_str(text: &str) -> Result<Self, UnknownClock> {
        if text == KYIV {
            return Ok(Self::Kyiv);
        }
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(UnknownClock),
        };
        let two = |digits: &str| {
            let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
            digits.parse::<i16>().ok().filter(|_| plain)
        };
        let (hours, minutes) = rest.split_once(':').ok_or(UnknownClock)?;
        let (hours, minutes) = two(hours).zip(two(minutes)).filter(|(_, minutes)| *minutes < 60).ok_or(UnknownClock)?;
        Self::fixed(sign * (hours * 60 + minutes))
    }
}

impl fmt::Display for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kyiv => f.write_str(KYIV),
            Self::Fixed(offset) => {
                let minutes = offset.whole_minutes();
                let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

fn is_summer(at: OffsetDateTime) -> bool {
    let at = at.to_offset(UtcOffset::UTC);
    let switch = |month| last_sunday(at.year(), month);
    switch(Month::March).zip(switch(Month::October)).is_some_and(|(begin, end)| (begin..end).contains(&at))
}

/// 01:00 UTC on the last Sunday of a month that has 31 days.
fn last_sunday(year: i32, month: Month) -> Option<OffsetDateTime> {
    let last = Date::from_calendar_date(year, month, 31).ok()?;
    let sunday = last.checked_sub(Duration::days(last.weekday().number_days_from_sunday().into()))?;
    Some(sunday.with_hms(1, 0, 0).ok()?.assume_utc())
}

const KYIV: &str = "Europe/Kyiv";
const KYIV_WINTER: UtcOffset = time::macros::offset!(+2);
const KYIV_SUMMER: UtcOffset = time::macros::offset!(+3);

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn kyiv_changes_its_clocks_on_the_last_sundays_of_march_and_october() {
        // A second before each switch, and the switch itself, as the wall shows them.
        for (before, after) in [
            (datetime!(2026-03-29 2:59:59 +2), datetime!(2026-03-29 4:00 +3)),
            (datetime!(2026-10-25 3:59:59 +3), datetime!(2026-10-25 3:00 +2)),
            (datetime!(2027-03-28 2:59:59 +2), datetime!(2027-03-28 4:00 +3)),
            (datetime!(2027-10-31 3:59:59 +3), datetime!(2027-10-31 3:00 +2)),
            // The 31st is a Sunday itself.
            (datetime!(2030-03-31 2:59:59 +2), datetime!(2030-03-31 4:00 +3)),
        ] {
            assert_eq!(after - before, Duration::SECOND);
            for told in [before, after] {
                let shown = WallClock::Kyiv.show(told.to_offset(UtcOffset::UTC));
                assert_eq!((shown, shown.offset()), (told, told.offset()));
            }
        }
        for (at, hour) in [(datetime!(2026-01-01 0:00 UTC), 2), (datetime!(2026-07-01 0:00 UTC), 3)] {
            assert_eq!(WallClock::Kyiv.show(at).hour(), hour);
        }
        // The year is UTC's, whatever the time came in.
        assert_eq!(WallClock::Kyiv.show(datetime!(2027-01-01 1:00 +14)).hour(), 13);
    }

    #[test]
    fn an_offset_is_read_as_it_is_written() {
        for text in ["Europe/Kyiv", "+02:00", "-05:30", "+14:00", "-14:00", "+00:00"] {
            assert_eq!(text.parse::<WallClock>().unwrap().to_string(), text);
        }
        let at = datetime!(2026-07-01 12:00 UTC);
        assert_eq!("-05:30".parse::<WallClock>().unwrap().show(at).hour(), 6);
        for wrong in ["", "+", "Europe/Kiev", "02:00", "+2:00", "+02:60", "+14:01", "+02", "+ 2:00", "+-2:00", "UTC"] {
            assert_eq!(wrong.parse::<WallClock>(), Err(UnknownClock), "{wrong}");
        }
        assert_eq!(WallClock::fixed(-841), Err(UnknownClock));
    }
}
