//! A login that was begun at an identity provider: what the browser keeps of it while it is away, in a cookie.
//!
//! ```text
//! <seconds since 1970>.<seed, 32 octets in base64url>.<where to go afterwards, in base64url>.<code, 32 octets in base64url>
//! ```
//!
//! **The node keeps nothing of what it begins**, as with challenges (`challenge.rs`). The code is HMAC-SHA-256 over the place (node,
//! portal with its origin, provider) and all that stands before it. `state`, `nonce` and the verifier of PKCE come from the same octets under keys of their
//! own, so that whoever reads the cookie learns none of them, and whoever brings a `state` without the cookie has begun nothing. Only that
//! an attempt came back is kept, until it would have expired: it comes back once, whatever came of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime};

use super::challenge::Place;
use super::secret::{CodeKey, NodeSecret};

/// How long a person may take at the provider.
pub const LIFETIME: Duration = Duration::minutes(10);

/// Longest cookie that is looked at. The longest that is issued has below 1,000 octets.
const TEXT_BYTES: usize = 2048;

/// Longest path that is come back to.
const TARGET_BYTES: usize = 512;

/// Where somebody goes after the login: a path at the portal itself, and nothing that a browser might take for another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// Reads one; none where it is not of the form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~?=&%".contains(&b);
        let is_here = text.starts_with('/') && !text.starts_with("//");
        (is_here && text.len() <= TARGET_BYTES && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Target {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

/// An attempt that this node began at this place, whose time is not over. Made by [`Attempts`] alone.
pub(crate) struct Attempt {
    seed: [u8; 32],
    expires_at: OffsetDateTime,
    target: Target,
    state: String,
    nonce: String,
    verifier: String,
}

impl Attempt {
    /// By which it is known that it came back.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    pub(crate) fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn state(&self) -> &str {
        &self.state
    }

    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    pub(crate) fn verifier(&self) -> &str {
        &self.verifier
    }

    /// Whether what came back with the browser belongs to it, in a time that does not tell where they differ.
    pub(crate) fn is_of(&self, state: &str) -> bool {
        bool::from(self.state.as_bytes().ct_eq(state.as_bytes()))
    }
}

/// Begins attempts and reads them back.
pub(crate) struct Attempts {
    code: CodeKey,
    state: CodeKey,
    nonce: CodeKey,
    verifier: CodeKey,
}

impl Attempts {
    pub(crate) fn new(secret: &NodeSecret) -> Self {
        Self {
            code: secret.key("vuzol openid attempt 1"),
            state: secret.key("vuzol openid state 1"),
            nonce: secret.key("vuzol openid nonce 1"),
            verifier: secret.key("vuzol openid verifier 1"),
        }
    }

    /// A new one, and what the browser keeps of it.
    pub(crate) fn begin(
        &self,
        place: &Place<'_>,
        provider: &str,
        target: Target,
        now: OffsetDateTime,
    ) -> (Attempt, String) {
        let (issued, seed) = (now.unix_timestamp(), crypto::random::array());
        let body = body(issued, &seed, &target);
        let bound = bound(place, provider, &body);
        let text = format!("{body}.{}", URL_SAFE_NO_PAD.encode(self.code.code(bound.as_bytes())));
        (self.attempt(&bound, seed, issued, target), text)
    }

    /// Reads one that came back. None: not of this node and place, altered, over, or not begun yet by this clock.
    pub(crate) fn open(&self, text: &str, place: &Place<'_>, provider: &str, now: OffsetDateTime) -> Option<Attempt> {
        let (before, code) = Some(text).filter(|text| text.len() <= TEXT_BYTES)?.rsplit_once('.')?;
        let bound = bound(place, provider, before);
        if !self.code.holds(bound.as_bytes(), &URL_SAFE_NO_PAD.decode(code).ok()?) {
            return None;
        }
        let mut parts = before.split('.');
        let issued = parts.next()?.parse().ok()?;
        let seed = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?.try_into().ok()?;
        let target = String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?;
        let attempt = self.attempt(&bound, seed, issued, Target::parse(&target)?);
        let is_now = now.unix_timestamp() >= issued && now < attempt.expires_at;
        is_now.then_some(attempt)
    }

    fn attempt(&self, bound: &str, seed: [u8; 32], issued: i64, target: Target) -> Attempt {
        let derived = |key: &CodeKey| URL_SAFE_NO_PAD.encode(key.code(bound.as_bytes()));
        let issued_at = OffsetDateTime::from_unix_timestamp(issued).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (state, nonce, verifier) = (derived(&self.state), derived(&self.nonce), derived(&self.verifier));
        Attempt { seed, expires_at: issued_at + LIFETIME, target, state, nonce, verifier }
    }
}

fn body(issued: i64, seed: &[u8; 32], target: &Target) -> String {
    format!("{issued}.{}.{}", URL_SAFE_NO_PAD.encode(seed), URL_SAFE_NO_PAD.encode(target.as_str()))
}

/// Place and body. Neither origins nor names of providers nor the node's name have a line break in them.
fn bound(place: &Place<'_>, provider: &str, body: &str) -> String {
    let Place { node, portal, origin } = place;
    format!("{node}\n{}\n{origin}\n{provider}\n{body}", portal.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::access::Portal;

    const NOON: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00:00.25 UTC);
    const HERE: Place<'_> = Place { node: "vuzol.example", portal: Portal::Internal, origin: "https://office.example" };

    fn attempts(octet: &str) -> Attempts {
        Attempts::new(&NodeSecret::from_hex(&octet.repeat(32)).unwrap())
    }

    fn target() -> Target {
        Target::parse("/cases?of=1").unwrap()
    }

    #[test]
    fn an_attempt_is_read_back_for_ten_minutes_and_the_cookie_tells_no_secret() {
        let attempts = attempts("0a");
        let (begun, text) = attempts.begin(&HERE, "gov", target(), NOON);
        assert!(text.len() < 1000, "{text}");
        for secret in [&begun.state, &begun.nonce, &begun.verifier] {
            assert!(!text.contains(secret.as_str()) && secret.len() == 43);
        }
        assert!(begun.state != begun.nonce && begun.nonce != begun.verifier && begun.state != begun.verifier);
        let expires_at = begun.expires_at();
        assert_eq!(expires_at, NOON.replace_nanosecond(0).unwrap() + LIFETIME);
        for at in [NOON, expires_at - Duration::microseconds(1)] {
            let opened = attempts.open(&text, &HERE, "gov", at).unwrap();
            assert_eq!((opened.seed(), opened.target()), (begun.seed(), &target()));
            assert!(opened.is_of(begun.state()) && !opened.is_of("") && !opened.is_of(begun.nonce()));
            assert_eq!((opened.nonce(), opened.verifier()), (begun.nonce(), begun.verifier()));
        }
        for at in [expires_at, NOON - Duration::seconds(1)] {
            assert!(attempts.open(&text, &HERE, "gov", at).is_none(), "{at}");
        }
        let (other, _) = attempts.begin(&HERE, "gov", target(), NOON);
        assert!(!other.is_of(begun.state()), "each has a state of its own");
    }

    #[test]
    fn it_comes_back_where_it_was_begun_and_nowhere_else() {
        let here = attempts("0a");
        let (_, text) = here.begin(&HERE, "gov", target(), NOON);
        let places = [
            (Place { node: "other.example", ..HERE }, "gov"),
            (Place { portal: Portal::External, ..HERE }, "gov"),
            (Place { origin: "https://office.example.evil", ..HERE }, "gov"),
            (HERE, "bank"),
        ];
        for (place, provider) in places {
            assert!(here.open(&text, &place, provider, NOON).is_none(), "{place:?} {provider}");
        }
        assert!(attempts("0b").open(&text, &HERE, "gov", NOON).is_none(), "another node's");
    }

    #[test]
    fn a_cookie_that_differs_in_one_octet_is_no_attempt() {
        let attempts = attempts("0a");
        let (_, text) = attempts.begin(&HERE, "gov", target(), NOON);
        for place in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[place] ^= 1;
            let altered = String::from_utf8(altered).unwrap();
            assert!(attempts.open(&altered, &HERE, "gov", NOON).is_none(), "octet {place}");
        }
        for altered in
            [String::new(), "....".to_owned(), format!("{text}="), format!("{text}{}", "A".repeat(TEXT_BYTES))]
        {
            assert!(attempts.open(&altered, &HERE, "gov", NOON).is_none());
        }
    }

    #[test]
    fn a_target_is_a_path_of_the_portal() {
        for path in ["/", "/cases", "/cases/1?x=y&z=%2F"] {
            assert_eq!(Target::parse(path).unwrap().as_str(), path);
        }
        let long = format!("/{}", "a".repeat(TARGET_BYTES));
        for elsewhere in [
            "",
            "cases",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/\r\nx: y",
            "/a#b",
            "/\u{e9}",
            &long,
        ] {
            assert_eq!(Target::parse(elsewhere), None, "{elsewhere:?}");
        }
    }
}
