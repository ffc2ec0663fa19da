//! An identity provider, whatever it speaks. OpenID Connect is one implementation (`gateway/src/outbound/openid`); OAuth 2.0 with a user-info
//! endpoint that answers in an envelope would be another.

use std::future::Future;
use std::pin::Pin;

use schemas::Edrpou;

use super::token::TokenError;
use crate::people::PersonalNumbers;

/// What a login at a provider is asked with. The last three are of this login alone, and none of them can be guessed.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where the browser comes back to, the same for every login of this portal and provider.
    pub redirect_uri: &'a str,
    /// Comes back with the browser (RFC 6749, 10.12).
    pub state: &'a str,
    /// Comes back inside the token (Core, 3.1.2.1).
    pub nonce: &'a str,
    /// Whose SHA-256 goes with the browser, and which redeems the code (RFC 7636, 4.1).
    pub verifier: &'a str,
}

// What redeems a code must not be read in a log.
impl std::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("redirect_uri", &self.redirect_uri).finish_non_exhaustive()
    }
}

/// What came back with the browser, for this login: its `state` was right.
#[derive(Clone, PartialEq, Eq)]
pub struct Returned {
    /// What the code is redeemed with.
    pub code: String,
    /// The issuer, where it is named (RFC 9207).
    pub issuer: Option<String>,
}

impl std::fmt::Debug for Returned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Returned").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Whom a provider vouches for. Who that is at this node says the directory.
#[derive(Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The person's name at the provider, which may be one of their numbers.
    pub subject: String,
    /// Their numbers. There may be none.
    pub numbers: PersonalNumbers,
    /// The organisation for whose people the provider has issued what they logged in with.
    pub organisation: Option<Edrpou>,
    /// How sure the provider is, in its words.
    pub assurance: Option<String>,
}

// Personal.
impl std::fmt::Debug for Vouched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vouched").field("assurance", &self.assurance).finish_non_exhaustive()
    }
}

/// Why a provider says nothing of a login, or nothing that is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It is not there, slow, or not in a state to answer. The same may succeed later.
    #[error("the provider does not answer")]
    Unavailable,
    /// It does not take the code: used, expired, of another login.
    #[error("the provider does not take the code")]
    CodeRefused,
    /// The browser brings the answer of another provider (RFC 9207, 2.4), or of none where this one always names itself.
    #[error("the answer is another provider's")]
    MixUp,
    /// What it answers is not of the form, or past a bound.
    #[error("the provider's answer is not of the form")]
    Malformed,
    /// Its token is not believed.
    #[error("the provider's token is not believed: {0}")]
    Token(#[from] TokenError),
    /// What its user-info endpoint says is of somebody else (Core, 5.3.2).
    #[error("the provider's user-info is another person's")]
    OtherSubject,
    /// A claim that carries a number is of another form.
    #[error("a claim that carries a number is of another form")]
    Claims,
}

impl ProviderError {
    /// For the log and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::CodeRefused => "code_refused",
            Self::MixUp => "mix_up",
            Self::Malformed => "malformed",
            Self::Token(error) => error.as_str(),
            Self::OtherSubject => "other_subject",
            Self::Claims => "claims_form",
        }
    }
}

/// An answer of a provider.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ProviderError>> + Send + 'a>>;

/// Somebody outside who knows who a person is.
pub trait IdentityProvider: Send + Sync {
    /// Its name here: in paths, in the log, in sessions.
    fn name(&self) -> &str;

    /// Where the browser is sent: an address at the provider that carries what was asked, and no secret.
    fn send<'a>(&'a self, asked: Asked<'a>) -> Answer<'a, String>;

    /// Whom the provider vouches for, for a login that was asked so and came back so. It answers for nobody whom it has not vouched for in this
    /// very login: nonce, verifier and issuer are its to check.
    fn identify<'a>(&'a self, asked: Asked<'a>, returned: &'a Returned) -> Answer<'a, Vouched>;
}
