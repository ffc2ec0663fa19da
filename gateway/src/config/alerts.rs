//! The section of alerts.

use std::path::{Path, PathBuf};

use audit::detect::{Burst, Hours, Rules, WallClock, weekday};
use serde::{Deserialize, Serialize};
use time::Duration;

use super::{is_host, quoted};

/// What raises an alert, and where alerts go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// Looks of one actor at what is of so many different people within `bulk_minutes` raise an alert; 0: none. Too low: whoever has a busy day is in
    /// the list, and nobody reads it any more. Too high: somebody takes out a street a day.
    pub bulk_looks: u32,
    /// See `bulk_looks`: 1 to 1440.
    pub bulk_minutes: u16,
    /// Days on which people work. Empty: no alert for the hour of a look.
    pub work_days: Vec<String>,
    /// When their day begins, `HH:MM`.
    pub work_from: String,
    /// When it ends.
    pub work_to: String,
    /// The clock on the wall there: `Europe/Kyiv`, which changes with the season and is the default, or an offset that never does, as `+02:00`.
    pub time_zone: Option<String>,
    /// The same in minutes before UTC, as it was stated before there was `time_zone`; not together with it.
    pub utc_offset_minutes: Option<i16>,
    /// A look at a person's data that names neither a case nor an application raises an alert.
    pub look_without_case: bool,
    /// So many refusals of one actor, or of one address, within `refusal_minutes` raise an alert; 0: none. Too low: a system with a wrong certificate
    /// raises one each morning.
    pub refusals: u32,
    /// See `refusals`: 1 to 1440.
    pub refusal_minutes: u16,
    /// Where alerts are posted, an https address. Judged as subscribers' are: `webhooks.tls_roots` must be there, and a host of one's own network in
    /// `webhooks.private_hosts`.
    pub webhook: Option<String>,
    /// File with the secret of their signatures: 64 hexadecimal digits.
    pub webhook_secret: Option<PathBuf>,
    /// Where alerts go as syslog messages (RFC 5424) over TLS (RFC 5425): `host:port`.
    pub syslog: Option<String>,
    /// PEM file of the authorities that its TLS certificate leads to.
    pub syslog_roots: Option<PathBuf>,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            bulk_looks: 30,
            bulk_minutes: 60,
            work_days: ["mon", "tue", "wed", "thu", "fri", "sat"].map(str::to_owned).to_vec(),
            work_from: "07:00".to_owned(),
            work_to: "21:00".to_owned(),
            time_zone: None,
            utc_offset_minutes: None,
            look_without_case: true,
            refusals: 50,
            refusal_minutes: 5,
            webhook: None,
            webhook_secret: None,
            syslog: None,
            syslog_roots: None,
        }
    }
}

impl AlertsConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, minutes) in
            [("alerts.bulk_minutes", self.bulk_minutes), ("alerts.refusal_minutes", self.refusal_minutes)]
        {
            if !(1..=1440).contains(&minutes) {
                return Err((key, "must be 1 to 1440".to_owned()));
            }
        }
        for (key, count) in [("alerts.bulk_looks", self.bulk_looks), ("alerts.refusals", self.refusals)] {
            if count > MOST {
                return Err((key, format!("must be 0 to {MOST}")));
            }
        }
        self.hours()?;
        if self.webhook.is_some() != self.webhook_secret.is_some() {
            return Err(("alerts.webhook_secret", "must be there with alerts.webhook, and not without it".to_owned()));
        }
        if self.syslog.is_some() != self.syslog_roots.is_some() {
            return Err(("alerts.syslog_roots", "must be there with alerts.syslog, and not without it".to_owned()));
        }
        let with_port = |host: &&String| {
            is_host(host) && host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        };
        match self.syslog.as_ref().filter(|host| !with_port(host)) {
            Some(host) => Err(("alerts.syslog", format!("{host:?} is not host:port (no scheme, no path)"))),
            None => Ok(()),
        }
    }

    /// The rules; what was checked is as it was.
    pub(crate) fn rules(&self) -> Rules {
        let burst = |count: u32, minutes: u16| {
            (count > 0).then(|| Burst { count, within: Duration::minutes(i64::from(minutes)) })
        };
        Rules {
            bulk_looks: burst(self.bulk_looks, self.bulk_minutes),
            hours: self.hours().ok().flatten(),
            look_without_case: self.look_without_case,
            refusal_storm: burst(self.refusals, self.refusal_minutes),
        }
    }

    fn hours(&self) -> Result<Option<Hours>, (&'static str, String)> {
        let mut days = [false; 7];
        for name in &self.work_days {
            let day = weekday(name).map(|day| usize::from(day.number_days_from_monday()));
            let day = day.and_then(|day| days.get_mut(day));
            *day.ok_or_else(|| {
                ("alerts.work_days", format!("{name:?} is none of mon, tue, wed, thu, fri, sat, sun"))
            })? = true;
        }
        let moment = |key: &'static str, text: &str| minute(text).ok_or((key, format!("{text:?} is no time: HH:MM")));
        let (from, to) = (moment("alerts.work_from", &self.work_from)?, moment("alerts.work_to", &self.work_to)?);
        if from >= to {
            return Err(("alerts.work_to", "must be after alerts.work_from".to_owned()));
        }
        let clock = self.clock()?;
        Ok((!self.work_days.is_empty()).then_some(Hours { days, from, to, clock }))
    }

    fn clock(&self) -> Result<WallClock, (&'static str, String)> {
        match (&self.time_zone, self.utc_offset_minutes) {
            (None, None) => Ok(WallClock::Kyiv),
            (Some(zone), None) => {
                zone.parse::<WallClock>().map_err(|error| ("alerts.time_zone", format!("{zone:?} is {error}")))
            }
            (None, Some(minutes)) => {
                WallClock::fixed(minutes).map_err(|_| ("alerts.utc_offset_minutes", "must be -840 to 840".to_owned()))
            }
            (Some(_), Some(_)) => {
                Err(("alerts.utc_offset_minutes", "must not be there beside alerts.time_zone".to_owned()))
            }
        }
    }

    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: &Path| quoted(&path.display().to_string());
        let days: Vec<_> = self.work_days.iter().map(|day| quoted(day)).collect();
        vec![
            ("bulk_looks", Some(self.bulk_looks.to_string())),
            ("bulk_minutes", Some(self.bulk_minutes.to_string())),
            ("work_days", Some(format!("[{}]", days.join(", ")))),
            ("work_from", Some(quoted(&self.work_from))),
            ("work_to", Some(quoted(&self.work_to))),
            ("time_zone", self.time_zone.as_deref().map(quoted)),
            ("utc_offset_minutes", self.utc_offset_minutes.map(|minutes| minutes.to_string())),
            ("look_without_case", Some(self.look_without_case.to_string())),
            ("refusals", Some(self.refusals.to_string())),
            ("refusal_minutes", Some(self.refusal_minutes.to_string())),
            ("webhook", self.webhook.as_deref().map(quoted)),
            ("webhook_secret", self.webhook_secret.as_deref().map(path)),
            ("syslog", self.syslog.as_deref().map(quoted)),
            ("syslog_roots", self.syslog_roots.as_deref().map(path)),
        ]
    }
}

