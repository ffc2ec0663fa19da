//! The text that a person signs to log in, or to confirm a deed.
//!
//! Its lines, each ended by LF except the last:
//!
//! ```text
//! ВХІД ДО ВУЗЛА ЗАХИЩЕНОГО ОБМІНУ
//! Підписуючи цей текст, Ви входите до порталу від свого імені. Це не документ: жодних інших наслідків підпис не має.
//! Вузол: vuzol.example.gov.ua
//! Портал: для посадових осіб, https://office.example.gov.ua
//! Дія: вхід
//! Видано: 2026-11-23 12:00:00 UTC
//! Чинний до: 2026-11-23 12:02:00 UTC
//! Одноразове число: <64 hexadecimal digits>
//! Код вузла: <64 hexadecimal digits>
//! ```
//!
//! One that confirms a deed has another heading, says the deed where `вхід` stands, and names the session in a line of its own.
//!
//! **The node keeps nothing of what it issues.** The last line is HMAC-SHA-256 over all octets before it, under a key that the node's
//! processes share. Only that a challenge was answered is kept, until it would have expired. A text is read back by writing it anew from
//! its parts and comparing: there is one text for each challenge.
//!
//! **A signature here and a signature on a document cannot stand for each other.** A login's signature is accepted over this text alone,
//! octet for octet, and a fresh code of the node is in it: no document is such a text. The other way, whoever hands the text in as a document
//! hands in a document that says that it is none, and which node and portal it was for; acknowledgements, acts and evidence, which the
//! node reads as JSON or by their own octets, are never such a text.

use schemas::SessionId;
use schemas::access::Portal;
use schemas::session::Deed;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::secret::{CodeKey, NodeSecret};

/// How long a challenge can be answered: time to find a token and enter its password, and little more.
pub const LIFETIME: Duration = Duration::minutes(2);

/// Longest text that is looked at. The longest that is issued has below 1,000 octets beside the names of node and portal.
const TEXT_BYTES: usize = 4096;

/// Where a challenge is answered: this portal of this node, at the address that the browser shows.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The node's name.
    pub node: &'a str,
    /// Which portal.
    pub portal: Portal,
    /// Its origin.
    pub origin: &'a str,
}

/// What a signature over a challenge does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Open a session.
    Login,
    /// Confirm a deed of a session.
    StepUp {
        /// Which.
        deed: Deed,
        /// In which session.
        session: SessionId,
    },
}

/// A challenge of this node that can be answered now. Made by [`Challenges::open`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    purpose: Purpose,
    expires_at: OffsetDateTime,
    nonce: [u8; 32],
}

impl Challenge {
    /// What a signature over it does.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// When it can be answered no more.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// What makes it the only one of its kind.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }
}

/// Why a text cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// This node has not issued it, not for this portal, or it was changed.
    #[error("not a challenge of this place")]
    Invalid,
    /// Its time is over, or has not begun: a clock that was set back proves nothing.
    #[error("out of time")]
    Expired,
}

/// Issues challenges and reads them back.
pub struct Challenges(CodeKey);

impl Challenges {
    /// Under a key that comes from the node's secret.
    #[must_use]
    pub fn new(secret: &NodeSecret) -> Self {
        Self(secret.key("vuzol login challenge 1"))
    }

    /// A new text, and when it expires.
    #[must_use]
    pub fn issue(&self, place: &Place<'_>, purpose: Purpose, now: OffsetDateTime) -> (String, OffsetDateTime) {
        let issued_at = now.replace_nanosecond(0).unwrap_or(now);
        let (expires_at, nonce) = (issued_at + LIFETIME, crypto::random::array());
        (self.write(place, purpose, issued_at, &nonce), expires_at)
    }

    /// Reads a text that came back.
    ///
    /// # Errors
    /// [`ChallengeError`]. Nothing of a text is read before its code was found to be right.
    pub fn open(&self, text: &str, place: &Place<'_>, now: OffsetDateTime) -> Result<Challenge, ChallengeError> {
        let parts = self.authentic(text).and_then(read).ok_or(ChallengeError::Invalid)?;
        let Parts { purpose, issued_at, nonce } = parts;
        if self.write(place, purpose, issued_at, &nonce) != text {
            return Err(ChallengeError::Invalid);
        }
        let expires_at = issued_at + LIFETIME;
        if !(issued_at..expires_at).contains(&now) {
            return Err(ChallengeError::Expired);
        }
        Ok(Challenge { purpose, expires_at, nonce })
    }

