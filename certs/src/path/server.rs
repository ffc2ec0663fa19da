//! Which servers a certificate names (RFC 9525, RFC 5280 4.2.1.6).
use crate::certificate::Certificate;
use crate::certificate::general_name::GeneralName;
use std::net::IpAddr;

/// A server as its client knows it: a DNS name or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName(Reference);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reference {
    /// Lower case, without the final dot.
    Dns(String),
    Ip(IpAddr),
}

impl ServerName {
    /// A host name (A-labels, letters of either case, a final dot or none) or the text of an IP address; `None` for anything
    /// else, wildcards included: a client knows whom it asks.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self(Reference::Ip(address)));
        }
        let host = text.strip_suffix('.').unwrap_or(text);
        is_host(host).then(|| Self(Reference::Dns(host.to_ascii_lowercase())))
    }

    /// Whether the subject alternative name of `certificate` holds the server. The common name does not count (RFC 9525
    /// 2), a wildcard stands for exactly one whole leftmost label (6.3), and neither directly below the root nor below a
    /// top-level domain.
    #[must_use]
    pub fn is_named_by(&self, certificate: &Certificate) -> bool {
        let Some(span) = certificate.extensions().subject_alt_name else {
            return false;
        };
        let names = GeneralName::read_all(span.of(certificate.der())).unwrap_or_default();
        names.iter().any(|name| match (&self.0, name) {
            (Reference::Dns(host), GeneralName::Dns(presented)) => is_presented(host, presented),
            (Reference::Ip(IpAddr::V4(address)), GeneralName::Ip(octets)) => address.octets() == *octets,
            (Reference::Ip(IpAddr::V6(address)), GeneralName::Ip(octets)) => address.octets() == *octets,
            _ => false,
        })
    }
}

fn is_presented(host: &str, presented: &str) -> bool {
    let Some(parent) = presented.strip_prefix("*.") else {
        return is_host(presented) && host.eq_ignore_ascii_case(presented);
    };
    let below = host.split_once('.').is_some_and(|(_, above)| above.eq_ignore_ascii_case(parent));
    below && is_host(parent) && parent.contains('.')
}

/// Labels of letters, digits, hyphens and underscores, in all at most 253 octets.
fn is_host(text: &str) -> bool {
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= 253 && text.split('.').all(label_fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::{oid, tag, write};
    use crate::dev::forge::Forge;

    #[test]
    fn names_are_whole_and_wildcards_are_one_label() {
        let names: Vec<u8> = [
            write::element(tag::context(2), b"Example.org"),
            write::element(tag::context(2), b"*.example.com"),
            write::element(tag::context(2), b"*.net"),
            write::element(tag::context(2), b"ba*.example.org"),
            write::element(tag::context(2), b"192.0.2.7"),
            write::element(tag::context(7), &[192, 0, 2, 1]),
        ]
        .concat();
        let names = write::element(tag::SEQUENCE, &names);
        let certificate = Forge::new("common.example").with(&oid::SUBJECT_ALT_NAME, false, &names).root().certificate;
        let named = |text: &str| ServerName::parse(text).unwrap().is_named_by(&certificate);
        for text in ["example.org", "EXAMPLE.ORG.", "foo.example.com", "192.0.2.1"] {
            assert!(named(text), "{text}");
        }
        for text in [
            "common.example",
            "www.example.org",
            "example.com",
            "a.b.example.com",
            "example.net",
            "bar.example.org",
            "192.0.2.7",
            "192.0.2.2",
            "::1",
        ] {
            assert!(!named(text), "{text}");
        }
        for text in ["", "*.example.com", "a..b", "exa mple.org", "-ü"] {
            assert_eq!(ServerName::parse(text), None, "{text}");
        }
    }
}
