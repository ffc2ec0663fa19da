//! Addresses that a provider names: https, of a host that the operator named, and nothing that two readers could read in two ways.

/// Longest address.
const BYTES: usize = 2048;

/// An https address without credentials and fragment. It is taken apart here so narrowly that every reader finds the same host in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsAddress {
    text: String,
    authority: String,
}

impl HttpsAddress {
    /// Reads one; none where it is not of the form. The host is in lower case, as letters, digits, dots and hyphens, or a bracketed IPv6 address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").filter(|_| text.len() <= BYTES)?;
        if !rest.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'#' | b'"' | b'<' | b'>' | b'`' | b'@'))
        {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = &rest[..end];
        let (host, port) = match authority.strip_prefix('[') {
            Some(inside) => {
                let (host, after) = inside.split_once(']')?;
                if host.parse::<std::net::Ipv6Addr>().is_err() {
                    return None;
                }
                (&authority[..host.len() + 2], after)
            }
            None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        let is_host = host.starts_with('[') || (!host.is_empty() && host.bytes().all(plain));
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse::<u16>().ok().filter(|port| *port != 0 && port.to_string() == digits)?,
            None if port.is_empty() => 443,
            None => return None,
        };
        is_host.then(|| Self { text: text.to_owned(), authority: format!("{host}:{port}") })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether there is a query.
    pub(super) fn has_query(&self) -> bool {
        self.text.contains('?')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_reading() {
        for (text, authority) in [
            ("https://id.example", "id.example:443"),
            ("https://id.example/a/b?c=d", "id.example:443"),
            ("https://id.example:8443/", "id.example:8443"),
            ("https://127.0.0.1:1?x", "127.0.0.1:1"),
            ("https://[::1]:9/", "[::1]:9"),
        ] {
            assert_eq!(HttpsAddress::parse(text).unwrap().authority(), authority, "{text}");
        }
        for text in [
            "http://id.example/",
            "HTTPS://id.example/",
            "https:/id.example",
            "https://",
            "https:///x",
            "https://ID.example/",
            "https://id.example@evil.example/",
            "https://id.example:pw@evil.example/",
            "https://id.example\\@evil.example/",
            "https://id.example/#f",
            "https://id.example /",
            "https://id.example/\n",
            "https://ід.example/",
            "https://id.example:0/",
            "https://id.example:0443/",
            "https://id.example:99999/",
            "https://id.example:/",
            "https://id.example:443:443/",
            "https://[::1/",
            "https://[id.example]/",
            "https://[::1]x/",
            "//id.example/",
        ] {
            assert_eq!(HttpsAddress::parse(text), None, "{text:?}");
        }
        assert_eq!(HttpsAddress::parse(&format!("https://id.example/{}", "a".repeat(BYTES))), None);
    }
}