    /// What stands before the code, where the code is right.
    fn authentic<'t>(&self, text: &'t str) -> Option<&'t str> {
        let (body, code) = Some(text).filter(|text| text.len() <= TEXT_BYTES)?.rsplit_once(CODE)?;
        let code = crypto::digest::from_hex(code)?;
        self.0.holds(body.as_bytes(), &code).then_some(body)
    }

    fn write(&self, place: &Place<'_>, purpose: Purpose, issued_at: OffsetDateTime, nonce: &[u8; 32]) -> String {
        let Place { node, portal, origin } = place;
        let portal = match portal {
            Portal::Internal => "для посадових осіб",
            Portal::External => "для заявників",
        };
        let (heading, effect, deed, session) = match purpose {
            Purpose::Login => (LOGIN, LOGIN_EFFECT, LOGIN_DEED.to_owned(), String::new()),
            Purpose::StepUp { deed, session } => {
                let told = format!("{} ({deed})", deed.text_uk());
                (STEP_UP, STEP_UP_EFFECT, told, format!("{SESSION}{session}"))
            }
        };
        let (issued, expires) = (shown(issued_at), shown(issued_at + LIFETIME));
        let nonce = crypto::digest::hex(nonce);
        let mut text = format!(
            "{heading}\n{effect}\nВузол: {node}\nПортал: {portal}, {origin}{DEED}{deed}{session}\
             {ISSUED}{issued}{EXPIRES}{expires}{NONCE}{nonce}"
        );
        let code = self.0.code(text.as_bytes());
        text.push_str(CODE);
        text.push_str(&crypto::digest::hex(&code));
        text
    }
}

/// What differs from challenge to challenge.
struct Parts {
    purpose: Purpose,
    issued_at: OffsetDateTime,
    nonce: [u8; 32],
}

/// Reads what this node wrote: the code was right. That nothing stands between the parts is seen by writing it again.
fn read(body: &str) -> Option<Parts> {
    let deed = line(body, DEED)?;
    let purpose = if deed == LOGIN_DEED {
        Purpose::Login
    } else {
        let (_, name) = deed.strip_suffix(')')?.rsplit_once('(')?;
        Purpose::StepUp { deed: name.parse().ok()?, session: line(body, SESSION)?.parse().ok()? }
    };
    let issued_at = PrimitiveDateTime::parse(line(body, ISSUED)?, TIME).ok()?.assume_utc();
    let nonce = crypto::digest::from_hex(line(body, NONCE)?)?.try_into().ok()?;
    Some(Parts { purpose, issued_at, nonce })
}

/// What follows a label, up to the end of its line.
fn line<'t>(body: &'t str, label: &str) -> Option<&'t str> {
    let (_, rest) = body.split_once(label)?;
    rest.split('\n').next()
}

/// Whole seconds. A time that cannot be written so (after the year 9999) reads back as nothing.
fn shown(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(TIME).unwrap_or_default()
}

const LOGIN: &str = "ВХІД ДО ВУЗЛА ЗАХИЩЕНОГО ОБМІНУ";
const LOGIN_EFFECT: &str = "Підписуючи цей текст, Ви входите до порталу від свого імені. Це не документ: жодних інших наслідків підпис не має.";
const LOGIN_DEED: &str = "вхід";
const STEP_UP: &str = "ПІДТВЕРДЖЕННЯ ДІЇ У ВУЗЛІ ЗАХИЩЕНОГО ОБМІНУ";
const STEP_UP_EFFECT: &str =
    "Підписуючи цей текст, Ви підтверджуєте у своєму сеансі названу нижче дію і жодну іншу. Це не документ.";
