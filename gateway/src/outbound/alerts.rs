//! Alerts on their way out: posted to an address of the operator's, signed as notices are.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use audit::alert::{Receiver, Undelivered};
use crypto::digest::{hex, hmac_sha256};
use exchange::notices::Posting;
use schemas::NoticeId;
use schemas::audit::Alert;
use storage::Clock;
use zeroize::Zeroizing;

use super::webhook::Webhooks;
use crate::config::{AlertsConfig, WebhooksConfig};

/// Longest file that is looked at as a secret.
const SECRET_BYTES: u64 = 256;

/// The webhook of the configuration.
///
/// What is posted is the alert as JSON, with `Vuzol-Timestamp`, `Vuzol-Delivery` (the alert's number, the same in every repeat) and `Vuzol-Signature`:
/// `v1=` and the HMAC-SHA-256 of timestamp, a full stop and the body, under the secret.
pub(crate) struct AlertWebhook {
    webhooks: Webhooks,
    url: String,
    secret: Zeroizing<[u8; 32]>,
    clock: Arc<dyn Clock>,
}

impl AlertWebhook {
    /// None where the configuration has none.
    ///
    /// # Errors
    /// What is wrong with it: the key of the configuration first.
    pub(crate) fn of_config(
        config: &AlertsConfig,
        webhooks: &WebhooksConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, String> {
        use exchange::notices::Poster as _;
        let (Some(url), Some(secret)) = (&config.webhook, &config.webhook_secret) else { return Ok(None) };
        let webhooks = Webhooks::new(webhooks)?;
        webhooks.permitted(url).map_err(|error| format!("alerts.webhook: {error}"))?;
        let secret =
            read_secret(secret).map_err(|error| format!("alerts.webhook_secret {}: {error}", secret.display()))?;
        Ok(Some(Self { webhooks, url: url.clone(), secret, clock }))
    }
}

fn read_secret(file: &Path) -> Result<Zeroizing<[u8; 32]>, String> {
    crate::wiring::warn_if_others_may_read("alerts.webhook_secret", file).map_err(|error| error.to_string())?;
    if std::fs::metadata(file).map_err(|error| error.to_string())?.len() > SECRET_BYTES {
        return Err("longer than any secret".to_owned());
    }
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(|error| error.to_string())?);
    let octets = Zeroizing::new(crypto::digest::from_hex(text.trim_ascii_end()).unwrap_or_default());
    let secret: Result<[u8; 32], _> = octets.as_slice().try_into();
    secret.map(Zeroizing::new).map_err(|_| "not 64 hexadecimal digits".to_owned())
}

impl Receiver for AlertWebhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn deliver<'a>(&'a self, alert: &'a Alert) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>> {
        Box::pin(async move {
            let undelivered = |error: &dyn std::fmt::Display| Undelivered(error.to_string());
            let body = serde_json::to_string(alert).map_err(|error| undelivered(&error))?;
            let timestamp = self.clock.now().unix_timestamp();
            let signed = format!("{timestamp}.{body}");
            let signature = format!("v1={}", hex(&hmac_sha256(&*self.secret, signed.as_bytes())));
            let delivery = NoticeId::from_bytes(alert.alert_id.as_bytes()).map_err(|error| undelivered(&error))?;
            let posting = Posting { url: self.url.clone(), delivery, timestamp, signature, body };
            self.webhooks.post_once(posting).await.map_err(|error| Undelivered(format!("{error:?}")))
        })
    }
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
