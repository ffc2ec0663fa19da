//! Logins by an identity provider: OpenID Connect Core 1.0, Authorization Code flow with PKCE, as RFC 9700 would have it. Arithmetic and readers:
//! nothing here opens a connection or asks a clock.
//!
//! | module | what it holds |
//! |---|---|
//! | [`json`] | JSON of a stranger: bounded, without a name twice |
//! | [`address`] | addresses that a provider may name |
//! | [`discovery`] | the provider's description of itself (OpenID Connect Discovery 1.0) |
//! | [`keys`] | its keys (RFC 7517), and the algorithms that are believed |
//! | [`token`] | the ID token (Core, 3.1.3.7; RFC 8725) |
//! | [`claims`] | which claim carries which number of a person |
//! | [`flow`] | what is asked of the browser and what comes back (RFC 6749, RFC 7636, RFC 9207) |
//! | [`provider`] | the trait, and what it answers |
//! | [`dev`] | a provider of our own, for tests |
//!
//! **What is supported**: providers of OpenID Connect with an https issuer and a discovery document; the code flow with PKCE (S256), `state`,
//! `nonce` and `iss`; ID tokens signed with ES256, ES384, EdDSA (Ed25519), PS256 or RS256; claims from the ID token, or from the user-info
//! endpoint as plain JSON. **What is not**: other flows; encrypted ID tokens; signed or encrypted user-info; logout at the provider; refresh
//! tokens, which are thrown away with the access token.
//!
//! **id.gov.ua** speaks OAuth 2.0 and not OpenID Connect: it has no ID token and no discovery document, and answers at its user-info endpoint with a
//! CMS envelope for the client's own certificate, in national algorithms. It is not supported, and nothing here imitates it. What it would
//! take is a second implementation of [`provider::IdentityProvider`]: where the browser goes, and what a code says of a person. The names
//! of its claims (`drfocode`, `edrpoucode`) are the defaults here, since providers that stand before it hand them on.

pub mod address;
pub mod claims;
pub mod dev;
pub mod discovery;
pub mod flow;
pub mod json;
pub mod keys;
pub mod provider;
pub mod token;

#[cfg(test)]
mod tests;
