//! How often logins are tried.

use access::login::throttle::{LoginRates, Rate};
use serde::{Deserialize, Serialize};

/// How often logins at the portals are tried, by who tries. Past it the answer is 429 (`login.throttled`). Each process of a node counts for
/// itself, and begins anew when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoginLimits {
    /// Challenges and answers of one address (of IPv6: one /64) at once after a pause. Too small: an office behind one address waits in the
    /// morning.
    pub address_burst: u32,
    /// The same, a minute on average.
    pub address_per_minute: u32,
    /// Logins with one certificate at once, of answers whose signature holds.
    pub certificate_burst: u32,
    /// The same, a minute on average. Too large: who has got hold of somebody's key fills the log with their logins.
    pub certificate_per_minute: u32,
    /// Logins in the name of one organisation at once, of answers whose signature holds.
    pub participant_burst: u32,
    /// The same, a minute on average. Too small: a large agency waits in the morning.
    pub participant_per_minute: u32,
    /// People whom their first login enrols, from one address, at once.
    pub enrolment_burst: u32,
    /// The same, a minute on average. Too large: who has many certificates fills the directory.
    pub enrolment_per_minute: u32,
}

/// Largest of all of them: a thousand a second.
const MOST: u32 = 60_000;

impl Default for LoginLimits {
    fn default() -> Self {
        Self {
            address_burst: 200,
            address_per_minute: 120,
            certificate_burst: 10,
            certificate_per_minute: 6,
            participant_burst: 200,
            participant_per_minute: 300,
            enrolment_burst: 60,
            enrolment_per_minute: 30,
        }
    }
}

impl LoginLimits {
    fn keys(&self) -> [(&'static str, &'static str, u32); 8] {
        [
            ("address_burst", "limits.logins.address_burst", self.address_burst),
            ("address_per_minute", "limits.logins.address_per_minute", self.address_per_minute),
            ("certificate_burst", "limits.logins.certificate_burst", self.certificate_burst),
            ("certificate_per_minute", "limits.logins.certificate_per_minute", self.certificate_per_minute),
            ("participant_burst", "limits.logins.participant_burst", self.participant_burst),
            ("participant_per_minute", "limits.logins.participant_per_minute", self.participant_per_minute),
            ("enrolment_burst", "limits.logins.enrolment_burst", self.enrolment_burst),
            ("enrolment_per_minute", "limits.logins.enrolment_per_minute", self.enrolment_per_minute),
        ]
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        // A login is a challenge and an answer: with one of them nobody ever comes in.
        if self.address_burst < 2 {
            return Err(("limits.logins.address_burst", format!("must be 2 to {MOST}")));
        }
        match self.keys().into_iter().find(|(.., value)| !(1..=MOST).contains(value)) {
            Some((_, key, _)) => Err((key, format!("must be 1 to {MOST}"))),
            None => Ok(()),
        }
    }

    /// As the portals count.
    pub(crate) fn rates(&self) -> LoginRates {
        let rate = |burst: u32, per_minute: u32| Rate { burst: burst.into(), per_second: f64::from(per_minute) / 60.0 };
        LoginRates {
            address: rate(self.address_burst, self.address_per_minute),
            certificate: rate(self.certificate_burst, self.certificate_per_minute),
            participant: rate(self.participant_burst, self.participant_per_minute),
            enrolment: rate(self.enrolment_burst, self.enrolment_per_minute),
        }
    }

    /// Keys and values of the section.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        self.keys().into_iter().map(|(key, _, value)| (key, Some(value.to_string()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_is_what_the_portals_count_and_bounds_hold() {
        assert_eq!(LoginLimits::default().rates(), LoginRates::default());
        assert_eq!(LoginLimits::default().check(), Ok(()));
        let slow = LoginLimits { certificate_burst: 1, certificate_per_minute: 3, ..LoginLimits::default() };
        assert_eq!(slow.rates().certificate, Rate { burst: 1.0, per_second: 0.05 });
        for (wrong, key) in [
            (LoginLimits { address_burst: 1, ..LoginLimits::default() }, "limits.logins.address_burst"),
            (
                LoginLimits { participant_per_minute: 0, ..LoginLimits::default() },
                "limits.logins.participant_per_minute",
            ),
            (LoginLimits { enrolment_burst: MOST + 1, ..LoginLimits::default() }, "limits.logins.enrolment_burst"),
        ] {
            assert_eq!(wrong.check().map_err(|(key, _)| key), Err(key));
        }
    }
}
