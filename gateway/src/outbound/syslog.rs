//! Alerts as syslog messages: RFC 5424 in the frames of RFC 5425, over TLS with the receiver's certificate checked.
//!
//! ```text
//! LENGTH SP <PRI>1 SP TIMESTAMP SP HOSTNAME SP vuzol SP - SP MSGID SP [vuzol@32473 name="value" ..] SP BOM MSG
//! ```
//!
//! Facility 13 (log audit), severity 4 (warning). MSGID is the rule. Structured data has what a rule of a SIEM asks for; the sentence is in English in
//! MSG and in Ukrainian in `text_uk`. 32473 is the enterprise number that RFC 5612 keeps for documentation: the node has none of its own.
//!
//! Each alert has a connection of its own: syslog knows no answer, so that only a connection which is shut down in order, after the message is written,
//! says that the other side took everything in (RFC 5425, 4.4: close_notify of both). One that just goes away is a failure, and the alert comes again.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use audit::alert::{Receiver, Undelivered};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use schemas::audit::Alert;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::trusted_lists::fetch::read_roots;
use crate::config::AlertsConfig;

/// For one alert, from the look-up of the name to the end of the connection.
const DEADLINE: Duration = Duration::from_secs(10);

/// Octets that a receiver may say: syslog has no answers, and what comes is thrown away.
const ANSWER_BYTES: u64 = 1024;

/// Characters of a host name (RFC 5424, 6.2.4).
const HOSTNAME_CHARACTERS: usize = 255;

/// The syslog receiver of the configuration.
pub(crate) struct Syslog {
    address: String,
    server: ServerName<'static>,
    tls: TlsConnector,
    hostname: String,
}

impl Syslog {
    /// None where the configuration has none. `node`: this node's name.
    ///
    /// # Errors
    /// What is wrong with it: the key of the configuration first.
    pub(crate) fn of_config(config: &AlertsConfig, node: &str) -> Result<Option<Self>, String> {
        let (Some(address), Some(roots)) = (&config.syslog, &config.syslog_roots) else { return Ok(None) };
        Self::new(address, roots, node).map(Some)
    }

    fn new(address: &str, roots: &Path, node: &str) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("alerts.syslog {address}: {error}");
        let (host, _) = address.rsplit_once(':').ok_or_else(|| wrong(&"not host:port"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let server = ServerName::try_from(host).map_err(|error| wrong(&error))?;
        let roots = read_roots("alerts.syslog_roots", roots)?;
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address: address.to_owned(),
            server,
            tls: TlsConnector::from(Arc::new(tls)),
            hostname: header_field(node, HOSTNAME_CHARACTERS),
        })
    }

    async fn send(&self, alert: &Alert) -> std::io::Result<()> {
        let stream = TcpStream::connect(&self.address).await?;
        let mut line = self.tls.connect(self.server.clone(), stream).await?;
        line.write_all(&frame(&message(alert, &self.hostname))).await?;
        line.shutdown().await?;
        // Until the other side has said farewell too. One that goes without it is an error, and may not have read what was sent.
        tokio::io::copy(&mut (&mut line).take(ANSWER_BYTES), &mut tokio::io::sink()).await.map(drop)
    }
}

impl Receiver for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn deliver<'a>(&'a self, alert: &'a Alert) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>> {
        Box::pin(async move {
            match tokio::time::timeout(DEADLINE, self.send(alert)).await {
                Ok(sent) => sent.map_err(|error| Undelivered(error.to_string())),
                Err(_) => Err(Undelivered("too slow".to_owned())),
            }
        })
    }
}

/// RFC 5425, 4.3: the length in octets, a space, the message.
fn frame(message: &str) -> Vec<u8> {
    format!("{} {message}", message.len()).into_bytes()
}