const DEED: &str = "\nДія: ";
const SESSION: &str = "\nСеанс: ";
const ISSUED: &str = "\nВидано: ";
const EXPIRES: &str = "\nЧинний до: ";
const NONCE: &str = "\nОдноразове число: ";
const CODE: &str = "\nКод вузла: ";
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00:00.25 UTC);
    const HERE: Place<'_> = Place { node: "vuzol.example", portal: Portal::Internal, origin: "https://office.example" };

    fn challenges(octet: &str) -> Challenges {
        Challenges::new(&NodeSecret::from_hex(&octet.repeat(32)).unwrap())
    }

    fn step_up() -> Purpose {
        Purpose::StepUp { deed: Deed::IssueToken, session: SessionId::from_parts(1, [1; 10]) }
    }

    #[test]
    fn a_challenge_says_in_words_what_is_signed() {
        let challenges = challenges("0a");
        let (text, expires_at) = challenges.issue(&HERE, Purpose::Login, NOON);
        assert_eq!(expires_at, time::macros::datetime!(2026-11-23 12:02:00 UTC));
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(
            lines[..7],
            [
                LOGIN,
                LOGIN_EFFECT,
                "Вузол: vuzol.example",
                "Портал: для посадових осіб, https://office.example",
                "Дія: вхід",
                "Видано: 2026-11-23 12:00:00 UTC",
                "Чинний до: 2026-11-23 12:02:00 UTC",
            ]
        );
        assert!(lines[7].starts_with("Одноразове число: ") && lines[8].starts_with("Код вузла: "));
        assert_eq!(lines.len(), 9);
        assert_ne!(text, challenges.issue(&HERE, Purpose::Login, NOON).0, "each has a number of its own");
        let (text, _) = challenges.issue(&HERE, step_up(), NOON);
        assert!(text.starts_with(STEP_UP) && text.contains(Deed::IssueToken.text_uk()), "{text}");
    }

    #[test]
    fn what_was_issued_is_read_back_for_two_minutes() {
        let challenges = challenges("0a");
        for purpose in [Purpose::Login, step_up()] {
            let (text, expires_at) = challenges.issue(&HERE, purpose, NOON);
            let challenge = challenges.open(&text, &HERE, NOON).unwrap();
            assert_eq!((challenge.purpose(), challenge.expires_at()), (purpose, expires_at));
            assert!(text.contains(&crypto::digest::hex(challenge.nonce())));
            assert!(challenges.open(&text, &HERE, expires_at - Duration::microseconds(1)).is_ok());
            for late in [expires_at, NOON - Duration::seconds(2)] {
                assert_eq!(challenges.open(&text, &HERE, late), Err(ChallengeError::Expired), "{late}");
            }
        }
    }

    #[test]
    fn it_is_answered_where_it_was_issued_and_nowhere_else() {
        let here = challenges("0a");
        let (text, _) = here.issue(&HERE, Purpose::Login, NOON);
        let places = [
            Place { node: "other.example", ..HERE },
            Place { portal: Portal::External, ..HERE },
            Place { origin: "https://office.example.evil", ..HERE },
        ];
        for place in places {
            assert_eq!(here.open(&text, &place, NOON), Err(ChallengeError::Invalid), "{place:?}");
        }
        assert_eq!(challenges("0b").open(&text, &HERE, NOON), Err(ChallengeError::Invalid), "another node's code");
    }

    #[test]
    fn a_text_that_differs_in_one_octet_is_no_challenge() {
        let challenges = challenges("0a");
        let (text, _) = challenges.issue(&HERE, step_up(), NOON);
        for place in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[place] ^= 1;
            if let Ok(altered) = String::from_utf8(altered) {
                assert_eq!(challenges.open(&altered, &HERE, NOON), Err(ChallengeError::Invalid), "octet {place}");
            }
        }
        let upper = text.rsplit_once(CODE).map(|(body, code)| format!("{body}{CODE}{}", code.to_uppercase()));
        let more =
            [format!("{text}\n"), format!("\n{text}"), text.replace('\n', "\r\n"), String::new(), upper.unwrap()];
        for altered in more {
            assert_eq!(challenges.open(&altered, &HERE, NOON), Err(ChallengeError::Invalid), "{altered:?}");
        }
        let long = format!("{}{text}", " ".repeat(TEXT_BYTES));
        assert_eq!(challenges.open(&long, &HERE, NOON), Err(ChallengeError::Invalid));
    }
}
