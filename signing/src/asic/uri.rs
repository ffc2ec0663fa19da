//! References to entries: relative URIs (RFC 3986) whose path is the entry's name, percent-encoded.
//!
//! Producers differ in what they encode. A reference means the entry whose name it is as it stands, or the one whose name it is after
//! decoding; if these are two entries, it is ambiguous. A `/` at the beginning is the root of the container, as X-Road writes it; no entry's
//! name begins so. Nothing else is tried: no scheme, no `./`, no query, and `+` is a plus.

/// The name that a reference has after decoding. `None` where an escape is malformed or does not give UTF-8.
pub(crate) fn decode(uri: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((octet, after)) = rest.split_first() {
        if *octet == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            octets.extend(crypto::digest::from_hex(std::str::from_utf8(digits).ok()?)?);
            rest = after;
        } else {
            octets.push(*octet);
            rest = after;
        }
    }
    String::from_utf8(octets).ok()
}

/// The reference to an entry: RFC 3986, 2.3 unreserved characters and `/` as they are, all else percent-encoded.
pub(super) fn encode(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    for octet in name.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~' | b'/') {
            uri.push(char::from(octet));
        } else {
            uri.push_str(&format!("%{octet:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for name in ["a.txt", "Довідка № 5.pdf", "100% (x+y).txt", "a/b:c#d?e", "\"<&>'"] {
            assert_eq!(decode(&encode(name)).as_deref(), Some(name));
            assert!(encode(name).is_ascii());
        }
        assert_eq!(encode("a b/ї"), "a%20b/%D1%97");
    }

    #[test]
    fn malformed_escapes_decode_to_nothing() {
        for uri in ["%", "%2", "%zz", "%ff", "a%d1", "%+1"] {
            assert_eq!(decode(uri), None, "{uri}");
        }
        assert_eq!(decode("a+b%2bc").as_deref(), Some("a+b+c"));
    }
}
