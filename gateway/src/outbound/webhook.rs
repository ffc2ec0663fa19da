//! Posts notices to the webhooks of participants: https to public hosts, no redirects, nothing tried twice, the answer's
//! status and nothing else of it.
//!
//! The address is a participant's word, so it is the most hostile one that the node ever asks. A name is looked up by a
//! resolver that gives public addresses only, for each connection anew; an address in the own network is asked only where
//! the operator named it. A receiver that fails again and again rests, and is then tried with one notice.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use exchange::notices::{NotPermitted, NotPosted, Poster, Posting};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use schemas::MailboxId;
use time::OffsetDateTime;

use super::address::{PublicOnly, is_public};
use super::breaker::Breakers;
use super::fetch::client;
use super::trusted_lists::fetch::read_roots;
use crate::config::WebhooksConfig;

/// For one notice, from the look-up of the name to the status.
const DEADLINE: Duration = Duration::from_secs(10);

/// For the connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// Notices on their way to one receiver at once.
const AT_ONCE: u32 = 4;

/// Hosts inside the own network that the operator named, with their ports.
#[derive(Default)]
struct Private(HashMap<String, HashSet<u16>>);

impl Private {
    fn new(hosts: &[String]) -> Self {
        let mut named: HashMap<_, HashSet<_>> = HashMap::new();
        let urls = hosts.iter().filter_map(|host| Url::parse(&format!("https://{host}/")).ok());
        for (host, port) in urls.filter_map(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?))) {
            named.entry(host).or_default().insert(port);
        }
        Self(named)
    }
}

/// Public addresses of names; any address of those that the operator named.
struct NamedOrPublic(Arc<Private>);

impl Resolve for NamedOrPublic {
    fn resolve(&self, name: Name) -> Resolving {
        if !self.0.0.contains_key(name.as_str()) {
            return PublicOnly.resolve(name);
        }
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The posting side of webhooks.
pub(crate) struct Webhooks {
    /// None: this node posts nothing.
    client: Option<reqwest::Client>,
    private: Arc<Private>,
    receivers: Breakers,
}

impl Webhooks {
    /// As configured: without authorities for the receivers' certificates nothing is posted.
    pub(crate) fn new(config: &WebhooksConfig) -> Result<Self, String> {
        let roots = config.tls_roots.as_deref().map(|file| read_roots("webhooks.tls_roots", file)).transpose()?;
        let private = Arc::new(Private::new(&config.private_hosts));
        let client = roots.map(|roots| connecting(roots, &private)).transpose()?;
        Ok(Self { client, private, receivers: Breakers::new() })
    }

    /// The address, where notices may go there.
    fn address(&self, url: &str) -> Result<Url, &'static str> {
        let url = Url::parse(url).map_err(|_| "not an address")?;
        if url.scheme() != "https" {
            return Err("not https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("with credentials");
        }
        if url.fragment().is_some() {
            return Err("with a fragment");
        }
        let (host, port) = url.host_str().zip(url.port_or_known_default()).ok_or("without a host")?;
        if let Some(ports) = self.private.0.get(host) {
            return if ports.contains(&port) { Ok(url) } else { Err("not a public host") };
        }
        if port != 443 && port <= 1023 {
            return Err("a port of another service");
        }
        // A name is looked up when it is asked, by a resolver that gives public addresses only.
        let public = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => is_public(address),
            Err(_) => host.trim_end_matches('.').contains('.'),
        };
        if !public {
            return Err("not a public host");
        }
        Ok(url)
    }

    /// Posts once, within the deadline, to a receiver of the node's own.
    pub(crate) async fn post_once(&self, posting: Posting) -> Result<(), NotPosted> {
        tokio::time::timeout(DEADLINE, self.try_once(posting)).await.unwrap_or(Err(NotPosted::Unreachable))
    }

    async fn try_once(&self, posting: Posting) -> Result<(), NotPosted> {
        let client = self.client.as_ref().ok_or(NotPosted::NotPermitted)?;
        // Judged again: what the operator allows may have changed since the participant stated it.
        let url = self.address(&posting.url).map_err(|_| NotPosted::NotPermitted)?;
        let request = client
            .post(url)
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("vuzol-timestamp", posting.timestamp)
            .header("vuzol-signature", posting.signature)
            .header("vuzol-delivery", posting.delivery.to_string())
            .body(posting.body);
        // Dropped unread: of an answer only the status counts, and its headers are bounded by the HTTP library.
        let answer = request.send().await.map_err(|_| NotPosted::Unreachable)?;
        if answer.status().is_success() { Ok(()) } else { Err(NotPosted::Answer(answer.status().as_u16())) }
    }
}

fn connecting(roots: rustls::RootCertStore, private: &Arc<Private>) -> Result<reqwest::Client, String> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let resolver = Arc::new(NamedOrPublic(Arc::clone(private)));
    let client =
        client(tls).dns_resolver(resolver).connect_timeout(CONNECTING).timeout(DEADLINE).pool_max_idle_per_host(1);
    client.https_only(true).build().map_err(|e| e.to_string())
}

impl Poster for Webhooks {
    fn permitted(&self, url: &str) -> Result<(), NotPermitted> {
        self.address(url).map_err(NotPermitted::Address)?;
        self.client.as_ref().map(drop).ok_or(NotPermitted::NotOffered)
    }

    fn places(&self, receiver: &MailboxId, at: OffsetDateTime) -> u32 {
        let name = receiver.to_string();
        match (self.receivers.is_failing(&name), self.receivers.permits(&name, at)) {
            (_, false) => 0,
            (true, true) => 1,
            (false, true) => AT_ONCE,
        }
    }

    fn post<'a>(
        &'a self,
        receiver: &'a MailboxId,
        posting: Posting,
        at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotPosted>> + Send + 'a>> {
        Box::pin(async move {
            let posted = tokio::time::timeout(DEADLINE, self.try_once(posting)).await;
            let posted = posted.unwrap_or(Err(NotPosted::Unreachable));
            self.receivers.ended(&receiver.to_string(), at, posted.is_ok());
            posted
        })
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
