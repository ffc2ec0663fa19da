//! Logins and sessions of people at the portals, and tokens of participants' systems.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::access::{Portal, Role};
use crate::{Edrpou, PersonId, SessionId, TokenId};

/// The text names no deed that is confirmed by a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a deed that is confirmed by a signature")]
pub struct UnknownDeed;

macro_rules! deeds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $uk:literal;)*) => {
        /// Deeds that a person confirms with a fresh signature. The names are those of the API's operations: a confirmation serves the
        /// operation of its name and no other.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Deed { $($(#[$doc])* $name,)* }

        impl Deed {
            /// Every deed, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What the person reads before signing.
            #[must_use]
            pub const fn text_uk(self) -> &'static str {
                match self { $(Self::$name => $uk),* }
            }
        }
    };
}

deeds! {
    /// Issue an API token to a participant's systems.
    IssueToken = "issue_token", "видати інформаційній системі учасника ключ доступу";
    /// Take such a token back.
    RevokeToken = "revoke_token", "відкликати ключ доступу інформаційної системи учасника";
    /// Entrust a role to a person.
    GrantRole = "grant_role", "надати особі роль";
    /// Take a role back.
    RevokeRole = "revoke_role", "відкликати роль особи";
    /// Enter a person into the directory, or take them out of it.
    RegisterPerson = "register_person", "змінити запис особи в довіднику";
    /// Enter participants, people and roles in bulk.
    ImportDirectory = "import_directory", "завантажити довідник учасників і осіб";
    /// End all sessions of a person.
    EndSessions = "end_sessions", "завершити всі сеанси особи";
    /// State what a certificate is believed for.
    SetTrust = "set_trust", "змінити довіру вузла до сертифіката";
    /// Take such a statement back.
    WithdrawTrust = "withdraw_trust", "скасувати рішення про довіру вузла до сертифіката";
    /// Enter a participant into the registry, or change its entry.
    RegisterParticipant = "register_participant", "змінити запис учасника в реєстрі вузла";
    /// Have a message in quarantine delivered again.
    RetryMessage = "retry_message", "повторно доставити повідомлення з карантину";
    /// Have a disposal act drawn up.
    DrawDisposalAct = "draw_disposal_act", "скласти акт про вилучення документів";
    /// Hand in a signature of such an act.
    SignDisposalAct = "sign_disposal_act", "подати підпис акта про вилучення документів";
    /// Take such an act back.
    WithdrawDisposalAct = "withdraw_disposal_act", "відкликати акт про вилучення документів";
    /// Take back what an import entered.
    UndoImport = "undo_import", "скасувати завантаження довідника";
    /// Take a person out of the directory.
    RemovePerson = "remove_person", "вилучити особу з довідника";
    /// Open break-glass access to what a person keeps at the node.
    OpenBreakGlass = "open_break_glass", "відкрити екстрений доступ до даних особи";
    /// Review such an access.
    ReviewBreakGlass = "review_break_glass", "оцінити правомірність екстреного доступу до даних особи";
    /// State another node, or change what is stated of it.
    SetPeer = "set_peer", "внести або змінити інший вузол для обміну документами";
    /// Withdraw another node.
    WithdrawPeer = "withdraw_peer", "вилучити інший вузол з обміну документами";
    /// Have what the log holds about a person erased.
    EraseDetails = "erase_details", "стерти відомості журналу про особу";
}

impl FromStr for Deed {
    type Err = UnknownDeed;
    fn from_str(text: &str) -> Result<Self, UnknownDeed> {
        Self::ALL.iter().copied().find(|deed| deed.as_str() == text).ok_or(UnknownDeed)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a challenge is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The deed that is to be confirmed, of who has a session. Absent: a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deed: Option<Deed>,
}

/// A text to be signed. It says in Ukrainian what the signature does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LoginChallenge {
    /// The text. What is signed are its octets in UTF-8, exactly.
    pub challenge: String,
    /// When it can be answered no more, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// A signed challenge, for a login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The text, exactly as it was given.
    pub challenge: String,
    /// CAdES signature over it by one signer, in base64: CMS SignedData, content inside or not.
    pub signature: String,
    /// The participant to act for. Absent: the organisation that the certificate names, where the signer is entrusted with a role there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<Edrpou>,
}