/// RFC 5424, 6.
fn message(alert: &Alert, hostname: &str) -> String {
    let priority = 13 * 8 + 4;
    let at = alert.raised_at.to_offset(time::UtcOffset::UTC);
    // Six decimals at most (6.2.3.1); what cannot be written is no time that there is.
    let at = at.replace_nanosecond(at.microsecond() * 1000).ok().and_then(|at| at.format(&Rfc3339).ok());
    let at = at.unwrap_or_else(|| "-".to_owned());
    let entries: Vec<String> = alert.entries.iter().map(u64::to_string).collect();
    let caused = alert.caused_at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
    let data = [
        ("alert", alert.alert_id.to_string()),
        ("rule", alert.rule.clone()),
        ("subject", alert.subject.clone()),
        ("threshold", alert.threshold.to_string()),
        ("entries", entries.join(",")),
        ("caused_at", caused),
        ("text_uk", alert.text_uk.clone()),
    ];
    let data: String = data.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value))).collect();
    let rule = header_field(&alert.rule, 32);
    let text: String = alert.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("<{priority}>1 {at} {hostname} vuzol - {rule} [vuzol@32473{data}] \u{feff}{text}")
}

/// RFC 5424, 6.3.3: in a value `"`, `\` and `]` stand behind a backslash. Other characters may stand as they are; control characters, which no receiver is
/// glad of, do not.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' | ']' => text.extend(['\\', c]),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// RFC 5424, 6: a field of the header is visible ASCII, or `-`.
fn header_field(text: &str, most: usize) -> String {
    let field: String = text.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(most).collect();
    if field.is_empty() { "-".to_owned() } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::AlertId;

    fn alert() -> Alert {
        let at = time::macros::datetime!(2026-11-27 10:00:00.123456 +2);
        Alert {
            alert_id: AlertId::from_parts(1, [7; 10]),
            rule: "bulk_looks".to_owned(),
            subject: "person:p".to_owned(),
            text: "person:p looked at what is of 30 people.".to_owned(),
            text_uk: "Перегляд даних 30 осіб.".to_owned(),
            threshold: 30,
            entries: vec![1, 5],
            caused_at: at,
            raised_at: at,
        }
    }

    #[test]
    fn a_message_is_exactly_this() {
        let id = AlertId::from_parts(1, [7; 10]);
        assert_eq!(
            message(&alert(), "vuzol.test/log"),
            format!(
                "<108>1 2026-11-27T08:00:00.123456Z vuzol.test/log vuzol - bulk_looks [vuzol@32473 alert=\"{id}\" rule=\"bulk_looks\" \
                 subject=\"person:p\" threshold=\"30\" entries=\"1,5\" caused_at=\"2026-11-27T08:00:00.123456Z\" \
                 text_uk=\"Перегляд даних 30 осіб.\"] \u{feff}person:p looked at what is of 30 people."
            )
        );
    }

    /// RFC 5424, 6.3.3 and 6.3.5: what a reader of the grammar makes of any value is the value.
    #[test]
    fn values_cannot_break_out_of_their_quotes() {
        for hostile in ["a\"]b\\c", "\\", "]", "\"] [evil@1 x=\"1\"", "a\nb\u{0}c", "їжак ]"] {
            let escaped = escaped(hostile);
            let (mut read, mut chars) = (String::new(), escaped.chars());
            while let Some(c) = chars.next() {
                assert!(!matches!(c, '"' | ']') && !c.is_control(), "{hostile:?} ends its value");
                read.push(if c == '\\' { chars.next().unwrap() } else { c });
            }
            assert_eq!(read, hostile.replace(['\n', '\u{0}'], " "));
        }
        let hostile = Alert { subject: "x\"] evil".to_owned(), text: "a\n<1>1 b".to_owned(), ..alert() };
        let message = message(&hostile, "n");
        assert!(message.contains("subject=\"x\\\"\\] evil\"") && message.ends_with("\u{feff}a <1>1 b"), "{message}");
        assert_eq!((header_field("", 9), header_field("a b\u{0}їx", 4)), ("-".to_owned(), "a_b_".to_owned()));
    }

    #[test]
    fn a_frame_counts_octets() {
        assert_eq!(frame("їжак"), "8 їжак".as_bytes());
    }
}