/// Minutes of the day; 24:00 is its end.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let digits = hour.bytes().chain(minute.bytes()).all(|digit| digit.is_ascii_digit());
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let whole = hour * 60 + minute;
    (digits && minute < 60 && whole <= 24 * 60).then_some(whole)
}

/// Of what a window counts: more than an alert names, and few enough to hold for each actor.
const MOST: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_named() {
        let wrong = |change: fn(&mut AlertsConfig)| {
            let mut config = AlertsConfig::default();
            change(&mut config);
            config.check().expect_err("it cannot be meant").0
        };
        assert_eq!(AlertsConfig::default().check(), Ok(()));
        assert_eq!(wrong(|config| config.bulk_minutes = 0), "alerts.bulk_minutes");
        assert_eq!(wrong(|config| config.refusals = 1001), "alerts.refusals");
        assert_eq!(wrong(|config| config.work_days.push("friday".to_owned())), "alerts.work_days");
        assert_eq!(wrong(|config| config.work_from = "7:00".to_owned()), "alerts.work_from");
        assert_eq!(wrong(|config| config.work_to = "24:01".to_owned()), "alerts.work_to");
        assert_eq!(wrong(|config| config.work_to = "06:00".to_owned()), "alerts.work_to");
        assert_eq!(wrong(|config| config.utc_offset_minutes = Some(900)), "alerts.utc_offset_minutes");
        assert_eq!(wrong(|config| config.time_zone = Some("Europe/Lviv".to_owned())), "alerts.time_zone");
        let both = |config: &mut AlertsConfig| {
            (config.time_zone, config.utc_offset_minutes) = (Some("+02:00".to_owned()), Some(120));
        };
        assert_eq!(wrong(both), "alerts.utc_offset_minutes");
        assert_eq!(wrong(|config| config.webhook = Some("https://a.example/".to_owned())), "alerts.webhook_secret");
        assert_eq!(wrong(|config| config.syslog = Some("siem:6514".to_owned())), "alerts.syslog_roots");
        let hostless = |config: &mut AlertsConfig| {
            (config.syslog, config.syslog_roots) = (Some("tls://siem".to_owned()), Some("roots.pem".into()));
        };
        assert_eq!(wrong(hostless), "alerts.syslog");
    }

    #[test]
    fn the_rules_are_those_that_were_written() {
        let rules = AlertsConfig::default().rules();
        assert_eq!(rules.bulk_looks, Some(Burst { count: 30, within: Duration::hours(1) }));
        let hours = rules.hours.unwrap();
        assert_eq!((hours.from, hours.to, hours.days[5], hours.days[6]), (420, 1260, true, false));
        assert_eq!(hours.clock, WallClock::Kyiv);
        let clock = |time_zone: Option<&str>, utc_offset_minutes| {
            let time_zone = time_zone.map(str::to_owned);
            let config = AlertsConfig { time_zone, utc_offset_minutes, ..AlertsConfig::default() };
            config.rules().hours.unwrap().clock.to_string()
        };
        assert_eq!(clock(Some("Europe/Kyiv"), None), "Europe/Kyiv");
        assert_eq!((clock(Some("+02:00"), None), clock(None, Some(120))), ("+02:00".to_owned(), "+02:00".to_owned()));
        let off = AlertsConfig { bulk_looks: 0, refusals: 0, work_days: Vec::new(), ..AlertsConfig::default() }.rules();
        assert_eq!((off.bulk_looks, off.hours, off.refusal_storm), (None, None, None));
    }
}