// The certificate in the signature names a person.
impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginRequest")
    }
}

/// A signed challenge that names a deed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUpRequest {
    /// The text, exactly as it was given.
    pub challenge: String,
    /// CAdES signature over it, as for a login, by the person whose session it is.
    pub signature: String,
}

// As of `LoginRequest`.
impl fmt::Debug for StepUpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepUpRequest")
    }
}

/// In whose name the session acts from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActingForRequest {
    /// A participant in which the person is entrusted with a role; `null`: nobody's.
    pub acting_for: Option<Edrpou>,
}

/// A participant with the roles that a person has within it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Engagement {
    /// Which.
    pub participant: Edrpou,
    /// The roles there.
    pub roles: Vec<Role>,
}

/// A deed that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Confirmation {
    /// Which.
    pub deed: Deed,
    /// Until when the confirmation serves, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// A session as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionView {
    /// Its name in the log. Opens nothing.
    pub session: SessionId,
    /// At which portal.
    pub portal: Portal,
    /// Whose.
    pub person: PersonId,
    /// The participant in whose name it acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<Edrpou>,
    /// The roles that it has now.
    pub roles: Vec<Role>,
    /// What it may act for.
    pub engagements: Vec<Engagement>,
    /// The identity provider that vouched for the person. Absent: they logged in with a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// When it was opened, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
    /// When it ends however much it is used, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
    /// Seconds without a request after which it ends.
    pub idle_seconds: u64,
    /// What was confirmed by a signature just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmation>,
    /// To be sent as `Vuzol-Csrf` with every request but GET and HEAD.
    pub csrf_token: String,
}

/// How many sessions were ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SessionsEnded {
    /// So many.
    pub ended: u32,
}

/// What a token is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is called in lists: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The actions that it may do, by their names; at least one.
    pub scopes: Vec<String>,
    /// Days until it expires, 1 to 365.
    #[schema(minimum = 1, maximum = 365)]
    pub days: u16,
}

/// A token, as lists show it: without what opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenView {
    /// Its name in the log. Opens nothing.
    pub token: TokenId,
    /// What it is called.
    pub name: String,
    /// The actions that it may do.
    pub scopes: Vec<String>,
    /// When it was issued, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub issued_at: OffsetDateTime,
    /// When it expires, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When it was taken back, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
}

/// The tokens of a participant, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenList {
    /// Them.
    pub tokens: Vec<TokenView>,
}

/// A new token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuedToken {
    /// What is kept of it.
    #[serde(flatten)]
    pub view: TokenView,
    /// To be sent as `Authorization: Bearer`. Shown this once: the node keeps its SHA-256 alone.
    pub secret: String,
}

// Whoever reads a log must not be able to act with what stands in it.
impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("view", &self.view).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_deeds_are_those_of_json_and_each_is_told_in_words() {
        for deed in Deed::ALL {
            assert_eq!(serde_json::to_value(deed).unwrap(), deed.as_str());
            assert_eq!(deed.as_str().parse(), Ok(*deed));
            // One line of a challenge.
            assert!(deed.text_uk().chars().all(|c| c == ' ' || c.is_alphabetic()), "{deed}");
        }
        assert_eq!("read_log".parse::<Deed>(), Err(UnknownDeed));
    }

    #[test]
    fn what_opens_something_is_not_shown() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let view = TokenView {
            token: TokenId::from_parts(1, [1; 10]),
            name: "n".to_owned(),
            scopes: Vec::new(),
            issued_at: at,
            expires_at: at,
            revoked_at: None,
        };
        let issued = IssuedToken { view, secret: "vuzol_secret".to_owned() };
        assert!(!format!("{issued:?}").contains("vuzol_secret"));
    }
}
