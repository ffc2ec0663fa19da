//! What the binary prints.

use super::measure::{Figure, Unit};

/// One JSON object: {"name","by","ops_per_s", "mib_per_s", "peak_mib" or "p50_us" and "p99_us"}.
#[must_use]
pub fn json(figure: &Figure) -> String {
    let field = match figure.unit {
        Unit::Operations => "ops_per_s",
        Unit::Mebibytes => "mib_per_s",
        Unit::Peak => "peak_mib",
        Unit::Microseconds => "p50_us",
    };
    let slowest = match figure.unit {
        Unit::Microseconds => format!(r#","p99_us":{}"#, rounded(figure.median)),
        Unit::Operations | Unit::Mebibytes | Unit::Peak => String::new(),
    };
    // Names are plain: nothing in them needs to be escaped.
    format!(r#"{{"name":"{}","by":"{}","{field}":{}{slowest}}}"#, figure.name, figure.by, rounded(figure.best))
}

/// The head of the table.
#[must_use]
pub fn head() -> String {
    format!("{:<32} {:<20} {:>12} {:>12}  {:<6} {:>8}", "name", "by", "best", "median", "unit", "to ours")
}

/// A line of the table; `ours` is the figure to compare with.
#[must_use]
pub fn line(figure: &Figure, ours: Option<&Figure>) -> String {
    let unit = match figure.unit {
        Unit::Operations => "1/s",
        Unit::Mebibytes => "MiB/s",
        Unit::Peak => "MiB",
        Unit::Microseconds => "us",
    };
    let ratio = ours
        .filter(|ours| ours.by != figure.by)
        .map(|ours| format!("{:.2} x", figure.best / ours.best))
        .unwrap_or_default();
    format!(
        "{:<32} {:<20} {:>12} {:>12}  {:<6} {:>8}",
        figure.name,
        figure.by,
        rounded(figure.best),
        rounded(figure.median),
        unit,
        ratio
    )
}

/// Four digits say more than any run can.
fn rounded(rate: f64) -> f64 {
    if rate >= 1000.0 { rate.round() } else { (rate * 10.0).round() / 10.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_fields_that_readers_expect() {
        let figure = Figure { name: "gost34311", by: "vuzol", unit: Unit::Mebibytes, best: 151.234, median: 140.0 };
        assert_eq!(json(&figure), r#"{"name":"gost34311","by":"vuzol","mib_per_s":151.2}"#);
        let operations = Figure { unit: Unit::Operations, best: 60_123.4, ..figure.clone() };
        assert_eq!(json(&operations), r#"{"name":"gost34311","by":"vuzol","ops_per_s":60123}"#);
        let peak = Figure { unit: Unit::Peak, best: 21.04, ..figure.clone() };
        assert_eq!(json(&peak), r#"{"name":"gost34311","by":"vuzol","peak_mib":21}"#);
        let decision = Figure { unit: Unit::Microseconds, best: 7.26, ..figure.clone() };
        assert_eq!(json(&decision), r#"{"name":"gost34311","by":"vuzol","p50_us":7.3,"p99_us":140}"#);
        let peer = Figure { by: "peer", best: 15.1, ..figure.clone() };
        assert!(line(&peer, Some(&figure)).ends_with("0.10 x"));
        assert!(line(&figure, Some(&figure)).trim_end().ends_with("MiB/s"));
        for line in [json(&figure), json(&operations), json(&peak)] {
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok_and(|value| value.is_object()));
        }
    }
}
